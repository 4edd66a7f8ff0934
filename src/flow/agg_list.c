/* LISTAGG and ARRAY_AGG, in order of arrival; merged states follow one another.
 *
 * LISTAGG skips NULLs; insert-only its part is the text so far, under retraction a list. ARRAY_AGG
 * keeps NULLs (RESPECT NULLS is the default) and always a list. */
#include "data/row.h"
#include "flow/agg_kernel.h"

/* ── LISTAGG, insert-only ── */

static ps_code append(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                      ps_slice separator, ps_slice value, ps_error *err)
{
    ps_agg_text *text = ps_agg_part(call, state);
    uint8_t *flag = ps_agg_flag(call, state);
    ps_code code = PS_OK;
    if (*flag != 0) {
        code = ps_agg_text_append(aggregator, text, separator, err);
    }
    if (code == PS_OK) {
        code = ps_agg_text_append(aggregator, text, value, err);
    }
    if (code == PS_OK) {
        *flag = 1;
    }
    return code;
}

static ps_code apply_text(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                          const ps_agg_input *input, int sign, ps_error *err)
{
    PS_ASSERT(sign > 0);
    return append(aggregator, call, state, input->separator, input->value.text, err);
}

static const ps_agg_kernel text_kernel = {.size = sizeof(ps_agg_text),
                                          .has_flag = true,
                                          .needs_heap = true,
                                          .apply = apply_text,
                                          .clear = ps_agg_text_clear_state,
                                          .result = ps_agg_text_result};

/* ── lists ── */

static ps_code apply_list(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                          const ps_agg_input *input, int sign, ps_error *err)
{
    ps_agg_list *list = ps_agg_part(call, state);
    if (sign > 0) {
        return ps_agg_list_add(aggregator, list, call->phys, input, false, err);
    }
    ps_agg_list_take(aggregator, list, call->phys, &input->value);
    return PS_OK;
}

static ps_code merge_list(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                          const char *from, ps_error *err)
{
    return ps_agg_list_merge(aggregator, call, into, from, false, err);
}

static ps_code result_joined(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                             ps_value *out, ps_error *err)
{
    const ps_agg_list *list = ps_agg_part(call, state);
    *out = (ps_value){.is_null = list->count == 0};
    size_t size = 0;
    for (uint32_t ref = list->first; ref != 0;) {
        const ps_agg_node *node = ps_agg_list_at(aggregator, ref);
        size += node->size + (ref != list->first ? node->separator_size : 0);
        ref = node->next;
    }
    char *text = ps_arena_take(&aggregator->scratch->results, size);
    if (text == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a LISTAGG of %zu bytes", size);
    }
    out->text = (ps_slice){text, size};
    for (uint32_t ref = list->first; ref != 0;) {
        const ps_agg_node *node = ps_agg_list_at(aggregator, ref);
        ps_slice separator = ps_agg_list_separator(node);
        if (ref != list->first && separator.size > 0) {
            memcpy(text, separator.data, separator.size);
            text += separator.size;
        }
        ps_slice value = ps_agg_list_value(aggregator, PS_PHYS_TEXT, node).text;
        if (value.size > 0) {
            memcpy(text, value.data, value.size);
            text += value.size;
        }
        ref = node->next;
    }
    return PS_OK;
}

static ps_code result_array(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                            ps_value *out, ps_error *err)
{
    const ps_agg_list *list = ps_agg_part(call, state);
    *out = (ps_value){.is_null = list->count == 0};
    if (list->count == 0) {
        return PS_OK;
    }
    ps_value *values = ps_arena_take(&aggregator->scratch->results, list->count * sizeof *values);
    uint32_t count = 0;
    for (uint32_t ref = list->first; ref != 0 && values != NULL;) {
        const ps_agg_node *node = ps_agg_list_at(aggregator, ref);
        values[count++] = ps_agg_list_value(aggregator, call->phys, node);
        ref = node->next;
    }
    if (values != NULL) {
        out->text =
            ps_nested_make(call->spec->result, count, values, &aggregator->scratch->results);
    }
    return out->text.data != NULL
               ? PS_OK
               : ps_error_set(err, PS_E_MEMORY, "no memory for an ARRAY_AGG of %u values",
                              list->count);
}

static const ps_agg_kernel joined_kernel = {.size = sizeof(ps_agg_list),
                                            .needs_heap = true,
                                            .apply = apply_list,
                                            .merge = merge_list,
                                            .clear = ps_agg_list_clear_state,
                                            .result = result_joined};
static const ps_agg_kernel array_kernel = {.size = sizeof(ps_agg_list),
                                           .needs_heap = true,
                                           .takes_nulls = true,
                                           .apply = apply_list,
                                           .merge = merge_list,
                                           .clear = ps_agg_list_clear_state,
                                           .result = result_array};

const ps_agg_kernel *ps_agg_list_kernel(bool is_text, bool counts)
{
    if (!is_text) {
        return &array_kernel;
    }
    return counts ? &joined_kernel : &text_kernel;
}
