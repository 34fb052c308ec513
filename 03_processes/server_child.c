#include "03_processes/server_child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "03_processes/serving.h"

/* How long a server may take to listen, and to end once it was told to. */
enum { START_SECONDS = 10, END_SECONDS = 5 };

/* Those that run, linked, for the end of the program. */
static struct server_child *first;
static pid_t owner;

/* What was built stands in build/CHAPTER/NAME: the path from the one that
 * runs to another.
 */
static void find_program(const char *program, char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n == -1)
        err(1, "/proc/self/exe");
    path[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    size_t used = strlen(path);
    if (snprintf(path + used, PATH_MAX - used, "/%s", program) >=
        (int)(PATH_MAX - used))
        errx(1, "%s: its path is too long", program);
}

static void become(const char *path, const struct server_child *s, int out,
                   pid_t parent)
{
    char delay[32];
    char connections[16];
    const char *argv[12] = {path, "-p", "0", "-d", delay};
    /* execv(3) takes words that it could write to, and does not. */
    union {
        const char *const *given;
        char *const *wanted;
    } words = {.given = argv};
    int n = 5;
    snprintf(delay, sizeof delay, "%g", s->delay);
    if (s->connections > 0) {
        snprintf(connections, sizeof connections, "%d", s->connections);
        argv[n++] = "-c";
        argv[n++] = connections;
    }
    if (s->address != NULL) {
        argv[n++] = "-a";
        argv[n++] = s->address;
    }
    if (s->name != NULL) {
        argv[n++] = "--server-name";
        argv[n++] = s->name;
    }
    /* It dies when its parent does, if the parent is not already dead. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(1);
    /* A terminal's Ctrl-C comes to us both. The parent may want to end in order,
     * with answers that are under way: it will tell us.
     */
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(out, STDOUT_FILENO) != -1)
        execv(path, words.wanted);
    warn("%s", path);
    _exit(127);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits until the descriptor can be read. Returns what poll(2) does. */
static int wait_for(int fd, double deadline)
{
    struct pollfd polled = {fd, POLLIN, 0};
    int n;
    do {
        double left = deadline - now();
        n = poll(&polled, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
    } while (n == -1 && errno == EINTR);
    return n;
}

/* Reads the first line that the server prints, its URL. Returns whether it
 * came in time.
 */
static bool read_url(int fd, char *url, size_t size)
{
    double deadline = now() + START_SECONDS;
    size_t used = 0;
    while (used < size && wait_for(fd, deadline) == 1) {
        ssize_t n = read(fd, url + used, size - used);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        used += (size_t)n;
        if (url[used - 1] == '\n') {
            url[used - 1] = '\0';
            return true;
        }
    }
    return false;
}

/* It has been told to end. Killed it would leave children of its own, so that
 * comes last.
 */
static void wait_for_end(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd != -1) {
        if (wait_for(pidfd, now() + END_SECONDS) == 0)
            kill(pid, SIGKILL);
        close(pidfd);
    }
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        continue;
}

void server_child_stop(struct server_child *s)
{
    struct server_child **link = &first;
    while (*link != NULL && *link != s)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    *link = s->next;
    kill(s->pid, SIGTERM);
    wait_for_end(s->pid);
    s->pid = 0;
}

/* At exit; a forked child that comes by here has no server to stop. */
static void stop_all(void)
{
    while (first != NULL && owner == getpid())
        server_child_stop(first);
}

void server_child_start(struct server_child *s)
{
    char path[PATH_MAX];
    int out[2];
    find_program(s->program, path);
    if (owner != getpid()) {
        if (atexit(stop_all) != 0)
            errx(1, "atexit: no room for another handler");
        owner = getpid();
        first = NULL;
    }
    if (pipe2(out, O_CLOEXEC) == -1)
        err(1, "pipe");
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == -1)
        err(1, "fork");
    if (s->pid == 0)
        become(path, s, out[1], parent);
    close(out[1]);
    s->next = first;
    first = s;
    if (!read_url(out[0], s->url, sizeof s->url))
        errx(1, "%s: the server did not start", path);
    close(out[0]);
}

const char *server_url(const char *given, const char *program, double delay)
{
    static struct server_child server;
    if (given == NULL) {
        server.program = program;
        server.delay = delay;
        /* One's own server is not to be what all wait for. */
        server.connections = SERVING_CONNECTIONS_MAX;
        server_child_start(&server);
        given = server.url;
    }
    printf("server: %s\n", given);
    return given;
}
