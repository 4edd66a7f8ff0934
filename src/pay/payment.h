/* Payments: the words of the domain (statuses, phases, declines, rails, kinds), and what follows
 * from counters.
 *
 * A payment stores counters and one phase; its headline status is a pure function of them (PAYMENTS
 * §2, §3) and is never stored on its own authority. Every enum here is stored in the journal:
 * numbers are stable for ever, new values are appended.
 */
#ifndef PS_PAY_PAYMENT_H
#define PS_PAY_PAYMENT_H

#include "base/money.h"

/* Headline states, PAYMENTS §3. */
typedef enum {
    PS_STATUS_CREATED = 1,
    PS_STATUS_IN_REVIEW,
    PS_STATUS_DECLINED,
    PS_STATUS_PROCESSING,
    PS_STATUS_AUTHORISED,
    PS_STATUS_FAILED,
    PS_STATUS_UNKNOWN,
    PS_STATUS_CANCELLED,
    PS_STATUS_EXPIRED,
    PS_STATUS_PARTIALLY_CAPTURED,
    PS_STATUS_CAPTURED,
    PS_STATUS_SETTLED,
    PS_STATUS_PARTIALLY_REFUNDED,
    PS_STATUS_REFUNDED,
    PS_STATUS_DISPUTED,
    PS_STATUS_CHARGED_BACK,
    PS_STATUS_REVERSED,
    PS_STATUS_COUNT
} ps_status;

/* The phase code: where the payment is when the counters do not say. */
typedef enum {
    PS_PHASE_CREATED = 1,
    PS_PHASE_IN_REVIEW,
    PS_PHASE_PROCESSING,
    PS_PHASE_UNKNOWN,
    PS_PHASE_OPEN, /* authorised or beyond: the counters say */
    PS_PHASE_DECLINED,
    PS_PHASE_FAILED,
    PS_PHASE_CANCELLED,
    PS_PHASE_EXPIRED,
    PS_PHASE_REVERSED,
    PS_PHASE_COUNT
} ps_phase;

/* Minor units; CONTRACT §2.1 "Counters". */
typedef struct {
    int64_t authorised;
    int64_t capturable; /* the hold still open */
    int64_t captured;
    int64_t refunded;
    int64_t refund_pending;
    int64_t disputed;     /* open disputes */
    int64_t charged_back; /* lost disputes */
    int64_t settled;      /* gross */
    int64_t fee_taken;
} ps_counters;

/* Headline precedence of PAYMENTS §3 and CONTRACT §2.1 "Headline". */
ps_status ps_payment_status(const ps_counters *counters, ps_phase phase);
/* captured − refunded − refund_pending − disputed − charged_back; 0 in a terminal phase. */
int64_t ps_payment_refundable(const ps_counters *counters, ps_phase phase);
bool ps_status_is_terminal(ps_status status);
const char *ps_status_name(ps_status status); /* "partially_captured" */
PS_CHECKED bool ps_status_parse(ps_slice name, ps_status *out_status);
/* The states that the transition table (rows 1–22) allows from `status`, in table order, ended by
 * 0. */
const ps_status *ps_status_allowed(ps_status status);

typedef enum {
    PS_DECLINE_NONE = 0,
    PS_DECLINE_INSUFFICIENT_FUNDS,
    PS_DECLINE_DO_NOT_HONOUR,
    PS_DECLINE_EXPIRED_CARD,
    PS_DECLINE_STOLEN_CARD,
    PS_DECLINE_ACCOUNT_FROZEN,
    PS_DECLINE_ACCOUNT_CLOSED,
    PS_DECLINE_RISK,     /* the policy said no: "risk_declined" */
    PS_DECLINE_REVIEWER, /* a reviewer said no: "review_declined" */
    PS_DECLINE_LOST_CARD,
    PS_DECLINE_INVALID_CARD,
    PS_DECLINE_LIMIT_EXCEEDED,
    PS_DECLINE_ISSUER_UNAVAILABLE,
    PS_DECLINE_SUSPECTED_FRAUD,
    PS_DECLINE_NOT_PERMITTED,
    PS_DECLINE_OTHER, /* a code from a rail_result that is not in this table */
    PS_DECLINE_COUNT
} ps_decline;
typedef struct {
    const char *code;    /* "insufficient_funds" */
    const char *advice;  /* do_not_retry | retry_later | other_instrument */
    const char *message; /* a sentence for people */
} ps_decline_text;
const ps_decline_text *ps_decline_describe(ps_decline decline); /* NULL for NONE */
ps_decline ps_decline_parse(ps_slice code);                     /* OTHER when it is not listed */

typedef enum { PS_INSTRUMENT_WALLET = 1, PS_INSTRUMENT_CARD } ps_instrument;
typedef enum { PS_RAIL_WALLET = 1, PS_RAIL_SIMULATOR, PS_RAIL_CARD } ps_rail_kind;
/* "wallet", "simulator", "card": the {rail} of scheme accounts */
const char *ps_rail_name(ps_rail_kind rail);

typedef enum {
    PS_ACTION_NONE = 0,
    PS_ACTION_APPROVE,
    PS_ACTION_CHALLENGE,
    PS_ACTION_REVIEW,
    PS_ACTION_DECLINE
} ps_action;

typedef enum {
    PS_REFUND_PENDING = 1,
    PS_REFUND_SUCCEEDED,
    PS_REFUND_FAILED,
    PS_REFUND_REVIEW,
    PS_REFUND_CANCELLED
} ps_refund_status;
typedef enum {
    PS_DISPUTE_OPENED = 1,
    PS_DISPUTE_CHALLENGED,
    PS_DISPUTE_WON,
    PS_DISPUTE_LOST
} ps_dispute_status;
typedef enum {
    PS_SETTLEMENT_OPEN = 1,
    PS_SETTLEMENT_CLOSING,
    PS_SETTLEMENT_CLOSED,
    PS_SETTLEMENT_PAID,
    PS_SETTLEMENT_SETTLED,
    PS_SETTLEMENT_FAILED
} ps_settlement_status;
typedef enum {
    PS_TRADE_AUTHORISATION = 1,
    PS_TRADE_CAPTURE,
    PS_TRADE_VOID,
    PS_TRADE_REFUND,
    PS_TRADE_DISPUTE,
    PS_TRADE_SETTLEMENT,
    PS_TRADE_PAYOUT,
    PS_TRADE_REVERSAL
} ps_trade_kind;
typedef enum {
    PS_TRADE_PENDING = 1,
    PS_TRADE_SUCCESS,
    PS_TRADE_FAILURE,
    PS_TRADE_REVERSED
} ps_trade_status;
typedef enum { PS_RISK_FRAUD = 1, PS_RISK_ATTACK, PS_RISK_VIOLATION } ps_risk_type;

/* The word of an enum value for JSON; NULL when it is not one. */
const char *ps_action_name(ps_action action);
const char *ps_refund_status_name(ps_refund_status status);
const char *ps_dispute_status_name(ps_dispute_status status);
const char *ps_settlement_status_name(ps_settlement_status status);
const char *ps_trade_kind_name(ps_trade_kind kind);
const char *ps_trade_status_name(ps_trade_status status);
const char *ps_risk_type_name(ps_risk_type type);

#endif
