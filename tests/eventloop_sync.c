/* sync: locks, events and semaphores are fair, and outlive the cancelling of
 * those who wait for them.
 *
 * All are asyncio's rules: the words that a test expects, turn by turn, are
 * those that the same scene in Python has said, with CPython 3.11, 3.12 and
 * 3.13. What is ours alone says so.
 */
#include "07_eventloop/sync.h"
#include "tests/loops.h"
#include "tests/support.h"

static struct lock lock;
static struct event event;
static struct semaphore semaphore;

/* async with lock, for some turns; and once more, if again. */
struct locks {
    struct gen gen;
    const char *name;
    int turns;
    bool again;
    int i;
    struct lock_acquire lock_acquire;
};

static bool locks(void *frame, struct future **awaits)
{
    struct locks *c = frame;
    GEN_BEGIN(c);
    for (;;) {
        AWAIT_CALL(c, lock_acquire, .lock = &lock);
        say("%s in", c->name);
        for (c->i = 0; c->i < c->turns; c->i++)
            AWAIT_TURN(c);
        say("%s out", c->name);
        lock_leave(&c->lock_acquire);
        if (!c->again)
            break;
        c->again = false;
    }
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s cancelled", c->name);
    lock_leave(&c->lock_acquire);
    return false;
}

struct waits {
    struct gen gen;
    const char *name;
    struct event_wait event_wait;
};

static bool waits(void *frame, struct future **awaits)
{
    struct waits *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, event_wait, .event = &event);
    say("%s through", c->name);
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s cancelled", c->name);
    return false;
}

/* async with semaphore, for some turns. */
struct enters {
    struct gen gen;
    const char *name;
    int turns;
    int i;
    struct semaphore_acquire semaphore_acquire;
};

static bool enters(void *frame, struct future **awaits)
{
    struct enters *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, semaphore_acquire, .semaphore = &semaphore);
    say("%s in", c->name);
    for (c->i = 0; c->i < c->turns; c->i++)
        AWAIT_TURN(c);
    say("%s out", c->name);
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s cancelled", c->name);
    semaphore_leave(&c->semaphore_acquire);
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

static struct future *lock_for(const char *name, int turns)
{
    return add(task_create(&loop, locks, .name = name, .turns = turns));
}

static struct future *wait_as(const char *name)
{
    return add(task_create(&loop, waits, .name = name));
}

static struct future *enter_for(const char *name, int turns)
{
    return add(task_create(&loop, enters, .name = name, .turns = turns));
}

static void begin(int backend)
{
    begin_loop(backend);
    lock = (struct lock){0};
    event = (struct event){0};
    semaphore = (struct semaphore){0};
}

static void finish(void)
{
    while (loop.tasks != NULL)
        turn();
}

/* Nobody is left in a queue. */
static void end(void)
{
    ck_assert_ptr_null(lock.waiters.first);
    ck_assert_ptr_null(lock.waiters.last);
    ck_assert_ptr_null(event.waiters.first);
    ck_assert_ptr_null(event.waiters.last);
    ck_assert_ptr_null(semaphore.waiters.first);
    ck_assert_ptr_null(semaphore.waiters.last);
    while (task_count > 0)
        task_release(tasks[--task_count]);
    end_loop();
}

/* --- Lock ----------------------------------------------------------------- */

START_TEST(lock_first_come_first_served)
{
    begin(_i);
    lock_for("a", 2);
    lock_for("b", 2);
    lock_for("c", 2);
    finish();
    expect_said("a in | | a out | b in | | b out | c in | | c out |");
    ck_assert(!lock.locked);
    end();
}
END_TEST

/* Neither who had it and asks again at once, nor who comes in the turn of the
 * release, overtakes who was woken.
 */
START_TEST(lock_is_not_overtaken)
{
    begin(_i);
    add(task_create(&loop, locks, .name = "a", .turns = 1, .again = true));
    lock_for("b", 1);
    turn();
    turn();
    turn();
    lock_for("c", 1);
    finish();
    expect_said("a in | a out | b in | b out | a in | a out | c in | c out |");
    lock.locked = true;
    lock_for("b", 0);
    turn();
    lock_for("c", 0);
    ck_assert(lock_release(&lock));
    ck_assert(!lock.locked);
    finish();
    expect_said("| b in b out | c in c out |");
    end();
}
END_TEST

START_TEST(lock_cancelled_before_it_is_woken)
{
    begin(_i);
    lock_for("a", 3);
    struct future *b = lock_for("b", 1);
    lock_for("c", 1);
    turn();
    turn();
    future_cancel(b);
    finish();
    expect_said("a in | | b cancelled | a out | c in | c out |");
    end();
}
END_TEST

/* It was woken, and cancelled before it ran: it wakes the next. */
START_TEST(lock_cancelled_after_it_was_woken)
{
    begin(_i);
    lock.locked = true;
    struct future *b = lock_for("b", 1);
    lock_for("c", 1);
    turn();
    lock_release(&lock);
    future_cancel(b);
    finish();
    expect_said("| b cancelled | c in | c out |");
    end();
}
END_TEST

/* The other way round, in one turn. */
START_TEST(lock_cancelled_and_then_released)
{
    begin(_i);
    lock.locked = true;
    struct future *b = lock_for("b", 1);
    lock_for("c", 1);
    turn();
    future_cancel(b);
    lock_release(&lock);
    finish();
    expect_said("| b cancelled | c in | c out |");
    end();
}
END_TEST

/* Those who were cancelled, and are still to run, keep nobody waiting. */
START_TEST(lock_past_the_cancelled)
{
    begin(_i);
    lock.locked = true;
    struct future *b = lock_for("b", 1);
    turn();
    lock_for("c", 1);
    future_cancel(b);
    lock_release(&lock);
    finish();
    expect_said("| c in b cancelled | c out |");
    end();
}
END_TEST

START_TEST(lock_all_cancelled)
{
    begin(_i);
    lock.locked = true;
    struct future *b = lock_for("b", 1);
    struct future *c = lock_for("c", 1);
    turn();
    lock_release(&lock);
    future_cancel(b);
    future_cancel(c);
    finish();
    expect_said("| b cancelled c cancelled |");
    ck_assert(!lock.locked);
    lock_for("d", 1);
    finish();
    expect_said("d in | d out |");
    end();
}
END_TEST

/* asyncio raises RuntimeError; here it is false, and nothing has happened. */
START_TEST(lock_release_of_a_free_one)
{
    begin(_i);
    ck_assert(!lock_release(&lock));
    ck_assert(!lock.locked);
    lock_for("a", 0);
    finish();
    expect_said("a in a out |");
    ck_assert(!lock_release(&lock));
    end();
}
END_TEST

/* Ours: who has left, or never got it, does not release somebody else's. */
START_TEST(lock_leave_is_harmless)
{
    begin(_i);
    struct lock_acquire never = {.lock = &lock};
    struct lock_acquire once = {.lock = &lock, .acquired = true};
    lock.locked = true;
    lock_leave(&never);
    ck_assert(lock.locked);
    lock_leave(&once);
    ck_assert(!lock.locked);
    lock.locked = true;
    lock_leave(&once);
    ck_assert(lock.locked);
    end();
}
END_TEST

/* Cancelled with the lock in hand, it leaves it behind for the next. */
START_TEST(lock_cancelled_inside)
{
    begin(_i);
    struct future *a = lock_for("a", 1000);
    lock_for("b", 1);
    turn();
    turn();
    future_cancel(a);
    finish();
    expect_said("a in | | a cancelled | b in | b out |");
    end();
}
END_TEST

/* --- Event ---------------------------------------------------------------- */

START_TEST(event_wakes_all_in_order)
{
    begin(_i);
    wait_as("a");
    wait_as("b");
    wait_as("c");
    turn();
    turn();
    event_set(&event);
    say("set");
    finish();
    expect_said("| | set a through b through c through |");
    end();
}
END_TEST

START_TEST(event_set_keeps_nobody)
{
    begin(_i);
    event_set(&event);
    wait_as("a");
    finish();
    expect_said("a through |");
    event_clear(&event);
    wait_as("b");
    turn();
    turn();
    event_set(&event);
    say("set");
    event_set(&event);
    finish();
    expect_said("| | set b through |");
    end();
}
END_TEST

/* Who was woken goes on, though it is cleared again; who comes then, waits. */
START_TEST(event_cleared_at_once)
{
    begin(_i);
    wait_as("a");
    turn();
    event_set(&event);
    event_clear(&event);
    wait_as("b");
    turn();
    turn();
    turn();
    say("set");
    event_set(&event);
    finish();
    expect_said("| a through | | | set b through |");
    end();
}
END_TEST

START_TEST(event_waiters_cancelled)
{
    begin(_i);
    struct future *a = wait_as("a");
    wait_as("b");
    struct future *c = wait_as("c");
    turn();
    future_cancel(a);
    event_set(&event);
    future_cancel(c);
    finish();
    expect_said("| a cancelled b through c cancelled |");
    end();
}
END_TEST

/* --- Semaphore ------------------------------------------------------------ */

START_TEST(semaphore_two_at_once)
{
    begin(_i);
    semaphore.value = 2;
    enter_for("a", 2);
    enter_for("b", 2);
    enter_for("c", 2);
    enter_for("d", 2);
    enter_for("e", 2);
    finish();
    expect_said("a in b in | | a out b out | c in d in | | c out d out | "
                "e in | | e out |");
    ck_assert_uint_eq(semaphore.value, 2);
    end();
}
END_TEST

/* Who comes in the turn of the release waits for who was woken, though there is
 * room for both.
 */
START_TEST(semaphore_is_not_overtaken)
{
    begin(_i);
    enter_for("a", 0);
    turn();
    semaphore_release(&semaphore);
    semaphore_release(&semaphore);
    ck_assert(semaphore_locked(&semaphore));
    enter_for("b", 0);
    finish();
    expect_said("| a in a out b in b out |");
    ck_assert_uint_eq(semaphore.value, 2);
    semaphore.value = 0;
    enter_for("a", 0);
    turn();
    enter_for("b", 0);
    semaphore_release(&semaphore);
    semaphore_release(&semaphore);
    finish();
    expect_said("| a in a out | b in b out |");
    end();
}
END_TEST

START_TEST(semaphore_cancelled_before_it_is_woken)
{
    begin(_i);
    struct future *a = enter_for("a", 0);
    enter_for("b", 0);
    turn();
    future_cancel(a);
    semaphore_release(&semaphore);
    say("%u", semaphore.value);
    finish();
    expect_said("| 0 a cancelled b in b out |");
    ck_assert_uint_eq(semaphore.value, 1);
    end();
}
END_TEST

/* It gives back what it was woken with, and the next is woken with it. */
START_TEST(semaphore_cancelled_after_it_was_woken)
{
    begin(_i);
    struct future *a = enter_for("a", 0);
    enter_for("b", 0);
    turn();
    semaphore_release(&semaphore);
    future_cancel(a);
    say("%u", semaphore.value);
    finish();
    expect_said("| 0 a cancelled | b in b out |");
    ck_assert_uint_eq(semaphore.value, 1);
    end();
}
END_TEST

/* Those who were cancelled, and are still to run, keep nobody waiting. */
START_TEST(semaphore_past_the_cancelled)
{
    begin(_i);
    struct future *a = enter_for("a", 0);
    turn();
    enter_for("b", 0);
    future_cancel(a);
    semaphore_release(&semaphore);
    finish();
    expect_said("| b in b out a cancelled |");
    ck_assert_uint_eq(semaphore.value, 1);
    end();
}
END_TEST

START_TEST(semaphore_all_cancelled)
{
    begin(_i);
    struct future *a = enter_for("a", 0);
    turn();
    semaphore_release(&semaphore);
    future_cancel(a);
    finish();
    expect_said("| a cancelled |");
    ck_assert_uint_eq(semaphore.value, 1);
    ck_assert(!semaphore_locked(&semaphore));
    enter_for("a", 3);
    struct future *b = enter_for("b", 0);
    turn();
    turn();
    future_cancel(b);
    ck_assert(semaphore_locked(&semaphore));
    finish();
    expect_said("a in | | b cancelled | a out |");
    ck_assert_uint_eq(semaphore.value, 1);
    end();
}
END_TEST

/* asyncio raises ValueError; here it is false, and nothing has happened. */
START_TEST(semaphore_bounded)
{
    begin(_i);
    semaphore = (struct semaphore){.value = 2, .bound = 2};
    ck_assert(!semaphore_release(&semaphore));
    ck_assert_uint_eq(semaphore.value, 2);
    enter_for("a", 0);
    finish();
    expect_said("a in a out |");
    ck_assert_uint_eq(semaphore.value, 2);
    ck_assert(!semaphore_release(&semaphore));
    semaphore = (struct semaphore){.value = 2};
    ck_assert(semaphore_release(&semaphore));
    ck_assert_uint_eq(semaphore.value, 3);
    end();
}
END_TEST

START_TEST(semaphore_leave_is_harmless)
{
    begin(_i);
    struct semaphore_acquire never = {.semaphore = &semaphore};
    struct semaphore_acquire once = {.semaphore = &semaphore, .acquired = true};
    semaphore_leave(&never);
    ck_assert_uint_eq(semaphore.value, 0);
    semaphore_leave(&once);
    semaphore_leave(&once);
    ck_assert_uint_eq(semaphore.value, 1);
    end();
}
END_TEST

/* --- All of them ---------------------------------------------------------- */

/* Three users of one place, of whom one is cancelled after so many turns. */
static void cancel_one(int who, int after, bool with_lock)
{
    struct future *users[3];
    semaphore.value = 1;
    for (int i = 0; i < 3; i++)
        users[i] = with_lock ? lock_for("x", 2) : enter_for("x", 2);
    for (int i = 0; i < after; i++)
        turn();
    future_cancel(users[who]);
    for (int i = 0; loop.tasks != NULL; i++) {
        ck_assert_msg(i < 20, "%d, cancelled after %d turns", who, after);
        turn();
    }
    for (int i = 0; i < 3; i++)
        ck_assert(i == who || future_result(users[i]) != NULL);
    ck_assert(!lock.locked);
    ck_assert_uint_eq(semaphore.value, 1);
    while (task_count > 0)
        task_release(tasks[--task_count]);
}

/* Whoever is cancelled, at whatever moment: the others come in and out. */
START_TEST(cancelled_at_every_moment)
{
    begin(_i);
    for (int who = 0; who < 3; who++) {
        for (int after = 0; after < 12; after++) {
            cancel_one(who, after, true);
            cancel_one(who, after, false);
        }
    }
    end();
}
END_TEST

TCase *eventloop_sync(void)
{
    TCase *tc = tcase_create("sync");
    tcase_add_loop_test(tc, lock_first_come_first_served, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_is_not_overtaken, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_cancelled_before_it_is_woken, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_cancelled_after_it_was_woken, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_cancelled_and_then_released, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_past_the_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_all_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_release_of_a_free_one, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_leave_is_harmless, 0, BACKENDS);
    tcase_add_loop_test(tc, lock_cancelled_inside, 0, BACKENDS);
    tcase_add_loop_test(tc, event_wakes_all_in_order, 0, BACKENDS);
    tcase_add_loop_test(tc, event_set_keeps_nobody, 0, BACKENDS);
    tcase_add_loop_test(tc, event_cleared_at_once, 0, BACKENDS);
    tcase_add_loop_test(tc, event_waiters_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, semaphore_two_at_once, 0, BACKENDS);
    tcase_add_loop_test(tc, semaphore_is_not_overtaken, 0, BACKENDS);
    tcase_add_loop_test(tc, semaphore_cancelled_before_it_is_woken, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, semaphore_cancelled_after_it_was_woken, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, semaphore_past_the_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, semaphore_all_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, semaphore_bounded, 0, BACKENDS);
    tcase_add_loop_test(tc, semaphore_leave_is_harmless, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_at_every_moment, 0, BACKENDS);
    return tc;
}
