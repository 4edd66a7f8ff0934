#include "core_fixture.h"

static void wallet_payment_is_captured_and_booked(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "alice", "EUR", 10000);
    ps_payment_request request = {.amount = 1000, .fee = 30, .confirm = true};
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    assert_int_equal(f->http_status, 201);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(f->payment.counters.captured, 1000);
    assert_int_equal(f->payment.counters.fee_taken, 30);
    assert_int_equal(fixture_balance(f, "payer:alice", "EUR"), 9000);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), 970);
    assert_int_equal(fixture_balance(f, "fee_income", "EUR"), 30);
    assert_int_equal(fixture_pending_debits(f, "payer:alice", "EUR"), 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wallet_payment_is_captured_and_booked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
