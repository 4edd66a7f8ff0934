/* FIRST_VALUE and LAST_VALUE: of the values that are not NULL, by the time column or by arrival.
 *
 * Insert-only, the part is the value and its order; under retraction a list of all values in order.
 * Of equal orders the first arrival is first, the last is last. */
#include "flow/agg_kernel.h"

typedef struct {
    int64_t order;
    union {
        int64_t number[2];
        ps_agg_text text;
    };
} edge;

static ps_value get(const ps_aggregator *aggregator, const ps_agg_call *call, const edge *part)
{
    ps_value value = {0};
    switch (call->phys) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        memcpy(&value.i64, part->number, sizeof value.i64);
        break;
    case PS_PHYS_I128:
        value.i128 = ps_agg_get_i128(part->number);
        break;
    case PS_PHYS_TEXT:
        value.text = ps_agg_text_get(aggregator, &part->text);
        break;
    }
    return value;
}

static ps_code put(ps_aggregator *aggregator, const ps_agg_call *call, edge *part,
                   const ps_value *value, ps_error *err)
{
    switch (call->phys) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        memcpy(part->number, &value->i64, sizeof value->i64);
        return PS_OK;
    case PS_PHYS_I128:
        ps_agg_put_i128(part->number, value->i128);
        return PS_OK;
    case PS_PHYS_TEXT:
        return ps_agg_text_set(aggregator, &part->text, value->text, err);
    }
    PS_ASSERT(false);
}

static ps_code offer(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                     const ps_agg_input *input, bool is_last, ps_error *err)
{
    edge *part = ps_agg_part(call, state);
    uint8_t *flag = ps_agg_flag(call, state);
    bool replaces =
        *flag == 0 || (is_last ? input->order >= part->order : input->order < part->order);
    if (!replaces) {
        return PS_OK;
    }
    ps_code code = put(aggregator, call, part, &input->value, err);
    if (code == PS_OK) {
        part->order = input->order;
        *flag = 1;
    }
    return code;
}

static ps_code apply_first(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                           const ps_agg_input *input, int sign, ps_error *err)
{
    PS_ASSERT(sign > 0);
    return offer(aggregator, call, state, input, false, err);
}

static ps_code apply_last(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                          const ps_agg_input *input, int sign, ps_error *err)
{
    PS_ASSERT(sign > 0);
    return offer(aggregator, call, state, input, true, err);
}

static ps_code merge(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                     const char *from, bool is_last, ps_error *err)
{
    if (*ps_agg_flag(call, from) == 0) {
        return PS_OK;
    }
    const edge *part = ps_agg_part(call, from);
    ps_agg_input input = {.value = get(aggregator, call, part), .order = part->order};
    return offer(aggregator, call, into, &input, is_last, err);
}

static ps_code merge_first(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                           const char *from, ps_error *err)
{
    return merge(aggregator, call, into, from, false, err);
}

static ps_code merge_last(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                          const char *from, ps_error *err)
{
    return merge(aggregator, call, into, from, true, err);
}

static void clear(ps_aggregator *aggregator, const ps_agg_call *call, char *state)
{
    edge *part = ps_agg_part(call, state);
    if (call->phys == PS_PHYS_TEXT) {
        ps_agg_text_clear(aggregator, &part->text);
    }
}

static ps_code result(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                      ps_value *out, ps_error *err)
{
    (void)err;
    *out = (ps_value){.is_null = true};
    if (*ps_agg_flag(call, state) != 0) {
        *out = get(aggregator, call, ps_agg_part(call, state));
    }
    return PS_OK;
}

static const ps_agg_kernel first_kernel = {.size = sizeof(edge),
                                           .has_flag = true,
                                           .needs_heap = true,
                                           .apply = apply_first,
                                           .merge = merge_first,
                                           .clear = clear,
                                           .result = result};
static const ps_agg_kernel last_kernel = {.size = sizeof(edge),
                                          .has_flag = true,
                                          .needs_heap = true,
                                          .apply = apply_last,
                                          .merge = merge_last,
                                          .clear = clear,
                                          .result = result};

/* ── under retraction ── */

static ps_code apply_list(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                          const ps_agg_input *input, int sign, ps_error *err)
{
    ps_agg_list *list = ps_agg_part(call, state);
    if (sign > 0) {
        return ps_agg_list_add(aggregator, list, call->phys, input, true, err);
    }
    ps_agg_list_take(aggregator, list, call->phys, &input->value);
    return PS_OK;
}

static ps_code merge_list(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                          const char *from, ps_error *err)
{
    return ps_agg_list_merge(aggregator, call, into, from, true, err);
}

static ps_code result_edge(const ps_aggregator *aggregator, const ps_agg_call *call, uint32_t ref,
                           ps_value *out)
{
    *out = (ps_value){.is_null = true};
    if (ref != 0) {
        *out = ps_agg_list_value(aggregator, call->phys, ps_agg_list_at(aggregator, ref));
    }
    return PS_OK;
}

static ps_code result_first(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                            ps_value *out, ps_error *err)
{
    (void)err;
    return result_edge(aggregator, call, ((ps_agg_list *)ps_agg_part(call, state))->first, out);
}

static ps_code result_last(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                           ps_value *out, ps_error *err)
{
    (void)err;
    return result_edge(aggregator, call, ((ps_agg_list *)ps_agg_part(call, state))->last, out);
}

static const ps_agg_kernel first_list_kernel = {.size = sizeof(ps_agg_list),
                                                .needs_heap = true,
                                                .apply = apply_list,
                                                .merge = merge_list,
                                                .clear = ps_agg_list_clear_state,
                                                .result = result_first};
static const ps_agg_kernel last_list_kernel = {.size = sizeof(ps_agg_list),
                                               .needs_heap = true,
                                               .apply = apply_list,
                                               .merge = merge_list,
                                               .clear = ps_agg_list_clear_state,
                                               .result = result_last};

const ps_agg_kernel *ps_agg_edge_kernel(bool retracts, bool is_last)
{
    if (retracts) {
        return is_last ? &last_list_kernel : &first_list_kernel;
    }
    return is_last ? &last_kernel : &first_kernel;
}
