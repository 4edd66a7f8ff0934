/* Transfers that users make themselves: single-phase, or pending with an optional timeout, then
 * posted (whole or in part; what is not posted is released), voided or expired; and reverted by one
 * mirror transfer.
 *
 * Accounts of payments other than payer:… and, in test mode, world are moved by admin keys only.
 * They are made on first use, as payments make them; but a debit from one that may not overdraw and
 * was never used has nothing to give and names an unknown account.
 */
#include "pay/emit.h"

enum { PS_ROLE_NAME_MAX = 64 };

uint32_t ps_transfer_find(const ps_core *core, uint32_t book, ps_slice id)
{
    uint64_t number;
    int64_t created_ns;
    if (!ps_id_parse(core->instance, PS_ID_TRANSFER, id, &number, &created_ns) || number == 0 ||
        number > ps_api_transfer_count(core)) {
        return 0;
    }
    const ps_effect_transfer *transfer = &ps_api_transfer_at(core, number)->body;
    return transfer->created_ns == created_ns && transfer->book == book ? (uint32_t)number : 0;
}

int64_t ps_transfer_deadline_ns(const ps_core *core, uint32_t transfer)
{
    const ps_effect_transfer *body = &ps_api_transfer_at(core, transfer)->body;
    return body->status == PS_TRANSFER_PENDING ? body->timeout_ns : 0;
}

void ps_apply_transfer(ps_core *core, const ps_apply_context *at, const ps_effect_transfer *effect)
{
    bool is_new = effect->transfer == (uint64_t)ps_api_transfer_count(core) + 1;
    if (is_new) {
        ps_table_add(&core->transfers, sizeof(ps_api_transfer));
    }
    ps_api_transfer *transfer = ps_api_transfer_mut(core, effect->transfer);
    transfer->body = *effect;
    transfer->body.head.event = PS_EVENT_NONE;
    transfer->last_seq = at->seq;
    uint32_t number = (uint32_t)effect->transfer;
    if (is_new && ps_transfer_deadline_ns(core, number) != 0) {
        ps_timer_push(core, PS_TIMER_TRANSFER, number, effect->timeout_ns);
    }
}

/* ── who may move what ── */

/* One side of a transfer. */
typedef struct {
    ps_slice name;
    ps_slice role_name;
    ps_account_role role;
    bool has_role;
    uint32_t account; /* PS_INDEX_NONE: not there yet */
} ps_transfer_side;

static ps_transfer_side side_of(const ps_core *core, const ps_command *command, ps_slice name)
{
    ps_transfer_side side = {.name = name};
    side.has_role = ps_account_role_parse(name, &side.role, &side.role_name);
    side.account = ps_ledger_account_find(&core->ledger, command->book, name, command->currency);
    return side;
}

static bool role_needs_admin(const ps_core *core, uint32_t book, ps_account_role role)
{
    bool is_test_money = role == PS_ROLE_WORLD && ps_book_at(core, book)->live == 0;
    return role != PS_ROLE_PAYER && !is_test_money;
}

static bool side_is_allowed(const ps_core *core, const ps_command *command,
                            const ps_transfer_side *side)
{
    return !side->has_role || !role_needs_admin(core, command->book, side->role) ||
           (command->scopes & PS_SCOPE_ADMIN) != 0;
}

static bool side_exists_or_begins(const ps_transfer_side *side, bool is_debit)
{
    if (side->account != PS_INDEX_NONE) {
        return true;
    }
    if (!side->has_role || side->role_name.size > PS_ROLE_NAME_MAX) {
        return false;
    }
    bool capped = (ps_account_roles[side->role].flags & PS_ACCOUNT_DEBITS_CAPPED) != 0;
    return !(is_debit && capped);
}

static uint32_t side_begin(ps_emit *emit, const ps_transfer_side *side, ps_currency currency)
{
    if (side->account != PS_INDEX_NONE) {
        return side->account;
    }
    return ps_emit_account_of(emit, side->role, side->role_name, currency);
}

static bool account_needs_admin(const ps_core *core, uint32_t account)
{
    ps_account_role role;
    ps_slice name;
    uint32_t book = ps_ledger_account(&core->ledger, account)->book;
    return ps_account_role_parse(ps_ledger_account_name(&core->ledger, account), &role, &name) &&
           role_needs_admin(core, book, role);
}

/* ── create ── */

/* The first effect of a transfer, with its texts. */
static void emit_new(ps_emit *emit, ps_effect_transfer *body, ps_event_type event,
                     ps_slice reference)
{
    const ps_ledger *ledger = &emit->core->ledger;
    void *effect = ps_emit_put_transfer(emit, body, event);
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_DEBIT, ps_ledger_account_name(ledger, body->debit));
    ps_emit_text(emit, PS_TEXT_CREDIT, ps_ledger_account_name(ledger, body->credit));
    ps_emit_text(emit, PS_TEXT_REFERENCE, reference);
    ps_emit_texts_end(emit);
    ps_emit_apply(emit, effect);
    ps_emit_subject(emit, PS_ID_TRANSFER, body->transfer);
}

static int64_t later(int64_t now_ns, int64_t after_ns)
{
    int64_t sum;
    return ps_amount_add(now_ns, after_ns, &sum) ? sum : INT64_MAX;
}

ps_refusal ps_handle_transfer_create(ps_core *core, const ps_command *command, ps_emit *emit,
                                     int64_t *detail)
{
    (void)detail;
    bool pending = command->u.transfer.pending;
    ps_transfer_side debit = side_of(core, command, command->u.transfer.debit);
    ps_transfer_side credit = side_of(core, command, command->u.transfer.credit);
    if (!side_is_allowed(core, command, &debit) || !side_is_allowed(core, command, &credit)) {
        return PS_REFUSED_SCOPE;
    }
    if (ps_slice_equal(debit.name, credit.name)) {
        return PS_REFUSED_ACCOUNTS_SAME;
    }
    if (!side_exists_or_begins(&debit, true) || !side_exists_or_begins(&credit, false)) {
        return PS_REFUSED_ACCOUNT_UNKNOWN;
    }
    ps_leg leg = {.kind = pending ? PS_LEG_PENDING : PS_LEG_POSTED,
                  .slot = PS_INDEX_NONE,
                  .amount = command->amount};
    leg.debit = side_begin(emit, &debit, command->currency);
    leg.credit = side_begin(emit, &credit, command->currency);
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, &leg, 1, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, &leg, 1);
    ps_effect_transfer body = {.transfer = (uint64_t)ps_api_transfer_count(core) + 1,
                               .amount = command->amount,
                               .posted = pending ? 0 : command->amount,
                               .debit = leg.debit,
                               .credit = leg.credit,
                               .slot = pending ? leg.slot : PS_INDEX_NONE,
                               .currency = command->currency,
                               .status = pending ? PS_TRANSFER_PENDING : PS_TRANSFER_POSTED};
    if (pending && command->timeout_ns > 0) {
        body.timeout_ns = later(emit->now_ns, command->timeout_ns);
    }
    emit_new(emit, &body, pending ? PS_EVENT_TRANSFER_PENDING : PS_EVENT_TRANSFER_POSTED,
             command->reference);
    return PS_REFUSED_NONE;
}

/* ── post, void, expire ── */

static int64_t left_of(const ps_core *core, const ps_effect_transfer *body)
{
    const ps_transfer *pending = ps_ledger_transfer(&core->ledger, body->slot);
    PS_ASSERT(pending != NULL && pending->left > 0);
    return pending->left;
}

/* Finds a transfer that is still pending, and that this key may move; makes it the subject, so that
 * a refusal names its status. */
static ps_refusal find_pending(ps_emit *emit, const ps_command *command,
                               ps_effect_transfer *out_body, int64_t *detail)
{
    const ps_core *core = emit->core;
    uint32_t number = ps_transfer_find(core, command->book, command->target);
    if (number == 0) {
        return PS_REFUSED_NOT_FOUND;
    }
    *out_body = ps_api_transfer_at(core, number)->body;
    bool needs_admin =
        account_needs_admin(core, out_body->debit) || account_needs_admin(core, out_body->credit);
    if (needs_admin && (command->scopes & PS_SCOPE_ADMIN) == 0) {
        return PS_REFUSED_SCOPE;
    }
    ps_emit_subject(emit, PS_ID_TRANSFER, number);
    if (out_body->status != PS_TRANSFER_PENDING) {
        *detail = out_body->status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    return PS_REFUSED_NONE;
}

ps_refusal ps_handle_transfer_post(ps_core *core, const ps_command *command, ps_emit *emit,
                                   int64_t *detail)
{
    ps_effect_transfer body;
    ps_refusal refusal = find_pending(emit, command, &body, detail);
    if (refusal != PS_REFUSED_NONE) {
        return refusal;
    }
    int64_t left = left_of(core, &body);
    int64_t amount = command->amount == 0 ? left : command->amount;
    if (amount > left) {
        *detail = left;
        return PS_REFUSED_POST_TOO_LARGE;
    }
    ps_leg legs[] = {{.kind = PS_LEG_POST, .slot = body.slot, .amount = amount},
                     {.kind = PS_LEG_VOID, .slot = body.slot, .amount = left - amount}};
    uint32_t leg_count = amount < left ? 2 : 1;
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, legs, leg_count, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, legs, leg_count);
    body.posted = amount;
    body.status = PS_TRANSFER_POSTED;
    body.slot = PS_INDEX_NONE;
    ps_emit_transfer(emit, &body, PS_EVENT_TRANSFER_POSTED);
    return PS_REFUSED_NONE;
}

/* Releases what is left. */
static ps_refusal release(ps_emit *emit, ps_effect_transfer *body, bool by_timeout)
{
    ps_leg leg = {.kind = PS_LEG_VOID,
                  .flags = by_timeout ? PS_LEG_EXPIRE : 0,
                  .slot = body->slot,
                  .amount = left_of(emit->core, body)};
    ps_ledger_outcome outcome = ps_ledger_check(&emit->core->ledger, &leg, 1, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, &leg, 1);
    body->status = by_timeout ? PS_TRANSFER_EXPIRED : PS_TRANSFER_VOIDED;
    body->slot = PS_INDEX_NONE;
    ps_emit_transfer(emit, body, by_timeout ? PS_EVENT_TRANSFER_EXPIRED : PS_EVENT_TRANSFER_VOIDED);
    return PS_REFUSED_NONE;
}

ps_refusal ps_handle_transfer_void(ps_core *core, const ps_command *command, ps_emit *emit,
                                   int64_t *detail)
{
    (void)core;
    ps_effect_transfer body;
    ps_refusal refusal = find_pending(emit, command, &body, detail);
    return refusal == PS_REFUSED_NONE ? release(emit, &body, false) : refusal;
}

void ps_fire_transfer(ps_emit *emit, uint32_t transfer)
{
    ps_effect_transfer body = ps_api_transfer_at(emit->core, transfer)->body;
    ps_emit_book(emit, body.book);
    ps_refusal refusal = release(emit, &body, true);
    /* a void is legal on frozen accounts too, and sums only fall */
    PS_ASSERT(refusal == PS_REFUSED_NONE);
}

/* ── revert ── */

/* What was posted, back the other way, once: legal when nothing is pending any more. */
ps_refusal ps_handle_transfer_revert(ps_core *core, const ps_command *command, ps_emit *emit,
                                     int64_t *detail)
{
    uint32_t number = ps_transfer_find(core, command->book, command->target);
    if (number == 0) {
        return PS_REFUSED_NOT_FOUND;
    }
    ps_effect_transfer original = ps_api_transfer_at(core, number)->body;
    bool needs_admin =
        account_needs_admin(core, original.debit) || account_needs_admin(core, original.credit);
    if (needs_admin && (command->scopes & PS_SCOPE_ADMIN) == 0) {
        return PS_REFUSED_SCOPE;
    }
    ps_emit_subject(emit, PS_ID_TRANSFER, number);
    if (original.reverted_by != 0) {
        return PS_REFUSED_ALREADY_REVERTED;
    }
    if (original.status == PS_TRANSFER_PENDING || original.posted == 0) {
        *detail = original.status;
        return PS_REFUSED_STATE_CONFLICT;
    }
    ps_leg leg = {.kind = PS_LEG_POSTED,
                  .slot = PS_INDEX_NONE,
                  .debit = original.credit,
                  .credit = original.debit,
                  .amount = original.posted};
    ps_ledger_outcome outcome = ps_ledger_check(&core->ledger, &leg, 1, NULL);
    if (outcome != PS_LEDGER_OK) {
        return ps_refusal_of_outcome(outcome);
    }
    ps_emit_legs(emit, &leg, 1);
    ps_effect_transfer mirror = {.transfer = (uint64_t)ps_api_transfer_count(core) + 1,
                                 .amount = original.posted,
                                 .posted = original.posted,
                                 .reverses = original.transfer,
                                 .reverses_created_ns = original.created_ns,
                                 .debit = leg.debit,
                                 .credit = leg.credit,
                                 .slot = PS_INDEX_NONE,
                                 .currency = original.currency,
                                 .status = PS_TRANSFER_POSTED};
    emit_new(emit, &mirror, PS_EVENT_TRANSFER_POSTED, command->reference);
    original.reverted_by = mirror.transfer;
    original.reverted_by_created_ns = mirror.created_ns;
    ps_emit_transfer(emit, &original, PS_EVENT_NONE);
    return PS_REFUSED_NONE;
}
