#include "07_eventloop/web.h"
#include "04_threads/file_limit.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "01_files/cli.h"
#include "07_eventloop/web_connection.h"

enum {
    TICKS = 8,         /* the patience, in ticks */
    ACCEPTED_MOST = 64 /* without letting others run */
};

static const struct future_kind stop = {.name = "web_stop"};
static const struct future_kind place = {.name = "a place"};
static const struct future_kind empty = {.name = "the last connection"};

/* --- Accepting ------------------------------------------------------------- */

struct accept_all {
    struct gen gen;
    struct web *web;
    struct stream *listener;
    unsigned accepted;
    struct stream_accept stream_accept;
};

static bool accept_all(void *frame, struct future **awaits)
{
    struct accept_all *c = frame;
    GEN_BEGIN(c);
    for (;;) {
        while (c->web->open >= c->web->connections) {
            future_init(&c->web->place, c->web->loop, &place);
            AWAIT(c, &c->web->place);
        }
        AWAIT_CALL(c, stream_accept, .listener = c->listener);
        web_connection_start(c->web, c->stream_accept.fd);
        if (++c->accepted % ACCEPTED_MOST == 0)
            AWAIT_TURN(c);
    }
    GEN_END(c);
    web_stop(c->web);
    return false;
}

/* --- Slow clients ---------------------------------------------------------- */

/* One timer for all of them. A timer each would have to be set anew at each
 * request, which is much more often than one runs out.
 */
static void tick(void *data)
{
    struct web *web = data;
    web->tick++;
    web_connections_expire(web, TICKS);
    web->ticker = loop_call_later(web->loop, web->patience / TICKS, tick, web);
}

/* --- Beginning and end ----------------------------------------------------- */

void web_stop(struct web *web)
{
    future_set_result(&web->stop, NULL);
}

static void set_defaults(struct web *web)
{
    if (web->connections == 0)
        web->connections = 1000;
    if (web->patience == 0)
        web->patience = 10;
    if (web->farewell == 0)
        web->farewell = 2;
    if (web->body_most == 0)
        web->body_most = 65536;
    file_limit_raise();
    /* What select cannot watch must not be accepted. */
    if (strcmp(web->loop->selector.name, "select") == 0 &&
        web->connections > FD_SETSIZE / 2)
        web->connections = FD_SETSIZE / 2;
}

static void mask_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(how, &set, NULL);
}

void web_defer_signals(void)
{
    mask_signals(SIG_BLOCK);
}

static void end_signals(struct web *web)
{
    if (!web->until_signal)
        return;
    loop_remove_signal_handler(web->loop, SIGINT);
    loop_remove_signal_handler(web->loop, SIGTERM);
}

static void stop_by_signal(void *data)
{
    end_signals(data);
    web_stop(data);
}

static void begin_signals(struct web *web)
{
    if (loop_add_signal_handler(web->loop, SIGINT, stop_by_signal, web) == -1 ||
        loop_add_signal_handler(web->loop, SIGTERM, stop_by_signal, web) == -1)
        err(CLI_ERROR, "web: signals");
    mask_signals(SIG_UNBLOCK);
}

static void begin_serving(struct web_serve *c)
{
    struct web *web = c->web;
    int yes = 1;
    web->loop = loop_running();
    set_defaults(web);
    web->open = 0;
    web->stopping = false;
    future_init(&web->stop, web->loop, &stop);
    future_init(&web->place, web->loop, &place);
    future_init(&web->empty, web->loop, &empty);
    web->ticker = loop_call_later(web->loop, web->patience / TICKS, tick, web);
    if (web->until_signal)
        begin_signals(web);
    /* Answers are written whole, and none need wait for a fuller packet. The
     * connections have it of the listener.
     */
    setsockopt(c->listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    stream_open(&c->stream, web->loop, c->listener);
    c->acceptor =
        task_create(web->loop, accept_all, .web = web, .listener = &c->stream);
}

static void cut_all(void *data)
{
    web_connections_cut(data);
}

/* Nobody new; those who stand idle hear the end, and those who wait for an
 * answer have a moment.
 */
static void begin_farewell(struct web_serve *c)
{
    struct web *web = c->web;
    web->stopping = true;
    stream_close(&c->stream);
    web_connections_leave(web);
    c->timer = loop_call_later(web->loop, web->farewell, cut_all, web);
    if (web->open == 0)
        future_set_result(&web->empty, NULL);
}

bool web_serve(void *frame, struct future **awaits)
{
    struct web_serve *c = frame;
    GEN_BEGIN(c);
    begin_serving(c);
    AWAIT_TRY(c, &c->web->stop);
    c->error = gen_catch(&c->gen);
    future_cancel(&c->acceptor->future);
    AWAIT_TRY(c, &c->acceptor->future);
    if (gen_catch(&c->gen) != error_cancelled)
        c->error = future_error(&c->acceptor->future);
    begin_farewell(c);
    AWAIT(c, &c->web->empty);
    if (c->error != NULL)
        GEN_RAISE(c, c->error);
    GEN_END(c);
    end_signals(c->web);
    loop_cancel(c->web->loop, c->timer);
    loop_cancel(c->web->loop, c->web->ticker);
    task_release(c->acceptor);
    stream_close(&c->stream);
    free(c->web->spare);
    c->web->spare = NULL;
    return false;
}
