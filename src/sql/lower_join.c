/* Joins: which of the join operators a join is (SEMANTICS §10). */
#include "expr/function.h"
#include "sql/lower.h"

/* left.time + lower ≤ right.time ≤ left.time + upper */
typedef struct {
    uint32_t left, right; /* PS_NO_COLUMN: no bound yet; joined numbering */
    int64_t lower_ms, upper_ms;
    bool has_lower, has_upper;
} time_bounds;

typedef struct {
    ps_plan_list keys; /* equalities of a left and a right column */
    ps_plan_list rest;
    time_bounds bounds;
} join_analysis;

static const ps_rel_column *joined_column(const ps_rel *rel, uint32_t column)
{
    uint32_t left = ps_rel_left_count(rel);
    return column < left ? &rel->inputs[0]->columns[column]
                         : &rel->inputs[1]->columns[column - left];
}

static bool is_key(const ps_rel *rel, const ps_expr *part)
{
    uint32_t left = ps_rel_left_count(rel);
    if (!ps_plan_is_call(part, "=") && !ps_plan_is_call(part, "IS NOT DISTINCT FROM")) {
        return false;
    }
    const ps_expr *a = part->arguments[0], *b = part->arguments[1];
    return a->kind == PS_EXPR_COLUMN && b->kind == PS_EXPR_COLUMN &&
           (a->column < left) != (b->column < left) && ps_type_equal(a->type, b->type);
}

/* ── time bounds ── */

/* A time attribute plus or minus constant intervals. */
static bool time_term(const ps_rel *rel, const ps_expr *expr, uint32_t *out_column,
                      int64_t *out_offset_ms)
{
    int64_t offset_ms = 0;
    while (expr->kind == PS_EXPR_CALL && expr->argument_count == 2) {
        bool is_minus = ps_plan_is_call(expr, "-");
        const ps_expr *base = expr->arguments[0], *interval = expr->arguments[1];
        if (!is_minus && !ps_plan_is_call(expr, "+")) {
            return false;
        }
        if (!is_minus && base->kind == PS_EXPR_CONSTANT) {
            const ps_expr *swap = base;
            base = interval;
            interval = swap;
        }
        if (interval->kind != PS_EXPR_CONSTANT || interval->constant.is_null ||
            interval->type->kind != PS_TYPE_INTERVAL_MS ||
            __builtin_add_overflow(offset_ms,
                                   is_minus ? -interval->constant.i64 : interval->constant.i64,
                                   &offset_ms)) {
            return false;
        }
        expr = base;
    }
    if (expr->kind != PS_EXPR_COLUMN || joined_column(rel, expr->column)->time == PS_TIME_NONE) {
        return false;
    }
    *out_column = expr->column;
    *out_offset_ms = offset_ms;
    return true;
}

static void bound_above(time_bounds *bounds, int64_t upper_ms)
{
    bounds->upper_ms =
        bounds->has_upper && bounds->upper_ms < upper_ms ? bounds->upper_ms : upper_ms;
    bounds->has_upper = true;
}

static void bound_below(time_bounds *bounds, int64_t lower_ms)
{
    bounds->lower_ms =
        bounds->has_lower && bounds->lower_ms > lower_ms ? bounds->lower_ms : lower_ms;
    bounds->has_lower = true;
}

/* Takes `left + a OP right + b` as a bound; false when the part says something else. */
static bool take_bound(const ps_rel *rel, const ps_expr *part, time_bounds *bounds)
{
    uint32_t left_count = ps_rel_left_count(rel), columns[2];
    int64_t offsets[2];
    if (part->kind != PS_EXPR_CALL || part->argument_count != 2) {
        return false;
    }
    const char *op = ps_function_entry_of(part->function)->name;
    if ((op[0] != '<' && op[0] != '>' && op[0] != '=') || strcmp(op, "<>") == 0 ||
        !time_term(rel, part->arguments[0], &columns[0], &offsets[0]) ||
        !time_term(rel, part->arguments[1], &columns[1], &offsets[1]) ||
        (columns[0] < left_count) == (columns[1] < left_count)) {
        return false;
    }
    bool is_turned = columns[0] >= left_count; /* right OP left */
    uint32_t left = columns[is_turned ? 1 : 0], right = columns[is_turned ? 0 : 1];
    int64_t difference = is_turned ? offsets[1] - offsets[0] : offsets[0] - offsets[1];
    if ((bounds->has_lower || bounds->has_upper) &&
        (bounds->left != left || bounds->right != right)) {
        return false;
    }
    bounds->left = left;
    bounds->right = right;
    if (op[0] == '=') {
        bound_above(bounds, difference);
        bound_below(bounds, difference);
        return true;
    }
    bool left_is_less = (op[0] == '<') != is_turned; /* left + … < right: right is above */
    int64_t strict = op[1] == '=' ? 0 : 1;
    if (left_is_less) {
        bound_below(bounds, difference + strict);
    } else {
        bound_above(bounds, difference - strict);
    }
    return true;
}

/* ── analysis ── */

static join_analysis analyse(ps_plan *plan, const ps_rel *rel)
{
    join_analysis analysis = {0};
    ps_plan_list parts = {0};
    ps_plan_conjuncts(plan, rel->join.condition, &parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        ps_plan_list_add(plan, is_key(rel, parts.items[i]) ? &analysis.keys : &analysis.rest,
                         parts.items[i]);
    }
    return analysis;
}

/* Moves the parts that bound one side's time by the other's into analysis->bounds; false, and
 * nothing is moved, when they do not bound it on both ends. */
static bool take_bounds(ps_plan *plan, const ps_rel *rel, join_analysis *analysis)
{
    time_bounds bounds = {.left = PS_NO_COLUMN, .right = PS_NO_COLUMN};
    ps_plan_list rest = {0}, keys = {0};
    for (uint32_t i = 0; i < analysis->rest.count; i++) {
        if (!take_bound(rel, analysis->rest.items[i], &bounds)) {
            ps_plan_list_add(plan, &rest, analysis->rest.items[i]);
        }
    }
    for (uint32_t i = 0; i < analysis->keys.count; i++) {
        const ps_expr *key = analysis->keys.items[i];
        if (!ps_plan_is_call(key, "=") || !take_bound(rel, key, &bounds)) {
            ps_plan_list_add(plan, &keys, key);
        }
    }
    if (!bounds.has_lower || !bounds.has_upper) {
        return false;
    }
    analysis->bounds = bounds;
    analysis->rest = rest;
    analysis->keys = keys;
    return true;
}

static ps_join_on join_on(ps_plan *plan, const ps_rel *rel, const join_analysis *analysis)
{
    uint32_t count = analysis->keys.count, left_count = ps_rel_left_count(rel);
    uint32_t *left = PS_PLAN_ARRAY(plan, uint32_t, count);
    uint32_t *right = PS_PLAN_ARRAY(plan, uint32_t, count);
    bool *null_safe = PS_PLAN_ARRAY(plan, bool, count);
    for (uint32_t i = 0; i < count; i++) {
        const ps_expr *key = analysis->keys.items[i];
        uint32_t a = key->arguments[0]->column, b = key->arguments[1]->column;
        left[i] = a < left_count ? a : b;
        right[i] = (a < left_count ? b : a) - left_count;
        null_safe[i] = !ps_plan_is_call(key, "=");
    }
    return (ps_join_on){.kind = rel->join.kind,
                        .left_keys = {count, left},
                        .right_keys = {count, right},
                        .null_safe = null_safe,
                        .condition = ps_plan_and_all(plan, &analysis->rest),
                        .is_null_aware_anti = rel->join.is_null_aware};
}

static void deal_by_keys(ps_lowering *lowering, ps_node *node, const ps_join_on *on)
{
    ps_columns keys[2] = {on->left_keys, on->right_keys};
    if (on->is_null_aware_anti) { /* one NULL on the right concerns every row */
        keys[0] = keys[1] = (ps_columns){0, NULL};
    }
    ps_lower_deal(lowering, node, keys);
}

/* ── output columns ── */

static void refresh_join(ps_rel *rel, bool keeps_left, bool keeps_right)
{
    uint32_t left = ps_rel_left_count(rel);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        const ps_rel_column *from = joined_column(rel, i);
        ps_rel_column *to = &rel->columns[i];
        bool keeps = i < left ? keeps_left : keeps_right;
        to->time = keeps ? from->time : PS_TIME_NONE;
        to->role = keeps ? from->role : PS_ROLE_NONE;
        to->window = from->window;
    }
}

/* ── the joins ── */

static ps_node *temporal_join(ps_lowering *lowering, ps_rel *rel, const ps_node *const *inputs)
{
    ps_plan *plan = lowering->plan;
    join_analysis analysis = analyse(plan, rel);
    ps_columns key = ps_rel_upsert_key(plan, rel->inputs[1]);
    ps_temporal_join_spec *spec = PS_PLAN_NEW(plan, ps_temporal_join_spec);
    spec->on = join_on(plan, rel, &analysis);
    spec->left_time = rel->join.as_of;
    spec->right_time = PS_NO_COLUMN;
    if (rel->inputs[0]->columns[rel->join.as_of].time != PS_TIME_ROW) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "FOR SYSTEM_TIME AS OF needs a time attribute of the left side");
    }
    for (uint32_t i = 0; i < rel->inputs[1]->column_count && spec->right_time == PS_NO_COLUMN;
         i++) {
        if (rel->inputs[1]->columns[i].time == PS_TIME_ROW) {
            spec->right_time = i;
        }
    }
    if (spec->right_time == PS_NO_COLUMN) {
        ps_plan_fail_hint(plan, rel->at, "declare a WATERMARK",
                          "a temporal join needs a versioned table with a time attribute");
    }
    if (key.count == 0) {
        ps_plan_fail_hint(plan, rel->at, "declare a PRIMARY KEY, or use a deduplication view",
                          "a temporal join needs a primary key in the versioned table");
    }
    for (uint32_t i = 0; i < key.count; i++) {
        uint32_t j = 0;
        while (j < spec->on.right_keys.count && spec->on.right_keys.columns[j] != key.columns[i]) {
            j++;
        }
        if (j == spec->on.right_keys.count) {
            ps_plan_fail(plan, PS_E_INVALID, rel->at,
                         "the condition of a temporal join must have an equality for every "
                         "column of the versioned table's primary key");
        }
    }
    refresh_join(rel, true, true);
    ps_node *node = ps_lower_node(lowering, PS_NODE_TEMPORAL_JOIN, rel, 2, inputs);
    node->temporal_join = spec;
    node->time_column = spec->left_time;
    node->changes = inputs[0]->changes;
    deal_by_keys(lowering, node, &spec->on);
    return node;
}

static ps_node *lookup_join(ps_lowering *lowering, ps_rel *rel, const ps_node *const *inputs)
{
    ps_plan *plan = lowering->plan;
    join_analysis analysis = analyse(plan, rel);
    ps_lookup_join_spec *spec = PS_PLAN_NEW(plan, ps_lookup_join_spec);
    spec->on = join_on(plan, rel, &analysis);
    if (spec->on.left_keys.count == 0) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "a lookup join needs at least one equality with a column of the looked-up "
                     "table");
    }
    refresh_join(rel, true, false);
    ps_node *node = ps_lower_node(lowering, PS_NODE_LOOKUP_JOIN, rel, 2, inputs);
    node->lookup_join = spec;
    node->changes = inputs[0]->changes;
    node->has_watermarks = inputs[0]->has_watermarks;
    deal_by_keys(lowering, node, &spec->on);
    return node;
}

static bool windows_equal(const ps_window *a, const ps_window *b)
{
    return a->kind == b->kind && a->size_ms == b->size_ms && a->step_ms == b->step_ms &&
           a->offset_ms == b->offset_ms && a->is_processing_time == b->is_processing_time;
}

/* The key that equates the bounds of that role on both sides. */
static const ps_expr *window_key(const ps_rel *rel, const join_analysis *analysis,
                                 ps_column_role role)
{
    for (uint32_t i = 0; i < analysis->keys.count; i++) {
        const ps_expr *key = analysis->keys.items[i];
        if (joined_column(rel, key->arguments[0]->column)->role == role &&
            joined_column(rel, key->arguments[1]->column)->role == role) {
            return key;
        }
    }
    return NULL;
}

static ps_node *window_join(ps_lowering *lowering, ps_rel *rel, const ps_node *const *inputs,
                            join_analysis *analysis, const ps_expr *start, const ps_expr *end)
{
    ps_plan *plan = lowering->plan;
    uint32_t left_count = ps_rel_left_count(rel);
    ps_plan_list keys = {0}, window_keys = {0};
    if (!windows_equal(joined_column(rel, start->arguments[0]->column)->window,
                       joined_column(rel, start->arguments[1]->column)->window)) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "a window join needs the same window function on both sides");
    }
    if (joined_column(rel, start->arguments[0]->column)->window->is_processing_time) {
        ps_plan_refuse(plan, rel->at, "a join of processing-time windows");
    }
    for (uint32_t i = 0; i < analysis->keys.count; i++) {
        bool is_bound = analysis->keys.items[i] == start || analysis->keys.items[i] == end;
        ps_plan_list_add(plan, is_bound ? &window_keys : &keys, analysis->keys.items[i]);
    }
    join_analysis bounds = {.keys = {0}};
    ps_plan_list_add(plan, &bounds.keys, start);
    ps_plan_list_add(plan, &bounds.keys, end);
    ps_join_on on = join_on(plan, rel, &bounds);
    analysis->keys = keys;
    ps_window_join_spec *spec = PS_PLAN_NEW(plan, ps_window_join_spec);
    *spec = (ps_window_join_spec){.on = join_on(plan, rel, analysis),
                                  .left_start = on.left_keys.columns[0],
                                  .left_end = on.left_keys.columns[1],
                                  .right_start = on.right_keys.columns[0],
                                  .right_end = on.right_keys.columns[1]};
    PS_ASSERT(spec->left_start < left_count);
    ps_lower_need_append(lowering, inputs[0], rel->at, "a window join");
    ps_lower_need_append(lowering, inputs[1], rel->at, "a window join");
    refresh_join(rel, true, true);
    ps_node *node = ps_lower_node(lowering, PS_NODE_WINDOW_JOIN, rel, 2, inputs);
    node->window_join = spec;
    join_analysis all = *analysis;
    ps_plan_list_add(plan, &all.keys, start);
    ps_join_on deal = join_on(plan, rel, &all);
    deal_by_keys(lowering, node, &deal);
    return node;
}

static ps_node *interval_join(ps_lowering *lowering, ps_rel *rel, const ps_node *const *inputs,
                              const join_analysis *analysis)
{
    ps_plan *plan = lowering->plan;
    const time_bounds *bounds = &analysis->bounds;
    uint32_t left_count = ps_rel_left_count(rel);
    ps_time_attribute left = joined_column(rel, bounds->left)->time;
    if (left != joined_column(rel, bounds->right)->time) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "an interval join needs event time on both sides or processing time on "
                     "both sides");
    }
    ps_lower_need_append(lowering, inputs[0], rel->at, "an interval join");
    ps_lower_need_append(lowering, inputs[1], rel->at, "an interval join");
    ps_interval_join_spec *spec = PS_PLAN_NEW(plan, ps_interval_join_spec);
    *spec = (ps_interval_join_spec){.on = join_on(plan, rel, analysis),
                                    .left_time = bounds->left,
                                    .right_time = bounds->right - left_count,
                                    .lower_ms = bounds->lower_ms,
                                    .upper_ms = bounds->upper_ms,
                                    .is_processing_time = left == PS_TIME_PROCESSING};
    refresh_join(rel, true, true);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        rel->columns[i].role = PS_ROLE_NONE;
    }
    ps_node *node = ps_lower_node(lowering, PS_NODE_INTERVAL_JOIN, rel, 2, inputs);
    node->interval_join = spec;
    deal_by_keys(lowering, node, &spec->on);
    return node;
}

static ps_node *regular_join(ps_lowering *lowering, ps_rel *rel, const ps_node *const *inputs,
                             const join_analysis *analysis, bool before)
{
    ps_plan *plan = lowering->plan;
    bool left_updates = inputs[0]->changes != PS_CHANGES_APPEND;
    bool right_updates = inputs[1]->changes != PS_CHANGES_APPEND;
    bool is_append = !left_updates && !right_updates &&
                     (rel->join.kind == PS_JOIN_INNER || rel->join.kind == PS_JOIN_SEMI);
    refresh_join(rel, false, false);
    ps_node *node = ps_lower_node(lowering, PS_NODE_JOIN, rel, 2, inputs);
    before = before || node->upsert_key.count == 0;
    ps_join_spec *spec = PS_PLAN_NEW(plan, ps_join_spec);
    *spec = (ps_join_spec){.on = join_on(plan, rel, analysis),
                           .left_updates = left_updates,
                           .right_updates = right_updates,
                           .left_upsert_key = inputs[0]->upsert_key,
                           .right_upsert_key = inputs[1]->upsert_key,
                           .emit_update_before = before};
    node->join = spec;
    node->changes = is_append ? PS_CHANGES_APPEND : ps_lower_updates(before);
    deal_by_keys(lowering, node, &spec->on);
    return node;
}

ps_node *ps_lower_join(ps_lowering *lowering, ps_rel *rel, bool before)
{
    ps_plan *plan = lowering->plan;
    bool needs_old_left = rel->join.temporal == PS_TEMPORAL_NONE || before;
    const ps_node *inputs[2];
    inputs[0] = ps_lower(lowering, rel->inputs[0], needs_old_left);
    inputs[1] = ps_lower(lowering, rel->inputs[1], rel->join.temporal != PS_TEMPORAL_ROWTIME);
    if (rel->join.temporal == PS_TEMPORAL_ROWTIME) {
        return temporal_join(lowering, rel, inputs);
    }
    if (rel->join.temporal == PS_TEMPORAL_PROCTIME) {
        return lookup_join(lowering, rel, inputs);
    }
    join_analysis analysis = analyse(plan, rel);
    const ps_expr *start = window_key(rel, &analysis, PS_ROLE_WINDOW_START);
    const ps_expr *end = window_key(rel, &analysis, PS_ROLE_WINDOW_END);
    if (start != NULL && end != NULL) {
        return window_join(lowering, rel, inputs, &analysis, start, end);
    }
    if (rel->join.kind < PS_JOIN_SEMI && take_bounds(plan, rel, &analysis)) {
        return interval_join(lowering, rel, inputs, &analysis);
    }
    return regular_join(lowering, rel, inputs, &analysis, before);
}
