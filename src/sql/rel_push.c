/* Filters pushed towards the sources, as far as they mean the same there.
 *
 * On the way: calcs that follow each other become one; a ROW_NUMBER whose number is bounded becomes
 * a RANK; an outer join whose padded rows a filter throws away becomes an inner one (as Flink does,
 * which makes its output append-only where the inputs are). Filters stay above the source's
 * watermark: a source is one relation here, watermark included.
 */
#include <strings.h>

#include "expr/function.h"
#include "sql/rel.h"

static ps_rel *push(ps_plan *plan, ps_rel *rel, ps_plan_list *filters);

static ps_rel *push_none(ps_plan *plan, ps_rel *rel)
{
    ps_plan_list none = {0};
    return push(plan, rel, &none);
}

static void push_inputs(ps_plan *plan, ps_rel *rel)
{
    for (uint32_t i = 0; i < rel->input_count; i++) {
        rel->inputs[i] = push_none(plan, rel->inputs[i]);
    }
}

/* ── calc ── */

static void count_visit(uint32_t column, void *with)
{
    ((uint32_t *)with)[column]++;
}

enum { MERGED_SIZE_MAX = 20000 };

/* Nodes of the tree, counted up to `limit`. */
static uint32_t expr_size(const ps_expr *expr, uint32_t limit)
{
    uint32_t size = 1;
    for (uint32_t i = 0; i < expr->argument_count && size < limit; i++) {
        size += expr_size(expr->arguments[i], limit - size);
    }
    return size;
}

/* What the expressions grow to when the calc's stand in place of its columns. Views of views that
 * use a column twice each double it: that must end somewhere. */
static bool grows_too_big(const ps_rel *calc, const uint32_t *uses)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < calc->column_count && size < MERGED_SIZE_MAX; i++) {
        if (uses[i] > 0) {
            size += (uint64_t)uses[i] * expr_size(calc->calc.outputs[i], MERGED_SIZE_MAX);
        }
    }
    return size >= MERGED_SIZE_MAX;
}

/* Putting `below`'s expressions in place of their columns must not evaluate a non-deterministic one
 * twice. */
static bool calc_can_merge(ps_plan *plan, const ps_rel *above, const ps_rel *below)
{
    uint32_t *uses = PS_PLAN_ARRAY(plan, uint32_t, below->column_count);
    if (above->calc.condition != NULL) {
        ps_expr_columns(above->calc.condition, count_visit, uses);
    }
    for (uint32_t i = 0; i < above->column_count; i++) {
        ps_expr_columns(above->calc.outputs[i], count_visit, uses);
    }
    for (uint32_t i = 0; i < below->column_count; i++) {
        const ps_expr *expr = below->calc.outputs[i];
        if (uses[i] > 1 && !ps_expr_is_deterministic(expr) && !ps_rel_is_proctime_call(expr)) {
            return false;
        }
    }
    return !grows_too_big(below, uses);
}

static ps_rel *calc_merge(ps_plan *plan, ps_rel *above)
{
    ps_rel *below = above->inputs[0];
    if (below->kind != PS_REL_CALC || !calc_can_merge(plan, above, below)) {
        return above;
    }
    const ps_expr *condition = above->calc.condition;
    if (condition != NULL) {
        condition = ps_plan_substitute(plan, condition, below->calc.outputs);
    }
    above->calc.condition = ps_plan_and(plan, below->calc.condition, condition);
    for (uint32_t i = 0; i < above->column_count; i++) {
        above->calc.outputs[i] =
            ps_plan_substitute(plan, above->calc.outputs[i], below->calc.outputs);
    }
    above->inputs[0] = below->inputs[0];
    return above;
}

ps_rel *ps_rel_merge_calcs(ps_plan *plan, ps_rel *calc)
{
    while (calc->inputs[0]->kind == PS_REL_CALC) {
        const ps_rel *below = calc->inputs[0];
        calc_merge(plan, calc);
        if (calc->inputs[0] == below) {
            break;
        }
    }
    return calc;
}

static bool filter_can_sink(ps_plan *plan, const ps_expr *filter, const ps_rel *calc)
{
    uint32_t *uses = PS_PLAN_ARRAY(plan, uint32_t, calc->column_count);
    if (!ps_expr_is_deterministic(filter)) {
        return false;
    }
    ps_expr_columns(filter, count_visit, uses);
    for (uint32_t i = 0; i < calc->column_count; i++) {
        if (uses[i] > 0 && !ps_expr_is_deterministic(calc->calc.outputs[i])) {
            return false;
        }
    }
    return !grows_too_big(calc, uses);
}

static ps_rel *push_calc(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    ps_plan_list below = {0}, above = {0};
    rel = ps_rel_merge_calcs(plan, rel);
    ps_plan_list own = {0};
    ps_plan_conjuncts(plan, rel->calc.condition, &own);
    rel->calc.condition = NULL;
    for (uint32_t i = 0; i < own.count; i++) {
        const ps_expr *conjunct = own.items[i];
        if (ps_expr_is_deterministic(conjunct)) {
            ps_plan_list_add(plan, &below, conjunct);
        } else {
            rel->calc.condition = ps_plan_and(plan, rel->calc.condition, conjunct);
        }
    }
    for (uint32_t i = 0; i < filters->count; i++) {
        const ps_expr *filter = filters->items[i];
        if (filter_can_sink(plan, filter, rel)) {
            ps_plan_list_add(plan, &below, ps_plan_substitute(plan, filter, rel->calc.outputs));
        } else {
            ps_plan_list_add(plan, &above, filter);
        }
    }
    rel->inputs[0] = push(plan, rel->inputs[0], &below);
    rel = calc_merge(plan, rel);
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, &above));
}

/* ── ROW_NUMBER patterns ── */

typedef struct {
    int64_t first, last; /* last INT64_MAX: no upper bound seen */
} rank_range;

static bool constant_integer(const ps_expr *expr, int64_t *out)
{
    if (expr->kind != PS_EXPR_CONSTANT || expr->constant.is_null ||
        !ps_type_is_integer(expr->type)) {
        return false;
    }
    *out = expr->constant.i64;
    return true;
}

/* The comparison with its sides exchanged. */
static const char *comparison_turned(const char *name)
{
    static const char *const pairs[][2] = {
        {"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}, {"=", "="}};
    for (uint32_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(pairs[i][0], name) == 0) {
            return pairs[i][1];
        }
    }
    return NULL;
}

/* A bound on the number by a constant, on either side: narrows *range. */
static bool filter_bounds_rank(const ps_expr *filter, uint32_t rank_column, rank_range *range)
{
    if (filter->kind != PS_EXPR_CALL || filter->argument_count != 2) {
        return false;
    }
    const char *name = ps_function_entry_of(filter->function)->name;
    const ps_expr *left = filter->arguments[0], *right = filter->arguments[1];
    const char *turned = comparison_turned(name);
    int64_t bound;
    if (turned == NULL) {
        return false;
    }
    if (left->kind == PS_EXPR_CONSTANT) {
        const ps_expr *swap = left;
        left = right;
        right = swap;
        name = turned;
    }
    if (left->kind != PS_EXPR_COLUMN || left->column != rank_column ||
        !constant_integer(right, &bound)) {
        return false;
    }
    int64_t low = strcmp(name, ">") == 0 ? bound + 1 : bound;
    int64_t high = strcmp(name, "<") == 0 ? bound - 1 : bound;
    if (name[0] != '<' && low > range->first) {
        range->first = low;
    }
    if (name[0] != '>' && high < range->last) {
        range->last = high;
    }
    return true;
}

static ps_rel *rank_from_over(ps_plan *plan, ps_rel *over, rank_range range)
{
    ps_rel *rank = ps_rel_new(plan, PS_REL_RANK, over->at, 1, over->column_count);
    memcpy(rank->columns, over->columns, over->column_count * sizeof *rank->columns);
    if (strcasecmp(over->over.rank_name, "ROW_NUMBER") != 0) {
        ps_plan_fail_hint(plan, over->at, "use ROW_NUMBER()",
                          "a Top-N by %s() is not supported on streams", over->over.rank_name);
    }
    rank->inputs[0] = over->inputs[0];
    rank->rank.keys = over->over.keys;
    rank->rank.sort_count = over->over.sort_count;
    rank->rank.sort = over->over.sort;
    rank->rank.first = range.first;
    rank->rank.last = range.last;
    rank->rank.emit_rank = true;
    return rank;
}

static bool columns_have(ps_columns columns, uint32_t column)
{
    for (uint32_t i = 0; i < columns.count; i++) {
        if (columns.columns[i] == column) {
            return true;
        }
    }
    return false;
}

static bool reads_only_keys(ps_plan *plan, const ps_expr *filter, const ps_rel *rel,
                            ps_columns keys)
{
    bool *reads = PS_PLAN_ARRAY(plan, bool, rel->column_count);
    ps_plan_mark(filter, reads);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        if (reads[i] && !columns_have(keys, i)) {
            return false;
        }
    }
    return ps_expr_is_deterministic(filter) && !ps_expr_is_constant(filter);
}

/* Filters on partition keys go below, the rest stays above. */
static ps_rel *push_below_keys(ps_plan *plan, ps_rel *rel, ps_columns keys, ps_plan_list *filters)
{
    ps_plan_list below = {0}, above = {0};
    for (uint32_t i = 0; i < filters->count; i++) {
        bool ok = reads_only_keys(plan, filters->items[i], rel, keys);
        ps_plan_list_add(plan, ok ? &below : &above, filters->items[i]);
    }
    rel->inputs[0] = push(plan, rel->inputs[0], &below);
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, &above));
}

static ps_rel *push_over(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    uint32_t rank_column = rel->inputs[0]->column_count;
    rank_range range = {1, INT64_MAX};
    ps_plan_list rest = {0};
    if (!rel->over.is_ranking) {
        return push_below_keys(plan, rel, rel->over.keys, filters);
    }
    for (uint32_t i = 0; i < filters->count; i++) {
        if (!filter_bounds_rank(filters->items[i], rank_column, &range)) {
            ps_plan_list_add(plan, &rest, filters->items[i]);
        }
    }
    if (range.last == INT64_MAX) {
        return push_below_keys(plan, rel, rel->over.keys, filters);
    }
    if (range.last < range.first) {
        /* nothing can pass: the bounds stay a plain filter over one row a key */
        rank_range one = {1, 1};
        return push_below_keys(plan, rank_from_over(plan, rel, one), rel->over.keys, filters);
    }
    ps_rel *rank = rank_from_over(plan, rel, range);
    return push_below_keys(plan, rank, rank->rank.keys, &rest);
}

/* ── joins ── */

static bool is_strict(const ps_expr *expr)
{
    static const char *const names[] = {
        "=", "<>", "<", "<=",   ">",     ">=",    "+",   "-",
        "*", "/",  "%", "LIKE", "UPPER", "LOWER", "ABS", "CHAR_LENGTH"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ps_plan_is_call(expr, names[i])) {
            return true;
        }
    }
    return false;
}

/* NULL (or not TRUE) when all columns in [from, to) are NULL. */
static bool is_null_with(const ps_expr *expr, uint32_t from, uint32_t to)
{
    if (expr->kind == PS_EXPR_COLUMN) {
        return expr->column >= from && expr->column < to;
    }
    if (expr->kind != PS_EXPR_CALL || !is_strict(expr)) {
        return false;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (is_null_with(expr->arguments[i], from, to)) {
            return true;
        }
    }
    return false;
}

static bool filter_rejects_nulls(const ps_expr *filter, uint32_t from, uint32_t to)
{
    if (ps_plan_is_call(filter, "IS NOT NULL")) {
        return is_null_with(filter->arguments[0], from, to);
    }
    return is_null_with(filter, from, to);
}

/* An outer join becomes less outer when a filter above refuses the padded rows. */
static void join_simplify(ps_rel *rel, const ps_plan_list *filters)
{
    uint32_t left = ps_rel_left_count(rel);
    for (uint32_t i = 0; i < filters->count && rel->join.temporal == PS_TEMPORAL_NONE; i++) {
        const ps_expr *filter = filters->items[i];
        ps_join_kind kind = rel->join.kind;
        bool keeps_left = kind == PS_JOIN_LEFT || kind == PS_JOIN_FULL;
        bool keeps_right = kind == PS_JOIN_RIGHT || kind == PS_JOIN_FULL;
        if (keeps_left && filter_rejects_nulls(filter, left, rel->column_count)) {
            keeps_left = false;
        }
        if (keeps_right && filter_rejects_nulls(filter, 0, left)) {
            keeps_right = false;
        }
        if (kind == PS_JOIN_LEFT || kind == PS_JOIN_RIGHT || kind == PS_JOIN_FULL) {
            rel->join.kind = keeps_left ? (keeps_right ? PS_JOIN_FULL : PS_JOIN_LEFT)
                                        : (keeps_right ? PS_JOIN_RIGHT : PS_JOIN_INNER);
        }
    }
}

typedef struct {
    ps_plan_list left, right, on, above;
} join_parts;

static const ps_expr *moved_to_right(ps_plan *plan, const ps_rel *join, const ps_expr *filter)
{
    uint32_t left = ps_rel_left_count(join);
    uint32_t count = left + join->inputs[1]->column_count;
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        map[i] = i < left ? PS_NO_COLUMN : i - left;
    }
    return ps_plan_renumber(plan, filter, map);
}

/* Where a filter above the join may go. */
static void place_filter(ps_plan *plan, const ps_rel *join, const ps_expr *filter,
                         join_parts *parts)
{
    uint32_t left = ps_rel_left_count(join);
    ps_join_kind kind = join->join.kind;
    bool movable = ps_expr_is_deterministic(filter) && !ps_expr_is_constant(filter);
    bool only_left = movable && ps_plan_reads_only(filter, 0, left);
    bool only_right = movable && !only_left && ps_plan_reads_only(filter, left, UINT32_MAX);
    bool preserves_left = kind != PS_JOIN_RIGHT && kind != PS_JOIN_FULL;
    bool preserves_right = kind == PS_JOIN_INNER || kind == PS_JOIN_RIGHT;
    if (only_left && preserves_left) {
        ps_plan_list_add(plan, &parts->left, filter);
    } else if (only_right && preserves_right && join->join.temporal == PS_TEMPORAL_NONE) {
        ps_plan_list_add(plan, &parts->right, moved_to_right(plan, join, filter));
    } else if (kind == PS_JOIN_INNER && join->join.temporal == PS_TEMPORAL_NONE) {
        ps_plan_list_add(plan, &parts->on, filter);
    } else {
        ps_plan_list_add(plan, &parts->above, filter);
    }
}

/* Where a part of ON may go: to a side whose unmatched rows are not kept. */
static void place_on(ps_plan *plan, const ps_rel *join, const ps_expr *part, join_parts *parts)
{
    uint32_t left = ps_rel_left_count(join);
    ps_join_kind kind = join->join.kind;
    bool movable = ps_expr_is_deterministic(part) && !ps_expr_is_constant(part) &&
                   join->join.temporal == PS_TEMPORAL_NONE && !join->join.is_null_aware;
    bool drops_left = kind == PS_JOIN_INNER || kind == PS_JOIN_RIGHT || kind == PS_JOIN_SEMI;
    bool drops_right = kind != PS_JOIN_RIGHT && kind != PS_JOIN_FULL;
    if (movable && drops_left && ps_plan_reads_only(part, 0, left)) {
        ps_plan_list_add(plan, &parts->left, part);
    } else if (movable && drops_right && ps_plan_reads_only(part, left, UINT32_MAX)) {
        ps_plan_list_add(plan, &parts->right, moved_to_right(plan, join, part));
    } else {
        ps_plan_list_add(plan, &parts->on, part);
    }
}

static ps_rel *push_join(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    join_parts parts = {0};
    ps_plan_list on = {0};
    join_simplify(rel, filters);
    for (uint32_t i = 0; i < filters->count; i++) {
        place_filter(plan, rel, filters->items[i], &parts);
    }
    ps_plan_conjuncts(plan, rel->join.condition, &on);
    for (uint32_t i = 0; i < parts.on.count; i++) {
        ps_plan_list_add(plan, &on, parts.on.items[i]);
    }
    parts.on = (ps_plan_list){0};
    for (uint32_t i = 0; i < on.count; i++) {
        place_on(plan, rel, on.items[i], &parts);
    }
    rel->join.condition = ps_plan_and_all(plan, &parts.on);
    rel->inputs[0] = push(plan, rel->inputs[0], &parts.left);
    rel->inputs[1] = push(plan, rel->inputs[1], &parts.right);
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, &parts.above));
}

/* ── the others ── */

static bool reads_role(ps_plan *plan, const ps_expr *filter, const ps_rel *rel)
{
    bool *reads = PS_PLAN_ARRAY(plan, bool, rel->column_count);
    ps_plan_mark(filter, reads);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        if (reads[i] && rel->columns[i].role != PS_ROLE_NONE) {
            return true;
        }
    }
    return false;
}

/* A filter on group keys selects groups, whether before or after they are counted; filters on
 * window bounds stay, so that the window can be merged. */
static ps_rel *push_aggregate(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    ps_plan_list below = {0}, above = {0};
    uint32_t key_count = rel->aggregate.keys.count;
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, rel->column_count);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        map[i] = i < key_count ? rel->aggregate.keys.columns[i] : PS_NO_COLUMN;
    }
    for (uint32_t i = 0; i < filters->count; i++) {
        const ps_expr *filter = filters->items[i];
        if (key_count > 0 && ps_expr_is_deterministic(filter) && !ps_expr_is_constant(filter) &&
            ps_plan_reads_only(filter, 0, key_count) && !reads_role(plan, filter, rel) &&
            rel->inputs[0]->kind != PS_REL_EXPAND) {
            ps_plan_list_add(plan, &below, ps_plan_renumber(plan, filter, map));
        } else {
            ps_plan_list_add(plan, &above, filter);
        }
    }
    rel->inputs[0] = push(plan, rel->inputs[0], &below);
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, &above));
}

/* A filter on PARTITION BY columns selects partitions. */
static ps_rel *push_match(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    ps_plan_list below = {0}, above = {0};
    uint32_t key_count = rel->match.keys.count;
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, rel->column_count);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        map[i] = i < key_count ? rel->match.keys.columns[i] : PS_NO_COLUMN;
    }
    for (uint32_t i = 0; i < filters->count; i++) {
        const ps_expr *filter = filters->items[i];
        if (ps_expr_is_deterministic(filter) && !ps_expr_is_constant(filter) &&
            ps_plan_reads_only(filter, 0, key_count)) {
            ps_plan_list_add(plan, &below, ps_plan_renumber(plan, filter, map));
        } else {
            ps_plan_list_add(plan, &above, filter);
        }
    }
    rel->inputs[0] = push(plan, rel->inputs[0], &below);
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, &above));
}

/* Filters that read only the input's own columns go below. */
static ps_rel *push_below_input(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    ps_plan_list below = {0}, above = {0};
    for (uint32_t i = 0; i < filters->count; i++) {
        const ps_expr *filter = filters->items[i];
        bool ok = ps_expr_is_deterministic(filter) &&
                  ps_plan_reads_only(filter, 0, rel->inputs[0]->column_count);
        ps_plan_list_add(plan, ok ? &below : &above, filter);
    }
    rel->inputs[0] = push(plan, rel->inputs[0], &below);
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, &above));
}

static ps_rel *push_to_all(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    ps_plan_list below = {0}, above = {0};
    for (uint32_t i = 0; i < filters->count; i++) {
        bool ok = ps_expr_is_deterministic(filters->items[i]);
        ps_plan_list_add(plan, ok ? &below : &above, filters->items[i]);
    }
    for (uint32_t i = 0; i < rel->input_count; i++) {
        ps_plan_list copy = {0};
        for (uint32_t j = 0; j < below.count; j++) {
            ps_plan_list_add(plan, &copy, below.items[j]);
        }
        rel->inputs[i] = push(plan, rel->inputs[i], &copy);
    }
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, &above));
}

static ps_rel *push_nowhere(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    push_inputs(plan, rel);
    return ps_rel_filter(plan, rel, ps_plan_and_all(plan, filters));
}

static ps_rel *push(ps_plan *plan, ps_rel *rel, ps_plan_list *filters)
{
    switch (rel->kind) {
    case PS_REL_CALC:
        return push_calc(plan, rel, filters);
    case PS_REL_OVER:
        return push_over(plan, rel, filters);
    case PS_REL_RANK:
        return push_below_keys(plan, rel, rel->rank.keys, filters);
    case PS_REL_JOIN:
        return push_join(plan, rel, filters);
    case PS_REL_AGGREGATE:
        return push_aggregate(plan, rel, filters);
    case PS_REL_WINDOW:
        /* a row less can split a session */
        return rel->window.window.kind == PS_WINDOW_SESSION
                   ? push_below_keys(plan, rel, rel->window.keys, filters)
                   : push_below_input(plan, rel, filters);
    case PS_REL_UNNEST:
        return push_below_input(plan, rel, filters);
    case PS_REL_MATCH:
        return push_match(plan, rel, filters);
    case PS_REL_UNION:
    case PS_REL_SET:
        return push_to_all(plan, rel, filters);
    case PS_REL_SORT:
        return rel->sort.limit < 0 && rel->sort.offset == 0 ? push_to_all(plan, rel, filters)
                                                            : push_nowhere(plan, rel, filters);
    case PS_REL_EXPAND:
    case PS_REL_SCAN:
    case PS_REL_VALUES:
        return push_nowhere(plan, rel, filters);
    }
    PS_ASSERT(false);
    return rel;
}

ps_rel *ps_rel_push_filters(ps_plan *plan, ps_rel *root)
{
    return push_none(plan, root);
}
