/* http_reply: what comes of a request, whoever waits for it, and however.
 *
 *     struct http_reply reply;
 *     char request[HTTP_REQUEST_MAX];
 *     size_t n = http_reply_begin(&reply, "GET", &url, false, request);
 *     ...send n bytes; wait until something is there...
 *     while (http_reply_take(&reply, &url, &at, end))
 *         ...recv more of it, from at to end...
 *     if (reply.outcome != HTTP_GOT)
 *         warnx("%s", reply.why);
 *     http_reply_free(&reply);
 *
 * Nothing in here waits, reads or sends. 03_processes/http_client.h does, and
 * so does 07_eventloop/async_http.h.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "03_processes/http.h"
#include "03_processes/http_write.h"

enum {
    HTTP_REPLY_MAX = 16 * 1024 * 1024, /* bytes of a body, at most */
    /* room for the longest request */
    HTTP_REQUEST_MAX = sizeof(struct http_url) + 128,
};

enum http_outcome {
    HTTP_GOT,       /* an answer, of whatever status */
    HTTP_BAD_URL,   /* not http://host:port/path */
    HTTP_UNKNOWN,   /* no such host */
    HTTP_UNREACHED, /* nobody listens there, or no way to it */
    HTTP_TIMED_OUT, /* no whole answer in time */
    HTTP_HUNG_UP,   /* the server ended before its answer did */
    HTTP_NO_SENSE,  /* what it sends is no HTTP */
    HTTP_TOO_LONG,  /* more than HTTP_REPLY_MAX */
    HTTP_NO_MEANS,  /* no descriptor or memory here */
};

struct http_reply {
    enum http_outcome outcome;
    int status;       /* 200, 404, ... */
    struct http head; /* http_field(&reply.head, "Server") */
    char *body;       /* a NUL stands behind it; NULL without an answer */
    size_t length;
    char why[128]; /* without an answer: "127.0.0.1:8000: Connection ..." */
};

/* Writes the request, and makes the reply one to which nothing has come.
 * Returns the length, or 0 where there is no memory, and the reply says so.
 */
size_t http_reply_begin(struct http_reply *reply, const char *method,
                        const struct http_url *url, bool keep_alive,
                        char request[HTTP_REQUEST_MAX]);

/* Reads on from *bytes up to end, and moves *bytes behind what it took. Returns
 * whether more is needed; if not, the reply tells what came of it.
 */
bool http_reply_take(struct http_reply *reply, const struct http_url *url,
                     const char **bytes, const char *end);

/* The server has ended. The reply tells what that means. */
void http_reply_end(struct http_reply *reply, const struct http_url *url);

/* It came to nothing: for what an errno of socket, connect, send or recv tells;
 * or for another reason. The reply tells so. Returns its outcome.
 */
enum http_outcome http_reply_errno(struct http_reply *reply,
                                   const struct http_url *url, int error);
enum http_outcome http_reply_fail(struct http_reply *reply,
                                  const struct http_url *url,
                                  enum http_outcome outcome, const char *format,
                                  ...) __attribute__((format(printf, 4, 5)));

/* After each of them, whatever came of it. */
void http_reply_free(struct http_reply *reply);

#endif
