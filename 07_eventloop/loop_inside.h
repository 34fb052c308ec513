/* loop_inside: what a loop tells of itself.
 *
 * loop_dump, loop_timer and loop_about, which loop.h has, and the report on a
 * callback that held everyone up.
 */
#ifndef LOOP_INSIDE_H
#define LOOP_INSIDE_H

#include "07_eventloop/loop.h"

/* One of that name did so for so many seconds: on stderr, and to who asked for
 * it (on_slow).
 */
void loop_report(const struct loop *loop, const char *name, double took);

#endif
