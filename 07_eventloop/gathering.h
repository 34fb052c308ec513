/* gathering: several futures awaited as one; asyncio.gather.
 *
 *     c->all = gather(loop, c->futures, 5, false);
 *     AWAIT(c, c->all);
 *     ...each of c->futures has its result, in the order in which it was given
 *     future_release(c->all);
 *
 * The words of asyncio, and what they are here:
 *
 *     await gather(a, b)             gather(loop, futures, 2, false), and AWAIT
 *     return_exceptions=True         true
 *     results = await gather(...)    future_result, future_error of each child
 *
 * The first error of a child comes out of the gather at once, and the others
 * run on; what they come to is nobody's business then. With collect (Python's
 * return_exceptions) the gather is done when all are, without an error, and
 * each child has its own. A child that is cancelled counts as one with an
 * error. Cancelling the gather cancels all children, and it is cancelled when
 * they have ended; or has the first error that came of it, if one did.
 */
#ifndef GATHERING_H
#define GATHERING_H

#include <stddef.h>

#include "07_eventloop/futures.h"

/* A future without a result of its own, held by the caller. It holds the
 * children. Of no children it is done. Where there is no memory, the program
 * ends with a message.
 */
struct future *gather(struct loop *loop, struct future *const children[],
                      size_t count, bool collect);

#endif
