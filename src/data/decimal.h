/* Decimals: unscaled 128-bit integers with a scale from their type (SEMANTICS §3.2, §3.3).
 * All results are exact, then rounded HALF_UP; false: more than 38 digits, or beyond the precision
 * asked for. Operands have at most 38 digits, scales are 0 … 38. */
#ifndef PS_DATA_DECIMAL_H
#define PS_DATA_DECIMAL_H

#include "data/type.h"

/* 10^exponent, 0 ≤ exponent ≤ 38. */
ps_i128 ps_decimal_power(int exponent);
bool ps_decimal_fits(ps_i128 unscaled, int precision);

PS_CHECKED bool ps_decimal_rescale(ps_i128 unscaled, int from_scale, int to_scale,
                                   ps_i128 *out_unscaled);
PS_CHECKED bool ps_decimal_add(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale,
                               ps_i128 *out);
PS_CHECKED bool ps_decimal_subtract(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale,
                                    ps_i128 *out);
PS_CHECKED bool ps_decimal_multiply(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale,
                                    ps_i128 *out);
/* To 38 significant digits HALF_UP, then to the scale; b must not be 0. */
PS_CHECKED bool ps_decimal_divide(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale,
                                  ps_i128 *out);
PS_CHECKED bool ps_decimal_remainder(ps_i128 a, int a_scale, ps_i128 b, int b_scale, int scale,
                                     ps_i128 *out);
int ps_decimal_compare(ps_i128 a, int a_scale, ps_i128 b, int b_scale);

/* "-12.50" with scale digits; 1e3, +5 and blanks around are taken as Java's BigDecimal does after
 * trim. Rounds HALF_UP to the scale; false: not a number, or too big for the precision.
 * (ps_decimal_parse is base/money's, for amounts.) */
PS_CHECKED bool ps_decimal_from_text(ps_slice text, int precision, int scale,
                                     ps_i128 *out_unscaled);
void ps_decimal_print(ps_i128 unscaled, int scale, ps_buf *out);
double ps_decimal_to_double(ps_i128 unscaled, int scale);
/* By the shortest decimal text of the double, as Java's BigDecimal.valueOf; false: NaN, infinite or
 * too big. */
PS_CHECKED bool ps_decimal_from_double(double value, int precision, int scale,
                                       ps_i128 *out_unscaled);

/* Shortest text that reads back as the same double (float), in Java's form: 1.0E10, 5.0, NaN,
 * Infinity. Appends to out. */
void ps_double_print(double value, ps_buf *out);
void ps_float_print(float value, ps_buf *out);

#endif
