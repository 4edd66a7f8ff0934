/* The ledger: accounts, transfers and postings as a pure state machine; no I/O, no clock, no
 * payments.
 *
 * One posting moves an amount from one account (debit) to another (credit) of the same book and
 * currency. A *leg* is the one way to change
 * the books: posted at once, pending, post (part) of a pending transfer, void (part) of one. Legs
 * that belong together are linked: checked as a
 * whole, in order, each seeing the ones before it, then applied as a whole or not at all.
 * A *book* is a tenant in one mode (test or live): books never share accounts.
 *
 * Invariants (M1–M5, M10 of the domain; ps_ledger_verify runs them)
 *   L1 per book and currency Σ debits_posted = Σ credits_posted, Σ debits_pending = Σ
 *      credits_pending
 *   L2 posted totals never decrease
 *   L3 debits_must_not_exceed_credits: debits_pending + debits_posted ≤ credits_posted (holds
 *      count); the mirror for the other flag
 *   L4 a pending transfer: posted + voided + left = amount; left = 0 once resolved; it resolves at
 *      most once
 *   L5 debit ≠ credit account, one currency, one book; transfer numbers are unique for ever and
 *      grow by one
 *
 * All memory is regions sized from declared limits; account and transfer slots are 32-bit element
 * numbers. Threads: the owner's only.
 */
#ifndef PS_LEDGER_LEDGER_H
#define PS_LEDGER_LEDGER_H

#include "base/hash.h"
#include "base/index.h"
#include "base/money.h"
#include "base/region.h"

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
    uint8_t type;  /* ps_account_type */
    uint8_t flags; /* PS_ACCOUNT_… */
    uint8_t reserved[11];
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

typedef enum {
    PS_TRANSFER_PENDING,
    PS_TRANSFER_POSTED,
    PS_TRANSFER_VOIDED,
    PS_TRANSFER_EXPIRED
} ps_transfer_state;

/* A pending transfer, or one that is kept because users may name it later (API transfers). */
typedef struct {
    uint64_t number; /* unique for ever, from 1 */
    int64_t amount;  /* as asked */
    int64_t left;    /* still pending */
    int64_t posted;
    uint32_t debit;
    uint32_t credit;
    uint8_t state; /* ps_transfer_state; meaningless in a free slot (number = 0) */
    uint8_t kept;  /* 1: the slot is never reused */
    uint8_t reserved[6];
} ps_transfer;

typedef enum {
    PS_LEG_POSTED,  /* a single-phase transfer */
    PS_LEG_PENDING, /* reserves */
    /* posts `amount` of what is left of a pending transfer; the rest stays pending */
    PS_LEG_POST,
    PS_LEG_VOID /* releases `amount` of what is left */
} ps_leg_kind;

enum {
    PS_LEG_KEEP = 1 /* PENDING, POSTED: keep the transfer's slot for ever */,
    PS_LEG_EXPIRE = 2 /* VOID: by timeout */
};

/* One leg, exactly as it lies in a journal record: 56 bytes, little-endian.
 * The caller sets kind, flags, debit, credit, amount (and slot for POST and VOID); ps_ledger_apply
 * fills in the rest. */
typedef struct {
    uint8_t kind;  /* 0: ps_leg_kind */
    uint8_t flags; /* 1 */
    uint16_t reserved;
    /* 4: transfer slot; PS_INDEX_NONE for a POSTED leg that is not kept */
    uint32_t slot;
    uint64_t transfer;        /* 8: transfer number */
    uint32_t debit;           /* 16: account */
    uint32_t credit;          /* 20: account */
    int64_t amount;           /* 24: minor units, > 0 */
    uint64_t debit_prev_seq;  /* 32: last_seq of the debit account before this leg */
    uint64_t credit_prev_seq; /* 40 */
    uint64_t linked;          /* 48: must be 0 */
} ps_leg;
_Static_assert(sizeof(ps_leg) == 56, "the wire form of a leg");

/* In precedence order: the first that applies is the answer. Stable numbers (stored). */
typedef enum {
    PS_LEDGER_OK = 0,
    PS_LEDGER_AMOUNT_INVALID = 1, /* ≤ 0 or > PS_AMOUNT_MAX */
    PS_LEDGER_TRANSFER_MISSING = 2,
    PS_LEDGER_TRANSFER_POSTED = 3,
    PS_LEDGER_TRANSFER_VOIDED = 4,
    PS_LEDGER_TRANSFER_EXPIRED = 5,
    PS_LEDGER_AMOUNT_OVER_PENDING = 6,
    PS_LEDGER_ACCOUNT_MISSING = 7,
    PS_LEDGER_ACCOUNTS_SAME = 8,
    PS_LEDGER_BOOK_MISMATCH = 9,
    PS_LEDGER_CURRENCY_MISMATCH = 10,
    PS_LEDGER_ACCOUNT_CLOSED = 11,
    PS_LEDGER_ACCOUNT_FROZEN = 12,
    PS_LEDGER_INSUFFICIENT_FUNDS = 13, /* debits_must_not_exceed_credits on the debit account */
    PS_LEDGER_EXCEEDS_DEBITS = 14,     /* credits_must_not_exceed_debits on the credit account */
    PS_LEDGER_OVERFLOW = 15,
    PS_LEDGER_FULL = 16, /* no transfer or checkpoint slot */
    PS_LEDGER_OUTCOME_COUNT = 17
} ps_ledger_outcome;
const char *ps_ledger_outcome_name(ps_ledger_outcome outcome);

typedef struct {
    ps_region accounts;    /* ps_account[] */
    ps_region names;       /* account names, back to back */
    ps_region checkpoints; /* ps_account_checkpoint[] */
    ps_region transfers;   /* ps_transfer[] */
    ps_region free_slots;  /* uint32_t[]: freed transfer slots, a stack */
    ps_region counters;    /* ps_ledger_counters, one */
    ps_index by_name;      /* (book, currency, name) → account */
} ps_ledger;

typedef struct {
    uint64_t next_transfer; /* number */
    uint64_t free_slot_count;
    uint64_t open_pending_count;
    uint64_t reserved;
} ps_ledger_counters;

typedef struct {
    uint64_t accounts_max;
    uint64_t transfers_max; /* open pending ones and kept ones together */
    uint64_t checkpoints_max;
} ps_ledger_limits;

PS_CHECKED ps_code ps_ledger_init(ps_ledger *ledger, const ps_ledger_limits *limits, ps_error *err);
void ps_ledger_release(ps_ledger *ledger);
/* To the state after init: empty, usable. */
void ps_ledger_clear(ps_ledger *ledger);
/* The regions in their fixed order, for snapshots and state hashes; returns how many (≤ 16) it
 * wrote. */
uint32_t ps_ledger_regions(ps_ledger *ledger, ps_region *out_regions[16]);

/* ── accounts ── */

/* PS_INDEX_NONE when there is none. */
uint32_t ps_ledger_account_find(const ps_ledger *ledger, uint32_t book, ps_slice name,
                                ps_currency currency);
/* Adds one that is not there yet. PS_INDEX_NONE: the declared limit is reached. */
PS_CHECKED uint32_t ps_ledger_account_add(ps_ledger *ledger, uint32_t book, ps_slice name,
                                          ps_currency currency, ps_account_type type, uint8_t flags,
                                          int64_t now_ns);
static inline const ps_account *ps_ledger_account(const ps_ledger *ledger, uint32_t account)
{
    return (const ps_account *)(const void *)ledger->accounts.data + account;
}
uint32_t ps_ledger_account_count(const ps_ledger *ledger);
ps_slice ps_ledger_account_name(const ps_ledger *ledger, uint32_t account);
/* Sets or clears FROZEN, or sets CLOSED (refused while anything is pending: false). */
PS_CHECKED bool ps_ledger_account_set_flags(ps_ledger *ledger, uint32_t account, uint8_t flags);
/* Posted balance in the account's own sense: credits − debits for liability, income, equity; debits
 * − credits for asset, expense. */
ps_i128 ps_account_balance(uint8_t type, const ps_account_totals *totals);
/* Balance less what is pending against it (debits_pending, or credits_pending for asset and
 * expense). */
ps_i128 ps_account_available(uint8_t type, const ps_account_totals *totals);
/* What may still be debited under DEBITS_CAPPED: credits_posted − debits_posted − debits_pending.
 * */
ps_i128 ps_account_headroom(const ps_account_totals *totals);

/* ── legs ── */

enum { PS_LEGS_MAX = 16 };

/* Would these linked legs be applied now? *out_leg (may be NULL) is the first refused one. Leaves
 * the state as it was. A POST or VOID in the list
 * may name the transfer of a PENDING leg earlier in it by slot = PS_LEG_SLOT_PREVIOUS (the newest
 * PENDING leg before it). */
#define PS_LEG_SLOT_PREVIOUS (UINT32_MAX - 1)
ps_ledger_outcome ps_ledger_check(ps_ledger *ledger, const ps_leg *legs, uint32_t leg_count,
                                  uint32_t *out_leg);

/* Applies legs that ps_ledger_check accepts (asserted), as part of journal record `seq` at time
 * now_ns; fills in slot, transfer, debit and credit (POST, VOID) and the prev seqs.
 * On replay the legs come filled in, and the fields must agree (asserted): the state is a function
 * of the journal. */
void ps_ledger_apply(ps_ledger *ledger, ps_leg *legs, uint32_t leg_count, uint64_t seq,
                     int64_t now_ns);

/* NULL: free or out of range. */
const ps_transfer *ps_ledger_transfer(const ps_ledger *ledger, uint32_t slot);

/* ── past balances ── */

/* Where to start walking back for the totals as they were after the last record with time ≤ at_ns
 * (or seq ≤ at_seq; the other one INT64_MAX / UINT64_MAX):
 * the oldest checkpoint that is not before that point, or the present. *out_seq: the record of the
 * newest leg that the totals include. */
void ps_ledger_account_at(const ps_ledger *ledger, uint32_t account, int64_t at_ns, uint64_t at_seq,
                          ps_account_totals *out_totals, uint64_t *out_seq);
/* Takes one leg off again: totals after it → totals before it. */
void ps_account_totals_undo(ps_account_totals *totals, const ps_leg *leg, uint32_t account);

/* ── invariants ── */

typedef struct {
    uint32_t book;
    ps_currency currency;
    uint16_t reserved;
    uint32_t account_count;
    ps_account_totals totals; /* sums over all accounts of this book and currency */
} ps_trial_balance;

/* One row per (book, currency) that has accounts, in order of first use. Returns the number of rows
 * (≤ rows_max; more rows are not written). */
size_t ps_ledger_trial_balance(const ps_ledger *ledger, uint32_t book, ps_trial_balance *out_rows,
                               size_t rows_max);

/* Calls `report` for each violation of L1–L5; returns their number. O(accounts + transfers). */
typedef void (*ps_violation_fn)(void *context, const char *invariant, const char *sentence);
size_t ps_ledger_verify(const ps_ledger *ledger, ps_violation_fn report, void *context);

#endif
