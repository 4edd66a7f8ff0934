/* Kept rows: whole rows of an operator's input in its state, as row codes in a heap. A block is a
 * header of the caller's (fixed size, first field at offset 0), u32 size of the code, the code. */
#ifndef PS_FLOW_KEPT_ROWS_H
#define PS_FLOW_KEPT_ROWS_H

#include "data/row.h"
#include "flow/outlet.h"
#include "flow/spec.h"
#include "state/heap.h"

typedef struct {
    ps_row_layout layout;
    ps_heap heap;
    uint32_t header_size; /* a multiple of 8 */
    uint32_t column_count;
    const ps_column **pointers;
    const ps_type *const *types;
} ps_kept_rows;

PS_CHECKED ps_code ps_kept_rows_init(ps_kept_rows *rows, ps_store *store, ps_arena *arena,
                                     const char *name, uint32_t header_size,
                                     const ps_schema *schema, ps_error *err);

/* Keeps row `row` of the batch; the header is zeroed. PS_E_LIMIT. */
PS_CHECKED ps_code ps_kept_rows_add(ps_kept_rows *rows, const ps_batch *batch, uint32_t row,
                                    uint32_t *out_ref, ps_error *err);
/* A header alone, zeroed: a row without columns. */
PS_CHECKED ps_code ps_kept_rows_add_header(ps_kept_rows *rows, uint32_t *out_ref, ps_error *err);
void ps_kept_rows_drop(ps_kept_rows *rows, uint32_t ref);

static inline void *ps_kept_row_header(const ps_kept_rows *rows, uint32_t ref)
{
    return ps_heap_at(&rows->heap, ref);
}
/* Before writing to the header of a row that was kept earlier. */
static inline void *ps_kept_row_touch(ps_kept_rows *rows, uint32_t ref)
{
    ps_heap_touch(&rows->heap, ref, rows->header_size);
    return ps_heap_at(&rows->heap, ref);
}
static inline const char *ps_kept_row_code(const ps_kept_rows *rows, uint32_t ref)
{
    return ps_heap_at(&rows->heap, ref) + rows->header_size + 8;
}
static inline uint32_t ps_kept_row_size(const ps_kept_rows *rows, uint32_t ref)
{
    return ps_get_u32(ps_heap_at(&rows->heap, ref) + rows->header_size);
}
ps_value ps_kept_row_get(const ps_kept_rows *rows, uint32_t ref, uint32_t column);

/* The row is equal to the batch's in every column (NULL equal to NULL). */
bool ps_kept_row_equals(ps_kept_rows *rows, uint32_t ref, const ps_batch *batch, uint32_t row);

/* Sets columns first_column … of the row that the outlet has begun. */
PS_CHECKED ps_code ps_kept_row_emit(const ps_kept_rows *rows, uint32_t ref, ps_outlet *outlet,
                                    uint32_t first_column, ps_error *err);
/* A whole output row of that kind: the kept row alone. */
PS_CHECKED ps_code ps_kept_row_send(const ps_kept_rows *rows, uint32_t ref, ps_outlet *outlet,
                                    uint8_t kind, ps_error *err);
/* The same from a batch's row. */
PS_CHECKED ps_code ps_batch_row_emit(const ps_batch *batch, uint32_t row, ps_outlet *outlet,
                                     uint32_t first_column, ps_error *err);

#endif
