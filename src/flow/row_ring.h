/* Row rings: per key the newest of its rows, oldest first, each as its time and a few of its
 * columns: what is needed of a row that has gone out already. A ring is one block in a heap; its
 * place is a ps_row_ring in the operator's table (zeroed: empty). It doubles when it is full and
 * becomes smaller when it has become nearly empty. */
#ifndef PS_FLOW_ROW_RING_H
#define PS_FLOW_ROW_RING_H

#include "data/row.h"
#include "flow/spec.h"
#include "state/heap.h"

typedef struct {
    uint32_t block; /* 0: none */
    uint32_t capacity;
    uint32_t first; /* place of the oldest record */
    uint32_t count;
} ps_row_ring;

typedef struct {
    ps_heap heap;
    ps_row_layout layout; /* of the columns kept: fields of a record's code */
    uint32_t record_size;
    ps_value *values; /* of one record */
} ps_row_rings;

/* The columns' types in the schema; at most 64 GiB of rings. PS_E_MEMORY. */
PS_CHECKED ps_code ps_row_rings_init(ps_row_rings *rings, ps_store *store, ps_arena *arena,
                                     const char *name, const ps_schema *schema, ps_columns columns,
                                     ps_error *err);

/* Adds the newest row; values[i] is column i of those kept. The ring itself (a table's value) must
 * have been touched, as for all that follow. PS_E_LIMIT. */
PS_CHECKED ps_code ps_row_ring_add(ps_row_rings *rings, ps_row_ring *ring, int64_t time,
                                   const ps_value *values, ps_error *err);
/* Only the newest `count` rows stay. */
PS_CHECKED ps_code ps_row_ring_keep(ps_row_rings *rings, ps_row_ring *ring, uint32_t count,
                                    ps_error *err);
void ps_row_ring_clear(ps_row_rings *rings, ps_row_ring *ring);

/* Row `index`, the oldest is 0. Values borrow until the ring is changed. */
int64_t ps_row_ring_time(const ps_row_rings *rings, const ps_row_ring *ring, uint32_t index);
ps_value ps_row_ring_value(const ps_row_rings *rings, const ps_row_ring *ring, uint32_t index,
                           uint32_t field);
/* Begins to fetch what adding a row and looking at the oldest one need. */
void ps_row_ring_prefetch(const ps_row_rings *rings, const ps_row_ring *ring);

#endif
