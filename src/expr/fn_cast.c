/* CAST and TRY_CAST between all types (SEMANTICS §3.3–3.5), and which casts there are.
 *
 * Number to number is a loop; the rest goes value by value through cast_value, which also casts the
 * elements of nested values.
 */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "data/datetime.h"
#include "data/decimal.h"
#include "data/row.h"
#include "expr/kernel.h"

enum { DAY_SECONDS = 86400, NUMBER_SHIFT = 0, NUMBER_IS_TRY = 1, NUMBER_NULL_ON_OVERFLOW = 2 };

static ps_code cast_value(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                          ps_value *out);

/* ── errors ── */

static ps_code not_a(ps_call *call, ps_slice text, const ps_type *to)
{
    char name[80];
    ps_buf buf;
    ps_buf_init(&buf, 4096);
    ps_type_print(to, &buf);
    size_t size = buf.size < sizeof name - 1 ? buf.size : sizeof name - 1;
    memcpy(name, size > 0 ? buf.data : "", size);
    name[size] = '\0';
    ps_buf_release(&buf);
    return ps_call_refuse(call, text, "is not a value of %s", name);
}

static ps_code too_big(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                       ps_value *out)
{
    if (call->step->number[NUMBER_NULL_ON_OVERFLOW] != 0) {
        out->is_null = true;
        return PS_OK;
    }
    ps_buf text;
    ps_buf_init(&text, 4096);
    ps_value_print(from, in, PS_FORM_PLAIN, &text);
    ps_code code = not_a(call, ps_buf_slice(&text), to);
    ps_buf_release(&text);
    return code;
}

/* ── to numbers ── */

static int64_t shift_of(ps_type_kind kind)
{
    switch (kind) {
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

static int64_t wrap(int64_t value, int64_t shift)
{
    return (int64_t)((uint64_t)value << shift) >> shift;
}

static ps_i128 wide_of(const ps_type *type, const ps_value *in)
{
    return ps_type_phys(type) == PS_PHYS_I128 ? in->i128 : in->i64;
}

static ps_slice trim_blanks(ps_slice text)
{
    while (text.size > 0 && text.data[0] == ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

/* Digits, and a fraction that is read and dropped. */
static bool parse_integer(ps_slice text, int64_t low, int64_t high, int64_t *out)
{
    text = trim_blanks(text);
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = negative || (text.size > 0 && text.data[0] == '+') ? 1 : 0;
    if (at == text.size) {
        return false;
    }
    ps_i128 value = 0, limit = negative ? -(ps_i128)low : high;
    for (; at < text.size && text.data[at] != '.'; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
        value = value * 10 + (text.data[at] - '0');
        if (value > limit) {
            return false;
        }
    }
    for (at++; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
    }
    *out = (int64_t)(negative ? -value : value);
    return true;
}

/* Java's saturating conversion. */
static int64_t saturate(double value, double low, double high, int64_t low_int, int64_t high_int)
{
    if (isnan(value)) {
        return 0;
    }
    return value <= low ? low_int : value >= high ? high_int : (int64_t)value;
}

static int64_t double_to_integer(double value, ps_type_kind kind)
{
    if (kind == PS_TYPE_BIGINT) {
        return saturate(value, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX);
    }
    int64_t narrow = saturate(value, INT32_MIN, INT32_MAX, INT32_MIN, INT32_MAX);
    return wrap(narrow, shift_of(kind));
}

static ps_code to_integer(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                          ps_value *out)
{
    int64_t shift = shift_of(to->kind);
    if (ps_type_is_text(from)) {
        int64_t high = INT64_MAX >> shift;
        return parse_integer(in->text, -high - 1, high, &out->i64) ? PS_OK
                                                                   : not_a(call, in->text, to);
    }
    if (from->kind == PS_TYPE_DECIMAL) {
        ps_i128 whole = wide_of(from, in) / ps_decimal_power(from->scale);
        out->i64 = wrap((int64_t)(uint64_t)whole, shift);
    } else if (ps_type_phys(from) == PS_PHYS_F64) {
        out->i64 = double_to_integer(in->f64, to->kind);
    } else {
        out->i64 = wrap(in->i64, shift);
    }
    return PS_OK;
}

/* What Java's Double.parseDouble takes, hexadecimal floats apart. */
static bool parse_double(ps_slice text, bool is_float, double *out)
{
    enum { LONGEST = 400 };
    char copy[LONGEST + 1];
    text = trim_blanks(text);
    if (text.size == 0 || text.size > LONGEST) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    const char *digits = copy + (copy[0] == '-' || copy[0] == '+');
    if (strcmp(digits, "NaN") == 0 || strcmp(digits, "Infinity") == 0) {
        *out = digits[0] == 'N' ? NAN : copy[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    char *last = copy + text.size - 1;
    if (last > digits && strchr("dDfF", *last) != NULL) {
        *last = '\0';
    }
    if (*digits == '\0' || strspn(digits, "0123456789.eE+-") != strlen(digits)) {
        return false;
    }
    char *end = NULL;
    *out = is_float ? (double)strtof(copy, &end) : strtod(copy, &end);
    return *end == '\0';
}

ps_code ps_call_double(ps_call *call, ps_slice text, double *out)
{
    return parse_double(text, false, out) ? PS_OK : not_a(call, text, &ps_type_double);
}

static ps_code to_double(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                         ps_value *out)
{
    bool is_float = to->kind == PS_TYPE_FLOAT;
    if (ps_type_is_text(from)) {
        return parse_double(in->text, is_float, &out->f64) ? PS_OK : not_a(call, in->text, to);
    }
    if (from->kind == PS_TYPE_DECIMAL) {
        out->f64 = ps_decimal_to_double(wide_of(from, in), from->scale);
    } else {
        out->f64 = ps_type_phys(from) == PS_PHYS_F64 ? in->f64 : (double)in->i64;
    }
    if (is_float) {
        out->f64 = (double)(float)out->f64;
    }
    return PS_OK;
}

static ps_code to_decimal(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                          ps_value *out)
{
    ps_i128 value = 0;
    bool fits = false;
    if (ps_type_is_text(from)) {
        if (!ps_decimal_from_text(in->text, to->precision, to->scale, &value)) {
            ps_i128 ignored; /* a number that is too big, or no number? */
            bool is_number = ps_decimal_from_text(in->text, PS_DECIMAL_PRECISION_MAX, 0, &ignored);
            return is_number ? too_big(call, from, to, in, out) : not_a(call, in->text, to);
        }
        fits = true;
    } else if (ps_type_phys(from) == PS_PHYS_F64) {
        fits = ps_decimal_from_double(in->f64, to->precision, to->scale, &value);
    } else {
        int scale = from->kind == PS_TYPE_DECIMAL ? from->scale : 0;
        fits = ps_decimal_rescale(wide_of(from, in), scale, to->scale, &value) &&
               ps_decimal_fits(value, to->precision);
    }
    if (!fits) {
        return too_big(call, from, to, in, out);
    }
    if (ps_type_phys(to) == PS_PHYS_I64) {
        out->i64 = (int64_t)value;
    } else {
        out->i128 = value;
    }
    return PS_OK;
}

static bool is_word(ps_slice text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strlen(*words) == text.size && strncasecmp(text.data, *words, text.size) == 0) {
            return true;
        }
    }
    return false;
}

static ps_code to_boolean(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                          ps_value *out)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "1", NULL};
    static const char *const no[] = {"f", "false", "n", "no", "0", NULL};
    if (ps_type_is_text(from)) {
        out->i64 = is_word(in->text, yes) ? 1 : 0;
        return out->i64 != 0 || is_word(in->text, no) ? PS_OK : not_a(call, in->text, to);
    }
    bool value = ps_type_phys(from) == PS_PHYS_F64 ? in->f64 != 0 : wide_of(from, in) != 0;
    out->i64 = value ? 1 : 0;
    return PS_OK;
}

/* ── to points in time ── */

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Ticks on the wall clock of the session's zone to ticks since the epoch, and back. */
static int64_t to_epoch(const ps_call *call, int64_t ticks, int64_t per_second)
{
    const ps_zone *zone = call->step->state;
    if (zone == NULL) {
        return ticks;
    }
    int64_t per_ms = per_second / 1000, ms = floor_divide(ticks, per_ms);
    return ps_zone_to_epoch(zone, ms) * per_ms + (ticks - ms * per_ms);
}

static int64_t to_local(const ps_call *call, int64_t ticks, int64_t per_second)
{
    const ps_zone *zone = call->step->state;
    if (zone == NULL) {
        return ticks;
    }
    int64_t per_ms = per_second / 1000;
    return ticks + ps_zone_offset_at(zone, floor_divide(ticks, per_ms)) * per_ms;
}

/* Wall clock ticks of a DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ, in `per_second`. */
static int64_t local_ticks(const ps_call *call, const ps_type *from, int64_t value,
                           int64_t per_second)
{
    if (from->kind == PS_TYPE_DATE) {
        return value * DAY_SECONDS * per_second;
    }
    if (from->kind == PS_TYPE_TIME) {
        return value * (per_second / 1000);
    }
    int64_t own = ps_type_ticks_per_second(from);
    value = from->kind == PS_TYPE_TIMESTAMP_LTZ ? to_local(call, value, own) : value;
    return own <= per_second ? (int64_t)((uint64_t)value * (uint64_t)(per_second / own))
                             : floor_divide(value, own / per_second);
}

/* Fraction digits beyond the precision are cut off. */
static int64_t cut_fraction(int64_t ticks, int64_t per_second, int precision)
{
    int64_t unit = per_second;
    for (int i = 0; i < precision && unit > 1; i++) {
        unit /= 10;
    }
    return floor_divide(ticks, unit) * unit;
}

bool ps_timestamp_read(ps_slice text, int64_t per_second, int64_t *out_ticks)
{
    enum { DATE_SIZE = 10 };
    uint32_t colons = 0;
    for (size_t i = 0; i < text.size; i++) {
        colons += text.data[i] == ':';
        if (text.data[i] == 'T' || (text.data[i] == ' ' && (i == 0 || i + 1 == text.size))) {
            return false;
        }
    }
    bool is_whole = colons == 2 || (colons == 0 && text.size <= DATE_SIZE);
    return is_whole && ps_timestamp_parse(text, per_second, out_ticks);
}

static ps_code to_timestamp(ps_call *call, const ps_type *from, const ps_type *to,
                            const ps_value *in, ps_value *out)
{
    int64_t per_second = ps_type_ticks_per_second(to), ticks = 0;
    if (from->kind == PS_TYPE_TIMESTAMP_LTZ && to->kind == PS_TYPE_TIMESTAMP_LTZ) {
        ps_type plain = *from;
        plain.kind = PS_TYPE_TIMESTAMP; /* the instant stays; no zone */
        out->i64 =
            cut_fraction(local_ticks(call, &plain, in->i64, per_second), per_second, to->precision);
        return PS_OK;
    }
    if (!ps_type_is_text(from)) {
        ticks = local_ticks(call, from, in->i64, per_second);
    } else if (!ps_timestamp_read(in->text, per_second, &ticks)) {
        return not_a(call, in->text, to);
    }
    ticks = to->kind == PS_TYPE_TIMESTAMP_LTZ ? to_epoch(call, ticks, per_second) : ticks;
    out->i64 = cut_fraction(ticks, per_second, to->precision);
    return PS_OK;
}

static ps_code to_date(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                       ps_value *out)
{
    if (ps_type_is_text(from)) {
        return ps_date_parse(in->text, &out->i64) ? PS_OK : not_a(call, in->text, to);
    }
    /* cut towards zero, as the reference implementation does: before 1970 the day behind */
    out->i64 = local_ticks(call, from, in->i64, 1000) / (DAY_SECONDS * 1000LL);
    return PS_OK;
}

static ps_code to_time(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                       ps_value *out)
{
    int64_t ms = 0, day = DAY_SECONDS * 1000LL;
    if (!ps_type_is_text(from)) {
        ms = local_ticks(call, from, in->i64, 1000);
    } else if (!ps_time_of_day_parse(in->text, &ms)) {
        return not_a(call, in->text, to);
    }
    out->i64 = cut_fraction(ms - floor_divide(ms, day) * day, 1000, to->precision);
    return PS_OK;
}

/* ── to text and bytes ── */

/* Bytes of the first `count` characters; *out_count: how many there are, at most `count`. */
static size_t prefix_size(ps_slice text, size_t count, size_t *out_count)
{
    size_t at = 0, seen = 0;
    while (at < text.size && seen < count) {
        at++;
        while (at < text.size && ((uint8_t)text.data[at] & 0xC0) == 0x80) {
            at++;
        }
        seen++;
    }
    *out_count = seen;
    return at;
}

/* Cuts to the length of the type; CHAR and BINARY are filled up. */
static ps_code fit_length(ps_call *call, const ps_type *to, ps_slice text, ps_value *out)
{
    size_t length = (size_t)to->length, count = text.size < length ? text.size : length;
    bool is_text = ps_type_is_text(to);
    size_t size =
        is_text && to->length != PS_LENGTH_MAX ? prefix_size(text, length, &count) : count;
    bool fixed = to->kind == PS_TYPE_CHAR || to->kind == PS_TYPE_BINARY;
    if (!fixed || count == length) {
        out->text = ps_slice_of(text.data, to->length == PS_LENGTH_MAX ? text.size : size);
        return PS_OK;
    }
    char *data = ps_call_take(call, size + length - count);
    if (data == NULL) {
        return PS_E_LIMIT;
    }
    if (size > 0) {
        memcpy(data, text.data, size);
    }
    memset(data + size, is_text ? ' ' : 0, length - count);
    out->text = ps_slice_of(data, size + length - count);
    return PS_OK;
}

static ps_code to_text(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                       ps_value *out)
{
    if (ps_type_is_text(from) || ps_type_is_bytes(from)) {
        return fit_length(call, to, in->text, out);
    }
    ps_buf *buf = ps_call_scratch(call);
    if (from->kind == PS_TYPE_TIMESTAMP_LTZ) {
        int64_t per_second = ps_type_ticks_per_second(from);
        ps_timestamp_print(to_local(call, in->i64, per_second), per_second, from->precision, ' ',
                           buf);
    } else {
        ps_value_print(from, in, PS_FORM_PLAIN, buf);
    }
    ps_value whole = {.is_null = false};
    ps_code code = ps_call_finish(call, &whole);
    return code != PS_OK ? code : fit_length(call, to, whole.text, out);
}

/* ── nested ── */

static ps_code to_nested(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                         ps_value *out)
{
    uint32_t count = ps_nested_child_count(from, in->text);
    ps_value *children = (ps_value *)(void *)ps_call_take(call, count * sizeof *children);
    if (children == NULL) {
        return PS_E_LIMIT;
    }
    for (uint32_t i = 0; i < count; i++) {
        ps_value child = ps_nested_get(from, in->text, i);
        children[i] = child;
        if (!child.is_null) {
            ps_code code = cast_value(call, ps_nested_child_type(from, i),
                                      ps_nested_child_type(to, i), &child, &children[i]);
            if (code != PS_OK) {
                return code;
            }
        }
    }
    out->text = ps_nested_make(to, count, children, call->run->arena);
    return out->text.data != NULL ? PS_OK : ps_expr_no_memory(call->run->err);
}

static ps_code cast_value(ps_call *call, const ps_type *from, const ps_type *to, const ps_value *in,
                          ps_value *out)
{
    switch (to->kind) {
    case PS_TYPE_TINYINT:
    case PS_TYPE_SMALLINT:
    case PS_TYPE_INT:
    case PS_TYPE_BIGINT:
        return to_integer(call, from, to, in, out);
    case PS_TYPE_FLOAT:
    case PS_TYPE_DOUBLE:
        return to_double(call, from, to, in, out);
    case PS_TYPE_DECIMAL:
        return to_decimal(call, from, to, in, out);
    case PS_TYPE_BOOLEAN:
        return to_boolean(call, from, to, in, out);
    case PS_TYPE_CHAR:
    case PS_TYPE_VARCHAR:
        return to_text(call, from, to, in, out);
    case PS_TYPE_BINARY:
    case PS_TYPE_VARBINARY:
        return fit_length(call, to, in->text, out);
    case PS_TYPE_DATE:
        return to_date(call, from, to, in, out);
    case PS_TYPE_TIME:
        return to_time(call, from, to, in, out);
    case PS_TYPE_TIMESTAMP:
    case PS_TYPE_TIMESTAMP_LTZ:
        return to_timestamp(call, from, to, in, out);
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        return to_nested(call, from, to, in, out);
    case PS_TYPE_NULL:
    case PS_TYPE_INTERVAL_MONTHS:
    case PS_TYPE_INTERVAL_MS:
        break;
    }
    *out = *in;
    return PS_OK;
}

static ps_code row_cast(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_step *step = call->step;
    ps_code code = cast_value(call, step->types[0], step->type, &arguments[0], out);
    if (code == PS_E_INVALID && step->number[NUMBER_IS_TRY] != 0) {
        *out = (ps_value){.is_null = true};
        return PS_OK;
    }
    return code;
}

/* ── loops ── */

static ps_code kernel_wrap(ps_step *step, ps_run *run)
{
    int64_t shift = step->number[NUMBER_SHIFT];
    ps_step_join_valid(step, run);
    for (uint32_t i = 0; i < run->count; i++) {
        step->out->column.i64[i] = wrap(step->arguments[0]->column.i64[i], shift);
    }
    return PS_OK;
}

static ps_code kernel_integer_to_double(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    for (uint32_t i = 0; i < run->count; i++) {
        step->out->column.f64[i] = (double)step->arguments[0]->column.i64[i];
    }
    return PS_OK;
}

/* ── which casts there are ── */

static bool is_point(const ps_type *type)
{
    return type->kind == PS_TYPE_DATE || type->kind == PS_TYPE_TIME || ps_type_is_timestamp(type);
}

static bool is_float(const ps_type *type)
{
    return type->kind == PS_TYPE_FLOAT || type->kind == PS_TYPE_DOUBLE;
}

static bool is_nested_possible(const ps_type *from, const ps_type *to, bool is_implicit)
{
    if (from->kind != to->kind || from->child_count != to->child_count) {
        return false;
    }
    for (uint32_t i = 0; i < from->child_count; i++) {
        if (!ps_cast_is_possible(from->children[i], to->children[i], is_implicit)) {
            return false;
        }
    }
    return true;
}

static bool is_number_implicit(const ps_type *from, const ps_type *to)
{
    if (ps_type_is_integer(to)) {
        return ps_type_is_integer(from) && from->kind <= to->kind;
    }
    return to->kind != PS_TYPE_FLOAT || from->kind != PS_TYPE_DOUBLE;
}

static bool is_explicit_possible(const ps_type *from, const ps_type *to)
{
    if (ps_type_is_text(to)) {
        return true;
    }
    if (ps_type_is_text(from)) {
        return ps_type_is_numeric(to) || to->kind == PS_TYPE_BOOLEAN || is_point(to) ||
               ps_type_is_bytes(to);
    }
    if (ps_type_is_numeric(from)) {
        return ps_type_is_numeric(to) || to->kind == PS_TYPE_BOOLEAN;
    }
    if (from->kind == PS_TYPE_BOOLEAN) {
        return ps_type_is_numeric(to);
    }
    if (is_point(from) && is_point(to)) {
        bool apart = (from->kind == PS_TYPE_DATE && to->kind == PS_TYPE_TIME) ||
                     (from->kind == PS_TYPE_TIME && to->kind == PS_TYPE_DATE);
        return !apart;
    }
    return ps_type_is_bytes(from) && ps_type_is_bytes(to);
}

bool ps_cast_is_possible(const ps_type *from, const ps_type *to, bool is_implicit)
{
    if (from->kind == PS_TYPE_NULL || ps_type_equal(from, to)) {
        return true;
    }
    if (ps_type_is_nested(from) && ps_type_is_nested(to)) {
        return is_nested_possible(from, to, is_implicit);
    }
    if (!is_implicit) {
        return is_explicit_possible(from, to);
    }
    if (ps_type_is_numeric(from) && ps_type_is_numeric(to)) {
        return is_number_implicit(from, to);
    }
    if (ps_type_is_timestamp(to)) {
        return ps_type_is_timestamp(from) || from->kind == PS_TYPE_DATE;
    }
    return (ps_type_is_text(from) && ps_type_is_text(to)) ||
           (ps_type_is_bytes(from) && ps_type_is_bytes(to)) ||
           (from->kind == PS_TYPE_TIME && to->kind == PS_TYPE_TIME);
}

bool ps_cast_is_no_op(const ps_type *from, const ps_type *to)
{
    if (ps_type_equal(from, to)) {
        return true;
    }
    if (ps_type_is_integer(from) && ps_type_is_integer(to)) {
        return from->kind <= to->kind;
    }
    if (is_float(from) && is_float(to)) {
        return to->kind == PS_TYPE_DOUBLE;
    }
    if (from->kind == PS_TYPE_DECIMAL && to->kind == PS_TYPE_DECIMAL) {
        return from->scale == to->scale && from->precision <= to->precision &&
               ps_type_phys(from) == ps_type_phys(to);
    }
    if (from->kind == to->kind && ps_type_is_timestamp(from)) {
        return from->precision <= to->precision &&
               ps_type_ticks_per_second(from) == ps_type_ticks_per_second(to);
    }
    bool same = (ps_type_is_text(from) || ps_type_is_bytes(from)) &&
                (to->kind == PS_TYPE_VARCHAR || to->kind == PS_TYPE_VARBINARY);
    return same && from->length <= to->length;
}

ps_code ps_prepare_cast(ps_preparation *p)
{
    ps_step *step = p->step;
    const ps_type *from = step->types[0], *to = step->type;
    bool is_try = step->function->entry.name[0] == 'T';
    step->state = (void *)(uintptr_t)p->context->zone;
    step->number[NUMBER_SHIFT] = shift_of(to->kind);
    step->number[NUMBER_IS_TRY] = is_try;
    step->number[NUMBER_NULL_ON_OVERFLOW] = is_try || p->context->overflow_is_null;
    step->can_fail = !is_try;
    if (ps_type_is_integer(from) && ps_type_is_integer(to)) {
        step->kernel = kernel_wrap;
        step->can_fail = false;
    } else if (ps_type_is_integer(from) && to->kind == PS_TYPE_DOUBLE) {
        step->kernel = kernel_integer_to_double;
        step->can_fail = false;
    }
    return PS_OK;
}

static ps_code resolve_nothing(ps_resolution *r)
{
    return ps_error_set(r->err, PS_E_INVALID, "%s has a form of its own: %s",
                        r->function->entry.name, r->function->entry.signature);
}

static ps_code row_typeof(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)arguments;
    ps_type_print(call->step->types[0], ps_call_scratch(call));
    return ps_call_finish(call, out);
}

static const ps_function functions[] = {
    {.entry = {"CAST", "CAST(T AS TYPE) → TYPE",
               "The value as another type; what it cannot be is an error.", "Types", true},
     .resolve = resolve_nothing,
     .row = row_cast,
     .prepare = ps_prepare_cast,
     .flags = PS_CAN_FAIL},
    {.entry = {"TRY_CAST", "TRY_CAST(T AS TYPE) → TYPE",
               "The value as another type; NULL where it cannot be.", "Types", true},
     .resolve = resolve_nothing,
     .row = row_cast,
     .prepare = ps_prepare_cast},
    {.entry = {"COERCE", "COERCE(TEXT) → TEXT",
               "A text as a text of another length, unchanged: what the language does by itself.",
               "Types", true},
     .resolve = resolve_nothing,
     .row = row_cast,
     .flags = PS_IS_NO_OP},
    {.entry = {"TYPEOF", "TYPEOF(ANY) → STRING", "The name of the argument's type.", "Types", true},
     .pattern = "x>s?",
     .row = row_typeof,
     .flags = PS_TAKES_NULL | PS_IS_LENIENT},
};

const ps_function_family ps_family_cast = {functions, sizeof functions / sizeof functions[0]};
