/* A plan: nodes of a dataflow graph, immutable, in the arena of its script. Made by sql (or by the
 * C API), read by explain, and instantiated once per lane by run.
 *
 * Nodes are numbered in topological order: inputs before users. A node may feed several others.
 */
#ifndef PS_FLOW_GRAPH_H
#define PS_FLOW_GRAPH_H

#include "data/row_format.h"
#include "flow/spec.h"

typedef enum {
    PS_NODE_SOURCE,
    PS_NODE_VALUES,
    PS_NODE_CALC,
    PS_NODE_WATERMARK,
    PS_NODE_UNION, /* two or more inputs of one schema */
    PS_NODE_WINDOW_ASSIGN,
    PS_NODE_WINDOW_AGGREGATE,
    PS_NODE_GROUP_AGGREGATE,
    PS_NODE_EXPAND,
    PS_NODE_OVER,
    PS_NODE_DEDUPLICATE,
    PS_NODE_RANK,
    PS_NODE_WINDOW_RANK,
    PS_NODE_JOIN,
    PS_NODE_INTERVAL_JOIN,
    PS_NODE_WINDOW_JOIN,
    PS_NODE_TEMPORAL_JOIN,
    PS_NODE_LOOKUP_JOIN,
    PS_NODE_SORT,
    PS_NODE_NORMALIZE,
    PS_NODE_UNNEST,
    PS_NODE_SET,
    PS_NODE_DROP_UPDATE_BEFORE, /* for sinks that take upserts; no spec */
    PS_NODE_LATE,               /* reads what its inputs drop as late (flow/late_rows.h); no spec */
    PS_NODE_USER,               /* an operator of the C API: its spec makes it */
    PS_NODE_SINK
} ps_node_kind;

/* What kinds of rows a node emits. */
typedef enum {
    PS_CHANGES_APPEND, /* +I */
    PS_CHANGES_UPSERT, /* +I +U −D by the upsert key */
    PS_CHANGES_RETRACT /* +I −U +U −D */
} ps_changes;

/* A table as its DDL declares it (sources and sinks). */
typedef struct {
    ps_slice name;
    ps_schema physical; /* columns that the connector and format deal with, in order */
    uint32_t metadata_count;
    const struct ps_metadata_column {
        ps_slice key; /* name in the connector */
        const ps_type *type;
    } * metadata;
    uint32_t option_count;
    const ps_with_option *options;
    ps_columns primary_key; /* of physical; count 0: none */
    uint32_t partition_count;
    const uint32_t *partitions; /* PARTITIONED BY, of physical */
} ps_table_info;

/* Output: the leaves that the plan reads. */
typedef struct {
    const ps_table_info *table;
    uint32_t leaf_count;
    const ps_leaf *leaves;
} ps_source_spec;

/* Sink: rows of the table's physical columns in order; or of a query, when table is NULL. */
typedef struct {
    const ps_table_info *table;
    bool takes_upserts; /* gets no −U */
    bool is_overwrite;
} ps_sink_spec;

typedef struct ps_node ps_node;
typedef struct ps_user_spec ps_user_spec; /* flow/operators.h */
struct ps_node {
    ps_node_kind kind;
    uint32_t id; /* index in ps_graph.nodes; also the name of its state */
    uint32_t input_count;
    const ps_node *const *inputs;
    ps_schema schema; /* output columns */
    ps_changes changes;
    uint32_t time_column;  /* the rowtime attribute of the output; PS_NO_COLUMN: none */
    ps_columns upsert_key; /* count 0: none known */
    bool has_watermarks;
    /* parallel lanes: which input columns rows are dealt by, per input; NULL: any lane may have any
     * row (stateless) when is_keyed is false */
    bool is_keyed;
    const ps_columns *exchange_keys;
    union {
        const ps_source_spec *source;
        const ps_values_spec *values;
        const ps_calc_spec *calc;
        const ps_watermark_spec *watermark;
        const ps_window_assign_spec *window_assign;
        const ps_window_aggregate_spec *window_aggregate;
        const ps_group_aggregate_spec *group_aggregate;
        const ps_expand_spec *expand;
        const ps_over_spec *over;
        const ps_deduplicate_spec *deduplicate;
        const ps_rank_spec *rank;
        const ps_window_rank_spec *window_rank;
        const ps_join_spec *join;
        const ps_interval_join_spec *interval_join;
        const ps_window_join_spec *window_join;
        const ps_temporal_join_spec *temporal_join;
        const ps_lookup_join_spec *lookup_join;
        const ps_sort_spec *sort;
        const ps_normalize_spec *normalize;
        const ps_unnest_spec *unnest;
        const ps_set_spec *set;
        const ps_user_spec *user;
        const ps_sink_spec *sink;
    };
};

typedef struct {
    uint32_t node_count;
    const ps_node *const *nodes;
    bool is_bounded; /* every source ends */
} ps_graph;

const char *ps_node_kind_name(ps_node_kind kind); /* "GroupAggregate" */

#endif
