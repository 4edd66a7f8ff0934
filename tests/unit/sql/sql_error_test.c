/* The printed form of errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sql/sql_error.h"

static void assert_formats(ps_slice script, ps_sql_span at, const char *hint, const char *expected)
{
    ps_buf out;
    ps_sql_error err;
    ps_buf_init(&out, 1 << 16);
    assert_int_equal(ps_sql_error_set(&err, PS_E_INVALID, at, "no %s", "luck"), PS_E_INVALID);
    if (hint != NULL) {
        assert_int_equal(ps_sql_error_hint(&err, "%s", hint), PS_E_INVALID);
    }
    ps_sql_error_format(&err, "error", "job.sql", script, &out);
    ps_buf_append_char(&out, 0);
    assert_string_equal(out.data, expected);
    ps_buf_release(&out);
}

static void an_error_shows_its_line_with_a_caret(void **state)
{
    (void)state;
    assert_formats(PS_SLICE("SELECT a\nFROM tt WHERE\n"), (ps_sql_span){14, 16, 2, 6}, "try t",
                   "job.sql:2:6: error: no luck\nFROM tt WHERE\n     ^~\nhint: try t\n");
}

static void columns_and_carets_count_characters(void **state)
{
    (void)state;
    assert_formats(PS_SLICE("SELECT 'ää' x"), (ps_sql_span){14, 15, 1, 13}, NULL,
                   "job.sql:1:13: error: no luck\nSELECT 'ää' x\n            ^\n");
}

static void control_characters_are_shown_as_blanks(void **state)
{
    (void)state;
    assert_formats(PS_SLICE("a\tb\x1b[1m"), (ps_sql_span){2, 3, 1, 3}, NULL,
                   "job.sql:1:3: error: no luck\na b [1m\n  ^\n");
}

static void an_error_at_the_end_points_behind_the_text(void **state)
{
    (void)state;
    assert_formats(PS_SLICE("SELECT"), (ps_sql_span){6, 6, 1, 7}, NULL,
                   "job.sql:1:7: error: no luck\nSELECT\n      ^\n");
}

static void without_a_place_or_a_text_only_the_sentence_is_shown(void **state)
{
    (void)state;
    assert_formats(PS_SLICE("SELECT"), (ps_sql_span){0}, NULL, "job.sql: error: no luck\n");
    assert_formats((ps_slice){0}, (ps_sql_span){0, 1, 1, 1}, NULL, "job.sql:1:1: error: no luck\n");
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char text[3 * PS_SQL_ERROR_TEXT_MAX + 1];
    for (size_t i = 0; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "ä", 2);
    }
    text[sizeof text - 1] = 0;
    ps_sql_error err;
    (void)ps_sql_error_set(&err, PS_E_INVALID, (ps_sql_span){0}, "x%s\nb", text);
    assert_true(ps_utf8_is_valid(ps_slice_text(err.text)));
    assert_true(strlen(err.text) > PS_SQL_ERROR_TEXT_MAX - 4);
}

static void long_lines_are_shown_around_the_place(void **state)
{
    (void)state;
    char line[4000];
    ps_buf out;
    ps_sql_error err;
    memset(line, 'x', sizeof line);
    ps_buf_init(&out, 1 << 16);
    (void)ps_sql_error_set(&err, PS_E_INVALID, (ps_sql_span){2000, 2001, 1, 2001}, "no");
    ps_sql_error_format(&err, "error", "f", ps_slice_of(line, sizeof line), &out);
    assert_true(out.size < 400);
    ps_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_shows_its_line_with_a_caret),
        cmocka_unit_test(columns_and_carets_count_characters),
        cmocka_unit_test(control_characters_are_shown_as_blanks),
        cmocka_unit_test(an_error_at_the_end_points_behind_the_text),
        cmocka_unit_test(without_a_place_or_a_text_only_the_sentence_is_shown),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(long_lines_are_shown_around_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
