/* lost_local.c: a local variable does not last from one yield to the next; a
 * member of the struct does.
 *
 * Cells: none
 * Run:   make lost_local; make lost_local ARGS=--garbage
 * Ask:   1, 2, 3, 4 are added up, in two ways. Why do the sums differ?
 * Watch: each yield returns from the function, and takes its locals along. The
 *        next call has new ones: set anew above GEN_BEGIN, or, worse, below it,
 *        where the switch jumps over their first value and what an earlier call
 *        left on the stack is taken for it. That often looks right for a while.
 * See:   countdown.c, where all that lasts is in the struct
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

static bool garbage;

struct sums {
    struct gen gen;
    int i, kept;
    int shown; /* what the local was before the yield */
};

static bool sums_next(struct sums *g)
{
    int lost = 0;
    GEN_BEGIN(g);
    for (g->i = 1; g->i <= 4; g->i++) {
        //> In the second call: print lost, print g->kept. Both began as 0.
        lost += g->i;
        g->kept += g->i;
        g->shown = lost;
        //> Now the call returns, and there is no such variable any more.
        GEN_YIELD(g);
    }
    GEN_END(g);
    return false;
}

/* The same, with the local begun where one would begin it. No compiler here
 * warns of it. Volatile, so that it has a place on the stack in all of them:
 * else they give it what value they like. Not a part of its caller, which
 * stays, and not set apart on the stack, as the address sanitizer does.
 */
#define ON_THE_STACK __attribute__((noinline, no_sanitize("address")))

ON_THE_STACK static bool garbage_next(struct sums *g)
{
    GEN_BEGIN(g);
    volatile int lost = 0;
    for (g->i = 1; g->i <= 4; g->i++) {
        /* Unsigned: garbage may be so large that the sum has no room. */
        /* clang-tidy's analyser finds the bug. NOLINTNEXTLINE */
        lost = (int)((unsigned)lost + (unsigned)g->i);
        g->kept += g->i;
        g->shown = lost;
        GEN_YIELD(g);
    }
    GEN_END(g);
    return false;
}

/* Anything that uses the stack in between: say a printf. */
ON_THE_STACK static void do_something_else(void)
{
    volatile char memory[4096];
    for (int i = 0; i < (int)sizeof memory; i++)
        memory[i] = 42;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "add up 1 to 4 in a local variable, and in the struct",
        .options = {{0, "garbage", "a local whose first value is jumped over",
                     CLI_FLAG(&garbage)}},
    };
    cli_parse(&cli, argc, argv);

    struct sums g = {0};
    int differ = 0;
    printf("     local  struct\n");
    while (garbage ? garbage_next(&g) : sums_next(&g)) {
        printf("+%d %7d %7d\n", g.i, g.shown, g.kept);
        differ += g.shown != g.kept;
        do_something_else();
    }
    if (differ == 0)
        errx(CLI_NO_SHOW, "nothing was lost this time");
    return CLI_OK;
}
