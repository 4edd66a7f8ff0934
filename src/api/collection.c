/* Steps of a pipeline: each checks what it was given and adds its nodes to the plan. */
#include "api/pipeline_build.h"

static const ps_windowing global_windowing = {.kind = PS_WINDOWING_GLOBAL};

/* A copy in the pipeline's arena; NULL: no memory, which the pipeline remembers. */
static void *keep(ps_pipeline *pipeline, const void *thing, size_t size)
{
    void *copy = ps_arena_take(&pipeline->arena, size);
    if (copy == NULL) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    return memcpy(copy, thing, size);
}

/* A step with an operator of ours; its spec begins with a ps_user_spec. */
static ps_collection *add_user(ps_collection *in, const ps_shape *out, const void *spec,
                               size_t spec_size)
{
    ps_pipeline *pipeline = in->pipeline;
    const ps_user_spec *copy = keep(pipeline, spec, spec_size);
    ps_node *node =
        copy != NULL ? ps_pipeline_add(pipeline, PS_NODE_USER, out, 1, &in->node) : NULL;
    if (node == NULL) {
        return &pipeline->nothing;
    }
    node->user = copy;
    return ps_pipeline_collect(pipeline, node, out, in);
}

/* The user's columns of a shape with other parts; NULL: no memory. */
static ps_shape *with_parts(ps_pipeline *pipeline, const ps_shape *shape, uint32_t parts)
{
    ps_shape *out = ps_shape_new(&pipeline->arena, shape->column_count, parts);
    if (out == NULL) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    memcpy(out->fields, shape->fields, shape->column_count * sizeof *out->fields);
    ps_shape_finish(out);
    return out;
}

/* ── row by row ── */

static ps_collection *add_map(ps_collection *in, const ps_column_def *columns, ps_map_function *map,
                              void *user, const ps_user_spec *base)
{
    ps_pipeline *pipeline = in->pipeline;
    if (pipeline->code != PS_OK) {
        return &pipeline->nothing;
    }
    const ps_shape *out = in->shape;
    if (columns != NULL) {
        out = ps_pipeline_shape(pipeline, columns, ps_shape_parts(in->shape));
    }
    if (out == NULL) {
        return &pipeline->nothing;
    }
    ps_function_spec spec = {.base = *base, .in = in->shape, .out = out, .map = map, .user = user};
    ps_collection *collection = add_user(in, out, &spec, sizeof spec);
    if (columns != NULL) {
        collection->keys = (ps_columns){0};
    }
    return collection;
}

ps_collection *ps_collection_map(ps_collection *in, const ps_column_def *columns,
                                 ps_map_function *map, void *user)
{
    return add_map(in, columns, map, user, &(ps_user_spec){"Map", ps_op_map_new, false});
}

ps_collection *ps_collection_flat_map(ps_collection *in, const ps_column_def *columns,
                                      ps_map_function *map, void *user)
{
    return add_map(in, columns, map, user, &(ps_user_spec){"FlatMap", ps_op_flat_map_new, false});
}

ps_collection *ps_collection_filter(ps_collection *in, ps_filter_function *keep_row, void *user)
{
    if (in->pipeline->code != PS_OK) {
        return &in->pipeline->nothing;
    }
    ps_function_spec spec = {
        .base = {"Filter", ps_op_filter_new, false},
        .in = in->shape,
        .out = in->shape,
        .keep = keep_row,
        .user = user,
    };
    return add_user(in, in->shape, &spec, sizeof spec);
}

/* Gives the collection, whose time column is set, its watermarks. */
static ps_collection *add_watermark(ps_collection *in, int64_t out_of_order_ms)
{
    ps_pipeline *pipeline = in->pipeline;
    ps_expr_context *expressions = &pipeline->expressions;
    const ps_type *type = in->shape->fields[in->shape->time].type;
    const ps_expr *arguments[] = {
        ps_expr_column(expressions, in->shape->time, type),
        ps_expr_constant(expressions, type, (ps_value){.i64 = out_of_order_ms + 1}),
    };
    ps_watermark_spec spec = {.time_column = in->shape->time};
    ps_error err;
    if (arguments[0] == NULL || arguments[1] == NULL ||
        ps_expr_call(expressions, "-", 2, arguments, &spec.watermark, &err) != PS_OK) {
        return ps_pipeline_fail_memory(pipeline);
    }
    const ps_watermark_spec *copy = keep(pipeline, &spec, sizeof spec);
    ps_node *node =
        copy != NULL ? ps_pipeline_add(pipeline, PS_NODE_WATERMARK, in->shape, 1, &in->node) : NULL;
    if (node == NULL) {
        return &pipeline->nothing;
    }
    node->watermark = copy;
    node->time_column = in->shape->time;
    node->has_watermarks = true;
    return ps_pipeline_collect(pipeline, node, in->shape, in);
}

ps_collection *ps_collection_with_time(ps_collection *in, ps_time_function *time_ms, void *user,
                                       int64_t out_of_order_ms)
{
    ps_pipeline *pipeline = in->pipeline;
    if (pipeline->code != PS_OK) {
        return &pipeline->nothing;
    }
    if (out_of_order_ms < 0 || out_of_order_ms == INT64_MAX) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID, "with_time: out_of_order_ms is negative");
    }
    const ps_shape *out = with_parts(pipeline, in->shape, PS_SHAPE_TIME);
    if (out == NULL) {
        return &pipeline->nothing;
    }
    ps_function_spec spec = {
        .base = {"Time", ps_op_time_new, false},
        .in = in->shape,
        .out = out,
        .time_ms = time_ms,
        .user = user,
    };
    ps_collection *timed = add_user(in, out, &spec, sizeof spec);
    timed->windowing = global_windowing;
    return pipeline->code == PS_OK ? add_watermark(timed, out_of_order_ms) : &pipeline->nothing;
}

/* ── windows and keys ── */

static const char *what_is_wrong(const ps_windowing *windowing)
{
    bool is_fixed = windowing->kind == PS_WINDOWING_FIXED;
    bool is_sliding = windowing->kind == PS_WINDOWING_SLIDING;
    if ((is_fixed || is_sliding) && windowing->size_ms <= 0) {
        return "size_ms must be positive";
    }
    if (is_sliding && windowing->period_ms <= 0) {
        return "period_ms must be positive";
    }
    if (windowing->kind == PS_WINDOWING_SESSION && windowing->gap_ms <= 0) {
        return "gap_ms must be positive";
    }
    return windowing->allowed_lateness_ms < 0 ? "allowed_lateness_ms is negative" : NULL;
}

static ps_collection *add_windowing(ps_collection *in, const ps_windowing *windowing)
{
    ps_pipeline *pipeline = in->pipeline;
    uint32_t parts = PS_SHAPE_WINDOW | (ps_shape_parts(in->shape) & PS_SHAPE_TIME);
    const ps_shape *out = with_parts(pipeline, in->shape, parts);
    if (out == NULL) {
        return &pipeline->nothing;
    }
    ps_windowing_spec spec = {
        .base = {"Window", ps_op_windowing_new, false},
        .in = in->shape,
        .out = out,
        .windowing = *windowing,
    };
    ps_collection *collection = add_user(in, out, &spec, sizeof spec);
    collection->windowing = *windowing;
    return collection;
}

ps_collection *ps_collection_window(ps_collection *in, const ps_windowing *windowing)
{
    ps_pipeline *pipeline = in->pipeline;
    if (pipeline->code != PS_OK) {
        return &pipeline->nothing;
    }
    const char *wrong = what_is_wrong(windowing);
    if (wrong != NULL) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID, "window: %s", wrong);
    }
    if (windowing->kind != PS_WINDOWING_GLOBAL && in->shape->time == PS_NO_COLUMN) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID,
                                "window: the rows have no event time; add with_time before");
    }
    return add_windowing(in, windowing);
}

ps_collection *ps_collection_key_by(ps_collection *in, const char *names)
{
    ps_pipeline *pipeline = in->pipeline;
    if (pipeline->code != PS_OK) {
        return &pipeline->nothing;
    }
    uint32_t *columns = ps_arena_take(&pipeline->arena, in->shape->column_count * sizeof *columns);
    if (columns == NULL) {
        return ps_pipeline_fail_memory(pipeline);
    }
    uint32_t count = 0;
    for (const char *at = names; *at != 0;) {
        at += strspn(at, " ");
        size_t size = strcspn(at, " ,");
        uint32_t column = ps_shape_find(in->shape, ps_slice_of(at, size));
        if (column == PS_NO_COLUMN || count == in->shape->column_count) {
            return ps_pipeline_fail(pipeline, PS_E_MISSING, "key_by: there is no column \"%.*s\"",
                                    (int)size, at);
        }
        columns[count++] = column;
        at += size + strspn(at + size, " ");
        at += *at == ',' ? 1 : 0;
    }
    ps_collection *collection = ps_pipeline_collect(pipeline, in->node, in->shape, in);
    collection->keys = (ps_columns){count, columns};
    return collection;
}

static bool windows_are_equal(const ps_collection *a, const ps_collection *b)
{
    const ps_windowing *x = &a->windowing, *y = &b->windowing;
    return x->kind == y->kind && x->size_ms == y->size_ms && x->period_ms == y->period_ms &&
           x->gap_ms == y->gap_ms && x->offset_ms == y->offset_ms;
}

static bool keys_are_equal(const ps_collection *a, const ps_collection *b)
{
    bool equal = a->keys.count == b->keys.count;
    for (uint32_t i = 0; equal && i < a->keys.count; i++) {
        equal = ps_type_equal(a->shape->fields[a->keys.columns[i]].type,
                              b->shape->fields[b->keys.columns[i]].type);
    }
    return equal;
}

ps_collection *ps_collection_flatten(ps_collection *a, ps_collection *b)
{
    ps_pipeline *pipeline = a->pipeline;
    if (pipeline->code != PS_OK || b->pipeline != pipeline) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID, "flatten: not of one pipeline");
    }
    bool fits = a->shape->column_count == b->shape->column_count &&
                ps_shape_parts(a->shape) == ps_shape_parts(b->shape) && windows_are_equal(a, b);
    for (uint32_t i = 0; fits && i < a->shape->column_count; i++) {
        fits = ps_type_equal(a->shape->fields[i].type, b->shape->fields[i].type);
    }
    if (!fits) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID,
                                "flatten: the two differ in columns, time or windows");
    }
    ps_node *node = ps_pipeline_add(pipeline, PS_NODE_UNION, a->shape, 2,
                                    (const ps_node *const[]){a->node, b->node});
    return node != NULL ? ps_pipeline_collect(pipeline, node, a->shape, a) : &pipeline->nothing;
}

/* ── groupings ── */

/* The key's columns, then results: result_fields names and types. NULL: no memory. */
static ps_shape *grouped_shape(ps_collection *in, uint32_t count, const ps_field *results)
{
    ps_pipeline *pipeline = in->pipeline;
    uint32_t keys = in->keys.count;
    ps_shape *out = ps_shape_new(&pipeline->arena, keys + count,
                                 PS_SHAPE_TIME | PS_SHAPE_WINDOW | PS_SHAPE_PANE);
    if (out == NULL) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    for (uint32_t i = 0; i < keys; i++) {
        out->fields[i] = in->shape->fields[in->keys.columns[i]];
    }
    memcpy(out->fields + keys, results, count * sizeof *results);
    ps_shape_finish(out);
    return out;
}

/* spec: what is gathered; the rest is set here. */
static ps_collection *add_pane(ps_collection *in, ps_pane_spec *spec, uint32_t count,
                               const ps_field *results)
{
    ps_pipeline *pipeline = in->pipeline;
    if (in->shape->start == PS_NO_COLUMN) {
        in = add_windowing(in, &in->windowing);
    }
    const ps_shape *out = pipeline->code == PS_OK ? grouped_shape(in, count, results) : NULL;
    uint32_t *keys = ps_arena_take(&pipeline->arena, in->keys.count * sizeof *keys);
    if (out == NULL || keys == NULL) {
        return keys == NULL ? ps_pipeline_fail_memory(pipeline) : &pipeline->nothing;
    }
    spec->base.make = ps_op_pane_new;
    spec->base.is_stateful = true;
    spec->in = in->shape;
    spec->out = out;
    spec->keys = in->keys;
    spec->windowing = in->windowing;
    ps_collection *collection = add_user(in, out, spec, sizeof *spec);
    for (uint32_t i = 0; i < in->keys.count; i++) {
        keys[i] = i;
    }
    collection->keys = (ps_columns){in->keys.count, keys};
    if (in->windowing.kind == PS_WINDOWING_SESSION) {
        collection->windowing.kind = PS_WINDOWING_FIXED; /* they do not merge any more */
    }
    return collection;
}

static ps_collection *add_pane_with(ps_collection *in, const ps_column_def *columns,
                                    ps_pane_spec *spec)
{
    const ps_shape *results = ps_pipeline_shape(in->pipeline, columns, 0);
    return results != NULL ? add_pane(in, spec, results->column_count, results->fields)
                           : &in->pipeline->nothing;
}

/* One aggregate; false: it cannot be, which the pipeline remembers. */
static bool resolve(ps_collection *in, const ps_aggregate_def *def, ps_aggregate_call *call,
                    ps_field *out)
{
    ps_pipeline *pipeline = in->pipeline;
    *call = (ps_aggregate_call){.filter = PS_NO_COLUMN, .time_column = PS_NO_COLUMN};
    if (def->column != NULL) {
        uint32_t column = ps_shape_find(in->shape, ps_slice_text(def->column));
        if (column == PS_NO_COLUMN) {
            ps_pipeline_fail(pipeline, PS_E_MISSING, "aggregate: there is no column \"%s\"",
                             def->column);
            return false;
        }
        call->argument_count = 1;
        call->arguments[0] = column;
        call->argument_types[0] = in->shape->fields[column].type;
    }
    ps_aggregate_signature signature;
    ps_error err;
    ps_code code = ps_aggregate_resolve(&pipeline->arena, def->function, call->argument_count,
                                        call->argument_types, &signature, &err);
    if (code != PS_OK) {
        ps_pipeline_fail(pipeline, code, "aggregate: %s", err.text);
        return false;
    }
    bool fits = !ps_aggregate_is_over_only(signature.class) &&
                (call->argument_count == 0 ||
                 ps_type_phys(signature.arguments[0]) == ps_type_phys(call->argument_types[0]));
    const char *name = ps_arena_copy(&pipeline->arena, def->name, strlen(def->name));
    if (!fits || name == NULL) {
        ps_pipeline_fail(pipeline, fits ? PS_E_MEMORY : PS_E_INVALID,
                         "aggregate: %s cannot be computed here", def->function);
        return false;
    }
    call->class = signature.class;
    call->result = signature.result;
    *out = (ps_field){ps_slice_text(name), signature.result};
    return true;
}

ps_collection *ps_collection_aggregate(ps_collection *in, const ps_aggregate_def *aggregates)
{
    ps_pipeline *pipeline = in->pipeline;
    if (pipeline->code != PS_OK) {
        return &pipeline->nothing;
    }
    uint32_t count = 0;
    while (aggregates[count].function != NULL) {
        count++;
    }
    ps_aggregate_call *calls = ps_arena_take(&pipeline->arena, count * sizeof *calls);
    ps_field *fields = ps_arena_take(&pipeline->arena, count * sizeof *fields);
    if (calls == NULL || fields == NULL) {
        return ps_pipeline_fail_memory(pipeline);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!resolve(in, &aggregates[i], &calls[i], &fields[i])) {
            return &pipeline->nothing;
        }
    }
    ps_pane_spec spec = {.base.name = "Aggregate", .call_count = count, .calls = calls};
    return add_pane(in, &spec, count, fields);
}

ps_collection *ps_collection_combine(ps_collection *in, const ps_column_def *columns,
                                     const ps_combine_functions *combine)
{
    enum { STATE_SIZE_MAX = 4096 };
    ps_pipeline *pipeline = in->pipeline;
    if (pipeline->code != PS_OK) {
        return &pipeline->nothing;
    }
    if (combine->state_size == 0 || combine->state_size > STATE_SIZE_MAX) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID,
                                "combine: a state has 1 to %d bytes, not %u", STATE_SIZE_MAX,
                                combine->state_size);
    }
    if (in->windowing.kind == PS_WINDOWING_SESSION && combine->merge == NULL) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID,
                                "combine: sessions need the function `merge`");
    }
    ps_pane_spec spec = {
        .base.name = "Combine",
        .combine = keep(pipeline, combine, sizeof *combine),
    };
    return spec.combine != NULL ? add_pane_with(in, columns, &spec) : &pipeline->nothing;
}

ps_collection *ps_collection_group(ps_collection *in, const ps_column_def *columns,
                                   ps_group_function *function, void *user)
{
    if (in->pipeline->code != PS_OK) {
        return &in->pipeline->nothing;
    }
    ps_pane_spec spec = {.base.name = "Group", .group = function, .group_user = user};
    return add_pane_with(in, columns, &spec);
}

/* ── join ── */

static ps_join_kind join_kind(ps_join_type type)
{
    switch (type) {
    case PS_JOIN_TYPE_INNER:
        return PS_JOIN_INNER;
    case PS_JOIN_TYPE_LEFT:
        return PS_JOIN_LEFT;
    case PS_JOIN_TYPE_RIGHT:
        return PS_JOIN_RIGHT;
    case PS_JOIN_TYPE_FULL:
        return PS_JOIN_FULL;
    }
    PS_ASSERT(false);
    return PS_JOIN_INNER;
}

/* All columns of both sides, the library's too, as the join's operator gives them out. */
static const ps_shape *paired_shape(ps_collection *left, ps_collection *right)
{
    ps_pipeline *pipeline = left->pipeline;
    const ps_collection *const sides[] = {left, right};
    ps_shape *out =
        ps_shape_new(&pipeline->arena, left->shape->total_count + right->shape->total_count, 0);
    uint32_t at = 0;
    for (uint32_t side = 0; out != NULL && side < 2; side++) {
        for (uint32_t i = 0; i < sides[side]->shape->total_count; i++) {
            const ps_field *field = &sides[side]->shape->fields[i];
            out->fields[at] =
                (ps_field){field->name, ps_type_with_nullable(&pipeline->arena, field->type, true)};
            if (out->fields[at++].type == NULL) {
                return NULL;
            }
        }
    }
    if (out != NULL) {
        ps_shape_finish(out);
    }
    return out;
}

/* The users' columns of both sides; NULL: no memory. */
static const ps_shape *joined_shape(ps_collection *left, ps_collection *right,
                                    const ps_shape *paired)
{
    ps_pipeline *pipeline = left->pipeline;
    uint32_t left_count = left->shape->column_count, right_count = right->shape->column_count;
    ps_shape *out =
        ps_shape_new(&pipeline->arena, left_count + right_count, PS_SHAPE_TIME | PS_SHAPE_WINDOW);
    if (out == NULL) {
        return NULL;
    }
    memcpy(out->fields, paired->fields, left_count * sizeof *out->fields);
    for (uint32_t i = 0; i < right_count; i++) {
        ps_field *field = &out->fields[left_count + i];
        *field = paired->fields[left->shape->total_count + i];
        if (ps_shape_find(left->shape, field->name) != PS_NO_COLUMN) {
            const char *name = ps_arena_print(&pipeline->arena, "right_%s", field->name.data);
            if (name == NULL) {
                return NULL;
            }
            field->name = ps_slice_text(name);
        }
    }
    ps_shape_finish(out);
    return out;
}

/* The window's bound of whichever side is there. */
static const ps_expr *either(ps_pipeline *pipeline, const ps_shape *paired, uint32_t left,
                             uint32_t right)
{
    ps_expr_context *context = &pipeline->expressions;
    const ps_expr *sides[] = {ps_expr_column(context, left, paired->fields[left].type),
                              ps_expr_column(context, right, paired->fields[right].type)};
    const ps_expr *out;
    ps_error err;
    return sides[0] != NULL && sides[1] != NULL &&
                   ps_expr_call(context, "COALESCE", 2, sides, &out, &err) == PS_OK
               ? out
               : NULL;
}

/* From pairs to the joined columns, the window and its last millisecond as time. */
static bool project_pairs(const ps_collection *left, const ps_collection *right,
                          const ps_shape *paired, const ps_shape *joined, ps_calc_spec *out)
{
    ps_pipeline *pipeline = left->pipeline;
    ps_expr_context *context = &pipeline->expressions;
    uint32_t left_total = left->shape->total_count;
    const ps_expr **outputs =
        ps_arena_take(&pipeline->arena, joined->total_count * sizeof *outputs);
    for (uint32_t i = 0; outputs != NULL && i < joined->column_count; i++) {
        uint32_t from =
            i < left->shape->column_count ? i : left_total + i - left->shape->column_count;
        outputs[i] = ps_expr_column(context, from, paired->fields[from].type);
        if (outputs[i] == NULL) {
            return false;
        }
    }
    const ps_expr *start =
        either(pipeline, paired, left->shape->start, left_total + right->shape->start);
    const ps_expr *end = either(pipeline, paired, left->shape->end, left_total + right->shape->end);
    const ps_expr *one = ps_expr_constant(context, &ps_type_bigint, (ps_value){.i64 = 1});
    const ps_expr *arguments[] = {end, one};
    ps_error err;
    if (outputs == NULL || start == NULL || end == NULL || one == NULL ||
        ps_expr_call(context, "-", 2, arguments, &outputs[joined->time], &err) != PS_OK) {
        return false;
    }
    outputs[joined->start] = start;
    outputs[joined->end] = end;
    *out = (ps_calc_spec){.output_count = joined->total_count, .outputs = outputs};
    return true;
}

static ps_collection *add_join(ps_collection *left, ps_collection *right, ps_join_type type)
{
    ps_pipeline *pipeline = left->pipeline;
    ps_window_join_spec join = {
        .on = {.kind = join_kind(type), .left_keys = left->keys, .right_keys = right->keys},
        .left_start = left->shape->start,
        .left_end = left->shape->end,
        .right_start = right->shape->start,
        .right_end = right->shape->end,
    };
    ps_calc_spec calc;
    const ps_shape *paired = paired_shape(left, right);
    const ps_shape *joined = paired != NULL ? joined_shape(left, right, paired) : NULL;
    if (joined == NULL || !project_pairs(left, right, paired, joined, &calc)) {
        return ps_pipeline_fail_memory(pipeline);
    }
    const ps_window_join_spec *join_copy = keep(pipeline, &join, sizeof join);
    const ps_calc_spec *calc_copy = keep(pipeline, &calc, sizeof calc);
    ps_node *pairs = ps_pipeline_add(pipeline, PS_NODE_WINDOW_JOIN, paired, 2,
                                     (const ps_node *const[]){left->node, right->node});
    ps_node *node = pairs != NULL ? ps_pipeline_add(pipeline, PS_NODE_CALC, joined, 1,
                                                    (const ps_node *const[]){pairs})
                                  : NULL;
    if (join_copy == NULL || calc_copy == NULL || node == NULL) {
        return &pipeline->nothing;
    }
    pairs->window_join = join_copy;
    node->calc = calc_copy;
    return ps_pipeline_collect(pipeline, node, joined, left);
}

ps_collection *ps_collection_join(ps_collection *left, ps_collection *right, ps_join_type type)
{
    ps_pipeline *pipeline = left->pipeline;
    if (pipeline->code != PS_OK || right->pipeline != pipeline) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID, "join: not of one pipeline");
    }
    if (!keys_are_equal(left, right) || left->keys.count == 0) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID,
                                "join: both sides need a key_by with columns of the same kinds");
    }
    if (!windows_are_equal(left, right) || left->windowing.kind == PS_WINDOWING_SESSION) {
        return ps_pipeline_fail(pipeline, PS_E_INVALID,
                                "join: both sides need the same fixed or sliding windows");
    }
    left = left->shape->start != PS_NO_COLUMN ? left : add_windowing(left, &left->windowing);
    right = right->shape->start != PS_NO_COLUMN ? right : add_windowing(right, &right->windowing);
    return pipeline->code == PS_OK ? add_join(left, right, type) : &pipeline->nothing;
}
