/* in_executor: jobs go out to threads and come home, whoever is cancelled or
 * closed meanwhile.
 *
 * What a comment calls a rule is one of asyncio's (CPython 3.11), and was tried
 * out there; what is ours alone says so.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "07_eventloop/gathering.h"
#include "07_eventloop/in_executor.h"
#include "07_eventloop/sleep_for.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static void have_threads(int n)
{
    ck_assert_int_eq(loop_set_default_executor(&loop, n), 0);
}

/* --- Jobs ------------------------------------------------------------------ */

static const char error_no_luck[] = "no luck";

struct twice {
    int n;
    pthread_t thread;
};

static const char *twice(void *frame)
{
    struct twice *job = frame;
    job->n *= 2;
    job->thread = pthread_self();
    return NULL;
}

struct go_wrong {
    const char *error;
    int number;
};

static const char *go_wrong(void *frame)
{
    struct go_wrong *job = frame;
    job->number++;
    return job->error;
}

static atomic_int calls;

struct count {
    int unused;
};

static const char *count(void *frame)
{
    (void)frame;
    calls++;
    return NULL;
}

/* A job that says when it has begun, and waits until it may end. */
static sem_t begun;
static sem_t may_end;

struct held {
    const char *error;
    int after;
};

static const char *held(void *frame)
{
    struct held *job = frame;
    sem_post(&begun);
    while (sem_wait(&may_end) == -1)
        continue;
    job->after = 1; /* the frame is still there */
    calls++;
    return job->error;
}

static struct future *hold_thread(const char *error)
{
    struct future *f = run_in_executor(&loop, held, .error = error);
    ck_assert_int_eq(sem_wait(&begun), 0);
    return f;
}

static void begin(int backend, int threads)
{
    begin_loop(backend);
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    if (threads > 0)
        have_threads(threads);
}

/* --- Results and errors ---------------------------------------------------- */

START_TEST(the_result_is_the_frame)
{
    begin(_i, 2);
    struct future *f = run_in_executor(&loop, twice, .n = 21);
    ck_assert(!future_done(f));
    ck_assert_ptr_null(executor_frame(f));
    run();
    const struct twice *job = future_result(f);
    ck_assert_ptr_nonnull(job);
    ck_assert_int_eq(job->n, 42);
    ck_assert(!pthread_equal(job->thread, pthread_self()));
    ck_assert_ptr_eq(executor_frame(f), job);
    ck_assert_ptr_null(future_error(f));
    future_release(f);
    end_loop();
}
END_TEST

/* An error can be compared, and outlives everything; the frame tells more. */
START_TEST(an_error_is_a_constant)
{
    const char *errors[] = {error_no_luck, errno_error(ENOENT)};
    begin(_i, 1);
    for (int i = 0; i < 2; i++) {
        struct future *f =
            run_in_executor(&loop, go_wrong, .error = errors[i], .number = i);
        run();
        ck_assert_ptr_null(future_result(f));
        ck_assert_ptr_eq(future_error(f), errors[i]);
        ck_assert_int_eq(((struct go_wrong *)executor_frame(f))->number, i + 1);
        future_release(f);
    }
    end_loop();
}
END_TEST

/* The rule: a future whose error nobody took is reported. Not where it was
 * cancelled: who does that wants to know no more.
 */
static void leave_errors(const void *backend)
{
    begin(*(const int *)backend, 1);
    future_release(run_in_executor(&loop, go_wrong, .error = error_no_luck));
    struct future *f = hold_thread("never to be seen");
    future_cancel(f);
    future_release(f);
    sem_post(&may_end);
    run();
    end_loop();
}

START_TEST(an_error_that_nobody_took_is_reported)
{
    struct forked f = run_forked(leave_errors, &_i);
    ck_assert_int_eq(f.status, 0);
    ck_assert_ptr_nonnull(
        strstr(f.err, "run_in_executor: nobody took its error: no luck\n"));
    ck_assert_ptr_null(strstr(f.err, "never"));
}
END_TEST

static void say_thread(struct future_callback *self, struct future *f)
{
    ck_assert(loop_running() == &loop && future_done(f));
    say("done");
    (void)self;
}

/* The rule: done callbacks are called by the loop, in its thread. */
START_TEST(callbacks_are_the_loops)
{
    struct future_callback c = {.call = say_thread};
    begin(_i, 1);
    struct future *f = run_in_executor(&loop, count, .unused = 0);
    future_add_done_callback(f, &c);
    run();
    expect_said("done");
    future_release(f);
    end_loop();
}
END_TEST

struct note {
    int number;
};

static int notes[3000];
static int noted;

static const char *note(void *frame)
{
    notes[noted++] = ((struct note *)frame)->number;
    return NULL;
}

/* The rule: one thread does the jobs in the order in which they came; also
 * those that the pool's queue has no room for.
 */
START_TEST(one_thread_keeps_the_order)
{
    begin(_i, 1);
    future_release(hold_thread(NULL));
    for (int i = 0; i < 3000; i++)
        future_release(run_in_executor(&loop, note, .number = i));
    sem_post(&may_end);
    run();
    for (int i = 0; i < 3000; i++)
        ck_assert_int_eq(notes[i], i);
    end_loop();
}
END_TEST

struct meet {
    pthread_barrier_t *barrier;
};

static const char *meet(void *frame)
{
    pthread_barrier_wait(((struct meet *)frame)->barrier);
    return NULL;
}

/* None of them comes through unless all are there. */
START_TEST(so_many_run_at_once_as_there_are_threads)
{
    enum { JOBS = 10 };
    pthread_barrier_t barrier;
    begin(_i, JOBS);
    pthread_barrier_init(&barrier, NULL, JOBS);
    for (int i = 0; i < JOBS; i++)
        future_release(run_in_executor(&loop, meet, .barrier = &barrier));
    run();
    end_loop();
    pthread_barrier_destroy(&barrier);
}
END_TEST

/* The only thread is busy, and more jobs wait than the pool takes: who submits
 * does not wait all the same, for that would be the loop. (As in Python.)
 */
START_TEST(any_number_may_wait)
{
    enum { JOBS = 3000 };
    static struct future *futures[JOBS];
    begin(_i, 1);
    future_release(hold_thread(NULL));
    for (int i = 0; i < JOBS; i++)
        futures[i] = run_in_executor(&loop, twice, .n = i);
    for (int i = 0; i < JOBS; i += 3)
        ck_assert(future_cancel(futures[i]));
    sem_post(&may_end);
    run();
    for (int i = 0; i < JOBS; i++) {
        const struct twice *job = future_result(futures[i]);
        if (i % 3 == 0)
            ck_assert(future_cancelled(futures[i]));
        else
            ck_assert_int_eq(job->n, 2 * i);
        future_release(futures[i]);
    }
    end_loop();
}
END_TEST

/* --- In coroutines --------------------------------------------------------- */

struct two {
    struct gen gen;
    struct future *first, *second;
    int sum;
};

static bool two(void *frame, struct future **awaits)
{
    struct two *c = frame;
    GEN_BEGIN(c);
    c->first = run_in_executor(loop_running(), twice, .n = 1);
    c->second = run_in_executor(loop_running(), twice, .n = 2);
    AWAIT(c, c->first);
    AWAIT(c, c->second);
    c->sum = ((struct twice *)future_result(c->first))->n +
             ((struct twice *)future_result(c->second))->n;
    GEN_END(c);
    future_release(c->first);
    future_release(c->second);
    return false;
}

START_TEST(a_coroutine_awaits_jobs)
{
    begin(_i, 0);
    struct task *t = task_create(&loop, two, .sum = 0);
    ck_assert_ptr_null(loop_run_until_complete(&loop, &t->future));
    ck_assert_int_eq(((struct two *)task_frame(t))->sum, 6);
    task_release(t);
    end_loop();
}
END_TEST

START_TEST(gather_takes_jobs)
{
    begin(_i, 2);
    struct future *f[] = {
        run_in_executor(&loop, twice, .n = 3),
        run_in_executor(&loop, go_wrong, .error = error_no_luck)};
    struct future *all = gather(&loop, f, 2, false);
    ck_assert_ptr_eq(loop_run_until_complete(&loop, all), error_no_luck);
    future_release(all);
    future_release(f[0]);
    future_release(f[1]);
    end_loop();
}
END_TEST

struct awaits_one {
    struct gen gen;
    struct future *f;
    bool quick;
};

static bool awaits_one(void *frame, struct future **awaits)
{
    struct awaits_one *c = frame;
    GEN_BEGIN(c);
    c->f = c->quick ? run_in_executor(loop_running(), count, .unused = 0)
                    : run_in_executor(loop_running(), held, .error = NULL);
    AWAIT(c, c->f);
    say("never");
    GEN_END(c);
    if (c->gen.error == error_cancelled)
        say("cancelled");
    future_release(c->f);
    if (c->quick)
        sem_post(&may_end); /* of the other one, which is cancelled, too */
    return false;
}

/* The rule: who awaits a job and is cancelled goes on at once, and the job goes
 * on by itself. Its frame stays: the coroutine's is freed by then.
 */
START_TEST(a_cancelled_coroutine_leaves_its_job)
{
    begin(_i, 1);
    struct task *t = task_create(&loop, awaits_one, .quick = false);
    turn();
    ck_assert_int_eq(sem_wait(&begun), 0);
    future_cancel(&t->future);
    turn();
    turn();
    expect_said("| cancelled | |");
    ck_assert(future_cancelled(&t->future));
    task_release(t);
    ck_assert_int_eq(calls, 0);
    sem_post(&may_end);
    run();
    ck_assert_int_eq(calls, 1);
    end_loop();
}
END_TEST

/* --- Cancelling ------------------------------------------------------------ */

/* The rule: what has not begun never does. */
START_TEST(cancelled_before_it_began)
{
    begin(_i, 1);
    struct future *first = hold_thread(NULL);
    struct future *f = run_in_executor(&loop, count, .unused = 0);
    struct future *last = run_in_executor(&loop, twice, .n = 1);
    ck_assert(future_cancel(f));
    ck_assert(future_cancelled(f));
    ck_assert_ptr_eq(future_error(f), error_cancelled);
    ck_assert(!future_cancel(f));
    sem_post(&may_end);
    run();
    ck_assert_int_eq(calls, 1);
    ck_assert(future_cancelled(f));
    ck_assert_ptr_null(executor_frame(f));
    ck_assert_int_eq(((struct twice *)future_result(last))->n, 2);
    future_release(first);
    future_release(f);
    future_release(last);
    end_loop();
}
END_TEST

/* The rule: what runs goes on, and its result, or error, is dropped. */
START_TEST(cancelled_while_it_runs)
{
    const char *errors[] = {NULL, error_no_luck};
    begin(_i, 1);
    for (int i = 0; i < 2; i++) {
        struct future *f = hold_thread(errors[i]);
        ck_assert(future_cancel(f));
        ck_assert(future_cancelled(f));
        ck_assert(!future_cancel(f));
        ck_assert_ptr_null(executor_frame(f));
        ck_assert_int_eq(calls, i);
        sem_post(&may_end);
        run();
        ck_assert_int_eq(calls, i + 1);
        ck_assert(future_cancelled(f));
        ck_assert_ptr_null(future_result(f));
        ck_assert_ptr_null(executor_frame(f));
        future_release(f);
    }
    end_loop();
}
END_TEST

/* Also where the thread is through, and the loop does not know it yet. */
START_TEST(cancelled_on_its_way_home)
{
    begin(_i, 1);
    struct future *f = run_in_executor(&loop, count, .unused = 0);
    while (calls == 0)
        usleep(1000);
    ck_assert(future_cancel(f));
    run();
    ck_assert(future_cancelled(f));
    future_release(f);
    end_loop();
}
END_TEST

START_TEST(cancelled_when_it_is_done)
{
    begin(_i, 1);
    struct future *f = run_in_executor(&loop, twice, .n = 1);
    run();
    ck_assert(!future_cancel(f));
    ck_assert(!future_cancelled(f));
    ck_assert_int_eq(((struct twice *)future_result(f))->n, 2);
    future_release(f);
    end_loop();
}
END_TEST

/* --- The loop's life ------------------------------------------------------- */

static void *let_go_later(void *ended)
{
    usleep(50000); /* the longer, the surer that a mistake is seen */
    ck_assert(!*(atomic_bool *)ended);
    sem_post(&may_end);
    return NULL;
}

/* Ours: a job in a thread keeps the loop alive, whether its future is released,
 * cancelled or neither, and nothing else does afterwards.
 */
START_TEST(a_job_keeps_the_loop_alive)
{
    begin(_i % BACKENDS, 1);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        atomic_bool ended = false;
        struct future *f = hold_thread(NULL);
        if (i == 1)
            future_cancel(f);
        if (i == 2)
            future_release(f);
        pthread_create(&thread, NULL, let_go_later, &ended);
        run();
        ended = true;
        ck_assert_int_eq(calls, i + 1);
        pthread_join(thread, NULL);
        if (i != 2)
            future_release(f);
    }
    end_loop();
}
END_TEST

/* The rule (asyncio.run's): the loop is closed when its threads are home. What
 * nobody cancelled is still done, begun or not; so a file that was to be
 * written is.
 */
START_TEST(closing_waits_for_all_jobs)
{
    enum { JOBS = 50 };
    struct future *futures[JOBS];
    struct future_callback c = {.call = say_thread};
    pthread_t thread;
    atomic_bool ended = false;
    begin(_i, 2);
    loop_stop(&loop);
    struct future *running[] = {hold_thread(NULL), hold_thread(NULL)};
    future_add_done_callback(running[0], &c);
    for (int i = 0; i < JOBS; i++)
        futures[i] = run_in_executor(&loop, twice, .n = i);
    run();
    for (int i = 0; i < 2; i++)
        ck_assert(!future_done(running[i]));
    sem_post(&may_end);
    pthread_create(&thread, NULL, let_go_later, &ended);
    end_loop();
    ended = true;
    expect_said("done");
    ck_assert_int_eq(calls, 2);
    for (int i = 0; i < JOBS; i++) {
        ck_assert_int_eq(((struct twice *)future_result(futures[i]))->n, 2 * i);
        future_release(futures[i]);
    }
    future_release(running[0]);
    future_release(running[1]);
    pthread_join(thread, NULL);
}
END_TEST

/* The rule: the tasks are cancelled first, and with them the jobs that have not
 * begun; the one that runs is waited for.
 */
START_TEST(closing_cancels_the_tasks_first)
{
    begin(_i, 1);
    task_release(task_create(&loop, awaits_one, .quick = false));
    task_release(task_create(&loop, awaits_one, .quick = true));
    turn();
    ck_assert_int_eq(sem_wait(&begun), 0);
    end_loop();
    expect_said("| cancelled cancelled");
    ck_assert_int_eq(calls, 1);
}
END_TEST

static struct future *too_late;

static void submit_more(struct future_callback *self, struct future *f)
{
    (void)self;
    too_late = run_in_executor(f->loop, count, .unused = 0);
}

/* The rule: an executor that is shut down takes no more. */
START_TEST(a_loop_that_is_closed_takes_no_more)
{
    struct future_callback c = {.call = submit_more};
    begin(_i, 1);
    struct future *f = hold_thread(NULL);
    future_add_done_callback(f, &c);
    sem_post(&may_end);
    end_loop();
    ck_assert_ptr_nonnull(too_late);
    ck_assert_ptr_eq(future_error(too_late), error_executor_closed);
    ck_assert_int_eq(calls, 1);
    future_release(too_late);
    future_release(f);
}
END_TEST

/* And one whose threads never had a job leaves nothing either. */
START_TEST(closing_without_a_job)
{
    begin(_i, 3);
    end_loop();
}
END_TEST

/* --- Threads --------------------------------------------------------------- */

START_TEST(how_many_threads)
{
    begin(_i, 0);
    ck_assert_int_eq(loop_set_default_executor(&loop, 0), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(loop_set_default_executor(&loop, -1), -1);
    ck_assert_int_eq(errno, EINVAL);
    have_threads(1);
    ck_assert_int_eq(loop_set_default_executor(&loop, 2), -1);
    ck_assert_int_eq(errno, EBUSY);
    end_loop();
}
END_TEST

/* The rule: 4 more than processors, at most 32. They can all meet. */
START_TEST(how_many_threads_by_default)
{
    pthread_barrier_t barrier;
    long n = sysconf(_SC_NPROCESSORS_ONLN) + 4;
    n = n > 32 ? 32 : n;
    begin(_i, 0);
    pthread_barrier_init(&barrier, NULL, (unsigned)n);
    for (long i = 0; i < n; i++)
        future_release(run_in_executor(&loop, meet, .barrier = &barrier));
    run();
    end_loop();
    pthread_barrier_destroy(&barrier);
}
END_TEST

/* There are addresses for no stack, or for some. */
START_TEST(where_no_threads_can_be_had)
{
    struct rlimit before;
    struct rlimit limit;
    if (!plain_build()) /* sanitizers take all addresses there are */
        return;
    begin(_i, 0);
    getrlimit(RLIMIT_AS, &before);
    limit = (struct rlimit){1 << 28, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(loop_set_default_executor(&loop, 1000), -1);
    ck_assert_int_eq(errno, EAGAIN);
    limit.rlim_cur = 1 << 22;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    struct future *f = run_in_executor(&loop, count, .unused = 0);
    ck_assert(future_done(f));
    ck_assert_ptr_eq(future_error(f), errno_error(EAGAIN));
    future_release(f);
    /* It was not the loop's fault: later there may be some. */
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    f = run_in_executor(&loop, count, .unused = 0);
    run();
    ck_assert_ptr_null(future_error(f));
    future_release(f);
    ck_assert_int_eq(calls, 1);
    end_loop();
}
END_TEST

/* --- The programs ---------------------------------------------------------- */

static void expect_from(const char *command, int status, const char *expected)
{
    struct child child = run_shell(command);
    ck_assert_msg(strstr(child.out.text, expected) != NULL,
                  "%s: not '%s' in:\n%.2000s", command, expected,
                  child.out.text);
    ck_assert_int_eq(WEXITSTATUS(child.status), status);
    child_free(&child);
}

START_TEST(the_two_downloads_name_what_went_wrong)
{
    expect_from("executor -u http://127.0.0.1:1/", 1,
                "executor: download 1: 127.0.0.1:1: Connection refused\n");
}
END_TEST

/* Ctrl-C while both threads wait for a server that says nothing for long: the
 * coroutine ends at once; the threads are waited for.
 */
START_TEST(ctrl_c_leaves_nothing)
{
    expect_from("executor -d 1 & sleep 0.5; kill -INT $!; wait $!", 1,
                "executor: downloads: CancelledError\n");
}
END_TEST

TCase *eventloop_in_executor(void)
{
    TCase *tc = tcase_create("in_executor");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, the_result_is_the_frame, 0, BACKENDS);
    tcase_add_loop_test(tc, an_error_is_a_constant, 0, BACKENDS);
    tcase_add_loop_test(tc, an_error_that_nobody_took_is_reported, 0, BACKENDS);
    tcase_add_loop_test(tc, callbacks_are_the_loops, 0, BACKENDS);
    tcase_add_loop_test(tc, one_thread_keeps_the_order, 0, BACKENDS);
    tcase_add_loop_test(tc, so_many_run_at_once_as_there_are_threads, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, any_number_may_wait, 0, BACKENDS);
    tcase_add_loop_test(tc, a_coroutine_awaits_jobs, 0, BACKENDS);
    tcase_add_loop_test(tc, gather_takes_jobs, 0, BACKENDS);
    tcase_add_loop_test(tc, a_cancelled_coroutine_leaves_its_job, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_before_it_began, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_while_it_runs, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_on_its_way_home, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_when_it_is_done, 0, BACKENDS);
    tcase_add_loop_test(tc, a_job_keeps_the_loop_alive, 0, BACKENDS);
    tcase_add_loop_test(tc, closing_waits_for_all_jobs, 0, BACKENDS);
    tcase_add_loop_test(tc, closing_cancels_the_tasks_first, 0, BACKENDS);
    tcase_add_loop_test(tc, a_loop_that_is_closed_takes_no_more, 0, BACKENDS);
    tcase_add_loop_test(tc, closing_without_a_job, 0, BACKENDS);
    tcase_add_loop_test(tc, how_many_threads, 0, BACKENDS);
    tcase_add_loop_test(tc, how_many_threads_by_default, 0, BACKENDS);
    tcase_add_loop_test(tc, where_no_threads_can_be_had, 0, BACKENDS);
    tcase_add_test(tc, the_two_downloads_name_what_went_wrong);
    tcase_add_test(tc, ctrl_c_leaves_nothing);
    return tc;
}
