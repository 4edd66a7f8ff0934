#include "cep/condition_split.h"

#include <string.h>

#include "expr/function.h"

enum { CONJUNCTS_MAX = 256 };

typedef struct {
    uint32_t count;
    const ps_expr *items[CONJUNCTS_MAX];
} conjuncts;

static bool is_and(const ps_expr *expr)
{
    return expr->kind == PS_EXPR_CALL &&
           strcmp(ps_function_entry_of(expr->function)->name, "AND") == 0;
}

/* In order; what does not fit stays whole. */
static void split(const ps_expr *expr, conjuncts *out)
{
    out->count = 1;
    out->items[0] = expr;
    for (uint32_t i = 0; i < out->count;) {
        const ps_expr *item = out->items[i];
        if (!is_and(item) || out->count + item->argument_count > CONJUNCTS_MAX) {
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
static ps_code join(ps_expr_context *context, const conjuncts *parts, uint32_t column_count,
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
    conjuncts parts;
    split(condition->test, &parts);
    ps_code code = join(&copy, &parts, column_count, false, out_row, err);
    return code == PS_OK ? join(&copy, &parts, column_count, true, out_rest, err) : code;
}
