#include "03_processes/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4U /* of the kernel; not every libc knows it */
#endif

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void close_fd(int *fd)
{
    if (*fd != -1)
        close(*fd);
    *fd = -1;
}

static void close_pair(int pair[2])
{
    close_fd(&pair[0]);
    close_fd(&pair[1]);
}

/* The terminal's Ctrl-C goes to this process group from now on, and to no
 * other. Who is in the background and calls this is stopped by SIGTTOU, unless
 * it ignores that.
 */
static void give_terminal_to(pid_t group)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    sigaction(SIGTTOU, &ignore, &before);
    tcsetpgrp(STDIN_FILENO, group);
    sigaction(SIGTTOU, &before, NULL);
}

/* In the child, between fork and exec. What fails here is told to the parent
 * as an errno through the last pipe, which a successful exec closes.
 */
static void become(const struct child *c, int in, int out, int err, int tell)
{
    setpgid(0, 0);
    if (c->keep_terminal)
        give_terminal_to(getpid());
    /* An ignored signal stays ignored across exec; a shell's child starts
     * with the defaults, and so does ours.
     */
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    /* Descriptors that we were given without close-on-exec end here too, where
     * the kernel can do that (since 5.11).
     */
    syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);

    bool ready = (in == -1 || dup2(in, STDIN_FILENO) != -1) &&
                 dup2(out, STDOUT_FILENO) != -1 &&
                 dup2(err, STDERR_FILENO) != -1;
    char *entry; /* putenv keeps it */
    for (const char *const *e = c->environment; ready && e && *e; e++)
        ready = (entry = strdup(*e)) != NULL && putenv(entry) == 0;
    if (ready && c->directory)
        ready = chdir(c->directory) == 0;
    union { /* exec's prototype is older than const */
        const char *const *given;
        char *const *wanted;
    } argv = {.given = c->argv};
    if (ready)
        execvp(c->argv[0], argv.wanted);
    int why = errno;
    /* If even this fails, the exit status still says that exec did. */
    (void)!write(tell, &why, sizeof why);
    _exit(127);
}

int child_start(struct child *c)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int err[2] = {-1, -1};
    int tell[2] = {-1, -1};
    int pidfd = -1;
    c->pid = 0;
    c->status = 0;
    c->timed_out = false;
    c->pidfd = -1;
    c->in = -1;
    c->out = (struct child_output){.fd = -1};
    c->err = (struct child_output){.fd = -1};

    if (c->input != NULL) {
        if (pipe2(in, O_CLOEXEC) == -1)
            goto fail;
    } else if (!c->keep_terminal) {
        in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (in[0] == -1)
            goto fail;
    }
    if (pipe2(out, O_CLOEXEC) == -1 || pipe2(tell, O_CLOEXEC) == -1)
        goto fail;
    if (!c->merge && pipe2(err, O_CLOEXEC) == -1)
        goto fail;

    c->pid = fork();
    if (c->pid == -1)
        goto fail;
    if (c->pid == 0)
        become(c, in[0], out[1], c->merge ? out[1] : err[1], tell[1]);
    pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    int pidfd_why = errno;
    /* Here as well, since either may come first. */
    setpgid(c->pid, c->pid);
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&err[1]);
    close_fd(&tell[1]);

    /* Nothing to read is good news: the pipe was closed by exec. */
    int why = pidfd == -1 ? pidfd_why : 0;
    ssize_t n;
    do
        n = read(tell[0], &why, sizeof why);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        why = errno;
    if (n != 0 || pidfd == -1) {
        kill(-c->pid, SIGKILL); /* it may have started others by now */
        while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
            continue;
        errno = why;
        goto fail;
    }
    close_fd(&tell[0]);
    c->pidfd = pidfd;
    c->in = in[1];
    c->out.fd = out[0];
    c->err.fd = err[0];
    int ours[] = {c->in, c->out.fd, c->err.fd};
    for (int i = 0; i < 3; i++)
        if (ours[i] != -1)
            fcntl(ours[i], F_SETFL, O_NONBLOCK);
    return 0;

fail:;
    int saved = errno;
    c->pid = 0;
    close_pair(in);
    close_pair(out);
    close_pair(err);
    close_pair(tell);
    close_fd(&pidfd);
    errno = saved;
    return -1;
}

/* Reads what is there: one piece, or all. A full buffer doubles. */
static int take(struct child_output *o, size_t *room, bool all)
{
    while (o->fd != -1) {
        if (o->length + 1 >= *room) {
            size_t more = *room ? *room * 2 : 4096;
            char *bigger = realloc(o->text, more);
            if (bigger == NULL)
                return -1;
            o->text = bigger;
            *room = more;
        }
        ssize_t n = read(o->fd, o->text + o->length, *room - o->length - 1);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return errno == EAGAIN ? 0 : -1;
        if (n == 0)
            close_fd(&o->fd);
        o->length += (size_t)n;
        if (!all)
            break;
    }
    return 0;
}

static void feed(struct child *c, size_t *sent)
{
    size_t length = strlen(c->input);
    if (*sent < length) {
        /* It may have closed its stdin: no reason to die of SIGPIPE. */
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        struct sigaction before;
        sigaction(SIGPIPE, &ignore, &before);
        ssize_t n = write(c->in, c->input + *sent, length - *sent);
        int why = errno;
        sigaction(SIGPIPE, &before, NULL);
        if (n > 0)
            *sent += (size_t)n;
        if (n == -1 && why != EAGAIN && why != EINTR)
            *sent = length; /* it will read no more of it */
    }
    if (*sent == length)
        close_fd(&c->in);
}

void child_end(struct child *c, bool kill_first)
{
    if (c->pid == 0)
        return;
    if (kill_first)
        kill(-c->pid, SIGKILL);
    /* While it is not reaped its number is its own: what it left behind of
     * its group can be ended without hitting a stranger.
     */
    siginfo_t info;
    while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) == -1 &&
           errno == EINTR)
        continue;
    kill(-c->pid, SIGKILL);
    while (waitpid(c->pid, &c->status, 0) == -1 && errno == EINTR)
        continue;
    c->pid = 0;
    close_fd(&c->in);
    close_fd(&c->out.fd);
    close_fd(&c->err.fd);
    close_fd(&c->pidfd);
    if (c->keep_terminal)
        give_terminal_to(getpgrp());
}

/* One wait and what it brings. Returns whether there is more to come: there
 * is none once the program has ended and its pipes hold nothing more, even if
 * something that it started keeps them open.
 */
static bool turn(struct child *c, double deadline, size_t room[2], size_t *sent,
                 int *failed)
{
    enum { OUT, ERR, IN, END };
    struct pollfd polled[] = {[OUT] = {c->out.fd, POLLIN, 0},
                              [ERR] = {c->err.fd, POLLIN, 0},
                              [IN] = {c->in, POLLOUT, 0},
                              [END] = {c->pidfd, POLLIN, 0}};
    double left = deadline - now();
    if (c->seconds > 0 && left <= 0) {
        c->timed_out = true;
        return false;
    }
    int n = poll(polled, 4, c->seconds > 0 ? (int)(left * 1000) + 1 : -1);
    if (n == -1) {
        *failed = errno == EINTR ? 0 : errno;
        return !*failed;
    }
    /* Once the program has ended, all that it wrote is there: both are read
     * until they are empty. What it has left behind may not write on.
     */
    bool ended = polled[END].revents != 0;
    if (ended)
        kill(-c->pid, SIGKILL);
    if ((ended || polled[OUT].revents) && take(&c->out, &room[0], ended) == -1)
        *failed = errno;
    if ((ended || polled[ERR].revents) && take(&c->err, &room[1], ended) == -1)
        *failed = errno;
    if (polled[IN].revents)
        feed(c, sent);
    return !*failed && !ended;
}

int child_finish(struct child *c)
{
    double deadline = now() + c->seconds;
    size_t room[2] = {0, 0};
    size_t sent = 0;
    int failed = 0;
    while (turn(c, deadline, room, &sent, &failed))
        continue;
    child_end(c, failed || c->timed_out);
    struct child_output *both[] = {&c->out, &c->err};
    for (int i = 0; i < 2; i++) {
        if (both[i]->text == NULL)
            both[i]->text = calloc(1, 1);
        if (both[i]->text == NULL)
            failed = ENOMEM;
        else
            both[i]->text[both[i]->length] = '\0';
    }
    errno = failed;
    return failed ? -1 : 0;
}

int child_run(struct child *c)
{
    return child_start(c) == -1 ? -1 : child_finish(c);
}

void child_free(struct child *c)
{
    free(c->out.text);
    free(c->err.text);
    c->out.text = c->err.text = NULL;
}

const char *child_ending(const struct child *c, char text[64])
{
    if (c->timed_out)
        snprintf(text, 64, "timed out");
    else if (WIFSIGNALED(c->status))
        snprintf(text, 64, "killed by signal %d, %s", WTERMSIG(c->status),
                 strsignal(WTERMSIG(c->status)));
    else
        snprintf(text, 64, "exit %d", WEXITSTATUS(c->status));
    return text;
}
