#include "flow/aggregate_fixture.h"

#include "data/datetime.h"

static const ps_field columns[] = {{{"k", 1}, &ps_type_string},
                                   {{"t", 1}, &ps_type_timestamp3},
                                   {{"b", 1}, &ps_type_bigint},
                                   {{"x", 1}, &ps_type_double}};
static const ps_schema schema = {4, columns};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {4, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key_columns[] = {0};
static const ps_window_property start_end[] = {PS_WINDOW_START, PS_WINDOW_END};

typedef struct {
    aggregate_fixture fixture;
    ps_window_aggregate_spec spec;
} window_case;

static window_case begin(ps_window_kind kind, int64_t size, int64_t step)
{
    window_case made = {
        .spec = {.window = {.kind = kind, .size_ms = size, .step_ms = step, .time_column = 1},
                 .keys = {1, key_columns},
                 .property_count = 2,
                 .properties = start_end},
    };
    fixture_init(&made.fixture);
    return made;
}

static void call(window_case *of, const char *name, uint32_t column)
{
    fixture_call(&of->fixture, &schema, name, column, PS_NO_COLUMN);
}

static void check(window_case *of, const char *input, const char *expected)
{
    of->spec.call_count = of->fixture.call_count;
    of->spec.calls = of->fixture.calls;
    ps_node node = {
        .kind = PS_NODE_WINDOW_AGGREGATE,
        .input_count = 1,
        .inputs = inputs,
        .schema = fixture_schema(&of->fixture, &schema, of->spec.keys, of->spec.property_count),
        .window_aggregate = &of->spec,
    };
    bench_check(&(bench_case){ps_op_window_aggregate_new, &node, input, expected, 0, 0});
    fixture_release(&of->fixture);
}

/* SEMANTICS §6.3, minutes as milliseconds: 08:05 is 5. */
static const char vector[] = "+I(A, 5, 4, NULL)\n+I(A, 7, 2, NULL)\n+I(A, 9, 5, NULL)\n"
                             "+I(A, 11, 3, NULL)\n+I(A, 13, 1, NULL)\n+I(A, 17, 6, NULL)\nend\n";

static void tumble_sums_each_window(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_TUMBLE, 10, 0);
    call(&of, "SUM", 2);
    check(&of, vector, "+I(A, 11, 0, 10)\n+I(A, 10, 10, 20)\n");
}

static void hop_sums_overlapping_windows(void **state)
{
    (void)state;
    const char *expected = "+I(A, 11, 0, 10)\n+I(A, 15, 5, 15)\n+I(A, 10, 10, 20)\n"
                           "+I(A, 6, 15, 25)\n";
    window_case of = begin(PS_WINDOW_HOP, 10, 5);
    call(&of, "SUM", 2);
    check(&of, vector, expected);
    of = begin(PS_WINDOW_HOP, 10, 5); /* without subtraction */
    call(&of, "SUM", 2);
    call(&of, "MIN", 2);
    check(&of, vector,
          "+I(A, 11, 2, 0, 10)\n+I(A, 15, 1, 5, 15)\n+I(A, 10, 1, 10, 20)\n+I(A, 6, 6, 15, 25)\n");
}

static void cumulate_repeats_totals_without_new_rows(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_CUMULATE, 10, 2);
    call(&of, "SUM", 2);
    check(&of, vector,
          "+I(A, 4, 0, 6)\n+I(A, 6, 0, 8)\n+I(A, 11, 0, 10)\n+I(A, 3, 10, 12)\n+I(A, 4, 10, 14)\n"
          "+I(A, 4, 10, 16)\n+I(A, 10, 10, 18)\n+I(A, 10, 10, 20)\n");
}

static void offsets_move_windows_before_and_after_the_epoch(void **state)
{
    (void)state;
    static const struct {
        int64_t offset_minutes;
        const char *expected;
    } cases[] = {
        {-16, "+I(A, 1, -360000, 240000)\n"}, {-6, "+I(A, 1, -360000, 240000)\n"},
        {4, "+I(A, 1, -360000, 240000)\n"},   {-4, "+I(A, 1, -240000, 360000)\n"},
        {0, "+I(A, 1, 0, 600000)\n"},         {6, "+I(A, 1, -240000, 360000)\n"},
        {16, "+I(A, 1, -240000, 360000)\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        window_case of = begin(PS_WINDOW_TUMBLE, 600000, 0);
        of.spec.window.offset_ms = cases[i].offset_minutes * 60000;
        call(&of, "COUNT", PS_NO_COLUMN);
        check(&of, "+I(A, 4000, 1, NULL)\nend\n", cases[i].expected);
    }
}

static void times_before_1970_have_windows(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_TUMBLE, 10, 0);
    call(&of, "COUNT", PS_NO_COLUMN);
    check(&of, "+I(A, -1, 1, NULL)\n+I(A, -10, 1, NULL)\n+I(A, -11, 1, NULL)\nend\n",
          "+I(A, 1, -20, -10)\n+I(A, 2, -10, 0)\n");
}

static void a_window_closes_at_its_last_millisecond_and_late_rows_are_dropped(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_TUMBLE, 10, 0);
    call(&of, "COUNT", PS_NO_COLUMN);
    check(
        &of,
        "+I(A, 1, 1, NULL)\nwm 8\n+I(A, 2, 1, NULL)\nwm 9\n+I(A, 3, 1, NULL)\n+I(A, 11, 1, NULL)\n"
        "wm 15\n+I(A, 12, 1, NULL)\n+I(B, 10, 1, NULL)\n+I(A, 9, 1, NULL)\nwm 19\n",
        "+I(A, 2, 0, 10)\n+I(A, 2, 10, 20)\n+I(B, 1, 10, 20)\n");
}

static void hop_rows_behind_count_in_the_windows_that_are_open(void **state)
{
    (void)state;
    const char *input = "+I(A, 12, 1, NULL)\nwm 14\n+I(A, 13, 2, NULL)\n+I(B, 11, 4, NULL)\n"
                        "+I(A, 9, 8, NULL)\n+I(A, 4, 16, NULL)\nwm 30\n+I(C, 21, 1, NULL)\nend\n";
    window_case of = begin(PS_WINDOW_HOP, 10, 5);
    call(&of, "SUM", 2);
    check(&of, input, "+I(A, 1, 5, 15)\n+I(A, 3, 10, 20)\n+I(B, 4, 10, 20)\n");
    of = begin(PS_WINDOW_HOP, 10, 5);
    call(&of, "MAX", 2);
    check(&of, input, "+I(A, 1, 5, 15)\n+I(A, 2, 10, 20)\n+I(B, 4, 10, 20)\n");
}

static void cumulate_rows_behind_count_in_the_windows_that_are_open(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_CUMULATE, 10, 2);
    call(&of, "SUM", 2);
    check(&of, "wm 3\n+I(A, 1, 1, NULL)\nwm 5\n+I(B, 1, 2, NULL)\nwm 9\n+I(A, 8, 4, NULL)\nend\n",
          "+I(A, 1, 0, 6)\n+I(A, 1, 0, 8)\n+I(B, 2, 0, 8)\n+I(A, 1, 0, 10)\n+I(B, 2, 0, 10)\n");
}

static void results_come_by_window_then_by_arrival_of_the_key(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_TUMBLE, 10, 0);
    call(&of, "COUNT", PS_NO_COLUMN);
    check(
        &of,
        "+I(Z, 11, 1, NULL)\n+I(C, 1, 1, NULL)\n+I(NULL, 2, 1, NULL)\n+I(A, 3, 1, NULL)\n"
        "+I(C, 4, 1, NULL)\n+I(B, 12, 1, NULL)\nwm 100\n+I(A, 110, 1, NULL)\n+I(C, 110, 1, NULL)\n"
        "end\n",
        "+I(C, 2, 0, 10)\n+I(NULL, 1, 0, 10)\n+I(A, 1, 0, 10)\n+I(Z, 1, 10, 20)\n"
        "+I(B, 1, 10, 20)\n+I(A, 1, 110, 120)\n+I(C, 1, 110, 120)\n");
}

/* Conformance case testRetractPreviousSlicingStateWithSlicingWindow; and a window whose count
 * returns to 0. */
static void windows_take_rows_back_in_the_slice_of_the_row(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_HOP, 10, 5);
    of.spec.input_retracts = true;
    call(&of, "COUNT", PS_NO_COLUMN);
    call(&of, "SUM", 2);
    fixture_call(&of.fixture, &schema, "COUNT", 2, PS_NO_COLUMN)->is_distinct = true;
    check(&of, "+I(a, 1, 1, NULL)\n+I(a, 4, 2, NULL)\n-D(a, 6, 3, NULL)\nend\n",
          "+I(a, 2, 3, 2, -5, 5)\n+I(a, 1, 0, 2, 0, 10)\n+I(a, -1, -3, 0, 5, 15)\n");
    of = begin(PS_WINDOW_TUMBLE, 10, 0);
    of.spec.input_retracts = true;
    call(&of, "MAX", 2);
    check(&of,
          "+I(a, 1, 1, NULL)\n+I(b, 1, 1, NULL)\n+I(b, 2, 7, NULL)\n-D(a, 1, 1, NULL)\n"
          "-U(b, 2, 7, NULL)\n+U(b, 2, 3, NULL)\nend\n",
          "+I(b, 3, 0, 10)\n");
}

static void hop_sums_of_doubles_leave_no_residue(void **state)
{
    (void)state;
    window_case of = begin(PS_WINDOW_HOP, 10, 5);
    call(&of, "SUM", 3);
    check(&of, "+I(A, 1, 1, 1e30)\n+I(A, 6, 1, 0.1)\n+I(A, 11, 1, 0.2)\nend\n",
          "+I(A, 1.0E30, -5, 5)\n+I(A, 1.0E30, 0, 10)\n+I(A, 0.30000000000000004, 5, 15)\n"
          "+I(A, 0.2, 10, 20)\n");
}

static void attached_windows_group_by_start_and_end(void **state)
{
    (void)state;
    static const ps_field attached_columns[] = {{{"k", 1}, &ps_type_string},
                                                {{"s", 1}, &ps_type_timestamp3},
                                                {{"e", 1}, &ps_type_timestamp3},
                                                {{"b", 1}, &ps_type_bigint}};
    static const ps_schema attached = {4, attached_columns};
    static const ps_node attached_node = {.kind = PS_NODE_SOURCE, .schema = {4, attached_columns}};
    static const ps_node *const attached_inputs[] = {&attached_node};
    static const ps_window_property all[] = {PS_WINDOW_END, PS_WINDOW_TIME, PS_WINDOW_START};
    aggregate_fixture fixture;
    fixture_init(&fixture);
    fixture_call(&fixture, &attached, "MAX", 3, PS_NO_COLUMN);
    ps_window_aggregate_spec spec = {
        .window = {.kind = PS_WINDOW_ATTACHED, .start_column = 1, .end_column = 2},
        .call_count = 1,
        .calls = fixture.calls,
        .property_count = 3,
        .properties = all,
    };
    ps_node node = {
        .kind = PS_NODE_WINDOW_AGGREGATE,
        .input_count = 1,
        .inputs = attached_inputs,
        .schema = fixture_schema(&fixture, &attached, spec.keys, 3),
        .window_aggregate = &spec,
    };
    bench_check(
        &(bench_case){ps_op_window_aggregate_new, &node,
                      "+I(A, 0, 10, 1)\n+I(B, 5, 10, 7)\n+I(C, 0, 10, 3)\n+I(A, 0, 20, 2)\nwm 9\n"
                      "+I(A, 0, 10, 9)\n+I(A, 0, 20, 1)\nend\n",
                      "+I(3, 10, 9, 0)\n+I(7, 10, 9, 5)\n+I(2, 20, 19, 0)\n", 0, 0});
    fixture_release(&fixture);
}

/* New York leaves summer time on 2021-11-07 at 06:00 UTC and enters it on 2021-03-14 at 07:00. */
static void instants_align_by_the_wall_clock_of_the_zone(void **state)
{
    (void)state;
    ps_error err;
    window_case of = begin(PS_WINDOW_TUMBLE, 3600000, 0);
    assert_int_equal(
        ps_zone_find(&of.fixture.arena, PS_SLICE("America/New_York"), &of.spec.window.zone, &err),
        PS_OK);
    static const ps_window_property all[] = {PS_WINDOW_START, PS_WINDOW_TIME};
    of.spec.properties = all;
    call(&of, "COUNT", PS_NO_COLUMN);
    check(&of,
          /* 05:30 and 06:30 UTC are both 01:30; the window is open until 06:59:59.999 UTC */
          "+I(A, 1636263000000, 1, NULL)\nwm 1636264800000\n+I(A, 1636266600000, 1, NULL)\n"
          "wm 1636268399998\n+I(A, 1636266600000, 1, NULL)\nwm 1636268399999\n"
          "+I(A, 1636266600000, 1, NULL)\nend\n",
          "+I(A, 3, 1636246800000, 1636264799999)\n");
}

/* ── against a naive recomputation ── */

enum { ROWS_MAX = 120, KEYS = 5 };

typedef struct {
    int key;
    int64_t time, value, slice_end;
    int sign;
    bool is_deleted; /* by a row of its own */
    bool is_behind;  /* its slice had closed */
    bool is_late;
    int64_t first_end; /* of the windows that were open when it came */
} naive_row;

typedef struct {
    ps_window_kind kind;
    int64_t size, step;
    bool retracts, has_min;
    naive_row rows[ROWS_MAX];
    int row_count;
    int live[KEYS];
    int live_count;
    int64_t closed; /* end of the last window that was closed */
    ps_buf input, expected;
} naive;

static int64_t floor_to(int64_t time, int64_t size)
{
    int64_t rest = time % size;
    return time - (rest < 0 ? rest + size : rest);
}

static int64_t last_end(const naive *of, int64_t slice_end)
{
    if (of->kind == PS_WINDOW_HOP) {
        return slice_end + of->size - of->step;
    }
    return of->kind == PS_WINDOW_CUMULATE ? floor_to(slice_end - 1, of->size) + of->size
                                          : slice_end;
}

static bool is_in(const naive *of, const naive_row *row, int64_t end)
{
    return !row->is_late && row->slice_end <= end && end <= last_end(of, row->slice_end) &&
           row->first_end <= end;
}

static bool has_rows(const naive *of, int key, int64_t from_end, int64_t to_end)
{
    for (int i = 0; i < of->row_count; i++) {
        const naive_row *row = &of->rows[i];
        if (row->key == key && !row->is_late && row->slice_end >= from_end &&
            row->slice_end <= to_end) {
            return true;
        }
    }
    return false;
}

static bool is_live(const naive *of, int key)
{
    for (int i = 0; i < of->live_count; i++) {
        if (of->live[i] == key) {
            return true;
        }
    }
    return false;
}

static void naive_emit(naive *of, int key, int64_t end)
{
    int64_t count = 0;
    int64_t sum = 0;
    int64_t least = INT64_MAX;
    int64_t distinct = 0;
    for (int64_t value = -9; value <= 9; value++) {
        int64_t times = 0;
        for (int i = 0; i < of->row_count; i++) {
            const naive_row *row = &of->rows[i];
            if (row->key == key && row->value == value && is_in(of, row, end)) {
                times += row->sign;
            }
        }
        count += times;
        sum += times * value;
        distinct += times > 0;
        least = times > 0 && value < least ? value : least;
    }
    if (count == 0) {
        return;
    }
    int64_t start = of->kind == PS_WINDOW_CUMULATE ? floor_to(end - 1, of->size) : end - of->size;
    ps_buf_append_format(&of->expected, "+I(k%d, %ld, %ld, %ld, ", key, (long)count, (long)sum,
                         (long)distinct);
    if (of->has_min) {
        ps_buf_append_format(&of->expected, "%ld, ", (long)least);
    }
    ps_buf_append_format(&of->expected, "%ld, %ld)\n", (long)start, (long)end);
}

static void naive_close(naive *of, int64_t end)
{
    for (int i = 0; i < of->row_count; i++) {
        const naive_row *row = &of->rows[i];
        if (row->slice_end == end && !row->is_late && !row->is_behind && !is_live(of, row->key)) {
            of->live[of->live_count++] = row->key;
        }
    }
    for (int i = 0; i < of->live_count; i++) {
        naive_emit(of, of->live[i], end);
    }
    int kept = 0;
    for (int i = 0; i < of->live_count; i++) {
        bool stays = of->kind == PS_WINDOW_HOP
                         ? has_rows(of, of->live[i], end - of->size + 2 * of->step, end)
                         : of->kind == PS_WINDOW_CUMULATE && last_end(of, end) != end;
        if (stays) {
            of->live[kept++] = of->live[i];
        }
    }
    of->live_count = kept;
    of->closed = end;
}

static void naive_row_comes(naive *of, naive_row row, int64_t watermark)
{
    row.slice_end = floor_to(row.time, of->step) + of->step;
    row.first_end = row.slice_end;
    while (row.first_end - 1 <= watermark) {
        row.first_end += of->step;
    }
    row.is_late = row.first_end > last_end(of, row.slice_end);
    row.is_behind = row.first_end > row.slice_end;
    if (row.is_behind && !row.is_late && !is_live(of, row.key)) {
        of->live[of->live_count++] = row.key;
    }
    of->rows[of->row_count++] = row;
    ps_buf_append_format(&of->input, "%s(k%d, %ld, %ld, NULL)\n", row.sign > 0 ? "+I" : "-D",
                         row.key, (long)row.time, (long)row.value);
}

static void naive_run(naive *of, uint64_t seed)
{
    ps_buf_init(&of->input, 1 << 20);
    ps_buf_init(&of->expected, 1 << 20);
    int64_t watermark = -1000;
    int64_t now = (int64_t)test_draw(&seed, 100) - 50;
    of->closed = floor_to(-1000, of->step);
    int rows = 20 + (int)test_draw(&seed, ROWS_MAX - 20);
    for (int i = 0; i < rows; i++) {
        naive_row row = {.key = (int)test_draw(&seed, KEYS),
                         .time = now - (int64_t)test_draw(&seed, 30),
                         .value = (int64_t)test_draw(&seed, 19) - 9,
                         .sign = 1};
        int old = of->row_count > 0 ? (int)test_draw(&seed, (uint64_t)of->row_count) : 0;
        if (of->retracts && of->row_count > 0 && of->rows[old].sign > 0 &&
            !of->rows[old].is_deleted && test_draw(&seed, 3) == 0) {
            row = of->rows[old];
            of->rows[old].is_deleted = true;
            row.sign = -1;
        }
        naive_row_comes(of, row, watermark);
        now += (int64_t)test_draw(&seed, 4) + (test_draw(&seed, 40) == 0 ? 60 : 0);
        int64_t met = now - 5 - (int64_t)test_draw(&seed, 10);
        if (met > watermark && test_draw(&seed, 3) == 0) {
            watermark = met;
            ps_buf_append_format(&of->input, "wm %ld\n", (long)watermark);
        }
        while (of->closed + of->step - 1 <= watermark) {
            naive_close(of, of->closed + of->step);
        }
    }
    ps_buf_append_text(&of->input, "end\n");
    for (int i = 0; i < 400; i++) {
        naive_close(of, of->closed + of->step);
    }
    ps_buf_append_char(&of->input, 0);
    ps_buf_append_char(&of->expected, 0);
    assert_false(of->input.failed || of->expected.failed);
}

static void random_rows_agree_with_a_naive_recomputation(void **state)
{
    (void)state;
    static const struct {
        ps_window_kind kind;
        int64_t size, step;
    } windows[] = {{PS_WINDOW_TUMBLE, 10, 10},
                   {PS_WINDOW_HOP, 30, 5},
                   {PS_WINDOW_HOP, 12, 4},
                   {PS_WINDOW_HOP, 8, 8},
                   {PS_WINDOW_CUMULATE, 24, 4}};
    uint64_t rounds = test_count(40, 3000);
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        static naive of;
        size_t which = seed % 5;
        of = (naive){.kind = windows[which].kind,
                     .size = windows[which].size,
                     .step = windows[which].step,
                     .retracts = (seed / 5) % 2 == 1,
                     .has_min = (seed / 10) % 2 == 1};
        naive_run(&of, seed);
        window_case made = begin(of.kind, of.size, of.step);
        made.spec.input_retracts = of.retracts;
        call(&made, "COUNT", PS_NO_COLUMN);
        call(&made, "SUM", 2);
        fixture_call(&made.fixture, &schema, "COUNT", 2, PS_NO_COLUMN)->is_distinct = true;
        if (of.has_min) {
            call(&made, "MIN", 2);
        }
        check(&made, of.input.data, of.expected.data);
        ps_buf_release(&of.input);
        ps_buf_release(&of.expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tumble_sums_each_window),
        cmocka_unit_test(hop_sums_overlapping_windows),
        cmocka_unit_test(cumulate_repeats_totals_without_new_rows),
        cmocka_unit_test(offsets_move_windows_before_and_after_the_epoch),
        cmocka_unit_test(times_before_1970_have_windows),
        cmocka_unit_test(a_window_closes_at_its_last_millisecond_and_late_rows_are_dropped),
        cmocka_unit_test(hop_rows_behind_count_in_the_windows_that_are_open),
        cmocka_unit_test(cumulate_rows_behind_count_in_the_windows_that_are_open),
        cmocka_unit_test(results_come_by_window_then_by_arrival_of_the_key),
        cmocka_unit_test(windows_take_rows_back_in_the_slice_of_the_row),
        cmocka_unit_test(hop_sums_of_doubles_leave_no_residue),
        cmocka_unit_test(attached_windows_group_by_start_and_end),
        cmocka_unit_test(instants_align_by_the_wall_clock_of_the_zone),
        cmocka_unit_test(random_rows_agree_with_a_naive_recomputation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
