/* waiting: for a future, but not for ever; for a future, without harm to it;
 * for several.
 *
 *     AWAIT_CALL(c, wait_for, .future = &c->task->future, .seconds = 2);
 *
 *     c->outer = shield(&c->task->future);
 *     AWAIT(c, c->outer);
 *     ...later: future_release(c->outer);
 *
 *     AWAIT_CALL(c, wait_many, .futures = c->futures, .count = 3,
 *                .return_when = FIRST_COMPLETED, .seconds = INFINITY);
 *     ...future_done says which are done, and which still pending
 *
 * The words of asyncio, and what they are here:
 *
 *     await wait_for(f, 2)        AWAIT_CALL(c, wait_for, ...)
 *     shield(f)                   shield(f)
 *     done, pending = await wait  AWAIT_CALL(c, wait_many, ...): the name wait
 *                                 is that of wait(2)
 *     timeout=None                .seconds = INFINITY, of <math.h>
 *
 * All three take futures. A coroutine is first made a task (task_create), which
 * whoever made it holds and releases.
 */
#ifndef WAITING_H
#define WAITING_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "07_eventloop/task.h"

/* --- wait_for: asyncio.wait_for ------------------------------------------- */

/* Awaits the future, and when that takes longer, cancels it and waits until it
 * has ended; what comes then is error_timeout. No time, or less, cancels a
 * future that is not done at once: a task that has not begun never will. One
 * that is done is not waited for, whatever the time.
 *
 * A result (or an error) that comes in spite wins: be it that the future
 * refused to be cancelled, or that it was done in the very turn in which its
 * time was over.
 *
 * Cancelling whoever waits cancels the future, and waits for its end; what
 * comes out is error_cancelled, or what a future that refuses came to, as with
 * AWAIT alone. (That is asyncio's from Python 3.12 on; before, wait_for could
 * swallow the cancelling.) Of one's own task: the error of AWAIT for that.
 */
struct wait_for {
    struct gen gen;
    struct future *future;
    double seconds;       /* at most so many; INFINITY: no end */
    struct future waiter; /* the rest is its own */
    struct future_callback done;
    loop_handle timer;
    bool late, cancelled;
};

bool wait_for(void *frame, struct future **awaits);

/* --- shield: asyncio.shield ----------------------------------------------- */

/* A future that comes to what the other one comes to, and that can be cancelled
 * without it: whoever awaits the outer one may be cancelled, and the inner one
 * runs on. Cancelling the inner one cancels the outer one.
 *
 * Held by the caller; it holds the inner one. Of one that is done already that
 * one is returned, held once more. Where there is no memory, the program ends
 * with a message.
 *
 * An error of the inner one counts as taken when the outer one takes it over,
 * or was cancelled in the same turn. One that comes later is for whoever has
 * the inner one, and is reported if nobody takes it.
 */
struct future *shield(struct future *inner);

/* --- wait_many: asyncio.wait ---------------------------------------------- */

enum return_when {
    ALL_COMPLETED,
    FIRST_COMPLETED, /* one is done, in whatever way */
    FIRST_EXCEPTION, /* one has an error, or all are done; one that is cancelled
                        has none */
};

/* What it raises where it is to wait for no future (ValueError). */
extern const char error_waits_for_nothing[];

/* Waits for some of them, or until the time is over, which is no error. No
 * time, or less, is a turn or two. Nothing is cancelled, neither then nor when
 * whoever waits is cancelled, and the errors are for the caller to take, but
 * for the one at which FIRST_EXCEPTION ended. What is done already still takes
 * two turns. Where there is no memory, the program ends with a message.
 */
struct wait_many {
    struct gen gen;
    struct future *const *futures; /* stay until it has ended */
    size_t count;
    enum return_when return_when;
    double seconds;       /* at most so many; INFINITY: no end */
    struct future waiter; /* the rest is its own */
    loop_handle timer;
    size_t left;
    struct waited *waited;
};

bool wait_many(void *frame, struct future **awaits);

#endif
