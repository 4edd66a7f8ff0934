/* Signatures of requests: one vector made elsewhere, and every way to be another request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "serve/request_signature.h"

#define KEY "ps_test_0123456789"
#define BODY "{\"amount\":4200}"
#define NOW INT64_C(1767225600)

static ps_signed_request sample(void)
{
    return (ps_signed_request){
        .method = PS_SLICE("POST"),
        .path = PS_SLICE("/v1/payments"),
        .query = PS_SLICE("a=1&b=2"),
        .idempotency_key = PS_SLICE("order-1"),
        .body = PS_SLICE(BODY),
        .headers = {
            /* python3: hmac.new(hmac.new(KEY, b"paystream request signature 1", "sha256").digest(),
             * "\n".join(["POST", "/v1/payments", "a=1&b=2", "order-1",
             *            sha256(BODY).hexdigest(), "1767225600", "nonce-0123456789"]), "sha256") */
            .signature =
                PS_SLICE("1e66b9cba0c2c609c9244b08ed29641f75e7d216a0043f6cc9e494b21a3402a5"),
            .timestamp = PS_SLICE("1767225600"),
            .nonce = PS_SLICE("nonce-0123456789")}};
}

static void the_signature_is_that_of_the_vector(void **state)
{
    (void)state;
    ps_signed_request request = sample();
    assert_true(ps_signature_is_right(PS_SLICE(KEY), &request));
    assert_false(ps_signature_is_right(PS_SLICE("ps_test_0123456788"), &request));
}

static void every_altered_byte_of_every_part_shows(void **state)
{
    (void)state;
    ps_signed_request request = sample();
    ps_slice *parts[] = {&request.method,        &request.path,
                         &request.query,         &request.idempotency_key,
                         &request.body,          &request.headers.timestamp,
                         &request.headers.nonce, &request.headers.signature};
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        ps_slice whole = *parts[p];
        char copy[128];
        for (size_t i = 0; i < whole.size; i++) {
            memcpy(copy, whole.data, whole.size);
            copy[i] ^= 1;
            *parts[p] = ps_slice_of(copy, whole.size);
            assert_false(ps_signature_is_right(PS_SLICE(KEY), &request));
        }
        if (parts[p] != &request.headers.signature) {
            *parts[p] = ps_slice_of(whole.data, whole.size - 1);
            assert_false(ps_signature_is_right(PS_SLICE(KEY), &request));
        }
        *parts[p] = whole;
        assert_true(ps_signature_is_right(PS_SLICE(KEY), &request));
    }
}

static void parts_do_not_run_into_each_other(void **state)
{
    (void)state;
    ps_signed_request request = sample();
    request.path = PS_SLICE("/v1/payments?a=1");
    request.query = PS_SLICE("b=2");
    assert_false(ps_signature_is_right(PS_SLICE(KEY), &request));
    request = sample();
    request.query = PS_SLICE("b=2&a=1");
    assert_false(ps_signature_is_right(PS_SLICE(KEY), &request));
    request = sample();
    request.query = PS_SLICE("");
    request.idempotency_key = PS_SLICE("a=1&b=2");
    assert_false(ps_signature_is_right(PS_SLICE(KEY), &request));
}

static void headers_are_checked_before_the_body(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *timestamp, *nonce;
        ps_signature_outcome outcome;
    } cases[] = {
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        {HEX, "1767225600", "0123456789abcdef", PS_SIGNATURE_OK},
        {"", "1767225600", "0123456789abcdef", PS_SIGNATURE_MISSING},
        {HEX, "", "0123456789abcdef", PS_SIGNATURE_MISSING},
        {HEX, "1767225600", "", PS_SIGNATURE_MISSING},
        {"0123", "1767225600", "0123456789abcdef", PS_SIGNATURE_MALFORMED},
        {"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "1767225600",
         "0123456789abcdef", PS_SIGNATURE_MALFORMED},
        {HEX, "-1767225600", "0123456789abcdef", PS_SIGNATURE_MALFORMED},
        {HEX, "1767225600.5", "0123456789abcdef", PS_SIGNATURE_MALFORMED},
        {HEX, "9999999999999", "0123456789abcdef", PS_SIGNATURE_MALFORMED},
        {HEX, "1767225600", "0123456789abcde", PS_SIGNATURE_MALFORMED},
        {HEX, "1767225600", "0123456789abcde!", PS_SIGNATURE_MALFORMED},
        {HEX, "1767225600", HEX "0", PS_SIGNATURE_MALFORMED},
        {HEX, "1767225300", "0123456789abcdef", PS_SIGNATURE_OK},
        {HEX, "1767225299", "0123456789abcdef", PS_SIGNATURE_STALE},
        {HEX, "1767225900", "0123456789abcdef", PS_SIGNATURE_OK},
        {HEX, "1767225901", "0123456789abcdef", PS_SIGNATURE_STALE},
        {HEX, "0", "0123456789abcdef", PS_SIGNATURE_STALE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ps_signature_headers headers = {ps_slice_text(cases[i].signature),
                                        ps_slice_text(cases[i].timestamp),
                                        ps_slice_text(cases[i].nonce)};
        assert_int_equal(ps_signature_headers_check(&headers, NOW), cases[i].outcome);
    }
}

static void a_nonce_is_one_keys_own(void **state)
{
    (void)state;
    static const ps_hash_secret secret = {{7}};
    ps_u128 one = ps_signature_nonce(&secret, 1, PS_SLICE("0123456789abcdef"));
    assert_true(ps_u128_equal(one, ps_signature_nonce(&secret, 1, PS_SLICE("0123456789abcdef"))));
    assert_false(ps_u128_equal(one, ps_signature_nonce(&secret, 2, PS_SLICE("0123456789abcdef"))));
    assert_false(ps_u128_equal(one, ps_signature_nonce(&secret, 1, PS_SLICE("0123456789abcdee"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signature_is_that_of_the_vector),
        cmocka_unit_test(every_altered_byte_of_every_part_shows),
        cmocka_unit_test(parts_do_not_run_into_each_other),
        cmocka_unit_test(headers_are_checked_before_the_body),
        cmocka_unit_test(a_nonce_is_one_keys_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
