#include "flow/operator.h"

/* The watermark rises to `watermark`: what is due by then goes out first. */
static ps_code advance(ps_operator *op, int64_t watermark, ps_error *err)
{
    if (watermark <= op->watermark) {
        return PS_OK;
    }
    bool is_due = watermark >= op->due || watermark == PS_WATERMARK_END;
    if (is_due && op->class->on_watermark != NULL) {
        ps_outlet_stamp(op->context.outlet, op->watermark, op->last_sequence);
        ps_code code = op->class->on_watermark(op, watermark, err);
        if (code != PS_OK) {
            return code;
        }
        PS_ASSERT(op->due > watermark || watermark == PS_WATERMARK_END);
    }
    op->watermark = watermark;
    return PS_OK;
}

/* At least one row of a run, in *out_done how many. */
static ps_code feed_run(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                        uint32_t to, uint32_t *out_done, ps_error *err)
{
    ps_outlet_stamp_row(op->context.outlet, batch, from);
    if (op->class->on_rows != NULL) {
        return op->class->on_rows(op, input, batch, from, to, out_done, err);
    }
    uint32_t row = from;
    ps_code code = PS_OK;
    while (code == PS_OK && row < to && (row == from || batch->watermarks[row] < op->due)) {
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = op->class->on_row(op, input, batch, row, err);
        row++;
    }
    *out_done = row - from;
    return code;
}

ps_code ps_operator_feed_part(ps_operator *op, uint32_t input, const ps_batch_part *part,
                              ps_error *err)
{
    const ps_batch *batch = part->batch;
    uint32_t row = part->from;
    while (row < part->to) {
        ps_code code = advance(op, batch->watermarks[row], err);
        if (code != PS_OK) {
            return code;
        }
        uint32_t run_end = ps_operator_run_end(op, batch, row, part->to);
        uint32_t done = 0;
        code = feed_run(op, input, batch, row, run_end, &done, err);
        if (code != PS_OK) {
            return code;
        }
        PS_ASSERT(done > 0 && done <= run_end - row);
        row += done;
        int64_t met = batch->watermarks[row - 1];
        op->watermark = met > op->watermark ? met : op->watermark;
        op->last_sequence = batch->sequences[row - 1];
    }
    ps_code code = advance(op, part->watermark_after, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_outlet_flush(op->context.outlet, op->watermark, part->sequence_after, err);
    return code == PS_OK && op->late != NULL
               ? ps_late_rows_flush(op->late, op->watermark, part->sequence_after, err)
               : code;
}

ps_code ps_operator_feed(ps_operator *op, uint32_t input, const ps_batch *batch, ps_error *err)
{
    const ps_batch_part all = {
        .batch = batch,
        .to = batch->row_count,
        .watermark_after = batch->watermark_after,
        .sequence_after = batch->sequence_after,
    };
    return ps_operator_feed_part(op, input, &all, err);
}

void ps_operator_count_late(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row)
{
    op->late_row_count++;
    if (op->late != NULL) {
        ps_late_rows_add(op->late, input, batch, row);
    }
}

void ps_operator_free(ps_operator *op)
{
    op->class->free(op);
}
