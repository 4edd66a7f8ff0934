#include <paystream/paystream.h>
#include <stdio.h>

#include "base/testing.h"

/* Rows "key letter" at times, from a source of our own; what comes out as lines. */
typedef struct {
    int64_t time_ms;
    const char *key, *letter;
} event;

typedef struct {
    const event *events;
    size_t count, next;
    uint32_t batch_rows;
    char out[3][1000]; /* matches, timeouts, late rows */
    size_t used[3];
} fixture;

static ps_read_result read_event(void *user, ps_out *out)
{
    fixture *f = user;
    if (f->next == f->count) {
        return PS_READ_END;
    }
    const event *at = &f->events[f->next++];
    ps_out_i64(out, 0, at->time_ms);
    ps_out_text(out, 1, (ps_text){at->key, strlen(at->key)});
    ps_out_text(out, 2, (ps_text){at->letter, 1});
    return PS_READ_ROW;
}

static int64_t time_of(void *user, const ps_row *row)
{
    (void)user;
    return ps_row_i64(row, 0);
}

static bool is_letter(void *user, const ps_row *row)
{
    return ps_row_text(row, 2).data[0] == *(const char *)user;
}

/* key, number of rows */
static void tell(void *user, const ps_matched *match, ps_out *out)
{
    (void)user;
    ps_out_copy(out, 0, ps_matched_row(match, PS_STAGE_ANY, 0), 1);
    ps_out_i64(out, 1, ps_matched_count(match, PS_STAGE_ANY));
    ps_out_row(out);
}

static void fail_it(void *user, const ps_matched *match, ps_out *out)
{
    (void)user;
    (void)match;
    ps_out_fail(out, "no such alert");
}

static bool append(fixture *f, int output, const ps_row *row)
{
    char text[100];
    size_t *used = &f->used[output];
    *used += (size_t)snprintf(f->out[output] + *used, sizeof f->out[0] - *used, "@%lld",
                              (long long)ps_row_time_ms(row));
    for (uint32_t i = 0; i < ps_row_column_count(row); i++) {
        ps_row_print(row, i, text, sizeof text);
        *used += (size_t)snprintf(f->out[output] + *used, sizeof f->out[0] - *used, " %s", text);
    }
    *used += (size_t)snprintf(f->out[output] + *used, sizeof f->out[0] - *used, "; ");
    return true;
}

static bool write_match(void *user, const ps_row *row)
{
    return append(user, 0, row);
}

static bool write_timeout(void *user, const ps_row *row)
{
    return append(user, 1, row);
}

static bool write_late(void *user, const ps_row *row)
{
    return append(user, 2, row);
}

/* a, then b, within 10 ms */
static ps_pattern *a_then_b(void)
{
    ps_pattern *pattern = ps_pattern_new();
    ps_pattern_begin(pattern, "a");
    ps_pattern_where(pattern, is_letter, "a");
    ps_pattern_followed_by(pattern, "b");
    ps_pattern_where(pattern, is_letter, "b");
    ps_pattern_within(pattern, 10);
    return pattern;
}

static bool run(fixture *f, ps_pattern *pattern, const ps_match_functions *functions,
                ps_failure *failure)
{
    ps_pipeline *pipeline = ps_pipeline_new();
    const ps_source_functions source = {.read = read_event, .user = f};
    ps_collection *events = ps_pipeline_read_custom(
        pipeline,
        PS_COLUMNS({"time", PS_COLUMN_I64}, {"key", PS_COLUMN_TEXT}, {"letter", PS_COLUMN_TEXT}),
        &source);
    events = ps_collection_with_time(events, time_of, NULL, 2);
    ps_match_outputs found =
        ps_collection_match(ps_collection_key_by(events, "key"), pattern, functions);
    const ps_sink_functions sinks[] = {{.write = write_match, .user = f},
                                       {.write = write_timeout, .user = f},
                                       {.write = write_late, .user = f}};
    ps_collection_write_custom(found.matches, &sinks[0]);
    ps_collection_write_custom(found.timeouts, &sinks[1]);
    ps_collection_write_custom(found.late, &sinks[2]);
    const ps_run_options options = {.batch_rows = f->batch_rows};
    bool done = ps_pipeline_run(pipeline, &options, failure);
    ps_pipeline_free(pipeline);
    return done;
}

static const event events[] = {
    {1, "x", "a"}, {3, "y", "a"}, {2, "x", "c"}, {5, "x", "b"},  {9, "z", "b"},
    {4, "y", "b"}, {8, "z", "a"}, {9, "z", "b"}, {40, "z", "a"}, {20, "y", "b"},
};

static void matches_timeouts_and_late_rows_are_outputs(void **state)
{
    (void)state;
    for (uint32_t rows = 0; rows < 3; rows++) {
        fixture f = {.events = events, .count = 10, .batch_rows = rows};
        ps_pattern *pattern = a_then_b();
        const ps_match_functions functions = {
            .columns = PS_COLUMNS({"key", PS_COLUMN_TEXT}, {"rows", PS_COLUMN_I64}),
            .on_match = tell,
            .timeout_columns = PS_COLUMNS({"key", PS_COLUMN_TEXT}, {"rows", PS_COLUMN_I64}),
            .on_timeout = tell,
        };
        ps_failure failure = {0};
        if (!run(&f, pattern, &functions, &failure)) {
            fail_msg("%s", failure.text);
        }
        assert_string_equal(f.out[0], "@5 x 2; @9 z 2; ");
        assert_string_equal(f.out[1], "@13 y 1; @50 z 1; ");
        assert_string_equal(f.out[2], "@4 4 y b; @20 20 y b; ");
        ps_pattern_free(pattern);
    }
}

static void outputs_that_nobody_wants_cost_no_function(void **state)
{
    (void)state;
    fixture f = {.events = events, .count = 4};
    ps_pattern *pattern = a_then_b();
    const ps_match_functions functions = {
        .columns = PS_COLUMNS({"key", PS_COLUMN_TEXT}, {"rows", PS_COLUMN_I64}),
        .on_match = tell,
    };
    ps_failure failure = {0};
    assert_true(run(&f, pattern, &functions, &failure));
    assert_string_equal(f.out[0], "@5 x 2; ");
    assert_string_equal(f.out[1], "");
    ps_pattern_free(pattern);
}

static void a_function_and_a_pattern_can_fail_the_run(void **state)
{
    (void)state;
    fixture f = {.events = events, .count = 4};
    ps_pattern *pattern = a_then_b();
    ps_match_functions functions = {
        .columns = PS_COLUMNS({"key", PS_COLUMN_TEXT}),
        .on_match = fail_it,
    };
    ps_failure failure = {0};
    assert_false(run(&f, pattern, &functions, &failure));
    assert_non_null(strstr(failure.text, "no such alert"));
    functions.columns = NULL;
    assert_false(run(&f, pattern, &functions, &failure));
    assert_non_null(strstr(failure.text, "a function needs its columns"));
    ps_pattern_free(pattern);
    pattern = ps_pattern_new();
    assert_false(run(&f, pattern, &functions, &failure));
    assert_non_null(strstr(failure.text, "needs its columns"));
    functions.columns = PS_COLUMNS({"key", PS_COLUMN_TEXT});
    assert_false(run(&f, pattern, &functions, &failure));
    assert_non_null(strstr(failure.text, "there is no stage"));
    ps_pattern_free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_timeouts_and_late_rows_are_outputs),
        cmocka_unit_test(outputs_that_nobody_wants_cost_no_function),
        cmocka_unit_test(a_function_and_a_pattern_can_fail_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
