/* download_async.c: a hundred downloads at once, and one thread waits for all.
 *
 * Cells: A59
 * Run:   make download_async; make download_async ARGS='-n 2000'
 *        LOOP_BACKEND=select build/07_eventloop/download_async
 * Ask:   a hundred threads took as long as one download. And how many threads
 *        does a hundred coroutines take?
 * Watch: the one that we have. The coroutine reads like download.c, a line
 *        after another; where that waits, this one lets the others run.
 * See:   04_threads/download_threads.c; async_http.c, the request;
 *        download_async_processes.c, the same on two cores
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "04_threads/file_limit.h"
#include "07_eventloop/async_http.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/waiting.h"

enum { MOST = 10000, PATIENCE = 10 };

static int downloads = 100;
static double delay = 0.1;
static const char *url;
static struct http_url parts;

struct download {
    struct gen gen;
    int lane;
    struct page page;
    struct async_http async_http;
};

static bool download(void *frame, struct future **awaits)
{
    struct download *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_WAIT);
    //> Whoever comes by here is a coroutine: bt. It asks, and returns to the
    //> loop until there is an answer: finish.
    AWAIT_CALL(c, async_http, .url = &parts);
    //> The answer: print c->async_http.reply.body
    if (!page_came(url, &c->async_http.reply, &c->page))
        GEN_RAISE(c, c->page.why);
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    http_reply_free(&c->async_http.reply);
    return false;
}

/* They are held to the end: an error may lie in the frame of one of them. */
static struct task *tasks[MOST];
static struct future *futures[MOST];

struct worker {
    struct gen gen;
    struct future *all;
    struct wait_for wait_for;
};

static bool worker(void *frame, struct future **awaits)
{
    struct worker *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    for (int i = 0; i < downloads; i++) {
        //> A task for each, and none of them has run yet.
        tasks[i] = task_create(loop, download,
                               .lane = timeline_lane("download %d", i + 1));
        futures[i] = &tasks[i]->future;
    }
    c->all = gather(loop, futures, (size_t)downloads, false);
    AWAIT_CALL(c, wait_for, .future = c->all, .seconds = delay + PATIENCE);
    //> All have their answers. How many threads were there? info threads
    GEN_END(c);
    future_release(c->all);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "download a page many times, as coroutines of one thread",
        .options = {{'n', "downloads", "how many downloads",
                     CLI_INT(&downloads, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    file_limit_raise();
    timeline_start(downloads);
    url = server_url(url, "04_threads/server_threads", delay);
    if (!http_url_split(url, &parts))
        errx(CLI_ERROR, "'%s': not http://host:port/path", url);

    struct stopwatch watch;
    stopwatch_start(&watch);
    const char *error = loop_run(worker, .all = NULL);
    stopwatch_stop(&watch);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    for (int i = 0; i < downloads; i++)
        task_release(tasks[i]);

    timeline_finish();
    printf("downloads    %d\n", downloads);
    //> print watch: the CPU needs less than for the threads.
    printf("this run     %.3g s\n", watch.wall);
    if (delay > 0)
        printf("delays       %.4g\n", watch.wall / delay);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     0.195 s (Python, 2017), 0.232 s (2016)\n");
    return CLI_OK;
}
