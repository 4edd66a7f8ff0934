/* One value outside of a batch: constants, rows of the row-level faces, results of one-row calls.
 * The type is known beside it; text borrows. */
#ifndef PS_DATA_VALUE_H
#define PS_DATA_VALUE_H

#include "data/batch.h"

typedef struct {
    bool is_null;
    union {
        int64_t i64;
        double f64;
        ps_i128 i128;
        ps_slice text;
    };
} ps_value;

/* Text borrows from the batch. */
static inline ps_value ps_column_value(const ps_column *column, ps_phys phys, uint32_t row)
{
    ps_value value = {.is_null = ps_column_is_null(column, row)};
    if (value.is_null) {
        return value;
    }
    switch (phys) {
    case PS_PHYS_I64:
        value.i64 = column->i64[row];
        break;
    case PS_PHYS_F64:
        value.f64 = column->f64[row];
        break;
    case PS_PHYS_I128:
        value.i128 = column->i128[row];
        break;
    case PS_PHYS_TEXT:
        value.text = column->text[row];
        break;
    }
    return value;
}

/* Sets one value of the row that the builder has begun. */
PS_CHECKED ps_code ps_batch_builder_set(ps_batch_builder *builder, uint32_t column, ps_value value,
                                        ps_error *err);

/* −1, 0, 1 by the type's order (SEMANTICS §3.6): NULL lowest and equal to NULL; numbers by value,
 * −0.0 equal to 0.0, NaN above all and equal to NaN; text and bytes as unsigned bytes; ROW and
 * ARRAY element by element, shorter first. */
int ps_value_compare(const ps_type *type, const ps_value *a, const ps_value *b);

/* ── text forms ── */

typedef enum {
    PS_FORM_JSON, /* CONTRACT §1: numbers exact, times and BYTES (base64) as strings, ROW objects */
    PS_FORM_PLAIN, /* what CAST AS STRING gives in Flink; CSV and table output */
    PS_FORM_FLINK  /* Java's toString as the conformance files have it: 5.0, 2020-10-10T00:00 */
} ps_form;

/* Appends the text; NULL is `null` (JSON, FLINK) or `NULL` (PLAIN). TIMESTAMP_LTZ is printed in
 * UTC, in PLAIN without a Z: who has a session zone shifts the ticks before. BYTES in PLAIN are
 * text, what is not UTF-8 in them U+FFFD. Intervals: numbers, in PLAIN "+1-02" and "+0
 * 00:00:01.000". */
void ps_value_print(const ps_type *type, const ps_value *value, ps_form form, ps_buf *out);

#endif
