/* The route table: every route of CONTRACT §2 is found, and what the other files rely on holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "serve/route.h"
#include "serve/route_slot.h"

static void find(const char *method, const char *path, char *buffer, ps_route_match *match)
{
    ps_method m = strcmp(method, "GET") == 0    ? PS_METHOD_GET
                  : strcmp(method, "POST") == 0 ? PS_METHOD_POST
                                                : PS_METHOD_DELETE;
    ps_route_find(m, ps_slice_text(path), buffer, match);
}

/* method path → pattern, id */
static const char *const found[][4] = {
    {"POST", "/v1/keys", "/v1/keys", ""},
    {"GET", "/v1/keys", "/v1/keys", ""},
    {"DELETE", "/v1/keys/key_1", "/v1/keys/{id}", "key_1"},
    {"POST", "/v1/payments", "/v1/payments", ""},
    {"GET", "/v1/payments", "/v1/payments", ""},
    {"GET", "/v1/payments/pay_1", "/v1/payments/{id}", "pay_1"},
    {"GET", "/v1/payments/pay_1/events", "/v1/payments/{id}/events", "pay_1"},
    {"GET", "/v1/payments/pay_1/postings", "/v1/payments/{id}/postings", "pay_1"},
    {"POST", "/v1/payments/pay_1/confirm", "/v1/payments/{id}/confirm", "pay_1"},
    {"POST", "/v1/payments/pay_1/capture", "/v1/payments/{id}/capture", "pay_1"},
    {"POST", "/v1/payments/pay_1/cancel", "/v1/payments/{id}/cancel", "pay_1"},
    {"POST", "/v1/payments/pay_1/reverse", "/v1/payments/{id}/reverse", "pay_1"},
    {"POST", "/v1/payments/pay_1/sync", "/v1/payments/{id}/sync", "pay_1"},
    {"POST", "/v1/payments/pay_1/rail_result", "/v1/payments/{id}/rail_result", "pay_1"},
    {"POST", "/v1/payments/pay_1/review", "/v1/payments/{id}/review", "pay_1"},
    {"GET", "/v1/refunds", "/v1/refunds", ""},
    {"POST", "/v1/refunds", "/v1/refunds", ""},
    {"GET", "/v1/refunds/re_1", "/v1/refunds/{id}", "re_1"},
    {"GET", "/v1/disputes", "/v1/disputes", ""},
    {"GET", "/v1/trades", "/v1/trades", ""},
    {"GET", "/v1/accounts", "/v1/accounts", ""},
    {"GET", "/v1/transfers", "/v1/transfers", ""},
    {"GET", "/v1/transfers/tr_1", "/v1/transfers/{id}", "tr_1"},
    {"GET", "/v1/settlements", "/v1/settlements", ""},
    {"POST", "/v1/simulate/dispute", "/v1/simulate/dispute", ""},
    {"POST", "/v1/simulate/dispute/dp_1", "/v1/simulate/dispute/{id}", "dp_1"},
    {"POST", "/v1/disputes/dp_1/challenge", "/v1/disputes/{id}/challenge", "dp_1"},
    {"POST", "/v1/disputes/dp_1/accept", "/v1/disputes/{id}/accept", "dp_1"},
    {"POST", "/v1/accounts", "/v1/accounts", ""},
    {"GET", "/v1/accounts/a:b", "/v1/accounts/{name}", "a:b"},
    {"GET", "/v1/accounts/a%3Ab", "/v1/accounts/{name}", "a:b"},
    {"GET", "/v1/accounts/a%3ab/entries", "/v1/accounts/{name}/entries", "a:b"},
    {"POST", "/v1/accounts/a/freeze", "/v1/accounts/{name}/freeze", "a"},
    {"POST", "/v1/accounts/a/unfreeze", "/v1/accounts/{name}/unfreeze", "a"},
    {"POST", "/v1/accounts/a/close", "/v1/accounts/{name}/close", "a"},
    {"POST", "/v1/transfers", "/v1/transfers", ""},
    {"POST", "/v1/transfers/tr_1/post", "/v1/transfers/{id}/post", "tr_1"},
    {"POST", "/v1/transfers/tr_1/void", "/v1/transfers/{id}/void", "tr_1"},
    {"POST", "/v1/transfers/tr_1/revert", "/v1/transfers/{id}/revert", "tr_1"},
    {"POST", "/v1/batch", "/v1/batch", ""},
    {"POST", "/v1/settlements/close", "/v1/settlements/close", ""},
    {"POST", "/v1/settlements/set_1/confirm", "/v1/settlements/{id}/confirm", "set_1"},
    {"POST", "/v1/settlements/set_1/fail", "/v1/settlements/{id}/fail", "set_1"},
    {"POST", "/v1/risk_events", "/v1/risk_events", ""},
    {"GET", "/v1/ledger/trial-balance", "/v1/ledger/trial-balance", ""},
    {"GET", "/v1/ledger/verify", "/v1/ledger/verify", ""},
    {"GET", "/v1/events", "/v1/events", ""},
    {"GET", "/v1/stream", "/v1/stream", ""},
    {"GET", "/healthz", "/healthz", ""},
    {"GET", "/readyz", "/readyz", ""},
    {"GET", "/metrics", "/metrics", ""},
    {"GET", "/openapi.json", "/openapi.json", ""},
    {"GET", "/", "/", ""},
    /* broken escapes and %00 stay as they came: no name holds a '%' */
    {"GET", "/v1/accounts/a%00b", "/v1/accounts/{name}", "a%00b"},
    {"GET", "/v1/accounts/a%zz", "/v1/accounts/{name}", "a%zz"},
    {"GET", "/v1/accounts/a%3", "/v1/accounts/{name}", "a%3"},
    {"GET", "/v1/accounts/a+b", "/v1/accounts/{name}", "a+b"},
    {"GET", "/v1/accounts/a%2Fb", "/v1/accounts/{name}", "a/b"},
};

static void every_route_of_the_contract_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        char buffer[200];
        ps_route_match match;
        find(found[i][0], found[i][1], buffer, &match);
        if (match.route == NULL || strcmp(match.route->pattern, found[i][2]) != 0 ||
            !ps_slice_equal(match.id, ps_slice_text(found[i][3]))) {
            fail_msg("%s %s", found[i][0], found[i][1]);
        }
    }
}

static void other_paths_are_not(void **state)
{
    (void)state;
    static const char *const paths[] = {"",
                                        "/v1",
                                        "/v1/",
                                        "//",
                                        "/v1/payment",
                                        "/v1/payments/",
                                        "/v1/payments//capture",
                                        "/v1/payments/pay_1/",
                                        "/v1/payments/pay_1/captures",
                                        "/v1/payments/pay_1/capture/x",
                                        "/V1/payments",
                                        "/v1/paymentss",
                                        "v1/payments",
                                        "/healthz/",
                                        "/v1/%70ayments",
                                        "/v1/../v1/payments"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char buffer[200];
        ps_route_match match;
        find("GET", paths[i], buffer, &match);
        assert_null(match.route);
        assert_int_equal(match.allowed_methods, 0);
    }
}

static void a_path_knows_its_methods(void **state)
{
    (void)state;
    char buffer[200];
    ps_route_match match;
    find("DELETE", "/v1/payments", buffer, &match);
    assert_null(match.route);
    assert_int_equal(match.allowed_methods, 1 << PS_METHOD_GET | 1 << PS_METHOD_POST);
    find("GET", "/v1/keys/key_1", buffer, &match);
    assert_null(match.route);
    assert_int_equal(match.allowed_methods, 1 << PS_METHOD_DELETE);
    find("GET", "/v1/simulate/dispute", buffer, &match);
    assert_null(match.route);
    assert_int_equal(match.allowed_methods, 1 << PS_METHOD_POST);
}

static void every_pattern_finds_its_own_route(void **state)
{
    (void)state;
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        char path[200];
        char buffer[200];
        ps_route_match match;
        ps_buf made;
        ps_buf_init(&made, sizeof path);
        ps_route_path_append(&routes[i], PS_SLICE("x1"), &made);
        ps_route_find(routes[i].method, ps_buf_slice(&made), buffer, &match);
        assert_ptr_equal(match.route, &routes[i]);
        ps_buf_release(&made);
    }
}

static void check_field(const ps_field *field, uint64_t *slots, bool is_outer, bool is_body)
{
    assert_non_null(field->description);
    assert_in_range(field->slot, 1, PS_SLOT_COUNT - 1);
    assert_int_equal(*slots >> field->slot & 1, 0);
    *slots |= UINT64_C(1) << field->slot;
    switch (field->type) {
    case PS_FIELD_ENUM:
    case PS_FIELD_ENUM_LIST:
    case PS_FIELD_ID:
        assert_non_null(field->words);
        break;
    case PS_FIELD_TEXT:
    case PS_FIELD_NAME:
    case PS_FIELD_ANY:
        assert_true(field->size_max > 0);
        break;
    case PS_FIELD_AMOUNT:
        /* decode_body lets numbers that look like card numbers through only there */
        if (is_body) {
            assert_true(is_outer &&
                        (strcmp(field->name, "amount") == 0 || strcmp(field->name, "fee") == 0));
        }
        assert_true(field->max == PS_AMOUNT_MAX);
        break;
    case PS_FIELD_INTEGER:
    case PS_FIELD_DIGITS:
        assert_true(field->min <= field->max && field->max > 0);
        break;
    case PS_FIELD_OBJECT:
        for (const ps_field *inner = field->fields; inner->name != NULL; inner++) {
            check_field(inner, slots, false, is_body);
        }
        break;
    case PS_FIELD_BOOL:
    case PS_FIELD_CURRENCY:
    case PS_FIELD_MAP:
    case PS_FIELD_TIME:
    case PS_FIELD_MONTH:
    case PS_FIELD_CURSOR:
        break;
    }
}

static void the_table_is_well_formed(void **state)
{
    (void)state;
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        const ps_route *route = &routes[i];
        uint64_t slots = 0;
        assert_non_null(route->reply);
        assert_non_null(route->summary);
        assert_true(route->success_status == 200 || route->success_status == 201);
        assert_int_equal(route->scopes != 0, strncmp(route->pattern, "/v1/", 4) == 0);
        if (route->kind == PS_ROUTE_COMMAND) {
            assert_int_equal(route->needs_idempotency_key, route->method == PS_METHOD_POST);
            assert_true(route->command > PS_CMD_SNAPSHOT && route->command < PS_CMD_COUNT);
            assert_ptr_equal(ps_route_of_command(route->command), route);
        }
        for (const ps_field *f = route->body; f != NULL && f->name != NULL; f++) {
            check_field(f, &slots, true, true);
        }
        for (const ps_field *f = route->parameters; f != NULL && f->name != NULL; f++) {
            check_field(f, &slots, true, false);
        }
    }
}

static void every_command_of_a_client_has_a_route(void **state)
{
    (void)state;
    for (int kind = PS_CMD_PAYMENT_CREATE; kind < PS_CMD_COUNT; kind++) {
        assert_non_null(ps_route_of_command((ps_command_kind)kind));
    }
    assert_null(ps_route_of_command(PS_CMD_GENESIS));
    assert_null(ps_route_of_command(PS_CMD_TIMER));
    assert_null(ps_route_of_command(PS_CMD_SNAPSHOT));
}

static void percent_escapes_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_form;
        const char *after; /* NULL: refused */
    } cases[] = {
        {"abc", false, "abc"}, {"%41", false, "A"},     {"%c3%A9", false, "é"},
        {"a+b", false, "a+b"}, {"a+b", true, "a b"},    {"a%2Bb", true, "a+b"},
        {"%", false, NULL},    {"%4", false, NULL},     {"%g1", false, NULL},
        {"%00", false, NULL},  {"a%", true, NULL},      {"%25", false, "%"},
        {"", false, ""},       {"%2541", false, "%41"}, {"%1g", false, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[32];
        size_t size = 0;
        bool decoded =
            ps_percent_decode(ps_slice_text(cases[i].text), cases[i].is_form, out, &size);
        assert_int_equal(decoded, cases[i].after != NULL);
        if (decoded) {
            assert_true(ps_slice_equal(ps_slice_of(out, size), ps_slice_text(cases[i].after)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_of_the_contract_is_found),
        cmocka_unit_test(other_paths_are_not),
        cmocka_unit_test(a_path_knows_its_methods),
        cmocka_unit_test(every_pattern_finds_its_own_route),
        cmocka_unit_test(the_table_is_well_formed),
        cmocka_unit_test(every_command_of_a_client_has_a_route),
        cmocka_unit_test(percent_escapes_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
