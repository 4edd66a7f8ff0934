/* Match: rows in order of time, by key, through a matcher (SEMANTICS §12.8).
 *
 * By event time rows wait in a calendar (per time a list of rows and a list of deadlines, in a
 * table, and one timer), with the bytes of their key: a key has an entry only while something of
 * it lives. When the watermark passes, rows go to their keys' runs in order of time, ORDER BY and
 * arrival, and those that find no runs and begin none are dropped at once; then time passes for
 * the runs whose deadline is due. By processing time a row goes at once.
 */
#include <stdlib.h>

#include "cep/matcher.h"
#include "flow/key_encoder.h"
#include "flow/sorted_rows.h"
#include "state/table.h"
#include "state/timers.h"

/* Value of a time. */
typedef struct {
    uint32_t first_row, last_row; /* in order of arrival; 0: none */
    uint32_t first_alarm, last_alarm;
} moment;

/* A key's deadline, in the heap of the runs. It counts if it is the key's when its time comes: an
 * earlier one may have been asked for since. */
typedef struct {
    int64_t time;
    uint32_t key; /* entry */
    uint32_t next;
} alarm;

/* Where the table has a time; not part of the state. */
typedef struct {
    int64_t time;
    uint32_t entry; /* PS_TABLE_NONE: not known */
} recent_moment;

enum { RECENT_MOMENTS = 8192 };

typedef struct {
    ps_operator op;
    const ps_match_spec *spec;
    ps_matcher *matcher;
    ps_match_rows *rows;
    ps_heap *heap;
    ps_key_encoder encoder;
    ps_table *keys;        /* → ps_cep_key */
    ps_table *moments;     /* time → moment */
    recent_moment *recent; /* by time modulo RECENT_MOMENTS */
    ps_timers *timers;
    /* of the firing at hand */
    uint32_t *sorted; /* rows of one time */
    uint32_t sorted_room;
    uint32_t first_alarm, last_alarm; /* whose time has come */
    uint32_t *met; /* entries of the keys that had rows, where time must pass for all their runs */
    uint32_t met_count, met_room;
    /* the rows of a batch that were scanned: its conditions are evaluated once, however often it is
     * cut */
    const ps_batch *scanned;
    uint64_t scanned_sequence; /* of the row before scanned_next */
    uint32_t scanned_next;
    uint32_t *first_measure; /* per query: its first column of the output */
} match;

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a pattern");
}

/* ── output ── */

static ps_code set_columns(match *self, const ps_cep_found *found, ps_error *err)
{
    ps_batch_builder *builder = &self->op.context.outlet->builder;
    uint32_t at = self->spec->query_count > 1 ? 1 : 0;
    if (at == 1) {
        ps_batch_builder_set_i64(builder, 0, found->query);
    }
    ps_slice key = ps_cep_row_key(self->rows, ps_cep_node_at(self->heap, found->node)->row);
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < self->spec->keys.count; i++) {
        ps_value value = ps_row_get(&self->encoder.layout, key.data, i);
        code = ps_batch_builder_set(builder, at + i, value, err);
    }
    const ps_column *columns = NULL;
    const ps_cep_compiled *query = ps_matcher_query(self->matcher, found->query);
    if (code == PS_OK) {
        code = ps_cep_measure(query, found->node, &columns, err);
    }
    uint32_t count = query->query->measures.expr_count;
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = ps_batch_builder_copy(builder, self->first_measure[found->query] + i, &columns[i], 0,
                                     err);
    }
    return code;
}

static ps_code on_found(void *with, const ps_cep_found *found, ps_error *err)
{
    match *self = with;
    ps_outlet *outlet = self->op.context.outlet;
    const ps_cep_compiled *query = ps_matcher_query(self->matcher, found->query);
    if (query->query->emit != NULL) {
        const ps_cep_view view = {
            .query = query, .sight = {.node = found->node}, .timeout = found->timeout};
        return query->query->emit(query->query->user, &view, found->is_timeout, outlet, err);
    }
    ps_code code = ps_outlet_begin_row(outlet, PS_KIND_INSERT, err);
    if (code == PS_OK) {
        code = set_columns(self, found, err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

/* ── the calendar ── */

static recent_moment *recent_of(const match *self, int64_t time)
{
    return &self->recent[(uint64_t)time % RECENT_MOMENTS];
}

static ps_code moment_of(match *self, int64_t time, moment **out, ps_error *err)
{
    recent_moment *recent = recent_of(self, time);
    if (recent->time == time && recent->entry != PS_TABLE_NONE) {
        *out = ps_table_touch(self->moments, recent->entry);
        return PS_OK;
    }
    ps_slice key = ps_slice_of((const char *)&time, sizeof time);
    uint32_t entry;
    bool is_new;
    ps_code code =
        ps_table_put(self->moments, ps_table_hash(&time, sizeof time), key, &entry, &is_new, err);
    if (code == PS_OK && is_new) {
        code = ps_timers_add(self->timers, time, entry, err);
    }
    if (code == PS_OK) {
        *recent = (recent_moment){time, entry};
        *out = ps_table_touch(self->moments, entry);
        self->op.due = time < self->op.due ? time : self->op.due;
    }
    return code;
}

static ps_code await_row(match *self, int64_t time, uint32_t row, ps_error *err)
{
    moment *at;
    ps_code code = moment_of(self, time, &at, err);
    if (code != PS_OK) {
        return code;
    }
    if (at->last_row != 0) {
        ps_cep_row_touch(self->rows, at->last_row)->next = row;
    } else {
        at->first_row = row;
    }
    at->last_row = row;
    return PS_OK;
}

static alarm *alarm_at(const match *self, uint32_t ref)
{
    return (alarm *)(void *)ps_heap_at(self->heap, ref);
}

/* The alarms first … last behind those of a list. */
static void link_alarms(match *self, uint32_t *list_first, uint32_t *list_last, uint32_t first,
                        uint32_t last)
{
    if (*list_last != 0) {
        ps_heap_touch(self->heap, *list_last, sizeof(alarm));
        alarm_at(self, *list_last)->next = first;
    } else {
        *list_first = first;
    }
    *list_last = last;
}

static ps_code on_ask(void *with, uint32_t key_entry, int64_t deadline, ps_error *err)
{
    match *self = with;
    moment *at;
    uint32_t ref;
    ps_code code = ps_heap_take(self->heap, sizeof(alarm), &ref, err);
    if (code == PS_OK) {
        *alarm_at(self, ref) = (alarm){.time = deadline, .key = key_entry};
        code = moment_of(self, deadline, &at, err);
    }
    if (code == PS_OK) {
        link_alarms(self, &at->first_alarm, &at->last_alarm, ref, ref);
    }
    return code;
}

/* ── keys ── */

static void forget_idle(match *self, uint32_t entry)
{
    const ps_cep_key *key = ps_table_value(self->keys, entry);
    if (ps_cep_key_is_idle(key)) {
        ps_table_remove(self->keys, entry);
    }
}

/* Some states bound the time since the row before, which no deadline was asked for: the key's time
 * passes when all its rows were matched (SEMANTICS §12.8). */
static ps_code note_met(match *self, uint32_t entry, ps_error *err)
{
    if (self->met_count == self->met_room) {
        uint32_t room = self->met_room == 0 ? 64 : self->met_room * 2;
        uint32_t *larger = realloc(self->met, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(err);
        }
        self->met = larger;
        self->met_room = room;
    }
    self->met[self->met_count++] = entry;
    return PS_OK;
}

static int compare_entries(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static ps_code advance_met(match *self, int64_t watermark, ps_error *err)
{
    ps_code code = PS_OK;
    if (self->met_count > 1) {
        qsort(self->met, self->met_count, sizeof *self->met, compare_entries);
    }
    for (uint32_t i = 0; code == PS_OK && i < self->met_count; i++) {
        uint32_t entry = self->met[i];
        if ((i > 0 && entry == self->met[i - 1]) || ps_table_next(self->keys, entry) != entry) {
            continue; /* done already, or gone since */
        }
        code = ps_matcher_advance(self->matcher, ps_table_touch(self->keys, entry), watermark, err);
        if (code == PS_OK) {
            forget_idle(self, entry);
        }
    }
    self->met_count = 0;
    return code;
}

/* The row's key, added when it begins a run; *out_entry PS_TABLE_NONE: nothing comes of the row. */
static ps_code find_key(match *self, uint32_t row, uint32_t *out_entry, ps_error *err)
{
    ps_slice key = ps_cep_row_key(self->rows, row);
    uint64_t hash = ps_cep_row_at(self->rows, row)->number;
    *out_entry = ps_table_find(self->keys, hash, key);
    bool is_new;
    return *out_entry == PS_TABLE_NONE && ps_matcher_may_start(self->matcher, row)
               ? ps_table_put(self->keys, hash, key, out_entry, &is_new, err)
               : PS_OK;
}

static ps_code process_row(match *self, uint32_t row, ps_error *err)
{
    uint32_t entry;
    ps_code code = find_key(self, row, &entry, err);
    if (code != PS_OK) {
        return code;
    }
    if (entry == PS_TABLE_NONE) {
        ps_matcher_drop(self->matcher, row);
        return PS_OK;
    }
    ps_cep_key *key = ps_table_touch(self->keys, entry);
    code = ps_matcher_process(self->matcher, key, entry, row, err);
    if (code == PS_OK && key->first_run != 0 && ps_matcher_bounds_steps(self->matcher) &&
        !self->spec->is_processing_time) {
        return note_met(self, entry, err);
    }
    if (code == PS_OK) {
        forget_idle(self, entry);
    }
    return code;
}

/* ── firing ── */

static int compare_rows(const match *self, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < self->spec->sort_count; i++) {
        const ps_sort_key *by = &self->spec->sort[i];
        ps_value left = ps_match_row_get(self->rows, a, by->column);
        ps_value right = ps_match_row_get(self->rows, b, by->column);
        int order =
            ps_sort_key_compare(by, self->spec->input->fields[by->column].type, &left, &right);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

/* Merge sort from below: equal rows stay in order of arrival, and a million of one time is no
 * worse than another million. */
static ps_code sort_rows(match *self, uint32_t count, ps_error *err)
{
    uint32_t *from = self->sorted, *to = malloc((count + 1) * sizeof *to);
    uint32_t *spare = to;
    if (spare == NULL) {
        return no_memory(err);
    }
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t left = 0; left < count; left += 2 * width) {
            uint32_t middle = left + width < count ? left + width : count;
            uint32_t right = middle + width < count ? middle + width : count;
            uint32_t a = left, b = middle;
            for (uint32_t i = left; i < right; i++) {
                bool takes_a =
                    a < middle && (b >= right || compare_rows(self, from[a], from[b]) <= 0);
                to[i] = takes_a ? from[a++] : from[b++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != self->sorted) {
        memcpy(self->sorted, from, count * sizeof *from);
    }
    free(spare);
    return PS_OK;
}

static ps_code add_sorted(match *self, uint32_t count, uint32_t row, ps_error *err)
{
    if (count == self->sorted_room) {
        uint32_t room = count == 0 ? 64 : count * 2;
        uint32_t *larger = realloc(self->sorted, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(err);
        }
        self->sorted = larger;
        self->sorted_room = room;
    }
    self->sorted[count] = row;
    return PS_OK;
}

/* The rows of one time by the further columns of ORDER BY. */
static ps_code process_sorted(match *self, uint32_t row, ps_error *err)
{
    uint32_t count = 0;
    ps_code code = PS_OK;
    for (; code == PS_OK && row != 0; row = ps_cep_row_at(self->rows, row)->next) {
        code = add_sorted(self, count++, row, err);
    }
    if (code == PS_OK) {
        code = sort_rows(self, count, err);
    }
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = process_row(self, self->sorted[i], err);
    }
    return code;
}

/* The rows of one time meet their runs; what is due then is put by. */
static ps_code fire(match *self, int64_t time, uint32_t entry, ps_error *err)
{
    recent_of(self, time)->entry = PS_TABLE_NONE;
    moment at = *(const moment *)ps_table_value(self->moments, entry);
    ps_table_remove(self->moments, entry);
    if (at.first_alarm != 0) {
        link_alarms(self, &self->first_alarm, &self->last_alarm, at.first_alarm, at.last_alarm);
    }
    ps_code code = PS_OK;
    if (self->spec->sort_count > 0 && at.first_row != at.last_row) {
        return process_sorted(self, at.first_row, err);
    }
    uint32_t row = at.first_row;
    while (code == PS_OK && row != 0) {
        uint32_t next = ps_cep_row_at(self->rows, row)->next;
        code = process_row(self, row, err);
        row = next;
    }
    return code;
}

/* Its key is still there, or another has its place, and waits for that time. */
static bool is_deadline_of(const match *self, const alarm *at)
{
    if (ps_table_next(self->keys, at->key) != at->key) {
        return false;
    }
    const ps_cep_key *key = ps_table_value(self->keys, at->key);
    return key->has_deadline != 0 && key->deadline == at->time;
}

/* Time has passed for what is due. */
static ps_code expire(match *self, int64_t watermark, ps_error *err)
{
    ps_code code = PS_OK;
    while (code == PS_OK && self->first_alarm != 0) {
        uint32_t ref = self->first_alarm;
        const alarm at = *alarm_at(self, ref);
        self->first_alarm = at.next;
        ps_heap_give(self->heap, ref, sizeof at);
        if (!is_deadline_of(self, &at)) {
            continue;
        }
        ps_cep_key *key = ps_table_touch(self->keys, at.key);
        code = ps_matcher_expire(self->matcher, key, at.key, watermark, err);
        if (code == PS_OK) {
            forget_idle(self, at.key);
        }
    }
    self->last_alarm = 0;
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    match *self = (match *)op;
    int64_t time;
    uint64_t entry;
    ps_code code = PS_OK;
    do {
        while (code == PS_OK && ps_timers_take(self->timers, watermark, &time, &entry)) {
            code = fire(self, time, (uint32_t)entry, err);
        }
        if (code == PS_OK) {
            code = advance_met(self, watermark, err);
        }
        if (code == PS_OK) {
            code = expire(self, watermark, err); /* which may ask for deadlines by then */
        }
    } while (code == PS_OK && ps_timers_earliest(self->timers) <= watermark &&
             ps_timers_count(self->timers) > 0);
    op->due = ps_timers_earliest(self->timers);
    op->lost_run_count = ps_matcher_evicted(self->matcher);
    return code;
}

/* ── rows in ── */

/* Conditions over rows alone, for the whole of a batch when its first row comes. */
static ps_code scan(match *self, const ps_batch *batch, uint32_t from, ps_error *err)
{
    if (self->scanned == batch && self->scanned_next == from && from > 0 &&
        self->scanned_sequence == batch->sequences[from - 1]) {
        return PS_OK;
    }
    self->scanned = batch;
    return ps_matcher_scan(self->matcher, batch, from, batch->row_count, err);
}

static void scanned_until(match *self, const ps_batch *batch, uint32_t next)
{
    self->scanned_next = next;
    self->scanned_sequence = batch->sequences[next - 1];
    if (next == batch->row_count) {
        self->scanned = NULL;
    }
}

static bool is_late(const match *self, const ps_batch *batch, uint32_t row)
{
    const ps_column *times = &batch->columns[self->spec->time_column];
    return ps_column_is_null(times, row) || times->i64[row] <= batch->watermarks[row];
}

static ps_code drop_late(match *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    ps_operator_count_late(&self->op, 0, batch, row);
    if (self->spec->on_late == NULL) {
        return PS_OK;
    }
    ps_outlet_stamp_row(self->op.context.outlet, batch, row);
    return self->spec->on_late(self->spec->on_late_user, batch, row, self->op.context.outlet, err);
}

/* The rows that can be taken before some would be due (*out_to), and keys of those that are not
 * late. */
static ps_code prepare(match *self, const ps_batch *batch, uint32_t from, uint32_t to,
                       ps_slice *keys, uint32_t *out_to, ps_error *err)
{
    int64_t due = self->op.due;
    const int64_t *times = batch->columns[self->spec->time_column].i64;
    uint32_t row = from;
    ps_code code = PS_OK;
    for (; code == PS_OK && row < to && (row == from || batch->watermarks[row] < due); row++) {
        if (is_late(self, batch, row)) {
            keys[row - from] = (ps_slice){0};
            code = drop_late(self, batch, row, err);
        } else {
            due = times[row] < due ? times[row] : due;
        }
    }
    *out_to = row;
    return code;
}

/* Until it is matched a kept row has its key's hash as its number. */
static ps_code keep_row(match *self, const ps_batch *batch, uint32_t row, int64_t time,
                        ps_slice key, uint32_t *out_ref, ps_error *err)
{
    ps_code code = ps_matcher_keep(self->matcher, batch, row, time, key, out_ref, err);
    if (code == PS_OK) {
        ps_cep_row_at(self->rows, *out_ref)->number = ps_table_hash(key.data, key.size);
    }
    return code;
}

/* keys[row − from].data NULL: the row is late. */
static ps_code take_rows(match *self, const ps_batch *batch, uint32_t from, uint32_t to,
                         const ps_slice *keys, ps_error *err)
{
    const int64_t *times = batch->columns[self->spec->time_column].i64;
    ps_code code = PS_OK;
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        if (keys[row - from].data == NULL) {
            continue;
        }
        uint32_t ref;
        code = keep_row(self, batch, row, times[row], keys[row - from], &ref, err);
        if (code == PS_OK) {
            code = await_row(self, times[row], ref, err);
        }
    }
    return code;
}

static ps_code take_by_arrival(match *self, const ps_batch *batch, uint32_t from, uint32_t to,
                               const ps_slice *keys, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        uint32_t ref;
        ps_outlet_stamp_row(self->op.context.outlet, batch, row);
        code =
            keep_row(self, batch, row, self->op.context.clock->now_ms, keys[row - from], &ref, err);
        if (code == PS_OK) {
            code = process_row(self, ref, err);
        }
    }
    return code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    match *self = (match *)op;
    bool by_arrival = self->spec->is_processing_time;
    ps_slice *keys;
    ps_code code = scan(self, batch, from, err);
    if (code == PS_OK) {
        code = ps_key_encode_run(&self->encoder, batch, from, to, &keys, err);
    }
    if (code == PS_OK && !by_arrival) {
        code = prepare(self, batch, from, to, keys, &to, err);
    }
    if (code == PS_OK) {
        code = by_arrival ? take_by_arrival(self, batch, from, to, keys, err)
                          : take_rows(self, batch, from, to, keys, err);
    }
    scanned_until(self, batch, to);
    op->lost_run_count = ps_matcher_evicted(self->matcher);
    *out_done = to - from;
    return code;
}

/* ── set-up ── */

static void free_match(ps_operator *op)
{
    match *self = (match *)op;
    ps_matcher_free(self->matcher);
    ps_key_encoder_release(&self->encoder);
    free(self->sorted);
    free(self->met);
    free(self);
}

static const ps_operator_class match_class = {
    .name = "Match",
    .on_rows = on_rows,
    .on_watermark = on_watermark,
    .free = free_match,
};

static ps_code open_state(match *self, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    ps_store *store = context->store;
    ps_code code = ps_key_encoder_init(&self->encoder, context->arena, self->spec->keys,
                                       self->spec->input, err);
    if (code == PS_OK) {
        code = ps_table_new(store, "keys", ps_key_encoder_size(&self->encoder), sizeof(ps_cep_key),
                            &self->keys, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(store, "moments", sizeof(int64_t), sizeof(moment), &self->moments, err);
    }
    if (code == PS_OK) {
        code = ps_timers_new(store, "timers", &self->timers, err);
    }
    const ps_matcher_options options = {
        .spec = self->spec,
        .context = context,
        .emit = on_found,
        .ask = self->spec->is_processing_time ? NULL : on_ask,
        .with = self,
    };
    return code == PS_OK ? ps_matcher_new(&options, &self->matcher, err) : code;
}

static ps_code lay_out(match *self, ps_error *err)
{
    ps_arena *arena = self->op.context.arena;
    const ps_match_spec *spec = self->spec;
    self->first_measure = ps_arena_take(arena, spec->query_count * sizeof *self->first_measure);
    self->recent = ps_arena_take(arena, RECENT_MOMENTS * sizeof *self->recent);
    if (self->first_measure == NULL || self->recent == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < RECENT_MOMENTS; i++) {
        self->recent[i].entry = PS_TABLE_NONE;
    }
    uint32_t at = spec->keys.count + (spec->query_count > 1 ? 1 : 0);
    for (uint32_t q = 0; q < spec->query_count; q++) {
        self->first_measure[q] = at;
        at += spec->queries[q].measures.expr_count;
    }
    return PS_OK;
}

ps_code ps_op_match_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                        ps_error *err)
{
    match *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->op.class = &match_class;
    self->op.context = *context;
    self->spec = (const ps_match_spec *)node->user;
    ps_code code = lay_out(self, err);
    if (code == PS_OK) {
        code = open_state(self, err);
    }
    if (code != PS_OK) {
        free_match(&self->op);
        return code;
    }
    self->rows = ps_matcher_rows(self->matcher);
    self->heap = ps_matcher_heap(self->matcher);
    *out = &self->op;
    return PS_OK;
}
