#include "pay/event.h"

static const char *const event_names[PS_EVENT_COUNT] = {
    [PS_EVENT_NONE] = "",
    [PS_EVENT_PAYMENT_CREATED] = "payment.created",
    [PS_EVENT_PAYMENT_IN_REVIEW] = "payment.in_review",
    [PS_EVENT_PAYMENT_PROCESSING] = "payment.processing",
    [PS_EVENT_PAYMENT_AUTHORISED] = "payment.authorised",
    [PS_EVENT_PAYMENT_PARTIALLY_CAPTURED] = "payment.partially_captured",
    [PS_EVENT_PAYMENT_CAPTURED] = "payment.captured",
    [PS_EVENT_PAYMENT_SETTLED] = "payment.settled",
    [PS_EVENT_PAYMENT_FAILED] = "payment.failed",
    [PS_EVENT_PAYMENT_DECLINED] = "payment.declined",
    [PS_EVENT_PAYMENT_CANCELLED] = "payment.cancelled",
    [PS_EVENT_PAYMENT_EXPIRED] = "payment.expired",
    [PS_EVENT_PAYMENT_UNKNOWN] = "payment.unknown",
    [PS_EVENT_PAYMENT_REVERSED] = "payment.reversed",
    [PS_EVENT_PAYMENT_REFUNDED] = "payment.refunded",
    [PS_EVENT_PAYMENT_DISPUTED] = "payment.disputed",
    [PS_EVENT_PAYMENT_CHARGED_BACK] = "payment.charged_back",
    [PS_EVENT_PAYMENT_UPDATED] = "payment.updated",
    [PS_EVENT_REFUND_CREATED] = "refund.created",
    [PS_EVENT_REFUND_SUCCEEDED] = "refund.succeeded",
    [PS_EVENT_REFUND_FAILED] = "refund.failed",
    [PS_EVENT_REFUND_REVIEW] = "refund.review",
    [PS_EVENT_DISPUTE_OPENED] = "dispute.opened",
    [PS_EVENT_DISPUTE_CHALLENGED] = "dispute.challenged",
    [PS_EVENT_DISPUTE_WON] = "dispute.won",
    [PS_EVENT_DISPUTE_LOST] = "dispute.lost",
    [PS_EVENT_TRADE_PENDING] = "trade.pending",
    [PS_EVENT_TRADE_SUCCEEDED] = "trade.succeeded",
    [PS_EVENT_TRADE_FAILED] = "trade.failed",
    [PS_EVENT_TRADE_REVERSED] = "trade.reversed",
    [PS_EVENT_SETTLEMENT_CLOSED] = "settlement.closed",
    [PS_EVENT_SETTLEMENT_PAID] = "settlement.paid",
    [PS_EVENT_SETTLEMENT_SETTLED] = "settlement.settled",
    [PS_EVENT_SETTLEMENT_FAILED] = "settlement.failed",
    [PS_EVENT_TRANSFER_PENDING] = "transfer.pending",
    [PS_EVENT_TRANSFER_POSTED] = "transfer.posted",
    [PS_EVENT_TRANSFER_VOIDED] = "transfer.voided",
    [PS_EVENT_TRANSFER_EXPIRED] = "transfer.expired",
    [PS_EVENT_RISK_ALERT] = "risk.alert",
    [PS_EVENT_ATTACK_DETECTED] = "attack.detected",
    [PS_EVENT_LIMIT_VIOLATED] = "limit.violated",
};

const char *ps_event_name(ps_event_type type)
{
    PS_ASSERT(type < PS_EVENT_COUNT);
    return event_names[type];
}

bool ps_event_parse(ps_slice name, ps_event_type *out_type)
{
    for (int i = PS_EVENT_NONE + 1; i < PS_EVENT_COUNT; i++) {
        if (ps_slice_equal(name, ps_slice_text(event_names[i]))) {
            *out_type = (ps_event_type)i;
            return true;
        }
    }
    return false;
}
