#include "serve/render_walk.h"

#include <stdio.h>

/* ── postings ── */

static const char *leg_kind_name(ps_leg_kind kind)
{
    switch (kind) {
    case PS_LEG_POSTED:
        return "posted";
    case PS_LEG_PENDING:
        return "pending";
    case PS_LEG_POST:
        return "post";
    case PS_LEG_VOID:
        return "void";
    }
    return "posted";
}

/* A name that cannot be had is shown as its number: a posting is never left out. */
static void put_account_name(const ps_renderer *renderer, uint32_t account, ps_buf *out,
                             ps_currency *currency)
{
    ps_slice name;
    if (renderer->names.get != NULL &&
        renderer->names.get(renderer->names.context, account, &name, currency)) {
        ps_render_text(out, name);
        return;
    }
    ps_buf_append_format(out, "\"account:%u\"", account);
}

/* The API transfer whose legs the record holds: the one that it made, or moved on; NULL: its legs
 * are those of a payment, a refund or a batch. */
static const ps_effect_transfer *transfer_in(ps_record_view view)
{
    const ps_effect_transfer *found = NULL;
    for (const ps_effect_head *e = ps_effect_first(view.payload); e != NULL;
         e = ps_effect_next(view.payload, e)) {
        const ps_effect_transfer *transfer = (const void *)e;
        if (e->type == PS_EFFECT_TRANSFER && (found == NULL || transfer->origin_seq == view.seq)) {
            found = transfer;
        }
    }
    return found;
}

/* Legs of one hold share their id; those of payments have no object of their own, so that their
 * time is zero and no API transfer has the same. */
static void put_transfer_id(const ps_renderer *renderer, ps_record_view view, const ps_leg *leg,
                            ps_buf *out)
{
    const ps_effect_transfer *transfer = transfer_in(view);
    if (transfer != NULL) {
        ps_render_id(renderer, out, PS_ID_TRANSFER, transfer->transfer, transfer->created_ns);
    } else {
        ps_render_id(renderer, out, PS_ID_TRANSFER, leg->transfer, 0);
    }
}

/* Leaves the object open for the entry's balance. */
static void posting_begin(const ps_renderer *renderer, ps_record_view view, const ps_leg *leg,
                          ps_buf *out)
{
    ps_currency currency = 0;
    PS_PUT(out, "{\"sequence\":");
    ps_buf_append_u64(out, ps_record_first_sequence(view.payload));
    PS_PUT(out, ",\"transfer\":");
    put_transfer_id(renderer, view, leg, out);
    PS_PUT(out, ",\"debit\":");
    put_account_name(renderer, leg->debit, out, &currency);
    PS_PUT(out, ",\"credit\":");
    put_account_name(renderer, leg->credit, out, &currency);
    PS_PUT(out, ",\"amount\":");
    ps_buf_append_i64(out, leg->amount);
    PS_PUT(out, ",\"currency\":\"");
    ps_buf_append_text(out, ps_currency_code(currency));
    PS_PUT(out, "\",\"kind\":\"");
    ps_buf_append_text(out, leg_kind_name((ps_leg_kind)leg->kind));
    PS_PUT(out, "\",\"created\":");
    ps_render_time(out, ps_record_head(view.payload)->time_ns);
}

static const ps_leg *leg_of(const ps_effect_head *effect)
{
    if (effect->type != PS_EFFECT_LEG) {
        return NULL;
    }
    return &((const ps_effect_leg *)(const void *)effect)->leg;
}

/* ── the chain of a payment ── */

/* The first effect of the payment in the record: its prev_seq leads on. NULL: none. */
static const ps_effect_payment *payment_first(ps_slice payload, uint32_t payment)
{
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        const ps_effect_payment *found = (const void *)e;
        if (e->type == PS_EFFECT_PAYMENT && found->payment == payment) {
            return found;
        }
    }
    return NULL;
}

/* Seqs of the payment's records, newest first. */
typedef struct {
    uint64_t seqs[PS_WALK_RECORDS_MAX];
    uint32_t count;
    bool has_more; /* older ones were left out */
} payment_chain;

/* Adds to an empty chain. */
static ps_code chain_collect(ps_renderer *renderer, const ps_effect_payment *payment,
                             payment_chain *out_chain, ps_error *err)
{
    uint64_t seq = payment->prev_seq;
    while (seq != 0 && out_chain->count < PS_WALK_RECORDS_MAX) {
        ps_record_view view;
        ps_code code = ps_renderer_walk_to(renderer, seq, &view, err);
        if (code != PS_OK) {
            return code;
        }
        const ps_effect_payment *first = payment_first(view.payload, payment->payment);
        if (first == NULL || first->prev_seq >= seq) {
            return ps_error_set(err, PS_E_DAMAGED,
                                "journal record %llu breaks the chain of its payment",
                                (unsigned long long)seq);
        }
        out_chain->seqs[out_chain->count++] = seq;
        seq = first->prev_seq;
    }
    out_chain->has_more = seq != 0;
    return PS_OK;
}

static bool record_is_of_one_payment(ps_slice payload)
{
    uint32_t payment = 0;
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        const ps_effect_payment *found = (const void *)e;
        if (e->type != PS_EFFECT_PAYMENT) {
            continue;
        }
        if (payment != 0 && found->payment != payment) {
            return false;
        }
        payment = found->payment;
    }
    return true;
}

static void put_separator(ps_buf *out, bool *first)
{
    if (!*first) {
        ps_buf_append_char(out, ',');
    }
    *first = false;
}

/* A page of a list that is made from its start every time. */
typedef struct {
    ps_buf *out;
    uint64_t skip; /* objects of the pages before, still to come */
    uint64_t left; /* objects that fit */
    bool has_more; /* one more was there */
    bool first;
} chain_page;

/* True: the next object belongs on this page; the separator is written. */
static bool page_takes(chain_page *page)
{
    if (page->skip > 0) {
        page->skip--;
        return false;
    }
    if (page->left == 0) {
        page->has_more = true;
        return false;
    }
    page->left--;
    put_separator(page->out, &page->first);
    return true;
}

/* What a list takes from one record of the chain. */
typedef ps_code (*record_render)(ps_renderer *renderer, ps_record_view view, uint32_t payment,
                                 chain_page *page, ps_error *err);

static ps_code record_events(ps_renderer *renderer, ps_record_view view, uint32_t payment,
                             chain_page *page, ps_error *err)
{
    for (const ps_effect_head *e = ps_effect_first(view.payload); e != NULL;
         e = ps_effect_next(view.payload, e)) {
        if (ps_effect_sequence(e) == 0 || !ps_effect_is_about(e, payment) || !page_takes(page)) {
            continue;
        }
        ps_code code = ps_render_event(renderer, view, e, page->out, err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

/* A record of many payments (a settlement) moves the batch's money, not one payment's. */
static ps_code record_postings(ps_renderer *renderer, ps_record_view view, uint32_t payment,
                               chain_page *page, ps_error *err)
{
    (void)payment;
    (void)err;
    if (!record_is_of_one_payment(view.payload)) {
        return PS_OK;
    }
    for (const ps_effect_head *e = ps_effect_first(view.payload); e != NULL;
         e = ps_effect_next(view.payload, e)) {
        const ps_leg *leg = leg_of(e);
        if (leg != NULL && page_takes(page)) {
            posting_begin(renderer, view, leg, page->out);
            ps_buf_append_char(page->out, '}');
        }
    }
    return PS_OK;
}

static ps_code render_chain(ps_renderer *renderer, const ps_query *query,
                            const ps_effect_payment *payment, record_render render, ps_buf *out,
                            ps_error *err)
{
    payment_chain chain;
    chain.count = 0;
    chain.has_more = false;
    ps_code code = chain_collect(renderer, payment, &chain, err);
    if (code != PS_OK) {
        return code;
    }
    chain_page page = {.out = out, .skip = query->before, .left = query->limit, .first = true};
    PS_PUT(out, "{\"data\":[");
    for (uint32_t i = chain.count; i > 0 && !page.has_more; i--) {
        ps_record_view view;
        code = ps_renderer_walk_to(renderer, chain.seqs[i - 1], &view, err);
        if (code != PS_OK) {
            return code;
        }
        code = render(renderer, view, payment->payment, &page, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_render_page_end(query, page.has_more ? query->before + query->limit : 0, out);
    return out->failed ? ps_error_set(err, PS_E_LIMIT, "the list does not fit") : PS_OK;
}

ps_code ps_render_payment_events(ps_renderer *renderer, const ps_query *query,
                                 const ps_effect_payment *payment, ps_buf *out, ps_error *err)
{
    return render_chain(renderer, query, payment, record_events, out, err);
}

ps_code ps_render_payment_postings(ps_renderer *renderer, const ps_query *query,
                                   const ps_effect_payment *payment, ps_buf *out, ps_error *err)
{
    return render_chain(renderer, query, payment, record_postings, out, err);
}

/* ── the chain of an account ── */

/* The account's legs in one record, in order, and the record before it. */
typedef struct {
    const ps_leg *legs[64];
    uint32_t count;
    uint64_t prev_seq;
} account_legs;

static bool legs_collect(ps_slice payload, uint32_t account, account_legs *out_legs)
{
    out_legs->count = 0;
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        const ps_leg *leg = leg_of(e);
        if (leg == NULL || (leg->debit != account && leg->credit != account)) {
            continue;
        }
        if (out_legs->count == sizeof out_legs->legs / sizeof out_legs->legs[0]) {
            return false;
        }
        if (out_legs->count == 0) {
            out_legs->prev_seq = leg->debit == account ? leg->debit_prev_seq : leg->credit_prev_seq;
        }
        out_legs->legs[out_legs->count++] = leg;
    }
    return out_legs->count > 0;
}

static ps_code account_walk_to(ps_renderer *renderer, uint32_t account, uint64_t seq,
                               ps_record_view *out_view, account_legs *out_legs, ps_error *err)
{
    ps_code code = ps_renderer_walk_to(renderer, seq, out_view, err);
    if (code != PS_OK) {
        return code;
    }
    if (!legs_collect(out_view->payload, account, out_legs) || out_legs->prev_seq >= seq) {
        return ps_error_set(err, PS_E_DAMAGED, "journal record %llu breaks the chain of account %u",
                            (unsigned long long)seq, account);
    }
    return PS_OK;
}

static void entry_render(const ps_renderer *renderer, ps_record_view view, const ps_leg *leg,
                         const ps_account_view *account, ps_buf *out)
{
    posting_begin(renderer, view, leg, out);
    PS_PUT(out, ",\"balance\":");
    ps_buf_append_i128(out, ps_account_balance(account->account.type, &account->account.totals));
    ps_buf_append_char(out, '}');
}

ps_code ps_render_entries(ps_renderer *renderer, const ps_entry_walk *walk, ps_buf *out,
                          uint64_t *out_next, ps_error *err)
{
    uint64_t sequence_max = walk->place != 0 ? ps_entry_place_sequence(walk->place) : UINT64_MAX;
    uint32_t skip_at_place = (uint32_t)(walk->place & ((1U << PS_ENTRY_SKIP_BITS) - 1));
    ps_account_view at = *walk->account;
    uint64_t seq = walk->seq;
    uint32_t shown = 0;
    bool first = true;
    uint64_t next = 0;
    while (seq != 0 && next == 0) {
        ps_record_view view;
        account_legs legs;
        ps_code code = account_walk_to(renderer, at.number, seq, &view, &legs, err);
        if (code != PS_OK) {
            return code;
        }
        uint64_t sequence = ps_record_first_sequence(view.payload);
        uint32_t skip = sequence > sequence_max    ? legs.count
                        : sequence == sequence_max ? skip_at_place
                                                   : 0;
        for (uint32_t i = 0; i < legs.count && next == 0; i++) {
            const ps_leg *leg = legs.legs[legs.count - 1 - i];
            if (i >= skip && shown == walk->limit) {
                next = sequence << PS_ENTRY_SKIP_BITS | i;
            } else if (i >= skip) {
                put_separator(out, &first);
                entry_render(renderer, view, leg, &at, out);
                shown++;
            }
            ps_account_totals_undo(&at.account.totals, leg, at.number);
        }
        seq = legs.prev_seq;
    }
    if (out->failed) {
        return ps_error_set(err, PS_E_LIMIT, "the entries do not fit");
    }
    *out_next = next;
    return PS_OK;
}

ps_code ps_account_walk_back(ps_renderer *renderer, ps_account_view *account, uint64_t seq,
                             int64_t at_ns, uint64_t at_sequence, ps_error *err)
{
    while (seq != 0) {
        ps_record_view view;
        account_legs legs;
        ps_code code = account_walk_to(renderer, account->number, seq, &view, &legs, err);
        if (code != PS_OK) {
            return code;
        }
        bool is_later = (at_ns != 0 && ps_record_head(view.payload)->time_ns > at_ns) ||
                        (at_sequence != 0 && ps_record_first_sequence(view.payload) > at_sequence);
        if (!is_later) {
            return PS_OK;
        }
        for (uint32_t i = legs.count; i > 0; i--) {
            ps_account_totals_undo(&account->account.totals, legs.legs[i - 1], account->number);
            account->account.entry_count--;
        }
        seq = legs.prev_seq;
    }
    return PS_OK;
}
