/* Sources and sinks of a pipeline: tables of the SQL face's connectors, or functions. */
#include "api/pipeline_build.h"
#include "connect/connectors.h"

/* The options in the arena; false: no memory. */
static bool copy_options(ps_pipeline *pipeline, const ps_option *options, ps_table_info *out)
{
    uint32_t count = 0;
    while (options[count].key != NULL) {
        count++;
    }
    ps_with_option *copies = ps_arena_take(&pipeline->arena, count * sizeof *copies);
    for (uint32_t i = 0; copies != NULL && i < count; i++) {
        const ps_option *from = &options[i];
        const char *key = ps_arena_copy(&pipeline->arena, from->key, strlen(from->key));
        const char *value = ps_arena_copy(&pipeline->arena, from->value, strlen(from->value));
        if (key == NULL || value == NULL) {
            return false;
        }
        copies[i] = (ps_with_option){ps_slice_text(key), ps_slice_text(value)};
    }
    out->option_count = count;
    out->options = copies;
    return copies != NULL;
}

/* A table of the user's columns; NULL: the pipeline remembers why. */
static ps_callback_table *new_table(ps_pipeline *pipeline, const char *name, const ps_shape *shape,
                                    const ps_option *options)
{
    ps_callback_table *table = ps_arena_take(&pipeline->arena, sizeof *table);
    if (table == NULL || !copy_options(pipeline, options, &table->info)) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    table->info.name = ps_slice_text(name);
    table->info.physical = (ps_schema){shape->column_count, shape->fields};
    table->shape = shape;
    return table;
}

/* What the connector says of the table; false: it cannot be, which the pipeline remembers. */
static bool ask_traits(ps_pipeline *pipeline, const ps_table_info *table, ps_table_traits *out)
{
    const ps_slice *name = ps_table_option(table, "connector");
    if (name == NULL) {
        ps_pipeline_fail(pipeline, PS_E_INVALID, "%.*s: the option \"connector\" is missing",
                         (int)table->name.size, table->name.data);
        return false;
    }
    const ps_connector *connector = ps_connector_find(&ps_connectors, *name);
    if (connector == NULL) {
        ps_pipeline_fail(pipeline, PS_E_MISSING, "%.*s: there is no connector \"%.*s\"",
                         (int)table->name.size, table->name.data, (int)name->size, name->data);
        return false;
    }
    ps_error err;
    ps_code code = connector->traits(table, out, &err);
    if (code != PS_OK) {
        ps_pipeline_fail(pipeline, code, "%s", err.text);
    }
    return code == PS_OK;
}

/* ── sources ── */

static ps_collection *add_source(ps_pipeline *pipeline, const ps_callback_table *table)
{
    const ps_shape *shape = table->shape;
    ps_source_spec *spec = ps_arena_take(&pipeline->arena, sizeof *spec);
    ps_leaf *leaves = ps_arena_take(&pipeline->arena, shape->column_count * sizeof *leaves);
    if (spec == NULL || leaves == NULL) {
        return ps_pipeline_fail_memory(pipeline);
    }
    for (uint32_t i = 0; i < shape->column_count; i++) {
        leaves[i] = (ps_leaf){.column = i, .type = shape->fields[i].type};
    }
    *spec = (ps_source_spec){&table->info, shape->column_count, leaves};
    ps_node *node = ps_pipeline_add(pipeline, PS_NODE_SOURCE, shape, 0, NULL);
    if (node == NULL) {
        return &pipeline->nothing;
    }
    node->source = spec;
    return ps_pipeline_collect(pipeline, node, shape, NULL);
}

ps_collection *ps_pipeline_read(ps_pipeline *pipeline, const ps_column_def *columns,
                                const ps_option *options)
{
    const ps_shape *shape =
        pipeline->code == PS_OK ? ps_pipeline_shape(pipeline, columns, 0) : NULL;
    ps_callback_table *table = shape != NULL ? new_table(pipeline, "source", shape, options) : NULL;
    ps_table_traits traits;
    if (table == NULL || !ask_traits(pipeline, &table->info, &traits)) {
        return &pipeline->nothing;
    }
    if (!traits.can_read || traits.source_changes != PS_CHANGES_APPEND) {
        return ps_pipeline_fail(pipeline, PS_E_UNSUPPORTED,
                                "a pipeline cannot read such a table: it %s",
                                traits.can_read ? "holds changes" : "can only be written");
    }
    return add_source(pipeline, table);
}

ps_collection *ps_pipeline_read_text(ps_pipeline *pipeline, const char *path)
{
    return ps_pipeline_read(
        pipeline, PS_COLUMNS({"line", PS_COLUMN_TEXT}),
        PS_OPTIONS({"connector", "filesystem"}, {"path", path}, {"format", "raw"}));
}

ps_collection *ps_pipeline_read_custom(ps_pipeline *pipeline, const ps_column_def *columns,
                                       const ps_source_functions *source)
{
    const ps_shape *shape =
        pipeline->code == PS_OK ? ps_pipeline_shape(pipeline, columns, 0) : NULL;
    ps_callback_table *table =
        shape != NULL
            ? new_table(pipeline, "source", shape, PS_OPTIONS({"connector", PS_CALLBACK_CONNECTOR}))
            : NULL;
    if (table == NULL) {
        return &pipeline->nothing;
    }
    table->source = *source;
    return add_source(pipeline, table);
}

/* ── sinks ── */

static void add_sink(ps_collection *in, const ps_callback_table *table)
{
    ps_pipeline *pipeline = in->pipeline;
    ps_sink_spec *spec = ps_arena_take(&pipeline->arena, sizeof *spec);
    ps_node *node = ps_pipeline_add(pipeline, PS_NODE_SINK, in->shape, 1, &in->node);
    if (spec == NULL || node == NULL) {
        ps_pipeline_fail_memory(pipeline);
        return;
    }
    spec->table = &table->info;
    node->sink = spec;
}

/* The user's columns alone. */
static ps_collection *narrowed(ps_collection *in)
{
    ps_pipeline *pipeline = in->pipeline;
    uint32_t count = in->shape->column_count;
    if (in->shape->total_count == count) {
        return in;
    }
    ps_shape *shape = ps_shape_new(&pipeline->arena, count, 0);
    ps_narrow_spec *spec = ps_arena_take(&pipeline->arena, sizeof *spec);
    if (shape == NULL || spec == NULL) {
        return ps_pipeline_fail_memory(pipeline);
    }
    memcpy(shape->fields, in->shape->fields, count * sizeof *shape->fields);
    ps_shape_finish(shape);
    *spec = (ps_narrow_spec){{"Narrow", ps_op_narrow_new, false}, count};
    ps_node *node = ps_pipeline_add(pipeline, PS_NODE_USER, shape, 1, &in->node);
    if (node == NULL) {
        return &pipeline->nothing;
    }
    node->user = &spec->base;
    return ps_pipeline_collect(pipeline, node, shape, NULL);
}

void ps_collection_write(ps_collection *in, const ps_option *options)
{
    ps_pipeline *pipeline = in->pipeline;
    if (pipeline->code != PS_OK) {
        return;
    }
    in = narrowed(in);
    ps_callback_table *table =
        pipeline->code == PS_OK ? new_table(pipeline, "sink", in->shape, options) : NULL;
    ps_table_traits traits;
    if (table == NULL || !ask_traits(pipeline, &table->info, &traits)) {
        return;
    }
    if (!traits.can_write) {
        ps_pipeline_fail(pipeline, PS_E_UNSUPPORTED, "such a table can only be read");
        return;
    }
    add_sink(in, table);
}

void ps_collection_write_text(ps_collection *in, const char *directory)
{
    ps_collection_write(
        in, PS_OPTIONS({"connector", "filesystem"}, {"path", directory}, {"format", "raw"}));
}

void ps_collection_write_custom(ps_collection *in, const ps_sink_functions *sink)
{
    ps_pipeline *pipeline = in->pipeline;
    ps_callback_table *table = pipeline->code == PS_OK
                                   ? new_table(pipeline, "sink", in->shape,
                                               PS_OPTIONS({"connector", PS_CALLBACK_CONNECTOR}))
                                   : NULL;
    if (table != NULL) {
        table->sink = *sink;
        add_sink(in, table);
    }
}
