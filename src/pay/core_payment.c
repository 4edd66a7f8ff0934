/* What clients ask of a payment: create, confirm, review, capture, cancel, reverse. */
#include "base/time.h"
#include "pay/flow.h"

static const int64_t expires_in_default_ns = 7 * 24 * 3600 * PS_NS_PER_S;

/* ── create ── */

static bool reference_is_taken(const ps_core *core, uint64_t hash)
{
    ps_index_cursor cursor;
    for (uint32_t i = ps_index_first(&core->payments_by_reference, hash, &cursor);
         i != PS_INDEX_NONE; i = ps_index_next(&core->payments_by_reference, &cursor)) {
        if (ps_payment_at(core, i)->reference_hash == hash) {
            return true;
        }
    }
    return false;
}

/* What a request names that may be there already; 0: not yet, or not named. */
typedef struct {
    uint32_t merchant;
    uint32_t payer;
    uint64_t reference_hash;
} ps_parties;

/* The reference's place in the index is on its way while the payer is looked for. */
static ps_parties parties_find(const ps_core *core, const ps_command *command)
{
    const ps_payment_request *request = command->u.payment;
    ps_parties parties = {.merchant = ps_party_find(core, command->book, false, request->merchant)};
    if (request->reference.size != 0 && parties.merchant != 0) {
        parties.reference_hash = ps_core_reference_hash(core, parties.merchant, request->reference);
        ps_index_prefetch(&core->payments_by_reference, parties.reference_hash);
    }
    parties.payer = ps_party_find(core, command->book, true, request->payer);
    return parties;
}

static ps_refusal create_check(const ps_core *core, const ps_command *command,
                               const ps_parties *parties)
{
    const ps_payment_request *request = command->u.payment;
    if (request->client_id.size != 0 &&
        ps_payment_find(core, command->book, request->client_id) != 0) {
        return PS_REFUSED_DUPLICATE_ID;
    }
    if (parties->reference_hash != 0 && reference_is_taken(core, parties->reference_hash)) {
        return PS_REFUSED_DUPLICATE_REFERENCE;
    }
    return request->fee > request->amount ? PS_REFUSED_FEE_TOO_LARGE : PS_REFUSED_NONE;
}

static void texts_write(ps_emit *emit, const ps_payment_request *request)
{
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_MERCHANT, request->merchant);
    ps_emit_text(emit, PS_TEXT_PAYER, request->payer);
    ps_emit_text(emit, PS_TEXT_TOKEN, request->token);
    ps_emit_text(emit, PS_TEXT_BIN, request->bin);
    ps_emit_text(emit, PS_TEXT_LAST4, request->last4);
    ps_emit_text(emit, PS_TEXT_EXP, request->exp);
    ps_emit_text(emit, PS_TEXT_CARD_COUNTRY, request->card_country);
    ps_emit_text(emit, PS_TEXT_REFERENCE, request->reference);
    ps_emit_text(emit, PS_TEXT_DESCRIPTION, request->description);
    ps_emit_text(emit, PS_TEXT_METADATA, request->metadata);
    ps_emit_text(emit, PS_TEXT_IP, request->ip);
    ps_emit_text(emit, PS_TEXT_DEVICE, request->device);
    ps_emit_text(emit, PS_TEXT_EMAIL, request->email);
    ps_emit_text(emit, PS_TEXT_COUNTRY, request->country);
    ps_emit_text(emit, PS_TEXT_CHANNEL, request->channel);
    ps_emit_text(emit, PS_TEXT_USER_AGENT, request->user_agent);
    ps_emit_text(emit, PS_TEXT_CLIENT_ID, request->client_id);
    ps_emit_texts_end(emit);
}

static uint8_t flags_of(const ps_payment_request *request, bool is_live)
{
    return (uint8_t)((request->manual_capture ? PS_PAYMENT_MANUAL_CAPTURE : 0) |
                     (request->client_id.size != 0 ? PS_PAYMENT_CLIENT_ID : 0) |
                     (request->reference.size != 0 ? PS_PAYMENT_REFERENCED : 0) |
                     (is_live ? PS_PAYMENT_LIVE : 0));
}

static ps_rail_kind rail_of(const ps_payment_request *request, bool is_live)
{
    if (request->instrument == PS_INSTRUMENT_WALLET) {
        return PS_RAIL_WALLET;
    }
    return is_live ? PS_RAIL_CARD : PS_RAIL_SIMULATOR;
}

static void decide(const ps_core *core, const ps_payment_request *request,
                   ps_effect_payment *payment, int64_t now_ns)
{
    ps_action action = PS_ACTION_APPROVE;
    if (core->policy.decide != NULL) {
        core->policy.decide(core->policy.context, request, now_ns, &action, &payment->score);
    }
    payment->decision = (uint8_t)action;
}

static void payment_fill(ps_emit *emit, const ps_payment_request *request,
                         const ps_parties *parties, ps_effect_payment *out_payment)
{
    const ps_core *core = emit->core;
    bool is_live = ps_book_at(core, emit->book)->live != 0;
    int64_t expires_in_ns =
        request->expires_in_ns != 0 ? request->expires_in_ns : expires_in_default_ns;
    *out_payment = (ps_effect_payment){
        .payment = ps_payment_count(core) + 1,
        .expires_ns = emit->now_ns + expires_in_ns,
        .amount = request->amount,
        .fee = request->fee,
        .merchant = parties->merchant,
        .payer = parties->payer,
        .hold_slot = PS_INDEX_NONE,
        .account_merchant = PS_INDEX_NONE,
        .account_payer = PS_INDEX_NONE,
        .settlement = PS_INDEX_NONE,
        .currency = request->currency,
        .phase = PS_PHASE_CREATED,
        .flags = flags_of(request, is_live),
        .instrument = (uint8_t)request->instrument,
        .rail = (uint8_t)rail_of(request, is_live),
        .next_in_settlement = PS_INDEX_NONE,
    };
    if (out_payment->rail == PS_RAIL_SIMULATOR) {
        out_payment->rail_script = (uint8_t)ps_simulator_script_of(request->token);
    }
    out_payment->previous_of_merchant = ps_party_at(core, out_payment->merchant)->newest_payment;
    out_payment->previous_of_payer = ps_party_at(core, out_payment->payer)->newest_payment;
    decide(core, request, out_payment, emit->now_ns);
}

/* From created, by the decision that its first effect has stored (M19). */
static ps_refusal proceed(ps_emit *emit, ps_effect_payment *payment)
{
    switch ((ps_action)payment->decision) {
    case PS_ACTION_DECLINE:
        ps_flow_decline(emit, payment, PS_DECLINE_RISK);
        return PS_REFUSED_DECLINED;
    case PS_ACTION_CHALLENGE: /* no challenge can be put to the payer yet: a person looks at it */
    case PS_ACTION_REVIEW:
        payment->phase = PS_PHASE_IN_REVIEW;
        ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_IN_REVIEW);
        return PS_REFUSED_NONE;
    case PS_ACTION_NONE:
    case PS_ACTION_APPROVE:
        break;
    }
    return ps_flow_send(emit, payment);
}

ps_refusal ps_handle_payment_create(ps_core *core, const ps_command *command, ps_emit *emit,
                                    int64_t *detail)
{
    (void)detail;
    const ps_payment_request *request = command->u.payment;
    ps_parties parties = parties_find(core, command);
    ps_refusal refusal = create_check(core, command, &parties);
    if (refusal != PS_REFUSED_NONE) {
        return refusal;
    }
    if (parties.merchant == 0) {
        parties.merchant = ps_emit_party(emit, false, request->merchant);
    }
    if (parties.payer == 0) {
        parties.payer = ps_emit_party(emit, true, request->payer);
    }
    PS_UNINITIALIZED ps_effect_payment payment;
    payment_fill(emit, request, &parties, &payment);
    emit->reference_hash = parties.reference_hash;
    void *effect = ps_emit_put_payment(emit, &payment, PS_EVENT_PAYMENT_CREATED);
    texts_write(emit, request);
    ps_emit_apply(emit, effect);
    ps_emit_subject(emit, PS_ID_PAYMENT, payment.payment);
    return request->confirm ? proceed(emit, &payment) : PS_REFUSED_NONE;
}

/* ── confirm, review ── */

ps_refusal ps_handle_payment_confirm(ps_core *core, const ps_command *command, ps_emit *emit,
                                     int64_t *detail)
{
    (void)core;
    ps_effect_payment payment;
    if (!ps_flow_payment(emit, command->target, &payment)) {
        return PS_REFUSED_NOT_FOUND;
    }
    if (payment.phase != PS_PHASE_CREATED) {
        *detail = payment.status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    return proceed(emit, &payment);
}

ps_refusal ps_handle_payment_review(ps_core *core, const ps_command *command, ps_emit *emit,
                                    int64_t *detail)
{
    (void)core;
    ps_effect_payment payment;
    if (!ps_flow_payment(emit, command->target, &payment)) {
        return PS_REFUSED_NOT_FOUND;
    }
    if (payment.phase != PS_PHASE_IN_REVIEW) {
        *detail = payment.status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    if (command->u.review.approve) {
        /* the reviewer is answered 200 whatever the rail says: the payment shows it */
        (void)ps_flow_send(emit, &payment);
    } else {
        ps_flow_decline(emit, &payment, PS_DECLINE_REVIEWER);
    }
    if (command->reason.size != 0) {
        ps_emit_texts_begin(emit);
        ps_emit_text(emit, PS_TEXT_REASON, command->reason);
        ps_emit_texts_end(emit);
    }
    return PS_REFUSED_NONE;
}

/* ── capture, cancel ── */

static bool has_hold(const ps_effect_payment *payment)
{
    return payment->phase == PS_PHASE_OPEN && payment->counters.capturable > 0;
}

ps_refusal ps_handle_payment_capture(ps_core *core, const ps_command *command, ps_emit *emit,
                                     int64_t *detail)
{
    ps_effect_payment payment;
    if (!ps_flow_payment(emit, command->target, &payment)) {
        return PS_REFUSED_NOT_FOUND;
    }
    if (!has_hold(&payment)) {
        *detail = payment.status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    int64_t capturable = payment.counters.capturable;
    int64_t amount = command->amount != 0 ? command->amount : capturable;
    if (amount > capturable) {
        *detail = capturable;
        return PS_REFUSED_CAPTURE_TOO_LARGE;
    }
    int64_t released = command->u.capture.final ? capturable - amount : 0;
    PS_UNINITIALIZED ps_leg_list list;
    list.count = 0;
    ps_legs_add_resolve(&list, PS_LEG_POST, payment.hold_slot, amount);
    if (released > 0) {
        ps_legs_add_resolve(&list, PS_LEG_VOID, payment.hold_slot, released);
    }
    int64_t fee = ps_flow_fee(emit, &payment, amount, &list);
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, list.legs, list.count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, list.legs, list.count);
    if (released > 0) {
        ps_flow_trade_reversing(emit, &payment, PS_TRADE_VOID, released, payment.auth_trade,
                                PS_SLICE("final capture"));
        payment.counters.capturable -= released;
    }
    ps_flow_captured(emit, &payment, amount, fee);
    ps_emit_payment(emit, &payment,
                    payment.counters.capturable == 0 ? PS_EVENT_PAYMENT_CAPTURED
                                                     : PS_EVENT_PAYMENT_PARTIALLY_CAPTURED);
    return PS_REFUSED_NONE;
}

ps_refusal ps_handle_payment_cancel(ps_core *core, const ps_command *command, ps_emit *emit,
                                    int64_t *detail)
{
    (void)core;
    ps_effect_payment payment;
    if (!ps_flow_payment(emit, command->target, &payment)) {
        return PS_REFUSED_NOT_FOUND;
    }
    if (has_hold(&payment)) {
        ps_flow_release(emit, &payment, false);
        return PS_REFUSED_NONE;
    }
    if (payment.phase != PS_PHASE_CREATED && payment.phase != PS_PHASE_IN_REVIEW) {
        *detail = payment.status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    payment.phase = PS_PHASE_CANCELLED;
    payment.expires_ns = 0;
    ps_emit_payment(emit, &payment, PS_EVENT_PAYMENT_CANCELLED);
    return PS_REFUSED_NONE;
}

/* ── reverse ── */

static void trade_reverse(ps_emit *emit, ps_effect_payment *payment, uint64_t number,
                          ps_slice reason)
{
    int64_t amount = ps_trade_at(emit->core, number)->amount;
    ps_emit_trade_status(emit, payment, number, payment->currency, PS_TRADE_REVERSED);
    ps_flow_trade_reversing(emit, payment, PS_TRADE_REVERSAL, amount, number, reason);
}

static void reversed(ps_emit *emit, ps_effect_payment *payment)
{
    payment->phase = PS_PHASE_REVERSED;
    payment->hold_slot = PS_INDEX_NONE;
    payment->expires_ns = 0;
    payment->deadline_ns = 0;
    payment->counters.capturable = 0;
    payment->counters.captured = 0;
    payment->counters.fee_taken = 0;
    payment->captured_in_batch = 0;
    ps_emit_payment(emit, payment, PS_EVENT_PAYMENT_REVERSED);
}

static void authorisation_reverse(ps_emit *emit, ps_effect_payment *payment, ps_slice reason)
{
    PS_UNINITIALIZED ps_leg_list list;
    list.count = 0;
    ps_legs_add_resolve(&list, PS_LEG_VOID, payment->hold_slot, payment->counters.capturable);
    ps_emit_legs(emit, list.legs, list.count);
    trade_reverse(emit, payment, payment->auth_trade, reason);
    reversed(emit, payment);
}

/* The captures that stand, newest first. False: more than can be reversed. */
static PS_CHECKED bool captures_find(const ps_core *core, const ps_effect_payment *payment,
                                     uint64_t out_captures[PS_CAPTURES_REVERSIBLE_MAX],
                                     uint32_t *out_count)
{
    uint32_t count = 0;
    for (uint64_t number = payment->last_trade; number != 0;
         number = ps_trade_at(core, number)->previous_of_payment) {
        const ps_trade *trade = ps_trade_at(core, number);
        if (trade->kind != PS_TRADE_CAPTURE || trade->status != PS_TRADE_SUCCESS) {
            continue;
        }
        if (count == PS_CAPTURES_REVERSIBLE_MAX) {
            return false;
        }
        out_captures[count++] = number;
    }
    *out_count = count;
    return true;
}

/* Mirror of every leg: the fee comes back first, then all that was captured goes back. */
static ps_refusal capture_reverse(ps_emit *emit, ps_effect_payment *payment, ps_slice reason)
{
    uint64_t captures[PS_CAPTURES_REVERSIBLE_MAX];
    uint32_t count;
    if (!captures_find(emit->core, payment, captures, &count)) {
        return PS_REFUSED_TOO_MANY_ATTEMPTS;
    }
    int64_t captured = payment->counters.captured;
    int64_t fee = payment->counters.fee_taken;
    uint32_t pending = payment->account_merchant;
    PS_UNINITIALIZED ps_leg_list list;
    list.count = 0;
    if (fee > 0) {
        uint32_t income =
            ps_emit_account_of(emit, PS_ROLE_FEE_INCOME, PS_SLICE(""), payment->currency);
        ps_legs_add(&list, PS_LEG_POSTED, income, pending, fee);
    }
    if (captured > fee) {
        (void)ps_flow_top_up(emit, payment, pending, captured - fee, &list);
    }
    ps_legs_add(&list, PS_LEG_POSTED, pending, payment->account_payer, captured);
    ps_ledger_outcome outcome = ps_ledger_check(&emit->core->ledger, list.legs, list.count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, list.legs, list.count);
    for (uint32_t i = 0; i < count; i++) {
        trade_reverse(emit, payment, captures[i], reason);
    }
    reversed(emit, payment);
    return PS_REFUSED_NONE;
}

ps_refusal ps_handle_payment_reverse(ps_core *core, const ps_command *command, ps_emit *emit,
                                     int64_t *detail)
{
    ps_effect_payment payment;
    if (!ps_flow_payment(emit, command->target, &payment)) {
        return PS_REFUSED_NOT_FOUND;
    }
    if (payment.status == PS_STATUS_AUTHORISED) {
        authorisation_reverse(emit, &payment, command->reason);
        return PS_REFUSED_NONE;
    }
    bool is_whole = ps_payment_refundable(&payment.counters, payment.phase) ==
                    payment.counters.captured; /* nothing refunded, asked back or disputed */
    if (payment.status == PS_STATUS_CAPTURED && is_whole &&
        ps_settlement_holds_all(core, &payment)) {
        return capture_reverse(emit, &payment, command->reason);
    }
    *detail = payment.status;
    return PS_REFUSED_STATE_CONFLICT;
}
