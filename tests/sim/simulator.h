/* One simulated life of the engine: generations of work, crash, recovery and check on one virtual
 * disk, from a seed (FAULTS §4).
 *
 * The oracle lies outside of the engine: for every command that was acknowledged it keeps the
 * idempotency key and the record, and after
 * each crash it asks for all of them again.
 */
#ifndef PS_TESTS_SIMULATOR_H
#define PS_TESTS_SIMULATOR_H

#include <stdint.h>

#include "base/hash.h"

typedef struct {
    uint64_t generations, commands, acknowledged, crashes, nested_crashes, sync_failures, snapshots,
        recoveries_from_snapshot, refusals_to_open;
    uint64_t steps;
    ps_u128 trace;
    char failure[400]; /* empty: all held */
} sim_result;

typedef struct {
    uint64_t seed;
    uint32_t generations; /* lives on the same disk */
    uint32_t commands;    /* of each, at most */
    int verbose;
} sim_options;

void sim_run(const sim_options *options, sim_result *out_result);

#endif
