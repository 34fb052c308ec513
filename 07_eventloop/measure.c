/* measure.c: how fast is asynchronous code? What it takes, in percent of all
 * cases, and from when that is counted.
 *
 * Cells: D16
 * Run:   make measure; make measure ARGS=switch
 *        in another terminal: make server_threads ARGS='-p 8000'; then here:
 *        make measure ARGS='http://127.0.0.1:8000/ -c 50 -s 5 -R 400'
 * Ask:   for a third of the time a server stands still. How many of its users
 *        have to wait?
 * Watch: less than one in a hundred, says who asks only when answered; a third,
 *        says who counts from when a request was due. Then a callback blocks:
 *        the loop tells which, and its lag how bad it was.
 * See:   blocking_call.c; histogram.h, load_http.h, loop_costs.h
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "01_files/cli.h"
#include "03_processes/server_child.h"
#include "03_processes/serving.h"
#include "03_processes/timeline.h"
#include "07_eventloop/load_report.h"
#include "07_eventloop/loop_costs.h"

#define LAG_EVERY 0.01 /* seconds between two samples */
#define NAP 0.2        /* of the callback that blocks */

static int connections = 4;
static double seconds = 1.5, rate, patience = 2;
static struct load_target target;
static struct load_result result;
static struct histogram lag;
static bool interrupted;

/* --- The loop's lag -------------------------------------------------------- */

/* How late a timer comes. A sample is due every 10 ms, whether or not the loop
 * stands still: those that it has missed are taken late, and not left out.
 */
struct lag_sampler {
    struct gen gen;
    double due;
    struct sleep_for sleep_for;
};

static bool lag_sampler(void *frame, struct future **awaits)
{
    struct lag_sampler *c = frame;
    GEN_BEGIN(c);
    for (c->due = loop_time();;) {
        c->due += LAG_EVERY;
        AWAIT_CALL(c, sleep_for, .seconds = c->due - loop_time());
        //> It is past its time already, if only by a little: print loop_time()
        //> - c->due. That is how long anybody on this loop has to wait.
        histogram_add(&lag, (uint64_t)((loop_time() - c->due) * 1e9));
    }
    GEN_END(c);
    return false;
}

/* --- A load on a server ---------------------------------------------------- */

/* In the middle third of the time our own server is stopped. */
struct stall {
    struct gen gen;
    pid_t server;
    int lane;
    struct sleep_for sleep_for;
};

static bool stall(void *frame, struct future **awaits)
{
    struct stall *c = frame;
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_RUN);
    AWAIT_CALL(c, sleep_for, .seconds = seconds / 3);
    //> The server stops, be it in mid-answer. It knows nothing of that; the
    //> kernel goes on taking requests for it.
    kill(c->server, SIGSTOP);
    timeline_mark(c->lane, TIMELINE_BLOCKED);
    AWAIT_CALL(c, sleep_for, .seconds = seconds / 3);
    GEN_END(c);
    kill(c->server, SIGCONT); /* also when interrupted */
    timeline_mark(c->lane, TIMELINE_RUN);
    return false;
}

static void cancel(void *task)
{
    future_cancel(task);
}

struct load {
    struct gen gen;
    const char *text; /* of the URL */
    pid_t server;     /* to be stopped for a while; or 0 */
    struct task *lag, *progress, *stall;
    struct load_http load_http;
};

static bool load(void *frame, struct future **awaits)
{
    struct load *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    if (loop_add_signal_handler(loop, SIGTERM, cancel,
                                &task_current()->future) == -1)
        err(CLI_ERROR, "SIGTERM");
    printf("server: %s\n", c->text);
    loop->slow_callback = 0; /* its lag will tell */
    c->lag = task_create(loop, lag_sampler, .due = 0);
    c->progress =
        task_create(loop, load_progress, .result = &result, .seconds = seconds);
    if (c->server > 0)
        c->stall = task_create(loop, stall, .server = c->server,
                               .lane = timeline_lane("server"));
    AWAIT_CALL_TRY(c, load_http, .target = &target, .connections = connections,
                   .seconds = seconds, .rate = rate, .patience = patience,
                   .result = &result,
                   .lane = rate > 0 ? timeline_lane("requests") : -1);
    interrupted = c->gen.thrown == error_cancelled;
    if (interrupted)
        gen_catch(&c->gen); /* what was measured so far is told */
    GEN_END(c);
    struct task *others[] = {c->lag, c->progress, c->stall};
    for (int i = 0; i < 3; i++) {
        if (others[i] != NULL)
            future_cancel(&others[i]->future);
        task_release(others[i]);
    }
    return false;
}

/* Ends the program where not all went well. */
static void measure_load(const char *text, pid_t server)
{
    load_target_find(&target, text, connections);
    timeline_start(2);
    timeline_legend(TIMELINE_WAIT, "every connection waits");
    timeline_legend(TIMELINE_BLOCKED,
                    server != 0 ? "stopped; overdue" : "overdue");
    const char *error = loop_run(load, .text = text, .server = server);
    if (error != NULL)
        errx(CLI_ERROR, "%s: %s", target.url.authority, error);
    freeaddrinfo(target.addresses);
    //> print histogram_percentile(&result.sent, 99) / 1e6, and the same of
    //> result.due: half a second of silence, asked for in two ways.
    load_report(&result);
    printf("\nour own loop's lag\n");
    load_report_percentiles(&lag, NULL);
    if (rate > 0)
        printf("\n");
    timeline_finish();
    if (load_failed(&result) > 0)
        errx(CLI_ERROR, "%" PRIu64 " of %" PRIu64 " requests failed",
             load_failed(&result), result.begun);
}

/* --- A callback that blocks ------------------------------------------------ */

struct careless {
    struct gen gen;
    struct task *lag;
    struct sleep_for sleep_for;
};

static bool careless(void *frame, struct future **awaits)
{
    struct careless *c = frame;
    GEN_BEGIN(c);
    c->lag = task_create(loop_running(), lag_sampler, .due = 0);
    loop_running()->slow_callback = NAP / 2; /* who takes longer is named */
    AWAIT_CALL(c, sleep_for, .seconds = NAP);
    //> nanosleep does not await anything. All of the loop naps with it.
    struct timespec nap = {.tv_nsec = (long)(NAP * 1e9)};
    while (nanosleep(&nap, &nap) == -1 && errno == EINTR)
        continue;
    AWAIT_CALL(c, sleep_for, .seconds = NAP);
    GEN_END(c);
    task_release(c->lag);
    return false;
}

/* --- Both ------------------------------------------------------------------ */

/* Without arguments: a server that stops, and a callback that blocks. */
static int show(void)
{
    struct server_child server = {.program = "04_threads/server_threads",
                                  .delay = 0.002,
                                  .connections = connections + 1};
    if (connections >= SERVING_CONNECTIONS_MAX)
        errx(CLI_ERROR, "-c %d: too many for our own server", connections);
    server_child_start(&server);
    rate = rate > 0 ? rate : 400;
    patience = 3600; /* a reader in the debugger is no failure */
    measure_load(server.url, server.pid);
    server_child_stop(&server);
    if (interrupted)
        return CLI_OK;
    if ((double)histogram_percentile(&result.due, 90) < seconds / 6 * 1e9)
        errx(CLI_NO_SHOW, "the server stood still, and nobody had to wait");

    printf("\na callback blocks for %g s\n", NAP);
    lag = (struct histogram){0};
    const char *error = loop_run(careless, .lag = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    printf("the loop's lag\n");
    load_report_percentiles(&lag, NULL);
    if ((double)lag.max < NAP / 2 * 1e9)
        errx(CLI_NO_SHOW, "a callback blocked, and the loop did not lag");

    printf("\nthe loop itself, in ns: a switch is a task put aside and called\n"
           "again, soon is a callback called in the next turn\n");
    loop_cost_measure("switch", "1000000");
    loop_cost_measure("soon", "1000000");
    return CLI_OK;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about =
            "measure a server (URL), or the loop itself (WHAT): ns of CPU for\n"
            "each of N times\n\n"
            "  switch      a task is put aside and called again\n"
            "  soon        a callback is called in the next turn\n"
            "  timers      a callback is called at its time\n"
            "  sleepers    a task sleeps for a second",
        .operands = "[URL | WHAT [N]]",
        .options = {{'c', "connections", "that ask at once",
                     CLI_INT(&connections, 1, 50000)},
                    {'s', "seconds", "how many {seconds} to ask",
                     CLI_DOUBLE(&seconds, 0.1, 86400)},
                    {'R', "rate", "so many {requests} a second; 0: at most",
                     CLI_DOUBLE(&rate, 0, 1e6)},
                    {0, "timeout", "{seconds} until one is given up",
                     CLI_DOUBLE(&patience, 0.01, 3600)},
                    TIMELINE_OPTIONS},
    };
    int first = cli_parse(&cli, argc, argv);
    const char *what = argv[first];
    if (what == NULL)
        return show();
    bool cost = loop_cost_is(what);
    if (argc - first > 1 + cost)
        errx(CLI_USAGE, "'%s': one operand too many", argv[argc - 1]);
    if (cost)
        loop_cost_measure(what, argv[first + 1]);
    else
        measure_load(what, 0);
    return CLI_OK;
}
