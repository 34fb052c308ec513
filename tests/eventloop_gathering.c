/* gathering: several futures awaited as one, as asyncio.gather has it.
 *
 * What a comment calls a rule is one of asyncio's (CPython 3.11), and was tried
 * out there; what is ours alone says so.
 */
#include <stdlib.h>
#include <string.h>

#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static const char error_own[] = "ValueError";
static const char error_other[] = "KeyError";

static void say_end(struct future_callback *self, struct future *f)
{
    (void)self;
    const char *error = future_error(f);
    say("[%s]", error ? error : "done");
}

static struct future_callback ended = {.call = say_end};

enum { MANY = 5 };
static struct future *children[MANY];

static struct future *begin_gather(int backend, bool collect)
{
    begin_loop(backend);
    for (int i = 0; i < MANY; i++)
        children[i] = future_new(&loop);
    struct future *all = gather(&loop, children, MANY, collect);
    future_add_done_callback(all, &ended);
    return all;
}

static void end_gather(struct future *all)
{
    for (int i = 0; i < MANY; i++)
        future_cancel(children[i]);
    run();
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(children[i]->holders, all != NULL ? 2 : 1);
        future_error(children[i]); /* taken */
        future_release(children[i]);
    }
    future_release(all);
    end_loop();
}

/* The rule: done when all are, however they come; each result is in its place.
 */
START_TEST(done_when_all_are)
{
    int x[MANY];
    struct future *all = begin_gather(_i, _i % 2);
    for (int i = MANY; i-- > 0;) {
        ck_assert(!future_done(all));
        turn();
        future_set_result(children[i], &x[i]);
    }
    ck_assert(!future_done(all)); /* through the loop, too */
    turn();
    ck_assert(future_done(all));
    turn();
    expect_said("| | | | | | [done] |");
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_eq(future_result(children[i]), &x[i]);
    ck_assert_ptr_null(future_error(all));
    end_gather(all);
}
END_TEST

/* The rule: the first error comes out at once; the others are not cancelled, and
 * what they come to is not reported.
 */
START_TEST(first_error_comes_out)
{
    struct future *all = begin_gather(_i, false);
    future_set_result(children[4], NULL);
    future_set_error(children[2], error_own);
    future_set_error(children[1], error_other);
    turn();
    turn();
    expect_said("| [ValueError] |");
    ck_assert(!future_done(children[0]));
    ck_assert(!future_done(children[3]));
    ck_assert(children[1]->taken && children[2]->taken);
    ck_assert(!future_cancel(all));
    future_set_error(children[0], error_other);
    future_set_result(children[3], NULL);
    run();
    ck_assert(children[0]->taken);
    ck_assert_ptr_eq(future_error(all), error_own);
    end_gather(all);
}
END_TEST

/* The rule (return_exceptions): done when all are, whatever they came to. */
START_TEST(errors_collected)
{
    struct future *all = begin_gather(_i, true);
    future_set_error(children[1], error_own);
    future_cancel(children[2]);
    turn();
    future_set_result(children[0], NULL);
    future_set_result(children[3], NULL);
    turn();
    ck_assert(!future_done(all));
    future_set_error(children[4], error_other);
    turn();
    turn();
    expect_said("| | | [done] |");
    ck_assert_ptr_eq(future_error(children[1]), error_own);
    ck_assert_ptr_eq(future_error(children[2]), error_cancelled);
    ck_assert_ptr_eq(future_error(children[4]), error_other);
    end_gather(all);
}
END_TEST

/* The rule: a child that somebody else cancels is one with an error. */
START_TEST(child_is_cancelled)
{
    struct future *all = begin_gather(_i, false);
    future_cancel(children[3]);
    turn();
    turn();
    expect_said("| [CancelledError] |");
    ck_assert(!future_done(children[0]));
    end_gather(all);
}
END_TEST

/* The rule: cancelling it cancels all children that are not done. */
START_TEST(cancelling_cancels_the_children)
{
    struct future *all = begin_gather(_i, _i % 2);
    future_set_result(children[1], NULL);
    ck_assert(future_cancel(all));
    ck_assert(!future_done(all)); /* not before they are */
    for (int i = 0; i < MANY; i++)
        ck_assert(future_cancelled(children[i]) == (i != 1));
    turn();
    turn();
    expect_said("| [CancelledError] |");
    ck_assert(future_cancelled(all));
    ck_assert(!future_cancel(all));
    end_gather(all);
}
END_TEST

/* The rule: none is left to cancel: it is not cancelled either. */
START_TEST(cancelled_too_late)
{
    struct future *all = begin_gather(_i, false);
    for (int i = 0; i < MANY; i++)
        future_set_result(children[i], NULL);
    ck_assert(!future_done(all));
    ck_assert(!future_cancel(all));
    turn();
    turn();
    expect_said("| [done] |");
    end_gather(all);
}
END_TEST

/* --- Of tasks -------------------------------------------------------------- */

struct member {
    struct gen gen;
    const char *name;
    double seconds;
    const char *error; /* that its clean-up comes to */
    bool stubborn;
    struct sleep_for sleep_for;
};

static bool member(void *frame, struct future **awaits)
{
    struct member *c = frame;
    GEN_BEGIN(c);
    say("%s1", c->name);
    AWAIT_CALL_TRY(c, sleep_for, .seconds = c->seconds);
    if (c->gen.thrown != NULL) {
        say("%s~", c->name);
        if (c->stubborn)
            gen_catch(&c->gen);
        if (c->error != NULL)
            GEN_RAISE(c, c->error);
        if (c->gen.thrown != NULL)
            goto gen_end;
        AWAIT_CALL(c, sleep_for, .seconds = 0.01);
    }
    say("%s2", c->name);
    GEN_END(c);
    return false;
}

static void cancel_it(void *data)
{
    say("cancel");
    ck_assert(future_cancel(data));
}

static struct future *gather_three(struct task *t[3], bool collect)
{
    struct future *futures[3];
    for (int i = 0; i < 3; i++)
        futures[i] = &t[i]->future;
    struct future *all = gather(&loop, futures, 3, collect);
    future_add_done_callback(all, &ended);
    return all;
}

static void release_three(struct task *t[3], struct future *all)
{
    for (int i = 0; i < 3; i++)
        task_release(t[i]);
    future_release(all);
    end_loop();
}

/* The rule: they run at the same time, begun in the order of the arguments. */
START_TEST(tasks_run_together)
{
    begin_loop(_i);
    struct task *t[] = {
        task_create(&loop, member, .name = "a", .seconds = 0.03),
        task_create(&loop, member, .name = "b", .seconds = 0.02),
        task_create(&loop, member, .name = "c", .seconds = 0.01)};
    struct future *all = gather_three(t, false);
    run();
    expect_said("a1 b1 c1 c2 b2 a2 [done]");
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(future_result(&t[i]->future), t[i]->frame);
    release_three(t, all);
}
END_TEST

/* Ours: it is cancelled when all its children have ended, those that refuse to
 * be included. (asyncio's is with the first of them, unless return_exceptions.)
 */
START_TEST(cancelling_waits_for_the_children)
{
    begin_loop(_i);
    struct task *t[] = {
        task_create(&loop, member, .name = "a", .seconds = 1000),
        task_create(&loop, member, .name = "b", .seconds = 1000,
                    .stubborn = true),
        task_create(&loop, member, .name = "c", .seconds = 1000)};
    struct future *all = gather_three(t, _i % 2);
    loop_call_later(&loop, 0.001, cancel_it, all);
    run();
    expect_said("a1 b1 c1 cancel a~ b~ c~ b2 [CancelledError]");
    ck_assert_ptr_null(future_error(&t[1]->future));
    release_three(t, all);
}
END_TEST

/* Ours, for the same reason: an error that comes of the cancelling comes out,
 * whichever child it is from. (asyncio's is what the first to end comes to.)
 */
START_TEST(error_while_it_is_cancelled)
{
    begin_loop(_i);
    struct task *t[] = {
        task_create(&loop, member, .name = "a", .seconds = 1000),
        task_create(&loop, member, .name = "b", .seconds = 1000,
                    .error = error_own),
        task_create(&loop, member, .name = "c", .seconds = 1000,
                    .error = error_other)};
    struct future *all = gather_three(t, false);
    loop_call_later(&loop, 0.001, cancel_it, all);
    run();
    expect_said("a1 b1 c1 cancel a~ b~ c~ [ValueError]");
    release_three(t, all);
}
END_TEST

struct parent {
    struct gen gen;
    struct future *all;
};

static bool parent(void *frame, struct future **awaits)
{
    struct parent *c = frame;
    GEN_BEGIN(c);
    AWAIT_TRY(c, c->all);
    const char *error = gen_catch(&c->gen);
    say("parent:%s", error ? error : "fine");
    GEN_END(c);
    return false;
}

/* A clock might be late: turns are counted. */
static struct in_turns {
    int turns;
    struct future *future;
} in_turns;

static void cancel_in_turns(void *data)
{
    (void)data;
    if (in_turns.turns-- > 0)
        loop_call_soon(&loop, cancel_in_turns, NULL);
    else
        cancel_it(in_turns.future);
}

/* The rule: so does cancelling the task that awaits it. */
START_TEST(cancelling_the_parent)
{
    begin_loop(_i);
    struct task *t[] = {
        task_create(&loop, member, .name = "a", .seconds = 1000),
        task_create(&loop, member, .name = "b", .seconds = 1000),
        task_create(&loop, member, .name = "c", .seconds = 0)};
    struct future *all = gather_three(t, false);
    struct task *p = task_create(&loop, parent, .all = all);
    in_turns = (struct in_turns){5, &p->future};
    loop_call_soon(&loop, cancel_in_turns, NULL);
    run();
    expect_said("a1 b1 c1 c2 cancel a~ b~ [CancelledError] "
                "parent:CancelledError");
    task_release(p);
    release_three(t, all);
}
END_TEST

/* --- Edges ----------------------------------------------------------------- */

/* The rule: of nothing it is done, and awaiting it costs no turn. */
START_TEST(gather_of_nothing)
{
    begin_loop(_i);
    struct future *all = gather(&loop, NULL, 0, _i % 2);
    ck_assert(future_done(all));
    ck_assert_ptr_null(future_error(all));
    ck_assert(!future_cancel(all));
    struct task *p = task_create(&loop, parent, .all = all);
    turn();
    expect_said("parent:fine |");
    task_release(p);
    future_release(all);
    end_loop();
}
END_TEST

/* The rule: children that are done already are told by the loop, in the next
 * turn; and the same one may stand there twice.
 */
START_TEST(done_children_and_twice_the_same)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    struct future *all = gather(&loop, (struct future *[]){f, g, f}, 3, false);
    future_add_done_callback(all, &ended);
    future_set_result(g, NULL);
    turn();
    future_set_result(f, NULL);
    turn();
    turn();
    expect_said("| | [done] |");
    future_release(all);
    all = gather(&loop, (struct future *[]){f, f}, 2, false);
    ck_assert(!future_done(all));
    future_add_done_callback(all, &ended);
    turn();
    turn();
    expect_said("| [done] |");
    future_release(all);
    ck_assert_int_eq(f->holders, 1);
    future_release(f);
    future_release(g);
    end_loop();
}
END_TEST

/* Nobody waits for it, and it is let go; its children run on, and nothing is
 * lost.
 */
START_TEST(released_before_it_is_done)
{
    struct future *all = begin_gather(_i, false);
    ck_assert(future_remove_done_callback(&ended));
    future_release(all);
    future_set_result(children[0], NULL);
    turn();
    for (int i = 1; i < MANY; i++)
        future_set_result(children[i], NULL);
    run();
    expect_said("|");
    end_gather(NULL);
}
END_TEST

START_TEST(gather_of_gathers)
{
    struct future *all = begin_gather(_i, false);
    struct future *extra = future_new(&loop);
    struct future *outer =
        gather(&loop, (struct future *[]){all, extra}, 2, false);
    future_remove_done_callback(&ended);
    future_add_done_callback(outer, &ended);
    ck_assert(future_cancel(outer));
    ck_assert(future_cancelled(children[0]) && future_cancelled(extra));
    run();
    expect_said("[CancelledError]");
    ck_assert(future_cancelled(all));
    future_release(outer);
    future_release(extra);
    end_gather(all);
}
END_TEST

enum { THOUSANDS = 10000 };

START_TEST(gather_of_many)
{
    static struct future *many[THOUSANDS];
    begin_loop(_i);
    for (int i = 0; i < THOUSANDS; i++)
        many[i] = &task_create(&loop, member, .name = "", .seconds = 0)->future;
    struct future *all = gather(&loop, many, THOUSANDS, false);
    for (int i = 0; i < THOUSANDS; i++)
        future_release(many[i]); /* the gather has them */
    ck_assert_ptr_null(loop_run_until_complete(&loop, all));
    future_release(all);
    end_loop();
}
END_TEST

static void leave_errors(const void *collect)
{
    struct future *all = begin_gather(EPOLL, *(const bool *)collect);
    future_set_error(children[0], error_own);
    future_set_error(children[1], error_other);
    for (int i = 2; i < MANY; i++)
        future_set_result(children[i], NULL);
    run();
    for (int i = 0; i < MANY; i++)
        future_release(children[i]);
    future_release(all);
    end_loop();
}

/* Ours: those that are collected are for whoever looks at the children, and
 * reported where nobody does.
 */
START_TEST(errors_nobody_took)
{
    struct forked run = run_forked(leave_errors, &(bool){false});
    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.err, "");
    run = run_forked(leave_errors, &(bool){true});
    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.err, "run: a future: nobody took its error: "
                              "ValueError\n"
                              "run: a future: nobody took its error: "
                              "KeyError\n");
}
END_TEST

TCase *eventloop_gathering(void)
{
    TCase *tc = tcase_create("gathering");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, done_when_all_are, 0, BACKENDS);
    tcase_add_loop_test(tc, first_error_comes_out, 0, BACKENDS);
    tcase_add_loop_test(tc, errors_collected, 0, BACKENDS);
    tcase_add_loop_test(tc, child_is_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_cancels_the_children, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_too_late, 0, BACKENDS);
    tcase_add_loop_test(tc, tasks_run_together, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_waits_for_the_children, 0, BACKENDS);
    tcase_add_loop_test(tc, error_while_it_is_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_the_parent, 0, BACKENDS);
    tcase_add_loop_test(tc, gather_of_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, done_children_and_twice_the_same, 0, BACKENDS);
    tcase_add_loop_test(tc, released_before_it_is_done, 0, BACKENDS);
    tcase_add_loop_test(tc, gather_of_gathers, 0, BACKENDS);
    tcase_add_loop_test(tc, gather_of_many, 0, BACKENDS);
    tcase_add_test(tc, errors_nobody_took);
    return tc;
}
