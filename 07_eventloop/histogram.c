#include "07_eventloop/histogram.h"

#include <stddef.h>

enum { HALF = 1 << HISTOGRAM_BITS };

/* How far to shift a value, so that HISTOGRAM_BITS + 1 bits are left of it. The
 * small ones stay as they are.
 */
static int shift_of(uint64_t value)
{
    int bits = 64 - __builtin_clzll(value | 1);
    return bits > HISTOGRAM_BITS + 1 ? bits - HISTOGRAM_BITS - 1 : 0;
}

/* The first two times HALF buckets hold one value each, the next HALF hold two,
 * the next HALF four, and so on.
 */
static size_t bucket_of(uint64_t value)
{
    int shift = shift_of(value);
    return ((size_t)shift << HISTOGRAM_BITS) + (size_t)(value >> shift);
}

/* The greatest value of the bucket. */
static uint64_t last_of(size_t bucket)
{
    if (bucket < 2 * HALF)
        return bucket;
    int shift = (int)(bucket >> HISTOGRAM_BITS) - 1;
    uint64_t bits = bucket - ((size_t)shift << HISTOGRAM_BITS);
    /* Of the very last one, 1 << 64: the subtraction makes it right. */
    return ((bits + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
    if (h->count == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count++;
    h->sum += (double)value;
    h->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    if (other->count == 0)
        return;
    if (h->count == 0 || other->min < h->min)
        h->min = other->min;
    if (other->max > h->max)
        h->max = other->max;
    h->count += other->count;
    h->sum += other->sum;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        h->buckets[i] += other->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    if (percent <= 0)
        return h->min;
    /* The rank rounded up; but 29 % of 100 values are 29 of them, though the
     * product be 29.000000000000004.
     */
    double exact = percent / 100 * (double)h->count;
    uint64_t rank = (uint64_t)exact;
    if (exact - (double)rank > exact * 1e-12)
        rank++;
    if (rank >= h->count)
        return h->max;
    uint64_t seen = 0;
    size_t i = 0;
    while (seen + h->buckets[i] < rank)
        seen += h->buckets[i++];
    uint64_t value = last_of(i);
    return value < h->max ? value : h->max;
}

double histogram_mean(const struct histogram *h)
{
    return h->count > 0 ? h->sum / (double)h->count : 0;
}
