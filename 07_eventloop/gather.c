/* gather.c: five requests that each await their data for a second take one
 * second in all.
 *
 * Cells: A56
 * Run:   make gather; make gather ARGS='-n 100'; make tour-gather
 * Ask:   each request reads like the blocking one. Who waits for whom?
 * Watch: all are sent before the first is answered, in one thread, and without
 *        a callback. (Python 3.6 began them in no order: 5 3 1 4 2. Its later
 *        versions, and we, in the order given.)
 * See:   06_generators/requests_gen.c, without a loop; gather_errors.c;
 *        gather.gdb, the tasks while they wait
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"

enum { MOST = 1000 };

static int requests = 5;
static double delay = 1;

struct get_data {
    struct gen gen;
    double delay;
    const char *data; /* what it returns */
    struct sleep_for sleep_for;
};

static bool get_data(void *frame, struct future **awaits)
{
    struct get_data *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, sleep_for, .seconds = c->delay);
    c->data = "boom";
    GEN_END(c);
    return false;
}

struct request {
    struct gen gen;
    int i, lane;
    const char *result;
    struct get_data get_data;
};

static bool request(void *frame, struct future **awaits)
{
    struct request *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_RUN);
    printf("Sending request %d\n", c->i + 1);
    timeline_mark(c->lane, TIMELINE_WAIT);
    //> It will wait for its data. Step: the loop goes on with the next request.
    AWAIT_CALL(c, get_data, .delay = delay);
    timeline_mark(c->lane, TIMELINE_RUN);
    //> All have been sent, this is the first to be answered: tasks
    printf("Got response from request %d: %s\n", c->i + 1, c->get_data.data);
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

struct program {
    struct gen gen;
    double begun;
    struct task *tasks[MOST];
    struct future *futures[MOST], *all;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    c->begun = loop_time();
    for (int i = 0; i < requests; i++) {
        c->tasks[i] = task_create(loop_running(), request, .i = i,
                                  .lane = timeline_lane("request %d", i + 1));
        task_name(c->tasks[i], "request %d", i + 1);
        c->futures[i] = &c->tasks[i]->future;
    }
    c->all = gather(loop_running(), c->futures, (size_t)requests, false);
    //> None of them has run a line yet. One future for all: print *c->all.
    AWAIT(c, c->all);
    printf("results:");
    for (int i = 0; i < requests; i++) {
        const struct request *r = future_result(c->futures[i]);
        printf(" %s", r->result != NULL ? r->result : "none");
    }
    printf("\n");
    timeline_finish();
    printf("took  %.2f s\n", loop_time() - c->begun);
    GEN_END(c);
    for (int i = 0; i < requests; i++)
        task_release(c->tasks[i]);
    future_release(c->all);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "send requests from tasks, and await them all",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&requests, 1, MOST)},
                    {'d', "delay", "{seconds} until the data is there",
                     CLI_DOUBLE(&delay, 0, 60)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(MOST);
    const char *error = loop_run(program, .begun = 0);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    return CLI_OK;
}
