/* lock.c: ten threads bump one counter under a lock, and nothing is lost.
 *
 * Cells: A42
 * Run:   make lock; make lock ARGS='-t 2 -n 1000000'; diff race.c lock.c
 * Ask:   a thread that holds the lock is stopped in the midst of its three
 *        steps. What can the others do?
 * Watch: wait. The counter is 1000000 each time, and it took longer.
 * See:   race.c, without; mends.c, what this costs; deadlock.c, what it can
 *        cost besides
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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile long counter; /* only ever touched under the lock */
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
        //> Who gets the lock goes on; all others wait in this call.
        must(pthread_mutex_lock(&lock), "lock");
        long value = counter;
        /* A time slice ends where it will, but one may outlast all of this
         * work. So once in each thread it ends here, at a turn drawn by lot.
         */
        if (i == *end_of_slice)
            sched_yield();
        value = value + 1;
        //> Whatever ran since our load, it did not have the lock: p value,
        //> p counter, p lock.__data.__owner, info threads
        counter = value;
        must(pthread_mutex_unlock(&lock), "unlock");
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
        .about = "bump one counter from many threads, under a lock",
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
    if (counter != expected)
        errx(CLI_ERROR, "updates were lost, in spite of the lock");
    return CLI_OK;
}
