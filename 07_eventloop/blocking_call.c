/* blocking_call.c: one call that blocks, and everyone on the loop stands still.
 *
 * Cells: none
 * Run:   make blocking_call; make blocking_call ARGS='-d 2'
 * Ask:   a ticker is due every 10 ms. A coroutine beside it naps for half a
 *        second, by nanosleep. What does the ticker do meanwhile?
 * Watch: nothing, and nobody else does; the loop tells who it was. The same nap
 *        in a thread of the executor holds up no one: one line is the mend.
 * See:   executor.c; executor_compute.c; sleep_for.h, the nap that awaits
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/in_executor.h"
#include "07_eventloop/sleep_for.h"

#define TICK 0.01 /* seconds */
#define CALM 0.15 /* before and after a nap */

static double delay = 0.5;

/* Something that blocks: a slow disk, a name to be resolved, a library that
 * knows of no loop. It can be called, or be a job.
 */
struct nap {
    int lane;
};

static const char *nap(void *frame)
{
    const struct nap *job = frame;
    time_t seconds = (time_t)delay;
    struct timespec left = {seconds, (long)((delay - (double)seconds) * 1e9)};
    timeline_mark(job->lane, TIMELINE_RUN);
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        continue;
    timeline_mark(job->lane, TIMELINE_IDLE);
    return NULL;
}

struct careless {
    struct gen gen;
    struct nap nap;
};

static bool careless(void *frame, struct future **awaits)
{
    struct careless *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    //> This is the loop's only thread. It will be back in half a second.
    nap(&c->nap);
    GEN_END(c);
    return false;
}

struct careful {
    struct gen gen;
    struct nap nap;
    struct future *f;
};

static bool careful(void *frame, struct future **awaits)
{
    struct careful *c = frame;
    GEN_BEGIN(c);
    //> Another thread will do it, and this coroutine awaits its future.
    c->f = run_in_executor(loop_running(), nap, .lane = c->nap.lane);
    AWAIT(c, c->f);
    GEN_END(c);
    future_release(c->f);
    return false;
}

/* Stands for all the others on the loop. */
static double worst_lag;

struct ticker {
    struct gen gen;
    int lane;
    double due;
    struct sleep_for sleep_for;
};

static bool ticker(void *frame, struct future **awaits)
{
    struct ticker *c = frame;
    GEN_BEGIN(c);
    for (;;) {
        c->due = loop_time() + TICK;
        AWAIT_CALL(c, sleep_for, .seconds = TICK);
        timeline_mark(c->lane, TIMELINE_RUN);
        if (loop_time() - c->due > worst_lag)
            worst_lag = loop_time() - c->due;
        timeline_mark(c->lane, TIMELINE_IDLE);
    }
    GEN_END(c);
    return false;
}

struct program {
    struct gen gen;
    struct task *ticker, *careless, *careful;
    struct sleep_for sleep_for;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    c->ticker = task_create(loop, ticker, .lane = timeline_lane("ticker"));
    AWAIT_CALL(c, sleep_for, .seconds = CALM);
    printf("careless naps in the loop\n");
    c->careless =
        task_create(loop, careless, .nap.lane = timeline_lane("careless naps"));
    AWAIT(c, &c->careless->future);
    AWAIT_CALL(c, sleep_for, .seconds = CALM);
    //> print worst_lag: so late was a tick. And stderr has been told why.
    printf("worst lag  %.3f s\n", worst_lag);
    if (worst_lag < delay / 2)
        errx(CLI_NO_SHOW, "the ticker ticked on");

    worst_lag = 0;
    printf("careful naps in a thread\n");
    c->careful =
        task_create(loop, careful, .nap.lane = timeline_lane("careful naps"));
    AWAIT(c, &c->careful->future);
    AWAIT_CALL(c, sleep_for, .seconds = CALM);
    //> print worst_lag: a few ms, and what you spent at the stop before.
    printf("worst lag  %.3f s\n", worst_lag);
    GEN_END(c);
    task_release(c->ticker);
    task_release(c->careless);
    task_release(c->careful);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "block the loop, and then a thread",
        .options = {{'d', "delay", "{seconds} that the call takes",
                     CLI_DOUBLE(&delay, 0.1, 60)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(3);
    const char *error = loop_run(program, .ticker = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    timeline_finish();
    return CLI_OK;
}
