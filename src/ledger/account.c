#include "ledger/account.h"

static bool is_debit_type(uint8_t type)
{
    return type == PS_ACCOUNT_ASSET || type == PS_ACCOUNT_EXPENSE;
}

ps_i128 ps_account_balance(uint8_t type, const ps_account_totals *totals)
{
    ps_i128 credit_balance = totals->credits_posted - totals->debits_posted;
    return is_debit_type(type) ? -credit_balance : credit_balance;
}

ps_i128 ps_account_available(uint8_t type, const ps_account_totals *totals)
{
    ps_i128 pending = is_debit_type(type) ? totals->credits_pending : totals->debits_pending;
    return ps_account_balance(type, totals) - pending;
}

ps_i128 ps_account_headroom(const ps_account_totals *totals)
{
    return totals->credits_posted - totals->debits_posted - totals->debits_pending;
}
