/* Replies: the status and body of a journal record, of refusals that are not stored, and of
 * refusals of form. Errors have one shape: {"error":{type, code, message, param, request_id, …}}.
 */
#include "serve/render_object.h"

/* ── errors ── */

typedef struct {
    const char *type, *code;
    ps_slice message;
    ps_slice param; /* empty: null */
    ps_u128 request_id;
} error_head;

/* Leaves the object open for what the refusal adds. */
static void error_begin(ps_buf *out, const error_head *head)
{
    PS_PUT(out, "{\"error\":{\"type\":\"");
    ps_buf_append_text(out, head->type);
    PS_PUT(out, "\",\"code\":\"");
    ps_buf_append_text(out, head->code);
    PS_PUT(out, "\",\"message\":");
    ps_render_text(out, head->message);
    PS_PUT(out, ",\"param\":");
    ps_render_text_or_null(out, head->param);
    PS_PUT(out, ",\"request_id\":");
    ps_render_request_id(out, head->request_id);
}

static void error_end(ps_buf *out)
{
    PS_PUT(out, "}}");
}

void ps_render_error(const ps_api_error *error, ps_u128 request_id, ps_buf *out)
{
    error_begin(out, &(error_head){error->type, error->code, ps_slice_text(error->message),
                                   ps_slice_text(error->param), request_id});
    error_end(out);
}

static const char *dispute_state(int64_t status)
{
    const char *name = ps_dispute_status_name((ps_dispute_status)status);
    return name != NULL ? name : "opened";
}

/* What a state conflict says about the object: its status, and the states that it may go to. Only
 * payments have a table; the children's machines are these words. */
static void put_conflict(ps_buf *out, ps_id_kind subject, int64_t detail)
{
    const char *status = NULL;
    const char *allowed = "[]";
    switch (subject) {
    case PS_ID_DISPUTE:
        status = dispute_state(detail);
        if (detail == PS_DISPUTE_OPENED || detail == PS_DISPUTE_CHALLENGED) {
            allowed = "[\"challenged\",\"won\",\"lost\"]";
        }
        break;
    case PS_ID_REFUND:
        status = ps_refund_status_name((ps_refund_status)detail);
        break;
    case PS_ID_SETTLEMENT:
        status = ps_settlement_status_name((ps_settlement_status)detail);
        if (detail == PS_SETTLEMENT_CLOSED) {
            allowed = "[\"paid\",\"failed\"]";
        } else if (detail == PS_SETTLEMENT_PAID) {
            allowed = "[\"settled\"]";
        }
        break;
    case PS_ID_TRANSFER: {
        static const char *const names[] = {"pending", "posted", "voided", "expired"};
        status = detail >= 0 && detail < 4 ? names[detail] : NULL;
        if (detail == PS_TRANSFER_PENDING) {
            allowed = "[\"posted\",\"voided\",\"expired\"]";
        }
        break;
    }
    case PS_ID_PAYMENT:
    case PS_ID_TRADE:
    case PS_ID_EVENT:
    case PS_ID_RISK_EVENT:
    case PS_ID_KEY:
    case PS_ID_REQUEST:
    case PS_ID_SIMULATOR:
        break;
    }
    if (status != NULL) {
        PS_PUT(out, ",\"status\":\"");
        ps_buf_append_text(out, status);
        PS_PUT(out, "\",\"allowed\":");
        ps_buf_append_text(out, allowed);
    }
}

static void put_payment_conflict(ps_buf *out, ps_status status)
{
    const char *name = ps_status_name(status);
    if (name == NULL) {
        return;
    }
    PS_PUT(out, ",\"status\":\"");
    ps_buf_append_text(out, name);
    PS_PUT(out, "\",\"allowed\":[");
    const char *separator = "\"";
    for (const ps_status *to = ps_status_allowed(status); *to != 0; to++) {
        ps_buf_append_text(out, separator);
        ps_buf_append_text(out, ps_status_name(*to));
        ps_buf_append_char(out, '"');
        separator = ",\"";
    }
    ps_buf_append_char(out, ']');
}

static void put_amount_left(ps_buf *out, const char *name, int64_t amount)
{
    ps_buf_append_format(out, ",\"%s\":%lld", name, (long long)amount);
}

/* What a client needs to do better next time. */
static void put_detail(ps_buf *out, ps_refusal refusal, ps_id_kind subject, int64_t detail)
{
    switch (refusal) {
    case PS_REFUSED_STATE_CONFLICT:
        if (subject == 0 || subject == PS_ID_PAYMENT) {
            put_payment_conflict(out, (ps_status)detail);
        } else {
            put_conflict(out, subject, detail);
        }
        break;
    case PS_REFUSED_CAPTURE_TOO_LARGE:
        put_amount_left(out, "capturable", detail);
        break;
    case PS_REFUSED_REFUND_TOO_LARGE:
        put_amount_left(out, "refundable", detail);
        break;
    case PS_REFUSED_POST_TOO_LARGE:
        put_amount_left(out, "left", detail);
        break;
    case PS_REFUSED_NONE:
    case PS_REFUSED_DECLINED:
    case PS_REFUSED_DUPLICATE_REFERENCE:
    case PS_REFUSED_DUPLICATE_ID:
    case PS_REFUSED_ALREADY_EXISTS:
    case PS_REFUSED_AMOUNT_MISMATCH:
    case PS_REFUSED_ALREADY_REVERTED:
    case PS_REFUSED_TOO_MANY_ATTEMPTS:
    case PS_REFUSED_FEE_TOO_LARGE:
    case PS_REFUSED_ACCOUNT_UNKNOWN:
    case PS_REFUSED_ACCOUNT_FROZEN:
    case PS_REFUSED_ACCOUNT_CLOSED:
    case PS_REFUSED_ACCOUNT_NOT_EMPTY:
    case PS_REFUSED_ACCOUNTS_SAME:
    case PS_REFUSED_CURRENCY_MISMATCH:
    case PS_REFUSED_INSUFFICIENT_FUNDS:
    case PS_REFUSED_LIMIT_EXCEEDED:
    case PS_REFUSED_NOTHING_TO_SETTLE:
    case PS_REFUSED_TEST_MODE_ONLY:
    case PS_REFUSED_IDEMPOTENCY_MISMATCH:
    case PS_REFUSED_NOT_FOUND:
    case PS_REFUSED_PAYMENT_UNKNOWN:
    case PS_REFUSED_SCOPE:
    case PS_REFUSED_TABLE_FULL:
    case PS_REFUSED_STORAGE_FULL:
    case PS_REFUSED_COUNT:
        break;
    }
}

static void refusal_begin(ps_buf *out, ps_refusal refusal, ps_u128 request_id)
{
    const ps_refusal_text *text = ps_refusal_describe(refusal);
    PS_ASSERT(text != NULL);
    error_begin(out, &(error_head){text->type, text->code, ps_slice_text(text->message),
                                   ps_slice_text(text->param), request_id});
}

void ps_render_refusal(ps_refusal refusal, int64_t detail, ps_u128 request_id, ps_buf *out,
                       uint16_t *out_status)
{
    refusal_begin(out, refusal, request_id);
    put_detail(out, refusal, (ps_id_kind)0, detail);
    error_end(out);
    *out_status = ps_refusal_describe(refusal)->http_status;
}

/* ── replies of records ── */

static ps_code subject_missing(ps_error *err, uint64_t seq)
{
    return ps_error_set(err, PS_E_DAMAGED, "journal record %llu does not hold what it answers with",
                        (unsigned long long)seq);
}

/* 402: the decline's own words, and the payment as it is now. */
static ps_code render_declined(ps_renderer *renderer, ps_record_view view, ps_buf *out,
                               ps_error *err)
{
    const ps_record_header *head = ps_record_head(view.payload);
    const void *effect = ps_effect_find(view.payload, PS_EFFECT_PAYMENT, head->subject);
    if (effect == NULL) {
        return subject_missing(err, view.seq);
    }
    const ps_effect_payment *payment = effect;
    const ps_decline_text *decline = ps_decline_describe((ps_decline)payment->decline);
    const ps_refusal_text *text = ps_refusal_describe(PS_REFUSED_DECLINED);
    PS_ASSERT(text != NULL);
    if (decline == NULL) {
        return subject_missing(err, view.seq);
    }
    error_begin(out, &(error_head){text->type, text->code, ps_slice_text(decline->message),
                                   ps_slice_text(text->param), head->request_id});
    PS_PUT(out, ",\"decline_code\":\"");
    ps_buf_append_text(out, decline->code);
    PS_PUT(out, "\",\"advice\":\"");
    ps_buf_append_text(out, decline->advice);
    PS_PUT(out, "\",\"payment\":");
    ps_code code = ps_render_payment(renderer, view, payment, out, err);
    error_end(out);
    return code;
}

static ps_effect_type effect_type_of(ps_id_kind kind)
{
    switch (kind) {
    case PS_ID_PAYMENT:
        return PS_EFFECT_PAYMENT;
    case PS_ID_REFUND:
        return PS_EFFECT_REFUND;
    case PS_ID_DISPUTE:
        return PS_EFFECT_DISPUTE;
    case PS_ID_TRADE:
        return PS_EFFECT_TRADE;
    case PS_ID_TRANSFER:
        return PS_EFFECT_TRANSFER;
    case PS_ID_SETTLEMENT:
        return PS_EFFECT_SETTLEMENT;
    case PS_ID_RISK_EVENT:
        return PS_EFFECT_RISK_EVENT;
    case PS_ID_KEY:
        return PS_EFFECT_KEY;
    case PS_ID_EVENT:
    case PS_ID_REQUEST:
    case PS_ID_SIMULATOR:
        break;
    }
    return PS_EFFECT_COUNT;
}

/* An account as it was right after the record. Opening starts from nothing; a change of flags
 * carries the account in its texts (PS_TEXT_DATA: a ps_account; PS_TEXT_NAME: its name). */
static ps_code render_account_reply(ps_record_view view, ps_buf *out, ps_error *err)
{
    const ps_record_header *head = ps_record_head(view.payload);
    const ps_effect_head *effect =
        ps_effect_find(view.payload, PS_EFFECT_ACCOUNT_FLAGS, head->subject);
    if (effect != NULL) {
        const ps_effect_texts *texts = ps_effect_texts_of(view.payload, effect);
        ps_slice data = texts != NULL ? ps_texts_get(texts, PS_TEXT_DATA) : (ps_slice){NULL, 0};
        ps_account account;
        if (data.size != sizeof account) {
            return subject_missing(err, view.seq);
        }
        memcpy(&account, data.data, sizeof account);
        ps_render_account(&account, ps_texts_get(texts, PS_TEXT_NAME), out);
        return PS_OK;
    }
    effect = ps_effect_find(view.payload, PS_EFFECT_ACCOUNT, head->subject);
    if (effect == NULL) {
        return subject_missing(err, view.seq);
    }
    const ps_effect_account *opened = (const void *)effect;
    ps_account account = {.currency = opened->currency,
                          .type = opened->account_type,
                          .flags = opened->flags,
                          .book = opened->book};
    ps_render_account(&account, ps_slice_of(opened->name, opened->name_size), out);
    return PS_OK;
}

static ps_code render_done(ps_renderer *renderer, ps_record_view view, ps_buf *out, ps_error *err)
{
    const ps_record_header *head = ps_record_head(view.payload);
    if (head->subject_kind == 0) {
        return render_account_reply(view, out, err);
    }
    const ps_effect_head *effect =
        ps_effect_find(view.payload, effect_type_of((ps_id_kind)head->subject_kind), head->subject);
    if (effect == NULL) {
        return subject_missing(err, view.seq);
    }
    return ps_render_effect(renderer, view, effect, out, err);
}

ps_code ps_render_reply(ps_renderer *renderer, uint64_t seq, ps_slice payload, ps_buf *out,
                        uint16_t *out_status, ps_error *err)
{
    const ps_record_header *head = ps_record_head(payload);
    ps_record_view view = {seq, payload};
    size_t size_before = out->size;
    ps_code code = PS_OK;
    if (head->refusal == PS_REFUSED_DECLINED) {
        code = render_declined(renderer, view, out, err);
    } else if (head->refusal != PS_REFUSED_NONE) {
        refusal_begin(out, (ps_refusal)head->refusal, head->request_id);
        put_detail(out, (ps_refusal)head->refusal, (ps_id_kind)head->subject_kind, head->detail);
        error_end(out);
    } else {
        code = render_done(renderer, view, out, err);
    }
    if (code == PS_OK && out->failed) {
        code = ps_error_set(err, PS_E_LIMIT, "the reply of record %llu does not fit",
                            (unsigned long long)seq);
    }
    if (code != PS_OK) {
        out->size = size_before;
        return code;
    }
    *out_status = head->http_status;
    return PS_OK;
}
