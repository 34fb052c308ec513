/* watchdog: ends a program that hangs, and says who waits for whom.
 *
 *     watchdog_mutex("A", &a.lock);
 *     watchdog_mutex("B", &b.lock);
 *     watchdog_start(hang);
 *     ...
 *
 *     watchdog: nothing moves any more
 *       main   waits for the end of left
 *       left   waits for B, held by right
 *       right  waits for A, held by left
 *     watchdog: a circle: left -> B -> right -> A -> left
 *
 * Who waits, and at which address, the kernel says: it shows the system call
 * that each thread is in (/proc/self/task/.../syscall). Who holds a lock stands
 * in the lock. Other C libraries than glibc do not keep that, and some systems
 * do not show the system call: then the watchdog says less.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>

/* Names a lock or a condition variable, at most 8 of them, before the start.
 * The name and the object must live as long as the process.
 */
void watchdog_mutex(const char *name, const pthread_mutex_t *mutex);
void watchdog_condition(const char *name, const pthread_cond_t *condition);

/* Starts a thread that looks on until the program exits. When the others have
 * done nothing for a second (less than 10 ms of work) it prints what it sees on
 * stdout and ends the process with status 3, without exit handlers: one of them
 * might want a lock, too.
 * A second in a debugger does not count, and neither does a thread that works;
 * a program that sleeps for so long on purpose would be taken for stuck.
 *
 * With `hang` there is no such thread: the program is left stuck, and says how
 * a debugger can be attached to it (which the system may forbid).
 *
 * Threads bear the names they were given by pthread_setname_np(3). A process
 * that was forked has no watchdog before it starts one itself. Ends the program
 * with a message where there is no thread to be had.
 */
void watchdog_start(bool hang);

#endif
