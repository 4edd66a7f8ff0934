/* Unsigned 256-bit integers: what exact decimal arithmetic needs between two 38-digit numbers.
 * Inside of data only. Callers stay below 2^256 (PS_ASSERT). */
#ifndef PS_DATA_WIDE_H
#define PS_DATA_WIDE_H

#include "base/error.h"

typedef unsigned __int128 ps_wide_half;

typedef struct {
    uint64_t limbs[4]; /* least significant first */
} ps_wide;

static inline ps_wide ps_wide_of(ps_wide_half value)
{
    return (ps_wide){{(uint64_t)value, (uint64_t)(value >> 64), 0, 0}};
}
/* The value when it is below 2^128. */
static inline bool ps_wide_fits_half(ps_wide value)
{
    return (value.limbs[2] | value.limbs[3]) == 0;
}
static inline ps_wide_half ps_wide_low_half(ps_wide value)
{
    return (ps_wide_half)value.limbs[1] << 64 | value.limbs[0];
}

ps_wide ps_wide_add(ps_wide a, ps_wide b);
ps_wide ps_wide_subtract(ps_wide a, ps_wide b); /* a ≥ b */
int ps_wide_compare(ps_wide a, ps_wide b);
ps_wide ps_wide_multiply(ps_wide_half a, ps_wide_half b);
/* Quotient, truncated; b is not 0. */
ps_wide ps_wide_divide(ps_wide a, ps_wide b, ps_wide *out_remainder);

#endif
