#include "07_eventloop/in_executor.h"

#include <err.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "04_threads/pool.h"

const char error_executor_closed[] = "RuntimeError: the executor is closed";

struct job {
    struct future future; /* the loop's, never touched by a thread */
    executor_job *call;
    atomic_bool taken; /* by the thread that does it, or by who cancels it */
    const char *error;
    struct job *next;
    _Alignas(max_align_t) unsigned char frame[];
};

/* The loop's thread alone looks in here. */
struct executor {
    struct pool pool;
    int out;                  /* jobs that the pool has */
    struct job *first, **end; /* those that it has no room for */
    bool closing;
};

static bool cancel(struct future *f)
{
    struct job *job = (struct job *)(void *)f;
    atomic_store(&job->taken, true);
    return future_set_error(f, error_cancelled);
}

static void free_job(struct future *f)
{
    free(f);
}

static const struct future_kind kind = {"run_in_executor", cancel, free_job};

/* --- There and back -------------------------------------------------------- */

static void submit_waiting(struct loop *loop);

/* Nothing becomes of it where the future was cancelled. */
static void finish(struct job *job, const char *error)
{
    loop_release(job->future.loop);
    if (error != NULL)
        future_set_error(&job->future, error);
    else
        future_set_result(&job->future, job->frame);
    future_release(&job->future);
}

/* In the loop again. */
static void come_home(void *data)
{
    struct job *job = data;
    struct loop *loop = job->future.loop;
    loop->executor->out--;
    finish(job, job->error);
    submit_waiting(loop);
}

/* exit(3) is for one thread only: the others wait for it here. */
_Noreturn static void end_program(void)
{
    static atomic_flag ending = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&ending))
        err(CLI_ERROR, "run_in_executor: the way home");
    for (;;)
        pause();
}

/* In a thread of the pool. One that was cancelled only passes through. */
static void *work(void *argument, struct pool_future *self)
{
    struct job *job = argument;
    struct loop *loop = job->future.loop;
    (void)self;
    if (!atomic_exchange(&job->taken, true))
        job->error = job->call(job->frame);
    /* Where there is no memory for that, there may be some in a moment. */
    for (int i = 0; loop_call_soon_threadsafe(loop, come_home, job) == -1; i++)
        if (i < 200)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        else
            end_program();
    return NULL;
}

/* The pool's queue has a bound, where pool_submit would wait; ours has none. */
static void submit_waiting(struct loop *loop)
{
    struct executor *e = loop->executor;
    while (e->first != NULL && e->out < POOL_WAITING) {
        struct job *job = e->first;
        e->first = job->next;
        if (e->first == NULL)
            e->end = &e->first;
        struct pool_future *f = pool_submit(&e->pool, work, job);
        if (f == NULL) {
            finish(job, errno_error(errno));
        } else {
            pool_release(f); /* the way home is our own */
            e->out++;
        }
    }
}

/* --- The executor ---------------------------------------------------------- */

/* The last part of loop_close. */
static void end_executor(struct loop *loop)
{
    struct executor *e = loop->executor;
    e->closing = true;
    while (e->out > 0)
        loop_run_once(loop, -1);
    pool_shutdown(&e->pool, false);
    loop_settle(loop); /* the done callbacks of the last one */
    loop->executor = NULL;
    free(e);
}

int loop_set_default_executor(struct loop *loop, int threads)
{
    if (loop->executor != NULL) {
        errno = EBUSY;
        return -1;
    }
    struct executor *e = calloc(1, sizeof *e);
    if (e == NULL)
        return -1;
    e->end = &e->first;
    if (pool_init(&e->pool, threads) == -1) {
        free(e);
        return -1;
    }
    loop->executor = e;
    loop->end_executor = end_executor;
    return 0;
}

static bool have_executor(struct loop *loop)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = processors < 1 || processors > 28 ? 32 : (int)processors + 4;
    return loop->executor != NULL ||
           loop_set_default_executor(loop, threads) == 0;
}

struct future *run_in_executor_frame(struct loop *loop, executor_job *call,
                                     const void *frame, size_t size)
{
    struct job *job = malloc(sizeof *job + size);
    if (job == NULL)
        err(CLI_ERROR, "run_in_executor");
    *job = (struct job){.call = call};
    memcpy(job->frame, frame, size);
    future_init(&job->future, loop, &kind);
    if (!have_executor(loop)) {
        future_set_error(&job->future, errno_error(errno));
    } else if (loop->executor->closing) {
        future_set_error(&job->future, error_executor_closed);
    } else {
        future_hold(&job->future);
        loop_hold(loop);
        *loop->executor->end = job;
        loop->executor->end = &job->next;
        submit_waiting(loop);
    }
    return &job->future;
}

void *executor_frame(struct future *f)
{
    return future_done(f) && !future_cancelled(f)
               ? ((struct job *)(void *)f)->frame
               : NULL;
}
