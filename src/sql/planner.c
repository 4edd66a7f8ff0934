#include "sql/planner.h"

#include "sql/lower.h"

static ps_rel *run_passes(ps_plan *plan, ps_rel *rel, bool keeps_late)
{
    rel = ps_rel_push_filters(plan, rel);
    rel = ps_rel_extract_keys(plan, rel);
    ps_rel_merge_windows(plan, rel);
    if (keeps_late) {
        ps_rel_keep_late(plan, rel);
    }
    return ps_rel_prune_all(plan, rel);
}

static bool same_columns(ps_columns a, ps_columns b)
{
    for (uint32_t i = 0; i < a.count; i++) {
        uint32_t j = 0;
        while (j < b.count && b.columns[j] != a.columns[i]) {
            j++;
        }
        if (j == b.count) {
            return false;
        }
    }
    return a.count == b.count;
}

/* Event time has one attribute per row of a sink. */
static void check_rowtime(ps_plan *plan, const ps_plan_output *output)
{
    const ps_rel_column *first = NULL;
    for (uint32_t i = 0; i < output->rel->column_count; i++) {
        const ps_rel_column *column = &output->rel->columns[i];
        if (column->time != PS_TIME_ROW) {
            continue;
        }
        if (first != NULL) {
            ps_plan_fail_hint(plan, output->at, "cast all but one of them to TIMESTAMP(3)",
                              "the query writes more than one rowtime attribute column (%.*s, "
                              "%.*s) into table '%.*s'",
                              (int)first->name.size, first->name.data, (int)column->name.size,
                              column->name.data, (int)output->table->name.size,
                              output->table->name.data);
        }
        first = column;
    }
}

static void refuse_changes(ps_plan *plan, const ps_plan_output *output, const ps_node *node,
                           const char *changes)
{
    while (node->input_count > 0 && node->inputs[0]->changes != PS_CHANGES_APPEND) {
        node = node->inputs[0];
    }
    ps_plan_fail(plan, PS_E_INVALID, output->at,
                 "table sink '%.*s' doesn't support consuming %s changes which is produced by "
                 "node %s",
                 (int)output->table->name.size, output->table->name.data, changes,
                 ps_node_kind_name(node->kind));
}

/* Rows come and go by another key than the sink's: all are kept, and one of each key of the sink is
 * out, so that a row that leaves its key is deleted there and uncovers the next one. */
static ps_node *materialized(ps_lowering *lowering, const ps_node *input, ps_columns key)
{
    ps_rank_spec *spec = PS_PLAN_NEW(lowering->plan, ps_rank_spec);
    ps_node *node = ps_lower_same(lowering, PS_NODE_RANK, input);
    *spec = (ps_rank_spec){.keys = key, .first = 1, .last = 1, .input_updates = true};
    node->rank = spec;
    node->upsert_key = key;
    node->changes = PS_CHANGES_UPSERT;
    ps_lower_deal(lowering, node, &key);
    return node;
}

static ps_node *without_update_before(ps_lowering *lowering, const ps_node *input)
{
    ps_node *node = ps_lower_same(lowering, PS_NODE_DROP_UPDATE_BEFORE, input);
    node->changes = PS_CHANGES_UPSERT;
    return node;
}

/* The rows of a table sink, in the changes that it takes. */
static const ps_node *sink_input(ps_lowering *lowering, const ps_plan_output *output,
                                 ps_table_traits traits, bool *out_takes_upserts)
{
    ps_plan *plan = lowering->plan;
    ps_columns key = output->table->info.primary_key;
    bool takes_upserts = traits.sink_changes == PS_CHANGES_UPSERT && key.count > 0;
    bool same_key = same_columns(ps_rel_upsert_key(plan, output->rel), key);
    const ps_node *node = ps_lower(lowering, output->rel, !(takes_upserts && same_key));
    *out_takes_upserts = takes_upserts;
    check_rowtime(plan, output);
    if (node->changes == PS_CHANGES_APPEND || traits.sink_changes == PS_CHANGES_RETRACT) {
        return node;
    }
    if (!takes_upserts) {
        refuse_changes(plan, output, node, "update");
    }
    if (!same_columns(node->upsert_key, key)) {
        return materialized(lowering, node, key);
    }
    return node->changes == PS_CHANGES_RETRACT ? without_update_before(lowering, node) : node;
}

static void lower_output(ps_lowering *lowering, const ps_plan_output *output)
{
    ps_plan *plan = lowering->plan;
    ps_sink_spec *spec = PS_PLAN_NEW(plan, ps_sink_spec);
    const ps_node *input;
    if (output->table == NULL) {
        input = ps_lower(lowering, output->rel, true);
    } else {
        ps_table_traits traits = ps_table_find_traits(plan, output->table, output->at);
        if (!traits.can_write) {
            ps_plan_fail(plan, PS_E_INVALID, output->at,
                         "table '%.*s' cannot be written: its connector is for reading",
                         (int)output->table->name.size, output->table->name.data);
        }
        spec->table = &output->table->info;
        spec->is_overwrite = output->is_overwrite;
        input = sink_input(lowering, output, traits, &spec->takes_upserts);
    }
    ps_node *node = ps_lower_same(lowering, PS_NODE_SINK, input);
    node->sink = spec;
    if (spec->takes_upserts) {
        ps_columns key = output->table->info.primary_key;
        ps_lower_deal(lowering, node, &key);
    }
}

/* Another output reads what is dropped as late on the way to this one. */
static bool is_late_read(uint32_t count, const ps_plan_output *outputs, const ps_table *table)
{
    for (uint32_t i = 0; table != NULL && i < count; i++) {
        if (ps_rel_reads_late(outputs[i].rel, table->name)) {
            return true;
        }
    }
    return false;
}

const ps_graph *ps_plan_graph(ps_plan *plan, uint32_t output_count, const ps_plan_output *outputs)
{
    ps_lowering lowering = {.plan = plan, .is_bounded = true};
    ps_plan_output *planned = PS_PLAN_ARRAY(plan, ps_plan_output, output_count);
    for (uint32_t i = 0; i < output_count; i++) {
        planned[i] = outputs[i];
        bool keeps_late = is_late_read(output_count, outputs, outputs[i].table);
        planned[i].rel = run_passes(plan, outputs[i].rel, keeps_late);
        ps_lower_collect(&lowering, planned[i].rel);
    }
    for (uint32_t pass = 0; pass < 2; pass++) { /* late rows: when what drops them is there */
        for (uint32_t i = 0; i < output_count; i++) {
            if (ps_rel_reads_late(planned[i].rel, (ps_slice){0}) == (pass == 1)) {
                lower_output(&lowering, &planned[i]);
            }
        }
    }
    ps_lower_reuse(&lowering);
    ps_lower_merge_matches(&lowering);
    ps_graph *graph = PS_PLAN_NEW(plan, ps_graph);
    const ps_node **nodes = PS_PLAN_ARRAY(plan, const ps_node *, lowering.nodes.count);
    for (uint32_t i = 0; i < lowering.nodes.count; i++) {
        nodes[i] = lowering.nodes.items[i];
    }
    *graph = (ps_graph){lowering.nodes.count, nodes, lowering.is_bounded};
    return graph;
}
