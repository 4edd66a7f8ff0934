/* Late rows: what an operator drops as late (SEMANTICS §5.5), as rows of its own that the plan can
 * read (decision d: never silent).
 *
 * One per operator that somebody listens to. The operator's late rows leave through an outlet of
 * their own, stamped like all rows, so a Late node (flow/graph.h) is fed like any other. Columns:
 * the operator's name, the watermark that the row met, the row's columns as a JSON object.
 */
#ifndef PS_FLOW_LATE_ROWS_H
#define PS_FLOW_LATE_ROWS_H

#include "flow/graph.h"
#include "flow/outlet.h"

typedef struct ps_late_rows ps_late_rows;

enum { PS_LATE_COLUMN_COUNT = 3 };
/* late_operator STRING, late_watermark TIMESTAMP_LTZ(3), late_row STRING; static. */
extern const ps_field ps_late_fields[PS_LATE_COLUMN_COUNT];

/* Of the operator of `node` (borrowed); capacity: rows per batch. PS_E_MEMORY. */
PS_CHECKED ps_code ps_late_rows_new(const ps_node *node, uint32_t capacity, ps_late_rows **out,
                                    ps_error *err);
void ps_late_rows_free(ps_late_rows *late);
/* Who is fed: its push and to are set by the caller. */
ps_outlet *ps_late_rows_outlet(ps_late_rows *late);

/* A row that the operator drops. A failure is kept until the flush. */
void ps_late_rows_add(ps_late_rows *late, uint32_t input, const ps_batch *batch, uint32_t row);
/* As ps_outlet_flush; or the failure that was kept. */
PS_CHECKED ps_code ps_late_rows_flush(ps_late_rows *late, int64_t watermark_after,
                                      uint64_t sequence_after, ps_error *err);

/* The columns of a row as a JSON object, values as `run --format json` has them. Fails in `out`. */
void ps_row_print_json(const ps_schema *schema, const ps_batch *batch, uint32_t row, ps_buf *out);

#endif
