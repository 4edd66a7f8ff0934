#include "expr/utf8.h"

#include <string.h>

size_t ps_utf8_count(ps_slice text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t following = 0, i = 0; /* bytes 10xxxxxx, which begin no character */
    for (; i + 8 <= text.size; i += 8) {
        uint64_t bytes;
        memcpy(&bytes, text.data + i, 8);
        following += (((bytes >> 7 & ~(bytes >> 6)) & ones) * ones) >> 56;
    }
    for (; i < text.size; i++) {
        following += ((uint8_t)text.data[i] & 0xC0) == 0x80;
    }
    return text.size - following;
}

size_t ps_utf8_offset(ps_slice text, size_t index)
{
    size_t at = 0;
    while (index > 0 && at < text.size) {
        at += ps_utf8_size_at(text, at);
        index--;
    }
    return at;
}

uint32_t ps_utf8_get(ps_slice text, size_t at, size_t *out_size)
{
    size_t size = ps_utf8_size_at(text, at);
    uint8_t first = (uint8_t)text.data[at];
    *out_size = size;
    if (size == 1 || size > 4) {
        return first;
    }
    uint32_t value = first & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        value = value << 6 | ((uint8_t)text.data[at + i] & 0x3Fu);
    }
    return value;
}

void ps_utf8_append(ps_buf *out, uint32_t c)
{
    if (c < 0x80) {
        ps_buf_append_char(out, (char)c);
    } else if (c < 0x800) {
        ps_buf_append_char(out, (char)(0xC0 | c >> 6));
        ps_buf_append_char(out, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        ps_buf_append_char(out, (char)(0xE0 | c >> 12));
        ps_buf_append_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
        ps_buf_append_char(out, (char)(0x80 | (c & 0x3F)));
    } else {
        ps_buf_append_char(out, (char)(0xF0 | c >> 18));
        ps_buf_append_char(out, (char)(0x80 | (c >> 12 & 0x3F)));
        ps_buf_append_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
        ps_buf_append_char(out, (char)(0x80 | (c & 0x3F)));
    }
}

/* UTF-16 units of the character that begins with this byte. */
static size_t units(char first)
{
    return (uint8_t)first >= 0xF0 ? 2 : 1;
}

size_t ps_utf16_count(ps_slice text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.size; at += ps_utf8_size_at(text, at)) {
        count += units(text.data[at]);
    }
    return count;
}

size_t ps_utf16_offset(ps_slice text, size_t index, bool *out_splits)
{
    size_t at = 0;
    *out_splits = false;
    while (index > 0 && at < text.size) {
        if (units(text.data[at]) > index) {
            *out_splits = true;
            return at;
        }
        index -= units(text.data[at]);
        at += ps_utf8_size_at(text, at);
    }
    return at;
}
