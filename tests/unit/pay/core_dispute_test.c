#include "core_fixture.h"

static const int64_t day_ns = 24 * 3600 * PS_NS_PER_S;

static ps_fixture *captured(void)
{
    ps_fixture *f = fixture_new(NULL);
    assert_refused(fixture_card(f, "tok_ok", 1000, false), PS_REFUSED_NONE);
    return f;
}

static ps_refusal on_dispute(ps_fixture *f, ps_command_kind kind)
{
    ps_command command = {.kind = kind, .target = f->child};
    return fixture_run(f, &command);
}

static void assert_books(const ps_fixture *f, int64_t scheme, int64_t pending, int64_t held)
{
    assert_int_equal(fixture_balance(f, "scheme_receivable:simulator", "EUR"), scheme);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), pending);
    assert_int_equal(fixture_balance(f, "dispute_hold", "EUR"), held);
}

static void an_open_dispute_takes_the_amount_from_the_merchant(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    assert_refused(fixture_dispute_open(f, 400), PS_REFUSED_NONE);
    assert_int_equal(f->http_status, 201);
    assert_int_equal(f->dispute.status, PS_DISPUTE_OPENED);
    assert_int_equal(f->dispute.respond_by_ns, f->dispute.created_ns + 7 * day_ns);
    assert_status(f, PS_STATUS_DISPUTED);
    assert_books(f, 1000, 600, 400);
    fixture_free(f);
}

static void a_won_dispute_gives_it_back_and_the_counters_say_the_status(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    fixture_refund(f, 100);
    fixture_dispute_open(f, 400);
    assert_status(f, PS_STATUS_DISPUTED);
    assert_refused(fixture_dispute_end(f, true), PS_REFUSED_NONE);
    assert_int_equal(f->dispute.status, PS_DISPUTE_WON);
    assert_status(f, PS_STATUS_PARTIALLY_REFUNDED);
    assert_books(f, 900, 900, 0);
    assert_int_equal(f->payment.counters.disputed, 0);
    fixture_free(f);
}

static void a_lost_dispute_goes_to_the_payer(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    fixture_dispute_open(f, 0); /* all of it */
    assert_refused(fixture_dispute_end(f, false), PS_REFUSED_NONE);
    assert_int_equal(f->dispute.status, PS_DISPUTE_LOST);
    assert_status(f, PS_STATUS_CHARGED_BACK);
    assert_books(f, 0, 0, 0);
    assert_int_equal(f->payment.counters.charged_back, 1000);
    fixture_free(f);
}

static void a_part_lost_leaves_the_payment_captured(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    fixture_dispute_open(f, 400);
    fixture_dispute_end(f, false);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(ps_payment_refundable(&f->payment.counters, f->payment.phase), 600);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE), PS_REFUSED_STATE_CONFLICT);
    fixture_free(f);
}

/* From opened and challenged: each of challenge, accept, won, lost is legal; from won and lost none
 * is. */
static void ends_are_legal_from_opened_and_challenged_only(void **state)
{
    (void)state;
    for (int from = PS_DISPUTE_OPENED; from <= PS_DISPUTE_LOST; from++) {
        for (int op = 0; op < 4; op++) {
            ps_fixture *f = captured();
            fixture_dispute_open(f, 400);
            if (from == PS_DISPUTE_CHALLENGED) {
                assert_refused(on_dispute(f, PS_CMD_DISPUTE_CHALLENGE), PS_REFUSED_NONE);
            } else if (from != PS_DISPUTE_OPENED) {
                fixture_dispute_end(f, from == PS_DISPUTE_WON);
            }
            ps_refusal refusal = op == 0   ? on_dispute(f, PS_CMD_DISPUTE_CHALLENGE)
                                 : op == 1 ? on_dispute(f, PS_CMD_DISPUTE_ACCEPT)
                                           : fixture_dispute_end(f, op == 2);
            static const ps_dispute_status ends[] = {PS_DISPUTE_CHALLENGED, PS_DISPUTE_LOST,
                                                     PS_DISPUTE_WON, PS_DISPUTE_LOST};
            bool is_open = from == PS_DISPUTE_OPENED || from == PS_DISPUTE_CHALLENGED;
            assert_refused(refusal, is_open ? PS_REFUSED_NONE : PS_REFUSED_STATE_CONFLICT);
            assert_int_equal(f->dispute.status, is_open ? ends[op] : (ps_dispute_status)from);
            if (!is_open) {
                assert_int_equal(f->detail, from);
            }
            fixture_free(f);
        }
    }
}

static void nobody_answering_in_time_loses(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    fixture_dispute_open(f, 400);
    assert_int_equal(fixture_advance(f, 8 * day_ns), 1);
    assert_int_equal(f->dispute.status, PS_DISPUTE_LOST);
    assert_books(f, 600, 600, 0);
    fixture_free(f);

    f = captured();
    fixture_dispute_open(f, 400);
    assert_refused(on_dispute(f, PS_CMD_DISPUTE_CHALLENGE), PS_REFUSED_NONE);
    assert_int_equal(fixture_advance(f, 80 * day_ns), 0);
    assert_status(f, PS_STATUS_DISPUTED);
    fixture_free(f);
}

static void what_is_missing_is_owed_and_comes_back_when_won(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    ps_payment_request request = {
        .amount = 1000, .fee = 100, .confirm = true, .instrument = PS_INSTRUMENT_CARD};
    fixture_create(f, request);
    fixture_dispute_open(f, 1000);
    assert_books(f, 1000, 0, 1000);
    assert_int_equal(fixture_balance(f, "merchant:shop:receivable", "EUR"), 100);
    fixture_dispute_end(f, true);
    assert_books(f, 1000, 900, 0);
    assert_int_equal(fixture_balance(f, "merchant:shop:receivable", "EUR"), 0);
    fixture_free(f);
}

static void disputes_and_refunds_share_what_was_captured(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    fixture_dispute_open(f, 700);
    assert_refused(fixture_dispute_open(f, 301), PS_REFUSED_REFUND_TOO_LARGE);
    assert_int_equal(f->detail, 300);
    assert_refused(fixture_refund(f, 300), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_DISPUTED);
    assert_refused(fixture_refund(f, 1), PS_REFUSED_REFUND_TOO_LARGE);
    fixture_free(f);
}

static void live_payments_are_not_disputed_by_hand(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    f->book = 2;
    fixture_card(f, "tok_ok", 100, false);
    assert_refused(fixture_dispute_open(f, 1), PS_REFUSED_TEST_MODE_ONLY);
    fixture_free(f);
}

static void after_two_disputes_each_ends_for_itself(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    fixture_dispute_open(f, 300);
    fixture_dispute_open(f, 200);
    fixture_dispute_end(f, false); /* the second */
    assert_status(f, PS_STATUS_DISPUTED);
    assert_int_equal(f->payment.counters.disputed, 300);
    assert_int_equal(f->payment.counters.charged_back, 200);
    fixture_advance(f, 8 * day_ns);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(f->payment.counters.charged_back, 500);
    assert_books(f, 500, 500, 0);
    fixture_free(f);
}

static void a_frozen_payer_delays_the_end(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "alice", "EUR", 1000);
    fixture_create(f, (ps_payment_request){.amount = 1000, .confirm = true});
    fixture_dispute_open(f, 1000);
    ps_command freeze = {.kind = PS_CMD_ACCOUNT_FREEZE,
                         .target = PS_SLICE("payer:alice"),
                         .currency = fixture_currency("EUR")};
    assert_refused(fixture_run(f, &freeze), PS_REFUSED_NONE);
    assert_refused(on_dispute(f, PS_CMD_DISPUTE_ACCEPT), PS_REFUSED_ACCOUNT_FROZEN);
    fixture_advance(f, 7 * day_ns + day_ns / 2);
    assert_int_equal(f->dispute.status, PS_DISPUTE_OPENED);
    freeze.kind = PS_CMD_ACCOUNT_UNFREEZE;
    assert_refused(fixture_run(f, &freeze), PS_REFUSED_NONE);
    fixture_advance(f, 2 * day_ns);
    assert_int_equal(f->dispute.status, PS_DISPUTE_LOST);
    assert_int_equal(fixture_balance(f, "payer:alice", "EUR"), 1000);
    fixture_free(f);
}

static void an_unknown_dispute_is_not_found(void **state)
{
    (void)state;
    ps_fixture *f = captured();
    f->child = PS_SLICE("dp_00000000000000000000000000");
    assert_refused(on_dispute(f, PS_CMD_DISPUTE_ACCEPT), PS_REFUSED_NOT_FOUND);
    assert_refused(on_dispute(f, PS_CMD_DISPUTE_CHALLENGE), PS_REFUSED_NOT_FOUND);
    assert_refused(fixture_dispute_end(f, true), PS_REFUSED_NOT_FOUND);
    fixture_dispute_open(f, 1);
    f->book = 2;
    assert_refused(on_dispute(f, PS_CMD_DISPUTE_ACCEPT), PS_REFUSED_NOT_FOUND);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_dispute_takes_the_amount_from_the_merchant),
        cmocka_unit_test(a_won_dispute_gives_it_back_and_the_counters_say_the_status),
        cmocka_unit_test(a_lost_dispute_goes_to_the_payer),
        cmocka_unit_test(a_part_lost_leaves_the_payment_captured),
        cmocka_unit_test(ends_are_legal_from_opened_and_challenged_only),
        cmocka_unit_test(nobody_answering_in_time_loses),
        cmocka_unit_test(what_is_missing_is_owed_and_comes_back_when_won),
        cmocka_unit_test(disputes_and_refunds_share_what_was_captured),
        cmocka_unit_test(live_payments_are_not_disputed_by_hand),
        cmocka_unit_test(a_frozen_payer_delays_the_end),
        cmocka_unit_test(an_unknown_dispute_is_not_found),
        cmocka_unit_test(after_two_disputes_each_ends_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
