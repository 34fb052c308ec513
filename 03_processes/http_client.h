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

#include "03_processes/http_reply.h"

/* GET on a connection of its own, in that many seconds altogether. */
enum http_outcome http_get(const char *url, double seconds,
                           struct http_reply *reply);

/* The same with another method. Where the URL's host is to be asked at another
 * place than its name says, change url->host alone.
 */
enum http_outcome http_ask(const char *method, const struct http_url *url,
                           double seconds, struct http_reply *reply);

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
