/* Join output: the rows that a join emits, gathered and pushed column by column.
 *
 * Until a flush the rows are only named: kept rows and rows of the batch at hand must stay where
 * they are. So a join flushes at the end of on_rows and of on_watermark, and lets go of kept rows
 * through ps_join_output_drop.
 * With a condition, rows are candidates: at the flush those that satisfy it go out. That is for
 * joins whose state does not depend on which pairs match. */
#ifndef PS_FLOW_JOIN_OUTPUT_H
#define PS_FLOW_JOIN_OUTPUT_H

#include "flow/graph.h"
#include "flow/join_columns.h"
#include "flow/operator.h"

typedef struct {
    ps_outlet *outlet;
    ps_program *condition; /* NULL: every row goes out */
    const ps_program_clock *clock;
    bool *is_read; /* by the condition: left columns, then right ones */
    ps_batch view;
    ps_join_columns sides[2]; /* the second without columns: left rows only */
    uint32_t *selection;
    bool has_changes; /* some kind is not +I */
    bool is_left_only;
    struct ps_join_dropped {
        ps_kept_rows *rows;
        uint32_t ref;
    } * dropped; /* to be let go of with the flush */
    uint32_t drop_count;
} ps_join_output;

/* condition NULL: none. Output of the node: left columns, and right ones unless SEMI or ANTI. */
PS_CHECKED ps_code ps_join_output_init(ps_join_output *output, const ps_node *node,
                                       const ps_join_on *on, const ps_expr *condition,
                                       const ps_operator_context *context, ps_error *err);
void ps_join_output_release(ps_join_output *output);

/* A row with the outlet's present stamp; NULL: that side is padded. */
PS_CHECKED ps_code ps_join_output_add(ps_join_output *output, uint8_t kind, const ps_join_row *left,
                                      const ps_join_row *right, ps_error *err);
/* Instead of ps_kept_rows_drop. */
PS_CHECKED ps_code ps_join_output_drop(ps_join_output *output, ps_kept_rows *rows, uint32_t ref,
                                       ps_error *err);
PS_CHECKED ps_code ps_join_output_flush(ps_join_output *output, ps_error *err);

#endif
