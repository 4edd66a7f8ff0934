#include "serve/render_object.h"

#include <stdlib.h>

#include "base/time.h"
#include "data/json_writer.h"

enum {
    RECORD_COPY_MAX = PS_RECORD_PAYLOAD_MAX,
    SCRATCH_MAX = 64 * 1024 * 1024,
    RAIL_TEXT_MAX = 256
};

/* ── the renderer ── */

static ps_code cursor_read(void *context, uint64_t seq, ps_slice *out_payload, ps_error *err)
{
    ps_record record;
    ps_code code = ps_journal_cursor_read(context, seq, &record, err);
    if (code == PS_OK) {
        *out_payload = record.payload;
    }
    return code;
}

ps_code ps_renderer_new_from(ps_record_source source, ps_u128 instance, ps_renderer **out_renderer,
                             ps_error *err)
{
    ps_renderer *renderer = calloc(1, sizeof *renderer);
    if (renderer == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a renderer");
    }
    renderer->source = source;
    renderer->instance = instance;
    ps_buf_init(&renderer->walk, RECORD_COPY_MAX);
    ps_buf_init(&renderer->scratch, SCRATCH_MAX);
    *out_renderer = renderer;
    return PS_OK;
}

ps_code ps_renderer_new(ps_journal *journal, ps_u128 instance, ps_renderer **out_renderer,
                        ps_error *err)
{
    ps_journal_cursor *cursor;
    ps_code code = ps_journal_cursor_new(journal, &cursor, err);
    if (code != PS_OK) {
        return code;
    }
    code =
        ps_renderer_new_from((ps_record_source){cursor, cursor_read}, instance, out_renderer, err);
    if (code != PS_OK) {
        ps_journal_cursor_free(cursor);
        return code;
    }
    (*out_renderer)->cursor = cursor;
    return PS_OK;
}

void ps_renderer_free(ps_renderer *renderer)
{
    if (renderer == NULL) {
        return;
    }
    if (renderer->cursor != NULL) {
        ps_journal_cursor_free(renderer->cursor);
    }
    ps_buf_release(&renderer->walk);
    ps_buf_release(&renderer->scratch);
    free(renderer);
}

void ps_renderer_set_names(ps_renderer *renderer, ps_account_names names)
{
    renderer->names = names;
}

static ps_code source_read(ps_renderer *renderer, uint64_t seq, ps_slice *out_payload,
                           ps_error *err)
{
    ps_slice payload;
    ps_code code = renderer->source.read(renderer->source.context, seq, &payload, err);
    if (code != PS_OK) {
        return code;
    }
    if (!ps_record_check(payload)) {
        return ps_error_set(err, PS_E_DAMAGED, "journal record %llu has a form that is not known",
                            (unsigned long long)seq);
    }
    *out_payload = payload;
    return PS_OK;
}

ps_code ps_renderer_walk_to(ps_renderer *renderer, uint64_t seq, ps_record_view *out_view,
                            ps_error *err)
{
    ps_slice payload;
    ps_code code = source_read(renderer, seq, &payload, err);
    if (code != PS_OK) {
        return code;
    }
    ps_buf_clear(&renderer->walk);
    ps_buf_append_slice(&renderer->walk, payload);
    if (renderer->walk.failed) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to copy journal record %llu",
                            (unsigned long long)seq);
    }
    *out_view = (ps_record_view){seq, ps_buf_slice(&renderer->walk)};
    return PS_OK;
}

/* ── pieces ── */

void ps_render_text(ps_buf *out, ps_slice text)
{
    ps_json_append_string(out, text);
}

void ps_render_text_or_null(ps_buf *out, ps_slice text)
{
    if (text.size == 0) {
        PS_PUT(out, "null");
    } else {
        ps_render_text(out, text);
    }
}

void ps_render_time(ps_buf *out, int64_t time_ns)
{
    char text[PS_TIME_CHARS + 2];
    text[0] = '"';
    ps_time_format(time_ns, text + 1);
    text[PS_TIME_CHARS + 1] = '"';
    ps_buf_append(out, text, sizeof text);
}

void ps_render_time_or_null(ps_buf *out, int64_t time_ns)
{
    if (time_ns == 0) {
        PS_PUT(out, "null");
    } else {
        ps_render_time(out, time_ns);
    }
}

void ps_render_id(const ps_renderer *renderer, ps_buf *out, ps_id_kind kind, uint64_t number,
                  int64_t created_ns)
{
    char text[PS_ID_TEXT_MAX + 2];
    text[0] = '"';
    size_t size = ps_id_format(renderer->instance, kind, number, created_ns, text + 1);
    text[size + 1] = '"';
    ps_buf_append(out, text, size + 2);
}

void ps_render_request_id(ps_buf *out, ps_u128 request_id)
{
    char text[32] = {'"'};
    ps_request_id_format(request_id, text + 1);
    text[31] = '"';
    ps_buf_append(out, text, sizeof text);
}

/* `word` is one of our own names: nothing to escape. */
static void put_word(ps_buf *out, const char *word)
{
    PS_ASSERT(word != NULL);
    ps_buf_append_char(out, '"');
    ps_buf_append_text(out, word);
    ps_buf_append_char(out, '"');
}

#define PUT_AMOUNT(out, name, value)                                                               \
    do {                                                                                           \
        PS_PUT(out, ",\"" name "\":");                                                             \
        ps_buf_append_i64(out, value);                                                             \
    } while (0)

static void put_number(ps_buf *out, ps_slice key, uint64_t value)
{
    ps_buf_append_slice(out, key);
    ps_buf_append_u64(out, value);
}

static void put_times(ps_buf *out, int64_t created_ns, int64_t updated_ns)
{
    PS_PUT(out, ",\"created\":");
    ps_render_time(out, created_ns);
    PS_PUT(out, ",\"updated\":");
    ps_render_time(out, updated_ns);
}

static void put_version(ps_buf *out, uint32_t version, uint64_t sequence)
{
    put_number(out, PS_SLICE(",\"version\":"), version);
    put_number(out, PS_SLICE(",\"sequence\":"), sequence);
}

static void put_amount(ps_buf *out, int64_t amount, ps_currency currency)
{
    PUT_AMOUNT(out, "amount", amount);
    PS_PUT(out, ",\"currency\":");
    put_word(out, ps_currency_code(currency));
}

/* Writers never look at `failed` but here: one check an object. */
static ps_code finish(const ps_buf *out, ps_error *err)
{
    if (out->failed) {
        return ps_error_set(err, PS_E_LIMIT, "the reply is larger than its buffer of %zu bytes",
                            out->size_max);
    }
    return PS_OK;
}

/* ── effects ── */

/* The texts of the object as it was created: those of its first effect in the origin record. */
static const ps_effect_texts *texts_in(ps_slice payload, ps_effect_type type, uint64_t number)
{
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        if (e->type != type || ps_effect_number(e) != number) {
            continue;
        }
        const ps_effect_texts *texts = ps_effect_texts_of(payload, e);
        if (texts != NULL) {
            return texts;
        }
    }
    return NULL;
}

/* *out_texts is NULL when the object has none. Borrowed from the view or from the source. */
static ps_code origin_texts(ps_renderer *renderer, ps_record_view view, uint64_t origin_seq,
                            const ps_effect_head *effect, const ps_effect_texts **out_texts,
                            ps_error *err)
{
    ps_slice payload = view.payload;
    if (view.payload.size == 0 || view.seq != origin_seq) {
        ps_code code = source_read(renderer, origin_seq, &payload, err);
        if (code != PS_OK) {
            return code;
        }
    }
    *out_texts = texts_in(payload, (ps_effect_type)effect->type, ps_effect_number(effect));
    return PS_OK;
}

static ps_slice text_of(const ps_effect_texts *texts, ps_text_field field)
{
    return texts != NULL ? ps_texts_get(texts, field) : (ps_slice){NULL, 0};
}

/* ── payment ── */

/* What a rail said in a later record than the payment's own: copied, because the source lends one
 * record at a time. */
typedef struct {
    char reference[RAIL_TEXT_MAX], decline_code[RAIL_TEXT_MAX];
    size_t reference_size, decline_code_size;
} rail_words;

static size_t copy_text(ps_slice text, char out[RAIL_TEXT_MAX])
{
    size_t size = text.size < RAIL_TEXT_MAX ? text.size : RAIL_TEXT_MAX;
    if (size > 0) {
        memcpy(out, text.data, size);
    }
    return size;
}

static ps_code rail_words_get(ps_renderer *renderer, ps_record_view view,
                              const ps_effect_payment *payment, rail_words *out_words,
                              ps_error *err)
{
    out_words->reference_size = 0;
    out_words->decline_code_size = 0;
    if (payment->rail_reference_seq == 0) {
        return PS_OK;
    }
    ps_slice payload = view.payload;
    if (view.payload.size == 0 || view.seq != payment->rail_reference_seq) {
        ps_code code = source_read(renderer, payment->rail_reference_seq, &payload, err);
        if (code != PS_OK) {
            return code;
        }
    }
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        if (e->type != PS_EFFECT_PAYMENT || ps_effect_number(e) != payment->payment) {
            continue;
        }
        const ps_effect_texts *texts = ps_effect_texts_of(payload, e);
        ps_slice reference = text_of(texts, PS_TEXT_RAIL_REFERENCE);
        ps_slice decline = text_of(texts, PS_TEXT_DECLINE_CODE);
        if (reference.size > 0) {
            out_words->reference_size = copy_text(reference, out_words->reference);
        }
        if (decline.size > 0) {
            out_words->decline_code_size = copy_text(decline, out_words->decline_code);
        }
    }
    return PS_OK;
}

static void put_instrument(ps_buf *out, const ps_effect_payment *payment,
                           const ps_effect_texts *texts)
{
    static const struct {
        ps_text_field field;
        ps_slice key;
    } fields[] = {
        {PS_TEXT_TOKEN, {",\"token\":", 9}},           {PS_TEXT_BIN, {",\"bin\":", 7}},
        {PS_TEXT_LAST4, {",\"last4\":", 9}},           {PS_TEXT_EXP, {",\"exp\":", 7}},
        {PS_TEXT_CARD_COUNTRY, {",\"country\":", 11}},
    };
    if (payment->instrument != PS_INSTRUMENT_CARD) {
        PS_PUT(out, ",\"instrument\":{\"type\":\"wallet\"}");
        return;
    }
    PS_PUT(out, ",\"instrument\":{\"type\":\"card\"");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        ps_slice text = text_of(texts, fields[i].field);
        if (text.size > 0) {
            ps_buf_append_slice(out, fields[i].key);
            ps_render_text(out, text);
        }
    }
    ps_buf_append_char(out, '}');
}

static void put_counters(ps_buf *out, const ps_effect_payment *payment)
{
    const ps_counters *c = &payment->counters;
    PUT_AMOUNT(out, "authorised", c->authorised);
    PUT_AMOUNT(out, "capturable", c->capturable);
    PUT_AMOUNT(out, "captured", c->captured);
    PUT_AMOUNT(out, "refunded", c->refunded);
    PUT_AMOUNT(out, "refund_pending", c->refund_pending);
    PUT_AMOUNT(out, "refundable", ps_payment_refundable(c, (ps_phase)payment->phase));
    PUT_AMOUNT(out, "disputed", c->disputed);
    PUT_AMOUNT(out, "charged_back", c->charged_back);
    PUT_AMOUNT(out, "settled", c->settled);
    PUT_AMOUNT(out, "fee", payment->fee);
}

static void put_decline(ps_buf *out, const ps_effect_payment *payment, const rail_words *words)
{
    const ps_decline_text *text = ps_decline_describe((ps_decline)payment->decline);
    if (text == NULL) {
        PS_PUT(out, ",\"decline\":null");
        return;
    }
    PS_PUT(out, ",\"decline\":{\"code\":");
    if (payment->decline == PS_DECLINE_OTHER && words->decline_code_size > 0) {
        ps_render_text(out, ps_slice_of(words->decline_code, words->decline_code_size));
    } else {
        put_word(out, text->code);
    }
    PS_PUT(out, ",\"advice\":");
    put_word(out, text->advice);
    PS_PUT(out, ",\"message\":");
    ps_render_text(out, ps_slice_text(text->message));
    ps_buf_append_char(out, '}');
}

static void put_decision(ps_buf *out, const ps_effect_payment *payment)
{
    if (payment->decision == PS_ACTION_NONE) {
        PS_PUT(out, ",\"decision\":null");
        return;
    }
    PS_PUT(out, ",\"decision\":{\"action\":");
    put_word(out, ps_action_name((ps_action)payment->decision));
    put_number(out, PS_SLICE(",\"score\":"), payment->score);
    PS_PUT(out, ",\"alerts\":[]}");
}

/* The simulator's references are made from the payment's number, and shown once it was asked. */
static bool simulator_was_asked(const ps_effect_payment *payment)
{
    switch ((ps_phase)payment->phase) {
    case PS_PHASE_CREATED:
    case PS_PHASE_IN_REVIEW:
        return false;
    case PS_PHASE_DECLINED:
        return payment->decline != PS_DECLINE_RISK && payment->decline != PS_DECLINE_REVIEWER;
    case PS_PHASE_CANCELLED:
    case PS_PHASE_EXPIRED:
        return payment->counters.authorised > 0;
    case PS_PHASE_PROCESSING:
    case PS_PHASE_UNKNOWN:
    case PS_PHASE_OPEN:
    case PS_PHASE_FAILED:
    case PS_PHASE_REVERSED:
    case PS_PHASE_COUNT:
        return true;
    }
    return false;
}

static void put_rail(const ps_renderer *renderer, ps_buf *out, const ps_effect_payment *payment,
                     const rail_words *words)
{
    PS_PUT(out, ",\"rail\":{\"name\":");
    put_word(out, ps_rail_name((ps_rail_kind)payment->rail));
    PS_PUT(out, ",\"reference\":");
    if (words->reference_size > 0) {
        ps_render_text(out, ps_slice_of(words->reference, words->reference_size));
    } else if (payment->rail == PS_RAIL_SIMULATOR && simulator_was_asked(payment)) {
        ps_render_id(renderer, out, PS_ID_SIMULATOR, payment->payment, payment->created_ns);
    } else {
        PS_PUT(out, "null");
    }
    ps_buf_append_char(out, '}');
}

static void put_payment_texts(ps_buf *out, const ps_effect_payment *payment,
                              const ps_effect_texts *texts)
{
    PS_PUT(out, ",\"merchant\":");
    ps_render_text(out, text_of(texts, PS_TEXT_MERCHANT));
    PS_PUT(out, ",\"payer\":");
    ps_render_text(out, text_of(texts, PS_TEXT_PAYER));
    put_instrument(out, payment, texts);
    if ((payment->flags & PS_PAYMENT_MANUAL_CAPTURE) != 0) {
        PS_PUT(out, ",\"capture_method\":\"manual\"");
    } else {
        PS_PUT(out, ",\"capture_method\":\"automatic\"");
    }
    PS_PUT(out, ",\"reference\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_REFERENCE));
    PS_PUT(out, ",\"description\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_DESCRIPTION));
    PS_PUT(out, ",\"metadata\":");
    ps_slice metadata = text_of(texts, PS_TEXT_METADATA);
    ps_buf_append_slice(out, metadata.size > 0 ? metadata : PS_SLICE("{}"));
}

static void put_payment_id(const ps_renderer *renderer, ps_buf *out,
                           const ps_effect_payment *payment, const ps_effect_texts *texts)
{
    ps_slice client_id = text_of(texts, PS_TEXT_CLIENT_ID);
    if ((payment->flags & PS_PAYMENT_CLIENT_ID) != 0 && client_id.size > 0) {
        ps_render_text(out, client_id);
    } else {
        ps_render_id(renderer, out, PS_ID_PAYMENT, payment->payment, payment->created_ns);
    }
}

ps_code ps_render_payment(ps_renderer *renderer, ps_record_view view,
                          const ps_effect_payment *payment, ps_buf *out, ps_error *err)
{
    rail_words words;
    ps_code code = rail_words_get(renderer, view, payment, &words, err);
    if (code != PS_OK) {
        return code;
    }
    const ps_effect_texts *texts;
    code = origin_texts(renderer, view, payment->origin_seq, &payment->head, &texts, err);
    if (code != PS_OK) {
        return code;
    }
    PS_PUT(out, "{\"id\":");
    put_payment_id(renderer, out, payment, texts);
    PS_PUT(out, ",\"object\":\"payment\",\"status\":");
    put_word(out, ps_status_name((ps_status)payment->status));
    put_amount(out, payment->amount, payment->currency);
    put_payment_texts(out, payment, texts);
    put_counters(out, payment);
    put_decline(out, payment, &words);
    put_decision(out, payment);
    put_rail(renderer, out, payment, &words);
    PS_PUT(out, ",\"expires_at\":");
    ps_render_time_or_null(out, payment->expires_ns);
    put_times(out, payment->created_ns, payment->updated_ns);
    put_version(out, payment->version, payment->sequence);
    if ((payment->flags & PS_PAYMENT_LIVE) != 0) {
        PS_PUT(out, ",\"livemode\":true}");
    } else {
        PS_PUT(out, ",\"livemode\":false}");
    }
    return finish(out, err);
}

ps_code ps_origin_text(ps_renderer *renderer, const ps_effect_head *effect, uint64_t origin_seq,
                       ps_text_field field, ps_slice *out_text, ps_error *err)
{
    const ps_effect_texts *texts;
    const ps_record_view no_view = {0, {NULL, 0}};
    ps_code code = origin_texts(renderer, no_view, origin_seq, effect, &texts, err);
    if (code == PS_OK) {
        *out_text = text_of(texts, field);
    }
    return code;
}

/* ── children ── */

ps_code ps_render_refund(ps_renderer *renderer, ps_record_view view, const ps_effect_refund *refund,
                         ps_buf *out, ps_error *err)
{
    const ps_effect_texts *texts;
    ps_code code = origin_texts(renderer, view, refund->origin_seq, &refund->head, &texts, err);
    if (code != PS_OK) {
        return code;
    }
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_REFUND, refund->refund, refund->created_ns);
    PS_PUT(out, ",\"object\":\"refund\",\"payment\":");
    ps_render_text(out, text_of(texts, PS_TEXT_PAYMENT_ID));
    put_amount(out, refund->amount, refund->currency);
    PS_PUT(out, ",\"status\":");
    put_word(out, ps_refund_status_name((ps_refund_status)refund->status));
    PS_PUT(out, ",\"reason\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_REASON));
    PS_PUT(out, ",\"reference\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_REFERENCE));
    put_times(out, refund->created_ns, refund->updated_ns);
    put_version(out, refund->version, refund->sequence);
    ps_buf_append_char(out, '}');
    return finish(out, err);
}

ps_code ps_render_dispute(ps_renderer *renderer, ps_record_view view,
                          const ps_effect_dispute *dispute, ps_buf *out, ps_error *err)
{
    const ps_effect_texts *texts;
    ps_code code = origin_texts(renderer, view, dispute->origin_seq, &dispute->head, &texts, err);
    if (code != PS_OK) {
        return code;
    }
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_DISPUTE, dispute->dispute, dispute->created_ns);
    PS_PUT(out, ",\"object\":\"dispute\",\"payment\":");
    ps_render_text(out, text_of(texts, PS_TEXT_PAYMENT_ID));
    put_amount(out, dispute->amount, dispute->currency);
    PS_PUT(out, ",\"status\":");
    put_word(out, ps_dispute_status_name((ps_dispute_status)dispute->status));
    PS_PUT(out, ",\"reason\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_REASON));
    PS_PUT(out, ",\"respond_by\":");
    ps_render_time_or_null(out, dispute->respond_by_ns);
    put_times(out, dispute->created_ns, dispute->updated_ns);
    put_version(out, dispute->version, dispute->sequence);
    ps_buf_append_char(out, '}');
    return finish(out, err);
}

ps_code ps_render_settlement(ps_renderer *renderer, ps_record_view view,
                             const ps_effect_settlement *settlement, ps_buf *out, ps_error *err)
{
    const ps_effect_texts *texts;
    ps_code code =
        origin_texts(renderer, view, settlement->origin_seq, &settlement->head, &texts, err);
    if (code != PS_OK) {
        return code;
    }
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_SETTLEMENT, settlement->settlement, settlement->created_ns);
    PS_PUT(out, ",\"object\":\"settlement\",\"merchant\":");
    ps_render_text(out, text_of(texts, PS_TEXT_MERCHANT));
    PS_PUT(out, ",\"currency\":");
    put_word(out, ps_currency_code(settlement->currency));
    PS_PUT(out, ",\"status\":");
    put_word(out, ps_settlement_status_name((ps_settlement_status)settlement->status));
    PUT_AMOUNT(out, "gross", settlement->gross);
    PUT_AMOUNT(out, "fees", settlement->fees);
    PUT_AMOUNT(out, "refunds", settlement->refunds);
    PUT_AMOUNT(out, "disputes", settlement->disputes);
    PUT_AMOUNT(out, "net", settlement->net);
    put_number(out, PS_SLICE(",\"items\":"), settlement->item_count);
    put_times(out, settlement->created_ns, settlement->updated_ns);
    put_number(out, PS_SLICE(",\"sequence\":"), settlement->sequence);
    ps_buf_append_char(out, '}');
    return finish(out, err);
}

static const char *transfer_status_name(ps_transfer_state status)
{
    switch (status) {
    case PS_TRANSFER_PENDING:
        return "pending";
    case PS_TRANSFER_POSTED:
        return "posted";
    case PS_TRANSFER_VOIDED:
        return "voided";
    case PS_TRANSFER_EXPIRED:
        return "expired";
    }
    return NULL;
}

static void put_id_or_null(const ps_renderer *renderer, ps_buf *out, ps_id_kind kind,
                           uint64_t number, int64_t created_ns)
{
    if (number == 0) {
        PS_PUT(out, "null");
    } else {
        ps_render_id(renderer, out, kind, number, created_ns);
    }
}

ps_code ps_render_transfer(ps_renderer *renderer, ps_record_view view,
                           const ps_effect_transfer *transfer, ps_buf *out, ps_error *err)
{
    const ps_effect_texts *texts;
    ps_code code = origin_texts(renderer, view, transfer->origin_seq, &transfer->head, &texts, err);
    if (code != PS_OK) {
        return code;
    }
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_TRANSFER, transfer->transfer, transfer->created_ns);
    PS_PUT(out, ",\"object\":\"transfer\",\"debit\":");
    ps_render_text(out, text_of(texts, PS_TEXT_DEBIT));
    PS_PUT(out, ",\"credit\":");
    ps_render_text(out, text_of(texts, PS_TEXT_CREDIT));
    put_amount(out, transfer->amount, transfer->currency);
    PS_PUT(out, ",\"status\":");
    put_word(out, transfer_status_name((ps_transfer_state)transfer->status));
    PUT_AMOUNT(out, "posted", transfer->posted);
    PS_PUT(out, ",\"timeout_at\":");
    ps_render_time_or_null(out, transfer->timeout_ns);
    PS_PUT(out, ",\"reverses\":");
    put_id_or_null(renderer, out, PS_ID_TRANSFER, transfer->reverses,
                   transfer->reverses_created_ns);
    PS_PUT(out, ",\"reverted_by\":");
    put_id_or_null(renderer, out, PS_ID_TRANSFER, transfer->reverted_by,
                   transfer->reverted_by_created_ns);
    PS_PUT(out, ",\"reference\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_REFERENCE));
    put_times(out, transfer->created_ns, transfer->updated_ns);
    put_number(out, PS_SLICE(",\"sequence\":"), transfer->sequence);
    ps_buf_append_char(out, '}');
    return finish(out, err);
}

/* A trade's payment by the number it carries, or by the payment's own texts when the client chose
 * the id. */
static ps_code put_trade_payment(ps_renderer *renderer, ps_record_view view,
                                 const ps_effect_trade *trade, ps_buf *out, ps_error *err)
{
    if (trade->payment == PS_INDEX_NONE) {
        PS_PUT(out, "null");
        return PS_OK;
    }
    if ((trade->payment_flags & PS_PAYMENT_CLIENT_ID) == 0) {
        ps_render_id(renderer, out, PS_ID_PAYMENT, trade->payment, trade->payment_created_ns);
        return PS_OK;
    }
    ps_slice payload = view.payload;
    if (view.payload.size == 0 || view.seq != trade->payment_origin_seq) {
        ps_code code = source_read(renderer, trade->payment_origin_seq, &payload, err);
        if (code != PS_OK) {
            return code;
        }
    }
    const ps_effect_texts *texts = texts_in(payload, PS_EFFECT_PAYMENT, trade->payment);
    ps_render_text(out, text_of(texts, PS_TEXT_CLIENT_ID));
    return PS_OK;
}

ps_code ps_render_trade(ps_renderer *renderer, ps_record_view view, const ps_effect_trade *trade,
                        ps_trade_status status, ps_buf *out, ps_error *err)
{
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_TRADE, trade->trade, trade->created_ns);
    PS_PUT(out, ",\"object\":\"trade_record\",\"kind\":");
    put_word(out, ps_trade_kind_name((ps_trade_kind)trade->kind));
    PS_PUT(out, ",\"status\":");
    put_word(out, ps_trade_status_name(status));
    PS_PUT(out, ",\"payment\":");
    ps_code code = put_trade_payment(renderer, view, trade, out, err);
    if (code != PS_OK) {
        return code;
    }
    put_amount(out, trade->amount, trade->currency);
    PS_PUT(out, ",\"reverses\":");
    put_id_or_null(renderer, out, PS_ID_TRADE, trade->reverses, trade->reverses_created_ns);
    PS_PUT(out, ",\"reason\":");
    const ps_effect_texts *texts = texts_in(view.payload, PS_EFFECT_TRADE, trade->trade);
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_REASON));
    PS_PUT(out, ",\"created\":");
    ps_render_time(out, trade->created_ns);
    put_number(out, PS_SLICE(",\"sequence\":"), trade->sequence);
    ps_buf_append_char(out, '}');
    return finish(out, err);
}

/* ── the rest ── */

static const char *severity_name(uint8_t severity)
{
    static const char *const names[] = {"low", "medium", "high", "critical"};
    return severity >= 1 && severity <= 4 ? names[severity - 1] : "low";
}

void ps_render_risk_event(ps_renderer *renderer, ps_record_view view,
                          const ps_effect_risk_event *risk_event, ps_buf *out)
{
    const ps_effect_texts *texts =
        texts_in(view.payload, PS_EFFECT_RISK_EVENT, risk_event->risk_event);
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_RISK_EVENT, risk_event->risk_event, risk_event->created_ns);
    PS_PUT(out, ",\"object\":\"risk_event\",\"type\":");
    put_word(out, ps_risk_type_name((ps_risk_type)risk_event->risk_type));
    PS_PUT(out, ",\"kind\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_KIND));
    PS_PUT(out, ",\"severity\":");
    put_word(out, severity_name(risk_event->severity));
    PS_PUT(out, ",\"payment\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_PAYMENT_ID));
    PS_PUT(out, ",\"entity\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_ENTITY));
    PS_PUT(out, ",\"data\":");
    ps_slice data = text_of(texts, PS_TEXT_DATA);
    ps_buf_append_slice(out, data.size > 0 ? data : PS_SLICE("null"));
    PS_PUT(out, ",\"created\":");
    ps_render_time(out, risk_event->created_ns);
    put_number(out, PS_SLICE(",\"sequence\":"), risk_event->sequence);
    ps_buf_append_char(out, '}');
}

static void put_words(ps_buf *out, uint32_t bits, const char *const *words, size_t word_count)
{
    bool first = true;
    ps_buf_append_char(out, '[');
    for (size_t i = 0; i < word_count; i++) {
        if ((bits & (1U << i)) == 0) {
            continue;
        }
        if (!first) {
            ps_buf_append_char(out, ',');
        }
        put_word(out, words[i]);
        first = false;
    }
    ps_buf_append_char(out, ']');
}

ps_code ps_render_key(ps_renderer *renderer, ps_record_view view, const ps_effect_key *key,
                      ps_buf *out, ps_error *err)
{
    static const char *const scopes[] = {"admin",        "payments:write", "refunds:write",
                                         "ledger:write", "rail:write",     "risk:write",
                                         "read"};
    const ps_effect_texts *texts = NULL;
    ps_code code = origin_texts(renderer, view, key->origin_seq, &key->head, &texts, err);
    if (code != PS_OK) {
        return code;
    }
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_KEY, key->key, key->created_ns);
    PS_PUT(out, ",\"object\":\"key\",\"name\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_NAME));
    PS_PUT(out, ",\"scopes\":");
    put_words(out, key->scopes, scopes, sizeof scopes / sizeof scopes[0]);
    PS_PUT(out, ",\"mode\":");
    put_word(out, key->live != 0 ? "live" : "test");
    PS_PUT(out, ",\"tenant\":");
    ps_render_text_or_null(out, text_of(texts, PS_TEXT_TENANT));
    PS_PUT(out, ",\"created\":");
    ps_render_time(out, key->created_ns);
    PS_PUT(out, ",\"expires_at\":");
    ps_render_time_or_null(out, key->expires_ns);
    ps_buf_append_char(out, '}');
    return finish(out, err);
}

static const char *account_type_name(ps_account_type type)
{
    switch (type) {
    case PS_ACCOUNT_ASSET:
        return "asset";
    case PS_ACCOUNT_LIABILITY:
        return "liability";
    case PS_ACCOUNT_INCOME:
        return "income";
    case PS_ACCOUNT_EXPENSE:
        return "expense";
    case PS_ACCOUNT_EQUITY:
        return "equity";
    }
    return NULL;
}

#define PUT_SUM(out, name, value)                                                                  \
    do {                                                                                           \
        PS_PUT(out, ",\"" name "\":");                                                             \
        ps_buf_append_i128(out, value);                                                            \
    } while (0)

void ps_render_account(const ps_account *account, ps_slice name, ps_buf *out)
{
    static const char *const flags[] = {"debits_must_not_exceed_credits",
                                        "credits_must_not_exceed_debits", "history", "frozen",
                                        "closed"};
    const ps_account_totals *totals = &account->totals;
    PS_PUT(out, "{\"name\":");
    ps_render_text(out, name);
    PS_PUT(out, ",\"currency\":");
    put_word(out, ps_currency_code(account->currency));
    PS_PUT(out, ",\"type\":");
    put_word(out, account_type_name((ps_account_type)account->type));
    PUT_SUM(out, "debits_pending", totals->debits_pending);
    PUT_SUM(out, "debits_posted", totals->debits_posted);
    PUT_SUM(out, "credits_pending", totals->credits_pending);
    PUT_SUM(out, "credits_posted", totals->credits_posted);
    PUT_SUM(out, "balance", ps_account_balance(account->type, totals));
    PUT_SUM(out, "available", ps_account_available(account->type, totals));
    PS_PUT(out, ",\"flags\":");
    put_words(out, account->flags, flags, sizeof flags / sizeof flags[0]);
    put_number(out, PS_SLICE(",\"version\":"), account->entry_count);
    ps_buf_append_char(out, '}');
}

ps_code ps_render_effect(ps_renderer *renderer, ps_record_view view, const ps_effect_head *effect,
                         ps_buf *out, ps_error *err)
{
    const void *at = effect;
    switch ((ps_effect_type)effect->type) {
    case PS_EFFECT_PAYMENT:
        return ps_render_payment(renderer, view, at, out, err);
    case PS_EFFECT_REFUND:
        return ps_render_refund(renderer, view, at, out, err);
    case PS_EFFECT_DISPUTE:
        return ps_render_dispute(renderer, view, at, out, err);
    case PS_EFFECT_TRADE:
        return ps_render_trade(renderer, view, at,
                               (ps_trade_status)((const ps_effect_trade *)at)->status, out, err);
    case PS_EFFECT_SETTLEMENT:
        return ps_render_settlement(renderer, view, at, out, err);
    case PS_EFFECT_TRANSFER:
        return ps_render_transfer(renderer, view, at, out, err);
    case PS_EFFECT_RISK_EVENT:
        ps_render_risk_event(renderer, view, at, out);
        return finish(out, err);
    case PS_EFFECT_KEY:
        return ps_render_key(renderer, view, at, out, err);
    case PS_EFFECT_ACCOUNT:
    case PS_EFFECT_ACCOUNT_FLAGS:
    case PS_EFFECT_BOOK:
    case PS_EFFECT_PARTY:
    case PS_EFFECT_LEG:
    case PS_EFFECT_TEXTS:
    case PS_EFFECT_COUNT:
        break;
    }
    return ps_error_set(err, PS_E_DAMAGED, "journal record %llu: effect %u cannot be shown",
                        (unsigned long long)view.seq, effect->type);
}

ps_code ps_render_event(ps_renderer *renderer, ps_record_view view, const ps_effect_head *effect,
                        ps_buf *out, ps_error *err)
{
    uint64_t sequence = ps_effect_sequence(effect);
    uint64_t number = (uint64_t)ps_effect_event_book(effect) << 40 | sequence;
    int64_t created_ns = ps_record_head(view.payload)->time_ns;
    PS_PUT(out, "{\"id\":");
    ps_render_id(renderer, out, PS_ID_EVENT, number, created_ns);
    PS_PUT(out, ",\"object\":\"event\",\"type\":");
    put_word(out, ps_event_name((ps_event_type)effect->event));
    put_number(out, PS_SLICE(",\"sequence\":"), sequence);
    PS_PUT(out, ",\"created\":");
    ps_render_time(out, created_ns);
    PS_PUT(out, ",\"data\":{\"object\":");
    ps_code code = ps_render_effect(renderer, view, effect, out, err);
    PS_PUT(out, "}}");
    return code;
}
