/* What a pipeline says to its own operators: plain data in its arena, as flow/spec.h is for SQL's.
 */
#ifndef PS_API_USER_SPEC_H
#define PS_API_USER_SPEC_H

#include "api/shape.h"
#include "flow/operators.h"
#include "paystream/pipeline.h"

/* map, flat_map, filter, with_time: what calls a function for each row. Output: `out`, whose parts
 * are those of `in`, with_time's newly set. */
typedef struct {
    ps_user_spec base;
    const ps_shape *in, *out;
    union {
        ps_map_function *map;
        ps_filter_function *keep;
        ps_time_function *time_ms;
    };
    void *user;
} ps_function_spec;

/* window. Output: the user's columns and time of the input, then start and end. */
typedef struct {
    ps_user_spec base;
    const ps_shape *in, *out;
    ps_windowing windowing;
} ps_windowing_spec;

/* Output: the first column_count columns of the input. */
typedef struct {
    ps_user_spec base;
    uint32_t column_count;
} ps_narrow_spec;

typedef struct ps_accumulator ps_accumulator;
/* aggregate, combine, group. Output: the key, the accumulator's columns, time, window, pane. */
typedef struct {
    ps_user_spec base;
    const ps_shape *in, *out;
    ps_columns keys;
    ps_windowing windowing;
    /* one of: */
    uint32_t call_count;
    const ps_aggregate_call *calls;
    const ps_combine_functions *combine;
    ps_group_function *group;
    void *group_user;
} ps_pane_spec;

ps_operator_new ps_op_map_new;
ps_operator_new ps_op_flat_map_new;
ps_operator_new ps_op_filter_new;
ps_operator_new ps_op_time_new;
ps_operator_new ps_op_windowing_new;
ps_operator_new ps_op_narrow_new;
ps_operator_new ps_op_pane_new;

#endif
