/* measure: what a load on a server comes to adds up, in each of the ways a
 * server may go wrong; and a server that stands still is seen by those who
 * count from when a request was due.
 *
 * The server is a thread of the test, with one thing wrong with it at a time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "07_eventloop/load_http.h"
#include "tests/loops.h"
#include "tests/support.h"

/* --- The server ------------------------------------------------------------ */

static enum manner {
    WELL,
    STANDS_STILL, /* at its request number 20, once, for STILL seconds */
    SLOW,         /* each answer takes 0.05 s; one after another */
    CLOSES,       /* after each answer, and does not say so before */
    SAYS_CLOSE,   /* does */
    CUTS_SHORT,   /* every fifth answer */
    SILENT,       /* every fifth request is not answered */
    TALKS_NONSENSE,
    NOT_FOUND,
    SAYS_TWICE,
} manner;

#define STILL 0.4
#define CLOSING                                                                \
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

enum { MOST = 64 };
static pthread_t thread;
static int stopping[2];
static int listener;
static atomic_int served, accepted;
static struct load_target target;
static struct load_result result;

static void nap(double seconds)
{
    struct timespec t = {.tv_nsec = (long)(seconds * 1e9)};
    while (nanosleep(&t, &t) == -1)
        continue;
}

/* Returns whether the connection is kept. */
static bool answer(int fd)
{
    static const char twice[] = ANSWER ANSWER;
    static const char *const says[] = {
        [WELL] = ANSWER,
        [STANDS_STILL] = ANSWER,
        [SLOW] = ANSWER,
        [CLOSES] = ANSWER,
        [SAYS_CLOSE] = CLOSING,
        [CUTS_SHORT] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        [SILENT] = "",
        [TALKS_NONSENSE] = "good evening\r\n\r\n",
        [NOT_FOUND] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        [SAYS_TWICE] = twice,
    };
    char request[4096];
    ssize_t n = recv(fd, request, sizeof request, 0);
    if (n <= 0)
        return false;
    int number = ++served;
    if (manner == STANDS_STILL && number == 20)
        nap(STILL);
    if (manner == SLOW)
        nap(0.05);
    bool wrong = (manner != CUTS_SHORT && manner != SILENT) || number % 5 == 0;
    const char *text = wrong ? says[manner] : ANSWER;
    send(fd, text, strlen(text), MSG_NOSIGNAL);
    return manner != CLOSES && manner != SAYS_CLOSE &&
           !(manner == CUTS_SHORT && wrong) && manner != TALKS_NONSENSE;
}

static void *serve(void *unused)
{
    struct pollfd polled[MOST] = {{stopping[0], POLLIN, 0},
                                  {listener, POLLIN, 0}};
    nfds_t n = 2;
    while (poll(polled, n, -1) > 0 && polled[0].revents == 0) {
        for (nfds_t i = n; i-- > 2;) {
            if (polled[i].revents == 0 || answer(polled[i].fd))
                continue;
            close(polled[i].fd);
            polled[i] = polled[--n];
        }
        if (polled[1].revents != 0 && n < MOST) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            polled[n++] = (struct pollfd){fd, POLLIN, 0};
            accepted++;
        }
    }
    while (n-- > 2)
        close(polled[n].fd);
    return unused;
}

static void start(int backend, enum manner how)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    char url[64];
    begin_loop(backend);
    manner = how;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, MOST), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    make_pair(stopping);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    load_target_find(&target, url, MOST);
}

static void stop_server(void)
{
    close(stopping[1]);
    pthread_join(thread, NULL);
    close(stopping[0]);
    close(listener);
}

static void finish(void)
{
    freeaddrinfo(target.addresses);
    stop_server();
    end_loop();
}

/* --- The load -------------------------------------------------------------- */

#define run_load(...)                                                          \
    run_load_frame((struct load_http){                                         \
        .target = &target, .result = &result, .lane = -1, __VA_ARGS__})

static const char *run_load_frame(struct load_http frame)
{
    struct task *t = task_start(
        task_new(&loop, load_http, "load_http", &frame, sizeof frame));
    const char *error = loop_run_until_complete(&loop, &t->future);
    task_release(t);
    return error;
}

static uint64_t failures(void)
{
    uint64_t n = 0;
    for (int i = 0; i < LOAD_KINDS; i++)
        n += result.failures[i].count;
    return n;
}

/* What has begun was answered or failed; each in its histogram. */
static void expect_sum(void)
{
    ck_assert_uint_eq(result.begun, result.answers + failures());
    ck_assert_uint_eq(result.sent.count,
                      result.answers + result.failures[LOAD_TIMED_OUT].count);
    if (result.due.count > 0)
        ck_assert_uint_eq(result.due.count, result.sent.count + result.unsent);
}

/* Nothing but answers and failures of that kind. */
static void expect_only(enum load_kind kind)
{
    expect_sum();
    ck_assert_uint_gt(result.failures[kind].count, 0);
    for (int i = 0; i < LOAD_KINDS; i++)
        ck_assert_msg(i == (int)kind || result.failures[i].count == 0, "%s",
                      result.failures[i].first);
    ck_assert_ptr_nonnull(result.failures[kind].first);
}

START_TEST(each_request_is_answered_and_counted)
{
    start(_i, WELL);
    ck_assert_ptr_null(
        run_load(.connections = 5, .seconds = 0.2, .patience = 60));
    expect_sum();
    ck_assert_uint_eq(failures(), 0);
    ck_assert_uint_gt(result.answers, 0);
    ck_assert_uint_eq(result.answers, (uint64_t)served);
    ck_assert_uint_eq(result.bytes, result.answers * strlen(ANSWER));
    ck_assert_uint_eq(result.due.count, 0);
    ck_assert_uint_eq(result.bad, 0);
    ck_assert_double_gt(result.seconds, 0.19);
    /* They were kept: each connection was made once, and one to try. */
    ck_assert_int_eq(accepted, 5 + 1);
    finish();
}
END_TEST

START_TEST(a_rate_is_kept)
{
    start(_i, WELL);
    double before = loop_time();
    ck_assert_ptr_null(run_load(.connections = 5, .seconds = 0.25, .rate = 201,
                                .patience = 60));
    expect_sum();
    /* The first at 0, the 51st at 0.2488 s. */
    ck_assert_uint_eq(result.begun + result.unsent, 51);
    ck_assert_uint_eq(result.due.count, 51);
    ck_assert_double_gt(loop_time() - before, 50 / 201.0);
    finish();
}
END_TEST

/* Coordinated omission: of 100 requests within a second 40 are due while the
 * server stands still, and all but the four that it had already were sent late.
 */
START_TEST(who_counts_from_when_it_was_due_sees_a_stall)
{
    start(_i, STANDS_STILL);
    ck_assert_ptr_null(
        run_load(.connections = 4, .seconds = 1, .rate = 100, .patience = 60));
    expect_sum();
    ck_assert_uint_eq(failures(), 0);
    static const double percents[] = {50, 75, 90, 95, 99, 100};
    for (int i = 0; i < 6; i++)
        ck_assert_uint_ge(histogram_percentile(&result.due, percents[i]) + 1,
                          histogram_percentile(&result.sent, percents[i]));
    ck_assert_uint_gt(histogram_percentile(&result.due, 90),
                      (uint64_t)(STILL / 2 * 1e9));
    ck_assert_uint_lt(histogram_percentile(&result.sent, 90),
                      histogram_percentile(&result.due, 90));
    /* Those that it had, each of the columns knows. */
    ck_assert_uint_gt(result.sent.max, (uint64_t)(STILL * 0.9e9));
    finish();
}
END_TEST

/* The server stands still from 0.19 s to 0.59 s. */
START_TEST(what_was_due_is_sent_though_the_time_is_over)
{
    start(_i, STANDS_STILL);
    ck_assert_ptr_null(run_load(.connections = 2, .seconds = 0.3, .rate = 100,
                                .patience = 60));
    expect_sum();
    ck_assert_uint_eq(result.answers, 30);
    ck_assert_uint_eq(result.unsent, 0);
    finish();
}
END_TEST

START_TEST(what_could_not_be_sent_is_not_left_out)
{
    start(_i, SLOW);
    ck_assert_ptr_null(run_load(.connections = 1, .seconds = 0.3, .rate = 100,
                                .patience = 0.2));
    expect_sum();
    ck_assert_uint_eq(result.begun + result.unsent, 30);
    /* 0.5 s, in which there is time for ten. */
    ck_assert_uint_ge(result.unsent, 15);
    /* They have waited for up to 0.5 s; nobody waited so long once sent. */
    ck_assert_uint_gt(histogram_percentile(&result.due, 90),
                      histogram_percentile(&result.sent, 0) * 2);
    finish();
}
END_TEST

/* A server may end a connection that stands idle, with a word or without. */
START_TEST(the_end_of_a_kept_connection_is_no_failure)
{
    start(_i / 2, _i % 2 ? SAYS_CLOSE : CLOSES);
    ck_assert_ptr_null(run_load(.connections = 3, .seconds = 0.1, .rate = 300,
                                .patience = 60));
    expect_sum();
    ck_assert_uint_eq(failures(), 0);
    ck_assert_uint_eq(result.answers, 30);
    ck_assert_uint_eq(result.bad, 0);
    ck_assert_int_gt(accepted, 30);
    finish();
}
END_TEST

START_TEST(an_answer_that_nobody_asked_for_counts_as_none)
{
    start(_i, SAYS_TWICE);
    ck_assert_ptr_null(run_load(.connections = 2, .seconds = 0.1, .rate = 300,
                                .patience = 60));
    expect_sum();
    ck_assert_uint_eq(failures(), 0);
    ck_assert_uint_eq(result.answers, 30);
    ck_assert_uint_ge((uint64_t)served, 30);
    /* Who knows what else would come: it is not kept. */
    ck_assert_int_gt(accepted, 3);
    finish();
}
END_TEST

START_TEST(an_answer_cut_short_is_a_failure)
{
    start(_i, CUTS_SHORT);
    ck_assert_ptr_null(run_load(.connections = 3, .seconds = 0.1, .rate = 300,
                                .patience = 60));
    expect_only(LOAD_CUT_SHORT);
    ck_assert_uint_eq(result.failures[LOAD_CUT_SHORT].count,
                      (uint64_t)served / 5);
    finish();
}
END_TEST

START_TEST(silence_is_a_failure_and_takes_its_time)
{
    start(_i, SILENT);
    ck_assert_ptr_null(
        run_load(.connections = 2, .seconds = 0.3, .patience = 0.1));
    expect_only(LOAD_TIMED_OUT);
    ck_assert_uint_gt(result.answers, 0);
    ck_assert_uint_ge(result.sent.max, 100000000);
    finish();
}
END_TEST

START_TEST(nonsense_is_a_failure)
{
    start(_i, TALKS_NONSENSE);
    ck_assert_ptr_null(run_load(.connections = 2, .seconds = 0.1, .rate = 300,
                                .patience = 60));
    expect_only(LOAD_NO_HTTP);
    ck_assert_uint_eq(result.answers, 0);
    finish();
}
END_TEST

START_TEST(a_bad_status_is_an_answer)
{
    start(_i, NOT_FOUND);
    ck_assert_ptr_null(run_load(.connections = 2, .seconds = 0.1, .rate = 300,
                                .patience = 60));
    expect_sum();
    ck_assert_uint_gt(result.bad, 0);
    ck_assert_uint_eq(result.bad, result.answers);
    ck_assert_int_eq(result.bad_status, 404);
    finish();
}
END_TEST

static void stop_it(void *unused)
{
    (void)unused;
    stop_server();
}

/* It was there when the load began. */
START_TEST(a_server_that_goes_is_a_failure)
{
    start(_i, WELL);
    loop_call_later(&loop, 0.1, stop_it, NULL);
    ck_assert_ptr_null(
        run_load(.connections = 3, .seconds = 0.6, .patience = 60));
    expect_sum();
    ck_assert_uint_gt(result.answers, 0);
    ck_assert_uint_gt(result.failures[LOAD_CONNECT].count, 0);
    ck_assert_str_eq(result.failures[LOAD_CONNECT].first, "Connection refused");
    /* A tenth of a second between two: not as often as it can. */
    ck_assert_uint_le(result.failures[LOAD_CONNECT].count, 3 * 7);
    ck_assert_double_lt(result.seconds, 0.6);
    freeaddrinfo(target.addresses);
    end_loop();
}
END_TEST

START_TEST(a_server_that_is_not_there_is_an_error)
{
    start(_i, WELL);
    stop_server();
    ck_assert_str_eq(run_load(.connections = 3, .seconds = 60, .patience = 60),
                     "Connection refused");
    ck_assert_uint_eq(result.begun, 0);
    freeaddrinfo(target.addresses);
    end_loop();
}
END_TEST

static void cancel_it(void *task)
{
    future_cancel(task);
}

/* Ctrl-C: what was measured so far stays. */
START_TEST(cancelled_it_has_what_was_measured)
{
    bool rate = _i % 2;
    start(_i / 2, WELL);
    struct task *t = task_create(
        &loop, load_http, .target = &target, .result = &result, .lane = -1,
        .connections = 3, .seconds = 60, .patience = 60, .rate = rate * 500);
    loop_call_later(&loop, 0.3, cancel_it, t);
    ck_assert_str_eq(loop_run_until_complete(&loop, &t->future),
                     "CancelledError");
    task_release(t);
    ck_assert_uint_eq(failures(), 0);
    ck_assert_uint_gt(result.answers, 0);
    ck_assert_uint_ge(result.begun, result.answers);
    ck_assert_uint_le(result.begun, result.answers + 3);
    /* What lies ahead was not due. */
    ck_assert_uint_le(result.begun + result.unsent,
                      rate ? 10000 : result.begun);
    finish();
}
END_TEST

TCase *eventloop_measure(void)
{
    TCase *tc = tcase_create("measure");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, each_request_is_answered_and_counted, 0, BACKENDS);
    tcase_add_loop_test(tc, a_rate_is_kept, 0, BACKENDS);
    tcase_add_loop_test(tc, who_counts_from_when_it_was_due_sees_a_stall, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, what_was_due_is_sent_though_the_time_is_over, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, what_could_not_be_sent_is_not_left_out, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, the_end_of_a_kept_connection_is_no_failure, 0,
                        2 * BACKENDS);
    tcase_add_loop_test(tc, an_answer_that_nobody_asked_for_counts_as_none, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, an_answer_cut_short_is_a_failure, 0, BACKENDS);
    tcase_add_loop_test(tc, silence_is_a_failure_and_takes_its_time, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, nonsense_is_a_failure, 0, BACKENDS);
    tcase_add_loop_test(tc, a_bad_status_is_an_answer, 0, BACKENDS);
    tcase_add_loop_test(tc, a_server_that_goes_is_a_failure, 0, BACKENDS);
    tcase_add_loop_test(tc, a_server_that_is_not_there_is_an_error, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, cancelled_it_has_what_was_measured, 0,
                        2 * BACKENDS);
    return tc;
}
