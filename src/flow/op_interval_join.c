/* IntervalJoin: rows whose times lie within bounds of each other (SEMANTICS §10.1). Per key and
 * side, a list of kept rows in order of time.
 *
 * A row first meets the other side's rows, late or not; then it is kept for as long as partners can
 * still come: until the watermark has passed the upper end of its range. Rows beyond that are
 * dropped when the list is walked, and by a clean-up timer half the two ranges later; an outer row
 * that has met nobody is padded at that moment. */
#include <stdlib.h>

#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"
#include "state/timers.h"

/* Before a kept row's code. */
typedef struct {
    int64_t time;
    uint32_t next, previous; /* in order of time; 0: none */
    uint64_t has_met;        /* 1: some partner */
} row_link;

/* Value of a key. */
typedef struct {
    struct {
        uint32_t first, last;
        int64_t cleanup_time; /* of the timer that drops this side's rows; 0: none */
    } sides[2];
} interval_entry;

/* In the store: rows of a side up to this time are gone for whoever comes late. */
typedef struct {
    int64_t expired[2];
} interval_root;

typedef struct {
    ps_operator op;
    const ps_interval_join_spec *spec;
    int64_t reach[2]; /* how far behind a row's own time the other side's rows may lie: partners of
                         side s at t are in [t − reach[1 − s], t + reach[s]] */
    ps_key_encoder keys[2];
    ps_kept_rows rows[2];
    ps_table *table;
    ps_timers *timers; /* payload: entry × 2 + side whose rows are dropped */
    interval_root *root;
    ps_join_pairs pairs;
    bool is_outer[2];
    uint32_t left_count;
} interval_join;

static row_link *link_of(const interval_join *self, uint32_t side, uint32_t ref)
{
    return ps_kept_row_header(&self->rows[side], ref);
}

static row_link *touch_link(interval_join *self, uint32_t side, uint32_t ref)
{
    return ps_kept_row_touch(&self->rows[side], ref);
}

/* ── output ── */

static ps_code send(interval_join *self, uint32_t side, const ps_join_row *row,
                    const ps_join_row *partner, ps_error *err)
{
    return ps_join_send(self->op.context.outlet, PS_KIND_INSERT, self->left_count,
                        side == 0 ? row : partner, side == 0 ? partner : row, err);
}

/* A kept row leaves; padded, if its side is outer and it has met nobody. */
static ps_code drop_row(interval_join *self, uint32_t side, interval_entry *entry, uint32_t ref,
                        ps_error *err)
{
    ps_code code = PS_OK;
    row_link *link = link_of(self, side, ref);
    if (self->is_outer[side] && link->has_met == 0) {
        ps_join_row row = ps_join_kept_row(&self->rows[side], ref);
        code = send(self, side, &row, NULL, err);
    }
    uint32_t next = link->next, previous = link->previous;
    if (previous != 0) {
        touch_link(self, side, previous)->next = next;
    } else {
        entry->sides[side].first = next;
    }
    if (next != 0) {
        touch_link(self, side, next)->previous = previous;
    } else {
        entry->sides[side].last = previous;
    }
    ps_kept_rows_drop(&self->rows[side], ref);
    return code;
}

static ps_code drop_expired(interval_join *self, uint32_t side, interval_entry *entry,
                            int64_t until, ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t ref = entry->sides[side].first;
    while (code == PS_OK && ref != 0 && link_of(self, side, ref)->time <= until) {
        code = drop_row(self, side, entry, ref, err);
        ref = entry->sides[side].first;
    }
    return code;
}

/* ── times ── */

static int64_t operator_time(const interval_join *self, int64_t watermark)
{
    if (self->spec->is_processing_time && watermark != PS_WATERMARK_END) {
        return self->op.context.clock->now_ms;
    }
    return watermark > 0 ? watermark : 0;
}

/* Rows of a side up to here cannot get partners any more. */
static int64_t expiration_time(const interval_join *self, uint32_t side, int64_t time)
{
    return time == INT64_MAX ? INT64_MAX : time - self->reach[side] - 1;
}

static ps_code watch_cleanup(interval_join *self, uint32_t side, interval_entry *entry,
                             uint32_t number, int64_t row_time, ps_error *err)
{
    int64_t slack = (self->reach[0] + self->reach[1]) / 2;
    int64_t at = row_time + self->reach[side] + slack + 1;
    entry->sides[side].cleanup_time = at;
    self->op.due = at < self->op.due ? at : self->op.due;
    return ps_timers_add(self->timers, at, (uint64_t)number * 2 + side, err);
}

/* ── a row ── */

/* Candidates that were gathered: those that match are sent and marked. */
static ps_code flush_pairs(interval_join *self, uint32_t side, const ps_join_row *mine,
                           bool *has_met, ps_error *err)
{
    uint32_t count;
    ps_code code = ps_join_pairs_match(&self->pairs, &count, err);
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        uint32_t ref = self->pairs.refs[self->pairs.selection[i]];
        ps_join_row other = ps_join_kept_row(&self->rows[1 - side], ref);
        code = send(self, side, mine, &other, err);
        if (link_of(self, 1 - side, ref)->has_met == 0) {
            touch_link(self, 1 - side, ref)->has_met = 1;
        }
        *has_met = true;
    }
    ps_join_pairs_reset(&self->pairs);
    return code;
}

static ps_code meet(interval_join *self, uint32_t side, const interval_entry *entry,
                    const ps_join_row *mine, int64_t time, bool *has_met, ps_error *err)
{
    uint32_t other = 1 - side;
    int64_t low = time - self->reach[other], high = time + self->reach[side];
    ps_code code = PS_OK;
    uint32_t ref = entry->sides[other].first;
    for (; code == PS_OK && ref != 0; ref = link_of(self, other, ref)->next) {
        const row_link *link = link_of(self, other, ref);
        if (link->time < low) {
            continue;
        }
        if (link->time > high) {
            break;
        }
        ps_join_row theirs = ps_join_kept_row(&self->rows[other], ref);
        code = ps_join_pairs_add(&self->pairs, side == 0 ? mine : &theirs,
                                 side == 0 ? &theirs : mine, ref, err);
        if (code == PS_OK && ps_join_pairs_is_full(&self->pairs)) {
            code = flush_pairs(self, side, mine, has_met, err);
        }
    }
    return code == PS_OK ? flush_pairs(self, side, mine, has_met, err) : code;
}

static ps_code keep(interval_join *self, uint32_t side, interval_entry *entry,
                    const ps_join_row *mine, int64_t time, bool has_met, ps_error *err)
{
    uint32_t ref;
    ps_code code = ps_kept_rows_add(&self->rows[side], mine->batch, mine->row, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    uint32_t after = entry->sides[side].last;
    while (after != 0 && link_of(self, side, after)->time > time) {
        after = link_of(self, side, after)->previous;
    }
    uint32_t before = after != 0 ? link_of(self, side, after)->next : entry->sides[side].first;
    *link_of(self, side, ref) = (row_link){time, before, after, has_met ? 1 : 0};
    if (after != 0) {
        touch_link(self, side, after)->next = ref;
    } else {
        entry->sides[side].first = ref;
    }
    if (before != 0) {
        touch_link(self, side, before)->previous = ref;
    } else {
        entry->sides[side].last = ref;
    }
    return PS_OK;
}

static ps_code join_row(interval_join *self, uint32_t side, uint32_t number,
                        const ps_join_row *mine, int64_t time, int64_t now, ps_error *err)
{
    uint32_t other = 1 - side;
    interval_entry *entry = ps_table_touch(self->table, number);
    int64_t high = time + self->reach[side];
    bool has_met = false;
    ps_code code = PS_OK;
    if (self->root->expired[other] < high) {
        ps_store_touch_root(self->op.context.store);
        self->root->expired[other] = expiration_time(self, other, now);
        code = meet(self, side, entry, mine, time, &has_met, err);
        if (code == PS_OK) {
            code = drop_expired(self, other, entry, self->root->expired[other], err);
        }
    }
    if (code != PS_OK) {
        return code;
    }
    if (now >= high) {
        return !has_met && self->is_outer[side] ? send(self, side, mine, NULL, err) : PS_OK;
    }
    code = keep(self, side, entry, mine, time, has_met, err);
    if (code == PS_OK && entry->sides[side].cleanup_time == 0) {
        code = watch_cleanup(self, side, entry, number, time, err);
    }
    return code;
}

static void forget_empty(interval_join *self, uint32_t number)
{
    const interval_entry *entry = ps_table_value(self->table, number);
    if (entry->sides[0].first == 0 && entry->sides[1].first == 0 &&
        entry->sides[0].cleanup_time == 0 && entry->sides[1].cleanup_time == 0) {
        ps_table_remove(self->table, number);
    }
}

static ps_code take_row(interval_join *self, uint32_t side, const ps_batch *batch, uint32_t row,
                        ps_error *err)
{
    ps_join_row mine = ps_join_batch_row(batch, row);
    bool is_hopeless = ps_join_has_null_key(&self->spec->on, side, batch, row) ||
                       self->spec->lower_ms > self->spec->upper_ms;
    if (is_hopeless) {
        return self->is_outer[side] ? send(self, side, &mine, NULL, err) : PS_OK;
    }
    int64_t now = operator_time(self, batch->watermarks[row]);
    int64_t time = now;
    if (!self->spec->is_processing_time) {
        uint32_t column = side == 0 ? self->spec->left_time : self->spec->right_time;
        if (ps_column_is_null(&batch->columns[column], row)) {
            ps_operator_count_late(&self->op, side, batch, row);
            return PS_OK;
        }
        time = batch->columns[column].i64[row];
    }
    uint32_t number;
    bool is_new;
    ps_code code = ps_key_put(&self->keys[side], self->table, batch, row, &number, &is_new, err);
    if (code == PS_OK) {
        code = join_row(self, side, number, &mine, time, now, err);
    }
    if (code == PS_OK) {
        forget_empty(self, number);
    }
    return code;
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    return take_row((interval_join *)op, input, batch, row, err);
}

static ps_code clean_up(interval_join *self, uint32_t number, uint32_t side, int64_t timer_time,
                        int64_t watermark, ps_error *err)
{
    interval_entry *entry = ps_table_touch(self->table, number);
    if (entry->sides[side].cleanup_time != timer_time) {
        return PS_OK; /* of an earlier key of that number */
    }
    ps_store_touch_root(self->op.context.store);
    int64_t until = expiration_time(self, side, operator_time(self, watermark));
    self->root->expired[side] = until;
    entry->sides[side].cleanup_time = 0;
    ps_code code = drop_expired(self, side, entry, until, err);
    uint32_t first = entry->sides[side].first;
    if (code == PS_OK && first != 0) {
        code = watch_cleanup(self, side, entry, number, link_of(self, side, first)->time, err);
    }
    if (code == PS_OK) {
        forget_empty(self, number);
    }
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    interval_join *self = (interval_join *)op;
    int64_t time;
    uint64_t payload;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, watermark, &time, &payload)) {
        code =
            clean_up(self, (uint32_t)(payload / 2), (uint32_t)(payload % 2), time, watermark, err);
    }
    op->due = ps_timers_earliest(self->timers);
    return code;
}

static void free_interval_join(ps_operator *op)
{
    interval_join *self = (interval_join *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    ps_join_pairs_release(&self->pairs);
    free(self);
}

static const ps_operator_class interval_join_class = {
    .name = "IntervalJoin",
    .on_row = on_row,
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
        code = ps_key_encoder_init(&self->keys[side], context->arena,
                                   side == 0 ? on->left_keys : on->right_keys, schema, err);
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
        code = ps_timers_new(context->store, "timers", &self->timers, err);
    }
    void *root = NULL;
    if (code == PS_OK) {
        code = ps_store_root(context->store, sizeof(interval_root), &root, err);
    }
    self->root = root;
    return code;
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
    self->is_outer[0] = spec->on.kind == PS_JOIN_LEFT || spec->on.kind == PS_JOIN_FULL;
    self->is_outer[1] = spec->on.kind == PS_JOIN_RIGHT || spec->on.kind == PS_JOIN_FULL;
    self->left_count = node->inputs[0]->schema.field_count;
    int64_t furthest = self->reach[0] > self->reach[1] ? self->reach[0] : self->reach[1];
    context->outlet->hold_back_ms = furthest > 0 && !spec->is_processing_time ? furthest : 0;
    ps_code code = ps_join_pairs_init(&self->pairs, node, &spec->on, context, err);
    if (code == PS_OK) {
        code = open_state(self, node, err);
    }
    if (code != PS_OK) {
        free_interval_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
