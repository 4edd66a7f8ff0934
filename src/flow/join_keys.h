/* Join keys: what all joins ask of their ON's keys. */
#ifndef PS_FLOW_JOIN_KEYS_H
#define PS_FLOW_JOIN_KEYS_H

#include "flow/kept_rows.h"
#include "flow/spec.h"

static inline ps_columns ps_join_keys(const ps_join_on *on, uint32_t side)
{
    return side == 0 ? on->left_keys : on->right_keys;
}

/* The side's rows come out alone, too, when they have no partner. */
static inline bool ps_join_is_outer(const ps_join_on *on, uint32_t side)
{
    return on->kind == PS_JOIN_FULL || on->kind == (side == 0 ? PS_JOIN_LEFT : PS_JOIN_RIGHT);
}

/* A key is NULL that equals nothing: the row has no partner. */
bool ps_join_has_null_key(const ps_join_on *on, uint32_t side, const ps_batch *batch, uint32_t row);
bool ps_join_kept_has_null_key(const ps_join_on *on, uint32_t side, const ps_kept_rows *rows,
                               uint32_t ref);

#endif
