/* promise: futures in a chain, as JavaScript has them.
 *
 *     struct future *p = read_it(...);
 *     p = promise_then(p, append, data);       when there is a result
 *     p = promise_then(p, say_so, data);
 *     p = promise_catch(p, complain, data);    where an error has come so far
 *     future_release(p);
 *
 * Each takes over the caller's hold on the future before it, and returns one
 * for what its call comes to, which the caller holds. Where there is no memory,
 * the program ends with a message.
 */
#ifndef PROMISE_H
#define PROMISE_H

#include "07_eventloop/futures.h"

/* With the result of the future before. Returns a future, held, of which the
 * chain waits for the result or the error; or NULL, and the result is NULL. An
 * error before passes it by.
 */
typedef struct future *promise_call(void *data, void *result);
struct future *promise_then(struct future *before, promise_call *call,
                            void *data);

/* With the error of the future before; behind it all is well again. A result
 * before passes it by.
 */
typedef void promise_complaint(void *data, const char *error);
struct future *promise_catch(struct future *before, promise_complaint *call,
                             void *data);

#endif
