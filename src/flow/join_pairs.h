/* Join pairs: candidate pairs of a left and a right row, tried against the rest of a join's
 * condition many at a time. */
#ifndef PS_FLOW_JOIN_PAIRS_H
#define PS_FLOW_JOIN_PAIRS_H

#include "flow/graph.h"
#include "flow/kept_rows.h"
#include "flow/operator.h"

typedef struct {
    const ps_program_clock *clock;
    ps_program *condition;            /* NULL: every pair is one */
    uint32_t left_count, right_count; /* columns */
    ps_batch_builder builder;         /* joined columns of the candidates */
    uint32_t *refs;                   /* per candidate: what the caller knows it by */
    uint32_t *selection;
} ps_join_pairs;

/* A key of the row is NULL where that has no partner (side 0: left, 1: right). */
bool ps_join_has_null_key(const ps_join_on *on, uint32_t side, const ps_batch *batch, uint32_t row);

/* A row of one side: of a batch, or kept. */
typedef struct {
    const ps_batch *batch; /* NULL: the kept row */
    uint32_t row;
    const ps_kept_rows *rows;
    uint32_t ref;
} ps_join_row;

static inline ps_join_row ps_join_batch_row(const ps_batch *batch, uint32_t row)
{
    return (ps_join_row){.batch = batch, .row = row};
}
static inline ps_join_row ps_join_kept_row(const ps_kept_rows *rows, uint32_t ref)
{
    return (ps_join_row){.rows = rows, .ref = ref};
}

PS_CHECKED ps_code ps_join_pairs_init(ps_join_pairs *pairs, const ps_node *node,
                                      const ps_join_on *on, const ps_operator_context *context,
                                      ps_error *err);
void ps_join_pairs_release(ps_join_pairs *pairs);

static inline bool ps_join_pairs_is_full(const ps_join_pairs *pairs)
{
    return ps_batch_builder_is_full(&pairs->builder);
}
/* A candidate; there must be room. */
PS_CHECKED ps_code ps_join_pairs_add(ps_join_pairs *pairs, const ps_join_row *left,
                                     const ps_join_row *right, uint32_t ref, ps_error *err);
/* The numbers of the candidates that match, ascending, in pairs->selection; forgets the candidates
 * with the next add after reset. */
PS_CHECKED ps_code ps_join_pairs_match(ps_join_pairs *pairs, uint32_t *out_count, ps_error *err);
void ps_join_pairs_reset(ps_join_pairs *pairs);

/* An output row: left columns, right columns; NULL: that side is padded. */
PS_CHECKED ps_code ps_join_send(ps_outlet *outlet, uint8_t kind, uint32_t left_count,
                                const ps_join_row *left, const ps_join_row *right, ps_error *err);

#endif
