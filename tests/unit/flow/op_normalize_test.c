#include "flow/bench.h"

static const ps_field columns[] = {{{"k", 1}, &ps_type_string}, {{"v", 1}, &ps_type_int}};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {2, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key[] = {0};

static void check(bool emit_update_before, const char *expected)
{
    const ps_normalize_spec spec = {{1, key}, emit_update_before};
    ps_node node = {
        .kind = PS_NODE_NORMALIZE,
        .input_count = 1,
        .inputs = inputs,
        .schema = {2, columns},
        .normalize = &spec,
    };
    bench_check(&(bench_case){ps_op_normalize_new, &node,
                              "+I(a, 1)\n+U(a, 2)\n+U(a, 2)\n-U(a, 2)\n+U(b, 5)\n-D(a, 9)\n"
                              "-D(c, 1)\n+I(a, 3)\n",
                              expected, 0, 0});
}

static void the_last_row_of_a_key_makes_the_changes_whole(void **state)
{
    (void)state;
    check(true, "+I(a, 1)\n-U(a, 1)\n+U(a, 2)\n+I(b, 5)\n-D(a, 2)\n+I(a, 3)\n");
    check(false, "+I(a, 1)\n+U(a, 2)\n+I(b, 5)\n-D(a, 2)\n+I(a, 3)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_row_of_a_key_makes_the_changes_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
