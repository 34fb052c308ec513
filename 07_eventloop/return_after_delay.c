/* return_after_delay.c: a coroutine sleeps and prints, written in the old way
 * and in the new.
 *
 * Cells: A54, A55
 * Run:   make return_after_delay; make return_after_delay ARGS='-d 3'
 * Ask:   call_later.c needed a callback for what comes after the wait. Where is
 *        it here?
 * Watch: behind the await, where one would write it. And await is yield from:
 *        the coroutine yields all that sleep_for yields, up to the loop.
 * See:   call_later.c, the callback; 06_generators/gen.h, yield from
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "07_eventloop/sleep_for.h"

static double delay = 1;

struct old_way {
    struct gen gen;
    double delay;
    struct sleep_for sleep_for;
};

/* As with @asyncio.coroutine: a generator, and "yield from sleep(1)". */
static bool old_way(void *frame, struct future **awaits)
{
    struct old_way *c = frame;
    GEN_BEGIN(c);
    c->sleep_for = (struct sleep_for){.seconds = c->delay};
    //> The sleep is a generator as well. What it yields goes through this one.
    GEN_YIELD_FROM(c, &c->sleep_for, sleep_for(&c->sleep_for, awaits));
    printf("return called\n");
    GEN_END(c);
    return false;
}

struct new_way {
    struct gen gen;
    double delay;
    struct sleep_for sleep_for;
};

/* As with async def: "await sleep(1)". */
static bool new_way(void *frame, struct future **awaits)
{
    struct new_way *c = frame;
    GEN_BEGIN(c);
    //> The same lines, written by a macro: info macro AWAIT_CALL.
    AWAIT_CALL(c, sleep_for, .seconds = c->delay);
    //> Behind the await, a second later: print *c. Meanwhile main did not run.
    printf("return called\n");
    GEN_END(c);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "run a coroutine that sleeps, until it is complete",
        .options = {{'d', "delay", "{seconds} that each sleeps",
                     CLI_DOUBLE(&delay, 0, 3600)}},
    };
    cli_parse(&cli, argc, argv);

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    double begun = loop_time();
    for (int way = 0; way < 2; way++) {
        struct task *task = way == 0
                                ? task_create(&loop, old_way, .delay = delay)
                                : task_create(&loop, new_way, .delay = delay);
        printf("start event loop, %s way\n", way == 0 ? "old" : "new");
        const char *error = loop_run_until_complete(&loop, &task->future);
        task_release(task);
        if (error != NULL)
            errx(CLI_ERROR, "%s", error);
    }
    printf("took      %.2f s\n", loop_time() - begun);
    printf("recorded  3 s each (Python, 2017)\n");
    loop_close(&loop);
    return CLI_OK;
}
