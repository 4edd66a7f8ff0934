/* WHERE and its subqueries: IN, EXISTS and their negations become semi and anti joins, a query of
 * one row becomes a join. */
#include "sql/bind.h"

/* ── columns of the enclosing query ── */

static void outer_visit(uint32_t column, void *with)
{
    *(bool *)with = *(bool *)with || column >= PS_BIND_OUTER;
}

static bool reads_outer(const ps_expr *expr)
{
    bool found = false;
    if (expr != NULL) {
        ps_expr_columns(expr, outer_visit, &found);
    }
    return found;
}

static bool any_reads_outer(const ps_expr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (reads_outer(exprs[i])) {
            return true;
        }
    }
    return false;
}

bool ps_bind_reads_outer(const ps_rel *rel)
{
    bool found = false;
    if (rel->kind == PS_REL_CALC) {
        found = reads_outer(rel->calc.condition) ||
                any_reads_outer(rel->calc.outputs, rel->column_count);
    } else if (rel->kind == PS_REL_JOIN) {
        found = reads_outer(rel->join.condition);
    } else if (rel->kind == PS_REL_UNNEST) {
        found = reads_outer(rel->unnest.collection);
    }
    for (uint32_t i = 0; i < rel->input_count && !found; i++) {
        found = ps_bind_reads_outer(rel->inputs[i]);
    }
    return found;
}

/* Column c becomes map[c]; the enclosing query's stay. */
const ps_expr *ps_bind_renumber_inner(ps_plan *plan, const ps_expr *expr, const uint32_t *map,
                                      uint32_t inner_shift, bool resolve_outer)
{
    if (expr->kind == PS_EXPR_CONSTANT) {
        return expr;
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    *copy = *expr;
    if (expr->kind == PS_EXPR_COLUMN) {
        if (expr->column >= PS_BIND_OUTER) {
            copy->column = resolve_outer ? expr->column - PS_BIND_OUTER : expr->column;
        } else {
            copy->column = (map != NULL ? map[expr->column] : expr->column) + inner_shift;
        }
        return copy;
    }
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] =
            ps_bind_renumber_inner(plan, expr->arguments[i], map, inner_shift, resolve_outer);
    }
    copy->arguments = arguments;
    return copy;
}

typedef struct {
    uint32_t count;
    bool *read;
} inner_reads;

static void inner_visit(uint32_t column, void *with)
{
    inner_reads *reads = with;
    if (column < reads->count) {
        reads->read[column] = true;
    }
}

/* Gives the calc outputs for all input columns that the pulled conditions read; renumbers them. */
static void pass_pulled(ps_plan *plan, ps_rel *calc, ps_plan_list *pulled)
{
    uint32_t input_count = calc->inputs[0]->column_count;
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, input_count);
    inner_reads reads = {input_count, PS_PLAN_ARRAY(plan, bool, input_count)};
    for (uint32_t i = 0; i < pulled->count; i++) {
        ps_expr_columns(pulled->items[i], inner_visit, &reads);
    }
    uint32_t count = calc->column_count;
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, count + input_count);
    ps_rel_column *columns = PS_PLAN_ARRAY(plan, ps_rel_column, count + input_count);
    memcpy(outputs, calc->calc.outputs, count * sizeof *outputs);
    memcpy(columns, calc->columns, count * sizeof *columns);
    for (uint32_t i = 0; i < input_count; i++) {
        uint32_t j = 0;
        while (j < count && (outputs[j]->kind != PS_EXPR_COLUMN || outputs[j]->column != i)) {
            j++;
        }
        if (reads.read[i] && j == count) {
            outputs[count] = ps_plan_column(plan, i, calc->inputs[0]->columns[i].type);
            columns[count++] = calc->inputs[0]->columns[i];
        }
        map[i] = j;
    }
    calc->calc.outputs = outputs;
    calc->columns = columns;
    calc->column_count = count;
    for (uint32_t i = 0; i < pulled->count; i++) {
        pulled->items[i] = ps_bind_renumber_inner(plan, pulled->items[i], map, 0, false);
    }
}

/* Takes the conditions that read the enclosing query out of the calcs at the top; they are over the
 * relation's columns then. */
void ps_bind_pull_conditions(ps_plan *plan, ps_rel *rel, ps_plan_list *pulled)
{
    ps_plan_list parts = {0};
    if (rel->kind != PS_REL_CALC) {
        return;
    }
    ps_bind_pull_conditions(plan, rel->inputs[0], pulled);
    ps_plan_conjuncts(plan, rel->calc.condition, &parts);
    rel->calc.condition = NULL;
    for (uint32_t i = 0; i < parts.count; i++) {
        if (reads_outer(parts.items[i])) {
            ps_plan_list_add(plan, pulled, parts.items[i]);
        } else {
            rel->calc.condition = ps_plan_and(plan, rel->calc.condition, parts.items[i]);
        }
    }
    if (pulled->count > 0) {
        pass_pulled(plan, rel, pulled);
    }
}

/* ── semi and anti joins ── */

static void add_semi_join(ps_bind_context *context, ps_join_kind kind, ps_rel *right,
                          const ps_expr *condition, bool is_null_aware, ps_sql_span at)
{
    ps_plan *plan = context->binder->plan;
    ps_rel *left = context->scope->rel;
    ps_rel *rel = ps_rel_new(plan, PS_REL_JOIN, at, 2, left->column_count);
    memcpy(rel->columns, left->columns, left->column_count * sizeof *rel->columns);
    rel->inputs[0] = left;
    rel->inputs[1] = right;
    rel->join.kind = kind;
    rel->join.condition = condition;
    rel->join.is_null_aware = is_null_aware;
    context->scope->rel = rel;
}

ps_rel *ps_bind_inner(ps_binder *binder, ps_scope *scope, const ps_ast_query *query, ps_sql_span at,
                      const ps_expr **out_condition)
{
    ps_plan *plan = binder->plan;
    uint32_t left = scope->rel->column_count;
    ps_rel *rel = ps_bind_query(binder, query, scope);
    ps_plan_list pulled = {0};
    ps_bind_pull_conditions(plan, rel, &pulled);
    if (ps_bind_reads_outer(rel)) {
        ps_plan_refuse(plan, at,
                       "a subquery that uses columns of the enclosing query other than in its "
                       "own WHERE");
    }
    const ps_expr *condition = NULL;
    for (uint32_t i = 0; i < pulled.count; i++) {
        condition = ps_plan_and(plan, condition,
                                ps_bind_renumber_inner(plan, pulled.items[i], NULL, left, true));
    }
    *out_condition = condition;
    return rel;
}

static void bind_exists(ps_bind_context *context, const ps_ast_expr *expr, bool is_negated)
{
    const ps_expr *condition;
    ps_rel *right =
        ps_bind_inner(context->binder, context->scope, expr->query, expr->at, &condition);
    add_semi_join(context, is_negated ? PS_JOIN_ANTI : PS_JOIN_SEMI, right, condition, false,
                  expr->at);
}

static void bind_in_query(ps_bind_context *context, const ps_ast_expr *expr, bool is_negated)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_expr *operand = expr->in.operand;
    uint32_t wanted = operand->kind == PS_AST_EXPR_ROW ? operand->items.count : 1;
    uint32_t left = context->scope->rel->column_count;
    const ps_expr **values = PS_PLAN_ARRAY(plan, const ps_expr *, wanted);
    for (uint32_t i = 0; i < wanted; i++) {
        values[i] = ps_bind_expr(context, operand->kind == PS_AST_EXPR_ROW ? operand->items.items[i]
                                                                           : operand);
    }
    const ps_expr *condition;
    ps_rel *right =
        ps_bind_inner(context->binder, context->scope, expr->in.query, expr->at, &condition);
    if (right->column_count < wanted || (condition == NULL && right->column_count != wanted)) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at,
                     "the query of IN gives %u columns where %u are compared", right->column_count,
                     wanted);
    }
    bool is_nullable = false, is_correlated = condition != NULL;
    for (uint32_t i = 0; i < wanted; i++) {
        const ps_expr *sides[] = {values[i],
                                  ps_plan_column(plan, left + i, right->columns[i].type)};
        is_nullable = is_nullable || sides[0]->type->nullable || sides[1]->type->nullable;
        condition = ps_plan_and(plan, condition, ps_plan_call(plan, expr->at, "=", 2, sides));
    }
    if (is_negated && is_nullable && (is_correlated || wanted > 1)) {
        ps_plan_refuse(plan, expr->at,
                       is_correlated ? "NOT IN with a correlated query over nullable columns"
                                     : "NOT IN of several nullable columns");
    }
    add_semi_join(context, is_negated ? PS_JOIN_ANTI : PS_JOIN_SEMI, right, condition,
                  is_negated && is_nullable, expr->at);
}

/* ── WHERE ── */

static bool is_in_query(const ps_ast_expr *expr)
{
    return expr->kind == PS_AST_EXPR_IN && expr->in.query != NULL;
}

static void bind_part(ps_bind_context *context, const ps_ast_expr *expr, const ps_expr **condition)
{
    ps_plan *plan = context->binder->plan;
    bool is_not = expr->kind == PS_AST_EXPR_UNARY && expr->op == PS_AST_OP_NOT;
    const ps_ast_expr *positive = is_not ? expr->left : expr;
    if (expr->kind == PS_AST_EXPR_BINARY && expr->op == PS_AST_OP_AND) {
        bind_part(context, expr->left, condition);
        bind_part(context, expr->right, condition);
    } else if (positive->kind == PS_AST_EXPR_EXISTS) {
        bind_exists(context, positive, is_not);
    } else if (is_in_query(positive)) {
        bind_in_query(context, positive, is_not != positive->in.is_negated);
    } else {
        *condition = ps_plan_and(plan, *condition, ps_bind_condition(context, expr));
    }
}

void ps_bind_where(ps_bind_context *context, const ps_ast_expr *where)
{
    const ps_expr *condition = NULL;
    bind_part(context, where, &condition);
    context->scope->rel = ps_rel_filter(context->binder->plan, context->scope->rel, condition);
}
