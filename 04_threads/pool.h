/* pool: threads that do jobs, and futures of what will come of them.
 *
 *     struct pool pool;
 *     if (pool_init(&pool, 64) == -1)
 *         err(1, "thread %d of 64", pool.threads + 1);
 *     struct pool_future *f = pool_submit(&pool, work, argument);
 *     if (f == NULL)
 *         err(1, "job");
 *     ...do something else; then:
 *     void *value = pool_result(f);
 *     if (pool_exception(f) != NULL)
 *         warnx("%s", pool_exception(f));
 *     pool_release(f);
 *     pool_shutdown(&pool, false);
 *
 * The names and their meaning are those of Python's concurrent.futures, with
 * ThreadPoolExecutor for pool and Future for pool_future. What differs:
 *
 * - No exception flies. A job that fails returns pool_raise(...), and who asks
 *   for its result has to ask whether there is one.
 * - The threads are all there from the start, not made as they are needed.
 * - At most POOL_WAITING jobs wait for a thread. Then pool_submit waits too,
 *   where Python's queue grows until the memory is full.
 * - A job may submit jobs to its own pool, and wait for them. In Python that
 *   ends in a deadlock when all threads wait and none is left to do what they
 *   wait for. Here a thread of the pool that waits for a job which nobody has
 *   begun does it itself, as if it had called the function; and so it does
 *   with one that it submits where no more can wait. (Two jobs of which each
 *   waits for the other still wait for ever.)
 * - pool_shutdown always waits, for the pool's memory is the caller's.
 * - No time-outs: a job that hangs, hangs.
 */
#ifndef POOL_H
#define POOL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "04_threads/queue.h"

enum { POOL_WAITING = 1024, POOL_ERROR = 256 };

/* --- Futures --------------------------------------------------------------- */

enum pool_state {
    POOL_PENDING,   /* waits for a thread */
    POOL_RUNNING,   /* a thread is at it */
    POOL_CANCELLED, /* will never run */
    POOL_FINISHED,  /* has run: there is a value, or an error */
};

struct pool_future;

/* What a job is: it returns its value, which is whatever the two sides agree
 * upon, or pool_raise(self, ...). It must not end its thread.
 */
typedef void *pool_job(void *argument, struct pool_future *self);

/* Something to be called when a future is done. The struct is the caller's,
 * and must stay until it has been called.
 */
struct pool_callback {
    void (*call)(struct pool_callback *self, struct pool_future *future);
    struct pool_callback *next; /* its own */
};

struct pool_future {
    struct pool *pool;
    pool_job *job;
    void *argument;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t done;
    enum pool_state state;
    bool failed;
    void *value;
    char error[POOL_ERROR];
    struct pool_callback *callbacks;
    int holders; /* whoever submitted it, and the pool */
};

/* Waits until the job is done, and returns its value, or NULL where there is
 * none: pool_exception says which.
 */
void *pool_result(struct pool_future *future);

/* Waits likewise, and returns why there is no value, or NULL where there is
 * one. The text is valid until the future is released. Of a cancelled one it
 * is "cancelled".
 */
const char *pool_exception(struct pool_future *future);

/* These tell at once. Cancelled is done, too. */
bool pool_running(struct pool_future *future);
bool pool_cancelled(struct pool_future *future);
bool pool_done(struct pool_future *future);

/* Sees to it that the job is never begun. Returns whether it is cancelled now:
 * not where it runs, or has run.
 */
bool pool_cancel(struct pool_future *future);

/* Has the callback called when the future is done: by the thread that did the
 * job or cancelled it, in the order in which they were added; by this one,
 * now, where it is done already.
 */
void pool_add_done_callback(struct pool_future *future,
                            struct pool_callback *callback);

/* In a job: the error with which it ends. Returns NULL, to be returned. */
void *pool_raise(struct pool_future *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees the future, at once or as soon as the job is done. To be called once
 * for each by whoever submitted it, before or after pool_shutdown; it does not
 * cancel.
 */
void pool_release(struct pool_future *future);

/* --- The pool -------------------------------------------------------------- */

struct pool {
    int threads; /* that there are */
    pthread_t *thread;
    struct queue jobs; /* futures; cancelled ones are passed over */
    sem_t places;      /* that are free in it */
    atomic_bool cancelling;
};

/* Starts so many threads, at least 1. Returns 0, or -1 with errno: EINVAL,
 * ENOMEM, or EAGAIN where the system has no more threads to give; those that
 * had been started are joined then, and pool->threads still tells how many
 * they were.
 */
int pool_init(struct pool *pool, int threads);

/* Has the job done by one of the threads: in the order of submission, but for
 * what is said above of jobs that submit. Returns its future, which is to be
 * released, or NULL with errno: ENOMEM, or ECANCELED while the pool is being
 * shut down. Any thread may call it, and so may jobs.
 */
struct pool_future *pool_submit(struct pool *pool, pool_job *job,
                                void *argument);

/* Waits until all jobs are done, or cancels those that nobody has begun, and
 * joins the threads. Futures stay valid until they are released. Not to be
 * called from a job, nor while others still submit.
 */
void pool_shutdown(struct pool *pool, bool cancel_futures);

/* --- As completed ---------------------------------------------------------- */

/* Futures in the order in which they are done:
 *
 *     struct pool_completed completed;
 *     if (pool_as_completed(&completed, futures, 100) == -1)
 *         err(1, "futures");
 *     while ((f = pool_next(&completed)) != NULL)
 *         ...
 *     pool_completed_end(&completed);
 *
 * Keep the futures until the end. For one thread.
 */
struct pool_completed {
    struct pool_watch *watches; /* one for each future */
    size_t count, given, tried;
    struct queue done;
};

/* Returns 0, or -1 with ENOMEM; then there is nothing to end. */
int pool_as_completed(struct pool_completed *completed,
                      struct pool_future *const futures[], size_t count);

/* Waits for the next one. Returns NULL after the last. */
struct pool_future *pool_next(struct pool_completed *completed);

/* Waits for those that have not been given out yet, if any, and frees it. */
void pool_completed_end(struct pool_completed *completed);

#endif
