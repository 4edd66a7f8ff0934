/* ABS, ROUND, FLOOR, CEIL, SIGN and the functions of the C library's math. */
#include <math.h>

#include "data/decimal.h"
#include "expr/kernel.h"

/* ── DOUBLE to DOUBLE ── */

typedef double (*math_function)(double);

typedef struct {
    math_function function;
} math_state;

static double degrees(double x)
{
    return x * (180.0 / M_PI);
}
static double radians(double x)
{
    return x / 180.0 * M_PI;
}
static double cotangent(double x)
{
    return 1.0 / tan(x);
}

static const struct {
    const char *name;
    math_function function;
} math_functions[] = {{"SQRT", sqrt},      {"LN", log},    {"LOG10", log10}, {"LOG2", log2},
                      {"EXP", exp},        {"SIN", sin},   {"COS", cos},     {"TAN", tan},
                      {"COT", cotangent},  {"ASIN", asin}, {"ACOS", acos},   {"ATAN", atan},
                      {"SINH", sinh},      {"COSH", cosh}, {"TANH", tanh},   {"DEGREES", degrees},
                      {"RADIANS", radians}};

static ps_code kernel_math(ps_step *step, ps_run *run)
{
    const math_state *state = step->state;
    ps_step_join_valid(step, run);
    for (uint32_t i = 0; i < run->count; i++) {
        step->out->column.f64[i] = state->function(step->arguments[0]->column.f64[i]);
    }
    return PS_OK;
}

static ps_code prepare_math(ps_preparation *p)
{
    math_state *state = ps_arena_take(p->arena, sizeof *state);
    if (state == NULL) {
        return ps_expr_no_memory(p->err);
    }
    for (size_t i = 0; i < sizeof math_functions / sizeof math_functions[0]; i++) {
        if (strcmp(math_functions[i].name, p->step->function->entry.name) == 0) {
            state->function = math_functions[i].function;
        }
    }
    PS_ASSERT(state->function != NULL);
    p->step->state = state;
    p->step->kernel = kernel_math;
    return PS_OK;
}

static ps_code row_power(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    out->f64 = pow(arguments[0].f64, arguments[1].f64);
    return PS_OK;
}

static ps_code row_atan2(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    out->f64 = atan2(arguments[0].f64, arguments[1].f64);
    return PS_OK;
}

/* LOG(x), LOG(base, x) */
static ps_code row_log(ps_call *call, const ps_value *arguments, ps_value *out)
{
    out->f64 = call->step->argument_count == 1 ? log(arguments[0].f64)
                                               : log(arguments[1].f64) / log(arguments[0].f64);
    return PS_OK;
}

static ps_code row_pi(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)arguments;
    out->f64 = call->step->function->entry.name[0] == 'P' ? M_PI : M_E;
    return PS_OK;
}

/* ── of every number type ── */

static int64_t wrap(uint64_t value, ps_type_kind kind)
{
    int shift = kind == PS_TYPE_TINYINT    ? 56
                : kind == PS_TYPE_SMALLINT ? 48
                : kind == PS_TYPE_INT      ? 32
                                           : 0;
    return (int64_t)(value << shift) >> shift;
}

static ps_i128 wide_of(const ps_type *type, const ps_value *value)
{
    return ps_type_phys(type) == PS_PHYS_I128 ? value->i128 : value->i64;
}

/* As a value of the DECIMAL type of the result. */
static ps_code put_decimal(ps_call *call, ps_i128 value, ps_value *out)
{
    const ps_type *type = call->step->type;
    if (!ps_decimal_fits(value, type->precision)) {
        out->is_null = call->step->number[3] != 0;
        return out->is_null
                   ? PS_OK
                   : ps_error_set(call->run->err, PS_E_INVALID,
                                  "%s: the result does not fit into DECIMAL(%d, %d)",
                                  call->step->function->entry.name, type->precision, type->scale);
    }
    if (ps_type_phys(type) == PS_PHYS_I64) {
        out->i64 = (int64_t)value;
    } else {
        out->i128 = value;
    }
    return PS_OK;
}

static ps_code row_abs(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *type = call->step->type;
    *out = arguments[0];
    if (ps_type_phys(type) == PS_PHYS_F64) {
        out->f64 = fabs(out->f64);
    } else if (ps_type_phys(type) == PS_PHYS_I128) {
        out->i128 = out->i128 < 0 ? -out->i128 : out->i128;
    } else if (out->i64 < 0) {
        out->i64 = wrap(0 - (uint64_t)out->i64, type->kind);
    }
    return PS_OK;
}

static ps_code row_sign(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *type = call->step->type;
    if (ps_type_phys(type) == PS_PHYS_F64) {
        double x = arguments[0].f64;
        out->f64 = x > 0 ? 1 : x < 0 ? -1 : x;
        return PS_OK;
    }
    ps_i128 x = wide_of(type, &arguments[0]);
    ps_i128 sign = (x > 0) - (x < 0);
    if (type->kind == PS_TYPE_DECIMAL) {
        return put_decimal(call, sign * ps_decimal_power(type->scale), out);
    }
    out->i64 = (int64_t)sign;
    return PS_OK;
}

static ps_code prepare_number(ps_preparation *p)
{
    p->step->number[3] = p->context->overflow_is_null ? 1 : 0;
    p->step->can_fail = p->step->type->kind == PS_TYPE_DECIMAL;
    return PS_OK;
}

static ps_code resolve_same(ps_resolution *r)
{
    bool takes = r->count == 1 && ps_type_is_numeric(r->arguments[0]->type);
    return takes ? ps_resolution_type(r, r->arguments[0]->type) : ps_resolution_mismatch(r);
}

/* ── rounding ── */

typedef enum { ROUND_HALF_UP, ROUND_DOWN } rounding;

/* `value` of scale `from` to `digits` places behind the point (before it when negative), kept in
 * scale `to`; false: too big. */
static bool round_decimal(ps_i128 value, int from, int64_t digits, int to, rounding how,
                          ps_i128 *out)
{
    if (digits >= from) {
        return ps_decimal_rescale(value, from, to, out);
    }
    int64_t cut = from - digits;
    if (cut > PS_DECIMAL_PRECISION_MAX) {
        *out = 0;
        return true;
    }
    ps_i128 unit = ps_decimal_power((int)cut);
    ps_i128 whole = value / unit, rest = value % unit;
    if (how == ROUND_HALF_UP && (rest >= 0 ? rest : -rest) >= unit / 2) {
        whole += value < 0 ? -1 : 1;
    }
    if (digits >= 0) {
        return ps_decimal_rescale(whole, (int)digits, to, out);
    }
    ps_i128 scaled = 0;
    bool fits = ps_decimal_multiply(whole, 0, ps_decimal_power((int)-digits), 0, 0, &scaled);
    return fits && ps_decimal_rescale(scaled, 0, to, out);
}

/* Java: BigDecimal.valueOf(x).setScale(digits, …).doubleValue() */
static double round_double(double value, int64_t digits, rounding how)
{
    enum { PLACES_MAX = 18 };
    ps_i128 unscaled = 0, rounded = 0;
    if (!isfinite(value) || digits > PLACES_MAX ||
        !ps_decimal_from_double(value, PS_DECIMAL_PRECISION_MAX, PLACES_MAX, &unscaled)) {
        return value;
    }
    return round_decimal(unscaled, PLACES_MAX, digits, PLACES_MAX, how, &rounded)
               ? ps_decimal_to_double(rounded, PLACES_MAX)
               : value;
}

static ps_code row_round(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *from = call->step->types[0], *type = call->step->type;
    int64_t digits = call->step->argument_count > 1 ? arguments[1].i64 : 0;
    rounding how = call->step->function->entry.name[0] == 'T' ? ROUND_DOWN : ROUND_HALF_UP;
    if (ps_type_phys(type) == PS_PHYS_F64) {
        out->f64 = round_double(arguments[0].f64, digits, how);
        return PS_OK;
    }
    int from_scale = from->kind == PS_TYPE_DECIMAL ? from->scale : 0;
    int to_scale = type->kind == PS_TYPE_DECIMAL ? type->scale : 0;
    ps_i128 result = 0;
    if (!round_decimal(wide_of(from, &arguments[0]), from_scale, digits, to_scale, how, &result)) {
        result = ps_decimal_power(PS_DECIMAL_PRECISION_MAX); /* fits nothing */
    }
    if (type->kind == PS_TYPE_DECIMAL) {
        return put_decimal(call, result, out);
    }
    out->i64 = wrap((uint64_t)result, type->kind);
    return PS_OK;
}

/* SEMANTICS §3.2; a number of digits that is not constant keeps the type. */
static ps_code resolve_round(ps_resolution *r)
{
    if (r->count < 1 || r->count > 2 || !ps_type_is_numeric(r->arguments[0]->type)) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *type = r->arguments[0]->type;
    bool nullable = ps_resolution_any_nullable(r);
    int64_t digits = 0;
    if (r->count == 2) {
        const ps_expr *argument = r->arguments[1];
        if (!ps_type_is_integer(argument->type)) {
            return ps_resolution_mismatch(r);
        }
        bool is_constant = argument->kind == PS_EXPR_CONSTANT && !argument->constant.is_null;
        digits = is_constant ? argument->constant.i64 : PS_DECIMAL_PRECISION_MAX;
    }
    if (type->kind != PS_TYPE_DECIMAL || digits >= type->scale) {
        return ps_resolution_type(r, ps_type_with_nullable(r->context->arena, type, nullable));
    }
    int precision = 1 + type->precision - type->scale + (digits > 0 ? (int)digits : 0);
    precision = precision > PS_DECIMAL_PRECISION_MAX ? PS_DECIMAL_PRECISION_MAX : precision;
    return ps_resolution_type(
        r, ps_type_decimal(r->context->arena, precision, digits > 0 ? (int)digits : 0, nullable));
}

/* Of a number; of a time to a unit: fn_time_parts.c. */
ps_code ps_row_floor_number(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *from = call->step->types[0];
    bool up = call->step->function->entry.name[0] == 'C';
    if (ps_type_phys(from) == PS_PHYS_F64) {
        out->f64 = up ? ceil(arguments[0].f64) : floor(arguments[0].f64);
        return PS_OK;
    }
    if (from->kind != PS_TYPE_DECIMAL) {
        *out = arguments[0];
        return PS_OK;
    }
    ps_i128 value = wide_of(from, &arguments[0]), unit = ps_decimal_power(from->scale);
    ps_i128 whole = value / unit;
    whole += value % unit == 0 ? 0 : up ? value > 0 : -(ps_i128)(value < 0);
    return put_decimal(call, whole, out);
}

/* ── HEX, BIN ── */

static ps_code row_hex(ps_call *call, const ps_value *arguments, ps_value *out)
{
    static const char digits[] = "0123456789ABCDEF";
    ps_buf *buf = ps_call_scratch(call);
    if (ps_type_is_integer(call->step->types[0])) {
        ps_buf_append_format(buf, "%llX", (unsigned long long)arguments[0].i64);
        return ps_call_finish(call, out);
    }
    for (size_t i = 0; i < arguments[0].text.size; i++) {
        uint8_t byte = (uint8_t)arguments[0].text.data[i];
        ps_buf_append_char(buf, digits[byte >> 4]);
        ps_buf_append_char(buf, digits[byte & 15]);
    }
    return ps_call_finish(call, out);
}

static ps_code row_bin(ps_call *call, const ps_value *arguments, ps_value *out)
{
    uint64_t value = (uint64_t)arguments[0].i64;
    int bits = value == 0 ? 1 : 64 - __builtin_clzll(value);
    ps_buf *buf = ps_call_scratch(call);
    while (bits-- > 0) {
        ps_buf_append_char(buf, (value >> bits & 1) != 0 ? '1' : '0');
    }
    return ps_call_finish(call, out);
}

#define MATH(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Numbers", true}
#define DOUBLE_TO_DOUBLE(NAME, SUMMARY)                                                            \
    {                                                                                              \
        MATH(NAME, NAME "(NUMBER) → DOUBLE", SUMMARY), .pattern = "d>d", .prepare = prepare_math   \
    }

static const ps_function functions[] = {
    {MATH("ABS", "ABS(NUMBER) → NUMBER", "The number without its sign."), .resolve = resolve_same,
     .row = row_abs},
    {MATH("SIGN", "SIGN(NUMBER) → NUMBER", "-1, 0 or 1, in the argument's type."),
     .resolve = resolve_same, .row = row_sign, .prepare = prepare_number, .flags = PS_CAN_FAIL},
    {MATH("ROUND", "ROUND(NUMBER[, INT digits]) → NUMBER",
          "Rounded half away from zero to digits behind the point, before it when negative."),
     .resolve = resolve_round, .row = row_round, .prepare = prepare_number, .flags = PS_CAN_FAIL},
    {MATH("TRUNCATE", "TRUNCATE(NUMBER[, INT digits]) → NUMBER",
          "Cut to digits behind the point, before it when negative."),
     .resolve = resolve_round, .row = row_round, .prepare = prepare_number, .flags = PS_CAN_FAIL},
    {MATH("POWER", "POWER(NUMBER, NUMBER) → DOUBLE", "The first to the power of the second."),
     .pattern = "dd>d", .row = row_power},
    {MATH("LOG", "LOG([NUMBER base, ]NUMBER) → DOUBLE", "The logarithm to the base, else e."),
     .pattern = "d>d|dd>d", .row = row_log},
    {MATH("ATAN2", "ATAN2(NUMBER y, NUMBER x) → DOUBLE", "The angle of a point."),
     .pattern = "dd>d", .row = row_atan2},
    {MATH("PI", "PI() → DOUBLE", "3.141592653589793."), .pattern = ">d", .row = row_pi},
    {MATH("E", "E() → DOUBLE", "2.718281828459045."), .pattern = ">d", .row = row_pi},
    DOUBLE_TO_DOUBLE("SQRT", "The square root; NaN of a negative number."),
    DOUBLE_TO_DOUBLE("LN", "The natural logarithm."),
    DOUBLE_TO_DOUBLE("LOG10", "The logarithm to the base of ten."),
    DOUBLE_TO_DOUBLE("LOG2", "The logarithm to the base of two."),
    DOUBLE_TO_DOUBLE("EXP", "e to the power of the number."),
    DOUBLE_TO_DOUBLE("SIN", "The sine."),
    DOUBLE_TO_DOUBLE("COS", "The cosine."),
    DOUBLE_TO_DOUBLE("TAN", "The tangent."),
    DOUBLE_TO_DOUBLE("COT", "The cotangent."),
    DOUBLE_TO_DOUBLE("ASIN", "The arc sine."),
    DOUBLE_TO_DOUBLE("ACOS", "The arc cosine."),
    DOUBLE_TO_DOUBLE("ATAN", "The arc tangent."),
    DOUBLE_TO_DOUBLE("SINH", "The hyperbolic sine."),
    DOUBLE_TO_DOUBLE("COSH", "The hyperbolic cosine."),
    DOUBLE_TO_DOUBLE("TANH", "The hyperbolic tangent."),
    DOUBLE_TO_DOUBLE("DEGREES", "Radians as degrees."),
    DOUBLE_TO_DOUBLE("RADIANS", "Degrees as radians."),
    {MATH("HEX", "HEX(INT | STRING) → STRING", "Hexadecimal digits of the number or the bytes."),
     .pattern = "i>s|s>s", .row = row_hex},
    {MATH("BIN", "BIN(INT) → STRING", "Binary digits of the number."), .pattern = "i>s",
     .row = row_bin},
};

const ps_function_family ps_family_math = {functions, sizeof functions / sizeof functions[0]};
