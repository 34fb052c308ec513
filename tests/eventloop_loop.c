/* loop: callbacks in the order that asyncio has, from select, poll and epoll.
 *
 * What a comment calls a rule is one of asyncio's (CPython 3.11), and was tried
 * out there; what is ours alone says so.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "07_eventloop/loop.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static void wake_by(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

static void expect_errno(int result, int error)
{
    int was = errno;
    ck_assert_int_eq(result, -1);
    ck_assert_msg(was == error, "%s, not %s", strerror(was), strerror(error));
}

static void busy_until(double when)
{
    while (loop_time() < when)
        continue;
}

static void nobody(void *data)
{
    ck_abort_msg("called: %s", (const char *)data);
}

static void stop_it(void *data)
{
    say_it(data);
    loop_call_soon(&loop, say_it, text("next"));
    loop_stop(&loop);
}

/* --- Ready callbacks ------------------------------------------------------- */

/* The rule: callbacks are called in the order of call_soon, each once. */
START_TEST(soon_is_first_in_first_out)
{
    begin_loop(_i);
    loop_call_soon(&loop, say_it, text("a"));
    loop_call_soon(&loop, say_it, text("b"));
    loop_call_soon(&loop, say_it, text("c"));
    expect_said("");
    run();
    expect_said("a b c");
    run();
    expect_said("");
    end_loop();
}
END_TEST

static void add_two(void *data)
{
    (void)data;
    say("two");
    loop_call_soon(&loop, say_it, text("d"));
    loop_call_soon(&loop, add_two, NULL);
}

/* The rule: what is added in a turn runs in the next, behind what is there. */
START_TEST(what_a_turn_adds_is_for_the_next)
{
    begin_loop(_i);
    loop_call_soon(&loop, add_two, NULL);
    loop_call_soon(&loop, say_it, text("b"));
    turn();
    turn();
    turn();
    expect_said("two b | d two | d two |");
    end_loop();
}
END_TEST

struct many {
    int next, left;
};
static int in_order;

static void expect_next(void *data)
{
    ck_assert_ptr_eq(data, &in_order + 1);
    in_order++;
}

static void add_more(void *data)
{
    struct many *m = data;
    in_order++;
    for (int i = 0; i < 3 && m->left > 0; i++, m->left--)
        loop_call_soon(&loop, add_more, m);
}

/* The ring of the ready grows while its beginning is in its middle. */
START_TEST(many_in_a_growing_ring)
{
    struct many m = {0, 100000};
    begin_loop(_i);
    in_order = 0;
    loop_call_soon(&loop, add_more, &m);
    run();
    ck_assert_int_eq(in_order, 100001);
    for (int round = 0; round < 3; round++) {
        in_order = 0;
        for (int i = 0; i < 1000; i++)
            loop_call_soon(&loop, expect_next, &in_order + 1);
        run();
        ck_assert_int_eq(in_order, 1000);
    }
    end_loop();
}
END_TEST

/* --- A turn ---------------------------------------------------------------- */

/* The rule: first what was ready before, then descriptors (of one of them the
 * reader first), then timers that are due.
 */
START_TEST(ready_then_descriptors_then_timers)
{
    int pair[2];
    begin_loop(_i);
    make_pair(pair);
    wake_by(pair[1]);
    loop_call_later(&loop, 0, say_it, text("timer"));
    loop_add_writer(&loop, pair[0], say_it, text("writer"));
    loop_add_reader(&loop, pair[0], say_it, text("reader"));
    loop_call_soon(&loop, say_it, text("soon"));
    turn();
    expect_said("soon reader writer timer |");
    /* What is not dealt with comes again. */
    turn();
    expect_said("reader writer |");
    ck_assert(loop_remove_reader(&loop, pair[0]));
    ck_assert(loop_remove_writer(&loop, pair[0]));
    close(pair[0]);
    close(pair[1]);
    end_loop();
}
END_TEST

/* --- Timers ---------------------------------------------------------------- */

START_TEST(timers_by_their_time)
{
    double now = loop_time();
    begin_loop(_i);
    loop_call_at(&loop, now + 0.03, say_it, text("c"));
    loop_call_at(&loop, now + 0.01, say_it, text("a"));
    loop_call_at(&loop, now + 0.02, say_it, text("b"));
    turn();
    expect_said("|");
    run();
    expect_said("a b c");
    ck_assert_double_ge(loop_time(), now + 0.03);
    end_loop();
}
END_TEST

static int places[1000];

static void expect_place(void *data)
{
    ck_assert_ptr_eq(data, &places[in_order]);
    in_order++;
}

/* Ours: timers with the same time keep their order. (asyncio leaves it open:
 * its heap compares times only.)
 */
START_TEST(timers_with_the_same_time_keep_their_order)
{
    double when = loop_time() + 0.001;
    begin_loop(_i);
    in_order = 0;
    for (int i = 0; i < 1000; i++)
        loop_call_at(&loop, when, expect_place, &places[i]);
    run();
    ck_assert_int_eq(in_order, 1000);
    end_loop();
}
END_TEST

static void add_timer(void *data)
{
    say_it(data);
    loop_call_later(&loop, 0, say_it, text("at once"));
    loop_call_at(&loop, 0, say_it, text("long due"));
    loop_call_soon(&loop, say_it, text("soon"));
}

/* The rule: a timer that is due while timers run waits for the next turn. */
START_TEST(timer_added_by_a_timer_waits)
{
    begin_loop(_i);
    loop_call_later(&loop, -1, add_timer, text("first"));
    loop_call_later(&loop, -1, say_it, text("second"));
    turn();
    turn();
    expect_said("first second | soon long due at once |");
    end_loop();
}
END_TEST

static double second_due;

static void outlast(void *data)
{
    say_it(data);
    busy_until(second_due + 0.001);
}

/* The rule: the clock is read once for all timers of a turn. */
START_TEST(timer_that_comes_due_meanwhile_waits)
{
    begin_loop(_i);
    second_due = loop_time() + 0.05;
    loop_call_later(&loop, 0, outlast, text("first"));
    loop_call_at(&loop, second_due, say_it, text("second"));
    turn();
    expect_said("first |");
    turn();
    expect_said("second |");
    end_loop();
}
END_TEST

/* The rule: a time that has passed is due in the next turn, not at once; and
 * what is due earlier comes first, also there.
 */
START_TEST(negative_delay)
{
    begin_loop(_i);
    loop_call_later(&loop, 0, say_it, text("b"));
    loop_call_later(&loop, -1, say_it, text("a"));
    loop_call_soon(&loop, say_it, text("soon"));
    expect_said("");
    turn();
    expect_said("soon a b |");
    end_loop();
}
END_TEST

/* Ours: what is no number is no delay, and none of the others is kept back by
 * it. (asyncio's heap loses its order.) One without an end is never due.
 */
START_TEST(delays_that_are_none)
{
    begin_loop(_i);
    loop_call_later(&loop, 0.001, say_it, text("b"));
    loop_call_later(&loop, (double)NAN, say_it, text("a"));
    loop_handle never =
        loop_call_later(&loop, (double)INFINITY, nobody, text("never"));
    turn();
    expect_said("a |");
    loop_call_later(&loop, 0.002, stop_it, text("c"));
    run();
    expect_said("b c");
    ck_assert(loop_cancel(&loop, never));
    end_loop();
}
END_TEST

enum { MILLION = 1000000 };
static double last_time;
static int called;

static void expect_later(void *data)
{
    const double *when = data;
    if (*when < last_time) /* a check a call would take longer than the test */
        ck_abort_msg("%g behind %g", *when, last_time);
    last_time = *when;
    called++;
}

/* A million at once, in their order, due or cancelled. */
START_TEST(a_million_timers)
{
    double *times = malloc(MILLION * sizeof *times);
    loop_handle *handles = malloc(MILLION * sizeof *handles);
    ck_assert(times != NULL && handles != NULL);
    begin_loop(EPOLL);
    srand(1);
    for (int i = 0; i < MILLION; i++) {
        times[i] = -(rand() % 100000); /* past, and each ten times */
        handles[i] = loop_call_at(&loop, times[i], expect_later, &times[i]);
    }
    int cancelled = 0;
    for (int i = 0; i < MILLION; i += 3)
        cancelled += loop_cancel(&loop, handles[i]);
    ck_assert_int_eq(cancelled, MILLION / 3 + 1);
    last_time = -100000;
    called = 0;
    run();
    ck_assert_int_eq(called, MILLION - MILLION / 3 - 1);
    free(times);
    free(handles);
    end_loop();
}
END_TEST

/* --- Cancelling ------------------------------------------------------------ */

START_TEST(cancel_what_is_ready)
{
    begin_loop(_i);
    loop_call_soon(&loop, say_it, text("a"));
    loop_handle b = loop_call_soon(&loop, nobody, text("b"));
    loop_call_soon(&loop, say_it, text("c"));
    ck_assert(loop_cancel(&loop, b));
    ck_assert(!loop_cancel(&loop, b));
    turn();
    expect_said("a c |");
    ck_assert(!loop_cancel(&loop, b));
    end_loop();
}
END_TEST

START_TEST(cancel_a_timer)
{
    begin_loop(_i);
    loop_handle far = loop_call_later(&loop, 1000, nobody, text("far"));
    loop_handle near = loop_call_later(&loop, 0, nobody, text("near"));
    loop_call_later(&loop, 0, say_it, text("c"));
    ck_assert(loop_cancel(&loop, near));
    ck_assert(!loop_cancel(&loop, near));
    ck_assert(loop_cancel(&loop, far));
    run(); /* a cancelled timer does not keep it */
    expect_said("c");
    ck_assert(!loop_cancel(&loop, far));
    end_loop();
}
END_TEST

/* Ours: a handle is a number, and finds nothing when its callback is over, not
 * even who has its place now.
 */
START_TEST(stale_handles_find_nothing)
{
    begin_loop(_i);
    loop_handle ready = loop_call_soon(&loop, say_it, text("a"));
    loop_handle timer = loop_call_later(&loop, 0, say_it, text("b"));
    turn();
    expect_said("a b |");
    loop_call_soon(&loop, say_it, text("c"));
    loop_call_soon(&loop, say_it, text("d"));
    ck_assert(!loop_cancel(&loop, ready));
    ck_assert(!loop_cancel(&loop, timer));
    ck_assert(!loop_cancel(&loop, 0));
    ck_assert(!loop_cancel(&loop, UINT64_MAX));
    ck_assert(!loop_cancel(&loop, 1000000));
    turn();
    expect_said("c d |");
    end_loop();
}
END_TEST

/* Ours: also where the counter in it has come round, and 0 is none. */
START_TEST(handles_come_round)
{
    begin_loop(_i);
    loop_call_soon(&loop, say_it, text("a"));
    turn();
    loop.slots[loop.slot_free].generation = UINT32_MAX;
    loop_handle b = loop_call_soon(&loop, nobody, text("b"));
    ck_assert_uint_ne(b, 0);
    ck_assert(loop_cancel(&loop, b));
    turn();
    expect_said("a | |");
    end_loop();
}
END_TEST

static loop_handle victim;

static void cancel_victim(void *data)
{
    say("%s %d", (const char *)data, loop_cancel(&loop, victim));
}

/* The rule: a callback that is cancelled by an earlier one of the same turn is
 * not called. Of itself it is called already: too late.
 */
START_TEST(cancel_in_the_same_turn)
{
    begin_loop(_i);
    loop_call_soon(&loop, cancel_victim, text("cancels"));
    victim = loop_call_soon(&loop, nobody, text("ready"));
    turn();
    expect_said("cancels 1 |");
    loop_call_later(&loop, -1, cancel_victim, text("cancels"));
    victim = loop_call_later(&loop, 0, nobody, text("timer"));
    turn();
    expect_said("cancels 1 |");
    victim = loop_call_soon(&loop, cancel_victim, text("itself"));
    turn();
    expect_said("itself 0 |");
    victim = loop_call_later(&loop, 0, cancel_victim, text("itself"));
    turn();
    expect_said("itself 0 |");
    end_loop();
}
END_TEST

/* The rule: cancelled timers go when they are the majority. So a time-out that
 * is set and cancelled for each request costs no memory.
 */
START_TEST(cancelled_timers_take_no_room)
{
    begin_loop(EPOLL);
    loop_handle stay[50];
    for (int i = 0; i < 50; i++)
        stay[i] = loop_call_later(&loop, 1000 + i, nobody, text("stay"));
    int cancelled = 0;
    for (int i = 0; i < 100000; i++)
        cancelled += loop_cancel(
            &loop, loop_call_later(&loop, 500 + i % 1000, nobody, NULL));
    ck_assert_int_eq(cancelled, 100000);
    ck_assert_uint_le(loop.timers.count, 300);
    ck_assert_uint_le(loop.timers.room, 512);
    ck_assert_uint_le(loop.slot_room, 512);
    for (int i = 0; i < 50; i++)
        ck_assert(loop_cancel(&loop, stay[i]));
    run();

    /* And a hundred thousand at once. */
    static loop_handle many[100000];
    for (int i = 0; i < 100000; i++)
        many[i] = loop_call_later(&loop, 500 + i % 1000, nobody, NULL);
    loop_call_later(&loop, 0.001, say_it, text("kept"));
    for (int i = 0; i < 100000; i++)
        cancelled += loop_cancel(&loop, many[i]);
    ck_assert_int_eq(cancelled, 200000);
    ck_assert_uint_le(loop.timers.count, 300);
    for (int i = 0; i < 100000; i++)
        cancelled += loop_cancel(&loop, many[i]);
    ck_assert_int_eq(cancelled, 200000);
    run();
    expect_said("kept");
    end_loop();
}
END_TEST

/* Adding and cancelling at random, beside a plain list. */
enum { SOME = 400, STEPS = 20000 };
static struct {
    double when;
    loop_handle handle; /* 0: none */
} model[SOME];

static void is_due(void *data)
{
    int i = (int)((const int *)data - places);
    ck_assert_uint_ne(model[i].handle, 0);
    ck_assert_double_ge(model[i].when, last_time);
    last_time = model[i].when;
    model[i].handle = 0;
}

START_TEST(timers_as_the_model_has_them)
{
    begin_loop(EPOLL);
    srand(2);
    for (int step = 0; step < STEPS; step++) {
        int i = rand() % SOME;
        if (model[i].handle != 0) {
            ck_assert(loop_cancel(&loop, model[i].handle));
            model[i].handle = 0;
        } else {
            /* Half of them due, half in a day. */
            model[i].when = rand() % 1000 + (rand() % 2 ? -1000 : 1e9);
            model[i].handle =
                loop_call_at(&loop, model[i].when, is_due, &places[i]);
        }
        if (step % 500 != 0)
            continue;
        last_time = -1000;
        loop_run_once(&loop, 0);
        for (i = 0; i < SOME; i++)
            ck_assert(model[i].handle == 0 || model[i].when >= 1e9);
    }
    end_loop();
}
END_TEST

/* --- Descriptors ----------------------------------------------------------- */

START_TEST(readers_and_writers)
{
    int pair[2];
    begin_loop(_i);
    make_pair(pair);
    ck_assert_int_eq(loop_add_reader(&loop, pair[0], say_it, text("r")), 0);
    turn();
    expect_said("|");
    wake_by(pair[1]);
    turn();
    turn();
    expect_said("r | r |");
    hear(pair[0]);
    turn();
    expect_said("|");
    /* Both for one descriptor, each removed by itself. */
    ck_assert_int_eq(loop_add_writer(&loop, pair[0], say_it, text("w")), 0);
    turn();
    expect_said("w |");
    wake_by(pair[1]);
    turn();
    expect_said("r w |");
    ck_assert(loop_remove_writer(&loop, pair[0]));
    turn();
    expect_said("r |");
    ck_assert(loop_remove_reader(&loop, pair[0]));
    turn();
    expect_said("|");
    /* The rule: what was not there is False, and no error. */
    ck_assert(!loop_remove_reader(&loop, pair[0]));
    ck_assert(!loop_remove_writer(&loop, pair[0]));
    ck_assert(!loop_remove_reader(&loop, -1));
    ck_assert(!loop_remove_reader(&loop, 1000000));
    close(pair[0]);
    close(pair[1]);
    end_loop();
}
END_TEST

/* The rule: a second add_reader replaces the first. */
START_TEST(second_reader_replaces_the_first)
{
    int pair[2];
    begin_loop(_i);
    make_pair(pair);
    wake_by(pair[1]);
    loop_add_reader(&loop, pair[0], nobody, text("the first"));
    loop_add_writer(&loop, pair[0], say_it, text("w"));
    loop_add_reader(&loop, pair[0], say_it, text("r"));
    turn();
    expect_said("r w |");
    ck_assert(loop_remove_reader(&loop, pair[0]));
    ck_assert(!loop_remove_reader(&loop, pair[0]));
    ck_assert(loop_remove_writer(&loop, pair[0]));
    run();
    close(pair[0]);
    close(pair[1]);
    end_loop();
}
END_TEST

static int two[2][2]; /* two pairs; both ready */

static void begin_two(int backend)
{
    begin_loop(backend);
    make_pair(two[0]);
    make_pair(two[1]);
    wake_by(two[0][1]);
    wake_by(two[1][1]);
}

static void end_two(void)
{
    for (int i = 0; i < 4; i++)
        close(two[i / 2][i % 2]);
    end_loop();
}

static void replace_both(void *data)
{
    say_it(data);
    loop_add_reader(&loop, two[0][0], say_it, text("new 0"));
    loop_add_reader(&loop, two[1][0], say_it, text("new 1"));
}

/* The rule: replacing cancels the call that is ready already; the new one comes
 * in the next turn. Whichever of the two is first replaces both.
 */
START_TEST(replaced_in_the_same_turn)
{
    begin_two(_i);
    loop_add_reader(&loop, two[0][0], replace_both, text("old"));
    loop_add_reader(&loop, two[1][0], replace_both, text("old"));
    turn();
    expect_said("old |");
    loop_remove_reader(&loop, two[1][0]);
    turn();
    expect_said("new 0 |");
    loop_remove_reader(&loop, two[0][0]);
    end_two();
}
END_TEST

static void remove_both(void *data)
{
    say_it(data);
    ck_assert(loop_remove_reader(&loop, two[0][0]));
    ck_assert(loop_remove_reader(&loop, two[1][0]));
}

/* The rule: what was removed is not called any more, though ready. */
START_TEST(removed_in_the_same_turn)
{
    begin_two(_i);
    loop_add_reader(&loop, two[0][0], remove_both, text("one"));
    loop_add_reader(&loop, two[1][0], remove_both, text("one"));
    run(); /* and nothing is alive any more */
    expect_said("one");
    end_two();
}
END_TEST

static void remove_my_writer(void *data)
{
    say_it(data);
    ck_assert(loop_remove_writer(&loop, two[0][0]));
}

START_TEST(reader_removes_the_writer_beside_it)
{
    begin_two(_i);
    loop_add_reader(&loop, two[0][0], remove_my_writer, text("r"));
    loop_add_writer(&loop, two[0][0], nobody, text("w"));
    turn();
    expect_said("r |");
    loop_remove_reader(&loop, two[0][0]);
    end_two();
}
END_TEST

/* A callback that ends its own world: data, timer, descriptors, another's. */
struct owner {
    int fd, other;
    loop_handle timer, self;
    char *name;
};

static void end_it_all(void *data)
{
    struct owner *o = data;
    say("%s", o->name);
    ck_assert(loop_cancel(&loop, o->timer));
    ck_assert(!loop_cancel(&loop, o->self));
    loop_remove_reader(&loop, o->fd);
    loop_remove_reader(&loop, o->other);
    close(o->fd);
    close(o->other);
    free(o->name);
    free(o);
}

START_TEST(callback_frees_itself_and_others)
{
    begin_two(_i);
    struct owner *o = malloc(sizeof *o);
    ck_assert_ptr_nonnull(o);
    *o = (struct owner){two[0][0], two[1][0], .name = strdup("ends")};
    loop_add_reader(&loop, two[0][0], nobody, o);
    loop_add_reader(&loop, two[1][0], nobody, o);
    o->timer = loop_call_later(&loop, 0, nobody, o);
    o->self = loop_call_soon(&loop, end_it_all, o);
    run();
    expect_said("ends");
    close(two[0][1]);
    close(two[1][1]);
    end_loop();
}
END_TEST

static int new_pair[2];

/* Closes the other one, and gives its number to a descriptor that is not ready.
 */
static void reuse(void *data)
{
    int mine = data == &places[0] ? 0 : 1;
    int number = two[1 - mine][0];
    say("reuse");
    ck_assert(loop_remove_reader(&loop, number));
    make_pair(new_pair);
    ck_assert_int_eq(dup2(new_pair[0], number), number);
    ck_assert_int_eq(loop_add_reader(&loop, number, say_it, text("new")), 0);
    loop_remove_reader(&loop, two[mine][0]);
    hear(two[mine][0]);
}

START_TEST(number_of_a_closed_one_is_used_again)
{
    begin_two(_i);
    loop_add_reader(&loop, two[0][0], reuse, &places[0]);
    loop_add_reader(&loop, two[1][0], reuse, &places[1]);
    turn();
    turn();
    expect_said("reuse | |"); /* nothing there for the new one yet */
    wake_by(new_pair[1]);
    turn();
    expect_said("new |");
    loop_remove_reader(&loop, two[0][0]);
    loop_remove_reader(&loop, two[1][0]);
    close(new_pair[0]);
    close(new_pair[1]);
    end_two();
}
END_TEST

/* Its other end has gone: ready for whatever it is waited for. */
START_TEST(hang_up_calls_reader_and_writer)
{
    begin_two(_i);
    close(two[0][1]);
    hear(two[0][0]);
    loop_add_reader(&loop, two[0][0], say_it, text("r"));
    loop_add_writer(&loop, two[0][0], say_it, text("w"));
    turn();
    expect_said("r w |");
    loop_remove_reader(&loop, two[0][0]);
    loop_remove_writer(&loop, two[0][0]);
    two[0][1] = dup(two[0][0]);
    end_two();
}
END_TEST

static void close_without_remove(const void *backend)
{
    int pair[2];
    begin_loop(*(const int *)backend);
    make_pair(pair);
    loop_add_reader(&loop, pair[0], nobody, text("closed"));
    close(pair[0]);
    ck_assert(loop_run_once(&loop, 0));
    ck_assert(loop_remove_reader(&loop, pair[0]));
    ck_assert(!loop_run_once(&loop, 0));
    fputs("forgotten", stdout);
    close(pair[1]);
    end_loop();
}

/* Ours: one that was closed, but not removed, ends the program; epoll cannot
 * tell. (asyncio: OSError, and the same.)
 */
START_TEST(closed_before_it_was_removed)
{
    struct forked run = run_forked(close_without_remove, &_i);
    char message[64] = "";
    if (_i != EPOLL)
        snprintf(message, sizeof message,
                 "run: loop: %s: Bad file descriptor\n", backends[_i]);
    ck_assert_str_eq(run.err, message);
    ck_assert_str_eq(run.out, _i == EPOLL ? "forgotten" : "");
    ck_assert_int_eq(WEXITSTATUS(run.status), _i == EPOLL ? 0 : 1);
}
END_TEST

START_TEST(what_is_no_descriptor_is_refused)
{
    begin_loop(_i);
    int closed = dup(STDERR_FILENO);
    close(closed);
    const int bad[] = {-1, closed, 1000000000, 2147483647};
    for (int i = 0; i < 4; i++) {
        expect_errno(loop_add_reader(&loop, bad[i], nobody, NULL), EBADF);
        expect_errno(loop_add_writer(&loop, bad[i], nobody, NULL), EBADF);
    }
    run(); /* it watches none of them */
    end_loop();
}
END_TEST

/* The bits of an fd_set end there; poll and epoll go on. */
START_TEST(select_refuses_beyond_fd_setsize)
{
    struct rlimit limit;
    int pair[2];
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 2 * FD_SETSIZE;
    if (limit.rlim_max < limit.rlim_cur ||
        setrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    begin_loop(_i);
    make_pair(pair);
    ck_assert_int_eq(dup2(pair[0], FD_SETSIZE - 1), FD_SETSIZE - 1);
    ck_assert_int_eq(dup2(pair[0], FD_SETSIZE), FD_SETSIZE);
    wake_by(pair[1]);
    ck_assert_int_eq(
        loop_add_reader(&loop, FD_SETSIZE - 1, say_it, text("1023")), 0);
    int result = loop_add_reader(&loop, FD_SETSIZE, say_it, text("1024"));
    if (_i == SELECT) {
        expect_errno(result, ERANGE);
        ck_assert(!loop_remove_reader(&loop, FD_SETSIZE));
        turn();
        expect_said("1023 |");
    } else {
        ck_assert_int_eq(result, 0);
        ck_assert(loop_remove_reader(&loop, FD_SETSIZE - 1));
        turn();
        expect_said("1024 |");
        ck_assert(loop_remove_reader(&loop, FD_SETSIZE));
    }
    loop_remove_reader(&loop, FD_SETSIZE - 1);
    close(FD_SETSIZE - 1);
    close(FD_SETSIZE);
    close(pair[0]);
    close(pair[1]);
    end_loop();
}
END_TEST

/* --- Beginning, end, and what keeps it ------------------------------------- */

/* The rule: the turn is ended, what it has added stays for the next run. */
START_TEST(stop_ends_after_the_turn)
{
    begin_loop(_i);
    loop_call_soon(&loop, stop_it, text("stop"));
    loop_call_soon(&loop, say_it, text("same turn"));
    loop_call_later(&loop, 1000, nobody, NULL);
    run();
    expect_said("stop same turn");
    loop_call_soon(&loop, stop_it, text("again"));
    run();
    expect_said("next again");
    end_loop();
}
END_TEST

/* The rule: stopped before it runs, it makes one turn, and does not wait. */
START_TEST(stop_before_the_run)
{
    int pair[2];
    begin_loop(_i);
    make_pair(pair);
    wake_by(pair[1]);
    loop_stop(&loop);
    loop_handle far = loop_call_later(&loop, 1000, nobody, NULL);
    loop_add_reader(&loop, pair[0], say_it, text("reader"));
    loop_call_soon(&loop, say_it, text("soon"));
    run();
    expect_said("soon reader");
    /* That was for one run only. */
    loop_call_later(&loop, 0.001, stop_it, text("timer"));
    loop_remove_reader(&loop, pair[0]);
    run();
    expect_said("timer");
    turn();
    expect_said("next |");
    /* One turn it is, though nothing be alive. */
    ck_assert(loop_cancel(&loop, far));
    unsigned long turns = loop.turns;
    loop_stop(&loop);
    run();
    ck_assert_uint_eq(loop.turns, turns + 1);
    close(pair[0]);
    close(pair[1]);
    end_loop();
}
END_TEST

/* Ours: a turn by hand takes a stop with it, so that loop_due does not say "at
 * once" for ever; and tells so.
 */
START_TEST(stop_is_for_one_turn)
{
    begin_loop(_i);
    loop_handle far = loop_call_later(&loop, 1000, nobody, NULL);
    loop_call_soon(&loop, stop_it, text("stop"));
    ck_assert(!loop_run_once(&loop, -1));
    ck_assert(loop_run_once(&loop, -1)); /* what stop_it has added */
    expect_said("stop next");
    ck_assert_double_gt(loop_due(&loop), 900);
    loop_stop(&loop);
    ck_assert_double_eq(loop_due(&loop), 0);
    ck_assert(!loop_run_once(&loop, -1));
    ck_assert_double_gt(loop_due(&loop), 900);
    ck_assert(loop_alive(&loop));
    ck_assert(loop_cancel(&loop, far));
    ck_assert(!loop_alive(&loop));
    end_loop();
}
END_TEST

static struct loop other;

static void run_inside(void *data)
{
    say_it(data);
    ck_assert_ptr_eq(loop_running(), &loop);
    expect_errno(loop_run_forever(&loop), EBUSY);
    expect_errno(loop_run_forever(&other), EBUSY);
    errno = 0;
    ck_assert(!loop_run_once(&loop, -1));
    ck_assert_int_eq(errno, EBUSY);
    /* One turn of another one is allowed: a loop may have a loop in it. */
    loop_call_soon(&other, say_it, text("other"));
    loop_run_once(&other, 0);
    ck_assert_ptr_eq(loop_running(), &loop);
}

/* The rule: "This event loop is already running", and "Cannot run the event
 * loop while another loop is running" (RuntimeError).
 */
START_TEST(not_inside_itself)
{
    begin_loop(_i);
    ck_assert_int_eq(loop_init(&other), 0);
    ck_assert_ptr_null(loop_running());
    loop_call_soon(&loop, run_inside, text("inside"));
    loop_call_soon(&loop, say_it, text("after"));
    run();
    expect_said("inside other after");
    /* Neither for those who make the turns by hand. */
    loop_call_soon(&loop, run_inside, text("inside"));
    turn();
    expect_said("inside other |");
    ck_assert_ptr_null(loop_running());
    loop_close(&other);
    end_loop();
}
END_TEST

static void *run_mine(void *data)
{
    struct loop mine;
    ck_assert_int_eq(loop_init(&mine), 0);
    ck_assert_ptr_null(loop_running());
    loop_call_soon(&mine, say_it, data);
    ck_assert_int_eq(loop_run_forever(&mine), 0);
    loop_close(&mine);
    return NULL;
}

static void run_in_a_thread(void *data)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_mine, data), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* The rule: one loop a thread, and another thread may have its own. */
START_TEST(another_thread_has_its_own)
{
    begin_loop(_i);
    loop_call_soon(&loop, run_in_a_thread, text("mine"));
    run();
    expect_said("mine");
    end_loop();
}
END_TEST

static void release_it(void *data)
{
    say_it(data);
    loop_release(&loop);
}

/* Ours (after libuv): it ends when nothing is alive. A timer, a descriptor, a
 * ready callback or a hold are alive; a signal handler is not, nor a cancelled
 * timer.
 */
START_TEST(ends_when_nothing_is_alive)
{
    begin_loop(_i);
    run();
    ck_assert(!loop_run_once(&loop, 0));
    loop_call_soon(&loop, say_it, text("soon"));
    ck_assert(!loop_run_once(&loop, -1));
    expect_said("soon");
    loop_handle timer = loop_call_later(&loop, 1000, nobody, NULL);
    ck_assert(loop_run_once(&loop, 0));
    loop_cancel(&loop, timer);
    ck_assert(!loop_run_once(&loop, 0));
    loop_add_reader(&loop, STDIN_FILENO, nobody, NULL);
    loop_remove_reader(&loop, STDIN_FILENO);
    run();
    loop_add_signal_handler(&loop, SIGUSR2, nobody, NULL);
    run();
    /* Nor does a turn by hand wait then, however long it may. */
    ck_assert(!loop_run_once(&loop, -1));
    loop_cancel(&loop, loop_call_later(&loop, 1000, nobody, NULL));
    ck_assert(!loop_run_once(&loop, -1));
    ck_assert(!loop_run_once(&loop, 1000));
    end_loop();
}
END_TEST

START_TEST(held_it_waits)
{
    begin_loop(_i);
    loop_hold(&loop);
    loop_hold(&loop);
    ck_assert(loop_run_once(&loop, 0));
    loop_call_later(&loop, 0.001, release_it, text("once"));
    loop_run_once(&loop, 1);
    ck_assert(loop_run_once(&loop, 0));
    loop_call_later(&loop, 0.001, release_it, text("twice"));
    run();
    expect_said("once twice");
    end_loop();
}
END_TEST

START_TEST(waits_no_longer_than_asked)
{
    double begun = loop_time();
    begin_loop(_i);
    loop_call_later(&loop, 1000, nobody, NULL);
    ck_assert(loop_run_once(&loop, 0.02));
    double took = loop_time() - begun;
    ck_assert_double_ge(took, 0.02);
    ck_assert_double_lt(took, 100);
    end_loop();
}
END_TEST

/* What is left in it goes with it, uncalled: no byte, no descriptor stays. */
START_TEST(close_drops_what_is_left)
{
    int pair[2];
    begin_loop(_i);
    make_pair(pair);
    wake_by(pair[1]);
    loop_call_soon(&loop, nobody, text("ready"));
    loop_cancel(&loop, loop_call_soon(&loop, nobody, text("cancelled")));
    loop_call_later(&loop, -1, nobody, text("timer"));
    loop_add_reader(&loop, pair[0], nobody, text("reader"));
    ck_assert_int_eq(
        loop_call_soon_threadsafe(&loop, nobody, text("from a thread")), 0);
    loop_close(&loop);
    ck_assert_int_eq(loop_init(&loop), 0);
    close(pair[0]);
    close(pair[1]);
    end_loop();
}
END_TEST

static void begin_with_nonsense(const void *name)
{
    setenv("LOOP_BACKEND", name, 1);
    int before = count_descriptors();
    int result = loop_init(&loop);
    int why = errno;
    exit(result == -1 && why == EINVAL && count_descriptors() == before ? 7
                                                                        : 1);
}

START_TEST(back_end_that_is_none)
{
    struct forked run = run_forked(begin_with_nonsense, "nonsense");
    ck_assert_int_eq(WEXITSTATUS(run.status), 7);
    ck_assert_ptr_nonnull(strstr(
        run.err, "LOOP_BACKEND 'nonsense': not select, poll or epoll\n"));
    run = run_forked(begin_with_nonsense, "");
    ck_assert_int_eq(WEXITSTATUS(run.status), 7);
    unsetenv("LOOP_BACKEND");
    ck_assert_int_eq(loop_init(&loop), 0);
    ck_assert_str_eq(loop.selector.name, "epoll");
    loop_close(&loop);
}
END_TEST

/* From no free descriptor on, until there are enough. */
START_TEST(no_descriptor_to_be_had)
{
    setenv("LOOP_BACKEND", backends[_i], 1);
    int open_before = count_descriptors();
    int next = dup(STDERR_FILENO);
    close(next);
    int failed = 0;
    for (int more = 0;; more++) {
        struct rlimit limit = {(rlim_t)(next + more), 0};
        struct rlimit before;
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        limit.rlim_max = before.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        int result = loop_init(&loop);
        int why = errno;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (result == 0)
            break;
        failed++;
        ck_assert_int_eq(why, EMFILE);
        ck_assert_int_eq(count_descriptors(), open_before);
    }
    ck_assert_int_eq(failed, _i == EPOLL ? 3 : 2);
    loop_close(&loop);
    ck_assert_int_eq(count_descriptors(), open_before);
}
END_TEST

static void begin_beyond_select(const void *unused)
{
    (void)unused;
    setenv("LOOP_BACKEND", backends[SELECT], 1);
    while (dup(STDERR_FILENO) < FD_SETSIZE - 1)
        continue;
    int before = count_descriptors();
    expect_errno(loop_init(&loop), ERANGE);
    ck_assert_int_eq(count_descriptors(), before);
}

/* Nor one that select could hold. */
START_TEST(no_descriptor_that_select_can_hold)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 2 * FD_SETSIZE;
    if (limit.rlim_max < limit.rlim_cur ||
        setrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    struct forked run = run_forked(begin_beyond_select, NULL);
    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.err,
                     "run: select: no descriptor is left that it can hold\n");
}
END_TEST

/* --- Other threads --------------------------------------------------------- */

enum { THREADS = 8, POSTS = 2000 };
static int heard[THREADS];

static void hear_post(void *data)
{
    int number = (int)((const int *)data - places);
    ck_assert_ptr_eq(loop_running(), &loop);
    /* Those of one thread in their order. */
    ck_assert_int_eq(number % 100, heard[number / 100] % 100);
    if (++heard[number / 100] == POSTS)
        loop_release(&loop);
}

static void *post_many(void *data)
{
    int *mine = data;
    for (int i = 0; i < POSTS; i++)
        ck_assert_int_eq(
            loop_call_soon_threadsafe(&loop, hear_post, mine + i % 100), 0);
    return NULL;
}

/* The rule: call_soon_threadsafe is call_soon, from anywhere: none is lost, and
 * each thread's come in order. Ours: they are called behind what is ready.
 */
START_TEST(posts_from_many_threads)
{
    pthread_t threads[THREADS];
    begin_loop(_i);
    for (int i = 0; i < THREADS; i++) {
        heard[i] = 0;
        loop_hold(&loop);
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, post_many, &places[100 * i]), 0);
    }
    run();
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(heard[i], POSTS);
    }
    end_loop();
}
END_TEST

static void *post_to_a_sleeper(void *data)
{
    wait_for_sleep(getpid());
    ck_assert_int_eq(loop_call_soon_threadsafe(&loop, release_it, data), 0);
    return NULL;
}

/* Woken at once, each time, though it waits for nothing else. */
START_TEST(post_wakes_a_sleeping_loop)
{
    begin_loop(_i);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        loop_hold(&loop);
        ck_assert_int_eq(
            pthread_create(&thread, NULL, post_to_a_sleeper, text("awake")), 0);
        run();
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        expect_said("awake");
    }
    end_loop();
}
END_TEST

/* From its own thread, too; a post is alive. */
START_TEST(post_from_its_own_thread)
{
    begin_loop(_i);
    loop_call_soon_threadsafe(&loop, say_it, text("a"));
    loop_call_soon_threadsafe(&loop, say_it, text("b"));
    run();
    expect_said("a b");
    end_loop();
}
END_TEST

/* --- Signals --------------------------------------------------------------- */

static void raise_it(void *data)
{
    raise(*(const int *)data);
    say("raised");
}

static const int usr2 = SIGUSR2;

/* The rule: the handler is a callback, and comes in a turn of its own. */
START_TEST(signal_is_called_by_the_loop)
{
    begin_loop(_i);
    ck_assert_int_eq(
        loop_add_signal_handler(&loop, SIGUSR2, say_it, text("signal")), 0);
    loop_call_soon(&loop, raise_it, text((const char *)&usr2));
    loop_call_soon(&loop, say_it, text("same turn"));
    turn();
    turn();
    turn();
    expect_said("raised same turn | signal | |");
    /* The rule: another handler replaces the first. */
    ck_assert_int_eq(
        loop_add_signal_handler(&loop, SIGUSR2, say_it, text("second")), 0);
    raise(SIGUSR2);
    raise(SIGUSR2); /* as signals are: twice is once */
    turn();
    expect_said("second |");
    end_loop();
}
END_TEST

static volatile sig_atomic_t plain_calls;

static void plain_handler(int number)
{
    (void)number;
    plain_calls++;
}

/* The rule: removed, or closed, and the signal does what it did before. (Python
 * sets the default.)
 */
START_TEST(signal_does_what_it_did_before)
{
    signal(SIGUSR2, plain_handler);
    begin_loop(_i);
    loop_add_signal_handler(&loop, SIGUSR2, say_it, text("loop"));
    raise(SIGUSR2);
    turn();
    ck_assert(loop_remove_signal_handler(&loop, SIGUSR2));
    ck_assert(!loop_remove_signal_handler(&loop, SIGUSR2));
    ck_assert_int_eq(plain_calls, 0);
    raise(SIGUSR2);
    ck_assert_int_eq(plain_calls, 1);
    turn();
    loop_add_signal_handler(&loop, SIGUSR2, nobody, NULL);
    loop_add_signal_handler(&loop, SIGHUP, nobody, NULL);
    end_loop();
    raise(SIGUSR2);
    ck_assert_int_eq(plain_calls, 2);
    expect_said("loop | |");
    struct sigaction now;
    ck_assert_int_eq(sigaction(SIGHUP, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
}
END_TEST

START_TEST(signals_that_cannot_be_caught)
{
    begin_loop(_i);
    const int bad[] = {0, -1, 65, 100000, SIGKILL, SIGSTOP};
    for (int i = 0; i < 6; i++)
        expect_errno(loop_add_signal_handler(&loop, bad[i], nobody, NULL),
                     EINVAL);
    ck_assert(!loop_remove_signal_handler(&loop, SIGKILL));
    ck_assert(!loop_remove_signal_handler(&loop, 100000));
    end_loop();
}
END_TEST

/* A signal ends the wait. */
START_TEST(signal_wakes_a_sleeping_loop)
{
    if (keeps_signals_back(_i))
        return;
    begin_loop(_i);
    loop_hold(&loop);
    loop_add_signal_handler(&loop, SIGALRM, release_it, text("alarm"));
    const struct itimerval soon = {.it_value.tv_usec = 20000};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    run();
    expect_said("alarm");
    end_loop();
}
END_TEST

static void *raise_here(void *data)
{
    wait_for_sleep(getpid());
    raise(SIGUSR2);
    return data;
}

/* Also one that another thread has got, whose wait it ends and not the loop's. */
START_TEST(signal_in_another_thread)
{
    pthread_t thread;
    begin_loop(_i);
    loop_hold(&loop);
    loop_add_signal_handler(&loop, SIGUSR2, release_it, text("there"));
    ck_assert_int_eq(pthread_create(&thread, NULL, raise_here, NULL), 0);
    run();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    expect_said("there");
    end_loop();
}
END_TEST

/* --- Seeing inside --------------------------------------------------------- */

static void dump_one(const void *backend)
{
    const int usr1 = SIGUSR1;
    int pair[2];
    begin_loop(*(const int *)backend);
    make_pair(pair);
    loop_call_later(&loop, 999.5, nobody, NULL);
    loop_cancel(&loop, loop_call_later(&loop, 1000, nobody, NULL));
    loop_add_reader(&loop, pair[0], nobody, NULL);
    loop_add_writer(&loop, pair[0], say_it, text("w"));
    loop_call_soon(&loop, raise_it, text((const char *)&usr1));
    loop_call_later(&loop, 0.1, stop_it, text("stop"));
    loop_run_forever(&loop);
}

START_TEST(sigusr1_dumps)
{
    struct forked run = run_forked(dump_one, &_i);
    char first[64];
    ck_assert_msg(WIFEXITED(run.status) && WEXITSTATUS(run.status) == 0,
                  "status %x: %s", (unsigned)run.status, run.err);
    snprintf(first, sizeof first, "loop on %s, turn 1\n", backends[_i]);
    ck_assert_msg(strncmp(run.err, first, strlen(first)) == 0, "%s", run.err);
    ck_assert_ptr_nonnull(strstr(run.err, ", to read: nobody\n"));
    ck_assert_ptr_nonnull(strstr(run.err, ", to write: say_it\n"));
    ck_assert_ptr_nonnull(strstr(run.err, "  timer, due in 999."));
    ck_assert_ptr_nonnull(strstr(run.err, " s: nobody\n"));
    ck_assert_ptr_nonnull(strstr(run.err, " s: stop_it\n"));
    /* Not the one that was cancelled. */
    int timers = 0;
    for (const char *p = run.err; (p = strstr(p, "  timer")) != NULL; p++)
        timers++;
    ck_assert_int_eq(timers, 2);
}
END_TEST

/* Who handles SIGUSR1 already keeps it; and the default comes back. */
START_TEST(sigusr1_only_where_nobody_wants_it)
{
    struct sigaction now;
    const int usr1 = SIGUSR1;
    begin_loop(_i);
    signal(SIGUSR1, plain_handler);
    loop_call_soon(&loop, raise_it, text((const char *)&usr1));
    run();
    expect_said("raised");
    ck_assert_int_eq(plain_calls, 1);
    signal(SIGUSR1, SIG_DFL);
    run();
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
    end_loop();
}
END_TEST

static void hold_up(void *data)
{
    busy_until(loop_time() + *(const double *)data);
}

static void hold_up_too(void *data)
{
    hold_up(data);
}

static void hold_up_some(const void *unused)
{
    static double slow = 0.1;
    (void)unused;
    ck_assert_int_eq(loop_init(&loop), 0);
    loop.slow_callback = 0.05;
    loop_call_soon(&loop, hold_up, &slow);
    loop_add_signal_handler(&loop, SIGUSR2, hold_up_too, &slow);
    raise(SIGUSR2);
    run();
    loop.slow_callback = 1000;
    loop_call_soon(&loop, hold_up, &slow);
    run();
    loop.slow_callback = 0;
    loop_call_soon(&loop, hold_up, &slow);
    run();
    loop_close(&loop);
}

/* The rule (of asyncio's debug mode): "Executing ... took 0.100 seconds". */
START_TEST(slow_callback_is_named)
{
    struct forked run = run_forked(hold_up_some, NULL);
    const char *report = "loop: hold_up held everyone up for 0.";
    ck_assert_int_eq(run.status, 0);
    char *found = strstr(run.err, report);
    ck_assert_msg(found != NULL, "%s", run.err);
    ck_assert_msg(strstr(found + 1, report) == NULL, "%s", run.err);
    ck_assert_msg(strstr(run.err, "loop: hold_up_too held everyone") != NULL,
                  "%s", run.err);
}
END_TEST

/* --- Inside another loop --------------------------------------------------- */

/* A loop around ours, which knows poll and no more. */
static void turn_by_poll(void)
{
    struct pollfd its = {loop_fd(&loop), POLLIN, 0};
    double due = loop_due(&loop);
    int most = due < 0 ? -1 : (int)(due * 1000) + 1;
    ck_assert_int_ne(poll(&its, 1, due == 0 ? 0 : most), -1);
    loop_run_once(&loop, 0);
}

START_TEST(inside_a_poll_loop)
{
    int pair[2];
    pthread_t thread;
    begin_loop(_i);
    ck_assert_double_eq(loop_due(&loop), -1);
    if (_i != EPOLL) {
        ck_assert_int_eq(loop_fd(&loop), -1);
        end_loop();
        return;
    }
    make_pair(pair);
    loop_call_soon(&loop, say_it, text("soon"));
    ck_assert_double_eq(loop_due(&loop), 0);
    turn_by_poll();
    expect_said("soon");

    loop_call_later(&loop, 0.02, say_it, text("timer"));
    double due = loop_due(&loop);
    ck_assert(due > 0 && due <= 0.02);
    turn_by_poll();
    expect_said("timer");
    loop_call_later(&loop, -1, say_it, text("late"));
    ck_assert_double_eq(loop_due(&loop), 0);
    turn_by_poll();
    expect_said("late");

    loop_add_reader(&loop, pair[0], say_it, text("reader"));
    wake_by(pair[1]);
    ck_assert_double_eq(loop_due(&loop), -1);
    turn_by_poll();
    expect_said("reader");
    loop_remove_reader(&loop, pair[0]);

    loop_hold(&loop);
    ck_assert_int_eq(
        pthread_create(&thread, NULL, post_to_a_sleeper, text("post")), 0);
    turn_by_poll();
    expect_said("post");
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    close(pair[0]);
    close(pair[1]);
    end_loop();
}
END_TEST

TCase *eventloop_loop(void)
{
    TCase *tc = tcase_create("loop");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, soon_is_first_in_first_out, 0, BACKENDS);
    tcase_add_loop_test(tc, what_a_turn_adds_is_for_the_next, 0, BACKENDS);
    tcase_add_loop_test(tc, many_in_a_growing_ring, 0, BACKENDS);
    tcase_add_loop_test(tc, ready_then_descriptors_then_timers, 0, BACKENDS);
    tcase_add_loop_test(tc, timers_by_their_time, 0, BACKENDS);
    tcase_add_loop_test(tc, timers_with_the_same_time_keep_their_order, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, timer_added_by_a_timer_waits, 0, BACKENDS);
    tcase_add_loop_test(tc, timer_that_comes_due_meanwhile_waits, 0, BACKENDS);
    tcase_add_loop_test(tc, negative_delay, 0, BACKENDS);
    tcase_add_loop_test(tc, delays_that_are_none, 0, BACKENDS);
    tcase_add_test(tc, a_million_timers);
    tcase_add_loop_test(tc, cancel_what_is_ready, 0, BACKENDS);
    tcase_add_loop_test(tc, cancel_a_timer, 0, BACKENDS);
    tcase_add_loop_test(tc, stale_handles_find_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, handles_come_round, 0, BACKENDS);
    tcase_add_loop_test(tc, cancel_in_the_same_turn, 0, BACKENDS);
    tcase_add_test(tc, cancelled_timers_take_no_room);
    tcase_add_test(tc, timers_as_the_model_has_them);
    tcase_add_loop_test(tc, readers_and_writers, 0, BACKENDS);
    tcase_add_loop_test(tc, second_reader_replaces_the_first, 0, BACKENDS);
    tcase_add_loop_test(tc, replaced_in_the_same_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, removed_in_the_same_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, reader_removes_the_writer_beside_it, 0, BACKENDS);
    tcase_add_loop_test(tc, callback_frees_itself_and_others, 0, BACKENDS);
    tcase_add_loop_test(tc, number_of_a_closed_one_is_used_again, 0, BACKENDS);
    tcase_add_loop_test(tc, hang_up_calls_reader_and_writer, 0, BACKENDS);
    tcase_add_loop_test(tc, closed_before_it_was_removed, 0, BACKENDS);
    tcase_add_loop_test(tc, what_is_no_descriptor_is_refused, 0, BACKENDS);
    tcase_add_loop_test(tc, select_refuses_beyond_fd_setsize, 0, BACKENDS);
    tcase_add_loop_test(tc, stop_ends_after_the_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, stop_before_the_run, 0, BACKENDS);
    tcase_add_loop_test(tc, stop_is_for_one_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, not_inside_itself, 0, BACKENDS);
    tcase_add_loop_test(tc, another_thread_has_its_own, 0, BACKENDS);
    tcase_add_loop_test(tc, ends_when_nothing_is_alive, 0, BACKENDS);
    tcase_add_loop_test(tc, held_it_waits, 0, BACKENDS);
    tcase_add_loop_test(tc, waits_no_longer_than_asked, 0, BACKENDS);
    tcase_add_loop_test(tc, close_drops_what_is_left, 0, BACKENDS);
    tcase_add_test(tc, back_end_that_is_none);
    tcase_add_loop_test(tc, no_descriptor_to_be_had, 0, BACKENDS);
    tcase_add_test(tc, no_descriptor_that_select_can_hold);
    tcase_add_loop_test(tc, posts_from_many_threads, 0, BACKENDS);
    tcase_add_loop_test(tc, post_wakes_a_sleeping_loop, 0, BACKENDS);
    tcase_add_loop_test(tc, post_from_its_own_thread, 0, BACKENDS);
    tcase_add_loop_test(tc, signal_is_called_by_the_loop, 0, BACKENDS);
    tcase_add_loop_test(tc, signal_does_what_it_did_before, 0, BACKENDS);
    tcase_add_loop_test(tc, signals_that_cannot_be_caught, 0, BACKENDS);
    tcase_add_loop_test(tc, signal_wakes_a_sleeping_loop, 0, BACKENDS);
    tcase_add_loop_test(tc, signal_in_another_thread, 0, BACKENDS);
    tcase_add_loop_test(tc, sigusr1_dumps, 0, BACKENDS);
    tcase_add_loop_test(tc, sigusr1_only_where_nobody_wants_it, 0, BACKENDS);
    tcase_add_test(tc, slow_callback_is_named);
    tcase_add_loop_test(tc, inside_a_poll_loop, 0, BACKENDS);
    return tc;
}
