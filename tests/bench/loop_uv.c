/* The same on libuv, as its documentation would have it, for
 * tests/bench_loop.sh. The answers go through the same parser, so that only the
 * loops differ.
 *
 *     loop_uv download PORT N | timers N | sleepers N
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <uv.h>

#include "03_processes/http_reply.h"

static uv_loop_t loop;
static int number;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double memory(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_maxrss * 1024;
}

static void *new (size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL)
        err(1, "memory");
    return p;
}

/* --- Downloads ------------------------------------------------------------- */

static struct http_url url;
static struct sockaddr_in address;
static char bytes[65536];

struct download {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct http_reply reply;
    char request[512];
    size_t length;
};

static void closed(uv_handle_t *handle)
{
    struct download *d = handle->data;
    if (d->reply.outcome != HTTP_GOT)
        errx(1, "%s", d->reply.why);
    http_reply_free(&d->reply);
    free(d);
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct download *d = stream->data;
    const char *at = buffer->base;
    if (n == 0)
        return;
    if (n == UV_EOF)
        http_reply_end(&d->reply, &url);
    else if (n < 0)
        http_reply_errno(&d->reply, &url, (int)-n);
    else if (http_reply_take(&d->reply, &url, &at, at + n))
        return;
    uv_close((uv_handle_t *)stream, closed);
}

static void on_written(uv_write_t *request, int status)
{
    (void)request;
    if (status < 0)
        errx(1, "write: %s", uv_strerror(status));
}

static void on_connected(uv_connect_t *request, int status)
{
    struct download *d = request->data;
    if (status < 0)
        errx(1, "connect: %s", uv_strerror(status));
    uv_buf_t out = uv_buf_init(d->request, (unsigned)d->length);
    uv_write(&d->write, (uv_stream_t *)&d->tcp, &out, 1, on_written);
    uv_read_start((uv_stream_t *)&d->tcp, give_buffer, on_read);
}

static void start_download(void)
{
    char request[HTTP_REQUEST_MAX];
    struct download *d = new (sizeof *d);
    d->length = http_reply_begin(&d->reply, "GET", &url, false, request);
    memcpy(d->request, request, d->length);
    uv_tcp_init(&loop, &d->tcp);
    d->tcp.data = d->connect.data = d;
    int error = uv_tcp_connect(&d->connect, &d->tcp,
                               (struct sockaddr *)&address, on_connected);
    if (error != 0)
        errx(1, "connect: %s", uv_strerror(error));
}

static void measure_downloads(const char *port)
{
    char text[64];
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    snprintf(text, sizeof text, "http://127.0.0.1:%s/", port);
    if (!http_url_split(text, &url))
        errx(2, "%s: no port", port);
    uv_ip4_addr("127.0.0.1", atoi(port), &address);
    double begin = now();
    uv_loop_init(&loop);
    for (int i = 0; i < number; i++)
        start_download();
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    printf("%.6f\n", now() - begin);
}

/* --- Timers, and those who only sleep -------------------------------------- */

static double last;

static void tick(uv_timer_t *timer)
{
    (void)timer;
    last = now();
}

static void measure_timers(void)
{
    uv_timer_t *timers = new ((size_t)number * sizeof *timers);
    srandom(1);
    double begin = now();
    uv_loop_init(&loop);
    for (int i = 0; i < number; i++) {
        uv_timer_init(&loop, &timers[i]);
        /* In ms from when the loop last looked at its clock. */
        double due = (double)random() / RAND_MAX - (now() - begin);
        uv_update_time(&loop);
        uv_timer_start(&timers[i], tick, due > 0 ? (uint64_t)(due * 1000) : 0,
                       0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    printf("%.6f\n", last - begin - 1);
}

static void tick_and_free(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, (uv_close_cb)free);
}

static void measure_sleepers(void)
{
    double before = memory();
    double begin = now();
    uv_loop_init(&loop);
    for (int i = 0; i < number; i++) {
        uv_timer_t *timer = new (sizeof *timer);
        uv_timer_init(&loop, timer);
        uv_timer_start(timer, tick_and_free, 1000, 0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    printf("%.6f %.1f\n", now() - begin - 1, (memory() - before) / number);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (argc > 2)
        number = atoi(argv[argc - 1]);
    if (argc == 4 && strcmp(what, "download") == 0)
        measure_downloads(argv[2]);
    else if (argc == 3 && strcmp(what, "timers") == 0)
        measure_timers();
    else if (argc == 3 && strcmp(what, "sleepers") == 0)
        measure_sleepers();
    else
        errx(2, "usage: loop_uv download PORT N | timers N | sleepers N");
    return 0;
}
