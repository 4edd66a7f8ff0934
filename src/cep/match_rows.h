/* Match rows: the rows of the input that wait for the watermark or that runs refer to, in the
 * store, counted by reference. Of a row only the columns that somebody will look at are kept, of a
 * row that no condition holds for often none.
 *
 * A block is a ps_cep_row, the bits of the conditions (row_scan.h), the bytes of its key (filled up
 * to 8), and the row code of the kept columns. */
#ifndef PS_CEP_MATCH_ROWS_H
#define PS_CEP_MATCH_ROWS_H

#include "data/row.h"
#include "state/heap.h"

typedef struct {
    int64_t time; /* ms */
    /* In the order in which rows were matched; with the time: its identity. Until it is matched:
     * the hash of its key. */
    uint64_t number;
    uint32_t refs; /* of nodes, and of who waits for it */
    uint32_t size; /* of the block */
    uint32_t key_size;
    uint32_t code; /* offset of the row code; 0: no columns were kept */
    uint32_t next; /* of those of one time that wait for the watermark */
    uint32_t unused;
} ps_cep_row;

typedef struct {
    ps_heap heap;
    ps_row_layout layout; /* of the kept columns */
    uint32_t column_count;
    const uint32_t *columns; /* kept column → column of the input */
    const uint32_t *places;  /* column of the input → kept column, or PS_NO_COLUMN */
    const ps_column **pointers;
    uint32_t mask_words;
} ps_match_rows;

/* keeps: per column of the schema. PS_E_MEMORY. */
PS_CHECKED ps_code ps_match_rows_init(ps_match_rows *rows, ps_store *store, ps_arena *arena,
                                      const ps_schema *schema, const bool *keeps, ps_error *err);

/* What is kept of a row; mask_words and all else must be set by then. */
typedef struct {
    const ps_batch *batch;
    uint32_t row;
    int64_t time;
    const uint64_t *mask;
    ps_slice key;
    bool keeps_columns;
} ps_match_row_source;

/* With one reference. PS_E_LIMIT. */
PS_CHECKED ps_code ps_match_rows_add(ps_match_rows *rows, const ps_match_row_source *source,
                                     uint32_t *out_ref, ps_error *err);
/* Gives one reference back. */
void ps_match_row_drop(ps_match_rows *rows, uint32_t ref);

static inline ps_cep_row *ps_cep_row_at(const ps_match_rows *rows, uint32_t ref)
{
    return (ps_cep_row *)(void *)ps_heap_at(&rows->heap, ref);
}
/* Before writing to it. */
static inline ps_cep_row *ps_cep_row_touch(ps_match_rows *rows, uint32_t ref)
{
    ps_heap_touch(&rows->heap, ref, sizeof(ps_cep_row));
    return ps_cep_row_at(rows, ref);
}
static inline const uint64_t *ps_cep_row_mask(const ps_match_rows *rows, uint32_t ref)
{
    return (const uint64_t *)(const void *)(ps_cep_row_at(rows, ref) + 1);
}
static inline ps_slice ps_cep_row_key(const ps_match_rows *rows, uint32_t ref)
{
    const ps_cep_row *row = ps_cep_row_at(rows, ref);
    const char *key = (const char *)(row + 1) + (size_t)rows->mask_words * sizeof(uint64_t);
    return ps_slice_of(key, row->key_size);
}
/* A column of the input, which must be one of those kept. Text borrows. */
ps_value ps_match_row_get(const ps_match_rows *rows, uint32_t ref, uint32_t column);

#endif
