/* + - * / % and unary minus over integers, FLOAT, DOUBLE and DECIMAL, and dates with intervals.
 *
 * Integers wrap at the width of their type. DECIMAL results have the types of SEMANTICS §3.2; where
 * the result's precision holds every result, the loop has no check.
 */
#include <math.h>

#include "data/datetime.h"
#include "data/decimal.h"
#include "expr/kernel.h"

typedef enum { OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_REMAINDER } arithmetic_op;

enum { NUMBER_OP, NUMBER_SHIFT, NUMBER_A, NUMBER_B };

static arithmetic_op op_of(const char *name)
{
    switch (name[0]) {
    case '+':
        return OP_ADD;
    case '-':
        return OP_SUBTRACT;
    case '*':
        return OP_MULTIPLY;
    case '/':
        return OP_DIVIDE;
    default:
        return OP_REMAINDER;
    }
}

/* ── integers ── */

/* Bits above the type's width are the sign's. */
static inline int64_t wrap(uint64_t value, int64_t shift)
{
    return (int64_t)(value << shift) >> shift;
}

static int64_t wrap_shift(const ps_type *type)
{
    switch (type->kind) {
    case PS_TYPE_TINYINT:
        return 56;
    case PS_TYPE_SMALLINT:
        return 48;
    case PS_TYPE_INT:
        return 32;
    default:
        return 0;
    }
}

#define INTEGER_LOOPS(NAME, OPERATOR)                                                              \
    static void NAME(const ps_step *step, uint32_t count)                                          \
    {                                                                                              \
        const ps_vector *a = step->arguments[0], *b = step->arguments[1];                          \
        int64_t *out = step->out->column.i64, shift = step->number[NUMBER_SHIFT];                  \
        if (b->constant != NULL) {                                                                 \
            uint64_t y = (uint64_t)b->constant->i64;                                               \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = wrap((uint64_t)a->column.i64[i] OPERATOR y, shift);                       \
            }                                                                                      \
        } else if (a->constant != NULL) {                                                          \
            uint64_t x = (uint64_t)a->constant->i64;                                               \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = wrap(x OPERATOR(uint64_t) b->column.i64[i], shift);                       \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] =                                                                           \
                    wrap((uint64_t)a->column.i64[i] OPERATOR(uint64_t) b->column.i64[i], shift);   \
            }                                                                                      \
        }                                                                                          \
    }
INTEGER_LOOPS(integer_add, +)
INTEGER_LOOPS(integer_subtract, -)
INTEGER_LOOPS(integer_multiply, *)

static inline int64_t i64_at(const ps_vector *v, uint32_t row)
{
    return v->constant != NULL ? v->constant->i64 : v->column.i64[row];
}

static ps_code division_by_zero(ps_step *step, ps_run *run, uint32_t row)
{
    run->failed_row = row;
    return ps_error_set(run->err, PS_E_INVALID, "%s: division by zero", step->function->entry.name);
}

static bool is_needed(const uint64_t *active, uint32_t row)
{
    return active == NULL || ps_bit(active, row);
}

static ps_code integer_divide(ps_step *step, ps_run *run, bool remainder)
{
    const ps_vector *a = step->arguments[0], *b = step->arguments[1];
    const uint64_t *active = ps_step_active(step, run);
    int64_t *out = step->out->column.i64, shift = step->number[NUMBER_SHIFT];
    for (uint32_t row = 0; row < run->count; row++) {
        int64_t x = i64_at(a, row), y = i64_at(b, row);
        if (y == 0) {
            if (is_needed(active, row)) {
                return division_by_zero(step, run, row);
            }
            out[row] = 0;
        } else if (y == -1) { /* the least value has no opposite: it wraps to itself */
            out[row] = remainder ? 0 : wrap(0 - (uint64_t)x, shift);
        } else {
            out[row] = remainder ? x % y : wrap((uint64_t)(x / y), shift);
        }
    }
    return PS_OK;
}

static ps_code kernel_integer(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    switch ((arithmetic_op)step->number[NUMBER_OP]) {
    case OP_ADD:
        integer_add(step, run->count);
        return PS_OK;
    case OP_SUBTRACT:
        integer_subtract(step, run->count);
        return PS_OK;
    case OP_MULTIPLY:
        integer_multiply(step, run->count);
        return PS_OK;
    case OP_DIVIDE:
        return integer_divide(step, run, false);
    case OP_REMAINDER:
        return integer_divide(step, run, true);
    }
    return PS_OK;
}

/* ── FLOAT, DOUBLE ── */

#define FLOAT_LOOPS(NAME, OPERATOR)                                                                \
    static void NAME(const ps_step *step, uint32_t count)                                          \
    {                                                                                              \
        const ps_vector *a = step->arguments[0], *b = step->arguments[1];                          \
        double *out = step->out->column.f64;                                                       \
        if (b->constant != NULL) {                                                                 \
            double y = b->constant->f64;                                                           \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = a->column.f64[i] OPERATOR y;                                              \
            }                                                                                      \
        } else if (a->constant != NULL) {                                                          \
            double x = a->constant->f64;                                                           \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = x OPERATOR b->column.f64[i];                                              \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = a->column.f64[i] OPERATOR b->column.f64[i];                               \
            }                                                                                      \
        }                                                                                          \
    }
FLOAT_LOOPS(float_add, +)
FLOAT_LOOPS(float_subtract, -)
FLOAT_LOOPS(float_multiply, *)
FLOAT_LOOPS(float_divide, /)

static ps_code kernel_float(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    switch ((arithmetic_op)step->number[NUMBER_OP]) {
    case OP_ADD:
        float_add(step, run->count);
        break;
    case OP_SUBTRACT:
        float_subtract(step, run->count);
        break;
    case OP_MULTIPLY:
        float_multiply(step, run->count);
        break;
    case OP_DIVIDE:
        float_divide(step, run->count);
        break;
    case OP_REMAINDER:
        break; /* refused when it was resolved */
    }
    if (step->type->kind == PS_TYPE_FLOAT) {
        for (uint32_t i = 0; i < run->count; i++) {
            step->out->column.f64[i] = (double)(float)step->out->column.f64[i];
        }
    }
    return PS_OK;
}

/* ── DECIMAL ── */

static inline ps_i128 wide_at(const ps_vector *v, uint32_t row)
{
    if (v->repr == PS_REPR_I64) {
        return i64_at(v, row);
    }
    return v->constant != NULL ? v->constant->i128 : v->column.i128[row];
}

/* a·A ± b·B in 64 bits: the result's precision is at most 18 and holds every result. */
static void decimal_add_narrow(const ps_step *step, uint32_t count)
{
    const ps_vector *a = step->arguments[0], *b = step->arguments[1];
    uint64_t fa = (uint64_t)step->number[NUMBER_A], fb = (uint64_t)step->number[NUMBER_B];
    int64_t *out = step->out->column.i64;
    if (b->constant != NULL) {
        uint64_t y = (uint64_t)b->constant->i64 * fb;
        for (uint32_t i = 0; i < count; i++) {
            out[i] = (int64_t)((uint64_t)a->column.i64[i] * fa + y);
        }
    } else if (a->constant != NULL) {
        uint64_t x = (uint64_t)a->constant->i64 * fa;
        for (uint32_t i = 0; i < count; i++) {
            out[i] = (int64_t)(x + (uint64_t)b->column.i64[i] * fb);
        }
    } else {
        for (uint32_t i = 0; i < count; i++) {
            out[i] = (int64_t)((uint64_t)a->column.i64[i] * fa + (uint64_t)b->column.i64[i] * fb);
        }
    }
}

static ps_code kernel_decimal_add_narrow(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    decimal_add_narrow(step, run->count);
    return PS_OK;
}

static ps_code kernel_decimal_multiply_narrow(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    integer_multiply(step, run->count);
    return PS_OK;
}

/* Operands of 64 bits, result of 128, every result fits. */
static ps_code kernel_decimal_widen(ps_step *step, ps_run *run)
{
    const ps_vector *a = step->arguments[0], *b = step->arguments[1];
    ps_i128 *out = step->out->column.i128;
    ps_step_join_valid(step, run);
    if ((arithmetic_op)step->number[NUMBER_OP] == OP_MULTIPLY) {
        for (uint32_t i = 0; i < run->count; i++) {
            out[i] = (ps_i128)i64_at(a, i) * i64_at(b, i);
        }
        return PS_OK;
    }
    ps_i128 fa = step->number[NUMBER_A], fb = step->number[NUMBER_B];
    for (uint32_t i = 0; i < run->count; i++) {
        out[i] = i64_at(a, i) * fa + i64_at(b, i) * fb;
    }
    return PS_OK;
}

static bool decimal_apply(const ps_step *step, ps_i128 x, ps_i128 y, ps_i128 *out)
{
    int a_scale = (int)step->number[NUMBER_A], b_scale = (int)step->number[NUMBER_B];
    int scale = step->type->scale;
    switch ((arithmetic_op)step->number[NUMBER_OP]) {
    case OP_ADD:
        return ps_decimal_add(x, a_scale, y, b_scale, scale, out);
    case OP_SUBTRACT:
        return ps_decimal_subtract(x, a_scale, y, b_scale, scale, out);
    case OP_MULTIPLY:
        return ps_decimal_multiply(x, a_scale, y, b_scale, scale, out);
    case OP_DIVIDE:
        return ps_decimal_divide(x, a_scale, y, b_scale, scale, out);
    case OP_REMAINDER:
        return ps_decimal_remainder(x, a_scale, y, b_scale, scale, out);
    }
    return false;
}

static ps_code overflow(ps_step *step, ps_run *run, uint32_t row)
{
    if (step->number[NUMBER_SHIFT] != 0) { /* overflow_is_null */
        ps_valid_clear(ps_step_own_valid(step, run), row);
        return PS_OK;
    }
    run->failed_row = row;
    return ps_error_set(run->err, PS_E_INVALID,
                        "%s: the result does not fit into DECIMAL(%d, %d); "
                        "paystream.compat.overflow = flink would make it NULL",
                        step->function->entry.name, step->type->precision, step->type->scale);
}

static bool is_row_needed(const ps_step *step, uint32_t row)
{
    const uint64_t *valid = step->out->column.valid;
    return (valid == NULL || ps_bit(valid, row)) &&
           (step->mask == NULL || ps_bit(step->mask->bits, row));
}

/* Every case, row by row. */
static ps_code kernel_decimal(ps_step *step, ps_run *run)
{
    ps_vector *out = step->out;
    arithmetic_op op = (arithmetic_op)step->number[NUMBER_OP];
    ps_step_join_valid(step, run);
    for (uint32_t row = 0; row < run->count; row++) {
        ps_i128 result = 0;
        if (is_row_needed(step, row)) {
            ps_i128 x = wide_at(step->arguments[0], row), y = wide_at(step->arguments[1], row);
            if (y == 0 && (op == OP_DIVIDE || op == OP_REMAINDER)) {
                return division_by_zero(step, run, row);
            }
            if (!decimal_apply(step, x, y, &result) ||
                !ps_decimal_fits(result, step->type->precision)) {
                result = 0;
                ps_code code = overflow(step, run, row);
                if (code != PS_OK) {
                    return code;
                }
            }
        }
        if (out->repr == PS_REPR_I64) {
            out->column.i64[row] = (int64_t)result;
        } else {
            out->column.i128[row] = result;
        }
    }
    return PS_OK;
}

static int scale_of(const ps_type *type)
{
    return type->kind == PS_TYPE_DECIMAL ? type->scale : 0;
}

static int precision_of(const ps_type *type)
{
    switch (type->kind) {
    case PS_TYPE_DECIMAL:
        return type->precision;
    case PS_TYPE_TINYINT:
        return 3;
    case PS_TYPE_SMALLINT:
        return 5;
    case PS_TYPE_INT:
        return 10;
    default:
        return 19;
    }
}

static int max_of(int a, int b)
{
    return a > b ? a : b;
}
static int min_of(int a, int b)
{
    return a < b ? a : b;
}

/* The digits that the exact result needs: when the type has them, nothing can overflow. */
static int digits_needed(arithmetic_op op, const ps_type *a, const ps_type *b)
{
    int s1 = scale_of(a), s2 = scale_of(b), p1 = precision_of(a), p2 = precision_of(b);
    return op == OP_MULTIPLY ? p1 + p2 : max_of(p1 - s1, p2 - s2) + max_of(s1, s2) + 1;
}

static void choose_decimal_kernel(ps_preparation *p, arithmetic_op op)
{
    ps_step *step = p->step;
    const ps_type *a = step->types[0], *b = step->types[1], *type = step->type;
    int s1 = scale_of(a), s2 = scale_of(b);
    int exact_scale = op == OP_MULTIPLY ? s1 + s2 : max_of(s1, s2);
    bool is_exact = op <= OP_MULTIPLY && type->scale == exact_scale &&
                    digits_needed(op, a, b) <= type->precision;
    bool narrow = ps_type_phys(a) == PS_PHYS_I64 && ps_type_phys(b) == PS_PHYS_I64;
    step->kernel = kernel_decimal;
    step->number[NUMBER_A] = s1;
    step->number[NUMBER_B] = s2;
    step->number[NUMBER_SHIFT] = p->context->overflow_is_null ? 1 : 0;
    if (!is_exact || !narrow || exact_scale > 18) {
        return;
    }
    step->can_fail = false;
    step->number[NUMBER_SHIFT] = 0;
    bool narrow_result = ps_type_phys(type) == PS_PHYS_I64;
    if (op == OP_MULTIPLY) {
        step->kernel = narrow_result ? kernel_decimal_multiply_narrow : kernel_decimal_widen;
        return;
    }
    step->number[NUMBER_A] = (int64_t)ps_decimal_power(exact_scale - s1);
    step->number[NUMBER_B] = (int64_t)ps_decimal_power(exact_scale - s2);
    step->number[NUMBER_B] *= op == OP_SUBTRACT ? -1 : 1;
    step->kernel = narrow_result ? kernel_decimal_add_narrow : kernel_decimal_widen;
}

/* ── points in time and intervals ── */

static ps_code row_add_months(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_step *step = call->step;
    int64_t months = arguments[1].i64;
    months = step->number[NUMBER_OP] == OP_SUBTRACT ? -months : months;
    if (step->type->kind == PS_TYPE_DATE) {
        out->i64 = ps_days_add_months(arguments[0].i64, months);
        return PS_OK;
    }
    int64_t day = step->number[NUMBER_A]; /* ticks of a day */
    int64_t days = arguments[0].i64 / day - (arguments[0].i64 % day < 0);
    int64_t rest = arguments[0].i64 - days * day;
    out->i64 = (int64_t)((uint64_t)ps_days_add_months(days, months) * (uint64_t)day) + rest;
    return PS_OK;
}

/* TIMESTAMP ± milliseconds: times NUMBER_B ticks; a DATE moves by whole days. */
static ps_code row_add_ms(ps_call *call, const ps_value *arguments, ps_value *out)
{
    enum { DAY_MS = 86400000 };
    const ps_step *step = call->step;
    int64_t ms = arguments[1].i64;
    ms = step->number[NUMBER_OP] == OP_SUBTRACT ? -ms : ms;
    if (step->type->kind == PS_TYPE_DATE) {
        out->i64 = arguments[0].i64 + ms / DAY_MS;
    } else {
        int64_t day = DAY_MS;
        int64_t sum = (arguments[0].i64 + ms % day) % day;
        out->i64 = sum < 0 ? sum + day : sum;
    }
    return PS_OK;
}

static ps_code kernel_timestamp_add(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    decimal_add_narrow(step, run->count);
    return PS_OK;
}

static void choose_time_kernel(ps_step *step, arithmetic_op op)
{
    const ps_type *type = step->type;
    bool is_months = step->types[1]->kind == PS_TYPE_INTERVAL_MONTHS;
    step->can_fail = false;
    int64_t per_second = ps_type_is_timestamp(type) ? ps_type_ticks_per_second(type) : 1000;
    if (is_months) {
        step->row = row_add_months;
        step->number[NUMBER_A] = 86400 * per_second;
    } else if (ps_type_is_timestamp(type)) {
        step->kernel = kernel_timestamp_add;
        step->number[NUMBER_A] = 1;
        step->number[NUMBER_B] = per_second / 1000 * (op == OP_SUBTRACT ? -1 : 1);
        return;
    } else {
        step->row = row_add_ms;
    }
    step->kernel = ps_kernel_rows;
}

static bool is_interval(const ps_type *type)
{
    return type->kind == PS_TYPE_INTERVAL_MONTHS || type->kind == PS_TYPE_INTERVAL_MS;
}

static bool is_point(const ps_type *type)
{
    return type->kind == PS_TYPE_DATE || type->kind == PS_TYPE_TIME || ps_type_is_timestamp(type);
}

static ps_code prepare_arithmetic(ps_preparation *p)
{
    ps_step *step = p->step;
    arithmetic_op op =
        op_of(step->function->entry.name[0] == 'M' ? "%" : step->function->entry.name);
    const ps_type *a = step->types[0], *b = step->types[1], *type = step->type;
    step->number[NUMBER_OP] = op;
    step->number[NUMBER_SHIFT] = wrap_shift(type);
    if (is_point(a)) {
        choose_time_kernel(step, op);
    } else if (ps_type_phys(type) == PS_PHYS_F64) {
        step->kernel = kernel_float;
        step->can_fail = false;
    } else if (a->kind == PS_TYPE_DECIMAL || b->kind == PS_TYPE_DECIMAL) {
        choose_decimal_kernel(p, op);
    } else {
        step->kernel = kernel_integer;
        step->can_fail = op == OP_DIVIDE || op == OP_REMAINDER;
    }
    return PS_OK;
}

/* ── result types ── */

static const ps_type *decimal_result(ps_arena *arena, arithmetic_op op, const ps_type *a,
                                     const ps_type *b, bool nullable)
{
    int s1 = scale_of(a), s2 = scale_of(b), p1 = precision_of(a), p2 = precision_of(b);
    int scale = max_of(s1, s2), precision = 0;
    switch (op) {
    case OP_ADD:
    case OP_SUBTRACT:
        precision = max_of(p1 - s1, p2 - s2) + scale + 1;
        break;
    case OP_MULTIPLY:
        scale = s1 + s2;
        precision = p1 + p2 + 1;
        break;
    case OP_DIVIDE:
        scale = max_of(6, s1 + p2 + 1);
        precision = p1 - s1 + s2 + scale;
        break;
    case OP_REMAINDER:
        precision = min_of(p1 - s1, p2 - s2) + scale;
        break;
    }
    if (precision > PS_DECIMAL_PRECISION_MAX) {
        int whole = precision - scale;
        scale = max_of(PS_DECIMAL_PRECISION_MAX - whole, min_of(scale, 6));
        precision = PS_DECIMAL_PRECISION_MAX;
    }
    return ps_type_decimal(arena, max_of(precision, 1), scale, nullable);
}

static bool is_float(const ps_type *type)
{
    return type->kind == PS_TYPE_FLOAT || type->kind == PS_TYPE_DOUBLE;
}

static ps_code resolve_float(ps_resolution *r, arithmetic_op op)
{
    if (op == OP_REMAINDER) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *common = ps_resolution_common(r, 0, 1);
    for (uint32_t i = 0; i < 2 && common != NULL; i++) {
        ps_code code = ps_resolution_coerce(r, i, common);
        if (code != PS_OK) {
            return code;
        }
    }
    return ps_resolution_type(r, common);
}

static ps_code resolve_numbers(ps_resolution *r, arithmetic_op op)
{
    const ps_type *a = r->arguments[0]->type, *b = r->arguments[1]->type;
    bool nullable = a->nullable || b->nullable;
    if (is_float(a) || is_float(b)) {
        return resolve_float(r, op);
    }
    if (a->kind == PS_TYPE_DECIMAL || b->kind == PS_TYPE_DECIMAL) {
        return ps_resolution_type(r, decimal_result(r->context->arena, op, a, b, nullable));
    }
    if (op == OP_REMAINDER) { /* as Flink: the type of the divisor */
        return ps_resolution_set(r, b->kind, nullable);
    }
    return ps_resolution_set(r, a->kind > b->kind ? a->kind : b->kind, nullable);
}

/* interval ± interval, interval · number, point ± interval, interval + point */
static ps_code resolve_times(ps_resolution *r, arithmetic_op op)
{
    const ps_type *a = r->arguments[0]->type, *b = r->arguments[1]->type;
    bool nullable = a->nullable || b->nullable;
    if (op == OP_ADD && is_interval(a) && is_point(b)) {
        const ps_expr *first = r->arguments[0];
        r->arguments[0] = r->arguments[1];
        r->arguments[1] = first;
        a = r->arguments[0]->type;
        b = r->arguments[1]->type;
    }
    if (op == OP_MULTIPLY && ps_type_is_integer(a) && is_interval(b)) {
        return ps_resolution_set(r, b->kind, nullable);
    }
    if (op == OP_MULTIPLY && is_interval(a) && ps_type_is_integer(b)) {
        return ps_resolution_set(r, a->kind, nullable);
    }
    if (op != OP_ADD && op != OP_SUBTRACT) {
        return ps_resolution_mismatch(r);
    }
    if (is_interval(a) && a->kind == b->kind) {
        return ps_resolution_set(r, a->kind, nullable);
    }
    if (is_point(a) && is_interval(b) &&
        !(a->kind == PS_TYPE_TIME && b->kind == PS_TYPE_INTERVAL_MONTHS)) {
        return ps_resolution_type(r, ps_type_with_nullable(r->context->arena, a, nullable));
    }
    return ps_resolution_mismatch(r);
}

static ps_code resolve_unary(ps_resolution *r)
{
    const ps_type *type = r->arguments[0]->type;
    if (r->function->entry.name[0] != '-' && r->function->entry.name[0] != '+') {
        return ps_resolution_mismatch(r);
    }
    if (!ps_type_is_numeric(type) && !is_interval(type)) {
        return ps_resolution_mismatch(r);
    }
    if (r->function->entry.name[0] == '+') {
        r->rewritten = r->arguments[0];
        return PS_OK;
    }
    return ps_expr_call(r->context, "- prefix", 1, r->arguments, &r->rewritten, r->err);
}

static ps_code resolve_arithmetic(ps_resolution *r)
{
    if (r->count == 1) {
        return resolve_unary(r);
    }
    if (r->count != 2) {
        return ps_resolution_mismatch(r);
    }
    arithmetic_op op = op_of(r->function->entry.name[0] == 'M' ? "%" : r->function->entry.name);
    for (uint32_t i = 0; i < 2; i++) { /* a NULL literal has the type of the other side */
        if (r->arguments[i]->type->kind == PS_TYPE_NULL) {
            const ps_type *other = r->arguments[1 - i]->type;
            ps_code code = ps_resolution_coerce(
                r, i, other->kind == PS_TYPE_NULL || is_point(other) ? &ps_type_int : other);
            if (code != PS_OK) {
                return code;
            }
        }
    }
    bool numbers =
        ps_type_is_numeric(r->arguments[0]->type) && ps_type_is_numeric(r->arguments[1]->type);
    return numbers ? resolve_numbers(r, op) : resolve_times(r, op);
}

/* ── unary minus ── */

static ps_code kernel_negate(ps_step *step, ps_run *run)
{
    const ps_column *from = &step->arguments[0]->column;
    ps_column *to = &step->out->column;
    ps_step_join_valid(step, run);
    for (uint32_t i = 0; i < run->count; i++) {
        switch (step->out->repr) {
        case PS_REPR_I64:
            to->i64[i] = wrap(0 - (uint64_t)from->i64[i], step->number[NUMBER_SHIFT]);
            break;
        case PS_REPR_F64:
            to->f64[i] = -from->f64[i];
            break;
        case PS_REPR_I128:
            to->i128[i] = -from->i128[i];
            break;
        case PS_REPR_TEXT:
        case PS_REPR_BITS:
            break;
        }
    }
    return PS_OK;
}

static ps_code prepare_negate(ps_preparation *p)
{
    p->step->kernel = kernel_negate;
    p->step->number[NUMBER_SHIFT] = wrap_shift(p->step->type);
    return PS_OK;
}

static ps_code resolve_negate(ps_resolution *r)
{
    const ps_type *type = r->count == 1 ? r->arguments[0]->type : NULL;
    if (type == NULL || (!ps_type_is_numeric(type) && !is_interval(type))) {
        return ps_resolution_mismatch(r);
    }
    return ps_resolution_type(r, type);
}

#define ARITHMETIC(NAME, SIGNATURE, SUMMARY)                                                       \
    .entry = {NAME, SIGNATURE, SUMMARY, "Arithmetic", true}, .resolve = resolve_arithmetic,        \
    .prepare = prepare_arithmetic, .flags = PS_CAN_FAIL | PS_TAKES_CONSTANTS

static const ps_function functions[] = {
    {ARITHMETIC("+", "NUMBER + NUMBER → NUMBER, TIMESTAMP + INTERVAL → TIMESTAMP",
                "The sum; integers wrap, a DECIMAL that does not fit is an error.")},
    {ARITHMETIC("-", "NUMBER - NUMBER → NUMBER, TIMESTAMP - INTERVAL → TIMESTAMP",
                "The difference; integers wrap.")},
    {ARITHMETIC("*", "NUMBER * NUMBER → NUMBER, INTERVAL * INT → INTERVAL",
                "The product; integers wrap.")},
    {ARITHMETIC("/", "NUMBER / NUMBER → NUMBER",
                "The quotient; of integers cut toward zero; a zero divisor is an error but for "
                "DOUBLE.")},
    {ARITHMETIC("%", "EXACT % EXACT → EXACT",
                "The remainder, with the sign of the dividend; a zero divisor is an error.")},
    {ARITHMETIC("MOD", "MOD(EXACT, EXACT) → EXACT",
                "The remainder, with the sign of the dividend; a zero divisor is an error.")},
    {.entry = {"- prefix", "-NUMBER → NUMBER, -INTERVAL → INTERVAL", "The opposite.", "Arithmetic",
               true},
     .resolve = resolve_negate,
     .prepare = prepare_negate},
};

const ps_function_family ps_family_arithmetic = {functions, sizeof functions / sizeof functions[0]};
