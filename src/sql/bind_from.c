/* FROM: tables, views, WITH queries, window functions, joins, UNNEST. */
#include <strings.h>

#include "sql/bind.h"

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

ps_scope *ps_scope_new(ps_binder *binder, ps_rel *rel, ps_slice name, ps_scope *outer)
{
    ps_scope *scope = PS_PLAN_NEW(binder->plan, ps_scope);
    scope->rel = rel;
    scope->outer = outer;
    scope->table_count = 1;
    scope->tables = PS_PLAN_NEW(binder->plan, ps_scope_table);
    scope->tables[0] = (ps_scope_table){name, 0, rel->column_count};
    return scope;
}

ps_rel *ps_bind_renamed(ps_plan *plan, ps_rel *input, const ps_ast_names *names, ps_sql_span at)
{
    if (names->count == 0) {
        return input;
    }
    if (names->count != input->column_count) {
        ps_plan_fail(plan, PS_E_INVALID, at, "%u column names are given for %u columns",
                     names->count, input->column_count);
    }
    ps_slice *slices = PS_PLAN_ARRAY(plan, ps_slice, names->count);
    for (uint32_t i = 0; i < names->count; i++) {
        slices[i] = name_slice(&names->items[i]);
    }
    return ps_rel_calc(plan, at, input, NULL, names->count, ps_rel_identity(plan, input, 0),
                       slices);
}

ps_rel *ps_bind_coerced(ps_plan *plan, ps_rel *rel, const ps_type *const *types, ps_sql_span at)
{
    const ps_expr **outputs = ps_rel_identity(plan, rel, 0);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, rel->column_count);
    bool changes = false;
    for (uint32_t i = 0; i < rel->column_count; i++) {
        const ps_expr *coerced = ps_plan_coerce(plan, at, outputs[i], types[i]);
        changes = changes || coerced != outputs[i];
        outputs[i] = coerced;
        names[i] = rel->columns[i].name;
    }
    return changes ? ps_rel_calc(plan, at, rel, NULL, rel->column_count, outputs, names) : rel;
}

ps_rel *ps_bind_one_row(ps_plan *plan, ps_sql_span at)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_VALUES, at, 0, 1);
    const ps_type *type = ps_type_simple(plan->arena, PS_TYPE_INT, false);
    rel->columns[0] = (ps_rel_column){.name = PS_SLICE("ZERO"), .type = type};
    rel->values = (ps_values_spec){1, PS_PLAN_ARRAY(plan, ps_value, 1)};
    return rel;
}

/* ── tables ── */

static ps_rel *scan(ps_plan *plan, const ps_table *table, ps_sql_span at)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_SCAN, at, 0, table->column_count);
    rel->scan.table = table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const ps_table_column *column = &table->columns[i];
        rel->columns[i] = (ps_rel_column){.name = column->name, .type = column->type};
        if (i == table->watermark_column) {
            rel->columns[i].time = PS_TIME_ROW;
        } else if (column->kind == PS_AST_COLUMN_COMPUTED &&
                   ps_rel_is_proctime_call(column->expr)) {
            rel->columns[i].time = PS_TIME_PROCESSING;
        }
    }
    return rel;
}

static void go_deeper(ps_binder *binder, ps_sql_span at)
{
    if (++binder->depth > PS_BIND_DEPTH_MAX) {
        ps_plan_fail(binder->plan, PS_E_LIMIT, at,
                     "views and subqueries are more than %d deep inside each other",
                     PS_BIND_DEPTH_MAX);
    }
}

static ps_rel *bind_view(ps_binder *binder, const ps_table *view, ps_sql_span at)
{
    const ps_with *with = binder->with;
    go_deeper(binder, at);
    binder->with = NULL;
    ps_rel *rel = ps_bind_query(binder, view->query, NULL);
    binder->with = with;
    binder->depth--;
    return ps_bind_renamed(binder->plan, rel, &view->view_columns, at);
}

static ps_rel *bind_with(ps_binder *binder, const ps_with *found, ps_sql_span at)
{
    const ps_with *with = binder->with;
    go_deeper(binder, at);
    binder->with = found->visible;
    ps_rel *rel = ps_bind_query(binder, found->item->query, NULL);
    binder->with = with;
    binder->depth--;
    return ps_bind_renamed(binder->plan, rel, &found->item->columns, at);
}

static const ps_with *find_with(const ps_binder *binder, const ps_ast_names *path)
{
    if (path->count != 1) {
        return NULL;
    }
    for (const ps_with *with = binder->with; with != NULL; with = with->next) {
        if (ps_slice_equal(name_slice(&with->item->name), name_slice(&path->items[0]))) {
            return with;
        }
    }
    return NULL;
}

static const ps_table *with_hints(ps_binder *binder, const ps_table *table,
                                  const ps_ast_hints *hints)
{
    for (uint32_t i = 0; hints != NULL && i < hints->count; i++) {
        const ps_ast_hint *hint = &hints->items[i];
        if (strcasecmp(hint->name.text, "OPTIONS") == 0) {
            table = ps_table_with_options(binder->plan, table, &hint->options);
        } else if (binder->note != NULL) {
            binder->note(binder->note_with, hint->name.at, "unknown-hint", "this hint is ignored");
        }
    }
    return table;
}

ps_rel *ps_bind_table(ps_binder *binder, const ps_ast_names *path, const ps_ast_hints *hints)
{
    ps_sql_span at = path->items[0].at;
    const ps_with *with = find_with(binder, path);
    at.end = path->items[path->count - 1].at.end;
    if (with != NULL) {
        return bind_with(binder, with, at);
    }
    const ps_table *late = ps_table_late(binder->plan, path);
    if (late != NULL) {
        return scan(binder->plan, late, at);
    }
    const ps_table *table = ps_catalog_get(binder->plan, path);
    if (table->is_view) {
        return bind_view(binder, table, at);
    }
    return scan(binder->plan, with_hints(binder, table, hints), at);
}

/* ── joins ── */

static ps_join_kind join_kind(ps_ast_join_kind kind)
{
    switch (kind) {
    case PS_AST_JOIN_LEFT:
        return PS_JOIN_LEFT;
    case PS_AST_JOIN_RIGHT:
        return PS_JOIN_RIGHT;
    case PS_AST_JOIN_FULL:
        return PS_JOIN_FULL;
    case PS_AST_JOIN_INNER:
    case PS_AST_JOIN_CROSS:
    case PS_AST_JOIN_COMMA:
        return PS_JOIN_INNER;
    }
    PS_ASSERT(false);
    return PS_JOIN_INNER;
}

static void make_nullable(ps_plan *plan, ps_rel_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        columns[i].type = ps_type_with_nullable(plan->arena, columns[i].type, true);
    }
}

static ps_rel *join_rel(ps_plan *plan, ps_join_kind kind, ps_rel *left, ps_rel *right,
                        ps_sql_span at)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_JOIN, at, 2, left->column_count + right->column_count);
    rel->inputs[0] = left;
    rel->inputs[1] = right;
    rel->join.kind = kind;
    memcpy(rel->columns, left->columns, left->column_count * sizeof *rel->columns);
    memcpy(rel->columns + left->column_count, right->columns,
           right->column_count * sizeof *rel->columns);
    if (kind == PS_JOIN_LEFT || kind == PS_JOIN_FULL) {
        make_nullable(plan, rel->columns + left->column_count, right->column_count);
    }
    if (kind == PS_JOIN_RIGHT || kind == PS_JOIN_FULL) {
        make_nullable(plan, rel->columns, left->column_count);
    }
    return rel;
}

/* The names of both sides, over the joined columns. */
static ps_scope *join_scope(ps_binder *binder, const ps_scope *left, const ps_scope *right,
                            ps_rel *rel)
{
    ps_plan *plan = binder->plan;
    ps_scope *scope = PS_PLAN_NEW(plan, ps_scope);
    uint32_t shift = left->rel->column_count;
    scope->rel = rel;
    scope->outer = left->outer;
    scope->tables = PS_PLAN_ARRAY(plan, ps_scope_table, left->table_count + right->table_count);
    for (uint32_t i = 0; i < left->table_count + right->table_count; i++) {
        bool is_left = i < left->table_count;
        scope->tables[i] = is_left ? left->tables[i] : right->tables[i - left->table_count];
        scope->tables[i].first += is_left ? 0 : shift;
    }
    scope->table_count = left->table_count + right->table_count;
    if (right->merged_count > 0) {
        ps_plan_refuse(plan, rel->at, "USING or NATURAL inside the right side of a join");
    }
    scope->merged_count = left->merged_count;
    scope->merged = left->merged;
    return scope;
}

/* The expression of one side in a join on a common name; its numbering is the joined one. */
static const ps_expr *common_side(ps_plan *plan, const ps_scope *side, const ps_ast_name *name,
                                  const ps_rel *rel, uint32_t shift)
{
    const ps_expr *expr = ps_scope_column(plan, side, name);
    if (expr == NULL) {
        ps_plan_fail(plan, PS_E_MISSING, name->at, "column '%s' not found in any table",
                     name->text);
    }
    if (expr->kind != PS_EXPR_COLUMN) {
        ps_plan_refuse(plan, name->at, "USING over the result of a FULL JOIN USING");
    }
    return ps_plan_column(plan, expr->column + shift, rel->columns[expr->column + shift].type);
}

static void join_common(ps_binder *binder, ps_scope *scope, const ps_scope *left,
                        const ps_scope *right, const ps_ast_names *names)
{
    ps_plan *plan = binder->plan;
    ps_rel *rel = scope->rel;
    uint32_t left_count = left->rel->column_count;
    ps_scope_merged *merged =
        PS_PLAN_ARRAY(plan, ps_scope_merged, scope->merged_count + names->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        const ps_ast_name *name = &names->items[i];
        const ps_expr *sides[2];
        sides[0] = common_side(plan, left, name, rel, 0);
        sides[1] = common_side(plan, right, name, rel, left_count);
        rel->join.condition =
            ps_plan_and(plan, rel->join.condition, ps_plan_call(plan, name->at, "=", 2, sides));
        const ps_expr *one = rel->join.kind == PS_JOIN_RIGHT ? sides[1] : sides[0];
        if (rel->join.kind == PS_JOIN_FULL) {
            one = ps_plan_call(plan, name->at, "COALESCE", 2, sides);
        }
        merged[count++] =
            (ps_scope_merged){name_slice(name), one, sides[0]->column, sides[1]->column};
    }
    for (uint32_t i = 0; i < scope->merged_count; i++) { /* those not joined on again */
        bool again = false;
        for (uint32_t j = 0; j < names->count; j++) {
            again = again || ps_slice_equal(scope->merged[i].name, merged[j].name);
        }
        if (!again) {
            merged[count++] = scope->merged[i];
        } else { /* the older pair stays hidden */
            merged[count] = scope->merged[i];
            merged[count++].name = (ps_slice){NULL, 0};
        }
    }
    scope->merged = merged;
    scope->merged_count = count;
}

static ps_ast_names natural_names(ps_binder *binder, const ps_scope *left, const ps_scope *right)
{
    ps_plan *plan = binder->plan;
    ps_ast_names names = {0, PS_PLAN_ARRAY(plan, ps_ast_name, right->rel->column_count)};
    for (uint32_t i = 0; i < right->rel->column_count; i++) {
        ps_slice name = right->rel->columns[i].name;
        for (uint32_t j = 0; j < left->rel->column_count; j++) {
            if (ps_slice_equal(left->rel->columns[j].name, name) && !ps_scope_is_hidden(left, j)) {
                ps_slice copy = ps_plan_print(plan, "%.*s", (int)name.size, name.data);
                names.items[names.count++] =
                    (ps_ast_name){.text = copy.data, .size = (uint32_t)copy.size};
                break;
            }
        }
    }
    return names;
}

/* JOIN t FOR SYSTEM_TIME AS OF l.ts: which kind, by the attribute. */
static void bind_as_of(ps_binder *binder, ps_rel *rel, ps_scope *left, const ps_ast_from *right)
{
    ps_plan *plan = binder->plan;
    const ps_ast_expr *as_of = right->table.system_time;
    ps_bind_context context = {.binder = binder, .scope = left, .clause = "FOR SYSTEM_TIME"};
    const ps_expr *time = ps_bind_expr(&context, as_of);
    const ps_rel *table = rel->inputs[1];
    if (rel->join.kind != PS_JOIN_INNER && rel->join.kind != PS_JOIN_LEFT) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "a join FOR SYSTEM_TIME AS OF can be INNER or LEFT only");
    }
    bool is_column = time->kind == PS_EXPR_COLUMN && time->column < PS_BIND_AGGREGATE;
    ps_time_attribute attribute = is_column ? left->rel->columns[time->column].time
                                  : ps_rel_is_proctime_call(time) ? PS_TIME_PROCESSING
                                                                  : PS_TIME_NONE;
    if (attribute == PS_TIME_NONE) {
        ps_plan_fail(plan, PS_E_INVALID, as_of->at,
                     "FOR SYSTEM_TIME AS OF needs a time attribute of the left side");
    }
    rel->join.as_of = is_column ? time->column : 0;
    rel->join.temporal = attribute == PS_TIME_ROW ? PS_TEMPORAL_ROWTIME : PS_TEMPORAL_PROCTIME;
    if (rel->join.temporal == PS_TEMPORAL_PROCTIME &&
        (table->kind != PS_REL_SCAN ||
         !ps_table_find_traits(plan, table->scan.table, right->at).is_bounded)) {
        ps_plan_fail_hint(plan, right->at, "use event time: FOR SYSTEM_TIME AS OF a rowtime",
                          "a processing-time temporal join needs a bounded table to look up in");
    }
}

static ps_scope *bind_unnest(ps_binder *binder, ps_scope *left, const ps_ast_from *from,
                             bool is_left);

static bool is_on_true(const ps_ast_expr *on)
{
    return on == NULL ||
           (on->kind == PS_AST_EXPR_LITERAL && on->literal.kind == PS_AST_LITERAL_TRUE);
}

/* JOIN LATERAL (query): the query's conditions on the left side become those of the join. */
static ps_scope *bind_lateral(ps_binder *binder, ps_scope *left, const ps_ast_join *join,
                              ps_join_kind kind)
{
    ps_plan *plan = binder->plan;
    const ps_ast_from *from = join->right;
    const ps_expr *condition = NULL;
    if (from->kind != PS_AST_FROM_QUERY || (kind != PS_JOIN_INNER && kind != PS_JOIN_LEFT)) {
        ps_plan_refuse(plan, from->at, "LATERAL other than JOIN LATERAL (query)");
    }
    ps_rel *inner = ps_bind_inner(binder, left, from->query, from->at, &condition);
    ps_slice name = ps_slice_of(from->alias.text, from->alias.size);
    if (from->columns.count > 0) {
        ps_plan_refuse(plan, from->at, "column names behind LATERAL");
    }
    ps_scope *right = ps_scope_new(binder, inner, name, NULL);
    ps_rel *rel = join_rel(plan, kind, left->rel, inner, from->at);
    ps_scope *scope = join_scope(binder, left, right, rel);
    rel->join.condition = condition;
    if (join->on != NULL) {
        ps_bind_context context = {.binder = binder, .scope = scope, .clause = "ON"};
        rel->join.condition = ps_plan_and(plan, condition, ps_bind_condition(&context, join->on));
    }
    return scope;
}

static ps_scope *bind_join(ps_binder *binder, const ps_ast_from *from, ps_scope *outer)
{
    ps_plan *plan = binder->plan;
    const ps_ast_join *join = &from->join;
    ps_join_kind kind = join_kind(join->kind);
    ps_scope *left = ps_bind_from(binder, join->left, outer);
    if (join->right->kind == PS_AST_FROM_UNNEST) {
        if (!is_on_true(join->on) || (kind != PS_JOIN_INNER && kind != PS_JOIN_LEFT)) {
            ps_plan_refuse(plan, join->right->at, "UNNEST joined ON a condition other than TRUE");
        }
        return bind_unnest(binder, left, join->right, kind == PS_JOIN_LEFT);
    }
    if (join->right->is_lateral) {
        return bind_lateral(binder, left, join, kind);
    }
    ps_scope *right = ps_bind_from(binder, join->right, outer);
    ps_rel *rel = join_rel(plan, kind, left->rel, right->rel, join->right->at);
    ps_scope *scope = join_scope(binder, left, right, rel);
    if (join->right->kind == PS_AST_FROM_TABLE && join->right->table.system_time != NULL) {
        bind_as_of(binder, rel, left, join->right);
    }
    if (join->using.count > 0) {
        join_common(binder, scope, left, right, &join->using);
    } else if (join->is_natural) {
        ps_ast_names names = natural_names(binder, left, right);
        join_common(binder, scope, left, right, &names);
    }
    if (join->on != NULL) {
        ps_bind_context context = {.binder = binder, .scope = scope, .clause = "ON"};
        rel->join.condition = ps_bind_condition(&context, join->on);
    }
    return scope;
}

/* ── UNNEST ── */

static void unnest_columns(ps_plan *plan, ps_rel *rel, uint32_t first, const ps_type *collection,
                           const ps_ast_from *from)
{
    const ps_type *element = collection->children[0];
    ps_rel_column *columns = rel->columns + first;
    bool is_outer = rel->unnest.is_left;
    uint32_t count = 1;
    if (collection->kind == PS_TYPE_MAP) {
        columns[0] = (ps_rel_column){.name = PS_SLICE("KEY"), .type = element};
        columns[1] = (ps_rel_column){.name = PS_SLICE("VALUE"), .type = collection->children[1]};
        count = 2;
    } else if (element->kind == PS_TYPE_ROW) {
        count = element->child_count;
        for (uint32_t i = 0; i < count; i++) {
            columns[i] = (ps_rel_column){
                .name = element->field_names[i],
                .type = ps_type_with_nullable(plan->arena, element->children[i],
                                              element->children[i]->nullable || element->nullable)};
        }
    } else {
        ps_slice name = from->alias.size > 0 ? name_slice(&from->alias) : PS_SLICE("EXPR$0");
        columns[0] = (ps_rel_column){.name = name, .type = element};
    }
    rel->unnest.element_column_count = count;
    if (rel->unnest.with_ordinality) {
        columns[count] = (ps_rel_column){.name = PS_SLICE("ORDINALITY"),
                                         .type = ps_type_simple(plan->arena, PS_TYPE_INT, false)};
    }
    if (is_outer) {
        make_nullable(plan, columns, count + (rel->unnest.with_ordinality ? 1 : 0));
    }
    rel->column_count = first + count + (rel->unnest.with_ordinality ? 1 : 0);
}

static ps_scope *bind_unnest(ps_binder *binder, ps_scope *left, const ps_ast_from *from,
                             bool is_left)
{
    ps_plan *plan = binder->plan;
    ps_bind_context context = {.binder = binder, .scope = left, .clause = "UNNEST"};
    const ps_expr *collection = ps_bind_expr(&context, from->unnest.expr);
    uint32_t first = left->rel->column_count;
    if (collection->type->kind != PS_TYPE_ARRAY && collection->type->kind != PS_TYPE_MAP) {
        ps_plan_fail(plan, PS_E_INVALID, from->unnest.expr->at, "UNNEST takes an ARRAY or a MAP");
    }
    const ps_type *element = collection->type->children[0];
    uint32_t room = element->kind == PS_TYPE_ROW ? element->child_count : 2;
    ps_rel *rel = ps_rel_new(plan, PS_REL_UNNEST, from->at, 1, first + room + 1);
    rel->inputs[0] = left->rel;
    rel->unnest.collection = collection;
    rel->unnest.is_left = is_left;
    rel->unnest.with_ordinality = from->unnest.with_ordinality;
    memcpy(rel->columns, left->rel->columns, first * sizeof *rel->columns);
    unnest_columns(plan, rel, first, collection->type, from);
    uint32_t count = rel->column_count - first;
    if (from->columns.count > 0 && from->columns.count != count) {
        ps_plan_fail(plan, PS_E_INVALID, from->at, "%u column names are given for %u columns",
                     from->columns.count, count);
    }
    for (uint32_t i = 0; i < from->columns.count; i++) {
        rel->columns[first + i].name = name_slice(&from->columns.items[i]);
    }
    ps_scope *scope = PS_PLAN_NEW(plan, ps_scope);
    *scope = *left;
    scope->rel = rel;
    scope->tables = PS_PLAN_ARRAY(plan, ps_scope_table, left->table_count + 1);
    memcpy(scope->tables, left->tables, left->table_count * sizeof *scope->tables);
    scope->tables[left->table_count] = (ps_scope_table){name_slice(&from->alias), first, count};
    scope->table_count = left->table_count + 1;
    return scope;
}

/* ── all ── */

static ps_scope *named_scope(ps_binder *binder, const ps_ast_from *from, ps_rel *rel,
                             ps_slice own_name, ps_scope *outer)
{
    ps_slice name = from->alias.size > 0 ? name_slice(&from->alias) : own_name;
    rel = ps_bind_renamed(binder->plan, rel, &from->columns, from->at);
    return ps_scope_new(binder, rel, name, outer);
}

ps_scope *ps_bind_from(ps_binder *binder, const ps_ast_from *from, ps_scope *outer)
{
    ps_plan *plan = binder->plan;
    const ps_slice none = {NULL, 0};
    ps_scope *scope;
    switch (from->kind) {
    case PS_AST_FROM_TABLE:
        return named_scope(binder, from,
                           ps_bind_table(binder, &from->table.path, &from->table.hints),
                           name_slice(ps_ast_names_last(&from->table.path)), outer);
    case PS_AST_FROM_QUERY:
        if (from->is_lateral) {
            ps_plan_refuse(plan, from->at, "LATERAL");
        }
        return named_scope(binder, from, ps_bind_query(binder, from->query, NULL), none, outer);
    case PS_AST_FROM_FUNCTION:
        if (from->is_lateral) {
            ps_plan_refuse(plan, from->at, "LATERAL TABLE");
        }
        return named_scope(binder, from, ps_bind_window_function(binder, from->call, NULL), none,
                           outer);
    case PS_AST_FROM_UNNEST:
        scope = ps_scope_new(binder, ps_bind_one_row(plan, from->at), none, outer);
        scope->tables[0].count = 0;
        return bind_unnest(binder, scope, from, false);
    case PS_AST_FROM_JOIN:
        scope = bind_join(binder, from, outer);
        if (from->alias.size > 0) {
            ps_plan_refuse(plan, from->at, "an alias of a join in parentheses");
        }
        return scope;
    case PS_AST_FROM_MATCH:
        return ps_scope_new(binder, ps_bind_match(binder, from), name_slice(&from->alias), outer);
    }
    PS_ASSERT(false);
    return NULL;
}
