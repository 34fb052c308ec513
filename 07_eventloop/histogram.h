/* histogram: how often which value came, in constant memory.
 *
 *     static struct histogram h;                    all zero is empty
 *     histogram_add(&h, nanoseconds);
 *     histogram_percentile(&h, 99.9);
 *
 * The buckets are those of Tene's HdrHistogram: each power of two is cut into
 * as many of the same width. So a bucket is the wider the greater its values
 * are, and the error is relative: what is told of a value is never less than
 * the value, and greater by at most a 128th of it (0.8 %), from 0 to the
 * greatest uint64_t; below 256 nothing is lost. The least and the greatest
 * value, and the sum, are kept besides and exact.
 *
 * 58 KiB each, whatever comes. To add costs a few nanoseconds and no memory.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 7, /* buckets in a power of two: 1 << 7 */
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS,
};

struct histogram {
    uint64_t count; /* of all values */
    uint64_t min, max;
    double sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* As if all that came to the other one had come to this one, too. */
void histogram_merge(struct histogram *h, const struct histogram *other);

/* The least value that so many percent of all values do not exceed (the nearest
 * rank: it is one that came, but for the error above). 0 gives the least of all,
 * 100 the greatest; where nothing came, it is 0.
 */
uint64_t histogram_percentile(const struct histogram *h, double percent);

/* 0 where nothing came. */
double histogram_mean(const struct histogram *h);

#endif
