/* One effect → the tables. Nothing here decides, and nothing depends on who calls: execute applies
 * what it has just written, replay what it reads, through the same functions. */
#include "pay/emit.h"

/* ── events ── */

static uint32_t mark_depth(const ps_core *core, uint32_t mark)
{
    return mark == 0 ? 0 : ps_event_mark_at(core, mark)->depth;
}

static uint32_t mark_jump(const ps_core *core, uint32_t mark)
{
    return mark == 0 ? 0 : ps_event_mark_at(core, mark)->jump;
}

/* Skew-binary jump pointers: a mark's jump goes as far as its predecessor's two jumps together when
 * those are equally long, and to the predecessor otherwise. Mark 0 is the start, at depth 0. */
static void event_mark_add(ps_core *core, ps_book *book, const ps_apply_context *at)
{
    if (core->event_marks.size + sizeof(ps_event_mark) > core->event_marks.size_max) {
        return; /* readers then walk on from an older mark */
    }
    ps_event_mark *mark = ps_table_add(&core->event_marks, sizeof *mark);
    uint32_t number = ps_event_mark_count(core);
    mark->sequence = book->sequence;
    mark->seq = at->seq;
    mark->book = at->book;
    uint32_t previous = book->newest_mark;
    uint32_t jump = mark_jump(core, previous);
    uint32_t far_jump = mark_jump(core, jump);
    bool equally_long = mark_depth(core, previous) - mark_depth(core, jump) ==
                        mark_depth(core, jump) - mark_depth(core, far_jump);
    mark->previous = previous;
    mark->depth = mark_depth(core, previous) + 1;
    mark->jump = equally_long ? far_jump : previous;
    book->newest_mark = number;
}

static void event_count(ps_core *core, const ps_apply_context *at, const ps_effect_head *effect)
{
    ps_book *book = ps_book_mut(core, at->book);
    book->sequence++;
    /* every effect that carries an event has its sequence number at byte 16 (emit.c) */
    PS_ASSERT(ps_get_u64((const char *)effect + 16) == book->sequence);
    if (book->sequence % PS_EVENT_MARK_EVERY == 0) {
        event_mark_add(core, book, at);
    }
}

/* ── accounts, legs, parties ── */

static void apply_account(ps_core *core, const ps_apply_context *at,
                          const ps_effect_account *effect)
{
    uint32_t account = ps_ledger_account_add(
        &core->ledger, effect->book, ps_slice_of(effect->name, effect->name_size), effect->currency,
        effect->account_type, effect->flags, at->time_ns);
    PS_ASSERT(account == effect->account);
}

static void apply_account_flags(ps_core *core, const ps_effect_account_flags *effect)
{
    bool set = ps_ledger_account_set_flags(&core->ledger, effect->account, effect->flags);
    PS_ASSERT(set);
}

static void apply_party(ps_core *core, const ps_effect_party *effect)
{
    ps_party *party = ps_table_add(&core->parties, sizeof *party);
    PS_ASSERT(effect->party == ps_party_count(core) && effect->name_size <= sizeof party->name);
    memcpy(party->name, effect->name, sizeof party->name);
    party->book = effect->book;
    party->is_payer = effect->is_payer;
    party->name_size = effect->name_size;
    party->account = PS_INDEX_NONE;
    party->newest_payment = PS_INDEX_NONE;
    party->newest_settlement = PS_INDEX_NONE;
    ps_slice name = ps_slice_of(effect->name, effect->name_size);
    ps_u128 hash = ps_core_name_hash(core, effect->is_payer != 0 ? 'p' : 'm', effect->book, name);
    bool added = ps_index_add(&core->parties_by_name, hash.low, effect->party);
    PS_ASSERT(added);
}

/* ── payments ── */

/* 0: it has none. Its place in the index is on its way while the rest of the effect is applied. */
static uint64_t reference_hash_of(const ps_core *core, const ps_apply_context *at,
                                  const ps_effect_payment *effect, const ps_effect_texts *texts)
{
    if ((effect->flags & PS_PAYMENT_REFERENCED) == 0) {
        return 0;
    }
    if (at->reference_hash != 0) {
        return at->reference_hash;
    }
    PS_ASSERT(texts != NULL);
    uint64_t hash =
        ps_core_reference_hash(core, effect->merchant, ps_texts_get(texts, PS_TEXT_REFERENCE));
    ps_index_prefetch(&core->payments_by_reference, hash);
    return hash;
}

static void payment_names_add(ps_core *core, ps_payment *payment, const ps_effect_texts *texts)
{
    const ps_effect_payment *body = &payment->body;
    if (payment->reference_hash != 0) {
        bool added =
            ps_index_add(&core->payments_by_reference, payment->reference_hash, body->payment);
        PS_ASSERT(added);
    }
    if ((body->flags & PS_PAYMENT_CLIENT_ID) != 0) {
        PS_ASSERT(texts != NULL);
        ps_client_id *client_id = ps_table_add(&core->client_ids, sizeof *client_id);
        client_id->hash =
            ps_core_name_hash(core, 'c', body->book, ps_texts_get(texts, PS_TEXT_CLIENT_ID));
        client_id->payment = body->payment;
        bool added = ps_index_add(&core->payments_by_client_id, client_id->hash.low,
                                  ps_client_id_count(core));
        PS_ASSERT(added);
    }
}

/* A declined, failed or cancelled payment frees its reference for another try. */
static void payment_reference_free(ps_core *core, ps_payment *payment)
{
    if (payment->reference_hash == 0) {
        return;
    }
    ps_status status = payment->body.status;
    if (status == PS_STATUS_DECLINED || status == PS_STATUS_FAILED ||
        status == PS_STATUS_CANCELLED) {
        ps_index_remove(&core->payments_by_reference, payment->reference_hash,
                        payment->body.payment);
        payment->reference_hash = 0;
    }
}

static void party_account_remember(ps_core *core, uint32_t number, uint32_t account,
                                   ps_currency currency)
{
    const ps_party *party = ps_party_at(core, number);
    if (party->account != account) {
        ps_party *changed = ps_party_mut(core, number);
        changed->account = account;
        changed->currency = currency;
    }
}

/* The next payment of these parties most likely moves the same accounts. */
static void accounts_remember(ps_core *core, const ps_effect_payment *effect)
{
    party_account_remember(core, effect->merchant, effect->account_merchant, effect->currency);
    if (effect->instrument == PS_INSTRUMENT_WALLET) {
        party_account_remember(core, effect->payer, effect->account_payer, effect->currency);
        return;
    }
    const ps_book *book = ps_book_at(core, effect->book);
    if (book->has_scheme_account == 0 || book->scheme_account != effect->account_payer) {
        ps_book *changed = ps_book_mut(core, effect->book);
        changed->has_scheme_account = 1;
        changed->scheme_account = effect->account_payer;
        changed->scheme_currency = effect->currency;
    }
}

static void payment_link(ps_core *core, const ps_effect_payment *effect)
{
    ps_party *merchant = ps_party_mut(core, effect->merchant);
    PS_ASSERT(merchant->newest_payment == effect->previous_of_merchant);
    merchant->newest_payment = effect->payment;
    ps_party *payer = ps_party_mut(core, effect->payer);
    PS_ASSERT(payer->newest_payment == effect->previous_of_payer);
    payer->newest_payment = effect->payment;
}

static void apply_payment(ps_core *core, const ps_apply_context *at,
                          const ps_effect_payment *effect, const ps_effect_texts *texts)
{
    bool is_first = effect->payment == ps_payment_count(core) + 1;
    if (is_first) {
        ps_payment *added = ps_table_add(&core->payments, sizeof *added);
        added->newest_refund = PS_INDEX_NONE;
        added->newest_dispute = PS_INDEX_NONE;
        added->reference_hash = reference_hash_of(core, at, effect, texts);
        payment_link(core, effect);
    }
    ps_payment *payment = ps_payment_mut(core, effect->payment);
    if (effect->version == payment->body.version) {
        return; /* shown, not changed (ps_flow_show) */
    }
    PS_ASSERT(effect->version == payment->body.version + 1);
    if (effect->settlement != PS_INDEX_NONE) {
        ps_settlement_apply_payment(core, is_first ? NULL : &payment->body, effect);
    }
    ps_core_head *head = ps_core_head_mut(core);
    head->by_status[payment->body.status] -= is_first ? 0 : 1;
    head->by_status[effect->status]++;
    if (effect->deadline_ns != 0 && effect->deadline_ns != payment->body.deadline_ns) {
        ps_timer_push(core, PS_TIMER_PAYMENT, effect->payment, effect->deadline_ns);
    }
    if (effect->account_merchant != PS_INDEX_NONE &&
        (is_first || effect->account_merchant != payment->body.account_merchant)) {
        accounts_remember(core, effect);
    }
    payment->body = *effect;
    payment->body.head.event = PS_EVENT_NONE;
    payment->body.prev_seq = at->seq;
    if (is_first) {
        payment_names_add(core, payment, texts);
    }
    payment_reference_free(core, payment);
}

/* ── child objects ── */

static void apply_refund(ps_core *core, const ps_apply_context *at, const ps_effect_refund *effect)
{
    if (effect->version == 1) {
        ps_table_add(&core->refunds, sizeof(ps_refund));
        ps_payment *payment = ps_payment_mut(core, effect->payment);
        PS_ASSERT(payment->newest_refund == effect->previous_of_payment);
        payment->newest_refund = effect->refund;
    }
    ps_refund *refund = ps_refund_mut(core, effect->refund);
    PS_ASSERT(effect->version == refund->body.version + 1);
    if (effect->deadline_ns != 0 && effect->deadline_ns != refund->body.deadline_ns) {
        ps_timer_push(core, PS_TIMER_REFUND, effect->refund, effect->deadline_ns);
    }
    refund->body = *effect;
    refund->body.head.event = PS_EVENT_NONE;
    refund->last_seq = at->seq;
}

static void apply_dispute(ps_core *core, const ps_apply_context *at,
                          const ps_effect_dispute *effect)
{
    if (effect->version == 1) {
        ps_table_add(&core->disputes, sizeof(ps_dispute));
        ps_payment *payment = ps_payment_mut(core, effect->payment);
        PS_ASSERT(payment->newest_dispute == effect->previous_of_payment);
        payment->newest_dispute = effect->dispute;
    }
    ps_dispute *dispute = ps_dispute_mut(core, effect->dispute);
    if (effect->respond_by_ns != dispute->body.respond_by_ns) {
        ps_timer_push(core, PS_TIMER_DISPUTE, effect->dispute, effect->respond_by_ns);
    }
    PS_ASSERT(effect->version == dispute->body.version + 1);
    dispute->body = *effect;
    dispute->body.head.event = PS_EVENT_NONE;
    dispute->last_seq = at->seq;
}

static void apply_trade(ps_core *core, const ps_apply_context *at, const ps_effect_trade *effect)
{
    if (effect->trade > ps_trade_count(core)) {
        ps_trade *trade = ps_table_add(&core->trades, sizeof *trade);
        PS_ASSERT(effect->trade == ps_trade_count(core));
        PS_ASSERT(at->seq >> 48 == 0);
        trade->seq_low = (uint32_t)at->seq;
        trade->seq_high = (uint16_t)(at->seq >> 32);
        trade->amount = effect->amount;
        trade->created_ns = effect->created_ns;
        trade->payment = effect->payment;
        if (effect->payment == PS_INDEX_NONE) {
            trade->batch.book = (uint16_t)effect->book;
            trade->batch.currency = effect->currency;
        } else {
            trade->previous_of_payment = (uint32_t)effect->previous_of_payment;
        }
        trade->kind = effect->kind;
        trade->status = effect->status;
        return;
    }
    ps_trade_mut(core, effect->trade)->status = effect->status;
}

/* ── dispatch ── */

void ps_apply_effect(ps_core *core, const ps_apply_context *at, const ps_effect_head *effect,
                     const ps_effect_texts *texts)
{
    const void *body = effect;
    if (effect->event != PS_EVENT_NONE) {
        event_count(core, at, effect);
    }
    switch ((ps_effect_type)effect->type) {
    case PS_EFFECT_ACCOUNT:
        apply_account(core, at, body);
        break;
    case PS_EFFECT_ACCOUNT_FLAGS:
        apply_account_flags(core, body);
        break;
    case PS_EFFECT_LEG: {
        ps_leg leg = ((const ps_effect_leg *)body)->leg;
        ps_ledger_apply(&core->ledger, &leg, 1, at->seq, at->time_ns);
        break;
    }
    case PS_EFFECT_PAYMENT:
        apply_payment(core, at, body, texts);
        break;
    case PS_EFFECT_REFUND:
        apply_refund(core, at, body);
        break;
    case PS_EFFECT_DISPUTE:
        apply_dispute(core, at, body);
        break;
    case PS_EFFECT_TRADE:
        apply_trade(core, at, body);
        break;
    case PS_EFFECT_SETTLEMENT:
        ps_apply_settlement(core, at, body);
        break;
    case PS_EFFECT_TRANSFER:
        ps_apply_transfer(core, at, body);
        break;
    case PS_EFFECT_RISK_EVENT: {
        const ps_effect_risk_event *event = body;
        ps_core_head_mut(core)->risk_event_count = event->risk_event;
        break;
    }
    case PS_EFFECT_KEY:
        ps_apply_key(core, at, body);
        break;
    case PS_EFFECT_BOOK:
        ps_apply_book(core, at, body, texts);
        break;
    case PS_EFFECT_PARTY:
        apply_party(core, body);
        break;
    case PS_EFFECT_TEXTS:
    case PS_EFFECT_COUNT:
        break;
    }
}
