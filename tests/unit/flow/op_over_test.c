#include <stdio.h>

#include "flow/aggregate_fixture.h"

static const ps_field columns[] = {
    {{"k", 1}, &ps_type_string}, {{"ts", 2}, &ps_type_timestamp3}, {{"v", 1}, &ps_type_bigint}};
static const ps_schema input_schema = {3, columns};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {3, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key[] = {0};

typedef struct {
    bool is_rows, is_unbounded;
    int64_t preceding;
    const char *calls[3];
} frame;

static void check(frame of, const char *rows, const char *expected)
{
    aggregate_fixture fixture;
    fixture_init(&fixture);
    ps_field output[6] = {columns[0], columns[1], columns[2]};
    for (uint32_t i = 0; i < 3 && of.calls[i] != NULL; i++) {
        bool has_argument =
            strcmp(of.calls[i], "ROW_NUMBER") != 0 && strcmp(of.calls[i], "RANK") != 0;
        ps_aggregate_call *call = fixture_call(&fixture, &input_schema, of.calls[i],
                                               has_argument ? 2 : PS_NO_COLUMN, PS_NO_COLUMN);
        output[3 + i] = (ps_field){{"a", 1}, call->result};
    }
    const ps_over_spec spec = {
        .keys = {1, key},
        .time_column = 1,
        .is_rows = of.is_rows,
        .is_unbounded = of.is_unbounded,
        .preceding = of.preceding,
        .call_count = fixture.call_count,
        .calls = fixture.calls,
    };
    ps_node node = {
        .kind = PS_NODE_OVER,
        .input_count = 1,
        .inputs = inputs,
        .schema = {3 + fixture.call_count, output},
        .over = &spec,
    };
    bench_check(&(bench_case){ps_op_over_new, &node, rows, expected, 0, 0});
    fixture_release(&fixture);
}

static const char rows[] = "+I(a, 10, 1)\n+I(a, 12, 2)\n+I(a, 10, 3)\n+I(b, 11, 4)\nwm 11\n"
                           "+I(a, 11, 5)\n+I(a, 25, 6)\n+I(a, 22, 7)\nend\n";

static void peers_share_the_result_of_a_range(void **state)
{
    (void)state;
    check((frame){.is_unbounded = true, .calls = {"SUM", "COUNT"}}, rows,
          "+I(a, 10, 1, 4, 2)\n+I(a, 10, 3, 4, 2)\n+I(b, 11, 4, 4, 1)\n+I(a, 12, 2, 6, 3)\n"
          "+I(a, 22, 7, 13, 4)\n+I(a, 25, 6, 19, 5)\n");
}

static void a_bounded_range_forgets_and_takes_rows_behind_the_watermark(void **state)
{
    (void)state;
    check((frame){.preceding = 10, .calls = {"SUM", "COUNT"}}, rows,
          "+I(a, 10, 1, 4, 2)\n+I(a, 10, 3, 4, 2)\n+I(b, 11, 4, 4, 1)\n+I(a, 11, 5, 9, 3)\n"
          "+I(a, 12, 2, 11, 4)\n+I(a, 22, 7, 9, 2)\n+I(a, 25, 6, 13, 2)\n");
}

static void rows_go_one_by_one(void **state)
{
    (void)state;
    check((frame){.is_rows = true, .preceding = 1, .calls = {"SUM", "MAX"}}, rows,
          "+I(a, 10, 1, 1, 1)\n+I(a, 10, 3, 4, 3)\n+I(b, 11, 4, 4, 4)\n+I(a, 11, 5, 8, 5)\n"
          "+I(a, 12, 2, 7, 5)\n+I(a, 22, 7, 9, 7)\n+I(a, 25, 6, 13, 7)\n");
}

static void lag_and_numbers_look_along_the_key(void **state)
{
    (void)state;
    check((frame){.is_rows = true, .is_unbounded = true, .calls = {"LAG", "ROW_NUMBER"}}, rows,
          "+I(a, 10, 1, NULL, 1)\n+I(a, 10, 3, 1, 2)\n+I(b, 11, 4, NULL, 1)\n"
          "+I(a, 12, 2, 3, 3)\n+I(a, 22, 7, 2, 4)\n+I(a, 25, 6, 7, 5)\n");
    check((frame){.is_unbounded = true, .calls = {"LAG", "RANK"}}, rows,
          "+I(a, 10, 1, 1, 2)\n+I(a, 10, 3, 1, 2)\n+I(b, 11, 4, NULL, 1)\n"
          "+I(a, 12, 2, 3, 3)\n+I(a, 22, 7, 2, 4)\n+I(a, 25, 6, 7, 5)\n");
}

static void a_key_is_forgotten_behind_its_frame(void **state)
{
    (void)state;
    /* the key's memory ends at 10 + 1.5 × 10 + 1: a row behind the watermark then begins anew */
    check((frame){.preceding = 10, .calls = {"COUNT"}},
          "+I(a, 10, 1)\nwm 25\n+I(a, 5, 2)\nwm 26\n+I(a, 5, 3)\nend\n",
          "+I(a, 10, 1, 1)\n+I(a, 5, 3, 1)\n");
}

/* Rows 1 ms apart, then some far apart: the frame has up to 21 rows and then one. */
static void a_frame_grows_and_shrinks(void **state)
{
    (void)state;
    char input[4096], output[4096];
    size_t in = 0, out = 0;
    for (int i = 1; i <= 60; i++) {
        int time = i <= 50 ? i : 100 * i, count = i <= 21 ? i : i <= 50 ? 21 : 1;
        in += (size_t)snprintf(input + in, sizeof input - in, "+I(a, %d, %d)\n", time, i);
        int sum = count * i - count * (count - 1) / 2;
        out += (size_t)snprintf(output + out, sizeof output - out, "+I(a, %d, %d, %d, %d)\n", time,
                                i, count, sum);
        if (i % 7 == 0) {
            in += (size_t)snprintf(input + in, sizeof input - in, "wm %d\n", time);
        }
    }
    (void)snprintf(input + in, sizeof input - in, "end\n");
    check((frame){.preceding = 20, .calls = {"COUNT", "SUM"}}, input, output);
}

static void lag_looks_further_than_the_frame(void **state)
{
    (void)state;
    check((frame){.is_rows = true, .preceding = 0, .calls = {"LAG", "SUM"}}, rows,
          "+I(a, 10, 1, NULL, 1)\n+I(a, 10, 3, 1, 3)\n+I(b, 11, 4, NULL, 4)\n"
          "+I(a, 11, 5, 3, 5)\n+I(a, 12, 2, 5, 2)\n+I(a, 22, 7, 2, 7)\n+I(a, 25, 6, 7, 6)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_share_the_result_of_a_range),
        cmocka_unit_test(a_bounded_range_forgets_and_takes_rows_behind_the_watermark),
        cmocka_unit_test(rows_go_one_by_one),
        cmocka_unit_test(lag_and_numbers_look_along_the_key),
        cmocka_unit_test(a_key_is_forgotten_behind_its_frame),
        cmocka_unit_test(a_frame_grows_and_shrinks),
        cmocka_unit_test(lag_looks_further_than_the_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
