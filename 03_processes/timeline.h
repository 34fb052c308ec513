/* timeline: who ran and who waited, drawn as a chart.
 *
 *     timeline_start(2);
 *     ...in each thread, process or coroutine:
 *     int lane = timeline_lane("request %d", i);
 *     timeline_mark(lane, TIMELINE_RUN);
 *     timeline_mark(lane, TIMELINE_WAIT);
 *     timeline_mark(lane, TIMELINE_IDLE);
 *     ...at the end, in main:
 *     timeline_finish();
 *
 *     request 1 |##......................##|
 *     request 2 | ##.....................##|
 *               0 s                    1.04 s
 *               # runs   . waits
 *
 * A lane is the life of one actor. Threads and coroutines may make and mark
 * lanes, and so may forked children: the marks lie in memory that they share
 * with their parent. A mark takes less than 100 ns (tests/bench_timeline.sh
 * measures it), no lock and no memory, so that what is measured is not
 * disturbed, and nobody who is killed can leave a lock behind.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <stdio.h>

#include "01_files/cli.h"

enum timeline_state {
    TIMELINE_IDLE, /* ' ' not there: not yet, no more, or nothing to do */
    TIMELINE_RUN,  /* '#' computes, or holds the lock that all want */
    TIMELINE_WAIT, /* '.' waits for something outside: the network, a clock */
    TIMELINE_BLOCKED, /* '-' could run, and waits for a lock or for its turn */
};
enum { TIMELINE_STATES = 4 };

/* Sets the clock to 0 and makes room for that many lanes. Call it before the
 * threads and forks that are to be seen, and after cli_parse, but before
 * scratch_enter: the names given to --svg and --trace are understood from the
 * folder in which this was called. Ends the program with a message where there
 * is no memory, or where such a file could not be written.
 *
 * A program that never calls this can mark as much as it likes: all of it is
 * ignored. So functions that mark can be used where nobody draws.
 */
void timeline_start(int lanes);

/* A new lane, below those that were made before: main makes them all where the
 * order is to be the same in each run. The name is cut after 39 bytes. Returns
 * the lane's number, or -1 where there is no room (the chart says so); marks
 * on lane -1 are ignored. Any thread or process may call it.
 */
int timeline_lane(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* From now on the lane is in that state. Only one at a time may mark a lane,
 * be it one thread for many lanes (coroutines), or one lane handed on from
 * one thread to the next by a lock or a join. Marking the state that a lane is
 * in already costs nothing and changes nothing. Where the room for marks is
 * used up (a million or so), marks are dropped, and the chart says how many.
 *
 * Not for signal handlers that interrupt the marking of the same lane.
 */
void timeline_mark(int lane, enum timeline_state state);

/* What the legends of all charts call that state from now on, where a program
 * can say more than "waits": "waits for the lock". A literal without quotes
 * and < or &.
 */
void timeline_legend(enum timeline_state state, const char *words);

/* Draws the chart on stdout, as wide as the terminal, and writes the files
 * that --svg and --trace asked for, each whole under its name or not at all.
 * Call it when those who mark have ended, or at least stand still. What is not
 * idle by then has lasted until now. Ends the program with a message naming
 * the file that could not be written. Without a start, or without a lane, it
 * does nothing.
 */
void timeline_finish(void);

/* The parts of timeline_finish: the chart as text of at most so many columns,
 * as SVG, and as JSON in the Trace Event Format (open it in
 * https://ui.perfetto.dev or chrome://tracing). Errors stay in ferror(out).
 */
void timeline_draw(FILE *out, int columns);
void timeline_svg(FILE *out);
void timeline_trace(FILE *out);

/* Two rows for a program's table of options. */
extern const char *timeline_svg_file, *timeline_trace_file;
/* clang-format off */
#define TIMELINE_OPTIONS                                                       \
    {0, "svg", "draw the timeline into {FILE}", CLI_TEXT(&timeline_svg_file)}, \
    {0, "trace", "write it as trace events into {FILE}",                       \
     CLI_TEXT(&timeline_trace_file)}
/* clang-format on */

#endif
