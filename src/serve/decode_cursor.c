#include "serve/decode_cursor.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CURSOR_VERSION = 1, CURSOR_BYTES = 18 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ── filters ── */

static uint64_t number_mix(uint64_t hash, uint64_t number)
{
    return XXH3_64bits_withSeed(&number, sizeof number, hash);
}

/* The size goes in, so that texts cannot flow into each other. */
static uint64_t text_mix(uint64_t hash, ps_slice text)
{
    hash = number_mix(hash, text.size);
    return text.size > 0 ? XXH3_64bits_withSeed(text.data, text.size, hash) : hash;
}

/* Everything that chooses objects; not what only says which page of them. */
static uint64_t filter_hash(const ps_query *query)
{
    uint64_t hash = number_mix(query->book, query->kind);
    hash = number_mix(hash, query->status);
    hash = number_mix(hash, query->has_currency ? query->currency + 1U : 0);
    hash = number_mix(hash, (uint64_t)query->created_gte_ns);
    hash = number_mix(hash, (uint64_t)query->created_lt_ns);
    hash = number_mix(hash, query->has_amount_gte ? (uint64_t)query->amount_gte + 1 : 0);
    hash = number_mix(hash, query->has_amount_lt ? (uint64_t)query->amount_lt + 1 : 0);
    hash = text_mix(hash, query->target);
    hash = text_mix(hash, query->merchant);
    hash = text_mix(hash, query->payer);
    hash = text_mix(hash, query->payment);
    return text_mix(hash, query->reference);
}

/* ── text ── */

void ps_cursor_format(const ps_query *query, uint64_t next, char out[PS_CURSOR_CHARS])
{
    uint8_t bytes[CURSOR_BYTES];
    ps_put_u16(bytes, CURSOR_VERSION);
    ps_put_u64(bytes + 2, next);
    ps_put_u64(bytes + 10, filter_hash(query));
    for (size_t i = 0; i < CURSOR_BYTES / 3; i++) {
        const uint8_t *group = bytes + 3 * i;
        uint32_t bits = (uint32_t)group[0] << 16 | (uint32_t)group[1] << 8 | group[2];
        for (size_t j = 0; j < 4; j++) {
            out[4 * i + j] = digits[bits >> (18 - 6 * j) & 63];
        }
    }
}

static bool digit_parse(char c, uint32_t *out_value)
{
    const char *at = c != 0 ? strchr(digits, c) : NULL;
    if (at == NULL) {
        return false;
    }
    *out_value = (uint32_t)(at - digits);
    return true;
}

bool ps_cursor_parse(ps_slice text, const ps_query *query, uint64_t *out_next)
{
    uint8_t bytes[CURSOR_BYTES];
    if (text.size != PS_CURSOR_CHARS) {
        return false;
    }
    for (size_t i = 0; i < CURSOR_BYTES / 3; i++) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            uint32_t digit;
            if (!digit_parse(text.data[4 * i + j], &digit)) {
                return false;
            }
            bits = bits << 6 | digit;
        }
        bytes[3 * i] = (uint8_t)(bits >> 16);
        bytes[3 * i + 1] = (uint8_t)(bits >> 8);
        bytes[3 * i + 2] = (uint8_t)bits;
    }
    uint64_t next = ps_get_u64(bytes + 2);
    if (ps_get_u16(bytes) != CURSOR_VERSION || ps_get_u64(bytes + 10) != filter_hash(query) ||
        next == 0) {
        return false;
    }
    *out_next = next;
    return true;
}
