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

static bool has_given_windows(const ps_rel *rel)
{
    const ps_window *window = &rel->aggregate.window;
    const ps_rel_column *columns = rel->inputs[0]->columns;
    return columns[window->start_column].role == PS_ROLE_WINDOW_START &&
           columns[window->end_column].role == PS_ROLE_WINDOW_END;
}

static void check_time(ps_lowering *lowering, const ps_rel *rel)
{
    const ps_window *window = &rel->aggregate.window;
    const ps_rel_column *column = &rel->inputs[0]->columns[window->time_column];
    if (column->time != PS_TIME_ROW) {
        ps_plan_fail(lowering->plan, PS_E_INVALID, rel->at,
                     "the window needs a time attribute, but '%.*s' is none any more here",
                     (int)column->name.size, column->name.data);
    }
}

static ps_node *window_aggregate(ps_lowering *lowering, ps_rel *rel, const ps_node *input)
{
    ps_plan *plan = lowering->plan;
    const ps_window *window = &rel->aggregate.window;
    ps_window_aggregate_spec *spec = PS_PLAN_NEW(plan, ps_window_aggregate_spec);
    if (window->kind != PS_WINDOW_ATTACHED && !window->is_processing_time) {
        check_time(lowering, rel);
    }
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

static ps_node *group_aggregate(ps_lowering *lowering, ps_rel *rel, const ps_node *input,
                                bool before)
{
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

/* The input is in windows no longer (a regular join lies between): their bounds are keys like all
 * others. The result's columns keep their order. */
static ps_node *without_windows(ps_lowering *lowering, ps_rel *rel, const ps_node *input,
                                bool before)
{
    ps_plan *plan = lowering->plan;
    uint32_t keys = rel->aggregate.keys.count, calls = rel->aggregate.call_count;
    uint32_t properties = rel->aggregate.property_count;
    uint32_t bounds[] = {rel->aggregate.window.start_column, rel->aggregate.window.end_column};
    ps_rel *plain = ps_rel_new(plan, PS_REL_AGGREGATE, rel->at, 1, keys + 2 + calls);
    plain->inputs[0] = rel->inputs[0];
    plain->aggregate.keys =
        with_column(plan, with_column(plan, rel->aggregate.keys, bounds[0]), bounds[1]);
    plain->aggregate.call_count = calls;
    plain->aggregate.calls = rel->aggregate.calls;
    memcpy(plain->columns, rel->columns, keys * sizeof *plain->columns);
    memcpy(plain->columns + keys + 2, rel->columns + keys, calls * sizeof *plain->columns);
    plain->columns[keys] = rel->inputs[0]->columns[bounds[0]];
    plain->columns[keys + 1] = rel->inputs[0]->columns[bounds[1]];
    uint32_t *order = PS_PLAN_ARRAY(plan, uint32_t, keys + calls + properties);
    for (uint32_t i = 0; i < keys + calls; i++) {
        order[i] = i < keys ? i : i + 2;
    }
    for (uint32_t i = 0; i < properties; i++) {
        if (rel->aggregate.properties[i] == PS_WINDOW_TIME) {
            ps_plan_refuse(plan, rel->at, "window_time of an input that is in windows no longer");
        }
        order[keys + calls + i] = keys + (rel->aggregate.properties[i] == PS_WINDOW_START ? 0 : 1);
    }
    ps_rel *calc = ps_rel_select(plan, plain, keys + calls + properties, order);
    const ps_node *aggregate = group_aggregate(lowering, plain, input, before);
    ps_calc_spec *spec = PS_PLAN_NEW(plan, ps_calc_spec);
    *spec = (ps_calc_spec){NULL, calc->column_count, calc->calc.outputs};
    ps_node *node = ps_lower_node(lowering, PS_NODE_CALC, calc, 1, &aggregate);
    node->calc = spec;
    node->changes = aggregate->changes;
    memcpy(rel->columns, calc->columns, calc->column_count * sizeof *calc->columns);
    return node;
}

ps_node *ps_lower_aggregate(ps_lowering *lowering, ps_rel *rel, bool before)
{
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    for (uint32_t i = 0; i < rel->aggregate.keys.count; i++) {
        rel->columns[i].time = PS_TIME_NONE;
    }
    if (!rel->aggregate.is_windowed) {
        return group_aggregate(lowering, rel, input, before);
    }
    if (rel->aggregate.is_plain ||
        (rel->aggregate.window.kind == PS_WINDOW_ATTACHED && !has_given_windows(rel))) {
        return without_windows(lowering, rel, input, before);
    }
    return window_aggregate(lowering, rel, input);
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
