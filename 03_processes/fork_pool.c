#include "03_processes/fork_pool.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "03_processes/child.h"

/* All pools of this process; a worker has none. */
static struct fork_pool *pools;
static bool in_worker;

/* --- In a worker ----------------------------------------------------------- */

void fork_pool_return(struct fork_answer *answer, const void *value,
                      size_t size)
{
    if (size > sizeof answer->bytes) {
        fork_pool_raise(answer, "a value of %zu bytes, of %zu at most", size,
                        sizeof answer->bytes);
        return;
    }
    if (size > 0)
        memcpy(answer->bytes, value, size);
    answer->size = size;
    answer->failed = false;
}

void fork_pool_raise(struct fork_answer *answer, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(answer->bytes, sizeof answer->bytes, format, values);
    va_end(values);
    answer->size = strlen(answer->bytes) + 1;
    answer->failed = true;
}

/* Both ends of a line are such that what was sent arrives as a whole or not at
 * all (SOCK_SEQPACKET): nobody ever has to put pieces together, not even when
 * the other side is killed in between.
 */
static bool send_message(int fd, const void *message, size_t size)
{
    ssize_t n;
    do
        n = send(fd, message, size, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n != -1;
}

/* Returns how many bytes came; 0 where the other side is no more. */
static ssize_t receive_message(int fd, void *message, size_t size)
{
    ssize_t n;
    do
        n = recv(fd, message, size, 0);
    while (n == -1 && errno == EINTR);
    return n;
}

/* The life of a worker: until its parent hangs up, or is no more. */
static _Noreturn void serve(int fd)
{
    static struct fork_request request;
    static struct fork_answer answer;
    const size_t head = offsetof(struct fork_answer, bytes);
    ssize_t n;
    while ((n = receive_message(fd, &request, sizeof request)) > 0) {
        answer.failed = false;
        answer.size = 0;
        request.job(request.bytes, &answer);
        if (!send_message(fd, &answer, head + answer.size))
            _exit(1);
    }
    _exit(n == 0 ? 0 : 1);
}

/* A worker that held the lines of others would keep them open when the parent
 * has hung up: nobody would ever see an end.
 */
static void close_all_lines(void)
{
    for (const struct fork_pool *p = pools; p != NULL; p = p->next)
        for (int i = 0; i < p->workers; i++)
            if (p->worker[i].pid != 0)
                close(p->worker[i].fd);
    pools = NULL;
}

/* --- Workers, as their parent sees them ------------------------------------ */

static int start_worker(struct fork_pool *pool, struct fork_worker *w)
{
    int line[2]; /* ours, and the worker's */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) == -1)
        return -1;
    pid_t parent = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        in_worker = true;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
            _exit(1);
        close_all_lines();
        close(line[0]);
        serve(line[1]);
    }
    int error = errno;
    close(line[1]);
    if (pid == -1) {
        close(line[0]);
        errno = error;
        return -1;
    }
    *w = (struct fork_worker){.pid = pid, .fd = line[0]};
    pool->started++;
    return 0;
}

/* Waits for the end of a worker that has been told to end or is dead; returns
 * how it ended.
 */
static int reap(struct fork_worker *w)
{
    int status = 0;
    while (waitpid(w->pid, &status, 0) == -1 && errno == EINTR)
        continue;
    close(w->fd);
    w->pid = 0;
    return status;
}

/* The future is done now. */
static void complete(struct fork_future *f, enum fork_state state)
{
    struct fork_completed *c = f->watcher;
    f->state = state;
    f->next = NULL;
    if (c != NULL) {
        *c->last = f;
        c->last = &f->next;
    }
    if (f->released)
        free(f);
}

/* A worker whose line has broken: it is dead, or might as well be. */
static void bury(struct fork_pool *pool, struct fork_worker *w)
{
    struct fork_future *f = w->future;
    char ending[64];
    kill(w->pid, SIGKILL); /* one that is dead already stays as it is */
    struct child child = {.status = reap(w)};
    pool->lost++;
    w->future = NULL;
    if (f == NULL)
        return;
    fork_pool_raise(&f->answer, "worker lost: %s",
                    child_ending(&child, ending));
    complete(f, FORK_FINISHED);
    /* Where that fails, give() tries again when there is something to give. */
    start_worker(pool, w);
}

/* The next pending job, which is not one any more. */
static struct fork_future *take_pending(struct fork_pool *pool)
{
    struct fork_future *f = pool->first;
    pool->first = f->next;
    if (pool->first == NULL)
        pool->last = &pool->first;
    return f;
}

/* Gives the next job to the worker. One that has died meanwhile has had none,
 * so nothing is lost if another is tried in its place. Returns 0, or an errno.
 */
static int give(struct fork_pool *pool, struct fork_worker *w)
{
    const struct fork_request *r = &pool->first->request;
    int error = 0;
    for (int i = 0; i < 2; i++) {
        if (w->pid == 0 && start_worker(pool, w) == -1)
            return errno;
        if (send_message(w->fd, r,
                         offsetof(struct fork_request, bytes) + r->size)) {
            w->future = take_pending(pool);
            w->future->state = FORK_RUNNING;
            return 0;
        }
        error = errno;
        bury(pool, w);
    }
    return error;
}

/* Returns whether any worker has a job now. Where none is to be had, and so
 * none ever will be free, the next job has failed.
 */
static bool hand_out(struct fork_pool *pool)
{
    bool any = false;
    int error = 0;
    for (int i = 0; i < pool->workers; i++) {
        struct fork_worker *w = &pool->worker[i];
        if (pool->first != NULL && (w->pid == 0 || w->future == NULL)) {
            int e = give(pool, w);
            error = e != 0 ? e : error;
        }
        any |= w->pid != 0 && w->future != NULL;
    }
    if (!any && pool->first != NULL) {
        struct fork_future *f = take_pending(pool);
        fork_pool_raise(&f->answer, "no worker: %s", strerror(error));
        complete(f, FORK_FINISHED);
    }
    return any;
}

/* Takes what a worker has sent: its answer, or the end of the line. */
static void collect(struct fork_pool *pool, struct fork_worker *w)
{
    struct fork_answer answer;
    struct fork_future *f = w->future;
    ssize_t n = receive_message(w->fd, &answer, sizeof answer);
    if (n < (ssize_t)offsetof(struct fork_answer, bytes) || f == NULL) {
        bury(pool, w);
        return;
    }
    memcpy(&f->answer, &answer, (size_t)n);
    w->future = NULL;
    complete(f, FORK_FINISHED);
}

/* Waits until something has happened: a job is done, or a worker lost. */
static void turn(struct fork_pool *pool)
{
    if (!hand_out(pool))
        return;
    for (int i = 0; i < pool->workers; i++) {
        const struct fork_worker *w = &pool->worker[i];
        pool->polled[i] = (struct pollfd){w->pid != 0 ? w->fd : -1, POLLIN, 0};
    }
    while (poll(pool->polled, (nfds_t)pool->workers, -1) == -1)
        if (errno != EINTR)
            err(1, "pool: poll");
    for (int i = 0; i < pool->workers; i++)
        if (pool->polled[i].revents != 0)
            collect(pool, &pool->worker[i]);
}

/* --- Futures --------------------------------------------------------------- */

bool fork_pool_running(const struct fork_future *f)
{
    return f->state == FORK_RUNNING;
}

bool fork_pool_cancelled(const struct fork_future *f)
{
    return f->state == FORK_CANCELLED;
}

bool fork_pool_done(const struct fork_future *f)
{
    return f->state == FORK_CANCELLED || f->state == FORK_FINISHED;
}

static void wait_for(const struct fork_future *f)
{
    while (!fork_pool_done(f))
        turn(f->pool);
}

const void *fork_pool_result(struct fork_future *f)
{
    return fork_pool_exception(f) == NULL ? f->answer.bytes : NULL;
}

const char *fork_pool_exception(struct fork_future *f)
{
    wait_for(f);
    if (f->state == FORK_CANCELLED)
        return "cancelled";
    return f->answer.failed ? f->answer.bytes : NULL;
}

bool fork_pool_cancel(struct fork_future *f)
{
    if (f->state != FORK_PENDING)
        return f->state == FORK_CANCELLED;
    struct fork_future **link = &f->pool->first;
    while (*link != f)
        link = &(*link)->next;
    *link = f->next;
    if (f->next == NULL)
        f->pool->last = link;
    complete(f, FORK_CANCELLED);
    return true;
}

void fork_pool_release(struct fork_future *f)
{
    if (fork_pool_done(f))
        free(f);
    else
        f->released = true;
}

/* --- The pool -------------------------------------------------------------- */

/* Whatever they are at: it is of no use to anybody any more. */
static void kill_workers(struct fork_pool *pool)
{
    for (int i = 0; i < pool->workers; i++)
        if (pool->worker[i].pid != 0)
            kill(pool->worker[i].pid, SIGKILL);
    for (int i = 0; i < pool->workers; i++)
        if (pool->worker[i].pid != 0)
            reap(&pool->worker[i]);
}

/* At exit. In a worker there are no pools. */
static void end_all(void)
{
    for (struct fork_pool *p = pools; p != NULL; p = p->next)
        kill_workers(p);
}

static void give_back(struct fork_pool *pool)
{
    struct fork_pool **link = &pools;
    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
    free(pool->worker);
    free(pool->polled);
}

int fork_pool_init(struct fork_pool *pool, int workers)
{
    static bool prepared;
    *pool = (struct fork_pool){.workers = 0};
    pool->last = &pool->first;
    if (workers < 1) {
        errno = EINVAL;
        return -1;
    }
    if (!prepared && atexit(end_all) != 0) {
        errno = ENOMEM;
        return -1;
    }
    prepared = true;
    pool->worker = calloc((size_t)workers, sizeof *pool->worker);
    pool->polled = calloc((size_t)workers, sizeof *pool->polled);
    if (pool->worker == NULL || pool->polled == NULL) {
        free(pool->worker);
        free(pool->polled);
        errno = ENOMEM;
        return -1;
    }
    pool->workers = workers;
    pool->next = pools;
    pools = pool;
    int error = 0;
    for (int i = 0; i < pool->workers && error == 0; i++)
        if (start_worker(pool, &pool->worker[i]) == -1)
            error = errno;
    if (error == 0)
        return 0;
    kill_workers(pool);
    give_back(pool);
    errno = error;
    return -1;
}

struct fork_future *fork_pool_submit(struct fork_pool *pool, fork_job *job,
                                     const void *argument, size_t size)
{
    if (in_worker || size > FORK_POOL_BYTES) {
        errno = in_worker ? ECANCELED : EMSGSIZE;
        return NULL;
    }
    struct fork_future *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->pool = pool;
    f->request.job = job;
    f->request.size = size;
    if (size > 0)
        memcpy(f->request.bytes, argument, size);
    *pool->last = f;
    pool->last = &f->next;
    hand_out(pool);
    /* Two hold it, the pool and the caller; the analyser counts but one. */
    return f; // NOLINT(clang-analyzer-unix.Malloc)
}

void fork_pool_shutdown(struct fork_pool *pool, bool cancel_futures)
{
    while (cancel_futures && pool->first != NULL)
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left
        fork_pool_cancel(pool->first);
    while (pool->first != NULL || hand_out(pool))
        turn(pool);
    /* They read an end, and end. This works even where somebody else has a
     * copy of our descriptor, and close(2) would not.
     */
    for (int i = 0; i < pool->workers; i++)
        if (pool->worker[i].pid != 0)
            shutdown(pool->worker[i].fd, SHUT_WR);
    for (int i = 0; i < pool->workers; i++)
        if (pool->worker[i].pid != 0)
            reap(&pool->worker[i]);
    give_back(pool);
}

/* --- As completed ---------------------------------------------------------- */

void fork_pool_as_completed(struct fork_completed *c,
                            struct fork_future *const futures[], size_t count)
{
    *c = (struct fork_completed){
        .futures = futures, .count = count, .left = count};
    c->last = &c->first;
    for (size_t i = 0; i < count; i++) {
        futures[i]->watcher = c;
        if (fork_pool_done(futures[i]))
            complete(futures[i], futures[i]->state);
    }
}

struct fork_future *fork_pool_next(struct fork_completed *c)
{
    if (c->left == 0)
        return NULL;
    while (c->first == NULL)
        turn(c->futures[0]->pool);
    struct fork_future *f = c->first;
    c->first = f->next;
    if (c->first == NULL)
        c->last = &c->first;
    c->left--;
    return f;
}

void fork_pool_completed_end(struct fork_completed *c)
{
    for (size_t i = 0; i < c->count; i++)
        c->futures[i]->watcher = NULL;
}
