/* cancel.c: a task that is cancelled cleans up first, and may refuse.
 *
 * Cells: none
 * Run:   make cancel; make cancel ARGS='-d 1'
 * Ask:   a thread cannot well be stopped from outside. Why can a task?
 * Watch: cancelling is an error that comes out of the await at which the task
 *        sleeps: never in its middle. The tidy one puts its things away, which
 *        may take time, and goes on raising. The stubborn one catches it and
 *        finishes: it was not cancelled.
 * See:   signals.c, Ctrl-C cancels; 04_threads/lock.c
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"

static double delay = 0.3;

struct worker {
    struct gen gen;
    const char *name;
    bool stubborn;
    int lane;
    const char *error;
    struct sleep_for sleep_for;
};

static bool worker(void *frame, struct future **awaits)
{
    struct worker *c = frame;
    GEN_BEGIN(c);
    printf("%-8s  works\n", c->name);
    timeline_mark(c->lane, TIMELINE_WAIT);
    AWAIT_CALL_TRY(c, sleep_for, .seconds = 3600);
    //> An hour is over early: print c->gen.thrown.
    c->error = gen_catch(&c->gen);
    timeline_mark(c->lane, TIMELINE_RUN);
    printf("%-8s  %s\n", c->name, c->error);
    //> It has caught it, and so may await again: it is not done yet.
    AWAIT_CALL(c, sleep_for, .seconds = delay);
    if (c->stubborn) {
        printf("%-8s  has finished\n", c->name);
    } else {
        printf("%-8s  has put its things away\n", c->name);
        //> What it has caught goes on: only now is the task cancelled.
        GEN_RAISE(c, c->error);
    }
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

struct program {
    struct gen gen;
    struct future *workers[2], *all;
    struct sleep_for sleep_for;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    c->workers[0] = &task_create(loop, worker, .name = "tidy",
                                 .lane = timeline_lane("tidy"))
                         ->future;
    c->workers[1] =
        &task_create(loop, worker, .name = "stubborn", .stubborn = true,
                     .lane = timeline_lane("stubborn"))
             ->future;
    AWAIT_CALL(c, sleep_for, .seconds = delay);
    //> Asked for, not done: next, past both cancels, and then
    //> p c->workers[0]->state: FUTURE_PENDING, for the worker has not run yet.
    printf("main      cancels both\n");
    future_cancel(c->workers[0]);
    future_cancel(c->workers[1]);
    c->all = gather(loop, c->workers, 2, true);
    AWAIT(c, c->all);
    printf("tidy      is %s\n",
           future_cancelled(c->workers[0]) ? "cancelled" : "done");
    printf("stubborn  is %s\n",
           future_cancelled(c->workers[1]) ? "cancelled" : "done");
    GEN_END(c);
    future_release(c->workers[0]);
    future_release(c->workers[1]);
    future_release(c->all);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "cancel two tasks: one tidies up, one refuses",
        .options = {{'d', "delay", "{seconds} until then, and to clean up",
                     CLI_DOUBLE(&delay, 0, 60)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(2);
    timeline_legend(TIMELINE_RUN, "cancelled, and not done yet");
    const char *error = loop_run(program, .all = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    timeline_finish();
    return CLI_OK;
}
