#include <stdio.h>

#include "ledger/ledger.h"

size_t ps_ledger_trial_balance(const ps_ledger *ledger, uint32_t book, ps_trial_balance *out_rows,
                               size_t rows_max)
{
    size_t row_count = 0;
    uint32_t account_count = ps_ledger_account_count(ledger);
    for (uint32_t i = 0; i < account_count; i++) {
        const ps_account *account = ps_ledger_account(ledger, i);
        if (account->book != book) {
            continue;
        }
        size_t row = 0;
        while (row < row_count && out_rows[row].currency != account->currency) {
            row++;
        }
        if (row == row_count) {
            if (row_count == rows_max) {
                continue;
            }
            memset(&out_rows[row], 0, sizeof out_rows[row]);
            out_rows[row].book = book;
            out_rows[row].currency = account->currency;
            row_count++;
        }
        out_rows[row].account_count++;
        out_rows[row].totals.debits_pending += account->totals.debits_pending;
        out_rows[row].totals.debits_posted += account->totals.debits_posted;
        out_rows[row].totals.credits_pending += account->totals.credits_pending;
        out_rows[row].totals.credits_posted += account->totals.credits_posted;
    }
    return row_count;
}

/* ── invariants ── */

typedef struct {
    ps_violation_fn report;
    void *context;
    size_t count;
} violations;

static void report(violations *found, const char *invariant, const char *sentence)
{
    found->count++;
    found->report(found->context, invariant, sentence);
}

static void account_verify(const ps_ledger *ledger, uint32_t number, violations *found)
{
    char text[240];
    const ps_account *account = ps_ledger_account(ledger, number);
    const ps_account_totals *totals = &account->totals;
    ps_slice name = ps_ledger_account_name(ledger, number);
    const char *currency = ps_currency_code(account->currency);
    if (totals->debits_pending < 0 || totals->credits_pending < 0 || totals->debits_posted < 0 ||
        totals->credits_posted < 0) {
        snprintf(text, sizeof text, "account %.*s %s has a negative total", (int)name.size,
                 name.data, currency);
        report(found, "M2", text);
    }
    if ((account->flags & PS_ACCOUNT_DEBITS_CAPPED) != 0 && ps_account_headroom(totals) < 0) {
        snprintf(text, sizeof text, "account %.*s %s is overdrawn", (int)name.size, name.data,
                 currency);
        report(found, "M3", text);
    }
    if ((account->flags & PS_ACCOUNT_CREDITS_CAPPED) != 0 &&
        totals->debits_posted - totals->credits_posted - totals->credits_pending < 0) {
        snprintf(text, sizeof text, "account %.*s %s has more credits than debits", (int)name.size,
                 name.data, currency);
        report(found, "M3", text);
    }
    if (ps_ledger_account_find(ledger, account->book, name, account->currency) != number) {
        snprintf(text, sizeof text, "account %.*s %s is not found by its name", (int)name.size,
                 name.data, currency);
        report(found, "M5", text);
    }
}

static uint32_t book_highest(const ps_ledger *ledger)
{
    uint32_t highest = 0;
    uint32_t account_count = ps_ledger_account_count(ledger);
    for (uint32_t i = 0; i < account_count; i++) {
        uint32_t book = ps_ledger_account(ledger, i)->book;
        highest = book > highest ? book : highest;
    }
    return highest;
}

static void balance_verify(const ps_ledger *ledger, ps_i128 *out_pending, violations *found)
{
    enum { ROWS_MAX = 256 };
    uint32_t highest = book_highest(ledger);
    *out_pending = 0;
    for (uint32_t book = 0; book <= highest; book++) {
        ps_trial_balance rows[ROWS_MAX];
        size_t count = ps_ledger_trial_balance(ledger, book, rows, ROWS_MAX);
        for (size_t i = 0; i < count; i++) {
            const ps_account_totals *totals = &rows[i].totals;
            char text[160];
            *out_pending += totals->debits_pending;
            if (totals->debits_posted != totals->credits_posted ||
                totals->debits_pending != totals->credits_pending) {
                snprintf(text, sizeof text, "book %u %s: debits and credits differ", book,
                         ps_currency_code(rows[i].currency));
                report(found, "M1", text);
            }
        }
    }
}

static void transfers_verify(const ps_ledger *ledger, ps_i128 pending, violations *found)
{
    char text[160];
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
        bool is_open = transfer->state == PS_TRANSFER_PENDING;
        open_count += is_open ? 1 : 0;
        left += transfer->left;
        if (transfer->left < 0 || transfer->posted < 0 ||
            transfer->posted + transfer->left > transfer->amount ||
            is_open != (transfer->left > 0) || transfer->number >= counters->next_transfer) {
            snprintf(text, sizeof text, "transfer %llu: parts do not add up",
                     (unsigned long long)transfer->number);
            report(found, "M4", text);
        }
    }
    if (left != pending) {
        report(found, "M4", "open transfers and the accounts' pending totals differ");
    }
    if (open_count != counters->open_pending_count || free_count != counters->free_slot_count) {
        report(found, "M4", "the transfer table's counters and its slots differ");
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
    balance_verify(ledger, &pending, &found);
    transfers_verify(ledger, pending, &found);
    return found.count;
}
