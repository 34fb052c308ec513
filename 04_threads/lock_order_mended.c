/* lock_order_mended.c: two threads take two locks in one order, whatever they
 * want them for, and never wait in a circle.
 *
 * Cells: none
 * Run:   make lock_order_mended; diff lock_order.c lock_order_mended.c
 * Ask:   which order do all threads agree on, for any two locks?
 * Watch: the one with the lower address comes first. The barrier stands before
 *        both locks now: the second thread gets none before the first lets go.
 * See:   lock_order.c
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "04_threads/watchdog.h"

enum { TRANSFERS = 100 };

static bool hang;

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
    bool in_order = (uintptr_t)from < (uintptr_t)to;
    struct account *first = in_order ? from : to;
    struct account *second = in_order ? to : from;
    must(pthread_barrier_wait(&both), "barrier");
    //> Both threads start here, and want the same lock first: p first == &a.
    //> One gets it, and the other waits with empty hands.
    must(pthread_mutex_lock(&first->lock), "lock");
    must(pthread_mutex_lock(&second->lock), "lock");
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
        .about = "take two locks in one order, in two threads",
        .options = {{0, "hang", "leave it stuck, for the debugger",
                     CLI_FLAG(&hang)}},
    };
    cli_parse(&cli, argc, argv);
    watchdog_mutex("A", &a.lock);
    watchdog_mutex("B", &b.lock);
    watchdog_start(hang);

    pthread_t threads[2];
    must(pthread_barrier_init(&both, NULL, 2), "barrier");
    //> Left will move money from A to B, right from B to A.
    printf("both lock the one with the lower address first\n");
    must(pthread_create(&threads[0], NULL, left, NULL), "left");
    must(pthread_create(&threads[1], NULL, right, NULL), "right");
    must(pthread_join(threads[0], NULL), "left");
    must(pthread_join(threads[1], NULL), "right");
    //> All is done, and what went one way came back the other.
    printf("%d transfers each: A has %ld, B has %ld\n", TRANSFERS, a.money,
           b.money);
    return CLI_OK;
}
