#include "state/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/index.h"
#include "state/store_internal.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

/* Four parts: an index from hashes to entry numbers; the entries, value first, then the key (fixed)
 * or its reference into the heap and its size (variable); the header with one bit per entry behind
 * it; the heap. A free entry holds the next free one's number + 1 in its first bytes. */
enum { PREFETCH_KEYS = 32, TABLE_NAME_MAX = 40, LINE_SIZE = 64 };

static const uint64_t entry_count_ceiling = UINT64_C(1) << 30;

typedef struct {
    uint32_t count;      /* entries in use */
    uint32_t top;        /* entries from here on were never in use since the last clear */
    uint32_t free_first; /* number + 1 */
    uint32_t reserved[13];
} table_header;
static_assert(sizeof(table_header) == 64, "the bits follow, aligned");

typedef struct {
    uint32_t ref; /* 0: the empty key */
    uint32_t size;
} key_place;

struct ps_table {
    ps_store *store;
    uint32_t key_size; /* 0: variable */
    uint32_t value_size;
    uint32_t key_offset; /* value_size rounded up to 8 */
    uint32_t entry_size;
    uint32_t entry_count_max;
    bool has_index;
    ps_region *entries;
    ps_region *live; /* table_header, then the bits */
    ps_heap heap;
    ps_index index;
    char name[TABLE_NAME_MAX];
    char live_name[TABLE_NAME_MAX + 8], heap_name[TABLE_NAME_MAX + 8],
        index_name[TABLE_NAME_MAX + 8];
};

static table_header *header_of(const ps_table *table)
{
    return (table_header *)(void *)table->live->data;
}

static uint64_t *live_bits(const ps_table *table)
{
    return (uint64_t *)(void *)(table->live->data + sizeof(table_header));
}

static char *entry_at(const ps_table *table, uint32_t entry)
{
    return table->entries->data + (uint64_t)entry * table->entry_size;
}

static key_place *place_of(const ps_table *table, uint32_t entry)
{
    return (key_place *)(void *)(entry_at(table, entry) + table->key_offset);
}

static bool is_live(const ps_table *table, uint32_t entry)
{
    return entry < header_of(table)->top && (live_bits(table)[entry / 64] >> entry % 64 & 1) != 0;
}

/* ── lifetime ── */

static void table_release(void *thing)
{
    ps_table *table = thing;
    if (table->has_index) {
        ps_index_release(&table->index);
    }
    free(table);
}

static uint64_t count_keys(const void *container)
{
    return header_of(container)->count;
}

static ps_code open_index(ps_table *table, ps_error *err)
{
    uint64_t count = ps_store_region_size_max(table->store) / table->entry_size + 1024;
    count = count < entry_count_ceiling ? count : entry_count_ceiling;
    table->entry_count_max = (uint32_t)count;
    ps_code code = ps_index_init(&table->index, table->index_name, count, err);
    if (code != PS_OK) {
        return code;
    }
    table->has_index = true;
    ps_index_clear(&table->index);
    ps_region *regions[2];
    uint32_t region_count = ps_index_regions(&table->index, regions);
    for (uint32_t i = 0; i < region_count && code == PS_OK; i++) {
        code = ps_store_adopt(table->store, regions[i], err);
    }
    return code;
}

static ps_code open_parts(ps_table *table, ps_error *err)
{
    ps_code code = ps_store_region(table->store, table->name, &table->entries, err);
    if (code == PS_OK) {
        code = ps_store_region(table->store, table->live_name, &table->live, err);
    }
    void *header;
    if (code == PS_OK) {
        code = ps_store_extend(table->store, table->live, sizeof(table_header), &header, err);
    }
    if (code == PS_OK && table->key_size == 0) {
        code = ps_heap_init(&table->heap, table->store, table->heap_name, err);
    }
    if (code == PS_OK) {
        code = open_index(table, err);
    }
    if (code == PS_OK) {
        code = ps_store_count_keys_of(table->store, table, count_keys, err);
    }
    return code;
}

ps_code ps_table_new(ps_store *store, const char *name, uint32_t key_size, uint32_t value_size,
                     ps_table **out, ps_error *err)
{
    ps_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a table of %s", ps_store_name(store));
    }
    table->store = store;
    table->key_size = key_size;
    table->value_size = value_size;
    table->key_offset = (value_size + 7) / 8 * 8;
    uint32_t key_room = key_size != 0 ? (key_size + 7) / 8 * 8 : (uint32_t)sizeof(key_place);
    table->entry_size = table->key_offset + key_room;
    (void)snprintf(table->name, sizeof table->name, "%s", name);
    (void)snprintf(table->live_name, sizeof table->live_name, "%s_live", table->name);
    (void)snprintf(table->heap_name, sizeof table->heap_name, "%s_keys", table->name);
    (void)snprintf(table->index_name, sizeof table->index_name, "%.24s", table->name);
    ps_code code = ps_store_attach(store, table, table_release, err);
    if (code == PS_OK) {
        code = open_parts(table, err);
    }
    if (code == PS_OK) {
        *out = table;
    }
    return code;
}

/* ── look-up ── */

uint64_t ps_table_hash(const void *key, size_t size)
{
    return XXH3_64bits(key, size);
}

static ps_slice key_of(const ps_table *table, uint32_t entry)
{
    if (table->key_size != 0) {
        return (ps_slice){entry_at(table, entry) + table->key_offset, table->key_size};
    }
    const key_place *place = place_of(table, entry);
    return (ps_slice){ps_heap_at(&table->heap, place->ref), place->size};
}

static bool has_key(const ps_table *table, uint32_t entry, ps_slice key)
{
    if (table->key_size == 16) {
        return memcmp(entry_at(table, entry) + table->key_offset, key.data, 16) == 0;
    }
    return ps_slice_equal(key_of(table, entry), key);
}

uint32_t ps_table_find(const ps_table *table, uint64_t hash, ps_slice key)
{
    ps_index_cursor cursor;
    uint32_t entry = ps_index_first(&table->index, hash, &cursor);
    while (entry != PS_INDEX_NONE && !has_key(table, entry, key)) {
        entry = ps_index_next(&table->index, &cursor);
    }
    return entry;
}

/* ── adding ── */

/* An entry number with zeroed memory, in use from now on. */
static ps_code take_entry(ps_table *table, uint32_t *out_entry, ps_error *err)
{
    table_header *header = header_of(table);
    uint32_t entry = header->free_first != 0 ? header->free_first - 1 : header->top;
    if (entry >= table->entry_count_max) {
        return ps_error_set(err, PS_E_LIMIT, "%s has more than %u keys",
                            ps_store_name(table->store), table->entry_count_max);
    }
    uint64_t end = (uint64_t)(entry + 1) * table->entry_size;
    uint64_t bits_end = sizeof(table_header) + ((uint64_t)entry / 64 + 1) * sizeof(uint64_t);
    void *at;
    if (bits_end > table->live->size) {
        ps_code code = ps_store_extend(table->store, table->live, sizeof(uint64_t), &at, err);
        if (code != PS_OK) {
            return code;
        }
    }
    if (end > table->entries->size) {
        ps_code code = ps_store_extend(table->store, table->entries, table->entry_size, &at, err);
        if (code != PS_OK) {
            return code;
        }
    }
    uint32_t next_free = 0;
    char *memory = entry_at(table, entry);
    memcpy(&next_free, memory, sizeof next_free);
    ps_region_touch(table->entries, memory, table->entry_size);
    memset(memory, 0, table->entry_size);
    ps_region_touch(table->live, header, sizeof *header);
    if (header->free_first != 0) {
        header->free_first = next_free;
    } else {
        header->top++;
    }
    header->count++;
    uint64_t *word = live_bits(table) + entry / 64;
    ps_region_touch(table->live, word, sizeof *word);
    *word |= UINT64_C(1) << entry % 64;
    *out_entry = entry;
    return PS_OK;
}

static void give_entry(ps_table *table, uint32_t entry)
{
    table_header *header = header_of(table);
    char *memory = entry_at(table, entry);
    ps_region_touch(table->entries, memory, table->entry_size);
    memset(memory, 0, table->entry_size);
    memcpy(memory, &header->free_first, sizeof header->free_first);
    ps_region_touch(table->live, header, sizeof *header);
    header->free_first = entry + 1;
    header->count--;
    uint64_t *word = live_bits(table) + entry / 64;
    ps_region_touch(table->live, word, sizeof *word);
    *word &= ~(UINT64_C(1) << entry % 64);
}

static ps_code write_key(ps_table *table, uint32_t entry, ps_slice key, ps_error *err)
{
    if (table->key_size != 0) {
        PS_ASSERT(key.size == table->key_size);
        memcpy(entry_at(table, entry) + table->key_offset, key.data, key.size);
        return PS_OK;
    }
    if (key.size > INT32_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "a key of %s has %zu bytes",
                            ps_store_name(table->store), key.size);
    }
    key_place place = {0, (uint32_t)key.size};
    if (key.size > 0) {
        ps_code code = ps_heap_take(&table->heap, place.size, &place.ref, err);
        if (code != PS_OK) {
            return code;
        }
        memcpy(ps_heap_at(&table->heap, place.ref), key.data, key.size);
    }
    *place_of(table, entry) = place;
    return PS_OK;
}

static uint64_t index_size(const ps_table *table)
{
    return table->index.buckets.size + table->index.overflow.size;
}

static ps_code add(ps_table *table, uint64_t hash, ps_slice key, uint32_t *out_entry, ps_error *err)
{
    uint32_t entry = 0;
    ps_code code = take_entry(table, &entry, err);
    if (code != PS_OK) {
        return code;
    }
    code = write_key(table, entry, key, err);
    if (code != PS_OK) {
        give_entry(table, entry);
        return code;
    }
    uint64_t before = index_size(table);
    PS_ASSERT(ps_index_add(&table->index, hash, entry)); /* entry_count_max is the index's too */
    code = ps_store_charge(table->store, index_size(table) - before, err);
    if (code != PS_OK) {
        ps_table_remove(table, entry);
        return code;
    }
    *out_entry = entry;
    return PS_OK;
}

ps_code ps_table_put(ps_table *table, uint64_t hash, ps_slice key, uint32_t *out_entry,
                     bool *out_is_new, ps_error *err)
{
    uint32_t entry = ps_table_find(table, hash, key);
    if (entry != PS_TABLE_NONE) {
        *out_entry = entry;
        *out_is_new = false;
        return PS_OK;
    }
    ps_code code = add(table, hash, key, out_entry, err);
    if (code == PS_OK) {
        *out_is_new = true;
    }
    return code;
}

/* ── many at a time ── */

static void prefetch_entry(const ps_table *table, uint32_t entry)
{
    const char *at = entry_at(table, entry);
    __builtin_prefetch(at, 1);
    if (((uintptr_t)at & (LINE_SIZE - 1)) + table->entry_size > LINE_SIZE) {
        __builtin_prefetch(at + table->entry_size - 1, 1);
    }
}

void ps_table_prefetch(const ps_table *table, uint32_t entry)
{
    prefetch_entry(table, entry);
}

/* What is found here is only a guess until the keys are compared: adding in between moves index
 * cells, but no entry. */
static void guess(const ps_table *table, uint32_t count, const ps_slice *keys, uint64_t *hashes,
                  uint32_t *guesses)
{
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i].data != NULL) {
            hashes[i] = ps_table_hash(keys[i].data, keys[i].size);
            ps_index_prefetch(&table->index, hashes[i]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        guesses[i] = PS_TABLE_NONE;
        if (keys[i].data != NULL) {
            ps_index_cursor cursor;
            guesses[i] = ps_index_first(&table->index, hashes[i], &cursor);
        }
        if (guesses[i] != PS_TABLE_NONE) {
            prefetch_entry(table, guesses[i]);
        }
    }
    for (uint32_t i = 0; i < count && table->key_size == 0; i++) {
        if (guesses[i] != PS_TABLE_NONE) {
            __builtin_prefetch(ps_heap_at(&table->heap, place_of(table, guesses[i])->ref));
        }
    }
}

ps_code ps_table_put_all(ps_table *table, uint32_t count, const ps_slice *keys,
                         uint32_t *out_entries, bool *out_is_new, ps_error *err)
{
    uint64_t hashes[PREFETCH_KEYS];
    uint32_t guesses[PREFETCH_KEYS];
    for (uint32_t from = 0; from < count; from += PREFETCH_KEYS) {
        uint32_t some = count - from < PREFETCH_KEYS ? count - from : PREFETCH_KEYS;
        guess(table, some, keys + from, hashes, guesses);
        for (uint32_t i = 0; i < some; i++) {
            ps_slice key = keys[from + i];
            uint32_t entry = guesses[i];
            bool is_new = false;
            if (key.data != NULL && (entry == PS_TABLE_NONE || !has_key(table, entry, key))) {
                ps_code code = ps_table_put(table, hashes[i], key, &entry, &is_new, err);
                if (code != PS_OK) {
                    return code;
                }
            }
            out_entries[from + i] = entry;
            if (out_is_new != NULL) {
                out_is_new[from + i] = is_new;
            }
        }
    }
    return PS_OK;
}

/* ── removing ── */

static void forget_key(ps_table *table, uint32_t entry)
{
    ps_slice key = key_of(table, entry);
    ps_index_remove(&table->index, ps_table_hash(key.data, key.size), entry);
    if (table->key_size == 0 && key.size > 0) {
        ps_heap_give(&table->heap, place_of(table, entry)->ref, (uint32_t)key.size);
    }
}

void ps_table_remove(ps_table *table, uint32_t entry)
{
    PS_ASSERT(is_live(table, entry));
    forget_key(table, entry);
    give_entry(table, entry);
}

void ps_table_remove_all(ps_table *table, uint32_t count, const uint32_t *entries)
{
    for (uint32_t from = 0; from < count; from += PREFETCH_KEYS) {
        uint32_t end = count - from < PREFETCH_KEYS ? count : from + PREFETCH_KEYS;
        for (uint32_t i = from; i < end; i++) {
            ps_slice key = key_of(table, entries[i]);
            ps_index_prefetch(&table->index, ps_table_hash(key.data, key.size));
        }
        for (uint32_t i = from; i < end; i++) {
            ps_table_remove(table, entries[i]);
        }
    }
}

static bool is_frozen(const ps_table *table)
{
    return table->entries->frozen || table->live->frozen || table->index.buckets.frozen ||
           table->index.overflow.frozen || (table->key_size == 0 && table->heap.region->frozen);
}

/* Empties index and heap. While a snapshot is taken regions cannot be cleared: then key by key. */
static void forget_keys(ps_table *table)
{
    if (is_frozen(table)) {
        for (uint32_t entry = ps_table_next(table, 0); entry != PS_TABLE_NONE;
             entry = ps_table_next(table, entry + 1)) {
            forget_key(table, entry);
        }
        return;
    }
    ps_index_clear(&table->index);
    ps_region_clear(table->entries);
    if (table->key_size == 0) {
        ps_heap_clear(&table->heap);
    }
}

/* Numbers start from 0 again either way: what follows does not depend on whether a snapshot was
 * being taken. */
void ps_table_clear(ps_table *table)
{
    if (header_of(table)->top == 0) {
        return;
    }
    forget_keys(table);
    ps_region_touch(table->live, table->live->data, table->live->size);
    memset(table->live->data, 0, table->live->size);
    ps_store_uncharge(table->store);
}

/* ── entries ── */

void *ps_table_value(const ps_table *table, uint32_t entry)
{
    return entry_at(table, entry);
}

void *ps_table_touch(ps_table *table, uint32_t entry)
{
    char *at = entry_at(table, entry);
    ps_region_touch(table->entries, at, table->value_size);
    return at;
}

ps_slice ps_table_key(const ps_table *table, uint32_t entry)
{
    return key_of(table, entry);
}

uint32_t ps_table_count(const ps_table *table)
{
    return header_of(table)->count;
}

uint32_t ps_table_next(const ps_table *table, uint32_t from)
{
    uint32_t top = header_of(table)->top;
    const uint64_t *bits = live_bits(table);
    while (from < top) {
        uint64_t word = bits[from / 64] >> from % 64;
        if (word != 0) {
            return from + (uint32_t)__builtin_ctzll(word);
        }
        from = (from / 64 + 1) * 64;
    }
    return PS_TABLE_NONE;
}
