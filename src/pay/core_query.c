/* Reads of the core's state. Objects by id in O(1); lists newest first along the shortest order
 * that the filters allow: the payments of a merchant or payer, the refunds, disputes and trades of
 * a payment, the batches of a merchant, and otherwise all objects by number, of which only those of
 * the book are shown. Numbers grow with creation time, which bounds a list by time.
 *
 * One round looks at no more than scan_max objects; `next` is the number of the last one it looked
 * at, below which the next round goes on. Objects made meanwhile have higher numbers, so that a
 * walk shows each object once (M21).
 *
 * In lists of accounts the object number is the account's number + 1; the status filter of
 * transfers is ps_transfer_state + 1.
 */
#include "pay/emit.h"

enum { PS_SCAN_DEFAULT = 10000, PS_TRIAL_ROWS_MAX = 256 };

/* A query whose names were looked up. */
typedef struct {
    const ps_core *core;
    const ps_query *query;
    uint32_t merchant, payer, payment; /* numbers; 0: no such filter */
} ps_scan;

typedef enum { PS_SCAN_SKIP, PS_SCAN_SHOW, PS_SCAN_STOP } ps_scan_verdict;

/* How one kind of object is listed. */
typedef struct {
    uint64_t (*count)(const ps_scan *scan);
    /* newest number of a chain, and the one before; NULL: this kind has none */
    bool (*has_chain)(const ps_scan *scan);
    uint64_t (*chain_first)(const ps_scan *scan);
    uint64_t (*chain_next)(const ps_scan *scan, uint64_t number);
    int64_t (*created_ns)(const ps_scan *scan, uint64_t number);
    bool (*shows)(const ps_scan *scan, uint64_t number);
    void (*put)(const ps_scan *scan, uint64_t number, ps_buf *out);
} ps_list_kind;

/* Links end with 0 or PS_INDEX_NONE. */
static uint64_t link_number(uint32_t link)
{
    return link == PS_INDEX_NONE ? 0 : link;
}

/* ── filters that several kinds share ── */

static bool currency_fits(const ps_query *query, ps_currency currency)
{
    return !query->has_currency || query->currency == currency;
}

static bool amount_fits(const ps_query *query, int64_t amount)
{
    return (!query->has_amount_gte || amount >= query->amount_gte) &&
           (!query->has_amount_lt || amount < query->amount_lt);
}

static bool status_fits(const ps_query *query, uint32_t status)
{
    return query->status == 0 || query->status == status;
}

/* Merchant, payer and payment of an object that belongs to `payment`. */
static bool payment_fits(const ps_scan *scan, uint32_t payment)
{
    if (scan->payment != 0 && payment != scan->payment) {
        return false;
    }
    if (scan->merchant == 0 && scan->payer == 0) {
        return true;
    }
    if (payment == PS_INDEX_NONE) {
        return false;
    }
    const ps_effect_payment *body = &ps_payment_at(scan->core, payment)->body;
    return (scan->merchant == 0 || body->merchant == scan->merchant) &&
           (scan->payer == 0 || body->payer == scan->payer);
}

/* ── payments ── */

static uint64_t payments_count(const ps_scan *scan)
{
    return ps_payment_count(scan->core);
}

static bool payments_have_chain(const ps_scan *scan)
{
    return scan->merchant != 0 || scan->payer != 0;
}

static uint64_t payments_first(const ps_scan *scan)
{
    uint32_t party = scan->merchant != 0 ? scan->merchant : scan->payer;
    return link_number(ps_party_at(scan->core, party)->newest_payment);
}

static uint64_t payments_next(const ps_scan *scan, uint64_t number)
{
    const ps_effect_payment *body = &ps_payment_at(scan->core, number)->body;
    return link_number(scan->merchant != 0 ? body->previous_of_merchant : body->previous_of_payer);
}

static int64_t payment_created_ns(const ps_scan *scan, uint64_t number)
{
    return ps_payment_at(scan->core, number)->body.created_ns;
}

static bool reference_fits(const ps_scan *scan, const ps_payment *payment)
{
    ps_slice reference = scan->query->reference;
    return reference.size == 0 ||
           payment->reference_hash ==
               ps_core_reference_hash(scan->core, payment->body.merchant, reference);
}

static bool payment_shows(const ps_scan *scan, uint64_t number)
{
    const ps_payment *payment = ps_payment_at(scan->core, number);
    const ps_effect_payment *body = &payment->body;
    return body->book == scan->query->book && payment_fits(scan, body->payment) &&
           status_fits(scan->query, body->status) && currency_fits(scan->query, body->currency) &&
           amount_fits(scan->query, body->amount) && reference_fits(scan, payment);
}

static void payment_put(const ps_scan *scan, uint64_t number, ps_buf *out)
{
    ps_buf_append(out, &ps_payment_at(scan->core, number)->body, sizeof(ps_effect_payment));
}

/* ── refunds ── */

static uint64_t refunds_count(const ps_scan *scan)
{
    return ps_refund_count(scan->core);
}

static bool has_payment(const ps_scan *scan)
{
    return scan->payment != 0;
}

static uint64_t refunds_first(const ps_scan *scan)
{
    return link_number(ps_payment_at(scan->core, scan->payment)->newest_refund);
}

static uint64_t refunds_next(const ps_scan *scan, uint64_t number)
{
    return link_number(ps_refund_at(scan->core, number)->body.previous_of_payment);
}

static int64_t refund_created_ns(const ps_scan *scan, uint64_t number)
{
    return ps_refund_at(scan->core, number)->body.created_ns;
}

static bool refund_shows(const ps_scan *scan, uint64_t number)
{
    const ps_effect_refund *body = &ps_refund_at(scan->core, number)->body;
    return body->book == scan->query->book && payment_fits(scan, body->payment) &&
           status_fits(scan->query, body->status) && currency_fits(scan->query, body->currency) &&
           amount_fits(scan->query, body->amount);
}

static void refund_put(const ps_scan *scan, uint64_t number, ps_buf *out)
{
    ps_buf_append(out, &ps_refund_at(scan->core, number)->body, sizeof(ps_effect_refund));
}

/* ── disputes ── */

static uint64_t disputes_count(const ps_scan *scan)
{
    return ps_dispute_count(scan->core);
}

static uint64_t disputes_first(const ps_scan *scan)
{
    return link_number(ps_payment_at(scan->core, scan->payment)->newest_dispute);
}

static uint64_t disputes_next(const ps_scan *scan, uint64_t number)
{
    return link_number(ps_dispute_at(scan->core, number)->body.previous_of_payment);
}

static int64_t dispute_created_ns(const ps_scan *scan, uint64_t number)
{
    return ps_dispute_at(scan->core, number)->body.created_ns;
}

static bool dispute_shows(const ps_scan *scan, uint64_t number)
{
    const ps_effect_dispute *body = &ps_dispute_at(scan->core, number)->body;
    return body->book == scan->query->book && payment_fits(scan, body->payment) &&
           status_fits(scan->query, body->status) && currency_fits(scan->query, body->currency) &&
           amount_fits(scan->query, body->amount);
}

static void dispute_put(const ps_scan *scan, uint64_t number, ps_buf *out)
{
    ps_buf_append(out, &ps_dispute_at(scan->core, number)->body, sizeof(ps_effect_dispute));
}

/* ── trade records ── */

static uint64_t trades_count(const ps_scan *scan)
{
    return ps_trade_count(scan->core);
}

static uint64_t trades_first(const ps_scan *scan)
{
    return ps_payment_at(scan->core, scan->payment)->body.last_trade;
}

static uint64_t trades_next(const ps_scan *scan, uint64_t number)
{
    return ps_trade_at(scan->core, number)->previous_of_payment;
}

static int64_t trade_created_ns(const ps_scan *scan, uint64_t number)
{
    return ps_trade_at(scan->core, number)->created_ns;
}

static bool trade_shows(const ps_scan *scan, uint64_t number)
{
    const ps_trade *trade = ps_trade_at(scan->core, number);
    return ps_trade_book(scan->core, trade) == scan->query->book &&
           payment_fits(scan, trade->payment) && status_fits(scan->query, trade->status) &&
           currency_fits(scan->query, ps_trade_currency(scan->core, trade)) &&
           amount_fits(scan->query, trade->amount);
}

static void trade_put(const ps_scan *scan, uint64_t number, ps_buf *out)
{
    const ps_trade *trade = ps_trade_at(scan->core, number);
    ps_trade_view view = {
        .trade = number, .seq = ps_trade_seq(trade), .kind = trade->kind, .status = trade->status};
    ps_buf_append(out, &view, sizeof view);
}

/* ── accounts ── */

static uint64_t accounts_count(const ps_scan *scan)
{
    return ps_ledger_account_count(&scan->core->ledger);
}

static const ps_account *account_at(const ps_core *core, uint64_t number)
{
    return ps_ledger_account(&core->ledger, (uint32_t)(number - 1));
}

static int64_t account_created_ns(const ps_scan *scan, uint64_t number)
{
    return account_at(scan->core, number)->created_ns;
}

static bool account_shows(const ps_scan *scan, uint64_t number)
{
    const ps_account *account = account_at(scan->core, number);
    return account->book == scan->query->book && currency_fits(scan->query, account->currency);
}

static void account_view(const ps_core *core, uint32_t account, ps_account_view *out_view)
{
    memset(out_view, 0, sizeof *out_view);
    out_view->account = *ps_ledger_account(&core->ledger, account);
    out_view->number = account;
    ps_slice name = ps_ledger_account_name(&core->ledger, account);
    out_view->name_size = (uint32_t)name.size;
    memcpy(out_view->name, name.data, name.size);
}

static void account_put(const ps_scan *scan, uint64_t number, ps_buf *out)
{
    ps_account_view view;
    account_view(scan->core, (uint32_t)(number - 1), &view);
    ps_buf_append(out, &view, sizeof view);
}

/* ── transfers ── */

static uint64_t transfers_count(const ps_scan *scan)
{
    return ps_api_transfer_count(scan->core);
}

static int64_t transfer_created_ns(const ps_scan *scan, uint64_t number)
{
    return ps_api_transfer_at(scan->core, number)->body.created_ns;
}

static bool transfer_shows(const ps_scan *scan, uint64_t number)
{
    const ps_effect_transfer *body = &ps_api_transfer_at(scan->core, number)->body;
    return body->book == scan->query->book && status_fits(scan->query, body->status + 1U) &&
           currency_fits(scan->query, body->currency) && amount_fits(scan->query, body->amount);
}

static void transfer_put(const ps_scan *scan, uint64_t number, ps_buf *out)
{
    ps_buf_append(out, &ps_api_transfer_at(scan->core, number)->body, sizeof(ps_effect_transfer));
}

/* ── settlement batches ── */

static uint64_t settlements_count(const ps_scan *scan)
{
    return ps_settlement_count(scan->core);
}

static bool has_merchant(const ps_scan *scan)
{
    return scan->merchant != 0;
}

static uint64_t settlements_first(const ps_scan *scan)
{
    return link_number(ps_party_at(scan->core, scan->merchant)->newest_settlement);
}

static uint64_t settlements_next(const ps_scan *scan, uint64_t number)
{
    return link_number(ps_settlement_at(scan->core, number)->previous_of_merchant);
}

static int64_t settlement_created_ns(const ps_scan *scan, uint64_t number)
{
    return ps_settlement_at(scan->core, number)->body.created_ns;
}

static bool settlement_shows(const ps_scan *scan, uint64_t number)
{
    const ps_effect_settlement *body = &ps_settlement_at(scan->core, number)->body;
    return body->book == scan->query->book &&
           (scan->merchant == 0 || body->merchant == scan->merchant) &&
           status_fits(scan->query, body->status) && currency_fits(scan->query, body->currency) &&
           amount_fits(scan->query, body->net);
}

static void settlement_put(const ps_scan *scan, uint64_t number, ps_buf *out)
{
    ps_buf_append(out, &ps_settlement_at(scan->core, number)->body, sizeof(ps_effect_settlement));
}

/* ── the walk ── */

static const ps_list_kind list_kinds[PS_QUERY_VERIFY + 1] = {
    [PS_QUERY_PAYMENTS] = {payments_count, payments_have_chain, payments_first, payments_next,
                           payment_created_ns, payment_shows, payment_put},
    [PS_QUERY_REFUNDS] = {refunds_count, has_payment, refunds_first, refunds_next,
                          refund_created_ns, refund_shows, refund_put},
    [PS_QUERY_DISPUTES] = {disputes_count, has_payment, disputes_first, disputes_next,
                           dispute_created_ns, dispute_shows, dispute_put},
    [PS_QUERY_TRADES] = {trades_count, has_payment, trades_first, trades_next, trade_created_ns,
                         trade_shows, trade_put},
    [PS_QUERY_ACCOUNTS] = {accounts_count, NULL, NULL, NULL, account_created_ns, account_shows,
                           account_put},
    [PS_QUERY_TRANSFERS] = {transfers_count, NULL, NULL, NULL, transfer_created_ns, transfer_shows,
                            transfer_put},
    [PS_QUERY_SETTLEMENTS] = {settlements_count, has_merchant, settlements_first, settlements_next,
                              settlement_created_ns, settlement_shows, settlement_put},
};

/* Looks up the names that filter. False: one of them does not exist here, so nothing matches. */
static bool scan_begin(const ps_core *core, const ps_query *query, ps_scan *out_scan)
{
    *out_scan = (ps_scan){.core = core, .query = query};
    if (query->merchant.size != 0) {
        out_scan->merchant = ps_party_find(core, query->book, false, query->merchant);
    }
    if (query->payer.size != 0) {
        out_scan->payer = ps_party_find(core, query->book, true, query->payer);
    }
    if (query->payment.size != 0) {
        out_scan->payment = ps_payment_find(core, query->book, query->payment);
    }
    return (query->merchant.size == 0 || out_scan->merchant != 0) &&
           (query->payer.size == 0 || out_scan->payer != 0) &&
           (query->payment.size == 0 || out_scan->payment != 0);
}

/* The highest number ≤ count that was created before created_lt_ns; 0: none. */
static uint64_t newest_before(const ps_scan *scan, const ps_list_kind *kind, uint64_t count)
{
    uint64_t low = 0; /* 0, or created before */
    uint64_t high = count + 1;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (kind->created_ns(scan, middle) < scan->query->created_lt_ns) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint64_t scan_next(const ps_scan *scan, const ps_list_kind *kind, bool chain,
                          uint64_t number)
{
    return chain ? kind->chain_next(scan, number) : number - 1;
}

/* A chain goes on only below one of its own elements (which `next` of a round before always is);
 * below any other number all objects are walked. */
static bool chain_has(const ps_scan *scan, const ps_list_kind *kind, uint64_t number)
{
    ps_query no_filters = {.kind = scan->query->kind, .book = scan->query->book};
    ps_scan chain_only = {.core = scan->core, .query = &no_filters};
    if (scan->payment != 0) {
        chain_only.payment = scan->payment;
    } else if (scan->merchant != 0) {
        chain_only.merchant = scan->merchant;
    } else {
        chain_only.payer = scan->payer;
    }
    return number <= kind->count(scan) && kind->shows(&chain_only, number);
}

static bool chain_is_usable(const ps_scan *scan, const ps_list_kind *kind)
{
    uint64_t before = scan->query->before;
    return kind->has_chain != NULL && kind->has_chain(scan) &&
           (before == 0 || chain_has(scan, kind, before));
}

static uint64_t scan_start(const ps_scan *scan, const ps_list_kind *kind, bool chain)
{
    const ps_query *query = scan->query;
    if (chain) {
        return query->before == 0 ? kind->chain_first(scan) : kind->chain_next(scan, query->before);
    }
    uint64_t count = kind->count(scan);
    uint64_t start = query->before != 0 && query->before <= count ? query->before - 1 : count;
    return query->created_lt_ns != 0 ? newest_before(scan, kind, start) : start;
}

static ps_scan_verdict scan_look(const ps_scan *scan, const ps_list_kind *kind, uint64_t number)
{
    const ps_query *query = scan->query;
    int64_t created_ns = kind->created_ns(scan, number);
    if (created_ns < query->created_gte_ns) {
        return PS_SCAN_STOP;
    }
    bool too_new = query->created_lt_ns != 0 && created_ns >= query->created_lt_ns;
    return !too_new && kind->shows(scan, number) ? PS_SCAN_SHOW : PS_SCAN_SKIP;
}

static void run_list(const ps_core *core, const ps_query *query, ps_buf *out,
                     ps_query_result *result)
{
    const ps_list_kind *kind = &list_kinds[query->kind];
    ps_scan scan;
    result->found = true;
    if (!scan_begin(core, query, &scan)) {
        return;
    }
    bool chain = chain_is_usable(&scan, kind);
    uint32_t scan_max = query->scan_max != 0 ? query->scan_max : PS_SCAN_DEFAULT;
    uint64_t number = scan_start(&scan, kind, chain);
    uint64_t last_looked = 0;
    for (uint32_t looked = 0; number != 0; looked++) {
        ps_scan_verdict verdict = scan_look(&scan, kind, number);
        if (verdict == PS_SCAN_STOP) {
            return;
        }
        bool page_is_full = verdict == PS_SCAN_SHOW && result->count == query->limit;
        if (page_is_full || looked == scan_max) {
            result->next = last_looked;
            return;
        }
        if (verdict == PS_SCAN_SHOW) {
            kind->put(&scan, number, out);
            result->count++;
        }
        last_looked = number;
        number = scan_next(&scan, kind, chain, number);
    }
}

/* ── single objects ── */

/* How one kind of object is found by its id, and the list that shows it. */
static const struct {
    ps_query_kind list;
    uint32_t (*find)(const ps_core *core, uint32_t book, ps_slice id); /* NULL: no such query */
} single_kinds[PS_QUERY_VERIFY + 1] = {
    [PS_QUERY_PAYMENT] = {PS_QUERY_PAYMENTS, ps_payment_find},
    [PS_QUERY_REFUND] = {PS_QUERY_REFUNDS, ps_refund_find},
    [PS_QUERY_DISPUTE] = {PS_QUERY_DISPUTES, ps_dispute_find},
    [PS_QUERY_TRANSFER] = {PS_QUERY_TRANSFERS, ps_transfer_find},
    [PS_QUERY_SETTLEMENT] = {PS_QUERY_SETTLEMENTS, ps_settlement_find},
};

static void run_single(const ps_core *core, const ps_query *query, ps_buf *out,
                       ps_query_result *result)
{
    uint32_t number = single_kinds[query->kind].find(core, query->book, query->target);
    if (number != 0) {
        ps_scan scan = {.core = core, .query = query};
        list_kinds[single_kinds[query->kind].list].put(&scan, number, out);
        result->found = true;
        result->count = 1;
    }
}

/* ── positions ── */

/* The newest mark of the book with sequence ≤ `sequence` (0: none), and the oldest one above it. */
static uint32_t mark_find(const ps_core *core, const ps_book *book, uint64_t sequence,
                          uint32_t *out_above)
{
    uint32_t mark = book->newest_mark;
    *out_above = 0;
    while (mark != 0 && ps_event_mark_at(core, mark)->sequence > sequence) {
        const ps_event_mark *at = ps_event_mark_at(core, mark);
        *out_above = mark;
        bool leaps = at->jump != 0 && ps_event_mark_at(core, at->jump)->sequence > sequence;
        mark = leaps ? at->jump : at->previous;
    }
    return mark;
}

static void run_events(const ps_core *core, const ps_query *query, ps_query_result *result)
{
    if (query->book == 0 || query->book > ps_book_count(core)) {
        return;
    }
    const ps_book *book = ps_book_at(core, query->book);
    if (query->after >= book->sequence) {
        return;
    }
    uint32_t above;
    uint32_t mark = mark_find(core, book, query->after + 1, &above);
    result->found = true;
    result->seq = mark != 0 ? ps_event_mark_at(core, mark)->seq : book->origin_seq;
}

static void run_account(const ps_core *core, const ps_query *query, ps_buf *out,
                        ps_query_result *result)
{
    uint32_t account =
        ps_ledger_account_find(&core->ledger, query->book, query->target, query->currency);
    if (account == PS_INDEX_NONE) {
        return;
    }
    ps_account_view view;
    account_view(core, account, &view);
    result->found = true;
    result->count = 1;
    uint32_t above = 0;
    if (query->at_ns != 0) {
        ps_ledger_account_at(&core->ledger, account, query->at_ns, UINT64_MAX, &view.account);
    } else if (query->at_sequence != 0) {
        mark_find(core, ps_book_at(core, query->book), query->at_sequence, &above);
    }
    if (above != 0) {
        /* every event up to at_sequence lies in a record up to that of the mark above it */
        ps_ledger_account_at(&core->ledger, account, INT64_MAX, ps_event_mark_at(core, above)->seq,
                             &view.account);
    }
    result->seq = view.account.last_seq;
    ps_buf_append(out, &view, sizeof view);
}

/* ── the rest ── */

static void run_trial_balance(const ps_core *core, const ps_query *query, ps_buf *out,
                              ps_query_result *result)
{
    ps_trial_balance rows[PS_TRIAL_ROWS_MAX];
    size_t count = ps_ledger_trial_balance(&core->ledger, query->book, rows, PS_TRIAL_ROWS_MAX);
    ps_buf_append(out, rows, count * sizeof rows[0]);
    result->found = true;
    result->count = (uint32_t)count;
}

/* Book 0: the keys of all tenants (whoever authenticates starts with them). */
static void run_keys(const ps_core *core, const ps_query *query, ps_buf *out,
                     ps_query_result *result)
{
    result->found = true;
    for (uint32_t number = ps_key_count(core); number != 0; number--) {
        const ps_effect_key *key = &ps_key_at(core, number)->body;
        bool is_asked = query->book == 0 || (key->book + 1) / 2 == (query->book + 1) / 2;
        if (is_asked && key->revoked_ns == 0) {
            ps_buf_append(out, key, sizeof *key);
            result->count++;
        }
    }
}

static void violation_put(void *context, const char *invariant, const char *sentence)
{
    ps_violation violation;
    memset(&violation, 0, sizeof violation);
    memcpy(violation.invariant, invariant, strnlen(invariant, sizeof violation.invariant - 1));
    memcpy(violation.sentence, sentence, strnlen(sentence, sizeof violation.sentence - 1));
    ps_buf_append(context, &violation, sizeof violation);
}

void ps_core_query(const ps_core *core, const ps_query *query, ps_buf *out,
                   ps_query_result *out_result)
{
    memset(out_result, 0, sizeof *out_result);
    out_result->observed_seq = ps_core_last_seq(core);
    if (query->book != 0 && query->book <= ps_book_count(core)) {
        out_result->book_sequence = ps_book_at(core, query->book)->sequence;
    }
    switch (query->kind) {
    case PS_QUERY_PAYMENT:
    case PS_QUERY_REFUND:
    case PS_QUERY_DISPUTE:
    case PS_QUERY_TRANSFER:
    case PS_QUERY_SETTLEMENT:
        run_single(core, query, out, out_result);
        break;
    case PS_QUERY_ACCOUNT:
        run_account(core, query, out, out_result);
        break;
    case PS_QUERY_PAYMENTS:
    case PS_QUERY_REFUNDS:
    case PS_QUERY_DISPUTES:
    case PS_QUERY_TRADES:
    case PS_QUERY_ACCOUNTS:
    case PS_QUERY_TRANSFERS:
    case PS_QUERY_SETTLEMENTS:
        run_list(core, query, out, out_result);
        break;
    case PS_QUERY_TRIAL_BALANCE:
        run_trial_balance(core, query, out, out_result);
        break;
    case PS_QUERY_EVENTS:
        run_events(core, query, out_result);
        break;
    case PS_QUERY_KEYS:
        run_keys(core, query, out, out_result);
        break;
    case PS_QUERY_VERIFY:
        out_result->found = true;
        out_result->count = (uint32_t)ps_core_verify(core, violation_put, out);
        break;
    }
}
