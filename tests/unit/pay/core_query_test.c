#include "core_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static const char *const merchants[] = {"shop", "kiosk", "bar"};
static const char *const payers[] = {"alice", "bob", "carol", "dave"};
static const char *const currencies[] = {"EUR", "USD", "JPY"};

typedef struct {
    ps_buf out;
    ps_query_result result;
} answer;

static void ask(const ps_fixture *f, const ps_query *query, answer *a)
{
    ps_buf_clear(&a->out);
    ps_core_query(f->core, query, &a->out, &a->result);
    assert_false(a->out.failed);
}

/* ── a world of two tenants ── */

static void tenant_add(ps_fixture *f)
{
    static const char hmac[32];
    ps_command command = {.kind = PS_CMD_KEY_CREATE,
                          .data = {hmac, sizeof hmac},
                          .u.key_new = {.tenant = PS_SLICE("other"), .public_id = {9, 9}}};
    assert_refused(fixture_run(f, &command), PS_REFUSED_NONE);
}

static void payment_add(ps_fixture *f, uint32_t *random)
{
    char reference[16];
    snprintf(reference, sizeof reference, "r%u", next_random(random) % 100);
    fixture_create(
        f, (ps_payment_request){.amount = 1 + next_random(random) % 50,
                                .merchant = ps_slice_text(merchants[next_random(random) % 3]),
                                .payer = ps_slice_text(payers[next_random(random) % 4]),
                                .currency = fixture_currency(currencies[next_random(random) % 3]),
                                .instrument = PS_INSTRUMENT_CARD,
                                .token = next_random(random) % 5 == 0 ? PS_SLICE("tok_stolen_card")
                                                                      : PS_SLICE("tok_ok"),
                                .reference = next_random(random) % 2 == 0 ? ps_slice_text(reference)
                                                                          : PS_SLICE(""),
                                .manual_capture = next_random(random) % 4 == 0,
                                .confirm = next_random(random) % 8 != 0});
}

static void transfer_add(ps_fixture *f, uint32_t *random)
{
    char payer[32];
    snprintf(payer, sizeof payer, "payer:%s", payers[next_random(random) % 4]);
    ps_command command = {.kind = PS_CMD_TRANSFER_CREATE,
                          .currency = fixture_currency(currencies[next_random(random) % 3]),
                          .amount = 1 + next_random(random) % 50,
                          .u.transfer = {.debit = PS_SLICE("world"),
                                         .credit = ps_slice_text(payer),
                                         .pending = next_random(random) % 2 == 0}};
    assert_refused(fixture_run(f, &command), PS_REFUSED_NONE);
}

static void batch_close(ps_fixture *f, uint32_t *random)
{
    ps_command command = {
        .kind = PS_CMD_SETTLEMENT_CLOSE,
        .currency = fixture_currency(currencies[next_random(random) % 3]),
        .u.settlement = {.merchant = ps_slice_text(merchants[next_random(random) % 3])}};
    fixture_run(f, &command);
}

static void payment_take(ps_fixture *f, uint32_t payment)
{
    const ps_effect_payment *body = &ps_payment_at(f->core, payment)->body;
    f->book = body->book;
    size_t size =
        ps_id_format(f->core->instance, PS_ID_PAYMENT, payment, body->created_ns, f->id_text);
    f->id = ps_slice_of(f->id_text, size);
}

static void happen(ps_fixture *f, uint32_t *random)
{
    f->book = next_random(random) % 3 == 0 ? 3 : 1;
    uint32_t what = next_random(random) % 12;
    if (what < 5 || ps_payment_count(f->core) == 0) {
        payment_add(f, random);
    } else if (what < 7) {
        transfer_add(f, random);
    } else if (what == 7) {
        batch_close(f, random);
    } else {
        payment_take(f, 1 + next_random(random) % ps_payment_count(f->core));
        if (what < 10) {
            fixture_refund(f, 1 + next_random(random) % 10);
        } else {
            fixture_dispute_open(f, 1 + next_random(random) % 10);
        }
    }
}

static ps_fixture *world_new(int size)
{
    ps_fixture *f = fixture_new(NULL);
    f->skip_verify = true;
    tenant_add(f);
    uint32_t random = 42;
    for (int i = 0; i < size; i++) {
        happen(f, &random);
    }
    return f;
}

/* ── the naive answer ── */

/* What a list filters by, of one object. */
typedef struct {
    uint32_t book;
    uint32_t status;
    ps_currency currency;
    int64_t amount, created_ns;
    uint32_t payment; /* 0: of none */
    uint32_t merchant;
} object_view;

static uint32_t count_of(const ps_core *core, ps_query_kind kind)
{
    switch (kind) {
    case PS_QUERY_PAYMENTS:
        return ps_payment_count(core);
    case PS_QUERY_REFUNDS:
        return ps_refund_count(core);
    case PS_QUERY_DISPUTES:
        return ps_dispute_count(core);
    case PS_QUERY_TRADES:
        return ps_trade_count(core);
    case PS_QUERY_ACCOUNTS:
        return ps_ledger_account_count(&core->ledger);
    case PS_QUERY_TRANSFERS:
        return ps_api_transfer_count(core);
    case PS_QUERY_SETTLEMENTS:
        return ps_settlement_count(core);
    default:
        fail();
        return 0;
    }
}

#define VIEW(b)                                                                                    \
    (object_view)                                                                                  \
    {                                                                                              \
        .book = (b)->book, .status = (b)->status, .currency = (b)->currency,                       \
        .amount = (b)->amount, .created_ns = (b)->created_ns                                       \
    }

static object_view view_of(const ps_core *core, ps_query_kind kind, uint32_t number)
{
    object_view view = {0};
    if (kind == PS_QUERY_PAYMENTS) {
        view = VIEW(&ps_payment_at(core, number)->body);
        view.payment = number;
    } else if (kind == PS_QUERY_REFUNDS) {
        view = VIEW(&ps_refund_at(core, number)->body);
        view.payment = ps_refund_at(core, number)->body.payment;
    } else if (kind == PS_QUERY_DISPUTES) {
        view = VIEW(&ps_dispute_at(core, number)->body);
        view.payment = ps_dispute_at(core, number)->body.payment;
    } else if (kind == PS_QUERY_TRADES) {
        const ps_trade *trade = ps_trade_at(core, number);
        view = (object_view){.book = ps_trade_book(core, trade),
                             .status = trade->status,
                             .currency = ps_trade_currency(core, trade),
                             .amount = trade->amount,
                             .created_ns = trade->created_ns};
        view.payment = trade->payment == PS_INDEX_NONE ? 0 : trade->payment;
    } else if (kind == PS_QUERY_TRANSFERS) {
        view = VIEW(&ps_api_transfer_at(core, number)->body);
        view.status++;
    } else if (kind == PS_QUERY_SETTLEMENTS) {
        const ps_effect_settlement *body = &ps_settlement_at(core, number)->body;
        view = (object_view){.book = body->book,
                             .status = body->status,
                             .currency = body->currency,
                             .amount = body->net,
                             .created_ns = body->created_ns,
                             .merchant = body->merchant};
    } else {
        const ps_account *account = ps_ledger_account(&core->ledger, number - 1);
        view.book = account->book;
        view.currency = account->currency;
        view.created_ns = account->created_ns;
    }
    if (view.payment != 0) {
        view.merchant = ps_payment_at(core, view.payment)->body.merchant;
    }
    return view;
}

static bool name_is(const ps_core *core, uint32_t party, ps_slice name)
{
    return party != 0 && ps_slice_equal(ps_party_name(core, party), name);
}

static bool is_wanted(const ps_core *core, const ps_query *q, uint32_t number)
{
    object_view v = view_of(core, q->kind, number);
    bool payer_fits =
        q->payer.size == 0 ||
        (v.payment != 0 && name_is(core, ps_payment_at(core, v.payment)->body.payer, q->payer));
    bool payment_fits = q->payment.size == 0 ||
                        (v.payment != 0 && ps_payment_find(core, q->book, q->payment) == v.payment);
    return v.book == q->book && (q->status == 0 || v.status == q->status) &&
           (!q->has_currency || v.currency == q->currency) &&
           (!q->has_amount_gte || v.amount >= q->amount_gte) &&
           (!q->has_amount_lt || v.amount < q->amount_lt) && v.created_ns >= q->created_gte_ns &&
           (q->created_lt_ns == 0 || v.created_ns < q->created_lt_ns) &&
           (q->merchant.size == 0 || name_is(core, v.merchant, q->merchant)) && payer_fits &&
           payment_fits;
}

/* ── walks ── */

static const struct {
    ps_query_kind kind;
    size_t size;
    uint8_t statuses;
    bool has_payment, has_amount, has_merchant;
} lists[] = {
    {PS_QUERY_PAYMENTS, sizeof(ps_effect_payment), PS_STATUS_COUNT, true, true, true},
    {PS_QUERY_REFUNDS, sizeof(ps_effect_refund), 5, true, true, true},
    {PS_QUERY_DISPUTES, sizeof(ps_effect_dispute), 4, true, true, true},
    {PS_QUERY_TRADES, sizeof(ps_trade_view), 4, true, true, true},
    {PS_QUERY_ACCOUNTS, sizeof(ps_account_view), 0, false, false, false},
    {PS_QUERY_TRANSFERS, sizeof(ps_effect_transfer), 4, false, true, false},
    {PS_QUERY_SETTLEMENTS, sizeof(ps_effect_settlement), 6, false, true, true},
};
enum { LIST_COUNT = sizeof lists / sizeof lists[0] };

static uint32_t number_at(ps_query_kind kind, const char *at)
{
    switch (kind) {
    case PS_QUERY_TRADES:
        return (uint32_t)((const ps_trade_view *)(const void *)at)->trade;
    case PS_QUERY_ACCOUNTS:
        return ((const ps_account_view *)(const void *)at)->number + 1;
    case PS_QUERY_TRANSFER:
    case PS_QUERY_TRANSFERS:
        return (uint32_t)((const ps_effect_transfer *)(const void *)at)->transfer;
    default:
        return ((const ps_effect_payment *)(const void *)at)->payment; /* at byte 8 in each */
    }
}

/* Random filters that this kind has. `payment_text` lends the payment's id. */
static ps_query random_query(const ps_fixture *f, size_t list, uint32_t *random,
                             char payment_text[PS_ID_TEXT_MAX])
{
    ps_query q = {.kind = lists[list].kind, .book = next_random(random) % 2 == 0 ? 1 : 3};
    uint32_t filters = next_random(random);
    int64_t span = f->now_ns - ps_payment_at(f->core, 1)->body.created_ns;
    if ((filters & 1) != 0 && lists[list].statuses != 0 && next_random(random) % 3 == 0) {
        q.status = (uint8_t)(1 + next_random(random) % lists[list].statuses);
    }
    if ((filters & 2) != 0) {
        q.has_currency = true;
        q.currency = fixture_currency(currencies[next_random(random) % 3]);
    }
    if ((filters & 4) != 0 && lists[list].has_merchant) {
        q.merchant = ps_slice_text(merchants[next_random(random) % 3]);
    }
    if ((filters & 8) != 0 && lists[list].has_payment) {
        q.payer = ps_slice_text(payers[next_random(random) % 4]);
    }
    if ((filters & 16) != 0 && lists[list].has_payment && next_random(random) % 3 == 0) {
        uint32_t payment = 1 + next_random(random) % ps_payment_count(f->core);
        size_t size = ps_id_format(f->core->instance, PS_ID_PAYMENT, payment,
                                   ps_payment_at(f->core, payment)->body.created_ns, payment_text);
        q.payment = ps_slice_of(payment_text, size);
    }
    if ((filters & 32) != 0) {
        q.created_gte_ns = f->now_ns - span + (int64_t)(next_random(random) % 100) * span / 100;
    }
    if ((filters & 64) != 0) {
        q.created_lt_ns = f->now_ns - span + (int64_t)(next_random(random) % 100) * span / 100;
    }
    if ((filters & 128) != 0 && lists[list].has_amount) {
        q.has_amount_gte = true;
        q.amount_gte = next_random(random) % 40;
        q.has_amount_lt = (filters & 256) != 0;
        q.amount_lt = q.amount_gte + 15;
    }
    return q;
}

/* Walks to the end in random steps, while payments go on being made, and expects the naive list of
 * the beginning. */
static void walk(ps_fixture *f, ps_query q, size_t size, uint32_t *random, answer *a)
{
    uint32_t expected = count_of(f->core, q.kind);
    int rounds = 0;
    do {
        q.limit = 1 + next_random(random) % 7;
        q.scan_max = next_random(random) % 3 == 0 ? 1 + next_random(random) % 20 : 0;
        ask(f, &q, a);
        assert_true(a->result.count <= q.limit);
        assert_int_equal(a->out.size, a->result.count * size);
        for (uint32_t i = 0; i < a->result.count; i++) {
            while (expected != 0 && !is_wanted(f->core, &q, expected)) {
                expected--;
            }
            assert_int_equal(number_at(q.kind, a->out.data + i * size), expected);
            expected--;
        }
        /* a payment moves the sums of an open batch, which its amount filter looks at */
        bool may_grow = q.kind != PS_QUERY_SETTLEMENTS;
        if (may_grow && a->result.next != 0 && next_random(random) % 50 == 0) {
            f->book = q.book;
            payment_add(f, random);
        }
        q.before = a->result.next;
        assert_true(++rounds < 100000);
    } while (q.before != 0);
    while (expected != 0 && !is_wanted(f->core, &q, expected)) {
        expected--;
    }
    assert_int_equal(expected, 0);
}

static void pages_over_any_filters_show_each_object_exactly_once(void **state)
{
    (void)state;
    ps_fixture *f = world_new(1200);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    uint32_t random = 7;
    for (int i = 0; i < 1400; i++) {
        char payment_text[PS_ID_TEXT_MAX];
        size_t list = (size_t)i % LIST_COUNT;
        ps_query q = random_query(f, list, &random, payment_text);
        walk(f, q, lists[list].size, &random, &a);
    }
    ps_buf_release(&a.out);
    fixture_free(f);
}

static void the_end_of_a_list_is_known_with_its_last_page(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    uint32_t random = 1;
    ps_query q = {.kind = PS_QUERY_PAYMENTS, .book = 1, .limit = 3};
    for (uint32_t i = 0; i < 7; i++) {
        ask(f, &q, &a);
        assert_int_equal(a.result.count, i < 3 ? i : 3);
        assert_int_equal(a.result.next != 0, i > 3);
        f->book = 2; /* one that is not shown, also below the last */
        payment_add(f, &random);
        f->book = 1;
        payment_add(f, &random);
    }
    ps_buf_release(&a.out);
    fixture_free(f);
}

static void a_place_that_is_not_in_the_chain_is_found_all_the_same(void **state)
{
    (void)state;
    ps_fixture *f = world_new(300);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    uint32_t count = ps_payment_count(f->core);
    for (uint32_t before = 1; before <= count + 2; before++) {
        ps_query q = {.kind = PS_QUERY_PAYMENTS,
                      .book = 1,
                      .limit = 1,
                      .merchant = PS_SLICE("kiosk"),
                      .before = before};
        ask(f, &q, &a);
        uint32_t expected = before - 1 < count ? before - 1 : count;
        while (expected != 0 && !is_wanted(f->core, &q, expected)) {
            expected--;
        }
        assert_int_equal(a.result.count, expected != 0 ? 1 : 0);
        if (expected != 0) {
            assert_int_equal(number_at(q.kind, a.out.data), expected);
        }
    }
    ps_buf_release(&a.out);
    fixture_free(f);
}

static void a_reference_finds_its_payment(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    uint32_t random = 3;
    for (int i = 0; i < 50; i++) {
        payment_add(f, &random);
    }
    fixture_create(f, (ps_payment_request){.amount = 5,
                                           .merchant = PS_SLICE("bar"),
                                           .instrument = PS_INSTRUMENT_CARD,
                                           .reference = PS_SLICE("order-1"),
                                           .confirm = true});
    uint32_t number = ps_payment_count(f->core);
    for (int i = 0; i < 50; i++) {
        payment_add(f, &random);
    }
    for (int with_merchant = 0; with_merchant < 2; with_merchant++) {
        ps_query q = {.kind = PS_QUERY_PAYMENTS,
                      .book = 1,
                      .limit = 10,
                      .merchant = with_merchant != 0 ? PS_SLICE("bar") : PS_SLICE(""),
                      .reference = PS_SLICE("order-1")};
        ask(f, &q, &a);
        assert_int_equal(a.result.count, 1);
        assert_int_equal(number_at(q.kind, a.out.data), number);
        q.reference = PS_SLICE("order-2");
        ask(f, &q, &a);
        assert_int_equal(a.result.count, 0);
        q.reference = PS_SLICE("order-1");
        q.book = 2;
        ask(f, &q, &a);
        assert_int_equal(a.result.count, 0);
    }
    ps_buf_release(&a.out);
    fixture_free(f);
}

/* ── single objects ── */

static void an_object_is_found_by_its_id_in_its_own_book_only(void **state)
{
    (void)state;
    ps_fixture *f = world_new(600);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    static const struct {
        ps_query_kind single, list;
        ps_id_kind id;
    } kinds[] = {{PS_QUERY_PAYMENT, PS_QUERY_PAYMENTS, PS_ID_PAYMENT},
                 {PS_QUERY_REFUND, PS_QUERY_REFUNDS, PS_ID_REFUND},
                 {PS_QUERY_DISPUTE, PS_QUERY_DISPUTES, PS_ID_DISPUTE},
                 {PS_QUERY_TRANSFER, PS_QUERY_TRANSFERS, PS_ID_TRANSFER},
                 {PS_QUERY_SETTLEMENT, PS_QUERY_SETTLEMENTS, PS_ID_SETTLEMENT}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        uint32_t count = count_of(f->core, kinds[k].list);
        assert_true(count > 3);
        for (uint32_t number = 1; number <= count; number++) {
            object_view v = view_of(f->core, kinds[k].list, number);
            char text[PS_ID_TEXT_MAX];
            size_t size = ps_id_format(f->core->instance, kinds[k].id, number, v.created_ns, text);
            for (uint32_t book = 1; book <= 4; book++) {
                ps_query q = {
                    .kind = kinds[k].single, .book = book, .target = ps_slice_of(text, size)};
                ask(f, &q, &a);
                assert_int_equal(a.result.found, book == v.book);
                assert_int_equal(a.result.count, book == v.book ? 1 : 0);
                if (book == v.book) {
                    assert_int_equal(number_at(kinds[k].single, a.out.data), number);
                }
            }
            /* the same number, created at another time: not an id of ours */
            size = ps_id_format(f->core->instance, kinds[k].id, number, v.created_ns + 1, text);
            ps_query q = {
                .kind = kinds[k].single, .book = v.book, .target = ps_slice_of(text, size)};
            ask(f, &q, &a);
            assert_false(a.result.found);
        }
    }
    ps_buf_release(&a.out);
    fixture_free(f);
}

static void a_payment_shows_the_newest_record_that_touched_it(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    fixture_card(f, "tok_ok", 100, true);
    fixture_capture(f, 40, false);
    ps_query q = {.kind = PS_QUERY_PAYMENT, .book = 1, .target = f->id};
    ask(f, &q, &a);
    assert_int_equal(((const ps_effect_payment *)(const void *)a.out.data)->prev_seq, f->seq);
    assert_int_equal(a.result.observed_seq, f->seq);
    assert_int_equal(a.result.book_sequence, ps_book_at(f->core, 1)->sequence);
    ps_buf_release(&a.out);
    fixture_free(f);
}

static void an_account_shows_its_totals_in_its_own_book(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    fixture_fund(f, "alice", "EUR", 500);
    ps_query q = {.kind = PS_QUERY_ACCOUNT,
                  .book = 1,
                  .target = PS_SLICE("payer:alice"),
                  .currency = fixture_currency("EUR")};
    ask(f, &q, &a);
    assert_true(a.result.found);
    const ps_account_view *view = (const void *)a.out.data;
    assert_true(ps_slice_equal(ps_slice_of(view->name, view->name_size), q.target));
    assert_int_equal((int64_t)view->account.totals.credits_posted, 500);
    assert_int_equal(a.result.seq, f->seq);
    q.book = 2;
    ask(f, &q, &a);
    assert_false(a.result.found);
    q.book = 1;
    q.currency = fixture_currency("USD");
    ask(f, &q, &a);
    assert_false(a.result.found);
    ps_buf_release(&a.out);
    fixture_free(f);
}

/* ── positions: compared with a log of every record's events ── */

enum { LOG_MAX = 4000 };
typedef struct {
    uint64_t seq[LOG_MAX];    /* record of event `sequence` of book 1 */
    int64_t balance[LOG_MAX]; /* of payer:alice after it */
    uint64_t count;
} event_log;

static void log_take(const ps_fixture *f, event_log *log)
{
    while (log->count < ps_book_at(f->core, 1)->sequence) {
        assert_true(log->count + 1 < LOG_MAX);
        log->count++;
        log->seq[log->count] = f->seq;
        log->balance[log->count] = fixture_balance(f, "payer:alice", "EUR");
    }
}

static event_log *log_make(ps_fixture *f)
{
    event_log *log = calloc(1, sizeof *log);
    assert_non_null(log);
    f->skip_verify = true;
    fixture_fund(f, "alice", "EUR", 100000);
    log_take(f, log);
    for (int i = 0; i < 900; i++) {
        f->book = i % 5 == 0 ? 2 : 1;
        fixture_create(f, (ps_payment_request){.amount = 1 + i % 9, .confirm = true});
        log_take(f, log);
    }
    f->book = 1;
    assert_true(log->count > 3 * PS_EVENT_MARK_EVERY);
    return log;
}

static void reading_events_starts_at_or_little_before_the_next_one(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    event_log *log = log_make(f);
    for (uint64_t after = 0; after < log->count + 3; after++) {
        ps_query q = {.kind = PS_QUERY_EVENTS, .book = 1, .limit = 10, .after = after};
        ask(f, &q, &a);
        assert_int_equal(a.result.found, after < log->count);
        if (after < log->count) {
            assert_true(a.result.seq <= log->seq[after + 1]);
            uint64_t floor = after < PS_EVENT_MARK_EVERY ? 1 : after - PS_EVENT_MARK_EVERY;
            assert_true(after < PS_EVENT_MARK_EVERY || a.result.seq >= log->seq[floor]);
        }
    }
    ps_query foreign = {.kind = PS_QUERY_EVENTS, .book = 9, .limit = 10};
    ask(f, &foreign, &a);
    assert_false(a.result.found);
    free(log);
    ps_buf_release(&a.out);
    fixture_free(f);
}

static void a_past_balance_starts_at_a_state_that_is_not_before_it(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    event_log *log = log_make(f);
    uint64_t near = 0;
    for (uint64_t at = 1; at <= log->count; at += 7) {
        ps_query q = {.kind = PS_QUERY_ACCOUNT,
                      .book = 1,
                      .target = PS_SLICE("payer:alice"),
                      .currency = fixture_currency("EUR"),
                      .at_sequence = at};
        ask(f, &q, &a);
        assert_true(a.result.found);
        const ps_account_view *view = (const void *)a.out.data;
        int64_t balance = (int64_t)ps_account_balance(PS_ACCOUNT_LIABILITY, &view->account.totals);
        /* payer:alice only falls: a later state has less */
        assert_true(balance <= log->balance[at]);
        assert_true(a.result.seq >= log->seq[at] || balance == log->balance[at]);
        near += a.result.seq < f->seq ? 1 : 0;
    }
    assert_true(near > 10); /* not always from the present */
    free(log);
    ps_buf_release(&a.out);
    fixture_free(f);
}

static void the_trial_balance_is_the_books_own(void **state)
{
    (void)state;
    ps_fixture *f = world_new(300);
    answer a;
    ps_buf_init(&a.out, 1 << 20);
    uint32_t accounts = 0;
    for (uint32_t book = 1; book <= 4; book++) {
        ps_query q = {.kind = PS_QUERY_TRIAL_BALANCE, .book = book};
        ask(f, &q, &a);
        assert_int_equal(a.out.size, a.result.count * sizeof(ps_trial_balance));
        const ps_trial_balance *rows = (const void *)a.out.data;
        for (uint32_t i = 0; i < a.result.count; i++) {
            assert_int_equal(rows[i].book, book);
            assert_true(rows[i].totals.debits_posted == rows[i].totals.credits_posted);
            accounts += rows[i].account_count;
        }
    }
    assert_int_equal(accounts, ps_ledger_account_count(&f->core->ledger));
    ps_buf_release(&a.out);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_over_any_filters_show_each_object_exactly_once),
        cmocka_unit_test(the_end_of_a_list_is_known_with_its_last_page),
        cmocka_unit_test(a_place_that_is_not_in_the_chain_is_found_all_the_same),
        cmocka_unit_test(a_reference_finds_its_payment),
        cmocka_unit_test(an_object_is_found_by_its_id_in_its_own_book_only),
        cmocka_unit_test(a_payment_shows_the_newest_record_that_touched_it),
        cmocka_unit_test(an_account_shows_its_totals_in_its_own_book),
        cmocka_unit_test(reading_events_starts_at_or_little_before_the_next_one),
        cmocka_unit_test(a_past_balance_starts_at_a_state_that_is_not_before_it),
        cmocka_unit_test(the_trial_balance_is_the_books_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
