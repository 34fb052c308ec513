/* fib.c: an endless generator: each call goes on behind the yield at which the
 * one before stopped.
 *
 * Cells: A49
 * Run:   make fib; make fib ARGS='-n 94'; make tour-fib
 * Ask:   the loop in fib_next has no end. Why does the program end?
 * Watch: nobody asks for a seventh number, so nobody computes it. The
 *        generator just stays asleep; it is a struct, and goes with its scope.
 * See:   fib_by_hand.c, the same without macros; fib_ucontext.c, fib_thread.c;
 *        fib.gdb, where the switch jumps
 */
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

static int numbers = 6;

struct fib {
    struct gen gen;
    unsigned long a, b; /* its local variables: they last from call to call */
};

static bool fib_next(struct fib *g, unsigned long *value)
{
    GEN_BEGIN(g);
    //> The first call comes here, behind GEN_BEGIN. The others will not.
    g->a = 0;
    g->b = 1;
    while (true) {
        *value = g->a;
        //> Now it will note this line in the struct and return: next, until
        //> you are in main. Then print g.
        GEN_YIELD(g);
        //> The second call has come straight here: bt, and print *g.
        unsigned long next = g->a + g->b;
        g->a = g->b;
        g->b = next;
    }
    GEN_END(g);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "print the first Fibonacci numbers",
        /* The 95th has more than 64 bits. */
        .options = {{'n', "numbers", "how many numbers",
                     CLI_INT(&numbers, 1, 94)}},
    };
    cli_parse(&cli, argc, argv);

    struct fib g = {0};
    unsigned long value;
    //> Nothing of it has run: print g. Each call of fib_next runs it to its
    //> next yield.
    for (int i = 0; i < numbers && fib_next(&g, &value); i++)
        printf("%lu\n", value);
    return CLI_OK;
}
