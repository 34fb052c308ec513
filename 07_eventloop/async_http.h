/* async_http: one request over HTTP, and its whole answer, as a coroutine.
 *
 *     AWAIT_CALL(c, async_http, .url = &url);
 *     if (c->async_http.reply.outcome != HTTP_GOT)
 *         warnx("%s", c->async_http.reply.why);
 *     ...
 *     http_reply_free(&c->async_http.reply);
 *
 * What http_ask of 03_processes/http_client.h is to a thread: the reply is the
 * same, and what goes wrong is told there. What differs:
 *
 * - The host is an address, 127.0.0.1 or ::1, or it is HTTP_UNKNOWN. To look up
 *   a name is a blocking call, and everybody would have to wait for it: that is
 *   for a thread to do (in_executor), which then sets url->host.
 * - There is no limit of time: wait_for has one. Whoever is cancelled closes the
 *   connection, and leaves an empty reply.
 */
#ifndef ASYNC_HTTP_H
#define ASYNC_HTTP_H

#include <netinet/in.h>

#include "03_processes/http_reply.h"
#include "07_eventloop/stream.h"

struct async_http {
    struct gen gen;
    const struct http_url *url; /* to stay until the end */
    const char *method;         /* NULL: GET */
    struct http_reply reply;    /* to be freed by the caller */

    struct stream stream; /* the rest is its own */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    char *request;
    size_t request_length;
    struct stream_connect stream_connect;
    struct stream_write stream_write;
    struct stream_read stream_read;
};

bool async_http(void *frame, struct future **awaits);

#endif
