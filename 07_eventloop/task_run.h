/* task_run: how a loop runs until a task is done, and ends with its tasks.
 *
 * loop_run_until_complete and loop_run, which task.h has, and the tasks' part of
 * loop_close. (asyncio has them in runners.py.)
 */
#ifndef TASK_RUN_H
#define TASK_RUN_H

#include "07_eventloop/task.h"

/* Cancels all tasks, and runs until they are done, or nothing is alive that
 * could bring what they wait for.
 */
void tasks_end(struct loop *loop);

#endif
