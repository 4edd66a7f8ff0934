/* Java's DateTimeFormatter patterns (data/datetime.h), in the English of Locale.US.
 *
 * Numbers have the widths that Java gives them: one letter takes 1 … 19 digits, two take two, yyyy
 * four or, with a sign, more. A number of open width that fixed ones follow without a separator
 * leaves them their digits ("yyyyMMdd"). Fields that the pattern does not have are those of
 * 1970-01-01 00:00:00, as Flink completes them; days are resolved as by Java's SMART style.
 */
#include "data/datetime.h"

enum { ELEMENTS_MAX = 256, WIDTH_OPEN = 19 };

typedef struct {
    char letter;              /* 0: literal text */
    int count;                /* letters */
    int width_min, width_max; /* of a number; 0: text */
    ps_slice literal;
} element;

struct ps_datetime_pattern {
    uint32_t element_count;
    element elements[];
};

static const char *const months[12] = {"January",   "February", "March",    "April",
                                       "May",       "June",     "July",     "August",
                                       "September", "October",  "November", "December"};
static const char *const days[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday"};

/* ── compile ── */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The most letters in a row that Java takes; 0: not among ours. */
static int letters_max(char letter)
{
    switch (letter) {
    case 'y':
    case 'u':
    case 'n':
    case 'A':
        return WIDTH_OPEN;
    case 'M':
    case 'L':
    case 'E':
        return 5;
    case 'S':
        return 9;
    case 'D':
        return 3;
    case 'd':
    case 'H':
    case 'k':
    case 'h':
    case 'K':
    case 'm':
    case 's':
    case 'Q':
        return 2;
    case 'a':
        return 1;
    default:
        return 0;
    }
}

static void set_width(element *e)
{
    bool is_text = e->letter == 'E' || e->letter == 'a' ||
                   ((e->letter == 'M' || e->letter == 'L') && e->count >= 3);
    if (is_text) {
        return;
    }
    e->width_min = e->count;
    e->width_max = e->count == 1 ? WIDTH_OPEN : e->count;
    if (e->letter == 'D' && e->count == 2) {
        e->width_max = 3;
    } else if (e->letter == 'S') {
        e->width_max = e->count;
    } else if ((e->letter == 'y' || e->letter == 'u') && e->count > 2) {
        e->width_max = WIDTH_OPEN;
    }
}

static ps_code compile_letters(ps_slice pattern, size_t *at, element *out, ps_error *err)
{
    char letter = pattern.data[*at];
    size_t start = *at;
    while (*at < pattern.size && pattern.data[*at] == letter) {
        (*at)++;
    }
    int count = *at - start > WIDTH_OPEN ? WIDTH_OPEN + 1 : (int)(*at - start);
    int most = letters_max(letter);
    if (most == 0) {
        bool java_has = strchr("GwWecFzZOXxVvqNpYBg", letter) != NULL;
        return ps_error_set(err, java_has ? PS_E_UNSUPPORTED : PS_E_INVALID,
                            java_has ? "date pattern letter %c is not supported"
                                     : "%c is not a letter of date patterns",
                            letter);
    }
    if (count > most) {
        return ps_error_set(err, PS_E_INVALID, "too many letters %c in a row in a date pattern",
                            letter);
    }
    *out = (element){.letter = letter, .count = count};
    set_width(out);
    return PS_OK;
}

/* Quoted text from the quote at *at on; two quotes are one, inside and outside. */
static ps_code compile_quoted(ps_slice pattern, size_t *at, ps_arena *arena, element *out,
                              ps_error *err)
{
    char *text = ps_arena_take(arena, pattern.size);
    if (text == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a date pattern");
    }
    size_t size = 0;
    size_t i = *at + 1;
    for (; i < pattern.size; i++) {
        bool is_quote = pattern.data[i] == '\'';
        if (is_quote && (i + 1 == pattern.size || pattern.data[i + 1] != '\'')) {
            break;
        }
        text[size++] = pattern.data[i];
        i += is_quote;
    }
    if (i >= pattern.size) {
        return ps_error_set(err, PS_E_INVALID, "a quote in a date pattern does not end");
    }
    if (i == *at + 1) {
        text[size++] = '\'';
    }
    *at = i + 1;
    *out = (element){.literal = {text, size}};
    return PS_OK;
}

static ps_code compile_element(ps_slice pattern, size_t *at, ps_arena *arena, element *out,
                               ps_error *err)
{
    char c = pattern.data[*at];
    if (is_letter(c)) {
        return compile_letters(pattern, at, out, err);
    }
    if (c == '\'') {
        return compile_quoted(pattern, at, arena, out, err);
    }
    if (c == '[' || c == ']') {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "optional parts in [ ] of date patterns are not supported");
    }
    if (c == '{' || c == '}' || c == '#') {
        return ps_error_set(err, PS_E_INVALID, "%c is reserved in date patterns", c);
    }
    char *copy = ps_arena_copy(arena, &c, 1);
    if (copy == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a date pattern");
    }
    *out = (element){.literal = {copy, 1}};
    (*at)++;
    return PS_OK;
}

ps_code ps_datetime_pattern_compile(ps_arena *arena, ps_slice pattern,
                                    const ps_datetime_pattern **out, ps_error *err)
{
    if (pattern.size > ELEMENTS_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "a date pattern has at most %d characters",
                            ELEMENTS_MAX);
    }
    ps_datetime_pattern *compiled =
        ps_arena_take(arena, sizeof *compiled + pattern.size * sizeof compiled->elements[0]);
    if (compiled == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a date pattern");
    }
    for (size_t at = 0; at < pattern.size;) {
        ps_code code =
            compile_element(pattern, &at, arena, &compiled->elements[compiled->element_count], err);
        if (code != PS_OK) {
            return code;
        }
        compiled->element_count++;
    }
    *out = compiled;
    return PS_OK;
}

/* ── print ── */

static int64_t days_of(const ps_civil *civil)
{
    return ps_days_from_civil(civil->year, civil->month, civil->day);
}

static int day_of_year(const ps_civil *civil)
{
    return (int)(days_of(civil) - ps_days_from_civil(civil->year, 1, 1)) + 1;
}

static int64_t year_of_era(int64_t year)
{
    return year > 0 ? year : 1 - year;
}

/* The number that a letter stands for. */
static int64_t number_of(const ps_civil *civil, char letter)
{
    switch (letter) {
    case 'y':
        return year_of_era(civil->year);
    case 'u':
        return civil->year;
    case 'M':
    case 'L':
        return civil->month;
    case 'd':
        return civil->day;
    case 'D':
        return day_of_year(civil);
    case 'Q':
        return (civil->month + 2) / 3;
    case 'H':
        return civil->hour;
    case 'k':
        return civil->hour == 0 ? 24 : civil->hour;
    case 'K':
        return civil->hour % 12;
    case 'h':
        return civil->hour % 12 == 0 ? 12 : civil->hour % 12;
    case 'm':
        return civil->minute;
    case 's':
        return civil->second;
    case 'n':
        return civil->nanosecond;
    case 'A':
        return (civil->hour * 3600 + civil->minute * 60 + civil->second) * INT64_C(1000) +
               civil->nanosecond / 1000000;
    default:
        PS_ASSERT(false);
    }
}

static void print_fraction(int32_t nanosecond, int count, ps_buf *out)
{
    char text[9];
    for (int i = 8; i >= 0; i--) {
        text[i] = (char)('0' + nanosecond % 10);
        nanosecond /= 10;
    }
    ps_buf_append(out, text, (size_t)count);
}

static void print_number(const element *e, const ps_civil *civil, ps_buf *out)
{
    int64_t value = number_of(civil, e->letter);
    bool is_year = e->letter == 'y' || e->letter == 'u';
    if (is_year && e->count == 2) {
        ps_buf_append_format(out, "%02d", (int)((value < 0 ? -value : value) % 100));
        return;
    }
    int64_t size = value < 0 ? -value : value;
    int digits = 1;
    for (int64_t rest = size / 10; rest > 0; rest /= 10) {
        digits++;
    }
    if (value < 0) {
        ps_buf_append_char(out, '-');
    } else if (is_year && e->count >= 4 && digits > e->count) {
        ps_buf_append_char(out, '+');
    }
    for (; digits < e->width_min; digits++) {
        ps_buf_append_char(out, '0');
    }
    ps_buf_append_i64(out, size);
}

/* 1–3 letters: the first three characters; 4: the whole name; 5: the first character. */
static ps_slice shortened(const char *name, int count)
{
    ps_slice whole = ps_slice_text(name);
    size_t most = count == 4 ? whole.size : count == 5 ? 1 : 3;
    return (ps_slice){whole.data, most < whole.size ? most : whole.size};
}

static void print_text(const element *e, const ps_civil *civil, ps_buf *out)
{
    if (e->letter == 'a') {
        ps_buf_append_text(out, civil->hour < 12 ? "AM" : "PM");
    } else if (e->letter == 'E') {
        const char *name = days[ps_day_of_week(days_of(civil)) - 1];
        ps_buf_append_slice(out, shortened(name, e->count));
    } else {
        ps_buf_append_slice(out, shortened(months[civil->month - 1], e->count));
    }
}

void ps_datetime_pattern_print(const ps_datetime_pattern *pattern, const ps_civil *civil,
                               ps_buf *out)
{
    for (uint32_t i = 0; i < pattern->element_count; i++) {
        const element *e = &pattern->elements[i];
        if (e->letter == 0) {
            ps_buf_append_slice(out, e->literal);
        } else if (e->letter == 'S') {
            print_fraction(civil->nanosecond, e->count, out);
        } else if (e->width_min > 0) {
            print_number(e, civil, out);
        } else {
            print_text(e, civil, out);
        }
    }
}

/* ── parse ── */

/* What was read; −1: not in the text. Years may be negative, so they have a flag. */
typedef struct {
    bool has_year;
    int64_t year;
    int64_t month, day, day_of_year, quarter, weekday;
    int64_t hour, clock_hour, half_hour, clock_half_hour, half;
    int64_t minute, second, nanosecond, milli_of_day;
} fields;

static int64_t *field_of(fields *f, char letter)
{
    switch (letter) {
    case 'y':
    case 'u':
        f->has_year = true;
        return &f->year;
    case 'M':
    case 'L':
        return &f->month;
    case 'd':
        return &f->day;
    case 'D':
        return &f->day_of_year;
    case 'Q':
        return &f->quarter;
    case 'E':
        return &f->weekday;
    case 'H':
        return &f->hour;
    case 'k':
        return &f->clock_hour;
    case 'K':
        return &f->half_hour;
    case 'h':
        return &f->clock_half_hour;
    case 'a':
        return &f->half;
    case 'm':
        return &f->minute;
    case 's':
        return &f->second;
    case 'S':
    case 'n':
        return &f->nanosecond;
    case 'A':
        return &f->milli_of_day;
    default:
        PS_ASSERT(false);
    }
}

static size_t digits_at(ps_slice text, size_t most)
{
    size_t count = 0;
    while (count < most && count < text.size && text.data[count] >= '0' &&
           text.data[count] <= '9') {
        count++;
    }
    return count;
}

/* Digits that the numbers of fixed width right behind element `at` need. */
static size_t reserved_digits(const ps_datetime_pattern *pattern, uint32_t at)
{
    size_t reserved = 0;
    for (uint32_t i = at + 1; i < pattern->element_count; i++) {
        const element *e = &pattern->elements[i];
        if (e->width_min == 0 || e->width_min != e->width_max) {
            break;
        }
        reserved += (size_t)e->width_max;
    }
    return reserved;
}

static bool take_number(const ps_datetime_pattern *pattern, uint32_t at, ps_slice *text,
                        int64_t *out)
{
    const element *e = &pattern->elements[at];
    bool is_open_year = (e->letter == 'y' || e->letter == 'u') && e->count != 2;
    char sign = is_open_year && text->size > 0 ? text->data[0] : '0';
    bool has_sign = sign == '-' || (sign == '+' && e->count >= 4);
    size_t skip = has_sign ? 1 : 0;
    if (skip == 1) {
        *text = (ps_slice){text->data + 1, text->size - 1};
    }
    size_t count = digits_at(*text, (size_t)e->width_max);
    if (e->width_max != e->width_min) {
        size_t all = digits_at(*text, text->size);
        size_t reserved = reserved_digits(pattern, at);
        size_t room = all > reserved ? all - reserved : 0;
        count = reserved > 0 && room < count ? room : count;
    }
    /* more than the letters' digits need a sign, a plus needs more than the letters' digits */
    bool is_long = count > (size_t)e->count;
    bool is_bad_year = is_open_year && e->count >= 4 && sign != '-' && is_long != (sign == '+');
    if (count < (size_t)e->width_min || count > 18 || is_bad_year) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value * 10 + (text->data[i] - '0');
    }
    *text = (ps_slice){text->data + count, text->size - count};
    for (size_t digits = count; e->letter == 'S' && digits < 9; digits++) {
        value *= 10;
    }
    value += (e->letter == 'y' || e->letter == 'u') && e->count == 2 ? 2000 : 0;
    *out = sign == '-' ? -value : value;
    return true;
}

static bool take_name(ps_slice *text, const char *const *names, int name_count, int count,
                      int64_t *out)
{
    for (int i = 0; i < name_count; i++) {
        ps_slice name = shortened(names[i], count);
        if (ps_slice_has_prefix(*text, name)) {
            *text = (ps_slice){text->data + name.size, text->size - name.size};
            *out = i;
            return true;
        }
    }
    return false;
}

static bool take_text(const element *e, ps_slice *text, int64_t *out)
{
    static const char *const halves[2] = {"AM", "PM"};
    switch (e->letter) {
    case 'a':
        return take_name(text, halves, 2, e->count, out);
    case 'E':
        return take_name(text, days, 7, e->count, out);
    default:
        if (!take_name(text, months, 12, e->count, out)) {
            return false;
        }
        (*out)++;
        return true;
    }
}

static bool take_elements(const ps_datetime_pattern *pattern, ps_slice text, fields *out)
{
    for (uint32_t i = 0; i < pattern->element_count; i++) {
        const element *e = &pattern->elements[i];
        if (e->letter == 0) {
            if (!ps_slice_has_prefix(text, e->literal)) {
                return false;
            }
            text = (ps_slice){text.data + e->literal.size, text.size - e->literal.size};
            continue;
        }
        int64_t *field = field_of(out, e->letter);
        int64_t before = e->letter == 'y' || e->letter == 'u' ? -1 : *field;
        bool taken =
            e->width_min > 0 ? take_number(pattern, i, &text, field) : take_text(e, &text, field);
        if (!taken || (before >= 0 && before != *field)) {
            return false; /* a field that comes twice says the same twice */
        }
        if (e->letter == 'y' && *field < 1) {
            return false; /* y counts in its era, u does not */
        }
    }
    return text.size == 0;
}

static bool is_within(int64_t value, int64_t low, int64_t high)
{
    return value == -1 || (value >= low && value <= high);
}

static bool are_within(const fields *f)
{
    return is_within(f->month, 1, 12) && is_within(f->day, 1, 31) &&
           is_within(f->day_of_year, 1, 366) && is_within(f->quarter, 1, 4) &&
           is_within(f->hour, 0, 24) && is_within(f->clock_hour, 0, 24) &&
           is_within(f->half_hour, 0, 11) && is_within(f->clock_half_hour, 0, 12) &&
           is_within(f->minute, 0, 59) && is_within(f->second, 0, 59) &&
           is_within(f->nanosecond, 0, 999999999) && is_within(f->milli_of_day, 0, 86399999) &&
           f->year >= -999999999 && f->year <= 999999999;
}

static bool resolve_date(const fields *f, ps_civil *out)
{
    out->year = f->has_year ? f->year : 1970;
    if (f->day_of_year >= 0 && f->month < 0 && f->day < 0) {
        int64_t first = ps_days_from_civil(out->year, 1, 1);
        int64_t all = ps_days_from_civil(out->year + 1, 1, 1) - first;
        if (f->day_of_year > all) {
            return false;
        }
        ps_civil_from_days(first + f->day_of_year - 1, out);
    } else {
        out->month = f->month >= 0 ? (int32_t)f->month : 1;
        int last = ps_days_in_month(out->year, out->month);
        int day = f->day >= 0 ? (int)f->day : 1;
        bool is_cut = f->has_year && f->month >= 0; /* only a date that is whole */
        if (day > last && !is_cut) {
            return false;
        }
        out->day = day < last ? day : last;
    }
    bool is_whole = f->has_year && (f->day >= 0 || f->day_of_year >= 0);
    return (f->day_of_year < 0 || f->day_of_year == day_of_year(out)) &&
           (f->quarter < 0 || f->month < 0 || f->quarter == (out->month + 2) / 3) &&
           (f->weekday < 0 || !is_whole || f->weekday == ps_day_of_week(days_of(out)) - 1);
}

/* 24:00 is midnight, of the next day where there is a date. */
static bool resolve_hour_24(const fields *f, ps_civil *out)
{
    if (out->hour != 24) {
        return true;
    }
    if (out->minute != 0 || out->second != 0 || out->nanosecond != 0) {
        return false;
    }
    out->hour = 0;
    bool has_date = f->has_year && (f->day_of_year >= 0 || (f->month >= 0 && f->day >= 0));
    if (has_date) {
        ps_civil_from_days(days_of(out) + 1, out);
    }
    return true;
}

/* An hour of the half day counts only with AM or PM, as in Java. */
static void resolve_time(const fields *f, ps_civil *out)
{
    if (f->milli_of_day >= 0) {
        int32_t ms = (int32_t)f->milli_of_day;
        out->hour = ms / 3600000;
        out->minute = ms / 60000 % 60;
        out->second = ms / 1000 % 60;
        out->nanosecond = ms % 1000 * 1000000;
    }
    int64_t half_hour = f->clock_half_hour >= 0 ? f->clock_half_hour % 12 : f->half_hour;
    if (f->hour >= 0) {
        out->hour = (int32_t)f->hour;
    } else if (f->clock_hour >= 0) {
        out->hour = (int32_t)(f->clock_hour % 24);
    } else if (half_hour >= 0 && f->half >= 0) {
        out->hour = (int32_t)(f->half * 12 + half_hour);
    }
    out->minute = f->minute >= 0 ? (int32_t)f->minute : out->minute;
    out->second = f->second >= 0 ? (int32_t)f->second : out->second;
    out->nanosecond = f->nanosecond >= 0 ? (int32_t)f->nanosecond : out->nanosecond;
}

bool ps_datetime_pattern_parse(const ps_datetime_pattern *pattern, ps_slice text, ps_civil *out)
{
    fields f = {.month = -1,
                .day = -1,
                .day_of_year = -1,
                .quarter = -1,
                .weekday = -1,
                .hour = -1,
                .clock_hour = -1,
                .half_hour = -1,
                .clock_half_hour = -1,
                .half = -1,
                .minute = -1,
                .second = -1,
                .nanosecond = -1,
                .milli_of_day = -1};
    ps_civil civil = {.month = 1, .day = 1};
    text.data = text.size > 0 ? text.data : "";
    if (!take_elements(pattern, text, &f) || !are_within(&f) || !resolve_date(&f, &civil)) {
        return false;
    }
    resolve_time(&f, &civil);
    if (!resolve_hour_24(&f, &civil)) {
        return false;
    }
    *out = civil;
    return true;
}
