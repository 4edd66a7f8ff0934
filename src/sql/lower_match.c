/* MATCH_RECOGNIZE: the Match operator of cep. */
#include <strings.h>

#include "sql/explain_match.h"
#include "sql/lower.h"

/* Whether the first column of ORDER BY still is a time attribute after the input was lowered. */
static bool check_order(ps_lowering *lowering, const ps_rel *rel)
{
    const ps_sort_key *first = &rel->match.sort[0];
    ps_time_attribute time = first->column == PS_NO_COLUMN
                                 ? PS_TIME_PROCESSING
                                 : rel->inputs[0]->columns[first->column].time;
    if (time == PS_TIME_NONE) {
        ps_plan_fail_hint(lowering->plan, rel->at,
                          "a regular join and a group aggregate lose it; an interval join and a "
                          "window keep one",
                          "MATCH_RECOGNIZE must be ordered by a rowtime or proctime attribute "
                          "first");
    }
    return time == PS_TIME_PROCESSING;
}

/* Sort columns behind the time; processing time orders nothing more. */
static uint32_t further_sort(ps_plan *plan, const ps_rel *rel, const ps_sort_key **out)
{
    ps_sort_key *sort = PS_PLAN_ARRAY(plan, ps_sort_key, rel->match.sort_count);
    uint32_t count = 0;
    for (uint32_t i = 1; i < rel->match.sort_count; i++) {
        if (rel->match.sort[i].column != PS_NO_COLUMN) {
            sort[count++] = rel->match.sort[i];
        }
    }
    *out = sort;
    return count;
}

/* The values as they are: what MEASURES make of them a calc above does. */
static ps_cep_measures measures_of(ps_plan *plan, const ps_rel *rel)
{
    uint32_t count = rel->match.value_count;
    const ps_expr **exprs = PS_PLAN_ARRAY(plan, const ps_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = ps_plan_column(plan, i, rel->columns[rel->match.keys.count + i].type);
    }
    return (ps_cep_measures){count, rel->match.values, count, exprs};
}

static uint64_t setting_number(ps_plan *plan, const char *key)
{
    uint64_t number = 0;
    const char *text = ps_settings_value(plan->settings, key);
    return ps_parse_u64(ps_slice_text(text), &number) ? number : 0;
}

ps_node *ps_lower_match(ps_lowering *lowering, ps_rel *rel)
{
    ps_plan *plan = lowering->plan;
    const ps_node *input = ps_lower(lowering, rel->inputs[0], true);
    bool is_processing = check_order(lowering, rel);
    ps_lower_need_append(lowering, input, rel->at, "Match Recognize");
    ps_cep_query *query = PS_PLAN_NEW(plan, ps_cep_query);
    *query = (ps_cep_query){.pattern = rel->match.pattern,
                            .measures = measures_of(plan, rel),
                            .emits_matches = true,
                            .emits_timeouts = rel->match.emits_timeouts};
    ps_match_spec *spec = PS_PLAN_NEW(plan, ps_match_spec);
    *spec = (ps_match_spec){
        .base = {"Match", ps_op_match_new, true},
        .keys = rel->match.keys,
        .time_column = is_processing ? 0 : rel->match.sort[0].column,
        .is_processing_time = is_processing,
        .input = &input->schema,
        .query_count = 1,
        .queries = query,
        .runs_per_key_max = setting_number(plan, "paystream.match.runs-per-key"),
        .rows_per_run_max = setting_number(plan, "paystream.match.rows-per-run"),
        .rows_per_key_max = setting_number(plan, "paystream.match.rows-per-key"),
        .evicts =
            strcasecmp(ps_settings_value(plan->settings, "paystream.match.on-limit"), "evict") == 0,
    };
    spec->sort_count = further_sort(plan, rel, &spec->sort);
    ps_node *node = ps_lower_node(lowering, PS_NODE_USER, rel, 1, &input);
    node->user = &spec->base;
    ps_lower_deal(lowering, node, &spec->keys);
    return node;
}

/* ── the same pattern twice ── */

static bool slots_equal(uint32_t count, const ps_cep_slot *a, const ps_cep_slot *b)
{
    for (uint32_t i = 0; i < count; i++) {
        const ps_aggregate_call *left = &a[i].call, *right = &b[i].call;
        bool is_same = a[i].kind == b[i].kind && a[i].variable == b[i].variable &&
                       a[i].with_current == b[i].with_current && a[i].offset == b[i].offset &&
                       a[i].column == b[i].column && left->class == right->class &&
                       left->argument_count == right->argument_count;
        for (uint32_t j = 0; is_same && j < left->argument_count; j++) {
            is_same = left->arguments[j] == right->arguments[j];
        }
        if (!is_same) {
            return false;
        }
    }
    return true;
}

static bool conditions_equal(const ps_cep_condition *a, const ps_cep_condition *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a->slot_count == b->slot_count && slots_equal(a->slot_count, a->slots, b->slots) &&
           ps_expr_is_deterministic(a->test) && ps_expr_equal(a->test, b->test);
}

/* Recursion: groups are at most PS_CEP_GROUP_DEPTH_MAX deep. */
static bool stages_equal(uint32_t count, const ps_cep_stage *const *left,
                         const ps_cep_stage *const *right)
{
    for (uint32_t i = 0; i < count; i++) {
        const ps_cep_stage *a = left[i], *b = right[i];
        if (a->contiguity != b->contiguity || a->has_times != b->has_times || a->min != b->min ||
            a->max != b->max || a->inner != b->inner || a->is_optional != b->is_optional ||
            a->is_greedy != b->is_greedy || a->group_is_choice != b->group_is_choice ||
            a->group_count != b->group_count || !conditions_equal(a->where, b->where) ||
            !stages_equal(a->group_count, a->group, b->group)) {
            return false;
        }
    }
    return true;
}

static bool queries_equal(const ps_cep_query *a, const ps_cep_query *b)
{
    const ps_cep_pattern *left = a->pattern, *right = b->pattern;
    return a->emits_timeouts == b->emits_timeouts && left->within_ms == right->within_ms &&
           left->skip == right->skip && left->skip_variable == right->skip_variable &&
           left->stage_count == right->stage_count &&
           stages_equal(left->stage_count, left->stages, right->stages) &&
           a->measures.slot_count == b->measures.slot_count &&
           slots_equal(a->measures.slot_count, a->measures.slots, b->measures.slots);
}

bool ps_lower_matches_equal(const ps_node *a, const ps_node *b)
{
    const ps_match_spec *left = ps_explain_match_of(a), *right = ps_explain_match_of(b);
    if (left == NULL || right == NULL || left->query_count != 1 || right->query_count != 1 ||
        left->is_processing_time != right->is_processing_time ||
        left->time_column != right->time_column || left->sort_count != right->sort_count ||
        left->keys.count != right->keys.count) {
        return false;
    }
    for (uint32_t i = 0; i < left->keys.count; i++) {
        if (left->keys.columns[i] != right->keys.columns[i]) {
            return false;
        }
    }
    for (uint32_t i = 0; i < left->sort_count; i++) {
        if (left->sort[i].column != right->sort[i].column ||
            left->sort[i].is_descending != right->sort[i].is_descending) {
            return false;
        }
    }
    return queries_equal(&left->queries[0], &right->queries[0]);
}
