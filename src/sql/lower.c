#include "sql/lower.h"

/* ── nodes ── */

ps_node *ps_lower_add(ps_lowering *lowering, ps_node_kind kind, uint32_t field_count,
                      const ps_field *fields, uint32_t input_count, const ps_node *const *inputs)
{
    ps_plan *plan = lowering->plan;
    ps_node *node = PS_PLAN_NEW(plan, ps_node);
    const ps_node **copy = PS_PLAN_ARRAY(plan, const ps_node *, input_count);
    node->kind = kind;
    node->id = lowering->nodes.count;
    node->input_count = input_count;
    node->has_watermarks = input_count > 0;
    for (uint32_t i = 0; i < input_count; i++) {
        copy[i] = inputs[i];
        node->has_watermarks = node->has_watermarks && inputs[i]->has_watermarks;
    }
    node->inputs = copy;
    node->schema = (ps_schema){field_count, fields};
    node->changes = PS_CHANGES_APPEND;
    node->time_column = PS_NO_COLUMN;
    ps_plan_list_add(plan, &lowering->nodes, node);
    return node;
}

ps_node *ps_lower_node(ps_lowering *lowering, ps_node_kind kind, const ps_rel *rel,
                       uint32_t input_count, const ps_node *const *inputs)
{
    ps_plan *plan = lowering->plan;
    ps_field *fields = PS_PLAN_ARRAY(plan, ps_field, rel->column_count);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        fields[i] = (ps_field){rel->columns[i].name, rel->columns[i].type};
    }
    ps_node *node = ps_lower_add(lowering, kind, rel->column_count, fields, input_count, inputs);
    for (uint32_t i = rel->column_count; i > 0; i--) {
        if (rel->columns[i - 1].time == PS_TIME_ROW) {
            node->time_column = i - 1;
        }
    }
    node->upsert_key = ps_rel_upsert_key(plan, rel);
    return node;
}

ps_node *ps_lower_same(ps_lowering *lowering, ps_node_kind kind, const ps_node *input)
{
    const ps_node *inputs[] = {input};
    ps_node *node =
        ps_lower_add(lowering, kind, input->schema.field_count, input->schema.fields, 1, inputs);
    node->time_column = input->time_column;
    node->changes = input->changes;
    node->upsert_key = input->upsert_key;
    return node;
}

void ps_lower_deal(ps_lowering *lowering, ps_node *node, const ps_columns *keys)
{
    ps_columns *copy = PS_PLAN_ARRAY(lowering->plan, ps_columns, node->input_count);
    for (uint32_t i = 0; i < node->input_count; i++) {
        copy[i] = keys[i];
    }
    node->is_keyed = true;
    node->exchange_keys = copy;
}

void ps_lower_need_append(ps_lowering *lowering, const ps_node *input, ps_sql_span at,
                          const char *what)
{
    if (input->changes == PS_CHANGES_APPEND) {
        return;
    }
    while (input->input_count > 0 && input->inputs[0]->changes != PS_CHANGES_APPEND) {
        input = input->inputs[0];
    }
    ps_plan_fail(lowering->plan, PS_E_INVALID, at,
                 "%s doesn't support consuming update and delete changes which is produced by "
                 "node %s",
                 what, ps_node_kind_name(input->kind));
}

ps_changes ps_lower_updates(bool before)
{
    return before ? PS_CHANGES_RETRACT : PS_CHANGES_UPSERT;
}

/* ── what columns still are once the inputs have been lowered ── */

static void column_follow(ps_rel_column *column, const ps_rel_column *from)
{
    column->time = from->time;
    column->role = from->role;
    column->window = from->window;
}

static void column_plain(ps_rel_column *column)
{
    column->time = PS_TIME_NONE;
    column->role = PS_ROLE_NONE;
}

static void refresh_calc(ps_rel *rel)
{
    for (uint32_t i = 0; i < rel->column_count; i++) {
        const ps_expr *expr = rel->calc.outputs[i];
        if (ps_rel_keeps_attribute(rel->inputs[0], expr)) {
            column_follow(&rel->columns[i], &rel->inputs[0]->columns[expr->column]);
        }
    }
}

static void refresh_expand(ps_rel *rel)
{
    for (uint32_t i = 0; i < rel->column_count * rel->expand.set_count; i++) {
        const ps_expr *expr = rel->expand.outputs[i];
        ps_rel_column *column = &rel->columns[i % rel->column_count];
        if (expr->kind == PS_EXPR_COLUMN && i < rel->column_count) {
            column_follow(column, &rel->inputs[0]->columns[expr->column]);
        } else if (expr->kind != PS_EXPR_COLUMN) {
            column_plain(column);
        }
    }
}

static void refresh_union(ps_rel *rel)
{
    for (uint32_t i = 0; i < rel->column_count; i++) {
        column_follow(&rel->columns[i], &rel->inputs[0]->columns[i]);
        for (uint32_t j = 1; j < rel->input_count; j++) {
            if (rel->inputs[j]->columns[i].time != rel->columns[i].time ||
                rel->inputs[j]->columns[i].window != rel->columns[i].window) {
                column_plain(&rel->columns[i]);
            }
        }
    }
}

static void refresh_following(ps_rel *rel)
{
    uint32_t count = rel->inputs[0]->column_count;
    for (uint32_t i = 0; i < count && i < rel->column_count; i++) {
        column_follow(&rel->columns[i], &rel->inputs[0]->columns[i]);
    }
}

static void refresh(ps_rel *rel)
{
    switch (rel->kind) {
    case PS_REL_CALC:
        refresh_calc(rel);
        return;
    case PS_REL_EXPAND:
        refresh_expand(rel);
        return;
    case PS_REL_UNION:
        refresh_union(rel);
        return;
    case PS_REL_WINDOW:
    case PS_REL_OVER:
    case PS_REL_RANK:
    case PS_REL_SORT:
    case PS_REL_UNNEST:
        refresh_following(rel);
        return;
    case PS_REL_AGGREGATE: /* keys are plain; the properties are what the binder said */
        for (uint32_t i = 0; i < rel->aggregate.keys.count; i++) {
            rel->columns[i].time = PS_TIME_NONE;
        }
        return;
    case PS_REL_SET:
        for (uint32_t i = 0; i < rel->column_count; i++) {
            column_plain(&rel->columns[i]);
        }
        return;
    case PS_REL_MATCH: /* lower_match.c */
    case PS_REL_JOIN:  /* by its kind: lower_join.c */
    case PS_REL_SCAN:
    case PS_REL_VALUES:
        return;
    }
    PS_ASSERT(false);
}

/* ── the simple relations ── */

static ps_node *lower_calc(ps_lowering *lowering, ps_rel *rel, bool before)
{
    if (rel->inputs[0]->kind == PS_REL_SCAN) {
        refresh(rel);
        return ps_lower_scan_calc(lowering, rel);
    }
    /* an update that leaves what the filter lets through must take its old row away: only the old
     * row itself can say so */
    const ps_node *input =
        ps_lower(lowering, rel->inputs[0], before || rel->calc.condition != NULL);
    refresh(rel);
    if (ps_rel_calc_is_identity(rel)) {
        bool same_names = true;
        for (uint32_t i = 0; i < rel->column_count; i++) {
            same_names =
                same_names && ps_slice_equal(rel->columns[i].name, input->schema.fields[i].name);
        }
        if (same_names) {
            return (ps_node *)(uintptr_t)input;
        }
    }
    ps_calc_spec *spec = PS_PLAN_NEW(lowering->plan, ps_calc_spec);
    *spec = (ps_calc_spec){rel->calc.condition, rel->column_count, rel->calc.outputs};
    ps_node *node = ps_lower_node(lowering, PS_NODE_CALC, rel, 1, &input);
    node->calc = spec;
    node->changes = input->changes;
    return node;
}

static ps_node *lower_values(ps_lowering *lowering, ps_rel *rel)
{
    ps_node *node = ps_lower_node(lowering, PS_NODE_VALUES, rel, 0, NULL);
    node->values = &rel->values;
    return node;
}

static ps_node *lower_expand(ps_lowering *lowering, ps_rel *rel)
{
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    refresh(rel);
    ps_expand_spec *spec = PS_PLAN_NEW(lowering->plan, ps_expand_spec);
    *spec = (ps_expand_spec){rel->expand.set_count, rel->column_count, rel->expand.outputs};
    ps_node *node = ps_lower_node(lowering, PS_NODE_EXPAND, rel, 1, &input);
    node->expand = spec;
    node->changes = input->changes;
    return node;
}

static ps_node *lower_union(ps_lowering *lowering, ps_rel *rel)
{
    ps_plan *plan = lowering->plan;
    const ps_node **inputs = PS_PLAN_ARRAY(plan, const ps_node *, rel->input_count);
    ps_changes changes = PS_CHANGES_APPEND;
    for (uint32_t i = 0; i < rel->input_count; i++) {
        inputs[i] = ps_lower(lowering, rel->inputs[i], true);
        changes = inputs[i]->changes > changes ? inputs[i]->changes : changes;
    }
    refresh(rel);
    ps_node *node = ps_lower_node(lowering, PS_NODE_UNION, rel, rel->input_count, inputs);
    node->changes = changes;
    return node;
}

static ps_node *lower_set(ps_lowering *lowering, ps_rel *rel)
{
    ps_plan *plan = lowering->plan;
    const ps_node *inputs[2];
    uint32_t *all = PS_PLAN_ARRAY(plan, uint32_t, rel->column_count);
    for (uint32_t i = 0; i < 2; i++) {
        inputs[i] = ps_lower(lowering, rel->inputs[i], true);
    }
    for (uint32_t i = 0; i < rel->column_count; i++) {
        all[i] = i;
    }
    refresh(rel);
    ps_set_spec *spec = PS_PLAN_NEW(plan, ps_set_spec);
    *spec = (ps_set_spec){rel->set.is_intersect, rel->set.is_all, true};
    ps_node *node = ps_lower_node(lowering, PS_NODE_SET, rel, 2, inputs);
    node->set = spec;
    node->changes = PS_CHANGES_RETRACT;
    ps_columns keys[2] = {{rel->column_count, all}, {rel->column_count, all}};
    ps_lower_deal(lowering, node, keys);
    return node;
}

static ps_node *lower_unnest(ps_lowering *lowering, ps_rel *rel)
{
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    refresh(rel);
    ps_unnest_spec *spec = PS_PLAN_NEW(lowering->plan, ps_unnest_spec);
    *spec = (ps_unnest_spec){rel->unnest.collection, rel->unnest.is_left,
                             rel->unnest.with_ordinality, rel->unnest.element_column_count};
    ps_node *node = ps_lower_node(lowering, PS_NODE_UNNEST, rel, 1, &input);
    node->unnest = spec;
    node->changes = input->changes;
    return node;
}

ps_node *ps_lower(ps_lowering *lowering, ps_rel *rel, bool before)
{
    switch (rel->kind) {
    case PS_REL_CALC:
        return lower_calc(lowering, rel, before);
    case PS_REL_VALUES:
        return lower_values(lowering, rel);
    case PS_REL_WINDOW:
        return ps_lower_window(lowering, rel);
    case PS_REL_EXPAND:
        return lower_expand(lowering, rel);
    case PS_REL_AGGREGATE:
        return ps_lower_aggregate(lowering, rel, before);
    case PS_REL_OVER:
        return ps_lower_over(lowering, rel);
    case PS_REL_RANK:
        return ps_lower_rank(lowering, rel, before);
    case PS_REL_JOIN:
        return ps_lower_join(lowering, rel, before);
    case PS_REL_UNION:
        return lower_union(lowering, rel);
    case PS_REL_SET:
        return lower_set(lowering, rel);
    case PS_REL_SORT:
        return ps_lower_sort(lowering, rel, before);
    case PS_REL_UNNEST:
        return lower_unnest(lowering, rel);
    case PS_REL_MATCH:
        return ps_lower_match(lowering, rel);
    case PS_REL_SCAN: /* always below a calc: ps_rel_prune */
        break;
    }
    PS_ASSERT(false);
    return NULL;
}
