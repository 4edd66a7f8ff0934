#include "connect/journal_tables.h"

#include <stdio.h>
#include <stdlib.h>

enum { CACHE_SLOTS = 1 << 15, NS_PER_MS = 1000000 };

/* Texts of an object by the record that it comes from. */
typedef struct {
    uint64_t origin_seq; /* 0: empty */
    uint64_t number;     /* of the object */
    uint8_t type;
    ps_effect_texts *texts; /* owned copy; NULL: it has none */
} cached_texts;

struct ps_journal_row {
    ps_journal_records *records;
    ps_u128 instance;
    ps_journal_entry entry;
    const ps_effect_head *effect;
    cached_texts *cache; /* CACHE_SLOTS, by origin_seq */
    ps_code code;        /* of the getter that runs */
    ps_error err;
    char id[PS_ID_TEXT_MAX];
};

ps_code ps_journal_row_new(ps_journal_records *records, ps_journal_row **out, ps_error *err)
{
    ps_journal_row *row = calloc(1, sizeof *row);
    cached_texts *cache = calloc(CACHE_SLOTS, sizeof *cache);
    if (row == NULL || cache == NULL) {
        free(row);
        free(cache);
        return ps_error_set(err, PS_E_MEMORY, "no memory to read journal tables");
    }
    row->records = records;
    row->instance = ps_journal_records_instance(records);
    row->cache = cache;
    *out = row;
    return PS_OK;
}

void ps_journal_row_free(ps_journal_row *row)
{
    if (row == NULL) {
        return;
    }
    for (uint32_t i = 0; i < CACHE_SLOTS; i++) {
        free(row->cache[i].texts);
    }
    free(row->cache);
    free(row);
}

void ps_journal_row_set(ps_journal_row *row, const ps_journal_entry *entry,
                        const ps_effect_head *effect)
{
    row->entry = *entry;
    row->effect = effect;
}

ps_code ps_journal_row_get(ps_journal_row *row, const ps_journal_column *column, ps_value *out,
                           ps_error *err)
{
    row->code = PS_OK;
    *out = column->get(row, column->field);
    if (row->code != PS_OK) {
        *err = row->err;
    }
    return row->code;
}

/* ── effects ── */

static const ps_effect_payment *payment_of(const ps_journal_row *row)
{
    return (const ps_effect_payment *)(const void *)row->effect;
}

static const ps_effect_trade *trade_of(const ps_journal_row *row)
{
    return (const ps_effect_trade *)(const void *)row->effect;
}

static const ps_effect_transfer *transfer_of(const ps_journal_row *row)
{
    return (const ps_effect_transfer *)(const void *)row->effect;
}

static const ps_effect_risk_event *risk_event_of(const ps_journal_row *row)
{
    return (const ps_effect_risk_event *)(const void *)row->effect;
}

/* Is it this object? Only of kinds that have texts of their own. */
static bool is_object(const ps_effect_head *effect, uint8_t type, uint64_t number)
{
    if (effect->type != type) {
        return false;
    }
    const void *body = effect;
    return type == PS_EFFECT_PAYMENT ? ((const ps_effect_payment *)body)->payment == number
                                     : ((const ps_effect_transfer *)body)->transfer == number;
}

/* The first texts of the object in a record; NULL: none. */
static const ps_effect_texts *texts_in(ps_slice payload, uint8_t type, uint64_t number)
{
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        const ps_effect_texts *texts =
            is_object(e, type, number) ? ps_effect_texts_of(payload, e) : NULL;
        if (texts != NULL) {
            return texts;
        }
    }
    return NULL;
}

static void look_up_texts(ps_journal_row *row, cached_texts *slot)
{
    ps_journal_entry origin;
    row->code = ps_journal_records_look_up(row->records, slot->origin_seq, &origin, &row->err);
    if (row->code != PS_OK) {
        return;
    }
    const ps_effect_texts *texts = texts_in(origin.payload, slot->type, slot->number);
    if (texts == NULL) {
        return;
    }
    slot->texts = malloc(texts->head.size);
    if (slot->texts == NULL) {
        row->code = ps_error_set(&row->err, PS_E_MEMORY, "no memory for texts of the journal");
        return;
    }
    memcpy(slot->texts, texts, texts->head.size);
}

/* Of the object as it was made; NULL: none, or row->code says why not. */
static const ps_effect_texts *origin_texts(ps_journal_row *row, uint8_t type, uint64_t number,
                                           uint64_t origin_seq)
{
    if (origin_seq == row->entry.seq) {
        return texts_in(row->entry.payload, type, number);
    }
    cached_texts *slot = &row->cache[origin_seq % CACHE_SLOTS];
    if (slot->origin_seq != origin_seq || slot->type != type || slot->number != number) {
        free(slot->texts);
        *slot = (cached_texts){.origin_seq = origin_seq, .number = number, .type = type};
        look_up_texts(row, slot);
        if (row->code != PS_OK) {
            slot->origin_seq = 0;
        }
    }
    return slot->texts;
}

/* ── values ── */

static ps_value null_value(void)
{
    return (ps_value){.is_null = true};
}

static ps_value text_value(ps_slice text)
{
    return text.size > 0 ? (ps_value){.text = text} : null_value();
}

static ps_value word_value(const char *word)
{
    return word != NULL ? text_value(ps_slice_text(word)) : null_value();
}

static ps_value field_of(const ps_effect_texts *texts, int field)
{
    return texts != NULL ? text_value(ps_texts_get(texts, (ps_text_field)field)) : null_value();
}

static ps_value id_value(ps_journal_row *row, ps_id_kind kind, uint64_t number, int64_t created_ns)
{
    if (number == 0) {
        return null_value();
    }
    size_t size = ps_id_format(row->instance, kind, number, created_ns, row->id);
    return (ps_value){.text = ps_slice_of(row->id, size)};
}

static ps_value time_value(int64_t time_ns)
{
    return time_ns != 0 ? (ps_value){.i64 = time_ns / NS_PER_MS} : null_value();
}

static ps_value get_seq(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = (int64_t)row->entry.seq};
}

static ps_value get_time(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = ps_record_head(row->entry.payload)->time_ns / NS_PER_MS};
}

/* ── payment_events, decisions ── */

static bool takes_payment_event(const ps_effect_head *effect)
{
    return effect->type == PS_EFFECT_PAYMENT && effect->event != PS_EVENT_NONE;
}

/* The policy decides before a payment's first effect is written, which holds its action. */
static bool takes_decision(const ps_effect_head *effect)
{
    const ps_effect_payment *payment = (const void *)effect;
    return effect->type == PS_EFFECT_PAYMENT && payment->version == 1 &&
           payment->decision != PS_ACTION_NONE;
}

static ps_value get_event(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_event_name((ps_event_type)row->effect->event));
}

static const ps_effect_texts *payment_texts(ps_journal_row *row)
{
    const ps_effect_payment *payment = payment_of(row);
    return origin_texts(row, PS_EFFECT_PAYMENT, payment->payment, payment->origin_seq);
}

static ps_value get_payment_text(ps_journal_row *row, int field)
{
    return field_of(payment_texts(row), field);
}

static ps_value get_payment_id(ps_journal_row *row, int field)
{
    (void)field;
    const ps_effect_payment *payment = payment_of(row);
    if ((payment->flags & PS_PAYMENT_CLIENT_ID) != 0) {
        return field_of(payment_texts(row), PS_TEXT_CLIENT_ID);
    }
    return id_value(row, PS_ID_PAYMENT, payment->payment, payment->created_ns);
}

static ps_value get_status(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_status_name((ps_status)payment_of(row)->status));
}

static ps_value get_instrument(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(payment_of(row)->instrument == PS_INSTRUMENT_CARD ? "card" : "wallet");
}

static ps_value get_payment_currency(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_currency_code(payment_of(row)->currency));
}

/* What this change moved: the trade record that was written just before it, in the same record;
 * else the whole payment. */
static ps_value get_change_amount(ps_journal_row *row, int field)
{
    (void)field;
    const ps_effect_payment *payment = payment_of(row);
    int64_t amount = payment->amount;
    for (const ps_effect_head *e = ps_effect_first(row->entry.payload); e != row->effect;
         e = ps_effect_next(row->entry.payload, e)) {
        const ps_effect_trade *trade = (const void *)e;
        if (e->type == PS_EFFECT_TRADE && trade->payment == payment->payment) {
            amount = trade->amount;
        } else if (is_object(e, PS_EFFECT_PAYMENT, payment->payment)) {
            amount = payment->amount;
        }
    }
    return (ps_value){.i64 = amount};
}

static ps_value get_payment_amount(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = payment_of(row)->amount};
}

static ps_value get_authorised(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = payment_of(row)->counters.authorised};
}

static ps_value get_captured(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = payment_of(row)->counters.captured};
}

static ps_value get_refunded(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = payment_of(row)->counters.refunded};
}

/* The rail's own word for a decline that is not in our table stands beside the change. */
static ps_value get_decline_code(ps_journal_row *row, int field)
{
    (void)field;
    const ps_effect_payment *payment = payment_of(row);
    const ps_decline_text *known = ps_decline_describe((ps_decline)payment->decline);
    if (known == NULL) {
        return null_value();
    }
    const ps_effect_texts *texts = ps_effect_texts_of(row->entry.payload, row->effect);
    ps_value own = field_of(texts, PS_TEXT_DECLINE_CODE);
    return payment->decline == PS_DECLINE_OTHER && !own.is_null ? own : word_value(known->code);
}

static ps_value get_action(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_action_name((ps_action)payment_of(row)->decision));
}

static ps_value get_score(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = payment_of(row)->score};
}

#define SEQ_AND_TIME                                                                               \
    {"seq", &ps_type_bigint, get_seq, 0, "number of the journal record"},                          \
    {                                                                                              \
        "event_time", &ps_type_timestamp_ltz3, get_time, 0, "journal time of the record"           \
    }
#define PAYMENT_TEXT(name, field, help)                                                            \
    {                                                                                              \
        name, &ps_type_string, get_payment_text, field, help                                       \
    }

static const ps_journal_column payment_event_columns[] = {
    SEQ_AND_TIME,
    {"type", &ps_type_string, get_event, 0, "what happened: payment.authorised …"},
    {"payment_id", &ps_type_string, get_payment_id, 0, "of the payment"},
    {"status", &ps_type_string, get_status, 0, "of the payment after the change"},
    PAYMENT_TEXT("merchant", PS_TEXT_MERCHANT, "who is paid"),
    PAYMENT_TEXT("payer", PS_TEXT_PAYER, "who pays"),
    {"instrument_type", &ps_type_string, get_instrument, 0, "card or wallet"},
    PAYMENT_TEXT("token", PS_TEXT_TOKEN, "stands for the card"),
    PAYMENT_TEXT("bin", PS_TEXT_BIN, "first digits of the card"),
    PAYMENT_TEXT("card_country", PS_TEXT_CARD_COUNTRY, "where the card was issued"),
    PAYMENT_TEXT("ip", PS_TEXT_IP, "the payer's address"),
    PAYMENT_TEXT("device", PS_TEXT_DEVICE, "the payer's device"),
    PAYMENT_TEXT("email", PS_TEXT_EMAIL, "the payer's e-mail"),
    PAYMENT_TEXT("country", PS_TEXT_COUNTRY, "where the payer is"),
    PAYMENT_TEXT("channel", PS_TEXT_CHANNEL, "web, app, pos …"),
    {"currency", &ps_type_string, get_payment_currency, 0, "three letters"},
    {"amount", &ps_type_bigint, get_change_amount, 0, "of this change, minor units"},
    {"authorised", &ps_type_bigint, get_authorised, 0, "so far, minor units"},
    {"captured", &ps_type_bigint, get_captured, 0, "so far, minor units"},
    {"refunded", &ps_type_bigint, get_refunded, 0, "so far, minor units"},
    {"decline_code", &ps_type_string, get_decline_code, 0, "why it was declined or failed"},
    PAYMENT_TEXT("reference", PS_TEXT_REFERENCE, "the merchant's own"),
    {NULL, NULL, NULL, 0, NULL},
};

static const ps_journal_column decision_columns[] = {
    SEQ_AND_TIME,
    {"payment_id", &ps_type_string, get_payment_id, 0, "of the payment"},
    {"action", &ps_type_string, get_action, 0, "approve, challenge, review or decline"},
    {"score", &ps_type_bigint, get_score, 0, "of the policy"},
    PAYMENT_TEXT("merchant", PS_TEXT_MERCHANT, "who is paid"),
    PAYMENT_TEXT("payer", PS_TEXT_PAYER, "who pays"),
    {"instrument_type", &ps_type_string, get_instrument, 0, "card or wallet"},
    PAYMENT_TEXT("token", PS_TEXT_TOKEN, "stands for the card"),
    {"currency", &ps_type_string, get_payment_currency, 0, "three letters"},
    {"amount", &ps_type_bigint, get_payment_amount, 0, "of the payment, minor units"},
    {NULL, NULL, NULL, 0, NULL},
};

/* ── trades ── */

static bool takes_trade(const ps_effect_head *effect)
{
    return effect->type == PS_EFFECT_TRADE;
}

static ps_value get_trade_id(ps_journal_row *row, int field)
{
    (void)field;
    return id_value(row, PS_ID_TRADE, trade_of(row)->trade, trade_of(row)->created_ns);
}

static ps_value get_trade_kind(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_trade_kind_name((ps_trade_kind)trade_of(row)->kind));
}

static ps_value get_trade_status(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_trade_status_name((ps_trade_status)trade_of(row)->status));
}

static ps_value get_trade_payment(ps_journal_row *row, int field)
{
    (void)field;
    const ps_effect_trade *trade = trade_of(row);
    if (trade->payment == PS_INDEX_NONE) {
        return null_value();
    }
    if ((trade->payment_flags & PS_PAYMENT_CLIENT_ID) != 0) {
        return field_of(
            origin_texts(row, PS_EFFECT_PAYMENT, trade->payment, trade->payment_origin_seq),
            PS_TEXT_CLIENT_ID);
    }
    return id_value(row, PS_ID_PAYMENT, trade->payment, trade->payment_created_ns);
}

static ps_value get_trade_amount(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = trade_of(row)->amount};
}

static ps_value get_trade_currency(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_currency_code(trade_of(row)->currency));
}

static ps_value get_trade_reverses(ps_journal_row *row, int field)
{
    (void)field;
    return id_value(row, PS_ID_TRADE, trade_of(row)->reverses, trade_of(row)->reverses_created_ns);
}

static ps_value get_own_text(ps_journal_row *row, int field)
{
    return field_of(ps_effect_texts_of(row->entry.payload, row->effect), field);
}

static ps_value get_trade_created(ps_journal_row *row, int field)
{
    (void)field;
    return time_value(trade_of(row)->created_ns);
}

static const ps_journal_column trade_columns[] = {
    SEQ_AND_TIME,
    {"trade_id", &ps_type_string, get_trade_id, 0, "of the trade record"},
    {"kind", &ps_type_string, get_trade_kind, 0, "authorisation, capture, refund, payout …"},
    {"status", &ps_type_string, get_trade_status, 0, "pending, success, failure or reversed"},
    {"payment_id", &ps_type_string, get_trade_payment, 0, "NULL for settlements and payouts"},
    {"currency", &ps_type_string, get_trade_currency, 0, "three letters"},
    {"amount", &ps_type_bigint, get_trade_amount, 0, "minor units"},
    {"reverses", &ps_type_string, get_trade_reverses, 0, "the trade record that it takes back"},
    {"reason", &ps_type_string, get_own_text, PS_TEXT_REASON, "as it was given"},
    {"created", &ps_type_timestamp_ltz3, get_trade_created, 0, "when the trade record was made"},
    {NULL, NULL, NULL, 0, NULL},
};

/* ── transfers ── */

static bool takes_transfer(const ps_effect_head *effect)
{
    return effect->type == PS_EFFECT_TRANSFER;
}

static ps_value get_transfer_id(ps_journal_row *row, int field)
{
    (void)field;
    const ps_effect_transfer *transfer = transfer_of(row);
    return id_value(row, PS_ID_TRANSFER, transfer->transfer, transfer->created_ns);
}

static ps_value get_transfer_status(ps_journal_row *row, int field)
{
    (void)field;
    switch ((ps_transfer_state)transfer_of(row)->status) {
    case PS_TRANSFER_PENDING:
        return word_value("pending");
    case PS_TRANSFER_POSTED:
        return word_value("posted");
    case PS_TRANSFER_VOIDED:
        return word_value("voided");
    case PS_TRANSFER_EXPIRED:
        return word_value("expired");
    }
    return null_value();
}

static ps_value get_transfer_text(ps_journal_row *row, int field)
{
    const ps_effect_transfer *transfer = transfer_of(row);
    return field_of(origin_texts(row, PS_EFFECT_TRANSFER, transfer->transfer, transfer->origin_seq),
                    field);
}

static ps_value get_transfer_amount(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = transfer_of(row)->amount};
}

static ps_value get_transfer_posted(ps_journal_row *row, int field)
{
    (void)field;
    return (ps_value){.i64 = transfer_of(row)->posted};
}

static ps_value get_transfer_currency(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_currency_code(transfer_of(row)->currency));
}

static ps_value get_transfer_timeout(ps_journal_row *row, int field)
{
    (void)field;
    return time_value(transfer_of(row)->timeout_ns);
}

static ps_value get_transfer_reverses(ps_journal_row *row, int field)
{
    (void)field;
    const ps_effect_transfer *transfer = transfer_of(row);
    return id_value(row, PS_ID_TRANSFER, transfer->reverses, transfer->reverses_created_ns);
}

static const ps_journal_column transfer_columns[] = {
    SEQ_AND_TIME,
    {"transfer_id", &ps_type_string, get_transfer_id, 0, "of the transfer"},
    {"status", &ps_type_string, get_transfer_status, 0, "pending, posted, voided or expired"},
    {"debit", &ps_type_string, get_transfer_text, PS_TEXT_DEBIT, "account that is debited"},
    {"credit", &ps_type_string, get_transfer_text, PS_TEXT_CREDIT, "account that is credited"},
    {"currency", &ps_type_string, get_transfer_currency, 0, "three letters"},
    {"amount", &ps_type_bigint, get_transfer_amount, 0, "asked for, minor units"},
    {"posted", &ps_type_bigint, get_transfer_posted, 0, "of it booked, minor units"},
    {"timeout_at", &ps_type_timestamp_ltz3, get_transfer_timeout, 0, "end of a pending one"},
    {"reverses", &ps_type_string, get_transfer_reverses, 0, "the transfer that it takes back"},
    {"reference", &ps_type_string, get_transfer_text, PS_TEXT_REFERENCE, "the client's own"},
    {NULL, NULL, NULL, 0, NULL},
};

/* ── risk_events ── */

static bool takes_risk_event(const ps_effect_head *effect)
{
    return effect->type == PS_EFFECT_RISK_EVENT;
}

static ps_value get_risk_event_id(ps_journal_row *row, int field)
{
    (void)field;
    const ps_effect_risk_event *event = risk_event_of(row);
    return id_value(row, PS_ID_RISK_EVENT, event->risk_event, event->created_ns);
}

static ps_value get_risk_type(ps_journal_row *row, int field)
{
    (void)field;
    return word_value(ps_risk_type_name((ps_risk_type)risk_event_of(row)->risk_type));
}

static ps_value get_severity(ps_journal_row *row, int field)
{
    static const char *const names[] = {"low", "medium", "high", "critical"};
    (void)field;
    uint8_t severity = risk_event_of(row)->severity;
    return word_value(severity >= 1 && severity <= 4 ? names[severity - 1] : names[0]);
}

static const ps_journal_column risk_event_columns[] = {
    SEQ_AND_TIME,
    {"risk_event_id", &ps_type_string, get_risk_event_id, 0, "of the risk event"},
    {"type", &ps_type_string, get_risk_type, 0, "fraud, attack or violation"},
    {"kind", &ps_type_string, get_own_text, PS_TEXT_KIND, "the reporter's word"},
    {"severity", &ps_type_string, get_severity, 0, "low, medium, high or critical"},
    {"payment_id", &ps_type_string, get_own_text, PS_TEXT_PAYMENT_ID, "the payment it is about"},
    {"entity", &ps_type_string, get_own_text, PS_TEXT_ENTITY, "or another object"},
    {"data", &ps_type_string, get_own_text, PS_TEXT_DATA, "JSON as it was given"},
    {NULL, NULL, NULL, 0, NULL},
};

/* ── the tables ── */

static const ps_journal_table tables[] = {
    {"payment_events", "one row per change of a payment", payment_event_columns,
     takes_payment_event},
    {"trades", "one row per trade record, and per change of its status", trade_columns,
     takes_trade},
    {"transfers", "one row per change of a ledger transfer", transfer_columns, takes_transfer},
    {"risk_events", "one row per risk event", risk_event_columns, takes_risk_event},
    {"decisions", "one row per decision of the policy", decision_columns, takes_decision},
};

const ps_journal_table *ps_journal_table_at(uint32_t index)
{
    return index < sizeof tables / sizeof tables[0] ? &tables[index] : NULL;
}

const ps_journal_table *ps_journal_table_find(ps_slice name)
{
    for (uint32_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (ps_slice_equal(name, ps_slice_text(tables[i].name))) {
            return &tables[i];
        }
    }
    return NULL;
}

const ps_journal_column *ps_journal_column_find(const ps_journal_table *table, ps_slice name)
{
    for (const ps_journal_column *column = table->columns; column->name != NULL; column++) {
        if (ps_slice_equal(name, ps_slice_text(column->name))) {
            return column;
        }
    }
    return NULL;
}
