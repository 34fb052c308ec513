/* grep.c: a coroutine that is fed lines, and says of each whether it was found.
 *
 * Cells: C07
 * Run:   make grep; make grep ARGS='fox "the quick fox" "a lazy dog"'
 * Ask:   it yields nothing. What is a yield good for, then?
 * Watch: it is the place where it waits to be given something. A function that
 *        is called with one line at a time, and reads as if it read a file.
 * See:   coro.c, values in and out; hosts.c, values out only
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

struct grep {
    struct gen gen;
    const char *pattern;
};

static bool grep_send(struct grep *g, const char *line)
{
    GEN_BEGIN(g);
    //> The first call brings no line: it runs up to the yield, and there the
    //> coroutine is ready to be given one.
    printf("start grep for %s\n", g->pattern);
    while (true) {
        GEN_YIELD(g);
        //> A line has been sent: print line.
        if (strstr(line, g->pattern) != NULL)
            printf("found! %s\n", line);
        else
            printf("no %s in %s\n", g->pattern, line);
    }
    GEN_END(g);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "look for a pattern in lines that a coroutine is sent",
        .operands = "[PATTERN [LINE...]]",
    };
    static const char *const usual[] = {"data", "deep python"};
    int first = cli_parse(&cli, argc, argv);

    struct grep g = {.pattern = first < argc ? argv[first] : "python"};
    //> Made, and nothing of it has run: print g.
    grep_send(&g, "");
    if (first == argc)
        for (int i = 0; i < 2; i++)
            grep_send(&g, usual[i]);
    for (int i = first + 1; i < argc; i++)
        grep_send(&g, argv[i]);
    //> It would wait for ever. Closing throws GeneratorExit in at its yield:
    //> next, and print g.
    if (GEN_CLOSE(&g, grep_send(&g, "")) != NULL)
        return CLI_ERROR;
    return CLI_OK;
}
