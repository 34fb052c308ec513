#include "03_processes/http_reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- What goes wrong ------------------------------------------------------- */

enum http_outcome http_reply_fail(struct http_reply *reply,
                                  const struct http_url *url,
                                  enum http_outcome outcome, const char *format,
                                  ...)
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

enum http_outcome http_reply_errno(struct http_reply *reply,
                                   const struct http_url *url, int error)
{
    if (error == EPIPE || error == ECONNRESET)
        return http_reply_fail(reply, url, HTTP_HUNG_UP,
                               "it hung up before its answer was whole");
    if (error == ETIMEDOUT)
        return http_reply_fail(reply, url, HTTP_TIMED_OUT,
                               "no whole answer in time");
    bool no_means = error == EMFILE || error == ENFILE || error == ENOMEM ||
                    error == ENOBUFS;
    return http_reply_fail(reply, url,
                           no_means ? HTTP_NO_MEANS : HTTP_UNREACHED, "%s",
                           strerror(error));
}

static enum http_outcome out_of_memory(struct http_reply *reply,
                                       const struct http_url *url)
{
    return http_reply_fail(reply, url, HTTP_NO_MEANS, "out of memory");
}

/* --- What comes ------------------------------------------------------------ */

size_t http_reply_begin(struct http_reply *reply, const char *method,
                        const struct http_url *url, bool keep_alive,
                        char request[HTTP_REQUEST_MAX])
{
    size_t n = http_write_request(
        request, HTTP_REQUEST_MAX, method, url,
        keep_alive ? "User-Agent: groundup\r\n"
                   : "User-Agent: groundup\r\nConnection: close\r\n");
    *reply = (struct http_reply){.outcome = HTTP_GOT};
    http_init(&reply->head, HTTP_RESPONSE);
    reply->head.to_head = strcmp(method, "HEAD") == 0;
    reply->body = calloc(1, 1);
    if (reply->body != NULL && n > 0)
        return n;
    out_of_memory(reply, url);
    return 0;
}

/* The room of a body of that length, which also has a NUL behind it: it is
 * doubled when it is full.
 */
static size_t room_for(size_t length)
{
    size_t room = 1;
    while (room <= length)
        room *= 2;
    return room;
}

/* Adds the piece to the body. */
static enum http_outcome keep_piece(struct http_reply *reply,
                                    const struct http_url *url)
{
    struct http_text piece = reply->head.piece;
    size_t length = reply->length + piece.length;
    if (length > HTTP_REPLY_MAX)
        return http_reply_fail(reply, url, HTTP_TOO_LONG,
                               "an answer of more than %d bytes",
                               HTTP_REPLY_MAX);
    if (room_for(length) > room_for(reply->length)) {
        char *body = realloc(reply->body, room_for(length));
        if (body == NULL)
            return out_of_memory(reply, url);
        reply->body = body;
    }
    memcpy(reply->body + reply->length, piece.at, piece.length);
    reply->length = length;
    reply->body[length] = '\0';
    return HTTP_GOT;
}

bool http_reply_take(struct http_reply *reply, const struct http_url *url,
                     const char **bytes, const char *end)
{
    for (;;) {
        switch (http_feed(&reply->head, bytes, end)) {
        case HTTP_MORE:
            return true;
        case HTTP_HEAD:
            break;
        case HTTP_BODY:
            if (keep_piece(reply, url) != HTTP_GOT)
                return false;
            break;
        case HTTP_DONE:
            reply->status = reply->head.status;
            return false;
        case HTTP_FAILED:
            if (reply->head.error == HTTP_NO_MEMORY)
                out_of_memory(reply, url);
            else
                http_reply_fail(reply, url, HTTP_NO_SENSE,
                                "an answer that is no HTTP: %s",
                                http_error_text(reply->head.error));
            return false;
        }
    }
}

void http_reply_end(struct http_reply *reply, const struct http_url *url)
{
    if (http_end(&reply->head) == HTTP_DONE)
        reply->status = reply->head.status;
    else
        http_reply_errno(reply, url, ECONNRESET);
}

void http_reply_free(struct http_reply *reply)
{
    free(reply->body);
    reply->body = NULL;
    reply->length = 0;
    http_free(&reply->head);
}
