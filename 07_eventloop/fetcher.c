/* fetcher.c: a list of URLs is fetched, ten at a time, into files that nobody
 * sees before they are whole.
 *
 * Cells: C14, C15
 * Run:   make fetcher; make fetcher ARGS='-c 2'
 *        in another terminal: make server ARGS='-p 8000'; and then here:
 *        seq -f 'http://127.0.0.1:8000/?%g' 9 >/tmp/urls.txt
 *        make fetcher ARGS='-c 3 -o /tmp/pages /tmp/urls.txt'
 * Ask:   who waits for a disk, when no poll(2) tells that it is ready?
 * Watch: without arguments it is up against a server that does all that servers
 *        must not. What came is whole, and everything else has its reason.
 * See:   fetch.c, one URL; sink.c, its file; mischief.c, the server
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/fetch.h"
#include "07_eventloop/fetch_report.h"
#include "07_eventloop/fetch_show.h"
#include "07_eventloop/grouping.h"
#include "07_eventloop/urls.h"
#include "07_eventloop/waiting.h"

/* Each has a socket and a file, and 1,024 descriptors are all that one has as a
 * rule.
 */
enum { CONNECTIONS_MAX = 400, LANES = 64, THREADS_MAX = 32 };

static int connections = 10;
static const char *folder;
static double seconds = 60;
static double max_bytes;

static struct fetching fetching = {.retries = 2};
static struct urls urls;
static struct fetch_report report;
static bool stopping, show;

/* --- A worker ------------------------------------------------------------- */

/* It takes the next URL from the list, fetches that, and comes for another. So
 * many workers there are, so many URLs are under way: nobody has to count.
 */
struct worker {
    struct gen gen;
    char text[URLS_LINE];
    int lane;
    struct task *task; /* the fetch */
    struct urls_next urls_next;
    struct wait_for wait_for;
};

static void tell(const struct worker *c, const char *error)
{
    const struct fetch *f = (const struct fetch *)(const void *)c->task->frame;
    char why[100];
    if (error == error_cancelled) {
        report.stopped++;
    } else if (error == error_timeout) {
        snprintf(why, sizeof why, "not whole in %g s (bytes so far: %lld)",
                 seconds, (long long)f->length);
        fetch_report_failed(&report, c->urls_next.line, c->text, why);
    } else if (error != NULL || f->outcome == FETCH_FAILED) {
        fetch_report_failed(&report, c->urls_next.line, c->text,
                            error != NULL ? error : f->why);
    } else if (f->outcome == FETCH_THERE) {
        fetch_report_there(&report, f->name);
    } else {
        fetch_report_came(&report, f->name, f->length);
    }
}

static bool worker(void *frame, struct future **awaits)
{
    struct worker *c = frame;
    GEN_BEGIN(c);
    while (!stopping) {
        //> The list is read no further than this: however long it is, there
        //> are as many URLs in memory as there are workers.
        AWAIT_CALL(c, urls_next, .urls = &urls, .text = c->text);
        if (c->urls_next.ended)
            break;
        if (c->urls_next.why != NULL) {
            fetch_report_failed(&report, c->urls_next.line, c->text,
                                c->urls_next.why);
            continue;
        }
        //> A task, so that there is something to cancel when its time is up:
        //> print c->text
        c->task = task_create(loop_running(), fetch, .all = &fetching,
                              .wanted = c->urls_next.url);
        c->lane = timeline_lane("%s", c->urls_next.url.target);
        timeline_mark(c->lane, TIMELINE_WAIT);
        report.running++;
        AWAIT_CALL_TRY(c, wait_for, .future = &c->task->future,
                       .seconds = seconds);
        report.running--;
        timeline_mark(c->lane, TIMELINE_IDLE);
        //> The task has ended, in whatever way, and so have its thread's jobs:
        //> print c->text, print *(struct fetch *)c->task->frame
        tell(c, gen_catch(&c->gen));
        task_release(c->task);
        c->task = NULL;
    }
    GEN_END(c);
    task_release(c->task);
    return false;
}

/* --- All of it ------------------------------------------------------------ */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

/* Ctrl-C, the first time; the second time it ends the program as ever. */
static void stop(void *task)
{
    for (int i = 0; i < SIGNALS; i++)
        loop_remove_signal_handler(loop_running(), signals[i]);
    stopping = true;
    future_cancel(task);
}

static void stop_on_signals(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (loop_add_signal_handler(loop_running(), signals[i], stop,
                                    &task_current()->future) == -1)
            err(CLI_ERROR, "signal %d", signals[i]);
}

/* Returns the status. */
static int finish(void)
{
    fetch_report_end(&report);
    urls_close(&urls);
    close(fetching.folder);
    timeline_finish();
    if (urls.error != 0)
        warnx("%s: %s", urls.name, strerror(urls.error));
    bool good = !stopping && urls.error == 0;
    if (show && good)
        fetch_show_check(&report, connections);
    else
        good = good && report.failed == 0;
    fetch_report_free(&report);
    return good ? CLI_OK : CLI_ERROR;
}

struct fetch_all {
    struct gen gen;
    const char *error;
    struct task *progress;
    struct task_group group;
    struct task_group_leave task_group_leave;
};

static bool fetch_all(void *frame, struct future **awaits)
{
    struct fetch_all *c = frame;
    int threads = connections < THREADS_MAX ? connections + 1 : THREADS_MAX;
    GEN_BEGIN(c);
    loop_running()->slow_callback = 0; /* if one is, it is the machine */
    stop_on_signals();
    if (loop_set_default_executor(loop_running(), threads) == -1)
        err(CLI_ERROR, "%d threads", threads);
    if (report.terminal)
        c->progress = task_create(loop_running(), fetch_progress,
                                  .report = &report, .bytes = &fetching.bytes);
    task_group_begin(&c->group);
    for (int i = 0; i < connections; i++)
        task_release(task_group_create(&c->group, worker, .lane = -1));
    //> That is all the bound there is. None of them has run yet.
    AWAIT_CALL_TRY(c, task_group_leave, .group = &c->group);
    //> Nobody is left; with Ctrl-C they are all cancelled, and half-written
    //> files gone.
    c->error = gen_catch(&c->gen);
    if (c->error != NULL && !stopping)
        GEN_RAISE(c, c->error);
    GEN_END(c);
    if (c->progress != NULL)
        future_cancel(&c->progress->future);
    task_release(c->progress);
    fetch_pool_free(&fetching.pool);
    /* A name server that is silent is not waited for: that thread has nothing
     * that anybody would miss.
     */
    if (c->gen.error == NULL && fetch_asks())
        exit(finish());
    return false;
}

static void open_folder(const char *name)
{
    if (mkdir(name, 0777) == -1 && errno != EEXIST)
        err(CLI_ERROR, "%s", name);
    fetching.folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fetching.folder == -1)
        err(CLI_ERROR, "%s", name);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "fetch the URLs in a file, one a line, # comments; -: stdin",
        .operands = "[FILE | -]",
        .options = {{'c', "connections", "at most {N} at once",
                     CLI_INT(&connections, 1, CONNECTIONS_MAX)},
                    {'o', "output", "files go to {DIR}, not here",
                     CLI_TEXT(&folder)},
                    {'t', "timeout", "{seconds} for the whole of a URL",
                     CLI_DOUBLE(&seconds, 0.01, 1e5)},
                    {'r', "retries", "try again {N} times",
                     CLI_INT(&fetching.retries, 0, 100)},
                    {0, "max-bytes", "not more than {N} bytes each; 0: any",
                     CLI_DOUBLE(&max_bytes, 0, 9e15)},
                    {0, "fsync", "files survive a power cut",
                     CLI_FLAG(&fetching.sync)},
                    {0, "continue", "fetch only what is missing",
                     CLI_FLAG(&fetching.only_missing)},
                    TIMELINE_OPTIONS},
    };
    int first = cli_parse(&cli, argc, argv);
    const char *list = argv[first];
    if (list != NULL && argv[first + 1] != NULL)
        errx(CLI_USAGE, "'%s': only one list, please", argv[first + 1]);
    show = list == NULL;
    if (show && folder != NULL)
        errx(CLI_USAGE, "-o '%s': a list of URLs is missing", folder);
    signal(SIGPIPE, SIG_IGN); /* who reads our output may leave: files go on */
    if (show || timeline_svg_file != NULL || timeline_trace_file != NULL)
        timeline_start(LANES);
    if (show) {
        list = fetch_show_begin(&folder);
        seconds = seconds > 1 ? 1 : seconds;
        max_bytes = FETCH_SHOW_BYTES;
    }
    fetching.max_bytes = (int64_t)max_bytes;
    if (urls_open(&urls, list) == -1)
        err(CLI_ERROR, "%s", list);
    open_folder(folder != NULL ? folder : ".");
    if (fetch_pool_init(&fetching.pool, connections) == -1)
        err(CLI_ERROR, "%d connections", connections);
    fetch_report_begin(&report);

    const char *error = loop_run(fetch_all, .progress = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    return finish();
}
