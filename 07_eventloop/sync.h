/* sync: locks, events and semaphores for tasks.
 *
 *     static struct lock lock;
 *
 *     AWAIT_CALL(c, lock_acquire, .lock = &lock);
 *     ...here is nobody else, whatever is awaited
 *     GEN_END(c);
 *     lock_leave(&c->lock_acquire);
 *
 * That is Python's "async with lock": what stands behind GEN_END runs whichever
 * way the coroutine ends, and the frame knows whether it has the lock. Tasks
 * change places only where one awaits, so what lies between two awaits needs no
 * lock.
 *
 * The words of asyncio, and what they are here:
 *
 *     Lock()                      struct lock, all zero
 *     await lock.acquire()        AWAIT_CALL(c, lock_acquire, .lock = ...)
 *     lock.release()              lock_release(&lock); false: RuntimeError
 *     async with lock             lock_acquire, and lock_leave behind GEN_END
 *     lock.locked()               lock.locked
 *     Event()                     struct event, all zero
 *     await event.wait()          AWAIT_CALL(c, event_wait, .event = ...)
 *     event.set(), .clear()       event_set(&event), event_clear(&event)
 *     event.is_set()              event.is_set
 *     Semaphore(3)                struct semaphore, {.value = 3}
 *     BoundedSemaphore(3)         {.value = 3, .bound = 3}
 *     await semaphore.acquire()   AWAIT_CALL(c, semaphore_acquire, ...)
 *     semaphore.release()         semaphore_release(&s); false: ValueError
 *     async with semaphore        semaphore_acquire, and semaphore_leave
 *     semaphore.locked()          semaphore_locked(&s)
 *
 * Fair: first come, first served. Between being woken and running, nobody can
 * overtake, and whoever is cancelled at any moment hands on what it was woken
 * for. None of them takes memory: who waits lies in the frames that wait. So
 * they have to stay while somebody waits, and need no clean-up.
 *
 * For the tasks of one loop; only waiting needs a coroutine, all else may be
 * called from anywhere in the loop's thread.
 */
#ifndef SYNC_H
#define SYNC_H

#include <stdbool.h>

#include "07_eventloop/task.h"

/* --- Those who wait, in order --------------------------------------------- */

struct sync_waiter {
    struct future future; /* done: woken, or cancelled */
    struct sync_waiters *queue;
    struct sync_waiter *next, *previous;
};

struct sync_waiters {
    struct sync_waiter *first, *last;
};

/* At the end of the queue, with a new future. */
void sync_enqueue(struct sync_waiters *queue, struct sync_waiter *w,
                  const struct future_kind *kind);

/* Out of the queue, if it is in one. */
void sync_dequeue(struct sync_waiter *w);

/* --- Lock: asyncio.Lock --------------------------------------------------- */

struct lock {
    bool locked;
    struct sync_waiters waiters;
};

struct lock_acquire {
    struct gen gen;
    struct lock *lock;
    bool acquired;
    struct sync_waiter waiter; /* its own */
};

/* Waits until nobody has the lock, and nobody else is to have it before. */
bool lock_acquire(void *frame, struct future **awaits);

/* Returns false, and does nothing, where nobody has it. Whoever releases it
 * need not be who acquired it, as in asyncio: a lock has no owner.
 */
bool lock_release(struct lock *lock);

/* Releases it where this lock_acquire has got it, and not left it yet: so it
 * may stand in the middle of a coroutine and behind its GEN_END as well.
 */
void lock_leave(struct lock_acquire *c);

/* --- Event: asyncio.Event ------------------------------------------------- */

struct event {
    bool is_set;
    struct sync_waiters waiters;
};

struct event_wait {
    struct gen gen;
    struct event *event;
    struct sync_waiter waiter; /* its own */
};

/* Waits until the event is set; not at all if it is. Whoever was woken goes on,
 * even if it has been cleared again meanwhile.
 */
bool event_wait(void *frame, struct future **awaits);

/* Wakes all who wait, in the order in which they came. */
void event_set(struct event *event);

void event_clear(struct event *event);

/* --- Semaphore: asyncio.Semaphore and BoundedSemaphore -------------------- */

struct semaphore {
    unsigned value; /* so many may still come in; never less than none */
    unsigned bound; /* it never holds more; 0: no bound */
    struct sync_waiters waiters;
};

struct semaphore_acquire {
    struct gen gen;
    struct semaphore *semaphore;
    bool acquired;
    struct sync_waiter waiter; /* its own */
};

/* Takes one off the value; where there is none left, or others wait for it, it
 * waits.
 */
bool semaphore_acquire(void *frame, struct future **awaits);

/* Adds one. Returns false, and does nothing, where a bounded one is full. */
bool semaphore_release(struct semaphore *s);

/* As lock_leave. */
void semaphore_leave(struct semaphore_acquire *c);

/* Whether semaphore_acquire would wait. */
bool semaphore_locked(const struct semaphore *s);

#endif
