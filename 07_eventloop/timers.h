/* timers: numbers with a time each, of which the earliest is at hand.
 *
 *     struct timers t = {0};
 *     timers_add(&t, when, 7);
 *     while (t.count > 0 && t.heap[0].when <= now)
 *         number = timers_pop(&t);
 *     timers_free(&t);
 *
 * A heap: each has four children behind it, at 4 i + 1 and on, none of which is
 * earlier. (With two, as in Python's heapq, it is twice as high.) So the first
 * is the earliest, and adding or taking it off costs a way up or down. Those
 * with the same time keep the order in which they were added.
 */
#ifndef TIMERS_H
#define TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timers {
    struct timer {
        double when;
        uint64_t order; /* of those with the same time */
        uint32_t number;
    } * heap;
    size_t count, room;
    uint64_t order;
};

/* Where there is no memory, the program ends with a message. */
void timers_add(struct timers *t, double when, uint32_t number);

/* Takes the first one off, and returns its number. There has to be one. */
uint32_t timers_pop(struct timers *t);

/* Takes off all those of which it returns true. */
void timers_sweep(struct timers *t, bool (*goes)(void *data, uint32_t number),
                  void *data);

void timers_free(struct timers *t);

#endif
