#include "flow/bench.h"

static const ps_field columns[] = {{{"ts", 2}, &ps_type_timestamp3}, {{"v", 1}, &ps_type_int}};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {2, columns}};
static const ps_node *const inputs[] = {&input_node};
static const ps_sort_key by_time_and_value[] = {
    {.column = 0}, {.column = 1, .is_descending = true, .nulls_last = true}};

static void check(const ps_sort_spec *spec, const char *rows, const char *expected)
{
    ps_node node = {
        .kind = PS_NODE_SORT,
        .input_count = 1,
        .inputs = inputs,
        .schema = {2, columns},
        .sort = spec,
    };
    bench_check(&(bench_case){ps_op_sort_new, &node, rows, expected, 0, 0});
}

static void rows_wait_for_the_watermark_and_come_in_order(void **state)
{
    (void)state;
    const ps_sort_spec spec = {.sort_count = 2, .sort = by_time_and_value, .limit = -1};
    check(&spec,
          "+I(30, 1)\n+I(10, 2)\n+I(10, 3)\nwm 20\n+I(15, 4)\n+I(10, 5)\n+I(20, NULL)\n"
          "wm 25\n+I(20, 6)\n+I(21, 7)\nend\n",
          "+I(10, 3)\n+I(10, 2)\n+I(15, 4)\n+I(20, NULL)\n+I(21, 7)\n+I(30, 1)\n");
}

static void a_bounded_run_sorts_everything_at_its_end(void **state)
{
    (void)state;
    static const ps_sort_key by_value[] = {{.column = 1}};
    const ps_sort_spec spec = {
        .sort_count = 1, .sort = by_value, .at_end = true, .offset = 1, .limit = 2};
    check(&spec, "+I(1, 5)\n+I(2, 3)\nwm 2\n+I(3, NULL)\n+I(4, 4)\n-D(2, 3)\n+I(5, 9)\nend\n",
          "+I(4, 4)\n+I(1, 5)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_wait_for_the_watermark_and_come_in_order),
        cmocka_unit_test(a_bounded_run_sorts_everything_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
