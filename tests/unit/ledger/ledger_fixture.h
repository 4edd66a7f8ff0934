/* A ledger and its naive model side by side: every step is taken on both and compared. */
#ifndef PS_TEST_LEDGER_FIXTURE_H
#define PS_TEST_LEDGER_FIXTURE_H

#include "../base/testing.h"
#include "naive_ledger_fixture.h"

typedef struct {
    ps_ledger real;
    naive_ledger naive;
    char place[160]; /* where we are: file and line, or SEED and operation; printed on failure */
} ledger_world;

void world_init(ledger_world *world, ps_ledger_limits limits);
void world_release(ledger_world *world);

/* Prints the place and fails the test, unless `holds`. */
void world_check(const ledger_world *world, bool holds, const char *what);

/* On both. PS_INDEX_NONE: the limit is reached, on both. */
uint32_t world_account_add(ledger_world *world, uint32_t book, ps_slice name, ps_currency currency,
                           ps_account_type type, uint8_t flags);
/* On both; false: refused, as the model says. */
bool world_set_flags(ledger_world *world, uint32_t account, uint8_t flags);

/* The time of record `seq`: ten to a record, so that times lie between records. */
static inline int64_t world_time_ns(uint64_t seq)
{
    return 5000 + (int64_t)seq * 10;
}

/* Checks the legs on both, compares, and applies them on both when they are fine, in record `seq`;
 * then compares everything and runs the invariants. `legs` come back filled in. */
ps_ledger_outcome world_legs(ledger_world *world, ps_leg *legs, uint32_t leg_count, uint64_t seq,
                             uint32_t *out_leg);
void world_compare(const ledger_world *world);

/* Of all region bytes. */
uint64_t ledger_hash(ps_ledger *ledger);
bool ledger_bytes_equal(ps_ledger *a, ps_ledger *b);
/* Makes `copy` (initialised with the same limits) a copy, by region bytes alone. */
void ledger_bytes_copy(ps_ledger *copy, ps_ledger *from);

#endif
