/* simple_gen.c: a generator of two values, asked three times, and then walked
 * by a loop.
 *
 * Cells: A47, A48
 * Run:   make simple_gen; make tour-simple_gen
 * Ask:   it is asked a third time. What can it say?
 * Watch: in Python the third next() raises StopIteration, and a for loop takes
 *        that for its end. Here each call says whether there was a value, and
 *        that is the loop's condition.
 * See:   fib.c, one without an end; fib_by_hand.c, what the macros stand for
 */
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

struct simple {
    struct gen gen; /* the line at which it sleeps; it has no locals */
};

static bool simple_next(struct simple *g, int *value)
{
    GEN_BEGIN(g);
    *value = 1;
    GEN_YIELD(g);
    //> The second call comes out of the yield above, not in at the top.
    *value = 2;
    GEN_YIELD(g);
    //> The third finds nothing more to do, and returns false.
    GEN_END(g);
    return false;
}

static void next(struct simple *g)
{
    int value;
    if (simple_next(g, &value))
        printf("next: %d\n", value);
    else
        printf("next: no more (in Python StopIteration)\n");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "ask a generator of two values three times, and in a loop",
    };
    cli_parse(&cli, argc, argv);

    struct simple g = {0};
    //> A generator is a struct of zeros: print g. No line of it has run.
    next(&g);
    next(&g);
    next(&g);
    //> It has ended, and stays so: print g.
    next(&g);

    struct simple again = {0};
    for (int value; simple_next(&again, &value);)
        printf("for:  %d\n", value);
    return CLI_OK;
}
