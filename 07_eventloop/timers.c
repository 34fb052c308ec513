#include "07_eventloop/timers.h"

#include <err.h>
#include <stdlib.h>

#include "01_files/cli.h"

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->when < b->when || (a->when == b->when && a->order < b->order);
}

static void sift_up(struct timers *t, size_t i, struct timer timer)
{
    while (i > 0 && is_before(&timer, &t->heap[(i - 1) / 4])) {
        t->heap[i] = t->heap[(i - 1) / 4];
        i = (i - 1) / 4;
    }
    t->heap[i] = timer;
}

static void sift_down(struct timers *t, size_t i, struct timer timer)
{
    for (;;) {
        size_t child = 4 * i + 1;
        size_t end = child + 4 < t->count ? child + 4 : t->count;
        size_t first = child;
        if (child >= end)
            break;
        while (++child < end)
            if (is_before(&t->heap[child], &t->heap[first]))
                first = child;
        if (!is_before(&t->heap[first], &timer))
            break;
        t->heap[i] = t->heap[first];
        i = first;
    }
    t->heap[i] = timer;
}

void timers_add(struct timers *t, double when, uint32_t number)
{
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 64 : 2 * t->room;
        t->heap = reallocarray(t->heap, room, sizeof *t->heap);
        if (t->heap == NULL)
            err(CLI_ERROR, "timers: room for %zu", room);
        t->room = room;
    }
    struct timer timer = {when, t->order++, number};
    sift_up(t, t->count++, timer);
}

uint32_t timers_pop(struct timers *t)
{
    uint32_t number = t->heap[0].number;
    struct timer last = t->heap[--t->count];
    if (t->count > 0)
        sift_down(t, 0, last);
    return number;
}

void timers_sweep(struct timers *t, bool (*goes)(void *data, uint32_t number),
                  void *data)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++)
        if (!goes(data, t->heap[i].number))
            t->heap[kept++] = t->heap[i];
    t->count = kept;
    /* What is left is a heap again, from its lowest branches up. */
    for (size_t i = kept; i-- > 0;)
        sift_down(t, i, t->heap[i]);
}

void timers_free(struct timers *t)
{
    free(t->heap);
}
