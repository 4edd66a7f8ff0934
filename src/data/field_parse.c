#include "data/field_parse.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/datetime.h"
#include "data/decimal.h"

void ps_field_parser_init(ps_field_parser *parser, const ps_type *type,
                          ps_timestamp_standard standard)
{
    *parser = (ps_field_parser){
        .type = type,
        .phys = ps_type_phys(type),
        .standard = standard,
        .ticks_per_second = ps_type_is_timestamp(type) ? ps_type_ticks_per_second(type) : 0,
    };
    int bits = type->kind == PS_TYPE_TINYINT    ? 8
               : type->kind == PS_TYPE_SMALLINT ? 16
               : type->kind == PS_TYPE_INT      ? 32
                                                : 64;
    parser->max = (int64_t)(UINT64_MAX >> (65 - bits));
    parser->min = -parser->max - 1;
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

bool ps_digits_parse(ps_slice text, size_t *at, int64_t *out)
{
    size_t begin = *at, i = begin;
    uint64_t value = 0;
    while (i < text.size && is_digit(text.data[i])) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (i - begin >= 18 && (value > (INT64_MAX - digit) / 10)) {
            return false;
        }
        value = value * 10 + digit;
        i++;
    }
    *at = i;
    *out = (int64_t)value;
    return i > begin;
}

static ps_slice trimmed(ps_slice text)
{
    while (text.size > 0 && (unsigned char)text.data[0] <= ' ') {
        text = ps_slice_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && (unsigned char)text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

/* ── numbers ── */

static bool parse_integer(const ps_field_parser *parser, ps_slice text, int64_t *out)
{
    bool is_negative = text.size > 0 && text.data[0] == '-';
    size_t at = text.size > 0 && (is_negative || text.data[0] == '+') ? 1 : 0;
    int64_t value;
    if (!ps_digits_parse(text, &at, &value)) {
        static const char smallest[] = "-9223372036854775808";
        bool is_smallest = parser->min == INT64_MIN &&
                           ps_slice_equal(text, ps_slice_of(smallest, sizeof smallest - 1));
        *out = INT64_MIN;
        return is_smallest;
    }
    value = is_negative ? -value : value;
    if (at != text.size || value < parser->min || value > parser->max) {
        return false;
    }
    *out = value;
    return true;
}

/* Digits with at most one point, scale and 18 digits kept: most amounts. */
static bool parse_short_decimal(const ps_type *type, ps_slice text, int64_t *out)
{
    bool is_negative = text.size > 0 && text.data[0] == '-';
    size_t at = is_negative ? 1 : 0;
    int64_t value = 0;
    uint32_t digits = 0, fraction = 0;
    bool in_fraction = false;
    for (; at < text.size; at++) {
        char c = text.data[at];
        if (is_digit(c)) {
            value = value * 10 + (c - '0');
            digits++;
            fraction += in_fraction ? 1 : 0;
        } else if (c == '.' && !in_fraction) {
            in_fraction = true;
        } else {
            return false;
        }
        if (digits > 17 || fraction > type->scale) {
            return false;
        }
    }
    uint32_t missing = type->scale - fraction;
    if (digits == 0 || digits + missing > type->precision || digits + missing > 18) {
        return false;
    }
    for (; missing > 0; missing--) {
        value *= 10;
    }
    *out = is_negative ? -value : value;
    return true;
}

/* Exact when the digits fit 53 bits and the power of ten is exact too (W. Clinger, "How to read
 * floating point numbers accurately", 1990). */
static bool parse_short_double(ps_slice text, double *out)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool is_negative = text.size > 0 && text.data[0] == '-';
    size_t at = is_negative ? 1 : 0;
    uint64_t value = 0;
    uint32_t digits = 0, fraction = 0;
    bool in_fraction = false;
    for (; at < text.size; at++) {
        char c = text.data[at];
        if (is_digit(c)) {
            value = value * 10 + (uint64_t)(c - '0');
            digits++;
            fraction += in_fraction ? 1 : 0;
        } else if (c == '.' && !in_fraction) {
            in_fraction = true;
        } else {
            return false;
        }
        if (digits > 15) {
            return false;
        }
    }
    if (digits == 0) {
        return false;
    }
    double magnitude = (double)value / powers[fraction];
    *out = is_negative ? -magnitude : magnitude;
    return true;
}

bool ps_double_parse(ps_slice text, double *out)
{
    if (parse_short_double(text, out)) {
        return true;
    }
    char copy[400];
    if (text.size == 0 || text.size >= sizeof copy) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        bool is_number = is_digit(text.data[i]) || strchr("+-.eE", text.data[i]) != NULL;
        if (!is_number && !ps_slice_equal(text, PS_SLICE("NaN")) &&
            !ps_slice_equal(text, PS_SLICE("Infinity")) &&
            !ps_slice_equal(text, PS_SLICE("-Infinity"))) {
            return false; /* strtod would take hexadecimal, "inf" and more */
        }
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    char *end;
    errno = 0;
    double value = strtod(copy, &end);
    if (end != copy + text.size) {
        return false;
    }
    *out = value;
    return true;
}

static bool parse_decimal(const ps_field_parser *parser, ps_slice text, ps_column *column,
                          uint32_t row)
{
    int64_t value;
    if (parse_short_decimal(parser->type, text, &value)) {
        if (parser->phys == PS_PHYS_I64) {
            column->i64[row] = value;
        } else {
            column->i128[row] = value;
        }
        return true;
    }
    ps_i128 unscaled;
    if (!ps_decimal_from_text(text, parser->type->precision, parser->type->scale, &unscaled)) {
        return false;
    }
    if (parser->phys == PS_PHYS_I64) {
        column->i64[row] = (int64_t)unscaled;
    } else {
        column->i128[row] = unscaled;
    }
    return true;
}

static bool parse_boolean(ps_slice text, int64_t *out)
{
    if (text.size == 4 && strncasecmp(text.data, "true", 4) == 0) {
        *out = 1;
        return true;
    }
    *out = 0;
    return text.size == 5 && strncasecmp(text.data, "false", 5) == 0;
}

/* ── times ── */

static int64_t two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static bool are_digits(const char *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(at[i])) {
            return false;
        }
    }
    return true;
}

/* ".5" … ".123456789" behind the seconds as ticks; digits beyond the tick are cut. */
static bool parse_fraction(ps_slice text, int64_t ticks_per_second, int64_t *out)
{
    *out = 0;
    if (text.size == 0) {
        return true;
    }
    if (text.data[0] != '.' || text.size < 2 || text.size > 10) {
        return false;
    }
    if (text.size == 4 && ticks_per_second == 1000 && are_digits(text.data + 1, 3)) {
        *out = (text.data[1] - '0') * 100 + two_digits(text.data + 2);
        return true;
    }
    int64_t unit = ticks_per_second;
    for (size_t i = 1; i < text.size; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
        unit /= 10;
        *out += (text.data[i] - '0') * unit;
    }
    return true;
}

/* Eight bytes of a time: digits at `digits`, the bytes of `marks` elsewhere. */
typedef struct {
    uint64_t digits, marks;
} time_form;

/* Bytes count from the lowest: what a load on this machine makes of them. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "forms are written for little endian");
static const time_form year_month_form = {0x00ffff00ffffffff, 0x2d00002d00000000}; /* dddd-dd- */
static const time_form day_minute_form = {0xffff00ffff00ffff, 0x00003a0000200000}; /* dd dd:dd */
static const time_form day_minute_iso_form = {0xffff00ffff00ffff,
                                              0x00003a0000540000}; /* ddTdd:dd */

static inline bool has_form(const char *at, time_form form)
{
    const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), zeros = UINT64_C(0x3030303030303030);
    uint64_t text;
    memcpy(&text, at, 8);
    uint64_t is_off =
        ((text & high) ^ zeros) | (((text & ~high) + UINT64_C(0x0606060606060606)) & high);
    return ((is_off & form.digits) | ((text ^ form.marks) & ~form.digits)) == 0;
}

/* yyyy-MM-dd: most rows have the date of the row before. */
static bool parse_day(ps_field_parser *parser, const char *at, int64_t *out)
{
    if (memcmp(at, parser->last_date, sizeof parser->last_date) == 0) {
        *out = parser->last_day;
        return true;
    }
    static const int8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!has_form(at, year_month_form) || !are_digits(at + 8, 2)) {
        return false;
    }
    int64_t year = two_digits(at) * 100 + two_digits(at + 2);
    int64_t month = two_digits(at + 5), day = two_digits(at + 8);
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] ||
        (month == 2 && day == 29 && !is_leap)) {
        return false;
    }
    *out = ps_days_from_civil(year, (int)month, (int)day);
    memcpy(parser->last_date, at, sizeof parser->last_date);
    parser->last_day = *out;
    return true;
}

/* yyyy-MM-dd?HH:mm:ss[.f], the separator as the standard has it. */
static bool parse_timestamp(ps_field_parser *parser, ps_slice text, int64_t *out)
{
    enum { SECONDS_END = 19 };
    const char *at = text.data;
    int64_t day, fraction;
    if (text.size < SECONDS_END || !parse_day(parser, at, &day) ||
        !has_form(at + 8,
                  parser->standard == PS_TIMESTAMP_SQL ? day_minute_form : day_minute_iso_form) ||
        at[16] != ':' || !are_digits(at + 17, 2)) {
        return false;
    }
    int64_t hour = two_digits(at + 11), minute = two_digits(at + 14), second = two_digits(at + 17);
    if (hour > 23 || minute > 59 || second > 59 ||
        !parse_fraction(ps_slice_of(at + SECONDS_END, text.size - SECONDS_END),
                        parser->ticks_per_second, &fraction)) {
        return false;
    }
    int64_t seconds = day * 86400 + hour * 3600 + minute * 60 + second;
    *out = seconds * parser->ticks_per_second + fraction;
    return true;
}

/* As TIMESTAMP, in UTC: with Z behind it. */
static bool parse_timestamp_ltz(ps_field_parser *parser, ps_slice text, int64_t *out)
{
    return text.size > 0 && text.data[text.size - 1] == 'Z' &&
           parse_timestamp(parser, ps_slice_of(text.data, text.size - 1), out);
}

/* Java's ISO_LOCAL_DATE, nothing shorter. */
static bool parse_date(ps_slice text, int64_t *out)
{
    return text.size == 10 && text.data[4] == '-' && text.data[7] == '-' &&
           are_digits(text.data, 4) && ps_date_parse(text, out);
}

static bool parse_time(ps_slice text, int64_t *out)
{
    return text.size >= 8 && text.data[2] == ':' && text.data[5] == ':' &&
           ps_time_of_day_parse(text, out);
}

static bool parse_bytes(ps_slice text, ps_column *column, uint32_t row)
{
    column->text[row] = text;
    return true;
}

bool ps_field_parse(ps_field_parser *parser, ps_slice text, ps_column *column, uint32_t row)
{
    switch (parser->type->kind) {
    case PS_TYPE_CHAR:
    case PS_TYPE_VARCHAR:
        column->text[row] = text;
        return true;
    case PS_TYPE_BINARY:
    case PS_TYPE_VARBINARY:
        return parse_bytes(text, column, row);
    case PS_TYPE_BOOLEAN:
        return parse_boolean(trimmed(text), &column->i64[row]);
    case PS_TYPE_TINYINT:
    case PS_TYPE_SMALLINT:
    case PS_TYPE_INT:
    case PS_TYPE_BIGINT:
        return parse_integer(parser, text, &column->i64[row]) ||
               parse_integer(parser, trimmed(text), &column->i64[row]);
    case PS_TYPE_FLOAT: {
        double value;
        if (!ps_double_parse(trimmed(text), &value)) {
            return false;
        }
        column->f64[row] = (double)(float)value;
        return true;
    }
    case PS_TYPE_DOUBLE:
        return ps_double_parse(trimmed(text), &column->f64[row]);
    case PS_TYPE_DECIMAL:
        return parse_decimal(parser, trimmed(text), column, row);
    case PS_TYPE_DATE:
        return parse_date(trimmed(text), &column->i64[row]);
    case PS_TYPE_TIME:
        return parse_time(trimmed(text), &column->i64[row]);
    case PS_TYPE_TIMESTAMP:
        return parse_timestamp(parser, trimmed(text), &column->i64[row]);
    case PS_TYPE_TIMESTAMP_LTZ:
        return parse_timestamp_ltz(parser, trimmed(text), &column->i64[row]);
    case PS_TYPE_INTERVAL_MONTHS:
    case PS_TYPE_INTERVAL_MS:
        return parse_integer(parser, trimmed(text), &column->i64[row]);
    case PS_TYPE_NULL:
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        break;
    }
    return false;
}

void ps_field_parse_reason(const ps_field_parser *parser, ps_slice column, ps_slice text, char *out,
                           size_t out_size)
{
    enum { SHOWN_MAX = 60 };
    ps_buf type;
    ps_buf_init(&type, 400);
    ps_type_print(parser->type, &type);
    int shown = text.size > SHOWN_MAX ? SHOWN_MAX : (int)text.size;
    snprintf(out, out_size, "column %.*s: '%.*s%s' is no %.*s", (int)column.size, column.data,
             shown, text.data, text.size > SHOWN_MAX ? "…" : "", (int)type.size, type.data);
    ps_buf_release(&type);
}
