#include "04_threads/models.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>

struct world world = {.locks = {{.mutex = PTHREAD_MUTEX_INITIALIZER},
                                {.mutex = PTHREAD_MUTEX_INITIALIZER}}};

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(1, "%s", what);
}

/* --- counter++, in three steps --------------------------------------------- */

static bool load(struct thread *me)
{
    me->value = world.counter;
    return true;
}

static bool add(struct thread *me)
{
    me->value = me->value + 1;
    return true;
}

static bool store(struct thread *me)
{
    world.counter = me->value;
    return true;
}

/* --- Locks ----------------------------------------------------------------- */

/* The locks are real ones. But a thread asleep in pthread_mutex_lock cannot say
 * so, and its turn would have no end. So it tries, and says no.
 */
static bool take(struct lock *lock, struct thread *me)
{
    int error = pthread_mutex_trylock(&lock->mutex);
    if (error == EBUSY)
        return false;
    must(error, "trylock");
    lock->holder = me->name;
    return true;
}

static bool release(struct lock *lock)
{
    lock->holder = 0;
    must(pthread_mutex_unlock(&lock->mutex), "unlock");
    return true;
}

static bool lock_1(struct thread *me)
{
    return take(&world.locks[0], me);
}

static bool lock_2(struct thread *me)
{
    return take(&world.locks[1], me);
}

static bool unlock_1(struct thread *me)
{
    (void)me;
    return release(&world.locks[0]);
}

static bool unlock_2(struct thread *me)
{
    (void)me;
    return release(&world.locks[1]);
}

/* --- Waiting for a flag ---------------------------------------------------- */

/* Where the flag is set already, the next two steps, which are the waiting, are
 * passed over.
 */
static bool check(struct thread *me)
{
    if (world.flag)
        me->next += 2;
    return true;
}

/* A mark only, since here too a thread that really slept would keep its turn. */
static bool fall_asleep(struct thread *me)
{
    me->asleep = true;
    return true;
}

static bool wake_up(struct thread *me)
{
    return !me->asleep;
}

/* This is pthread_cond_wait: to unlock and to fall asleep are one step, */
static bool unlock_and_sleep(struct thread *me)
{
    return release(&world.locks[0]) && fall_asleep(me);
}

/* and who is awake has to get the lock again. Then it looks at the flag anew,
 * three steps back: while, not if.
 */
static bool wake_up_and_lock(struct thread *me)
{
    if (me->asleep || !lock_1(me))
        return false;
    me->next -= 3;
    return true;
}

static bool set(struct thread *me)
{
    (void)me;
    world.flag = true;
    return true;
}

/* A condition variable remembers nothing: who is not asleep yet missed it. */
static bool wake_sleepers(struct thread *me)
{
    (void)me;
    for (int i = 0; i < THREADS; i++)
        world.threads[i].asleep = false;
    return true;
}

/* --- The models ------------------------------------------------------------ */

static const struct step increment[] = {
    {"load counter", load}, {"add 1", add}, {"store counter", store}, {0}};

static const struct step locked_increment[] = {
    {"lock 1", lock_1},       {"load counter", load}, {"add 1", add},
    {"store counter", store}, {"unlock 1", unlock_1}, {0}};

static const struct step one_two[] = {{"lock 1", lock_1},
                                      {"lock 2", lock_2},
                                      {"unlock 2", unlock_2},
                                      {"unlock 1", unlock_1},
                                      {0}};

static const struct step two_one[] = {{"lock 2", lock_2},
                                      {"lock 1", lock_1},
                                      {"unlock 1", unlock_1},
                                      {"unlock 2", unlock_2},
                                      {0}};

static const struct step waiter[] = {
    {"check flag", check}, {"sleep", fall_asleep}, {"wake up", wake_up}, {0}};

static const struct step waker[] = {
    {"set flag", set}, {"signal", wake_sleepers}, {0}};

static const struct step locked_waiter[] = {{"lock 1", lock_1},
                                            {"check flag", check},
                                            {"unlock+sleep", unlock_and_sleep},
                                            {"wake up+lock", wake_up_and_lock},
                                            {"unlock 1", unlock_1},
                                            {0}};

static const struct step locked_waker[] = {{"lock 1", lock_1},
                                           {"set flag", set},
                                           {"signal", wake_sleepers},
                                           {"unlock 1", unlock_1},
                                           {0}};

const struct model models[MODELS] = {
    {.name = "race",
     .about = "each adds 1 to one counter, without a lock",
     .fault = "an update is lost",
     .steps = {increment, increment},
     .counter = true,
     .schedules = 20,
     .bad = 18},
    {.name = "lock",
     .about = "each adds 1 to one counter, under a lock",
     .fault = "an update is lost",
     .steps = {locked_increment, locked_increment},
     .counter = true,
     .locks = 1,
     .schedules = 2,
     .bad = 0},
    {.name = "deadlock",
     .about = "two locks, taken in opposite order",
     .fault = "a deadlock",
     .steps = {one_two, two_one},
     .locks = 2,
     .schedules = 6,
     .bad = 2},
    {.name = "ordered",
     .about = "two locks, taken in the same order",
     .fault = "a deadlock",
     .steps = {one_two, one_two},
     .locks = 2,
     .schedules = 2,
     .bad = 0},
    {.name = "wakeup",
     .about = "A waits for a flag that B sets, without a lock",
     .fault = "A sleeps for ever",
     .steps = {waiter, waker},
     .flag = true,
     .schedules = 5,
     .bad = 1},
    {.name = "wakeup_mended",
     .about = "A waits for a flag that B sets, under a lock",
     .fault = "A sleeps for ever",
     .steps = {locked_waiter, locked_waker},
     .flag = true,
     .locks = 1,
     .schedules = 2,
     .bad = 0},
};

/* --- Running them ---------------------------------------------------------- */

void model_begin(const struct model *model)
{
    world.model = model;
    world.counter = 0;
    world.flag = false;
    for (int i = 0; i < THREADS; i++)
        world.threads[i] = (struct thread){.name = "AB"[i], .value = -1};
    for (int i = 0; i < LOCKS; i++)
        world.locks[i].holder = 0;
}

const struct step *model_next(int who)
{
    const struct step *next = &world.model->steps[who][world.threads[who].next];
    return next->text ? next : NULL;
}

bool model_go(int who)
{
    const struct step *step = model_next(who);
    struct thread *me = &world.threads[who];
    if (step == NULL || !step->go(me))
        return false;
    me->next++;
    return true;
}

void model_leave(int who)
{
    for (int i = 0; i < LOCKS; i++)
        if (world.locks[i].holder == world.threads[who].name)
            must(pthread_mutex_unlock(&world.locks[i].mutex), "unlock");
}

bool model_is_bad(void)
{
    return model_next(0) != NULL || model_next(1) != NULL ||
           (world.model->counter && world.counter != THREADS);
}

static void print_number(const char *name, bool names, int number)
{
    if (names)
        printf("  %7s", name);
    else if (number == -1)
        printf("  %7s", "-");
    else
        printf("  %7d", number);
}

static void print_word(const char *name, bool names, const char *word)
{
    printf("  %7s", names ? name : word);
}

void model_print_values(bool names)
{
    const struct model *model = world.model;
    if (model->counter) {
        print_number("value A", names, world.threads[0].value);
        print_number("value B", names, world.threads[1].value);
        print_number("counter", names, world.counter);
    }
    if (model->flag) {
        print_number("flag", names, world.flag);
        print_word("A", names, world.threads[0].asleep ? "asleep" : "awake");
    }
    for (int i = 0; i < model->locks; i++) {
        const char holder[] = {world.locks[i].holder, '\0'};
        print_word(i == 0 ? "lock 1" : "lock 2", names,
                   *holder ? holder : "free");
    }
}
