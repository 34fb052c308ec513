/* process_pool.c: a worker is killed in the middle of it, and one job is lost.
 *
 * Cells: A39b
 * Run:   make process_pool; make process_pool ARGS='-j 4'
 * Ask:   download 42 kills the very process that it runs in. What becomes of
 *        the other downloads, and who notices?
 * Watch: two jobs fail, each reported by its number: one says why itself, of
 *        the other one the kernel tells. A new process takes the place of the
 *        dead one. Threads would all have died together.
 * See:   fork_pool.c; 04_threads/thread_pool.c, the same with threads
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/fork_pool.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

/* Download 17 asks for a page that the server does not have, and 42 kills. */
enum {
    MOST = 10000,
    MOST_WORKERS = 1000,
    PATIENCE = 10,
    WRONG = 17,
    KILL = 42
};

static int downloads = 100;
static int processes = 64;
static double delay = 0.1;
static const char *url;

/* What goes over to a worker: all of it, and no pointer. */
struct download {
    int number;
    char url[300];
};

static struct fork_future *futures[MOST];

/* The job. It runs in a worker: a variable that it sets is set there alone. */
static void download(const void *argument, struct fork_answer *answer)
{
    static int lane = -1;
    const struct download *d = argument;
    struct page page;
    if (lane == -1)
        lane = timeline_lane("process %d", getpid());
    if (d->number == KILL)
        raise(SIGKILL);
    timeline_mark(lane, TIMELINE_WAIT);
    if (page_get(d->url, delay + PATIENCE, &page))
        fork_pool_return(answer, &page, sizeof page);
    else
        fork_pool_raise(answer, "%s", page.why);
    timeline_mark(lane, TIMELINE_IDLE);
}

static void submit_all(struct fork_pool *pool)
{
    for (int i = 0; i < downloads; i++) {
        struct download d = {.number = i + 1};
        snprintf(d.url, sizeof d.url, "%s%s", url,
                 d.number == WRONG ? "missing" : "");
        //> The bytes of d are sent to a worker that has nothing to do, or kept
        //> until one has. A pointer among them would mean nothing over there.
        futures[i] = fork_pool_submit(pool, download, &d, sizeof d);
        if (futures[i] == NULL)
            err(CLI_ERROR, "download %d", d.number);
    }
}

/* Returns how many came. */
static int take_results(void)
{
    struct fork_completed completed;
    struct fork_future *f;
    int came = 0;
    fork_pool_as_completed(&completed, futures, (size_t)downloads);
    while ((f = fork_pool_next(&completed)) != NULL) {
        const struct download *d = (const void *)f->request.bytes;
        //> One is done, whichever that is: print d->number. The next line asks
        //> for its result.
        const struct page *page = fork_pool_result(f);
        if (page != NULL && came++ < 5)
            printf("download %d came, %zu bytes\n", d->number, page->length);
        if (page == NULL)
            //> An error that the job has raised, or how its worker ended.
            printf("download %d failed: %s\n", d->number,
                   fork_pool_exception(f));
    }
    fork_pool_completed_end(&completed);
    for (int i = 0; i < downloads; i++)
        fork_pool_release(futures[i]);
    return came;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "download a page many times, by a pool of processes",
        .options = {{'n', "downloads", "how many downloads",
                     CLI_INT(&downloads, 1, MOST)},
                    {'j', "processes", "how many processes in the pool",
                     CLI_INT(&processes, 1, MOST_WORKERS)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(processes + 1);
    url = server_url(url, "03_processes/server", delay);

    static struct fork_pool pool;
    struct stopwatch watch;
    stopwatch_start(&watch);
    if (fork_pool_init(&pool, processes) == -1)
        err(CLI_ERROR, "process %d of %d", pool.started + 1, processes);
    submit_all(&pool);
    int came = take_results();
    fork_pool_shutdown(&pool, false);
    stopwatch_stop(&watch);

    timeline_finish();
    printf("processes    %d\n", processes);
    printf("killed       %d\n", pool.lost);
    printf("started anew %d\n", pool.started - processes);
    printf("came         %d\n", came);
    printf("failed       %d\n", downloads - came);
    printf("this run     %.3g s\n", watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     0.459 s by threads (Python, 2017)\n");
    int wrong = (downloads >= WRONG) + (downloads >= KILL);
    return came >= downloads - wrong ? CLI_OK : CLI_ERROR;
}
