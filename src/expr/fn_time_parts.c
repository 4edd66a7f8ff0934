/* Parts of points in time: EXTRACT and its short names, FLOOR and CEIL to a unit, TIMESTAMPADD,
 * TIMESTAMPDIFF. Units are texts in capitals. TIMESTAMP_LTZ counts on the session's wall clock. */
#include "data/datetime.h"
#include "data/decimal.h"
#include "expr/kernel.h"

typedef enum {
    UNIT_NANOSECOND,
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
    UNIT_EPOCH,
    UNIT_DOW,
    UNIT_ISODOW,
    UNIT_DOY,
    UNIT_ISOYEAR,
    UNIT_UNKNOWN
} time_unit;

enum { DAY_MS = 86400000, NUMBER_UNIT = 0 };

static time_unit unit_named(ps_slice name)
{
    static const struct {
        const char *name;
        time_unit unit;
    } names[] = {{"NANOSECOND", UNIT_NANOSECOND},
                 {"MICROSECOND", UNIT_MICROSECOND},
                 {"MILLISECOND", UNIT_MILLISECOND},
                 {"SECOND", UNIT_SECOND},
                 {"MINUTE", UNIT_MINUTE},
                 {"HOUR", UNIT_HOUR},
                 {"DAY", UNIT_DAY},
                 {"DAYOFMONTH", UNIT_DAY},
                 {"WEEK", UNIT_WEEK},
                 {"MONTH", UNIT_MONTH},
                 {"QUARTER", UNIT_QUARTER},
                 {"YEAR", UNIT_YEAR},
                 {"DECADE", UNIT_DECADE},
                 {"CENTURY", UNIT_CENTURY},
                 {"MILLENNIUM", UNIT_MILLENNIUM},
                 {"EPOCH", UNIT_EPOCH},
                 {"DOW", UNIT_DOW},
                 {"DAYOFWEEK", UNIT_DOW},
                 {"ISODOW", UNIT_ISODOW},
                 {"DOY", UNIT_DOY},
                 {"DAYOFYEAR", UNIT_DOY},
                 {"ISOYEAR", UNIT_ISOYEAR}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ps_slice_equal(name, ps_slice_text(names[i].name))) {
            return names[i].unit;
        }
    }
    return UNIT_UNKNOWN;
}

/* Milliseconds of a unit of fixed length; 0: its length varies. */
static int64_t unit_ms(time_unit unit)
{
    switch (unit) {
    case UNIT_MILLISECOND:
        return 1;
    case UNIT_SECOND:
        return 1000;
    case UNIT_MINUTE:
        return 60000;
    case UNIT_HOUR:
        return 3600000;
    case UNIT_DAY:
        return DAY_MS;
    case UNIT_WEEK:
        return 7 * (int64_t)DAY_MS;
    case UNIT_NANOSECOND:
    case UNIT_MICROSECOND:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
    case UNIT_DECADE:
    case UNIT_CENTURY:
    case UNIT_MILLENNIUM:
    case UNIT_EPOCH:
    case UNIT_DOW:
    case UNIT_ISODOW:
    case UNIT_DOY:
    case UNIT_ISOYEAR:
    case UNIT_UNKNOWN:
        break;
    }
    return 0;
}

static int64_t unit_months(time_unit unit)
{
    return unit == UNIT_MONTH ? 1 : unit == UNIT_QUARTER ? 3 : unit == UNIT_YEAR ? 12 : 0;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Wall clock of a DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ: ms, and nanoseconds within. */
static int64_t wall_ms(const ps_call *call, const ps_type *type, int64_t value, int64_t *out_rest)
{
    const ps_zone *zone = call->step->state;
    *out_rest = 0;
    if (type->kind == PS_TYPE_DATE) {
        return value * DAY_MS;
    }
    if (!ps_type_is_timestamp(type)) {
        return value;
    }
    int64_t per_ms = ps_type_ticks_per_second(type) / 1000;
    int64_t ms = floor_divide(value, per_ms);
    *out_rest = (value - ms * per_ms) * (1000000 / per_ms);
    bool shifts = type->kind == PS_TYPE_TIMESTAMP_LTZ && zone != NULL;
    return shifts ? ms + ps_zone_offset_at(zone, ms) : ms;
}

/* ── EXTRACT ── */

static int64_t iso_year(int64_t days, const ps_civil *civil)
{
    int week = ps_iso_week(days);
    if (civil->month == 1 && week > 50) {
        return civil->year - 1;
    }
    return civil->month == 12 && week == 1 ? civil->year + 1 : civil->year;
}

static int64_t part_of_day(time_unit unit, int64_t ms_of_day, int64_t rest)
{
    switch (unit) {
    case UNIT_HOUR:
        return ms_of_day / 3600000;
    case UNIT_MINUTE:
        return ms_of_day / 60000 % 60;
    case UNIT_SECOND:
        return ms_of_day / 1000 % 60;
    case UNIT_MILLISECOND:
        return ms_of_day % 1000;
    case UNIT_MICROSECOND:
        return ms_of_day % 1000 * 1000 + rest / 1000;
    default:
        return ms_of_day % 1000 * 1000000 + rest;
    }
}

static int64_t part_of_date(time_unit unit, int64_t days)
{
    ps_civil civil;
    ps_civil_from_days(days, &civil);
    switch (unit) {
    case UNIT_YEAR:
        return civil.year;
    case UNIT_QUARTER:
        return (civil.month + 2) / 3;
    case UNIT_MONTH:
        return civil.month;
    case UNIT_DAY:
        return civil.day;
    case UNIT_WEEK:
        return ps_iso_week(days);
    case UNIT_DOY:
        return days - ps_days_from_civil(civil.year, 1, 1) + 1;
    case UNIT_DOW:
        return ps_day_of_week(days);
    case UNIT_ISODOW:
        return (ps_day_of_week(days) + 5) % 7 + 1;
    case UNIT_ISOYEAR:
        return iso_year(days, &civil);
    case UNIT_DECADE:
        return civil.year / 10;
    case UNIT_CENTURY:
        return civil.year > 0 ? (civil.year + 99) / 100 : (civil.year - 99) / 100;
    default:
        return civil.year > 0 ? (civil.year + 999) / 1000 : (civil.year - 999) / 1000;
    }
}

static int64_t part_of_interval(time_unit unit, const ps_type *type, int64_t value)
{
    if (type->kind == PS_TYPE_INTERVAL_MONTHS) {
        return unit == UNIT_YEAR      ? value / 12
               : unit == UNIT_QUARTER ? value % 12 / 3 + 1
                                      : value % 12;
    }
    return unit == UNIT_DAY ? value / DAY_MS : part_of_day(unit, value % DAY_MS, 0);
}

static ps_code row_extract(ps_call *call, const ps_value *arguments, ps_value *out)
{
    uint32_t index = call->step->argument_count - 1;
    const ps_type *type = call->step->types[index];
    time_unit unit = (time_unit)call->step->number[NUMBER_UNIT];
    int64_t value = arguments[index].i64, rest = 0;
    if (type->kind == PS_TYPE_INTERVAL_MONTHS || type->kind == PS_TYPE_INTERVAL_MS) {
        out->i64 = part_of_interval(unit, type, value);
        return PS_OK;
    }
    int64_t ms = wall_ms(call, type, value, &rest), days = floor_divide(ms, DAY_MS);
    if (unit == UNIT_EPOCH) {
        out->i64 = floor_divide(ms, 1000);
    } else if (unit <= UNIT_HOUR) {
        out->i64 = part_of_day(unit, ms - days * DAY_MS, rest);
    } else {
        out->i64 = part_of_date(unit, days);
    }
    return PS_OK;
}

/* HOUR, MINUTE, SECOND of a TIMESTAMP without a zone: ticks of a day, divided. */
static ps_code kernel_clock_part(ps_step *step, ps_run *run)
{
    const int64_t *from = step->arguments[step->argument_count - 1]->column.i64;
    int64_t *out = step->out->column.i64;
    int64_t day = step->number[1], unit = step->number[2], limit = step->number[3];
    ps_step_join_valid(step, run);
    for (uint32_t row = 0; row < run->count; row++) {
        int64_t of_day = from[row] % day;
        of_day += of_day < 0 ? day : 0;
        out[row] = of_day / unit % limit;
    }
    return PS_OK;
}

/* The unit is the first argument, or the function's name. */
static time_unit unit_of(const ps_function *function, const ps_expr *first)
{
    ps_slice text;
    if (strcmp(function->entry.name, "EXTRACT") != 0) {
        return unit_named(ps_slice_text(function->entry.name));
    }
    return ps_expr_constant_text(first, &text) ? unit_named(text) : UNIT_UNKNOWN;
}

static bool has_part(const ps_type *type, time_unit unit)
{
    switch (type->kind) {
    case PS_TYPE_DATE:
    case PS_TYPE_TIMESTAMP:
    case PS_TYPE_TIMESTAMP_LTZ:
        return true;
    case PS_TYPE_TIME:
        return unit <= UNIT_HOUR;
    case PS_TYPE_INTERVAL_MS:
        return unit <= UNIT_DAY;
    case PS_TYPE_INTERVAL_MONTHS:
        return unit == UNIT_YEAR || unit == UNIT_MONTH || unit == UNIT_QUARTER;
    default:
        return false;
    }
}

static ps_code unknown_unit(const ps_resolution *r)
{
    return ps_error_set(r->err, PS_E_INVALID, "%s: there is no such unit for this type; it is %s",
                        r->function->entry.name, r->function->entry.signature);
}

static ps_code resolve_extract(ps_resolution *r)
{
    bool is_extract = strcmp(r->function->entry.name, "EXTRACT") == 0;
    if (r->count != (is_extract ? 2 : 1)) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *type = r->arguments[r->count - 1]->type;
    if (type->kind == PS_TYPE_NULL) {
        ps_code code = ps_resolution_coerce(r, r->count - 1, &ps_type_timestamp3);
        if (code != PS_OK) {
            return code;
        }
        type = r->arguments[r->count - 1]->type;
    }
    time_unit unit = unit_of(r->function, r->arguments[0]);
    if (unit == UNIT_UNKNOWN || !has_part(type, unit)) {
        return is_extract ? unknown_unit(r) : ps_resolution_mismatch(r);
    }
    return ps_resolution_set(r, PS_TYPE_BIGINT, type->nullable);
}

static ps_code prepare_extract(ps_preparation *p)
{
    p->step->number[NUMBER_UNIT] = unit_of(p->step->function, p->step->expr->arguments[0]);
    p->step->state = (void *)(uintptr_t)p->context->zone;
    const ps_type *type = p->step->types[p->step->argument_count - 1];
    time_unit unit = (time_unit)p->step->number[NUMBER_UNIT];
    bool shifts = type->kind == PS_TYPE_TIMESTAMP_LTZ && p->context->zone != NULL;
    if (ps_type_is_timestamp(type) && !shifts && unit >= UNIT_SECOND && unit <= UNIT_HOUR) {
        int64_t per_ms = ps_type_ticks_per_second(type) / 1000;
        p->step->kernel = kernel_clock_part;
        p->step->number[1] = DAY_MS * per_ms;
        p->step->number[2] = unit_ms(unit) * per_ms;
        p->step->number[3] = unit == UNIT_HOUR ? 24 : 60;
    }
    return PS_OK;
}

/* ── FLOOR, CEIL ── */

static int64_t days_of_year(int64_t year)
{
    return ps_days_from_civil(year, 1, 1);
}

/* The first day of the unit that the day is in, or of the next when `up` and it is not that. */
static int64_t floor_days(time_unit unit, int64_t days, bool up)
{
    ps_civil civil;
    ps_civil_from_days(days, &civil);
    int64_t year = civil.year, month = civil.month;
    switch (unit) {
    case UNIT_WEEK: { /* from Sunday on */
        int64_t behind = ps_day_of_week(days) - 1;
        return days - (up && behind > 0 ? behind - 7 : behind);
    }
    case UNIT_MONTH:
        days = ps_days_from_civil(year, (int)month, 1);
        return up && civil.day > 1 ? ps_days_add_months(days, 1) : days;
    case UNIT_QUARTER: {
        int first = (int)(month - 1) / 3 * 3 + 1;
        days = ps_days_from_civil(year, first, 1);
        return up && (month > first || civil.day > 1) ? ps_days_add_months(days, 3) : days;
    }
    case UNIT_YEAR:
        return days_of_year(up && (month > 1 || civil.day > 1) ? year + 1 : year);
    case UNIT_DECADE:
        return days_of_year(10 * (year / 10 + (up ? 1 : 0)));
    case UNIT_CENTURY:
        return days_of_year(100 * ((year + 99) / 100) + (up ? 1 : -99));
    case UNIT_MILLENNIUM:
        return days_of_year(1000 * ((year + 999) / 1000) + (up ? 1 : -999));
    default:
        return days;
    }
}

static int64_t floor_ms(time_unit unit, int64_t ms, bool up)
{
    int64_t length = unit == UNIT_WEEK ? 0 : unit_ms(unit);
    if (length != 0) {
        int64_t low = floor_divide(ms, length) * length;
        return up && low != ms ? low + length : low;
    }
    return floor_days(unit, ms / DAY_MS, up) * DAY_MS; /* toward zero, as Flink does */
}

static ps_code row_floor_time(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *type = call->step->type;
    const ps_zone *zone = call->step->state;
    bool up = call->step->function->entry.name[0] == 'C';
    time_unit unit = (time_unit)call->step->number[NUMBER_UNIT];
    int64_t rest = 0, ms = wall_ms(call, type, arguments[0].i64, &rest);
    if (type->kind == PS_TYPE_DATE) {
        out->i64 = unit >= UNIT_WEEK ? floor_days(unit, arguments[0].i64, up) : arguments[0].i64;
        return PS_OK;
    }
    ms = floor_ms(unit, ms + (up && rest > 0 ? 1 : 0), up);
    if (type->kind == PS_TYPE_TIME) {
        out->i64 = ms % DAY_MS;
        return PS_OK;
    }
    bool shifts = type->kind == PS_TYPE_TIMESTAMP_LTZ && zone != NULL;
    ms = shifts ? ps_zone_to_epoch(zone, ms) : ms;
    out->i64 = (int64_t)((uint64_t)ms * (uint64_t)(ps_type_ticks_per_second(type) / 1000));
    return PS_OK;
}

static ps_code resolve_floor(ps_resolution *r)
{
    const ps_type *type = r->count > 0 ? r->arguments[0]->type : NULL;
    if (r->count == 1 && type->kind == PS_TYPE_DECIMAL) {
        return ps_resolution_type(
            r, ps_type_decimal(r->context->arena, type->precision, 0, type->nullable));
    }
    if (r->count == 1 && ps_type_is_numeric(type)) {
        return ps_resolution_type(r, type);
    }
    if (r->count != 2 || type->kind < PS_TYPE_DATE || type->kind > PS_TYPE_TIMESTAMP_LTZ) {
        return ps_resolution_mismatch(r);
    }
    ps_slice text;
    time_unit unit =
        ps_expr_constant_text(r->arguments[1], &text) ? unit_named(text) : UNIT_UNKNOWN;
    bool is_known = unit >= UNIT_MILLISECOND && unit <= UNIT_MILLENNIUM;
    if (!is_known || (type->kind == PS_TYPE_TIME && unit > UNIT_HOUR)) {
        return unknown_unit(r);
    }
    return ps_resolution_type(r, type);
}

static ps_code prepare_floor(ps_preparation *p)
{
    ps_step *step = p->step;
    step->row = ps_row_floor_number;
    step->kernel = ps_kernel_rows;
    step->can_fail = step->type->kind == PS_TYPE_DECIMAL;
    step->number[3] = p->context->overflow_is_null ? 1 : 0;
    if (step->argument_count == 2) {
        step->row = row_floor_time;
        step->state = (void *)(uintptr_t)p->context->zone;
        step->number[NUMBER_UNIT] = unit_named(ps_step_constant(step, 1)->text);
    }
    return PS_OK;
}

/* ── TIMESTAMPADD (unit, number, time) ── */

static ps_code row_timestampadd(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *from = call->step->types[2], *type = call->step->type;
    time_unit unit = (time_unit)call->step->number[NUMBER_UNIT];
    int64_t months = unit_months(unit), value = arguments[2].i64;
    int64_t per_second = ps_type_is_timestamp(type) ? ps_type_ticks_per_second(type) : 1000;
    uint64_t count = (uint64_t)arguments[1].i64;
    if (from->kind == PS_TYPE_DATE && type->kind != PS_TYPE_DATE) {
        value *= 86400 * per_second;
    }
    if (months != 0) {
        int64_t day = type->kind == PS_TYPE_DATE ? 1 : 86400 * per_second;
        int64_t days = floor_divide(value, day);
        int64_t moved = ps_days_add_months(days, (int64_t)(count * (uint64_t)months));
        out->i64 = (int64_t)((uint64_t)moved * (uint64_t)day) + (value - days * day);
        return PS_OK;
    }
    if (type->kind == PS_TYPE_DATE) {
        out->i64 = (int64_t)((uint64_t)value + count * (uint64_t)(unit_ms(unit) / DAY_MS));
        return PS_OK;
    }
    uint64_t step = (uint64_t)unit_ms(unit) * (uint64_t)(per_second / 1000);
    out->i64 = (int64_t)((uint64_t)value + count * step);
    if (type->kind == PS_TYPE_TIME) {
        out->i64 -= floor_divide(out->i64, DAY_MS) * DAY_MS;
    }
    return PS_OK;
}

static time_unit first_unit(const ps_resolution *r)
{
    ps_slice text;
    time_unit unit = r->count == 3 && ps_expr_constant_text(r->arguments[0], &text)
                         ? unit_named(text)
                         : UNIT_UNKNOWN;
    return unit_ms(unit) != 0 || unit_months(unit) != 0 ? unit : UNIT_UNKNOWN;
}

static bool is_point(const ps_type *type)
{
    return type->kind >= PS_TYPE_DATE && type->kind <= PS_TYPE_TIMESTAMP_LTZ;
}

static ps_code resolve_timestampadd(ps_resolution *r)
{
    time_unit unit = first_unit(r);
    if (r->count != 3) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *type = r->arguments[2]->type;
    if (!is_point(type) || !ps_type_is_integer(r->arguments[1]->type)) {
        return ps_resolution_mismatch(r);
    }
    if (unit == UNIT_UNKNOWN || (type->kind == PS_TYPE_TIME && unit > UNIT_HOUR)) {
        return unknown_unit(r);
    }
    bool nullable = type->nullable || r->arguments[1]->type->nullable;
    if (type->kind == PS_TYPE_DATE && unit < UNIT_DAY) {
        return ps_resolution_type(r,
                                  ps_type_time(r->context->arena, PS_TYPE_TIMESTAMP, 6, nullable));
    }
    return ps_resolution_type(r, ps_type_with_nullable(r->context->arena, type, nullable));
}

static ps_code prepare_unit(ps_preparation *p)
{
    p->step->number[NUMBER_UNIT] = unit_named(ps_step_constant(p->step, 0)->text);
    return PS_OK;
}

/* ── TIMESTAMPDIFF (unit, a, b): b − a ── */

/* Whole months from day b to day a, as Calcite counts them. */
static int64_t months_between_days(int64_t a, int64_t b)
{
    int64_t sign = a < b ? -1 : 1, high = a < b ? b : a, low = a < b ? a : b;
    int64_t months = (high - low) / 31; /* never too many */
    while (ps_days_add_months(low, months) < high && ps_days_add_months(low, months + 1) <= high) {
        months++;
    }
    return sign * months;
}

static int64_t months_between(int64_t a_ms, int64_t b_ms)
{
    int64_t a = floor_divide(a_ms, DAY_MS), b = floor_divide(b_ms, DAY_MS);
    int64_t months = months_between_days(a, b);
    bool same_day = ps_days_add_months(b, months) == a;
    return same_day && a_ms - a * DAY_MS < b_ms - b * DAY_MS ? months - 1 : months;
}

static ps_code row_timestampdiff(ps_call *call, const ps_value *arguments, ps_value *out)
{
    time_unit unit = (time_unit)call->step->number[NUMBER_UNIT];
    int64_t rest = 0;
    int64_t a = wall_ms(call, call->step->types[1], arguments[1].i64, &rest);
    int64_t b = wall_ms(call, call->step->types[2], arguments[2].i64, &rest);
    int64_t months = unit_months(unit);
    int64_t difference = months != 0 ? months_between(b, a) / months : (b - a) / unit_ms(unit);
    out->i64 = (int32_t)(uint32_t)(uint64_t)difference;
    return PS_OK;
}

static ps_code resolve_timestampdiff(ps_resolution *r)
{
    if (r->count != 3 || !is_point(r->arguments[1]->type) || !is_point(r->arguments[2]->type)) {
        return ps_resolution_mismatch(r);
    }
    if (first_unit(r) == UNIT_UNKNOWN) {
        return unknown_unit(r);
    }
    return ps_resolution_set(r, PS_TYPE_INT,
                             r->arguments[1]->type->nullable || r->arguments[2]->type->nullable);
}

#define PARTS(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Time", true}
#define PART(NAME, SUMMARY)                                                                        \
    {                                                                                              \
        PARTS(NAME, NAME "(TIMESTAMP | DATE) → BIGINT", SUMMARY),                                  \
            .resolve = resolve_extract, .row = row_extract, .prepare = prepare_extract             \
    }

static const ps_function functions[] = {
    {PARTS("EXTRACT", "EXTRACT(unit FROM TIMESTAMP | DATE | TIME | INTERVAL) → BIGINT",
           "A part: YEAR, QUARTER, MONTH, WEEK (ISO), DAY, DOY, DOW (Sunday is 1), HOUR, MINUTE, "
           "SECOND, MILLISECOND, EPOCH …"),
     .resolve = resolve_extract, .row = row_extract, .prepare = prepare_extract},
    PART("YEAR", "The year."),
    PART("QUARTER", "The quarter, 1 to 4."),
    PART("MONTH", "The month, 1 to 12."),
    PART("WEEK", "The week of ISO 8601, 1 to 53."),
    PART("DAYOFYEAR", "The day of the year, from 1."),
    PART("DAYOFMONTH", "The day of the month, from 1."),
    PART("DAYOFWEEK", "The day of the week; Sunday is 1."),
    PART("HOUR", "The hour, 0 to 23."),
    PART("MINUTE", "The minute, 0 to 59."),
    PART("SECOND", "The second, 0 to 59."),
    {PARTS("FLOOR", "FLOOR(NUMBER) → NUMBER, FLOOR(TIMESTAMP TO unit) → TIMESTAMP",
           "The greatest whole number that is not greater; the beginning of the unit."),
     .resolve = resolve_floor, .prepare = prepare_floor, .flags = PS_CAN_FAIL},
    {PARTS("CEIL", "CEIL(NUMBER) → NUMBER, CEIL(TIMESTAMP TO unit) → TIMESTAMP",
           "The least whole number that is not less; where the next unit begins."),
     .resolve = resolve_floor, .prepare = prepare_floor, .flags = PS_CAN_FAIL},
    {PARTS("CEILING", "CEILING(NUMBER) → NUMBER, CEILING(TIMESTAMP TO unit) → TIMESTAMP",
           "The least whole number that is not less; where the next unit begins."),
     .resolve = resolve_floor, .prepare = prepare_floor, .flags = PS_CAN_FAIL},
    {PARTS("TIMESTAMPADD", "TIMESTAMPADD(unit, INT, TIMESTAMP) → TIMESTAMP",
           "The time moved by so many units; months are cut to their last day."),
     .resolve = resolve_timestampadd, .row = row_timestampadd, .prepare = prepare_unit},
    {PARTS("TIMESTAMPDIFF", "TIMESTAMPDIFF(unit, TIMESTAMP a, TIMESTAMP b) → INT",
           "Whole units from a to b."),
     .resolve = resolve_timestampdiff, .row = row_timestampdiff, .prepare = prepare_unit},
};

const ps_function_family ps_family_time_parts = {functions, sizeof functions / sizeof functions[0]};
