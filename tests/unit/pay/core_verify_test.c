#include "core_fixture.h"

#include <stdlib.h>
#include <string.h>

/* Every test plants one inconsistency in a state that is right, by writing to its tables, and
 * expects the invariant that it breaks to be named. */
typedef struct {
    char names[1024]; /* " M1 M11 …" */
    size_t count;
} findings;

static void find(void *context, const char *invariant, const char *sentence)
{
    (void)sentence;
    findings *found = context;
    found->count++;
    if (strlen(found->names) + strlen(invariant) + 3 < sizeof found->names) {
        strcat(found->names, " ");
        strcat(found->names, invariant);
        strcat(found->names, ";");
    }
}

/* payments: 1 captured, refunded and disputed in part; 2 authorised; 3 captured; 4 declined; 5 in
 * the batch that is closed. A pending transfer; a refund that is still pending (of 6). */
static ps_fixture *world_new(void)
{
    ps_fixture *f = fixture_new(NULL);
    fixture_card(f, "tok_ok", 500, false); /* becomes payment 1 of the closed batch */
    ps_command close = {.kind = PS_CMD_SETTLEMENT_CLOSE,
                        .currency = fixture_currency("EUR"),
                        .u.settlement = {.merchant = PS_SLICE("shop")}};
    assert_refused(fixture_run(f, &close), PS_REFUSED_NONE);
    fixture_fund(f, "alice", "EUR", 10000);
    assert_refused(
        fixture_create(
            f, (ps_payment_request){.amount = 100, .manual_capture = true, .confirm = true}),
        PS_REFUSED_NONE); /* 2 */
    assert_refused(
        fixture_create(f, (ps_payment_request){.amount = 1000, .fee = 30, .confirm = true}),
        PS_REFUSED_NONE); /* 3 */
    assert_refused(fixture_refund(f, 200), PS_REFUSED_NONE);
    assert_refused(fixture_dispute_open(f, 300), PS_REFUSED_NONE);
    assert_refused(fixture_card(f, "tok_stolen_card", 50, false), PS_REFUSED_DECLINED); /* 4 */
    assert_refused(fixture_card(f, "tok_refund_slow", 70, false), PS_REFUSED_NONE);     /* 5 */
    assert_refused(fixture_refund(f, 60), PS_REFUSED_NONE);
    ps_command hold = {.kind = PS_CMD_TRANSFER_CREATE,
                       .currency = fixture_currency("EUR"),
                       .amount = 11,
                       .u.transfer = {.debit = PS_SLICE("payer:alice"),
                                      .credit = PS_SLICE("payer:bob"),
                                      .pending = true}};
    assert_refused(fixture_run(f, &hold), PS_REFUSED_NONE);
    assert_int_equal(f->core != NULL && ps_payment_count(f->core) == 5, 1);
    return f;
}

static void expect(ps_fixture *f, const char *invariant)
{
    findings found = {.count = 0};
    size_t count = ps_core_verify(f->core, find, &found);
    assert_int_equal(count, found.count);
    char name[16] = " ";
    strcat(name, invariant);
    strcat(name, ";");
    if (strstr(found.names, name) == NULL) {
        fail_msg("%s was not found; found:%s", invariant, found.names);
    }
    ps_core_free(f->core);
    ps_core_free(f->mirror);
    free(f->payload);
    free(f);
}

static ps_effect_payment *payment(ps_fixture *f, uint32_t number)
{
    return &ps_payment_mut(f->core, number)->body;
}

static uint32_t capture_trade(ps_fixture *f, uint32_t number)
{
    uint32_t trade = payment(f, number)->last_trade;
    while (ps_trade_at(f->core, trade)->kind != PS_TRADE_CAPTURE) {
        trade = ps_trade_at(f->core, trade)->previous_of_payment;
    }
    return trade;
}

static ps_account *account(ps_fixture *f, const char *name)
{
    uint32_t number =
        ps_ledger_account_find(&f->core->ledger, 1, ps_slice_text(name), fixture_currency("EUR"));
    assert_int_not_equal(number, PS_INDEX_NONE);
    return (ps_account *)(void *)f->core->ledger.accounts.data + number;
}

static ps_transfer *hold(ps_fixture *f, uint32_t slot)
{
    return (ps_transfer *)(void *)f->core->ledger.transfers.data + slot;
}

static void a_sound_state_has_no_violations(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    fixture_verify(f);
    fixture_free(f);
}

static void m1_a_total_that_does_not_balance(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    account(f, "world")->totals.debits_posted += 1;
    expect(f, "M1");
    f = world_new();
    account(f, "payer:alice")->totals.debits_pending += 1;
    expect(f, "M1");
}

static void m2_a_total_below_zero(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    account(f, "world")->totals.debits_posted = -1;
    expect(f, "M2");
}

static void m3_a_capped_account_that_overdrew(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    account(f, "payer:alice")->totals.debits_posted += 100000;
    account(f, "world")->totals.credits_posted += 100000;
    expect(f, "M3");
}

static void m4_holds_that_nobody_or_two_own(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    hold(f, payment(f, 2)->hold_slot)->left -= 1;
    expect(f, "M4");
    f = world_new();
    payment(f, 2)->hold_slot = PS_INDEX_NONE;
    expect(f, "M4");
    f = world_new();
    payment(f, 2)->hold_slot = ps_refund_at(f->core, 2)->body.hold_slot;
    expect(f, "M4");
    f = world_new();
    ps_refund_mut(f->core, 2)->body.amount -= 1;
    expect(f, "M4");
    f = world_new();
    ps_settlement_mut(f->core, 1)->body.payout_slot = 999;
    expect(f, "M4");
    f = world_new();
    ps_api_transfer_mut(f->core, ps_api_transfer_count(f->core))->body.status = PS_TRANSFER_VOIDED;
    expect(f, "M4");
    f = world_new();
    ps_api_transfer_mut(f->core, 1)->body.posted += 1;
    expect(f, "M4");
}

static void m5_a_transfer_from_an_account_to_itself(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    ps_effect_transfer *transfer = &ps_api_transfer_mut(f->core, 1)->body;
    transfer->debit = transfer->credit;
    expect(f, "M5");
    f = world_new();
    account(f, "world")->book = 77;
    expect(f, "M5");
    f = world_new();
    ps_dispute_mut(f->core, 1)->body.currency = 9999;
    expect(f, "M5");
}

static void m6_counters_out_of_bounds(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    payment(f, 3)->counters.captured = 1001;
    expect(f, "M6");
    f = world_new();
    payment(f, 3)->counters.refunded = 701;
    expect(f, "M6");
    f = world_new();
    payment(f, 3)->counters.settled = -1;
    expect(f, "M6");
    f = world_new();
    payment(f, 3)->counters.fee_taken = 31;
    expect(f, "M6");
}

static void m7_a_status_that_the_counters_do_not_say(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    payment(f, 2)->status = PS_STATUS_CAPTURED;
    expect(f, "M7");
    f = world_new();
    ps_core_head_mut(f->core)->by_status[PS_STATUS_UNKNOWN]++;
    expect(f, "M7");
}

static void m8_counters_that_are_not_the_sum_of_their_movements(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    payment(f, 3)->counters.refunded -= 1;
    expect(f, "M8");
    f = world_new();
    ps_trade_mut(f->core, capture_trade(f, 3))->amount -= 1;
    expect(f, "M8");
    f = world_new();
    ps_dispute_mut(f->core, 1)->body.status = PS_DISPUTE_WON;
    expect(f, "M8");
    f = world_new();
    payment(f, 5)->counters.refund_pending -= 1;
    expect(f, "M8");
    f = world_new();
    ps_payment_mut(f->core, 3)->newest_refund = 2; /* another payment's chain */
    expect(f, "M8");
}

static void m9_an_ended_payment_with_money_in_it(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    payment(f, 4)->counters.capturable = 1;
    expect(f, "M9");
    f = world_new();
    payment(f, 4)->hold_slot = payment(f, 2)->hold_slot;
    expect(f, "M9");
    f = world_new();
    payment(f, 3)->phase = PS_PHASE_EXPIRED;
    expect(f, "M9");
}

static void m10_books_that_differ_from_open_items(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    ps_dispute_mut(f->core, 1)->body.amount += 1;
    expect(f, "M10");
    f = world_new();
    account(f, "world")->type = PS_ACCOUNT_ASSET;
    account(f, "world")->totals.credits_posted += 1;
    expect(f, "M10");
    f = world_new();
    account(f, "dispute_hold")->totals.credits_posted -= 1;
    expect(f, "M10");
}

static void m11_batches_that_are_not_their_items(void **state)
{
    (void)state;
    ps_fixture *f = world_new();
    ps_settlement_mut(f->core, 2)->body.net += 1;
    expect(f, "M11");
    f = world_new();
    ps_settlement_mut(f->core, 2)->body.gross += 1;
    ps_settlement_mut(f->core, 2)->body.fees += 1;
    expect(f, "M11");
    f = world_new();
    ps_settlement_mut(f->core, 2)->body.card_gross += 1;
    expect(f, "M11");
    f = world_new();
    ps_settlement_mut(f->core, 2)->body.item_count++;
    expect(f, "M11");
    f = world_new();
    payment(f, 3)->captured_in_batch -= 1;
    expect(f, "M11");
    f = world_new();
    payment(f, 3)->settlement = 1; /* in the list of 2 */
    expect(f, "M11");
    f = world_new();
    payment(f, 3)->next_in_settlement = 5; /* a ring */
    expect(f, "M11");
    f = world_new();
    payment(f, 5)->next_in_settlement = 0; /* no object */
    expect(f, "M11");
    f = world_new();
    payment(f, 5)->next_in_settlement = PS_ITEM_EXTRA | 7; /* no item */
    expect(f, "M11");
    f = world_new();
    payment(f, 1)->counters.settled = 500; /* paid before its batch was */
    expect(f, "M11");
    f = world_new();
    account(f, "merchant:shop:pending")->totals.debits_posted += 1;
    expect(f, "M11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_state_has_no_violations),
        cmocka_unit_test(m1_a_total_that_does_not_balance),
        cmocka_unit_test(m2_a_total_below_zero),
        cmocka_unit_test(m3_a_capped_account_that_overdrew),
        cmocka_unit_test(m4_holds_that_nobody_or_two_own),
        cmocka_unit_test(m5_a_transfer_from_an_account_to_itself),
        cmocka_unit_test(m6_counters_out_of_bounds),
        cmocka_unit_test(m7_a_status_that_the_counters_do_not_say),
        cmocka_unit_test(m8_counters_that_are_not_the_sum_of_their_movements),
        cmocka_unit_test(m9_an_ended_payment_with_money_in_it),
        cmocka_unit_test(m10_books_that_differ_from_open_items),
        cmocka_unit_test(m11_batches_that_are_not_their_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
