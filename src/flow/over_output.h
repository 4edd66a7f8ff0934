/* Over output: what OVER emits, each kept row with the results of its calls, gathered and pushed
 * column by column. Until a flush the rows are only named: the output then drops them. */
#ifndef PS_FLOW_OVER_OUTPUT_H
#define PS_FLOW_OVER_OUTPUT_H

#include "flow/join_columns.h"

typedef struct {
    ps_outlet *outlet;
    ps_kept_rows *rows;
    ps_batch view;
    ps_join_columns input;  /* the view's first columns: of the kept rows */
    uint32_t *refs;         /* of the rows gathered */
    const ps_phys *classes; /* of the results, the view's last columns */
    uint32_t result_count;
    ps_arena texts; /* of results */
} ps_over_output;

/* `rows` has the columns of the input, `schema` those of the output. Borrows both. PS_E_MEMORY. */
PS_CHECKED ps_code ps_over_output_init(ps_over_output *output, ps_kept_rows *rows,
                                       const ps_schema *input, const ps_schema *schema,
                                       ps_outlet *outlet, ps_arena *arena, ps_error *err);
void ps_over_output_release(ps_over_output *output);

/* The kept row with the outlet's present stamp; it belongs to the output from here on. Copies the
 * results. */
PS_CHECKED ps_code ps_over_output_add(ps_over_output *output, uint32_t ref, const ps_value *results,
                                      ps_error *err);
PS_CHECKED ps_code ps_over_output_flush(ps_over_output *output, ps_error *err);

#endif
