#include "sql/rel.h"

ps_rel *ps_rel_new(ps_plan *plan, ps_rel_kind kind, ps_sql_span at, uint32_t input_count,
                   uint32_t column_count)
{
    ps_rel *rel = PS_PLAN_NEW(plan, ps_rel);
    if (++plan->rel_count > PS_REL_COUNT_MAX) { /* views that use views twice, and so on */
        ps_plan_fail(plan, PS_E_LIMIT, at, "a statement has at most %d relations, views unfolded",
                     PS_REL_COUNT_MAX);
    }
    if (column_count > PS_COLUMN_COUNT_MAX) {
        ps_plan_fail(plan, PS_E_LIMIT, at, "a relation has at most %d columns, this one has %u",
                     PS_COLUMN_COUNT_MAX, column_count);
    }
    rel->kind = kind;
    rel->at = at;
    rel->input_count = input_count;
    rel->inputs = PS_PLAN_ARRAY(plan, ps_rel *, input_count);
    rel->column_count = column_count;
    rel->columns = PS_PLAN_ARRAY(plan, ps_rel_column, column_count);
    return rel;
}

bool ps_rel_is_proctime_call(const ps_expr *expr)
{
    return ps_plan_is_call(expr, "PROCTIME");
}

/* A plain column keeps what it is; PROCTIME() makes a time attribute; all else is plain. */
static ps_rel_column projected_column(const ps_rel *input, const ps_expr *expr, ps_slice name)
{
    ps_rel_column column = {.name = name, .type = expr->type};
    if (ps_rel_keeps_attribute(input, expr)) {
        column = input->columns[expr->column];
        column.name = name;
    } else if (ps_rel_is_proctime_call(expr)) {
        column.time = PS_TIME_PROCESSING;
    }
    return column;
}

ps_rel *ps_rel_calc(ps_plan *plan, ps_sql_span at, ps_rel *input, const ps_expr *condition,
                    uint32_t output_count, const ps_expr *const *outputs, const ps_slice *names)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_CALC, at, 1, output_count);
    rel->inputs[0] = input;
    rel->calc.condition = condition;
    rel->calc.outputs = PS_PLAN_ARRAY(plan, const ps_expr *, output_count);
    for (uint32_t i = 0; i < output_count; i++) {
        rel->calc.outputs[i] = outputs[i];
        rel->columns[i] = projected_column(input, outputs[i], names[i]);
    }
    return rel;
}

const ps_expr **ps_rel_identity(ps_plan *plan, const ps_rel *input, uint32_t extra)
{
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, input->column_count + extra);
    for (uint32_t i = 0; i < input->column_count; i++) {
        outputs[i] = ps_plan_column(plan, i, input->columns[i].type);
    }
    return outputs;
}

ps_rel *ps_rel_filter(ps_plan *plan, ps_rel *input, const ps_expr *condition)
{
    if (condition == NULL || ps_plan_is_true(condition)) {
        return input;
    }
    ps_rel *rel = ps_rel_new(plan, PS_REL_CALC, input->at, 1, input->column_count);
    rel->inputs[0] = input;
    rel->calc.condition = condition;
    rel->calc.outputs = ps_rel_identity(plan, input, 0);
    memcpy(rel->columns, input->columns, input->column_count * sizeof *rel->columns);
    return rel;
}

ps_rel *ps_rel_select(ps_plan *plan, ps_rel *input, uint32_t count, const uint32_t *columns)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_CALC, input->at, 1, count);
    rel->inputs[0] = input;
    rel->calc.outputs = PS_PLAN_ARRAY(plan, const ps_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        rel->columns[i] = input->columns[columns[i]];
        rel->calc.outputs[i] = ps_plan_column(plan, columns[i], rel->columns[i].type);
    }
    return rel;
}

uint32_t ps_rel_calc_source(const ps_rel *calc, uint32_t output)
{
    const ps_expr *expr = calc->calc.outputs[output];
    return expr->kind == PS_EXPR_COLUMN ? expr->column : PS_NO_COLUMN;
}

bool ps_rel_calc_is_identity(const ps_rel *calc)
{
    if (calc->calc.condition != NULL || calc->column_count != calc->inputs[0]->column_count) {
        return false;
    }
    for (uint32_t i = 0; i < calc->column_count; i++) {
        if (ps_rel_calc_source(calc, i) != i) {
            return false;
        }
    }
    return true;
}

uint32_t ps_rel_left_count(const ps_rel *join)
{
    return join->inputs[0]->column_count;
}
