/* gen: each macro beside its expansion by hand, held to the same output; and
 * both to what Python does. The answers in the tables are those of Python 3.11
 * to the same calls.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "06_generators/gen.h"
#include "tests/forked.h"
#include "tests/support.h"

static const char thrown[] = "T"; /* what the tests throw */
static const char other[] = "O";  /* what a generator throws itself */

static char said[1024];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list arguments;
    size_t n = strlen(said);
    va_start(arguments, format);
    vsnprintf(said + n, sizeof said - n, format, arguments);
    va_end(arguments);
}

/* All generators here have the same struct, and none uses all of it. */
struct g {
    struct gen gen;
    int i;
    struct g *sub;
    bool (*sub_next)(struct g *, int *);
};

/* --- GEN_BEGIN, GEN_YIELD, GEN_END ------------------------------------------
 *
 *     try: for i in 1, 2: yield i
 *     finally: print("[clean]")
 */
static bool yield_macros(struct g *g, int *value)
{
    GEN_BEGIN(g);
    for (g->i = 1; g->i <= 2; g->i++) {
        *value = g->i;
        GEN_YIELD(g);
    }
    GEN_END(g);
    say("[clean] ");
    return false;
}

static bool yield_by_hand(struct g *g, int *value)
{
    switch (gen_enter(&g->gen)) {
    case GEN_ENDED:
        return false;
    case GEN_NEW:
        for (g->i = 1; g->i <= 2; g->i++) {
            *value = g->i;
            g->gen.line = 100;
            return true;
        case 100:
            if (g->gen.thrown != NULL)
                goto gen_end;
        }
        break;
    default:
        gen_lost(&g->gen, __FILE__, __func__);
    }
gen_end:
    gen_leave(&g->gen);
    say("[clean] ");
    return false;
}

/* --- GEN_TRY_YIELD, where every error is caught ------------------------------
 *
 *     for i in 1, 2, 3:
 *         try: yield i
 *         except BaseException as e: print("[caught", e, "]")
 */
static bool try_macros(struct g *g, int *value)
{
    GEN_BEGIN(g);
    for (g->i = 1; g->i <= 3; g->i++) {
        *value = g->i;
        GEN_TRY_YIELD(g);
        const char *error = gen_catch(&g->gen);
        if (error != NULL)
            say("[caught %s] ", error);
    }
    GEN_END(g);
    say("[clean] ");
    return false;
}

static bool try_by_hand(struct g *g, int *value)
{
    switch (gen_enter(&g->gen)) {
    case GEN_ENDED:
        return false;
    case GEN_NEW:
        for (g->i = 1; g->i <= 3; g->i++) {
            *value = g->i;
            g->gen.line = 100;
            return true;
        case 100:
            if (g->gen.thrown != NULL)
                say("[caught %s] ", g->gen.thrown);
            g->gen.thrown = NULL;
        }
        break;
    default:
        gen_lost(&g->gen, __FILE__, __func__);
    }
    gen_leave(&g->gen);
    say("[clean] ");
    return false;
}

/* --- GEN_RAISE, of its own accord and instead of what was thrown -------------
 *
 *     try: yield 1
 *     finally: raise O
 */
static bool raise_macros(struct g *g, int *value)
{
    GEN_BEGIN(g);
    *value = 1;
    GEN_TRY_YIELD(g);
    GEN_RAISE(g, other);
    GEN_END(g);
    say("[clean] ");
    return false;
}

static bool raise_by_hand(struct g *g, int *value)
{
    switch (gen_enter(&g->gen)) {
    case GEN_ENDED:
        return false;
    case GEN_NEW:
        *value = 1;
        g->gen.line = 100;
        return true;
    case 100:
        g->gen.thrown = other;
        goto gen_end;
    default:
        gen_lost(&g->gen, __FILE__, __func__);
    }
gen_end:
    gen_leave(&g->gen);
    say("[clean] ");
    return false;
}

/* --- GEN_YIELD_FROM ----------------------------------------------------------
 *
 *     try: yield 10; yield from sub; yield 20
 *     finally: print("[outer]")
 */
static bool from_macros(struct g *g, int *value)
{
    GEN_BEGIN(g);
    *value = 10;
    GEN_YIELD(g);
    GEN_YIELD_FROM(g, g->sub, g->sub_next(g->sub, value));
    *value = 20;
    GEN_YIELD(g);
    GEN_END(g);
    say("[outer] ");
    return false;
}

static bool from_by_hand(struct g *g, int *value)
{
    switch (gen_enter(&g->gen)) {
    case GEN_ENDED:
        return false;
    case GEN_NEW:
        *value = 10;
        g->gen.line = 100;
        return true;
    case 100:
        if (g->gen.thrown != NULL)
            goto gen_end;
        __attribute__((fallthrough));
    case 101:
        g->sub->gen.thrown = g->gen.thrown;
        if (g->gen.thrown != gen_exit)
            g->gen.thrown = NULL;
        if (g->sub_next(g->sub, value)) {
            if (g->gen.thrown == NULL) {
                g->gen.line = 101;
                return true;
            }
            g->gen.thrown = gen_ignored_exit;
        }
        if (g->sub->gen.error != NULL)
            g->gen.thrown = g->sub->gen.error;
        if (g->gen.thrown != NULL)
            goto gen_end;
        *value = 20;
        g->gen.line = 102;
        return true;
    case 102:
        if (g->gen.thrown != NULL)
            goto gen_end;
        break;
    default:
        gen_lost(&g->gen, __FILE__, __func__);
    }
gen_end:
    gen_leave(&g->gen);
    say("[outer] ");
    return false;
}

/* --- GEN_TRY_YIELD_FROM ------------------------------------------------------
 *
 *     try: yield from sub
 *     except BaseException as e: print("[outer caught", e, "]")
 *     yield 20
 */
static bool try_from_macros(struct g *g, int *value)
{
    GEN_BEGIN(g);
    GEN_TRY_YIELD_FROM(g, g->sub, g->sub_next(g->sub, value));
    const char *error = gen_catch(&g->gen);
    if (error != NULL)
        say("[outer caught %s] ", error);
    *value = 20;
    GEN_YIELD(g);
    GEN_END(g);
    return false;
}

static bool try_from_by_hand(struct g *g, int *value)
{
    switch (gen_enter(&g->gen)) {
    case GEN_ENDED:
        return false;
    case GEN_NEW:
    case 100:
        gen_pass_on(&g->gen, &g->sub->gen);
        if (g->sub_next(g->sub, value) && gen_may_yield(&g->gen)) {
            g->gen.line = 100;
            return true;
        }
        gen_pass_back(&g->gen, &g->sub->gen);
        const char *error = g->gen.thrown;
        g->gen.thrown = NULL;
        if (error != NULL)
            say("[outer caught %s] ", error);
        *value = 20;
        g->gen.line = 101;
        return true;
    case 101:
        break; /* with what was thrown, if anything */
    default:
        gen_lost(&g->gen, __FILE__, __func__);
    }
    gen_leave(&g->gen);
    return false;
}

/* --- What is asked of them ---------------------------------------------------
 */

typedef bool next_function(struct g *, int *);

static const struct twin {
    next_function *macros, *by_hand;
} yields = {yield_macros, yield_by_hand}, tries = {try_macros, try_by_hand},
  raises = {raise_macros, raise_by_hand}, froms = {from_macros, from_by_hand},
  try_froms = {try_from_macros, try_from_by_hand};

static void say_end(const struct g *g)
{
    if (g->gen.error != NULL)
        say("error %s, ", g->gen.error);
    else
        say("end, ");
}

/* n: next(). t: throw(T). x: throw(GeneratorExit). c: close(). s: next() of the
 * other one, s being the sub. k: close() of that one.
 */
static void ask(struct g *g, next_function *next, char what, bool by_hand)
{
    int value = -1;
    const char *error = NULL;
    switch (what) {
    case 't':
    case 'x':
        gen_throw(&g->gen, what == 't' ? thrown : gen_exit);
        __attribute__((fallthrough));
    case 'n':
        if (next(g, &value))
            say("%d, ", value);
        else
            say_end(g);
        break;
    case 'c':
        if (by_hand) {
            g->gen.thrown = gen_exit;
            if (next(g, &value))
                error = gen_ignored_exit;
            else if (g->gen.error != gen_exit)
                error = g->gen.error;
        } else {
            error = GEN_CLOSE(g, next(g, &value));
        }
        if (error != NULL)
            say("error %s, ", error);
        else
            say("closed, ");
        break;
    case 's':
        ask(g->sub, g->sub_next, 'n', by_hand);
        break;
    case 'k':
        ask(g->sub, g->sub_next, 'c', by_hand);
        break;
    default:
        ck_abort_msg("no question: %c", what);
    }
}

static const struct example {
    const struct twin *outer, *sub;
    const char *questions;
    const char *answers; /* as Python gives them */
} examples[] = {
    /* It ends, and stays so. */
    {&yields, NULL, "nnnnn", "1, 2, [clean] end, end, end, "},
    /* Closed before it began: nothing of it runs, its clean-up neither. */
    {&yields, NULL, "cnc", "closed, end, closed, "},
    /* Closed asleep: the clean-up runs, once. */
    {&yields, NULL, "nccn", "1, [clean] closed, closed, end, "},
    {&yields, NULL, "nnnc", "1, 2, [clean] end, closed, "},
    /* Thrown into one that has not begun: it comes out, and that was its end.
     */
    {&yields, NULL, "tnc", "error T, end, closed, "},
    /* Into one that has ended: it comes out, once. */
    {&yields, NULL, "nnntnt", "1, 2, [clean] end, error T, end, error T, "},
    {&yields, NULL, "nctn", "1, [clean] closed, error T, end, "},
    /* Into one that sleeps: it ends by it. */
    {&yields, NULL, "ntnc", "1, [clean] error T, end, closed, "},
    /* Thrown, not closed: then it comes out like any other. */
    {&yields, NULL, "nxn", "1, [clean] error GeneratorExit, end, "},
    /* Caught: it goes on, and the throw returns what is yielded next. */
    {&tries, NULL, "ntnnn", "1, [caught T] 2, 3, [clean] end, end, "},
    {&tries, NULL, "nnntn", "1, 2, 3, [caught T] [clean] end, end, "},
    /* One that yields on close has ignored it, and lives on. */
    {&tries, NULL, "ncnn",
     "1, [caught GeneratorExit] error generator ignored GeneratorExit, 3, "
     "[clean] end, "},
    {&tries, NULL, "nnnc", "1, 2, 3, [caught GeneratorExit] [clean] closed, "},
    /* Its own error, and that instead of one that came in. */
    {&raises, NULL, "nnnc", "1, [clean] error O, end, closed, "},
    {&raises, NULL, "ntn", "1, [clean] error O, end, "},
    {&raises, NULL, "ncn", "1, [clean] error O, end, "},
    {&raises, NULL, "t", "error T, "},
    /* yield from: all that the other has, then on. */
    {&froms, &yields, "nnnnnn", "10, 1, 2, [clean] 20, [outer] end, end, "},
    /* A throw goes to the other one, if it is there that this one sleeps. */
    {&froms, &tries, "nntnnnn",
     "10, 1, [caught T] 2, 3, [clean] 20, [outer] end, end, "},
    {&froms, &yields, "nntns", "10, 1, [clean] [outer] error T, end, end, "},
    {&froms, &yields, "ntns", "10, [outer] error T, end, 1, "},
    {&froms, &yields, "nnnntn", "10, 1, 2, [clean] 20, [outer] error T, end, "},
    /* Caught there, and its end: here it goes on as if nothing had been. */
    {&froms, &tries, "nnnntn",
     "10, 1, 2, 3, [caught T] [clean] 20, [outer] end, "},
    /* An error of the other's own comes out here. */
    {&froms, &raises, "nnnn", "10, 1, [clean] [outer] error O, end, "},
    {&froms, &raises, "nntn", "10, 1, [clean] [outer] error O, end, "},
    /* Close goes through both, the inner one first. */
    {&froms, &yields, "nncns", "10, 1, [clean] [outer] closed, end, end, "},
    {&froms, &yields, "ncs", "10, [outer] closed, 1, "},
    {&froms, &yields, "cs", "closed, 1, "},
    {&froms, &yields, "nnxn",
     "10, 1, [clean] [outer] error GeneratorExit, end, "},
    {&froms, &raises, "nnc", "10, 1, [clean] [outer] error O, "},
    /* The other one takes it for itself and ends: this one exits all the same.
     */
    {&froms, &tries, "nnnncn",
     "10, 1, 2, 3, [caught GeneratorExit] [clean] [outer] closed, end, "},
    /* The other one ignores it: that is an error, which ends this one; the
     * other lives on.
     */
    {&froms, &tries, "nncns",
     "10, 1, [caught GeneratorExit] [outer] error generator ignored "
     "GeneratorExit, end, 3, "},
    /* The other one has ended before, or meanwhile, by somebody else. */
    {&froms, &yields, "sssnnn", "1, 2, [clean] end, 10, 20, [outer] end, "},
    {&froms, &yields, "nnknn", "10, 1, [clean] closed, 20, [outer] end, "},
    {&froms, &raises, "ssnnn", "1, [clean] error O, 10, 20, [outer] end, "},
    /* Caught around a yield from. */
    {&try_froms, &yields, "nnnn", "1, 2, [clean] 20, end, "},
    {&try_froms, &yields, "ntnn", "1, [clean] [outer caught T] 20, end, end, "},
    {&try_froms, &tries, "ntnnn", "1, [caught T] 2, 3, [clean] 20, end, "},
    {&try_froms, &raises, "nnn", "1, [clean] [outer caught O] 20, end, "},
    {&try_froms, &yields, "ncn",
     "1, [clean] [outer caught GeneratorExit] error generator ignored "
     "GeneratorExit, end, "},
    {&try_froms, &tries, "ncnn",
     "1, [caught GeneratorExit] [outer caught generator ignored "
     "GeneratorExit] error generator ignored GeneratorExit, end, end, "},
    {&try_froms, &yields, "nnnt", "1, 2, [clean] 20, error T, "},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

/* By macros and by hand, and each inside the other. */
START_TEST(does_what_python_does)
{
    const struct example *e = &examples[_i];
    for (int hand = 0; hand < 4; hand++) {
        struct g sub = {0};
        struct g g = {.sub = &sub};
        if (e->sub != NULL)
            g.sub_next = hand & 2 ? e->sub->by_hand : e->sub->macros;
        next_function *next = hand & 1 ? e->outer->by_hand : e->outer->macros;
        *said = '\0';
        for (const char *q = e->questions; *q != '\0'; q++)
            ask(&g, next, *q, hand & 1);
        ck_assert_msg(strcmp(said, e->answers) == 0,
                      "%s: asked %s it says\n%s\nand Python\n%s",
                      hand & 1 ? "by hand" : "macros", e->questions, said,
                      e->answers);
    }
}
END_TEST

/* The error that comes out is the very text that went in. */
START_TEST(errors_keep_their_address)
{
    char text[] = "T";
    int value;
    struct g g = {0};
    ck_assert(yield_macros(&g, &value));
    gen_throw(&g.gen, text);
    ck_assert(!yield_macros(&g, &value));
    ck_assert_ptr_eq(g.gen.error, text);
    ck_assert_ptr_null(g.gen.thrown);
}
END_TEST

START_TEST(they_do_not_disturb_one_another)
{
    static struct g all[3];
    *said = '\0';
    ask(&all[0], yield_macros, 'n', false);
    ask(&all[1], yield_macros, 'n', false);
    ask(&all[0], yield_macros, 'n', false);
    ask(&all[1], yield_macros, 't', false);
    ask(&all[2], yield_macros, 'n', false);
    ask(&all[0], yield_macros, 'n', false);
    ask(&all[2], yield_macros, 'c', false);
    ask(&all[1], yield_macros, 'n', false);
    ck_assert_str_eq(said, "1, 1, 2, [clean] error T, 1, [clean] end, [clean] "
                           "closed, end, ");
}
END_TEST

/* g.send(x): behind the yield the parameter is what was sent.
 *
 *     while True: total += yield total
 */
static bool sum_macros(struct g *g, int sent, int *value)
{
    GEN_BEGIN(g);
    while (true) {
        *value = g->i;
        GEN_YIELD(g);
        g->i += sent;
    }
    GEN_END(g);
    return false;
}

static bool sum_by_hand(struct g *g, int sent, int *value)
{
    if (gen_enter(&g->gen) == 100)
        g->i += sent;
    *value = g->i;
    g->gen.line = 100;
    return true;
}

START_TEST(what_is_sent_arrives_behind_the_yield)
{
    struct g macros = {0};
    struct g by_hand = {0};
    const int sent[] = {77 /* nobody is there yet */, 1, 20, 300};
    const int sums[] = {0, 1, 21, 321};
    for (int i = 0; i < 4; i++) {
        int m, h;
        ck_assert(sum_macros(&macros, sent[i], &m));
        ck_assert(sum_by_hand(&by_hand, sent[i], &h));
        ck_assert_int_eq(m, sums[i]);
        ck_assert_int_eq(h, sums[i]);
        ck_assert_int_gt(macros.gen.line, 0);
    }
}
END_TEST

/* In Python a ValueError: generator already executing. Here it cannot be an
 * error that the inner call throws, since there is one struct for both.
 */
static bool calls_itself(struct g *g, int *value)
{
    GEN_BEGIN(g);
    if (g->i == 0)
        calls_itself(g, value);
    GEN_YIELD(g);
    calls_itself(g, value);
    GEN_END(g);
    return false;
}

/* In its first run, or in its second. */
static void call_one_that_runs(const void *run)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    int value;
    struct g g = {.i = *(const int *)run};
    calls_itself(&g, &value);
    if (g.i == 1)
        calls_itself(&g, &value);
}

START_TEST(one_that_runs_cannot_be_called)
{
    struct forked child = run_forked(call_one_that_runs, &_i);
    ck_assert_msg(WIFSIGNALED(child.status) &&
                      WTERMSIG(child.status) == SIGABRT,
                  "%s%s", child.out, child.err);
    ck_assert_msg(strstr(child.err, "a generator that runs already") != NULL,
                  "%s", child.err);
}
END_TEST

START_TEST(it_is_small)
{
    ck_assert_uint_le(sizeof(struct gen), 24);
}
END_TEST

TCase *generators_gen(void)
{
    TCase *tc = tcase_create("gen");
    tcase_add_loop_test(tc, does_what_python_does, 0, EXAMPLES);
    tcase_add_test(tc, errors_keep_their_address);
    tcase_add_test(tc, they_do_not_disturb_one_another);
    tcase_add_test(tc, what_is_sent_arrives_behind_the_yield);
    tcase_add_loop_test(tc, one_that_runs_cannot_be_called, 0, 2);
    tcase_add_test(tc, it_is_small);
    return tc;
}
