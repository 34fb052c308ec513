#include "07_eventloop/load_http.h"
#include "04_threads/file_limit.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "07_eventloop/gathering.h"

static const char error_cut_short[] = "it hung up before its answer was whole";
static const char error_late[] = "no whole answer in time";

/* What comes is looked at before anybody else may run, and then dropped. */
static _Thread_local char bytes[65536];

/* --- Whom to ask ----------------------------------------------------------- */

/* What the process has open besides the connections. */
enum { SPARE = 32 };

static void find_descriptors(int connections)
{
    int files = file_limit_raise();
    if (files < connections + SPARE)
        errx(CLI_ERROR, "-c %d: too many for %d descriptors (ulimit -n)",
             connections, files);
    const char *backend = getenv("LOOP_BACKEND");
    if (backend != NULL && strcmp(backend, "select") == 0 &&
        connections + SPARE > FD_SETSIZE)
        errx(CLI_ERROR, "-c %d: too many for select, which holds %d",
             connections, FD_SETSIZE);
}

void load_target_find(struct load_target *target, const char *text,
                      int connections)
{
    struct http_url *url = &target->url;
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    if (strncmp(text, "https://", 8) == 0)
        errx(CLI_USAGE, "'%s': only http://; wrk knows TLS", text);
    if (!http_url_split(text, url))
        errx(CLI_USAGE, "'%s': not http://host:port/path", text);
    find_descriptors(connections);
    int error = getaddrinfo(url->host, url->port, &wanted, &target->addresses);
    if (error != 0)
        errx(CLI_ERROR, "%s: %s", url->authority,
             error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
}

/* --- One request ----------------------------------------------------------- */

struct connection {
    struct stream stream;
    struct http http;
    bool open;
};

static void hang_up(struct connection *c)
{
    if (!c->open)
        return;
    stream_close(&c->stream);
    http_free(&c->http);
    c->open = false;
}

struct dial {
    struct gen gen;
    struct connection *connection;
    const struct addrinfo *address;
    struct stream_connect stream_connect;
};

static bool dial(void *frame, struct future **awaits)
{
    struct dial *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, stream_connect, .stream = &c->connection->stream,
               .address = c->address->ai_addr,
               .length = c->address->ai_addrlen);
    http_init(&c->connection->http, HTTP_RESPONSE);
    c->connection->open = true;
    GEN_END(c);
    return false;
}

struct ask {
    struct gen gen;
    struct connection *connection;
    const struct load_http *load;
    enum load_kind kind; /* of what goes wrong now */
    bool kept, heard, done;
    int status; /* when it is done */
    struct dial dial;
    struct stream_write stream_write;
    struct stream_read stream_read;
};

/* Returns what is wrong with what came, or NULL. */
static const char *take(struct ask *c)
{
    struct connection *to = c->connection;
    size_t length = c->stream_read.length;
    const char *at = bytes;
    enum http_event event;
    c->heard = c->heard || length > 0;
    c->load->result->bytes += length;
    do
        event = length > 0 ? http_feed(&to->http, &at, bytes + length)
                           : http_end(&to->http);
    while (event == HTTP_HEAD || event == HTTP_BODY);
    c->done = event == HTTP_DONE;
    c->status = to->http.status;
    /* More than was asked for is nobody's answer. */
    if (c->done && at < bytes + length)
        to->http.keep_alive = false;
    if (event == HTTP_FAILED && length > 0)
        c->kind = LOAD_NO_HTTP;
    else if (!c->done && length == 0)
        c->kind = LOAD_CUT_SHORT;
    else
        return NULL;
    return c->kind == LOAD_CUT_SHORT ? error_cut_short
                                     : http_error_text(to->http.error);
}

/* A kept connection may have ended before the request came: that is no error
 * (RFC 9112, 9.3.1), and it is sent again on a new one.
 */
static bool try_again(struct ask *c)
{
    if (c->gen.thrown == NULL || c->gen.thrown == error_cancelled || !c->kept ||
        c->heard)
        return false;
    gen_catch(&c->gen);
    hang_up(c->connection);
    return true;
}

static bool ask(void *frame, struct future **awaits)
{
    struct ask *c = frame;
    GEN_BEGIN(c);
    do {
        c->kept = c->connection->open;
        c->kind = LOAD_CONNECT;
        if (!c->kept)
            AWAIT_CALL(c, dial, .connection = c->connection,
                       .address = c->load->address);
        c->kind = LOAD_BROKEN;
        AWAIT_CALL_TRY(c, stream_write, .stream = &c->connection->stream,
                       .bytes = c->load->request, .length = c->load->length);
        while (c->gen.thrown == NULL && !c->done) {
            AWAIT_CALL_TRY(c, stream_read, .stream = &c->connection->stream,
                           .bytes = bytes, .room = sizeof bytes);
            if (c->gen.thrown == NULL)
                gen_throw(&c->gen, take(c));
        }
    } while (try_again(c));
    GEN_END(c);
    if (c->gen.error != NULL || !c->connection->http.keep_alive)
        hang_up(c->connection);
    return false;
}

/* --- One connection -------------------------------------------------------- */

struct client {
    struct gen gen;
    struct load_http *load;
    struct connection connection;
    double due, sent; /* of the request under way; 0: none is */
    bool late;        /* it has taken too long, and is cancelled for it */
    struct dial dial;
    struct event_wait event_wait;
    struct sleep_for sleep_for;
    struct ask ask;
};

static uint64_t nanoseconds(double seconds)
{
    return seconds > 0 ? (uint64_t)(seconds * 1e9) : 0;
}

/* When request k is due. */
static double due_at(const struct load_http *load, uint64_t k)
{
    return load->began + (double)k / load->rate;
}

/* The next request is this one's, unless the time is over: that of beginning,
 * or where they have times of their own, that of waiting for them.
 */
static bool take_next(struct client *c)
{
    struct load_http *load = c->load;
    double end = load->began + load->seconds;
    c->due = loop_time();
    if (load->rate <= 0)
        return c->due < end;
    if (load->taken == load->total || c->due >= end + load->patience)
        return false;
    c->due = due_at(load, load->taken++);
    return true;
}

/* In time; late; or the last one, for now all wait. */
static void mark(const struct client *c)
{
    const struct load_http *load = c->load;
    enum timeline_state state =
        c->sent > c->due + 0.01 ? TIMELINE_BLOCKED : TIMELINE_RUN;
    if (load->under_way == load->connections)
        state = TIMELINE_WAIT;
    timeline_mark(load->lane, state);
}

/* What has come of a request. */
static void note(struct client *c, const char *error)
{
    const struct load_http *load = c->load;
    struct load_result *r = load->result;
    double now = loop_time();
    enum load_kind kind = c->late ? LOAD_TIMED_OUT : c->ask.kind;
    if (error == NULL) {
        int status = c->ask.status;
        r->answers++;
        r->seconds = now - load->began;
        if ((status < 200 || status > 399) && r->bad++ == 0)
            r->bad_status = status;
    } else if (r->failures[kind].count++ == 0) {
        r->failures[kind].first = c->late ? error_late : error;
    }
    if (error == NULL || c->late) {
        histogram_add(&r->sent, nanoseconds(now - c->sent));
        if (load->rate > 0)
            histogram_add(&r->due, nanoseconds(now - c->due));
    }
    c->late = false;
}

/* What was thrown at it, unless that is for the whole to end. */
static bool is_cancelled(const struct client *c)
{
    return c->gen.thrown == error_cancelled && !c->late;
}

static bool client(void *frame, struct future **awaits)
{
    struct client *c = frame;
    GEN_BEGIN(c);
    c->sent = loop_time();
    AWAIT_CALL_TRY(c, dial, .connection = &c->connection,
                   .address = c->load->address);
    if (is_cancelled(c))
        goto gen_end;
    gen_catch(&c->gen); /* the first request will tell */
    c->sent = 0;
    c->late = false;
    if (++c->load->ready == c->load->connections) {
        c->load->began = loop_time();
        event_set(&c->load->start);
    }
    AWAIT_CALL(c, event_wait, .event = &c->load->start);
    while (take_next(c)) {
        /* Also where that is none: it takes a turn, and so the answers that
         * are there are read before the next requests go out, whose time would
         * have that in it.
         */
        AWAIT_CALL(c, sleep_for, .seconds = c->due - loop_time());
        c->sent = loop_time();
        c->load->result->begun++;
        c->load->under_way++;
        mark(c);
        AWAIT_CALL_TRY(c, ask, .connection = &c->connection, .load = c->load);
        if (is_cancelled(c))
            goto gen_end;
        note(c, gen_catch(&c->gen));
        c->sent = 0;
        c->load->under_way--;
        /* Where nobody is, asking without a pause would help nobody. */
        if (c->ask.gen.error != NULL && c->ask.kind == LOAD_CONNECT)
            AWAIT_CALL(c, sleep_for, .seconds = 0.1);
    }
    GEN_END(c);
    hang_up(&c->connection);
    return false;
}

/* --- All of them ----------------------------------------------------------- */

/* A timer for each request would cost more than the request: they are looked
 * through every now and then.
 */
static void look_for_late(void *data)
{
    struct load_http *load = data;
    double now = loop_time();
    double most = load->patience;
    for (int i = 0; i < load->connections; i++) {
        struct client *c = (struct client *)(void *)load->tasks[i]->frame;
        if (c->sent > 0 && !c->late && now - c->sent > most) {
            c->late = true;
            future_cancel(&load->tasks[i]->future);
        }
    }
    load->timer = loop_call_later(loop_running(), most > 1 ? 0.1 : most / 10,
                                  look_for_late, load);
}

/* Returns whether there was memory. */
static bool start_clients(struct load_http *c)
{
    size_t n = (size_t)c->connections;
    struct future **futures = calloc(n, sizeof(struct future *));
    c->tasks = calloc(n, sizeof(struct task *));
    if (futures == NULL || c->tasks == NULL) {
        free(futures);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        c->tasks[i] = task_create(loop_running(), client, .load = c);
        futures[i] = &c->tasks[i]->future;
    }
    c->all = gather(loop_running(), futures, n, true);
    free(futures);
    look_for_late(c);
    return true;
}

/* Those that were due, and that nobody was free for. */
static void note_unsent(const struct load_http *c)
{
    struct load_result *r = c->result;
    double now = loop_time();
    for (uint64_t k = r->begun; k < c->total && due_at(c, k) < now; k++) {
        histogram_add(&r->due, nanoseconds(now - due_at(c, k)));
        r->unsent++;
    }
}

bool load_http(void *frame, struct future **awaits)
{
    struct load_http *c = frame;
    GEN_BEGIN(c);
    c->length = http_write_request(c->request, sizeof c->request, "GET",
                                   &c->target->url, "User-Agent: groundup\r\n");
    c->total = (uint64_t)(c->rate * c->seconds);
    c->total += due_at(c, c->total) < c->seconds; /* it began at 0 so far */
    for (c->address = c->target->addresses;; c->address = c->address->ai_next) {
        AWAIT_CALL_TRY(c, stream_connect, .stream = &c->stream,
                       .address = c->address->ai_addr,
                       .length = c->address->ai_addrlen);
        if (c->gen.thrown == NULL)
            break;
        if (c->gen.thrown == error_cancelled || c->address->ai_next == NULL)
            goto gen_end;
        gen_catch(&c->gen);
    }
    stream_close(&c->stream);
    if (!start_clients(c))
        GEN_RAISE(c, errno_error(ENOMEM));
    AWAIT(c, c->all);
    GEN_END(c);
    loop_cancel(loop_running(), c->timer);
    if (c->began > 0)
        note_unsent(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    for (int i = 0; c->tasks != NULL && i < c->connections; i++)
        task_release(c->tasks[i]);
    free(c->tasks);
    future_release(c->all);
    return false;
}
