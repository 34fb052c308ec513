/* fib_ucontext.c: the generator of fib.c with a stack of its own, on which its
 * locals can stay.
 *
 * Cells: none
 * Run:   make fib_ucontext; make tour-fib_ucontext
 * Ask:   a and b are plain local variables here. Why are they not lost?
 * Watch: nothing returns at a yield: the whole stack is left as it is, and
 *        another one taken. So one may yield from any depth of calls; the price
 *        is a stack each, and a guard page below it, which ends the program if
 *        the stack is too small.
 * See:   fib.c; fib_thread.c; gen_cost.c, the price of each
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__ /* others have no makecontext */
#include <ucontext.h>
#endif

#include "01_files/cli.h"

static int numbers = 6;

#ifdef __GLIBC__
enum { STACK = 64 * 1024 };

struct fib {
    ucontext_t caller, self; /* who sleeps, and with which registers */
    char *memory;            /* the guard page, and above it the stack */
    size_t size;
    unsigned long value;
};

/* makecontext hands over numbers of type int, into which no pointer goes. */
static struct fib *starting;

static void yield(struct fib *g, unsigned long value)
{
    g->value = value;
    //> Two calls deep, on a stack of its own: bt. Now it is left as it is.
    if (swapcontext(&g->self, &g->caller) == -1)
        err(CLI_ERROR, "swapcontext");
}

static void run(void)
{
    struct fib *g = starting;
    unsigned long a = 0;
    unsigned long b = 1;
    while (true) {
        yield(g, a);
        //> The second call ends up here: a and b are still there: info locals
        unsigned long next = a + b;
        a = b;
        b = next;
    }
}

static void fib_start(struct fib *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    g->size = page + STACK;
    g->memory = mmap(NULL, g->size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    /* Stacks grow downwards: who goes too far meets this page, not a stranger's
     * memory.
     */
    if (g->memory == MAP_FAILED || mprotect(g->memory, page, PROT_NONE) == -1)
        err(CLI_ERROR, "a stack");
    if (getcontext(&g->self) == -1)
        err(CLI_ERROR, "getcontext");
    g->self.uc_stack.ss_sp = g->memory + page;
    g->self.uc_stack.ss_size = STACK;
    g->self.uc_link = NULL; /* run() does not return */
    //> This writes the address of run, and of the stack: print g->self
    makecontext(&g->self, run, 0);
    starting = g;
}

static void fib_next(struct fib *g, unsigned long *value)
{
    if (swapcontext(&g->caller, &g->self) == -1)
        err(CLI_ERROR, "swapcontext");
    *value = g->value;
}

/* Nothing runs on that stack any more, and nobody cleans up what is on it. */
static void fib_end(struct fib *g)
{
    if (munmap(g->memory, g->size) == -1)
        err(CLI_ERROR, "munmap");
}

static void print_numbers(void)
{
    struct fib g;
    unsigned long value;
    fib_start(&g);
    for (int i = 0; i < numbers; i++) {
        fib_next(&g, &value);
        printf("%lu\n", value);
    }
    fib_end(&g);
}
#else
static void print_numbers(void)
{
    printf("this C library has no makecontext: nothing to show\n");
}
#endif

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "the first Fibonacci numbers, from another stack",
        .options = {{'n', "numbers", "how many numbers",
                     CLI_INT(&numbers, 1, 94)}},
    };
    cli_parse(&cli, argc, argv);

    print_numbers();
    return CLI_OK;
}
