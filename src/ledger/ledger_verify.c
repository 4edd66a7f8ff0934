#include "ledger/ledger.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static void totals_add(ps_account_totals *sum, const ps_account_totals *totals)
{
    sum->debits_pending += totals->debits_pending;
    sum->debits_posted += totals->debits_posted;
    sum->credits_pending += totals->credits_pending;
    sum->credits_posted += totals->credits_posted;
}

/* NULL: no row, and no room for one more. */
static ps_trial_balance *row_of(const ps_account *account, ps_trial_balance *rows, size_t rows_max,
                                size_t *row_count)
{
    for (size_t i = 0; i < *row_count; i++) {
        if (rows[i].currency == account->currency) {
            return &rows[i];
        }
    }
    if (*row_count == rows_max) {
        return NULL;
    }
    ps_trial_balance *row = &rows[(*row_count)++];
    *row = (ps_trial_balance){.book = account->book, .currency = account->currency};
    return row;
}

size_t ps_ledger_trial_balance(const ps_ledger *ledger, uint32_t book, ps_trial_balance *out_rows,
                               size_t rows_max)
{
    size_t row_count = 0;
    uint32_t account_count = ps_ledger_account_count(ledger);
    for (uint32_t i = 0; i < account_count; i++) {
        const ps_account *account = ps_ledger_account(ledger, i);
        ps_trial_balance *row =
            account->book == book ? row_of(account, out_rows, rows_max, &row_count) : NULL;
        if (row != NULL) {
            row->account_count++;
            totals_add(&row->totals, &account->totals);
        }
    }
    return row_count;
}

/* ── invariants ── */

typedef struct {
    ps_violation_fn report;
    void *context;
    size_t count;
} violations;

PS_PRINTF(3, 4)
static void violate(violations *found, const char *invariant, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    found->count++;
    found->report(found->context, invariant, text);
}

static unsigned long long ull(uint64_t value)
{
    return value;
}

/* The capped side, both pending and posted, fits in what the other side has posted. */
static bool is_within(ps_i128 pending, ps_i128 posted, ps_i128 cover)
{
    return pending <= cover && posted <= cover - pending;
}

static void account_verify(const ps_ledger *ledger, uint32_t number, violations *found)
{
    const ps_account *account = ps_ledger_account(ledger, number);
    const ps_account_totals *t = &account->totals;
    ps_slice name = ps_ledger_account_name(ledger, number);
    const char *currency = ps_currency_code(account->currency);
    int size = (int)name.size;
    if (t->debits_pending < 0 || t->credits_pending < 0 || t->debits_posted < 0 ||
        t->credits_posted < 0) {
        violate(found, "M2", "account %.*s %s has a negative total", size, name.data, currency);
    }
    if ((account->flags & PS_ACCOUNT_DEBITS_CAPPED) != 0 &&
        !is_within(t->debits_pending, t->debits_posted, t->credits_posted)) {
        violate(found, "M3", "account %.*s %s is overdrawn", size, name.data, currency);
    }
    if ((account->flags & PS_ACCOUNT_CREDITS_CAPPED) != 0 &&
        !is_within(t->credits_pending, t->credits_posted, t->debits_posted)) {
        violate(found, "M3", "account %.*s %s has more credits than debits", size, name.data,
                currency);
    }
    if ((account->flags & PS_ACCOUNT_CLOSED) != 0 &&
        (t->debits_pending != 0 || t->credits_pending != 0)) {
        violate(found, "M4", "account %.*s %s is closed with something pending", size, name.data,
                currency);
    }
    if (ps_ledger_account_find(ledger, account->book, name, account->currency) != number) {
        violate(found, "M5", "account %.*s %s is not found by its name", size, name.data, currency);
    }
}

/* ── sums ── */

/* One row per (book, currency), found by hash: scratch memory, taken and given back by verify. */
typedef struct {
    ps_region rows; /* ps_trial_balance[] */
    ps_index by_key;
} sheet;

static_assert(sizeof(ps_currency) <= 2, "a key holds a book and a currency");
static uint64_t sheet_key(uint32_t book, ps_currency currency)
{
    return (uint64_t)book << 16 | currency;
}

/* There are no more rows than accounts, and the sheet was made for that many. */
static ps_trial_balance *sheet_row(sheet *sums, const ps_account *account)
{
    ps_trial_balance *rows = (ps_trial_balance *)(void *)sums->rows.data;
    const uint64_t key = sheet_key(account->book, account->currency);
    uint64_t hash = ps_xxh3_64(&key, sizeof key);
    ps_index_cursor cursor;
    for (uint32_t i = ps_index_first(&sums->by_key, hash, &cursor); i != PS_INDEX_NONE;
         i = ps_index_next(&sums->by_key, &cursor)) {
        if (sheet_key(rows[i].book, rows[i].currency) == key) {
            return &rows[i];
        }
    }
    ps_trial_balance *row = ps_region_extend(&sums->rows, sizeof *row);
    PS_ASSERT(row != NULL);
    bool is_added = ps_index_add(&sums->by_key, hash, (uint32_t)(row - rows));
    PS_ASSERT(is_added);
    row->book = account->book;
    row->currency = account->currency;
    return row;
}

static void sheet_release(sheet *sums)
{
    ps_region_release(&sums->rows);
    ps_index_release(&sums->by_key);
}

static ps_code sheet_init(sheet *sums, uint64_t rows_max, ps_error *err)
{
    memset(sums, 0, sizeof *sums);
    ps_code code = ps_region_init(&sums->rows, "sums", rows_max * sizeof(ps_trial_balance), err);
    if (code == PS_OK) {
        code = ps_index_init(&sums->by_key, "sums by book", rows_max, err);
    }
    if (code != PS_OK) {
        sheet_release(sums);
        return code;
    }
    ps_index_clear(&sums->by_key);
    return PS_OK;
}

static void row_verify(const ps_trial_balance *row, violations *found)
{
    const ps_account_totals *t = &row->totals;
    const char *currency = ps_currency_code(row->currency);
    if (t->debits_posted != t->credits_posted) {
        violate(found, "M1", "book %u %s: debits and credits posted differ", row->book, currency);
    }
    if (t->debits_pending != t->credits_pending) {
        violate(found, "M1", "book %u %s: debits and credits pending differ", row->book, currency);
    }
}

/* *out_pending: all that is pending, over all books and currencies. */
static void sums_verify(const ps_ledger *ledger, ps_i128 *out_pending, violations *found)
{
    uint32_t account_count = ps_ledger_account_count(ledger);
    *out_pending = 0;
    if (account_count == 0) {
        return;
    }
    sheet sums;
    ps_error err;
    if (sheet_init(&sums, account_count, &err) != PS_OK) {
        violate(found, "M1", "the sums cannot be checked: %s", err.text);
        return;
    }
    for (uint32_t i = 0; i < account_count; i++) {
        const ps_account *account = ps_ledger_account(ledger, i);
        ps_trial_balance *row = sheet_row(&sums, account);
        totals_add(&row->totals, &account->totals);
        *out_pending += account->totals.debits_pending;
    }
    const ps_trial_balance *rows = (const void *)sums.rows.data;
    for (uint64_t i = 0; i < sums.rows.size / sizeof *rows; i++) {
        row_verify(&rows[i], found);
    }
    sheet_release(&sums);
}

/* ── transfers ── */

static bool parts_add_up(const ps_transfer *t)
{
    if (t->left < 0 || t->posted < 0 || t->amount <= 0 || t->posted > t->amount - t->left) {
        return false;
    }
    switch ((ps_transfer_state)t->state) {
    case PS_TRANSFER_PENDING:
        return t->left > 0;
    case PS_TRANSFER_POSTED:
        return t->left == 0 && t->posted > 0;
    case PS_TRANSFER_VOIDED:
    case PS_TRANSFER_EXPIRED:
        return t->left == 0 && t->posted == 0;
    }
    return false;
}

static bool accounts_match(const ps_ledger *ledger, const ps_transfer *transfer)
{
    uint32_t account_count = ps_ledger_account_count(ledger);
    if (transfer->debit >= account_count || transfer->credit >= account_count ||
        transfer->debit == transfer->credit) {
        return false;
    }
    const ps_account *debit = ps_ledger_account(ledger, transfer->debit);
    const ps_account *credit = ps_ledger_account(ledger, transfer->credit);
    return debit->book == credit->book && debit->currency == credit->currency;
}

static void transfer_verify(const ps_ledger *ledger, const ps_transfer *transfer, violations *found)
{
    const ps_ledger_counters *counters = (const void *)ledger->counters.data;
    bool is_open = transfer->state == PS_TRANSFER_PENDING;
    if (!parts_add_up(transfer)) {
        violate(found, "M4", "transfer %llu: parts do not add up", ull(transfer->number));
    }
    if (!is_open && transfer->kept == 0) {
        violate(found, "M4", "transfer %llu: resolved, and its slot is not free",
                ull(transfer->number));
    }
    if (transfer->number >= counters->next_transfer) {
        violate(found, "M5", "transfer %llu: the next number is %llu", ull(transfer->number),
                ull(counters->next_transfer));
    }
    if (!accounts_match(ledger, transfer)) {
        violate(found, "M5", "transfer %llu: its accounts do not belong together",
                ull(transfer->number));
    }
}

static void transfers_verify(const ps_ledger *ledger, ps_i128 pending, violations *found)
{
    uint64_t slot_count = ledger->transfers.size / sizeof(ps_transfer);
    const ps_ledger_counters *counters = (const void *)ledger->counters.data;
    uint64_t open_count = 0;
    uint64_t free_count = 0;
    ps_i128 left = 0;
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        const ps_transfer *transfer = ps_ledger_transfer(ledger, slot);
        if (transfer == NULL) {
            free_count++;
            continue;
        }
        open_count += transfer->state == PS_TRANSFER_PENDING ? 1 : 0;
        left += transfer->left;
        transfer_verify(ledger, transfer, found);
    }
    if (left != pending) {
        violate(found, "M4", "open transfers and the accounts' pending totals differ");
    }
    if (open_count != counters->open_pending_count || free_count != counters->free_slot_count) {
        violate(found, "M4", "the transfer table's counters and its slots differ");
    }
    const uint32_t *free_slots = (const void *)ledger->free_slots.data;
    uint64_t listed = ledger->free_slots.size / sizeof *free_slots;
    for (uint64_t i = 0; i < counters->free_slot_count && i < listed; i++) {
        if (free_slots[i] >= slot_count || ps_ledger_transfer(ledger, free_slots[i]) != NULL) {
            violate(found, "M4", "slot %u is listed as free, and is not", free_slots[i]);
        }
    }
}

/* ── checkpoints ── */

/* Each is of the account's past: older and smaller than what comes after it. */
static bool checkpoint_fits(const ps_ledger *ledger, uint32_t number)
{
    const ps_account_checkpoint *all = (const void *)ledger->checkpoints.data;
    const ps_account_checkpoint *checkpoint = &all[number];
    if (checkpoint->account >= ps_ledger_account_count(ledger)) {
        return false;
    }
    const ps_account *account = ps_ledger_account(ledger, checkpoint->account);
    if (account->last_checkpoint == PS_INDEX_NONE || account->last_checkpoint < number ||
        checkpoint->seq >= account->last_seq || checkpoint->entry_count >= account->entry_count ||
        checkpoint->totals.debits_posted > account->totals.debits_posted ||
        checkpoint->totals.credits_posted > account->totals.credits_posted) {
        return false;
    }
    if (checkpoint->previous == PS_INDEX_NONE) {
        return true;
    }
    return checkpoint->previous < number &&
           all[checkpoint->previous].account == checkpoint->account &&
           all[checkpoint->previous].seq < checkpoint->seq;
}

static void checkpoints_verify(const ps_ledger *ledger, violations *found)
{
    uint64_t count = ledger->checkpoints.size / sizeof(ps_account_checkpoint);
    for (uint32_t i = 0; i < count; i++) {
        if (!checkpoint_fits(ledger, i)) {
            violate(found, "M8", "checkpoint %u is not of its account's past", i);
        }
    }
}

size_t ps_ledger_verify(const ps_ledger *ledger, ps_violation_fn report_fn, void *context)
{
    violations found = {report_fn, context, 0};
    uint32_t account_count = ps_ledger_account_count(ledger);
    for (uint32_t i = 0; i < account_count; i++) {
        account_verify(ledger, i, &found);
    }
    ps_i128 pending;
    sums_verify(ledger, &pending, &found);
    transfers_verify(ledger, pending, &found);
    checkpoints_verify(ledger, &found);
    return found.count;
}
