/* future.c: a future is a result to come: one fills it, another is called back.
 *
 * Cells: A60
 * Run:   make future; make future ARGS='-d 3'
 * Ask:   who calls got_result, and when: the line that sets the result, or
 *        somebody else?
 * Watch: it comes behind "the result is set", though that is the last line of
 *        the task: a done callback is called by the loop, in its next turn.
 *        With -d 3 the sleep takes too long, and the future holds an error.
 * See:   wait_for.c, what becomes of what takes too long; tasks.c, a task is a
 *        future itself
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/waiting.h"

static double delay = 1;
static double most = 2;

static const char error_sleeping[] = "ValueError: Error sleeping";

struct slow_operation {
    struct gen gen;
    struct future *future;
    struct task *sleep;
    struct wait_for wait_for;
};

static bool slow_operation(void *frame, struct future **awaits)
{
    static char value[] = "Future is done!";
    struct slow_operation *c = frame;
    GEN_BEGIN(c);
    c->sleep = task_create(loop_running(), sleep_for, .seconds = delay);
    //> The sleep is a task of its own, so that it can be cancelled: p most
    AWAIT_CALL_TRY(c, wait_for, .future = &c->sleep->future, .seconds = most);
    const char *error = gen_catch(&c->gen);
    if (error == error_timeout)
        future_set_error(c->future, error_sleeping);
    else if (error != NULL)
        GEN_RAISE(c, error);
    else
        //> Now it gets its result. Nobody is called yet: p *c->future, where
        //> callbacks is who will be.
        future_set_result(c->future, value);
    printf("the %s is set\n", error != NULL ? "error" : "result");
    GEN_END(c);
    task_release(c->sleep);
    future_release(c->future);
    return false;
}

static void got_result(struct future_callback *self, struct future *f)
{
    (void)self;
    const char *error = future_error(f);
    //> The loop calls, not the task: bt
    if (error != NULL)
        printf("Exception: %s\n", error);
    else
        printf("%s\n", (const char *)future_result(f));
    loop_stop(f->loop);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "fill a future from a task, and be called back",
        .options = {{'d', "delay", "sleep so many {seconds}",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'w', "timeout", "wait so many {seconds} at most",
                     CLI_DOUBLE(&most, 0, 60)}},
    };
    cli_parse(&cli, argc, argv);

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    struct future *future = future_new(&loop);
    struct future_callback done = {.call = got_result};
    future_add_done_callback(future, &done);
    //> A future, a callback, and soon a task that fills the one for the other.
    //> None of them runs before the loop does.
    task_release(
        task_create(&loop, slow_operation, .future = future_hold(future)));
    double start = loop_time();
    loop_run_forever(&loop);
    printf("this run %.2f s\n", loop_time() - start);
    loop_close(&loop);
    future_release(future);
    return CLI_OK;
}
