/* Expression trees: making, comparing, walking. */
#include "expr/kernel.h"

ps_code ps_expr_no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for an expression");
}

const ps_expr *ps_expr_column(ps_expr_context *context, uint32_t column, const ps_type *type)
{
    ps_expr *expr = ps_arena_take(context->arena, sizeof *expr);
    if (expr != NULL) {
        expr->kind = PS_EXPR_COLUMN;
        expr->type = type;
        expr->column = column;
    }
    return expr;
}

const ps_expr *ps_expr_constant(ps_expr_context *context, const ps_type *type, ps_value value)
{
    ps_expr *expr = ps_arena_take(context->arena, sizeof *expr);
    if (expr != NULL) {
        expr->kind = PS_EXPR_CONSTANT;
        expr->type = type;
        expr->constant = value;
    }
    return expr;
}

const ps_expr *ps_expr_make_call(ps_expr_context *context, const ps_function *function,
                                 const ps_type *type, uint32_t count,
                                 const ps_expr *const *arguments)
{
    ps_expr *expr = ps_arena_take(context->arena, sizeof *expr);
    const ps_expr **copy = ps_arena_take(context->arena, count * sizeof *copy);
    if (expr == NULL || copy == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = arguments[i];
    }
    expr->kind = PS_EXPR_CALL;
    expr->type = type;
    expr->function = function;
    expr->argument_count = count;
    expr->arguments = copy;
    return expr;
}

bool ps_expr_constant_text(const ps_expr *expr, ps_slice *out_text)
{
    if (expr->kind != PS_EXPR_CONSTANT || expr->constant.is_null ||
        ps_type_phys(expr->type) != PS_PHYS_TEXT) {
        return false;
    }
    *out_text = expr->constant.text;
    return true;
}

bool ps_expr_is_null_constant(const ps_expr *expr)
{
    return expr->kind == PS_EXPR_CONSTANT && expr->constant.is_null;
}

static bool constant_equal(const ps_type *type, const ps_value *a, const ps_value *b)
{
    if (a->is_null || b->is_null) {
        return a->is_null && b->is_null;
    }
    switch (ps_type_phys(type)) {
    case PS_PHYS_I64:
        return a->i64 == b->i64;
    case PS_PHYS_F64: /* by bits: 0.0 and -0.0 are two constants */
        return memcmp(&a->f64, &b->f64, sizeof a->f64) == 0;
    case PS_PHYS_I128:
        return a->i128 == b->i128;
    case PS_PHYS_TEXT:
        return ps_slice_equal(a->text, b->text);
    }
    return false;
}

bool ps_expr_equal(const ps_expr *a, const ps_expr *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || !ps_type_equal(a->type, b->type)) {
        return false;
    }
    switch (a->kind) {
    case PS_EXPR_COLUMN:
        return a->column == b->column;
    case PS_EXPR_CONSTANT:
        return constant_equal(a->type, &a->constant, &b->constant);
    case PS_EXPR_CALL:
        break;
    }
    if (a->function != b->function || a->argument_count != b->argument_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->argument_count; i++) {
        if (!ps_expr_equal(a->arguments[i], b->arguments[i])) {
            return false;
        }
    }
    return true;
}

bool ps_expr_is_deterministic(const ps_expr *expr)
{
    if (expr->kind != PS_EXPR_CALL) {
        return true;
    }
    if (!ps_function_entry_of(expr->function)->is_deterministic) {
        return false;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (!ps_expr_is_deterministic(expr->arguments[i])) {
            return false;
        }
    }
    return true;
}

bool ps_expr_reads_watermark(const ps_expr *expr)
{
    if (expr->kind != PS_EXPR_CALL) {
        return false;
    }
    bool reads = strcmp(ps_function_entry_of(expr->function)->name, "CURRENT_WATERMARK") == 0;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        reads = reads || ps_expr_reads_watermark(expr->arguments[i]);
    }
    return reads;
}

bool ps_expr_is_constant(const ps_expr *expr)
{
    if (expr->kind == PS_EXPR_COLUMN) {
        return false;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (!ps_expr_is_constant(expr->arguments[i])) {
            return false;
        }
    }
    return true;
}

void ps_expr_columns(const ps_expr *expr, void (*visit)(uint32_t column, void *with), void *with)
{
    if (expr->kind == PS_EXPR_COLUMN) {
        visit(expr->column, with);
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        ps_expr_columns(expr->arguments[i], visit, with);
    }
}

const ps_expr *ps_expr_substitute(ps_expr_context *context, const ps_expr *expr,
                                  const ps_expr *const *columns)
{
    if (expr->kind == PS_EXPR_COLUMN) {
        return columns[expr->column];
    }
    if (expr->argument_count == 0) {
        return expr;
    }
    const ps_expr **arguments =
        ps_arena_take(context->arena, expr->argument_count * sizeof *arguments);
    if (arguments == NULL) {
        return NULL;
    }
    bool changed = false;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = ps_expr_substitute(context, expr->arguments[i], columns);
        if (arguments[i] == NULL) {
            return NULL;
        }
        changed = changed || arguments[i] != expr->arguments[i];
    }
    return changed ? ps_expr_make_call(context, expr->function, expr->type, expr->argument_count,
                                       arguments)
                   : expr;
}
