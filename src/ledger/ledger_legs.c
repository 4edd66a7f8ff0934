#include "ledger/ledger.h"

/* check works on copies of the totals and transfers that the legs touch, so that each leg sees the
 * ones before it and the state stays as it was. What the last leg touches is never copied: a single
 * leg, the common case, reads the accounts in place. apply writes the state itself, leg by leg. */

enum { TOUCHED_MAX = 2 * PS_LEGS_MAX };

/* For what is written before it is read: zeroing 3 KiB would cost more than the check. */
#define PS_UNINITIALIZED __attribute__((uninitialized))

static const ps_i128 total_max = (ps_i128)(~(unsigned __int128)0 >> 1);

typedef struct {
    uint32_t slot; /* of an existing transfer; PS_LEG_SLOT_PREVIOUS: made by a leg of the list */
    uint32_t debit, credit;
    int64_t left, posted;
    uint8_t state;
    uint8_t kept;
} touched_transfer;

typedef struct {
    const ps_ledger *ledger;
    uint64_t slots_left;
    uint64_t checkpoints_left;
    uint32_t account_count;
    uint32_t transfer_count;
    uint32_t accounts[TOUCHED_MAX]; /* beside `totals`, so that a search reads few lines */
    ps_account_totals totals[TOUCHED_MAX];
    touched_transfer transfers[PS_LEGS_MAX];
} leg_check;

/* One account of a leg as the legs before leave it. */
typedef struct {
    const ps_account *account;
    const ps_account_totals *totals;
    uint32_t number;
    uint32_t touched; /* place in leg_check.accounts; TOUCHED_MAX: no leg before is on it */
} leg_side;

static bool is_new(const ps_leg *leg)
{
    return leg->kind == PS_LEG_POSTED || leg->kind == PS_LEG_PENDING;
}

static bool takes_slot(const ps_leg *leg)
{
    return leg->kind == PS_LEG_PENDING ||
           (leg->kind == PS_LEG_POSTED && (leg->flags & PS_LEG_KEEP) != 0);
}

static const ps_ledger_counters *counters_of(const ps_ledger *ledger)
{
    return (const ps_ledger_counters *)(const void *)ledger->counters.data;
}

static void check_begin(leg_check *check, const ps_ledger *ledger)
{
    check->ledger = ledger;
    check->slots_left = counters_of(ledger)->free_slot_count +
                        (ledger->transfers.size_max - ledger->transfers.size) / sizeof(ps_transfer);
    check->checkpoints_left =
        (ledger->checkpoints.size_max - ledger->checkpoints.size) / sizeof(ps_account_checkpoint);
    check->account_count = 0;
    check->transfer_count = 0;
}

static leg_side side_get(const leg_check *check, uint32_t number)
{
    leg_side side = {.account = ps_ledger_account(check->ledger, number),
                     .number = number,
                     .touched = TOUCHED_MAX};
    side.totals = &side.account->totals;
    for (uint32_t i = 0; i < check->account_count; i++) {
        if (check->accounts[i] == number) {
            side.touched = i;
            side.totals = &check->totals[i];
        }
    }
    return side;
}

/* The copy that stands for this account from now on. */
static ps_account_totals *side_touch(leg_check *check, const leg_side *side)
{
    if (side->touched != TOUCHED_MAX) {
        return &check->totals[side->touched];
    }
    PS_ASSERT(check->account_count < TOUCHED_MAX);
    uint32_t place = check->account_count++;
    check->accounts[place] = side->number;
    check->totals[place] = *side->totals;
    return &check->totals[place];
}

/* The first leg of a record on an account may have to make a checkpoint (entry_begin). */
static uint64_t side_checkpoints(const leg_side *side)
{
    bool is_first = side->touched == TOUCHED_MAX;
    return is_first && side->account->since_checkpoint >= PS_ACCOUNT_CHECKPOINT_EVERY ? 1 : 0;
}

/* NULL: there is no such transfer. The newest first, for PS_LEG_SLOT_PREVIOUS. */
static touched_transfer *transfer_of(leg_check *check, uint32_t slot)
{
    for (uint32_t i = check->transfer_count; i > 0; i--) {
        if (check->transfers[i - 1].slot == slot) {
            return &check->transfers[i - 1];
        }
    }
    const ps_transfer *transfer = ps_ledger_transfer(check->ledger, slot);
    if (transfer == NULL) {
        return NULL;
    }
    PS_ASSERT(check->transfer_count < PS_LEGS_MAX);
    touched_transfer *touched = &check->transfers[check->transfer_count++];
    *touched = (touched_transfer){slot,           transfer->debit,  transfer->credit,
                                  transfer->left, transfer->posted, transfer->state,
                                  transfer->kept};
    return touched;
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
    PS_ASSERT(state <= PS_TRANSFER_EXPIRED);
    return PS_LEDGER_TRANSFER_MISSING;
}

static ps_ledger_outcome transfer_check(const touched_transfer *transfer, int64_t amount)
{
    if (transfer == NULL) {
        return PS_LEDGER_TRANSFER_MISSING;
    }
    ps_ledger_outcome outcome = resolved_outcome(transfer->state);
    if (outcome == PS_LEDGER_OK && amount > transfer->left) {
        outcome = PS_LEDGER_AMOUNT_OVER_PENDING;
    }
    return outcome;
}

/* Two accounts that are there: may this kind of leg join them? Posting and voiding what is pending
 * stays legal on frozen accounts; closed ones have nothing pending. */
static ps_ledger_outcome pair_check(const ps_leg *leg, const ps_account *debit,
                                    const ps_account *credit)
{
    if (debit == credit) {
        return PS_LEDGER_ACCOUNTS_SAME;
    }
    if (debit->book != credit->book) {
        return PS_LEDGER_BOOK_MISMATCH;
    }
    if (debit->currency != credit->currency) {
        return PS_LEDGER_CURRENCY_MISMATCH;
    }
    uint8_t flags = is_new(leg) ? debit->flags | credit->flags : 0;
    if ((flags & PS_ACCOUNT_CLOSED) != 0) {
        return PS_LEDGER_ACCOUNT_CLOSED;
    }
    return (flags & PS_ACCOUNT_FROZEN) != 0 ? PS_LEDGER_ACCOUNT_FROZEN : PS_LEDGER_OK;
}

/* What may still be credited under CREDITS_CAPPED. */
static ps_i128 credit_headroom(const ps_account_totals *totals)
{
    return totals->debits_posted - totals->credits_posted - totals->credits_pending;
}

/* Caps and overflow. Posting and voiding cannot break either: the hold counted already, because
 * pending and posted of one side are bounded as a sum. */
static ps_ledger_outcome totals_check(const ps_leg *leg, const leg_side *debit,
                                      const leg_side *credit)
{
    if (!is_new(leg)) {
        return PS_LEDGER_OK;
    }
    const ps_account_totals *d = debit->totals;
    const ps_account_totals *c = credit->totals;
    if ((debit->account->flags & PS_ACCOUNT_DEBITS_CAPPED) != 0 &&
        ps_account_headroom(d) < leg->amount) {
        return PS_LEDGER_INSUFFICIENT_FUNDS;
    }
    if ((credit->account->flags & PS_ACCOUNT_CREDITS_CAPPED) != 0 &&
        credit_headroom(c) < leg->amount) {
        return PS_LEDGER_EXCEEDS_DEBITS;
    }
    bool fits = d->debits_pending + d->debits_posted <= total_max - leg->amount &&
                c->credits_pending + c->credits_posted <= total_max - leg->amount;
    return fits ? PS_LEDGER_OK : PS_LEDGER_OVERFLOW;
}

/* Moves one leg's amount on the totals of its two accounts. */
static void totals_move(uint8_t kind, int64_t amount, ps_account_totals *debit,
                        ps_account_totals *credit)
{
    PS_ASSERT(debit != credit);
    switch ((ps_leg_kind)kind) {
    case PS_LEG_POSTED:
        debit->debits_posted += amount;
        credit->credits_posted += amount;
        break;
    case PS_LEG_PENDING:
        debit->debits_pending += amount;
        credit->credits_pending += amount;
        break;
    case PS_LEG_POST:
        debit->debits_pending -= amount;
        debit->debits_posted += amount;
        credit->credits_pending -= amount;
        credit->credits_posted += amount;
        break;
    case PS_LEG_VOID:
        debit->debits_pending -= amount;
        credit->credits_pending -= amount;
        break;
    }
    PS_ASSERT(debit->debits_pending >= 0 && credit->credits_pending >= 0);
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

/* Makes an accepted leg visible to the legs after it. */
static void check_advance(leg_check *check, const ps_leg *leg, touched_transfer *transfer,
                          const leg_side *debit, const leg_side *credit)
{
    PS_ASSERT(is_new(leg) == (transfer == NULL));
    check->checkpoints_left -= side_checkpoints(debit) + side_checkpoints(credit);
    check->slots_left -= takes_slot(leg) ? 1 : 0;
    ps_account_totals *debit_totals = side_touch(check, debit);
    totals_move(leg->kind, leg->amount, debit_totals, side_touch(check, credit));
    if (transfer != NULL) {
        transfer->left -= leg->amount;
        transfer->posted += leg->kind == PS_LEG_POST ? leg->amount : 0;
        transfer->state = state_after(leg, transfer->left, transfer->posted);
        check->slots_left += transfer->left == 0 && transfer->kept == 0 ? 1 : 0;
    } else if (leg->kind == PS_LEG_PENDING) {
        PS_ASSERT(check->transfer_count < PS_LEGS_MAX);
        check->transfers[check->transfer_count++] = (touched_transfer){
            .slot = PS_LEG_SLOT_PREVIOUS,
            .debit = debit->number,
            .credit = credit->number,
            .left = leg->amount,
            .state = PS_TRANSFER_PENDING,
            .kept = (leg->flags & PS_LEG_KEEP) != 0,
        };
    }
}

static ps_ledger_outcome leg_check_one(leg_check *check, const ps_leg *leg, bool is_last)
{
    touched_transfer *transfer = NULL;
    uint32_t debit_number = leg->debit;
    uint32_t credit_number = leg->credit;
    if (leg->amount <= 0) {
        return PS_LEDGER_AMOUNT_INVALID;
    }
    if (!is_new(leg)) {
        transfer = transfer_of(check, leg->slot);
        ps_ledger_outcome outcome = transfer_check(transfer, leg->amount);
        if (outcome != PS_LEDGER_OK) {
            return outcome;
        }
        debit_number = transfer->debit;
        credit_number = transfer->credit;
    }
    uint32_t account_count = ps_ledger_account_count(check->ledger);
    if (debit_number >= account_count || credit_number >= account_count) {
        return PS_LEDGER_ACCOUNT_MISSING;
    }
    leg_side debit = side_get(check, debit_number);
    leg_side credit = side_get(check, credit_number);
    ps_ledger_outcome outcome = pair_check(leg, debit.account, credit.account);
    if (outcome == PS_LEDGER_OK) {
        outcome = totals_check(leg, &debit, &credit);
    }
    if (outcome != PS_LEDGER_OK) {
        return outcome;
    }
    if ((takes_slot(leg) && check->slots_left == 0) ||
        side_checkpoints(&debit) + side_checkpoints(&credit) > check->checkpoints_left) {
        return PS_LEDGER_FULL;
    }
    if (!is_last) {
        check_advance(check, leg, transfer, &debit, &credit);
    }
    return PS_LEDGER_OK;
}

ps_ledger_outcome ps_ledger_check(ps_ledger *ledger, const ps_leg *legs, uint32_t leg_count,
                                  uint32_t *out_leg)
{
    PS_ASSERT(leg_count > 0 && leg_count <= PS_LEGS_MAX);
    PS_UNINITIALIZED leg_check check;
    check_begin(&check, ledger);
    for (uint32_t i = 0; i < leg_count; i++) {
        PS_ASSERT(legs[i].kind <= PS_LEG_VOID);
        ps_ledger_outcome outcome = leg_check_one(&check, &legs[i], i + 1 == leg_count);
        if (outcome == PS_LEDGER_OK) {
            continue;
        }
        if (out_leg != NULL) {
            *out_leg = i;
        }
        return outcome;
    }
    return PS_LEDGER_OK;
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
    PS_ASSERT(ps_ledger_transfer(ledger, slot) != NULL);
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
    PS_ASSERT(ps_ledger_transfer(ledger, leg->slot) != NULL);
    ps_transfer *transfer = transfer_mut(ledger, leg->slot);
    PS_ASSERT(transfer->state == PS_TRANSFER_PENDING);
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
    PS_ASSERT(account->last_seq > 0 && account->entry_count >= PS_ACCOUNT_CHECKPOINT_EVERY);
    ps_account_checkpoint *checkpoint = ps_region_extend(&ledger->checkpoints, sizeof *checkpoint);
    PS_ASSERT(checkpoint != NULL);
    checkpoint->totals = account->totals;
    checkpoint->seq = account->last_seq;
    checkpoint->time_ns = account->last_ns;
    checkpoint->entry_count = account->entry_count;
    checkpoint->account = number;
    checkpoint->previous = account->last_checkpoint;
    const ps_account_checkpoint *all = (const void *)ledger->checkpoints.data;
    account->last_checkpoint = (uint32_t)(checkpoint - all);
    account->since_checkpoint = 0;
}

/* A new entry on an account: returns it for writing, with its chain moved on to this record. */
static ps_account *entry_begin(ps_ledger *ledger, uint32_t number, uint64_t seq, int64_t now_ns,
                               uint64_t *out_prev_seq)
{
    PS_ASSERT(number < ps_ledger_account_count(ledger));
    ps_account *account = (ps_account *)(void *)ledger->accounts.data + number;
    ps_region_touch(&ledger->accounts, account, sizeof *account);
    PS_ASSERT(seq >= account->last_seq);
    if (account->since_checkpoint >= PS_ACCOUNT_CHECKPOINT_EVERY && account->last_seq != seq) {
        checkpoint_make(ledger, number, account);
    }
    *out_prev_seq = account->last_seq;
    account->last_seq = seq;
    account->last_ns = now_ns;
    account->entry_count++;
    if (account->since_checkpoint < PS_ACCOUNT_CHECKPOINT_EVERY) {
        account->since_checkpoint++;
    }
    return account;
}

static void leg_apply(ps_ledger *ledger, ps_leg *leg, uint64_t seq, int64_t now_ns)
{
    PS_ASSERT(leg->amount > 0);
    if (is_new(leg)) {
        leg_open(ledger, leg);
    } else {
        leg_resolve(ledger, leg);
    }
    ps_account *debit = entry_begin(ledger, leg->debit, seq, now_ns, &leg->debit_prev_seq);
    ps_account *credit = entry_begin(ledger, leg->credit, seq, now_ns, &leg->credit_prev_seq);
    PS_ASSERT(pair_check(leg, debit, credit) == PS_LEDGER_OK);
    const leg_side debit_side = {debit, &debit->totals, leg->debit, TOUCHED_MAX};
    const leg_side credit_side = {credit, &credit->totals, leg->credit, TOUCHED_MAX};
    PS_ASSERT(totals_check(leg, &debit_side, &credit_side) == PS_LEDGER_OK);
    totals_move(leg->kind, leg->amount, &debit->totals, &credit->totals);
}

/* A leg from the journal comes filled in: what we come to must be what is written there. */
static void leg_replay(ps_ledger *ledger, ps_leg *leg, uint64_t seq, int64_t now_ns)
{
    const ps_leg recorded = *leg;
    PS_ASSERT(recorded.transfer != 0);
    leg_apply(ledger, leg, seq, now_ns);
    PS_ASSERT(memcmp(&recorded, leg, sizeof *leg) == 0);
}

void ps_ledger_apply(ps_ledger *ledger, ps_leg *legs, uint32_t leg_count, uint64_t seq,
                     int64_t now_ns)
{
    PS_ASSERT(leg_count > 0 && leg_count <= PS_LEGS_MAX);
    PS_ASSERT(seq > 0);
    uint32_t newest_slot = PS_INDEX_NONE;
    for (uint32_t i = 0; i < leg_count; i++) {
        ps_leg *leg = &legs[i];
        if (leg->transfer != 0) {
            leg_replay(ledger, leg, seq, now_ns);
            continue;
        }
        if (!is_new(leg) && leg->slot == PS_LEG_SLOT_PREVIOUS) {
            leg->slot = newest_slot;
        }
        leg_apply(ledger, leg, seq, now_ns);
        newest_slot = leg->kind == PS_LEG_PENDING ? leg->slot : newest_slot;
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
