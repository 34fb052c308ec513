/* tiny: the event loop of run_queries as an object.
 *
 *     struct tiny loop = {0};
 *     tiny_add_task(&loop, &request->task);
 *     tiny_run_forever(&loop);
 *
 * All of it is for one thread: nothing here has a lock. (tiny_loop shows how
 * another thread gets something in, and tiny_loop_racy how not.)
 */
#ifndef TINY_H
#define TINY_H

#include <stddef.h>
#include <sys/select.h>

#include "06_generators/gen.h"

/* The first member of the struct of a generator that the loop can run: one that
 * yields the descriptor which it waits to read. When it has ended the loop
 * knows no more of it, and it may have freed itself.
 */
struct task {
    struct gen gen;
    bool (*next)(struct task *task, int *waits_for);
    double
        deadline; /* by tiny_now; 0: none. It is thrown tiny_too_late then. */
};

enum { TINY_ROOM = 4 * FD_SETSIZE };

struct tiny {
    struct task *tasks[TINY_ROOM]; /* those that can go on: a ring */
    size_t first, last; /* how many were ever taken from it, and added to it */
    struct task *stopped[FD_SETSIZE]; /* by the descriptor they wait for */
    int stopped_count;
    int timeouts; /* how often select waited in vain */
    int lane;     /* of the timeline: runs, and waits */
};

/* What is raised where a task sleeps. */
extern const char tiny_too_late[];
extern const char tiny_too_high[]; /* its descriptor is none for select */

/* Seconds, by CLOCK_MONOTONIC. */
double tiny_now(void);
void tiny_sleep(double seconds); /* of the thread that calls it */

/* Ends the program with a message, as errx(3) does, and with status 1. Of two
 * threads only one can: exit(3) is not for both at once.
 */
__attribute__((noreturn)) void tiny_die(const char *what, const char *why);

/* The task is run, in its turn, until it yields. There may be so many tasks at
 * once as select holds descriptors, and about so many that begin.
 */
void tiny_add_task(struct tiny *loop, struct task *task);

/* Until there is no task left that could go on or waits. Every second at the
 * latest it looks up, though nobody has called. Ends the program with a message
 * where select fails.
 */
void tiny_run_forever(struct tiny *loop);

/* A socketpair, by which any thread may wake a task that waits for event. What
 * fails ends the program with a message.
 */
struct tiny_pair {
    int notify, event;
};
void tiny_pair_open(struct tiny_pair *pair);
void tiny_pair_close(const struct tiny_pair *pair);

void tiny_notify(const struct tiny_pair *pair);

/* How often it was notified since it was last asked, up to so many times. The
 * rest is for the next call; this one never waits.
 */
enum { TINY_NOTICES = 64 };
int tiny_notices(const struct tiny_pair *pair);

#endif
