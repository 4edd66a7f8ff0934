/* Result print: rows of a query on standard output as json, csv or a table (CONTRACT §1). */
#ifndef PS_CLI_RESULT_PRINT_H
#define PS_CLI_RESULT_PRINT_H

#include <stdio.h>

#include "data/value.h"

typedef enum { PS_RESULT_TABLE, PS_RESULT_CSV, PS_RESULT_JSON } ps_result_format;

/* False: no such format. */
bool ps_result_format_parse(const char *text, ps_result_format *out);

typedef struct ps_result_printer ps_result_printer;

/* has_changes: the op column is shown (csv, table). time_column: marked in the header;
 * PS_NO_COLUMN. Borrows schema. */
PS_CHECKED ps_code ps_result_printer_new(FILE *out, ps_result_format format,
                                         const ps_schema *schema, uint32_t time_column,
                                         bool has_changes, ps_result_printer **out_printer,
                                         ps_error *err);
/* The query has no end: rows are shown as they come, batch by batch. */
void ps_result_printer_set_live(ps_result_printer *printer);
/* A ps_job_rows callback: with is the printer. */
ps_code ps_result_printer_rows(void *with, const ps_batch *batch, ps_error *err);
/* One row of values (SHOW, DESCRIBE, EXPLAIN). */
PS_CHECKED ps_code ps_result_printer_values(ps_result_printer *printer, const ps_value *values,
                                            ps_error *err);
/* Prints what a table still keeps back, and frees. */
PS_CHECKED ps_code ps_result_printer_finish(ps_result_printer *printer, ps_error *err);

#endif
