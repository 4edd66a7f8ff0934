/* VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP, as Flink's planner spells them out:
 * (Σx² − (Σx)²/n) / n, or / (n − 1), and the square root by POWER(…, 0.5). Of integers in whole
 * numbers, with an integer result. */
#include <math.h>

#include "flow/agg_kernel.h"

typedef struct {
    double sum, square_sum;
    int64_t count;
} moments_f64;

typedef struct {
    int64_t sum[2], square_sum[2]; /* ps_i128 */
    int64_t count;
} moments_i64;

static inline ps_code apply_f64(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)err;
    moments_f64 *part = ps_agg_part(call, state);
    double value = input->value.f64;
    part->sum += sign > 0 ? value : -value;
    part->square_sum += sign > 0 ? value * value : -(value * value);
    part->count += sign;
    return PS_OK;
}

static ps_code merge_f64(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                         const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    moments_f64 *to = ps_agg_part(call, into);
    const moments_f64 *part = ps_agg_part(call, from);
    to->sum += part->sum;
    to->square_sum += part->square_sum;
    to->count += part->count;
    return PS_OK;
}

static ps_code result_f64(const ps_agg_call *call, const char *state, bool is_sample,
                          bool is_deviation, ps_value *out)
{
    const moments_f64 *part = ps_agg_part(call, state);
    int64_t divisor = part->count - (is_sample ? 1 : 0);
    *out = (ps_value){.is_null = divisor <= 0};
    if (divisor > 0) {
        double spread = part->square_sum - part->sum * part->sum / (double)part->count;
        double variance = spread / (double)divisor;
        out->f64 = is_deviation ? pow(variance, 0.5) : variance;
        out->f64 = call->kind == PS_TYPE_FLOAT ? (double)(float)out->f64 : out->f64;
    }
    return PS_OK;
}

static inline void add_i128(int64_t at[2], ps_i128 value)
{
    unsigned __int128 sum = (unsigned __int128)ps_agg_get_i128(at) + (unsigned __int128)value;
    ps_agg_put_i128(at, (ps_i128)sum);
}

static inline ps_code apply_i64(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)err;
    moments_i64 *part = ps_agg_part(call, state);
    ps_i128 value = input->value.i64;
    add_i128(part->sum, sign * value);
    add_i128(part->square_sum, sign * (value * value));
    part->count += sign;
    return PS_OK;
}

static ps_code merge_i64(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                         const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    moments_i64 *to = ps_agg_part(call, into);
    const moments_i64 *part = ps_agg_part(call, from);
    add_i128(to->sum, ps_agg_get_i128(part->sum));
    add_i128(to->square_sum, ps_agg_get_i128(part->square_sum));
    to->count += part->count;
    return PS_OK;
}

static ps_code subtract_i64(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                            const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    moments_i64 *to = ps_agg_part(call, into);
    const moments_i64 *part = ps_agg_part(call, from);
    add_i128(to->sum, -ps_agg_get_i128(part->sum));
    add_i128(to->square_sum, -ps_agg_get_i128(part->square_sum));
    to->count -= part->count;
    return PS_OK;
}

/* (Σx)² in whole numbers while it fits, and in floating point beyond. */
static ps_code result_i64(const ps_agg_call *call, const char *state, bool is_sample,
                          bool is_deviation, ps_value *out)
{
    const moments_i64 *part = ps_agg_part(call, state);
    int64_t divisor = part->count - (is_sample ? 1 : 0);
    *out = (ps_value){.is_null = divisor <= 0};
    if (divisor <= 0) {
        return PS_OK;
    }
    ps_i128 sum = ps_agg_get_i128(part->sum);
    ps_i128 square_sum = ps_agg_get_i128(part->square_sum);
    ps_i128 square;
    double variance;
    if (!__builtin_mul_overflow(sum, sum, &square)) {
        variance = (double)((square_sum - square / part->count) / divisor);
    } else {
        double spread = (double)square_sum - (double)sum * (double)sum / (double)part->count;
        variance = spread / (double)divisor;
    }
    double value = is_deviation ? pow(variance, 0.5) : variance;
    bool fits = value > -9.2e18 && value < 9.2e18;
    out->i64 = fits ? (int64_t)value : INT64_MAX;
    return PS_OK;
}

#define RESULT(name, is_sample, is_deviation)                                                      \
    static ps_code name##_f64(ps_aggregator *aggregator, const ps_agg_call *call,                  \
                              const char *state, ps_value *out, ps_error *err)                     \
    {                                                                                              \
        (void)aggregator;                                                                          \
        (void)err;                                                                                 \
        return result_f64(call, state, is_sample, is_deviation, out);                              \
    }                                                                                              \
    static ps_code name##_i64(ps_aggregator *aggregator, const ps_agg_call *call,                  \
                              const char *state, ps_value *out, ps_error *err)                     \
    {                                                                                              \
        (void)aggregator;                                                                          \
        (void)err;                                                                                 \
        return result_i64(call, state, is_sample, is_deviation, out);                              \
    }                                                                                              \
    static const ps_agg_kernel name##_f64_kernel = {.size = sizeof(moments_f64),                   \
                                                    .apply = apply_f64,                            \
                                                    .merge = merge_f64,                            \
                                                    .result = name##_f64};                         \
    static const ps_agg_kernel name##_i64_kernel = {.size = sizeof(moments_i64),                   \
                                                    .apply = apply_i64,                            \
                                                    .merge = merge_i64,                            \
                                                    .subtract = subtract_i64,                      \
                                                    .result = name##_i64};

RESULT(var_pop, false, false)
RESULT(var_samp, true, false)
RESULT(stddev_pop, false, true)
RESULT(stddev_samp, true, true)

const ps_agg_kernel *ps_agg_variance_kernel(const ps_aggregate_call *call, bool is_sample,
                                            bool is_deviation)
{
    static const ps_agg_kernel *const kernels[2][2][2] = {
        {{&var_pop_i64_kernel, &var_pop_f64_kernel},
         {&stddev_pop_i64_kernel, &stddev_pop_f64_kernel}},
        {{&var_samp_i64_kernel, &var_samp_f64_kernel},
         {&stddev_samp_i64_kernel, &stddev_samp_f64_kernel}},
    };
    bool is_float = ps_type_phys(call->argument_types[0]) == PS_PHYS_F64;
    return kernels[is_sample][is_deviation][is_float];
}
