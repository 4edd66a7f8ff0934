/* Time as data: nanoseconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX). Reading a
 * clock is base/io's.
 *
 * Calendar arithmetic is proleptic Gregorian (RFC 3339 §5; Howard Hinnant, "chrono-compatible
 * low-level date algorithms"). Range: what int64_t holds, 1677-09-21 to 2262-04-11; parse refuses
 * text beyond.
 */
#ifndef PS_BASE_TIME_H
#define PS_BASE_TIME_H

#include "base/bytes.h"

#define PS_NS_PER_US INT64_C(1000)
#define PS_NS_PER_MS INT64_C(1000000)
#define PS_NS_PER_S INT64_C(1000000000)

/* "2026-01-31T23:59:59.123Z": 24 characters, not terminated; truncates to milliseconds. */
enum { PS_TIME_CHARS = 24 };
void ps_time_format(int64_t time_ns, char out[PS_TIME_CHARS]);
void ps_buf_append_time(ps_buf *buf, int64_t time_ns);

/* RFC 3339 with an offset or Z and up to nine fraction digits; refuses 31 February, hour 24, leap
 * second 60. */
PS_CHECKED bool ps_time_parse(ps_slice text, int64_t *out_time_ns);

/* "10s", "500ms", "2m", "1h", "7d": whole numbers with a unit, > 0, ≤ 36500 days. */
PS_CHECKED bool ps_duration_parse(ps_slice text, int64_t *out_ns);

#endif
