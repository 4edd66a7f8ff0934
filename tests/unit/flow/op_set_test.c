#include "flow/bench.h"

static const ps_field columns[] = {{{"s", 1}, &ps_type_string}, {{"v", 1}, &ps_type_int}};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {2, columns}};
static const ps_node *const inputs[] = {&input_node, &input_node};
static const char rows[] = "0: +I(a, 1)\n0: +I(a, 1)\n1: +I(a, 1)\n0: +I(NULL, 2)\n1: +I(NULL, 2)\n"
                           "1: +I(b, 3)\n1: -D(a, 1)\n0: -D(NULL, 2)\n";

static void check(bool is_intersect, bool is_all, const char *expected)
{
    const ps_set_spec spec = {is_intersect, is_all, true};
    ps_node node = {
        .kind = PS_NODE_SET,
        .input_count = 2,
        .inputs = inputs,
        .schema = {2, columns},
        .set = &spec,
    };
    bench_check(&(bench_case){ps_op_set_new, &node, rows, expected, 0, 0});
}

static void copies_are_counted_on_both_sides(void **state)
{
    (void)state;
    check(true, false, "+I(a, 1)\n+I(NULL, 2)\n-D(a, 1)\n-D(NULL, 2)\n");
    check(true, true, "+I(a, 1)\n+I(NULL, 2)\n-D(a, 1)\n-D(NULL, 2)\n");
    check(false, false, "+I(a, 1)\n-D(a, 1)\n+I(NULL, 2)\n-D(NULL, 2)\n+I(a, 1)\n");
    check(false, true, "+I(a, 1)\n+I(a, 1)\n-D(a, 1)\n+I(NULL, 2)\n-D(NULL, 2)\n+I(a, 1)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(copies_are_counted_on_both_sides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
