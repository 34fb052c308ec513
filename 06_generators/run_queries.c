/* run_queries.c: the queue holds only generators whose socket select calls
 * ready.
 *
 * Cells: D06, D08
 * Run:   make run_queries; make run_queries ARGS='-n 500'
 * Ask:   who looks after a generator that has stopped, and how does that one
 *        know when to resume it?
 * Watch: each is resumed twice, to begin and to take its answer, and gets that
 *        when it comes. The thread waits in one place, for all of them.
 * See:   run_queries_turns.c, which resumes whoever is next; scheduler.c, which
 *        also waits to write; run_queries.gdb, the generators as they sleep
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "06_generators/asking.h"
#include "06_generators/gen.h"

enum { MOST = 2000, PATIENCE = 10, SLOWER = 4 };

static int count = 5;
static double delay = 0.25;
static struct http_url slow, quick; /* the first query asks the slow server */
static int thread_lane, failed;

static struct query {
    struct gen gen;
    struct asking ask;
    const struct http_url *url;
    int number, lane;
    long resumed;
    double sent, took; /* seconds */
} queries[MOST];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Returns whether there is more to come. */
static bool receive(struct query *q)
{
    char bytes[4096];
    //> Whoever comes by here has an answer, or the end of one: recv will not
    //> wait.
    ssize_t n = recv(q->ask.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return asking_take(&q->ask, bytes, n);
}

/* The request by hand: socket, connect, send, recv, close. In the middle it
 * stops, and says which socket it waits for.
 */
static bool query_next(struct query *q, int *waits_for)
{
    GEN_BEGIN(q);
    q->sent = now();
    if (!asking_start(&q->ask, q->url, delay * SLOWER + PATIENCE))
        GEN_RAISE(q, q->ask.error);
    timeline_mark(q->lane, TIMELINE_WAIT);
    do {
        *waits_for = q->ask.fd;
        //> The request is sent. Now it stops here, until somebody knows that
        //> there is something to receive.
        GEN_YIELD(q);
    } while (receive(q));
    if (q->ask.error != NULL)
        GEN_RAISE(q, q->ask.error);
    GEN_END(q);
    asking_end(&q->ask);
    q->took = now() - q->sent;
    timeline_mark(q->lane, TIMELINE_IDLE);
    return false;
}

/* Those that can go on, a ring; and those that have stopped, each at the number
 * of the socket it waits for.
 */
static struct query *tasks[MOST];
static int first, waiting;
static struct query *stopped[FD_SETSIZE];
static int stopped_count;

static void put(struct query *q)
{
    tasks[(first + waiting++) % MOST] = q;
}

static struct query *take(void)
{
    struct query *q = tasks[first];
    first = (first + 1) % MOST;
    waiting--;
    return q;
}

/* Moves those from stopped to tasks whose sockets are ready; waits until there
 * is one.
 */
static void select_ready(void)
{
    fd_set ready;
    struct timeval patience = {(time_t)(delay * SLOWER) + PATIENCE, 0};
    int most = -1;
    FD_ZERO(&ready);
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
        if (stopped[fd] != NULL) {
            FD_SET(fd, &ready);
            most = fd;
        }
    }
    timeline_mark(thread_lane, TIMELINE_WAIT);
    //> Nobody can go on. This is where the thread waits, for all sockets at
    //> once; ready says which, and will say which are ready.
    int n = select(most + 1, &ready, NULL, NULL, &patience);
    timeline_mark(thread_lane, TIMELINE_RUN);
    if (n == -1 && errno != EINTR)
        err(CLI_ERROR, "select");
    for (int fd = 0; fd <= most && n != -1; fd++) {
        if (stopped[fd] == NULL || (n > 0 && !FD_ISSET(fd, &ready)))
            continue;
        put(stopped[fd]); /* all of them where the time is over */
        stopped[fd] = NULL;
        stopped_count--;
    }
}

static void run_queries(void)
{
    while (waiting > 0 || stopped_count > 0) {
        if (waiting == 0)
            select_ready();
        while (waiting > 0) {
            struct query *q = take();
            int waits_for;
            q->resumed++;
            if (!query_next(q, &waits_for)) {
                failed += q->gen.error != NULL;
                if (q->gen.error != NULL)
                    warnx("query %d: %s", q->number, q->gen.error);
            } else if (waits_for >= FD_SETSIZE) {
                gen_throw(&q->gen, "its socket is too high for select");
                put(q);
            } else {
                //> It stays here, and nobody touches it until select has
                //> something to say of its socket: p *q
                stopped[waits_for] = q;
                stopped_count++;
            }
        }
    }
}

static void show(void)
{
    struct stopwatch watch;
    long resumed = 0;
    thread_lane = timeline_lane("thread");
    for (int i = 0; i < count; i++) {
        queries[i] = (struct query){.number = i + 1,
                                    .url = i == 0 ? &slow : &quick,
                                    .lane = timeline_lane("query %d", i + 1)};
        put(&queries[i]);
    }
    stopwatch_start(&watch);
    timeline_mark(thread_lane, TIMELINE_RUN);
    run_queries();
    timeline_mark(thread_lane, TIMELINE_IDLE);
    stopwatch_stop(&watch);

    for (int i = 0; i < count; i++) {
        printf("query %-3d     %.2f s\n", i + 1, queries[i].took);
        resumed += queries[i].resumed;
    }
    printf("all           %.2f s\n", watch.wall);
    printf("resumed       %ld times\n", resumed);
    printf("cores busy    %.2f\n\n", stopwatch_cores(&watch));
}

int main(int argc, char **argv)
{
    static const char *url;
    static const struct cli cli = {
        .about = "make requests as generators, and resume those that are ready",
        .options = {{'n', "queries", "how many queries",
                     CLI_INT(&count, 1, MOST)},
                    {'d', "delay", "{seconds} that the quick server takes",
                     CLI_DOUBLE(&delay, 0, 15)},
                    {'u', "url", "ask {URL}, not servers of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(count + 1);
    asking_servers(&slow, SLOWER * delay, &quick, delay, url);
    printf("\n");

    show();
    timeline_finish();
    return failed == 0 ? CLI_OK : CLI_ERROR;
}
