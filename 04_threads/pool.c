#include "04_threads/pool.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The pool whose thread this is; NULL in all other threads. */
static _Thread_local const struct pool *own_pool;

/* These calls fail on a lock that was never made, or was overwritten: nothing
 * a caller could go on after.
 */
static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(1, "pool: %s", what);
}

static void lock(struct pool_future *f)
{
    must(pthread_mutex_lock(&f->lock), "lock");
}

static void unlock(struct pool_future *f)
{
    must(pthread_mutex_unlock(&f->lock), "unlock");
}

/* --- Futures --------------------------------------------------------------- */

static struct pool_future *new_future(struct pool *pool, pool_job *job,
                                      void *argument)
{
    struct pool_future *f = malloc(sizeof *f);
    if (f == NULL)
        return NULL;
    *f = (struct pool_future){
        .pool = pool, .job = job, .argument = argument, .holders = 2};
    must(pthread_mutex_init(&f->lock, NULL), "lock");
    must(pthread_cond_init(&f->done, NULL), "condition");
    return f;
}

void pool_release(struct pool_future *f)
{
    lock(f);
    bool last = --f->holders == 0;
    unlock(f);
    if (!last)
        return;
    must(pthread_cond_destroy(&f->done), "destroy");
    must(pthread_mutex_destroy(&f->lock), "destroy");
    free(f);
}

static bool is_done(const struct pool_future *f)
{
    return f->state == POOL_CANCELLED || f->state == POOL_FINISHED;
}

/* One step from one state into another; whoever makes it goes on with the job,
 * and nobody else. Returns whether this was the one.
 */
static bool step(struct pool_future *f, enum pool_state from,
                 enum pool_state to)
{
    lock(f);
    bool mine = f->state == from;
    struct pool_callback *next = NULL;
    if (mine) {
        f->state = to;
        if (is_done(f)) {
            must(pthread_cond_broadcast(&f->done), "broadcast");
            next = f->callbacks;
            f->callbacks = NULL; /* they may be gone once they were called */
        }
    }
    unlock(f);
    /* Without the lock: they may ask the future, or take locks of their own.
     * Once called, a callback may be gone.
     */
    while (next != NULL) {
        struct pool_callback *callback = next;
        next = callback->next;
        callback->call(callback, f);
    }
    return mine;
}

/* Does the job here and now, if nobody has begun or cancelled it. */
static bool run(struct pool_future *f)
{
    if (!step(f, POOL_PENDING, POOL_RUNNING))
        return false;
    f->value = f->job(f->argument, f);
    step(f, POOL_RUNNING, POOL_FINISHED);
    return true;
}

bool pool_cancel(struct pool_future *f)
{
    return step(f, POOL_PENDING, POOL_CANCELLED) || pool_cancelled(f);
}

void pool_add_done_callback(struct pool_future *f,
                            struct pool_callback *callback)
{
    callback->next = NULL;
    lock(f);
    bool now = is_done(f);
    struct pool_callback **last = &f->callbacks;
    while (*last != NULL)
        last = &(*last)->next;
    if (!now)
        *last = callback;
    unlock(f);
    if (now)
        callback->call(callback, f);
}

/* In a job: does another one of the same pool that nobody has begun. If all
 * threads of a pool waited for such ones, nobody would be left to do them.
 */
static bool run_own(struct pool_future *f)
{
    return f->pool == own_pool && run(f);
}

static void wait_for(struct pool_future *f)
{
    run_own(f);
    lock(f);
    while (!is_done(f))
        must(pthread_cond_wait(&f->done, &f->lock), "wait");
    unlock(f);
}

/* What has been done changes no more: it can be read without the lock. */
void *pool_result(struct pool_future *f)
{
    wait_for(f);
    return f->value;
}

const char *pool_exception(struct pool_future *f)
{
    wait_for(f);
    if (f->state == POOL_CANCELLED)
        return "cancelled";
    return f->failed ? f->error : NULL;
}

static enum pool_state state_of(struct pool_future *f)
{
    lock(f);
    enum pool_state state = f->state;
    unlock(f);
    return state;
}

bool pool_running(struct pool_future *f)
{
    return state_of(f) == POOL_RUNNING;
}

bool pool_cancelled(struct pool_future *f)
{
    return state_of(f) == POOL_CANCELLED;
}

bool pool_done(struct pool_future *f)
{
    enum pool_state state = state_of(f);
    return state == POOL_CANCELLED || state == POOL_FINISHED;
}

/* While the job runs, its error is its own, as its value is. */
void *pool_raise(struct pool_future *self, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(self->error, sizeof self->error, format, values);
    va_end(values);
    self->failed = true;
    return NULL;
}

/* --- The pool -------------------------------------------------------------- */

static void *work(void *argument)
{
    struct pool *pool = argument;
    struct pool_future *f;
    own_pool = pool;
    while ((f = queue_get(&pool->jobs)) != NULL) {
        sem_post(&pool->places);
        if (pool->cancelling)
            pool_cancel(f);
        else
            run(f);
        pool_release(f);
    }
    return NULL;
}

int pool_init(struct pool *pool, int threads)
{
    *pool = (struct pool){.threads = 0};
    if (threads < 1) {
        errno = EINVAL;
        return -1;
    }
    pool->thread = calloc((size_t)threads, sizeof *pool->thread);
    if (pool->thread == NULL)
        return -1;
    if (queue_init(&pool->jobs, POOL_WAITING) == -1) {
        free(pool->thread);
        return -1;
    }
    if (sem_init(&pool->places, 0, POOL_WAITING) == -1)
        err(1, "pool: semaphore");
    int error = 0;
    while (pool->threads < threads && error == 0) {
        error = pthread_create(&pool->thread[pool->threads], NULL, work, pool);
        pool->threads += error == 0;
    }
    if (error == 0)
        return 0;
    pool_shutdown(pool, true);
    errno = error;
    return -1;
}

/* A place in the queue, so that to put will not have to wait. A thread of the
 * pool must not wait for one: who would ever make room, if all of them did?
 */
static bool take_place(struct pool *pool)
{
    if (own_pool == pool)
        return sem_trywait(&pool->places) == 0;
    while (sem_wait(&pool->places) == -1)
        if (errno != EINTR)
            err(1, "pool: semaphore");
    return true;
}

struct pool_future *pool_submit(struct pool *pool, pool_job *job,
                                void *argument)
{
    struct pool_future *f = new_future(pool, job, argument);
    if (f == NULL)
        return NULL;
    if (!take_place(pool)) {
        run(f);
        pool_release(f); /* the pool's hold; the caller has the other */
    } else if (!queue_put(&pool->jobs, f)) {
        sem_post(&pool->places);
        pool_release(f);
        pool_release(f); // NOLINT(clang-analyzer-unix.Malloc): two held it
        errno = ECANCELED;
        return NULL;
    }
    return f; // NOLINT(clang-analyzer-unix.Malloc): the caller's hold
}

void pool_shutdown(struct pool *pool, bool cancel_futures)
{
    struct pool_future *f;
    pool->cancelling = cancel_futures;
    queue_close(&pool->jobs);
    /* Threads that are busy do not come by to cancel what waits for them. */
    while (cancel_futures && (f = queue_get(&pool->jobs)) != NULL) {
        sem_post(&pool->places);
        pool_cancel(f);
        pool_release(f);
    }
    for (int i = 0; i < pool->threads; i++)
        must(pthread_join(pool->thread[i], NULL), "join");
    sem_destroy(&pool->places);
    queue_destroy(&pool->jobs);
    free(pool->thread);
}

/* --- As completed ---------------------------------------------------------- */

/* A callback that puts its future into a queue, where there is room for all. */
struct pool_watch {
    struct pool_callback callback; /* first, so that one is the other */
    struct pool_future *future;
    struct queue *done;
};

static void put_into_queue(struct pool_callback *callback,
                           struct pool_future *future)
{
    struct pool_watch *watch = (struct pool_watch *)callback;
    queue_put(watch->done, future);
}

int pool_as_completed(struct pool_completed *c,
                      struct pool_future *const futures[], size_t count)
{
    *c = (struct pool_completed){.count = count};
    c->watches = calloc(count + 1, sizeof *c->watches);
    if (c->watches == NULL)
        return -1;
    if (queue_init(&c->done, count + 1) == -1) {
        free(c->watches);
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct pool_watch *watch = &c->watches[i];
        *watch = (struct pool_watch){
            .callback.call = put_into_queue, .future = futures[i], &c->done};
        pool_add_done_callback(futures[i], &watch->callback);
    }
    return 0;
}

struct pool_future *pool_next(struct pool_completed *c)
{
    if (c->given == c->count)
        return NULL;
    /* In a job of this pool: does the next that nobody has begun. */
    for (bool done = own_pool == NULL; !done && c->tried < c->count; c->tried++)
        done = run_own(c->watches[c->tried].future);
    c->given++;
    return queue_get(&c->done);
}

void pool_completed_end(struct pool_completed *c)
{
    while (pool_next(c) != NULL)
        continue;
    queue_destroy(&c->done);
    free(c->watches);
}
