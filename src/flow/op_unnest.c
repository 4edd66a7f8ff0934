/* Unnest: one output row per element of a collection; LEFT keeps rows whose collection is empty or
 * NULL. Keeps no state; rows keep their kinds. */
#include <stdlib.h>

#include "data/row.h"
#include "flow/kept_rows.h"
#include "flow/operators.h"

typedef struct {
    ps_operator op;
    const ps_unnest_spec *spec;
    ps_program *program;
    const ps_type *type; /* of the collection */
    uint32_t column_count;
} unnest;

/* The element's columns: a ROW's fields, a MAP's key and value, or the element itself. */
static ps_code set_element(unnest *self, ps_slice collection, uint32_t index, ps_error *err)
{
    ps_batch_builder *builder = &self->op.context.outlet->builder;
    if (self->type->kind == PS_TYPE_MAP) {
        ps_value key = ps_nested_get(self->type, collection, index * 2);
        ps_value value = ps_nested_get(self->type, collection, index * 2 + 1);
        ps_code code = ps_batch_builder_set(builder, self->column_count, key, err);
        return code == PS_OK ? ps_batch_builder_set(builder, self->column_count + 1, value, err)
                             : code;
    }
    const ps_type *element_type = self->type->children[0];
    ps_value element = ps_nested_get(self->type, collection, index);
    if (element_type->kind != PS_TYPE_ROW) {
        return ps_batch_builder_set(builder, self->column_count, element, err);
    }
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && !element.is_null && i < element_type->child_count; i++) {
        ps_value field = ps_nested_get(element_type, element.text, i);
        code = ps_batch_builder_set(builder, self->column_count + i, field, err);
    }
    return code;
}

static ps_code send(unnest *self, const ps_batch *batch, uint32_t row, const ps_slice *collection,
                    uint32_t index, ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    ps_code code = ps_outlet_begin_row(outlet, ps_batch_kind(batch, row), err);
    if (code == PS_OK) {
        code = ps_batch_row_emit(batch, row, outlet, 0, err);
    }
    if (code == PS_OK && collection != NULL) {
        code = set_element(self, *collection, index, err);
    }
    if (code == PS_OK && collection != NULL && self->spec->with_ordinality) {
        ps_batch_builder_set_i64(&outlet->builder,
                                 self->column_count + self->spec->element_column_count,
                                 (int64_t)index + 1);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    unnest *self = (unnest *)op;
    ps_column collections;
    uint32_t bad_row = 0;
    ps_code code =
        ps_program_run(self->program, &(ps_program_rows){batch, from, to, op->context.clock},
                       &collections, &bad_row, err);
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        bool is_null = ps_column_is_null(&collections, row - from);
        ps_slice collection = collections.text[row - from];
        uint32_t count = is_null ? 0 : ps_nested_count(collection);
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        for (uint32_t i = 0; code == PS_OK && i < count; i++) {
            code = send(self, batch, row, &collection, i, err);
        }
        if (code == PS_OK && count == 0 && self->spec->is_left) {
            code = send(self, batch, row, NULL, 0, err);
        }
    }
    *out_done = to - from;
    return code;
}

static void free_unnest(ps_operator *op)
{
    unnest *self = (unnest *)op;
    ps_program_free(self->program);
    free(self);
}

static const ps_operator_class unnest_class = {
    .name = "Unnest",
    .on_rows = on_rows,
    .free = free_unnest,
};

ps_code ps_op_unnest_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                         ps_error *err)
{
    unnest *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to unnest");
    }
    self->op.class = &unnest_class;
    self->op.context = *context;
    self->spec = node->unnest;
    self->type = self->spec->collection->type;
    self->column_count = node->inputs[0]->schema.field_count;
    ps_code code =
        ps_program_new(context->expressions, 1, &self->spec->collection, &self->program, err);
    if (code != PS_OK) {
        free_unnest(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
