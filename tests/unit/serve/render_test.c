/* Records made by hand in, JSON out; jansson reads the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/time.h"
#include "serve/render_object.h"
#include "serve/render_walk.h"

/* 2026-01-31T23:59:59.123Z */
#define T0 INT64_C(1769903999123000000)

/* ── a journal of records made by hand ── */

enum { RECORDS_MAX = 16, RECORD_SIZE = 8192 };
typedef struct {
    _Alignas(16) char bytes[RECORDS_MAX][RECORD_SIZE];
    size_t sizes[RECORDS_MAX];
    uint64_t durable;
} hand_journal;

static hand_journal journal;

static ps_code hand_read(void *context, uint64_t seq, ps_slice *out_payload, ps_error *err)
{
    (void)context;
    if (seq == 0 || seq >= RECORDS_MAX || seq > journal.durable) {
        return ps_error_set(err, PS_E_MISSING, "record %d", (int)seq);
    }
    *out_payload = ps_slice_of(journal.bytes[seq], journal.sizes[seq]);
    return PS_OK;
}

static bool hand_name(void *context, uint32_t account, ps_slice *out_name,
                      ps_currency *out_currency)
{
    static const char *const names[] = {"payer:ann", "merchant:shop:pending", "fee_income"};
    (void)context;
    if (account >= 3) {
        return false;
    }
    *out_name = ps_slice_text(names[account]);
    return ps_currency_parse(PS_SLICE("EUR"), out_currency);
}

static void *put(uint64_t seq, ps_effect_type type, ps_event_type event, const void *body,
                 size_t size)
{
    ps_effect_head *at = (void *)(journal.bytes[seq] + journal.sizes[seq]);
    memcpy(at, body, size);
    *at = (ps_effect_head){.type = (uint8_t)type, .event = (uint8_t)event, .size = (uint32_t)size};
    journal.sizes[seq] += size;
    ps_record_header *head = (void *)journal.bytes[seq];
    head->effect_count++;
    head->size = (uint32_t)journal.sizes[seq];
    return at;
}

static ps_record_header *record(uint64_t seq, ps_command_kind command, uint16_t status)
{
    memset(journal.bytes[seq], 0, RECORD_SIZE);
    ps_record_header *head = (void *)journal.bytes[seq];
    *head = (ps_record_header){.version = PS_RECORD_VERSION,
                               .command = (uint8_t)command,
                               .http_status = status,
                               .book = 1,
                               .time_ns = T0 + (int64_t)seq * PS_NS_PER_S,
                               .request_id = {1, 2},
                               .size = sizeof *head};
    journal.sizes[seq] = sizeof *head;
    journal.durable = seq;
    return head;
}

typedef struct {
    ps_text_field field;
    const char *text;
} field_text;

static void put_texts(uint64_t seq, const field_text *fields)
{
    _Alignas(8) char bytes[2048] = {0};
    ps_effect_texts *texts = (void *)bytes;
    size_t size = sizeof *texts;
    for (; fields->text != NULL; fields++) {
        size_t length = strlen(fields->text);
        bytes[size] = (char)fields->field;
        ps_put_u16(bytes + size + 2, (uint16_t)length);
        memcpy(bytes + size + 4, fields->text, length);
        size += 4 + length;
        texts->count++;
    }
    texts->size = (uint32_t)(size - sizeof *texts);
    put(seq, PS_EFFECT_TEXTS, PS_EVENT_NONE, bytes, (size + 7) & ~(size_t)7);
}

static ps_currency eur(void)
{
    ps_currency currency = 0;
    assert_true(ps_currency_parse(PS_SLICE("EUR"), &currency));
    return currency;
}

static ps_effect_payment payment_of(uint64_t origin, uint64_t prev)
{
    return (ps_effect_payment){.payment = 7,
                               .version = 1,
                               .sequence = 41,
                               .origin_seq = origin,
                               .prev_seq = prev,
                               .created_ns = T0,
                               .updated_ns = T0 + PS_NS_PER_S,
                               .expires_ns = T0 + 60 * PS_NS_PER_S,
                               .amount = 1250,
                               .fee = 50,
                               .counters = {.authorised = 1250, .captured = 1250},
                               .hold_slot = PS_INDEX_NONE,
                               .settlement = PS_INDEX_NONE,
                               .book = 1,
                               .currency = eur(),
                               .phase = PS_PHASE_OPEN,
                               .status = PS_STATUS_CAPTURED,
                               .instrument = PS_INSTRUMENT_CARD,
                               .rail = PS_RAIL_SIMULATOR,
                               .decision = PS_ACTION_APPROVE};
}

static const field_text payment_texts[] = {
    {PS_TEXT_MERCHANT, "shop"},
    {PS_TEXT_PAYER, "ann"},
    {PS_TEXT_TOKEN, "tok_ok"},
    {PS_TEXT_BIN, "411111"},
    {PS_TEXT_LAST4, "1111"},
    {PS_TEXT_REFERENCE, "order \"7\"\n"},
    {PS_TEXT_METADATA, "{\"k\":\"v\"}"},
    {0, NULL},
};

/* Record 1: the payment is created, authorised and captured at once. */
static void record_of_payment(void)
{
    ps_record_header *head = record(1, PS_CMD_PAYMENT_CREATE, 201);
    head->subject_kind = PS_ID_PAYMENT;
    head->subject = 7;
    ps_effect_payment payment = payment_of(1, 0);
    put(1, PS_EFFECT_PAYMENT, PS_EVENT_PAYMENT_CREATED, &payment, sizeof payment);
    put_texts(1, payment_texts);
    payment.version = 2;
    payment.sequence = 42;
    put(1, PS_EFFECT_PAYMENT, PS_EVENT_PAYMENT_CAPTURED, &payment, sizeof payment);
}

/* ── the test's renderer ── */

typedef struct {
    ps_renderer *renderer;
    ps_buf out;
    ps_error err;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    memset(&journal, 0, sizeof journal);
    if (f == NULL || ps_renderer_new_from((ps_record_source){NULL, hand_read}, (ps_u128){3, 4},
                                          &f->renderer, &f->err) != PS_OK) {
        return -1;
    }
    ps_renderer_set_names(f->renderer, (ps_account_names){NULL, hand_name});
    ps_buf_init(&f->out, 1024 * 1024);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ps_renderer_free(f->renderer);
    ps_buf_release(&f->out);
    free(f);
    return 0;
}

static json_t *parsed(fixture *f)
{
    json_error_t error;
    json_t *root = json_loadb(f->out.data, f->out.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("%s at %d in %.*s", error.text, error.position, (int)f->out.size, f->out.data);
    }
    return root;
}

/* Paths of keys and, for arrays, numbers: "error.payment.id", "data.0.kind". */
static json_t *at(json_t *root, const char *path)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s", path);
    char *rest = NULL;
    for (char *key = strtok_r(copy, ".", &rest); key != NULL; key = strtok_r(NULL, ".", &rest)) {
        root = json_is_array(root) ? json_array_get(root, (size_t)atoi(key))
                                   : json_object_get(root, key);
    }
    if (root == NULL) {
        fail_msg("%s is not there", path);
    }
    return root;
}

static void assert_text(json_t *root, const char *path, const char *text)
{
    json_t *value = at(root, path);
    assert_true(json_is_string(value));
    assert_string_equal(json_string_value(value), text);
}

static void assert_int(json_t *root, const char *path, int64_t number)
{
    json_t *value = at(root, path);
    assert_true(json_is_integer(value));
    assert_int_equal(json_integer_value(value), number);
}

static void assert_keys(json_t *root, const char *const *keys)
{
    const char *key;
    json_t *value;
    size_t i = 0;
    json_object_foreach(root, key, value)
    {
        assert_non_null(keys[i]);
        assert_string_equal(key, keys[i]);
        i++;
    }
    assert_null(keys[i]);
}

static json_t *reply_of(fixture *f, uint64_t seq, uint16_t status)
{
    uint16_t shown = 0;
    ps_slice payload = ps_slice_of(journal.bytes[seq], journal.sizes[seq]);
    assert_true(ps_record_check(payload));
    ps_buf_clear(&f->out);
    ps_code code = ps_render_reply(f->renderer, seq, payload, &f->out, &shown, &f->err);
    if (code != PS_OK) {
        fail_msg("%s", f->err.text);
    }
    assert_int_equal(shown, status);
    return parsed(f);
}

/* ── tests ── */

static void a_payment_has_every_field_of_the_contract_in_its_order(void **state)
{
    static const char *const keys[] = {"id",
                                       "object",
                                       "status",
                                       "amount",
                                       "currency",
                                       "merchant",
                                       "payer",
                                       "instrument",
                                       "capture_method",
                                       "reference",
                                       "description",
                                       "metadata",
                                       "authorised",
                                       "capturable",
                                       "captured",
                                       "refunded",
                                       "refund_pending",
                                       "refundable",
                                       "disputed",
                                       "charged_back",
                                       "settled",
                                       "fee",
                                       "decline",
                                       "decision",
                                       "rail",
                                       "expires_at",
                                       "created",
                                       "updated",
                                       "version",
                                       "sequence",
                                       "livemode",
                                       NULL};
    fixture *f = *state;
    record_of_payment();
    json_t *root = reply_of(f, 1, 201);
    assert_keys(root, keys);
    assert_int_equal(strncmp(json_string_value(at(root, "id")), "pay_", 4), 0);
    assert_text(root, "status", "captured");
    assert_int(root, "amount", 1250);
    assert_text(root, "currency", "EUR");
    assert_text(root, "merchant", "shop");
    assert_text(root, "instrument.token", "tok_ok");
    assert_text(root, "instrument.last4", "1111");
    assert_null(json_object_get(at(root, "instrument"), "exp"));
    assert_text(root, "reference", "order \"7\"\n");
    assert_text(root, "metadata.k", "v");
    assert_int(root, "refundable", 1250);
    assert_int(root, "fee", 50);
    assert_true(json_is_null(at(root, "description")));
    assert_true(json_is_null(at(root, "decline")));
    assert_text(root, "decision.action", "approve");
    assert_text(root, "rail.name", "simulator");
    assert_int_equal(strncmp(json_string_value(at(root, "rail.reference")), "sim_", 4), 0);
    assert_text(root, "created", "2026-01-31T23:59:59.123Z");
    assert_int(root, "version", 2); /* the newest effect of the record, not the first */
    assert_true(json_is_false(at(root, "livemode")));
    json_decref(root);
}

static void a_later_record_takes_texts_from_the_origin(void **state)
{
    fixture *f = *state;
    record_of_payment();
    ps_record_header *head = record(2, PS_CMD_PAYMENT_RAIL_RESULT, 200);
    head->subject_kind = PS_ID_PAYMENT;
    head->subject = 7;
    ps_effect_payment payment = payment_of(1, 1);
    payment.rail_reference_seq = 2;
    payment.flags = PS_PAYMENT_MANUAL_CAPTURE | PS_PAYMENT_LIVE;
    put(2, PS_EFFECT_PAYMENT, PS_EVENT_PAYMENT_CAPTURED, &payment, sizeof payment);
    put_texts(2, (field_text[]){{PS_TEXT_RAIL_REFERENCE, "R-1"}, {0, NULL}});
    json_t *root = reply_of(f, 2, 200);
    assert_text(root, "payer", "ann");
    assert_text(root, "rail.reference", "R-1");
    assert_text(root, "capture_method", "manual");
    assert_true(json_is_true(at(root, "livemode")));
    json_decref(root);
}

static void an_origin_that_is_not_durable_yet_is_missing(void **state)
{
    fixture *f = *state;
    record_of_payment();
    ps_record_header *head = record(2, PS_CMD_PAYMENT_CAPTURE, 200);
    head->subject_kind = PS_ID_PAYMENT;
    head->subject = 7;
    ps_effect_payment payment = payment_of(1, 1);
    put(2, PS_EFFECT_PAYMENT, PS_EVENT_PAYMENT_CAPTURED, &payment, sizeof payment);
    journal.durable = 0;
    uint16_t status = 0;
    ps_slice payload = ps_slice_of(journal.bytes[2], journal.sizes[2]);
    ps_buf_append_text(&f->out, "before");
    assert_int_equal(ps_render_reply(f->renderer, 2, payload, &f->out, &status, &f->err),
                     PS_E_MISSING);
    assert_int_equal(f->out.size, 6);
}

static void a_decline_carries_code_advice_and_the_payment(void **state)
{
    fixture *f = *state;
    ps_record_header *head = record(1, PS_CMD_PAYMENT_CREATE, 402);
    head->refusal = PS_REFUSED_DECLINED;
    head->subject_kind = PS_ID_PAYMENT;
    head->subject = 7;
    ps_effect_payment payment = payment_of(1, 0);
    payment.decline = PS_DECLINE_STOLEN_CARD;
    payment.phase = PS_PHASE_DECLINED;
    payment.status = PS_STATUS_DECLINED;
    put(1, PS_EFFECT_PAYMENT, PS_EVENT_PAYMENT_DECLINED, &payment, sizeof payment);
    put_texts(1, payment_texts);
    json_t *root = reply_of(f, 1, 402);
    assert_text(root, "error.type", "card_error");
    assert_text(root, "error.decline_code", "stolen_card");
    assert_text(root, "error.advice", "do_not_retry");
    assert_text(root, "error.payment.status", "declined");
    assert_text(root, "error.payment.decline.code", "stolen_card");
    assert_int_equal(strncmp(json_string_value(at(root, "error.request_id")), "req_", 4), 0);
    json_decref(root);
}

static void a_state_conflict_says_status_and_what_is_allowed(void **state)
{
    fixture *f = *state;
    ps_record_header *head = record(1, PS_CMD_PAYMENT_CAPTURE, 409);
    head->refusal = PS_REFUSED_STATE_CONFLICT;
    head->subject_kind = PS_ID_PAYMENT;
    head->detail = PS_STATUS_AUTHORISED;
    json_t *root = reply_of(f, 1, 409);
    assert_text(root, "error.code", "state_conflict");
    assert_text(root, "error.status", "authorised");
    assert_true(json_array_size(at(root, "error.allowed")) > 0);
    json_decref(root);
}

static void an_amount_that_is_too_large_says_what_is_left(void **state)
{
    static const struct {
        ps_refusal refusal;
        const char *path;
    } cases[] = {{PS_REFUSED_REFUND_TOO_LARGE, "error.refundable"},
                 {PS_REFUSED_CAPTURE_TOO_LARGE, "error.capturable"}};
    fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        ps_record_header *head = record(1, PS_CMD_REFUND_CREATE, 422);
        head->refusal = (uint16_t)cases[i].refusal;
        head->detail = 17;
        json_t *root = reply_of(f, 1, 422);
        assert_text(root, "error.code", "amount_too_large");
        assert_int(root, cases[i].path, 17);
        json_decref(root);
    }
}

static void every_refusal_is_one_well_formed_error(void **state)
{
    fixture *f = *state;
    for (int refusal = 1; refusal < PS_REFUSED_COUNT; refusal++) {
        uint16_t status = 0;
        ps_buf_clear(&f->out);
        ps_render_refusal((ps_refusal)refusal, 1, (ps_u128){0, 9}, &f->out, &status);
        json_t *root = parsed(f);
        assert_true(status >= 400 && status < 600);
        assert_true(json_is_string(at(root, "error.code")));
        assert_true(json_is_string(at(root, "error.message")));
        json_decref(root);
    }
}

static void a_form_error_names_its_parameter(void **state)
{
    fixture *f = *state;
    ps_api_error error = {400, "invalid_request_error", "parameter_invalid", "amount", "a \"b\"",
                          0};
    ps_render_error(&error, (ps_u128){0, 1}, &f->out);
    json_t *root = parsed(f);
    assert_text(root, "error.param", "amount");
    assert_text(root, "error.message", "a \"b\"");
    json_decref(root);
}

static void children_show_their_texts(void **state)
{
    static const char *const refund_keys[] = {
        "id",        "object",  "payment", "amount",  "currency", "status", "reason",
        "reference", "created", "updated", "version", "sequence", NULL};
    fixture *f = *state;
    ps_record_header *head = record(1, PS_CMD_REFUND_CREATE, 201);
    head->subject_kind = PS_ID_REFUND;
    head->subject = 3;
    ps_effect_refund refund = {.refund = 3,
                               .version = 1,
                               .origin_seq = 1,
                               .created_ns = T0,
                               .updated_ns = T0,
                               .amount = 5,
                               .currency = eur(),
                               .status = PS_REFUND_PENDING};
    put(1, PS_EFFECT_REFUND, PS_EVENT_REFUND_CREATED, &refund, sizeof refund);
    put_texts(1, (field_text[]){{PS_TEXT_PAYMENT_ID, "pay_x"}, {PS_TEXT_REASON, "r"}, {0, NULL}});
    json_t *root = reply_of(f, 1, 201);
    assert_keys(root, refund_keys);
    assert_text(root, "payment", "pay_x");
    assert_text(root, "reason", "r");
    assert_true(json_is_null(at(root, "reference")));
    assert_text(root, "status", "pending");
    json_decref(root);
}

static void a_transfer_shows_whom_it_reverses(void **state)
{
    fixture *f = *state;
    ps_record_header *head = record(1, PS_CMD_TRANSFER_REVERT, 201);
    head->subject_kind = PS_ID_TRANSFER;
    head->subject = 9;
    ps_effect_transfer transfer = {.transfer = 9,
                                   .origin_seq = 1,
                                   .created_ns = T0,
                                   .updated_ns = T0,
                                   .amount = 5,
                                   .posted = 5,
                                   .reverses = 8,
                                   .reverses_created_ns = T0,
                                   .currency = eur(),
                                   .status = PS_TRANSFER_POSTED};
    put(1, PS_EFFECT_TRANSFER, PS_EVENT_TRANSFER_POSTED, &transfer, sizeof transfer);
    put_texts(1, (field_text[]){{PS_TEXT_DEBIT, "a"}, {PS_TEXT_CREDIT, "b"}, {0, NULL}});
    json_t *root = reply_of(f, 1, 201);
    assert_text(root, "debit", "a");
    assert_text(root, "status", "posted");
    assert_int_equal(strncmp(json_string_value(at(root, "reverses")), "tr_", 3), 0);
    assert_true(json_is_null(at(root, "reverted_by")));
    assert_true(json_is_null(at(root, "timeout_at")));
    json_decref(root);
}

static void a_list_ends_with_has_more_and_a_cursor(void **state)
{
    fixture *f = *state;
    record_of_payment();
    ps_effect_payment pair[2] = {payment_of(1, 1), payment_of(1, 1)};
    ps_query query = {.kind = PS_QUERY_PAYMENTS, .book = 1, .limit = 2};
    ps_query_result result = {.found = true, .count = 2, .next = 5};
    ps_slice structs = ps_slice_of(pair, sizeof pair);
    for (int i = 0; i < 2; i++) {
        pair[i].head.type = PS_EFFECT_PAYMENT;
    }
    assert_int_equal(ps_render_query(f->renderer, &query, &result, structs, &f->out, &f->err),
                     PS_OK);
    json_t *root = parsed(f);
    assert_int_equal(json_array_size(at(root, "data")), 2);
    assert_text(root, "data.1.merchant", "shop");
    assert_true(json_is_true(at(root, "has_more")));
    assert_true(json_is_string(at(root, "next_cursor")));
    json_decref(root);
}

/* Records 2 … 4: three legs on account 1: +100 −30 in one record, then +7. */
static void records_of_account(void)
{
    static const struct {
        uint64_t seq, prev;
        uint32_t debit, credit;
        int64_t amount;
    } legs[] = {{2, 0, 0, 1, 100}, {2, 0, 1, 2, 30}, {4, 2, 0, 1, 7}};
    record_of_payment();
    uint64_t open = 0;
    for (size_t i = 0; i < 3; i++) {
        if (legs[i].seq != open) {
            record(legs[i].seq, PS_CMD_PAYMENT_CAPTURE, 200);
            ps_effect_payment payment = payment_of(1, legs[i].seq == 2 ? 1 : 2);
            payment.sequence = 50 + legs[i].seq;
            put(legs[i].seq, PS_EFFECT_PAYMENT, PS_EVENT_PAYMENT_UPDATED, &payment, sizeof payment);
        }
        open = legs[i].seq;
        ps_effect_leg effect = {.leg = {.kind = PS_LEG_POSTED,
                                        .slot = PS_INDEX_NONE,
                                        .transfer = i + 1,
                                        .debit = legs[i].debit,
                                        .credit = legs[i].credit,
                                        .amount = legs[i].amount,
                                        .debit_prev_seq = legs[i].prev,
                                        .credit_prev_seq = legs[i].prev}};
        put(legs[i].seq, PS_EFFECT_LEG, PS_EVENT_NONE, &effect, sizeof effect);
    }
}

static ps_account_view merchant_account(void)
{
    ps_account_view view = {.number = 1, .name_size = 1, .name = "m"};
    view.account.totals.credits_posted = 107;
    view.account.totals.debits_posted = 30;
    view.account.type = PS_ACCOUNT_LIABILITY;
    view.account.entry_count = 3;
    view.account.last_seq = 4;
    view.account.currency = eur();
    return view;
}

static void entries_show_the_balance_after_each_and_page_within_a_record(void **state)
{
    static const struct {
        int64_t amount, balance;
    } expected[] = {{7, 77}, {30, 70}, {100, 100}};
    fixture *f = *state;
    records_of_account();
    ps_account_view view = merchant_account();
    uint64_t place = 0;
    for (size_t i = 0; i < 3; i++) { /* pages of one entry each */
        uint64_t next = 0;
        const ps_entry_walk walk = {&view, 4, place, 1};
        ps_buf_clear(&f->out);
        assert_int_equal(ps_render_entries(f->renderer, &walk, &f->out, &next, &f->err), PS_OK);
        json_t *root = parsed(f);
        assert_int(root, "amount", expected[i].amount);
        assert_int(root, "balance", expected[i].balance);
        assert_text(root, "currency", "EUR");
        json_decref(root);
        assert_true((next == 0) == (i == 2));
        place = next;
    }
}

static void a_past_balance_takes_later_legs_off(void **state)
{
    static const struct {
        int64_t at_ns;
        uint64_t at_sequence;
        int64_t balance;
        uint64_t version;
    } cases[] = {
        {0, 54, 77, 3},
        {0, 53, 70, 2},
        {0, 51, 0, 0},
        {T0 + 2 * PS_NS_PER_S, 0, 70, 2},
        {T0 + 2 * PS_NS_PER_S - 1, 0, 0, 0},
    };
    fixture *f = *state;
    records_of_account();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ps_account_view view = merchant_account();
        ps_query query = {
            .kind = PS_QUERY_ACCOUNT, .at_ns = cases[i].at_ns, .at_sequence = cases[i].at_sequence};
        ps_query_result result = {.found = true, .count = 1, .seq = 4};
        ps_buf_clear(&f->out);
        assert_int_equal(ps_render_query(f->renderer, &query, &result,
                                         ps_slice_of(&view, sizeof view), &f->out, &f->err),
                         PS_OK);
        json_t *root = parsed(f);
        assert_int(root, "balance", cases[i].balance);
        assert_int(root, "version", (int64_t)cases[i].version);
        json_decref(root);
    }
}

static void postings_of_a_payment_come_oldest_first(void **state)
{
    fixture *f = *state;
    records_of_account();
    ps_effect_payment payment = payment_of(1, 4);
    ps_query query = {.kind = PS_QUERY_PAYMENT, .limit = 20};
    assert_int_equal(ps_render_payment_postings(f->renderer, &query, &payment, &f->out, &f->err),
                     PS_OK);
    json_t *root = parsed(f);
    assert_int_equal(json_array_size(at(root, "data")), 3);
    assert_int(root, "data.0.amount", 100);
    assert_int(root, "data.2.amount", 7);
    assert_int(root, "data.2.sequence", 54);
    assert_text(root, "data.0.debit", "payer:ann");
    assert_text(root, "data.0.kind", "posted");
    json_decref(root);
}

static void events_of_a_payment_come_oldest_first_and_whole(void **state)
{
    fixture *f = *state;
    records_of_account();
    ps_effect_payment payment = payment_of(1, 4);
    ps_query query = {.kind = PS_QUERY_PAYMENT, .limit = 20};
    assert_int_equal(ps_render_payment_events(f->renderer, &query, &payment, &f->out, &f->err),
                     PS_OK);
    json_t *root = parsed(f);
    assert_int_equal(json_array_size(at(root, "data")), 4);
    assert_text(root, "data.0.type", "payment.created");
    assert_text(root, "data.0.object", "event");
    assert_int(root, "data.0.sequence", 41);
    assert_text(root, "data.0.data.object.merchant", "shop");
    assert_text(root, "data.3.type", "payment.updated");
    assert_true(json_is_null(at(root, "next_cursor")));
    json_decref(root);
}

static void events_of_a_payment_come_in_pages(void **state)
{
    fixture *f = *state;
    records_of_account();
    ps_effect_payment payment = payment_of(1, 4);
    ps_query query = {.kind = PS_QUERY_PAYMENT, .limit = 3};
    for (int page = 0; page < 2; page++) {
        ps_buf_clear(&f->out);
        query.before = (uint64_t)page * 3;
        assert_int_equal(ps_render_payment_events(f->renderer, &query, &payment, &f->out, &f->err),
                         PS_OK);
        json_t *root = parsed(f);
        assert_int_equal(json_array_size(at(root, "data")), page == 0 ? 3 : 1);
        assert_true(json_is_true(at(root, "has_more")) == (page == 0));
        json_decref(root);
    }
}

typedef struct {
    uint64_t sequences[8];
    size_t count;
} seen_events;

static void see_event(void *context, ps_event_type type, uint64_t sequence, ps_slice json)
{
    seen_events *seen = context;
    (void)type;
    assert_true(json.size > 2 && json.data[0] == '{');
    seen->sequences[seen->count++] = sequence;
}

static void events_of_a_record_are_those_after_and_of_the_book(void **state)
{
    fixture *f = *state;
    record_of_payment();
    ps_slice payload = ps_slice_of(journal.bytes[1], journal.sizes[1]);
    seen_events seen = {.count = 0};
    const ps_event_sink after_41 = {1, 41, see_event, &seen};
    const ps_event_sink other_book = {2, 0, see_event, &seen};
    assert_int_equal(ps_render_events(f->renderer, 1, payload, &after_41, &f->err), PS_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.sequences[0], 42);
    assert_int_equal(ps_render_events(f->renderer, 1, payload, &other_book, &f->err), PS_OK);
    assert_int_equal(seen.count, 1);
}

static void verify_names_each_invariant_and_what_broke(void **state)
{
    fixture *f = *state;
    ps_violation violation = {"M3", "account x is overdrawn"};
    ps_query query = {.kind = PS_QUERY_VERIFY};
    ps_query_result result = {.found = true, .count = 1};
    assert_int_equal(ps_render_query(f->renderer, &query, &result,
                                     ps_slice_of(&violation, sizeof violation), &f->out, &f->err),
                     PS_OK);
    json_t *root = parsed(f);
    assert_true(json_is_false(at(root, "ok")));
    assert_int_equal(json_array_size(at(root, "checks")), 10);
    assert_text(root, "checks.2.id", "M3");
    assert_true(json_is_false(at(root, "checks.2.ok")));
    assert_true(json_is_true(at(root, "checks.3.ok")));
    assert_text(root, "violations.0.message", "account x is overdrawn");
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_payment_has_every_field_of_the_contract_in_its_order),
        CASE(a_later_record_takes_texts_from_the_origin),
        CASE(an_origin_that_is_not_durable_yet_is_missing),
        CASE(a_decline_carries_code_advice_and_the_payment),
        CASE(a_state_conflict_says_status_and_what_is_allowed),
        CASE(an_amount_that_is_too_large_says_what_is_left),
        CASE(every_refusal_is_one_well_formed_error),
        CASE(a_form_error_names_its_parameter),
        CASE(children_show_their_texts),
        CASE(a_transfer_shows_whom_it_reverses),
        CASE(a_list_ends_with_has_more_and_a_cursor),
        CASE(entries_show_the_balance_after_each_and_page_within_a_record),
        CASE(a_past_balance_takes_later_legs_off),
        CASE(postings_of_a_payment_come_oldest_first),
        CASE(events_of_a_payment_come_oldest_first_and_whole),
        CASE(events_of_a_payment_come_in_pages),
        CASE(events_of_a_record_are_those_after_and_of_the_book),
        CASE(verify_names_each_invariant_and_what_broke),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
