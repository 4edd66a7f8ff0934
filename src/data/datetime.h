/* Dates and times as text and in parts; proleptic Gregorian calendar, UTC unless a zone is given.
 * (base/time.h has the RFC 3339 forms of the payment API; here are SQL's.) */
#ifndef PS_DATA_DATETIME_H
#define PS_DATA_DATETIME_H

#include "data/type.h"

typedef struct {
    int64_t year;                                         /* may be ≤ 0 */
    int32_t month, day, hour, minute, second, nanosecond; /* month and day from 1 */
} ps_civil;

int64_t ps_days_from_civil(int64_t year, int month, int day);
void ps_civil_from_days(int64_t days, ps_civil *out);
void ps_civil_from_ticks(int64_t ticks, int64_t ticks_per_second, ps_civil *out);
/* Wraps where 64 bits do not suffice (with nanoseconds: before 1677 and after 2262). */
int64_t ps_ticks_from_civil(const ps_civil *civil, int64_t ticks_per_second);
/* 1 … 53, ISO 8601 */
int ps_iso_week(int64_t days);
/* 1 = Sunday, as Flink's DAYOFWEEK */
int ps_day_of_week(int64_t days);
/* 28 … 31; month 1 … 12. */
int ps_days_in_month(int64_t year, int month);
/* Calendar arithmetic: the day is cut to the month's last (2024-01-31 + 1 month = 2024-02-29). */
int64_t ps_days_add_months(int64_t days, int64_t months);

/* As Flink's CAST reads them (SEMANTICS §3.5 and the sc cases); blanks around do not count, one
 * digit does for a month, day, hour, minute or second. False: malformed, no such day, or beyond the
 * ticks' range.
 *   DATE       "yyyy[-MM[-dd]]" and anything behind a blank: "42" is 0042-01-01; no 30 February
 *   TIME       "HH:mm[:ss[.f]]" (ps_time_parse is base/time's, RFC 3339)
 *   TIMESTAMP  "yyyy-MM-dd[[ T]HH:mm[:ss[.f]]]", up to nine digits f, cut to the ticks; a day up to
 *              31 is cut to the month's last, as Java's SMART resolver does: TO_TIMESTAMP reads
 *              2026-02-30 as the 28th */
PS_CHECKED bool ps_date_parse(ps_slice text, int64_t *out_days);
PS_CHECKED bool ps_time_of_day_parse(ps_slice text, int64_t *out_ms);
PS_CHECKED bool ps_timestamp_parse(ps_slice text, int64_t ticks_per_second, int64_t *out_ticks);

void ps_date_print(int64_t days, ps_buf *out);
void ps_time_print(int64_t ms, int precision, ps_buf *out);
/* `precision` fraction digits; separator ' ' or 'T'. */
void ps_timestamp_print(int64_t ticks, int64_t ticks_per_second, int precision, char separator,
                        ps_buf *out);

/* Java's DateTimeFormatter patterns (yyyy MM dd HH mm ss SSS E a …), compiled once. */
typedef struct ps_datetime_pattern ps_datetime_pattern;
/* In the arena; PS_E_INVALID names the letter, PS_E_UNSUPPORTED a letter that Java knows. */
PS_CHECKED ps_code ps_datetime_pattern_compile(ps_arena *arena, ps_slice pattern,
                                               const ps_datetime_pattern **out, ps_error *err);
void ps_datetime_pattern_print(const ps_datetime_pattern *pattern, const ps_civil *civil,
                               ps_buf *out);
PS_CHECKED bool ps_datetime_pattern_parse(const ps_datetime_pattern *pattern, ps_slice text,
                                          ps_civil *out);

/* Zones: "UTC", "GMT+08:00", "+08:00", and the names of the tz database read from the system. */
typedef struct ps_zone ps_zone;
/* PS_E_MISSING: no such zone. Loaded once, never freed before the arena. */
PS_CHECKED ps_code ps_zone_find(ps_arena *arena, ps_slice name, const ps_zone **out, ps_error *err);
/* Offset of local time from UTC in ms at that instant. */
int64_t ps_zone_offset_at(const ps_zone *zone, int64_t epoch_ms);
/* Local wall clock (as if UTC) to the instant: in a gap shifted forward, in an overlap the earlier
 * offset, as Java's ZonedDateTime. */
int64_t ps_zone_to_epoch(const ps_zone *zone, int64_t local_ms);

#endif
