#include "07_eventloop/sync.h"

/* --- Those who wait, in order --------------------------------------------- */

void sync_enqueue(struct sync_waiters *queue, struct sync_waiter *w,
                  const struct future_kind *kind)
{
    *w = (struct sync_waiter){.queue = queue, .previous = queue->last};
    future_init(&w->future, loop_running(), kind);
    if (queue->last != NULL)
        queue->last->next = w;
    else
        queue->first = w;
    queue->last = w;
}

void sync_dequeue(struct sync_waiter *w)
{
    struct sync_waiters *queue = w->queue;
    if (queue == NULL)
        return;
    if (w->previous != NULL)
        w->previous->next = w->next;
    else
        queue->first = w->next;
    if (w->next != NULL)
        w->next->previous = w->previous;
    else
        queue->last = w->previous;
    w->queue = NULL;
}

/* Somebody waits, or was woken and is still to run. Who was cancelled and is
 * still to run does not count.
 */
static bool is_waited_for(const struct sync_waiters *queue)
{
    const struct sync_waiter *w = queue->first;
    while (w != NULL && future_cancelled(&w->future))
        w = w->next;
    return w != NULL;
}

/* --- Lock ----------------------------------------------------------------- */

static const struct future_kind lock_kind = {.name = "a lock"};

/* Where the first has been woken, it will take the lock; where it has been
 * cancelled, it will come by here again.
 */
static void wake_first(struct lock *lock)
{
    if (lock->waiters.first != NULL)
        future_set_result(&lock->waiters.first->future, NULL);
}

bool lock_acquire(void *frame, struct future **awaits)
{
    struct lock_acquire *c = frame;
    GEN_BEGIN(c);
    if (c->lock->locked || is_waited_for(&c->lock->waiters)) {
        sync_enqueue(&c->lock->waiters, &c->waiter, &lock_kind);
        AWAIT_TRY(c, &c->waiter.future);
        sync_dequeue(&c->waiter);
        if (c->gen.thrown != NULL) {
            if (!c->lock->locked)
                wake_first(c->lock);
            goto gen_end;
        }
    }
    c->lock->locked = true;
    c->acquired = true;
    GEN_END(c);
    return false;
}

bool lock_release(struct lock *lock)
{
    if (!lock->locked)
        return false;
    lock->locked = false;
    wake_first(lock);
    return true;
}

void lock_leave(struct lock_acquire *c)
{
    if (c->acquired)
        lock_release(c->lock);
    c->acquired = false;
}

/* --- Event ---------------------------------------------------------------- */

static const struct future_kind event_kind = {.name = "an event"};

bool event_wait(void *frame, struct future **awaits)
{
    struct event_wait *c = frame;
    GEN_BEGIN(c);
    if (!c->event->is_set) {
        sync_enqueue(&c->event->waiters, &c->waiter, &event_kind);
        AWAIT(c, &c->waiter.future);
    }
    GEN_END(c);
    sync_dequeue(&c->waiter);
    return false;
}

void event_set(struct event *event)
{
    event->is_set = true;
    for (struct sync_waiter *w = event->waiters.first; w != NULL; w = w->next)
        future_set_result(&w->future, NULL);
}

void event_clear(struct event *event)
{
    event->is_set = false;
}

/* --- Semaphore ------------------------------------------------------------ */

static const struct future_kind semaphore_kind = {.name = "a semaphore"};

bool semaphore_locked(const struct semaphore *s)
{
    return s->value == 0 || is_waited_for(&s->waiters);
}

/* Whoever is woken has what it waits for already: so nobody can take it. */
static void wake_as_many_as_may(struct semaphore *s)
{
    for (struct sync_waiter *w = s->waiters.first; w != NULL && s->value > 0;
         w = w->next)
        if (future_set_result(&w->future, NULL))
            s->value--;
}

bool semaphore_acquire(void *frame, struct future **awaits)
{
    struct semaphore_acquire *c = frame;
    GEN_BEGIN(c);
    if (!semaphore_locked(c->semaphore)) {
        c->semaphore->value--;
    } else {
        sync_enqueue(&c->semaphore->waiters, &c->waiter, &semaphore_kind);
        AWAIT_TRY(c, &c->waiter.future);
        sync_dequeue(&c->waiter);
        /* Woken and then cancelled: it gives back what it had. */
        if (c->gen.thrown != NULL && !future_cancelled(&c->waiter.future))
            c->semaphore->value++;
        /* Some may have come meanwhile, and had to wait for this one. */
        wake_as_many_as_may(c->semaphore);
        if (c->gen.thrown != NULL)
            goto gen_end;
    }
    c->acquired = true;
    GEN_END(c);
    return false;
}

bool semaphore_release(struct semaphore *s)
{
    if (s->bound != 0 && s->value >= s->bound)
        return false;
    s->value++;
    wake_as_many_as_may(s);
    return true;
}

void semaphore_leave(struct semaphore_acquire *c)
{
    if (c->acquired)
        semaphore_release(c->semaphore);
    c->acquired = false;
}
