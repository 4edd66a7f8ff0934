#include "base/index.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A bucket is one cache line: tags in one half, elements in the other, in order of arrival.
 *
 * A chain is a main bucket and its overflow buckets. Only the last bucket of a chain is less than
 * full, and it is empty only when it is the main bucket; so n keys need at most n / 7 overflow
 * buckets, which is what init reserves. */
enum { BUCKET_SLOTS = 7 };

typedef struct {
    uint32_t tags[BUCKET_SLOTS];
    uint32_t count;
    uint32_t elements[BUCKET_SLOTS];
    uint32_t next; /* overflow bucket, 0: none; in a free bucket: the next free one */
} index_bucket;
static_assert(sizeof(index_bucket) == 64, "one cache line");

/* Block 0 of the overflow region. */
typedef struct {
    uint64_t key_count;
    uint64_t bucket_count; /* main buckets; Litwin's level and split pointer follow from it */
    uint32_t free_first;   /* head of the list of free overflow buckets; 0: none */
    uint32_t reserved[11];
} index_header;
static_assert(sizeof(index_header) == sizeof(index_bucket), "the header is block 0");

/* A new main bucket for each 21/4 keys: 75 % of seven slots. */
enum { KEYS_PER_BUCKET_NUMERATOR = 21, KEYS_PER_BUCKET_DENOMINATOR = 4 };

/* Overflow buckets in a cursor carry this bit; main buckets do not. */
#define CURSOR_OVERFLOW (UINT64_C(1) << 63)

static index_header *header_of(const ps_index *index)
{
    PS_ASSERT(index->overflow.size >= sizeof(index_header));
    return (index_header *)(void *)index->overflow.data;
}

static index_bucket *main_bucket(const ps_index *index, uint64_t number)
{
    return (index_bucket *)(void *)index->buckets.data + number;
}

static index_bucket *overflow_bucket(const ps_index *index, uint32_t number)
{
    return (index_bucket *)(void *)index->overflow.data + number;
}

/* Litwin's address: the low bits of the tag, one bit less where that bucket is not there yet. */
static uint64_t bucket_number(const index_header *header, uint32_t tag)
{
    uint64_t count = header->bucket_count;
    uint64_t mask = count > 1 ? UINT64_MAX >> __builtin_clzll(count - 1) : 0;
    uint64_t number = tag & mask;
    return number < count ? number : number & (mask >> 1);
}

/* ── lifetime ── */

ps_code ps_index_init(ps_index *index, const char *name, uint64_t key_count_max, ps_error *err)
{
    PS_ASSERT(key_count_max > 0 && key_count_max <= PS_INDEX_NONE);
    uint64_t main_max = key_count_max * KEYS_PER_BUCKET_DENOMINATOR / KEYS_PER_BUCKET_NUMERATOR + 2;
    uint64_t overflow_max = key_count_max / BUCKET_SLOTS + 2;
    index->key_count_max = key_count_max;
    int length = snprintf(index->overflow_name, sizeof index->overflow_name, "%s_overflow", name);
    PS_ASSERT(length > 0 && (size_t)length < sizeof index->overflow_name);
    ps_code code = ps_region_init(&index->buckets, name, main_max * sizeof(index_bucket), err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_region_init(&index->overflow, index->overflow_name,
                          overflow_max * sizeof(index_bucket), err);
    if (code != PS_OK) {
        ps_region_release(&index->buckets);
    }
    return code;
}

void ps_index_release(ps_index *index)
{
    ps_region_release(&index->buckets);
    ps_region_release(&index->overflow);
}

uint32_t ps_index_regions(ps_index *index, ps_region *out_regions[2])
{
    out_regions[0] = &index->buckets;
    out_regions[1] = &index->overflow;
    return 2;
}

void ps_index_clear(ps_index *index)
{
    ps_region_clear(&index->buckets);
    ps_region_clear(&index->overflow);
    PS_ASSERT(ps_region_extend(&index->buckets, sizeof(index_bucket)) != NULL);
    PS_ASSERT(ps_region_extend(&index->overflow, sizeof(index_header)) != NULL);
    header_of(index)->bucket_count = 1;
}

uint64_t ps_index_count(const ps_index *index)
{
    return header_of(index)->key_count;
}

/* ── look-up ── */

static uint32_t find_tag(const ps_index *index, ps_index_cursor *cursor)
{
    uint32_t number = (uint32_t)cursor->bucket;
    const index_bucket *bucket = (cursor->bucket & CURSOR_OVERFLOW) != 0
                                     ? overflow_bucket(index, number)
                                     : main_bucket(index, number);
    for (;;) {
        for (uint32_t slot = cursor->slot; slot < bucket->count; slot++) {
            if (bucket->tags[slot] == cursor->tag) {
                cursor->slot = slot;
                return bucket->elements[slot];
            }
        }
        if (bucket->next == 0) {
            cursor->slot = BUCKET_SLOTS;
            return PS_INDEX_NONE;
        }
        cursor->bucket = CURSOR_OVERFLOW | bucket->next;
        cursor->slot = 0;
        bucket = overflow_bucket(index, bucket->next);
    }
}

uint32_t ps_index_first(const ps_index *index, uint64_t hash, ps_index_cursor *out_cursor)
{
    uint32_t tag = (uint32_t)hash;
    *out_cursor = (ps_index_cursor){bucket_number(header_of(index), tag), 0, tag};
    return find_tag(index, out_cursor);
}

uint32_t ps_index_next(const ps_index *index, ps_index_cursor *cursor)
{
    cursor->slot++;
    return find_tag(index, cursor);
}

void ps_index_prefetch(const ps_index *index, uint64_t hash)
{
    __builtin_prefetch(main_bucket(index, bucket_number(header_of(index), (uint32_t)hash)));
}

/* ── overflow buckets ── */

static void touch_bucket(ps_index *index, const index_bucket *bucket)
{
    const char *at = (const char *)bucket;
    bool in_main = at >= index->buckets.data && at < index->buckets.data + index->buckets.size;
    ps_region_touch(in_main ? &index->buckets : &index->overflow, at, sizeof *bucket);
}

/* An empty bucket, free to be written without a touch. Never fails: init reserved for the most that
 * the invariant of chains allows. */
static uint32_t take_overflow(ps_index *index)
{
    index_header *header = header_of(index);
    uint32_t number = header->free_first;
    if (number == 0) {
        number = (uint32_t)(index->overflow.size / sizeof(index_bucket));
        PS_ASSERT(ps_region_extend(&index->overflow, sizeof(index_bucket)) != NULL);
        return number;
    }
    index_bucket *bucket = overflow_bucket(index, number);
    touch_bucket(index, bucket);
    header->free_first = bucket->next;
    bucket->next = 0;
    return number;
}

static void give_overflow(ps_index *index, uint32_t number)
{
    index_header *header = header_of(index);
    index_bucket *bucket = overflow_bucket(index, number);
    touch_bucket(index, bucket);
    *bucket = (index_bucket){.next = header->free_first};
    header->free_first = number;
}

/* ── change ──
 * Callers of these have touched the header. */

static void chain_append(ps_index *index, uint64_t number, uint32_t tag, uint32_t element)
{
    index_bucket *last = main_bucket(index, number);
    while (last->next != 0) {
        last = overflow_bucket(index, last->next);
    }
    touch_bucket(index, last);
    if (last->count == BUCKET_SLOTS) {
        last->next = take_overflow(index);
        last = overflow_bucket(index, last->next);
    }
    last->tags[last->count] = tag;
    last->elements[last->count] = element;
    last->count++;
}

/* Adds one main bucket, whose keys come from the one bucket that it splits. The old chain is taken
 * apart bucket by bucket, each given back before its keys are placed: k buckets' keys never need
 * more than the k − 1 overflow buckets freed. */
static void split_one(ps_index *index)
{
    index_header *header = header_of(index);
    uint64_t made = header->bucket_count;
    uint64_t level_bit = UINT64_C(1) << (63 - __builtin_clzll(made));
    PS_ASSERT(ps_region_extend(&index->buckets, sizeof(index_bucket)) != NULL);
    header->bucket_count++;

    index_bucket *main = main_bucket(index, made - level_bit);
    touch_bucket(index, main);
    index_bucket taken = *main;
    *main = (index_bucket){0};
    for (;;) {
        for (uint32_t slot = 0; slot < taken.count; slot++) {
            chain_append(index, bucket_number(header, taken.tags[slot]), taken.tags[slot],
                         taken.elements[slot]);
        }
        uint32_t next = taken.next;
        if (next == 0) {
            break;
        }
        taken = *overflow_bucket(index, next);
        give_overflow(index, next);
    }
}

bool ps_index_add(ps_index *index, uint64_t hash, uint32_t element)
{
    PS_ASSERT(element != PS_INDEX_NONE);
    index_header *header = header_of(index);
    if (header->key_count >= index->key_count_max) {
        return false;
    }
    ps_region_touch(&index->overflow, header, sizeof *header);
    header->key_count++;
    if (header->key_count * KEYS_PER_BUCKET_DENOMINATOR >
        header->bucket_count * KEYS_PER_BUCKET_NUMERATOR) {
        split_one(index);
    }
    uint32_t tag = (uint32_t)hash;
    chain_append(index, bucket_number(header, tag), tag, element);
    return true;
}

/* Takes the last pair of the chain away, and its bucket with it when that becomes empty. */
static void chain_drop_last(ps_index *index, uint64_t number, uint32_t *out_tag,
                            uint32_t *out_element)
{
    index_bucket *before = NULL;
    index_bucket *last = main_bucket(index, number);
    while (last->next != 0) {
        before = last;
        last = overflow_bucket(index, last->next);
    }
    PS_ASSERT(last->count > 0);
    touch_bucket(index, last);
    last->count--;
    *out_tag = last->tags[last->count];
    *out_element = last->elements[last->count];
    last->tags[last->count] = 0;
    last->elements[last->count] = 0;
    if (last->count == 0 && before != NULL) {
        touch_bucket(index, before);
        give_overflow(index, before->next);
        before->next = 0;
    }
}

void ps_index_remove(ps_index *index, uint64_t hash, uint32_t element)
{
    ps_index_cursor cursor;
    uint32_t found = ps_index_first(index, hash, &cursor);
    while (found != element) {
        PS_ASSERT(found != PS_INDEX_NONE);
        found = ps_index_next(index, &cursor);
    }
    index_header *header = header_of(index);
    ps_region_touch(&index->overflow, header, sizeof *header);
    header->key_count--;

    uint32_t last_tag;
    uint32_t last_element;
    chain_drop_last(index, bucket_number(header, cursor.tag), &last_tag, &last_element);
    if (last_element == element && last_tag == cursor.tag) {
        return; /* it was the last itself: (tag, element) is there once */
    }
    uint32_t number = (uint32_t)cursor.bucket;
    index_bucket *hole = (cursor.bucket & CURSOR_OVERFLOW) != 0 ? overflow_bucket(index, number)
                                                                : main_bucket(index, number);
    touch_bucket(index, hole);
    hole->tags[cursor.slot] = last_tag;
    hole->elements[cursor.slot] = last_element;
}
