/* Ladder: all comparisons of one column of integers with constants, answered by one search. The
 * constants, sorted, cut the integers into rungs: below the first, the first itself, between the
 * first and the second, … On one rung each comparison has one answer. */
#ifndef PS_CEP_COMPARE_LADDER_H
#define PS_CEP_COMPARE_LADDER_H

#include "data/batch.h"
#include "expr/expr.h"

typedef enum {
    PS_COMPARE_EQ,
    PS_COMPARE_NE,
    PS_COMPARE_LT,
    PS_COMPARE_LE,
    PS_COMPARE_GT,
    PS_COMPARE_GE
} ps_compare_op;

/* column op constant, between values that are compared as 64-bit integers. */
typedef struct {
    uint32_t column;
    ps_compare_op op;
    int64_t constant;
} ps_comparison;

/* Whether the expression is such a comparison, and which. */
bool ps_comparison_of(const ps_expr *expr, ps_comparison *out);

typedef struct {
    uint32_t column;
    uint32_t count; /* constants */
    int64_t *constants;
    uint32_t words;
    uint64_t
        *left; /* per rung, and last for NULL: the bits that may still hold, in `words` words */
} ps_compare_ladder;

/* With the constants of `count` comparisons of one column; nothing rules out a bit yet. */
PS_CHECKED ps_code ps_compare_ladder_init(ps_compare_ladder *ladder, ps_arena *arena,
                                          uint32_t count, const ps_comparison *comparisons,
                                          uint32_t words, ps_error *err);
/* Where the comparison, one of those, is not TRUE, the bits of `needing` do not hold. */
void ps_compare_ladder_rule_out(ps_compare_ladder *ladder, const ps_comparison *comparison,
                                const uint64_t *needing);
/* Clears what does not hold in the masks of rows from … to−1, `words` words each. */
void ps_compare_ladder_run(const ps_compare_ladder *ladder, const ps_batch *batch, uint32_t from,
                           uint32_t to, uint64_t *masks);

#endif
