/* Money: integers of minor units, checked arithmetic, ISO 4217 currencies and their exponents.
 *
 * Amounts are int64_t on the wire, sums are ps_i128. Every add and multiply is checked; no floating
 * point.
 * Source: ISO 4217 (exponents as PAYMENTS.md §5: 0, 3 and 4 digit currencies listed there, every
 * other listed code 2).
 */
#ifndef PS_BASE_MONEY_H
#define PS_BASE_MONEY_H

#include "base/bytes.h"

typedef __int128 ps_i128;

/* The largest amount of one movement, in minor units. Sums are ps_i128. */
#define PS_AMOUNT_MAX INT64_MAX

/* Index into the currency table; stable for ever (stored in the journal): new codes are appended.
 * */
typedef uint16_t ps_currency;

/* Finds "EUR" (upper case only). False: not a listed code. */
PS_CHECKED bool ps_currency_parse(ps_slice code, ps_currency *out_currency);
const char *ps_currency_code(ps_currency currency); /* three letters, zero-terminated */
int ps_currency_exponent(ps_currency currency);     /* 0, 2, 3 or 4 */
size_t ps_currency_count(void);

/* False on overflow; *out is then untouched. */
PS_CHECKED static inline bool ps_amount_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

PS_CHECKED static inline bool ps_i128_add(ps_i128 a, ps_i128 b, ps_i128 *out)
{
    ps_i128 sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

/* Splits `total` (≥ 0) by `weights` (≥ 0, sum > 0) so that the parts sum to `total` exactly:
 * largest remainder (Hamilton), ties to the lower index. False when the weights are all zero,
 * negative or overflow. */
PS_CHECKED bool ps_amount_split(int64_t total, const int64_t *weights, size_t count,
                                int64_t *out_parts);

/* Decimal text of a 128-bit integer: JSON numbers with all their digits. */
void ps_buf_append_i128(ps_buf *buf, ps_i128 value);

/* "12.34" for 1234 and exponent 2; "-0.05"; "7" for exponent 0. */
void ps_buf_append_decimal(ps_buf *buf, int64_t minor_units, int exponent);

/* "12.34" → 1234; refuses more fraction digits than the exponent, leading zeros, blanks,
 * exponents, overflow. */
PS_CHECKED bool ps_decimal_parse(ps_slice text, int exponent, int64_t *out_minor_units);

#endif
