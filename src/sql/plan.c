#include "sql/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "expr/function.h"

void ps_plan_fail(ps_plan *plan, ps_code code, ps_sql_span at, const char *format, ...)
{
    char text[PS_SQL_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)ps_sql_error_set(plan->error, code, at, "%s", text);
    longjmp(*plan->failed, 1);
}

void ps_plan_fail_hint(ps_plan *plan, ps_sql_span at, const char *hint, const char *format, ...)
{
    char text[PS_SQL_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)ps_sql_error_set(plan->error, PS_E_INVALID, at, "%s", text);
    (void)ps_sql_error_hint(plan->error, "%s", hint);
    longjmp(*plan->failed, 1);
}

void ps_plan_refuse(ps_plan *plan, ps_sql_span at, const char *what)
{
    ps_plan_fail(plan, PS_E_UNSUPPORTED, at, "%s is not supported yet", what);
}

void ps_plan_check(ps_plan *plan, ps_code code, const ps_error *err, ps_sql_span at)
{
    if (code != PS_OK) {
        ps_plan_fail(plan, code, at, "%s", err->text);
    }
}

void *ps_plan_take(ps_plan *plan, size_t count, size_t size)
{
    void *memory = count <= SIZE_MAX / size ? ps_arena_take(plan->arena, count * size) : NULL;
    if (memory == NULL) {
        ps_plan_fail(
            plan, PS_E_LIMIT, (ps_sql_span){0},
            "the statement is too big: its plan takes more memory than a session may have");
    }
    return memory;
}

ps_slice ps_plan_print(ps_plan *plan, const char *format, ...)
{
    char text[PS_SQL_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof text) {
        size = (int)sizeof text - 1;
    }
    char *copy = ps_plan_take(plan, (size_t)size + 1, 1);
    memcpy(copy, text, (size_t)size);
    return ps_slice_of(copy, (size_t)size);
}

void ps_plan_list_add(ps_plan *plan, ps_plan_list *list, const void *item)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        const void **items = PS_PLAN_ARRAY(plan, const void *, capacity);
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof *items);
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

/* ── expressions ── */

static const ps_expr *expr_checked(ps_plan *plan, const ps_expr *expr)
{
    if (expr == NULL) {
        ps_plan_fail(plan, PS_E_LIMIT, (ps_sql_span){0}, "no memory for an expression");
    }
    return expr;
}

const ps_expr *ps_plan_column(ps_plan *plan, uint32_t column, const ps_type *type)
{
    return expr_checked(plan, ps_expr_column(plan->expressions, column, type));
}

const ps_expr *ps_plan_constant(ps_plan *plan, const ps_type *type, ps_value value)
{
    return expr_checked(plan, ps_expr_constant(plan->expressions, type, value));
}

const ps_expr *ps_plan_call(ps_plan *plan, ps_sql_span at, const char *name, uint32_t count,
                            const ps_expr *const *arguments)
{
    const ps_expr *out = NULL;
    ps_error err;
    ps_plan_check(plan, ps_expr_call(plan->expressions, name, count, arguments, &out, &err), &err,
                  at);
    return out;
}

const ps_expr *ps_plan_coerce(ps_plan *plan, ps_sql_span at, const ps_expr *expr,
                              const ps_type *type)
{
    const ps_expr *out = NULL;
    ps_error err;
    ps_plan_check(plan, ps_expr_coerce(plan->expressions, expr, type, &out, &err), &err, at);
    return out;
}

const ps_expr *ps_plan_substitute(ps_plan *plan, const ps_expr *expr, const ps_expr *const *columns)
{
    return expr_checked(plan, ps_expr_substitute(plan->expressions, expr, columns));
}

const ps_expr *ps_plan_renumber(ps_plan *plan, const ps_expr *expr, const uint32_t *map)
{
    if (expr->kind == PS_EXPR_CONSTANT) {
        return expr;
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    *copy = *expr;
    if (expr->kind == PS_EXPR_COLUMN) {
        copy->column = map[expr->column];
        PS_ASSERT(copy->column != PS_NO_COLUMN);
        return copy;
    }
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = ps_plan_renumber(plan, expr->arguments[i], map);
    }
    copy->arguments = arguments;
    return copy;
}

const ps_expr *ps_plan_and(ps_plan *plan, const ps_expr *a, const ps_expr *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    return ps_plan_call(plan, (ps_sql_span){0}, "AND", 2, (const ps_expr *[]){a, b});
}

bool ps_plan_is_call(const ps_expr *expr, const char *name)
{
    return expr->kind == PS_EXPR_CALL &&
           strcasecmp(ps_function_entry_of(expr->function)->name, name) == 0;
}

bool ps_plan_is_true(const ps_expr *expr)
{
    return expr->kind == PS_EXPR_CONSTANT && expr->type->kind == PS_TYPE_BOOLEAN &&
           !expr->constant.is_null && expr->constant.i64 != 0;
}

void ps_plan_conjuncts(ps_plan *plan, const ps_expr *condition, ps_plan_list *out)
{
    if (condition == NULL || ps_plan_is_true(condition)) {
        return;
    }
    if (ps_plan_is_call(condition, "AND")) {
        for (uint32_t i = 0; i < condition->argument_count; i++) {
            ps_plan_conjuncts(plan, condition->arguments[i], out);
        }
        return;
    }
    ps_plan_list_add(plan, out, condition);
}

const ps_expr *ps_plan_and_all(ps_plan *plan, const ps_plan_list *conjuncts)
{
    const ps_expr *all = NULL;
    for (uint32_t i = 0; i < conjuncts->count; i++) {
        all = ps_plan_and(plan, all, conjuncts->items[i]);
    }
    return all;
}

typedef struct {
    uint32_t from, to;
    bool outside;
} range_check;

static void range_visit(uint32_t column, void *with)
{
    range_check *check = with;
    check->outside |= column < check->from || column >= check->to;
}

bool ps_plan_reads_only(const ps_expr *expr, uint32_t from, uint32_t to)
{
    range_check check = {from, to, false};
    ps_expr_columns(expr, range_visit, &check);
    return !check.outside;
}

static void mark_visit(uint32_t column, void *with)
{
    ((bool *)with)[column] = true;
}

void ps_plan_mark(const ps_expr *expr, bool *needed)
{
    if (expr != NULL) {
        ps_expr_columns(expr, mark_visit, needed);
    }
}
