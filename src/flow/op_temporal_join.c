/* TemporalJoin: each left row with the version of the right table that was valid at its time
 * (SEMANTICS §10.3). Left rows wait until the combined watermark has passed them, and are then
 * joined in order of arrival per key; a version that was deleted matches nothing. Of the versions
 * up to the watermark the newest is kept. */
#include <stdlib.h>

#include "flow/join_keys.h"
#include "flow/join_output.h"
#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"
#include "state/timers.h"

/* Before a kept row's code. */
typedef struct {
    int64_t time;
    uint32_t next, previous; /* left: order of arrival; right: order of time */
    uint64_t kind;           /* ps_kind */
} row_link;

/* Value of a key. */
typedef struct {
    uint32_t left_first, left_last;
    uint32_t right_first, right_last;
    uint32_t timer_count;
    uint32_t unused;
} temporal_entry;

typedef struct {
    ps_operator op;
    const ps_temporal_join_spec *spec;
    ps_key_encoder keys[2];
    ps_kept_rows rows[2];
    ps_table *table;
    ps_timers *timers; /* a row's time → entry */
    ps_join_pairs pairs;
    ps_join_output output;
} temporal_join;

static row_link *link_of(const temporal_join *self, uint32_t side, uint32_t ref)
{
    return ps_kept_row_header(&self->rows[side], ref);
}

static row_link *touch_link(temporal_join *self, uint32_t side, uint32_t ref)
{
    return ps_kept_row_touch(&self->rows[side], ref);
}

/* ── keeping rows ── */

static ps_code keep_left(temporal_join *self, temporal_entry *entry, const ps_batch *batch,
                         uint32_t row, int64_t time, ps_error *err)
{
    uint32_t ref;
    ps_code code = ps_kept_rows_add(&self->rows[0], batch, row, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    *link_of(self, 0, ref) =
        (row_link){.time = time, .previous = entry->left_last, .kind = ps_batch_kind(batch, row)};
    if (entry->left_last != 0) {
        touch_link(self, 0, entry->left_last)->next = ref;
    } else {
        entry->left_first = ref;
    }
    entry->left_last = ref;
    return PS_OK;
}

/* It stays kept. */
static void unlink_right(temporal_join *self, temporal_entry *entry, uint32_t ref)
{
    row_link *link = link_of(self, 1, ref);
    uint32_t next = link->next, previous = link->previous;
    if (previous != 0) {
        touch_link(self, 1, previous)->next = next;
    } else {
        entry->right_first = next;
    }
    if (next != 0) {
        touch_link(self, 1, next)->previous = previous;
    } else {
        entry->right_last = previous;
    }
}

/* A version; one of the same time is replaced. */
static ps_code keep_right(temporal_join *self, temporal_entry *entry, const ps_batch *batch,
                          uint32_t row, int64_t time, ps_error *err)
{
    uint32_t after = entry->right_last;
    while (after != 0 && link_of(self, 1, after)->time > time) {
        after = link_of(self, 1, after)->previous;
    }
    if (after != 0 && link_of(self, 1, after)->time == time) {
        uint32_t same = after;
        after = link_of(self, 1, same)->previous;
        unlink_right(self, entry, same);
        ps_kept_rows_drop(&self->rows[1], same);
    }
    uint32_t ref;
    ps_code code = ps_kept_rows_add(&self->rows[1], batch, row, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    uint32_t before = after != 0 ? link_of(self, 1, after)->next : entry->right_first;
    *link_of(self, 1, ref) = (row_link){time, before, after, ps_batch_kind(batch, row)};
    if (after != 0) {
        touch_link(self, 1, after)->next = ref;
    } else {
        entry->right_first = ref;
    }
    if (before != 0) {
        touch_link(self, 1, before)->previous = ref;
    } else {
        entry->right_last = ref;
    }
    return PS_OK;
}

static ps_code take_row(temporal_join *self, uint32_t side, const ps_batch *batch, uint32_t row,
                        ps_error *err)
{
    uint32_t column = side == 0 ? self->spec->left_time : self->spec->right_time;
    if (ps_column_is_null(&batch->columns[column], row)) {
        ps_operator_count_late(&self->op, side, batch, row);
        return PS_OK;
    }
    if (ps_join_has_null_key(&self->spec->on, side, batch, row)) {
        ps_join_row left = ps_join_batch_row(batch, row);
        bool is_padded = side == 0 && self->spec->on.kind == PS_JOIN_LEFT;
        return is_padded
                   ? ps_join_output_add(&self->output, ps_batch_kind(batch, row), &left, NULL, err)
                   : PS_OK;
    }
    if (side == 1 && ps_batch_kind(batch, row) == PS_KIND_UPDATE_BEFORE) {
        return PS_OK; /* the version that follows says it */
    }
    uint32_t number;
    bool is_new;
    ps_code code = ps_key_put(&self->keys[side], self->table, batch, row, &number, &is_new, err);
    if (code != PS_OK) {
        return code;
    }
    int64_t time = batch->columns[column].i64[row];
    temporal_entry *entry = ps_table_touch(self->table, number);
    code = side == 0 ? keep_left(self, entry, batch, row, time, err)
                     : keep_right(self, entry, batch, row, time, err);
    /* what is late is joined when the watermark rises again */
    int64_t met = batch->watermarks[row];
    int64_t due = time > met ? time : met + 1;
    self->op.due = due < self->op.due ? due : self->op.due;
    entry->timer_count++;
    return code == PS_OK ? ps_timers_add(self->timers, time, number, err) : code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    temporal_join *self = (temporal_join *)op;
    ps_code code = PS_OK;
    uint32_t row = from;
    for (; code == PS_OK && row < to; row++) {
        if (row > from && batch->watermarks[row] >= op->due) {
            break;
        }
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = take_row(self, input, batch, row, err);
    }
    *out_done = row - from;
    return code == PS_OK ? ps_join_output_flush(&self->output, err) : code;
}

/* ── joining ── */

/* The version valid at that time; 0: none, or it was deleted. */
static uint32_t version_at(const temporal_join *self, const temporal_entry *entry, int64_t time)
{
    uint32_t ref = entry->right_last;
    while (ref != 0 && link_of(self, 1, ref)->time > time) {
        ref = link_of(self, 1, ref)->previous;
    }
    return ref != 0 && ps_kind_adds((uint8_t)link_of(self, 1, ref)->kind) ? ref : 0;
}

static ps_code join_left(temporal_join *self, const temporal_entry *entry, uint32_t left_ref,
                         ps_error *err)
{
    const row_link *link = link_of(self, 0, left_ref);
    ps_join_row left = ps_join_kept_row(&self->rows[0], left_ref);
    uint32_t version = version_at(self, entry, link->time);
    ps_join_row right = ps_join_kept_row(&self->rows[1], version);
    uint32_t count = 0;
    ps_code code = PS_OK;
    if (version != 0) {
        ps_join_pairs_add(&self->pairs, &left, &right, version);
        code = ps_join_pairs_match(&self->pairs, &count, err);
        ps_join_pairs_reset(&self->pairs);
    }
    if (code != PS_OK || (count == 0 && self->spec->on.kind != PS_JOIN_LEFT)) {
        return code;
    }
    return ps_join_output_add(&self->output, (uint8_t)link->kind, &left, count > 0 ? &right : NULL,
                              err);
}

static ps_code join_due(temporal_join *self, temporal_entry *entry, int64_t watermark,
                        ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t ref = entry->left_first;
    while (code == PS_OK && ref != 0) {
        row_link link = *link_of(self, 0, ref);
        if (link.time > watermark) {
            ref = link.next;
            continue;
        }
        code = join_left(self, entry, ref, err);
        if (link.previous != 0) {
            touch_link(self, 0, link.previous)->next = link.next;
        } else {
            entry->left_first = link.next;
        }
        if (link.next != 0) {
            touch_link(self, 0, link.next)->previous = link.previous;
        } else {
            entry->left_last = link.previous;
        }
        if (code == PS_OK) {
            code = ps_join_output_drop(&self->output, &self->rows[0], ref, err);
        }
        ref = link.next;
    }
    return code;
}

/* Versions that the newest one up to the watermark has replaced. */
static ps_code drop_versions(temporal_join *self, temporal_entry *entry, int64_t watermark,
                             ps_error *err)
{
    ps_code code = PS_OK;
    while (code == PS_OK && entry->right_first != 0) {
        uint32_t first = entry->right_first;
        uint32_t second = link_of(self, 1, first)->next;
        if (second == 0 || link_of(self, 1, second)->time > watermark) {
            break;
        }
        unlink_right(self, entry, first);
        code = ps_join_output_drop(&self->output, &self->rows[1], first, err);
    }
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    temporal_join *self = (temporal_join *)op;
    int64_t time;
    uint64_t number;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, watermark, &time, &number)) {
        temporal_entry *entry = ps_table_touch(self->table, (uint32_t)number);
        entry->timer_count--;
        code = join_due(self, entry, watermark, err);
        if (code == PS_OK) {
            code = drop_versions(self, entry, watermark, err);
        }
        if (entry->timer_count == 0 && entry->right_first == 0 && entry->left_first == 0) {
            ps_table_remove(self->table, (uint32_t)number);
        }
    }
    op->due = ps_timers_earliest(self->timers);
    return code == PS_OK ? ps_join_output_flush(&self->output, err) : code;
}

static void free_temporal_join(ps_operator *op)
{
    temporal_join *self = (temporal_join *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    ps_join_pairs_release(&self->pairs);
    ps_join_output_release(&self->output);
    free(self);
}

static const ps_operator_class temporal_join_class = {
    .name = "TemporalJoin",
    .on_rows = on_rows,
    .on_watermark = on_watermark,
    .free = free_temporal_join,
};

ps_code ps_op_temporal_join_new(const ps_node *node, const ps_operator_context *context,
                                ps_operator **out, ps_error *err)
{
    temporal_join *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a temporal join");
    }
    const ps_join_on *on = &node->temporal_join->on;
    self->op.class = &temporal_join_class;
    self->op.context = *context;
    self->spec = node->temporal_join;
    ps_code code = ps_join_pairs_init(&self->pairs, node, on, context, err);
    if (code == PS_OK) {
        code = ps_join_output_init(&self->output, node, on, NULL, context, err);
    }
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
                            sizeof(temporal_entry), &self->table, err);
    }
    if (code == PS_OK) {
        code = ps_timers_new(context->store, "timers", &self->timers, err);
    }
    if (code != PS_OK) {
        free_temporal_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
