/* call_later.c: the loop is asked to call back in three seconds; the callback
 * stops it.
 *
 * Cells: A53
 * Run:   make call_later; make call_later ARGS='-d 0.5'
 * Ask:   where does the program wait, and who calls the callback?
 * Watch: call_later returns at once, and has done nothing but write down a
 *        time. It is the loop that waits, and that calls.
 * See:   return_after_delay.c, the same as a coroutine
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "07_eventloop/loop.h"

static double delay = 3;

static void callback(void *data)
{
    //> Called by the loop: backtrace. Nothing of ours is between it and main.
    printf("callback called\n");
    loop_stop(data);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "be called back by the loop after some time",
        .options = {{'d', "delay", "{seconds} until then",
                     CLI_DOUBLE(&delay, 0, 3600)}},
    };
    cli_parse(&cli, argc, argv);

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    double begun = loop_time();
    loop_call_later(&loop, delay, callback, &loop);
    printf("start event loop\n");
    //> One timer in the heap: print loop.timers.count, and
    //> print loop.timers.heap[0].
    if (loop_run_forever(&loop) == -1)
        err(CLI_ERROR, "loop");
    printf("took  %.2f s\n", loop_time() - begun);
    loop_close(&loop);
    return CLI_OK;
}
