/* Accounts through the API. An account with the name of one that Paystream makes itself gets the
 * type and the limits that it would get on first use (payer:… never overdraws), and any but payer:…
 * needs an admin key.
 */
#include "pay/emit.h"

ps_refusal ps_handle_account_open(ps_core *core, const ps_command *command, ps_emit *emit,
                                  int64_t *detail)
{
    (void)detail;
    ps_slice name = command->u.account.name;
    ps_account_type type = (ps_account_type)command->u.account.type;
    uint8_t flags = command->u.account.flags;
    ps_account_role role;
    ps_slice role_name;
    if (ps_account_role_parse(name, &role, &role_name)) {
        if (role != PS_ROLE_PAYER && (command->scopes & PS_SCOPE_ADMIN) == 0) {
            return PS_REFUSED_SCOPE;
        }
        type = ps_account_roles[role].type;
        flags |= ps_account_roles[role].flags;
    }
    if (ps_ledger_account_find(&core->ledger, command->book, name, command->currency) !=
        PS_INDEX_NONE) {
        return PS_REFUSED_ALREADY_EXISTS;
    }
    uint32_t account = ps_emit_account(emit, name, command->currency, type, flags);
    ps_emit_subject(emit, 0, account);
    return PS_REFUSED_NONE;
}

static uint32_t target_account(const ps_core *core, const ps_command *command)
{
    return ps_ledger_account_find(&core->ledger, command->book, command->target, command->currency);
}

/* The reply shows the whole account, which the record carries in the texts: as it is then. */
static void emit_flags(ps_emit *emit, uint32_t number, uint8_t flags)
{
    const ps_ledger *ledger = &emit->core->ledger;
    ps_account after = *ps_ledger_account(ledger, number);
    after.flags = flags;
    ps_effect_account_flags *effect =
        ps_emit_put(emit, PS_EFFECT_ACCOUNT_FLAGS, PS_EVENT_NONE, sizeof *effect);
    effect->account = number;
    effect->flags = flags;
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_NAME, ps_ledger_account_name(ledger, number));
    ps_emit_text(emit, PS_TEXT_DATA, ps_slice_of(&after, sizeof after));
    ps_emit_texts_end(emit);
    ps_emit_apply(emit, effect);
    ps_emit_subject(emit, 0, number);
}

static ps_refusal set_frozen(const ps_command *command, ps_emit *emit, bool frozen)
{
    uint32_t number = target_account(emit->core, command);
    if (number == PS_INDEX_NONE) {
        return PS_REFUSED_NOT_FOUND;
    }
    uint8_t flags = ps_ledger_account(&emit->core->ledger, number)->flags;
    if ((flags & PS_ACCOUNT_CLOSED) != 0) {
        return PS_REFUSED_ACCOUNT_CLOSED;
    }
    uint8_t changed = (uint8_t)(frozen ? flags | PS_ACCOUNT_FROZEN : flags & ~PS_ACCOUNT_FROZEN);
    emit_flags(emit, number, changed);
    return PS_REFUSED_NONE;
}

ps_refusal ps_handle_account_freeze(ps_core *core, const ps_command *command, ps_emit *emit,
                                    int64_t *detail)
{
    (void)core;
    (void)detail;
    return set_frozen(command, emit, true);
}

ps_refusal ps_handle_account_unfreeze(ps_core *core, const ps_command *command, ps_emit *emit,
                                      int64_t *detail)
{
    (void)core;
    (void)detail;
    return set_frozen(command, emit, false);
}

ps_refusal ps_handle_account_close(ps_core *core, const ps_command *command, ps_emit *emit,
                                   int64_t *detail)
{
    (void)detail;
    uint32_t number = target_account(core, command);
    if (number == PS_INDEX_NONE) {
        return PS_REFUSED_NOT_FOUND;
    }
    const ps_account *account = ps_ledger_account(&core->ledger, number);
    const ps_account_totals *totals = &account->totals;
    if ((account->flags & PS_ACCOUNT_CLOSED) != 0) {
        return PS_REFUSED_ACCOUNT_CLOSED;
    }
    if (totals->debits_pending != 0 || totals->credits_pending != 0 ||
        totals->debits_posted != totals->credits_posted) {
        return PS_REFUSED_ACCOUNT_NOT_EMPTY;
    }
    emit_flags(emit, number, (uint8_t)(account->flags | PS_ACCOUNT_CLOSED));
    return PS_REFUSED_NONE;
}
