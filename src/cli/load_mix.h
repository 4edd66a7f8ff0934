/* Mixes: what the load generator sends. A mix writes one request at a time and may look at the
 * replies.
 *
 * payments  card payments that are approved, captured at once, spread over 1,000 merchants
 * (default)
 * wallet    the same from 1,000 wallets, which are funded first
 * hot       as wallet, all money to one merchant
 * demo      what a day looks like: several currencies, declines, manual and partial captures,
 * refunds, a dispute, cancels,
 *           a burst now and then
 * Deterministic from its seed, but for the ids that the service makes.
 */
#ifndef PS_CLI_LOAD_MIX_H
#define PS_CLI_LOAD_MIX_H

#include "base/bytes.h"

typedef enum { PS_MIX_PAYMENTS, PS_MIX_WALLET, PS_MIX_HOT, PS_MIX_DEMO } ps_mix_kind;
/* False: no such mix; `ps_mix_names` has them. */
PS_CHECKED bool ps_mix_parse(ps_slice name, ps_mix_kind *out_kind);
extern const char *const ps_mix_names[];

typedef struct ps_mix ps_mix;
/* `run`: a word that makes idempotency keys unique to this run. */
PS_CHECKED ps_code ps_mix_new(ps_mix_kind kind, uint64_t seed, uint32_t batch_count, ps_slice run,
                              ps_mix **out_mix, ps_error *err);
void ps_mix_free(ps_mix *mix);

typedef struct {
    char path[128];
    char key[64];           /* idempotency key; empty: none (batch) */
    ps_slice body;          /* borrowed until the next call */
    uint32_t payment_count; /* payments that this request makes */
} ps_mix_request;

/* The next request. */
void ps_mix_next(ps_mix *mix, ps_mix_request *out_request);
/* Requests to send once, before anything is measured (funding); false: no more. */
PS_CHECKED bool ps_mix_setup(ps_mix *mix, ps_mix_request *out_request);
/* A reply, for mixes that go on with what was made. */
void ps_mix_reply(ps_mix *mix, const char *path, uint16_t status, ps_slice body);
/* How many times the base rate is right now (demo: bursts); 1 for the others. `elapsed_ns` since
 * the start. */
double ps_mix_rate_factor(const ps_mix *mix, int64_t elapsed_ns);

#endif
