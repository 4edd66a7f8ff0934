/* Enumerations over the reference workload: each of its file operations fails, once or from then on
 * (FAULTS §2.3, E1–E4). */
#ifndef PS_TESTS_IO_ERRORS_H
#define PS_TESTS_IO_ERRORS_H

#include "reference.h"

typedef struct {
    uint32_t sessions, groups;
    uint32_t every, offset; /* of the operations */
    int os_errno;
    bool is_sticky;
    ps_sync_failure how;
    uint64_t seed;
} io_errors_options;

typedef struct {
    uint64_t runs;
    uint64_t stops;    /* the process ended */
    uint64_t survived; /* the workload came to its end */
    uint64_t refused_starts;
    uint64_t full_refusals;
    char failure[600]; /* empty: all held */
} io_errors_result;

/* Adds to *result. */
void io_errors_run(const io_errors_options *options, io_errors_result *result);

/* E4: the disk fills while commands run, stays full, and is given room again. NULL, or what went
 * wrong. */
const char *io_errors_full_disk(uint64_t seed, uint64_t free_bytes);

/* D1: one bit at a time, every `every`-th, in the files of a directory that was ended clean: the
 * same state, or a refusal. NULL, or what went wrong. */
const char *io_errors_damage(uint64_t seed, uint64_t every);

#endif
