#include "07_eventloop/fetch.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "07_eventloop/sink.h"

/* It has failed, for now. again: it might be well to try once more. */
__attribute__((format(printf, 3, 4))) static void fail(struct fetch *f,
                                                       bool again,
                                                       const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    vsnprintf(f->why, sizeof f->why, format, rest);
    va_end(rest);
    f->again = again;
}

static bool has_failed(const struct fetch *f)
{
    return *f->why != '\0';
}

/* The network's errors, in words that fit. */
static void fail_by_network(struct fetch *f, const char *error)
{
    if (error == errno_error(ECONNRESET) || error == errno_error(EPIPE))
        error = "the connection was reset";
    else if (error == errno_error(ERANGE))
        error = "select holds no more connections";
    fail(f, true, "%s", error);
}

/* --- A connection --------------------------------------------------------- */

/* The job of a thread, since it blocks: the network is asked, for seconds
 * maybe. It owns all that it writes: whoever asked may be gone.
 */
enum { ADDRESSES = 8 };
struct look_up {
    char host[256], port[6];
    int error; /* as getaddrinfo has it */
    int count;
    struct address {
        struct sockaddr_storage bytes;
        socklen_t length;
    } found[ADDRESSES];
};

static atomic_int asked; /* so many names, and no answer yet */

bool fetch_asks(void)
{
    return asked > 0;
}

static const char *look_up(void *frame)
{
    struct look_up *job = frame;
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    job->error = getaddrinfo(job->host, job->port, &wanted, &found);
    asked--;
    if (job->error != 0)
        return NULL;
    for (struct addrinfo *a = found; a && job->count < ADDRESSES;
         a = a->ai_next) {
        struct address *address = &job->found[job->count++];
        memcpy(&address->bytes, a->ai_addr, a->ai_addrlen);
        address->length = a->ai_addrlen;
    }
    freeaddrinfo(found);
    return NULL;
}

static void fail_without_address(struct fetch *f, int error)
{
    if (error == EAI_NONAME)
        fail(f, false, "there is no host of that name");
    else if (error == EAI_AGAIN)
        fail(f, true, "the host's name cannot be looked up now");
    else
        fail(f, error == EAI_MEMORY, "the host's name: %s",
             gai_strerror(error));
}

/* Looks the host up, and connects to the first of its addresses that answers.
 */
struct reach {
    struct gen gen;
    struct fetch *fetch;
    struct fetch_connection *connection;
    struct future *job;
    const struct look_up *names;
    int i;
    const char *error;
    struct stream_connect stream_connect;
};

static struct future *ask_for_names(const struct http_url *url)
{
    struct look_up job = {.count = 0};
    memcpy(job.host, url->host, sizeof job.host);
    memcpy(job.port, url->port, sizeof job.port);
    asked++;
    return run_in_executor_frame(loop_running(), look_up, &job, sizeof job);
}

static bool reach(void *frame, struct future **awaits)
{
    struct reach *c = frame;
    GEN_BEGIN(c);
    c->job = ask_for_names(&c->fetch->url);
    AWAIT_TRY(c, c->job);
    c->error = gen_catch(&c->gen);
    if (c->error == error_cancelled)
        GEN_RAISE(c, c->error);
    c->names = future_result(c->job);
    if (c->names == NULL) {
        fail(c->fetch, true, "the host's name: %s", c->error);
        goto gen_end;
    }
    if (c->names->error != 0) {
        fail_without_address(c->fetch, c->names->error);
        goto gen_end;
    }
    for (c->i = 0; c->i < c->names->count; c->i++) {
        AWAIT_CALL_TRY(c, stream_connect, .stream = &c->connection->stream,
                       .address = (const void *)&c->names->found[c->i].bytes,
                       .length = c->names->found[c->i].length);
        c->error = gen_catch(&c->gen);
        if (c->error == error_cancelled)
            GEN_RAISE(c, c->error);
        if (c->error == NULL)
            goto gen_end;
    }
    fail_by_network(c->fetch, c->error);
    GEN_END(c);
    future_release(c->job);
    return false;
}

/* --- What comes on it ----------------------------------------------------- */

/* Waits for the next part of the answer. The connection's end is HTTP_DONE
 * where it is the end of the answer, else HTTP_FAILED.
 */
struct hear {
    struct gen gen;
    struct fetch_connection *connection;
    enum http_event event;
    struct stream_read stream_read;
};

static bool hear(void *frame, struct future **awaits)
{
    struct hear *c = frame;
    struct fetch_connection *k = c->connection;
    GEN_BEGIN(c);
    while ((c->event = http_feed(&k->http, &k->at, k->end)) == HTTP_MORE) {
        AWAIT_CALL(c, stream_read, .stream = &k->stream, .bytes = k->bytes,
                   .room = sizeof k->bytes);
        k->at = k->bytes;
        k->end = k->bytes + c->stream_read.length;
        if (c->stream_read.length == 0) {
            c->event = http_end(&k->http);
            if (c->event == HTTP_MORE)
                c->event = HTTP_FAILED;
            break;
        }
    }
    GEN_END(c);
    return false;
}

/* The answer was cut off: by an error of the network, or because it makes no
 * sense, or by the end of the connection.
 */
static void fail_in_answer(struct fetch *f, const struct http *http,
                           const char *error)
{
    if (error != NULL)
        fail_by_network(f, error);
    else if (http->state != HTTP_AT_FAILED)
        fail(f, true, "the connection ended without an answer");
    else if (http->error == HTTP_NO_MEMORY)
        fail(f, true, "out of memory");
    else if (http->error != HTTP_CUT_SHORT)
        fail(f, false, "no HTTP: %s", http_error_text(http->error));
    else if (http->framing == HTTP_LENGTH)
        fail(f, true, "it ended after %lld of %lld bytes",
             (long long)(http->length - http->left), (long long)http->length);
    else
        fail(f, true, "it ended in mid-answer");
}

/* Sends the request, and waits for the head of the answer. */
struct ask {
    struct gen gen;
    struct fetch *fetch;
    struct fetch_connection *connection;
    bool silent; /* not a byte of an answer has come */
    const char *error;
    size_t length;
    char request[sizeof(struct http_url) + 256];
    struct stream_write stream_write;
    struct hear hear;
};

static const char fields[] = "User-Agent: groundup-fetcher\r\n"
                             "Accept: */*\r\n"
                             "Accept-Encoding: identity\r\n";

static bool ask(void *frame, struct future **awaits)
{
    struct ask *c = frame;
    GEN_BEGIN(c);
    c->length = http_write_request(c->request, sizeof c->request, "GET",
                                   &c->fetch->url, fields);
    AWAIT_CALL_TRY(c, stream_write, .stream = &c->connection->stream,
                   .bytes = c->request, .length = c->length);
    c->error = gen_catch(&c->gen);
    if (c->error == NULL) {
        AWAIT_CALL_TRY(c, hear, .connection = c->connection);
        c->error = gen_catch(&c->gen);
    }
    if (c->error == error_cancelled)
        GEN_RAISE(c, c->error);
    if (c->error == NULL && c->hear.event == HTTP_HEAD)
        goto gen_end;
    c->silent = http_idle(&c->connection->http);
    fail_in_answer(c->fetch, &c->connection->http, c->error);
    GEN_END(c);
    return false;
}

/* --- The body ------------------------------------------------------------- */

static bool is_too_long(struct fetch *f, int64_t length)
{
    if (f->all->max_bytes == 0 || length <= f->all->max_bytes)
        return false;
    fail(f, false, "it is longer than %lld bytes",
         (long long)f->all->max_bytes);
    return true;
}

/* Returns how long the body is with this piece. */
static int64_t count(struct fetch *f, const struct http *http)
{
    f->all->bytes += (int64_t)http->piece.length;
    return f->length += (int64_t)http->piece.length;
}

/* Reads the body into the sink. */
struct receive {
    struct gen gen;
    struct fetch *fetch;
    struct fetch_connection *connection;
    struct sink *sink;
    bool whole;
    const char *error;
    struct hear hear;
    struct sink_write sink_write;
};

static bool receive(void *frame, struct future **awaits)
{
    struct receive *c = frame;
    GEN_BEGIN(c);
    for (;;) {
        AWAIT_CALL_TRY(c, hear, .connection = c->connection);
        c->error = gen_catch(&c->gen);
        if (c->error == error_cancelled)
            GEN_RAISE(c, c->error);
        c->whole = c->error == NULL && c->hear.event == HTTP_DONE;
        if (c->whole)
            goto gen_end;
        if (c->error != NULL || c->hear.event != HTTP_BODY) {
            fail_in_answer(c->fetch, &c->connection->http, c->error);
            goto gen_end;
        }
        if (is_too_long(c->fetch, count(c->fetch, &c->connection->http)))
            goto gen_end;
        AWAIT_CALL_TRY(c, sink_write, .sink = c->sink,
                       .bytes = c->connection->http.piece.at,
                       .length = c->connection->http.piece.length);
        c->error = gen_catch(&c->gen);
        if (c->error == error_cancelled)
            GEN_RAISE(c, c->error);
        if (c->error != NULL) {
            fail(c->fetch, false, "its file: %s", c->error);
            goto gen_end;
        }
    }
    GEN_END(c);
    return false;
}

/* Makes a file of the body, from its opening to its name. */
struct save {
    struct gen gen;
    struct fetch *fetch;
    struct fetch_connection *connection;
    const char *error;
    struct sink sink;
    struct sink_open sink_open;
    struct receive receive;
    struct sink_close sink_close;
    struct sink_drop sink_drop;
};

static bool save(void *frame, struct future **awaits)
{
    struct save *c = frame;
    struct fetch *f = c->fetch;
    GEN_BEGIN(c);
    f->length = 0;
    sink_init(&c->sink, f->all->folder, f->name, f->all->sync);
    if (is_too_long(f, c->connection->http.length))
        goto gen_end;
    AWAIT_CALL_TRY(c, sink_open, .sink = &c->sink);
    if (c->gen.thrown == NULL)
        AWAIT_CALL_TRY(c, receive, .fetch = f, .connection = c->connection,
                       .sink = &c->sink);
    if (c->gen.thrown == NULL && c->receive.whole) {
        AWAIT_CALL_TRY(c, sink_close, .sink = &c->sink);
        if (c->gen.thrown == NULL)
            f->outcome = FETCH_CAME;
    }
    c->error = gen_catch(&c->gen);
    AWAIT_CALL_TRY(c, sink_drop, .sink = &c->sink);
    if (c->error == NULL)
        c->error = gen_catch(&c->gen);
    if (c->error == error_cancelled && f->outcome != FETCH_CAME)
        GEN_RAISE(c, c->error);
    gen_catch(&c->gen);
    if (c->error != NULL && f->outcome != FETCH_CAME)
        fail(f, false, "its file: %s", c->error);
    GEN_END(c);
    return false;
}

/* --- A request, and its answer -------------------------------------------- */

struct attempt {
    struct gen gen;
    struct fetch *fetch;
    struct fetch_connection *connection;
    bool used_before, whole;
    struct reach reach;
    struct ask ask;
    struct save save;
};

/* What the head says. Returns whether there is a file to be made of it. */
static bool is_wanted(struct fetch *f, const struct http *http)
{
    static const int later[] = {408, 429, 500, 502, 503, 504, 0};
    int status = http->status;
    const char *location = http_field(http, "Location");
    bool redirect = status == 301 || status == 302 || status == 303 ||
                    status == 307 || status == 308;
    if (status >= 200 && status < 300 && status != 206)
        return true;
    if (!redirect || location == NULL) {
        const int *s = later;
        while (*s != 0 && *s != status)
            s++;
        fail(f, *s != 0, "%d%s%s", status, *http_reason(status) ? " " : "",
             http_reason(status));
    } else if (f->redirects++ == FETCH_REDIRECTS) {
        fail(f, false, "more than %d redirects", FETCH_REDIRECTS);
    } else {
        const char *why = fetch_redirect(&f->url, location);
        if (why != NULL)
            fail(f, false, "it redirects: %s", why);
        f->moved = true;
    }
    return false;
}

/* A body that nobody wants. If all of it came with the head, and it mostly
 * does, the connection can be used again; nobody waits for it.
 */
static bool skip_body(struct fetch_connection *k)
{
    enum http_event event;
    do
        event = http_feed(&k->http, &k->at, k->end);
    while (event == HTTP_BODY);
    return event == HTTP_DONE;
}

static bool attempt(void *frame, struct future **awaits)
{
    struct attempt *c = frame;
    struct fetch *f = c->fetch;
    GEN_BEGIN(c);
    c->connection = fetch_pool_take(&f->all->pool, &f->url);
    do {
        *f->why = '\0';
        c->used_before = c->connection->stream.fd != -1;
        if (!c->used_before)
            AWAIT_CALL(c, reach, .fetch = f, .connection = c->connection);
        if (has_failed(f))
            goto gen_end;
        AWAIT_CALL(c, ask, .fetch = f, .connection = c->connection);
        if (has_failed(f))
            fetch_connection_close(c->connection);
        /* The server may have been tired of an idle one: that is no failure. */
    } while (has_failed(f) && c->used_before && c->ask.silent);
    if (has_failed(f))
        goto gen_end;
    if (!is_wanted(f, &c->connection->http)) {
        c->whole = skip_body(c->connection);
        goto gen_end;
    }
    AWAIT_CALL(c, save, .fetch = f, .connection = c->connection);
    c->whole = c->save.receive.whole;
    GEN_END(c);
    fetch_pool_give(c->connection, c->whole);
    return false;
}

/* --- A URL ---------------------------------------------------------------- */

struct is_there {
    struct fetch *fetch;
};

static const char *is_there(void *frame)
{
    struct fetch *f = ((struct is_there *)frame)->fetch;
    struct stat st;
    if (fstatat(f->all->folder, f->name, &st, 0) == 0 && S_ISREG(st.st_mode))
        f->outcome = FETCH_THERE;
    return NULL;
}

/* Seconds before the next try: longer each time, and others go on meanwhile. */
static double pause_before(int retry)
{
    return retry < 6 ? 0.1 * (1 << retry) : 5;
}

bool fetch(void *frame, struct future **awaits)
{
    struct fetch *c = frame;
    GEN_BEGIN(c);
    fetch_name(&c->wanted, c->name);
    if (c->all->only_missing)
        AWAIT_CALL(c, until_home,
                   .job =
                       run_in_executor(loop_running(), is_there, .fetch = c));
    while (c->outcome == FETCH_FAILED) {
        c->tries++;
        c->url = c->wanted;
        c->redirects = 0;
        do {
            c->moved = false;
            c->attempt = coroutine_new(loop_running(), attempt, .fetch = c);
            AWAIT_CORO(c, c->attempt);
            task_release(c->attempt);
            c->attempt = NULL;
        } while (c->moved && !has_failed(c));
        if (has_failed(c) && (!c->again || c->tries > c->all->retries))
            break;
        if (has_failed(c))
            AWAIT_CALL(c, sleep_for, .seconds = pause_before(c->tries - 1));
    }
    GEN_END(c);
    task_release(c->attempt);
    return false;
}
