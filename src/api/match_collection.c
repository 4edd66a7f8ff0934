/* ps_collection_match: a Match node, and behind it a Calc for each output.
 *
 * An operator has one output: the Match's rows have a number that says which of the three they
 * belong to, then the columns of matches, of timeouts and of late rows side by side, then the time.
 */
#include "api/match_face.h"
#include "api/pattern_build.h"
#include "api/pipeline_build.h"

typedef enum { OF_MATCH, OF_TIMEOUT, OF_LATE, PART_COUNT } part;

/* The user's side of a Match node. */
typedef struct {
    ps_match_face face; /* first: the query's user */
    ps_match_functions functions;
    const ps_shape *in;
    const ps_shape *columns[PART_COUNT]; /* as the outputs have them */
    uint32_t first[PART_COUNT];          /* their first column in the node's rows */
    ps_shape *all;                       /* the node's rows */
    ps_shape own[PART_COUNT];            /* … up to the part's last column, for checks */
} match_side;

/* ── running ── */

typedef struct {
    const match_side *side;
    part of;
    int64_t time_ms;
} row_end;

static ps_code complete(ps_out *out, ps_error *err)
{
    (void)err;
    const row_end *end = out->complete_with;
    ps_batch_builder_set_i64(out->builder, 0, end->of);
    ps_batch_builder_set_i64(out->builder, end->side->all->time, end->time_ms);
    return PS_OK;
}

static ps_out begin_out(const match_side *side, const row_end *end, ps_outlet *outlet,
                        ps_error *err)
{
    return (ps_out){
        .shape = &side->own[end->of],
        .builder = &outlet->builder,
        .outlet = outlet,
        .first = side->first[end->of],
        .is_many = true,
        .err = err,
        .complete = complete,
        .complete_with = end,
    };
}

static ps_code emit(void *user, const ps_cep_view *view, bool is_timeout, ps_outlet *outlet,
                    ps_error *err)
{
    match_side *side = user;
    ps_matched matched;
    ps_match_face_begin(&matched, &side->face, view);
    row_end end = {.side = side, .of = is_timeout ? OF_TIMEOUT : OF_MATCH};
    end.time_ms = is_timeout ? ps_matched_timeout_ms(&matched)
                             : ps_row_time_ms(ps_matched_last(&matched, PS_STAGE_ANY, 0));
    ps_out out = begin_out(side, &end, outlet, err);
    ps_match_function *function =
        is_timeout ? side->functions.on_timeout : side->functions.on_match;
    function(side->functions.user, &matched, &out);
    return out.code;
}

static ps_code emit_late(void *user, const ps_batch *batch, uint32_t row, ps_outlet *outlet,
                         ps_error *err)
{
    const match_side *side = user;
    const ps_row late = {.batch = batch, .at = row, .shape = side->in};
    const row_end end = {.side = side, .of = OF_LATE, .time_ms = ps_row_time_ms(&late)};
    ps_out out = begin_out(side, &end, outlet, err);
    if (ps_out_begin(&out)) {
        for (uint32_t i = 0; out.code == PS_OK && i < side->in->column_count; i++) {
            out.code = ps_batch_builder_copy(&outlet->builder, out.first + i, &batch->columns[i],
                                             row, err);
        }
        ps_out_end(&out);
    }
    return out.code;
}

/* ── building ── */

/* The columns of an output; those that nobody makes: one that is never set. */
static const ps_shape *columns_of(ps_pipeline *pipeline, const ps_column_def *columns,
                                  bool is_wanted)
{
    const ps_column_def *some = is_wanted ? columns : PS_COLUMNS({"(none)", PS_COLUMN_BOOL});
    if (some == NULL) {
        ps_pipeline_fail(pipeline, PS_E_INVALID, "match: a function needs its columns");
        return NULL;
    }
    return ps_pipeline_shape(pipeline, some, PS_SHAPE_TIME);
}

/* All parts side by side. False: no memory. */
static bool lay_out(match_side *side, ps_arena *arena)
{
    uint32_t at = 1;
    for (uint32_t p = 0; p < PART_COUNT; p++) {
        side->first[p] = at;
        at += side->columns[p]->column_count;
    }
    side->all = ps_shape_new(arena, at, PS_SHAPE_TIME);
    if (side->all == NULL) {
        return false;
    }
    side->all->fields[0] = (ps_field){PS_SLICE("(part)"), &ps_type_bigint};
    for (uint32_t p = 0; p < PART_COUNT; p++) {
        memcpy(side->all->fields + side->first[p], side->columns[p]->fields,
               side->columns[p]->column_count * sizeof(ps_field));
    }
    ps_shape_finish(side->all);
    for (uint32_t p = 0; p < PART_COUNT; p++) {
        side->own[p] = *side->all;
        side->own[p].column_count = side->first[p] + side->columns[p]->column_count;
    }
    return true;
}

static match_side *make_side(ps_collection *in, const ps_match_functions *functions)
{
    ps_pipeline *pipeline = in->pipeline;
    match_side *side = ps_arena_take(&pipeline->arena, sizeof *side);
    if (side == NULL) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    side->functions = *functions;
    side->in = in->shape;
    side->columns[OF_MATCH] = columns_of(pipeline, functions->columns, functions->on_match != NULL);
    side->columns[OF_TIMEOUT] =
        columns_of(pipeline, functions->timeout_columns, functions->on_timeout != NULL);
    ps_shape *late = ps_shape_new(&pipeline->arena, in->shape->column_count, PS_SHAPE_TIME);
    if (late != NULL) {
        memcpy(late->fields, in->shape->fields, in->shape->column_count * sizeof *late->fields);
        ps_shape_finish(late);
    }
    side->columns[OF_LATE] = late;
    if (pipeline->code != PS_OK) {
        return NULL;
    }
    ps_error err;
    bool is_whole = late != NULL && lay_out(side, &pipeline->arena) &&
                    ps_match_face_init(&side->face, &pipeline->arena, in->shape, &err) == PS_OK;
    if (!is_whole) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    return side;
}

static const ps_match_spec *make_spec(ps_collection *in, ps_pattern *pattern, match_side *side)
{
    ps_pipeline *pipeline = in->pipeline;
    ps_error err;
    ps_match_spec *spec = ps_arena_take(&pipeline->arena, sizeof *spec);
    ps_cep_query *query = ps_arena_take(&pipeline->arena, sizeof *query);
    ps_schema *schema = ps_arena_take(&pipeline->arena, sizeof *schema);
    const ps_cep_pattern *finished = ps_pattern_finish(pattern, &err);
    if (finished == NULL) {
        ps_pipeline_fail(pipeline, err.code, "%s", err.text);
        return NULL;
    }
    if (spec == NULL || query == NULL || schema == NULL) {
        ps_pipeline_fail_memory(pipeline);
        return NULL;
    }
    *query = (ps_cep_query){
        .pattern = finished,
        .emits_matches = side->functions.on_match != NULL,
        .emits_timeouts = side->functions.on_timeout != NULL,
        .emit = emit,
        .user = side,
    };
    *schema = ps_shape_schema(in->shape);
    ps_pattern_limit limit = ps_pattern_limits_of(pattern);
    *spec = (ps_match_spec){
        .base = {.name = "Match", .make = ps_op_match_new, .is_stateful = true},
        .keys = in->keys,
        .time_column = in->shape->time,
        .input = schema,
        .query_count = 1,
        .queries = query,
        .on_late = emit_late,
        .on_late_user = side,
        .runs_per_key_max = limit.runs_per_key,
        .rows_per_run_max = limit.rows_per_run,
        .evicts = limit.evicts,
    };
    return spec;
}

/* The rows of one part. */
static ps_collection *add_part(ps_pipeline *pipeline, const ps_node *match, const match_side *side,
                               part of)
{
    ps_expr_context *context = &pipeline->expressions;
    const ps_shape *columns = side->columns[of];
    ps_calc_spec *calc = ps_arena_take(&pipeline->arena, sizeof *calc);
    const ps_expr **outputs =
        ps_arena_take(&pipeline->arena, columns->total_count * sizeof *outputs);
    const ps_expr *sides[] = {
        ps_expr_column(context, 0, &ps_type_bigint),
        ps_expr_constant(context, &ps_type_bigint, (ps_value){.i64 = (int64_t)of})};
    ps_error err;
    if (calc == NULL || outputs == NULL || sides[0] == NULL || sides[1] == NULL ||
        ps_expr_call(context, "=", 2, sides, &calc->condition, &err) != PS_OK) {
        return ps_pipeline_fail_memory(pipeline);
    }
    for (uint32_t i = 0; i < columns->total_count; i++) {
        uint32_t from = i == columns->time ? side->all->time : side->first[of] + i;
        outputs[i] = ps_expr_column(context, from, side->all->fields[from].type);
        if (outputs[i] == NULL) {
            return ps_pipeline_fail_memory(pipeline);
        }
    }
    calc->output_count = columns->total_count;
    calc->outputs = outputs;
    ps_node *node = ps_pipeline_add(pipeline, PS_NODE_CALC, columns, 1, &match);
    if (node == NULL) {
        return &pipeline->nothing;
    }
    node->calc = calc;
    return ps_pipeline_collect(pipeline, node, columns, NULL);
}

ps_match_outputs ps_collection_match(ps_collection *in, ps_pattern *pattern,
                                     const ps_match_functions *functions)
{
    ps_pipeline *pipeline = in->pipeline;
    ps_match_outputs failed = {&pipeline->nothing, &pipeline->nothing, &pipeline->nothing};
    if (pipeline->code != PS_OK) {
        return failed;
    }
    if (in->shape->time == PS_NO_COLUMN) {
        ps_pipeline_fail(pipeline, PS_E_INVALID,
                         "match: the rows have no event time; add with_time before");
        return failed;
    }
    match_side *side = make_side(in, functions);
    const ps_match_spec *spec = side != NULL ? make_spec(in, pattern, side) : NULL;
    ps_node *node =
        spec != NULL ? ps_pipeline_add(pipeline, PS_NODE_USER, side->all, 1, &in->node) : NULL;
    if (node == NULL) {
        return failed;
    }
    node->user = &spec->base;
    return (ps_match_outputs){
        .matches = add_part(pipeline, node, side, OF_MATCH),
        .timeouts = add_part(pipeline, node, side, OF_TIMEOUT),
        .late = add_part(pipeline, node, side, OF_LATE),
    };
}
