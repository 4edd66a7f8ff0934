/* Planner: bound queries to a flow graph. */
#ifndef PS_SQL_PLANNER_H
#define PS_SQL_PLANNER_H

#include "flow/graph.h"
#include "sql/catalog.h"
#include "sql/rel.h"

/* One output of a graph: a query's rows into a table, or (table NULL) to who asked. */
typedef struct {
    ps_rel *rel; /* INSERT: exactly the sink's columns, in order */
    const ps_table *table;
    ps_sql_span at;
    bool is_overwrite;
} ps_plan_output;

/* Fails as ps_plan_fail does. Outputs share the scans of the tables that they read. */
const ps_graph *ps_plan_graph(ps_plan *plan, uint32_t output_count, const ps_plan_output *outputs);

#endif
