/* The ledger as plainly as it can be written: small arrays, linear scans, whole copies. It shares
 * the types of account.h and ledger.h with the real one, and none of its code.
 *
 * It names no slots itself: it is told the slot that the real ledger gave a new transfer.
 */
#ifndef PS_TEST_NAIVE_LEDGER_H
#define PS_TEST_NAIVE_LEDGER_H

#include "ledger/ledger.h"

enum { NAIVE_ACCOUNTS_MAX = 64, NAIVE_TRANSFERS_MAX = 512 };

typedef struct {
    uint32_t book;
    ps_currency currency;
    uint8_t flags;
    ps_account_totals totals;
    uint64_t last_seq;
    uint64_t entries;
    uint64_t entries_in_checkpoint;
} naive_account;

typedef struct {
    uint64_t number;
    uint32_t slot;
    uint32_t debit, credit;
    int64_t amount, posted, voided;
    bool expired; /* voided at the end by timeout */
    bool kept;
} naive_transfer;

/* No pointers: a copy is an assignment. Transfers that are done and not kept are forgotten. */
typedef struct {
    ps_ledger_limits limits;
    naive_account accounts[NAIVE_ACCOUNTS_MAX];
    uint32_t account_count;
    naive_transfer transfers[NAIVE_TRANSFERS_MAX];
    uint32_t transfer_count;
    uint64_t next_number;
    uint64_t checkpoint_count;
    uint64_t seq; /* newest record */
} naive_ledger;

void naive_init(naive_ledger *naive, ps_ledger_limits limits);
/* False: the limit is reached. */
bool naive_account_add(naive_ledger *naive, uint32_t book, ps_currency currency, uint8_t flags);

int64_t naive_left(const naive_transfer *transfer);
uint8_t naive_state(const naive_transfer *transfer); /* ps_transfer_state */
/* NULL: none lives in this slot. */
naive_transfer *naive_transfer_at(naive_ledger *naive, uint32_t slot);

/* All reasons against the last of these legs, as bits 1 << ps_ledger_outcome, 0: none; the legs
 * before it must be fine. */
uint32_t naive_reasons(const naive_ledger *naive, const ps_leg *legs, uint32_t leg_count);
ps_ledger_outcome naive_check(const naive_ledger *naive, const ps_leg *legs, uint32_t leg_count,
                              uint32_t *out_leg);
/* `legs` as the caller made them, `applied` as the real ledger filled them in (for the slots). */
void naive_apply(naive_ledger *naive, const ps_leg *legs, const ps_leg *applied, uint32_t leg_count,
                 uint64_t seq);

/* NULL when the real ledger shows the same accounts and transfers; else what differs first. */
const char *naive_difference(const naive_ledger *naive, const ps_ledger *real);

#endif
