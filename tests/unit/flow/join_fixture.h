/* Two tables for the joins' tests: left (k STRING, ts TIMESTAMP(3), l INT), right (k, ts, r INT). */
#ifndef PS_TEST_FLOW_JOIN_FIXTURE_H
#define PS_TEST_FLOW_JOIN_FIXTURE_H

#include "flow/bench.h"

static const ps_field left_fields[] = {
    {{"k", 1}, &ps_type_string}, {{"ts", 2}, &ps_type_timestamp3}, {{"l", 1}, &ps_type_int}};
static const ps_field right_fields[] = {
    {{"k", 1}, &ps_type_string}, {{"ts", 2}, &ps_type_timestamp3}, {{"r", 1}, &ps_type_int}};
static const ps_field joined_fields[] = {
    {{"k", 1}, &ps_type_string},  {{"ts", 2}, &ps_type_timestamp3},  {{"l", 1}, &ps_type_int},
    {{"k0", 2}, &ps_type_string}, {{"ts0", 3}, &ps_type_timestamp3}, {{"r", 1}, &ps_type_int}};
static const ps_node left_node = {.kind = PS_NODE_SOURCE, .schema = {3, left_fields}};
static const ps_node right_node = {.kind = PS_NODE_SOURCE, .schema = {3, right_fields}};
static const ps_node *const join_inputs[] = {&left_node, &right_node};
static const uint32_t first_column[] = {0};

static inline ps_join_on on_key(ps_join_kind kind)
{
    return (ps_join_on){
        .kind = kind, .left_keys = {1, first_column}, .right_keys = {1, first_column}};
}

static inline ps_node join_node(ps_node_kind kind, ps_join_kind join_kind)
{
    bool is_left_only = join_kind == PS_JOIN_SEMI || join_kind == PS_JOIN_ANTI;
    return (ps_node){
        .kind = kind,
        .input_count = 2,
        .inputs = join_inputs,
        .schema = {is_left_only ? 3 : 6, joined_fields},
    };
}

/* ON … AND l < r */
typedef struct {
    ps_arena arena;
    ps_expr_context context;
    const ps_expr *expr;
} join_condition;

static inline void join_condition_init(join_condition *condition)
{
    ps_error err = {0};
    ps_arena_init(&condition->arena, SIZE_MAX / 2);
    condition->context = (ps_expr_context){.arena = &condition->arena};
    const ps_expr *columns[] = {ps_expr_column(&condition->context, 2, &ps_type_int),
                                ps_expr_column(&condition->context, 5, &ps_type_int)};
    if (ps_expr_call(&condition->context, "<", 2, columns, &condition->expr, &err) != PS_OK) {
        fail_msg("no condition: %s", err.text);
    }
}
static inline void join_condition_release(join_condition *condition)
{
    ps_arena_release(&condition->arena);
}

/* One run, step by step. */
static inline void join_run_begin(bench_run *run, const bench_case *of)
{
    ps_error err = {0};
    *run = (bench_run){
        .of = of,
        .batch_rows = PS_BATCH_ROWS,
        .outlet_rows = PS_BATCH_ROWS,
        .budget = {.size_max = 1ULL << 32},
        .clock = {.now_ms = of->now_ms},
        .output = {.schema = &of->node->schema, .watermark = PS_WATERMARK_NONE},
    };
    ps_arena_init(&run->arena, SIZE_MAX / 2);
    run->expressions.arena = &run->arena;
    ps_buf_init(&run->output.text, BENCH_SIZE_MAX);
    assert_int_equal(ps_outlet_init(&run->outlet, of->node->schema.field_count,
                                    bench_types(&run->arena, &of->node->schema), PS_BATCH_ROWS,
                                    &err),
                     PS_OK);
    run->outlet.push = bench_push;
    run->outlet.to = &run->output;
    for (uint32_t i = 0; i < 2; i++) {
        const ps_schema *schema = &of->node->inputs[i]->schema;
        assert_int_equal(ps_batch_builder_init(&run->builders[i], schema->field_count,
                                               bench_types(&run->arena, schema), PS_BATCH_ROWS,
                                               &err),
                         PS_OK);
    }
    bench_make(run);
}

/* A row, without a watermark. */
static inline void join_run_feed(bench_run *run, uint32_t input, const char *row)
{
    bench_read_row(&run->builders[input], &run->of->node->inputs[input]->schema, row,
                   PS_WATERMARK_NONE, 0);
    bench_feed(run, input, PS_WATERMARK_NONE, 0);
}

static inline void join_run_end(bench_run *run)
{
    ps_operator_free(run->op);
    ps_store_free(run->store);
    ps_batch_builder_release(&run->builders[0]);
    ps_batch_builder_release(&run->builders[1]);
    ps_outlet_release(&run->outlet);
    ps_buf_release(&run->output.text);
    ps_arena_release(&run->arena);
}

/* The output of one run, all at once. */
static inline void join_collect(const bench_case *of, ps_buf *out)
{
    bench_run run;
    join_run_begin(&run, of);
    bench_drive(&run);
    ps_buf_append_slice(out, ps_buf_slice(&run.output.text));
    join_run_end(&run);
}

#endif
