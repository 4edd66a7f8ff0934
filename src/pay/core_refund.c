/* Refunds: from the merchant back to where the money came from.
 *
 * The amount is held at once (a pending leg) and counts as refund_pending; it is posted when the
 * rail says yes and released when it says no. A wallet says yes at once; so does, for want of a
 * route by which a live rail could answer a refund, a live card; the simulator by its script.
 */
#include "base/time.h"
#include "journal/planted.h"
#include "pay/flow.h"

static ps_refusal refund_check(const ps_effect_payment *payment, int64_t *amount, int64_t *detail)
{
    const ps_counters *counters = &payment->counters;
    if (payment->phase != PS_PHASE_OPEN || counters->captured == 0) {
        *detail = payment->status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    if (payment->failed_refunds >= PS_FAILED_REFUNDS_MAX) {
        return PS_REFUSED_TOO_MANY_ATTEMPTS;
    }
    int64_t refundable = ps_payment_refundable(counters, payment->phase);
    if (*amount == 0) {
        *amount = refundable;
    }
    bool is_more = *amount > refundable || refundable == 0;
    if (is_more && !PS_PLANTED(PS_BUG_REFUND_UNDERFLOW)) {
        *detail = refundable;
        return PS_REFUSED_REFUND_TOO_LARGE;
    }
    return PS_REFUSED_NONE;
}

static void texts_write(ps_emit *emit, const ps_command *command)
{
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_REASON, command->u.refund.reason);
    ps_emit_text(emit, PS_TEXT_REFERENCE, command->reference);
    ps_emit_text(emit, PS_TEXT_PAYMENT_ID, command->u.refund.payment);
    ps_emit_texts_end(emit);
}

/* ── outcomes: the legs are applied already ── */

static void refund_succeeded(ps_emit *emit, ps_effect_payment *payment, ps_effect_refund *refund)
{
    payment->counters.refund_pending -= refund->amount;
    payment->counters.refunded += refund->amount;
    refund->status = PS_REFUND_SUCCEEDED;
    refund->hold_slot = PS_INDEX_NONE;
    refund->deadline_ns = 0;
    ps_emit_refund(emit, refund, PS_EVENT_REFUND_SUCCEEDED);
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_REFUNDED);
}

/* Gives the held amount back to where it came from. The simulator says no within the record that
 * asked, so the books are as they were when the hold was made. */
static void hold_release(ps_emit *emit, const ps_effect_payment *payment,
                         const ps_effect_refund *refund)
{
    uint32_t source = ps_ledger_transfer(&emit->core->ledger, refund->hold_slot)->debit;
    const ps_top_up top_up = {refund->from_reserve, refund->from_receivable};
    ps_leg_list list;
    list.count = 0;
    ps_legs_add_resolve(&list, PS_LEG_VOID, refund->hold_slot, refund->amount);
    ps_flow_top_up_return(emit, payment, source, top_up, &list);
    ps_emit_legs(emit, list.legs, list.count);
}

static void refund_failed(ps_emit *emit, ps_effect_payment *payment, ps_effect_refund *refund)
{
    hold_release(emit, payment, refund);
    ps_emit_trade_status(emit, payment, refund->trade, refund->currency, PS_TRADE_FAILURE);
    payment->counters.refund_pending -= refund->amount;
    payment->failed_refunds++;
    refund->status = PS_REFUND_FAILED;
    refund->hold_slot = PS_INDEX_NONE;
    refund->deadline_ns = 0;
    ps_emit_refund(emit, refund, PS_EVENT_REFUND_FAILED);
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_UPDATED);
}

/* ── create ── */

static void refund_emit(ps_emit *emit, const ps_command *command, ps_effect_refund *refund)
{
    void *effect = ps_emit_put_refund(emit, refund, PS_EVENT_REFUND_CREATED);
    texts_write(emit, command);
    ps_emit_apply(emit, effect);
    ps_emit_subject(emit, PS_ID_REFUND, refund->refund);
}

static ps_effect_refund refund_new(const ps_emit *emit, const ps_effect_payment *payment,
                                   int64_t amount, ps_top_up top_up)
{
    const ps_core *core = emit->core;
    return (ps_effect_refund){.refund = ps_refund_count(core) + 1,
                              .amount = amount,
                              .payment = payment->payment,
                              .previous_of_payment =
                                  ps_payment_at(core, payment->payment)->newest_refund,
                              .hold_slot = PS_INDEX_NONE,
                              .currency = payment->currency,
                              .status = PS_REFUND_PENDING,
                              .rail_script = payment->rail_script,
                              .from_reserve = top_up.from_reserve,
                              .from_receivable = top_up.from_receivable};
}

static bool is_pending_at_first(const ps_effect_payment *payment)
{
    return payment->rail == PS_RAIL_SIMULATOR && (payment->rail_script == PS_SCRIPT_REFUND_SLOW ||
                                                  payment->rail_script == PS_SCRIPT_REFUND_FAILS);
}

ps_refusal ps_handle_refund_create(ps_core *core, const ps_command *command, ps_emit *emit,
                                   int64_t *detail)
{
    uint32_t number = ps_payment_find(core, command->book, command->u.refund.payment);
    if (number == 0) {
        return PS_REFUSED_PAYMENT_UNKNOWN;
    }
    ps_effect_payment payment = ps_payment_at(core, number)->body;
    int64_t amount = command->amount;
    ps_refusal refusal = refund_check(&payment, &amount, detail);
    if (refusal != PS_REFUSED_NONE) {
        return refusal;
    }
    bool is_pending = is_pending_at_first(&payment);
    uint32_t source = ps_flow_source(emit, &payment);
    ps_leg_list list;
    list.count = 0;
    ps_top_up top_up = ps_flow_top_up(emit, &payment, source, amount, &list);
    uint32_t hold = list.count;
    ps_legs_add(&list, PS_LEG_PENDING, source, payment.account_payer, amount);
    if (!is_pending) {
        ps_legs_add_resolve(&list, PS_LEG_POST, PS_LEG_SLOT_PREVIOUS, amount);
    }
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, list.legs, list.count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, list.legs, list.count);
    ps_effect_refund refund = refund_new(emit, &payment, amount, top_up);
    refund.trade = ps_flow_trade(emit, &payment, PS_TRADE_REFUND,
                                 is_pending ? PS_TRADE_PENDING : PS_TRADE_SUCCESS, amount);
    payment.counters.refund_pending += amount;
    if (!is_pending) {
        refund_emit(emit, command, &refund);
        refund_succeeded(emit, &payment, &refund);
        return PS_REFUSED_NONE;
    }
    refund.hold_slot = list.legs[hold].slot;
    bool fails = payment.rail_script == PS_SCRIPT_REFUND_FAILS;
    refund.deadline_ns = fails ? 0 : emit->now_ns + core->options.simulator_delay_ns;
    refund_emit(emit, command, &refund);
    ps_emit_payment(emit, &payment, PS_EVENT_PAYMENT_UPDATED);
    if (fails) {
        refund_failed(emit, &payment, &refund);
    }
    return PS_REFUSED_NONE;
}

/* ── timers ── */

void ps_fire_refund(ps_emit *emit, uint32_t number)
{
    ps_effect_refund refund = ps_refund_at(emit->core, number)->body;
    ps_effect_payment payment = ps_payment_at(emit->core, refund.payment)->body;
    PS_ASSERT(refund.status == PS_REFUND_PENDING);
    ps_emit_book(emit, refund.book);
    ps_emit_subject(emit, PS_ID_REFUND, number);
    ps_leg_list list;
    list.count = 0;
    ps_legs_add_resolve(&list, PS_LEG_POST, refund.hold_slot, refund.amount);
    ps_emit_legs(emit, list.legs, list.count);
    ps_emit_trade_status(emit, &payment, refund.trade, refund.currency, PS_TRADE_SUCCESS);
    refund_succeeded(emit, &payment, &refund);
}
