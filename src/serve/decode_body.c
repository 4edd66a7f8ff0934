/* First pass over a body: is it JSON, does it hold a card number or secret, what is its canonical
 * form. */
#include "serve/card_number.h"
#include "serve/decode_internal.h"

typedef struct {
    ps_decoder *decoder;
    const ps_body_options *options;
    ps_slice top_key; /* newest key of the outer object */
    ps_api_error *error;
} body_scan;

static bool slice_is(ps_slice text, const char *word)
{
    return ps_slice_equal(text, ps_slice_text(word));
}

/* The refusal names where it was, by words that have passed the scan themselves. */
static bool refuse_card(const body_scan *scan, ps_slice inner_key)
{
    char param[80] = "";
    ps_param_append(param, scan->top_key);
    if (inner_key.size > 0) {
        ps_param_append(param, scan->top_key.size > 0 ? PS_SLICE(".") : PS_SLICE(""));
        ps_param_append(param, inner_key);
    }
    return ps_api_refuse_card(scan->error, param);
}

static bool key_check(body_scan *scan, ps_slice key)
{
    uint32_t depth = scan->decoder->reader.depth;
    if (depth == 1) {
        scan->top_key = (ps_slice){NULL, 0};
    }
    if (ps_text_has_card_number(key)) {
        return refuse_card(scan, (ps_slice){NULL, 0});
    }
    bool in_instrument = depth == 2 && slice_is(scan->top_key, "instrument");
    if (ps_key_is_card_secret(key, in_instrument)) {
        return refuse_card(scan, key);
    }
    if (depth == 1) {
        scan->top_key = key;
    }
    return true;
}

/* The amounts of all routes are fields of the outer object with these names (route_test pins it):
 * only there may a number look like a card number. */
static bool is_amount(const body_scan *scan)
{
    return scan->decoder->reader.depth == 1 &&
           (slice_is(scan->top_key, "amount") || slice_is(scan->top_key, "fee"));
}

static bool value_check(const body_scan *scan, ps_json_token token, ps_slice value)
{
    bool has_card = false;
    if (token == PS_JSON_STRING) {
        bool is_chosen_id = scan->decoder->reader.depth == 1 && slice_is(scan->top_key, "id");
        has_card =
            is_chosen_id ? ps_chosen_id_has_card_number(value) : ps_text_has_card_number(value);
    } else if (token == PS_JSON_NUMBER) {
        has_card = !is_amount(scan) && ps_number_has_card_number(value);
    }
    return !has_card || refuse_card(scan, (ps_slice){NULL, 0});
}

/* ── batch lines ── */

static bool head_take(const body_scan *scan, ps_json_token token, ps_slice value)
{
    ps_batch_head *head = scan->options->head;
    bool is_op = slice_is(scan->top_key, "op");
    bool is_key = slice_is(scan->top_key, "key");
    if (token == PS_JSON_STRING) {
        if (is_op) {
            head->op = value;
            head->has_op = true;
        } else if (is_key) {
            head->key = value;
            head->has_key = true;
        } else if (slice_is(scan->top_key, "payment")) {
            head->payment = value;
        } else if (slice_is(scan->top_key, "transfer")) {
            head->transfer = value;
        }
        return true;
    }
    if ((is_op || is_key) && token != PS_JSON_NULL) {
        return ps_api_refuse(scan->error, "parameter_invalid", is_op ? "op" : "key",
                             "The field %s must be text.", is_op ? "op" : "key");
    }
    return true;
}

/* Before the outer object ends: what is not part of the body of the single route goes. */
static bool head_drop(const body_scan *scan)
{
    const char *id_member = NULL;
    if (!scan->options->done(scan->options->context, scan->options->head, &id_member,
                             scan->error)) {
        return false;
    }
    ps_json_canonical *canonical = &scan->decoder->canonical;
    (void)ps_json_canonical_drop(canonical, PS_SLICE("op"));
    (void)ps_json_canonical_drop(canonical, PS_SLICE("key"));
    if (id_member != NULL) {
        (void)ps_json_canonical_drop(canonical, ps_slice_text(id_member));
    }
    return true;
}

/* ── the pass ── */

static bool token_check(body_scan *scan, ps_json_token token, ps_slice value)
{
    uint32_t depth = scan->decoder->reader.depth;
    if (token == PS_JSON_KEY) {
        return key_check(scan, value);
    }
    if (!value_check(scan, token, value)) {
        return false;
    }
    if (scan->options->head == NULL) {
        return true;
    }
    if (depth == 0 && token == PS_JSON_OBJECT_END) {
        return head_drop(scan);
    }
    return depth != 1 || head_take(scan, token, value);
}

static bool body_scan_run(body_scan *scan)
{
    ps_decoder *decoder = scan->decoder;
    for (;;) {
        ps_json_token token = ps_json_reader_next(&decoder->reader);
        if (token == PS_JSON_FAILED) {
            return ps_api_refuse(scan->error, "parameter_invalid", NULL,
                                 "The body is not JSON as RFC 8259 has it: %s (byte %zu).",
                                 decoder->reader.error, decoder->reader.error_offset);
        }
        if (token == PS_JSON_END) {
            return true;
        }
        if (!token_check(scan, token, decoder->reader.value)) {
            return false;
        }
        ps_json_canonical_add(&decoder->canonical, token, decoder->reader.value);
    }
}

bool ps_decode_body(ps_decoder *decoder, char *text, size_t size, const ps_body_options *options,
                    ps_api_error *error)
{
    ps_buf_clear(&decoder->body);
    if (size > PS_BODY_MAX) {
        (void)ps_api_refuse(error, "body_too_large", NULL,
                            "The body is larger than 64 KiB; send less, or use /v1/batch.");
        error->http_status = 413;
        return false;
    }
    if (size == 0 && options->head == NULL) {
        ps_buf_append_slice(&decoder->body, PS_SLICE("{}"));
        return true;
    }
    ps_json_canonical_begin(&decoder->canonical, &decoder->body);
    ps_json_reader_begin(&decoder->reader, text, size);
    body_scan scan = {.decoder = decoder, .options = options, .error = error};
    if (!body_scan_run(&scan)) {
        /* what was refused for a card number must not lie around in memory (S-C1) */
        explicit_bzero(text, size);
        explicit_bzero(decoder->body.data, decoder->body.size);
        return false;
    }
    /* canonical text is never longer than the text it comes from */
    PS_ASSERT(!decoder->body.failed && decoder->body.size <= size);
    return true;
}
