/* Arena: many small allocations that end together.
 *
 * For what lives as long as one script, one plan or one batch: nothing is freed by itself; reset
 * keeps the memory for the next use, release gives it back. Blocks never move. Memory is zeroed
 * but for texts that are written at once.
 * A declared maximum bounds it: hostile input ends in PS_E_LIMIT at the caller, not in swap.
 * Threads: the owner's only.
 */
#ifndef PS_BASE_ARENA_H
#define PS_BASE_ARENA_H

#include "base/error.h"

typedef struct ps_arena_block ps_arena_block;

typedef struct {
    ps_arena_block *first, *current; /* chain of blocks, in order of use */
    size_t used, size;               /* of the current block's payload */
    size_t total, total_max;         /* bytes taken from the system; declared limit */
} ps_arena;

void ps_arena_init(ps_arena *arena, size_t total_max);
/* Forgets what was allocated; keeps the blocks. */
void ps_arena_reset(ps_arena *arena);
void ps_arena_release(ps_arena *arena);

/* `size` zeroed bytes aligned to 16; NULL when the limit is reached or the system has none.
 * size 0 gives a valid, unique pointer. */
PS_CHECKED void *ps_arena_take(ps_arena *arena, size_t size);
/* The same with whatever stood there: for bytes that are written before they are read. */
PS_CHECKED void *ps_arena_take_undefined(ps_arena *arena, size_t size);
/* A copy of `size` bytes with a NUL behind them; NULL as above. */
PS_CHECKED char *ps_arena_copy(ps_arena *arena, const char *data, size_t size);
/* printf into the arena; NULL as above. */
PS_CHECKED char *ps_arena_print(ps_arena *arena, const char *format, ...) PS_PRINTF(2, 3);

#endif
