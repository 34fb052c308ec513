/* timers: a heap by itself, without a loop. */
#include <check.h>
#include <stdlib.h>

#include "07_eventloop/timers.h"
#include "tests/support.h"

enum { MANY = 5000 };

START_TEST(the_earliest_first)
{
    struct timers t = {0};
    srand(3);
    for (uint32_t i = 0; i < MANY; i++)
        timers_add(&t, rand() % 1000, i);
    double last = -1;
    for (size_t left = MANY; left > 0; left--) {
        ck_assert_uint_eq(t.count, left);
        ck_assert_double_ge(t.heap[0].when, last);
        last = t.heap[0].when;
        timers_pop(&t);
    }
    ck_assert_uint_eq(t.count, 0);
    timers_free(&t);
}
END_TEST

START_TEST(the_same_time_keeps_its_order)
{
    struct timers t = {0};
    for (uint32_t i = 0; i < MANY; i++)
        timers_add(&t, i % 2 ? 1 : 2, i);
    for (uint32_t i = 1; i < MANY; i += 2)
        ck_assert_uint_eq(timers_pop(&t), i);
    for (uint32_t i = 0; i < MANY; i += 2)
        ck_assert_uint_eq(timers_pop(&t), i);
    timers_free(&t);
}
END_TEST

static bool is_one_of(void *divisor, uint32_t number)
{
    return number % *(const uint32_t *)divisor == 0;
}

/* What is left after it is a heap, and in the order of before. */
START_TEST(swept)
{
    struct timers t = {0};
    for (uint32_t i = 0; i < MANY; i++)
        timers_add(&t, i % 10, i);
    timers_sweep(&t, is_one_of, &(uint32_t){3});
    double last = -1;
    uint32_t number = 0;
    for (size_t left = MANY - MANY / 3 - 1; left > 0; left--) {
        double when = t.heap[0].when;
        uint32_t next = timers_pop(&t);
        ck_assert_uint_ne(next % 3, 0);
        ck_assert(when > last || (when <= last && next > number));
        ck_assert_double_ge(when, last);
        last = when;
        number = next;
    }
    ck_assert_uint_eq(t.count, 0);
    /* All of them, and of none. */
    timers_add(&t, 1, 7);
    timers_sweep(&t, is_one_of, &(uint32_t){1});
    ck_assert_uint_eq(t.count, 0);
    timers_sweep(&t, is_one_of, &(uint32_t){1});
    timers_free(&t);
}
END_TEST

TCase *eventloop_timers(void)
{
    TCase *tc = tcase_create("timers");
    tcase_add_test(tc, the_earliest_first);
    tcase_add_test(tc, the_same_time_keeps_its_order);
    tcase_add_test(tc, swept);
    return tc;
}
