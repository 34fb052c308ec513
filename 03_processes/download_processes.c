/* download_processes.c: whoever only waits can be had in any number.
 *
 * Cells: A38
 * Run:   make download_processes; make download_processes ARGS='-j 100'
 * Ask:   there are two cores here. Are 16 processes faster than 2?
 * Watch: eight times as many, nearly eight times as fast, though hardly a core
 *        is busy: what is shared out is not work, but waiting.
 * See:   download.c, one alone; count_processes.c, where more processes than
 *        cores bring nothing; 04_threads/download_threads.c
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

enum { MOST = 1000, MOST_DOWNLOADS = 10000, PATIENCE = 10 };

static int downloads = 100;
static int processes; /* 0: as in the notebooks */
static double delay = 0.1;
static const char *url;

static pid_t children[MOST];
static int started, reaped;

static _Noreturn void child(int first, int count, int lane)
{
    timeline_mark(lane, TIMELINE_WAIT);
    for (int i = first; i < first + count; i++) {
        struct page page;
        if (!page_get(url, delay + PATIENCE, &page)) {
            /* In one write, or the lines of two processes would mix. */
            dprintf(STDERR_FILENO, "%s: download %d: %s\n",
                    program_invocation_short_name, i, page.why);
            _exit(CLI_ERROR);
        }
    }
    timeline_mark(lane, TIMELINE_IDLE);
    _exit(CLI_OK);
}

static int wait_for(int i)
{
    int status = 0;
    while (waitpid(children[i], &status, 0) == -1 && errno == EINTR)
        continue;
    return status;
}

/* Whichever way the parent ends, no child stays behind. */
static void end_children(void)
{
    for (int i = reaped; i < started; i++)
        kill(children[i], SIGKILL);
    while (reaped < started)
        wait_for(reaped++);
}

static void start_children(int n)
{
    int lanes[MOST];
    for (int i = 0; i < n; i++)
        lanes[i] = timeline_lane("%d: process %d", n, i + 1);
    int first = 1;
    started = reaped = 0;
    fflush(stdout);
    for (int i = 0; i < n; i++) {
        /* The first ones also do what is left over. The notebook's division
         * drops that: its 16 processes make 96 downloads, not 100.
         */
        int share = downloads / n + (i < downloads % n);
        //> So many downloads for this child: print share. It does them one
        //> after another, while the others do theirs.
        pid_t pid = fork();
        if (pid == -1)
            err(CLI_ERROR, "process %d of %d", i + 1, n);
        if (pid == 0)
            child(first, share, lanes[i]);
        children[started++] = pid;
        first += share;
    }
}

static void reap_children(int n)
{
    int failed = 0;
    while (reaped < started) {
        //> The parent waits for its children, and they wait for the server:
        //> who works?
        int status = wait_for(reaped++);
        if (WIFSIGNALED(status))
            warnx("process %d: killed by signal %d", reaped, WTERMSIG(status));
        failed += status != 0;
    }
    if (failed > 0)
        errx(CLI_ERROR, "%d of %d processes failed", failed, n);
}

static void show(int n, const char *recorded)
{
    struct stopwatch watch;
    stopwatch_start(&watch);
    start_children(n);
    reap_children(n);
    stopwatch_stop(&watch);
    printf("processes    %d\n", n);
    printf("downloads    %d\n", downloads);
    //> print watch: the CPU needs the same for 2 processes as for 16.
    printf("this run     %.3g s\n", watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     %s\n\n", recorded);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "download a page many times, in several processes",
        .options = {{'n', "downloads", "how many downloads",
                     CLI_INT(&downloads, 1, MOST_DOWNLOADS)},
                    {'j', "processes", "how many {N}; without it 2, then 16",
                     CLI_INT(&processes, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    if (atexit(end_children) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    timeline_start(processes == 0 ? 2 + 16 : processes);
    url = server_url(url, "03_processes/server", delay);

    static const char two[] = "5.39 s with 2 processes (Python, 2017)";
    static const char sixteen[] = "0.842 s with 16 processes (Python, 2016)";
    if (processes < 16)
        show(processes == 0 ? 2 : processes, two);
    if (processes == 0 || processes >= 16)
        show(processes == 0 ? 16 : processes, sixteen);
    timeline_finish();
    return CLI_OK;
}
