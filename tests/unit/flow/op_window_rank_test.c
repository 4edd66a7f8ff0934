#include "flow/bench.h"

static const ps_field columns[] = {{{"ws", 2}, &ps_type_timestamp3},
                                   {{"we", 2}, &ps_type_timestamp3},
                                   {{"k", 1}, &ps_type_string},
                                   {{"ts", 2}, &ps_type_timestamp3},
                                   {{"rn", 2}, &ps_type_bigint}};
static const uint32_t key_columns[] = {2};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {4, columns}};
static const ps_node *const inputs[] = {&input_node};

static void check(const ps_window_rank_spec *spec, const char *rows, const char *expected)
{
    ps_node node = {
        .kind = PS_NODE_WINDOW_RANK,
        .input_count = 1,
        .inputs = inputs,
        .schema = {spec->emit_rank ? 5 : 4, columns},
        .window_rank = spec,
    };
    bench_check(&(bench_case){ps_op_window_rank_new, &node, rows, expected, 0, 0});
}

static void the_best_of_a_window_come_out_when_it_closes(void **state)
{
    (void)state;
    static const ps_sort_key by_time[] = {{.column = 3}};
    const ps_window_rank_spec spec = {
        .window = {.kind = PS_WINDOW_ATTACHED, .start_column = 0, .end_column = 1},
        .keys = {1, key_columns},
        .sort_count = 1,
        .sort = by_time,
        .first = 1,
        .last = 2,
        .emit_rank = true,
    };
    check(&spec,
          "+I(0, 10, a, 5)\n+I(0, 10, a, 3)\n+I(10, 20, a, 12)\nwm 8\n+I(0, 10, a, 4)\n"
          "+I(0, 10, b, 1)\nwm 9\n+I(0, 10, a, 1)\n+I(10, 20, a, 11)\nend\n",
          "+I(0, 10, a, 3, 1)\n+I(0, 10, a, 4, 2)\n+I(0, 10, b, 1, 1)\n"
          "+I(10, 20, a, 11, 1)\n+I(10, 20, a, 12, 2)\n");
}

static void a_deduplication_that_keeps_the_last_takes_the_newest_of_equals(void **state)
{
    (void)state;
    static const ps_sort_key newest[] = {{.column = 3, .is_descending = true, .nulls_last = true}};
    static const ps_field with_value[] = {{{"ws", 2}, &ps_type_timestamp3},
                                          {{"we", 2}, &ps_type_timestamp3},
                                          {{"k", 1}, &ps_type_string},
                                          {{"ts", 2}, &ps_type_timestamp3},
                                          {{"v", 1}, &ps_type_int}};
    const ps_node input = {.kind = PS_NODE_SOURCE, .schema = {5, with_value}};
    const ps_node *const wide_inputs[] = {&input};
    const ps_window_rank_spec spec = {
        .window = {.kind = PS_WINDOW_ATTACHED, .start_column = 0, .end_column = 1},
        .keys = {1, key_columns},
        .sort_count = 1,
        .sort = newest,
        .first = 1,
        .last = 1,
        .is_deduplicate = true,
    };
    ps_node node = {
        .kind = PS_NODE_WINDOW_RANK,
        .input_count = 1,
        .inputs = wide_inputs,
        .schema = {5, with_value},
        .window_rank = &spec,
    };
    bench_check(&(bench_case){ps_op_window_rank_new, &node,
                              "+I(0, 10, a, 5, 1)\n+I(0, 10, a, 5, 2)\n+I(0, 10, a, 4, 3)\nend\n",
                              "+I(0, 10, a, 5, 2)\n", 0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_of_a_window_come_out_when_it_closes),
        cmocka_unit_test(a_deduplication_that_keeps_the_last_takes_the_newest_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
