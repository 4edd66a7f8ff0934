/* Scalar subqueries: a query of one row, joined to the rows that use its value.
 *
 * A correlated aggregate (SELECT MAX(y) FROM b WHERE b.k = a.k) is counted per key instead:
 * the equalities of its WHERE become its groups, and the join finds the group. A COUNT over no rows
 * is 0, where the join finds nothing.
 */
#include "sql/bind.h"

typedef struct {
    ps_rel *rel; /* column 0 is the value */
    const ps_expr *condition;
    bool is_count;
} scalar_query;

/* The calcs above the aggregate, from the top; NULL when it is no such query. */
static ps_rel *find_aggregate(ps_rel *rel)
{
    while (rel->kind == PS_REL_CALC && rel->calc.condition == NULL) {
        rel = rel->inputs[0];
    }
    bool is_global = rel->kind == PS_REL_AGGREGATE && rel->aggregate.keys.count == 0 &&
                     !rel->aggregate.is_windowed;
    return is_global ? rel : NULL;
}

static bool gives_one_row(const ps_rel *rel)
{
    while (rel->kind == PS_REL_CALC && rel->calc.condition == NULL) {
        rel = rel->inputs[0];
    }
    return (rel->kind == PS_REL_AGGREGATE && rel->aggregate.keys.count == 0 &&
            !rel->aggregate.is_windowed) ||
           (rel->kind == PS_REL_VALUES && rel->values.row_count == 1);
}

/* The value is a COUNT as it stands (true), or no COUNT is in it (false). */
static bool value_is_count(ps_plan *plan, const ps_rel *top, const ps_rel *aggregate,
                           ps_sql_span at)
{
    uint32_t column = 0;
    bool has_count = false;
    for (const ps_rel *rel = top; rel != aggregate && column != PS_NO_COLUMN;
         rel = rel->inputs[0]) {
        column = ps_rel_calc_source(rel, column);
    }
    for (uint32_t i = 0; i < aggregate->aggregate.call_count; i++) {
        const ps_aggregate_class *class = aggregate->aggregate.calls[i].class;
        bool is_count = strcmp(ps_aggregate_name(class), "COUNT") == 0;
        if (is_count && column == i) {
            return true;
        }
        has_count = has_count || is_count;
    }
    if (has_count) {
        ps_plan_refuse(plan, at, "a correlated scalar subquery that computes with COUNT");
    }
    return false;
}

typedef struct {

    bool only_outer, only_inner;
} side_check;

static void side_visit(uint32_t column, void *with)
{
    side_check *check = with;
    check->only_outer = check->only_outer && column >= PS_BIND_OUTER;
    check->only_inner = check->only_inner && column < PS_BIND_OUTER;
}

static bool reads_side(const ps_expr *expr, bool outer)
{
    side_check check = {.only_outer = true, .only_inner = true};
    ps_expr_columns(expr, side_visit, &check);
    return outer ? check.only_outer && !check.only_inner : check.only_inner;
}

/* Adds the inner sides of the pulled equalities as columns of a calc, and gives the outer sides. */
static ps_rel *add_keys(ps_plan *plan, ps_rel *input, const ps_plan_list *pulled,
                        const ps_expr **outer_sides, ps_sql_span at)
{
    uint32_t count = input->column_count + pulled->count;
    const ps_expr **outputs = ps_rel_identity(plan, input, pulled->count);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (uint32_t i = 0; i < input->column_count; i++) {
        names[i] = input->columns[i].name;
    }
    for (uint32_t i = 0; i < pulled->count; i++) {
        const ps_expr *part = pulled->items[i];
        const ps_expr *inner = NULL;
        for (uint32_t side = 0; ps_plan_is_call(part, "=") && side < 2; side++) {
            if (reads_side(part->arguments[side], true) &&
                reads_side(part->arguments[1 - side], false)) {
                outer_sides[i] = part->arguments[side];
                inner = part->arguments[1 - side];
            }
        }
        if (inner == NULL) {
            ps_plan_refuse(plan, at, "a correlated scalar subquery other than by equality");
        }
        outputs[input->column_count + i] = inner;
        names[input->column_count + i] = ps_plan_print(plan, "$k%u", i);
    }
    return ps_rel_calc(plan, at, input, NULL, count, outputs, names);
}

/* The aggregate gets keys in front of its calls. */
static void group_by_keys(ps_plan *plan, ps_rel *aggregate, uint32_t key_count)
{
    const ps_rel *input = aggregate->inputs[0];
    uint32_t first = input->column_count - key_count, calls = aggregate->aggregate.call_count;
    uint32_t *keys = PS_PLAN_ARRAY(plan, uint32_t, key_count);
    ps_rel_column *columns = PS_PLAN_ARRAY(plan, ps_rel_column, key_count + calls);
    for (uint32_t i = 0; i < key_count; i++) {
        keys[i] = first + i;
        columns[i] = input->columns[first + i];
        columns[i].time = PS_TIME_NONE;
    }
    memcpy(columns + key_count, aggregate->columns, calls * sizeof *columns);
    aggregate->aggregate.keys = (ps_columns){key_count, keys};
    aggregate->columns = columns;
    aggregate->column_count = key_count + calls;
}

/* The calcs above read the calls at their new numbers and pass the keys on at their end. */
static ps_rel *rebuild_above(ps_plan *plan, ps_rel *rel, const ps_rel *aggregate,
                             uint32_t key_count, uint32_t *out_first_key)
{
    if (rel == aggregate) {
        *out_first_key = 0;
        return rel;
    }
    uint32_t first_key;
    ps_rel *input = rebuild_above(plan, rel->inputs[0], aggregate, key_count, &first_key);
    uint32_t count = rel->column_count, shift = input == aggregate ? key_count : 0;
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, count + key_count);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count + key_count);
    for (uint32_t i = 0; i < count; i++) {
        outputs[i] = ps_bind_renumber_inner(plan, rel->calc.outputs[i], NULL, shift, false);
        names[i] = rel->columns[i].name;
    }
    for (uint32_t i = 0; i < key_count; i++) {
        outputs[count + i] =
            ps_plan_column(plan, first_key + i, input->columns[first_key + i].type);
        names[count + i] = input->columns[first_key + i].name;
    }
    *out_first_key = count;
    return ps_rel_calc(plan, rel->at, input, NULL, count + key_count, outputs, names);
}

static scalar_query decorrelate(ps_plan *plan, ps_rel *top, uint32_t left, ps_sql_span at)
{
    ps_rel *aggregate = find_aggregate(top);
    ps_plan_list pulled = {0};
    scalar_query out = {0};
    uint32_t first_key = 0;
    if (aggregate == NULL || aggregate == top) {
        ps_plan_refuse(plan, at, "a correlated scalar subquery that is no plain aggregate");
    }
    out.is_count = value_is_count(plan, top, aggregate, at);
    ps_bind_pull_conditions(plan, aggregate->inputs[0], &pulled);
    const ps_expr **outer_sides = PS_PLAN_ARRAY(plan, const ps_expr *, pulled.count);
    aggregate->inputs[0] = add_keys(plan, aggregate->inputs[0], &pulled, outer_sides, at);
    if (ps_bind_reads_outer(top)) {
        ps_plan_refuse(plan, at,
                       "a scalar subquery that uses columns of the enclosing query other than in "
                       "its own WHERE");
    }
    group_by_keys(plan, aggregate, pulled.count);
    out.rel = rebuild_above(plan, top, aggregate, pulled.count, &first_key);
    for (uint32_t i = 0; i < pulled.count; i++) {
        const ps_expr *sides[] = {
            ps_bind_renumber_inner(plan, outer_sides[i], NULL, 0, true),
            ps_plan_column(plan, left + first_key + i, out.rel->columns[first_key + i].type)};
        out.condition = ps_plan_and(plan, out.condition, ps_plan_call(plan, at, "=", 2, sides));
    }
    return out;
}

const ps_expr *ps_bind_scalar_subquery(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    if (!context->takes_subqueries) {
        ps_plan_refuse(plan, expr->at, "a scalar subquery in this place");
    }
    scalar_query right = {.rel = ps_bind_query(context->binder, expr->query, context->scope)};
    ps_rel *left = context->scope->rel;
    if (right.rel->column_count != 1) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "a scalar subquery must give one column, not %u",
                     right.rel->column_count);
    }
    if (ps_bind_reads_outer(right.rel)) {
        right = decorrelate(plan, right.rel, left->column_count, expr->at);
    } else if (!gives_one_row(right.rel)) {
        ps_plan_refuse(plan, expr->at,
                       "a scalar subquery that is not an aggregate without GROUP BY");
    }
    uint32_t right_count = right.rel->column_count;
    ps_rel *rel = ps_rel_new(plan, PS_REL_JOIN, expr->at, 2, left->column_count + right_count);
    rel->inputs[0] = left;
    rel->inputs[1] = right.rel;
    rel->join.kind = PS_JOIN_LEFT;
    rel->join.condition = right.condition;
    memcpy(rel->columns, left->columns, left->column_count * sizeof *rel->columns);
    for (uint32_t i = 0; i < right_count; i++) {
        ps_rel_column *column = &rel->columns[left->column_count + i];
        *column = right.rel->columns[i];
        column->type = ps_type_with_nullable(plan->arena, column->type, true);
    }
    context->scope->rel = rel;
    const ps_type *type = rel->columns[left->column_count].type;
    const ps_expr *value = ps_plan_column(plan, left->column_count, type);
    if (!right.is_count) {
        return value;
    }
    const ps_expr *zero =
        ps_plan_constant(plan, ps_type_with_nullable(plan->arena, type, false), (ps_value){0});
    return ps_plan_call(plan, expr->at, "COALESCE", 2, (const ps_expr *[]){value, zero});
}
