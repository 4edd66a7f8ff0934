/* Lowering: relations to the nodes of a flow graph. Inside of the planner.
 *
 * Changes. Each relation is lowered with the question whether its reader needs the old rows of
 * updates (−U). A reader that keeps rows by key does not, and then they are never made: `before` is
 * false, and the node's changes may be UPSERT (SEMANTICS §11).
 */
#ifndef PS_SQL_LOWER_H
#define PS_SQL_LOWER_H

#include "flow/graph.h"
#include "flow/late_rows.h"
#include "sql/catalog.h"
#include "sql/rel.h"

/* A piece of a table that the plan reads: a column, or a field inside a ROW column. */
typedef struct {
    uint32_t column; /* of the table */
    uint32_t depth;
    const uint32_t *fields;
    const ps_type *type;
} ps_slot;

/* One per table and graph, shared by all that read the table. */
typedef struct {
    const ps_table *table;
    ps_table_traits traits;
    ps_sql_span at;
    uint32_t slot_count, slot_capacity;
    ps_slot *slots; /* columns of `node` */
    ps_node *node;  /* NULL: not made yet */
} ps_scan;

typedef struct {
    ps_plan *plan;
    ps_plan_list nodes;
    ps_plan_list scans; /* ps_scan */
    bool is_bounded;
} ps_lowering;

ps_node *ps_lower(ps_lowering *lowering, ps_rel *rel, bool before);
/* Nodes and their parts. The schema and the time column come from the relation's columns. */
ps_node *ps_lower_node(ps_lowering *lowering, ps_node_kind kind, const ps_rel *rel,
                       uint32_t input_count, const ps_node *const *inputs);
/* A node whose output columns are its input's. */
ps_node *ps_lower_same(ps_lowering *lowering, ps_node_kind kind, const ps_node *input);
/* A node with the given output; its time column is left to the caller. */
ps_node *ps_lower_add(ps_lowering *lowering, ps_node_kind kind, uint32_t field_count,
                      const ps_field *fields, uint32_t input_count, const ps_node *const *inputs);
void ps_lower_deal(ps_lowering *lowering, ps_node *node, const ps_columns *keys);
void ps_lower_need_append(ps_lowering *lowering, const ps_node *input, ps_sql_span at,
                          const char *what);
ps_changes ps_lower_updates(bool before);

/* lower_reuse.c: equal nodes become one; numbers the nodes anew. */
void ps_lower_reuse(ps_lowering *lowering);
/* lower_scan.c */
void ps_lower_collect(ps_lowering *lowering, ps_rel *root);
ps_node *ps_lower_scan_calc(ps_lowering *lowering, ps_rel *calc);
/* lower_late.c */
ps_node *ps_lower_late(ps_lowering *lowering, const ps_scan *scan);
/* lower_join.c */
ps_node *ps_lower_join(ps_lowering *lowering, ps_rel *rel, bool before);
/* lower_rank.c */
ps_node *ps_lower_over(ps_lowering *lowering, ps_rel *rel);
ps_node *ps_lower_rank(ps_lowering *lowering, ps_rel *rel, bool before);
ps_node *ps_lower_sort(ps_lowering *lowering, ps_rel *rel, bool before);
/* lower_match.c */
ps_node *ps_lower_match(ps_lowering *lowering, ps_rel *rel);
/* Both are Match nodes that do the same to the same input. */
bool ps_lower_matches_equal(const ps_node *a, const ps_node *b);
/* lower_match_merge.c: patterns over one stream share an operator; numbers the nodes anew. */
void ps_lower_merge_matches(ps_lowering *lowering);
/* lower_aggregate.c */
ps_node *ps_lower_aggregate(ps_lowering *lowering, ps_rel *rel, bool before);
ps_node *ps_lower_window(ps_lowering *lowering, ps_rel *rel);

#endif
