/* The steps that a payment's handlers share; inside pay only. Each works on a copy of the payment
 * (`payment`), which it changes and emits; the last effect that it leaves is that payment's.
 *
 *   core_payment.c  what clients ask: create, confirm, capture, cancel, reverse, review
 *   core_rail.c     what rails answer: wallet, simulator, live card; sync, rail_result, timers
 *   core_refund.c, core_dispute.c   the child machines
 */
#ifndef PS_PAY_FLOW_H
#define PS_PAY_FLOW_H

#include "pay/emit.h"

/* A reversal names each capture that it undoes; more of them than this cannot be reversed. */
enum { PS_CAPTURES_REVERSIBLE_MAX = 64, PS_FAILED_REFUNDS_MAX = 10 };

/* How the simulator goes on, from the card's token. Stored. */
typedef enum {
    PS_SCRIPT_OK = 0,
    PS_SCRIPT_INSUFFICIENT_FUNDS,
    PS_SCRIPT_DO_NOT_HONOUR,
    PS_SCRIPT_EXPIRED_CARD,
    PS_SCRIPT_STOLEN_CARD,
    PS_SCRIPT_FAILED,
    PS_SCRIPT_SLOW_OK,
    PS_SCRIPT_SLOW_DECLINED,
    PS_SCRIPT_TIMEOUT,
    PS_SCRIPT_SILENT,
    PS_SCRIPT_REFUND_FAILS,
    PS_SCRIPT_REFUND_SLOW,
    PS_SCRIPT_COUNT
} ps_simulator_script;
ps_simulator_script ps_simulator_script_of(ps_slice token);

/* Copies the payment that `id` names and makes it the record's subject. False: not in this book. */
PS_CHECKED bool ps_flow_payment(ps_emit *emit, ps_slice id, ps_effect_payment *out_payment);

/* Sends a payment to its rail, or on from there. DECLINED: it is declined now; otherwise NONE. */
ps_refusal ps_flow_send(ps_emit *emit, ps_effect_payment *payment);
/* The rail said yes: hold, and capture when automatic. DECLINED: the books say no. */
ps_refusal ps_flow_approve(ps_emit *emit, ps_effect_payment *payment);
void ps_flow_decline(ps_emit *emit, ps_effect_payment *payment, ps_decline decline);
/* Releases what is capturable: the hold's end by cancel or by time. Only with capturable > 0. */
void ps_flow_release(ps_emit *emit, ps_effect_payment *payment, bool by_time);

/* Linked legs being collected for one ps_ledger_check. */
typedef struct {
    ps_leg legs[PS_LEGS_MAX];
    uint32_t count;
} ps_leg_list;
void ps_legs_add(ps_leg_list *list, ps_leg_kind kind, uint32_t debit, uint32_t credit,
                 int64_t amount);
void ps_legs_add_resolve(ps_leg_list *list, ps_leg_kind kind, uint32_t slot, int64_t amount);

/* Takes `amount` captured now out of the fee still due; adds its leg, when there is one. Returns
 * the fee taken. */
int64_t ps_flow_fee(ps_emit *emit, const ps_effect_payment *payment, int64_t amount,
                    ps_leg_list *list);
/* After the legs: trade record, counters, settlement batch. Emits nothing of the payment itself. */
void ps_flow_captured(ps_emit *emit, ps_effect_payment *payment, int64_t amount, int64_t fee);

/* The merchant's account that refunds and disputes of this payment move: pending while unsettled,
 * otherwise available. */
uint32_t ps_flow_source(ps_emit *emit, const ps_effect_payment *payment);
/* Legs that make `source` cover `amount`, given that `credited` comes in before: from reserve, then
 * from receivable. They say how much came from where. */
typedef struct {
    int64_t from_reserve;
    int64_t from_receivable;
} ps_top_up;
ps_top_up ps_flow_top_up(ps_emit *emit, const ps_effect_payment *payment, uint32_t source,
                         int64_t amount, ps_leg_list *list);
/* The way back, once the amount is in `source` again. */
void ps_flow_top_up_return(ps_emit *emit, const ps_effect_payment *payment, uint32_t source,
                           ps_top_up top_up, ps_leg_list *list);

/* A new trade record of the payment's currency. */
uint64_t ps_flow_trade(ps_emit *emit, ps_effect_payment *payment, ps_trade_kind kind,
                       ps_trade_status status, int64_t amount);
/* The same, undoing trade `reverses`. */
uint64_t ps_flow_trade_reversing(ps_emit *emit, ps_effect_payment *payment, ps_trade_kind kind,
                                 int64_t amount, uint64_t reverses, ps_slice reason);

/* Shows the payment as it is: the record of a command that changed nothing. */
void ps_flow_show(ps_emit *emit, const ps_effect_payment *payment);

#endif
