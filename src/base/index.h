/* Index: from a 64-bit hash to 32-bit element numbers; linear hashing (W. Litwin, "Linear Hashing",
 * VLDB 1980).
 *
 * Grows one 64-byte bucket at a time, so that there is no rehash pause and memory follows the
 * number of keys (13 to 15 bytes a key). It does not shrink but by clear.
 * Lives in two regions (main buckets; header and overflow buckets) which snapshot and hash with the
 * rest of the state, and is deterministic: equal operation sequences give equal bytes.
 * It stores the low 32 bits of the hash as a tag, and the element number; the caller tells equal
 * keys apart. Element numbers are 0 … 2^32−2. Equal hashes chain: hash client-chosen keys with
 * ps_hash_keyed. Threads: the owner's only.
 */
#ifndef PS_BASE_INDEX_H
#define PS_BASE_INDEX_H

#include "base/region.h"

enum { PS_INDEX_NAME_MAX = 48 };

typedef struct {
    ps_region buckets;  /* main buckets, by bucket number */
    ps_region overflow; /* block 0: header; then overflow buckets */
    uint64_t key_count_max;
    char overflow_name[PS_INDEX_NAME_MAX]; /* lent to overflow.name: a ps_index does not move */
} ps_index;

/* The regions to save and load, always in the same order. Returns their number: 2. */
uint32_t ps_index_regions(ps_index *index, ps_region *out_regions[2]);

typedef struct {
    uint64_t bucket;
    uint32_t slot;
    uint32_t tag;
} ps_index_cursor;

#define PS_INDEX_NONE UINT32_MAX

PS_CHECKED ps_code ps_index_init(ps_index *index, const char *name, uint64_t key_count_max,
                                 ps_error *err);
void ps_index_release(ps_index *index);
/* Empties the index and makes it usable; needed once after init, unless a snapshot is loaded into
 * the (then empty) regions. Not while frozen. */
void ps_index_clear(ps_index *index);

/* Candidates for `hash`, one after the other: PS_INDEX_NONE ends. The caller compares the element's
 * key. Adding or removing ends the walk.
 *     for (uint32_t i = ps_index_first(index, hash, &cursor); i != PS_INDEX_NONE;
 *          i = ps_index_next(index, &cursor)) */
uint32_t ps_index_first(const ps_index *index, uint64_t hash, ps_index_cursor *out_cursor);
uint32_t ps_index_next(const ps_index *index, ps_index_cursor *cursor);

/* Begins to fetch the memory where a search for `hash` begins; changes nothing. Worth it when other
 * work of some 100 ns comes before the search. */
void ps_index_prefetch(const ps_index *index, uint64_t hash);

/* Adds (hash → element); the caller has made sure that it is not there. False: full. */
PS_CHECKED bool ps_index_add(ps_index *index, uint64_t hash, uint32_t element);
/* Removes that pair; it must be there. */
void ps_index_remove(ps_index *index, uint64_t hash, uint32_t element);
uint64_t ps_index_count(const ps_index *index);

#endif
