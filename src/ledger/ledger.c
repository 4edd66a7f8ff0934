#include "ledger/ledger.h"

/* ── life ── */

/* Element numbers have 32 bits, of which the last two values have meanings of their own. */
static ps_code limits_check(const ps_ledger_limits *limits, ps_error *err)
{
    const uint64_t most = PS_LEG_SLOT_PREVIOUS;
    if (limits->accounts_max == 0 || limits->transfers_max == 0 || limits->checkpoints_max == 0 ||
        limits->accounts_max > most || limits->transfers_max > most ||
        limits->checkpoints_max > most) {
        return ps_error_set(err, PS_E_INVALID,
                            "limits of accounts, transfers and checkpoints lie between 1 and %llu",
                            (unsigned long long)most);
    }
    return PS_OK;
}

ps_code ps_ledger_init(ps_ledger *ledger, const ps_ledger_limits *limits, ps_error *err)
{
    const struct {
        ps_region *region;
        const char *name;
        uint64_t size_max;
    } tables[] = {
        {&ledger->accounts, "accounts", limits->accounts_max * sizeof(ps_account)},
        {&ledger->names, "account names", limits->accounts_max * PS_ACCOUNT_NAME_MAX},
        {&ledger->checkpoints, "account checkpoints",
         limits->checkpoints_max * sizeof(ps_account_checkpoint)},
        {&ledger->transfers, "transfers", limits->transfers_max * sizeof(ps_transfer)},
        {&ledger->free_slots, "free transfer slots", limits->transfers_max * sizeof(uint32_t)},
        {&ledger->counters, "ledger counters", sizeof(ps_ledger_counters)},
    };
    memset(ledger, 0, sizeof *ledger);
    ps_code code = limits_check(limits, err);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && code == PS_OK; i++) {
        code = ps_region_init(tables[i].region, tables[i].name, tables[i].size_max, err);
    }
    if (code == PS_OK) {
        code = ps_index_init(&ledger->by_name, "accounts by name", limits->accounts_max, err);
    }
    if (code != PS_OK) {
        ps_ledger_release(ledger);
        return code;
    }
    ps_ledger_clear(ledger);
    return PS_OK;
}

void ps_ledger_release(ps_ledger *ledger)
{
    ps_region_release(&ledger->accounts);
    ps_region_release(&ledger->names);
    ps_region_release(&ledger->checkpoints);
    ps_region_release(&ledger->transfers);
    ps_region_release(&ledger->free_slots);
    ps_region_release(&ledger->counters);
    ps_index_release(&ledger->by_name);
}

void ps_ledger_clear(ps_ledger *ledger)
{
    ps_region_clear(&ledger->accounts);
    ps_region_clear(&ledger->names);
    ps_region_clear(&ledger->checkpoints);
    ps_region_clear(&ledger->transfers);
    ps_region_clear(&ledger->free_slots);
    ps_region_clear(&ledger->counters);
    ps_index_clear(&ledger->by_name);
    ps_ledger_counters *counters = ps_region_extend(&ledger->counters, sizeof *counters);
    PS_ASSERT(counters != NULL);
    counters->next_transfer = 1;
}

uint32_t ps_ledger_regions(ps_ledger *ledger, ps_region *out_regions[16])
{
    uint32_t count = 0;
    out_regions[count++] = &ledger->accounts;
    out_regions[count++] = &ledger->names;
    out_regions[count++] = &ledger->checkpoints;
    out_regions[count++] = &ledger->transfers;
    out_regions[count++] = &ledger->free_slots;
    out_regions[count++] = &ledger->counters;
    count += ps_index_regions(&ledger->by_name, &out_regions[count]);
    PS_ASSERT(count <= 16);
    return count;
}

/* ── accounts ── */

/* Clients choose names: with a secret they cannot aim at one bucket. */
static uint64_t name_hash(const ps_ledger *ledger, uint32_t book, ps_slice name,
                          ps_currency currency)
{
    PS_ASSERT(name.size > 0 && name.size <= PS_ACCOUNT_NAME_MAX);
    char key[sizeof book + sizeof currency + PS_ACCOUNT_NAME_MAX];
    memcpy(key, &book, sizeof book);
    memcpy(key + sizeof book, &currency, sizeof currency);
    memcpy(key + sizeof book + sizeof currency, name.data, name.size);
    size_t size = sizeof book + sizeof currency + name.size;
    return ledger->name_secret != NULL ? ps_hash_keyed(ledger->name_secret, key, size).low
                                       : ps_xxh3_64(key, size);
}

uint32_t ps_ledger_account_find(const ps_ledger *ledger, uint32_t book, ps_slice name,
                                ps_currency currency)
{
    if (name.size == 0 || name.size > PS_ACCOUNT_NAME_MAX) {
        return PS_INDEX_NONE;
    }
    ps_index_cursor cursor;
    uint32_t number =
        ps_index_first(&ledger->by_name, name_hash(ledger, book, name, currency), &cursor);
    while (number != PS_INDEX_NONE) {
        const ps_account *account = ps_ledger_account(ledger, number);
        if (account->book == book && account->currency == currency &&
            ps_slice_equal(ps_ledger_account_name(ledger, number), name)) {
            return number;
        }
        number = ps_index_next(&ledger->by_name, &cursor);
    }
    return PS_INDEX_NONE;
}

uint32_t ps_ledger_account_add(ps_ledger *ledger, uint32_t book, ps_slice name,
                               ps_currency currency, ps_account_type type, uint8_t flags,
                               int64_t now_ns)
{
    PS_ASSERT(name.size > 0 && name.size <= PS_ACCOUNT_NAME_MAX);
    PS_ASSERT((flags & (PS_ACCOUNT_FROZEN | PS_ACCOUNT_CLOSED)) == 0);
    uint32_t number = ps_ledger_account_count(ledger);
    uint64_t name_offset = ledger->names.size;
    if (ledger->accounts.size_max - ledger->accounts.size < sizeof(ps_account)) {
        return PS_INDEX_NONE;
    }
    /* Names and index were made for as many accounts as there may be. */
    bool is_added = ps_index_add(&ledger->by_name, name_hash(ledger, book, name, currency), number);
    PS_ASSERT(is_added);
    char *text = ps_region_extend(&ledger->names, name.size);
    ps_account *account = ps_region_extend(&ledger->accounts, sizeof *account);
    PS_ASSERT(text != NULL && account != NULL);
    memcpy(text, name.data, name.size);
    account->created_ns = now_ns;
    account->name_offset = name_offset;
    account->book = book;
    account->last_checkpoint = PS_INDEX_NONE;
    account->currency = currency;
    account->name_size = (uint8_t)name.size;
    account->type = (uint8_t)type;
    account->flags = flags;
    return number;
}

uint32_t ps_ledger_account_count(const ps_ledger *ledger)
{
    return (uint32_t)(ledger->accounts.size / sizeof(ps_account));
}

ps_slice ps_ledger_account_name(const ps_ledger *ledger, uint32_t account)
{
    const ps_account *a = ps_ledger_account(ledger, account);
    return ps_slice_of(ledger->names.data + a->name_offset, a->name_size);
}

bool ps_ledger_account_set_flags(ps_ledger *ledger, uint32_t account, uint8_t flags)
{
    PS_ASSERT(account < ps_ledger_account_count(ledger));
    ps_account *a = (ps_account *)(void *)ledger->accounts.data + account;
    PS_ASSERT((a->flags & PS_ACCOUNT_CLOSED) == 0 || (flags & PS_ACCOUNT_CLOSED) != 0);
    PS_ASSERT(((a->flags ^ flags) & ~(PS_ACCOUNT_FROZEN | PS_ACCOUNT_CLOSED)) == 0);
    bool is_closing = (flags & ~a->flags & PS_ACCOUNT_CLOSED) != 0;
    if (is_closing && (a->totals.debits_pending != 0 || a->totals.credits_pending != 0)) {
        return false;
    }
    ps_region_touch(&ledger->accounts, a, sizeof *a);
    a->flags = flags;
    return true;
}

/* ── past balances ── */

void ps_ledger_account_at(const ps_ledger *ledger, uint32_t account, int64_t at_ns, uint64_t at_seq,
                          ps_account *out_account)
{
    *out_account = *ps_ledger_account(ledger, account);
    const ps_account_checkpoint *all = (const void *)ledger->checkpoints.data;
    uint32_t number = out_account->last_checkpoint;
    while (number != PS_INDEX_NONE && (all[number].time_ns > at_ns || all[number].seq > at_seq)) {
        out_account->totals = all[number].totals;
        out_account->last_seq = all[number].seq;
        out_account->last_ns = all[number].time_ns;
        out_account->entry_count = all[number].entry_count;
        number = all[number].previous;
    }
}

const char *ps_ledger_outcome_name(ps_ledger_outcome outcome)
{
    static const char *const names[PS_LEDGER_OUTCOME_COUNT] = {
        [PS_LEDGER_OK] = "ok",
        [PS_LEDGER_AMOUNT_INVALID] = "amount_invalid",
        [PS_LEDGER_TRANSFER_MISSING] = "transfer_missing",
        [PS_LEDGER_TRANSFER_POSTED] = "transfer_posted",
        [PS_LEDGER_TRANSFER_VOIDED] = "transfer_voided",
        [PS_LEDGER_TRANSFER_EXPIRED] = "transfer_expired",
        [PS_LEDGER_AMOUNT_OVER_PENDING] = "amount_over_pending",
        [PS_LEDGER_ACCOUNT_MISSING] = "account_missing",
        [PS_LEDGER_ACCOUNTS_SAME] = "accounts_same",
        [PS_LEDGER_BOOK_MISMATCH] = "book_mismatch",
        [PS_LEDGER_CURRENCY_MISMATCH] = "currency_mismatch",
        [PS_LEDGER_ACCOUNT_CLOSED] = "account_closed",
        [PS_LEDGER_ACCOUNT_FROZEN] = "account_frozen",
        [PS_LEDGER_INSUFFICIENT_FUNDS] = "insufficient_funds",
        [PS_LEDGER_EXCEEDS_DEBITS] = "exceeds_debits",
        [PS_LEDGER_OVERFLOW] = "overflow",
        [PS_LEDGER_FULL] = "full",
    };
    PS_ASSERT(outcome >= 0 && outcome < PS_LEDGER_OUTCOME_COUNT);
    return names[outcome];
}
