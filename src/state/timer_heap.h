/* Timer heap: a binary heap of timers in one region, ordered by (time, number of arrival). It never
 * gives memory back. Inside state only: timers.c keeps in it what is earlier than its wheels. */
#ifndef PS_STATE_TIMER_HEAP_H
#define PS_STATE_TIMER_HEAP_H

#include "state/store.h"

typedef struct {
    ps_store *store;
    ps_region *region;
} ps_timer_heap;

PS_CHECKED ps_code ps_timer_heap_init(ps_timer_heap *heap, ps_store *store, const char *name,
                                      ps_error *err);
PS_CHECKED ps_code ps_timer_heap_add(ps_timer_heap *heap, int64_t time, uint64_t payload,
                                     ps_error *err);
uint64_t ps_timer_heap_count(const ps_timer_heap *heap);
/* There must be one. */
int64_t ps_timer_heap_earliest(const ps_timer_heap *heap);
/* Removes the earliest. There must be one. */
void ps_timer_heap_take(ps_timer_heap *heap, int64_t *out_time, uint64_t *out_payload);

#endif
