/* Conditions in parts: the conjuncts that look at the row alone, which are evaluated over batches,
 * and the rest, which looks back and is evaluated for one run; and single conjuncts, which several
 * conditions may have in common. */
#ifndef PS_CEP_CONDITION_SPLIT_H
#define PS_CEP_CONDITION_SPLIT_H

#include "cep/match_spec.h"

enum { PS_CEP_CONJUNCTS_MAX = 256 };

/* Of condition->test; *out_row, *out_rest NULL: there is nothing of the kind. New parts are in the
 * context's arena. */
PS_CHECKED ps_code ps_cep_condition_split(const ps_expr_context *context,
                                          const ps_cep_condition *condition, uint32_t column_count,
                                          const ps_expr **out_row, const ps_expr **out_rest,
                                          ps_error *err);

typedef struct {
    uint32_t count;
    const ps_expr *items[PS_CEP_CONJUNCTS_MAX];
} ps_cep_conjuncts;

/* Parts of a BOOLEAN that is TRUE when all of them are, each to be evaluated by itself: where one
 * may fail, those before it, which keep it from rows that it cannot take, stay with it. New parts
 * are in the context's arena. */
PS_CHECKED ps_code ps_cep_conjuncts_of(const ps_expr_context *context, const ps_expr *test,
                                       ps_cep_conjuncts *out, ps_error *err);

#endif
