#include "core_fixture.h"

static ps_refusal account_open(ps_fixture *f, const char *name, uint8_t type, uint8_t flags)
{
    ps_command command = {.kind = PS_CMD_ACCOUNT_OPEN,
                          .currency = fixture_currency("EUR"),
                          .u.account = {.name = ps_slice_text(name), .type = type, .flags = flags}};
    return fixture_run(f, &command);
}

static ps_refusal account_do(ps_fixture *f, ps_command_kind kind, const char *name)
{
    ps_command command = {
        .kind = kind, .currency = fixture_currency("EUR"), .target = ps_slice_text(name)};
    return fixture_run(f, &command);
}

static ps_refusal move(ps_fixture *f, const char *debit, const char *credit, int64_t amount)
{
    ps_command command = {
        .kind = PS_CMD_TRANSFER_CREATE,
        .currency = fixture_currency("EUR"),
        .amount = amount,
        .u.transfer = {.debit = ps_slice_text(debit), .credit = ps_slice_text(credit)}};
    return fixture_run(f, &command);
}

static const ps_account *account_of(const ps_fixture *f, const char *name)
{
    uint32_t account = ps_ledger_account_find(&f->core->ledger, f->book, ps_slice_text(name),
                                              fixture_currency("EUR"));
    assert_int_not_equal(account, PS_INDEX_NONE);
    return ps_ledger_account(&f->core->ledger, account);
}

static void a_payer_account_never_overdraws_whatever_was_asked(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(account_open(f, "payer:bob", PS_ACCOUNT_ASSET, PS_ACCOUNT_HISTORY),
                   PS_REFUSED_NONE);
    const ps_account *account = account_of(f, "payer:bob");
    assert_int_equal(account->type, PS_ACCOUNT_LIABILITY);
    assert_int_equal(account->flags, PS_ACCOUNT_DEBITS_CAPPED | PS_ACCOUNT_HISTORY);
    account_open(f, "cash", PS_ACCOUNT_ASSET, 0);
    assert_refused(move(f, "payer:bob", "cash", 1), PS_REFUSED_INSUFFICIENT_FUNDS);
    assert_int_equal(f->http_status, 402);
    fixture_free(f);
}

static void an_account_opens_once_per_name_and_currency(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(account_open(f, "cash", PS_ACCOUNT_ASSET, 0), PS_REFUSED_NONE);
    assert_int_equal(f->http_status, 201);
    assert_refused(account_open(f, "cash", PS_ACCOUNT_EQUITY, 0), PS_REFUSED_ALREADY_EXISTS);
    ps_command command = {.kind = PS_CMD_ACCOUNT_OPEN,
                          .currency = fixture_currency("USD"),
                          .u.account = {.name = PS_SLICE("cash"), .type = PS_ACCOUNT_ASSET}};
    assert_refused(fixture_run(f, &command), PS_REFUSED_NONE);
    f->book = 2;
    assert_refused(account_open(f, "cash", PS_ACCOUNT_ASSET, 0), PS_REFUSED_NONE);
    fixture_free(f);
}

static void other_accounts_of_payments_open_for_an_admin_only(void **state)
{
    (void)state;
    static const char *const names[] = {"world", "bank:main", "merchant:x:pending",
                                        "scheme_receivable:card", "dispute_hold"};
    ps_fixture *f = fixture_new(NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        f->scopes = PS_SCOPE_LEDGER_WRITE;
        assert_refused(account_open(f, names[i], PS_ACCOUNT_EQUITY, 0), PS_REFUSED_SCOPE);
        f->scopes = PS_SCOPE_ADMIN;
        assert_refused(account_open(f, names[i], PS_ACCOUNT_EQUITY, 0), PS_REFUSED_NONE);
    }
    f->scopes = PS_SCOPE_LEDGER_WRITE;
    assert_refused(account_open(f, "payer:bob", PS_ACCOUNT_LIABILITY, 0), PS_REFUSED_NONE);
    assert_refused(account_open(f, "savings", PS_ACCOUNT_LIABILITY, 0), PS_REFUSED_NONE);
    fixture_free(f);
}

static void a_frozen_account_moves_nothing_until_it_is_unfrozen(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "bob", "EUR", 100);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_FREEZE, "payer:bob"), PS_REFUSED_NONE);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_FREEZE, "payer:bob"), PS_REFUSED_NONE);
    assert_refused(move(f, "payer:bob", "world", 1), PS_REFUSED_ACCOUNT_FROZEN);
    assert_refused(move(f, "world", "payer:bob", 1), PS_REFUSED_ACCOUNT_FROZEN);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_UNFREEZE, "payer:bob"), PS_REFUSED_NONE);
    assert_refused(move(f, "payer:bob", "world", 1), PS_REFUSED_NONE);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_FREEZE, "payer:nobody"), PS_REFUSED_NOT_FOUND);
    fixture_free(f);
}

static void only_an_empty_account_closes_and_it_stays_closed(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "bob", "EUR", 100);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_CLOSE, "payer:bob"), PS_REFUSED_ACCOUNT_NOT_EMPTY);
    assert_refused(move(f, "payer:bob", "world", 100), PS_REFUSED_NONE);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_CLOSE, "payer:bob"), PS_REFUSED_NONE);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_CLOSE, "payer:bob"), PS_REFUSED_ACCOUNT_CLOSED);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_FREEZE, "payer:bob"), PS_REFUSED_ACCOUNT_CLOSED);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_UNFREEZE, "payer:bob"), PS_REFUSED_ACCOUNT_CLOSED);
    assert_refused(move(f, "world", "payer:bob", 1), PS_REFUSED_ACCOUNT_CLOSED);
    assert_refused(account_open(f, "payer:bob", PS_ACCOUNT_LIABILITY, 0),
                   PS_REFUSED_ALREADY_EXISTS);
    fixture_free(f);
}

static void the_record_of_a_freeze_carries_the_account_as_it_is_then(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "bob", "EUR", 100);
    for (int again = 0; again < 2; again++) {
        assert_refused(account_do(f, PS_CMD_ACCOUNT_FREEZE, "payer:bob"), PS_REFUSED_NONE);
        ps_slice payload = ps_slice_of(f->payload, f->result.payload_size);
        const ps_effect_head *effect = ps_effect_first(payload);
        assert_int_equal(effect->type, PS_EFFECT_ACCOUNT_FLAGS);
        const ps_effect_texts *texts = ps_effect_texts_of(payload, effect);
        assert_non_null(texts);
        ps_slice data = ps_texts_get(texts, PS_TEXT_DATA);
        assert_int_equal(data.size, sizeof(ps_account));
        assert_memory_equal(data.data, account_of(f, "payer:bob"), sizeof(ps_account));
        assert_true(ps_slice_equal(ps_texts_get(texts, PS_TEXT_NAME), PS_SLICE("payer:bob")));
    }
    fixture_free(f);
}

static void an_account_with_something_pending_does_not_close(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    account_open(f, "a", PS_ACCOUNT_ASSET, 0);
    account_open(f, "b", PS_ACCOUNT_ASSET, 0);
    ps_command command = {
        .kind = PS_CMD_TRANSFER_CREATE,
        .currency = fixture_currency("EUR"),
        .amount = 5,
        .u.transfer = {.debit = PS_SLICE("a"), .credit = PS_SLICE("b"), .pending = true}};
    assert_refused(fixture_run(f, &command), PS_REFUSED_NONE);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_CLOSE, "a"), PS_REFUSED_ACCOUNT_NOT_EMPTY);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_CLOSE, "b"), PS_REFUSED_ACCOUNT_NOT_EMPTY);
    ps_command release = {.kind = PS_CMD_TRANSFER_VOID, .target = f->child};
    assert_refused(fixture_run(f, &release), PS_REFUSED_NONE);
    assert_refused(account_do(f, PS_CMD_ACCOUNT_CLOSE, "a"), PS_REFUSED_NONE);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payer_account_never_overdraws_whatever_was_asked),
        cmocka_unit_test(an_account_opens_once_per_name_and_currency),
        cmocka_unit_test(other_accounts_of_payments_open_for_an_admin_only),
        cmocka_unit_test(a_frozen_account_moves_nothing_until_it_is_unfrozen),
        cmocka_unit_test(only_an_empty_account_closes_and_it_stays_closed),
        cmocka_unit_test(the_record_of_a_freeze_carries_the_account_as_it_is_then),
        cmocka_unit_test(an_account_with_something_pending_does_not_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
