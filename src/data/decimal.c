#include "data/decimal.h"

#include "data/wide.h"

/* Sums and products of two 38-digit numbers, and a 38-digit number times 10^38, are below 2^256;
 * so all is exact until the one rounding at the end. Most values are small: each operation tries
 * 128 bits first. */

enum { WIDE_POWER_MAX = 2 * PS_DECIMAL_PRECISION_MAX };

#define E18 INT64_C(1000000000000000000)
#define POWERS_OF(unit)                                                                            \
    (unit), (unit)*10, (unit)*100, (unit)*1000, (unit)*10000, (unit)*100000, (unit)*1000000,       \
        (unit)*10000000, (unit)*100000000

static const ps_i128 powers[PS_DECIMAL_PRECISION_MAX + 1] = {
    POWERS_OF((ps_i128)1),      POWERS_OF((ps_i128)1000000000),
    POWERS_OF((ps_i128)E18),    POWERS_OF((ps_i128)E18 * 1000000000),
    ((ps_i128)E18 * E18),       ((ps_i128)E18 * E18) * 10,
    ((ps_i128)E18 * E18) * 100,
};

ps_i128 ps_decimal_power(int exponent)
{
    PS_ASSERT(exponent >= 0 && exponent <= PS_DECIMAL_PRECISION_MAX);
    return powers[exponent];
}

bool ps_decimal_fits(ps_i128 unscaled, int precision)
{
    ps_i128 limit = ps_decimal_power(precision);
    return unscaled < limit && unscaled > -limit;
}

/* ── sign and magnitude ── */

typedef struct {
    ps_wide magnitude;
    bool is_negative;
} signed_wide;

static ps_wide_half magnitude_of(ps_i128 value)
{
    return value < 0 ? -(ps_wide_half)value : (ps_wide_half)value;
}

static bool finish(ps_wide magnitude, bool is_negative, ps_i128 *out)
{
    if (!ps_wide_fits_half(magnitude) ||
        ps_wide_low_half(magnitude) >= (ps_wide_half)powers[PS_DECIMAL_PRECISION_MAX]) {
        return false;
    }
    ps_i128 value = (ps_i128)ps_wide_low_half(magnitude);
    *out = is_negative ? -value : value;
    return true;
}

static ps_wide wide_power(int exponent)
{
    if (exponent <= PS_DECIMAL_PRECISION_MAX) {
        return ps_wide_of((ps_wide_half)powers[exponent]);
    }
    return ps_wide_multiply((ps_wide_half)powers[PS_DECIMAL_PRECISION_MAX],
                            (ps_wide_half)powers[exponent - PS_DECIMAL_PRECISION_MAX]);
}

static ps_wide divide_half_up(ps_wide a, ps_wide b)
{
    ps_wide remainder;
    ps_wide quotient = ps_wide_divide(a, b, &remainder);
    bool up = ps_wide_compare(remainder, ps_wide_subtract(b, remainder)) >= 0;
    return up ? ps_wide_add(quotient, ps_wide_of(1)) : quotient;
}

static bool rescale_wide(signed_wide value, int from_scale, int to_scale, ps_i128 *out)
{
    int shift = to_scale - from_scale;
    if (shift < -WIDE_POWER_MAX) {
        *out = 0; /* magnitudes are below 2 · 10^76 */
        return true;
    }
    if (shift < 0) {
        ps_wide quotient = divide_half_up(value.magnitude, wide_power(-shift));
        return finish(quotient, value.is_negative, out);
    }
    if (!ps_wide_fits_half(value.magnitude)) {
        return false;
    }
    ps_wide_half magnitude = ps_wide_low_half(value.magnitude);
    if (magnitude == 0) {
        *out = 0;
        return true;
    }
    if (shift > PS_DECIMAL_PRECISION_MAX) {
        return false;
    }
    return finish(ps_wide_multiply(magnitude, (ps_wide_half)powers[shift]), value.is_negative, out);
}

static signed_wide scaled_up(ps_i128 value, int by)
{
    return (signed_wide){ps_wide_multiply(magnitude_of(value), (ps_wide_half)powers[by]),
                         value < 0};
}

/* ── operations ── */

/* value / 10^by HALF_UP. */
static ps_i128 scale_down(ps_i128 value, int by)
{
    if (value == (int64_t)value && by <= 18) {
        int64_t power = (int64_t)powers[by];
        int64_t rest = (int64_t)value % power;
        int64_t half = power / 2;
        return (int64_t)value / power + (rest >= half && by > 0) - (rest <= -half && by > 0);
    }
    if (by > PS_DECIMAL_PRECISION_MAX) {
        return 0; /* |value| < 2^127 < 5 · 10^38 */
    }
    ps_i128 rest = value % powers[by];
    ps_i128 half = powers[by] / 2;
    return value / powers[by] + (rest >= half && by > 0) - (rest <= -half && by > 0);
}

bool ps_decimal_rescale(ps_i128 unscaled, int from_scale, int to_scale, ps_i128 *out_unscaled)
{
    int shift = to_scale - from_scale;
    ps_i128 result;
    if (shift <= 0) {
        result = scale_down(unscaled, -shift);
    } else if (shift > PS_DECIMAL_PRECISION_MAX ||
               __builtin_mul_overflow(unscaled, powers[shift], &result)) {
        result = 0;
        if (unscaled != 0) {
            return false;
        }
    }
    if (!ps_decimal_fits(result, PS_DECIMAL_PRECISION_MAX)) {
        return false;
    }
    *out_unscaled = result;
    return true;
}

static int max_of(int a, int b)
{
    return a > b ? a : b;
}

static bool add_wide(signed_wide a, signed_wide b, int from_scale, int scale, ps_i128 *out)
{
    signed_wide sum = a;
    if (a.is_negative == b.is_negative) {
        sum.magnitude = ps_wide_add(a.magnitude, b.magnitude);
    } else if (ps_wide_compare(a.magnitude, b.magnitude) >= 0) {
        sum.magnitude = ps_wide_subtract(a.magnitude, b.magnitude);
    } else {
        sum = (signed_wide){ps_wide_subtract(b.magnitude, a.magnitude), b.is_negative};
    }
    return rescale_wide(sum, from_scale, scale, out);
}

bool ps_decimal_add(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale, ps_i128 *out)
{
    int common = max_of(a_scale, b_scale);
    ps_i128 a_scaled, b_scaled, sum;
    if (__builtin_mul_overflow(a, ps_decimal_power(common - a_scale), &a_scaled) ||
        __builtin_mul_overflow(b, ps_decimal_power(common - b_scale), &b_scaled) ||
        __builtin_add_overflow(a_scaled, b_scaled, &sum)) {
        return add_wide(scaled_up(a, common - a_scale), scaled_up(b, common - b_scale), common,
                        scale, out);
    }
    return ps_decimal_rescale(sum, common, scale, out);
}

bool ps_decimal_subtract(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale, ps_i128 *out)
{
    return ps_decimal_add(a, a_scale, -b, b_scale, scale, out);
}

bool ps_decimal_multiply(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale, ps_i128 *out)
{
    ps_i128 product;
    if (!__builtin_mul_overflow(a, b, &product)) {
        return ps_decimal_rescale(product, a_scale + b_scale, scale, out);
    }
    signed_wide wide = {ps_wide_multiply(magnitude_of(a), magnitude_of(b)), (a < 0) != (b < 0)};
    return rescale_wide(wide, a_scale + b_scale, scale, out);
}

static int digit_count(ps_wide_half value)
{
    int count = 0;
    while (count <= PS_DECIMAL_PRECISION_MAX && value >= (ps_wide_half)powers[count]) {
        count++;
    }
    return count;
}

/* The quotient in 64-bit numbers, rounded once. That equals rounding to 38 digits first when the
 * divisor has fewer digits than the 38 have behind the scale: a fraction r/b below one half is then
 * too far below it for the first rounding to reach it. Here both are met: |b| < 10^18, and the
 * quotient, below 2^64 < 10^20, leaves 18 digits. */
static bool divide_small(ps_i128 a, ps_i128 b, int shift, ps_i128 *out)
{
    ps_i128 scaled;
    if (shift < 0 || shift > 18 || magnitude_of(b) >= (ps_wide_half)E18 ||
        __builtin_mul_overflow(a, powers[shift], &scaled)) {
        return false;
    }
    ps_wide_half numerator = magnitude_of(scaled);
    ps_wide_half divisor = magnitude_of(b);
    ps_wide_half quotient;
    ps_wide_half rest;
    if (numerator == (uint64_t)numerator) {
        quotient = (uint64_t)numerator / (uint64_t)divisor;
        rest = (uint64_t)numerator % (uint64_t)divisor;
    } else {
        quotient = numerator / divisor;
        rest = numerator % divisor;
    }
    if (quotient != (uint64_t)quotient) {
        return false;
    }
    quotient += rest >= divisor - rest;
    *out = (a < 0) != (b < 0) ? -(ps_i128)quotient : (ps_i128)quotient;
    return true;
}

bool ps_decimal_divide(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale, ps_i128 *out)
{
    PS_ASSERT(b != 0);
    if (a == 0) {
        *out = 0;
        return true;
    }
    if (divide_small(a, b, scale - a_scale + b_scale, out)) {
        return true;
    }
    /* a · 10^k / b lies between 10^37 and 10^39; for 38 digits one less may do. */
    ps_wide_half dividend = magnitude_of(a);
    ps_wide divisor = ps_wide_of(magnitude_of(b));
    int k = PS_DECIMAL_PRECISION_MAX + digit_count(magnitude_of(b)) - digit_count(dividend);
    ps_wide remainder;
    for (;; k--) {
        ps_wide numerator = ps_wide_multiply(dividend, (ps_wide_half)powers[k > 38 ? 38 : k]);
        if (k > PS_DECIMAL_PRECISION_MAX) { /* dividend · 10^(k−38) has the divisor's digits */
            numerator =
                ps_wide_multiply(dividend * (ps_wide_half)powers[k - 38], (ps_wide_half)powers[38]);
        }
        ps_wide truncated = ps_wide_divide(numerator, divisor, &remainder);
        if (ps_wide_compare(truncated, wide_power(PS_DECIMAL_PRECISION_MAX)) < 0) {
            signed_wide quotient = {divide_half_up(numerator, divisor), (a < 0) != (b < 0)};
            return rescale_wide(quotient, k + a_scale - b_scale, scale, out);
        }
    }
}

bool ps_decimal_remainder(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale, ps_i128 *out)
{
    PS_ASSERT(b != 0);
    int common = max_of(a_scale, b_scale);
    ps_i128 a_scaled, b_scaled;
    if (!__builtin_mul_overflow(a, ps_decimal_power(common - a_scale), &a_scaled) &&
        !__builtin_mul_overflow(b, ps_decimal_power(common - b_scale), &b_scaled)) {
        ps_i128 remainder = b_scaled == -1 ? 0 : a_scaled % b_scaled;
        return ps_decimal_rescale(remainder, common, scale, out);
    }
    signed_wide dividend = scaled_up(a, common - a_scale);
    signed_wide divisor = scaled_up(b, common - b_scale);
    ps_wide_divide(dividend.magnitude, divisor.magnitude, &dividend.magnitude);
    return rescale_wide(dividend, common, scale, out);
}

int ps_decimal_compare(ps_i128 a, int a_scale, ps_i128 b, int b_scale)
{
    int common = max_of(a_scale, b_scale);
    ps_i128 a_scaled, b_scaled;
    if (!__builtin_mul_overflow(a, ps_decimal_power(common - a_scale), &a_scaled) &&
        !__builtin_mul_overflow(b, ps_decimal_power(common - b_scale), &b_scaled)) {
        return (a_scaled > b_scaled) - (a_scaled < b_scaled);
    }
    if ((a < 0) != (b < 0)) {
        return a < 0 ? -1 : 1;
    }
    int order = ps_wide_compare(scaled_up(a, common - a_scale).magnitude,
                                scaled_up(b, common - b_scale).magnitude);
    return a < 0 ? -order : order;
}
