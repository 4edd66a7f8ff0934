#include "pay/effect_fields.h"

#include "base/time.h"
#include "data/json_writer.h"

/* Words of stored enums, as functions of the stored byte. */
static const char *status_word(uint8_t v)
{
    return ps_status_name((ps_status)v);
}

static const char *phase_word(uint8_t v)
{
    static const char *const words[PS_PHASE_COUNT] = {[PS_PHASE_CREATED] = "created",
                                                      [PS_PHASE_IN_REVIEW] = "in_review",
                                                      [PS_PHASE_PROCESSING] = "processing",
                                                      [PS_PHASE_UNKNOWN] = "unknown",
                                                      [PS_PHASE_OPEN] = "open",
                                                      [PS_PHASE_DECLINED] = "declined",
                                                      [PS_PHASE_FAILED] = "failed",
                                                      [PS_PHASE_CANCELLED] = "cancelled",
                                                      [PS_PHASE_EXPIRED] = "expired",
                                                      [PS_PHASE_REVERSED] = "reversed"};
    return v < PS_PHASE_COUNT ? words[v] : NULL;
}

static const char *instrument_word(uint8_t v)
{
    return v == PS_INSTRUMENT_CARD ? "card" : "wallet";
}

static const char *rail_word(uint8_t v)
{
    return ps_rail_name((ps_rail_kind)v);
}

static const char *decline_word(uint8_t v)
{
    const ps_decline_text *text = ps_decline_describe((ps_decline)v);
    return text != NULL ? text->code : NULL;
}

static const char *action_word(uint8_t v)
{
    return ps_action_name((ps_action)v);
}

static const char *refund_word(uint8_t v)
{
    return ps_refund_status_name((ps_refund_status)v);
}

static const char *dispute_word(uint8_t v)
{
    return ps_dispute_status_name((ps_dispute_status)v);
}

static const char *trade_kind_word(uint8_t v)
{
    return ps_trade_kind_name((ps_trade_kind)v);
}

static const char *trade_status_word(uint8_t v)
{
    return ps_trade_status_name((ps_trade_status)v);
}

static const char *settlement_word(uint8_t v)
{
    return ps_settlement_status_name((ps_settlement_status)v);
}

static const char *risk_word(uint8_t v)
{
    return ps_risk_type_name((ps_risk_type)v);
}

static const char *transfer_word(uint8_t v)
{
    static const char *const words[] = {"pending", "posted", "voided", "expired"};
    return v < sizeof words / sizeof words[0] ? words[v] : NULL;
}

static const char *account_type_word(uint8_t v)
{
    static const char *const words[] = {"asset", "liability", "income", "expense", "equity"};
    return v < sizeof words / sizeof words[0] ? words[v] : NULL;
}

static const char *leg_kind_word(uint8_t v)
{
    static const char *const words[] = {"posted", "pending", "post", "void"};
    return v < sizeof words / sizeof words[0] ? words[v] : NULL;
}

static const ps_effect_field leg_fields[] = {
    {"kind", offsetof(ps_effect_leg, leg.kind), 1, PS_SHOW_NAME, leg_kind_word},
    {"flags", offsetof(ps_effect_leg, leg.flags), 1, PS_SHOW_U8, NULL},
    {"reserved", offsetof(ps_effect_leg, leg.reserved), 2, PS_SHOW_HIDDEN, NULL},
    {"slot", offsetof(ps_effect_leg, leg.slot), 4, PS_SHOW_NUMBER32, NULL},
    {"transfer", offsetof(ps_effect_leg, leg.transfer), 8, PS_SHOW_U64, NULL},
    {"debit", offsetof(ps_effect_leg, leg.debit), 4, PS_SHOW_U32, NULL},
    {"credit", offsetof(ps_effect_leg, leg.credit), 4, PS_SHOW_U32, NULL},
    {"amount", offsetof(ps_effect_leg, leg.amount), 8, PS_SHOW_I64, NULL},
    {"debit_prev_seq", offsetof(ps_effect_leg, leg.debit_prev_seq), 8, PS_SHOW_U64, NULL},
    {"credit_prev_seq", offsetof(ps_effect_leg, leg.credit_prev_seq), 8, PS_SHOW_U64, NULL},
    {"linked", offsetof(ps_effect_leg, leg.linked), 8, PS_SHOW_HIDDEN, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field account_fields[] = {
    {"account", offsetof(ps_effect_account, account), 4, PS_SHOW_U32, NULL},
    {"book", offsetof(ps_effect_account, book), 4, PS_SHOW_U32, NULL},
    {"currency", offsetof(ps_effect_account, currency), 2, PS_SHOW_CURRENCY, NULL},
    {"account_type", offsetof(ps_effect_account, account_type), 1, PS_SHOW_NAME, account_type_word},
    {"flags", offsetof(ps_effect_account, flags), 1, PS_SHOW_U8, NULL},
    {"name_size", offsetof(ps_effect_account, name_size), 4, PS_SHOW_HIDDEN, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field account_flags_fields[] = {
    {"account", offsetof(ps_effect_account_flags, account), 4, PS_SHOW_U32, NULL},
    {"flags", offsetof(ps_effect_account_flags, flags), 1, PS_SHOW_U8, NULL},
    {"reserved", offsetof(ps_effect_account_flags, reserved), 3, PS_SHOW_HIDDEN, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field payment_fields[] = {
    {"payment", offsetof(ps_effect_payment, payment), 4, PS_SHOW_U32, NULL},
    {"version", offsetof(ps_effect_payment, version), 4, PS_SHOW_U32, NULL},
    {"sequence", offsetof(ps_effect_payment, sequence), 8, PS_SHOW_U64, NULL},
    {"origin_seq", offsetof(ps_effect_payment, origin_seq), 8, PS_SHOW_U64, NULL},
    {"prev_seq", offsetof(ps_effect_payment, prev_seq), 8, PS_SHOW_U64, NULL},
    {"created", offsetof(ps_effect_payment, created_ns), 8, PS_SHOW_TIME, NULL},
    {"updated", offsetof(ps_effect_payment, updated_ns), 8, PS_SHOW_TIME, NULL},
    {"expires", offsetof(ps_effect_payment, expires_ns), 8, PS_SHOW_TIME, NULL},
    {"deadline", offsetof(ps_effect_payment, deadline_ns), 8, PS_SHOW_TIME, NULL},
    {"amount", offsetof(ps_effect_payment, amount), 8, PS_SHOW_I64, NULL},
    {"fee", offsetof(ps_effect_payment, fee), 8, PS_SHOW_I64, NULL},
    {"authorised", offsetof(ps_effect_payment, counters.authorised), 8, PS_SHOW_I64, NULL},
    {"capturable", offsetof(ps_effect_payment, counters.capturable), 8, PS_SHOW_I64, NULL},
    {"captured", offsetof(ps_effect_payment, counters.captured), 8, PS_SHOW_I64, NULL},
    {"refunded", offsetof(ps_effect_payment, counters.refunded), 8, PS_SHOW_I64, NULL},
    {"refund_pending", offsetof(ps_effect_payment, counters.refund_pending), 8, PS_SHOW_I64, NULL},
    {"disputed", offsetof(ps_effect_payment, counters.disputed), 8, PS_SHOW_I64, NULL},
    {"charged_back", offsetof(ps_effect_payment, counters.charged_back), 8, PS_SHOW_I64, NULL},
    {"settled", offsetof(ps_effect_payment, counters.settled), 8, PS_SHOW_I64, NULL},
    {"fee_taken", offsetof(ps_effect_payment, counters.fee_taken), 8, PS_SHOW_I64, NULL},
    {"rail_reference_seq", offsetof(ps_effect_payment, rail_reference_seq), 8, PS_SHOW_U64, NULL},
    {"auth_trade", offsetof(ps_effect_payment, auth_trade), 4, PS_SHOW_U32, NULL},
    {"last_trade", offsetof(ps_effect_payment, last_trade), 4, PS_SHOW_U32, NULL},
    {"merchant", offsetof(ps_effect_payment, merchant), 4, PS_SHOW_U32, NULL},
    {"payer", offsetof(ps_effect_payment, payer), 4, PS_SHOW_U32, NULL},
    {"hold_slot", offsetof(ps_effect_payment, hold_slot), 4, PS_SHOW_NUMBER32, NULL},
    {"account_merchant", offsetof(ps_effect_payment, account_merchant), 4, PS_SHOW_U32, NULL},
    {"account_payer", offsetof(ps_effect_payment, account_payer), 4, PS_SHOW_U32, NULL},
    {"settlement", offsetof(ps_effect_payment, settlement), 4, PS_SHOW_NUMBER32, NULL},
    {"captured_in_batch", offsetof(ps_effect_payment, captured_in_batch), 8, PS_SHOW_I64, NULL},
    {"book", offsetof(ps_effect_payment, book), 4, PS_SHOW_U32, NULL},
    {"currency", offsetof(ps_effect_payment, currency), 2, PS_SHOW_CURRENCY, NULL},
    {"phase", offsetof(ps_effect_payment, phase), 1, PS_SHOW_NAME, phase_word},
    {"status", offsetof(ps_effect_payment, status), 1, PS_SHOW_NAME, status_word},
    {"flags", offsetof(ps_effect_payment, flags), 1, PS_SHOW_U8, NULL},
    {"instrument", offsetof(ps_effect_payment, instrument), 1, PS_SHOW_NAME, instrument_word},
    {"rail", offsetof(ps_effect_payment, rail), 1, PS_SHOW_NAME, rail_word},
    {"decline", offsetof(ps_effect_payment, decline), 1, PS_SHOW_NAME, decline_word},
    {"decision", offsetof(ps_effect_payment, decision), 1, PS_SHOW_NAME, action_word},
    {"rail_script", offsetof(ps_effect_payment, rail_script), 1, PS_SHOW_U8, NULL},
    {"failed_refunds", offsetof(ps_effect_payment, failed_refunds), 1, PS_SHOW_U8, NULL},
    {"reserved0", offsetof(ps_effect_payment, reserved0), 1, PS_SHOW_HIDDEN, NULL},
    {"score", offsetof(ps_effect_payment, score), 4, PS_SHOW_U32, NULL},
    {"previous_of_merchant", offsetof(ps_effect_payment, previous_of_merchant), 4, PS_SHOW_NUMBER32,
     NULL},
    {"previous_of_payer", offsetof(ps_effect_payment, previous_of_payer), 4, PS_SHOW_NUMBER32,
     NULL},
    {"next_in_settlement", offsetof(ps_effect_payment, next_in_settlement), 4, PS_SHOW_NUMBER32,
     NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field refund_fields[] = {
    {"refund", offsetof(ps_effect_refund, refund), 4, PS_SHOW_U32, NULL},
    {"version", offsetof(ps_effect_refund, version), 4, PS_SHOW_U32, NULL},
    {"sequence", offsetof(ps_effect_refund, sequence), 8, PS_SHOW_U64, NULL},
    {"origin_seq", offsetof(ps_effect_refund, origin_seq), 8, PS_SHOW_U64, NULL},
    {"prev_seq", offsetof(ps_effect_refund, prev_seq), 8, PS_SHOW_U64, NULL},
    {"created", offsetof(ps_effect_refund, created_ns), 8, PS_SHOW_TIME, NULL},
    {"updated", offsetof(ps_effect_refund, updated_ns), 8, PS_SHOW_TIME, NULL},
    {"deadline", offsetof(ps_effect_refund, deadline_ns), 8, PS_SHOW_TIME, NULL},
    {"amount", offsetof(ps_effect_refund, amount), 8, PS_SHOW_I64, NULL},
    {"trade", offsetof(ps_effect_refund, trade), 8, PS_SHOW_U64, NULL},
    {"payment", offsetof(ps_effect_refund, payment), 4, PS_SHOW_NUMBER32, NULL},
    {"previous_of_payment", offsetof(ps_effect_refund, previous_of_payment), 4, PS_SHOW_NUMBER32,
     NULL},
    {"hold_slot", offsetof(ps_effect_refund, hold_slot), 4, PS_SHOW_NUMBER32, NULL},
    {"book", offsetof(ps_effect_refund, book), 4, PS_SHOW_U32, NULL},
    {"currency", offsetof(ps_effect_refund, currency), 2, PS_SHOW_CURRENCY, NULL},
    {"status", offsetof(ps_effect_refund, status), 1, PS_SHOW_NAME, refund_word},
    {"rail_script", offsetof(ps_effect_refund, rail_script), 1, PS_SHOW_U8, NULL},
    {"reserved", offsetof(ps_effect_refund, reserved), 4, PS_SHOW_HIDDEN, NULL},
    {"from_reserve", offsetof(ps_effect_refund, from_reserve), 8, PS_SHOW_I64, NULL},
    {"from_receivable", offsetof(ps_effect_refund, from_receivable), 8, PS_SHOW_I64, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field dispute_fields[] = {
    {"dispute", offsetof(ps_effect_dispute, dispute), 4, PS_SHOW_U32, NULL},
    {"version", offsetof(ps_effect_dispute, version), 4, PS_SHOW_U32, NULL},
    {"sequence", offsetof(ps_effect_dispute, sequence), 8, PS_SHOW_U64, NULL},
    {"origin_seq", offsetof(ps_effect_dispute, origin_seq), 8, PS_SHOW_U64, NULL},
    {"prev_seq", offsetof(ps_effect_dispute, prev_seq), 8, PS_SHOW_U64, NULL},
    {"created", offsetof(ps_effect_dispute, created_ns), 8, PS_SHOW_TIME, NULL},
    {"updated", offsetof(ps_effect_dispute, updated_ns), 8, PS_SHOW_TIME, NULL},
    {"respond_by", offsetof(ps_effect_dispute, respond_by_ns), 8, PS_SHOW_TIME, NULL},
    {"amount", offsetof(ps_effect_dispute, amount), 8, PS_SHOW_I64, NULL},
    {"trade", offsetof(ps_effect_dispute, trade), 8, PS_SHOW_U64, NULL},
    {"payment", offsetof(ps_effect_dispute, payment), 4, PS_SHOW_NUMBER32, NULL},
    {"previous_of_payment", offsetof(ps_effect_dispute, previous_of_payment), 4, PS_SHOW_NUMBER32,
     NULL},
    {"book", offsetof(ps_effect_dispute, book), 4, PS_SHOW_U32, NULL},
    {"currency", offsetof(ps_effect_dispute, currency), 2, PS_SHOW_CURRENCY, NULL},
    {"status", offsetof(ps_effect_dispute, status), 1, PS_SHOW_NAME, dispute_word},
    {"reserved", offsetof(ps_effect_dispute, reserved), 1, PS_SHOW_HIDDEN, NULL},
    {"from_reserve", offsetof(ps_effect_dispute, from_reserve), 8, PS_SHOW_I64, NULL},
    {"from_receivable", offsetof(ps_effect_dispute, from_receivable), 8, PS_SHOW_I64, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field trade_fields[] = {
    {"trade", offsetof(ps_effect_trade, trade), 8, PS_SHOW_U64, NULL},
    {"sequence", offsetof(ps_effect_trade, sequence), 8, PS_SHOW_U64, NULL},
    {"reverses", offsetof(ps_effect_trade, reverses), 8, PS_SHOW_U64, NULL},
    {"created", offsetof(ps_effect_trade, created_ns), 8, PS_SHOW_TIME, NULL},
    {"amount", offsetof(ps_effect_trade, amount), 8, PS_SHOW_I64, NULL},
    {"payment_origin_seq", offsetof(ps_effect_trade, payment_origin_seq), 8, PS_SHOW_U64, NULL},
    {"payment_created", offsetof(ps_effect_trade, payment_created_ns), 8, PS_SHOW_TIME, NULL},
    {"payment", offsetof(ps_effect_trade, payment), 4, PS_SHOW_NUMBER32, NULL},
    {"book", offsetof(ps_effect_trade, book), 4, PS_SHOW_U32, NULL},
    {"currency", offsetof(ps_effect_trade, currency), 2, PS_SHOW_CURRENCY, NULL},
    {"kind", offsetof(ps_effect_trade, kind), 1, PS_SHOW_NAME, trade_kind_word},
    {"status", offsetof(ps_effect_trade, status), 1, PS_SHOW_NAME, trade_status_word},
    {"payment_flags", offsetof(ps_effect_trade, payment_flags), 1, PS_SHOW_U8, NULL},
    {"reserved", offsetof(ps_effect_trade, reserved), 3, PS_SHOW_HIDDEN, NULL},
    {"reverses_created", offsetof(ps_effect_trade, reverses_created_ns), 8, PS_SHOW_TIME, NULL},
    {"previous_of_payment", offsetof(ps_effect_trade, previous_of_payment), 8, PS_SHOW_U64, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field settlement_fields[] = {
    {"settlement", offsetof(ps_effect_settlement, settlement), 4, PS_SHOW_U32, NULL},
    {"version", offsetof(ps_effect_settlement, version), 4, PS_SHOW_U32, NULL},
    {"sequence", offsetof(ps_effect_settlement, sequence), 8, PS_SHOW_U64, NULL},
    {"origin_seq", offsetof(ps_effect_settlement, origin_seq), 8, PS_SHOW_U64, NULL},
    {"prev_seq", offsetof(ps_effect_settlement, prev_seq), 8, PS_SHOW_U64, NULL},
    {"created", offsetof(ps_effect_settlement, created_ns), 8, PS_SHOW_TIME, NULL},
    {"updated", offsetof(ps_effect_settlement, updated_ns), 8, PS_SHOW_TIME, NULL},
    {"gross", offsetof(ps_effect_settlement, gross), 8, PS_SHOW_I64, NULL},
    {"fees", offsetof(ps_effect_settlement, fees), 8, PS_SHOW_I64, NULL},
    {"refunds", offsetof(ps_effect_settlement, refunds), 8, PS_SHOW_I64, NULL},
    {"disputes", offsetof(ps_effect_settlement, disputes), 8, PS_SHOW_I64, NULL},
    {"net", offsetof(ps_effect_settlement, net), 8, PS_SHOW_I64, NULL},
    {"payout_trade", offsetof(ps_effect_settlement, payout_trade), 8, PS_SHOW_U64, NULL},
    {"item_count", offsetof(ps_effect_settlement, item_count), 8, PS_SHOW_U64, NULL},
    {"merchant", offsetof(ps_effect_settlement, merchant), 4, PS_SHOW_U32, NULL},
    {"book", offsetof(ps_effect_settlement, book), 4, PS_SHOW_U32, NULL},
    {"payout_slot", offsetof(ps_effect_settlement, payout_slot), 4, PS_SHOW_NUMBER32, NULL},
    {"first_item", offsetof(ps_effect_settlement, first_item), 4, PS_SHOW_NUMBER32, NULL},
    {"next_to_settle", offsetof(ps_effect_settlement, next_to_settle), 4, PS_SHOW_NUMBER32, NULL},
    {"currency", offsetof(ps_effect_settlement, currency), 2, PS_SHOW_CURRENCY, NULL},
    {"status", offsetof(ps_effect_settlement, status), 1, PS_SHOW_NAME, settlement_word},
    {"reserved", offsetof(ps_effect_settlement, reserved), 1, PS_SHOW_HIDDEN, NULL},
    {"card_gross", offsetof(ps_effect_settlement, card_gross), 8, PS_SHOW_I64, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field transfer_fields[] = {
    {"transfer", offsetof(ps_effect_transfer, transfer), 8, PS_SHOW_U64, NULL},
    {"sequence", offsetof(ps_effect_transfer, sequence), 8, PS_SHOW_U64, NULL},
    {"origin_seq", offsetof(ps_effect_transfer, origin_seq), 8, PS_SHOW_U64, NULL},
    {"created", offsetof(ps_effect_transfer, created_ns), 8, PS_SHOW_TIME, NULL},
    {"updated", offsetof(ps_effect_transfer, updated_ns), 8, PS_SHOW_TIME, NULL},
    {"timeout", offsetof(ps_effect_transfer, timeout_ns), 8, PS_SHOW_TIME, NULL},
    {"amount", offsetof(ps_effect_transfer, amount), 8, PS_SHOW_I64, NULL},
    {"posted", offsetof(ps_effect_transfer, posted), 8, PS_SHOW_I64, NULL},
    {"reverses", offsetof(ps_effect_transfer, reverses), 8, PS_SHOW_U64, NULL},
    {"reverted_by", offsetof(ps_effect_transfer, reverted_by), 8, PS_SHOW_U64, NULL},
    {"reverses_created", offsetof(ps_effect_transfer, reverses_created_ns), 8, PS_SHOW_TIME, NULL},
    {"reverted_by_created", offsetof(ps_effect_transfer, reverted_by_created_ns), 8, PS_SHOW_TIME,
     NULL},
    {"debit", offsetof(ps_effect_transfer, debit), 4, PS_SHOW_U32, NULL},
    {"credit", offsetof(ps_effect_transfer, credit), 4, PS_SHOW_U32, NULL},
    {"slot", offsetof(ps_effect_transfer, slot), 4, PS_SHOW_NUMBER32, NULL},
    {"book", offsetof(ps_effect_transfer, book), 4, PS_SHOW_U32, NULL},
    {"currency", offsetof(ps_effect_transfer, currency), 2, PS_SHOW_CURRENCY, NULL},
    {"status", offsetof(ps_effect_transfer, status), 1, PS_SHOW_NAME, transfer_word},
    {"reserved", offsetof(ps_effect_transfer, reserved), 5, PS_SHOW_HIDDEN, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field risk_event_fields[] = {
    {"risk_event", offsetof(ps_effect_risk_event, risk_event), 8, PS_SHOW_U64, NULL},
    {"sequence", offsetof(ps_effect_risk_event, sequence), 8, PS_SHOW_U64, NULL},
    {"created", offsetof(ps_effect_risk_event, created_ns), 8, PS_SHOW_TIME, NULL},
    {"book", offsetof(ps_effect_risk_event, book), 4, PS_SHOW_U32, NULL},
    {"risk_type", offsetof(ps_effect_risk_event, risk_type), 1, PS_SHOW_NAME, risk_word},
    {"severity", offsetof(ps_effect_risk_event, severity), 1, PS_SHOW_U8, NULL},
    {"reserved", offsetof(ps_effect_risk_event, reserved), 2, PS_SHOW_HIDDEN, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field key_fields[] = {
    {"key", offsetof(ps_effect_key, key), 4, PS_SHOW_U32, NULL},
    {"book", offsetof(ps_effect_key, book), 4, PS_SHOW_U32, NULL},
    {"origin_seq", offsetof(ps_effect_key, origin_seq), 8, PS_SHOW_U64, NULL},
    {"public_id", offsetof(ps_effect_key, public_id), 16, PS_SHOW_U128, NULL},
    {"hmac", offsetof(ps_effect_key, hmac), 32, PS_SHOW_HIDDEN, NULL},
    {"created", offsetof(ps_effect_key, created_ns), 8, PS_SHOW_TIME, NULL},
    {"expires", offsetof(ps_effect_key, expires_ns), 8, PS_SHOW_TIME, NULL},
    {"revoked", offsetof(ps_effect_key, revoked_ns), 8, PS_SHOW_TIME, NULL},
    {"scopes", offsetof(ps_effect_key, scopes), 2, PS_SHOW_U16, NULL},
    {"live", offsetof(ps_effect_key, live), 1, PS_SHOW_U8, NULL},
    {"reserved", offsetof(ps_effect_key, reserved), 5, PS_SHOW_HIDDEN, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field book_fields[] = {
    {"book", offsetof(ps_effect_book, book), 4, PS_SHOW_U32, NULL},
    {"live", offsetof(ps_effect_book, live), 1, PS_SHOW_U8, NULL},
    {"name_size", offsetof(ps_effect_book, name_size), 1, PS_SHOW_HIDDEN, NULL},
    {"reserved", offsetof(ps_effect_book, reserved), 2, PS_SHOW_HIDDEN, NULL},
    {"tenant", offsetof(ps_effect_book, tenant), 64, PS_SHOW_TEXT, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_field party_fields[] = {
    {"party", offsetof(ps_effect_party, party), 4, PS_SHOW_U32, NULL},
    {"book", offsetof(ps_effect_party, book), 4, PS_SHOW_U32, NULL},
    {"is_payer", offsetof(ps_effect_party, is_payer), 1, PS_SHOW_U8, NULL},
    {"name_size", offsetof(ps_effect_party, name_size), 1, PS_SHOW_HIDDEN, NULL},
    {"reserved", offsetof(ps_effect_party, reserved), 2, PS_SHOW_HIDDEN, NULL},
    {"reserved1", offsetof(ps_effect_party, reserved1), 4, PS_SHOW_HIDDEN, NULL},
    {"name", offsetof(ps_effect_party, name), 64, PS_SHOW_TEXT, NULL},
    {NULL, 0, 0, PS_SHOW_HIDDEN, NULL}};

static const ps_effect_description descriptions[PS_EFFECT_COUNT] = {
    [PS_EFFECT_ACCOUNT] = {"account", sizeof(ps_effect_account), account_fields},
    [PS_EFFECT_ACCOUNT_FLAGS] = {"account_flags", sizeof(ps_effect_account_flags),
                                 account_flags_fields},
    [PS_EFFECT_LEG] = {"leg", sizeof(ps_effect_leg), leg_fields},
    [PS_EFFECT_PAYMENT] = {"payment", sizeof(ps_effect_payment), payment_fields},
    [PS_EFFECT_REFUND] = {"refund", sizeof(ps_effect_refund), refund_fields},
    [PS_EFFECT_DISPUTE] = {"dispute", sizeof(ps_effect_dispute), dispute_fields},
    [PS_EFFECT_TRADE] = {"trade", sizeof(ps_effect_trade), trade_fields},
    [PS_EFFECT_SETTLEMENT] = {"settlement", sizeof(ps_effect_settlement), settlement_fields},
    [PS_EFFECT_TRANSFER] = {"transfer", sizeof(ps_effect_transfer), transfer_fields},
    [PS_EFFECT_RISK_EVENT] = {"risk_event", sizeof(ps_effect_risk_event), risk_event_fields},
    [PS_EFFECT_KEY] = {"key", sizeof(ps_effect_key), key_fields},
    [PS_EFFECT_BOOK] = {"book", sizeof(ps_effect_book), book_fields},
    [PS_EFFECT_TEXTS] = {"texts", sizeof(ps_effect_texts), NULL},
    [PS_EFFECT_PARTY] = {"party", sizeof(ps_effect_party), party_fields},
};

const ps_effect_description *ps_effect_describe(ps_effect_type type)
{
    return type > 0 && type < PS_EFFECT_COUNT ? &descriptions[type] : NULL;
}

const char *ps_command_name(ps_command_kind command)
{
    static const char *const names[PS_CMD_COUNT] = {
        [PS_CMD_GENESIS] = "genesis",
        [PS_CMD_TIMER] = "timer",
        [PS_CMD_SNAPSHOT] = "snapshot",
        [PS_CMD_PAYMENT_CREATE] = "payment.create",
        [PS_CMD_PAYMENT_CONFIRM] = "payment.confirm",
        [PS_CMD_PAYMENT_CAPTURE] = "payment.capture",
        [PS_CMD_PAYMENT_CANCEL] = "payment.cancel",
        [PS_CMD_PAYMENT_REVERSE] = "payment.reverse",
        [PS_CMD_PAYMENT_SYNC] = "payment.sync",
        [PS_CMD_PAYMENT_RAIL_RESULT] = "payment.rail_result",
        [PS_CMD_PAYMENT_REVIEW] = "payment.review",
        [PS_CMD_REFUND_CREATE] = "refund.create",
        [PS_CMD_DISPUTE_OPEN] = "dispute.open",
        [PS_CMD_DISPUTE_CHALLENGE] = "dispute.challenge",
        [PS_CMD_DISPUTE_ACCEPT] = "dispute.accept",
        [PS_CMD_DISPUTE_END] = "dispute.end",
        [PS_CMD_ACCOUNT_OPEN] = "account.open",
        [PS_CMD_ACCOUNT_FREEZE] = "account.freeze",
        [PS_CMD_ACCOUNT_UNFREEZE] = "account.unfreeze",
        [PS_CMD_ACCOUNT_CLOSE] = "account.close",
        [PS_CMD_TRANSFER_CREATE] = "transfer.create",
        [PS_CMD_TRANSFER_POST] = "transfer.post",
        [PS_CMD_TRANSFER_VOID] = "transfer.void",
        [PS_CMD_TRANSFER_REVERT] = "transfer.revert",
        [PS_CMD_SETTLEMENT_CLOSE] = "settlement.close",
        [PS_CMD_SETTLEMENT_CONFIRM] = "settlement.confirm",
        [PS_CMD_SETTLEMENT_FAIL] = "settlement.fail",
        [PS_CMD_RISK_EVENT] = "risk_event.create",
        [PS_CMD_KEY_CREATE] = "key.create",
        [PS_CMD_KEY_REVOKE] = "key.revoke",
    };
    return command > 0 && command < PS_CMD_COUNT ? names[command] : NULL;
}

const char *ps_text_field_name(ps_text_field field)
{
    static const char *const names[PS_TEXT_FIELD_COUNT] = {
        [PS_TEXT_MERCHANT] = "merchant",
        [PS_TEXT_PAYER] = "payer",
        [PS_TEXT_TOKEN] = "token",
        [PS_TEXT_BIN] = "bin",
        [PS_TEXT_LAST4] = "last4",
        [PS_TEXT_EXP] = "exp",
        [PS_TEXT_CARD_COUNTRY] = "card_country",
        [PS_TEXT_REFERENCE] = "reference",
        [PS_TEXT_DESCRIPTION] = "description",
        [PS_TEXT_METADATA] = "metadata",
        [PS_TEXT_IP] = "ip",
        [PS_TEXT_DEVICE] = "device",
        [PS_TEXT_EMAIL] = "email",
        [PS_TEXT_COUNTRY] = "country",
        [PS_TEXT_CHANNEL] = "channel",
        [PS_TEXT_USER_AGENT] = "user_agent",
        [PS_TEXT_CLIENT_ID] = "client_id",
        [PS_TEXT_REASON] = "reason",
        [PS_TEXT_RAIL_REFERENCE] = "rail_reference",
        [PS_TEXT_DEBIT] = "debit",
        [PS_TEXT_CREDIT] = "credit",
        [PS_TEXT_PAYMENT_ID] = "payment_id",
        [PS_TEXT_KIND] = "kind",
        [PS_TEXT_ENTITY] = "entity",
        [PS_TEXT_DATA] = "data",
        [PS_TEXT_NAME] = "name",
        [PS_TEXT_TENANT] = "tenant",
        [PS_TEXT_DECLINE_CODE] = "decline_code",
    };
    return field > 0 && field < PS_TEXT_FIELD_COUNT ? names[field] : NULL;
}

/* ── dump ── */

static void dump_key(ps_buf *out, const char *name)
{
    ps_buf_append_char(out, ',');
    ps_json_append_string(out, ps_slice_text(name));
    ps_buf_append_char(out, ':');
}

static void dump_word(ps_buf *out, const char *word)
{
    if (word == NULL) {
        ps_buf_append_text(out, "null");
    } else {
        ps_json_append_string(out, ps_slice_text(word));
    }
}

static void dump_time(ps_buf *out, int64_t time_ns)
{
    if (time_ns == 0) {
        ps_buf_append_text(out, "null");
        return;
    }
    ps_buf_append_char(out, '"');
    ps_buf_append_time(out, time_ns);
    ps_buf_append_char(out, '"');
}

static void dump_hex(ps_buf *out, const void *data, size_t size)
{
    char text[64];
    PS_ASSERT(size * 2 <= sizeof text);
    ps_hex_encode(data, size, text);
    ps_json_append_string(out, ps_slice_of(text, size * 2));
}

static void dump_field(ps_buf *out, const ps_effect_field *field, const char *at)
{
    switch (field->show) {
    case PS_SHOW_U8:
        ps_buf_append_u64(out, (uint8_t)*at);
        return;
    case PS_SHOW_U16:
        ps_buf_append_u64(out, ps_get_u16(at));
        return;
    case PS_SHOW_U32:
        ps_buf_append_u64(out, ps_get_u32(at));
        return;
    case PS_SHOW_U64:
        ps_buf_append_u64(out, ps_get_u64(at));
        return;
    case PS_SHOW_I64:
        ps_buf_append_i64(out, (int64_t)ps_get_u64(at));
        return;
    case PS_SHOW_NUMBER32:
        if (ps_get_u32(at) == PS_INDEX_NONE) {
            ps_buf_append_text(out, "null");
        } else {
            ps_buf_append_u64(out, ps_get_u32(at));
        }
        return;
    case PS_SHOW_TIME:
        dump_time(out, (int64_t)ps_get_u64(at));
        return;
    case PS_SHOW_U128:
        dump_hex(out, at, 16);
        return;
    case PS_SHOW_CURRENCY:
        dump_word(out, ps_currency_code(ps_get_u16(at)));
        return;
    case PS_SHOW_NAME:
        dump_word(out, field->word((uint8_t)*at));
        return;
    case PS_SHOW_TEXT:
        ps_json_append_string(out, ps_slice_of(at, strnlen(at, field->size)));
        return;
    case PS_SHOW_HIDDEN:
        return;
    }
}

/* The data of a book is the hash secret, that of a change of flags a struct. */
static bool data_is_shown(const ps_effect_head *effect)
{
    return effect->type != PS_EFFECT_BOOK && effect->type != PS_EFFECT_ACCOUNT_FLAGS;
}

static void dump_texts(ps_buf *out, const ps_effect_head *effect, const ps_effect_texts *texts)
{
    if (texts == NULL) {
        return;
    }
    dump_key(out, "texts");
    ps_buf_append_char(out, '{');
    bool first = true;
    for (int field = 1; field < PS_TEXT_FIELD_COUNT; field++) {
        ps_slice text = ps_texts_get(texts, (ps_text_field)field);
        if (text.size > 0 && (field != PS_TEXT_DATA || data_is_shown(effect))) {
            if (!first) {
                ps_buf_append_char(out, ',');
            }
            first = false;
            ps_json_append_string(out, ps_slice_text(ps_text_field_name((ps_text_field)field)));
            ps_buf_append_char(out, ':');
            ps_json_append_string(out, text);
        }
    }
    ps_buf_append_char(out, '}');
}

typedef struct {
    ps_id_kind kind;
    uint64_t number;
    int64_t created_ns;
} effect_identity;

/* False: the effect's object has no id of its own. */
static bool identity_get(const ps_effect_head *effect, effect_identity *out)
{
    const void *at = effect;
    switch ((ps_effect_type)effect->type) {
    case PS_EFFECT_PAYMENT: {
        const ps_effect_payment *payment = at;
        *out = (effect_identity){PS_ID_PAYMENT, payment->payment, payment->created_ns};
        return (payment->flags & PS_PAYMENT_CLIENT_ID) == 0;
    }
    case PS_EFFECT_REFUND: {
        const ps_effect_refund *refund = at;
        *out = (effect_identity){PS_ID_REFUND, refund->refund, refund->created_ns};
        return true;
    }
    case PS_EFFECT_DISPUTE: {
        const ps_effect_dispute *dispute = at;
        *out = (effect_identity){PS_ID_DISPUTE, dispute->dispute, dispute->created_ns};
        return true;
    }
    case PS_EFFECT_TRADE: {
        const ps_effect_trade *trade = at;
        *out = (effect_identity){PS_ID_TRADE, trade->trade, trade->created_ns};
        return true;
    }
    case PS_EFFECT_SETTLEMENT: {
        const ps_effect_settlement *settlement = at;
        *out = (effect_identity){PS_ID_SETTLEMENT, settlement->settlement, settlement->created_ns};
        return true;
    }
    case PS_EFFECT_TRANSFER: {
        const ps_effect_transfer *transfer = at;
        *out = (effect_identity){PS_ID_TRANSFER, transfer->transfer, transfer->created_ns};
        return true;
    }
    case PS_EFFECT_RISK_EVENT: {
        const ps_effect_risk_event *risk = at;
        *out = (effect_identity){PS_ID_RISK_EVENT, risk->risk_event, risk->created_ns};
        return true;
    }
    case PS_EFFECT_ACCOUNT:
    case PS_EFFECT_ACCOUNT_FLAGS:
    case PS_EFFECT_LEG:
    case PS_EFFECT_KEY:
    case PS_EFFECT_BOOK:
    case PS_EFFECT_TEXTS:
    case PS_EFFECT_PARTY:
    case PS_EFFECT_COUNT:
        return false;
    }
    return false;
}

static void dump_id(ps_buf *out, ps_u128 instance, ps_slice payload, const ps_effect_head *effect)
{
    effect_identity identity;
    const ps_effect_texts *texts = ps_effect_texts_of(payload, effect);
    ps_slice client_id = texts != NULL ? ps_texts_get(texts, PS_TEXT_CLIENT_ID) : (ps_slice){0};
    if (identity_get(effect, &identity)) {
        char text[PS_ID_TEXT_MAX];
        size_t size =
            ps_id_format(instance, identity.kind, identity.number, identity.created_ns, text);
        dump_key(out, "id");
        ps_json_append_string(out, ps_slice_of(text, size));
    } else if (client_id.size > 0) {
        dump_key(out, "id");
        ps_json_append_string(out, client_id);
    }
}

static void dump_effect(ps_buf *out, ps_u128 instance, ps_slice payload,
                        const ps_effect_head *effect)
{
    const ps_effect_description *description = ps_effect_describe((ps_effect_type)effect->type);
    PS_ASSERT(description != NULL);
    ps_buf_append_text(out, "{\"effect\":");
    dump_word(out, description->name);
    if (effect->event != PS_EVENT_NONE) {
        dump_key(out, "event");
        dump_word(out, ps_event_name((ps_event_type)effect->event));
    }
    dump_id(out, instance, payload, effect);
    for (const ps_effect_field *field = description->fields; field->name != NULL; field++) {
        if (field->show != PS_SHOW_HIDDEN) {
            dump_key(out, field->name);
            dump_field(out, field, (const char *)effect + field->offset);
        }
    }
    if (effect->type == PS_EFFECT_ACCOUNT) {
        const ps_effect_account *account = (const ps_effect_account *)(const void *)effect;
        dump_key(out, "name");
        ps_json_append_string(out, ps_slice_of(account->name, account->name_size));
    }
    dump_texts(out, effect, ps_effect_texts_of(payload, effect));
    ps_buf_append_char(out, '}');
}

static void dump_header(uint64_t seq, const ps_record_header *header, ps_buf *out)
{
    ps_buf_append_text(out, "{\"seq\":");
    ps_buf_append_u64(out, seq);
    dump_key(out, "time");
    dump_time(out, header->time_ns);
    dump_key(out, "time_ns");
    ps_buf_append_i64(out, header->time_ns);
    dump_key(out, "command");
    dump_word(out, ps_command_name((ps_command_kind)header->command));
    dump_key(out, "book");
    ps_buf_append_u64(out, header->book);
    dump_key(out, "key");
    ps_buf_append_u64(out, header->key);
    dump_key(out, "status");
    ps_buf_append_u64(out, header->http_status);
    dump_key(out, "refusal");
    dump_word(out, header->refusal == PS_REFUSED_NONE
                       ? NULL
                       : ps_refusal_describe((ps_refusal)header->refusal)->code);
    dump_key(out, "subject");
    ps_buf_append_u64(out, header->subject);
    dump_key(out, "detail");
    ps_buf_append_i64(out, header->detail);
    dump_key(out, "request_id");
    dump_hex(out, &header->request_id, sizeof header->request_id);
    dump_key(out, "idempotency");
    dump_hex(out, &header->idempotency, sizeof header->idempotency);
    dump_key(out, "address");
    dump_hex(out, header->address, sizeof header->address);
}

void ps_record_dump(ps_u128 instance, uint64_t seq, ps_slice payload, ps_buf *out)
{
    dump_header(seq, ps_record_head(payload), out);
    dump_key(out, "effects");
    ps_buf_append_char(out, '[');
    bool first = true;
    for (const ps_effect_head *effect = ps_effect_first(payload); effect != NULL;
         effect = ps_effect_next(payload, effect)) {
        if (effect->type == PS_EFFECT_TEXTS) {
            continue; /* shown with the effect that it belongs to */
        }
        if (!first) {
            ps_buf_append_char(out, ',');
        }
        first = false;
        dump_effect(out, instance, payload, effect);
    }
    ps_buf_append_text(out, "]}");
}
