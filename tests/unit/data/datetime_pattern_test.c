/* Patterns of Java's DateTimeFormatter. */
#include "../base/testing.h"

#include "data/datetime.h"

static ps_buf out;
static ps_arena arena;

static int setup(void **state)
{
    (void)state;
    ps_buf_init(&out, 1 << 16);
    ps_arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_buf_release(&out);
    ps_arena_release(&arena);
    return 0;
}

static const ps_datetime_pattern *compiled(const char *text)
{
    const ps_datetime_pattern *pattern = NULL;
    ps_error err;
    ps_code code = ps_datetime_pattern_compile(&arena, ps_slice_text(text), &pattern, &err);
    if (code != PS_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    return pattern;
}

static void civil_of(const char *text, ps_civil *civil)
{
    int64_t ticks;
    assert_true(ps_timestamp_parse(ps_slice_text(text), 1000000000, &ticks));
    ps_civil_from_ticks(ticks, 1000000000, civil);
}

static void patterns_print_as_in_java(void **state)
{
    (void)state;
    static const struct {
        const char *time, *pattern, *expected;
    } table[] = {
        {"2026-03-01 10:11:12.345", "yyyy-MM-dd", "2026-03-01"},
        {"2026-03-01 00:11:12.345", "yyyy/MM/dd HH:mm:ss.SSS", "2026/03/01 00:11:12.345"},
        {"2026-03-01 13:11:12", "hh:mm a", "01:11 PM"},
        {"2026-03-01 13:11:12", "EEE, d MMM yyyy", "Sun, 1 Mar 2026"},
        {"2026-01-31 10:11:12.345", "E u D", "Sat 2026 31"},
        {"1969-12-31 23:59:59.5", "yyMMdd", "691231"},
        {"2026-03-01 00:00:00", "h K k H", "12 0 24 0"},
        {"2026-03-01 12:00:00", "h K k H a", "12 0 12 12 PM"},
        {"2026-03-01 12:00:00", "EEEE MMMM EEEEE MMMMM", "Sunday March S M"},
        {"2026-12-31 12:00:00", "DDD Q QQ LL", "365 4 04 12"},
        {"2026-12-31 01:02:03.000000004", "n A SSSSSSSSS S", "4 3723000 000000004 0"},
        {"2026-03-01 00:00:00", "yyyyyy y uuu", "002026 2026 2026"},
        {"2026-03-01 10:11:12", "yyyy-MM-dd'T'HH:mm:ss'Z'", "2026-03-01T10:11:12Z"},
        {"2026-03-01 10:11:12", "HH 'o''clock' ''mm''", "10 o'clock '11'"},
        {"2026-03-01 10:11:12", "", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_civil civil;
        civil_of(table[i].time, &civil);
        ps_buf_clear(&out);
        ps_datetime_pattern_print(compiled(table[i].pattern), &civil, &out);
        ps_buf_append_char(&out, '\0');
        assert_string_equal(out.data, table[i].expected);
    }
}

static void years_before_the_first_print_in_their_era_or_with_a_sign(void **state)
{
    (void)state;
    ps_civil civil = {.year = -5, .month = 3, .day = 1};
    ps_buf_clear(&out);
    ps_datetime_pattern_print(compiled("yyyy|uuuu|yy|uu|y|u"), &civil, &out);
    assert_true(ps_slice_equal(ps_buf_slice(&out), PS_SLICE("0006|-0005|06|05|6|-5")));
    civil.year = 12345;
    ps_buf_clear(&out);
    ps_datetime_pattern_print(compiled("yyyy|uuuu|yy|uu|y|u|yyyyy"), &civil, &out);
    assert_true(
        ps_slice_equal(ps_buf_slice(&out), PS_SLICE("+12345|+12345|45|45|12345|12345|12345")));
}

static void texts_are_read_by_patterns_as_in_java(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *expected; /* NULL: refused */
    } table[] = {
        {"dd/MM/yyyy HH:mm", "01/03/2026 10:11", "2026-03-01 10:11:00.000000000"},
        {"yyyyMMdd", "20260301", "2026-03-01 00:00:00.000000000"},
        {"yyyyMMddHHmmssSSSSSSSSS", "20260301101112345000000", "2026-03-01 10:11:12.345000000"},
        {"yyyyMMddHHmmssSSS", "20260301101112345", "2026-03-01 10:11:12.345000000"},
        {"dd.MM.yyyy", "01.01.2026", "2026-01-01 00:00:00.000000000"},
        {"yyyy-MM-dd'T'HH:mm:ss'Z'", "2026-03-01T10:11:12Z", "2026-03-01 10:11:12.000000000"},
        {"yyyy-MM-dd", "2026-02-30", "2026-02-28 00:00:00.000000000"},
        {"yyyy-MM-dd", "2026-02-32", NULL},
        {"yyyy-MM-dd", "2026-2-3", NULL},
        {"y-M-d", "2026-2-3", "2026-02-03 00:00:00.000000000"},
        {"yy-MM-dd", "26-02-03", "2026-02-03 00:00:00.000000000"},
        {"yyyy-MM-dd", "12026-02-03", NULL},
        {"yyyy-MM-dd", "2026-02-03 ", NULL},
        {"yyyy-MM-dd", "2026-02", NULL},
        {"yyyy-MM-dd", "", NULL},
        {"HH:mm", "10:11", "1970-01-01 10:11:00.000000000"},
        {"HH:mm", "24:00", "1970-01-01 00:00:00.000000000"},
        {"yyyy-MM-dd HH:mm", "2026-12-31 24:00", "2027-01-01 00:00:00.000000000"},
        {"HH:mm", "24:01", NULL},
        {"HH:mm", "25:00", NULL},
        {"M-d", "2-30", NULL},
        {"d", "31", "1970-01-31 00:00:00.000000000"},
        {"y-M-d", "+2026-2-3", NULL},
        {"y-M-d", "0-2-3", NULL},
        {"yyyy-MM-dd", "-2026-02-03", NULL},
        {"yyyy-MM-dd", "+2026-02-03", NULL},
        {"uuuuu", "+12345", NULL},
        {"uuuu", "+02200", "2200-01-01 00:00:00.000000000"},
        {"uuuu", "2200", "2200-01-01 00:00:00.000000000"},
        {"DD yyyy", "160 2026", "2026-06-09 00:00:00.000000000"},
        {"Q yyyy-MM-dd", "2 2026-03-01", NULL},
        {"yyyy-MM-dd D", "2026-03-01 61", NULL},
        {"HH HH", "10 11", NULL},
        {"HH HH", "10 10", "1970-01-01 10:00:00.000000000"},
        {"yyyyMd", "2026111", NULL},
        {"kk:mm", "24:05", "1970-01-01 00:05:00.000000000"},
        {"hh:mm a", "01:11 PM", "1970-01-01 13:11:00.000000000"},
        {"hh:mm a", "12:11 AM", "1970-01-01 00:11:00.000000000"},
        {"hh:mm a", "13:11 PM", NULL},
        {"hh:mm a", "01:11 pm", NULL},
        {"hh:mm", "01:11", "1970-01-01 00:11:00.000000000"},
        {"d MMM yyyy", "1 Mar 2026", "2026-03-01 00:00:00.000000000"},
        {"d MMMM yyyy", "31 December 2026", "2026-12-31 00:00:00.000000000"},
        {"EEE, d MMM yyyy", "Sun, 1 Mar 2026", "2026-03-01 00:00:00.000000000"},
        {"EEE, d MMM yyyy", "Mon, 1 Mar 2026", NULL},
        {"yyyy-DDD", "2024-366", "2024-12-31 00:00:00.000000000"},
        {"yyyy-DDD", "2026-366", NULL},
        {"ss.SSS", "12.345", "1970-01-01 00:00:12.345000000"},
        {"ss.SSS", "12.34", NULL},
        {"yyyy", "2026", "2026-01-01 00:00:00.000000000"},
        {"MM", "13", NULL},
        {"MM", "00", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_civil civil = {0};
        bool taken = ps_datetime_pattern_parse(compiled(table[i].pattern),
                                               ps_slice_text(table[i].text), &civil);
        if (taken != (table[i].expected != NULL)) {
            fail_msg("'%s' by %s was %s", table[i].text, table[i].pattern,
                     taken ? "taken" : "refused");
        }
        if (taken) {
            ps_buf_clear(&out);
            ps_timestamp_print(ps_ticks_from_civil(&civil, 1000000000), 1000000000, 9, ' ', &out);
            ps_buf_append_char(&out, '\0');
            assert_string_equal(out.data, table[i].expected);
        }
    }
}

static void what_a_pattern_prints_it_reads(void **state)
{
    (void)state;
    static const char *const patterns[] = {"yyyy-MM-dd HH:mm:ss.SSSSSSSSS",
                                           "uuuuMMddHHmmssSSSSSSSSS", "d MMMM y kk:mm:ss n",
                                           "EEEE, dd/MM/yyyy hh:mm:ss a SSSSSSSSS", "yyyy DDD A n"};
    uint64_t seed = 2;
    for (int i = 0; i < 5000; i++) {
        int64_t ticks = (int64_t)test_draw(&seed, 9000000000000000000);
        const ps_datetime_pattern *pattern = compiled(patterns[i % 5]);
        ps_civil civil, back;
        ps_civil_from_ticks(ticks, 1000000000, &civil);
        ps_buf_clear(&out);
        ps_datetime_pattern_print(pattern, &civil, &out);
        assert_true(ps_datetime_pattern_parse(pattern, ps_buf_slice(&out), &back));
        assert_true(ps_ticks_from_civil(&back, 1000000000) == ticks);
        ps_arena_reset(&arena);
    }
}

static void malformed_patterns_are_refused_with_the_letter(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        ps_code code;
        const char *part;
    } table[] = {
        {"yyyy-jj", PS_E_INVALID, "j is not"},     {"yyyy-MM-dd VV", PS_E_UNSUPPORTED, "letter V"},
        {"ddd", PS_E_INVALID, "letters d"},        {"HHH", PS_E_INVALID, "letters H"},
        {"SSSSSSSSSS", PS_E_INVALID, "letters S"}, {"'open", PS_E_INVALID, "quote"},
        {"yyyy[-MM]", PS_E_UNSUPPORTED, "[ ]"},    {"{", PS_E_INVALID, "{"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const ps_datetime_pattern *pattern;
        ps_error err;
        assert_int_equal(
            ps_datetime_pattern_compile(&arena, ps_slice_text(table[i].pattern), &pattern, &err),
            table[i].code);
        assert_non_null(strstr(err.text, table[i].part));
    }
    char open_quotes[200];
    memset(open_quotes, '\'', sizeof open_quotes);
    for (size_t size = 0; size < sizeof open_quotes; size++) {
        const ps_datetime_pattern *pattern;
        ps_error err;
        ps_code code =
            ps_datetime_pattern_compile(&arena, (ps_slice){open_quotes, size}, &pattern, &err);
        assert_int_equal(code == PS_OK, size % 2 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_print_as_in_java),
        cmocka_unit_test(years_before_the_first_print_in_their_era_or_with_a_sign),
        cmocka_unit_test(texts_are_read_by_patterns_as_in_java),
        cmocka_unit_test(what_a_pattern_prints_it_reads),
        cmocka_unit_test(malformed_patterns_are_refused_with_the_letter),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
