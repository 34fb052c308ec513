#include "07_eventloop/async_queue.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"

static const struct future_kind put_kind = {.name = "room in a queue"};
static const struct future_kind get_kind = {.name = "an item of a queue"};

void async_queue_free(struct async_queue *q)
{
    free(q->items);
    *q = (struct async_queue){.bound = q->bound};
}

static bool is_full(const struct async_queue *q)
{
    return q->bound != 0 && q->count >= q->bound;
}

/* Whoever is woken leaves the queue; whoever was cancelled is passed over. */
static void wake_next(struct sync_waiters *waiters)
{
    while (waiters->first != NULL) {
        struct sync_waiter *w = waiters->first;
        sync_dequeue(w);
        if (future_set_result(&w->future, NULL))
            return;
    }
}

static void grow(struct async_queue *q)
{
    size_t room = q->room == 0 ? 16 : 2 * q->room;
    q->items = reallocarray(q->items, room, sizeof *q->items);
    if (q->items == NULL)
        err(CLI_ERROR, "queue: room for %zu items", room);
    /* What had wrapped around to the start now follows the old end. */
    if (q->first > 0)
        memcpy(q->items + q->room, q->items, q->first * sizeof *q->items);
    q->room = room;
}

bool async_queue_put_nowait(struct async_queue *q, void *item)
{
    if (is_full(q))
        return false;
    if (q->count == q->room)
        grow(q);
    q->items[(q->first + q->count++) % q->room] = item;
    q->unfinished++;
    event_clear(&q->finished);
    wake_next(&q->getters);
    return true;
}

bool async_queue_get_nowait(struct async_queue *q, void **item)
{
    if (q->count == 0)
        return false;
    *item = q->items[q->first];
    q->first = (q->first + 1) % q->room;
    q->count--;
    wake_next(&q->putters);
    return true;
}

bool async_queue_put(void *frame, struct future **awaits)
{
    struct async_queue_put *c = frame;
    GEN_BEGIN(c);
    while (!async_queue_put_nowait(c->queue, c->item)) {
        sync_enqueue(&c->queue->putters, &c->waiter, &put_kind);
        AWAIT(c, &c->waiter.future);
    }
    GEN_END(c);
    sync_dequeue(&c->waiter);
    /* Woken and then cancelled. */
    if (c->gen.error != NULL && !future_cancelled(&c->waiter.future) &&
        !is_full(c->queue))
        wake_next(&c->queue->putters);
    return false;
}

bool async_queue_get(void *frame, struct future **awaits)
{
    struct async_queue_get *c = frame;
    GEN_BEGIN(c);
    while (!async_queue_get_nowait(c->queue, &c->item)) {
        sync_enqueue(&c->queue->getters, &c->waiter, &get_kind);
        AWAIT(c, &c->waiter.future);
    }
    GEN_END(c);
    sync_dequeue(&c->waiter);
    if (c->gen.error != NULL && !future_cancelled(&c->waiter.future) &&
        c->queue->count > 0)
        wake_next(&c->queue->getters);
    return false;
}

bool async_queue_task_done(struct async_queue *q)
{
    if (q->unfinished == 0)
        return false;
    if (--q->unfinished == 0)
        event_set(&q->finished);
    return true;
}

bool async_queue_join(void *frame, struct future **awaits)
{
    struct async_queue_join *c = frame;
    GEN_BEGIN(c);
    if (c->queue->unfinished > 0)
        AWAIT_CALL(c, event_wait, .event = &c->queue->finished);
    GEN_END(c);
    return false;
}
