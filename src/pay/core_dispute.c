/* Disputes: the amount leaves the merchant when one opens, and goes back, or to the payer, when it
 * ends. Nobody answering in time is the same as accepting: lost. */
#include "base/time.h"
#include "pay/flow.h"

static const int64_t respond_within_ns = 7 * 24 * 3600 * PS_NS_PER_S;
static const int64_t try_again_ns = 24 * 3600 * PS_NS_PER_S;

/* ── open ── */

static ps_refusal open_check(const ps_effect_payment *payment, int64_t *amount, int64_t *detail)
{
    const ps_counters *counters = &payment->counters;
    if (payment->phase != PS_PHASE_OPEN || counters->captured == 0) {
        *detail = payment->status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    int64_t disputable = ps_payment_refundable(counters, payment->phase);
    if (*amount == 0) {
        *amount = disputable;
    }
    if (*amount > disputable || disputable == 0) {
        *detail = disputable;
        return PS_REFUSED_REFUND_TOO_LARGE;
    }
    return PS_REFUSED_NONE;
}

static void opened(ps_emit *emit, const ps_command *command, ps_effect_payment *payment,
                   int64_t amount, ps_top_up top_up)
{
    const ps_core *core = emit->core;
    ps_effect_dispute dispute = {
        .dispute = ps_dispute_count(core) + 1,
        .respond_by_ns = emit->now_ns + respond_within_ns,
        .amount = amount,
        .trade = ps_flow_trade(emit, payment, PS_TRADE_DISPUTE, PS_TRADE_PENDING, amount),
        .payment = payment->payment,
        .previous_of_payment = ps_payment_at(core, payment->payment)->newest_dispute,
        .currency = payment->currency,
        .status = PS_DISPUTE_OPENED,
        .from_reserve = top_up.from_reserve,
        .from_receivable = top_up.from_receivable};
    void *effect = ps_emit_put_dispute(emit, &dispute, PS_EVENT_DISPUTE_OPENED);
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_REASON, command->u.refund.reason);
    ps_emit_text(emit, PS_TEXT_PAYMENT_ID, command->u.refund.payment);
    ps_emit_texts_end(emit);
    ps_emit_apply(emit, effect);
    ps_emit_subject(emit, PS_ID_DISPUTE, dispute.dispute);
    payment->counters.disputed += amount;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_DISPUTED);
}

ps_refusal ps_handle_dispute_open(ps_core *core, const ps_command *command, ps_emit *emit,
                                  int64_t *detail)
{
    uint32_t number = ps_payment_find(core, command->book, command->u.refund.payment);
    if (number == 0) {
        return PS_REFUSED_PAYMENT_UNKNOWN;
    }
    ps_effect_payment payment = ps_payment_at(core, number)->body;
    if ((payment.flags & PS_PAYMENT_LIVE) != 0) {
        return PS_REFUSED_TEST_MODE_ONLY;
    }
    int64_t amount = command->amount;
    ps_refusal refusal = open_check(&payment, &amount, detail);
    if (refusal != PS_REFUSED_NONE) {
        return refusal;
    }
    uint32_t source = ps_flow_source(emit, &payment);
    uint32_t held = ps_emit_account_of(emit, PS_ROLE_DISPUTE_HOLD, PS_SLICE(""), payment.currency);
    ps_leg_list list;
    list.count = 0;
    ps_top_up top_up = ps_flow_top_up(emit, &payment, source, amount, &list);
    ps_legs_add(&list, PS_LEG_POSTED, source, held, amount);
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, list.legs, list.count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, list.legs, list.count);
    opened(emit, command, &payment, amount, top_up);
    return PS_REFUSED_NONE;
}

/* ── challenge ── */

/* False: refused with what is in *out_refusal. */
static PS_CHECKED bool dispute_target(ps_emit *emit, const ps_command *command,
                                      ps_effect_dispute *out_dispute, ps_refusal *out_refusal,
                                      int64_t *detail)
{
    uint32_t number = ps_dispute_find(emit->core, command->book, command->target);
    if (number == 0) {
        *out_refusal = PS_REFUSED_NOT_FOUND;
        return false;
    }
    *out_dispute = ps_dispute_at(emit->core, number)->body;
    ps_emit_subject(emit, PS_ID_DISPUTE, number);
    if (out_dispute->status != PS_DISPUTE_OPENED && out_dispute->status != PS_DISPUTE_CHALLENGED) {
        *detail = out_dispute->status; /* of the dispute: the subject's kind says so */
        *out_refusal = PS_REFUSED_STATE_CONFLICT;
        return false;
    }
    return true;
}

ps_refusal ps_handle_dispute_challenge(ps_core *core, const ps_command *command, ps_emit *emit,
                                       int64_t *detail)
{
    (void)core;
    ps_effect_dispute dispute;
    ps_refusal refusal;
    if (!dispute_target(emit, command, &dispute, &refusal, detail)) {
        return refusal;
    }
    dispute.status = PS_DISPUTE_CHALLENGED;
    ps_emit_dispute(emit, &dispute, PS_EVENT_DISPUTE_CHALLENGED);
    return PS_REFUSED_NONE;
}

/* ── end ── */

static void won(ps_emit *emit, ps_effect_payment *payment, ps_effect_dispute *dispute)
{
    ps_emit_trade_status(emit, payment, dispute->trade, dispute->currency, PS_TRADE_FAILURE);
    dispute->status = PS_DISPUTE_WON;
    ps_emit_dispute(emit, dispute, PS_EVENT_DISPUTE_WON);
    payment->counters.disputed -= dispute->amount;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_UPDATED);
}

static void lost(ps_emit *emit, ps_effect_payment *payment, ps_effect_dispute *dispute)
{
    ps_emit_trade_status(emit, payment, dispute->trade, dispute->currency, PS_TRADE_SUCCESS);
    dispute->status = PS_DISPUTE_LOST;
    ps_emit_dispute(emit, dispute, PS_EVENT_DISPUTE_LOST);
    payment->counters.disputed -= dispute->amount;
    payment->counters.charged_back += dispute->amount;
    bool is_all = payment->counters.charged_back == payment->counters.captured;
    ps_emit_payment(emit, payment,
                    is_all ? PS_EVENT_PAYMENT_CHARGED_BACK : PS_EVENT_PAYMENT_UPDATED);
}

static ps_refusal dispute_end(ps_emit *emit, ps_effect_dispute *dispute, bool is_won)
{
    ps_effect_payment payment = ps_payment_at(emit->core, dispute->payment)->body;
    uint32_t held = ps_emit_account_of(emit, PS_ROLE_DISPUTE_HOLD, PS_SLICE(""), dispute->currency);
    ps_leg_list list;
    list.count = 0;
    if (is_won) {
        uint32_t back = ps_flow_source(emit, &payment);
        ps_legs_add(&list, PS_LEG_POSTED, held, back, dispute->amount);
        const ps_top_up top_up = {dispute->from_reserve, dispute->from_receivable};
        ps_flow_top_up_return(emit, &payment, back, top_up, &list);
    } else {
        ps_legs_add(&list, PS_LEG_POSTED, held, payment.account_payer, dispute->amount);
    }
    ps_ledger_outcome outcome = ps_ledger_check(&emit->core->ledger, list.legs, list.count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, list.legs, list.count);
    if (is_won) {
        won(emit, &payment, dispute);
    } else {
        lost(emit, &payment, dispute);
    }
    return PS_REFUSED_NONE;
}

ps_refusal ps_handle_dispute_accept(ps_core *core, const ps_command *command, ps_emit *emit,
                                    int64_t *detail)
{
    (void)core;
    ps_effect_dispute dispute;
    ps_refusal refusal;
    if (!dispute_target(emit, command, &dispute, &refusal, detail)) {
        return refusal;
    }
    return dispute_end(emit, &dispute, false);
}

ps_refusal ps_handle_dispute_end(ps_core *core, const ps_command *command, ps_emit *emit,
                                 int64_t *detail)
{
    (void)core;
    ps_effect_dispute dispute;
    ps_refusal refusal;
    if (!dispute_target(emit, command, &dispute, &refusal, detail)) {
        return refusal;
    }
    return dispute_end(emit, &dispute, command->u.dispute.won);
}

void ps_fire_dispute(ps_emit *emit, uint32_t number)
{
    ps_effect_dispute dispute = ps_dispute_at(emit->core, number)->body;
    ps_emit_book(emit, dispute.book);
    ps_emit_subject(emit, PS_ID_DISPUTE, number);
    if (dispute_end(emit, &dispute, false) != PS_REFUSED_NONE) {
        /* the payer's account is frozen: later */
        dispute.respond_by_ns = emit->now_ns + try_again_ns;
        ps_emit_dispute(emit, &dispute, PS_EVENT_NONE);
    }
}
