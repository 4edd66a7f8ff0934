#include "cep/condition_split.h"

#include <string.h>

#include "expr/function.h"

static bool is_and(const ps_expr *expr)
{
    return expr->kind == PS_EXPR_CALL &&
           strcmp(ps_function_entry_of(expr->function)->name, "AND") == 0;
}

/* In order; what does not fit stays whole. */
static void split(const ps_expr *expr, ps_cep_conjuncts *out)
{
    out->count = 1;
    out->items[0] = expr;
    for (uint32_t i = 0; i < out->count;) {
        const ps_expr *item = out->items[i];
        if (!is_and(item) || out->count + item->argument_count > PS_CEP_CONJUNCTS_MAX) {
            i++;
            continue;
        }
        uint32_t more = item->argument_count;
        memmove(&out->items[i + more], &out->items[i + 1],
                (out->count - i - 1) * sizeof out->items[0]);
        memcpy(&out->items[i], item->arguments, more * sizeof out->items[0]);
        out->count += more - 1;
    }
}

typedef struct {
    uint32_t column_count; /* of the input; slots lie behind */
    bool reads_slot;
} column_visit;

static void visit_column(uint32_t column, void *with)
{
    column_visit *visit = with;
    visit->reads_slot = visit->reads_slot || column >= visit->column_count;
}

static bool reads_slot(const ps_expr *expr, uint32_t column_count)
{
    column_visit visit = {.column_count = column_count};
    ps_expr_columns(expr, visit_column, &visit);
    return visit.reads_slot;
}

/* Those that read slots, or those that do not. */
static ps_code join(ps_expr_context *context, const ps_cep_conjuncts *parts, uint32_t column_count,
                    bool with_slots, const ps_expr **out, ps_error *err)
{
    const ps_expr *joined = NULL;
    for (uint32_t i = 0; i < parts->count; i++) {
        if (reads_slot(parts->items[i], column_count) != with_slots) {
            continue;
        }
        const ps_expr *both[] = {joined, parts->items[i]};
        ps_code code = PS_OK;
        if (joined == NULL) {
            joined = parts->items[i];
        } else {
            code = ps_expr_call(context, "AND", 2, both, &joined, err);
        }
        if (code != PS_OK) {
            return code;
        }
    }
    *out = joined;
    return PS_OK;
}

ps_code ps_cep_condition_split(const ps_expr_context *context, const ps_cep_condition *condition,
                               uint32_t column_count, const ps_expr **out_row,
                               const ps_expr **out_rest, ps_error *err)
{
    ps_expr_context copy = *context;
    ps_cep_conjuncts parts;
    split(condition->test, &parts);
    ps_code code = join(&copy, &parts, column_count, false, out_row, err);
    return code == PS_OK ? join(&copy, &parts, column_count, true, out_rest, err) : code;
}

/* No row makes its evaluation fail. */
static bool is_safe(const ps_expr *expr)
{
    static const char *const safe[] = {
        "=", "<>", "<", "<=", ">", ">=", "OR", "AND", "NOT", "IS NULL", "IS NOT NULL"};
    if (expr->kind != PS_EXPR_CALL) {
        return true;
    }
    const char *name = ps_function_entry_of(expr->function)->name;
    bool is_known = false;
    for (uint32_t i = 0; i < sizeof safe / sizeof safe[0]; i++) {
        is_known = is_known || strcmp(name, safe[i]) == 0;
    }
    for (uint32_t i = 0; is_known && i < expr->argument_count; i++) {
        is_known = is_safe(expr->arguments[i]);
    }
    return is_known;
}

ps_code ps_cep_conjuncts_of(const ps_expr_context *context, const ps_expr *test,
                            ps_cep_conjuncts *out, ps_error *err)
{
    ps_expr_context copy = *context;
    ps_cep_conjuncts parts;
    split(test, &parts);
    uint32_t guarded = parts.count; /* parts up to the last that may fail */
    while (guarded > 0 && is_safe(parts.items[guarded - 1])) {
        guarded--;
    }
    const ps_expr *joined = guarded > 0 ? parts.items[0] : NULL;
    ps_code code = PS_OK;
    for (uint32_t i = 1; code == PS_OK && i < guarded; i++) {
        const ps_expr *both[] = {joined, parts.items[i]};
        code = ps_expr_call(&copy, "AND", 2, both, &joined, err);
    }
    out->count = 0;
    if (joined != NULL) {
        out->items[out->count++] = joined;
    }
    for (uint32_t i = guarded; i < parts.count; i++) {
        out->items[out->count++] = parts.items[i];
    }
    return code;
}
