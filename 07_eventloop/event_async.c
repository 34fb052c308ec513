/* event_async.c: an event wakes all who wait for it, at once and in order.
 *
 * Cells: C12
 * Run:   make event_async; make event_async ARGS='-t 10'
 * Ask:   the door opens and shuts again before anybody has moved. Who gets
 *        through?
 * Watch: all who waited: they were woken, and nothing takes that back. Who
 *        comes to an open door does not wait, and who comes to a shut one waits
 *        for the next time.
 * See:   lock_async.c, which lets through one; future.c, an event that happens
 *        once, with a value
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/sync.h"

enum { MOST = 100 };

static int tasks = 3;
static double delay = 0.2;
static struct event door;

struct guest {
    struct gen gen;
    int number, lane;
    struct event_wait event_wait;
};

static bool guest(void *frame, struct future **awaits)
{
    struct guest *c = frame;
    GEN_BEGIN(c);
    printf("guest %d  comes to %s door\n", c->number,
           door.is_set ? "an open" : "a shut");
    if (!door.is_set)
        timeline_mark(c->lane, TIMELINE_BLOCKED);
    //> Where the door is shut, it joins those who wait: p door
    AWAIT_CALL(c, event_wait, .event = &door);
    printf("guest %d  is through\n", c->number);
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

static void invite(int number)
{
    int lane = timeline_lane("guest %d", number);
    task_release(
        task_create(loop_running(), guest, .number = number, .lane = lane));
}

struct program {
    struct gen gen;
    struct sleep_for sleep_for;
    int lane;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    c->lane = timeline_lane("open");
    for (int i = 1; i <= tasks; i++)
        invite(i);
    AWAIT_CALL(c, sleep_for, .seconds = delay);
    printf("the door opens and shuts\n");
    event_set(&door);
    //> All their futures are done, though none has run: p
    //> door.waiters.first->future.state
    event_clear(&door);
    invite(tasks + 1);
    AWAIT_CALL(c, sleep_for, .seconds = delay);
    printf("the door opens\n");
    event_set(&door);
    timeline_mark(c->lane, TIMELINE_RUN);
    AWAIT_CALL(c, sleep_for, .seconds = delay / 2);
    invite(tasks + 2);
    AWAIT_CALL(c, sleep_for, .seconds = delay / 2);
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "several tasks wait for one event",
        .options = {{'t', "tasks", "how many tasks at the door",
                     CLI_INT(&tasks, 1, MOST)},
                    {'d', "delay", "it opens after so many {seconds}",
                     CLI_DOUBLE(&delay, 0.001, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(MOST + 3);
    timeline_legend(TIMELINE_RUN, "is open");
    timeline_legend(TIMELINE_BLOCKED, "waits at the door");
    const char *error = loop_run(program, .lane = -1);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("\n");
    timeline_finish();
    return CLI_OK;
}
