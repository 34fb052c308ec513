#include "03_processes/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

__attribute__((format(printf, 4, 5))) static enum http_outcome give_up(
    struct http_reply *reply, enum http_outcome outcome,
    const struct http_url *url, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    int n = snprintf(reply->why, sizeof reply->why, "%.60s: ", url->authority);
    vsnprintf(reply->why + n, sizeof reply->why - (size_t)n, format, rest);
    va_end(rest);
    free(reply->body);
    reply->body = NULL;
    reply->length = 0;
    return reply->outcome = outcome;
}

/* What an errno of socket, connect, send or recv means to the caller. */
static enum http_outcome give_up_errno(struct http_reply *reply,
                                       const struct http_url *url)
{
    enum http_outcome outcome = HTTP_UNREACHED;
    if (errno == EPIPE || errno == ECONNRESET)
        outcome = HTTP_HUNG_UP;
    else if (errno == ETIMEDOUT)
        outcome = HTTP_TIMED_OUT;
    else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
             errno == ENOBUFS)
        outcome = HTTP_NO_MEANS;
    return give_up(reply, outcome, url, "%s", strerror(errno));
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
        return give_up_errno(reply, url);
    if (error != 0)
        return give_up(reply,
                       error == EAI_MEMORY ? HTTP_NO_MEANS : HTTP_UNKNOWN, url,
                       "%s", gai_strerror(error));
    for (struct addrinfo *a = found; a != NULL && c->fd == -1; a = a->ai_next)
        c->fd = dial(a, deadline);
    int why = errno;
    freeaddrinfo(found);
    errno = why;
    return c->fd == -1 ? give_up_errno(reply, url) : HTTP_GOT;
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

/* Adds the piece to the body; room is for the NUL behind it as well. */
static enum http_outcome keep_piece(struct http_reply *reply, size_t *room)
{
    struct http_text piece = reply->head.piece;
    size_t length = reply->length + piece.length;
    if (length > HTTP_REPLY_MAX)
        return HTTP_TOO_LONG;
    if (length >= *room) {
        size_t bigger = length >= 2 * *room ? length + 1 : 2 * *room;
        char *body = realloc(reply->body, bigger);
        if (body == NULL)
            return HTTP_NO_MEANS;
        reply->body = body;
        *room = bigger;
    }
    memcpy(reply->body + reply->length, piece.at, piece.length);
    reply->length = length;
    reply->body[length] = '\0';
    return HTTP_GOT;
}

/* Reads on to the next thing that happens to the answer. False where nothing
 * more comes, with errno, or with 0 for the server's end.
 */
static bool next_event(struct http_connection *c, struct http *head,
                       double deadline, enum http_event *event)
{
    for (;;) {
        const char *at = c->bytes + c->start;
        *event = http_feed(head, &at, c->bytes + c->end);
        c->start = (size_t)(at - c->bytes);
        if (*event != HTTP_MORE)
            return true;
        ssize_t n = recv(c->fd, c->bytes, sizeof c->bytes, 0);
        if (n == 0) {
            errno = 0;
            *event = http_end(head);
            return *event == HTTP_DONE;
        }
        if (n == -1 && errno == EAGAIN && wait_for(c->fd, POLLIN, deadline))
            continue;
        if (n == -1 && errno != EINTR)
            return false;
        c->start = 0;
        c->end = n > 0 ? (size_t)n : 0;
    }
}

static enum http_outcome receive(struct http_connection *c, double deadline,
                                 struct http_reply *reply)
{
    size_t room = 1;
    enum http_event event;
    while (next_event(c, &reply->head, deadline, &event)) {
        if (event == HTTP_FAILED && reply->head.error == HTTP_NO_MEMORY)
            return give_up(reply, HTTP_NO_MEANS, c->url, "out of memory");
        if (event == HTTP_FAILED)
            return give_up(reply, HTTP_NO_SENSE, c->url,
                           "an answer that is no HTTP: %s",
                           http_error_text(reply->head.error));
        if (event == HTTP_DONE) {
            reply->status = reply->head.status;
            return HTTP_GOT;
        }
        if (event != HTTP_BODY)
            continue;
        enum http_outcome outcome = keep_piece(reply, &room);
        if (outcome == HTTP_TOO_LONG)
            return give_up(reply, outcome, c->url,
                           "an answer of more than %d bytes", HTTP_REPLY_MAX);
        if (outcome != HTTP_GOT)
            return give_up(reply, outcome, c->url, "out of memory");
    }
    if (errno == ETIMEDOUT)
        return give_up(reply, HTTP_TIMED_OUT, c->url,
                       "no whole answer in time");
    if (errno == 0 || errno == ECONNRESET)
        return give_up(reply, HTTP_HUNG_UP, c->url,
                       "it hung up before its answer was whole");
    return give_up_errno(reply, c->url);
}

enum http_outcome http_send(struct http_connection *c, const char *method,
                            bool keep_alive, double seconds,
                            struct http_reply *reply)
{
    char request[sizeof c->url->target + sizeof c->url->authority + 128];
    size_t n = http_write_request(
        request, sizeof request, method, c->url,
        keep_alive ? "User-Agent: groundup\r\n"
                   : "User-Agent: groundup\r\nConnection: close\r\n");
    *reply = (struct http_reply){.outcome = HTTP_GOT};
    http_init(&reply->head, HTTP_RESPONSE);
    reply->head.to_head = strcmp(method, "HEAD") == 0;
    reply->body = calloc(1, 1);
    c->keep_alive = keep_alive;
    if (reply->body == NULL || n == 0)
        give_up(reply, HTTP_NO_MEANS, c->url, "out of memory");
    else if (!send_all(c->fd, request, n, now() + seconds))
        give_up_errno(reply, c->url);
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

void http_reply_free(struct http_reply *reply)
{
    free(reply->body);
    reply->body = NULL;
    http_free(&reply->head);
}
