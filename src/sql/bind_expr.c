/* Expressions: operators, CASE, CAST, IN, names. Calls: bind_call.c. */
#include <stdio.h>
#include <strings.h>

#include "expr/function.h"
#include "expr/program.h"
#include "sql/bind_match.h"

static const ps_expr *call(ps_bind_context *context, ps_sql_span at, const char *name,
                           uint32_t count, const ps_expr *const *arguments)
{
    return ps_plan_call(context->binder->plan, at, name, count, arguments);
}

static const ps_expr *not_if(ps_bind_context *context, ps_sql_span at, bool is_negated,
                             const ps_expr *expr)
{
    return is_negated ? call(context, at, "NOT", 1, &expr) : expr;
}

/* ── names ── */

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

bool ps_scope_is_hidden(const ps_scope *scope, uint32_t column)
{
    for (uint32_t i = 0; i < scope->merged_count; i++) {
        if (scope->merged[i].left == column || scope->merged[i].right == column) {
            return true;
        }
    }
    return false;
}

/* A column of one table of FROM; PS_NO_COLUMN: none. */
static uint32_t table_column(const ps_scope *scope, const ps_scope_table *table, ps_slice name)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (ps_slice_equal(scope->rel->columns[table->first + i].name, name)) {
            return table->first + i;
        }
    }
    return PS_NO_COLUMN;
}

const ps_expr *ps_scope_column(ps_plan *plan, const ps_scope *scope, const ps_ast_name *name)
{
    uint32_t found = PS_NO_COLUMN;
    for (uint32_t i = 0; i < scope->merged_count; i++) {
        if (ps_slice_equal(scope->merged[i].name, name_slice(name))) {
            return scope->merged[i].expr;
        }
    }
    for (uint32_t i = 0; i < scope->table_count; i++) {
        uint32_t column = table_column(scope, &scope->tables[i], name_slice(name));
        if (column == PS_NO_COLUMN || ps_scope_is_hidden(scope, column)) {
            continue;
        }
        if (found != PS_NO_COLUMN) {
            ps_plan_fail_hint(plan, name->at, "write the table's name before it",
                              "column '%s' is ambiguous", name->text);
        }
        found = column;
    }
    return found == PS_NO_COLUMN ? NULL
                                 : ps_plan_column(plan, found, scope->rel->columns[found].type);
}

static const ps_scope_table *find_table(const ps_scope *scope, ps_slice name)
{
    for (uint32_t i = 0; i < scope->table_count; i++) {
        if (scope->tables[i].name.size > 0 && ps_slice_equal(scope->tables[i].name, name)) {
            return &scope->tables[i];
        }
    }
    return NULL;
}

/* The column that a path begins with in one scope, and how many parts it took. */
static const ps_expr *path_column(ps_bind_context *context, const ps_scope *scope,
                                  const ps_ast_names *path, uint32_t *out_used)
{
    ps_plan *plan = context->binder->plan;
    if (path->count >= 2) {
        const ps_scope_table *table = find_table(scope, name_slice(&path->items[0]));
        uint32_t column =
            table != NULL ? table_column(scope, table, name_slice(&path->items[1])) : PS_NO_COLUMN;
        if (column != PS_NO_COLUMN) {
            *out_used = 2;
            return ps_plan_column(plan, column, scope->rel->columns[column].type);
        }
    }
    *out_used = 1;
    return ps_scope_column(plan, scope, &path->items[0]);
}

const ps_expr *ps_bind_field(ps_bind_context *context, const ps_expr *row, const ps_ast_name *name)
{
    ps_plan *plan = context->binder->plan;
    const ps_expr *out = NULL;
    ps_error err;
    if (row->type->kind != PS_TYPE_ROW) {
        ps_plan_fail(plan, PS_E_INVALID, name->at, "'%s' is taken of a value that is no ROW",
                     name->text);
    }
    for (uint32_t i = 0; i < row->type->child_count; i++) {
        if (ps_slice_equal(row->type->field_names[i], name_slice(name))) {
            ps_plan_check(plan, ps_expr_field(plan->expressions, row, i, &out, &err), &err,
                          name->at);
            return out;
        }
    }
    ps_slice near =
        ps_name_nearest(name_slice(name), row->type->child_count, row->type->field_names);
    ps_slice hint = near.size > 0
                        ? ps_plan_print(plan, "did you mean '%.*s'?", (int)near.size, near.data)
                        : PS_SLICE("");
    ps_plan_fail_hint(plan, name->at, hint.data, "the ROW has no field '%s'", name->text);
}

_Noreturn void ps_bind_no_column(ps_bind_context *context, const ps_ast_names *path)
{
    ps_plan *plan = context->binder->plan;
    const ps_scope *scope = context->scope;
    const ps_ast_name *wanted = &path->items[path->count - 1];
    const ps_scope_table *table =
        path->count >= 2 ? find_table(scope, name_slice(&path->items[0])) : NULL;
    if (path->count >= 2 && table == NULL) {
        ps_plan_fail(plan, PS_E_MISSING, path->items[0].at, "table or column '%s' not found",
                     path->items[0].text);
    }
    wanted = table != NULL ? &path->items[1] : wanted;
    uint32_t count = scope->rel->column_count;
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = scope->rel->columns[i].name;
    }
    ps_slice near = ps_name_nearest(name_slice(wanted), count, names);
    ps_slice hint = near.size > 0
                        ? ps_plan_print(plan, "did you mean '%.*s'?", (int)near.size, near.data)
                        : PS_SLICE("");
    ps_plan_fail_hint(plan, wanted->at, hint.data, "column '%s' not found in any table",
                      wanted->text);
}

const ps_expr *ps_bind_name(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_names *path = &expr->path;
    if (context->match != NULL) {
        return ps_bind_match_name(context, path);
    }
    uint32_t used = 0;
    const ps_expr *found = path_column(context, context->scope, path, &used);
    if (found == NULL && context->scope->outer != NULL) {
        found = path_column(context, context->scope->outer, path, &used);
        if (found != NULL) {
            if (found->kind != PS_EXPR_COLUMN) {
                ps_plan_refuse(plan, expr->at, "a USING column of the enclosing query");
            }
            found = ps_plan_column(plan, PS_BIND_OUTER + found->column, found->type);
        }
    }
    if (found == NULL) {
        ps_bind_no_column(context, path);
    }
    for (; used < path->count; used++) {
        found = ps_bind_field(context, found, &path->items[used]);
    }
    return found;
}

/* ── operators ── */

static const char *op_function(ps_ast_op op)
{
    switch (op) {
    case PS_AST_OP_NOT:
        return "NOT";
    case PS_AST_OP_OR:
        return "OR";
    case PS_AST_OP_AND:
        return "AND";
    case PS_AST_OP_EQ:
        return "=";
    case PS_AST_OP_NE:
        return "<>";
    case PS_AST_OP_LT:
        return "<";
    case PS_AST_OP_LE:
        return "<=";
    case PS_AST_OP_GT:
        return ">";
    case PS_AST_OP_GE:
        return ">=";
    case PS_AST_OP_DISTINCT:
        return "IS DISTINCT FROM";
    case PS_AST_OP_NOT_DISTINCT:
        return "IS NOT DISTINCT FROM";
    case PS_AST_OP_CONCAT:
        return "||";
    case PS_AST_OP_PLUS:
    case PS_AST_OP_ADD:
        return "+";
    case PS_AST_OP_MINUS:
    case PS_AST_OP_SUBTRACT:
        return "-";
    case PS_AST_OP_MULTIPLY:
        return "*";
    case PS_AST_OP_DIVIDE:
        return "/";
    case PS_AST_OP_MODULO:
        return "%";
    }
    PS_ASSERT(false);
    return "";
}

/* -9223372036854775808 is one number, though 9223372036854775808 is no BIGINT. */
static const ps_expr *negative_integer(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_expr *operand = expr->left;
    int64_t value;
    if (operand->kind != PS_AST_EXPR_LITERAL || operand->literal.kind != PS_AST_LITERAL_INTEGER) {
        return NULL;
    }
    ps_slice text = ps_plan_print(plan, "-%s", operand->literal.text.data);
    if (!ps_parse_i64(text, &value)) {
        return NULL;
    }
    const ps_type *type =
        ps_type_simple(plan->arena, value >= INT32_MIN ? PS_TYPE_INT : PS_TYPE_BIGINT, false);
    return ps_plan_constant(plan, type, (ps_value){.i64 = value});
}

static const ps_expr *bind_unary(ps_bind_context *context, const ps_ast_expr *expr)
{
    if (expr->op == PS_AST_OP_MINUS) {
        const ps_expr *number = negative_integer(context, expr);
        if (number != NULL) {
            return number;
        }
    }
    const ps_expr *operand = ps_bind_expr(context, expr->left);
    if (expr->op == PS_AST_OP_PLUS) {
        return operand;
    }
    return call(context, expr->op_at, op_function(expr->op), 1, &operand);
}

static const ps_expr *bind_binary(ps_bind_context *context, const ps_ast_expr *expr)
{
    const ps_expr *sides[2];
    sides[0] = ps_bind_expr(context, expr->left);
    sides[1] = ps_bind_expr(context, expr->right);
    return call(context, expr->op_at, op_function(expr->op), 2, sides);
}

static const ps_expr *bind_is(ps_bind_context *context, const ps_ast_expr *expr)
{
    static const char *const names[][2] = {
        [PS_AST_IS_NULL] = {"IS NULL", "IS NOT NULL"},
        [PS_AST_IS_TRUE] = {"IS TRUE", "IS NOT TRUE"},
        [PS_AST_IS_FALSE] = {"IS FALSE", "IS NOT FALSE"},
        [PS_AST_IS_UNKNOWN] = {"IS UNKNOWN", "IS NOT UNKNOWN"},
        [PS_AST_IS_JSON] = {"IS JSON", "IS NOT JSON"},
        [PS_AST_IS_JSON_OBJECT] = {"IS JSON OBJECT", "IS NOT JSON OBJECT"},
        [PS_AST_IS_JSON_ARRAY] = {"IS JSON ARRAY", "IS NOT JSON ARRAY"},
        [PS_AST_IS_JSON_SCALAR] = {"IS JSON SCALAR", "IS NOT JSON SCALAR"},
    };
    const ps_expr *operand = ps_bind_expr(context, expr->is.operand);
    const char *name = names[expr->is.test][expr->is.is_negated ? 1 : 0];
    if (ps_function_find(name) == NULL) {
        name = names[expr->is.test][0];
        return not_if(context, expr->at, expr->is.is_negated,
                      call(context, expr->at, name, 1, &operand));
    }
    return call(context, expr->at, name, 1, &operand);
}

static const ps_expr *between(ps_bind_context *context, ps_sql_span at, const ps_expr *operand,
                              const ps_expr *low, const ps_expr *high, bool is_negated)
{
    const ps_expr *parts[2];
    parts[0] = call(context, at, is_negated ? "<" : ">=", 2, (const ps_expr *[]){operand, low});
    parts[1] = call(context, at, is_negated ? ">" : "<=", 2, (const ps_expr *[]){operand, high});
    return call(context, at, is_negated ? "OR" : "AND", 2, parts);
}

static const ps_expr *bind_between(ps_bind_context *context, const ps_ast_expr *expr)
{
    const ps_expr *operand = ps_bind_expr(context, expr->between.operand);
    const ps_expr *low = ps_bind_expr(context, expr->between.low);
    const ps_expr *high = ps_bind_expr(context, expr->between.high);
    bool is_negated = expr->between.is_negated;
    const ps_expr *parts[2];
    parts[0] = between(context, expr->at, operand, low, high, is_negated);
    if (!expr->between.is_symmetric) {
        return parts[0];
    }
    parts[1] = between(context, expr->at, operand, high, low, is_negated);
    return call(context, expr->at, is_negated ? "AND" : "OR", 2, parts);
}

static const ps_expr *bind_in(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    uint32_t count = expr->in.items.count;
    if (expr->in.query != NULL) {
        ps_plan_refuse(plan, expr->at, "IN (query) other than as a condition of its own in WHERE");
    }
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, count + 1);
    arguments[0] = ps_bind_expr(context, expr->in.operand);
    for (uint32_t i = 0; i < count; i++) {
        arguments[i + 1] = ps_bind_expr(context, expr->in.items.items[i]);
    }
    return not_if(context, expr->at, expr->in.is_negated,
                  call(context, expr->at, "IN", count + 1, arguments));
}

static const ps_expr *bind_like(ps_bind_context *context, const ps_ast_expr *expr)
{
    const ps_expr *arguments[3];
    uint32_t count = expr->like.escape != NULL ? 3 : 2;
    arguments[0] = ps_bind_expr(context, expr->like.operand);
    arguments[1] = ps_bind_expr(context, expr->like.pattern);
    if (expr->like.escape != NULL) {
        arguments[2] = ps_bind_expr(context, expr->like.escape);
    }
    const char *name = expr->like.kind == PS_AST_LIKE ? "LIKE" : "SIMILAR TO";
    return not_if(context, expr->at, expr->like.is_negated,
                  call(context, expr->at, name, count, arguments));
}

static const ps_expr *bind_case(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    uint32_t branches = expr->cases.branch_count;
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, 2 * branches + 1);
    const ps_expr *operand =
        expr->cases.operand != NULL ? ps_bind_expr(context, expr->cases.operand) : NULL;
    for (uint32_t i = 0; i < branches; i++) {
        const ps_ast_expr *when = expr->cases.branches[i].when;
        arguments[2 * i] = ps_bind_expr(context, when);
        if (operand != NULL) {
            arguments[2 * i] =
                call(context, when->at, "=", 2, (const ps_expr *[]){operand, arguments[2 * i]});
        }
        arguments[2 * i + 1] = ps_bind_expr(context, expr->cases.branches[i].then);
    }
    arguments[2 * branches] =
        expr->cases.otherwise != NULL
            ? ps_bind_expr(context, expr->cases.otherwise)
            : ps_plan_constant(plan, &ps_type_null, (ps_value){.is_null = true});
    return call(context, expr->at, "CASE", 2 * branches + 1, arguments);
}

static const ps_expr *bind_cast(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    const ps_expr *operand = ps_bind_expr(context, expr->cast.operand);
    const ps_expr *out = NULL;
    ps_error err;
    ps_plan_check(plan,
                  ps_expr_cast(plan->expressions, operand, ps_bind_type(plan, expr->cast.type),
                               expr->cast.is_try, &out, &err),
                  &err, expr->at);
    if (out->kind == PS_EXPR_COLUMN) { /* a type of its own says that the attribute is lost */
        ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
        ps_type *type = PS_PLAN_NEW(plan, ps_type);
        *type = *out->type;
        *copy = *out;
        copy->type = type;
        return copy;
    }
    return out;
}

static const ps_expr *bind_items(ps_bind_context *context, const ps_ast_expr *expr,
                                 const char *name)
{
    ps_plan *plan = context->binder->plan;
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->items.count);
    for (uint32_t i = 0; i < expr->items.count; i++) {
        arguments[i] = ps_bind_expr(context, expr->items.items[i]);
    }
    return call(context, expr->at, name, expr->items.count, arguments);
}

static const ps_expr *text_constant(ps_plan *plan, const char *text)
{
    const ps_type *type = ps_type_sized(plan->arena, PS_TYPE_CHAR, (int32_t)strlen(text), false);
    return ps_plan_constant(plan, type, (ps_value){.text = ps_slice_text(text)});
}

static const char *trim_side_name(ps_ast_trim_side side)
{
    switch (side) {
    case PS_AST_TRIM_BOTH:
        return "BOTH";
    case PS_AST_TRIM_LEADING:
        return "LEADING";
    case PS_AST_TRIM_TRAILING:
        return "TRAILING";
    }
    PS_ASSERT(false);
    return "";
}

const ps_expr *ps_bind_expr(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    switch (expr->kind) {
    case PS_AST_EXPR_LITERAL:
        return ps_bind_literal(plan, expr);
    case PS_AST_EXPR_NAME:
        return ps_bind_name(context, expr);
    case PS_AST_EXPR_UNARY:
        return bind_unary(context, expr);
    case PS_AST_EXPR_BINARY:
        return bind_binary(context, expr);
    case PS_AST_EXPR_IS:
        return bind_is(context, expr);
    case PS_AST_EXPR_BETWEEN:
        return bind_between(context, expr);
    case PS_AST_EXPR_IN:
        return bind_in(context, expr);
    case PS_AST_EXPR_LIKE:
        return bind_like(context, expr);
    case PS_AST_EXPR_CASE:
        return bind_case(context, expr);
    case PS_AST_EXPR_CAST:
        return bind_cast(context, expr);
    case PS_AST_EXPR_CALL:
        return ps_bind_call(context, expr);
    case PS_AST_EXPR_FIELD:
        return ps_bind_field(context, ps_bind_expr(context, expr->field.operand),
                             &expr->field.name);
    case PS_AST_EXPR_INDEX:
        return call(context, expr->at, "[]", 2,
                    (const ps_expr *[]){ps_bind_expr(context, expr->index.operand),
                                        ps_bind_expr(context, expr->index.index)});
    case PS_AST_EXPR_ARRAY:
        return bind_items(context, expr, "ARRAY");
    case PS_AST_EXPR_MAP:
        return bind_items(context, expr, "MAP");
    case PS_AST_EXPR_ROW:
        return bind_items(context, expr, "ROW");
    case PS_AST_EXPR_UNIT:
        return text_constant(plan, ps_ast_unit_name(expr->unit));
    case PS_AST_EXPR_TRIM_SIDE:
        return text_constant(plan, trim_side_name(expr->trim_side));
    case PS_AST_EXPR_SUBQUERY:
        return ps_bind_scalar_subquery(context, expr);
    case PS_AST_EXPR_EXISTS:
        ps_plan_refuse(plan, expr->at,
                       "EXISTS (query) other than as a condition of its own in WHERE");
    case PS_AST_EXPR_STAR:
        ps_plan_fail(plan, PS_E_INVALID, expr->at,
                     "* stands for columns only in SELECT and "
                     "COUNT(*)");
    case PS_AST_EXPR_DESCRIPTOR:
    case PS_AST_EXPR_TABLE:
        ps_plan_fail(plan, PS_E_INVALID, expr->at,
                     "this is an argument of a window function in FROM only");
    }
    PS_ASSERT(false);
    return NULL;
}

const ps_expr *ps_bind_condition(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    const ps_expr *bound = ps_bind_expr(context, expr);
    if (bound->type->kind == PS_TYPE_NULL) {
        return ps_plan_coerce(plan, expr->at, bound, &ps_type_boolean);
    }
    if (bound->type->kind != PS_TYPE_BOOLEAN) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "%s must be a condition", context->clause);
    }
    return bound;
}

/* ── constants ── */

int64_t ps_bind_interval_ms(ps_bind_context *context, const ps_ast_expr *expr, const char *what)
{
    ps_plan *plan = context->binder->plan;
    const ps_expr *bound = ps_bind_expr(context, expr);
    if (bound->type->kind == PS_TYPE_INTERVAL_MONTHS) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at,
                     "%s takes SECOND, MINUTE, HOUR and DAY; months and years have no fixed "
                     "length",
                     what);
    }
    if (bound->kind != PS_EXPR_CONSTANT || bound->type->kind != PS_TYPE_INTERVAL_MS ||
        bound->constant.is_null) {
        ps_plan_fail_hint(plan, expr->at, "e.g. INTERVAL '10' SECOND",
                          "%s must be a constant INTERVAL", what);
    }
    return bound->constant.i64;
}

int64_t ps_bind_whole_number(ps_bind_context *context, const ps_ast_expr *expr, const char *what)
{
    const ps_expr *bound = ps_bind_expr(context, expr);
    if (bound->kind != PS_EXPR_CONSTANT || !ps_type_is_integer(bound->type) ||
        bound->constant.is_null || bound->constant.i64 < 0) {
        ps_plan_fail(context->binder->plan, PS_E_INVALID, expr->at,
                     "%s must be a constant whole number", what);
    }
    return bound->constant.i64;
}

void ps_bind_unify(ps_plan *plan, ps_sql_span at, uint32_t count, const ps_expr **exprs,
                   const char *what)
{
    const ps_type *type = exprs[0]->type;
    for (uint32_t i = 1; i < count; i++) {
        type = ps_type_common(plan->arena, type, exprs[i]->type);
        if (type == NULL) {
            ps_plan_fail(plan, PS_E_INVALID, at, "%s have types that do not go together", what);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = ps_plan_coerce(plan, at, exprs[i], type);
    }
}
