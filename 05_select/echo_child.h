/* echo_child: an echo server of one's own, in a child process.
 *
 * It is the program itself, as it was built beside the one that runs.
 */
#ifndef ECHO_CHILD_H
#define ECHO_CHILD_H

#include <sys/types.h>

struct echo_child {
    pid_t pid; /* 0: none */
    int port;  /* of 127.0.0.1 */
};

/* Starts the program, such as "echo_poll", of this chapter on a free port; when
 * this returns it listens. Ends ours with a message where it cannot be started.
 * It never outlives us: it is ended and reaped when we exit, and killed by the
 * kernel when we are killed. One at a time.
 */
void echo_child_start(struct echo_child *child, const char *program);

/* Ends it now. Ends ours with a message where it had not ended well. */
void echo_child_stop(struct echo_child *child);

#endif
