/* The invariants M1–M11 of the domain, as far as the state shows them. M1–M5 are the ledger's own
 * (L1–L5), and that every pending transfer has exactly one owner; M2, M5 and M8 in full need the
 * journal (tests/checker reads `dump`).
 *
 * Walks along links are bounded by the tables' sizes: a damaged state is reported, never followed
 * for ever.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pay/emit.h"

/* Per book and currency. */
typedef struct {
    ps_i128 equation; /* assets + expenses − liabilities − income − equity */
    ps_i128 disputes; /* open ones */
} ps_verify_sums;

typedef struct {
    const ps_core *core;
    ps_violation_fn report;
    void *context;
    size_t count;
    ps_verify_sums *sums; /* [book][currency] */
    uint64_t owned_holds; /* pending transfers that an object names */
    ps_i128 unsettled;    /* amounts in batches that were not paid out yet */
} ps_verify;

static void PS_PRINTF(3, 4) violate(ps_verify *v, const char *invariant, const char *format, ...)
{
    char sentence[248];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    v->count++;
    v->report(v->context, invariant, sentence);
}

static unsigned long long ull(uint64_t value)
{
    return value;
}

/* A book or currency that does not exist is reported, and counts in a cell of its own (book 0). */
static ps_verify_sums *sums_of(ps_verify *v, uint32_t book, ps_currency currency)
{
    if (book == 0 || book > ps_book_count(v->core) || currency >= ps_currency_count()) {
        violate(v, "M5", "something is of book %u, currency %u, which do not exist", book,
                currency);
        return &v->sums[0];
    }
    return &v->sums[(size_t)book * ps_currency_count() + currency];
}

/* ── the ledger ── */

static void ledger_violation(void *context, const char *invariant, const char *sentence)
{
    ps_verify *v = context;
    char name[8];
    snprintf(name, sizeof name, "M%s", invariant[0] != '\0' ? invariant + 1 : "1");
    violate(v, name, "%s", sentence);
}

static bool is_debit_normal(uint8_t type)
{
    return type == PS_ACCOUNT_ASSET || type == PS_ACCOUNT_EXPENSE;
}

static void verify_equation(ps_verify *v)
{
    const ps_core *core = v->core;
    uint32_t count = ps_ledger_account_count(&core->ledger);
    for (uint32_t i = 0; i < count; i++) {
        const ps_account *account = ps_ledger_account(&core->ledger, i);
        ps_i128 balance = ps_account_balance(account->type, &account->totals);
        sums_of(v, account->book, account->currency)->equation +=
            is_debit_normal(account->type) ? balance : -balance;
    }
}

static void verify_book_sums(ps_verify *v, uint32_t book, ps_currency currency)
{
    const ps_core *core = v->core;
    const ps_verify_sums *sums = sums_of(v, book, currency);
    const char *code = ps_currency_code(currency);
    if (sums->equation != 0) {
        violate(v, "M10", "book %u, %s: assets + expenses differ from the other side", book, code);
    }
    uint32_t hold = ps_account_of(core, book, PS_ROLE_DISPUTE_HOLD, (ps_slice){NULL, 0}, currency);
    ps_i128 held = 0;
    if (hold != PS_INDEX_NONE) {
        const ps_account *account = ps_ledger_account(&core->ledger, hold);
        held = ps_account_balance(account->type, &account->totals);
    }
    if (held != sums->disputes) {
        violate(v, "M10", "book %u, %s: dispute_hold differs from the open disputes", book, code);
    }
}

/* A pending transfer that `what` number says is its own. NULL: there is none, reported. */
static const ps_transfer *owned_hold(ps_verify *v, uint32_t slot, const char *what, uint64_t number)
{
    const ps_transfer *hold = ps_ledger_transfer(&v->core->ledger, slot);
    if (hold == NULL || hold->state != PS_TRANSFER_PENDING || hold->left <= 0) {
        violate(v, "M4", "%s %llu names a hold that is not pending", what, ull(number));
        return NULL;
    }
    v->owned_holds++;
    return hold;
}

/* ── payments ── */

static bool is_dead(uint8_t phase)
{
    return phase == PS_PHASE_DECLINED || phase == PS_PHASE_FAILED || phase == PS_PHASE_CANCELLED ||
           phase == PS_PHASE_EXPIRED || phase == PS_PHASE_REVERSED;
}

static void verify_counters(ps_verify *v, const ps_effect_payment *p)
{
    const ps_counters *c = &p->counters;
    bool signs = c->authorised >= 0 && c->capturable >= 0 && c->captured >= 0 && c->refunded >= 0 &&
                 c->refund_pending >= 0 && c->disputed >= 0 && c->charged_back >= 0 &&
                 c->settled >= 0 && c->fee_taken >= 0;
    ps_i128 back = (ps_i128)c->refunded + c->refund_pending + c->disputed + c->charged_back;
    bool bounds = c->authorised <= p->amount &&
                  (ps_i128)c->captured + c->capturable <= c->authorised && back <= c->captured &&
                  c->settled <= c->captured && c->fee_taken <= p->fee;
    if (!signs || !bounds) {
        violate(v, "M6", "payment %u: counters out of bounds", p->payment);
    }
    if (p->phase == 0 || p->phase >= PS_PHASE_COUNT ||
        p->status != ps_payment_status(c, (ps_phase)p->phase)) {
        violate(v, "M7", "payment %u: status %u is not what its counters say", p->payment,
                p->status);
    }
    bool is_zero = c->capturable == 0 && c->captured == 0 && back == 0 && c->settled == 0 &&
                   c->fee_taken == 0 && p->hold_slot == PS_INDEX_NONE;
    if (is_dead(p->phase) && !is_zero) {
        violate(v, "M9", "payment %u: over without effect, but money is left in it", p->payment);
    }
}

static void verify_hold(ps_verify *v, const ps_effect_payment *p)
{
    if (p->hold_slot == PS_INDEX_NONE) {
        if (p->counters.capturable != 0) {
            violate(v, "M4", "payment %u: capturable without a hold", p->payment);
        }
        return;
    }
    const ps_transfer *hold = owned_hold(v, p->hold_slot, "payment", p->payment);
    if (hold == NULL) {
        return;
    }
    int64_t left = p->phase == PS_PHASE_OPEN ? p->counters.capturable : p->amount;
    if (hold->left != left || hold->debit != p->account_payer ||
        hold->credit != p->account_merchant) {
        violate(v, "M4", "payment %u: its hold is another's, or of another amount", p->payment);
    }
}

/* Captures by trade records; refunds and disputes by their objects. */
static void verify_sums(ps_verify *v, uint32_t number)
{
    const ps_core *core = v->core;
    const ps_payment *payment = ps_payment_at(core, number);
    const ps_counters *c = &payment->body.counters;
    ps_i128 captured = 0, refunded = 0, pending = 0, disputed = 0, lost = 0;
    uint64_t above = (uint64_t)ps_trade_count(core) + 1;
    for (uint64_t t = payment->body.last_trade; t != 0 && t < above;) {
        const ps_trade *trade = ps_trade_at(core, t);
        bool counts = trade->kind == PS_TRADE_CAPTURE && trade->status == PS_TRADE_SUCCESS;
        captured += counts ? trade->amount : 0;
        above = t;
        t = trade->previous_of_payment;
    }
    above = (uint64_t)ps_refund_count(core) + 1;
    for (uint32_t r = payment->newest_refund; r != 0 && r < above;) {
        const ps_effect_refund *refund = &ps_refund_at(core, r)->body;
        bool open = refund->status == PS_REFUND_PENDING || refund->status == PS_REFUND_REVIEW;
        pending += open ? refund->amount : 0;
        refunded += refund->status == PS_REFUND_SUCCEEDED ? refund->amount : 0;
        above = r;
        r = refund->previous_of_payment;
    }
    above = (uint64_t)ps_dispute_count(core) + 1;
    for (uint32_t d = payment->newest_dispute; d != 0 && d < above;) {
        const ps_effect_dispute *dispute = &ps_dispute_at(core, d)->body;
        bool open =
            dispute->status == PS_DISPUTE_OPENED || dispute->status == PS_DISPUTE_CHALLENGED;
        disputed += open ? dispute->amount : 0;
        lost += dispute->status == PS_DISPUTE_LOST ? dispute->amount : 0;
        above = d;
        d = dispute->previous_of_payment;
    }
    if (captured != c->captured || refunded != c->refunded || pending != c->refund_pending ||
        disputed != c->disputed || lost != c->charged_back) {
        violate(v, "M8", "payment %u: counters differ from its captures, refunds and disputes",
                number);
    }
}

static void verify_payments(ps_verify *v, ps_i128 *out_unsettled)
{
    const ps_core *core = v->core;
    uint64_t by_status[PS_STATUS_COUNT] = {0};
    *out_unsettled = 0;
    for (uint32_t i = 1; i <= ps_payment_count(core); i++) {
        const ps_effect_payment *p = &ps_payment_at(core, i)->body;
        verify_counters(v, p);
        verify_hold(v, p);
        verify_sums(v, i);
        *out_unsettled += (ps_i128)p->counters.captured - p->counters.settled;
        by_status[p->status < PS_STATUS_COUNT ? p->status : 0]++;
    }
    if (memcmp(by_status, ps_core_head_at(core)->by_status, sizeof by_status) != 0) {
        violate(v, "M7", "the number of payments by status is not what the payments say");
    }
}

/* ── refunds, disputes, transfers ── */

static void verify_children(ps_verify *v)
{
    const ps_core *core = v->core;
    for (uint32_t i = 1; i <= ps_refund_count(core); i++) {
        const ps_effect_refund *refund = &ps_refund_at(core, i)->body;
        if (refund->hold_slot == PS_INDEX_NONE) {
            continue;
        }
        const ps_transfer *hold = owned_hold(v, refund->hold_slot, "refund", i);
        if (hold != NULL && hold->left != refund->amount) {
            violate(v, "M4", "refund %u: its hold is of another amount", i);
        }
    }
    for (uint32_t i = 1; i <= ps_dispute_count(core); i++) {
        const ps_effect_dispute *dispute = &ps_dispute_at(core, i)->body;
        bool open =
            dispute->status == PS_DISPUTE_OPENED || dispute->status == PS_DISPUTE_CHALLENGED;
        sums_of(v, dispute->book, dispute->currency)->disputes += open ? dispute->amount : 0;
    }
    for (uint32_t i = 1; i <= ps_api_transfer_count(core); i++) {
        const ps_effect_transfer *transfer = &ps_api_transfer_at(core, i)->body;
        const ps_transfer *hold = transfer->status == PS_TRANSFER_PENDING
                                      ? owned_hold(v, transfer->slot, "transfer", i)
                                      : NULL;
        int64_t left = hold != NULL ? hold->left : 0;
        bool is_pending = transfer->status == PS_TRANSFER_PENDING;
        bool is_posted = transfer->status == PS_TRANSFER_POSTED;
        if (left != (is_pending ? transfer->amount : 0) || (transfer->posted > 0) != is_posted ||
            transfer->posted < 0 || transfer->posted > transfer->amount) {
            violate(v, "M4", "transfer %u: posted and left are not its amount", i);
        }
        if (transfer->debit == transfer->credit) {
            violate(v, "M5", "transfer %u: debit and credit are one account", i);
        }
    }
}

/* ── settlement batches ── */

static uint32_t batch_now(const ps_core *core, uint32_t number)
{
    for (uint32_t i = 0; i < ps_settlement_count(core); i++) {
        if (number == 0 || number > ps_settlement_count(core) ||
            ps_settlement_at(core, number)->merged_into == 0) {
            return number;
        }
        number = ps_settlement_at(core, number)->merged_into;
    }
    return 0;
}

typedef struct {
    ps_i128 gross, card_gross, unsettled;
    uint64_t item_count;
    bool broken;
} ps_batch_sums;

/* One item; returns the link to the next. */
static uint32_t item_sum(const ps_core *core, uint32_t batch, uint32_t link, ps_batch_sums *sums)
{
    bool is_extra = (link & PS_ITEM_EXTRA) != 0;
    uint32_t number = link & ~PS_ITEM_EXTRA;
    uint32_t count = is_extra ? ps_settlement_item_count(core) : ps_payment_count(core);
    const ps_settlement_item *item =
        is_extra && number != 0 && number <= count ? ps_settlement_item_at(core, number) : NULL;
    uint32_t payment_number = item != NULL ? item->payment : number;
    if (number == 0 || number > count || payment_number == 0 ||
        payment_number > ps_payment_count(core)) {
        sums->broken = true;
        return PS_INDEX_NONE;
    }
    const ps_effect_payment *payment = &ps_payment_at(core, payment_number)->body;
    int64_t amount = is_extra ? item->amount : payment->captured_in_batch;
    uint32_t home = is_extra ? item->settlement : payment->settlement;
    sums->broken = sums->broken || batch_now(core, home) != batch;
    sums->gross += amount;
    sums->card_gross += payment->instrument == PS_INSTRUMENT_CARD ? amount : 0;
    sums->item_count += amount > 0 ? 1 : 0;
    return is_extra ? item->next : payment->next_in_settlement;
}

static void batch_items_sum(const ps_core *core, const ps_effect_settlement *batch,
                            ps_batch_sums *out_sums)
{
    *out_sums = (ps_batch_sums){.gross = 0};
    uint64_t items_max = (uint64_t)ps_payment_count(core) + ps_settlement_item_count(core);
    /* where the paid part of the list ends; open and closed batches: at its head */
    bool unpaid = batch->status != PS_SETTLEMENT_PAID;
    uint32_t link = batch->first_item;
    for (uint64_t i = 0; link != PS_INDEX_NONE && !out_sums->broken; i++) {
        if (i == items_max) {
            out_sums->broken = true;
            return;
        }
        unpaid = unpaid || link == batch->next_to_settle;
        ps_i128 before = out_sums->gross;
        link = item_sum(core, batch->settlement, link, out_sums);
        out_sums->unsettled += unpaid ? out_sums->gross - before : 0;
    }
}

static void verify_batch(ps_verify *v, uint32_t number)
{
    const ps_core *core = v->core;
    const ps_effect_settlement *batch = &ps_settlement_at(core, number)->body;
    ps_i128 net = (ps_i128)batch->gross - batch->fees - batch->refunds - batch->disputes;
    if (batch->net != net || batch->gross < 0 || batch->fees < 0 || batch->refunds < 0 ||
        batch->disputes < 0) {
        violate(v, "M11", "settlement %u: net is not items − fees − refunds − disputes", number);
    }
    if (batch->status == PS_SETTLEMENT_CLOSED) {
        const ps_transfer *payout = owned_hold(v, batch->payout_slot, "settlement", number);
        if (payout != NULL && payout->left != payout->amount) {
            violate(v, "M4", "settlement %u: its payout is posted in part", number);
        }
    }
    /* The list of a settled batch is over: its payments may be in a later one. */
    if (batch->status == PS_SETTLEMENT_SETTLED || batch->status == PS_SETTLEMENT_FAILED) {
        return;
    }
    ps_batch_sums sums;
    batch_items_sum(core, batch, &sums);
    v->unsettled += sums.unsettled;
    if (sums.broken || sums.gross != batch->gross || sums.card_gross != batch->card_gross ||
        sums.item_count != batch->item_count) {
        violate(v, "M11", "settlement %u: gross is not the sum of its items", number);
    }
}

/* What the open batches of a merchant would pay is there. */
static void verify_merchant(ps_verify *v, uint32_t party)
{
    const ps_core *core = v->core;
    uint32_t count = ps_settlement_count(core);
    uint32_t newest = ps_party_at(core, party)->newest_of_currency;
    for (uint32_t i = 0; newest != 0 && newest <= count && i < count; i++) {
        const ps_settlement *head = ps_settlement_at(core, newest);
        ps_i128 net = 0;
        uint32_t number = newest;
        for (uint32_t j = 0; number != 0 && number <= count && j < count; j++) {
            const ps_settlement *batch = ps_settlement_at(core, number);
            net += batch->body.status == PS_SETTLEMENT_OPEN ? batch->body.net : 0;
            number = batch->older_open;
        }
        uint32_t pending = ps_account_of(core, head->body.book, PS_ROLE_MERCHANT_PENDING,
                                         ps_party_name(core, party), head->body.currency);
        ps_i128 there =
            pending == PS_INDEX_NONE
                ? 0
                : ps_account_headroom(&ps_ledger_account(&core->ledger, pending)->totals);
        if (there < net) {
            violate(v, "M11", "merchant %u, %s: pending holds less than its open batches", party,
                    ps_currency_code(head->body.currency));
        }
        newest = head->other_currency;
    }
}

static void verify_batches(ps_verify *v, ps_i128 unsettled)
{
    const ps_core *core = v->core;
    for (uint32_t i = 1; i <= ps_settlement_count(core); i++) {
        verify_batch(v, i);
    }
    if (v->unsettled != unsettled) {
        violate(v, "M11", "captured amounts that are not settled are not all in one batch each");
    }
    for (uint32_t i = 1; i <= ps_party_count(core); i++) {
        if (ps_party_at(core, i)->is_payer == 0) {
            verify_merchant(v, i);
        }
    }
}

size_t ps_core_verify(const ps_core *core, ps_violation_fn report, void *context)
{
    ps_verify v = {.core = core, .report = report, .context = context};
    size_t cells = ((size_t)ps_book_count(core) + 1) * ps_currency_count();
    v.sums = calloc(cells, sizeof *v.sums);
    if (v.sums == NULL) {
        violate(&v, "M10", "not checked: there is no memory for the sums");
        return v.count;
    }
    ps_ledger_verify(&core->ledger, ledger_violation, &v);
    verify_equation(&v);
    ps_i128 unsettled;
    verify_payments(&v, &unsettled);
    verify_children(&v);
    verify_batches(&v, unsettled);
    for (uint32_t book = 1; book <= ps_book_count(core); book++) {
        for (size_t currency = 0; currency < ps_currency_count(); currency++) {
            verify_book_sums(&v, book, (ps_currency)currency);
        }
    }
    const ps_ledger_counters *counters = (const void *)core->ledger.counters.data;
    if (counters->open_pending_count != v.owned_holds) {
        violate(&v, "M4", "%llu transfers are pending, objects name %llu",
                ull(counters->open_pending_count), ull(v.owned_holds));
    }
    free(v.sums);
    return v.count;
}
