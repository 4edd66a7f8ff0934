/* Bytes: borrowed slices, a growable buffer, and little-endian fields.
 *
 * ps_slice borrows: it is valid as long as the memory it points into. ps_buf owns its memory and
 * has a declared maximum. All integers on disk and between threads are little-endian and fixed
 * width; both supported architectures (x86-64, arm64) are little-endian, which bytes.c pins with a
 * static assertion, so that the accessors are plain memcpy.
 */
#ifndef PS_BASE_BYTES_H
#define PS_BASE_BYTES_H

#include <string.h>

#include "base/error.h"

typedef struct {
    const char *data; /* not zero-terminated; may be NULL when size is 0 */
    size_t size;
} ps_slice;

#define PS_SLICE(literal) ((ps_slice){(literal), sizeof(literal) - 1})

static inline ps_slice ps_slice_of(const void *data, size_t size)
{
    return (ps_slice){(const char *)data, size};
}

/* From a zero-terminated string; NULL gives the empty slice. */
static inline ps_slice ps_slice_text(const char *text)
{
    return (ps_slice){text, text != NULL ? strlen(text) : 0};
}

static inline bool ps_slice_equal(ps_slice a, ps_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool ps_slice_has_prefix(ps_slice text, ps_slice prefix);

/* ── growable buffer ── */

typedef struct {
    char *data; /* owned */
    size_t size;
    size_t capacity;
    size_t size_max; /* declared limit */
    bool failed;     /* sticky: an append did not fit or memory ran out; later appends do nothing */
} ps_buf;

/* Writers append without checking and look at `failed` once at the end. init allocates nothing. */
void ps_buf_init(ps_buf *buf, size_t size_max);
void ps_buf_release(ps_buf *buf);
void ps_buf_clear(ps_buf *buf); /* size 0, failed false, memory kept */
void ps_buf_append_growing(ps_buf *buf, const void *data,
                           size_t size); /* ps_buf_append, any case */

/* Inline: most appends of rendered text are a few bytes, and find their room. */
static inline void ps_buf_append(ps_buf *buf, const void *data, size_t size)
{
    if (size == 0 || buf->failed || size > buf->capacity - buf->size) {
        ps_buf_append_growing(buf, data, size);
        return;
    }
    memcpy(buf->data + buf->size, data, size);
    buf->size += size;
}

static inline void ps_buf_append_slice(ps_buf *buf, ps_slice slice)
{
    ps_buf_append(buf, slice.data, slice.size);
}

/* Zero-terminated. */
static inline void ps_buf_append_text(ps_buf *buf, const char *text)
{
    ps_buf_append(buf, text, strlen(text));
}

static inline void ps_buf_append_char(ps_buf *buf, char c)
{
    ps_buf_append(buf, &c, 1);
}

void ps_buf_append_u64(ps_buf *buf, uint64_t value); /* decimal */
void ps_buf_append_i64(ps_buf *buf, int64_t value);  /* decimal */
void ps_buf_append_format(ps_buf *buf, const char *format, ...) PS_PRINTF(2, 3);
/* Room for `size` (> 0) bytes at the end, size advanced; NULL (and failed) when it does not fit. */
void *ps_buf_extend(ps_buf *buf, size_t size);

static inline ps_slice ps_buf_slice(const ps_buf *buf)
{
    return (ps_slice){buf->data, buf->size};
}

/* ── little-endian fields ── */

static inline uint16_t ps_get_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t ps_get_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t ps_get_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void ps_put_u16(void *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}
static inline void ps_put_u32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}
static inline void ps_put_u64(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

/* ── text ↔ numbers ── */

/* Strict decimal: digits only (an optional leading '-' for i64), no leading zeros, no "-0", no
 * blanks, in range. */
PS_CHECKED bool ps_parse_u64(ps_slice text, uint64_t *out_value);
PS_CHECKED bool ps_parse_i64(ps_slice text, int64_t *out_value);

/* Valid UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool ps_utf8_is_valid(ps_slice text);

/* Lower-case hex of `size` bytes into out (2 × size characters, not terminated), and back (false on
 * any other character or an odd length). */
void ps_hex_encode(const void *data, size_t size, char *out);
PS_CHECKED bool ps_hex_decode(ps_slice text, void *out, size_t out_size);

/* Crockford base 32 of a 128-bit value, lower case, 26 characters, most significant first: ids sort
 * by time. parse takes this one text of a value only, without Crockford's aliases. */
enum { PS_ID128_CHARS = 26 };
typedef struct {
    uint64_t high;
    uint64_t low;
} ps_u128;
void ps_id128_format(ps_u128 value, char out[PS_ID128_CHARS]);
PS_CHECKED bool ps_id128_parse(ps_slice text, ps_u128 *out_value);

static inline bool ps_u128_equal(ps_u128 a, ps_u128 b)
{
    return a.high == b.high && a.low == b.low;
}

#endif
