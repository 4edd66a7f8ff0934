/* Union: rows of all inputs in the order in which the merge hands them on. And DropUpdateBefore:
 * the input without its −U rows, for sinks that take upserts. Neither keeps state. */
#include <stdlib.h>

#include "flow/operators.h"

static ps_code union_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                          uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    *out_done = to - from;
    return ps_outlet_append(op->context.outlet, batch, from, to, err);
}

static ps_code drop_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                         uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    *out_done = to - from;
    uint32_t row = from;
    while (row < to) {
        uint32_t end = row;
        while (end < to && ps_batch_kind(batch, end) != PS_KIND_UPDATE_BEFORE) {
            end++;
        }
        ps_code code = ps_outlet_append(op->context.outlet, batch, row, end, err);
        if (code != PS_OK) {
            return code;
        }
        row = end + 1;
    }
    return PS_OK;
}

static void free_plain(ps_operator *op)
{
    free(op);
}

static const ps_operator_class union_class = {
    .name = "Union",
    .on_rows = union_rows,
    .free = free_plain,
};

static const ps_operator_class drop_class = {
    .name = "DropUpdateBefore",
    .on_rows = drop_rows,
    .free = free_plain,
};

static ps_code make(const ps_operator_class *class, const ps_operator_context *context,
                    ps_operator **out, ps_error *err)
{
    ps_operator *op = calloc(1, sizeof(*op));
    if (op == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a union");
    }
    op->class = class;
    op->context = *context;
    *out = op;
    return PS_OK;
}

ps_code ps_op_union_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                        ps_error *err)
{
    (void)node;
    return make(&union_class, context, out, err);
}

ps_code ps_op_drop_update_before_new(const ps_node *node, const ps_operator_context *context,
                                     ps_operator **out, ps_error *err)
{
    (void)node;
    return make(&drop_class, context, out, err);
}
