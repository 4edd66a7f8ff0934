#include "sql/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "data/datetime.h"
#include "sql/session_internal.h"

enum { SESSION_MEMORY_MAX = 1 << 30 };

/* ── lint ── */

void ps_session_note(void *with, ps_sql_span at, const char *rule, const char *message)
{
    ps_session *session = with;
    if (session->findings == NULL) {
        session->findings =
            ps_arena_take(&session->arena, PS_SESSION_FINDINGS_MAX * sizeof *session->findings);
    }
    if (session->findings == NULL || session->finding_count == PS_SESSION_FINDINGS_MAX) {
        return; /* a thousand warnings say enough */
    }
    ps_lint_finding *finding = &session->findings[session->finding_count++];
    *finding =
        (ps_lint_finding){.line = at.line, .column = at.column, .level = "warning", .rule = rule};
    (void)snprintf(finding->message, sizeof finding->message, "%s", message);
}

static void note_reserved(ps_session *session)
{
    uint32_t count = ps_parser_reserved_count(session->parser);
    for (; session->reserved_noted < count; session->reserved_noted++) {
        ps_sql_span at = ps_parser_reserved_at(session->parser, session->reserved_noted);
        char message[120];
        (void)snprintf(message, sizeof message, "'%.*s' is a reserved word: write it in backticks",
                       (int)(at.end - at.offset), session->text.data + at.offset);
        ps_session_note(session, at, "reserved-word", message);
    }
}

uint32_t ps_session_finding_count(const ps_session *session)
{
    return session->finding_count;
}

const ps_lint_finding *ps_session_finding_at(const ps_session *session, uint32_t index)
{
    PS_ASSERT(index < session->finding_count);
    return &session->findings[index];
}

/* ── settings ── */

static ps_code apply_setting(ps_session *session, ps_slice key, ps_slice value, ps_error *err)
{
    if (ps_slice_equal(key, PS_SLICE("table.local-time-zone"))) {
        const ps_zone *zone = NULL;
        ps_code code = ps_zone_find(&session->arena, value, &zone, err);
        if (code == PS_OK) {
            session->expressions.zone = zone;
        }
        return code;
    }
    if (ps_slice_equal(key, PS_SLICE("paystream.dialect"))) {
        session->is_extended = value.size == 8 && strncasecmp(value.data, "extended", 8) == 0;
    } else if (ps_slice_equal(key, PS_SLICE("paystream.compat.overflow"))) {
        session->expressions.overflow_is_null =
            value.size == 5 && strncasecmp(value.data, "flink", 5) == 0;
    } else if (ps_slice_equal(key, PS_SLICE("execution.runtime-mode")) && value.size == 5 &&
               strncasecmp(value.data, "batch", 5) == 0) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "execution.runtime-mode = batch is not supported yet");
    }
    return PS_OK;
}

ps_code ps_session_set(ps_session *session, const char *key, ps_slice value, ps_error *err)
{
    ps_code code = apply_setting(session, ps_slice_text(key), value, err);
    return code == PS_OK ? ps_settings_set(&session->settings, ps_slice_text(key), value, err)
                         : code;
}

const char *ps_session_setting(const ps_session *session, const char *key)
{
    return ps_settings_get(&session->settings, key);
}

static void reset_settings(ps_session *session, ps_slice key)
{
    ps_error err;
    ps_settings_reset(&session->settings, key);
    for (uint32_t i = 0; i < ps_setting_count(); i++) {
        const ps_setting_entry *entry = ps_setting_entry_at(i);
        if (key.size == 0 || ps_slice_equal(ps_slice_text(entry->key), key)) {
            /* defaults are valid */
            (void)!apply_setting(session, ps_slice_text(entry->key),
                                 ps_slice_text(entry->default_value), &err);
        }
    }
}

const ps_expr_context *ps_session_expressions(const ps_session *session)
{
    return &session->expressions;
}

/* ── life ── */

static ps_code run_prelude(ps_session *session, const char *prelude, ps_error *err)
{
    ps_statement statement = {.kind = PS_STATEMENT_DONE};
    ps_sql_error sql_error;
    ps_session_open(session, "prelude", ps_slice_text(prelude));
    while (statement.kind != PS_STATEMENT_END) {
        ps_code code = ps_session_next(session, &statement, &sql_error);
        if (code != PS_OK) {
            return ps_error_set(err, code, "prelude, line %u: %s", sql_error.at.line,
                                sql_error.text);
        }
    }
    return PS_OK;
}

ps_code ps_session_new(const ps_session_options *options, ps_session **out, ps_error *err)
{
    ps_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a session");
    }
    ps_arena_init(&session->arena, SESSION_MEMORY_MAX);
    ps_settings_init(&session->settings, &session->arena);
    session->expressions = (ps_expr_context){.arena = &session->arena};
    session->connectors = options->connectors;
    session->is_extended = true; /* the prelude is ours */
    if (options->prelude != NULL) {
        ps_code code = run_prelude(session, options->prelude, err);
        if (code != PS_OK) {
            ps_session_free(session);
            return code;
        }
    }
    session->is_extended = options->is_extended;
    session->finding_count = 0;
    *out = session;
    return PS_OK;
}

void ps_session_free(ps_session *session)
{
    if (session != NULL) {
        ps_session_close_libraries(session);
        ps_arena_release(&session->arena);
        free(session);
    }
}

void ps_session_open(ps_session *session, const char *file_name, ps_slice text)
{
    session->file_name = file_name;
    session->text = text;
    session->parser = NULL;
    session->reserved_noted = 0;
}

/* ── statements ── */

static const ps_graph *plan_query(ps_binder *binder, const ps_ast_statement *statement)
{
    ps_plan *plan = binder->plan;
    ps_plan_output output = {0};
    switch (statement->kind) {
    case PS_AST_STATEMENT_QUERY:
        output.rel = ps_bind_query(binder, statement->query, NULL);
        output.at = statement->query->at;
        return ps_plan_graph(plan, 1, &output);
    case PS_AST_STATEMENT_INSERT:
        output = ps_dml_insert(binder, statement->insert, statement->at);
        return ps_plan_graph(plan, 1, &output);
    case PS_AST_STATEMENT_SET: {
        uint32_t count = statement->statement_set.count;
        ps_plan_output *outputs = PS_PLAN_ARRAY(plan, ps_plan_output, count);
        for (uint32_t i = 0; i < count; i++) {
            const ps_ast_statement *item = statement->statement_set.items[i];
            outputs[i] = ps_dml_insert(binder, item->insert, item->at);
        }
        return ps_plan_graph(plan, count, outputs);
    }
    case PS_AST_STATEMENT_CREATE_TABLE:
    case PS_AST_STATEMENT_CREATE_VIEW:
    case PS_AST_STATEMENT_CREATE_FUNCTION:
    case PS_AST_STATEMENT_DROP:
    case PS_AST_STATEMENT_ASSIGN:
    case PS_AST_STATEMENT_RESET:
    case PS_AST_STATEMENT_EXPLAIN:
    case PS_AST_STATEMENT_SHOW:
    case PS_AST_STATEMENT_DESCRIBE:
        break;
    }
    ps_plan_fail(plan, PS_E_INVALID, statement->at,
                 "only a query, an INSERT or a STATEMENT SET has a plan");
}

static void run_query(ps_binder *binder, const ps_ast_statement *statement, ps_statement *out)
{
    out->graph = plan_query(binder, statement);
    out->kind =
        statement->kind == PS_AST_STATEMENT_QUERY ? PS_STATEMENT_QUERY : PS_STATEMENT_INSERT;
    if (out->kind == PS_STATEMENT_QUERY) {
        const ps_node *sink = out->graph->nodes[out->graph->node_count - 1];
        out->schema = sink->schema;
        out->time_column = sink->time_column;
    }
}

static void run_explain(ps_binder *binder, const ps_ast_explain *explain, ps_statement *out)
{
    static const char *const names[] = {"plan"};
    ps_plan *plan = binder->plan;
    const ps_graph *graph = plan_query(binder, explain->statement);
    ps_buf text;
    ps_buf_init(&text, 1 << 24);
    ps_graph_print(graph, &text);
    /* no jump may pass while the buffer is held */
    char *copy = text.failed ? NULL : ps_arena_copy(plan->arena, text.data, text.size);
    size_t size = text.size;
    ps_buf_release(&text);
    if (copy == NULL) {
        ps_plan_fail(plan, PS_E_LIMIT, (ps_sql_span){0}, "the plan is too big to print");
    }
    uint32_t count = 0, line = 0;
    for (size_t i = 0; i < size; i++) {
        count += copy[i] == '\n' ? 1 : 0;
    }
    ps_slice *lines = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (size_t i = 0, begin = 0; i < size; i++) {
        if (copy[i] == '\n') {
            lines[line++] = ps_slice_of(copy + begin, i - begin);
            begin = i + 1;
        }
    }
    ps_session_rows(plan, out, 1, names, count, lines);
}

static void run_set(ps_session *session, ps_plan *plan, const ps_ast_option *option,
                    ps_statement *out)
{
    ps_error err;
    if (option->key.size == 0) {
        ps_session_list_settings(session, plan, out);
        return;
    }
    ps_slice key = ps_plan_print(plan, "%.*s", (int)option->key.size, option->key.data);
    ps_plan_check(plan, ps_session_set(session, key.data, option->value, &err), &err, option->at);
    if (strcmp(key.data, "paystream.compat.overflow") == 0 &&
        session->expressions.overflow_is_null) {
        ps_session_note(session, option->at, "compat-overflow",
                        "amounts that are too big become NULL, as in Flink");
    }
    if (strcmp(key.data, "paystream.dialect") == 0 && session->is_extended) {
        ps_session_note(session, option->at, "extended-dialect",
                        "the extended dialect is not portable to Flink");
    }
}

static void run_statement(ps_session *session, ps_binder *binder, const ps_ast_statement *statement,
                          ps_statement *out)
{
    ps_plan *plan = binder->plan;
    out->kind = PS_STATEMENT_DONE;
    switch (statement->kind) {
    case PS_AST_STATEMENT_QUERY:
    case PS_AST_STATEMENT_INSERT:
    case PS_AST_STATEMENT_SET:
        run_query(binder, statement, out);
        return;
    case PS_AST_STATEMENT_CREATE_TABLE:
        ps_ddl_create_table(binder, &session->catalog, statement->create_table);
        return;
    case PS_AST_STATEMENT_CREATE_VIEW: {
        ps_sql_span at = statement->create_view->query_at;
        ps_ddl_create_view(binder, &session->catalog, statement->create_view,
                           ps_slice_of(session->text.data + at.offset, at.end - at.offset));
        return;
    }
    case PS_AST_STATEMENT_CREATE_FUNCTION:
        ps_session_create_function(session, plan, statement->create_function);
        return;
    case PS_AST_STATEMENT_DROP:
        if (statement->drop->object == PS_AST_OBJECT_FUNCTION) {
            ps_session_drop_function(plan, statement->drop);
        } else {
            ps_ddl_drop(plan, &session->catalog, statement->drop);
        }
        return;
    case PS_AST_STATEMENT_ASSIGN:
        run_set(session, plan, &statement->option, out);
        return;
    case PS_AST_STATEMENT_RESET:
        reset_settings(session, statement->option.key);
        return;
    case PS_AST_STATEMENT_EXPLAIN:
        run_explain(binder, statement->explain, out);
        return;
    case PS_AST_STATEMENT_SHOW:
        ps_session_show(session, plan, statement, out);
        return;
    case PS_AST_STATEMENT_DESCRIBE:
        ps_session_describe(plan, &statement->path, out);
        return;
    }
    PS_ASSERT(false);
}

/* The one place that a failure in binding or planning comes back to (plan.h). */
static ps_code handle(ps_session *session, const ps_ast_statement *statement, ps_statement *out,
                      ps_sql_error *sql_error)
{
    jmp_buf failed;
    ps_plan plan = {.arena = &session->arena,
                    .expressions = &session->expressions,
                    .catalog = &session->catalog,
                    .connectors = session->connectors,
                    .settings = &session->settings,
                    .is_extended = session->is_extended,
                    .error = sql_error,
                    .failed = &failed};
    ps_binder binder = {.plan = &plan, .note = ps_session_note, .note_with = session};
    if (setjmp(failed) != 0) {
        return sql_error->code;
    }
    run_statement(session, &binder, statement, out);
    return PS_OK;
}

ps_code ps_session_next(ps_session *session, ps_statement *out, ps_sql_error *sql_error)
{
    ps_ast_statement *statement = NULL;
    ps_statement result = {.kind = PS_STATEMENT_END, .time_column = PS_NO_COLUMN};
    ps_code code = PS_OK;
    *sql_error = (ps_sql_error){0};
    if (session->parser == NULL) {
        code = ps_parser_new(session->text, &session->arena, &session->parser, sql_error);
    }
    if (code == PS_OK) {
        code = ps_parser_next(session->parser, &statement, sql_error);
    }
    if (session->parser != NULL) {
        note_reserved(session);
    }
    if (code != PS_OK) {
        return code;
    }
    if (statement != NULL) {
        result.text = ps_slice_of(session->text.data + statement->at.offset,
                                  statement->at.end - statement->at.offset);
        result.line = statement->at.line;
        code = handle(session, statement, &result, sql_error);
    }
    if (code == PS_OK) {
        *out = result;
    } else if (sql_error->at.line == 0 && statement != NULL) {
        sql_error->at = statement->at;
    }
    return code;
}
