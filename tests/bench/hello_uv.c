/* Hello over HTTP on libuv, for tests/bench_web.sh: as its documentation would
 * have a server, with as little of HTTP as the measure allows: it looks for
 * the empty line and for nothing else. With "try" it asks for a write that
 * needs no request first.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { SIZE = 4096 };

struct client {
    uv_tcp_t tcp;
    size_t used;
    char buffer[SIZE];
};

struct answer {
    uv_write_t request;
    uv_buf_t bytes;
};

static char hello[] = "HTTP/1.1 200 OK\r\n"
                      "Server: libuv\r\n"
                      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Length: 14\r\n"
                      "\r\n"
                      "Hello, world!\n";

static void done(uv_handle_t *handle)
{
    free(handle->data);
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct client *c = handle->data;
    (void)wanted;
    *buffer = uv_buf_init(c->buffer + c->used, (unsigned)(SIZE - c->used));
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static int try_first;

static void answer(struct client *c)
{
    uv_buf_t out = uv_buf_init(hello, sizeof hello - 1);
    int written = 0;
    if (try_first)
        written = uv_try_write((uv_stream_t *)&c->tcp, &out, 1);
    if (written == (int)sizeof hello - 1)
        return;
    if (written < 0)
        written = 0;
    struct answer *a = malloc(sizeof *a);
    if (a == NULL)
        err(1, "answer");
    a->bytes = uv_buf_init(hello + written,
                           (unsigned)(sizeof hello - 1 - (size_t)written));
    if (uv_write(&a->request, (uv_stream_t *)&c->tcp, &a->bytes, 1,
                 on_written) != 0)
        free(a);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct client *c = stream->data;
    char *end;
    (void)buffer;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, done);
        return;
    }
    c->used += (size_t)n;
    while ((end = memmem(c->buffer, c->used, "\r\n\r\n", 4)) != NULL) {
        answer(c);
        c->used -= (size_t)(end + 4 - c->buffer);
        memmove(c->buffer, end + 4, c->used);
    }
    if (c->used == SIZE)
        uv_close((uv_handle_t *)stream, done);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct client *c = calloc(1, sizeof *c);
    if (status < 0 || c == NULL)
        errx(1, "connection");
    uv_tcp_init(listener->loop, &c->tcp);
    uv_tcp_nodelay(&c->tcp, 1);
    c->tcp.data = c;
    uv_accept(listener, (uv_stream_t *)&c->tcp);
    uv_read_start((uv_stream_t *)&c->tcp, give_buffer, on_read);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in a;
    int length = sizeof a;
    try_first = argc > 1 && strcmp(argv[1], "try") == 0;
    uv_ip4_addr("127.0.0.1", 0, &a);
    uv_tcp_init(loop, &listener);
    uv_tcp_bind(&listener, (struct sockaddr *)&a, 0);
    if (uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0)
        errx(1, "listen");
    uv_tcp_getsockname(&listener, (struct sockaddr *)&a, &length);
    printf("http://127.0.0.1:%d/\n", ntohs(a.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
