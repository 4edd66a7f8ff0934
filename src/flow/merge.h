/* Merge: several inputs into one order.
 *
 * Rows go out by (watermark before the row, sequence, input number): an order that depends on
 * the streams alone, whatever the batches or the moments at which they arrive. A row goes out as
 * soon as no other input can still have one before it. The merged watermark is the minimum over
 * the inputs. What must wait is copied. Threads: the lane's.
 */
#ifndef PS_FLOW_MERGE_H
#define PS_FLOW_MERGE_H

#include "data/batch.h"

typedef struct ps_merge ps_merge;

/* Takes rows of an input with the merged watermark behind them. */
typedef ps_code ps_merge_deliver(void *with, uint32_t input, const ps_batch_part *part,
                                 ps_error *err);

typedef struct {
    uint32_t input_count;
    const uint32_t *column_counts;      /* per input */
    const ps_type *const *const *types; /* per input */
    ps_merge_deliver *deliver;
    void *with;
} ps_merge_options;

/* Borrows types. */
PS_CHECKED ps_code ps_merge_new(const ps_merge_options *options, ps_merge **out, ps_error *err);
void ps_merge_free(ps_merge *merge);

PS_CHECKED ps_code ps_merge_offer(ps_merge *merge, uint32_t input, const ps_batch *batch,
                                  ps_error *err);
/* The input counts as passed until it speaks again (idle, SEMANTICS §5.3): it holds nobody back. */
PS_CHECKED ps_code ps_merge_set_idle(ps_merge *merge, uint32_t input, bool is_idle, ps_error *err);

/* The input that everything waits for (it has no rows and the lowest bound), for choosing what to
 * read next. */
uint32_t ps_merge_awaited(const ps_merge *merge);
uint64_t ps_merge_waiting_rows(const ps_merge *merge);

/* For checkpoints: the waiting rows and bounds as bytes, and back into an empty merge. */
PS_CHECKED ps_code ps_merge_save(const ps_merge *merge, ps_buf *out, ps_error *err);
PS_CHECKED ps_code ps_merge_load(ps_merge *merge, ps_slice saved, ps_error *err);
/* All waiting rows go out, in order, whatever may still come before them: the job stops for good
 * at the end of its input (a savepoint that the reference implementation would take). */
PS_CHECKED ps_code ps_merge_release(ps_merge *merge, ps_error *err);
/* Event time begins anew: bounds and the merged watermark are forgotten, waiting rows stay. */
void ps_merge_forget_watermarks(ps_merge *merge);

#endif
