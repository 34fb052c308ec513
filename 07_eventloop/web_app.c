/* web_app.c: a web application on the loop, whose page shows that loop live.
 *
 * Cells: C13, E17
 * Run:   make web_app ARGS='-p 8080', then open the URL it prints, and press
 *        make web_app; it asks itself
 * Ask:   a hundred who wait for a second each, and one that works for a second:
 *        which of them does everybody notice?
 * Watch: the hundred are there after a second, and the loop was late for none;
 *        the one freezes all, the page too, and the loop's report names it.
 * See:   web.h, the framework; web_app.html, the page; stream.h, on which it
 *        stands; fetcher.c, the other end of the line
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/serving.h"
#include "07_eventloop/async_http.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/loop_stats.h"
#include "07_eventloop/waiting.h"
#include "07_eventloop/web.h"
#include "07_eventloop/web_events.h"
#include "07_eventloop/web_page.h"
#include "07_eventloop/web_show.h"

enum { BURST = 100 };

static struct serving serving = SERVING_DEFAULTS;
static double delay = 1;
static struct loop_stats stats;
static struct http_url slow_url;

static void page(struct web_request *r)
{
    /* It is all in one file; the browser holds it to that. */
    web_field(r, "Content-Security-Policy",
              "default-src 'none'; style-src 'unsafe-inline'; "
              "script-src 'unsafe-inline'; connect-src 'self'; img-src data:");
    web_field(r, "Cache-Control", "no-store");
    web_write(r, web_page, web_page_length());
}

static void hello(struct web_request *r)
{
    web_type(r, "text/plain; charset=utf-8");
    web_print(r, "Hello, world!\n");
}

static void greet(struct web_request *r, const char *greeting, const char *name)
{
    web_print_escaped(r, greeting);
    web_print(r, ", ");
    //> The name comes from whoever asks: print r->http->target, print name. On
    //> a page it must be text, and never markup.
    web_print_escaped(r, name);
    web_print(r, "!\n");
}

/* /hello/Ann?greeting=Good+morning */
static void hello_name(struct web_request *r)
{
    const char *greeting = web_query(r, "greeting");
    greet(r, greeting != NULL ? greeting : "Hello", web_parameter(r, "name"));
}

static void hello_form(struct web_request *r)
{
    const char *name = web_form(r, "name");
    if (name == NULL || *name == '\0')
        web_error(r, 400, "The form has no field 'name'.");
    else
        greet(r, "Hello", name);
}

/* What nobody should do on a loop. */
static void block(struct web_request *r)
{
    //> The next line sleeps, and all who are on this loop sleep with it.
    usleep((useconds_t)(delay * 1e6));
    web_printf(r, "everybody waited for %g s\n", delay);
}

/* --- Routes that await ----------------------------------------------------- */

struct slow {
    struct gen gen;
    struct web_request *request;
    struct sleep_for sleep_for;
};

static bool slow(void *frame, struct future **awaits)
{
    struct slow *c = frame;
    GEN_BEGIN(c);
    //> This one waits as long, and hands the loop to the others meanwhile.
    AWAIT_CALL(c, sleep_for, .seconds = delay);
    web_printf(c->request, "waited for %g s\n", delay);
    GEN_END(c);
    return false;
}

struct oops {
    struct gen gen;
    struct web_request *request;
};

static bool oops(void *frame, struct future **awaits)
{
    struct oops *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    GEN_RAISE(c, "ZeroDivisionError");
    GEN_END(c);
    return false;
}

/* One of those who ask for /slow, over a connection of its own. */
struct ask_slow {
    struct gen gen;
    struct async_http async_http;
    bool answered;
};

static bool ask_slow(void *frame, struct future **awaits)
{
    struct ask_slow *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, async_http, .url = &slow_url);
    c->answered = c->async_http.reply.status == 200;
    if (!c->answered)
        warnx("/slow: %s", c->async_http.reply.why);
    http_reply_free(&c->async_http.reply);
    GEN_END(c);
    return false;
}

struct burst {
    struct gen gen;
    struct web_request *request;
    double begun;
    unsigned long first_sample;
    int answered;
    struct future *asked[BURST], *all;
    struct wait_for wait_for;
};

static bool burst(void *frame, struct future **awaits)
{
    struct burst *c = frame;
    GEN_BEGIN(c);
    c->begun = loop_time();
    c->first_sample = stats.count;
    for (int i = 0; i < BURST; i++)
        c->asked[i] =
            &task_create(loop_running(), ask_slow, .answered = false)->future;
    c->all = gather(loop_running(), c->asked, BURST, false);
    //> A hundred tasks are ready to ask this server, in this thread. Who will
    //> answer them?
    AWAIT_CALL(c, wait_for, .future = c->all, .seconds = delay + 10);
    for (int i = 0; i < BURST; i++)
        c->answered += ((struct ask_slow *)c->asked[i]->result)->answered;
    web_type(c->request, "application/json");
    web_printf(c->request,
               "{\"answered\": %d, \"seconds\": %.3f, \"lag\": %.6f}\n",
               c->answered, loop_time() - c->begun,
               loop_stats_longest(&stats, c->first_sample));
    GEN_END(c);
    for (int i = 0; i < BURST; i++)
        future_release(c->asked[i]);
    future_release(c->all);
    return false;
}

static const struct web_route routes[] = {
    {"GET", "/", WEB_CALL(page)},
    {"GET", "/hello", WEB_CALL(hello)},
    {"POST", "/hello", WEB_CALL(hello_form)},
    {"GET", "/hello/:name", WEB_CALL(hello_name)},
    {"GET", "/slow", WEB_AWAIT(slow)},
    {"POST", "/block", WEB_CALL(block)},
    {"POST", "/burst", WEB_AWAIT(burst)},
    {"GET", "/events", WEB_AWAIT(web_events)},
    {"GET", "/oops", WEB_AWAIT(oops)},
    {"GET", "/robots.txt",
     WEB_TEXT("text/plain", "User-agent: *\nDisallow: /\n", 26)},
    {0}};

static struct web web = {
    .routes = routes, .data = &stats, .connections = 10000, .patience = 10};

struct program {
    struct gen gen;
    int listener;
    struct task *server;
    struct web_show web_show;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    loop_stats_begin(&stats, loop, 0.1);
    c->server =
        task_create(loop, web_serve, .web = &web, .listener = c->listener);
    if (serving.port == -1) {
        AWAIT_CALL(c, web_show, .listener = c->listener, .stats = &stats,
                   .patience = 5 * delay + 5);
        web_stop(&web);
    }
    //> One task is the server, and each connection will be one. This one waits
    //> for the server's end.
    AWAIT(c, &c->server->future);
    GEN_END(c);
    loop_stats_end(&stats);
    task_release(c->server);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "a web application whose page shows its own loop, live",
        .options = {{'p', "port", "serve on {port} until Ctrl-C; 0: any",
                     CLI_INT(&serving.port, 0, 65535)},
                    {'a', "address", "listen on {address}, such as 127.0.0.2",
                     CLI_TEXT(&serving.address)},
                    {'d', "delay", "{seconds} that the slow answers take",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'c', "connections", "at most {N} at once; more wait",
                     CLI_INT(&web.connections, 1, 1000000)},
                    {0, "patience", "{seconds} for a request to come in",
                     CLI_DOUBLE(&web.patience, 0.01, 3600)}},
    };
    cli_parse(&cli, argc, argv);

    web.until_signal = serving.port != -1;
    if (web.until_signal)
        web_defer_signals();
    int listener = serving_listen(&serving);
    http_url_split(strcat(serving.url, "slow"), &slow_url);
    const char *error = loop_run(program, .listener = listener);
    if (error != NULL && error != error_cancelled)
        errx(CLI_ERROR, "%s", error);
    return CLI_OK;
}
