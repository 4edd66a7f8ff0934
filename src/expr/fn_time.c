/* The clock, and points in time from and to text. Texts without a zone are of the session's zone
 * where the result is an instant. */
#include <math.h>
#include <stdlib.h>

#include "data/datetime.h"
#include "data/decimal.h"
#include "expr/kernel.h"

static const ps_slice default_pattern = {"yyyy-MM-dd HH:mm:ss", 19};

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t local_ms(const ps_zone *zone, int64_t epoch_ms)
{
    return zone != NULL ? epoch_ms + ps_zone_offset_at(zone, epoch_ms) : epoch_ms;
}

static int64_t epoch_of(const ps_zone *zone, int64_t wall_ms)
{
    return zone != NULL ? ps_zone_to_epoch(zone, wall_ms) : wall_ms;
}

/* ── patterns ── */

/* What a step of this file keeps: the session's zone and the newest compiled pattern. */
typedef struct {
    const ps_zone *zone;
    ps_arena arena; /* of the pattern */
    char *text;     /* what it was compiled from; NULL: nothing yet */
    size_t size;
    const ps_datetime_pattern *pattern;
} time_state;

static void release_state(void *state)
{
    time_state *s = state;
    if (s != NULL) {
        ps_arena_release(&s->arena);
        free(s);
    }
}

static ps_code compile_pattern(time_state *s, ps_slice text, ps_error *err)
{
    enum { PATTERN_MEMORY_MAX = 1 << 20 };
    if (s->text != NULL && ps_slice_equal(text, ps_slice_of(s->text, s->size))) {
        return PS_OK;
    }
    ps_arena_release(&s->arena);
    ps_arena_init(&s->arena, PATTERN_MEMORY_MAX);
    s->text = NULL;
    ps_code code = ps_datetime_pattern_compile(&s->arena, text, &s->pattern, err);
    if (code == PS_OK) {
        s->text = ps_arena_copy(&s->arena, text.data, text.size);
        s->size = text.size;
    }
    return code;
}

/* A constant pattern is argument 1; one that is not supported is refused before the first row. */
static ps_code prepare_time(ps_preparation *p)
{
    time_state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return ps_expr_no_memory(p->err);
    }
    s->zone = p->context->zone;
    p->step->state = s;
    p->step->release = release_state;
    const ps_value *pattern = p->step->argument_count > 1 ? ps_step_constant(p->step, 1) : NULL;
    if (pattern == NULL || !ps_type_is_text(p->step->types[1])) {
        return PS_OK;
    }
    ps_code code = compile_pattern(s, pattern->text, p->err);
    return code == PS_E_INVALID ? PS_OK : code; /* malformed: fails when a row is there */
}

static ps_code pattern_of(ps_call *call, ps_slice text, const ps_datetime_pattern **out)
{
    time_state *s = call->step->state;
    ps_code code = compile_pattern(s, text, call->run->err);
    *out = s->pattern;
    return code;
}

static ps_code print_wall(ps_call *call, int64_t ticks, int64_t per_second, ps_slice pattern,
                          ps_value *out)
{
    const ps_datetime_pattern *compiled = NULL;
    ps_code code = pattern_of(call, pattern, &compiled);
    if (code != PS_OK) {
        return code;
    }
    ps_civil civil;
    ps_civil_from_ticks(ticks, per_second, &civil);
    ps_datetime_pattern_print(compiled, &civil, ps_call_scratch(call));
    return ps_call_finish(call, out);
}

/* Wall clock in ms of a text by a pattern; *out_good false: it does not fit. */
static ps_code parse_wall(ps_call *call, ps_slice text, ps_slice pattern, bool *out_good,
                          int64_t *out_ms)
{
    const ps_datetime_pattern *compiled = NULL;
    ps_code code = pattern_of(call, pattern, &compiled);
    ps_civil civil;
    *out_good = code == PS_OK && ps_datetime_pattern_parse(compiled, text, &civil);
    *out_ms = *out_good ? ps_ticks_from_civil(&civil, 1000) : 0;
    return code;
}

/* A number of 1 … 9 digits and the mark behind it ('\0': none). */
static bool read_number(ps_slice text, size_t *at, char mark, int64_t *out)
{
    size_t start = *at;
    *out = 0;
    while (*at < text.size && *at - start < 9 && text.data[*at] >= '0' && text.data[*at] <= '9') {
        *out = *out * 10 + (text.data[(*at)++] - '0');
    }
    if (*at == start) {
        return false;
    }
    if (mark == '\0') {
        return true;
    }
    return *at < text.size && text.data[(*at)++] == mark;
}

/* "yyyy-MM-dd HH:mm:ss" as Java's SimpleDateFormat reads it: what is too much is carried (30
 * February is 2 March), anything behind does not count. */
static bool parse_seconds(ps_slice text, int64_t *out_ms)
{
    int64_t year, month, day, hour, minute, second;
    size_t at = 0;
    bool good = read_number(text, &at, '-', &year) && read_number(text, &at, '-', &month) &&
                read_number(text, &at, ' ', &day) && read_number(text, &at, ':', &hour) &&
                read_number(text, &at, ':', &minute) && read_number(text, &at, '\0', &second);
    if (!good) {
        return false;
    }
    int64_t days = ps_days_from_civil(year, 1, 1);
    days = ps_days_add_months(days, month - 1) + day - 1;
    *out_ms = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
    return true;
}

/* ── the clock ── */

static int64_t clock_ms(const ps_call *call)
{
    const ps_program_clock *clock = call->run->clock;
    return clock->query_start_ms != 0 ? clock->query_start_ms : clock->now_ms;
}

static ps_code row_current_timestamp(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)arguments;
    out->i64 = clock_ms(call);
    return PS_OK;
}

static ps_code row_proctime(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)arguments;
    out->i64 = call->run->clock->now_ms;
    return PS_OK;
}

static ps_code row_local_clock(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)arguments;
    enum { DAY_MS = 86400000 };
    const time_state *s = call->step->state;
    int64_t ms = local_ms(s->zone, clock_ms(call)), days = floor_divide(ms, DAY_MS);
    switch (call->step->type->kind) {
    case PS_TYPE_DATE:
        out->i64 = days;
        return PS_OK;
    case PS_TYPE_TIME: /* precision 0 */
        out->i64 = (ms - days * DAY_MS) / 1000 * 1000;
        return PS_OK;
    default:
        out->i64 = ms;
        return PS_OK;
    }
}

static ps_code resolve_clock(ps_resolution *r)
{
    const char *name = r->function->entry.name;
    if (r->count != 0) {
        return ps_resolution_mismatch(r);
    }
    ps_arena *arena = r->context->arena;
    if (strcmp(name, "CURRENT_DATE") == 0) {
        return ps_resolution_set(r, PS_TYPE_DATE, false);
    }
    if (strcmp(name, "CURRENT_TIME") == 0 || strcmp(name, "LOCALTIME") == 0) {
        return ps_resolution_type(r, ps_type_time(arena, PS_TYPE_TIME, 0, false));
    }
    ps_type_kind kind =
        strcmp(name, "LOCALTIMESTAMP") == 0 ? PS_TYPE_TIMESTAMP : PS_TYPE_TIMESTAMP_LTZ;
    return ps_resolution_type(r, ps_type_time(arena, kind, 3, false));
}

static ps_code row_current_watermark(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)arguments;
    const ps_batch *batch = call->run->batch;
    int64_t watermark = batch->watermarks != NULL ? batch->watermarks[call->run->from + call->row]
                                                  : PS_WATERMARK_NONE;
    out->is_null = watermark == PS_WATERMARK_NONE;
    out->i64 = out->is_null ? 0 : watermark;
    return PS_OK;
}

static ps_code resolve_watermark(ps_resolution *r)
{
    if (r->count != 1 || !ps_type_is_timestamp(r->arguments[0]->type)) {
        return ps_resolution_mismatch(r);
    }
    return ps_resolution_type(
        r, ps_type_time(r->context->arena, r->arguments[0]->type->kind, 3, true));
}

/* ── to text ── */

static ps_code row_date_format(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *type = call->step->types[0];
    const time_state *s = call->step->state;
    int64_t ticks = arguments[0].i64, per_second = 1000;
    if (ps_type_is_text(type)) {
        if (!parse_seconds(arguments[0].text, &ticks)) {
            out->is_null = true;
            return PS_OK;
        }
    } else {
        per_second = ps_type_ticks_per_second(type);
    }
    if (type->kind == PS_TYPE_TIMESTAMP_LTZ && s->zone != NULL) {
        int64_t ms = floor_divide(ticks, per_second / 1000);
        ticks += ps_zone_offset_at(s->zone, ms) * (per_second / 1000);
    }
    return print_wall(call, ticks, per_second, arguments[1].text, out);
}

static ps_code row_from_unixtime(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const time_state *s = call->step->state;
    int64_t ms = 0;
    if (__builtin_mul_overflow(arguments[0].i64, 1000, &ms)) {
        out->is_null = true;
        return PS_OK;
    }
    bool has_pattern = call->step->argument_count > 1;
    return print_wall(call, local_ms(s->zone, ms), 1000,
                      has_pattern ? arguments[1].text : default_pattern, out);
}

/* A zone that is not there is GMT, as java.util.TimeZone has it. */
static const ps_zone *zone_named(ps_call *call, ps_slice name)
{
    const ps_zone *zone = NULL;
    ps_error ignored;
    return ps_zone_find(call->run->arena, name, &zone, &ignored) == PS_OK ? zone : NULL;
}

static ps_code row_convert_tz(ps_call *call, const ps_value *arguments, ps_value *out)
{
    int64_t wall = 0;
    if (!parse_seconds(arguments[0].text, &wall)) {
        out->is_null = true;
        return PS_OK;
    }
    int64_t epoch = epoch_of(zone_named(call, arguments[1].text), wall);
    wall = local_ms(zone_named(call, arguments[2].text), epoch);
    return print_wall(call, wall, 1000, default_pattern, out);
}

/* ── from text and numbers ── */

static ps_code row_to_timestamp(ps_call *call, const ps_value *arguments, ps_value *out)
{
    bool good = false;
    ps_code code = PS_OK;
    if (call->step->argument_count > 1) {
        code = parse_wall(call, arguments[0].text, arguments[1].text, &good, &out->i64);
    } else {
        good = ps_timestamp_read(arguments[0].text, 1000, &out->i64);
    }
    out->is_null = !good;
    return code;
}

static ps_code row_to_date(ps_call *call, const ps_value *arguments, ps_value *out)
{
    enum { DAY_MS = 86400000 };
    bool good = false;
    ps_code code = PS_OK;
    if (call->step->argument_count > 1) {
        code = parse_wall(call, arguments[0].text, arguments[1].text, &good, &out->i64);
        out->i64 = floor_divide(out->i64, DAY_MS);
    } else {
        good = ps_date_parse(arguments[0].text, &out->i64);
    }
    out->is_null = !good;
    return code;
}

/* What cannot be read is the least BIGINT, as in Flink. */
static ps_code row_unix_timestamp(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const time_state *s = call->step->state;
    if (call->step->argument_count == 0) {
        out->i64 = floor_divide(call->run->clock->now_ms, 1000);
        return PS_OK;
    }
    int64_t wall = 0;
    bool good = false;
    ps_code code = PS_OK;
    if (call->step->argument_count > 1) {
        code = parse_wall(call, arguments[0].text, arguments[1].text, &good, &wall);
    } else {
        good = parse_seconds(arguments[0].text, &wall);
    }
    out->i64 = good ? floor_divide(epoch_of(s->zone, wall), 1000) : INT64_MIN;
    return code;
}

/* Years 0 … 9999. */
static void put_epoch(int64_t ms, ps_value *out)
{
    out->is_null = ms < -62167219200000 || ms > 253402300799999;
    out->i64 = out->is_null ? 0 : ms;
}

static ps_code ltz_of_number(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *type = call->step->types[0];
    int64_t precision = call->step->argument_count > 1 ? arguments[1].i64 : 3;
    if (precision != 0 && precision != 3) {
        return ps_error_set(call->run->err, PS_E_INVALID,
                            "TO_TIMESTAMP_LTZ: the precision %lld is not 0 (seconds) or 3 "
                            "(milliseconds)",
                            (long long)precision);
    }
    int64_t unit = precision == 0 ? 1000 : 1, ms = 0;
    if (ps_type_is_integer(type)) {
        if (__builtin_mul_overflow(arguments[0].i64, unit, &ms)) {
            ms = INT64_MAX;
        }
    } else {
        double value = arguments[0].f64;
        if (type->kind == PS_TYPE_DECIMAL) {
            bool wide = ps_type_phys(type) == PS_PHYS_I128;
            value = ps_decimal_to_double(wide ? arguments[0].i128 : arguments[0].i64, type->scale);
        }
        value *= (double)unit;
        ms = isfinite(value) && fabs(value) < 1e18 ? (int64_t)value : INT64_MAX;
    }
    put_epoch(ms, out);
    return PS_OK;
}

/* (number[, precision]), (text[, pattern[, zone]]): UTC unless a zone is given */
static ps_code row_to_timestamp_ltz(ps_call *call, const ps_value *arguments, ps_value *out)
{
    uint32_t count = call->step->argument_count;
    if (!ps_type_is_text(call->step->types[0])) {
        return ltz_of_number(call, arguments, out);
    }
    int64_t wall = 0;
    bool good = false;
    ps_code code = PS_OK;
    if (count > 1) {
        code = parse_wall(call, arguments[0].text, arguments[1].text, &good, &wall);
    } else {
        good = ps_timestamp_read(arguments[0].text, 1000, &wall);
    }
    if (code != PS_OK || !good) {
        out->is_null = true;
        return code;
    }
    put_epoch(epoch_of(count > 2 ? zone_named(call, arguments[2].text) : NULL, wall), out);
    return PS_OK;
}

#define TIME(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Time", true}
#define CLOCK(NAME, SIGNATURE, SUMMARY, ROW)                                                       \
    {                                                                                              \
        .entry = {NAME, SIGNATURE, SUMMARY, "Time", false}, .resolve = resolve_clock, .row = ROW,  \
        .prepare = prepare_time                                                                    \
    }

static const ps_function functions[] = {
    CLOCK("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP → TIMESTAMP_LTZ(3)",
          "Now; in a bounded run the time of its start.", row_current_timestamp),
    CLOCK("NOW", "NOW() → TIMESTAMP_LTZ(3)", "Now; in a bounded run the time of its start.",
          row_current_timestamp),
    CLOCK("CURRENT_ROW_TIMESTAMP", "CURRENT_ROW_TIMESTAMP() → TIMESTAMP_LTZ(3)",
          "Now, also in a bounded run.", row_proctime),
    CLOCK("PROCTIME", "PROCTIME() → TIMESTAMP_LTZ(3)", "The time when the row is processed.",
          row_proctime),
    CLOCK("LOCALTIMESTAMP", "LOCALTIMESTAMP → TIMESTAMP(3)", "Now on the session's wall clock.",
          row_local_clock),
    CLOCK("CURRENT_DATE", "CURRENT_DATE → DATE", "Today in the session's zone.", row_local_clock),
    CLOCK("CURRENT_TIME", "CURRENT_TIME → TIME(0)", "The time of day in the session's zone.",
          row_local_clock),
    CLOCK("LOCALTIME", "LOCALTIME → TIME(0)", "The time of day in the session's zone.",
          row_local_clock),
    {.entry = {"CURRENT_WATERMARK", "CURRENT_WATERMARK(TIMESTAMP rowtime) → TIMESTAMP(3)",
               "The watermark that the row has met; NULL before the first.", "Time", false},
     .resolve = resolve_watermark,
     .row = row_current_watermark,
     .flags = PS_IS_LENIENT},
    {TIME("DATE_FORMAT", "DATE_FORMAT(TIMESTAMP | STRING, STRING pattern) → STRING",
          "The time as text by a pattern of Java's letters (yyyy MM dd HH mm ss SSS)."),
     .pattern = "ts>s?|ss>s?", .row = row_date_format, .prepare = prepare_time,
     .flags = PS_CAN_FAIL | PS_IS_COSTLY},
    {TIME("FROM_UNIXTIME", "FROM_UNIXTIME(INT seconds[, STRING pattern]) → STRING",
          "Seconds since 1970 as text in the session's zone."),
     .pattern = "i>s?|is>s?", .row = row_from_unixtime, .prepare = prepare_time,
     .flags = PS_CAN_FAIL | PS_IS_COSTLY},
    {TIME("CONVERT_TZ", "CONVERT_TZ(STRING, STRING from, STRING to) → STRING",
          "A time as text, from one zone to another; NULL when it is not yyyy-MM-dd HH:mm:ss."),
     .pattern = "sss>s?", .row = row_convert_tz, .prepare = prepare_time,
     .flags = PS_CAN_FAIL | PS_IS_COSTLY},
    {TIME("TO_TIMESTAMP", "TO_TIMESTAMP(STRING[, STRING pattern]) → TIMESTAMP(3)",
          "The text as a time; NULL when it is none."),
     .pattern = "s>t?|ss>t?", .row = row_to_timestamp, .prepare = prepare_time,
     .flags = PS_CAN_FAIL | PS_IS_COSTLY},
    {TIME("TO_DATE", "TO_DATE(STRING[, STRING pattern]) → DATE",
          "The text as a date; NULL when it is none."),
     .pattern = "s>D?|ss>D?", .row = row_to_date, .prepare = prepare_time,
     .flags = PS_CAN_FAIL | PS_IS_COSTLY},
    {TIME("TO_TIMESTAMP_LTZ",
          "TO_TIMESTAMP_LTZ(NUMBER[, INT precision]) → TIMESTAMP_LTZ(3), "
          "TO_TIMESTAMP_LTZ(STRING[, STRING pattern[, STRING zone]]) → TIMESTAMP_LTZ(3)",
          "Milliseconds (precision 3) or seconds (0) since 1970, or a text (in UTC unless a zone "
          "is given), as an instant."),
     .pattern = "n>z?|ni>z?|s>z?|ss>z?|sss>z?", .row = row_to_timestamp_ltz,
     .prepare = prepare_time, .flags = PS_CAN_FAIL | PS_IS_COSTLY},
    {.entry = {"UNIX_TIMESTAMP", "UNIX_TIMESTAMP([STRING[, STRING pattern]]) → BIGINT",
               "Seconds since 1970, now or of a text in the session's zone.", "Time", false},
     .pattern = ">l!|s>l|ss>l",
     .row = row_unix_timestamp,
     .prepare = prepare_time,
     .flags = PS_CAN_FAIL | PS_IS_COSTLY},
};

const ps_function_family ps_family_time = {functions, sizeof functions / sizeof functions[0]};
