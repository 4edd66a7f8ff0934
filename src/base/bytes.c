#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields on disk are plain memcpy");

bool ps_slice_has_prefix(ps_slice text, ps_slice prefix)
{
    return text.size >= prefix.size &&
           (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

/* ── growable buffer ── */

enum { BUF_FIRST_CAPACITY = 256 };

void ps_buf_init(ps_buf *buf, size_t size_max)
{
    *buf = (ps_buf){.size_max = size_max};
}

void ps_buf_release(ps_buf *buf)
{
    free(buf->data);
    *buf = (ps_buf){.size_max = buf->size_max};
}

void ps_buf_clear(ps_buf *buf)
{
    buf->size = 0;
    buf->failed = false;
}

static bool buf_reserve(ps_buf *buf, size_t size)
{
    if (buf->failed) {
        return false;
    }
    PS_ASSERT(buf->size <= buf->size_max);
    if (size > buf->size_max - buf->size) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->size + size;
    if (needed <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity > 0 ? buf->capacity : BUF_FIRST_CAPACITY;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
    }
    if (capacity > buf->size_max) {
        capacity = buf->size_max;
    }
    char *data = realloc(buf->data, capacity);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void *ps_buf_extend(ps_buf *buf, size_t size)
{
    PS_ASSERT(size > 0);
    if (!buf_reserve(buf, size)) {
        return NULL;
    }
    void *at = buf->data + buf->size;
    buf->size += size;
    return at;
}

void ps_buf_append_growing(ps_buf *buf, const void *data, size_t size)
{
    if (size == 0 || !buf_reserve(buf, size)) {
        return;
    }
    memcpy(buf->data + buf->size, data, size);
    buf->size += size;
}

enum { U64_DIGITS_MAX = 20 };

void ps_buf_append_u64(ps_buf *buf, uint64_t value)
{
    char digits[U64_DIGITS_MAX];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    ps_buf_append(buf, digits + start, sizeof digits - start);
}

void ps_buf_append_i64(ps_buf *buf, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        ps_buf_append_char(buf, '-');
        magnitude = 0 - magnitude;
    }
    ps_buf_append_u64(buf, magnitude);
}

void ps_buf_append_format(ps_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    char local[256];
    int length = vsnprintf(local, sizeof local, format, args);
    PS_ASSERT(length >= 0);
    size_t size = (size_t)length;
    if (size < sizeof local) {
        ps_buf_append(buf, local, size);
    } else if (size < buf->size_max && buf_reserve(buf, size + 1)) { /* + 1: vsnprintf's zero */
        vsnprintf(buf->data + buf->size, size + 1, format, again);
        buf->size += size;
    } else {
        buf->failed = true;
    }
    va_end(again);
    va_end(args);
}

/* ── text ↔ numbers ── */

bool ps_parse_u64(ps_slice text, uint64_t *out_value)
{
    if (text.size == 0 || text.size > U64_DIGITS_MAX || (text.data[0] == '0' && text.size > 1)) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

bool ps_parse_i64(ps_slice text, int64_t *out_value)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t magnitude;
    if (!ps_parse_u64(negative ? ps_slice_of(text.data + 1, text.size - 1) : text, &magnitude)) {
        return false;
    }
    uint64_t magnitude_max = (uint64_t)INT64_MAX + negative;
    if (magnitude > magnitude_max || (negative && magnitude == 0)) {
        return false;
    }
    *out_value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* ── UTF-8 (RFC 3629 §4, the table of well-formed byte sequences) ── */

/* The length of a sequence by its first byte, and the range of its second byte, which is where
 * overlong forms, surrogates and too large values are cut off. 0: not a first byte. */
static size_t utf8_lead(uint8_t lead, uint8_t *out_low, uint8_t *out_high)
{
    *out_low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *out_high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

bool ps_utf8_is_valid(ps_slice text)
{
    const uint8_t *p = (const uint8_t *)text.data;
    size_t at = 0;
    while (at < text.size) {
        if (text.size - at >= 8 && (ps_get_u64(p + at) & UINT64_C(0x8080808080808080)) == 0) {
            at += 8;
            continue;
        }
        uint8_t low;
        uint8_t high;
        size_t length = utf8_lead(p[at], &low, &high);
        if (length == 0 || length > text.size - at) {
            return false;
        }
        if (length > 1 && (p[at + 1] < low || p[at + 1] > high)) {
            return false;
        }
        for (size_t i = 2; i < length; i++) {
            if ((p[at + i] & 0xC0) != 0x80) {
                return false;
            }
        }
        at += length;
    }
    return true;
}

/* ── hex ── */

void ps_hex_encode(const void *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ps_hex_decode(ps_slice text, void *out, size_t out_size)
{
    if (text.size % 2 != 0 || text.size / 2 != out_size) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (hex_value(text.data[i]) < 0) {
            return false;
        }
    }
    uint8_t *bytes = out;
    for (size_t i = 0; i < out_size; i++) {
        bytes[i] = (uint8_t)(hex_value(text.data[2 * i]) << 4 | hex_value(text.data[2 * i + 1]));
    }
    return true;
}

/* ── Crockford base 32 ── */

static const char base32_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void ps_id128_format(ps_u128 value, char out[PS_ID128_CHARS])
{
    unsigned __int128 rest = (unsigned __int128)value.high << 64 | value.low;
    for (int i = PS_ID128_CHARS - 1; i >= 0; i--) {
        out[i] = base32_digits[(unsigned)rest & 31];
        rest >>= 5;
    }
}

/* -1 for anything but the canonical lower-case digit, so that one id has one text. */
static int base32_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c < 'a' || c > 'z') {
        return -1;
    }
    const char *at = memchr(base32_digits + 10, c, 22);
    return at != NULL ? (int)(at - base32_digits) : -1;
}

bool ps_id128_parse(ps_slice text, ps_u128 *out_value)
{
    /* 26 digits are 130 bits: the first digit holds only three. */
    if (text.size != PS_ID128_CHARS || base32_value(text.data[0]) > 7) {
        return false;
    }
    unsigned __int128 value = 0;
    for (size_t i = 0; i < PS_ID128_CHARS; i++) {
        int digit = base32_value(text.data[i]);
        if (digit < 0) {
            return false;
        }
        value = value << 5 | (unsigned)digit;
    }
    *out_value = (ps_u128){(uint64_t)(value >> 64), (uint64_t)value};
    return true;
}
