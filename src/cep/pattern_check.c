/* What a pattern must not be (SEMANTICS §13.2). */
#include "cep/automaton.h"

static const size_t automaton_size_max = (size_t)1 << 30;

typedef struct {
    const ps_cep_pattern *pattern;
    uint32_t variable; /* of the next stage that is no group */
    ps_error *err;
} check;

static ps_code refuse(const check *self, const ps_cep_stage *stage, const char *why)
{
    if (stage->group_count > 0) {
        return ps_error_set(self->err, PS_E_INVALID, "pattern: a group: %s", why);
    }
    return ps_error_set(self->err, PS_E_INVALID, "pattern: %.*s: %s", (int)stage->name.size,
                        stage->name.data, why);
}

static bool is_not(const ps_cep_stage *stage)
{
    return stage->contiguity == PS_CEP_NOT_NEXT || stage->contiguity == PS_CEP_NOT_FOLLOWED_BY;
}

static ps_code check_quantifier(const check *self, const ps_cep_stage *stage)
{
    bool is_looping = stage->has_times && stage->max == PS_CEP_UNBOUNDED;
    if (stage->has_times && (stage->min < 1 || stage->max < stage->min)) {
        return refuse(self, stage, "times: at least 1, and the maximum not below the minimum");
    }
    if (stage->until != NULL && !is_looping) {
        return refuse(self, stage, "until is only for a stage that repeats without a maximum");
    }
    if (is_not(stage) && (stage->has_times || stage->is_optional || stage->group_count > 0)) {
        return refuse(self, stage, "what must not come cannot be optional or repeated");
    }
    if (stage->is_greedy && (!stage->has_times || is_not(stage))) {
        return refuse(self, stage, "greedy is only for a stage that repeats");
    }
    if (stage->is_greedy && stage->group_count > 0) {
        return refuse(self, stage, "a group cannot be greedy");
    }
    if (stage->is_greedy && stage->inner == PS_CEP_COMBINATIONS) {
        return refuse(self, stage, "greedy does not go with all combinations");
    }
    if (stage->group_count > 0 && stage->where != NULL) {
        return refuse(self, stage, "a group cannot have a condition");
    }
    return PS_OK;
}

static ps_code check_times(const check *self, const ps_cep_stage *stage)
{
    int64_t window_ms = self->pattern->within_ms;
    if (stage->within_previous_ms < 0 || stage->times_within_ms < 0 || window_ms < 0) {
        return refuse(self, stage, "a time bound must be positive");
    }
    if (window_ms > 0 && (stage->within_previous_ms > window_ms)) {
        return refuse(self, stage,
                      "the time since the stage before cannot be longer than the whole pattern's");
    }
    return PS_OK;
}

static ps_code check_place(const check *self, const ps_cep_stage *stage, const ps_cep_stage *before)
{
    if (before == NULL) {
        return is_not(stage) ? refuse(self, stage, "a pattern cannot begin with what must not come")
                             : PS_OK;
    }
    if (is_not(stage) && before->is_optional) {
        return refuse(self, stage,
                      "what must not come cannot follow an optional stage; use two patterns, one "
                      "with the optional stage and one without it");
    }
    bool is_bounded = stage->has_times && stage->max != PS_CEP_UNBOUNDED;
    if (stage->is_optional && before->is_greedy && !is_bounded) {
        return refuse(self, stage, "an optional stage cannot directly follow a greedy one");
    }
    return PS_OK;
}

static ps_code check_name(check *self, const ps_cep_stage *stage)
{
    const ps_cep_pattern *pattern = self->pattern;
    if (stage->name.size == 0) {
        return ps_error_set(self->err, PS_E_INVALID, "pattern: stage %u has no name",
                            self->variable + 1);
    }
    if (self->variable >= pattern->variable_count ||
        !ps_slice_equal(pattern->variables[self->variable], stage->name)) {
        return refuse(self, stage, "the list of variables does not agree with the stages");
    }
    for (uint32_t i = 0; i < self->variable; i++) {
        if (ps_slice_equal(pattern->variables[i], stage->name)) {
            return refuse(self, stage, "two stages have that name");
        }
    }
    self->variable++;
    return PS_OK;
}

/* Recursion: the depth is limited. */
static ps_code check_chain(check *self, uint32_t count, const ps_cep_stage *const *stages,
                           bool is_choice, uint32_t depth)
{
    if (depth > PS_CEP_GROUP_DEPTH_MAX) {
        return ps_error_set(self->err, PS_E_LIMIT, "pattern: groups are nested more than %d deep",
                            PS_CEP_GROUP_DEPTH_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        const ps_cep_stage *stage = stages[i];
        ps_code code = check_quantifier(self, stage);
        if (code == PS_OK) {
            code = check_times(self, stage);
        }
        if (code == PS_OK) {
            code = check_place(self, stage, i > 0 && !is_choice ? stages[i - 1] : NULL);
        }
        if (code == PS_OK) {
            code = stage->group_count > 0 ? check_chain(self, stage->group_count, stage->group,
                                                        stage->group_is_choice, depth + 1)
                                          : check_name(self, stage);
        }
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

static ps_code check_whole(const check *self)
{
    const ps_cep_pattern *pattern = self->pattern;
    const ps_cep_stage *last = pattern->stages[pattern->stage_count - 1];
    bool has_window = pattern->within_ms > 0 || last->within_previous_ms > 0;
    if (last->contiguity == PS_CEP_NOT_FOLLOWED_BY && !has_window) {
        return refuse(self, last,
                      "a pattern that ends with what must not follow needs a time limit (within)");
    }
    bool skips_to_row =
        pattern->skip == PS_CEP_SKIP_TO_FIRST || pattern->skip == PS_CEP_SKIP_TO_LAST;
    if (skips_to_row && pattern->skip_variable >= pattern->variable_count) {
        return ps_error_set(self->err, PS_E_INVALID,
                            "pattern: no stage has the name that matches skip to");
    }
    return PS_OK;
}

ps_code ps_cep_pattern_check(const ps_cep_pattern *pattern, bool *out_matches_empty, ps_error *err)
{
    check self = {.pattern = pattern, .err = err};
    if (pattern->stage_count == 0) {
        return ps_error_set(err, PS_E_INVALID, "pattern: there is no stage");
    }
    ps_code code = check_chain(&self, pattern->stage_count, pattern->stages, false, 1);
    if (code == PS_OK) {
        code = check_whole(&self);
    }
    if (code != PS_OK) {
        return code;
    }
    ps_arena arena;
    ps_arena_init(&arena, automaton_size_max);
    const ps_cep_automaton *automaton;
    code = ps_cep_automaton_new(pattern, &arena, &automaton, err);
    if (code == PS_OK) {
        *out_matches_empty = automaton->matches_empty;
    }
    ps_arena_release(&arena);
    return code;
}

bool ps_cep_pattern_is_bounded(const ps_cep_pattern *pattern)
{
    if (pattern->within_ms > 0) {
        return true;
    }
    /* without a window a run must end by itself: strict contiguity throughout, no loops */
    for (uint32_t i = 0; i < pattern->stage_count; i++) {
        const ps_cep_stage *stage = pattern->stages[i];
        bool waits =
            i > 0 && stage->contiguity != PS_CEP_NEXT && stage->contiguity != PS_CEP_NOT_NEXT;
        bool repeats = stage->has_times &&
                       (stage->max == PS_CEP_UNBOUNDED || stage->inner != PS_CEP_CONSECUTIVE);
        if (waits || repeats || stage->group_count > 0) {
            return false;
        }
    }
    return true;
}
