#include "03_processes/answer.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "03_processes/http_write.h"

enum {
    BYTES = 4096,           /* asked for at a time */
    BODY_MAX = 1024 * 1024, /* of a body are read and dropped; 413 beyond */
};

/* --- What is said ---------------------------------------------------------- */

static bool is_one_of(const char *word, const char *const list[])
{
    while (*list != NULL && strcmp(word, *list) != 0)
        list++;
    return *list != NULL;
}

int answer_status(const struct http *request)
{
    static const char *const ours[] = {"GET", "HEAD", "OPTIONS", NULL};
    static const char *const others[] = {"CONNECT", "DELETE", "PATCH", "POST",
                                         "PUT",     "TRACE",  NULL};
    bool allowed = is_one_of(request->method, ours);
    if (!allowed && !is_one_of(request->method, others))
        return 501;
    /* CONNECT has no path at all. */
    if (request->path.length > 1 ||
        (request->path.length == 1 && strchr("/*", *request->path.at) == NULL))
        return 404;
    return allowed ? 200 : 405;
}

static void write_time(char text[64], time_t t)
{
    struct tm tm = {0};
    localtime_r(&t, &tm);
    strftime(text, 64, "%Y-%m-%d %H:%M:%S %z %Z", &tm);
}

/* The cell's text. Returns its length. */
static size_t write_text(char *out, size_t size, const struct http *request,
                         const struct answer_facts *facts)
{
    char connected[64];
    char started[64];
    const char *agent = http_field(request, "User-Agent");
    write_time(connected, facts->connected);
    write_time(started, facts->started);
    int n = snprintf(
        out, size,
        "Hello, world!\n"
        "\n"
        "Request method is \"%s\"\n"
        "RequestURI is \"%s\"\n"
        "Requested path is \"%.*s\"\n"
        "Host is \"%.*s\"\n"
        "Query string is \"%.*s\"\n"
        "User-Agent is \"%s\"\n"
        "Connection has been established at %s\n"
        "Request has been started at %s\n"
        "Serial request number for the current connection is %lu\n"
        "Your ip is \"%s\"\n",
        request->method, request->target, (int)request->path.length,
        request->path.at, (int)request->host.length, request->host.at,
        (int)request->query.length, request->query.at, agent ? agent : "",
        connected, started, facts->serial, facts->client);
    return (size_t)n;
}

/* Puts the head of the answer in front of the text; without the text where
 * only the head was asked for. Returns the length of both.
 */
static size_t add_head(char out[ANSWER_MAX], size_t length, int status,
                       const struct service *service, const char *more,
                       bool head_only)
{
    char date[HTTP_DATE_SIZE];
    char fields[512];
    char head[1024];
    const char *name = service->name;
    http_date(time(NULL), date);
    snprintf(fields, sizeof fields, "Date: %s\r\n%s%.200s%s%s%s", date,
             *name ? "Server: " : "", name, *name ? "\r\n" : "",
             length > 0 ? "Content-Type: text/plain; charset=utf-8\r\n" : "",
             more);
    size_t n =
        http_write_answer(head, sizeof head, status, fields, (int64_t)length);
    if (head_only)
        length = 0;
    memmove(out + n, out, length);
    memcpy(out, head, n);
    return n + length;
}

size_t answer_write(char out[ANSWER_MAX], const struct http *request,
                    const struct service *service,
                    const struct answer_facts *facts, bool close)
{
    char more[128];
    int status = answer_status(request);
    bool options = strcmp(request->method, "OPTIONS") == 0;
    const char *connection = "";
    size_t length = 0;
    if (close)
        connection = "Connection: close\r\n";
    else if (request->minor == 0)
        connection = "Connection: keep-alive\r\n";
    snprintf(more, sizeof more, "%s%s",
             options || status == 405 ? "Allow: GET, HEAD, OPTIONS\r\n" : "",
             connection);
    if (status != 200)
        length = (size_t)snprintf(out, ANSWER_MAX / 2, "%d %s: %.80s %.800s\n",
                                  status, http_reason(status), request->method,
                                  request->target);
    else if (!options)
        length = write_text(out, ANSWER_MAX, request, facts);
    return add_head(out, length, status, service, more,
                    strcmp(request->method, "HEAD") == 0);
}

size_t answer_refuse(char out[ANSWER_MAX], const struct service *service,
                     int status, const char *say)
{
    size_t length = (size_t)snprintf(out, ANSWER_MAX / 2, "%d %s: %.800s\n",
                                     status, http_reason(status), say);
    return add_head(out, length, status, service,
                    status == 503 ? "Connection: close\r\nRetry-After: 1\r\n"
                                  : "Connection: close\r\n",
                    false);
}

/* --- One connection, from its first byte to its last ----------------------- */

struct visit {
    int fd;
    const struct service *service;
    struct answer_facts facts;
    struct http request;
    const char *next, *end; /* in bytes: what has not been read of them */
    double deadline;        /* of the request that comes in */
    bool idle;              /* nothing of it had come when we last waited */
    double limit;           /* what the socket's SO_RCVTIMEO is set to */
    char *bytes;            /* as they come: BYTES of room */
    char *out;              /* ANSWER_MAX of room */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool set_limit(int fd, int option, double seconds)
{
    if (seconds < 0.001)
        seconds = 0.001; /* 0 would mean for ever */
    struct timeval t = {
        (time_t)seconds,
        (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6)};
    return setsockopt(fd, SOL_SOCKET, option, &t, sizeof t) == 0;
}

/* Returns whether all of it went out. */
static bool send_all(struct visit *v, const char *bytes, size_t length)
{
    double deadline = now() + v->service->patience;
    while (length > 0) {
        ssize_t n = send(v->fd, bytes, length, MSG_NOSIGNAL);
        if (n == -1 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        }
        if (length > 0 && now() > deadline)
            return false;
    }
    return true;
}

enum arrival { ARRIVED, ENDED, LATE, BROKEN };

/* Waits for bytes. While requests come in one piece each, the socket's limit
 * stays as it is, and this is one call of the kernel.
 */
static enum arrival receive(struct visit *v, double limit)
{
    if (limit <= 0)
        return LATE;
    if (limit != v->limit && !set_limit(v->fd, SO_RCVTIMEO, limit))
        return BROKEN;
    v->limit = limit;
    ssize_t n = recv(v->fd, v->bytes, BYTES, 0);
    v->next = v->bytes;
    v->end = v->bytes + (n > 0 ? n : 0);
    if (n > 0 || (n == -1 && errno == EINTR))
        return ARRIVED;
    if (n == 0)
        return ENDED;
    return errno == EAGAIN ? LATE : BROKEN;
}

/* Reads on to the next thing that happens to the request, in the time that
 * it has as a whole: a limit for each byte would let a client come by with
 * one byte each time, for ever.
 */
static enum arrival next_event(struct visit *v, enum http_event *event)
{
    for (;;) {
        *event = http_feed(&v->request, &v->next, v->end);
        if (*event != HTTP_MORE)
            return ARRIVED;
        bool idle = http_idle(&v->request);
        double limit = v->deadline - now();
        /* One time to stand idle, and from the first byte on another. */
        if (v->deadline == 0 || (v->idle && !idle)) {
            limit = v->service->patience;
            v->deadline = now() + limit;
        }
        v->idle = idle;
        enum arrival arrival = receive(v, limit);
        if (arrival == ENDED)
            *event = http_end(&v->request);
        if (arrival != ARRIVED)
            return arrival;
    }
}

/* The time that an answer takes, as if it had to be looked up somewhere. False
 * where the connection is shut down meanwhile, from here or by a reset.
 */
static bool take_time(const struct visit *v)
{
    double deadline = now() + v->service->delay;
    double left = v->service->delay;
    while (left > 0) {
        struct timespec t = {(time_t)left,
                             (long)((left - (double)(time_t)left) * 1e9)};
        struct pollfd polled = {v->fd, 0, 0};
        int n = ppoll(&polled, 1, &t, NULL);
        if (n == 1 || (n == -1 && errno != EINTR))
            return false;
        left = deadline - now();
    }
    return true;
}

/* Closing a socket with unread bytes resets the connection, and the client
 * may never see the answer: so read on until it closes too.
 */
static void linger(struct visit *v)
{
    double deadline = now() + v->service->patience;
    shutdown(v->fd, SHUT_WR);
    while (receive(v, deadline - now()) == ARRIVED)
        continue;
}

/* Answers a request that was read to its end, or not. Returns whether the
 * connection goes on.
 */
static bool give_answer(struct visit *v, bool whole)
{
    bool close = !whole || !v->request.keep_alive;
    if (!take_time(v))
        return false;
    size_t n = answer_write(v->out, &v->request, v->service, &v->facts, close);
    bool sent = send_all(v, v->out, n);
    if (sent && close && (!whole || v->next < v->end))
        linger(v);
    return sent && !close;
}

static bool refuse(struct visit *v, int status, const char *say)
{
    if (send_all(v, v->out, answer_refuse(v->out, v->service, status, say)))
        linger(v);
    return false;
}

/* A request whose head is there. Returns 0 where its body is to be read, or
 * the status with which it is answered at once.
 */
static int judge(struct visit *v)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    v->facts.started = time(NULL);
    v->facts.serial++;
    if (v->request.length > BODY_MAX)
        return 413;
    if (!v->request.expects_continue)
        return 0;
    int status = answer_status(&v->request);
    if (status == 200)
        send_all(v, go_on, sizeof go_on - 1);
    return status == 200 ? 0 : status;
}

/* One request and its answer. Returns whether another one may follow. */
static bool serve(struct visit *v)
{
    size_t skipped = 0;
    v->deadline = 0;
    v->idle = true;
    for (;;) {
        enum http_event event;
        enum arrival arrival = next_event(v, &event);
        if (arrival == LATE && !v->idle)
            return refuse(v, 408, "the request did not come in time");
        if (event == HTTP_FAILED)
            return refuse(v, http_status_of(v->request.error),
                          http_error_text(v->request.error));
        if (arrival != ARRIVED)
            return false;
        if (event == HTTP_DONE)
            return give_answer(v, true);
        int status = event == HTTP_HEAD ? judge(v) : 0;
        if (event == HTTP_BODY)
            skipped += v->request.piece.length;
        if (status == 413 || skipped > BODY_MAX)
            return refuse(v, 413, "the body is too large");
        if (status != 0)
            return give_answer(v, false);
    }
}

void answer_connection(int fd, const struct service *service)
{
    char bytes[BYTES];
    char out[ANSWER_MAX];
    struct visit v = {.fd = fd, .service = service, .bytes = bytes, .out = out};
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int yes = 1;
    v.facts.connected = time(NULL);
    /* Answers are written whole; none need wait for a fuller packet. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (getpeername(fd, (struct sockaddr *)&peer, &size) == -1 ||
        getnameinfo((struct sockaddr *)&peer, size, v.facts.client,
                    sizeof v.facts.client, NULL, 0, NI_NUMERICHOST) != 0 ||
        !set_limit(fd, SO_SNDTIMEO, service->patience))
        return; /* the client has gone already */
    http_init(&v.request, HTTP_REQUEST);
    while (serve(&v))
        continue;
    http_free(&v.request);
}

void answer_busy(int fd, const struct service *service)
{
    char out[ANSWER_MAX];
    size_t n = answer_refuse(out, service, 503, "no more connections now");
    (void)!send(fd, out, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, out, sizeof out, MSG_DONTWAIT) > 0)
        continue;
}
