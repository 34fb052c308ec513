/* rps_async.c: a task starts a request each second and waits for none of them.
 *
 * Cells: D15
 * Run:   make rps_async; make rps_async ARGS='--forever --every 1'
 *        make rps_async ARGS='-d 5 --every 1 -n 10'
 * Ask:   an answer takes a tenth of a second. A thousand requests a second were
 *        a hundred threads. How many tasks are that, and who starts them?
 * Watch: as many as are under way, a hundred at once; each is made when it is
 *        needed and gone when it is answered. One thread, hardly busy.
 * See:   04_threads/rps_threads.c; 06_generators/tiny_loop.c, where a thread
 *        was the producer
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "07_eventloop/async_http.h"
#include "07_eventloop/waiting.h"

enum { MOST = 1000, PATIENCE = 10 };

static int count = 5;
static double delay = 0.1, every = 0.2, each = 1;
static bool forever;
static const char *url;
static struct http_url parts;

/* Those of one producer, counted by the tasks; no lock, for they run in turns.
 */
static int under_way, most_at_once, failed;
static double took;
static struct future *idle; /* done when none is under way */

struct make_request {
    struct gen gen;
    int number, lane;
    bool quiet;
    double start, began;
    struct page page;
    struct async_http async_http;
};

static bool make_request(void *frame, struct future **awaits)
{
    struct make_request *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_WAIT);
    if (++under_way > most_at_once)
        most_at_once = under_way;
    c->began = loop_time();
    //> The first request goes out. Its producer sleeps already: tbreak
    //> make_request, and c comes to the next one.
    AWAIT_CALL(c, async_http, .url = &parts);
    took += loop_time() - c->began;
    if (!page_came(url, &c->async_http.reply, &c->page)) {
        warnx("request %d: %s", c->number, c->page.why);
        failed++;
    } else if (!c->quiet) {
        printf("request %-5d %6.2f s  %6.3f s\n", c->number,
               c->began - c->start, loop_time() - c->began);
    }
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    http_reply_free(&c->async_http.reply);
    if (--under_way == 0 && idle != NULL)
        future_set_result(idle, NULL);
    return false;
}

/* --- Who starts them ------------------------------------------------------- */

struct request_producer {
    struct gen gen;
    double every;
    int count; /* 0: until it is cancelled */
    bool quiet;
    int i, lane;
    double start, end; /* of the starting */
    struct sleep_for sleep_for;
    struct wait_for wait_for;
};

/* The chart has room for those that are told one by one. */
static int lane_of(const struct request_producer *c)
{
    return c->quiet || c->i > count ? -1 : timeline_lane("request %d", c->i);
}

static bool request_producer(void *frame, struct future **awaits)
{
    struct request_producer *c = frame;
    GEN_BEGIN(c);
    c->start = loop_time();
    for (c->i = 1; c->i <= c->count || c->count == 0; c->i++) {
        timeline_mark(c->lane, TIMELINE_RUN);
        //> A task is made and left to itself. Nothing is sent yet: that is for
        //> its own turn, when this one sleeps.
        task_release(task_create(loop_running(), make_request, .number = c->i,
                                 .lane = lane_of(c), .quiet = c->quiet,
                                 .start = c->start));
        timeline_mark(c->lane, TIMELINE_WAIT);
        /* Not just `every`: what each sleep is late would add up. */
        AWAIT_CALL_TRY(c, sleep_for,
                       .seconds = c->start + c->i * c->every - loop_time());
        if (gen_catch(&c->gen) != NULL)
            break; /* Ctrl-C; those that are under way are waited for */
    }
    c->end = loop_time();
    if (under_way > 0) {
        idle = future_new(loop_running());
        //> No more requests; the last ones are still under way: print under_way
        AWAIT_CALL(c, wait_for, .future = idle, .seconds = delay + PATIENCE);
    }
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    future_release(idle);
    idle = NULL;
    return false;
}

/* --- The talk, and how far that goes --------------------------------------- */

static const int rates[] = {10, 100, 1000}; /* a second */
enum { RATES = sizeof rates / sizeof *rates };

struct program {
    struct gen gen;
    int i, lane;
    struct stopwatch watch;
    struct request_producer request_producer;
};

static void show_rate(const struct request_producer *c,
                      const struct stopwatch *watch)
{
    printf("%7.3f s  %10.1f  %8.1f ms  %7d  %10.2f\n", c->every,
           c->count / (c->end - c->start), took / c->count * 1000, most_at_once,
           stopwatch_cores(watch));
}

static void cancel(void *task)
{
    future_cancel(task);
}

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    if (loop_add_signal_handler(loop_running(), SIGTERM, cancel,
                                &task_current()->future) == -1)
        err(CLI_ERROR, "SIGTERM");
    printf("\n              started       took\n");
    AWAIT_CALL(c, request_producer, .every = every, .lane = c->lane,
               .count = forever ? 0 : count);
    if (forever || failed > 0 || each == 0)
        goto gen_end;
    printf("\n    every  requests/s   each takes  at once  cores busy\n");
    for (c->i = 0; c->i < RATES; c->i++) {
        most_at_once = 0;
        took = 0;
        stopwatch_start(&c->watch);
        AWAIT_CALL(c, request_producer, .every = 1.0 / rates[c->i], .lane = -1,
                   .count = rates[c->i], .quiet = true);
        stopwatch_stop(&c->watch);
        //> print most_at_once: that many threads it would have been.
        show_rate(&c->request_producer, &c->watch);
    }
    GEN_END(c);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "start requests at a steady rate, from a task",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&count, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {0, "every", "start one every so many {seconds}",
                     CLI_DOUBLE(&every, 0, 60)},
                    {0, "each", "measure each rate for {seconds}; 0: none",
                     CLI_DOUBLE(&each, 0, 60)},
                    {0, "forever", "until Ctrl-C", CLI_FLAG(&forever)},
                    {'u', "url", "ask {URL}, not a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(1 + count);
    url = server_url(url, "04_threads/server_threads", delay);
    if (!http_url_split(url, &parts))
        errx(CLI_ERROR, "'%s': not http://host:port/path", url);
    const char *error =
        loop_run(program, .lane = timeline_lane("request_producer"));
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("\n");
    timeline_finish();
    return failed == 0 ? CLI_OK : CLI_ERROR;
}
