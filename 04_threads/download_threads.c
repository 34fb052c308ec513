/* download_threads.c: a thread for each download, and all are there at once.
 *
 * Cells: A37
 * Run:   make download_threads; make download_threads ARGS='-n 1000 -t 1000'
 * Ask:   in Python two threads counted no faster than one. Will two of them
 *        download faster?
 * Watch: twice as fast with 2, and with 100 the whole lot takes as long as one:
 *        who waits needs no core, and in Python gives back the lock.
 * See:   03_processes/download_processes.c; gil.c; thread_pool.c, which gives
 *        out the work where here each thread has its share beforehand
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

/* A thread has 8 MiB of addresses for its stack unless it is told otherwise; a
 * download needs some 20 KiB.
 */
enum { MOST = 10000, PATIENCE = 10, STACK = 256 * 1024 };

static int downloads = 100;
static int threads; /* 0: as in the notebooks, and then one for each */
static double delay = 0.1;
static const char *url;

/* Nobody else looks into a worker until its thread has been joined. */
static struct worker {
    pthread_t thread;
    int lane;
    int first, count; /* which downloads */
    int failed;       /* the one that went wrong; 0: none */
    struct page page; /* the last one */
} workers[MOST];

static void *work(void *argument)
{
    struct worker *w = argument;
    timeline_mark(w->lane, TIMELINE_WAIT);
    //> Whoever comes by here is a thread: info threads. The loop asks, and each
    //> waits in poll for its answer.
    for (int i = 0; i < w->count; i++) {
        if (!page_get(url, delay + PATIENCE, &w->page)) {
            w->failed = w->first + i;
            break;
        }
    }
    timeline_mark(w->lane, TIMELINE_IDLE);
    return NULL;
}

static void join(int n)
{
    for (int i = 0; i < n; i++) {
        //> The first thread waits here until that one has ended.
        errno = pthread_join(workers[i].thread, NULL);
        if (errno != 0)
            err(CLI_ERROR, "thread %d", i + 1);
    }
}

static void start(struct worker *w, int number, int n)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0)
        error = pthread_attr_setstacksize(&attributes, STACK);
    if (error == 0)
        error = pthread_create(&w->thread, &attributes, work, w);
    if (error != 0) {
        join(number - 1);
        errno = error;
        err(CLI_ERROR, "thread %d of %d", number, n);
    }
    pthread_attr_destroy(&attributes);
}

static void download_in(int n)
{
    int first = 1;
    for (int i = 0; i < n; i++) {
        struct worker *w = &workers[i];
        /* The first ones also do what is left over. The notebook's division
         * drops that: its 64 threads make 64 downloads, not 100.
         */
        w->first = first;
        w->count = downloads / n + (i < downloads % n);
        first += w->count;
        start(w, i + 1, n);
    }
    join(n);
    for (int i = 0; i < n; i++)
        if (workers[i].failed != 0)
            errx(CLI_ERROR, "download %d: %s", workers[i].failed,
                 workers[i].page.why);
}

static void show(int n, const char *recorded)
{
    for (int i = 0; i < n; i++)
        workers[i].lane = timeline_lane("%d: thread %d", n, i + 1);
    struct stopwatch watch;
    stopwatch_start(&watch);
    download_in(n);
    stopwatch_stop(&watch);
    printf("threads      %d\n", n);
    printf("downloads    %d\n", downloads);
    //> print watch: the CPU needs the same for 2 threads as for 100.
    printf("this run     %.3g s\n", watch.wall);
    if (delay > 0)
        printf("delays       %.4g\n", watch.wall / delay);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     %s\n\n", recorded);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "download a page many times, in several threads",
        .options = {{'n', "downloads", "how many downloads",
                     CLI_INT(&downloads, 1, MOST)},
                    {'t', "threads", "how many {N}; without it 2, 64, 100",
                     CLI_INT(&threads, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(threads == 0 ? 2 + 64 + 100 : threads);
    url = server_url(url, "04_threads/server_threads", delay);

    static const struct {
        int threads;
        const char *recorded;
    } notebooks[] = {
        {2, "5.49 s with 2 threads (Python, 2017)"},
        {64, "0.452 s with 64 threads (Python, 2016)"},
        {100, "0.195 s as coroutines of one thread (Python, 2017)"}};
    for (int i = 0; i < 3 && threads == 0; i++)
        show(notebooks[i].threads, notebooks[i].recorded);
    if (threads != 0)
        show(threads, notebooks[threads >= 64].recorded);
    timeline_finish();
    return CLI_OK;
}
