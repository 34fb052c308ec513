/* turns: two real threads, of which one at a time goes, when it is told to.
 *
 *     turns_start(turn, leave);
 *     turns_give(0);
 *     turns_give(1);
 *     turns_end();
 *
 * Nobody polls: a thread sleeps on a semaphore of its own until it is its
 * turn, and whoever gave the turn sleeps on another until it is back.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>

enum { TURNS_THREADS = 2 };

/* Starts the threads 0 and 1. In each of its turns thread `who` calls
 * turn(who), and at the end leave(who), which gives back what only the thread
 * itself can give back: the locks it holds. Returns 0, or -1 with errno where
 * a thread is not to be had, and none is left then. Only one pair at a time.
 */
int turns_start(bool (*turn)(int who), void (*leave)(int who));

/* Lets a thread take one turn, waits for its end, and returns what turn(who)
 * has returned. All that one turn has written, the next one sees.
 */
bool turns_give(int who);

/* Lets both threads end, and waits for that. */
void turns_end(void);

#endif
