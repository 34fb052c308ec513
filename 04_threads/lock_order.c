/* lock_order.c: two threads take two locks in opposite order, and wait for
 * each other for ever.
 *
 * Cells: none
 * Run:   make lock_order; make lock_order ARGS=--hang
 *        make lock_order SAN=thread ARGS=--apart
 * Ask:   each takes one lock after the other, and lets go of both. What can go
 *        wrong?
 * Watch: each holds what the other wants. A barrier brings that about, every
 *        time; without it, it would come on a bad day. Sanitizers see the
 *        wrong order on a good day, too.
 * See:   lock_order_mended.c; watchdog.h; lockgraph.py
 * Broken: hangs
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "04_threads/watchdog.h"

enum { TRANSFERS = 100 };

static bool hang, apart;

static struct account {
    pthread_mutex_t lock;
    long money; /* only ever touched under the lock */
} a = {PTHREAD_MUTEX_INITIALIZER, 1000}, b = {PTHREAD_MUTEX_INITIALIZER, 1000};

static pthread_barrier_t both;

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0 && error != PTHREAD_BARRIER_SERIAL_THREAD)
        err(CLI_ERROR, "%s", what);
}

static void transfer(struct account *from, struct account *to, long amount)
{
    must(pthread_mutex_lock(&from->lock), "lock");
    must(pthread_barrier_wait(&both), "barrier");
    //> Both threads have their first lock by now. Whose is the other?
    //> p from->lock.__data.__owner, p to->lock.__data.__owner, info threads
    must(pthread_mutex_lock(&to->lock), "lock");
    from->money -= amount;
    to->money += amount;
    must(pthread_mutex_unlock(&to->lock), "unlock");
    must(pthread_mutex_unlock(&from->lock), "unlock");
}

static void *left(void *unused)
{
    must(pthread_setname_np(pthread_self(), "left"), "left");
    for (int i = 0; i < TRANSFERS; i++)
        transfer(&a, &b, 1);
    return unused;
}

static void *right(void *unused)
{
    must(pthread_setname_np(pthread_self(), "right"), "right");
    for (int i = 0; i < TRANSFERS; i++)
        transfer(&b, &a, 1);
    return unused;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "take two locks in opposite order, in two threads",
        .options = {{0, "hang", "leave it stuck, for the debugger",
                     CLI_FLAG(&hang)},
                    {0, "apart", "begin the one when the other is done",
                     CLI_FLAG(&apart)}},
    };
    cli_parse(&cli, argc, argv);
    watchdog_mutex("A", &a.lock);
    watchdog_mutex("B", &b.lock);
    watchdog_start(hang);

    pthread_t threads[2];
    must(pthread_barrier_init(&both, NULL, apart ? 1 : 2), "barrier");
    //> Left will move money from A to B, right from B to A.
    printf("left locks A, then B; right locks B, then A\n");
    must(pthread_create(&threads[0], NULL, left, NULL), "left");
    if (apart)
        must(pthread_join(threads[0], NULL), "left");
    must(pthread_create(&threads[1], NULL, right, NULL), "right");
    if (!apart)
        must(pthread_join(threads[0], NULL), "left");
    must(pthread_join(threads[1], NULL), "right");
    if (apart) {
        printf("nothing hung; the order is as wrong as before\n");
        return CLI_OK;
    }
    errx(CLI_NO_SHOW, "it did not hang");
}
