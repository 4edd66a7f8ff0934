/* nexmark: the public benchmark's stream as a bounded table of its four columns: event_type INT,
 * person ROW, auction ROW, bid ROW (nexmark_events.h). Only the fields that the plan reads are
 * written. Position: u64 events so far, u64 state of the random numbers. */
#include <stdlib.h>
#include <string.h>

#include "connect/connectors.h"
#include "connect/nexmark_events.h"
#include "connect/table_option.h"
#include "data/row.h"

enum { COLUMN_TYPE, COLUMN_PERSON, COLUMN_AUCTION, COLUMN_BID, COLUMN_COUNT };
enum { FIELDS_MAX = 10 };

static const char *const option_names[] = {
    "events.num",
    "tps",
    "first-event.rate",
    "next-event.rate",
    "person.proportion",
    "auction.proportion",
    "bid.proportion",
    "base-time",
    "seed",
    NULL,
};

typedef struct {
    ps_source source;
    ps_nexmark_generator *generator;
    uint64_t events_num;
    uint32_t leaf_count;
    const ps_leaf *leaves;
    ps_column *columns;
    uint64_t **valid;
    char *texts; /* of the batch: PS_BATCH_ROWS × PS_NEXMARK_TEXT_MAX */
    ps_arena arena, nested;
} nexmark_source;

/* The fields of a kind, in the order of its columns. Returns their number. */
static uint32_t fields_of(const ps_nexmark_event *event, ps_value out[FIELDS_MAX])
{
    switch (event->kind) {
    case PS_NEXMARK_PERSON:
        out[0] = (ps_value){.i64 = event->id};
        out[1] = (ps_value){.text = event->name};
        out[2] = (ps_value){.text = event->email};
        out[3] = (ps_value){.text = event->credit_card};
        out[4] = (ps_value){.text = event->city};
        out[5] = (ps_value){.text = event->state};
        out[6] = (ps_value){.i64 = event->time_ms};
        out[7] = (ps_value){.text = event->extra};
        return 8;
    case PS_NEXMARK_AUCTION:
        out[0] = (ps_value){.i64 = event->id};
        out[1] = (ps_value){.text = event->item_name};
        out[2] = (ps_value){.text = event->description};
        out[3] = (ps_value){.i64 = event->initial_bid};
        out[4] = (ps_value){.i64 = event->reserve};
        out[5] = (ps_value){.i64 = event->time_ms};
        out[6] = (ps_value){.i64 = event->expires_ms};
        out[7] = (ps_value){.i64 = event->seller};
        out[8] = (ps_value){.i64 = event->category};
        out[9] = (ps_value){.text = event->extra};
        return 10;
    case PS_NEXMARK_BID:
        out[0] = (ps_value){.i64 = event->auction};
        out[1] = (ps_value){.i64 = event->bidder};
        out[2] = (ps_value){.i64 = event->price};
        out[3] = (ps_value){.text = event->channel};
        out[4] = (ps_value){.text = event->url};
        out[5] = (ps_value){.i64 = event->time_ms};
        out[6] = (ps_value){.text = event->extra};
        return 7;
    }
    return 0;
}

static void set_null(nexmark_source *self, uint32_t leaf, uint32_t row)
{
    ps_column *column = &self->columns[leaf];
    if (column->valid == NULL) {
        column->valid = self->valid[leaf];
        memset(column->valid, 0xff, ps_valid_words(PS_BATCH_ROWS) * sizeof(uint64_t));
    }
    ps_valid_clear(column->valid, row);
    if (ps_type_phys(self->leaves[leaf].type) == PS_PHYS_TEXT) {
        column->text[row] = PS_SLICE("");
    } else {
        column->i64[row] = 0;
    }
}

static ps_code set_leaf(nexmark_source *self, uint32_t leaf, uint32_t row,
                        const ps_nexmark_event *event, ps_error *err)
{
    const ps_leaf *spec = &self->leaves[leaf];
    ps_column *column = &self->columns[leaf];
    if (spec->column == COLUMN_TYPE) {
        column->i64[row] = event->kind;
        return PS_OK;
    }
    if (spec->column != COLUMN_PERSON + (uint32_t)event->kind) {
        set_null(self, leaf, row);
        return PS_OK;
    }
    ps_value fields[FIELDS_MAX];
    uint32_t count = fields_of(event, fields);
    if (spec->depth == 0) {
        column->text[row] = ps_nested_make(spec->type, count, fields, &self->nested);
        return column->text[row].data != NULL
                   ? PS_OK
                   : ps_error_set(err, PS_E_MEMORY, "no memory for nexmark events");
    }
    const ps_value *value = &fields[spec->fields[0]];
    if (ps_type_phys(spec->type) == PS_PHYS_TEXT) {
        column->text[row] = value->text;
    } else {
        column->i64[row] = value->i64;
    }
    return PS_OK;
}

static ps_code read_rows(ps_source *source, ps_batch *out_batch, int *out_state, ps_error *err)
{
    nexmark_source *self = (nexmark_source *)source;
    uint64_t count, random;
    ps_nexmark_position(self->generator, &count, &random);
    uint64_t left = self->events_num - count;
    uint32_t row_count = left < PS_BATCH_ROWS ? (uint32_t)left : PS_BATCH_ROWS;
    for (uint32_t leaf = 0; leaf < self->leaf_count; leaf++) {
        self->columns[leaf].valid = NULL;
    }
    ps_arena_reset(&self->nested);
    ps_code code = PS_OK;
    for (uint32_t row = 0; code == PS_OK && row < row_count; row++) {
        ps_nexmark_event event;
        ps_nexmark_next(self->generator, self->texts + (size_t)row * PS_NEXMARK_TEXT_MAX, &event);
        for (uint32_t leaf = 0; code == PS_OK && leaf < self->leaf_count; leaf++) {
            code = set_leaf(self, leaf, row, &event, err);
        }
    }
    *out_batch = (ps_batch){
        .row_count = row_count,
        .column_count = self->leaf_count,
        .columns = self->columns,
    };
    *out_state = left <= PS_BATCH_ROWS ? PS_SOURCE_END : PS_SOURCE_MORE;
    return code;
}

static ps_code position(ps_source *source, ps_buf *out, ps_error *err)
{
    (void)err;
    uint64_t at[2];
    ps_nexmark_position(((nexmark_source *)source)->generator, &at[0], &at[1]);
    ps_buf_append(out, at, sizeof at);
    return PS_OK;
}

static ps_code seek(ps_source *source, ps_slice at, ps_error *err)
{
    uint64_t numbers[2];
    if (at.size != sizeof numbers) {
        return ps_error_set(err, PS_E_DAMAGED, "the saved position of a nexmark table is damaged");
    }
    memcpy(numbers, at.data, sizeof numbers);
    ps_nexmark_seek(((nexmark_source *)source)->generator, numbers[0], numbers[1]);
    return PS_OK;
}

static void progress(const ps_source *source, uint64_t *out_done, uint64_t *out_total)
{
    const nexmark_source *self = (const nexmark_source *)source;
    uint64_t random;
    ps_nexmark_position(self->generator, out_done, &random);
    *out_total = self->events_num;
}

static void close_source(ps_source *source)
{
    nexmark_source *self = (nexmark_source *)source;
    ps_nexmark_generator_free(self->generator);
    ps_arena_release(&self->arena);
    ps_arena_release(&self->nested);
    free(self);
}

static const ps_source_class nexmark_class = {
    .read = read_rows,
    .position = position,
    .seek = seek,
    .progress = progress,
    .close = close_source,
};

/* ── options and columns ── */

static ps_code check_columns(const ps_table_info *table, ps_error *err)
{
    static const uint32_t field_counts[COLUMN_COUNT] = {0, 8, 10, 7};
    bool is_good = table->physical.field_count == COLUMN_COUNT &&
                   ps_type_is_integer(table->physical.fields[COLUMN_TYPE].type);
    for (uint32_t i = COLUMN_PERSON; is_good && i < COLUMN_COUNT; i++) {
        const ps_type *type = table->physical.fields[i].type;
        is_good = type->kind == PS_TYPE_ROW && type->child_count == field_counts[i];
    }
    return is_good ? PS_OK
                   : ps_error_set(err, PS_E_INVALID,
                                  "table %.*s: a nexmark table has the columns event_type INT, "
                                  "person ROW of 8, auction ROW of 10 and bid ROW of 7 fields",
                                  (int)table->name.size, table->name.data);
}

static ps_code read_options(const ps_table_info *table, ps_nexmark_options *out,
                            uint64_t *out_events, ps_error *err)
{
    static const char *const proportion_names[] = {"person.proportion", "auction.proportion",
                                                   "bid.proportion"};
    static const int64_t proportion_defaults[] = {1, 3, 46};
    static const int64_t base_default = INT64_C(1436918400000); /* 2015-07-15 00:00:00 */
    int64_t value = 0;
    *out = (ps_nexmark_options){0};
    ps_code code = ps_table_option_integer(table, "events.num", 0, 0, INT64_MAX, &value, err);
    *out_events = (uint64_t)value;
    if (code == PS_OK) {
        code =
            ps_table_option_integer(table, "first-event.rate", 10000, 1, 1000000000, &value, err);
    }
    if (code == PS_OK) {
        code = ps_table_option_integer(table, "tps", value, 1, 1000000000, &value, err);
        out->rate = (double)value;
    }
    if (code == PS_OK) {
        code = ps_table_option_integer(table, "base-time", base_default, 0, INT64_MAX / 2,
                                       &out->base_ms, err);
    }
    if (code == PS_OK) {
        code = ps_table_option_integer(table, "seed", 1001, 0, INT64_MAX, &value, err);
        out->seed = (uint64_t)value;
    }
    for (int i = 0; code == PS_OK && i < 3; i++) {
        code = ps_table_option_integer(table, proportion_names[i], proportion_defaults[i], 1, 1000,
                                       &value, err);
        out->proportions[i] = (uint32_t)value;
    }
    if (code == PS_OK && *out_events == 0) {
        code = ps_error_set(err, PS_E_INVALID, "table %.*s needs the option 'events.num'",
                            (int)table->name.size, table->name.data);
    }
    return code;
}

static ps_code nexmark_traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    ps_nexmark_options options;
    uint64_t events;
    *out = (ps_table_traits){.can_read = true, .is_bounded = true};
    ps_code code = ps_table_options_check(table, option_names, NULL, err);
    if (code == PS_OK) {
        code = check_columns(table, err);
    }
    return code == PS_OK ? read_options(table, &options, &events, err) : code;
}

static bool make_columns(nexmark_source *self)
{
    self->columns = ps_arena_take(&self->arena, self->leaf_count * sizeof *self->columns);
    self->valid = ps_arena_take(&self->arena, self->leaf_count * sizeof *self->valid);
    self->texts = ps_arena_take(&self->arena, (size_t)PS_BATCH_ROWS * PS_NEXMARK_TEXT_MAX);
    bool is_good = self->columns != NULL && self->valid != NULL && self->texts != NULL;
    for (uint32_t i = 0; is_good && i < self->leaf_count; i++) {
        self->columns[i].values = ps_arena_take(&self->arena, PS_BATCH_ROWS * sizeof(ps_slice));
        self->valid[i] =
            ps_arena_take(&self->arena, ps_valid_words(PS_BATCH_ROWS) * sizeof(uint64_t));
        is_good = self->columns[i].values != NULL && self->valid[i] != NULL;
    }
    return is_good;
}

static ps_code open_source(const ps_source_spec *spec, const ps_connector_context *context,
                           ps_source **out, ps_error *err)
{
    (void)context;
    nexmark_source *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    self->source.class = &nexmark_class;
    self->leaf_count = spec->leaf_count;
    self->leaves = spec->leaves;
    ps_arena_init(&self->arena, SIZE_MAX / 2);
    ps_arena_init(&self->nested, SIZE_MAX / 2);
    ps_nexmark_options options;
    ps_code code = read_options(spec->table, &options, &self->events_num, err);
    if (code == PS_OK && !make_columns(self)) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    if (code == PS_OK) {
        code = ps_nexmark_generator_new(&options, &self->generator, err);
    }
    if (code != PS_OK) {
        close_source(&self->source);
        return code;
    }
    *out = &self->source;
    return PS_OK;
}

const ps_connector ps_connector_nexmark = {
    .name = "nexmark",
    .summary = "the public benchmark's people, auctions and bids, made from a seed",
    .traits = nexmark_traits,
    .open_source = open_source,
};
