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

static void an_upsert_takes_its_old_partners_back(void **state)
{
    (void)state;
    static const uint32_t id[] = {2};
    ps_join_spec spec = {.on = on_key(PS_JOIN_LEFT), .right_updates = true};
    spec.right_upsert_key = (ps_columns){1, id};
    ps_node node = join_node(PS_NODE_JOIN, PS_JOIN_LEFT);
    node.join = &spec;
    bench_check(&(bench_case){ps_op_join_new, &node,
                              "0: +I(a, 1, 1)\n1: +I(a, 1, 10)\n1: +U(a, 2, 10)\n"
                              "1: -D(a, 9, 10)\n",
                              "+I(a, 1, 1, NULL, NULL, NULL)\n-D(a, 1, 1, NULL, NULL, NULL)\n"
                              "+I(a, 1, 1, a, 1, 10)\n-D(a, 1, 1, a, 1, 10)\n"
                              "+I(a, 1, 1, NULL, NULL, NULL)\n-D(a, 1, 1, NULL, NULL, NULL)\n"
                              "+I(a, 1, 1, a, 2, 10)\n-D(a, 1, 1, a, 2, 10)\n"
                              "+I(a, 1, 1, NULL, NULL, NULL)\n",
                              0, 0});
}

static void kinds_of_inner_rows_are_those_of_the_input(void **state)
{
    (void)state;
    check(PS_JOIN_INNER,
          "1: +I(a, 1, 10)\n0: +U(a, 1, 1)\n0: -U(a, 1, 1)\n0: +U(a, 1, 2)\n0: -D(a, 1, 2)\n",
          "+U(a, 1, 1, a, 1, 10)\n-U(a, 1, 1, a, 1, 10)\n+U(a, 1, 2, a, 1, 10)\n"
          "-D(a, 1, 2, a, 1, 10)\n");
    check(PS_JOIN_LEFT, "0: +U(NULL, 1, 1)\n0: -U(NULL, 1, 1)\n",
          "+I(NULL, 1, 1, NULL, NULL, NULL)\n-D(NULL, 1, 1, NULL, NULL, NULL)\n");
}

static void who_takes_no_update_before_gets_a_delete(void **state)
{
    (void)state;
    const ps_join_spec spec = {.on = on_key(PS_JOIN_INNER), .left_updates = true};
    ps_node node = join_node(PS_NODE_JOIN, PS_JOIN_INNER);
    node.join = &spec;
    bench_check(&(bench_case){ps_op_join_new, &node,
                              "1: +I(a, 1, 10)\n0: +I(a, 1, 1)\n0: -U(a, 1, 1)\n",
                              "+I(a, 1, 1, a, 1, 10)\n-D(a, 1, 1, a, 1, 10)\n", 0, 0});
}

static void null_keys_are_equal_where_they_are_null_safe(void **state)
{
    (void)state;
    static const bool null_safe[] = {true};
    ps_join_spec spec = {.on = on_key(PS_JOIN_INNER)};
    spec.on.null_safe = null_safe;
    ps_node node = join_node(PS_NODE_JOIN, PS_JOIN_INNER);
    node.join = &spec;
    bench_check(&(bench_case){ps_op_join_new, &node, "0: +I(NULL, 1, 1)\n1: +I(NULL, 2, 10)\n",
                              "+I(NULL, 1, 1, NULL, 2, 10)\n", 0, 0});
}

static void rows_beyond_their_time_to_live_are_gone(void **state)
{
    (void)state;
    const ps_join_spec spec = {.on = on_key(PS_JOIN_INNER)};
    ps_node node = join_node(PS_NODE_JOIN, PS_JOIN_INNER);
    node.join = &spec;
    bench_case of = {ps_op_join_new, &node, "", "", .ttl_ms = 100};
    bench_run run;
    join_run_begin(&run, &of);
    join_run_feed(&run, 0, "+I(a, 1, 1)");
    run.clock.now_ms = 99;
    join_run_feed(&run, 1, "+I(a, 1, 10)");
    run.clock.now_ms = 100;
    join_run_feed(&run, 1, "+I(a, 1, 11)");
    run.clock.now_ms = 198;
    join_run_feed(&run, 0, "+I(a, 1, 2)");
    run.clock.now_ms = 298;
    join_run_feed(&run, 1, "+I(b, 1, 12)");
    bench_compare("+I(a, 1, 1, a, 1, 10)\n+I(a, 1, 2, a, 1, 10)\n+I(a, 1, 2, a, 1, 11)\n",
                  &run.output, "with a time to live");
    join_run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_rows_need_a_partner),
        cmocka_unit_test(a_padded_row_goes_with_the_first_partner_and_returns_behind_the_last),
        cmocka_unit_test(semi_and_anti_show_the_left_row_alone),
        cmocka_unit_test(not_in_is_unknown_as_soon_as_the_right_has_a_null),
        cmocka_unit_test(an_upsert_replaces_the_row_of_its_key),
        cmocka_unit_test(an_upsert_takes_its_old_partners_back),
        cmocka_unit_test(kinds_of_inner_rows_are_those_of_the_input),
        cmocka_unit_test(who_takes_no_update_before_gets_a_delete),
        cmocka_unit_test(null_keys_are_equal_where_they_are_null_safe),
        cmocka_unit_test(rows_beyond_their_time_to_live_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
