/* MATCH_RECOGNIZE: the clauses. The relation it becomes:
 *
 *   input → calc (what expressions look up) → match (keys, values) → calc (MEASURES)
 */
#include "sql/bind_match.h"

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

/* What is being bound. */
typedef struct {
    ps_bind_context context;
    ps_match_names names;
    const ps_ast_match *ast;
    ps_rel *input;
    ps_columns keys;
    uint32_t sort_count;
    ps_sort_key *sort;
    uint32_t condition_count;
    ps_cep_condition **conditions;  /* bound, in the order of DEFINE */
    ps_cep_condition **by_variable; /* NULL: always true */
    const ps_expr **measures;       /* over slots */
} match_binding;

/* ── PARTITION BY, ORDER BY ── */

/* A column of the input: nothing else is possible here. */
static uint32_t plain_column(match_binding *self, const ps_ast_expr *ast, const char *clause)
{
    ps_plan *plan = self->context.binder->plan;
    self->context.clause = clause;
    const ps_expr *expr = ast->kind == PS_AST_EXPR_NAME ? ps_bind_expr(&self->context, ast) : NULL;
    if (expr == NULL || expr->kind != PS_EXPR_COLUMN) {
        ps_plan_fail_hint(plan, ast->at, "compute it as a column of a subquery before",
                          "%s of MATCH_RECOGNIZE takes columns only", clause);
    }
    return expr->column;
}

static void bind_keys(match_binding *self)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_ast_exprs *by = &self->ast->partition_by;
    uint32_t *keys = PS_PLAN_ARRAY(plan, uint32_t, by->count);
    for (uint32_t i = 0; i < by->count; i++) {
        keys[i] = plain_column(self, by->items[i], "PARTITION BY");
        for (uint32_t j = 0; j < i; j++) {
            if (keys[j] == keys[i]) {
                ps_plan_fail(plan, PS_E_INVALID, by->items[i]->at,
                             "PARTITION BY has the column twice");
            }
        }
    }
    self->keys = (ps_columns){by->count, keys};
}

/* The first column must be a time attribute that goes up; whether it still is one is seen again
 * when the input is lowered. */
static void bind_order(match_binding *self)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_ast_orders *by = &self->ast->order_by;
    if (by->count == 0) {
        ps_plan_fail_hint(plan, self->ast->at, "add ORDER BY and a time attribute",
                          "MATCH_RECOGNIZE needs ORDER BY a rowtime or proctime attribute");
    }
    self->sort_count = by->count;
    self->sort = PS_PLAN_ARRAY(plan, ps_sort_key, by->count);
    for (uint32_t i = 0; i < by->count; i++) {
        const ps_ast_order *order = &by->items[i];
        if (order->nulls != PS_AST_NULLS_DEFAULT) {
            ps_plan_fail(plan, PS_E_INVALID, order->expr->at,
                         "NULLS FIRST and NULLS LAST are not supported in MATCH_RECOGNIZE, as in "
                         "Flink");
        }
        self->sort[i] = (ps_sort_key){.column = plain_column(self, order->expr, "ORDER BY"),
                                      .is_descending = order->is_descending,
                                      .nulls_last = ps_order_nulls_last(order)};
    }
    self->names.time_column = self->sort[0].column;
    self->names.time = self->input->columns[self->sort[0].column].time;
    if (self->names.time == PS_TIME_NONE) {
        ps_plan_fail_hint(
            plan, by->items[0].expr->at,
            "a column with a WATERMARK, or PROCTIME(); a cast or a regular join loses it",
            "MATCH_RECOGNIZE must be ordered by a rowtime or proctime attribute first");
    }
    if (by->items[0].is_descending) {
        ps_plan_fail(plan, PS_E_INVALID, by->items[0].expr->at,
                     "MATCH_RECOGNIZE on a stream must be ordered ascending by time");
    }
}

/* ── DEFINE, MEASURES ── */

static void begin_expression(match_binding *self, const ps_ast_definition *definition)
{
    ps_match_names *names = &self->names;
    self->context.match = names;
    names->clause_at = &definition->name;
    names->slot_count = 0;
    names->slot_capacity = 0;
    names->slots = NULL;
}

static void check_defined_once(match_binding *self, uint32_t number)
{
    const ps_ast_definitions *defines = &self->ast->defines;
    for (uint32_t i = 0; i < number; i++) {
        if (ps_slice_equal(name_slice(&defines->items[i].name),
                           name_slice(&defines->items[number].name))) {
            ps_plan_fail(self->context.binder->plan, PS_E_INVALID, defines->items[number].name.at,
                         "pattern variable '%s' is defined twice",
                         defines->items[number].name.text);
        }
    }
}

static void bind_defines(match_binding *self)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_ast_definitions *defines = &self->ast->defines;
    self->conditions = PS_PLAN_ARRAY(plan, ps_cep_condition *, defines->count);
    self->by_variable = PS_PLAN_ARRAY(plan, ps_cep_condition *, self->names.variable_count);
    self->context.clause = "DEFINE";
    for (uint32_t i = 0; i < defines->count; i++) {
        const ps_ast_definition *define = &defines->items[i];
        check_defined_once(self, i);
        if (define->expr->kind == PS_AST_EXPR_LITERAL &&
            define->expr->literal.kind == PS_AST_LITERAL_NULL) {
            ps_plan_fail(plan, PS_E_INVALID, define->expr->at, "DEFINE with a bare NULL");
        }
        begin_expression(self, define);
        self->names.own = ps_bind_variable(&self->names, &define->name);
        ps_cep_condition *condition = PS_PLAN_NEW(plan, ps_cep_condition);
        condition->test = ps_bind_condition(&self->context, define->expr);
        condition->slot_count = self->names.slot_count;
        condition->slots = self->names.slots;
        if (self->names.own == PS_CEP_ANY_VARIABLE) {
            if (self->context.binder->note != NULL) {
                self->context.binder->note(self->context.binder->note_with, define->name.at,
                                           "unused-variable",
                                           "the pattern has no such variable: its DEFINE is not "
                                           "used");
            }
            continue;
        }
        self->conditions[self->condition_count++] = condition;
        self->by_variable[self->names.own] = condition;
    }
}

static bool is_name_taken(const match_binding *self, uint32_t measure)
{
    ps_slice name = name_slice(&self->ast->measures.items[measure].name);
    for (uint32_t i = 0; i < self->keys.count; i++) {
        if (ps_slice_equal(self->input->columns[self->keys.columns[i]].name, name)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < measure; i++) {
        if (ps_slice_equal(name_slice(&self->ast->measures.items[i].name), name)) {
            return true;
        }
    }
    return false;
}

static void bind_measures(match_binding *self)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_ast_definitions *measures = &self->ast->measures;
    if (measures->count == 0) {
        ps_plan_fail_hint(plan, self->ast->at, "e.g. MEASURES LAST(A.id) AS id",
                          "MATCH_RECOGNIZE needs MEASURES");
    }
    begin_expression(self, &measures->items[0]);
    self->names.in_measures = true;
    self->names.own = PS_CEP_ANY_VARIABLE;
    self->context.clause = "MEASURES";
    self->measures = PS_PLAN_ARRAY(plan, const ps_expr *, measures->count);
    for (uint32_t i = 0; i < measures->count; i++) {
        const ps_ast_definition *measure = &measures->items[i];
        if (is_name_taken(self, i)) {
            ps_plan_fail(plan, PS_E_INVALID, measure->name.at,
                         "the output has two columns '%s': partition columns and measures need "
                         "names of their own",
                         measure->name.text);
        }
        self->names.clause_at = &measure->name;
        self->measures[i] = ps_bind_expr(&self->context, measure->expr);
        if (self->measures[i]->type->kind == PS_TYPE_NULL) {
            ps_plan_fail_hint(plan, measure->expr->at, "CAST(NULL AS …) has a type",
                              "a measure cannot be a bare NULL");
        }
    }
}

/* ── what was refused or needs saying ── */

static void refuse_clauses(match_binding *self)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_ast_match *ast = self->ast;
    if (ast->rows_per_match == PS_AST_ROWS_ALL) {
        ps_plan_fail_hint(plan, ast->rows_at, "MEASURES with FIRST, LAST and aggregates",
                          "ALL ROWS PER MATCH is not supported, as in Flink");
    }
    if (ast->is_showing_timeouts && !plan->is_extended) {
        ps_plan_fail_hint(plan, ast->rows_at, "SET 'paystream.dialect' = 'extended'",
                          "SHOW TIMEOUT MATCHES belongs to the extended dialect");
    }
    if (ast->is_showing_timeouts && ast->within == NULL) {
        ps_plan_fail(plan, PS_E_INVALID, ast->rows_at,
                     "SHOW TIMEOUT MATCHES needs a WITHIN: without it nothing times out");
    }
    for (uint32_t i = 0; i < ast->subset_count && self->context.binder->note != NULL; i++) {
        self->context.binder->note(self->context.binder->note_with, ast->subsets[i].name.at,
                                   "subset", "a SUBSET may stand here, but nothing may use it");
    }
}

static void note_choices(match_binding *self)
{
    const ps_binder *binder = self->context.binder;
    const ps_ast_match *ast = self->ast;
    if (binder->note == NULL) {
        return;
    }
    if (ast->skip == PS_AST_SKIP_DEFAULT) {
        binder->note(binder->note_with, ast->at, "after-match",
                     "AFTER MATCH is not written: SKIP TO NEXT ROW is taken, as Flink does; in "
                     "other engines the default is SKIP PAST LAST ROW");
    }
    if (ast->is_showing_timeouts) {
        binder->note(binder->note_with, ast->rows_at, "extended-dialect",
                     "SHOW TIMEOUT MATCHES is not portable");
    }
}

/* ── the relation ── */

/* Slots become columns from `first` on. */
static const ps_expr *place_slots(ps_plan *plan, const ps_expr *expr, uint32_t first)
{
    if (expr->kind == PS_EXPR_CONSTANT) {
        return expr;
    }
    if (expr->kind == PS_EXPR_COLUMN) {
        return expr->column < PS_BIND_SLOT
                   ? expr
                   : ps_plan_column(plan, expr->column - PS_BIND_SLOT + first, expr->type);
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = place_slots(plan, expr->arguments[i], first);
    }
    *copy = *expr;
    copy->arguments = arguments;
    return copy;
}

/* The input with what expressions look up as further columns. */
static ps_rel *extended_input(match_binding *self)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_plan_list *extras = &self->names.extras;
    uint32_t count = self->input->column_count;
    if (extras->count == 0) {
        return self->input;
    }
    const ps_expr **outputs = ps_rel_identity(plan, self->input, extras->count);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count + extras->count);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = self->input->columns[i].name;
    }
    for (uint32_t i = 0; i < extras->count; i++) {
        outputs[count + i] = extras->items[i];
        names[count + i] = ps_plan_print(plan, "$m%u", i);
    }
    return ps_rel_calc(plan, self->ast->at, self->input, NULL, count + extras->count, outputs,
                       names);
}

static ps_rel *match_rel(match_binding *self, ps_rel *input, ps_cep_pattern *pattern)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_match_names *names = &self->names;
    ps_rel *rel =
        ps_rel_new(plan, PS_REL_MATCH, self->ast->at, 1, self->keys.count + names->slot_count);
    rel->inputs[0] = input;
    rel->match.keys = self->keys;
    rel->match.sort_count = self->sort_count;
    rel->match.sort = self->sort;
    rel->match.pattern = pattern;
    rel->match.condition_count = self->condition_count;
    rel->match.conditions = self->conditions;
    rel->match.value_count = names->slot_count;
    rel->match.values = names->slots;
    rel->match.emits_timeouts = self->ast->is_showing_timeouts;
    for (uint32_t i = 0; i < self->keys.count; i++) {
        const ps_rel_column *key = &input->columns[self->keys.columns[i]];
        rel->columns[i] = (ps_rel_column){.name = key->name, .type = key->type};
    }
    for (uint32_t i = 0; i < names->slot_count; i++) {
        rel->columns[self->keys.count + i] =
            (ps_rel_column){.name = names->slot_names[i], .type = names->slot_types[i]};
    }
    return rel;
}

/* MATCH_ROWTIME() is the time attribute of the output, unless matches go out long after their last
 * row: those that wait for what does not come, and those that show what has timed out. */
static void mark_time(match_binding *self, ps_rel *rel)
{
    const ps_cep_pattern *pattern = rel->match.pattern;
    const ps_cep_stage *last = pattern->stages[pattern->stage_count - 1];
    if (last->contiguity == PS_CEP_NOT_FOLLOWED_BY || rel->match.emits_timeouts) {
        return;
    }
    for (uint32_t i = 0; i < rel->match.value_count; i++) {
        if (ps_slice_equal(self->names.slot_names[i], PS_SLICE("MATCH_ROWTIME()"))) {
            rel->columns[self->keys.count + i].time = PS_TIME_ROW;
        }
    }
}

static ps_rel *measures_rel(match_binding *self, ps_rel *match)
{
    ps_plan *plan = self->context.binder->plan;
    const ps_ast_definitions *measures = &self->ast->measures;
    uint32_t keys = self->keys.count, count = keys + measures->count;
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, count);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (uint32_t i = 0; i < count; i++) {
        outputs[i] = i < keys ? ps_plan_column(plan, i, match->columns[i].type)
                              : place_slots(plan, self->measures[i - keys], keys);
        names[i] = i < keys ? match->columns[i].name : name_slice(&measures->items[i - keys].name);
    }
    return ps_rel_calc(plan, self->ast->at, match, NULL, count, outputs, names);
}

ps_rel *ps_bind_match(ps_binder *binder, const ps_ast_from *from)
{
    ps_plan *plan = binder->plan;
    match_binding self = {.ast = from->match.match};
    ps_scope *scope = ps_bind_from(binder, from->match.input, NULL);
    self.context = (ps_bind_context){.binder = binder, .scope = scope};
    self.input = scope->rel;
    self.names.input_count = scope->rel->column_count;
    if (from->columns.count > 0) {
        ps_plan_fail_hint(plan, from->columns.items[0].at, "MEASURES name them",
                          "column names behind MATCH_RECOGNIZE are not possible");
    }
    ps_bind_variables(plan, self.ast, &self.names);
    bind_keys(&self);
    bind_order(&self);
    bind_defines(&self);
    bind_measures(&self);
    refuse_clauses(&self);
    ps_cep_pattern *pattern = ps_bind_pattern(binder, &self.names, self.by_variable);
    ps_rel *input = extended_input(&self);
    for (uint32_t i = 0; i < self.condition_count; i++) {
        self.conditions[i]->test = place_slots(plan, self.conditions[i]->test, input->column_count);
    }
    ps_rel *match = match_rel(&self, input, pattern);
    mark_time(&self, match);
    note_choices(&self);
    return measures_rel(&self, match);
}
