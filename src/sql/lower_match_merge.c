/* Patterns over one stream that are partitioned and ordered alike become queries of one operator:
 * the rows are read, sorted and kept once.
 *
 *   base → calc_1 → Match_1 → …          base → calc → Match → calc where query = 0 → …
 *   base → calc_2 → Match_2 → …    →                        → calc where query = 1 → …
 */
#include "sql/explain_match.h"
#include "sql/lower.h"

typedef struct {
    const ps_node *node;
    const ps_match_spec *spec;
    uint32_t *map; /* column of the own input → column of the shared one */
} member;

typedef struct {
    ps_lowering *lowering;
    ps_plan *plan;
    const ps_node *base;
    const ps_expr *condition; /* of all calcs; NULL: none */
    ps_plan_list outputs;     /* over base: what the members read */
    ps_plan_list fields;      /* their ps_field */
    uint32_t member_count;
    member *members;
} merging;

/* ── what a Match reads, over the node below its calc ── */

static const ps_node *base_of(const ps_node *match)
{
    const ps_node *input = match->inputs[0];
    return input->kind == PS_NODE_CALC ? input->inputs[0] : input;
}

static const ps_expr *condition_of(const ps_node *match)
{
    const ps_node *input = match->inputs[0];
    return input->kind == PS_NODE_CALC ? input->calc->condition : NULL;
}

static const ps_expr *value_of(ps_plan *plan, const ps_node *match, uint32_t column)
{
    const ps_node *input = match->inputs[0];
    return input->kind == PS_NODE_CALC
               ? input->calc->outputs[column]
               : ps_plan_column(plan, column, input->schema.fields[column].type);
}

static bool is_deterministic(ps_plan *plan, const ps_node *match)
{
    const ps_expr *condition = condition_of(match);
    bool is_same = condition == NULL || ps_expr_is_deterministic(condition);
    for (uint32_t i = 0; i < match->inputs[0]->schema.field_count; i++) {
        is_same = is_same && ps_expr_is_deterministic(value_of(plan, match, i));
    }
    return is_same;
}

/* ── who goes together ── */

/* A Match whose late rows are read tells of its own alone. */
static bool is_listened_to(const ps_plan_list *nodes, const ps_node *match)
{
    for (uint32_t i = 0; i < nodes->count; i++) {
        const ps_node *node = nodes->items[i];
        for (uint32_t j = 0; node->kind == PS_NODE_LATE && j < node->input_count; j++) {
            if (node->inputs[j] == match) {
                return true;
            }
        }
    }
    return false;
}

static bool same_values(ps_plan *plan, const ps_node *a, uint32_t a_column, const ps_node *b,
                        uint32_t b_column)
{
    return ps_expr_equal(value_of(plan, a, a_column), value_of(plan, b, b_column));
}

static bool same_keys(ps_plan *plan, const ps_node *a, const ps_node *b)
{
    ps_columns left = ps_explain_match_of(a)->keys, right = ps_explain_match_of(b)->keys;
    bool is_same = left.count == right.count;
    for (uint32_t i = 0; is_same && i < left.count; i++) {
        is_same = same_values(plan, a, left.columns[i], b, right.columns[i]);
    }
    return is_same;
}

static bool same_order(ps_plan *plan, const ps_node *a, const ps_node *b)
{
    const ps_match_spec *left = ps_explain_match_of(a), *right = ps_explain_match_of(b);
    bool is_same = left->is_processing_time == right->is_processing_time &&
                   left->sort_count == right->sort_count;
    if (is_same && !left->is_processing_time) {
        is_same = same_values(plan, a, left->time_column, b, right->time_column);
    }
    for (uint32_t i = 0; is_same && i < left->sort_count; i++) {
        is_same = left->sort[i].is_descending == right->sort[i].is_descending &&
                  left->sort[i].nulls_last == right->sort[i].nulls_last &&
                  same_values(plan, a, left->sort[i].column, b, right->sort[i].column);
    }
    return is_same;
}

static bool same_condition(const ps_node *a, const ps_node *b)
{
    const ps_expr *left = condition_of(a), *right = condition_of(b);
    return left == NULL || right == NULL ? left == right : ps_expr_equal(left, right);
}

static bool can_share(const merging *self, const ps_plan_list *nodes, const ps_node *a,
                      const ps_node *b)
{
    const ps_match_spec *spec = ps_explain_match_of(b);
    return spec != NULL && spec->query_count == 1 && base_of(a) == base_of(b) &&
           same_condition(a, b) && is_deterministic(self->plan, b) && same_keys(self->plan, a, b) &&
           same_order(self->plan, a, b) && !is_listened_to(nodes, b);
}

/* ── the shared input ── */

static uint32_t shared_column(merging *self, const ps_expr *value, const ps_field *field)
{
    for (uint32_t i = 0; i < self->outputs.count; i++) {
        if (ps_expr_equal(self->outputs.items[i], value)) {
            return i;
        }
    }
    ps_plan_list_add(self->plan, &self->outputs, value);
    ps_plan_list_add(self->plan, &self->fields, field);
    return self->outputs.count - 1;
}

static void add_member(merging *self, const ps_node *match)
{
    const ps_schema *input = &match->inputs[0]->schema;
    member *one = &self->members[self->member_count++];
    one->node = match;
    one->spec = ps_explain_match_of(match);
    one->map = PS_PLAN_ARRAY(self->plan, uint32_t, input->field_count);
    for (uint32_t i = 0; i < input->field_count; i++) {
        one->map[i] = shared_column(self, value_of(self->plan, match, i), &input->fields[i]);
    }
}

static const ps_node *shared_input(merging *self)
{
    ps_plan *plan = self->plan;
    uint32_t count = self->outputs.count;
    ps_field *fields = PS_PLAN_ARRAY(plan, ps_field, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = *(const ps_field *)self->fields.items[i];
    }
    ps_calc_spec *spec = PS_PLAN_NEW(plan, ps_calc_spec);
    *spec = (ps_calc_spec){self->condition, count, (const ps_expr *const *)self->outputs.items};
    ps_node *node = ps_lower_add(self->lowering, PS_NODE_CALC, count, fields, 1, &self->base);
    node->calc = spec;
    node->changes = self->base->changes;
    if (!self->members[0].spec->is_processing_time) {
        node->time_column = self->members[0].map[self->members[0].spec->time_column];
    }
    return node;
}

/* ── queries over it ── */

static const ps_cep_slot *shared_slots(ps_plan *plan, const member *one, uint32_t count,
                                       const ps_cep_slot *slots)
{
    ps_cep_slot *mapped = PS_PLAN_ARRAY(plan, ps_cep_slot, count);
    for (uint32_t i = 0; i < count; i++) {
        mapped[i] = slots[i];
        if (slots[i].kind != PS_CEP_AGGREGATE) {
            mapped[i].column = one->map[slots[i].column];
        }
        for (uint32_t j = 0; j < slots[i].call.argument_count; j++) {
            mapped[i].call.arguments[j] = one->map[slots[i].call.arguments[j]];
        }
    }
    return mapped;
}

static const ps_cep_condition *shared_condition(const merging *self, const member *one,
                                                const ps_cep_condition *condition)
{
    ps_plan *plan = self->plan;
    uint32_t own = one->spec->input->field_count;
    if (condition == NULL) {
        return NULL;
    }
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, own + condition->slot_count);
    memcpy(map, one->map, own * sizeof *map);
    for (uint32_t i = 0; i < condition->slot_count; i++) {
        map[own + i] = self->outputs.count + i;
    }
    ps_cep_condition *mapped = PS_PLAN_NEW(plan, ps_cep_condition);
    *mapped = *condition;
    mapped->test = ps_plan_renumber(plan, condition->test, map);
    mapped->slots = shared_slots(plan, one, condition->slot_count, condition->slots);
    return mapped;
}

/* Recursion: groups are at most PS_CEP_GROUP_DEPTH_MAX deep. */
static const ps_cep_stage *const *shared_stages(const merging *self, const member *one,
                                                uint32_t count, const ps_cep_stage *const *stages)
{
    const ps_cep_stage **mapped = PS_PLAN_ARRAY(self->plan, const ps_cep_stage *, count);
    for (uint32_t i = 0; i < count; i++) {
        ps_cep_stage *stage = PS_PLAN_NEW(self->plan, ps_cep_stage);
        *stage = *stages[i];
        stage->where = shared_condition(self, one, stages[i]->where);
        stage->group = shared_stages(self, one, stages[i]->group_count, stages[i]->group);
        mapped[i] = stage;
    }
    return mapped;
}

static ps_cep_query shared_query(const merging *self, const member *one)
{
    ps_cep_query query = one->spec->queries[0];
    ps_cep_pattern *pattern = PS_PLAN_NEW(self->plan, ps_cep_pattern);
    *pattern = *query.pattern;
    pattern->stages = shared_stages(self, one, pattern->stage_count, pattern->stages);
    query.pattern = pattern;
    query.measures.slots =
        shared_slots(self->plan, one, query.measures.slot_count, query.measures.slots);
    return query;
}

static ps_columns shared_keys(ps_plan *plan, const member *one)
{
    ps_columns keys = one->spec->keys;
    uint32_t *mapped = PS_PLAN_ARRAY(plan, uint32_t, keys.count);
    for (uint32_t i = 0; i < keys.count; i++) {
        mapped[i] = one->map[keys.columns[i]];
    }
    return (ps_columns){keys.count, mapped};
}

/* Number of the query, keys, then what each query says of its matches: NULL in all others' rows. */
static const ps_field *shared_fields(const merging *self, uint32_t *out_count)
{
    ps_plan *plan = self->plan;
    uint32_t keys = self->members[0].spec->keys.count, count = 1 + keys;
    for (uint32_t i = 0; i < self->member_count; i++) {
        count += self->members[i].node->schema.field_count - keys;
    }
    ps_field *fields = PS_PLAN_ARRAY(plan, ps_field, count);
    fields[0] = (ps_field){PS_SLICE("$query"), ps_type_simple(plan->arena, PS_TYPE_BIGINT, false)};
    for (uint32_t i = 0; i < keys; i++) {
        fields[1 + i] = self->members[0].node->schema.fields[i];
    }
    uint32_t at = 1 + keys;
    for (uint32_t i = 0; i < self->member_count; i++) {
        const ps_schema *own = &self->members[i].node->schema;
        for (uint32_t j = keys; j < own->field_count; j++) {
            fields[at++] = (ps_field){
                own->fields[j].name, ps_type_with_nullable(plan->arena, own->fields[j].type, true)};
        }
    }
    *out_count = count;
    return fields;
}

static const ps_node *shared_match(merging *self, const ps_node *input)
{
    ps_plan *plan = self->plan;
    const member *first = &self->members[0];
    ps_cep_query *queries = PS_PLAN_ARRAY(plan, ps_cep_query, self->member_count);
    ps_sort_key *sort = PS_PLAN_ARRAY(plan, ps_sort_key, first->spec->sort_count);
    for (uint32_t i = 0; i < self->member_count; i++) {
        queries[i] = shared_query(self, &self->members[i]);
    }
    for (uint32_t i = 0; i < first->spec->sort_count; i++) {
        sort[i] = first->spec->sort[i];
        sort[i].column = first->map[sort[i].column];
    }
    ps_match_spec *spec = PS_PLAN_NEW(plan, ps_match_spec);
    *spec = *first->spec;
    spec->keys = shared_keys(plan, first);
    spec->time_column = spec->is_processing_time ? 0 : first->map[spec->time_column];
    spec->sort = sort;
    spec->input = &input->schema;
    spec->query_count = self->member_count;
    spec->queries = queries;
    uint32_t count;
    const ps_field *fields = shared_fields(self, &count);
    ps_node *node = ps_lower_add(self->lowering, PS_NODE_USER, count, fields, 1, &input);
    node->user = &spec->base;
    ps_lower_deal(self->lowering, node, &spec->keys);
    return node;
}

/* The member's node becomes a calc that takes its own rows out of the shared ones; its columns stay
 * what they were, so that its readers see no difference. */
static void become_calc(const merging *self, uint32_t number, uint32_t first_column,
                        const ps_node *match)
{
    ps_plan *plan = self->plan;
    ps_node *node = (ps_node *)(uintptr_t)self->members[number].node;
    uint32_t keys = self->members[number].spec->keys.count, count = node->schema.field_count;
    const ps_sql_span nowhere = {0};
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column = i < keys ? 1 + i : first_column + i - keys;
        outputs[i] = ps_plan_column(plan, column, node->schema.fields[i].type);
    }
    const ps_type *type = match->schema.fields[0].type;
    const ps_expr *sides[2] = {ps_plan_column(plan, 0, type),
                               ps_plan_constant(plan, type, (ps_value){.i64 = number})};
    ps_calc_spec *spec = PS_PLAN_NEW(plan, ps_calc_spec);
    *spec = (ps_calc_spec){ps_plan_call(plan, nowhere, "=", 2, sides), count, outputs};
    const ps_node **inputs = PS_PLAN_ARRAY(plan, const ps_node *, 1);
    inputs[0] = match;
    node->kind = PS_NODE_CALC;
    node->inputs = inputs;
    node->calc = spec;
    node->is_keyed = false;
    node->exchange_keys = NULL;
}

static void merge(merging *self)
{
    const ps_node *match = shared_match(self, shared_input(self));
    uint32_t column = 1 + self->members[0].spec->keys.count;
    for (uint32_t i = 0; i < self->member_count; i++) {
        uint32_t keys = self->members[i].spec->keys.count;
        uint32_t own = self->members[i].node->schema.field_count - keys;
        become_calc(self, i, column, match);
        column += own;
    }
}

/* As many as there is room for in one row. */
static bool has_room(const merging *self, uint32_t column_count, const ps_node *match)
{
    return column_count + match->schema.field_count <= PS_COLUMN_COUNT_MAX &&
           self->outputs.count + match->inputs[0]->schema.field_count <= PS_COLUMN_COUNT_MAX;
}

/* Those that go together with `match`, which stands first of them in the list. */
static void merge_from(ps_lowering *lowering, const ps_plan_list *nodes, uint32_t at)
{
    const ps_node *match = nodes->items[at];
    merging self = {.lowering = lowering, .plan = lowering->plan};
    if (!can_share(&self, nodes, match, match)) {
        return;
    }
    self.base = base_of(match);
    self.condition = condition_of(match);
    self.members = PS_PLAN_ARRAY(self.plan, member, nodes->count - at);
    uint32_t column_count = 1;
    for (uint32_t i = at; i < nodes->count; i++) {
        const ps_node *node = nodes->items[i];
        if (ps_explain_match_of(node) != NULL && can_share(&self, nodes, match, node) &&
            has_room(&self, column_count, node)) {
            add_member(&self, node);
            column_count += node->schema.field_count;
        }
    }
    if (self.member_count > 1) {
        merge(&self);
    }
}

/* ── the whole ── */

/* Nodes that lead to no sink are gone; the rest is numbered anew. */
static void sweep(ps_lowering *lowering)
{
    ps_plan_list *nodes = &lowering->nodes;
    bool *is_read = PS_PLAN_ARRAY(lowering->plan, bool, nodes->count);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < nodes->count; i++) {
        ((ps_node *)(uintptr_t)nodes->items[i])->id = i;
    }
    for (uint32_t i = nodes->count; i > 0; i--) {
        const ps_node *node = nodes->items[i - 1];
        is_read[i - 1] = is_read[i - 1] || node->kind == PS_NODE_SINK;
        for (uint32_t j = 0; is_read[i - 1] && j < node->input_count; j++) {
            is_read[node->inputs[j]->id] = true;
        }
    }
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (is_read[i]) {
            ((ps_node *)(uintptr_t)nodes->items[i])->id = kept;
            nodes->items[kept++] = nodes->items[i];
        }
    }
    nodes->count = kept;
}

void ps_lower_merge_matches(ps_lowering *lowering)
{
    ps_plan_list nodes = lowering->nodes;
    uint32_t before = nodes.count;
    lowering->nodes = (ps_plan_list){0};
    for (uint32_t i = 0; i < nodes.count; i++) {
        if (ps_explain_match_of(nodes.items[i]) != NULL) {
            merge_from(lowering, &nodes, i); /* what it makes comes before its readers */
        }
        ps_plan_list_add(lowering->plan, &lowering->nodes, nodes.items[i]);
    }
    if (lowering->nodes.count != before) {
        sweep(lowering);
    }
}
