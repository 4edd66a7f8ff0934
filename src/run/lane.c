#include "run/lane.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARENA_SIZE_MAX = 1 << 30, PREPARED_SIZE_MAX = 16 << 20 };

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for the job");
}

/* ── time: what passes in an instance, without those that it feeds ── */

typedef struct {
    int64_t began_ns, outer_ns;
} stopwatch;

static stopwatch watch_begin(ps_lane *lane)
{
    if (!lane->options->times_operators) {
        return (stopwatch){0};
    }
    stopwatch watch = {ps_io_now_mono_ns(lane->place.surroundings->io), lane->fed_ns};
    lane->fed_ns = 0;
    return watch;
}

static void watch_end(const stopwatch *watch, ps_instance *at)
{
    ps_lane *lane = at->lane;
    if (lane->options->times_operators) {
        int64_t passed_ns = ps_io_now_mono_ns(lane->place.surroundings->io) - watch->began_ns;
        at->time_ns += passed_ns - lane->fed_ns;
        lane->fed_ns = watch->outer_ns + passed_ns;
    }
}

/* ── rows on their way ── */

static ps_code deliver_merged(void *with, uint32_t input, const ps_batch_part *part, ps_error *err)
{
    ps_instance *instance = with;
    return ps_operator_feed_part(instance->op, input, part, err);
}

/* A lookup table's rows: they do not move event time. */
static ps_code feed_side_input(ps_instance *to, uint32_t input, const ps_batch *batch,
                               ps_error *err)
{
    ps_batch rows = *batch;
    rows.watermark_after = PS_WATERMARK_NONE;
    return ps_operator_feed(to->op, input, &rows, err);
}

static ps_code write_sink(ps_instance *to, const ps_batch *batch, ps_error *err)
{
    if (batch->row_count == 0) {
        return PS_OK;
    }
    if (to->out != NULL) {
        return ps_exchange_put(to->out, batch, err);
    }
    to->lane->rows_out += batch->row_count;
    if (to->is_query_sink) {
        return to->lane->options->on_rows(to->lane->options->on_rows_with, batch, err);
    }
    return to->sink->class->write(to->sink, batch, err);
}

static ps_code take_in(ps_instance *to, uint32_t input, const ps_batch *batch, ps_error *err)
{
    if (to->op == NULL) {
        return write_sink(to, batch, err);
    }
    if (to->merge != NULL) {
        return ps_merge_offer(to->merge, input, batch, err);
    }
    if (to->node->kind == PS_NODE_LOOKUP_JOIN && input == 1) {
        return feed_side_input(to, input, batch, err);
    }
    return ps_operator_feed(to->op, input, batch, err);
}

ps_code ps_lane_arrive(ps_instance *to, uint32_t input, const ps_batch *batch, ps_error *err)
{
    to->rows_in += batch->row_count;
    stopwatch watch = watch_begin(to->lane);
    ps_code code = take_in(to, input, batch, err);
    watch_end(&watch, to);
    return code;
}

static ps_code push_downstream(void *with, const ps_batch *batch, ps_error *err)
{
    ps_instance *from = with;
    for (uint32_t i = 0; i < from->edge_count; i++) {
        const ps_edge *edge = &from->edges[i];
        ps_code code = edge->exchange != NULL ? ps_exchange_put(edge->exchange, batch, err)
                                              : ps_lane_arrive(edge->to, edge->input, batch, err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

/* ── sources ── */

/* Numbers the rows; watermarks come later. */
static ps_code push_read(ps_instance *from, ps_batch *batch, bool has_ended, ps_error *err)
{
    for (uint32_t row = 0; row < batch->row_count; row++) {
        from->sequences[row] = from->sequence + row;
    }
    from->sequence += batch->row_count;
    from->lane->rows_in += batch->row_count;
    batch->watermarks = from->watermarks;
    batch->sequences = from->sequences;
    bool is_final = has_ended && !from->lane->options->stop_at_end;
    batch->watermark_after = is_final ? PS_WATERMARK_END : PS_WATERMARK_NONE;
    batch->sequence_after = is_final ? UINT64_MAX : from->sequence;
    ps_code code = ps_outlet_pass(&from->outlet, batch, err);
    if (from->watermark != NULL) {
        from->reached = from->watermark->outlet.pushed_watermark;
    }
    return code;
}

static ps_code push_values(ps_instance *from, ps_error *err)
{
    const ps_values_spec *spec = from->node->values;
    uint32_t column_count = from->node->schema.field_count;
    ps_batch_builder *builder = &from->outlet.builder;
    from->has_ended = true;
    uint32_t row = 0;
    ps_code code = PS_OK;
    do {
        ps_batch_builder_reset(builder);
        while (code == PS_OK && row < spec->row_count && !ps_batch_builder_is_full(builder)) {
            ps_batch_builder_begin_row(builder, PS_KIND_INSERT, PS_WATERMARK_NONE, row);
            for (uint32_t i = 0; code == PS_OK && i < column_count; i++) {
                code = ps_batch_builder_set(builder, i, spec->values[row * column_count + i], err);
            }
            ps_batch_builder_end_row(builder);
            row++;
        }
        ps_batch batch = builder->batch;
        builder->batch.row_count = 0;
        code = code == PS_OK ? push_read(from, &batch, row == spec->row_count, err) : code;
    } while (code == PS_OK && row < spec->row_count);
    return code;
}

static ps_code read_next(ps_instance *from, ps_error *err)
{
    if (from->source == NULL) {
        return push_values(from, err);
    }
    ps_batch batch = {0};
    int state = PS_SOURCE_MORE;
    ps_code code = from->source->class->read(from->source, &batch, &state, err);
    if (code != PS_OK) {
        return code;
    }
    from->is_idle = state == PS_SOURCE_IDLE && batch.row_count == 0;
    from->has_ended = state == PS_SOURCE_END;
    if (!from->is_idle) {
        from->idle_since_ms = 0;
    } else if (from->idle_since_ms == 0) {
        from->idle_since_ms = from->lane->clock.now_ms;
    }
    return from->is_idle ? PS_OK : push_read(from, &batch, from->has_ended, err);
}

ps_code ps_lane_read(ps_instance *from, ps_error *err)
{
    stopwatch watch = watch_begin(from->lane);
    ps_code code = read_next(from, err);
    watch_end(&watch, from);
    return code;
}

ps_code ps_lane_read_range(ps_instance *from, ps_error *err)
{
    stopwatch watch = watch_begin(from->lane);
    int state = PS_SOURCE_MORE;
    ps_code code = PS_OK;
    while (code == PS_OK && state != PS_SOURCE_END) {
        ps_batch batch = {0};
        code = from->range_source->class->read(from->range_source, &batch, &state, err);
        if (code == PS_OK) {
            code = push_read(from, &batch, false, err);
        }
    }
    watch_end(&watch, from);
    return code;
}

/* The source to read next: lookup tables first, then the one whose event time (or number of rows,
 * where there is none) is furthest behind, so that no merge has to keep much. */
static bool is_behind(const ps_instance *a, const ps_instance *b)
{
    if (a->is_side_input != b->is_side_input) {
        return a->is_side_input;
    }
    return a->reached != b->reached ? a->reached < b->reached : a->sequence < b->sequence;
}

static ps_instance *choose_source(ps_lane *lane, bool *out_has_idle)
{
    ps_instance *chosen = NULL;
    *out_has_idle = false;
    for (uint32_t i = 0; i < lane->instance_count; i++) {
        ps_instance *at = &lane->instances[i];
        bool is_source = at->node->kind == PS_NODE_SOURCE || at->node->kind == PS_NODE_VALUES;
        if (!is_source || at->has_ended) {
            continue;
        }
        *out_has_idle = *out_has_idle || at->is_idle;
        if (!at->is_idle && (chosen == NULL || is_behind(at, chosen))) {
            chosen = at;
        }
    }
    return chosen;
}

static bool is_long_idle(const ps_instance *at)
{
    int64_t timeout_ms = at->lane->options->idle_timeout_ms;
    return timeout_ms > 0 && at->idle_since_ms != 0 &&
           at->lane->clock.now_ms - at->idle_since_ms >= timeout_ms;
}

/* Sources that have had nothing for the idle timeout hold no merge back (SEMANTICS §5.3). */
ps_code ps_lane_look_for_idle(ps_lane *lane, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lane->instance_count; i++) {
        ps_instance *at = &lane->instances[i];
        uint32_t idle_count = 0;
        for (uint32_t k = 0; code == PS_OK && k < at->node->input_count; k++) {
            bool is_idle = lane->instances[at->node->inputs[k]->id].holds_nobody_back;
            idle_count += is_idle ? 1 : 0;
            if (at->merge != NULL) {
                code = ps_merge_set_idle(at->merge, k, is_idle, err);
            }
        }
        at->holds_nobody_back =
            at->node->input_count == 0 ? is_long_idle(at) : idle_count == at->node->input_count;
    }
    return code;
}

ps_code ps_lane_choose(ps_lane *lane, ps_instance **out, int *out_state, ps_error *err)
{
    bool has_idle;
    *out = choose_source(lane, &has_idle);
    *out_state = PS_SOURCE_MORE;
    if (*out != NULL) {
        return PS_OK;
    }
    *out_state = has_idle ? PS_SOURCE_IDLE : PS_SOURCE_END;
    for (uint32_t i = 0; i < lane->instance_count; i++) {
        lane->instances[i].is_idle = false; /* asked again at the next step */
    }
    return has_idle ? ps_lane_look_for_idle(lane, err) : PS_OK;
}

ps_code ps_lane_step(ps_lane *lane, int *out_state, ps_error *err)
{
    ps_instance *source;
    ps_code code = ps_lane_choose(lane, &source, out_state, err);
    return code == PS_OK && source != NULL ? ps_lane_read(source, err) : code;
}

ps_code ps_lane_release(ps_lane *lane, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lane->instance_count; i++) {
        ps_merge *merge = lane->instances[i].merge; /* inputs come before users */
        code = merge != NULL ? ps_merge_release(merge, err) : PS_OK;
    }
    return code;
}

/* ── building ── */

static const ps_type **types_of(ps_arena *arena, const ps_schema *schema)
{
    const ps_type **types = ps_arena_take(arena, schema->field_count * sizeof(*types));
    for (uint32_t i = 0; types != NULL && i < schema->field_count; i++) {
        types[i] = schema->fields[i].type;
    }
    return types;
}

static ps_code make_merge(ps_instance *instance, ps_error *err)
{
    ps_lane *lane = instance->lane;
    const ps_node *node = instance->node;
    uint32_t *counts = ps_arena_take(&lane->arena, node->input_count * sizeof(*counts));
    const ps_type *const **types = ps_arena_take(&lane->arena, node->input_count * sizeof(*types));
    if (counts == NULL || types == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        const ps_schema *schema =
            node->kind == PS_NODE_LATE ? &node->schema : &node->inputs[i]->schema;
        counts[i] = schema->field_count;
        types[i] = types_of(&lane->arena, schema);
        if (types[i] == NULL) {
            return no_memory(err);
        }
    }
    ps_merge_options options = {
        .input_count = node->input_count,
        .column_counts = counts,
        .types = types,
        .deliver = deliver_merged,
        .with = instance,
    };
    return ps_merge_new(&options, &instance->merge, err);
}

static ps_code make_operator(ps_instance *instance, ps_error *err)
{
    ps_lane *lane = instance->lane;
    char name[64];
    snprintf(name, sizeof(name), "%s(%u)", ps_node_kind_name(instance->node->kind),
             instance->node->id);
    ps_code code = ps_store_new(name, lane->place.budget, &instance->store, err);
    if (code != PS_OK) {
        return code;
    }
    ps_operator_context context = {
        .expressions = lane->place.surroundings->expressions,
        .clock = &lane->clock,
        .arena = &lane->arena,
        .store = instance->store,
        .outlet = &instance->outlet,
        .ttl_ms = lane->options->ttl_ms,
        .future_max_ms = lane->options->future_max_ms,
        .dead_letter = lane->place.count > 1 ? lane->place.range_letters
                                             : lane->place.surroundings->dead_letter,
    };
    code = ps_operator_make(instance->node, &context, &instance->op, err);
    if (code != PS_OK) {
        return code;
    }
    bool merges = instance->node->input_count > 1 && instance->node->kind != PS_NODE_LOOKUP_JOIN;
    return merges ? make_merge(instance, err) : PS_OK;
}

static ps_code make_source(ps_instance *instance, ps_error *err)
{
    ps_lane *lane = instance->lane;
    instance->watermarks = ps_arena_take(&lane->arena, PS_BATCH_ROWS * sizeof(int64_t));
    instance->sequences = ps_arena_take(&lane->arena, PS_BATCH_ROWS * sizeof(uint64_t));
    if (instance->watermarks == NULL || instance->sequences == NULL) {
        return no_memory(err);
    }
    for (uint32_t row = 0; row < PS_BATCH_ROWS; row++) {
        instance->watermarks[row] = PS_WATERMARK_NONE;
    }
    instance->reached = PS_WATERMARK_NONE;
    if (instance->node->kind == PS_NODE_VALUES) {
        return PS_OK;
    }
    const ps_table_info *table = instance->node->source->table;
    const ps_slice *name = ps_table_option(table, "connector");
    PS_ASSERT(name != NULL); /* the planner has asked for traits */
    const ps_connector *connector = ps_connector_find(lane->options->connectors, *name);
    PS_ASSERT(connector != NULL && connector->open_source != NULL);
    const ps_source_spec *spec = instance->node->source;
    ps_code code = PS_OK;
    if (lane->place.number == 0) {
        code = connector->open_source(spec, lane->place.surroundings, &instance->source, err);
    }
    if (code != PS_OK || lane->place.count == 1) {
        return code;
    }
    code = connector->open_source(spec, &lane->range_surroundings, &instance->range_source, err);
    if (code == PS_OK && instance->range_source->class->read_range == NULL) {
        instance->range_source->class->close(instance->range_source);
        instance->range_source = NULL;
    }
    return code;
}

/* Of another lane than the first: all rows go to one pile. */
static ps_code make_pile(ps_instance *instance, ps_error *err)
{
    ps_arena *arena = &instance->lane->arena;
    instance->out = ps_arena_take(arena, sizeof(*instance->out));
    return instance->out != NULL
               ? ps_exchange_init(instance->out, arena, 1, &instance->node->inputs[0]->schema,
                                  (ps_columns){0}, err)
               : no_memory(err);
}

static ps_code make_sink(ps_instance *instance, ps_error *err)
{
    const ps_table_info *table = instance->node->sink->table;
    if (instance->lane->place.number > 0) {
        return make_pile(instance, err);
    }
    if (table == NULL) {
        instance->is_query_sink = true;
        return PS_OK;
    }
    const ps_slice *name = ps_table_option(table, "connector");
    PS_ASSERT(name != NULL);
    const ps_connector *connector = ps_connector_find(instance->lane->options->connectors, *name);
    PS_ASSERT(connector != NULL && connector->open_sink != NULL);
    return connector->open_sink(instance->node->sink, instance->lane->place.surroundings,
                                &instance->sink, err);
}

static ps_code make_instance(ps_lane *lane, const ps_node *node, ps_error *err)
{
    ps_instance *instance = &lane->instances[node->id];
    instance->lane = lane;
    instance->node = node;
    const ps_type **types = types_of(&lane->arena, &node->schema);
    if (types == NULL) {
        return no_memory(err);
    }
    uint32_t capacity =
        lane->options->batch_rows != 0 ? lane->options->batch_rows : (uint32_t)PS_BATCH_ROWS;
    ps_code code =
        ps_outlet_init(&instance->outlet, node->schema.field_count, types, capacity, err);
    if (code != PS_OK) {
        return code;
    }
    ps_buf_init(&instance->prepared, PREPARED_SIZE_MAX);
    instance->outlet.push = push_downstream;
    instance->outlet.to = instance;
    switch (node->kind) {
    case PS_NODE_SOURCE:
    case PS_NODE_VALUES:
        return make_source(instance, err);
    case PS_NODE_SINK:
        return make_sink(instance, err);
    case PS_NODE_CALC:
    case PS_NODE_WATERMARK:
    case PS_NODE_UNION:
    case PS_NODE_WINDOW_ASSIGN:
    case PS_NODE_WINDOW_AGGREGATE:
    case PS_NODE_GROUP_AGGREGATE:
    case PS_NODE_EXPAND:
    case PS_NODE_OVER:
    case PS_NODE_DEDUPLICATE:
    case PS_NODE_RANK:
    case PS_NODE_WINDOW_RANK:
    case PS_NODE_JOIN:
    case PS_NODE_INTERVAL_JOIN:
    case PS_NODE_WINDOW_JOIN:
    case PS_NODE_TEMPORAL_JOIN:
    case PS_NODE_LOOKUP_JOIN:
    case PS_NODE_SORT:
    case PS_NODE_NORMALIZE:
    case PS_NODE_UNNEST:
    case PS_NODE_SET:
    case PS_NODE_DROP_UPDATE_BEFORE:
    case PS_NODE_LATE:
    case PS_NODE_USER:
        break;
    }
    return make_operator(instance, err);
}

static ps_code push_late(void *with, const ps_batch *batch, ps_error *err)
{
    ps_instance *from = with;
    for (uint32_t i = 0; i < from->late_edge_count; i++) {
        const ps_edge *edge = &from->late_edges[i];
        ps_code code = ps_lane_arrive(edge->to, edge->input, batch, err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

/* A Late node's input is not what an operator emits but what it drops. */
static ps_code connect_late(ps_lane *lane, const ps_node *node, uint32_t input, ps_error *err)
{
    ps_instance *from = &lane->instances[node->inputs[input]->id];
    if (from->late == NULL) {
        /* every node reads it at most once */
        from->late_edges =
            ps_arena_take(&lane->arena, lane->instance_count * sizeof(*from->late_edges));
        if (from->late_edges == NULL) {
            return no_memory(err);
        }
        ps_code code = ps_late_rows_new(from->node, PS_BATCH_ROWS, &from->late, err);
        if (code != PS_OK) {
            return code;
        }
        ps_late_rows_outlet(from->late)->push = push_late;
        ps_late_rows_outlet(from->late)->to = from;
        from->op->late = from->late;
    }
    from->late_edges[from->late_edge_count++] =
        (ps_edge){.to = &lane->instances[node->id], .input = input};
    return PS_OK;
}

static ps_code make_exchange(ps_lane *lane, const ps_node *node, uint32_t input, ps_edge *edge,
                             ps_error *err)
{
    edge->exchange = ps_arena_take(&lane->arena, sizeof(*edge->exchange));
    if (edge->exchange == NULL) {
        return no_memory(err);
    }
    lane->exchange_ends[lane->exchange_count] = *edge;
    lane->exchanges[lane->exchange_count++] = edge->exchange;
    return ps_exchange_init(edge->exchange, &lane->arena, lane->place.count,
                            &node->inputs[input]->schema, node->exchange_keys[input], err);
}

/* At most one per input of all nodes. */
static ps_code make_exchanges(ps_lane *lane, ps_error *err)
{
    uint32_t inputs = 0;
    for (uint32_t i = 0; i < lane->instance_count; i++) {
        inputs += lane->options->graph->nodes[i]->input_count;
    }
    lane->exchanges = ps_arena_take(&lane->arena, inputs * sizeof(ps_exchange *));
    lane->exchange_ends = ps_arena_take(&lane->arena, inputs * sizeof(ps_edge));
    return lane->exchanges != NULL && lane->exchange_ends != NULL ? PS_OK : no_memory(err);
}

static ps_code connect_inputs(ps_lane *lane, const ps_node *node, ps_error *err)
{
    if (node->kind == PS_NODE_LATE) {
        ps_code code = PS_OK;
        for (uint32_t input = 0; code == PS_OK && input < node->input_count; input++) {
            code = connect_late(lane, node, input, err);
        }
        return code;
    }
    for (uint32_t input = 0; input < node->input_count; input++) {
        ps_instance *from = &lane->instances[node->inputs[input]->id];
        if (from->edges == NULL) {
            /* each node has at most that many users: one per input of all nodes */
            uint32_t edges_max = 0;
            for (uint32_t i = 0; i < lane->instance_count; i++) {
                edges_max += lane->options->graph->nodes[i]->input_count;
            }
            from->edges = ps_arena_take(&lane->arena, edges_max * sizeof(ps_edge));
            if (from->edges == NULL) {
                return no_memory(err);
            }
        }
        ps_edge *edge = &from->edges[from->edge_count++];
        *edge = (ps_edge){.to = &lane->instances[node->id], .input = input};
        ps_code code = lane->place.count > 1 && lane->place.is_exchanged[node->id]
                           ? make_exchange(lane, node, input, edge, err)
                           : PS_OK;
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

/* What a source feeds: the first Watermark behind it, and whether it fills a lookup table. */
static void look_behind(ps_instance *source)
{
    ps_instance *at = source;
    while (at->edge_count > 0) {
        ps_edge edge = at->edges[0];
        if (edge.to->node->kind == PS_NODE_WATERMARK && source->watermark == NULL) {
            source->watermark = edge.to;
        }
        if (edge.to->node->kind == PS_NODE_LOOKUP_JOIN && edge.input == 1) {
            source->is_side_input = true;
            return;
        }
        at = edge.to;
    }
}

ps_code ps_lane_new(const ps_stream_job_options *options, const ps_lane_place *place, ps_lane **out,
                    ps_error *err)
{
    ps_lane *lane = calloc(1, sizeof(*lane));
    if (lane == NULL) {
        return no_memory(err);
    }
    lane->options = options;
    lane->place = *place;
    lane->range_surroundings = *place->surroundings;
    lane->range_surroundings.dead_letter = place->range_letters;
    ps_arena_init(&lane->arena, ARENA_SIZE_MAX);
    uint32_t count = options->graph->node_count;
    lane->instances = calloc(count, sizeof(ps_instance));
    ps_code code = lane->instances != NULL ? PS_OK : no_memory(err);
    lane->instance_count = lane->instances != NULL ? count : 0;
    if (code == PS_OK) {
        code = make_exchanges(lane, err);
    }
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = make_instance(lane, options->graph->nodes[i], err);
    }
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = connect_inputs(lane, options->graph->nodes[i], err);
    }
    if (code != PS_OK) {
        ps_lane_free(lane);
        return code;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (lane->instances[i].node->kind == PS_NODE_SOURCE) {
            look_behind(&lane->instances[i]);
        }
    }
    *out = lane;
    return PS_OK;
}

void ps_lane_free(ps_lane *lane)
{
    if (lane == NULL) {
        return;
    }
    for (uint32_t i = 0; i < lane->instance_count; i++) {
        ps_instance *at = &lane->instances[i];
        if (at->op != NULL) {
            ps_operator_free(at->op);
        }
        ps_late_rows_free(at->late);
        ps_store_free(at->store);
        ps_merge_free(at->merge);
        if (at->source != NULL) {
            at->source->class->close(at->source);
        }
        if (at->range_source != NULL) {
            at->range_source->class->close(at->range_source);
        }
        if (at->out != NULL) {
            ps_exchange_release(at->out);
        }
        if (at->sink != NULL) {
            at->sink->class->close(at->sink);
        }
        ps_buf_release(&at->prepared);
        ps_outlet_release(&at->outlet);
    }
    for (uint32_t e = 0; e < lane->exchange_count; e++) {
        ps_exchange_release(lane->exchanges[e]);
    }
    free(lane->instances);
    ps_arena_release(&lane->arena);
    free(lane);
}
