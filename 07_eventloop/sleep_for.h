/* sleep_for: asyncio.sleep.
 *
 *     await asyncio.sleep(1)    AWAIT_CALL(c, sleep_for, .seconds = 1)
 *
 * Others run meanwhile. A cancelled sleep takes its timer along. No time, or
 * less, or no number, is one turn. (asyncio's newer versions have a ValueError
 * for no number.)
 */
#ifndef SLEEP_FOR_H
#define SLEEP_FOR_H

#include "07_eventloop/task.h"

struct sleep_for {
    struct gen gen;
    double seconds;
    struct future future; /* the rest is its own */
    loop_handle timer;
};

bool sleep_for(void *frame, struct future **awaits);

#endif
