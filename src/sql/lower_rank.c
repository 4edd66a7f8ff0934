/* OVER, the ROW_NUMBER patterns (deduplication, Top-N, window Top-N), ORDER BY and LIMIT. */
#include "sql/lower.h"

/* Processing time has no column that is kept. */
static bool sorts_by_proctime(const ps_rel *input, const ps_sort_key *key)
{
    return key->column == PS_NO_COLUMN || input->columns[key->column].time == PS_TIME_PROCESSING;
}

static bool sorts_by_time(const ps_rel *input, const ps_sort_key *key)
{
    return sorts_by_proctime(input, key) || input->columns[key->column].time == PS_TIME_ROW;
}

/* ── OVER ── */

static void check_over(ps_lowering *lowering, const ps_rel *rel)
{
    ps_plan *plan = lowering->plan;
    const ps_sort_key *sort = rel->over.sort;
    if (rel->over.sort_count == 0) {
        ps_plan_fail_hint(plan, rel->at, "add ORDER BY and a time attribute",
                          "an OVER window on a stream must be ordered");
    }
    if (!sorts_by_time(rel->inputs[0], &sort[0])) {
        ps_plan_refuse(plan, rel->at,
                       "an OVER window that is not ordered by a time attribute (but for the "
                       "Top-N pattern ROW_NUMBER() … WHERE rn <= N)");
    }
    if (rel->over.sort_count > 1) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "an OVER window can be ordered by a single time column only");
    }
    if (sort[0].is_descending) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "an OVER window on a stream can be ordered ascending only");
    }
}

ps_node *ps_lower_over(ps_lowering *lowering, ps_rel *rel)
{
    ps_plan *plan = lowering->plan;
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    uint32_t input_count = rel->inputs[0]->column_count;
    for (uint32_t i = 0; i < input_count; i++) {
        rel->columns[i].time = rel->inputs[0]->columns[i].time;
        rel->columns[i].role = rel->inputs[0]->columns[i].role;
    }
    if (rel->over.call_count == 0) { /* nobody reads the results */
        return (ps_node *)(uintptr_t)input;
    }
    check_over(lowering, rel);
    ps_lower_need_append(lowering, input, rel->at, "an OVER window");
    ps_over_spec *spec = PS_PLAN_NEW(plan, ps_over_spec);
    bool is_processing = sorts_by_proctime(rel->inputs[0], &rel->over.sort[0]);
    *spec = (ps_over_spec){.keys = rel->over.keys,
                           .time_column = is_processing ? 0 : rel->over.sort[0].column,
                           .is_processing_time = is_processing,
                           .is_rows = rel->over.is_rows,
                           .is_unbounded = rel->over.is_unbounded,
                           .preceding = rel->over.preceding,
                           .call_count = rel->over.call_count,
                           .calls = rel->over.calls};
    ps_node *node = ps_lower_node(lowering, PS_NODE_OVER, rel, 1, &input);
    node->over = spec;
    if (!is_processing) {
        node->time_column = spec->time_column;
    }
    ps_lower_deal(lowering, node, &spec->keys);
    return node;
}

/* ── ROW_NUMBER patterns ── */

/* The partition keys that are the bounds of one window; false when they are not there. */
static bool window_bounds(const ps_rel *input, ps_columns keys, uint32_t *out_start,
                          uint32_t *out_end)
{
    for (uint32_t i = 0; i < keys.count; i++) {
        const ps_rel_column *start = &input->columns[keys.columns[i]];
        for (uint32_t j = 0; j < keys.count && start->role == PS_ROLE_WINDOW_START; j++) {
            const ps_rel_column *end = &input->columns[keys.columns[j]];
            if (end->role == PS_ROLE_WINDOW_END && end->window == start->window) {
                *out_start = keys.columns[i];
                *out_end = keys.columns[j];
                return true;
            }
        }
    }
    return false;
}

static ps_columns without(ps_plan *plan, ps_columns columns, uint32_t a, uint32_t b)
{
    uint32_t *kept = PS_PLAN_ARRAY(plan, uint32_t, columns.count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < columns.count; i++) {
        if (columns.columns[i] != a && columns.columns[i] != b) {
            kept[count++] = columns.columns[i];
        }
    }
    return (ps_columns){count, kept};
}

/* Sort keys without processing time: rows arrive in its order, and equal keys keep theirs. */
static uint32_t sort_without_proctime(ps_lowering *lowering, const ps_rel *rel, uint32_t count,
                                      ps_sort_key *sort)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!sorts_by_proctime(rel->inputs[0], &sort[i])) {
            sort[kept++] = sort[i];
        } else if (sort[i].is_descending || i + 1 < count) {
            ps_plan_refuse(lowering->plan, rel->at,
                           "a Top-N by processing time, descending or with further keys,");
        }
    }
    return kept;
}

static ps_node *window_rank(ps_lowering *lowering, ps_rel *rel, const ps_node *input,
                            uint32_t start, uint32_t end)
{
    ps_plan *plan = lowering->plan;
    const ps_rel *below = rel->inputs[0];
    const ps_window *window = below->columns[start].window;
    if (window->is_processing_time) {
        ps_plan_refuse(plan, rel->at, "a Top-N in processing-time windows");
    }
    bool by_time = rel->rank.first == 1 && rel->rank.last == 1 && rel->rank.sort_count == 1 &&
                   sorts_by_time(below, &rel->rank.sort[0]);
    ps_window_rank_spec *spec = PS_PLAN_NEW(plan, ps_window_rank_spec);
    spec->window = (ps_window){.kind = PS_WINDOW_ATTACHED,
                               .is_processing_time = window->is_processing_time,
                               .zone = window->zone,
                               .start_column = start,
                               .end_column = end};
    spec->keys = without(plan, rel->rank.keys, start, end);
    spec->sort_count = sort_without_proctime(lowering, rel, rel->rank.sort_count, rel->rank.sort);
    spec->sort = rel->rank.sort;
    spec->first = rel->rank.first;
    spec->last = rel->rank.last;
    spec->emit_rank = rel->rank.emit_rank;
    spec->is_deduplicate = by_time;
    ps_node *node = ps_lower_node(lowering, PS_NODE_WINDOW_RANK, rel, 1, &input);
    node->window_rank = spec;
    ps_lower_deal(lowering, node, &rel->rank.keys);
    return node;
}

/* A deduplication has no number column; it is 1 wherever it is asked for. */
static ps_node *with_number_one(ps_lowering *lowering, ps_rel *rel, ps_node *input)
{
    ps_plan *plan = lowering->plan;
    uint32_t count = input->schema.field_count;
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        outputs[i] = ps_plan_column(plan, i, input->schema.fields[i].type);
    }
    outputs[count] = ps_plan_constant(plan, rel->columns[count].type, (ps_value){.i64 = 1});
    ps_calc_spec *spec = PS_PLAN_NEW(plan, ps_calc_spec);
    *spec = (ps_calc_spec){NULL, count + 1, outputs};
    const ps_node *inputs[] = {input};
    ps_node *node = ps_lower_node(lowering, PS_NODE_CALC, rel, 1, inputs);
    node->calc = spec;
    node->changes = input->changes;
    return node;
}

static ps_node *deduplicate(ps_lowering *lowering, ps_rel *rel, const ps_node *input, bool before)
{
    const ps_sort_key *sort = &rel->rank.sort[0];
    bool is_processing = sorts_by_proctime(rel->inputs[0], sort);
    ps_deduplicate_spec *spec = PS_PLAN_NEW(lowering->plan, ps_deduplicate_spec);
    *spec = (ps_deduplicate_spec){.keys = rel->rank.keys,
                                  .time_column = is_processing ? 0 : sort->column,
                                  .is_processing_time = is_processing,
                                  .keep_last = sort->is_descending,
                                  .emit_update_before = before};
    ps_node *node = ps_lower_same(lowering, PS_NODE_DEDUPLICATE, input);
    node->deduplicate = spec;
    node->upsert_key = spec->keys;
    node->time_column = is_processing ? input->time_column : sort->column;
    /* by processing time the first row stays the first; by event time an earlier one may come */
    node->changes =
        spec->keep_last || !is_processing ? ps_lower_updates(before) : PS_CHANGES_APPEND;
    ps_lower_deal(lowering, node, &spec->keys);
    return rel->rank.emit_rank ? with_number_one(lowering, rel, node) : node;
}

static ps_node *rank_node(ps_lowering *lowering, ps_rel *rel, const ps_node *input, bool before)
{
    bool updates = input->changes != PS_CHANGES_APPEND;
    ps_rank_spec *spec = PS_PLAN_NEW(lowering->plan, ps_rank_spec);
    *spec = (ps_rank_spec){.keys = rel->rank.keys,
                           .sort = rel->rank.sort,
                           .first = rel->rank.first,
                           .last = rel->rank.last,
                           .emit_rank = rel->rank.emit_rank,
                           .input_updates = updates,
                           .input_upsert_key = updates ? input->upsert_key : (ps_columns){0},
                           .emit_update_before = before};
    spec->sort_count = sort_without_proctime(lowering, rel, rel->rank.sort_count, rel->rank.sort);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        rel->columns[i].time = PS_TIME_NONE;
    }
    ps_node *node = ps_lower_node(lowering, PS_NODE_RANK, rel, 1, &input);
    node->rank = spec;
    /* without an order the first rows to come stay the first */
    bool never_updates = spec->sort_count == 0 && !updates;
    node->changes =
        never_updates ? PS_CHANGES_APPEND : ps_lower_updates(before || node->upsert_key.count == 0);
    spec->emit_update_before = node->changes == PS_CHANGES_RETRACT;
    ps_lower_deal(lowering, node, &spec->keys);
    return node;
}

ps_node *ps_lower_rank(ps_lowering *lowering, ps_rel *rel, bool before)
{
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    const ps_rel *below = rel->inputs[0];
    uint32_t start, end;
    for (uint32_t i = 0; i < below->column_count; i++) {
        rel->columns[i].time = below->columns[i].time;
        rel->columns[i].role = below->columns[i].role;
    }
    bool is_append = input->changes == PS_CHANGES_APPEND;
    if (is_append && window_bounds(below, rel->rank.keys, &start, &end)) {
        return window_rank(lowering, rel, input, start, end);
    }
    if (is_append && rel->rank.first == 1 && rel->rank.last == 1 && rel->rank.sort_count == 1 &&
        sorts_by_time(below, &rel->rank.sort[0])) {
        return deduplicate(lowering, rel, input, before);
    }
    return rank_node(lowering, rel, input, before);
}

/* ── ORDER BY, LIMIT ── */

static ps_node *sort_by_time(ps_lowering *lowering, ps_rel *rel, const ps_node *input, bool at_end)
{
    static const ps_columns one_lane = {0, NULL};
    ps_sort_spec *spec = PS_PLAN_NEW(lowering->plan, ps_sort_spec);
    *spec = (ps_sort_spec){
        .sort_count = rel->sort.sort_count, .sort = rel->sort.sort, .at_end = at_end, .limit = -1};
    if (!at_end) {
        ps_lower_need_append(lowering, input, rel->at, "a sort by time");
    }
    ps_node *node = ps_lower_node(lowering, PS_NODE_SORT, rel, 1, &input);
    node->sort = spec;
    if (!at_end) {
        node->time_column = spec->sort[0].column;
    }
    ps_lower_deal(lowering, node, &one_lane);
    return node;
}

/* The first rows by an order are a Top-N without keys. */
static ps_node *limited(ps_lowering *lowering, ps_rel *rel, const ps_node *input, bool before)
{
    ps_rel *rank = ps_rel_new(lowering->plan, PS_REL_RANK, rel->at, 1, rel->column_count);
    rank->inputs[0] = rel->inputs[0];
    memcpy(rank->columns, rel->columns, rel->column_count * sizeof *rank->columns);
    rank->rank.sort_count = rel->sort.sort_count;
    rank->rank.sort = rel->sort.sort;
    rank->rank.first = rel->sort.offset + 1;
    rank->rank.last = rel->sort.offset + rel->sort.limit;
    return rank_node(lowering, rank, input, before);
}

ps_node *ps_lower_sort(ps_lowering *lowering, ps_rel *rel, bool before)
{
    ps_plan *plan = lowering->plan;
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    const ps_rel *below = rel->inputs[0];
    for (uint32_t i = 0; i < rel->column_count; i++) {
        rel->columns[i].time = below->columns[i].time;
        rel->columns[i].role = below->columns[i].role;
    }
    if (rel->sort.limit >= 0) {
        return limited(lowering, rel, input, before);
    }
    if (rel->sort.offset > 0) {
        ps_plan_refuse(plan, rel->at, "OFFSET without LIMIT");
    }
    if (rel->sort.sort_count == 0) {
        return (ps_node *)(uintptr_t)input;
    }
    const ps_sort_key *first = &rel->sort.sort[0];
    if (!first->is_descending && sorts_by_proctime(below, first)) {
        if (rel->sort.sort_count > 1) {
            ps_plan_refuse(plan, rel->at, "ORDER BY processing time and further columns");
        }
        return (ps_node *)(uintptr_t)input; /* rows are in its order */
    }
    if (!first->is_descending && sorts_by_time(below, first)) {
        return sort_by_time(lowering, rel, input, false);
    }
    if (plan->is_extended && lowering->is_bounded && input->changes == PS_CHANGES_APPEND) {
        return sort_by_time(lowering, rel, input, true);
    }
    ps_plan_fail_hint(plan, rel->at, "order by the time attribute first, ascending, or add LIMIT",
                      "a stream cannot be sorted on a column that is not a time attribute");
}
