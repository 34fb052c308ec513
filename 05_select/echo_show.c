#include "05_select/echo_show.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Time for an answer that is to come, and for one that is not, in ms. */
enum { PATIENCE = 10000, A_WHILE = 300 };

/* Our parent has its own idea of signals, and is to take us with it. */
static void become_a_child(const struct echo_server *s, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(CLI_ERROR);
    if (s->signals != -1)
        close(s->signals);
}

/* By _exit, since what is to be done at exit is our parent's to do. */
static _Noreturn void end(enum cli_status status)
{
    if (fflush(stdout) == EOF || ferror(stdout)) {
        warnx("stdout: not all could be written");
        status = CLI_ERROR;
    }
    _exit((int)status);
}

static _Noreturn void fail(const char *name, const char *why)
{
    warnx("%s: %s", name, why);
    end(CLI_ERROR);
}

static int come(const char *name, const struct sockaddr_storage *a,
                socklen_t length)
{
    int fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || connect(fd, (const struct sockaddr *)a, length) == -1)
        fail(name, strerror(errno));
    printf("%-7s comes\n", name);
    return fd;
}

static void say(const char *name, int fd, const char *text)
{
    size_t n = strlen(text);
    printf("%-7s says    %s\n", name, text);
    if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        fail(name, strerror(errno));
}

/* Returns whether there is something to hear in that time. */
static bool listen_for(const char *name, int fd, int ms)
{
    struct pollfd polled = {fd, POLLIN, 0};
    int n;
    do
        n = poll(&polled, 1, ms);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        fail(name, strerror(errno));
    if (n == 0)
        printf("%-7s hears   nothing\n", name);
    return n == 1;
}

/* As many bytes as were said, in whatever pieces they come. */
static void hear(const char *name, int fd, const char *wanted)
{
    char text[64] = "";
    size_t length = strlen(wanted);
    size_t used = 0;
    while (used < length) {
        if (!listen_for(name, fd, PATIENCE))
            fail(name, "no answer");
        ssize_t n = recv(fd, text + used, length - used, 0);
        if (n == -1)
            fail(name, strerror(errno));
        if (n == 0)
            fail(name, "no answer, but the end");
        used += (size_t)n;
    }
    printf("%-7s hears   %s\n", name, text);
    if (strcmp(text, wanted) != 0)
        fail(name, "not what it said, in upper case");
}

static void leave(const char *name, int fd)
{
    printf("%-7s leaves\n", name);
    close(fd);
}

static void play(const struct sockaddr_storage *a, socklen_t length,
                 bool in_turn)
{
    int first = come("first", a, length);
    int second = come("second", a, length);
    say("second", second, "hello, world");
    bool answered = listen_for("second", second, in_turn ? A_WHILE : PATIENCE);
    if (answered == in_turn)
        fail("second", "not as it should be while the first is there");
    if (answered)
        hear("second", second, "HELLO, WORLD");
    say("first", first, "good bye");
    hear("first", first, "GOOD BYE");
    leave("first", first);
    if (!answered)
        hear("second", second, "HELLO, WORLD");
    leave("second", second);
}

pid_t echo_show(const struct echo_server *s)
{
    struct sockaddr_storage a = {0};
    socklen_t length = sizeof a;
    if (getsockname(s->listener, (struct sockaddr *)&a, &length) == -1)
        err(CLI_ERROR, "getsockname");
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == -1)
        err(CLI_ERROR, "fork");
    if (pid > 0)
        return pid;
    become_a_child(s, parent);
    close(s->listener);
    play(&a, length, s->blocking);
    end(CLI_OK);
}
