/* async_http: what comes of a request, whatever the server does to it; and that
 * nothing is left of one that is cancelled.
 */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "07_eventloop/async_http.h"
#include "07_eventloop/waiting.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

/* --- A server in a child --------------------------------------------------- */

/* To each connection it says the same: a request is read, and then come the
 * words, each by itself, and the end. But "..." says the word before for ever,
 * "wait" waits for ever, "reset" breaks it off, "slowly" says the next word byte
 * by byte, and "deaf" (which comes first) reads nothing.
 */
static struct {
    pid_t pid;
    int listener;
    struct http_url url;
} peer;

static void reset(int fd)
{
    struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* The other one may be asleep: a word may not be joined by the next. */
static bool send_word(int fd, const char *word, size_t length)
{
    struct pollfd polled = {fd, POLLIN, 0};
    if (send(fd, word, length, MSG_NOSIGNAL) == -1)
        return false;
    return length > 1000 || poll(&polled, 1, 1) == 0;
}

static void talk(int fd, const char *const *words)
{
    char bytes[4096];
    if (*words != NULL && strcmp(*words, "deaf") == 0)
        words++;
    else
        (void)!recv(fd, bytes, sizeof bytes, 0);
    for (; *words != NULL; words++) {
        if (strcmp(*words, "...") == 0)
            words--;
        if (strcmp(*words, "wait") == 0) {
            pause();
        } else if (strcmp(*words, "reset") == 0) {
            reset(fd);
        } else if (strcmp(*words, "slowly") == 0) {
            for (const char *p = *++words; *p != '\0'; p++)
                send_word(fd, p, 1);
        } else if (!send_word(fd, *words, strlen(*words))) {
            break;
        }
    }
}

static void stop_peer(void)
{
    if (peer.pid > 0) {
        kill(peer.pid, SIGKILL);
        waitpid(peer.pid, NULL, 0);
    }
    peer.pid = 0;
}

static void listen_somewhere(int backlog)
{
    char text[64];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof a;
    peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(peer.listener, (struct sockaddr *)&a, size), 0);
    ck_assert_int_eq(listen(peer.listener, backlog), 0);
    ck_assert_int_eq(getsockname(peer.listener, (struct sockaddr *)&a, &size),
                     0);
    snprintf(text, sizeof text, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    ck_assert(http_url_split(text, &peer.url));
}

static void start_peer(const char *const *words)
{
    listen_somewhere(64);
    pid_t parent = getpid();
    peer.pid = fork();
    ck_assert_int_ne(peer.pid, -1);
    if (peer.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent) {
            int fd = accept(peer.listener, NULL, NULL);
            talk(fd, words);
            close(fd);
        }
        _exit(0);
    }
    close(peer.listener);
}

/* --- A request ------------------------------------------------------------- */

/* Of the whole time, "no answer" takes this much. */
static const double patience = 0.2;

static struct task *start_request(const char *method)
{
    return task_create(&loop, async_http, .url = &peer.url, .method = method);
}

static struct http_reply *reply_of(struct task *t)
{
    struct async_http *frame = task_frame(t);
    return &frame->reply;
}

static void settle(void)
{
    while (loop.tasks != NULL)
        loop_run_once(&loop, 30);
}

static void forget(struct task *t)
{
    http_reply_free(reply_of(t));
    task_release(t);
}

static void expect_outcome(struct task *t, enum http_outcome outcome,
                           const char *words)
{
    struct http_reply *reply = reply_of(t);
    ck_assert_ptr_eq(future_error(&t->future), NULL);
    ck_assert_msg(reply->outcome == outcome, "%d: %s", (int)reply->outcome,
                  reply->why);
    if (outcome == HTTP_GOT) {
        ck_assert_str_eq(reply->body, words);
        ck_assert_uint_eq(reply->length, strlen(words));
        ck_assert_str_eq(reply->why, "");
    } else {
        ck_assert_ptr_null(reply->body);
        ck_assert_uint_eq(reply->length, 0);
        ck_assert_msg(strstr(reply->why, words) != NULL, "%s", reply->why);
        ck_assert_ptr_nonnull(strstr(reply->why, "127.0.0.1:"));
    }
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define LONG                                                                   \
    "one hundred bytes, more or less, of what never comes to an end, so that " \
    "whoever waits for that waits for ever"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
static const struct {
    const char *words[6];
    enum http_outcome outcome;
    const char *why; /* in it; or the body */
} talks[] = {
    {{HEAD "hello", "wait"}, HTTP_GOT, "hello"},
    {{"HTTP/1.1 200 OK\r\nConte", "nt-Length: 5\r\n\r\nhel", "lo"},
     HTTP_GOT,
     "hello"},
    {{"slowly", HEAD "hello"}, HTTP_GOT, "hello"},
    {{"slowly", CHUNKED "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"}, HTTP_GOT, "hello"},
    {{"HTTP/1.0 200 OK\r\n\r\nhello"}, HTTP_GOT, "hello"},
    {{"HTTP/1.1 204 No Content\r\n\r\n", "wait"}, HTTP_GOT, ""},
    {{HEAD "hello and more than there should be", "wait"}, HTTP_GOT, "hello"},
    {{NULL}, HTTP_HUNG_UP, "hung up"},
    {{"deaf", "reset"}, HTTP_HUNG_UP, "hung up"},
    {{"reset"}, HTTP_HUNG_UP, "hung up"},
    {{"HTTP/1.1 20"}, HTTP_HUNG_UP, "hung up"},
    {{"HTTP/1.1 20", "reset"}, HTTP_HUNG_UP, "hung up"},
    {{HEAD "hel"}, HTTP_HUNG_UP, "hung up"},
    {{HEAD "hel", "reset"}, HTTP_HUNG_UP, "hung up"},
    {{"HTTP/1.0 200 OK\r\n\r\nhello", "reset"}, HTTP_HUNG_UP, "hung up"},
    {{CHUNKED "5\r\nhello\r\n"}, HTTP_HUNG_UP, "hung up"},
    {{"SSH-2.0-OpenSSH\r\n", "wait"}, HTTP_NO_SENSE, "no HTTP: the first line"},
    {{"\x16\x03\x01\x02\r\n", "wait"}, HTTP_NO_SENSE, "no HTTP"},
    {{"HTTP/1.1 200 OK\r\n", "A: " LONG "\r\n", "..."},
     HTTP_NO_SENSE,
     "no HTTP: "},
    {{"HTTP/1.1 200 ", LONG, "..."}, HTTP_NO_SENSE, "no HTTP: "},
};

START_TEST(it_says_what_came_of_it)
{
    int number = _i / BACKENDS;
    start_peer(talks[number].words);
    begin_loop(_i % BACKENDS);
    signal(SIGPIPE, SIG_DFL);
    struct task *t = start_request(NULL);
    settle();
    expect_outcome(t, talks[number].outcome, talks[number].why);
    forget(t);
    end_loop();
    stop_peer();
}
END_TEST

START_TEST(the_method_is_asked)
{
    static const char *const words[] = {HEAD, "wait", NULL};
    start_peer(words);
    begin_loop(_i);
    struct task *t = start_request("HEAD");
    settle();
    expect_outcome(t, HTTP_GOT, "");
    forget(t);
    end_loop();
    stop_peer();
}
END_TEST

/* A body that does not end is not kept without end; nor are the others held up
 * while it comes.
 */
START_TEST(it_does_not_take_too_much)
{
    static char much[(1 << 20) + 1];
    static const char *const words[] = {"HTTP/1.1 200 OK\r\n\r\n", much, "...",
                                        NULL};
    memset(much, 'x', sizeof much - 1);
    start_peer(words);
    begin_loop(_i);
    unsigned long before = loop.turns;
    struct task *t = start_request(NULL);
    settle();
    expect_outcome(t, HTTP_TOO_LONG, "more than 16777216 bytes");
    ck_assert_uint_ge(loop.turns - before, 100);
    forget(t);
    end_loop();
    stop_peer();
}
END_TEST

START_TEST(a_name_is_no_address)
{
    static const char *const names[] = {"localhost", "127.1", "1.2.3.4.5",
                                        "::g", "256.1.1.1"};
    begin_loop(_i);
    listen_somewhere(1);
    close(peer.listener);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        strcpy(peer.url.host, names[i]);
        struct task *t = start_request(NULL);
        settle();
        expect_outcome(t, HTTP_UNKNOWN, "no address");
        forget(t);
    }
    end_loop();
}
END_TEST

START_TEST(nobody_is_there)
{
    begin_loop(_i);
    listen_somewhere(1);
    close(peer.listener);
    for (int i = 0; i < 2; i++) {
        struct task *t = start_request(NULL);
        settle();
        expect_outcome(t, HTTP_UNREACHED, "");
        forget(t);
        strcpy(peer.url.host, "::1");
    }
    end_loop();
}
END_TEST

static void have_no_descriptor(const void *backend)
{
    struct rlimit limit;
    begin_loop(*(const int *)backend);
    listen_somewhere(1);
    getrlimit(RLIMIT_NOFILE, &limit);
    int next = dup(0);
    close(next);
    limit.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct task *t = start_request(NULL);
    settle();
    printf("%s\n", reply_of(t)->why);
    fflush(stdout);
    _exit(reply_of(t)->outcome == HTTP_NO_MEANS ? 0 : 1);
}

START_TEST(there_may_be_no_descriptor)
{
    struct forked f = run_forked(have_no_descriptor, &_i);
    ck_assert_int_eq(f.status, 0);
    ck_assert_msg(strstr(f.out, ": Too many open files\n") != NULL, "%s",
                  f.out);
}
END_TEST

/* What select cannot hold is said of it; the others can. */
START_TEST(select_may_hold_no_more)
{
    static const char *const words[] = {HEAD "hello", NULL};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < FD_SETSIZE + 100 ||
        setrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    start_peer(words);
    begin_loop(_i);
    int low[FD_SETSIZE];
    int n = 0;
    while ((low[n] = dup(0)) < FD_SETSIZE - 1)
        n++;
    struct task *t = start_request(NULL);
    settle();
    while (n >= 0)
        close(low[n--]);
    if (_i == SELECT)
        expect_outcome(t, HTTP_NO_MEANS, "select holds no more");
    else
        expect_outcome(t, HTTP_GOT, "hello");
    forget(t);
    end_loop();
    stop_peer();
}
END_TEST

/* --- Cancelled ------------------------------------------------------------- */

/* wait_for takes the request's task, and what comes is a time-out. */
struct waits {
    struct gen gen;
    struct task *request;
    struct wait_for wait_for;
};

static bool waits(void *frame, struct future **awaits)
{
    struct waits *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL_TRY(c, wait_for, .future = &c->request->future,
                   .seconds = patience);
    const char *error = gen_catch(&c->gen);
    say("%s", error != NULL ? error : "in time");
    GEN_END(c);
    return false;
}

static void expect_time_out(void)
{
    int before = count_descriptors();
    struct task *t = start_request(NULL);
    task_release(task_create(&loop, waits, .request = t));
    settle();
    expect_said("TimeoutError");
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert(future_cancelled(&t->future));
    ck_assert_ptr_null(reply_of(t)->body);
    ck_assert_uint_eq(reply_of(t)->length, 0);
    task_release(t); /* there is nothing to free; the address sanitizer looks */
}

static const char *const slow_talks[][4] = {
    {"wait"},
    {"HTTP/1.1 200 OK\r\nA: b\r\n", "wait"},
    {"HTTP/1.0 200 OK\r\n\r\nhello", "wait"},
    {"HTTP/1.0 200 OK\r\n\r\nhello", "x", "..."},
    {"HTTP/1.1 100 Continue\r\n\r\n", "..."},
};
enum { SLOW_TALKS = sizeof slow_talks / sizeof *slow_talks };

START_TEST(its_time_may_be_over_while_it_reads)
{
    start_peer(slow_talks[_i / BACKENDS]);
    begin_loop(_i % BACKENDS);
    expect_time_out();
    end_loop();
    stop_peer();
}
END_TEST

/* The queue of the listener is full, and nobody accepts. */
START_TEST(its_time_may_be_over_while_it_connects)
{
    enum { MANY = 8 };
    struct task *before[MANY];
    begin_loop(_i);
    listen_somewhere(0);
    for (int i = 0; i < MANY; i++)
        before[i] = start_request(NULL);
    loop_run_once(&loop, 0);
    loop_run_once(&loop, 0);
    struct task *t = start_request(NULL);
    task_release(task_create(&loop, waits, .request = t));
    while (!future_done(&t->future))
        loop_run_once(&loop, 30);
    for (int i = 0; i < MANY; i++) {
        future_cancel(&before[i]->future);
        task_release(before[i]);
    }
    settle();
    expect_said("TimeoutError");
    const struct async_http *frame = task_frame(t);
    ck_assert_int_eq(frame->stream.fd, -1);
    task_release(t);
    close(peer.listener);
    end_loop();
}
END_TEST

START_TEST(it_may_never_have_begun)
{
    begin_loop(_i);
    struct task *t = start_request(NULL);
    future_cancel(&t->future);
    settle();
    ck_assert(future_cancelled(&t->future));
    ck_assert_ptr_null(reply_of(t)->body);
    task_release(t);
    end_loop();
}
END_TEST

/* --- Many ------------------------------------------------------------------ */

/* A server as slow for each as for all; who is first out is its affair. */
START_TEST(many_are_asked_at_once)
{
    enum { MANY = 50 };
    static const char *const words[] = {HEAD "hello", NULL};
    struct task *tasks[MANY];
    start_peer(words);
    begin_loop(_i);
    for (int i = 0; i < MANY; i++)
        tasks[i] = start_request(NULL);
    settle();
    for (int i = 0; i < MANY; i++) {
        expect_outcome(tasks[i], HTTP_GOT, "hello");
        forget(tasks[i]);
    }
    end_loop();
    stop_peer();
}
END_TEST

TCase *eventloop_async_http(void)
{
    enum { TALKS = sizeof talks / sizeof *talks };
    TCase *tc = tcase_create("async_http");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, NULL, stop_peer);
    tcase_add_loop_test(tc, it_says_what_came_of_it, 0, TALKS * BACKENDS);
    tcase_add_loop_test(tc, the_method_is_asked, 0, BACKENDS);
    tcase_add_loop_test(tc, it_does_not_take_too_much, 0, BACKENDS);
    tcase_add_loop_test(tc, a_name_is_no_address, 0, BACKENDS);
    tcase_add_loop_test(tc, nobody_is_there, 0, BACKENDS);
    tcase_add_loop_test(tc, there_may_be_no_descriptor, 0, BACKENDS);
    tcase_add_loop_test(tc, select_may_hold_no_more, 0, BACKENDS);
    tcase_add_loop_test(tc, its_time_may_be_over_while_it_reads, 0,
                        SLOW_TALKS * BACKENDS);
    tcase_add_loop_test(tc, its_time_may_be_over_while_it_connects, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, it_may_never_have_begun, 0, BACKENDS);
    tcase_add_loop_test(tc, many_are_asked_at_once, 0, BACKENDS);
    return tc;
}
