/* queue_async.c: a queue with a bound makes the producer as slow as those who
 * consume.
 *
 * Cells: C12
 * Run:   make queue_async; make queue_async ARGS='-b 0'
 * Ask:   the producer needs no time at all. When has it put its last item?
 * Watch: it runs ahead by the length of the queue, and then waits (-) for room.
 *        join waits until all work is done, not just handed out; then nobody
 *        needs the consumers, who wait for ever, and are cancelled.
 * See:   04_threads/queue.c, the same between threads; semaphore_async.c
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/async_queue.h"
#include "07_eventloop/sleep_for.h"

enum { MOST = 1000, CONSUMERS = 100 };

static int items = 8;
static int consumers = 2;
static int bound = 2;
static double delay = 0.15;

static int item_numbers[MOST];
static struct async_queue queue;

struct produce {
    struct gen gen;
    int lane, i;
    struct async_queue_put async_queue_put;
};

static bool produce(void *frame, struct future **awaits)
{
    struct produce *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_BLOCKED);
    for (c->i = 0; c->i < items; c->i++) {
        item_numbers[c->i] = c->i + 1;
        //> Where the queue is full, this waits: p queue
        AWAIT_CALL(c, async_queue_put, .queue = &queue,
                   .item = &item_numbers[c->i]);
        printf("put  %d\n", c->i + 1);
    }
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

struct consume {
    struct gen gen;
    int lane;
    struct async_queue_get async_queue_get;
    struct sleep_for sleep_for;
};

static bool consume(void *frame, struct future **awaits)
{
    struct consume *c = frame;
    GEN_BEGIN(c);
    for (;;) {
        timeline_mark(c->lane, TIMELINE_BLOCKED);
        AWAIT_CALL(c, async_queue_get, .queue = &queue);
        timeline_mark(c->lane, TIMELINE_RUN);
        printf("get  %d\n", *(int *)c->async_queue_get.item);
        AWAIT_CALL(c, sleep_for, .seconds = delay);
        //> The item had left the queue long ago; only now it counts as done: p
        //> queue.unfinished
        async_queue_task_done(&queue);
    }
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    return false;
}

struct program {
    struct gen gen;
    int lane;
    struct task *consumers[CONSUMERS];
    struct produce produce;
    struct async_queue_join async_queue_join;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    c->lane = timeline_lane("producer");
    for (int i = 0; i < consumers; i++)
        c->consumers[i] =
            task_create(loop_running(), consume,
                        .lane = timeline_lane("consumer %d", i + 1));
    AWAIT_CALL(c, produce, .lane = c->lane);
    printf("all are put\n");
    AWAIT_CALL(c, async_queue_join, .queue = &queue);
    printf("all are done\n");
    GEN_END(c);
    //> Each consumer waits for one more item, which will never come.
    for (int i = 0; i < consumers; i++) {
        future_cancel(&c->consumers[i]->future);
        task_release(c->consumers[i]);
    }
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "a producer, a queue and some consumers",
        .options = {{'n', "items", "how many items", CLI_INT(&items, 1, MOST)},
                    {'t', "tasks", "how many consumers",
                     CLI_INT(&consumers, 1, CONSUMERS)},
                    {'b', "bound", "the queue holds {N}; 0: no bound",
                     CLI_INT(&bound, 0, MOST)},
                    {'d', "delay", "{seconds} of work on each item",
                     CLI_DOUBLE(&delay, 0, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(1 + consumers);
    timeline_legend(TIMELINE_RUN, "has an item");
    timeline_legend(TIMELINE_BLOCKED, "waits for the queue");
    queue.bound = (size_t)bound;
    const char *error = loop_run(program, .lane = -1);
    async_queue_free(&queue);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("\n");
    timeline_finish();
    return CLI_OK;
}
