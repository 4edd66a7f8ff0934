/* Ids: prefix + 26 characters of Crockford base 32 of 128 bits: creation time (ns) in the high
 * half, so that ids sort by time; in the low half the object's number under a keyed permutation of
 * 64 bits, so that an id leads to its object without an index and does not show how many there are.
 *
 * The permutation is a 4-round Feistel network keyed by the journal's instance and the kind (M.
 * Luby, C. Rackoff, 1988); it hides counts, it is not a secret: authorisation never rests on an id.
 */
#ifndef PS_PAY_ID_H
#define PS_PAY_ID_H

#include "base/bytes.h"

typedef enum {
    PS_ID_PAYMENT = 1, /* pay_ */
    PS_ID_REFUND,      /* re_ */
    PS_ID_DISPUTE,     /* dp_ */
    PS_ID_TRADE,       /* trx_ */
    PS_ID_TRANSFER,    /* tr_ */
    PS_ID_SETTLEMENT,  /* set_ */
    PS_ID_EVENT,       /* evt_ : number = book << 40 | sequence */
    PS_ID_RISK_EVENT,  /* risk_ */
    PS_ID_KEY,         /* key_ */
    PS_ID_REQUEST,     /* req_ : raw 128 bits, not permuted */
    PS_ID_SIMULATOR    /* sim_ : the simulator's rail reference of a payment number */
} ps_id_kind;

enum { PS_ID_TEXT_MAX = 48 };

/* Writes prefix and 26 characters to out, not terminated; returns the length (≤ 31). */
size_t ps_id_format(ps_u128 instance, ps_id_kind kind, uint64_t number, int64_t created_ns,
                    char out[PS_ID_TEXT_MAX]);
/* False: not the shape of a server-made id of this kind. The caller checks that the object exists
 * and was created then. */
PS_CHECKED bool ps_id_parse(ps_u128 instance, ps_id_kind kind, ps_slice text, uint64_t *out_number,
                            int64_t *out_created_ns);
void ps_request_id_format(ps_u128 request_id, char out[30]); /* req_ + 26 */

#endif
