/* Matcher: the runs of one or more queries over rows that come in order (SEMANTICS §14.5–14.7).
 *
 * It knows nothing of keys and waiting: who owns it finds the key of a row, puts rows in order,
 * and calls for each
 *     ps_matcher_scan     conditions over rows alone, for a batch at once
 *     ps_matcher_keep     the row into the state
 *     ps_matcher_process  the row meets its key's runs
 * and, when time has passed, ps_matcher_expire for the deadlines that were asked for.
 * Matches go to `emit` at once, in the order of SEMANTICS §14.7.
 */
#ifndef PS_CEP_MATCHER_H
#define PS_CEP_MATCHER_H

#include "cep/automaton.h"
#include "cep/match_slot.h"

typedef struct ps_matcher ps_matcher;

/* A match, or a partial one that has run out of time. */
typedef struct {
    uint32_t query;
    uint32_t node; /* its last row's */
    bool is_timeout;
    int64_t timeout; /* ms: when it ran out */
} ps_cep_found;

typedef struct {
    const ps_match_spec *spec;
    const ps_operator_context *context;
    ps_code (*emit)(void *with, const ps_cep_found *found, ps_error *err);
    /* The key wants ps_matcher_expire when the time reaches `deadline`, if that is its deadline
     * then; NULL: nobody will. */
    ps_code (*ask)(void *with, uint32_t key_entry, int64_t deadline, ps_error *err);
    void *with;
    bool keeps_all; /* `emit` looks at columns beyond those of conditions and measures */
} ps_matcher_options;

/* Opens its state in the context's store. PS_E_INVALID, PS_E_LIMIT: a pattern cannot be. */
PS_CHECKED ps_code ps_matcher_new(const ps_matcher_options *options, ps_matcher **out,
                                  ps_error *err);
void ps_matcher_free(ps_matcher *matcher);

/* Evaluates the conditions that look at rows alone for rows from … to−1. */
PS_CHECKED ps_code ps_matcher_scan(ps_matcher *matcher, const ps_batch *batch, uint32_t from,
                                   uint32_t to, ps_error *err);
/* Keeps a row of the last scan, with its key; *out_ref must go to ps_matcher_process or
 * ps_matcher_drop once. */
PS_CHECKED ps_code ps_matcher_keep(ps_matcher *matcher, const ps_batch *batch, uint32_t row,
                                   int64_t time, ps_slice key, uint32_t *out_ref, ps_error *err);
/* False: the row begins no run of any query; without runs of its key nothing comes of it. */
bool ps_matcher_may_start(const ps_matcher *matcher, uint32_t row);
void ps_matcher_drop(ps_matcher *matcher, uint32_t row);

/* The key's runs meet the row, and time is the row's. `key` may change; PS_E_LIMIT: too many runs,
 * or a run with too many rows; PS_E_INVALID: a condition failed, or a match has no row to skip to.
 */
PS_CHECKED ps_code ps_matcher_process(ps_matcher *matcher, ps_cep_key *key, uint32_t key_entry,
                                      uint32_t row, ps_error *err);
/* Time has passed for all runs of the key: what is due by then is emitted. */
PS_CHECKED ps_code ps_matcher_advance(ps_matcher *matcher, ps_cep_key *key, int64_t time,
                                      ps_error *err);
/* The same at the deadline that was asked for; asks for the next one. */
PS_CHECKED ps_code ps_matcher_expire(ps_matcher *matcher, ps_cep_key *key, uint32_t key_entry,
                                     int64_t time, ps_error *err);

/* For emit and for who links its blocks. */
const ps_cep_compiled *ps_matcher_query(const ps_matcher *matcher, uint32_t query);
ps_match_rows *ps_matcher_rows(ps_matcher *matcher);
ps_heap *ps_matcher_heap(ps_matcher *matcher);
/* Runs that were dropped because their key had too many. */
uint64_t ps_matcher_evicted(const ps_matcher *matcher);
/* Some query's states bound the time since the row before: ps_matcher_advance may find something
 * that no deadline was asked for. */
bool ps_matcher_bounds_steps(const ps_matcher *matcher);

#endif
