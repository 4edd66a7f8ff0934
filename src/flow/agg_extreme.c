/* MIN and MAX.
 *
 * Insert-only: the part is the value so far; it starts from the first value, then a strict
 * comparison replaces it, so a first NaN sticks and of −0.0 and 0.0 the first stays (SEMANTICS
 * §4.2). Under retraction: a set of all values as a tree; NaN is above all then. */
#include "flow/agg_kernel.h"

/* ── insert-only, numbers ── */

static inline bool replaces(const ps_agg_call *call, const char *part, const ps_value *value,
                            bool is_max)
{
    switch (call->phys) {
    case PS_PHYS_I64: {
        int64_t held = *(const int64_t *)(const void *)part;
        return is_max ? value->i64 > held : value->i64 < held;
    }
    case PS_PHYS_F64: {
        double held = *(const double *)(const void *)part;
        return is_max ? value->f64 > held : value->f64 < held;
    }
    case PS_PHYS_I128: {
        ps_i128 held = ps_agg_get_i128(part);
        return is_max ? value->i128 > held : value->i128 < held;
    }
    case PS_PHYS_TEXT:
        break;
    }
    PS_ASSERT(false);
}

static inline void put_number(const ps_agg_call *call, char *part, const ps_value *value)
{
    if (call->phys == PS_PHYS_I128) {
        ps_agg_put_i128(part, value->i128);
    } else {
        memcpy(part, &value->i64, sizeof value->i64); /* or the bits of the double */
    }
}

static inline ps_value get_number(const ps_agg_call *call, const char *part)
{
    ps_value value = {0};
    if (call->phys == PS_PHYS_I128) {
        value.i128 = ps_agg_get_i128(part);
    } else {
        memcpy(&value.i64, part, sizeof value.i64);
    }
    return value;
}

static inline void offer_number(const ps_agg_call *call, char *state, const ps_value *value,
                                bool is_max)
{
    char *part = ps_agg_part(call, state);
    uint8_t *flag = ps_agg_flag(call, state);
    if (*flag == 0 || replaces(call, part, value, is_max)) {
        put_number(call, part, value);
        *flag = 1;
    }
}

static inline ps_code apply_min(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)err;
    PS_ASSERT(sign > 0);
    offer_number(call, state, &input->value, false);
    return PS_OK;
}

static inline ps_code apply_max(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)err;
    PS_ASSERT(sign > 0);
    offer_number(call, state, &input->value, true);
    return PS_OK;
}

static ps_code update_min(ps_aggregator *aggregator, const ps_agg_call *call,
                          const ps_agg_rows *rows, ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply_min, err);
}

static ps_code update_max(ps_aggregator *aggregator, const ps_agg_call *call,
                          const ps_agg_rows *rows, ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply_max, err);
}

static ps_code merge_min(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                         const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    if (*ps_agg_flag(call, from) != 0) {
        ps_value value = get_number(call, ps_agg_part(call, from));
        offer_number(call, into, &value, false);
    }
    return PS_OK;
}

static ps_code merge_max(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                         const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    if (*ps_agg_flag(call, from) != 0) {
        ps_value value = get_number(call, ps_agg_part(call, from));
        offer_number(call, into, &value, true);
    }
    return PS_OK;
}

static ps_code result_number(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                             ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    *out = get_number(call, ps_agg_part(call, state));
    out->is_null = *ps_agg_flag(call, state) == 0;
    return PS_OK;
}

static const ps_agg_kernel min_8_kernel = {.size = 8,
                                           .has_flag = true,
                                           .apply = apply_min,
                                           .update = update_min,
                                           .merge = merge_min,
                                           .result = result_number};
static const ps_agg_kernel max_8_kernel = {.size = 8,
                                           .has_flag = true,
                                           .apply = apply_max,
                                           .update = update_max,
                                           .merge = merge_max,
                                           .result = result_number};
static const ps_agg_kernel min_16_kernel = {.size = 16,
                                            .has_flag = true,
                                            .apply = apply_min,
                                            .update = update_min,
                                            .merge = merge_min,
                                            .result = result_number};
static const ps_agg_kernel max_16_kernel = {.size = 16,
                                            .has_flag = true,
                                            .apply = apply_max,
                                            .update = update_max,
                                            .merge = merge_max,
                                            .result = result_number};

/* ── insert-only, texts ── */

static int compare_texts(ps_slice a, ps_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    if (order != 0) {
        return order;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

static ps_code offer_text(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                          ps_slice text, bool is_max, ps_error *err)
{
    ps_agg_text *part = ps_agg_part(call, state);
    uint8_t *flag = ps_agg_flag(call, state);
    if (*flag != 0) {
        int order = compare_texts(text, ps_agg_text_get(aggregator, part));
        if (is_max ? order <= 0 : order >= 0) {
            return PS_OK;
        }
    }
    ps_code code = ps_agg_text_set(aggregator, part, text, err);
    if (code == PS_OK) {
        *flag = 1;
    }
    return code;
}

static ps_code apply_min_text(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                              const ps_agg_input *input, int sign, ps_error *err)
{
    PS_ASSERT(sign > 0);
    return offer_text(aggregator, call, state, input->value.text, false, err);
}

static ps_code apply_max_text(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                              const ps_agg_input *input, int sign, ps_error *err)
{
    PS_ASSERT(sign > 0);
    return offer_text(aggregator, call, state, input->value.text, true, err);
}

static ps_code merge_text(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                          const char *from, bool is_max, ps_error *err)
{
    if (*ps_agg_flag(call, from) == 0) {
        return PS_OK;
    }
    ps_slice text = ps_agg_text_get(aggregator, ps_agg_part(call, from));
    return offer_text(aggregator, call, into, text, is_max, err);
}

static ps_code merge_min_text(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                              const char *from, ps_error *err)
{
    return merge_text(aggregator, call, into, from, false, err);
}

static ps_code merge_max_text(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                              const char *from, ps_error *err)
{
    return merge_text(aggregator, call, into, from, true, err);
}

static const ps_agg_kernel min_text_kernel = {.size = sizeof(ps_agg_text),
                                              .has_flag = true,
                                              .needs_heap = true,
                                              .apply = apply_min_text,
                                              .merge = merge_min_text,
                                              .clear = ps_agg_text_clear_state,
                                              .result = ps_agg_text_result};
static const ps_agg_kernel max_text_kernel = {.size = sizeof(ps_agg_text),
                                              .has_flag = true,
                                              .needs_heap = true,
                                              .apply = apply_max_text,
                                              .merge = merge_max_text,
                                              .clear = ps_agg_text_clear_state,
                                              .result = ps_agg_text_result};

/* ── under retraction ── */

static ps_code apply_tree(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                          const ps_agg_input *input, int sign, ps_error *err)
{
    ps_agg_set *set = ps_agg_part(call, state);
    return ps_agg_tree_add(aggregator, set, call->phys, &input->value, sign, err);
}

static ps_code add_tree(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                        const char *from, int sign, ps_error *err)
{
    ps_agg_set *to = ps_agg_part(call, into);
    const ps_agg_set *set = ps_agg_part(call, from);
    ps_table *table = ps_agg_set_table(aggregator, call->phys);
    ps_code code = PS_OK;
    for (uint32_t entry = ps_agg_tree_walk(aggregator, set, call->phys, false, PS_TABLE_NONE);
         entry != PS_TABLE_NONE && code == PS_OK;
         entry = ps_agg_tree_walk(aggregator, set, call->phys, false, entry)) {
        int64_t count = ((const ps_agg_element *)ps_table_value(table, entry))->counts[0];
        ps_value value = ps_agg_set_value(aggregator, call->phys, entry);
        code = ps_agg_tree_add(aggregator, to, call->phys, &value, sign * count, err);
    }
    return code;
}

static ps_code merge_tree(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                          const char *from, ps_error *err)
{
    return add_tree(aggregator, call, into, from, 1, err);
}

static ps_code subtract_tree(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                             const char *from, ps_error *err)
{
    return add_tree(aggregator, call, into, from, -1, err);
}

static void clear_tree(ps_aggregator *aggregator, const ps_agg_call *call, char *state)
{
    ps_agg_tree_clear(aggregator, ps_agg_part(call, state), call->phys);
}

/* Values that were taken away more often than they came do not count. */
static ps_code result_tree(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                           bool is_max, ps_value *out)
{
    const ps_agg_set *set = ps_agg_part(call, state);
    ps_table *table = ps_agg_set_table(aggregator, call->phys);
    uint32_t entry = ps_agg_tree_walk(aggregator, set, call->phys, is_max, PS_TABLE_NONE);
    while (entry != PS_TABLE_NONE &&
           ((const ps_agg_element *)ps_table_value(table, entry))->counts[0] < 0) {
        entry = ps_agg_tree_walk(aggregator, set, call->phys, is_max, entry);
    }
    *out = entry != PS_TABLE_NONE ? ps_agg_set_value(aggregator, call->phys, entry)
                                  : (ps_value){.is_null = true};
    return PS_OK;
}

static ps_code result_min_tree(ps_aggregator *aggregator, const ps_agg_call *call,
                               const char *state, ps_value *out, ps_error *err)
{
    (void)err;
    return result_tree(aggregator, call, state, false, out);
}

static ps_code result_max_tree(ps_aggregator *aggregator, const ps_agg_call *call,
                               const char *state, ps_value *out, ps_error *err)
{
    (void)err;
    return result_tree(aggregator, call, state, true, out);
}

static const ps_agg_kernel min_tree_kernel = {.size = sizeof(ps_agg_set),
                                              .needs_set = true,
                                              .apply = apply_tree,
                                              .merge = merge_tree,
                                              .subtract = subtract_tree,
                                              .clear = clear_tree,
                                              .result = result_min_tree};
static const ps_agg_kernel max_tree_kernel = {.size = sizeof(ps_agg_set),
                                              .needs_set = true,
                                              .apply = apply_tree,
                                              .merge = merge_tree,
                                              .subtract = subtract_tree,
                                              .clear = clear_tree,
                                              .result = result_max_tree};

const ps_agg_kernel *ps_agg_extreme_kernel(const ps_aggregate_call *call, bool retracts,
                                           bool is_max)
{
    if (retracts) {
        return is_max ? &max_tree_kernel : &min_tree_kernel;
    }
    switch (ps_type_phys(call->argument_types[0])) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        return is_max ? &max_8_kernel : &min_8_kernel;
    case PS_PHYS_I128:
        return is_max ? &max_16_kernel : &min_16_kernel;
    case PS_PHYS_TEXT:
        return is_max ? &max_text_kernel : &min_text_kernel;
    }
    PS_ASSERT(false);
}
