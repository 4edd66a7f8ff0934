/* Regions: state in flat, reserved memory, with copy-on-write snapshots in slices.
 *
 * A region is one table of the core's state: address space for its declared maximum is reserved at
 * init, memory is used as it fills, elements never move, new memory reads as zeros. All state is
 * regions of fixed-width structures linked by indices, never pointers: a snapshot is the regions'
 * bytes, and a state hash is the hash of them.
 *
 * Snapshot protocol (one at a time per region set, all calls on the owner's thread unless said
 * otherwise):
 *   ps_region_freeze      marks the state of this instant as the one to be saved; O(1) per region
 *   ps_region_touch       must precede every write into used memory; saves a chunk that is still
 *   owed (a copy of each 4 KiB page it meets)
 *   ps_region_next_chunk  hands out the next owed chunk (a copy), to be written by any thread;
 *   false when all are out
 *   ps_region_thaw        ends the snapshot, drops what is still owed
 * Appending (ps_region_extend) needs no touch for the new bytes: they lie beyond the frozen size.
 * The structs must have no padding with undefined bytes: extend zeroes, and writers assign fields.
 */
#ifndef PS_BASE_REGION_H
#define PS_BASE_REGION_H

#include <stdatomic.h>

#include "base/error.h"

enum { PS_REGION_CHUNK = 65536 };

typedef struct {
    char *data;        /* base address, page-aligned; fixed from init to release */
    uint64_t size;     /* bytes in use */
    uint64_t size_max; /* declared limit in bytes */
    const char *name;  /* for errors, snapshots and metrics; static storage */
    /* what to raise when size_max is too small, e.g. "limits.payments=1000"; lent by the owner, set
     * after init; NULL: size_max is fixed */
    const char *declared_by;
    _Atomic uint64_t used_hint; /* size as of a while ago, for populate */
    uint64_t small_until;       /* ordinary pages up to this size; 0: huge ones from the start */
    bool is_small;              /* so far */
    /* populate's own: present up to here; size at its last call; most growth between two calls */
    uint64_t populated, populate_used, populate_growth;
    /* snapshot in progress */
    bool frozen;
    uint64_t frozen_size; /* size at freeze */
    uint64_t next_chunk;  /* chunks below are out */
    /* reserved beside data: chunks that touch copied aside, at their own offsets */
    char *shadow;
    uint64_t *copied_bits; /* one bit per page: its frozen bytes are in the shadow */
} ps_region;

/* Reserves size_max bytes (rounded up to a chunk). PS_E_MEMORY when the address space is not to be
 * had. */
PS_CHECKED ps_code ps_region_init(ps_region *region, const char *name, uint64_t size_max,
                                  ps_error *err);
void ps_region_release(ps_region *region);

/* `size` more bytes, zeroed, at the end; NULL when the declared limit is reached (state untouched).
 * */
PS_CHECKED void *ps_region_extend(ps_region *region, uint64_t size);
/* For tables that mostly stay small, of which there are many: a large reservation gets ordinary
 * pages up to 8 MiB and huge ones beyond. Right after init. */
void ps_region_start_small(ps_region *region);
/* PS_E_LIMIT, for stored data that this region cannot take: says which setting to raise. */
ps_code ps_region_too_small(const ps_region *region, ps_error *err);
/* Any one thread: makes the memory that the next extends will use present, so that the owner does
 * not wait for the kernel's zeros. Large tables only. True: there was something to do. */
bool ps_region_populate(ps_region *region);
/* Back to empty, memory returned. Not while frozen. */
void ps_region_clear(ps_region *region);

void ps_region_freeze(ps_region *region);
void ps_region_touch_slow(ps_region *region, uint64_t offset, uint64_t size);
static inline void ps_region_touch(ps_region *region, const void *at, uint64_t size)
{
    if (__builtin_expect(region->frozen, 0)) {
        ps_region_touch_slow(region, (uint64_t)((const char *)at - region->data), size);
    }
}

/* Copies the next owed chunk of the frozen state into out; *out_offset and *out_size (≤
 * PS_REGION_CHUNK) say which. False: none left. */
PS_CHECKED bool ps_region_next_chunk(ps_region *region, char out[PS_REGION_CHUNK],
                                     uint64_t *out_offset, uint32_t *out_size);
void ps_region_thaw(ps_region *region);

#endif
