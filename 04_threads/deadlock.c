/* deadlock.c: a thread takes a lock that it holds already, and waits for ever.
 *
 * Cells: A43
 * Run:   make deadlock; make deadlock ARGS=--hang
 * Ask:   for whom does it wait?
 * Watch: for itself. The watchdog says so after a second, and ends it; with
 *        --hang gdb can be attached: lockgraph.
 * See:   deadlock_mended.c; lock_kinds.c, what a lock could do about it;
 *        lock_order.c, it takes two; watchdog.h; lockgraph.py
 * Broken: hangs
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "04_threads/watchdog.h"

static bool hang;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter; /* only ever touched under the lock */

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

static void print_counter(void)
{
    printf("print_counter takes the lock\n");
    //> The lock is held, and by whom? p lock.__data.__owner, info threads. The
    //> next line never returns.
    must(pthread_mutex_lock(&lock), "lock");
    printf("%ld\n", counter);
    must(pthread_mutex_unlock(&lock), "unlock");
}

static void worker(void)
{
    printf("worker takes the lock\n");
    must(pthread_mutex_lock(&lock), "lock");
    //> A function is called under the lock. Who knows what it will do?
    print_counter();
    counter++;
    must(pthread_mutex_unlock(&lock), "unlock");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "take a lock, and call a function that takes it again",
        .options = {{0, "hang", "leave it stuck, for the debugger",
                     CLI_FLAG(&hang)}},
    };
    cli_parse(&cli, argc, argv);
    watchdog_mutex("lock", &lock);
    watchdog_start(hang);

    worker();
    errx(CLI_NO_SHOW, "it did not hang");
}
