/* wait.c: of several tasks: until the first is done, the first fails, all are
 * done, or the time is over.
 *
 * Cells: C12
 * Run:   make wait; make wait ARGS='-d 1'
 * Ask:   three tasks, and the second fails. Who has to ask for its error?
 * Watch: wait raises nothing and cancels nothing: it says who is done, and
 *        leaves it to us to ask each for what came of it, and to end the rest.
 * See:   gather.c, which wants all, and raises the first error; wait_for.c, for
 *        one alone; task_group.c, which leaves nobody behind
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/waiting.h"

enum { TASKS = 3, FAILS = 2 };

static double delay = 0.2;
static int lanes[TASKS];

static const struct {
    const char *name;
    enum return_when when;
    double timeout; /* in delays */
} rules[] = {
    {"first completed", FIRST_COMPLETED, INFINITY},
    {"first exception", FIRST_EXCEPTION, INFINITY},
    {"all completed", ALL_COMPLETED, INFINITY},
    {"1.5 delays at most", ALL_COMPLETED, 1.5},
};
enum { RULES = sizeof rules / sizeof rules[0] };

struct work {
    struct gen gen;
    int number;
    struct sleep_for sleep_for;
};

static bool work(void *frame, struct future **awaits)
{
    struct work *c = frame;
    GEN_BEGIN(c);
    timeline_mark(lanes[c->number - 1], TIMELINE_WAIT);
    AWAIT_CALL(c, sleep_for, .seconds = c->number * delay);
    if (c->number == FAILS)
        GEN_RAISE(c, "ValueError");
    GEN_END(c);
    timeline_mark(lanes[c->number - 1], TIMELINE_IDLE);
    return false;
}

static void show(struct future *f, int number)
{
    const char *error = future_done(f) ? future_error(f) : NULL;
    printf("  task %d  %s\n", number,
           !future_done(f) ? "pending"
           : error != NULL ? error
                           : "done");
}

struct program {
    struct gen gen;
    int i;
    struct future *futures[TASKS];
    struct wait_many wait_many;
    struct sleep_for sleep_for;
};

static void release_all(struct program *c)
{
    for (int i = 0; i < TASKS; i++) {
        future_release(c->futures[i]);
        c->futures[i] = NULL;
    }
}

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    for (c->i = 0; c->i < RULES; c->i++) {
        for (int i = 0; i < TASKS; i++)
            c->futures[i] =
                &task_create(loop_running(), work, .number = i + 1)->future;
        //> Three tasks of 1, 2 and 3 delays begin, and the second fails. Who
        //> will be done? p rules[c->i]
        AWAIT_CALL(c, wait_many, .futures = c->futures, .count = TASKS,
                   .return_when = rules[c->i].when,
                   .seconds = rules[c->i].timeout * delay);
        printf("%s\n", rules[c->i].name);
        for (int i = 0; i < TASKS; i++) {
            show(c->futures[i], i + 1);
            //> Those that are pending run on, unless somebody cancels them.
            future_cancel(c->futures[i]);
        }
        AWAIT_CALL(c, wait_many, .futures = c->futures, .count = TASKS,
                   .seconds = INFINITY);
        release_all(c);
        AWAIT_CALL(c, sleep_for, .seconds = delay / 2); /* for the chart */
    }
    GEN_END(c);
    release_all(c);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "wait for some of several tasks",
        .options = {{'d', "delay", "{seconds} that the first task takes",
                     CLI_DOUBLE(&delay, 0.001, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(TASKS);
    for (int i = 0; i < TASKS; i++)
        lanes[i] = timeline_lane("task %d", i + 1);
    const char *error = loop_run(program, .i = 0);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("\n");
    timeline_finish();
    return CLI_OK;
}
