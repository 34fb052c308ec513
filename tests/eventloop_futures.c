/* futures: results, errors and done callbacks, as asyncio.Future has them.
 *
 * What a comment calls a rule is one of asyncio's (CPython 3.11), and was tried
 * out there; what is ours alone says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "07_eventloop/futures.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static const char error_own[] = "ValueError";

/* A done callback that says its name, and how the future ended. */
struct saying {
    struct future_callback callback;
    const char *name;
};

static void say_done(struct future_callback *self, struct future *f)
{
    const struct saying *s = (const struct saying *)(const void *)self;
    ck_assert_ptr_eq(loop_running(), &loop);
    ck_assert(future_done(f));
    const char *error = future_error(f);
    const char *result = future_result(f);
    say("%s=%s", s->name, error ? error : result ? result : "NULL");
}

static struct saying a = {{.call = say_done}, "a"};
static struct saying b = {{.call = say_done}, "b"};
static struct saying c = {{.call = say_done}, "c"};

static void add(struct future *f, struct saying *s)
{
    future_add_done_callback(f, &s->callback);
}

/* --- States ---------------------------------------------------------------- */

static void expect_state(struct future *f, enum future_state state,
                         const void *result, const char *error)
{
    ck_assert_int_eq(f->state, state);
    ck_assert(future_done(f) == (state != FUTURE_PENDING));
    ck_assert(future_cancelled(f) == (state == FUTURE_CANCELLED));
    ck_assert_ptr_eq(future_result(f), result);
    ck_assert_ptr_eq(future_error(f), error);
}

/* The rule: a result, an error, or cancelled; once, and for good.
 * (InvalidStateError; ours is false.) cancel() of one that is done is False.
 */
START_TEST(set_once)
{
    int x;
    begin_loop(_i);
    for (int first = 0; first < 4; first++) {
        struct future *f = future_new(&loop);
        expect_state(f, FUTURE_PENDING, NULL, error_invalid_state);
        ck_assert(first == 0   ? future_set_result(f, &x)
                  : first == 1 ? future_set_error(f, error_own)
                  : first == 2 ? future_cancel(f)
                               : future_set_error(f, error_cancelled));
        for (int again = 0; again < 2; again++) {
            ck_assert(!future_set_result(f, &first));
            ck_assert(!future_set_error(f, error_timeout));
            ck_assert(!future_cancel(f));
        }
        expect_state(f,
                     first == 0   ? FUTURE_RESULT
                     : first == 1 ? FUTURE_ERROR
                                  : FUTURE_CANCELLED,
                     first == 0 ? &x : NULL,
                     first == 0   ? NULL
                     : first == 1 ? error_own
                                  : error_cancelled);
        future_release(f);
    }
    /* No result is a result. */
    struct future *f = future_new(&loop);
    ck_assert(future_set_result(f, NULL));
    expect_state(f, FUTURE_RESULT, NULL, NULL);
    future_release(f);
    end_loop();
}
END_TEST

START_TEST(errors_of_the_system)
{
    ck_assert_str_eq(errno_error(ENOENT), "No such file or directory");
    ck_assert_ptr_eq(errno_error(ENOENT), errno_error(ENOENT));
    ck_assert_ptr_ne(errno_error(ENOENT), errno_error(EACCES));
    ck_assert_ptr_nonnull(errno_error(-1));
    ck_assert_ptr_nonnull(errno_error(100000));
}
END_TEST

/* --- Done callbacks -------------------------------------------------------- */

/* The rule: they go through call_soon, in the order of adding; set_result calls
 * nobody, and neither does adding to one that is done.
 */
START_TEST(callbacks_go_through_the_loop)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    add(f, &a);
    add(f, &b);
    turn();
    loop_call_soon(&loop, say_it, text("before"));
    ck_assert(future_set_result(f, text("1")));
    loop_call_soon(&loop, say_it, text("behind"));
    expect_said("|");
    add(f, &c); /* done already */
    expect_said("");
    turn();
    expect_said("before a=1 b=1 behind c=1 |");
    turn();
    expect_said("|");
    /* It may be used again. */
    add(f, &a);
    turn();
    expect_said("a=1 |");
    future_release(f);
    end_loop();
}
END_TEST

static void add_and_set(struct future_callback *self, struct future *f)
{
    struct future *second = future_new(&loop);
    say_done(self, f);
    add(f, &b);
    add(second, &c);
    ck_assert(future_set_error(second, error_own));
    future_release(second); /* the callback keeps it */
}

/* The rule: so does what a callback adds: the next turn. */
START_TEST(what_a_callback_adds_is_for_the_next_turn)
{
    static struct saying adder = {{.call = add_and_set}, "adder"};
    begin_loop(_i);
    struct future *f = future_new(&loop);
    add(f, &adder);
    future_cancel(f);
    turn();
    turn();
    expect_said("adder=CancelledError | b=CancelledError c=ValueError |");
    future_release(f);
    end_loop();
}
END_TEST

/* The rule: a callback that was removed is not called. */
START_TEST(removed_callbacks)
{
    static struct saying all[5] = {{{.call = say_done}, "0"},
                                   {{.call = say_done}, "1"},
                                   {{.call = say_done}, "2"},
                                   {{.call = say_done}, "3"},
                                   {{.call = say_done}, "4"}};
    begin_loop(_i);
    struct future *f = future_new(&loop);
    ck_assert(!future_remove_done_callback(&all[0].callback));
    for (int i = 0; i < 5; i++)
        add(f, &all[i]);
    /* From the middle, the last, the first. */
    ck_assert(future_remove_done_callback(&all[2].callback));
    ck_assert(!future_remove_done_callback(&all[2].callback));
    ck_assert(future_remove_done_callback(&all[4].callback));
    ck_assert(future_remove_done_callback(&all[0].callback));
    ck_assert_int_eq(f->holders, 3);
    add(f, &all[0]); /* now it is the last */
    future_set_result(f, text("x"));
    turn();
    expect_said("1=x 3=x 0=x |");
    ck_assert(!future_remove_done_callback(&all[1].callback));
    ck_assert_int_eq(f->holders, 1);
    future_release(f);
    end_loop();
}
END_TEST

static void remove_b(struct future_callback *self, struct future *f)
{
    say_done(self, f);
    say("%d", future_remove_done_callback(&b.callback));
    say("%d", future_remove_done_callback(self));
}

/* Ours: removed after the future was done, but before its turn, it is not
 * called either, as its struct may be gone by then. (asyncio calls it.)
 */
START_TEST(removed_when_ready)
{
    static struct saying remover = {{.call = remove_b}, "remover"};
    begin_loop(_i);
    struct future *f = future_new(&loop);
    add(f, &a);
    future_set_result(f, NULL);
    ck_assert(future_remove_done_callback(&a.callback));
    ck_assert(!future_remove_done_callback(&a.callback));
    turn();
    expect_said("|");
    add(f, &remover);
    add(f, &b);
    add(f, &c);
    turn();
    expect_said("remover=NULL 1 0 c=NULL |");
    ck_assert_int_eq(f->holders, 1);
    future_release(f);
    end_loop();
}
END_TEST

/* --- Who holds it ---------------------------------------------------------- */

START_TEST(hold_and_release)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    ck_assert_ptr_eq(future_hold(f), f);
    add(f, &a);
    future_release(f);
    future_set_result(f, text("still here"));
    future_release(f);
    ck_assert_int_eq(f->holders, 1); /* the callback */
    turn();
    expect_said("a=still here |");
    future_release(NULL);
    /* One that nobody ever sets. */
    future_release(future_new(&loop));
    end_loop();
}
END_TEST

/* Ours: a loop that is closed lets go of what its callbacks hold. (Python's
 * garbage collector does.) It had no task, so that they are not called.
 */
START_TEST(closed_before_the_callbacks_turn)
{
    begin_loop(_i);
    struct future *f = future_new(&loop);
    struct future *g = future_new(&loop);
    add(f, &a);
    add(g, &b);
    future_set_result(f, NULL);
    future_set_error(g, error_own);
    future_error(g);
    future_release(g); /* the callback's now, and freed with it */
    end_loop();
    expect_said("");
    ck_assert_int_eq(f->holders, 1);
    ck_assert(!future_remove_done_callback(&a.callback));
    future_release(f);
}
END_TEST

struct frame {
    struct future_callback callback;
    struct future future;
    char *name;
};

static void free_frame(struct future_callback *self, struct future *f)
{
    struct frame *frame = (struct frame *)(void *)self;
    ck_assert_ptr_eq(f, &frame->future);
    say("%s", frame->name);
    free(frame->name);
    free(frame);
}

static struct frame *new_frame(const char *name)
{
    struct frame *frame = malloc(sizeof *frame);
    ck_assert_ptr_nonnull(frame);
    *frame = (struct frame){.callback.call = free_frame, .name = strdup(name)};
    future_init(&frame->future, &loop, NULL);
    ck_assert_str_eq(frame->future.kind->name, "a future");
    future_add_done_callback(&frame->future, &frame->callback);
    return frame;
}

/* A future in a struct of one's own, which its own callback frees. */
START_TEST(embedded_and_freed_by_its_callback)
{
    begin_loop(_i);
    struct frame *first = new_frame("first");
    struct frame *second = new_frame("second");
    ck_assert(future_set_result(&first->future, NULL));
    ck_assert(future_cancel(&second->future));
    turn();
    expect_said("first second |");
    /* And one that is released without ever being done. */
    struct frame *third = new_frame("third");
    ck_assert(future_remove_done_callback(&third->callback));
    future_release(&third->future);
    free(third->name);
    free(third);
    run();
    end_loop();
}
END_TEST

/* --- Errors that nobody took ----------------------------------------------- */

static bool refuse(struct future *f)
{
    say("asked");
    return f == NULL;
}

/* Ours: a kind may have its own way to be cancelled (as tasks do). */
START_TEST(kinds_are_cancelled_in_their_way)
{
    static const struct future_kind stubborn = {"stubborn", refuse, NULL};
    struct future f;
    begin_loop(_i);
    future_init(&f, &loop, &stubborn);
    ck_assert(!future_cancel(&f));
    expect_said("asked");
    ck_assert(!future_done(&f));
    ck_assert(future_set_result(&f, NULL));
    ck_assert(!future_cancel(&f));
    expect_said(""); /* of one that is done nobody is asked */
    future_release(&f);
    end_loop();
}
END_TEST

enum { NOBODY, TAKEN, TAKEN_BY_A_CALLBACK, RESULT, CANCELLED, PENDING, FATES };

static void let_go(const void *fate)
{
    begin_loop(EPOLL);
    struct future *f = future_new(&loop);
    switch (*(const int *)fate) {
    case TAKEN_BY_A_CALLBACK:
        add(f, &a);
        __attribute__((fallthrough));
    case NOBODY:
    case TAKEN:
        future_set_error(f, error_own);
        break;
    case RESULT:
        future_set_result(f, NULL);
        break;
    case CANCELLED:
        future_cancel(f);
        break;
    default:
        break;
    }
    if (*(const int *)fate == TAKEN)
        future_error(f);
    future_hold(f);
    future_release(f);
    future_release(f);
    run();
    end_loop();
}

/* The rule: "Future exception was never retrieved", once it goes; whoever has
 * asked for the error, or only been called back and asked then, has taken it.
 * Cancelled is no error.
 */
START_TEST(errors_nobody_took_are_reported)
{
    for (int fate = 0; fate < FATES; fate++) {
        struct forked run = run_forked(let_go, &fate);
        ck_assert_int_eq(run.status, 0);
        ck_assert_msg(
            strcmp(run.err, fate == NOBODY
                                ? "run: a future: nobody took its error: "
                                  "ValueError\n"
                                : "") == 0,
            "fate %d: '%s'", fate, run.err);
    }
}
END_TEST

static void let_go_embedded(const void *taken)
{
    static const struct future_kind kind = {.name = "my own"};
    struct future f;
    begin_loop(EPOLL);
    future_init(&f, &loop, &kind);
    future_set_error(&f, error_own);
    if (*(const bool *)taken)
        future_error(&f);
    future_release(&f);
    end_loop();
}

START_TEST(errors_of_embedded_ones_too)
{
    for (int taken = 0; taken < 2; taken++) {
        struct forked run = run_forked(let_go_embedded, &(bool){taken});
        ck_assert_int_eq(run.status, 0);
        ck_assert_str_eq(
            run.err,
            taken ? "" : "run: my own: nobody took its error: ValueError\n");
    }
}
END_TEST

TCase *eventloop_futures(void)
{
    TCase *tc = tcase_create("futures");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, set_once, 0, BACKENDS);
    tcase_add_test(tc, errors_of_the_system);
    tcase_add_loop_test(tc, callbacks_go_through_the_loop, 0, BACKENDS);
    tcase_add_loop_test(tc, what_a_callback_adds_is_for_the_next_turn, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, removed_callbacks, 0, BACKENDS);
    tcase_add_loop_test(tc, removed_when_ready, 0, BACKENDS);
    tcase_add_loop_test(tc, hold_and_release, 0, BACKENDS);
    tcase_add_loop_test(tc, closed_before_the_callbacks_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, embedded_and_freed_by_its_callback, 0, BACKENDS);
    tcase_add_loop_test(tc, kinds_are_cancelled_in_their_way, 0, BACKENDS);
    tcase_add_test(tc, errors_nobody_took_are_reported);
    tcase_add_test(tc, errors_of_embedded_ones_too);
    return tc;
}
