/* say_after.c: two coroutines, awaited one after the other: one second and two
 * are three.
 *
 * Cells: C08
 * Run:   make say_after; make say_after ARGS='-d 0.2'
 * Ask:   both only sleep. Why does it take three seconds, not two?
 * Watch: await waits: what stands behind it runs when the other has ended. At
 *        the same time is for those who ask for it.
 * See:   gather.c, at the same time; tasks.c, who runs when
 */
#include <err.h>
#include <stdio.h>
#include <time.h>

#include "01_files/cli.h"
#include "07_eventloop/sleep_for.h"

static double unit = 1;

struct say_after {
    struct gen gen;
    double delay;
    const char *what;
    struct sleep_for sleep_for;
};

static bool say_after(void *frame, struct future **awaits)
{
    struct say_after *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, sleep_for, .seconds = c->delay);
    //> Its parameters and locals are one struct: print *c.
    printf("%s\n", c->what);
    GEN_END(c);
    return false;
}

static void print_time(const char *what)
{
    char text[16];
    time_t now = time(NULL);
    struct tm parts;
    if (localtime_r(&now, &parts) == NULL ||
        strftime(text, sizeof text, "%X", &parts) == 0)
        errx(CLI_ERROR, "the time");
    printf("%s at %s\n", what, text);
}

struct program {
    struct gen gen;
    double begun;
    struct say_after say_after;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    c->begun = loop_time();
    print_time("started");
    //> The frame of the one that is awaited lies in ours: print sizeof *c.
    AWAIT_CALL(c, say_after, .delay = unit, .what = "hello");
    //> Only now is the second one begun, in the same place.
    AWAIT_CALL(c, say_after, .delay = 2 * unit, .what = "world");
    print_time("finished");
    printf("took %.2f s\n", loop_time() - c->begun);
    GEN_END(c);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "say hello after a delay, then world after twice of it",
        .options = {{'d', "delay", "{seconds}", CLI_DOUBLE(&unit, 0, 3600)}},
    };
    cli_parse(&cli, argc, argv);

    const char *error = loop_run(program, .begun = 0);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    return CLI_OK;
}
