#include "state/heap.h"

#include <assert.h>

/* Size classes: 16, 32 … 128, then four per doubling: waste is at most 25 % of what was asked. */
enum {
    UNIT = 16,
    LINEAR_CLASSES = 8, /* up to 128 */
    STEPS_LOG = 2,
    STEPS = 1 << STEPS_LOG,
    LINEAR_LOG = 7, /* 128 = 2^7 */
    CLASS_COUNT = LINEAR_CLASSES + (32 - LINEAR_LOG) * STEPS
};

/* Offset 0 of the region: heads of the free lists, by class; the next free block's reference stands
 * in the first bytes of a free one. */
typedef struct {
    uint32_t free_first[CLASS_COUNT];
    uint32_t reserved[4 - CLASS_COUNT % 4];
} heap_header;
static_assert(sizeof(heap_header) % UNIT == 0, "blocks follow the header");

static uint32_t class_of(uint32_t size)
{
    if (size <= LINEAR_CLASSES * UNIT) {
        return size == 0 ? 0 : (size - 1) / UNIT;
    }
    uint32_t log = 31 - (uint32_t)__builtin_clz(size - 1); /* 2^log < size ≤ 2^(log+1) */
    uint32_t step = ((size - 1) >> (log - STEPS_LOG)) & (STEPS - 1);
    return LINEAR_CLASSES + (log - LINEAR_LOG) * STEPS + step;
}

static uint64_t class_size(uint32_t class)
{
    if (class < LINEAR_CLASSES) {
        return (uint64_t)(class + 1) * UNIT;
    }
    uint32_t log = LINEAR_LOG + (class - LINEAR_CLASSES) / STEPS;
    uint32_t step = (class - LINEAR_CLASSES) % STEPS;
    return (UINT64_C(1) << log) + ((uint64_t)(step + 1) << (log - STEPS_LOG));
}

uint32_t ps_heap_room(uint32_t size)
{
    uint64_t room = class_size(class_of(size));
    return room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
}

static heap_header *header_of(const ps_heap *heap)
{
    return (heap_header *)(void *)heap->region->data;
}

ps_code ps_heap_init(ps_heap *heap, ps_store *store, const char *name, ps_error *err)
{
    ps_heap made = {.store = store};
    ps_code code = ps_store_region(store, name, &made.region, err);
    void *header;
    if (code == PS_OK) {
        code = ps_store_extend(store, made.region, sizeof(heap_header), &header, err);
    }
    if (code == PS_OK) {
        *heap = made;
    }
    return code;
}

void ps_heap_clear(ps_heap *heap)
{
    ps_region_clear(heap->region);
    PS_ASSERT(ps_region_extend(heap->region, sizeof(heap_header)) != NULL);
}

ps_code ps_heap_take(ps_heap *heap, uint32_t size, uint32_t *out_ref, ps_error *err)
{
    uint32_t class = class_of(size);
    heap_header *header = header_of(heap);
    uint32_t ref = header->free_first[class];
    if (ref != 0) {
        uint32_t next = *(const uint32_t *)(const void *)ps_heap_at(heap, ref);
        ps_region_touch(heap->region, header, sizeof *header);
        header->free_first[class] = next;
        /* so that the taker needs no touch for what it fills in */
        ps_region_touch(heap->region, ps_heap_at(heap, ref), class_size(class));
        *out_ref = ref;
        return PS_OK;
    }
    void *block;
    ps_code code = ps_store_extend(heap->store, heap->region, class_size(class), &block, err);
    if (code == PS_OK) {
        *out_ref = (uint32_t)((uint64_t)((char *)block - heap->region->data) / UNIT);
    }
    return code;
}

void ps_heap_give(ps_heap *heap, uint32_t ref, uint32_t size)
{
    PS_ASSERT(ref != 0);
    uint32_t class = class_of(size);
    heap_header *header = header_of(heap);
    ps_region_touch(heap->region, header, sizeof *header);
    uint32_t *block = (uint32_t *)(void *)ps_heap_at(heap, ref);
    ps_region_touch(heap->region, block, sizeof *block);
    *block = header->free_first[class];
    header->free_first[class] = ref;
}
