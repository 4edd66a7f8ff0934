/* PATTERN, WITHIN and AFTER MATCH (SEMANTICS §12.2, §12.3, §12.5, §12.6).
 *
 * The portable patterns are sequences of quantified variables. The extended dialect adds what the
 * matcher can do besides, in the spelling that is published for Flink's CEP:
 *
 *   A {- X*? -} B   B follows A, rows between them are left out (followedBy)
 *   A {- X* -} B    the same, every B (followedByAny)
 *   A [^B]          the next row is no B (notNext)
 *   A {- X*? -} [^B]  no B follows; at the end, until WITHIN is over (notFollowedBy)
 *   (A B)+?         a group that repeats
 *   A | B           one of them
 */
#include <stdio.h>
#include <strings.h>

#include "sql/bind_match.h"

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

/* ── variables ── */

static uint32_t count_variables(const ps_ast_pattern *pattern)
{
    uint32_t count = 0;
    switch (pattern->kind) {
    case PS_AST_PATTERN_VARIABLE:
    case PS_AST_PATTERN_ABSENCE:
        return 1;
    case PS_AST_PATTERN_SEQUENCE:
    case PS_AST_PATTERN_ALTERNATION:
    case PS_AST_PATTERN_PERMUTE:
        for (uint32_t i = 0; i < pattern->item_count; i++) {
            count += count_variables(pattern->items[i]);
        }
        return count;
    case PS_AST_PATTERN_EXCLUSION: /* its rows are none of the match's */
        return 0;
    }
    PS_ASSERT(false);
    return 0;
}

static void add_variables(ps_plan *plan, const ps_ast_pattern *pattern, ps_match_names *names,
                          ps_slice *variables)
{
    if (pattern->kind == PS_AST_PATTERN_VARIABLE || pattern->kind == PS_AST_PATTERN_ABSENCE) {
        if (ps_bind_variable(names, &pattern->name) != PS_CEP_ANY_VARIABLE) {
            ps_plan_fail_hint(plan, pattern->name.at, "give the second one another name",
                              "pattern variables must be unique: '%s' is there twice",
                              pattern->name.text);
        }
        variables[names->variable_count++] = name_slice(&pattern->name);
        return;
    }
    for (uint32_t i = 0; i < pattern->item_count && pattern->kind != PS_AST_PATTERN_EXCLUSION;
         i++) {
        add_variables(plan, pattern->items[i], names, variables);
    }
}

void ps_bind_variables(ps_plan *plan, const ps_ast_match *match, ps_match_names *out)
{
    ps_slice *variables = PS_PLAN_ARRAY(plan, ps_slice, count_variables(match->pattern));
    out->ast = match;
    out->variables = variables;
    add_variables(plan, match->pattern, out, variables);
}

/* ── stages ── */

typedef struct {
    const ps_binder *binder;
    ps_plan *plan;
    const ps_match_names *names;
    ps_cep_condition *const *conditions;
    ps_cep_contiguity contiguity;        /* of the next stage */
    const ps_ast_pattern *last_variable; /* the one before, on its level; NULL: none */
    bool last_is_greedy;
} pattern_binding;

static void refuse_portable(pattern_binding *self, ps_sql_span at, const char *what)
{
    if (!self->plan->is_extended) {
        ps_plan_fail_hint(self->plan, at, "SET 'paystream.dialect' = 'extended'",
                          "%s is not supported in PATTERN, as in Flink", what);
    }
    if (self->binder->note != NULL) {
        char message[200];
        snprintf(message, sizeof message, "%s in PATTERN is not portable", what);
        self->binder->note(self->binder->note_with, at, "extended-dialect", message);
    }
}

static bool is_optional(const ps_ast_pattern *pattern)
{
    return pattern->is_quantified && pattern->repeat_min == 0;
}

/* Greedy is the default, but ? and {n} have no other way. */
static bool is_greedy(const ps_ast_pattern *pattern)
{
    bool is_fixed = pattern->repeat_min == pattern->repeat_max ||
                    (pattern->repeat_min == 0 && pattern->repeat_max == 1);
    return pattern->is_quantified && !pattern->is_reluctant && !is_fixed;
}

static void check_quantifier(pattern_binding *self, const ps_ast_pattern *pattern)
{
    ps_plan *plan = self->plan;
    uint32_t min = pattern->repeat_min, max = pattern->repeat_max;
    if (pattern->has_no_minimum) {
        ps_plan_fail_hint(plan, pattern->at, "write {0,m}",
                          "the quantifier {,m} is not supported, as in Flink");
    }
    if (max == 0) {
        ps_plan_fail(plan, PS_E_INVALID, pattern->at,
                     "a pattern variable cannot be repeated zero times");
    }
    if (max < min) {
        ps_plan_fail(plan, PS_E_INVALID, pattern->at,
                     "the quantifier {%u,%u} ends before it begins", min, max);
    }
    if (pattern->is_reluctant && min == 0 && max == 1) {
        ps_plan_fail(plan, PS_E_INVALID, pattern->at,
                     "a reluctant optional variable (`??`, `{0,1}?`) is not supported, as in "
                     "Flink");
    }
}

/* `{0,m}` is let through: Flink has another way for it, and no check there. */
static void check_after_greedy(pattern_binding *self, const ps_ast_pattern *pattern)
{
    bool is_checked = is_optional(pattern) &&
                      (pattern->repeat_max == 1 || pattern->repeat_max == PS_AST_UNBOUNDED);
    if (is_checked && self->last_is_greedy) {
        ps_plan_fail_hint(self->plan, pattern->at,
                          "make the one before reluctant (`+?`), or the optional one `{0,1}` into "
                          "two patterns",
                          "an optional variable cannot follow a greedy one: '%s' takes all rows "
                          "that it can",
                          self->last_variable->name.text);
    }
}

static void set_quantifier(ps_cep_stage *stage, const ps_ast_pattern *pattern)
{
    bool is_single =
        !pattern->is_quantified || (pattern->repeat_min == 0 && pattern->repeat_max == 1);
    stage->is_optional = is_optional(pattern);
    stage->is_greedy = is_greedy(pattern);
    stage->inner = PS_CEP_CONSECUTIVE;
    if (!is_single) {
        stage->has_times = true;
        stage->min = pattern->repeat_min == 0 ? 1 : pattern->repeat_min;
        stage->max =
            pattern->repeat_max == PS_AST_UNBOUNDED ? PS_CEP_UNBOUNDED : pattern->repeat_max;
    }
}

static ps_cep_stage *new_stage(pattern_binding *self)
{
    ps_cep_stage *stage = PS_PLAN_NEW(self->plan, ps_cep_stage);
    stage->contiguity = self->contiguity;
    self->contiguity = PS_CEP_NEXT;
    return stage;
}

static ps_cep_stage *variable_stage(pattern_binding *self, const ps_ast_pattern *pattern)
{
    check_quantifier(self, pattern);
    check_after_greedy(self, pattern);
    ps_cep_stage *stage = new_stage(self);
    uint32_t variable = ps_bind_variable(self->names, &pattern->name);
    stage->name = self->names->variables[variable];
    stage->where = self->conditions[variable];
    set_quantifier(stage, pattern);
    self->last_variable = pattern;
    self->last_is_greedy = stage->is_greedy;
    return stage;
}

static void forget_last(pattern_binding *self)
{
    self->last_variable = NULL;
    self->last_is_greedy = false;
}

/* [^B] */
static ps_cep_stage *absence_stage(pattern_binding *self, const ps_ast_pattern *pattern)
{
    refuse_portable(self, pattern->at, "absence `[^…]`");
    if (pattern->is_quantified) {
        ps_plan_fail(self->plan, PS_E_INVALID, pattern->at, "`[^…]` cannot be repeated");
    }
    if (self->contiguity == PS_CEP_FOLLOWED_BY_ANY) {
        ps_plan_fail_hint(self->plan, pattern->at, "write `{- X*? -} [^B]`",
                          "`[^…]` cannot follow `{- X* -}`");
    }
    ps_cep_stage *stage = new_stage(self);
    uint32_t variable = ps_bind_variable(self->names, &pattern->name);
    stage->contiguity = stage->contiguity == PS_CEP_NEXT ? PS_CEP_NOT_NEXT : PS_CEP_NOT_FOLLOWED_BY;
    stage->name = self->names->variables[variable];
    stage->where = self->conditions[variable];
    if (stage->where == NULL) {
        ps_plan_fail(self->plan, PS_E_INVALID, pattern->name.at,
                     "'%s' has no DEFINE: every row would be one that must not come",
                     pattern->name.text);
    }
    forget_last(self);
    return stage;
}

/* {- X*? -}, {- X* -}: X stands for any row. */
static void bind_exclusion(pattern_binding *self, const ps_ast_pattern *pattern)
{
    const ps_ast_pattern *skipped = pattern->items[0];
    refuse_portable(self, pattern->at, "exclusion `{- -}`");
    bool is_any = skipped->kind == PS_AST_PATTERN_VARIABLE && skipped->is_quantified &&
                  skipped->repeat_min == 0 && skipped->repeat_max == PS_AST_UNBOUNDED &&
                  !pattern->is_quantified;
    if (!is_any) {
        ps_plan_fail_hint(self->plan, pattern->at, "write `{- X*? -}` or `{- X* -}`",
                          "only rows of any kind can be left out");
    }
    for (uint32_t i = 0; i < self->names->ast->defines.count; i++) {
        if (ps_slice_equal(name_slice(&self->names->ast->defines.items[i].name),
                           name_slice(&skipped->name))) {
            ps_plan_refuse(self->plan, skipped->at, "a DEFINE for rows that are left out");
        }
    }
    self->contiguity = skipped->is_reluctant ? PS_CEP_FOLLOWED_BY : PS_CEP_FOLLOWED_BY_ANY;
}

static void bind_sequence(pattern_binding *self, const ps_ast_pattern *pattern, ps_plan_list *out);

/* The stages of a group or of an alternative. A first stage that may be missing, a last one that
 * must not come and a greedy last one would reach beyond the group, where the matcher does not
 * follow. */
static void check_part(pattern_binding *self, const ps_ast_pattern *pattern,
                       const ps_plan_list *part)
{
    const ps_cep_stage *first = part->count > 0 ? part->items[0] : NULL;
    const ps_cep_stage *last = part->count > 0 ? part->items[part->count - 1] : NULL;
    if (self->contiguity != PS_CEP_NEXT || first == NULL) {
        ps_plan_fail(self->plan, PS_E_INVALID, pattern->at,
                     "`{- -}` must stand between variables of a group");
    }
    if (first->is_optional || first->contiguity != PS_CEP_NEXT) {
        ps_plan_fail(self->plan, PS_E_INVALID, pattern->at,
                     "a group or an alternative must begin with a variable that takes a row");
    }
    if (last->contiguity == PS_CEP_NOT_NEXT || last->contiguity == PS_CEP_NOT_FOLLOWED_BY) {
        ps_plan_fail(self->plan, PS_E_INVALID, pattern->at,
                     "a group or an alternative cannot end with `[^…]`");
    }
    if (last->is_greedy) {
        ps_plan_fail_hint(self->plan, pattern->at, "a reluctant one can, e.g. `+?`",
                          "a group or an alternative cannot end with a greedy variable");
    }
}

/* A B of (A B)+? */
static void bind_group_items(pattern_binding *self, const ps_ast_pattern *pattern,
                             ps_plan_list *out)
{
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        bind_sequence(self, pattern->items[i], out);
    }
    check_part(self, pattern, out);
}

/* A B | C: a stage for each alternative. */
static void bind_alternatives(pattern_binding *self, const ps_ast_pattern *pattern,
                              ps_plan_list *out)
{
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        ps_plan_list part = {0};
        forget_last(self);
        bind_sequence(self, pattern->items[i], &part);
        check_part(self, pattern->items[i], &part);
        ps_cep_stage *branch = PS_PLAN_NEW(self->plan, ps_cep_stage);
        branch->inner = PS_CEP_CONSECUTIVE;
        branch->group_count = part.count;
        branch->group = (const ps_cep_stage *const *)part.items;
        ps_plan_list_add(self->plan, out, part.count == 1 ? part.items[0] : (const void *)branch);
    }
}

static ps_cep_stage *group_stage(pattern_binding *self, const ps_ast_pattern *pattern)
{
    ps_plan_list stages = {0};
    bool is_choice = pattern->kind == PS_AST_PATTERN_ALTERNATION;
    refuse_portable(self, pattern->at, is_choice ? "alternation `|`" : "a group with a quantifier");
    check_quantifier(self, pattern);
    if (is_greedy(pattern)) {
        ps_plan_fail_hint(self->plan, pattern->at, "write `+?`, `*?` or `{n,m}?`",
                          "a group cannot be greedy");
    }
    if (is_choice && self->contiguity != PS_CEP_NEXT) {
        ps_plan_refuse(self->plan, pattern->at, "`{- -}` before an alternation");
    }
    ps_cep_stage *group = new_stage(self);
    set_quantifier(group, pattern);
    forget_last(self);
    if (is_choice) {
        bind_alternatives(self, pattern, &stages);
    } else {
        bind_group_items(self, pattern, &stages);
    }
    forget_last(self);
    group->group_is_choice = is_choice;
    group->group_count = stages.count;
    group->group = (const ps_cep_stage *const *)stages.items;
    return group;
}

/* The stages of a pattern; sequences in plain parentheses are part of it. */
static void bind_sequence(pattern_binding *self, const ps_ast_pattern *pattern, ps_plan_list *out)
{
    switch (pattern->kind) {
    case PS_AST_PATTERN_VARIABLE:
        ps_plan_list_add(self->plan, out, variable_stage(self, pattern));
        return;
    case PS_AST_PATTERN_ABSENCE:
        ps_plan_list_add(self->plan, out, absence_stage(self, pattern));
        return;
    case PS_AST_PATTERN_EXCLUSION:
        bind_exclusion(self, pattern);
        return;
    case PS_AST_PATTERN_PERMUTE:
        ps_plan_fail_hint(self->plan, pattern->at, "write a pattern for each order",
                          "PERMUTE is not supported, as in Flink");
    case PS_AST_PATTERN_ALTERNATION:
        ps_plan_list_add(self->plan, out, group_stage(self, pattern));
        return;
    case PS_AST_PATTERN_SEQUENCE:
        if (pattern->is_quantified) {
            ps_plan_list_add(self->plan, out, group_stage(self, pattern));
            return;
        }
        for (uint32_t i = 0; i < pattern->item_count; i++) {
            bind_sequence(self, pattern->items[i], out);
        }
        return;
    }
    PS_ASSERT(false);
}

/* ── the whole ── */

static int64_t within_ms(ps_binder *binder, const ps_ast_match *match)
{
    ps_plan *plan = binder->plan;
    ps_bind_context context = {.binder = binder, .clause = "WITHIN"};
    const ps_ast_expr *within = match->within;
    if (within == NULL) {
        return 0;
    }
    if (within->kind != PS_AST_EXPR_LITERAL) {
        ps_plan_fail_hint(plan, within->at, "e.g. WITHIN INTERVAL '1' MINUTE",
                          "WITHIN takes a constant INTERVAL");
    }
    int64_t ms = ps_bind_interval_ms(&context, within, "WITHIN");
    if (ms <= 0) {
        ps_plan_fail(plan, PS_E_INVALID, within->at, "WITHIN must be at least a millisecond");
    }
    return ms;
}

static void bind_skip(ps_plan *plan, const ps_ast_match *match, const ps_match_names *names,
                      ps_cep_pattern *out)
{
    switch (match->skip) {
    case PS_AST_SKIP_DEFAULT:
    case PS_AST_SKIP_NEXT_ROW:
        out->skip = PS_CEP_SKIP_TO_NEXT;
        return;
    case PS_AST_SKIP_PAST_LAST_ROW:
        out->skip = PS_CEP_SKIP_PAST_LAST;
        return;
    case PS_AST_SKIP_TO_FIRST:
    case PS_AST_SKIP_TO_LAST:
        break;
    }
    out->skip = match->skip == PS_AST_SKIP_TO_FIRST ? PS_CEP_SKIP_TO_FIRST : PS_CEP_SKIP_TO_LAST;
    out->skip_must_hit = true;
    out->skip_variable = ps_bind_variable(names, &match->skip_variable);
    if (out->skip_variable == PS_CEP_ANY_VARIABLE) {
        ps_plan_fail(plan, PS_E_MISSING, match->skip_variable.at,
                     "AFTER MATCH SKIP: the pattern has no variable '%s'",
                     match->skip_variable.text);
    }
}

static void note_unbounded(const ps_binder *binder, const ps_ast_match *match,
                           const ps_cep_pattern *pattern)
{
    const char *allowed =
        ps_settings_value(binder->plan->settings, "paystream.state.allow-unbounded");
    if (binder->note != NULL && strcasecmp(allowed, "true") != 0 &&
        !ps_cep_pattern_is_bounded(pattern)) {
        binder->note(binder->note_with, match->pattern->at, "unbounded-pattern",
                     "without WITHIN a match can grow for ever: only the limits "
                     "paystream.match.runs-per-key and paystream.match.rows-per-run end it");
    }
}

static void check_pattern(ps_plan *plan, const ps_ast_match *match, const ps_cep_pattern *pattern)
{
    const ps_cep_stage *last = pattern->stages[pattern->stage_count - 1];
    bool matches_empty = false;
    ps_error err;
    ps_plan_check(plan, ps_cep_pattern_check(pattern, &matches_empty, &err), &err,
                  match->pattern->at);
    if (matches_empty) {
        ps_plan_fail_hint(plan, match->pattern->at, "make one of its variables mandatory",
                          "a pattern that can match without a row is not supported");
    }
    if (last->is_greedy) {
        ps_plan_fail_hint(plan, match->pattern->at,
                          "end it with a plain variable or a reluctant quantifier, e.g. `+?`",
                          "a greedy quantifier cannot be the last one of a pattern");
    }
}

ps_cep_pattern *ps_bind_pattern(ps_binder *binder, const ps_match_names *names,
                                ps_cep_condition *const *conditions)
{
    ps_plan *plan = binder->plan;
    const ps_ast_match *match = names->ast;
    pattern_binding self = {
        .binder = binder, .plan = plan, .names = names, .conditions = conditions};
    ps_cep_pattern *out = PS_PLAN_NEW(plan, ps_cep_pattern);
    ps_plan_list stages = {0};
    bind_skip(plan, match, names, out);
    if (match->has_start_anchor || match->has_end_anchor) {
        ps_plan_fail_hint(plan, match->pattern->at, "a stream has no first and no last row",
                          "anchors (`^`, `$`) are not supported in PATTERN");
    }
    bind_sequence(&self, match->pattern, &stages);
    if (self.contiguity != PS_CEP_NEXT || stages.count == 0) {
        ps_plan_fail(plan, PS_E_INVALID, match->pattern->at,
                     "`{- -}` must stand between variables");
    }
    out->stage_count = stages.count;
    out->stages = (const ps_cep_stage *const *)stages.items;
    if (out->stages[0]->contiguity != PS_CEP_NEXT) {
        ps_plan_fail(plan, PS_E_INVALID, match->pattern->at,
                     "a pattern must begin with a variable that takes a row");
    }
    out->variable_count = names->variable_count;
    out->variables = names->variables;
    out->within_ms = within_ms(binder, match);
    check_pattern(plan, match, out);
    note_unbounded(binder, match, out);
    return out;
}
