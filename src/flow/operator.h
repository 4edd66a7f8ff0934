/* The operator contract.
 *
 * An operator is a single-threaded state machine: it never blocks, never calls the operating
 * system, and keeps what it must remember in its store. The driver (ps_operator_feed) hands it rows
 * and watermarks in the order in which the stream has them:
 *
 *   on_rows(input, batch, from, to)
 *       rows from … to−1; before row i the operator's watermark is batch->watermarks[i] (for two
 *       inputs the minimum over both, which the merge has already put there). The driver never
 *       passes a row whose watermark has reached op->due; but a row of the run may lower `due`: the
 *       operator then stops before the first row whose watermark has reached it and says in
 *       *out_done how many rows it took (ps_operator_run_end helps). Always at least one.
 *   on_watermark(watermark)
 *       called when the watermark has reached `due` (watermark ≥ op->due), before the next row;
 *       op->watermark is still the old one. Fires what is due and sets `due` anew.
 *       PS_WATERMARK_END: the input has ended; everything goes out.
 *
 * `due` is the smallest watermark at which the operator wants to be called; INT64_MAX: not before
 * the end (on_watermark(PS_WATERMARK_END) comes always, once).
 *
 * All of it must give the same output for: row by row, all at once, an outlet of one row, and with
 * the state saved and loaded between any two calls (tests/unit/flow/bench.h does that to each).
 */
#ifndef PS_FLOW_OPERATOR_H
#define PS_FLOW_OPERATOR_H

#include "expr/program.h"
#include "flow/connector.h"
#include "flow/late_rows.h"
#include "state/store.h"

typedef struct ps_operator ps_operator;

typedef struct {
    const char *name;
    /* Instead of on_rows, for operators that work row by row: one row, the outlet stamped for it;
     * the driver looks at `due` between rows. */
    ps_code (*on_row)(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err);
    ps_code (*on_rows)(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err);
    /* NULL: watermarks mean nothing to it */
    ps_code (*on_watermark)(ps_operator *op, int64_t watermark, ps_error *err);
    ps_code (*restored)(ps_operator *op, ps_error *err); /* NULL: nothing cached */
    void (*free)(ps_operator *op);                       /* frees op, not its store or outlet */
} ps_operator_class;

/* What an operator gets when it is made; borrowed for its life. */
typedef struct {
    const ps_expr_context *expressions;
    const ps_program_clock *clock; /* processing time of the present batch */
    ps_arena *arena;               /* the plan's: for layouts and the like */
    ps_store *store;
    ps_outlet *outlet;
    int64_t ttl_ms; /* table.exec.state.ttl; 0: none. By clock->now_ms */
    /* event times more than so far ahead of clock->now_ms are not believed; 0: all are */
    int64_t future_max_ms;
    ps_dead_letter *dead_letter; /* takes those rows; NULL: they are only counted */
} ps_operator_context;

/* Embedded first in every operator's struct. */
struct ps_operator {
    const ps_operator_class *class;
    ps_operator_context context;
    int64_t watermark; /* PS_WATERMARK_NONE at first; kept by the driver */
    int64_t due;
    uint64_t last_sequence;  /* of the last row taken; kept by the driver */
    uint64_t late_row_count; /* rows dropped as late (SEMANTICS §5.5); kept by the operator */
    uint64_t lost_run_count; /* partial matches dropped at their limit; kept by the operator */
    uint64_t bad_row_count;  /* rows put aside as dead letters, since the process began */
    ps_late_rows *late;      /* takes those rows; NULL: nobody listens. Borrowed */
};

/* The rows, then the watermark behind them; flushes the outlet at the end. */
PS_CHECKED ps_code ps_operator_feed_part(ps_operator *op, uint32_t input, const ps_batch_part *part,
                                         ps_error *err);
/* The whole batch. */
PS_CHECKED ps_code ps_operator_feed(ps_operator *op, uint32_t input, const ps_batch *batch,
                                    ps_error *err);

/* What a checkpoint keeps of every operator beside its store (all but class and context). */
typedef struct {
    int64_t watermark, due;
    uint64_t last_sequence, late_row_count;
} ps_operator_mark;

/* The first row in (from, to] at which a run must end: the first row i > from with
 * watermarks[i] ≥ op->due; `to` when there is none. */
static inline uint32_t ps_operator_run_end(const ps_operator *op, const ps_batch *batch,
                                           uint32_t from, uint32_t to)
{
    uint32_t row = from + 1;
    if (op->due == INT64_MAX || batch->watermarks[to - 1] < op->due) {
        return to;
    }
    while (row < to && batch->watermarks[row] < op->due) {
        row++;
    }
    return row;
}

/* Frees op, not its store or outlet. */
void ps_operator_free(ps_operator *op);

void ps_operator_count_late(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row);

#endif
