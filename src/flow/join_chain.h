/* Join chain: kept rows of one side and key in order of arrival, linked by references. A chain lies
 * in an entry of the operator's table (zeroed: empty); a link in front of each row's code. */
#ifndef PS_FLOW_JOIN_CHAIN_H
#define PS_FLOW_JOIN_CHAIN_H

#include "flow/kept_rows.h"

typedef struct {
    uint32_t first, last; /* 0: empty */
} ps_join_chain;

/* Headers of the kept rows begin with it. */
typedef struct {
    uint32_t next;  /* 0: none */
    uint32_t count; /* the operator's: partners that the row has */
} ps_join_link;

static inline ps_join_link *ps_join_link_of(const ps_kept_rows *rows, uint32_t ref)
{
    return ps_kept_row_header(rows, ref);
}
static inline ps_join_link *ps_join_link_touch(ps_kept_rows *rows, uint32_t ref)
{
    return ps_kept_row_touch(rows, ref);
}

/* Keeps the row at the end of the chain, which must have been touched. PS_E_LIMIT. */
PS_CHECKED ps_code ps_join_chain_add(ps_join_chain *chain, ps_kept_rows *rows,
                                     const ps_batch *batch, uint32_t row, uint32_t *out_ref,
                                     ps_error *err);
/* Takes a row out; it stays kept. `before` is the one in front of it (0: it is the first). */
void ps_join_chain_take(ps_join_chain *chain, ps_kept_rows *rows, uint32_t before, uint32_t ref);

#endif
