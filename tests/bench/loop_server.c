/* A server that takes its time and nothing else, for tests/bench_loop.sh: it
 * answers every request after the same delay and hangs up. Plain epoll, so that
 * it is not what is measured.
 *
 *     loop_server SECONDS
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, AT_ONCE = 256 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                             "Connection: close\r\n\r\nhello";

/* Those that wait for their answer; as the delay is the same for all, the first
 * one is the first to get it.
 */
static struct waiting {
    int fd;
    double due;
} waiting[MOST];
static size_t first, last;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int listen_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd == -1 || bind(fd, (struct sockaddr *)&a, size) == -1 ||
        listen(fd, MOST) == -1 ||
        getsockname(fd, (struct sockaddr *)&a, &size) == -1)
        err(1, "listen");
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

/* The head of a request comes in one piece, as a rule, and ends so. */
static void hear(int fd, double delay)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n >= 4 && memcmp(bytes + n - 4, "\r\n\r\n", 4) == 0)
        waiting[last++ % MOST] = (struct waiting){fd, now() + delay};
    else if (n == 0 || (n == -1 && errno != EAGAIN))
        close(fd);
}

static void answer_due(void)
{
    for (double t = now(); first < last && waiting[first % MOST].due <= t;) {
        int fd = waiting[first++ % MOST].fd;
        (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
        close(fd);
    }
}

static void accept_all(int epoll, int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
    }
    if (errno != EAGAIN)
        err(1, "accept");
}

int main(int argc, char **argv)
{
    struct rlimit files = {0};
    if (argc != 2)
        errx(2, "usage: loop_server SECONDS");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = listen_somewhere();
    int epoll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        struct epoll_event ready[AT_ONCE];
        double left = first < last ? waiting[first % MOST].due - now() : 3600;
        struct timespec t = {(time_t)left, 0};
        if (left < 0)
            left = 0;
        t.tv_nsec = (long)((left - (double)(time_t)left) * 1e9);
        int n = epoll_pwait2(epoll, ready, AT_ONCE, &t, NULL);
        for (int i = 0; i < n; i++)
            if (ready[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                hear(ready[i].data.fd, strtod(argv[1], NULL));
        answer_due();
    }
}
