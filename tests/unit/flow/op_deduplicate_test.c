#include "flow/bench.h"

static const ps_field columns[] = {
    {{"k", 1}, &ps_type_string}, {{"ts", 2}, &ps_type_timestamp3}, {{"v", 1}, &ps_type_int}};
static const uint32_t key_columns[] = {0};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {3, columns}};
static const ps_node *const inputs[] = {&input_node};
static const char rows[] = "+I(a, 100, 1)\n+I(a, 90, 2)\n+I(b, 50, 3)\nwm 95\n+I(a, 90, 4)\n"
                           "+I(a, 100, 5)\n+I(NULL, 10, 6)\n";

static void check(bool keep_last, bool by_arrival, bool emit_update_before, const char *expected)
{
    const ps_deduplicate_spec spec = {
        .keys = {1, key_columns},
        .time_column = 1,
        .is_processing_time = by_arrival,
        .keep_last = keep_last,
        .emit_update_before = emit_update_before,
    };
    ps_node node = {
        .kind = PS_NODE_DEDUPLICATE,
        .input_count = 1,
        .inputs = inputs,
        .schema = {3, columns},
        .deduplicate = &spec,
    };
    bench_check(&(bench_case){ps_op_deduplicate_new, &node, rows, expected, 0, 0});
}

static void the_first_by_time_replaces_only_when_it_is_earlier(void **state)
{
    (void)state;
    check(false, false, true,
          "+I(a, 100, 1)\n-U(a, 100, 1)\n+U(a, 90, 2)\n+I(b, 50, 3)\n+I(NULL, 10, 6)\n");
}

static void the_last_by_time_takes_the_newest_of_equals(void **state)
{
    (void)state;
    check(true, false, true,
          "+I(a, 100, 1)\n+I(b, 50, 3)\n-U(a, 100, 1)\n+U(a, 100, 5)\n+I(NULL, 10, 6)\n");
    check(true, false, false, "+I(a, 100, 1)\n+I(b, 50, 3)\n+U(a, 100, 5)\n+I(NULL, 10, 6)\n");
}

static void by_arrival_the_first_never_changes(void **state)
{
    (void)state;
    check(false, true, true, "+I(a, 100, 1)\n+I(b, 50, 3)\n+I(NULL, 10, 6)\n");
}

static void by_arrival_the_last_always_changes(void **state)
{
    (void)state;
    check(true, true, true,
          "+I(a, 100, 1)\n-U(a, 100, 1)\n+U(a, 90, 2)\n+I(b, 50, 3)\n-U(a, 90, 2)\n+U(a, 90, 4)\n"
          "-U(a, 90, 4)\n+U(a, 100, 5)\n+I(NULL, 10, 6)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_by_time_replaces_only_when_it_is_earlier),
        cmocka_unit_test(the_last_by_time_takes_the_newest_of_equals),
        cmocka_unit_test(by_arrival_the_first_never_changes),
        cmocka_unit_test(by_arrival_the_last_always_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
