#include "07_eventloop/async_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The answers of all come through here: what is read is dealt with before
 * anybody else may run.
 */
static _Thread_local char bytes[16384];

static bool find_address(struct async_http *c)
{
    in_port_t port = htons((uint16_t)atoi(c->url->port));
    if (inet_pton(AF_INET, c->url->host, &c->address.v4.sin_addr) == 1) {
        c->address.v4.sin_family = AF_INET;
        c->address.v4.sin_port = port;
        return true;
    }
    if (inet_pton(AF_INET6, c->url->host, &c->address.v6.sin6_addr) == 1) {
        c->address.v6.sin6_family = AF_INET6;
        c->address.v6.sin6_port = port;
        return true;
    }
    return false;
}

/* Returns whether all is there that the request needs. */
static bool prepare(struct async_http *c)
{
    char request[HTTP_REQUEST_MAX];
    const char *method = c->method != NULL ? c->method : "GET";
    c->request_length =
        http_reply_begin(&c->reply, method, c->url, false, request);
    if (c->request_length == 0)
        return false;
    if (!find_address(c)) {
        http_reply_fail(&c->reply, c->url, HTTP_UNKNOWN,
                        "no address such as 127.0.0.1");
        return false;
    }
    c->request = malloc(c->request_length);
    if (c->request == NULL) {
        http_reply_fail(&c->reply, c->url, HTTP_NO_MEANS, "out of memory");
        return false;
    }
    memcpy(c->request, request, c->request_length);
    return true;
}

static int errno_of(const char *error)
{
    int number = EHWPOISON; /* the last one */
    while (number > 0 && error != errno_error(number))
        number--;
    return number;
}

/* Whether the stream's last call has failed: for a reason of the network's, and
 * then the reply tells it, or by being cancelled, which goes on.
 */
static bool has_failed(struct async_http *c)
{
    if (c->gen.thrown == NULL)
        return false;
    int number = errno_of(c->gen.thrown);
    if (number != 0)
        gen_catch(&c->gen);
    if (number == ERANGE)
        http_reply_fail(&c->reply, c->url, HTTP_NO_MEANS,
                        "select holds no more connections");
    else if (number != 0)
        http_reply_errno(&c->reply, c->url, number);
    return true;
}

/* Returns whether there is more to come. */
static bool take(struct async_http *c)
{
    const char *at = bytes;
    if (c->stream_read.length > 0)
        return http_reply_take(&c->reply, c->url, &at,
                               bytes + c->stream_read.length);
    http_reply_end(&c->reply, c->url);
    return false;
}

bool async_http(void *frame, struct future **awaits)
{
    struct async_http *c = frame;
    GEN_BEGIN(c);
    c->stream.fd = -1;
    if (!prepare(c))
        goto gen_end;
    AWAIT_CALL_TRY(
        c, stream_connect, .stream = &c->stream, .address = &c->address.any,
        .length = c->address.any.sa_family == AF_INET ? sizeof c->address.v4
                                                      : sizeof c->address.v6);
    if (has_failed(c))
        goto gen_end;
    AWAIT_CALL_TRY(c, stream_write, .stream = &c->stream, .bytes = c->request,
                   .length = c->request_length);
    if (has_failed(c))
        goto gen_end;
    do {
        AWAIT_CALL_TRY(c, stream_read, .stream = &c->stream, .bytes = bytes,
                       .room = sizeof bytes);
        if (has_failed(c))
            goto gen_end;
    } while (take(c));
    GEN_END(c);
    stream_close(&c->stream);
    free(c->request);
    if (c->gen.error != NULL)
        http_reply_free(&c->reply);
    return false;
}
