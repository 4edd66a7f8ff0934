#include "state/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "state/store_internal.h"

/* A binary heap in one region, ordered by (time, number of arrival); it never gives memory back. */
typedef struct {
    uint64_t count;
    uint64_t next_number;
} timers_header;

typedef struct {
    int64_t time;
    uint64_t number;
    uint64_t payload;
} timer;
static_assert(sizeof(timer) == 24 && sizeof(timers_header) == 16, "no padding");

struct ps_timers {
    ps_store *store;
    ps_region *region;
};

static timers_header *header_of(const ps_timers *timers)
{
    return (timers_header *)(void *)timers->region->data;
}

static timer *timer_at(const ps_timers *timers, uint64_t index)
{
    return (timer *)(void *)(timers->region->data + sizeof(timers_header)) + index;
}

/* Without a branch: in a heap the outcome cannot be predicted. */
static bool is_before(const timer *a, const timer *b)
{
    return (a->time < b->time) | ((a->time == b->time) & (a->number < b->number));
}

ps_code ps_timers_new(ps_store *store, const char *name, ps_timers **out, ps_error *err)
{
    ps_timers *timers = calloc(1, sizeof *timers);
    if (timers == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for timers of %s", ps_store_name(store));
    }
    ps_code code = ps_store_attach(store, timers, free, err);
    if (code != PS_OK) {
        return code;
    }
    timers->store = store;
    code = ps_store_region(store, name, &timers->region, err);
    void *header;
    if (code == PS_OK) {
        code = ps_store_extend(store, timers->region, sizeof(timers_header), &header, err);
    }
    if (code == PS_OK) {
        *out = timers;
    }
    return code;
}

static void put(ps_timers *timers, uint64_t index, timer value)
{
    timer *at = timer_at(timers, index);
    ps_region_touch(timers->region, at, sizeof *at);
    *at = value;
}

/* Puts the timer where it belongs between the hole at `index` and the root. */
static void settle(ps_timers *timers, uint64_t index, timer value)
{
    while (index > 0) {
        uint64_t parent = (index - 1) / 2;
        if (!is_before(&value, timer_at(timers, parent))) {
            break;
        }
        put(timers, index, *timer_at(timers, parent));
        index = parent;
    }
    put(timers, index, value);
}

/* Moves the hole at the root down to a leaf; what fills it comes from the end of the heap and so
 * belongs far down: comparing it on the way would be in vain (I. Wegener, bottom-up heapsort,
 * 1993). */
static uint64_t hole_to_leaf(ps_timers *timers, uint64_t count)
{
    uint64_t index = 0;
    for (uint64_t child = 1; child < count; child = 2 * index + 1) {
        const timer *left = timer_at(timers, child), *below = timer_at(timers, 2 * child + 1);
        __builtin_prefetch(below); /* one of the four is next, and the heap may exceed the cache */
        __builtin_prefetch(below + 3);
        child += child + 1 < count ? is_before(left + 1, left) : 0;
        put(timers, index, *timer_at(timers, child));
        index = child;
    }
    return index;
}

ps_code ps_timers_add(ps_timers *timers, int64_t time, uint64_t payload, ps_error *err)
{
    timers_header *header = header_of(timers);
    uint64_t index = header->count;
    if (sizeof(timers_header) + (index + 1) * sizeof(timer) > timers->region->size) {
        void *at;
        ps_code code = ps_store_extend(timers->store, timers->region, sizeof(timer), &at, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_region_touch(timers->region, header, sizeof *header);
    header->count++;
    settle(timers, index, (timer){time, header->next_number++, payload});
    return PS_OK;
}

int64_t ps_timers_earliest(const ps_timers *timers)
{
    return header_of(timers)->count > 0 ? timer_at(timers, 0)->time : INT64_MAX;
}

bool ps_timers_take(ps_timers *timers, int64_t until, int64_t *out_time, uint64_t *out_payload)
{
    timers_header *header = header_of(timers);
    if (header->count == 0 || timer_at(timers, 0)->time > until) {
        return false;
    }
    *out_time = timer_at(timers, 0)->time;
    *out_payload = timer_at(timers, 0)->payload;
    ps_region_touch(timers->region, header, sizeof *header);
    uint64_t count = --header->count;
    timer moved = *timer_at(timers, count);
    put(timers, count, (timer){0}); /* equal contents have equal bytes */
    if (count > 0) {
        settle(timers, hole_to_leaf(timers, count), moved);
    }
    return true;
}

uint64_t ps_timers_count(const ps_timers *timers)
{
    return header_of(timers)->count;
}
