#include "data/json_reader.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "data/json_scan.h"

typedef enum {
    STATE_VALUE,        /* a value must follow */
    STATE_ARRAY_START,  /* a value or ] */
    STATE_OBJECT_START, /* a key or } */
    STATE_AFTER_VALUE,  /* a comma or the end of the open container */
    STATE_DONE,         /* the end of the text */
    STATE_FAILED
} reader_state;

void ps_json_reader_init(ps_json_reader *reader, uint64_t seed)
{
    memset(reader, 0, sizeof *reader);
    reader->seed = seed;
    reader->state = STATE_FAILED;
    reader->error = "no text was given";
}

/* Takes the newest keys off their buckets. Keys come off in the opposite order of their adding, so
 * each one is the first of its bucket then. */
static void keys_drop(ps_json_reader *reader, uint16_t key_count)
{
    while (reader->key_count > key_count) {
        reader->key_count--;
        const ps_json_key_entry *key = &reader->keys[reader->key_count];
        reader->buckets[key->bucket] = key->next;
    }
}

void ps_json_reader_set_seed(ps_json_reader *reader, uint64_t seed)
{
    keys_drop(reader, 0);
    reader->seed = seed;
}

static ps_json_token fail_at(ps_json_reader *reader, size_t offset, const char *sentence)
{
    reader->state = STATE_FAILED;
    reader->error = sentence;
    reader->error_offset = offset;
    reader->value = (ps_slice){NULL, 0};
    reader->at = reader->size = 0; /* the text may go away now */
    return PS_JSON_FAILED;
}

void ps_json_reader_begin(ps_json_reader *reader, char *text, size_t size)
{
    keys_drop(reader, 0);
    reader->value = (ps_slice){NULL, 0};
    reader->error = NULL;
    reader->error_offset = 0;
    reader->depth = 0;
    reader->text = text;
    reader->size = size;
    reader->at = 0;
    reader->state = STATE_VALUE;
    reader->canonical = false;
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        (void)fail_at(reader, 0, "the text begins with a byte order mark");
    }
    if (size > UINT32_MAX) {
        (void)fail_at(reader, 0, "the text is larger than 4 GiB");
    }
}

void ps_json_reader_begin_canonical(ps_json_reader *reader, char *text, size_t size)
{
    ps_json_reader_begin(reader, text, size);
    reader->canonical = true;
}

static inline void blanks_skip(ps_json_reader *reader)
{
    while (reader->at < reader->size) {
        char c = reader->text[reader->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return;
        }
        reader->at++;
    }
}

/* ── strings ── */

static bool hex4_parse(const char *text, uint32_t *out_value)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        } else {
            return false;
        }
        value = value << 4 | digit;
    }
    *out_value = value;
    return true;
}

/* The byte that a one-letter escape stands for; 0: there is no such escape. */
static char short_escape(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

static size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* One escape at text[0] = '\\'. Returns its size and its bytes (1 … 4 of them); 0 when it is not
 * one, or an unpaired surrogate. */
static size_t escape_decode(const char *text, size_t size, char out[4], size_t *out_size)
{
    if (size < 2) {
        return 0;
    }
    if (text[1] != 'u') {
        out[0] = short_escape(text[1]);
        *out_size = 1;
        return out[0] != 0 ? 2 : 0;
    }
    uint32_t code;
    if (size < 6 || !hex4_parse(text + 2, &code) || (code >= 0xDC00 && code <= 0xDFFF)) {
        return 0;
    }
    size_t taken = 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
        uint32_t low;
        if (size < 12 || text[6] != '\\' || text[7] != 'u' || !hex4_parse(text + 8, &low) ||
            low < 0xDC00 || low > 0xDFFF) {
            return 0;
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        taken = 12;
    }
    *out_size = utf8_encode(code, out);
    return taken;
}

/* Writes over text what it stands for; `size` and the result as in ps_json_unescape. An escape is
 * never shorter than its bytes, so writing stays behind reading. On a wrong escape returns false
 * with its place in *inout_size. */
static bool unescape(char *text, size_t *inout_size)
{
    size_t size = *inout_size;
    size_t from = 0;
    size_t to = 0;
    while (from < size) {
        const char *escape = memchr(text + from, '\\', size - from);
        size_t plain = (escape != NULL ? (size_t)(escape - text) : size) - from;
        memmove(text + to, text + from, plain);
        from += plain;
        to += plain;
        if (from == size) {
            break;
        }
        char bytes[4];
        size_t byte_count = 0;
        size_t taken = escape_decode(text + from, size - from, bytes, &byte_count);
        if (taken == 0) {
            *inout_size = from;
            return false;
        }
        memcpy(text + to, bytes, byte_count);
        from += taken;
        to += byte_count;
    }
    *inout_size = to;
    return true;
}

size_t ps_json_unescape(char *text, size_t size)
{
    bool well_formed = unescape(text, &size);
    PS_ASSERT(well_formed);
    return size;
}

bool ps_json_unescape_checked(char *text, size_t *inout_size)
{
    return unescape(text, inout_size);
}

size_t ps_json_unescaped_size(ps_slice text)
{
    size_t result = 0;
    for (size_t at = 0; at < text.size;) {
        char bytes[4];
        size_t byte_count = 1;
        size_t taken = 1;
        if (text.data[at] == '\\') {
            taken = escape_decode(text.data + at, text.size - at, bytes, &byte_count);
            PS_ASSERT(taken != 0);
        }
        at += taken;
        result += byte_count;
    }
    return result;
}

/* Checks the escapes of canonical text and leaves them. */
static bool escapes_are_valid(const char *text, size_t size, size_t *out_wrong)
{
    for (size_t at = 0; at < size;) {
        char bytes[4];
        size_t byte_count;
        size_t taken = 1;
        if (text[at] == '\\') {
            taken = escape_decode(text + at, size - at, bytes, &byte_count);
        }
        if (taken == 0) {
            *out_wrong = at;
            return false;
        }
        at += taken;
    }
    return true;
}

/* From behind the opening quote to the closing one. */
static bool string_end_find(const ps_json_reader *reader, size_t start, size_t *out_end,
                            bool *out_non_ascii, bool *out_escapes)
{
    size_t at = start;
    for (;;) {
        at += ps_json_scan(reader->text + at, reader->size - at, out_non_ascii);
        if (at >= reader->size) {
            *out_end = reader->size;
            return false;
        }
        if (reader->text[at] == '"') {
            *out_end = at;
            return true;
        }
        if (reader->text[at] != '\\' || reader->size - at < 2 ||
            (unsigned char)reader->text[at + 1] < 0x20) {
            *out_end = at;
            return false;
        }
        *out_escapes = true;
        /* a byte ≥ 0x80 here is no escape: refused with it later */
        at += 2;
    }
}

/* At the opening quote. Leaves `value` and `at`; false: failed. */
static bool string_read(ps_json_reader *reader)
{
    size_t start = reader->at + 1;
    size_t end = start;
    bool non_ascii = false;
    bool escapes = false;
    if (!string_end_find(reader, start, &end, &non_ascii, &escapes)) {
        (void)fail_at(reader, end,
                      end < reader->size ? "a control character or a lone backslash in a string"
                                         : "the text ends inside of a string");
        return false;
    }
    char *text = reader->text + start;
    size_t size = end - start;
    if (non_ascii && !ps_utf8_is_valid((ps_slice){text, size})) {
        (void)fail_at(reader, start, "a string is not valid UTF-8");
        return false;
    }
    size_t wrong = size;
    if (escapes &&
        !(reader->canonical ? escapes_are_valid(text, size, &wrong) : unescape(text, &wrong))) {
        (void)fail_at(reader, start + wrong, "a wrong escape or an unpaired surrogate");
        return false;
    }
    reader->value = (ps_slice){text, reader->canonical ? size : wrong};
    reader->at = end + 1;
    return true;
}

/* ── keys ── */

/* False: failed (used twice, or too many open). */
static bool key_add(ps_json_reader *reader, ps_slice key, size_t offset)
{
    if (reader->key_count == PS_JSON_KEYS_MAX) {
        (void)fail_at(reader, offset, "more than 2,048 keys in open objects");
        return false;
    }
    uint64_t hash = XXH3_64bits_withSeed(key.data, key.size, reader->seed + reader->depth);
    uint16_t bucket = (uint16_t)(hash & (PS_JSON_BUCKETS - 1));
    uint16_t newest = reader->buckets[bucket];
    uint16_t first = reader->first_key[reader->depth];
    /* keys of the open object are the newest ones: the walk ends where older objects begin */
    for (uint16_t i = newest; i > first; i = reader->keys[i - 1].next) {
        const ps_json_key_entry *other = &reader->keys[i - 1];
        if (other->size == key.size && memcmp(other->data, key.data, key.size) == 0) {
            (void)fail_at(reader, offset, "a key is used twice in an object");
            return false;
        }
    }
    reader->keys[reader->key_count] =
        (ps_json_key_entry){key.data, (uint32_t)key.size, newest, bucket};
    reader->key_count++;
    reader->buckets[bucket] = reader->key_count;
    return true;
}

static ps_json_token key_next(ps_json_reader *reader)
{
    size_t offset = reader->at;
    if (offset >= reader->size || reader->text[offset] != '"') {
        return fail_at(reader, offset, "a key in quotes is needed here");
    }
    if (!string_read(reader)) {
        return PS_JSON_FAILED;
    }
    if (!reader->canonical && !key_add(reader, reader->value, offset)) {
        return PS_JSON_FAILED;
    }
    blanks_skip(reader);
    if (reader->at >= reader->size || reader->text[reader->at] != ':') {
        return fail_at(reader, reader->at, "a colon is needed after a key");
    }
    reader->at++;
    reader->state = STATE_VALUE;
    return PS_JSON_KEY;
}

/* ── values ── */

static inline ps_json_token value_done(ps_json_reader *reader, ps_json_token token)
{
    reader->state = reader->depth > 0 ? STATE_AFTER_VALUE : STATE_DONE;
    return token;
}

static ps_json_token container_begin(ps_json_reader *reader, bool is_object)
{
    if (reader->depth == PS_JSON_DEPTH_MAX) {
        return fail_at(reader, reader->at, "more than 64 levels");
    }
    reader->at++;
    reader->depth++;
    reader->is_object[reader->depth] = is_object;
    reader->first_key[reader->depth] = reader->key_count;
    reader->state = is_object ? STATE_OBJECT_START : STATE_ARRAY_START;
    return is_object ? PS_JSON_OBJECT_BEGIN : PS_JSON_ARRAY_BEGIN;
}

static ps_json_token container_end(ps_json_reader *reader)
{
    bool is_object = reader->is_object[reader->depth];
    keys_drop(reader, reader->first_key[reader->depth]);
    reader->at++;
    reader->depth--;
    return value_done(reader, is_object ? PS_JSON_OBJECT_END : PS_JSON_ARRAY_END);
}

static size_t digits_skip(const ps_json_reader *reader, size_t at)
{
    while (at < reader->size && reader->text[at] >= '0' && reader->text[at] <= '9') {
        at++;
    }
    return at;
}

static inline bool char_is(const ps_json_reader *reader, size_t at, char c)
{
    return at < reader->size && reader->text[at] == c;
}

/* RFC 8259 §6: [minus] int [frac] [exp]. */
static ps_json_token number_next(ps_json_reader *reader)
{
    size_t start = reader->at;
    size_t at = start + char_is(reader, start, '-');
    size_t digits = digits_skip(reader, at);
    if (digits == at || (reader->text[at] == '0' && digits > at + 1)) {
        return fail_at(reader, start, "a number without digits or with leading zeros");
    }
    at = digits;
    if (char_is(reader, at, '.')) {
        digits = digits_skip(reader, at + 1);
        if (digits == at + 1) {
            return fail_at(reader, start, "a number without digits after the point");
        }
        at = digits;
    }
    if (char_is(reader, at, 'e') || char_is(reader, at, 'E')) {
        at++;
        at += char_is(reader, at, '+') || char_is(reader, at, '-');
        digits = digits_skip(reader, at);
        if (digits == at) {
            return fail_at(reader, start, "a number without digits in the exponent");
        }
        at = digits;
    }
    reader->value = (ps_slice){reader->text + start, at - start};
    reader->at = at;
    return value_done(reader, PS_JSON_NUMBER);
}

static ps_json_token word_next(ps_json_reader *reader, ps_slice word, ps_json_token token)
{
    if (reader->size - reader->at < word.size ||
        memcmp(reader->text + reader->at, word.data, word.size) != 0) {
        return fail_at(reader, reader->at, "a value is needed here");
    }
    reader->value = (ps_slice){reader->text + reader->at, word.size};
    reader->at += word.size;
    return value_done(reader, token);
}

static ps_json_token value_next(ps_json_reader *reader)
{
    if (reader->at >= reader->size) {
        return fail_at(reader, reader->at, "the text ends where a value is needed");
    }
    switch (reader->text[reader->at]) {
    case '"':
        return string_read(reader) ? value_done(reader, PS_JSON_STRING) : PS_JSON_FAILED;
    case '{':
        return container_begin(reader, true);
    case '[':
        return container_begin(reader, false);
    case 't':
        return word_next(reader, PS_SLICE("true"), PS_JSON_TRUE);
    case 'f':
        return word_next(reader, PS_SLICE("false"), PS_JSON_FALSE);
    case 'n':
        return word_next(reader, PS_SLICE("null"), PS_JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return number_next(reader);
    default:
        return fail_at(reader, reader->at, "a value is needed here");
    }
}

static ps_json_token after_value_next(ps_json_reader *reader)
{
    bool is_object = reader->is_object[reader->depth];
    if (char_is(reader, reader->at, is_object ? '}' : ']')) {
        return container_end(reader);
    }
    if (!char_is(reader, reader->at, ',')) {
        return fail_at(reader, reader->at,
                       is_object ? "a comma or } is needed here" : "a comma or ] is needed here");
    }
    reader->at++;
    blanks_skip(reader);
    return is_object ? key_next(reader) : value_next(reader);
}

ps_json_token ps_json_reader_next(ps_json_reader *reader)
{
    blanks_skip(reader);
    switch ((reader_state)reader->state) {
    case STATE_VALUE:
        return value_next(reader);
    case STATE_ARRAY_START:
        return char_is(reader, reader->at, ']') ? container_end(reader) : value_next(reader);
    case STATE_OBJECT_START:
        return char_is(reader, reader->at, '}') ? container_end(reader) : key_next(reader);
    case STATE_AFTER_VALUE:
        return after_value_next(reader);
    case STATE_DONE:
        return reader->at == reader->size
                   ? PS_JSON_END
                   : fail_at(reader, reader->at, "something follows the value");
    case STATE_FAILED:
        break;
    }
    return PS_JSON_FAILED;
}

bool ps_json_reader_skip(ps_json_reader *reader, ps_slice *out_span)
{
    blanks_skip(reader);
    size_t start = reader->at;
    uint32_t depth = reader->depth;
    do {
        if (ps_json_reader_next(reader) == PS_JSON_FAILED) {
            return false;
        }
    } while (reader->depth > depth);
    *out_span = (ps_slice){reader->text + start, reader->at - start};
    return true;
}

bool ps_json_integer(ps_slice number, int64_t *out_value)
{
    return ps_parse_i64(number, out_value);
}
