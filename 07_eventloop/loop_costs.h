/* loop_costs: what the loop itself takes.
 *
 *     loop_cost_measure("switch", "1000000");
 *
 *     switch n=1000000
 *     switch ns=38.2
 *
 * What can be measured:
 *
 *     switch     an await of a turn: a task is put aside, and called again
 *     soon       loop_call_soon, and the call
 *     timers     loop_call_at, each at some time within the next second
 *     sleepers   tasks that sleep for a second, made all at once
 *
 * The keys:
 *
 *     n          how many there were
 *     ns         nanoseconds of CPU for each
 *     bytes      of memory for each, besides its frame (of a process that has
 *                had no more before)
 *     late_s     how late the last one was, in seconds
 */
#ifndef LOOP_COSTS_H
#define LOOP_COSTS_H

#include <stdbool.h>

enum { LOOP_COST_MOST = 100000000 };

bool loop_cost_is(const char *name);

/* Measures so many of them, on a loop of its own, and prints lines of
 * key=value. NULL is as many as take about a second. Ends the program with a
 * message where the number is none, or where there can be no loop.
 */
void loop_cost_measure(const char *name, const char *number);

#endif
