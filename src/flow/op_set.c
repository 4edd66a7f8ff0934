/* Set: INTERSECT [ALL] and EXCEPT [ALL]. Each distinct row is a key (NULL equal to NULL) with the
 * number of its copies on each side; what changes of the number of copies in the result goes out as
 * +I or −D.
 *
 *   copies in the result      ALL                        distinct
 *   INTERSECT                 min(left, right)           1 when both > 0
 *   EXCEPT                    max(left − right, 0)       1 when left > 0 and right = 0
 */
#include <stdlib.h>

#include "flow/kept_rows.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"

typedef struct {
    int64_t count[2]; /* left, right; may be negative for a while when deletes come early */
} copies;

typedef struct {
    ps_operator op;
    const ps_set_spec *spec;
    ps_key_encoder keys[2];
    ps_table *table;
} set;

static int64_t copies_out(const ps_set_spec *spec, const copies *of)
{
    int64_t left = of->count[0] > 0 ? of->count[0] : 0;
    int64_t right = of->count[1] > 0 ? of->count[1] : 0;
    if (spec->is_all) {
        int64_t shared = left < right ? left : right;
        return spec->is_intersect ? shared : left - shared;
    }
    return left > 0 && (right > 0) == spec->is_intersect ? 1 : 0;
}

static ps_code take_row(set *self, uint32_t input, const ps_batch *batch, uint32_t row,
                        ps_error *err)
{
    uint32_t entry;
    bool is_new;
    ps_code code = ps_key_put(&self->keys[input], self->table, batch, row, &entry, &is_new, err);
    if (code != PS_OK) {
        return code;
    }
    copies *of = ps_table_touch(self->table, entry);
    int64_t before = copies_out(self->spec, of);
    of->count[input] += ps_kind_adds(ps_batch_kind(batch, row)) ? 1 : -1;
    int64_t change = copies_out(self->spec, of) - before;
    if (of->count[0] == 0 && of->count[1] == 0) {
        ps_table_remove(self->table, entry);
    }
    ps_outlet *outlet = self->op.context.outlet;
    for (int64_t i = 0; code == PS_OK && i < (change < 0 ? -change : change); i++) {
        code = ps_outlet_begin_row(outlet, change > 0 ? PS_KIND_INSERT : PS_KIND_DELETE, err);
        code = code == PS_OK ? ps_batch_row_emit(batch, row, outlet, 0, err) : code;
        if (code == PS_OK) {
            ps_outlet_end_row(outlet);
        }
    }
    return code;
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    return take_row((set *)op, input, batch, row, err);
}

static void free_set(ps_operator *op)
{
    set *self = (set *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    free(self);
}

static const ps_operator_class set_class = {
    .name = "SetOperation",
    .on_row = on_row,
    .free = free_set,
};

ps_code ps_op_set_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                      ps_error *err)
{
    uint32_t count = node->schema.field_count;
    set *self = calloc(1, sizeof *self);
    uint32_t *columns = ps_arena_take(context->arena, count * sizeof *columns);
    if (self == NULL || columns == NULL) {
        free(self);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a set operation");
    }
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = i;
    }
    self->op.class = &set_class;
    self->op.context = *context;
    self->spec = node->set;
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < 2; i++) {
        code = ps_key_encoder_init(&self->keys[i], context->arena, (ps_columns){count, columns},
                                   &node->inputs[i]->schema, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "rows", ps_key_encoder_size(&self->keys[0]),
                            sizeof(copies), &self->table, err);
    }
    if (code != PS_OK) {
        free_set(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
