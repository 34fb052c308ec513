/* queue: nothing lost, nothing twice, in order, and nobody left asleep. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "04_threads/queue.h"
#include "tests/support.h"

enum { SLEEPERS = 8, PRODUCERS = 5, CONSUMERS = 4, EACH = 4000 };
enum { ALL = PRODUCERS * EACH };

/* Items are numbers, from 1 on: places in an array of as many bytes. */
static char places[ALL + 1];

static void *item(int n)
{
    return &places[n];
}

static int number(void *got)
{
    return (int)((char *)got - places);
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    ck_assert_int_eq(pthread_create(thread, NULL, run, argument), 0);
}

static void join(pthread_t thread)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* Waits for a thread to be asleep in a call of the kernel, as its state in
 * /proc has it: how else to know that a call blocks?
 */
static void wait_until_asleep(const atomic_int *tid)
{
    char path[64];
    char state = 'R';
    while (*tid == 0)
        usleep(100);
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", *tid);
    while (state != 'S') {
        FILE *f = fopen(path, "r");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
        fclose(f);
        usleep(100);
    }
}

START_TEST(first_in_first_out)
{
    struct queue q;
    ck_assert_int_eq(queue_init(&q, 3), 0);
    int in = 0;
    int out = 0;
    /* Over the end of the ring in all ways that there are. */
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i <= round % 3; i++)
            ck_assert(queue_put(&q, item(++in)));
        for (int i = 0; i <= round % 3; i++)
            ck_assert_ptr_eq(queue_get(&q), item(++out));
    }
    queue_destroy(&q);
}
END_TEST

START_TEST(no_room_for_nothing)
{
    struct queue q;
    errno = 0;
    ck_assert_int_eq(queue_init(&q, 0), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* calloc has to see that the product is too large for a size_t. The sanitizers
 * end the program where somebody asks for so much.
 */
START_TEST(no_room_for_too_much)
{
    struct queue q;
    if (!plain_build())
        return;
    errno = 0;
    ck_assert_int_eq(queue_init(&q, SIZE_MAX / 4), -1);
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

START_TEST(closed_gives_what_it_holds)
{
    struct queue q;
    ck_assert_int_eq(queue_init(&q, 4), 0);
    ck_assert(queue_put(&q, item(1)));
    ck_assert(queue_put(&q, item(2)));
    queue_close(&q);
    queue_close(&q);
    ck_assert(!queue_put(&q, item(3)));
    ck_assert_ptr_eq(queue_get(&q), item(1));
    ck_assert_ptr_eq(queue_get(&q), item(2));
    ck_assert_ptr_null(queue_get(&q));
    ck_assert_ptr_null(queue_get(&q));
    ck_assert(!queue_put(&q, item(3)));
    queue_destroy(&q);
}
END_TEST

/* One thread that gets or puts once. */
struct visitor {
    struct queue *queue;
    pthread_t thread;
    void *got;
    atomic_int tid;
    atomic_bool done;
    bool put;
};

static void *visit_get(void *argument)
{
    struct visitor *v = argument;
    v->tid = gettid();
    v->got = queue_get(v->queue);
    v->done = true;
    return NULL;
}

static void *visit_put(void *argument)
{
    struct visitor *v = argument;
    v->tid = gettid();
    v->put = queue_put(v->queue, item(7));
    v->done = true;
    return NULL;
}

START_TEST(get_waits_for_an_item)
{
    struct queue q;
    ck_assert_int_eq(queue_init(&q, 1), 0);
    struct visitor v = {.queue = &q};
    start(&v.thread, visit_get, &v);
    wait_until_asleep(&v.tid);
    ck_assert(!v.done);
    ck_assert(queue_put(&q, item(5)));
    join(v.thread);
    ck_assert_ptr_eq(v.got, item(5));
    queue_destroy(&q);
}
END_TEST

START_TEST(put_waits_for_a_place)
{
    struct queue q;
    ck_assert_int_eq(queue_init(&q, 2), 0);
    ck_assert(queue_put(&q, item(1)));
    ck_assert(queue_put(&q, item(2)));
    struct visitor v = {.queue = &q};
    start(&v.thread, visit_put, &v);
    wait_until_asleep(&v.tid);
    ck_assert(!v.done);
    ck_assert_ptr_eq(queue_get(&q), item(1));
    join(v.thread);
    ck_assert(v.put);
    ck_assert_ptr_eq(queue_get(&q), item(2));
    ck_assert_ptr_eq(queue_get(&q), item(7));
    queue_destroy(&q);
}
END_TEST

/* Closing wakes all who wait, not one of them. */
START_TEST(close_wakes_all_who_get)
{
    struct queue q;
    ck_assert_int_eq(queue_init(&q, 1), 0);
    struct visitor v[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        v[i] = (struct visitor){.queue = &q, .got = &q};
        start(&v[i].thread, visit_get, &v[i]);
    }
    for (int i = 0; i < SLEEPERS; i++)
        wait_until_asleep(&v[i].tid);
    queue_close(&q);
    for (int i = 0; i < SLEEPERS; i++) {
        join(v[i].thread);
        ck_assert_ptr_null(v[i].got);
    }
    queue_destroy(&q);
}
END_TEST

START_TEST(close_wakes_all_who_put)
{
    struct queue q;
    ck_assert_int_eq(queue_init(&q, 1), 0);
    ck_assert(queue_put(&q, item(1)));
    struct visitor v[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        v[i] = (struct visitor){.queue = &q, .put = true};
        start(&v[i].thread, visit_put, &v[i]);
    }
    for (int i = 0; i < SLEEPERS; i++)
        wait_until_asleep(&v[i].tid);
    queue_close(&q);
    for (int i = 0; i < SLEEPERS; i++) {
        join(v[i].thread);
        ck_assert(!v[i].put);
    }
    ck_assert_ptr_eq(queue_get(&q), item(1));
    ck_assert_ptr_null(queue_get(&q));
    queue_destroy(&q);
}
END_TEST

/* As many are woken as items come, and the others sleep on. */
START_TEST(each_item_wakes_one)
{
    struct queue q;
    ck_assert_int_eq(queue_init(&q, SLEEPERS), 0);
    struct visitor v[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        v[i] = (struct visitor){.queue = &q};
        start(&v[i].thread, visit_get, &v[i]);
    }
    for (int i = 0; i < SLEEPERS; i++)
        wait_until_asleep(&v[i].tid);
    for (int n = 1; n <= SLEEPERS; n++)
        ck_assert(queue_put(&q, item(n)));
    int sum = 0;
    for (int i = 0; i < SLEEPERS; i++) {
        join(v[i].thread);
        sum += number(v[i].got);
    }
    ck_assert_int_eq(sum, SLEEPERS * (SLEEPERS + 1) / 2);
    queue_destroy(&q);
}
END_TEST

/* Many on both sides. Each item is counted where it arrives: once. What comes
 * from one producer comes in its order, to each consumer.
 */
static const size_t capacities[] = {1, 2, 7, 1000, ALL};

static struct queue busy;
static atomic_int arrived[ALL];
static atomic_int wrong; /* Check's assertions are for one thread */
static atomic_bool closing;

static void *produce(void *producer)
{
    int first = *(int *)producer * EACH + 1;
    for (int n = first; n < first + EACH; n++)
        wrong += !queue_put(&busy, item(n));
    return NULL;
}

static void *consume(void *argument)
{
    int last[PRODUCERS] = {0};
    void *got;
    while ((got = queue_get(&busy)) != NULL) {
        int n = number(got);
        int producer = (n - 1) / EACH;
        wrong += n <= last[producer];
        last[producer] = n;
        arrived[n - 1]++;
    }
    wrong += !closing;
    return argument;
}

START_TEST(many_on_both_sides)
{
    ck_assert_int_eq(queue_init(&busy, capacities[_i]), 0);
    pthread_t producers[PRODUCERS];
    pthread_t consumers[CONSUMERS];
    int numbers[PRODUCERS];
    for (int i = 0; i < CONSUMERS; i++)
        start(&consumers[i], consume, NULL);
    for (int i = 0; i < PRODUCERS; i++) {
        numbers[i] = i;
        start(&producers[i], produce, &numbers[i]);
    }
    for (int i = 0; i < PRODUCERS; i++)
        join(producers[i]);
    closing = true;
    queue_close(&busy);
    for (int i = 0; i < CONSUMERS; i++)
        join(consumers[i]);
    for (int i = 0; i < ALL; i++)
        ck_assert_int_eq(arrived[i], 1);
    ck_assert_int_eq(wrong, 0);
    queue_destroy(&busy);
}
END_TEST

/* Closed in the midst of it: what put said went in comes out, no more, no
 * less.
 */
static atomic_int accepted;

static void *produce_until_closed(void *argument)
{
    while (queue_put(&busy, item(1)))
        accepted++;
    return argument;
}

static atomic_int taken;

static void *consume_all(void *argument)
{
    while (queue_get(&busy) != NULL)
        taken++;
    return argument;
}

START_TEST(closed_in_the_midst)
{
    ck_assert_int_eq(queue_init(&busy, 3), 0);
    pthread_t producers[PRODUCERS];
    pthread_t consumers[CONSUMERS];
    for (int i = 0; i < PRODUCERS; i++)
        start(&producers[i], produce_until_closed, NULL);
    for (int i = 0; i < CONSUMERS; i++)
        start(&consumers[i], consume_all, NULL);
    while (taken < 1000)
        usleep(100);
    queue_close(&busy);
    for (int i = 0; i < PRODUCERS; i++)
        join(producers[i]);
    for (int i = 0; i < CONSUMERS; i++)
        join(consumers[i]);
    ck_assert_int_eq(accepted, taken);
    queue_destroy(&busy);
}
END_TEST

TCase *threads_queue(void)
{
    TCase *tc = tcase_create("queue");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, first_in_first_out);
    tcase_add_test(tc, no_room_for_nothing);
    tcase_add_test(tc, no_room_for_too_much);
    tcase_add_test(tc, closed_gives_what_it_holds);
    tcase_add_test(tc, get_waits_for_an_item);
    tcase_add_test(tc, put_waits_for_a_place);
    tcase_add_test(tc, close_wakes_all_who_get);
    tcase_add_test(tc, close_wakes_all_who_put);
    tcase_add_test(tc, each_item_wakes_one);
    tcase_add_loop_test(tc, many_on_both_sides, 0,
                        sizeof capacities / sizeof *capacities);
    tcase_add_test(tc, closed_in_the_midst);
    return tc;
}
