/* task: coroutines driven by tasks, as asyncio.Task drives them.
 *
 * What a comment calls a rule is one of asyncio's (CPython 3.11), and was tried
 * out there; what is ours alone says so.
 */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/task.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static const char error_own[] = "ValueError";
static const char error_other[] = "KeyError";

/* Says a word before and behind an await, and another when it is cleaned up. */
struct waits {
    struct gen gen;
    const char *name;
    struct future *future;
};

static bool waits(void *frame, struct future **awaits)
{
    struct waits *c = frame;
    GEN_BEGIN(c);
    say("%s1", c->name);
    AWAIT(c, c->future);
    say("%s2", c->name);
    GEN_END(c);
    say("%s~", c->name);
    return false;
}

/* The same, and sleeps on in its clean-up, as Python's finally may. */
struct lingers {
    struct gen gen;
    const char *name;
    struct future *future;
    const char *error;
    struct sleep_for sleep_for;
};

static bool lingers(void *frame, struct future **awaits)
{
    struct lingers *c = frame;
    GEN_BEGIN(c);
    say("%s1", c->name);
    AWAIT_TRY(c, c->future);
    c->error = gen_catch(&c->gen);
    say("%s~", c->name);
    AWAIT_CALL(c, sleep_for, .seconds = 0.001);
    say("%s~~", c->name);
    GEN_RAISE(c, c->error);
    GEN_END(c);
    return false;
}

/* Catches what comes out of its future, says it, and goes on to the next. */
struct stubborn {
    struct gen gen;
    const char *name;
    struct future *first, *second;
};

static bool stubborn(void *frame, struct future **awaits)
{
    struct stubborn *c = frame;
    GEN_BEGIN(c);
    AWAIT_TRY(c, c->first);
    const char *error = gen_catch(&c->gen);
    say("%s:%s", c->name, error ? error : "fine");
    AWAIT(c, c->second);
    say("%s2", c->name);
    GEN_END(c);
    return false;
}

struct turns {
    struct gen gen;
    const char *name;
    int n;
};

static bool turns(void *frame, struct future **awaits)
{
    struct turns *c = frame;
    GEN_BEGIN(c);
    while (c->n > 0) {
        say("%s%d", c->name, c->n--);
        AWAIT_TURN(c);
    }
    GEN_END(c);
    return false;
}

struct raises {
    struct gen gen;
    const char *error;
};

static bool raises(void *frame, struct future **awaits)
{
    struct raises *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    GEN_RAISE(c, c->error);
    GEN_END(c);
    return false;
}

static void expect_end(struct task *t, const char *error)
{
    ck_assert(future_done(&t->future));
    ck_assert_ptr_eq(future_error(&t->future), error);
    ck_assert(future_cancelled(&t->future) == (error == error_cancelled));
    ck_assert_ptr_eq(future_result(&t->future), error ? NULL : t->frame);
    task_release(t);
}

/* --- Steps ----------------------------------------------------------------- */

/* The rule: create_task runs nothing; the first step is in the next turn, and
 * tasks take turns. Ours: the result is the frame.
 */
START_TEST(tasks_take_turns)
{
    begin_loop(_i);
    struct task *a = task_create(&loop, turns, .name = "a", .n = 2);
    struct task *b = task_create(&loop, turns, .name = "b", .n = 3);
    ck_assert_ptr_null(task_current());
    expect_said("");
    for (int i = 0; i < 4; i++)
        turn();
    expect_said("a2 b3 | a1 b2 | b1 | |");
    ck_assert_int_eq(((struct turns *)task_frame(b))->n, 0);
    ck_assert_ptr_null(task_current());
    expect_end(a, NULL);
    expect_end(b, NULL);
    end_loop();
}
END_TEST

struct outer {
    struct gen gen;
    struct future *done;
    struct turns turns;
    struct waits waits;
    struct raises raises;
};

static bool awaits_done(void *frame, struct future **awaits)
{
    struct outer *c = frame;
    GEN_BEGIN(c);
    say("1");
    AWAIT(c, c->done);
    say("2");
    AWAIT_CALL(c, waits, .name = "w", .future = c->done);
    say("3");
    AWAIT_CALL(c, turns, .name = "t", .n = 0);
    say("4");
    AWAIT_CALL(c, turns, .name = "t", .n = 1);
    say("5");
    GEN_END(c);
    return false;
}

/* The rule: neither a future that is done nor a coroutine that never waits
 * costs a turn. sleep(0) does.
 */
START_TEST(what_is_done_costs_no_turn)
{
    begin_loop(_i);
    struct future *done = future_new(&loop);
    future_set_result(done, NULL);
    struct task *t = task_start(task_new(&loop, awaits_done, "awaits_done",
                                         &(struct outer){.done = done},
                                         sizeof(struct outer)));
    turn();
    turn();
    expect_said("1 2 w1 w2 w~ 3 4 t1 | 5 |");
    expect_end(t, NULL);
    future_release(done);
    end_loop();
}
END_TEST

/* The rule: its future done, a task goes on in the next turn; those who wait for
 * the same one in the order in which they began to.
 */
START_TEST(woken_in_the_next_turn_in_order)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *a = task_create(&loop, waits, .name = "a", .future = f);
    struct task *b =
        task_create(&loop, waits, .name = "b", .future = &a->future);
    struct task *c = task_create(&loop, waits, .name = "c", .future = f);
    turn();
    turn();
    loop_call_soon(&loop, say_it, text("before"));
    future_set_result(f, NULL);
    loop_call_soon(&loop, say_it, text("behind"));
    turn();
    turn();
    expect_said("a1 b1 c1 | | before a2 a~ c2 c~ behind | b2 b~ |");
    expect_end(a, NULL);
    expect_end(b, NULL);
    expect_end(c, NULL);
    future_release(f);
    end_loop();
}
END_TEST

/* --- Errors ---------------------------------------------------------------- */

static bool awaits_failing(void *frame, struct future **awaits)
{
    struct outer *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL_TRY(c, raises, .error = error_own);
    say("caught %s", gen_catch(&c->gen));
    AWAIT_TRY(c, c->done);
    say("caught %s", gen_catch(&c->gen));
    AWAIT_CALL(c, waits, .name = "w", .future = c->done);
    say("never");
    GEN_END(c);
    say("~");
    return false;
}

/* The rule: an error comes out of the await, may be caught there, and else goes
 * on through all who await, whose clean-up runs from the inside out.
 */
START_TEST(errors_come_out_of_await)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *t =
        task_start(task_new(&loop, awaits_failing, "awaits_failing",
                            &(struct outer){.done = f}, sizeof(struct outer)));
    turn();
    future_set_error(f, error_other);
    turn();
    expect_said("caught ValueError | caught KeyError w1 w~ ~ |");
    expect_end(t, error_other);
    future_release(f);
    end_loop();
}
END_TEST

START_TEST(errors_go_from_task_to_task)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *inner = task_create(&loop, raises, .error = error_own);
    struct task *a =
        task_create(&loop, waits, .name = "a", .future = &inner->future);
    struct task *b = task_create(&loop, stubborn, .name = "b",
                                 .first = &inner->future, .second = f);
    future_set_result(f, NULL);
    run();
    /* inner was done before they asked */
    expect_said("a1 a~ b:ValueError b2");
    expect_end(inner, error_own);
    expect_end(a, error_own);
    expect_end(b, NULL);
    future_release(f);
    end_loop();
}
END_TEST

static bool awaits_itself(void *frame, struct future **awaits)
{
    struct waits *c = frame;
    GEN_BEGIN(c);
    c->future = &task_current()->future;
    AWAIT_TRY(c, c->future);
    say("%s", gen_catch(&c->gen));
    AWAIT(c, c->future);
    GEN_END(c);
    say("~");
    return false;
}

/* The rule: RuntimeError, "Task cannot await on itself". */
START_TEST(task_that_awaits_itself)
{
    begin_loop(_i);
    struct task *t = task_start(task_new(&loop, awaits_itself, "awaits_itself",
                                         &(struct waits){.name = "x"},
                                         sizeof(struct waits)));
    run();
    expect_said("RuntimeError: the task awaits itself ~");
    ck_assert_str_eq(future_error(&t->future),
                     "RuntimeError: the task awaits itself");
    task_release(t);
    end_loop();
}
END_TEST

/* --- Cancelling ------------------------------------------------------------ */

/* The rule: cancelled before its first step, nothing of it runs. */
START_TEST(cancelled_before_the_start)
{
    begin_loop(_i);
    struct task *t = task_create(&loop, waits, .name = "x");
    ck_assert(future_cancel(&t->future));
    ck_assert(!future_done(&t->future));
    turn();
    expect_said("|");
    ck_assert(!future_cancel(&t->future));
    expect_end(t, error_cancelled);
    end_loop();
}
END_TEST

/* The rule: what it waits for is cancelled, and the error comes out of the await
 * in the next turn; the clean-up runs. Of one that is done cancel is False.
 */
START_TEST(cancelled_while_it_waits)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *t = task_create(&loop, waits, .name = "x", .future = f);
    turn();
    ck_assert(future_cancel(&t->future));
    ck_assert(future_cancelled(f));
    ck_assert(!future_done(&t->future));
    turn();
    expect_said("x1 | x~ |");
    ck_assert(!future_cancel(&t->future));
    expect_end(t, error_cancelled);
    future_release(f);
    end_loop();
}
END_TEST

/* The rule: one that is ready, as its future is done, gets the cancelling, and
 * not the result.
 */
START_TEST(cancelled_when_ready)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *a = task_create(&loop, waits, .name = "a", .future = f);
    struct task *b = task_create(&loop, turns, .name = "b", .n = 2);
    turn();
    future_set_result(f, NULL);
    ck_assert(future_cancel(&a->future));
    ck_assert(future_cancel(&b->future));
    turn();
    expect_said("a1 b2 | a~ |");
    expect_end(a, error_cancelled);
    expect_end(b, error_cancelled);
    future_release(f);
    end_loop();
}
END_TEST

/* The rule: twice before its step is one error. */
START_TEST(cancelled_twice)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    struct task *t =
        task_create(&loop, stubborn, .name = "x", .first = f, .second = g);
    turn();
    ck_assert(future_cancel(&t->future));
    ck_assert(future_cancel(&t->future));
    turn();
    turn();
    expect_said("| x:CancelledError | |");
    ck_assert(!future_done(g));
    /* Once more, and it obeys. */
    ck_assert(future_cancel(&t->future));
    turn();
    expect_said("|");
    expect_end(t, error_cancelled);
    future_release(f);
    future_release(g);
    end_loop();
}
END_TEST

/* The rule: whoever catches it and goes on was not cancelled. */
START_TEST(cancelling_refused)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    struct task *t =
        task_create(&loop, stubborn, .name = "x", .first = f, .second = g);
    turn();
    future_cancel(&t->future);
    future_set_result(g, NULL);
    run();
    expect_said("| x:CancelledError x2");
    expect_end(t, NULL);
    future_release(f);
    future_release(g);
    end_loop();
}
END_TEST

/* The rule: the clean-up may await, and the task is done when that is. */
START_TEST(clean_up_may_await)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *t = task_create(&loop, lingers, .name = "x", .future = f);
    turn();
    future_cancel(&t->future);
    turn();
    ck_assert(!future_done(&t->future));
    run();
    expect_said("x1 | x~ | x~~");
    expect_end(t, error_cancelled);
    future_release(f);
    end_loop();
}
END_TEST

enum { RETURNS, RAISES, WAITS, TURNS };
struct cancels_itself {
    struct gen gen;
    int then;
    struct future *future;
};

static bool cancels_itself(void *frame, struct future **awaits)
{
    struct cancels_itself *c = frame;
    GEN_BEGIN(c);
    ck_assert(future_cancel(&task_current()->future));
    if (c->then == RAISES)
        GEN_RAISE(c, error_own);
    if (c->then == WAITS)
        AWAIT(c, c->future);
    if (c->then == TURNS)
        AWAIT_TURN(c);
    say("end");
    GEN_END(c);
    say("~");
    return false;
}

/* The rule: it comes out of the next await, where what is awaited is cancelled;
 * a task that returns without one is cancelled all the same, but an error of
 * its own is its error.
 */
START_TEST(cancels_itself_)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *t[4];
    for (int i = 0; i < 4; i++)
        t[i] = task_create(&loop, cancels_itself, .then = i, .future = f);
    turn();
    turn();
    expect_said("end ~ ~ | ~ ~ |");
    expect_end(t[RETURNS], error_cancelled);
    expect_end(t[RAISES], error_own);
    ck_assert(future_cancelled(f));
    expect_end(t[WAITS], error_cancelled);
    expect_end(t[TURNS], error_cancelled);
    future_release(f);
    end_loop();
}
END_TEST

/* The rule: what it awaits then may refuse, and that is all there is to it. */
START_TEST(cancels_itself_and_is_refused)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    struct task *inner =
        task_create(&loop, stubborn, .name = "in", .first = f, .second = g);
    struct task *t = task_create(&loop, cancels_itself, .then = WAITS,
                                 .future = &inner->future);
    future_set_result(g, NULL);
    run();
    expect_said("in:CancelledError in2 end ~");
    expect_end(inner, NULL);
    expect_end(t, NULL);
    future_release(f);
    future_release(g);
    end_loop();
}
END_TEST

/* The rule: cancelling one that awaits a task cancels that one, and is done when
 * that is. (So it waits for its clean-up.)
 */
START_TEST(cancelling_goes_to_the_awaited_task)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *inner = task_create(&loop, lingers, .name = "in", .future = f);
    struct task *outer =
        task_create(&loop, waits, .name = "out", .future = &inner->future);
    turn();
    ck_assert(future_cancel(&outer->future));
    ck_assert(future_cancelled(f));
    turn();
    ck_assert(!future_done(&outer->future));
    run();
    expect_said("in1 out1 | in~ | in~~ out~");
    expect_end(inner, error_cancelled);
    expect_end(outer, error_cancelled);
    future_release(f);
    end_loop();
}
END_TEST

/* The rule: if that one refuses, the outer one gets its result, and has not been
 * cancelled either.
 */
START_TEST(awaited_task_refuses)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    struct task *inner =
        task_create(&loop, stubborn, .name = "in", .first = f, .second = g);
    struct task *outer =
        task_create(&loop, waits, .name = "out", .future = &inner->future);
    turn();
    future_cancel(&outer->future);
    future_set_result(g, NULL);
    run();
    expect_said("out1 | in:CancelledError in2 out2 out~");
    expect_end(inner, NULL);
    expect_end(outer, NULL);
    future_release(f);
    future_release(g);
    end_loop();
}
END_TEST

/* Ours: of tasks that await each other, the one that is cancelled is woken, and
 * the others by that. (asyncio raises RecursionError, and loses them.)
 */
START_TEST(cancelling_a_ring)
{
    struct task *ring[3];
    begin_loop(_i);
    for (int cancelled = 0; cancelled < 3; cancelled++) {
        for (int i = 0; i < 3; i++)
            ring[i] = task_create(&loop, waits, .name = "x");
        for (int i = 0; i < 3; i++)
            ((struct waits *)task_frame(ring[i]))->future =
                &ring[(i + 1) % 3]->future;
        run(); /* until nothing is alive */
        expect_said("x1 x1 x1");
        ck_assert(future_cancel(&ring[cancelled]->future));
        ck_assert(future_cancel(&ring[cancelled]->future));
        run();
        expect_said("x~ x~ x~");
        for (int i = 0; i < 3; i++)
            expect_end(ring[i], error_cancelled);
    }
    /* And one through a gather of the whole ring. */
    for (int i = 0; i < 3; i++)
        ring[i] = task_create(&loop, waits, .name = "x");
    struct future *children[] = {&ring[0]->future, &ring[1]->future,
                                 &ring[2]->future};
    struct future *all = gather(&loop, children, 3, true);
    for (int i = 0; i < 3; i++)
        ((struct waits *)task_frame(ring[i]))->future = all;
    turn();
    end_loop();
    expect_said("x1 x1 x1 | x~ x~ x~");
    future_release(all);
    for (int i = 0; i < 3; i++)
        expect_end(ring[i], error_cancelled);
}
END_TEST

/* --- Sleeping -------------------------------------------------------------- */

struct sleeper {
    struct gen gen;
    const char *name;
    double seconds;
    struct sleep_for sleep_for;
};

static bool sleeper(void *frame, struct future **awaits)
{
    struct sleeper *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, sleep_for, .seconds = c->seconds);
    say("%s", c->name);
    GEN_END(c);
    return false;
}

/* The rule: sleep(0), or less, is one turn. Ours: what is no number, too. */
START_TEST(sleeps)
{
    begin_loop(_i);
    struct task *t[] = {
        task_create(&loop, sleeper, .name = "c", .seconds = 0.03),
        task_create(&loop, sleeper, .name = "b", .seconds = 0.01),
        task_create(&loop, sleeper, .name = "a", .seconds = 0),
        task_create(&loop, sleeper, .name = "A", .seconds = -5),
        task_create(&loop, sleeper, .name = "A?", .seconds = (double)NAN),
    };
    turn();
    turn();
    run();
    expect_said("| a A A? | b c");
    for (int i = 0; i < 5; i++)
        expect_end(t[i], NULL);
    end_loop();
}
END_TEST

/* A cancelled sleep takes its timer along: nothing is alive then. */
START_TEST(cancelled_sleep_leaves_no_timer)
{
    begin_loop(_i);
    struct task *t =
        task_create(&loop, sleeper, .name = "never", .seconds = 1000);
    turn();
    future_cancel(&t->future);
    run();
    expect_said("|");
    expect_end(t, error_cancelled);
    end_loop();
}
END_TEST

/* --- Who holds a task ------------------------------------------------------ */

/* Ours: a task that runs holds itself. (Python's loop holds it weakly, and the
 * documentation warns of that.)
 */
START_TEST(released_while_it_runs)
{
    begin_loop(_i);
    task_release(task_create(&loop, turns, .name = "a", .n = 2));
    task_release(task_create(&loop, sleeper, .name = "b", .seconds = 0.001));
    task_release(NULL);
    run();
    expect_said("a2 a1 b");
    ck_assert_ptr_null(loop.tasks);
    end_loop();
}
END_TEST

static bool releases_itself(void *frame, struct future **awaits)
{
    struct turns *c = frame;
    GEN_BEGIN(c);
    task_name(task_current(), "a name on the heap, %d", c->n);
    task_release(task_current());
    AWAIT_TURN(c);
    task_name(task_current(), "another");
    say("on");
    GEN_END(c);
    return false;
}

START_TEST(releases_itself_)
{
    begin_loop(_i);
    loop.slow_callback = 1e-9; /* every step's name is looked at */
    task_start(task_new(&loop, releases_itself, "releases_itself",
                        &(struct turns){.n = 1}, sizeof(struct turns)));
    run();
    expect_said("on");
    end_loop();
}
END_TEST

/* --- Never awaited --------------------------------------------------------- */

static bool awaits_coro(void *frame, struct future **awaits)
{
    static struct task *t;
    struct turns *c = frame;
    GEN_BEGIN(c);
    t = coroutine_new(loop_running(), turns, .name = "x", .n = 1);
    say("made");
    AWAIT_CORO(c, t);
    say("back");
    task_release(t);
    t = coroutine_new(loop_running(), raises, .error = error_own);
    AWAIT_CORO(c, t);
    GEN_END(c);
    say("~");
    task_release(t);
    return false;
}

/* The rule: calling a coroutine runs nothing; awaiting it runs it here, without
 * a turn and without a task.
 */
START_TEST(awaits_one_that_was_called)
{
    begin_loop(_i);
    struct task *t =
        task_start(task_new(&loop, awaits_coro, "awaits_coro",
                            &(struct turns){.n = 0}, sizeof(struct turns)));
    turn();
    turn();
    expect_said("made x1 | back ~ |");
    expect_end(t, error_own);
    end_loop();
}
END_TEST

static void never_await(const void *how)
{
    begin_loop(EPOLL);
    struct task *t = coroutine_new(&loop, turns, .name = "x", .n = 1);
    switch (*(const int *)how) {
    case 5: /* awaited, by a coroutine that nobody drives */
        task_await(t);
        task_release(t);
        break;
    case 0: /* dropped */
        task_release(t);
        break;
    case 1: /* forgotten: the loop's end finds it */
        break;
    case 2:
        task_name(t, "number %d", 2);
        task_release(t);
        break;
    default: /* started is awaited, or as good as */
        task_start(t);
        if (*(const int *)how == 3)
            run();
        task_release(t);
        break;
    }
    end_loop();
    if (*(const int *)how == 1)
        task_release(t); /* once is enough */
}

/* The rule: "coroutine 'x' was never awaited" (RuntimeWarning). */
START_TEST(never_awaited_is_reported)
{
    for (int how = 0; how < 6; how++) {
        struct forked run = run_forked(never_await, &how);
        ck_assert_int_eq(run.status, 0);
        ck_assert_str_eq(
            run.err, how < 2 ? "run: the coroutine turns was never awaited\n"
                     : how == 2
                         ? "run: the coroutine number 2 was never awaited\n"
                         : "");
    }
}
END_TEST

static void let_error_go(const void *unused)
{
    (void)unused;
    begin_loop(EPOLL);
    task_release(task_create(&loop, raises, .error = error_own));
    run();
    end_loop();
}

/* The rule: "Task exception was never retrieved". */
START_TEST(error_of_a_task_nobody_took)
{
    struct forked run = run_forked(let_error_go, NULL);
    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.err, "run: a task: nobody took its error: "
                              "ValueError\n");
}
END_TEST

/* --- The loop's end -------------------------------------------------------- */

static void tell(struct future_callback *self, struct future *f)
{
    (void)self;
    say(future_cancelled(f) ? "told" : "told the wrong thing");
}

/* The rule (of asyncio.run): tasks that are left are cancelled, and their
 * clean-up is waited for.
 */
START_TEST(close_cancels_and_drains)
{
    struct future_callback told = {.call = tell};
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *a = task_create(&loop, lingers, .name = "a", .future = f);
    struct task *b = task_create(&loop, waits, .name = "b", .future = f);
    struct task *c = task_create(&loop, sleeper, .name = "c", .seconds = 1000);
    turn();
    struct task *d = task_create(&loop, waits, .name = "never", .future = f);
    future_add_done_callback(&a->future, &told);
    end_loop();
    expect_said("a1 b1 | a~ b~ a~~ told");
    expect_end(a, error_cancelled);
    expect_end(b, error_cancelled);
    expect_end(c, error_cancelled);
    expect_end(d, error_cancelled);
    future_release(f);
}
END_TEST

static void call_again(void *count)
{
    ++*(int *)count;
    loop_call_soon(&loop, call_again, count);
}

static void add_again(struct future_callback *self, struct future *f)
{
    ck_assert(future_done(f));
    future_add_done_callback(f, self);
}

/* Ours: a hundred turns more for what is ready, and what is still so then is
 * dropped. (asyncio.run makes four or five.) The future is let go of, too.
 */
START_TEST(close_drops_who_adds_himself_for_ever)
{
    struct future_callback again = {.call = add_again};
    int called = 0;
    begin_loop(_i);
    struct task *t =
        task_create(&loop, sleeper, .name = "never", .seconds = 1000);
    future_add_done_callback(&t->future, &again);
    loop_call_soon(&loop, call_again, &called);
    end_loop();
    ck_assert_int_ge(called, 100);
    ck_assert_int_le(called, 110);
    ck_assert_int_eq(t->future.holders, 1);
    expect_end(t, error_cancelled);
}
END_TEST

static struct task *made;

/* Keeps the loop alive for ever; and calls a coroutine, but does not start it.
 */
static void tick(void *unused)
{
    loop_call_later(&loop, 0.001, tick, unused);
    loop_stop(&loop);
    if (made == NULL)
        made = coroutine_new(&loop, turns, .name = "x", .n = 1);
}

static void close_while_it_ticks(const void *unused)
{
    (void)unused;
    begin_loop(EPOLL);
    struct future *f = future_new(&loop);
    struct task *a = task_create(&loop, lingers, .name = "a", .future = f);
    turn();
    loop_call_later(&loop, 0, tick, NULL);
    end_loop();
    expect_said("a1 | a~ a~~");
    expect_end(a, error_cancelled);
    future_release(f);
    task_release(made);
}

/* Ours: a task that cleans up is waited for, and a stop not heard; a coroutine
 * that nobody started is not waited for.
 */
START_TEST(close_waits_for_tasks_only)
{
    struct forked run = run_forked(close_while_it_ticks, NULL);
    ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
    ck_assert_str_eq(run.err, "run: the coroutine turns was never awaited\n");
}
END_TEST

static void set_from_a_thread(void *data)
{
    future_set_result(data, NULL);
    loop_release(&loop);
}

static void *post_result(void *data)
{
    wait_for_sleep(getpid());
    loop_call_soon_threadsafe(&loop, set_from_a_thread, data);
    return NULL;
}

struct waits_for_thread {
    struct gen gen;
    struct future *never, *result, own;
    pthread_t thread;
};

static bool waits_for_thread(void *frame, struct future **awaits)
{
    struct waits_for_thread *c = frame;
    GEN_BEGIN(c);
    AWAIT_TRY(c, c->never);
    gen_catch(&c->gen);
    loop_hold(&loop);
    pthread_create(&c->thread, NULL, post_result, c->result);
    AWAIT(c, c->result);
    pthread_join(c->thread, NULL);
    say("home");
    GEN_END(c);
    return false;
}

/* A thread may post while the loop closes, for a task that waits for it. */
START_TEST(thread_posts_while_it_closes)
{
    begin_loop(_i);
    struct future *never = future_new(&loop);
    struct future *result = future_new(&loop);
    struct task *t =
        task_create(&loop, waits_for_thread, .never = never, .result = result);
    turn();
    end_loop();
    expect_said("| home");
    expect_end(t, NULL);
    future_release(never);
    future_release(result);
}
END_TEST

static void close_on_the_stubborn(const void *unused)
{
    (void)unused;
    begin_loop(EPOLL);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    task_create(&loop, stubborn, .name = "x", .first = f, .second = g);
    turn();
    loop_close(&loop);
    fputs("closed\n", stdout);
    fflush(stdout);
    _exit(0); /* the task is lost, and a leak */
}

/* Ours: one that refuses, and then waits for what nobody will ever bring, does
 * not hold up the end. (asyncio.run waits for ever.)
 */
START_TEST(close_does_not_wait_for_ever)
{
    struct forked run = run_forked(close_on_the_stubborn, NULL);
    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.out, "closed\n");
    ck_assert_str_eq(run.err, "run: the task stubborn never ended\n");
}
END_TEST

/* --- Running --------------------------------------------------------------- */

START_TEST(run_until_complete)
{
    begin_loop(_i);
    struct task *a = task_create(&loop, turns, .name = "a", .n = 1);
    struct task *b =
        task_create(&loop, sleeper, .name = "never", .seconds = 1000);
    ck_assert_ptr_null(loop_run_until_complete(&loop, &a->future));
    expect_said("a1");
    /* Of one that is done, at once; an error is returned, and taken. */
    ck_assert_ptr_null(loop_run_until_complete(&loop, &a->future));
    struct task *c = task_create(&loop, raises, .error = error_own);
    ck_assert_ptr_eq(loop_run_until_complete(&loop, &c->future), error_own);
    /* The rule: "Event loop stopped before Future completed". */
    int holders = b->future.holders;
    loop_stop(&loop);
    ck_assert_ptr_eq(loop_run_until_complete(&loop, &b->future),
                     error_invalid_state);
    ck_assert_int_eq(b->future.holders, holders);
    /* Ours: nor when nothing is alive that could complete it. */
    future_cancel(&b->future);
    struct future *f = future_new(&loop);
    ck_assert_ptr_eq(loop_run_until_complete(&loop, f), error_invalid_state);
    ck_assert_int_eq(f->holders, 1);
    future_release(f);
    task_release(a);
    expect_end(b, error_cancelled);
    task_release(c);
    end_loop();
}
END_TEST

static bool program(void *frame, struct future **awaits)
{
    struct sleeper *c = frame;
    GEN_BEGIN(c);
    ck_assert_ptr_nonnull(loop_running());
    loop_running()->slow_callback = 0;
    say("begin");
    AWAIT_CALL(c, sleep_for, .seconds = c->seconds);
    say("end");
    GEN_RAISE(c, c->name);
    GEN_END(c);
    say("~");
    return false;
}

static const char *run_program(double seconds, const char *error)
{
    return loop_run_frame(program, "program",
                          &(struct sleeper){.name = error, .seconds = seconds},
                          sizeof(struct sleeper));
}

START_TEST(run_a_program)
{
    int before = count_descriptors();
    struct sigaction now;
    signal(SIGINT, SIG_DFL);
    setenv("LOOP_BACKEND", backends[_i], 1);
    ck_assert_ptr_null(run_program(0, NULL));
    ck_assert_ptr_eq(run_program(0.001, error_own), error_own);
    expect_said("begin end ~ begin end ~");
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_ptr_null(loop_running());
    ck_assert_int_eq(sigaction(SIGINT, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
}
END_TEST

static void *interrupt_it(void *data)
{
    wait_for_sleep(getpid());
    kill(getpid(), SIGINT);
    return data;
}

static bool interrupted(void *frame, struct future **awaits)
{
    struct waits_for_thread *c = frame;
    GEN_BEGIN(c);
    loop_running()->slow_callback = 0;
    future_init(&c->own, loop_running(), NULL);
    ck_assert_int_eq(pthread_create(&c->thread, NULL, interrupt_it, NULL), 0);
    loop_hold(loop_running());
    AWAIT(c, &c->own);
    GEN_END(c);
    pthread_join(c->thread, NULL);
    say("~");
    return false;
}

/* The rule (of asyncio.run, since 3.11): the first Ctrl-C cancels the main task,
 * which may clean up.
 */
START_TEST(interrupt_cancels_the_program)
{
    if (keeps_signals_back(_i))
        return;
    setenv("LOOP_BACKEND", backends[_i], 1);
    ck_assert_ptr_eq(loop_run_frame(interrupted, "interrupted",
                                    &(struct waits_for_thread){.result = NULL},
                                    sizeof(struct waits_for_thread)),
                     error_cancelled);
    expect_said("~");
}
END_TEST

static bool ignores_interrupt(void *frame, struct future **awaits)
{
    struct sleeper *c = frame;
    GEN_BEGIN(c);
    raise(SIGINT);
    AWAIT_CALL_TRY(c, sleep_for, .seconds = 1000);
    fprintf(stdout, "caught %s\n", gen_catch(&c->gen));
    fflush(stdout);
    raise(SIGINT);
    GEN_END(c);
    return false;
}

static void run_ignoring(const void *unused)
{
    (void)unused;
    signal(SIGINT, SIG_DFL);
    loop_run_frame(ignores_interrupt, "ignores_interrupt",
                   &(struct sleeper){.seconds = 0}, sizeof(struct sleeper));
}

/* And the second ends it. */
START_TEST(second_interrupt_ends_it)
{
    struct forked run = run_forked(run_ignoring, NULL);
    ck_assert(WIFSIGNALED(run.status));
    ck_assert_int_eq(WTERMSIG(run.status), SIGINT);
    ck_assert_str_eq(run.out, "caught CancelledError\n");
}
END_TEST

static bool runs_inside(void *frame, struct future **awaits)
{
    struct sleeper *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    run_program(0, NULL);
    GEN_END(c);
    return false;
}

static void run_inside(const void *unused)
{
    (void)unused;
    loop_run_frame(runs_inside, "runs_inside", &(struct sleeper){.seconds = 0},
                   sizeof(struct sleeper));
}

/* The rule: "asyncio.run() cannot be called from a running event loop". */
START_TEST(run_inside_a_run)
{
    struct forked run = run_forked(run_inside, NULL);
    ck_assert_int_eq(WEXITSTATUS(run.status), 1);
    ck_assert_ptr_nonnull(
        strstr(run.err, "run: loop: Device or resource busy"));
}
END_TEST

/* --- Seeing inside --------------------------------------------------------- */

static void dump_tasks(const void *unused)
{
    (void)unused;
    begin_loop(EPOLL);
    struct future *f = future_new(&loop);
    struct task *a = task_create(&loop, waits, .name = "a", .future = f);
    task_create(&loop, waits, .name = "b", .future = &a->future);
    task_create(&loop, sleeper, .name = "c", .seconds = 1000);
    turn();
    struct task *named = task_create(&loop, turns, .name = "d", .n = 1);
    task_name(named, "request %d of %s", 7, "many");
    coroutine_new(&loop, raises, .error = error_own);
    loop_dump(&loop, stdout);
    fflush(stdout);
    _exit(0);
}

START_TEST(dump_names_the_tasks)
{
    struct forked run = run_forked(dump_tasks, NULL);
    const char *lines[] = {
        "  task raises: never started\n", "  task request 7 of many: ready\n",
        "  task sleeper, at line ",       " s it waits for sleep_for\n",
        "  task waits, at line ",         " s it waits for a task waits\n",
        "  task waits, at line ",         " s it waits for a future\n"};
    char *at = strstr(run.out, lines[0]);
    for (int i = 0; i < 8; i++) {
        ck_assert_msg(at != NULL && (at = strstr(at, lines[i])) != NULL,
                      "no '%s' in its place:\n%s", lines[i], run.out);
        at++;
    }
}
END_TEST

static bool is_slow(void *frame, struct future **awaits)
{
    struct turns *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    if (c->n > 1)
        task_name(task_current(), "slow task %d", c->n);
    for (double end = loop_time() + 0.1; loop_time() < end;)
        continue;
    GEN_END(c);
    return false;
}

static void be_slow(const void *unused)
{
    (void)unused;
    ck_assert_int_eq(loop_init(&loop), 0);
    loop.slow_callback = 0.05;
    for (int i = 1; i < 3; i++)
        task_release(task_start(task_new(&loop, is_slow, "is_slow",
                                         &(struct turns){.n = i},
                                         sizeof(struct turns))));
    run();
    loop_close(&loop);
}

/* The report names the task, though that has ended and gone by then. */
START_TEST(slow_step_is_named)
{
    struct forked run = run_forked(be_slow, NULL);
    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_nonnull(strstr(
        run.err, "run: loop: a step of is_slow held everyone up for 0."));
    ck_assert_ptr_nonnull(strstr(
        run.err, "run: loop: a step of slow task 2 held everyone up for 0."));
}
END_TEST

TCase *eventloop_task(void)
{
    TCase *tc = tcase_create("task");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, tasks_take_turns, 0, BACKENDS);
    tcase_add_loop_test(tc, what_is_done_costs_no_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, woken_in_the_next_turn_in_order, 0, BACKENDS);
    tcase_add_loop_test(tc, errors_come_out_of_await, 0, BACKENDS);
    tcase_add_loop_test(tc, errors_go_from_task_to_task, 0, BACKENDS);
    tcase_add_loop_test(tc, task_that_awaits_itself, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_before_the_start, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_while_it_waits, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_when_ready, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_twice, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_refused, 0, BACKENDS);
    tcase_add_loop_test(tc, clean_up_may_await, 0, BACKENDS);
    tcase_add_loop_test(tc, cancels_itself_, 0, BACKENDS);
    tcase_add_loop_test(tc, cancels_itself_and_is_refused, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_goes_to_the_awaited_task, 0, BACKENDS);
    tcase_add_loop_test(tc, awaited_task_refuses, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_a_ring, 0, BACKENDS);
    tcase_add_loop_test(tc, sleeps, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_sleep_leaves_no_timer, 0, BACKENDS);
    tcase_add_loop_test(tc, released_while_it_runs, 0, BACKENDS);
    tcase_add_loop_test(tc, releases_itself_, 0, BACKENDS);
    tcase_add_loop_test(tc, awaits_one_that_was_called, 0, BACKENDS);
    tcase_add_test(tc, never_awaited_is_reported);
    tcase_add_test(tc, error_of_a_task_nobody_took);
    tcase_add_loop_test(tc, close_cancels_and_drains, 0, BACKENDS);
    tcase_add_loop_test(tc, close_drops_who_adds_himself_for_ever, 0, BACKENDS);
    tcase_add_test(tc, close_waits_for_tasks_only);
    tcase_add_loop_test(tc, thread_posts_while_it_closes, 0, BACKENDS);
    tcase_add_test(tc, close_does_not_wait_for_ever);
    tcase_add_loop_test(tc, run_until_complete, 0, BACKENDS);
    tcase_add_loop_test(tc, run_a_program, 0, BACKENDS);
    tcase_add_loop_test(tc, interrupt_cancels_the_program, 0, BACKENDS);
    tcase_add_test(tc, second_interrupt_ends_it);
    tcase_add_test(tc, run_inside_a_run);
    tcase_add_test(tc, dump_names_the_tasks);
    tcase_add_test(tc, slow_step_is_named);
    return tc;
}
