/* What rails answer.
 *
 *   wallet     the ledger itself: exact, at once
 *   simulator  test-mode cards, by token; delayed answers come by timer
 *   card       live cards: processing until a rail_result, unknown past the deadline
 */
#include <stdio.h>

#include "base/time.h"
#include "pay/flow.h"

/* ── the simulator's scripts ── */

typedef enum { PS_ANSWER_APPROVE, PS_ANSWER_DECLINE, PS_ANSWER_FAIL, PS_ANSWER_NONE } ps_answer;

typedef struct {
    const char *token;
    ps_answer answer;   /* at once, or when delayed */
    bool is_delayed;    /* by options.simulator_delay_ns */
    bool sync_resolves; /* /sync asks the rail, and it approves */
    ps_decline decline;
} ps_script_row;

static const ps_script_row scripts[PS_SCRIPT_COUNT] = {
    [PS_SCRIPT_OK] = {"tok_ok", PS_ANSWER_APPROVE, false, false, PS_DECLINE_NONE},
    [PS_SCRIPT_INSUFFICIENT_FUNDS] = {"tok_insufficient_funds", PS_ANSWER_DECLINE, false, false,
                                      PS_DECLINE_INSUFFICIENT_FUNDS},
    [PS_SCRIPT_DO_NOT_HONOUR] = {"tok_do_not_honour", PS_ANSWER_DECLINE, false, false,
                                 PS_DECLINE_DO_NOT_HONOUR},
    [PS_SCRIPT_EXPIRED_CARD] = {"tok_expired_card", PS_ANSWER_DECLINE, false, false,
                                PS_DECLINE_EXPIRED_CARD},
    [PS_SCRIPT_STOLEN_CARD] = {"tok_stolen_card", PS_ANSWER_DECLINE, false, false,
                               PS_DECLINE_STOLEN_CARD},
    [PS_SCRIPT_FAILED] = {"tok_failed", PS_ANSWER_FAIL, false, false, PS_DECLINE_NONE},
    [PS_SCRIPT_SLOW_OK] = {"tok_slow_ok", PS_ANSWER_APPROVE, true, false, PS_DECLINE_NONE},
    [PS_SCRIPT_SLOW_DECLINED] = {"tok_slow_declined", PS_ANSWER_DECLINE, true, false,
                                 PS_DECLINE_DO_NOT_HONOUR},
    [PS_SCRIPT_TIMEOUT] = {"tok_timeout", PS_ANSWER_NONE, false, true, PS_DECLINE_NONE},
    [PS_SCRIPT_SILENT] = {"tok_silent", PS_ANSWER_NONE, false, false, PS_DECLINE_NONE},
    [PS_SCRIPT_REFUND_FAILS] = {"tok_refund_fails", PS_ANSWER_APPROVE, false, false,
                                PS_DECLINE_NONE},
    [PS_SCRIPT_REFUND_SLOW] = {"tok_refund_slow", PS_ANSWER_APPROVE, false, false, PS_DECLINE_NONE},
};

ps_simulator_script ps_simulator_script_of(ps_slice token)
{
    for (int i = 0; i < PS_SCRIPT_COUNT; i++) {
        if (ps_slice_equal(token, ps_slice_text(scripts[i].token))) {
            return (ps_simulator_script)i;
        }
    }
    return PS_SCRIPT_OK;
}

/* ── outcomes ── */

/* The pending authorisation of a payment that was processing gets its fate. */
static void authorisation_resolve(ps_emit *emit, ps_effect_payment *payment, ps_trade_status status)
{
    if (payment->auth_trade != 0) {
        ps_emit_trade_status(emit, payment, payment->auth_trade, payment->currency, status);
    } else if (status == PS_TRADE_SUCCESS) {
        ps_flow_trade(emit, payment, PS_TRADE_AUTHORISATION, status, payment->amount);
        payment->auth_trade = payment->last_trade;
    }
}

void ps_flow_decline(ps_emit *emit, ps_effect_payment *payment, ps_decline decline)
{
    PS_ASSERT(decline != PS_DECLINE_NONE);
    authorisation_resolve(emit, payment, PS_TRADE_FAILURE);
    payment->phase = PS_PHASE_DECLINED;
    payment->decline = (uint8_t)decline;
    payment->deadline_ns = 0;
    payment->expires_ns = 0;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_DECLINED);
}

static void fail(ps_emit *emit, ps_effect_payment *payment)
{
    authorisation_resolve(emit, payment, PS_TRADE_FAILURE);
    payment->phase = PS_PHASE_FAILED;
    payment->deadline_ns = 0;
    payment->expires_ns = 0;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_FAILED);
}

static void process(ps_emit *emit, ps_effect_payment *payment, int64_t wait_ns)
{
    ps_flow_trade(emit, payment, PS_TRADE_AUTHORISATION, PS_TRADE_PENDING, payment->amount);
    payment->auth_trade = payment->last_trade;
    payment->phase = PS_PHASE_PROCESSING;
    payment->deadline_ns = emit->now_ns + wait_ns;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_PROCESSING);
}

/* ── approval: the hold, and the capture when it is automatic, as linked legs of one record ── */

/* The party's account of this currency, remembered or by name; PS_INDEX_NONE: none yet. */
static uint32_t party_account(const ps_emit *emit, uint32_t party_number, ps_account_role role,
                              ps_currency currency)
{
    const ps_party *party = ps_party_at(emit->core, party_number);
    if (party->account != PS_INDEX_NONE && party->currency == currency) {
        return party->account;
    }
    return ps_account_of(emit->core, emit->book, role, ps_party_name(emit->core, party_number),
                         currency);
}

/* A book has one card rail: its scheme's account differs by currency only. */
static uint32_t scheme_account(ps_emit *emit, const ps_effect_payment *payment)
{
    const ps_book *book = ps_book_at(emit->core, emit->book);
    if (book->has_scheme_account != 0 && book->scheme_currency == payment->currency) {
        return book->scheme_account;
    }
    ps_slice rail = ps_slice_text(ps_rail_name(payment->rail));
    return ps_emit_account_of(emit, PS_ROLE_SCHEME_RECEIVABLE, rail, payment->currency);
}

/* False: a wallet that was never opened. */
static PS_CHECKED bool accounts_find(ps_emit *emit, ps_effect_payment *payment)
{
    ps_currency currency = payment->currency;
    payment->account_payer = payment->rail == PS_RAIL_WALLET
                                 ? party_account(emit, payment->payer, PS_ROLE_PAYER, currency)
                                 : scheme_account(emit, payment);
    if (payment->account_payer == PS_INDEX_NONE) {
        return false;
    }
    payment->account_merchant =
        party_account(emit, payment->merchant, PS_ROLE_MERCHANT_PENDING, currency);
    if (payment->account_merchant == PS_INDEX_NONE) {
        payment->account_merchant = ps_emit_account_of(
            emit, PS_ROLE_MERCHANT_PENDING, ps_party_name(emit->core, payment->merchant), currency);
    }
    return true;
}

static ps_decline decline_of(ps_ledger_outcome outcome)
{
    ps_refusal refusal = ps_refusal_of_outcome(outcome);
    if (refusal == PS_REFUSED_ACCOUNT_FROZEN) {
        return PS_DECLINE_ACCOUNT_FROZEN;
    }
    if (refusal == PS_REFUSED_ACCOUNT_CLOSED) {
        return PS_DECLINE_ACCOUNT_CLOSED;
    }
    if (refusal == PS_REFUSED_INSUFFICIENT_FUNDS) {
        return PS_DECLINE_INSUFFICIENT_FUNDS;
    }
    PS_ASSERT(refusal == PS_REFUSED_LIMIT_EXCEEDED);
    return PS_DECLINE_LIMIT_EXCEEDED;
}

static void authorised(ps_emit *emit, ps_effect_payment *payment, uint32_t hold_slot)
{
    authorisation_resolve(emit, payment, PS_TRADE_SUCCESS);
    payment->phase = PS_PHASE_OPEN;
    payment->counters.authorised = payment->amount;
    payment->counters.capturable = payment->amount;
    payment->hold_slot = hold_slot;
    /* until now: as if authorised at creation */
    payment->expires_ns = emit->now_ns + (payment->expires_ns - payment->created_ns);
    bool is_manual = (payment->flags & PS_PAYMENT_MANUAL_CAPTURE) != 0;
    payment->deadline_ns = is_manual ? payment->expires_ns : 0;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_AUTHORISED);
}

ps_refusal ps_flow_approve(ps_emit *emit, ps_effect_payment *payment)
{
    if (!accounts_find(emit, payment)) {
        ps_flow_decline(emit, payment, PS_DECLINE_INSUFFICIENT_FUNDS);
        return PS_REFUSED_DECLINED;
    }
    bool is_manual = (payment->flags & PS_PAYMENT_MANUAL_CAPTURE) != 0;
    int64_t amount = payment->amount;
    int64_t fee = 0;
    PS_UNINITIALIZED ps_leg_list list;
    list.count = 0;
    ps_legs_add(&list, PS_LEG_PENDING, payment->account_payer, payment->account_merchant, amount);
    if (!is_manual) {
        ps_legs_add_resolve(&list, PS_LEG_POST, PS_LEG_SLOT_PREVIOUS, amount);
        fee = ps_flow_fee(emit, payment, amount, &list);
    }
    ps_ledger_outcome outcome = ps_ledger_check(&emit->core->ledger, list.legs, list.count, NULL);
    if (outcome != PS_LEDGER_OK) {
        ps_flow_decline(emit, payment, decline_of(outcome));
        return PS_REFUSED_DECLINED;
    }
    ps_emit_legs(emit, list.legs, list.count);
    authorised(emit, payment, list.legs[0].slot);
    if (!is_manual) {
        ps_flow_captured(emit, payment, amount, fee);
        ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_CAPTURED);
    }
    return PS_REFUSED_NONE;
}

static ps_refusal answer(ps_emit *emit, ps_effect_payment *payment, const ps_script_row *script)
{
    switch (script->answer) {
    case PS_ANSWER_APPROVE:
        return ps_flow_approve(emit, payment);
    case PS_ANSWER_DECLINE:
        ps_flow_decline(emit, payment, script->decline);
        return PS_REFUSED_DECLINED;
    case PS_ANSWER_FAIL:
        if (payment->phase != PS_PHASE_PROCESSING) {
            process(emit, payment, emit->core->options.rail_deadline_ns); /* row 6 */
        }
        fail(emit, payment);
        return PS_REFUSED_NONE;
    case PS_ANSWER_NONE:
        break;
    }
    return PS_REFUSED_NONE;
}

ps_refusal ps_flow_send(ps_emit *emit, ps_effect_payment *payment)
{
    const ps_core_options *options = &emit->core->options;
    switch ((ps_rail_kind)payment->rail) {
    case PS_RAIL_WALLET:
        return ps_flow_approve(emit, payment);
    case PS_RAIL_SIMULATOR: {
        const ps_script_row *script = &scripts[payment->rail_script];
        if (script->answer != PS_ANSWER_NONE && !script->is_delayed) {
            return answer(emit, payment, script);
        }
        process(emit, payment,
                script->is_delayed ? options->simulator_delay_ns : options->rail_deadline_ns);
        return PS_REFUSED_NONE;
    }
    case PS_RAIL_CARD:
        process(emit, payment, options->rail_deadline_ns);
        return PS_REFUSED_NONE;
    }
    return PS_REFUSED_NONE;
}

/* ── inquiry, late answers ── */

static bool waits_for_rail(const ps_effect_payment *payment)
{
    return payment->phase == PS_PHASE_PROCESSING || payment->phase == PS_PHASE_UNKNOWN;
}

ps_refusal ps_handle_payment_sync(ps_core *core, const ps_command *command, ps_emit *emit,
                                  int64_t *detail)
{
    (void)core;
    (void)detail;
    ps_effect_payment payment;
    if (!ps_flow_payment(emit, command->target, &payment)) {
        return PS_REFUSED_NOT_FOUND;
    }
    bool resolves = waits_for_rail(&payment) && payment.rail == PS_RAIL_SIMULATOR &&
                    scripts[payment.rail_script].sync_resolves;
    if (!resolves) {
        ps_flow_show(emit, &payment);
        return PS_REFUSED_NONE;
    }
    return ps_flow_approve(emit, &payment);
}

static void mismatch_alert(ps_emit *emit, const ps_command *command,
                           const ps_effect_payment *payment)
{
    char data[96];
    int size = snprintf(data, sizeof data, "{\"amount\":%lld,\"expected\":%lld}",
                        (long long)command->amount, (long long)payment->amount);
    PS_ASSERT(size > 0 && (size_t)size < sizeof data);
    ps_emit_risk_event(emit, &(ps_risk_event_new){.type = PS_RISK_FRAUD,
                                                  .severity = 3,
                                                  .kind = PS_SLICE("amount_mismatch"),
                                                  .payment_id = command->target,
                                                  .data = ps_slice_of(data, (size_t)size)});
}

/* Texts of the rail's answer belong to the payment's effect, the newest in the record. */
static void answer_texts(ps_emit *emit, const ps_command *command, bool is_decline)
{
    ps_slice code = is_decline ? command->u.rail.decline_code : ps_slice_of(NULL, 0);
    if (command->reference.size == 0 && code.size == 0) {
        return;
    }
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_RAIL_REFERENCE, command->reference);
    ps_emit_text(emit, PS_TEXT_DECLINE_CODE, code);
    ps_emit_texts_end(emit);
}

ps_refusal ps_handle_payment_rail_result(ps_core *core, const ps_command *command, ps_emit *emit,
                                         int64_t *detail)
{
    (void)core;
    ps_effect_payment payment;
    if (!ps_flow_payment(emit, command->target, &payment)) {
        return PS_REFUSED_NOT_FOUND;
    }
    *detail = payment.status;
    if (!waits_for_rail(&payment)) {
        return PS_REFUSED_STATE_CONFLICT;
    }
    if (command->amount != 0 && command->amount != payment.amount) {
        mismatch_alert(emit, command, &payment);
        return PS_REFUSED_AMOUNT_MISMATCH;
    }
    *detail = 0;
    if (command->reference.size != 0) {
        payment.rail_reference_seq = emit->seq;
    }
    switch (command->u.rail.outcome) {
    case PS_RAIL_APPROVED:
        /* declined after all when an account was frozen meanwhile: the payment says so */
        (void)ps_flow_approve(emit, &payment);
        break;
    case PS_RAIL_DECLINED:
        ps_flow_decline(emit, &payment, ps_decline_parse(command->u.rail.decline_code));
        break;
    case PS_RAIL_FAILED:
        fail(emit, &payment);
        break;
    }
    answer_texts(emit, command, command->u.rail.outcome == PS_RAIL_DECLINED);
    return PS_REFUSED_NONE;
}

/* ── timers ── */

static void fire_processing(ps_emit *emit, ps_effect_payment *payment)
{
    const ps_script_row *script = &scripts[payment->rail_script];
    if (payment->rail == PS_RAIL_SIMULATOR && script->is_delayed) {
        if (!ps_core_has_room(emit->core, PS_ROOM_BOOKS | PS_ROOM_HOLD)) {
            payment->deadline_ns = emit->now_ns + PS_NS_PER_S;
            ps_emit_payment(emit, payment, PS_EVENT_NONE);
            return;
        }
        (void)answer(emit, payment, script);
        return;
    }
    payment->phase = PS_PHASE_UNKNOWN;
    payment->deadline_ns = 0;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_UNKNOWN);
}

void ps_fire_payment(ps_emit *emit, uint32_t number)
{
    ps_effect_payment payment = ps_payment_at(emit->core, number)->body;
    ps_emit_book(emit, payment.book);
    ps_emit_subject(emit, PS_ID_PAYMENT, number);
    if (payment.phase == PS_PHASE_PROCESSING) {
        fire_processing(emit, &payment);
        return;
    }
    PS_ASSERT(payment.phase == PS_PHASE_OPEN && payment.counters.capturable > 0);
    ps_flow_release(emit, &payment, true);
}
