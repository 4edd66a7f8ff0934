#include "run/plan_lanes.h"

/* Before the keyed operators any lane may have any row; behind them a lane has its own keys'. */
static bool is_behind_exchange(const ps_node *node, const bool *is_exchanged)
{
    while (node->input_count > 0 && !is_exchanged[node->id]) {
        node = node->inputs[0];
    }
    return is_exchanged[node->id];
}

static bool has_keys(const ps_node *node)
{
    for (uint32_t i = 0; node->is_keyed && i < node->input_count; i++) {
        if (node->exchange_keys[i].count == 0) {
            return false;
        }
    }
    return node->is_keyed;
}

/* Works row by row, and remembers nothing but the watermark. */
static bool is_stateless(const ps_node *node)
{
    switch (node->kind) {
    case PS_NODE_SOURCE:
    case PS_NODE_VALUES:
    case PS_NODE_CALC:
    case PS_NODE_EXPAND:
    case PS_NODE_UNNEST:
    case PS_NODE_DROP_UPDATE_BEFORE:
    case PS_NODE_LATE: /* of its lane's operators */
    case PS_NODE_WATERMARK:
    case PS_NODE_SINK:
        return true;
    case PS_NODE_WINDOW_ASSIGN:
        return node->window_assign->window.kind != PS_WINDOW_SESSION;
    default:
        return false;
    }
}

/* A lane that reads a range knows the watermark within it alone: the rest is added behind the
 * exchange. */
static bool reads_watermark(const ps_node *node)
{
    if (node->kind == PS_NODE_WATERMARK) {
        return ps_expr_reads_watermark(node->watermark->watermark);
    }
    if (node->kind != PS_NODE_CALC) {
        return false;
    }
    const ps_calc_spec *spec = node->calc;
    bool reads = spec->condition != NULL && ps_expr_reads_watermark(spec->condition);
    for (uint32_t i = 0; i < spec->output_count; i++) {
        reads = reads || ps_expr_reads_watermark(spec->outputs[i]);
    }
    return reads;
}

const ps_node *ps_plan_lanes(const ps_graph *graph, bool *is_exchanged)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const ps_node *node = graph->nodes[i];
        is_exchanged[node->id] = false;
        bool is_behind = false;
        for (uint32_t k = 0; k < node->input_count; k++) {
            is_behind = is_behind || is_behind_exchange(node->inputs[k], is_exchanged);
        }
        if (has_keys(node) && !is_behind) {
            is_exchanged[node->id] = true;
        } else if (!is_stateless(node) || (is_behind && node->kind == PS_NODE_WATERMARK) ||
                   (!is_behind && reads_watermark(node))) {
            return node;
        }
    }
    return NULL;
}
