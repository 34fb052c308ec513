/* download_async_processes.c: the hundred downloads over two processes, each
 * with a loop of its own.
 *
 * Cells: A62
 * Run:   make download_async_processes
 *        make download_async_processes ARGS='-j 4 -n 1000'
 * Ask:   one loop needed one delay for all of them. What will two loops bring?
 * Watch: nothing here: those who only wait have no work to share. It pays when
 *        a core is busy with the answers, for a loop never uses more than one.
 * See:   download_async.c, one loop; 03_processes/download_processes.c, which
 *        has no loop, and needs a process for each
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/fork_pool.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "07_eventloop/async_http.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/waiting.h"

enum { MOST = 64, MOST_DOWNLOADS = 1000, PATIENCE = 10 };

static int downloads = 100;
static int processes = 2;
static double delay = 0.1;
static const char *url;
static struct http_url parts;

/* --- In one of the processes ----------------------------------------------- */

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
    AWAIT_CALL(c, async_http, .url = &parts);
    if (!page_came(url, &c->async_http.reply, &c->page))
        GEN_RAISE(c, c->page.why);
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    http_reply_free(&c->async_http.reply);
    return false;
}

struct share {
    int first, count; /* which downloads */
};

static int lanes[MOST_DOWNLOADS];

/* Each process has its own: they share nothing. */
static struct task *tasks[MOST_DOWNLOADS];
static struct future *futures[MOST_DOWNLOADS];

struct worker {
    struct gen gen;
    const struct share *share;
    struct future *all;
    struct wait_for wait_for;
};

static bool worker(void *frame, struct future **awaits)
{
    struct worker *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    for (int i = 0; i < c->share->count; i++) {
        int lane = lanes[c->share->first + i - 1];
        tasks[i] = task_create(loop, download, .lane = lane);
        futures[i] = &tasks[i]->future;
    }
    c->all = gather(loop, futures, (size_t)c->share->count, false);
    AWAIT_CALL(c, wait_for, .future = c->all, .seconds = delay + PATIENCE);
    GEN_END(c);
    future_release(c->all);
    return false;
}

static void run(const void *argument, struct fork_answer *answer)
{
    const struct share *share = argument;
    /* A loop for this process, and for its share alone. */
    const char *error = loop_run(worker, .share = share);
    /* It may lie in the frame of a task. */
    if (error != NULL)
        fork_pool_raise(answer, "%s", error);
    for (int i = 0; i < share->count; i++)
        task_release(tasks[i]);
}

/* --- In the parent --------------------------------------------------------- */

static void share_out(struct share shares[MOST])
{
    int first = 1;
    for (int i = 0; i < processes; i++) {
        int count = downloads / processes + (i < downloads % processes);
        shares[i] = (struct share){first, count};
        for (int n = first; n < first + count; n++)
            lanes[n - 1] = timeline_lane("process %d, download %d", i + 1, n);
        first += count;
    }
}

static void run_in_processes(void)
{
    struct fork_pool pool;
    struct fork_future *jobs[MOST];
    struct share shares[MOST];
    share_out(shares);
    //> The loops are made later, one in each child. One that two processes had
    //> would give to each what is meant for the other.
    if (fork_pool_init(&pool, processes) == -1)
        err(CLI_ERROR, "process %d of %d", pool.started + 1, processes);
    for (int i = 0; i < processes; i++) {
        jobs[i] = fork_pool_submit(&pool, run, &shares[i], sizeof *shares);
        if (jobs[i] == NULL)
            err(CLI_ERROR, "process %d", i + 1);
    }
    for (int i = 0; i < processes; i++) {
        //> The parent waits here. In the children run(), with its loop, is
        //> under way: info inferiors
        const char *error = fork_pool_exception(jobs[i]);
        if (error != NULL)
            errx(CLI_ERROR, "process %d: %s", i + 1, error);
        fork_pool_release(jobs[i]);
    }
    fork_pool_shutdown(&pool, false);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "download a page many times, as coroutines of some processes",
        .options = {{'n', "downloads", "how many downloads",
                     CLI_INT(&downloads, 1, MOST_DOWNLOADS)},
                    {'j', "processes", "how many processes",
                     CLI_INT(&processes, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(downloads);
    url = server_url(url, "04_threads/server_threads", delay);
    if (!http_url_split(url, &parts))
        errx(CLI_ERROR, "'%s': not http://host:port/path", url);

    struct stopwatch watch;
    stopwatch_start(&watch);
    run_in_processes();
    stopwatch_stop(&watch);

    timeline_finish();
    printf("processes    %d\n", processes);
    printf("downloads    %d\n", downloads);
    printf("this run     %.3g s\n", watch.wall);
    if (delay > 0)
        printf("delays       %.4g\n", watch.wall / delay);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     0.226 s (Python, 2017)\n");
    return CLI_OK;
}
