/* What the loop of chapter 7 takes, for tests/bench_loop.sh; prints a number.
 *
 *     loop_ours download PORT N    seconds for N downloads at once
 *     loop_ours timers N           seconds that the last of N timers is late,
 *                                  all due within one second
 *     loop_ours sleepers N         seconds that N tasks are late that sleep for
 *                                  one, and bytes of each besides its frame
 *     loop_ours switch             nanoseconds of an await of a turn
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "07_eventloop/async_http.h"
#include "07_eventloop/gathering.h"

static int number;

/* Of memory that is in use, in bytes. */
static double memory(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_maxrss * 1024;
}

/* --- Downloads ------------------------------------------------------------- */

static struct http_url url;

struct download {
    struct gen gen;
    struct async_http async_http;
};

static bool download(void *frame, struct future **awaits)
{
    struct download *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, async_http, .url = &url);
    if (c->async_http.reply.outcome != HTTP_GOT)
        errx(1, "%s", c->async_http.reply.why);
    GEN_END(c);
    http_reply_free(&c->async_http.reply);
    return false;
}

struct downloads {
    struct gen gen;
    struct future *all;
};

static bool downloads(void *frame, struct future **awaits)
{
    struct downloads *c = frame;
    GEN_BEGIN(c);
    struct future **futures = calloc((size_t)number, sizeof(struct future *));
    if (futures == NULL)
        err(1, "futures");
    for (int i = 0; i < number; i++)
        futures[i] =
            &task_create(loop_running(), download, .async_http.method = NULL)
                 ->future;
    loop_running()->slow_callback = 0; /* with so many, a turn takes its time */
    c->all = gather(loop_running(), futures, (size_t)number, false);
    for (int i = 0; i < number; i++)
        future_release(futures[i]);
    free(futures);
    AWAIT(c, c->all);
    GEN_END(c);
    future_release(c->all);
    return false;
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
    double begin = loop_time();
    const char *error = loop_run(downloads, .all = NULL);
    if (error != NULL)
        errx(1, "%s", error);
    printf("%.6f\n", loop_time() - begin);
}

/* --- Timers ---------------------------------------------------------------- */

static int called;
static double last;

static void tick(void *unused)
{
    (void)unused;
    called++;
    last = loop_time();
}

static void measure_timers(struct loop *loop)
{
    srandom(1);
    double begin = loop_time();
    for (int i = 0; i < number; i++)
        loop_call_at(loop, begin + (double)random() / RAND_MAX, tick, NULL);
    loop_run_forever(loop);
    if (called != number)
        errx(1, "%d timers of %d", called, number);
    printf("%.6f\n", last - begin - 1);
}

/* --- Sleepers -------------------------------------------------------------- */

struct sleeper {
    struct gen gen;
    struct sleep_for sleep_for;
};

static bool sleeper(void *frame, struct future **awaits)
{
    struct sleeper *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, sleep_for, .seconds = 1);
    GEN_END(c);
    return false;
}

static void measure_sleepers(struct loop *loop)
{
    double before = memory();
    double begin = loop_time();
    for (int i = 0; i < number; i++)
        task_release(task_create(loop, sleeper, .sleep_for.seconds = 0));
    loop_run_forever(loop);
    printf("%.6f %.1f\n", loop_time() - begin - 1,
           (memory() - before) / number - (double)sizeof(struct sleeper));
}

/* --- Switches -------------------------------------------------------------- */

enum { TASKS = 1000, TURNS = 10000 };

struct switcher {
    struct gen gen;
    int turns;
};

static bool switcher(void *frame, struct future **awaits)
{
    struct switcher *c = frame;
    GEN_BEGIN(c);
    while (c->turns-- > 0)
        AWAIT_TURN(c);
    GEN_END(c);
    return false;
}

static void measure_switches(struct loop *loop)
{
    for (int i = 0; i < TASKS; i++)
        task_release(task_create(loop, switcher, .turns = TURNS));
    double begin = loop_time();
    loop_run_forever(loop);
    printf("%.2f\n", (loop_time() - begin) * 1e9 / TASKS / TURNS);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    struct loop loop;
    if (argc > 2)
        number = atoi(argv[argc - 1]);
    if (argc == 4 && strcmp(what, "download") == 0) {
        measure_downloads(argv[2]);
        return 0;
    }
    if (loop_init(&loop) == -1)
        err(1, "loop");
    loop.slow_callback = 0;
    if (argc == 3 && strcmp(what, "timers") == 0)
        measure_timers(&loop);
    else if (argc == 3 && strcmp(what, "sleepers") == 0)
        measure_sleepers(&loop);
    else if (argc == 2 && strcmp(what, "switch") == 0)
        measure_switches(&loop);
    else
        errx(2, "usage: loop_ours download PORT N | timers N | sleepers N | "
                "switch");
    loop_close(&loop);
    return 0;
}
