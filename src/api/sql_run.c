/* ps_sql_run: a session, statement by statement, as `paystream run` does it. */
#include <stdio.h>
#include <stdlib.h>

#include "api/failure.h"
#include "api/row_handle.h"
#include "api/session_job.h"
#include "connect/connectors.h"
#include "paystream/sql.h"

enum { MESSAGE_SIZE_MAX = 1 << 20, SHAPE_SIZE_MAX = 16 << 20 };

typedef struct {
    const ps_sql_options *options;
    ps_sql_row_function *on_row;
    void *user;
    ps_session *session;
    ps_stream_job *job; /* the one that runs */
    ps_arena arena;     /* the shape of the statement under way */
    const ps_shape *shape;
    bool is_enough;
    uint32_t job_count;
} sql_run;

/* ── rows ── */

static ps_code take_shape(sql_run *run, const ps_schema *schema, ps_error *err)
{
    ps_arena_reset(&run->arena);
    ps_shape *shape = ps_shape_new(&run->arena, schema->field_count, 0);
    for (uint32_t i = 0; shape != NULL && i < schema->field_count; i++) {
        ps_slice name = schema->fields[i].name;
        const char *copy = ps_arena_copy(&run->arena, name.data, name.size);
        if (copy == NULL) {
            shape = NULL;
            break;
        }
        shape->fields[i] = (ps_field){{copy, name.size}, schema->fields[i].type};
    }
    if (shape == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a result's columns");
    }
    ps_shape_finish(shape);
    run->shape = shape;
    return PS_OK;
}

static ps_code give_rows(void *with, const ps_batch *batch, ps_error *err)
{
    (void)err;
    sql_run *run = with;
    ps_row row = {.batch = batch, .shape = run->shape};
    for (; row.at < batch->row_count && !run->is_enough; row.at++) {
        run->is_enough = run->on_row != NULL && !run->on_row(run->user, &row);
    }
    if (run->is_enough && run->job != NULL) {
        ps_stream_job_cancel(run->job);
    }
    return PS_OK;
}

/* SHOW, DESCRIBE, EXPLAIN. */
static ps_code give_values(sql_run *run, const ps_statement *statement, ps_error *err)
{
    uint32_t count = statement->schema.field_count;
    ps_code code = take_shape(run, &statement->schema, err);
    const ps_type **types =
        code == PS_OK ? ps_arena_take(&run->arena, count * sizeof *types) : NULL;
    if (types == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a result's columns");
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = statement->schema.fields[i].type;
    }
    ps_batch_builder builder;
    code = ps_batch_builder_init(&builder, count, types, 1, err);
    if (code != PS_OK) {
        return code;
    }
    for (uint32_t row = 0; code == PS_OK && row < statement->row_count && !run->is_enough; row++) {
        ps_batch_builder_reset(&builder);
        ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, PS_WATERMARK_NONE, row);
        for (uint32_t i = 0; code == PS_OK && i < count; i++) {
            ps_value value = statement->rows[(size_t)row * count + i];
            code = ps_batch_builder_set(&builder, i, value, err);
        }
        ps_batch_builder_end_row(&builder);
        code = code == PS_OK ? give_rows(run, &builder.batch, err) : code;
    }
    ps_batch_builder_release(&builder);
    return code;
}

/* ── jobs ── */

static ps_code run_graph(sql_run *run, const ps_statement *statement, ps_error *err)
{
    char state_dir[PS_PATH_MAX];
    const ps_connector_context surroundings = {
        .io = ps_io_posix(),
        .data_dir = run->options->data_dir,
        .expressions = ps_session_expressions(run->session),
        .lane_count = 1,
    };
    ps_stream_job_options options = {
        .connectors = &ps_connectors,
        .surroundings = &surroundings,
        .on_rows = give_rows,
        .on_rows_with = run,
    };
    ps_code code = ps_session_job_options(run->session, statement->graph, &options, err);
    if (code == PS_OK && statement->kind == PS_STATEMENT_QUERY) {
        code = take_shape(run, &statement->schema, err);
    }
    run->job_count++;
    if (code == PS_OK && run->options->state_dir != NULL) {
        ps_error ignored;
        (void)!ps_io_make_dir(ps_io_posix(), run->options->state_dir, &ignored);
        snprintf(state_dir, sizeof state_dir, "%s/statement-%u", run->options->state_dir,
                 run->job_count);
        options.state_dir = state_dir;
    }
    code = code == PS_OK ? ps_stream_job_new(&options, &run->job, err) : code;
    if (code == PS_OK) {
        code = ps_stream_job_run(run->job, err);
        ps_stream_job_free(run->job);
    }
    run->job = NULL;
    return code;
}

/* ── statements ── */

static void tell_sql_error(const sql_run *run, const ps_sql_error *error, ps_slice text,
                           ps_failure *failure)
{
    if (failure == NULL) {
        return;
    }
    ps_buf message;
    ps_buf_init(&message, MESSAGE_SIZE_MAX);
    const char *file_name = run->options->file_name != NULL ? run->options->file_name : "script";
    ps_sql_error_format(error, "error", file_name, text, &message);
    *failure = (ps_failure){.kind = ps_failure_kind_of(error->code), .line = error->at.line};
    snprintf(failure->text, sizeof failure->text, "%.*s", (int)message.size, message.data);
    ps_buf_release(&message);
}

static bool run_statements(sql_run *run, ps_slice text, ps_failure *failure)
{
    while (!run->is_enough) {
        ps_statement statement;
        ps_sql_error sql_error = {0};
        if (ps_session_next(run->session, &statement, &sql_error) != PS_OK) {
            tell_sql_error(run, &sql_error, text, failure);
            return false;
        }
        ps_error err = {0};
        ps_code code = PS_OK;
        switch (statement.kind) {
        case PS_STATEMENT_END:
            return true;
        case PS_STATEMENT_DONE:
            break;
        case PS_STATEMENT_ROWS:
            code = give_values(run, &statement, &err);
            break;
        case PS_STATEMENT_QUERY:
        case PS_STATEMENT_INSERT:
            code = run_graph(run, &statement, &err);
            break;
        }
        if (code != PS_OK) {
            ps_failure_fill(failure, &err);
            if (failure != NULL) {
                failure->line = statement.line;
            }
            return false;
        }
    }
    return true;
}

bool ps_sql_run(const char *text, const ps_sql_options *options, ps_sql_row_function *on_row,
                void *user, ps_failure *failure)
{
    static const ps_sql_options none = {0};
    sql_run run = {.options = options != NULL ? options : &none, .on_row = on_row, .user = user};
    const ps_session_options session = {
        .connectors = &ps_connectors,
        .prelude = run.options->data_dir != NULL ? ps_journal_tables_ddl : NULL,
        .is_extended = run.options->is_extended,
    };
    ps_error err;
    ps_code code = ps_session_new(&session, &run.session, &err);
    const ps_setting *setting = run.options->settings;
    for (; code == PS_OK && setting != NULL && setting->key != NULL; setting++) {
        code = ps_session_set(run.session, setting->key, ps_slice_text(setting->value), &err);
    }
    ps_arena_init(&run.arena, SHAPE_SIZE_MAX);
    bool is_done = false;
    if (code == PS_OK) {
        ps_slice script = ps_slice_text(text);
        const char *file_name = run.options->file_name != NULL ? run.options->file_name : "script";
        ps_session_open(run.session, file_name, script);
        is_done = run_statements(&run, script, failure);
    } else {
        ps_failure_fill(failure, &err);
    }
    ps_session_free(run.session);
    ps_arena_release(&run.arena);
    return is_done;
}
