/* The emitter: writes effects into a record's payload and applies them, one by one; inside pay
 * only.
 *
 * A handler looks everything up and checks everything first; then it emits, and from there on it
 * cannot fail: nothing is ever rolled back. (Accounts and parties made on first use may be emitted
 * before a stored refusal; a refusal that is not stored emits nothing.)
 * Execute and replay apply effects by the same functions.
 */
#ifndef PS_PAY_EMIT_H
#define PS_PAY_EMIT_H

#include "pay/state.h"

typedef struct {
    ps_core *core;
    ps_record_header *header; /* start of the payload */
    char *cursor;             /* where the next effect goes */
    const char *end;
    uint64_t seq;
    int64_t now_ns;
    uint32_t book;
    ps_effect_texts *texts; /* being written; NULL: none */
    /* of the payment that is being made, when its handler has looked it up; 0: not known */
    uint64_t reference_hash;
} ps_emit;

/* ── handlers ── */

/* PS_REFUSED_NONE: done. DECLINED: done too (the payment says so), answered 402. Any other refusal
 * that is stored leaves a record without effects on payments; `*detail` goes with it. */
typedef ps_refusal (*ps_handler)(ps_core *core, const ps_command *command, ps_emit *emit,
                                 int64_t *detail);
typedef struct {
    ps_handler handle; /* NULL: not a command of clients */
    uint16_t scopes;   /* any of these, or admin; 0: anyone */
    uint16_t success_status;
    uint32_t room; /* PS_ROOM_… */
} ps_handler_entry;
extern const ps_handler_entry ps_handlers[PS_CMD_COUNT];

#define PS_HANDLER(name)                                                                           \
    ps_refusal name(ps_core *core, const ps_command *command, ps_emit *emit, int64_t *detail)
/* core_payment.c, core_rail.c, core_refund.c, core_dispute.c */
PS_HANDLER(ps_handle_payment_create);
PS_HANDLER(ps_handle_payment_confirm);
PS_HANDLER(ps_handle_payment_capture);
PS_HANDLER(ps_handle_payment_cancel);
PS_HANDLER(ps_handle_payment_reverse);
PS_HANDLER(ps_handle_payment_sync);
PS_HANDLER(ps_handle_payment_rail_result);
PS_HANDLER(ps_handle_payment_review);
PS_HANDLER(ps_handle_refund_create);
PS_HANDLER(ps_handle_dispute_open);
PS_HANDLER(ps_handle_dispute_challenge);
PS_HANDLER(ps_handle_dispute_accept);
PS_HANDLER(ps_handle_dispute_end);
/* core_account.c, core_transfer.c, core_settlement.c, core_risk.c, core_key.c */
PS_HANDLER(ps_handle_account_open);
PS_HANDLER(ps_handle_account_freeze);
PS_HANDLER(ps_handle_account_unfreeze);
PS_HANDLER(ps_handle_account_close);
PS_HANDLER(ps_handle_transfer_create);
PS_HANDLER(ps_handle_transfer_post);
PS_HANDLER(ps_handle_transfer_void);
PS_HANDLER(ps_handle_transfer_revert);
PS_HANDLER(ps_handle_settlement_close);
PS_HANDLER(ps_handle_settlement_confirm);
PS_HANDLER(ps_handle_settlement_fail);
PS_HANDLER(ps_handle_risk_event);
PS_HANDLER(ps_handle_key_create);
PS_HANDLER(ps_handle_key_revoke);
PS_HANDLER(ps_handle_genesis);
PS_HANDLER(ps_handle_snapshot); /* a record without effects: core.c */

/* A due timer of this kind; must change its object's deadline, so that it does not fire again. Sets
 * emit->book and header->book first (ps_emit_book). */
void ps_fire_payment(ps_emit *emit, uint32_t payment);
void ps_fire_refund(ps_emit *emit, uint32_t refund);
void ps_fire_dispute(ps_emit *emit, uint32_t dispute);
void ps_fire_transfer(ps_emit *emit, uint32_t transfer);     /* core_transfer.c */
void ps_fire_settlement(ps_emit *emit, uint32_t settlement); /* core_settlement.c */

/* ── the record ── */

void ps_emit_book(ps_emit *emit, uint32_t book);
/* What the reply shows. */
void ps_emit_subject(ps_emit *emit, ps_id_kind kind, uint64_t number);

/* Room for an effect of `size` bytes (multiple of 8) at the cursor: head written, the rest zero. An
 * event takes the book's next sequence number (ps_emit_sequence). */
void *ps_emit_put(ps_emit *emit, ps_effect_type type, ps_event_type event, size_t size);
/* The number that the event just put has taken. */
uint64_t ps_emit_sequence(const ps_emit *emit);
/* Texts of the effect just put; empty slices are left out. */
void ps_emit_texts_begin(ps_emit *emit);
void ps_emit_text_put(ps_emit *emit, ps_text_field field, ps_slice text);
static inline void ps_emit_text(ps_emit *emit, ps_text_field field, ps_slice text)
{
    if (text.size != 0) {
        ps_emit_text_put(emit, field, text);
    }
}
void ps_emit_texts_end(ps_emit *emit);
/* Applies an effect that was put, once it and its texts are whole. */
void ps_emit_apply(ps_emit *emit, const void *effect);

/* ── whole effects: fill in what follows from the emitter, put, apply ── */

/* The caller passes a copy of the object's body, changed. Filled in, in *body and in the record:
 * head, version (+ 1), sequence (when there is an event), prev_seq, updated_ns, and the payment's
 * status. */
void ps_emit_payment(ps_emit *emit, ps_effect_payment *body, ps_event_type event);
void ps_emit_refund(ps_emit *emit, ps_effect_refund *body, ps_event_type event);
void ps_emit_dispute(ps_emit *emit, ps_effect_dispute *body, ps_event_type event);
void ps_emit_settlement(ps_emit *emit, ps_effect_settlement *body, ps_event_type event);
void ps_emit_transfer(ps_emit *emit, ps_effect_transfer *body, ps_event_type event);
/* The same for an object's first effect (version 0 in *body, number = count + 1 already set):
 * origin_seq and created_ns are filled in as well; put only: the caller adds texts, then
 * ps_emit_apply. */
void *ps_emit_put_payment(ps_emit *emit, ps_effect_payment *body, ps_event_type event);
void *ps_emit_put_refund(ps_emit *emit, ps_effect_refund *body, ps_event_type event);
void *ps_emit_put_dispute(ps_emit *emit, ps_effect_dispute *body, ps_event_type event);
void *ps_emit_put_settlement(ps_emit *emit, ps_effect_settlement *body, ps_event_type event);
void *ps_emit_put_transfer(ps_emit *emit, ps_effect_transfer *body, ps_event_type event);

/* A new trade record of `payment` (its last_trade is moved on; the caller emits the payment after
 * it), or of none (NULL: settlement, payout). Returns its number. */
typedef struct {
    ps_trade_kind kind;
    ps_trade_status status;
    int64_t amount;
    uint64_t reverses; /* trade number; 0 */
    ps_currency currency;
    ps_slice reason; /* may be empty */
} ps_trade_new;
uint64_t ps_emit_trade(ps_emit *emit, ps_effect_payment *payment, const ps_trade_new *trade);
/* The later fate of trade `number`, of `payment` or none (NULL). */
void ps_emit_trade_status(ps_emit *emit, const ps_effect_payment *payment, uint64_t number,
                          ps_currency currency, ps_trade_status status);

/* Linked legs that ps_ledger_check accepted: applied together; slots, numbers filled in. */
void ps_emit_legs(ps_emit *emit, ps_leg *legs, uint32_t leg_count);
/* The refusal that a ledger outcome stands for. Outcomes that only a bug can cause are asserted. */
ps_refusal ps_refusal_of_outcome(ps_ledger_outcome outcome);

void ps_emit_account_flags(ps_emit *emit, uint32_t account, uint8_t flags);
/* Adds an account that is not there. */
uint32_t ps_emit_account(ps_emit *emit, ps_slice name, ps_currency currency, ps_account_type type,
                         uint8_t flags);
/* Adds a party that is not there. */
uint32_t ps_emit_party(ps_emit *emit, bool is_payer, ps_slice name);
typedef struct {
    ps_risk_type type;
    uint8_t severity; /* 1 low … 4 critical */
    ps_slice kind, payment_id, entity, data;
} ps_risk_event_new;
void ps_emit_risk_event(ps_emit *emit, const ps_risk_event_new *event);

/* ── accounts that Paystream makes itself ── */

typedef enum {
    PS_ROLE_PAYER,            /* payer:{name} */
    PS_ROLE_MERCHANT_PENDING, /* merchant:{name}:pending */
    PS_ROLE_MERCHANT_AVAILABLE,
    PS_ROLE_MERCHANT_RESERVE,
    PS_ROLE_MERCHANT_RECEIVABLE,
    PS_ROLE_SCHEME_RECEIVABLE, /* scheme_receivable:{rail} */
    PS_ROLE_SCHEME_PAYABLE,
    PS_ROLE_FEE_INCOME,
    PS_ROLE_NETWORK_COST,
    PS_ROLE_DISPUTE_HOLD,
    PS_ROLE_CHARGEBACK_LOSS,
    PS_ROLE_SUSPENSE,
    PS_ROLE_BANK_MAIN,
    PS_ROLE_WORLD,
    PS_ROLE_COUNT
} ps_account_role;
typedef struct {
    const char *prefix; /* before the name; the whole name when there is none in it */
    const char *suffix;
    bool has_name;
    ps_account_type type;
    uint8_t flags;
} ps_account_role_shape;
extern const ps_account_role_shape ps_account_roles[PS_ROLE_COUNT];
/* False: an account name that is nobody's role. *out_name: {name}, or empty. */
PS_CHECKED bool ps_account_role_parse(ps_slice account, ps_account_role *out_role,
                                      ps_slice *out_name);
/* PS_INDEX_NONE when it was never used. */
uint32_t ps_account_of(const ps_core *core, uint32_t book, ps_account_role role, ps_slice name,
                       ps_currency currency);
/* Adds it on first use. */
uint32_t ps_emit_account_of(ps_emit *emit, ps_account_role role, ps_slice name,
                            ps_currency currency);

/* ── settlement batches and payments (core_settlement.c) ── */

/* `amount` was captured: puts it into the open batch of (book, merchant, currency), which is made
 * when there is none (a SETTLEMENT effect, status OPEN); sets payment->settlement,
 * captured_in_batch, next_in_settlement. The caller then emits *payment. No other effect is needed:
 * the open batch's sums follow from payments in ps_settlement_apply_payment. */
void ps_settlement_add_capture(ps_emit *emit, ps_effect_payment *payment, int64_t amount);
/* All that was captured of it lies in a batch that is still open: refunds, disputes and reversals
 * then move merchant:pending and lower that batch; otherwise they move merchant:available. */
bool ps_settlement_holds_all(const ps_core *core, const ps_effect_payment *payment);
/* Called by the apply of every PAYMENT effect whose payment is (or was) in a batch, before the
 * table changes; `before` NULL: new payment. While the batch is open: first_item and item_count
 * (when it joins), gross += Δ captured_in_batch, fees += Δ fee_taken (since it joined); and while
 * ps_settlement_holds_all: refunds += Δ (refunded + refund_pending), disputes += Δ (disputed +
 * charged_back). A reversed payment stays in the list with captured_in_batch = 0. */
void ps_settlement_apply_payment(ps_core *core, const ps_effect_payment *before,
                                 const ps_effect_payment *after);

/* ── one effect ── */

typedef struct {
    uint64_t seq;
    int64_t time_ns;
    uint32_t book; /* of the record: its events count there */
    /* what ps_core_reference_hash gives for the payment that is made; 0: not known yet */
    uint64_t reference_hash;
} ps_apply_context;
void ps_apply_effect(ps_core *core, const ps_apply_context *at, const ps_effect_head *effect,
                     const ps_effect_texts *texts);
/* core_settlement.c, core_transfer.c, core_key.c */
void ps_apply_settlement(ps_core *core, const ps_apply_context *at,
                         const ps_effect_settlement *effect);
void ps_apply_transfer(ps_core *core, const ps_apply_context *at, const ps_effect_transfer *effect);
void ps_apply_key(ps_core *core, const ps_apply_context *at, const ps_effect_key *effect);
void ps_apply_book(ps_core *core, const ps_apply_context *at, const ps_effect_book *effect,
                   const ps_effect_texts *texts);

#endif
