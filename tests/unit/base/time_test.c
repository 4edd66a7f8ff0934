#include "testing.h"

#include <stdio.h>

#include "base/time.h"

static void assert_formats_as(int64_t time_ns, const char *expected)
{
    char text[PS_TIME_CHARS + 1] = {0};
    ps_time_format(time_ns, text);
    assert_string_equal(text, expected);
}

static void times_format_to_milliseconds_towards_the_past(void **state)
{
    (void)state;
    static const struct {
        int64_t time_ns;
        const char *text;
    } table[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {999999, "1970-01-01T00:00:00.000Z"},
        {1000000, "1970-01-01T00:00:00.001Z"},
        {INT64_C(951782400000000000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(1769903999123000000), "2026-01-31T23:59:59.123Z"},
        {INT64_C(1798761599999999999), "2026-12-31T23:59:59.999Z"},
        {INT64_C(1798761600000000000), "2027-01-01T00:00:00.000Z"},
        {INT64_C(4107542400000000000), "2100-03-01T00:00:00.000Z"},
        {INT64_C(4107456000000000000), "2100-02-28T00:00:00.000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145Z"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_formats_as(table[i].time_ns, table[i].text);
    }
    ps_buf buf;
    ps_buf_init(&buf, 100);
    ps_buf_append_time(&buf, 0);
    assert_true(ps_slice_equal(ps_buf_slice(&buf), PS_SLICE("1970-01-01T00:00:00.000Z")));
    ps_buf_release(&buf);
}

static void times_parse_as_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time_ns;
    } table[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", 500000000},
        {"1970-01-01T00:00:00.123456789Z", 123456789},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000000)},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
        {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t time_ns = 42;
        if (!ps_time_parse(ps_slice_text(table[i].text), &time_ns) || time_ns != table[i].time_ns) {
            fail_msg("%s", table[i].text);
        }
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "1970",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-01-01T00:00:00Z ",
        " 1970-01-01T00:00:00Z",
        "1970-1-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2024-02-31T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "2016-12-31T23:59:60Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567891Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+01",
        "1970-01-01T00:00:00ZZ",
        "2262-04-11T23:47:16.854775808Z",
        "1677-09-21T00:12:43.145224191Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int64_t time_ns = 42;
        if (ps_time_parse(ps_slice_text(refused[i]), &time_ns)) {
            fail_msg("%s", refused[i]);
        }
        assert_true(time_ns == 42);
    }
}

/* Every day that int64_t holds, at its first and last millisecond: year ends and leap days with it.
 * The days must follow one another as a calendar kept by counting says. */
static void every_day_goes_there_and_back(void **state)
{
    (void)state;
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const int64_t day_ns = 86400 * PS_NS_PER_S;
    int year = 1678;
    int month = 1;
    int day = 1;
    for (int64_t days = -106650; days <= 106750; days++) {
        char expected[64];
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
        char text[PS_TIME_CHARS];
        int64_t back;
        ps_time_format(days * day_ns, text);
        if (memcmp(text, expected, sizeof text) != 0) {
            fail_msg("day %lld is not %s", (long long)days, expected);
        }
        assert_true(ps_time_parse(ps_slice_of(text, sizeof text), &back));
        assert_true(back == days * day_ns);
        ps_time_format((days + 1) * day_ns - 1, text);
        assert_memory_equal(text, expected, 10);
        assert_memory_equal(text + 10, "T23:59:59.999Z", 14);
        assert_true(ps_time_parse(ps_slice_of(text, sizeof text), &back));
        assert_true(back == (days + 1) * day_ns - PS_NS_PER_MS);

        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (++day > lengths[month - 1] + (month == 2 && leap)) {
            day = 1;
            month++;
        }
        if (month > 12) {
            month = 1;
            year++;
        }
    }
}

static void random_times_go_there_and_back(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 100000; i++) {
        int64_t time_ns = (int64_t)test_next(&seed);
        int64_t time_ms_ns = time_ns - ((time_ns % PS_NS_PER_MS) + PS_NS_PER_MS) % PS_NS_PER_MS;
        char text[PS_TIME_CHARS];
        int64_t back;
        ps_time_format(time_ns, text);
        assert_true(ps_time_parse(ps_slice_of(text, sizeof text), &back));
        assert_true(back == time_ms_ns);
    }
}

static void durations_are_whole_numbers_with_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns; /* 0: refused */
    } table[] = {
        {"10s", INT64_C(10000000000)},
        {"500ms", 500000000},
        {"2m", INT64_C(120000000000)},
        {"1h", INT64_C(3600000000000)},
        {"7d", INT64_C(604800000000000)},
        {"36500d", INT64_C(3153600000000000000)},
        {"36501d", 0},
        {"876000h", INT64_C(3153600000000000000)},
        {"876001h", 0},
        {"9223372036854775807ms", 0},
        {"0s", 0},
        {"-1s", 0},
        {"01s", 0},
        {"1", 0},
        {"s", 0},
        {"", 0},
        {"1 s", 0},
        {"1.5s", 0},
        {"1S", 0},
        {"1sec", 0},
        {"1us", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t ns = 42;
        bool ok = ps_duration_parse(ps_slice_text(table[i].text), &ns);
        if (ok != (table[i].ns != 0) || ns != (ok ? table[i].ns : 42)) {
            fail_msg("%s", table[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_format_to_milliseconds_towards_the_past),
        cmocka_unit_test(times_parse_as_rfc_3339),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(every_day_goes_there_and_back),
        cmocka_unit_test(random_times_go_there_and_back),
        cmocka_unit_test(durations_are_whole_numbers_with_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
