/* executor_compute.c: a long computation in a thread, and a coroutine that
 * sleeps meanwhile: neither holds the other up.
 *
 * Cells: E16
 * Run:   make executor_compute; make executor_compute ARGS='-n 170'
 * Ask:   the computation takes its time, and awaits nothing. When does the
 *        coroutine say that it is through?
 * Watch: its two messages stand 2 s apart, however long the computation takes
 *        (-n 40 is the notebook's; here that is over in a moment). In Python both
 *        share one interpreter lock, and the loop gets its turns late.
 * See:   executor.c; blocking_call.c, the same on the loop
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/in_executor.h"
#include "07_eventloop/sleep_for.h"

static int n = 120;
static double delay = 2;
static int computation, coroutine_lane;

/* The job. */
struct compute {
    int n;
    double result;
    struct stopwatch watch;
};

static const char *compute(void *frame)
{
    struct compute *job = frame;
    int most = job->n * job->n;
    stopwatch_start(&job->watch);
    timeline_mark(computation, TIMELINE_RUN);
    //> The pool's only thread. It has nothing to await, and gives up nothing.
    for (int x = 1; x <= most; x++) {
        for (int y = 1; y <= most; y++) {
            double cube = (double)y * y * y;
            job->result += (double)x * x / cube;
        }
    }
    timeline_mark(computation, TIMELINE_IDLE);
    stopwatch_stop(&job->watch);
    return NULL;
}

/* The coroutine. */
struct do_something {
    struct gen gen;
    struct stopwatch watch;
    struct sleep_for sleep_for;
};

static bool do_something(void *frame, struct future **awaits)
{
    struct do_something *c = frame;
    GEN_BEGIN(c);
    stopwatch_start(&c->watch);
    printf("Async operation started\n");
    timeline_mark(coroutine_lane, TIMELINE_WAIT);
    AWAIT_CALL(c, sleep_for, .seconds = delay);
    timeline_mark(coroutine_lane, TIMELINE_IDLE);
    //> The loop was free all the time. (Here the debugger has held up both.)
    stopwatch_stop(&c->watch);
    printf("Async operation completed\n");
    GEN_END(c);
    return false;
}

struct program {
    struct gen gen;
    struct task *task;
    struct future *both[2], *all;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    if (loop_set_default_executor(loop, 1) == -1)
        err(CLI_ERROR, "the executor's thread");
    c->both[0] = run_in_executor(loop, compute, .n = n);
    c->task = task_create(loop, do_something, .watch = {0, 0});
    c->both[1] = &c->task->future;
    //> A job in a thread and a task: to gather they are two futures.
    c->all = gather(loop, c->both, 2, false);
    AWAIT(c, c->all);
    const struct compute *job = future_result(c->both[0]);
    const struct do_something *other = future_result(c->both[1]);
    printf("the sum      %.7f\n", job->result);
    printf("computation  %.3g s\n", job->watch.wall);
    printf("coroutine    %.3g s\n", other->watch.wall);
    GEN_END(c);
    future_release(c->all);
    future_release(c->both[0]);
    task_release(c->task);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "compute in a thread while a coroutine sleeps",
        .options = {{'n', "size", "the sum has {N}^4 terms",
                     CLI_INT(&n, 1, 200)},
                    {'d', "delay", "{seconds} that the coroutine sleeps",
                     CLI_DOUBLE(&delay, 0, 60)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(2);
    computation = timeline_lane("thread: computes");
    coroutine_lane = timeline_lane("loop: coroutine");
    const char *error = loop_run(program, .task = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    timeline_finish();
    return CLI_OK;
}
