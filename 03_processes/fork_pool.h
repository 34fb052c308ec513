/* fork_pool: processes that do jobs, and futures of what will come of them.
 *
 *     static void work(const void *argument, struct fork_answer *answer)
 *     {
 *         const int *n = argument;
 *         if (*n < 0)
 *             fork_pool_raise(answer, "%d: below zero", *n);
 *         else
 *             fork_pool_return(answer, &(int){2 * *n}, sizeof(int));
 *     }
 *
 *     struct fork_pool pool;
 *     if (fork_pool_init(&pool, 4) == -1)
 *         err(1, "process %d of 4", pool.started + 1);
 *     struct fork_future *f = fork_pool_submit(&pool, work, &n, sizeof n);
 *     if (f == NULL)
 *         err(1, "job");
 *     const int *twice = fork_pool_result(f);
 *     if (twice == NULL)
 *         warnx("%s", fork_pool_exception(f));
 *     fork_pool_release(f);
 *     fork_pool_shutdown(&pool, false);
 *
 * The interface is that of 04_threads/pool, where threads do the jobs; both
 * have their names from Python's concurrent.futures, and this one is the
 * ProcessPoolExecutor. What the processes change:
 *
 * - Nothing is shared. Argument and value are bytes, at most FORK_POOL_BYTES,
 *   that are copied from one process into the other; what they point to is
 *   not. (Python pickles them.) The function itself is known by its address,
 *   for every worker is a copy of this program.
 * - A worker that dies takes its one job with it and nothing else: the job's
 *   future says so, and a new worker takes the place. (In Python the whole
 *   pool is broken then.)
 * - Jobs are handed out, and answers collected, while this process is in one
 *   of the functions here that wait, and at no other time: no thread does it
 *   in the background. For one process and one thread; jobs cannot submit.
 */
#ifndef FORK_POOL_H
#define FORK_POOL_H

#include <poll.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { FORK_POOL_BYTES = 1024 };

/* --- Jobs ------------------------------------------------------------------ */

/* What comes back from a worker. */
struct fork_answer {
    bool failed;
    size_t size;
    alignas(max_align_t) char bytes[FORK_POOL_BYTES]; /* value, or error */
};

/* What a job is: it runs in a worker, and answers by one of the next two. One
 * that does neither returns a value of no bytes.
 */
typedef void fork_job(const void *argument, struct fork_answer *answer);

/* What goes to a worker. */
struct fork_request {
    fork_job *job;
    size_t size;
    alignas(max_align_t) char bytes[FORK_POOL_BYTES]; /* argument */
};

/* The value; more than FORK_POOL_BYTES of it are an error. */
void fork_pool_return(struct fork_answer *answer, const void *value,
                      size_t size);

void fork_pool_raise(struct fork_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- Futures --------------------------------------------------------------- */

enum fork_state {
    FORK_PENDING,   /* waits for a worker */
    FORK_RUNNING,   /* a worker has it */
    FORK_CANCELLED, /* will never run */
    FORK_FINISHED,  /* there is a value, or an error */
};

struct fork_future {
    struct fork_pool *pool;
    struct fork_request request;
    struct fork_answer answer; /* once it is finished */
    enum fork_state state;
    bool released;
    struct fork_completed *watcher; /* who waits for it to be done */
    struct fork_future *next;       /* of those that are pending, or done */
};

/* Waits until the job is done, and returns its value, aligned for any type, or
 * NULL where there is none. It is valid until the future is released.
 */
const void *fork_pool_result(struct fork_future *future);

/* Waits likewise, and returns why there is no value, or NULL where there is
 * one: what the job raised, or "worker lost: killed by signal 9, Killed", or
 * "cancelled".
 */
const char *fork_pool_exception(struct fork_future *future);

/* These tell at once. Cancelled is done, too. */
bool fork_pool_running(const struct fork_future *future);
bool fork_pool_cancelled(const struct fork_future *future);
bool fork_pool_done(const struct fork_future *future);

/* Sees to it that the job is never begun. Returns whether it is cancelled now:
 * not where it runs, or has run.
 */
bool fork_pool_cancel(struct fork_future *future);

/* Frees the future, at once or as soon as the job is done. It does not cancel.
 */
void fork_pool_release(struct fork_future *future);

/* --- The pool -------------------------------------------------------------- */

struct fork_worker {
    pid_t pid;                  /* 0: there is none, for now */
    int fd;                     /* our end of the line to it */
    struct fork_future *future; /* its job; NULL: it waits for one */
};

struct fork_pool {
    int workers; /* how many there should be */
    int started; /* how many there have been so far */
    int lost;    /* of these, how many died of themselves */
    struct fork_worker *worker;
    struct pollfd *polled;             /* for each */
    struct fork_future *first, **last; /* pending ones */
    struct fork_pool *next;            /* all pools of this process */
};

/* Starts so many workers, at least 1. Returns 0, or -1 with errno: EINVAL,
 * ENOMEM, EMFILE, or EAGAIN where the system has no more processes to give;
 * no worker is left then, and pool->started still tells how many there were.
 *
 * The workers never outlive this process: they are ended and reaped by exit(3),
 * and killed by the kernel when it is killed. What stands in stdout's buffer is
 * written out first.
 */
int fork_pool_init(struct fork_pool *pool, int workers);

/* Has the job done by one of the workers, in the order of submission. Returns
 * its future, which is to be released, or NULL with errno: ENOMEM, EMSGSIZE
 * for an argument that is too large, ECANCELED in a worker.
 */
struct fork_future *fork_pool_submit(struct fork_pool *pool, fork_job *job,
                                     const void *argument, size_t size);

/* Waits until all jobs are done, or cancels those that nobody has begun, and
 * ends the workers.
 */
void fork_pool_shutdown(struct fork_pool *pool, bool cancel_futures);

/* --- As completed ---------------------------------------------------------- */

/* Futures of one pool in the order in which they are done:
 *
 *     struct fork_completed completed;
 *     fork_pool_as_completed(&completed, futures, 100);
 *     while ((f = fork_pool_next(&completed)) != NULL)
 *         ...
 *     fork_pool_completed_end(&completed);
 *
 * Keep the futures until the end. One can be watched by one at a time.
 */
struct fork_completed {
    struct fork_future *const *futures;
    size_t count, left;
    struct fork_future *first, **last; /* done, and not given out yet */
};

void fork_pool_as_completed(struct fork_completed *completed,
                            struct fork_future *const futures[], size_t count);

/* Waits for the next one. Returns NULL after the last. */
struct fork_future *fork_pool_next(struct fork_completed *completed);

/* Waits for none of those that have not been given out. */
void fork_pool_completed_end(struct fork_completed *completed);

#endif
