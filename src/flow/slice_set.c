#include "flow/slice_set.h"

typedef struct {
    uint32_t first, last; /* blocks */
} slice;

ps_code ps_slice_set_open(ps_slice_set *set, ps_store *store, ps_error *err)
{
    ps_code code = ps_table_new(store, "slices", sizeof(int64_t), sizeof(slice), &set->slices, err);
    if (code == PS_OK) {
        code = ps_heap_init(&set->chunks, store, "slice_panes", err);
    }
    if (code == PS_OK) {
        code = ps_timers_new(store, "slice_ends", &set->ends, err);
    }
    return code;
}

static ps_code append_chunk(ps_slice_set *set, slice *to, ps_error *err)
{
    uint32_t ref;
    ps_code code = ps_heap_take(&set->chunks, sizeof(ps_slice_chunk), &ref, err);
    if (code != PS_OK) {
        return code;
    }
    memset(ps_heap_at(&set->chunks, ref), 0, sizeof(ps_slice_chunk));
    if (to->last != 0) {
        ps_heap_touch(&set->chunks, to->last, sizeof(uint32_t));
        ((ps_slice_chunk *)(void *)ps_heap_at(&set->chunks, to->last))->next = ref;
    } else {
        to->first = ref;
    }
    to->last = ref;
    return PS_OK;
}

ps_code ps_slice_set_add(ps_slice_set *set, int64_t end, uint32_t pane, bool with_timer,
                         ps_error *err)
{
    uint32_t entry;
    bool is_new;
    ps_code code = ps_table_put(set->slices, ps_table_hash(&end, sizeof end),
                                ps_slice_of(&end, sizeof end), &entry, &is_new, err);
    if (code == PS_OK && is_new && with_timer) {
        code = ps_timers_add(set->ends, end, 0, err);
    }
    if (code != PS_OK) {
        return code;
    }
    slice *to = ps_table_touch(set->slices, entry);
    if (to->last == 0 || ps_slice_set_chunk(set, to->last)->count == PS_SLICE_CHUNK_PANES) {
        code = append_chunk(set, to, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_heap_touch(&set->chunks, to->last, sizeof(ps_slice_chunk));
    ps_slice_chunk *chunk = (ps_slice_chunk *)(void *)ps_heap_at(&set->chunks, to->last);
    chunk->panes[chunk->count++] = pane;
    return PS_OK;
}

int64_t ps_slice_set_earliest(const ps_slice_set *set)
{
    return ps_timers_earliest(set->ends);
}

void ps_slice_set_pass(ps_slice_set *set, int64_t end)
{
    int64_t time;
    uint64_t payload;
    while (ps_timers_take(set->ends, end, &time, &payload)) {
    }
}

static uint32_t find(const ps_slice_set *set, int64_t end)
{
    return ps_table_find(set->slices, ps_table_hash(&end, sizeof end),
                         ps_slice_of(&end, sizeof end));
}

uint32_t ps_slice_set_first(const ps_slice_set *set, int64_t end)
{
    uint32_t entry = find(set, end);
    return entry != PS_TABLE_NONE ? ((const slice *)ps_table_value(set->slices, entry))->first : 0;
}

void ps_slice_set_remove(ps_slice_set *set, int64_t end)
{
    uint32_t entry = find(set, end);
    if (entry == PS_TABLE_NONE) {
        return;
    }
    uint32_t ref = ((const slice *)ps_table_value(set->slices, entry))->first;
    while (ref != 0) {
        uint32_t next = ps_slice_set_chunk(set, ref)->next;
        ps_heap_give(&set->chunks, ref, sizeof(ps_slice_chunk));
        ref = next;
    }
    ps_table_remove(set->slices, entry);
}
