/* lost_wakeup.c: a thread is called just before it goes to sleep, and sleeps
 * for ever.
 *
 * Cells: none
 * Run:   make lost_wakeup; make lost_wakeup ARGS=--hang
 * Ask:   it looks whether it has to wait, and then waits. What may happen
 *        between the two?
 * Watch: what it waits for. A condition variable keeps no call: who does not
 *        sleep yet does not hear it.
 * See:   lost_wakeup_mended.c; watchdog.h
 * Broken: hangs
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "04_threads/watchdog.h"

static bool hang;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool ready; /* guarded by the lock, says who wrote it; and here? */

/* They bring the worst moment about, each time. */
static sem_t looked, called;

/* The calls on threads return an error, those on semaphores leave it in errno.
 */
static void must(int error, const char *what)
{
    if (error != -1)
        errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) == -1 && errno == EINTR)
        continue;
}

static void wait_until_ready(void)
{
    if (!ready) {
        printf("main:   not ready, so I shall wait\n");
        must(sem_post(&looked), "semaphore");
        //> Here the lock is free, and the worker is quick: after the next line
        //> see p ready.
        await(&called);
        must(pthread_mutex_lock(&lock), "lock");
        printf("main:   I wait\n");
        //> It is ready, and main will wait for a call that has been made.
        must(pthread_cond_wait(&changed, &lock), "wait");
        must(pthread_mutex_unlock(&lock), "unlock");
    }
}

static void *make_ready(void *unused)
{
    await(&looked);
    ready = true;
    //> Nobody sleeps at the condition variable, so this wakes nobody, and
    //> nothing will remember it.
    must(pthread_cond_signal(&changed), "signal");
    printf("worker: ready, and I have called\n");
    must(sem_post(&called), "semaphore");
    return unused;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "wait for a call that was made too early",
        .options = {{0, "hang", "leave it stuck, for the debugger",
                     CLI_FLAG(&hang)}},
    };
    cli_parse(&cli, argc, argv);
    watchdog_mutex("lock", &lock);
    watchdog_condition("changed", &changed);
    watchdog_start(hang);

    pthread_t worker;
    must(sem_init(&looked, 0, 0), "semaphore");
    must(sem_init(&called, 0, 0), "semaphore");
    must(pthread_create(&worker, NULL, make_ready, NULL), "worker");
    must(pthread_setname_np(worker, "worker"), "worker");
    wait_until_ready();
    errx(CLI_NO_SHOW, "the call was heard");
}
