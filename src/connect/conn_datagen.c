/* datagen: rows made up, field by field (datagen_field.h). With 'seed' the table is the same in
 * every run: its times then start at a fixed moment; without, seed and times are of the first read.
 * Bounded by 'number-of-rows' or by the end of its shortest sequence. Row i has the time
 * base + i / rows-per-second, whatever the pace.
 *
 * Position: u64 rows so far, u64 seed, i64 base time in ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "connect/connectors.h"
#include "connect/datagen_field.h"
#include "connect/table_option.h"

enum { TEXT_SIZE_MAX = 4 << 20, KEY_MAX = 300, RATE_DEFAULT = 10000 };
static const int64_t seeded_base_ms = INT64_C(1704067200000); /* 2024-01-01 00:00:00 */

typedef struct {
    int64_t rate; /* rows a second */
    bool is_paced;
    bool has_seed;
    uint64_t seed;
    uint64_t row_max; /* UINT64_MAX: no end */
} datagen_options;

typedef struct {
    ps_source source;
    ps_io *io;
    datagen_options options;
    uint32_t leaf_count;
    const ps_leaf *leaves;
    ps_datagen_field *fields; /* per leaf */
    ps_batch_builder builder;
    ps_buf text;
    ps_datagen_row row; /* number: of the next */
    int64_t base_ms;
    int64_t started_ns;  /* monotonic; 0: not yet */
    uint64_t started_at; /* rows so far at that time */
} datagen_source;

/* ── reading ── */

/* How many rows may be made now. */
static uint64_t row_allowance(datagen_source *self)
{
    uint64_t left = self->options.row_max - self->row.number;
    if (!self->options.is_paced) {
        return left;
    }
    int64_t now_ns = ps_io_now_mono_ns(self->io);
    if (self->started_ns == 0) {
        self->started_ns = now_ns;
        self->started_at = self->row.number;
    }
    unsigned __int128 elapsed_ns = (unsigned __int128)(now_ns - self->started_ns);
    uint64_t due = (uint64_t)(elapsed_ns * (uint64_t)self->options.rate / 1000000000) + 1;
    uint64_t done = self->row.number - self->started_at;
    uint64_t open = due > done ? due - done : 0;
    return open < left ? open : left;
}

static int64_t time_of_row(const datagen_source *self)
{
    unsigned __int128 since = (unsigned __int128)self->row.number * 1000;
    return self->base_ms + (int64_t)(since / (uint64_t)self->options.rate);
}

static ps_code make_row(datagen_source *self, ps_error *err)
{
    self->row.time_ms = time_of_row(self);
    ps_batch_builder_begin_row(&self->builder, PS_KIND_INSERT, PS_WATERMARK_NONE, 0);
    for (uint32_t i = 0; i < self->leaf_count; i++) {
        ps_value value;
        ps_datagen_field_make(&self->fields[i], self->leaves[i].column, &self->row, &self->text,
                              &value);
        if (self->text.failed) {
            return ps_error_set(err, PS_E_MEMORY, "no memory for datagen rows");
        }
        ps_code code = value.is_null ? PS_OK : ps_batch_builder_set(&self->builder, i, value, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_batch_builder_end_row(&self->builder);
    self->row.number++;
    return PS_OK;
}

static ps_code read_rows(ps_source *source, ps_batch *out_batch, int *out_state, ps_error *err)
{
    datagen_source *self = (datagen_source *)source;
    ps_batch_builder_reset(&self->builder);
    for (uint64_t open = row_allowance(self); open > 0 && !ps_batch_builder_is_full(&self->builder);
         open--) {
        ps_code code = make_row(self, err);
        if (code != PS_OK) {
            return code;
        }
    }
    *out_batch = self->builder.batch;
    out_batch->watermarks = NULL;
    out_batch->sequences = NULL;
    if (self->row.number >= self->options.row_max) {
        *out_state = PS_SOURCE_END;
    } else {
        *out_state = out_batch->row_count == 0 ? PS_SOURCE_IDLE : PS_SOURCE_MORE;
    }
    return PS_OK;
}

static ps_code position(ps_source *source, ps_buf *out, ps_error *err)
{
    (void)err;
    const datagen_source *self = (const datagen_source *)source;
    ps_buf_append(out, &self->row.number, sizeof self->row.number);
    ps_buf_append(out, &self->row.seed, sizeof self->row.seed);
    ps_buf_append(out, &self->base_ms, sizeof self->base_ms);
    return PS_OK;
}

static ps_code seek(ps_source *source, ps_slice at, ps_error *err)
{
    datagen_source *self = (datagen_source *)source;
    if (at.size != 24) {
        return ps_error_set(err, PS_E_DAMAGED, "the saved position of a datagen table is damaged");
    }
    memcpy(&self->row.number, at.data, 8);
    memcpy(&self->row.seed, at.data + 8, 8);
    memcpy(&self->base_ms, at.data + 16, 8);
    self->started_ns = 0;
    return PS_OK;
}

static void progress(const ps_source *source, uint64_t *out_done, uint64_t *out_total)
{
    const datagen_source *self = (const datagen_source *)source;
    *out_done = self->row.number;
    *out_total = self->options.row_max == UINT64_MAX ? 0 : self->options.row_max;
}

static void close_source(ps_source *source)
{
    datagen_source *self = (datagen_source *)source;
    ps_batch_builder_release(&self->builder);
    ps_buf_release(&self->text);
    free(self->fields);
    free(self);
}

static const ps_source_class datagen_class = {
    .read = read_rows,
    .position = position,
    .seek = seek,
    .progress = progress,
    .close = close_source,
};

/* ── options ── */

static const char *const option_names[] = {"rows-per-second", "number-of-rows", "scan.parallelism",
                                           "seed", NULL};

/* The column whose option this is ("fields.<name>."): the longest name wins. PS_NO_COLUMN. */
static uint32_t column_of_option(const ps_table_info *table, ps_slice key)
{
    uint32_t found = PS_NO_COLUMN;
    ps_slice rest = ps_slice_of(key.data + strlen("fields."), key.size - strlen("fields."));
    for (uint32_t i = 0; i < table->physical.field_count; i++) {
        ps_slice name = table->physical.fields[i].name;
        bool is_named = rest.size > name.size + 1 && ps_slice_has_prefix(rest, name) &&
                        rest.data[name.size] == '.';
        if (is_named &&
            (found == PS_NO_COLUMN || table->physical.fields[found].name.size < name.size)) {
            found = i;
        }
    }
    return found;
}

static ps_code check_field_option(const ps_table_info *table, ps_slice key, ps_error *err)
{
    uint32_t column = column_of_option(table, key);
    if (column == PS_NO_COLUMN) {
        return ps_error_set(err, PS_E_INVALID,
                            "table %.*s has the option '%.*s', but no column of that name",
                            (int)table->name.size, table->name.data, (int)key.size, key.data);
    }
    const ps_field *field = &table->physical.fields[column];
    const char *const *attributes = ps_datagen_attributes(field->type);
    char text[KEY_MAX];
    size_t skip = strlen("fields.") + field->name.size + 1;
    snprintf(text, sizeof text, "%.*s", (int)(key.size - skip), key.data + skip);
    for (uint32_t i = 0; attributes[i] != NULL; i++) {
        if (strcmp(text, attributes[i]) == 0) {
            return PS_OK;
        }
    }
    const char *nearest = ps_nearest_word(text, attributes);
    return ps_error_set(err, PS_E_INVALID,
                        "table %.*s: a column of this type does not take '%.*s'%s%s%s",
                        (int)table->name.size, table->name.data, (int)key.size, key.data,
                        nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'?" : "");
}

/* Field options by their columns, the others by the list. */
static ps_code check_options(const ps_table_info *table, ps_error *err)
{
    for (uint32_t i = 0; i < table->option_count; i++) {
        ps_slice key = table->options[i].key;
        ps_table_info one = *table;
        one.option_count = 1;
        one.options = &table->options[i];
        ps_code code = ps_slice_has_prefix(key, PS_SLICE("fields."))
                           ? check_field_option(table, key, err)
                           : ps_table_options_check(&one, option_names, NULL, err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

static ps_code read_options(const ps_table_info *table, datagen_options *out, ps_error *err)
{
    int64_t value;
    *out = (datagen_options){.row_max = UINT64_MAX};
    ps_code code = ps_table_option_integer(table, "rows-per-second", RATE_DEFAULT, 1, 1000000000,
                                           &out->rate, err);
    if (code == PS_OK) {
        code =
            ps_table_option_integer(table, "number-of-rows", INT64_MAX, 0, INT64_MAX, &value, err);
        out->row_max = value < INT64_MAX ? (uint64_t)value : UINT64_MAX;
    }
    if (code == PS_OK) {
        code = ps_table_option_integer(table, "scan.parallelism", 1, 1, INT32_MAX, &value, err);
    }
    if (code == PS_OK) {
        code = ps_table_option_integer(table, "seed", 0, INT64_MIN, INT64_MAX, &value, err);
        out->seed = (uint64_t)value;
        out->has_seed = ps_table_option(table, "seed") != NULL;
    }
    for (uint32_t i = 0; code == PS_OK && i < table->physical.field_count; i++) {
        ps_datagen_field field;
        code = ps_datagen_field_read(table, i, &field, err);
        if (code == PS_OK) {
            uint64_t row_max = ps_datagen_field_row_max(&field);
            out->row_max = row_max < out->row_max ? row_max : out->row_max;
        }
    }
    /* a table that ends is as fast as it can be unless a pace is asked for */
    out->is_paced = out->row_max == UINT64_MAX || ps_table_option(table, "rows-per-second") != NULL;
    return code;
}

static ps_code datagen_traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    datagen_options options;
    ps_code code = check_options(table, err);
    if (code == PS_OK) {
        code = read_options(table, &options, err);
    }
    if (code == PS_OK) {
        *out = (ps_table_traits){.can_read = true, .is_bounded = options.row_max != UINT64_MAX};
    }
    return code;
}

static ps_code make_fields(datagen_source *self, const ps_source_spec *spec, ps_error *err)
{
    const ps_type *types[PS_COLUMN_COUNT_MAX];
    self->fields = calloc(spec->leaf_count > 0 ? spec->leaf_count : 1, sizeof *self->fields);
    if (self->fields == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    for (uint32_t i = 0; i < spec->leaf_count; i++) {
        if (spec->leaves[i].is_metadata) {
            return ps_error_set(err, PS_E_INVALID, "datagen tables have no metadata columns");
        }
        ps_code code =
            ps_datagen_field_read(spec->table, spec->leaves[i].column, &self->fields[i], err);
        if (code != PS_OK) {
            return code;
        }
        types[i] = spec->leaves[i].type;
    }
    return ps_batch_builder_init(&self->builder, spec->leaf_count, types, PS_BATCH_ROWS, err);
}

static ps_code open_source(const ps_source_spec *spec, const ps_connector_context *context,
                           ps_source **out, ps_error *err)
{
    datagen_source *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    self->source.class = &datagen_class;
    self->io = context->io;
    self->leaf_count = spec->leaf_count;
    self->leaves = spec->leaves;
    ps_buf_init(&self->text, TEXT_SIZE_MAX);
    ps_code code = read_options(spec->table, &self->options, err);
    if (code == PS_OK) {
        code = make_fields(self, spec, err);
    }
    if (code != PS_OK) {
        close_source(&self->source);
        return code;
    }
    self->row.seed = self->options.seed;
    self->base_ms = seeded_base_ms;
    if (!self->options.has_seed) {
        ps_io_random(self->io, &self->row.seed, sizeof self->row.seed);
        self->base_ms = ps_io_now_wall_ns(self->io) / 1000000;
    }
    *out = &self->source;
    return PS_OK;
}

const ps_connector ps_connector_datagen = {
    .name = "datagen",
    .summary = "rows made up from ranges, lengths and sequences",
    .traits = datagen_traits,
    .open_source = open_source,
};
