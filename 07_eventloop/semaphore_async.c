/* semaphore_async.c: ten tasks, and never more than three at once.
 *
 * Cells: none
 * Run:   make semaphore_async; make semaphore_async ARGS='-t 100 -c 25'
 * Ask:   ten tasks of 0.2 s each, three at a time: how long does it take?
 * Watch: four rounds; - waits for a place, . has one. A bounded semaphore also
 *        says no to whoever gives back a place that it never had.
 * See:   lock_async.c, with one place; 04_threads/survey_locked.c; fetcher.c,
 *        which is polite to servers in this way
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/sync.h"

enum { MOST = 1000 };

static int tasks = 10;
static int places = 3;
static double delay = 0.2;

static struct semaphore semaphore;
static int inside, most_inside;

struct visit {
    struct gen gen;
    int lane;
    struct semaphore_acquire semaphore_acquire;
    struct sleep_for sleep_for;
};

static bool visit(void *frame, struct future **awaits)
{
    struct visit *c = frame;
    GEN_BEGIN(c);
    if (semaphore_locked(&semaphore))
        timeline_mark(c->lane, TIMELINE_BLOCKED);
    //> Minus one; or, where none is left, wait: p semaphore
    AWAIT_CALL(c, semaphore_acquire, .semaphore = &semaphore);
    timeline_mark(c->lane, TIMELINE_WAIT);
    inside++;
    if (inside > most_inside)
        most_inside = inside;
    AWAIT_CALL(c, sleep_for, .seconds = delay);
    inside--;
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    //> Plus one: but the value stays 0, for the place goes right to the first
    //> who waits, so that nobody can snatch it: p semaphore
    semaphore_leave(&c->semaphore_acquire);
    return false;
}

struct program {
    struct gen gen;
    struct future *visits[MOST];
    struct future *all;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    for (int i = 0; i < tasks; i++)
        c->visits[i] = &task_create(loop_running(), visit,
                                    .lane = timeline_lane("task %d", i + 1))
                            ->future;
    c->all = gather(loop_running(), c->visits, (size_t)tasks, false);
    AWAIT(c, c->all);
    GEN_END(c);
    for (int i = 0; i < tasks; i++)
        future_release(c->visits[i]);
    future_release(c->all);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "bound how many tasks may be at something at once",
        .options = {{'t', "tasks", "how many tasks", CLI_INT(&tasks, 1, MOST)},
                    {'c', "connections", "at most {N} at once",
                     CLI_INT(&places, 1, MOST)},
                    {'d', "delay", "{seconds} that each of them takes",
                     CLI_DOUBLE(&delay, 0, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(tasks);
    timeline_legend(TIMELINE_WAIT, "has a place");
    timeline_legend(TIMELINE_BLOCKED, "waits for a place");
    semaphore = (struct semaphore){.value = (unsigned)places,
                                   .bound = (unsigned)places};
    double start = loop_time();
    const char *error = loop_run(program, .all = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("tasks           %d\n", tasks);
    printf("places          %d\n", places);
    printf("inside at once  %d\n", most_inside);
    printf("one too many    %s\n",
           semaphore_release(&semaphore) ? "is taken" : "is refused");
    printf("this run        %.2f s\n\n", loop_time() - start);
    timeline_finish();
    if (most_inside > places)
        errx(CLI_ERROR, "%d were inside", most_inside);
    return CLI_OK;
}
