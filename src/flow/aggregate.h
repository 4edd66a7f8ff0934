/* Aggregate functions, and aggregators: a set of aggregate calls compiled for one operator.
 *
 * A group's state is a block of ps_aggregator_size bytes inside the operator's table (zeroed = no
 * rows seen) plus, for functions that need all values (DISTINCT, LISTAGG, ARRAY_AGG, MIN and MAX,
 * FIRST_VALUE, LAST_VALUE under retraction), blocks in the operator's store that the state refers
 * to: forget a state by ps_aggregator_clear, never by dropping it.
 *
 * Arguments are columns of the operator's input (the planner computes them before). Semantics:
 * SEMANTICS §3.3, §4.2.
 */
#ifndef PS_FLOW_AGGREGATE_H
#define PS_FLOW_AGGREGATE_H

#include "expr/expr.h"
#include "flow/outlet.h"
#include "state/store.h"

typedef struct ps_aggregate_class ps_aggregate_class;
typedef struct ps_user_function ps_user_function; /* expr/user_function.h */

typedef struct {
    const char *name;
    const char *signature;
    const char *summary;
} ps_aggregate_entry;

uint32_t ps_aggregate_count(void);
const ps_aggregate_entry *ps_aggregate_entry_at(uint32_t index);

enum { PS_AGGREGATE_ARGUMENTS_MAX = 3 };

typedef struct {
    const ps_aggregate_class *class;
    const ps_type *result; /* nullable unless it is a COUNT, GROUPING … */
    uint32_t argument_count;
    uint32_t arguments[PS_AGGREGATE_ARGUMENTS_MAX]; /* columns of the operator's input */
    const ps_type *argument_types[PS_AGGREGATE_ARGUMENTS_MAX];
    bool is_distinct;
    uint32_t filter;      /* BOOLEAN column; PS_NO_COLUMN: none */
    uint32_t time_column; /* FIRST_VALUE and LAST_VALUE with an order; PS_NO_COLUMN: by arrival */
} ps_aggregate_call;

/* Case-insensitive. */
bool ps_aggregate_is_known(const char *name);
/* What a call of given argument types is. */
typedef struct {
    const ps_aggregate_class *class;
    const ps_type *arguments[PS_AGGREGATE_ARGUMENTS_MAX]; /* that they must be coerced to */
    const ps_type *result;
} ps_aggregate_signature;

/* By name and argument types. Arguments that must be constant (LISTAGG's separator, LAG's offset)
 * are taken as columns all the same. PS_E_MISSING, PS_E_INVALID, PS_E_UNSUPPORTED. */
PS_CHECKED ps_code ps_aggregate_resolve(ps_arena *arena, const char *name, uint32_t argument_count,
                                        const ps_type *const *types, ps_aggregate_signature *out,
                                        ps_error *err);
/* Aggregates of the user's in C: their class, in the arena; and what a call is (the arguments must
 * be coerced). PS_E_MEMORY; PS_E_INVALID. */
PS_CHECKED ps_code ps_aggregate_user(ps_arena *arena, ps_user_function *function, ps_error *err);
PS_CHECKED ps_code ps_aggregate_resolve_user(const ps_user_function *function,
                                             uint32_t argument_count, ps_aggregate_signature *out,
                                             ps_error *err);
const char *ps_aggregate_name(const ps_aggregate_class *class);
/* ROW_NUMBER, RANK, DENSE_RANK, LAG: only with OVER, which computes them: an aggregator takes
 * no such call. */
bool ps_aggregate_is_over_only(const ps_aggregate_class *class);

typedef struct ps_aggregator ps_aggregator;

typedef enum {
    PS_AGGREGATOR_RETRACT = 1, /* rows can be taken away again (changelog input, bounded OVER) */
    PS_AGGREGATOR_MERGE = 2    /* states are merged (slices of HOP and CUMULATE, sessions) */
} ps_aggregator_needs;

typedef struct {
    uint32_t call_count;
    const ps_aggregate_call *calls;
    uint32_t needs; /* ps_aggregator_needs, or-ed */
    bool overflow_is_null;
} ps_aggregator_options;

/* Lives in the arena; its collections in the store. Opens regions: call once per operator, in a
 * fixed order. */
PS_CHECKED ps_code ps_aggregator_new(ps_store *store, ps_arena *arena,
                                     const ps_aggregator_options *options, ps_aggregator **out,
                                     ps_error *err);
/* Bytes of one state; a multiple of 8. Copying a state copies its references, not what they point
 * to. */
uint32_t ps_aggregator_size(const ps_aggregator *aggregator);

/* Adds rows from … to−1 (those of kind −U and −D are taken away) to states[row − from]; NULL there:
 * the row is left out. Touching the states' memory for checkpoints is the caller's.
 * PS_E_INVALID: money overflowed (decision (c)). */
PS_CHECKED ps_code ps_aggregator_update(ps_aggregator *aggregator, const ps_batch *batch,
                                        uint32_t from, uint32_t to, char *const *states,
                                        ps_error *err);
/* One row, added or taken away whatever its kind. */
PS_CHECKED ps_code ps_aggregator_add(ps_aggregator *aggregator, const ps_batch *batch, uint32_t row,
                                     char *state, ps_error *err);
PS_CHECKED ps_code ps_aggregator_retract(ps_aggregator *aggregator, const ps_batch *batch,
                                         uint32_t row, char *state, ps_error *err);
/* into := into + from; from stays as it is. */
PS_CHECKED ps_code ps_aggregator_merge(ps_aggregator *aggregator, char *into, const char *from,
                                       ps_error *err);
/* into := into − from, for windows that slide; false: some call cannot (then nothing was done, and
 * ps_aggregator_can_subtract says so beforehand). */
bool ps_aggregator_can_subtract(const ps_aggregator *aggregator);
PS_CHECKED ps_code ps_aggregator_subtract(ps_aggregator *aggregator, char *into, const char *from,
                                          ps_error *err);
/* Gives back what the state refers to and zeroes it. */
void ps_aggregator_clear(ps_aggregator *aggregator, char *state);
/* The results, call by call; texts borrow until the next call of the aggregator. */
PS_CHECKED ps_code ps_aggregator_results(ps_aggregator *aggregator, const char *state,
                                         ps_value *out_values, ps_error *err);

#endif
