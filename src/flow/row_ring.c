#include "flow/row_ring.h"

#include <assert.h>

enum { CAPACITY_MIN = 4, SHRINK_FACTOR = 8 };

/* A record: i64 time, then the code of its columns; or, when there are texts among them, u32
 * reference of the code in the heap, u32 size of it. */
enum { CODE_OFFSET = 8, CODE_PLACE_SIZE = 8 };

ps_code ps_row_rings_init(ps_row_rings *rings, ps_store *store, ps_arena *arena, const char *name,
                          const ps_schema *schema, ps_columns columns, ps_error *err)
{
    *rings = (ps_row_rings){.values = ps_arena_take(arena, columns.count * sizeof(ps_value))};
    const ps_type **types = ps_arena_take(arena, columns.count * sizeof *types);
    if (rings->values == NULL || types == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for rings of rows");
    }
    for (uint32_t i = 0; i < columns.count; i++) {
        types[i] = schema->fields[columns.columns[i]].type;
    }
    ps_code code = ps_row_layout_init(&rings->layout, arena, columns.count, types, false, err);
    uint32_t code_size = rings->layout.has_text ? CODE_PLACE_SIZE : rings->layout.fixed_size;
    rings->record_size = CODE_OFFSET + code_size;
    return code == PS_OK ? ps_heap_init(&rings->heap, store, name, err) : code;
}

/* ── records ── */

static char *record_at(const ps_row_rings *rings, const ps_row_ring *ring, uint32_t index)
{
    uint32_t place = (ring->first + index) & (ring->capacity - 1);
    return ps_heap_at(&rings->heap, ring->block) + (uint64_t)place * rings->record_size;
}

static const char *code_of(const ps_row_rings *rings, const char *record)
{
    const char *at = record + CODE_OFFSET;
    return rings->layout.has_text ? ps_heap_at(&rings->heap, ps_get_u32(at)) : at;
}

static ps_code write_record(ps_row_rings *rings, char *record, int64_t time, const ps_value *values,
                            ps_error *err)
{
    ps_region_touch(rings->heap.region, record, rings->record_size);
    memcpy(record, &time, sizeof time);
    char *code = record + CODE_OFFSET;
    if (rings->layout.has_text) {
        size_t size = ps_row_size_of_values(&rings->layout, values);
        uint32_t ref;
        if (size > INT32_MAX) {
            return ps_error_set(err, PS_E_LIMIT, "a row of %zu bytes is too large to be kept",
                                size);
        }
        ps_code taken = ps_heap_take(&rings->heap, (uint32_t)size, &ref, err);
        if (taken != PS_OK) {
            return taken;
        }
        ps_put_u32(code, ref);
        ps_put_u32(code + 4, (uint32_t)size);
        code = ps_heap_at(&rings->heap, ref);
    }
    ps_row_encode_values(&rings->layout, values, code);
    return PS_OK;
}

/* ── the block ── */

static ps_code resize(ps_row_rings *rings, ps_row_ring *ring, uint32_t capacity, ps_error *err)
{
    uint64_t size = (uint64_t)capacity * rings->record_size;
    if (size > UINT32_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "one key has more than %u rows in its frame",
                            ring->count);
    }
    uint32_t block;
    ps_code code = ps_heap_take(&rings->heap, (uint32_t)size, &block, err);
    if (code != PS_OK) {
        return code;
    }
    char *to = ps_heap_at(&rings->heap, block);
    for (uint32_t i = 0; i < ring->count; i++) {
        memcpy(to + (uint64_t)i * rings->record_size, record_at(rings, ring, i),
               rings->record_size);
    }
    if (ring->block != 0) {
        ps_heap_give(&rings->heap, ring->block, ring->capacity * rings->record_size);
    }
    ring->block = block;
    ring->capacity = capacity;
    ring->first = 0;
    return PS_OK;
}

ps_code ps_row_ring_add(ps_row_rings *rings, ps_row_ring *ring, int64_t time,
                        const ps_value *values, ps_error *err)
{
    ps_code code = PS_OK;
    if (ring->count == ring->capacity) {
        uint32_t capacity = ring->capacity == 0 ? CAPACITY_MIN : ring->capacity * 2;
        code = resize(rings, ring, capacity, err);
    }
    if (code == PS_OK) {
        code = write_record(rings, record_at(rings, ring, ring->count), time, values, err);
    }
    ring->count += code == PS_OK ? 1 : 0;
    return code;
}

static void drop_oldest(ps_row_rings *rings, ps_row_ring *ring)
{
    if (rings->layout.has_text) {
        const char *place = record_at(rings, ring, 0) + CODE_OFFSET;
        ps_heap_give(&rings->heap, ps_get_u32(place), ps_get_u32(place + 4));
    }
    ring->first = (ring->first + 1) & (ring->capacity - 1);
    ring->count--;
}

ps_code ps_row_ring_keep(ps_row_rings *rings, ps_row_ring *ring, uint32_t count, ps_error *err)
{
    while (ring->count > count) {
        drop_oldest(rings, ring);
    }
    bool is_large = ring->capacity > CAPACITY_MIN && ring->count < ring->capacity / SHRINK_FACTOR;
    return is_large ? resize(rings, ring, ring->capacity / 2, err) : PS_OK;
}

void ps_row_ring_clear(ps_row_rings *rings, ps_row_ring *ring)
{
    while (ring->count > 0) {
        drop_oldest(rings, ring);
    }
    if (ring->block != 0) {
        ps_heap_give(&rings->heap, ring->block, ring->capacity * rings->record_size);
    }
    *ring = (ps_row_ring){0};
}

/* ── reading ── */

int64_t ps_row_ring_time(const ps_row_rings *rings, const ps_row_ring *ring, uint32_t index)
{
    PS_ASSERT(index < ring->count);
    return (int64_t)ps_get_u64(record_at(rings, ring, index));
}

ps_value ps_row_ring_value(const ps_row_rings *rings, const ps_row_ring *ring, uint32_t index,
                           uint32_t field)
{
    PS_ASSERT(index < ring->count);
    return ps_row_get(&rings->layout, code_of(rings, record_at(rings, ring, index)), field);
}

void ps_row_ring_prefetch(const ps_row_rings *rings, const ps_row_ring *ring)
{
    if (ring->block != 0) {
        __builtin_prefetch(record_at(rings, ring, 0));
        __builtin_prefetch(record_at(rings, ring, ring->count), 1);
    }
}
