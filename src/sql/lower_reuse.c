/* Equal parts of a graph made one: queries that use a view or a WITH query twice would otherwise
 * count the same windows twice. Only what is deterministic and says the same about the same inputs
 * is equal; names of columns do not matter. */
#include "sql/lower.h"

static bool columns_equal(ps_columns a, ps_columns b)
{
    return a.count == b.count &&
           (a.count == 0 || memcmp(a.columns, b.columns, a.count * sizeof *a.columns) == 0);
}

static bool exprs_equal(uint32_t count, const ps_expr *const *a, const ps_expr *const *b)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!ps_expr_equal(a[i], b[i]) || !ps_expr_is_deterministic(a[i])) {
            return false;
        }
    }
    return true;
}

static bool calcs_equal(const ps_calc_spec *a, const ps_calc_spec *b)
{
    if (a->output_count != b->output_count || (a->condition == NULL) != (b->condition == NULL)) {
        return false;
    }
    return (a->condition == NULL || exprs_equal(1, &a->condition, &b->condition)) &&
           exprs_equal(a->output_count, a->outputs, b->outputs);
}

static bool calls_equal(uint32_t count, const ps_aggregate_call *a, const ps_aggregate_call *b)
{
    for (uint32_t i = 0; i < count; i++) {
        ps_columns left = {a[i].argument_count, a[i].arguments};
        ps_columns right = {b[i].argument_count, b[i].arguments};
        if (a[i].class != b[i].class || a[i].is_distinct != b[i].is_distinct ||
            a[i].filter != b[i].filter || a[i].time_column != b[i].time_column ||
            !columns_equal(left, right)) {
            return false;
        }
    }
    return true;
}

static bool windows_equal(const ps_window *a, const ps_window *b)
{
    return a->kind == b->kind && a->size_ms == b->size_ms && a->step_ms == b->step_ms &&
           a->offset_ms == b->offset_ms && a->time_column == b->time_column &&
           a->is_processing_time == b->is_processing_time && a->zone == b->zone &&
           a->start_column == b->start_column && a->end_column == b->end_column;
}

static bool window_aggregates_equal(const ps_window_aggregate_spec *a,
                                    const ps_window_aggregate_spec *b)
{
    return windows_equal(&a->window, &b->window) && columns_equal(a->keys, b->keys) &&
           a->call_count == b->call_count && calls_equal(a->call_count, a->calls, b->calls) &&
           a->input_retracts == b->input_retracts && a->property_count == b->property_count &&
           (a->property_count == 0 ||
            memcmp(a->properties, b->properties, a->property_count * sizeof *a->properties) == 0);
}

static bool group_aggregates_equal(const ps_group_aggregate_spec *a,
                                   const ps_group_aggregate_spec *b)
{
    return columns_equal(a->keys, b->keys) && a->call_count == b->call_count &&
           calls_equal(a->call_count, a->calls, b->calls) &&
           a->input_retracts == b->input_retracts && a->emit_update_before == b->emit_update_before;
}

static bool overs_equal(const ps_over_spec *a, const ps_over_spec *b)
{
    return columns_equal(a->keys, b->keys) && a->time_column == b->time_column &&
           a->is_processing_time == b->is_processing_time && a->is_rows == b->is_rows &&
           a->is_unbounded == b->is_unbounded && a->preceding == b->preceding &&
           a->call_count == b->call_count && calls_equal(a->call_count, a->calls, b->calls);
}

static bool deduplicates_equal(const ps_deduplicate_spec *a, const ps_deduplicate_spec *b)
{
    return columns_equal(a->keys, b->keys) && a->time_column == b->time_column &&
           a->is_processing_time == b->is_processing_time && a->keep_last == b->keep_last &&
           a->emit_update_before == b->emit_update_before;
}

static bool specs_equal(const ps_node *a, const ps_node *b)
{
    switch (a->kind) {
    case PS_NODE_CALC:
        return calcs_equal(a->calc, b->calc);
    case PS_NODE_WINDOW_ASSIGN:
        return windows_equal(&a->window_assign->window, &b->window_assign->window) &&
               columns_equal(a->window_assign->keys, b->window_assign->keys);
    case PS_NODE_WINDOW_AGGREGATE:
        return window_aggregates_equal(a->window_aggregate, b->window_aggregate);
    case PS_NODE_GROUP_AGGREGATE:
        return group_aggregates_equal(a->group_aggregate, b->group_aggregate);
    case PS_NODE_OVER:
        return overs_equal(a->over, b->over);
    case PS_NODE_DEDUPLICATE:
        return deduplicates_equal(a->deduplicate, b->deduplicate);
    case PS_NODE_SOURCE: /* one per table already */
    case PS_NODE_WATERMARK:
    case PS_NODE_NORMALIZE:
    case PS_NODE_VALUES: /* what is left is rarely there twice */
    case PS_NODE_UNION:
    case PS_NODE_EXPAND:
    case PS_NODE_RANK:
    case PS_NODE_WINDOW_RANK:
    case PS_NODE_JOIN:
    case PS_NODE_INTERVAL_JOIN:
    case PS_NODE_WINDOW_JOIN:
    case PS_NODE_TEMPORAL_JOIN:
    case PS_NODE_LOOKUP_JOIN:
    case PS_NODE_SORT:
    case PS_NODE_UNNEST:
    case PS_NODE_SET:
    case PS_NODE_DROP_UPDATE_BEFORE:
    case PS_NODE_LATE:
    case PS_NODE_SINK:
        return false;
    case PS_NODE_USER:
        return ps_lower_matches_equal(a, b);
    }
    PS_ASSERT(false);
    return false;
}

static bool nodes_equal(const ps_node *a, const ps_node *b)
{
    if (a->kind != b->kind || a->input_count != b->input_count || a->changes != b->changes ||
        a->schema.field_count != b->schema.field_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->input_count; i++) {
        if (a->inputs[i] != b->inputs[i]) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->schema.field_count; i++) {
        if (!ps_type_equal(a->schema.fields[i].type, b->schema.fields[i].type)) {
            return false;
        }
    }
    return specs_equal(a, b);
}

/* Late rows of an operator are read once. */
static void drop_repeated(ps_node *node, const ps_node **inputs)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t twin = 0;
        while (twin < kept && inputs[twin] != inputs[i]) {
            twin++;
        }
        inputs[kept] = inputs[i];
        kept += twin == kept ? 1 : 0;
    }
    node->input_count = kept;
}

void ps_lower_reuse(ps_lowering *lowering)
{
    ps_plan *plan = lowering->plan;
    uint32_t count = lowering->nodes.count, kept = 0;
    const ps_node **same = PS_PLAN_ARRAY(plan, const ps_node *, count);
    for (uint32_t i = 0; i < count; i++) {
        ps_node *node = (ps_node *)(uintptr_t)lowering->nodes.items[i];
        const ps_node **inputs = PS_PLAN_ARRAY(plan, const ps_node *, node->input_count);
        for (uint32_t j = 0; j < node->input_count; j++) {
            inputs[j] = same[node->inputs[j]->id];
        }
        node->inputs = inputs;
        if (node->kind == PS_NODE_LATE) {
            drop_repeated(node, inputs);
        }
        uint32_t twin = 0;
        while (twin < kept && !nodes_equal(lowering->nodes.items[twin], node)) {
            twin++;
        }
        same[i] = twin < kept ? lowering->nodes.items[twin] : node;
        if (twin == kept) {
            lowering->nodes.items[kept++] = node;
        }
    }
    lowering->nodes.count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        ((ps_node *)(uintptr_t)lowering->nodes.items[i])->id = i;
    }
}
