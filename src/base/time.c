#include "base/time.h"

/* ── calendar ── */

typedef struct {
    int64_t year;
    int month; /* 1 … 12 */
    int day;   /* 1 … 31 */
} civil_date;

enum {
    DAYS_PER_ERA = 146097, /* 400 years */
    DAYS_TO_EPOCH = 719468 /* from 0000-03-01 to 1970-01-01 */
};

/* Hinnant's days_from_civil: the year starts on 1 March, so that the leap day is its last. */
static int64_t days_of_date(civil_date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

/* Hinnant's civil_from_days. */
static civil_date date_of_days(int64_t days)
{
    days += DAYS_TO_EPOCH;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    civil_date date;
    date.day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    date.month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* ── text ── */

static void put_digits(char *out, int width, int64_t value)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void ps_time_format(int64_t time_ns, char out[PS_TIME_CHARS])
{
    static const int64_t ms_per_day = 86400000;
    /* Towards the past before 1970 too, so that text order is time order. */
    int64_t time_ms = time_ns / PS_NS_PER_MS - (time_ns % PS_NS_PER_MS < 0);
    int64_t days = time_ms / ms_per_day - (time_ms % ms_per_day < 0);
    int64_t ms = time_ms - days * ms_per_day;
    civil_date date = date_of_days(days);
    memcpy(out, "0000-00-00T00:00:00.000Z", PS_TIME_CHARS);
    put_digits(out, 4, date.year);
    put_digits(out + 5, 2, date.month);
    put_digits(out + 8, 2, date.day);
    put_digits(out + 11, 2, ms / 3600000);
    put_digits(out + 14, 2, ms / 60000 % 60);
    put_digits(out + 17, 2, ms / 1000 % 60);
    put_digits(out + 20, 3, ms % 1000);
}

void ps_buf_append_time(ps_buf *buf, int64_t time_ns)
{
    char text[PS_TIME_CHARS];
    ps_time_format(time_ns, text);
    ps_buf_append(buf, text, sizeof text);
}

/* Reads exactly `width` digits at *at and moves on. */
static bool take_digits(ps_slice text, size_t *at, size_t width, int *out_value)
{
    if (text.size - *at < width) {
        return false;
    }
    int value = 0;
    for (size_t i = 0; i < width; i++) {
        char c = text.data[*at + i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *at += width;
    *out_value = value;
    return true;
}

static bool take_char(ps_slice text, size_t *at, char c)
{
    if (*at >= text.size || text.data[*at] != c) {
        return false;
    }
    *at += 1;
    return true;
}

static bool take_date(ps_slice text, size_t *at, int64_t *out_days)
{
    int year;
    int month;
    int day;
    if (!take_digits(text, at, 4, &year) || !take_char(text, at, '-') ||
        !take_digits(text, at, 2, &month) || !take_char(text, at, '-') ||
        !take_digits(text, at, 2, &day)) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *out_days = days_of_date((civil_date){year, month, day});
    return true;
}

static bool take_clock(ps_slice text, size_t *at, int64_t *out_seconds)
{
    int hour;
    int minute;
    int second;
    if (!take_digits(text, at, 2, &hour) || !take_char(text, at, ':') ||
        !take_digits(text, at, 2, &minute) || !take_char(text, at, ':') ||
        !take_digits(text, at, 2, &second)) {
        return false;
    }
    *out_seconds = hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 59;
}

/* Nothing, or a point and one to nine digits. */
static bool take_fraction(ps_slice text, size_t *at, int64_t *out_ns)
{
    int64_t ns = 0;
    if (take_char(text, at, '.')) {
        int digit;
        int digits = 0;
        while (digits < 9 && take_digits(text, at, 1, &digit)) {
            ns = ns * 10 + digit;
            digits++;
        }
        if (digits == 0) {
            return false;
        }
        for (; digits < 9; digits++) {
            ns *= 10;
        }
    }
    *out_ns = ns;
    return true;
}

static bool take_offset(ps_slice text, size_t *at, int64_t *out_seconds)
{
    if (take_char(text, at, 'Z') || take_char(text, at, 'z')) {
        *out_seconds = 0;
        return true;
    }
    bool west = take_char(text, at, '-');
    if (!west && !take_char(text, at, '+')) {
        return false;
    }
    int hour;
    int minute;
    if (!take_digits(text, at, 2, &hour) || !take_char(text, at, ':') ||
        !take_digits(text, at, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    int64_t seconds = hour * 3600 + minute * 60;
    *out_seconds = west ? -seconds : seconds;
    return true;
}

bool ps_time_parse(ps_slice text, int64_t *out_time_ns)
{
    size_t at = 0;
    int64_t days;
    int64_t clock_seconds;
    int64_t fraction_ns;
    int64_t offset_seconds;
    if (!take_date(text, &at, &days) || !(take_char(text, &at, 'T') || take_char(text, &at, 't')) ||
        !take_clock(text, &at, &clock_seconds) || !take_fraction(text, &at, &fraction_ns) ||
        !take_offset(text, &at, &offset_seconds) || at != text.size) {
        return false;
    }
    /* In 128 bits: the first second that int64_t holds begins below INT64_MIN. */
    __int128 seconds = days * 86400 + clock_seconds - offset_seconds;
    __int128 ns = seconds * PS_NS_PER_S + fraction_ns;
    if (ns < INT64_MIN || ns > INT64_MAX) {
        return false;
    }
    *out_time_ns = (int64_t)ns;
    return true;
}

bool ps_duration_parse(ps_slice text, int64_t *out_ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"ms", PS_NS_PER_MS},      {"s", PS_NS_PER_S},         {"m", 60 * PS_NS_PER_S},
        {"h", 3600 * PS_NS_PER_S}, {"d", 86400 * PS_NS_PER_S},
    };
    static const int64_t duration_max_ns = 36500 * (86400 * PS_NS_PER_S);
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    int64_t number;
    if (!ps_parse_i64(ps_slice_of(text.data, digits), &number) || number == 0) {
        return false;
    }
    ps_slice unit = ps_slice_of(text.data + digits, text.size - digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ps_slice_equal(unit, ps_slice_text(units[i].name))) {
            if (number > duration_max_ns / units[i].ns) {
                return false;
            }
            *out_ns = number * units[i].ns;
            return true;
        }
    }
    return false;
}
