/* timeline_read: what a timeline holds, for those who draw it. */
#ifndef TIMELINE_READ_H
#define TIMELINE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "03_processes/timeline.h"

/* How many lanes there are; 0 before timeline_start. */
int timeline_lanes(void);
/* Valid UTF-8 without control characters. */
const char *timeline_name(int lane);

/* What had no room. */
uint32_t timeline_lanes_lost(void);
uint64_t timeline_marks_lost(void);

/* The end of the chart, in ns since the start: the last mark where all lanes
 * are idle by then, else the moment of the first call. It stays the same from
 * then on, and is at least 1.
 */
uint64_t timeline_end(void);

/* Goes through the intervals of a lane, from 0 to timeline_end(), without a
 * gap:
 *
 *     struct timeline_interval it = {.lane = lane};
 *     while (timeline_next(&it))
 *         ...it.state from it.from to it.to, in ns...
 */
struct timeline_interval {
    int lane;
    enum timeline_state state;
    uint64_t from, to;

    /* timeline_next's own. */
    enum timeline_state next_state;
    uint32_t next;     /* index of the mark that ends the interval */
    const void *chunk; /* where it lies */
};
bool timeline_next(struct timeline_interval *it);

/* The lane in cells of the same time each. A cell shows the state that takes
 * most of it; but a state that takes less than a cell's time shows all the
 * same, in the cell of its middle. Where several such states meet in a cell, it
 * shows the one that was not seen for longest.
 */
enum { TIMELINE_CELLS = 1000 };
void timeline_cells(int lane, int count, enum timeline_state *shown);

/* What the legends call it: "runs". */
extern const char *timeline_state_names[TIMELINE_STATES];

/* Which states occur, in any lane. */
void timeline_occurring(bool occurs[TIMELINE_STATES]);

/* A time for the axis: 1.04 s. */
const char *timeline_seconds(double seconds, char text[32]);

/* Makes the names of --svg and --trace absolute. Part of timeline_start. */
void timeline_find_files(void);

#endif
