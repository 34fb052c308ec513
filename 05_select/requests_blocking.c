/* requests_blocking.c: five requests in turn, and each waits for the answer to
 * the one before.
 *
 * Cells: A45
 * Run:   make requests_blocking; make requests_blocking ARGS='-n 3 -d 0.5'
 * Ask:   the server takes a second for an answer, and nothing to start on the
 *        next request. What do we do in those five seconds?
 * Watch: sent, answered, sent, answered: a staircase. The whole second is spent
 *        in one call, which does not come back before there is something.
 * See:   requests_callbacks.c, which waits for all at once
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/http_client.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

enum { MOST = 1000, PATIENCE = 10 };

static int count = 5;
static double delay = 1;

/* What came, or the end of the program. */
static void check(int number, const struct http_reply *reply)
{
    if (reply->outcome != HTTP_GOT)
        errx(CLI_ERROR, "request %d: %s", number, reply->why);
    if (reply->status != 0 && reply->status != 200)
        errx(CLI_ERROR, "request %d: %d %s", number, reply->status,
             reply->head.reason);
}

static void request(int number, const struct http_url *url)
{
    struct http_connection c;
    struct http_reply reply;
    double seconds = delay + PATIENCE;
    int lane = timeline_lane("request %d", number);
    if (http_connect(&c, url, seconds, &reply) == HTTP_GOT)
        http_send(&c, "GET", false, seconds, &reply);
    check(number, &reply);
    printf("request %d: sent\n", number);
    timeline_mark(lane, TIMELINE_WAIT);
    //> Step over the next line, and count the seconds. The next request will
    //> not be sent before it comes back.
    http_receive(&c, seconds, &reply);
    timeline_mark(lane, TIMELINE_IDLE);
    check(number, &reply);
    printf("request %d: answered\n\n", number);
    http_reply_free(&reply);
}

int main(int argc, char **argv)
{
    static const char *address;
    static const struct cli cli = {
        .about = "make some requests, one after another",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&count, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "ask {URL}, not a server of ours",
                     CLI_TEXT(&address)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(count);
    struct http_url url;
    address = server_url(address, "04_threads/server_threads", delay);
    if (!http_url_split(address, &url))
        errx(CLI_ERROR, "'%s': not http://host:port/path", address);

    struct stopwatch watch;
    stopwatch_start(&watch);
    for (int i = 1; i <= count; i++)
        request(i, &url);
    stopwatch_stop(&watch);

    timeline_finish();
    //> print watch: the wall's time, and the CPU's.
    printf("this run     %.3g s\n", watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     5 s for 5 (Python, 2017)\n");
    return CLI_OK;
}
