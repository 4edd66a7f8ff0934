/* Commands: what a client asks to change, decoded and checked for form; the input of the core.
 *
 * Slices borrow the request's memory and must stay valid until the call returns. Everything that
 * can be seen from the request alone (types, lengths, characters, unknown fields, card numbers) has
 * been refused before a command is made (400); the core refuses what depends on state.
 */
#ifndef PS_PAY_COMMAND_H
#define PS_PAY_COMMAND_H

#include "pay/payment.h"

/* Stable numbers: stored in records. */
typedef enum {
    /* the first record: book 1 (tenant's test mode), book 2 (live), first key, hash secret */
    PS_CMD_GENESIS = 1,
    /* the core's own: expiry, rail deadlines, delayed answers, settlement chunks */
    PS_CMD_TIMER,
    PS_CMD_SNAPSHOT, /* "snapshot S is valid" */
    PS_CMD_PAYMENT_CREATE,
    PS_CMD_PAYMENT_CONFIRM,
    PS_CMD_PAYMENT_CAPTURE,
    PS_CMD_PAYMENT_CANCEL,
    PS_CMD_PAYMENT_REVERSE,
    PS_CMD_PAYMENT_SYNC,
    PS_CMD_PAYMENT_RAIL_RESULT,
    PS_CMD_PAYMENT_REVIEW,
    PS_CMD_REFUND_CREATE,
    PS_CMD_DISPUTE_OPEN,
    PS_CMD_DISPUTE_CHALLENGE,
    PS_CMD_DISPUTE_ACCEPT,
    PS_CMD_DISPUTE_END,
    PS_CMD_ACCOUNT_OPEN,
    PS_CMD_ACCOUNT_FREEZE,
    PS_CMD_ACCOUNT_UNFREEZE,
    PS_CMD_ACCOUNT_CLOSE,
    PS_CMD_TRANSFER_CREATE,
    PS_CMD_TRANSFER_POST,
    PS_CMD_TRANSFER_VOID,
    PS_CMD_TRANSFER_REVERT,
    PS_CMD_SETTLEMENT_CLOSE,
    PS_CMD_SETTLEMENT_CONFIRM,
    PS_CMD_SETTLEMENT_FAIL,
    PS_CMD_RISK_EVENT,
    PS_CMD_KEY_CREATE,
    PS_CMD_KEY_REVOKE,
    PS_CMD_COUNT
} ps_command_kind;

/* Scopes of a key; admin implies all. */
enum {
    PS_SCOPE_ADMIN = 1,
    PS_SCOPE_PAYMENTS_WRITE = 2,
    PS_SCOPE_REFUNDS_WRITE = 4,
    PS_SCOPE_LEDGER_WRITE = 8,
    PS_SCOPE_RAIL_WRITE = 16,
    PS_SCOPE_RISK_WRITE = 32,
    PS_SCOPE_READ = 64
};

typedef enum { PS_RAIL_APPROVED = 1, PS_RAIL_DECLINED, PS_RAIL_FAILED } ps_rail_outcome;

typedef struct {
    ps_slice client_id; /* whole, with pay_; empty: the server makes one */
    ps_slice merchant, payer;
    ps_slice token, bin, last4, exp, card_country; /* card only */
    ps_slice reference, description;
    ps_slice metadata; /* canonical JSON object text, or empty */
    ps_slice ip, device, email, country, channel, user_agent;
    int64_t amount;        /* minor units, 1 … PS_AMOUNT_MAX */
    int64_t fee;           /* 0 … */
    int64_t expires_in_ns; /* 0: the default, 7 days */
    ps_currency currency;
    ps_instrument instrument;
    bool manual_capture;
    bool confirm;
} ps_payment_request;

typedef struct {
    ps_command_kind kind;
    uint32_t book;
    uint32_t key;    /* number of the API key that asks; 0: none */
    uint16_t scopes; /* of that key */
    bool has_idempotency_key;
    ps_u128 idempotency; /* keyed hash of (book, method, path with ids, key) */
    ps_u128 fingerprint; /* hash of the canonical JSON of the whole body */
    ps_u128 request_id;  /* random */
    uint8_t address[16]; /* peer, IPv6 or IPv4-mapped */
    /* id of the object that the path names ("pay_…", "re_…", key id, account name) */
    ps_slice target;
    ps_slice reason;    /* reverse, refund, dispute, review, key name, risk event kind */
    ps_slice reference; /* refund, transfer; rail_reference of a rail_result */
    /* risk event: canonical JSON; key: HMAC of the secret, 32 bytes; genesis: hash secret */
    ps_slice data;
    int64_t amount;       /* capture, refund, dispute, transfer, post, rail_result; 0: not given */
    int64_t timeout_ns;   /* transfer: relative; key: expires_in, relative; 0: none */
    ps_currency currency; /* transfer, account, settlement */
    union {
        const ps_payment_request *payment; /* PAYMENT_CREATE; borrowed */
        struct {
            bool final;
        } capture;
        struct {
            ps_rail_outcome outcome;
            ps_slice decline_code;
        } rail;
        struct {
            bool approve;
        } review;
        /* refund and dispute open: id of the payment */
        struct {
            ps_slice payment;
            ps_slice reason;
        } refund;
        struct {
            bool won;
        } dispute;
        /* ps_account_type, PS_ACCOUNT_… */
        struct {
            ps_slice name;
            uint8_t type;
            uint8_t flags;
        } account;
        struct {
            ps_slice debit, credit;
            bool pending;
        } transfer;
        struct {
            ps_slice merchant;
        } settlement;
        /* severity 1 low … 4 critical */
        struct {
            uint8_t type;
            uint8_t severity;
            ps_slice payment;
            ps_slice entity;
        } risk;
        /* tenant empty: the caller's */
        struct {
            uint16_t scopes;
            bool live;
            ps_slice tenant;
            ps_u128 public_id;
        } key_new;
    } u;
} ps_command;

/* Why a command was refused. Stable numbers: those that are stored (409, 422, 402) lie in records.
 * The HTTP status and the text are in one table (ps_refusal_describe) that the docs and OpenAPI are
 * generated from. */
typedef enum {
    PS_REFUSED_NONE = 0,
    PS_REFUSED_DECLINED,             /* 402, with decline code and payment */
    PS_REFUSED_STATE_CONFLICT,       /* 409, detail = ps_status */
    PS_REFUSED_DUPLICATE_REFERENCE,  /* 409 */
    PS_REFUSED_DUPLICATE_ID,         /* 409 */
    PS_REFUSED_ALREADY_EXISTS,       /* 409 */
    PS_REFUSED_AMOUNT_MISMATCH,      /* 409 */
    PS_REFUSED_ALREADY_REVERTED,     /* 409 */
    PS_REFUSED_CAPTURE_TOO_LARGE,    /* 422 amount_too_large, detail = capturable */
    PS_REFUSED_REFUND_TOO_LARGE,     /* 422 amount_too_large, detail = refundable */
    PS_REFUSED_POST_TOO_LARGE,       /* 422 amount_too_large, detail = left */
    PS_REFUSED_TOO_MANY_ATTEMPTS,    /* 422 */
    PS_REFUSED_FEE_TOO_LARGE,        /* 422 */
    PS_REFUSED_ACCOUNT_UNKNOWN,      /* 422 */
    PS_REFUSED_ACCOUNT_FROZEN,       /* 422 */
    PS_REFUSED_ACCOUNT_CLOSED,       /* 422 */
    PS_REFUSED_ACCOUNT_NOT_EMPTY,    /* 422: close with something pending or a balance */
    PS_REFUSED_ACCOUNTS_SAME,        /* 422 */
    PS_REFUSED_CURRENCY_MISMATCH,    /* 422 */
    PS_REFUSED_INSUFFICIENT_FUNDS,   /* 402, transfers */
    PS_REFUSED_LIMIT_EXCEEDED,       /* 422: the credit account's cap, or an overflow */
    PS_REFUSED_NOTHING_TO_SETTLE,    /* 422 */
    PS_REFUSED_TEST_MODE_ONLY,       /* 422 */
    PS_REFUSED_IDEMPOTENCY_MISMATCH, /* 422 idempotency_error; not stored */
    PS_REFUSED_NOT_FOUND,            /* 404; not stored */
    PS_REFUSED_PAYMENT_UNKNOWN,      /* 404, param payment; not stored */
    PS_REFUSED_SCOPE,                /* 403; not stored */
    PS_REFUSED_TABLE_FULL,           /* 507 capacity_exhausted; not stored */
    PS_REFUSED_STORAGE_FULL,         /* 507 storage_full, Retry-After; not stored */
    PS_REFUSED_COUNT
} ps_refusal;

typedef struct {
    uint16_t http_status;
    bool stored;         /* as an idempotent outcome */
    const char *type;    /* invalid_request_error, card_error, idempotency_error, … */
    const char *code;    /* "state_conflict" */
    const char *param;   /* the field it is about, or NULL */
    const char *message; /* a sentence: what is wrong and what to do */
} ps_refusal_text;
const ps_refusal_text *ps_refusal_describe(ps_refusal refusal);

#endif
