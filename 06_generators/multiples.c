/* multiples.c: what is sent changes the factor, what is thrown is printed and
 * survived.
 *
 * Cells: E11
 * Run:   make multiples; make tour-multiples
 * Ask:   an error is put into a generator while it sleeps. Where does it come
 *        out?
 * Watch: at the yield, as if that had failed. GEN_TRY_YIELD looks whether
 *        something was thrown, where Python has try and except around it. To be
 *        closed is thrown, too, and that one is not to be survived.
 * See:   coro.c, sending alone; multiples.gdb, a throw seen from inside
 */
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

struct multiples {
    struct gen gen;
    long n, factor;
};

/* Send 0 to send nothing. */
static bool multiples_next(struct multiples *g, long sent, long *value)
{
    GEN_BEGIN(g);
    while (true) {
        g->n *= g->factor;
        *value = g->n;
        GEN_TRY_YIELD(g);
        //> Asleep no more. Which call was it? print sent, print g->gen.thrown
        const char *error = gen_catch(&g->gen);
        if (error == gen_exit) /* no Exception in Python either */
            GEN_RAISE(g, error);
        if (error != NULL)
            printf("Something went wrong: %s\n", error);
        else if (sent != 0)
            g->factor = sent;
    }
    GEN_END(g);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "multiply, by a factor that can be sent",
    };
    cli_parse(&cli, argc, argv);

    long value;
    struct multiples g = {.n = 1, .factor = 2};
    if (multiples_next(&g, 0, &value))
        printf("next     %ld\n", value);
    //> next(), send() and throw() are all the same call: print g.
    if (multiples_next(&g, 3, &value))
        printf("send(3)  %ld\n", value);
    if (multiples_next(&g, 0, &value))
        printf("next     %ld\n", value);
    gen_throw(&g.gen, "Stop it already!");
    //> Nothing has run yet: print g. Now it wakes up with an error.
    if (multiples_next(&g, 0, &value))
        printf("throw    %ld\n", value);
    const char *error = GEN_CLOSE(&g, multiples_next(&g, 0, &value));
    printf("close    %s\n", error ? error : "done");
    return CLI_OK;
}
