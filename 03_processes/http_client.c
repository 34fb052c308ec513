#include "03_processes/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* All waiting together ends at the deadline, by CLOCK_MONOTONIC: a limit for
 * each wait would let a server keep us for ever, byte by byte.
 */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits until the socket is ready; false with errno (ETIMEDOUT) if not. */
static bool wait_for(int fd, short events, double deadline)
{
    struct pollfd polled = {fd, events, 0};
    int n;
    do {
        double left = deadline - now();
        n = left > 0 ? poll(&polled, 1, (int)(left * 1000) + 1) : 0;
    } while (n == -1 && errno == EINTR);
    if (n == 0)
        errno = ETIMEDOUT;
    return n == 1;
}

/* A socket connected to that address, or -1 and errno. It does not block: a
 * call that did could not be given a deadline.
 */
static int dial(const struct addrinfo *a, double deadline)
{
    int fd =
        socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    int error = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        socklen_t size = sizeof error;
        if (!wait_for(fd, POLLOUT, deadline) ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
            error = errno;
    }
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

enum http_outcome http_connect(struct http_connection *c,
                               const struct http_url *url, double seconds,
                               struct http_reply *reply)
{
    double deadline = now() + seconds;
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    *reply = (struct http_reply){.outcome = HTTP_GOT};
    c->fd = -1;
    c->url = url;
    c->start = c->end = 0;
    int error = getaddrinfo(url->host, url->port, &wanted, &found);
    if (error == EAI_SYSTEM)
        return http_reply_errno(reply, url, errno);
    if (error != 0)
        return http_reply_fail(
            reply, url, error == EAI_MEMORY ? HTTP_NO_MEANS : HTTP_UNKNOWN,
            "%s", gai_strerror(error));
    for (struct addrinfo *a = found; a != NULL && c->fd == -1; a = a->ai_next)
        c->fd = dial(a, deadline);
    int why = errno;
    freeaddrinfo(found);
    errno = why;
    return c->fd == -1 ? http_reply_errno(reply, url, errno) : HTTP_GOT;
}

void http_disconnect(struct http_connection *c)
{
    if (c->fd != -1)
        close(c->fd);
    c->fd = -1;
}

/* Returns whether all was sent; errno says why if not. */
static bool send_all(int fd, const char *bytes, size_t length, double deadline)
{
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n == -1 && errno == EAGAIN && wait_for(fd, POLLOUT, deadline))
            continue;
        if (n == -1 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        }
    }
    return true;
}

static void receive(struct http_connection *c, double deadline,
                    struct http_reply *reply)
{
    for (;;) {
        const char *at = c->bytes + c->start;
        bool more = http_reply_take(reply, c->url, &at, c->bytes + c->end);
        c->start = (size_t)(at - c->bytes);
        if (!more)
            return;
        ssize_t n = recv(c->fd, c->bytes, sizeof c->bytes, 0);
        if (n == -1 && errno == EAGAIN && wait_for(c->fd, POLLIN, deadline))
            continue;
        if (n == -1 && errno != EINTR) {
            http_reply_errno(reply, c->url, errno);
            return;
        }
        if (n == 0) {
            http_reply_end(reply, c->url);
            return;
        }
        c->start = 0;
        c->end = n > 0 ? (size_t)n : 0;
    }
}

enum http_outcome http_send(struct http_connection *c, const char *method,
                            bool keep_alive, double seconds,
                            struct http_reply *reply)
{
    char request[HTTP_REQUEST_MAX];
    size_t n = http_reply_begin(reply, method, c->url, keep_alive, request);
    c->keep_alive = keep_alive;
    if (n > 0 && !send_all(c->fd, request, n, now() + seconds))
        http_reply_errno(reply, c->url, errno);
    if (reply->outcome != HTTP_GOT)
        http_disconnect(c);
    return reply->outcome;
}

enum http_outcome http_receive(struct http_connection *c, double seconds,
                               struct http_reply *reply)
{
    receive(c, now() + seconds, reply);
    if (reply->outcome != HTTP_GOT || !c->keep_alive || !reply->head.keep_alive)
        http_disconnect(c);
    return reply->outcome;
}

enum http_outcome http_exchange(struct http_connection *c, const char *method,
                                bool keep_alive, double seconds,
                                struct http_reply *reply)
{
    double deadline = now() + seconds;
    if (http_send(c, method, keep_alive, seconds, reply) == HTTP_GOT)
        http_receive(c, deadline - now(), reply);
    return reply->outcome;
}

enum http_outcome http_ask(const char *method, const struct http_url *url,
                           double seconds, struct http_reply *reply)
{
    double deadline = now() + seconds;
    struct http_connection c;
    if (http_connect(&c, url, seconds, reply) == HTTP_GOT)
        http_exchange(&c, method, false, deadline - now(), reply);
    return reply->outcome;
}

enum http_outcome http_get(const char *url, double seconds,
                           struct http_reply *reply)
{
    struct http_url parts;
    if (http_url_split(url, &parts))
        return http_ask("GET", &parts, seconds, reply);
    *reply = (struct http_reply){.outcome = HTTP_BAD_URL};
    snprintf(reply->why, sizeof reply->why,
             "'%.60s': not http://host:port/path", url);
    return HTTP_BAD_URL;
}
