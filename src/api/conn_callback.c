/* The connector of custom sources and sinks: calls the functions that stand behind the table. */
#include <stdlib.h>

#include "api/pipeline_build.h"
#include "api/row_handle.h"

static const ps_callback_table *table_of(const ps_table_info *info)
{
    return (const ps_callback_table *)info;
}

static ps_code traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    (void)err;
    *out = (ps_table_traits){
        .can_read = table_of(table)->source.read != NULL,
        .can_write = table_of(table)->sink.write != NULL,
        .is_bounded = true,
        .source_changes = PS_CHANGES_APPEND,
        .sink_changes = PS_CHANGES_APPEND,
    };
    return PS_OK;
}

/* ── source ── */

typedef struct {
    ps_source source;
    const ps_callback_table *table;
    ps_batch_builder builder;
    uint64_t row_count;
} callback_source;

static ps_code read_rows(ps_source *source, ps_batch *out_batch, int *out_state, ps_error *err)
{
    callback_source *self = (callback_source *)source;
    const ps_source_functions *functions = &self->table->source;
    ps_batch_builder_reset(&self->builder);
    ps_out out = {.shape = self->table->shape, .builder = &self->builder, .err = err};
    ps_read_result result = PS_READ_ROW;
    while (!ps_batch_builder_is_full(&self->builder)) {
        out.has_begun = false;
        result = functions->read(functions->user, &out);
        if (out.code != PS_OK) {
            return out.code;
        }
        if (result == PS_READ_FAILED) {
            return ps_error_set(err, PS_E_INVALID, "a source failed and did not say why");
        }
        if (result != PS_READ_ROW) {
            break;
        }
        ps_out_end(&out);
        if (out.code != PS_OK) {
            return out.code;
        }
    }
    self->row_count += self->builder.batch.row_count;
    *out_batch = self->builder.batch;
    *out_state = result == PS_READ_END    ? PS_SOURCE_END
                 : result == PS_READ_IDLE ? PS_SOURCE_IDLE
                                          : PS_SOURCE_MORE;
    return PS_OK;
}

static ps_code position(ps_source *source, ps_buf *out, ps_error *err)
{
    callback_source *self = (callback_source *)source;
    const ps_source_functions *functions = &self->table->source;
    char bytes[PS_POSITION_MAX];
    size_t size =
        functions->save != NULL ? functions->save(functions->user, bytes, sizeof bytes) : 0;
    if (size > sizeof bytes) {
        return ps_error_set(err, PS_E_LIMIT, "a source's position has %zu bytes, at most %d", size,
                            PS_POSITION_MAX);
    }
    ps_buf_append(out, bytes, size);
    return PS_OK;
}

static ps_code seek(ps_source *source, ps_slice at, ps_error *err)
{
    callback_source *self = (callback_source *)source;
    const ps_source_functions *functions = &self->table->source;
    if (functions->restore == NULL || functions->restore(functions->user, at.data, at.size)) {
        return PS_OK;
    }
    return ps_error_set(err, PS_E_INVALID, "a source cannot go back to its saved position");
}

static void progress(const ps_source *source, uint64_t *out_done, uint64_t *out_total)
{
    *out_done = ((const callback_source *)source)->row_count;
    *out_total = 0;
}

static void close_source(ps_source *source)
{
    callback_source *self = (callback_source *)source;
    if (self->table->source.close != NULL) {
        self->table->source.close(self->table->source.user);
    }
    ps_batch_builder_release(&self->builder);
    free(self);
}

static const ps_source_class source_class = {
    .read = read_rows,
    .position = position,
    .seek = seek,
    .progress = progress,
    .close = close_source,
};

static ps_code open_source(const ps_source_spec *spec, const ps_connector_context *context,
                           ps_source **out, ps_error *err)
{
    (void)context;
    callback_source *self = calloc(1, sizeof *self);
    const ps_schema *schema = &spec->table->physical;
    const ps_type **types = calloc(schema->field_count, sizeof *types);
    ps_code code = PS_E_MEMORY;
    if (self == NULL || types == NULL) {
        (void)ps_error_set(err, code, "no memory for a source");
    } else {
        for (uint32_t i = 0; i < schema->field_count; i++) {
            types[i] = schema->fields[i].type;
        }
        self->source.class = &source_class;
        self->table = table_of(spec->table);
        code =
            ps_batch_builder_init(&self->builder, schema->field_count, types, PS_BATCH_ROWS, err);
    }
    free(types);
    if (code != PS_OK) {
        free(self);
        return code;
    }
    *out = &self->source;
    return PS_OK;
}

/* ── sink ── */

typedef struct {
    ps_sink sink;
    const ps_callback_table *table;
} callback_sink;

static ps_code write_rows(ps_sink *sink, const ps_batch *batch, ps_error *err)
{
    callback_sink *self = (callback_sink *)sink;
    ps_row row = {.batch = batch, .shape = self->table->shape};
    for (row.at = 0; row.at < batch->row_count; row.at++) {
        if (!self->table->sink.write(self->table->sink.user, &row)) {
            return ps_error_set(err, PS_E_IO, "a sink has refused a row");
        }
    }
    sink->row_count += batch->row_count;
    return PS_OK;
}

static ps_code flush(ps_sink *sink, ps_error *err)
{
    const ps_sink_functions *functions = &((callback_sink *)sink)->table->sink;
    if (functions->flush == NULL || functions->flush(functions->user)) {
        return PS_OK;
    }
    return ps_error_set(err, PS_E_IO, "a sink could not flush");
}

static ps_code prepare(ps_sink *sink, ps_buf *out, ps_error *err)
{
    (void)out;
    return flush(sink, err);
}

static ps_code nothing_to_do(ps_sink *sink, ps_slice prepared, ps_error *err)
{
    (void)sink;
    (void)prepared;
    (void)err;
    return PS_OK;
}

static void close_sink(ps_sink *sink)
{
    free(sink);
}

static const ps_sink_class sink_class = {
    .write = write_rows,
    .prepare = prepare,
    .commit = nothing_to_do,
    .abort_after = nothing_to_do,
    .finish = flush,
    .close = close_sink,
};

static ps_code open_sink(const ps_sink_spec *spec, const ps_connector_context *context,
                         ps_sink **out, ps_error *err)
{
    (void)context;
    callback_sink *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
    }
    self->sink.class = &sink_class;
    self->table = table_of(spec->table);
    *out = &self->sink;
    return PS_OK;
}

const ps_connector ps_connector_callback = {
    .name = PS_CALLBACK_CONNECTOR,
    .summary = "functions of a C program",
    .traits = traits,
    .open_source = open_source,
    .open_sink = open_sink,
};
