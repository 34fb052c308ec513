/* lost_wakeup_mended.c: a thread looks and goes to sleep under one lock, and
 * no call is lost in between.
 *
 * Cells: none
 * Run:   make lost_wakeup_mended; diff lost_wakeup.c lost_wakeup_mended.c
 * Ask:   main holds the lock and sleeps. How can the worker ever get it?
 * Watch: pthread_cond_wait lets go of the lock and falls asleep, both at once,
 *        and has the lock again when it returns. And it stands in a loop: it
 *        may return for nothing, or after another was quicker.
 * See:   lost_wakeup.c; queue.c, where this is at work
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
static bool ready; /* only ever touched under the lock */

/* It brings the worst moment about, each time. */
static sem_t looked;

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
    must(pthread_mutex_lock(&lock), "lock");
    while (!ready) {
        printf("main:   not ready, so I shall wait\n");
        must(sem_post(&looked), "semaphore");
        //> The worker may come now, as soon as it likes. It gets no further
        //> than to the lock: main holds it until it sleeps.
        must(pthread_cond_wait(&changed, &lock), "wait");
    }
    must(pthread_mutex_unlock(&lock), "unlock");
    printf("main:   it is ready\n");
}

static void *make_ready(void *unused)
{
    await(&looked);
    must(pthread_mutex_lock(&lock), "lock");
    //> The lock is ours, so main sleeps at the condition variable.
    ready = true;
    printf("worker: ready, and I call\n");
    must(pthread_cond_signal(&changed), "signal");
    must(pthread_mutex_unlock(&lock), "unlock");
    return unused;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "wait for a call, and hear it",
        .options = {{0, "hang", "leave it stuck, for the debugger",
                     CLI_FLAG(&hang)}},
    };
    cli_parse(&cli, argc, argv);
    watchdog_mutex("lock", &lock);
    watchdog_condition("changed", &changed);
    watchdog_start(hang);

    pthread_t worker;
    must(sem_init(&looked, 0, 0), "semaphore");
    must(pthread_create(&worker, NULL, make_ready, NULL), "worker");
    must(pthread_setname_np(worker, "worker"), "worker");
    wait_until_ready();
    must(pthread_join(worker, NULL), "join");
    return CLI_OK;
}
