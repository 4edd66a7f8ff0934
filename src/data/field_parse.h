/* Field parse: the text of one value straight into a column, as the formats need it (CAST has rules
 * of its own, in expr). Fast for what machines write, complete for the rest. */
#ifndef PS_DATA_FIELD_PARSE_H
#define PS_DATA_FIELD_PARSE_H

#include "data/row_format.h"

typedef enum {
    PS_TIMESTAMP_SQL,     /* yyyy-MM-dd HH:mm:ss[.f], LTZ with Z behind */
    PS_TIMESTAMP_ISO_8601 /* yyyy-MM-ddTHH:mm:ss[.f] */
} ps_timestamp_standard;

/* How to read one leaf; made once, used by one thread. */
typedef struct {
    const ps_type *type;
    ps_phys phys;
    ps_timestamp_standard standard;
    int64_t ticks_per_second;
    int64_t min, max; /* integers */
    char last_date[10];
    int64_t last_day; /* what last_date says, in days since 1970 */
} ps_field_parser;

void ps_field_parser_init(ps_field_parser *parser, const ps_type *type,
                          ps_timestamp_standard standard);

/* A scalar type that text can say (no ROW, ARRAY, MAP). Blanks around numbers, dates and booleans
 * are trimmed. False: the text is no value of the type; the column is not changed. Text values
 * borrow. */
PS_CHECKED bool ps_field_parse(ps_field_parser *parser, ps_slice text, ps_column *column,
                               uint32_t row);

/* "'x' is no INT", cut to fit. */
void ps_field_parse_reason(const ps_field_parser *parser, ps_slice column, ps_slice text, char *out,
                           size_t out_size);

/* Decimal digits at text[*at …]: false when there is none or it is beyond 63 bits. */
PS_CHECKED bool ps_digits_parse(ps_slice text, size_t *at, int64_t *out);
PS_CHECKED bool ps_double_parse(ps_slice text, double *out);

#endif
