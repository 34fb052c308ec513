/* queue: a blocking queue of bounded length, the way threads hand on work.
 *
 *     struct queue queue;
 *     if (queue_init(&queue, 16) == -1)
 *         err(1, "queue");
 *     ...the one side:                    ...the other side:
 *     queue_put(&queue, job);             struct job *job;
 *     queue_close(&queue);                while ((job = queue_get(&queue)))
 *                                             work(job);
 *     ...when both are done:
 *     queue_destroy(&queue);
 *
 * What was put first is got first. Any number of threads may put, get and
 * close at the same time. Who waits longest is not always served first: that
 * is up to the system's condition variables.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct queue {
    size_t capacity;

    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t not_empty, not_full;
    void **items; /* a ring: the oldest at first, and so many behind it */
    size_t first, count;
    bool closed;
};

/* An empty queue for up to capacity items, at least 1. Returns 0, or -1 with
 * errno: EINVAL for a capacity of 0, ENOMEM.
 */
int queue_init(struct queue *queue, size_t capacity);

/* Frees the queue, not what lies in it. No thread may use it any more, nor wait
 * in it: close it and join them first.
 */
void queue_destroy(struct queue *queue);

/* Adds an item at the end, which must not be NULL; waits while the queue is
 * full. Returns false, and the item stays the caller's, if the queue is closed
 * or is being closed while this waits.
 */
bool queue_put(struct queue *queue, void *item);

/* Takes the oldest item; waits while there is none. Returns NULL once the queue
 * is closed and empty: what was put before the closing is still got.
 */
void *queue_get(struct queue *queue);

/* From now on nothing can be put, and nobody waits: all who do are woken.
 * Closing again changes nothing.
 */
void queue_close(struct queue *queue);

#endif
