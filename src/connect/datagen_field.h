/* Datagen field: how one column of a datagen table is made. A value is a function of (seed, number
 * of the row, column) alone, so that a position is a row number and any row can be made again.
 * Inside connect only. */
#ifndef PS_CONNECT_DATAGEN_FIELD_H
#define PS_CONNECT_DATAGEN_FIELD_H

#include "data/value.h"
#include "flow/connector.h"

typedef struct {
    const ps_type *type;
    ps_phys phys;
    bool is_sequence;
    int64_t start, end; /* SEQUENCE */
    ps_i128 min, max;   /* numbers of class I64 and I128, unscaled */
    double min_f64, max_f64;
    uint32_t length;     /* characters or bytes */
    bool has_var_length; /* 1 … length */
    int64_t past_max_ms; /* timestamps lie so far back at most */
    double null_rate;    /* 0 … 1 */
} ps_datagen_field;

/* The field of physical column `column`, by the table's options "fields.<name>.<attribute>".
 * PS_E_INVALID; PS_E_UNSUPPORTED: ROW, ARRAY, MAP. */
PS_CHECKED ps_code ps_datagen_field_read(const ps_table_info *table, uint32_t column,
                                         ps_datagen_field *out, ps_error *err);

/* Names the attribute of "fields.<name>.<attribute>" must be one of for this type; ends with NULL.
 */
const char *const *ps_datagen_attributes(const ps_type *type);

/* Rows that a sequence has; UINT64_MAX for a random field. */
uint64_t ps_datagen_field_row_max(const ps_datagen_field *field);

typedef struct {
    uint64_t seed;
    uint64_t number; /* of the row, from 0 */
    int64_t time_ms; /* of the row */
} ps_datagen_row;

/* The value of one row. A text lies in `text`, which is cleared first. */
void ps_datagen_field_make(const ps_datagen_field *field, uint32_t column,
                           const ps_datagen_row *row, ps_buf *text, ps_value *out);

#endif
