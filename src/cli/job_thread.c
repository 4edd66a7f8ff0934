#include "cli/job_thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "api/session_job.h"
#include "base/time.h"
#include "cli/option.h"
#include "cli/script.h"
#include "connect/connectors.h"
#include "data/json_writer.h"
#include "serve/job_board.h"

enum {
    FILES_MAX = 64,
    CONNECTORS_MAX = 32,
    TEXT_SIZE_MAX = 1 << 20,
    NAME_MAX_BYTES = 64,
    CHECKPOINT_MS = 10000, /* where the script says nothing */
    COUNT_EVERY_MS = 500,
    NICENESS = 10 /* payments come first */
};

typedef struct {
    ps_session *session;
    ps_buf text;
} job_file;

/* A job: planned, then running in its thread. */
typedef struct {
    ps_connector_context surroundings; /* first: sinks find the job through it */
    struct ps_job_threads *all;
    char name[NAME_MAX_BYTES];
    ps_schema schema; /* of the rows shown */
    ps_stream_job_options options;
    ps_dead_letters dead_letters;
    char state_dir[PS_PATH_MAX];
    uint32_t number; /* on the board */
    ps_stream_job *job;
    pthread_t thread;
    bool is_started;
    ps_buf row; /* scratch */
} job_thread;

struct ps_job_threads {
    uint32_t file_count, job_count;
    job_file files[FILES_MAX];
    job_thread jobs[PS_BOARD_JOBS_MAX];
    ps_job_threads_options options;
    /* the connectors as they are, but for sinks, which show their rows too */
    ps_connector connectors[CONNECTORS_MAX];
    const ps_connector *connector_list[CONNECTORS_MAX + 1];
    ps_connector_set connector_set;
    /* what copies the jobs' counters to the board */
    pthread_t counter;
    bool counts;
    pthread_mutex_t lock;
    pthread_cond_t ends_now;
    bool ends;
};

/* ── rows for the board ── */

static void show_row(job_thread *self, const ps_batch *batch, uint32_t row)
{
    ps_buf *out = &self->row;
    ps_buf_clear(out);
    ps_buf_append_format(out, "{\"op\":\"%s\",\"row\":[",
                         ps_kind_text((ps_kind)ps_batch_kind(batch, row)));
    for (uint32_t i = 0; i < self->schema.field_count; i++) {
        const ps_type *type = self->schema.fields[i].type;
        ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(type), row);
        ps_buf_append_text(out, i > 0 ? "," : "");
        ps_value_print(type, &value, PS_FORM_JSON, out);
    }
    ps_buf_append_text(out, "]}");
    if (!out->failed) {
        ps_job_board_put_row(self->all->options.board, self->number, ps_buf_slice(out));
    }
}

/* The newest rows of the batch; what an update was before is not shown. */
static void show_rows(job_thread *self, const ps_batch *batch)
{
    uint32_t shown = 0, from = batch->row_count;
    while (from > 0 && shown < PS_BOARD_ROWS_MAX) {
        from--;
        shown += ps_batch_kind(batch, from) != PS_KIND_UPDATE_BEFORE;
    }
    for (uint32_t row = from; row < batch->row_count; row++) {
        if (ps_batch_kind(batch, row) != PS_KIND_UPDATE_BEFORE) {
            show_row(self, batch, row);
        }
    }
}

static ps_code on_rows(void *with, const ps_batch *batch, ps_error *err)
{
    (void)err;
    show_rows(with, batch);
    return PS_OK;
}

/* ── sinks that show their rows too ── */

typedef struct {
    ps_sink sink;
    ps_sink *inner; /* owned */
    job_thread *job;
    bool shows; /* its table has the columns that the board was told */
} shown_sink;

static ps_code sink_write(ps_sink *sink, const ps_batch *batch, ps_error *err)
{
    shown_sink *self = (shown_sink *)sink;
    ps_code code = self->inner->class->write(self->inner, batch, err);
    sink->row_count = self->inner->row_count;
    if (code == PS_OK && self->shows) {
        show_rows(self->job, batch);
    }
    return code;
}

static ps_code sink_prepare(ps_sink *sink, ps_buf *out, ps_error *err)
{
    shown_sink *self = (shown_sink *)sink;
    return self->inner->class->prepare(self->inner, out, err);
}

static ps_code sink_commit(ps_sink *sink, ps_slice prepared, ps_error *err)
{
    shown_sink *self = (shown_sink *)sink;
    return self->inner->class->commit(self->inner, prepared, err);
}

static ps_code sink_abort_after(ps_sink *sink, ps_slice prepared, ps_error *err)
{
    shown_sink *self = (shown_sink *)sink;
    return self->inner->class->abort_after(self->inner, prepared, err);
}

static ps_code sink_finish(ps_sink *sink, ps_error *err)
{
    shown_sink *self = (shown_sink *)sink;
    return self->inner->class->finish(self->inner, err);
}

static void sink_close(ps_sink *sink)
{
    shown_sink *self = (shown_sink *)sink;
    self->inner->class->close(self->inner);
    free(self);
}

static const ps_sink_class shown_class = {
    .write = sink_write,
    .prepare = sink_prepare,
    .commit = sink_commit,
    .abort_after = sink_abort_after,
    .finish = sink_finish,
    .close = sink_close,
};

static const ps_connector *connector_of(const ps_table_info *table)
{
    const ps_slice *name = ps_table_option(table, "connector");
    return name != NULL ? ps_connector_find(&ps_connectors_serving, *name) : NULL;
}

static bool is_stdout_print(const ps_table_info *table)
{
    const ps_slice *on_stderr = ps_table_option(table, "standard-error");
    return connector_of(table) == &ps_connector_print &&
           (on_stderr == NULL || !ps_slice_equal(*on_stderr, PS_SLICE("true")));
}

static ps_code shown_open_sink(const ps_sink_spec *spec, const ps_connector_context *context,
                               ps_sink **out, ps_error *err)
{
    job_thread *job = (job_thread *)(uintptr_t)context;
    const ps_connector *inner =
        is_stdout_print(spec->table) ? &ps_connector_blackhole : connector_of(spec->table);
    shown_sink *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
    }
    ps_code code = inner->open_sink(spec, context, &self->inner, err);
    if (code != PS_OK) {
        free(self);
        return code;
    }
    self->sink.class = &shown_class;
    self->job = job;
    self->shows = spec->table->physical.fields == job->schema.fields;
    *out = &self->sink;
    return PS_OK;
}

static void make_connectors(ps_job_threads *all)
{
    for (uint32_t i = 0; ps_connectors_serving.connectors[i] != NULL; i++) {
        PS_ASSERT(i < CONNECTORS_MAX);
        all->connectors[i] = *ps_connectors_serving.connectors[i];
        if (all->connectors[i].open_sink != NULL) {
            all->connectors[i].open_sink = shown_open_sink;
        }
        all->connector_list[i] = &all->connectors[i];
    }
    all->connector_set.connectors = all->connector_list;
}

/* ── planning ── */

static const ps_table_info *first_sink(const ps_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i]->kind == PS_NODE_SINK) {
            return graph->nodes[i]->sink->table;
        }
    }
    return NULL;
}

/* pipeline.name, the table of an INSERT, or the file. */
static void choose_name(job_thread *job, const ps_session *session, const char *path)
{
    const char *given = ps_session_setting(session, "pipeline.name");
    const ps_table_info *table = first_sink(job->options.graph);
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t size = strlen(base);
    if (size > 4 && strcmp(base + size - 4, ".sql") == 0) {
        size -= 4;
    }
    if (given != NULL && given[0] != 0) {
        snprintf(job->name, sizeof job->name, "%s", given);
    } else if (table != NULL) {
        snprintf(job->name, sizeof job->name, "%.*s", (int)table->name.size, table->name.data);
    } else {
        snprintf(job->name, sizeof job->name, "%.*s", (int)size, base);
    }
}

static ps_code plan_job(ps_job_threads *all, const ps_session *session, const char *path,
                        const ps_statement *statement, ps_error *err)
{
    if (all->job_count == PS_BOARD_JOBS_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "there are more than %d jobs", PS_BOARD_JOBS_MAX);
    }
    job_thread *job = &all->jobs[all->job_count];
    ps_code code = ps_session_job_options(session, statement->graph, &job->options, err);
    if (code != PS_OK) {
        return code;
    }
    job->all = all;
    job->surroundings.expressions = ps_session_expressions(session);
    ps_dead_letters_init(&job->dead_letters, NULL);
    job->dead_letters.path = ps_session_setting(session, "paystream.dead-letter.path");
    job->schema = statement->kind == PS_STATEMENT_QUERY ? statement->schema
                                                        : first_sink(statement->graph)->physical;
    ps_buf_init(&job->row, TEXT_SIZE_MAX);
    choose_name(job, session, path);
    all->job_count++;
    return PS_OK;
}

static int plan_text(ps_job_threads *all, job_file *file, const char *path)
{
    ps_slice text = ps_buf_slice(&file->text);
    ps_session_open(file->session, path, text);
    for (;;) {
        ps_statement statement;
        ps_sql_error sql_error = {0};
        ps_error err = {0};
        if (ps_session_next(file->session, &statement, &sql_error) != PS_OK) {
            ps_script_tell_sql_error(&sql_error, path, text);
            return PS_EXIT_FAILED;
        }
        switch (statement.kind) {
        case PS_STATEMENT_END:
            return PS_EXIT_DONE;
        case PS_STATEMENT_DONE:
        case PS_STATEMENT_ROWS: /* SHOW, EXPLAIN: nobody reads them here */
            break;
        case PS_STATEMENT_QUERY:
        case PS_STATEMENT_INSERT:
            if (plan_job(all, file->session, path, &statement, &err) != PS_OK) {
                fprintf(stderr, "%s:%u: error: %s\n", path, statement.line, err.text);
                return PS_EXIT_FAILED;
            }
        }
    }
}

static ps_job_threads *new_threads(void)
{
    ps_job_threads *all = calloc(1, sizeof *all);
    if (all != NULL) {
        make_connectors(all);
        pthread_mutex_init(&all->lock, NULL);
        pthread_cond_init(&all->ends_now, NULL);
    }
    return all;
}

int ps_job_threads_plan(ps_job_threads **threads, const char *path)
{
    ps_error err = {0};
    ps_job_threads *all = *threads != NULL ? *threads : new_threads();
    *threads = all;
    if (all == NULL || all->file_count == FILES_MAX) {
        fprintf(stderr, "paystream serve: %s\n",
                all == NULL ? "no memory for jobs" : "too many --job files");
        return PS_EXIT_FAILED;
    }
    job_file *file = &all->files[all->file_count];
    if (!ps_script_read("serve", path, &file->text)) {
        return PS_EXIT_REFUSED;
    }
    all->file_count++;
    const ps_session_options options = {.connectors = &ps_connectors_serving,
                                        .prelude = ps_journal_tables_ddl};
    if (ps_session_new(&options, &file->session, &err) != PS_OK) {
        fprintf(stderr, "paystream serve: %s\n", err.text);
        return PS_EXIT_FAILED;
    }
    return plan_text(all, file, path);
}

/* ── running ── */

/* Does it write what lasts? */
static bool keeps_state(const ps_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const ps_node *node = graph->nodes[i];
        if (node->kind == PS_NODE_SINK && node->sink->table != NULL) {
            const ps_connector *connector = connector_of(node->sink->table);
            if (connector != &ps_connector_print && connector != &ps_connector_blackhole) {
                return true;
            }
        }
    }
    return false;
}

static ps_code choose_state(job_thread *job, ps_error *err)
{
    char parent[PS_PATH_MAX];
    ps_board_job shown;
    if (!keeps_state(job->options.graph)) {
        return PS_OK;
    }
    ps_job_board_get(job->all->options.board, job->number, &shown);
    int size = snprintf(parent, sizeof parent, "%s/jobs", job->all->options.data_dir);
    if (size < 0 || (size_t)size + strlen(shown.name) + 1 >= sizeof job->state_dir) {
        return ps_error_set(err, PS_E_INVALID, "the path of the data directory is too long");
    }
    stpcpy(stpcpy(stpcpy(job->state_dir, parent), "/"), shown.name);
    job->options.state_dir = job->state_dir;
    if (job->options.checkpoint_interval_ms == 0) {
        job->options.checkpoint_interval_ms = CHECKPOINT_MS;
    }
    ps_code code = ps_io_make_dir(ps_io_posix(), parent, err);
    return code == PS_E_EXISTS ? PS_OK : code;
}

static void append_columns(const ps_schema *schema, ps_buf *out)
{
    ps_buf type;
    ps_buf_init(&type, TEXT_SIZE_MAX);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        ps_buf_clear(&type);
        ps_type_print(schema->fields[i].type, &type);
        ps_buf_append_text(out, i > 0 ? ",{\"name\":" : "[{\"name\":");
        ps_json_append_string(out, schema->fields[i].name);
        ps_buf_append_text(out, ",\"type\":");
        ps_json_append_string(out, ps_buf_slice(&type));
        ps_buf_append_char(out, '}');
    }
    ps_buf_append_text(out, "]");
    ps_buf_release(&type);
}

static ps_code prepare(job_thread *job, ps_error *err)
{
    ps_job_threads *all = job->all;
    ps_buf columns;
    ps_buf_init(&columns, TEXT_SIZE_MAX);
    append_columns(&job->schema, &columns);
    ps_code code =
        ps_job_board_add(all->options.board, job->name, ps_buf_slice(&columns), &job->number, err);
    ps_buf_release(&columns);
    if (code == PS_OK) {
        code = choose_state(job, err);
    }
    if (code != PS_OK) {
        return code;
    }
    job->surroundings.io = ps_io_posix();
    job->surroundings.data_dir = all->options.data_dir;
    job->surroundings.journal = all->options.journal;
    job->dead_letters.dir = all->options.data_dir;
    job->surroundings.dead_letter = &job->dead_letters.base;
    job->surroundings.lane_count = 1;
    job->options.connectors = &all->connector_set;
    job->options.surroundings = &job->surroundings;
    job->options.on_rows = on_rows;
    job->options.on_rows_with = job;
    return ps_stream_job_new(&job->options, &job->job, err);
}

static void count(const job_thread *job)
{
    const ps_stream_job_counters *counters = ps_stream_job_counters_of(job->job);
    const ps_board_counters shown = {
        .rows_in = counters->rows_in,
        .rows_out = counters->rows_out,
        .rows_late = counters->rows_late,
        .rows_bad = counters->rows_bad,
        .state_bytes = counters->state_size,
        .checkpoints = counters->checkpoint_count,
        .watermark_ms = counters->watermark,
    };
    ps_job_board_count(job->all->options.board, job->number, &shown);
}

static void *run_job(void *context)
{
    job_thread *job = context;
    ps_error err = {0};
    setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread alone, on Linux */
    ps_code code = ps_stream_job_run(job->job, &err);
    count(job);
    if (code != PS_OK) {
        fprintf(stderr, "paystream serve: job %s: %s\n", job->name, err.text);
    }
    ps_job_board_end(job->all->options.board, job->number, code != PS_OK ? err.text : NULL);
    return NULL;
}

static void *run_counter(void *context)
{
    ps_job_threads *all = context;
    pthread_mutex_lock(&all->lock);
    while (!all->ends) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        int64_t ns = until.tv_nsec + (int64_t)COUNT_EVERY_MS * PS_NS_PER_MS;
        until.tv_sec += ns / PS_NS_PER_S;
        until.tv_nsec = ns % PS_NS_PER_S;
        pthread_cond_timedwait(&all->ends_now, &all->lock, &until);
        for (uint32_t i = 0; i < all->job_count; i++) {
            count(&all->jobs[i]);
        }
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

ps_code ps_job_threads_start(ps_job_threads *threads, const ps_job_threads_options *options,
                             ps_error *err)
{
    threads->options = *options;
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < threads->job_count; i++) {
        ps_error cause = {0};
        code = prepare(&threads->jobs[i], &cause);
        if (code != PS_OK) {
            ps_error_set(err, code, "job %s: %s", threads->jobs[i].name, cause.text);
        }
    }
    for (uint32_t i = 0; code == PS_OK && i < threads->job_count; i++) {
        job_thread *job = &threads->jobs[i];
        job->is_started = pthread_create(&job->thread, NULL, run_job, job) == 0;
        if (!job->is_started) {
            code = ps_error_set(err, PS_E_MEMORY, "cannot start a thread for job %s", job->name);
        }
    }
    if (code == PS_OK && threads->job_count > 0) {
        threads->counts = pthread_create(&threads->counter, NULL, run_counter, threads) == 0;
    }
    if (code != PS_OK) {
        ps_job_threads_stop(threads);
    }
    return code;
}

void ps_job_threads_stop(ps_job_threads *threads)
{
    if (threads == NULL) {
        return;
    }
    if (threads->counts) {
        pthread_mutex_lock(&threads->lock);
        threads->ends = true;
        pthread_cond_signal(&threads->ends_now);
        pthread_mutex_unlock(&threads->lock);
        pthread_join(threads->counter, NULL);
        threads->counts = false;
    }
    for (uint32_t i = 0; i < threads->job_count; i++) {
        if (threads->jobs[i].is_started) {
            ps_stream_job_stop(threads->jobs[i].job);
        }
    }
    for (uint32_t i = 0; i < threads->job_count; i++) {
        job_thread *job = &threads->jobs[i];
        if (job->is_started) {
            pthread_join(job->thread, NULL);
            job->is_started = false;
        }
        ps_stream_job_free(job->job);
        job->job = NULL;
    }
}

void ps_job_threads_free(ps_job_threads *threads)
{
    if (threads == NULL) {
        return;
    }
    ps_job_threads_stop(threads);
    for (uint32_t i = 0; i < threads->job_count; i++) {
        ps_buf_release(&threads->jobs[i].row);
    }
    for (uint32_t i = 0; i < threads->file_count; i++) {
        ps_session_free(threads->files[i].session);
        ps_buf_release(&threads->files[i].text);
    }
    pthread_mutex_destroy(&threads->lock);
    pthread_cond_destroy(&threads->ends_now);
    free(threads);
}
