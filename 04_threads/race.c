/* race.c: ten threads bump one counter without a lock, and updates are lost.
 *
 * Cells: A41
 * Run:   make race; make race ARGS='-t 2 -n 1000000'; make race SAN=thread
 * Ask:   what will it print with one thread? with ten? twice the same?
 * Watch: the counter falls short, by another amount each time. Volatile makes
 *        the three steps happen; it does not make them one.
 * See:   counter.c, one thread alone; lock.c, the mend; mends.c, what a mend
 *        costs; race.gdb, an update lost by hand
 * Broken: a data race
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "01_files/cli.h"

enum { MOST = 1000 };

static int threads = 10;
static int increments = 100000;

static volatile long counter; /* or -O2 makes one addition of the loop */
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

static void *work(void *argument)
{
    must(pthread_rwlock_rdlock(&gate), "the gate");
    must(pthread_rwlock_unlock(&gate), "the gate");
    const int *end_of_slice = argument;
    for (int i = 0; i < increments; i++) {
        //> Load, add, store: three steps. Another thread can run between any
        //> two of them.
        long value = counter;
        /* A time slice ends where it will, but one may outlast all of this
         * work. So once in each thread it ends here, at a turn drawn by lot.
         */
        if (i == *end_of_slice)
            sched_yield();
        value = value + 1;
        //> Now value will be stored, and what others have stored since our
        //> load is gone. Was there any? p counter, p value
        counter = value;
    }
    return NULL;
}

/* The gate opens when all threads are there, or none would meet another. */
static void run_threads(void)
{
    static pthread_t ids[MOST];
    static int ends_of_slice[MOST];
    int started = 0;
    int error = 0;
    must(pthread_rwlock_wrlock(&gate), "the gate");
    while (started < threads && error == 0) {
        ends_of_slice[started] = (int)(random() % increments);
        error =
            pthread_create(&ids[started], NULL, work, &ends_of_slice[started]);
        started += error == 0;
    }
    if (error != 0) /* those that are there have nothing to do */
        increments = 0;
    //> All threads are there, and wait at the gate: info threads.
    must(pthread_rwlock_unlock(&gate), "the gate");
    for (int i = 0; i < started; i++)
        must(pthread_join(ids[i], NULL), "join");
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "thread %d of %d", started + 1, threads);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "bump one counter from many threads, without a lock",
        .options = {{'t', "threads", "how many threads",
                     CLI_INT(&threads, 1, MOST)},
                    {'n', "increments", "how many increments each",
                     CLI_INT(&increments, 1, 1000000000)}},
    };
    cli_parse(&cli, argc, argv);

    srandom((unsigned)getpid());
    run_threads();
    long expected = (long)threads * increments;
    printf("%d thread%s, %d increments each\n", threads,
           threads == 1 ? "" : "s", increments);
    printf("expected  %ld\n", expected);
    printf("counted   %ld\n", counter);
    printf("lost      %ld\n", expected - counter);
    if (counter == expected)
        errx(CLI_NO_SHOW, "no update was lost%s",
             threads == 1 ? ": one thread alone loses none" : " this time");
    return CLI_OK;
}
