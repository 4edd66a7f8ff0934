/* A condition in two: the conjuncts that look at the row alone, which are evaluated over batches,
 * and the rest, which looks back and is evaluated for one run. */
#ifndef PS_CEP_CONDITION_SPLIT_H
#define PS_CEP_CONDITION_SPLIT_H

#include "cep/match_spec.h"

/* Of condition->test; *out_row, *out_rest NULL: there is nothing of the kind. New parts are in the
 * context's arena. */
PS_CHECKED ps_code ps_cep_condition_split(const ps_expr_context *context,
                                          const ps_cep_condition *condition, uint32_t column_count,
                                          const ps_expr **out_row, const ps_expr **out_rest,
                                          ps_error *err);

#endif
