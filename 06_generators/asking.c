#include "06_generators/asking.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/server_child.h"
#include "03_processes/serving.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Always false. */
static bool fail(struct asking *a, const char *reason)
{
    snprintf(a->reply.why, sizeof a->reply.why, "%.60s: %s",
             a->connection.url->authority, reason);
    a->error = a->reply.why;
    return false;
}

/* The sockets of http_connect do not block. Those of the talk do. */
static bool let_it_block(int fd, double seconds)
{
    /* 0 would be for ever. */
    struct timeval patience = {(time_t)seconds + 1, 0};
    int flags = fcntl(fd, F_GETFL);
    return flags != -1 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != -1 &&
           setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                      sizeof patience) == 0;
}

bool asking_start(struct asking *a, const struct http_url *url, double seconds)
{
    struct http_connection *c = &a->connection;
    a->error = NULL;
    a->deadline = now() + seconds;
    if (http_connect(c, url, seconds, &a->reply) == HTTP_GOT)
        http_send(c, "GET", false, seconds, &a->reply);
    a->fd = c->fd;
    if (a->reply.outcome != HTTP_GOT)
        a->error = a->reply.why;
    else if (!let_it_block(a->fd, seconds))
        fail(a, strerror(errno));
    return a->error == NULL;
}

bool asking_take(struct asking *a, const char *bytes, ssize_t n)
{
    struct http *answer = &a->reply.head;
    if (n == -1 && errno != EAGAIN && errno != EINTR)
        return fail(a, strerror(errno));
    enum http_event event = HTTP_MORE;
    const char *at = bytes;
    if (n != -1) {
        do
            event =
                n > 0 ? http_feed(answer, &at, bytes + n) : http_end(answer);
        while (event == HTTP_HEAD || event == HTTP_BODY);
    }
    if (event == HTTP_FAILED)
        return fail(a, http_error_text(answer->error));
    if (event == HTTP_MORE && n == 0)
        return fail(a, "hung up without an answer");
    if (event == HTTP_DONE && answer->status != 200) {
        char status[64];
        snprintf(status, sizeof status, "%d %s", answer->status,
                 answer->reason);
        return fail(a, status);
    }
    if (event == HTTP_MORE && now() >= a->deadline)
        return fail(a, "no whole answer in time");
    return event == HTTP_MORE;
}

void asking_end(struct asking *a)
{
    http_disconnect(&a->connection);
    http_reply_free(&a->reply);
    a->fd = -1;
}

/* The URL that is given, or that of a server that is started. */
static const char *find(struct http_url *parts, struct server_child *own,
                        double delay, const char *given)
{
    own->program = "04_threads/server_threads";
    own->connections = SERVING_CONNECTIONS_MAX;
    own->delay = delay;
    if (given == NULL)
        server_child_start(own);
    const char *url = given == NULL ? own->url : given;
    if (!http_url_split(url, parts))
        errx(CLI_ERROR, "'%s': not http://host:port/path", url);
    return url;
}

void asking_servers(struct http_url *slow, double slow_delay,
                    struct http_url *quick, double quick_delay,
                    const char *given)
{
    static struct server_child own[2];
    printf("server: %s\n", find(slow, &own[0], slow_delay, given));
    const char *url = find(quick, &own[1], quick_delay, given);
    if (given == NULL)
        printf("server: %s\n", url);
}
