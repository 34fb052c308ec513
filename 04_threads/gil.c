/* gil.c: threads gain nothing under one interpreter lock, except where they
 * wait without it.
 *
 * Cells: A33
 * Run:   make gil; make gil ARGS='locked -t 4'; make gil ARGS='held -d 1'
 * Ask:   one lock for the whole interpreter: what can two threads still do at
 *        the same time?
 * Watch: under the lock they take turns of 5 ms, and one core is busy. Who
 *        sleeps with the lock in hand makes all others wait; who lets go of it
 *        before he sleeps does not.
 * See:   count_threads.c, no such lock; download_threads.c, such waiting
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

enum { MOST = 100, DOWNLOADS = 2, CACHE_LINE = 64 };

static int steps = 50000000;
static int threads = 2;
static double delay = 0.1;
static double interval = 0.005;

struct worker {
    alignas(CACHE_LINE) volatile long counter; /* far from the others' */
    pthread_t thread;
    const struct part *part;
    int lane;
    long share;
};

/* The lock as CPython has it since 3.2: the holder looks at drop_request after
 * each step, and who wants the lock waits for an interval before he asks.
 */
static struct {
    atomic_bool drop_request;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t released, taken;
    bool held;
    long turns;
} gil = {.mutex = PTHREAD_MUTEX_INITIALIZER, .taken = PTHREAD_COND_INITIALIZER};

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

static struct timespec seconds(double s)
{
    return (struct timespec){(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
}

static void take_gil(int lane)
{
    must(pthread_mutex_lock(&gil.mutex), "lock");
    while (gil.held) {
        timeline_mark(lane, TIMELINE_BLOCKED);
        long turn = gil.turns;
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        struct timespec until = seconds((double)now.tv_nsec / 1e9 + interval);
        until.tv_sec += now.tv_sec;
        int e = pthread_cond_timedwait(&gil.released, &gil.mutex, &until);
        if (e != ETIMEDOUT)
            must(e, "wait");
        else if (gil.held && gil.turns == turn)
            //> The same holder for a whole interval: ask it to let go.
            gil.drop_request = true;
    }
    gil.held = true;
    gil.drop_request = false;
    gil.turns++;
    must(pthread_cond_broadcast(&gil.taken), "broadcast");
    must(pthread_mutex_unlock(&gil.mutex), "unlock");
    timeline_mark(lane, TIMELINE_RUN);
}

static void drop_gil(void)
{
    must(pthread_mutex_lock(&gil.mutex), "lock");
    long turn = gil.turns;
    gil.held = false;
    must(pthread_cond_signal(&gil.released), "signal");
    /* If somebody asked, then not on before another has had the lock. */
    while (gil.drop_request && gil.turns == turn)
        must(pthread_cond_wait(&gil.taken, &gil.mutex), "wait");
    must(pthread_mutex_unlock(&gil.mutex), "unlock");
}

static void take_turns(int lane)
{
    if (atomic_load_explicit(&gil.drop_request, memory_order_relaxed)) {
        timeline_mark(lane, TIMELINE_BLOCKED);
        //> Somebody asked. Let go, see another take the lock, and line up.
        drop_gil();
        take_gil(lane);
    }
}

static void count(struct worker *w)
{
    while (w->counter < w->share) {
        w->counter++;
        take_turns(w->lane);
    }
}

/* A sleep stands for the network, which answers after a while. */
static void wait_for_answer(const struct worker *w)
{
    struct timespec pause = seconds(delay);
    timeline_mark(w->lane, TIMELINE_WAIT);
    if (nanosleep(&pause, NULL) == -1)
        err(CLI_ERROR, "sleep");
}

static void download_and_hold(struct worker *w)
{
    for (int i = 0; i < DOWNLOADS; i++) {
        wait_for_answer(w);
        take_turns(w->lane);
    }
}

static void download_and_release(struct worker *w)
{
    for (int i = 0; i < DOWNLOADS; i++) {
        timeline_mark(w->lane, TIMELINE_WAIT);
        //> What CPython does around each call that may wait: let go before it,
        //> take the lock again behind it.
        drop_gil();
        wait_for_answer(w);
        take_gil(w->lane);
    }
}

static const struct part {
    const char *name, *claim;
    void (*job)(struct worker *);
    bool locked;
} parts[] = {
    {"free", "count without a lock", count, false},
    {"locked", "count under one lock", count, true},
    {"held", "wait with the lock in hand", download_and_hold, true},
    {"released", "wait without the lock", download_and_release, true},
};

static void *work(void *argument)
{
    struct worker *w = argument;
    if (w->part->locked)
        take_gil(w->lane);
    timeline_mark(w->lane, TIMELINE_RUN);
    w->part->job(w);
    timeline_mark(w->lane, TIMELINE_IDLE);
    if (w->part->locked)
        drop_gil();
    return NULL;
}

static void run_threads(const struct part *part)
{
    static struct worker workers[MOST];
    for (int i = 0; i < threads; i++)
        workers[i] =
            (struct worker){.part = part,
                            .lane = timeline_lane("thread %d", i + 1),
                            .share = steps / threads + (i < steps % threads)};
    int started = 0;
    int error = 0;
    while (started < threads && error == 0) {
        struct worker *w = &workers[started];
        error = pthread_create(&w->thread, NULL, work, w);
        started += error == 0;
    }
    for (int i = 0; i < started; i++)
        must(pthread_join(workers[i].thread, NULL), "join");
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "thread %d of %d", started + 1, threads);
}

/* The speed-up of a part is over doing the same one after the other. */
static void show(const struct part *part, double counting_alone)
{
    struct stopwatch watch;
    double alone =
        part->job == count ? counting_alone : threads * DOWNLOADS * delay;
    timeline_start(threads);
    printf("%s: %s\n", part->name, part->claim);
    gil.turns = 0;
    stopwatch_start(&watch);
    run_threads(part);
    stopwatch_stop(&watch);
    timeline_finish();
    printf("took         %.3g s\n", watch.wall);
    printf("speed-up     %.2f\n", alone / watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("lock taken   %ld times\n", gil.turns);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count and wait under an interpreter lock; all parts, or one",
        .operands = "[free | locked | held | released]",
        .options = {{'n', "steps", "how far to count",
                     CLI_INT(&steps, 1, 2000000000)},
                    {'t', "threads", "how many threads",
                     CLI_INT(&threads, 1, MOST)},
                    {'d', "delay", "{seconds} that a download takes",
                     CLI_DOUBLE(&delay, 0.001, 10)},
                    {0, "interval", "{seconds} to hold the lock at most",
                     CLI_DOUBLE(&interval, 0.001, 1)},
                    TIMELINE_OPTIONS},
    };
    int first = cli_parse(&cli, argc, argv);
    if (argc - first > 1)
        errx(CLI_USAGE, "'%s': one part at a time", argv[first + 1]);
    pthread_condattr_t attributes;
    must(pthread_condattr_init(&attributes), "condition");
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), "condition");
    must(pthread_cond_init(&gil.released, &attributes), "condition");

    struct stopwatch alone;
    stopwatch_start(&alone);
    count(&(struct worker){.lane = -1, .share = steps});
    stopwatch_stop(&alone);
    bool found = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (first == argc || strcmp(argv[first], parts[i].name) == 0) {
            if (found)
                putchar('\n');
            show(&parts[i], alone.wall);
            found = true;
        }
    if (!found)
        errx(CLI_USAGE, "'%s': there is no such part", argv[first]);
    return CLI_OK;
}
