/* An io that lets a test in before and after every call: to take a copy of the disk at each operation
 * of a workload, to count them, or to keep faults of the test's own out of the simulated disk. */
#ifndef PS_TESTS_TAP_H
#define PS_TESTS_TAP_H

#include "base/io.h"

typedef struct {
    ps_io io; /* first: the callers' view */
    ps_io *inner;
    /* Either may be NULL. `is_step`: a file operation, one of those that the simulated disk counts;
     * false: close, clocks, random numbers. */
    void (*before)(void *context, bool is_step);
    void (*after)(void *context, bool is_step);
    void *context;
    uint64_t written_offset; /* of the newest write */
    uint32_t since_rename;   /* operations, the one that is about to be done included */
} tap;

void tap_init(tap *out_tap, ps_io *inner);

#endif
