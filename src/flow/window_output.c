#include "flow/window_output.h"

#include "flow/window_time.h"

ps_code ps_window_output_init(ps_window_output *output, const ps_window_aggregate_spec *spec,
                              const ps_operator_context *context, const ps_schema *input,
                              ps_error *err)
{
    ps_arena *arena = context->arena;
    *output = (ps_window_output){.spec = spec, .outlet = context->outlet};
    output->key_columns = ps_arena_take(arena, spec->keys.count * sizeof *output->key_columns);
    output->results = ps_arena_take(arena, spec->call_count * sizeof *output->results);
    const ps_type **types = ps_arena_take(arena, spec->keys.count * sizeof *types);
    if (output->key_columns == NULL || output->results == NULL || types == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a window aggregate");
    }
    for (uint32_t i = 0; i < spec->keys.count; i++) {
        types[i] = input->fields[spec->keys.columns[i]].type;
    }
    return ps_row_layout_init(&output->layout, arena, spec->keys.count, types, true, err);
}

ps_code ps_window_output_open(ps_window_output *output, const ps_operator_context *context,
                              uint32_t needs, ps_error *err)
{
    const ps_window_aggregate_spec *spec = output->spec;
    ps_aggregator_options options = {
        .call_count = spec->call_count,
        .calls = spec->calls,
        .needs = needs | (spec->input_retracts ? (uint32_t)PS_AGGREGATOR_RETRACT : 0),
        .overflow_is_null = context->expressions->overflow_is_null,
    };
    return ps_aggregator_new(context->store, context->arena, &options, &output->aggregator, err);
}

void ps_window_output_bind(ps_window_output *output, const ps_batch *batch)
{
    for (uint32_t i = 0; i < output->spec->keys.count; i++) {
        output->key_columns[i] = &batch->columns[output->spec->keys.columns[i]];
    }
}

static int64_t property_of(const ps_window *window, ps_window_property property, int64_t start,
                           int64_t end)
{
    switch (property) {
    case PS_WINDOW_START:
        return start;
    case PS_WINDOW_END:
        return end;
    case PS_WINDOW_TIME:
        return ps_window_time(window, end);
    }
    PS_ASSERT(false);
}

ps_code ps_window_output_emit(ps_window_output *output, const char *key_code, const char *state,
                              int64_t start, int64_t end, ps_error *err)
{
    const ps_window_aggregate_spec *spec = output->spec;
    ps_batch_builder *builder = &output->outlet->builder;
    ps_code code = ps_aggregator_results(output->aggregator, state, output->results, err);
    if (code == PS_OK) {
        code = ps_outlet_begin_row(output->outlet, PS_KIND_INSERT, err);
    }
    if (code == PS_OK) {
        code = ps_row_decode(&output->layout, key_code, builder, 0, err);
    }
    uint32_t column = spec->keys.count;
    for (uint32_t i = 0; i < spec->call_count && code == PS_OK; i++) {
        code = ps_batch_builder_set(builder, column++, output->results[i], err);
    }
    if (code != PS_OK) {
        return code;
    }
    for (uint32_t i = 0; i < spec->property_count; i++) {
        ps_batch_builder_set_i64(builder, column++,
                                 property_of(&spec->window, spec->properties[i], start, end));
    }
    ps_outlet_end_row(output->outlet);
    return PS_OK;
}
