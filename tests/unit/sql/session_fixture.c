#include "session_fixture.h"

#include <stdio.h>
#include <stdlib.h>

const char *const fixture_tables =
    "CREATE TABLE txn (id INT, ts TIMESTAMP(3), acct STRING, card STRING, amount DECIMAL(10, 2),"
    " qty INT, proc AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
    " WITH ('connector' = 'values');"
    "CREATE TABLE rf (rid INT, rts TIMESTAMP(3), racct STRING,"
    " WATERMARK FOR rts AS rts - INTERVAL '5' SECOND) WITH ('connector' = 'values');"
    "CREATE TABLE rates (cur STRING, rts TIMESTAMP(3), r INT, PRIMARY KEY (cur) NOT ENFORCED,"
    " WATERMARK FOR rts AS rts) WITH ('connector' = 'values');"
    "CREATE TABLE a (id INT, k STRING, x INT) WITH ('connector' = 'values');"
    "CREATE TABLE b (id INT, k STRING, y BIGINT NOT NULL) WITH ('connector' = 'values');"
    "CREATE TABLE nested (id INT, r ROW<x INT, s ROW<y INT, z STRING>>)"
    " WITH ('connector' = 'values');"
    "CREATE TABLE cdc (id INT, v INT) WITH ('connector' = 'values',"
    " 'changelog-mode' = 'I,UA,UB,D');"
    "CREATE TABLE ups (id INT, v INT, PRIMARY KEY (id) NOT ENFORCED)"
    " WITH ('connector' = 'values', 'changelog-mode' = 'I,UA,D');"
    "CREATE TABLE file_sink (k STRING, n BIGINT) WITH ('connector' = 'files');"
    "CREATE TABLE key_sink (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)"
    " WITH ('connector' = 'upserts');"
    "CREATE TABLE time_sink (t1 TIMESTAMP(3), t2 TIMESTAMP(3)) WITH ('connector' = 'files');";

static bool option_is(const ps_table_info *table, const char *key, const char *value)
{
    const ps_slice *option = ps_table_option(table, key);
    return option != NULL && ps_slice_equal(*option, ps_slice_text(value));
}

static ps_code traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    (void)err;
    *out = (ps_table_traits){.can_read = true,
                             .can_write = true,
                             .is_bounded = !option_is(table, "unbounded", "true"),
                             .source_changes = PS_CHANGES_APPEND,
                             .sink_changes = PS_CHANGES_RETRACT};
    if (option_is(table, "changelog-mode", "I,UA,UB,D")) {
        out->source_changes = PS_CHANGES_RETRACT;
    } else if (option_is(table, "changelog-mode", "I,UA,D")) {
        out->source_changes = PS_CHANGES_UPSERT;
    }
    if (option_is(table, "connector", "files") || option_is(table, "connector", "filesystem")) {
        out->sink_changes = PS_CHANGES_APPEND;
    } else if (option_is(table, "connector", "upserts")) {
        out->sink_changes = PS_CHANGES_UPSERT;
    }
    return PS_OK;
}

static const ps_connector values = {.name = "values", .summary = "", .traits = traits};
static const ps_connector files = {.name = "files", .summary = "", .traits = traits};
static const ps_connector upserts = {.name = "upserts", .summary = "", .traits = traits};
static const ps_connector filesystem = {.name = "filesystem", .summary = "", .traits = traits};
static const ps_connector blackhole = {.name = "blackhole", .summary = "", .traits = traits};
static const ps_connector *const connectors[] = {&values,     &files,     &upserts,
                                                 &filesystem, &blackhole, NULL};
static const ps_connector_set connector_set = {connectors};

ps_session *fixture_session_new(const char *prelude)
{
    ps_session *session = NULL;
    ps_error err;
    ps_session_options options = {.connectors = &connector_set, .prelude = prelude};
    if (ps_session_new(&options, &session, &err) != PS_OK) {
        (void)fprintf(stderr, "session: %s\n", err.text);
        abort();
    }
    return session;
}

static char answer[1 << 16];

/* Leaves ids and the lines' rails out: indentation alone says whose input a node is. */
static void simplify_plan(ps_slice plan)
{
    size_t used = 0;
    for (size_t i = 0; i < plan.size && used + 8 < sizeof answer; i++) {
        if (i + 3 <= plan.size && memcmp(plan.data + i, "+- ", 3) == 0) {
            memcpy(answer + used, "   ", 3);
            used += 3;
            i += 2;
        } else if (plan.data[i] == '#') {
            while (i + 1 < plan.size && plan.data[i + 1] >= '0' && plan.data[i + 1] <= '9') {
                i++;
            }
        } else {
            answer[used++] = plan.data[i];
        }
    }
    answer[used] = '\0';
}

typedef void each_statement(const ps_statement *statement);

static const char *run(const char *script, each_statement *each)
{
    ps_session *session = fixture_session_new(fixture_tables);
    ps_statement statement = {.kind = PS_STATEMENT_DONE};
    ps_sql_error err;
    answer[0] = '\0';
    ps_session_open(session, "test.sql", ps_slice_text(script));
    while (statement.kind != PS_STATEMENT_END) {
        if (ps_session_next(session, &statement, &err) != PS_OK) {
            (void)snprintf(answer, sizeof answer, "%u:%u: %s", err.at.line, err.at.column,
                           err.text);
            break;
        }
        each(&statement);
    }
    ps_session_free(session);
    return answer;
}

static void take_plan(const ps_statement *statement)
{
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    if (statement->graph != NULL) {
        ps_graph_print(statement->graph, &text);
        simplify_plan(ps_buf_slice(&text));
    }
    ps_buf_release(&text);
}

const char *fixture_plan(const char *script)
{
    return run(script, take_plan);
}

static void take_columns(const ps_statement *statement)
{
    ps_buf text;
    if (statement->kind != PS_STATEMENT_QUERY) {
        return;
    }
    ps_buf_init(&text, sizeof answer);
    for (uint32_t i = 0; i < statement->schema.field_count; i++) {
        ps_buf_append_text(&text, i > 0 ? ", " : "");
        ps_buf_append_slice(&text, statement->schema.fields[i].name);
        ps_buf_append_char(&text, ' ');
        ps_type_print(statement->schema.fields[i].type, &text);
    }
    (void)snprintf(answer, sizeof answer, "%.*s", (int)text.size, text.data);
    ps_buf_release(&text);
}

const char *fixture_columns(const char *script)
{
    return run(script, take_columns);
}

static void take_rows(const ps_statement *statement)
{
    size_t used = strlen(answer);
    for (uint32_t i = 0; i < statement->row_count; i++) {
        for (uint32_t j = 0; j < statement->schema.field_count; j++) {
            ps_value value = statement->rows[i * statement->schema.field_count + j];
            used +=
                (size_t)snprintf(answer + used, sizeof answer - used, "%s%.*s", j > 0 ? " | " : "",
                                 (int)value.text.size, value.is_null ? "" : value.text.data);
        }
        used += (size_t)snprintf(answer + used, sizeof answer - used, "\n");
    }
}

const char *fixture_rows(const char *script)
{
    return run(script, take_rows);
}
