/* Time zones from TZif files (RFC 8536), the POSIX rule in their footer included. */
#include <stdlib.h>

#include "base/zone_file.h"
#include "data/datetime.h"

enum { FILE_SIZE_MAX = 1 << 20, HEADER_SIZE = 44, TRANSITIONS_MAX = 10000, DAY = 86400 };

/* A day of the year in a POSIX TZ rule and the local time when the clock changes. */
typedef struct {
    char form; /* 'M' month.week.day, 'J' day 1–365 without 29 February, 'n' day 0–365 */
    int32_t month, week, day;
    int32_t second; /* of the day; may be negative or beyond a day */
} rule_day;

struct ps_zone {
    int32_t first_offset; /* seconds east of UTC before the first transition */
    uint32_t transition_count;
    const int64_t *times;   /* seconds since the epoch, ascending */
    const int32_t *offsets; /* from times[i] on */
    /* behind the last transition */
    bool has_rule, has_summer;
    int32_t standard_offset, summer_offset;
    rule_day summer_start, summer_end;
};

/* ── fixed offsets ── */

static bool take_digits(ps_slice *text, size_t count, int32_t *out)
{
    if (text->size < count) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        char c = text->data[i];
        if (c < '0' || c > '9') {
            return false;
        }
        *out = *out * 10 + (c - '0');
    }
    text->data += count;
    text->size -= count;
    return true;
}

static bool take_char(ps_slice *text, char c)
{
    if (text->size == 0 || text->data[0] != c) {
        return false;
    }
    text->data++;
    text->size--;
    return true;
}

/* "+h", "+hh", "+hh:mm", "+hhmm", "+hh:mm:ss", up to 18 hours, as Java's ZoneOffset. */
static bool parse_offset(ps_slice text, int32_t *out_seconds)
{
    int32_t sign = take_char(&text, '-') ? -1 : take_char(&text, '+') ? 1 : 0;
    int32_t hour, minute = 0, second = 0;
    if (sign == 0 ||
        !(take_digits(&text, 2, &hour) || (text.size == 1 && take_digits(&text, 1, &hour)))) {
        return false;
    }
    if (text.size > 0) {
        bool has_colon = take_char(&text, ':');
        if (!take_digits(&text, 2, &minute) ||
            (text.size > 0 && has_colon && !take_char(&text, ':')) ||
            (text.size > 0 && !take_digits(&text, 2, &second))) {
            return false;
        }
    }
    int32_t seconds = hour * 3600 + minute * 60 + second;
    if (text.size > 0 || minute > 59 || second > 59 || seconds > 18 * 3600) {
        return false;
    }
    *out_seconds = sign * seconds;
    return true;
}

/* UTC, GMT, UT and Z, each alone or (but for Z) with an offset; an offset alone. */
static bool parse_fixed(ps_slice name, int32_t *out_seconds)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};
    *out_seconds = 0;
    if (ps_slice_equal(name, PS_SLICE("Z"))) {
        return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        ps_slice prefix = ps_slice_text(prefixes[i]);
        if (ps_slice_has_prefix(name, prefix)) {
            ps_slice rest = {name.data + prefix.size, name.size - prefix.size};
            return rest.size == 0 || parse_offset(rest, out_seconds);
        }
    }
    return parse_offset(name, out_seconds);
}

/* ── the footer: a POSIX TZ string ── */

static bool skip_abbreviation(ps_slice *text)
{
    size_t size = 0;
    if (take_char(text, '<')) {
        while (size < text->size && text->data[size] != '>') {
            size++;
        }
        text->data += size;
        text->size -= size;
        return take_char(text, '>');
    }
    while (size < text->size && ((text->data[size] | 32) >= 'a') &&
           ((text->data[size] | 32) <= 'z')) {
        size++;
    }
    text->data += size;
    text->size -= size;
    return size >= 3;
}

static bool take_number(ps_slice *text, int32_t max, int32_t *out)
{
    int32_t value = 0;
    size_t count = 0;
    for (int32_t digit; count < 4 && take_digits(text, 1, &digit); count++) {
        value = value * 10 + digit;
    }
    *out = value;
    return count > 0 && value <= max;
}

/* "[+-]h[:m[:s]]", up to a week. */
static bool take_clock(ps_slice *text, int32_t *out_seconds)
{
    int32_t sign = take_char(text, '-') ? -1 : 1;
    int32_t hour, minute = 0, second = 0;
    if (sign == 1) {
        (void)take_char(text, '+');
    }
    if (!take_number(text, 167, &hour) ||
        (take_char(text, ':') && (!take_number(text, 59, &minute) ||
                                  (take_char(text, ':') && !take_number(text, 59, &second))))) {
        return false;
    }
    *out_seconds = sign * (hour * 3600 + minute * 60 + second);
    return true;
}

static bool take_rule_day(ps_slice *text, rule_day *out)
{
    *out = (rule_day){.form = 'n', .second = 2 * 3600};
    if (!take_char(text, ',')) {
        return false;
    }
    if (take_char(text, 'M')) {
        out->form = 'M';
        if (!take_number(text, 12, &out->month) || out->month < 1 || !take_char(text, '.') ||
            !take_number(text, 5, &out->week) || out->week < 1 || !take_char(text, '.') ||
            !take_number(text, 6, &out->day)) {
            return false;
        }
    } else {
        out->form = take_char(text, 'J') ? 'J' : 'n';
        if (!take_number(text, 365, &out->day) || (out->form == 'J' && out->day == 0)) {
            return false;
        }
    }
    return !take_char(text, '/') || take_clock(text, &out->second);
}

/* Offsets in it count west. False: malformed. */
static bool parse_rule(ps_slice text, ps_zone *zone)
{
    int32_t west;
    if (!skip_abbreviation(&text) || !take_clock(&text, &west)) {
        return false;
    }
    zone->has_rule = true;
    zone->standard_offset = -west;
    if (text.size == 0) {
        return true;
    }
    if (!skip_abbreviation(&text)) {
        return false;
    }
    zone->has_summer = true;
    zone->summer_offset = zone->standard_offset + 3600;
    if (text.size > 0 && text.data[0] != ',') {
        if (!take_clock(&text, &west)) {
            return false;
        }
        zone->summer_offset = -west;
    }
    return take_rule_day(&text, &zone->summer_start) && take_rule_day(&text, &zone->summer_end) &&
           text.size == 0;
}

/* Local seconds since the epoch when the clock changes in that year. */
static int64_t rule_time(const rule_day *rule, int64_t year)
{
    int64_t first_of_year = ps_days_from_civil(year, 1, 1);
    int64_t day;
    if (rule->form == 'M') {
        int64_t first = ps_days_from_civil(year, rule->month, 1);
        int weekday = ps_day_of_week(first) - 1; /* 0 is Sunday, as in the rule */
        day = first + (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
        if (day >= first + ps_days_in_month(year, rule->month)) {
            day -= 7; /* week 5 is the last */
        }
    } else if (rule->form == 'J') {
        bool is_behind_leap_day = rule->day >= 60 && ps_days_in_month(year, 2) == 29;
        day = first_of_year + rule->day - 1 + is_behind_leap_day;
    } else {
        day = first_of_year + rule->day;
    }
    return day * 86400 + rule->second;
}

static int32_t rule_offset(const ps_zone *zone, int64_t second)
{
    if (!zone->has_summer) {
        return zone->standard_offset;
    }
    ps_civil civil;
    ps_civil_from_ticks(second + zone->standard_offset, 1, &civil);
    int64_t start = rule_time(&zone->summer_start, civil.year) - zone->standard_offset;
    int64_t end = rule_time(&zone->summer_end, civil.year) - zone->summer_offset;
    bool is_summer =
        start < end ? second >= start && second < end : second >= start || second < end;
    return is_summer ? zone->summer_offset : zone->standard_offset;
}

/* ── TZif ── */

static uint32_t get_be32(const char *at)
{
    return __builtin_bswap32(ps_get_u32(at));
}

typedef struct {
    uint32_t utc_count, standard_count, leap_count, time_count, type_count, text_size;
} tzif_counts;

/* False: no header there, or counts beyond reason. */
static bool read_header(ps_slice bytes, tzif_counts *out, char *out_version)
{
    if (bytes.size < HEADER_SIZE || memcmp(bytes.data, "TZif", 4) != 0) {
        return false;
    }
    *out_version = bytes.data[4];
    *out = (tzif_counts){get_be32(bytes.data + 20), get_be32(bytes.data + 24),
                         get_be32(bytes.data + 28), get_be32(bytes.data + 32),
                         get_be32(bytes.data + 36), get_be32(bytes.data + 40)};
    return out->utc_count <= 256 && out->standard_count <= 256 && out->leap_count <= 1000 &&
           out->time_count <= TRANSITIONS_MAX && out->type_count >= 1 && out->type_count <= 256 &&
           out->text_size <= 4096;
}

static size_t body_size(const tzif_counts *counts, size_t time_size)
{
    return counts->time_count * (time_size + 1) + counts->type_count * 6 + counts->text_size +
           counts->leap_count * (time_size + 4) + counts->standard_count + counts->utc_count;
}

/* The second body, with 64-bit times; `bytes` begins with it. */
static bool read_body(ps_slice bytes, const tzif_counts *counts, ps_arena *arena, ps_zone *zone)
{
    const char *time_at = bytes.data;
    const char *index_at = time_at + (size_t)counts->time_count * 8;
    const char *type_at = index_at + counts->time_count;
    int64_t *times = ps_arena_take(arena, counts->time_count * sizeof *times);
    int32_t *offsets = ps_arena_take(arena, counts->time_count * sizeof *offsets);
    if (times == NULL || offsets == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < counts->time_count; i++) {
        uint8_t type = (uint8_t)index_at[i];
        times[i] = (int64_t)__builtin_bswap64(ps_get_u64(time_at + (size_t)i * 8));
        if (type >= counts->type_count || (i > 0 && times[i] <= times[i - 1])) {
            return false;
        }
        offsets[i] = (int32_t)get_be32(type_at + (size_t)type * 6);
        if (offsets[i] <= -DAY || offsets[i] >= DAY) {
            return false;
        }
    }
    zone->first_offset = (int32_t)get_be32(type_at);
    zone->transition_count = counts->time_count;
    zone->times = times;
    zone->offsets = offsets;
    return true;
}

static bool read_zone(ps_slice bytes, ps_arena *arena, ps_zone *zone)
{
    tzif_counts counts;
    char version;
    if (!read_header(bytes, &counts, &version) || version < '2') {
        return false;
    }
    size_t skipped = HEADER_SIZE + body_size(&counts, 4);
    if (skipped > bytes.size) {
        return false;
    }
    ps_slice rest = {bytes.data + skipped, bytes.size - skipped};
    if (!read_header(rest, &counts, &version)) {
        return false;
    }
    size_t size = body_size(&counts, 8);
    rest = (ps_slice){rest.data + HEADER_SIZE, rest.size - HEADER_SIZE};
    if (size > rest.size || !read_body(rest, &counts, arena, zone)) {
        return false;
    }
    ps_slice footer = {rest.data + size, rest.size - size};
    if (footer.size < 2 || footer.data[0] != '\n' || footer.data[footer.size - 1] != '\n') {
        return false;
    }
    footer = (ps_slice){footer.data + 1, footer.size - 2};
    return footer.size == 0 || parse_rule(footer, zone);
}

static ps_code load(ps_arena *arena, ps_slice name, ps_zone *zone, ps_error *err)
{
    ps_buf bytes;
    ps_buf_init(&bytes, FILE_SIZE_MAX);
    ps_code code = ps_zone_file_read(name, &bytes, err);
    if (code == PS_E_INVALID) {
        code = PS_E_MISSING;
        err->code = code;
    }
    if (code == PS_OK && !read_zone(ps_buf_slice(&bytes), arena, zone)) {
        code = ps_error_set(err, PS_E_DAMAGED, "cannot read time zone %.*s: its file is damaged",
                            (int)name.size, name.data);
    }
    ps_buf_release(&bytes);
    return code;
}

ps_code ps_zone_find(ps_arena *arena, ps_slice name, const ps_zone **out, ps_error *err)
{
    ps_zone *zone = ps_arena_take(arena, sizeof *zone);
    if (zone == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a time zone");
    }
    if (!parse_fixed(name, &zone->first_offset)) {
        ps_code code = load(arena, name, zone, err);
        if (code != PS_OK) {
            return code;
        }
    }
    *out = zone;
    return PS_OK;
}

/* ── offsets ── */

static int32_t offset_at(const ps_zone *zone, int64_t second)
{
    uint32_t low = 0; /* transitions below `low` are not later than `second` */
    uint32_t high = zone->transition_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= second) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->transition_count && zone->has_rule) {
        return rule_offset(zone, second);
    }
    return low == 0 ? zone->first_offset : zone->offsets[low - 1];
}

static int64_t floor_seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0);
}

int64_t ps_zone_offset_at(const ps_zone *zone, int64_t epoch_ms)
{
    return (int64_t)offset_at(zone, floor_seconds(epoch_ms)) * 1000;
}

int64_t ps_zone_to_epoch(const ps_zone *zone, int64_t local_ms)
{
    /* Offsets are within a day: a change that matters lies between these two. */
    int64_t before = ps_zone_offset_at(zone, local_ms - 86400000);
    int64_t after = ps_zone_offset_at(zone, local_ms + 86400000);
    if (before != after && ps_zone_offset_at(zone, local_ms - before) != before &&
        ps_zone_offset_at(zone, local_ms - after) == after) {
        return local_ms - after;
    }
    return local_ms - before; /* in a gap too: as if the clock had not changed yet */
}
