/* Walks: lists that are read from the journal backwards along a chain of records: the events and
 * postings of a payment, the entries of an account, an account as it was.
 *
 * Every record walked is durable; a chain that leads to one that is not gives PS_E_MISSING, and the
 * caller comes back when it is. Work is bounded: PS_WALK_RECORDS_MAX records of a payment, `limit`
 * entries of an account.
 */
#ifndef PS_SERVE_RENDER_WALK_H
#define PS_SERVE_RENDER_WALK_H

#include "serve/render_object.h"

enum { PS_WALK_RECORDS_MAX = 1000 };

/* `payment`: the present state; its prev_seq is the newest record that touched it. Oldest first, of
 * the newest PS_WALK_RECORDS_MAX records, those from number query->before on, query->limit of them:
 * {"data":[…],"has_more":…,"next_cursor":…}. */
PS_CHECKED ps_code ps_render_payment_events(ps_renderer *renderer, const ps_query *query,
                                            const ps_effect_payment *payment, ps_buf *out,
                                            ps_error *err);
PS_CHECKED ps_code ps_render_payment_postings(ps_renderer *renderer, const ps_query *query,
                                              const ps_effect_payment *payment, ps_buf *out,
                                              ps_error *err);

/* A place among the entries of an account, newest first. As one number (of a cursor): the sequence
 * of a record << PS_ENTRY_SKIP_BITS | how many of its entries were shown already. 0: the newest. */
enum { PS_ENTRY_SKIP_BITS = 5 };
static inline uint64_t ps_entry_place_sequence(uint64_t place)
{
    return place >> PS_ENTRY_SKIP_BITS;
}

/* Walks back from totals that include the legs up to record `seq`: the present ones, or those of a
 * query with at_sequence = that of the place. */
typedef struct {
    const ps_account_view *account;
    uint64_t seq;
    uint64_t place;
    uint32_t limit;
} ps_entry_walk;
/* Only the objects, with commas between. *out_next: the place to go on from; 0: the end. */
PS_CHECKED ps_code ps_render_entries(ps_renderer *renderer, const ps_entry_walk *walk, ps_buf *out,
                                     uint64_t *out_next, ps_error *err);

/* Ends {"data":[… of a list whose next page starts at `next` (0: there is none). */
void ps_render_page_end(const ps_query *query, uint64_t next, ps_buf *out);

/* The account as it was after the last record with time ≤ at_ns and sequence ≤ at_sequence (0: no
 * bound): takes the legs since then off `account`, from record `seq` backwards. */
PS_CHECKED ps_code ps_account_walk_back(ps_renderer *renderer, ps_account_view *account,
                                        uint64_t seq, int64_t at_ns, uint64_t at_sequence,
                                        ps_error *err);

#endif
