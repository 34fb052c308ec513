/* task_group.c: nobody leaves the block before all tasks in it have ended.
 *
 * Cells: none
 * Run:   make task_group; make task_group ARGS='-d 1'
 * Ask:   one of three tasks fails. When does its error come out, and what do
 *        the others do then?
 * Watch: gather hands on the error at once, and the others run on behind our
 *        back, until they are nobody's. The group cancels them, waits until the
 *        last has cleaned up, and only then the error comes out.
 * See:   gather.c, gather_errors.c; cancel.c; wait.c
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/grouping.h"
#include "07_eventloop/sleep_for.h"

enum { TASKS = 3, FAILS = 2 };

static double delay = 0.2;

struct work {
    struct gen gen;
    int number, lane;
    struct sleep_for sleep_for;
};

static bool work(void *frame, struct future **awaits)
{
    struct work *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_WAIT);
    AWAIT_CALL_TRY(c, sleep_for, .seconds = c->number * delay);
    if (gen_catch(&c->gen) == error_cancelled) {
        printf("  task %d  is cancelled\n", c->number);
        timeline_mark(c->lane, TIMELINE_RUN);
        //> Its clean-up takes time, and nobody goes on without it.
        AWAIT_CALL(c, sleep_for, .seconds = delay / 2);
        printf("  task %d  has cleaned up\n", c->number);
        GEN_RAISE(c, error_cancelled);
    }
    printf("  task %d  %s\n", c->number,
           c->number == FAILS ? "fails" : "is done");
    if (c->number == FAILS)
        GEN_RAISE(c, "ValueError");
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

struct gathered {
    struct gen gen;
    struct future *tasks[TASKS], *all;
    struct sleep_for sleep_for;
};

static bool gathered(void *frame, struct future **awaits)
{
    struct gathered *c = frame;
    GEN_BEGIN(c);
    printf("gather\n");
    for (int i = 0; i < TASKS; i++)
        c->tasks[i] = &task_create(loop_running(), work, .number = i + 1,
                                   .lane = timeline_lane("gather %d", i + 1))
                           ->future;
    c->all = gather(loop_running(), c->tasks, TASKS, false);
    AWAIT_TRY(c, c->all);
    //> The error is there, but are the tasks? p c->tasks[2]->state
    const char *error = gen_catch(&c->gen);
    printf("  gather  raises %s\n", error);
    if (error == error_cancelled)
        GEN_RAISE(c, error);
    AWAIT_CALL(c, sleep_for, .seconds = 2 * delay);
    GEN_END(c);
    for (int i = 0; i < TASKS; i++)
        future_release(c->tasks[i]);
    future_release(c->all);
    return false;
}

struct grouped {
    struct gen gen;
    struct task_group group;
    struct task_group_leave task_group_leave;
};

static bool grouped(void *frame, struct future **awaits)
{
    struct grouped *c = frame;
    GEN_BEGIN(c);
    printf("group\n");
    task_group_begin(&c->group);
    for (int i = 1; i <= TASKS; i++)
        task_release(task_group_create(&c->group, work, .number = i,
                                       .lane = timeline_lane("group %d", i)));
    //> The end of the block: through here only when all have ended.
    AWAIT_CALL(c, task_group_leave, .group = &c->group);
    GEN_END(c);
    //> And now none of them runs any more: p c->group
    printf("  group   raises %s\n", c->gen.error);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "a group of tasks that is left only when all have ended",
        .options = {{'d', "delay", "{seconds} that the first task takes",
                     CLI_DOUBLE(&delay, 0.001, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(2 * TASKS);
    timeline_legend(TIMELINE_RUN, "cleans up");
    const char *error = loop_run(gathered, .all = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    error = loop_run(grouped, .group = {0});
    if (error == error_cancelled)
        errx(CLI_ERROR, "%s", error);
    printf("\n");
    timeline_finish();
    return CLI_OK;
}
