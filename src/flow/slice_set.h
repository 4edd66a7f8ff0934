/* Slices: lists of panes by the slice's end, in order of arrival, with the ends in order of time.
 * A pane is an entry of the operator's pane table. */
#ifndef PS_FLOW_SLICE_SET_H
#define PS_FLOW_SLICE_SET_H

#include "state/heap.h"
#include "state/table.h"
#include "state/timers.h"

enum { PS_SLICE_CHUNK_PANES = 62 };

/* A block of a slice's list. */
typedef struct {
    uint32_t next; /* block; 0: none */
    uint32_t count;
    uint32_t panes[PS_SLICE_CHUNK_PANES];
} ps_slice_chunk;

typedef struct {
    ps_table *slices; /* end → first and last block */
    ps_heap chunks;
    ps_timers *ends; /* of slices whose time has not come */
} ps_slice_set;

PS_CHECKED ps_code ps_slice_set_open(ps_slice_set *set, ps_store *store, ps_error *err);
/* Adds a pane to the slice. A slice that is new gets a timer, if asked. */
PS_CHECKED ps_code ps_slice_set_add(ps_slice_set *set, int64_t end, uint32_t pane, bool with_timer,
                                    ps_error *err);
/* The earliest end whose timer was not taken; INT64_MAX: none. */
int64_t ps_slice_set_earliest(const ps_slice_set *set);
void ps_slice_set_pass(ps_slice_set *set, int64_t end);
/* First block of a slice; 0: there is none. */
uint32_t ps_slice_set_first(const ps_slice_set *set, int64_t end);
static inline const ps_slice_chunk *ps_slice_set_chunk(const ps_slice_set *set, uint32_t ref)
{
    return (const ps_slice_chunk *)(const void *)ps_heap_at(&set->chunks, ref);
}
/* Forgets the slice; its panes are the caller's. */
void ps_slice_set_remove(ps_slice_set *set, int64_t end);

#endif
