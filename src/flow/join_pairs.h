/* Join pairs: candidate pairs of a left and a right row, tried against the rest of a join's
 * condition many at a time. */
#ifndef PS_FLOW_JOIN_PAIRS_H
#define PS_FLOW_JOIN_PAIRS_H

#include "flow/graph.h"
#include "flow/join_columns.h"
#include "flow/operator.h"

typedef struct {
    const ps_program_clock *clock;
    ps_program *condition; /* NULL: every pair is one */
    bool *is_read;         /* by the condition: left columns, then right ones */
    ps_batch view;         /* joined columns of the candidates */
    ps_join_columns sides[2];
    uint32_t *refs; /* per candidate: what the caller knows it by */
    uint32_t *selection;
} ps_join_pairs;

PS_CHECKED ps_code ps_join_pairs_init(ps_join_pairs *pairs, const ps_node *node,
                                      const ps_join_on *on, const ps_operator_context *context,
                                      ps_error *err);
void ps_join_pairs_release(ps_join_pairs *pairs);

static inline bool ps_join_pairs_is_full(const ps_join_pairs *pairs)
{
    return pairs->view.row_count == PS_BATCH_ROWS;
}
/* A candidate; there must be room. */
static inline void ps_join_pairs_add(ps_join_pairs *pairs, const ps_join_row *left,
                                     const ps_join_row *right, uint32_t ref)
{
    uint32_t row = pairs->view.row_count++;
    pairs->refs[row] = ref;
    if (pairs->condition != NULL) {
        ps_join_columns_set(&pairs->sides[0], row, left);
        ps_join_columns_set(&pairs->sides[1], row, right);
    }
}
/* The numbers of the candidates that match, ascending, in pairs->selection. */
PS_CHECKED ps_code ps_join_pairs_match(ps_join_pairs *pairs, uint32_t *out_count, ps_error *err);
/* Forgets the candidates. */
void ps_join_pairs_reset(ps_join_pairs *pairs);

#endif
