/* Outlet: where an operator's rows go. It gathers rows into batches and pushes them downstream.
 *
 * Rows are stamped with the watermark that holds before them and the sequence number of their cause
 * (data/batch.h). The driver sets the stamp before it calls the operator; an operator that emits
 * row by row in on_rows calls ps_outlet_stamp_row for each input row first.
 */
#ifndef PS_FLOW_OUTLET_H
#define PS_FLOW_OUTLET_H

#include "data/value.h"

typedef struct {
    ps_batch_builder builder;
    int64_t watermark;    /* stamp of the next row: the output's watermark, hold_back_ms behind */
    uint64_t sequence;    /* stamp of the next row */
    int64_t hold_back_ms; /* this operator's output watermark is that much behind its input's */
    ps_code (*push)(void *to, const ps_batch *batch, ps_error *err);
    void *to;
    uint64_t row_count; /* rows pushed so far */
    /* what downstream knows: the last pushed batch's watermark_after and sequence_after */
    int64_t pushed_watermark;
    uint64_t pushed_sequence;
} ps_outlet;

/* capacity: rows per batch, 1 … PS_BATCH_ROWS. push and to are set by the caller afterwards. */
PS_CHECKED ps_code ps_outlet_init(ps_outlet *outlet, uint32_t column_count,
                                  const ps_type *const *types, uint32_t capacity, ps_error *err);
void ps_outlet_release(ps_outlet *outlet);

/* The stamp for rows that an operator emits while its watermark is `watermark`. */
void ps_outlet_stamp(ps_outlet *outlet, int64_t watermark, uint64_t sequence);
static inline void ps_outlet_stamp_row(ps_outlet *outlet, const ps_batch *batch, uint32_t row)
{
    ps_outlet_stamp(outlet, batch->watermarks[row], batch->sequences[row]);
}

/* Begins a row with the present stamp; pushes a full batch first. Then set columns of
 * outlet->builder, then end it. */
PS_CHECKED ps_code ps_outlet_begin_row(ps_outlet *outlet, uint8_t kind, ps_error *err);
static inline void ps_outlet_end_row(ps_outlet *outlet)
{
    ps_batch_builder_end_row(&outlet->builder);
}
/* Rows from … to−1 of a batch with the outlet's columns, with their own kinds and stamps (held
 * back). Copies. */
PS_CHECKED ps_code ps_outlet_append(ps_outlet *outlet, const ps_batch *batch, uint32_t from,
                                    uint32_t to, ps_error *err);
/* Pushes what was gathered, then this batch as it is (its own stamps; hold_back_ms must be 0). */
PS_CHECKED ps_code ps_outlet_pass(ps_outlet *outlet, const ps_batch *batch, ps_error *err);
/* Pushes what was gathered, with the operator's watermark less hold_back_ms behind it; also when
 * there are no rows but downstream does not know the watermark or the sequence yet. */
PS_CHECKED ps_code ps_outlet_flush(ps_outlet *outlet, int64_t watermark_after,
                                   uint64_t sequence_after, ps_error *err);

#endif
