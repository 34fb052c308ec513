/* http_client: ask a server, and wait for the whole answer.
 *
 *     struct http_reply reply;
 *     if (http_get("http://127.0.0.1:8000/", 5, &reply) != HTTP_GOT)
 *         errx(1, "%s", reply.why);
 *     fwrite(reply.body, 1, reply.length, stdout);
 *     http_reply_free(&reply);
 *
 * Each call blocks its process or thread until it is through, and as many
 * threads as like may do so at once.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "03_processes/http.h"
#include "03_processes/http_write.h"

enum { HTTP_REPLY_MAX = 16 * 1024 * 1024 }; /* bytes of a body, at most */

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

/* GET on a connection of its own, in that many seconds altogether. */
enum http_outcome http_get(const char *url, double seconds,
                           struct http_reply *reply);

/* The same with another method. Where the URL's host is to be asked at another
 * place than its name says, change url->host alone.
 */
enum http_outcome http_ask(const char *method, const struct http_url *url,
                           double seconds, struct http_reply *reply);

/* After each of them, whatever came of it. */
void http_reply_free(struct http_reply *reply);

/* Several requests on one connection, or connections at once. */
struct http_connection {
    int fd; /* -1 once it is no more */
    const struct http_url *url;
    bool keep_alive;  /* as the last request asked for */
    char bytes[4096]; /* those of the next answer stand from start to end */
    size_t start, end;
};

/* Makes the connection. What goes wrong is said in the reply, which is to be
 * freed after this one too.
 */
enum http_outcome http_connect(struct http_connection *c,
                               const struct http_url *url, double seconds,
                               struct http_reply *reply);

/* Sends a request. keep_alive asks the server to let the connection stand for
 * another one.
 */
enum http_outcome http_send(struct http_connection *c, const char *method,
                            bool keep_alive, double seconds,
                            struct http_reply *reply);

/* Receives its answer, into the same reply. c->fd is -1 afterwards where the
 * connection is over.
 */
enum http_outcome http_receive(struct http_connection *c, double seconds,
                               struct http_reply *reply);

/* Both. */
enum http_outcome http_exchange(struct http_connection *c, const char *method,
                                bool keep_alive, double seconds,
                                struct http_reply *reply);

void http_disconnect(struct http_connection *c);

#endif
