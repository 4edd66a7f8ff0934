/* Kernels of aggregate functions: what one call does to its part of a group's state.
 *
 * A state is: one flag byte per call that wants one, padded to 8; then each call's own part, 8 byte
 * aligned; then one ps_agg_set per group of DISTINCT calls. Zeroed bytes are the state of no rows.
 * Internal to aggregator.c and agg_*.c.
 */
#ifndef PS_FLOW_AGG_KERNEL_H
#define PS_FLOW_AGG_KERNEL_H

#include "flow/agg_collection.h"

typedef struct ps_agg_call ps_agg_call;

/* The rows of an update, with the states they go to. */
typedef struct {
    const ps_batch *batch;
    uint32_t from, to;
    char *const *states; /* of row − from; NULL: left out */
    int sign;            /* +1, −1; 0: by the row's kind */
} ps_agg_rows;

typedef struct {
    uint32_t size;
    bool has_flag;
    bool needs_set;  /* ps_agg_set as its part */
    bool needs_heap; /* texts or lists */
    bool takes_nulls;
    ps_code (*apply)(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                     const ps_agg_input *input, int sign, ps_error *err);
    /* the same for many rows; NULL: row by row */
    ps_code (*update)(ps_aggregator *aggregator, const ps_agg_call *call, const ps_agg_rows *rows,
                      ps_error *err);
    ps_code (*merge)(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                     const char *from, ps_error *err);
    /* NULL: cannot */
    ps_code (*subtract)(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                        const char *from, ps_error *err);
    /* NULL: refers to nothing */
    void (*clear)(ps_aggregator *aggregator, const ps_agg_call *call, char *state);
    ps_code (*result)(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                      ps_value *out, ps_error *err);
} ps_agg_kernel;

#define PS_AGG_NO_GROUP UINT32_MAX

struct ps_agg_call {
    const ps_agg_kernel *kernel;
    const ps_aggregate_call *spec;
    ps_phys phys;            /* of argument 0 */
    ps_type_kind kind;       /* of argument 0 */
    uint32_t state_offset;   /* of its part */
    uint32_t flag_offset;    /* of its flag byte */
    uint32_t distinct_group; /* PS_AGG_NO_GROUP: not DISTINCT */
    bool has_separator;      /* LISTAGG */
};

/* DISTINCT calls over one argument share one set per state. */
typedef struct {
    ps_phys phys;
    uint32_t state_offset;
    uint32_t member_count;
    uint32_t *members; /* call numbers */
    bool takes_nulls;
} ps_agg_group;

struct ps_aggregator {
    ps_store *store;
    uint32_t call_count;
    ps_agg_call *calls;
    uint32_t group_count;
    ps_agg_group *groups;
    uint32_t state_size;
    bool counts; /* rows can be taken away, or states merged */
    bool overflow_is_null;
    bool can_subtract;
    bool has_heap;
    ps_heap heap;      /* texts and lists */
    ps_table *sets[2]; /* of 8-byte values; of others */
    ps_region *ids;    /* the last set id given out */
    struct ps_agg_scratch *scratch;
};

/* Owned by the store. */
typedef struct ps_agg_scratch {
    ps_buf key;       /* keys of set elements */
    ps_arena results; /* until the next call */
    ps_slice slices[PS_BATCH_ROWS];
    uint32_t entries[PS_BATCH_ROWS];
    uint64_t masks[PS_BATCH_ROWS];
    bool is_new[PS_BATCH_ROWS];
} ps_agg_scratch;

/* agg_distinct.c */
PS_CHECKED ps_code ps_agg_distinct_update(ps_aggregator *aggregator, const ps_agg_group *group,
                                          const ps_agg_rows *rows, ps_error *err);
PS_CHECKED ps_code ps_agg_distinct_merge(ps_aggregator *aggregator, const ps_agg_group *group,
                                         char *into, const char *from, int sign, ps_error *err);
void ps_agg_distinct_clear(ps_aggregator *aggregator, const ps_agg_group *group, char *state);

/* Kernels. counts: rows can be taken away or states merged; retracts: rows can be taken away. */
const ps_agg_kernel *ps_agg_count_kernel(void);
const ps_agg_kernel *ps_agg_sum_kernel(const ps_aggregate_call *call, bool counts, bool is_zero);
const ps_agg_kernel *ps_agg_average_kernel(const ps_aggregate_call *call);
const ps_agg_kernel *ps_agg_extreme_kernel(const ps_aggregate_call *call, bool retracts,
                                           bool is_max);
const ps_agg_kernel *ps_agg_edge_kernel(bool retracts, bool is_last);
const ps_agg_kernel *ps_agg_list_kernel(bool is_text, bool counts);
const ps_agg_kernel *ps_agg_variance_kernel(const ps_aggregate_call *call, bool is_sample,
                                            bool is_deviation);
PS_CHECKED ps_code ps_agg_user_check(const ps_aggregate_call *call, uint32_t needs, ps_error *err);
const ps_agg_kernel *ps_agg_user_kernel(const ps_aggregate_call *call);

/* ── what kernels share ── */

static inline bool ps_agg_takes(const ps_agg_call *call, const ps_batch *batch, uint32_t row)
{
    const ps_aggregate_call *spec = call->spec;
    if (spec->filter != PS_NO_COLUMN) {
        const ps_column *filter = &batch->columns[spec->filter];
        if (ps_column_is_null(filter, row) || filter->i64[row] == 0) {
            return false;
        }
    }
    return spec->argument_count == 0 || call->kernel->takes_nulls ||
           !ps_column_is_null(&batch->columns[spec->arguments[0]], row);
}

static inline int ps_agg_sign(const ps_agg_rows *rows, uint32_t row)
{
    return rows->sign != 0 ? rows->sign : ps_kind_adds(ps_batch_kind(rows->batch, row)) ? 1 : -1;
}

ps_agg_input ps_agg_input_of(const ps_agg_call *call, const ps_batch *batch, uint32_t row);

typedef ps_code ps_agg_apply(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                             const ps_agg_input *input, int sign, ps_error *err);

/* Inlined with a constant `apply`, so that each kernel gets a loop of its own. For kernels that
 * look at the value only. */
static inline __attribute__((always_inline)) ps_code ps_agg_each(ps_aggregator *aggregator,
                                                                 const ps_agg_call *call,
                                                                 const ps_agg_rows *rows,
                                                                 ps_agg_apply *apply, ps_error *err)
{
    const ps_batch *batch = rows->batch;
    const ps_column *column =
        call->spec->argument_count > 0 ? &batch->columns[call->spec->arguments[0]] : NULL;
    for (uint32_t row = rows->from; row < rows->to; row++) {
        char *state = rows->states[row - rows->from];
        if (state == NULL || !ps_agg_takes(call, batch, row)) {
            continue;
        }
        ps_agg_input input = {0};
        if (column != NULL) {
            input.value = ps_column_value(column, call->phys, row);
        }
        ps_code code = apply(aggregator, call, state, &input, ps_agg_sign(rows, row), err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

/* Of a flag and a text: NULL until the flag is set. */
void ps_agg_text_clear_state(ps_aggregator *aggregator, const ps_agg_call *call, char *state);
PS_CHECKED ps_code ps_agg_text_result(ps_aggregator *aggregator, const ps_agg_call *call,
                                      const char *state, ps_value *out, ps_error *err);
/* Of a list: all of `from` is added to `into`. */
PS_CHECKED ps_code ps_agg_list_merge(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                                     const char *from, bool is_sorted, ps_error *err);
void ps_agg_list_clear_state(ps_aggregator *aggregator, const ps_agg_call *call, char *state);

static inline void *ps_agg_part(const ps_agg_call *call, const char *state)
{
    return (void *)(uintptr_t)(state + call->state_offset);
}
static inline uint8_t *ps_agg_flag(const ps_agg_call *call, const char *state)
{
    return (uint8_t *)(uintptr_t)(state + call->flag_offset);
}
/* 16-byte values stand at addresses of 8. */
static inline ps_i128 ps_agg_get_i128(const void *at)
{
    ps_i128 value;
    memcpy(&value, at, sizeof value);
    return value;
}
static inline void ps_agg_put_i128(void *at, ps_i128 value)
{
    memcpy(at, &value, sizeof value);
}

#endif
