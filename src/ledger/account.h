/* Accounts as they lie in the ledger's regions, and the balances that follow from their totals.
 *
 * Four totals say all about an account; balances are differences of them. Pending + posted of one
 * side never exceed 2^127 − 1 (the ledger refuses the leg: overflow), so that no balance overflows.
 */
#ifndef PS_LEDGER_ACCOUNT_H
#define PS_LEDGER_ACCOUNT_H

#include "base/money.h"

enum { PS_ACCOUNT_NAME_MAX = 96, PS_ACCOUNT_CHECKPOINT_EVERY = 64 };

typedef enum {
    PS_ACCOUNT_ASSET,
    PS_ACCOUNT_LIABILITY,
    PS_ACCOUNT_INCOME,
    PS_ACCOUNT_EXPENSE,
    PS_ACCOUNT_EQUITY
} ps_account_type;

enum {
    PS_ACCOUNT_DEBITS_CAPPED = 1,  /* debits_must_not_exceed_credits */
    PS_ACCOUNT_CREDITS_CAPPED = 2, /* credits_must_not_exceed_debits */
    /* history: asked for by the user; past balances are answered for every account all the same */
    PS_ACCOUNT_HISTORY = 4,
    /* refuses new posted and pending legs; post and void of what is pending stay legal */
    PS_ACCOUNT_FROZEN = 8,
    PS_ACCOUNT_CLOSED = 16 /* as frozen, for ever; only with nothing pending */
};

typedef struct {
    ps_i128 debits_pending, debits_posted, credits_pending, credits_posted;
} ps_account_totals;

typedef struct {
    ps_account_totals totals;
    uint64_t last_seq;    /* journal seq of the newest record with a leg on it; 0: none */
    uint64_t entry_count; /* legs on it so far; also its version */
    int64_t created_ns;
    int64_t last_ns;      /* journal time of last_seq */
    uint64_t name_offset; /* in the names region */
    uint32_t book;
    /* newest element of the checkpoints region for this account; PS_INDEX_NONE: none */
    uint32_t last_checkpoint;
    ps_currency currency;
    uint8_t name_size;
    uint8_t type;             /* ps_account_type */
    uint8_t flags;            /* PS_ACCOUNT_… */
    uint8_t since_checkpoint; /* entries since the last checkpoint; stays at 64 when more */
    uint8_t reserved[10];
} ps_account;
_Static_assert(sizeof(ps_account) == 128, "an account and its name stay under 200 bytes");

/* An account's totals at the end of a record, at least 64 entries after the one before: past
 * balances start here and walk back over few legs. Made by the first leg of the next record that
 * touches the account, so that it never lies within a record. */
typedef struct {
    ps_account_totals totals;
    uint64_t seq;
    int64_t time_ns;
    uint64_t entry_count;
    uint32_t account;
    uint32_t previous; /* the account's checkpoint before */
} ps_account_checkpoint;

/* Posted balance in the account's own sense: credits − debits for liability, income, equity; debits
 * − credits for asset, expense. */
ps_i128 ps_account_balance(uint8_t type, const ps_account_totals *totals);
/* Balance less what is pending against it (debits_pending, or credits_pending for asset and
 * expense). */
ps_i128 ps_account_available(uint8_t type, const ps_account_totals *totals);
/* What may still be debited under DEBITS_CAPPED: credits_posted − debits_posted − debits_pending.
 * */
ps_i128 ps_account_headroom(const ps_account_totals *totals);

#endif
