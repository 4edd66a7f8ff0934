#include "pay/command.h"

#define PS_INVALID "invalid_request_error"

static const ps_refusal_text refusal_texts[PS_REFUSED_COUNT] = {
    [PS_REFUSED_NONE] = {200, true, "", "", NULL, ""},
    [PS_REFUSED_DECLINED] = {402, true, "card_error", "declined", NULL,
                             "The payment was declined; decline_code says why."},
    [PS_REFUSED_STATE_CONFLICT] = {409, true, PS_INVALID, "state_conflict", NULL,
                                   "The object's status does not allow this; see status and "
                                   "allowed."},
    [PS_REFUSED_DUPLICATE_REFERENCE] = {409, true, PS_INVALID, "duplicate_reference", "reference",
                                        "This merchant already has a payment with this reference; "
                                        "find it with ?reference=."},
    [PS_REFUSED_DUPLICATE_ID] = {409, true, PS_INVALID, "duplicate_id", "id",
                                 "A payment with this id exists; choose another id."},
    [PS_REFUSED_ALREADY_EXISTS] = {409, true, PS_INVALID, "already_exists", "name",
                                   "An account of this name and currency exists."},
    [PS_REFUSED_AMOUNT_MISMATCH] = {409, true, PS_INVALID, "amount_mismatch", "amount",
                                    "The rail's amount differs from the payment's; the payment "
                                    "stays unknown and a risk event was raised."},
    [PS_REFUSED_ALREADY_REVERTED] = {409, true, PS_INVALID, "already_reverted", NULL,
                                     "The transfer was reverted before."},
    [PS_REFUSED_CAPTURE_TOO_LARGE] = {422, true, PS_INVALID, "amount_too_large", "amount",
                                      "The amount is larger than what is capturable."},
    [PS_REFUSED_REFUND_TOO_LARGE] = {422, true, PS_INVALID, "amount_too_large", "amount",
                                     "The amount is larger than what is refundable."},
    [PS_REFUSED_POST_TOO_LARGE] = {422, true, PS_INVALID, "amount_too_large", "amount",
                                   "The amount is larger than what is left of the transfer."},
    [PS_REFUSED_TOO_MANY_ATTEMPTS] = {422, true, PS_INVALID, "too_many_attempts", NULL,
                                      "The attempts allowed for this payment are used up."},
    [PS_REFUSED_FEE_TOO_LARGE] = {422, true, PS_INVALID, "fee_too_large", "fee",
                                  "The fee is larger than the amount."},
    [PS_REFUSED_ACCOUNT_UNKNOWN] = {422, true, PS_INVALID, "account_unknown", NULL,
                                    "There is no account of this name and currency; open it "
                                    "first."},
    [PS_REFUSED_ACCOUNT_FROZEN] = {422, true, PS_INVALID, "account_frozen", NULL,
                                   "An account that this would move is frozen."},
    [PS_REFUSED_ACCOUNT_CLOSED] = {422, true, PS_INVALID, "account_closed", NULL,
                                   "An account that this would move is closed."},
    [PS_REFUSED_ACCOUNT_NOT_EMPTY] = {422, true, PS_INVALID, "account_not_empty", NULL,
                                      "The account has a balance or something pending; only an "
                                      "empty one can be closed."},
    [PS_REFUSED_ACCOUNTS_SAME] = {422, true, PS_INVALID, "accounts_same", "credit",
                                  "Debit and credit must be two different accounts."},
    [PS_REFUSED_CURRENCY_MISMATCH] = {422, true, PS_INVALID, "currency_mismatch", "currency",
                                      "The currency differs from the original's."},
    [PS_REFUSED_INSUFFICIENT_FUNDS] = {402, true, PS_INVALID, "insufficient_funds", "debit",
                                       "The debit account does not have enough available funds."},
    [PS_REFUSED_LIMIT_EXCEEDED] = {422, true, PS_INVALID, "limit_exceeded", "credit",
                                   "The account's limit would be exceeded."},
    [PS_REFUSED_NOTHING_TO_SETTLE] = {422, true, PS_INVALID, "nothing_to_settle", NULL,
                                      "The merchant has nothing to settle in this currency."},
    [PS_REFUSED_TEST_MODE_ONLY] = {422, true, PS_INVALID, "test_mode_only", NULL,
                                   "This is for test keys only."},
    [PS_REFUSED_IDEMPOTENCY_MISMATCH] = {422, false, "idempotency_error", "idempotency_error", NULL,
                                         "This Idempotency-Key was used with another body. Reuse a "
                                         "key only to retry the same request."},
    [PS_REFUSED_NOT_FOUND] = {404, false, PS_INVALID, "not_found", NULL,
                              "There is no such object."},
    [PS_REFUSED_PAYMENT_UNKNOWN] = {404, false, PS_INVALID, "not_found", "payment",
                                    "There is no such payment."},
    [PS_REFUSED_SCOPE] = {403, false, "authentication_error", "scope_missing", NULL,
                          "The key does not have the scope for this; use a key that has."},
    [PS_REFUSED_TABLE_FULL] = {507, false, "api_error", "capacity_exhausted", NULL,
                               "A declared limit of this server is reached; raise it with -D "
                               "limits.* and restart."},
    [PS_REFUSED_STORAGE_FULL] = {507, false, "api_error", "storage_full", NULL,
                                 "The disk is full; nothing was changed. Try again after space is "
                                 "freed."},
};

const ps_refusal_text *ps_refusal_describe(ps_refusal refusal)
{
    PS_ASSERT(refusal < PS_REFUSED_COUNT);
    return &refusal_texts[refusal];
}
