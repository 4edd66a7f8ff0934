/* Row scan: what conditions ask of a row alone, evaluated over whole batches, a bit for each
 * condition. So rows that no stage can take are thrown away at scan speed.
 *
 * A condition is the AND of its parts (condition_split.h), and a part that several conditions have
 * is evaluated once: where it does not hold, all their bits go. Comparisons of one integer column
 * with constants are answered together, by the place of the value among the constants. */
#ifndef PS_CEP_ROW_SCAN_H
#define PS_CEP_ROW_SCAN_H

#include "cep/match_slot.h"

typedef struct ps_row_scan ps_row_scan;

PS_CHECKED ps_code ps_row_scan_new(const ps_operator_context *context, ps_row_scan **out,
                                   ps_error *err);
void ps_row_scan_free(ps_row_scan *scan);

/* The next `count` bits lie side by side in one word; if they are at most 64. */
void ps_row_scan_align(ps_row_scan *scan, uint32_t count);
/* A bit for a BOOLEAN over the input's columns. */
PS_CHECKED ps_code ps_row_scan_add(ps_row_scan *scan, const ps_expr *test, uint32_t *out_bit,
                                   ps_error *err);
/* … for a condition's function, which does not look back. `query` need not be ready yet. */
PS_CHECKED ps_code ps_row_scan_add_function(ps_row_scan *scan, const ps_cep_condition *condition,
                                            const ps_cep_compiled *query, uint32_t *out_bit,
                                            ps_error *err);
/* No more are added. */
PS_CHECKED ps_code ps_row_scan_open(ps_row_scan *scan, ps_error *err);
uint32_t ps_row_scan_bits(const ps_row_scan *scan);
static inline uint32_t ps_row_scan_words(const ps_row_scan *scan)
{
    return (ps_row_scan_bits(scan) + 63) / 64;
}

/* Rows from … to−1. PS_E_INVALID: a row that a test cannot take; the text says which value. */
PS_CHECKED ps_code ps_row_scan_run(ps_row_scan *scan, const ps_batch *batch, uint32_t from,
                                   uint32_t to, ps_error *err);
/* The bits of a row of the last run, in ps_row_scan_words words. */
const uint64_t *ps_row_scan_mask(const ps_row_scan *scan, uint32_t row);

#endif
