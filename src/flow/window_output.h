/* The rows of window aggregates: keys, aggregates, window properties. */
#ifndef PS_FLOW_WINDOW_OUTPUT_H
#define PS_FLOW_WINDOW_OUTPUT_H

#include "data/row.h"
#include "flow/operator.h"
#include "flow/spec.h"

typedef struct {
    const ps_window_aggregate_spec *spec;
    ps_outlet *outlet;
    ps_aggregator *aggregator;
    ps_row_layout layout;          /* of the keys */
    const ps_column **key_columns; /* of the batch at hand */
    ps_value *results;
} ps_window_output;

PS_CHECKED ps_code ps_window_output_init(ps_window_output *output,
                                         const ps_window_aggregate_spec *spec,
                                         const ps_operator_context *context, const ps_schema *input,
                                         ps_error *err);
/* Opens the aggregator in the context's store. */
PS_CHECKED ps_code ps_window_output_open(ps_window_output *output,
                                         const ps_operator_context *context, uint32_t needs,
                                         ps_error *err);
/* Points key_columns at the batch. */
void ps_window_output_bind(ps_window_output *output, const ps_batch *batch);
PS_CHECKED ps_code ps_window_output_emit(ps_window_output *output, const char *key_code,
                                         const char *state, int64_t start, int64_t end,
                                         ps_error *err);

#endif
