#include "pay/emit.h"

/* Every effect that can carry an event has its sequence number at this offset. */
enum { PS_SEQUENCE_OFFSET = 16 };
_Static_assert(offsetof(ps_effect_payment, sequence) == PS_SEQUENCE_OFFSET, "sequence");
_Static_assert(offsetof(ps_effect_refund, sequence) == PS_SEQUENCE_OFFSET, "sequence");
_Static_assert(offsetof(ps_effect_dispute, sequence) == PS_SEQUENCE_OFFSET, "sequence");
_Static_assert(offsetof(ps_effect_trade, sequence) == PS_SEQUENCE_OFFSET, "sequence");
_Static_assert(offsetof(ps_effect_settlement, sequence) == PS_SEQUENCE_OFFSET, "sequence");
_Static_assert(offsetof(ps_effect_transfer, sequence) == PS_SEQUENCE_OFFSET, "sequence");
_Static_assert(offsetof(ps_effect_risk_event, sequence) == PS_SEQUENCE_OFFSET, "sequence");

/* ── the record ── */

void ps_emit_book(ps_emit *emit, uint32_t book)
{
    emit->book = book;
    emit->header->book = book;
}

void ps_emit_subject(ps_emit *emit, ps_id_kind kind, uint64_t number)
{
    emit->header->subject_kind = (uint8_t)kind;
    emit->header->subject = number;
}

uint64_t ps_emit_sequence(const ps_emit *emit)
{
    return ps_book_at(emit->core, emit->book)->sequence + 1;
}

static ps_effect_head *reserve(ps_emit *emit, size_t size)
{
    PS_ASSERT(size % 8 == 0 && size <= (size_t)(emit->end - emit->cursor));
    ps_effect_head *head = (ps_effect_head *)(void *)emit->cursor;
    emit->cursor += size;
    emit->header->effect_count++;
    return head;
}

void *ps_emit_put(ps_emit *emit, ps_effect_type type, ps_event_type event, size_t size)
{
    ps_effect_head *head = reserve(emit, size);
    memset(head, 0, size);
    *head =
        (ps_effect_head){.type = (uint8_t)type, .event = (uint8_t)event, .size = (uint32_t)size};
    return head;
}

void ps_emit_texts_begin(ps_emit *emit)
{
    PS_ASSERT(emit->texts == NULL);
    emit->texts = ps_emit_put(emit, PS_EFFECT_TEXTS, PS_EVENT_NONE, sizeof(ps_effect_texts));
}

void ps_emit_text_put(ps_emit *emit, ps_text_field field, ps_slice text)
{
    PS_ASSERT(emit->texts != NULL && text.size <= UINT16_MAX &&
              text.size + 4 <= (size_t)(emit->end - emit->cursor));
    char *at = emit->cursor;
    at[0] = (char)field;
    at[1] = 0;
    ps_put_u16(at + 2, (uint16_t)text.size);
    memcpy(at + 4, text.data, text.size);
    emit->cursor += 4 + text.size;
    emit->texts->count++;
    emit->texts->size += 4 + (uint32_t)text.size;
}

void ps_emit_texts_end(ps_emit *emit)
{
    ps_effect_texts *texts = emit->texts;
    PS_ASSERT(texts != NULL);
    uint32_t padding = -texts->size & 7;
    PS_ASSERT(padding <= (size_t)(emit->end - emit->cursor));
    memset(emit->cursor, 0, padding);
    emit->cursor += padding;
    texts->head.size += texts->size + padding;
    emit->texts = NULL;
}

void ps_emit_apply(ps_emit *emit, const void *effect)
{
    PS_ASSERT(emit->texts == NULL);
    const ps_effect_head *head = effect;
    const char *next = (const char *)effect + head->size;
    const ps_effect_texts *texts = NULL;
    if (next < emit->cursor &&
        ((const ps_effect_head *)(const void *)next)->type == PS_EFFECT_TEXTS) {
        texts = (const void *)next;
    }
    const ps_apply_context at = {emit->seq, emit->now_ns, emit->book, emit->reference_hash};
    ps_apply_effect(emit->core, &at, head, texts);
}

/* ── objects ── */

/* The newest record of an object before this one: a second effect in the same record keeps the
 * first one's link. */
static uint64_t previous_record(const ps_emit *emit, uint64_t last_seq, uint64_t prev_seq)
{
    return last_seq == emit->seq ? prev_seq : last_seq;
}

/* Head, version, sequence and times of an object's effect; the structs differ in where they lie. */
#define PS_FILL(emit, body, effect_type, event_type)                                               \
    do {                                                                                           \
        (body)->head = (ps_effect_head){                                                           \
            .type = (effect_type), .event = (uint8_t)(event_type), .size = sizeof *(body)};        \
        if ((event_type) != PS_EVENT_NONE) {                                                       \
            (body)->sequence = ps_emit_sequence(emit);                                             \
        }                                                                                          \
        (body)->updated_ns = (emit)->now_ns;                                                       \
    } while (0)
#define PS_FILL_FIRST(emit, body)                                                                  \
    do {                                                                                           \
        (body)->origin_seq = (emit)->seq;                                                          \
        (body)->created_ns = (emit)->now_ns;                                                       \
        (body)->book = (emit)->book;                                                               \
    } while (0)

static void *put_copy(ps_emit *emit, const ps_effect_head *body)
{
    void *effect = reserve(emit, body->size);
    memcpy(effect, body, body->size);
    return effect;
}

static void fill_payment(ps_emit *emit, ps_effect_payment *body, ps_event_type event)
{
    body->version++;
    body->status = (uint8_t)ps_payment_status(&body->counters, body->phase);
    PS_FILL(emit, body, PS_EFFECT_PAYMENT, event);
}

void *ps_emit_put_payment(ps_emit *emit, ps_effect_payment *body, ps_event_type event)
{
    PS_ASSERT(body->version == 0 && body->payment == ps_payment_count(emit->core) + 1);
    PS_FILL_FIRST(emit, body);
    fill_payment(emit, body, event);
    return put_copy(emit, &body->head);
}

void ps_emit_payment(ps_emit *emit, ps_effect_payment *body, ps_event_type event)
{
    const ps_payment *now = ps_payment_at(emit->core, body->payment);
    PS_ASSERT(body->version == now->body.version);
    body->prev_seq = now->body.prev_seq;
    fill_payment(emit, body, event);
    ps_emit_apply(emit, put_copy(emit, &body->head));
}

void *ps_emit_put_refund(ps_emit *emit, ps_effect_refund *body, ps_event_type event)
{
    PS_ASSERT(body->version == 0 && body->refund == ps_refund_count(emit->core) + 1);
    PS_FILL_FIRST(emit, body);
    body->version++;
    PS_FILL(emit, body, PS_EFFECT_REFUND, event);
    return put_copy(emit, &body->head);
}

void ps_emit_refund(ps_emit *emit, ps_effect_refund *body, ps_event_type event)
{
    const ps_refund *now = ps_refund_at(emit->core, body->refund);
    PS_ASSERT(body->version == now->body.version);
    body->prev_seq = previous_record(emit, now->last_seq, now->body.prev_seq);
    body->version++;
    PS_FILL(emit, body, PS_EFFECT_REFUND, event);
    ps_emit_apply(emit, put_copy(emit, &body->head));
}

void *ps_emit_put_dispute(ps_emit *emit, ps_effect_dispute *body, ps_event_type event)
{
    PS_ASSERT(body->version == 0 && body->dispute == ps_dispute_count(emit->core) + 1);
    PS_FILL_FIRST(emit, body);
    body->version++;
    PS_FILL(emit, body, PS_EFFECT_DISPUTE, event);
    return put_copy(emit, &body->head);
}

void ps_emit_dispute(ps_emit *emit, ps_effect_dispute *body, ps_event_type event)
{
    const ps_dispute *now = ps_dispute_at(emit->core, body->dispute);
    PS_ASSERT(body->version == now->body.version);
    body->prev_seq = previous_record(emit, now->last_seq, now->body.prev_seq);
    body->version++;
    PS_FILL(emit, body, PS_EFFECT_DISPUTE, event);
    ps_emit_apply(emit, put_copy(emit, &body->head));
}

void *ps_emit_put_settlement(ps_emit *emit, ps_effect_settlement *body, ps_event_type event)
{
    PS_ASSERT(body->version == 0 && body->settlement == ps_settlement_count(emit->core) + 1);
    PS_FILL_FIRST(emit, body);
    body->version++;
    PS_FILL(emit, body, PS_EFFECT_SETTLEMENT, event);
    return put_copy(emit, &body->head);
}

void ps_emit_settlement(ps_emit *emit, ps_effect_settlement *body, ps_event_type event)
{
    const ps_settlement *now = ps_settlement_at(emit->core, body->settlement);
    PS_ASSERT(body->version == now->body.version);
    body->prev_seq = previous_record(emit, now->last_seq, now->body.prev_seq);
    body->version++;
    PS_FILL(emit, body, PS_EFFECT_SETTLEMENT, event);
    ps_emit_apply(emit, put_copy(emit, &body->head));
}

/* An API transfer has neither a version nor a chain: it changes at most twice. */
void *ps_emit_put_transfer(ps_emit *emit, ps_effect_transfer *body, ps_event_type event)
{
    PS_ASSERT(body->transfer == ps_api_transfer_count(emit->core) + 1);
    PS_FILL_FIRST(emit, body);
    PS_FILL(emit, body, PS_EFFECT_TRANSFER, event);
    return put_copy(emit, &body->head);
}

void ps_emit_transfer(ps_emit *emit, ps_effect_transfer *body, ps_event_type event)
{
    PS_FILL(emit, body, PS_EFFECT_TRANSFER, event);
    ps_emit_apply(emit, put_copy(emit, &body->head));
}

/* ── trade records ── */

static ps_event_type trade_event(ps_trade_status status)
{
    switch (status) {
    case PS_TRADE_PENDING:
        return PS_EVENT_TRADE_PENDING;
    case PS_TRADE_SUCCESS:
        return PS_EVENT_TRADE_SUCCEEDED;
    case PS_TRADE_FAILURE:
        return PS_EVENT_TRADE_FAILED;
    case PS_TRADE_REVERSED:
        return PS_EVENT_TRADE_REVERSED;
    }
    return PS_EVENT_NONE;
}

static ps_effect_trade *put_trade(ps_emit *emit, const ps_effect_payment *payment,
                                  ps_trade_status status)
{
    ps_effect_trade *effect =
        ps_emit_put(emit, PS_EFFECT_TRADE, trade_event(status), sizeof *effect);
    effect->sequence = ps_emit_sequence(emit);
    effect->book = emit->book;
    effect->status = (uint8_t)status;
    effect->payment = PS_INDEX_NONE;
    if (payment != NULL) {
        effect->payment = payment->payment;
        effect->payment_origin_seq = payment->origin_seq;
        effect->payment_created_ns = payment->created_ns;
        effect->payment_flags = payment->flags;
    }
    return effect;
}

uint64_t ps_emit_trade(ps_emit *emit, ps_effect_payment *payment, const ps_trade_new *trade)
{
    const ps_core *core = emit->core;
    ps_effect_trade *effect = put_trade(emit, payment, trade->status);
    effect->trade = (uint64_t)ps_trade_count(core) + 1;
    effect->kind = (uint8_t)trade->kind;
    effect->created_ns = emit->now_ns;
    effect->amount = trade->amount;
    effect->currency = trade->currency;
    effect->reverses = trade->reverses;
    if (trade->reverses != 0) {
        effect->reverses_created_ns = ps_trade_at(core, trade->reverses)->created_ns;
    }
    if (payment != NULL) {
        effect->previous_of_payment = payment->last_trade;
        payment->last_trade = (uint32_t)effect->trade;
    }
    if (trade->reason.size != 0) {
        ps_emit_texts_begin(emit);
        ps_emit_text(emit, PS_TEXT_REASON, trade->reason);
        ps_emit_texts_end(emit);
    }
    uint64_t number = effect->trade;
    ps_emit_apply(emit, effect);
    return number;
}

void ps_emit_trade_status(ps_emit *emit, const ps_effect_payment *payment, uint64_t number,
                          ps_currency currency, ps_trade_status status)
{
    const ps_trade *trade = ps_trade_at(emit->core, number);
    ps_effect_trade *effect = put_trade(emit, payment, status);
    effect->trade = number;
    effect->kind = trade->kind;
    effect->created_ns = trade->created_ns;
    effect->amount = trade->amount;
    effect->currency = currency;
    effect->previous_of_payment = payment != NULL ? trade->previous_of_payment : 0;
    ps_emit_apply(emit, effect);
}

/* ── the ledger ── */

void ps_emit_legs(ps_emit *emit, ps_leg *legs, uint32_t leg_count)
{
    PS_ASSERT(leg_count > 0 && leg_count <= PS_LEGS_MAX);
    ps_ledger_apply(&emit->core->ledger, legs, leg_count, emit->seq, emit->now_ns);
    for (uint32_t i = 0; i < leg_count; i++) {
        ps_effect_leg *effect = (ps_effect_leg *)reserve(emit, sizeof *effect);
        effect->head = (ps_effect_head){.type = PS_EFFECT_LEG, .size = sizeof *effect};
        effect->leg = legs[i];
    }
}

ps_refusal ps_refusal_of_outcome(ps_ledger_outcome outcome)
{
    switch (outcome) {
    case PS_LEDGER_OK:
        return PS_REFUSED_NONE;
    case PS_LEDGER_ACCOUNTS_SAME:
        return PS_REFUSED_ACCOUNTS_SAME;
    case PS_LEDGER_CURRENCY_MISMATCH:
        return PS_REFUSED_CURRENCY_MISMATCH;
    case PS_LEDGER_ACCOUNT_CLOSED:
        return PS_REFUSED_ACCOUNT_CLOSED;
    case PS_LEDGER_ACCOUNT_FROZEN:
        return PS_REFUSED_ACCOUNT_FROZEN;
    case PS_LEDGER_INSUFFICIENT_FUNDS:
        return PS_REFUSED_INSUFFICIENT_FUNDS;
    case PS_LEDGER_EXCEEDS_DEBITS:
    case PS_LEDGER_OVERFLOW:
        return PS_REFUSED_LIMIT_EXCEEDED;
    case PS_LEDGER_AMOUNT_OVER_PENDING:
        return PS_REFUSED_POST_TOO_LARGE;
    case PS_LEDGER_TRANSFER_POSTED:
    case PS_LEDGER_TRANSFER_VOIDED:
    case PS_LEDGER_TRANSFER_EXPIRED:
        return PS_REFUSED_STATE_CONFLICT;
    case PS_LEDGER_ACCOUNT_MISSING:
        return PS_REFUSED_ACCOUNT_UNKNOWN;
    case PS_LEDGER_FULL:
        return PS_REFUSED_TABLE_FULL;
    case PS_LEDGER_AMOUNT_INVALID:
    case PS_LEDGER_TRANSFER_MISSING:
    case PS_LEDGER_BOOK_MISMATCH:
    case PS_LEDGER_OUTCOME_COUNT:
        break;
    }
    /* the core names accounts, slots and amounts itself */
    PS_ASSERT(outcome == PS_LEDGER_OK);
    return PS_REFUSED_NONE;
}

uint32_t ps_emit_account(ps_emit *emit, ps_slice name, ps_currency currency, ps_account_type type,
                         uint8_t flags)
{
    PS_ASSERT(name.size > 0 && name.size <= PS_ACCOUNT_NAME_MAX);
    size_t size = (sizeof(ps_effect_account) + name.size + 7) & ~(size_t)7;
    ps_effect_account *effect = ps_emit_put(emit, PS_EFFECT_ACCOUNT, PS_EVENT_NONE, size);
    effect->account = ps_ledger_account_count(&emit->core->ledger);
    effect->book = emit->book;
    effect->currency = currency;
    effect->account_type = (uint8_t)type;
    effect->flags = flags;
    effect->name_size = (uint32_t)name.size;
    memcpy(effect->name, name.data, name.size);
    uint32_t account = effect->account;
    ps_emit_apply(emit, effect);
    return account;
}

void ps_emit_account_flags(ps_emit *emit, uint32_t account, uint8_t flags)
{
    ps_effect_account_flags *effect =
        ps_emit_put(emit, PS_EFFECT_ACCOUNT_FLAGS, PS_EVENT_NONE, sizeof *effect);
    effect->account = account;
    effect->flags = flags;
    ps_emit_apply(emit, effect);
}

uint32_t ps_emit_party(ps_emit *emit, bool is_payer, ps_slice name)
{
    ps_effect_party *effect = ps_emit_put(emit, PS_EFFECT_PARTY, PS_EVENT_NONE, sizeof *effect);
    PS_ASSERT(name.size <= sizeof effect->name);
    effect->party = ps_party_count(emit->core) + 1;
    effect->book = emit->book;
    effect->is_payer = is_payer ? 1 : 0;
    effect->name_size = (uint8_t)name.size;
    memcpy(effect->name, name.data, name.size);
    uint32_t party = effect->party;
    ps_emit_apply(emit, effect);
    return party;
}

void ps_emit_risk_event(ps_emit *emit, const ps_risk_event_new *event)
{
    static const ps_event_type event_types[] = {
        [PS_RISK_FRAUD] = PS_EVENT_RISK_ALERT,
        [PS_RISK_ATTACK] = PS_EVENT_ATTACK_DETECTED,
        [PS_RISK_VIOLATION] = PS_EVENT_LIMIT_VIOLATED,
    };
    PS_ASSERT(event->type >= PS_RISK_FRAUD && event->type <= PS_RISK_VIOLATION);
    ps_effect_risk_event *effect =
        ps_emit_put(emit, PS_EFFECT_RISK_EVENT, event_types[event->type], sizeof *effect);
    effect->risk_event = ps_core_head_at(emit->core)->risk_event_count + 1;
    effect->sequence = ps_emit_sequence(emit);
    effect->created_ns = emit->now_ns;
    effect->book = emit->book;
    effect->risk_type = (uint8_t)event->type;
    effect->severity = event->severity;
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_KIND, event->kind);
    ps_emit_text(emit, PS_TEXT_PAYMENT_ID, event->payment_id);
    ps_emit_text(emit, PS_TEXT_ENTITY, event->entity);
    ps_emit_text(emit, PS_TEXT_DATA, event->data);
    ps_emit_texts_end(emit);
    ps_emit_apply(emit, effect);
}

/* ── accounts that Paystream makes itself ── */

const ps_account_role_shape ps_account_roles[PS_ROLE_COUNT] = {
    [PS_ROLE_PAYER] = {"payer:", "", true, PS_ACCOUNT_LIABILITY, PS_ACCOUNT_DEBITS_CAPPED},
    [PS_ROLE_MERCHANT_PENDING] = {"merchant:", ":pending", true, PS_ACCOUNT_LIABILITY,
                                  PS_ACCOUNT_DEBITS_CAPPED},
    [PS_ROLE_MERCHANT_AVAILABLE] = {"merchant:", ":available", true, PS_ACCOUNT_LIABILITY,
                                    PS_ACCOUNT_DEBITS_CAPPED},
    [PS_ROLE_MERCHANT_RESERVE] = {"merchant:", ":reserve", true, PS_ACCOUNT_LIABILITY,
                                  PS_ACCOUNT_DEBITS_CAPPED},
    [PS_ROLE_MERCHANT_RECEIVABLE] = {"merchant:", ":receivable", true, PS_ACCOUNT_ASSET, 0},
    [PS_ROLE_SCHEME_RECEIVABLE] = {"scheme_receivable:", "", true, PS_ACCOUNT_ASSET, 0},
    [PS_ROLE_SCHEME_PAYABLE] = {"scheme_payable:", "", true, PS_ACCOUNT_LIABILITY, 0},
    [PS_ROLE_FEE_INCOME] = {"fee_income", "", false, PS_ACCOUNT_INCOME, 0},
    [PS_ROLE_NETWORK_COST] = {"network_cost", "", false, PS_ACCOUNT_EXPENSE, 0},
    [PS_ROLE_DISPUTE_HOLD] = {"dispute_hold", "", false, PS_ACCOUNT_LIABILITY, 0},
    [PS_ROLE_CHARGEBACK_LOSS] = {"chargeback_loss", "", false, PS_ACCOUNT_EXPENSE, 0},
    [PS_ROLE_SUSPENSE] = {"suspense", "", false, PS_ACCOUNT_LIABILITY, 0},
    [PS_ROLE_BANK_MAIN] = {"bank:main", "", false, PS_ACCOUNT_ASSET, 0},
    [PS_ROLE_WORLD] = {"world", "", false, PS_ACCOUNT_EQUITY, 0},
};

bool ps_account_role_parse(ps_slice account, ps_account_role *out_role, ps_slice *out_name)
{
    for (int role = 0; role < PS_ROLE_COUNT; role++) {
        const ps_account_role_shape *shape = &ps_account_roles[role];
        ps_slice prefix = ps_slice_text(shape->prefix);
        ps_slice suffix = ps_slice_text(shape->suffix);
        size_t fixed = prefix.size + suffix.size;
        if (!ps_slice_has_prefix(account, prefix) ||
            (shape->has_name ? account.size <= fixed : account.size != fixed)) {
            continue;
        }
        ps_slice end = ps_slice_of(account.data + account.size - suffix.size, suffix.size);
        if (ps_slice_equal(end, suffix)) {
            *out_role = (ps_account_role)role;
            *out_name = ps_slice_of(account.data + prefix.size, account.size - fixed);
            return true;
        }
    }
    return false;
}

static ps_slice role_name(ps_account_role role, ps_slice name, char out[PS_ACCOUNT_NAME_MAX])
{
    const ps_account_role_shape *shape = &ps_account_roles[role];
    size_t prefix_size = strlen(shape->prefix);
    size_t suffix_size = strlen(shape->suffix);
    PS_ASSERT(shape->has_name == (name.size != 0));
    PS_ASSERT(prefix_size + name.size + suffix_size <= PS_ACCOUNT_NAME_MAX);
    memcpy(out, shape->prefix, prefix_size);
    if (name.size != 0) {
        memcpy(out + prefix_size, name.data, name.size);
    }
    memcpy(out + prefix_size + name.size, shape->suffix, suffix_size);
    return ps_slice_of(out, prefix_size + name.size + suffix_size);
}

uint32_t ps_account_of(const ps_core *core, uint32_t book, ps_account_role role, ps_slice name,
                       ps_currency currency)
{
    PS_UNINITIALIZED char text[PS_ACCOUNT_NAME_MAX];
    return ps_ledger_account_find(&core->ledger, book, role_name(role, name, text), currency);
}

uint32_t ps_emit_account_of(ps_emit *emit, ps_account_role role, ps_slice name,
                            ps_currency currency)
{
    PS_UNINITIALIZED char text[PS_ACCOUNT_NAME_MAX];
    ps_slice account_name = role_name(role, name, text);
    uint32_t account =
        ps_ledger_account_find(&emit->core->ledger, emit->book, account_name, currency);
    if (account != PS_INDEX_NONE) {
        return account;
    }
    return ps_emit_account(emit, account_name, currency, ps_account_roles[role].type,
                           ps_account_roles[role].flags);
}
