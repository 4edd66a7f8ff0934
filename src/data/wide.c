#include "data/wide.h"

#include <string.h>

enum { DIGITS = 8 }; /* of 32 bits */

ps_wide ps_wide_add(ps_wide a, ps_wide b)
{
    ps_wide sum;
    ps_wide_half carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (ps_wide_half)a.limbs[i] + b.limbs[i];
        sum.limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    PS_ASSERT(carry == 0);
    return sum;
}

ps_wide ps_wide_subtract(ps_wide a, ps_wide b)
{
    ps_wide difference;
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t part;
        uint64_t borrowed = __builtin_sub_overflow(a.limbs[i], b.limbs[i], &part);
        borrowed += __builtin_sub_overflow(part, borrow, &difference.limbs[i]);
        borrow = borrowed;
    }
    PS_ASSERT(borrow == 0);
    return difference;
}

int ps_wide_compare(ps_wide a, ps_wide b)
{
    for (int i = 3; i >= 0; i--) {
        if (a.limbs[i] != b.limbs[i]) {
            return a.limbs[i] > b.limbs[i] ? 1 : -1;
        }
    }
    return 0;
}

ps_wide ps_wide_multiply(ps_wide_half a, ps_wide_half b)
{
    uint64_t a_limbs[2] = {(uint64_t)a, (uint64_t)(a >> 64)};
    uint64_t b_limbs[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    ps_wide product = {{0}};
    for (int i = 0; i < 2; i++) {
        ps_wide_half carry = 0;
        for (int k = 0; k < 2; k++) {
            carry += (ps_wide_half)a_limbs[i] * b_limbs[k] + product.limbs[i + k];
            product.limbs[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        product.limbs[i + 2] = (uint64_t)carry;
    }
    return product;
}

/* ── division: Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D, base 2^32 ── */

static int digit_count(const uint32_t digits[DIGITS])
{
    int count = DIGITS;
    while (count > 0 && digits[count - 1] == 0) {
        count--;
    }
    return count;
}

static void to_digits(ps_wide value, uint32_t out[DIGITS])
{
    for (int i = 0; i < DIGITS; i++) {
        out[i] = (uint32_t)(value.limbs[i / 2] >> (i % 2 * 32));
    }
}

static ps_wide of_digits(const uint32_t digits[DIGITS])
{
    ps_wide value = {{0}};
    for (int i = 0; i < DIGITS; i++) {
        value.limbs[i / 2] |= (uint64_t)digits[i] << (i % 2 * 32);
    }
    return value;
}

/* value << shift, shift < 32, into one digit more. */
static void shift_left(const uint32_t value[DIGITS], int shift, uint32_t out[DIGITS + 1])
{
    uint64_t carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        carry |= (uint64_t)value[i] << shift;
        out[i] = (uint32_t)carry;
        carry >>= 32;
    }
    out[DIGITS] = (uint32_t)carry;
}

/* D3: an estimate of the quotient digit that is right or one too large. */
static uint64_t estimate(const uint32_t *u, const uint32_t *v, int n)
{
    uint64_t top = (uint64_t)u[n] << 32 | u[n - 1];
    uint64_t digit = top / v[n - 1];
    uint64_t rest = top % v[n - 1];
    while (digit >> 32 != 0 || digit * v[n - 2] > (rest << 32 | u[n - 2])) {
        digit--;
        rest += v[n - 1];
        if (rest >> 32 != 0) {
            break;
        }
    }
    return digit;
}

/* D4–D6: u[0 … n] −= digit · v; adds v back when that was one too many. Returns the digit. */
static uint32_t subtract_multiple(uint32_t *u, const uint32_t *v, int n, uint64_t digit)
{
    int64_t borrow = 0;
    uint64_t carry = 0;
    for (int i = 0; i < n; i++) {
        carry += digit * v[i];
        int64_t part = (int64_t)u[i] - (int64_t)(uint32_t)carry + borrow;
        u[i] = (uint32_t)part;
        borrow = part >> 32;
        carry >>= 32;
    }
    int64_t part = (int64_t)u[n] - (int64_t)carry + borrow;
    u[n] = (uint32_t)part;
    if (part >= 0) {
        return (uint32_t)digit;
    }
    carry = 0;
    for (int i = 0; i < n; i++) {
        carry += (uint64_t)u[i] + v[i];
        u[i] = (uint32_t)carry;
        carry >>= 32;
    }
    u[n] += (uint32_t)carry;
    return (uint32_t)digit - 1;
}

static uint32_t divide_by_digit(uint32_t a[DIGITS], uint32_t b, uint32_t quotient[DIGITS])
{
    uint64_t rest = 0;
    for (int i = DIGITS - 1; i >= 0; i--) {
        rest = rest << 32 | a[i];
        quotient[i] = (uint32_t)(rest / b);
        rest %= b;
    }
    return (uint32_t)rest;
}

ps_wide ps_wide_divide(ps_wide a, ps_wide b, ps_wide *out_remainder)
{
    if (ps_wide_fits_half(a) && ps_wide_fits_half(b)) {
        PS_ASSERT(ps_wide_low_half(b) != 0);
        *out_remainder = ps_wide_of(ps_wide_low_half(a) % ps_wide_low_half(b));
        return ps_wide_of(ps_wide_low_half(a) / ps_wide_low_half(b));
    }
    uint32_t a_digits[DIGITS], b_digits[DIGITS], quotient[DIGITS] = {0};
    to_digits(a, a_digits);
    to_digits(b, b_digits);
    int n = digit_count(b_digits);
    PS_ASSERT(n > 0);
    if (n == 1) {
        *out_remainder = ps_wide_of(divide_by_digit(a_digits, b_digits[0], quotient));
        return of_digits(quotient);
    }
    int shift = __builtin_clz(b_digits[n - 1]);
    uint32_t u[DIGITS + 1], v[DIGITS + 1];
    shift_left(a_digits, shift, u);
    shift_left(b_digits, shift, v);
    for (int i = DIGITS - n; i >= 0; i--) {
        quotient[i] = subtract_multiple(u + i, v, n, estimate(u + i, v, n));
    }
    uint32_t remainder[DIGITS] = {0};
    for (int i = 0; i < n; i++) {
        remainder[i] = (uint32_t)(((uint64_t)u[i + 1] << 32 | u[i]) >> shift);
    }
    *out_remainder = of_digits(remainder);
    return of_digits(quotient);
}
