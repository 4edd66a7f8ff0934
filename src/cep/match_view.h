/* Views: what functions of the C API see of a run: the row under test and the rows matched so far,
 * as kept rows. Valid during the call that they are passed to. */
#ifndef PS_CEP_MATCH_VIEW_H
#define PS_CEP_MATCH_VIEW_H

#include "cep/match_rows.h"
#include "cep/match_spec.h"

/* ps_cep_query.user: of whose query it is. */
void *ps_cep_view_user(const ps_cep_view *view);
/* The row under test where it is still in a batch (functions that do not look back); NULL: it is a
 * kept row. */
const ps_batch *ps_cep_view_batch(const ps_cep_view *view, uint32_t *out_row);
/* When a partial match ran out of time; 0 for others. */
int64_t ps_cep_view_timeout(const ps_cep_view *view);
/* The rows that the numbers below are of; their columns are those of the operator's input. */
const ps_match_rows *ps_cep_view_rows(const ps_cep_view *view);
/* The row under test; 0 where a match is looked at. */
uint32_t ps_cep_view_row(const ps_cep_view *view);
/* How many rows of the variable (PS_CEP_ANY_VARIABLE: of all) were matched. */
uint32_t ps_cep_view_count(const ps_cep_view *view, uint32_t variable);
/* The index-th of them from the first, or from the last; 0: there are fewer. Linear in the length
 * of the match. */
uint32_t ps_cep_view_matched(const ps_cep_view *view, uint32_t variable, uint32_t index);
uint32_t ps_cep_view_matched_last(const ps_cep_view *view, uint32_t variable, uint32_t back);

#endif
