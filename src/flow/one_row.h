/* A batch of one row that is set value by value: what programs and aggregators read of kept rows
 * and results. It points into itself: never copied. */
#ifndef PS_FLOW_ONE_ROW_H
#define PS_FLOW_ONE_ROW_H

#include "data/value.h"

typedef struct {
    ps_batch batch;
    uint64_t sequence;
    int64_t watermark;
    uint64_t *valid; /* a word per column */
} ps_one_row;

/* Columns of any classes; all NULL. In the arena. PS_E_MEMORY. */
PS_CHECKED ps_code ps_one_row_init(ps_one_row *one, ps_arena *arena, uint32_t column_count,
                                   ps_error *err);

/* Sets one value of a column that has room for it; a NULL row's value is zero or empty. Texts are
 * borrowed. */
static inline void ps_column_put(ps_column *column, uint32_t row, ps_phys phys, ps_value value)
{
    if (value.is_null) {
        ps_valid_clear(column->valid, row);
    } else {
        ps_valid_set(column->valid, row);
    }
    switch (phys) {
    case PS_PHYS_I64:
        column->i64[row] = value.is_null ? 0 : value.i64;
        break;
    case PS_PHYS_F64:
        column->f64[row] = value.is_null ? 0 : value.f64;
        break;
    case PS_PHYS_I128:
        column->i128[row] = value.is_null ? 0 : value.i128;
        break;
    case PS_PHYS_TEXT:
        column->text[row] = value.is_null ? PS_SLICE("") : value.text;
        break;
    }
}

static inline void ps_one_row_set(ps_one_row *one, uint32_t column, ps_phys phys, ps_value value)
{
    ps_column_put(&one->batch.columns[column], 0, phys, value);
}

#endif
