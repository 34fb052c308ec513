/* tiny: whom the loop runs, whom it wakes, and what it throws. */
#include "06_generators/tiny.h"

#include <string.h>
#include <unistd.h>

#include "tests/support.h"

static struct tiny loop;
static char log_text[64]; /* what the tasks did, a letter each */

static void note(char letter)
{
    log_text[strlen(log_text)] = letter;
}

static void setup(void)
{
    loop.lane = -1;
}

/* Waits for the pair so many times. */
struct waiter {
    struct task task;
    struct tiny_pair pair;
    int times, i;
    char name;
    struct waiter *then; /* is notified next */
};

static bool wait_next(struct task *task, int *waits_for)
{
    struct waiter *w = (struct waiter *)task;
    GEN_BEGIN(task);
    for (w->i = 0; w->i < w->times; w->i++) {
        *waits_for = w->pair.event;
        GEN_YIELD(task);
        ck_assert_int_eq(tiny_notices(&w->pair), 1);
        note(w->name);
        if (w->then != NULL)
            tiny_notify(&w->then->pair);
    }
    GEN_END(task);
    tiny_pair_close(&w->pair);
    return false;
}

static void add_waiter(struct waiter *w, char name, int times)
{
    *w = (struct waiter){.task.next = wait_next, .name = name, .times = times};
    tiny_pair_open(&w->pair);
    tiny_add_task(&loop, &w->task);
}

START_TEST(nothing_to_do_is_no_reason_to_wait)
{
    tiny_run_forever(&loop);
    ck_assert_int_eq(loop.timeouts, 0);
}
END_TEST

/* Each wakes the one before it. */
START_TEST(whoever_is_ready_is_resumed)
{
    struct waiter w[3];
    for (int i = 0; i < 3; i++) {
        add_waiter(&w[i], (char)('a' + i), 1);
        w[i].then = i > 0 ? &w[i - 1] : NULL;
    }
    tiny_notify(&w[2].pair);
    tiny_run_forever(&loop);
    ck_assert_str_eq(log_text, "cba");
    ck_assert_int_eq(loop.timeouts, 0);
    ck_assert_int_eq(loop.stopped_count, 0);
}
END_TEST

START_TEST(tasks_begin_in_their_order)
{
    struct waiter w[3];
    for (int i = 0; i < 3; i++) {
        add_waiter(&w[i], (char)('a' + i), 1);
        tiny_notify(&w[i].pair);
    }
    tiny_run_forever(&loop);
    ck_assert_str_eq(log_text, "abc");
}
END_TEST

START_TEST(a_task_may_wait_again)
{
    struct waiter w;
    add_waiter(&w, 'a', 1);
    for (int i = 0; i < 1000; i++) {
        tiny_notify(&w.pair);
        tiny_run_forever(&loop);
        ck_assert_str_eq(log_text, "a");
        ck_assert_int_eq(w.task.gen.line, GEN_ENDED);
        memset(log_text, 0, sizeof log_text);
        add_waiter(&w, 'a', 1);
    }
    tiny_notify(&w.pair);
    tiny_run_forever(&loop);
}
END_TEST

/* Nobody will ever notify it. */
START_TEST(too_late_is_thrown)
{
    struct waiter w;
    add_waiter(&w, 'a', 1);
    w.task.deadline = tiny_now();
    tiny_run_forever(&loop);
    ck_assert_ptr_eq(w.task.gen.error, tiny_too_late);
    ck_assert_str_eq(log_text, "");
    ck_assert_int_eq(loop.timeouts, 1);
}
END_TEST

/* The descriptor need not even be open for that. */
START_TEST(too_high_is_thrown)
{
    struct waiter w;
    add_waiter(&w, 'a', 1);
    int event = w.pair.event;
    w.pair.event = FD_SETSIZE;
    tiny_run_forever(&loop);
    ck_assert_ptr_eq(w.task.gen.error, tiny_too_high);
    ck_assert_int_eq(loop.stopped_count, 0);
    close(event);
}
END_TEST

START_TEST(notices_are_counted)
{
    struct tiny_pair pair;
    tiny_pair_open(&pair);
    ck_assert_int_eq(tiny_notices(&pair), 0);
    for (int i = 0; i < TINY_NOTICES + 5; i++)
        tiny_notify(&pair);
    ck_assert_int_eq(tiny_notices(&pair), TINY_NOTICES);
    ck_assert_int_eq(tiny_notices(&pair), 5);
    ck_assert_int_eq(tiny_notices(&pair), 0);
    tiny_pair_close(&pair);
}
END_TEST

TCase *generators_tiny(void)
{
    TCase *tc = tcase_create("tiny");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nothing_to_do_is_no_reason_to_wait);
    tcase_add_test(tc, whoever_is_ready_is_resumed);
    tcase_add_test(tc, tasks_begin_in_their_order);
    tcase_add_test(tc, a_task_may_wait_again);
    tcase_add_test(tc, too_late_is_thrown);
    tcase_add_test(tc, too_high_is_thrown);
    tcase_add_test(tc, notices_are_counted);
    return tc;
}
