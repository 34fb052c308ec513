/* async_queue: a queue between tasks; asyncio.Queue.
 *
 *     static struct async_queue queue = {.bound = 2};
 *
 *     AWAIT_CALL(c, async_queue_put, .queue = &queue, .item = item);
 *
 *     AWAIT_CALL(c, async_queue_get, .queue = &queue);
 *     ...c->async_queue_get.item
 *     async_queue_task_done(&queue);
 *
 *     AWAIT_CALL(c, async_queue_join, .queue = &queue);
 *     async_queue_free(&queue);
 *
 * The words of asyncio, and what they are here:
 *
 *     Queue(maxsize=2)       struct async_queue, {.bound = 2}
 *     await queue.put(x)     AWAIT_CALL(c, async_queue_put, ...)
 *     x = await queue.get()  AWAIT_CALL(c, async_queue_get, ...)
 *     queue.put_nowait(x)    async_queue_put_nowait; false: QueueFull
 *     queue.get_nowait()     async_queue_get_nowait; false: QueueEmpty
 *     queue.task_done()      async_queue_task_done; false: ValueError
 *     await queue.join()     AWAIT_CALL(c, async_queue_join, ...)
 *     queue.qsize()          queue.count
 *
 * First in, first out. As in asyncio whoever comes when there is an item (or
 * room for one) takes it, even if another one has been woken for it and is
 * still to run; that one then waits again, at the end. Whoever is cancelled,
 * having been woken, wakes the next: no item is lost by it.
 *
 * For the tasks of one loop. 04_threads/queue.h is its sister for threads.
 */
#ifndef ASYNC_QUEUE_H
#define ASYNC_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "07_eventloop/sync.h"

struct async_queue {
    size_t bound;      /* it never holds more items; 0: no bound */
    size_t count;      /* it holds so many; the rest is its own */
    size_t unfinished; /* put, and not yet said to be done */
    void **items;      /* a ring */
    size_t first, room;
    struct sync_waiters getters, putters;
    struct event finished;
};

/* Nobody may wait for it. What it still holds is dropped. */
void async_queue_free(struct async_queue *q);

struct async_queue_put {
    struct gen gen;
    struct async_queue *queue;
    void *item;
    struct sync_waiter waiter; /* its own */
};

/* Waits until there is room. Where there is no memory, the program ends with a
 * message.
 */
bool async_queue_put(void *frame, struct future **awaits);

/* Returns false where it is full. */
bool async_queue_put_nowait(struct async_queue *q, void *item);

struct async_queue_get {
    struct gen gen;
    struct async_queue *queue;
    void *item;                /* what it got */
    struct sync_waiter waiter; /* its own */
};

/* Waits until there is an item. */
bool async_queue_get(void *frame, struct future **awaits);

/* Returns false where it is empty. */
bool async_queue_get_nowait(struct async_queue *q, void **item);

/* To be called once for each item that was got, when the work on it is over.
 * Returns false, and does nothing, where that has been said of all items that
 * were ever put.
 */
bool async_queue_task_done(struct async_queue *q);

struct async_queue_join {
    struct gen gen;
    struct async_queue *queue;
    struct event_wait event_wait; /* its own */
};

/* Waits until as many were done as were put. */
bool async_queue_join(void *frame, struct future **awaits);

#endif
