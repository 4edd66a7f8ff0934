/* Keys: of joins, made plain columns; and upsert keys. */
#include "sql/catalog.h"
#include "sql/rel.h"

/* ── join keys ── */

/* `a = b OR (a IS NULL AND b IS NULL)` in any order of the OR: a IS NOT DISTINCT FROM b. */
static const ps_expr *null_safe_form(ps_plan *plan, const ps_expr *part)
{
    if (!ps_plan_is_call(part, "OR") || part->argument_count != 2) {
        return part;
    }
    const ps_expr *equal = part->arguments[0], *nulls = part->arguments[1];
    if (!ps_plan_is_call(equal, "=")) {
        const ps_expr *swap = equal;
        equal = nulls;
        nulls = swap;
    }
    if (!ps_plan_is_call(equal, "=") || !ps_plan_is_call(nulls, "AND") ||
        nulls->argument_count != 2 || !ps_plan_is_call(nulls->arguments[0], "IS NULL") ||
        !ps_plan_is_call(nulls->arguments[1], "IS NULL")) {
        return part;
    }
    const ps_expr *a = nulls->arguments[0]->arguments[0], *b = nulls->arguments[1]->arguments[0];
    const ps_expr *const *sides = equal->arguments;
    bool same = (ps_expr_equal(a, sides[0]) && ps_expr_equal(b, sides[1])) ||
                (ps_expr_equal(a, sides[1]) && ps_expr_equal(b, sides[0]));
    return same ? ps_plan_call(plan, (ps_sql_span){0}, "IS NOT DISTINCT FROM", 2, sides) : part;
}

typedef struct {
    ps_plan_list made[2]; /* per side: expressions in the side's own numbering */
} key_columns;

/* The side (0, 1) that an expression reads alone, or −1. */
static int expr_side(const ps_expr *expr, uint32_t left)
{
    if (ps_expr_is_constant(expr)) {
        return -1;
    }
    if (ps_plan_reads_only(expr, 0, left)) {
        return 0;
    }
    return ps_plan_reads_only(expr, left, UINT32_MAX) ? 1 : -1;
}

static const ps_expr *in_own_numbering(ps_plan *plan, const ps_rel *join, const ps_expr *expr,
                                       int side)
{
    uint32_t left = ps_rel_left_count(join);
    uint32_t count = left + join->inputs[1]->column_count;
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        map[i] = side == 0 ? i : (i < left ? PS_NO_COLUMN : i - left);
    }
    return ps_plan_renumber(plan, expr, map);
}

/* A time attribute with an interval is for the interval join to see. */
static bool is_time_term(const ps_rel *join, const ps_expr *expr)
{
    uint32_t left = ps_rel_left_count(join);
    while (expr->kind == PS_EXPR_CALL && expr->argument_count == 2 &&
           (ps_plan_is_call(expr, "+") || ps_plan_is_call(expr, "-"))) {
        expr = expr->arguments[expr->arguments[0]->kind == PS_EXPR_CONSTANT ? 1 : 0];
    }
    if (expr->kind != PS_EXPR_COLUMN) {
        return false;
    }
    const ps_rel_column *column = expr->column < left
                                      ? &join->inputs[0]->columns[expr->column]
                                      : &join->inputs[1]->columns[expr->column - left];
    return column->time != PS_TIME_NONE;
}

/* Replaces a computed side of an equality by a column that will be made; the number is marked by an
 * offset that the caller resolves: joined numbering with the new columns behind each side. */
static const ps_expr *key_column(ps_plan *plan, const ps_rel *join, key_columns *keys,
                                 const ps_expr *expr, uint32_t made_base)
{
    int side = expr_side(expr, ps_rel_left_count(join));
    if (expr->kind == PS_EXPR_COLUMN || side < 0) {
        return expr;
    }
    ps_plan_list_add(plan, &keys->made[side], in_own_numbering(plan, join, expr, side));
    uint32_t number = made_base * (uint32_t)(side + 1) + keys->made[side].count - 1;
    return ps_plan_column(plan, number, expr->type);
}

/* Sides of types that compare without loss become one type: only then is the equality a key. */
static void unify_sides(ps_plan *plan, ps_sql_span at, const ps_expr *sides[2])
{
    const ps_type *a = sides[0]->type, *b = sides[1]->type;
    bool is_exact = a->kind != PS_TYPE_FLOAT && a->kind != PS_TYPE_DOUBLE &&
                    b->kind != PS_TYPE_FLOAT && b->kind != PS_TYPE_DOUBLE;
    if (ps_type_equal(a, b) || !is_exact || !ps_type_is_numeric(a) || !ps_type_is_numeric(b)) {
        return;
    }
    const ps_type *type = ps_type_common(plan->arena, a, b);
    for (uint32_t i = 0; type != NULL && i < 2; i++) {
        sides[i] = ps_plan_coerce(plan, at, sides[i], type);
    }
}

static const ps_expr *with_key_columns(ps_plan *plan, const ps_rel *join, key_columns *keys,
                                       const ps_expr *part, uint32_t made_base)
{
    uint32_t left = ps_rel_left_count(join);
    part = null_safe_form(plan, part);
    if ((!ps_plan_is_call(part, "=") && !ps_plan_is_call(part, "IS NOT DISTINCT FROM")) ||
        expr_side(part->arguments[0], left) + expr_side(part->arguments[1], left) != 1 ||
        (is_time_term(join, part->arguments[0]) && is_time_term(join, part->arguments[1]))) {
        return part;
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    const ps_expr **sides = PS_PLAN_ARRAY(plan, const ps_expr *, 2);
    sides[0] = part->arguments[0];
    sides[1] = part->arguments[1];
    unify_sides(plan, join->at, sides);
    for (uint32_t i = 0; i < 2; i++) {
        sides[i] = key_column(plan, join, keys, sides[i], made_base);
    }
    *copy = *part;
    copy->arguments = sides;
    return copy;
}

static void add_columns(ps_plan *plan, ps_rel *join, uint32_t side, const ps_plan_list *made)
{
    ps_rel *input = join->inputs[side];
    if (made->count == 0) {
        return;
    }
    uint32_t count = input->column_count + made->count;
    const ps_expr **outputs = ps_rel_identity(plan, input, made->count);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (uint32_t i = 0; i < count; i++) {
        if (i < input->column_count) {
            names[i] = input->columns[i].name;
        } else {
            outputs[i] = made->items[i - input->column_count];
            names[i] = ps_plan_print(plan, "$k%u", i - input->column_count);
        }
    }
    join->inputs[side] = ps_rel_calc(plan, join->at, input, NULL, count, outputs, names);
}

static const ps_expr *renumber_made(ps_plan *plan, const ps_expr *expr, uint32_t left,
                                    uint32_t left_made, uint32_t right, uint32_t made_base)
{
    if (expr->kind == PS_EXPR_CONSTANT) {
        return expr;
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    *copy = *expr;
    if (expr->kind == PS_EXPR_COLUMN) {
        uint32_t column = expr->column;
        if (column >= 2 * made_base) {
            column = left + left_made + right + (column - 2 * made_base);
        } else if (column >= made_base) {
            column = left + (column - made_base);
        } else if (column >= left) {
            column += left_made;
        }
        copy->column = column;
        return copy;
    }
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = renumber_made(plan, expr->arguments[i], left, left_made, right, made_base);
    }
    copy->arguments = arguments;
    return copy;
}

static ps_rel *extract_join_keys(ps_plan *plan, ps_rel *join)
{
    uint32_t left = ps_rel_left_count(join), right = join->inputs[1]->column_count;
    uint32_t made_base = 1U << 20, old_count = join->column_count;
    bool has_right = old_count > left || join->join.kind < PS_JOIN_SEMI;
    key_columns keys = {0};
    ps_plan_list parts = {0};
    ps_plan_conjuncts(plan, join->join.condition, &parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        parts.items[i] = with_key_columns(plan, join, &keys, parts.items[i], made_base);
    }
    uint32_t left_made = keys.made[0].count, right_made = keys.made[1].count;
    for (uint32_t i = 0; i < parts.count; i++) {
        parts.items[i] = renumber_made(plan, parts.items[i], left, left_made, right, made_base);
    }
    join->join.condition = ps_plan_and_all(plan, &parts);
    if (left_made + right_made == 0) {
        return join;
    }
    add_columns(plan, join, 0, &keys.made[0]);
    add_columns(plan, join, 1, &keys.made[1]);
    uint32_t count = left + left_made + (has_right ? right + right_made : 0);
    ps_rel_column *columns = PS_PLAN_ARRAY(plan, ps_rel_column, count);
    uint32_t *wanted = PS_PLAN_ARRAY(plan, uint32_t, old_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t side_left = left + left_made;
        columns[i] =
            i < side_left ? join->inputs[0]->columns[i] : join->inputs[1]->columns[i - side_left];
    }
    for (uint32_t i = 0; i < old_count; i++) {
        wanted[i] = i < left ? i : i + left_made;
        columns[wanted[i]] = join->columns[i];
    }
    join->columns = columns;
    join->column_count = count;
    return ps_rel_select(plan, join, old_count, wanted);
}

ps_rel *ps_rel_extract_keys(ps_plan *plan, ps_rel *root)
{
    for (uint32_t i = 0; i < root->input_count; i++) {
        root->inputs[i] = ps_rel_extract_keys(plan, root->inputs[i]);
    }
    return root->kind == PS_REL_JOIN ? extract_join_keys(plan, root) : root;
}

/* ── upsert keys ── */

static const ps_columns no_key = {0, NULL};

/* The key where the calc passes all of it on. */
static ps_columns calc_key(ps_plan *plan, const ps_rel *rel)
{
    ps_columns below = ps_rel_upsert_key(plan, rel->inputs[0]);
    uint32_t *columns = PS_PLAN_ARRAY(plan, uint32_t, below.count);
    for (uint32_t i = 0; i < below.count; i++) {
        uint32_t j = 0;
        while (j < rel->column_count && ps_rel_calc_source(rel, j) != below.columns[i]) {
            j++;
        }
        if (j == rel->column_count) {
            return no_key;
        }
        columns[i] = j;
    }
    return (ps_columns){below.count, columns};
}

static ps_columns aggregate_key(ps_plan *plan, const ps_rel *rel)
{
    uint32_t keys = rel->aggregate.keys.count, calls = rel->aggregate.call_count, count = 0;
    uint32_t *columns = PS_PLAN_ARRAY(plan, uint32_t, rel->column_count), bounds = 0;
    for (uint32_t i = 0; i < rel->column_count; i++) {
        if (i < keys || i >= keys + calls) {
            columns[count++] = i;
        }
    }
    for (uint32_t i = 0; i < rel->aggregate.property_count; i++) {
        bounds += rel->aggregate.properties[i] != PS_WINDOW_TIME ? 1 : 0;
    }
    return rel->aggregate.is_windowed && bounds < 2 ? no_key : (ps_columns){count, columns};
}

static ps_columns rank_key(ps_plan *plan, const ps_rel *rel)
{
    uint32_t count = rel->rank.keys.count;
    if (rel->rank.first != rel->rank.last && !rel->rank.emit_rank) {
        return ps_rel_upsert_key(plan, rel->inputs[0]);
    }
    uint32_t *columns = PS_PLAN_ARRAY(plan, uint32_t, count + 1);
    if (count > 0) {
        memcpy(columns, rel->rank.keys.columns, count * sizeof *columns);
    }
    if (rel->rank.first != rel->rank.last) {
        columns[count++] = rel->inputs[0]->column_count;
    }
    return (ps_columns){count, columns};
}

static bool has_all(ps_columns of, const bool *in)
{
    for (uint32_t i = 0; i < of.count; i++) {
        if (!in[of.columns[i]]) {
            return false;
        }
    }
    return of.count > 0;
}

static ps_columns join_key(ps_plan *plan, const ps_rel *rel)
{
    uint32_t left_count = ps_rel_left_count(rel);
    ps_columns left = ps_rel_upsert_key(plan, rel->inputs[0]);
    if (rel->join.kind == PS_JOIN_SEMI || rel->join.kind == PS_JOIN_ANTI ||
        rel->join.temporal != PS_TEMPORAL_NONE) {
        return left;
    }
    ps_columns right = ps_rel_upsert_key(plan, rel->inputs[1]);
    bool *joined = PS_PLAN_ARRAY(plan, bool, left_count + rel->inputs[1]->column_count);
    ps_plan_list parts = {0};
    ps_plan_conjuncts(plan, rel->join.condition, &parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        const ps_expr *part = parts.items[i];
        if (ps_plan_is_call(part, "=") && part->arguments[0]->kind == PS_EXPR_COLUMN &&
            part->arguments[1]->kind == PS_EXPR_COLUMN) {
            joined[part->arguments[0]->column] = true;
            joined[part->arguments[1]->column] = true;
        }
    }
    bool keeps_left = rel->join.kind == PS_JOIN_INNER || rel->join.kind == PS_JOIN_LEFT;
    bool keeps_right = rel->join.kind == PS_JOIN_INNER || rel->join.kind == PS_JOIN_RIGHT;
    if (left.count > 0 && keeps_left && has_all(right, joined + left_count)) {
        return left; /* at most one partner */
    }
    if (left.count == 0 || right.count == 0) {
        return no_key;
    }
    bool only_right = keeps_right && has_all(left, joined);
    uint32_t *columns = PS_PLAN_ARRAY(plan, uint32_t, left.count + right.count), next = 0;
    for (uint32_t i = 0; i < left.count && !only_right; i++) {
        columns[next++] = left.columns[i];
    }
    for (uint32_t i = 0; i < right.count; i++) {
        columns[next++] = left_count + right.columns[i];
    }
    return rel->join.kind == PS_JOIN_FULL ? no_key : (ps_columns){next, columns};
}

ps_columns ps_rel_upsert_key(ps_plan *plan, const ps_rel *rel)
{
    switch (rel->kind) {
    case PS_REL_SCAN:
        return ps_table_primary_key(plan, rel->scan.table);
    case PS_REL_CALC:
        return calc_key(plan, rel);
    case PS_REL_AGGREGATE:
        return aggregate_key(plan, rel);
    case PS_REL_RANK:
        return rank_key(plan, rel);
    case PS_REL_JOIN:
        return join_key(plan, rel);
    case PS_REL_OVER:
    case PS_REL_SORT:
        return ps_rel_upsert_key(plan, rel->inputs[0]);
    case PS_REL_VALUES:
    case PS_REL_WINDOW:
    case PS_REL_EXPAND:
    case PS_REL_UNION:
    case PS_REL_SET:
    case PS_REL_UNNEST:
    case PS_REL_MATCH:
        return no_key;
    }
    PS_ASSERT(false);
    return no_key;
}
