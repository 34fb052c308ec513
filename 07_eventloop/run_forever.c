/* run_forever.c: a loop that is held waits for ever, until Ctrl-C ends it; one
 * with nothing to wait for ends by itself.
 *
 * Cells: A52
 * Run:   make run_forever; make run_forever ARGS=--forever
 * Ask:   a loop without a callback, a timer or a socket: what is it to do?
 * Watch: asyncio waits on, for what can never come. Ours ends, unless loop_hold
 *        says that somebody will come. The interrupt finds it inside the wait:
 *        it has made no turn before, and used no processor.
 * See:   signals.c, an end in order; 05_select/echo_select.c, a wait by hand
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "01_files/cli.h"
#include "07_eventloop/loop.h"

static double delay = 0.5;
static bool forever;

/* The loop calls it in a turn, as it would for a socket: no handler's rules. */
static void interrupted(void *data)
{
    struct loop *loop = data;
    //> Ctrl-C has become a callback: up to loop_run_once, print loop->turns.
    printf("held: interrupted inside the wait\n");
    loop_release(loop);
}

/* The key, pressed by a clock instead of a hand. */
static void press_ctrl_c(int signal_number)
{
    (void)signal_number;
    raise(SIGINT);
}

static void press_later(double seconds)
{
    signal(SIGALRM, press_ctrl_c);
    struct itimerval once = {.it_value.tv_sec = (time_t)seconds};
    once.it_value.tv_usec =
        (suseconds_t)((seconds - (double)once.it_value.tv_sec) * 1e6);
    if (setitimer(ITIMER_REAL, &once, NULL) == -1)
        err(CLI_ERROR, "setitimer");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "run a loop that has nothing to do",
        .options = {{'d', "delay", "{seconds} until its own Ctrl-C",
                     CLI_DOUBLE(&delay, 0.001, 3600)},
                    {0, "forever", "wait for a real Ctrl-C",
                     CLI_FLAG(&forever)}},
    };
    cli_parse(&cli, argc, argv);

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    //> Nothing is ready, no timer, no descriptor. It will not even wait: next.
    if (loop_run_forever(&loop) == -1)
        err(CLI_ERROR, "loop");
    printf("free: nothing is alive, it ended by itself\n");

    if (loop_add_signal_handler(&loop, SIGINT, interrupted, &loop) == -1)
        err(CLI_ERROR, "SIGINT");
    loop_hold(&loop);
    if (!forever)
        press_later(delay);
    printf("held: waits for nothing at all\n");
    //> print loop.held: something is alive now. (gdb stops for the Ctrl-C,
    //> inside the wait: backtrace; c hands it on. The clock does not stop while
    //> you read: run -d 10 gives you the time.)
    if (loop_run_forever(&loop) == -1)
        err(CLI_ERROR, "loop");
    printf("held: ended\n");
    loop_close(&loop);
    return CLI_OK;
}
