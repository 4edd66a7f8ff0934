/* Settlement batches: which captured money is paid out when.
 *
 * One batch per (book, merchant, currency) is open and takes captures; its sums run along as
 * payments change (ps_settlement_apply_payment), so that closing it is one record, whatever the
 * number of its items. A batch whose gross would pass PS_AMOUNT_MAX stays open beside a newer one.
 *
 *   close    merchant:pending → available, then the payout: what is available less what the
 *            merchant owes (receivable)
 *   confirm  posts the payout; then the payments' `settled` counters, PS_WALK_EFFECTS a record,
 *            the first in the same one, the others by timer
 *   fail     voids the payout, gives `net` back to merchant:pending and the items to an open batch
 *
 * Between records the headroom of merchant:pending is at least the sum of the nets of the open
 * batches: what refunds and disputes could not take there came from other accounts of the merchant.
 * The trade record of the settlement is the one before payout_trade.
 */
#include "base/time.h"
#include "pay/emit.h"

enum { PS_WALK_EFFECTS = 200, PS_WALK_ITEMS = 2000 };
/* Between two records of a walk, so that other commands get in between. */
static const int64_t walk_pause_ns = PS_NS_PER_MS;

/* ── look-ups ── */

uint32_t ps_settlement_find(const ps_core *core, uint32_t book, ps_slice id)
{
    uint64_t number;
    int64_t created_ns;
    if (!ps_id_parse(core->instance, PS_ID_SETTLEMENT, id, &number, &created_ns) || number == 0 ||
        number > ps_settlement_count(core)) {
        return 0;
    }
    const ps_effect_settlement *batch = &ps_settlement_at(core, number)->body;
    return batch->created_ns == created_ns && batch->book == book ? (uint32_t)number : 0;
}

/* The merchant's newest batch of this currency, open or not; 0: none. */
static uint32_t newest_batch(const ps_core *core, uint32_t merchant, ps_currency currency)
{
    uint32_t number = ps_party_at(core, merchant)->newest_of_currency;
    while (number != 0 && ps_settlement_at(core, number)->body.currency != currency) {
        number = ps_settlement_at(core, number)->other_currency;
    }
    return number;
}

static bool is_open(const ps_core *core, uint32_t number)
{
    return number != 0 && number != PS_INDEX_NONE &&
           ps_settlement_at(core, number)->body.status == PS_SETTLEMENT_OPEN;
}

/* Where the items of this batch are now. */
static uint32_t batch_now(const ps_core *core, uint32_t number)
{
    while (ps_settlement_at(core, number)->merged_into != 0) {
        number = ps_settlement_at(core, number)->merged_into;
    }
    return number;
}

/* Sum of the nets of the open batches of (merchant, currency) but `except`. */
static ps_i128 other_open_nets(const ps_core *core, uint32_t merchant, ps_currency currency,
                               uint32_t except)
{
    ps_i128 sum = 0;
    uint32_t number = newest_batch(core, merchant, currency);
    while (number != 0) {
        const ps_settlement *batch = ps_settlement_at(core, number);
        if (number != except && batch->body.status == PS_SETTLEMENT_OPEN && batch->body.net > 0) {
            sum += batch->body.net;
        }
        number = batch->older_open;
    }
    return sum;
}

int64_t ps_settlement_deadline_ns(const ps_core *core, uint32_t settlement)
{
    const ps_effect_settlement *batch = &ps_settlement_at(core, settlement)->body;
    bool walks = batch->status == PS_SETTLEMENT_PAID && batch->next_to_settle != PS_INDEX_NONE;
    return walks ? batch->updated_ns + walk_pause_ns : 0;
}

/* ── the effect ── */

/* Puts a new batch at the head of its merchant's lists. */
static void batch_link(ps_core *core, const ps_effect_settlement *body)
{
    uint32_t old = newest_batch(core, body->merchant, body->currency);
    uint32_t before = 0;
    uint32_t walk = ps_party_at(core, body->merchant)->newest_of_currency;
    while (old != 0 && walk != old) {
        before = walk;
        walk = ps_settlement_at(core, walk)->other_currency;
    }
    ps_settlement *batch = ps_table_add(&core->settlements, sizeof *batch);
    ps_party *party = ps_party_mut(core, body->merchant);
    batch->previous_of_merchant = party->newest_settlement;
    batch->last_item = PS_INDEX_NONE;
    party->newest_settlement = body->settlement;
    if (old == 0) {
        batch->other_currency = party->newest_of_currency;
        party->newest_of_currency = body->settlement;
        return;
    }
    ps_settlement *replaced = ps_settlement_mut(core, old);
    batch->other_currency = replaced->other_currency;
    replaced->other_currency = 0;
    if (replaced->body.status == PS_SETTLEMENT_OPEN) {
        batch->older_open = old;
    } else {
        batch->older_open = replaced->older_open;
        replaced->older_open = 0;
    }
    if (before == 0) {
        party->newest_of_currency = body->settlement;
    } else {
        ps_settlement_mut(core, before)->other_currency = body->settlement;
    }
}

/* A batch that is closed leaves the list of open ones; the newest stays as the list's head. */
static void batch_unlink_open(ps_core *core, const ps_effect_settlement *body)
{
    uint32_t number = newest_batch(core, body->merchant, body->currency);
    if (number == body->settlement) {
        return;
    }
    while (ps_settlement_at(core, number)->older_open != body->settlement) {
        number = ps_settlement_at(core, number)->older_open;
        PS_ASSERT(number != 0);
    }
    ps_settlement *batch = ps_settlement_mut(core, body->settlement);
    ps_settlement_mut(core, number)->older_open = batch->older_open;
    batch->older_open = 0;
}

static void batch_sum(ps_effect_settlement *body)
{
    body->net = body->gross - body->fees - body->refunds - body->disputes;
}

static void link_set_next(ps_core *core, uint32_t link, uint32_t next)
{
    if ((link & PS_ITEM_EXTRA) != 0) {
        ps_settlement_item_mut(core, link & ~PS_ITEM_EXTRA)->next = next;
    } else {
        ps_payment_mut(core, link)->body.next_in_settlement = next;
    }
}

/* The items of a failed batch go to the newest open one (which the handler has made sure of): two
 * lists are joined, no item is touched but the last. */
static void batch_merge(ps_core *core, uint32_t number)
{
    ps_settlement *failed = ps_settlement_mut(core, number);
    uint32_t target = newest_batch(core, failed->body.merchant, failed->body.currency);
    PS_ASSERT(is_open(core, target));
    PS_ASSERT(failed->body.first_item != PS_INDEX_NONE);
    ps_settlement *open = ps_settlement_mut(core, target);
    link_set_next(core, failed->last_item, open->body.first_item);
    if (open->body.first_item == PS_INDEX_NONE) {
        open->last_item = failed->last_item;
    }
    open->body.first_item = failed->body.first_item;
    open->body.item_count += failed->body.item_count;
    open->body.gross += failed->body.gross;
    open->body.card_gross += failed->body.card_gross;
    open->body.fees += failed->body.fees;
    open->body.refunds += failed->body.refunds;
    open->body.disputes += failed->body.disputes;
    batch_sum(&open->body);
    failed->body.first_item = PS_INDEX_NONE;
    failed->last_item = PS_INDEX_NONE;
    failed->merged_into = target;
}

void ps_apply_settlement(ps_core *core, const ps_apply_context *at,
                         const ps_effect_settlement *effect)
{
    bool is_new = effect->settlement == ps_settlement_count(core) + 1;
    if (is_new) {
        PS_ASSERT(effect->status == PS_SETTLEMENT_OPEN);
        batch_link(core, effect);
    }
    ps_settlement *batch = ps_settlement_mut(core, effect->settlement);
    uint8_t status_before = is_new ? PS_SETTLEMENT_OPEN : batch->body.status;
    batch->body = *effect;
    batch->body.head.event = PS_EVENT_NONE;
    batch->last_seq = at->seq;
    if (status_before == PS_SETTLEMENT_OPEN && effect->status != PS_SETTLEMENT_OPEN) {
        batch_unlink_open(core, effect);
    }
    if (effect->status == PS_SETTLEMENT_FAILED) {
        batch_merge(core, effect->settlement);
    }
    int64_t deadline_ns = ps_settlement_deadline_ns(core, effect->settlement);
    if (deadline_ns != 0) {
        ps_timer_push(core, PS_TIMER_SETTLEMENT, effect->settlement, deadline_ns);
    }
}

/* ── payments ── */

/* An open batch that has room for `gross` more; made when there is none. */
static uint32_t open_batch(ps_emit *emit, uint32_t merchant, ps_currency currency, int64_t gross)
{
    uint32_t number = newest_batch(emit->core, merchant, currency);
    if (is_open(emit->core, number) &&
        ps_settlement_at(emit->core, number)->body.gross <= PS_AMOUNT_MAX - gross) {
        return number;
    }
    ps_effect_settlement body = {.settlement = ps_settlement_count(emit->core) + 1,
                                 .merchant = merchant,
                                 .book = emit->book,
                                 .payout_slot = PS_INDEX_NONE,
                                 .first_item = PS_INDEX_NONE,
                                 .next_to_settle = PS_INDEX_NONE,
                                 .currency = currency,
                                 .status = PS_SETTLEMENT_OPEN};
    void *effect = ps_emit_put_settlement(emit, &body, PS_EVENT_NONE);
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_MERCHANT, ps_party_name(emit->core, merchant));
    ps_emit_texts_end(emit);
    ps_emit_apply(emit, effect);
    return body.settlement;
}

void ps_settlement_add_capture(ps_emit *emit, ps_effect_payment *payment, int64_t amount)
{
    PS_ASSERT(amount > 0);
    const ps_core *core = emit->core;
    uint32_t batch = open_batch(emit, payment->merchant, payment->currency, amount);
    if (payment->settlement == batch) {
        payment->captured_in_batch += amount;
        return;
    }
    bool link_is_free = payment->settlement == PS_INDEX_NONE ||
                        ps_settlement_at(core, batch_now(core, payment->settlement))->body.status ==
                            PS_SETTLEMENT_SETTLED;
    if (link_is_free) {
        payment->settlement = batch;
        payment->captured_in_batch = amount;
        payment->next_in_settlement = ps_settlement_at(core, batch)->body.first_item;
    }
    /* Otherwise the payment is still in the list of an earlier batch, and nothing changes but its
     * `captured`: ps_settlement_apply_payment makes an extra item of that. */
}

bool ps_settlement_holds_all(const ps_core *core, const ps_effect_payment *payment)
{
    return is_open(core, payment->settlement) &&
           payment->captured_in_batch == payment->counters.captured;
}

static void item_add(ps_settlement *batch, uint32_t link)
{
    batch->body.first_item = link;
    batch->body.item_count++;
    if (batch->last_item == PS_INDEX_NONE) {
        batch->last_item = link;
    }
}

static void extra_add(ps_core *core, uint32_t batch_number, uint32_t payment, int64_t amount)
{
    ps_settlement *batch = ps_settlement_mut(core, batch_number);
    ps_settlement_item *item = ps_table_add(&core->settlement_items, sizeof *item);
    item->amount = amount;
    item->payment = payment;
    item->settlement = batch_number;
    item->next = batch->body.first_item;
    item_add(batch, PS_ITEM_EXTRA | ps_settlement_item_count(core));
}

/* What a change of the payment does to the open batch's sums, but for refunds and disputes. */
static void captured_changed(ps_core *core, const ps_effect_payment *before,
                             const ps_effect_payment *after)
{
    int64_t change = after->counters.captured - before->counters.captured;
    uint32_t number = after->settlement;
    if (after->settlement != before->settlement) {
        PS_ASSERT(change == after->captured_in_batch);
        PS_ASSERT(after->next_in_settlement == ps_settlement_at(core, number)->body.first_item);
        item_add(ps_settlement_mut(core, number), after->payment);
    } else if (after->captured_in_batch == before->captured_in_batch) {
        PS_ASSERT(change > 0);
        number = newest_batch(core, after->merchant, after->currency);
        extra_add(core, number, after->payment, change);
    } else {
        PS_ASSERT(change == after->captured_in_batch - before->captured_in_batch);
    }
    PS_ASSERT(is_open(core, number));
    ps_effect_settlement *body = &ps_settlement_mut(core, number)->body;
    body->gross += change;
    body->card_gross += after->instrument == PS_INSTRUMENT_CARD ? change : 0;
    body->fees += after->counters.fee_taken - before->counters.fee_taken;
    if (change < 0 && after->captured_in_batch == 0) {
        body->item_count--;
    }
    batch_sum(body);
}

void ps_settlement_apply_payment(ps_core *core, const ps_effect_payment *before,
                                 const ps_effect_payment *after)
{
    static const ps_effect_payment nothing = {.settlement = PS_INDEX_NONE};
    if (before == NULL) {
        before = &nothing;
    }
    const ps_counters *was = &before->counters;
    const ps_counters *is = &after->counters;
    int64_t refunds = is->refunded + is->refund_pending - was->refunded - was->refund_pending;
    int64_t disputes = is->disputed + is->charged_back - was->disputed - was->charged_back;
    if ((refunds != 0 || disputes != 0) && ps_settlement_holds_all(core, before)) {
        ps_effect_settlement *body = &ps_settlement_mut(core, before->settlement)->body;
        body->refunds += refunds;
        body->disputes += disputes;
        batch_sum(body);
    }
    if (is->captured != was->captured) {
        captured_changed(core, before, after);
    }
}

/* ── close ── */

typedef struct {
    ps_leg legs[5];
    uint32_t leg_count;
    int64_t payout;
} ps_close_plan;

static void plan_leg(ps_close_plan *plan, ps_leg_kind kind, uint32_t debit, uint32_t credit,
                     ps_i128 amount)
{
    PS_ASSERT(amount > 0 && amount <= PS_AMOUNT_MAX);
    PS_ASSERT(plan->leg_count < sizeof plan->legs / sizeof plan->legs[0]);
    plan->legs[plan->leg_count++] = (ps_leg){.kind = (uint8_t)kind,
                                             .slot = PS_INDEX_NONE,
                                             .debit = debit,
                                             .credit = credit,
                                             .amount = (int64_t)amount};
}

static ps_i128 at_most(ps_i128 value, ps_i128 max)
{
    return value < max ? value : max;
}

static ps_i128 headroom(const ps_core *core, uint32_t account)
{
    return account == PS_INDEX_NONE
               ? 0
               : ps_account_headroom(&ps_ledger_account(&core->ledger, account)->totals);
}

/* Posted debits less credits: what the merchant owes (negative: what it is owed). */
static ps_i128 receivable_balance(const ps_core *core, uint32_t account)
{
    return account == PS_INDEX_NONE ? 0 : -headroom(core, account);
}

static uint32_t merchant_account(const ps_core *core, const ps_effect_settlement *batch,
                                 ps_account_role role)
{
    return ps_account_of(core, batch->book, role, ps_party_name(core, batch->merchant),
                         batch->currency);
}

/* What closing this batch would pay out; ≤ 0: it cannot be closed now. */
static ps_i128 payout_of(const ps_core *core, const ps_effect_settlement *batch, ps_i128 *out_moved)
{
    if (batch->item_count == 0 || batch->net <= 0) {
        return 0;
    }
    uint32_t pending = merchant_account(core, batch, PS_ROLE_MERCHANT_PENDING);
    uint32_t available = merchant_account(core, batch, PS_ROLE_MERCHANT_AVAILABLE);
    uint32_t receivable = merchant_account(core, batch, PS_ROLE_MERCHANT_RECEIVABLE);
    ps_i128 others = other_open_nets(core, batch->merchant, batch->currency, batch->settlement);
    *out_moved = at_most(headroom(core, pending) - others, PS_AMOUNT_MAX);
    if (*out_moved <= 0) {
        return 0;
    }
    return at_most(headroom(core, available) + *out_moved - receivable_balance(core, receivable),
                   PS_AMOUNT_MAX);
}

static uint32_t batch_to_close(const ps_core *core, uint32_t merchant, ps_currency currency)
{
    uint32_t newest = newest_batch(core, merchant, currency);
    if (newest == 0) {
        return 0;
    }
    ps_i128 moved;
    uint32_t older = ps_settlement_at(core, newest)->older_open;
    if (older != 0 && payout_of(core, &ps_settlement_at(core, older)->body, &moved) > 0) {
        return older;
    }
    bool closable =
        is_open(core, newest) && payout_of(core, &ps_settlement_at(core, newest)->body, &moved) > 0;
    return closable ? newest : 0;
}

/* Dr bank / Cr scheme_receivable, or back: the card rail pays for its part of the batch. */
static void plan_card(ps_emit *emit, ps_close_plan *plan, const ps_effect_settlement *batch,
                      bool back)
{
    if (batch->card_gross == 0) {
        return;
    }
    ps_rail_kind rail =
        ps_book_at(emit->core, batch->book)->live != 0 ? PS_RAIL_CARD : PS_RAIL_SIMULATOR;
    uint32_t bank =
        ps_emit_account_of(emit, PS_ROLE_BANK_MAIN, (ps_slice){NULL, 0}, batch->currency);
    uint32_t scheme = ps_emit_account_of(emit, PS_ROLE_SCHEME_RECEIVABLE,
                                         ps_slice_text(ps_rail_name(rail)), batch->currency);
    plan_leg(plan, PS_LEG_POSTED, back ? scheme : bank, back ? bank : scheme, batch->card_gross);
}

static void plan_close(ps_emit *emit, const ps_effect_settlement *batch, ps_close_plan *plan)
{
    const ps_core *core = emit->core;
    ps_i128 moved = 0;
    plan->payout = (int64_t)payout_of(core, batch, &moved);
    uint32_t pending = merchant_account(core, batch, PS_ROLE_MERCHANT_PENDING);
    uint32_t available = ps_emit_account_of(emit, PS_ROLE_MERCHANT_AVAILABLE,
                                            ps_party_name(core, batch->merchant), batch->currency);
    uint32_t receivable = merchant_account(core, batch, PS_ROLE_MERCHANT_RECEIVABLE);
    uint32_t bank =
        ps_emit_account_of(emit, PS_ROLE_BANK_MAIN, (ps_slice){NULL, 0}, batch->currency);
    ps_i128 owed = receivable_balance(core, receivable);
    plan_leg(plan, PS_LEG_POSTED, pending, available, moved);
    if (owed > 0) {
        plan_leg(plan, PS_LEG_POSTED, available, receivable, at_most(owed, PS_AMOUNT_MAX));
    } else if (owed < 0) {
        plan_leg(plan, PS_LEG_POSTED, receivable, available, at_most(-owed, PS_AMOUNT_MAX));
    }
    plan_card(emit, plan, batch, false);
    plan_leg(plan, PS_LEG_PENDING, available, bank, plan->payout);
}

ps_refusal ps_handle_settlement_close(ps_core *core, const ps_command *command, ps_emit *emit,
                                      int64_t *detail)
{
    (void)detail;
    uint32_t merchant = ps_party_find(core, command->book, false, command->u.settlement.merchant);
    uint32_t number = merchant == 0 ? 0 : batch_to_close(core, merchant, command->currency);
    if (number == 0) {
        return PS_REFUSED_NOTHING_TO_SETTLE;
    }
    ps_effect_settlement body = ps_settlement_at(core, number)->body;
    ps_close_plan plan = {.leg_count = 0};
    plan_close(emit, &body, &plan);
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, plan.legs, plan.leg_count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, plan.legs, plan.leg_count);
    ps_trade_new settled = {.kind = PS_TRADE_SETTLEMENT,
                            .status = PS_TRADE_SUCCESS,
                            .amount = body.net,
                            .currency = body.currency};
    ps_emit_trade(emit, NULL, &settled);
    ps_trade_new paid = {.kind = PS_TRADE_PAYOUT,
                         .status = PS_TRADE_PENDING,
                         .amount = plan.payout,
                         .currency = body.currency};
    body.payout_trade = ps_emit_trade(emit, NULL, &paid);
    body.payout_slot = plan.legs[plan.leg_count - 1].slot;
    body.status = PS_SETTLEMENT_CLOSED;
    ps_emit_settlement(emit, &body, PS_EVENT_SETTLEMENT_CLOSED);
    ps_emit_subject(emit, PS_ID_SETTLEMENT, number);
    return PS_REFUSED_NONE;
}

/* ── confirm ── */

/* Marks one item settled; returns the link to the next. */
static uint32_t item_settle(ps_emit *emit, uint32_t link, uint32_t *emitted)
{
    const ps_core *core = emit->core;
    uint32_t number = link;
    uint32_t next;
    int64_t amount;
    if ((link & PS_ITEM_EXTRA) != 0) {
        const ps_settlement_item *item = ps_settlement_item_at(core, link & ~PS_ITEM_EXTRA);
        number = item->payment;
        amount = item->amount;
        next = item->next;
    } else {
        amount = ps_payment_at(core, number)->body.captured_in_batch;
        next = ps_payment_at(core, number)->body.next_in_settlement;
    }
    if (amount > 0) {
        ps_effect_payment payment = ps_payment_at(core, number)->body;
        payment.counters.settled += amount;
        PS_ASSERT(payment.counters.settled <= payment.counters.captured);
        ps_emit_payment(emit, &payment, PS_EVENT_PAYMENT_SETTLED);
        (*emitted)++;
    }
    return next;
}

/* Goes on with the items of a paid batch from `link`; the last one ends it. */
static void batch_walk(ps_emit *emit, uint32_t number, uint32_t link)
{
    uint32_t emitted = 0;
    for (uint32_t i = 0; i < PS_WALK_ITEMS && emitted < PS_WALK_EFFECTS && link != PS_INDEX_NONE;
         i++) {
        link = item_settle(emit, link, &emitted);
    }
    ps_effect_settlement body = ps_settlement_at(emit->core, number)->body;
    body.next_to_settle = link;
    if (link == PS_INDEX_NONE) {
        body.status = PS_SETTLEMENT_SETTLED;
    }
    ps_emit_settlement(emit, &body,
                       link == PS_INDEX_NONE ? PS_EVENT_SETTLEMENT_SETTLED : PS_EVENT_NONE);
}

static ps_leg payout_leg(const ps_core *core, const ps_effect_settlement *batch, ps_leg_kind kind)
{
    const ps_transfer *payout = ps_ledger_transfer(&core->ledger, batch->payout_slot);
    PS_ASSERT(payout != NULL && payout->left > 0);
    return (ps_leg){.kind = (uint8_t)kind, .slot = batch->payout_slot, .amount = payout->left};
}

ps_refusal ps_handle_settlement_confirm(ps_core *core, const ps_command *command, ps_emit *emit,
                                        int64_t *detail)
{
    uint32_t number = ps_settlement_find(core, command->book, command->target);
    if (number == 0) {
        return PS_REFUSED_NOT_FOUND;
    }
    ps_effect_settlement body = ps_settlement_at(core, number)->body;
    ps_emit_subject(emit, PS_ID_SETTLEMENT, number); /* a refusal names its status too */
    if (body.status != PS_SETTLEMENT_CLOSED) {
        *detail = body.status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    ps_leg leg = payout_leg(core, &body, PS_LEG_POST);
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, &leg, 1, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, &leg, 1);
    ps_emit_trade_status(emit, NULL, body.payout_trade, body.currency, PS_TRADE_SUCCESS);
    body.status = PS_SETTLEMENT_PAID;
    body.payout_slot = PS_INDEX_NONE;
    ps_emit_settlement(emit, &body, PS_EVENT_SETTLEMENT_PAID);
    batch_walk(emit, number, body.first_item);
    return PS_REFUSED_NONE;
}

void ps_fire_settlement(ps_emit *emit, uint32_t settlement)
{
    const ps_effect_settlement *batch = &ps_settlement_at(emit->core, settlement)->body;
    ps_emit_book(emit, batch->book);
    batch_walk(emit, settlement, batch->next_to_settle);
}

/* ── fail ── */

static void plan_fail(ps_emit *emit, const ps_effect_settlement *batch, ps_close_plan *plan)
{
    const ps_core *core = emit->core;
    ps_slice name = ps_party_name(core, batch->merchant);
    uint32_t pending = merchant_account(core, batch, PS_ROLE_MERCHANT_PENDING);
    uint32_t available = merchant_account(core, batch, PS_ROLE_MERCHANT_AVAILABLE);
    ps_leg returned = payout_leg(core, batch, PS_LEG_VOID);
    plan->payout = returned.amount;
    plan->legs[plan->leg_count++] = returned;
    /* what the merchant owed when the batch was closed, it owes again */
    ps_i128 missing = batch->net - headroom(core, available) - returned.amount;
    if (missing > 0) {
        uint32_t receivable =
            ps_emit_account_of(emit, PS_ROLE_MERCHANT_RECEIVABLE, name, batch->currency);
        plan_leg(plan, PS_LEG_POSTED, receivable, available, missing);
    }
    plan_leg(plan, PS_LEG_POSTED, available, pending, batch->net);
    plan_card(emit, plan, batch, true);
}

ps_refusal ps_handle_settlement_fail(ps_core *core, const ps_command *command, ps_emit *emit,
                                     int64_t *detail)
{
    uint32_t number = ps_settlement_find(core, command->book, command->target);
    if (number == 0) {
        return PS_REFUSED_NOT_FOUND;
    }
    ps_effect_settlement body = ps_settlement_at(core, number)->body;
    ps_emit_subject(emit, PS_ID_SETTLEMENT, number); /* a refusal names its status too */
    if (body.status != PS_SETTLEMENT_CLOSED) {
        *detail = body.status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    ps_close_plan plan = {.leg_count = 0};
    plan_fail(emit, &body, &plan);
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, plan.legs, plan.leg_count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, plan.legs, plan.leg_count);
    uint64_t settlement_trade = body.payout_trade - 1;
    ps_emit_trade_status(emit, NULL, body.payout_trade, body.currency, PS_TRADE_FAILURE);
    ps_emit_trade_status(emit, NULL, settlement_trade, body.currency, PS_TRADE_REVERSED);
    ps_trade_new reversal = {.kind = PS_TRADE_REVERSAL,
                             .status = PS_TRADE_SUCCESS,
                             .amount = body.net,
                             .reverses = settlement_trade,
                             .currency = body.currency};
    ps_emit_trade(emit, NULL, &reversal);
    open_batch(emit, body.merchant, body.currency, body.gross);
    body.status = PS_SETTLEMENT_FAILED;
    body.payout_slot = PS_INDEX_NONE;
    ps_emit_settlement(emit, &body, PS_EVENT_SETTLEMENT_FAILED);
    return PS_REFUSED_NONE;
}
