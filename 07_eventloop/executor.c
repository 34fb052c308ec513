/* executor.c: two downloads that block, each in a thread, awaited from the loop.
 *
 * Cells: A61
 * Run:   make executor; in another terminal: make server ARGS='-p 8000'; then
 *        here: make executor ARGS='-u http://127.0.0.1:8000/'
 * Ask:   http_get knows nothing of a loop: it blocks until the answer is there.
 *        How can a coroutine await it, and both at once?
 * Watch: two answers, in the time of one. Neither the thread nor http_get
 *        touches the loop: a thread's last act is to wake it.
 * See:   in_executor.c; executor_compute.c; blocking_call.c, what happens
 *        without; 04_threads/thread_pool.c, the threads alone
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "03_processes/http_client.h"
#include "03_processes/page.h"
#include "03_processes/server_child.h"
#include "03_processes/stopwatch.h"
#include "07_eventloop/in_executor.h"
#include "07_eventloop/task.h"

enum { PATIENCE = 10 };

static double delay = 0.1;
static const char *url;

static const char error_no_answer[] = "no answer";

/* The job: what it is given, and what it leaves. */
struct download {
    const char *url;
    char text[1024]; /* the answer, or why there is none */
};

static const char *download(void *frame)
{
    struct download *job = frame;
    struct http_reply reply;
    //> A thread of the pool (info threads): here it may block as it likes.
    http_get(job->url, delay + PATIENCE, &reply);
    struct page page;
    bool came = page_came(job->url, &reply, &page);
    snprintf(job->text, sizeof job->text, "%s", came ? reply.body : page.why);
    http_reply_free(&reply);
    return came ? NULL : error_no_answer;
}

/* The coroutine. */
struct program {
    struct gen gen;
    int i;
    struct future *answers[2];
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    GEN_BEGIN(c);
    for (c->i = 0; c->i < 2; c->i++)
        //> The job is on its way to a thread, and what comes back at once is a
        //> future.
        c->answers[c->i] =
            run_in_executor(loop_running(), download, .url = url);
    for (c->i = 0; c->i < 2; c->i++) {
        AWAIT(c, c->answers[c->i]);
        //> The job is home, its frame is the result: next, then print *job
        const struct download *job = future_result(c->answers[c->i]);
        printf("answer %d\n%s\n", c->i + 1, job->text);
    }
    GEN_END(c);
    for (c->i = 0; c->i < 2; c->i++) {
        future_cancel(c->answers[c->i]); /* where it is still on its way */
        if (future_error(c->answers[c->i]) == error_no_answer) {
            const struct download *job = executor_frame(c->answers[c->i]);
            warnx("download %d: %s", c->i + 1, job->text);
        }
        future_release(c->answers[c->i]);
    }
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "await two downloads that block a thread each",
        .options = {{'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "download {URL}, not from a server of ours",
                     CLI_TEXT(&url)}},
    };
    cli_parse(&cli, argc, argv);
    url = server_url(url, "04_threads/server_threads", delay);

    struct stopwatch watch;
    stopwatch_start(&watch);
    const char *error = loop_run(program, .i = 0);
    stopwatch_stop(&watch);
    if (error != NULL)
        errx(CLI_ERROR, "downloads: %s", error);
    //> info threads: the pool's are gone, for the loop has been closed.
    printf("this run     %.3g s\n", watch.wall);
    printf("one answer   %g s\n", delay);
    return CLI_OK;
}
