#include "04_threads/queue.h"

#include <assert.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>

/* These calls fail on a lock or a condition that was never made, or was
 * overwritten: nothing a caller could go on after.
 */
static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(1, "queue: %s", what);
}

static void lock(struct queue *q)
{
    must(pthread_mutex_lock(&q->lock), "lock");
}

static void unlock(struct queue *q)
{
    must(pthread_mutex_unlock(&q->lock), "unlock");
}

int queue_init(struct queue *q, size_t capacity)
{
    *q = (struct queue){.capacity = capacity};
    if (capacity == 0) {
        errno = EINVAL;
        return -1;
    }
    q->items = calloc(capacity, sizeof *q->items);
    if (q->items == NULL)
        return -1;
    int error = pthread_mutex_init(&q->lock, NULL);
    if (error != 0)
        goto no_lock;
    error = pthread_cond_init(&q->not_empty, NULL);
    if (error != 0)
        goto no_not_empty;
    error = pthread_cond_init(&q->not_full, NULL);
    if (error != 0)
        goto no_not_full;
    return 0;

no_not_full:
    pthread_cond_destroy(&q->not_empty);
no_not_empty:
    pthread_mutex_destroy(&q->lock);
no_lock:
    free(q->items);
    errno = error;
    return -1;
}

void queue_destroy(struct queue *q)
{
    must(pthread_cond_destroy(&q->not_full), "destroy");
    must(pthread_cond_destroy(&q->not_empty), "destroy");
    must(pthread_mutex_destroy(&q->lock), "destroy");
    free(q->items);
}

/* Both waits are loops. A wait may end for no reason (POSIX lets it), and even
 * after a signal another thread may have been quicker to the lock and have
 * taken the place or the item that the signal was about.
 */
bool queue_put(struct queue *q, void *item)
{
    assert(item != NULL);
    lock(q);
    while (q->count == q->capacity && !q->closed)
        must(pthread_cond_wait(&q->not_full, &q->lock), "wait");
    bool open = !q->closed;
    if (open) {
        q->items[(q->first + q->count) % q->capacity] = item;
        q->count++;
        must(pthread_cond_signal(&q->not_empty), "signal");
    }
    unlock(q);
    return open;
}

void *queue_get(struct queue *q)
{
    void *item = NULL;
    lock(q);
    while (q->count == 0 && !q->closed)
        must(pthread_cond_wait(&q->not_empty, &q->lock), "wait");
    if (q->count > 0) {
        item = q->items[q->first];
        q->first = (q->first + 1) % q->capacity;
        q->count--;
        /* One place, so one is woken. The two conditions are two variables, so
         * that it is one who waits for a place, and not for an item.
         */
        must(pthread_cond_signal(&q->not_full), "signal");
    }
    unlock(q);
    return item;
}

void queue_close(struct queue *q)
{
    lock(q);
    q->closed = true;
    must(pthread_cond_broadcast(&q->not_empty), "broadcast");
    must(pthread_cond_broadcast(&q->not_full), "broadcast");
    unlock(q);
}
