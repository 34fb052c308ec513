/* count_threads.c: two threads count on two cores, in half the time.
 *
 * Cells: A32
 * Run:   make count_threads; make count_threads ARGS=--near
 * Ask:   in Python the threads were no faster than one alone. And here?
 * Watch: nearly twice as fast: no lock lets only one of them run. With --near
 *        the two counters, though nobody shares them, lie in one line of the
 *        cache, which goes back and forth between the cores.
 * See:   gil.c, why Python's gain nothing; 03_processes/count_processes.c;
 *        queue.h
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "04_threads/queue.h"

enum { MOST = 32000, CACHE_LINE = 64 };

static int steps = 50000000;
static int threads = 2;
static bool near; /* counters close together */

static struct worker {
    alignas(CACHE_LINE) volatile long own; /* no other worker in its line */
    pthread_t thread;
    int lane;
    long share;
    volatile long *counter; /* volatile, or -O2 makes one addition of it all */
} workers[MOST];
static volatile long together[MOST]; /* eight of them in a line */

static struct queue results;

/* The same code for all: inlined, -O2 would give the one alone a better one. */
__attribute__((noinline)) static void count(struct worker *w)
{
    timeline_mark(w->lane, TIMELINE_RUN);
    while (*w->counter < w->share)
        ++*w->counter;
    timeline_mark(w->lane, TIMELINE_IDLE);
}

static void *work(void *argument)
{
    struct worker *w = argument;
    //> A thread of its own: info threads. All of them see the same variables;
    //> each has a stack of its own.
    count(w);
    /* There is room for all, so this never waits and never fails. */
    queue_put(&results, w);
    return NULL;
}

static void join(int n)
{
    for (int i = 0; i < n; i++) {
        errno = pthread_join(workers[i].thread, NULL);
        if (errno != 0)
            err(CLI_ERROR, "thread %d", i + 1);
    }
}

static long count_in_threads(void)
{
    if (queue_init(&results, (size_t)threads) == -1)
        err(CLI_ERROR, "the queue");
    for (int i = 0; i < threads; i++) {
        struct worker *w = &workers[i];
        w->share = steps / threads + (i < steps % threads);
        w->counter = near ? &together[i] : &w->own;
        int error = pthread_create(&w->thread, NULL, work, w);
        if (error != 0) {
            join(i);
            errno = error;
            err(CLI_ERROR, "thread %d of %d", i + 1, threads);
        }
    }
    long sum = 0;
    for (int i = 0; i < threads; i++) {
        //> This waits until a thread has put its result into the queue.
        struct worker *w = queue_get(&results);
        sum += *w->counter;
    }
    join(threads);
    queue_destroy(&results);
    return sum;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count in several threads",
        .options = {{'n', "steps", "how far to count",
                     CLI_INT(&steps, 1, 2000000000)},
                    {'t', "threads", "how many threads",
                     CLI_INT(&threads, 1, MOST)},
                    {0, "near", "let the counters share a line of the cache",
                     CLI_FLAG(&near)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(1 + threads);
    struct worker alone = {
        .lane = timeline_lane("alone"), .share = steps, .counter = &alone.own};
    for (int i = 0; i < threads; i++)
        workers[i].lane = timeline_lane("thread %d", i + 1);

    struct stopwatch one, many;
    stopwatch_start(&one);
    count(&alone);
    stopwatch_stop(&one);
    stopwatch_start(&many);
    long sum = count_in_threads();
    stopwatch_stop(&many);

    timeline_finish();
    printf("counted to   %ld\n", sum);
    printf("alone        %.3g s\n", one.wall);
    printf("threads      %.3g s\n", many.wall);
    //> print one, print many: the same work for the CPUs, in half the time.
    printf("speed-up     %.2f\n", one.wall / many.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&many));
    printf("recorded     3.5 s, no gain (Python, 2017)\n");
    return CLI_OK;
}
