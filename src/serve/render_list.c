/* What queries answer: single objects, lists, the trial balance, the invariants; and the events of
 * a record.
 */
#include "serve/decode_cursor.h"
#include "serve/decode_query.h"
#include "serve/render_object.h"
#include "serve/render_walk.h"

/* The invariants that `verify` reports on, PAYMENTS §7. */
static const char *const invariants[] = {"M1", "M2", "M3", "M4", "M5",
                                         "M6", "M7", "M8", "M9", "M10"};
enum { INVARIANT_COUNT = sizeof invariants / sizeof invariants[0] };

static const ps_record_view no_view = {0, {NULL, 0}};

static ps_code size_wrong(ps_error *err)
{
    return ps_error_set(err, PS_E_DAMAGED, "a query answered fewer bytes than it said");
}

/* ── one struct → one object ── */

/* Takes the next struct of `size` bytes; NULL: there are not as many. */
static const void *take(ps_slice *structs, size_t size)
{
    if (structs->size < size) {
        return NULL;
    }
    const void *at = structs->data;
    structs->data += size;
    structs->size -= size;
    return at;
}

static ps_code render_trade_view(ps_renderer *renderer, const ps_trade_view *view, ps_buf *out,
                                 ps_error *err)
{
    ps_record_view record;
    ps_code code = ps_renderer_walk_to(renderer, view->seq, &record, err);
    if (code != PS_OK) {
        return code;
    }
    const void *trade = ps_effect_find(record.payload, PS_EFFECT_TRADE, view->trade);
    if (trade == NULL) {
        return ps_error_set(err, PS_E_DAMAGED, "journal record %llu does not hold trade %llu",
                            (unsigned long long)view->seq, (unsigned long long)view->trade);
    }
    return ps_render_trade(renderer, record, trade, (ps_trade_status)view->status, out, err);
}

static void render_account_view(const ps_account_view *view, ps_buf *out)
{
    ps_render_account(&view->account, ps_slice_of(view->name, view->name_size), out);
}

static ps_code render_account(ps_renderer *renderer, const ps_query *query,
                              const ps_query_result *result, const ps_account_view *view,
                              ps_buf *out, ps_error *err)
{
    ps_account_view at = *view;
    if (query->at_ns != 0 || query->at_sequence != 0) {
        ps_code code =
            ps_account_walk_back(renderer, &at, result->seq, query->at_ns, query->at_sequence, err);
        if (code != PS_OK) {
            return code;
        }
    }
    render_account_view(&at, out);
    return PS_OK;
}

static void render_balance(const ps_trial_balance *row, ps_buf *out)
{
    const ps_account_totals *t = &row->totals;
    bool balanced =
        t->debits_posted == t->credits_posted && t->debits_pending == t->credits_pending;
    PS_PUT(out, "{\"currency\":\"");
    ps_buf_append_text(out, ps_currency_code(row->currency));
    PS_PUT(out, "\",\"debits_posted\":");
    ps_buf_append_i128(out, t->debits_posted);
    PS_PUT(out, ",\"credits_posted\":");
    ps_buf_append_i128(out, t->credits_posted);
    PS_PUT(out, ",\"debits_pending\":");
    ps_buf_append_i128(out, t->debits_pending);
    PS_PUT(out, ",\"credits_pending\":");
    ps_buf_append_i128(out, t->credits_pending);
    PS_PUT(out, ",\"accounts\":");
    ps_buf_append_u64(out, row->account_count);
    PS_PUT(out, ",\"balanced\":");
    ps_buf_append_text(out, balanced ? "true}" : "false}");
}

static ps_code render_next(ps_renderer *renderer, const ps_query *query,
                           const ps_query_result *result, ps_slice *structs, ps_buf *out,
                           ps_error *err)
{
    const void *at = NULL;
    switch (query->kind) {
    case PS_QUERY_PAYMENT:
    case PS_QUERY_PAYMENTS:
        at = take(structs, sizeof(ps_effect_payment));
        return at != NULL ? ps_render_payment(renderer, no_view, at, out, err) : size_wrong(err);
    case PS_QUERY_REFUND:
    case PS_QUERY_REFUNDS:
        at = take(structs, sizeof(ps_effect_refund));
        return at != NULL ? ps_render_refund(renderer, no_view, at, out, err) : size_wrong(err);
    case PS_QUERY_DISPUTE:
    case PS_QUERY_DISPUTES:
        at = take(structs, sizeof(ps_effect_dispute));
        return at != NULL ? ps_render_dispute(renderer, no_view, at, out, err) : size_wrong(err);
    case PS_QUERY_SETTLEMENT:
    case PS_QUERY_SETTLEMENTS:
        at = take(structs, sizeof(ps_effect_settlement));
        return at != NULL ? ps_render_settlement(renderer, no_view, at, out, err) : size_wrong(err);
    case PS_QUERY_TRANSFER:
    case PS_QUERY_TRANSFERS:
        at = take(structs, sizeof(ps_effect_transfer));
        return at != NULL ? ps_render_transfer(renderer, no_view, at, out, err) : size_wrong(err);
    case PS_QUERY_TRADES:
        at = take(structs, sizeof(ps_trade_view));
        return at != NULL ? render_trade_view(renderer, at, out, err) : size_wrong(err);
    case PS_QUERY_KEYS:
        at = take(structs, sizeof(ps_effect_key));
        return at != NULL ? ps_render_key(renderer, no_view, at, out, err) : size_wrong(err);
    case PS_QUERY_ACCOUNT:
    case PS_QUERY_ACCOUNTS:
        at = take(structs, sizeof(ps_account_view));
        return at != NULL ? render_account(renderer, query, result, at, out, err) : size_wrong(err);
    case PS_QUERY_TRIAL_BALANCE:
        at = take(structs, sizeof(ps_trial_balance));
        if (at != NULL) {
            render_balance(at, out);
        }
        return at != NULL ? PS_OK : size_wrong(err);
    case PS_QUERY_EVENTS:
    case PS_QUERY_VERIFY:
        break;
    }
    return size_wrong(err);
}

/* ── lists ── */

static bool is_single(ps_query_kind kind)
{
    return kind == PS_QUERY_PAYMENT || kind == PS_QUERY_REFUND || kind == PS_QUERY_DISPUTE ||
           kind == PS_QUERY_TRANSFER || kind == PS_QUERY_SETTLEMENT || kind == PS_QUERY_ACCOUNT;
}

void ps_render_page_end(const ps_query *query, uint64_t next, ps_buf *out)
{
    if (next == 0) {
        PS_PUT(out, "],\"has_more\":false,\"next_cursor\":null}");
        return;
    }
    char cursor[PS_CURSOR_CHARS];
    ps_cursor_format(query, next, cursor);
    PS_PUT(out, "],\"has_more\":true,\"next_cursor\":");
    ps_render_text(out, ps_slice_of(cursor, sizeof cursor));
    ps_buf_append_char(out, '}');
}

/* Filters by texts, which the core does not have: metadata[k]=v of payments, reference of refunds
 * and transfers. A page may hold fewer than it could; the cursor goes on all the same. Passes over
 * what is not asked for. */
static ps_code filter_texts(ps_renderer *renderer, const ps_query *query, ps_slice *structs,
                            bool *out_is_asked, ps_error *err)
{
    bool by_metadata = query->kind == PS_QUERY_PAYMENTS && query->target.size > 0;
    bool by_reference = query->reference.size > 0 &&
                        (query->kind == PS_QUERY_REFUNDS || query->kind == PS_QUERY_TRANSFERS);
    const ps_effect_head *effect = (const void *)structs->data;
    uint64_t origin_seq = 0;
    size_t size = 0;
    if (by_metadata) {
        size = sizeof(ps_effect_payment);
    } else if (by_reference) {
        size =
            query->kind == PS_QUERY_REFUNDS ? sizeof(ps_effect_refund) : sizeof(ps_effect_transfer);
    } else {
        return PS_OK;
    }
    if (structs->size < size) {
        return size_wrong(err);
    }
    if (by_metadata) {
        origin_seq = ((const ps_effect_payment *)effect)->origin_seq;
    } else if (query->kind == PS_QUERY_REFUNDS) {
        origin_seq = ((const ps_effect_refund *)effect)->origin_seq;
    } else {
        origin_seq = ((const ps_effect_transfer *)effect)->origin_seq;
    }
    ps_slice text;
    ps_code code = ps_origin_text(renderer, effect, origin_seq,
                                  by_metadata ? PS_TEXT_METADATA : PS_TEXT_REFERENCE, &text, err);
    if (code != PS_OK) {
        return code;
    }
    *out_is_asked = by_metadata ? ps_metadata_matches(text, query->target)
                                : ps_slice_equal(text, query->reference);
    if (!*out_is_asked) {
        (void)take(structs, size);
    }
    return PS_OK;
}

static ps_code render_list(ps_renderer *renderer, const ps_query *query,
                           const ps_query_result *result, ps_slice structs, ps_buf *out,
                           ps_error *err)
{
    bool first = true;
    PS_PUT(out, "{\"data\":[");
    for (uint32_t i = 0; i < result->count; i++) {
        bool is_asked = true;
        ps_code code = filter_texts(renderer, query, &structs, &is_asked, err);
        if (code != PS_OK) {
            return code;
        }
        if (!is_asked) {
            continue;
        }
        if (!first) {
            ps_buf_append_char(out, ',');
        }
        first = false;
        code = render_next(renderer, query, result, &structs, out, err);
        if (code != PS_OK) {
            return code;
        }
    }
    if (query->kind == PS_QUERY_TRIAL_BALANCE) {
        PS_PUT(out, "]}");
    } else {
        ps_render_page_end(query, result->next, out);
    }
    return PS_OK;
}

/* ── verify ── */

static bool is_violated(ps_slice structs, const char *invariant)
{
    const ps_violation *violation;
    while ((violation = take(&structs, sizeof *violation)) != NULL) {
        if (strncmp(violation->invariant, invariant, sizeof violation->invariant) == 0) {
            return true;
        }
    }
    return false;
}

static void render_violation(const ps_violation *violation, ps_buf *out)
{
    PS_PUT(out, "{\"id\":");
    ps_render_text(out, ps_slice_of(violation->invariant,
                                    strnlen(violation->invariant, sizeof violation->invariant)));
    PS_PUT(out, ",\"message\":");
    ps_render_text(out, ps_slice_of(violation->sentence,
                                    strnlen(violation->sentence, sizeof violation->sentence)));
    ps_buf_append_char(out, '}');
}

static void render_verify(const ps_query_result *result, ps_slice structs, ps_buf *out)
{
    PS_PUT(out, "{\"ok\":");
    ps_buf_append_text(out, result->count == 0 ? "true" : "false");
    PS_PUT(out, ",\"checks\":[");
    for (size_t i = 0; i < INVARIANT_COUNT; i++) {
        ps_buf_append_format(out, "%s{\"id\":\"%s\",\"ok\":%s}", i > 0 ? "," : "", invariants[i],
                             is_violated(structs, invariants[i]) ? "false" : "true");
    }
    PS_PUT(out, "],\"violations\":[");
    bool first = true;
    const ps_violation *violation;
    while ((violation = take(&structs, sizeof *violation)) != NULL) {
        if (!first) {
            ps_buf_append_char(out, ',');
        }
        render_violation(violation, out);
        first = false;
    }
    PS_PUT(out, "]}");
}

ps_code ps_render_query(ps_renderer *renderer, const ps_query *query, const ps_query_result *result,
                        ps_slice structs, ps_buf *out, ps_error *err)
{
    size_t size_before = out->size;
    ps_code code = PS_OK;
    if (query->kind == PS_QUERY_VERIFY) {
        render_verify(result, structs, out);
    } else if (is_single(query->kind)) {
        code = render_next(renderer, query, result, &structs, out, err);
    } else {
        code = render_list(renderer, query, result, structs, out, err);
    }
    if (code == PS_OK && out->failed) {
        code = ps_error_set(err, PS_E_LIMIT, "the answer does not fit in %zu bytes", out->size_max);
    }
    if (code != PS_OK) {
        out->size = size_before;
    }
    return code;
}

/* ── events ── */

ps_code ps_render_events(ps_renderer *renderer, uint64_t seq, ps_slice payload,
                         const ps_event_sink *sink, ps_error *err)
{
    ps_record_view view = {seq, payload};
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        uint64_t sequence = ps_effect_sequence(e);
        if (sequence <= sink->after || ps_effect_event_book(e) != sink->book) {
            continue;
        }
        ps_buf_clear(&renderer->scratch);
        ps_code code = ps_render_event(renderer, view, e, &renderer->scratch, err);
        if (code != PS_OK) {
            return code;
        }
        sink->emit(sink->context, (ps_event_type)e->event, sequence,
                   ps_buf_slice(&renderer->scratch));
    }
    return PS_OK;
}
