/* Windows merged into the aggregates that group by them.
 *
 * The binder makes every window function a relation of its own and every aggregate that groups by
 * window_start and window_end one over attached windows. Where only calcs (and the copies of
 * grouping sets) lie between the two, and these only pass the window's columns on, the aggregate
 * assigns the windows itself: one row in is then one row, however many windows it is in.
 */
#include "sql/rel.h"

enum { CHAIN_MAX = 8 };

/* The window relation's three columns are only passed on, never read, by an expression whose input
 * has them where is_bound says. */
static bool expr_computes_bound(ps_plan *plan, const ps_expr *expr, const bool *is_bound,
                                uint32_t count)
{
    bool *reads = PS_PLAN_ARRAY(plan, bool, count);
    if (expr == NULL || expr->kind == PS_EXPR_COLUMN) {
        return false;
    }
    ps_plan_mark(expr, reads);
    for (uint32_t i = 0; i < count; i++) {
        if (reads[i] && is_bound[i]) {
            return true;
        }
    }
    return false;
}

/* Which outputs of a calc or expand are bounds; false when one is computed with. */
static bool pass_bounds(ps_plan *plan, const ps_rel *rel, const bool *is_bound, bool *out_bound)
{
    uint32_t input_count = rel->inputs[0]->column_count;
    bool is_calc = rel->kind == PS_REL_CALC;
    uint32_t sets = is_calc ? 1 : rel->expand.set_count;
    const ps_expr **outputs = is_calc ? rel->calc.outputs : rel->expand.outputs;
    if (is_calc && rel->calc.condition != NULL) {
        bool *reads = PS_PLAN_ARRAY(plan, bool, input_count);
        ps_plan_mark(rel->calc.condition, reads);
        for (uint32_t i = 0; i < input_count; i++) {
            if (reads[i] && is_bound[i]) {
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < sets * rel->column_count; i++) {
        const ps_expr *expr = outputs[i];
        if (expr_computes_bound(plan, expr, is_bound, input_count)) {
            return false;
        }
        if (expr->kind == PS_EXPR_COLUMN && is_bound[expr->column]) {
            out_bound[i % rel->column_count] = true;
        }
    }
    return true;
}

/* Gives the relation one more output that passes input column `column` on; returns its number. */
static uint32_t pass_column(ps_plan *plan, ps_rel *rel, uint32_t column)
{
    const ps_rel *input = rel->inputs[0];
    uint32_t old = rel->column_count;
    bool is_calc = rel->kind == PS_REL_CALC;
    uint32_t sets = is_calc ? 1 : rel->expand.set_count;
    const ps_expr **from = is_calc ? rel->calc.outputs : rel->expand.outputs;
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, sets *(old + 1));
    for (uint32_t set = 0; set < sets; set++) {
        memcpy(outputs + set * (old + 1), from + set * old, old * sizeof *outputs);
        outputs[set * (old + 1) + old] = ps_plan_column(plan, column, input->columns[column].type);
    }
    ps_rel_column *columns = PS_PLAN_ARRAY(plan, ps_rel_column, old + 1);
    memcpy(columns, rel->columns, old * sizeof *columns);
    columns[old] = input->columns[column];
    rel->columns = columns;
    rel->column_count = old + 1;
    if (is_calc) {
        rel->calc.outputs = outputs;
    } else {
        rel->expand.outputs = outputs;
    }
    return old;
}

static bool has_column(ps_columns columns, uint32_t column)
{
    for (uint32_t i = 0; i < columns.count; i++) {
        if (columns.columns[i] == column) {
            return true;
        }
    }
    return false;
}

/* Where a column of the aggregate's input comes from in the window relation; PS_NO_COLUMN: it is
 * computed. */
static uint32_t chain_source(ps_rel *const *chain, uint32_t chain_count, uint32_t column)
{
    for (uint32_t i = 0; i < chain_count && column != PS_NO_COLUMN; i++) {
        column =
            chain[i]->kind == PS_REL_CALC ? ps_rel_calc_source(chain[i], column) : PS_NO_COLUMN;
    }
    return column;
}

/* Sessions are per PARTITION BY key: the aggregate must group by exactly these. */
static bool session_keys_match(const ps_rel *aggregate, const ps_rel *window, ps_rel *const *chain,
                               uint32_t chain_count)
{
    ps_columns keys = aggregate->aggregate.keys;
    if (keys.count != window->window.keys.count) {
        return false;
    }
    for (uint32_t i = 0; i < keys.count; i++) {
        uint32_t source = chain_source(chain, chain_count, keys.columns[i]);
        if (source == PS_NO_COLUMN || !has_column(window->window.keys, source)) {
            return false;
        }
    }
    return true;
}

static bool aggregate_reads_bounds(const ps_rel *aggregate, const bool *is_bound)
{
    for (uint32_t i = 0; i < aggregate->aggregate.keys.count; i++) {
        if (is_bound[aggregate->aggregate.keys.columns[i]]) {
            return true;
        }
    }
    for (uint32_t i = 0; i < aggregate->aggregate.call_count; i++) {
        const ps_aggregate_call *call = &aggregate->aggregate.calls[i];
        for (uint32_t j = 0; j < call->argument_count; j++) {
            if (is_bound[call->arguments[j]]) {
                return true;
            }
        }
    }
    return false;
}

static void merge_window(ps_plan *plan, ps_rel *aggregate)
{
    ps_rel *chain[CHAIN_MAX];
    uint32_t chain_count = 0;
    ps_rel *rel = aggregate->inputs[0];
    while ((rel->kind == PS_REL_CALC || rel->kind == PS_REL_EXPAND) && chain_count < CHAIN_MAX) {
        chain[chain_count++] = rel;
        rel = rel->inputs[0];
    }
    if (rel->kind != PS_REL_WINDOW ||
        rel->window.identity !=
            aggregate->inputs[0]->columns[aggregate->aggregate.window.start_column].window) {
        return;
    }
    bool *is_bound = PS_PLAN_ARRAY(plan, bool, rel->column_count);
    for (uint32_t i = rel->inputs[0]->column_count; i < rel->column_count; i++) {
        is_bound[i] = true;
    }
    for (uint32_t i = chain_count; i > 0; i--) {
        bool *above = PS_PLAN_ARRAY(plan, bool, chain[i - 1]->column_count);
        if (!pass_bounds(plan, chain[i - 1], is_bound, above)) {
            return;
        }
        is_bound = above;
    }
    if (aggregate_reads_bounds(aggregate, is_bound)) {
        return;
    }
    if (rel->window.window.kind == PS_WINDOW_SESSION &&
        !session_keys_match(aggregate, rel, chain, chain_count)) {
        aggregate->aggregate.is_plain = true; /* as in Flink: a row a key and session, updated */
        return;
    }
    ps_window window = rel->window.window;
    if (!window.is_processing_time) {
        for (uint32_t i = chain_count; i > 0; i--) {
            window.time_column = pass_column(plan, chain[i - 1], window.time_column);
        }
    }
    aggregate->aggregate.window = window;
    rel->window.is_merged = true;
}

/* The calc passes on every column of its input, but for the bounds of a window that is merged. */
static void pass_all(ps_plan *plan, ps_rel *calc)
{
    const ps_rel *input = calc->inputs[0];
    bool is_merged = input->kind == PS_REL_WINDOW && input->window.is_merged;
    uint32_t count = is_merged ? input->inputs[0]->column_count : input->column_count;
    for (uint32_t column = 0; column < count; column++) {
        uint32_t output = 0;
        while (output < calc->column_count && ps_rel_calc_source(calc, output) != column) {
            output++;
        }
        if (output == calc->column_count) {
            (void)pass_column(plan, calc, column);
        }
    }
}

void ps_rel_keep_late(ps_plan *plan, ps_rel *root)
{
    for (uint32_t i = 0; i < root->input_count; i++) {
        ps_rel_keep_late(plan, root->inputs[i]);
    }
    if (root->kind != PS_REL_AGGREGATE || !root->aggregate.is_windowed) {
        return;
    }
    ps_rel *chain[CHAIN_MAX];
    uint32_t count = 0;
    ps_rel *rel = root->inputs[0];
    while (rel->kind == PS_REL_CALC && count < CHAIN_MAX) {
        chain[count++] = rel;
        rel = rel->inputs[0];
    }
    for (uint32_t i = count; i-- > 0;) {
        pass_all(plan, chain[i]);
    }
    root->aggregate.keeps_columns = true;
}

void ps_rel_merge_windows(ps_plan *plan, ps_rel *root)
{
    if (root->kind == PS_REL_AGGREGATE && root->aggregate.is_windowed &&
        root->aggregate.window.kind == PS_WINDOW_ATTACHED) {
        merge_window(plan, root);
    }
    for (uint32_t i = 0; i < root->input_count; i++) {
        ps_rel_merge_windows(plan, root->inputs[i]);
    }
}
