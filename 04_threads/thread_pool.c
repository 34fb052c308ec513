/* thread_pool.c: a fixed crew of threads, and futures of what they will bring.
 *
 * Cells: A39
 * Run:   make thread_pool; make thread_pool ARGS='-t 4'
 * Ask:   100 jobs for 64 threads: who does the other 36? And who learns of it
 *        when one goes wrong in another thread?
 * Watch: pool_submit returns before the job is done; results are taken in the
 *        order in which they come; an error waits in its future until somebody
 *        asks for the result, and hurts no other job.
 * See:   pool.c; download_threads.c, where each thread has its share
 *        beforehand; 03_processes/process_pool.c, the same with processes
 */
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "04_threads/pool.h"

/* Download 17 asks for a page that the server does not have. */
enum { MOST = 10000, PATIENCE = 10, WRONG = 17 };

static int downloads = 100;
static int threads = 64;
static double delay = 0.1;
static const char *url;

static struct download {
    int number;
    char url[300];
    struct page page;
} list[MOST];
static struct pool_future *futures[MOST];

static int lane(void)
{
    static atomic_int workers;
    static _Thread_local int own = -1;
    if (own == -1)
        own = timeline_lane("thread %d", ++workers);
    return own;
}

/* The job. */
static void *download(void *argument, struct pool_future *self)
{
    struct download *d = argument;
    timeline_mark(lane(), TIMELINE_WAIT);
    //> A thread of the pool. It has taken this job out of the queue, and will
    //> take another when it is through: print d->number
    bool came = page_get(d->url, delay + PATIENCE, &d->page);
    timeline_mark(lane(), TIMELINE_IDLE);
    return came ? &d->page : pool_raise(self, "%s", d->page.why);
}

static void submit_all(struct pool *pool)
{
    for (int i = 0; i < downloads; i++) {
        struct download *d = &list[i];
        d->number = i + 1;
        snprintf(d->url, sizeof d->url, "%s%s", url,
                 d->number == WRONG ? "missing" : "");
        //> This puts the job into a queue. It does not wait for it to be done.
        futures[i] = pool_submit(pool, download, d);
        if (futures[i] == NULL)
            err(CLI_ERROR, "download %d", d->number);
    }
}

/* Returns how many came. */
static int take_results(void)
{
    struct pool_completed completed;
    struct pool_future *f;
    int came = 0;
    if (pool_as_completed(&completed, futures, (size_t)downloads) == -1)
        err(CLI_ERROR, "futures");
    while ((f = pool_next(&completed)) != NULL) {
        const struct download *d = f->argument;
        //> One is done, whichever that is: print d->number. The next line asks
        //> for its result.
        const struct page *page = pool_result(f);
        if (page != NULL && came++ < 5)
            printf("download %d came, %zu bytes\n", d->number, page->length);
        if (page == NULL)
            //> What went wrong in that thread is told in this one.
            printf("download %d failed: %s\n", d->number, pool_exception(f));
    }
    pool_completed_end(&completed);
    for (int i = 0; i < downloads; i++)
        pool_release(futures[i]);
    return came;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "download a page many times, by a pool of threads",
        .options = {{'n', "downloads", "how many downloads",
                     CLI_INT(&downloads, 1, MOST)},
                    {'t', "threads", "how many threads in the pool",
                     CLI_INT(&threads, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(threads);
    url = server_url(url, "04_threads/server_threads", delay);

    struct pool pool;
    struct stopwatch watch;
    stopwatch_start(&watch);
    if (pool_init(&pool, threads) == -1)
        err(CLI_ERROR, "thread %d of %d", pool.threads + 1, threads);
    submit_all(&pool);
    int came = take_results();
    pool_shutdown(&pool, false);
    stopwatch_stop(&watch);

    timeline_finish();
    printf("threads      %d\n", threads);
    printf("came         %d\n", came);
    printf("failed       %d\n", downloads - came);
    printf("this run     %.3g s\n", watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     0.459 s (Python, 2017)\n");
    int wrong = downloads >= WRONG;
    return came >= downloads - wrong ? CLI_OK : CLI_ERROR;
}
