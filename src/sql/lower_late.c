/* `<sink>$late`: the rows that the plan of a sink drops as late, read by another INSERT of the same
 * STATEMENT SET (SEMANTICS decision d; extended dialect). Its table is made where it is named, and
 * its node listens to every operator on the way to the sink that can drop a row. */
#include "sql/lower.h"

static const ps_slice suffix = {"$late", 5};

static bool names_late(ps_slice name)
{
    return name.size > suffix.size &&
           memcmp(name.data + name.size - suffix.size, suffix.data, suffix.size) == 0;
}

const ps_table *ps_table_late(ps_plan *plan, const ps_ast_names *path)
{
    ps_slice name = ps_catalog_name(plan, path);
    ps_sql_span at = ps_ast_names_last(path)->at;
    if (!names_late(name) || ps_catalog_find(plan->catalog, path) != NULL) {
        return NULL;
    }
    if (!plan->is_extended) {
        ps_plan_fail_hint(plan, at, "SET 'paystream.dialect' = 'extended' allows it",
                          "reading the late rows of a table is not portable to Flink");
    }
    ps_slice sink = ps_slice_of(name.data, name.size - suffix.size);
    ps_table *table = PS_PLAN_NEW(plan, ps_table);
    ps_table_column *columns = PS_PLAN_ARRAY(plan, ps_table_column, PS_LATE_COLUMN_COUNT);
    table->late_of = ps_catalog_find_exact(plan->catalog, sink, true);
    if (table->late_of == NULL) {
        table->late_of = ps_catalog_find_exact(plan->catalog, sink, false);
    }
    if (table->late_of == NULL || table->late_of->is_view) {
        ps_plan_fail(plan, PS_E_MISSING, at, "there is no table '%.*s' that could have late rows",
                     (int)sink.size, sink.data);
    }
    for (uint32_t i = 0; i < PS_LATE_COLUMN_COUNT; i++) {
        columns[i] = (ps_table_column){.kind = PS_AST_COLUMN_PHYSICAL,
                                       .name = ps_late_fields[i].name,
                                       .type = ps_late_fields[i].type,
                                       .index = i};
    }
    table->name = ps_plan_print(plan, "%.*s", (int)name.size, name.data);
    table->column_count = PS_LATE_COLUMN_COUNT;
    table->columns = columns;
    table->watermark_column = PS_NO_COLUMN;
    table->info.name = table->name;
    table->info.physical = (ps_schema){PS_LATE_COLUMN_COUNT, ps_late_fields};
    return table;
}

bool ps_rel_reads_late(const ps_rel *rel, ps_slice of)
{
    if (rel->kind == PS_REL_SCAN && rel->scan.table->late_of != NULL) {
        return of.size == 0 || ps_slice_equal(rel->scan.table->late_of->name, of);
    }
    for (uint32_t i = 0; i < rel->input_count; i++) {
        if (ps_rel_reads_late(rel->inputs[i], of)) {
            return true;
        }
    }
    return false;
}

/* SEMANTICS §5.5 */
static bool can_drop(const ps_node *node)
{
    switch (node->kind) {
    case PS_NODE_WINDOW_ASSIGN:
    case PS_NODE_WINDOW_AGGREGATE:
    case PS_NODE_OVER:
    case PS_NODE_WINDOW_RANK:
    case PS_NODE_INTERVAL_JOIN:
    case PS_NODE_WINDOW_JOIN:
    case PS_NODE_TEMPORAL_JOIN:
    case PS_NODE_SORT:
    case PS_NODE_USER: /* Match */
        return true;
    case PS_NODE_SOURCE:
    case PS_NODE_VALUES:
    case PS_NODE_CALC:
    case PS_NODE_WATERMARK:
    case PS_NODE_UNION:
    case PS_NODE_GROUP_AGGREGATE:
    case PS_NODE_EXPAND:
    case PS_NODE_DEDUPLICATE:
    case PS_NODE_RANK:
    case PS_NODE_JOIN:
    case PS_NODE_LOOKUP_JOIN:
    case PS_NODE_NORMALIZE:
    case PS_NODE_UNNEST:
    case PS_NODE_SET:
    case PS_NODE_DROP_UPDATE_BEFORE:
    case PS_NODE_LATE:
    case PS_NODE_SINK:
        return false;
    }
    PS_ASSERT(false);
    return false;
}

static const ps_node *sink_of(const ps_lowering *lowering, const ps_table *table)
{
    for (uint32_t i = 0; i < lowering->nodes.count; i++) {
        const ps_node *node = lowering->nodes.items[i];
        if (node->kind == PS_NODE_SINK && node->sink->table != NULL &&
            ps_slice_equal(node->sink->table->name, table->name)) {
            return node;
        }
    }
    return NULL;
}

ps_node *ps_lower_late(ps_lowering *lowering, const ps_scan *scan)
{
    ps_plan *plan = lowering->plan;
    const ps_table *table = scan->table->late_of;
    const ps_node *sink = sink_of(lowering, table);
    if (sink == NULL) {
        ps_plan_fail_hint(
            plan, scan->at, "put both INSERTs into one EXECUTE STATEMENT SET",
            "the late rows of '%.*s' can be read only beside the INSERT that fills it",
            (int)table->name.size, table->name.data);
    }
    uint32_t count = 0;
    bool *is_behind = PS_PLAN_ARRAY(plan, bool, lowering->nodes.count);
    const ps_node **inputs = PS_PLAN_ARRAY(plan, const ps_node *, lowering->nodes.count);
    is_behind[sink->id] = true;
    for (uint32_t i = sink->id + 1; i-- > 0;) { /* inputs come before users */
        const ps_node *node = lowering->nodes.items[i];
        for (uint32_t k = 0; is_behind[i] && k < node->input_count; k++) {
            is_behind[node->inputs[k]->id] = true;
        }
    }
    for (uint32_t i = 0; i < sink->id; i++) {
        const ps_node *node = lowering->nodes.items[i];
        if (is_behind[i] && can_drop(node)) {
            inputs[count++] = node;
        }
    }
    if (count == 0) {
        ps_plan_fail(plan, PS_E_INVALID, scan->at,
                     "nothing on the way to '%.*s' drops late rows: there are no windows, OVER, "
                     "sort or joins by time",
                     (int)table->name.size, table->name.data);
    }
    return ps_lower_add(lowering, PS_NODE_LATE, PS_LATE_COLUMN_COUNT, ps_late_fields, count,
                        inputs);
}
