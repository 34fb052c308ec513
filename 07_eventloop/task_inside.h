/* task_inside: what the tasks tell of themselves.
 *
 * task_waiting, which task.h has, and the tasks' part of loop_dump.
 */
#ifndef TASK_INSIDE_H
#define TASK_INSIDE_H

#include "07_eventloop/task.h"

void tasks_dump(struct loop *loop, FILE *out);

#endif
