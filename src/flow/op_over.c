/* Over: aggregates over the rows before each row of its key, in order of time (SEMANTICS §8).
 *
 * By event time, rows wait in a list per key, ordered by time and arrival, until the watermark has
 * reached them. RANGE takes all rows of one time into the aggregates and then emits them with one
 * result; ROWS goes row by row. A bounded frame takes rows out again that have left it. By
 * processing time each row is emitted at once.
 *
 * Late: with an unbounded frame a row whose time the watermark has reached; with a bounded one only
 * a row whose time is not after the last time emitted for its key. A key of a bounded RANGE frame
 * is forgotten 1.5 times the frame behind its last row, as the reference implementation does: here
 * when its next row comes, or when a sweep that goes along with the watermark finds it.
 */
#include <stdlib.h>

#include "flow/aggregate_class.h"
#include "flow/kept_rows.h"
#include "flow/key_encoder.h"
#include "flow/one_row.h"
#include "flow/operators.h"
#include "state/table.h"
#include "state/timers.h"

/* Before a kept row's code. */
typedef struct {
    int64_t time;
    uint32_t next, previous; /* in the key's list; 0: none */
    uint64_t number;         /* in the order in which its key's rows were taken in */
} row_link;

/* Value of a key; the aggregator's state follows. */
typedef struct {
    uint32_t first, last; /* the list; 0: empty */
    uint32_t pending;     /* the first row that was not emitted; 0: none */
    uint32_t frame_first; /* the oldest row in the aggregates; 0: none */
    uint64_t frame_count;
    int64_t last_time;    /* emitted; 0 at first */
    int64_t cleanup_time; /* 0: none */
    int64_t row_number;   /* of the last row emitted */
    int64_t rank;         /* rows taken in: the reference implementation's RANK and DENSE_RANK */
} over_key;

enum { DUE_AT_ONCE = 64 };

typedef struct {
    ps_operator op;
    const ps_over_spec *spec;
    ps_key_encoder keys;
    ps_kept_rows rows;
    ps_table *table;
    ps_timers *timers;         /* a time at which an entry has pending rows → entry */
    uint32_t sweep_at;         /* entry that the sweep looks at next; not part of the state */
    uint32_t *entries;         /* of the rows at hand */
    ps_aggregator *aggregator; /* NULL: only ranks and LAG */
    uint32_t column_count;
    uint32_t *result_of; /* per call: its number among the aggregator's; UINT32_MAX: ours */
    ps_value *results;
    /* one row for the aggregator: the columns that calls read */
    ps_one_row scratch;
    bool *is_argument;
} over;

static row_link *link_of(const over *self, uint32_t ref)
{
    return ps_kept_row_header(&self->rows, ref);
}

static row_link *touch_link(over *self, uint32_t ref)
{
    return ps_kept_row_touch(&self->rows, ref);
}

static char *state_of(over_key *key)
{
    return (char *)(key + 1);
}

/* ── the aggregates ── */

/* The kept row's arguments as a batch of one row. */
static const ps_batch *arguments_of(over *self, uint32_t ref)
{
    self->scratch.sequence = link_of(self, ref)->number;
    for (uint32_t i = 0; i < self->column_count; i++) {
        if (self->is_argument[i]) {
            ps_one_row_set(&self->scratch, i, self->rows.layout.classes[i],
                           ps_kept_row_get(&self->rows, ref, i));
        }
    }
    return &self->scratch.batch;
}

static ps_code take_in(over *self, over_key *key, uint32_t ref, ps_error *err)
{
    key->frame_count++;
    key->rank++;
    touch_link(self, ref)->number = (uint64_t)key->rank;
    key->frame_first = key->frame_first == 0 ? ref : key->frame_first;
    return self->aggregator != NULL
               ? ps_aggregator_add(self->aggregator, arguments_of(self, ref), 0, state_of(key), err)
               : PS_OK;
}

/* The oldest row leaves the frame. */
static ps_code take_out(over *self, over_key *key, ps_error *err)
{
    uint32_t ref = key->frame_first;
    key->frame_first = link_of(self, ref)->next;
    key->frame_count--;
    return self->aggregator != NULL
               ? ps_aggregator_retract(self->aggregator, arguments_of(self, ref), 0, state_of(key),
                                       err)
               : PS_OK;
}

/* The row that LAG means, seen from `current`; 0: there is none. */
static uint32_t lagged(const over *self, uint32_t current, int64_t steps)
{
    for (; steps > 0 && current != 0; steps--) {
        current = link_of(self, current)->previous;
    }
    return current;
}

static int64_t lag_offset(const over *self, const ps_aggregate_call *call, uint32_t ref)
{
    return call->argument_count > 1 ? ps_kept_row_get(&self->rows, ref, call->arguments[1]).i64 : 1;
}

static ps_value lag_value(const over *self, const ps_aggregate_call *call, uint32_t row,
                          uint32_t current)
{
    uint32_t back = lagged(self, current, lag_offset(self, call, row));
    if (back != 0) {
        return ps_kept_row_get(&self->rows, back, call->arguments[0]);
    }
    return call->argument_count > 2 ? ps_kept_row_get(&self->rows, row, call->arguments[2])
                                    : (ps_value){.is_null = true};
}

static ps_value result_value(over *self, const over_key *key, uint32_t call_number, uint32_t row,
                             uint32_t current)
{
    const ps_aggregate_call *call = &self->spec->calls[call_number];
    if (self->result_of[call_number] != UINT32_MAX) {
        return self->results[self->result_of[call_number]];
    }
    switch (call->class->function) {
    case PS_AGG_ROW_NUMBER:
        return (ps_value){.i64 = key->row_number};
    case PS_AGG_RANK:
    case PS_AGG_DENSE_RANK:
        return (ps_value){.i64 = key->rank};
    default:
        return lag_value(self, call, row, current);
    }
}

/* `current` is the last row taken in: what LAG counts from. */
static ps_code send(over *self, over_key *key, uint32_t row, uint32_t current, ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    key->row_number++;
    ps_code code = ps_outlet_begin_row(outlet, PS_KIND_INSERT, err);
    if (code == PS_OK) {
        code = ps_kept_row_emit(&self->rows, row, outlet, 0, err);
    }
    for (uint32_t i = 0; code == PS_OK && i < self->spec->call_count; i++) {
        code = ps_batch_builder_set(&outlet->builder, self->column_count + i,
                                    result_value(self, key, i, row, current), err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

static ps_code compute(over *self, over_key *key, ps_error *err)
{
    return self->aggregator != NULL
               ? ps_aggregator_results(self->aggregator, state_of(key), self->results, err)
               : PS_OK;
}

/* ── one time of one key ── */

/* Rows from key->pending on that have that time, with one result. */
static ps_code emit_range(over *self, over_key *key, int64_t time, ps_error *err)
{
    ps_code code = PS_OK;
    int64_t oldest = time - self->spec->preceding;
    while (code == PS_OK && !self->spec->is_unbounded && key->frame_first != 0 &&
           key->frame_first != key->pending && link_of(self, key->frame_first)->time < oldest) {
        code = take_out(self, key, err);
    }
    uint32_t begin = key->pending, current = 0, row = begin;
    for (; code == PS_OK && row != 0 && link_of(self, row)->time == time;
         row = link_of(self, row)->next) {
        code = take_in(self, key, row, err);
        current = row;
    }
    key->pending = row;
    if (code == PS_OK) {
        code = compute(self, key, err);
    }
    for (row = begin; code == PS_OK && row != key->pending; row = link_of(self, row)->next) {
        code = send(self, key, row, current, err);
    }
    return code;
}

static ps_code emit_rows(over *self, over_key *key, int64_t time, ps_error *err)
{
    ps_code code = PS_OK;
    while (code == PS_OK && key->pending != 0 && link_of(self, key->pending)->time == time) {
        uint32_t row = key->pending;
        code = take_in(self, key, row, err);
        key->pending = link_of(self, row)->next;
        if (code == PS_OK && !self->spec->is_unbounded &&
            key->frame_count > (uint64_t)self->spec->preceding + 1) {
            code = take_out(self, key, err);
        }
        if (code == PS_OK) {
            code = compute(self, key, err);
        }
        if (code == PS_OK) {
            code = send(self, key, row, row, err);
        }
    }
    return code;
}

/* The first row that is still needed: of the frame, or for a later LAG. */
static uint32_t first_needed(const over *self, const over_key *key)
{
    uint32_t last_emitted = key->pending != 0 ? link_of(self, key->pending)->previous : key->last;
    if (last_emitted == 0) {
        return key->first;
    }
    int64_t steps = 0;
    for (uint32_t i = 0; i < self->spec->call_count; i++) {
        const ps_aggregate_call *call = &self->spec->calls[i];
        if (call->class->function == PS_AGG_LAG) {
            int64_t offset = lag_offset(self, call, last_emitted);
            steps = offset > steps ? offset : steps;
        }
    }
    uint32_t needed =
        self->spec->is_unbounded || key->frame_first == 0 ? key->pending : key->frame_first;
    uint32_t lag_first = last_emitted;
    for (int64_t i = 1; i < steps && link_of(self, lag_first)->previous != 0; i++) {
        lag_first = link_of(self, lag_first)->previous;
    }
    if (steps == 0) {
        return needed;
    }
    if (needed == 0 || self->spec->is_unbounded) {
        return lag_first;
    }
    /* whichever comes first in the list */
    for (uint32_t row = key->first; row != 0; row = link_of(self, row)->next) {
        if (row == needed || row == lag_first) {
            return row;
        }
    }
    return needed;
}

static void drop_before(over *self, over_key *key, uint32_t needed)
{
    while (key->first != needed && key->first != 0) {
        uint32_t row = key->first;
        key->first = link_of(self, row)->next;
        ps_kept_rows_drop(&self->rows, row);
    }
    if (key->first == 0) {
        key->last = 0;
    } else if (link_of(self, key->first)->previous != 0) {
        touch_link(self, key->first)->previous = 0;
    }
    if (self->spec->is_unbounded) {
        key->frame_first = 0; /* nothing leaves the frame */
    }
}

static ps_code emit_time(over *self, over_key *key, int64_t time, ps_error *err)
{
    ps_code code =
        self->spec->is_rows ? emit_rows(self, key, time, err) : emit_range(self, key, time, err);
    if (code == PS_OK) {
        drop_before(self, key, first_needed(self, key));
        key->last_time = time;
    }
    return code;
}

/* ── rows ── */

/* Puts the row into the key's list; true in *out_is_new_time: no row of that time was there. */
static void put_in_order(over *self, over_key *key, uint32_t ref, int64_t time,
                         bool *out_is_new_time)
{
    uint32_t after = key->last; /* the row that the new one follows */
    while (after != 0 && link_of(self, after)->time > time) {
        after = link_of(self, after)->previous;
    }
    uint32_t before = after != 0 ? link_of(self, after)->next : key->first;
    *out_is_new_time = after == 0 || link_of(self, after)->time != time;
    row_link *link = link_of(self, ref);
    *link = (row_link){.time = time, .next = before, .previous = after};
    if (after != 0) {
        touch_link(self, after)->next = ref;
    } else {
        key->first = ref;
    }
    if (before != 0) {
        touch_link(self, before)->previous = ref;
    } else {
        key->last = ref;
    }
    key->pending = key->pending == before ? ref : key->pending;
}

/* When the key may be forgotten, if nothing more comes. */
static void watch_cleanup(over *self, over_key *key, int64_t time)
{
    int64_t frame = self->spec->preceding;
    if (self->spec->is_unbounded || self->spec->is_rows ||
        (key->cleanup_time != 0 && key->cleanup_time >= time + frame + 1)) {
        return;
    }
    key->cleanup_time = time + frame + frame / 2 + 1;
}

/* The key as it was before its first row. */
static void reset_key(over *self, over_key *key)
{
    drop_before(self, key, 0);
    if (self->aggregator != NULL) {
        ps_aggregator_clear(self->aggregator, state_of(key));
    }
    *key = (over_key){0};
}

static bool has_expired(const over_key *key, int64_t watermark)
{
    return key->cleanup_time != 0 && key->cleanup_time <= watermark && key->pending == 0;
}

/* Made for late rows alone. */
static bool is_empty(const over_key *key)
{
    return key->first == 0 && key->rank == 0 && key->last_time == 0;
}

static bool is_late(const over *self, const over_key *key, int64_t time, int64_t watermark)
{
    return self->spec->is_unbounded ? time <= watermark : time <= key->last_time;
}

static ps_code take_row(over *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                        ps_error *err)
{
    over_key *key = ps_table_touch(self->table, entry);
    bool by_arrival = self->spec->is_processing_time;
    int64_t time = self->op.context.clock->now_ms;
    if (!by_arrival) {
        const ps_column *times = &batch->columns[self->spec->time_column];
        time = times->i64[row];
        if (has_expired(key, batch->watermarks[row])) {
            reset_key(self, key);
        }
        if (ps_column_is_null(times, row) || is_late(self, key, time, batch->watermarks[row])) {
            ps_operator_count_late(&self->op, 0, batch, row);
            return PS_OK;
        }
    }
    uint32_t ref;
    ps_code code = ps_kept_rows_add(&self->rows, batch, row, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    bool is_new_time;
    put_in_order(self, key, ref, time, &is_new_time);
    if (by_arrival) {
        return emit_time(self, key, time, err);
    }
    watch_cleanup(self, key, time);
    if (!is_new_time) {
        return PS_OK;
    }
    self->op.due = time < self->op.due ? time : self->op.due;
    return ps_timers_add(self->timers, time, entry, err);
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    over *self = (over *)op;
    ps_slice *keys;
    ps_code code = ps_key_encode_run(&self->keys, batch, from, to, &keys, err);
    if (code == PS_OK) {
        code = ps_table_put_all(self->table, to - from, keys, self->entries, NULL, err);
    }
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        if (row > from && batch->watermarks[row] >= op->due) {
            *out_done = row - from;
            return PS_OK;
        }
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = take_row(self, batch, row, self->entries[row - from], err);
    }
    *out_done = to - from;
    return code;
}

/* Forgets expired and empty keys among the next `count` entries. */
static void sweep(over *self, uint32_t count, int64_t watermark)
{
    for (; count > 0; count--) {
        uint32_t entry = ps_table_next(self->table, self->sweep_at);
        if (entry == PS_TABLE_NONE) {
            self->sweep_at = 0;
            return;
        }
        self->sweep_at = entry + 1;
        const over_key *key = ps_table_value(self->table, entry);
        if (has_expired(key, watermark) || is_empty(key)) {
            reset_key(self, ps_table_touch(self->table, entry));
            ps_table_remove(self->table, entry);
        }
    }
}

static ps_code emit_due(over *self, uint32_t count, const int64_t *times, const uint64_t *entries,
                        ps_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        ps_table_prefetch(self->table, (uint32_t)entries[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const over_key *key = ps_table_value(self->table, (uint32_t)entries[i]);
        __builtin_prefetch(link_of(self, key->pending));
        __builtin_prefetch(link_of(self, key->frame_first));
    }
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        over_key *key = ps_table_touch(self->table, (uint32_t)entries[i]);
        if (key->pending != 0 && link_of(self, key->pending)->time == times[i]) {
            code = emit_time(self, key, times[i], err);
        }
    }
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    over *self = (over *)op;
    int64_t times[DUE_AT_ONCE];
    uint64_t entries[DUE_AT_ONCE];
    ps_code code = PS_OK;
    uint32_t count;
    do {
        count = 0;
        while (count < DUE_AT_ONCE &&
               ps_timers_take(self->timers, watermark, &times[count], &entries[count])) {
            count++;
        }
        code = emit_due(self, count, times, entries, err);
        sweep(self, count, watermark);
    } while (code == PS_OK && count == DUE_AT_ONCE);
    op->due = ps_timers_earliest(self->timers);
    return code;
}

static void free_over(ps_operator *op)
{
    over *self = (over *)op;
    ps_key_encoder_release(&self->keys);
    free(self);
}

static const ps_operator_class over_class = {
    .name = "OverAggregate",
    .on_rows = on_rows,
    .on_watermark = on_watermark,
    .free = free_over,
};

/* ── building ── */

/* Calls that an aggregator computes, and where their results are. */
static ps_code make_aggregator(over *self, ps_error *err)
{
    const ps_over_spec *spec = self->spec;
    ps_arena *arena = self->op.context.arena;
    ps_aggregate_call *calls = ps_arena_take(arena, (spec->call_count + 1) * sizeof *calls);
    self->result_of = ps_arena_take(arena, (spec->call_count + 1) * sizeof *self->result_of);
    self->results = ps_arena_take(arena, (spec->call_count + 1) * sizeof *self->results);
    if (calls == NULL || self->result_of == NULL || self->results == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for OVER");
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < spec->call_count; i++) {
        bool is_ours = spec->calls[i].class->is_over_only;
        self->result_of[i] = is_ours ? UINT32_MAX : count;
        if (!is_ours) {
            calls[count++] = spec->calls[i];
        }
    }
    if (count == 0) {
        return PS_OK;
    }
    const ps_aggregator_options options = {
        .call_count = count,
        .calls = calls,
        .needs = spec->is_unbounded ? 0 : PS_AGGREGATOR_RETRACT,
        .overflow_is_null = self->op.context.expressions->overflow_is_null,
    };
    return ps_aggregator_new(self->op.context.store, arena, &options, &self->aggregator, err);
}

static void mark_arguments(over *self, const ps_aggregate_call *call)
{
    for (uint32_t i = 0; i < call->argument_count; i++) {
        self->is_argument[call->arguments[i]] = true;
    }
    if (call->filter != PS_NO_COLUMN) {
        self->is_argument[call->filter] = true;
    }
    if (call->time_column != PS_NO_COLUMN) {
        self->is_argument[call->time_column] = true;
    }
}

static ps_code make_scratch(over *self, ps_error *err)
{
    ps_arena *arena = self->op.context.arena;
    self->is_argument = ps_arena_take(arena, self->column_count * sizeof(bool));
    if (self->is_argument == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for OVER");
    }
    for (uint32_t i = 0; i < self->spec->call_count; i++) {
        mark_arguments(self, &self->spec->calls[i]);
    }
    return ps_one_row_init(&self->scratch, arena, self->column_count, err);
}

ps_code ps_op_over_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                       ps_error *err)
{
    over *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for OVER");
    }
    const ps_schema *input = &node->inputs[0]->schema;
    self->op.class = &over_class;
    self->op.context = *context;
    self->spec = node->over;
    self->column_count = input->field_count;
    ps_code code = ps_key_encoder_init(&self->keys, context->arena, self->spec->keys, input, err);
    if (code == PS_OK) {
        code = ps_kept_rows_init(&self->rows, context->store, context->arena, "rows",
                                 sizeof(row_link), input, err);
    }
    if (code == PS_OK) {
        code = make_aggregator(self, err);
    }
    if (code == PS_OK) {
        code = make_scratch(self, err);
    }
    self->entries = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->entries);
    if (code == PS_OK && self->entries == NULL) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for OVER");
    }
    if (code == PS_OK) {
        uint32_t state_size = self->aggregator != NULL ? ps_aggregator_size(self->aggregator) : 0;
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys),
                            (uint32_t)sizeof(over_key) + state_size, &self->table, err);
    }
    if (code == PS_OK) {
        code = ps_timers_new(context->store, "timers", &self->timers, err);
    }
    if (code != PS_OK) {
        free_over(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
