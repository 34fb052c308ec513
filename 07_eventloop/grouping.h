/* grouping: tasks that belong together, and the block that they cannot leave;
 * asyncio.TaskGroup.
 *
 *     task_group_begin(&c->group);
 *     task_release(task_group_create(&c->group, fetch, .number = 1));
 *     task_release(task_group_create(&c->group, fetch, .number = 2));
 *     AWAIT_CALL(c, task_group_leave, .group = &c->group);
 *     ...here none of them runs any more
 *
 * A block that awaits something itself must be left whatever comes of that, and
 * says what did:
 *
 *     AWAIT_CALL_TRY(c, sleep_for, .seconds = 1);
 *     AWAIT_CALL(c, task_group_leave, .group = &c->group,
 *                .error = gen_catch(&c->gen));
 *
 * The words of asyncio, and what they are here:
 *
 *     async with TaskGroup() as group:    task_group_begin(&group)
 *         group.create_task(c(...))       task_group_create(&group, c, ...)
 *     (the end of the block)              AWAIT_CALL(c, task_group_leave, ...)
 *
 * One that fails cancels the others, and the task that opened the block too,
 * where it awaits something there. Its error comes out of task_group_leave,
 * when all have ended. Cancelling the task that opened the block cancels them
 * all; what comes out, when they have ended, is error_cancelled. One that is
 * cancelled by itself does no harm to the others.
 *
 * What differs from asyncio: the first error comes out, not a group of all
 * errors. The others stay with their tasks, and are reported if nobody takes
 * them from there.
 */
#ifndef GROUPING_H
#define GROUPING_H

#include <stdbool.h>
#include <stddef.h>

#include "07_eventloop/task.h"

struct task_group {
    struct task *parent;
    struct future ended;                /* what task_group_leave waits for */
    struct group_member *first, **last; /* those that are not done */
    const char *error;                  /* the first */
    bool aborting;                      /* its members have been cancelled */
    bool parent_aborted;                /* and, by us, the parent */
    bool cancelled;                     /* the parent, by others */
    enum { GROUP_OPEN, GROUP_LEAVING, GROUP_LEFT } state;
};

/* Opens the block, in a task. Until it has been left, the group has to stay. */
void task_group_begin(struct task_group *group);

/* A new task of the group, which runs from the next turn on; held by the
 * caller, who releases it, as with task_create. A member may add others.
 *
 * A group that cancels its members cancels new ones before their first line;
 * and so does one that has been left. (asyncio raises RuntimeError.) Where
 * there is no memory, the program ends with a message.
 */
#define task_group_create(group, name, ...)                                    \
    task_group_add(group, coroutine_new(loop_running(), name, __VA_ARGS__))
struct task *task_group_add(struct task_group *group, struct task *t);

struct task_group_leave {
    struct gen gen;
    struct task_group *group;
    const char *error; /* how the block ended; NULL: well */
};

/* Waits until all members have ended. An error with which the block ended
 * cancels them first, and comes out in the end, if none came before.
 *
 * Where the task was cancelled and a member failed as well, the error comes
 * out, and the task's next await is cancelled. (asyncio's from Python 3.13 on.)
 */
bool task_group_leave(void *frame, struct future **awaits);

#endif
