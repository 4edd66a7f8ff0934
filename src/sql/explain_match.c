#include "sql/explain_match.h"

#include "sql/session.h"

const ps_match_spec *ps_explain_match_of(const ps_node *node)
{
    return node->kind == PS_NODE_USER && node->user->make == ps_op_match_new
               ? (const ps_match_spec *)node->user
               : NULL;
}

/* ── patterns ── */

static void print_quantifier(const ps_cep_stage *stage, ps_buf *out)
{
    uint32_t min = stage->is_optional ? 0 : stage->min;
    if (!stage->has_times) {
        ps_buf_append_text(out, stage->is_optional ? "?" : "");
        return;
    }
    if (stage->max == PS_CEP_UNBOUNDED && stage->min == 1) {
        ps_buf_append_text(out, stage->is_optional ? "*" : "+");
    } else if (stage->max == PS_CEP_UNBOUNDED) {
        ps_buf_append_format(out, "{%u,}", min);
    } else if (min == stage->max) {
        ps_buf_append_format(out, "{%u}", min);
        return; /* neither greedy nor not */
    } else {
        ps_buf_append_format(out, "{%u,%u}", min, stage->max);
    }
    ps_buf_append_text(out, stage->is_greedy ? "" : "?");
}

static void print_contiguity(ps_cep_contiguity contiguity, ps_buf *out)
{
    switch (contiguity) {
    case PS_CEP_NEXT:
    case PS_CEP_NOT_NEXT:
        return;
    case PS_CEP_FOLLOWED_BY:
    case PS_CEP_NOT_FOLLOWED_BY:
        ps_buf_append_text(out, "{- *? -} ");
        return;
    case PS_CEP_FOLLOWED_BY_ANY:
        ps_buf_append_text(out, "{- * -} ");
        return;
    }
    PS_ASSERT(false);
}

static void print_stages(uint32_t count, const ps_cep_stage *const *stages, const char *between,
                         ps_buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const ps_cep_stage *stage = stages[i];
        bool is_not =
            stage->contiguity == PS_CEP_NOT_NEXT || stage->contiguity == PS_CEP_NOT_FOLLOWED_BY;
        ps_buf_append_text(out, i > 0 ? between : "");
        print_contiguity(stage->contiguity, out);
        if (stage->group_count > 0) {
            ps_buf_append_char(out, '(');
            print_stages(stage->group_count, stage->group, stage->group_is_choice ? " | " : " ",
                         out);
            ps_buf_append_char(out, ')');
        } else {
            ps_buf_append_text(out, is_not ? "[^" : "");
            ps_buf_append_slice(out, stage->name);
            ps_buf_append_text(out, is_not ? "]" : "");
        }
        print_quantifier(stage, out);
    }
}

/* ── slots and conditions ── */

static void print_slot(const ps_cep_pattern *pattern, const ps_cep_slot *slot,
                       const ps_field *fields, ps_buf *out)
{
    bool is_call = slot->kind == PS_CEP_AGGREGATE;
    ps_buf_append_text(out, is_call                      ? ps_aggregate_name(slot->call.class)
                            : slot->kind == PS_CEP_FIRST ? "FIRST"
                                                         : "LAST");
    ps_buf_append_char(out, '(');
    if (slot->variable != PS_CEP_ANY_VARIABLE) {
        ps_buf_append_slice(out, pattern->variables[slot->variable]);
        ps_buf_append_char(out, '.');
    }
    if (is_call) {
        for (uint32_t i = 0; i < slot->call.argument_count; i++) {
            ps_buf_append_text(out, i > 0 ? ", " : "");
            ps_buf_append_slice(out, fields[slot->call.arguments[i]].name);
        }
        ps_buf_append_text(out, slot->call.argument_count == 0 ? "*)" : ")");
        return;
    }
    ps_buf_append_slice(out, fields[slot->column].name);
    if (slot->offset > 0) {
        ps_buf_append_format(out, ", %u", slot->offset);
    }
    ps_buf_append_char(out, ')');
}

/* The input's fields, then one named after each slot; texts in `names`. */
static void slot_fields(const ps_cep_pattern *pattern, const ps_cep_condition *condition,
                        const ps_schema *input, ps_buf *names, ps_field *out)
{
    uint32_t begins[PS_COLUMN_COUNT_MAX];
    for (uint32_t i = 0; i < input->field_count; i++) {
        out[i] = input->fields[i];
    }
    for (uint32_t i = 0; i < condition->slot_count; i++) {
        begins[i] = (uint32_t)names->size;
        print_slot(pattern, &condition->slots[i], input->fields, names);
    }
    for (uint32_t i = 0; i < condition->slot_count; i++) {
        uint32_t end = i + 1 < condition->slot_count ? begins[i + 1] : (uint32_t)names->size;
        out[input->field_count + i] =
            (ps_field){ps_slice_of(names->data + begins[i], end - begins[i]), NULL};
    }
}

static void print_condition(const ps_cep_pattern *pattern, const ps_cep_condition *condition,
                            const ps_schema *input, ps_buf *out)
{
    enum { NAMES_MAX = 1 << 20 };
    ps_field fields[2 * PS_COLUMN_COUNT_MAX];
    ps_buf names;
    ps_buf_init(&names, NAMES_MAX);
    slot_fields(pattern, condition, input, &names, fields);
    ps_expr_print(condition->test, fields, out);
    out->failed = out->failed || names.failed;
    ps_buf_release(&names);
}

static void print_defines(const ps_cep_pattern *pattern, uint32_t count,
                          const ps_cep_stage *const *stages, const ps_schema *input, bool *is_first,
                          ps_buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (stages[i]->group_count > 0) {
            print_defines(pattern, stages[i]->group_count, stages[i]->group, input, is_first, out);
        } else if (stages[i]->where != NULL) {
            ps_buf_append_text(out, *is_first ? "" : ", ");
            ps_buf_append_slice(out, stages[i]->name);
            ps_buf_append_text(out, " AS ");
            print_condition(pattern, stages[i]->where, input, out);
            *is_first = false;
        }
    }
}

/* ── the node ── */

static void print_skip(const ps_cep_pattern *pattern, ps_buf *out)
{
    static const char *const names[] = {[PS_CEP_NO_SKIP] = "no skip",
                                        [PS_CEP_SKIP_TO_NEXT] = "to next row",
                                        [PS_CEP_SKIP_PAST_LAST] = "past last row",
                                        [PS_CEP_SKIP_TO_FIRST] = "to first ",
                                        [PS_CEP_SKIP_TO_LAST] = "to last "};
    ps_buf_append_format(out, " skip=[%s", names[pattern->skip]);
    if (pattern->skip == PS_CEP_SKIP_TO_FIRST || pattern->skip == PS_CEP_SKIP_TO_LAST) {
        ps_buf_append_slice(out, pattern->variables[pattern->skip_variable]);
    }
    ps_buf_append_char(out, ']');
}

static void print_query(const ps_cep_query *query, const ps_schema *input, bool with_conditions,
                        ps_buf *out)
{
    const ps_cep_pattern *pattern = query->pattern;
    bool is_first = true;
    if (query->emit != NULL) { /* of the C interface, which has more than PATTERN can say */
        ps_buf_append_char(out, '\n');
        ps_cep_print_tree(pattern, input, out);
        return;
    }
    ps_buf_append_text(out, " pattern=[");
    print_stages(pattern->stage_count, pattern->stages, " ", out);
    ps_buf_append_char(out, ']');
    if (pattern->within_ms > 0) {
        ps_buf_append_format(out, " within=[%lld ms]", (long long)pattern->within_ms);
    }
    print_skip(pattern, out);
    if (with_conditions) {
        ps_buf_append_text(out, " define=[");
        print_defines(pattern, pattern->stage_count, pattern->stages, input, &is_first, out);
        ps_buf_append_char(out, ']');
    }
    ps_buf_append_text(out, " values=[");
    for (uint32_t i = 0; i < query->measures.slot_count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        print_slot(pattern, &query->measures.slots[i], input->fields, out);
    }
    ps_buf_append_text(out, query->emits_timeouts ? "] with timeouts" : "]");
}

static void print_order(const ps_match_spec *spec, ps_buf *out)
{
    ps_buf_append_text(out, " order=[");
    ps_buf_append_slice(out, spec->is_processing_time
                                 ? PS_SLICE("PROCTIME()")
                                 : spec->input->fields[spec->time_column].name);
    for (uint32_t i = 0; i < spec->sort_count; i++) {
        ps_buf_append_text(out, ", ");
        ps_buf_append_slice(out, spec->input->fields[spec->sort[i].column].name);
        ps_buf_append_text(out, spec->sort[i].is_descending ? " DESC" : "");
    }
    ps_buf_append_char(out, ']');
}

void ps_explain_match(const ps_node *node, bool with_conditions, ps_buf *out)
{
    const ps_match_spec *spec = ps_explain_match_of(node);
    if (spec->keys.count > 0) {
        ps_buf_append_text(out, " keys=[");
        for (uint32_t i = 0; i < spec->keys.count; i++) {
            ps_buf_append_text(out, i > 0 ? ", " : "");
            ps_buf_append_slice(out, spec->input->fields[spec->keys.columns[i]].name);
        }
        ps_buf_append_char(out, ']');
    }
    print_order(spec, out);
    for (uint32_t i = 0; i < spec->query_count; i++) {
        print_query(&spec->queries[i], spec->input, with_conditions, out);
    }
}

void ps_explain_automata(const ps_node *node, uint32_t indent, ps_buf *out)
{
    enum { TREE_MAX = 4 << 20 };
    const ps_match_spec *spec = ps_explain_match_of(node);
    for (uint32_t i = 0; i < spec->query_count; i++) {
        ps_buf tree;
        ps_buf_init(&tree, TREE_MAX);
        ps_cep_print_tree(spec->queries[i].pattern, spec->input, &tree);
        ps_slice rest = ps_slice_of(tree.data, tree.size);
        while (rest.size > 0) {
            const char *end = memchr(rest.data, '\n', rest.size);
            size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
            ps_buf_append_format(out, "%*s", (int)indent, "");
            ps_buf_append_slice(out, ps_slice_of(rest.data, size));
            ps_buf_append_char(out, '\n');
            size += end != NULL ? 1 : 0;
            rest = ps_slice_of(rest.data + size, rest.size - size);
        }
        out->failed = out->failed || tree.failed;
        ps_buf_release(&tree);
    }
}

void ps_graph_print_dot(const ps_graph *graph, ps_buf *out)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const ps_match_spec *spec = ps_explain_match_of(graph->nodes[i]);
        for (uint32_t j = 0; spec != NULL && j < spec->query_count; j++) {
            ps_cep_print_dot(spec->queries[j].pattern, spec->input, out);
        }
    }
}
