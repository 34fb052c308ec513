/* tiny_loop.c: a thread hands its futures to a loop that no lock guards.
 *
 * Cells: D11, D12, D13, D14
 * Run:   make tiny_loop; make tiny_loop ARGS='-n 20 --every 1'
 * Ask:   the loop sleeps in select, and its list of tasks has no lock. How
 *        does another thread get a future into it?
 * Watch: through the inbox, the one thing that both touch: a queue with a lock,
 *        and a byte that wakes the loop. Each request begins when it is asked
 *        for; nobody needs the time-out of select.
 * See:   tiny.c, the loop; tiny_loop_racy.c, where both touch its list;
 *        05_select/wakeup.c, what the byte is for
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#include "01_files/cli.h"
#include "03_processes/server_child.h"
#include "03_processes/timeline.h"
#include "04_threads/queue.h"
#include "06_generators/asking.h"
#include "06_generators/tiny.h"

enum { MOST = 1000, PATIENCE = 10 };

static int count = 5;
static double delay = 0.5, every = 0.3;
static struct http_url url;
static double start;
static int failed;

static struct tiny loop;

/* --- A socket whose read is a generator ------------------------------------ */

struct reading {
    struct gen gen;
    int fd;
    ssize_t length; /* what it returns, as recv(2) does */
    char bytes[4096];
};

static bool read_next(struct reading *r, int *waits_for)
{
    GEN_BEGIN(r);
    *waits_for = r->fd;
    //> Two generators deep: bt. Both return, down to the loop.
    GEN_YIELD(r);
    r->length = recv(r->fd, r->bytes, sizeof r->bytes, MSG_DONTWAIT);
    GEN_END(r);
    return false;
}

/* --- A request ------------------------------------------------------------- */

static struct request {
    struct task task;
    struct asking ask;
    struct reading reading;
    int number, lane;
    double wanted, began; /* seconds after the start */
} requests[MOST];

static bool request_next(struct task *task, int *waits_for)
{
    struct request *r = (struct request *)task;
    GEN_BEGIN(task);
    timeline_mark(r->lane, TIMELINE_WAIT);
    r->began = tiny_now() - start;
    task->deadline = tiny_now() + delay + PATIENCE;
    if (!asking_start(&r->ask, &url, delay + PATIENCE))
        GEN_RAISE(task, r->ask.error);
    do {
        r->reading.gen = (struct gen){0};
        r->reading.fd = r->ask.fd;
        GEN_YIELD_FROM(task, &r->reading, read_next(&r->reading, waits_for));
        //> In Python: data = yield from sock.read(). What it returned lies in
        //> r->reading.
    } while (asking_take(&r->ask, r->reading.bytes, r->reading.length));
    if (r->ask.error != NULL)
        GEN_RAISE(task, r->ask.error);
    printf("request %-3d  %6.2f s  %6.2f s  %6.2f s\n", r->number, r->wanted,
           r->began - r->wanted, tiny_now() - start - r->began);
    GEN_END(task);
    if (task->gen.error != NULL)
        warnx("request %d: %s", r->number, task->gen.error);
    failed += task->gen.error != NULL;
    timeline_mark(r->lane, TIMELINE_IDLE);
    asking_end(&r->ask);
    return false;
}

/* --- A future -------------------------------------------------------------- */

static struct future {
    struct task monitor;
    struct tiny_pair pair; /* a socketpair */
    double result;         /* set before the notice, read after it */
    void (*done)(double result);
} futures[MOST];

/* Waits for the notice in the loop, and calls back there. */
static bool future_monitor(struct task *task, int *waits_for)
{
    struct future *f = (struct future *)task;
    GEN_BEGIN(task);
    do {
        *waits_for = f->pair.event;
        GEN_YIELD(task);
    } while (tiny_notices(&f->pair) == 0);
    //> This is the loop's thread, so the callback may add tasks to it.
    f->done(f->result);
    GEN_END(task);
    if (task->gen.error != NULL)
        tiny_die("a future", task->gen.error);
    tiny_pair_close(&f->pair);
    return false;
}

/* From any thread. After it the future belongs to the loop. */
static void future_set_done(struct future *f, double result)
{
    f->result = result;
    //> info threads: the loop waits in select. After this line it does not.
    tiny_notify(&f->pair);
}

static void future_open(struct future *f, void (*done)(double result))
{
    tiny_pair_open(&f->pair);
    f->monitor.next = future_monitor;
    f->done = done;
}

/* --- What comes from other threads ----------------------------------------- */

/* A task of the loop, too: it takes the others out. For each of them there is
 * a byte in the socketpair, and one for the end.
 */
static struct inbox {
    struct task task;
    struct queue queue; /* the one thing here that has a lock */
    struct tiny_pair pair;
} inbox;

static bool inbox_next(struct task *task, int *waits_for)
{
    GEN_BEGIN(task);
    while (true) {
        *waits_for = inbox.pair.event;
        GEN_YIELD(task);
        for (int n = tiny_notices(&inbox.pair); n > 0; n--) {
            //> One byte, one task: the queue will not make us wait.
            struct task *new_one = queue_get(&inbox.queue);
            if (new_one == NULL)
                goto gen_end;
            tiny_add_task(&loop, new_one);
        }
    }
    GEN_END(task);
    return false;
}

/* From any thread. */
static void add_task_threadsafe(struct task *task)
{
    queue_put(&inbox.queue, task);
    tiny_notify(&inbox.pair);
}

/* --- The talk's example ---------------------------------------------------- */

static void start_request(double wanted)
{
    static int number;
    struct request *r = &requests[number++];
    r->task.next = request_next;
    r->number = number;
    r->lane = timeline_lane("request %d", number);
    r->wanted = wanted;
    tiny_add_task(&loop, &r->task);
}

/* The other thread: it never touches the loop, nor anything that the loop
 * touches without a lock.
 */
static void *produce(void *unused)
{
    for (int i = 0; i < count; i++) {
        struct future *f = &futures[i];
        future_open(f, start_request);
        add_task_threadsafe(&f->monitor);
        tiny_sleep(every);
        future_set_done(f, tiny_now() - start);
    }
    queue_close(&inbox.queue);
    tiny_notify(&inbox.pair);
    return unused;
}

int main(int argc, char **argv)
{
    static const char *given;
    static const struct cli cli = {
        .about = "run requests in a loop that another thread starts",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&count, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {0, "every", "start one every so many {seconds}",
                     CLI_DOUBLE(&every, 0, 60)},
                    {'u', "url", "ask {URL}, not a server of ours",
                     CLI_TEXT(&given)},
                    TIMELINE_OPTIONS},
    };
    pthread_t producer;
    cli_parse(&cli, argc, argv);
    timeline_start(count + 1);
    given = server_url(given, "04_threads/server_threads", delay);
    if (!http_url_split(given, &url))
        errx(CLI_ERROR, "'%s': not http://host:port/path", given);

    loop.lane = timeline_lane("loop");
    tiny_pair_open(&inbox.pair);
    if (queue_init(&inbox.queue, TINY_NOTICES) == -1)
        err(CLI_ERROR, "the inbox");
    inbox.task.next = inbox_next;
    tiny_add_task(&loop, &inbox.task);

    printf("\n             asked at   late by      took\n");
    start = tiny_now();
    errno = pthread_create(&producer, NULL, produce, NULL);
    if (errno != 0)
        err(CLI_ERROR, "producer");
    tiny_run_forever(&loop);
    pthread_join(producer, NULL);
    queue_destroy(&inbox.queue);
    tiny_pair_close(&inbox.pair);
    printf("\nselect waited a second in vain: %d times\n", loop.timeouts);
    timeline_finish();
    return failed == 0 ? CLI_OK : CLI_ERROR;
}
