/* What the planner says to each operator: plain data in the plan's arena, immutable.
 *
 * Column numbers are of the operator's input(s) unless said otherwise; for two inputs, "joined"
 * numbering is the left columns, then the right ones. Every operator's output schema stands in its
 * node (flow/graph.h); what its columns are is said here.
 */
#ifndef PS_FLOW_SPEC_H
#define PS_FLOW_SPEC_H

#include "expr/expr.h"
#include "flow/aggregate.h"

typedef struct {
    uint32_t count;
    const uint32_t *columns;
} ps_columns;

typedef struct {
    uint32_t column;
    bool is_descending;
    bool nulls_last; /* settled by the planner: ASC nulls first, DESC nulls last by default */
} ps_sort_key;

/* Projection and filter. Output: the expressions; rows where condition is TRUE (NULL: all). */
typedef struct {
    const ps_expr *condition;
    uint32_t output_count;
    const ps_expr *const *outputs;
} ps_calc_spec;

/* Gives the stream its watermarks (SEMANTICS §5.2). Output: the input. */
typedef struct {
    uint32_t time_column;
    const ps_expr *watermark; /* TIMESTAMP like the time column; NULL result: none from this row */
} ps_watermark_spec;

typedef enum {
    PS_WINDOW_TUMBLE,
    PS_WINDOW_HOP,
    PS_WINDOW_CUMULATE,
    PS_WINDOW_SESSION,
    PS_WINDOW_ATTACHED /* the rows carry window_start and window_end already */
} ps_window_kind;

typedef struct {
    ps_window_kind kind;
    int64_t size_ms; /* SESSION: the gap */
    int64_t step_ms; /* HOP: slide; CUMULATE: step */
    int64_t offset_ms;
    uint32_t time_column; /* TIMESTAMP(≤3) or TIMESTAMP_LTZ(≤3) */
    bool is_processing_time;
    const ps_zone *zone;               /* LTZ windows align in it; NULL: UTC or plain TIMESTAMP */
    uint32_t start_column, end_column; /* ATTACHED */
} ps_window;

/* Window function without aggregation. Output: the input, window_start, window_end, window_time.
 * keys: PARTITION BY of SESSION. */
typedef struct {
    ps_window window;
    ps_columns keys;
} ps_window_assign_spec;

typedef enum { PS_WINDOW_START, PS_WINDOW_END, PS_WINDOW_TIME } ps_window_property;

/* Output: keys, then aggregates, then the properties asked for. Append-only. */
typedef struct {
    ps_window window;
    ps_columns keys;
    uint32_t call_count;
    const ps_aggregate_call *calls;
    uint32_t property_count;
    const ps_window_property *properties;
    bool input_retracts;
} ps_window_aggregate_spec;

/* Output: keys, then aggregates. Without keys and without rows: one row of empty aggregates only at
 * the end of a bounded input (Flink: none in streaming). */
typedef struct {
    ps_columns keys;
    uint32_t call_count;
    const ps_aggregate_call *calls;
    bool input_retracts;
    bool emit_update_before;
} ps_group_aggregate_spec;

/* Several copies of each row, by GROUPING SETS. Output: for each set, the projections. */
typedef struct {
    uint32_t set_count;
    uint32_t output_count;
    const ps_expr *const *outputs; /* set_count × output_count */
} ps_expand_spec;

/* Output: the input, then the aggregates. */
typedef struct {
    ps_columns keys;
    uint32_t time_column; /* rowtime or, when is_processing_time, ignored */
    bool is_processing_time;
    bool is_rows; /* ROWS, else RANGE */
    bool is_unbounded;
    int64_t preceding;   /* ROWS: rows before the current one; RANGE: ms */
    uint32_t call_count; /* COUNT, SUM …; LAG, ROW_NUMBER, RANK, DENSE_RANK too */
    const ps_aggregate_call *calls;
} ps_over_spec;

/* Output: the input. */
typedef struct {
    ps_columns keys;
    uint32_t time_column;
    bool is_processing_time; /* arrival order */
    bool keep_last;
    bool emit_update_before;
} ps_deduplicate_spec;

/* ROW_NUMBER() … BETWEEN first AND last. Output: the input, then, when emit_rank, the number. */
typedef struct {
    ps_columns keys;
    uint32_t sort_count;
    const ps_sort_key *sort;
    int64_t first, last; /* from 1 */
    bool emit_rank;
    bool input_updates;          /* −U, +U, −D come in: everything is kept */
    ps_columns input_upsert_key; /* which rows replace which, when there are no −U; count 0: none */
    bool emit_update_before;
} ps_rank_spec;

/* The same within closed windows; append-only. A deduplication is first = last = 1 by time; then
 * is_deduplicate says that ties keep the last (DESC) or the first (ASC) arrival. */
typedef struct {
    ps_window window; /* ATTACHED */
    ps_columns keys;
    uint32_t sort_count;
    const ps_sort_key *sort;
    int64_t first, last;
    bool emit_rank;
    bool is_deduplicate;
} ps_window_rank_spec;

typedef enum {
    PS_JOIN_INNER,
    PS_JOIN_LEFT,
    PS_JOIN_RIGHT,
    PS_JOIN_FULL,
    PS_JOIN_SEMI,
    PS_JOIN_ANTI
} ps_join_kind;

/* What all joins share. Output: left columns, right columns (SEMI, ANTI: left only). */
typedef struct {
    ps_join_kind kind;
    ps_columns left_keys, right_keys; /* pairwise equal types; may be empty */
    const bool *null_safe;            /* per key: IS NOT DISTINCT FROM */
    const ps_expr *condition;         /* the rest of ON, over joined columns; NULL: none */
    /* NOT IN: a NULL on either side makes the answer unknown, which keeps no row */
    bool is_null_aware_anti;
} ps_join_on;

typedef struct {
    ps_join_on on;
    bool left_updates, right_updates;             /* the inputs are changelogs */
    ps_columns left_upsert_key, right_upsert_key; /* count 0: none */
    bool emit_update_before;                      /* outer joins and updating inputs */
} ps_join_spec;

/* left.time + lower ≤ right.time ≤ left.time + upper, inclusive, ms. */
typedef struct {
    ps_join_on on;
    uint32_t left_time, right_time; /* of each side's own columns */
    int64_t lower_ms, upper_ms;
    bool is_processing_time;
} ps_interval_join_spec;

typedef struct {
    ps_join_on on; /* without the window columns */
    uint32_t left_start, left_end, right_start, right_end;
} ps_window_join_spec;

/* Right: versions of a table by its primary key. Output as INNER or LEFT. */
typedef struct {
    ps_join_on on;
    uint32_t left_time, right_time;
} ps_temporal_join_spec;

/* Right: the rows of a bounded table, read once (input 1 is read to its end first). */
typedef struct {
    ps_join_on on;
} ps_lookup_join_spec;

/* ORDER BY: by the time attribute first (streaming), or of everything at the end (bounded). */
typedef struct {
    uint32_t sort_count;
    const ps_sort_key *sort;
    bool at_end;   /* not by time: rows go out when the input ends */
    int64_t limit; /* at_end only; −1: none */
    int64_t offset;
} ps_sort_spec;

/* A keyed changelog with duplicates or without −U made whole. Output: the input, +I −U +U −D. */
typedef struct {
    ps_columns key;
    bool emit_update_before;
} ps_normalize_spec;

/* CROSS JOIN UNNEST / LEFT JOIN UNNEST … ON TRUE. Output: the input, the element's columns (ROW
 * fields are spread; MAP: key, value), then the ordinal (from 1) when with_ordinality. */
typedef struct {
    const ps_expr *collection;
    bool is_left;
    bool with_ordinality;
    uint32_t element_column_count;
} ps_unnest_spec;

/* INTERSECT [ALL], EXCEPT [ALL]: rows that are equal in all columns, NULL equal to NULL. Changelog
 * in, changelog out. */
typedef struct {
    bool is_intersect;
    bool is_all;
    bool emit_update_before;
} ps_set_spec;

/* VALUES. Output: the rows. */
typedef struct {
    uint32_t row_count;
    const ps_value *values; /* row_count × columns */
} ps_values_spec;

#endif
