/* download.c: a hundred downloads one after another, and nobody works.
 *
 * Cells: A36
 * Run:   make download; make download ARGS='-n 10 -d 0.5'
 *        in another terminal: make server ARGS='-p 8000'; then here:
 *        make download ARGS='-u http://127.0.0.1:8000/'
 * Ask:   the server takes 0.1 s for an answer. How busy is our core?
 * Watch: 10 seconds for a hundred answers, and next to none of them on the
 *        CPU: each line waits until the one above it has ended.
 * See:   download_processes.c, several at once; count.c, which computes
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/http_client.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

enum { MOST = 10000, PATIENCE = 10 };

static int downloads = 100;
static double delay = 0.1;
static const char *url;

/* Returns the length of the page. */
static size_t download(int number)
{
    struct http_reply reply;
    //> One request and its answer. This line takes a tenth of a second, and
    //> nearly all of that in poll(2), off the CPU. Now step over it.
    http_get(url, delay + PATIENCE, &reply);
    if (reply.outcome != HTTP_GOT)
        errx(CLI_ERROR, "download %d: %s", number, reply.why);
    if (reply.status != 200)
        errx(CLI_ERROR, "download %d: %s: %d %s", number, url, reply.status,
             reply.head.reason);
    size_t length = reply.length;
    //> This came: print reply.body
    http_reply_free(&reply);
    return length;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "download a page many times, one after another",
        .options = {{'n', "downloads", "how many downloads",
                     CLI_INT(&downloads, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(downloads);
    url = server_url(url, "03_processes/server", delay);

    size_t bytes = 0;
    struct stopwatch watch;
    stopwatch_start(&watch);
    for (int i = 1; i <= downloads; i++) {
        int lane = timeline_lane("download %d", i);
        timeline_mark(lane, TIMELINE_WAIT);
        bytes += download(i);
        timeline_mark(lane, TIMELINE_IDLE);
    }
    stopwatch_stop(&watch);

    timeline_finish();
    printf("downloads    %d\n", downloads);
    printf("bytes        %zu\n", bytes);
    //> print watch: wall is the time on the wall, cpu that on the CPU.
    printf("this run     %.3g s\n", watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     10.7 s for 100 (Python, 2017)\n");
    return CLI_OK;
}
