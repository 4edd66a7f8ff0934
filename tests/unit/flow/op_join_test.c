#include "flow/join_fixture.h"

static void check(ps_join_kind kind, const char *rows, const char *expected)
{
    const ps_join_spec spec = {.on = on_key(kind),
                               .left_updates = true,
                               .right_updates = true,
                               .emit_update_before = true};
    ps_node node = join_node(PS_NODE_JOIN, kind);
    node.join = &spec;
    bench_check(&(bench_case){ps_op_join_new, &node, rows, expected, 0, 0});
}

static const char rows[] = "0: +I(a, 1, 1)\n1: +I(a, 1, 10)\n1: +I(b, 1, 20)\n0: +I(b, 2, 2)\n"
                           "1: +I(a, 2, 11)\n0: +I(NULL, 3, 3)\n1: +I(NULL, 3, 30)\n"
                           "1: -D(a, 1, 10)\n1: -D(a, 2, 11)\n";

static void inner_rows_need_a_partner(void **state)
{
    (void)state;
    check(PS_JOIN_INNER, rows,
          "+I(a, 1, 1, a, 1, 10)\n+I(b, 2, 2, b, 1, 20)\n+I(a, 1, 1, a, 2, 11)\n"
          "-D(a, 1, 1, a, 1, 10)\n-D(a, 1, 1, a, 2, 11)\n");
}

static void a_padded_row_goes_with_the_first_partner_and_returns_behind_the_last(void **state)
{
    (void)state;
    check(PS_JOIN_LEFT, rows,
          "+I(a, 1, 1, NULL, NULL, NULL)\n-D(a, 1, 1, NULL, NULL, NULL)\n+I(a, 1, 1, a, 1, 10)\n"
          "+I(b, 2, 2, b, 1, 20)\n+I(a, 1, 1, a, 2, 11)\n+I(NULL, 3, 3, NULL, NULL, NULL)\n"
          "-D(a, 1, 1, a, 1, 10)\n-D(a, 1, 1, a, 2, 11)\n+I(a, 1, 1, NULL, NULL, NULL)\n");
    check(PS_JOIN_FULL, "1: +I(a, 1, 10)\n0: +I(a, 1, 1)\n0: -D(a, 1, 1)\n1: +I(NULL, 1, 11)\n",
          "+I(NULL, NULL, NULL, a, 1, 10)\n-D(NULL, NULL, NULL, a, 1, 10)\n+I(a, 1, 1, a, 1, 10)\n"
          "-D(a, 1, 1, a, 1, 10)\n+I(NULL, NULL, NULL, a, 1, 10)\n+I(NULL, NULL, NULL, NULL, 1, "
          "11)\n");
}

static void semi_and_anti_show_the_left_row_alone(void **state)
{
    (void)state;
    check(PS_JOIN_SEMI, rows, "+I(a, 1, 1)\n+I(b, 2, 2)\n-D(a, 1, 1)\n");
    check(PS_JOIN_ANTI, rows, "+I(a, 1, 1)\n-D(a, 1, 1)\n+I(NULL, 3, 3)\n+I(a, 1, 1)\n");
}

static void not_in_is_unknown_as_soon_as_the_right_has_a_null(void **state)
{
    (void)state;
    ps_join_spec spec = {.on = on_key(PS_JOIN_ANTI), .emit_update_before = true};
    spec.on.is_null_aware_anti = true;
    ps_node node = join_node(PS_NODE_JOIN, PS_JOIN_ANTI);
    node.join = &spec;
    bench_check(&(bench_case){ps_op_join_new, &node,
                              "0: +I(a, 1, 1)\n0: +I(NULL, 1, 2)\n1: +I(b, 1, 10)\n"
                              "1: +I(NULL, 1, 11)\n0: +I(c, 1, 3)\n",
                              "+I(a, 1, 1)\n+I(NULL, 1, 2)\n-D(NULL, 1, 2)\n-D(a, 1, 1)\n", 0, 0});
}

static void an_upsert_replaces_the_row_of_its_key(void **state)
{
    (void)state;
    static const uint32_t id[] = {2};
    ps_join_spec spec = {.on = on_key(PS_JOIN_INNER), .right_updates = true};
    spec.right_upsert_key = (ps_columns){1, id};
    ps_node node = join_node(PS_NODE_JOIN, PS_JOIN_INNER);
    node.join = &spec;
    bench_check(&(bench_case){ps_op_join_new, &node,
                              "1: +I(a, 1, 10)\n1: +U(a, 2, 10)\n0: +I(a, 1, 1)\n",
                              "+I(a, 1, 1, a, 2, 10)\n", 0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_rows_need_a_partner),
        cmocka_unit_test(a_padded_row_goes_with_the_first_partner_and_returns_behind_the_last),
        cmocka_unit_test(semi_and_anti_show_the_left_row_alone),
        cmocka_unit_test(not_in_is_unknown_as_soon_as_the_right_has_a_null),
        cmocka_unit_test(an_upsert_replaces_the_row_of_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
