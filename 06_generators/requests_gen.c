/* requests_gen.c: five requests as generators: all are sent, one wait, all are
 * answered.
 *
 * Cells: A51
 * Run:   make requests_gen; make requests_gen ARGS='-n 10 -d 0.2'
 * Ask:   each request reads from top to bottom: send, wait, receive. How can
 *        five of them wait at the same time in one thread?
 * Watch: each stops in its middle, at its yield. Nobody waits there; the one
 *        wait is main's, and it is for all of them. (The cell counts from 0.)
 * See:   05_select/requests_callbacks.c, the same cut in two; run_queries.c,
 *        where the kernel says which of them may go on
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "06_generators/gen.h"

enum { MOST = 1000 };

static int requests = 5;
static double delay = 1;

struct request {
    struct gen gen;
    int i, lane;
    const char *data;
};

static bool request_next(struct request *g, const char *sent)
{
    GEN_BEGIN(g);
    timeline_mark(g->lane, TIMELINE_RUN);
    printf("Sending request %d\n", g->i);
    timeline_mark(g->lane, TIMELINE_WAIT);
    //> The request is under way. Now this one stops, and main starts the next.
    GEN_YIELD(g);
    //> A second later: print *g, print sent. In between main was elsewhere.
    timeline_mark(g->lane, TIMELINE_RUN);
    g->data = sent;
    printf("Got response from request %d\n", g->i);
    GEN_END(g);
    timeline_mark(g->lane, TIMELINE_IDLE);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "send requests from generators, wait once, take the answers",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&requests, 1, MOST)},
                    {'d', "delay", "{seconds} until the data is there",
                     CLI_DOUBLE(&delay, 0, 60)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(MOST + 1);
    static struct request generators[MOST];
    struct stopwatch watch;
    int lane = timeline_lane("main");
    for (int i = 0; i < requests; i++)
        generators[i] =
            (struct request){.i = i, .lane = timeline_lane("request %d", i)};

    stopwatch_start(&watch);
    timeline_mark(lane, TIMELINE_RUN);
    for (int i = 0; i < requests; i++)
        request_next(&generators[i], NULL);
    struct timespec pause = {(time_t)delay,
                             (long)((delay - (double)(time_t)delay) * 1e9)};
    timeline_mark(lane, TIMELINE_WAIT);
    //> All of them sleep at their yield: print generators[0], [1], ...
    if (nanosleep(&pause, NULL) == -1)
        err(CLI_ERROR, "sleep");
    timeline_mark(lane, TIMELINE_RUN);
    for (int i = 0; i < requests; i++)
        if (request_next(&generators[i], "data"))
            errx(CLI_ERROR, "request %d wants more", i);
    stopwatch_stop(&watch);

    timeline_finish();
    printf("took  %.2f s\n", watch.wall);
    return CLI_OK;
}
