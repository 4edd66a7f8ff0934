/* Relations: the plan as the binder makes it, before it becomes a flow graph.
 *
 * A relation is a tree node with columns. The passes change the tree in place, in this order
 * (plan_passes in planner.c): filters are pushed down and ROW_NUMBER patterns and outer joins
 * simplified on the way (push.c), windows are merged into their aggregates (window.c), unused
 * columns are taken away (prune.c); then the tree is made into nodes (lower*.c).
 *
 * Columns know what SQL types do not say: which are time attributes, and which are the bounds of
 * which window (SEMANTICS §5.4, §7.1).
 */
#ifndef PS_SQL_REL_H
#define PS_SQL_REL_H

#include "cep/match_spec.h"
#include "sql/plan.h"

enum { PS_REL_COUNT_MAX = 20000 };

typedef enum { PS_TIME_NONE, PS_TIME_ROW, PS_TIME_PROCESSING } ps_time_attribute;

typedef enum {
    PS_ROLE_NONE,
    PS_ROLE_WINDOW_START,
    PS_ROLE_WINDOW_END,
    PS_ROLE_WINDOW_TIME
} ps_column_role;

typedef struct {
    ps_slice name;
    const ps_type *type;
    ps_time_attribute time;
    ps_column_role role;
    const ps_window *window; /* of role; the pointer is the window's identity */
} ps_rel_column;

typedef enum {
    PS_REL_SCAN,
    PS_REL_VALUES,
    PS_REL_CALC,
    PS_REL_WINDOW,
    PS_REL_EXPAND,
    PS_REL_AGGREGATE,
    PS_REL_OVER,
    PS_REL_RANK,
    PS_REL_JOIN,
    PS_REL_UNION,
    PS_REL_SET,
    PS_REL_SORT,
    PS_REL_UNNEST,
    PS_REL_MATCH
} ps_rel_kind;

typedef enum { PS_TEMPORAL_NONE, PS_TEMPORAL_ROWTIME, PS_TEMPORAL_PROCTIME } ps_temporal_kind;

typedef struct ps_table ps_table;
typedef struct ps_rel ps_rel;

struct ps_rel {
    ps_rel_kind kind;
    ps_sql_span at; /* for messages */
    uint32_t input_count;
    ps_rel **inputs;
    uint32_t column_count;
    ps_rel_column *columns; /* output */
    union {
        /* columns: all of the table, in its order */
        struct {
            const ps_table *table;
        } scan;
        ps_values_spec values;
        /* rows where condition (NULL: all) is TRUE, then the outputs */
        struct {
            const ps_expr *condition;
            const ps_expr **outputs;
        } calc;
        /* columns: the input's, start, end, time */
        struct {
            ps_window window;
            ps_columns keys;
            const ps_window *identity;
            bool is_merged; /* its aggregate does the work: the relation is taken out */
        } window;
        struct {
            uint32_t set_count;
            const ps_expr **outputs; /* set_count × column_count */
        } expand;
        /* columns: keys, calls, then, when windowed, the properties */
        struct {
            ps_columns keys;
            uint32_t call_count;
            ps_aggregate_call *calls;
            bool is_windowed;
            bool is_plain;      /* windowed, but its windows' bounds are keys like all others */
            bool keeps_columns; /* all of its input's: who reads its late rows sees them */
            ps_window window;
            uint32_t property_count;
            ps_window_property *properties;
        } aggregate;
        /* columns: the input's, then the calls */
        struct {
            ps_columns keys;
            uint32_t sort_count;
            ps_sort_key *sort;
            bool is_rows, is_unbounded;
            int64_t preceding;
            uint32_t call_count;
            ps_aggregate_call *calls;
            bool is_ranking;       /* the only call is a ROW_NUMBER, RANK or DENSE_RANK */
            const char *rank_name; /* of is_ranking */
        } over;
        /* columns: the input's, then the number when emit_rank */
        struct {
            ps_columns keys;
            uint32_t sort_count;
            ps_sort_key *sort;
            int64_t first, last;
            bool emit_rank;
        } rank;
        /* columns: left, right; SEMI and ANTI: left only. condition: over left, right */
        struct {
            ps_join_kind kind;
            const ps_expr *condition;
            bool is_null_aware;
            ps_temporal_kind temporal;
            uint32_t as_of; /* temporal: left column */
        } join;
        struct {
            bool is_intersect, is_all;
        } set;
        struct {
            uint32_t sort_count;
            ps_sort_key *sort;
            int64_t limit, offset; /* limit −1: none */
        } sort;
        struct {
            const ps_expr *collection;
            bool is_left, with_ordinality;
            uint32_t element_column_count;
        } unnest;
        /* columns: keys, then the values; what MEASURES make of them a calc above does */
        struct {
            ps_columns keys;
            uint32_t sort_count;
            ps_sort_key *sort; /* by the time attribute first */
            ps_cep_pattern *pattern;
            /* those of the pattern's stages: over the input's columns, then their own slots */
            uint32_t condition_count;
            ps_cep_condition *const *conditions;
            uint32_t value_count;
            ps_cep_slot *values;
            bool emits_timeouts;
        } match;
    };
};

/* A relation with room for its inputs and columns; those are the caller's to fill. */
ps_rel *ps_rel_new(ps_plan *plan, ps_rel_kind kind, ps_sql_span at, uint32_t input_count,
                   uint32_t column_count);
/* A calc over input; columns get name, type and what survives a projection from `outputs`. */
ps_rel *ps_rel_calc(ps_plan *plan, ps_sql_span at, ps_rel *input, const ps_expr *condition,
                    uint32_t output_count, const ps_expr *const *outputs, const ps_slice *names);
/* A calc that only filters; `condition` NULL: the input itself. */
ps_rel *ps_rel_filter(ps_plan *plan, ps_rel *input, const ps_expr *condition);
/* A calc with the given columns of the input. */
ps_rel *ps_rel_select(ps_plan *plan, ps_rel *input, uint32_t count, const uint32_t *columns);
/* The input's columns as expressions. */
const ps_expr **ps_rel_identity(ps_plan *plan, const ps_rel *input, uint32_t extra);
/* An output that is a plain column: the input's column number, else PS_NO_COLUMN. */
uint32_t ps_rel_calc_source(const ps_rel *calc, uint32_t output);
/* A column expression that has the column's own type (the very pointer) also keeps its attribute;
 * CAST gives it another. */
static inline bool ps_rel_keeps_attribute(const ps_rel *input, const ps_expr *expr)
{
    return expr->kind == PS_EXPR_COLUMN && input->columns[expr->column].type == expr->type;
}
bool ps_rel_calc_is_identity(const ps_rel *calc);
/* Columns of the left side of a join in its joined numbering. */
uint32_t ps_rel_left_count(const ps_rel *join);
bool ps_rel_is_proctime_call(const ps_expr *expr);
/* Some table below holds the late rows of table `of` (empty: of any); lower_late.c. */
bool ps_rel_reads_late(const ps_rel *rel, ps_slice of);

/* The calc and the calcs right below it as one, as long as that is the same. */
ps_rel *ps_rel_merge_calcs(ps_plan *plan, ps_rel *calc);
/* Columns of which no two rows of the relation's present content have equal values; count 0: none
 * is known. */
ps_columns ps_rel_upsert_key(ps_plan *plan, const ps_rel *rel);

/* ── passes ── */

/* Filters as low as they go; returns the tree's new root. */
ps_rel *ps_rel_push_filters(ps_plan *plan, ps_rel *root);
/* Joins on computed values become joins on columns that a calc below makes. */
ps_rel *ps_rel_extract_keys(ps_plan *plan, ps_rel *root);
/* Window functions into the aggregates that group by them. */
void ps_rel_merge_windows(ps_plan *plan, ps_rel *root);
/* Window aggregates get whole rows, because somebody reads those that they drop as late. */
void ps_rel_keep_late(ps_plan *plan, ps_rel *root);
/* Takes away columns: needed[c] says which of root's columns are read. Columns may be left over;
 * out_map[c] is the new number of each needed one. */
ps_rel *ps_rel_prune(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map);
/* The same, and exactly the old columns remain, in their order. */
ps_rel *ps_rel_prune_all(ps_plan *plan, ps_rel *root);

#endif
