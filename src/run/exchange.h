/* Exchange: rows of one input of a keyed operator, dealt by key to the lanes that own the keys.
 *
 * One per lane and input: the lane that reads puts rows in while it runs; when all lanes have
 * stopped, each takes what was dealt to it, lane by lane. What is put in is copied. Inside run
 * only.
 */
#ifndef PS_RUN_EXCHANGE_H
#define PS_RUN_EXCHANGE_H

#include "flow/graph.h"

/* Rows that wait, in order, in batches; and what holds behind the last. */
typedef struct {
    uint32_t count, made; /* batches in use, and there */
    uint32_t room;
    ps_batch_builder *batches;
} ps_row_pile;

typedef struct {
    uint32_t column_count;
    const ps_type *const *types;
    const ps_phys *classes;
    ps_columns keys; /* count 0: not dealt, all to one pile */
    uint32_t pile_count;
    ps_row_pile *piles;
    bool is_fed; /* something was put in, if only a watermark */
    int64_t watermark_after;
    uint64_t sequence_after;
    uint64_t *hashes; /* of the rows at hand */
    uint32_t *selection;
} ps_exchange;

/* Types are borrowed; the rest is in the arena but for the batches. PS_E_MEMORY. */
PS_CHECKED ps_code ps_exchange_init(ps_exchange *exchange, ps_arena *arena, uint32_t pile_count,
                                    const ps_schema *schema, ps_columns keys, ps_error *err);
void ps_exchange_release(ps_exchange *exchange);

/* Deals the rows with their stamps. */
PS_CHECKED ps_code ps_exchange_put(ps_exchange *exchange, const ps_batch *batch, ps_error *err);
/* Nothing has been put in; memory stays. */
void ps_exchange_clear(ps_exchange *exchange);

#endif
