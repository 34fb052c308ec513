/* coro.c: a coroutine: values go in as well as out.
 *
 * Cells: A50
 * Run:   make coro; make coro ARGS='Moon'; make tour-coro
 * Ask:   next_value = yield "Hello": when does next_value get its value?
 * Watch: not in the call that gives Hello. That one ends at the yield, and the
 *        assignment belongs to the next, whose parameter is what was sent.
 * See:   grep.c, one that only takes; multiples.c, one that is sent errors;
 *        coro.gdb, both sides of a send
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

struct coro {
    struct gen gen;
    const char *next_value;
};

/* The first call has nothing to send to: nobody waits at a yield yet. */
static bool coro_next(struct coro *g, const char *sent, const char **value)
{
    GEN_BEGIN(g);
    *value = "Hello";
    //> Now the first call ends. It was called with sent = NULL.
    GEN_YIELD(g);
    //> The second call, and another value of the parameter: print sent.
    g->next_value = sent;
    *value = g->next_value;
    GEN_YIELD(g);
    GEN_END(g);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "send a coroutine a word and get it back",
        .operands = "[WORD]",
    };
    int first = cli_parse(&cli, argc, argv);
    if (argc - first > 1)
        errx(CLI_USAGE, "'%s': one word at a time", argv[first + 1]);
    const char *word = first < argc ? argv[first] : "World";

    struct coro c = {0};
    const char *value;
    if (coro_next(&c, NULL, &value))
        printf("%s\n", value);
    //> It sleeps until somebody sends it something: print c. Now we do.
    if (coro_next(&c, word, &value))
        printf("%s\n", value);
    return CLI_OK;
}
