#include "base/histogram.h"

#include <stdbool.h>
#include <string.h>

/* Values below 2^6 have a bucket each. Above, each power of two is cut into 64 buckets: bucket
 * (shift + 1) × 64 + the six bits after the leading one, where shift drops the bits below them. */
enum { SUB_COUNT = 1 << PS_HISTOGRAM_SUB_BITS };

static uint32_t bucket_of(uint64_t value_ns)
{
    if (value_ns < SUB_COUNT) {
        return (uint32_t)value_ns;
    }
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(value_ns) - PS_HISTOGRAM_SUB_BITS;
    uint32_t bucket = shift * SUB_COUNT + (uint32_t)(value_ns >> shift);
    return bucket < PS_HISTOGRAM_BUCKETS ? bucket : PS_HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_highest(uint32_t bucket)
{
    if (bucket < SUB_COUNT) {
        return bucket;
    }
    uint32_t shift = bucket / SUB_COUNT - 1;
    uint64_t lowest = (uint64_t)(SUB_COUNT + bucket % SUB_COUNT) << shift;
    return lowest + (UINT64_C(1) << shift) - 1;
}

void ps_histogram_clear(ps_histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

void ps_histogram_add(ps_histogram *histogram, uint64_t value_ns)
{
    ps_histogram_add_many(histogram, value_ns, 1);
}

void ps_histogram_add_many(ps_histogram *histogram, uint64_t value_ns, uint64_t count)
{
    if (count == 0) {
        return;
    }
    histogram->buckets[bucket_of(value_ns)] += count;
    histogram->count += count;
    histogram->sum_ns += value_ns * count;
    if (value_ns > histogram->max_ns) {
        histogram->max_ns = value_ns;
    }
}

void ps_histogram_merge(ps_histogram *into, const ps_histogram *from)
{
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    if (from->max_ns > into->max_ns) {
        into->max_ns = from->max_ns;
    }
    for (uint32_t i = 0; i < PS_HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
}

uint64_t ps_histogram_quantile(const ps_histogram *histogram, double q)
{
    if (histogram->count == 0) {
        return 0;
    }
    /* The rank of the value: the smallest whole number ≥ q × count, from 1 to count. */
    double exact = q * (double)histogram->count;
    uint64_t rank = exact > 0 ? (uint64_t)exact : 0;
    rank += (double)rank < exact;
    rank = rank < 1 ? 1 : rank > histogram->count ? histogram->count : rank;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < PS_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) {
            /* The last bucket also holds what is beyond the range. */
            uint64_t highest = bucket_highest(i);
            bool last = i == PS_HISTOGRAM_BUCKETS - 1;
            return last || highest > histogram->max_ns ? histogram->max_ns : highest;
        }
    }
    return histogram->max_ns;
}
