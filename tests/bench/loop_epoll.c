/* The downloads with nothing but epoll, for tests/bench_loop.sh: no loop, no
 * parser, no care. What is left is the kernel's share of the time.
 *
 *     loop_epoll download PORT N
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 256, MOST = 65536 };

static const char request[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

static bool asked[MOST]; /* by descriptor */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(int epoll, const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct epoll_event e = {.events = EPOLLOUT, .data.fd = fd};
    if (fd == -1 || fd >= MOST)
        err(1, "socket");
    connect(fd, (const struct sockaddr *)address, sizeof *address);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

/* Returns whether its answer has come. */
static bool go_on(int epoll, int fd)
{
    char bytes[4096];
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (!asked[fd]) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0)
            errx(1, "connect: %s", strerror(error));
        if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == -1)
            err(1, "send");
        epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e);
        asked[fd] = true;
        return false;
    }
    if (recv(fd, bytes, sizeof bytes, 0) <= 0)
        err(1, "recv");
    close(fd);
    return true;
}

int main(int argc, char **argv)
{
    struct rlimit files = {0};
    if (argc != 4 || strcmp(argv[1], "download") != 0)
        errx(2, "usage: loop_epoll download PORT N");
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[2])),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int left = atoi(argv[3]);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    double start = now();
    int epoll = epoll_create1(0);
    for (int i = 0; i < left; i++)
        begin(epoll, &address);
    while (left > 0) {
        struct epoll_event ready[AT_ONCE];
        int n = epoll_wait(epoll, ready, AT_ONCE, -1);
        for (int i = 0; i < n; i++)
            left -= go_on(epoll, ready[i].data.fd);
    }
    printf("%.6f\n", now() - start);
}
