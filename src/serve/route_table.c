/* The table of every route: what docs, OpenAPI, decode and the tests are made from. */
#include "serve/route.h"
#include "serve/route_slot.h"

#define ALL_SECONDS_MAX INT64_C(315360000) /* ten years of 365 days */

/* ── words; their order is the enum's ── */

#define WORDS(name, ...) static const char *const name[] = {__VA_ARGS__, NULL}
WORDS(payment_prefix, "pay_");
WORDS(instrument_words, "wallet", "card");
WORDS(capture_words, "automatic", "manual");
WORDS(rail_outcome_words, "approved", "declined", "failed");
WORDS(review_words, "approve", "decline");
WORDS(dispute_end_words, "won", "lost");
WORDS(account_type_words, "asset", "liability", "income", "expense", "equity");
WORDS(account_flag_words, "debits_must_not_exceed_credits", "credits_must_not_exceed_debits",
      "history");
WORDS(risk_type_words, "fraud", "attack", "violation");
WORDS(severity_words, "low", "medium", "high", "critical");
WORDS(scope_words, "admin", "payments:write", "refunds:write", "ledger:write", "rail:write",
      "risk:write", "read");
WORDS(mode_words, "test", "live");
WORDS(payment_status_words, "created", "in_review", "declined", "processing", "authorised",
      "failed", "unknown", "cancelled", "expired", "partially_captured", "captured", "settled",
      "partially_refunded", "refunded", "disputed", "charged_back", "reversed");
WORDS(refund_status_words, "pending", "succeeded", "failed", "review", "cancelled");
WORDS(dispute_status_words, "opened", "challenged", "won", "lost");
WORDS(trade_status_words, "pending", "success", "failure", "reversed");
WORDS(transfer_status_words, "pending", "posted", "voided", "expired");
WORDS(settlement_status_words, "open", "closing", "closed", "paid", "settled", "failed");
WORDS(event_words, "payment.created", "payment.in_review", "payment.processing",
      "payment.authorised", "payment.partially_captured", "payment.captured", "payment.settled",
      "payment.failed", "payment.declined", "payment.cancelled", "payment.expired",
      "payment.unknown", "payment.reversed", "payment.refunded", "payment.disputed",
      "payment.charged_back", "payment.updated", "refund.created", "refund.succeeded",
      "refund.failed", "refund.review", "dispute.opened", "dispute.challenged", "dispute.won",
      "dispute.lost", "trade.pending", "trade.succeeded", "trade.failed", "trade.reversed",
      "settlement.closed", "settlement.paid", "settlement.settled", "settlement.failed",
      "transfer.pending", "transfer.posted", "transfer.voided", "transfer.expired", "risk.alert",
      "attack.detected", "limit.violated");

/* ── fields that routes share ── */

#define AMOUNT_NEEDED                                                                              \
    {                                                                                              \
        .name = "amount", .type = PS_FIELD_AMOUNT, .slot = PS_SLOT_AMOUNT, .required = true,       \
        .min = 1, .max = PS_AMOUNT_MAX, .description = "Amount in minor units of the currency."    \
    }
#define AMOUNT_OPTIONAL                                                                            \
    {                                                                                              \
        .name = "amount", .type = PS_FIELD_AMOUNT, .slot = PS_SLOT_AMOUNT, .min = 1,               \
        .max = PS_AMOUNT_MAX,                                                                      \
        .description = "Amount in minor units; all that is possible when it is left out."          \
    }
#define AMOUNT_OF_RAIL                                                                             \
    {                                                                                              \
        .name = "amount", .type = PS_FIELD_AMOUNT, .slot = PS_SLOT_AMOUNT, .min = 1,               \
        .max = PS_AMOUNT_MAX,                                                                      \
        .description =                                                                             \
            "The amount that the rail confirms, in minor units; must be that of the payment."      \
    }
#define CURRENCY_NEEDED                                                                            \
    {                                                                                              \
        .name = "currency", .type = PS_FIELD_CURRENCY, .slot = PS_SLOT_CURRENCY, .required = true, \
        .description = "ISO 4217 code in upper case."                                              \
    }
#define MERCHANT_NEEDED                                                                            \
    {                                                                                              \
        .name = "merchant", .type = PS_FIELD_NAME, .slot = PS_SLOT_MERCHANT, .required = true,     \
        .size_max = PS_NAME_MAX, .description = "Who is paid."                                     \
    }
#define PAYMENT_NEEDED                                                                             \
    {                                                                                              \
        .name = "payment", .type = PS_FIELD_ID, .slot = PS_SLOT_PAYMENT, .required = true,         \
        .size_max = PS_ID_MAX, .words = payment_prefix, .description = "Id of the payment."        \
    }
#define REASON_NEEDED                                                                              \
    {                                                                                              \
        .name = "reason", .type = PS_FIELD_TEXT, .slot = PS_SLOT_REASON, .required = true,         \
        .size_max = PS_REFERENCE_MAX, .description = "Why; shown again with the object."           \
    }
#define REASON_OPTIONAL                                                                            \
    {                                                                                              \
        .name = "reason", .type = PS_FIELD_TEXT, .slot = PS_SLOT_REASON,                           \
        .size_max = PS_REFERENCE_MAX, .description = "Why; shown again with the object."           \
    }
#define REFERENCE                                                                                  \
    {                                                                                              \
        .name = "reference", .type = PS_FIELD_TEXT, .slot = PS_SLOT_REFERENCE,                     \
        .size_max = PS_REFERENCE_MAX, .description = "Your own reference."                         \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* ── bodies ── */

static const ps_field instrument_fields[] = {
    {.name = "type",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_INSTRUMENT_TYPE,
     .required = true,
     .words = instrument_words,
     .description = "wallet: the own account of the payer here; card: a card rail."},
    {.name = "token",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_TOKEN,
     .size_max = 128,
     .description = "Token of the card at its vault; needed for a card. Never a card number."},
    {.name = "bin",
     .type = PS_FIELD_DIGITS,
     .slot = PS_SLOT_BIN,
     .min = 6,
     .max = 8,
     .description = "First six to eight digits of the card."},
    {.name = "last4",
     .type = PS_FIELD_DIGITS,
     .slot = PS_SLOT_LAST4,
     .min = 4,
     .max = 4,
     .description = "Last four digits of the card."},
    {.name = "exp",
     .type = PS_FIELD_MONTH,
     .slot = PS_SLOT_EXP,
     .description = "Month of expiry, YYYY-MM."},
    {.name = "country",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_CARD_COUNTRY,
     .size_max = 2,
     .description = "Country of the issuer, ISO 3166 alpha-2."},
    END,
};

static const ps_field context_fields[] = {
    {.name = "ip",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_IP,
     .size_max = 64,
     .description = "Address of the payer."},
    {.name = "device",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_DEVICE,
     .size_max = 255,
     .description = "Id of the device of the payer."},
    {.name = "email",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_EMAIL,
     .size_max = 320,
     .description = "E-mail address of the payer."},
    {.name = "country",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_COUNTRY,
     .size_max = 2,
     .description = "Country of the payer, ISO 3166 alpha-2."},
    {.name = "channel",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_CHANNEL,
     .size_max = PS_NAME_MAX,
     .description = "web, app, pos, or your own word."},
    {.name = "user_agent",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_USER_AGENT,
     .size_max = 512,
     .description = "User-Agent of the payer."},
    END,
};

static const ps_field payment_body[] = {
    AMOUNT_NEEDED,
    CURRENCY_NEEDED,
    MERCHANT_NEEDED,
    {.name = "payer",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_PAYER,
     .required = true,
     .size_max = PS_NAME_MAX,
     .description = "Who pays."},
    {.name = "instrument",
     .type = PS_FIELD_OBJECT,
     .slot = PS_SLOT_INSTRUMENT,
     .required = true,
     .fields = instrument_fields,
     .description = "What is paid with."},
    {.name = "id",
     .type = PS_FIELD_ID,
     .slot = PS_SLOT_ID,
     .size_max = PS_ID_MAX,
     .words = payment_prefix,
     .description = "Your own id of the payment: pay_ and 1 to 40 characters."},
    {.name = "capture_method",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_CAPTURE_METHOD,
     .words = capture_words,
     .description = "automatic captures at once (default); manual waits for /capture."},
    {.name = "confirm",
     .type = PS_FIELD_BOOL,
     .slot = PS_SLOT_CONFIRM,
     .description = "false makes the payment only; /confirm sends it on its way. Default true."},
    {.name = "reference",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_REFERENCE,
     .size_max = PS_REFERENCE_MAX,
     .description = "Your own reference, unique for ever per merchant."},
    {.name = "description",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_DESCRIPTION,
     .size_max = PS_DESCRIPTION_MAX,
     .description = "Free text."},
    {.name = "metadata",
     .type = PS_FIELD_MAP,
     .slot = PS_SLOT_METADATA,
     .description = "Up to 50 texts of your own: keys up to 40 bytes, values up to 500."},
    {.name = "expires_in",
     .type = PS_FIELD_INTEGER,
     .slot = PS_SLOT_EXPIRES_IN,
     .min = 1,
     .max = 31536000,
     .description = "Seconds that the authorisation is held; default seven days."},
    {.name = "fee",
     .type = PS_FIELD_AMOUNT,
     .slot = PS_SLOT_FEE,
     .min = 0,
     .max = PS_AMOUNT_MAX,
     .description = "Minor units taken from the merchant at capture."},
    {.name = "context",
     .type = PS_FIELD_OBJECT,
     .slot = PS_SLOT_CONTEXT,
     .fields = context_fields,
     .description = "What is known of the payer, for the decision."},
    END,
};

static const ps_field capture_body[] = {
    AMOUNT_OPTIONAL,
    {.name = "final",
     .type = PS_FIELD_BOOL,
     .slot = PS_SLOT_FINAL,
     .description = "false keeps the rest of the hold open. Default true."},
    END,
};

static const ps_field reason_body[] = {
    REASON_NEEDED,
    END,
};

static const ps_field rail_result_body[] = {
    {.name = "outcome",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_OUTCOME,
     .required = true,
     .words = rail_outcome_words,
     .description = "What the rail says."},
    {.name = "decline_code",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_DECLINE_CODE,
     .size_max = PS_NAME_MAX,
     .description = "Why it was declined."},
    {.name = "rail_reference",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_RAIL_REFERENCE,
     .size_max = PS_REFERENCE_MAX,
     .description = "The reference of the rail."},
    AMOUNT_OF_RAIL,
    END,
};

static const ps_field review_body[] = {
    {.name = "outcome",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_OUTCOME,
     .required = true,
     .words = review_words,
     .description = "What the reviewer says."},
    REASON_NEEDED,
    END,
};

static const ps_field refund_body[] = {
    PAYMENT_NEEDED, AMOUNT_OPTIONAL, REASON_OPTIONAL, REFERENCE, END,
};

static const ps_field dispute_body[] = {
    PAYMENT_NEEDED,
    AMOUNT_OPTIONAL,
    REASON_NEEDED,
    END,
};

static const ps_field dispute_end_body[] = {
    {.name = "outcome",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_OUTCOME,
     .required = true,
     .words = dispute_end_words,
     .description = "How the dispute ends for the merchant."},
    END,
};

static const ps_field account_body[] = {
    {.name = "name",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_NAME,
     .required = true,
     .size_max = PS_ACCOUNT_NAME_MAX,
     .description = "Name of the account."},
    CURRENCY_NEEDED,
    {.name = "type",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_TYPE,
     .required = true,
     .words = account_type_words,
     .description = "Side of the books."},
    {.name = "flags",
     .type = PS_FIELD_ENUM_LIST,
     .slot = PS_SLOT_FLAGS,
     .words = account_flag_words,
     .description = "Limits of its balance."},
    END,
};

static const ps_field transfer_body[] = {
    {.name = "debit",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_DEBIT,
     .required = true,
     .size_max = PS_ACCOUNT_NAME_MAX,
     .description = "Account that is debited."},
    {.name = "credit",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_CREDIT,
     .required = true,
     .size_max = PS_ACCOUNT_NAME_MAX,
     .description = "Account that is credited."},
    AMOUNT_NEEDED,
    CURRENCY_NEEDED,
    {.name = "pending",
     .type = PS_FIELD_BOOL,
     .slot = PS_SLOT_PENDING,
     .description = "true reserves the amount until it is posted or voided. Default false."},
    {.name = "timeout",
     .type = PS_FIELD_INTEGER,
     .slot = PS_SLOT_TIMEOUT,
     .min = 1,
     .max = 31536000,
     .description = "Seconds after which a pending transfer is voided; only with pending."},
    REFERENCE,
    END,
};

static const ps_field transfer_post_body[] = {
    AMOUNT_OPTIONAL,
    END,
};

static const ps_field settlement_body[] = {
    MERCHANT_NEEDED,
    CURRENCY_NEEDED,
    END,
};

static const ps_field risk_event_body[] = {
    {.name = "type",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_TYPE,
     .required = true,
     .words = risk_type_words,
     .description = "Kind of risk."},
    {.name = "kind",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_KIND,
     .required = true,
     .size_max = PS_NAME_MAX,
     .description = "What it is, in a word of yours."},
    {.name = "severity",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_SEVERITY,
     .required = true,
     .words = severity_words,
     .description = "How bad it is."},
    {.name = "payment",
     .type = PS_FIELD_ID,
     .slot = PS_SLOT_PAYMENT,
     .size_max = PS_ID_MAX,
     .words = payment_prefix,
     .description = "Id of the payment that it is about."},
    {.name = "entity",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_ENTITY,
     .size_max = PS_REFERENCE_MAX,
     .description = "Whom or what it is about."},
    {.name = "data",
     .type = PS_FIELD_ANY,
     .slot = PS_SLOT_DATA,
     .size_max = 16384,
     .description = "Anything more."},
    END,
};

static const ps_field key_body[] = {
    {.name = "name",
     .type = PS_FIELD_TEXT,
     .slot = PS_SLOT_NAME,
     .required = true,
     .size_max = 100,
     .description = "What the key is for."},
    {.name = "scopes",
     .type = PS_FIELD_ENUM_LIST,
     .slot = PS_SLOT_SCOPES,
     .required = true,
     .words = scope_words,
     .description = "What it may do; admin implies all."},
    {.name = "mode",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_MODE,
     .words = mode_words,
     .description = "test (default) or live."},
    {.name = "tenant",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_TENANT,
     .size_max = PS_NAME_MAX,
     .description = "Made when it is new; the own one of the caller when left out."},
    {.name = "expires_in",
     .type = PS_FIELD_INTEGER,
     .slot = PS_SLOT_EXPIRES_IN,
     .min = 1,
     .max = ALL_SECONDS_MAX,
     .description = "Seconds until it stops working; never when left out."},
    END,
};

/* ── query strings ── */

#define LIMIT                                                                                      \
    {                                                                                              \
        .name = "limit", .type = PS_FIELD_INTEGER, .slot = PS_SLOT_LIMIT, .min = 1, .max = 100,    \
        .description = "Objects of a page; default 20."                                            \
    }
#define LIMIT_ALL                                                                                  \
    {                                                                                              \
        .name = "limit", .type = PS_FIELD_INTEGER, .slot = PS_SLOT_LIMIT, .min = 1, .max = 100,    \
        .description = "Objects of a page; default 100."                                           \
    }
#define CURSOR                                                                                     \
    {                                                                                              \
        .name = "cursor", .type = PS_FIELD_CURSOR, .slot = PS_SLOT_CURSOR,                         \
        .description = "next_cursor of the page before; the other parameters stay the same."       \
    }
#define CREATED_GTE                                                                                \
    {                                                                                              \
        .name = "created[gte]", .type = PS_FIELD_TIME, .slot = PS_SLOT_CREATED_GTE,                \
        .description = "Created at or after."                                                      \
    }
#define CREATED_LT                                                                                 \
    {                                                                                              \
        .name = "created[lt]", .type = PS_FIELD_TIME, .slot = PS_SLOT_CREATED_LT,                  \
        .description = "Created before."                                                           \
    }
#define AMOUNT_GTE                                                                                 \
    {                                                                                              \
        .name = "amount[gte]", .type = PS_FIELD_AMOUNT, .slot = PS_SLOT_AMOUNT_GTE, .min = 0,      \
        .max = PS_AMOUNT_MAX, .description = "Amount at least, in minor units."                    \
    }
#define AMOUNT_LT                                                                                  \
    {                                                                                              \
        .name = "amount[lt]", .type = PS_FIELD_AMOUNT, .slot = PS_SLOT_AMOUNT_LT, .min = 0,        \
        .max = PS_AMOUNT_MAX, .description = "Amount below, in minor units."                       \
    }
#define BY_CURRENCY                                                                                \
    {                                                                                              \
        .name = "currency", .type = PS_FIELD_CURRENCY, .slot = PS_SLOT_CURRENCY,                   \
        .description = "Only this currency."                                                       \
    }
#define BY_MERCHANT                                                                                \
    {                                                                                              \
        .name = "merchant", .type = PS_FIELD_NAME, .slot = PS_SLOT_MERCHANT,                       \
        .size_max = PS_NAME_MAX, .description = "Only of this merchant."                           \
    }
#define BY_REFERENCE                                                                               \
    {                                                                                              \
        .name = "reference", .type = PS_FIELD_TEXT, .slot = PS_SLOT_REFERENCE,                     \
        .size_max = PS_REFERENCE_MAX, .description = "Only with exactly this reference."           \
    }
#define BY_PAYMENT                                                                                 \
    {                                                                                              \
        .name = "payment", .type = PS_FIELD_ID, .slot = PS_SLOT_PAYMENT, .size_max = PS_ID_MAX,    \
        .words = payment_prefix, .description = "Only of this payment."                            \
    }
#define OF_CURRENCY                                                                                \
    {                                                                                              \
        .name = "currency", .type = PS_FIELD_CURRENCY, .slot = PS_SLOT_CURRENCY, .required = true, \
        .description = "Currency of the account."                                                  \
    }

#define BY_STATUS(status_words)                                                                    \
    {                                                                                              \
        .name = "status", .type = PS_FIELD_ENUM, .slot = PS_SLOT_STATUS, .words = (status_words),  \
        .description = "Only with this status."                                                    \
    }
#define AFTER                                                                                      \
    {                                                                                              \
        .name = "after", .type = PS_FIELD_INTEGER, .slot = PS_SLOT_AFTER, .min = 0,                \
        .max = INT64_MAX, .description = "Events with a greater sequence."                         \
    }
/* Several fields each. */
#define PAGE_OF_TIME LIMIT, CURSOR, CREATED_GTE, CREATED_LT
#define AMOUNT_RANGE AMOUNT_GTE, AMOUNT_LT

static const ps_field payments_query[] = {
    PAGE_OF_TIME,
    AMOUNT_RANGE,
    BY_STATUS(payment_status_words),
    BY_MERCHANT,
    {.name = "payer",
     .type = PS_FIELD_NAME,
     .slot = PS_SLOT_PAYER,
     .size_max = PS_NAME_MAX,
     .description = "Only of this payer."},
    BY_CURRENCY,
    BY_REFERENCE,
    {.name = "metadata",
     .type = PS_FIELD_MAP,
     .slot = PS_SLOT_METADATA,
     .description = "metadata[k]=v: only with this text under this key; more than one is legal."},
    END,
};

static const ps_field refunds_query[] = {
    PAGE_OF_TIME, AMOUNT_RANGE, BY_STATUS(refund_status_words), BY_CURRENCY, BY_REFERENCE,
    BY_PAYMENT,   END,
};

static const ps_field disputes_query[] = {
    PAGE_OF_TIME, AMOUNT_RANGE, BY_STATUS(dispute_status_words), BY_CURRENCY, BY_PAYMENT, END,
};

static const ps_field trades_query[] = {
    PAGE_OF_TIME, AMOUNT_RANGE, BY_STATUS(trade_status_words), BY_CURRENCY, BY_PAYMENT, END,
};

static const ps_field accounts_query[] = {
    LIMIT,
    CURSOR,
    BY_CURRENCY,
    END,
};

static const ps_field transfers_query[] = {
    PAGE_OF_TIME, AMOUNT_RANGE, BY_STATUS(transfer_status_words), BY_CURRENCY, BY_REFERENCE, END,
};

static const ps_field settlements_query[] = {
    PAGE_OF_TIME, BY_STATUS(settlement_status_words), BY_MERCHANT, BY_CURRENCY, END,
};

static const ps_field page_query[] = {
    LIMIT_ALL,
    CURSOR,
    END,
};

static const ps_field account_query[] = {
    OF_CURRENCY,
    {.name = "at",
     .type = PS_FIELD_TIME,
     .slot = PS_SLOT_AT,
     .description = "The balance as it was at this time."},
    {.name = "at_sequence",
     .type = PS_FIELD_INTEGER,
     .slot = PS_SLOT_AT_SEQUENCE,
     .min = 1,
     .max = INT64_MAX,
     .description = "The balance as it was after this sequence."},
    END,
};

static const ps_field account_currency_query[] = {
    OF_CURRENCY,
    END,
};

static const ps_field entries_query[] = {
    OF_CURRENCY,
    LIMIT,
    CURSOR,
    END,
};

static const ps_field events_query[] = {
    AFTER,
    {.name = "limit",
     .type = PS_FIELD_INTEGER,
     .slot = PS_SLOT_LIMIT,
     .min = 1,
     .max = 1000,
     .description = "Events of a page; default 100."},
    {.name = "type",
     .type = PS_FIELD_ENUM,
     .slot = PS_SLOT_TYPE,
     .words = event_words,
     .description = "Only events of this type."},
    END,
};

static const ps_field stream_query[] = {
    AFTER,
    END,
};

/* ── routes ── */

#define COMMAND(scope, path, name, status, shape, fields, text)                                    \
    {                                                                                              \
        .method = PS_METHOD_POST, .pattern = (path), .kind = PS_ROUTE_COMMAND, .scopes = (scope),  \
        .needs_idempotency_key = true, .command = (name), .success_status = (status),              \
        .reply = (shape), .body = (fields), .summary = (text)                                      \
    }
#define COMMAND_TEST(scope, path, name, status, shape, fields, text)                               \
    {                                                                                              \
        .method = PS_METHOD_POST, .pattern = (path), .kind = PS_ROUTE_COMMAND, .scopes = (scope),  \
        .needs_idempotency_key = true, .test_mode_only = true, .command = (name),                  \
        .success_status = (status), .reply = (shape), .body = (fields), .summary = (text)          \
    }
#define COMMAND_ACCOUNT(path, name, text)                                                          \
    {                                                                                              \
        .method = PS_METHOD_POST, .pattern = (path), .kind = PS_ROUTE_COMMAND,                     \
        .scopes = PS_SCOPE_LEDGER_WRITE, .needs_idempotency_key = true, .command = (name),         \
        .success_status = 200, .reply = "account", .parameters = account_currency_query,           \
        .summary = (text)                                                                          \
    }
#define QUERY(scope, path, how, name, shape, fields, text)                                         \
    {                                                                                              \
        .method = PS_METHOD_GET, .pattern = (path), .kind = (how), .scopes = (scope),              \
        .query = (name), .success_status = 200, .reply = (shape), .parameters = (fields),          \
        .summary = (text)                                                                          \
    }
#define OPEN(path, how, shape, text)                                                               \
    {                                                                                              \
        .method = PS_METHOD_GET, .pattern = (path), .kind = (how), .success_status = 200,          \
        .reply = (shape), .summary = (text)                                                        \
    }

/* The most frequent one first: the look-up goes from the top. */
static const ps_route routes[] = {
    COMMAND(PS_SCOPE_PAYMENTS_WRITE, "/v1/payments", PS_CMD_PAYMENT_CREATE, 201, "payment",
            payment_body, "Makes a payment and, unless confirm is false, sends it to its rail."),
    {.method = PS_METHOD_POST,
     .pattern = "/v1/batch",
     .kind = PS_ROUTE_BATCH,
     .scopes = PS_SCOPE_PAYMENTS_WRITE | PS_SCOPE_REFUNDS_WRITE | PS_SCOPE_LEDGER_WRITE,
     .success_status = 200,
     .reply = "batch",
     .summary = "Carries out up to 10,000 commands, one JSON object a line; each stands alone."},
    QUERY(PS_SCOPE_READ, "/v1/payments/{id}", PS_ROUTE_QUERY, PS_QUERY_PAYMENT, "payment", NULL,
          "Shows a payment."),
    COMMAND(PS_SCOPE_PAYMENTS_WRITE, "/v1/payments/{id}/capture", PS_CMD_PAYMENT_CAPTURE, 200,
            "payment", capture_body, "Captures held money, all or a part."),
    COMMAND(PS_SCOPE_PAYMENTS_WRITE, "/v1/payments/{id}/confirm", PS_CMD_PAYMENT_CONFIRM, 200,
            "payment", NULL, "Sends a payment made with confirm false to its rail."),
    COMMAND(PS_SCOPE_PAYMENTS_WRITE, "/v1/payments/{id}/cancel", PS_CMD_PAYMENT_CANCEL, 200,
            "payment", NULL, "Releases what is held and not captured."),
    COMMAND(PS_SCOPE_PAYMENTS_WRITE, "/v1/payments/{id}/reverse", PS_CMD_PAYMENT_REVERSE, 200,
            "payment", reason_body, "Takes a captured payment back as a whole."),
    COMMAND(PS_SCOPE_PAYMENTS_WRITE, "/v1/payments/{id}/sync", PS_CMD_PAYMENT_SYNC, 200, "payment",
            NULL, "Asks the rail again about a payment whose outcome is unknown."),
    COMMAND(PS_SCOPE_RAIL_WRITE, "/v1/payments/{id}/rail_result", PS_CMD_PAYMENT_RAIL_RESULT, 200,
            "payment", rail_result_body, "Brings a late or asynchronous answer of the rail."),
    COMMAND(PS_SCOPE_RISK_WRITE, "/v1/payments/{id}/review", PS_CMD_PAYMENT_REVIEW, 200, "payment",
            review_body, "Decides a payment that is in review."),
    QUERY(PS_SCOPE_READ, "/v1/payments/{id}/events", PS_ROUTE_PAYMENT_EVENTS, PS_QUERY_PAYMENT,
          "list of event", page_query, "Lists what happened to a payment."),
    QUERY(PS_SCOPE_READ, "/v1/payments/{id}/postings", PS_ROUTE_PAYMENT_POSTINGS, PS_QUERY_PAYMENT,
          "list of posting", page_query, "Lists the postings of a payment."),
    QUERY(PS_SCOPE_READ, "/v1/payments", PS_ROUTE_QUERY, PS_QUERY_PAYMENTS, "list of payment",
          payments_query, "Lists payments, newest first."),
    COMMAND(PS_SCOPE_REFUNDS_WRITE, "/v1/refunds", PS_CMD_REFUND_CREATE, 201, "refund", refund_body,
            "Refunds captured money, all or a part."),
    QUERY(PS_SCOPE_READ | PS_SCOPE_REFUNDS_WRITE, "/v1/refunds/{id}", PS_ROUTE_QUERY,
          PS_QUERY_REFUND, "refund", NULL, "Shows a refund."),
    QUERY(PS_SCOPE_READ, "/v1/refunds", PS_ROUTE_QUERY, PS_QUERY_REFUNDS, "list of refund",
          refunds_query, "Lists refunds, newest first."),
    COMMAND_TEST(PS_SCOPE_PAYMENTS_WRITE, "/v1/simulate/dispute", PS_CMD_DISPUTE_OPEN, 201,
                 "dispute", dispute_body, "Opens a dispute as an issuer would."),
    COMMAND_TEST(PS_SCOPE_PAYMENTS_WRITE, "/v1/simulate/dispute/{id}", PS_CMD_DISPUTE_END, 200,
                 "dispute", dispute_end_body, "Ends a dispute as an issuer would."),
    COMMAND_TEST(PS_SCOPE_PAYMENTS_WRITE, "/v1/disputes/{id}/challenge", PS_CMD_DISPUTE_CHALLENGE,
                 200, "dispute", NULL, "Challenges a dispute."),
    COMMAND_TEST(PS_SCOPE_PAYMENTS_WRITE, "/v1/disputes/{id}/accept", PS_CMD_DISPUTE_ACCEPT, 200,
                 "dispute", NULL, "Accepts a dispute: it is lost."),
    QUERY(PS_SCOPE_READ, "/v1/disputes/{id}", PS_ROUTE_QUERY, PS_QUERY_DISPUTE, "dispute", NULL,
          "Shows a dispute."),
    QUERY(PS_SCOPE_READ, "/v1/disputes", PS_ROUTE_QUERY, PS_QUERY_DISPUTES, "list of dispute",
          disputes_query, "Lists disputes, newest first."),
    QUERY(PS_SCOPE_READ, "/v1/trades", PS_ROUTE_QUERY, PS_QUERY_TRADES, "list of trade_record",
          trades_query, "Lists trade records, newest first."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/accounts", PS_CMD_ACCOUNT_OPEN, 201, "account",
            account_body, "Opens an account."),
    QUERY(PS_SCOPE_READ, "/v1/accounts", PS_ROUTE_QUERY, PS_QUERY_ACCOUNTS, "list of account",
          accounts_query, "Lists accounts, newest first."),
    QUERY(PS_SCOPE_READ, "/v1/accounts/{name}", PS_ROUTE_QUERY, PS_QUERY_ACCOUNT, "account",
          account_query, "Shows an account, now or as it was."),
    QUERY(PS_SCOPE_READ, "/v1/accounts/{name}/entries", PS_ROUTE_ACCOUNT_ENTRIES, PS_QUERY_ACCOUNT,
          "list of entry", entries_query, "Lists the entries of an account, newest first."),
    COMMAND_ACCOUNT("/v1/accounts/{name}/freeze", PS_CMD_ACCOUNT_FREEZE,
                    "Stops new postings on an account."),
    COMMAND_ACCOUNT("/v1/accounts/{name}/unfreeze", PS_CMD_ACCOUNT_UNFREEZE,
                    "Lets postings on an account again."),
    COMMAND_ACCOUNT("/v1/accounts/{name}/close", PS_CMD_ACCOUNT_CLOSE,
                    "Closes an account for ever."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/transfers", PS_CMD_TRANSFER_CREATE, 201, "transfer",
            transfer_body, "Moves or reserves money between two accounts."),
    QUERY(PS_SCOPE_READ | PS_SCOPE_LEDGER_WRITE, "/v1/transfers/{id}", PS_ROUTE_QUERY,
          PS_QUERY_TRANSFER, "transfer", NULL, "Shows a transfer."),
    QUERY(PS_SCOPE_READ, "/v1/transfers", PS_ROUTE_QUERY, PS_QUERY_TRANSFERS, "list of transfer",
          transfers_query, "Lists transfers, newest first."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/transfers/{id}/post", PS_CMD_TRANSFER_POST, 200, "transfer",
            transfer_post_body, "Posts a pending transfer, all or a part."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/transfers/{id}/void", PS_CMD_TRANSFER_VOID, 200, "transfer",
            NULL, "Releases a pending transfer."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/transfers/{id}/revert", PS_CMD_TRANSFER_REVERT, 201,
            "transfer", NULL, "Makes the mirror of a posted transfer."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/settlements/close", PS_CMD_SETTLEMENT_CLOSE, 201,
            "settlement", settlement_body,
            "Settles the captured money of a merchant and pays it out."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/settlements/{id}/confirm", PS_CMD_SETTLEMENT_CONFIRM, 200,
            "settlement", NULL, "The payout has arrived."),
    COMMAND(PS_SCOPE_LEDGER_WRITE, "/v1/settlements/{id}/fail", PS_CMD_SETTLEMENT_FAIL, 200,
            "settlement", NULL, "The payout has failed."),
    QUERY(PS_SCOPE_READ, "/v1/settlements/{id}", PS_ROUTE_QUERY, PS_QUERY_SETTLEMENT, "settlement",
          NULL, "Shows a settlement."),
    QUERY(PS_SCOPE_READ, "/v1/settlements", PS_ROUTE_QUERY, PS_QUERY_SETTLEMENTS,
          "list of settlement", settlements_query, "Lists settlements, newest first."),
    COMMAND(PS_SCOPE_RISK_WRITE, "/v1/risk_events", PS_CMD_RISK_EVENT, 201, "risk_event",
            risk_event_body, "Records a risk event from outside."),
    QUERY(PS_SCOPE_READ, "/v1/ledger/trial-balance", PS_ROUTE_QUERY, PS_QUERY_TRIAL_BALANCE,
          "trial_balance", NULL, "Shows the sums of all accounts by currency."),
    QUERY(PS_SCOPE_READ, "/v1/ledger/verify", PS_ROUTE_QUERY, PS_QUERY_VERIFY, "verify", NULL,
          "Runs the invariants of the books."),
    QUERY(PS_SCOPE_READ, "/v1/events", PS_ROUTE_EVENTS, PS_QUERY_EVENTS, "list of event",
          events_query, "Lists events, oldest first."),
    QUERY(PS_SCOPE_READ, "/v1/stream", PS_ROUTE_STREAM, PS_QUERY_EVENTS, "event stream",
          stream_query, "Streams events as server-sent events; resumes by Last-Event-ID."),
    {.method = PS_METHOD_GET,
     .pattern = "/v1/jobs",
     .kind = PS_ROUTE_JOBS,
     .scopes = PS_SCOPE_READ,
     .success_status = 200,
     .reply = "list of job",
     .summary = "Lists the streaming jobs with their newest rows; tenants but the first see none."},
    {.method = PS_METHOD_POST,
     .pattern = "/v1/keys",
     .kind = PS_ROUTE_KEY_CREATE,
     .scopes = PS_SCOPE_ADMIN,
     .command = PS_CMD_KEY_CREATE,
     .success_status = 201,
     .reply = "key",
     .body = key_body,
     .summary = "Makes a key; its secret is shown this once."},
    QUERY(PS_SCOPE_ADMIN, "/v1/keys", PS_ROUTE_QUERY, PS_QUERY_KEYS, "list of key", NULL,
          "Lists the keys of the tenant."),
    {.method = PS_METHOD_DELETE,
     .pattern = "/v1/keys/{id}",
     .kind = PS_ROUTE_COMMAND,
     .scopes = PS_SCOPE_ADMIN,
     .command = PS_CMD_KEY_REVOKE,
     .success_status = 200,
     .reply = "key",
     .summary = "Revokes a key at once."},
    OPEN("/healthz", PS_ROUTE_HEALTH, "health", "Says that the process lives."),
    OPEN("/readyz", PS_ROUTE_READY, "health",
         "Says whether requests are taken: 503 while recovering or read-only."),
    OPEN("/metrics", PS_ROUTE_METRICS, "metrics", "Metrics as Prometheus text."),
    OPEN("/openapi.json", PS_ROUTE_OPENAPI, "openapi", "This document."),
    OPEN("/", PS_ROUTE_PAGE, "page", "The live page."),
};

const ps_route *ps_routes(size_t *out_count)
{
    *out_count = sizeof routes / sizeof routes[0];
    return routes;
}
