/* Sorted rows: per key a list of kept rows in the order of sort keys; equal rows in order of
 * arrival. The list is a block of references in a heap; its place is a ps_row_list in the
 * operator's table (zeroed: empty). */
#ifndef PS_FLOW_SORTED_ROWS_H
#define PS_FLOW_SORTED_ROWS_H

#include "flow/kept_rows.h"

typedef struct {
    uint32_t refs; /* block of u32 references; 0: none */
    uint32_t count;
    uint32_t capacity;
    uint32_t unused;
} ps_row_list;

typedef struct {
    ps_kept_rows rows;
    ps_heap lists;
    uint32_t sort_count;
    const ps_sort_key *sort;
    bool newest_first; /* equal rows: the last arrival comes first */
} ps_sorted_rows;

typedef struct {
    uint32_t header_size; /* of each kept row (kept_rows.h), a multiple of 8 */
    const ps_schema *schema;
    uint32_t sort_count;
    const ps_sort_key *sort; /* borrowed */
} ps_sorted_rows_options;

PS_CHECKED ps_code ps_sorted_rows_init(ps_sorted_rows *sorted, ps_store *store, ps_arena *arena,
                                       const ps_sorted_rows_options *options, ps_error *err);

static inline uint32_t ps_row_list_at(const ps_sorted_rows *sorted, const ps_row_list *list,
                                      uint32_t index)
{
    return ps_get_u32(ps_heap_at(&sorted->lists, list->refs) + (size_t)index * 4);
}

/* −1, 0, 1: two values of the key's column, in its order. */
int ps_sort_key_compare(const ps_sort_key *key, const ps_type *type, const ps_value *a,
                        const ps_value *b);

/* −1, 0, 1: a kept row against the batch's, by the sort keys. */
int ps_sorted_rows_compare(const ps_sorted_rows *sorted, uint32_t ref, const ps_batch *batch,
                           uint32_t row);

/* Where the row would go. */
uint32_t ps_row_list_place(const ps_sorted_rows *sorted, const ps_row_list *list,
                           const ps_batch *batch, uint32_t row);
/* Keeps the row at index `place` of the list. The list itself must have been touched. */
PS_CHECKED ps_code ps_row_list_insert(ps_sorted_rows *sorted, ps_row_list *list, uint32_t place,
                                      const ps_batch *batch, uint32_t row, ps_error *err);
/* Takes the reference out; the row stays kept. */
void ps_row_list_take(ps_sorted_rows *sorted, ps_row_list *list, uint32_t index);
/* The row that is equal in all columns; count when there is none. */
uint32_t ps_row_list_find(ps_sorted_rows *sorted, const ps_row_list *list, const ps_batch *batch,
                          uint32_t row);
/* The row that is equal in those columns; count when there is none. */
uint32_t ps_row_list_find_by(ps_sorted_rows *sorted, const ps_row_list *list, ps_columns columns,
                             const ps_batch *batch, uint32_t row);
/* Drops all rows and the block. */
void ps_row_list_clear(ps_sorted_rows *sorted, ps_row_list *list);

#endif
