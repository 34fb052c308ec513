/* countdown.c: the parameter and the loop's variable of a generator live in its
 * struct, and each struct is a generator of its own.
 *
 * Cells: D05
 * Run:   make countdown; make countdown ARGS='-n 3'
 * Ask:   two of them are asked in turn. Does each know how far it was?
 * Watch: one function, two structs: nothing of a generator is in the function.
 * See:   lost_local.c, a variable that is not in the struct
 */
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

static int numbers = 5;

struct countdown {
    struct gen gen;
    int n; /* its parameter: set it before the first call */
    int i;
};

/* It counts up, for all its name: so does the one of the talk. */
static bool countdown_next(struct countdown *g, int *value)
{
    GEN_BEGIN(g);
    for (g->i = 0; g->i < g->n; g->i++) {
        *value = g->i;
        //> Now it goes to sleep in the middle of a loop: print *g.
        GEN_YIELD(g);
    }
    GEN_END(g);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count in a generator, then in two at a time",
        .options = {{'n', "numbers", "how many numbers",
                     CLI_INT(&numbers, 0, 1000000)}},
    };
    cli_parse(&cli, argc, argv);

    struct countdown g = {.n = numbers};
    for (int value; countdown_next(&g, &value);)
        printf("%d\n", value);

    struct countdown a = {.n = numbers};
    struct countdown b = {.n = 2};
    int value;
    bool more_of_a = true;
    bool more_of_b = true;
    //> Two at a time: print a, print b, as often as you like.
    while (more_of_a || more_of_b) {
        if ((more_of_a = countdown_next(&a, &value)))
            printf("a  %d\n", value);
        if ((more_of_b = countdown_next(&b, &value)))
            printf("b    %d\n", value);
    }
    return CLI_OK;
}
