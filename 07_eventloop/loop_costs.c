#include "07_eventloop/loop_costs.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "01_files/cli.h"
#include "07_eventloop/sleep_for.h"

/* So many at once take turns: more than one, as in life. */
enum { AT_ONCE = 1000 };

static void begin(struct loop *loop)
{
    if (loop_init(loop) == -1)
        err(CLI_ERROR, "loop");
    loop->slow_callback = 0; /* with so many a callback may take its time */
}

static double cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- switch ---------------------------------------------------------------- */

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

static void measure_switch(int number)
{
    struct loop loop;
    begin(&loop);
    for (int i = 0; i < AT_ONCE; i++)
        task_release(
            task_create(&loop, switcher,
                        .turns = number / AT_ONCE + (i < number % AT_ONCE)));
    loop_run_once(&loop, 0); /* they have begun, and wait for their turn */
    double before = cpu_time();
    loop_run_forever(&loop);
    double took = cpu_time() - before;
    loop_close(&loop);
    printf("switch n=%d\nswitch ns=%.1f\n", number, took / number * 1e9);
}

/* --- soon ------------------------------------------------------------------ */

static int left;

static void call_again(void *data)
{
    if (left-- > 0)
        loop_call_soon(data, call_again, data);
}

static void measure_soon(int number)
{
    struct loop loop;
    begin(&loop);
    left = number;
    double before = cpu_time();
    for (int i = 0; i < AT_ONCE && left-- > 0; i++)
        loop_call_soon(&loop, call_again, &loop);
    loop_run_forever(&loop);
    double took = cpu_time() - before;
    loop_close(&loop);
    printf("soon n=%d\nsoon ns=%.1f\n", number, took / number * 1e9);
}

/* --- timers ---------------------------------------------------------------- */

static void tick(void *data)
{
    double *last = data;
    *last = loop_time();
}

static void measure_timers(int number)
{
    struct loop loop;
    double last = 0;
    begin(&loop);
    srandom(1); /* the same times in each run */
    double before = cpu_time();
    double start = loop_time();
    for (int i = 0; i < number; i++)
        loop_call_at(&loop, start + (double)random() / RAND_MAX, tick, &last);
    loop_call_at(&loop, start + 1, tick, &last);
    loop_run_forever(&loop);
    double took = cpu_time() - before;
    loop_close(&loop);
    printf("timers n=%d\ntimers ns=%.1f\ntimers late_s=%.6f\n", number,
           took / number * 1e9, last - start - 1);
}

/* --- sleepers -------------------------------------------------------------- */

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

/* The most that was in use so far, in bytes. */
static double memory(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_maxrss * 1024;
}

static void measure_sleepers(int number)
{
    struct loop loop;
    begin(&loop);
    double room = memory();
    double before = cpu_time();
    double start = loop_time();
    for (int i = 0; i < number; i++)
        task_release(task_create(&loop, sleeper, .sleep_for.seconds = 1));
    loop_run_forever(&loop);
    double late = loop_time() - start - 1;
    double took = cpu_time() - before;
    double each = (memory() - room) / number - (double)sizeof(struct sleeper);
    loop_close(&loop);
    printf("sleepers n=%d\nsleepers ns=%.1f\n", number, took / number * 1e9);
    printf("sleepers bytes=%.1f\nsleepers late_s=%.6f\n", each > 0 ? each : 0,
           late);
}

/* --- Which ----------------------------------------------------------------- */

static const struct cost {
    const char *name;
    int number; /* as a rule: so many take a second */
    void (*measure)(int number);
} costs[] = {
    {"switch", 10000000, measure_switch},
    {"soon", 10000000, measure_soon},
    {"timers", 1000000, measure_timers},
    {"sleepers", 100000, measure_sleepers},
};

static const struct cost *find(const char *name)
{
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++)
        if (strcmp(name, costs[i].name) == 0)
            return &costs[i];
    return NULL;
}

bool loop_cost_is(const char *name)
{
    return find(name) != NULL;
}

void loop_cost_measure(const char *name, const char *number)
{
    const struct cost *cost = find(name);
    char *end = NULL;
    long n = number != NULL ? strtol(number, &end, 10) : cost->number;
    if (number != NULL &&
        (end == number || *end != '\0' || n < 1 || n > LOOP_COST_MOST))
        errx(CLI_USAGE, "%s '%s': a whole number from 1 to %d", name, number,
             LOOP_COST_MOST);
    cost->measure((int)n);
}
