/* fib_by_hand.c: the generator of fib.c without macros: as what they expand to,
 * and as the state machine one would write.
 *
 * Cells: none
 * Run:   make fib_by_hand; cc -E -P -I. 06_generators/fib.c | tail -40
 * Ask:   which of the three would you rather read? Which one change?
 * Watch: the same numbers from all. The state machine has its loop in pieces:
 *        what stood behind the yield stands in front of it now. The macros
 *        leave it whole, and jump into it.
 * See:   fib.c; gen.h, the macros; gen_cost.c, what each costs
 */
#include <stdbool.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

static int numbers = 6;

struct fib {
    struct gen gen;
    unsigned long a, b;
};

static bool fib_next(struct fib *g, unsigned long *value)
{
    GEN_BEGIN(g);
    g->a = 0;
    g->b = 1;
    while (true) {
        *value = g->a;
        //> Macros: step, and you are back in main at once.
        GEN_YIELD(g);
        unsigned long next = g->a + g->b;
        g->a = g->b;
        g->b = next;
    }
    GEN_END(g);
    return false;
}

/* Line by line what those macros stand for; 100 is the line of the yield. */
static bool expanded_next(struct fib *g, unsigned long *value)
{
    switch (gen_enter(&g->gen)) { /* GEN_BEGIN */
    case GEN_ENDED:
        return false;
    case GEN_NEW:
        g->a = 0;
        g->b = 1;
        while (true) {
            *value = g->a;
            g->gen.line = 100; /* GEN_YIELD: note where, */
            return true;       /* leave, */
            //> The second call jumps here from the switch: into the middle of
            //> a loop that it did not enter at its top.
        case 100: /* and come back to here */
            if (g->gen.thrown)
                goto gen_end;
            unsigned long next = g->a + g->b;
            g->a = g->b;
            g->b = next;
        }
        break; /* GEN_END */
    default:
        gen_lost(&g->gen, __FILE__, __func__);
    }
gen_end:
    gen_leave(&g->gen);
    return false;
}

struct by_hand {
    enum { BEGIN, ASLEEP } state;
    unsigned long a, b;
};

static bool by_hand_next(struct by_hand *g, unsigned long *value)
{
    unsigned long next;
    //> The state machine: print *g. Where did the loop go?
    switch (g->state) {
    case BEGIN:
        g->a = 0;
        g->b = 1;
        g->state = ASLEEP;
        break;
    case ASLEEP:
        next = g->a + g->b;
        g->a = g->b;
        g->b = next;
        break;
    }
    *value = g->a;
    return true;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "the first Fibonacci numbers, by macros and without",
        .options = {{'n', "numbers", "how many numbers",
                     CLI_INT(&numbers, 1, 94)}},
    };
    cli_parse(&cli, argc, argv);

    struct fib macros = {0};
    struct fib expanded = {0};
    struct by_hand by_hand = {0};
    unsigned long m, e, h;
    printf("%20s %20s %20s\n", "macros", "expanded", "by hand");
    for (int i = 0; i < numbers && fib_next(&macros, &m) &&
                    expanded_next(&expanded, &e) && by_hand_next(&by_hand, &h);
         i++)
        printf("%20lu %20lu %20lu\n", m, e, h);
    return CLI_OK;
}
