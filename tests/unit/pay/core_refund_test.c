#include "core_fixture.h"

#include <stdio.h>

static const int64_t second_ns = PS_NS_PER_S;

/* A captured wallet payment of 1000, fee 30; alice had 5000. */
static ps_fixture *captured(void)
{
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "alice", "EUR", 5000);
    ps_payment_request request = {.amount = 1000, .fee = 30, .confirm = true};
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    return f;
}

static ps_refusal settlement(ps_fixture *f, ps_command_kind kind)
{
    ps_command command = {.kind = kind,
                          .target = f->child,
                          .currency = fixture_currency("EUR"),
                          .u.settlement = {.merchant = PS_SLICE("shop")}};
    return fixture_run(f, &command);
}

static int64_t merchant(const ps_fixture *f, const char *which)
{
    char name[64];
    snprintf(name, sizeof name, "merchant:shop:%s", which);
    return fixture_balance(f, name, "EUR");
}

static void a_wallet_refund_succeeds_at_once_from_pending(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    assert_refused(fixture_refund(f, 400), PS_REFUSED_NONE);
    assert_int_equal(f->http_status, 201);
    assert_int_equal(f->refund.status, PS_REFUND_SUCCEEDED);
    assert_status(f, PS_STATUS_PARTIALLY_REFUNDED);
    assert_int_equal(f->payment.counters.refunded, 400);
    assert_int_equal(f->payment.counters.refund_pending, 0);
    assert_int_equal(fixture_balance(f, "payer:alice", "EUR"), 4400);
    assert_int_equal(merchant(f, "pending"), 570);
    /* the fee is kept */
    assert_int_equal(fixture_balance(f, "fee_income", "EUR"), 30);
    fixture_free(f);
}

static void no_amount_refunds_what_is_left(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    fixture_refund(f, 100);
    assert_refused(fixture_refund(f, 0), PS_REFUSED_NONE);
    assert_int_equal(f->refund.amount, 900);
    assert_status(f, PS_STATUS_REFUNDED);
    assert_refused(fixture_refund(f, 0), PS_REFUSED_REFUND_TOO_LARGE);
    assert_int_equal(f->detail, 0);
    fixture_free(f);
}

static void reserve_fill(ps_fixture *f, int64_t amount)
{
    ps_command open = {
        .kind = PS_CMD_ACCOUNT_OPEN,
        .currency = fixture_currency("EUR"),
        .u.account = {.name = PS_SLICE("merchant:shop:reserve"), .type = PS_ACCOUNT_LIABILITY}};
    assert_refused(fixture_run(f, &open), PS_REFUSED_NONE);
    ps_command reserve = {
        .kind = PS_CMD_TRANSFER_CREATE,
        .currency = fixture_currency("EUR"),
        .amount = amount,
        .u.transfer = {.debit = PS_SLICE("world"), .credit = PS_SLICE("merchant:shop:reserve")}};
    assert_refused(fixture_run(f, &reserve), PS_REFUSED_NONE);
}

static void the_shortfall_comes_from_reserve_then_from_receivable(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    reserve_fill(f, 10);
    /* 970 are pending, 1000 go back: 10 from reserve, 20 owed */
    assert_refused(fixture_refund(f, 1000), PS_REFUSED_NONE);
    assert_int_equal(f->refund.from_reserve, 10);
    assert_int_equal(f->refund.from_receivable, 20);
    assert_int_equal(merchant(f, "pending"), 0);
    assert_int_equal(merchant(f, "reserve"), 0);
    assert_int_equal(merchant(f, "receivable"), 20);
    assert_int_equal(fixture_balance(f, "payer:alice", "EUR"), 5000);
    fixture_free(f);
}

static void a_slow_refund_is_held_until_the_rail_answers(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_card(f, "tok_refund_slow", 1000, false);
    assert_refused(fixture_refund(f, 600), PS_REFUSED_NONE);
    assert_int_equal(f->refund.status, PS_REFUND_PENDING);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(f->payment.counters.refund_pending, 600);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:pending", "EUR"), 600);
    assert_refused(fixture_refund(f, 401), PS_REFUSED_REFUND_TOO_LARGE);
    assert_int_equal(f->detail, 400);
    /* nothing can be mirrored while a refund is under way */
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE), PS_REFUSED_STATE_CONFLICT);
    assert_int_equal(fixture_advance(f, 2 * second_ns), 1);
    assert_int_equal(f->refund.status, PS_REFUND_SUCCEEDED);
    assert_status(f, PS_STATUS_PARTIALLY_REFUNDED);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:pending", "EUR"), 0);
    assert_int_equal(merchant(f, "pending"), 400);
    assert_int_equal(fixture_balance(f, "scheme_receivable:simulator", "EUR"), 400);
    fixture_free(f);
}

static void a_failed_refund_gives_everything_back(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    ps_payment_request request = {.amount = 1000,
                                  .fee = 30,
                                  .confirm = true,
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .token = PS_SLICE("tok_refund_fails")};
    fixture_fund(f, "alice", "EUR", 1); /* opens world */
    reserve_fill(f, 10);
    fixture_create(f, request);
    assert_refused(fixture_refund(f, 1000), PS_REFUSED_NONE);
    assert_int_equal(merchant(f, "reserve"), 10);
    assert_int_equal(f->refund.from_reserve, 10);
    assert_int_equal(f->refund.status, PS_REFUND_FAILED);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(f->payment.failed_refunds, 1);
    assert_int_equal(merchant(f, "pending"), 970);
    assert_int_equal(merchant(f, "receivable"), 0);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:pending", "EUR"), 0);
    assert_int_equal(ps_trade_at(f->core, f->refund.trade)->status, PS_TRADE_FAILURE);
    fixture_free(f);
}

static void the_eleventh_failed_refund_is_refused(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_card(f, "tok_refund_fails", 1000, false);
    for (int i = 0; i < 10; i++) {
        assert_refused(fixture_refund(f, 10), PS_REFUSED_NONE);
    }
    assert_refused(fixture_refund(f, 10), PS_REFUSED_TOO_MANY_ATTEMPTS);
    assert_int_equal(f->http_status, 422);
    fixture_free(f);
}

static void after_settlement_refunds_come_from_available_or_are_owed(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    assert_refused(settlement(f, PS_CMD_SETTLEMENT_CLOSE), PS_REFUSED_NONE);
    assert_refused(settlement(f, PS_CMD_SETTLEMENT_CONFIRM), PS_REFUSED_NONE);
    fixture_advance(f, second_ns);
    fixture_refresh(f);
    assert_status(f, PS_STATUS_SETTLED);
    assert_int_equal(merchant(f, "available"), 0);
    assert_refused(fixture_refund(f, 200), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_PARTIALLY_REFUNDED);
    assert_int_equal(f->payment.counters.settled, 1000);
    assert_int_equal(merchant(f, "receivable"), 200);
    assert_int_equal(fixture_balance(f, "payer:alice", "EUR"), 4200);
    fixture_free(f);
}

static void a_refund_under_way_outlives_its_batch(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_card(f, "tok_refund_slow", 1000, false);
    assert_refused(fixture_refund(f, 300), PS_REFUSED_NONE);
    assert_refused(settlement(f, PS_CMD_SETTLEMENT_CLOSE), PS_REFUSED_NONE);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:pending", "EUR"), 300);
    fixture_advance(f, 2 * second_ns);
    assert_int_equal(f->refund.status, PS_REFUND_SUCCEEDED);
    assert_int_equal(merchant(f, "pending"), 0);
    fixture_free(f);
}

static void refunds_are_legal_while_more_is_held(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_card(f, "tok_ok", 1000, true);
    assert_refused(fixture_refund(f, 1), PS_REFUSED_STATE_CONFLICT);
    fixture_capture(f, 400, false);
    assert_refused(fixture_refund(f, 400), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_PARTIALLY_REFUNDED);
    assert_refused(fixture_capture(f, 600, true), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_PARTIALLY_REFUNDED);
    assert_refused(fixture_refund(f, 0), PS_REFUSED_NONE);
    assert_int_equal(f->refund.amount, 600);
    assert_status(f, PS_STATUS_REFUNDED);
    fixture_free(f);
}

static void a_frozen_payee_refuses_the_refund(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    ps_command freeze = {.kind = PS_CMD_ACCOUNT_FREEZE,
                         .target = PS_SLICE("payer:alice"),
                         .currency = fixture_currency("EUR")};
    assert_refused(fixture_run(f, &freeze), PS_REFUSED_NONE);
    assert_refused(fixture_refund(f, 1), PS_REFUSED_ACCOUNT_FROZEN);
    fixture_refresh(f);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(ps_refund_count(f->core), 0);
    fixture_free(f);
}

static void a_live_card_refund_succeeds(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    f->book = 2;
    fixture_card(f, "tok_refund_fails", 100, false); /* tokens mean nothing to a live rail */
    assert_refused(fixture_rail_result(f, PS_RAIL_APPROVED, 100), PS_REFUSED_NONE);
    assert_refused(fixture_refund(f, 100), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_REFUNDED);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wallet_refund_succeeds_at_once_from_pending),
        cmocka_unit_test(no_amount_refunds_what_is_left),
        cmocka_unit_test(the_shortfall_comes_from_reserve_then_from_receivable),
        cmocka_unit_test(a_slow_refund_is_held_until_the_rail_answers),
        cmocka_unit_test(a_failed_refund_gives_everything_back),
        cmocka_unit_test(the_eleventh_failed_refund_is_refused),
        cmocka_unit_test(after_settlement_refunds_come_from_available_or_are_owed),
        cmocka_unit_test(a_refund_under_way_outlives_its_batch),
        cmocka_unit_test(refunds_are_legal_while_more_is_held),
        cmocka_unit_test(a_frozen_payee_refuses_the_refund),
        cmocka_unit_test(a_live_card_refund_succeeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
