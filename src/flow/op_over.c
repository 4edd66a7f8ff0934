/* Over: aggregates over the rows before each row of its key, in order of time (SEMANTICS §8).
 *
 * By event time, rows wait in the timers, ordered by time and arrival, until the watermark has
 * reached them. Then the rows of one time are grouped by key, in order of arrival. RANGE takes all
 * rows of a group into the aggregates and then emits them with one result; ROWS goes row by row. Of
 * a row that has gone out only its arguments stay, in its key's ring, for as long as it is in a
 * bounded frame, from which it is taken out again, or LAG may ask for it. By processing time each
 * row is emitted at once.
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
#include "flow/over_output.h"
#include "flow/row_ring.h"
#include "state/table.h"
#include "state/timers.h"

/* Before the code of a row that waits. */
typedef struct {
    uint32_t entry;      /* of its key */
    uint32_t next_peer;  /* of its key and time; 0: none. Set when they are due */
    uint32_t next_group; /* first row of the next key of that time; 0: none. Likewise */
    uint32_t unused;
} waiting_row;

/* Value of a key; the aggregator's state follows. */
typedef struct {
    ps_row_ring kept;       /* rows taken in; the newest frame_count ones are in the frame */
    uint32_t frame_count;   /* of a bounded frame */
    uint32_t waiting_count; /* rows that were not emitted */
    uint32_t last_peer;     /* of the group being gathered; 0: there is none */
    uint32_t unused;
    int64_t last_time;    /* emitted; 0 at first */
    int64_t cleanup_time; /* 0: none */
    int64_t rank;         /* rows taken in: the reference implementation's RANK and DENSE_RANK */
} over_key;

enum { DUE_AT_ONCE = 32 };

typedef struct {
    ps_operator op;
    const ps_over_spec *spec;
    ps_key_encoder keys;
    ps_kept_rows rows; /* that wait */
    ps_row_rings kept;
    ps_columns arguments; /* columns that calls read: what a ring keeps */
    uint32_t *field_of;   /* per column: its place among them */
    bool has_lag, keeps_rows;
    ps_table *table;
    ps_timers *timers;         /* time of a waiting row → entry, row */
    uint32_t sweep_at;         /* entry that the sweep looks at next; not part of the state */
    uint32_t *entries;         /* of the rows at hand */
    ps_aggregator *aggregator; /* NULL: only ranks and LAG */
    uint32_t *result_of;       /* per call: its number among the aggregator's; UINT32_MAX: ours */
    ps_value *aggregates;
    ps_value *results;  /* of a row: one per call */
    ps_one_row scratch; /* one row for the aggregator: the arguments */
    ps_over_output output;
    /* groups that are being gathered, between two rows of on_watermark */
    int64_t group_time;
    uint32_t first_group, last_group; /* their first rows; 0: none */
} over;

static waiting_row *touch_waiting(over *self, uint32_t ref)
{
    return ps_kept_row_touch(&self->rows, ref);
}

static uint32_t next_peer(const over *self, uint32_t ref)
{
    return ((const waiting_row *)ps_kept_row_header(&self->rows, ref))->next_peer;
}

static char *state_of(over_key *key)
{
    return (char *)(key + 1);
}

/* ── the frame ── */

static void set_argument(over *self, uint32_t field, ps_value value)
{
    uint32_t column = self->arguments.columns[field];
    ps_one_row_set(&self->scratch, column, self->rows.layout.classes[column], value);
}

static ps_code take_in(over *self, over_key *key, uint32_t ref, ps_error *err)
{
    key->frame_count += self->spec->is_unbounded ? 0 : 1;
    key->rank++;
    for (uint32_t i = 0; i < self->arguments.count; i++) {
        ps_value value = ps_kept_row_get(&self->rows, ref, self->arguments.columns[i]);
        self->kept.values[i] = value;
        set_argument(self, i, value);
    }
    ps_code code = PS_OK;
    if (self->keeps_rows) {
        code = ps_row_ring_add(&self->kept, &key->kept, self->group_time, self->kept.values, err);
    }
    if (code == PS_OK && self->aggregator != NULL) {
        self->scratch.sequence = (uint64_t)key->rank;
        code = ps_aggregator_add(self->aggregator, &self->scratch.batch, 0, state_of(key), err);
    }
    return code;
}

/* The oldest row leaves the frame. */
static ps_code take_out(over *self, over_key *key, ps_error *err)
{
    uint32_t oldest = key->kept.count - key->frame_count;
    key->frame_count--;
    if (self->aggregator == NULL) {
        return PS_OK;
    }
    self->scratch.sequence = (uint64_t)key->rank - key->frame_count; /* its rank */
    for (uint32_t i = 0; i < self->arguments.count; i++) {
        set_argument(self, i, ps_row_ring_value(&self->kept, &key->kept, oldest, i));
    }
    return ps_aggregator_retract(self->aggregator, &self->scratch.batch, 0, state_of(key), err);
}

/* Rows leave the ring that are neither in the frame nor among the newest that LAG may ask for. */
static ps_code forget(over *self, over_key *key, uint32_t lag_steps, ps_error *err)
{
    uint32_t needed = key->frame_count > lag_steps ? key->frame_count : lag_steps;
    return self->keeps_rows ? ps_row_ring_keep(&self->kept, &key->kept, needed, err) : PS_OK;
}

/* ── results ── */

static int64_t lag_offset(const over *self, const ps_aggregate_call *call, uint32_t ref)
{
    return call->argument_count > 1 ? ps_kept_row_get(&self->rows, ref, call->arguments[1]).i64 : 1;
}

/* Seen from the last row taken in. */
static ps_value lag_value(const over *self, const over_key *key, const ps_aggregate_call *call,
                          uint32_t ref)
{
    int64_t steps = lag_offset(self, call, ref);
    steps = steps > 0 ? steps : 0;
    if (steps < key->kept.count) {
        uint32_t index = key->kept.count - 1 - (uint32_t)steps;
        return ps_row_ring_value(&self->kept, &key->kept, index,
                                 self->field_of[call->arguments[0]]);
    }
    return call->argument_count > 2 ? ps_kept_row_get(&self->rows, ref, call->arguments[2])
                                    : (ps_value){.is_null = true};
}

/* Rows that stay for the sake of LAG when this one has been emitted. */
static uint32_t lag_steps(const over *self, uint32_t ref)
{
    int64_t steps = 0;
    for (uint32_t i = 0; self->has_lag && i < self->spec->call_count; i++) {
        const ps_aggregate_call *call = &self->spec->calls[i];
        if (call->class->function == PS_AGG_LAG) {
            int64_t offset = lag_offset(self, call, ref);
            steps = offset > steps ? offset : steps;
        }
    }
    return steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX;
}

static ps_value result_value(over *self, const over_key *key, uint32_t call_number, uint32_t ref,
                             int64_t row_number)
{
    const ps_aggregate_call *call = &self->spec->calls[call_number];
    if (self->result_of[call_number] != UINT32_MAX) {
        return self->aggregates[self->result_of[call_number]];
    }
    switch (call->class->function) {
    case PS_AGG_ROW_NUMBER:
        return (ps_value){.i64 = row_number};
    case PS_AGG_RANK:
    case PS_AGG_DENSE_RANK:
        return (ps_value){.i64 = key->rank};
    default:
        return lag_value(self, key, call, ref);
    }
}

/* The row goes to the output. */
static ps_code send(over *self, const over_key *key, uint32_t ref, int64_t row_number,
                    ps_error *err)
{
    for (uint32_t i = 0; i < self->spec->call_count; i++) {
        self->results[i] = result_value(self, key, i, ref, row_number);
    }
    return ps_over_output_add(&self->output, ref, self->results, err);
}

static ps_code compute(over *self, over_key *key, ps_error *err)
{
    return self->aggregator != NULL
               ? ps_aggregator_results(self->aggregator, state_of(key), self->aggregates, err)
               : PS_OK;
}

/* ── a group: rows of one key and time ── */

/* All rows, with one result. */
static ps_code emit_range(over *self, over_key *key, uint32_t first, ps_error *err)
{
    ps_code code = PS_OK;
    int64_t oldest = self->group_time - self->spec->preceding;
    while (code == PS_OK && key->frame_count > 0 &&
           ps_row_ring_time(&self->kept, &key->kept, key->kept.count - key->frame_count) < oldest) {
        code = take_out(self, key, err);
    }
    if (code == PS_OK && !self->has_lag) {
        code = forget(self, key, 0, err); /* makes room in the ring */
    }
    int64_t row_number = key->rank;
    for (uint32_t ref = first; code == PS_OK && ref != 0; ref = next_peer(self, ref)) {
        code = take_in(self, key, ref, err);
    }
    if (code == PS_OK) {
        code = compute(self, key, err);
    }
    uint32_t steps = 0;
    for (uint32_t ref = first, next; code == PS_OK && ref != 0; ref = next) {
        next = next_peer(self, ref);
        steps = lag_steps(self, ref);
        code = send(self, key, ref, ++row_number, err);
    }
    return code == PS_OK ? forget(self, key, steps, err) : code;
}

static ps_code emit_rows(over *self, over_key *key, uint32_t first, ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t steps = 0;
    for (uint32_t ref = first, next; code == PS_OK && ref != 0; ref = next) {
        next = next_peer(self, ref);
        steps = lag_steps(self, ref);
        code = take_in(self, key, ref, err);
        if (code == PS_OK && key->frame_count > (uint64_t)self->spec->preceding + 1) {
            code = take_out(self, key, err);
        }
        if (code == PS_OK) {
            code = compute(self, key, err);
        }
        if (code == PS_OK) {
            code = send(self, key, ref, key->rank, err);
        }
        if (code == PS_OK && !self->has_lag) {
            code = forget(self, key, 0, err);
        }
    }
    return code == PS_OK ? forget(self, key, steps, err) : code;
}

/* Rows from `first` on, of self->group_time. */
static ps_code emit_group(over *self, uint32_t first, ps_error *err)
{
    uint32_t entry = ((const waiting_row *)ps_kept_row_header(&self->rows, first))->entry;
    over_key *key = ps_table_touch(self->table, entry);
    int64_t rank_before = key->rank;
    ps_code code =
        self->spec->is_rows ? emit_rows(self, key, first, err) : emit_range(self, key, first, err);
    key->waiting_count -= (uint32_t)(key->rank - rank_before);
    key->last_peer = 0;
    key->last_time = self->group_time;
    return code;
}

static ps_code emit_groups(over *self, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t first = self->first_group, next; code == PS_OK && first != 0; first = next) {
        next = ((const waiting_row *)ps_kept_row_header(&self->rows, first))->next_group;
        code = emit_group(self, first, err);
    }
    self->first_group = 0;
    self->last_group = 0;
    return code;
}

/* A due row joins the group of its key; those of another time go out first. */
static ps_code gather(over *self, int64_t time, uint32_t entry, uint32_t ref, ps_error *err)
{
    ps_code code = PS_OK;
    if (time != self->group_time) {
        code = emit_groups(self, err);
        self->group_time = time;
    }
    over_key *key = ps_table_touch(self->table, entry);
    if (key->last_peer != 0) {
        touch_waiting(self, key->last_peer)->next_peer = ref;
    } else if (self->last_group != 0) {
        touch_waiting(self, self->last_group)->next_group = ref;
    }
    if (key->last_peer == 0) {
        self->first_group = self->first_group == 0 ? ref : self->first_group;
        self->last_group = ref;
    }
    key->last_peer = ref;
    return code;
}

/* ── rows ── */

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

/* The key as it was before its first row. None of its rows waits. */
static void reset_key(over *self, over_key *key)
{
    PS_ASSERT(key->waiting_count == 0);
    ps_row_ring_clear(&self->kept, &key->kept);
    if (self->aggregator != NULL) {
        ps_aggregator_clear(self->aggregator, state_of(key));
    }
    *key = (over_key){0};
}

static bool has_expired(const over_key *key, int64_t watermark)
{
    return key->cleanup_time != 0 && key->cleanup_time <= watermark && key->waiting_count == 0;
}

/* Made for late rows alone. */
static bool is_empty(const over_key *key)
{
    return key->waiting_count == 0 && key->rank == 0 && key->last_time == 0;
}

static bool is_late(const over *self, const over_key *key, int64_t time, int64_t watermark)
{
    return self->spec->is_unbounded ? time <= watermark : time <= key->last_time;
}

static ps_code keep(over *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                    uint32_t *out_ref, ps_error *err)
{
    ps_code code = ps_kept_rows_add(&self->rows, batch, row, out_ref, err);
    if (code == PS_OK) {
        touch_waiting(self, *out_ref)->entry = entry;
        ((over_key *)ps_table_touch(self->table, entry))->waiting_count++;
    }
    return code;
}

/* By processing time. */
static ps_code take_row_at_once(over *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                                ps_error *err)
{
    uint32_t ref;
    ps_code code = keep(self, batch, row, entry, &ref, err);
    self->group_time = self->op.context.clock->now_ms;
    return code == PS_OK ? emit_group(self, ref, err) : code;
}

static ps_code take_row(over *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                        ps_error *err)
{
    over_key *key = ps_table_touch(self->table, entry);
    const ps_column *times = &batch->columns[self->spec->time_column];
    int64_t time = times->i64[row];
    if (has_expired(key, batch->watermarks[row])) {
        reset_key(self, key);
    }
    if (ps_column_is_null(times, row) || is_late(self, key, time, batch->watermarks[row])) {
        ps_operator_count_late(&self->op, 0, batch, row);
        return PS_OK;
    }
    uint32_t ref;
    ps_code code = keep(self, batch, row, entry, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    watch_cleanup(self, key, time);
    self->op.due = time < self->op.due ? time : self->op.due;
    return ps_timers_add(self->timers, time, (uint64_t)entry << 32 | ref, err);
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
    bool is_at_once = self->spec->is_processing_time;
    uint32_t row = from;
    for (; code == PS_OK && row < to; row++) {
        if (row > from && batch->watermarks[row] >= op->due) {
            break;
        }
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        uint32_t entry = self->entries[row - from];
        code = is_at_once ? take_row_at_once(self, batch, row, entry, err)
                          : take_row(self, batch, row, entry, err);
    }
    *out_done = row - from;
    return code == PS_OK ? ps_over_output_flush(&self->output, err) : code;
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

/* Fetches what emitting those rows needs. */
static void prefetch(const over *self, uint32_t count, const uint64_t *due)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *row = ps_kept_row_header(&self->rows, (uint32_t)due[i]);
        __builtin_prefetch(row, 1);
        __builtin_prefetch(row + 64);
        ps_table_prefetch(self->table, (uint32_t)(due[i] >> 32));
    }
    for (uint32_t i = 0; self->keeps_rows && i < count; i++) {
        const over_key *key = ps_table_value(self->table, (uint32_t)(due[i] >> 32));
        ps_row_ring_prefetch(&self->kept, &key->kept);
    }
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    over *self = (over *)op;
    int64_t times[DUE_AT_ONCE];
    uint64_t due[DUE_AT_ONCE];
    ps_code code = PS_OK;
    uint32_t count;
    do {
        count = 0;
        while (count < DUE_AT_ONCE &&
               ps_timers_take(self->timers, watermark, &times[count], &due[count])) {
            count++;
        }
        prefetch(self, count, due);
        for (uint32_t i = 0; code == PS_OK && i < count; i++) {
            code = gather(self, times[i], (uint32_t)(due[i] >> 32), (uint32_t)due[i], err);
        }
        sweep(self, count, watermark);
    } while (code == PS_OK && count == DUE_AT_ONCE);
    code = code == PS_OK ? emit_groups(self, err) : code;
    op->due = ps_timers_earliest(self->timers);
    return code == PS_OK ? ps_over_output_flush(&self->output, err) : code;
}

static void free_over(ps_operator *op)
{
    over *self = (over *)op;
    ps_key_encoder_release(&self->keys);
    ps_over_output_release(&self->output);
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
    self->aggregates = ps_arena_take(arena, (spec->call_count + 1) * sizeof *self->aggregates);
    self->results = ps_arena_take(arena, (spec->call_count + 1) * sizeof *self->results);
    if (calls == NULL || self->result_of == NULL || self->aggregates == NULL ||
        self->results == NULL) {
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

static void mark_arguments(bool *is_argument, const ps_aggregate_call *call)
{
    for (uint32_t i = 0; i < call->argument_count; i++) {
        is_argument[call->arguments[i]] = true;
    }
    if (call->filter != PS_NO_COLUMN) {
        is_argument[call->filter] = true;
    }
    if (call->time_column != PS_NO_COLUMN) {
        is_argument[call->time_column] = true;
    }
}

static ps_code find_arguments(over *self, uint32_t column_count, ps_error *err)
{
    ps_arena *arena = self->op.context.arena;
    bool *is_argument = ps_arena_take(arena, column_count * sizeof *is_argument);
    uint32_t *columns = ps_arena_take(arena, column_count * sizeof *columns);
    self->field_of = ps_arena_take(arena, column_count * sizeof *self->field_of);
    if (is_argument == NULL || columns == NULL || self->field_of == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for OVER");
    }
    for (uint32_t i = 0; i < self->spec->call_count; i++) {
        mark_arguments(is_argument, &self->spec->calls[i]);
        self->has_lag = self->has_lag || self->spec->calls[i].class->function == PS_AGG_LAG;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < column_count; i++) {
        self->field_of[i] = count;
        if (is_argument[i]) {
            columns[count++] = i;
        }
    }
    self->arguments = (ps_columns){count, columns};
    self->keeps_rows = !self->spec->is_unbounded || self->has_lag;
    return ps_one_row_init(&self->scratch, arena, column_count, err);
}

static ps_code open_rows(over *self, const ps_node *node, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    const ps_schema *input = &node->inputs[0]->schema;
    ps_code code = ps_kept_rows_init(&self->rows, context->store, context->arena, "rows",
                                     sizeof(waiting_row), input, err);
    if (code == PS_OK) {
        code = ps_row_rings_init(&self->kept, context->store, context->arena, "kept", input,
                                 self->arguments, err);
    }
    return code == PS_OK ? ps_over_output_init(&self->output, &self->rows, input, &node->schema,
                                               context->outlet, context->arena, err)
                         : code;
}

static ps_code open_keys(over *self, ps_error *err)
{
    ps_store *store = self->op.context.store;
    uint32_t state_size = self->aggregator != NULL ? ps_aggregator_size(self->aggregator) : 0;
    ps_code code = ps_table_new(store, "keys", ps_key_encoder_size(&self->keys),
                                (uint32_t)sizeof(over_key) + state_size, &self->table, err);
    return code == PS_OK ? ps_timers_new(store, "timers", &self->timers, err) : code;
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
    ps_code code = ps_key_encoder_init(&self->keys, context->arena, self->spec->keys, input, err);
    if (code == PS_OK) {
        code = find_arguments(self, input->field_count, err);
    }
    if (code == PS_OK) {
        code = open_rows(self, node, err);
    }
    if (code == PS_OK) {
        code = make_aggregator(self, err);
    }
    self->entries = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->entries);
    if (code == PS_OK && self->entries == NULL) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for OVER");
    }
    if (code == PS_OK) {
        code = open_keys(self, err);
    }
    if (code != PS_OK) {
        free_over(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
