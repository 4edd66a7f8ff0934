/* Store: all state of one operator: regions (base/region.h) of fixed-width structures linked by
 * numbers, never pointers.
 *
 * So a checkpoint of any operator is its regions' bytes (copy on write while it is written), and a
 * restore is reading them back: no operator has code for either. Whatever an operator must remember
 * lies in tables, heaps, timers or its root; what can be recomputed from them may be cached outside
 * and is rebuilt in `restored`. Same operations, same bytes.
 *
 * Every write into used memory is preceded by ps_region_touch (the containers do that for their own
 * structures and offer touch calls for what the caller writes).
 *
 * Budget: regions of one job draw on one ps_budget; beyond it extends fail with PS_E_LIMIT, and the
 * text names the operator and its number of keys. Threads: the lane that owns the operator.
 */
#ifndef PS_STATE_STORE_H
#define PS_STATE_STORE_H

#include <stdatomic.h>

#include "base/region.h"

typedef struct {
    uint64_t size_max;     /* bytes; paystream.memory.size */
    _Atomic uint64_t size; /* bytes in use of all stores of the job */
} ps_budget;

enum { PS_STORE_REGIONS_MAX = 48 };

typedef struct ps_store ps_store;

/* `name` is the operator's ("GroupAggregate(3)"), copied. Borrows budget. */
PS_CHECKED ps_code ps_store_new(const char *name, ps_budget *budget, ps_store **out, ps_error *err);
void ps_store_free(ps_store *store);

/* A region of the store, empty, freed with it. Regions are numbered in the order in which an
 * operator opens them, which must be the same each time. PS_E_LIMIT: more than
 * PS_STORE_REGIONS_MAX; PS_E_MEMORY. */
PS_CHECKED ps_code ps_store_region(ps_store *store, const char *name, ps_region **out,
                                   ps_error *err);
/* `size` zeroed bytes for an operator's few scalars; at the same address for the store's life.
 * Call ps_store_touch_root before writing. Once per store. */
PS_CHECKED ps_code ps_store_root(ps_store *store, uint32_t size, void **out, ps_error *err);
void ps_store_touch_root(ps_store *store);

/* Memory that is no state but ends with the store; released in reverse order. PS_E_MEMORY: `thing`
 * is released at once. */
PS_CHECKED ps_code ps_store_attach(ps_store *store, void *thing, void (*release)(void *thing),
                                   ps_error *err);

/* As ps_region_extend, against the budget. PS_E_LIMIT, with the operator's name. */
PS_CHECKED ps_code ps_store_extend(ps_store *store, ps_region *region, uint64_t size, void **out,
                                   ps_error *err);

/* For checkpoints, metrics and explain. */
uint32_t ps_store_region_count(const ps_store *store);
ps_region *ps_store_region_at(ps_store *store, uint32_t index);
uint64_t ps_store_size(const ps_store *store); /* bytes in use */
const char *ps_store_name(const ps_store *store);

#endif
