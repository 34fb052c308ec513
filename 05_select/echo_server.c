#include "05_select/echo_server.h"
#include "04_threads/file_limit.h"

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "05_select/echo.h"
#include "05_select/echo_show.h"

/* The kernel makes the backlog less if it wants to. A turn may cost much where
 * there are many, so that coming in one by one would take long.
 */
enum { BACKLOG = 4096, IN_A_ROW = 64 };

static const double put_aside = 0.1; /* seconds */

/* The clients of the demonstration. */
static pid_t show;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- The listening socket -------------------------------------------------- */

static void say_where(int listener, bool for_others)
{
    char host[48];
    char port[8];
    struct sockaddr_storage a = {0};
    socklen_t length = sizeof a;
    if (getsockname(listener, (struct sockaddr *)&a, &length) == -1)
        err(CLI_ERROR, "getsockname");
    int error = getnameinfo((struct sockaddr *)&a, length, host, sizeof host,
                            port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (error != 0)
        errx(CLI_ERROR, "getnameinfo: %s", gai_strerror(error));
    bool colons = a.ss_family == AF_INET6;
    if (for_others)
        printf("nc %s %s\n", host, port);
    else
        printf("server: %s%s%s:%s, with clients of our own\n",
               colons ? "[" : "", host, colons ? "]" : "", port);
}

static void listen_there(struct echo_server *s)
{
    char port[8];
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *a;
    int yes = 1;
    snprintf(port, sizeof port, "%d", s->port == -1 ? 0 : s->port);
    int error = getaddrinfo(s->address, port, &wanted, &a);
    if (error == EAI_MEMORY || error == EAI_SYSTEM)
        errx(CLI_ERROR, "%s: %s", s->address, gai_strerror(error));
    if (error != 0)
        errx(CLI_USAGE, "-a '%s': not an address such as 127.0.0.1 or ::1",
             s->address);
    int type = SOCK_STREAM | SOCK_CLOEXEC | (s->blocking ? 0 : SOCK_NONBLOCK);
    s->listener = socket(a->ai_family, type, 0);
    /* Or the port would be taken for a minute after clients were cut. */
    if (s->listener == -1 || setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR,
                                        &yes, sizeof yes) == -1)
        err(CLI_ERROR, "socket");
    if (bind(s->listener, a->ai_addr, a->ai_addrlen) == -1 ||
        listen(s->listener, BACKLOG) == -1)
        err(CLI_ERROR, "%s:%s", s->address, port);
    freeaddrinfo(a);
}

/* --- The end --------------------------------------------------------------- */

static sigset_t set_of_signals(const struct echo_server *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    /* Our only child is the demonstration: when that has ended, we do. */
    if (s->port == -1)
        sigaddset(&set, SIGCHLD);
    return set;
}

static void catch_signals(struct echo_server *s)
{
    struct sigaction no_news_of_stops = {.sa_handler = SIG_DFL,
                                         .sa_flags = SA_NOCLDSTOP};
    sigset_t set = set_of_signals(s);
    sigaction(SIGCHLD, &no_news_of_stops, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = -1;
    if (s->blocking)
        return;
    s->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (s->signals == -1)
        err(CLI_ERROR, "signalfd");
}

/* Who waits in accept or recv cannot wait for a signal as well: a thread does
 * so for it. A socket that is shut down has something to say at once, also to
 * a call that is about to be made.
 */
static pthread_t waiter;
static atomic_bool over;
static atomic_int its_client = -1;

static void *wait_for_signal(void *argument)
{
    const struct echo_server *s = argument;
    sigset_t set = set_of_signals(s);
    int signal;
    sigwait(&set, &signal);
    over = true;
    shutdown(s->listener, SHUT_RDWR);
    int fd = its_client;
    if (fd != -1)
        shutdown(fd, SHUT_RDWR);
    return NULL;
}

/* Nobody is left behind, however this program ends. Returns how the clients of
 * the demonstration ended.
 */
static int end_show(void)
{
    int status = 0;
    if (show == 0)
        return 0;
    kill(show, SIGTERM);
    while (waitpid(show, &status, 0) == -1 && errno == EINTR)
        continue;
    show = 0;
    return status;
}

static void end_show_at_exit(void)
{
    end_show();
}

/* --- The house ------------------------------------------------------------- */

void echo_server_start(struct echo_server *s)
{
    if (atexit(end_show_at_exit) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    file_limit_raise();
    listen_there(s);
    catch_signals(s);
    say_where(s->listener, s->port != -1);
    if (s->port == -1)
        show = echo_show(s);
    /* Nor does it end with whoever reads its messages. */
    signal(SIGPIPE, SIG_IGN);
    if (!s->blocking)
        return;
    errno = pthread_create(&waiter, NULL, wait_for_signal, s);
    if (errno != 0)
        err(CLI_ERROR, "a thread for signals");
}

int echo_server_pause(const struct echo_server *s)
{
    if (s->resume == 0)
        return -1;
    double left = s->resume - now();
    return left > 0 ? (int)(left * 1000) + 1 : -1;
}

static bool has_gone(int error)
{
    return error == EAGAIN || error == EINTR || error == ECONNABORTED ||
           error == EPROTO;
}

/* One try, and what is to be remembered of it. */
static int accept_one(struct echo_server *s)
{
    int flags = SOCK_CLOEXEC | (s->blocking ? 0 : SOCK_NONBLOCK);
    int fd = accept4(s->listener, NULL, NULL, flags);
    s->resume = 0;
    if (fd != -1) {
        s->accept_failed = false;
    } else if (!has_gone(errno) && !over) {
        if (!s->accept_failed)
            warn("accept");
        s->accept_failed = true;
        s->resume = now() + put_aside;
    }
    return fd;
}

int echo_server_accept(struct echo_server *s)
{
    int fd = -1;
    if (!s->blocking) {
        if (s->in_a_row++ < IN_A_ROW)
            fd = accept_one(s);
        if (fd == -1)
            s->in_a_row = 0;
        return fd;
    }
    its_client = -1;
    while (!over && (fd = accept_one(s)) == -1)
        if (echo_server_pause(s) != -1)
            nanosleep(&(struct timespec){0, (long)(put_aside * 1e9)}, NULL);
    /* Either the other thread finds the client here, or we find that it is
     * over.
     */
    its_client = fd;
    if (over && fd != -1) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void echo_server_refuse(int fd, const char *why)
{
    static bool said;
    char line[128];
    int n = snprintf(line, sizeof line, "refused: %s\n", why);
    if (!said)
        warnx("refused: %s", why);
    said = true;
    send(fd, line, (size_t)n, MSG_NOSIGNAL);
    /* What it has said already must be read, or it would be sent a reset, and
     * our line be lost in that.
     */
    shutdown(fd, SHUT_WR);
    char rest[4096];
    for (int i = 0; i < 16; i++)
        if (recv(fd, rest, sizeof rest, MSG_DONTWAIT) <= 0)
            break;
}

int echo_server_finish(struct echo_server *s)
{
    echo_close_all();
    if (s->blocking)
        pthread_join(waiter, NULL);
    else
        close(s->signals);
    close(s->listener);
    int status = end_show();
    /* Interrupted is not wrong. */
    if (WIFSIGNALED(status) &&
        (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT))
        return CLI_OK;
    return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_ERROR;
}
