/* Interval, window, lookup and temporal joins. */
#include "flow/join_fixture.h"

static void check_interval(ps_join_kind kind, int64_t lower, int64_t upper, const char *rows,
                           const char *expected)
{
    const ps_interval_join_spec spec = {
        .on = on_key(kind),
        .left_time = 1,
        .right_time = 1,
        .lower_ms = lower,
        .upper_ms = upper,
    };
    ps_node node = join_node(PS_NODE_INTERVAL_JOIN, kind);
    node.interval_join = &spec;
    bench_check(&(bench_case){ps_op_interval_join_new, &node, rows, expected, 0, 0});
}

static void bounds_are_inclusive_and_late_rows_meet_what_is_left(void **state)
{
    (void)state;
    check_interval(PS_JOIN_INNER, -5, 10,
                   "0: +I(a, 100, 1)\n1: +I(a, 94, 10)\n1: +I(a, 95, 11)\n1: +I(a, 110, 12)\n"
                   "1: +I(a, 111, 13)\n1: +I(b, 100, 14)\nwm 104\n0: +I(a, 99, 2)\nend\n",
                   "+I(a, 100, 1, a, 95, 11)\n+I(a, 100, 1, a, 110, 12)\n"
                   "+I(a, 99, 2, a, 94, 10)\n+I(a, 99, 2, a, 95, 11)\n");
}

static void an_outer_row_is_padded_when_nobody_can_come_any_more(void **state)
{
    (void)state;
    check_interval(PS_JOIN_LEFT, 0, 10,
                   "0: +I(a, 100, 1)\n0: +I(b, 100, 2)\n1: +I(a, 105, 10)\nwm 110\nwm 116\n"
                   "0: +I(c, 100, 3)\n0: +I(NULL, 200, 4)\nend\n",
                   "+I(a, 100, 1, a, 105, 10)\n+I(b, 100, 2, NULL, NULL, NULL)\n"
                   "+I(c, 100, 3, NULL, NULL, NULL)\n+I(NULL, 200, 4, NULL, NULL, NULL)\n");
}

static void an_empty_interval_joins_nothing(void **state)
{
    (void)state;
    check_interval(PS_JOIN_FULL, 5, -5, "0: +I(a, 100, 1)\n1: +I(a, 100, 10)\nend\n",
                   "+I(a, 100, 1, NULL, NULL, NULL)\n+I(NULL, NULL, NULL, a, 100, 10)\n");
}

static void processing_time_is_the_clock_s(void **state)
{
    (void)state;
    const ps_interval_join_spec spec = {
        .on = on_key(PS_JOIN_LEFT), .upper_ms = 10, .is_processing_time = true};
    ps_node node = join_node(PS_NODE_INTERVAL_JOIN, PS_JOIN_LEFT);
    node.interval_join = &spec;
    bench_case of = {ps_op_interval_join_new, &node, "", "", .now_ms = 1000};
    bench_run run;
    join_run_begin(&run, &of);
    join_run_feed(&run, 0, "+I(a, 1, 1)");
    join_run_feed(&run, 0, "+I(b, 1, 2)");
    run.clock.now_ms = 1010;
    join_run_feed(&run, 1, "+I(a, 1, 10)");
    run.clock.now_ms = 1011;
    join_run_feed(&run, 1, "+I(a, 1, 11)");
    run.clock.now_ms = 1016; /* half the range later */
    join_run_feed(&run, 1, "+I(c, 1, 12)");
    bench_compare("+I(a, 1, 1, a, 1, 10)\n+I(b, 1, 2, NULL, NULL, NULL)\n", &run.output,
                  "by the clock");
    join_run_end(&run);
}

/* Windows: the time columns stand for start and end both. */
static void check_window(ps_join_kind kind, const char *rows, const char *expected)
{
    const ps_window_join_spec spec = {
        .on = on_key(kind), .left_start = 1, .left_end = 1, .right_start = 1, .right_end = 1};
    ps_node node = join_node(PS_NODE_WINDOW_JOIN, kind);
    node.window_join = &spec;
    bench_check(&(bench_case){ps_op_window_join_new, &node, rows, expected, 0, 0});
}

static const char window_rows[] =
    "0: +I(a, 10, 1)\n1: +I(a, 10, 10)\n0: +I(a, 20, 2)\n1: +I(b, 10, 11)\n0: +I(NULL, 10, 3)\n"
    "wm 9\n0: +I(a, 10, 4)\n1: +I(a, 20, 12)\nend\n";

static void windows_are_joined_when_they_close(void **state)
{
    (void)state;
    check_window(PS_JOIN_INNER, window_rows, "+I(a, 10, 1, a, 10, 10)\n+I(a, 20, 2, a, 20, 12)\n");
    check_window(PS_JOIN_FULL, window_rows,
                 "+I(a, 10, 1, a, 10, 10)\n+I(NULL, NULL, NULL, b, 10, 11)\n"
                 "+I(NULL, 10, 3, NULL, NULL, NULL)\n+I(a, 20, 2, a, 20, 12)\n");
    check_window(PS_JOIN_SEMI, window_rows, "+I(a, 10, 1)\n+I(a, 20, 2)\n");
    check_window(PS_JOIN_ANTI, window_rows, "+I(NULL, 10, 3)\n");
}

static void the_version_of_the_rows_time_is_joined(void **state)
{
    (void)state;
    const ps_temporal_join_spec spec = {
        .on = on_key(PS_JOIN_LEFT), .left_time = 1, .right_time = 1};
    ps_node node = join_node(PS_NODE_TEMPORAL_JOIN, PS_JOIN_LEFT);
    node.temporal_join = &spec;
    bench_check(&(bench_case){
        ps_op_temporal_join_new, &node,
        "1: +I(a, 10, 100)\n0: +I(a, 5, 1)\n0: +I(a, 25, 2)\n0: +I(a, 15, 3)\n1: +U(a, 20, 200)\n"
        "wm 18\n1: -D(a, 30, 200)\n0: +I(a, 35, 4)\n0: +I(a, 12, 5)\nwm 40\nend\n",
        "+I(a, 5, 1, NULL, NULL, NULL)\n+I(a, 15, 3, a, 10, 100)\n"
        "+I(a, 25, 2, a, 20, 200)\n+I(a, 35, 4, NULL, NULL, NULL)\n+I(a, 12, 5, a, 10, 100)\n",
        0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_inclusive_and_late_rows_meet_what_is_left),
        cmocka_unit_test(an_outer_row_is_padded_when_nobody_can_come_any_more),
        cmocka_unit_test(an_empty_interval_joins_nothing),
        cmocka_unit_test(processing_time_is_the_clock_s),
        cmocka_unit_test(windows_are_joined_when_they_close),
        cmocka_unit_test(the_version_of_the_rows_time_is_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
