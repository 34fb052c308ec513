/* tiny_loop_racy.c: futures call back in the thread that makes them, and a task
 * is lost.
 *
 * Cells: D13, D14
 * Run:   make tiny_loop_racy; setarch -R make tiny_loop_racy SAN=thread
 * Ask:   this is the talk's program, and in Python it loses nothing. Who saw to
 *        that, and who does it here?
 * Watch: the interpreter's lock made an append one step. Here it is three, and
 *        the loop appends, too: the last request is never begun. In some runs
 *        others begin late: the loop may have gone back to sleep before the
 *        task was in its list.
 * See:   tiny_loop.c, the mend; 04_threads/race.c, the same with a counter
 * Broken: a data race
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>

#include "01_files/cli.h"
#include "03_processes/server_child.h"
#include "06_generators/asking.h"
#include "06_generators/tiny.h"

enum { MOST = 100, PATIENCE = 10, PAUSE = 5 };

static int count = 5;
static double delay = 0.5, every = 0.2;
static struct http_url url;
static double start;
static int failed;

/* Both threads add tasks to it, and there is no lock. */
static struct tiny loop;

/* --- A request, a task of the loop ----------------------------------------- */

static struct request {
    struct task task;
    struct asking ask;
    double wanted, began; /* seconds after the start */
} requests[MOST];

static bool receive(struct request *r)
{
    char bytes[4096];
    ssize_t n = recv(r->ask.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return asking_take(&r->ask, bytes, n);
}

static bool request_next(struct task *task, int *waits_for)
{
    struct request *r = (struct request *)task;
    GEN_BEGIN(task);
    r->began = tiny_now() - start;
    task->deadline = tiny_now() + delay + PATIENCE;
    if (!asking_start(&r->ask, &url, delay + PATIENCE))
        GEN_RAISE(task, r->ask.error);
    do {
        *waits_for = r->ask.fd;
        GEN_YIELD(task);
    } while (receive(r));
    if (r->ask.error != NULL)
        GEN_RAISE(task, r->ask.error);
    printf("request %-3d  %6.2f s  %6.2f s  %6.2f s\n", (int)(r - requests) + 1,
           r->wanted, r->began - r->wanted, tiny_now() - start - r->began);
    GEN_END(task);
    if (task->gen.error != NULL)
        warnx("request %d: %s", (int)(r - requests) + 1, task->gen.error);
    failed += task->gen.error != NULL;
    asking_end(&r->ask);
    return false;
}

/* --- A future -------------------------------------------------------------- */

static struct future {
    struct task monitor;
    struct tiny_pair pair; /* a socketpair */
    double result;
    void (*done)(double result);
} futures[MOST];

/* Wakes the loop, and that is all it does: whether the producer has added its
 * task by then, the loop cannot know. If not, it sleeps on, with the task in
 * its list.
 */
static bool future_monitor(struct task *task, int *waits_for)
{
    struct future *f = (struct future *)task;
    GEN_BEGIN(task);
    *waits_for = f->pair.event;
    //> The loop's thread. Beside it the other one lives: info threads.
    GEN_YIELD(task);
    tiny_notices(&f->pair);
    GEN_END(task);
    return false;
}

static void future_set_done(struct future *f, double result)
{
    f->result = result;
    tiny_notify(&f->pair);
    //> The producer's thread, and the callback will be called in it: it adds a
    //> task. The loop wakes at the same time, and adds the monitor.
    f->done(f->result);
}

/* --- The talk's example ---------------------------------------------------- */

/* tiny_add_task, step by step. A time slice may end between any two of them;
 * this one ends here, until the loop has added a task of its own and run it.
 */
static void add_task_in_slices(struct task *task)
{
    size_t place = loop.last;
    double deadline = tiny_now() + PAUSE;
    while ((loop.last == place || loop.first < loop.last) &&
           tiny_now() < deadline)
        sched_yield();
    //> The loop has gone on: print loop.last, and place. Where the new task
    //> will be put the loop has been already.
    loop.tasks[place % TINY_ROOM] = task;
    loop.last = place + 1;
}

static void start_request(double wanted)
{
    static int asked;
    struct request *r = &requests[asked++];
    r->task.next = request_next;
    r->wanted = wanted;
    if (asked < count)
        tiny_add_task(&loop, &r->task);
    else
        add_task_in_slices(&r->task);
}

static void *produce(void *unused)
{
    for (int i = 0; i < count; i++) {
        tiny_sleep(every);
        future_set_done(&futures[i], tiny_now() - start);
    }
    return unused;
}

int main(int argc, char **argv)
{
    static const char *given;
    static const struct cli cli = {
        .about = "add tasks to a loop from two threads, without a lock",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&count, 2, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {0, "every", "start one every so many {seconds}",
                     CLI_DOUBLE(&every, 0, 60)},
                    {'u', "url", "ask {URL}, not a server of ours",
                     CLI_TEXT(&given)}},
    };
    pthread_t producer;
    int lost = 0;
    cli_parse(&cli, argc, argv);
    loop.lane = -1;
    given = server_url(given, "04_threads/server_threads", delay);
    if (!http_url_split(given, &url))
        errx(CLI_ERROR, "'%s': not http://host:port/path", given);

    printf("\n             asked at   late by      took\n");
    start = tiny_now();
    for (int i = 0; i < count; i++) {
        futures[i].monitor.next = future_monitor;
        futures[i].done = start_request;
        tiny_pair_open(&futures[i].pair);
        tiny_add_task(&loop, &futures[i].monitor);
    }
    errno = pthread_create(&producer, NULL, produce, NULL);
    if (errno != 0)
        err(CLI_ERROR, "producer");
    tiny_run_forever(&loop);
    pthread_join(producer, NULL);

    for (int i = 0; i < count; i++) {
        lost += requests[i].task.gen.line != GEN_ENDED;
        tiny_pair_close(&futures[i].pair);
    }
    printf("\nasked for  %d requests\n", count);
    printf("lost       %d\n", lost);
    if (failed > 0)
        return CLI_ERROR;
    if (lost == 0)
        errx(CLI_NO_SHOW, "no request was lost this time");
    return CLI_OK;
}
