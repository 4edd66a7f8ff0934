#include "flow/bench.h"

static const ps_field columns[] = {{{"k", 1}, &ps_type_string},
                                   {{"ts", 2}, &ps_type_timestamp3},
                                   {{"window_start", 12}, &ps_type_timestamp3},
                                   {{"window_end", 10}, &ps_type_timestamp3},
                                   {{"window_time", 11}, &ps_type_timestamp3}};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {2, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key[] = {0};

static void check(ps_window window, ps_columns keys, const char *rows, const char *expected)
{
    window.time_column = 1;
    const ps_window_assign_spec spec = {window, keys};
    ps_node node = {
        .kind = PS_NODE_WINDOW_ASSIGN,
        .input_count = 1,
        .inputs = inputs,
        .schema = {5, columns},
        .window_assign = &spec,
    };
    bench_check(&(bench_case){ps_op_window_assign_new, &node, rows, expected, 0, 0});
}

static void rows_get_their_windows_at_once_even_late(void **state)
{
    (void)state;
    const ps_columns none = {0};
    check((ps_window){.kind = PS_WINDOW_TUMBLE, .size_ms = 10, .offset_ms = -4}, none,
          "+I(a, 4)\nwm 100\n+I(a, -1)\n+I(b, NULL)\n",
          "+I(a, 4, -4, 6, 5)\n+I(a, -1, -4, 6, 5)\n");
    check((ps_window){.kind = PS_WINDOW_HOP, .size_ms = 10, .step_ms = 5}, none, "+I(a, 7)\n",
          "+I(a, 7, 5, 15, 14)\n+I(a, 7, 0, 10, 9)\n");
    check((ps_window){.kind = PS_WINDOW_HOP, .size_ms = 2, .step_ms = 5}, none,
          "+I(a, 7)\n+I(a, 6)\n", "+I(a, 6, 5, 7, 6)\n");
    check((ps_window){.kind = PS_WINDOW_CUMULATE, .size_ms = 6, .step_ms = 2}, none,
          "+I(a, 1)\n+I(a, 4)\n",
          "+I(a, 1, 0, 2, 1)\n+I(a, 1, 0, 4, 3)\n+I(a, 1, 0, 6, 5)\n+I(a, 4, 0, 6, 5)\n");
}

static void a_session_comes_out_when_it_closes_in_order_of_arrival(void **state)
{
    (void)state;
    check((ps_window){.kind = PS_WINDOW_SESSION, .size_ms = 5}, (ps_columns){1, key},
          "+I(a, 10)\n+I(a, 7)\n+I(b, 8)\n+I(a, 15)\n+I(a, 30)\nwm 12\n+I(b, 1)\nwm 19\n"
          "+I(a, 9)\nend\n",
          "+I(b, 8, 8, 13, 12)\n+I(a, 10, 7, 20, 19)\n+I(a, 7, 7, 20, 19)\n"
          "+I(a, 15, 7, 20, 19)\n+I(a, 30, 30, 35, 34)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_get_their_windows_at_once_even_late),
        cmocka_unit_test(a_session_comes_out_when_it_closes_in_order_of_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
