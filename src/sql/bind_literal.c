/* Literals and data types. */
#include <ctype.h>
#include <stdlib.h>

#include "data/datetime.h"
#include "data/decimal.h"
#include "sql/bind.h"

/* ── types ── */

static const ps_type *checked(ps_plan *plan, const ps_type *type)
{
    if (type == NULL) {
        ps_plan_fail(plan, PS_E_LIMIT, (ps_sql_span){0}, "no memory for a type");
    }
    return type;
}

static int32_t precision_or(const ps_ast_type *type, int32_t otherwise)
{
    return type->precision < 0 ? otherwise : type->precision;
}

static void check_precision(ps_plan *plan, const ps_ast_type *type, int32_t value, int32_t low,
                            int32_t high, const char *what)
{
    if (value < low || value > high) {
        ps_plan_fail(plan, PS_E_INVALID, type->at, "%s must be between %d and %d, not %d", what,
                     low, high, value);
    }
}

static const ps_type *sized_type(ps_plan *plan, const ps_ast_type *type, ps_type_kind kind,
                                 int32_t otherwise)
{
    int32_t length = precision_or(type, otherwise);
    check_precision(plan, type, length, 1, PS_LENGTH_MAX, "the length");
    return ps_type_sized(plan->arena, kind, length, !type->is_not_null);
}

static const ps_type *time_type(ps_plan *plan, const ps_ast_type *type, ps_type_kind kind,
                                int32_t otherwise)
{
    int32_t precision = precision_or(type, otherwise);
    check_precision(plan, type, precision, 0, 9, "the precision");
    return ps_type_time(plan->arena, kind, precision, !type->is_not_null);
}

static const ps_type *row_type(ps_plan *plan, const ps_ast_type *type)
{
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, type->field_count);
    const ps_type **types = PS_PLAN_ARRAY(plan, const ps_type *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        names[i] = ps_slice_of(type->fields[i].name.text, type->fields[i].name.size);
        types[i] = ps_bind_type(plan, type->fields[i].type);
    }
    return ps_type_row(plan->arena, type->field_count, names, types, !type->is_not_null);
}

static bool is_months(const ps_ast_interval *interval)
{
    return interval->from == PS_AST_UNIT_YEAR || interval->from == PS_AST_UNIT_QUARTER ||
           interval->from == PS_AST_UNIT_MONTH;
}

static const ps_type *type_unchecked(ps_plan *plan, const ps_ast_type *type)
{
    ps_arena *arena = plan->arena;
    bool nullable = !type->is_not_null;
    switch (type->kind) {
    case PS_AST_TYPE_BOOLEAN:
        return ps_type_simple(arena, PS_TYPE_BOOLEAN, nullable);
    case PS_AST_TYPE_TINYINT:
        return ps_type_simple(arena, PS_TYPE_TINYINT, nullable);
    case PS_AST_TYPE_SMALLINT:
        return ps_type_simple(arena, PS_TYPE_SMALLINT, nullable);
    case PS_AST_TYPE_INT:
        return ps_type_simple(arena, PS_TYPE_INT, nullable);
    case PS_AST_TYPE_BIGINT:
        return ps_type_simple(arena, PS_TYPE_BIGINT, nullable);
    case PS_AST_TYPE_FLOAT:
        return ps_type_simple(arena, PS_TYPE_FLOAT, nullable);
    case PS_AST_TYPE_DOUBLE:
        return ps_type_simple(arena, PS_TYPE_DOUBLE, nullable);
    case PS_AST_TYPE_DECIMAL: {
        int32_t precision = precision_or(type, 10), scale = type->scale < 0 ? 0 : type->scale;
        check_precision(plan, type, precision, 1, PS_DECIMAL_PRECISION_MAX, "the precision");
        check_precision(plan, type, scale, 0, precision, "the scale");
        return ps_type_decimal(arena, precision, scale, nullable);
    }
    case PS_AST_TYPE_CHAR:
        return sized_type(plan, type, PS_TYPE_CHAR, 1);
    case PS_AST_TYPE_VARCHAR:
        return sized_type(plan, type, PS_TYPE_VARCHAR, PS_LENGTH_MAX);
    case PS_AST_TYPE_BINARY:
        return sized_type(plan, type, PS_TYPE_BINARY, 1);
    case PS_AST_TYPE_VARBINARY:
        return sized_type(plan, type, PS_TYPE_VARBINARY, PS_LENGTH_MAX);
    case PS_AST_TYPE_DATE:
        return ps_type_simple(arena, PS_TYPE_DATE, nullable);
    case PS_AST_TYPE_TIME:
        return time_type(plan, type, PS_TYPE_TIME, 0);
    case PS_AST_TYPE_TIMESTAMP:
        return time_type(plan, type, PS_TYPE_TIMESTAMP, 6);
    case PS_AST_TYPE_TIMESTAMP_LTZ:
        return time_type(plan, type, PS_TYPE_TIMESTAMP_LTZ, 6);
    case PS_AST_TYPE_INTERVAL:
        return ps_type_simple(
            arena, is_months(&type->interval) ? PS_TYPE_INTERVAL_MONTHS : PS_TYPE_INTERVAL_MS,
            nullable);
    case PS_AST_TYPE_ROW:
        return row_type(plan, type);
    case PS_AST_TYPE_ARRAY:
        return ps_type_array(arena, ps_bind_type(plan, type->element), nullable);
    case PS_AST_TYPE_MAP:
        return ps_type_map(arena, ps_bind_type(plan, type->key), ps_bind_type(plan, type->element),
                           nullable);
    }
    PS_ASSERT(false);
    return NULL;
}

const ps_type *ps_bind_type(ps_plan *plan, const ps_ast_type *type)
{
    return checked(plan, type_unchecked(plan, type));
}

/* ── INTERVAL ── */

typedef struct {
    ps_plan *plan;
    ps_sql_span at;
    const char *next;
    const ps_ast_literal *literal;
} interval_text;

static _Noreturn void interval_bad(const interval_text *text)
{
    ps_plan_fail(text->plan, PS_E_INVALID, text->at, "'%s' is no value for INTERVAL %s%s%s",
                 text->literal->text.data, ps_ast_unit_name(text->literal->interval.from),
                 text->literal->interval.to != text->literal->interval.from ? " TO " : "",
                 text->literal->interval.to != text->literal->interval.from
                     ? ps_ast_unit_name(text->literal->interval.to)
                     : "");
}

static int64_t interval_digits(interval_text *text)
{
    int64_t value = 0;
    if (!isdigit((unsigned char)*text->next)) {
        interval_bad(text);
    }
    while (isdigit((unsigned char)*text->next)) {
        if (value > 9999999999) {
            interval_bad(text);
        }
        value = value * 10 + (*text->next++ - '0');
    }
    return value;
}

static void interval_separator(interval_text *text, char separator)
{
    if (*text->next++ != separator) {
        text->next--;
        interval_bad(text);
    }
}

/* Milliseconds behind the decimal point; digits beyond are cut, as in Flink. */
static int64_t interval_fraction_ms(interval_text *text)
{
    int64_t ms = 0, weight = 100;
    if (*text->next != '.') {
        return 0;
    }
    text->next++;
    if (!isdigit((unsigned char)*text->next)) {
        interval_bad(text);
    }
    for (; isdigit((unsigned char)*text->next); text->next++) {
        ms += weight * (*text->next - '0');
        weight /= 10;
    }
    return ms;
}

static void check_leading(const interval_text *text, int64_t value)
{
    const ps_ast_interval *interval = &text->literal->interval;
    int32_t precision = interval->leading_precision < 0 ? 2 : interval->leading_precision;
    int64_t limit = 1;
    for (int32_t i = 0; i < precision && limit < 10000000000; i++) {
        limit *= 10;
    }
    if (value >= limit) {
        ps_plan_fail_hint(text->plan, text->at,
                          "give the field more digits, e.g. INTERVAL '100' SECOND(3)",
                          "interval field value %lld exceeds precision of %s(%d) field",
                          (long long)value, ps_ast_unit_name(interval->from), precision);
    }
}

static int64_t interval_months(interval_text *text)
{
    const ps_ast_interval *interval = &text->literal->interval;
    int64_t value = interval_digits(text);
    check_leading(text, value);
    if (interval->from == PS_AST_UNIT_QUARTER) {
        return value * 3;
    }
    if (interval->from == PS_AST_UNIT_MONTH) {
        return value;
    }
    value *= 12;
    if (interval->to == PS_AST_UNIT_MONTH) {
        interval_separator(text, '-');
        int64_t months = interval_digits(text);
        if (months > 11) {
            interval_bad(text);
        }
        value += months;
    }
    return value;
}

static int64_t unit_ms(ps_ast_unit unit)
{
    return unit == PS_AST_UNIT_WEEK     ? 604800000
           : unit == PS_AST_UNIT_DAY    ? 86400000
           : unit == PS_AST_UNIT_HOUR   ? 3600000
           : unit == PS_AST_UNIT_MINUTE ? 60000
                                        : 1000;
}

static int64_t interval_ms(interval_text *text)
{
    const ps_ast_interval *interval = &text->literal->interval;
    int64_t value = interval_digits(text), total;
    check_leading(text, value);
    total = value * unit_ms(interval->from);
    for (int unit = (int)interval->from + 1; unit <= (int)interval->to; unit++) {
        interval_separator(text, unit == PS_AST_UNIT_HOUR ? ' ' : ':');
        int64_t field = interval_digits(text);
        if (field > (unit == PS_AST_UNIT_HOUR ? 23 : 59)) {
            interval_bad(text);
        }
        total += field * unit_ms((ps_ast_unit)unit);
    }
    return interval->to == PS_AST_UNIT_SECOND ? total + interval_fraction_ms(text) : total;
}

static const ps_expr *bind_interval(ps_plan *plan, const ps_ast_expr *expr)
{
    const ps_ast_literal *literal = &expr->literal;
    interval_text text = {plan, expr->at, literal->text.data, literal};
    bool is_negative = literal->is_negative;
    if (*text.next == '-' || *text.next == '+') {
        is_negative = is_negative != (*text.next == '-');
        text.next++;
    }
    bool months = is_months(&literal->interval);
    int64_t value = months ? interval_months(&text) : interval_ms(&text);
    if (*text.next != '\0') {
        interval_bad(&text);
    }
    const ps_type *type =
        ps_type_simple(plan->arena, months ? PS_TYPE_INTERVAL_MONTHS : PS_TYPE_INTERVAL_MS, false);
    return ps_plan_constant(plan, checked(plan, type),
                            (ps_value){.i64 = is_negative ? -value : value});
}

/* ── numbers ── */

static const ps_expr *bind_decimal(ps_plan *plan, const ps_ast_expr *expr)
{
    ps_slice text = expr->literal.text;
    int precision = 0, scale = 0;
    bool after_point = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '.') {
            after_point = true;
            continue;
        }
        scale += after_point ? 1 : 0;
        precision += precision > 0 || text.data[i] != '0' ? 1 : 0;
    }
    precision = precision < scale ? scale : precision;
    precision = precision == 0 ? 1 : precision;
    ps_i128 unscaled;
    if (precision > PS_DECIMAL_PRECISION_MAX ||
        !ps_decimal_from_text(text, precision, scale, &unscaled)) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "numeric literal '%s' has more than %d digits",
                     text.data, PS_DECIMAL_PRECISION_MAX);
    }
    const ps_type *type = checked(plan, ps_type_decimal(plan->arena, precision, scale, false));
    ps_value value = {0};
    if (ps_type_phys(type) == PS_PHYS_I128) {
        value.i128 = unscaled;
    } else {
        value.i64 = (int64_t)unscaled;
    }
    return ps_plan_constant(plan, type, value);
}

static const ps_expr *bind_integer(ps_plan *plan, const ps_ast_expr *expr)
{
    ps_slice text = expr->literal.text;
    int64_t value;
    while (text.size > 1 && text.data[0] == '0') {
        text.data++;
        text.size--;
    }
    if (!ps_parse_i64(text, &value)) {
        return bind_decimal(plan, expr);
    }
    ps_type_kind kind = value <= INT32_MAX ? PS_TYPE_INT : PS_TYPE_BIGINT;
    return ps_plan_constant(plan, checked(plan, ps_type_simple(plan->arena, kind, false)),
                            (ps_value){.i64 = value});
}

/* ── times ── */

static _Noreturn void bad_time(ps_plan *plan, const ps_ast_expr *expr, const char *type,
                               const char *format)
{
    ps_plan_fail(plan, PS_E_INVALID, expr->at, "illegal %s literal '%s': not in format '%s'", type,
                 expr->literal.text.data, format);
}

static int fraction_digits(ps_slice text)
{
    const char *point = memchr(text.data, '.', text.size);
    size_t digits = point == NULL ? 0 : text.size - (size_t)(point - text.data) - 1;
    return digits > 9 ? 9 : (int)digits;
}

static const ps_expr *bind_date(ps_plan *plan, const ps_ast_expr *expr)
{
    ps_value value = {0};
    if (expr->literal.text.size != 10 || !ps_date_parse(expr->literal.text, &value.i64)) {
        bad_time(plan, expr, "DATE", "yyyy-MM-dd");
    }
    return ps_plan_constant(plan, checked(plan, ps_type_simple(plan->arena, PS_TYPE_DATE, false)),
                            value);
}

static const ps_expr *bind_time(ps_plan *plan, const ps_ast_expr *expr)
{
    ps_slice text = expr->literal.text;
    ps_value value = {0};
    if (text.size < 8 || !ps_time_of_day_parse(text, &value.i64)) {
        bad_time(plan, expr, "TIME", "HH:mm:ss");
    }
    const ps_type *type = ps_type_time(plan->arena, PS_TYPE_TIME, fraction_digits(text), false);
    return ps_plan_constant(plan, checked(plan, type), value);
}

static const ps_expr *bind_timestamp(ps_plan *plan, const ps_ast_expr *expr)
{
    ps_slice text = expr->literal.text;
    ps_value value = {0};
    const ps_type *type =
        checked(plan, ps_type_time(plan->arena, PS_TYPE_TIMESTAMP, fraction_digits(text), false));
    if (text.size < 19 || text.data[10] != ' ' ||
        !ps_timestamp_parse(text, ps_type_ticks_per_second(type), &value.i64)) {
        bad_time(plan, expr, "TIMESTAMP", "yyyy-MM-dd HH:mm:ss");
    }
    return ps_plan_constant(plan, type, value);
}

/* ── all ── */

static uint32_t character_count(ps_slice text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return count;
}

static const ps_expr *bind_text(ps_plan *plan, const ps_ast_expr *expr)
{
    ps_slice text = expr->literal.text;
    bool is_binary = expr->literal.kind == PS_AST_LITERAL_BINARY;
    uint32_t length = is_binary ? (uint32_t)text.size : character_count(text);
    const ps_type *type = ps_type_sized(plan->arena, is_binary ? PS_TYPE_BINARY : PS_TYPE_CHAR,
                                        (int32_t)length, false);
    return ps_plan_constant(plan, checked(plan, type), (ps_value){.text = text});
}

static const ps_expr *bind_boolean(ps_plan *plan, bool is_null, bool value)
{
    const ps_type *type = ps_type_simple(plan->arena, PS_TYPE_BOOLEAN, is_null);
    return ps_plan_constant(plan, checked(plan, type),
                            (ps_value){.is_null = is_null, .i64 = value ? 1 : 0});
}

const ps_expr *ps_bind_literal(ps_plan *plan, const ps_ast_expr *expr)
{
    switch (expr->literal.kind) {
    case PS_AST_LITERAL_NULL:
        return ps_plan_constant(plan, &ps_type_null, (ps_value){.is_null = true});
    case PS_AST_LITERAL_TRUE:
        return bind_boolean(plan, false, true);
    case PS_AST_LITERAL_FALSE:
        return bind_boolean(plan, false, false);
    case PS_AST_LITERAL_UNKNOWN:
        return bind_boolean(plan, true, false);
    case PS_AST_LITERAL_INTEGER:
        return bind_integer(plan, expr);
    case PS_AST_LITERAL_DECIMAL:
        return bind_decimal(plan, expr);
    case PS_AST_LITERAL_DOUBLE:
        return ps_plan_constant(plan,
                                checked(plan, ps_type_simple(plan->arena, PS_TYPE_DOUBLE, false)),
                                (ps_value){.f64 = strtod(expr->literal.text.data, NULL)});
    case PS_AST_LITERAL_STRING:
    case PS_AST_LITERAL_BINARY:
        return bind_text(plan, expr);
    case PS_AST_LITERAL_DATE:
        return bind_date(plan, expr);
    case PS_AST_LITERAL_TIME:
        return bind_time(plan, expr);
    case PS_AST_LITERAL_TIMESTAMP:
        return bind_timestamp(plan, expr);
    case PS_AST_LITERAL_INTERVAL:
        return bind_interval(plan, expr);
    }
    PS_ASSERT(false);
    return NULL;
}
