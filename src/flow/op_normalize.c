/* Normalize: a keyed changelog with repeated rows or without −U made whole: the last row of each
 * key is kept, and +I, −U, +U, −D are made from it (SEMANTICS §11). A change that changes nothing
 * is left out. */
#include <stdlib.h>

#include "flow/kept_rows.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"

typedef struct {
    ps_operator op;
    const ps_normalize_spec *spec;
    ps_key_encoder keys;
    ps_kept_rows rows;
    ps_table *table; /* key → u32 reference of the last row */
} normalize;

static ps_code send_new(normalize *self, const ps_batch *batch, uint32_t row, uint8_t kind,
                        ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    ps_code code = ps_outlet_begin_row(outlet, kind, err);
    if (code == PS_OK) {
        code = ps_batch_row_emit(batch, row, outlet, 0, err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

static ps_code remove_key(normalize *self, uint32_t entry, ps_error *err)
{
    uint32_t ref = *(uint32_t *)ps_table_value(self->table, entry);
    ps_code code = ps_kept_row_send(&self->rows, ref, self->op.context.outlet, PS_KIND_DELETE, err);
    ps_kept_rows_drop(&self->rows, ref);
    ps_table_remove(self->table, entry);
    return code;
}

static ps_code replace(normalize *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                       ps_error *err)
{
    uint32_t *ref = ps_table_touch(self->table, entry);
    uint8_t kind = PS_KIND_INSERT;
    ps_code code = PS_OK;
    if (*ref != 0) {
        if (ps_kept_row_equals(&self->rows, *ref, batch, row)) {
            return PS_OK;
        }
        kind = PS_KIND_UPDATE_AFTER;
        if (self->spec->emit_update_before) {
            code = ps_kept_row_send(&self->rows, *ref, self->op.context.outlet,
                                    PS_KIND_UPDATE_BEFORE, err);
        }
        ps_kept_rows_drop(&self->rows, *ref);
        *ref = 0;
    }
    if (code == PS_OK) {
        code = ps_kept_rows_add(&self->rows, batch, row, ref, err);
    }
    return code == PS_OK ? send_new(self, batch, row, kind, err) : code;
}

static ps_code take_row(normalize *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    uint8_t kind = ps_batch_kind(batch, row);
    if (kind == PS_KIND_UPDATE_BEFORE) {
        return PS_OK; /* the +U that follows says it */
    }
    ps_slice key;
    ps_code code = ps_key_encode(&self->keys, batch, row, &key, err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t hash = ps_table_hash(key.data, key.size);
    if (kind == PS_KIND_DELETE) {
        uint32_t entry = ps_table_find(self->table, hash, key);
        return entry != PS_TABLE_NONE ? remove_key(self, entry, err) : PS_OK;
    }
    uint32_t entry;
    bool is_new;
    code = ps_table_put(self->table, hash, key, &entry, &is_new, err);
    return code == PS_OK ? replace(self, batch, row, entry, err) : code;
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    (void)input;
    return take_row((normalize *)op, batch, row, err);
}

static void free_normalize(ps_operator *op)
{
    normalize *self = (normalize *)op;
    ps_key_encoder_release(&self->keys);
    free(self);
}

static const ps_operator_class normalize_class = {
    .name = "ChangelogNormalize",
    .on_row = on_row,
    .free = free_normalize,
};

ps_code ps_op_normalize_new(const ps_node *node, const ps_operator_context *context,
                            ps_operator **out, ps_error *err)
{
    normalize *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to normalize a changelog");
    }
    const ps_schema *input = &node->inputs[0]->schema;
    self->op.class = &normalize_class;
    self->op.context = *context;
    self->spec = node->normalize;
    ps_code code = ps_key_encoder_init(&self->keys, context->arena, self->spec->key, input, err);
    if (code == PS_OK) {
        code =
            ps_kept_rows_init(&self->rows, context->store, context->arena, "rows", 0, input, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys), 8,
                            &self->table, err);
    }
    if (code != PS_OK) {
        free_normalize(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
