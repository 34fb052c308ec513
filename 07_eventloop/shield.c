/* shield.c: whoever waits may be cancelled; what it waits for need not be.
 *
 * Cells: C12
 * Run:   make shield; make shield ARGS='-d 1'
 * Ask:   a caller awaits a task that saves something, and is cancelled. What
 *        happens to what it saves?
 * Watch: without a shield it is cancelled too, half done. With one only the
 *        caller is; the task runs to its end, and whoever kept it sees its
 *        result.
 * See:   wait_for.c, which cancels what is late, and so is often used with a
 *        shield; cancel.c
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/waiting.h"

static double delay = 0.2;
static int lanes[4];

struct save {
    struct gen gen;
    int lane, i;
    struct sleep_for sleep_for;
};

static bool save(void *frame, struct future **awaits)
{
    struct save *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_WAIT);
    for (c->i = 1; c->i <= 3; c->i++) {
        AWAIT_CALL(c, sleep_for, .seconds = delay);
        printf("  save    %d of 3\n", c->i);
    }
    GEN_END(c);
    if (c->gen.error != NULL)
        printf("  save    %s\n", c->gen.error);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

/* It has a future to wait for, which it releases. */
struct call {
    struct gen gen;
    int lane;
    struct future *future;
};

static bool call(void *frame, struct future **awaits)
{
    struct call *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_WAIT);
    AWAIT(c, c->future);
    GEN_END(c);
    if (c->gen.error != NULL)
        printf("  caller  %s\n", c->gen.error);
    timeline_mark(c->lane, TIMELINE_IDLE);
    future_release(c->future);
    return false;
}

enum { SAVE, CALL, BOTH };

struct program {
    struct gen gen;
    int i;
    struct future *tasks[BOTH];
    struct sleep_for sleep_for;
    struct wait_many wait_many;
};

static void start(struct program *c)
{
    struct loop *loop = loop_running();
    struct future *inner =
        &task_create(loop, save, .lane = lanes[2 * c->i + 1])->future;
    //> The first time the caller gets the task itself, the second time a future
    //> that comes to the same, and that can be cancelled alone.
    struct future *outer = c->i == 0 ? future_hold(inner) : shield(inner);
    c->tasks[SAVE] = inner;
    c->tasks[CALL] =
        &task_create(loop, call, .future = outer, .lane = lanes[2 * c->i])
             ->future;
}

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    for (c->i = 0; c->i < 2; c->i++) {
        printf(c->i == 0 ? "awaited\n" : "\nawaited through a shield\n");
        start(c);
        AWAIT_CALL(c, sleep_for, .seconds = 1.5 * delay);
        printf("  we      cancel the caller\n");
        //> Now it is cancelled, and with it what it waits for: a task, or a
        //> shield, which keeps it to itself.
        future_cancel(c->tasks[CALL]);
        AWAIT_CALL(c, wait_many, .futures = c->tasks, .count = BOTH,
                   .seconds = INFINITY);
        printf("  we      the save is %s\n",
               future_cancelled(c->tasks[SAVE]) ? "lost" : "complete");
        for (int i = 0; i < BOTH; i++) {
            future_release(c->tasks[i]);
            c->tasks[i] = NULL;
        }
    }
    GEN_END(c);
    for (int i = 0; i < BOTH; i++)
        future_release(c->tasks[i]);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "cancel who waits for a task, with a shield and without",
        .options = {{'d', "delay", "{seconds} for each third of the task",
                     CLI_DOUBLE(&delay, 0.001, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(4);
    for (int i = 0; i < 4; i++)
        lanes[i] = timeline_lane("%s%s", i % 2 == 0 ? "caller" : "save",
                                 i < 2 ? "" : ", shield");
    const char *error = loop_run(program, .i = 0);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("\n");
    timeline_finish();
    return CLI_OK;
}
