/* journal: the records of a data directory as tables (journal_tables.h). In `run` a read ends at
 * the newest record of its beginning; in `serve` it goes on with the running journal.
 *
 * Position: u64 record that comes next, u32 effects of it that were looked at already. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect/connectors.h"
#include "connect/journal_tables.h"
#include "connect/table_option.h"

enum { RECORDS_PER_READ = 16384 };

typedef enum { START_EARLIEST, START_LATEST, START_SEQUENCE } start_mode;

typedef struct {
    const ps_journal_table *table;
    start_mode start;
    uint64_t start_seq; /* START_SEQUENCE */
    bool is_bounded;
} journal_options;

typedef struct {
    ps_source source;
    const ps_journal_table *table;
    ps_journal_records *records;
    ps_journal_row *row;
    uint32_t leaf_count;
    const ps_journal_column **columns; /* per leaf */
    ps_batch_builder builder;
    uint64_t next_seq;           /* the record that is read next, or under way */
    uint32_t skip;               /* effects of it that were looked at */
    uint64_t first_seq, end_seq; /* bounded: the last one; else UINT64_MAX */
} journal_source;

/* ── reading ── */

static ps_code put_row(journal_source *self, const ps_journal_entry *entry,
                       const ps_effect_head *effect, ps_error *err)
{
    ps_journal_row_set(self->row, entry, effect);
    ps_batch_builder_begin_row(&self->builder, PS_KIND_INSERT, PS_WATERMARK_NONE, 0);
    for (uint32_t i = 0; i < self->leaf_count; i++) {
        ps_value value;
        ps_code code = ps_journal_row_get(self->row, self->columns[i], &value, err);
        if (code == PS_OK && !value.is_null) {
            code = ps_batch_builder_set(&self->builder, i, value, err);
        }
        if (code != PS_OK) {
            return code;
        }
    }
    ps_batch_builder_end_row(&self->builder);
    return PS_OK;
}

/* The rows of record next_seq that were not looked at and fit. */
static ps_code read_record(journal_source *self, ps_error *err)
{
    ps_journal_entry entry;
    ps_code code = ps_journal_records_read(self->records, self->next_seq, &entry, err);
    if (code != PS_OK) {
        return code;
    }
    uint32_t index = 0;
    for (const ps_effect_head *e = ps_effect_first(entry.payload); e != NULL;
         e = ps_effect_next(entry.payload, e), index++) {
        if (index < self->skip || !self->table->takes(e)) {
            continue;
        }
        if (ps_batch_builder_is_full(&self->builder)) {
            self->skip = index;
            return PS_OK;
        }
        code = put_row(self, &entry, e, err);
        if (code != PS_OK) {
            return code;
        }
    }
    self->next_seq++;
    self->skip = 0;
    return PS_OK;
}

static ps_code read_rows(ps_source *source, ps_batch *out_batch, int *out_state, ps_error *err)
{
    journal_source *self = (journal_source *)source;
    uint64_t last = ps_journal_records_last(self->records);
    last = self->end_seq < last ? self->end_seq : last;
    ps_batch_builder_reset(&self->builder);
    for (uint32_t i = 0; i < RECORDS_PER_READ && self->next_seq <= last &&
                         !ps_batch_builder_is_full(&self->builder);
         i++) {
        ps_code code = read_record(self, err);
        if (code != PS_OK) {
            return code;
        }
    }
    *out_batch = self->builder.batch;
    out_batch->watermarks = NULL;
    out_batch->sequences = NULL;
    if (self->next_seq > self->end_seq) {
        *out_state = PS_SOURCE_END;
    } else {
        *out_state = self->next_seq > last ? PS_SOURCE_IDLE : PS_SOURCE_MORE;
    }
    return PS_OK;
}

static ps_code position(ps_source *source, ps_buf *out, ps_error *err)
{
    (void)err;
    const journal_source *self = (const journal_source *)source;
    ps_buf_append(out, &self->next_seq, sizeof self->next_seq);
    ps_buf_append(out, &self->skip, sizeof self->skip);
    return PS_OK;
}

static ps_code seek(ps_source *source, ps_slice at, ps_error *err)
{
    journal_source *self = (journal_source *)source;
    if (at.size != sizeof self->next_seq + sizeof self->skip) {
        return ps_error_set(err, PS_E_DAMAGED, "the saved position of table %s is damaged",
                            self->table->name);
    }
    memcpy(&self->next_seq, at.data, sizeof self->next_seq);
    memcpy(&self->skip, at.data + sizeof self->next_seq, sizeof self->skip);
    uint64_t last = ps_journal_records_last(self->records);
    if (self->next_seq == 0 || self->next_seq > last + 1) {
        return ps_error_set(err, PS_E_DAMAGED,
                            "table %s: the saved position is record %llu, but the journal ends at "
                            "%llu: it is of another data directory",
                            self->table->name, (unsigned long long)self->next_seq,
                            (unsigned long long)last);
    }
    return PS_OK;
}

static void progress(const ps_source *source, uint64_t *out_done, uint64_t *out_total)
{
    const journal_source *self = (const journal_source *)source;
    *out_done = self->next_seq - self->first_seq;
    *out_total = self->end_seq == UINT64_MAX || self->end_seq < self->first_seq
                     ? 0
                     : self->end_seq - self->first_seq + 1;
}

static void close_source(ps_source *source)
{
    journal_source *self = (journal_source *)source;
    ps_batch_builder_release(&self->builder);
    ps_journal_row_free(self->row);
    ps_journal_records_close(self->records);
    free(self->columns);
    free(self);
}

static const ps_source_class journal_class = {
    .read = read_rows,
    .position = position,
    .seek = seek,
    .progress = progress,
    .close = close_source,
};

/* ── options and columns ── */

static const char *const option_names[] = {
    "table", "scan.startup.mode", "scan.startup.sequence", "scan.bounded.mode", NULL,
};

static ps_code refuse(const ps_table_info *table, const char *sentence, ps_error *err)
{
    return ps_error_set(err, PS_E_INVALID, "table %.*s: %s", (int)table->name.size,
                        table->name.data, sentence);
}

static ps_code read_table_option(const ps_table_info *table, journal_options *out, ps_error *err)
{
    const ps_slice *name = ps_table_option(table, "table");
    ps_slice wanted = name != NULL ? *name : table->name;
    out->table = ps_journal_table_find(wanted);
    if (out->table != NULL) {
        return PS_OK;
    }
    return ps_error_set(err, PS_E_INVALID,
                        "table %.*s: the journal has no table '%.*s', it has payment_events, "
                        "trades, transfers, risk_events and decisions (option 'table')",
                        (int)table->name.size, table->name.data, (int)wanted.size, wanted.data);
}

static ps_code read_startup(const ps_table_info *table, journal_options *out, ps_error *err)
{
    const ps_slice *mode = ps_table_option(table, "scan.startup.mode");
    const ps_slice *sequence = ps_table_option(table, "scan.startup.sequence");
    if (mode == NULL || ps_slice_equal(*mode, PS_SLICE("earliest"))) {
        out->start = START_EARLIEST;
    } else if (ps_slice_equal(*mode, PS_SLICE("latest"))) {
        out->start = START_LATEST;
    } else if (ps_slice_equal(*mode, PS_SLICE("sequence"))) {
        out->start = START_SEQUENCE;
    } else {
        return refuse(table, "option 'scan.startup.mode' must be earliest, latest or sequence",
                      err);
    }
    if ((sequence != NULL) != (out->start == START_SEQUENCE)) {
        return refuse(table,
                      "option 'scan.startup.sequence' and 'scan.startup.mode' = 'sequence' go "
                      "together",
                      err);
    }
    int64_t first;
    ps_code code =
        ps_table_option_integer(table, "scan.startup.sequence", 1, 1, INT64_MAX, &first, err);
    out->start_seq = (uint64_t)first;
    return code;
}

static ps_code read_options(const ps_table_info *table, bool follows, journal_options *out,
                            ps_error *err)
{
    *out = (journal_options){.is_bounded = !follows};
    ps_code code = ps_table_options_check(table, option_names, NULL, err);
    if (code == PS_OK) {
        code = read_table_option(table, out, err);
    }
    if (code == PS_OK) {
        code = read_startup(table, out, err);
    }
    const ps_slice *bounded = ps_table_option(table, "scan.bounded.mode");
    if (code != PS_OK || bounded == NULL) {
        return code;
    }
    out->is_bounded = ps_slice_equal(*bounded, PS_SLICE("latest"));
    if (!out->is_bounded && !ps_slice_equal(*bounded, PS_SLICE("unbounded"))) {
        return refuse(table, "option 'scan.bounded.mode' must be latest or unbounded", err);
    }
    return out->is_bounded || follows
               ? PS_OK
               : refuse(table,
                        "only a job of `paystream serve` can follow the journal: leave "
                        "'scan.bounded.mode' at latest",
                        err);
}

/* Metadata keys, and the columns that they are other names of. */
static ps_slice metadata_column(ps_slice key)
{
    if (ps_slice_equal(key, PS_SLICE("sequence"))) {
        return PS_SLICE("seq");
    }
    return ps_slice_equal(key, PS_SLICE("timestamp")) ? PS_SLICE("event_time") : PS_SLICE("");
}

/* The column that a declared one stands for. */
static ps_code find_column(const ps_table_info *table, const ps_journal_table *of,
                           const ps_field *declared, const ps_journal_column **out, ps_error *err)
{
    const ps_journal_column *column = ps_journal_column_find(of, declared->name);
    if (column == NULL) {
        return ps_error_set(err, PS_E_INVALID, "table %.*s: %s has no column %.*s",
                            (int)table->name.size, table->name.data, of->name,
                            (int)declared->name.size, declared->name.data);
    }
    if (!ps_type_equal(declared->type, column->type)) {
        ps_buf type;
        ps_buf_init(&type, 1024);
        ps_type_print(column->type, &type);
        ps_code code = ps_error_set(err, PS_E_INVALID, "table %.*s: column %s must be %.*s",
                                    (int)table->name.size, table->name.data, column->name,
                                    (int)type.size, type.data);
        ps_buf_release(&type);
        return code;
    }
    *out = column;
    return PS_OK;
}

static ps_code find_metadata(const ps_table_info *table, const ps_journal_table *of, uint32_t index,
                             const ps_journal_column **out, ps_error *err)
{
    ps_slice key = table->metadata[index].key;
    const ps_field field = {metadata_column(key), table->metadata[index].type};
    if (field.name.size == 0) {
        return ps_error_set(err, PS_E_INVALID,
                            "table %.*s: there is no metadata key '%.*s'; journal has sequence and "
                            "timestamp",
                            (int)table->name.size, table->name.data, (int)key.size, key.data);
    }
    return find_column(table, of, &field, out, err);
}

static ps_code traits_of(const ps_table_info *table, bool follows, ps_table_traits *out,
                         ps_error *err)
{
    journal_options options;
    ps_code code = read_options(table, follows, &options, err);
    if (code == PS_OK) {
        *out = (ps_table_traits){.can_read = true, .is_bounded = options.is_bounded};
    }
    for (uint32_t i = 0; code == PS_OK && i < table->physical.field_count; i++) {
        const ps_journal_column *column;
        code = find_column(table, options.table, &table->physical.fields[i], &column, err);
    }
    for (uint32_t i = 0; code == PS_OK && i < table->metadata_count; i++) {
        const ps_journal_column *column;
        code = find_metadata(table, options.table, i, &column, err);
    }
    return code;
}

static ps_code journal_traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    return traits_of(table, false, out, err);
}

static ps_code following_traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    return traits_of(table, true, out, err);
}

/* ── opening ── */

static ps_code open_columns(journal_source *self, const ps_source_spec *spec, ps_error *err)
{
    const ps_type *types[PS_COLUMN_COUNT_MAX];
    self->leaf_count = spec->leaf_count;
    self->columns = calloc(spec->leaf_count > 0 ? spec->leaf_count : 1, sizeof *self->columns);
    if (self->columns == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    for (uint32_t i = 0; i < spec->leaf_count; i++) {
        const ps_leaf *leaf = &spec->leaves[i];
        const ps_field *fields = spec->table->physical.fields;
        types[i] = leaf->type;
        ps_code code =
            leaf->is_metadata
                ? find_metadata(spec->table, self->table, leaf->column, &self->columns[i], err)
                : find_column(spec->table, self->table, &fields[leaf->column], &self->columns[i],
                              err);
        if (code != PS_OK) {
            return code;
        }
    }
    return ps_batch_builder_init(&self->builder, spec->leaf_count, types, PS_BATCH_ROWS, err);
}

static void start(journal_source *self, const journal_options *options)
{
    uint64_t last = ps_journal_records_last(self->records);
    switch (options->start) {
    case START_EARLIEST:
        self->first_seq = 1;
        break;
    case START_LATEST:
        self->first_seq = last + 1;
        break;
    case START_SEQUENCE:
        self->first_seq = options->start_seq;
        break;
    }
    self->next_seq = self->first_seq;
    self->end_seq = options->is_bounded ? last : UINT64_MAX;
}

static ps_code open_source(const ps_source_spec *spec, const ps_connector_context *context,
                           ps_source **out, ps_error *err)
{
    journal_source *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    journal_options options;
    self->source.class = &journal_class;
    ps_code code = read_options(spec->table, context->journal != NULL, &options, err);
    self->table = options.table;
    if (code == PS_OK) {
        code = open_columns(self, spec, err);
    }
    if (code == PS_OK) {
        code = ps_journal_records_open(context->io, context->data_dir, context->journal,
                                       &self->records, err);
    }
    if (code == PS_OK) {
        code = ps_journal_row_new(self->records, &self->row, err);
    }
    if (code != PS_OK) {
        close_source(&self->source);
        return code;
    }
    start(self, &options);
    *out = &self->source;
    return PS_OK;
}

const ps_connector ps_connector_journal = {
    .name = "journal",
    .summary = "payments, trades, transfers, risk events and decisions of a data directory",
    .traits = journal_traits,
    .open_source = open_source,
};

const ps_connector ps_connector_journal_following = {
    .name = "journal",
    .summary = "payments, trades, transfers, risk events and decisions of a data directory",
    .traits = following_traits,
    .open_source = open_source,
};

/* Rows of one millisecond are not late to each other: hence 1 ms behind. */
#define WATERMARK ", WATERMARK FOR event_time AS event_time - INTERVAL '0.001' SECOND"
#define SEQ_AND_TIME "seq BIGINT, event_time TIMESTAMP_LTZ(3), "
#define JOURNAL ") WITH ('connector' = 'journal');\n"

const char ps_journal_tables_ddl[] =
    "CREATE TABLE payment_events (" SEQ_AND_TIME
    "type STRING, payment_id STRING, status STRING, merchant STRING, payer STRING, "
    "instrument_type STRING, token STRING, bin STRING, card_country STRING, ip STRING, "
    "device STRING, email STRING, country STRING, channel STRING, currency STRING, "
    "amount BIGINT, authorised BIGINT, captured BIGINT, refunded BIGINT, decline_code STRING, "
    "reference STRING" WATERMARK JOURNAL "CREATE TABLE trades (" SEQ_AND_TIME
    "trade_id STRING, kind STRING, status STRING, payment_id STRING, currency STRING, "
    "amount BIGINT, reverses STRING, reason STRING, created TIMESTAMP_LTZ(3)" WATERMARK JOURNAL
    "CREATE TABLE transfers (" SEQ_AND_TIME
    "transfer_id STRING, status STRING, debit STRING, credit STRING, currency STRING, "
    "amount BIGINT, posted BIGINT, timeout_at TIMESTAMP_LTZ(3), reverses STRING, "
    "reference STRING" WATERMARK JOURNAL "CREATE TABLE risk_events (" SEQ_AND_TIME
    "risk_event_id STRING, type STRING, kind STRING, severity STRING, payment_id STRING, "
    "entity STRING, data STRING" WATERMARK JOURNAL "CREATE TABLE decisions (" SEQ_AND_TIME
    "payment_id STRING, action STRING, score BIGINT, merchant STRING, payer STRING, "
    "instrument_type STRING, token STRING, currency STRING, amount BIGINT" WATERMARK JOURNAL;
