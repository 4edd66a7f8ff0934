/* Commands from slots: which value goes where, and the defaults of CONTRACT §2. */
#include "base/time.h"
#include "serve/decode_internal.h"

static int64_t seconds(const ps_decoder *decoder, ps_slot slot)
{
    return ps_slot_integer(decoder, slot, 0) * PS_NS_PER_S; /* at most ten years: fits */
}

static bool instrument_check(const ps_decoder *decoder, ps_api_error *error)
{
    static const struct {
        ps_slot slot;
        const char *param;
    } card_only[] = {{PS_SLOT_TOKEN, "instrument.token"},
                     {PS_SLOT_BIN, "instrument.bin"},
                     {PS_SLOT_LAST4, "instrument.last4"},
                     {PS_SLOT_EXP, "instrument.exp"},
                     {PS_SLOT_CARD_COUNTRY, "instrument.country"}};
    bool is_card = decoder->slots[PS_SLOT_INSTRUMENT_TYPE].integer == 1;
    if (is_card && !ps_slot_has(decoder, PS_SLOT_TOKEN)) {
        return ps_api_refuse(error, "parameter_missing", "instrument.token",
                             "The field instrument.token is needed for a card.");
    }
    for (size_t i = 0; !is_card && i < sizeof card_only / sizeof card_only[0]; i++) {
        if (ps_slot_has(decoder, card_only[i].slot)) {
            return ps_api_refuse(error, "parameter_unknown", card_only[i].param,
                                 "A wallet has no field %s.", card_only[i].param);
        }
    }
    return true;
}

static bool payment_fill(ps_decoder *decoder, ps_command *command, ps_api_error *error)
{
    if (!instrument_check(decoder, error)) {
        return false;
    }
    bool is_card = decoder->slots[PS_SLOT_INSTRUMENT_TYPE].integer == 1;
    decoder->payment = (ps_payment_request){
        .client_id = ps_slot_text(decoder, PS_SLOT_ID),
        .merchant = ps_slot_text(decoder, PS_SLOT_MERCHANT),
        .payer = ps_slot_text(decoder, PS_SLOT_PAYER),
        .token = ps_slot_text(decoder, PS_SLOT_TOKEN),
        .bin = ps_slot_text(decoder, PS_SLOT_BIN),
        .last4 = ps_slot_text(decoder, PS_SLOT_LAST4),
        .exp = ps_slot_text(decoder, PS_SLOT_EXP),
        .card_country = ps_slot_text(decoder, PS_SLOT_CARD_COUNTRY),
        .reference = ps_slot_text(decoder, PS_SLOT_REFERENCE),
        .description = ps_slot_text(decoder, PS_SLOT_DESCRIPTION),
        .metadata = ps_slot_text(decoder, PS_SLOT_METADATA),
        .ip = ps_slot_text(decoder, PS_SLOT_IP),
        .device = ps_slot_text(decoder, PS_SLOT_DEVICE),
        .email = ps_slot_text(decoder, PS_SLOT_EMAIL),
        .country = ps_slot_text(decoder, PS_SLOT_COUNTRY),
        .channel = ps_slot_text(decoder, PS_SLOT_CHANNEL),
        .user_agent = ps_slot_text(decoder, PS_SLOT_USER_AGENT),
        .amount = ps_slot_integer(decoder, PS_SLOT_AMOUNT, 0),
        .fee = ps_slot_integer(decoder, PS_SLOT_FEE, 0),
        .expires_in_ns = seconds(decoder, PS_SLOT_EXPIRES_IN),
        .currency = (ps_currency)ps_slot_integer(decoder, PS_SLOT_CURRENCY, 0),
        .instrument = is_card ? PS_INSTRUMENT_CARD : PS_INSTRUMENT_WALLET,
        .manual_capture = ps_slot_integer(decoder, PS_SLOT_CAPTURE_METHOD, 0) == 1,
        .confirm = ps_slot_integer(decoder, PS_SLOT_CONFIRM, 1) != 0,
    };
    command->u.payment = &decoder->payment;
    return true;
}

static bool transfer_fill(const ps_decoder *decoder, ps_command *command, ps_api_error *error)
{
    command->u.transfer.debit = ps_slot_text(decoder, PS_SLOT_DEBIT);
    command->u.transfer.credit = ps_slot_text(decoder, PS_SLOT_CREDIT);
    command->u.transfer.pending = ps_slot_integer(decoder, PS_SLOT_PENDING, 0) != 0;
    command->timeout_ns = seconds(decoder, PS_SLOT_TIMEOUT);
    if (command->timeout_ns != 0 && !command->u.transfer.pending) {
        return ps_api_refuse(error, "parameter_invalid", "timeout",
                             "timeout is only for a transfer with pending true.");
    }
    return true;
}

/* A scope of a key is the bit of its word; so are the flags of an account. */
static void key_fill(const ps_decoder *decoder, ps_command *command)
{
    command->reason = ps_slot_text(decoder, PS_SLOT_NAME);
    command->timeout_ns = seconds(decoder, PS_SLOT_EXPIRES_IN);
    command->u.key_new.scopes = (uint16_t)ps_slot_integer(decoder, PS_SLOT_SCOPES, 0);
    command->u.key_new.live = ps_slot_integer(decoder, PS_SLOT_MODE, 0) == 1;
    command->u.key_new.tenant = ps_slot_text(decoder, PS_SLOT_TENANT);
}

static void account_fill(const ps_decoder *decoder, ps_command *command)
{
    command->u.account.name = ps_slot_text(decoder, PS_SLOT_NAME);
    command->u.account.type = (uint8_t)ps_slot_integer(decoder, PS_SLOT_TYPE, 0);
    command->u.account.flags = (uint8_t)ps_slot_integer(decoder, PS_SLOT_FLAGS, 0);
}

static void risk_fill(const ps_decoder *decoder, ps_command *command)
{
    command->reason = ps_slot_text(decoder, PS_SLOT_KIND);
    command->data = ps_slot_text(decoder, PS_SLOT_DATA);
    command->u.risk.type = (uint8_t)(ps_slot_integer(decoder, PS_SLOT_TYPE, 0) + PS_RISK_FRAUD);
    command->u.risk.severity = (uint8_t)(ps_slot_integer(decoder, PS_SLOT_SEVERITY, 0) + 1);
    command->u.risk.payment = ps_slot_text(decoder, PS_SLOT_PAYMENT);
    command->u.risk.entity = ps_slot_text(decoder, PS_SLOT_ENTITY);
}

static bool kind_fill(ps_decoder *decoder, ps_command *command, ps_api_error *error)
{
    int64_t outcome = ps_slot_integer(decoder, PS_SLOT_OUTCOME, 0);
    switch (command->kind) {
    case PS_CMD_PAYMENT_CREATE:
        return payment_fill(decoder, command, error);
    case PS_CMD_PAYMENT_CAPTURE:
        command->u.capture.final = ps_slot_integer(decoder, PS_SLOT_FINAL, 1) != 0;
        return true;
    case PS_CMD_PAYMENT_RAIL_RESULT:
        command->reference = ps_slot_text(decoder, PS_SLOT_RAIL_REFERENCE);
        command->u.rail.outcome = (ps_rail_outcome)(outcome + PS_RAIL_APPROVED);
        command->u.rail.decline_code = ps_slot_text(decoder, PS_SLOT_DECLINE_CODE);
        return true;
    case PS_CMD_PAYMENT_REVIEW:
        command->u.review.approve = outcome == 0;
        return true;
    case PS_CMD_REFUND_CREATE:
    case PS_CMD_DISPUTE_OPEN:
        command->u.refund.payment = ps_slot_text(decoder, PS_SLOT_PAYMENT);
        command->u.refund.reason = command->reason;
        return true;
    case PS_CMD_DISPUTE_END:
        command->u.dispute.won = outcome == 0;
        return true;
    case PS_CMD_ACCOUNT_OPEN:
        account_fill(decoder, command);
        return true;
    case PS_CMD_ACCOUNT_FREEZE:
    case PS_CMD_ACCOUNT_UNFREEZE:
    case PS_CMD_ACCOUNT_CLOSE:
        command->u.account.name = command->target;
        return true;
    case PS_CMD_TRANSFER_CREATE:
        return transfer_fill(decoder, command, error);
    case PS_CMD_SETTLEMENT_CLOSE:
        command->u.settlement.merchant = ps_slot_text(decoder, PS_SLOT_MERCHANT);
        return true;
    case PS_CMD_RISK_EVENT:
        risk_fill(decoder, command);
        return true;
    case PS_CMD_KEY_CREATE:
        key_fill(decoder, command);
        return true;
    case PS_CMD_PAYMENT_CONFIRM:
    case PS_CMD_PAYMENT_CANCEL:
    case PS_CMD_PAYMENT_REVERSE:
    case PS_CMD_PAYMENT_SYNC:
    case PS_CMD_DISPUTE_CHALLENGE:
    case PS_CMD_DISPUTE_ACCEPT:
    case PS_CMD_TRANSFER_POST:
    case PS_CMD_TRANSFER_VOID:
    case PS_CMD_TRANSFER_REVERT:
    case PS_CMD_SETTLEMENT_CONFIRM:
    case PS_CMD_SETTLEMENT_FAIL:
    case PS_CMD_KEY_REVOKE:
        return true;
    case PS_CMD_GENESIS:
    case PS_CMD_TIMER:
    case PS_CMD_SNAPSHOT:
    case PS_CMD_COUNT:
        break;
    }
    PS_ASSERT(command->kind == PS_CMD_PAYMENT_CREATE); /* no route makes the others */
    return false;
}

bool ps_decode_command_fill(ps_decoder *decoder, const ps_request_context *context,
                            ps_command *out_command, ps_api_error *error)
{
    ps_command *command = out_command; /* has idempotency and fingerprint already */
    command->kind = context->route->command;
    command->book = context->book;
    command->key = context->key;
    command->scopes = context->scopes;
    command->request_id = context->request_id;
    memcpy(command->address, context->address, sizeof command->address);
    command->target = context->id;
    command->amount = ps_slot_integer(decoder, PS_SLOT_AMOUNT, 0);
    command->currency = (ps_currency)ps_slot_integer(decoder, PS_SLOT_CURRENCY, 0);
    command->reason = ps_slot_text(decoder, PS_SLOT_REASON);
    command->reference = ps_slot_text(decoder, PS_SLOT_REFERENCE);
    return kind_fill(decoder, command, error);
}
