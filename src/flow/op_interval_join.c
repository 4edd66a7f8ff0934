/* IntervalJoin: rows whose times lie within bounds of each other (SEMANTICS
 * §10.1). Per key and side, a list of kept rows in order of time.
 *
 * A row first meets the other side's rows, late or not; then it is kept for as
 * long as partners can still come: until the watermark has passed the upper end
 * of its range. Rows beyond that are dropped when the list is walked, and by a
 * clean-up half the two ranges later; an outer row that has met nobody is
 * padded at that moment. A clean-up at time T drops what T has passed, whatever
 * the watermark that reached T: the same rows are there for whoever comes late,
 * however the stream is cut.
 *
 * Where nothing is padded, nobody can tell when rows are really dropped. Then
 * an entry that is met is brought up to date first, and lists are watched
 * together, at few times.
 */
#include <stdlib.h>

#include "flow/join_keys.h"
#include "flow/join_output.h"
#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"
#include "state/timers.h"

enum { PREFETCH_ROWS = 12, RARELY = 8 };

/* Before a kept row's code. */
typedef struct {
    int64_t time;
    uint32_t next, previous; /* in order of time; 0: none */
    uint64_t has_met;        /* 1: some partner (outer sides only) */
} row_link;

/* One side of a key. */
typedef struct {
    uint32_t first, last;
    int64_t cleanup_time;  /* of the next clean-up, when there is to be one */
    uint32_t next_watched; /* list_name of the next one in the watch; 0: none */
    uint8_t has_cleanup;   /* stays when the rows are gone before it */
    uint8_t is_watched;    /* at the clean-up's time or before it */
    uint16_t unused;
} row_list;

/* Lists to be cleaned up at the same time, in order of being added. */
typedef struct {
    uint32_t first, last; /* list names */
} watch;

typedef struct {
    row_list sides[2];
} interval_entry;

typedef struct {
    ps_operator op;
    const ps_interval_join_spec *spec;
    int64_t reach[2]; /* partners of a row of side s at t are in [t − reach[1 −
                       s], t + reach[s]] */
    int64_t slack;
    ps_key_encoder keys[2];
    ps_kept_rows rows[2];
    ps_table *table;
    ps_table *watches; /* time → watch */
    ps_timers *timers; /* one per watch; payload: its entry */
    ps_join_pairs pairs;
    ps_join_output output;
    bool is_inner;
    bool is_outer[2];
    int64_t watch_step_ms; /* watches are at multiples of it */
    uint32_t *entries;     /* of the run's rows */
} interval_join;

static row_link *link_of(const interval_join *self, uint32_t side, uint32_t ref)
{
    return ps_kept_row_header(&self->rows[side], ref);
}

static row_link *touch_link(interval_join *self, uint32_t side, uint32_t ref)
{
    return ps_kept_row_touch(&self->rows[side], ref);
}

static ps_code send(interval_join *self, uint32_t side, const ps_join_row *row,
                    const ps_join_row *partner, ps_error *err)
{
    return ps_join_output_add(&self->output, PS_KIND_INSERT, side == 0 ? row : partner,
                              side == 0 ? partner : row, err);
}

/* ── lists ── */

/* The first rows up to that time leave; padded, if their side is outer and they
 * have met nobody. */
static ps_code drop_until(interval_join *self, uint32_t side, row_list *list, int64_t until,
                          ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t ref = list->first;
    bool has_dropped = false;
    while (code == PS_OK && ref != 0 && link_of(self, side, ref)->time <= until) {
        const row_link *link = link_of(self, side, ref);
        uint32_t next = link->next;
        if (self->is_outer[side] && link->has_met == 0) {
            ps_join_row row = ps_join_kept_row(&self->rows[side], ref);
            code = send(self, side, &row, NULL, err);
        }
        if (code == PS_OK) {
            code = ps_join_output_drop(&self->output, &self->rows[side], ref, err);
        }
        ref = next;
        has_dropped = true;
    }
    list->first = ref;
    if (ref == 0) {
        list->last = 0;
    } else if (has_dropped) {
        touch_link(self, side, ref)->previous = 0;
    }
    return code;
}

static ps_code insert(interval_join *self, uint32_t side, row_list *list, const ps_join_row *mine,
                      row_link link, ps_error *err)
{
    uint32_t ref;
    ps_code code = ps_kept_rows_add(&self->rows[side], mine->batch, mine->row, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    uint32_t after = list->last;
    while (after != 0 && link_of(self, side, after)->time > link.time) {
        after = link_of(self, side, after)->previous;
    }
    uint32_t before = after != 0 ? link_of(self, side, after)->next : list->first;
    link.next = before;
    link.previous = after;
    *link_of(self, side, ref) = link;
    if (after != 0) {
        touch_link(self, side, after)->next = ref;
    } else {
        list->first = ref;
    }
    if (before != 0) {
        touch_link(self, side, before)->previous = ref;
    } else {
        list->last = ref;
    }
    return PS_OK;
}

/* ── times ── */

/* Rows of a side up to here cannot get partners any more. */
static int64_t expiration_time(const interval_join *self, uint32_t side, int64_t now)
{
    return now - self->reach[side] - 1;
}

static int64_t cleanup_time(const interval_join *self, uint32_t side, int64_t row_time)
{
    return row_time + self->reach[side] + self->slack + 1;
}

/* All clean-ups of the list up to now. */
static ps_code clean_up(interval_join *self, uint32_t side, row_list *list, int64_t now,
                        ps_error *err)
{
    ps_code code = PS_OK;
    while (code == PS_OK && list->has_cleanup != 0 && list->cleanup_time <= now) {
        int64_t until = expiration_time(self, side, list->cleanup_time);
        code = drop_until(self, side, list, until, err);
        list->has_cleanup = list->first != 0;
        if (list->first != 0) {
            list->cleanup_time = cleanup_time(self, side, link_of(self, side, list->first)->time);
        }
    }
    return code;
}

/* ── watches ── */

/* Not 0. */
static uint32_t list_name(uint32_t number, uint32_t side)
{
    return number * 2 + side + 1;
}

static row_list *touch_list(interval_join *self, uint32_t name)
{
    interval_entry *entry = ps_table_touch(self->table, (name - 1) / 2);
    return &entry->sides[(name - 1) % 2];
}

static ps_code find_watch(interval_join *self, int64_t time, watch **out, ps_error *err)
{
    ps_slice key = ps_slice_of(&time, sizeof time);
    uint32_t number;
    bool is_new;
    ps_code code =
        ps_table_put(self->watches, ps_table_hash(&time, sizeof time), key, &number, &is_new, err);
    if (code == PS_OK && is_new) {
        code = ps_timers_add(self->timers, time, number, err);
        if (!self->spec->is_processing_time) { /* that is the clock's business */
            self->op.due = time < self->op.due ? time : self->op.due;
        }
    }
    if (code == PS_OK) {
        *out = ps_table_touch(self->watches, number);
    }
    return code;
}

/* The list will be cleaned up. */
static ps_code watch_list(interval_join *self, uint32_t name, ps_error *err)
{
    row_list *list = touch_list(self, name);
    if (list->is_watched != 0) {
        return PS_OK;
    }
    int64_t step = self->watch_step_ms, time = list->cleanup_time;
    bool is_odd = step > 1 && time > 0 && time % step != 0;
    watch *to;
    ps_code code = find_watch(self, is_odd ? time - time % step + step : time, &to, err);
    if (code != PS_OK) {
        return code;
    }
    if (to->last != 0) {
        touch_list(self, to->last)->next_watched = name;
    } else {
        to->first = name;
    }
    to->last = name;
    list->is_watched = 1;
    list->next_watched = 0;
    return PS_OK;
}

/* ── a row ── */

/* Candidates that were gathered: those that match are sent and marked. */
static ps_code flush_pairs(interval_join *self, uint32_t side, const ps_join_row *mine,
                           bool *has_met, ps_error *err)
{
    uint32_t other = 1 - side;
    uint32_t count;
    ps_code code = ps_join_pairs_match(&self->pairs, &count, err);
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        uint32_t ref = self->pairs.refs[self->pairs.selection[i]];
        ps_join_row theirs = ps_join_kept_row(&self->rows[other], ref);
        code = send(self, side, mine, &theirs, err);
        if (self->is_outer[other] && link_of(self, other, ref)->has_met == 0) {
            touch_link(self, other, ref)->has_met = 1;
        }
        *has_met = true;
    }
    ps_join_pairs_reset(&self->pairs);
    return code;
}

/* The row with those of the other side in its range. */
static ps_code meet(interval_join *self, uint32_t side, const row_list *others,
                    const ps_join_row *mine, int64_t time, bool *has_met, ps_error *err)
{
    uint32_t other = 1 - side;
    int64_t low = time - self->reach[other], high = time + self->reach[side];
    ps_code code = PS_OK;
    for (uint32_t ref = others->first, next; code == PS_OK && ref != 0; ref = next) {
        const row_link *link = link_of(self, other, ref);
        next = link->next;
        if (link->time > high) {
            break;
        }
        if (link->time < low) {
            continue;
        }
        ps_join_row theirs = ps_join_kept_row(&self->rows[other], ref);
        if (self->is_inner) {
            code = send(self, side, mine, &theirs, err); /* the output judges */
            continue;
        }
        ps_join_pairs_add(&self->pairs, side == 0 ? mine : &theirs, side == 0 ? &theirs : mine,
                          ref);
        if (ps_join_pairs_is_full(&self->pairs)) {
            code = flush_pairs(self, side, mine, has_met, err);
        }
    }
    return code == PS_OK && !self->is_inner ? flush_pairs(self, side, mine, has_met, err) : code;
}

static ps_code join_row(interval_join *self, uint32_t side, uint32_t number,
                        const ps_join_row *mine, int64_t time, int64_t now, ps_error *err)
{
    uint32_t other = 1 - side;
    interval_entry *entry = ps_table_touch(self->table, number);
    row_list *list = &entry->sides[side];
    bool has_met = false;
    ps_code code = clean_up(self, other, &entry->sides[other], now, err);
    if (code == PS_OK && !ps_join_has_null_key(&self->spec->on, side, mine->batch, mine->row)) {
        code = meet(self, side, &entry->sides[other], mine, time, &has_met, err);
    }
    if (code == PS_OK) {
        int64_t until = expiration_time(self, other, now);
        code = drop_until(self, other, &entry->sides[other], until, err);
    }
    if (code == PS_OK) {
        code = clean_up(self, side, list, now, err);
    }
    if (code != PS_OK) {
        return code;
    }
    if (now >= time + self->reach[side]) {
        return !has_met && self->is_outer[side] ? send(self, side, mine, NULL, err) : PS_OK;
    }
    code = insert(self, side, list, mine, (row_link){.time = time, .has_met = has_met}, err);
    if (code == PS_OK && list->has_cleanup == 0) {
        list->has_cleanup = 1;
        list->cleanup_time = cleanup_time(self, side, time);
        code = watch_list(self, list_name(number, side), err);
    }
    return code;
}

static int64_t operator_time(const interval_join *self, int64_t watermark)
{
    if (self->spec->is_processing_time) {
        return self->op.context.clock->now_ms;
    }
    return watermark > 0 ? watermark : 0;
}

static ps_code take_row(interval_join *self, uint32_t side, uint32_t number,
                        const ps_join_row *mine, ps_error *err)
{
    const ps_batch *batch = mine->batch;
    if (number == PS_TABLE_NONE) { /* without hope */
        return self->is_outer[side] ? send(self, side, mine, NULL, err) : PS_OK;
    }
    int64_t now = operator_time(self, batch->watermarks[mine->row]);
    int64_t time = now;
    if (!self->spec->is_processing_time) {
        const ps_column *column =
            &batch->columns[side == 0 ? self->spec->left_time : self->spec->right_time];
        if (ps_column_is_null(column, mine->row)) {
            ps_operator_count_late(&self->op, side, batch, mine->row);
            return PS_OK;
        }
        time = column->i64[mine->row];
    }
    return join_row(self, side, number, mine, time, now, err);
}

/* ── a run ── */

/* Entries of the run's rows; PS_TABLE_NONE: the row meets nobody and is not
 * kept. */
static ps_code find_entries(interval_join *self, uint32_t side, const ps_batch *batch,
                            uint32_t from, uint32_t to, ps_error *err)
{
    ps_slice *keys;
    ps_code code = ps_key_encode_run(&self->keys[side], batch, from, to, &keys, err);
    if (code != PS_OK) {
        return code;
    }
    bool is_empty = self->spec->lower_ms > self->spec->upper_ms;
    for (uint32_t row = from; row < to; row++) {
        if (is_empty ||
            (!self->is_outer[side] && ps_join_has_null_key(&self->spec->on, side, batch, row))) {
            keys[row - from].data = NULL;
        }
    }
    return ps_table_put_all(self->table, to - from, keys, self->entries, NULL, err);
}

static void prefetch(const interval_join *self, uint32_t side, uint32_t number)
{
    if (number == PS_TABLE_NONE) {
        return;
    }
    const interval_entry *entry = ps_table_value(self->table, number);
    const char *partner = ps_heap_at(&self->rows[1 - side].heap, entry->sides[1 - side].first);
    __builtin_prefetch(partner);
    __builtin_prefetch(partner + 64);
    __builtin_prefetch(ps_heap_at(&self->rows[side].heap, entry->sides[side].last), 1);
}

static bool is_idle(const interval_entry *entry)
{
    return entry->sides[0].first == 0 && entry->sides[1].first == 0 &&
           entry->sides[0].is_watched == 0 && entry->sides[1].is_watched == 0;
}

/* Entries that nothing was put into leave. A key may be there several times. */
static void remove_idle(interval_join *self, uint32_t count)
{
    uint32_t idle = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = self->entries[i];
        if (number == PS_TABLE_NONE || !is_idle(ps_table_value(self->table, number))) {
            continue;
        }
        interval_entry *entry = ps_table_touch(self->table, number);
        if (entry->sides[0].last == 0) {
            entry->sides[0].last = UINT32_MAX; /* listed */
            self->entries[idle++] = number;
        }
    }
    ps_table_remove_all(self->table, idle, self->entries);
}

/* The lists of a watch, up to that time. */
static ps_code fire_watch(interval_join *self, uint32_t first, int64_t now, ps_error *err)
{
    uint32_t *idle = self->entries;
    uint32_t idle_count = 0;
    ps_code code = PS_OK;
    for (uint32_t name = first, next; code == PS_OK && name != 0; name = next) {
        uint32_t number = (name - 1) / 2, side = (name - 1) % 2;
        row_list *list = touch_list(self, name);
        next = list->next_watched;
        if (next != 0) {
            ps_table_prefetch(self->table, (next - 1) / 2);
        }
        list->is_watched = 0;
        code = clean_up(self, side, list, now, err);
        if (code == PS_OK && list->has_cleanup != 0) {
            code = watch_list(self, name, err);
        } else if (code == PS_OK && is_idle(ps_table_value(self->table, number))) {
            idle[idle_count++] = number; /* no other list of the watch is of that entry */
        }
        if (idle_count == PS_BATCH_ROWS || next == 0) {
            ps_table_remove_all(self->table, idle_count, idle);
            idle_count = 0;
        }
    }
    return code;
}

static ps_code fire_timers(interval_join *self, int64_t now, ps_error *err)
{
    int64_t time;
    uint64_t number;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, now, &time, &number)) {
        const watch *fired = ps_table_value(self->watches, (uint32_t)number);
        uint32_t first = fired->first;
        ps_table_remove(self->watches, (uint32_t)number);
        /* padded rows go out in the order of the clean-ups, whatever step the time
     * takes */
        code = fire_watch(self, first, self->is_inner ? now : time, err);
    }
    if (!self->spec->is_processing_time) {
        self->op.due = ps_timers_earliest(self->timers);
    }
    return code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    interval_join *self = (interval_join *)op;
    ps_code code = PS_OK;
    if (self->spec->is_processing_time) {
        code = fire_timers(self, op->context.clock->now_ms, err);
    }
    if (code == PS_OK) {
        code = find_entries(self, input, batch, from, to, err);
    }
    uint32_t row = from;
    for (; code == PS_OK && row < to; row++) {
        if (row > from && batch->watermarks[row] >= op->due) {
            break;
        }
        if (to - row > PREFETCH_ROWS) {
            prefetch(self, input, self->entries[row - from + PREFETCH_ROWS]);
        }
        ps_join_row mine = ps_join_batch_row(batch, row);
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = take_row(self, input, self->entries[row - from], &mine, err);
    }
    if (code == PS_OK) {
        remove_idle(self, to - from);
        code = ps_join_output_flush(&self->output, err);
    }
    *out_done = row - from;
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    interval_join *self = (interval_join *)op;
    if (self->spec->is_processing_time && watermark != PS_WATERMARK_END) {
        return PS_OK;
    }
    ps_code code = fire_timers(self, watermark, err);
    return code == PS_OK ? ps_join_output_flush(&self->output, err) : code;
}

static void free_interval_join(ps_operator *op)
{
    interval_join *self = (interval_join *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    ps_join_pairs_release(&self->pairs);
    ps_join_output_release(&self->output);
    free(self);
}

static const ps_operator_class interval_join_class = {
    .name = "IntervalJoin",
    .on_rows = on_rows,
    .on_watermark = on_watermark,
    .free = free_interval_join,
};

static ps_code open_state(interval_join *self, const ps_node *node, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    const ps_join_on *on = &self->spec->on;
    ps_code code = PS_OK;
    for (uint32_t side = 0; code == PS_OK && side < 2; side++) {
        const ps_schema *schema = &node->inputs[side]->schema;
        code = ps_key_encoder_init(&self->keys[side], context->arena, ps_join_keys(on, side),
                                   schema, err);
        if (code == PS_OK) {
            code = ps_kept_rows_init(&self->rows[side], context->store, context->arena,
                                     side == 0 ? "left" : "right", sizeof(row_link), schema, err);
        }
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys[0]),
                            sizeof(interval_entry), &self->table, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "watches", sizeof(int64_t), sizeof(watch),
                            &self->watches, err);
    }
    return code == PS_OK ? ps_timers_new(context->store, "timers", &self->timers, err) : code;
}

static ps_code open(interval_join *self, const ps_node *node, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    const ps_join_on *on = &self->spec->on;
    self->entries = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->entries);
    if (self->entries == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for an interval join");
    }
    ps_code code = open_state(self, node, err);
    if (code == PS_OK) {
        code = ps_join_output_init(&self->output, node, on, self->is_inner ? on->condition : NULL,
                                   context, err);
    }
    return code == PS_OK && !self->is_inner
               ? ps_join_pairs_init(&self->pairs, node, on, context, err)
               : code;
}

ps_code ps_op_interval_join_new(const ps_node *node, const ps_operator_context *context,
                                ps_operator **out, ps_error *err)
{
    interval_join *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for an interval join");
    }
    const ps_interval_join_spec *spec = node->interval_join;
    self->op.class = &interval_join_class;
    self->op.context = *context;
    self->spec = spec;
    self->reach[0] = spec->upper_ms;
    self->reach[1] = -spec->lower_ms;
    self->slack = (self->reach[0] + self->reach[1]) / 2;
    self->is_inner = spec->on.kind == PS_JOIN_INNER;
    self->watch_step_ms = self->is_inner ? self->slack / RARELY : 1;
    self->is_outer[0] = ps_join_is_outer(&spec->on, 0);
    self->is_outer[1] = ps_join_is_outer(&spec->on, 1);
    int64_t furthest = self->reach[0] > self->reach[1] ? self->reach[0] : self->reach[1];
    context->outlet->hold_back_ms = furthest > 0 && !spec->is_processing_time ? furthest : 0;
    ps_code code = open(self, node, err);
    if (code != PS_OK) {
        free_interval_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
