#include "state/timer_heap.h"

#include <assert.h>

typedef struct {
    uint64_t count;
    uint64_t next_number;
} heap_header;

typedef struct {
    int64_t time;
    uint64_t number;
    uint64_t payload;
} timer;
static_assert(sizeof(timer) == 24 && sizeof(heap_header) == 16, "no padding");

static heap_header *header_of(const ps_timer_heap *heap)
{
    return (heap_header *)(void *)heap->region->data;
}

static timer *timer_at(const ps_timer_heap *heap, uint64_t index)
{
    return (timer *)(void *)(heap->region->data + sizeof(heap_header)) + index;
}

/* Without a branch: in a heap the outcome cannot be predicted. */
static bool is_before(const timer *a, const timer *b)
{
    return (a->time < b->time) | ((a->time == b->time) & (a->number < b->number));
}

ps_code ps_timer_heap_init(ps_timer_heap *heap, ps_store *store, const char *name, ps_error *err)
{
    *heap = (ps_timer_heap){.store = store};
    ps_code code = ps_store_region(store, name, &heap->region, err);
    void *header;
    return code == PS_OK ? ps_store_extend(store, heap->region, sizeof(heap_header), &header, err)
                         : code;
}

static void put(ps_timer_heap *heap, uint64_t index, timer value)
{
    timer *at = timer_at(heap, index);
    ps_region_touch(heap->region, at, sizeof *at);
    *at = value;
}

/* Puts the timer where it belongs between the hole at `index` and the root. */
static void settle(ps_timer_heap *heap, uint64_t index, timer value)
{
    while (index > 0) {
        uint64_t parent = (index - 1) / 2;
        if (!is_before(&value, timer_at(heap, parent))) {
            break;
        }
        put(heap, index, *timer_at(heap, parent));
        index = parent;
    }
    put(heap, index, value);
}

/* Moves the hole at the root down to a leaf; what fills it comes from the end of the heap and so
 * belongs far down: comparing it on the way would be in vain (I. Wegener, bottom-up heapsort,
 * 1993). */
static uint64_t hole_to_leaf(ps_timer_heap *heap, uint64_t count)
{
    uint64_t index = 0;
    for (uint64_t child = 1; child < count; child = 2 * index + 1) {
        const timer *left = timer_at(heap, child), *below = timer_at(heap, 2 * child + 1);
        __builtin_prefetch(below); /* one of the four is next, and the heap may exceed the cache */
        __builtin_prefetch(below + 3);
        child += child + 1 < count ? is_before(left + 1, left) : 0;
        put(heap, index, *timer_at(heap, child));
        index = child;
    }
    return index;
}

ps_code ps_timer_heap_add(ps_timer_heap *heap, int64_t time, uint64_t payload, ps_error *err)
{
    heap_header *header = header_of(heap);
    uint64_t index = header->count;
    if (sizeof(heap_header) + (index + 1) * sizeof(timer) > heap->region->size) {
        void *at;
        ps_code code = ps_store_extend(heap->store, heap->region, sizeof(timer), &at, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_region_touch(heap->region, header, sizeof *header);
    header->count++;
    settle(heap, index, (timer){time, header->next_number++, payload});
    return PS_OK;
}

uint64_t ps_timer_heap_count(const ps_timer_heap *heap)
{
    return header_of(heap)->count;
}

int64_t ps_timer_heap_earliest(const ps_timer_heap *heap)
{
    PS_ASSERT(header_of(heap)->count > 0);
    return timer_at(heap, 0)->time;
}

void ps_timer_heap_take(ps_timer_heap *heap, int64_t *out_time, uint64_t *out_payload)
{
    heap_header *header = header_of(heap);
    PS_ASSERT(header->count > 0);
    *out_time = timer_at(heap, 0)->time;
    *out_payload = timer_at(heap, 0)->payload;
    ps_region_touch(heap->region, header, sizeof *header);
    uint64_t count = --header->count;
    timer moved = *timer_at(heap, count);
    put(heap, count, (timer){0}); /* equal contents have equal bytes */
    if (count > 0) {
        settle(heap, hole_to_leaf(heap, count), moved);
    }
}
