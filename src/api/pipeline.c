/* A pipeline's frame: its arena, its first failure, and the run. */
#include "api/pipeline_build.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/failure.h"
#include "connect/connectors.h"
#include "sql/session.h"

enum { ARENA_SIZE_MAX = 1 << 30, CONNECTORS_MAX = 32 };
static const uint64_t memory_default = 8ULL << 30;

ps_pipeline *ps_pipeline_new(void)
{
    ps_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL) {
        return NULL;
    }
    ps_arena_init(&pipeline->arena, ARENA_SIZE_MAX);
    pipeline->expressions.arena = &pipeline->arena;
    pipeline->nothing.pipeline = pipeline;
    return pipeline;
}

void ps_pipeline_free(ps_pipeline *pipeline)
{
    if (pipeline != NULL) {
        ps_arena_release(&pipeline->arena);
        free(pipeline);
    }
}

ps_collection *ps_pipeline_fail(ps_pipeline *pipeline, ps_code code, const char *format, ...)
{
    if (pipeline->code == PS_OK) {
        char text[PS_ERROR_TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        pipeline->code = ps_error_set(&pipeline->error, code, "%s", text);
    }
    return &pipeline->nothing;
}

ps_collection *ps_pipeline_fail_memory(ps_pipeline *pipeline)
{
    return ps_pipeline_fail(pipeline, PS_E_MEMORY, "no memory for the pipeline");
}

ps_node *ps_pipeline_add(ps_pipeline *pipeline, ps_node_kind kind, const ps_shape *shape,
                         uint32_t input_count, const ps_node *const *inputs)
{
    if (pipeline->node_count == PS_PIPELINE_NODES_MAX || pipeline->has_run) {
        ps_pipeline_fail(pipeline, PS_E_LIMIT,
                         "a pipeline has at most %d steps, added before it runs",
                         PS_PIPELINE_NODES_MAX);
        return NULL;
    }
    ps_node *node = ps_arena_take(&pipeline->arena, sizeof *node);
    const ps_node **copy = ps_arena_take(&pipeline->arena, input_count * sizeof *copy);
    if (node == NULL || copy == NULL) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    for (uint32_t i = 0; i < input_count; i++) {
        copy[i] = inputs[i];
        node->has_watermarks = node->has_watermarks || inputs[i]->has_watermarks;
    }
    node->kind = kind;
    node->id = pipeline->node_count;
    node->input_count = input_count;
    node->inputs = copy;
    node->schema = ps_shape_schema(shape);
    node->changes = PS_CHANGES_APPEND;
    node->time_column = PS_NO_COLUMN;
    pipeline->nodes[pipeline->node_count++] = node;
    return node;
}

ps_collection *ps_pipeline_collect(ps_pipeline *pipeline, const ps_node *node,
                                   const ps_shape *shape, const ps_collection *like)
{
    ps_collection *collection = ps_arena_take(&pipeline->arena, sizeof *collection);
    if (collection == NULL) {
        return ps_pipeline_fail_memory(pipeline);
    }
    if (like != NULL) {
        *collection = *like;
    }
    collection->pipeline = pipeline;
    collection->node = node;
    collection->shape = shape;
    return collection;
}

ps_shape *ps_pipeline_shape(ps_pipeline *pipeline, const ps_column_def *columns, uint32_t parts)
{
    ps_error err;
    ps_shape *shape = ps_shape_of(&pipeline->arena, columns, parts, &err);
    if (shape == NULL) {
        ps_pipeline_fail(pipeline, err.code, "%s", err.text);
    }
    return shape;
}

/* ── running ── */

static ps_code run_job(ps_pipeline *pipeline, const ps_run_options *options, ps_error *err)
{
    const ps_graph graph = {
        .node_count = pipeline->node_count,
        .nodes = (const ps_node *const *)pipeline->nodes,
        .is_bounded = true,
    };
    const ps_connector *known[CONNECTORS_MAX] = {&ps_connector_callback};
    for (uint32_t i = 0; i + 2 < CONNECTORS_MAX && ps_connectors.connectors[i] != NULL; i++) {
        known[i + 1] = ps_connectors.connectors[i];
    }
    const ps_connector_set connectors = {known};
    const ps_connector_context surroundings = {
        .io = ps_io_posix(),
        .expressions = &pipeline->expressions,
        .lane_count = 1,
    };
    const ps_stream_job_options job_options = {
        .graph = &graph,
        .connectors = &connectors,
        .surroundings = &surroundings,
        .state_dir = options->state_dir,
        .fingerprint = ps_graph_fingerprint(&graph),
        .checkpoint_interval_ms = options->checkpoint_interval_ms,
        .memory_max = options->memory_max != 0 ? options->memory_max : memory_default,
        .batch_rows = options->batch_rows < PS_BATCH_ROWS ? options->batch_rows : PS_BATCH_ROWS,
    };
    ps_stream_job *job;
    ps_code code = ps_stream_job_new(&job_options, &job, err);
    if (code != PS_OK) {
        return code;
    }
    pipeline->running = job;
    if (pipeline->stops) {
        ps_stream_job_stop(job);
    }
    code = ps_stream_job_run(job, err);
    pipeline->running = NULL;
    while (pipeline->stopping > 0) {
        sched_yield();
    }
    const ps_stream_job_counters *counters = ps_stream_job_counters_of(job);
    pipeline->counts = (ps_run_counts){
        .rows_in = counters->rows_in,
        .rows_out = counters->rows_out,
        .rows_late = counters->rows_late,
    };
    ps_stream_job_free(job);
    return code;
}

bool ps_pipeline_run(ps_pipeline *pipeline, const ps_run_options *options, ps_failure *failure)
{
    static const ps_run_options none = {0};
    if (pipeline->has_run) {
        ps_pipeline_fail(pipeline, PS_E_INVALID, "a pipeline runs once");
    } else if (pipeline->node_count == 0) {
        ps_pipeline_fail(pipeline, PS_E_INVALID, "the pipeline has no steps");
    }
    if (pipeline->code == PS_OK) {
        pipeline->has_run = true;
        pipeline->code = run_job(pipeline, options != NULL ? options : &none, &pipeline->error);
    }
    if (pipeline->code != PS_OK) {
        ps_failure_fill(failure, &pipeline->error);
    }
    return pipeline->code == PS_OK;
}

void ps_pipeline_stop(ps_pipeline *pipeline)
{
    pipeline->stops = true;
    pipeline->stopping++;
    ps_stream_job *job = pipeline->running;
    if (job != NULL) {
        ps_stream_job_stop(job);
    }
    pipeline->stopping--;
}

void ps_pipeline_counts(const ps_pipeline *pipeline, ps_run_counts *out)
{
    *out = pipeline->counts;
}
