#include "06_generators/gen.h"

#include <err.h>
#include <stdlib.h>

const char gen_exit[] = "GeneratorExit";
const char gen_ignored_exit[] = "generator ignored GeneratorExit";

int gen_enter_first_or_last(struct gen *g)
{
    if (g->line == GEN_NEW && g->thrown == NULL) {
        g->line = -2;
        return GEN_NEW;
    }
    if (g->line < GEN_ENDED) {
        warnx("a generator that runs already, since line %d, was called",
              -2 - g->line);
        abort();
    }
    gen_leave(g);
    return GEN_ENDED;
}

void gen_lost(const struct gen *g, const char *file, const char *function)
{
    warnx("%s:%d: %s: a yield in a switch?", file, -2 - g->line, function);
    abort();
}

const char *gen_closed(struct gen *g, bool yielded)
{
    if (yielded)
        return gen_ignored_exit;
    return g->error == gen_exit ? NULL : g->error;
}
