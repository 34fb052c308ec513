/* histogram: percentiles of what came, in constant memory, and within the error
 * that its header promises; held against the sorted values themselves.
 */
#include "07_eventloop/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

static struct histogram h, other, both;

static const double percents[] = {0,  0.001, 1,  10,   25,    29,     50,
                                  75, 90,    99, 99.9, 99.99, 99.999, 100};
enum { PERCENTS = sizeof percents / sizeof *percents };

/* At least the value, and at most a 128th of it more. */
static void expect_about(uint64_t told, uint64_t value)
{
    ck_assert_uint_ge(told, value);
    ck_assert_uint_le(told - value, value / 128);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The nearest rank, by another way: the first value below or at which there are
 * enough. The percents above have at most three digits behind the point.
 */
static uint64_t exact(const uint64_t *sorted, size_t n, double percent)
{
    uint64_t thousandths = (uint64_t)(percent * 1000 + 0.5);
    size_t i = 0;
    while (i + 1 < n && (uint64_t)(i + 1) * 100000 < thousandths * n)
        i++;
    return sorted[i];
}

static void expect_percentiles(uint64_t *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    memset(&h, 0, sizeof h);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        histogram_add(&h, values[(i * 7919) % n]); /* n is no multiple of it */
        sum += (double)values[(i * 7919) % n];
    }
    ck_assert_uint_eq(h.count, n);
    ck_assert_uint_eq(h.min, values[0]);
    ck_assert_uint_eq(h.max, values[n - 1]);
    ck_assert_double_eq(histogram_mean(&h), sum / (double)n);
    for (int i = 0; i < PERCENTS; i++)
        expect_about(histogram_percentile(&h, percents[i]),
                     exact(values, n, percents[i]));
}

START_TEST(nothing_is_zero)
{
    ck_assert_uint_eq(histogram_percentile(&h, 0), 0);
    ck_assert_uint_eq(histogram_percentile(&h, 50), 0);
    ck_assert_uint_eq(histogram_percentile(&h, 100), 0);
    ck_assert_double_eq(histogram_mean(&h), 0);
}
END_TEST

START_TEST(one_value_is_every_percentile)
{
    histogram_add(&h, 123456789);
    for (int i = 0; i < PERCENTS; i++)
        ck_assert_uint_eq(histogram_percentile(&h, percents[i]), 123456789);
}
END_TEST

/* Below 256 each value has its bucket; 1 to 100 is what a rank is learnt by. */
START_TEST(small_values_are_exact)
{
    for (uint64_t v = 1; v <= 100; v++)
        histogram_add(&h, v);
    for (int p = 1; p <= 100; p++)
        ck_assert_uint_eq(histogram_percentile(&h, p), (uint64_t)p);
    ck_assert_uint_eq(histogram_percentile(&h, 0.5), 1);
    ck_assert_uint_eq(histogram_percentile(&h, 50.01), 51);
    ck_assert_uint_eq(histogram_percentile(&h, 99.9), 100);
}
END_TEST

START_TEST(the_error_is_bounded)
{
    /* Around every power of two, and at the ends of buckets. The greatest value
     * is kept exactly, so another, greater one is added.
     */
    for (int bit = 0; bit < 64; bit++)
        for (int d = -3; d <= 3; d++) {
            uint64_t v = ((uint64_t)1 << bit) + (uint64_t)d;
            if (v == UINT64_MAX)
                continue;
            memset(&h, 0, sizeof h);
            histogram_add(&h, v);
            histogram_add(&h, UINT64_MAX);
            expect_about(histogram_percentile(&h, 50), v);
        }
}
END_TEST

/* All three share a bucket, which goes up to 1003. */
START_TEST(nothing_is_told_beyond_the_greatest)
{
    histogram_add(&h, 1000);
    histogram_add(&h, 1000);
    histogram_add(&h, 1001);
    ck_assert_uint_eq(histogram_percentile(&h, 50), 1001);
}
END_TEST

START_TEST(the_ends_of_the_range)
{
    histogram_add(&h, 0);
    histogram_add(&h, UINT64_MAX);
    histogram_add(&h, UINT64_MAX - 1);
    ck_assert_uint_eq(histogram_percentile(&h, 33), 0);
    ck_assert_uint_eq(histogram_percentile(&h, 50), UINT64_MAX);
    ck_assert_uint_eq(histogram_percentile(&h, 100), UINT64_MAX);
    ck_assert_uint_eq(h.min, 0);
    ck_assert_double_eq_tol(histogram_mean(&h) / 0x1p64, 2.0 / 3, 1e-12);
}
END_TEST

/* Made data of three shapes: even, as latencies are, and two heaps. */
START_TEST(as_exact_percentiles_have_it)
{
    enum { N = 30011 };
    static uint64_t values[N];
    srandom((unsigned)_i);
    for (int i = 0; i < N; i++) {
        double x = (double)random() / RAND_MAX;
        double v = x * 1e6;
        if (_i == 1)
            v = -log(1 - x * 0.999999) * 2e6;
        if (_i == 2)
            v = x < 0.99 ? 4e5 + x : 5e8 + x * 1e8;
        values[i] = (uint64_t)v;
    }
    expect_percentiles(values, N);
}
END_TEST

START_TEST(merged_is_as_if_all_came_to_one)
{
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t v = i * i * i;
        histogram_add(i % 3 ? &h : &other, v);
        histogram_add(&both, v);
    }
    histogram_merge(&h, &other);
    ck_assert_uint_eq(h.count, both.count);
    ck_assert_uint_eq(h.min, both.min);
    ck_assert_uint_eq(h.max, both.max);
    ck_assert_double_eq_tol(h.sum / both.sum, 1, 1e-12);
    ck_assert_mem_eq(h.buckets, both.buckets, sizeof h.buckets);
}
END_TEST

/* An empty one has no least value to give. */
START_TEST(merging_nothing_changes_nothing)
{
    histogram_add(&h, 5);
    histogram_merge(&h, &other);
    ck_assert_uint_eq(h.min, 5);
    ck_assert_uint_eq(h.count, 1);
    histogram_merge(&other, &h);
    ck_assert_uint_eq(other.min, 5);
    ck_assert_uint_eq(other.max, 5);
    ck_assert_uint_eq(histogram_percentile(&other, 50), 5);
}
END_TEST

TCase *eventloop_histogram(void)
{
    TCase *tc = tcase_create("histogram");
    tcase_add_test(tc, nothing_is_zero);
    tcase_add_test(tc, one_value_is_every_percentile);
    tcase_add_test(tc, small_values_are_exact);
    tcase_add_test(tc, the_error_is_bounded);
    tcase_add_test(tc, nothing_is_told_beyond_the_greatest);
    tcase_add_test(tc, the_ends_of_the_range);
    tcase_add_loop_test(tc, as_exact_percentiles_have_it, 0, 3);
    tcase_add_test(tc, merged_is_as_if_all_came_to_one);
    tcase_add_test(tc, merging_nothing_changes_nothing);
    return tc;
}
