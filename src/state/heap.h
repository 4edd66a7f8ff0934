/* Heap: blocks of bytes in one region, for what has no fixed size: keys, rows, lists.
 * Size classes in steps of at most 25 %, freed blocks are reused by class; a reference is the
 * block's offset / 16 (0: none), so that 64 GiB can be reached by 32 bits. */
#ifndef PS_STATE_HEAP_H
#define PS_STATE_HEAP_H

#include "state/store.h"

typedef struct {
    ps_store *store;
    ps_region *region; /* first: the free lists' heads */
} ps_heap;

PS_CHECKED ps_code ps_heap_init(ps_heap *heap, ps_store *store, const char *name, ps_error *err);
/* `size` undefined bytes, aligned to 16. Addresses are stable. PS_E_LIMIT. */
PS_CHECKED ps_code ps_heap_take(ps_heap *heap, uint32_t size, uint32_t *out_ref, ps_error *err);
/* `size` as it was taken. */
void ps_heap_give(ps_heap *heap, uint32_t ref, uint32_t size);
/* All blocks are free again, memory is returned. Not while the region is frozen. */
void ps_heap_clear(ps_heap *heap);
/* What ps_heap_take really reserved for `size`: a list may grow into it. */
uint32_t ps_heap_room(uint32_t size);

static inline char *ps_heap_at(const ps_heap *heap, uint32_t ref)
{
    return heap->region->data + (uint64_t)ref * 16;
}
/* Before writing into a block that was taken earlier than now. */
static inline void ps_heap_touch(const ps_heap *heap, uint32_t ref, uint32_t size)
{
    ps_region_touch(heap->region, ps_heap_at(heap, ref), size);
}

#endif
