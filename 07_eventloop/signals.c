/* signals.c: Ctrl-C ends a loop in order: every task cleans up, and the program
 * ends as it meant to.
 *
 * Cells: none
 * Run:   make signals; make signals ARGS=--forever, and press Ctrl-C
 * Ask:   a signal handler may do hardly anything. How can this one end all that
 *        is going on?
 * Watch: the handler only wakes the loop; the loop cancels main, main its
 *        workers, and each says good-bye. SIGTERM is led the same way.
 * See:   run_forever.c, the bare loop; cancel.c, what cancelling is
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"

enum { WORKERS = 3 };

static double delay = 0.5;
static bool forever;

struct worker {
    struct gen gen;
    int number, rounds;
    struct sleep_for sleep_for;
};

static bool worker(void *frame, struct future **awaits)
{
    struct worker *c = frame;
    GEN_BEGIN(c);
    for (;; c->rounds++)
        AWAIT_CALL(c, sleep_for, .seconds = 0.01 * c->number);
    GEN_END(c);
    //> The clean-up. The error is on its way through: print c->gen.error.
    printf("worker %d: good-bye\n", c->number);
    return false;
}

static void press_ctrl_c(void *unused)
{
    (void)unused;
    printf("Ctrl-C\n");
    fflush(stdout);
    //> The handler runs before raise returns, and does next to nothing. (gdb
    //> stops for the signal; c hands it on.)
    raise(SIGINT);
}

static void end(void *task)
{
    future_cancel(&((struct task *)task)->future);
}

struct program {
    struct gen gen;
    struct future *workers[WORKERS], *all;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    /* SIGINT cancels what loop_run runs; the same for the other one. */
    if (loop_add_signal_handler(loop, SIGTERM, end, task_current()) == -1)
        err(CLI_ERROR, "SIGTERM");
    for (int i = 0; i < WORKERS; i++)
        c->workers[i] = &task_create(loop, worker, .number = i + 1)->future;
    c->all = gather(loop, c->workers, WORKERS, false);
    if (!forever)
        loop_call_later(loop, delay, press_ctrl_c, NULL);
    printf("%d workers work\n", WORKERS);
    AWAIT(c, c->all);
    GEN_END(c);
    //> Who was cancelled awaited the gather, and the gather the workers.
    printf("main: %s\n", c->gen.error != NULL ? c->gen.error : "done");
    for (int i = 0; i < WORKERS; i++)
        future_release(c->workers[i]);
    future_release(c->all);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "end a loop by Ctrl-C, in order",
        .options = {{'d', "delay", "{seconds} until it interrupts itself",
                     CLI_DOUBLE(&delay, 0, 3600)},
                    {0, "forever", "wait for a real Ctrl-C",
                     CLI_FLAG(&forever)}},
    };
    cli_parse(&cli, argc, argv);
    const char *error = loop_run(program, .all = NULL);
    if (error != error_cancelled)
        errx(CLI_ERROR, "%s", error != NULL ? error : "nobody came");
    printf("ended in order\n");
    return CLI_OK;
}
