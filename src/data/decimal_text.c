/* Numbers as text: decimals, and floating point by its shortest digits (data/decimal.h). */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/decimal.h"

typedef unsigned __int128 u128;

/* Java's trim: blanks and control characters. */
static ps_slice trim(ps_slice text)
{
    while (text.size > 0 && (unsigned char)text.data[0] <= ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (unsigned char)text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ── reading ── */

typedef struct {
    ps_slice mantissa; /* digits and at most one point */
    int64_t digit_count;
    int64_t exponent; /* of the last digit */
    bool is_negative;
} scanned;

/* Larger exponents say nothing more: no text has so many digits. */
enum { EXPONENT_MAX = 1000000000 };

/* "[+-]digits" to its end. */
static bool scan_exponent(ps_slice text, int64_t *out)
{
    size_t at = 0;
    bool is_negative = text.size > 0 && text.data[0] == '-';
    at += text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    if (at == text.size) {
        return false;
    }
    int64_t value = 0;
    for (; at < text.size; at++) {
        if (!is_digit(text.data[at])) {
            return false;
        }
        value = value * 10 + (text.data[at] - '0');
        value = value > EXPONENT_MAX ? EXPONENT_MAX : value;
    }
    *out = is_negative ? -value : value;
    return true;
}

static bool scan(ps_slice text, scanned *out)
{
    if (text.size == 0) {
        return false;
    }
    *out = (scanned){.is_negative = text.data[0] == '-'};
    size_t at = text.data[0] == '-' || text.data[0] == '+';
    size_t start = at;
    int64_t fraction_digits = 0;
    bool has_point = false;
    for (; at < text.size; at++) {
        if (is_digit(text.data[at])) {
            out->digit_count++;
            fraction_digits += has_point;
        } else if (text.data[at] == '.' && !has_point) {
            has_point = true;
        } else {
            break;
        }
    }
    out->mantissa = (ps_slice){text.data + start, at - start};
    if (out->digit_count == 0) {
        return false;
    }
    if (at < text.size) {
        ps_slice rest = {text.data + at + 1, text.size - at - 1};
        if ((text.data[at] != 'e' && text.data[at] != 'E') ||
            !scan_exponent(rest, &out->exponent)) {
            return false;
        }
    }
    out->exponent -= fraction_digits;
    return true;
}

/* The digits that stand before the place of `scale`, and HALF_UP by the next one. */
static bool round_digits(const scanned *number, int64_t kept, u128 *out)
{
    u128 limit = (u128)ps_decimal_power(PS_DECIMAL_PRECISION_MAX);
    u128 value = 0;
    int64_t seen = 0;
    for (size_t i = 0; i < number->mantissa.size && seen <= kept; i++) {
        char c = number->mantissa.data[i];
        if (c == '.') {
            continue;
        }
        if (seen == kept) {
            value += c >= '5';
            break;
        }
        value = value * 10 + (u128)(c - '0');
        if (value >= limit) {
            return false;
        }
        seen++;
    }
    *out = value;
    return true;
}

static bool to_unscaled(const scanned *number, int precision, int scale, ps_i128 *out)
{
    int64_t shift = number->exponent + scale;
    u128 value;
    if (!round_digits(number, number->digit_count + (shift < 0 ? shift : 0), &value)) {
        return false;
    }
    if (shift > 0 && value != 0) {
        if (shift > PS_DECIMAL_PRECISION_MAX ||
            __builtin_mul_overflow(value, (u128)ps_decimal_power((int)shift), &value)) {
            return false;
        }
    }
    if (value >= (u128)ps_decimal_power(precision)) {
        return false;
    }
    *out = number->is_negative ? -(ps_i128)value : (ps_i128)value;
    return true;
}

bool ps_decimal_from_text(ps_slice text, int precision, int scale, ps_i128 *out_unscaled)
{
    scanned number;
    return scan(trim(text), &number) && to_unscaled(&number, precision, scale, out_unscaled);
}

/* ── printing ── */

enum { DECIMAL_TEXT_MAX = 48 }; /* sign, 39 digits, point, zero before it, NUL */

/* Writes backwards from `end`; at least `digits_min` digits. */
static char *put_digits_before(char *end, u128 value, int digits_min)
{
    static const uint64_t e19 = UINT64_C(10000000000000000000);
    char *at = end;
    while (value != (uint64_t)value) {
        uint64_t low = (uint64_t)(value % e19);
        value /= e19;
        for (int i = 0; i < 19; i++) {
            *--at = (char)('0' + low % 10);
            low /= 10;
        }
    }
    for (uint64_t rest = (uint64_t)value; rest != 0; rest /= 10) {
        *--at = (char)('0' + rest % 10);
    }
    while (end - at < digits_min) {
        *--at = '0';
    }
    return at;
}

/* The text ends at `end`; returns its start. */
static char *put_decimal(ps_i128 unscaled, int scale, char *end)
{
    u128 magnitude = unscaled < 0 ? -(u128)unscaled : (u128)unscaled;
    char *at = put_digits_before(end, magnitude, scale + 1);
    if (scale > 0) {
        size_t whole = (size_t)(end - at) - (size_t)scale;
        memmove(at - 1, at, whole);
        at--;
        at[whole] = '.';
    }
    if (unscaled < 0) {
        *--at = '-';
    }
    return at;
}

void ps_decimal_print(ps_i128 unscaled, int scale, ps_buf *out)
{
    PS_ASSERT(scale >= 0 && scale <= PS_DECIMAL_PRECISION_MAX);
    char text[DECIMAL_TEXT_MAX];
    char *start = put_decimal(unscaled, scale, text + sizeof text);
    ps_buf_append(out, start, (size_t)(text + sizeof text - start));
}

/* Powers of ten that a double holds exactly. */
static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXACT_POWERS = sizeof exact_powers / sizeof exact_powers[0] };

double ps_decimal_to_double(ps_i128 unscaled, int scale)
{
    static const int64_t exact_max = INT64_C(1) << 53;
    if (unscaled <= exact_max && unscaled >= -exact_max && scale < EXACT_POWERS) {
        return (double)(int64_t)unscaled / exact_powers[scale]; /* one rounding */
    }
    char text[DECIMAL_TEXT_MAX + 1];
    text[DECIMAL_TEXT_MAX] = '\0';
    return strtod(put_decimal(unscaled, scale, text + DECIMAL_TEXT_MAX), NULL);
}

/* ── floating point ── */

enum { SHORTEST_MAX = 20, FLOAT_TEXT_MAX = 40 };

/* d₁.d₂d₃… · 10^exponent, without zeros at the end. */
typedef struct {
    char digits[SHORTEST_MAX];
    int count, exponent;
} shortest;

static void cut_zeros(shortest *number)
{
    while (number->count > 1 && number->digits[number->count - 1] == '0') {
        number->count--;
    }
}

/* Numbers like 12.5 or 1999.99: the double nearest to an integer of at most 15 digits over a power
 * of ten. Of 15 digits no two name the same double, so these are the shortest. */
static bool find_short(double value, shortest *out)
{
    static const double digits15 = 1e15;
    for (int power = 0; power <= 6; power++) {
        double scaled = value * exact_powers[power];
        if (scaled >= digits15) {
            return false;
        }
        double whole = (double)(int64_t)(scaled + 0.5);
        if (whole >= 1 && whole / exact_powers[power] == value) {
            char text[DECIMAL_TEXT_MAX];
            char *end = text + sizeof text;
            char *at = put_digits_before(end, (u128)whole, 1);
            out->count = (int)(end - at);
            out->exponent = out->count - 1 - power;
            memcpy(out->digits, at, (size_t)out->count);
            cut_zeros(out);
            return true;
        }
    }
    return false;
}

static void take_printed(const char *text, shortest *out)
{
    out->count = 0;
    for (; *text != 'e'; text++) {
        if (is_digit(*text)) {
            out->digits[out->count++] = *text;
        }
    }
    out->exponent = atoi(text + 1);
    cut_zeros(out);
}

/* By trial: n correctly rounded digits that read back. As Java does, at least two digits are tried,
 * which matters for the smallest numbers only (4.9E-324). Where DBL_DIG (FLT_DIG) digits hold, no
 * fewer need a try: zeros at their end are cut. `value` > 0 and finite. */
static void find_shortest(double value, bool is_float, shortest *out)
{
    if (!is_float && find_short(value, out)) {
        return;
    }
    bool is_normal = value >= (is_float ? (double)FLT_MIN : DBL_MIN);
    int first = is_float ? FLT_DIG : DBL_DIG;
    int last = is_float ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    char text[FLOAT_TEXT_MAX];
    for (int count = is_normal ? first : 2; count <= last; count++) {
        snprintf(text, sizeof text, "%.*e", count - 1, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) {
            break;
        }
    }
    take_printed(text, out);
}

/* Java's Double.toString: plain from 10^−3 to 10^7, else d.dddE±x. */
static size_t put_java(const shortest *number, char *out)
{
    char *at = out;
    int exponent = number->exponent;
    bool is_plain = exponent >= -3 && exponent < 7;
    int whole = is_plain ? exponent + 1 : 1; /* digits before the point; may be ≤ 0 */
    if (whole <= 0) {
        *at++ = '0';
    }
    for (int i = 0; i < whole; i++) {
        *at++ = i < number->count ? number->digits[i] : '0';
    }
    *at++ = '.';
    for (int i = whole; i < 0; i++) {
        *at++ = '0';
    }
    int first = whole > 0 ? whole : 0;
    for (int i = first; i < number->count; i++) {
        *at++ = number->digits[i];
    }
    if (first >= number->count) {
        *at++ = '0';
    }
    if (!is_plain) {
        at += sprintf(at, "E%d", exponent);
    }
    return (size_t)(at - out);
}

static void print_float(double value, bool is_float, ps_buf *out)
{
    if (isnan(value)) {
        ps_buf_append_text(out, "NaN");
        return;
    }
    if (signbit(value)) {
        ps_buf_append_char(out, '-');
        value = -value;
    }
    if (isinf(value)) {
        ps_buf_append_text(out, "Infinity");
    } else if (value == 0) {
        ps_buf_append_text(out, "0.0");
    } else {
        shortest number;
        char text[FLOAT_TEXT_MAX];
        find_shortest(value, is_float, &number);
        ps_buf_append(out, text, put_java(&number, text));
    }
}

void ps_double_print(double value, ps_buf *out)
{
    print_float(value, false, out);
}

void ps_float_print(float value, ps_buf *out)
{
    print_float((double)value, true, out);
}

bool ps_decimal_from_double(double value, int precision, int scale, ps_i128 *out_unscaled)
{
    if (!isfinite(value)) {
        return false;
    }
    if (value == 0) {
        *out_unscaled = 0;
        return true;
    }
    shortest digits;
    find_shortest(fabs(value), false, &digits);
    scanned number = {.mantissa = {digits.digits, (size_t)digits.count},
                      .digit_count = digits.count,
                      .exponent = digits.exponent - digits.count + 1,
                      .is_negative = value < 0};
    return to_unscaled(&number, precision, scale, out_unscaled);
}
