/* Aggregates and window functions. */
#include "sql/lower.h"

static ps_columns with_column(ps_plan *plan, ps_columns columns, uint32_t column)
{
    uint32_t *all = PS_PLAN_ARRAY(plan, uint32_t, columns.count + 1);
    if (columns.count > 0) {
        memcpy(all, columns.columns, columns.count * sizeof *all);
    }
    all[columns.count] = column;
    return (ps_columns){columns.count + 1, all};
}

static void check_window(ps_lowering *lowering, const ps_rel *rel)
{
    const ps_window *window = &rel->aggregate.window;
    const ps_rel_column *columns = rel->inputs[0]->columns;
    if (window->kind == PS_WINDOW_ATTACHED) {
        if (columns[window->start_column].role != PS_ROLE_WINDOW_START ||
            columns[window->end_column].role != PS_ROLE_WINDOW_END) {
            ps_plan_refuse(lowering->plan, rel->at,
                           "grouping by the window of an input that is no longer in windows (a "
                           "regular join lies between)");
        }
    } else if (!window->is_processing_time && columns[window->time_column].time != PS_TIME_ROW) {
        ps_plan_fail(lowering->plan, PS_E_INVALID, rel->at,
                     "the window needs a time attribute, but '%.*s' is none any more here",
                     (int)columns[window->time_column].name.size,
                     columns[window->time_column].name.data);
    }
}

static ps_node *window_aggregate(ps_lowering *lowering, ps_rel *rel, const ps_node *input)
{
    ps_plan *plan = lowering->plan;
    const ps_window *window = &rel->aggregate.window;
    ps_window_aggregate_spec *spec = PS_PLAN_NEW(plan, ps_window_aggregate_spec);
    check_window(lowering, rel);
    if (window->kind == PS_WINDOW_ATTACHED) {
        ps_lower_need_append(lowering, input, rel->at, "a window aggregate over given windows");
    }
    *spec = (ps_window_aggregate_spec){.window = *window,
                                       .keys = rel->aggregate.keys,
                                       .call_count = rel->aggregate.call_count,
                                       .calls = rel->aggregate.calls,
                                       .property_count = rel->aggregate.property_count,
                                       .properties = rel->aggregate.properties,
                                       .input_retracts = input->changes != PS_CHANGES_APPEND};
    if (window->is_processing_time) {
        spec->window.time_column = 0; /* not looked at */
        if (window->kind == PS_WINDOW_ATTACHED) {
            ps_plan_refuse(plan, rel->at, "a second aggregate of processing-time windows");
        }
    }
    ps_node *node = ps_lower_node(lowering, PS_NODE_WINDOW_AGGREGATE, rel, 1, &input);
    node->window_aggregate = spec;
    ps_columns deal = window->kind == PS_WINDOW_ATTACHED
                          ? with_column(plan, spec->keys, window->start_column)
                          : spec->keys;
    ps_lower_deal(lowering, node, &deal);
    return node;
}

ps_node *ps_lower_aggregate(ps_lowering *lowering, ps_rel *rel, bool before)
{
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    for (uint32_t i = 0; i < rel->aggregate.keys.count; i++) {
        rel->columns[i].time = PS_TIME_NONE;
    }
    if (rel->aggregate.is_windowed) {
        return window_aggregate(lowering, rel, input);
    }
    bool is_append = input->changes == PS_CHANGES_APPEND;
    bool never_updates = rel->aggregate.call_count == 0 && is_append;
    ps_group_aggregate_spec *spec = PS_PLAN_NEW(lowering->plan, ps_group_aggregate_spec);
    *spec = (ps_group_aggregate_spec){.keys = rel->aggregate.keys,
                                      .call_count = rel->aggregate.call_count,
                                      .calls = rel->aggregate.calls,
                                      .input_retracts = !is_append,
                                      .emit_update_before = before};
    ps_node *node = ps_lower_node(lowering, PS_NODE_GROUP_AGGREGATE, rel, 1, &input);
    node->group_aggregate = spec;
    node->changes = never_updates ? PS_CHANGES_APPEND : ps_lower_updates(before);
    ps_lower_deal(lowering, node, &spec->keys);
    return node;
}

ps_node *ps_lower_window(ps_lowering *lowering, ps_rel *rel)
{
    ps_plan *plan = lowering->plan;
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    const ps_window *window = &rel->window.window;
    uint32_t input_count = rel->inputs[0]->column_count;
    ps_lower_need_append(lowering, input, rel->at, "the window function");
    for (uint32_t i = 0; i < input_count; i++) {
        rel->columns[i].time = rel->inputs[0]->columns[i].time;
    }
    if (!window->is_processing_time &&
        rel->inputs[0]->columns[window->time_column].time != PS_TIME_ROW) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "the window needs a time attribute, but '%.*s' is none any more here",
                     (int)rel->columns[window->time_column].name.size,
                     rel->columns[window->time_column].name.data);
    }
    ps_window_assign_spec *spec = PS_PLAN_NEW(plan, ps_window_assign_spec);
    *spec = (ps_window_assign_spec){*window, rel->window.keys};
    if (window->is_processing_time) {
        spec->window.time_column = 0; /* not looked at */
    }
    if (window->is_processing_time && window->kind == PS_WINDOW_SESSION) {
        ps_plan_refuse(plan, rel->at,
                       "a processing-time SESSION other than for an aggregate of its windows");
    }
    ps_node *node = ps_lower_node(lowering, PS_NODE_WINDOW_ASSIGN, rel, 1, &input);
    node->window_assign = spec;
    if (!window->is_processing_time) { /* window_time is the attribute from here on */
        node->time_column = input_count + 2;
    }
    if (window->kind == PS_WINDOW_SESSION) {
        ps_lower_deal(lowering, node, &spec->keys);
    }
    return node;
}
