/* Functions of text. Positions count characters from 1, as in Flink; functions that Flink leaves to
 * Java's String (LPAD, RPAD, OVERLAY) count UTF-16 units as it does. */
#include <ctype.h>
#include <locale.h>
#include <wctype.h>

#include "expr/kernel.h"
#include "expr/utf8.h"

/* ── case ── */

/* Characters whose capital is more than one character. */
static const struct {
    uint32_t character;
    const char *capital;
} long_capitals[] = {{0xDF, "SS"},   {0x149, "ʼN"},   {0x1F0, "J̌"},    {0x390, "Ϊ́"},
                     {0x3B0, "Ϋ́"},   {0x587, "ԵՒ"},   {0xFB00, "FF"},  {0xFB01, "FI"},
                     {0xFB02, "FL"}, {0xFB03, "FFI"}, {0xFB04, "FFL"}, {0xFB05, "ST"},
                     {0xFB06, "ST"}};

static bool is_ascii(ps_slice text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.size; i++) {
        all |= (uint8_t)text.data[i];
    }
    return all < 0x80;
}

static void append_capital(ps_buf *out, uint32_t character, locale_t locale)
{
    for (size_t i = 0; i < sizeof long_capitals / sizeof long_capitals[0]; i++) {
        if (long_capitals[i].character == character) {
            ps_buf_append_text(out, long_capitals[i].capital);
            return;
        }
    }
    ps_utf8_append(out, (uint32_t)towupper_l((wint_t)character, locale));
}

static ps_code change_case(ps_call *call, ps_slice text, bool upper, ps_value *out)
{
    locale_t locale = (locale_t)call->step->state;
    if (locale == (locale_t)0 || is_ascii(text)) {
        char *data = ps_call_take(call, text.size);
        for (size_t i = 0; data != NULL && i < text.size; i++) {
            char c = text.data[i];
            bool changes = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
            data[i] = (char)(changes ? c ^ 0x20 : c);
        }
        out->text = ps_slice_of(data, text.size);
        return data != NULL ? PS_OK : PS_E_LIMIT;
    }
    ps_buf *buf = ps_call_scratch(call);
    for (size_t at = 0, size = 0; at < text.size; at += size) {
        uint32_t character = ps_utf8_get(text, at, &size);
        if (size == 1 && character >= 0x80) {
            ps_buf_append_char(buf, text.data[at]); /* no UTF-8: as it is */
        } else if (upper) {
            append_capital(buf, character, locale);
        } else {
            ps_utf8_append(buf, (uint32_t)towlower_l((wint_t)character, locale));
        }
    }
    return ps_call_finish(call, out);
}

static ps_code row_upper(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return change_case(call, arguments[0].text, true, out);
}

static ps_code row_lower(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return change_case(call, arguments[0].text, false, out);
}

static void release_locale(void *state)
{
    if (state != NULL) {
        freelocale((locale_t)state);
    }
}

/* Without the locale (a system that lacks it) only ASCII letters change. */
static ps_code prepare_case(ps_preparation *p)
{
    p->step->state = (void *)newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    p->step->release = release_locale;
    return PS_OK;
}

/* Words are runs of ASCII letters and digits, as in Flink. */
static ps_code row_initcap(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_code code = ps_call_copy(call, arguments[0].text, out);
    char *data = (char *)(uintptr_t)out->text.data;
    bool in_word = false;
    for (size_t i = 0; code == PS_OK && i < out->text.size; i++) {
        char c = data[i];
        bool is_lower = c >= 'a' && c <= 'z', is_upper = c >= 'A' && c <= 'Z';
        if (in_word ? is_upper : is_lower) {
            data[i] = (char)(c ^ 0x20);
        }
        in_word = is_lower || is_upper || (c >= '0' && c <= '9');
    }
    return code;
}

/* ── trim ── */

static bool contains_character(ps_slice set, ps_slice text, size_t at, size_t size)
{
    for (size_t i = 0, step = 0; i < set.size; i += step) {
        step = ps_utf8_size_at(set, i);
        if (step == size && memcmp(set.data + i, text.data + at, size) == 0) {
            return true;
        }
    }
    return false;
}

static ps_slice trim(ps_slice text, ps_slice set, bool leading, bool trailing)
{
    while (leading && text.size > 0) {
        size_t size = ps_utf8_size_at(text, 0);
        if (!contains_character(set, text, 0, size)) {
            break;
        }
        text.data += size;
        text.size -= size;
    }
    while (trailing && text.size > 0) {
        size_t at = text.size - 1;
        while (at > 0 && ((uint8_t)text.data[at] & 0xC0) == 0x80) {
            at--;
        }
        if (!contains_character(set, text, at, text.size - at)) {
            break;
        }
        text.size = at;
    }
    return text;
}

/* (flag, characters, text), or (text) */
static ps_code row_trim(ps_call *call, const ps_value *arguments, ps_value *out)
{
    if (call->step->argument_count == 1) {
        out->text = trim(arguments[0].text, PS_SLICE(" "), true, true);
        return PS_OK;
    }
    char flag = arguments[0].text.size > 0 ? arguments[0].text.data[0] : 'B';
    out->text = trim(arguments[2].text, arguments[1].text, flag != 'T', flag != 'L');
    return PS_OK;
}

static ps_code trim_side(ps_call *call, const ps_value *arguments, bool leading, bool trailing,
                         ps_value *out)
{
    ps_slice set = call->step->argument_count > 1 ? arguments[1].text : PS_SLICE(" ");
    out->text = trim(arguments[0].text, set, leading, trailing);
    return PS_OK;
}

static ps_code row_ltrim(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return trim_side(call, arguments, true, false, out);
}

static ps_code row_rtrim(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return trim_side(call, arguments, false, true, out);
}

static ps_code row_btrim(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return trim_side(call, arguments, true, true, out);
}

static ps_code texts_only(ps_resolution *r, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (r->arguments[i]->type->kind == PS_TYPE_NULL) {
            ps_code code = ps_resolution_coerce(r, i, &ps_type_string);
            if (code != PS_OK) {
                return code;
            }
        }
        if (!ps_type_is_text(r->arguments[i]->type)) {
            return ps_resolution_mismatch(r);
        }
    }
    return PS_OK;
}

static ps_code resolve_trim(ps_resolution *r)
{
    uint32_t text = r->count == 3 ? 2 : 0;
    if (r->count != 1 && r->count != 3) {
        return ps_resolution_mismatch(r);
    }
    ps_code code = texts_only(r, r->count);
    if (code != PS_OK) {
        return code;
    }
    return ps_resolution_type(r, ps_type_sized(r->context->arena, PS_TYPE_VARCHAR,
                                               r->arguments[text]->type->length,
                                               ps_resolution_any_nullable(r)));
}

/* ── parts ── */

/* Start and length as SUBSTRING has them; the length may be beyond the end. */
static ps_slice substring(ps_slice text, int64_t position, int64_t length)
{
    int64_t count = (int64_t)ps_utf8_count(text);
    int64_t start = position > 0 ? position - 1 : position < 0 ? count + position : 0;
    if (start < 0 || start >= count) {
        return PS_SLICE("");
    }
    size_t from = ps_utf8_offset(text, (size_t)start);
    ps_slice rest = ps_slice_of(text.data + from, text.size - from);
    size_t size = length >= count - start ? rest.size : ps_utf8_offset(rest, (size_t)length);
    return ps_slice_of(rest.data, size);
}

static ps_code row_substring(ps_call *call, const ps_value *arguments, ps_value *out)
{
    int64_t length = call->step->argument_count > 2 ? arguments[2].i64 : INT64_MAX;
    out->is_null = length < 0;
    out->text = length < 0 ? PS_SLICE("") : substring(arguments[0].text, arguments[1].i64, length);
    return PS_OK;
}

static ps_code row_left(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    int64_t length = arguments[1].i64 > 0 ? arguments[1].i64 : 0;
    out->text = substring(arguments[0].text, 1, length);
    return PS_OK;
}

static ps_code row_right(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    int64_t count = (int64_t)ps_utf8_count(arguments[0].text), length = arguments[1].i64;
    if (length <= 0) {
        out->text = PS_SLICE("");
    } else {
        out->text =
            length >= count ? arguments[0].text : substring(arguments[0].text, -length, length);
    }
    return PS_OK;
}

static ps_code row_char_length(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    out->i64 = (int64_t)ps_utf8_count(arguments[0].text);
    return PS_OK;
}

static ps_slice rest_of(ps_slice text, size_t from)
{
    return ps_slice_of(text.data + from, text.size - from);
}

/* Half a character, where UTF-16 units split one, is a question mark, as Java encodes it. */
static ps_code row_overlay(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text, put = arguments[1].text;
    int64_t start = arguments[2].i64, count = (int64_t)ps_utf16_count(text);
    int64_t length =
        call->step->argument_count > 3 ? arguments[3].i64 : (int64_t)ps_utf16_count(put);
    if (start <= 0 || start > count) {
        out->text = text;
        return PS_OK;
    }
    bool splits = false;
    ps_buf *buf = ps_call_scratch(call);
    size_t before = ps_utf16_offset(text, (size_t)start - 1, &splits);
    ps_buf_append(buf, text.data, before);
    ps_buf_append_text(buf, splits ? "?" : "");
    ps_buf_append_slice(buf, put);
    if (length > 0 && length <= count - start) {
        size_t behind = ps_utf16_offset(text, (size_t)(start - 1 + length), &splits);
        ps_slice rest = rest_of(text, behind);
        if (splits) {
            ps_buf_append_text(buf, "?");
            rest = rest_of(rest, ps_utf8_size_at(rest, 0));
        }
        ps_buf_append_slice(buf, rest);
    }
    return ps_call_finish(call, out);
}

static int32_t sum_of_lengths(const ps_type *a, const ps_type *b)
{
    int64_t sum = (int64_t)a->length + b->length;
    return sum > PS_LENGTH_MAX ? PS_LENGTH_MAX : (int32_t)sum;
}

static ps_code resolve_overlay(ps_resolution *r)
{
    if (r->count < 3 || r->count > 4 || !ps_type_is_integer(r->arguments[2]->type) ||
        !ps_type_is_integer(r->arguments[r->count - 1]->type)) {
        return ps_resolution_mismatch(r);
    }
    ps_code code = texts_only(r, 2);
    if (code != PS_OK) {
        return code;
    }
    return ps_resolution_type(
        r, ps_type_sized(r->context->arena, PS_TYPE_VARCHAR,
                         sum_of_lengths(r->arguments[0]->type, r->arguments[1]->type),
                         ps_resolution_any_nullable(r)));
}

/* ── joining ── */

static ps_code row_concat(ps_call *call, const ps_value *arguments, ps_value *out)
{
    size_t size = 0, at = 0;
    for (uint32_t i = 0; i < call->step->argument_count; i++) {
        size += arguments[i].text.size;
    }
    char *data = ps_call_take(call, size);
    if (data == NULL) {
        return PS_E_LIMIT;
    }
    for (uint32_t i = 0; i < call->step->argument_count; i++) {
        if (arguments[i].text.size > 0) {
            memcpy(data + at, arguments[i].text.data, arguments[i].text.size);
            at += arguments[i].text.size;
        }
    }
    out->text = ps_slice_of(data, size);
    return PS_OK;
}

static ps_code resolve_concat_operator(ps_resolution *r)
{
    ps_code code = r->count == 2 ? texts_only(r, 2) : ps_resolution_mismatch(r);
    if (code != PS_OK) {
        return code;
    }
    const ps_type *a = r->arguments[0]->type, *b = r->arguments[1]->type;
    bool fixed = a->kind == PS_TYPE_CHAR && b->kind == PS_TYPE_CHAR;
    return ps_resolution_type(r, ps_type_sized(r->context->arena,
                                               fixed ? PS_TYPE_CHAR : PS_TYPE_VARCHAR,
                                               sum_of_lengths(a, b), a->nullable || b->nullable));
}

static ps_code row_concat_ws(ps_call *call, const ps_value *arguments, ps_value *out)
{
    if (arguments[0].is_null) {
        out->is_null = true;
        return PS_OK;
    }
    ps_buf *buf = ps_call_scratch(call);
    bool any = false;
    for (uint32_t i = 1; i < call->step->argument_count; i++) {
        if (!arguments[i].is_null) {
            ps_buf_append_slice(buf, any ? arguments[0].text : PS_SLICE(""));
            ps_buf_append_slice(buf, arguments[i].text);
            any = true;
        }
    }
    return ps_call_finish(call, out);
}

static ps_code row_repeat(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text;
    int64_t times = arguments[1].i64 > 0 && text.size > 0 ? arguments[1].i64 : 0;
    if (times > PS_TEXT_VALUE_MAX) {
        times = PS_TEXT_VALUE_MAX + 1LL; /* refused by its size */
    }
    size_t size = (size_t)times * text.size;
    char *data = ps_call_take(call, size);
    if (data == NULL) {
        return PS_E_LIMIT;
    }
    for (size_t at = 0; at < size; at += text.size) {
        memcpy(data + at, text.data, text.size);
    }
    out->text = ps_slice_of(data, size);
    return PS_OK;
}

static ps_code row_reverse(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text;
    char *data = ps_call_take(call, text.size);
    if (data == NULL) {
        return PS_E_LIMIT;
    }
    for (size_t at = 0, size = 0; at < text.size; at += size) {
        size = ps_utf8_size_at(text, at);
        memcpy(data + text.size - at - size, text.data + at, size);
    }
    out->text = ps_slice_of(data, text.size);
    return PS_OK;
}

/* ── padding, in UTF-16 units ── */

static void append_padding(ps_buf *out, ps_slice pad, size_t units)
{
    size_t whole = ps_utf16_count(pad);
    for (; units >= whole && !out->failed; units -= whole) {
        ps_buf_append_slice(out, pad);
    }
    bool splits = false;
    ps_buf_append(out, pad.data, ps_utf16_offset(pad, units, &splits));
    ps_buf_append_text(out, splits ? "?" : "");
}

static ps_code pad(ps_call *call, const ps_value *arguments, bool left, ps_value *out)
{
    ps_slice text = arguments[0].text;
    int64_t length = arguments[1].i64;
    if (length < 0 || arguments[2].text.size == 0) {
        out->is_null = true;
        return PS_OK;
    }
    ps_buf *buf = ps_call_scratch(call);
    int64_t count = (int64_t)ps_utf16_count(text);
    if (count >= length) {
        bool splits = false;
        ps_buf_append(buf, text.data, ps_utf16_offset(text, (size_t)length, &splits));
        ps_buf_append_text(buf, splits ? "?" : "");
        return ps_call_finish(call, out);
    }
    if (!left) {
        ps_buf_append_slice(buf, text);
    }
    append_padding(buf, arguments[2].text, (size_t)(length - count));
    if (left) {
        ps_buf_append_slice(buf, text);
    }
    return ps_call_finish(call, out);
}

static ps_code row_lpad(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return pad(call, arguments, true, out);
}

static ps_code row_rpad(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return pad(call, arguments, false, out);
}

/* ── replacing, splitting, codes ── */

static ps_code row_replace(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text, from = arguments[1].text, to = arguments[2].text;
    ps_buf *buf = ps_call_scratch(call);
    size_t at = 0;
    while (at <= text.size) {
        bool empty = from.size == 0;
        const char *found =
            empty ? text.data + at : memmem(text.data + at, text.size - at, from.data, from.size);
        size_t until = found != NULL ? (size_t)(found - text.data) : text.size;
        ps_buf_append(buf, text.data + at, until - at);
        if (found == NULL) {
            break;
        }
        ps_buf_append_slice(buf, to);
        at = until + from.size;
        if (empty) { /* between any two characters and at both ends */
            size_t size = at < text.size ? ps_utf8_size_at(text, at) : 0;
            ps_buf_append(buf, text.data + at, size);
            at += size > 0 ? size : 1;
        }
    }
    return ps_call_finish(call, out);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where the next separator begins from `at` on; the size when there is none. */
static size_t find_separator(ps_slice text, size_t at, ps_slice separator, size_t *out_size)
{
    if (separator.size > 0) {
        const char *found = memmem(text.data + at, text.size - at, separator.data, separator.size);
        *out_size = separator.size;
        return found != NULL ? (size_t)(found - text.data) : text.size;
    }
    *out_size = 1; /* an empty separator: blanks */
    while (at < text.size && !is_blank(text.data[at])) {
        at++;
    }
    return at;
}

static ps_code row_split_index(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text, separator = arguments[1].text;
    char one = (char)arguments[1].i64;
    if (ps_type_is_integer(call->step->types[1])) {
        out->is_null = arguments[1].i64 < 0 || arguments[1].i64 > 127;
        separator = ps_slice_of(&one, 1);
    }
    int64_t index = arguments[2].i64;
    if (out->is_null || index < 0 || text.size == 0) {
        out->is_null = true;
        return PS_OK;
    }
    size_t at = 0, size = 0, end = find_separator(text, 0, separator, &size);
    for (; index > 0 && end < text.size; index--) {
        at = end + size;
        end = find_separator(text, at, separator, &size);
    }
    out->is_null = index > 0;
    out->text = ps_slice_of(text.data + at, end - at);
    return PS_OK;
}

static ps_code row_ascii(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    out->i64 = arguments[0].text.size > 0 ? (signed char)arguments[0].text.data[0] : 0;
    return PS_OK;
}

static ps_code row_chr(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_buf *buf = ps_call_scratch(call);
    if (arguments[0].i64 >= 0) {
        ps_utf8_append(buf, (uint32_t)(arguments[0].i64 & 0xFF));
    }
    return ps_call_finish(call, out);
}

static ps_code row_translate(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text, from = arguments[1].text, to = arguments[2].text;
    ps_buf *buf = ps_call_scratch(call);
    for (size_t at = 0, size = 0; at < text.size; at += size) {
        size = ps_utf8_size_at(text, at);
        size_t index = 0, i = 0, step = 0;
        for (; i < from.size; i += step, index++) {
            step = ps_utf8_size_at(from, i);
            if (step == size && memcmp(from.data + i, text.data + at, size) == 0) {
                break;
            }
        }
        size_t put = ps_utf8_offset(to, index);
        if (i >= from.size) {
            ps_buf_append(buf, text.data + at, size);
        } else if (put < to.size) {
            ps_buf_append(buf, to.data + put, ps_utf8_size_at(to, put));
        }
    }
    return ps_call_finish(call, out);
}

#define TEXT(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Text", true}
/* Results of any length can exceed the memory of a batch. */
#define GROWS .flags = PS_CAN_FAIL

static const ps_function functions[] = {
    {TEXT("UPPER", "UPPER(STRING) → STRING", "The text in capitals."), .pattern = "s>1",
     .row = row_upper, .prepare = prepare_case},
    {TEXT("LOWER", "LOWER(STRING) → STRING", "The text in small letters."), .pattern = "s>1",
     .row = row_lower, .prepare = prepare_case},
    {TEXT("INITCAP", "INITCAP(STRING) → STRING",
          "Each word of ASCII letters and digits with a capital first."),
     .pattern = "s>1", .row = row_initcap},
    {TEXT("CHAR_LENGTH", "CHAR_LENGTH(STRING) → INT", "The number of characters."),
     .pattern = "s>i", .row = row_char_length},
    {TEXT("CHARACTER_LENGTH", "CHARACTER_LENGTH(STRING) → INT", "The number of characters."),
     .pattern = "s>i", .row = row_char_length},
    {TEXT("||", "STRING || STRING → STRING", "Both texts, joined; NULL when one is NULL."),
     .resolve = resolve_concat_operator, .row = row_concat, GROWS},
    {TEXT("CONCAT", "CONCAT(STRING, …) → STRING", "All texts, joined; NULL when one is NULL."),
     .pattern = "ss*>s", .row = row_concat, GROWS},
    {TEXT("CONCAT_WS", "CONCAT_WS(STRING separator, STRING, …) → STRING",
          "The texts that are not NULL, joined with the separator between."),
     .pattern = "ss*>s", .row = row_concat_ws, .flags = PS_IS_LENIENT | PS_CAN_FAIL},
    {TEXT("SUBSTRING", "SUBSTRING(STRING, INT from[, INT length]) → STRING",
          "Characters from a position on; a negative position counts from the end."),
     .pattern = "si>v?|sii>v?", .row = row_substring},
    {TEXT("SUBSTR", "SUBSTR(STRING, INT from[, INT length]) → STRING",
          "Characters from a position on; a negative position counts from the end."),
     .pattern = "si>v?|sii>v?", .row = row_substring},
    {TEXT("LEFT", "LEFT(STRING, INT) → STRING", "The first characters."), .pattern = "si>v?",
     .row = row_left},
    {TEXT("RIGHT", "RIGHT(STRING, INT) → STRING", "The last characters."), .pattern = "si>v?",
     .row = row_right},
    {TEXT("TRIM", "TRIM([BOTH | LEADING | TRAILING] [STRING] FROM STRING) → STRING",
          "The text without the given characters (else blanks) at its ends."),
     .resolve = resolve_trim, .row = row_trim},
    {TEXT("LTRIM", "LTRIM(STRING[, STRING]) → STRING", "The text without blanks at its beginning."),
     .pattern = "s>v|ss>v", .row = row_ltrim},
    {TEXT("RTRIM", "RTRIM(STRING[, STRING]) → STRING", "The text without blanks at its end."),
     .pattern = "s>v|ss>v", .row = row_rtrim},
    {TEXT("BTRIM", "BTRIM(STRING[, STRING]) → STRING", "The text without blanks at both ends."),
     .pattern = "s>s|ss>s", .row = row_btrim},
    {TEXT("LPAD", "LPAD(STRING, INT, STRING) → STRING",
          "The text, filled up on the left or cut to the length; NULL for a negative one."),
     .pattern = "sis>s", .row = row_lpad, GROWS},
    {TEXT("RPAD", "RPAD(STRING, INT, STRING) → STRING",
          "The text, filled up on the right or cut to the length; NULL for a negative one."),
     .pattern = "sis>s", .row = row_rpad, GROWS},
    {TEXT("REPEAT", "REPEAT(STRING, INT) → STRING", "The text as often as said."),
     .pattern = "si>s", .row = row_repeat, GROWS},
    {TEXT("REVERSE", "REVERSE(STRING) → STRING", "The characters in the opposite order."),
     .pattern = "s>s?", .row = row_reverse},
    {TEXT("REPLACE", "REPLACE(STRING, STRING from, STRING to) → STRING",
          "Every occurrence of one text replaced by another."),
     .pattern = "sss>s", .row = row_replace, GROWS},
    {TEXT("TRANSLATE", "TRANSLATE(STRING, STRING from, STRING to) → STRING",
          "Each character of `from` replaced by the one at its place in `to`, or dropped."),
     .pattern = "sss>s", .row = row_translate, GROWS},
    {TEXT("OVERLAY", "OVERLAY(STRING PLACING STRING FROM INT [FOR INT]) → STRING",
          "The text with a part replaced by another text."),
     .resolve = resolve_overlay, .row = row_overlay, GROWS},
    {TEXT("SPLIT_INDEX", "SPLIT_INDEX(STRING, STRING separator, INT) → STRING",
          "The piece of that number (from 0) between separators; NULL when there is none."),
     .pattern = "ssi>s?|sii>s?", .row = row_split_index},
    {TEXT("ASCII", "ASCII(STRING) → INT", "The first byte as a number; 0 of the empty text."),
     .pattern = "s>i", .row = row_ascii},
    {TEXT("CHR", "CHR(INT) → STRING", "The character of that number modulo 256."),
     .pattern = "i>s?", .row = row_chr},
};

const ps_function_family ps_family_text = {functions, sizeof functions / sizeof functions[0]};
