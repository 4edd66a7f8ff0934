/* Automata for people: DOT text for a drawing, and a tree of stages, conditions, states and edges.
 *
 * A condition is called by its stage: "A" is what DEFINE or where says of A, "until A" its end. */
#include "cep/automaton.h"

static const size_t automaton_size_max = (size_t)1 << 30;

typedef struct {
    const ps_cep_pattern *pattern;
    const ps_schema *input;
    const ps_cep_automaton *automaton;
    ps_arena arena;
    const ps_cep_stage **stages; /* per variable */
    uint32_t stage_count;
    ps_buf *out;
} printer;

/* ── pieces ── */

static void put(const printer *self, const char *text)
{
    ps_buf_append_text(self->out, text);
}

static void put_name(const printer *self, uint32_t variable)
{
    if (variable < self->pattern->variable_count) {
        ps_buf_append_slice(self->out, self->pattern->variables[variable]);
    }
}

static void put_ms(const printer *self, const char *before, int64_t ms)
{
    if (ms > 0) {
        ps_buf_append_format(self->out, "%s%lld ms", before, (long long)ms);
    }
}

/* "LAST(A.price, 1)", "SUM(A.price)" */
static ps_slice slot_text(printer *self, const ps_cep_slot *slot)
{
    ps_buf text;
    ps_buf_init(&text, 1000);
    const char *name = slot->kind == PS_CEP_FIRST  ? "FIRST"
                       : slot->kind == PS_CEP_LAST ? "LAST"
                                                   : ps_aggregate_name(slot->call.class);
    ps_buf_append_text(&text, name);
    ps_buf_append_text(&text, "(");
    uint32_t column = slot->column;
    if (slot->kind == PS_CEP_AGGREGATE) {
        column = slot->call.argument_count > 0 ? slot->call.arguments[0] : PS_NO_COLUMN;
    }
    if (slot->variable < self->pattern->variable_count) {
        ps_buf_append_slice(&text, self->pattern->variables[slot->variable]);
        ps_buf_append_text(&text, ".");
    }
    ps_slice column_name =
        column < self->input->field_count ? self->input->fields[column].name : PS_SLICE("*");
    ps_buf_append_slice(&text, column_name);
    if (slot->kind != PS_CEP_AGGREGATE && slot->offset > 0) {
        ps_buf_append_format(&text, ", %u", slot->offset);
    }
    ps_buf_append_text(&text, ")");
    const char *copy = ps_arena_copy(&self->arena, text.data, text.size);
    ps_slice made = copy != NULL ? ps_slice_of(copy, text.size) : PS_SLICE("?");
    ps_buf_release(&text);
    return made;
}

static void put_condition(printer *self, const ps_cep_condition *condition)
{
    if (condition == NULL || (condition->test == NULL && condition->function == NULL)) {
        put(self, "TRUE");
        return;
    }
    if (condition->test == NULL) {
        put(self, "a function");
        return;
    }
    uint32_t count = self->input->field_count;
    ps_field *fields =
        ps_arena_take(&self->arena, (count + condition->slot_count) * sizeof *fields);
    if (fields == NULL) {
        put(self, "?");
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = self->input->fields[i];
    }
    for (uint32_t i = 0; i < condition->slot_count; i++) {
        const ps_cep_slot *slot = &condition->slots[i];
        const ps_type *type = slot->kind == PS_CEP_AGGREGATE
                                  ? slot->call.result
                                  : self->input->fields[slot->column].type;
        fields[count + i] = (ps_field){slot_text(self, slot), type};
    }
    ps_expr_print(condition->test, fields, self->out);
}

/* By the stage that has it. */
static void put_condition_name(const printer *self, uint32_t number)
{
    const ps_cep_condition *condition = self->automaton->conditions[number];
    for (uint32_t i = 0; i < self->stage_count; i++) {
        if (self->stages[i]->where == condition || self->stages[i]->until == condition) {
            put(self, self->stages[i]->where == condition ? "" : "until ");
            put_name(self, i);
            return;
        }
    }
    put(self, "until the group's end"); /* only groups are left */
}

static void put_clause(const printer *self, const ps_cep_clause *clause)
{
    if (clause->literal_count == 0) {
        put(self, "never");
    }
    for (uint32_t i = 0; i < clause->literal_count; i++) {
        put(self, i > 0 ? " or " : "");
        put(self, (clause->literals[i] & 1) != 0 ? "not " : "");
        put_condition_name(self, clause->literals[i] / 2);
    }
}

static void put_guard(const printer *self, const ps_cep_guard *guard)
{
    for (uint32_t i = 0; i < guard->clause_count; i++) {
        const ps_cep_clause *clause = &guard->clauses[i];
        bool is_wrapped = guard->clause_count > 1 && clause->literal_count > 1;
        put(self, i > 0 ? " and " : "");
        put(self, is_wrapped ? "(" : "");
        put_clause(self, clause);
        put(self, is_wrapped ? ")" : "");
    }
}

static const char *action_text(ps_cep_action action)
{
    switch (action) {
    case PS_CEP_TAKE:
        return "take";
    case PS_CEP_IGNORE:
        return "ignore";
    case PS_CEP_PROCEED:
        break;
    }
    return "proceed";
}

static void put_edge(const printer *self, const ps_cep_edge *edge)
{
    put(self, action_text(edge->action));
    if (edge->guard.clause_count > 0) {
        put(self, " if ");
        put_guard(self, &edge->guard);
    }
}

/* "A 3", "stop N", "end" */
static void put_state(const printer *self, const ps_cep_state *state)
{
    switch (state->kind) {
    case PS_CEP_STATE_FINAL:
        put(self, "end");
        return;
    case PS_CEP_STATE_STOP:
        put(self, "stop ");
        put_name(self, state->variable);
        return;
    case PS_CEP_STATE_NORMAL:
    case PS_CEP_STATE_PENDING:
        break;
    }
    if (state->variable == PS_CEP_ANY_VARIABLE) {
        put(self, "again");
    }
    put_name(self, state->variable);
    ps_buf_append_format(self->out, " %u", state->number);
}

/* A stopped run goes nowhere: the edge that makes it known is of no interest. */
static uint32_t edge_count(const ps_cep_state *state)
{
    return state->kind == PS_CEP_STATE_STOP ? 0 : state->edge_count;
}

/* ── the stages ── */

static const char *contiguity_text(const ps_cep_stage *stage)
{
    switch (stage->contiguity) {
    case PS_CEP_NEXT:
        return "next";
    case PS_CEP_FOLLOWED_BY:
        return "followed by";
    case PS_CEP_FOLLOWED_BY_ANY:
        return "followed by any";
    case PS_CEP_NOT_NEXT:
        return "not next";
    case PS_CEP_NOT_FOLLOWED_BY:
        break;
    }
    return "not followed by";
}

static void put_times(const printer *self, const ps_cep_stage *stage)
{
    if (!stage->has_times) {
        put(self, stage->is_optional ? "?" : "");
        return;
    }
    uint32_t min = stage->is_optional ? 0 : stage->min;
    if (stage->max == PS_CEP_UNBOUNDED && min <= 1) {
        put(self, min == 0 ? "*" : "+");
    } else if (stage->max == PS_CEP_UNBOUNDED) {
        ps_buf_append_format(self->out, "{%u,}", min);
    } else if (stage->max == min) {
        ps_buf_append_format(self->out, "{%u}", min);
    } else {
        ps_buf_append_format(self->out, "{%u,%u}", min, stage->max);
    }
    if (stage->is_optional && stage->min > 1) {
        ps_buf_append_format(self->out, " (none or at least %u)", stage->min);
    }
    put(self, stage->inner == PS_CEP_CONSECUTIVE    ? ", consecutive"
              : stage->inner == PS_CEP_COMBINATIONS ? ", all combinations"
                                                    : "");
    put(self, stage->is_greedy ? ", greedy" : "");
    put_ms(self, ", within ", stage->times_within_ms);
}

/* `place`: "begin", "next", "or" … */
static void put_stage(printer *self, const ps_cep_stage *stage, const char *place, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++) {
        put(self, "  ");
    }
    put(self, place);
    put(self, " ");
    if (stage->group_count > 0) {
        put(self, stage->group_is_choice ? "one of" : "group");
    } else {
        ps_buf_append_slice(self->out, stage->name);
    }
    put_times(self, stage);
    put_ms(self, ", since the row before at most ", stage->within_previous_ms);
    if (stage->group_count == 0) {
        put(self, ": ");
        put_condition(self, stage->where);
    }
    if (stage->until != NULL) {
        put(self, ", until ");
        put_condition(self, stage->until);
    }
    put(self, "\n");
}

/* Recursion: the depth is limited. */
static void put_chain(printer *self, uint32_t count, const ps_cep_stage *const *stages,
                      bool is_choice, uint32_t depth)
{
    for (uint32_t i = 0; i < count && depth <= PS_CEP_GROUP_DEPTH_MAX; i++) {
        const char *place = i == 0 ? "begin" : is_choice ? "or" : contiguity_text(stages[i]);
        put_stage(self, stages[i], place, depth);
        put_chain(self, stages[i]->group_count, stages[i]->group, stages[i]->group_is_choice,
                  depth + 1);
    }
}

/* Recursion: the depth is limited. */
static void list_stages(printer *self, uint32_t count, const ps_cep_stage *const *stages,
                        uint32_t depth)
{
    for (uint32_t i = 0; i < count && depth <= PS_CEP_GROUP_DEPTH_MAX; i++) {
        if (stages[i]->group_count > 0) {
            list_stages(self, stages[i]->group_count, stages[i]->group, depth + 1);
        } else if (self->stage_count < self->pattern->variable_count) {
            self->stages[self->stage_count++] = stages[i];
        }
    }
}

/* False: the pattern has no automaton; the reason has been printed. */
static bool begin(printer *self, const ps_cep_pattern *pattern, const ps_schema *input, ps_buf *out)
{
    *self = (printer){.pattern = pattern, .input = input, .out = out};
    ps_arena_init(&self->arena, automaton_size_max);
    ps_error err = {0};
    self->stages = ps_arena_take(&self->arena, pattern->variable_count * sizeof *self->stages);
    if (self->stages == NULL) {
        put(self, "no memory\n");
        return false;
    }
    list_stages(self, pattern->stage_count, pattern->stages, 0);
    if (ps_cep_automaton_new(pattern, &self->arena, &self->automaton, &err) != PS_OK) {
        put(self, err.text);
        put(self, "\n");
        return false;
    }
    return true;
}

static const char *skip_text(ps_cep_skip skip)
{
    switch (skip) {
    case PS_CEP_NO_SKIP:
        return "every match";
    case PS_CEP_SKIP_TO_NEXT:
        return "skip to next row";
    case PS_CEP_SKIP_PAST_LAST:
        return "skip past last row";
    case PS_CEP_SKIP_TO_FIRST:
        return "skip to first ";
    case PS_CEP_SKIP_TO_LAST:
        break;
    }
    return "skip to last ";
}

/* ── the whole ── */

void ps_cep_print_tree(const ps_cep_pattern *pattern, const ps_schema *input, ps_buf *out)
{
    printer self;
    if (begin(&self, pattern, input, out)) {
        put(&self, "pattern: ");
        put(&self, skip_text(pattern->skip));
        if (pattern->skip == PS_CEP_SKIP_TO_FIRST || pattern->skip == PS_CEP_SKIP_TO_LAST) {
            put_name(&self, pattern->skip_variable);
        }
        put_ms(&self, ", within ", pattern->within_ms);
        put(&self, "\n");
        put_chain(&self, pattern->stage_count, pattern->stages, false, 1);
        ps_buf_append_format(out, "states: %u\n", self.automaton->state_count);
        for (uint32_t i = self.automaton->state_count; i > 0; i--) {
            const ps_cep_state *state = self.automaton->states[i - 1];
            put(&self, "  ");
            put_state(&self, state);
            put(&self, state == self.automaton->start ? ", start" : "");
            put(&self, state->kind == PS_CEP_STATE_PENDING ? ", waits for the window's end" : "");
            put_ms(&self, ", since the row before at most ", state->within_ms);
            put(&self, "\n");
            for (uint32_t k = 0; k < edge_count(state); k++) {
                put(&self, "    ");
                put_edge(&self, &state->edges[k]);
                put(&self, " -> ");
                put_state(&self, state->edges[k].target);
                put(&self, "\n");
            }
        }
    }
    ps_arena_release(&self.arena);
}

/* What stands between quotation marks in DOT. */
static void put_escaped(const printer *self, const ps_buf *text)
{
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] == '"' || text->data[i] == '\\') {
            ps_buf_append_char(self->out, '\\');
        }
        ps_buf_append_char(self->out, text->data[i]);
    }
}

static void put_dot_state(printer *self, const ps_cep_state *state)
{
    static const char *const styles[] = {
        [PS_CEP_STATE_NORMAL] = "shape=circle",
        [PS_CEP_STATE_PENDING] = "shape=circle, style=dashed",
        [PS_CEP_STATE_STOP] = "shape=octagon, color=red",
        [PS_CEP_STATE_FINAL] = "shape=doublecircle",
    };
    ps_buf *out = self->out;
    ps_buf name;
    ps_buf_init(&name, automaton_size_max);
    self->out = &name;
    put_state(self, state);
    self->out = out;
    ps_buf_append_format(out, "  s%u [%s%s, label=\"", state->number, styles[state->kind],
                         state == self->automaton->start ? ", penwidth=2" : "");
    put_escaped(self, &name);
    put(self, "\"];\n");
    ps_buf_release(&name);
}

static void put_dot_edge(printer *self, const ps_cep_state *state, const ps_cep_edge *edge,
                         uint32_t order)
{
    static const char *const styles[] = {
        [PS_CEP_TAKE] = "solid", [PS_CEP_IGNORE] = "dashed", [PS_CEP_PROCEED] = "dotted"};
    ps_buf *out = self->out;
    ps_buf label;
    ps_buf_init(&label, automaton_size_max);
    self->out = &label;
    put_edge(self, edge);
    self->out = out;
    ps_buf_append_format(out, "  s%u -> s%u [style=%s, label=\"%u ", state->number,
                         edge->target->number, styles[edge->action], order);
    put_escaped(self, &label);
    put(self, "\"];\n");
    ps_buf_release(&label);
}

/* What the names on the edges stand for, in a note. */
static void put_dot_note(printer *self)
{
    put(self, "  note [shape=note, label=\"");
    ps_buf *out = self->out;
    for (uint32_t i = 0; i < self->automaton->condition_count; i++) {
        ps_buf line;
        ps_buf_init(&line, automaton_size_max);
        self->out = &line;
        put_condition_name(self, i);
        put(self, ": ");
        put_condition(self, self->automaton->conditions[i]);
        self->out = out;
        put_escaped(self, &line);
        put(self, "\\l");
        ps_buf_release(&line);
    }
    if (self->pattern->within_ms > 0) {
        put_ms(self, "within ", self->pattern->within_ms);
        put(self, "\\l");
    }
    put(self, "\"];\n");
}

void ps_cep_print_dot(const ps_cep_pattern *pattern, const ps_schema *input, ps_buf *out)
{
    printer self;
    if (begin(&self, pattern, input, out)) {
        put(&self, "digraph pattern {\n  rankdir=LR;\n");
        for (uint32_t i = self.automaton->state_count; i > 0; i--) {
            put_dot_state(&self, self.automaton->states[i - 1]);
        }
        for (uint32_t i = self.automaton->state_count; i > 0; i--) {
            const ps_cep_state *state = self.automaton->states[i - 1];
            for (uint32_t k = 0; k < edge_count(state); k++) {
                put_dot_edge(&self, state, &state->edges[k], k + 1);
            }
        }
        put_dot_note(&self);
        put(&self, "}\n");
    }
    ps_arena_release(&self.arena);
}
