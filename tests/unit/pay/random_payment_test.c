/* Random commands, the core against the naive model; a failure prints its SEED. */
#include "core_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "naive_payment.h"

typedef struct {
    ps_fixture *f;
    naive_world *w;
    uint64_t random;
    char payment_ids[NAIVE_PAYMENTS_MAX][PS_ID_TEXT_MAX];
    size_t payment_id_sizes[NAIVE_PAYMENTS_MAX];
    char child_ids[NAIVE_CHILDREN_MAX][PS_ID_TEXT_MAX];
    size_t child_id_sizes[NAIVE_CHILDREN_MAX];
} run;

/* splitmix64 (S. Vigna) */
static uint64_t next(run *r)
{
    uint64_t x = (r->random += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static int below(run *r, int limit)
{
    return (int)(next(r) % (uint64_t)limit);
}

static const char *const payers[NAIVE_PAYERS] = {"alice", "bob", "carol"};
static const char *const merchants[NAIVE_MERCHANTS] = {"shop", "cafe"};
static const char *const tokens[] = {"tok_ok",         "tok_ok",      "tok_do_not_honour",
                                     "tok_failed",     "tok_slow_ok", "tok_slow_declined",
                                     "tok_timeout",    "tok_silent",  "tok_refund_fails",
                                     "tok_refund_slow"};

/* The clock of the next command; due timers have run by then in both. */
static int64_t step(run *r)
{
    int64_t now_ns = r->f->now_ns + PS_NS_PER_MS;
    naive_advance(r->w, now_ns);
    return now_ns;
}

static void expect(ps_refusal is, ps_refusal expected)
{
    assert_refused(is, expected);
}

static void create(run *r)
{
    naive_world *w = r->w;
    naive_payment *p = &w->payments[w->payment_count];
    *p = (naive_payment){.payer = below(r, NAIVE_PAYERS),
                         .merchant = below(r, NAIVE_MERCHANTS),
                         .is_wallet = below(r, 2) == 0,
                         .is_manual = below(r, 2) == 0,
                         .token = tokens[below(r, sizeof tokens / sizeof tokens[0])],
                         .phase = "created",
                         .amount = 1 + below(r, 1000)};
    p->fee = below(r, 3) == 0 ? below(r, (int)p->amount + 1) : 0;
    bool confirm = below(r, 8) != 0;
    int64_t now_ns = step(r);
    if (confirm) {
        naive_send(w, p, now_ns);
    }
    ps_payment_request request = {.amount = p->amount,
                                  .fee = p->fee,
                                  .merchant = ps_slice_text(merchants[p->merchant]),
                                  .payer = ps_slice_text(payers[p->payer]),
                                  .instrument =
                                      p->is_wallet ? PS_INSTRUMENT_WALLET : PS_INSTRUMENT_CARD,
                                  .token = p->is_wallet ? PS_SLICE("") : ps_slice_text(p->token),
                                  .manual_capture = p->is_manual,
                                  .confirm = confirm};
    if (p->is_wallet) {
        p->token = "";
    }
    ps_refusal refusal = fixture_create(r->f, request);
    expect(refusal, naive_is(p, "declined") ? PS_REFUSED_DECLINED : PS_REFUSED_NONE);
    memcpy(r->payment_ids[w->payment_count], r->f->id.data, r->f->id.size);
    r->payment_id_sizes[w->payment_count] = r->f->id.size;
    w->payment_count++;
}

static void capture(run *r, naive_payment *p)
{
    step(r);
    int64_t amount = below(r, 3) == 0 ? 0 : 1 + below(r, (int)p->amount);
    bool final = below(r, 2) == 0;
    int64_t wanted = amount != 0 ? amount : p->capturable;
    ps_refusal expected = PS_REFUSED_NONE;
    if (!naive_is(p, "open") || p->capturable == 0) {
        expected = PS_REFUSED_STATE_CONFLICT;
    } else if (wanted > p->capturable) {
        expected = PS_REFUSED_CAPTURE_TOO_LARGE;
    } else {
        naive_do_capture(r->w, p, wanted, final);
    }
    expect(fixture_capture(r->f, amount, final), expected);
}

static void cancel(run *r, naive_payment *p)
{
    step(r);
    ps_refusal expected = PS_REFUSED_NONE;
    if (naive_is(p, "created")) {
        p->phase = "cancelled";
    } else if (naive_is(p, "open") && p->capturable > 0) {
        naive_release(r->w, p, "cancelled");
    } else {
        expected = PS_REFUSED_STATE_CONFLICT;
    }
    expect(fixture_on_payment(r->f, PS_CMD_PAYMENT_CANCEL), expected);
}

static void confirm(run *r, naive_payment *p)
{
    int64_t now_ns = step(r);
    ps_refusal expected = PS_REFUSED_STATE_CONFLICT;
    if (naive_is(p, "created")) {
        naive_send(r->w, p, now_ns);
        expected = naive_is(p, "declined") ? PS_REFUSED_DECLINED : PS_REFUSED_NONE;
    }
    expect(fixture_on_payment(r->f, PS_CMD_PAYMENT_CONFIRM), expected);
}

static void reverse(run *r, naive_payment *p)
{
    step(r);
    naive_world *w = r->w;
    const char *status = naive_status(p);
    ps_refusal expected = PS_REFUSED_NONE;
    if (strcmp(status, "authorised") == 0) {
        naive_release(w, p, "reversed");
    } else if (strcmp(status, "captured") == 0 && naive_refundable(p) == p->captured) {
        w->fees -= p->fee_taken;
        w->pending[p->merchant] += p->fee_taken;
        (void)naive_take(w, p->merchant, p->captured);
        w->pending[p->merchant] -= p->captured;
        naive_pay_back(w, p, p->captured);
        p->captured = 0;
        p->fee_taken = 0;
        p->phase = "reversed";
    } else {
        expected = PS_REFUSED_STATE_CONFLICT;
    }
    expect(fixture_on_payment(r->f, PS_CMD_PAYMENT_REVERSE), expected);
}

static void sync_now(run *r, naive_payment *p)
{
    int64_t now_ns = step(r);
    bool waits = naive_is(p, "processing") || naive_is(p, "unknown");
    if (waits && strcmp(p->token, "tok_timeout") == 0) {
        naive_approve(r->w, p, now_ns);
    }
    expect(fixture_on_payment(r->f, PS_CMD_PAYMENT_SYNC), PS_REFUSED_NONE);
}

static void rail_result(run *r, naive_payment *p)
{
    int64_t now_ns = step(r);
    ps_rail_outcome outcome = (ps_rail_outcome)(PS_RAIL_APPROVED + below(r, 3));
    int64_t amount = below(r, 4) == 0 ? p->amount + 1 : p->amount;
    ps_refusal expected = PS_REFUSED_NONE;
    if (!naive_is(p, "processing") && !naive_is(p, "unknown")) {
        expected = PS_REFUSED_STATE_CONFLICT;
    } else if (amount != p->amount) {
        expected = PS_REFUSED_AMOUNT_MISMATCH;
    } else if (outcome == PS_RAIL_APPROVED) {
        naive_approve(r->w, p, now_ns);
    } else {
        p->phase = outcome == PS_RAIL_DECLINED ? "declined" : "failed";
        p->due_ns = 0;
    }
    expect(fixture_rail_result(r->f, outcome, amount), expected);
}

static naive_child *child_add(run *r)
{
    naive_world *w = r->w;
    memcpy(r->child_ids[w->child_count], r->f->child.data, r->f->child.size);
    r->child_id_sizes[w->child_count] = r->f->child.size;
    return &w->children[w->child_count++];
}

/* The refusal of a refund or dispute of *amount; 0 becomes what is left. */
static ps_refusal take_back_check(const naive_payment *p, int64_t *amount)
{
    if (!naive_is(p, "open") || p->captured == 0) {
        return PS_REFUSED_STATE_CONFLICT;
    }
    int64_t refundable = naive_refundable(p);
    *amount = *amount != 0 ? *amount : refundable;
    return *amount > refundable || refundable == 0 ? PS_REFUSED_REFUND_TOO_LARGE : PS_REFUSED_NONE;
}

static void refund(run *r, naive_payment *p)
{
    int64_t now_ns = step(r);
    naive_world *w = r->w;
    int64_t asked = below(r, 3) == 0 ? 0 : 1 + below(r, (int)p->amount);
    int64_t amount = asked;
    ps_refusal expected = take_back_check(p, &amount);
    if (expected != PS_REFUSED_STATE_CONFLICT && p->failed_refunds == 10) {
        expected = PS_REFUSED_TOO_MANY_ATTEMPTS;
    }
    expect(fixture_refund(r->f, asked), expected);
    if (expected != PS_REFUSED_NONE) {
        return;
    }
    int64_t owed = naive_take(w, p->merchant, amount);
    if (strcmp(p->token, "tok_refund_fails") == 0) {
        naive_give(w, p->merchant, owed);
        p->failed_refunds++;
        return;
    }
    w->going[p->merchant] += amount;
    p->refund_pending += amount;
    naive_child *c = child_add(r);
    *c = (naive_child){.payment = (int)(p - w->payments), .amount = amount, .owed = owed};
    if (strcmp(p->token, "tok_refund_slow") == 0) {
        c->due_ns = now_ns + naive_second;
    } else {
        naive_refund_end(w, c);
    }
}

static void dispute(run *r, naive_payment *p)
{
    int64_t now_ns = step(r);
    naive_world *w = r->w;
    int64_t asked = below(r, 2) == 0 ? 0 : 1 + below(r, (int)p->amount);
    int64_t amount = asked;
    ps_refusal expected = take_back_check(p, &amount);
    expect(fixture_dispute_open(r->f, asked), expected);
    if (expected != PS_REFUSED_NONE) {
        return;
    }
    int64_t owed = naive_take(w, p->merchant, amount);
    w->pending[p->merchant] -= amount;
    w->dispute_hold += amount;
    p->disputed += amount;
    *child_add(r) = (naive_child){.payment = (int)(p - w->payments),
                                  .is_dispute = true,
                                  .amount = amount,
                                  .owed = owed,
                                  .due_ns = now_ns + 7 * naive_day};
}

static void dispute_go_on(run *r)
{
    naive_world *w = r->w;
    if (w->child_count == 0) {
        return;
    }
    int i = below(r, w->child_count);
    naive_child *c = &w->children[i];
    if (!c->is_dispute) {
        return;
    }
    step(r);
    r->f->child = ps_slice_of(r->child_ids[i], r->child_id_sizes[i]);
    ps_refusal expected = c->is_over ? PS_REFUSED_STATE_CONFLICT : PS_REFUSED_NONE;
    if (below(r, 3) == 0) {
        ps_command challenge = {.kind = PS_CMD_DISPUTE_CHALLENGE, .target = r->f->child};
        expect(fixture_run(r->f, &challenge), expected);
        c->due_ns = 0;
        return;
    }
    bool is_won = below(r, 2) == 0;
    if (!c->is_over) {
        naive_dispute_end(w, c, is_won);
    }
    expect(fixture_dispute_end(r->f, is_won), expected);
}

static void advance(run *r)
{
    static const int64_t spans[] = {INT64_C(300000000), INT64_C(3000000000), INT64_C(20000000000),
                                    INT64_C(86400000000000), INT64_C(259200000000000)};
    int64_t span = spans[below(r, 5)];
    naive_advance(r->w, r->f->now_ns + span);
    fixture_advance(r->f, span);
}

/* ── comparison ── */

static void compare_payment(run *r, int i)
{
    const naive_payment *n = &r->w->payments[i];
    r->f->id = ps_slice_of(r->payment_ids[i], r->payment_id_sizes[i]);
    fixture_refresh(r->f);
    const ps_counters *c = &r->f->payment.counters;
    assert_string_equal(ps_status_name(r->f->payment.status), naive_status(n));
    assert_int_equal(c->capturable, n->capturable);
    assert_int_equal(c->captured, n->captured);
    assert_int_equal(c->refunded, n->refunded);
    assert_int_equal(c->refund_pending, n->refund_pending);
    assert_int_equal(c->disputed, n->disputed);
    assert_int_equal(c->charged_back, n->lost);
    assert_int_equal(c->fee_taken, n->fee_taken);
}

static void compare_books(const run *r)
{
    char name[PS_ACCOUNT_NAME_MAX];
    for (int i = 0; i < NAIVE_PAYERS; i++) {
        snprintf(name, sizeof name, "payer:%s", payers[i]);
        assert_int_equal(fixture_balance(r->f, name, "EUR"), r->w->wallet[i]);
        assert_int_equal(fixture_pending_debits(r->f, name, "EUR"), r->w->wallet_held[i]);
    }
    for (int i = 0; i < NAIVE_MERCHANTS; i++) {
        snprintf(name, sizeof name, "merchant:%s:pending", merchants[i]);
        assert_int_equal(fixture_balance(r->f, name, "EUR"), r->w->pending[i]);
        assert_int_equal(fixture_pending_debits(r->f, name, "EUR"), r->w->going[i]);
        snprintf(name, sizeof name, "merchant:%s:receivable", merchants[i]);
        assert_int_equal(fixture_balance(r->f, name, "EUR"), r->w->owed[i]);
    }
    assert_int_equal(fixture_balance(r->f, "fee_income", "EUR"), r->w->fees);
    assert_int_equal(fixture_balance(r->f, "dispute_hold", "EUR"), r->w->dispute_hold);
    assert_int_equal(fixture_balance(r->f, "scheme_receivable:simulator", "EUR"), r->w->scheme);
}

static void one(run *r)
{
    naive_world *w = r->w;
    int what = below(r, 20);
    if (w->payment_count == 0 || (what < 5 && w->payment_count < NAIVE_PAYMENTS_MAX)) {
        create(r);
        compare_payment(r, w->payment_count - 1);
        return;
    }
    /* mostly recent ones, so that things happen to them */
    int back = below(r, below(r, 3) == 0       ? w->payment_count
                        : w->payment_count < 8 ? w->payment_count
                                               : 8);
    int i = w->payment_count - 1 - back;
    r->f->id = ps_slice_of(r->payment_ids[i], r->payment_id_sizes[i]);
    naive_payment *p = &w->payments[i];
    static void (*const operations[])(run *, naive_payment *) = {
        capture, capture, cancel, confirm, reverse, sync_now, rail_result, refund, refund, dispute};
    if (what == 5) {
        advance(r);
    } else if (what < 9) {
        dispute_go_on(r);
    } else {
        operations[below(r, 10)](r, p);
    }
    compare_payment(r, i);
}

static void run_seed(uint64_t seed, int command_count)
{
    run *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->w = calloc(1, sizeof *r->w);
    assert_non_null(r->w);
    r->random = seed;
    r->f = fixture_new(NULL);
    r->f->skip_verify = true;
    for (int i = 0; i < NAIVE_PAYERS; i++) {
        fixture_fund(r->f, payers[i], "EUR", 20000);
        r->w->wallet[i] = 20000;
    }
    for (int i = 0; i < command_count; i++) {
        one(r);
        compare_books(r);
        if (i % 50 == 0) {
            fixture_verify(r->f);
        }
    }
    for (int i = 0; i < r->w->payment_count; i++) {
        compare_payment(r, i);
    }
    fixture_free(r->f);
    free(r->w);
    free(r);
}

static void the_core_agrees_with_the_naive_model(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    uint64_t first = given != NULL ? strtoull(given, NULL, 10) : 1;
    uint64_t count = given != NULL ? 1 : 30;
    for (uint64_t seed = first; seed < first + count; seed++) {
        /* printed before: an assertion that fails leaves it as the last line */
        fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
        run_seed(seed, 600);
    }
}

/* ── anything, in any order: no model, but the invariants and the mirror ── */

typedef struct {
    ps_slice ids[64];
    char texts[64][PS_ID_TEXT_MAX];
    int count;
} id_ring;

static void ring_add(id_ring *ring, ps_slice id)
{
    int at = ring->count++ % 64;
    memcpy(ring->texts[at], id.data, id.size);
    ring->ids[at] = ps_slice_of(ring->texts[at], id.size);
}

static ps_slice ring_pick(run *r, const id_ring *ring)
{
    return ring->count == 0 ? PS_SLICE("none")
                            : ring->ids[below(r, ring->count < 64 ? ring->count : 64)];
}

typedef struct {
    id_ring payments, disputes, settlements;
} ids;

static void any_create(run *r, ids *known)
{
    static const char *const currencies[] = {"EUR", "JPY"};
    bool is_wallet = below(r, 2) == 0;
    ps_payment_request request = {
        .amount = 1 + below(r, 2000),
        .merchant = ps_slice_text(merchants[below(r, NAIVE_MERCHANTS)]),
        .payer = ps_slice_text(payers[below(r, NAIVE_PAYERS)]),
        .currency = fixture_currency(currencies[below(r, 8) == 0]),
        .instrument = is_wallet ? PS_INSTRUMENT_WALLET : PS_INSTRUMENT_CARD,
        .token = ps_slice_text(tokens[below(r, sizeof tokens / sizeof tokens[0])]),
        .manual_capture = below(r, 2) == 0,
        .confirm = below(r, 8) != 0};
    request.fee = below(r, 2) == 0 ? below(r, 60) : 0;
    ps_refusal refusal = fixture_create(r->f, request);
    if (refusal == PS_REFUSED_NONE) {
        ring_add(&known->payments, r->f->id);
    }
}

static void any_account(run *r)
{
    static const char *const accounts[] = {"payer:alice",
                                           "payer:bob",
                                           "merchant:shop:pending",
                                           "merchant:cafe:available",
                                           "merchant:shop:available",
                                           "fee_income",
                                           "dispute_hold"};
    static const ps_command_kind kinds[] = {PS_CMD_ACCOUNT_FREEZE, PS_CMD_ACCOUNT_UNFREEZE,
                                            PS_CMD_ACCOUNT_UNFREEZE, PS_CMD_ACCOUNT_UNFREEZE};
    ps_command command = {.kind = kinds[below(r, 4)],
                          .target = ps_slice_text(accounts[below(r, 7)]),
                          .currency = fixture_currency("EUR")};
    (void)fixture_run(r->f, &command);
}

static void any_settlement(run *r, ids *known)
{
    static const ps_command_kind kinds[] = {PS_CMD_SETTLEMENT_CLOSE, PS_CMD_SETTLEMENT_CONFIRM,
                                            PS_CMD_SETTLEMENT_FAIL};
    ps_command command = {
        .kind = kinds[below(r, 3)],
        .target = ring_pick(r, &known->settlements),
        .currency = fixture_currency("EUR"),
        .u.settlement = {.merchant = ps_slice_text(merchants[below(r, NAIVE_MERCHANTS)])}};
    bool is_close = command.kind == PS_CMD_SETTLEMENT_CLOSE;
    if (fixture_run(r->f, &command) == PS_REFUSED_NONE && is_close) {
        ring_add(&known->settlements, r->f->child);
    }
}

static void any_dispute(run *r, ids *known)
{
    if (below(r, 2) == 0) {
        if (fixture_dispute_open(r->f, below(r, 2) == 0 ? 0 : 1 + below(r, 500)) ==
            PS_REFUSED_NONE) {
            ring_add(&known->disputes, r->f->child);
        }
        return;
    }
    r->f->child = ring_pick(r, &known->disputes);
    (void)fixture_dispute_end(r->f, below(r, 2) == 0);
}

static void any_one(run *r, ids *known)
{
    r->f->id = ring_pick(r, &known->payments);
    switch (below(r, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        any_create(r, known);
        break;
    case 4:
    case 5:
        (void)fixture_capture(r->f, below(r, 2) == 0 ? 0 : 1 + below(r, 900), below(r, 2) == 0);
        break;
    case 6:
    case 7:
        (void)fixture_refund(r->f, below(r, 2) == 0 ? 0 : 1 + below(r, 900));
        break;
    case 8:
    case 9:
        any_dispute(r, known);
        break;
    case 10:
    case 11:
        any_settlement(r, known);
        break;
    case 12:
        any_account(r);
        break;
    case 13:
        fixture_advance(r->f, (int64_t)below(r, 100000) * PS_NS_PER_S);
        break;
    case 14:
        (void)fixture_rail_result(r->f, (ps_rail_outcome)(1 + below(r, 3)), 0);
        break;
    default: {
        static const ps_command_kind kinds[] = {PS_CMD_PAYMENT_CONFIRM, PS_CMD_PAYMENT_CANCEL,
                                                PS_CMD_PAYMENT_REVERSE, PS_CMD_PAYMENT_SYNC};
        (void)fixture_on_payment(r->f, kinds[below(r, 4)]);
        break;
    }
    }
}

static void the_invariants_hold_whatever_is_asked(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    uint64_t first = given != NULL ? strtoull(given, NULL, 10) : 1;
    uint64_t count = given != NULL ? 1 : 20;
    for (uint64_t seed = first; seed < first + count; seed++) {
        fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
        run r = {.random = seed * 77, .f = fixture_new(NULL)};
        ids *known = calloc(1, sizeof *known);
        assert_non_null(known);
        r.f->skip_verify = true;
        for (int i = 0; i < NAIVE_PAYERS; i++) {
            fixture_fund(r.f, payers[i], "EUR", 100000);
        }
        for (int i = 0; i < 800; i++) {
            any_one(&r, known);
            if (i % 10 == 0) {
                fixture_verify(r.f);
            }
        }
        fixture_free(r.f);
        free(known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_core_agrees_with_the_naive_model),
        cmocka_unit_test(the_invariants_hold_whatever_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
