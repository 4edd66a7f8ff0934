#include <paystream/paystream.h>
#include <stdio.h>

#include "base/testing.h"

/* A sequence of letters at times; matches are written as "A[0 2] B[3]" by the rows' numbers. */
typedef struct {
    ps_pattern *pattern;
    char out[4000];
    size_t used;
} fixture;

static bool is_letter(void *user, const ps_row *row)
{
    ps_text text = ps_row_text(row, 1);
    return text.size == 1 && text.data[0] == *(const char *)user;
}

static void write_match(fixture *f, const char *what, const ps_matched *match)
{
    f->used += (size_t)snprintf(f->out + f->used, sizeof f->out - f->used, "%s", what);
    for (uint32_t i = 0; i < ps_matched_count(match, PS_STAGE_ANY); i++) {
        const ps_row *row = ps_matched_row(match, PS_STAGE_ANY, i);
        f->used += (size_t)snprintf(f->out + f->used, sizeof f->out - f->used, " %lld@%lld",
                                    (long long)ps_row_i64(row, 0), (long long)ps_row_time_ms(row));
    }
    f->used += (size_t)snprintf(f->out + f->used, sizeof f->out - f->used, ";");
}

static void on_match(void *user, const ps_matched *match)
{
    write_match(user, "match", match);
}

static void on_timeout(void *user, const ps_matched *match)
{
    char what[40];
    snprintf(what, sizeof what, "over %lld", (long long)ps_matched_timeout_ms(match));
    write_match(user, what, match);
}

static ps_sequence *start(fixture *f, ps_failure *failure)
{
    const ps_sequence_functions functions = {on_match, on_timeout, f};
    return ps_sequence_new(f->pattern,
                           PS_COLUMNS({"number", PS_COLUMN_I64}, {"letter", PS_COLUMN_TEXT}),
                           &functions, failure);
}

/* Letters at times 1, 2 …; a blank lets time pass without a row. */
static bool feed(ps_sequence *sequence, const char *letters, ps_failure *failure)
{
    for (int64_t i = 0; letters[i] != 0; i++) {
        if (!ps_sequence_advance(sequence, i + 1, failure)) {
            return false;
        }
        if (letters[i] == ' ') {
            continue;
        }
        ps_out *row = ps_sequence_row(sequence);
        ps_out_i64(row, 0, i);
        ps_out_text(row, 1, (ps_text){letters + i, 1});
        if (!ps_sequence_process(sequence, i + 1, failure)) {
            return false;
        }
    }
    return true;
}

static void check(fixture *f, const char *letters, const char *expected)
{
    ps_failure failure = {0};
    f->used = 0;
    f->out[0] = 0;
    ps_sequence *sequence = start(f, &failure);
    assert_non_null(sequence);
    assert_true(feed(sequence, letters, &failure));
    assert_string_equal(f->out, expected);
    ps_sequence_free(sequence);
}

static void a_pattern_is_matched_row_by_row_and_can_be_used_again(void **state)
{
    (void)state;
    fixture f = {.pattern = ps_pattern_new()};
    assert_int_equal(ps_pattern_begin(f.pattern, "a"), 0);
    ps_pattern_where(f.pattern, is_letter, "a");
    assert_int_equal(ps_pattern_followed_by(f.pattern, "b"), 1);
    ps_pattern_where(f.pattern, is_letter, "b");
    ps_pattern_or(f.pattern, is_letter, "c");
    ps_pattern_within(f.pattern, 3);
    check(&f, "axb", "match 0@1 2@3;");
    check(&f, "aac", "match 0@1 2@3;match 1@2 2@3;");
    check(&f, "a   b", "over 4 0@1;");
    ps_pattern_free(f.pattern);
}

static bool is_third(void *user, const ps_row *row, const ps_matched *before)
{
    (void)row;
    const ps_row *last = ps_matched_last(before, 0, 0);
    return ps_matched_count(before, *(const uint32_t *)user) == 2 &&
           ps_row_i64(last, 0) < ps_row_i64(row, 0);
}

static void conditions_see_what_was_matched_before(void **state)
{
    (void)state;
    fixture f = {.pattern = ps_pattern_new()};
    uint32_t a = ps_pattern_begin(f.pattern, "a");
    ps_pattern_where(f.pattern, is_letter, "a");
    ps_pattern_one_or_more(f.pattern);
    ps_pattern_next(f.pattern, "b");
    ps_pattern_where_matched(f.pattern, is_third, &a);
    check(&f, "aab", "match 0@1 1@2 2@3;");
    check(&f, "ab", "");
    ps_pattern_free(f.pattern);
}

static void a_group_repeats_as_a_whole(void **state)
{
    (void)state;
    fixture f = {.pattern = ps_pattern_new()};
    ps_pattern_begin_group(f.pattern);
    ps_pattern_begin(f.pattern, "a");
    ps_pattern_where(f.pattern, is_letter, "a");
    assert_int_equal(ps_pattern_next(f.pattern, "b"), 1);
    ps_pattern_where(f.pattern, is_letter, "b");
    ps_pattern_end_group(f.pattern);
    ps_pattern_times(f.pattern, 2);
    ps_pattern_consecutive(f.pattern);
    assert_int_equal(ps_pattern_next(f.pattern, "c"), 2);
    ps_pattern_where(f.pattern, is_letter, "c");
    check(&f, "ababc", "match 0@1 1@2 2@3 3@4 4@5;");
    check(&f, "abxabc", "");
    ps_pattern_free(f.pattern);
}

static void what_cannot_be_built_is_told_by_who_uses_it(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        static const char *const expected[] = {
            "begins with begin",
            "begins once",
            "a stage has one quantifier",
            "consecutive is only for a stage that repeats",
            "no group is open",
            "a group is not ended",
            "within: the time must be positive",
            "times: there is no stage yet",
            "optional stage cannot directly follow a greedy one",
        };
        fixture f = {.pattern = ps_pattern_new()};
        ps_pattern *p = f.pattern;
        if (i > 0 && i != 7) {
            ps_pattern_begin(p, "a");
        }
        switch (i) {
        case 0:
            ps_pattern_next(p, "a");
            break;
        case 1:
            ps_pattern_begin(p, "b");
            break;
        case 2:
            ps_pattern_times(p, 2);
            ps_pattern_one_or_more(p);
            break;
        case 3:
            ps_pattern_consecutive(p);
            break;
        case 4:
            ps_pattern_end_group(p);
            break;
        case 5:
            ps_pattern_next_group(p);
            break;
        case 6:
            ps_pattern_within(p, 0);
            break;
        case 7:
            ps_pattern_times(p, 2);
            break;
        default:
            ps_pattern_one_or_more(p);
            ps_pattern_greedy(p);
            ps_pattern_next(p, "b");
            ps_pattern_times_range(p, 0, 2);
            break;
        }
        ps_failure failure = {0};
        assert_null(start(&f, &failure));
        if (strstr(failure.text, expected[i]) == NULL) {
            fail_msg("expected \"%s\", got \"%s\"", expected[i], failure.text);
        }
        ps_pattern_free(p);
    }
}

static void a_used_pattern_cannot_be_changed(void **state)
{
    (void)state;
    fixture f = {.pattern = ps_pattern_new()};
    ps_pattern_begin(f.pattern, "a");
    check(&f, "a", "match 0@1;");
    ps_pattern_next(f.pattern, "b");
    ps_failure failure = {0};
    assert_null(start(&f, &failure));
    assert_non_null(strstr(failure.text, "cannot be changed"));
    ps_pattern_free(f.pattern);
}

static void hostile_patterns_end_at_their_limits(void **state)
{
    (void)state;
    fixture f = {.pattern = ps_pattern_new()};
    ps_pattern_begin(f.pattern, "a");
    ps_pattern_one_or_more(f.pattern);
    ps_pattern_allow_combinations(f.pattern);
    ps_pattern_next(f.pattern, "b");
    ps_pattern_where(f.pattern, is_letter, "b");
    ps_pattern_limits(f.pattern, 1000, 0, false);
    ps_failure failure = {0};
    ps_sequence *sequence = start(&f, &failure);
    assert_non_null(sequence);
    assert_false(feed(sequence, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", &failure));
    assert_int_equal(failure.kind, PS_FAILURE_LIMIT);
    assert_non_null(strstr(failure.text, "more than 1000 partial matches"));
    assert_false(feed(sequence, "a", &failure)); /* it stays failed */
    ps_sequence_free(sequence);
    ps_pattern_free(f.pattern);
}

static void the_automaton_can_be_printed(void **state)
{
    (void)state;
    ps_pattern *p = ps_pattern_new();
    ps_pattern_begin(p, "a");
    ps_pattern_where(p, is_letter, "a");
    char text[2000];
    size_t length = ps_pattern_print(p, false, text, sizeof text);
    assert_string_equal(text, "pattern: every match\n  begin a: a function\nstates: 2\n"
                              "  a 1, start\n    take if a -> end\n  end\n");
    char little[5];
    assert_int_equal(ps_pattern_print(p, false, little, sizeof little), length);
    assert_string_equal(little, "patt");
    assert_true(ps_pattern_print(p, true, text, sizeof text) > 0);
    assert_non_null(strstr(text, "digraph"));
    ps_pattern_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_matched_row_by_row_and_can_be_used_again),
        cmocka_unit_test(conditions_see_what_was_matched_before),
        cmocka_unit_test(a_group_repeats_as_a_whole),
        cmocka_unit_test(what_cannot_be_built_is_told_by_who_uses_it),
        cmocka_unit_test(a_used_pattern_cannot_be_changed),
        cmocka_unit_test(hostile_patterns_end_at_their_limits),
        cmocka_unit_test(the_automaton_can_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
