/* Scanning the inside of JSON strings: the one loop that decides how fast JSON is read and written.
 *
 * Two paths with equal results, compared by json_scan_test: SSE2 (part of every x86-64, so no
 * run-time choice) and plain C. Neither reads outside of text[0, size).
 */
#ifndef PS_DATA_JSON_SCAN_H
#define PS_DATA_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* True for the bytes that end the plain part of a string: quote, backslash, control characters. */
static inline bool ps_json_is_special(unsigned char c)
{
    return c == '"' || c == '\\' || c < 0x20;
}

/* The index of the first special byte, or size. Sets *non_ascii when a byte before it is ≥ 0x80 and
 * leaves it alone otherwise. */
static inline size_t ps_json_scan_plain(const char *text, size_t size, bool *non_ascii)
{
    unsigned char seen = 0;
    size_t i = 0;
    while (i < size && !ps_json_is_special((unsigned char)text[i])) {
        seen |= (unsigned char)text[i];
        i++;
    }
    if (seen >= 0x80) {
        *non_ascii = true;
    }
    return i;
}

#if defined(__SSE2__)
static inline size_t ps_json_scan_sse2(const char *text, size_t size, bool *non_ascii)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    size_t i = 0;
    for (; i + 16 <= size; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        __m128i special = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
            _mm_cmpeq_epi8(_mm_min_epu8(block, control), block));
        uint32_t stops = (uint32_t)_mm_movemask_epi8(special);
        uint32_t high = (uint32_t)_mm_movemask_epi8(block);
        if (stops != 0) {
            uint32_t before = (stops & (0U - stops)) - 1;
            if ((high & before) != 0) {
                *non_ascii = true;
            }
            return i + (size_t)__builtin_ctz(stops);
        }
        if (high != 0) {
            *non_ascii = true;
        }
    }
    return i + ps_json_scan_plain(text + i, size - i, non_ascii);
}
#endif

enum { PS_JSON_BLOCK = 16 };

/* A bit per byte of a block: those that are special or not ASCII. */
static inline uint32_t ps_json_stops(const char *block)
{
#if defined(__SSE2__)
    const __m128i blank = _mm_set1_epi8(' '); /* signed: control characters and 0x80… are less */
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)block);
    __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                 _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(marks, _mm_cmplt_epi8(bytes, blank)));
#else
    uint32_t stops = 0;
    for (uint32_t i = 0; i < PS_JSON_BLOCK; i++) {
        unsigned char c = (unsigned char)block[i];
        stops |= (uint32_t)(ps_json_is_special(c) || c >= 0x80) << i;
    }
    return stops;
#endif
}

/* A bit per byte of two blocks: where they differ. */
static inline uint32_t ps_json_differences(const char *a, const char *b)
{
#if defined(__SSE2__)
    __m128i left = _mm_loadu_si128((const __m128i *)(const void *)a);
    __m128i right = _mm_loadu_si128((const __m128i *)(const void *)b);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(left, right)) ^ 0xffff;
#else
    uint32_t differences = 0;
    for (uint32_t i = 0; i < PS_JSON_BLOCK; i++) {
        differences |= (uint32_t)(a[i] != b[i]) << i;
    }
    return differences;
#endif
}

static inline size_t ps_json_scan(const char *text, size_t size, bool *non_ascii)
{
#if defined(__SSE2__)
    return ps_json_scan_sse2(text, size, non_ascii);
#else
    return ps_json_scan_plain(text, size, non_ascii);
#endif
}

#endif
