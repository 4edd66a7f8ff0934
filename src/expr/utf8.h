/* Characters of UTF-8 text, and of the same text as Java counts it (UTF-16 units). */
#ifndef PS_EXPR_UTF8_H
#define PS_EXPR_UTF8_H

#include "base/bytes.h"

/* Bytes of the character that begins at `at`: 1 … 4; never beyond the end. */
static inline size_t ps_utf8_size_at(ps_slice text, size_t at)
{
    size_t end = at + 1;
    while (end < text.size && ((uint8_t)text.data[end] & 0xC0) == 0x80) {
        end++;
    }
    return end - at;
}

/* Number of characters. */
size_t ps_utf8_count(ps_slice text);
/* Byte offset of character number `index` (from 0); the size when there are fewer. */
size_t ps_utf8_offset(ps_slice text, size_t index);
/* The character at `at` and its size; what is no UTF-8 is its first byte. */
uint32_t ps_utf8_get(ps_slice text, size_t at, size_t *out_size);
void ps_utf8_append(ps_buf *out, uint32_t character);

size_t ps_utf16_count(ps_slice text);
/* Byte offset of UTF-16 unit number `index`; *out_splits: it is the second half of a character,
 * whose first byte the offset is. */
size_t ps_utf16_offset(ps_slice text, size_t index, bool *out_splits);

#endif
