/* EXPLAIN: a flow graph as a tree, sinks first. A node that several read is printed once. */
#include "base/hash.h"
#include "flow/operators.h"
#include "sql/explain_match.h"
#include "sql/session.h"

enum { PLAN_TEXT_MAX = 16 << 20 };

typedef struct {
    ps_buf *out;
    const ps_graph *graph;
    bool *printed; /* by node id */
    bool shows_automata;
    ps_graph_note *note; /* NULL: none */
    const void *note_with;
} printer;

static const char *changes_name(ps_changes changes)
{
    switch (changes) {
    case PS_CHANGES_APPEND:
        return "append";
    case PS_CHANGES_UPSERT:
        return "upsert";
    case PS_CHANGES_RETRACT:
        return "retract";
    }
    PS_ASSERT(false);
    return "";
}

static const ps_field *fields_of(const ps_node *node)
{
    return node->inputs[0]->schema.fields;
}

static void print_columns(ps_buf *out, const char *name, ps_columns columns, const ps_field *fields)
{
    if (columns.count == 0) {
        return;
    }
    ps_buf_append_format(out, " %s=[", name);
    for (uint32_t i = 0; i < columns.count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        ps_buf_append_slice(out, fields[columns.columns[i]].name);
    }
    ps_buf_append_char(out, ']');
}

static void print_calls(ps_buf *out, uint32_t count, const ps_aggregate_call *calls,
                        const ps_field *fields)
{
    ps_buf_append_text(out, " calls=[");
    for (uint32_t i = 0; i < count; i++) {
        ps_buf_append_format(out, "%s%s(%s", i > 0 ? ", " : "", ps_aggregate_name(calls[i].class),
                             calls[i].is_distinct ? "DISTINCT " : "");
        for (uint32_t j = 0; j < calls[i].argument_count; j++) {
            ps_buf_append_text(out, j > 0 ? ", " : "");
            ps_buf_append_slice(out, fields[calls[i].arguments[j]].name);
        }
        ps_buf_append_text(out, calls[i].argument_count == 0 ? "*)" : ")");
        if (calls[i].filter != PS_NO_COLUMN) {
            ps_buf_append_text(out, " FILTER ");
            ps_buf_append_slice(out, fields[calls[i].filter].name);
        }
    }
    ps_buf_append_char(out, ']');
}

static void print_sort(ps_buf *out, uint32_t count, const ps_sort_key *sort, const ps_field *fields)
{
    if (count == 0) {
        return;
    }
    ps_buf_append_text(out, " order=[");
    for (uint32_t i = 0; i < count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        ps_buf_append_slice(out, fields[sort[i].column].name);
        ps_buf_append_text(out, sort[i].is_descending ? " DESC" : " ASC");
    }
    ps_buf_append_char(out, ']');
}

static const char *window_name(ps_window_kind kind)
{
    switch (kind) {
    case PS_WINDOW_TUMBLE:
        return "TUMBLE";
    case PS_WINDOW_HOP:
        return "HOP";
    case PS_WINDOW_CUMULATE:
        return "CUMULATE";
    case PS_WINDOW_SESSION:
        return "SESSION";
    case PS_WINDOW_ATTACHED:
        return "ATTACHED";
    }
    PS_ASSERT(false);
    return "";
}

static void print_window(ps_buf *out, const ps_window *window, const ps_field *fields)
{
    ps_buf_append_format(out, " window=[%s", window_name(window->kind));
    if (window->kind == PS_WINDOW_ATTACHED) {
        ps_buf_append_text(out, " ");
        ps_buf_append_slice(out, fields[window->start_column].name);
        ps_buf_append_text(out, ", ");
        ps_buf_append_slice(out, fields[window->end_column].name);
    } else {
        ps_buf_append_text(out, " ");
        ps_buf_append_slice(out, window->is_processing_time ? PS_SLICE("PROCTIME()")
                                                            : fields[window->time_column].name);
        ps_buf_append_format(out, ", %s %lld ms",
                             window->kind == PS_WINDOW_SESSION ? "gap" : "size",
                             (long long)window->size_ms);
        if (window->step_ms != 0) {
            ps_buf_append_format(out, ", step %lld ms", (long long)window->step_ms);
        }
        if (window->offset_ms != 0) {
            ps_buf_append_format(out, ", offset %lld ms", (long long)window->offset_ms);
        }
    }
    ps_buf_append_char(out, ']');
}

static const char *join_name(ps_join_kind kind)
{
    static const char *const names[] = {"INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI"};
    return names[kind];
}

/* Conditions are over the left columns, then the right ones. */
static void print_on(ps_buf *out, const ps_node *node, const ps_join_on *on)
{
    const ps_schema *left = &node->inputs[0]->schema, *right = &node->inputs[1]->schema;
    ps_field joined[2 * PS_COLUMN_COUNT_MAX];
    ps_buf_append_format(out, " %s", join_name(on->kind));
    print_columns(out, "left", on->left_keys, left->fields);
    print_columns(out, "right", on->right_keys, right->fields);
    if (on->condition != NULL) {
        for (uint32_t i = 0; i < left->field_count; i++) {
            joined[i] = left->fields[i];
        }
        for (uint32_t i = 0; i < right->field_count; i++) {
            joined[left->field_count + i] = right->fields[i];
        }
        ps_buf_append_text(out, " where=[");
        ps_expr_print(on->condition, joined, out);
        ps_buf_append_char(out, ']');
    }
}

static void print_calc(ps_buf *out, const ps_node *node)
{
    const ps_field *fields = fields_of(node);
    ps_buf_append_text(out, " select=[");
    for (uint32_t i = 0; i < node->calc->output_count; i++) {
        const ps_expr *expr = node->calc->outputs[i];
        ps_buf_append_text(out, i > 0 ? ", " : "");
        ps_expr_print(expr, fields, out);
        if (expr->kind != PS_EXPR_COLUMN ||
            !ps_slice_equal(fields[expr->column].name, node->schema.fields[i].name)) {
            ps_buf_append_text(out, " AS ");
            ps_buf_append_slice(out, node->schema.fields[i].name);
        }
    }
    ps_buf_append_char(out, ']');
    if (node->calc->condition != NULL) {
        ps_buf_append_text(out, " where=[");
        ps_expr_print(node->calc->condition, fields, out);
        ps_buf_append_char(out, ']');
    }
}

static void print_source(ps_buf *out, const ps_node *node)
{
    ps_buf_append_text(out, " table=[");
    ps_buf_append_slice(out, node->source->table->name);
    ps_buf_append_text(out, "] reads=[");
    for (uint32_t i = 0; i < node->schema.field_count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        ps_buf_append_slice(out, node->schema.fields[i].name);
    }
    ps_buf_append_char(out, ']');
}

static void print_over(ps_buf *out, const ps_node *node)
{
    const ps_over_spec *over = node->over;
    print_columns(out, "keys", over->keys, fields_of(node));
    ps_buf_append_text(out, over->is_rows ? " frame=[ROWS " : " frame=[RANGE ");
    if (over->is_unbounded) {
        ps_buf_append_text(out, "UNBOUNDED PRECEDING]");
    } else {
        ps_buf_append_format(out, "%lld%s PRECEDING]", (long long)over->preceding,
                             over->is_rows ? "" : " ms");
    }
    print_calls(out, over->call_count, over->calls, fields_of(node));
}

static void print_rank_range(ps_buf *out, int64_t first, int64_t last, bool emit_rank)
{
    ps_buf_append_format(out, " rows=[%lld..%lld]%s", (long long)first, (long long)last,
                         emit_rank ? " with number" : "");
}

static void print_aggregate(ps_buf *out, const ps_node *node)
{
    const ps_field *fields = fields_of(node);
    if (node->kind == PS_NODE_WINDOW_AGGREGATE) {
        print_window(out, &node->window_aggregate->window, fields);
        print_columns(out, "keys", node->window_aggregate->keys, fields);
        print_calls(out, node->window_aggregate->call_count, node->window_aggregate->calls, fields);
        return;
    }
    print_columns(out, "keys", node->group_aggregate->keys, fields);
    print_calls(out, node->group_aggregate->call_count, node->group_aggregate->calls, fields);
}

static void print_rank(ps_buf *out, const ps_node *node)
{
    const ps_field *fields = fields_of(node);
    if (node->kind == PS_NODE_WINDOW_RANK) {
        const ps_window_rank_spec *rank = node->window_rank;
        print_window(out, &rank->window, fields);
        print_columns(out, "keys", rank->keys, fields);
        print_sort(out, rank->sort_count, rank->sort, fields);
        print_rank_range(out, rank->first, rank->last, rank->emit_rank);
        return;
    }
    print_columns(out, "keys", node->rank->keys, fields);
    print_sort(out, node->rank->sort_count, node->rank->sort, fields);
    print_rank_range(out, node->rank->first, node->rank->last, node->rank->emit_rank);
}

static void print_bracketed(ps_buf *out, const char *name, const ps_expr *expr,
                            const ps_field *fields)
{
    ps_buf_append_format(out, " %s=[", name);
    ps_expr_print(expr, fields, out);
    ps_buf_append_char(out, ']');
}

static void print_sink(ps_buf *out, const ps_node *node)
{
    if (node->sink->table != NULL) {
        ps_buf_append_text(out, " table=[");
        ps_buf_append_slice(out, node->sink->table->name);
        ps_buf_append_char(out, ']');
    }
}

static void print_interval(ps_buf *out, const ps_node *node)
{
    print_on(out, node, &node->interval_join->on);
    ps_buf_append_format(out, " interval=[%lld ms..%lld ms]",
                         (long long)node->interval_join->lower_ms,
                         (long long)node->interval_join->upper_ms);
}

static void print_user(const printer *p, const ps_node *node)
{
    if (ps_explain_match_of(node) != NULL) {
        ps_explain_match(node, !p->shows_automata, p->out);
    } else {
        ps_buf_append_format(p->out, " %s", node->user->name);
    }
}

static void print_deduplicate(ps_buf *out, const ps_node *node)
{
    ps_buf_append_text(out, node->deduplicate->keep_last ? " keep=last" : " keep=first");
    print_columns(out, "keys", node->deduplicate->keys, fields_of(node));
}

/* What the operator does. */
static void print_details(const printer *p, const ps_node *node)
{
    ps_buf *out = p->out;
    switch (node->kind) {
    case PS_NODE_SOURCE:
        print_source(out, node);
        return;
    case PS_NODE_VALUES:
        ps_buf_append_format(out, " rows=%u", node->values->row_count);
        return;
    case PS_NODE_CALC:
        print_calc(out, node);
        return;
    case PS_NODE_WATERMARK:
        print_bracketed(out, "watermark", node->watermark->watermark, fields_of(node));
        return;
    case PS_NODE_WINDOW_ASSIGN:
        print_window(out, &node->window_assign->window, fields_of(node));
        print_columns(out, "keys", node->window_assign->keys, fields_of(node));
        return;
    case PS_NODE_WINDOW_AGGREGATE:
    case PS_NODE_GROUP_AGGREGATE:
        print_aggregate(out, node);
        return;
    case PS_NODE_EXPAND:
        ps_buf_append_format(out, " sets=%u", node->expand->set_count);
        return;
    case PS_NODE_OVER:
        print_over(out, node);
        return;
    case PS_NODE_DEDUPLICATE:
        print_deduplicate(out, node);
        return;
    case PS_NODE_RANK:
    case PS_NODE_WINDOW_RANK:
        print_rank(out, node);
        return;
    case PS_NODE_JOIN:
        print_on(out, node, &node->join->on);
        return;
    case PS_NODE_INTERVAL_JOIN:
        print_interval(out, node);
        return;
    case PS_NODE_WINDOW_JOIN:
        print_on(out, node, &node->window_join->on);
        return;
    case PS_NODE_TEMPORAL_JOIN:
        print_on(out, node, &node->temporal_join->on);
        return;
    case PS_NODE_LOOKUP_JOIN:
        print_on(out, node, &node->lookup_join->on);
        return;
    case PS_NODE_SORT:
        print_sort(out, node->sort->sort_count, node->sort->sort, fields_of(node));
        return;
    case PS_NODE_NORMALIZE:
        print_columns(out, "key", node->normalize->key, fields_of(node));
        return;
    case PS_NODE_UNNEST:
        print_bracketed(out, "of", node->unnest->collection, fields_of(node));
        return;
    case PS_NODE_SET:
        ps_buf_append_format(out, " %s%s", node->set->is_intersect ? "INTERSECT" : "EXCEPT",
                             node->set->is_all ? " ALL" : "");
        return;
    case PS_NODE_SINK:
        print_sink(out, node);
        return;
    case PS_NODE_USER:
        print_user(p, node);
        return;
    case PS_NODE_UNION:
    case PS_NODE_LATE:
    case PS_NODE_DROP_UPDATE_BEFORE:
        return;
    }
    PS_ASSERT(false);
}

static const char *state_text(const ps_node *node)
{
    switch (node->kind) {
    case PS_NODE_GROUP_AGGREGATE:
    case PS_NODE_DEDUPLICATE:
    case PS_NODE_NORMALIZE:
        return "one row a key";
    case PS_NODE_SET:
        return "a count a row";
    case PS_NODE_WINDOW_AGGREGATE:
        return "one row a key and open window";
    case PS_NODE_WINDOW_RANK:
    case PS_NODE_WINDOW_JOIN:
        return "rows of open windows";
    case PS_NODE_RANK:
        return node->rank->input_updates ? "all rows" : "the first rows a key";
    case PS_NODE_OVER:
        return "rows until the watermark, and the frame";
    case PS_NODE_JOIN:
        return "all rows of both sides";
    case PS_NODE_INTERVAL_JOIN:
        return "rows within the interval";
    case PS_NODE_TEMPORAL_JOIN:
        return "versions since the watermark";
    case PS_NODE_LOOKUP_JOIN:
        return "all rows of the looked-up table";
    case PS_NODE_SORT:
        return node->sort->at_end ? "all rows" : "rows until the watermark";
    case PS_NODE_WINDOW_ASSIGN:
        return node->window_assign->window.kind == PS_WINDOW_SESSION ? "rows of open sessions"
                                                                     : NULL;
    case PS_NODE_USER:
        if (ps_explain_match_of(node) != NULL) {
            return "rows until the watermark, and partial matches";
        }
        return node->user->is_stateful ? "rows or results of open windows" : NULL;
    case PS_NODE_SOURCE:
    case PS_NODE_VALUES:
    case PS_NODE_CALC:
    case PS_NODE_WATERMARK:
    case PS_NODE_UNION:
    case PS_NODE_LATE:
    case PS_NODE_EXPAND:
    case PS_NODE_UNNEST:
    case PS_NODE_DROP_UPDATE_BEFORE:
    case PS_NODE_SINK:
        return NULL;
    }
    PS_ASSERT(false);
    return NULL;
}

static void print_node(printer *p, const ps_node *node, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++) {
        ps_buf_append_text(p->out, i + 1 == depth ? "+- " : "   ");
    }
    bool is_match = ps_explain_match_of(node) != NULL;
    ps_buf_append_format(p->out, "%s#%u", is_match ? "Match" : ps_node_kind_name(node->kind),
                         node->id);
    if (p->printed[node->id]) {
        ps_buf_append_text(p->out, " (above)\n");
        return;
    }
    p->printed[node->id] = true;
    print_details(p, node);
    ps_buf_append_format(p->out, "  {%s", changes_name(node->changes));
    if (node->changes != PS_CHANGES_APPEND) {
        print_columns(p->out, "key", node->upsert_key, node->schema.fields);
    }
    if (node->time_column != PS_NO_COLUMN && node->has_watermarks) {
        ps_buf_append_text(p->out, ", time ");
        ps_buf_append_slice(p->out, node->schema.fields[node->time_column].name);
    }
    if (state_text(node) != NULL) {
        ps_buf_append_format(p->out, ", state: %s", state_text(node));
    }
    ps_buf_append_char(p->out, '}');
    if (p->note != NULL) {
        p->note(p->note_with, node, p->out);
    }
    ps_buf_append_char(p->out, '\n');
    if (is_match && p->shows_automata) {
        ps_explain_automata(node, 3 * depth + 3, p->out);
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        print_node(p, node->inputs[i], depth + 1);
    }
}

static void print_graph(const ps_graph *graph, bool shows_automata, ps_graph_note *note,
                        const void *note_with, ps_buf *out)
{
    ps_arena arena;
    ps_arena_init(&arena, 1 << 20);
    printer p = {out,  graph,    ps_arena_take(&arena, graph->node_count + 1), shows_automata,
                 note, note_with};
    for (uint32_t i = 0; i < graph->node_count && p.printed != NULL; i++) {
        if (graph->nodes[i]->kind == PS_NODE_SINK) {
            print_node(&p, graph->nodes[i], 0);
        }
    }
    out->failed = out->failed || p.printed == NULL;
    ps_arena_release(&arena);
}

void ps_graph_print(const ps_graph *graph, ps_buf *out)
{
    print_graph(graph, true, NULL, NULL, out);
}

void ps_graph_print_run(const ps_graph *graph, ps_graph_note *note, const void *with, ps_buf *out)
{
    print_graph(graph, false, note, with, out);
}

uint64_t ps_graph_fingerprint(const ps_graph *graph)
{
    ps_buf text;
    ps_buf_init(&text, PLAN_TEXT_MAX);
    print_graph(graph, false, NULL, NULL, &text);
    uint64_t fingerprint = ps_xxh3_64(text.data, text.size);
    ps_buf_release(&text);
    return fingerprint;
}
