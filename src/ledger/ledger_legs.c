#include "ledger/ledger.h"

/* check works on copies of the totals and transfers that the legs touch (at most two accounts a
 * leg), so that each leg sees the
 * ones before it and the state stays as it was. apply writes the state itself, one leg after the
 * other. */

enum { TOUCHED_MAX = 2 * PS_LEGS_MAX };

typedef struct {
    uint32_t account;
    ps_account_totals totals;
} touched_account;

typedef struct {
    uint32_t slot; /* of an existing transfer; PS_LEG_SLOT_PREVIOUS: of the newest PENDING leg */
    uint32_t debit, credit;
    int64_t left, posted;
    uint8_t state;
} touched_transfer;

typedef struct {
    const ps_ledger *ledger;
    touched_account accounts[TOUCHED_MAX];
    uint32_t account_count;
    touched_transfer transfers[PS_LEGS_MAX];
    uint32_t transfer_count;
} leg_check;

static ps_account_totals *totals_of(leg_check *check, uint32_t account)
{
    for (uint32_t i = 0; i < check->account_count; i++) {
        if (check->accounts[i].account == account) {
            return &check->accounts[i].totals;
        }
    }
    PS_ASSERT(check->account_count < TOUCHED_MAX);
    touched_account *touched = &check->accounts[check->account_count++];
    touched->account = account;
    touched->totals = ps_ledger_account(check->ledger, account)->totals;
    return &touched->totals;
}

/* NULL: there is no such transfer. */
static touched_transfer *transfer_of(leg_check *check, uint32_t slot)
{
    for (uint32_t i = check->transfer_count; i > 0; i--) {
        if (check->transfers[i - 1].slot == slot) {
            return &check->transfers[i - 1];
        }
    }
    const ps_transfer *transfer =
        slot == PS_LEG_SLOT_PREVIOUS ? NULL : ps_ledger_transfer(check->ledger, slot);
    if (transfer == NULL) {
        return NULL;
    }
    PS_ASSERT(check->transfer_count < PS_LEGS_MAX);
    touched_transfer *touched = &check->transfers[check->transfer_count++];
    *touched = (touched_transfer){slot,           transfer->debit,  transfer->credit,
                                  transfer->left, transfer->posted, transfer->state};
    return touched;
}

static bool is_new(const ps_leg *leg)
{
    return leg->kind == PS_LEG_POSTED || leg->kind == PS_LEG_PENDING;
}

static ps_ledger_outcome resolved_outcome(uint8_t state)
{
    switch ((ps_transfer_state)state) {
    case PS_TRANSFER_PENDING:
        return PS_LEDGER_OK;
    case PS_TRANSFER_POSTED:
        return PS_LEDGER_TRANSFER_POSTED;
    case PS_TRANSFER_VOIDED:
        return PS_LEDGER_TRANSFER_VOIDED;
    case PS_TRANSFER_EXPIRED:
        return PS_LEDGER_TRANSFER_EXPIRED;
    }
    return PS_LEDGER_TRANSFER_MISSING;
}

/* What a leg names: amount, transfer, accounts, books, currencies, flags. */
static ps_ledger_outcome leg_form_check(leg_check *check, const ps_leg *leg, uint32_t debit,
                                        uint32_t credit)
{
    uint32_t account_count = ps_ledger_account_count(check->ledger);
    if (debit >= account_count || credit >= account_count) {
        return PS_LEDGER_ACCOUNT_MISSING;
    }
    if (debit == credit) {
        return PS_LEDGER_ACCOUNTS_SAME;
    }
    const ps_account *d = ps_ledger_account(check->ledger, debit);
    const ps_account *c = ps_ledger_account(check->ledger, credit);
    if (d->book != c->book) {
        return PS_LEDGER_BOOK_MISMATCH;
    }
    if (d->currency != c->currency) {
        return PS_LEDGER_CURRENCY_MISMATCH;
    }
    uint8_t flags = d->flags | c->flags;
    if (is_new(leg) && (flags & PS_ACCOUNT_CLOSED) != 0) {
        return PS_LEDGER_ACCOUNT_CLOSED;
    }
    if (is_new(leg) && (flags & PS_ACCOUNT_FROZEN) != 0) {
        return PS_LEDGER_ACCOUNT_FROZEN;
    }
    return PS_LEDGER_OK;
}

/* Does an account under a cap take this leg? Posting what is pending cannot break a cap: the hold
 * counted already. */
static ps_ledger_outcome leg_caps_check(leg_check *check, const ps_leg *leg)
{
    if (!is_new(leg)) {
        return PS_LEDGER_OK;
    }
    const ps_account *d = ps_ledger_account(check->ledger, leg->debit);
    const ps_account *c = ps_ledger_account(check->ledger, leg->credit);
    if ((d->flags & PS_ACCOUNT_DEBITS_CAPPED) != 0 &&
        ps_account_headroom(totals_of(check, leg->debit)) < leg->amount) {
        return PS_LEDGER_INSUFFICIENT_FUNDS;
    }
    if ((c->flags & PS_ACCOUNT_CREDITS_CAPPED) != 0) {
        const ps_account_totals *totals = totals_of(check, leg->credit);
        if (totals->debits_posted - totals->credits_posted - totals->credits_pending <
            leg->amount) {
            return PS_LEDGER_EXCEEDS_DEBITS;
        }
    }
    return PS_LEDGER_OK;
}

/* Moves one leg's amount on the totals of its two accounts. False: a 128-bit total would overflow.
 * */
static bool totals_move(uint8_t kind, int64_t amount, ps_account_totals *debit,
                        ps_account_totals *credit)
{
    ps_i128 ignored;
    switch ((ps_leg_kind)kind) {
    case PS_LEG_POSTED:
        if (!ps_i128_add(debit->debits_posted, amount, &ignored) ||
            !ps_i128_add(credit->credits_posted, amount, &ignored)) {
            return false;
        }
        debit->debits_posted += amount;
        credit->credits_posted += amount;
        return true;
    case PS_LEG_PENDING:
        if (!ps_i128_add(debit->debits_pending, amount, &ignored) ||
            !ps_i128_add(credit->credits_pending, amount, &ignored)) {
            return false;
        }
        debit->debits_pending += amount;
        credit->credits_pending += amount;
        return true;
    case PS_LEG_POST:
        if (!ps_i128_add(debit->debits_posted, amount, &ignored) ||
            !ps_i128_add(credit->credits_posted, amount, &ignored)) {
            return false;
        }
        debit->debits_pending -= amount;
        debit->debits_posted += amount;
        credit->credits_pending -= amount;
        credit->credits_posted += amount;
        return true;
    case PS_LEG_VOID:
        debit->debits_pending -= amount;
        credit->credits_pending -= amount;
        return true;
    }
    return false;
}

/* Voiding the rest of a transfer that was posted in part leaves it posted. */
static uint8_t state_after(const ps_leg *leg, int64_t left, int64_t posted)
{
    if (left > 0) {
        return PS_TRANSFER_PENDING;
    }
    if (posted > 0) {
        return PS_TRANSFER_POSTED;
    }
    return (leg->flags & PS_LEG_EXPIRE) != 0 ? PS_TRANSFER_EXPIRED : PS_TRANSFER_VOIDED;
}

static ps_ledger_outcome leg_check_one(leg_check *check, const ps_leg *leg)
{
    touched_transfer *transfer = NULL;
    uint32_t debit = leg->debit;
    uint32_t credit = leg->credit;
    if (leg->amount <= 0 || leg->amount > PS_AMOUNT_MAX) {
        return PS_LEDGER_AMOUNT_INVALID;
    }
    if (!is_new(leg)) {
        transfer = transfer_of(check, leg->slot);
        if (transfer == NULL) {
            return PS_LEDGER_TRANSFER_MISSING;
        }
        ps_ledger_outcome resolved = resolved_outcome(transfer->state);
        if (resolved != PS_LEDGER_OK) {
            return resolved;
        }
        if (leg->amount > transfer->left) {
            return PS_LEDGER_AMOUNT_OVER_PENDING;
        }
        debit = transfer->debit;
        credit = transfer->credit;
    }
    ps_ledger_outcome outcome = leg_form_check(check, leg, debit, credit);
    if (outcome == PS_LEDGER_OK) {
        outcome = leg_caps_check(check, leg);
    }
    if (outcome != PS_LEDGER_OK) {
        return outcome;
    }
    if (!totals_move(leg->kind, leg->amount, totals_of(check, debit), totals_of(check, credit))) {
        return PS_LEDGER_OVERFLOW;
    }
    if (transfer != NULL) {
        transfer->left -= leg->amount;
        transfer->posted += leg->kind == PS_LEG_POST ? leg->amount : 0;
        transfer->state = state_after(leg, transfer->left, transfer->posted);
    } else if (leg->kind == PS_LEG_PENDING) {
        touched_transfer *made = &check->transfers[check->transfer_count++];
        *made = (touched_transfer){PS_LEG_SLOT_PREVIOUS, debit, credit,
                                   leg->amount,          0,     PS_TRANSFER_PENDING};
    }
    return PS_LEDGER_OK;
}

static const ps_ledger_counters *counters_of(const ps_ledger *ledger)
{
    return (const ps_ledger_counters *)(const void *)ledger->counters.data;
}

static bool takes_slot(const ps_leg *leg)
{
    return leg->kind == PS_LEG_PENDING ||
           (leg->kind == PS_LEG_POSTED && (leg->flags & PS_LEG_KEEP) != 0);
}

/* Room for what the legs may add: transfer slots, and at worst a checkpoint for both accounts of
 * each leg. */
static bool has_room(const ps_ledger *ledger, const ps_leg *legs, uint32_t leg_count)
{
    uint64_t slots_wanted = 0;
    for (uint32_t i = 0; i < leg_count; i++) {
        slots_wanted += takes_slot(&legs[i]) ? 1 : 0;
    }
    uint64_t slots_new =
        (ledger->transfers.size_max - ledger->transfers.size) / sizeof(ps_transfer);
    uint64_t checkpoints =
        (ledger->checkpoints.size_max - ledger->checkpoints.size) / sizeof(ps_account_checkpoint);
    return slots_wanted <= slots_new + counters_of(ledger)->free_slot_count &&
           2 * (uint64_t)leg_count <= checkpoints;
}

ps_ledger_outcome ps_ledger_check(ps_ledger *ledger, const ps_leg *legs, uint32_t leg_count,
                                  uint32_t *out_leg)
{
    PS_ASSERT(leg_count > 0 && leg_count <= PS_LEGS_MAX);
    leg_check check;
    check.ledger = ledger;
    check.account_count = 0;
    check.transfer_count = 0;
    ps_ledger_outcome outcome = PS_LEDGER_OK;
    uint32_t leg = 0;
    while (leg < leg_count && outcome == PS_LEDGER_OK) {
        PS_ASSERT(legs[leg].kind <= PS_LEG_VOID);
        outcome = leg_check_one(&check, &legs[leg]);
        leg++;
    }
    if (outcome == PS_LEDGER_OK && !has_room(ledger, legs, leg_count)) {
        outcome = PS_LEDGER_FULL;
    }
    if (outcome != PS_LEDGER_OK && out_leg != NULL) {
        *out_leg = leg - 1;
    }
    return outcome;
}

/* ── apply ── */

static ps_ledger_counters *counters_mut(ps_ledger *ledger)
{
    ps_region_touch(&ledger->counters, ledger->counters.data, sizeof(ps_ledger_counters));
    return (ps_ledger_counters *)(void *)ledger->counters.data;
}

static ps_transfer *transfer_mut(ps_ledger *ledger, uint32_t slot)
{
    ps_transfer *transfer = (ps_transfer *)(void *)ledger->transfers.data + slot;
    ps_region_touch(&ledger->transfers, transfer, sizeof *transfer);
    return transfer;
}

static uint32_t slot_take(ps_ledger *ledger)
{
    ps_ledger_counters *counters = counters_mut(ledger);
    if (counters->free_slot_count > 0) {
        counters->free_slot_count--;
        const uint32_t *stack = (const uint32_t *)(const void *)ledger->free_slots.data;
        return stack[counters->free_slot_count];
    }
    ps_transfer *transfer = ps_region_extend(&ledger->transfers, sizeof *transfer);
    PS_ASSERT(transfer != NULL);
    return (uint32_t)(transfer - (ps_transfer *)(void *)ledger->transfers.data);
}

static void slot_free(ps_ledger *ledger, uint32_t slot)
{
    ps_ledger_counters *counters = counters_mut(ledger);
    uint64_t offset = counters->free_slot_count * sizeof(uint32_t);
    if (offset == ledger->free_slots.size) {
        void *more = ps_region_extend(&ledger->free_slots, sizeof(uint32_t));
        PS_ASSERT(more != NULL);
    }
    char *at = ledger->free_slots.data + offset;
    ps_region_touch(&ledger->free_slots, at, sizeof slot);
    ps_put_u32(at, slot);
    counters->free_slot_count++;
    memset(transfer_mut(ledger, slot), 0, sizeof(ps_transfer));
}

/* The transfer of a new leg; keeps a slot when it is pending or asked to be kept. */
static void leg_open(ps_ledger *ledger, ps_leg *leg)
{
    leg->transfer = counters_mut(ledger)->next_transfer++;
    if (!takes_slot(leg)) {
        leg->slot = PS_INDEX_NONE;
        return;
    }
    leg->slot = slot_take(ledger);
    ps_transfer *transfer = transfer_mut(ledger, leg->slot);
    bool is_pending = leg->kind == PS_LEG_PENDING;
    transfer->number = leg->transfer;
    transfer->amount = leg->amount;
    transfer->left = is_pending ? leg->amount : 0;
    transfer->posted = is_pending ? 0 : leg->amount;
    transfer->debit = leg->debit;
    transfer->credit = leg->credit;
    transfer->state = is_pending ? PS_TRANSFER_PENDING : PS_TRANSFER_POSTED;
    transfer->kept = (leg->flags & PS_LEG_KEEP) != 0;
    if (is_pending) {
        counters_mut(ledger)->open_pending_count++;
    }
}

/* Posts or voids part of a pending transfer. */
static void leg_resolve(ps_ledger *ledger, ps_leg *leg)
{
    ps_transfer *transfer = transfer_mut(ledger, leg->slot);
    PS_ASSERT(transfer->number != 0 && transfer->state == PS_TRANSFER_PENDING);
    PS_ASSERT(leg->amount <= transfer->left);
    leg->transfer = transfer->number;
    leg->debit = transfer->debit;
    leg->credit = transfer->credit;
    transfer->left -= leg->amount;
    transfer->posted += leg->kind == PS_LEG_POST ? leg->amount : 0;
    transfer->state = state_after(leg, transfer->left, transfer->posted);
    if (transfer->left > 0) {
        return;
    }
    counters_mut(ledger)->open_pending_count--;
    if (transfer->kept == 0) {
        slot_free(ledger, leg->slot);
    }
}

static void checkpoint_make(ps_ledger *ledger, uint32_t number, ps_account *account)
{
    const ps_account_checkpoint *all = (const void *)ledger->checkpoints.data;
    uint64_t covered =
        account->last_checkpoint == PS_INDEX_NONE ? 0 : all[account->last_checkpoint].entry_count;
    if (account->entry_count - covered < PS_ACCOUNT_CHECKPOINT_EVERY) {
        return;
    }
    ps_account_checkpoint *checkpoint = ps_region_extend(&ledger->checkpoints, sizeof *checkpoint);
    PS_ASSERT(checkpoint != NULL);
    checkpoint->totals = account->totals;
    checkpoint->seq = account->last_seq;
    checkpoint->time_ns = account->last_ns;
    checkpoint->entry_count = account->entry_count;
    checkpoint->account = number;
    checkpoint->previous = account->last_checkpoint;
    account->last_checkpoint = (uint32_t)(checkpoint - all);
}

/* A new entry on an account: returns it for writing, with its chain moved on to this record. */
static ps_account *entry_begin(ps_ledger *ledger, uint32_t number, uint64_t seq, int64_t now_ns,
                               uint64_t *out_prev_seq)
{
    PS_ASSERT(number < ps_ledger_account_count(ledger));
    ps_account *account = (ps_account *)(void *)ledger->accounts.data + number;
    ps_region_touch(&ledger->accounts, account, sizeof *account);
    PS_ASSERT(seq >= account->last_seq);
    if (account->last_seq != seq) {
        checkpoint_make(ledger, number, account);
    }
    *out_prev_seq = account->last_seq;
    account->last_seq = seq;
    account->last_ns = now_ns;
    account->entry_count++;
    return account;
}

static void leg_apply(ps_ledger *ledger, ps_leg *leg, uint64_t seq, int64_t now_ns)
{
    PS_ASSERT(leg->amount > 0 && leg->amount <= PS_AMOUNT_MAX);
    if (is_new(leg)) {
        leg_open(ledger, leg);
    } else {
        leg_resolve(ledger, leg);
    }
    PS_ASSERT(leg->debit != leg->credit);
    ps_account *debit = entry_begin(ledger, leg->debit, seq, now_ns, &leg->debit_prev_seq);
    ps_account *credit = entry_begin(ledger, leg->credit, seq, now_ns, &leg->credit_prev_seq);
    PS_ASSERT(debit->book == credit->book && debit->currency == credit->currency);
    bool fits = totals_move(leg->kind, leg->amount, &debit->totals, &credit->totals);
    PS_ASSERT(fits);
    PS_ASSERT(debit->totals.debits_pending >= 0 && credit->totals.credits_pending >= 0);
    PS_ASSERT((debit->flags & PS_ACCOUNT_DEBITS_CAPPED) == 0 ||
              ps_account_headroom(&debit->totals) >= 0);
}

void ps_ledger_apply(ps_ledger *ledger, ps_leg *legs, uint32_t leg_count, uint64_t seq,
                     int64_t now_ns)
{
    PS_ASSERT(leg_count > 0 && leg_count <= PS_LEGS_MAX);
    uint32_t newest_slot = PS_INDEX_NONE;
    for (uint32_t i = 0; i < leg_count; i++) {
        ps_leg *leg = &legs[i];
        const ps_leg recorded = *leg;
        if (!is_new(leg) && leg->slot == PS_LEG_SLOT_PREVIOUS) {
            leg->slot = newest_slot;
        }
        leg_apply(ledger, leg, seq, now_ns);
        if (leg->kind == PS_LEG_PENDING) {
            newest_slot = leg->slot;
        }
        /* A leg that comes from the journal has a transfer number: it must be the one that we came
         * to. */
        PS_ASSERT(recorded.transfer == 0 || memcmp(&recorded, leg, sizeof *leg) == 0);
    }
}

const ps_transfer *ps_ledger_transfer(const ps_ledger *ledger, uint32_t slot)
{
    if (slot >= ledger->transfers.size / sizeof(ps_transfer)) {
        return NULL;
    }
    const ps_transfer *transfer = (const ps_transfer *)(const void *)ledger->transfers.data + slot;
    return transfer->number != 0 ? transfer : NULL;
}

void ps_account_totals_undo(ps_account_totals *totals, const ps_leg *leg, uint32_t account)
{
    PS_ASSERT(account == leg->debit || account == leg->credit);
    bool is_debit = account == leg->debit;
    ps_i128 *pending = is_debit ? &totals->debits_pending : &totals->credits_pending;
    ps_i128 *posted = is_debit ? &totals->debits_posted : &totals->credits_posted;
    switch ((ps_leg_kind)leg->kind) {
    case PS_LEG_POSTED:
        *posted -= leg->amount;
        break;
    case PS_LEG_PENDING:
        *pending -= leg->amount;
        break;
    case PS_LEG_POST:
        *posted -= leg->amount;
        *pending += leg->amount;
        break;
    case PS_LEG_VOID:
        *pending += leg->amount;
        break;
    }
    PS_ASSERT(*pending >= 0 && *posted >= 0);
}
