/* LookupJoin: each left row with the rows of a table that was read before (SEMANTICS §10.4). The
 * runner feeds input 1 to its end first; a NULL key reads nothing. Rows keep their kinds. */
#include <stdlib.h>

#include "flow/join_chain.h"
#include "flow/join_keys.h"
#include "flow/join_output.h"
#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"

typedef struct {
    ps_operator op;
    const ps_lookup_join_spec *spec;
    ps_key_encoder keys[2];
    ps_kept_rows rows;
    ps_table *table; /* key → ps_join_chain */
    ps_join_pairs pairs;
    ps_join_output output;
    bool is_inner;
    uint32_t *entries; /* of the run's rows */
} lookup_join;

/* ── the table ── */

static ps_code fill_rows(lookup_join *self, const ps_batch *batch, uint32_t from, uint32_t to,
                         ps_error *err)
{
    ps_slice *keys;
    ps_code code = ps_key_encode_run(&self->keys[1], batch, from, to, &keys, err);
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        if (ps_join_has_null_key(&self->spec->on, 1, batch, row)) {
            keys[row - from].data = NULL;
        }
    }
    if (code == PS_OK) {
        code = ps_table_put_all(self->table, to - from, keys, self->entries, NULL, err);
    }
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        uint32_t ref, number = self->entries[row - from];
        if (number != PS_TABLE_NONE) {
            ps_join_chain *chain = ps_table_touch(self->table, number);
            code = ps_join_chain_add(chain, &self->rows, batch, row, &ref, err);
        }
    }
    return code;
}

/* ── the stream ── */

static ps_code flush_pairs(lookup_join *self, uint8_t kind, const ps_join_row *left, bool *has_met,
                           ps_error *err)
{
    uint32_t count;
    ps_code code = ps_join_pairs_match(&self->pairs, &count, err);
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        uint32_t ref = self->pairs.refs[self->pairs.selection[i]];
        ps_join_row right = ps_join_kept_row(&self->rows, ref);
        code = ps_join_output_add(&self->output, kind, left, &right, err);
        *has_met = true;
    }
    ps_join_pairs_reset(&self->pairs);
    return code;
}

static ps_code look_up(lookup_join *self, const ps_join_row *left, uint32_t first, ps_error *err)
{
    uint8_t kind = ps_batch_kind(left->batch, left->row);
    bool has_met = false;
    ps_code code = PS_OK;
    for (uint32_t ref = first; code == PS_OK && ref != 0;
         ref = ps_join_link_of(&self->rows, ref)->next) {
        ps_join_row right = ps_join_kept_row(&self->rows, ref);
        if (self->is_inner) {
            code = ps_join_output_add(&self->output, kind, left, &right, err); /* it judges */
            continue;
        }
        ps_join_pairs_add(&self->pairs, left, &right, ref);
        if (ps_join_pairs_is_full(&self->pairs)) {
            code = flush_pairs(self, kind, left, &has_met, err);
        }
    }
    if (code != PS_OK || self->is_inner) {
        return code;
    }
    code = flush_pairs(self, kind, left, &has_met, err);
    return code == PS_OK && !has_met ? ps_join_output_add(&self->output, kind, left, NULL, err)
                                     : code;
}

/* First rows that the run's rows read; 0: none. */
static ps_code find_chains(lookup_join *self, const ps_batch *batch, uint32_t from, uint32_t to,
                           ps_error *err)
{
    ps_slice *keys;
    ps_code code = ps_key_encode_run(&self->keys[0], batch, from, to, &keys, err);
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        ps_slice key = keys[row - from];
        self->entries[row - from] = 0;
        if (ps_join_has_null_key(&self->spec->on, 0, batch, row)) {
            continue;
        }
        uint32_t number = ps_table_find(self->table, ps_table_hash(key.data, key.size), key);
        if (number != PS_TABLE_NONE) {
            const ps_join_chain *chain = ps_table_value(self->table, number);
            self->entries[row - from] = chain->first;
            __builtin_prefetch(ps_heap_at(&self->rows.heap, chain->first));
        }
    }
    return code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    lookup_join *self = (lookup_join *)op;
    *out_done = to - from;
    if (input == 1) {
        return fill_rows(self, batch, from, to, err);
    }
    ps_code code = find_chains(self, batch, from, to, err);
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        ps_join_row left = ps_join_batch_row(batch, row);
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = look_up(self, &left, self->entries[row - from], err);
    }
    return code == PS_OK ? ps_join_output_flush(&self->output, err) : code;
}

/* The table is not state: it is read again. */
static ps_code restored(ps_operator *op, ps_error *err)
{
    lookup_join *self = (lookup_join *)op;
    (void)err;
    ps_table_clear(self->table);
    ps_heap_clear(&self->rows.heap);
    return PS_OK;
}

static void free_lookup_join(ps_operator *op)
{
    lookup_join *self = (lookup_join *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    ps_join_pairs_release(&self->pairs);
    ps_join_output_release(&self->output);
    free(self);
}

static const ps_operator_class lookup_join_class = {
    .name = "LookupJoin",
    .on_rows = on_rows,
    .restored = restored,
    .free = free_lookup_join,
};

ps_code ps_op_lookup_join_new(const ps_node *node, const ps_operator_context *context,
                              ps_operator **out, ps_error *err)
{
    lookup_join *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a lookup join");
    }
    const ps_join_on *on = &node->lookup_join->on;
    self->op.class = &lookup_join_class;
    self->op.context = *context;
    self->spec = node->lookup_join;
    self->is_inner = on->kind == PS_JOIN_INNER;
    self->entries = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->entries);
    ps_code code = self->entries != NULL
                       ? PS_OK
                       : ps_error_set(err, PS_E_MEMORY, "no memory for a lookup join");
    if (code == PS_OK) {
        code = ps_join_output_init(&self->output, node, on, self->is_inner ? on->condition : NULL,
                                   context, err);
    }
    if (code == PS_OK && !self->is_inner) {
        code = ps_join_pairs_init(&self->pairs, node, on, context, err);
    }
    for (uint32_t side = 0; code == PS_OK && side < 2; side++) {
        code = ps_key_encoder_init(&self->keys[side], context->arena, ps_join_keys(on, side),
                                   &node->inputs[side]->schema, err);
    }
    if (code == PS_OK) {
        code = ps_kept_rows_init(&self->rows, context->store, context->arena, "rows",
                                 sizeof(ps_join_link), &node->inputs[1]->schema, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys[1]),
                            sizeof(ps_join_chain), &self->table, err);
    }
    if (code != PS_OK) {
        free_lookup_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
