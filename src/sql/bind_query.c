/* Queries: WITH, set operations, VALUES, ORDER BY and LIMIT. */
#include "expr/program.h"
#include "sql/bind.h"

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

/* ── VALUES ── */

static const ps_expr *row_value(ps_bind_context *context, const ps_ast_expr *row, uint32_t column)
{
    return ps_bind_expr(context, row->kind == PS_AST_EXPR_ROW ? row->items.items[column] : row);
}

static bool all_constant(uint32_t count, const ps_expr *const *exprs)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!ps_expr_is_constant(exprs[i]) || !ps_expr_is_deterministic(exprs[i])) {
            return false;
        }
    }
    return true;
}

static ps_rel *constant_values(ps_plan *plan, ps_sql_span at, uint32_t rows, uint32_t columns,
                               const ps_expr *const *exprs)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_VALUES, at, 0, columns);
    ps_value *values = PS_PLAN_ARRAY(plan, ps_value, rows * columns);
    ps_error err;
    for (uint32_t i = 0; i < rows * columns; i++) {
        ps_plan_check(plan, ps_expr_evaluate(plan->expressions, exprs[i], &values[i], &err), &err,
                      at);
        if (!values[i].is_null && ps_type_phys(exprs[i]->type) == PS_PHYS_TEXT) {
            char *copy = ps_plan_take(plan, values[i].text.size + 1, 1);
            if (values[i].text.size > 0) {
                memcpy(copy, values[i].text.data, values[i].text.size);
            }
            values[i].text.data = copy;
        }
    }
    rel->values = (ps_values_spec){rows, values};
    return rel;
}

static ps_rel *computed_values(ps_plan *plan, ps_sql_span at, uint32_t rows, uint32_t columns,
                               const ps_expr *const *exprs, const ps_slice *names)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_UNION, at, rows, columns);
    for (uint32_t i = 0; i < rows; i++) {
        rel->inputs[i] = ps_rel_calc(plan, at, ps_bind_one_row(plan, at), NULL, columns,
                                     exprs + i * columns, names);
    }
    return rows == 1 ? rel->inputs[0] : rel;
}

static ps_rel *bind_values(ps_binder *binder, const ps_ast_query *query)
{
    ps_plan *plan = binder->plan;
    uint32_t rows = query->rows.count;
    const ps_ast_expr *first = query->rows.items[0];
    uint32_t columns = first->kind == PS_AST_EXPR_ROW ? first->items.count : 1;
    ps_scope *scope =
        ps_scope_new(binder, ps_bind_one_row(plan, query->at), (ps_slice){NULL, 0}, NULL);
    scope->tables[0].count = 0;
    ps_bind_context context = {.binder = binder, .scope = scope, .clause = "VALUES"};
    const ps_expr **exprs = PS_PLAN_ARRAY(plan, const ps_expr *, rows *columns);
    const ps_expr **column = PS_PLAN_ARRAY(plan, const ps_expr *, rows);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, columns);
    for (uint32_t i = 0; i < rows; i++) {
        const ps_ast_expr *row = query->rows.items[i];
        uint32_t width = row->kind == PS_AST_EXPR_ROW ? row->items.count : 1;
        if (width != columns) {
            ps_plan_fail(plan, PS_E_INVALID, row->at,
                         "this row of VALUES has %u columns, the first has %u", width, columns);
        }
        for (uint32_t j = 0; j < columns; j++) {
            exprs[i * columns + j] = row_value(&context, row, j);
        }
    }
    for (uint32_t j = 0; j < columns; j++) {
        names[j] = ps_plan_print(plan, "EXPR$%u", j);
        for (uint32_t i = 0; i < rows; i++) {
            column[i] = exprs[i * columns + j];
        }
        ps_bind_unify(plan, query->at, rows, column, "the rows of VALUES");
        for (uint32_t i = 0; i < rows; i++) {
            exprs[i * columns + j] = column[i];
        }
    }
    ps_rel *rel = all_constant(rows * columns, exprs)
                      ? constant_values(plan, query->at, rows, columns, exprs)
                      : computed_values(plan, query->at, rows, columns, exprs, names);
    for (uint32_t j = 0; j < columns && rel->kind != PS_REL_CALC; j++) {
        rel->columns[j] = (ps_rel_column){.name = names[j], .type = exprs[j]->type};
        for (uint32_t i = 1; i < rows; i++) {
            if (exprs[i * columns + j]->type->nullable) {
                rel->columns[j].type =
                    ps_type_with_nullable(plan->arena, rel->columns[j].type, true);
            }
        }
    }
    return rel;
}

/* ── set operations ── */

static const char *set_name(ps_ast_set_op op)
{
    switch (op) {
    case PS_AST_SET_UNION:
        return "UNION";
    case PS_AST_SET_INTERSECT:
        return "INTERSECT";
    case PS_AST_SET_EXCEPT:
        return "EXCEPT";
    }
    PS_ASSERT(false);
    return "";
}

static ps_rel *set_rel(ps_plan *plan, const ps_ast_query *query, ps_rel *left, ps_rel *right)
{
    bool is_union = query->set.op == PS_AST_SET_UNION;
    ps_rel *rel = ps_rel_new(plan, is_union ? PS_REL_UNION : PS_REL_SET, query->set.op_at, 2,
                             left->column_count);
    rel->inputs[0] = left;
    rel->inputs[1] = right;
    for (uint32_t i = 0; i < left->column_count; i++) {
        const ps_rel_column *a = &left->columns[i], *b = &right->columns[i];
        rel->columns[i] = *a;
        rel->columns[i].type =
            ps_type_with_nullable(plan->arena, a->type, a->type->nullable || b->type->nullable);
        if (!is_union || a->time != b->time) {
            rel->columns[i].time = PS_TIME_NONE;
        }
    }
    if (!is_union) {
        rel->set.is_intersect = query->set.op == PS_AST_SET_INTERSECT;
        rel->set.is_all = query->set.is_all;
        return rel;
    }
    return query->set.is_all ? rel : ps_bind_distinct(plan, rel);
}

static ps_rel *bind_set(ps_binder *binder, const ps_ast_query *query)
{
    ps_plan *plan = binder->plan;
    ps_rel *left = ps_bind_query(binder, query->set.left, NULL);
    ps_rel *right = ps_bind_query(binder, query->set.right, NULL);
    if (left->column_count != right->column_count) {
        ps_plan_fail(plan, PS_E_INVALID, query->set.op_at,
                     "column count mismatch in %s%s: %u and %u", set_name(query->set.op),
                     query->set.is_all ? " ALL" : "", left->column_count, right->column_count);
    }
    const ps_type **left_types = PS_PLAN_ARRAY(plan, const ps_type *, left->column_count);
    const ps_type **right_types = PS_PLAN_ARRAY(plan, const ps_type *, left->column_count);
    for (uint32_t i = 0; i < left->column_count; i++) {
        const ps_type *a = left->columns[i].type, *b = right->columns[i].type;
        const ps_type *common = ps_type_equal(a, b) ? a : ps_type_common(plan->arena, a, b);
        if (common == NULL) {
            ps_plan_fail(plan, PS_E_INVALID, query->set.op_at, "type mismatch in column %u of %s",
                         i + 1, set_name(query->set.op));
        }
        left_types[i] =
            ps_type_equal(a, common) ? a : ps_type_with_nullable(plan->arena, common, a->nullable);
        right_types[i] =
            ps_type_equal(b, common) ? b : ps_type_with_nullable(plan->arena, common, b->nullable);
    }
    left = ps_bind_coerced(plan, left, left_types, query->set.op_at);
    right = ps_bind_coerced(plan, right, right_types, query->set.op_at);
    return set_rel(plan, query, left, right);
}

/* ── ORDER BY, LIMIT ── */

static int64_t row_count(ps_binder *binder, const ps_ast_expr *expr, const char *what)
{
    ps_scope *scope =
        ps_scope_new(binder, ps_bind_one_row(binder->plan, expr->at), (ps_slice){NULL, 0}, NULL);
    scope->tables[0].count = 0;
    ps_bind_context context = {.binder = binder, .scope = scope, .clause = what};
    return ps_bind_whole_number(&context, expr, what);
}

/* ORDER BY of what is no SELECT: by names and numbers of its columns. */
static ps_sort_key *order_columns(ps_binder *binder, const ps_rel *rel,
                                  const ps_ast_orders *order_by)
{
    ps_plan *plan = binder->plan;
    ps_sort_key *sort = PS_PLAN_ARRAY(plan, ps_sort_key, order_by->count);
    for (uint32_t i = 0; i < order_by->count; i++) {
        const ps_ast_order *order = &order_by->items[i];
        const ps_ast_expr *expr = order->expr;
        uint64_t number = 0;
        uint32_t column = rel->column_count;
        if (expr->kind == PS_AST_EXPR_LITERAL && expr->literal.kind == PS_AST_LITERAL_INTEGER &&
            ps_parse_u64(expr->literal.text, &number) && number > 0) {
            column = number <= rel->column_count ? (uint32_t)number - 1 : rel->column_count;
        } else if (expr->kind == PS_AST_EXPR_NAME && expr->path.count == 1) {
            column = 0;
            while (column < rel->column_count &&
                   !ps_slice_equal(rel->columns[column].name, name_slice(&expr->path.items[0]))) {
                column++;
            }
        }
        if (column == rel->column_count) {
            ps_plan_fail(plan, PS_E_INVALID, expr->at,
                         "ORDER BY behind a set operation takes its columns only");
        }
        sort[i] = (ps_sort_key){.column = column,
                                .is_descending = order->is_descending,
                                .nulls_last = ps_order_nulls_last(order)};
    }
    return sort;
}

static ps_rel *sorted(ps_binder *binder, ps_rel *input, const ps_ast_query *query,
                      uint32_t sort_count, ps_sort_key *sort)
{
    ps_plan *plan = binder->plan;
    if (sort_count == 0 && query->limit == NULL && query->offset == NULL) {
        return input;
    }
    ps_sql_span at = sort_count > 0         ? query->order_by.items[0].expr->at
                     : query->limit != NULL ? query->limit->at
                                            : query->offset->at;
    ps_rel *rel = ps_rel_new(plan, PS_REL_SORT, at, 1, input->column_count);
    memcpy(rel->columns, input->columns, input->column_count * sizeof *rel->columns);
    rel->inputs[0] = input;
    rel->sort.sort_count = sort_count;
    rel->sort.sort = sort;
    rel->sort.limit = query->limit != NULL ? row_count(binder, query->limit, "LIMIT") : -1;
    rel->sort.offset = query->offset != NULL ? row_count(binder, query->offset, "OFFSET") : 0;
    if (rel->sort.limit == 0) { /* no rows, of the same columns */
        ps_rel *none = ps_rel_new(plan, PS_REL_VALUES, at, 0, input->column_count);
        memcpy(none->columns, input->columns, input->column_count * sizeof *none->columns);
        return none;
    }
    return rel;
}

static ps_rel *bind_select_query(ps_binder *binder, const ps_ast_query *query, ps_scope *outer)
{
    ps_plan *plan = binder->plan;
    ps_bound_select bound = ps_bind_select(binder, query->select, &query->order_by, outer);
    ps_rel *rel = sorted(binder, bound.rel, query, bound.sort_count, bound.sort);
    if (bound.visible_count == rel->column_count) {
        return rel;
    }
    uint32_t *visible = PS_PLAN_ARRAY(plan, uint32_t, bound.visible_count);
    for (uint32_t i = 0; i < bound.visible_count; i++) {
        visible[i] = i;
    }
    return ps_rel_select(plan, rel, bound.visible_count, visible);
}

/* ── all ── */

static ps_rel *bind_body(ps_binder *binder, const ps_ast_query *query, ps_scope *outer)
{
    switch (query->kind) {
    case PS_AST_QUERY_SELECT:
        return bind_select_query(binder, query, outer);
    case PS_AST_QUERY_SET:
        return bind_set(binder, query);
    case PS_AST_QUERY_VALUES:
        return bind_values(binder, query);
    case PS_AST_QUERY_TABLE:
        return ps_bind_table(binder, &query->path, NULL);
    case PS_AST_QUERY_NESTED:
        return ps_bind_query(binder, query->nested, outer);
    }
    PS_ASSERT(false);
    return NULL;
}

ps_rel *ps_bind_query(ps_binder *binder, const ps_ast_query *query, ps_scope *outer)
{
    ps_plan *plan = binder->plan;
    const ps_with *with = binder->with;
    for (uint32_t i = 0; i < query->with_count; i++) {
        ps_with *entry = PS_PLAN_NEW(plan, ps_with);
        *entry = (ps_with){binder->with, &query->with[i], binder->with};
        binder->with = entry;
    }
    ps_rel *rel = bind_body(binder, query, outer);
    if (query->kind != PS_AST_QUERY_SELECT) {
        rel = sorted(binder, rel, query, query->order_by.count,
                     order_columns(binder, rel, &query->order_by));
    }
    binder->with = with;
    return rel;
}
