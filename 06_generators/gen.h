/* gen: functions that can stop in their middle and go on there later.
 *
 *     struct countdown {
 *         struct gen gen;                     { 0 } is one that has not begun
 *         int i;                              its locals
 *     };
 *
 *     bool countdown_next(struct countdown *g, int *value)
 *     {
 *         GEN_BEGIN(g);
 *         for (g->i = 0; g->i < 5; g->i++) {
 *             *value = g->i;
 *             GEN_YIELD(g);
 *         }
 *         GEN_END(g);
 *         return false;
 *     }
 *
 *     struct countdown g = {0};
 *     for (int i; countdown_next(&g, &i);)
 *         printf("%d\n", i);
 *
 * A call runs to the next yield and returns true, or to the end and returns
 * false. All that lasts from one call to the next stands in the struct, and so
 * does the line at which the generator sleeps; GEN_BEGIN opens a switch on
 * that line, and each yield is one of its cases. (After Duff, Tatham and
 * Dunkels.) Hence three rules, each with a program that breaks it:
 *
 * - A local variable is lost at a yield: keep it in the struct. (lost_local)
 * - No yield inside a switch of your own: it would be a case of that one. The
 *   next call says so and aborts. (inner_switch)
 * - One yield a line: two do not compile. (two_yields)
 *
 * What Python has, and what it is here:
 *
 *     next(g)          the call
 *     g.send(x)        the call with x as one more parameter: behind the yield
 *                      the parameter is what was sent
 *     g.throw(error)   gen_throw(&g->gen, error), then the call
 *     g.close()        GEN_CLOSE(g, the call)
 *     yield            GEN_YIELD(g)
 *     try: yield       GEN_TRY_YIELD(g), then gen_catch(&g->gen)
 *     yield from sub   GEN_YIELD_FROM(g, sub, the call of sub); and with try
 *                      GEN_TRY_YIELD_FROM
 *     return           goto gen_end
 *     raise error      GEN_RAISE(g, error)
 *     finally          what stands behind GEN_END: it runs once, whichever way
 *                      a generator that had begun came to its end
 *     StopIteration    the call returns false, and g->gen.error is NULL
 *     an error         the call returns false, and g->gen.error is its text
 *
 * An error is a text, and who is asked "which" compares the pointers: the text
 * has to stay as long as somebody may look at it.
 *
 * Nothing here takes memory or a lock. One generator is for one thread at a
 * time; different ones do not know of each other.
 */
#ifndef GEN_H
#define GEN_H

#include <stdbool.h>
#include <stddef.h>

enum { GEN_NEW = 0, GEN_ENDED = -1 };

struct gen {
    int line; /* where it sleeps; GEN_NEW, GEN_ENDED; -2 - line while it runs */
    const char *thrown; /* an error on its way in */
    const char *error;  /* the one that ended it */
};

/* The next call raises this error at the yield where the generator sleeps. One
 * that has not begun ends by it without running a line, and from one that has
 * ended it comes out again.
 */
static inline void gen_throw(struct gen *g, const char *error)
{
    g->thrown = error;
}

/* Behind GEN_TRY_YIELD: the error that was thrown, which is thereby dealt
 * with, or NULL.
 */
static inline const char *gen_catch(struct gen *g)
{
    const char *error = g->thrown;
    g->thrown = NULL;
    return error;
}

/* What GEN_CLOSE throws: "GeneratorExit". */
extern const char gen_exit[];

/* What it returns where the generator yields all the same. */
extern const char gen_ignored_exit[];

/* --- The macros ------------------------------------------------------------ */

/* g is a pointer to the generator's struct, whose member gen is its struct gen.
 */
#define GEN_BEGIN(g)                                                           \
    switch (gen_enter(&(g)->gen)) {                                            \
    case GEN_ENDED:                                                            \
        return false;                                                          \
    case GEN_NEW:

/* Returns; the next call goes on here. Whether something was thrown is for
 * gen_catch to ask; what nobody catches ends the generator at its next
 * GEN_YIELD, or wherever it ends.
 */
#define GEN_TRY_YIELD(g)                                                       \
    do {                                                                       \
        (g)->gen.line = __LINE__;                                              \
        return true;                                                           \
    case __LINE__:;                                                            \
    } while (false)

/* The same, and what was thrown ends the generator. */
#define GEN_YIELD(g)                                                           \
    do {                                                                       \
        GEN_TRY_YIELD(g);                                                      \
        if ((g)->gen.thrown)                                                   \
            goto gen_end;                                                      \
    } while (false)

/* Yields whenever the other generator does, until that one ends. What is
 * thrown goes to that one; an error that ends that one is thrown here. As with
 * the yields, it may be caught behind the one, and goes on behind the other.
 */
#define GEN_TRY_YIELD_FROM(g, sub, call)                                       \
    do {                                                                       \
        __attribute__((fallthrough));                                          \
    case __LINE__:                                                             \
        gen_pass_on(&(g)->gen, &(sub)->gen);                                   \
        if ((call) && gen_may_yield(&(g)->gen)) {                              \
            (g)->gen.line = __LINE__;                                          \
            return true;                                                       \
        }                                                                      \
        gen_pass_back(&(g)->gen, &(sub)->gen);                                 \
    } while (false)

#define GEN_YIELD_FROM(g, sub, call)                                           \
    do {                                                                       \
        GEN_TRY_YIELD_FROM(g, sub, call);                                      \
        if ((g)->gen.thrown)                                                   \
            goto gen_end;                                                      \
    } while (false)

#define GEN_RAISE(g, text)                                                     \
    do {                                                                       \
        (g)->gen.thrown = (text);                                              \
        goto gen_end;                                                          \
    } while (false)

/* Behind it stands the clean-up, and then "return false". */
/* clang-format off */
#define GEN_END(g)                                                             \
        break;                                                                 \
    default:                                                                   \
        gen_lost(&(g)->gen, __FILE__, __func__);                               \
    }                                                                          \
gen_end: __attribute__((unused));                                              \
    gen_leave(&(g)->gen)
/* clang-format on */

/* close(): the call is made, and has to end the generator. The value is NULL
 * where it did so by gen_exit or by itself; else the error that came out, or
 * gen_ignored_exit.
 */
#define GEN_CLOSE(g, call)                                                     \
    (gen_throw(&(g)->gen, gen_exit), gen_closed(&(g)->gen, (call)))

/* --- What the macros call -------------------------------------------------- */

int gen_enter_first_or_last(struct gen *g);
_Noreturn void gen_lost(const struct gen *g, const char *file,
                        const char *function);
const char *gen_closed(struct gen *g, bool yielded);

/* The line to go on at. */
static inline int gen_enter(struct gen *g)
{
    int line = g->line;
    if (line <= 0)
        return gen_enter_first_or_last(g);
    g->line = -2 - line;
    return line;
}

static inline void gen_leave(struct gen *g)
{
    g->line = GEN_ENDED;
    g->error = gen_catch(g);
}

/* An exit stays with both: it is to end both. */
static inline void gen_pass_on(struct gen *g, struct gen *sub)
{
    sub->thrown = g->thrown;
    if (g->thrown != gen_exit)
        g->thrown = NULL;
}

/* The other one has yielded. Where it was to exit, that is its error and this
 * one's.
 */
static inline bool gen_may_yield(struct gen *g)
{
    if (g->thrown)
        g->thrown = gen_ignored_exit;
    return !g->thrown;
}

static inline void gen_pass_back(struct gen *g, const struct gen *sub)
{
    if (sub->error)
        g->thrown = sub->error;
}

#endif
