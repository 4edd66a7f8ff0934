#include "core_fixture.h"

#include <stdio.h>

static ps_action policy_action;

static void policy_decide(void *context, const ps_payment_request *request, int64_t now_ns,
                          ps_action *out_action, uint32_t *out_score)
{
    (void)context;
    (void)request;
    (void)now_ns;
    *out_action = policy_action;
    *out_score = 77;
}
static const ps_policy policy = {NULL, policy_decide};

static ps_fixture *begin(ps_action action)
{
    policy_action = action;
    return fixture_new(&policy);
}

static const int64_t second_ns = PS_NS_PER_S;
static const int64_t day_ns = 24 * 3600 * PS_NS_PER_S;

/* ── the transition table ── */

static void settle(ps_fixture *f)
{
    ps_command close = {.kind = PS_CMD_SETTLEMENT_CLOSE,
                        .currency = fixture_currency("EUR"),
                        .u.settlement = {.merchant = PS_SLICE("shop")}};
    assert_refused(fixture_run(f, &close), PS_REFUSED_NONE);
    ps_command confirm = {.kind = PS_CMD_SETTLEMENT_CONFIRM, .target = f->child};
    assert_refused(fixture_run(f, &confirm), PS_REFUSED_NONE);
    fixture_advance(f, second_ns);
}

/* A payment of 1000 with manual capture, brought to `status`. */
static ps_fixture *payment_in(ps_status status)
{
    ps_fixture *f = begin(status == PS_STATUS_IN_REVIEW ? PS_ACTION_REVIEW : PS_ACTION_APPROVE);
    const char *token = status == PS_STATUS_DECLINED     ? "tok_do_not_honour"
                        : status == PS_STATUS_FAILED     ? "tok_failed"
                        : status == PS_STATUS_PROCESSING ? "tok_silent"
                        : status == PS_STATUS_UNKNOWN    ? "tok_silent"
                                                         : "tok_ok";
    ps_payment_request request = {.amount = 1000,
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .token = ps_slice_text(token),
                                  .manual_capture = true,
                                  .confirm = status != PS_STATUS_CREATED};
    (void)fixture_create(f, request);
    bool is_captured = status >= PS_STATUS_CAPTURED;
    if (is_captured && status != PS_STATUS_REVERSED) {
        assert_refused(fixture_capture(f, 0, true), PS_REFUSED_NONE);
    }
    switch (status) {
    case PS_STATUS_CREATED:
    case PS_STATUS_IN_REVIEW:
    case PS_STATUS_DECLINED:
    case PS_STATUS_PROCESSING:
    case PS_STATUS_AUTHORISED:
    case PS_STATUS_FAILED:
    case PS_STATUS_CAPTURED:
    case PS_STATUS_COUNT:
        break;
    case PS_STATUS_UNKNOWN:
        fixture_advance(f, 11 * second_ns);
        break;
    case PS_STATUS_CANCELLED:
        fixture_on_payment(f, PS_CMD_PAYMENT_CANCEL);
        break;
    case PS_STATUS_EXPIRED:
        fixture_advance(f, 8 * day_ns);
        break;
    case PS_STATUS_PARTIALLY_CAPTURED:
        fixture_capture(f, 400, false);
        break;
    case PS_STATUS_SETTLED:
        settle(f);
        break;
    case PS_STATUS_PARTIALLY_REFUNDED:
        fixture_refund(f, 400);
        break;
    case PS_STATUS_REFUNDED:
        fixture_refund(f, 1000);
        break;
    case PS_STATUS_DISPUTED:
        fixture_dispute_open(f, 400);
        break;
    case PS_STATUS_CHARGED_BACK:
        fixture_dispute_open(f, 1000);
        fixture_dispute_end(f, false);
        break;
    case PS_STATUS_REVERSED:
        fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE);
        break;
    }
    fixture_refresh(f);
    assert_status(f, status);
    return f;
}

enum { OP_COUNT = 13 };
static ps_refusal operate(ps_fixture *f, int op)
{
    ps_command review = {.kind = PS_CMD_PAYMENT_REVIEW, .target = f->id};
    switch (op) {
    case 0:
        return fixture_on_payment(f, PS_CMD_PAYMENT_CONFIRM);
    case 1:
        return fixture_capture(f, 0, true);
    case 2:
        return fixture_capture(f, 300, false);
    case 3:
        return fixture_on_payment(f, PS_CMD_PAYMENT_CANCEL);
    case 4:
        return fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE);
    case 5:
        return fixture_on_payment(f, PS_CMD_PAYMENT_SYNC);
    case 6:
        return fixture_rail_result(f, PS_RAIL_APPROVED, 1000);
    case 7:
        return fixture_rail_result(f, PS_RAIL_DECLINED, 0);
    case 8:
        return fixture_rail_result(f, PS_RAIL_FAILED, 0);
    case 9:
        review.u.review.approve = true;
        return fixture_run(f, &review);
    case 10:
        return fixture_run(f, &review);
    case 11:
        return fixture_refund(f, 400);
    case 12:
        return fixture_dispute_open(f, 400);
    default:
        fail();
        return PS_REFUSED_NONE;
    }
}

/* confirm, capture, capture 300 not final, cancel, reverse, sync, rail: approved declined failed,
 * review: approve decline, refund 400, dispute 400. The status after it; "-": 409; "=": 200, as
 * before; "!": 422. */
static const char *const transitions[PS_STATUS_COUNT] = {
    [PS_STATUS_CREATED] = "authorised - - cancelled - = - - - - - - -",
    [PS_STATUS_IN_REVIEW] = "- - - cancelled - = - - - authorised declined - -",
    [PS_STATUS_DECLINED] = "- - - - - = - - - - - - -",
    [PS_STATUS_PROCESSING] = "- - - - - = authorised declined failed - - - -",
    [PS_STATUS_AUTHORISED] = "- captured partially_captured cancelled reversed = - - - - - - -",
    [PS_STATUS_FAILED] = "- - - - - = - - - - - - -",
    [PS_STATUS_UNKNOWN] = "- - - - - = authorised declined failed - - - -",
    [PS_STATUS_CANCELLED] = "- - - - - = - - - - - - -",
    [PS_STATUS_EXPIRED] = "- - - - - = - - - - - - -",
    [PS_STATUS_PARTIALLY_CAPTURED] =
        "- captured partially_captured captured - = - - - - - partially_refunded disputed",
    [PS_STATUS_CAPTURED] = "- - - - reversed = - - - - - partially_refunded disputed",
    [PS_STATUS_SETTLED] = "- - - - - = - - - - - partially_refunded disputed",
    [PS_STATUS_PARTIALLY_REFUNDED] = "- - - - - = - - - - - partially_refunded disputed",
    [PS_STATUS_REFUNDED] = "- - - - - = - - - - - ! !",
    [PS_STATUS_DISPUTED] = "- - - - - = - - - - - disputed disputed",
    [PS_STATUS_CHARGED_BACK] = "- - - - - = - - - - - ! !",
    [PS_STATUS_REVERSED] = "- - - - - = - - - - - - -",
};

static void check_transition(ps_status from, int op, const char *expected)
{
    ps_fixture *f = payment_in(from);
    ps_refusal refusal = operate(f, op);
    fixture_refresh(f);
    const char *after = ps_status_name(f->payment.status);
    const char *refused = ps_refusal_describe(refusal)->code;
    bool same = f->payment.status == from;
    bool ok;
    if (strcmp(expected, "-") == 0) {
        ok = refusal == PS_REFUSED_STATE_CONFLICT && f->detail == (int64_t)from && same &&
             f->http_status == 409;
    } else if (strcmp(expected, "!") == 0) {
        ok = refusal == PS_REFUSED_REFUND_TOO_LARGE && f->detail == 0 && same;
    } else if (strcmp(expected, "=") == 0) {
        ok = refusal == PS_REFUSED_NONE && same;
    } else {
        ok = (refusal == PS_REFUSED_NONE || refusal == PS_REFUSED_DECLINED) &&
             strcmp(after, expected) == 0;
    }
    if (!ok) {
        fail_msg("%s, operation %d: expected %s, is %s %s", ps_status_name(from), op, expected,
                 after, refused);
    }
    fixture_free(f);
}

static void every_pair_of_status_and_operation_is_as_the_table_says(void **state)
{
    (void)state;
    for (int from = PS_STATUS_CREATED; from < PS_STATUS_COUNT; from++) {
        char line[200];
        snprintf(line, sizeof line, "%s", transitions[from]);
        char *rest = line;
        for (int op = 0; op < OP_COUNT; op++) {
            char *expected = strtok_r(rest, " ", &rest);
            assert_non_null(expected);
            check_transition((ps_status)from, op, expected);
        }
        assert_null(strtok_r(rest, " ", &rest));
    }
}

/* ── postings of PAYMENTS §6 ── */

static void assert_books(const ps_fixture *f, int64_t payer, int64_t pending, int64_t fees)
{
    assert_int_equal(fixture_balance(f, "payer:alice", "EUR"), payer);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), pending);
    assert_int_equal(fixture_balance(f, "fee_income", "EUR"), fees);
}

static void assert_held(const ps_fixture *f, int64_t held)
{
    assert_int_equal(fixture_pending_debits(f, "payer:alice", "EUR"), held);
    assert_int_equal(fixture_pending_credits(f, "merchant:shop:pending", "EUR"), held);
}

static ps_fixture *wallet(int64_t funds, int64_t amount, int64_t fee, bool manual)
{
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    fixture_fund(f, "alice", "EUR", funds);
    ps_payment_request request = {
        .amount = amount, .fee = fee, .confirm = true, .manual_capture = manual};
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    return f;
}

static void an_automatic_wallet_payment_is_captured_at_once(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 30, false);
    assert_int_equal(f->http_status, 201);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(f->payment.version, 3);
    assert_int_equal(f->payment.counters.authorised, 1000);
    assert_int_equal(f->payment.counters.capturable, 0);
    assert_int_equal(f->payment.counters.fee_taken, 30);
    assert_books(f, 9000, 970, 30);
    assert_held(f, 0);
    fixture_free(f);
}

static void an_authorisation_holds_and_posts_nothing(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 30, true);
    assert_status(f, PS_STATUS_AUTHORISED);
    assert_int_equal(f->payment.expires_ns, f->payment.created_ns + 7 * day_ns);
    assert_books(f, 10000, 0, 0);
    assert_held(f, 1000);
    fixture_free(f);
}

static void captures_take_the_fee_whole_then_what_is_left_of_it(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 50, true);
    assert_refused(fixture_capture(f, 20, false), PS_REFUSED_NONE);
    assert_books(f, 9980, 0, 20);
    assert_held(f, 980);
    assert_refused(fixture_capture(f, 500, false), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_PARTIALLY_CAPTURED);
    assert_books(f, 9480, 470, 50);
    /* over what is left: refused, says how much is */
    assert_refused(fixture_capture(f, 481, true), PS_REFUSED_CAPTURE_TOO_LARGE);
    assert_int_equal(f->detail, 480);
    /* exactly the rest is captured, final or not */
    assert_refused(fixture_capture(f, 480, false), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_books(f, 9000, 950, 50);
    assert_held(f, 0);
    fixture_free(f);
}

static void a_final_capture_releases_the_rest(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 0, true);
    assert_refused(fixture_capture(f, 300, true), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(f->payment.counters.capturable, 0);
    assert_books(f, 9700, 300, 0);
    assert_held(f, 0);
    fixture_free(f);
}

static void cancel_and_expiry_release_the_hold(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 30, true);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_CANCEL), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_CANCELLED);
    assert_books(f, 10000, 0, 0);
    assert_held(f, 0);
    fixture_free(f);

    f = wallet(10000, 1000, 30, true);
    fixture_advance(f, 8 * day_ns);
    assert_status(f, PS_STATUS_EXPIRED);
    assert_held(f, 0);
    fixture_free(f);
}

static void after_a_partial_capture_both_end_in_captured(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 30, true);
    fixture_capture(f, 400, false);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_CANCEL), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_books(f, 9600, 370, 30);
    assert_held(f, 0);
    fixture_free(f);

    f = wallet(10000, 1000, 30, true);
    fixture_capture(f, 400, false);
    assert_int_equal(fixture_advance(f, 8 * day_ns), 1);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_held(f, 0);
    fixture_free(f);
}

static void a_reversal_mirrors_every_leg_and_happens_once(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 30, true);
    fixture_capture(f, 400, false);
    fixture_capture(f, 600, false);
    assert_books(f, 9000, 970, 30);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_REVERSED);
    assert_int_equal(f->payment.counters.captured, 0);
    assert_int_equal(f->payment.counters.authorised, 1000);
    assert_books(f, 10000, 0, 0);
    unsigned reversals = 0;
    for (uint64_t t = 1; t <= ps_trade_count(f->core); t++) {
        const ps_trade *trade = ps_trade_at(f->core, t);
        reversals += trade->kind == PS_TRADE_REVERSAL;
        assert_true(trade->kind != PS_TRADE_CAPTURE || trade->status == PS_TRADE_REVERSED);
    }
    assert_int_equal(reversals, 2);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE), PS_REFUSED_STATE_CONFLICT);
    fixture_free(f);
}

static void a_card_is_funded_by_its_scheme(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    assert_refused(fixture_card(f, "tok_anything", 700, false), PS_REFUSED_NONE);
    assert_int_equal(fixture_balance(f, "scheme_receivable:simulator", "EUR"), 700);
    assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), 700);
    fixture_free(f);
}

/* ── rails ── */

static void a_wallet_is_exact(void **state)
{
    (void)state;
    ps_fixture *f = wallet(1000, 600, 0, true);
    /* 400 are available: holds count */
    ps_payment_request request = {.amount = 401, .confirm = true};
    assert_refused(fixture_create(f, request), PS_REFUSED_DECLINED);
    assert_int_equal(f->http_status, 402);
    assert_status(f, PS_STATUS_DECLINED);
    assert_int_equal(f->payment.decline, PS_DECLINE_INSUFFICIENT_FUNDS);
    request.amount = 400;
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    fixture_free(f);
}

static void a_wallet_without_an_account_has_no_funds(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    ps_payment_request request = {.amount = 1, .confirm = true};
    assert_refused(fixture_create(f, request), PS_REFUSED_DECLINED);
    assert_int_equal(f->payment.decline, PS_DECLINE_INSUFFICIENT_FUNDS);
    assert_int_equal(ps_ledger_account_count(&f->core->ledger), 0);
    fixture_free(f);
}

static void a_frozen_wallet_is_declined(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    fixture_fund(f, "alice", "EUR", 100);
    ps_command freeze = {.kind = PS_CMD_ACCOUNT_FREEZE,
                         .target = PS_SLICE("payer:alice"),
                         .currency = fixture_currency("EUR")};
    assert_refused(fixture_run(f, &freeze), PS_REFUSED_NONE);
    ps_payment_request request = {.amount = 1, .confirm = true};
    assert_refused(fixture_create(f, request), PS_REFUSED_DECLINED);
    assert_int_equal(f->payment.decline, PS_DECLINE_ACCOUNT_FROZEN);
    fixture_free(f);
}

/* token, status at once, status after 2 s, after 20 s, after /sync then; automatic capture. */
static const char *const token_cases[][5] = {
    {"tok_ok", "captured", "captured", "captured", "captured"},
    {"tok_insufficient_funds", "declined", "declined", "declined", "declined"},
    {"tok_do_not_honour", "declined", "declined", "declined", "declined"},
    {"tok_expired_card", "declined", "declined", "declined", "declined"},
    {"tok_stolen_card", "declined", "declined", "declined", "declined"},
    {"tok_failed", "failed", "failed", "failed", "failed"},
    {"tok_slow_ok", "processing", "captured", "captured", "captured"},
    {"tok_slow_declined", "processing", "declined", "declined", "declined"},
    {"tok_timeout", "processing", "processing", "unknown", "captured"},
    {"tok_silent", "processing", "processing", "unknown", "unknown"},
    {"tok_refund_fails", "captured", "captured", "captured", "captured"},
    {"tok_refund_slow", "captured", "captured", "captured", "captured"},
    {"tok_other", "captured", "captured", "captured", "captured"},
};

static void the_simulator_answers_by_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof token_cases / sizeof token_cases[0]; i++) {
        ps_fixture *f = begin(PS_ACTION_APPROVE);
        (void)fixture_card(f, token_cases[i][0], 100, false);
        assert_string_equal(ps_status_name(f->payment.status), token_cases[i][1]);
        fixture_advance(f, 2 * second_ns);
        assert_string_equal(ps_status_name(f->payment.status), token_cases[i][2]);
        fixture_advance(f, 18 * second_ns);
        assert_string_equal(ps_status_name(f->payment.status), token_cases[i][3]);
        assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_SYNC), PS_REFUSED_NONE);
        assert_string_equal(ps_status_name(f->payment.status), token_cases[i][4]);
        fixture_free(f);
    }
}

static void sync_that_changes_nothing_keeps_the_version(void **state)
{
    (void)state;
    ps_fixture *f = wallet(1000, 10, 0, true);
    uint32_t version = f->payment.version;
    uint64_t last_seq = ps_payment_at(f->core, f->payment.payment)->body.prev_seq;
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_SYNC), PS_REFUSED_NONE);
    fixture_refresh(f);
    assert_int_equal(f->payment.version, version);
    assert_int_equal(ps_payment_at(f->core, f->payment.payment)->body.prev_seq, last_seq);
    fixture_free(f);
}

static void a_live_card_waits_for_its_rail(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    f->book = 2;
    assert_refused(fixture_card(f, "tok_ok", 100, false), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_PROCESSING);
    fixture_advance(f, 11 * second_ns);
    assert_status(f, PS_STATUS_UNKNOWN);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_SYNC), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_UNKNOWN);
    assert_refused(fixture_rail_result(f, PS_RAIL_APPROVED, 0), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_CAPTURED);
    assert_int_equal(fixture_balance(f, "scheme_receivable:card", "EUR"), 100);
    fixture_free(f);
}

static void another_amount_from_the_rail_stays_unknown_and_raises_an_alert(void **state)
{
    (void)state;
    ps_fixture *f = payment_in(PS_STATUS_UNKNOWN);
    uint64_t alerts = ps_core_head_at(f->core)->risk_event_count;
    assert_refused(fixture_rail_result(f, PS_RAIL_APPROVED, 999), PS_REFUSED_AMOUNT_MISMATCH);
    assert_int_equal(f->http_status, 409);
    fixture_refresh(f);
    assert_status(f, PS_STATUS_UNKNOWN);
    assert_int_equal(ps_core_head_at(f->core)->risk_event_count, alerts + 1);
    fixture_free(f);
}

static void a_rail_decline_keeps_its_code(void **state)
{
    (void)state;
    ps_fixture *f = payment_in(PS_STATUS_PROCESSING);
    assert_refused(fixture_rail_result(f, PS_RAIL_DECLINED, 0), PS_REFUSED_NONE);
    assert_int_equal(f->http_status, 200);
    assert_int_equal(f->payment.decline, PS_DECLINE_LOST_CARD);
    assert_int_equal(ps_trade_at(f->core, f->payment.auth_trade)->status, PS_TRADE_FAILURE);
    fixture_free(f);
}

/* ── policy, names ── */

static void the_decision_is_stored_before_money_moves(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_DECLINE);
    assert_refused(fixture_card(f, "tok_ok", 100, false), PS_REFUSED_DECLINED);
    assert_int_equal(f->payment.decline, PS_DECLINE_RISK);
    assert_int_equal(f->payment.decision, PS_ACTION_DECLINE);
    assert_int_equal(f->payment.score, 77);
    const ps_effect_head *first = ps_effect_first(ps_slice_of(f->payload, 400));
    while (first->type != PS_EFFECT_PAYMENT) {
        first = ps_effect_next(ps_slice_of(f->payload, 1000), first);
    }
    const ps_effect_payment *created = (const void *)first;
    assert_int_equal(created->head.event, PS_EVENT_PAYMENT_CREATED);
    assert_int_equal(created->decision, PS_ACTION_DECLINE);
    fixture_free(f);
}

static void a_reference_is_for_ever_unless_the_payment_came_to_nothing(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    ps_payment_request request = {.amount = 100,
                                  .confirm = true,
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .manual_capture = true,
                                  .reference = PS_SLICE("order-1")};
    request.token = PS_SLICE("tok_stolen_card");
    assert_refused(fixture_create(f, request), PS_REFUSED_DECLINED);
    request.token = PS_SLICE("tok_failed");
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    request.token = PS_SLICE("tok_ok");
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    assert_refused(fixture_create(f, request), PS_REFUSED_DUPLICATE_REFERENCE);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_CANCEL), PS_REFUSED_NONE);
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    fixture_advance(f, 8 * day_ns); /* expired keeps it */
    assert_refused(fixture_create(f, request), PS_REFUSED_DUPLICATE_REFERENCE);
    request.merchant = PS_SLICE("other");
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    fixture_free(f);
}

static void a_client_id_is_used_once(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    ps_payment_request request = {.amount = 100,
                                  .confirm = true,
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .client_id = PS_SLICE("pay_my-own")};
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    assert_int_equal(ps_payment_find(f->core, 1, PS_SLICE("pay_my-own")), 1);
    assert_int_equal(ps_payment_find(f->core, 2, PS_SLICE("pay_my-own")), 0);
    assert_refused(fixture_create(f, request), PS_REFUSED_DUPLICATE_ID);
    f->book = 2;
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    fixture_free(f);
}

static void a_foreign_or_unknown_payment_is_not_found(void **state)
{
    (void)state;
    ps_fixture *f = payment_in(PS_STATUS_AUTHORISED);
    f->book = 2;
    assert_refused(fixture_capture(f, 1, true), PS_REFUSED_NOT_FOUND);
    assert_refused(fixture_refund(f, 1), PS_REFUSED_PAYMENT_UNKNOWN);
    f->book = 1;
    f->id = PS_SLICE("pay_nobody");
    assert_refused(fixture_capture(f, 1, true), PS_REFUSED_NOT_FOUND);
    fixture_free(f);
}

static void a_fee_over_the_amount_is_refused(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    ps_payment_request request = {.amount = 100, .fee = 101, .confirm = true};
    assert_refused(fixture_create(f, request), PS_REFUSED_FEE_TOO_LARGE);
    assert_int_equal(ps_payment_count(f->core), 0);
    fixture_free(f);
}

static void a_key_without_the_scope_is_refused(void **state)
{
    (void)state;
    ps_fixture *f = payment_in(PS_STATUS_AUTHORISED);
    f->scopes = PS_SCOPE_READ | PS_SCOPE_REFUNDS_WRITE;
    assert_refused(fixture_capture(f, 1, true), PS_REFUSED_SCOPE);
    f->scopes = PS_SCOPE_PAYMENTS_WRITE;
    assert_refused(fixture_capture(f, 1, true), PS_REFUSED_NONE);
    fixture_free(f);
}

/* ── time ── */

static void expiry_wins_at_its_instant_and_not_before(void **state)
{
    (void)state;
    for (int64_t early = 0; early <= 1; early++) {
        ps_fixture *f = wallet(1000, 100, 0, true);
        ps_command capture = {
            .kind = PS_CMD_PAYMENT_CAPTURE, .target = f->id, .u.capture = {.final = true}};
        ps_refusal refusal = fixture_run_at(f, &capture, f->payment.expires_ns - early);
        assert_refused(refusal, early ? PS_REFUSED_NONE : PS_REFUSED_STATE_CONFLICT);
        fixture_advance(f, day_ns);
        fixture_refresh(f);
        assert_status(f, early ? PS_STATUS_CAPTURED : PS_STATUS_EXPIRED);
        fixture_free(f);
    }
}

static void expires_in_runs_from_the_authorisation(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    ps_payment_request request = {.amount = 100,
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .manual_capture = true,
                                  .expires_in_ns = 60 * second_ns};
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    fixture_advance(f, day_ns);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_CONFIRM), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_AUTHORISED);
    assert_int_equal(f->payment.expires_ns, f->payment.updated_ns + 60 * second_ns);
    assert_int_equal(fixture_advance(f, 59 * second_ns), 0);
    assert_int_equal(fixture_advance(f, 2 * second_ns), 1);
    assert_status(f, PS_STATUS_EXPIRED);
    fixture_free(f);
}

static void a_full_table_refuses_and_changes_nothing(void **state)
{
    (void)state;
    ps_core_options options;
    fixture_options_small(&options);
    options.payments_max = 3;
    ps_fixture *f = fixture_new_with(NULL, &options);
    for (int i = 0; i < 3; i++) {
        assert_refused(fixture_card(f, "tok_ok", 100, true), PS_REFUSED_NONE);
    }
    assert_refused(fixture_card(f, "tok_ok", 100, true), PS_REFUSED_TABLE_FULL);
    assert_refused(fixture_capture(f, 0, true), PS_REFUSED_NONE);
    fixture_free(f);
}

/* ── refusals of the books, limits ── */

static void freeze(ps_fixture *f, const char *account, bool frozen)
{
    ps_command command = {.kind = frozen ? PS_CMD_ACCOUNT_FREEZE : PS_CMD_ACCOUNT_UNFREEZE,
                          .target = ps_slice_text(account),
                          .currency = fixture_currency("EUR")};
    assert_refused(fixture_run(f, &command), PS_REFUSED_NONE);
}

static void a_frozen_merchant_gets_nothing_new_but_keeps_what_is_held(void **state)
{
    (void)state;
    ps_fixture *f = wallet(10000, 1000, 30, true);
    freeze(f, "merchant:shop:pending", true);
    /* the capture itself would be legal, its fee is a new posting */
    assert_refused(fixture_capture(f, 0, true), PS_REFUSED_ACCOUNT_FROZEN);
    fixture_refresh(f);
    assert_status(f, PS_STATUS_AUTHORISED);
    assert_held(f, 1000);
    ps_payment_request request = {.amount = 1, .confirm = true};
    assert_refused(fixture_create(f, request), PS_REFUSED_DECLINED);
    assert_int_equal(f->payment.decline, PS_DECLINE_ACCOUNT_FROZEN);
    freeze(f, "merchant:shop:pending", false);
    request.amount = 1000;
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    freeze(f, "payer:alice", true);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE), PS_REFUSED_ACCOUNT_FROZEN);
    fixture_refresh(f);
    assert_status(f, PS_STATUS_CAPTURED);
    fixture_free(f);
}

static void a_late_approval_that_the_books_refuse_is_a_decline(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    fixture_card(f, "tok_ok", 5, false);
    fixture_card(f, "tok_silent", 100, false);
    freeze(f, "merchant:shop:pending", true);
    assert_refused(fixture_rail_result(f, PS_RAIL_APPROVED, 100), PS_REFUSED_NONE);
    assert_status(f, PS_STATUS_DECLINED);
    assert_int_equal(f->payment.decline, PS_DECLINE_ACCOUNT_FROZEN);
    fixture_free(f);
}

static void too_many_captures_cannot_be_reversed(void **state)
{
    (void)state;
    for (int captures = 64; captures <= 65; captures++) {
        ps_fixture *f = wallet(10000, 100, 0, true);
        f->skip_verify = true;
        for (int i = 1; i < captures; i++) {
            assert_refused(fixture_capture(f, 1, false), PS_REFUSED_NONE);
        }
        assert_refused(fixture_capture(f, 0, true), PS_REFUSED_NONE);
        assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_REVERSE),
                       captures == 64 ? PS_REFUSED_NONE : PS_REFUSED_TOO_MANY_ATTEMPTS);
        fixture_free(f);
    }
}

static void a_delayed_answer_waits_for_room(void **state)
{
    (void)state;
    ps_core_options options;
    fixture_options_small(&options);
    options.trades_max = 3;
    ps_fixture *f = fixture_new_with(NULL, &options);
    fixture_card(f, "tok_slow_ok", 100, false); /* trade 1 */
    fixture_card(f, "tok_ok", 100, false);      /* trades 2, 3 */
    fixture_advance(f, 3 * second_ns);
    const ps_effect_payment *slow = &ps_payment_at(f->core, 1)->body;
    assert_int_equal(slow->status, PS_STATUS_PROCESSING);
    assert_true(slow->deadline_ns > f->now_ns);
    assert_refused(fixture_card(f, "tok_ok", 100, false), PS_REFUSED_TABLE_FULL);
    fixture_free(f);
}

static void a_hold_expires_even_when_the_tables_are_full(void **state)
{
    (void)state;
    ps_core_options options;
    fixture_options_small(&options);
    options.trades_max = 1;
    ps_fixture *f = fixture_new_with(NULL, &options);
    fixture_card(f, "tok_ok", 100, true);
    assert_refused(fixture_capture(f, 0, true), PS_REFUSED_TABLE_FULL);
    fixture_advance(f, 8 * day_ns);
    assert_status(f, PS_STATUS_EXPIRED);
    fixture_free(f);
}

static void full_holds_can_still_be_resolved(void **state)
{
    (void)state;
    ps_core_options options;
    fixture_options_small(&options);
    options.transfers_max = 2;
    ps_fixture *f = fixture_new_with(NULL, &options);
    fixture_card(f, "tok_ok", 100, true);
    fixture_card(f, "tok_ok", 100, true);
    assert_refused(fixture_card(f, "tok_ok", 100, true), PS_REFUSED_TABLE_FULL);
    assert_refused(fixture_capture(f, 0, true), PS_REFUSED_NONE);
    assert_refused(fixture_card(f, "tok_ok", 100, true), PS_REFUSED_NONE);
    assert_refused(fixture_card(f, "tok_ok", 100, true), PS_REFUSED_TABLE_FULL);
    assert_refused(fixture_on_payment(f, PS_CMD_PAYMENT_CANCEL), PS_REFUSED_NONE);
    assert_refused(fixture_card(f, "tok_ok", 100, true), PS_REFUSED_NONE);
    fixture_free(f);
}

static void no_operation_finds_what_is_not_there(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    f->id = PS_SLICE("pay_0000000000000000000000000z");
    for (int op = 0; op < OP_COUNT; op++) {
        uint64_t seq = f->seq;
        assert_refused(operate(f, op), PS_REFUSED_NOT_FOUND);
        assert_int_equal(f->seq, seq);
    }
    fixture_free(f);
}

static ps_slice last_text(const ps_fixture *f, ps_text_field field)
{
    ps_slice payload = ps_slice_of(f->payload, f->result.payload_size);
    const ps_effect_head *last = ps_effect_first(payload);
    for (const ps_effect_head *e = last; e != NULL; e = ps_effect_next(payload, e)) {
        last = e->type == PS_EFFECT_PAYMENT ? e : last;
    }
    const ps_effect_texts *texts = ps_effect_texts_of(payload, last);
    return texts != NULL ? ps_texts_get(texts, field) : PS_SLICE("");
}

static void the_words_of_rails_and_reviewers_are_kept(void **state)
{
    (void)state;
    ps_fixture *f = payment_in(PS_STATUS_UNKNOWN);
    ps_command result = {.kind = PS_CMD_PAYMENT_RAIL_RESULT,
                         .target = f->id,
                         .reference = PS_SLICE("net-77"),
                         .u.rail = {PS_RAIL_DECLINED, PS_SLICE("x55")}};
    assert_refused(fixture_run(f, &result), PS_REFUSED_NONE);
    assert_int_equal(f->payment.rail_reference_seq, f->seq);
    assert_int_equal(f->payment.decline, PS_DECLINE_OTHER);
    assert_true(ps_slice_equal(last_text(f, PS_TEXT_RAIL_REFERENCE), PS_SLICE("net-77")));
    assert_true(ps_slice_equal(last_text(f, PS_TEXT_DECLINE_CODE), PS_SLICE("x55")));
    fixture_free(f);

    f = payment_in(PS_STATUS_IN_REVIEW);
    ps_command review = {
        .kind = PS_CMD_PAYMENT_REVIEW, .target = f->id, .reason = PS_SLICE("known customer")};
    review.u.review.approve = true;
    assert_refused(fixture_run(f, &review), PS_REFUSED_NONE);
    assert_true(ps_slice_equal(last_text(f, PS_TEXT_REASON), PS_SLICE("known customer")));
    fixture_free(f);
}

static void a_snapshot_record_names_the_snapshot(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    ps_command snapshot = {.kind = PS_CMD_SNAPSHOT, .amount = 41};
    assert_refused(fixture_run(f, &snapshot), PS_REFUSED_NONE);
    assert_int_equal(ps_record_head(ps_slice_of(f->payload, 0))->subject, 41);
    fixture_free(f);
}

static void a_cleared_core_takes_the_whole_history_again(void **state)
{
    (void)state;
    ps_fixture *f = begin(PS_ACTION_APPROVE);
    ps_u128 empty = ps_core_hash(f->core);
    ps_core_clear(f->core);
    ps_core_clear(f->mirror);
    ps_u128 cleared = ps_core_hash(f->core);
    assert_false(ps_u128_equal(empty, cleared));
    assert_true(ps_u128_equal(cleared, ps_core_hash(f->mirror)));
    assert_int_equal(ps_core_last_seq(f->core), 0);
    assert_int_equal(ps_core_next_timer_ns(f->core), INT64_MAX);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_status_and_operation_is_as_the_table_says),
        cmocka_unit_test(an_automatic_wallet_payment_is_captured_at_once),
        cmocka_unit_test(an_authorisation_holds_and_posts_nothing),
        cmocka_unit_test(captures_take_the_fee_whole_then_what_is_left_of_it),
        cmocka_unit_test(a_final_capture_releases_the_rest),
        cmocka_unit_test(cancel_and_expiry_release_the_hold),
        cmocka_unit_test(after_a_partial_capture_both_end_in_captured),
        cmocka_unit_test(a_reversal_mirrors_every_leg_and_happens_once),
        cmocka_unit_test(a_card_is_funded_by_its_scheme),
        cmocka_unit_test(a_wallet_is_exact),
        cmocka_unit_test(a_wallet_without_an_account_has_no_funds),
        cmocka_unit_test(a_frozen_wallet_is_declined),
        cmocka_unit_test(the_simulator_answers_by_token),
        cmocka_unit_test(sync_that_changes_nothing_keeps_the_version),
        cmocka_unit_test(a_live_card_waits_for_its_rail),
        cmocka_unit_test(another_amount_from_the_rail_stays_unknown_and_raises_an_alert),
        cmocka_unit_test(a_rail_decline_keeps_its_code),
        cmocka_unit_test(the_decision_is_stored_before_money_moves),
        cmocka_unit_test(a_reference_is_for_ever_unless_the_payment_came_to_nothing),
        cmocka_unit_test(a_client_id_is_used_once),
        cmocka_unit_test(a_foreign_or_unknown_payment_is_not_found),
        cmocka_unit_test(a_fee_over_the_amount_is_refused),
        cmocka_unit_test(a_key_without_the_scope_is_refused),
        cmocka_unit_test(expiry_wins_at_its_instant_and_not_before),
        cmocka_unit_test(expires_in_runs_from_the_authorisation),
        cmocka_unit_test(a_full_table_refuses_and_changes_nothing),
        cmocka_unit_test(a_frozen_merchant_gets_nothing_new_but_keeps_what_is_held),
        cmocka_unit_test(a_late_approval_that_the_books_refuse_is_a_decline),
        cmocka_unit_test(too_many_captures_cannot_be_reversed),
        cmocka_unit_test(a_delayed_answer_waits_for_room),
        cmocka_unit_test(a_hold_expires_even_when_the_tables_are_full),
        cmocka_unit_test(full_holds_can_still_be_resolved),
        cmocka_unit_test(no_operation_finds_what_is_not_there),
        cmocka_unit_test(the_words_of_rails_and_reviewers_are_kept),
        cmocka_unit_test(a_snapshot_record_names_the_snapshot),
        cmocka_unit_test(a_cleared_core_takes_the_whole_history_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
