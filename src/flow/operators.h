/* Makes the operator of a node. One file per operator: op_<name>.c, each with one function that
 * takes the node and the context, opens its state in context->store, and returns it owned.
 * PS_E_MEMORY, PS_E_LIMIT. */
#ifndef PS_FLOW_OPERATORS_H
#define PS_FLOW_OPERATORS_H

#include "flow/graph.h"
#include "flow/operator.h"

typedef ps_code ps_operator_new(const ps_node *node, const ps_operator_context *context,
                                ps_operator **out, ps_error *err);

/* An operator from beyond flow; begins the spec that its maker reads. */
struct ps_user_spec {
    const char *name; /* "Map": static storage */
    ps_operator_new *make;
    bool is_stateful; /* for the plan's text */
};

ps_operator_new ps_op_calc_new;
ps_operator_new ps_op_watermark_new;
ps_operator_new ps_op_union_new;
ps_operator_new ps_op_window_assign_new;
ps_operator_new ps_op_window_aggregate_new;
ps_operator_new ps_op_session_aggregate_new;
ps_operator_new ps_op_group_aggregate_new;
ps_operator_new ps_op_expand_new;
ps_operator_new ps_op_over_new;
ps_operator_new ps_op_deduplicate_new;
ps_operator_new ps_op_rank_new;
ps_operator_new ps_op_window_rank_new;
ps_operator_new ps_op_join_new;
ps_operator_new ps_op_interval_join_new;
ps_operator_new ps_op_window_join_new;
ps_operator_new ps_op_temporal_join_new;
ps_operator_new ps_op_lookup_join_new;
ps_operator_new ps_op_sort_new;
ps_operator_new ps_op_normalize_new;
ps_operator_new ps_op_unnest_new;
ps_operator_new ps_op_set_new;
ps_operator_new ps_op_drop_update_before_new;

/* By node->kind. SOURCE, VALUES and SINK are not operators: run makes those. */
PS_CHECKED ps_code ps_operator_make(const ps_node *node, const ps_operator_context *context,
                                    ps_operator **out, ps_error *err);

#endif
