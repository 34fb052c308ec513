/* lock_async.c: tasks can lose an update at an await alone; a lock over the
 * await saves it.
 *
 * Cells: C12
 * Run:   make lock_async; make lock_async ARGS='-t 10 -n 5'
 * Ask:   one thread, and nobody can interrupt anybody. How can an update get
 *        lost?
 * Watch: whoever awaits between its load and its store lets all others in.
 *        Under the lock one after the other comes in, in the order in which
 *        they asked (- waits for the lock, # has loaded, not yet stored).
 * See:   04_threads/race.c and lock.c, where every line is such a place;
 *        semaphore_async.c, which lets in several
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/sync.h"

enum { MOST = 100 };

static int tasks = 4;
static int increments = 2;
static double delay = 0.05;
static bool with_lock;

static struct lock lock;
static int counter;

struct bump {
    struct gen gen;
    int lane, i, value;
    struct lock_acquire lock_acquire;
    struct sleep_for sleep_for;
};

static bool bump(void *frame, struct future **awaits)
{
    struct bump *c = frame;
    GEN_BEGIN(c);
    for (c->i = 0; c->i < increments; c->i++) {
        if (with_lock) {
            timeline_mark(c->lane, TIMELINE_BLOCKED);
            AWAIT_CALL(c, lock_acquire, .lock = &lock);
        }
        timeline_mark(c->lane, TIMELINE_RUN);
        c->value = counter;
        //> It has read the counter, and now it waits for something. Who else
        //> reads the counter meanwhile? p *c, p counter, p lock
        AWAIT_CALL(c, sleep_for, .seconds = delay);
        //> Back, and whatever the others have stored is overwritten: p
        //> c->value, p counter
        counter = c->value + 1;
        //> The first of those who wait will get it, even if this one asks again
        //> at once: p lock.waiters
        lock_leave(&c->lock_acquire);
    }
    GEN_END(c);
    lock_leave(&c->lock_acquire);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

struct program {
    struct gen gen;
    struct future *bumps[MOST];
    struct future *all;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    for (int i = 0; i < tasks; i++) {
        int lane = timeline_lane("%s %d", with_lock ? "lock" : "task", i + 1);
        c->bumps[i] = &task_create(loop_running(), bump, .lane = lane)->future;
    }
    c->all = gather(loop_running(), c->bumps, (size_t)tasks, false);
    AWAIT(c, c->all);
    GEN_END(c);
    for (int i = 0; i < tasks; i++)
        future_release(c->bumps[i]);
    future_release(c->all);
    return false;
}

/* Returns how many updates were lost. */
static int count(void)
{
    int expected = tasks * increments;
    counter = 0;
    const char *error = loop_run(program, .all = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("%s\n", with_lock ? "with a lock" : "without a lock");
    printf("  expected  %d\n", expected);
    printf("  counted   %d\n", counter);
    printf("  lost      %d\n", expected - counter);
    return expected - counter;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "bump one counter from several tasks",
        .options = {{'t', "tasks", "how many tasks", CLI_INT(&tasks, 1, MOST)},
                    {'n', "increments", "how many increments each",
                     CLI_INT(&increments, 1, 1000)},
                    {'d', "delay", "{seconds} between load and store",
                     CLI_DOUBLE(&delay, 0, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(2 * MOST);
    timeline_legend(TIMELINE_RUN, "has loaded, not yet stored");
    timeline_legend(TIMELINE_BLOCKED, "waits for the lock");
    int lost = count();
    with_lock = true;
    if (count() != 0)
        errx(CLI_ERROR, "updates were lost, in spite of the lock");
    if (lost == 0 && tasks > 1)
        errx(CLI_NO_SHOW, "no update was lost");
    printf("\n");
    timeline_finish();
    return CLI_OK;
}
