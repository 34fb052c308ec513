/* until_home: a job in the executor, awaited by one who cannot leave without
 * it.
 *
 *     AWAIT_CALL(c, until_home,
 *                .job = run_in_executor(loop_running(), write_it, .fd = fd));
 *
 * Whoever is cancelled leaves its job to the thread, as in_executor.h has it,
 * and must not free what that still works on. This one goes on waiting, for a
 * job that is known to be short, and is cancelled then.
 */
#ifndef UNTIL_HOME_H
#define UNTIL_HOME_H

#include "07_eventloop/in_executor.h"
#include "07_eventloop/task.h"

struct until_home {
    struct gen gen;
    struct future *job;   /* taken over: it is released at the end */
    struct future *outer; /* the rest is its own */
    bool cancelled;
};

/* Ends with the job's error, if it has one; or with error_cancelled. */
bool until_home(void *frame, struct future **awaits);

#endif
