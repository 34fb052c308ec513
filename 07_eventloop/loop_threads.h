/* loop_threads: how another thread's callback comes to the loop.
 *
 * It is put on a list that has a lock, and a byte down a socket ends the loop's
 * wait: loop->wake_up[0] can be read then. (As asyncio does it. A signal handler
 * sends the same byte.)
 */
#ifndef LOOP_THREADS_H
#define LOOP_THREADS_H

#include "07_eventloop/loop.h"

/* Returns 0, or -1 with errno: EMFILE, ENFILE, ENOMEM, or ERANGE where select
 * cannot hold the socket, which stderr is told.
 */
int loop_threads_begin(struct loop *loop);

/* Those that are still on the list go with it, uncalled. */
void loop_threads_end(struct loop *loop);

/* Makes ready what is on the list, after the byte has come. */
void loop_threads_call(struct loop *loop);

/* Whether anything is on it. */
bool loop_threads_wait(struct loop *loop);

/* Ends the loop's wait. Returns 0, or -1 with errno where the kernel has no
 * memory for a byte. Safe in any thread, and in a signal handler.
 */
int loop_wake_up(struct loop *loop);

#endif
