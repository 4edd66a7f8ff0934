/* Scripts: whatever the text, every statement is planned or refused with a sentence, and a plan has
 * its inputs before their users and columns that its expressions read. */
#include <stdlib.h>

#include "cep/match_spec.h"
#include "sql/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char tables[] =
    "CREATE TABLE t (id INT, ts TIMESTAMP(3), k STRING, x BIGINT, d DECIMAL(10, 2),"
    " r ROW<a INT, b STRING>, arr ARRAY<INT>, m MAP<STRING, INT>, p AS PROCTIME(),"
    " WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'any');"
    "CREATE TABLE u (id INT, ts TIMESTAMP(3), k STRING, x INT, PRIMARY KEY (k) NOT ENFORCED,"
    " WATERMARK FOR ts AS ts) WITH ('connector' = 'any', 'changes' = 'true');"
    "CREATE VIEW v AS SELECT window_start, window_end, window_time, k, COUNT(*) AS n FROM"
    " TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
    " GROUP BY window_start, window_end, window_time, k;";

static ps_code traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    (void)err;
    *out = (ps_table_traits){.can_read = true, .can_write = true, .is_bounded = true};
    if (ps_table_option(table, "changes") != NULL && table->primary_key.count > 0) {
        out->source_changes = PS_CHANGES_UPSERT;
        out->sink_changes = PS_CHANGES_UPSERT;
    }
    return PS_OK;
}

static const ps_connector any = {.name = "any", .summary = "", .traits = traits};
static const ps_connector *const connectors[] = {&any, NULL};
static const ps_connector_set set = {connectors};

static void check_calc(const ps_node *node)
{
    for (uint32_t i = 0; i < node->calc->output_count; i++) {
        PS_ASSERT(ps_type_equal(node->calc->outputs[i]->type, node->schema.fields[i].type));
    }
}

static void check_slots(uint32_t count, const ps_cep_slot *slots, uint32_t columns)
{
    for (uint32_t i = 0; i < count; i++) {
        PS_ASSERT(slots[i].kind == PS_CEP_AGGREGATE || slots[i].column < columns);
        for (uint32_t j = 0; j < slots[i].call.argument_count; j++) {
            PS_ASSERT(slots[i].call.arguments[j] < columns);
        }
    }
}

static void check_match(const ps_node *node)
{
    const ps_match_spec *spec = (const ps_match_spec *)node->user;
    uint32_t columns = node->inputs[0]->schema.field_count;
    PS_ASSERT(spec->is_processing_time || spec->time_column < columns);
    for (uint32_t i = 0; i < spec->keys.count; i++) {
        PS_ASSERT(spec->keys.columns[i] < columns);
    }
    for (uint32_t i = 0; i < spec->query_count; i++) {
        const ps_cep_query *query = &spec->queries[i];
        check_slots(query->measures.slot_count, query->measures.slots, columns);
        for (uint32_t j = 0; j < query->pattern->stage_count; j++) {
            const ps_cep_condition *where = query->pattern->stages[j]->where;
            if (where != NULL) {
                check_slots(where->slot_count, where->slots, columns);
            }
        }
    }
}

static void check_graph(const ps_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const ps_node *node = graph->nodes[i];
        PS_ASSERT(node->id == i);
        for (uint32_t j = 0; j < node->input_count; j++) {
            PS_ASSERT(node->inputs[j]->id < i);
        }
        if (node->kind == PS_NODE_CALC) {
            check_calc(node);
        }
        if (node->kind == PS_NODE_USER) {
            check_match(node);
        }
        PS_ASSERT(node->time_column == PS_NO_COLUMN ||
                  node->time_column < node->schema.field_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ps_session_options options = {.connectors = &set, .prelude = tables};
    ps_session *session = NULL;
    ps_statement statement = {.kind = PS_STATEMENT_DONE};
    ps_sql_error err;
    ps_error error;
    ps_buf text;
    if (size > 1 << 14) {
        return 0;
    }
    if (ps_session_new(&options, &session, &error) != PS_OK) {
        abort(); /* the tables are right */
    }
    ps_buf_init(&text, 1 << 24);
    ps_session_open(session, "fuzz.sql", ps_slice_of(data, size));
    for (uint32_t count = 0; count < 100 && statement.kind != PS_STATEMENT_END; count++) {
        ps_code code = ps_session_next(session, &statement, &err);
        PS_ASSERT(code == PS_OK || err.text[0] != '\0');
        if (code == PS_E_INVALID && !ps_utf8_is_valid(ps_slice_of(data, size))) {
            break; /* the script as a whole is refused */
        }
        if (code == PS_OK && statement.graph != NULL) {
            check_graph(statement.graph);
            ps_buf_clear(&text);
            ps_graph_print(statement.graph, &text);
        }
    }
    ps_buf_release(&text);
    ps_session_free(session);
    return 0;
}
