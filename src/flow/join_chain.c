#include "flow/join_chain.h"

ps_code ps_join_chain_add(ps_join_chain *chain, ps_kept_rows *rows, const ps_batch *batch,
                          uint32_t row, uint32_t *out_ref, ps_error *err)
{
    ps_code code = ps_kept_rows_add(rows, batch, row, out_ref, err);
    if (code != PS_OK) {
        return code;
    }
    if (chain->last != 0) {
        ps_join_link_touch(rows, chain->last)->next = *out_ref;
    } else {
        chain->first = *out_ref;
    }
    chain->last = *out_ref;
    return PS_OK;
}

void ps_join_chain_take(ps_join_chain *chain, ps_kept_rows *rows, uint32_t before, uint32_t ref)
{
    uint32_t next = ps_join_link_of(rows, ref)->next;
    if (before != 0) {
        ps_join_link_touch(rows, before)->next = next;
    } else {
        chain->first = next;
    }
    chain->last = chain->last == ref ? before : chain->last;
}
