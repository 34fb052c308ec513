#include "07_eventloop/web_connection.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"
#include "07_eventloop/web_answer.h"

/* What is read of all connections comes through here: it is understood before
 * anybody else may run, or kept in a place of its own.
 */
static _Thread_local char bytes[16384];

struct web_connection {
    struct gen gen;
    struct stream stream;
    struct web *web;
    struct web_connection *next, **link;
    struct task *task;
    struct web_request request;
    struct http http;
    const char *at, *end; /* what has come, and was not understood yet */
    char *rest;           /* where that lies, if not in bytes */
    char *body;
    struct web_frame *frame;
    enum { IDLE, READING, ANSWERING, LINGERING } state : 8;
    bool whole; /* all of the request has come */
    bool late;  /* it did not come in time */
    struct stream_read stream_read;
    struct stream_write stream_write;
};

/* --- The request ----------------------------------------------------------- */

/* It is answered without its route, and the rest of it is not wanted. */
static bool refuse(struct web_connection *c, int status, const char *text)
{
    if (c->request.out == NULL)
        web_answer_begin(&c->request);
    web_error(&c->request, status, text);
    c->request.route = NULL;
    return true;
}

/* Of a body of that length and a NUL behind it. */
static size_t room_for(size_t length)
{
    size_t room = 256;
    while (room <= length)
        room *= 2;
    return room;
}

/* Returns whether the body is still not too large. */
static bool keep_piece(struct web_connection *c)
{
    struct web_request *r = &c->request;
    struct http_text piece = c->http.piece;
    size_t length = r->length + piece.length;
    if (length > c->web->body_most)
        return false;
    if (r->route != NULL) {
        if (c->body == NULL || room_for(length) > room_for(r->length))
            c->body = realloc(c->body, room_for(length));
        if (c->body == NULL)
            err(CLI_ERROR, "web");
        memcpy(c->body + r->length, piece.at, piece.length);
        c->body[length] = '\0';
        r->body = c->body;
    }
    r->length = length;
    return true;
}

/* The head has come. Returns whether that is all that is wanted. */
static bool judge(struct web_connection *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct web_request *r = &c->request;
    web_answer_begin(r);
    r->route = web_answer_route(r);
    if (c->http.length > (int64_t)c->web->body_most)
        return refuse(c, 413, "The body is too large.");
    if (!c->http.expects_continue)
        return false;
    if (r->route == NULL)
        return true;
    /* If it has no room for this, it will not wait for it for ever. */
    (void)!send(c->stream.fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
    return false;
}

static bool is_whole(struct web_connection *c)
{
    struct web_request *r = &c->request;
    struct http_text body = {r->body, r->length};
    c->whole = true;
    if (r->route != NULL && r->length > 0 && web_is_form(r) &&
        !web_is_encoded(body)) {
        web_error(r, 400, "A % in the form has no two digits behind it.");
        r->route = NULL;
    }
    return true;
}

/* Reads on in what has come. Returns whether there is something to answer. */
static bool take(struct web_connection *c)
{
    for (;;) {
        switch (http_feed(&c->http, &c->at, c->end)) {
        case HTTP_MORE:
            if (c->state == IDLE && !http_idle(&c->http)) {
                c->state = READING;
                c->request.since = c->web->tick;
            }
            return false;
        case HTTP_HEAD:
            if (judge(c))
                return true;
            break;
        case HTTP_BODY:
            if (!keep_piece(c))
                return refuse(c, 413, "The body is too large.");
            break;
        case HTTP_DONE:
            return is_whole(c);
        case HTTP_FAILED:
            return refuse(c, http_status_of(c->http.error),
                          http_error_text(c->http.error));
        }
    }
}

/* Returns whether there is something to answer, or to read. */
static bool has_come(struct web_connection *c)
{
    c->at = bytes;
    c->end = bytes + c->stream_read.length;
    return c->stream_read.length > 0 || c->late;
}

/* While the request is answered others read, into the same place. */
static void keep_rest(struct web_connection *c)
{
    size_t length = (size_t)(c->end - c->at);
    if (length == 0 || c->rest != NULL)
        return;
    c->rest = malloc(length);
    if (c->rest == NULL)
        err(CLI_ERROR, "web");
    memcpy(c->rest, c->at, length);
    c->at = c->rest;
    c->end = c->rest + length;
}

static void begin_request(struct web_connection *c)
{
    struct web_request *r = &c->request;
    c->state = IDLE;
    c->whole = c->late = false;
    r->since = c->web->tick;
    r->route = NULL;
    r->body = "";
    r->length = 0;
    if (c->at == c->end) {
        free(c->rest);
        c->rest = NULL;
    }
}

/* --- The answer ------------------------------------------------------------ */

/* Calls a route that answers at once. */
static void answer(struct web_connection *c)
{
    const struct web_route *route = c->request.route;
    c->state = ANSWERING;
    c->web->requests++;
    if (route == NULL || route->coroutine != NULL)
        return;
    loop_about(c->web->loop, route->name);
    if (route->call != NULL) {
        route->call(&c->request);
    } else {
        web_type(&c->request, route->type);
        web_write(&c->request, route->text, route->length);
    }
}

/* The frame of a route that is a coroutine. */
static void begin_route(struct web_connection *c)
{
    const struct web_route *route = c->request.route;
    c->frame = calloc(1, route->frame);
    if (c->frame == NULL)
        err(CLI_ERROR, "web: %s", route->name);
    c->frame->request = &c->request;
    c->task->name = route->name;
    loop_about(c->web->loop, route->name);
}

/* It has ended. Returns whether its answer is to go out. */
static bool end_route(struct web_connection *c)
{
    struct web_request *r = &c->request;
    const char *error = gen_catch(&c->gen);
    free(c->frame);
    c->frame = NULL;
    c->task->name = "a connection";
    if (error == NULL || error == error_web_over)
        return true;
    if (error == error_cancelled) {
        gen_throw(&c->gen, error);
        return false;
    }
    if (r->broken)
        return false;
    warnx("%s %s: %s", r->http->method, r->http->target, error);
    if (!r->flushed)
        web_error(r, 500, "That went wrong here, and was written down.");
    /* An answer that is cut short must not look as if it were whole. */
    return !r->flushed;
}

/* The last of the answer. */
static struct http_text last_piece(struct web_connection *c)
{
    struct web_request *r = &c->request;
    if (!c->whole || !c->http.keep_alive || c->web->stopping)
        r->close = true;
    r->writing = true;
    r->since = c->web->tick;
    return web_answer_take(r, true);
}

/* Returns whether the connection goes on. */
static bool end_request(struct web_connection *c)
{
    c->request.writing = false;
    web_answer_end(&c->request);
    free(c->body);
    c->body = NULL;
    if (c->request.close)
        return false;
    /* Who stands idle takes little, and the next one finds it in the cache. */
    http_free(&c->http);
    return true;
}

/* Closing a socket with unread bytes resets the connection, and the client may
 * never see the answer. Returns whether there may be such.
 */
static bool lingers(struct web_connection *c)
{
    if (c->whole && c->at == c->end)
        return false;
    shutdown(c->stream.fd, SHUT_WR);
    c->state = LINGERING;
    c->request.since = c->web->tick;
    return true;
}

/* --- A connection ---------------------------------------------------------- */

static void begin(struct web_connection *c, struct task *task)
{
    struct web *web = c->web;
    c->task = task;
    task->name = "a connection";
    c->next = web->first;
    c->link = &web->first;
    if (c->next != NULL)
        c->next->link = &c->next;
    web->first = c;
    c->request.web = web;
    c->request.http = &c->http;
    c->request.stream = &c->stream;
    http_init(&c->http, HTTP_REQUEST);
}

static void end(struct web_connection *c)
{
    struct web *web = c->web;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    if (c->request.out != NULL)
        web_answer_end(&c->request);
    free(c->body);
    free(c->rest);
    http_free(&c->http);
    stream_close(&c->stream);
    /* A client who hangs up is none of our errors. */
    if (c->gen.error != error_cancelled)
        c->gen.error = NULL;
    web->open--;
    future_set_result(&web->place, NULL);
    if (web->stopping && web->open == 0)
        future_set_result(&web->empty, NULL);
}

static bool web_connection(void *frame, struct future **awaits)
{
    struct web_connection *c = frame;
    struct http_text text;
    GEN_BEGIN(c);
    begin(c, task_current());
    do {
        if (c->web->stopping)
            goto gen_end;
        begin_request(c);
        while (!take(c) && !c->late) {
            AWAIT_CALL(c, stream_read, .stream = &c->stream, .bytes = bytes,
                       .room = sizeof bytes);
            if (!has_come(c))
                goto gen_end;
        }
        keep_rest(c);
        if (c->late)
            refuse(c, 408, "The request did not come in time.");
        answer(c);
        if (c->request.route != NULL && c->request.route->coroutine != NULL) {
            begin_route(c);
            GEN_TRY_YIELD_FROM(c, c->frame,
                               c->request.route->coroutine(c->frame, awaits));
            if (!end_route(c))
                goto gen_end;
        }
        text = last_piece(c);
        AWAIT_CALL(c, stream_write, .stream = &c->stream, .bytes = text.at,
                   .length = text.length);
        /* Requests that have come already: others may have some, too. */
        if (c->at < c->end)
            AWAIT_TURN(c);
    } while (end_request(c));
    if (lingers(c))
        do
            AWAIT_CALL(c, stream_read, .stream = &c->stream, .bytes = bytes,
                       .room = sizeof bytes);
        while (c->stream_read.length > 0);
    GEN_END(c);
    end(c);
    return false;
}

void web_connection_start(struct web *web, int fd)
{
    struct stream stream;
    stream_open(&stream, web->loop, fd);
    web->open++;
    task_release(
        task_create(web->loop, web_connection, .web = web, .stream = stream));
}

/* --- All of them ----------------------------------------------------------- */

/* Whoever waits for the client is woken by this: it reads an end, or cannot
 * write.
 */
static void expire(struct web_connection *c)
{
    switch (c->state) {
    case ANSWERING:
        if (c->request.writing)
            shutdown(c->stream.fd, SHUT_RDWR);
        return;
    case READING:
        c->late = true;
        break;
    case IDLE:
    case LINGERING:
        break;
    }
    shutdown(c->stream.fd, SHUT_RD);
}

void web_connections_expire(struct web *web, unsigned ticks)
{
    for (struct web_connection *c = web->first; c != NULL; c = c->next)
        if (web->tick - c->request.since > ticks)
            expire(c);
}

void web_connections_leave(struct web *web)
{
    for (struct web_connection *c = web->first; c != NULL; c = c->next)
        if (c->state == IDLE)
            shutdown(c->stream.fd, SHUT_RD);
}

void web_connections_cut(struct web *web)
{
    for (struct web_connection *c = web->first; c != NULL; c = c->next)
        future_cancel(&c->task->future);
}
