/* Pipelines from text to text: rows "key time amount" come from a custom source, results are
 * gathered by a custom sink. Every case runs row by row and in whole batches; both must agree. */
#include "paystream/paystream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    const char *at; /* the rest of the rows */
    const char *begin;
    size_t stop_behind; /* stops the pipeline there; 0: nowhere */
    ps_pipeline *pipeline;
} script;

typedef struct {
    char text[4096];
    size_t size;
} printed;

/* ── source: "k 1 5; k 2 7; …" ── */

static ps_read_result read_row(void *user, ps_out *out)
{
    script *self = user;
    char key[16];
    long long time, amount;
    int size = 0;
    if (self->stop_behind > 0 && (size_t)(self->at - self->begin) >= self->stop_behind) {
        ps_pipeline_stop(self->pipeline);
        return PS_READ_IDLE;
    }
    int found = sscanf(self->at, "%15s %lld %lld;%n", key, &time, &amount, &size);
    if (found < 3 || size == 0) {
        return PS_READ_END;
    }
    self->at += size;
    ps_out_text(out, 0, (ps_text){key, strlen(key)});
    ps_out_i64(out, 1, time);
    if (amount >= 0) {
        ps_out_i64(out, 2, amount);
    }
    return PS_READ_ROW;
}

static size_t save_position(void *user, void *position, size_t size)
{
    const script *self = user;
    size_t offset = (size_t)(self->at - self->begin);
    assert_true(size >= sizeof offset);
    memcpy(position, &offset, sizeof offset);
    return sizeof offset;
}

static bool restore_position(void *user, const void *position, size_t size)
{
    script *self = user;
    size_t offset;
    assert_int_equal(size, sizeof offset);
    memcpy(&offset, position, sizeof offset);
    self->at = self->begin + offset;
    return true;
}

static int64_t time_of(void *user, const ps_row *row)
{
    (void)user;
    return ps_row_i64(row, ps_row_find(row, "time"));
}

static ps_collection *rows_of(ps_pipeline *pipeline, script *rows)
{
    const ps_source_functions source = {
        .read = read_row, .save = save_position, .restore = restore_position, .user = rows};
    ps_collection *in = ps_pipeline_read_custom(
        pipeline,
        PS_COLUMNS({"key", PS_COLUMN_TEXT}, {"time", PS_COLUMN_I64}, {"amount", PS_COLUMN_I64}),
        &source);
    return ps_collection_with_time(in, time_of, NULL, 0);
}

/* ── sink: columns, then window and pane ── */

static bool print_row(void *user, const ps_row *row)
{
    printed *self = user;
    char value[64];
    for (uint32_t i = 0; i < ps_row_column_count(row); i++) {
        ps_row_print(row, i, value, sizeof value);
        self->size += (size_t)snprintf(self->text + self->size, sizeof self->text - self->size,
                                       "%s%s", i > 0 ? " " : "", value);
    }
    static const char panes[] = {'-', 'e', 'o', 'l'};
    if (ps_row_window_end_ms(row) != INT64_MAX) {
        self->size += (size_t)snprintf(self->text + self->size, sizeof self->text - self->size,
                                       " [%lld,%lld)", (long long)ps_row_window_start_ms(row),
                                       (long long)ps_row_window_end_ms(row));
    }
    if (ps_row_pane(row) != PS_PANE_NONE) {
        self->size += (size_t)snprintf(self->text + self->size, sizeof self->text - self->size,
                                       " %c%u", panes[ps_row_pane(row)], ps_row_pane_index(row));
    }
    self->size += (size_t)snprintf(self->text + self->size, sizeof self->text - self->size, "; ");
    return true;
}

typedef ps_collection *build_function(ps_collection *in);

static void run_once(const char *text, build_function *build, uint32_t batch_rows, printed *out,
                     uint64_t *out_late)
{
    ps_pipeline *pipeline = ps_pipeline_new();
    script rows = {.at = text, .begin = text};
    const ps_sink_functions sink = {.write = print_row, .user = out};
    ps_collection_write_custom(build(rows_of(pipeline, &rows)), &sink);
    ps_failure failure = {0};
    const ps_run_options options = {.batch_rows = batch_rows};
    if (!ps_pipeline_run(pipeline, &options, &failure)) {
        out->size += (size_t)snprintf(out->text, sizeof out->text, "%s: %s",
                                      ps_failure_kind_name(failure.kind), failure.text);
    }
    ps_run_counts counts;
    ps_pipeline_counts(pipeline, &counts);
    *out_late = counts.rows_late;
    ps_pipeline_free(pipeline);
}

static uint64_t expect(const char *text, build_function *build, const char *expected)
{
    uint64_t late = 0;
    static const uint32_t sizes[] = {0, 1, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        printed got = {.size = 0};
        run_once(text, build, sizes[i], &got, &late);
        assert_string_equal(got.text, expected);
    }
    return late;
}

/* ── row by row ── */

static bool is_even(void *user, const ps_row *row)
{
    (void)user;
    return ps_row_i64(row, 2) % 2 == 0;
}

static void twice(void *user, const ps_row *row, ps_out *out)
{
    (void)user;
    ps_out_copy(out, 0, row, 0);
    ps_out_i64(out, 1, ps_row_i64(row, 2) * 2);
}

static void count_down(void *user, const ps_row *row, ps_out *out)
{
    (void)user;
    for (int64_t i = ps_row_i64(row, 2); i > 0; i--) {
        ps_out_copy(out, 0, row, 0);
        ps_out_i64(out, 1, i);
        ps_out_row(out);
    }
    ps_out_i64(out, 1, 99); /* never ended: dropped */
}

#define PAIR PS_COLUMNS({"key", PS_COLUMN_TEXT}, {"n", PS_COLUMN_I64})

static ps_collection *build_map(ps_collection *in)
{
    return ps_collection_map(ps_collection_filter(in, is_even, NULL), PAIR, twice, NULL);
}

static ps_collection *build_flat_map(ps_collection *in)
{
    return ps_collection_flat_map(in, PAIR, count_down, NULL);
}

static void functions_see_each_row_in_order(void **state)
{
    (void)state;
    expect("a 1 4; b 2 3; c 3 8;", build_map, "a 8; c 16; ");
    expect("a 1 2; b 2 0; c 3 1;", build_flat_map, "a 2; a 1; c 1; ");
    expect("", build_map, "");
}

static void fail_at_seven(void *user, const ps_row *row, ps_out *out)
{
    (void)user;
    ps_out_copy(out, 0, row, 0);
    if (ps_row_i64(row, 2) == 7) {
        ps_out_fail(out, "%s is no amount", "seven");
    }
}

static ps_collection *build_failing(ps_collection *in)
{
    return ps_collection_map(in, PAIR, fail_at_seven, NULL);
}

static void a_function_that_fails_ends_the_run_with_its_sentence(void **state)
{
    (void)state;
    printed got = {.size = 0};
    uint64_t late;
    run_once("a 1 4; b 2 7;", build_failing, 0, &got, &late);
    assert_string_equal(got.text, "invalid: seven is no amount (row 2 of the source)");
}

static void write_texts(void *user, const ps_row *row, ps_out *out)
{
    (void)user;
    size_t size = (size_t)ps_row_i64(row, 2);
    char *at = ps_out_text_begin(out, 0, size + 40);
    assert_non_null(at);
    memset(at, 'x', size + 40);
    ps_out_text_end(out, 0, size);
    ps_out_i64(out, 1, 5);
    ps_out_null(out, 1);
    ps_out_text(out, 0, ps_row_text(row, 0)); /* the last one counts */
    ps_out_print(out, 2, "%s-%zu", "p", size);
}

static ps_collection *build_texts(ps_collection *in)
{
    return ps_collection_map(
        in, PS_COLUMNS({"a", PS_COLUMN_TEXT}, {"b", PS_COLUMN_I64}, {"c", PS_COLUMN_TEXT}),
        write_texts, NULL);
}

static void columns_are_set_again_nulled_and_printed(void **state)
{
    (void)state;
    expect("a 1 4; b 2 0; c 3 100000;", build_texts, "a NULL p-4; b NULL p-0; c NULL p-100000; ");
}

static void numbers_become_text(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0,     7,      -1,        9999,      10000,
                                      10001, 123456, 100000000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[21] = {0}, expected[32];
        size_t size = ps_i64_format(text, numbers[i]);
        snprintf(expected, sizeof expected, "%lld", (long long)numbers[i]);
        assert_int_equal(size, strlen(expected));
        assert_memory_equal(text, expected, size);
    }
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10) {
        char text[21] = {0}, expected[32];
        for (int64_t number = power - 1; number <= power + 1; number++) {
            snprintf(expected, sizeof expected, "%lld", (long long)-number);
            size_t size = ps_i64_format(text, -number);
            assert_int_equal(size, strlen(expected));
            assert_memory_equal(text, expected, size);
        }
    }
}

/* ── windows ── */

#define SUM PS_AGGREGATES({"COUNT", NULL, "n"}, {"SUM", "amount", "sum"})

static ps_collection *sum_in(ps_collection *in, ps_windowing windowing)
{
    return ps_collection_aggregate(
        ps_collection_key_by(ps_collection_window(in, &windowing), "key"), SUM);
}

static ps_collection *build_fixed(ps_collection *in)
{
    return sum_in(in, (ps_windowing){.kind = PS_WINDOWING_FIXED, .size_ms = 10});
}

static void fixed_windows_fire_when_the_watermark_passes_and_then_drop(void **state)
{
    (void)state;
    uint64_t late =
        expect("a 1 5; b 2 1; a 9 2; a 12 7; a 3 100; b 25 1;", build_fixed,
               "a 2 7 [0,10) o0; b 1 1 [0,10) o0; a 1 7 [10,20) o0; b 1 1 [20,30) o0; ");
    assert_int_equal(late, 1);
    expect("a -1 5; a 0 1;", build_fixed, "a 1 5 [-10,0) o0; a 1 1 [0,10) o0; ");
}

static ps_collection *build_sliding(ps_collection *in)
{
    return sum_in(in, (ps_windowing){.kind = PS_WINDOWING_SLIDING, .size_ms = 10, .period_ms = 5});
}

static void sliding_windows_hold_a_row_several_times(void **state)
{
    (void)state;
    expect("a 7 1; a 11 2;", build_sliding, "a 1 1 [0,10) o0; a 2 3 [5,15) o0; a 1 2 [10,20) o0; ");
}

static ps_collection *build_session(ps_collection *in)
{
    return sum_in(in, (ps_windowing){.kind = PS_WINDOWING_SESSION, .gap_ms = 5});
}

static void sessions_merge_when_a_row_connects_them(void **state)
{
    (void)state;
    expect("a 1 1; a 4 1; a 9 1; b 30 1;", build_session,
           "a 2 2 [1,9) o0; a 1 1 [9,14) o0; b 1 1 [30,35) o0; ");
}

static ps_collection *build_late_session(ps_collection *in)
{
    return sum_in(in, (ps_windowing){.kind = PS_WINDOWING_SESSION,
                                     .gap_ms = 5,
                                     .allowed_lateness_ms = 100,
                                     .is_accumulating = true});
}

static void a_late_row_connects_sessions_that_have_fired(void **state)
{
    (void)state;
    expect("a 1 1; a 8 2; b 20 1; a 4 4;", build_late_session,
           "a 1 1 [1,6) o0; a 1 2 [8,13) o0; a 3 7 [1,13) l1; b 1 1 [20,25) o0; ");
}

static ps_collection *build_accumulating(ps_collection *in)
{
    return sum_in(in, (ps_windowing){.kind = PS_WINDOWING_FIXED,
                                     .size_ms = 10,
                                     .allowed_lateness_ms = 20,
                                     .early_rows = 2,
                                     .is_accumulating = true});
}

static ps_collection *build_discarding(ps_collection *in)
{
    return sum_in(in, (ps_windowing){.kind = PS_WINDOWING_FIXED,
                                     .size_ms = 10,
                                     .allowed_lateness_ms = 20,
                                     .early_rows = 2});
}

static void panes_come_early_on_time_and_late(void **state)
{
    (void)state;
    const char *rows = "a 1 1; a 2 2; a 3 4; a 15 8; a 4 16; a 29 32; a 5 64; a 31 128; a 6 256;";
    uint64_t late = expect(rows, build_accumulating,
                           "a 2 3 [0,10) e0; a 3 7 [0,10) o1; a 4 23 [0,10) l2; "
                           "a 1 8 [10,20) o0; a 5 87 [0,10) l3; a 1 32 [20,30) o0; "
                           "a 1 128 [30,40) o0; ");
    assert_int_equal(late, 1);
    late = expect(rows, build_discarding,
                  "a 2 3 [0,10) e0; a 1 4 [0,10) o1; a 1 16 [0,10) l2; a 1 8 [10,20) o0; "
                  "a 1 64 [0,10) l3; a 1 32 [20,30) o0; a 1 128 [30,40) o0; ");
    assert_int_equal(late, 1);
}

static ps_collection *build_global(ps_collection *in)
{
    return ps_collection_aggregate(ps_collection_key_by(in, "key"), SUM);
}

static void the_global_window_ends_with_the_input(void **state)
{
    (void)state;
    expect("a 1 1; b 9 2; a 3 3; a 4 -1;", build_global, "a 3 4 o0; b 1 2 o0; ");
}

/* ── combine and group ── */

static void add_largest(void *user, void *state, const ps_row *row)
{
    (void)user;
    int64_t *largest = state;
    *largest = ps_row_i64(row, 2) > *largest ? ps_row_i64(row, 2) : *largest;
}

static void merge_largest(void *user, void *into, const void *from)
{
    (void)user;
    int64_t *a = into;
    *a = *(const int64_t *)from > *a ? *(const int64_t *)from : *a;
}

static void give_largest(void *user, const void *state, ps_out *out)
{
    (void)user;
    ps_out_i64(out, 0, *(const int64_t *)state);
}

static ps_collection *build_combine(ps_collection *in)
{
    const ps_windowing sessions = {.kind = PS_WINDOWING_SESSION, .gap_ms = 5};
    const ps_combine_functions largest = {
        .state_size = 8, .add = add_largest, .merge = merge_largest, .result = give_largest};
    return ps_collection_combine(ps_collection_key_by(ps_collection_window(in, &sessions), "key"),
                                 PS_COLUMNS({"largest", PS_COLUMN_I64}), &largest);
}

static void list_amounts(void *user, ps_group *group, ps_out *out)
{
    (void)user;
    char text[128];
    size_t size = 0;
    for (const ps_row *row; (row = ps_group_next(group)) != NULL;) {
        size += (size_t)snprintf(text + size, sizeof text - size, "/%lld",
                                 (long long)ps_row_i64(row, 2));
    }
    ps_out_text(out, 0, (ps_text){text, size});
    ps_out_row(out);
}

static ps_collection *build_group(ps_collection *in)
{
    const ps_windowing sessions = {.kind = PS_WINDOWING_SESSION, .gap_ms = 5};
    return ps_collection_group(ps_collection_key_by(ps_collection_window(in, &sessions), "key"),
                               PS_COLUMNS({"all", PS_COLUMN_TEXT}), list_amounts, NULL);
}

static ps_collection *build_group_twice(ps_collection *in)
{
    ps_collection *sums = build_fixed(in);
    return ps_collection_aggregate(ps_collection_key_by(sums, ""),
                                   PS_AGGREGATES({"SUM", "sum", "all"}, {"COUNT", NULL, "keys"}));
}

static void groupings_of_your_own_see_the_rows_of_a_key_and_window(void **state)
{
    (void)state;
    const char *rows = "a 1 5; a 2 9; b 3 1; a 10 3; a 6 4;";
    expect(rows, build_combine, "a 9 [1,7) o0; b 1 [3,8) o0; a 4 [6,15) o0; ");
}

static void a_group_has_its_rows_in_order_of_arrival(void **state)
{
    (void)state;
    expect("a 1 5; a 2 9; b 3 1; a 20 3;", build_group,
           "a /5/9 [1,7) o0; b /1 [3,8) o0; a /3 [20,25) o0; ");
}

static void results_are_grouped_again_in_their_windows(void **state)
{
    (void)state;
    expect("a 1 5; b 2 1; a 12 7;", build_group_twice, "6 2 [0,10) o0; 7 1 [10,20) o0; ");
}

/* ── joins ── */

static ps_collection *join_halves(ps_collection *in, ps_join_type type)
{
    const ps_windowing windowing = {.kind = PS_WINDOWING_FIXED, .size_ms = 10};
    ps_collection *all = ps_collection_key_by(ps_collection_window(in, &windowing), "key");
    return ps_collection_join(
        ps_collection_filter(all, is_even, NULL),
        ps_collection_key_by(ps_collection_map(all, PAIR, twice, NULL), "key"), type);
}

static ps_collection *build_inner(ps_collection *in)
{
    return join_halves(in, PS_JOIN_TYPE_INNER);
}

static ps_collection *build_right(ps_collection *in)
{
    return join_halves(in, PS_JOIN_TYPE_RIGHT);
}

static void joins_pair_rows_of_a_key_within_a_window(void **state)
{
    (void)state;
    expect("a 1 2; b 2 1; a 3 5; a 12 4;", build_inner,
           "a 1 2 a 4 [0,10); a 1 2 a 10 [0,10); a 12 4 a 8 [10,20); ");
    expect("a 1 2; b 2 1; a 12 4;", build_right,
           "a 1 2 a 4 [0,10); NULL NULL NULL b 2 [0,10); a 12 4 a 8 [10,20); ");
}

static ps_collection *build_flatten(ps_collection *in)
{
    return ps_collection_flatten(ps_collection_filter(in, is_even, NULL), in);
}

static void flatten_keeps_the_order_of_the_source(void **state)
{
    (void)state;
    expect("a 1 2; b 2 1; c 3 4;", build_flatten, "a 1 2; a 1 2; b 2 1; c 3 4; c 3 4; ");
}

/* ── stop and go on ── */

static void run_part(const char *text, size_t stop_behind, const char *state_dir, printed *out)
{
    ps_pipeline *pipeline = ps_pipeline_new();
    script rows = {.at = text, .begin = text, .stop_behind = stop_behind, .pipeline = pipeline};
    const ps_sink_functions sink = {.write = print_row, .user = out};
    ps_collection_write_custom(build_accumulating(rows_of(pipeline, &rows)), &sink);
    ps_failure failure;
    const ps_run_options options = {.state_dir = state_dir, .batch_rows = 2};
    bool done = ps_pipeline_run(pipeline, &options, &failure);
    ps_pipeline_free(pipeline);
    if (!done) {
        fail_msg("%s", failure.text);
    }
}

static void a_run_that_was_stopped_goes_on_from_its_checkpoint(void **state)
{
    (void)state;
    const char *rows = "a 1 1; a 2 2; b 3 4; a 15 8; a 4 16; a 29 32; b 5 64; a 31 128;";
    char dir[] = "/tmp/paystream-api-XXXXXX";
    assert_non_null(mkdtemp(dir));
    printed whole = {.size = 0}, parts = {.size = 0};
    uint64_t late;
    run_once(rows, build_accumulating, 0, &whole, &late);
    run_part(rows, 20, dir, &parts);
    assert_true(parts.size < whole.size);
    run_part(rows, 0, dir, &parts);
    assert_string_equal(parts.text, whole.text);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* ── what is refused ── */

static ps_collection *build_unknown_key(ps_collection *in)
{
    return ps_collection_aggregate(ps_collection_key_by(in, "key,kez"), SUM);
}

static ps_collection *build_unknown_aggregate(ps_collection *in)
{
    return ps_collection_aggregate(in, PS_AGGREGATES({"SUMM", "amount", "x"}));
}

static ps_collection *build_bad_window(ps_collection *in)
{
    return ps_collection_window(in, &(ps_windowing){.kind = PS_WINDOWING_FIXED});
}

static ps_collection *build_join_without_keys(ps_collection *in)
{
    return ps_collection_join(in, in, PS_JOIN_TYPE_INNER);
}

static void mistakes_in_building_are_told_by_the_run(void **state)
{
    (void)state;
    static const struct {
        build_function *build;
        const char *expected;
    } cases[] = {
        {build_unknown_key, "missing: key_by: there is no column \"kez\""},
        {build_bad_window, "invalid: window: size_ms must be positive"},
        {build_join_without_keys,
         "invalid: join: both sides need a key_by with columns of the same kinds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect("a 1 1;", cases[i].build, cases[i].expected);
    }
    printed got = {.size = 0};
    uint64_t late;
    run_once("", build_unknown_aggregate, 0, &got, &late);
    assert_non_null(strstr(got.text, "SUMM"));
}

static void a_table_of_an_unknown_connector_or_option_is_refused(void **state)
{
    (void)state;
    ps_failure failure;
    ps_pipeline *pipeline = ps_pipeline_new();
    ps_pipeline_read(pipeline, PAIR, PS_OPTIONS({"connector", "kafko"}));
    assert_false(ps_pipeline_run(pipeline, NULL, &failure));
    assert_int_equal(failure.kind, PS_FAILURE_MISSING);
    ps_pipeline_free(pipeline);
    pipeline = ps_pipeline_new();
    ps_pipeline_read(pipeline, PAIR,
                     PS_OPTIONS({"connector", "filesystem"}, {"path", "x"}, {"format", "csv"},
                                {"csv.delimiter", ";"}));
    assert_false(ps_pipeline_run(pipeline, NULL, &failure));
    assert_non_null(strstr(failure.text, "csv.delimiter"));
    ps_pipeline_free(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_see_each_row_in_order),
        cmocka_unit_test(a_function_that_fails_ends_the_run_with_its_sentence),
        cmocka_unit_test(columns_are_set_again_nulled_and_printed),
        cmocka_unit_test(numbers_become_text),
        cmocka_unit_test(fixed_windows_fire_when_the_watermark_passes_and_then_drop),
        cmocka_unit_test(sliding_windows_hold_a_row_several_times),
        cmocka_unit_test(sessions_merge_when_a_row_connects_them),
        cmocka_unit_test(a_late_row_connects_sessions_that_have_fired),
        cmocka_unit_test(panes_come_early_on_time_and_late),
        cmocka_unit_test(the_global_window_ends_with_the_input),
        cmocka_unit_test(groupings_of_your_own_see_the_rows_of_a_key_and_window),
        cmocka_unit_test(a_group_has_its_rows_in_order_of_arrival),
        cmocka_unit_test(results_are_grouped_again_in_their_windows),
        cmocka_unit_test(joins_pair_rows_of_a_key_within_a_window),
        cmocka_unit_test(flatten_keeps_the_order_of_the_source),
        cmocka_unit_test(a_run_that_was_stopped_goes_on_from_its_checkpoint),
        cmocka_unit_test(mistakes_in_building_are_told_by_the_run),
        cmocka_unit_test(a_table_of_an_unknown_connector_or_option_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
