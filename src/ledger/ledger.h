/* The ledger: accounts, transfers and postings as a pure state machine; no I/O, no clock, no
 * payments.
 *
 * One posting moves an amount from one account (debit) to another (credit) of the same book and
 * currency. A *leg* is the one way to change the books: posted at once, pending, post (part) of a
 * pending transfer, void (part) of one. Legs that belong together are linked: checked as a whole,
 * in order, each seeing the ones before it, then applied as a whole or not at all.
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
 * Pending + posted of one side of an account never exceed 2^127 − 1, so that sums and differences
 * of its totals do not overflow.
 *
 * All memory is regions sized from declared limits; account and transfer slots are 32-bit element
 * numbers. Equal operations give equal region bytes. Threads: the owner's only.
 */
#ifndef PS_LEDGER_LEDGER_H
#define PS_LEDGER_LEDGER_H

#include "base/hash.h"
#include "base/index.h"
#include "base/money.h"
#include "base/region.h"
#include "ledger/account.h"

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
    PS_LEG_KEEP = 1,  /* PENDING, POSTED: keep the transfer's slot for ever */
    PS_LEG_EXPIRE = 2 /* VOID: by timeout */
};

/* One leg, exactly as it lies in a journal record: 56 bytes, little-endian.
 * The caller sets kind, flags, amount, and debit and credit (POSTED, PENDING) or slot (POST, VOID),
 * zero else; ps_ledger_apply fills in the rest. */
typedef struct {
    uint8_t kind;  /* 0: ps_leg_kind */
    uint8_t flags; /* 1 */
    uint16_t reserved;
    uint32_t slot;            /* 4: of the transfer; PS_INDEX_NONE: POSTED and not kept */
    uint64_t transfer;        /* 8: its number; 0: not applied yet */
    uint32_t debit;           /* 16: account */
    uint32_t credit;          /* 20: account */
    int64_t amount;           /* 24: minor units, > 0 */
    uint64_t debit_prev_seq;  /* 32: last_seq of the debit account before this leg */
    uint64_t credit_prev_seq; /* 40 */
    uint64_t linked;          /* 48: must be 0 */
} ps_leg;
_Static_assert(sizeof(ps_leg) == 56, "the wire form of a leg");
_Static_assert(PS_AMOUNT_MAX == INT64_MAX, "the type of an amount is its upper limit");

/* In precedence order: the first that applies is the answer. Stable numbers (stored). */
typedef enum {
    PS_LEDGER_OK = 0,
    PS_LEDGER_AMOUNT_INVALID = 1, /* ≤ 0 */
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
    PS_LEDGER_OVERFLOW = 15,           /* of a 128-bit total */
    PS_LEDGER_FULL = 16,               /* no transfer or checkpoint slot */
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
    /* Borrowed; set after init and before the first account, or never. NULL: names hash without a
     * secret, and whoever chooses them can slow down the search. */
    const ps_hash_secret *name_secret;
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
/* Sets or clears FROZEN, or sets CLOSED (refused while anything is pending: false). The other flags
 * stay as they were added, and CLOSED stays set: asserted. */
PS_CHECKED bool ps_ledger_account_set_flags(ps_ledger *ledger, uint32_t account, uint8_t flags);

/* ── legs ── */

enum { PS_LEGS_MAX = 16 };

/* Would these linked legs be applied now? *out_leg (may be NULL) is the first refused one, as if
 * they were applied one by one in a record of their own. Leaves the state as it was. A POST or VOID
 * in the list may name the transfer of a PENDING leg earlier in it by slot = PS_LEG_SLOT_PREVIOUS
 * (the newest PENDING leg before it); any other slot means the transfer that is there before the
 * list: one that the list resolved answers posted, voided or expired, even if not kept. */
#define PS_LEG_SLOT_PREVIOUS (UINT32_MAX - 1)
ps_ledger_outcome ps_ledger_check(ps_ledger *ledger, const ps_leg *legs, uint32_t leg_count,
                                  uint32_t *out_leg);

/* Applies legs that ps_ledger_check accepts (asserted), as part of journal record `seq` (> 0, not
 * falling) at time now_ns; fills in slot, transfer, debit and credit (POST, VOID), prev seqs.
 * On replay the legs come filled in, and the fields must agree (asserted): the state is a function
 * of the journal. */
void ps_ledger_apply(ps_ledger *ledger, ps_leg *legs, uint32_t leg_count, uint64_t seq,
                     int64_t now_ns);

/* NULL: free or out of range. */
const ps_transfer *ps_ledger_transfer(const ps_ledger *ledger, uint32_t slot);

/* ── past balances ── */

/* Where to start walking back for an account as it was after the last record with time ≤ at_ns (or
 * seq ≤ at_seq; the other one INT64_MAX / UINT64_MAX): its totals, entry count and last_seq at the
 * oldest checkpoint after that point, or of the present; the other fields are the present's. */
void ps_ledger_account_at(const ps_ledger *ledger, uint32_t account, int64_t at_ns, uint64_t at_seq,
                          ps_account *out_account);
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

/* Calls `report` for each violation, named M1 … M5, M8 as in the domain; returns their number.
 * O(accounts + transfers + checkpoints); takes scratch memory for one row per book and currency. */
typedef void (*ps_violation_fn)(void *context, const char *invariant, const char *sentence);
size_t ps_ledger_verify(const ps_ledger *ledger, ps_violation_fn report, void *context);

#endif
