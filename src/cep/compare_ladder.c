#include "cep/compare_ladder.h"

#include <stdlib.h>
#include <string.h>

#include "expr/function.h"

/* ── which expressions ── */

static bool op_of(const ps_expr *call, bool is_mirrored, ps_compare_op *out)
{
    static const char *const names[] = {"=", "<>", "<", "<=", ">", ">="};
    static const ps_compare_op mirrored[] = {PS_COMPARE_EQ, PS_COMPARE_NE, PS_COMPARE_GT,
                                             PS_COMPARE_GE, PS_COMPARE_LT, PS_COMPARE_LE};
    const char *name = ps_function_entry_of(call->function)->name;
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = is_mirrored ? mirrored[i] : (ps_compare_op)i;
            return true;
        }
    }
    return false;
}

static bool is_integer(const ps_type *type)
{
    return ps_type_phys(type) == PS_PHYS_I64 && type->kind != PS_TYPE_BOOLEAN;
}

static uint32_t scale_of(const ps_type *type)
{
    return type->kind == PS_TYPE_DECIMAL ? (uint32_t)type->scale : 0;
}

bool ps_comparison_of(const ps_expr *expr, ps_comparison *out)
{
    if (expr->kind != PS_EXPR_CALL || expr->argument_count != 2) {
        return false;
    }
    bool is_mirrored = expr->arguments[0]->kind == PS_EXPR_CONSTANT;
    const ps_expr *column = expr->arguments[is_mirrored ? 1 : 0];
    const ps_expr *constant = expr->arguments[is_mirrored ? 0 : 1];
    ps_compare_op op;
    if (column->kind != PS_EXPR_COLUMN || constant->kind != PS_EXPR_CONSTANT ||
        constant->constant.is_null || !is_integer(column->type) || !is_integer(constant->type) ||
        scale_of(column->type) != scale_of(constant->type) || !op_of(expr, is_mirrored, &op)) {
        return false;
    }
    *out = (ps_comparison){column->column, op, constant->constant.i64};
    return true;
}

/* ── rungs ── */

static int compare_constants(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

ps_code ps_compare_ladder_init(ps_compare_ladder *ladder, ps_arena *arena, uint32_t count,
                               const ps_comparison *comparisons, uint32_t words, ps_error *err)
{
    size_t left_size = ((size_t)2 * count + 2) * words * sizeof(uint64_t);
    *ladder = (ps_compare_ladder){
        .column = comparisons[0].column,
        .constants = ps_arena_take(arena, count * sizeof(int64_t)),
        .words = words,
        .left = ps_arena_take(arena, left_size),
    };
    if (ladder->constants == NULL || ladder->left == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a pattern's conditions");
    }
    for (uint32_t i = 0; i < count; i++) {
        ladder->constants[i] = comparisons[i].constant;
    }
    qsort(ladder->constants, count, sizeof *ladder->constants, compare_constants);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || ladder->constants[i] != ladder->constants[ladder->count - 1]) {
            ladder->constants[ladder->count++] = ladder->constants[i];
        }
    }
    memset(ladder->left, 0xff, left_size);
    return PS_OK;
}

/* Twice the number of smaller constants, + 1 when it is a constant itself. */
static uint32_t rung_of(const ps_compare_ladder *ladder, int64_t value)
{
    uint32_t below = 0, left = ladder->count;
    while (left > 0) {
        uint32_t half = left / 2;
        bool is_above = ladder->constants[below + half] < value;
        below = is_above ? below + half + 1 : below;
        left = is_above ? left - half - 1 : half;
    }
    return 2 * below + (below < ladder->count && ladder->constants[below] == value);
}

/* order: of the column's value and the constant. */
static bool holds(ps_compare_op op, int order)
{
    switch (op) {
    case PS_COMPARE_EQ:
        return order == 0;
    case PS_COMPARE_NE:
        return order != 0;
    case PS_COMPARE_LT:
        return order < 0;
    case PS_COMPARE_LE:
        return order <= 0;
    case PS_COMPARE_GT:
        return order > 0;
    case PS_COMPARE_GE:
        return order >= 0;
    }
    return false;
}

static uint32_t null_rung(const ps_compare_ladder *ladder)
{
    return 2 * ladder->count + 1;
}

void ps_compare_ladder_rule_out(ps_compare_ladder *ladder, const ps_comparison *comparison,
                                const uint64_t *needing)
{
    uint32_t own = rung_of(ladder, comparison->constant);
    for (uint32_t rung = 0; rung <= null_rung(ladder); rung++) {
        int order = (rung > own) - (rung < own);
        if (rung != null_rung(ladder) && holds(comparison->op, order)) {
            continue;
        }
        for (uint32_t w = 0; w < ladder->words; w++) {
            ladder->left[(size_t)rung * ladder->words + w] &= ~needing[w];
        }
    }
}

void ps_compare_ladder_run(const ps_compare_ladder *ladder, const ps_batch *batch, uint32_t from,
                           uint32_t to, uint64_t *masks)
{
    const ps_column *column = &batch->columns[ladder->column];
    for (uint32_t row = from; row < to; row++) {
        uint32_t rung =
            ps_column_is_null(column, row) ? null_rung(ladder) : rung_of(ladder, column->i64[row]);
        const uint64_t *left = ladder->left + (size_t)rung * ladder->words;
        for (uint32_t w = 0; w < ladder->words; w++) {
            *masks++ &= left[w];
        }
    }
}
