/* loops: what the tests of the event loop share. */
#ifndef LOOPS_H
#define LOOPS_H

#include "07_eventloop/loop.h"

/* The loop under test, on the back end of that number; a loop test has one run
 * for each. end_loop closes it, and fails where a descriptor or a thread stays.
 */
enum { SELECT, POLL, EPOLL, BACKENDS };
extern const char *const backends[];
extern struct loop loop;
void begin_loop(int backend);
void end_loop(void);

/* What happened, word by word; expect_said compares, and forgets it. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void expect_said(const char *words);

/* A callback that says its data, and that data. */
void say_it(void *words);
void *text(const char *constant);

/* One turn of the loop, without waiting; it ends with a "|". */
void turn(void);

/* Runs until nothing is alive. */
void run(void);

int count_descriptors(void);
void make_pair(int pair[2]);

/* The thread sanitizer does so until a call that it knows to wait, and select
 * is none.
 */
bool keeps_signals_back(int backend);

/* Waits until that thread of this process sleeps in the kernel. */
void wait_for_sleep(int tid);

#endif
