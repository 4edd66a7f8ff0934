#include "core_fixture.h"

static const int64_t hour_ns = 3600 * PS_NS_PER_S;

static ps_refusal pay_with_key(ps_fixture *f, uint64_t key, uint64_t fingerprint, const char *token)
{
    f->idempotency = key;
    f->fingerprint = fingerprint;
    return fixture_card(f, token, 100, true);
}

static void a_repeated_key_leads_to_the_first_record(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(pay_with_key(f, 1, 10, "tok_ok"), PS_REFUSED_NONE);
    uint64_t first = f->seq;
    assert_refused(pay_with_key(f, 2, 10, "tok_ok"), PS_REFUSED_NONE);
    (void)pay_with_key(f, 1, 10, "tok_ok");
    assert_int_equal(f->result.kind, PS_RESULT_REPLAY);
    assert_int_equal(f->result.replay_seq, first);
    assert_int_equal(ps_payment_count(f->core), 2);
    fixture_free(f);
}

static void the_same_key_with_another_body_is_refused(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(pay_with_key(f, 1, 10, "tok_ok"), PS_REFUSED_NONE);
    assert_refused(pay_with_key(f, 1, 11, "tok_ok"), PS_REFUSED_IDEMPOTENCY_MISMATCH);
    assert_int_equal(f->result.kind, PS_RESULT_REFUSED);
    assert_int_equal(ps_payment_count(f->core), 1);
    fixture_free(f);
}

static void declines_and_conflicts_are_remembered_too(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(pay_with_key(f, 1, 10, "tok_stolen_card"), PS_REFUSED_DECLINED);
    uint64_t declined = f->seq;
    (void)pay_with_key(f, 1, 10, "tok_stolen_card");
    assert_int_equal(f->result.kind, PS_RESULT_REPLAY);
    assert_int_equal(f->result.replay_seq, declined);

    assert_refused(pay_with_key(f, 2, 10, "tok_failed"), PS_REFUSED_NONE);
    f->idempotency = 3;
    assert_refused(fixture_capture(f, 0, true), PS_REFUSED_STATE_CONFLICT);
    uint64_t conflict = f->seq;
    f->idempotency = 3;
    (void)fixture_capture(f, 0, true);
    assert_int_equal(f->result.kind, PS_RESULT_REPLAY);
    assert_int_equal(f->result.replay_seq, conflict);
    fixture_free(f);
}

static void what_was_not_decided_is_not_remembered(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    f->id = PS_SLICE("pay_late");
    f->idempotency = 7;
    assert_refused(fixture_capture(f, 0, true), PS_REFUSED_NOT_FOUND);
    f->scopes = PS_SCOPE_READ;
    assert_refused(pay_with_key(f, 8, 1, "tok_ok"), PS_REFUSED_SCOPE);
    f->scopes = PS_SCOPE_ADMIN;
    assert_refused(pay_with_key(f, 8, 1, "tok_ok"), PS_REFUSED_NONE);
    assert_int_equal(ps_core_head_at(f->core)->idempotency_count, 1);
    fixture_free(f);
}

static void a_key_is_kept_for_a_day_and_not_much_longer(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(pay_with_key(f, 1, 10, "tok_ok"), PS_REFUSED_NONE);
    fixture_advance(f, 24 * hour_ns);
    (void)pay_with_key(f, 1, 10, "tok_ok");
    assert_int_equal(f->result.kind, PS_RESULT_REPLAY);
    fixture_advance(f, 3 * PS_NS_PER_S);
    assert_refused(pay_with_key(f, 1, 99, "tok_ok"), PS_REFUSED_NONE);
    assert_int_equal(f->result.kind, PS_RESULT_RECORD);
    assert_int_equal(ps_payment_count(f->core), 2);
    assert_int_equal(ps_core_head_at(f->core)->idempotency_count, 1);
    fixture_free(f);
}

static void a_full_memory_refuses_until_the_oldest_has_aged(void **state)
{
    (void)state;
    ps_core_options options;
    fixture_options_small(&options);
    options.keys_max = 5;
    ps_fixture *f = fixture_new_with(NULL, &options);
    for (uint64_t key = 1; key <= 5; key++) {
        assert_refused(pay_with_key(f, key, 1, "tok_ok"), PS_REFUSED_NONE);
    }
    assert_refused(pay_with_key(f, 6, 1, "tok_ok"), PS_REFUSED_TABLE_FULL);
    (void)pay_with_key(f, 5, 1, "tok_ok");
    assert_int_equal(f->result.kind, PS_RESULT_REPLAY);
    /* requests without a key still go */
    assert_refused(fixture_card(f, "tok_ok", 1, true), PS_REFUSED_NONE);
    fixture_advance(f, 25 * hour_ns);
    for (uint64_t key = 6; key <= 10; key++) {
        assert_refused(pay_with_key(f, key, 1, "tok_ok"), PS_REFUSED_NONE);
    }
    /* places are used again: the table has not grown */
    assert_int_equal(ps_idempotency_count(f->core), 5);
    fixture_free(f);
}

static void many_keys_are_evicted_a_few_at_a_time(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    f->skip_verify = true;
    for (uint64_t key = 1; key <= 100; key++) {
        assert_refused(pay_with_key(f, key, 1, "tok_ok"), PS_REFUSED_NONE);
    }
    fixture_advance(f, 25 * hour_ns);
    assert_refused(pay_with_key(f, 50, 2, "tok_ok"), PS_REFUSED_NONE);
    assert_int_equal(ps_core_head_at(f->core)->idempotency_count, 100 - 8 + 1);
    for (uint64_t key = 200; key < 230; key++) {
        assert_refused(pay_with_key(f, key, 1, "tok_ok"), PS_REFUSED_NONE);
    }
    assert_int_equal(ps_core_head_at(f->core)->idempotency_count, 31);
    /* the newer entry of a key that was there before is the one that counts */
    assert_refused(pay_with_key(f, 50, 1, "tok_ok"), PS_REFUSED_IDEMPOTENCY_MISMATCH);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeated_key_leads_to_the_first_record),
        cmocka_unit_test(the_same_key_with_another_body_is_refused),
        cmocka_unit_test(declines_and_conflicts_are_remembered_too),
        cmocka_unit_test(what_was_not_decided_is_not_remembered),
        cmocka_unit_test(a_key_is_kept_for_a_day_and_not_much_longer),
        cmocka_unit_test(a_full_memory_refuses_until_the_oldest_has_aged),
        cmocka_unit_test(many_keys_are_evicted_a_few_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
