#include "07_eventloop/web_show.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"

bool web_exchange(void *frame, struct future **awaits)
{
    struct web_exchange *c = frame;
    GEN_BEGIN(c);
    c->took = -loop_time();
    c->stream.fd = -1;
    AWAIT_CALL(c, stream_connect, .stream = &c->stream, .address = c->address,
               .length = c->length);
    AWAIT_CALL(c, stream_write, .stream = &c->stream, .bytes = c->request,
               .length = strlen(c->request));
    do {
        AWAIT_CALL(c, stream_read, .stream = &c->stream,
                   .bytes = c->answer + c->used,
                   .room = sizeof c->answer - 1 - c->used);
        c->used += c->stream_read.length;
        c->answer[c->used] = '\0';
    } while (c->stream_read.length > 0 && c->used < sizeof c->answer - 1);
    c->took += loop_time();
    GEN_END(c);
    stream_close(&c->stream);
    return false;
}

bool web_answered(void *frame, struct future **awaits)
{
    struct web_answered *c = frame;
    const struct web_exchange *e = (const void *)c->asked->frame;
    GEN_BEGIN(c);
    AWAIT_CALL_TRY(c, wait_for, .future = &c->asked->future,
                   .seconds = c->seconds);
    if (c->gen.thrown != NULL && c->gen.thrown != error_cancelled)
        errx(CLI_ERROR, "%.*s: %s", (int)strcspn(e->request, "\r"), e->request,
             c->gen.thrown);
    GEN_END(c);
    return false;
}

/* --- What is asked, and how that is printed -------------------------------- */

#define CLOSE "Host: me\r\nConnection: close\r\n"

static const struct {
    const char *say, *request;
    const char *status; /* NULL: 200, and it is the text that is printed */
} steps[] = {
    {"GET /hello", "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", NULL},
    {"GET /hello/Ann", "GET /hello/Ann HTTP/1.1\r\n" CLOSE "\r\n", NULL},
    {"GET /hello/<b>Eve</b>",
     "GET /hello/%3Cb%3EEve%3C%2Fb%3E HTTP/1.1\r\n" CLOSE "\r\n", NULL},
    {"POST /hello name=You+%26+me",
     "POST /hello HTTP/1.1\r\n" CLOSE
     "Content-Type: application/x-www-form-urlencoded\r\n"
     "Content-Length: 15\r\n\r\nname=You+%26+me",
     NULL},
    {"HEAD /hello", "HEAD /hello HTTP/1.1\r\n" CLOSE "\r\n", "200"},
    {"GET /nowhere", "GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n", "404"},
    {"DELETE /hello", "DELETE /hello HTTP/1.1\r\n" CLOSE "\r\n", "405"},
    {"GET /oops", "GET /oops HTTP/1.1\r\n" CLOSE "\r\n", "500"},
    {"POST /burst", "POST /burst HTTP/1.1\r\n" CLOSE "\r\n", NULL},
};
enum { STEPS = sizeof steps / sizeof *steps };

static const char ask_block[] = "POST /block HTTP/1.1\r\n" CLOSE "\r\n";
static const char ask_hello[] = "GET /hello HTTP/1.1\r\n" CLOSE "\r\n";

/* What stands behind the version; ends the program where that is not the
 * status that is expected.
 */
static const char *status_of(const struct web_exchange *e, const char *expected)
{
    const char *status = e->answer + strlen("HTTP/1.1 ");
    if (strncmp(e->answer, "HTTP/1.1 ", 9) != 0 ||
        strncmp(status, expected, 3) != 0)
        errx(CLI_ERROR, "%.*s: '%.*s'", (int)strcspn(e->request, "\r"),
             e->request, (int)strcspn(e->answer, "\r"), e->answer);
    return status;
}

static const char *text_of(const struct web_exchange *e)
{
    const char *text = strstr(status_of(e, "200"), "\r\n\r\n");
    return text != NULL ? text + 4 : "";
}

static void print_burst(const struct web_exchange *e)
{
    int answered = 0;
    double seconds = 0;
    double lag = 0;
    if (sscanf(text_of(e), "{\"answered\": %d, \"seconds\": %lf, \"lag\": %lf}",
               &answered, &seconds, &lag) != 3)
        errx(CLI_ERROR, "POST /burst: %s", e->answer);
    if (answered != 100)
        errx(CLI_ERROR, "POST /burst: only %d are answered", answered);
    printf("\na hundred ask at once, and each answer awaits\n"
           "answered      %d\n"
           "all after     %.2f s\n"
           "longest lag   %.1f ms\n",
           answered, seconds, lag * 1e3);
}

static void print_step(size_t i, const struct web_exchange *e)
{
    if (i == STEPS - 1) {
        print_burst(e);
        return;
    }
    const char *text =
        steps[i].status != NULL ? status_of(e, steps[i].status) : text_of(e);
    printf("%-29s %.*s\n", steps[i].say, (int)strcspn(text, "\r\n"), text);
}

static void print_freeze(const struct task *blocked, const struct task *other,
                         double lag)
{
    const struct web_exchange *e = (const void *)other->frame;
    text_of((const void *)blocked->frame);
    printf("\none answer blocks, and another is asked for meanwhile\n"
           "GET /hello    %.*s\n"
           "after         %.2f s\n"
           "longest lag   %.0f ms\n",
           (int)strcspn(text_of(e), "\n"), text_of(e), e->took, lag * 1e3);
}

/* --- The show -------------------------------------------------------------- */

static struct task *ask(const struct web_show *c, const char *request)
{
    return task_create(loop_running(), web_exchange,
                       .address = (const struct sockaddr *)&c->address,
                       .length = c->length, .request = request);
}

static void begin(struct web_show *c)
{
    c->length = sizeof c->address;
    if (getsockname(c->listener, (struct sockaddr *)&c->address, &c->length) ==
        -1)
        err(CLI_ERROR, "getsockname");
}

bool web_show(void *frame, struct future **awaits)
{
    struct web_show *c = frame;
    GEN_BEGIN(c);
    begin(c);
    for (c->step = 0; c->step < STEPS; c->step++) {
        c->asked = ask(c, steps[c->step].request);
        AWAIT_CALL(c, web_answered, .asked = c->asked, .seconds = c->patience);
        print_step(c->step, (const void *)c->asked->frame);
        task_release(c->asked);
        c->asked = NULL;
    }
    c->first_sample = c->stats->count;
    c->asked = ask(c, ask_block);
    c->other = ask(c, ask_hello);
    AWAIT_CALL(c, web_answered, .asked = c->asked, .seconds = c->patience);
    AWAIT_CALL(c, web_answered, .asked = c->other, .seconds = c->patience);
    print_freeze(c->asked, c->other,
                 loop_stats_longest(c->stats, c->first_sample));
    GEN_END(c);
    task_release(c->asked);
    task_release(c->other);
    return false;
}
