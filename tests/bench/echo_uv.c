/* The upper-case echo on libuv, for tests/bench_echo.sh: the same as the echo
 * servers of chapter 5, bounded like them. It answers by uv_write, the call that
 * libuv has for that; with the word "try" by uv_try_write first, which spares
 * the callback where all goes at once.
 */
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { SIZE = 4096 };

struct client {
    uv_tcp_t tcp;
    uv_write_t request;
    bool waits; /* for on_written, before it reads on */
    char buffer[SIZE];
};

static bool by_try;

static void done(uv_handle_t *handle)
{
    free(handle->data);
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct client *c = handle->data;
    (void)wanted;
    *buffer = uv_buf_init(c->buffer, SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

static void on_written(uv_write_t *request, int status)
{
    struct client *c = request->data;
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    if (uv_is_closing((uv_handle_t *)stream))
        return;
    if (status < 0)
        uv_close((uv_handle_t *)stream, done);
    else if (c->waits)
        uv_read_start(stream, give_buffer, on_read);
    c->waits = false;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct client *c = stream->data;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, done);
        return;
    }
    for (ssize_t i = 0; i < n; i++)
        if (buffer->base[i] >= 'a' && buffer->base[i] <= 'z')
            buffer->base[i] = (char)(buffer->base[i] - 'a' + 'A');
    uv_buf_t out = uv_buf_init(buffer->base, (unsigned)n);
    if (by_try) {
        int written = uv_try_write(stream, &out, 1);
        if (written == n)
            return;
        if (written > 0)
            out = uv_buf_init(buffer->base + written, (unsigned)(n - written));
    }
    c->request.data = c;
    if (uv_write(&c->request, stream, &out, 1, on_written) != 0) {
        uv_close((uv_handle_t *)stream, done);
        return;
    }
    /* Not all of it is gone: the buffer is still needed. */
    c->waits = uv_stream_get_write_queue_size(stream) > 0;
    if (c->waits)
        uv_read_stop(stream);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct client *c = malloc(sizeof *c);
    if (status < 0 || c == NULL)
        errx(1, "connection");
    uv_tcp_init(listener->loop, &c->tcp);
    c->tcp.data = c;
    c->waits = false;
    uv_accept(listener, (uv_stream_t *)&c->tcp);
    uv_read_start((uv_stream_t *)&c->tcp, give_buffer, on_read);
}

int main(int argc, char **argv)
{
    by_try = argc > 1 && strcmp(argv[1], "try") == 0;
    /* libuv leaves that to us. */
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in a;
    int length = sizeof a;
    uv_ip4_addr("127.0.0.1", 0, &a);
    uv_tcp_init(loop, &listener);
    uv_tcp_bind(&listener, (struct sockaddr *)&a, 0);
    if (uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0)
        errx(1, "listen");
    uv_tcp_getsockname(&listener, (struct sockaddr *)&a, &length);
    printf("nc 127.0.0.1 %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
