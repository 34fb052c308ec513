/* deadlock_mended.c: what is called under the lock does not take it, and says
 * so by its name.
 *
 * Cells: none
 * Run:   make deadlock_mended; diff deadlock.c deadlock_mended.c
 * Ask:   who takes the lock: the function that needs it, or its caller?
 * Watch: there is one function for each. The C library does so, too: putchar(3)
 *        takes the lock of stdout, putchar_unlocked(3) is for who has it.
 * See:   deadlock.c; lock_kinds.c, what a lock could do about it
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

static void print_counter_unlocked(void)
{
    //> The lock is held, and stays so: p lock.__data.__owner
    printf("%ld\n", counter);
}

static void print_counter(void)
{
    printf("print_counter takes the lock\n");
    must(pthread_mutex_lock(&lock), "lock");
    print_counter_unlocked();
    must(pthread_mutex_unlock(&lock), "unlock");
}

static void worker(void)
{
    printf("worker takes the lock\n");
    must(pthread_mutex_lock(&lock), "lock");
    //> Under the lock only what does not take it is called.
    print_counter_unlocked();
    counter++;
    must(pthread_mutex_unlock(&lock), "unlock");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "take a lock, and call a function that does not",
        .options = {{0, "hang", "leave it stuck, for the debugger",
                     CLI_FLAG(&hang)}},
    };
    cli_parse(&cli, argc, argv);
    watchdog_mutex("lock", &lock);
    watchdog_start(hang);

    worker();
    //> Nobody holds the lock here, so it is the one that takes it.
    print_counter();
    return CLI_OK;
}
