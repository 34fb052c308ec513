/* async_queue: nothing lost, nothing twice, in order, and held back at its
 * bound.
 *
 * All are asyncio's rules: the words that a test expects, turn by turn, are
 * those that the same scene in Python has said, with CPython 3.11, 3.12 and
 * 3.13. What is ours alone says so.
 */
#include <stdint.h>

#include "07_eventloop/async_queue.h"
#include "tests/loops.h"
#include "tests/support.h"

static struct async_queue queue;

/* Items are numbers: places in an array. */
static char places[100000];

static void *item(int n)
{
    return &places[n];
}

static int number(const void *got)
{
    return (int)((const char *)got - places);
}

struct gets_items {
    struct gen gen;
    const char *name;
    int times;
    struct async_queue_get async_queue_get;
};

static bool gets_items(void *frame, struct future **awaits)
{
    struct gets_items *c = frame;
    GEN_BEGIN(c);
    while (c->times-- > 0) {
        AWAIT_CALL(c, async_queue_get, .queue = &queue);
        say("%s<%d", c->name, number(c->async_queue_get.item));
    }
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s cancelled", c->name);
    return false;
}

struct puts_items {
    struct gen gen;
    const char *name;
    int from, to;
    struct async_queue_put async_queue_put;
};

static bool puts_items(void *frame, struct future **awaits)
{
    struct puts_items *c = frame;
    GEN_BEGIN(c);
    for (; c->from <= c->to; c->from++) {
        AWAIT_CALL(c, async_queue_put, .queue = &queue, .item = item(c->from));
        say("%s>%d", c->name, c->from);
    }
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s cancelled", c->name);
    return false;
}

struct joins {
    struct gen gen;
    int unused;
    struct async_queue_join async_queue_join;
};

static bool joins(void *frame, struct future **awaits)
{
    struct joins *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, async_queue_join, .queue = &queue);
    say("joined");
    GEN_END(c);
    return false;
}

/* The tasks of a test; end releases them. */
static struct task *tasks[8];
static int task_count;

static struct future *add(struct task *t)
{
    tasks[task_count++] = t;
    return &t->future;
}

static struct future *get_as(const char *name, int times)
{
    return add(task_create(&loop, gets_items, .name = name, .times = times));
}

static struct future *put_as(const char *name, int from, int to)
{
    return add(
        task_create(&loop, puts_items, .name = name, .from = from, .to = to));
}

static struct future *join(void)
{
    return add(task_create(&loop, joins, .unused = 0));
}

static void put(int n)
{
    ck_assert(async_queue_put_nowait(&queue, item(n)));
}

static int get(void)
{
    void *got = NULL;
    ck_assert(async_queue_get_nowait(&queue, &got));
    return number(got);
}

static void begin(int backend, size_t bound)
{
    begin_loop(backend);
    queue.bound = bound;
}

static void finish(void)
{
    while (loop.tasks != NULL)
        turn();
}

/* Nobody is left in its queues. */
static void end(void)
{
    ck_assert_ptr_null(queue.getters.first);
    ck_assert_ptr_null(queue.putters.first);
    ck_assert_ptr_null(queue.finished.waiters.first);
    async_queue_free(&queue);
    while (task_count > 0)
        task_release(tasks[--task_count]);
    end_loop();
}

START_TEST(first_in_first_out)
{
    begin(_i, 0);
    put_as("p", 1, 3);
    get_as("g", 3);
    finish();
    expect_said("p>1 p>2 p>3 g<1 g<2 g<3 |");
    end();
}
END_TEST

/* The producer waits at the bound, and goes on as the consumer takes. */
START_TEST(the_bound_holds_back)
{
    begin(_i, 2);
    put_as("p", 1, 4);
    turn();
    turn();
    ck_assert_uint_eq(queue.count, 2);
    get_as("g", 4);
    finish();
    expect_said("p>1 p>2 | | g<1 g<2 | p>3 p>4 | g<3 g<4 |");
    end();
}
END_TEST

START_TEST(getters_and_putters_in_order)
{
    begin(_i, 1);
    get_as("a", 1);
    get_as("b", 1);
    turn();
    put_as("p", 1, 2);
    finish();
    expect_said("| p>1 | a<1 | p>2 | b<2 |");
    put(0);
    put_as("a", 1, 1);
    put_as("b", 2, 2);
    turn();
    get_as("g", 3);
    finish();
    expect_said("| g<0 | a>1 | g<1 | b>2 | g<2 |");
    end();
}
END_TEST

/* asyncio raises QueueEmpty and QueueFull; here it is false, and nothing has
 * happened.
 */
START_TEST(without_waiting)
{
    void *got = NULL;
    begin(_i, 1);
    ck_assert(!async_queue_get_nowait(&queue, &got));
    put(1);
    ck_assert(!async_queue_put_nowait(&queue, item(2)));
    ck_assert_uint_eq(queue.count, 1);
    ck_assert_int_eq(get(), 1);
    ck_assert(!async_queue_get_nowait(&queue, &got));
    put(3);
    ck_assert_int_eq(get(), 3);
    end();
}
END_TEST

/* Who comes when there is an item takes it, even if another was woken for it;
 * that one waits again, at the end.
 */
START_TEST(who_was_woken_may_be_overtaken)
{
    begin(_i, 0);
    get_as("a", 1);
    turn();
    get_as("b", 1);
    put(1);
    turn();
    expect_said("| b<1 |");
    put(2);
    finish();
    expect_said("a<2 |");
    get_as("a", 1);
    get_as("b", 1);
    turn();
    put(1);
    ck_assert_int_eq(get(), 1);
    turn();
    put(2);
    put(3);
    finish();
    expect_said("| | b<2 a<3 |");
    end();
}
END_TEST

START_TEST(a_putter_may_be_overtaken)
{
    begin(_i, 1);
    put(0);
    put_as("a", 1, 1);
    turn();
    ck_assert_int_eq(get(), 0);
    put(9);
    turn();
    turn();
    expect_said("| | |");
    ck_assert_int_eq(get(), 9);
    finish();
    expect_said("a>1 |");
    ck_assert_int_eq(get(), 1);
    end();
}
END_TEST

/* Cancelled before it is woken, after it was woken, and with nobody behind. */
START_TEST(getters_cancelled)
{
    begin(_i, 0);
    struct future *a = get_as("a", 1);
    get_as("b", 1);
    turn();
    future_cancel(a);
    put(1);
    finish();
    expect_said("| a cancelled b<1 |");
    a = get_as("a", 1);
    get_as("b", 1);
    turn();
    put(2);
    future_cancel(a);
    finish();
    expect_said("| a cancelled | b<2 |");
    a = get_as("a", 1);
    turn();
    put(3);
    future_cancel(a);
    finish();
    expect_said("| a cancelled |");
    ck_assert_int_eq(get(), 3);
    end();
}
END_TEST

START_TEST(putters_cancelled)
{
    begin(_i, 1);
    put(0);
    struct future *a = put_as("a", 1, 1);
    put_as("b", 2, 2);
    turn();
    future_cancel(a);
    ck_assert_int_eq(get(), 0);
    finish();
    expect_said("| a cancelled b>2 |");
    a = put_as("a", 3, 3);
    put_as("b", 4, 4);
    turn();
    ck_assert_int_eq(get(), 2);
    future_cancel(a);
    finish();
    expect_said("| a cancelled | b>4 |");
    ck_assert_int_eq(get(), 4);
    end();
}
END_TEST

/* join waits for as many task_dones as there were puts; of none, not at all. */
START_TEST(joined)
{
    begin(_i, 0);
    join();
    turn();
    expect_said("joined |");
    put(1);
    put(2);
    join();
    join();
    turn();
    ck_assert_int_eq(get(), 1);
    ck_assert(async_queue_task_done(&queue));
    turn();
    turn();
    say("last");
    ck_assert(async_queue_task_done(&queue));
    finish();
    expect_said("| | | last joined joined |");
    ck_assert_int_eq(get(), 2);
    end();
}
END_TEST

/* Who was woken by the last task_done goes on, though more has been put. */
START_TEST(joined_and_more_put)
{
    begin(_i, 0);
    put(1);
    join();
    turn();
    turn();
    say("done");
    ck_assert(async_queue_task_done(&queue));
    put(2);
    finish();
    expect_said("| | done joined |");
    end();
}
END_TEST

START_TEST(join_cancelled)
{
    begin(_i, 0);
    put(1);
    struct future *a = join();
    join();
    turn();
    future_cancel(a);
    turn();
    turn();
    ck_assert(async_queue_task_done(&queue));
    finish();
    expect_said("| | | joined |");
    end();
}
END_TEST

/* asyncio raises ValueError; here it is false, and nothing has happened. */
START_TEST(task_done_too_often)
{
    begin(_i, 0);
    ck_assert(!async_queue_task_done(&queue));
    put(1);
    ck_assert(async_queue_task_done(&queue));
    ck_assert(!async_queue_task_done(&queue));
    put(2);
    join();
    turn();
    expect_said("|");
    ck_assert(async_queue_task_done(&queue));
    finish();
    expect_said("joined |");
    end();
}
END_TEST

/* The ring grows while its beginning is in its middle, in all places. */
START_TEST(many_in_a_growing_ring)
{
    begin(_i, 0);
    int in = 0;
    int out = 0;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 3 * round % 71; i++)
            put(in++);
        for (int i = 0; i < 2 * round % 67 && out < in; i++)
            ck_assert_int_eq(get(), out++);
    }
    while (out < in)
        ck_assert_int_eq(get(), out++);
    ck_assert_uint_eq(queue.count, 0);
    end();
}
END_TEST

/* Items still there are dropped, and it can be used again. */
START_TEST(freed_with_items)
{
    begin(_i, 20);
    for (int i = 0; i < 20; i++)
        put(i);
    async_queue_free(&queue);
    ck_assert_uint_eq(queue.count, 0);
    ck_assert_uint_eq(queue.bound, 20);
    put(7);
    ck_assert_int_eq(get(), 7);
    end();
}
END_TEST

TCase *eventloop_async_queue(void)
{
    TCase *tc = tcase_create("async_queue");
    tcase_add_loop_test(tc, first_in_first_out, 0, BACKENDS);
    tcase_add_loop_test(tc, the_bound_holds_back, 0, BACKENDS);
    tcase_add_loop_test(tc, getters_and_putters_in_order, 0, BACKENDS);
    tcase_add_loop_test(tc, without_waiting, 0, BACKENDS);
    tcase_add_loop_test(tc, who_was_woken_may_be_overtaken, 0, BACKENDS);
    tcase_add_loop_test(tc, a_putter_may_be_overtaken, 0, BACKENDS);
    tcase_add_loop_test(tc, getters_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, putters_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, joined, 0, BACKENDS);
    tcase_add_loop_test(tc, joined_and_more_put, 0, BACKENDS);
    tcase_add_loop_test(tc, join_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, task_done_too_often, 0, BACKENDS);
    tcase_add_loop_test(tc, many_in_a_growing_ring, 0, BACKENDS);
    tcase_add_loop_test(tc, freed_with_items, 0, BACKENDS);
    return tc;
}
