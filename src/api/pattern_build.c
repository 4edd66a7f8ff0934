/* Building patterns: calls become the stages of a ps_cep_pattern, in the pattern's arena. */
#include "api/pattern_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/match_face.h"
#include "cep/automaton.h"

enum { ARENA_SIZE_MAX = 1 << 30, PRINT_SIZE_MAX = 64 << 20 };

struct ps_pattern {
    ps_arena arena;
    ps_pattern_stage all;      /* the pattern as a group */
    ps_pattern_stage *group;   /* that stages are added to; &all at first */
    ps_pattern_stage *current; /* that calls speak of; NULL: there is none */
    uint32_t stage_count;      /* of those that are no groups */
    ps_skip skip;
    const char *skip_name;
    bool skip_must_hit;
    int64_t within_ms;
    ps_pattern_limit limit;
    ps_code code; /* of the first failure */
    ps_error error;
    ps_cep_pattern *finished;
};

ps_pattern *ps_pattern_new(void)
{
    ps_pattern *pattern = calloc(1, sizeof *pattern);
    if (pattern != NULL) {
        ps_arena_init(&pattern->arena, ARENA_SIZE_MAX);
        pattern->group = &pattern->all;
    }
    return pattern;
}

void ps_pattern_free(ps_pattern *pattern)
{
    if (pattern != NULL) {
        ps_arena_release(&pattern->arena);
        free(pattern);
    }
}

static void fail(ps_pattern *pattern, ps_code code, const char *format, ...) PS_PRINTF(3, 4);
static void fail(ps_pattern *pattern, ps_code code, const char *format, ...)
{
    if (pattern->code == PS_OK) {
        char text[PS_ERROR_TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        pattern->code = ps_error_set(&pattern->error, code, "pattern: %s", text);
    }
}

static void *take(ps_pattern *pattern, size_t size)
{
    void *taken = ps_arena_take(&pattern->arena, size);
    if (taken == NULL) {
        fail(pattern, PS_E_MEMORY, "no memory");
    }
    return taken;
}

/* False: nothing can be added any more. */
static bool can_change(ps_pattern *pattern)
{
    if (pattern->finished != NULL) {
        fail(pattern, PS_E_INVALID, "it was used already and cannot be changed");
    }
    return pattern->code == PS_OK;
}

/* The stage or group that a call speaks of; NULL: it cannot be. */
static ps_pattern_stage *current(ps_pattern *pattern, const char *call)
{
    if (can_change(pattern) && pattern->current == NULL) {
        fail(pattern, PS_E_INVALID, "%s: there is no stage yet", call);
    }
    return pattern->code == PS_OK ? pattern->current : NULL;
}

/* ── stages ── */

static ps_pattern_stage *add(ps_pattern *pattern, ps_cep_contiguity contiguity, bool is_begin,
                             const char *what)
{
    if (!can_change(pattern)) {
        return NULL;
    }
    ps_pattern_stage *group = pattern->group;
    if (is_begin != (group->last == NULL)) {
        fail(pattern, PS_E_INVALID, "%s: %s", what,
             is_begin ? "a pattern or group begins once" : "a pattern or group begins with begin");
        return NULL;
    }
    ps_pattern_stage *stage = take(pattern, sizeof *stage);
    if (stage == NULL) {
        return NULL;
    }
    stage->stage.contiguity = contiguity;
    stage->outer = group;
    if (group->last != NULL) {
        group->last->next = stage;
    } else {
        group->first = stage;
    }
    group->last = stage;
    group->chain_count++;
    pattern->current = stage;
    return stage;
}

static uint32_t add_named(ps_pattern *pattern, ps_cep_contiguity contiguity, bool is_begin,
                          const char *name)
{
    ps_pattern_stage *stage = add(pattern, contiguity, is_begin, name);
    const char *copy = stage != NULL ? ps_arena_copy(&pattern->arena, name, strlen(name)) : NULL;
    if (stage != NULL && copy == NULL) {
        fail(pattern, PS_E_MEMORY, "no memory");
    }
    if (copy == NULL) {
        return PS_STAGE_ANY;
    }
    stage->stage.name = ps_slice_text(copy);
    return pattern->stage_count++;
}

uint32_t ps_pattern_begin(ps_pattern *pattern, const char *name)
{
    return add_named(pattern, PS_CEP_NEXT, true, name);
}

uint32_t ps_pattern_next(ps_pattern *pattern, const char *name)
{
    return add_named(pattern, PS_CEP_NEXT, false, name);
}

uint32_t ps_pattern_followed_by(ps_pattern *pattern, const char *name)
{
    return add_named(pattern, PS_CEP_FOLLOWED_BY, false, name);
}

uint32_t ps_pattern_followed_by_any(ps_pattern *pattern, const char *name)
{
    return add_named(pattern, PS_CEP_FOLLOWED_BY_ANY, false, name);
}

uint32_t ps_pattern_not_next(ps_pattern *pattern, const char *name)
{
    return add_named(pattern, PS_CEP_NOT_NEXT, false, name);
}

uint32_t ps_pattern_not_followed_by(ps_pattern *pattern, const char *name)
{
    return add_named(pattern, PS_CEP_NOT_FOLLOWED_BY, false, name);
}

static void open_group(ps_pattern *pattern, ps_cep_contiguity contiguity, bool is_begin)
{
    ps_pattern_stage *stage = add(pattern, contiguity, is_begin, "group");
    if (stage != NULL) {
        pattern->group = stage;
        pattern->current = NULL;
    }
}

void ps_pattern_begin_group(ps_pattern *pattern)
{
    open_group(pattern, PS_CEP_NEXT, true);
}

void ps_pattern_next_group(ps_pattern *pattern)
{
    open_group(pattern, PS_CEP_NEXT, false);
}

void ps_pattern_followed_by_group(ps_pattern *pattern)
{
    open_group(pattern, PS_CEP_FOLLOWED_BY, false);
}

void ps_pattern_followed_by_any_group(ps_pattern *pattern)
{
    open_group(pattern, PS_CEP_FOLLOWED_BY_ANY, false);
}

void ps_pattern_end_group(ps_pattern *pattern)
{
    if (!can_change(pattern)) {
        return;
    }
    ps_pattern_stage *group = pattern->group;
    if (group == &pattern->all || group->first == NULL) {
        fail(pattern, PS_E_INVALID,
             group == &pattern->all ? "end_group: no group is open"
                                    : "end_group: the group has no stages");
        return;
    }
    pattern->group = group->outer;
    pattern->current = group;
}

/* ── conditions ── */

static void add_term(ps_pattern *pattern, ps_pattern_terms **terms, const ps_pattern_term *term)
{
    ps_pattern_terms *to = *terms != NULL ? *terms : take(pattern, sizeof *to);
    ps_pattern_term *more = to != NULL ? take(pattern, (to->term_count + 1) * sizeof *more) : NULL;
    if (more == NULL) {
        return;
    }
    if (to->term_count > 0) {
        memcpy(more, to->terms, to->term_count * sizeof *more);
    }
    more[to->term_count++] = *term;
    to->terms = more;
    to->condition.function = ps_match_face_ask;
    to->condition.user = to;
    to->condition.looks_back = to->condition.looks_back || term->matched != NULL;
    *terms = to;
}

static void add_where(ps_pattern *pattern, const ps_pattern_term *term)
{
    ps_pattern_stage *stage = current(pattern, "where");
    if (stage != NULL) {
        add_term(pattern, &stage->where, term);
        stage->stage.where = stage->where != NULL ? &stage->where->condition : NULL;
    }
}

void ps_pattern_where(ps_pattern *pattern, ps_filter_function *test, void *user)
{
    add_where(pattern, &(ps_pattern_term){.test = test, .user = user});
}

void ps_pattern_where_matched(ps_pattern *pattern, ps_matched_condition *test, void *user)
{
    add_where(pattern, &(ps_pattern_term){.matched = test, .user = user});
}

void ps_pattern_or(ps_pattern *pattern, ps_filter_function *test, void *user)
{
    add_where(pattern, &(ps_pattern_term){.test = test, .user = user, .is_or = true});
}

void ps_pattern_or_matched(ps_pattern *pattern, ps_matched_condition *test, void *user)
{
    add_where(pattern, &(ps_pattern_term){.matched = test, .user = user, .is_or = true});
}

static void add_until(ps_pattern *pattern, const ps_pattern_term *term)
{
    ps_pattern_stage *stage = current(pattern, "until");
    if (stage == NULL) {
        return;
    }
    if (stage->until != NULL) {
        fail(pattern, PS_E_INVALID, "a stage has one until");
        return;
    }
    add_term(pattern, &stage->until, term);
    stage->stage.until = stage->until != NULL ? &stage->until->condition : NULL;
}

void ps_pattern_until(ps_pattern *pattern, ps_filter_function *test, void *user)
{
    add_until(pattern, &(ps_pattern_term){.test = test, .user = user});
}

void ps_pattern_until_matched(ps_pattern *pattern, ps_matched_condition *test, void *user)
{
    add_until(pattern, &(ps_pattern_term){.matched = test, .user = user});
}

/* ── quantifiers ── */

static void set_times(ps_pattern *pattern, uint32_t min, uint32_t max)
{
    ps_pattern_stage *stage = current(pattern, "times");
    if (stage == NULL) {
        return;
    }
    if (stage->has_quantifier) {
        fail(pattern, PS_E_INVALID, "a stage has one quantifier");
        return;
    }
    stage->has_quantifier = true;
    stage->stage.has_times = true;
    stage->stage.min = min;
    stage->stage.max = max;
}

void ps_pattern_times(ps_pattern *pattern, uint32_t count)
{
    set_times(pattern, count, count);
}

/* times(0, n) is an optional times(1, n). */
void ps_pattern_times_range(ps_pattern *pattern, uint32_t min, uint32_t max)
{
    set_times(pattern, min == 0 ? 1 : min, max);
    if (min == 0) {
        ps_pattern_optional(pattern);
    }
}

void ps_pattern_times_or_more(ps_pattern *pattern, uint32_t min)
{
    set_times(pattern, min, PS_CEP_UNBOUNDED);
}

void ps_pattern_one_or_more(ps_pattern *pattern)
{
    set_times(pattern, 1, PS_CEP_UNBOUNDED);
}

static bool is_behind_greedy(const ps_pattern_stage *stage)
{
    const ps_pattern_stage *before = stage->outer->first;
    while (before != stage && before->next != stage) {
        before = before->next;
    }
    return before != stage && before->stage.is_greedy;
}

void ps_pattern_optional(ps_pattern *pattern)
{
    ps_pattern_stage *stage = current(pattern, "optional");
    if (stage != NULL && is_behind_greedy(stage)) {
        fail(pattern, PS_E_INVALID, "an optional stage cannot directly follow a greedy one");
    } else if (stage != NULL) {
        stage->stage.is_optional = true;
    }
}

void ps_pattern_greedy(ps_pattern *pattern)
{
    ps_pattern_stage *stage = current(pattern, "greedy");
    if (stage != NULL) {
        stage->stage.is_greedy = true;
    }
}

static void set_inner(ps_pattern *pattern, ps_cep_inner inner, const char *call)
{
    ps_pattern_stage *stage = current(pattern, call);
    if (stage == NULL) {
        return;
    }
    if (!stage->has_quantifier) {
        fail(pattern, PS_E_INVALID, "%s is only for a stage that repeats", call);
        return;
    }
    stage->stage.inner = inner;
}

void ps_pattern_consecutive(ps_pattern *pattern)
{
    set_inner(pattern, PS_CEP_CONSECUTIVE, "consecutive");
}

void ps_pattern_allow_combinations(ps_pattern *pattern)
{
    set_inner(pattern, PS_CEP_COMBINATIONS, "allow_combinations");
}

/* ── time, skipping, limits ── */

static bool is_duration(ps_pattern *pattern, int64_t ms, const char *call)
{
    if (can_change(pattern) && ms <= 0) {
        fail(pattern, PS_E_INVALID, "%s: the time must be positive", call);
    }
    return pattern->code == PS_OK;
}

void ps_pattern_within(ps_pattern *pattern, int64_t ms)
{
    if (is_duration(pattern, ms, "within") &&
        (pattern->within_ms == 0 || ms < pattern->within_ms)) {
        pattern->within_ms = ms;
    }
}

void ps_pattern_within_previous(ps_pattern *pattern, int64_t ms)
{
    if (is_duration(pattern, ms, "within_previous")) {
        ps_pattern_stage *stage = current(pattern, "within_previous");
        if (stage != NULL) {
            stage->stage.within_previous_ms = ms;
        }
    }
}

void ps_pattern_times_within(ps_pattern *pattern, int64_t ms)
{
    if (is_duration(pattern, ms, "times_within")) {
        ps_pattern_stage *stage = current(pattern, "times_within");
        if (stage != NULL) {
            stage->stage.times_within_ms = ms;
        }
    }
}

void ps_pattern_skip(ps_pattern *pattern, ps_skip skip)
{
    if (!can_change(pattern)) {
        return;
    }
    if (skip > PS_SKIP_PAST_LAST) {
        fail(pattern, PS_E_INVALID, "skip: to a stage is skip_to");
        return;
    }
    pattern->skip = skip;
}

void ps_pattern_skip_to(ps_pattern *pattern, ps_skip skip, const char *name, bool must_hit)
{
    if (!can_change(pattern)) {
        return;
    }
    if (skip != PS_SKIP_TO_FIRST_OF && skip != PS_SKIP_TO_LAST_OF) {
        fail(pattern, PS_E_INVALID, "skip_to: to the first or the last row of a stage");
        return;
    }
    pattern->skip = skip;
    pattern->skip_must_hit = must_hit;
    pattern->skip_name = ps_arena_copy(&pattern->arena, name, strlen(name));
    if (pattern->skip_name == NULL) {
        fail(pattern, PS_E_MEMORY, "no memory");
    }
}

void ps_pattern_limits(ps_pattern *pattern, uint64_t runs_per_key, uint64_t rows_per_run,
                       bool evicts)
{
    if (can_change(pattern)) {
        pattern->limit = (ps_pattern_limit){runs_per_key, rows_per_run, evicts};
    }
}

ps_pattern_limit ps_pattern_limits_of(const ps_pattern *pattern)
{
    return pattern->limit;
}

/* ── the finished pattern ── */

static ps_cep_skip skip_of(ps_skip skip)
{
    switch (skip) {
    case PS_SKIP_NONE:
        return PS_CEP_NO_SKIP;
    case PS_SKIP_TO_NEXT:
        return PS_CEP_SKIP_TO_NEXT;
    case PS_SKIP_PAST_LAST:
        return PS_CEP_SKIP_PAST_LAST;
    case PS_SKIP_TO_FIRST_OF:
        return PS_CEP_SKIP_TO_FIRST;
    case PS_SKIP_TO_LAST_OF:
        break;
    }
    return PS_CEP_SKIP_TO_LAST;
}

/* The chain of a group as an array; the names of its stages in order. Recursion: the depth is
 * limited. */
static const ps_cep_stage *const *chain_of(ps_pattern *pattern, const ps_pattern_stage *group,
                                           ps_slice *names, uint32_t *name_count, uint32_t depth)
{
    const ps_cep_stage **chain = take(pattern, group->chain_count * sizeof *chain);
    if (depth > PS_CEP_GROUP_DEPTH_MAX) {
        fail(pattern, PS_E_LIMIT, "groups are nested more than %d deep", PS_CEP_GROUP_DEPTH_MAX);
    }
    uint32_t count = 0;
    for (ps_pattern_stage *at = group->first; at != NULL && pattern->code == PS_OK; at = at->next) {
        if (at->first != NULL) {
            at->stage.group = chain_of(pattern, at, names, name_count, depth + 1);
            at->stage.group_count = at->chain_count;
        } else {
            names[(*name_count)++] = at->stage.name;
        }
        chain[count++] = &at->stage;
    }
    return chain;
}

static void finish(ps_pattern *pattern)
{
    if (pattern->group != &pattern->all) {
        fail(pattern, PS_E_INVALID, "a group is not ended");
        return;
    }
    ps_cep_pattern *made = take(pattern, sizeof *made);
    ps_slice *names = take(pattern, pattern->stage_count * sizeof *names);
    if (made == NULL || names == NULL) {
        return;
    }
    uint32_t name_count = 0;
    *made = (ps_cep_pattern){
        .stage_count = pattern->all.chain_count,
        .stages = chain_of(pattern, &pattern->all, names, &name_count, 0),
        .within_ms = pattern->within_ms,
        .skip = skip_of(pattern->skip),
        .skip_variable = PS_CEP_ANY_VARIABLE,
        .skip_must_hit = pattern->skip_must_hit,
        .variables = names,
    };
    made->variable_count = name_count;
    for (uint32_t i = 0; pattern->skip_name != NULL && i < name_count; i++) {
        if (ps_slice_equal(names[i], ps_slice_text(pattern->skip_name))) {
            made->skip_variable = i;
        }
    }
    bool matches_empty;
    ps_error err;
    if (pattern->code == PS_OK) {
        pattern->code = ps_cep_pattern_check(made, &matches_empty, &err);
        pattern->error = pattern->code == PS_OK ? pattern->error : err;
    }
    pattern->finished = pattern->code == PS_OK ? made : NULL;
}

const ps_cep_pattern *ps_pattern_finish(ps_pattern *pattern, ps_error *err)
{
    if (pattern->code == PS_OK && pattern->finished == NULL) {
        finish(pattern);
    }
    if (pattern->code != PS_OK) {
        *err = pattern->error;
        return NULL;
    }
    return pattern->finished;
}

size_t ps_pattern_print(ps_pattern *pattern, bool as_dot, char *out, size_t size)
{
    static const ps_schema no_columns = {0};
    ps_error err;
    const ps_cep_pattern *finished = ps_pattern_finish(pattern, &err);
    ps_buf text;
    ps_buf_init(&text, PRINT_SIZE_MAX);
    if (finished == NULL) {
        ps_buf_append_text(&text, err.text);
    } else if (as_dot) {
        ps_cep_print_dot(finished, &no_columns, &text);
    } else {
        ps_cep_print_tree(finished, &no_columns, &text);
    }
    return ps_text_hand_out(&text, out, size);
}
