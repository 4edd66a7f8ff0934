/* What the containers of this folder share with the store. */
#ifndef PS_STATE_STORE_INTERNAL_H
#define PS_STATE_STORE_INTERNAL_H

#include "state/store.h"

/* A region that somebody else has initialised and releases: counted, saved and restored with the
 * store's own. It is empty, or nearly. PS_E_LIMIT. */
PS_CHECKED ps_code ps_store_adopt(ps_store *store, ps_region *region, ps_error *err);

/* Counters for the text of the budget's error: how many keys a container holds. */
PS_CHECKED ps_code ps_store_count_keys_of(ps_store *store, const void *container,
                                          uint64_t (*count)(const void *container), ps_error *err);

/* The most bytes of one region: what the budget allows, at most 64 GiB. */
uint64_t ps_store_region_size_max(const ps_store *store);

/* Accounts for bytes that adopted regions have taken since. PS_E_LIMIT. */
PS_CHECKED ps_code ps_store_charge(ps_store *store, uint64_t size, ps_error *err);
/* Regions were cleared: gives their share of the budget back. */
void ps_store_uncharge(ps_store *store);

#endif
