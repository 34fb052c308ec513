/* futures: results that are still to come.
 *
 *     struct future *f = future_new(&loop);
 *     future_add_done_callback(f, &callback);
 *     ...later:
 *     future_set_result(f, value);
 *     ...in a turn after that the callback is called with f:
 *     void *value = future_result(f);
 *     ...and whoever has one releases it:
 *     future_release(f);
 *
 * The second layer of the loop, its first half; the names and rules are those
 * of asyncio.Future:
 *
 *     loop.create_future()         future_new(&loop)
 *     f.set_result(x)              future_set_result(f, x)
 *     f.set_exception(error)       future_set_error(f, error)
 *     f.result()                   future_error(f), then future_result(f)
 *     f.exception()                future_error(f)
 *     f.done(), f.cancelled()      future_done(f), future_cancelled(f)
 *     f.cancel()                   future_cancel(f)
 *     f.add_done_callback(g)       future_add_done_callback(f, &callback)
 *     f.remove_done_callback(g)    future_remove_done_callback(&callback)
 *     (its count of references)    future_hold(f), future_release(f)
 *
 * What differs:
 *
 * - A future is counted: who made it holds it, others may (future_hold), and
 *   the last release frees it. One may also lie in a struct of one's own
 *   (future_init), which then has to stay until it is done and its callbacks
 *   have been called.
 * - An error is a text, as with generators, and pointers are compared to know
 *   which. It has to stay: a constant, or what errno_error() gives.
 * - A second result is refused with false. (asyncio raises InvalidStateError.)
 *
 * For the thread of the loop only.
 */
#ifndef FUTURES_H
#define FUTURES_H

#include <stdbool.h>

#include "07_eventloop/loop.h"

extern const char error_cancelled[];     /* CancelledError */
extern const char error_timeout[];       /* TimeoutError */
extern const char error_invalid_state[]; /* InvalidStateError */

/* What strerror(3) says of it, as a constant. */
const char *errno_error(int number);

enum future_state {
    FUTURE_PENDING,
    FUTURE_RESULT,
    FUTURE_ERROR,
    FUTURE_CANCELLED,
};

struct future {
    struct loop *loop;
    const struct future_kind *kind;
    enum future_state state : 8;
    bool taken; /* somebody has asked for the error */
    int holders;
    union {
        void *result;
        const char *error;
    };
    struct future_callback *callbacks; /* the last one first */
};

/* What kinds of futures there are: tasks, gathers, ... */
struct future_kind {
    const char *name; /* what whoever waits for one waits for */
    /* NULL: it is cancelled at once. Else asks for it; returns whether that
     * may come to something.
     */
    bool (*cancel)(struct future *f);
    void (*free)(struct future *f); /* NULL: it is not ours to free */
};

/* A future in a struct of one's own, of such a kind; NULL: none in particular.
 * Released by its owner, too, as an error may not have been taken.
 */
void future_init(struct future *f, struct loop *loop,
                 const struct future_kind *kind);

/* One by itself. Where there is no memory, the program ends with a message. */
struct future *future_new(struct loop *loop);

/* Returns f. */
struct future *future_hold(struct future *f);

/* NULL is allowed. An error that was never asked for is reported on stderr as
 * the last one lets go.
 */
void future_release(struct future *f);

/* Each returns false where the future is done already. */
bool future_set_result(struct future *f, void *result);
bool future_set_error(struct future *f, const char *error);

/* The same as the first, for a callback of the loop that has nothing else to do
 * any more: whoever waits, if it is one, is called right here, and not in the
 * next turn.
 */
bool future_set_result_now(struct future *f, void *result);

/* Returns false where it is done already. A task is not cancelled yet when this
 * returns true: it may clean up first, and may refuse.
 */
bool future_cancel(struct future *f);

/* Done is with a result, an error, or cancelled. */
bool future_done(const struct future *f);
bool future_cancelled(const struct future *f);

/* NULL where there is none; future_error tells why. */
void *future_result(const struct future *f);

/* NULL where there is a result; error_cancelled; error_invalid_state where it
 * is not done. The error counts as taken now.
 */
const char *future_error(struct future *f);

/* Something to be called when a future is done, in the order of adding; never
 * at once, always by the loop in a turn to come. The struct is the caller's,
 * and must stay until then, or until it is removed; it holds the future. If the
 * loop is closed before that turn, it is not called.
 */
struct future_callback {
    void (*call)(struct future_callback *self, struct future *f);
    struct future *future; /* the rest is not the caller's */
    struct future_callback *next;
    loop_handle ready;
};

void future_add_done_callback(struct future *f, struct future_callback *c);

/* It will not be called. Returns false where it was, or was never added. */
bool future_remove_done_callback(struct future_callback *c);

#endif
