/* lock_kinds.c: a lock that knows its owner refuses to let it wait for itself,
 * or lets it pass.
 *
 * Cells: none
 * Run:   make lock_kinds; make tour-lock_kinds
 * Ask:   a lock could notice that its owner comes again. What should it do?
 * Watch: the error-checking one makes an error of the bug, at the line where it
 *        is. The recursive one lets it pass; what it guarded may be half done.
 * See:   deadlock.c, the bug; deadlock_mended.c, the mend
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"

static pthread_mutex_t lock;
static long counter; /* only ever touched under the lock */

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

static void make_lock(int type)
{
    pthread_mutexattr_t attributes;
    must(pthread_mutexattr_init(&attributes), "attributes");
    must(pthread_mutexattr_settype(&attributes, type), "type");
    must(pthread_mutex_init(&lock, &attributes), "lock");
    must(pthread_mutexattr_destroy(&attributes), "attributes");
}

static void print_counter(void)
{
    int error = pthread_mutex_lock(&lock);
    if (error == EDEADLK) {
        printf("not printed: %s\n", strerror(error));
        return;
    }
    must(error, "lock");
    printf("%ld\n", counter);
    must(pthread_mutex_unlock(&lock), "unlock");
}

static void worker(void)
{
    must(pthread_mutex_lock(&lock), "lock");
    print_counter();
    counter++;
    must(pthread_mutex_unlock(&lock), "unlock");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "take locks twice that know their owner",
    };
    cli_parse(&cli, argc, argv);

    printf("an error-checking lock\n");
    make_lock(PTHREAD_MUTEX_ERRORCHECK);
    //> It knows its owner, and will not let it wait for itself: EDEADLK. The
    //> bug is still there; now it has a name, and a line.
    worker();
    must(pthread_mutex_destroy(&lock), "lock");

    printf("a recursive lock\n");
    make_lock(PTHREAD_MUTEX_RECURSIVE);
    //> It counts how often its owner took it: p lock.__data.__count. But to
    //> hold the lock meant that nobody is in the middle of anything. Now our
    //> own caller may be.
    worker();
    must(pthread_mutex_destroy(&lock), "lock");
    return CLI_OK;
}
