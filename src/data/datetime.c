#include "data/datetime.h"

/* Hinnant, "chrono-compatible low-level date algorithms": the year starts on 1 March, so that the
 * leap day is its last. */

enum {
    DAYS_PER_ERA = 146097, /* 400 years */
    DAYS_TO_EPOCH = 719468 /* from 0000-03-01 to 1970-01-01 */
};

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t ps_days_from_civil(int64_t year, int month, int day)
{
    int64_t shifted_year = month <= 2 ? year - 1 : year;
    int64_t era = floor_divide(shifted_year, 400);
    int64_t year_of_era = shifted_year - era * 400;
    int64_t month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void ps_civil_from_days(int64_t days, ps_civil *out)
{
    int64_t shifted = days + DAYS_TO_EPOCH;
    int64_t era = floor_divide(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *out = (ps_civil){.year = year_of_era + era * 400 + (month <= 2),
                      .month = month,
                      .day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1)};
}

void ps_civil_from_ticks(int64_t ticks, int64_t ticks_per_second, ps_civil *out)
{
    int64_t seconds = floor_divide(ticks, ticks_per_second);
    int64_t fraction = ticks - seconds * ticks_per_second;
    int64_t days = floor_divide(seconds, 86400);
    int32_t second_of_day = (int32_t)(seconds - days * 86400);
    ps_civil_from_days(days, out);
    out->hour = second_of_day / 3600;
    out->minute = second_of_day / 60 % 60;
    out->second = second_of_day % 60;
    out->nanosecond = (int32_t)(fraction * (1000000000 / ticks_per_second));
}

/* False: beyond 64 bits. */
static bool checked_ticks(const ps_civil *civil, int64_t ticks_per_second, int64_t *out)
{
    int64_t days = ps_days_from_civil(civil->year, civil->month, civil->day);
    int64_t seconds = days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
    __int128 ticks =
        (__int128)seconds * ticks_per_second + civil->nanosecond / (1000000000 / ticks_per_second);
    *out = (int64_t)ticks;
    return ticks == (int64_t)ticks;
}

int64_t ps_ticks_from_civil(const ps_civil *civil, int64_t ticks_per_second)
{
    int64_t ticks;
    (void)checked_ticks(civil, ticks_per_second, &ticks);
    return ticks;
}

int ps_day_of_week(int64_t days)
{
    /* 1970-01-01 was a Thursday, the fifth day. */
    return (int)((days % 7 + 7 + 4) % 7) + 1;
}

int ps_iso_week(int64_t days)
{
    /* A week belongs to the year of its Thursday. */
    int64_t from_monday = (days % 7 + 7 + 3) % 7;
    int64_t thursday = days - from_monday + 3;
    ps_civil civil;
    ps_civil_from_days(thursday, &civil);
    return (int)((thursday - ps_days_from_civil(civil.year, 1, 1)) / 7) + 1;
}

int ps_days_in_month(int64_t year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    PS_ASSERT(month >= 1 && month <= 12);
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

int64_t ps_days_add_months(int64_t days, int64_t months)
{
    ps_civil civil;
    ps_civil_from_days(days, &civil);
    int64_t month_count = civil.year * 12 + civil.month - 1 + months;
    int64_t year = floor_divide(month_count, 12);
    int month = (int)(month_count - year * 12) + 1;
    int last = ps_days_in_month(year, month);
    return ps_days_from_civil(year, month, civil.day < last ? civil.day : last);
}

/* ── reading ── */

typedef struct {
    const char *at, *end;
} cursor;

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static cursor trimmed(ps_slice text)
{
    const char *start = text.size > 0 ? text.data : "";
    cursor c = {start, start + text.size};
    while (c.at < c.end && is_blank(*c.at)) {
        c.at++;
    }
    while (c.end > c.at && is_blank(c.end[-1])) {
        c.end--;
    }
    return c;
}

static bool take(cursor *c, char expected)
{
    if (c->at == c->end || *c->at != expected) {
        return false;
    }
    c->at++;
    return true;
}

/* digits_min … digits_max digits. */
static bool take_number(cursor *c, int digits_min, int digits_max, int32_t *out)
{
    int32_t value = 0;
    int count = 0;
    for (; count < digits_max && c->at < c->end && *c->at >= '0' && *c->at <= '9'; count++) {
        value = value * 10 + (*c->at++ - '0');
    }
    *out = value;
    return count >= digits_min;
}

/* ".f", up to nine digits, when there is one. */
static bool take_fraction(cursor *c, int32_t *out_nanosecond)
{
    *out_nanosecond = 0;
    if (!take(c, '.')) {
        return true;
    }
    const char *start = c->at;
    if (!take_number(c, 1, 9, out_nanosecond)) {
        return false;
    }
    for (int64_t digits = c->at - start; digits < 9; digits++) {
        *out_nanosecond *= 10;
    }
    return true;
}

/* "HH:mm[:ss[.f]]" to the end. */
static bool take_time(cursor *c, ps_civil *out)
{
    if (!take_number(c, 1, 2, &out->hour) || !take(c, ':') || !take_number(c, 1, 2, &out->minute)) {
        return false;
    }
    if (take(c, ':') &&
        (!take_number(c, 1, 2, &out->second) || !take_fraction(c, &out->nanosecond))) {
        return false;
    }
    return c->at == c->end && out->hour < 24 && out->minute < 60 && out->second < 60;
}

/* As Flink reads it: a year alone or a year and a month will do; what stands behind the first blank
 * does not count. */
bool ps_date_parse(ps_slice text, int64_t *out_days)
{
    cursor c = trimmed(text);
    ps_civil civil = {.month = 1, .day = 1};
    int32_t year;
    if (!take_number(&c, 1, 4, &year)) {
        return false;
    }
    bool has_month = take(&c, '-');
    if (has_month && !take_number(&c, 1, 2, &civil.month)) {
        return false;
    }
    if (has_month && take(&c, '-') && !take_number(&c, 1, 2, &civil.day)) {
        return false;
    }
    bool is_whole = c.at == c.end || is_blank(*c.at);
    if (!is_whole || civil.month < 1 || civil.month > 12 || civil.day < 1 ||
        civil.day > ps_days_in_month(year, civil.month)) {
        return false;
    }
    *out_days = ps_days_from_civil(year, civil.month, civil.day);
    return true;
}

bool ps_time_of_day_parse(ps_slice text, int64_t *out_ms)
{
    cursor c = trimmed(text);
    ps_civil civil = {0};
    if (!take_time(&c, &civil)) {
        return false;
    }
    *out_ms = ((int64_t)civil.hour * 3600 + civil.minute * 60 + civil.second) * 1000 +
              civil.nanosecond / 1000000;
    return true;
}

bool ps_timestamp_parse(ps_slice text, int64_t ticks_per_second, int64_t *out_ticks)
{
    cursor c = trimmed(text);
    ps_civil civil = {0};
    int32_t year;
    if (!take_number(&c, 4, 4, &year) || !take(&c, '-') || !take_number(&c, 1, 2, &civil.month) ||
        !take(&c, '-') || !take_number(&c, 1, 2, &civil.day)) {
        return false;
    }
    if (c.at < c.end && !((take(&c, ' ') || take(&c, 'T')) && take_time(&c, &civil))) {
        return false;
    }
    if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > 31) {
        return false;
    }
    civil.year = year;
    int last = ps_days_in_month(year, civil.month);
    civil.day = civil.day < last ? civil.day : last;
    int64_t ticks;
    if (!checked_ticks(&civil, ticks_per_second, &ticks)) {
        return false;
    }
    *out_ticks = ticks;
    return true;
}

/* ── printing ── */

enum { TEXT_MAX = 48 };

static char *put_number(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

static char *put_date(char *at, const ps_civil *civil)
{
    int64_t year = civil->year;
    if (year < 0) {
        *at++ = '-';
        year = -year;
    }
    int width = 4;
    for (int64_t rest = year / 10000; rest > 0; rest /= 10) {
        width++;
    }
    at = put_number(at, year, width);
    *at++ = '-';
    at = put_number(at, civil->month, 2);
    *at++ = '-';
    return put_number(at, civil->day, 2);
}

static char *put_time(char *at, const ps_civil *civil, int precision)
{
    at = put_number(at, civil->hour, 2);
    *at++ = ':';
    at = put_number(at, civil->minute, 2);
    *at++ = ':';
    at = put_number(at, civil->second, 2);
    if (precision > 0) {
        *at++ = '.';
        put_number(at, civil->nanosecond, 9);
        at += precision;
    }
    return at;
}

void ps_date_print(int64_t days, ps_buf *out)
{
    char text[TEXT_MAX];
    ps_civil civil;
    ps_civil_from_days(days, &civil);
    ps_buf_append(out, text, (size_t)(put_date(text, &civil) - text));
}

void ps_time_print(int64_t ms, int precision, ps_buf *out)
{
    char text[TEXT_MAX];
    ps_civil civil;
    ps_civil_from_ticks(ms, 1000, &civil);
    ps_buf_append(out, text, (size_t)(put_time(text, &civil, precision) - text));
}

void ps_timestamp_print(int64_t ticks, int64_t ticks_per_second, int precision, char separator,
                        ps_buf *out)
{
    PS_ASSERT(precision >= 0 && precision <= 9);
    char text[TEXT_MAX];
    ps_civil civil;
    ps_civil_from_ticks(ticks, ticks_per_second, &civil);
    char *at = put_date(text, &civil);
    *at++ = separator;
    ps_buf_append(out, text, (size_t)(put_time(at, &civil, precision) - text));
}
