#include "cli/script.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/session_job.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "connect/connectors.h"

enum { SCRIPT_SIZE_MAX = 64 << 20, MESSAGE_SIZE_MAX = 1 << 20, PLAN_SIZE_MAX = 64 << 20 };

/* ── signals ── */

static _Atomic(ps_stream_job *) running;
static volatile sig_atomic_t was_stopped;

static void on_stop(int signal_number)
{
    (void)signal_number;
    ps_stream_job *job = running;
    was_stopped = 1;
    if (job != NULL) {
        ps_stream_job_stop(job);
    }
}

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    ps_stream_job *job = running;
    if (job != NULL) {
        ps_stream_job_cancel(job);
    }
}

void ps_script_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void ps_script_cancel_on_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
}

/* ── the session of a command ── */

bool ps_script_setting_add(void *target, const char *text, ps_error *err)
{
    ps_script_settings *list = target;
    if (list->count == PS_SCRIPT_SETTINGS_MAX || strchr(text, '=') == NULL) {
        ps_error_set(err, PS_E_INVALID, "-D takes key=value, at most %d times",
                     PS_SCRIPT_SETTINGS_MAX);
        return false;
    }
    list->texts[list->count++] = text;
    return true;
}

ps_session *ps_script_session_open(const char *command, const char *data_dir,
                                   const ps_script_settings *settings, int64_t parallelism)
{
    ps_error err = {0};
    ps_session *session = NULL;
    ps_session_options options = {.connectors = &ps_connectors,
                                  .prelude = data_dir != NULL ? ps_journal_tables_ddl : NULL};
    ps_code code = ps_session_new(&options, &session, &err);
    for (uint32_t i = 0; code == PS_OK && i < settings->count; i++) {
        const char *equals = strchr(settings->texts[i], '=');
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)(equals - settings->texts[i]), settings->texts[i]);
        code = ps_session_set(session, key, ps_slice_text(equals + 1), &err);
    }
    if (code == PS_OK && parallelism > 0) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)parallelism);
        code = ps_session_set(session, "parallelism.default", ps_slice_text(text), &err);
    }
    if (code != PS_OK) {
        fprintf(stderr, "paystream %s: %s\n", command, err.text);
        ps_session_free(session);
        return NULL;
    }
    return session;
}

/* ── one job ── */

/* More lanes were asked for than the plan can use. */
static void tell_single_lane(const ps_stream_job_options *options, const ps_stream_job *job)
{
    const ps_node *obstacle = ps_stream_job_obstacle(job);
    if (options->parallelism > 1 && obstacle != NULL) {
        fprintf(stderr, "one lane: %s(%u) needs the rows of all lanes together\n",
                ps_node_kind_name(obstacle->kind), obstacle->id);
    }
}

/* " [in 1000, out 10, late 2, 4096 bytes, 1.250 ms]" behind a node of the plan. */
static void note_counters(const void *with, const ps_node *node, ps_buf *out)
{
    ps_node_counters counters;
    ps_stream_job_node_counters(with, node->id, &counters);
    ps_buf_append_text(out, " [");
    if (node->input_count > 0) {
        ps_buf_append_format(out, "in %llu, ", (unsigned long long)counters.rows_in);
    }
    if (node->kind != PS_NODE_SINK) {
        ps_buf_append_format(out, "out %llu, ", (unsigned long long)counters.rows_out);
    }
    if (counters.rows_late > 0) {
        ps_buf_append_format(out, "late %llu, ", (unsigned long long)counters.rows_late);
    }
    if (counters.state_size > 0) {
        ps_buf_append_format(out, "%llu bytes, ", (unsigned long long)counters.state_size);
    }
    ps_buf_append_format(out, "%.3f ms]", (double)counters.time_ns / 1e6);
}

static void tell_operators(const ps_graph *graph, const ps_stream_job *job)
{
    ps_buf text;
    ps_buf_init(&text, SCRIPT_SIZE_MAX);
    ps_graph_print_run(graph, note_counters, job, &text);
    fprintf(stderr, "%.*s", (int)text.size, text.size > 0 ? text.data : "");
    ps_buf_release(&text);
}

static ps_code run_job(const ps_stream_job_options *options, bool quiet, ps_error *err)
{
    ps_stream_job *job;
    ps_code code = ps_stream_job_new(options, &job, err);
    if (code != PS_OK) {
        return code;
    }
    if (!quiet) {
        tell_single_lane(options, job);
    }
    ps_progress progress;
    ps_progress_start(&progress, job, quiet);
    running = job;
    code = was_stopped ? PS_OK : ps_stream_job_run(job, err);
    running = NULL;
    ps_progress_end(&progress);
    const ps_stream_job_counters *counters = ps_stream_job_counters_of(job);
    if (code == PS_OK && counters->rows_late > 0) {
        fprintf(stderr, "%llu late rows were dropped\n", (unsigned long long)counters->rows_late);
    }
    if (code == PS_OK && counters->rows_bad > 0) {
        fprintf(stderr, "%llu rows were put aside: they could not be read, or not be believed\n",
                (unsigned long long)counters->rows_bad);
    }
    if (code == PS_OK && counters->runs_lost > 0) {
        fprintf(stderr,
                "%llu partial matches were dropped: a key had more than "
                "paystream.match.runs-per-key\n",
                (unsigned long long)counters->runs_lost);
    }
    if (code == PS_OK && options->times_operators) {
        tell_operators(options->graph, job);
    }
    ps_stream_job_free(job);
    return code;
}

/* The file of a table's dead letters, its directory made; a name from a script stays in it. */
static void dead_letter_path(const ps_dead_letters *letters, ps_slice table, char out[PS_PATH_MAX])
{
    if (letters->path != NULL && letters->path[0] != 0) {
        snprintf(out, PS_PATH_MAX, "%s", letters->path);
        return;
    }
    char name[128];
    size_t size = table.size < sizeof name ? table.size : sizeof name - 1;
    for (size_t i = 0; i < size; i++) {
        char c = table.data[i];
        name[i] = isalnum((unsigned char)c) || c == '_' || c == '-' ? c : '_';
    }
    name[size] = 0;
    ps_error ignored;
    snprintf(out, PS_PATH_MAX, "%s/dead", letters->dir);
    (void)!ps_io_make_dir(ps_io_posix(), out, &ignored);
    snprintf(out, PS_PATH_MAX, "%s/dead/%s.jsonl", letters->dir, name);
}

static ps_code take_dead_letter(ps_dead_letter *letter, ps_slice table, const char *source,
                                uint64_t position, const char *reason, ps_slice raw, ps_error *err)
{
    const ps_dead_letters *self = (ps_dead_letters *)letter;
    if (self->dir == NULL && (self->path == NULL || self->path[0] == 0)) {
        return PS_OK;
    }
    char path[PS_PATH_MAX];
    dead_letter_path(self, table, path);
    FILE *file = fopen(path, "ae");
    if (file == NULL) {
        return ps_error_set_os(err, errno, "cannot write the dead letters of %s", path);
    }
    const ps_value values[] = {
        {.i64 = ps_io_now_wall_ns(ps_io_posix()) / 1000000},
        {.text = ps_slice_text(source)},
        {.i64 = (int64_t)position},
        {.text = ps_slice_text(reason)},
        {.text = raw},
    };
    const ps_type *const types[] = {&ps_type_timestamp_ltz3, &ps_type_string, &ps_type_bigint,
                                    &ps_type_string, &ps_type_string};
    static const char *const names[] = {"time", "source", "position", "reason", "raw"};
    ps_buf line;
    ps_buf_init(&line, SCRIPT_SIZE_MAX * 2);
    for (uint32_t i = 0; i < 5; i++) {
        ps_buf_append_format(&line, "%s\"%s\":", i > 0 ? "," : "{", names[i]);
        ps_value_print(types[i], &values[i], PS_FORM_JSON, &line);
    }
    ps_buf_append_text(&line, "}\n");
    bool is_good = !line.failed && fwrite(line.data, 1, line.size, file) == line.size;
    is_good = fclose(file) == 0 && is_good;
    ps_buf_release(&line);
    return is_good ? PS_OK
                   : ps_error_set(err, PS_E_IO, "cannot write the dead letters of %s", path);
}

void ps_dead_letters_init(ps_dead_letters *letters, const char *dir)
{
    *letters = (ps_dead_letters){.base = {.take = take_dead_letter}, .dir = dir};
}

static bool has_changes(const ps_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const ps_node *node = graph->nodes[i];
        if (node->kind == PS_NODE_SINK && node->sink->table == NULL) {
            return node->inputs[0]->changes != PS_CHANGES_APPEND;
        }
    }
    return false;
}

static ps_code run_statement(ps_session *session, const ps_script_options *options,
                             const ps_statement *statement, uint32_t number, ps_error *err)
{
    char state_dir[PS_PATH_MAX];
    ps_dead_letters letters;
    ps_dead_letters_init(&letters,
                         options->data_dir != NULL ? options->data_dir : options->state_dir);
    letters.path = ps_session_setting(session, "paystream.dead-letter.path");
    ps_connector_context surroundings = {
        .io = ps_io_posix(),
        .data_dir = options->data_dir,
        .dead_letter = &letters.base,
        .expressions = ps_session_expressions(session),
        .lane_count = 1,
    };
    ps_stream_job_options job = {
        .connectors = &ps_connectors,
        .surroundings = &surroundings,
        .times_operators = options->tells_operators,
    };
    ps_code code = ps_session_job_options(session, statement->graph, &job, err);
    if (code != PS_OK) {
        return code;
    }
    if (options->state_dir != NULL) {
        ps_error ignored;
        (void)!ps_io_make_dir(ps_io_posix(), options->state_dir, &ignored);
        snprintf(state_dir, sizeof state_dir, "%s/statement-%u", options->state_dir, number);
        job.state_dir = state_dir;
    }
    if (statement->kind == PS_STATEMENT_INSERT) {
        return run_job(&job, options->quiet, err);
    }
    ps_result_printer *printer;
    code =
        ps_result_printer_new(stdout, options->format, &statement->schema, statement->time_column,
                              has_changes(statement->graph), &printer, err);
    if (code != PS_OK) {
        return code;
    }
    if (!statement->graph->is_bounded) {
        ps_result_printer_set_live(printer);
    }
    job.on_rows = ps_result_printer_rows;
    job.on_rows_with = printer;
    code = run_job(&job, options->quiet, err);
    ps_error finish_err;
    ps_code finish = ps_result_printer_finish(printer, &finish_err);
    if (code == PS_OK && finish != PS_OK) {
        *err = finish_err;
        code = finish;
    }
    return code;
}

/* ── statements ── */

static ps_code print_rows(const ps_statement *statement, ps_result_format format, ps_error *err)
{
    ps_result_printer *printer;
    ps_code code = ps_result_printer_new(stdout, format, &statement->schema, PS_NO_COLUMN, false,
                                         &printer, err);
    if (code != PS_OK) {
        return code;
    }
    for (uint32_t i = 0; code == PS_OK && i < statement->row_count; i++) {
        code = ps_result_printer_values(
            printer, statement->rows + (size_t)i * statement->schema.field_count, err);
    }
    ps_error finish_err;
    ps_code finish = ps_result_printer_finish(printer, &finish_err);
    if (code == PS_OK && finish != PS_OK) {
        *err = finish_err;
    }
    return code == PS_OK ? finish : code;
}

static ps_code print_plan(const ps_statement *statement, bool dot, ps_error *err)
{
    ps_buf text;
    ps_buf_init(&text, PLAN_SIZE_MAX);
    if (dot) {
        ps_graph_print_dot(statement->graph, &text);
    } else {
        ps_graph_print(statement->graph, &text);
        ps_buf_append_char(&text, '\n');
    }
    ps_code code = PS_OK;
    if (text.failed) {
        code = ps_error_set(err, PS_E_LIMIT, "the plan is longer than %d bytes", PLAN_SIZE_MAX);
    } else {
        fwrite(text.data, 1, text.size, stdout);
    }
    ps_buf_release(&text);
    return code;
}

void ps_script_tell_sql_error(const ps_sql_error *error, const char *file_name, ps_slice text)
{
    ps_buf message;
    ps_buf_init(&message, MESSAGE_SIZE_MAX);
    ps_sql_error_format(error, "error", file_name, text, &message);
    fwrite(message.data, 1, message.size, stderr);
    ps_buf_release(&message);
}

static ps_code handle(ps_session *session, const ps_script_options *options,
                      const ps_statement *statement, uint32_t *job_number, ps_error *err)
{
    switch (statement->kind) {
    case PS_STATEMENT_DONE:
    case PS_STATEMENT_END:
        return PS_OK;
    case PS_STATEMENT_ROWS:
        return print_rows(statement, options->format, err);
    case PS_STATEMENT_QUERY:
    case PS_STATEMENT_INSERT:
        break;
    }
    if (options->explains) {
        return print_plan(statement, options->dot, err);
    }
    ++*job_number;
    return run_statement(session, options, statement, *job_number, err);
}

int ps_script_run(ps_session *session, const ps_script_options *options, const char *file_name,
                  ps_slice text)
{
    uint32_t job_number = 0;
    ps_session_open(session, file_name, text);
    for (;;) {
        ps_statement statement;
        ps_sql_error sql_error = {0};
        ps_error err = {0};
        if (ps_session_next(session, &statement, &sql_error) != PS_OK) {
            fflush(stdout);
            ps_script_tell_sql_error(&sql_error, file_name, text);
            return PS_EXIT_FAILED;
        }
        if (statement.kind == PS_STATEMENT_END || was_stopped) {
            return PS_EXIT_DONE;
        }
        ps_code code = handle(session, options, &statement, &job_number, &err);
        fflush(stdout);
        if (code != PS_OK) {
            fprintf(stderr, "%s:%u: error: %s\n", file_name, statement.line, err.text);
            return PS_EXIT_FAILED;
        }
    }
}

bool ps_script_read(const char *command, const char *path, ps_buf *out)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    ps_buf_init(out, SCRIPT_SIZE_MAX);
    if (file == NULL) {
        fprintf(stderr, "paystream %s: cannot open %s: %s\n", command, path, strerror(errno));
        return false;
    }
    char part[64 * 1024];
    size_t size;
    while ((size = fread(part, 1, sizeof part, file)) > 0) {
        ps_buf_append(out, part, size);
    }
    bool is_good = ferror(file) == 0 && !out->failed;
    if (!is_stdin) {
        fclose(file);
    }
    if (!is_good) {
        fprintf(stderr, "paystream %s: cannot read %s: %s\n", command, path,
                out->failed ? "it is larger than 64 MiB" : strerror(errno));
        ps_buf_release(out);
    }
    return is_good;
}
