/* two_yields.c: two yields on one line do not compile, since both would be the
 * same case.
 *
 * Cells: none
 * Run:   make two_yields; the broken one by
 *        cc -I. -DTWO_ON_A_LINE -fsyntax-only 06_generators/two_yields.c
 * Ask:   a yield notes its line, to be found by it. What if two have the same?
 * Watch: "duplicate case value", and no program. Of the three traps this is
 *        the harmless one: it cannot get past the compiler.
 * See:   inner_switch.c, lost_local.c, the traps that can
 */
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

struct ticks {
    struct gen gen;
    int i;
};

static bool ticks_next(struct ticks *g, const char **value)
{
    GEN_BEGIN(g);
    for (g->i = 0; g->i < 2; g->i++) {
#ifdef TWO_ON_A_LINE
        /* clang-format off */
        *value = "tick"; GEN_YIELD(g); *value = "tock"; GEN_YIELD(g);
        /* clang-format on */
#else
        *value = "tick";
        //> Here it will sleep. Its line is a number in the struct and a case
        //> of the switch: next until main, then print g.
        GEN_YIELD(g);
        *value = "tock";
        //> Another line, another case.
        GEN_YIELD(g);
#endif
    }
    GEN_END(g);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "two yields, each on a line of its own",
    };
    cli_parse(&cli, argc, argv);

    struct ticks g = {0};
    for (const char *value; ticks_next(&g, &value);)
        printf("%s at line %d\n", value, g.gen.line);
    return CLI_OK;
}
