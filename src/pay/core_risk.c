/* Risk events from outside: recorded, shown as events; they decide nothing here. */
#include "pay/emit.h"

ps_refusal ps_handle_risk_event(ps_core *core, const ps_command *command, ps_emit *emit,
                                int64_t *detail)
{
    (void)detail;
    ps_slice payment = command->u.risk.payment;
    if (payment.size != 0 && ps_payment_find(core, command->book, payment) == 0) {
        return PS_REFUSED_PAYMENT_UNKNOWN;
    }
    ps_risk_event_new event = {.type = (ps_risk_type)command->u.risk.type,
                               .severity = command->u.risk.severity,
                               .kind = command->reason,
                               .payment_id = payment,
                               .entity = command->u.risk.entity,
                               .data = command->data};
    ps_emit_risk_event(emit, &event);
    ps_emit_subject(emit, PS_ID_RISK_EVENT, ps_core_head_at(core)->risk_event_count);
    return PS_REFUSED_NONE;
}
