/* Expand: for each row one copy per grouping set, its projections computed. Keeps no state. */
#include <stdlib.h>

#include "flow/operators.h"

typedef struct {
    ps_operator op;
    const ps_expand_spec *spec;
    ps_program *program;
    ps_column *results; /* set_count × output_count */
} expand;

static ps_code emit(expand *self, const ps_batch *batch, uint32_t row, uint32_t result_row,
                    uint32_t set, ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    ps_code code = ps_outlet_begin_row(outlet, ps_batch_kind(batch, row), err);
    const ps_column *results = self->results + (size_t)set * self->spec->output_count;
    for (uint32_t i = 0; code == PS_OK && i < self->spec->output_count; i++) {
        code = ps_batch_builder_copy(&outlet->builder, i, &results[i], result_row, err);
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
    expand *self = (expand *)op;
    uint32_t bad_row = 0;
    ps_code code =
        ps_program_run(self->program, &(ps_program_rows){batch, from, to, op->context.clock},
                       self->results, &bad_row, err);
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        for (uint32_t set = 0; code == PS_OK && set < self->spec->set_count; set++) {
            code = emit(self, batch, row, row - from, set, err);
        }
    }
    *out_done = to - from;
    return code;
}

static void free_expand(ps_operator *op)
{
    expand *self = (expand *)op;
    ps_program_free(self->program);
    free(self);
}

static const ps_operator_class expand_class = {
    .name = "Expand",
    .on_rows = on_rows,
    .free = free_expand,
};

ps_code ps_op_expand_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                         ps_error *err)
{
    const ps_expand_spec *spec = node->expand;
    uint32_t count = spec->set_count * spec->output_count;
    expand *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for grouping sets");
    }
    self->op.class = &expand_class;
    self->op.context = *context;
    self->spec = spec;
    self->results = ps_arena_take(context->arena, count * sizeof(ps_column));
    ps_code code =
        self->results != NULL
            ? ps_program_new(context->expressions, count, spec->outputs, &self->program, err)
            : ps_error_set(err, PS_E_MEMORY, "no memory for grouping sets");
    if (code != PS_OK) {
        free_expand(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
