#include "naive_ledger_fixture.h"

#include <stdlib.h>

void naive_init(naive_ledger *naive, ps_ledger_limits limits)
{
    PS_ASSERT(limits.transfers_max <= NAIVE_TRANSFERS_MAX - PS_LEGS_MAX);
    memset(naive, 0, sizeof *naive);
    naive->limits = limits;
    naive->next_number = 1;
}

bool naive_account_add(naive_ledger *naive, uint32_t book, ps_currency currency, uint8_t flags)
{
    if (naive->account_count == naive->limits.accounts_max) {
        return false;
    }
    PS_ASSERT(naive->account_count < NAIVE_ACCOUNTS_MAX);
    naive->accounts[naive->account_count++] =
        (naive_account){.book = book, .currency = currency, .flags = flags};
    return true;
}

/* ── transfers ── */

int64_t naive_left(const naive_transfer *transfer)
{
    return transfer->amount - transfer->posted - transfer->voided;
}

uint8_t naive_state(const naive_transfer *transfer)
{
    if (naive_left(transfer) > 0) {
        return PS_TRANSFER_PENDING;
    }
    if (transfer->posted > 0) {
        return PS_TRANSFER_POSTED;
    }
    return transfer->expired ? PS_TRANSFER_EXPIRED : PS_TRANSFER_VOIDED;
}

static naive_transfer *by_number(naive_ledger *naive, uint64_t number)
{
    for (uint32_t i = 0; i < naive->transfer_count; i++) {
        if (naive->transfers[i].number == number) {
            return &naive->transfers[i];
        }
    }
    return NULL;
}

naive_transfer *naive_transfer_at(naive_ledger *naive, uint32_t slot)
{
    for (uint32_t i = 0; i < naive->transfer_count; i++) {
        if (naive->transfers[i].slot == slot) {
            return &naive->transfers[i];
        }
    }
    return NULL;
}

static bool is_forgotten(const naive_transfer *transfer)
{
    return !transfer->kept && naive_left(transfer) == 0;
}

static uint64_t slots_used(const naive_ledger *naive)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < naive->transfer_count; i++) {
        used += is_forgotten(&naive->transfers[i]) ? 0 : 1;
    }
    return used;
}

static void forget_done(naive_ledger *naive)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < naive->transfer_count; i++) {
        if (!is_forgotten(&naive->transfers[i])) {
            naive->transfers[kept++] = naive->transfers[i];
        }
    }
    naive->transfer_count = kept;
}

/* ── reasons ── */

static bool is_new_leg(const ps_leg *leg)
{
    return leg->kind == PS_LEG_POSTED || leg->kind == PS_LEG_PENDING;
}

static bool wants_slot(const ps_leg *leg)
{
    return leg->kind == PS_LEG_PENDING || (is_new_leg(leg) && (leg->flags & PS_LEG_KEEP) != 0);
}

static bool exists(const naive_ledger *naive, uint32_t account)
{
    return account < naive->account_count;
}

/* Would a leg of record `seq` on this account make a checkpoint? */
static uint64_t checkpoints_wanted(const naive_ledger *naive, uint32_t account, uint64_t seq)
{
    if (!exists(naive, account)) {
        return 0;
    }
    const naive_account *a = &naive->accounts[account];
    return a->last_seq != seq && a->entries - a->entries_in_checkpoint >= 64 ? 1 : 0;
}

static uint32_t bit(ps_ledger_outcome outcome, bool applies)
{
    return applies ? UINT32_C(1) << outcome : 0;
}

static const ps_i128 naive_top = (ps_i128)(~(unsigned __int128)0 >> 1);

static uint32_t debit_reasons(const naive_account *a, int64_t amount)
{
    const ps_account_totals *t = &a->totals;
    bool capped = (a->flags & PS_ACCOUNT_DEBITS_CAPPED) != 0;
    return bit(PS_LEDGER_ACCOUNT_CLOSED, (a->flags & PS_ACCOUNT_CLOSED) != 0) |
           bit(PS_LEDGER_ACCOUNT_FROZEN, (a->flags & PS_ACCOUNT_FROZEN) != 0) |
           bit(PS_LEDGER_INSUFFICIENT_FUNDS,
               capped && t->credits_posted - t->debits_pending - t->debits_posted < amount) |
           bit(PS_LEDGER_OVERFLOW,
               amount > 0 && naive_top - amount < t->debits_pending + t->debits_posted);
}

static uint32_t credit_reasons(const naive_account *a, int64_t amount)
{
    const ps_account_totals *t = &a->totals;
    bool capped = (a->flags & PS_ACCOUNT_CREDITS_CAPPED) != 0;
    return bit(PS_LEDGER_ACCOUNT_CLOSED, (a->flags & PS_ACCOUNT_CLOSED) != 0) |
           bit(PS_LEDGER_ACCOUNT_FROZEN, (a->flags & PS_ACCOUNT_FROZEN) != 0) |
           bit(PS_LEDGER_EXCEEDS_DEBITS,
               capped && t->debits_posted - t->credits_pending - t->credits_posted < amount) |
           bit(PS_LEDGER_OVERFLOW,
               amount > 0 && naive_top - amount < t->credits_pending + t->credits_posted);
}

static uint32_t new_reasons(const naive_ledger *naive, const ps_leg *leg)
{
    bool has_debit = exists(naive, leg->debit);
    bool has_credit = exists(naive, leg->credit);
    const naive_account *d = has_debit ? &naive->accounts[leg->debit] : NULL;
    const naive_account *c = has_credit ? &naive->accounts[leg->credit] : NULL;
    uint32_t reasons = bit(PS_LEDGER_ACCOUNT_MISSING, d == NULL || c == NULL) |
                       bit(PS_LEDGER_ACCOUNTS_SAME, leg->debit == leg->credit);
    reasons |= d != NULL ? debit_reasons(d, leg->amount) : 0;
    reasons |= c != NULL ? credit_reasons(c, leg->amount) : 0;
    if (d != NULL && c != NULL) {
        reasons |= bit(PS_LEDGER_BOOK_MISMATCH, d->book != c->book) |
                   bit(PS_LEDGER_CURRENCY_MISMATCH, d->currency != c->currency);
    }
    return reasons;
}

static uint32_t resolve_reasons(const naive_transfer *transfer, const ps_leg *leg)
{
    if (transfer == NULL) {
        return bit(PS_LEDGER_TRANSFER_MISSING, true);
    }
    uint8_t state = naive_state(transfer);
    return bit(PS_LEDGER_TRANSFER_POSTED, state == PS_TRANSFER_POSTED) |
           bit(PS_LEDGER_TRANSFER_VOIDED, state == PS_TRANSFER_VOIDED) |
           bit(PS_LEDGER_TRANSFER_EXPIRED, state == PS_TRANSFER_EXPIRED) |
           bit(PS_LEDGER_AMOUNT_OVER_PENDING, leg->amount > naive_left(transfer));
}

/* All reasons against one leg of record `seq`; `transfer` is the one that a POST or VOID names. */
static uint32_t leg_reasons(const naive_ledger *naive, const ps_leg *leg,
                            const naive_transfer *transfer, uint64_t seq)
{
    bool is_new = is_new_leg(leg);
    uint32_t debit = is_new ? leg->debit : transfer != NULL ? transfer->debit : UINT32_MAX;
    uint32_t credit = is_new ? leg->credit : transfer != NULL ? transfer->credit : UINT32_MAX;
    uint64_t checkpoints = checkpoints_wanted(naive, debit, seq);
    checkpoints += debit != credit ? checkpoints_wanted(naive, credit, seq) : 0;
    bool is_full = (wants_slot(leg) && slots_used(naive) >= naive->limits.transfers_max) ||
                   naive->checkpoint_count + checkpoints > naive->limits.checkpoints_max;
    return bit(PS_LEDGER_AMOUNT_INVALID, leg->amount <= 0) |
           (is_new ? new_reasons(naive, leg) : resolve_reasons(transfer, leg)) |
           bit(PS_LEDGER_FULL, is_full);
}

/* ── moving ── */

static void entry(naive_ledger *naive, uint32_t account, uint64_t seq)
{
    naive_account *a = &naive->accounts[account];
    if (checkpoints_wanted(naive, account, seq) != 0) {
        naive->checkpoint_count++;
        a->entries_in_checkpoint = a->entries;
    }
    a->entries++;
    a->last_seq = seq;
}

static void move_new(naive_ledger *naive, const ps_leg *leg)
{
    ps_account_totals *d = &naive->accounts[leg->debit].totals;
    ps_account_totals *c = &naive->accounts[leg->credit].totals;
    if (leg->kind == PS_LEG_PENDING) {
        d->debits_pending += leg->amount;
        c->credits_pending += leg->amount;
    } else {
        d->debits_posted += leg->amount;
        c->credits_posted += leg->amount;
    }
}

static void move_resolve(naive_ledger *naive, naive_transfer *transfer, const ps_leg *leg)
{
    ps_account_totals *d = &naive->accounts[transfer->debit].totals;
    ps_account_totals *c = &naive->accounts[transfer->credit].totals;
    d->debits_pending -= leg->amount;
    c->credits_pending -= leg->amount;
    if (leg->kind == PS_LEG_POST) {
        d->debits_posted += leg->amount;
        c->credits_posted += leg->amount;
        transfer->posted += leg->amount;
    } else {
        transfer->voided += leg->amount;
        transfer->expired = (leg->flags & PS_LEG_EXPIRE) != 0;
    }
}

/* One accepted leg. A new transfer gets `slot`. Returns the number of the transfer. */
static uint64_t leg_move(naive_ledger *naive, const ps_leg *leg, naive_transfer *transfer,
                         uint32_t slot, uint64_t seq)
{
    entry(naive, is_new_leg(leg) ? leg->debit : transfer->debit, seq);
    entry(naive, is_new_leg(leg) ? leg->credit : transfer->credit, seq);
    if (!is_new_leg(leg)) {
        move_resolve(naive, transfer, leg);
        return transfer->number;
    }
    move_new(naive, leg);
    uint64_t number = naive->next_number++;
    if (wants_slot(leg)) {
        PS_ASSERT(naive->transfer_count < NAIVE_TRANSFERS_MAX);
        naive->transfers[naive->transfer_count++] =
            (naive_transfer){.number = number,
                             .slot = slot,
                             .debit = leg->debit,
                             .credit = leg->credit,
                             .amount = leg->amount,
                             .posted = leg->kind == PS_LEG_POSTED ? leg->amount : 0,
                             .kept = (leg->flags & PS_LEG_KEEP) != 0};
    }
    return number;
}

/* Which transfer a leg of a list names: the newest PENDING leg's, or the one that was in the slot
 * before the list began. 0: none. */
static uint64_t named_transfer(naive_ledger *before, const ps_leg *leg, uint64_t newest_pending)
{
    if (is_new_leg(leg)) {
        return 0;
    }
    if (leg->slot == PS_LEG_SLOT_PREVIOUS) {
        return newest_pending;
    }
    naive_transfer *transfer = naive_transfer_at(before, leg->slot);
    return transfer != NULL ? transfer->number : 0;
}

/* Runs the legs on `naive` until one has reasons against it; returns the reasons and which leg. */
static uint32_t run(naive_ledger *naive, const ps_leg *legs, const ps_leg *applied,
                    uint32_t leg_count, uint64_t seq, uint32_t *out_leg)
{
    naive_ledger *before = malloc(sizeof *before);
    PS_ASSERT(before != NULL);
    *before = *naive;
    uint64_t newest_pending = 0;
    uint32_t reasons = 0;
    for (uint32_t i = 0; i < leg_count && reasons == 0; i++) {
        const ps_leg *leg = &legs[i];
        *out_leg = i;
        naive_transfer *transfer = by_number(naive, named_transfer(before, leg, newest_pending));
        reasons = leg_reasons(naive, leg, transfer, seq);
        if (reasons == 0) {
            uint32_t slot = applied != NULL ? applied[i].slot : PS_INDEX_NONE;
            uint64_t number = leg_move(naive, leg, transfer, slot, seq);
            newest_pending = leg->kind == PS_LEG_PENDING ? number : newest_pending;
        }
    }
    free(before);
    return reasons;
}

static uint32_t try_run(const naive_ledger *naive, const ps_leg *legs, uint32_t leg_count,
                        uint32_t *out_leg)
{
    naive_ledger *trial = malloc(sizeof *trial);
    PS_ASSERT(trial != NULL);
    *trial = *naive;
    uint32_t reasons = run(trial, legs, NULL, leg_count, naive->seq + 1, out_leg);
    free(trial);
    return reasons;
}

uint32_t naive_reasons(const naive_ledger *naive, const ps_leg *legs, uint32_t leg_count)
{
    uint32_t leg = 0;
    uint32_t reasons = try_run(naive, legs, leg_count, &leg);
    PS_ASSERT(leg + 1 == leg_count);
    return reasons;
}

ps_ledger_outcome naive_check(const naive_ledger *naive, const ps_leg *legs, uint32_t leg_count,
                              uint32_t *out_leg)
{
    uint32_t reasons = try_run(naive, legs, leg_count, out_leg);
    for (uint32_t outcome = 1; outcome < PS_LEDGER_OUTCOME_COUNT; outcome++) {
        if ((reasons >> outcome & 1) != 0) {
            return (ps_ledger_outcome)outcome;
        }
    }
    return PS_LEDGER_OK;
}

void naive_apply(naive_ledger *naive, const ps_leg *legs, const ps_leg *applied, uint32_t leg_count,
                 uint64_t seq)
{
    uint32_t leg;
    uint32_t reasons = run(naive, legs, applied, leg_count, seq, &leg);
    /* full may be said of a record of its own, while this one already made the checkpoint */
    PS_ASSERT(reasons == 0);
    naive->seq = seq;
    forget_done(naive);
}

/* ── comparison ── */

static bool totals_equal(const ps_account_totals *a, const ps_account_totals *b)
{
    return a->debits_pending == b->debits_pending && a->debits_posted == b->debits_posted &&
           a->credits_pending == b->credits_pending && a->credits_posted == b->credits_posted;
}

static const char *transfer_difference(const naive_transfer *t, const ps_transfer *real)
{
    if (real == NULL || real->number != t->number) {
        return "a transfer is not in its slot";
    }
    if (real->amount != t->amount || real->left != naive_left(t) || real->posted != t->posted) {
        return "a transfer's amounts differ";
    }
    if (real->debit != t->debit || real->credit != t->credit || real->kept != (t->kept ? 1 : 0) ||
        real->state != naive_state(t)) {
        return "a transfer's accounts or state differ";
    }
    return NULL;
}

const char *naive_difference(const naive_ledger *naive, const ps_ledger *real)
{
    if (ps_ledger_account_count(real) != naive->account_count) {
        return "the number of accounts differs";
    }
    for (uint32_t i = 0; i < naive->account_count; i++) {
        const naive_account *a = &naive->accounts[i];
        const ps_account *r = ps_ledger_account(real, i);
        if (!totals_equal(&a->totals, &r->totals)) {
            return "an account's totals differ";
        }
        if (a->entries != r->entry_count || a->last_seq != r->last_seq || a->flags != r->flags) {
            return "an account's entries or flags differ";
        }
    }
    uint64_t live = 0;
    for (uint32_t slot = 0; slot < real->transfers.size / sizeof(ps_transfer); slot++) {
        live += ps_ledger_transfer(real, slot) != NULL ? 1 : 0;
    }
    if (live != naive->transfer_count) {
        return "the number of transfers differs";
    }
    for (uint32_t i = 0; i < naive->transfer_count; i++) {
        const naive_transfer *t = &naive->transfers[i];
        const char *difference = transfer_difference(t, ps_ledger_transfer(real, t->slot));
        if (difference != NULL) {
            return difference;
        }
    }
    if (real->checkpoints.size / sizeof(ps_account_checkpoint) != naive->checkpoint_count) {
        return "the number of checkpoints differs";
    }
    return NULL;
}
