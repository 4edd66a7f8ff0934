/* Join columns: rows of one side of a join, from anywhere (a row of the batch at hand, a kept row,
 * none), as columns of a batch. Texts are borrowed from where the rows are: the columns are valid
 * while those are. */
#ifndef PS_FLOW_JOIN_COLUMNS_H
#define PS_FLOW_JOIN_COLUMNS_H

#include "flow/kept_rows.h"

/* A row of one side: of a batch, or kept. */
typedef struct {
    const ps_batch *batch; /* NULL: the kept row */
    uint32_t row;
    const ps_kept_rows *rows;
    uint32_t ref;
} ps_join_row;

static inline ps_join_row ps_join_batch_row(const ps_batch *batch, uint32_t row)
{
    return (ps_join_row){.batch = batch, .row = row};
}
static inline ps_join_row ps_join_kept_row(const ps_kept_rows *rows, uint32_t ref)
{
    return (ps_join_row){.rows = rows, .ref = ref};
}

typedef struct {
    ps_row_layout layout; /* of kept rows */
    const ps_batch *batch;
    const char **codes;               /* per row; NULL: of the batch, or none */
    uint32_t *numbers;                /* per row: in the batch */
    uint32_t kept_count, batch_count; /* of the rows set */
    ps_column *columns;               /* to be filled */
    uint64_t *valid_words;
} ps_join_columns;

/* Fills `columns` (one per field of the schema; made room for here), PS_BATCH_ROWS rows. */
PS_CHECKED ps_code ps_join_columns_init(ps_join_columns *side, const ps_schema *schema,
                                        ps_column *columns, ps_arena *arena, ps_error *err);

/* The row with number `index` is this one; NULL: NULLs. Rows are set in order, from 0 on; those of
 * a batch must be of one batch. */
static inline void ps_join_columns_set(ps_join_columns *side, uint32_t index,
                                       const ps_join_row *row)
{
    side->codes[index] = NULL;
    side->numbers[index] = UINT32_MAX;
    if (row == NULL) {
        return;
    }
    if (row->batch != NULL) {
        PS_ASSERT(side->batch_count == 0 || side->batch == row->batch);
        side->batch = row->batch;
        side->numbers[index] = row->row;
        side->batch_count++;
        return;
    }
    side->codes[index] = ps_kept_row_code(row->rows, row->ref);
    side->kept_count++;
}
/* Begins anew with row 0. */
static inline void ps_join_columns_reset(ps_join_columns *side)
{
    side->kept_count = 0;
    side->batch_count = 0;
}
/* Keeps the rows of the selection, which ascends. */
void ps_join_columns_select(ps_join_columns *side, const uint32_t *selection, uint32_t count);
/* Rows 0 … count−1 into the columns; only those wanted (NULL: all). */
void ps_join_columns_fill(ps_join_columns *side, uint32_t count, const bool *wanted);

#endif
