#include "07_eventloop/mischief.h"

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/http.h"
#include "07_eventloop/stream.h"

enum { MOST = 4096, PIECE = 32 * 1024 };

#define HELLO "hello, world\n" /* 13 bytes */
const char mischief_hello[] = HELLO;

/* --- What it does --------------------------------------------------------- */

/* An answer, and what then. */
static const struct deed {
    const char *path;
    const char *says;
    enum { KEEP, CLOSE, RESET, HANG, TRICKLE, REPEAT, LATE } then;
    /* With REPEAT: for ever; with TRICKLE: a byte a second; with LATE: once, a
     * moment later.
     */
    const char *again;
} deeds[] = {
    {"/none", "HTTP/1.1 204 No Content\r\n\r\n", KEEP, NULL},
    {"/interim",
     "HTTP/1.1 100 Continue\r\n\r\n"
     "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" HELLO,
     KEEP, NULL},
    {"/moved",
     "HTTP/1.1 301 Moved Permanently\r\nLocation: ./x/../bytes/1000\r\n"
     "Content-Length: 13\r\n\r\n" HELLO,
     KEEP, NULL},
    {"/tired", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" HELLO, CLOSE,
     NULL},
    {"/part",
     "HTTP/1.1 206 Partial Content\r\nContent-Length: 13\r\n\r\n" HELLO, KEEP,
     NULL},
    {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" HELLO, CLOSE,
     NULL},
    {"/long", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" HELLO "and more",
     KEEP, NULL},
    {"/late", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" HELLO, LATE,
     "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nwrong\n"},
    {"/cut", "HTTP/1.1 200 OK\r\nContent-Len", CLOSE, NULL},
    {"/bad-chunk",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "d\r\n" HELLO "\r\nthirteen\r\n" HELLO "\r\n0\r\n\r\n",
     KEEP, NULL},
    {"/cut-chunk",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "d\r\n" HELLO "\r\n",
     CLOSE, NULL},
    {"/two-lengths",
     "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Length: 5\r\n\r\n" HELLO,
     KEEP, NULL},
    {"/endless-head", "HTTP/1.1 200 OK\r\n", REPEAT, "X-More: and more\r\n"},
    {"/endless-body", "HTTP/1.1 200 OK\r\n\r\n", REPEAT, HELLO},
    {"/endless-interim", "", REPEAT, "HTTP/1.1 100 Continue\r\n\r\n"},
    {"/slow", "HTTP/1.1 200 OK\r\nContent-Length: 3600\r\n\r\n", TRICKLE, "."},
    {"/reset", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" HELLO, RESET,
     NULL},
    {"/silence", "", HANG, NULL},
    {"/loop",
     "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n", KEEP,
     NULL},
    {"/to-https",
     "HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.org/\r\n"
     "Content-Length: 0\r\n\r\n",
     KEEP, NULL},
    {"/nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", KEEP, NULL},
    {"/garbage", "220 mail.example.org ESMTP\r\n", CLOSE, NULL},
    {"/busy",
     "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 13\r\n\r\n" HELLO,
     KEEP, NULL},
    {"/flaky", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" HELLO, KEEP,
     NULL},
};

static const struct deed missing = {
    "", "HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n" HELLO, KEEP,
    NULL};
static const struct deed reset = {"", "", RESET, NULL};

/* Any two places differ, but for those that lie far apart. */
void mischief_bytes(int64_t place, char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(((uint64_t)place + i) * 0x9e3779b97f4a7c15ULL >> 40);
}

/* --- A connection --------------------------------------------------------- */

struct visit {
    struct gen gen;
    struct mischief *server;
    int fd;
    struct visit *next, **link;
    struct stream stream;
    struct http http;
    const char *at, *end;
    char path[64];
    const struct deed *deed;
    int64_t place, length;
    size_t used;
    char bytes[4096];
    char out[PIECE + 16];
    struct stream_read stream_read;
    struct stream_write stream_write;
    struct sleep_for sleep_for;
};

/* Those that are open, of the loop of this thread. */
static _Thread_local struct visit *visits;

/* How many there are whose client has not hung up: that is told apart from what
 * of it this server has read, so that one who closes a connection before it
 * makes the next is not counted twice.
 */
static void count_visits(struct mischief_counts *counts)
{
    static _Thread_local struct pollfd polled[MOST];
    nfds_t n = 0;
    int open = 0;
    for (const struct visit *v = visits; v && n < MOST; v = v->next)
        polled[n++] = (struct pollfd){v->stream.fd, POLLRDHUP, 0};
    while (poll(polled, n, 0) == -1 && errno == EINTR)
        continue;
    while (n-- > 0)
        open += (polled[n].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
    if (open > counts->most)
        counts->most = open;
    counts->connections++;
}

/* Returns whether a request has come, and notes its path. */
static bool take_request(struct visit *c)
{
    enum http_event event;
    do
        event = http_feed(&c->http, &c->at, c->end);
    while (event == HTTP_HEAD || event == HTTP_BODY);
    if (event != HTTP_DONE)
        return false;
    snprintf(c->path, sizeof c->path, "%.*s", (int)c->http.path.length,
             c->http.path.at);
    c->server->counts->requests++;
    return true;
}

static const struct deed *deed_of(const char *path)
{
    static _Thread_local int flaky;
    if (strcmp(path, "/flaky") == 0 && flaky++ == 0)
        return &reset;
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(deeds[i].path, path) == 0)
            return &deeds[i];
    return &missing;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Whether the path has a number: of bytes, or of redirects. The head of the
 * answer is in c->out then.
 */
static bool has_number(struct visit *c)
{
    const char *head = NULL;
    char length[64] = "";
    if (begins(c->path, "/rest/"))
        head = "HTTP/1.0 200 OK\r\n";
    else if (begins(c->path, "/chunks/"))
        head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
    else if (begins(c->path, "/bytes/") || begins(c->path, "/hops/0"))
        head = "HTTP/1.1 200 OK\r\n";
    else if (begins(c->path, "/hops/"))
        head = "HTTP/1.1 302 Found\r\n";
    else
        return false;
    c->place = 0;
    c->length = strtoll(strrchr(c->path, '/') + 1, NULL, 10);
    if (c->path[1] == 'h') {
        snprintf(length, sizeof length,
                 "Location: %lld\r\nContent-Length: 0\r\n",
                 (long long)c->length - 1);
        c->length = 0;
    }
    if (c->path[1] == 'b')
        snprintf(length, sizeof length, "Content-Length: %lld\r\n",
                 (long long)c->length);
    c->used = (size_t)snprintf(c->out, sizeof c->out, "%s%s\r\n", head, length);
    return true;
}

/* The next piece of them goes to c->out; false behind the last. */
static bool next_piece(struct visit *c)
{
    bool chunks = c->path[1] == 'c';
    if (c->place > c->length)
        return false;
    size_t n =
        c->length - c->place < PIECE ? (size_t)(c->length - c->place) : PIECE;
    c->used = 0;
    if (n == 0 && !chunks)
        return false;
    if (chunks)
        c->used = (size_t)snprintf(c->out, 16, "%zx\r\n", n);
    mischief_bytes(c->place, c->out + c->used, n);
    c->used += n;
    c->place += (int64_t)n;
    if (chunks) {
        memcpy(c->out + c->used, "\r\n", 2);
        c->used += 2;
        c->place += n == 0; /* that was the last one, of no byte */
    }
    c->server->counts->sent += (long long)n;
    return true;
}

/* Fills c->out with as many as go in. */
static void repeat(struct visit *c)
{
    size_t n = strlen(c->deed->again);
    c->used = 0;
    while (c->used + n <= PIECE) {
        memcpy(c->out + c->used, c->deed->again, n);
        c->used += n;
    }
}

/* The end of it is a reset, not a last word. */
static void make_reset(int fd)
{
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Not after 40 ms, when the other side has told that it has the head (Nagle).
 */
static void send_at_once(int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static bool visit(void *frame, struct future **awaits)
{
    struct visit *c = frame;
    GEN_BEGIN(c);
    stream_open(&c->stream, loop_running(), c->fd);
    send_at_once(c->fd);
    http_init(&c->http, HTTP_REQUEST);
    c->next = visits;
    c->link = &visits;
    if (c->next != NULL)
        c->next->link = &c->next;
    visits = c;
    count_visits(c->server->counts);
    for (;;) {
        while (!take_request(c)) {
            AWAIT_CALL(c, stream_read, .stream = &c->stream, .bytes = c->bytes,
                       .room = sizeof c->bytes);
            c->at = c->bytes;
            c->end = c->bytes + c->stream_read.length;
            if (c->stream_read.length == 0)
                goto gen_end;
        }
        if (has_number(c)) {
            do {
                AWAIT_CALL(c, stream_write, .stream = &c->stream,
                           .bytes = c->out, .length = c->used);
            } while (next_piece(c));
            if (c->path[1] == 'r')
                goto gen_end;
            continue;
        }
        c->deed = deed_of(c->path);
        AWAIT_CALL(c, stream_write, .stream = &c->stream,
                   .bytes = c->deed->says, .length = strlen(c->deed->says));
        if (c->deed->then == RESET)
            make_reset(c->stream.fd);
        if (c->deed->then == CLOSE || c->deed->then == RESET)
            goto gen_end;
        if (c->deed->then == LATE) {
            AWAIT_CALL(c, sleep_for, .seconds = 0.05);
            AWAIT_CALL(c, stream_write, .stream = &c->stream,
                       .bytes = c->deed->again,
                       .length = strlen(c->deed->again));
        }
        while (c->deed->then == TRICKLE) {
            AWAIT_CALL(c, stream_write, .stream = &c->stream,
                       .bytes = c->deed->again, .length = 1);
            AWAIT_CALL(c, sleep_for, .seconds = 1);
        }
        while (c->deed->then == REPEAT) {
            repeat(c);
            AWAIT_CALL(c, stream_write, .stream = &c->stream, .bytes = c->out,
                       .length = c->used);
            AWAIT_TURN(c);
        }
        while (c->deed->then == HANG) {
            AWAIT_CALL(c, stream_read, .stream = &c->stream, .bytes = c->bytes,
                       .room = sizeof c->bytes);
            if (c->stream_read.length == 0)
                goto gen_end;
        }
    }
    GEN_END(c);
    c->gen.error = NULL; /* whoever leaves it is right to */
    stream_close(&c->stream);
    http_free(&c->http);
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    return false;
}

/* --- The server ----------------------------------------------------------- */

struct serve {
    struct gen gen;
    struct mischief *server;
    struct stream listener;
    struct stream_accept stream_accept;
};

static bool serve(void *frame, struct future **awaits)
{
    struct serve *c = frame;
    GEN_BEGIN(c);
    loop_running()->slow_callback = 0;
    stream_open(&c->listener, loop_running(), c->server->listener);
    for (;;) {
        AWAIT_CALL(c, stream_accept, .listener = &c->listener);
        task_release(task_create(loop_running(), visit, .server = c->server,
                                 .fd = c->stream_accept.fd));
    }
    GEN_END(c);
    stream_close(&c->listener);
    return false;
}

_Noreturn void mischief_serve(struct mischief *m)
{
    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "mischief: loop");
    task_release(task_create(&loop, serve, .server = m));
    loop_run_forever(&loop);
    abort(); /* somebody always listens */
}

int mischief_listen(struct mischief *m, const char *address)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
    struct addrinfo *found;
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char port[8];
    if (getaddrinfo(address, "0", &wanted, &found) != 0) {
        errno = EINVAL;
        return -1;
    }
    *m = (struct mischief){.listener = -1};
    m->counts = mmap(NULL, sizeof *m->counts, PROT_READ | PROT_WRITE,
                     /* cppcheck-suppress invalidFunctionArg */
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m->counts != MAP_FAILED)
        m->listener = socket(found->ai_family,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (m->listener != -1 &&
        bind(m->listener, found->ai_addr, found->ai_addrlen) == 0 &&
        listen(m->listener, SOMAXCONN) == 0 &&
        getsockname(m->listener, (struct sockaddr *)&bound, &size) == 0) {
        getnameinfo((struct sockaddr *)&bound, size, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV);
        snprintf(m->url, sizeof m->url,
                 found->ai_family == AF_INET6 ? "http://[%.40s]:%s"
                                              : "http://%.40s:%s",
                 address, port);
        freeaddrinfo(found);
        return 0;
    }
    int why = errno;
    if (m->listener != -1)
        close(m->listener);
    freeaddrinfo(found);
    errno = why;
    return -1;
}

/* --- In a child ----------------------------------------------------------- */

static struct mischief *started;
static pid_t owner;

/* Returns its status, as waitpid(2) has it. */
static int end_child(void)
{
    int status = 0;
    kill(started->pid, SIGKILL);
    while (waitpid(started->pid, &status, 0) == -1 && errno == EINTR)
        continue;
    started->pid = 0;
    started = NULL;
    return status;
}

static void at_exit(void)
{
    if (started != NULL && owner == getpid())
        end_child();
}

void mischief_start(struct mischief *m)
{
    owner = getpid();
    if (started == NULL && atexit(at_exit) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    fflush(stdout);
    m->pid = fork();
    if (m->pid == -1)
        err(CLI_ERROR, "mischief: fork");
    if (m->pid == 0) {
        /* It dies when its parent does, if the parent is not already dead; and
         * Ctrl-C, which all of the terminal's hear, is for the parent.
         */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != owner)
            _exit(1);
        signal(SIGINT, SIG_IGN);
        mischief_serve(m);
    }
    started = m;
    close(m->listener);
    m->listener = -1;
}

void mischief_stop(struct mischief *m)
{
    int status = m == started ? end_child() : SIGKILL;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        errx(CLI_ERROR, "mischief: it ended before we did");
}
