/* The calendar, and dates and times as text. */
#include "../base/testing.h"

#include "data/datetime.h"

static ps_buf out;

static int setup(void **state)
{
    (void)state;
    ps_buf_init(&out, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_buf_release(&out);
    return 0;
}

static const char *printed(void)
{
    ps_buf_append_char(&out, '\0');
    assert_false(out.failed);
    return out.data;
}

static const char *date_text(int64_t days)
{
    ps_buf_clear(&out);
    ps_date_print(days, &out);
    return printed();
}

static const char *timestamp_text(int64_t ticks, int64_t ticks_per_second, int precision)
{
    ps_buf_clear(&out);
    ps_timestamp_print(ticks, ticks_per_second, precision, ' ', &out);
    return printed();
}

/* Counts every day on from −9999-01-01 by the rules of the calendar. */
static void every_day_of_20000_years_follows_the_day_before(void **state)
{
    (void)state;
    int64_t days = ps_days_from_civil(-9999, 1, 1);
    for (int64_t year = -9999; year <= 9999; year++) {
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int last = month == 2                                              ? 28 + is_leap
                       : month == 4 || month == 6 || month == 9 || month == 11 ? 30
                                                                               : 31;
            assert_int_equal(ps_days_in_month(year, month), last);
            for (int day = 1; day <= last; day++, days++) {
                ps_civil civil;
                ps_civil_from_days(days, &civil);
                if (civil.year != year || civil.month != month || civil.day != day ||
                    ps_days_from_civil(year, month, day) != days) {
                    fail_msg("%d-%d-%d", (int)year, month, day);
                }
            }
        }
    }
    assert_int_equal(ps_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(ps_days_from_civil(2000, 2, 29), 11016);
}

static void ticks_and_their_parts_are_each_other_s_inverse(void **state)
{
    (void)state;
    static const int64_t units[] = {1, 1000, 1000000, 1000000000};
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        int64_t unit = units[test_draw(&seed, 4)];
        int64_t ticks = (int64_t)test_next(&seed) >> (unit < 1000000 ? 16 : 1);
        ps_civil civil;
        ps_civil_from_ticks(ticks, unit, &civil);
        assert_in_range(civil.hour, 0, 23);
        assert_in_range(civil.nanosecond, 0, 999999999);
        assert_true(ps_ticks_from_civil(&civil, unit) == ticks);
    }
}

static void weeks_and_days_of_the_week_are_those_of_the_calendar(void **state)
{
    (void)state;
    static const struct {
        const char *date;
        int week, day;
    } table[] = {
        {"2026-01-31", 5, 7},  {"2021-01-03", 53, 1}, {"2021-01-04", 1, 2},
        {"2020-12-31", 53, 5}, {"2024-12-30", 1, 2},  {"1970-01-01", 1, 5},
        {"1969-12-28", 52, 1}, {"2026-12-31", 53, 5}, {"0001-01-01", 1, 2},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t days;
        assert_true(ps_date_parse(ps_slice_text(table[i].date), &days));
        assert_int_equal(ps_iso_week(days), table[i].week);
        assert_int_equal(ps_day_of_week(days), table[i].day);
    }
}

static void months_are_added_with_the_day_cut_to_the_last_of_the_month(void **state)
{
    (void)state;
    static const struct {
        const char *date;
        int months;
        const char *expected;
    } table[] = {
        {"2024-01-31", 1, "2024-02-29"},   {"2026-01-31", 1, "2026-02-28"},
        {"2028-02-29", 12, "2029-02-28"},  {"2028-02-29", -12, "2027-02-28"},
        {"2026-01-15", -1, "2025-12-15"},  {"2026-12-31", 2, "2027-02-28"},
        {"2026-03-31", -13, "2025-02-28"}, {"0001-01-31", -1, "0000-12-31"},
        {"2026-05-31", 0, "2026-05-31"},   {"2026-01-31", 1200, "2126-01-31"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t days;
        assert_true(ps_date_parse(ps_slice_text(table[i].date), &days));
        assert_string_equal(date_text(ps_days_add_months(days, table[i].months)),
                            table[i].expected);
    }
}

static void dates_are_read_as_flink_s_cast_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected; /* NULL: refused */
    } table[] = {
        {"2026-01-05", "2026-01-05"},
        {"2026-1-5", "2026-01-05"},
        {" 2026-01-05 ", "2026-01-05"},
        {"2026-01-05 10:11:12.345678", "2026-01-05"},
        {"42", "0042-01-01"},
        {"2026-03", "2026-03-01"},
        {"2024-02-29", "2024-02-29"},
        {"2026-02-29", NULL},
        {"2026-02-30", NULL},
        {"2026-00-01", NULL},
        {"2026-13-01", NULL},
        {"2026-01-00", NULL},
        {"2026-01-05T10:11:12", NULL},
        {"2026-", NULL},
        {"2026-01-", NULL},
        {"2026-01-05x", NULL},
        {"-0", NULL},
        {"+5", NULL},
        {"1e3", NULL},
        {"7.256", NULL},
        {"99999999999", NULL},
        {"12026-01-01", NULL},
        {"true", NULL},
        {"", NULL},
        {" ", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t days = 7;
        bool taken = ps_date_parse(ps_slice_text(table[i].text), &days);
        if (taken != (table[i].expected != NULL)) {
            fail_msg("'%s' was %s", table[i].text, taken ? "taken" : "refused");
        }
        if (taken) {
            assert_string_equal(date_text(days), table[i].expected);
        }
    }
    int64_t days;
    assert_false(ps_date_parse((ps_slice){NULL, 0}, &days));
}

static void timestamps_are_read_to_the_tick(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected; /* with nine digits */
    } table[] = {
        {"2026-01-05", "2026-01-05 00:00:00.000000000"},
        {"2026-01-05 10:11:12.345678", "2026-01-05 10:11:12.345678000"},
        {"2026-01-05T10:11:12.345678901", "2026-01-05 10:11:12.345678901"},
        {"2026-1-5 1:2:3.4", "2026-01-05 01:02:03.400000000"},
        {"2026-01-05 10:11", "2026-01-05 10:11:00.000000000"},
        {"  2026-01-05 10:11\t", "2026-01-05 10:11:00.000000000"},
        {"2026-02-30 00:00:00", "2026-02-28 00:00:00.000000000"},
        {"2024-02-31", "2024-02-29 00:00:00.000000000"},
        {"1969-12-31 23:59:59.999999999", "1969-12-31 23:59:59.999999999"},
        {"2026-02-32", NULL},
        {"2026-01-05 24:00:00", NULL},
        {"2026-01-05 23:60:00", NULL},
        {"2026-01-05 23:00:60", NULL},
        {"2026-01-05 10", NULL},
        {"2026-01-05 10:11:", NULL},
        {"2026-01-05 10:11:12.", NULL},
        {"2026-01-05 10:11:12.1234567890", NULL},
        {"2026-01-05 10:11:12Z", NULL},
        {"2026-01-05  10:11:12", NULL},
        {"2026-01", NULL},
        {"42", NULL},
        {"26-01-05", NULL},
        {"9999-12-31", NULL}, /* nanoseconds do not reach so far */
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t ticks;
        bool taken = ps_timestamp_parse(ps_slice_text(table[i].text), 1000000000, &ticks);
        if (taken != (table[i].expected != NULL)) {
            fail_msg("'%s' was %s", table[i].text, taken ? "taken" : "refused");
        }
        if (taken) {
            assert_string_equal(timestamp_text(ticks, 1000000000, 9), table[i].expected);
        }
    }
    int64_t ticks;
    assert_true(ps_timestamp_parse(PS_SLICE("2026-01-05 10:11:12.345678"), 1000, &ticks));
    assert_string_equal(timestamp_text(ticks, 1000, 3), "2026-01-05 10:11:12.345");
    assert_string_equal(timestamp_text(ticks, 1000, 0), "2026-01-05 10:11:12");
    assert_true(ps_timestamp_parse(PS_SLICE("9999-12-31 23:59:59.999999"), 1000000, &ticks));
    assert_string_equal(timestamp_text(ticks, 1000000, 6), "9999-12-31 23:59:59.999999");
}

static void times_are_read_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int precision;
        const char *expected;
    } table[] = {
        {"10:11:12", 0, "10:11:12"},
        {"10:11:12.345", 3, "10:11:12.345"},
        {"10:11:12.345678", 6, "10:11:12.345000"}, /* milliseconds are kept */
        {"9:5", 0, "09:05:00"},
        {"23:59:59.999", 1, "23:59:59.9"},
        {" 00:00:00 ", 0, "00:00:00"},
        {"24:00:00", 0, NULL},
        {"10", 0, NULL},
        {"10:", 0, NULL},
        {"10:11:12 PM", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t ms;
        bool taken = ps_time_of_day_parse(ps_slice_text(table[i].text), &ms);
        assert_int_equal(taken, table[i].expected != NULL);
        if (taken) {
            ps_buf_clear(&out);
            ps_time_print(ms, table[i].precision, &out);
            assert_string_equal(printed(), table[i].expected);
        }
    }
}

static void years_outside_of_four_digits_print_whole(void **state)
{
    (void)state;
    assert_string_equal(date_text(ps_days_from_civil(-5, 3, 1)), "-0005-03-01");
    assert_string_equal(date_text(ps_days_from_civil(0, 12, 31)), "0000-12-31");
    assert_string_equal(date_text(ps_days_from_civil(12345, 1, 2)), "12345-01-02");
    assert_string_equal(timestamp_text(INT64_MIN, 1000, 3), "-292275055-05-16 16:47:04.192");
    date_text(INT64_MAX); /* no crash */
    date_text(INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_20000_years_follows_the_day_before),
        cmocka_unit_test(ticks_and_their_parts_are_each_other_s_inverse),
        cmocka_unit_test(weeks_and_days_of_the_week_are_those_of_the_calendar),
        cmocka_unit_test(months_are_added_with_the_day_cut_to_the_last_of_the_month),
        cmocka_unit_test(dates_are_read_as_flink_s_cast_reads_them),
        cmocka_unit_test(timestamps_are_read_to_the_tick),
        cmocka_unit_test(times_are_read_and_printed),
        cmocka_unit_test(years_outside_of_four_digits_print_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
