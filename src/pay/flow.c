#include "pay/flow.h"

bool ps_flow_payment(ps_emit *emit, ps_slice id, ps_effect_payment *out_payment)
{
    uint32_t number = ps_payment_find(emit->core, emit->book, id);
    if (number == 0) {
        return false;
    }
    *out_payment = ps_payment_at(emit->core, number)->body;
    ps_emit_subject(emit, PS_ID_PAYMENT, number);
    return true;
}

void ps_flow_show(ps_emit *emit, const ps_effect_payment *payment)
{
    ps_effect_payment *effect = ps_emit_put(emit, PS_EFFECT_PAYMENT, PS_EVENT_NONE, sizeof *effect);
    *effect = *payment;
    ps_emit_apply(emit, effect);
}

/* ── legs ── */

void ps_legs_add(ps_leg_list *list, ps_leg_kind kind, uint32_t debit, uint32_t credit,
                 int64_t amount)
{
    PS_ASSERT(list->count < PS_LEGS_MAX);
    list->legs[list->count++] = (ps_leg){.kind = (uint8_t)kind,
                                         .slot = PS_INDEX_NONE,
                                         .debit = debit,
                                         .credit = credit,
                                         .amount = amount};
}

void ps_legs_add_resolve(ps_leg_list *list, ps_leg_kind kind, uint32_t slot, int64_t amount)
{
    PS_ASSERT(list->count < PS_LEGS_MAX);
    list->legs[list->count++] = (ps_leg){.kind = (uint8_t)kind, .slot = slot, .amount = amount};
}

/* ── trade records ── */

uint64_t ps_flow_trade(ps_emit *emit, ps_effect_payment *payment, ps_trade_kind kind,
                       ps_trade_status status, int64_t amount)
{
    const ps_trade_new trade = {
        .kind = kind, .status = status, .amount = amount, .currency = payment->currency};
    return ps_emit_trade(emit, payment, &trade);
}

uint64_t ps_flow_trade_reversing(ps_emit *emit, ps_effect_payment *payment, ps_trade_kind kind,
                                 int64_t amount, uint64_t reverses, ps_slice reason)
{
    const ps_trade_new trade = {.kind = kind,
                                .status = PS_TRADE_SUCCESS,
                                .amount = amount,
                                .reverses = reverses,
                                .currency = payment->currency,
                                .reason = reason};
    return ps_emit_trade(emit, payment, &trade);
}

/* ── capture and release ── */

int64_t ps_flow_fee(ps_emit *emit, const ps_effect_payment *payment, int64_t amount,
                    ps_leg_list *list)
{
    int64_t due = payment->fee - payment->counters.fee_taken;
    int64_t fee = due < amount ? due : amount;
    if (fee > 0) {
        uint32_t income =
            ps_emit_account_of(emit, PS_ROLE_FEE_INCOME, PS_SLICE(""), payment->currency);
        ps_legs_add(list, PS_LEG_POSTED, payment->account_merchant, income, fee);
    }
    return fee;
}

void ps_flow_captured(ps_emit *emit, ps_effect_payment *payment, int64_t amount, int64_t fee)
{
    ps_flow_trade(emit, payment, PS_TRADE_CAPTURE, PS_TRADE_SUCCESS, amount);
    payment->counters.captured += amount;
    payment->counters.capturable -= amount;
    payment->counters.fee_taken += fee;
    if (payment->counters.capturable == 0) {
        payment->hold_slot = PS_INDEX_NONE;
        payment->expires_ns = 0;
        payment->deadline_ns = 0;
    }
    ps_settlement_add_capture(emit, payment, amount);
}

void ps_flow_release(ps_emit *emit, ps_effect_payment *payment, bool by_time)
{
    int64_t amount = payment->counters.capturable;
    ps_leg_list list = {.count = 0};
    ps_legs_add_resolve(&list, PS_LEG_VOID, payment->hold_slot, amount);
    list.legs[0].flags = by_time ? PS_LEG_EXPIRE : 0;
    ps_emit_legs(emit, list.legs, list.count);
    ps_slice reason = by_time ? PS_SLICE("expired") : PS_SLICE("cancelled");
    ps_flow_trade_reversing(emit, payment, PS_TRADE_VOID, amount, payment->auth_trade, reason);
    payment->counters.capturable = 0;
    payment->hold_slot = PS_INDEX_NONE;
    payment->expires_ns = 0;
    payment->deadline_ns = 0;
    if (payment->counters.captured != 0) {
        ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_CAPTURED); /* row 21 */
        return;
    }
    payment->phase = by_time ? PS_PHASE_EXPIRED : PS_PHASE_CANCELLED;
    ps_emit_payment(emit, payment, by_time ? PS_EVENT_PAYMENT_EXPIRED : PS_EVENT_PAYMENT_CANCELLED);
}

/* ── where refunds and disputes take from ── */

static uint32_t merchant_account(ps_emit *emit, const ps_effect_payment *payment,
                                 ps_account_role role)
{
    return ps_emit_account_of(emit, role, ps_party_name(emit->core, payment->merchant),
                              payment->currency);
}

uint32_t ps_flow_source(ps_emit *emit, const ps_effect_payment *payment)
{
    if (ps_settlement_holds_all(emit->core, payment)) {
        return payment->account_merchant;
    }
    return merchant_account(emit, payment, PS_ROLE_MERCHANT_AVAILABLE);
}

static int64_t at_most(ps_i128 value, int64_t max)
{
    return value < 0 ? 0 : value < max ? (int64_t)value : max;
}

static ps_i128 headroom(const ps_core *core, uint32_t account)
{
    return ps_account_headroom(&ps_ledger_account(&core->ledger, account)->totals);
}

ps_top_up ps_flow_top_up(ps_emit *emit, const ps_effect_payment *payment, uint32_t source,
                         int64_t amount, ps_leg_list *list)
{
    ps_top_up top_up = {0, 0};
    int64_t missing = amount - at_most(headroom(emit->core, source), amount);
    if (missing == 0) {
        return top_up;
    }
    uint32_t reserve =
        ps_account_of(emit->core, emit->book, PS_ROLE_MERCHANT_RESERVE,
                      ps_party_name(emit->core, payment->merchant), payment->currency);
    if (reserve != PS_INDEX_NONE) {
        top_up.from_reserve = at_most(headroom(emit->core, reserve), missing);
    }
    if (top_up.from_reserve > 0) {
        ps_legs_add(list, PS_LEG_POSTED, reserve, source, top_up.from_reserve);
    }
    top_up.from_receivable = missing - top_up.from_reserve;
    if (top_up.from_receivable > 0) {
        uint32_t receivable = merchant_account(emit, payment, PS_ROLE_MERCHANT_RECEIVABLE);
        ps_legs_add(list, PS_LEG_POSTED, receivable, source, top_up.from_receivable);
    }
    return top_up;
}

void ps_flow_top_up_return(ps_emit *emit, const ps_effect_payment *payment, uint32_t source,
                           ps_top_up top_up, ps_leg_list *list)
{
    if (top_up.from_receivable > 0) {
        uint32_t receivable = merchant_account(emit, payment, PS_ROLE_MERCHANT_RECEIVABLE);
        ps_legs_add(list, PS_LEG_POSTED, source, receivable, top_up.from_receivable);
    }
    if (top_up.from_reserve > 0) {
        uint32_t reserve = merchant_account(emit, payment, PS_ROLE_MERCHANT_RESERVE);
        ps_legs_add(list, PS_LEG_POSTED, source, reserve, top_up.from_reserve);
    }
}
