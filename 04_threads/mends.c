/* mends.c: four ways to lose no update, and what an increment costs by each.
 *
 * Cells: none
 * Run:   make mends; make mends ARGS='-t 1'; make mends OPT=1
 * Ask:   which is the fastest? which is still so with one thread?
 * Watch: the cheapest is not to share: each counts for itself, and the sum is
 *        made at the end. A spin lock keeps its core busy while it waits, even
 *        for a thread that waits for just that core.
 * See:   race.c, lock.c
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "01_files/cli.h"

enum { MOST = 100, ROUNDS = 5, CACHE_LINE = 64 };

static int threads = 10;
static int increments = 50000;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;
static volatile long counter; /* volatile, or -O2 makes one addition of all */
static atomic_long atomic;
static struct {
    alignas(CACHE_LINE) volatile long count; /* of one thread alone */
} own[MOST];

static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

/* Wrong on purpose, for its price; race.c is about that. So the thread
 * sanitizer need not report it here.
 */
__attribute__((no_sanitize("thread"))) static void bump_racy(int me)
{
    (void)me;
    for (int i = 0; i < increments; i++)
        counter++;
}

static void bump_mutex(int me)
{
    (void)me;
    for (int i = 0; i < increments; i++) {
        //> Who does not get it sleeps in the kernel, and is woken.
        must(pthread_mutex_lock(&mutex), "mutex");
        counter++;
        must(pthread_mutex_unlock(&mutex), "mutex");
    }
}

static void bump_spin(int me)
{
    (void)me;
    for (int i = 0; i < increments; i++) {
        //> Who does not get it tries again, and again, and stays on its core;
        //> the one that has it may be waiting for just that core.
        must(pthread_spin_lock(&spin), "spin lock");
        counter++;
        must(pthread_spin_unlock(&spin), "spin lock");
    }
}

static void bump_atomic(int me)
{
    (void)me;
    for (int i = 0; i < increments; i++)
        //> Load, add and store, and the processor keeps all others off this
        //> line of the cache meanwhile: x/8i $pc, there is a lock in it.
        atomic_fetch_add_explicit(&atomic, 1, memory_order_relaxed);
}

static void bump_own(int me)
{
    for (int i = 0; i < increments; i++)
        //> Nobody else writes here. The sum is made at the end.
        own[me].count++;
}

static const struct way {
    const char *name;
    void (*bump)(int me);
} ways[] = {{"racy", bump_racy},
            {"mutex", bump_mutex},
            {"spin lock", bump_spin},
            {"atomic", bump_atomic},
            {"own counters", bump_own}};
enum { WAYS = sizeof ways / sizeof *ways };

static struct worker {
    pthread_t thread;
    const struct way *way;
} workers[MOST];

static void *work(void *argument)
{
    struct worker *w = argument;
    must(pthread_rwlock_rdlock(&gate), "the gate");
    must(pthread_rwlock_unlock(&gate), "the gate");
    w->way->bump((int)(w - workers));
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static long sum(void)
{
    long sum = counter + atomic;
    for (int i = 0; i < threads; i++)
        sum += own[i].count;
    return sum;
}

/* Nanoseconds for an increment, from the opening of the gate to the end. */
static double run(const struct way *way)
{
    int started = 0;
    int error = 0;
    must(pthread_rwlock_wrlock(&gate), "the gate");
    while (started < threads && error == 0) {
        workers[started].way = way;
        error = pthread_create(&workers[started].thread, NULL, work,
                               &workers[started]);
        started += error == 0;
    }
    if (error != 0)
        increments = 0;
    double start = now();
    must(pthread_rwlock_unlock(&gate), "the gate");
    for (int i = 0; i < started; i++)
        must(pthread_join(workers[i].thread, NULL), "join");
    double end = now();
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "thread %d of %d", started + 1, threads);
    return (end - start) / threads / increments;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "bump one counter from many threads, in five ways",
        .options = {{'t', "threads", "how many threads",
                     CLI_INT(&threads, 1, MOST)},
                    {'n', "increments", "how many increments each",
                     CLI_INT(&increments, 1, 10000000)}},
    };
    cli_parse(&cli, argc, argv);
    must(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE), "spin lock");

    static double prices[WAYS][ROUNDS];
    long counted[WAYS] = {0};
    long expected = (long)threads * increments * ROUNDS;
    /* In turn, so that what else the machine does hits all alike. */
    for (int r = 0; r < ROUNDS; r++)
        for (int i = 0; i < WAYS; i++) {
            long before = sum();
            prices[i][r] = run(&ways[i]);
            counted[i] += sum() - before;
        }

    printf("%d thread%s, %d increments each, %d rounds\n", threads,
           threads == 1 ? "" : "s", increments, ROUNDS);
    for (int i = 0; i < WAYS; i++)
        printf("%-12s  %ld lost\n", ways[i].name, expected - counted[i]);
    printf("an increment, the median of the rounds:\n");
    for (int i = 0; i < WAYS; i++) {
        qsort(prices[i], ROUNDS, sizeof *prices[i], compare);
        printf("%-12s %6.1f ns\n", ways[i].name, prices[i][ROUNDS / 2]);
    }
    for (int i = 1; i < WAYS; i++)
        if (counted[i] != expected)
            errx(CLI_ERROR, "%s: updates were lost", ways[i].name);
    return CLI_OK;
}
