/* Round trips a second over many connections, for tests/bench_echo.sh: each
 * says 32 bytes, and says them again when it has heard them.
 *
 *     echo_load PORT CONNECTIONS SECONDS
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LENGTH = 32, MOST = 10000, AT_ONCE = 64 };

static const char said[] = "thirty-two bytes, all of them .\n";
static const char wanted[] = "THIRTY-TWO BYTES, ALL OF THEM .\n";

static struct connection {
    int fd;
    int heard; /* of LENGTH */
} connections[MOST];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const struct connection *c)
{
    if (send(c->fd, said, LENGTH, MSG_NOSIGNAL) != LENGTH)
        err(1, "send");
}

/* Returns whether that was the last byte of an answer. */
static int hear(struct connection *c)
{
    char text[LENGTH];
    ssize_t n = recv(c->fd, text, (size_t)(LENGTH - c->heard), 0);
    if (n == -1 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        err(1, "recv");
    if (memcmp(text, wanted + c->heard, (size_t)n) != 0)
        errx(1, "another answer");
    c->heard = (c->heard + (int)n) % LENGTH;
    return c->heard == 0;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: echo_load PORT CONNECTIONS SECONDS");
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(argv[1])),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int count = atoi(argv[2]);
    double seconds = strtod(argv[3], NULL);
    int epoll = epoll_create1(0);
    if (epoll == -1 || count < 1 || count > MOST)
        errx(2, "%s connections", argv[2]);
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd == -1 ||
            connect(c->fd, (struct sockaddr *)&a, sizeof a) == -1 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) == -1)
            err(1, "connection %d", i + 1);
    }

    double start = now();
    long trips = 0;
    for (int i = 0; i < count; i++)
        say(&connections[i]);
    while (now() - start < seconds) {
        struct epoll_event ready[AT_ONCE];
        int n = epoll_wait(epoll, ready, AT_ONCE, 10000);
        if (n <= 0)
            err(1, "no answer");
        for (int i = 0; i < n; i++) {
            struct connection *c = ready[i].data.ptr;
            if (!hear(c))
                continue;
            trips++;
            say(c);
        }
    }
    printf("%.0f\n", (double)trips / (now() - start));
    /* By a reset: no port is left waiting. */
    struct linger at_once = {1, 0};
    for (int i = 0; i < count; i++)
        setsockopt(connections[i].fd, SOL_SOCKET, SO_LINGER, &at_once,
                   sizeof at_once);
    return 0;
}
