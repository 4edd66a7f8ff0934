#include "pay/payment.h"

/* ── status ── */

static ps_status open_status(const ps_counters *c)
{
    bool all_resolved = c->capturable == 0;
    if (c->disputed > 0) {
        return PS_STATUS_DISPUTED;
    }
    if (c->captured > 0 && c->charged_back == c->captured) {
        return PS_STATUS_CHARGED_BACK;
    }
    if (c->refunded > 0) {
        return c->refunded == c->captured && all_resolved ? PS_STATUS_REFUNDED
                                                          : PS_STATUS_PARTIALLY_REFUNDED;
    }
    if (c->captured > 0) {
        if (!all_resolved) {
            return PS_STATUS_PARTIALLY_CAPTURED;
        }
        return c->settled == c->captured ? PS_STATUS_SETTLED : PS_STATUS_CAPTURED;
    }
    return PS_STATUS_AUTHORISED;
}

ps_status ps_payment_status(const ps_counters *counters, ps_phase phase)
{
    switch (phase) {
    case PS_PHASE_CREATED:
        return PS_STATUS_CREATED;
    case PS_PHASE_IN_REVIEW:
        return PS_STATUS_IN_REVIEW;
    case PS_PHASE_PROCESSING:
        return PS_STATUS_PROCESSING;
    case PS_PHASE_UNKNOWN:
        return PS_STATUS_UNKNOWN;
    case PS_PHASE_OPEN:
        return open_status(counters);
    case PS_PHASE_DECLINED:
        return PS_STATUS_DECLINED;
    case PS_PHASE_FAILED:
        return PS_STATUS_FAILED;
    case PS_PHASE_CANCELLED:
        return PS_STATUS_CANCELLED;
    case PS_PHASE_EXPIRED:
        return PS_STATUS_EXPIRED;
    case PS_PHASE_REVERSED:
        return PS_STATUS_REVERSED;
    case PS_PHASE_COUNT:
        break;
    }
    PS_ASSERT(phase < PS_PHASE_COUNT);
    return PS_STATUS_FAILED;
}

int64_t ps_payment_refundable(const ps_counters *counters, ps_phase phase)
{
    if (phase != PS_PHASE_OPEN) {
        return 0;
    }
    return counters->captured - counters->refunded - counters->refund_pending - counters->disputed -
           counters->charged_back;
}

/* One line per status: its word, whether it ends the payment, and what may follow it (rows of
 * PAYMENTS §3, in table order). */
typedef struct {
    const char *name;
    bool terminal;
    ps_status allowed[6]; /* ended by 0 */
} ps_status_row;

static const ps_status_row status_rows[PS_STATUS_COUNT] = {
    [PS_STATUS_CREATED] = {"created",
                           false,
                           {PS_STATUS_IN_REVIEW, PS_STATUS_DECLINED, PS_STATUS_PROCESSING,
                            PS_STATUS_AUTHORISED, PS_STATUS_CANCELLED}},
    [PS_STATUS_IN_REVIEW] = {"in_review",
                             false,
                             {PS_STATUS_DECLINED, PS_STATUS_PROCESSING, PS_STATUS_AUTHORISED,
                              PS_STATUS_CANCELLED}},
    [PS_STATUS_DECLINED] = {"declined", true, {0}},
    [PS_STATUS_PROCESSING] = {"processing",
                              false,
                              {PS_STATUS_AUTHORISED, PS_STATUS_FAILED, PS_STATUS_UNKNOWN,
                               PS_STATUS_DECLINED}},
    [PS_STATUS_AUTHORISED] = {"authorised",
                              false,
                              {PS_STATUS_CANCELLED, PS_STATUS_EXPIRED, PS_STATUS_PARTIALLY_CAPTURED,
                               PS_STATUS_CAPTURED, PS_STATUS_REVERSED}},
    [PS_STATUS_FAILED] = {"failed", true, {0}},
    [PS_STATUS_UNKNOWN] = {"unknown",
                           false,
                           {PS_STATUS_AUTHORISED, PS_STATUS_CAPTURED, PS_STATUS_DECLINED,
                            PS_STATUS_FAILED}},
    [PS_STATUS_CANCELLED] = {"cancelled", true, {0}},
    [PS_STATUS_EXPIRED] = {"expired", true, {0}},
    [PS_STATUS_PARTIALLY_CAPTURED] = {"partially_captured",
                                      false,
                                      {PS_STATUS_CAPTURED, PS_STATUS_PARTIALLY_REFUNDED,
                                       PS_STATUS_DISPUTED}},
    [PS_STATUS_CAPTURED] = {"captured",
                            false,
                            {PS_STATUS_SETTLED, PS_STATUS_PARTIALLY_REFUNDED, PS_STATUS_REFUNDED,
                             PS_STATUS_DISPUTED, PS_STATUS_REVERSED}},
    [PS_STATUS_SETTLED] = {"settled",
                           false,
                           {PS_STATUS_PARTIALLY_REFUNDED, PS_STATUS_REFUNDED, PS_STATUS_DISPUTED}},
    [PS_STATUS_PARTIALLY_REFUNDED] = {"partially_refunded",
                                      false,
                                      {PS_STATUS_PARTIALLY_REFUNDED, PS_STATUS_REFUNDED,
                                       PS_STATUS_DISPUTED}},
    [PS_STATUS_REFUNDED] = {"refunded", true, {0}},
    [PS_STATUS_DISPUTED] = {"disputed",
                            false,
                            {PS_STATUS_PARTIALLY_CAPTURED, PS_STATUS_CAPTURED, PS_STATUS_SETTLED,
                             PS_STATUS_PARTIALLY_REFUNDED, PS_STATUS_CHARGED_BACK}},
    [PS_STATUS_CHARGED_BACK] = {"charged_back", true, {0}},
    [PS_STATUS_REVERSED] = {"reversed", true, {0}},
};

static const ps_status_row *status_row(ps_status status)
{
    PS_ASSERT(status >= PS_STATUS_CREATED && status < PS_STATUS_COUNT);
    return &status_rows[status];
}

bool ps_status_is_terminal(ps_status status)
{
    return status_row(status)->terminal;
}

const char *ps_status_name(ps_status status)
{
    return status_row(status)->name;
}

bool ps_status_parse(ps_slice name, ps_status *out_status)
{
    for (int i = PS_STATUS_CREATED; i < PS_STATUS_COUNT; i++) {
        if (ps_slice_equal(name, ps_slice_text(status_rows[i].name))) {
            *out_status = (ps_status)i;
            return true;
        }
    }
    return false;
}

const ps_status *ps_status_allowed(ps_status status)
{
    return status_row(status)->allowed;
}

/* ── declines ── */

static const ps_decline_text decline_texts[PS_DECLINE_COUNT] = {
    [PS_DECLINE_INSUFFICIENT_FUNDS] = {"insufficient_funds", "retry_later",
                                       "The payer does not have enough available funds."},
    [PS_DECLINE_DO_NOT_HONOUR] = {"do_not_honour", "other_instrument",
                                  "The issuer declined without giving a reason."},
    [PS_DECLINE_EXPIRED_CARD] = {"expired_card", "other_instrument", "The card has expired."},
    [PS_DECLINE_STOLEN_CARD] = {"stolen_card", "do_not_retry", "The card is reported stolen."},
    [PS_DECLINE_ACCOUNT_FROZEN] = {"account_frozen", "other_instrument",
                                   "An account of this payment is frozen."},
    [PS_DECLINE_ACCOUNT_CLOSED] = {"account_closed", "other_instrument",
                                   "An account of this payment is closed."},
    [PS_DECLINE_RISK] = {"risk_declined", "do_not_retry", "The risk policy declined the payment."},
    [PS_DECLINE_REVIEWER] = {"review_declined", "do_not_retry", "A reviewer declined the payment."},
    [PS_DECLINE_LOST_CARD] = {"lost_card", "do_not_retry", "The card is reported lost."},
    [PS_DECLINE_INVALID_CARD] = {"invalid_card", "other_instrument",
                                 "The issuer does not know this card."},
    [PS_DECLINE_LIMIT_EXCEEDED] = {"limit_exceeded", "retry_later",
                                   "A limit of the payer or the account is reached."},
    [PS_DECLINE_ISSUER_UNAVAILABLE] = {"issuer_unavailable", "retry_later",
                                       "The issuer could not be reached."},
    [PS_DECLINE_SUSPECTED_FRAUD] = {"suspected_fraud", "do_not_retry",
                                    "The issuer suspects fraud."},
    [PS_DECLINE_NOT_PERMITTED] = {"not_permitted", "other_instrument",
                                  "The card does not permit this kind of payment."},
    [PS_DECLINE_OTHER] = {"declined", "other_instrument", "The issuer declined the payment."},
};

const ps_decline_text *ps_decline_describe(ps_decline decline)
{
    PS_ASSERT(decline < PS_DECLINE_COUNT);
    return decline == PS_DECLINE_NONE ? NULL : &decline_texts[decline];
}

ps_decline ps_decline_parse(ps_slice code)
{
    for (int i = PS_DECLINE_NONE + 1; i < PS_DECLINE_COUNT; i++) {
        if (ps_slice_equal(code, ps_slice_text(decline_texts[i].code))) {
            return (ps_decline)i;
        }
    }
    return PS_DECLINE_OTHER;
}

/* ── words ── */

const char *ps_rail_name(ps_rail_kind rail)
{
    switch (rail) {
    case PS_RAIL_WALLET:
        return "wallet";
    case PS_RAIL_SIMULATOR:
        return "simulator";
    case PS_RAIL_CARD:
        return "card";
    }
    return NULL;
}

static const char *word(const char *const *words, size_t count, unsigned value)
{
    return value < count ? words[value] : NULL;
}
#define PS_WORD(words, value) word(words, sizeof(words) / sizeof((words)[0]), (unsigned)(value))

static const char *const action_words[] = {NULL, "approve", "challenge", "review", "decline"};
static const char *const refund_words[] = {NULL,     "pending", "succeeded",
                                           "failed", "review",  "cancelled"};
static const char *const dispute_words[] = {NULL, "opened", "challenged", "won", "lost"};
static const char *const settlement_words[] = {NULL,   "open",    "closing", "closed",
                                               "paid", "settled", "failed"};
static const char *const trade_kind_words[] = {NULL,         "authorisation", "capture",
                                               "void",       "refund",        "dispute",
                                               "settlement", "payout",        "reversal"};
static const char *const trade_status_words[] = {NULL, "pending", "success", "failure", "reversed"};
static const char *const risk_words[] = {NULL, "fraud", "attack", "violation"};

const char *ps_action_name(ps_action action)
{
    return PS_WORD(action_words, action);
}
const char *ps_refund_status_name(ps_refund_status status)
{
    return PS_WORD(refund_words, status);
}
const char *ps_dispute_status_name(ps_dispute_status status)
{
    return PS_WORD(dispute_words, status);
}
const char *ps_settlement_status_name(ps_settlement_status status)
{
    return PS_WORD(settlement_words, status);
}
const char *ps_trade_kind_name(ps_trade_kind kind)
{
    return PS_WORD(trade_kind_words, kind);
}
const char *ps_trade_status_name(ps_trade_status status)
{
    return PS_WORD(trade_status_words, status);
}
const char *ps_risk_type_name(ps_risk_type type)
{
    return PS_WORD(risk_words, type);
}
