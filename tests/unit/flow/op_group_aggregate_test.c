#include <stdio.h>

#include "flow/aggregate_fixture.h"

static const ps_type decimal_type = {
    .kind = PS_TYPE_DECIMAL, .nullable = true, .precision = 10, .scale = 2};
static const ps_field columns[] = {
    {{"k", 1}, &ps_type_string}, {{"i", 1}, &ps_type_int},    {{"d", 1}, &decimal_type},
    {{"x", 1}, &ps_type_double}, {{"s", 1}, &ps_type_string}, {{"f", 1}, &ps_type_boolean},
    {{"b", 1}, &ps_type_bigint},
};
static const ps_schema schema = {7, columns};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {7, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key_columns[] = {0};

typedef struct {
    aggregate_fixture fixture;
    ps_group_aggregate_spec spec;
    int64_t ttl_ms, now_ms;
} group_case;

static group_case begin(void)
{
    group_case made = {.spec = {.keys = {1, key_columns}, .emit_update_before = true}};
    fixture_init(&made.fixture);
    return made;
}

static ps_aggregate_call *call(group_case *of, const char *name, uint32_t column)
{
    return fixture_call(&of->fixture, &schema, name, column, PS_NO_COLUMN);
}

static void check(group_case *of, const char *input, const char *expected)
{
    of->spec.call_count = of->fixture.call_count;
    of->spec.calls = of->fixture.calls;
    ps_node node = {
        .kind = PS_NODE_GROUP_AGGREGATE,
        .input_count = 1,
        .inputs = inputs,
        .schema = fixture_schema(&of->fixture, &schema, of->spec.keys, 0),
        .group_aggregate = &of->spec,
    };
    bench_check(
        &(bench_case){ps_op_group_aggregate_new, &node, input, expected, of->ttl_ms, of->now_ms});
    fixture_release(&of->fixture);
}

static void groups_appear_and_change(void **state)
{
    (void)state;
    group_case of = begin();
    call(&of, "COUNT", PS_NO_COLUMN);
    call(&of, "COUNT", 1);
    call(&of, "SUM", 1);
    call(&of, "AVG", 1);
    check(&of,
          "+I(A, 1, NULL, NULL, NULL, NULL, NULL)\n+I(B, NULL, NULL, NULL, NULL, NULL, NULL)\n"
          "+I(A, 4, NULL, NULL, NULL, NULL, NULL)\n+I(NULL, -7, NULL, NULL, NULL, NULL, NULL)\n"
          "+I(NULL, 2, NULL, NULL, NULL, NULL, NULL)\nend\n",
          "+I(A, 1, 1, 1, 1)\n+I(B, 1, 0, NULL, NULL)\n-U(A, 1, 1, 1, 1)\n+U(A, 2, 2, 5, 2)\n"
          "+I(NULL, 1, 1, -7, -7)\n-U(NULL, 1, 1, -7, -7)\n+U(NULL, 2, 2, -5, -2)\n");
}

static void an_unchanged_result_is_not_told_unless_states_expire(void **state)
{
    (void)state;
    const char *input = "+I(A, 5, NULL, NULL, b, NULL, NULL)\n+I(A, 3, NULL, NULL, a, NULL, NULL)\n"
                        "+I(A, 9, NULL, NULL, c, NULL, NULL)\n";
    group_case of = begin();
    call(&of, "MAX", 1);
    call(&of, "MAX", 4);
    check(&of, input, "+I(A, 5, b)\n-U(A, 5, b)\n+U(A, 9, c)\n");
    of = begin();
    of.ttl_ms = 1000;
    of.spec.emit_update_before = false;
    call(&of, "MAX", 1);
    call(&of, "MAX", 4);
    check(&of, input, "+I(A, 5, b)\n+U(A, 5, b)\n+U(A, 9, c)\n");
}

static void no_aggregates_tell_each_key_once(void **state)
{
    (void)state;
    group_case of = begin();
    check(&of,
          "+I(A, 5, NULL, NULL, b, NULL, NULL)\n+I(NULL, 3, NULL, NULL, a, NULL, NULL)\n"
          "+I(A, 9, NULL, NULL, c, NULL, NULL)\n+I(NULL, 3, NULL, NULL, a, NULL, NULL)\n",
          "+I(A)\n+I(NULL)\n");
}

static void without_keys_and_rows_nothing_is_told(void **state)
{
    (void)state;
    group_case of = begin();
    of.spec.keys = (ps_columns){0, NULL};
    call(&of, "COUNT", PS_NO_COLUMN);
    check(&of, "wm 100\nend\n", "");
    of = begin();
    of.spec.keys = (ps_columns){0, NULL};
    call(&of, "COUNT", PS_NO_COLUMN);
    check(&of, "+I(A, 5, NULL, NULL, b, NULL, NULL)\n+I(B, 5, NULL, NULL, b, NULL, NULL)\n",
          "+I(1)\n-U(1)\n+U(2)\n");
}

/* Conformance case fmt-029, with −D and a group that comes back within a run. */
static void rows_that_are_taken_away_change_the_group_back(void **state)
{
    (void)state;
    group_case of = begin();
    of.spec.input_retracts = true;
    call(&of, "COUNT", PS_NO_COLUMN);
    call(&of, "SUM", 1);
    call(&of, "MAX", 1);
    call(&of, "MIN", 1);
    call(&of, "AVG", 1);
    call(&of, "FIRST_VALUE", 1);
    call(&of, "LAST_VALUE", 1);
    check(&of,
          "+I(a, 1, NULL, NULL, NULL, NULL, NULL)\n+I(a, 5, NULL, NULL, NULL, NULL, NULL)\n"
          "+I(b, 3, NULL, NULL, NULL, NULL, NULL)\n-U(a, 5, NULL, NULL, NULL, NULL, NULL)\n"
          "+U(b, 4, NULL, NULL, NULL, NULL, NULL)\n-D(b, 3, NULL, NULL, NULL, NULL, NULL)\n"
          "-D(b, 4, NULL, NULL, NULL, NULL, NULL)\n+I(b, NULL, NULL, NULL, NULL, NULL, NULL)\n"
          "-D(b, NULL, NULL, NULL, NULL, NULL, NULL)\n-D(c, 1, NULL, NULL, NULL, NULL, NULL)\n"
          "+I(c, 2, NULL, NULL, NULL, NULL, NULL)\n",
          "+I(a, 1, 1, 1, 1, 1, 1, 1)\n"
          "-U(a, 1, 1, 1, 1, 1, 1, 1)\n+U(a, 2, 6, 5, 1, 3, 1, 5)\n"
          "+I(b, 1, 3, 3, 3, 3, 3, 3)\n"
          "-U(a, 2, 6, 5, 1, 3, 1, 5)\n+U(a, 1, 1, 1, 1, 1, 1, 1)\n"
          "-U(b, 1, 3, 3, 3, 3, 3, 3)\n+U(b, 2, 7, 4, 3, 3, 3, 4)\n"
          "-U(b, 2, 7, 4, 3, 3, 3, 4)\n+U(b, 1, 4, 4, 4, 4, 4, 4)\n"
          "-D(b, 1, 4, 4, 4, 4, 4, 4)\n"
          "+I(b, 1, NULL, NULL, NULL, NULL, NULL, NULL)\n"
          "-D(b, 1, NULL, NULL, NULL, NULL, NULL, NULL)\n"
          "+I(c, 1, 2, 2, 2, 2, 2, 2)\n");
}

static void distinct_and_filter_share_a_set(void **state)
{
    (void)state;
    group_case of = begin();
    call(&of, "COUNT", 6)->is_distinct = true;
    ps_aggregate_call *filtered = call(&of, "SUM", 6);
    filtered->is_distinct = true;
    filtered->filter = 5;
    call(&of, "COUNT", 4)->is_distinct = true;
    check(&of,
          "+I(A, 1, NULL, NULL, x, FALSE, 7)\n+I(A, 1, NULL, NULL, x, TRUE, 7)\n"
          "+I(A, 1, NULL, NULL, y, TRUE, 7)\n+I(A, 1, NULL, NULL, y, TRUE, 8)\n"
          "+I(A, 1, NULL, NULL, NULL, NULL, NULL)\n+I(B, 1, NULL, NULL, x, TRUE, 7)\n",
          "+I(A, 1, NULL, 1)\n-U(A, 1, NULL, 1)\n+U(A, 1, 7, 1)\n-U(A, 1, 7, 1)\n+U(A, 1, 7, 2)\n"
          "-U(A, 1, 7, 2)\n+U(A, 2, 15, 2)\n+I(B, 1, 7, 1)\n");
}

static void distinct_values_are_counted_back(void **state)
{
    (void)state;
    group_case of = begin();
    of.spec.input_retracts = true;
    call(&of, "COUNT", 6)->is_distinct = true;
    ps_aggregate_call *filtered = call(&of, "COUNT", 6);
    filtered->is_distinct = true;
    filtered->filter = 5;
    check(&of,
          "+I(A, 1, NULL, NULL, x, FALSE, 7)\n+I(A, 1, NULL, NULL, x, TRUE, 7)\n"
          "-D(A, 1, NULL, NULL, x, FALSE, 7)\n-D(A, 1, NULL, NULL, x, TRUE, 99)\n"
          "+I(A, 1, NULL, NULL, x, TRUE, 7)\n+I(A, 1, NULL, NULL, x, TRUE, 8)\n"
          "-D(A, 1, NULL, NULL, x, TRUE, 7)\n",
          "+I(A, 1, 0)\n-U(A, 1, 0)\n+U(A, 1, 1)\n"
          "-D(A, 1, 1)\n+I(A, 1, 1)\n-U(A, 1, 1)\n+U(A, 2, 2)\n-U(A, 2, 2)\n+U(A, 1, 1)\n");
}

static void texts_and_arrays_are_gathered(void **state)
{
    (void)state;
    group_case of = begin();
    call(&of, "LISTAGG", 4);
    fixture_call(&of.fixture, &schema, "LISTAGG", 4, 0);
    call(&of, "LISTAGG", 4)->is_distinct = true;
    call(&of, "ARRAY_AGG", 1);
    check(&of,
          "+I(A, 1, NULL, NULL, p, NULL, NULL)\n+I(A, NULL, NULL, NULL, NULL, NULL, NULL)\n"
          "+I(A, 2, NULL, NULL, p, NULL, NULL)\n",
          "+I(A, p, p, p, [1])\n"
          "-U(A, p, p, p, [1])\n+U(A, p, p, p, [1, NULL])\n"
          "-U(A, p, p, p, [1, NULL])\n+U(A, p,p, pAp, p, [1, NULL, 2])\n");
}

static void texts_and_arrays_give_rows_back(void **state)
{
    (void)state;
    group_case of = begin();
    of.spec.input_retracts = true;
    call(&of, "LISTAGG", 4);
    call(&of, "ARRAY_AGG", 1);
    call(&of, "MIN", 4);
    call(&of, "MAX", 2);
    check(&of,
          "+I(A, 1, 1.50, NULL, p, NULL, NULL)\n+I(A, NULL, 9.00, NULL, a, NULL, NULL)\n"
          "+I(A, 1, 2.00, NULL, q, NULL, NULL)\n-D(A, NULL, 9.00, NULL, a, NULL, NULL)\n",
          "+I(A, p, [1], p, 1.50)\n"
          "-U(A, p, [1], p, 1.50)\n+U(A, p,a, [1, NULL], a, 9.00)\n"
          "-U(A, p,a, [1, NULL], a, 9.00)\n+U(A, p,a,q, [1, NULL, 1], a, 9.00)\n"
          "-U(A, p,a,q, [1, NULL, 1], a, 9.00)\n+U(A, p,q, [1, 1], p, 2.00)\n");
}

static void a_first_nan_sticks_and_of_two_zeros_the_first_stays(void **state)
{
    (void)state;
    group_case of = begin();
    of.spec.emit_update_before = false;
    call(&of, "COUNT", PS_NO_COLUMN);
    call(&of, "MIN", 3);
    call(&of, "MAX", 3);
    check(&of,
          "+I(A, 1, NULL, NaN, p, NULL, NULL)\n+I(A, 1, NULL, 5, p, NULL, NULL)\n"
          "+I(B, 1, NULL, -0.0, p, NULL, NULL)\n+I(B, 1, NULL, 0.0, p, NULL, NULL)\n"
          "+I(B, 1, NULL, NaN, p, NULL, NULL)\n",
          "+I(A, 1, NaN, NaN)\n+U(A, 2, NaN, NaN)\n+I(B, 1, -0.0, -0.0)\n+U(B, 2, -0.0, -0.0)\n"
          "+U(B, 3, -0.0, -0.0)\n");
}

static void sums_wrap_at_their_types_width(void **state)
{
    (void)state;
    group_case of = begin();
    of.spec.emit_update_before = false;
    call(&of, "SUM", 1);
    call(&of, "SUM", 6);
    call(&of, "SUM0", 2);
    call(&of, "AVG", 2);
    check(&of,
          "+I(A, 2147483647, NULL, NULL, p, NULL, 9223372036854775807)\n"
          "+I(A, 1, 0.01, NULL, p, NULL, 1)\n+I(A, 5, 0.02, NULL, p, NULL, 5)\n"
          "+I(A, 0, 0.02, NULL, p, NULL, 0)\n",
          "+I(A, 2147483647, 9223372036854775807, 0.00, NULL)\n"
          "+U(A, -2147483648, -9223372036854775808, 0.01, 0.010000)\n"
          "+U(A, -2147483643, -9223372036854775803, 0.03, 0.015000)\n"
          "+U(A, -2147483643, -9223372036854775803, 0.05, 0.016667)\n");
}

static void variances_follow_the_formula(void **state)
{
    (void)state;
    group_case of = begin();
    of.spec.emit_update_before = false;
    call(&of, "VAR_POP", 3);
    call(&of, "VAR_SAMP", 3);
    call(&of, "STDDEV_POP", 3);
    call(&of, "VARIANCE", 1);
    check(&of,
          "+I(A, 1, NULL, 1, p, NULL, NULL)\n+I(A, 4, NULL, 3, p, NULL, NULL)\n"
          "+I(A, 9, NULL, NULL, p, NULL, NULL)\n",
          "+I(A, 0.0, NULL, 0.0, NULL)\n+U(A, 1.0, 2.0, 1.0, 5)\n+U(A, 1.0, 2.0, 1.0, 16)\n");
}

/* One row at that time of processing. */
static void feed_at(bench_run *run, int64_t now_ms, const char *row)
{
    run->clock.now_ms = now_ms;
    bench_read_row(&run->builders[0], &schema, row, PS_WATERMARK_NONE, (uint64_t)now_ms);
    bench_feed(run, 0, PS_WATERMARK_NONE, (uint64_t)now_ms);
}

/* A run whose steps a test takes by itself. */
typedef struct {
    group_case of;
    ps_node node;
    bench_case plain;
    bench_run run;
} open_run;

static void begin_run(open_run *open, int64_t ttl_ms)
{
    ps_error err = {0};
    bench_run *run = &open->run;
    open->of.spec.call_count = open->of.fixture.call_count;
    open->of.spec.calls = open->of.fixture.calls;
    open->node =
        (ps_node){.kind = PS_NODE_GROUP_AGGREGATE,
                  .input_count = 1,
                  .inputs = inputs,
                  .schema = fixture_schema(&open->of.fixture, &schema, open->of.spec.keys, 0),
                  .group_aggregate = &open->of.spec};
    open->plain = (bench_case){ps_op_group_aggregate_new, &open->node, "", "", ttl_ms, 0};
    *run = (bench_run){.of = &open->plain,
                       .budget = {.size_max = 1ULL << 30},
                       .output = {.schema = &open->node.schema, .watermark = PS_WATERMARK_NONE}};
    ps_arena_init(&run->arena, SIZE_MAX / 2);
    run->expressions.arena = &run->arena;
    ps_buf_init(&run->output.text, BENCH_SIZE_MAX);
    assert_int_equal(ps_outlet_init(&run->outlet, open->node.schema.field_count,
                                    bench_types(&run->arena, &open->node.schema), 1, &err),
                     PS_OK);
    run->outlet.push = bench_push;
    run->outlet.to = &run->output;
    assert_int_equal(ps_batch_builder_init(&run->builders[0], schema.field_count,
                                           bench_types(&run->arena, &schema), 4, &err),
                     PS_OK);
    bench_make(run);
}

static void end_run(open_run *open)
{
    bench_run *run = &open->run;
    ps_operator_free(run->op);
    ps_store_free(run->store);
    ps_batch_builder_release(&run->builders[0]);
    ps_outlet_release(&run->outlet);
    ps_buf_release(&run->output.text);
    ps_arena_release(&run->arena);
    fixture_release(&open->of.fixture);
}

static void groups_that_have_not_changed_for_long_are_forgotten(void **state)
{
    (void)state;
    open_run open = {.of = begin()};
    call(&open.of, "COUNT", PS_NO_COLUMN);
    call(&open.of, "COUNT", 4)->is_distinct = true;
    begin_run(&open, 1000);
    open.run.restores = true;
    feed_at(&open.run, 5000, "+I(A, 1, NULL, NULL, x, NULL, NULL)");
    feed_at(&open.run, 5000, "+I(B, 1, NULL, NULL, x, NULL, NULL)");
    feed_at(&open.run, 5999, "+I(A, 1, NULL, NULL, y, NULL, NULL)");
    feed_at(&open.run, 6998, "+I(A, 1, NULL, NULL, y, NULL, NULL)");
    feed_at(&open.run, 7998, "+I(A, 1, NULL, NULL, y, NULL, NULL)");
    feed_at(&open.run, 7998, "+I(B, 1, NULL, NULL, y, NULL, NULL)");
    bench_compare("+I(A, 1, 1)\n+I(B, 1, 1)\n-U(A, 1, 1)\n+U(A, 2, 2)\n-U(A, 2, 2)\n"
                  "+U(A, 3, 2)\n+I(A, 1, 1)\n+I(B, 1, 1)\n",
                  &open.run.output, "over time");
    end_run(&open);
}

/* Groups that are gone, and those that a stray −D would have made, leave nothing behind; with time
 * neither do those that expire. */
static void groups_that_are_gone_take_no_memory(void **state)
{
    (void)state;
    for (int expires = 0; expires < 2; expires++) {
        open_run open = {.of = begin()};
        open.of.spec.input_retracts = true;
        call(&open.of, "COUNT", 4)->is_distinct = true;
        call(&open.of, "MAX", 4);
        begin_run(&open, expires ? 100 : 0);
        uint64_t settled = 0;
        for (int i = 0; i < 6000; i++) {
            char row[80];
            snprintf(row, sizeof row, "+I(key %d, 1, NULL, NULL, x, NULL, NULL)", i);
            feed_at(&open.run, i, row);
            memcpy(row, "-D", 2);
            if (expires == 0) {
                feed_at(&open.run, i, row);
                feed_at(&open.run, i, row);
            }
            settled = i == 1000 ? ps_store_size(open.run.store) : settled;
        }
        assert_true(ps_store_size(open.run.store) < settled + 4096);
        end_run(&open);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_appear_and_change),
        cmocka_unit_test(an_unchanged_result_is_not_told_unless_states_expire),
        cmocka_unit_test(no_aggregates_tell_each_key_once),
        cmocka_unit_test(without_keys_and_rows_nothing_is_told),
        cmocka_unit_test(rows_that_are_taken_away_change_the_group_back),
        cmocka_unit_test(distinct_and_filter_share_a_set),
        cmocka_unit_test(distinct_values_are_counted_back),
        cmocka_unit_test(texts_and_arrays_are_gathered),
        cmocka_unit_test(texts_and_arrays_give_rows_back),
        cmocka_unit_test(a_first_nan_sticks_and_of_two_zeros_the_first_stays),
        cmocka_unit_test(sums_wrap_at_their_types_width),
        cmocka_unit_test(variances_follow_the_formula),
        cmocka_unit_test(groups_that_have_not_changed_for_long_are_forgotten),
        cmocka_unit_test(groups_that_are_gone_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
