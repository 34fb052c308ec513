/* fib_thread.c: the generator of fib.c as a thread, of which only one at a time
 * runs: it, or its caller.
 *
 * Cells: none
 * Run:   make fib_thread; make fib_thread SAN=thread
 * Ask:   two threads, and no lock around the value they share. Why is that no
 *        race?
 * Watch: control is handed over, back and forth: who has posted one semaphore
 *        waits at the other. So it needs what threads need: a stack, the
 *        kernel at each step, and somebody who tells it to end.
 * See:   fib.c; fib_ucontext.c; gen_cost.c, the price of each
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"

static int numbers = 6;

struct fib {
    pthread_t thread;
    sem_t go, came;
    bool closing; /* these are for whoever has control */
    unsigned long value;
};

static void wait_for(sem_t *s)
{
    while (sem_wait(s) == -1)
        if (errno != EINTR)
            err(CLI_ERROR, "semaphore");
}

static void post(sem_t *s)
{
    if (sem_post(s) == -1)
        err(CLI_ERROR, "semaphore");
}

/* Returns false where it is to end. */
static bool yield(struct fib *g, unsigned long value)
{
    g->value = value;
    //> Now control goes back to the caller: info threads, and where both are.
    post(&g->came);
    wait_for(&g->go);
    return !g->closing;
}

static void *run(void *argument)
{
    struct fib *g = argument;
    unsigned long a = 0;
    unsigned long b = 1;
    wait_for(&g->go);
    while (!g->closing && yield(g, a)) {
        //> The second call has woken it here; its locals are on its stack.
        unsigned long next = a + b;
        a = b;
        b = next;
    }
    return NULL;
}

static void fib_start(struct fib *g)
{
    if (sem_init(&g->go, 0, 0) == -1 || sem_init(&g->came, 0, 0) == -1)
        err(CLI_ERROR, "semaphore");
    errno = pthread_create(&g->thread, NULL, run, g);
    if (errno != 0)
        err(CLI_ERROR, "thread");
}

static void fib_next(struct fib *g, unsigned long *value)
{
    post(&g->go);
    //> The thread may run now, and we do not: info threads.
    wait_for(&g->came);
    *value = g->value;
}

/* It sleeps at its yield, or has not begun. */
static void fib_close(struct fib *g)
{
    g->closing = true;
    post(&g->go);
    errno = pthread_join(g->thread, NULL);
    if (errno != 0)
        err(CLI_ERROR, "join");
    sem_destroy(&g->go);
    sem_destroy(&g->came);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "the first Fibonacci numbers, from another thread",
        .options = {{'n', "numbers", "how many numbers",
                     CLI_INT(&numbers, 1, 94)}},
    };
    cli_parse(&cli, argc, argv);

    struct fib g = {0};
    unsigned long value;
    fib_start(&g);
    for (int i = 0; i < numbers; i++) {
        fib_next(&g, &value);
        printf("%lu\n", value);
    }
    //> It waits for ever at its yield; only a word from us ends it.
    fib_close(&g);
    return CLI_OK;
}
