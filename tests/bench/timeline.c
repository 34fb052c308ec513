/* What timeline_mark costs, in ns: in one thread, and in two at the same time.
 * Beside it the clock alone, which is most of it. For tests/bench_timeline.sh.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "03_processes/timeline.h"

enum { ROUNDS = 25, MARKS = 200000 };

static pthread_barrier_t both_are_there;

/* The CPU's time, and not the wall's: others run here too. */
static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double mark_lane(int lane)
{
    double start = cpu_ns();
    for (int i = 0; i < MARKS / 2; i++) {
        timeline_mark(lane, TIMELINE_RUN);
        timeline_mark(lane, TIMELINE_WAIT);
    }
    return (cpu_ns() - start) / MARKS;
}

static double read_clock(void)
{
    struct timespec t;
    double start = cpu_ns();
    for (int i = 0; i < MARKS; i++)
        clock_gettime(CLOCK_MONOTONIC, &t);
    return (cpu_ns() - start) / MARKS;
}

static void *run(void *result)
{
    int lane = timeline_lane("thread");
    pthread_barrier_wait(&both_are_there);
    *(double *)result = mark_lane(lane);
    return NULL;
}

/* The slower one of two. */
static double mark_in_threads(void)
{
    pthread_t threads[2];
    double ns[2];
    for (int i = 0; i < 2; i++)
        if ((errno = pthread_create(&threads[i], NULL, run, &ns[i])) != 0)
            err(1, "thread");
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return ns[0] > ns[1] ? ns[0] : ns[1];
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double ns[ROUNDS])
{
    qsort(ns, ROUNDS, sizeof *ns, compare);
    printf("%-16s %5.1f ns (%.1f to %.1f)\n", what, ns[ROUNDS / 2], ns[0],
           ns[ROUNDS - 1]);
}

int main(void)
{
    static double clock[ROUNDS], alone[ROUNDS], together[ROUNDS];
    if ((errno = pthread_barrier_init(&both_are_there, NULL, 2)) != 0)
        err(1, "barrier");
    for (int i = 0; i < ROUNDS; i++) {
        timeline_start(3); /* a new one each round: no mark is dropped */
        clock[i] = read_clock();
        alone[i] = mark_lane(timeline_lane("alone"));
        together[i] = mark_in_threads();
    }
    print("the clock alone", clock);
    print("a mark", alone);
    print("two threads mark", together);
    return 0;
}
