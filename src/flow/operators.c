#include "flow/operators.h"

static ps_operator_new *maker_of(const ps_node *node)
{
    switch (node->kind) {
    case PS_NODE_CALC:
        return ps_op_calc_new;
    case PS_NODE_WATERMARK:
        return ps_op_watermark_new;
    case PS_NODE_UNION:
    case PS_NODE_LATE:
        return ps_op_union_new;
    case PS_NODE_WINDOW_ASSIGN:
        return ps_op_window_assign_new;
    case PS_NODE_WINDOW_AGGREGATE:
        return node->window_aggregate->window.kind == PS_WINDOW_SESSION
                   ? ps_op_session_aggregate_new
                   : ps_op_window_aggregate_new;
    case PS_NODE_GROUP_AGGREGATE:
        return ps_op_group_aggregate_new;
    case PS_NODE_EXPAND:
        return ps_op_expand_new;
    case PS_NODE_OVER:
        return ps_op_over_new;
    case PS_NODE_DEDUPLICATE:
        return ps_op_deduplicate_new;
    case PS_NODE_RANK:
        return ps_op_rank_new;
    case PS_NODE_WINDOW_RANK:
        return ps_op_window_rank_new;
    case PS_NODE_JOIN:
        return ps_op_join_new;
    case PS_NODE_INTERVAL_JOIN:
        return ps_op_interval_join_new;
    case PS_NODE_WINDOW_JOIN:
        return ps_op_window_join_new;
    case PS_NODE_TEMPORAL_JOIN:
        return ps_op_temporal_join_new;
    case PS_NODE_LOOKUP_JOIN:
        return ps_op_lookup_join_new;
    case PS_NODE_SORT:
        return ps_op_sort_new;
    case PS_NODE_NORMALIZE:
        return ps_op_normalize_new;
    case PS_NODE_UNNEST:
        return ps_op_unnest_new;
    case PS_NODE_SET:
        return ps_op_set_new;
    case PS_NODE_DROP_UPDATE_BEFORE:
        return ps_op_drop_update_before_new;
    case PS_NODE_USER:
        return node->user->make;
    case PS_NODE_SOURCE:
    case PS_NODE_VALUES:
    case PS_NODE_SINK:
        break;
    }
    return NULL;
}

ps_code ps_operator_make(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                         ps_error *err)
{
    ps_operator_new *make = maker_of(node);
    PS_ASSERT(make != NULL); /* sources and sinks are the runner's */
    ps_code code = make(node, context, out, err);
    if (code == PS_OK) {
        (*out)->watermark = PS_WATERMARK_NONE;
        (*out)->due =
            INT64_MAX; /* a fresh operator waits for nothing; a restored one gets its own */
    }
    return code;
}
