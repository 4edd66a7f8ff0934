/* Table: keyed state: key bytes → a value of fixed size, with a number per entry.
 *
 * Entries are numbered from 0; the number stays while the entry is there and is reused after its
 * removal; value addresses are stable for the entry's life. Keys are row codes of a key layout
 * (data/row.h): equal keys have equal bytes. Fixed-size keys lie beside the value, others in a
 * heap.
 * Order of iteration is the numbers' (same operations, same order).
 */
#ifndef PS_STATE_TABLE_H
#define PS_STATE_TABLE_H

#include "base/bytes.h"
#include "state/heap.h"

#define PS_TABLE_NONE UINT32_MAX

typedef struct ps_table ps_table;

/* key_size 0: variable. Freed with the store. PS_E_LIMIT, PS_E_MEMORY. */
PS_CHECKED ps_code ps_table_new(ps_store *store, const char *name, uint32_t key_size,
                                uint32_t value_size, ps_table **out, ps_error *err);

uint64_t ps_table_hash(const void *key, size_t size);

/* PS_TABLE_NONE: not there. */
uint32_t ps_table_find(const ps_table *table, uint64_t hash, ps_slice key);
/* Finds or adds (value zeroed). PS_E_LIMIT. */
PS_CHECKED ps_code ps_table_put(ps_table *table, uint64_t hash, ps_slice key, uint32_t *out_entry,
                                bool *out_is_new, ps_error *err);
/* The same for `count` keys, with the memory of later ones fetched while earlier ones are done;
 * entries[i] for keys[i]; is_new[i] may be NULL. keys[i].data NULL: skipped, PS_TABLE_NONE. */
PS_CHECKED ps_code ps_table_put_all(ps_table *table, uint32_t count, const ps_slice *keys,
                                    uint32_t *out_entries, bool *out_is_new, ps_error *err);
void ps_table_remove(ps_table *table, uint32_t entry);
/* The same for many, with the memory of later ones fetched while earlier ones are done. */
void ps_table_remove_all(ps_table *table, uint32_t count, const uint32_t *entries);
void ps_table_clear(ps_table *table);
/* Begins to fetch an entry's memory. */
void ps_table_prefetch(const ps_table *table, uint32_t entry);

void *ps_table_value(const ps_table *table, uint32_t entry);
/* Before writing to the value; returns it. */
void *ps_table_touch(ps_table *table, uint32_t entry);
ps_slice ps_table_key(const ps_table *table, uint32_t entry);
uint32_t ps_table_count(const ps_table *table);

/* The first entry with a number ≥ from; PS_TABLE_NONE: none. Removing entries while walking is
 * fine. */
uint32_t ps_table_next(const ps_table *table, uint32_t from);

#endif
