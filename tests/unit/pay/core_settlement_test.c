#include "core_fixture.h"

#include <stdlib.h>

/* A small generator with a fixed seed: the same run every time. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static ps_refusal batch_close(ps_fixture *f)
{
    ps_command command = {.kind = PS_CMD_SETTLEMENT_CLOSE,
                          .currency = fixture_currency("EUR"),
                          .u.settlement = {.merchant = PS_SLICE("shop")}};
    return fixture_run(f, &command);
}

static ps_slice batch_id(const ps_fixture *f, uint32_t number, char out[PS_ID_TEXT_MAX])
{
    size_t size = ps_id_format(f->core->instance, PS_ID_SETTLEMENT, number,
                               ps_settlement_at(f->core, number)->body.created_ns, out);
    return ps_slice_of(out, size);
}

static ps_refusal batch_do(ps_fixture *f, ps_command_kind kind, uint32_t number)
{
    char text[PS_ID_TEXT_MAX];
    ps_command command = {.kind = kind, .target = batch_id(f, number, text)};
    return fixture_run(f, &command);
}

static ps_refusal batch_confirm(ps_fixture *f, uint32_t number)
{
    return batch_do(f, PS_CMD_SETTLEMENT_CONFIRM, number);
}

static ps_refusal batch_fail(ps_fixture *f, uint32_t number)
{
    return batch_do(f, PS_CMD_SETTLEMENT_FAIL, number);
}

static const ps_effect_settlement *batch(const ps_fixture *f, uint32_t number)
{
    return &ps_settlement_at(f->core, number)->body;
}

static ps_refusal card(ps_fixture *f, int64_t amount, int64_t fee, bool manual)
{
    return fixture_create(f, (ps_payment_request){.amount = amount,
                                                  .fee = fee,
                                                  .instrument = PS_INSTRUMENT_CARD,
                                                  .token = PS_SLICE("tok_ok"),
                                                  .manual_capture = manual,
                                                  .confirm = true});
}

static ps_slice id_keep(const ps_fixture *f, char out[PS_ID_TEXT_MAX])
{
    memcpy(out, f->id.data, f->id.size);
    return ps_slice_of(out, f->id.size);
}

/* gross, fees, refunds, disputes, net, items */
#define assert_batch(f, number, ...)                                                               \
    do {                                                                                           \
        const int64_t expected_[] = {__VA_ARGS__};                                                 \
        const ps_effect_settlement *b_ = batch(f, number);                                         \
        const int64_t got_[] = {b_->gross,    b_->fees, b_->refunds,                               \
                                b_->disputes, b_->net,  (int64_t)b_->item_count};                  \
        for (size_t i_ = 0; i_ < 6; i_++) {                                                        \
            assert_int_equal(got_[i_], expected_[i_]);                                             \
        }                                                                                          \
    } while (0)

static void a_batch_pays_gross_less_fees_refunds_and_disputes(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "alice", "EUR", 5000);
    assert_refused(card(f, 10000, 300, false), PS_REFUSED_NONE);
    assert_refused(fixture_refund(f, 2000), PS_REFUSED_NONE);
    assert_refused(fixture_dispute_open(f, 500), PS_REFUSED_NONE);
    assert_refused(fixture_create(f, (ps_payment_request){.amount = 5000, .confirm = true}),
                   PS_REFUSED_NONE);
    assert_batch(f, 1, 15000, 300, 2000, 500, 12200, 2);
    assert_int_equal(batch(f, 1)->status, PS_SETTLEMENT_OPEN);

    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_batch(f, 1, 15000, 300, 2000, 500, 12200, 2);
    assert_int_equal(batch(f, 1)->status, PS_SETTLEMENT_CLOSED);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), 0);
    assert_int_equal(fixture_balance(f, "merchant:shop:available", "EUR"), 12200);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:available", "EUR"), 12200);
    assert_int_equal(fixture_balance(f, "bank:main", "EUR"), 10000);
    fixture_free(f);
}

static void the_record_that_opens_a_batch_names_its_merchant(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 100, 0, false), PS_REFUSED_NONE);
    assert_int_equal(batch(f, 1)->origin_seq, f->seq);
    ps_slice payload = ps_slice_of(f->payload, f->result.payload_size);
    const ps_effect_head *effect = ps_effect_first(payload);
    while (effect != NULL && effect->type != PS_EFFECT_SETTLEMENT) {
        effect = ps_effect_next(payload, effect);
    }
    assert_non_null(effect);
    const ps_effect_texts *texts = ps_effect_texts_of(payload, effect);
    assert_non_null(texts);
    assert_true(ps_slice_equal(ps_texts_get(texts, PS_TEXT_MERCHANT), PS_SLICE("shop")));
    fixture_free(f);
}

static void nothing_is_settled_without_captures_or_with_a_net_of_zero(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    assert_refused(card(f, 100, 0, true), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    assert_refused(fixture_capture(f, 100, true), PS_REFUSED_NONE);
    assert_refused(fixture_refund(f, 100), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    assert_refused(card(f, 50, 0, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_batch(f, 1, 150, 0, 100, 0, 50, 2);
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    fixture_free(f);
}

static void confirming_pays_and_settles_the_payments_once(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 30, false), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_STATE_CONFLICT);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_NONE);
    assert_int_equal(batch(f, 1)->status, PS_SETTLEMENT_SETTLED);
    fixture_refresh(f);
    assert_status(f, PS_STATUS_SETTLED);
    assert_int_equal(f->payment.counters.settled, 1000);
    assert_int_equal(fixture_balance(f, "merchant:shop:available", "EUR"), 0);
    assert_int_equal(fixture_balance(f, "bank:main", "EUR"), 30);
    assert_int_equal(fixture_balance(f, "scheme_receivable:simulator", "EUR"), 0);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_STATE_CONFLICT);
    assert_int_equal(f->detail, PS_SETTLEMENT_SETTLED);
    assert_int_equal(ps_record_head(ps_slice_of(f->payload, 0))->subject_kind, PS_ID_SETTLEMENT);
    assert_refused(batch_fail(f, 1), PS_REFUSED_STATE_CONFLICT);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE), PS_REFUSED_STATE_CONFLICT);
    fixture_free(f);
}

static void a_failed_payout_returns_the_items_to_the_next_close_once(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 30, false), PS_REFUSED_NONE);
    char text[PS_ID_TEXT_MAX];
    ps_slice first = id_keep(f, text);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(card(f, 500, 0, false), PS_REFUSED_NONE);
    assert_refused(batch_fail(f, 1), PS_REFUSED_NONE);
    assert_int_equal(batch(f, 1)->status, PS_SETTLEMENT_FAILED);
    assert_batch(f, 1, 1000, 30, 0, 0, 970, 1);
    assert_batch(f, 2, 1500, 30, 0, 0, 1470, 2);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), 1470);
    assert_int_equal(fixture_balance(f, "merchant:shop:available", "EUR"), 0);
    assert_int_equal(fixture_balance(f, "bank:main", "EUR"), 0);
    assert_refused(batch_fail(f, 1), PS_REFUSED_STATE_CONFLICT);

    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    assert_refused(batch_confirm(f, 2), PS_REFUSED_NONE);
    fixture_refresh(f);
    assert_int_equal(f->payment.counters.settled, 500);
    f->id = first;
    fixture_refresh(f);
    assert_int_equal(f->payment.counters.settled, 1000);
    assert_status(f, PS_STATUS_SETTLED);
    fixture_free(f);
}

static void a_payout_that_keeps_failing_keeps_its_items_together(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    for (uint32_t i = 1; i <= 5; i++) {
        assert_refused(card(f, 100, 1, false), PS_REFUSED_NONE);
        assert_refused(batch_close(f), PS_REFUSED_NONE);
        assert_refused(batch_fail(f, i), PS_REFUSED_NONE);
        assert_batch(f, i + 1, 100 * i, i, 0, 0, 99 * i, i);
    }
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 6), PS_REFUSED_NONE);
    for (uint32_t i = 1; i <= 5; i++) {
        assert_int_equal(ps_payment_at(f->core, i)->body.counters.settled, 100);
    }
    assert_int_equal(fixture_balance(f, "bank:main", "EUR"), 5);
    fixture_free(f);
}

static void parts_of_a_payment_captured_into_several_batches_settle_with_each(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 0, true), PS_REFUSED_NONE);
    assert_refused(fixture_capture(f, 100, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE); /* 1: 100 */
    assert_refused(fixture_capture(f, 200, false), PS_REFUSED_NONE);
    assert_refused(fixture_capture(f, 50, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE); /* 2: 250 in two extra items */
    assert_refused(fixture_capture(f, 300, false), PS_REFUSED_NONE);
    assert_batch(f, 1, 100, 0, 0, 0, 100, 1);
    assert_batch(f, 2, 250, 0, 0, 0, 250, 2);
    assert_batch(f, 3, 300, 0, 0, 0, 300, 1);

    assert_refused(batch_confirm(f, 1), PS_REFUSED_NONE);
    fixture_refresh(f);
    assert_int_equal(f->payment.counters.settled, 100);
    assert_refused(fixture_capture(f, 350, true), PS_REFUSED_NONE); /* 3, by its own link again */
    assert_batch(f, 3, 650, 0, 0, 0, 650, 2);
    assert_refused(batch_fail(f, 2), PS_REFUSED_NONE);
    assert_batch(f, 3, 900, 0, 0, 0, 900, 4);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 3), PS_REFUSED_NONE);
    fixture_refresh(f);
    assert_int_equal(f->payment.counters.settled, 1000);
    assert_status(f, PS_STATUS_SETTLED);
    fixture_free(f);
}

static void what_a_merchant_owes_is_taken_from_the_next_payout(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 0, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_NONE);
    assert_refused(fixture_refund(f, 400), PS_REFUSED_NONE);
    assert_int_equal(fixture_balance(f, "merchant:shop:receivable", "EUR"), 400);

    assert_refused(card(f, 300, 0, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE); /* owes more than that */
    assert_refused(card(f, 300, 0, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_batch(f, 2, 600, 0, 0, 0, 600, 2);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:available", "EUR"), 200);
    assert_int_equal(fixture_balance(f, "merchant:shop:receivable", "EUR"), 0);

    assert_refused(batch_fail(f, 2), PS_REFUSED_NONE); /* owes it again */
    assert_int_equal(fixture_balance(f, "merchant:shop:receivable", "EUR"), 400);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), 600);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 3), PS_REFUSED_NONE);
    assert_int_equal(fixture_balance(f, "merchant:shop:available", "EUR"), 0);
    assert_int_equal(fixture_balance(f, "merchant:shop:receivable", "EUR"), 0);
    fixture_free(f);
}

static void a_dispute_won_after_the_payout_is_paid_with_the_next_batch(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 0, false), PS_REFUSED_NONE);
    assert_refused(fixture_dispute_open(f, 400), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_batch(f, 1, 1000, 0, 0, 400, 600, 1);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_NONE);
    ps_command end = {.kind = PS_CMD_DISPUTE_END, .u.dispute = {.won = true}};
    char text[PS_ID_TEXT_MAX];
    end.target = ps_slice_of(text, ps_id_format(f->core->instance, PS_ID_DISPUTE, 1,
                                                ps_dispute_at(f->core, 1)->body.created_ns, text));
    assert_refused(fixture_run(f, &end), PS_REFUSED_NONE);
    assert_refused(card(f, 100, 0, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_batch(f, 2, 100, 0, 0, 0, 100, 1);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:available", "EUR"), 500);
    fixture_free(f);
}

static void a_reversed_payment_leaves_its_batch(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 30, false), PS_REFUSED_NONE);
    assert_refused(card(f, 700, 30, false), PS_REFUSED_NONE);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE), PS_REFUSED_NONE);
    assert_batch(f, 1, 1000, 30, 0, 0, 970, 1);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_NONE);
    assert_int_equal(ps_payment_at(f->core, 2)->body.counters.settled, 0);
    fixture_free(f);
}

static void a_full_batch_stays_open_beside_a_new_one(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    for (int i = 0; i < 3; i++) {
        assert_refused(card(f, PS_AMOUNT_MAX, 0, false), PS_REFUSED_NONE);
    }
    assert_refused(card(f, 5, 0, false), PS_REFUSED_NONE);
    assert_int_equal(ps_settlement_count(f->core), 4);
    for (int i = 0; i < 4; i++) {
        assert_refused(batch_close(f), PS_REFUSED_NONE);
    }
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    assert_refused(batch_fail(f, 2), PS_REFUSED_NONE);
    assert_refused(batch_fail(f, 3), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    for (uint32_t i = 1; i <= ps_settlement_count(f->core); i++) {
        if (batch(f, i)->status == PS_SETTLEMENT_CLOSED) {
            assert_refused(batch_confirm(f, i), PS_REFUSED_NONE);
        }
    }
    for (uint32_t i = 1; i <= 4; i++) {
        assert_int_equal(ps_payment_at(f->core, i)->body.status, PS_STATUS_SETTLED);
    }
    fixture_free(f);
}

static void a_batch_takes_nothing_of_another_open_one(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, PS_AMOUNT_MAX - 10, 0, false), PS_REFUSED_NONE);
    assert_refused(card(f, 20, 0, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_int_equal(batch(f, 1)->status, PS_SETTLEMENT_CLOSED);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), 20);
    assert_int_equal(fixture_pending_debits(f, "merchant:shop:available", "EUR"),
                     PS_AMOUNT_MAX - 10);
    fixture_free(f);
}

static void check_trade(const ps_fixture *f, uint64_t number, ps_trade_kind kind,
                        ps_trade_status status, int64_t amount)
{
    const ps_trade *trade = ps_trade_at(f->core, number);
    assert_string_equal(ps_trade_kind_name(trade->kind), ps_trade_kind_name(kind));
    assert_string_equal(ps_trade_status_name(trade->status), ps_trade_status_name(status));
    assert_int_equal(trade->amount, amount);
    assert_int_equal(ps_trade_book(f->core, trade), 1);
    assert_int_equal(trade->payment, PS_INDEX_NONE);
}

static void settlement_and_payout_are_trade_records(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 30, false), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    uint64_t payout = batch(f, 1)->payout_trade;
    check_trade(f, payout - 1, PS_TRADE_SETTLEMENT, PS_TRADE_SUCCESS, 970);
    check_trade(f, payout, PS_TRADE_PAYOUT, PS_TRADE_PENDING, 970);
    assert_refused(batch_fail(f, 1), PS_REFUSED_NONE);
    check_trade(f, payout - 1, PS_TRADE_SETTLEMENT, PS_TRADE_REVERSED, 970);
    check_trade(f, payout, PS_TRADE_PAYOUT, PS_TRADE_FAILURE, 970);
    check_trade(f, payout + 1, PS_TRADE_REVERSAL, PS_TRADE_SUCCESS, 970);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_refused(batch_confirm(f, 2), PS_REFUSED_NONE);
    check_trade(f, batch(f, 2)->payout_trade, PS_TRADE_PAYOUT, PS_TRADE_SUCCESS, 970);
    fixture_free(f);
}

static void a_frozen_account_stops_close_and_fail_but_not_confirm(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(card(f, 1000, 30, false), PS_REFUSED_NONE);
    ps_command freeze = {.kind = PS_CMD_ACCOUNT_FREEZE,
                         .currency = fixture_currency("EUR"),
                         .target = PS_SLICE("merchant:shop:pending")};
    assert_refused(fixture_run(f, &freeze), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_ACCOUNT_FROZEN);
    assert_int_equal(batch(f, 1)->status, PS_SETTLEMENT_OPEN);
    freeze.kind = PS_CMD_ACCOUNT_UNFREEZE;
    assert_refused(fixture_run(f, &freeze), PS_REFUSED_NONE);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    freeze.kind = PS_CMD_ACCOUNT_FREEZE;
    assert_refused(fixture_run(f, &freeze), PS_REFUSED_NONE);
    assert_refused(batch_fail(f, 1), PS_REFUSED_ACCOUNT_FROZEN);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_NONE);
    fixture_free(f);
}

static void batches_are_apart_by_merchant_currency_and_book(void **state)
{
    (void)state;
    static const char *const currencies[] = {"EUR", "USD", "JPY"};
    ps_fixture *f = fixture_new(NULL);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 3; i++) {
            fixture_create(f, (ps_payment_request){.amount = 100,
                                                   .currency = fixture_currency(currencies[i]),
                                                   .instrument = PS_INSTRUMENT_CARD,
                                                   .token = PS_SLICE("tok_ok"),
                                                   .merchant = round == 2 ? PS_SLICE("kiosk")
                                                                          : PS_SLICE("shop"),
                                                   .confirm = true});
        }
    }
    assert_int_equal(ps_settlement_count(f->core), 6);
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_batch(f, 1, 200, 0, 0, 0, 200, 2);
    assert_int_equal(fixture_balance(f, "merchant:kiosk:pending", "EUR"), 100);
    f->book = 2;
    assert_refused(batch_close(f), PS_REFUSED_NOTHING_TO_SETTLE);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_NOT_FOUND);
    assert_refused(batch_fail(f, 1), PS_REFUSED_NOT_FOUND);
    fixture_free(f);
}

/* ── many ── */

static void number_take(ps_fixture *f, uint32_t payment)
{
    size_t size = ps_id_format(f->core->instance, PS_ID_PAYMENT, payment,
                               ps_payment_at(f->core, payment)->body.created_ns, f->id_text);
    f->id = ps_slice_of(f->id_text, size);
}

/* One random command on a random payment; most are legal, none may hurt. */
static void disturb(ps_fixture *f, uint32_t *random)
{
    number_take(f, 1 + next_random(random) % ps_payment_count(f->core));
    switch (next_random(random) % 6) {
    case 0:
        fixture_refund(f, 1 + next_random(random) % 60);
        break;
    case 1:
        fixture_dispute_open(f, 1 + next_random(random) % 60);
        break;
    case 2:
        if (ps_dispute_count(f->core) != 0) {
            uint32_t dispute = 1 + next_random(random) % ps_dispute_count(f->core);
            char text[PS_ID_TEXT_MAX];
            f->child = ps_slice_of(
                text, ps_id_format(f->core->instance, PS_ID_DISPUTE, dispute,
                                   ps_dispute_at(f->core, dispute)->body.created_ns, text));
            fixture_dispute_end(f, next_random(random) % 2 == 0);
        }
        break;
    case 3:
    case 4:
        fixture_capture(f, 1 + next_random(random) % 40, next_random(random) % 4 == 0);
        break;
    default:
        fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE);
        break;
    }
}

static bool walks(const ps_fixture *f)
{
    return ps_core_next_timer_ns(f->core) <= f->now_ns + 2 * PS_NS_PER_MS;
}

static void a_thousand_payments_settle_in_chunks_while_others_go_on(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    f->skip_verify = true;
    uint32_t random = 1;
    for (int i = 0; i < 1000; i++) {
        bool manual = i % 3 == 0;
        assert_refused(card(f, 100 + i % 7, i % 4, manual), PS_REFUSED_NONE);
        if (manual) {
            assert_refused(fixture_capture(f, 50, false), PS_REFUSED_NONE);
        }
    }
    assert_refused(batch_close(f), PS_REFUSED_NONE);
    assert_int_equal(batch(f, 1)->item_count, 1000);
    assert_refused(batch_confirm(f, 1), PS_REFUSED_NONE);
    assert_int_equal(batch(f, 1)->status, PS_SETTLEMENT_PAID);
    assert_true(f->result.payload_size < PS_RECORD_SIZE_MAX);
    int commands = 0;
    for (; batch(f, 1)->status == PS_SETTLEMENT_PAID; commands++) {
        assert_true(walks(f));
        disturb(f, &random);
        fixture_verify(f);
    }
    assert_true(commands >= 3); /* others came in between */
    for (uint32_t i = 1; i <= 1000; i++) {
        const ps_effect_payment *payment = &ps_payment_at(f->core, i)->body;
        assert_int_equal(payment->counters.settled, i % 3 == 1 ? 50 : 100 + (i - 1) % 7);
    }
    fixture_free(f);
}

static void batches_stay_right_under_a_random_day(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 6; seed++) {
        ps_fixture *f = fixture_new(NULL);
        f->skip_verify = true;
        uint32_t random = seed * 7919;
        for (int i = 0; i < 1500; i++) {
            uint32_t what = next_random(&random) % 20;
            uint32_t batches = ps_settlement_count(f->core);
            uint32_t number = batches != 0 ? 1 + next_random(&random) % batches : 0;
            if (what < 6 || ps_payment_count(f->core) == 0) {
                card(f, 1 + next_random(&random) % 200, next_random(&random) % 2, what % 2 == 0);
            } else if (what == 6) {
                batch_close(f);
            } else if (what == 7 && number != 0) {
                batch_confirm(f, number);
            } else if (what == 8 && number != 0) {
                batch_fail(f, number);
            } else {
                disturb(f, &random);
            }
            if (i % 50 == 0) {
                fixture_verify(f);
            }
        }
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_pays_gross_less_fees_refunds_and_disputes),
        cmocka_unit_test(the_record_that_opens_a_batch_names_its_merchant),
        cmocka_unit_test(nothing_is_settled_without_captures_or_with_a_net_of_zero),
        cmocka_unit_test(confirming_pays_and_settles_the_payments_once),
        cmocka_unit_test(a_failed_payout_returns_the_items_to_the_next_close_once),
        cmocka_unit_test(a_payout_that_keeps_failing_keeps_its_items_together),
        cmocka_unit_test(parts_of_a_payment_captured_into_several_batches_settle_with_each),
        cmocka_unit_test(what_a_merchant_owes_is_taken_from_the_next_payout),
        cmocka_unit_test(a_dispute_won_after_the_payout_is_paid_with_the_next_batch),
        cmocka_unit_test(a_reversed_payment_leaves_its_batch),
        cmocka_unit_test(a_full_batch_stays_open_beside_a_new_one),
        cmocka_unit_test(a_batch_takes_nothing_of_another_open_one),
        cmocka_unit_test(settlement_and_payout_are_trade_records),
        cmocka_unit_test(a_frozen_account_stops_close_and_fail_but_not_confirm),
        cmocka_unit_test(batches_are_apart_by_merchant_currency_and_book),
        cmocka_unit_test(a_thousand_payments_settle_in_chunks_while_others_go_on),
        cmocka_unit_test(batches_stay_right_under_a_random_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
