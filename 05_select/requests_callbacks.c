/* requests_callbacks.c: five requests are sent, one wait is for all of them,
 * and it calls back whoever has an answer.
 *
 * Cells: A46
 * Run:   make requests_callbacks; make requests_callbacks ARGS='-n 500'
 * Ask:   the same requests to the same server, in one thread. How long now?
 * Watch: all are sent before the first is answered, and the waits overlap: one
 *        second for five, and for five hundred little more. (The cell counts
 *        from 0, and so does this.)
 * See:   requests_blocking.c, the staircase; selector.h, which waits;
 *        06_generators/requests_gen.c, which needs no callback
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/http_client.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "05_select/selector.h"

enum { MOST = 1000, PATIENCE = 10 };

static int count = 5;
static double delay = 1;
static struct selector selector;

/* What a thread would keep on its stack while it waits. */
static struct request {
    struct http_connection connection;
    struct http_reply reply;
    int lane;
    bool answered;
} requests[MOST];

/* Five answers come in the same millisecond, each from a thread of the server's
 * own: which is first is up to the scheduler. They are told in the order of the
 * requests, each once all before it have come.
 */
static int told;

static void tell(void)
{
    while (told < count && requests[told].answered)
        printf("request %d: answered\n", told++);
}

/* What came, or the end of the program. */
static void check(const struct request *r)
{
    int number = (int)(r - requests);
    if (r->reply.outcome != HTTP_GOT)
        errx(CLI_ERROR, "request %d: %s", number, r->reply.why);
    if (r->reply.status != 0 && r->reply.status != 200)
        errx(CLI_ERROR, "request %d: %d %s", number, r->reply.status,
             r->reply.head.reason);
}

/* Some bytes are there, or the server's end: reads what there is, and returns
 * to the loop. A callback that waited would hold up all the others.
 */
static void on_data(int fd, int events, void *data)
{
    struct request *r = data;
    const struct http_url *url = r->connection.url;
    char bytes[4096];
    const char *at = bytes;
    (void)events; /* only SELECTOR_READ was asked for */
    //> The selector says that this one has something: recv will not wait.
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && http_reply_take(&r->reply, url, &at, bytes + n))
        return; /* more is to come */
    if (n == 0)
        http_reply_end(&r->reply, url);
    if (n == -1)
        http_reply_errno(&r->reply, url, errno);
    check(r);
    timeline_mark(r->lane, TIMELINE_IDLE);
    selector_unregister(&selector, fd);
    http_disconnect(&r->connection);
    http_reply_free(&r->reply);
    r->answered = true;
    tell();
}

/* Sends it, says who is to be called when the answer comes, and does not wait.
 */
static void send_request(int number, const struct http_url *url)
{
    struct request *r = &requests[number];
    struct http_connection *c = &r->connection;
    r->lane = timeline_lane("request %d", number);
    if (http_connect(c, url, PATIENCE, &r->reply) == HTTP_GOT)
        http_send(c, "GET", false, PATIENCE, &r->reply);
    check(r);
    printf("request %d: sent\n", number);
    timeline_mark(r->lane, TIMELINE_WAIT);
    //> Not an answer yet, only a promise to be called: on_data, with r.
    if (selector_register(&selector, c->fd, SELECTOR_READ, on_data, r) == -1)
        err(CLI_ERROR, "request %d", number);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The event loop. */
static void wait_for_all(double deadline)
{
    while (selector.count > 0) {
        double left = deadline - now();
        if (left <= 0)
            errx(CLI_ERROR, "request %d: no answer in time", told);
        //> All are sent, none is answered. This is the only line that waits,
        //> and it waits for all of them at once.
        if (selector_wait(&selector, left) == -1)
            err(CLI_ERROR, "selector");
        struct selector_event e;
        while (selector_next(&selector, &e))
            e.call(e.fd, e.events, e.data);
    }
}

int main(int argc, char **argv)
{
    static const char *address;
    static const struct cli cli = {
        .about = "make some requests, and wait for all answers at once",
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
    if (selector_init(&selector, NULL) == -1)
        err(CLI_ERROR, "selector");

    struct stopwatch watch;
    stopwatch_start(&watch);
    for (int i = 0; i < count; i++)
        send_request(i, &url);
    wait_for_all(now() + delay + PATIENCE);
    stopwatch_stop(&watch);
    selector_destroy(&selector);

    printf("\n");
    timeline_finish();
    printf("this run     %.3g s\n", watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("recorded     1 s for 5 (Python, 2017)\n");
    return CLI_OK;
}
