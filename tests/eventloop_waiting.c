/* waiting: wait_for, shield and wait_many keep asyncio's rules.
 *
 * What a comment calls the rule is asyncio's, and the words that a test expects
 * are those that the same scene in Python has said: with CPython 3.11, 3.12 and
 * 3.13, unless the comment names one. What is ours alone says so.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/waiting.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static const char boom[] = "boom";
static const char spite[] = "spite";
static const char well[] = "well";

/* A task that works for some turns, or for ever; that cleans up for some turns
 * when it is cancelled; and that may then refuse, with a result or an error.
 */
struct work {
    struct gen gen;
    int turns, clean; /* turns -1: for ever */
    const char *error, *refuses;
    int i;
    struct sleep_for sleep_for;
};

static bool work(void *frame, struct future **awaits)
{
    struct work *c = frame;
    GEN_BEGIN(c);
    say("begin");
    for (c->i = 0; c->i != c->turns; c->i++) {
        AWAIT_CALL_TRY(c, sleep_for, .seconds = c->turns == -1 ? 600 : 0);
        if (c->gen.thrown != NULL)
            break;
    }
    if (gen_catch(&c->gen) == error_cancelled) {
        say("cancelled");
        for (c->i = 0; c->i < c->clean; c->i++)
            AWAIT_TURN(c);
        say("cleaned");
        if (c->refuses != well)
            GEN_RAISE(c, c->refuses ? c->refuses : error_cancelled);
    } else {
        say("end");
        if (c->error != NULL)
            GEN_RAISE(c, c->error);
    }
    GEN_END(c);
    return false;
}

static struct future *work_for(int turns)
{
    return &task_create(&loop, work, .turns = turns)->future;
}

/* try: await wait_for(...); and say what came of it. */
struct waits {
    struct gen gen;
    struct future *future;
    double seconds;
    struct wait_for wait_for;
};

static bool waits(void *frame, struct future **awaits)
{
    struct waits *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL_TRY(c, wait_for, .future = c->future, .seconds = c->seconds);
    const char *error = gen_catch(&c->gen);
    say("-> %s", error != NULL ? error : "result");
    GEN_END(c);
    return false;
}

/* The same with the future alone. */
struct just_waits {
    struct gen gen;
    struct future *future;
};

static bool just_waits(void *frame, struct future **awaits)
{
    struct just_waits *c = frame;
    GEN_BEGIN(c);
    AWAIT_TRY(c, c->future);
    const char *error = gen_catch(&c->gen);
    say("-> %s", error != NULL ? error : "result");
    GEN_END(c);
    return false;
}

static void finish(struct task *t)
{
    loop_run_until_complete(&loop, &t->future);
    task_release(t);
}

static void wait_at_most(struct future *f, double seconds)
{
    finish(task_create(&loop, waits, .future = f, .seconds = seconds));
    future_release(f);
}

static void take_turns(int n)
{
    while (n-- > 0)
        loop_run_once(&loop, 0);
}

/* No timer is left behind, and no descriptor. */
static void end(void)
{
    ck_assert_uint_eq(loop.timers.count, loop.timer_cancelled);
    end_loop();
}

/* --- wait_for ------------------------------------------------------------- */

/* The rule: what comes in time comes through, be it a result or an error. */
START_TEST(in_time)
{
    begin_loop(_i);
    wait_at_most(work_for(3), 60);
    expect_said("begin end -> result");
    wait_at_most(work_for(3), INFINITY);
    expect_said("begin end -> result");
    wait_at_most(&task_create(&loop, work, .turns = 3, .error = boom)->future,
                 60);
    expect_said("begin end -> boom");
    end();
}
END_TEST

/* Ours: INFINITY, which is Python's None, sets no timer. */
START_TEST(no_timer_for_ever)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *t =
        task_create(&loop, waits, .future = f, .seconds = INFINITY);
    take_turns(2);
    ck_assert_uint_eq(loop.timers.count, 0);
    future_set_result(f, NULL);
    future_release(f);
    finish(t);
    expect_said("-> result");
    end();
}
END_TEST

/* The rule: what is late is cancelled; TimeoutError comes when it has ended,
 * its clean-up included.
 */
START_TEST(what_is_late_is_cancelled)
{
    begin_loop(_i);
    wait_at_most(&task_create(&loop, work, .turns = -1, .clean = 3)->future,
                 0.001);
    expect_said("begin cancelled cleaned -> TimeoutError");
    end();
}
END_TEST

/* The rule: a result that comes though it was cancelled wins, and so does an
 * error.
 */
START_TEST(what_comes_in_spite_wins)
{
    begin_loop(_i);
    wait_at_most(
        &task_create(&loop, work, .turns = -1, .refuses = well)->future, 0.001);
    expect_said("begin cancelled cleaned -> result");
    wait_at_most(
        &task_create(&loop, work, .turns = -1, .refuses = spite)->future,
        0.001);
    expect_said("begin cancelled cleaned -> spite");
    end();
}
END_TEST

static void set_result(void *data)
{
    future_set_result(data, NULL);
}

/* The rule of 3.11: a result of the very turn in which the time was over wins.
 * (From 3.12 on it is lost, and TimeoutError comes.)
 */
START_TEST(a_result_in_the_last_turn_wins)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *t = task_create(&loop, waits, .future = f, .seconds = 0.002);
    loop_call_later(&loop, 0.001, set_result, f);
    take_turns(1);
    nanosleep(&(struct timespec){.tv_nsec = 4000000}, NULL);
    take_turns(1); /* both timers */
    expect_said("");
    future_release(f);
    finish(t);
    expect_said("-> result");
    end();
}
END_TEST

/* The rule: no time, or less: a task that has not begun never will, one that
 * runs is cancelled and waited for, and may still win. Ours: not a number is no
 * time.
 */
START_TEST(no_time_or_less)
{
    const double seconds[] = {0, -1, -INFINITY, NAN};
    begin_loop(_i);
    for (int i = 0; i < 4; i++) {
        struct task *t = coroutine_new(&loop, work, .turns = 1);
        struct task *waiter = task_create(&loop, waits, .future = &t->future,
                                          .seconds = seconds[i]);
        task_release(task_start(t));
        finish(waiter);
        expect_said("-> TimeoutError");
        t = task_create(&loop, work, .turns = -1, .clean = 1);
        take_turns(1);
        wait_at_most(&t->future, seconds[i]);
        expect_said("begin cancelled cleaned -> TimeoutError");
        t = task_create(&loop, work, .turns = -1, .refuses = well);
        take_turns(1);
        wait_at_most(&t->future, seconds[i]);
        expect_said("begin cancelled cleaned -> result");
    }
    end();
}
END_TEST

/* The rule from 3.12 on: what is done is not waited for, not even a turn,
 * whatever the time.
 */
START_TEST(what_is_done_takes_no_turn)
{
    const double seconds[] = {60, 0, -1};
    begin_loop(_i);
    for (int i = 0; i < 3; i++) {
        struct future *f = future_new(&loop);
        future_set_result(f, NULL);
        struct task *t =
            task_create(&loop, waits, .future = f, .seconds = seconds[i]);
        loop_call_soon(&loop, say_it, text("soon"));
        finish(t);
        expect_said("-> result soon");
        future_release(f);
    }
    struct future *f = future_new(&loop);
    future_set_error(f, boom);
    wait_at_most(f, 0);
    expect_said("-> boom");
    end();
}
END_TEST

/* The rule: cancelled by others, it is cancelled, and not late. */
START_TEST(inner_cancelled_by_others)
{
    begin_loop(_i);
    struct future *f = work_for(-1);
    struct task *t = task_create(&loop, waits, .future = f, .seconds = 60);
    take_turns(2);
    future_cancel(f);
    future_release(f);
    finish(t);
    expect_said("begin cancelled cleaned -> CancelledError");
    end();
}
END_TEST

/* The rule: cancelling who waits cancels what it waits for, and waits for its
 * end. From 3.12 on: what refuses comes through, as with await alone.
 */
START_TEST(waiter_cancelled)
{
    const char *const refuse[] = {NULL, well, spite};
    const char *const said[] = {
        "begin [cancel] cancelled cleaned -> CancelledError",
        "begin [cancel] cancelled cleaned -> result",
        "begin [cancel] cancelled cleaned -> spite"};
    begin_loop(_i);
    for (int i = 0; i < 3; i++) {
        struct task *inner = task_create(&loop, work, .turns = -1, .clean = 3,
                                         .refuses = refuse[i]);
        struct task *t =
            task_create(&loop, waits, .future = &inner->future, .seconds = 60);
        take_turns(2);
        say("[cancel]");
        future_cancel(&t->future);
        finish(t);
        expect_said(said[i]);
        ck_assert(future_done(&inner->future));
        task_release(inner);
    }
    end();
}
END_TEST

/* The rule from 3.12 on: it is not swallowed either where the future was done
 * already and the waiter had not run yet. (Ours takes a turn more to run, so
 * that has to hold in that turn, too.)
 */
START_TEST(waiter_cancelled_when_inner_was_done)
{
    begin_loop(_i);
    for (int turns = 0; turns < 2; turns++) {
        struct future *f = future_new(&loop);
        struct task *t = task_create(&loop, waits, .future = f, .seconds = 60);
        take_turns(2);
        future_set_result(f, NULL);
        take_turns(turns);
        expect_said("");
        future_cancel(&t->future);
        future_release(f);
        finish(t);
        expect_said("-> CancelledError");
    }
    end();
}
END_TEST

/* The rule: late, and then, during its clean-up, who waits is cancelled: that
 * is a cancelling, not TimeoutError. From 3.12 on it ends the clean-up.
 */
START_TEST(late_and_then_waiter_cancelled)
{
    begin_loop(_i);
    struct task *inner = task_create(&loop, work, .turns = -1, .clean = 1000);
    struct task *t =
        task_create(&loop, waits, .future = &inner->future, .seconds = 0.001);
    take_turns(1);
    while (loop.timers.count > 1)
        loop_run_once(&loop, -1);
    take_turns(3);
    say("[cancel]");
    future_cancel(&t->future);
    task_release(inner);
    finish(t);
    expect_said("begin cancelled [cancel] -> CancelledError");
    end();
}
END_TEST

struct waits_for_itself {
    struct gen gen;
    double seconds;
    struct wait_for wait_for;
};

static bool waits_for_itself(void *frame, struct future **awaits)
{
    struct waits_for_itself *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, wait_for, .future = &task_current()->future,
               .seconds = c->seconds);
    GEN_END(c);
    say("%s", c->gen.error);
    return false;
}

/* The rule from 3.12 on: the error is that of await, and comes at once. */
START_TEST(waits_for_the_task_it_is_in)
{
    begin_loop(_i);
    struct task *t = task_create(&loop, waits_for_itself, .seconds = 60);
    loop_run_until_complete(&loop, &t->future);
    task_release(t);
    expect_said("RuntimeError: the task awaits itself");
    end();
}
END_TEST

/* --- shield --------------------------------------------------------------- */

static void shielded(struct task *inner)
{
    struct future *outer = shield(&inner->future);
    finish(task_create(&loop, just_waits, .future = outer));
    future_release(outer);
    task_release(inner);
}

/* The rule: it comes to what the inner one comes to: result, error, cancelled.
 */
START_TEST(shield_passes_on)
{
    begin_loop(_i);
    struct task *t = task_create(&loop, work, .turns = 3);
    struct future *outer = shield(&t->future);
    finish(task_create(&loop, just_waits, .future = outer));
    ck_assert_ptr_eq(future_result(outer), t->frame);
    future_release(outer);
    task_release(t);
    expect_said("begin end -> result");
    shielded(task_create(&loop, work, .turns = 3, .error = boom));
    expect_said("begin end -> boom");
    t = task_create(&loop, work, .turns = -1);
    take_turns(1);
    future_cancel(&t->future);
    shielded(t);
    expect_said("begin cancelled cleaned -> CancelledError");
    end();
}
END_TEST

/* The rule: the shield of what is done is that itself. */
START_TEST(shield_of_what_is_done)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    future_set_result(f, NULL);
    struct future *outer = shield(f);
    ck_assert_ptr_eq(f, outer);
    future_release(f);
    ck_assert(future_done(outer));
    future_release(outer);
    end();
}
END_TEST

/* The rule: who awaits the outer one is cancelled at once, and the inner one
 * runs on to its end, without having heard of it.
 */
START_TEST(shield_protects)
{
    begin_loop(_i);
    struct task *inner = task_create(&loop, work, .turns = 5);
    struct future *outer = shield(&inner->future);
    struct task *t = task_create(&loop, just_waits, .future = outer);
    take_turns(2);
    future_cancel(&t->future);
    future_release(outer);
    finish(t);
    expect_said("begin -> CancelledError");
    ck_assert(!future_done(&inner->future));
    finish(inner);
    expect_said("end");
    end();
}
END_TEST

/* The rule: cancelled together with what protects it, it is not protected, and
 * an inner error of the same turn counts as taken.
 */
static void error_in_the_same_turn(const void *data)
{
    const bool *cancelled_first = data;
    begin_loop(EPOLL);
    struct future *inner = future_new(&loop);
    struct future *outer = shield(inner);
    if (*cancelled_first)
        future_cancel(outer);
    future_set_error(inner, boom);
    future_cancel(outer);
    take_turns(3);
    ck_assert(future_cancelled(outer));
    future_release(outer);
    future_release(inner);
    end();
}

static void error_in_a_later_turn(const void *data)
{
    (void)data;
    begin_loop(EPOLL);
    struct future *inner = future_new(&loop);
    struct future *outer = shield(inner);
    future_cancel(outer);
    take_turns(2);
    future_set_error(inner, boom);
    take_turns(2);
    future_release(outer);
    future_release(inner);
    end();
}

static void error_twice_held(const void *data)
{
    (void)data;
    begin_loop(EPOLL);
    struct task *inner = task_create(&loop, work, .error = boom);
    struct future *outer = shield(&inner->future);
    task_release(inner);
    take_turns(4);
    ck_assert_str_eq(future_error(outer), boom);
    future_release(outer);
    end();
}

static void expect_reported(void (*body)(const void *), const void *argument,
                            const char *reported)
{
    struct forked f = run_forked(body, argument);
    ck_assert_int_eq(f.status, 0);
    ck_assert_msg(strcmp(f.out, "") == 0, "%s", f.out);
    if (*reported == '\0')
        ck_assert_str_eq(f.err, "");
    else
        ck_assert_msg(strstr(f.err, reported) != NULL, "'%s'", f.err);
}

/* The rule: an inner error of the turn in which the outer one was cancelled
 * counts as taken. A later one does not, and is reported if nobody takes it.
 * The one that the outer one took over is that one's alone.
 */
START_TEST(shield_and_errors)
{
    expect_reported(error_in_the_same_turn, &(bool){false}, "");
    expect_reported(error_in_the_same_turn, &(bool){true}, "");
    expect_reported(error_in_a_later_turn, NULL,
                    "a future: nobody took its error: boom");
    expect_reported(error_twice_held, NULL, "");
}
END_TEST

/* Ours, for want of a garbage collector: one that nobody has any more is gone,
 * and the inner one does not look for it.
 */
START_TEST(shield_forgotten)
{
    begin_loop(_i);
    struct future *inner = future_new(&loop);
    future_release(shield(inner));
    ck_assert_int_eq(inner->holders, 1);
    future_set_result(inner, NULL);
    take_turns(2);
    struct future *never = future_new(&loop);
    struct future *outer = shield(never);
    future_cancel(outer);
    future_release(outer);
    take_turns(2);
    ck_assert_int_eq(never->holders, 1);
    future_release(never);
    future_release(inner);
    end();
}
END_TEST

/* --- wait_many ------------------------------------------------------------ */

struct waits_many {
    struct gen gen;
    struct future *futures[4];
    size_t count;
    enum return_when return_when;
    double seconds;
    struct wait_many wait_many;
};

static bool waits_many(void *frame, struct future **awaits)
{
    struct waits_many *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL_TRY(c, wait_many, .futures = c->futures, .count = c->count,
                   .return_when = c->return_when, .seconds = c->seconds);
    const char *error = gen_catch(&c->gen);
    if (error != NULL)
        say("-> %s", error);
    for (size_t i = 0; i < c->count && error == NULL; i++)
        say(future_done(c->futures[i]) ? "done" : "pending");
    GEN_END(c);
    return false;
}

/* One that needs 10 turns, one of 20 that may fail, one of 30. */
static struct task *wait_three(enum return_when when, struct task *tasks[3],
                               const char *error)
{
    for (int i = 0; i < 3; i++)
        tasks[i] = task_create(&loop, work, .turns = 10 + 10 * i,
                               .error = i == 1 ? error : NULL);
    struct future *first = &tasks[0]->future;
    struct future *second = &tasks[1]->future;
    struct future *third = &tasks[2]->future;
    return task_create(&loop, waits_many, .futures = {first, second, third},
                       .count = 3, .return_when = when, .seconds = 600);
}

static void release_three(struct task *tasks[3])
{
    for (int i = 0; i < 3; i++) {
        loop_run_until_complete(&loop, &tasks[i]->future);
        task_release(tasks[i]);
    }
}

/* The rule: first completed, first exception, all; the others run on. */
START_TEST(returns_when)
{
    static const struct {
        enum return_when when;
        const char *error, *said, *after;
    } rules[] = {
        {FIRST_COMPLETED, NULL, "begin begin begin end done pending pending",
         "end end"},
        {FIRST_EXCEPTION, NULL, "begin begin begin end end end done done done",
         ""},
        {FIRST_EXCEPTION, boom, "begin begin begin end end done done pending",
         "end"},
        {ALL_COMPLETED, boom, "begin begin begin end end end done done done",
         ""},
    };
    begin_loop(_i);
    for (int i = 0; i < 4; i++) {
        struct task *tasks[3];
        finish(wait_three(rules[i].when, tasks, rules[i].error));
        expect_said(rules[i].said);
        release_three(tasks);
        expect_said(rules[i].after);
    }
    end();
}
END_TEST

/* The rule: one that is cancelled is done, and is no exception. */
START_TEST(cancelled_is_no_exception)
{
    begin_loop(_i);
    struct task *tasks[3];
    struct task *t = wait_three(FIRST_EXCEPTION, tasks, NULL);
    take_turns(2);
    future_cancel(&tasks[2]->future);
    finish(t);
    expect_said("begin begin begin cancelled cleaned end end done done done");
    release_three(tasks);
    t = wait_three(FIRST_COMPLETED, tasks, NULL);
    take_turns(2);
    future_cancel(&tasks[2]->future);
    finish(t);
    expect_said("begin begin begin cancelled cleaned pending pending done");
    release_three(tasks);
    expect_said("end end");
    end();
}
END_TEST

/* The rule: a time that is over is no error, and does nothing to those that are
 * not done. No time, or less, is a turn.
 */
START_TEST(time_over)
{
    const double seconds[] = {0.001, 0, -1, NAN};
    begin_loop(_i);
    for (int i = 0; i < 4; i++) {
        struct task *slow = task_create(&loop, work, .turns = -1);
        struct task *quick = task_create(&loop, work, .turns = 0);
        finish(task_create(&loop, waits_many,
                           .futures = {&slow->future, &quick->future},
                           .count = 2, .seconds = seconds[i]));
        expect_said("begin begin end pending done");
        future_cancel(&slow->future);
        finish(slow);
        task_release(quick);
        expect_said("cancelled cleaned");
    }
    end();
}
END_TEST

/* The rule: cancelling the wait leaves those alone for which it waits. */
START_TEST(wait_cancelled)
{
    begin_loop(_i);
    struct task *tasks[3];
    struct task *t = wait_three(ALL_COMPLETED, tasks, NULL);
    take_turns(2);
    future_cancel(&t->future);
    finish(t);
    expect_said("begin begin begin -> CancelledError");
    release_three(tasks);
    expect_said("end end end");
    end();
}
END_TEST

/* The rule: nothing to wait for is an error (ValueError). */
START_TEST(waits_for_nothing)
{
    begin_loop(_i);
    finish(task_create(&loop, waits_many, .count = 0, .seconds = INFINITY));
    expect_said("-> ValueError: waits for nothing");
    end();
}
END_TEST

static void count_turns(void *data)
{
    int *n = data;
    say("%d", ++*n);
    if (*n < 4)
        loop_call_soon(&loop, count_turns, n);
}

/* The rule: what is done already takes two turns, one to be heard of and one to
 * wake who waits. One that is given twice is one.
 */
START_TEST(done_already_takes_two_turns)
{
    begin_loop(_i);
    int n = 0;
    struct future *f = future_new(&loop);
    future_set_result(f, NULL);
    struct task *t = task_create(&loop, waits_many, .futures = {f, f},
                                 .count = 2, .seconds = INFINITY);
    loop_call_soon(&loop, count_turns, &n);
    run();
    task_release(t);
    future_release(f);
    expect_said("1 2 done done 3 4");
    end();
}
END_TEST

static void error_seen(const void *data)
{
    const enum return_when *when = data;
    begin_loop(EPOLL);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    struct task *t =
        task_create(&loop, waits_many, .futures = {f, g}, .count = 2,
                    .return_when = *when, .seconds = INFINITY);
    take_turns(2);
    future_set_error(f, boom);
    take_turns(2);
    future_set_result(g, NULL);
    finish(t);
    expect_said(*when == ALL_COMPLETED ? "done done" : "done pending");
    future_release(g);
    future_release(f);
    end();
}

/* The rule: who waits for the first exception takes it. Else it stays for who
 * asks for it, and is reported where nobody does.
 */
START_TEST(whose_errors_are_taken)
{
    const char reported[] = "a future: nobody took its error: boom";
    expect_reported(error_seen, &(enum return_when){FIRST_EXCEPTION}, "");
    expect_reported(error_seen, &(enum return_when){FIRST_COMPLETED}, reported);
    expect_reported(error_seen, &(enum return_when){ALL_COMPLETED}, reported);
}
END_TEST

/* --- What cannot be ------------------------------------------------------- */

/* asyncio raises InvalidStateError; here it is false, and what came first
 * stays.
 */
START_TEST(a_future_set_twice)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct task *t = task_create(&loop, waits, .future = f, .seconds = 60);
    take_turns(2);
    ck_assert(future_set_result(f, &loop));
    ck_assert(!future_set_result(f, NULL));
    ck_assert(!future_set_error(f, boom));
    ck_assert(!future_cancel(f));
    ck_assert_ptr_eq(future_result(f), &loop);
    future_release(f);
    finish(t);
    expect_said("-> result");
    end();
}
END_TEST

/* The rule: less than no time is none, and that is a turn. */
START_TEST(a_negative_sleep)
{
    const double seconds[] = {0, -1, -INFINITY};
    begin_loop(_i);
    for (int i = 0; i < 3; i++) {
        struct task *t = task_create(&loop, sleep_for, .seconds = seconds[i]);
        take_turns(1);
        ck_assert(!future_done(&t->future));
        take_turns(1);
        ck_assert(future_done(&t->future));
        task_release(t);
    }
    end();
}
END_TEST

/* --- Together ------------------------------------------------------------- */

struct gathers {
    struct gen gen;
    struct future *inner[2], *all;
    struct wait_for wait_for;
};

static bool gathers(void *frame, struct future **awaits)
{
    struct gathers *c = frame;
    GEN_BEGIN(c);
    c->inner[0] = work_for(-1);
    c->inner[1] = work_for(-1);
    c->all = gather(loop_running(), c->inner, 2, false);
    AWAIT_CALL_TRY(c, wait_for, .future = c->all, .seconds = 0.001);
    say("-> %s", gen_catch(&c->gen));
    GEN_END(c);
    future_release(c->all);
    future_release(c->inner[0]);
    future_release(c->inner[1]);
    return false;
}

/* The rule: a gather that is late is cancelled with all its children. */
START_TEST(a_gather_that_is_late)
{
    begin_loop(_i);
    finish(task_create(&loop, gathers, .all = NULL));
    expect_said("begin begin cancelled cleaned cancelled cleaned "
                "-> TimeoutError");
    end();
}
END_TEST

/* The rule: what is protected is not cancelled by being late. */
START_TEST(late_behind_a_shield)
{
    begin_loop(_i);
    struct task *inner = task_create(&loop, work, .turns = -1);
    wait_at_most(shield(&inner->future), 0.001);
    expect_said("begin -> TimeoutError");
    ck_assert(!future_done(&inner->future));
    future_cancel(&inner->future);
    finish(inner);
    expect_said("cancelled cleaned");
    end();
}
END_TEST

/* Ours: a loop that is closed while they wait ends all of it. */
START_TEST(closed_while_they_wait)
{
    begin_loop(_i);
    struct task *inner = task_create(&loop, work, .turns = -1);
    struct future *outer = shield(&inner->future);
    task_release(
        task_create(&loop, waits, .future = &inner->future, .seconds = 60));
    task_release(task_create(&loop, just_waits, .future = outer));
    task_release(task_create(&loop, waits_many,
                             .futures = {&inner->future, outer}, .count = 2,
                             .seconds = 60));
    take_turns(2);
    future_release(outer);
    task_release(inner);
    end_loop();
    expect_said("begin -> CancelledError -> CancelledError cancelled cleaned "
                "-> CancelledError");
}
END_TEST

TCase *eventloop_waiting(void)
{
    TCase *tc = tcase_create("waiting");
    tcase_add_loop_test(tc, in_time, 0, BACKENDS);
    tcase_add_loop_test(tc, no_timer_for_ever, 0, BACKENDS);
    tcase_add_loop_test(tc, what_is_late_is_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, what_comes_in_spite_wins, 0, BACKENDS);
    tcase_add_loop_test(tc, a_result_in_the_last_turn_wins, 0, BACKENDS);
    tcase_add_loop_test(tc, no_time_or_less, 0, BACKENDS);
    tcase_add_loop_test(tc, what_is_done_takes_no_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, inner_cancelled_by_others, 0, BACKENDS);
    tcase_add_loop_test(tc, waiter_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, waiter_cancelled_when_inner_was_done, 0, BACKENDS);
    tcase_add_loop_test(tc, late_and_then_waiter_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, waits_for_the_task_it_is_in, 0, BACKENDS);
    tcase_add_loop_test(tc, shield_passes_on, 0, BACKENDS);
    tcase_add_loop_test(tc, shield_of_what_is_done, 0, BACKENDS);
    tcase_add_loop_test(tc, shield_protects, 0, BACKENDS);
    tcase_add_test(tc, shield_and_errors);
    tcase_add_loop_test(tc, shield_forgotten, 0, BACKENDS);
    tcase_add_loop_test(tc, returns_when, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_is_no_exception, 0, BACKENDS);
    tcase_add_loop_test(tc, time_over, 0, BACKENDS);
    tcase_add_loop_test(tc, wait_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, waits_for_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, done_already_takes_two_turns, 0, BACKENDS);
    tcase_add_test(tc, whose_errors_are_taken);
    tcase_add_loop_test(tc, a_future_set_twice, 0, BACKENDS);
    tcase_add_loop_test(tc, a_negative_sleep, 0, BACKENDS);
    tcase_add_loop_test(tc, a_gather_that_is_late, 0, BACKENDS);
    tcase_add_loop_test(tc, late_behind_a_shield, 0, BACKENDS);
    tcase_add_loop_test(tc, closed_while_they_wait, 0, BACKENDS);
    return tc;
}
