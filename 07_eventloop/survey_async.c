/* survey_async.c: a hundred hosts are asked at once by a hundred coroutines,
 * and the table that they share needs no lock.
 *
 * Cells: E08, E14
 * Run:   make survey_async; make survey_async ARGS='-d 0.5'
 *        make survey_async ARGS='-f hosts.txt', a file of yours: a host a line
 * Ask:   a hundred threads wrote one table, and hosts were lost until there was
 *        a lock. Where is the lock here?
 * Watch: nobody can come in between but where one awaits, and the table is
 *        written without. All is over with the silent one's time.
 * See:   03_processes/survey.c, one after another; 04_threads/survey_threads.c
 *        and survey_locked.c
 */
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"
#include "03_processes/farm.h"
#include "03_processes/portals.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"
#include "07_eventloop/async_http.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/in_executor.h"
#include "07_eventloop/waiting.h"

enum { MOST = 1000, PATIENCE = 5, OWN_PATIENCE = 1 };

static const char *file;
static double delay = 0.02;
static double seconds; /* 0: one of the two PATIENCEs */

static char hosts[MOST + 1][PORTALS_HOST]; /* one to see that there are more */
static struct portals_row table[MOST];
static int rows;

static void count_server(const char *server)
{
    int i = 0;
    while (i < rows && strcmp(table[i].server, server) != 0)
        i++;
    if (i == rows) {
        strcpy(table[i].server, server);
        rows++;
    }
    //> Between here and the end of the function nobody else can run: it awaits
    //> nothing. print table[i]
    table[i].count++;
}

/* --- Names ----------------------------------------------------------------- */

struct look_up {
    struct http_url url;
};

static const char unknown[] = "no such host";

/* A thread does it, since it blocks. Puts the address in the name's place. */
static const char *look_up(void *frame)
{
    struct look_up *job = frame;
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int error = getaddrinfo(job->url.host, NULL, &wanted, &found);
    if (error != 0)
        return error == EAI_MEMORY ? errno_error(ENOMEM) : unknown;
    error = getnameinfo(found->ai_addr, found->ai_addrlen, job->url.host,
                        sizeof job->url.host, NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    return error == 0 ? NULL : unknown;
}

/* --- A host ---------------------------------------------------------------- */

/* Its name looked up, and the host asked. */
struct request {
    struct gen gen;
    struct http_url url;
    struct future *name;
    struct async_http async_http;
};

static bool request(void *frame, struct future **awaits)
{
    struct request *c = frame;
    GEN_BEGIN(c);
    if (file != NULL) { /* of our own hosts it is known where they are */
        c->name = run_in_executor(loop_running(), look_up, .url = c->url);
        AWAIT_TRY(c, c->name);
        const char *error = gen_catch(&c->gen);
        if (error == error_cancelled)
            GEN_RAISE(c, error);
        c->async_http.reply.outcome =
            error == unknown ? HTTP_UNKNOWN : HTTP_NO_MEANS;
        if (error != NULL)
            goto gen_end;
        struct look_up *job = future_result(c->name);
        c->url = job->url;
    }
    AWAIT_CALL(c, async_http, .method = "OPTIONS", .url = &c->url);
    GEN_END(c);
    future_release(c->name);
    return false;
}

struct ask {
    struct gen gen;
    const char *host;
    int lane;
    struct http_url url;
    struct http_reply reply;
    struct task *request;
    struct wait_for wait_for;
};

static bool ask(void *frame, struct future **awaits)
{
    struct ask *c = frame;
    char server[PORTALS_SERVER];
    GEN_BEGIN(c);
    timeline_mark(c->lane, TIMELINE_WAIT);
    c->reply.outcome = HTTP_BAD_URL;
    if (portals_url(c->host, &c->url)) {
        c->request = task_create(loop_running(), request, .url = c->url);
        //> The first of a hundred. It asks, and if that takes too long it will
        //> hear of it as of an error: finish, and the others ask.
        AWAIT_CALL_TRY(c, wait_for, .future = &c->request->future,
                       .seconds = seconds);
        const char *error = gen_catch(&c->gen);
        if (error != NULL && error != error_timeout)
            GEN_RAISE(c, error);
        const struct request *asked = task_frame(c->request);
        c->reply = asked->async_http.reply;
        if (error == error_timeout)
            c->reply.outcome = HTTP_TIMED_OUT;
    }
    //> Back with an answer: print c->host, print c->reply
    portals_server(&c->reply, server);
    count_server(server);
    printf("%-16s %s\n", c->host, server);
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    http_reply_free(&c->reply);
    task_release(c->request);
    return false;
}

/* --- All of them ----------------------------------------------------------- */

struct survey {
    struct gen gen;
    struct portals *portals;
    struct future *all;
};

static bool survey(void *frame, struct future **awaits)
{
    struct survey *c = frame;
    struct future *futures[MOST];
    size_t count = 0;
    GEN_BEGIN(c);
    while (portals_next(c->portals, hosts[count])) {
        if (count == MOST)
            errx(CLI_ERROR, "%s: more than %d hosts", c->portals->name, MOST);
        struct task *task =
            task_create(loop_running(), ask, .host = hosts[count],
                        .lane = timeline_lane("%s", hosts[count]));
        futures[count++] = &task->future;
    }
    c->all = gather(loop_running(), futures, count, false);
    while (count > 0)
        future_release(futures[--count]); /* the gather has them */
    //> Tasks for all hosts, and none of them has run: print c->portals->hosts
    AWAIT(c, c->all);
    GEN_END(c);
    future_release(c->all);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count the servers of many hosts, a coroutine for each",
        .options = {{'f', "file",
                     "hosts in {FILE}: one host[:port] a line, # comments",
                     CLI_TEXT(&file)},
                    {'d', "delay", "{seconds} that a host of our farm takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'w', "timeout", "wait {seconds}; 0: 5, for our farm 1",
                     CLI_DOUBLE(&seconds, 0, 600)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    if (seconds == 0)
        seconds = file != NULL ? PATIENCE : OWN_PATIENCE;
    timeline_start(MOST);
    struct portals portals;
    portals_open(&portals, file, delay);

    struct stopwatch watch;
    stopwatch_start(&watch);
    const char *error = loop_run(survey, .portals = &portals);
    stopwatch_stop(&watch);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    portals_close(&portals);

    timeline_finish();
    portals_print(table, rows);
    printf("counted        %d of %d\n", portals_sum(table, rows),
           portals.hosts);
    if (portals.own)
        printf("open at once   %d\n", farm_most());
    printf("this run       %.3g s\n", watch.wall);
    printf("recorded       Apache 34, nginx 31, ... (Python, 2015)\n");
    portals_check(&portals, table, rows);
    return CLI_OK;
}
