/* gather_errors.c: in each of five requests the awaited call fails, and each
 * catches it: none escapes.
 *
 * Cells: A57
 * Run:   make gather_errors; make gather_errors ARGS=--escape
 * Ask:   C has no exceptions. How does an error come out of an await?
 * Watch: it lies in the frame behind AWAIT_CALL_TRY, and gen_catch takes it;
 *        else it ends this coroutine, too, and comes out one level up. With
 *        --escape nobody catches: the gather fails with the first. (The cell
 *        counts from 0, and gather's from 1.)
 * See:   gather.c, without errors; 06_generators/multiples.c, throw
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"

enum { MOST = 1000 };

static int requests = 5;
static double delay = 1;
static bool escape;

static const char error_value[] = "ValueError";

struct get_data {
    struct gen gen;
    double delay;
    const char *data;
    struct sleep_for sleep_for;
};

static bool get_data(void *frame, struct future **awaits)
{
    struct get_data *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, sleep_for, .seconds = c->delay);
    //> It goes wrong. Raising is: note the error, and jump to the end.
    GEN_RAISE(c, error_value);
    GEN_END(c);
    return false;
}

struct request {
    struct gen gen;
    int i;
    struct get_data get_data;
};

static bool request(void *frame, struct future **awaits)
{
    struct request *c = frame;
    GEN_BEGIN(c);
    printf("Sending request %d\n", c->i);
    AWAIT_CALL_TRY(c, get_data, .delay = delay);
    //> try and except: what came out of the await? print c->gen.thrown
    if (!escape && gen_catch(&c->gen) != NULL)
        printf("Error in request %d\n", c->i);
    else if (c->gen.thrown == NULL)
        printf("Got response from request %d\n", c->i);
    GEN_END(c);
    return false;
}

struct program {
    struct gen gen;
    struct future *futures[MOST], *all;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    for (int i = 0; i < requests; i++)
        c->futures[i] = &task_create(loop_running(), request, .i = i)->future;
    c->all = gather(loop_running(), c->futures, (size_t)requests, false);
    AWAIT(c, c->all);
    //> All have ended, and none with an error: print future_error(c->all).
    printf("no error has escaped\n");
    GEN_END(c);
    for (int i = 0; i < requests; i++)
        future_release(c->futures[i]);
    future_release(c->all);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "await calls that fail, and catch what they raise",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&requests, 1, MOST)},
                    {'d', "delay", "{seconds} until the data is there",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {0, "escape", "do not catch them", CLI_FLAG(&escape)}},
    };
    cli_parse(&cli, argc, argv);
    const char *error = loop_run(program, .all = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    return CLI_OK;
}
