/* print: one line per row on standard output, as the reference implementation prints it:
 * [identifier> ]+I[a, b]. blackhole: takes everything, keeps nothing. Neither has anything to
 * commit: what was printed stays printed, so that after a kill rows may be printed twice. */
#include <stdio.h>
#include <stdlib.h>

#include "connect/connectors.h"
#include "connect/table_option.h"

enum { LINES_SIZE_MAX = 64 << 20 };

typedef struct {
    ps_sink sink;
    FILE *stream; /* NULL: blackhole */
    ps_slice identifier;
    uint32_t column_count;
    const ps_field *fields;
    ps_buf lines;
} print_sink;

static void print_row(print_sink *self, const ps_batch *batch, uint32_t row)
{
    ps_buf *out = &self->lines;
    if (self->identifier.size > 0) {
        ps_buf_append_slice(out, self->identifier);
        ps_buf_append_text(out, "> ");
    }
    ps_buf_append_text(out, ps_kind_text((ps_kind)ps_batch_kind(batch, row)));
    ps_buf_append_char(out, '[');
    for (uint32_t i = 0; i < self->column_count; i++) {
        const ps_type *type = self->fields[i].type;
        ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(type), row);
        ps_buf_append_text(out, i > 0 ? ", " : "");
        ps_value_print(type, &value, PS_FORM_FLINK, out);
    }
    ps_buf_append_text(out, "]\n");
}

static ps_code write_rows(ps_sink *sink, const ps_batch *batch, ps_error *err)
{
    print_sink *self = (print_sink *)sink;
    sink->row_count += batch->row_count;
    if (self->stream == NULL) {
        return PS_OK;
    }
    ps_buf_clear(&self->lines);
    for (uint32_t row = 0; row < batch->row_count; row++) {
        print_row(self, batch, row);
    }
    if (self->lines.failed) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to print rows");
    }
    if (fwrite(self->lines.data, 1, self->lines.size, self->stream) != self->lines.size ||
        fflush(self->stream) != 0) {
        return ps_error_set(err, PS_E_IO, "cannot print rows: the output is closed or full");
    }
    return PS_OK;
}

static ps_code nothing_prepared(ps_sink *sink, ps_buf *out, ps_error *err)
{
    (void)sink;
    (void)out;
    (void)err;
    return PS_OK;
}

static ps_code nothing_committed(ps_sink *sink, ps_slice prepared, ps_error *err)
{
    (void)sink;
    (void)prepared;
    (void)err;
    return PS_OK;
}

static ps_code finish(ps_sink *sink, ps_error *err)
{
    (void)sink;
    (void)err;
    return PS_OK;
}

static void close_sink(ps_sink *sink)
{
    print_sink *self = (print_sink *)sink;
    ps_buf_release(&self->lines);
    free(self);
}

static const ps_sink_class print_class = {
    .write = write_rows,
    .prepare = nothing_prepared,
    .commit = nothing_committed,
    .abort_after = nothing_committed,
    .finish = finish,
    .close = close_sink,
};

static ps_code open_sink(const ps_sink_spec *spec, FILE *stream, ps_sink **out, ps_error *err)
{
    print_sink *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
    }
    const ps_slice *identifier = ps_table_option(spec->table, "print-identifier");
    self->sink.class = &print_class;
    self->stream = stream;
    self->identifier = identifier != NULL ? *identifier : PS_SLICE("");
    self->column_count = spec->table->physical.field_count;
    self->fields = spec->table->physical.fields;
    ps_buf_init(&self->lines, LINES_SIZE_MAX);
    *out = &self->sink;
    return PS_OK;
}

static const char *const print_options[] = {"print-identifier", "standard-error", NULL};

static ps_code print_traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    /* a sink with a key takes upserts: no −U (SEMANTICS §11) */
    bool has_key = table->primary_key.count > 0;
    *out = (ps_table_traits){
        .can_write = true,
        .sink_changes = has_key ? PS_CHANGES_UPSERT : PS_CHANGES_RETRACT,
    };
    return ps_table_options_check(table, print_options, NULL, err);
}

static ps_code open_print(const ps_sink_spec *spec, const ps_connector_context *context,
                          ps_sink **out, ps_error *err)
{
    (void)context;
    bool on_stderr;
    ps_code code = ps_table_option_bool(spec->table, "standard-error", false, &on_stderr, err);
    return code == PS_OK ? open_sink(spec, on_stderr ? stderr : stdout, out, err) : code;
}

static ps_code blackhole_traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    *out = (ps_table_traits){.can_write = true, .sink_changes = PS_CHANGES_RETRACT};
    return ps_table_options_check(table, NULL, NULL, err);
}

static ps_code open_blackhole(const ps_sink_spec *spec, const ps_connector_context *context,
                              ps_sink **out, ps_error *err)
{
    (void)context;
    return open_sink(spec, NULL, out, err);
}

const ps_connector ps_connector_print = {
    .name = "print",
    .summary = "writes each row as a line to standard output",
    .traits = print_traits,
    .open_sink = open_print,
};

const ps_connector ps_connector_blackhole = {
    .name = "blackhole",
    .summary = "takes all rows and keeps none",
    .traits = blackhole_traits,
    .open_sink = open_blackhole,
};
