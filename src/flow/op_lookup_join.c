/* LookupJoin: each left row with the rows of a table that was read before (SEMANTICS §10.4). The
 * runner feeds input 1 to its end first; a NULL key reads nothing. Rows keep their kinds. */
#include <stdlib.h>

#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"

/* Before a kept row's code. */
typedef struct {
    uint32_t next, unused;
} row_link;

typedef struct {
    uint32_t first, last;
} lookup_entry;

typedef struct {
    ps_operator op;
    const ps_lookup_join_spec *spec;
    ps_key_encoder keys[2];
    ps_kept_rows rows;
    ps_table *table;
    ps_join_pairs pairs;
    uint32_t left_count;
} lookup_join;

static uint32_t next_of(const lookup_join *self, uint32_t ref)
{
    return ((const row_link *)ps_kept_row_header(&self->rows, ref))->next;
}

static ps_code fill_row(lookup_join *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    if (ps_join_has_null_key(&self->spec->on, 1, batch, row)) {
        return PS_OK;
    }
    uint32_t number, ref;
    bool is_new;
    ps_code code = ps_key_put(&self->keys[1], self->table, batch, row, &number, &is_new, err);
    if (code == PS_OK) {
        code = ps_kept_rows_add(&self->rows, batch, row, &ref, err);
    }
    if (code != PS_OK) {
        return code;
    }
    lookup_entry *entry = ps_table_touch(self->table, number);
    if (entry->last != 0) {
        ((row_link *)ps_kept_row_touch(&self->rows, entry->last))->next = ref;
    } else {
        entry->first = ref;
    }
    entry->last = ref;
    return PS_OK;
}

static ps_code flush_pairs(lookup_join *self, uint8_t kind, const ps_join_row *left, bool *has_met,
                           ps_error *err)
{
    uint32_t count;
    ps_code code = ps_join_pairs_match(&self->pairs, &count, err);
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        ps_join_row right =
            ps_join_kept_row(&self->rows, self->pairs.refs[self->pairs.selection[i]]);
        code = ps_join_send(self->op.context.outlet, kind, self->left_count, left, &right, err);
        *has_met = true;
    }
    ps_join_pairs_reset(&self->pairs);
    return code;
}

static ps_code look_up(lookup_join *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    ps_join_row left = ps_join_batch_row(batch, row);
    uint8_t kind = ps_batch_kind(batch, row);
    bool has_met = false;
    ps_code code = PS_OK;
    uint32_t ref = 0;
    if (!ps_join_has_null_key(&self->spec->on, 0, batch, row)) {
        ps_slice key;
        code = ps_key_encode(&self->keys[0], batch, row, &key, err);
        if (code != PS_OK) {
            return code;
        }
        uint32_t number = ps_table_find(self->table, ps_table_hash(key.data, key.size), key);
        const lookup_entry *entry =
            number != PS_TABLE_NONE ? ps_table_value(self->table, number) : NULL;
        ref = entry != NULL ? entry->first : 0;
    }
    for (; code == PS_OK && ref != 0; ref = next_of(self, ref)) {
        ps_join_row right = ps_join_kept_row(&self->rows, ref);
        code = ps_join_pairs_add(&self->pairs, &left, &right, ref, err);
        if (code == PS_OK && ps_join_pairs_is_full(&self->pairs)) {
            code = flush_pairs(self, kind, &left, &has_met, err);
        }
    }
    if (code == PS_OK) {
        code = flush_pairs(self, kind, &left, &has_met, err);
    }
    if (code == PS_OK && !has_met && self->spec->on.kind == PS_JOIN_LEFT) {
        code = ps_join_send(self->op.context.outlet, kind, self->left_count, &left, NULL, err);
    }
    return code;
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    return input == 1 ? fill_row((lookup_join *)op, batch, row, err)
                      : look_up((lookup_join *)op, batch, row, err);
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
    free(self);
}

static const ps_operator_class lookup_join_class = {
    .name = "LookupJoin",
    .on_row = on_row,
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
    self->left_count = node->inputs[0]->schema.field_count;
    ps_code code = ps_join_pairs_init(&self->pairs, node, on, context, err);
    for (uint32_t side = 0; code == PS_OK && side < 2; side++) {
        code = ps_key_encoder_init(&self->keys[side], context->arena,
                                   side == 0 ? on->left_keys : on->right_keys,
                                   &node->inputs[side]->schema, err);
    }
    if (code == PS_OK) {
        code = ps_kept_rows_init(&self->rows, context->store, context->arena, "rows",
                                 sizeof(row_link), &node->inputs[1]->schema, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys[1]),
                            sizeof(lookup_entry), &self->table, err);
    }
    if (code != PS_OK) {
        free_lookup_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
