/* Decoding: every field of every route, right and wrong; commands, queries, batch lines, cursors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"
#include "pay/event.h"
#include "serve/decode_cursor.h"
#include "serve/decode_query.h"
#include "serve/route.h"

static ps_decoder *decoder;
static ps_hash_secret secret;
static ps_api_error error;
static ps_command command;
static ps_query query;
static char id_buffer[200];
static char body_buffer[80 * 1024];

static int setup(void **state)
{
    (void)state;
    ps_error err;
    memset(&secret, 7, sizeof secret);
    return ps_decoder_new(&decoder, &err) == PS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    ps_decoder_free(decoder);
    return 0;
}

static ps_request_context context_of(ps_method method, const char *target)
{
    ps_request_context context = {.book = 3,
                                  .key = 9,
                                  .scopes = PS_SCOPE_ADMIN,
                                  .request_id = {1, 2},
                                  .idempotency_key = PS_SLICE("key-1"),
                                  .secret = &secret};
    const char *mark = strchr(target, '?');
    ps_slice path = ps_slice_text(target);
    if (mark != NULL) {
        path.size = (size_t)(mark - target);
        context.query = ps_slice_text(mark + 1);
    }
    ps_route_match match;
    ps_route_find(method, path, id_buffer, &match);
    assert_non_null(match.route);
    context.route = match.route;
    context.id = match.id;
    return context;
}

static bool post_with_key(const char *target, const char *body, const char *key)
{
    ps_request_context context = context_of(PS_METHOD_POST, target);
    context.idempotency_key = ps_slice_text(key);
    memset(&error, 0, sizeof error);
    size_t size = strlen(body);
    memcpy(body_buffer, body, size);
    return ps_decode_command(decoder, &context, body_buffer, size, &command, &error);
}

static bool post(const char *target, const char *body)
{
    return post_with_key(target, body, "key-1");
}

static bool get(const char *target)
{
    ps_request_context context = context_of(PS_METHOD_GET, target);
    memset(&error, 0, sizeof error);
    return ps_decode_query(decoder, &context, &query, &error);
}

static bool line(const char *text)
{
    ps_request_context context = context_of(PS_METHOD_POST, "/v1/batch");
    context.idempotency_key = (ps_slice){NULL, 0};
    memset(&error, 0, sizeof error);
    size_t size = strlen(text);
    memcpy(body_buffer, text, size);
    return ps_decode_batch_line(decoder, &context, body_buffer, size, &command, &error);
}

static void expect_refusal(bool decoded, const char *code, const char *param, const char *what)
{
    if (decoded || strcmp(error.code, code) != 0 || strcmp(error.param, param) != 0 ||
        error.http_status != 400 || error.message[0] == 0) {
        fail_msg("%s: decoded %d, %s %s (%s), expected %s %s", what, decoded,
                 decoded ? "" : error.code, error.param, error.message, code, param);
    }
}

static bool text_is(ps_slice slice, const char *text)
{
    return ps_slice_equal(slice, ps_slice_text(text));
}

/* ── every field of every route ── */

static void text_of(char *out, size_t count, char c)
{
    out[0] = '"';
    memset(out + 1, c, count);
    out[count + 1] = '"';
    out[count + 2] = 0;
}

/* The n-th legal JSON of a field; false after the last. */
static bool legal_value(const ps_field *field, int n, char *out)
{
    switch (field->type) {
    case PS_FIELD_TEXT:
        text_of(out, n == 0 ? 1 : field->size_max, 'x');
        return n < 2;
    case PS_FIELD_NAME:
        text_of(out, n == 0 ? 1 : field->size_max, n == 0 ? ':' : 'Z');
        return n < 2;
    case PS_FIELD_ID:
        (void)sprintf(out, "\"%s%s\"", field->words[0],
                      n == 0 ? "a" : "abcdefghi.bcdefghij_abcdefghij-abcdefgh:");
        return n < 2;
    case PS_FIELD_AMOUNT:
    case PS_FIELD_INTEGER:
        (void)sprintf(out, "%lld", (long long)(n == 0 ? field->min : field->max));
        return n < 2;
    case PS_FIELD_DIGITS:
        text_of(out, (size_t)(n == 0 ? field->min : field->max), '0');
        return n < 2;
    case PS_FIELD_BOOL:
        (void)strcpy(out, n == 0 ? "true" : "false");
        return n < 2;
    case PS_FIELD_CURRENCY:
        (void)strcpy(out, n == 0 ? "\"EUR\"" : "\"JPY\"");
        return n < 2;
    case PS_FIELD_ENUM:
        if (field->words[n] != NULL) {
            (void)sprintf(out, "\"%s\"", field->words[n]);
        }
        return field->words[n] != NULL;
    case PS_FIELD_ENUM_LIST:
        (void)sprintf(out, "[\"%s\"%s%s%s]", field->words[0], n ? ",\"" : "",
                      n ? field->words[1] : "", n ? "\"" : "");
        return n < 2;
    case PS_FIELD_MAP:
        (void)strcpy(out, n == 0 ? "{}" : "{\"k\":\"v\",\"\\n\":\"\"}");
        return n < 2;
    case PS_FIELD_ANY:
        (void)strcpy(out, n == 0 ? "[1,{\"a\":null}]" : "false");
        return n < 2;
    case PS_FIELD_MONTH:
        (void)strcpy(out, n == 0 ? "\"2028-04\"" : "\"2031-12\"");
        return n < 2;
    case PS_FIELD_OBJECT:
    case PS_FIELD_TIME:
    case PS_FIELD_CURSOR:
        break;
    }
    return false;
}

static void members_write(const ps_field *fields, const ps_field *but, const char *instead,
                          bool only_required, ps_buf *out);

static void object_write(const ps_field *fields, const ps_field *but, const char *instead,
                         bool only_required, ps_buf *out)
{
    ps_buf_append_char(out, '{');
    members_write(fields, but, instead, only_required, out);
    ps_buf_append_char(out, '}');
}

/* `but` gets the text `instead`; NULL leaves it out. */
static void members_write(const ps_field *fields, const ps_field *but, const char *instead,
                          bool only_required, ps_buf *out)
{
    static char value[2000];
    bool is_first = true;
    for (const ps_field *field = fields; field != NULL && field->name != NULL; field++) {
        bool is_card_field =
            fields[0].words != NULL && fields[0].words[0][0] == 'w' && field != fields;
        if ((field == but && instead == NULL) ||
            (field != but && ((only_required && !field->required) || is_card_field))) {
            continue;
        }
        if (!is_first) {
            ps_buf_append_char(out, ',');
        }
        is_first = false;
        ps_buf_append_format(out, "\"%s\":", field->name);
        if (field == but) {
            ps_buf_append_text(out, instead);
        } else if (field->type == PS_FIELD_OBJECT) {
            object_write(field->fields, but, instead, only_required, out);
        } else {
            (void)legal_value(field, 0, value);
            ps_buf_append_text(out, value);
        }
    }
}

static void target_of(const ps_route *route, char *out)
{
    ps_buf path;
    ps_buf_init(&path, 200);
    ps_route_path_append(route, PS_SLICE("x_1"), &path);
    if (route->parameters != NULL) {
        ps_buf_append_text(&path, "?currency=EUR");
    }
    memcpy(out, path.data, path.size);
    out[path.size] = 0;
    ps_buf_release(&path);
}

static const char *body_with(const ps_route *route, const ps_field *field, const char *instead,
                             bool only_required)
{
    static ps_buf body;
    if (body.size_max == 0) {
        ps_buf_init(&body, 64 * 1024);
    }
    ps_buf_clear(&body);
    object_write(route->body, field, instead, only_required, &body);
    ps_buf_append_char(&body, 0);
    return body.data;
}

/* JSON that no field of the type takes. */
static const char *const wrong_for_all[] = {
    "[[]]", "[\"a\",\"a\"]",          "[1]", "\"\\u0000\"", "1e3", "1.0", "-0",
    "-1",   "12345678901234567890123"};

static bool takes(const ps_field *field, const char *json)
{
    bool is_zero_text = json[0] == '"';
    return field->type == PS_FIELD_ANY || (field->type == PS_FIELD_TEXT && is_zero_text);
}

static void wrong_values(const ps_route *route, const ps_field *field, const char *param)
{
    char target[200];
    char value[2000];
    target_of(route, target);
    for (size_t i = 0; i < sizeof wrong_for_all / sizeof wrong_for_all[0]; i++) {
        if (!takes(field, wrong_for_all[i])) {
            expect_refusal(post(target, body_with(route, field, wrong_for_all[i], false)),
                           "parameter_invalid", param, wrong_for_all[i]);
        }
    }
    const char *wrong = NULL;
    switch (field->type) {
    case PS_FIELD_TEXT:
        text_of(value, field->size_max + 1, 'x');
        wrong = value;
        break;
    case PS_FIELD_NAME:
        text_of(value, field->size_max + 1, 'x');
        wrong = value;
        expect_refusal(post(target, body_with(route, field, "\"a b\"", false)), "parameter_invalid",
                       param, "blank in a name");
        expect_refusal(post(target, body_with(route, field, "\"\"", false)), "parameter_invalid",
                       param, "empty name");
        break;
    case PS_FIELD_AMOUNT:
    case PS_FIELD_INTEGER:
        (void)sprintf(value, "%lld", (long long)field->min - 1);
        expect_refusal(post(target, body_with(route, field, value, false)), "parameter_invalid",
                       param, value);
        (void)sprintf(value, "%lld", (long long)field->max + 1);
        expect_refusal(post(target, body_with(route, field, value, false)), "parameter_invalid",
                       param, value);
        wrong = "\"1\"";
        break;
    case PS_FIELD_DIGITS:
        text_of(value, (size_t)field->max + 1, '1');
        wrong = value;
        break;
    case PS_FIELD_ID:
        wrong = "\"re_1\"";
        break;
    case PS_FIELD_CURRENCY:
        wrong = "\"eur\"";
        break;
    case PS_FIELD_BOOL:
        wrong = "\"true\"";
        break;
    case PS_FIELD_MONTH:
        wrong = "\"2028-13\"";
        break;
    case PS_FIELD_MAP:
        wrong = "{\"k\":1}";
        break;
    case PS_FIELD_ENUM:
    case PS_FIELD_ENUM_LIST:
    case PS_FIELD_OBJECT:
        wrong = "\"no\"";
        break;
    case PS_FIELD_ANY:
    case PS_FIELD_TIME:
    case PS_FIELD_CURSOR:
        return;
    }
    expect_refusal(post(target, body_with(route, field, wrong, false)), "parameter_invalid", param,
                   wrong);
}

static void legal_values(const ps_route *route, const ps_field *field, const char *param)
{
    char target[200];
    char value[2000];
    target_of(route, target);
    for (int n = 0; legal_value(field, n, value); n++) {
        const char *body = body_with(route, field, value, false);
        /* what holds between fields is not of this table: card and token, timeout and pending */
        bool is_between = strncmp(param, "instrument.", 11) == 0 || strcmp(param, "pending") == 0;
        if (!post(target, body) && !is_between) {
            fail_msg("%s %s: %s: %s", target, body, error.code, error.message);
        }
    }
    bool decoded = post(target, body_with(route, field, "null", false));
    if (field->required) {
        expect_refusal(decoded, "parameter_missing", param, "null");
        expect_refusal(post(target, body_with(route, field, NULL, false)), "parameter_missing",
                       param, "left out");
    } else if (strcmp(param, "pending") != 0) {
        assert_true(decoded);
        assert_true(post(target, body_with(route, field, NULL, false)));
    }
}

static void fields_check(const ps_route *route, const ps_field *fields, const char *prefix)
{
    for (const ps_field *field = fields; field != NULL && field->name != NULL; field++) {
        char param[80];
        (void)snprintf(param, sizeof param, "%s%s", prefix, field->name);
        legal_values(route, field, param);
        wrong_values(route, field, param);
        if (field->type == PS_FIELD_OBJECT) {
            char inner[100];
            (void)snprintf(inner, sizeof inner, "%s.", param);
            fields_check(route, field->fields, inner);
            char unknown[120];
            (void)snprintf(unknown, sizeof unknown, "{\"type\":\"wallet\",\"nope\":1}");
            (void)snprintf(inner, sizeof inner, "%s.nope", param);
            if (strcmp(field->name, "context") == 0) {
                (void)snprintf(unknown, sizeof unknown, "{\"nope\":1}");
            }
            expect_refusal(post("/v1/payments", body_with(route, field, unknown, false)),
                           "parameter_unknown", inner, unknown);
        }
    }
}

static void every_field_of_every_route_takes_what_it_should(void **state)
{
    (void)state;
    size_t count;
    const ps_route *routes = ps_routes(&count);
    int checked = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_command =
            routes[i].kind == PS_ROUTE_COMMAND || routes[i].kind == PS_ROUTE_KEY_CREATE;
        if (!is_command || routes[i].method != PS_METHOD_POST) {
            continue;
        }
        char target[200];
        target_of(&routes[i], target);
        if (!post(target, body_with(&routes[i], NULL, NULL, true))) {
            fail_msg("%s: %s", target, error.message);
        }
        assert_int_equal(command.kind, routes[i].command);
        expect_refusal(post(target, "{\"nope\":1}"), "parameter_unknown", "nope", target);
        expect_refusal(post(target, "{\"\":1}"), "parameter_unknown", "", target);
        expect_refusal(post(target, "[]"), "parameter_invalid", "", target);
        expect_refusal(post(target, "1"), "parameter_invalid", "", target);
        expect_refusal(post(target, "{"), "parameter_invalid", "", target);
        expect_refusal(post(target, "{\"a\":1,\"a\":1}"), "parameter_invalid", "", target);
        if (routes[i].body == NULL) {
            assert_true(post(target, ""));
            assert_true(post(target, "{}"));
        }
        fields_check(&routes[i], routes[i].body, "");
        checked++;
    }
    assert_true(checked >= 25);
}

/* ── words ── */

static const ps_field *field_of(ps_method method, const char *target, const char *name)
{
    ps_request_context context = context_of(method, target);
    const ps_field *fields =
        method == PS_METHOD_GET ? context.route->parameters : context.route->body;
    while (strcmp(fields->name, name) != 0) {
        fields++;
    }
    return fields;
}

#define NAMES_MATCH(target, function, type, first)                                                 \
    do {                                                                                           \
        const ps_field *field = field_of(PS_METHOD_GET, target, "status");                         \
        int i = 0;                                                                                 \
        for (; field->words[i] != NULL; i++) {                                                     \
            assert_string_equal(field->words[i], function((type)(first + i)));                     \
        }                                                                                          \
        assert_true(i > 3);                                                                        \
    } while (0)

static void words_of_the_table_are_those_of_the_enums(void **state)
{
    (void)state;
    NAMES_MATCH("/v1/payments", ps_status_name, ps_status, PS_STATUS_CREATED);
    NAMES_MATCH("/v1/refunds", ps_refund_status_name, ps_refund_status, PS_REFUND_PENDING);
    NAMES_MATCH("/v1/disputes", ps_dispute_status_name, ps_dispute_status, PS_DISPUTE_OPENED);
    NAMES_MATCH("/v1/trades", ps_trade_status_name, ps_trade_status, PS_TRADE_PENDING);
    NAMES_MATCH("/v1/settlements", ps_settlement_status_name, ps_settlement_status,
                PS_SETTLEMENT_OPEN);
    const ps_field *types = field_of(PS_METHOD_GET, "/v1/events", "type");
    for (int type = PS_EVENT_NONE + 1; type < PS_EVENT_COUNT; type++) {
        assert_string_equal(types->words[type - 1], ps_event_name((ps_event_type)type));
    }
    assert_null(types->words[PS_EVENT_COUNT - 1]);
    const ps_field *risk = field_of(PS_METHOD_POST, "/v1/risk_events", "type");
    for (int type = PS_RISK_FRAUD; type <= PS_RISK_VIOLATION; type++) {
        assert_string_equal(risk->words[type - 1], ps_risk_type_name((ps_risk_type)type));
    }
}

/* ── commands ── */

#define CARD                                                                                       \
    "\"instrument\":{\"type\":\"card\",\"token\":\"tok_ok\",\"bin\":\"411111\",\"last4\":"         \
    "\"1111\","                                                                                    \
    "\"exp\":\"2028-04\",\"country\":\"DE\"}"
#define PAYMENT "\"amount\":1000,\"currency\":\"EUR\",\"merchant\":\"m1\",\"payer\":\"p1\","
#define WALLET "\"instrument\":{\"type\":\"wallet\"}"

static void a_payment_request_arrives_whole(void **state)
{
    (void)state;
    assert_true(post(
        "/v1/payments",
        "{" PAYMENT CARD ",\"id\":\"pay_mine\",\"capture_method\":\"manual\",\"confirm\":false,"
        "\"reference\":\"r\\u0031\\n\",\"description\":\"d\",\"metadata\":{\"b\":\"2\\n\","
        "\"a\":\"1\"},\"expires_in\":60,\"fee\":7,\"context\":{\"ip\":\"::1\",\"device\":"
        "\"dev\",\"email\":\"a@b.c\",\"country\":\"FR\",\"channel\":\"web\","
        "\"user_agent\":\"ua\"}}"));
    const ps_payment_request *payment = command.u.payment;
    assert_int_equal(command.kind, PS_CMD_PAYMENT_CREATE);
    assert_int_equal(command.book, 3);
    assert_int_equal(command.key, 9);
    assert_int_equal(command.scopes, PS_SCOPE_ADMIN);
    assert_true(command.request_id.high == 1 && command.request_id.low == 2);
    assert_true(command.has_idempotency_key);
    assert_true(text_is(payment->client_id, "pay_mine"));
    assert_true(text_is(payment->merchant, "m1") && text_is(payment->payer, "p1"));
    assert_true(text_is(payment->token, "tok_ok") && text_is(payment->bin, "411111"));
    assert_true(text_is(payment->last4, "1111") && text_is(payment->exp, "2028-04"));
    assert_true(text_is(payment->card_country, "DE") && text_is(payment->country, "FR"));
    assert_true(text_is(payment->reference, "r1\n") && text_is(payment->description, "d"));
    assert_true(text_is(payment->metadata, "{\"a\":\"1\",\"b\":\"2\\n\"}"));
    assert_true(text_is(payment->ip, "::1") && text_is(payment->device, "dev"));
    assert_true(text_is(payment->email, "a@b.c") && text_is(payment->channel, "web"));
    assert_true(text_is(payment->user_agent, "ua"));
    assert_int_equal(payment->amount, 1000);
    assert_int_equal(payment->fee, 7);
    assert_int_equal(payment->expires_in_ns, 60 * PS_NS_PER_S);
    assert_string_equal(ps_currency_code(payment->currency), "EUR");
    assert_int_equal(payment->instrument, PS_INSTRUMENT_CARD);
    assert_true(payment->manual_capture && !payment->confirm);
}

static void a_payment_request_has_its_defaults(void **state)
{
    (void)state;
    assert_true(post("/v1/payments", "{" PAYMENT WALLET "}"));
    const ps_payment_request *payment = command.u.payment;
    assert_int_equal(payment->instrument, PS_INSTRUMENT_WALLET);
    assert_true(!payment->manual_capture && payment->confirm);
    assert_true(payment->expires_in_ns == 0 && payment->fee == 0);
    assert_true(payment->metadata.size == 0 && payment->client_id.size == 0);
    assert_true(post("/v1/payments",
                     "{" PAYMENT WALLET ",\"id\":null,\"capture_method\":null,\"confirm\":null,"
                     "\"metadata\":null,\"context\":null,\"fee\":null}"));
    assert_true(command.u.payment->confirm);
}

static void card_and_wallet_have_their_own_fields(void **state)
{
    (void)state;
    expect_refusal(post("/v1/payments", "{" PAYMENT "\"instrument\":{\"type\":\"card\"}}"),
                   "parameter_missing", "instrument.token", "card without a token");
    expect_refusal(post("/v1/payments",
                        "{" PAYMENT "\"instrument\":{\"type\":\"wallet\",\"token\":\"tok_ok\"}}"),
                   "parameter_unknown", "instrument.token", "wallet with a token");
}

static void other_commands_arrive_whole(void **state)
{
    (void)state;
    assert_true(post("/v1/payments/pay_1/capture", ""));
    assert_true(command.u.capture.final && command.amount == 0);
    assert_true(text_is(command.target, "pay_1"));
    assert_true(post("/v1/payments/pay_1/capture", "{\"amount\":5,\"final\":false}"));
    assert_true(!command.u.capture.final && command.amount == 5);
    assert_true(post("/v1/payments/pay_1/rail_result",
                     "{\"outcome\":\"declined\",\"decline_code\":\"do_not_honour\","
                     "\"rail_reference\":\"rr\",\"amount\":9}"));
    assert_int_equal(command.u.rail.outcome, PS_RAIL_DECLINED);
    assert_true(text_is(command.u.rail.decline_code, "do_not_honour"));
    assert_true(text_is(command.reference, "rr") && command.amount == 9);
    assert_true(post("/v1/payments/pay_1/review", "{\"outcome\":\"decline\",\"reason\":\"w\"}"));
    assert_true(!command.u.review.approve && text_is(command.reason, "w"));
    assert_true(post("/v1/refunds", "{\"payment\":\"pay_1\",\"amount\":3,\"reason\":\"w\","
                                    "\"reference\":\"rf\"}"));
    assert_true(text_is(command.u.refund.payment, "pay_1") && text_is(command.reference, "rf"));
    assert_true(text_is(command.u.refund.reason, "w") && command.amount == 3);
    assert_true(post("/v1/simulate/dispute/dp_1", "{\"outcome\":\"lost\"}"));
    assert_true(command.kind == PS_CMD_DISPUTE_END && !command.u.dispute.won);
    assert_true(post("/v1/accounts",
                     "{\"name\":\"a:b\",\"currency\":\"JPY\",\"type\":\"equity\",\"flags\":["
                     "\"history\",\"debits_must_not_exceed_credits\"]}"));
    assert_true(text_is(command.u.account.name, "a:b"));
    assert_int_equal(command.u.account.type, PS_ACCOUNT_EQUITY);
    assert_int_equal(command.u.account.flags, PS_ACCOUNT_HISTORY | PS_ACCOUNT_DEBITS_CAPPED);
    assert_string_equal(ps_currency_code(command.currency), "JPY");
    assert_true(post("/v1/accounts/a%3Ab/freeze?currency=EUR", ""));
    assert_true(text_is(command.u.account.name, "a:b") && text_is(command.target, "a:b"));
    assert_string_equal(ps_currency_code(command.currency), "EUR");
    expect_refusal(post("/v1/accounts/a/freeze", ""), "parameter_missing", "currency", "freeze");
    assert_true(post("/v1/transfers",
                     "{\"debit\":\"a\",\"credit\":\"b\",\"amount\":4,\"currency\":\"EUR\","
                     "\"pending\":true,\"timeout\":2,\"reference\":\"r\"}"));
    assert_true(text_is(command.u.transfer.debit, "a") && text_is(command.u.transfer.credit, "b"));
    assert_true(command.u.transfer.pending && command.timeout_ns == 2 * PS_NS_PER_S);
    assert_true(post("/v1/settlements/close", "{\"merchant\":\"m\",\"currency\":\"EUR\"}"));
    assert_true(text_is(command.u.settlement.merchant, "m"));
    assert_true(post("/v1/risk_events",
                     "{\"type\":\"attack\",\"kind\":\"k\",\"severity\":\"critical\",\"payment\":"
                     "\"pay_1\",\"entity\":\"e\",\"data\":{\"b\":1, \"a\":[ ]}}"));
    assert_true(command.u.risk.type == PS_RISK_ATTACK && command.u.risk.severity == 4);
    assert_true(text_is(command.data, "{\"a\":[],\"b\":1}") && text_is(command.reason, "k"));
    assert_true(post_with_key("/v1/keys",
                              "{\"name\":\"n\",\"scopes\":[\"read\",\"payments:write\"],\"mode\":"
                              "\"live\",\"tenant\":\"t\",\"expires_in\":1}",
                              ""));
    assert_int_equal(command.u.key_new.scopes, PS_SCOPE_READ | PS_SCOPE_PAYMENTS_WRITE);
    assert_true(command.u.key_new.live && text_is(command.u.key_new.tenant, "t"));
    assert_true(!command.has_idempotency_key && command.timeout_ns == PS_NS_PER_S);
}

static void metadata_has_its_limits(void **state)
{
    (void)state;
    static char body[64 * 1024];
    static const struct {
        int keys, key_size, value_size;
        bool is_legal;
    } cases[] = {{50, 40, 500, true}, {51, 4, 1, false}, {1, 41, 1, false}, {1, 4, 501, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int size = sprintf(body, "{" PAYMENT WALLET ",\"metadata\":{");
        for (int k = 0; k < cases[i].keys; k++) {
            size += sprintf(body + size, "%s\"%0*x\":\"%0*d\"", k > 0 ? "," : "", cases[i].key_size,
                            0xa0 + k, 1, 0);
            size -= 2;
            memset(body + size, 'v', (size_t)cases[i].value_size);
            size += cases[i].value_size;
            size += sprintf(body + size, "\"");
        }
        (void)sprintf(body + size, "}}");
        bool decoded = post("/v1/payments", body);
        if (cases[i].is_legal) {
            assert_true(decoded);
        } else {
            expect_refusal(decoded, "parameter_invalid", "metadata", "metadata");
        }
    }
    expect_refusal(post("/v1/payments", "{" PAYMENT WALLET ",\"metadata\":{\"\":\"x\"}}"),
                   "parameter_invalid", "metadata", "empty key");
}

static void a_body_over_64_kib_is_too_large(void **state)
{
    (void)state;
    ps_request_context context = context_of(PS_METHOD_POST, "/v1/payments/pay_1/cancel");
    memset(body_buffer, ' ', sizeof body_buffer);
    memcpy(body_buffer, "{}", 2);
    assert_true(ps_decode_command(decoder, &context, body_buffer, PS_BODY_MAX, &command, &error));
    assert_false(
        ps_decode_command(decoder, &context, body_buffer, PS_BODY_MAX + 1, &command, &error));
    assert_int_equal(error.http_status, 413);
}

static void long_unknown_names_are_cut_at_a_character(void **state)
{
    (void)state;
    char body[400] = "{\"";
    for (int i = 0; i < 60; i++) {
        (void)strcat(body, "€");
    }
    (void)strcat(body, "\":1}");
    assert_false(post("/v1/payments", body));
    assert_string_equal(error.code, "parameter_unknown");
    assert_true(ps_utf8_is_valid(ps_slice_text(error.param)));
    assert_int_equal(strlen(error.param), 78);
    assert_true(ps_utf8_is_valid(ps_slice_text(error.message)));
}

/* ── card numbers ── */

static void card_numbers_and_secrets_are_refused_anywhere(void **state)
{
    (void)state;
    static const char *const bodies[][2] = {
        {"{" PAYMENT WALLET ",\"description\":\"4111111111111111\"}", "description"},
        {"{" PAYMENT WALLET ",\"description\":\"4111 1111 1111 1111\"}", "description"},
        {"{" PAYMENT WALLET ",\"description\":\"\\u0034111-1111-1111-1111\"}", "description"},
        {"{" PAYMENT WALLET ",\"metadata\":{\"k\":\"x4111111111111111\"}}", "metadata"},
        {"{" PAYMENT WALLET ",\"metadata\":{\"4111111111111111\":\"v\"}}", "metadata"},
        {"{" PAYMENT WALLET ",\"metadata\":{\"k\":4111111111111111}}", "metadata"},
        {"{" PAYMENT WALLET ",\"metadata\":{\"amount\":378282246310005}}", "metadata"},
        {"{" PAYMENT WALLET ",\"4111111111111111\":1}", ""},
        {"{" PAYMENT WALLET ",\"nope\":4111111111111111}", "nope"},
        {"{" PAYMENT WALLET ",\"nope\":[[{\"x\":\"4111111111111111\"}]]}", "nope"},
        {"{" PAYMENT WALLET ",\"expires_in\":4111111111111111}", "expires_in"},
        {"{" PAYMENT WALLET ",\"amount\":[378282246310005]}", NULL},
        {"{" PAYMENT WALLET ",\"id\":\"pay_01j4111111111111111abcdefg\"}", "id"},
        {"{" PAYMENT "\"instrument\":{\"type\":\"card\",\"token\":\"4111111111111111\"}}",
         "instrument"},
        {"{" PAYMENT "\"instrument\":{\"type\":\"card\",\"token\":\"tok_ok\",\"number\":\"1\"}}",
         "instrument.number"},
        {"{" PAYMENT "\"instrument\":{\"type\":\"card\",\"token\":\"tok_ok\",\"pan\":null}}",
         "instrument.pan"},
        {"{" PAYMENT "\"instrument\":{\"type\":\"card\",\"token\":\"tok_ok\",\"cvv\":\"123\"}}",
         "instrument.cvv"},
        {"{" PAYMENT WALLET ",\"cvc\":\"123\"}", "cvc"},
        {"{" PAYMENT WALLET ",\"metadata\":{\"CVV2\":\"123\"}}", "metadata.CVV2"},
        {"{" PAYMENT WALLET ",\"context\":{\"pin\":\"1234\"}}", "context.pin"},
        {"{" PAYMENT WALLET ",\"track2\":\";4\"}", "track2"},
        {"[\"4111111111111111\"]", ""},
        {"\"4111111111111111\"", ""},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if (bodies[i][1] == NULL) {
            continue;
        }
        expect_refusal(post("/v1/payments", bodies[i][0]), "pan_not_accepted", bodies[i][1],
                       bodies[i][0]);
        assert_null(strstr(error.message, "4111"));
        for (size_t at = 0; at < strlen(bodies[i][0]); at++) {
            assert_int_equal(body_buffer[at], 0); /* not one byte of it is kept */
        }
    }
}

static void every_route_refuses_a_card_number_wherever_a_text_goes(void **state)
{
    (void)state;
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        char target[200];
        target_of(&routes[i], target);
        if (routes[i].method != PS_METHOD_POST || routes[i].kind == PS_ROUTE_BATCH) {
            continue;
        }
        expect_refusal(post(target, "{\"x\":\"4111111111111111\"}"), "pan_not_accepted", "x",
                       target);
        (void)strcat(target, strchr(target, '?') != NULL ? "&" : "?");
        (void)strcat(target, "x=4111%201111%201111%201111");
        expect_refusal(post(target, body_with(&routes[i], NULL, NULL, true)), "pan_not_accepted",
                       "x", target);
        if (routes[i].needs_idempotency_key) {
            target_of(&routes[i], target);
            expect_refusal(post_with_key(target, body_with(&routes[i], NULL, NULL, true),
                                         "k-4111111111111111"),
                           "pan_not_accepted", "Idempotency-Key", target);
        }
    }
    expect_refusal(get("/v1/payments/4111111111111111"), "pan_not_accepted", "id", "path");
    expect_refusal(get("/v1/payments?merchant=4111-1111-1111-1111"), "pan_not_accepted", "merchant",
                   "query");
    expect_refusal(get("/v1/payments?4111111111111111=1"), "pan_not_accepted", "", "query");
    expect_refusal(get("/v1/payments?cvv=123"), "pan_not_accepted", "cvv", "query");
    expect_refusal(get("/v1/payments?metadata[cvv]=123"), "pan_not_accepted", "metadata[cvv]",
                   "query");
}

static void an_amount_may_look_like_a_card_number(void **state)
{
    (void)state;
    assert_true(post("/v1/payments",
                     "{\"amount\":378282246310005,\"currency\":\"EUR\",\"merchant\":"
                     "\"m\",\"payer\":\"p\"," WALLET "}"));
    assert_true(command.u.payment->amount == INT64_C(378282246310005));
    assert_true(post("/v1/payments",
                     "{\"amount\":4111111111111111,\"currency\":\"EUR\",\"merchant\":"
                     "\"m\",\"payer\":\"p\"," WALLET "}"));
    expect_refusal(post("/v1/payments", "{\"amount\":9223372036854775808,\"currency\":\"EUR\"}"),
                   "parameter_invalid", "amount", "too large an amount");
    assert_true(get("/v1/payments?amount[gte]=378282246310005"));
    assert_true(line("{\"op\":\"payment.create\",\"key\":\"k\",\"amount\":378282246310005,"
                     "\"currency\":\"EUR\",\"merchant\":\"m\",\"payer\":\"p\"," WALLET "}"));
}

/* ── idempotency ── */

static void the_idempotency_key_is_needed_and_plain(void **state)
{
    (void)state;
    static char long_key[257];
    const char *body = "{" PAYMENT WALLET "}";
    expect_refusal(post_with_key("/v1/payments", body, ""), "idempotency_key_missing",
                   "Idempotency-Key", "no key");
    expect_refusal(post_with_key("/v1/payments", body, "a b"), "parameter_invalid",
                   "Idempotency-Key", "blank");
    expect_refusal(post_with_key("/v1/payments", body, "é"), "parameter_invalid", "Idempotency-Key",
                   "not ASCII");
    memset(long_key, 'k', 256);
    expect_refusal(post_with_key("/v1/payments", body, long_key), "parameter_invalid",
                   "Idempotency-Key", "256");
    long_key[255] = 0;
    assert_true(post_with_key("/v1/payments", body, long_key));
    assert_true(post_with_key("/v1/payments", body, "!~\"\\"));
}

static void the_scope_of_a_key_is_book_method_and_path(void **state)
{
    (void)state;
    ps_u128 first, other;
    assert_true(post("/v1/payments/pay_1/cancel", ""));
    first = command.idempotency;
    assert_true(post("/v1/payments/pay_%31/cancel", "{}"));
    assert_true(ps_u128_equal(first, command.idempotency));
    assert_true(post("/v1/payments/pay_2/cancel", ""));
    assert_false(ps_u128_equal(first, command.idempotency));
    assert_true(post("/v1/payments/pay_1/confirm", ""));
    assert_false(ps_u128_equal(first, command.idempotency));
    assert_true(post_with_key("/v1/payments/pay_1/cancel", "", "key-2"));
    assert_false(ps_u128_equal(first, command.idempotency));
    ps_request_context context = context_of(PS_METHOD_POST, "/v1/payments/pay_1/cancel");
    context.book = 4;
    assert_true(ps_decode_command(decoder, &context, body_buffer, 0, &command, &error));
    other = command.idempotency;
    assert_false(ps_u128_equal(first, other));
}

static void the_fingerprint_is_that_of_the_canonical_body(void **state)
{
    (void)state;
    assert_true(post("/v1/payments", "{" PAYMENT WALLET "}"));
    ps_u128 first = command.fingerprint;
    assert_true(post("/v1/payments", " { " WALLET ", \"payer\" : \"p\\u0031\", \"merchant\":\"m1\","
                                     "\"currency\":\"EUR\", \"amount\":1000 }\n"));
    assert_true(ps_u128_equal(first, command.fingerprint));
    assert_true(post("/v1/payments", "{" PAYMENT WALLET ",\"fee\":0}"));
    assert_false(ps_u128_equal(first, command.fingerprint));
    assert_true(post("/v1/payments/pay_1/cancel", ""));
    first = command.fingerprint;
    assert_true(post("/v1/payments/pay_1/cancel", " {\t} "));
    assert_true(ps_u128_equal(first, command.fingerprint));
    assert_true(post("/v1/accounts/a/freeze?currency=EUR", ""));
    first = command.fingerprint;
    assert_true(post("/v1/accounts/a/freeze?currency=USD", ""));
    assert_false(ps_u128_equal(first, command.fingerprint));
}

/* ── batch ── */

static void a_batch_line_is_as_the_single_route(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"/v1/payments", "{" PAYMENT WALLET "}",
         "{\"op\":\"payment.create\",\"key\":\"key-1\"," PAYMENT WALLET "}"},
        {"/v1/payments/pay_1/capture", "{\"amount\":5}",
         "{\"amount\":5,\"payment\":\"pay_1\",\"key\":\"key-1\",\"op\":\"payment.capture\"}"},
        {"/v1/payments/pay_1/cancel", "",
         "{\"op\":\"payment.cancel\",\"key\":\"key-1\",\"payment\":\"pay_\\u0031\"}"},
        {"/v1/payments/pay_1/reverse", "{\"reason\":\"w\"}",
         "{\"op\":\"payment.reverse\",\"key\":\"key-1\",\"payment\":\"pay_1\",\"reason\":\"w\"}"},
        {"/v1/refunds", "{\"payment\":\"pay_1\"}",
         "{\"op\":\"refund.create\",\"key\":\"key-1\",\"payment\":\"pay_1\"}"},
        {"/v1/transfers", "{\"debit\":\"a\",\"credit\":\"b\",\"amount\":4,\"currency\":\"EUR\"}",
         "{\"op\":\"transfer.create\",\"key\":\"key-1\",\"debit\":\"a\",\"credit\":\"b\","
         "\"amount\":4,\"currency\":\"EUR\"}"},
        {"/v1/transfers/tr_1/post", "{\"amount\":1}",
         "{\"op\":\"transfer.post\",\"key\":\"key-1\",\"transfer\":\"tr_1\",\"amount\":1}"},
        {"/v1/transfers/tr_1/void", "{}",
         "{\"op\":\"transfer.void\",\"key\":\"key-1\",\"transfer\":\"tr_1\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(post(cases[i][0], cases[i][1]));
        ps_command single = command;
        char target[48];
        memcpy(target, single.target.data, single.target.size);
        if (!line(cases[i][2])) {
            fail_msg("%s: %s", cases[i][2], error.message);
        }
        assert_int_equal(command.kind, single.kind);
        assert_true(ps_u128_equal(command.idempotency, single.idempotency));
        assert_true(ps_u128_equal(command.fingerprint, single.fingerprint));
        assert_true(ps_slice_equal(command.target, ps_slice_of(target, single.target.size)));
        assert_int_equal(command.amount, single.amount);
    }
}

static void wrong_batch_lines_say_why(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"", "parameter_invalid", ""},
        {"[]", "parameter_invalid", ""},
        {"1", "parameter_invalid", ""},
        {"{}", "parameter_missing", "op"},
        {"{\"op\":null}", "parameter_missing", "op"},
        {"{\"op\":1}", "parameter_invalid", "op"},
        {"{\"op\":\"payment.sync\",\"key\":\"k\"}", "parameter_invalid", "op"},
        {"{\"op\":\"payment.cancel\",\"payment\":\"pay_1\"}", "idempotency_key_missing", "key"},
        {"{\"op\":\"payment.cancel\",\"payment\":\"pay_1\",\"key\":\"\"}",
         "idempotency_key_missing", "key"},
        {"{\"op\":\"payment.cancel\",\"payment\":\"pay_1\",\"key\":\"a b\"}", "parameter_invalid",
         "key"},
        {"{\"op\":\"payment.cancel\",\"payment\":\"pay_1\",\"key\":{}}", "parameter_invalid",
         "key"},
        {"{\"op\":\"payment.cancel\",\"key\":\"k\"}", "parameter_missing", "payment"},
        {"{\"op\":\"payment.cancel\",\"key\":\"k\",\"payment\":7}", "parameter_missing", "payment"},
        {"{\"op\":\"payment.cancel\",\"key\":\"k\",\"payment\":\"a b\"}", "parameter_invalid",
         "payment"},
        {"{\"op\":\"payment.cancel\",\"key\":\"k\",\"payment\":\"pay_1\",\"x\":1}",
         "parameter_unknown", "x"},
        {"{\"op\":\"transfer.void\",\"key\":\"k\",\"payment\":\"pay_1\",\"transfer\":\"tr_1\"}",
         "parameter_unknown", "payment"},
        {"{\"op\":\"refund.create\",\"key\":\"k\"}", "parameter_missing", "payment"},
        {"{\"op\":\"payment.cancel\",\"key\":\"4111111111111111\",\"payment\":\"pay_1\"}",
         "pan_not_accepted", "key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_refusal(line(cases[i][0]), cases[i][1], cases[i][2], cases[i][0]);
    }
}

/* ── queries ── */

static void queries_arrive_whole(void **state)
{
    (void)state;
    assert_true(get("/v1/payments"));
    assert_true(query.kind == PS_QUERY_PAYMENTS && query.book == 3 && query.limit == 20);
    assert_true(query.before == 0 && query.status == 0 && !query.has_currency);
    assert_true(
        get("/v1/payments?limit=100&created%5Bgte%5D=2026-01-01T00:00:00Z&created[lt]="
            "2026-01-01T00:00:01%2B01:00&amount[gte]=0&amount[lt]=5&status=reversed&"
            "merchant=m&payer=p&currency=EUR&reference=r+1&metadata[b]=2%22&metadata[a]=1"));
    assert_int_equal(query.limit, 100);
    assert_int_equal(query.created_gte_ns, INT64_C(1767225600) * PS_NS_PER_S);
    assert_int_equal(query.created_lt_ns, (INT64_C(1767225601) - 3600) * PS_NS_PER_S);
    assert_true(query.has_amount_gte && query.amount_gte == 0);
    assert_true(query.has_amount_lt && query.amount_lt == 5);
    assert_int_equal(query.status, PS_STATUS_REVERSED);
    assert_true(text_is(query.merchant, "m") && text_is(query.payer, "p"));
    assert_true(query.has_currency && strcmp(ps_currency_code(query.currency), "EUR") == 0);
    assert_true(text_is(query.reference, "r 1"));
    assert_true(text_is(query.target, "{\"a\":\"1\",\"b\":\"2\\\"\"}"));
    assert_true(get("/v1/refunds?payment=pay_1&status=cancelled"));
    assert_true(query.status == PS_REFUND_CANCELLED && text_is(query.payment, "pay_1"));
    assert_true(get("/v1/settlements?status=failed"));
    assert_int_equal(query.status, PS_SETTLEMENT_FAILED);
    assert_true(get("/v1/trades?status=pending"));
    assert_int_equal(query.status, PS_TRADE_PENDING);
    assert_true(get("/v1/transfers?status=pending"));
    assert_int_equal(query.status, PS_TRANSFER_PENDING + 1);
    assert_true(get("/v1/accounts/a:b?currency=USD&at=2026-01-01T00:00:00Z"));
    assert_true(query.kind == PS_QUERY_ACCOUNT && text_is(query.target, "a:b") && query.at_ns > 0);
    assert_true(get("/v1/events?after=7&limit=1000&type=payment.captured"));
    assert_true(query.after == 7 && query.limit == 1000 &&
                text_is(query.target, "payment.captured"));
    assert_true(get("/v1/payments/pay_1/postings"));
    assert_true(query.limit == 100 && text_is(query.target, "pay_1"));
    assert_true(get("/v1/payments?created[lt]=1960-01-01T00:00:00Z"));
    assert_int_equal(query.created_lt_ns, 1);
    assert_true(get("/v1/payments?&limit=1&&"));
}

static void wrong_queries_say_why(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"/v1/payments?nope=1", "parameter_unknown", "nope"},
        {"/v1/payments?expand=events", "parameter_unknown", "expand"},
        {"/v1/payments?payment=pay_1", "parameter_unknown", "payment"},
        {"/v1/payments?metadata=1", "parameter_unknown", "metadata"},
        {"/v1/payments?metadata[]=1", "parameter_invalid", "metadata[]"},
        {"/v1/payments?metadata[a]=1&metadata[a]=1", "parameter_invalid", "metadata[a]"},
        {"/v1/refunds?metadata[a]=1", "parameter_unknown", "metadata[a]"},
        {"/v1/payments?limit=1&limit=1", "parameter_invalid", "limit"},
        {"/v1/payments?limit=0", "parameter_invalid", "limit"},
        {"/v1/payments?limit=101", "parameter_invalid", "limit"},
        {"/v1/payments?limit=", "parameter_invalid", "limit"},
        {"/v1/payments?limit", "parameter_invalid", "limit"},
        {"/v1/payments?limit=01", "parameter_invalid", "limit"},
        {"/v1/payments?limit=1.0", "parameter_invalid", "limit"},
        {"/v1/payments?limit=%31%30", NULL, NULL},
        {"/v1/payments?limit=%00", "parameter_invalid", ""},
        {"/v1/payments?limit=%zz", "parameter_invalid", ""},
        {"/v1/payments?merchant=%ff", "parameter_invalid", ""},
        {"/v1/payments?merchant=a%20b", "parameter_invalid", "merchant"},
        {"/v1/payments?status=paid", "parameter_invalid", "status"},
        {"/v1/payments?currency=eur", "parameter_invalid", "currency"},
        {"/v1/payments?created[gte]=yesterday", "parameter_invalid", "created[gte]"},
        {"/v1/payments?created[gt]=2026-01-01T00:00:00Z", "parameter_unknown", "created[gt]"},
        {"/v1/payments?amount[gte]=-1", "parameter_invalid", "amount[gte]"},
        {"/v1/payments?cursor=x", "cursor_invalid", "cursor"},
        {"/v1/payments?cursor=", "parameter_invalid", "cursor"},
        {"/v1/payments/pay_1?limit=1", "parameter_unknown", "limit"},
        {"/v1/payments/pay%20_1", "parameter_invalid", "id"},
        {"/v1/payments/pay%00_1", "parameter_invalid", "id"},
        {"/v1/accounts/a%2Fb?currency=EUR", "parameter_invalid", "name"},
        {"/v1/accounts/a", "parameter_missing", "currency"},
        {"/v1/accounts/a?currency=EUR&at=2026-01-01T00:00:00Z&at_sequence=1", "parameter_invalid",
         "at_sequence"},
        {"/v1/accounts/a?currency=EUR&at_sequence=0", "parameter_invalid", "at_sequence"},
        {"/v1/events?limit=1001", "parameter_invalid", "limit"},
        {"/v1/events?after=-1", "parameter_invalid", "after"},
        {"/v1/events?type=payment.done", "parameter_invalid", "type"},
        {"/v1/ledger/verify?x=1", "parameter_unknown", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i][1] == NULL) {
            assert_true(get(cases[i][0]));
            continue;
        }
        expect_refusal(get(cases[i][0]), cases[i][1], cases[i][2], cases[i][0]);
    }
}

static void a_cursor_belongs_to_its_filters(void **state)
{
    (void)state;
    char cursor[PS_CURSOR_CHARS];
    char target[300];
    assert_true(get("/v1/payments?merchant=m&metadata[a]=1"));
    ps_cursor_format(&query, 4711, cursor);
    static const char *const same[] = {"merchant=m&metadata[a]=1", "metadata%5Ba%5D=1&merchant=m",
                                       "limit=7&merchant=m&metadata[a]=1"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        (void)snprintf(target, sizeof target, "/v1/payments?%s&cursor=%.*s", same[i],
                       PS_CURSOR_CHARS, cursor);
        assert_true(get(target));
        assert_int_equal(query.before, 4711);
    }
    static const char *const others[] = {
        "merchant=m",
        "merchant=n&metadata[a]=1",
        "payer=m&metadata[a]=1",
        "merchant=m&metadata[a]=2",
        "merchant=m&metadata[a]=1&currency=EUR",
        "merchant=m&metadata[a]=1&status=created",
        "merchant=m&metadata[a]=1&amount[gte]=0",
        "merchant=m&metadata[a]=1&amount[lt]=0",
        "merchant=m&metadata[a]=1&reference=r",
        "merchant=m&metadata[a]=1&created[gte]=2026-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)snprintf(target, sizeof target, "/v1/payments?%s&cursor=%.*s", others[i],
                       PS_CURSOR_CHARS, cursor);
        expect_refusal(get(target), "cursor_invalid", "cursor", target);
    }
    (void)snprintf(target, sizeof target, "/v1/accounts?cursor=%.*s", PS_CURSOR_CHARS, cursor);
    expect_refusal(get(target), "cursor_invalid", "cursor", target);
    for (int i = 0; i < PS_CURSOR_CHARS; i++) {
        char kept = cursor[i];
        cursor[i] = kept == 'A' ? 'B' : 'A';
        if (i < 2 || i > 14) { /* version and hash; the number in between is free */
            uint64_t next;
            assert_true(get("/v1/payments?merchant=m&metadata[a]=1"));
            assert_false(ps_cursor_parse(ps_slice_of(cursor, PS_CURSOR_CHARS), &query, &next));
        }
        cursor[i] = kept;
    }
}

static void metadata_matches_when_every_filter_is_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *metadata, *filter;
        bool matches;
    } cases[] = {
        {"{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\"}", true},
        {"{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\",\"b\":\"2\"}", true},
        {"{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"1\"}", false},
        {"{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}", false},
        {"{\"aa\":\"1\"}", "{\"a\":\"1\"}", false},
        {"{\"x\":\"\\\"a\\\":\\\"1\\\"\"}", "{\"a\":\"1\"}", false},
        {"{\"x\":\"\\\\\",\"a\":\"1\"}", "{\"a\":\"1\"}", true},
        {"{\"a\":\"11\"}", "{\"a\":\"1\"}", false},
        {"", "{\"a\":\"1\"}", false},
        {"{}", "{\"a\":\"1\"}", false},
        {"{\"a\":\"1\"}", "", true},
        {"", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            ps_metadata_matches(ps_slice_text(cases[i].metadata), ps_slice_text(cases[i].filter)),
            cases[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_every_route_takes_what_it_should),
        cmocka_unit_test(words_of_the_table_are_those_of_the_enums),
        cmocka_unit_test(a_payment_request_arrives_whole),
        cmocka_unit_test(a_payment_request_has_its_defaults),
        cmocka_unit_test(card_and_wallet_have_their_own_fields),
        cmocka_unit_test(other_commands_arrive_whole),
        cmocka_unit_test(metadata_has_its_limits),
        cmocka_unit_test(a_body_over_64_kib_is_too_large),
        cmocka_unit_test(long_unknown_names_are_cut_at_a_character),
        cmocka_unit_test(card_numbers_and_secrets_are_refused_anywhere),
        cmocka_unit_test(every_route_refuses_a_card_number_wherever_a_text_goes),
        cmocka_unit_test(an_amount_may_look_like_a_card_number),
        cmocka_unit_test(the_idempotency_key_is_needed_and_plain),
        cmocka_unit_test(the_scope_of_a_key_is_book_method_and_path),
        cmocka_unit_test(the_fingerprint_is_that_of_the_canonical_body),
        cmocka_unit_test(a_batch_line_is_as_the_single_route),
        cmocka_unit_test(wrong_batch_lines_say_why),
        cmocka_unit_test(queries_arrive_whole),
        cmocka_unit_test(wrong_queries_say_why),
        cmocka_unit_test(a_cursor_belongs_to_its_filters),
        cmocka_unit_test(metadata_matches_when_every_filter_is_in_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
