#include "05_select/crowd.h"
#include "04_threads/file_limit.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"

/* The descriptors that we or the server need besides. */
enum { BESIDES = 32 };

enum { GROUP = 100, PATIENCE = 20000 /* ms */ };

static const char said[] = "thirty-two bytes, all of them .\n";
static const char wanted[] = "THIRTY-TWO BYTES, ALL OF THEM .\n";
enum { LENGTH = sizeof said - 1 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Each connection has a port of its own at our end. */
static int count_ports(void)
{
    int first = 0;
    int last = 0;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (f == NULL || fscanf(f, "%d %d", &first, &last) != 2)
        warn("/proc/sys/net/ipv4/ip_local_port_range");
    if (f != NULL)
        fclose(f);
    return last > first ? last - first - BESIDES : 16000;
}

int crowd_limit(const char **which)
{
    int files = file_limit_raise();
    int ports = count_ports();
    if (files >= ports + BESIDES) {
        *which = "local ports (ip_local_port_range)";
        return ports;
    }
    *which = "descriptors (ulimit -Hn)";
    return files - BESIDES;
}

static void say(int fd)
{
    if (send(fd, said, LENGTH, MSG_NOSIGNAL) != LENGTH)
        err(CLI_ERROR, "send");
}

/* Waits for the answer, a line. Returns NULL, or what came instead. */
static const char *hear(int fd, int ms)
{
    static char heard[128];
    size_t used = 0;
    heard[0] = '\0';
    struct pollfd polled = {fd, POLLIN, 0};
    do {
        int ready = poll(&polled, 1, ms);
        if (ready == -1 && errno == EINTR)
            continue;
        if (ready == 0)
            return "no answer while the others are there";
        ssize_t n = ready == -1
                        ? -1
                        : recv(fd, heard + used, sizeof heard - 1 - used, 0);
        if (n == -1)
            return strerror(errno);
        if (n == 0)
            return "the end, and no answer";
        used += (size_t)n;
        heard[used] = '\0';
    } while (strchr(heard, '\n') == NULL && used < sizeof heard - 1);
    if (strcmp(heard, wanted) == 0)
        return NULL;
    heard[strcspn(heard, "\n")] = '\0';
    return heard;
}

static int come(const struct sockaddr_in *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        err(CLI_ERROR, "socket");
    if (connect(fd, (const struct sockaddr *)server, sizeof *server) == -1)
        err(CLI_ERROR, "connect");
    say(fd);
    return fd;
}

/* One group after the other, so that none has to wait for being let in longer
 * than the kernel lets it.
 */
void crowd_come(struct crowd *c, int port, int wanted_count, int ms)
{
    *c = (struct crowd){.server = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    c->fds = calloc((size_t)wanted_count, sizeof *c->fds);
    if (c->fds == NULL)
        err(CLI_ERROR, "%d clients", wanted_count);
    for (int there = 0; there < wanted_count;) {
        int end = there + GROUP < wanted_count ? there + GROUP : wanted_count;
        for (; there < end; there++)
            c->fds[there] = come(&c->server);
        for (; c->count < there; c->count++) {
            const char *wrong =
                hear(c->fds[c->count], c->count == 0 ? PATIENCE : ms);
            if (wrong == NULL)
                continue;
            snprintf(c->why, sizeof c->why, "%s", wrong);
            /* That one leaves, and those behind it. */
            while (there > c->count)
                close(c->fds[--there]);
            return;
        }
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double crowd_ask(struct crowd *c, int times)
{
    double *seconds = calloc((size_t)times, sizeof *seconds);
    if (seconds == NULL)
        err(CLI_ERROR, "%d times", times);
    for (int i = 0; i < times; i++) {
        /* From everywhere among them. */
        int fd = c->fds[(long)i * 7919 % c->count];
        double start = now();
        say(fd);
        const char *wrong = hear(fd, PATIENCE);
        seconds[i] = now() - start;
        if (wrong != NULL)
            errx(CLI_ERROR, "client %d of %d: %s", i + 1, c->count, wrong);
    }
    qsort(seconds, (size_t)times, sizeof *seconds, compare);
    double median = seconds[times / 2];
    free(seconds);
    return median;
}

void crowd_leave(struct crowd *c)
{
    /* With a reset: otherwise each would keep its port for a minute. */
    struct linger at_once = {1, 0};
    for (int i = 0; i < c->count; i++) {
        if (setsockopt(c->fds[i], SOL_SOCKET, SO_LINGER, &at_once,
                       sizeof at_once) == -1)
            warn("setsockopt");
        close(c->fds[i]);
    }
    free(c->fds);
    c->fds = NULL;
    c->count = 0;
}
