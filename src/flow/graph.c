#include "flow/graph.h"

const char *ps_node_kind_name(ps_node_kind kind)
{
    switch (kind) {
    case PS_NODE_SOURCE:
        return "Source";
    case PS_NODE_VALUES:
        return "Values";
    case PS_NODE_CALC:
        return "Calc";
    case PS_NODE_WATERMARK:
        return "Watermark";
    case PS_NODE_UNION:
        return "Union";
    case PS_NODE_WINDOW_ASSIGN:
        return "WindowAssign";
    case PS_NODE_WINDOW_AGGREGATE:
        return "WindowAggregate";
    case PS_NODE_GROUP_AGGREGATE:
        return "GroupAggregate";
    case PS_NODE_EXPAND:
        return "Expand";
    case PS_NODE_OVER:
        return "Over";
    case PS_NODE_DEDUPLICATE:
        return "Deduplicate";
    case PS_NODE_RANK:
        return "Rank";
    case PS_NODE_WINDOW_RANK:
        return "WindowRank";
    case PS_NODE_JOIN:
        return "Join";
    case PS_NODE_INTERVAL_JOIN:
        return "IntervalJoin";
    case PS_NODE_WINDOW_JOIN:
        return "WindowJoin";
    case PS_NODE_TEMPORAL_JOIN:
        return "TemporalJoin";
    case PS_NODE_LOOKUP_JOIN:
        return "LookupJoin";
    case PS_NODE_SORT:
        return "Sort";
    case PS_NODE_NORMALIZE:
        return "Normalize";
    case PS_NODE_UNNEST:
        return "Unnest";
    case PS_NODE_SET:
        return "SetOperation";
    case PS_NODE_DROP_UPDATE_BEFORE:
        return "DropUpdateBefore";
    case PS_NODE_LATE:
        return "Late";
    case PS_NODE_USER:
        return "User";
    case PS_NODE_SINK:
        return "Sink";
    }
    PS_ASSERT(false);
    return "";
}
