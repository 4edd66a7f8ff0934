/* Which parts of a plan several lanes can share. */
#ifndef PS_RUN_PLAN_LANES_H
#define PS_RUN_PLAN_LANES_H

#include "flow/graph.h"

/* The plan can be dealt: from the sources to the first keyed operators, or to the sinks, it goes
 * row by row and asks for no watermark; behind a keyed operator nothing needs the rows of all keys,
 * or of other keys. Then NULL and is_exchanged[node id] (room for all nodes): the node's inputs are
 * dealt by its keys. Otherwise the node that stands in the way. */
const ps_node *ps_plan_lanes(const ps_graph *graph, bool *is_exchanged);

#endif
