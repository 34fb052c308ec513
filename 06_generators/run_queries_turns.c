/* run_queries_turns.c: stopped generators in a queue are resumed in turn, ready
 * or not.
 *
 * Cells: D06, D07
 * Run:   make run_queries_turns; make run_queries_turns ARGS='-n 20 -d 0.1'
 * Ask:   all five have sent their request; the server of the first is slow.
 *        When do the others get their answers?
 * Watch: recv waits for whoever's turn it is, and the other answers lie there.
 *        Where recv does not wait they are taken at once, but ten times to
 *        resume somebody have become a million, and a core is busy.
 * See:   run_queries.c, which resumes only those whose answer is there
 */
#include <err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "06_generators/asking.h"
#include "06_generators/gen.h"

enum { MOST = 1000, PATIENCE = 10, SLOWER = 4 };

static int count = 5;
static double delay = 0.25;
static struct http_url slow, quick; /* the first query asks the slow server */
static int thread_lane, failed;

struct query {
    struct gen gen;
    struct asking ask;
    const struct http_url *url;
    int number, lane;
    int how; /* 0, or MSG_DONTWAIT */
    long resumed;
    double sent, took; /* seconds */
};

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
    if (q->how != MSG_DONTWAIT)
        timeline_mark(thread_lane, TIMELINE_WAIT);
    //> Nobody knows whether there is an answer for this one. recv waits until
    //> there is, and all the others with it.
    ssize_t n = recv(q->ask.fd, bytes, sizeof bytes, q->how);
    timeline_mark(thread_lane, TIMELINE_RUN);
    return asking_take(&q->ask, bytes, n);
}

/* The request by hand: socket, connect, send, recv, close. In the middle it
 * stops, and says which socket it would wait for.
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
        //> The request is sent. Instead of waiting the generator stops here,
        //> and somebody else may run.
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

/* Where those are that have stopped: a ring, the oldest at first. */
static struct query *tasks[MOST];
static int first, waiting;

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

static void run_queries(void)
{
    while (waiting > 0) {
        struct query *q = take();
        int waits_for;
        q->resumed++;
        if (query_next(q, &waits_for)) {
            //> It would wait for this socket, and nobody here listens: back
            //> into the queue, to be resumed when its turn comes.
            put(q);
        } else if (q->gen.error != NULL) {
            warnx("query %d: %s", q->number, q->gen.error);
            failed++;
        }
    }
}

static void show(const char *title, int how)
{
    static struct query queries[MOST];
    struct stopwatch watch;
    long resumed = 0;
    thread_lane = timeline_lane("%s: thread", title);
    for (int i = 0; i < count; i++) {
        queries[i] = (struct query){.number = i + 1,

                                    .url = i == 0 ? &slow : &quick,
                                    .how = how,
                                    .lane = timeline_lane("query %d", i + 1)};
        put(&queries[i]);
    }
    stopwatch_start(&watch);
    timeline_mark(thread_lane, TIMELINE_RUN);
    run_queries();
    timeline_mark(thread_lane, TIMELINE_IDLE);
    stopwatch_stop(&watch);

    printf("%s\n", title);
    for (int i = 0; i < count; i++) {
        printf("query %-3d     %.2f s\n", i + 1, queries[i].took);
        resumed += queries[i].resumed;
    }
    printf("all           %.2f s\n", watch.wall);
    //> Each has to be resumed twice: to begin, and to take its answer.
    printf("resumed       %ld times\n", resumed);
    printf("cores busy    %.2f\n\n", stopwatch_cores(&watch));
}

int main(int argc, char **argv)
{
    static const char *url;
    static const struct cli cli = {
        .about = "make requests as generators, and resume them in turn",
        .options = {{'n', "queries", "how many queries",
                     CLI_INT(&count, 1, MOST)},
                    {'d', "delay", "{seconds} that the quick server takes",
                     CLI_DOUBLE(&delay, 0, 15)},
                    {'u', "url", "ask {URL}, not servers of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(2 * (count + 1));
    asking_servers(&slow, SLOWER * delay, &quick, delay, url);
    printf("\n");

    show("recv waits", 0);
    show("recv does not wait", MSG_DONTWAIT);
    timeline_finish();
    return failed == 0 ? CLI_OK : CLI_ERROR;
}
