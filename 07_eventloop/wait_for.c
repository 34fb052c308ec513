/* wait_for.c: what takes too long is cancelled, and may say its last word.
 *
 * Cells: C12
 * Run:   make wait_for; make wait_for ARGS='-d 1'
 * Ask:   the time is over, and the task is in the midst of its work. Does
 *        wait_for come back at once?
 * Watch: no: the slow one is cancelled, cleans up, and only then comes the
 *        TimeoutError. The stubborn one does not let itself be cancelled, and
 *        its result counts. Whatever comes back, nothing runs behind our back.
 * See:   shield.c, for what may not be cancelled; cancel.c; wait.c, which
 *        cancels nobody
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/waiting.h"

static double most = 0.3;
static int lanes[3];

/* What each of them needs, as multiples of the time it gets. */
enum { QUICK, SLOW, STUBBORN, JOBS };
static const struct {
    const char *name;
    double needs, after; /* after: when it has been cancelled */
} jobs[JOBS] = {{"quick", 0.1, 0}, {"slow", 10, 0.4}, {"stubborn", 10, 0.8}};

struct job {
    struct gen gen;
    int number;
    struct sleep_for sleep_for;
};

static bool job(void *frame, struct future **awaits)
{
    struct job *c = frame;
    GEN_BEGIN(c);
    timeline_mark(lanes[c->number], TIMELINE_WAIT);
    AWAIT_CALL_TRY(c, sleep_for, .seconds = jobs[c->number].needs * most);
    if (gen_catch(&c->gen) == error_cancelled) {
        printf("%-9s is cancelled\n", jobs[c->number].name);
        timeline_mark(lanes[c->number], TIMELINE_RUN);
        //> CancelledError came out of the await. It may clean up now, and may
        //> even await for that: who waits for it waits on.
        AWAIT_CALL(c, sleep_for, .seconds = jobs[c->number].after * most);
        if (c->number == SLOW) {
            printf("%-9s has cleaned up\n", jobs[c->number].name);
            GEN_RAISE(c, error_cancelled);
        }
    }
    printf("%-9s has a result\n", jobs[c->number].name);
    GEN_END(c);
    timeline_mark(lanes[c->number], TIMELINE_IDLE);
    return false;
}

struct program {
    struct gen gen;
    int i;
    struct task *task;
    struct wait_for wait_for;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    for (c->i = 0; c->i < JOBS; c->i++) {
        c->task = task_create(loop_running(), job, .number = c->i);
        AWAIT_CALL_TRY(c, wait_for, .future = &c->task->future,
                       .seconds = most);
        const char *error = gen_catch(&c->gen);
        //> It is over, one way or the other: p error, p c->task->future.state
        printf("wait_for  %s\n\n", error != NULL ? error : "returns it");
        if (error == error_cancelled)
            GEN_RAISE(c, error);
        task_release(c->task);
        c->task = NULL;
    }
    GEN_END(c);
    task_release(c->task);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "wait for tasks, but not longer than they may take",
        .options = {{'d', "delay", "so many {seconds} may a task take",
                     CLI_DOUBLE(&most, 0.001, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(JOBS);
    timeline_legend(TIMELINE_RUN, "cancelled, and not done yet");
    for (int i = 0; i < JOBS; i++)
        lanes[i] = timeline_lane("%s", jobs[i].name);
    const char *error = loop_run(program, .i = 0);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    timeline_finish();
    return CLI_OK;
}
