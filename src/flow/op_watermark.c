/* Watermark: gives a stream its event time (SEMANTICS §5.2, with interval 0).
 *
 * Per row: evaluate the expression, keep the running maximum; the row goes first, then the
 * watermark. A NULL result moves nothing; a NULL time is an error; watermarks ≤ 0 are never
 * emitted, as in the reference implementation.
 */
#include <stdlib.h>

#include "flow/operators.h"

/* In the store. */
typedef struct {
    int64_t watermark; /* 0: none yet */
} watermark_root;

typedef struct {
    ps_operator op;
    const ps_watermark_spec *spec;
    ps_program *program;
    watermark_root *root;
    int64_t watermarks[PS_BATCH_ROWS];
} watermark;

static ps_code check_times(const watermark *self, const ps_batch *batch, uint32_t from, uint32_t to,
                           ps_error *err)
{
    const ps_column *times = &batch->columns[self->spec->time_column];
    for (uint32_t row = from; times->valid != NULL && row < to; row++) {
        if (ps_column_is_null(times, row)) {
            return ps_error_set(err, PS_E_INVALID,
                                "the time column of row %llu of the source is NULL; filter such "
                                "rows out in the source's data or give the column a default",
                                (unsigned long long)batch->sequences[row] + 1);
        }
    }
    return PS_OK;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    watermark *self = (watermark *)op;
    ps_code code = check_times(self, batch, from, to, err);
    if (code != PS_OK) {
        return code;
    }
    ps_column result;
    uint32_t bad_row = 0;
    code = ps_program_run(self->program, &(ps_program_rows){batch, from, to, op->context.clock},
                          &result, &bad_row, err);
    if (code != PS_OK) {
        return code;
    }
    int64_t current = self->root->watermark;
    for (uint32_t i = 0; i < to - from; i++) {
        self->watermarks[i] = current > 0 ? current : PS_WATERMARK_NONE;
        int64_t candidate = result.i64[i];
        if (candidate > current && !ps_column_is_null(&result, i)) {
            current = candidate;
        }
    }
    ps_store_touch_root(op->context.store);
    self->root->watermark = current;
    bool is_last = to == batch->row_count;
    bool has_ended = is_last && batch->watermark_after == PS_WATERMARK_END;
    int64_t after = current > 0 ? current : PS_WATERMARK_NONE;
    PS_ASSERT(from == 0 && is_last); /* nothing above cuts batches */
    ps_batch out = *batch;
    out.watermarks = self->watermarks;
    out.watermark_after = has_ended ? PS_WATERMARK_END : after;
    *out_done = to - from;
    return ps_outlet_pass(op->context.outlet, &out, err);
}

static void free_watermark(ps_operator *op)
{
    watermark *self = (watermark *)op;
    ps_program_free(self->program);
    free(self);
}

static const ps_operator_class watermark_class = {
    .name = "Watermark",
    .on_rows = on_rows,
    .free = free_watermark,
};

ps_code ps_op_watermark_new(const ps_node *node, const ps_operator_context *context,
                            ps_operator **out, ps_error *err)
{
    watermark *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a watermark");
    }
    self->op.class = &watermark_class;
    self->op.context = *context;
    self->spec = node->watermark;
    ps_code code =
        ps_program_new(context->expressions, 1, &self->spec->watermark, &self->program, err);
    void *root = NULL;
    if (code == PS_OK) {
        code = ps_store_root(context->store, sizeof(watermark_root), &root, err);
    }
    if (code != PS_OK) {
        free_watermark(&self->op);
        return code;
    }
    self->root = root;
    *out = &self->op;
    return PS_OK;
}
