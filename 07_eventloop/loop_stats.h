/* loop_stats: how a loop is doing, measured by the loop itself.
 *
 *     static struct loop_stats stats;
 *     loop_stats_begin(&stats, loop, 0.1);
 *     ...later, in a turn of the loop:
 *     printf("%.3f s late\n", loop_stats_last(&stats)->lag);
 *     loop_stats_end(&stats);
 *
 * A timer is asked for every tenth of a second, and notes how late it is called:
 * the lag, which is what everybody on the loop has to wait besides what they
 * wait for. A callback that keeps the loop for a second is a lag of a second.
 */
#ifndef LOOP_STATS_H
#define LOOP_STATS_H

#include "07_eventloop/loop.h"

enum { LOOP_SAMPLES = 300, LOOP_GROUPS = 16 };

struct loop_sample {
    double when; /* that it came, in seconds since the beginning */
    double lag;
};

struct loop_stats {
    struct loop *loop;
    double interval, begun;
    unsigned long count; /* of all samples; the last ones are kept: */
    struct loop_sample samples[LOOP_SAMPLES];
    unsigned long slow_count;
    char slow[200]; /* the loop's last report on a slow callback */
    double due;     /* of the next sample, by loop_time */
    loop_handle timer;
};

/* Begins to measure. Of a loop only one does, for its reports on slow callbacks.
 * It keeps the loop alive, until the end.
 */
void loop_stats_begin(struct loop_stats *s, struct loop *loop, double interval);
void loop_stats_end(struct loop_stats *s);

/* Sample i of s->count, which are the last LOOP_SAMPLES only; and the last. */
const struct loop_sample *loop_stats_sample(const struct loop_stats *s,
                                            unsigned long i);
const struct loop_sample *loop_stats_last(const struct loop_stats *s);

/* The longest lag since that sample. */
double loop_stats_longest(const struct loop_stats *s, unsigned long since);

/* Tasks of the same name that wait for the same; timers of the same name. */
struct loop_group {
    const char *name;
    const char *waits_for; /* "its turn" for one that is ready; "" of timers */
    int count;
    double seconds; /* since when the first of them waits; until the first of
                     * the timers is due */
};

/* Puts the groups into the array, and returns how many there are. What does not
 * fit is counted in the last one, whose name is "others".
 */
int loop_stats_tasks(const struct loop *loop,
                     struct loop_group groups[LOOP_GROUPS]);
int loop_stats_timers(const struct loop *loop,
                      struct loop_group groups[LOOP_GROUPS]);

#endif
