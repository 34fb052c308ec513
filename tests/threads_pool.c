/* pool: jobs done by threads, their futures, and the programs on top. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "04_threads/pool.h"
#include "tests/fakeserver.h"
#include "tests/support.h"

static struct pool pool;

static struct pool_future *submit(pool_job *job, void *argument)
{
    struct pool_future *f = pool_submit(&pool, job, argument);
    ck_assert_msg(f != NULL, "submit: %s", strerror(errno));
    return f;
}

static void start(int threads)
{
    ck_assert_int_eq(pool_init(&pool, threads), 0);
    ck_assert_int_eq(pool.threads, threads);
}

/* --- Jobs ------------------------------------------------------------------ */

static void *same(void *argument, struct pool_future *self)
{
    (void)self;
    return argument;
}

static void *go_wrong(void *argument, struct pool_future *self)
{
    return pool_raise(self, "job %d: %s", *(int *)argument, "no luck");
}

static atomic_int calls;

static void *count(void *argument, struct pool_future *self)
{
    (void)self;
    calls++;
    return argument;
}

/* A job that says when it has begun, and waits until it may end. */
struct held {
    sem_t begun, may_end;
    struct pool_future *future;
};

static void *hold(void *argument, struct pool_future *self)
{
    struct held *h = argument;
    (void)self;
    sem_post(&h->begun);
    sem_wait(&h->may_end);
    return h;
}

static void submit_held(struct held *h)
{
    sem_init(&h->begun, 0, 0);
    sem_init(&h->may_end, 0, 0);
    h->future = submit(hold, h);
}

/* --- Results and errors ---------------------------------------------------- */

START_TEST(a_future_brings_the_value)
{
    int x;
    start(4);
    struct pool_future *f = submit(same, &x);
    ck_assert_ptr_eq(pool_result(f), &x);
    ck_assert_ptr_null(pool_exception(f));
    ck_assert(pool_done(f));
    /* As often as one likes, after the pool as well. */
    pool_shutdown(&pool, false);
    ck_assert_ptr_eq(pool_result(f), &x);
    pool_release(f);
}
END_TEST

START_TEST(an_error_stays_with_its_job)
{
    int number = 7;
    start(1);
    struct pool_future *before = submit(same, &number);
    struct pool_future *f = submit(go_wrong, &number);
    struct pool_future *after = submit(same, &number);
    ck_assert_ptr_null(pool_result(f));
    ck_assert_str_eq(pool_exception(f), "job 7: no luck");
    ck_assert_ptr_eq(pool_result(before), &number);
    ck_assert_ptr_eq(pool_result(after), &number);
    ck_assert_ptr_null(pool_exception(after));
    pool_release(before);
    pool_release(f);
    pool_release(after);
    pool_shutdown(&pool, false);
}
END_TEST

static void *fail_at_length(void *argument, struct pool_future *self)
{
    return pool_raise(self, "%s", (const char *)argument);
}

START_TEST(a_long_error_is_cut)
{
    char text[2 * POOL_ERROR];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    start(1);
    struct pool_future *f = submit(fail_at_length, text);
    ck_assert_uint_eq(strlen(pool_exception(f)), POOL_ERROR - 1);
    pool_release(f);
    pool_shutdown(&pool, false);
}
END_TEST

/* NULL is a value like any other. */
START_TEST(no_value_is_no_error)
{
    start(1);
    struct pool_future *f = submit(same, NULL);
    ck_assert_ptr_null(pool_result(f));
    ck_assert_ptr_null(pool_exception(f));
    pool_release(f);
    pool_shutdown(&pool, false);
}
END_TEST

/* --- States ---------------------------------------------------------------- */

START_TEST(a_future_is_pending_running_finished)
{
    int x;
    struct held h;
    start(1);
    submit_held(&h);
    struct pool_future *f = submit(same, &x);
    sem_wait(&h.begun);
    ck_assert(pool_running(h.future) && !pool_done(h.future));
    ck_assert(!pool_running(f) && !pool_done(f) && !pool_cancelled(f));
    sem_post(&h.may_end);
    ck_assert_ptr_eq(pool_result(f), &x);
    ck_assert(!pool_running(h.future) && pool_done(h.future));
    ck_assert(!pool_running(f) && pool_done(f) && !pool_cancelled(f));
    pool_release(h.future);
    pool_release(f);
    pool_shutdown(&pool, false);
}
END_TEST

START_TEST(only_what_has_not_begun_can_be_cancelled)
{
    int x;
    struct held h;
    start(1);
    submit_held(&h);
    struct pool_future *f = submit(count, &x);
    struct pool_future *after = submit(count, &x);
    sem_wait(&h.begun);
    ck_assert(pool_cancel(f));
    ck_assert(pool_cancelled(f) && pool_done(f) && !pool_running(f));
    ck_assert(pool_cancel(f));
    ck_assert_ptr_null(pool_result(f));
    ck_assert_str_eq(pool_exception(f), "cancelled");
    ck_assert(!pool_cancel(h.future));
    ck_assert(pool_running(h.future));
    sem_post(&h.may_end);
    ck_assert_ptr_eq(pool_result(h.future), &h);
    ck_assert(!pool_cancel(h.future));
    ck_assert(!pool_cancelled(h.future));
    ck_assert_ptr_eq(pool_result(after), &x);
    ck_assert_int_eq(calls, 1);
    pool_release(h.future);
    pool_release(f);
    pool_release(after);
    pool_shutdown(&pool, false);
}
END_TEST

/* --- Callbacks ------------------------------------------------------------- */

struct noted {
    struct pool_callback callback;
    int number;
};
static int notes[8];
static int noted;

static void note(struct pool_callback *callback, struct pool_future *future)
{
    ck_assert(pool_done(future)); /* and no lock is held that this would want */
    notes[noted++] = ((struct noted *)callback)->number;
}

START_TEST(callbacks_come_in_their_order_and_once)
{
    struct held h;
    struct noted n[] = {
        {{note, NULL}, 1}, {{note, NULL}, 2}, {{note, NULL}, 3}};
    start(1);
    submit_held(&h);
    pool_add_done_callback(h.future, &n[0].callback);
    pool_add_done_callback(h.future, &n[1].callback);
    ck_assert_int_eq(noted, 0);
    sem_post(&h.may_end);
    pool_shutdown(&pool, false);
    ck_assert_int_eq(noted, 2);
    ck_assert_int_eq(notes[0], 1);
    ck_assert_int_eq(notes[1], 2);
    pool_add_done_callback(h.future, &n[2].callback);
    ck_assert_int_eq(noted, 3);
    ck_assert_int_eq(notes[2], 3);
    pool_release(h.future);
}
END_TEST

START_TEST(a_cancelled_one_calls_back_too)
{
    struct held h;
    struct noted n = {{note, NULL}, 1};
    start(1);
    submit_held(&h);
    struct pool_future *f = submit(same, NULL);
    pool_add_done_callback(f, &n.callback);
    pool_cancel(f);
    ck_assert_int_eq(noted, 1);
    sem_post(&h.may_end);
    pool_shutdown(&pool, false);
    ck_assert_int_eq(noted, 1);
    pool_release(h.future);
    pool_release(f);
}
END_TEST

/* --- As completed ---------------------------------------------------------- */

START_TEST(futures_come_as_they_are_completed)
{
    enum { JOBS = 5 };
    static const int order[JOBS] = {3, 0, 4, 2, 1};
    struct held h[JOBS];
    struct pool_future *futures[JOBS];
    struct pool_completed completed;
    start(JOBS);
    for (int i = 0; i < JOBS; i++) {
        submit_held(&h[i]);
        futures[i] = h[i].future;
    }
    ck_assert_int_eq(pool_as_completed(&completed, futures, JOBS), 0);
    for (int i = 0; i < JOBS; i++) {
        sem_post(&h[order[i]].may_end);
        ck_assert_ptr_eq(pool_next(&completed), futures[order[i]]);
    }
    ck_assert_ptr_null(pool_next(&completed));
    ck_assert_ptr_null(pool_next(&completed));
    pool_completed_end(&completed);
    for (int i = 0; i < JOBS; i++)
        pool_release(futures[i]);
    pool_shutdown(&pool, false);
}
END_TEST

/* Done before it is asked for, cancelled, failed: all are completed. And one
 * can go through them twice.
 */
START_TEST(futures_of_all_kinds_are_completed)
{
    int number = 1;
    struct held h;
    struct pool_completed completed;
    start(1);
    struct pool_future *futures[4] = {submit(same, &number),
                                      submit(go_wrong, &number)};
    pool_exception(futures[1]);
    submit_held(&h);
    futures[2] = submit(same, &number);
    futures[3] = h.future;
    for (int turn = 0; turn < 2; turn++) {
        ck_assert_int_eq(pool_as_completed(&completed, futures, 4), 0);
        pool_cancel(futures[2]);
        for (int i = 0; i < 3; i++)
            ck_assert_ptr_eq(pool_next(&completed), futures[i]);
        if (turn == 0)
            sem_post(&h.may_end);
        ck_assert_ptr_eq(pool_next(&completed), futures[3]);
        ck_assert_ptr_null(pool_next(&completed));
        pool_completed_end(&completed);
    }
    for (int i = 0; i < 4; i++)
        pool_release(futures[i]);
    pool_shutdown(&pool, false);
}
END_TEST

START_TEST(no_futures_are_completed_at_once)
{
    struct pool_completed completed;
    ck_assert_int_eq(pool_as_completed(&completed, NULL, 0), 0);
    ck_assert_ptr_null(pool_next(&completed));
    pool_completed_end(&completed);
}
END_TEST

static void *let_go_later(void *held)
{
    usleep(50000); /* the longer, the surer that a mistake is seen */
    sem_post(&((struct held *)held)->may_end);
    return NULL;
}

/* Who leaves early waits for the rest, which still knows of the queue. */
START_TEST(whoever_leaves_early_waits_for_the_rest)
{
    struct held h;
    struct pool_completed completed;
    pthread_t thread;
    start(2);
    submit_held(&h);
    struct pool_future *futures[2] = {submit(count, NULL), h.future};
    ck_assert_int_eq(pool_as_completed(&completed, futures, 2), 0);
    ck_assert_ptr_eq(pool_next(&completed), futures[0]);
    ck_assert_int_eq(pthread_create(&thread, NULL, let_go_later, &h), 0);
    pool_completed_end(&completed);
    ck_assert(pool_done(h.future));
    pthread_join(thread, NULL);
    pool_release(futures[0]);
    pool_release(futures[1]);
    pool_shutdown(&pool, false);
}
END_TEST

/* --- Threads --------------------------------------------------------------- */

static void *meet(void *argument, struct pool_future *self)
{
    (void)self;
    pthread_barrier_wait(argument);
    return NULL;
}

/* Only if all of them run at the same time does any come through. */
START_TEST(so_many_jobs_run_at_once_as_there_are_threads)
{
    enum { JOBS = 20 };
    pthread_barrier_t barrier;
    struct pool_future *futures[JOBS];
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, JOBS), 0);
    start(JOBS);
    for (int i = 0; i < JOBS; i++)
        futures[i] = submit(meet, &barrier);
    pool_shutdown(&pool, false);
    for (int i = 0; i < JOBS; i++) {
        ck_assert(pool_done(futures[i]));
        pool_release(futures[i]);
    }
    pthread_barrier_destroy(&barrier);
}
END_TEST

enum { SUBMITTERS = 8, EACH = 500 };

static void *submit_many(void *argument)
{
    struct pool_future *futures[EACH];
    for (int i = 0; i < EACH; i++)
        futures[i] = submit(count, argument);
    for (int i = 0; i < EACH; i++) {
        ck_assert_ptr_eq(pool_result(futures[i]), argument);
        pool_release(futures[i]);
    }
    return NULL;
}

/* More at a time than can wait in the queue. */
START_TEST(many_may_submit)
{
    pthread_t thread[SUBMITTERS];
    start(3);
    for (int i = 0; i < SUBMITTERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, submit_many, &pool),
                         0);
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_join(thread[i], NULL);
    pool_shutdown(&pool, false);
    ck_assert_int_eq(calls, SUBMITTERS * EACH);
}
END_TEST

static int tasks(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n - 2; /* . and .. */
}

START_TEST(a_pool_of_none_is_refused)
{
    ck_assert_int_eq(pool_init(&pool, _i), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(pool.threads, 0);
}
END_TEST

/* There are addresses for some stacks, and not for all. */
START_TEST(where_no_more_threads_can_be_had_none_stays)
{
    struct rlimit limit = {1 << 28, 1 << 28};
    if (!plain_build()) /* sanitizers take all addresses there are */
        return;
    int before = tasks();
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(pool_init(&pool, 1000), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_gt(pool.threads, 0);
    ck_assert_int_lt(pool.threads, 1000);
    ck_assert_int_eq(tasks(), before);
}
END_TEST

/* --- Shutdown -------------------------------------------------------------- */

START_TEST(shutdown_waits_for_all)
{
    enum { JOBS = 200 };
    struct pool_future *futures[JOBS];
    start(2);
    int before = tasks();
    for (int i = 0; i < JOBS; i++)
        futures[i] = submit(count, &calls);
    pool_shutdown(&pool, false);
    ck_assert_int_eq(calls, JOBS);
    ck_assert_int_eq(tasks(), before - 2);
    for (int i = 0; i < JOBS; i++) {
        ck_assert_ptr_eq(pool_result(futures[i]), &calls);
        pool_release(futures[i]);
    }
}
END_TEST

static void *let_go_when_cancelled(void *argument)
{
    struct held *h = argument;
    pool_exception(h[1].future);
    sem_post(&h[0].may_end);
    return NULL;
}

/* What runs is waited for; what has not begun never does, though the thread
 * becomes free while most of it is still in the queue.
 */
START_TEST(shutdown_can_cancel_what_has_not_begun)
{
    enum { JOBS = POOL_WAITING - 10 };
    struct held h[2];
    struct pool_future *futures[JOBS];
    pthread_t thread;
    start(1);
    submit_held(&h[0]);
    sem_wait(&h[0].begun);
    submit_held(&h[1]);
    for (int i = 0; i < JOBS; i++)
        futures[i] = submit(count, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, let_go_when_cancelled, h),
                     0);
    pool_shutdown(&pool, true);
    pthread_join(thread, NULL);
    ck_assert_ptr_eq(pool_result(h[0].future), &h[0]);
    ck_assert(pool_cancelled(h[1].future));
    ck_assert_int_eq(calls, 0);
    for (int i = 0; i < JOBS; i++) {
        ck_assert(pool_cancelled(futures[i]));
        pool_release(futures[i]);
    }
    pool_release(h[0].future);
    pool_release(h[1].future);
}
END_TEST

static void *submit_until_refused(void *argument, struct pool_future *self)
{
    struct pool_future *f;
    sem_post(argument);
    while ((f = pool_submit(self->pool, same, NULL)) != NULL)
        pool_release(f);
    return pool_raise(self, "%s", strerror(errno));
}

START_TEST(a_pool_that_is_shut_down_takes_nothing)
{
    sem_t begun;
    sem_init(&begun, 0, 0);
    start(2);
    struct pool_future *f = submit(submit_until_refused, &begun);
    sem_wait(&begun);
    pool_shutdown(&pool, false);
    ck_assert_str_eq(pool_exception(f), strerror(ECANCELED));
    pool_release(f);
}
END_TEST

/* Whether it waits, runs, or is done: the sanitizer looks for what is left. */
START_TEST(a_future_can_be_released_at_any_time)
{
    struct held h;
    start(1);
    submit_held(&h);
    sem_wait(&h.begun);
    pool_release(submit(count, NULL));
    struct pool_future *f = submit(count, NULL);
    pool_cancel(f);
    pool_release(f);
    pool_release(h.future);
    sem_post(&h.may_end);
    pool_shutdown(&pool, false);
    ck_assert_int_eq(calls, 1);
}
END_TEST

/* --- Jobs that submit ------------------------------------------------------ */

/* The sum from 1 to n, in n jobs of which each waits for the next. */
struct sum {
    int n, total;
};

static void *add_up(void *argument, struct pool_future *self)
{
    struct sum *sum = argument;
    struct sum rest = {.n = sum->n - 1};
    if (sum->n == 0)
        return sum;
    struct pool_future *f = pool_submit(self->pool, add_up, &rest);
    if (f == NULL || pool_result(f) == NULL)
        return pool_raise(self, "%d", sum->n);
    pool_release(f);
    sum->total = rest.total + sum->n;
    return sum;
}

/* With a thread for each there would be no trouble; here there are fewer. */
START_TEST(a_job_can_wait_for_one_of_its_own)
{
    struct sum sum = {.n = 100};
    start(_i);
    struct pool_future *f = submit(add_up, &sum);
    ck_assert_ptr_eq(pool_result(f), &sum);
    ck_assert_int_eq(sum.total, 5050);
    pool_release(f);
    pool_shutdown(&pool, false);
}
END_TEST

/* More than can wait in the queue: who submits them is who would make room. */
enum { FLOOD = 2 * POOL_WAITING + 10 };

static void *flood(void *argument, struct pool_future *self)
{
    static _Thread_local struct pool_future *futures[FLOOD];
    struct pool_completed completed;
    int done = 0;
    for (int i = 0; i < FLOOD; i++) {
        futures[i] = pool_submit(self->pool, count, argument);
        if (futures[i] == NULL)
            return pool_raise(self, "%s", strerror(errno));
    }
    if (pool_as_completed(&completed, futures, FLOOD) == -1)
        return pool_raise(self, "%s", strerror(errno));
    while (pool_next(&completed) != NULL)
        done++;
    pool_completed_end(&completed);
    for (int i = 0; i < FLOOD; i++)
        pool_release(futures[i]);
    return done == FLOOD ? argument : pool_raise(self, "%d", done);
}

START_TEST(jobs_can_submit_more_than_can_wait)
{
    struct pool_future *futures[3];
    int x;
    start(_i);
    for (int i = 0; i < _i; i++)
        futures[i] = submit(flood, &x);
    for (int i = 0; i < _i; i++) {
        ck_assert_ptr_eq(pool_result(futures[i]), &x);
        pool_release(futures[i]);
    }
    ck_assert_int_eq(calls, _i * FLOOD);
    pool_shutdown(&pool, false);
}
END_TEST

/* --- The programs ---------------------------------------------------------- */

/* Runs the program against the server, with further words. */
static struct child run_against(const char *program, const char *answer,
                                const char *words)
{
    char command[256];
    snprintf(command, sizeof command, "%s -u %s %s", program,
             fakeserver_start(answer), words);
    return run_shell(command);
}

static void check(const struct child *child, int status, const char *text)
{
    ck_assert_msg(strstr(child->out.text, text) != NULL, "no '%s' in:\n%s",
                  text, child->out.text);
    ck_assert_int_eq(WEXITSTATUS(child->status), status);
}

#define CUT "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nso far"
#define BUSY "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

START_TEST(threads_name_the_download_that_was_cut)
{
    struct child c = run_against("download_threads", CUT, "-n 5 -t 2");
    check(&c, 1, "download_threads: download 1: 127.0.0.1:");
    check(&c, 1, ": it hung up before its answer was whole\n");
    child_free(&c);
}
END_TEST

START_TEST(threads_name_the_status)
{
    struct child c = run_against("download_threads", BUSY, "-n 5 -t 2");
    check(&c, 1, "/: 503 Service Unavailable\n");
    child_free(&c);
}
END_TEST

START_TEST(the_pool_reports_each_download_that_was_cut)
{
    struct child c = run_against("thread_pool", CUT, "-n 3");
    check(&c, 1, "\ndownload 1 failed: 127.0.0.1:");
    check(&c, 1, "\ndownload 2 failed: 127.0.0.1:");
    check(&c, 1, "\ndownload 3 failed: 127.0.0.1:");
    check(&c, 1, ": it hung up before its answer was whole\n");
    check(&c, 1, "\ncame         0\nfailed       3\n");
    child_free(&c);
}
END_TEST

/* This one has no missing page, so all come, and that is good as well. */
START_TEST(the_pool_takes_what_comes)
{
    struct child c = run_against("thread_pool", HI, "-n 20 -t 20");
    check(&c, 0, "\ncame         20\nfailed       0\n");
    child_free(&c);
}
END_TEST

START_TEST(requests_a_second_take_no_half_answer)
{
    struct child c = run_against("rps_threads", CUT, "-t 2");
    check(&c, 1, "rps_threads: recv: Protocol error\n");
    child_free(&c);
}
END_TEST

START_TEST(requests_a_second_take_only_http)
{
    struct child c = run_against("rps_threads", "hello\r\n\r\n", "-t 2");
    check(&c, 1, "rps_threads: recv: Protocol error\n");
    child_free(&c);
}
END_TEST

/* Some threads can be made, and then no more. */
START_TEST(programs_name_the_thread_that_could_not_be_made)
{
    static const struct {
        const char *program, *words;
        int threads;
    } cases[] = {{"download_threads", "-t 3000", 3000},
                 {"thread_pool", "-t 1000", 1000},
                 {"rps_threads", "-t 1000", 100}};
    char command[256];
    char end[64];
    if (!plain_build())
        return;
    snprintf(command, sizeof command, "ulimit -v 500000; %s -u %s %s",
             cases[_i].program, fakeserver_start(HI), cases[_i].words);
    struct child c = run_shell(command);
    snprintf(end, sizeof end, " of %d: Resource temporarily unavailable\n",
             cases[_i].threads);
    check(&c, 1, end);
    check(&c, 1, ": thread ");
    child_free(&c);
}
END_TEST

TCase *threads_pool(void)
{
    TCase *tc = tcase_create("pool");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_future_brings_the_value);
    tcase_add_test(tc, an_error_stays_with_its_job);
    tcase_add_test(tc, a_long_error_is_cut);
    tcase_add_test(tc, no_value_is_no_error);
    tcase_add_test(tc, a_future_is_pending_running_finished);
    tcase_add_test(tc, only_what_has_not_begun_can_be_cancelled);
    tcase_add_test(tc, callbacks_come_in_their_order_and_once);
    tcase_add_test(tc, a_cancelled_one_calls_back_too);
    tcase_add_test(tc, futures_come_as_they_are_completed);
    tcase_add_test(tc, futures_of_all_kinds_are_completed);
    tcase_add_test(tc, no_futures_are_completed_at_once);
    tcase_add_test(tc, whoever_leaves_early_waits_for_the_rest);
    tcase_add_test(tc, so_many_jobs_run_at_once_as_there_are_threads);
    tcase_add_test(tc, many_may_submit);
    tcase_add_loop_test(tc, a_pool_of_none_is_refused, -1, 1);
    tcase_add_test(tc, where_no_more_threads_can_be_had_none_stays);
    tcase_add_test(tc, shutdown_waits_for_all);
    tcase_add_test(tc, shutdown_can_cancel_what_has_not_begun);
    tcase_add_test(tc, a_pool_that_is_shut_down_takes_nothing);
    tcase_add_test(tc, a_future_can_be_released_at_any_time);
    tcase_add_loop_test(tc, a_job_can_wait_for_one_of_its_own, 1, 4);
    tcase_add_loop_test(tc, jobs_can_submit_more_than_can_wait, 1, 4);
    tcase_add_test(tc, threads_name_the_download_that_was_cut);
    tcase_add_test(tc, threads_name_the_status);
    tcase_add_test(tc, the_pool_reports_each_download_that_was_cut);
    tcase_add_test(tc, the_pool_takes_what_comes);
    tcase_add_test(tc, requests_a_second_take_no_half_answer);
    tcase_add_test(tc, requests_a_second_take_only_http);
    tcase_add_loop_test(tc, programs_name_the_thread_that_could_not_be_made, 0,
                        3);
    return tc;
}
