/* SUM, SUM0 and AVG.
 *
 * Part: the sum, and behind it, for AVG and where rows can be taken away or states merged, the
 * number of values in it. Without the number a flag says that there was a value. Integers wrap
 * modulo 2^64 in the state, the result modulo the type's width (SEMANTICS §3.4). A decimal sum
 * beyond 38 digits is an error, or NULL under overflow_is_null (§3.3). */
#include "data/decimal.h"
#include "flow/agg_kernel.h"

enum { FLAG_VALUE = 1, FLAG_OVERFLOWED = 2 };

typedef struct {
    int64_t sum;
    int64_t count;
} sum_i64;
typedef struct {
    double sum;
    int64_t count;
} sum_f64;
typedef struct {
    int64_t sum[2]; /* ps_i128 */
    int64_t count;
} sum_i128;

static int64_t wrap(ps_type_kind kind, int64_t value)
{
    if (kind == PS_TYPE_TINYINT) {
        return (int8_t)value;
    }
    if (kind == PS_TYPE_SMALLINT) {
        return (int16_t)value;
    }
    return kind == PS_TYPE_INT ? (int32_t)value : value;
}

/* ── integers ── */

static inline void add_i64(int64_t *sum, int64_t value, int sign)
{
    uint64_t term = sign > 0 ? (uint64_t)value : 0 - (uint64_t)value;
    *sum = (int64_t)((uint64_t)*sum + term);
}

static inline ps_code apply_i64(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)err;
    add_i64(ps_agg_part(call, state), input->value.i64, sign);
    *ps_agg_flag(call, state) = FLAG_VALUE;
    return PS_OK;
}

static inline ps_code apply_i64_counted(ps_aggregator *aggregator, const ps_agg_call *call,
                                        char *state, const ps_agg_input *input, int sign,
                                        ps_error *err)
{
    (void)aggregator;
    (void)err;
    sum_i64 *part = ps_agg_part(call, state);
    add_i64(&part->sum, input->value.i64, sign);
    part->count += sign;
    return PS_OK;
}

static ps_code update_i64(ps_aggregator *aggregator, const ps_agg_call *call,
                          const ps_agg_rows *rows, ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply_i64, err);
}

static ps_code update_i64_counted(ps_aggregator *aggregator, const ps_agg_call *call,
                                  const ps_agg_rows *rows, ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply_i64_counted, err);
}

static ps_code merge_i64(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                         const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    sum_i64 *to = ps_agg_part(call, into);
    const sum_i64 *part = ps_agg_part(call, from);
    add_i64(&to->sum, part->sum, 1);
    to->count += part->count;
    return PS_OK;
}

static ps_code subtract_i64(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                            const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    sum_i64 *to = ps_agg_part(call, into);
    const sum_i64 *part = ps_agg_part(call, from);
    add_i64(&to->sum, part->sum, -1);
    to->count -= part->count;
    return PS_OK;
}

static ps_code result_i64(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                          ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const int64_t *sum = ps_agg_part(call, state);
    *out = (ps_value){.is_null = *ps_agg_flag(call, state) == 0, .i64 = wrap(call->kind, *sum)};
    return PS_OK;
}

static ps_code result_i64_counted(ps_aggregator *aggregator, const ps_agg_call *call,
                                  const char *state, ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const sum_i64 *part = ps_agg_part(call, state);
    *out = (ps_value){.is_null = part->count == 0, .i64 = wrap(call->kind, part->sum)};
    return PS_OK;
}

static ps_code result_i64_zero(ps_aggregator *aggregator, const ps_agg_call *call,
                               const char *state, ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const int64_t *sum = ps_agg_part(call, state);
    *out = (ps_value){.i64 = wrap(call->kind, *sum)};
    return PS_OK;
}

/* Toward zero (SEMANTICS §4.2). */
static ps_code average_i64(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                           ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const sum_i64 *part = ps_agg_part(call, state);
    *out = (ps_value){.is_null = part->count == 0};
    if (part->count != 0) {
        bool wraps = part->count == -1; /* INT64_MIN / −1 */
        out->i64 = wraps ? (int64_t)(0 - (uint64_t)part->sum) : part->sum / part->count;
        out->i64 = wrap(call->kind, out->i64);
    }
    return PS_OK;
}

static const ps_agg_kernel sum_i64_kernel = {.size = sizeof(int64_t),
                                             .has_flag = true,
                                             .apply = apply_i64,
                                             .update = update_i64,
                                             .result = result_i64};
static const ps_agg_kernel sum_i64_counted_kernel = {.size = sizeof(sum_i64),
                                                     .apply = apply_i64_counted,
                                                     .update = update_i64_counted,
                                                     .merge = merge_i64,
                                                     .subtract = subtract_i64,
                                                     .result = result_i64_counted};
static const ps_agg_kernel sum0_i64_kernel = {.size = sizeof(sum_i64),
                                              .apply = apply_i64_counted,
                                              .update = update_i64_counted,
                                              .merge = merge_i64,
                                              .subtract = subtract_i64,
                                              .result = result_i64_zero};
static const ps_agg_kernel average_i64_kernel = {.size = sizeof(sum_i64),
                                                 .apply = apply_i64_counted,
                                                 .update = update_i64_counted,
                                                 .merge = merge_i64,
                                                 .subtract = subtract_i64,
                                                 .result = average_i64};

/* ── floats: no subtract, it would leave residue in sliding windows ── */

static inline ps_code apply_f64(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)err;
    sum_f64 *part = ps_agg_part(call, state);
    part->sum = sign > 0 ? part->sum + input->value.f64 : part->sum - input->value.f64;
    part->count += sign;
    return PS_OK;
}

/* A FLOAT's sum is rounded to a float at each step. */
static inline ps_code apply_f32(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                const ps_agg_input *input, int sign, ps_error *err)
{
    ps_code code = apply_f64(aggregator, call, state, input, sign, err);
    sum_f64 *part = ps_agg_part(call, state);
    part->sum = (double)(float)part->sum;
    return code;
}

static ps_code update_f64(ps_aggregator *aggregator, const ps_agg_call *call,
                          const ps_agg_rows *rows, ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply_f64, err);
}

static ps_code merge_f64(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                         const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    sum_f64 *to = ps_agg_part(call, into);
    const sum_f64 *part = ps_agg_part(call, from);
    to->sum += part->sum;
    to->count += part->count;
    return PS_OK;
}

static ps_code result_f64(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                          ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const sum_f64 *part = ps_agg_part(call, state);
    double sum = call->kind == PS_TYPE_FLOAT ? (double)(float)part->sum : part->sum;
    *out = (ps_value){.is_null = part->count == 0, .f64 = sum};
    return PS_OK;
}

static ps_code result_f64_zero(ps_aggregator *aggregator, const ps_agg_call *call,
                               const char *state, ps_value *out, ps_error *err)
{
    ps_code code = result_f64(aggregator, call, state, out, err);
    out->is_null = false;
    return code;
}

static ps_code average_f64(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                           ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const sum_f64 *part = ps_agg_part(call, state);
    *out = (ps_value){.is_null = part->count == 0};
    if (part->count != 0) {
        double average = part->sum / (double)part->count;
        out->f64 = call->kind == PS_TYPE_FLOAT ? (double)(float)average : average;
    }
    return PS_OK;
}

static const ps_agg_kernel sum_f64_kernel = {.size = sizeof(sum_f64),
                                             .apply = apply_f64,
                                             .update = update_f64,
                                             .merge = merge_f64,
                                             .result = result_f64};
static const ps_agg_kernel sum_f32_kernel = {
    .size = sizeof(sum_f64), .apply = apply_f32, .merge = merge_f64, .result = result_f64};
static const ps_agg_kernel sum0_f64_kernel = {.size = sizeof(sum_f64),
                                              .apply = apply_f64,
                                              .update = update_f64,
                                              .merge = merge_f64,
                                              .result = result_f64_zero};
static const ps_agg_kernel average_f64_kernel = {.size = sizeof(sum_f64),
                                                 .apply = apply_f64,
                                                 .update = update_f64,
                                                 .merge = merge_f64,
                                                 .result = average_f64};

/* ── decimals ── */

static ps_code overflowed(const char *function, ps_error *err)
{
    return ps_error_set(err, PS_E_INVALID,
                        "%s of DECIMAL has more than 38 digits "
                        "(SET 'paystream.compat.overflow' = 'flink' gives NULL instead)",
                        function);
}

static inline bool add_decimal(ps_i128 *sum, ps_i128 value, int sign)
{
    /* Both have at most 38 digits, so this cannot wrap: 2 × 10^38 > 2^127, hence the builtin. */
    ps_i128 made;
    bool wraps = sign > 0 ? __builtin_add_overflow(*sum, value, &made)
                          : __builtin_sub_overflow(*sum, value, &made);
    if (wraps || !ps_decimal_fits(made, PS_DECIMAL_PRECISION_MAX)) {
        return false;
    }
    *sum = made;
    return true;
}

/* An overflowed sum is NULL and begins anew with the next value; an overflowed average stays NULL
 * (SEMANTICS §3.3). */
static inline ps_code add_to_sum(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                 ps_i128 value, int sign, ps_error *err)
{
    sum_i128 *part = ps_agg_part(call, state);
    uint8_t *flag = ps_agg_flag(call, state);
    ps_i128 sum = ps_agg_get_i128(part->sum);
    if (add_decimal(&sum, value, sign)) {
        ps_agg_put_i128(part->sum, sum);
        *flag = FLAG_VALUE;
        return PS_OK;
    }
    if (!aggregator->overflow_is_null) {
        return overflowed("SUM", err);
    }
    ps_agg_put_i128(part->sum, 0);
    *flag = FLAG_OVERFLOWED;
    return PS_OK;
}

static inline ps_code apply_decimal(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                                    const ps_agg_input *input, int sign, ps_error *err)
{
    ps_i128 value = call->phys == PS_PHYS_I64 ? input->value.i64 : input->value.i128;
    return add_to_sum(aggregator, call, state, value, sign, err);
}

static inline ps_code apply_decimal_counted(ps_aggregator *aggregator, const ps_agg_call *call,
                                            char *state, const ps_agg_input *input, int sign,
                                            ps_error *err)
{
    ps_code code = apply_decimal(aggregator, call, state, input, sign, err);
    if (code == PS_OK) {
        ((sum_i128 *)ps_agg_part(call, state))->count += sign;
    }
    return code;
}

static inline ps_code apply_decimal_average(ps_aggregator *aggregator, const ps_agg_call *call,
                                            char *state, const ps_agg_input *input, int sign,
                                            ps_error *err)
{
    sum_i128 *part = ps_agg_part(call, state);
    if (*ps_agg_flag(call, state) == FLAG_OVERFLOWED) {
        part->count += sign;
        return PS_OK;
    }
    return apply_decimal_counted(aggregator, call, state, input, sign, err);
}

static ps_code update_decimal(ps_aggregator *aggregator, const ps_agg_call *call,
                              const ps_agg_rows *rows, ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply_decimal, err);
}

static ps_code update_decimal_counted(ps_aggregator *aggregator, const ps_agg_call *call,
                                      const ps_agg_rows *rows, ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply_decimal_counted, err);
}

static ps_code merge_decimal(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                             const char *from, ps_error *err)
{
    const sum_i128 *part = ps_agg_part(call, from);
    uint8_t flag = *ps_agg_flag(call, from);
    ps_code code = PS_OK;
    if (flag == FLAG_OVERFLOWED) {
        ps_agg_put_i128(((sum_i128 *)ps_agg_part(call, into))->sum, 0);
        *ps_agg_flag(call, into) = FLAG_OVERFLOWED;
    } else if (flag == FLAG_VALUE) {
        code = add_to_sum(aggregator, call, into, ps_agg_get_i128(part->sum), 1, err);
    }
    if (code == PS_OK) {
        ((sum_i128 *)ps_agg_part(call, into))->count += part->count;
    }
    return code;
}

static ps_code subtract_decimal(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                                const char *from, ps_error *err)
{
    const sum_i128 *part = ps_agg_part(call, from);
    ps_code code = add_to_sum(aggregator, call, into, ps_agg_get_i128(part->sum), -1, err);
    if (code == PS_OK) {
        ((sum_i128 *)ps_agg_part(call, into))->count -= part->count;
    }
    return code;
}

static ps_code result_decimal(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                              ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const sum_i128 *part = ps_agg_part(call, state);
    *out = (ps_value){.is_null = *ps_agg_flag(call, state) != FLAG_VALUE};
    out->i128 = ps_agg_get_i128(part->sum);
    return PS_OK;
}

static ps_code result_decimal_counted(ps_aggregator *aggregator, const ps_agg_call *call,
                                      const char *state, ps_value *out, ps_error *err)
{
    ps_code code = result_decimal(aggregator, call, state, out, err);
    out->is_null = out->is_null || ((const sum_i128 *)ps_agg_part(call, state))->count == 0;
    return code;
}

static ps_code result_decimal_zero(ps_aggregator *aggregator, const ps_agg_call *call,
                                   const char *state, ps_value *out, ps_error *err)
{
    ps_code code = result_decimal(aggregator, call, state, out, err);
    out->is_null = *ps_agg_flag(call, state) == FLAG_OVERFLOWED;
    return code;
}

static ps_code average_decimal(ps_aggregator *aggregator, const ps_agg_call *call,
                               const char *state, ps_value *out, ps_error *err)
{
    const sum_i128 *part = ps_agg_part(call, state);
    *out = (ps_value){.is_null = true};
    if (part->count == 0 || *ps_agg_flag(call, state) != FLAG_VALUE) {
        return PS_OK;
    }
    ps_i128 average;
    if (ps_decimal_divide(ps_agg_get_i128(part->sum), call->spec->argument_types[0]->scale,
                          part->count, 0, call->spec->result->scale, &average)) {
        *out = (ps_value){.i128 = average};
        return PS_OK;
    }
    return aggregator->overflow_is_null ? PS_OK : overflowed("AVG", err);
}

static const ps_agg_kernel sum_decimal_kernel = {.size = 2 * sizeof(int64_t),
                                                 .has_flag = true,
                                                 .apply = apply_decimal,
                                                 .update = update_decimal,
                                                 .result = result_decimal};
static const ps_agg_kernel sum_decimal_counted_kernel = {.size = sizeof(sum_i128),
                                                         .has_flag = true,
                                                         .apply = apply_decimal_counted,
                                                         .update = update_decimal_counted,
                                                         .merge = merge_decimal,
                                                         .subtract = subtract_decimal,
                                                         .result = result_decimal_counted};
static const ps_agg_kernel sum0_decimal_kernel = {.size = sizeof(sum_i128),
                                                  .has_flag = true,
                                                  .apply = apply_decimal_counted,
                                                  .update = update_decimal_counted,
                                                  .merge = merge_decimal,
                                                  .subtract = subtract_decimal,
                                                  .result = result_decimal_zero};
static const ps_agg_kernel average_decimal_kernel = {.size = sizeof(sum_i128),
                                                     .has_flag = true,
                                                     .apply = apply_decimal_average,
                                                     .merge = merge_decimal,
                                                     .subtract = subtract_decimal,
                                                     .result = average_decimal};

/* ── choice ── */

const ps_agg_kernel *ps_agg_sum_kernel(const ps_aggregate_call *call, bool counts, bool is_zero)
{
    const ps_type *type = call->argument_types[0];
    if (type->kind == PS_TYPE_DECIMAL) {
        return is_zero  ? &sum0_decimal_kernel
               : counts ? &sum_decimal_counted_kernel
                        : &sum_decimal_kernel;
    }
    if (type->kind == PS_TYPE_FLOAT) {
        return is_zero ? &sum0_f64_kernel : &sum_f32_kernel;
    }
    if (type->kind == PS_TYPE_DOUBLE) {
        return is_zero ? &sum0_f64_kernel : &sum_f64_kernel;
    }
    return is_zero ? &sum0_i64_kernel : counts ? &sum_i64_counted_kernel : &sum_i64_kernel;
}

const ps_agg_kernel *ps_agg_average_kernel(const ps_aggregate_call *call)
{
    const ps_type *type = call->argument_types[0];
    if (type->kind == PS_TYPE_DECIMAL) {
        return &average_decimal_kernel;
    }
    bool is_float = type->kind == PS_TYPE_FLOAT || type->kind == PS_TYPE_DOUBLE;
    return is_float ? &average_f64_kernel : &average_i64_kernel;
}
