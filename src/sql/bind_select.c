/* SELECT: from the names of FROM to the columns of the result. */
#include "sql/bind.h"

/* The SELECT list, and behind it what only ORDER BY reads. */
typedef struct {
    ps_bind_context context;
    uint32_t count, capacity, visible_count;
    const ps_expr **exprs;
    ps_slice *names;
    ps_sql_span *spans;
} select_list;

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

static void list_add(select_list *list, const ps_expr *expr, ps_slice name, ps_sql_span at)
{
    if (list->count == list->capacity) {
        ps_plan_fail(list->context.binder->plan, PS_E_LIMIT, at, "a SELECT has at most %u columns",
                     list->capacity);
    }
    list->exprs[list->count] = expr;
    list->names[list->count] = name;
    list->spans[list->count++] = at;
}

/* ── items ── */

static bool name_is_taken(const select_list *list, ps_slice name)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (ps_slice_equal(list->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* id, id0, id1 … as Flink names columns of the same name. */
static ps_slice unique_name(select_list *list, ps_slice name)
{
    ps_slice unique = name;
    for (uint32_t i = 0; name_is_taken(list, unique); i++) {
        unique = ps_plan_print(list->context.binder->plan, "%.*s%u", (int)name.size, name.data, i);
    }
    return unique;
}

static void add_scope_column(select_list *list, uint32_t column, ps_sql_span at)
{
    const ps_rel_column *from = &list->context.scope->rel->columns[column];
    list_add(list, ps_plan_column(list->context.binder->plan, column, from->type),
             unique_name(list, from->name), at);
}

static void add_all(select_list *list, ps_sql_span at)
{
    const ps_scope *scope = list->context.scope;
    for (uint32_t i = 0; i < scope->merged_count; i++) {
        if (scope->merged[i].name.size > 0) {
            list_add(list, scope->merged[i].expr, unique_name(list, scope->merged[i].name), at);
        }
    }
    for (uint32_t i = 0; i < scope->table_count; i++) {
        for (uint32_t j = 0; j < scope->tables[i].count; j++) {
            if (!ps_scope_is_hidden(scope, scope->tables[i].first + j)) {
                add_scope_column(list, scope->tables[i].first + j, at);
            }
        }
    }
}

static void add_star(select_list *list, const ps_ast_expr *star)
{
    ps_plan *plan = list->context.binder->plan;
    const ps_scope *scope = list->context.scope;
    uint32_t before = list->count;
    if (star->path.count == 0) {
        add_all(list, star->at);
    } else if (star->path.count > 1) {
        ps_plan_refuse(plan, star->at, "a star behind a field of a ROW");
    } else {
        ps_slice name = name_slice(&star->path.items[0]);
        for (uint32_t i = 0; i < scope->table_count; i++) {
            if (ps_slice_equal(scope->tables[i].name, name)) {
                for (uint32_t j = 0; j < scope->tables[i].count; j++) {
                    add_scope_column(list, scope->tables[i].first + j, star->at);
                }
                return;
            }
        }
        ps_plan_fail(plan, PS_E_MISSING, star->at, "table '%s' not found",
                     star->path.items[0].text);
    }
    if (list->count == before) {
        ps_plan_fail(plan, PS_E_INVALID, star->at, "SELECT * needs a FROM with columns");
    }
}

static ps_slice item_name(select_list *list, const ps_ast_item *item)
{
    const ps_ast_expr *expr = item->expr;
    if (item->alias.size > 0) {
        return unique_name(list, name_slice(&item->alias));
    }
    if (expr->kind == PS_AST_EXPR_NAME) {
        return unique_name(list, name_slice(ps_ast_names_last(&expr->path)));
    }
    if (expr->kind == PS_AST_EXPR_FIELD) {
        return unique_name(list, name_slice(&expr->field.name));
    }
    return unique_name(list, ps_plan_print(list->context.binder->plan, "EXPR$%u", list->count));
}

static void add_items(select_list *list, const ps_ast_select *select)
{
    for (uint32_t i = 0; i < select->item_count; i++) {
        const ps_ast_item *item = &select->items[i];
        if (item->expr->kind == PS_AST_EXPR_STAR) {
            add_star(list, item->expr);
        } else {
            const ps_expr *expr = ps_bind_expr(&list->context, item->expr);
            list_add(list, expr, item_name(list, item), item->expr->at);
        }
    }
    list->visible_count = list->count;
}

/* ── ORDER BY ── */

static uint32_t order_by_alias(const select_list *list, const ps_ast_expr *expr)
{
    if (expr->kind != PS_AST_EXPR_NAME || expr->path.count != 1) {
        return PS_NO_COLUMN;
    }
    for (uint32_t i = 0; i < list->visible_count; i++) {
        if (ps_slice_equal(list->names[i], name_slice(&expr->path.items[0]))) {
            return i;
        }
    }
    return PS_NO_COLUMN;
}

static uint32_t order_by_number(const select_list *list, const ps_ast_expr *expr)
{
    uint64_t number;
    if (expr->kind != PS_AST_EXPR_LITERAL || expr->literal.kind != PS_AST_LITERAL_INTEGER) {
        return PS_NO_COLUMN;
    }
    if (!ps_parse_u64(expr->literal.text, &number) || number == 0 || number > list->visible_count) {
        ps_plan_fail(list->context.binder->plan, PS_E_INVALID, expr->at,
                     "ORDER BY %s: the SELECT list has %u columns", expr->literal.text.data,
                     list->visible_count);
    }
    return (uint32_t)number - 1;
}

static uint32_t order_by_expr(select_list *list, const ps_ast_expr *ast)
{
    const ps_expr *expr = ps_bind_expr(&list->context, ast);
    for (uint32_t i = 0; i < list->count; i++) {
        if (ps_expr_equal(list->exprs[i], expr)) {
            return i;
        }
    }
    list_add(list, expr, ps_plan_print(list->context.binder->plan, "$s%u", list->count), ast->at);
    return list->count - 1;
}

static ps_sort_key *add_order(select_list *list, const ps_ast_orders *order_by)
{
    ps_sort_key *sort = PS_PLAN_ARRAY(list->context.binder->plan, ps_sort_key, order_by->count);
    for (uint32_t i = 0; i < order_by->count; i++) {
        const ps_ast_order *order = &order_by->items[i];
        uint32_t column = order_by_number(list, order->expr);
        column = column == PS_NO_COLUMN ? order_by_alias(list, order->expr) : column;
        column = column == PS_NO_COLUMN ? order_by_expr(list, order->expr) : column;
        sort[i] = (ps_sort_key){.column = column,
                                .is_descending = order->is_descending,
                                .nulls_last = ps_order_nulls_last(order)};
    }
    return sort;
}

/* ── the steps ── */

static bool is_grouped(const ps_plan *plan, const ps_ast_select *select,
                       const ps_ast_orders *order_by)
{
    bool grouped = select->has_group_by || select->having != NULL;
    for (uint32_t i = 0; i < select->item_count && !grouped; i++) {
        grouped = ps_bind_has_aggregate(plan, select->items[i].expr);
    }
    for (uint32_t i = 0; i < order_by->count && !grouped; i++) {
        grouped = ps_bind_has_aggregate(plan, order_by->items[i].expr);
    }
    return grouped;
}

static void place_over(ps_bind_context *context, const ps_bound_group *group)
{
    ps_bound_over *over = context->over;
    for (uint32_t i = 0; over != NULL && i < over->partition_count; i++) {
        over->partition[i] = ps_bind_grouped(context, group, over->partition[i], over->at);
    }
    for (uint32_t i = 0; over != NULL && i < over->sort_count; i++) {
        over->sort[i] = ps_bind_grouped(context, group, over->sort[i], over->at);
    }
    for (uint32_t i = 0; i < context->over_count; i++) {
        ps_bound_call *call = &context->overs[i];
        for (uint32_t j = 0; j < call->argument_count; j++) {
            call->arguments[j] = ps_bind_grouped(context, group, call->arguments[j], over->at);
        }
    }
}

static ps_rel *aggregate_list(select_list *list, const ps_ast_select *select,
                              const ps_group_sets *groups, ps_sql_span at)
{
    ps_bind_context *context = &list->context;
    ps_plan *plan = context->binder->plan;
    const ps_expr *having = NULL;
    if (select->having != NULL) {
        context->clause = "HAVING";
        context->takes_overs = false;
        having = ps_bind_condition(context, select->having);
        context->takes_overs = true;
    }
    ps_bound_group group = ps_bind_aggregate(context, groups, at);
    for (uint32_t i = 0; i < list->count; i++) {
        list->exprs[i] = ps_bind_grouped(context, &group, list->exprs[i], list->spans[i]);
    }
    place_over(context, &group);
    if (having != NULL) {
        having = ps_bind_grouped(context, &group, having, select->having->at);
    }
    return ps_rel_filter(plan, group.rel, having);
}

static void note_hints(ps_binder *binder, const ps_ast_hints *hints)
{
    for (uint32_t i = 0; i < hints->count && binder->note != NULL; i++) {
        const char *name = hints->items[i].name.text;
        if (strcmp(name, "STATE_TTL") != 0 && strcmp(name, "LOOKUP") != 0) {
            binder->note(binder->note_with, hints->items[i].name.at, "unknown-hint",
                         "this hint is ignored");
        }
    }
}

ps_bound_select ps_bind_select(ps_binder *binder, const ps_ast_select *select,
                               const ps_ast_orders *order_by, ps_scope *outer)
{
    ps_plan *plan = binder->plan;
    ps_sql_span at = select->items[0].expr->at;
    ps_scope *scope;
    if (select->from != NULL) {
        scope = ps_bind_from(binder, select->from, outer);
    } else {
        scope = ps_scope_new(binder, ps_bind_one_row(plan, at), (ps_slice){NULL, 0}, outer);
        scope->tables[0].count = 0;
    }
    note_hints(binder, &select->hints);
    if (select->qualify != NULL) {
        ps_plan_refuse(plan, select->qualify->at, "QUALIFY");
    }
    select_list list = {.context = {.binder = binder, .scope = scope, .select = select},
                        .capacity = PS_COLUMN_COUNT_MAX};
    list.exprs = PS_PLAN_ARRAY(plan, const ps_expr *, list.capacity);
    list.names = PS_PLAN_ARRAY(plan, ps_slice, list.capacity);
    list.spans = PS_PLAN_ARRAY(plan, ps_sql_span, list.capacity);
    list.context.takes_subqueries = true;
    if (select->where != NULL) {
        list.context.clause = "WHERE";
        ps_bind_where(&list.context, select->where);
    }
    bool grouped = is_grouped(plan, select, order_by);
    ps_group_sets groups = {0};
    if (grouped) {
        list.context.clause = "GROUP BY";
        groups = ps_bind_groups(&list.context, select);
    }
    list.context.clause = "SELECT";
    list.context.takes_aggregates = grouped;
    list.context.takes_overs = true;
    list.context.takes_subqueries = !grouped;
    add_items(&list, select);
    list.context.clause = "ORDER BY";
    ps_sort_key *sort = add_order(&list, order_by);
    ps_rel *rel = scope->rel;
    if (grouped) {
        rel = aggregate_list(&list, select, &groups, at);
    }
    if (list.context.over_count > 0) {
        ps_rel *over = ps_bind_overs(&list.context, rel, at);
        for (uint32_t i = 0; i < list.count; i++) {
            list.exprs[i] = ps_bind_over_placed(&list.context, over, list.exprs[i]);
        }
        rel = over;
    }
    rel = ps_rel_calc(plan, at, rel, NULL, list.count, list.exprs, list.names);
    if (select->is_distinct) {
        if (list.count > list.visible_count) {
            ps_plan_fail(plan, PS_E_INVALID, list.spans[list.visible_count],
                         "with SELECT DISTINCT, ORDER BY may name columns of the SELECT list "
                         "only");
        }
        rel = ps_bind_distinct(plan, rel);
    }
    return (ps_bound_select){rel, list.visible_count, order_by->count, sort};
}
