/* Latency histogram: log-linear buckets of 1/64 relative width (after HdrHistogram, G. Tene), 1 ns
 * to 2^40 ns.
 *
 * Fixed size, no allocation, values never averaged. Threads: one writer; merge copies into a
 * reader's own.
 */
#ifndef PS_BASE_HISTOGRAM_H
#define PS_BASE_HISTOGRAM_H

#include <stdint.h>

enum {
    PS_HISTOGRAM_SUB_BITS = 6,
    PS_HISTOGRAM_BUCKETS = (41 - PS_HISTOGRAM_SUB_BITS) << PS_HISTOGRAM_SUB_BITS
};

typedef struct {
    uint64_t count;
    uint64_t max_ns;
    uint64_t sum_ns;
    uint64_t buckets[PS_HISTOGRAM_BUCKETS];
} ps_histogram;

void ps_histogram_clear(ps_histogram *histogram);
void ps_histogram_add(ps_histogram *histogram, uint64_t value_ns);
/* `count` values at once. */
void ps_histogram_add_many(ps_histogram *histogram, uint64_t value_ns, uint64_t count);
void ps_histogram_merge(ps_histogram *into, const ps_histogram *from);
/* The highest value of the bucket that holds quantile q in [0, 1], at most max_ns; 0 when empty. */
uint64_t ps_histogram_quantile(const ps_histogram *histogram, double q);

#endif
