/* The pipeline under construction: nodes of a plan in an arena, and the first failure. */
#ifndef PS_API_PIPELINE_BUILD_H
#define PS_API_PIPELINE_BUILD_H

#include <stdatomic.h>

#include "api/user_spec.h"
#include "run/stream_job.h"

enum { PS_PIPELINE_NODES_MAX = 1024 };

struct ps_collection {
    ps_pipeline *pipeline;
    const ps_node *node;
    const ps_shape *shape;
    ps_columns keys;
    ps_windowing windowing;
};

struct ps_pipeline {
    ps_arena arena;
    ps_expr_context expressions;
    uint32_t node_count;
    ps_node *nodes[PS_PIPELINE_NODES_MAX];
    ps_collection nothing; /* what failed calls give back */
    ps_code code;          /* of the first failure */
    ps_error error;
    bool has_run;
    _Atomic(ps_stream_job *) running;
    _Atomic bool stops;
    _Atomic int stopping; /* calls of ps_pipeline_stop under way: the job stays */
    ps_run_counts counts;
};

/* Remembers the first failure; gives the collection that failed calls give back. */
ps_collection *ps_pipeline_fail(ps_pipeline *pipeline, ps_code code, const char *format, ...)
    PS_PRINTF(3, 4);
ps_collection *ps_pipeline_fail_memory(ps_pipeline *pipeline);

/* A node behind the given inputs, with the shape as its schema; its spec is the caller's to set.
 * NULL: it failed. */
ps_node *ps_pipeline_add(ps_pipeline *pipeline, ps_node_kind kind, const ps_shape *shape,
                         uint32_t input_count, const ps_node *const *inputs);
/* What a node gives out; keys and windows as in `like` (NULL: none, global). */
ps_collection *ps_pipeline_collect(ps_pipeline *pipeline, const ps_node *node,
                                   const ps_shape *shape, const ps_collection *like);
/* The definitions as a shape with these parts (ps_shape_part); NULL: they are wrong, or no memory.
 */
ps_shape *ps_pipeline_shape(ps_pipeline *pipeline, const ps_column_def *columns, uint32_t parts);

/* ── tables of custom sources and sinks: the connector finds the functions behind the table ── */

typedef struct {
    ps_table_info info; /* first */
    const ps_shape *shape;
    ps_source_functions source;
    ps_sink_functions sink;
} ps_callback_table;

extern const ps_connector ps_connector_callback;
#define PS_CALLBACK_CONNECTOR "callback"

#endif
