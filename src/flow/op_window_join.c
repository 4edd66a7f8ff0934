/* WindowJoin: rows of equal windows and keys, joined when the window closes (SEMANTICS §10.2). Rows
 * of both sides are kept per window and key until then; a row whose window has closed is late. */
#include <stdlib.h>

#include "flow/join_chain.h"
#include "flow/join_keys.h"
#include "flow/join_output.h"
#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"
#include "state/timers.h"

/* Value of a window and key: left and right in order of arrival. Links count partners. */
typedef struct {
    ps_join_chain sides[2];
} window_entry;

typedef struct {
    ps_operator op;
    const ps_window_join_spec *spec;
    ps_key_encoder keys[2]; /* window start, window end, keys */
    ps_kept_rows rows[2];
    ps_table *table;
    ps_timers *timers; /* the window's last instant → entry */
    ps_join_pairs pairs;
    ps_join_output output;
    bool is_semi; /* SEMI or ANTI */
    bool is_outer[2];
} window_join;

/* ── rows ── */

static ps_code take_row(window_join *self, uint32_t side, const ps_batch *batch, uint32_t row,
                        ps_error *err)
{
    uint32_t end_column = side == 0 ? self->spec->left_end : self->spec->right_end;
    int64_t closes_at = batch->columns[end_column].i64[row] - 1;
    if (closes_at <= batch->watermarks[row]) {
        ps_operator_count_late(&self->op, side, batch, row);
        return PS_OK;
    }
    bool shows_alone = self->is_outer[side] || (side == 0 && self->spec->on.kind == PS_JOIN_ANTI);
    if (!shows_alone && ps_join_has_null_key(&self->spec->on, side, batch, row)) {
        return PS_OK;
    }
    uint32_t number, ref;
    bool is_new;
    ps_code code = ps_key_put(&self->keys[side], self->table, batch, row, &number, &is_new, err);
    if (code == PS_OK && is_new) {
        code = ps_timers_add(self->timers, closes_at, number, err);
        self->op.due = closes_at < self->op.due ? closes_at : self->op.due;
    }
    if (code != PS_OK) {
        return code;
    }
    window_entry *entry = ps_table_touch(self->table, number);
    return ps_join_chain_add(&entry->sides[side], &self->rows[side], batch, row, &ref, err);
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    return take_row((window_join *)op, input, batch, row, err);
}

/* ── a window that closes ── */

static ps_code flush_pairs(window_join *self, const ps_join_row *left, ps_error *err)
{
    uint32_t count;
    ps_code code = ps_join_pairs_match(&self->pairs, &count, err);
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        uint32_t ref = self->pairs.refs[self->pairs.selection[i]];
        ps_join_row right = ps_join_kept_row(&self->rows[1], ref);
        ps_join_link_touch(&self->rows[0], left->ref)->count++;
        ps_join_link_touch(&self->rows[1], ref)->count++;
        if (!self->is_semi) {
            code = ps_join_output_add(&self->output, PS_KIND_INSERT, left, &right, err);
        }
    }
    ps_join_pairs_reset(&self->pairs);
    return code;
}

static ps_code join_left(window_join *self, const window_entry *entry, uint32_t left_ref,
                         ps_error *err)
{
    ps_join_row left = ps_join_kept_row(&self->rows[0], left_ref);
    ps_code code = PS_OK;
    for (uint32_t ref = entry->sides[1].first; code == PS_OK && ref != 0;
         ref = ps_join_link_of(&self->rows[1], ref)->next) {
        ps_join_row right = ps_join_kept_row(&self->rows[1], ref);
        ps_join_pairs_add(&self->pairs, &left, &right, ref);
        if (ps_join_pairs_is_full(&self->pairs)) {
            code = flush_pairs(self, &left, err);
        }
    }
    return code == PS_OK ? flush_pairs(self, &left, err) : code;
}

static bool shows_alone(const window_join *self, uint32_t side, uint32_t ref)
{
    bool has_met = ps_join_link_of(&self->rows[side], ref)->count > 0;
    if (self->is_semi) {
        return side == 0 && has_met == (self->spec->on.kind == PS_JOIN_SEMI);
    }
    return self->is_outer[side] && !has_met;
}

static ps_code close_side(window_join *self, const window_entry *entry, uint32_t side,
                          ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t ref = entry->sides[side].first, next; code == PS_OK && ref != 0; ref = next) {
        next = ps_join_link_of(&self->rows[side], ref)->next;
        ps_join_row row = ps_join_kept_row(&self->rows[side], ref);
        if (shows_alone(self, side, ref)) {
            code = ps_join_output_add(&self->output, PS_KIND_INSERT, side == 0 ? &row : NULL,
                                      side == 0 ? NULL : &row, err);
        }
        if (code == PS_OK) {
            code = ps_join_output_drop(&self->output, &self->rows[side], ref, err);
        }
    }
    return code;
}

static ps_code close_window(window_join *self, uint32_t number, ps_error *err)
{
    const window_entry *entry = ps_table_value(self->table, number);
    ps_code code = PS_OK;
    for (uint32_t ref = entry->sides[0].first; code == PS_OK && ref != 0;
         ref = ps_join_link_of(&self->rows[0], ref)->next) {
        if (!ps_join_kept_has_null_key(&self->spec->on, 0, &self->rows[0], ref)) {
            code = join_left(self, entry, ref, err);
        }
    }
    for (uint32_t side = 0; side < 2 && code == PS_OK; side++) {
        code = close_side(self, entry, side, err);
    }
    ps_table_remove(self->table, number);
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    window_join *self = (window_join *)op;
    int64_t time;
    uint64_t number;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, watermark, &time, &number)) {
        code = close_window(self, (uint32_t)number, err);
    }
    op->due = ps_timers_earliest(self->timers);
    return code == PS_OK ? ps_join_output_flush(&self->output, err) : code;
}

static void free_window_join(ps_operator *op)
{
    window_join *self = (window_join *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    ps_join_pairs_release(&self->pairs);
    ps_join_output_release(&self->output);
    free(self);
}

static const ps_operator_class window_join_class = {
    .name = "WindowJoin",
    .on_row = on_row,
    .on_watermark = on_watermark,
    .free = free_window_join,
};

/* The window's columns, then the keys. */
static ps_code window_keys(ps_arena *arena, uint32_t start, uint32_t end, ps_columns keys,
                           ps_columns *out, ps_error *err)
{
    uint32_t *columns = ps_arena_take(arena, (keys.count + 2) * sizeof *columns);
    if (columns == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a window join");
    }
    columns[0] = start;
    columns[1] = end;
    for (uint32_t i = 0; i < keys.count; i++) {
        columns[i + 2] = keys.columns[i];
    }
    *out = (ps_columns){keys.count + 2, columns};
    return PS_OK;
}

static ps_code open_side(window_join *self, uint32_t side, const ps_schema *schema, ps_error *err)
{
    const ps_window_join_spec *spec = self->spec;
    const ps_operator_context *context = &self->op.context;
    ps_columns keys;
    ps_code code = window_keys(context->arena, side == 0 ? spec->left_start : spec->right_start,
                               side == 0 ? spec->left_end : spec->right_end,
                               ps_join_keys(&spec->on, side), &keys, err);
    if (code == PS_OK) {
        code = ps_key_encoder_init(&self->keys[side], context->arena, keys, schema, err);
    }
    return code == PS_OK
               ? ps_kept_rows_init(&self->rows[side], context->store, context->arena,
                                   side == 0 ? "left" : "right", sizeof(ps_join_link), schema, err)
               : code;
}

ps_code ps_op_window_join_new(const ps_node *node, const ps_operator_context *context,
                              ps_operator **out, ps_error *err)
{
    window_join *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a window join");
    }
    const ps_join_on *on = &node->window_join->on;
    self->op.class = &window_join_class;
    self->op.context = *context;
    self->spec = node->window_join;
    self->is_semi = on->kind == PS_JOIN_SEMI || on->kind == PS_JOIN_ANTI;
    self->is_outer[0] = ps_join_is_outer(on, 0);
    self->is_outer[1] = ps_join_is_outer(on, 1);
    ps_code code = ps_join_pairs_init(&self->pairs, node, on, context, err);
    if (code == PS_OK) {
        code = ps_join_output_init(&self->output, node, on, NULL, context, err);
    }
    for (uint32_t side = 0; code == PS_OK && side < 2; side++) {
        code = open_side(self, side, &node->inputs[side]->schema, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "windows", ps_key_encoder_size(&self->keys[0]),
                            sizeof(window_entry), &self->table, err);
    }
    if (code == PS_OK) {
        code = ps_timers_new(context->store, "timers", &self->timers, err);
    }
    if (code != PS_OK) {
        free_window_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
