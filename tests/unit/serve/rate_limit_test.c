#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"
#include "serve/rate_limit.h"

#define T0 (1000 * PS_NS_PER_S)

static ps_rate_limit *new_limit(size_t keys, uint32_t rate, uint32_t burst)
{
    ps_rate_limit *limit = NULL;
    ps_error err;
    ps_rate_limit_options options = {.key_count_max = keys, .rate_per_s = rate, .burst = burst};
    assert_int_equal(ps_rate_limit_new(&options, &limit, &err), PS_OK);
    return limit;
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    (void)state;
    ps_rate_limit *limit = new_limit(64, 10, 5);
    uint32_t retry = 0;
    for (int i = 0; i < 5; i++) {
        assert_true(ps_rate_limit_take(limit, 7, 1, T0, &retry));
    }
    assert_false(ps_rate_limit_take(limit, 7, 1, T0, &retry));
    assert_int_equal(retry, 100);
    assert_true(ps_rate_limit_take(limit, 8, 1, T0, &retry)); /* another key is not concerned */
    assert_false(ps_rate_limit_take(limit, 7, 1, T0 + 99 * PS_NS_PER_MS, &retry));
    assert_int_equal(retry, 1);
    assert_true(ps_rate_limit_take(limit, 7, 1, T0 + 100 * PS_NS_PER_MS, &retry));
    unsigned allowed = 0;
    for (int ms = 101; ms <= 10100; ms++) {
        allowed += ps_rate_limit_take(limit, 7, 1, T0 + ms * PS_NS_PER_MS, &retry) ? 1 : 0;
    }
    assert_int_equal(allowed, 100);
    ps_rate_limit_free(limit);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    (void)state;
    ps_rate_limit *limit = new_limit(64, 10, 5);
    uint32_t retry = 0;
    assert_true(ps_rate_limit_take(limit, 7, 1, T0, &retry));
    assert_true(ps_rate_limit_take(limit, 7, 3, T0, &retry));
    ps_rate_limit_give_back(limit, 7, 3);
    assert_int_equal(ps_rate_limit_look(limit, 7, T0).left, 4);
    assert_true(ps_rate_limit_take(limit, 8, 1000, T0, &retry)); /* counts as the burst */
    ps_rate_limit_give_back(limit, 8, 1000);
    assert_int_equal(ps_rate_limit_look(limit, 8, T0).left, 5);
    ps_rate_limit_free(limit);
}

static void a_look_tells_what_is_left_and_takes_nothing(void **state)
{
    (void)state;
    ps_rate_limit *limit = new_limit(64, 10, 5);
    uint32_t retry = 0;
    ps_rate_state fresh = ps_rate_limit_look(limit, 7, T0);
    assert_int_equal(fresh.burst, 5);
    assert_int_equal(fresh.left, 5);
    assert_int_equal(fresh.full_after_ms, 0);
    for (uint32_t taken = 1; taken <= 5; taken++) {
        assert_true(ps_rate_limit_take(limit, 7, 1, T0, &retry));
        for (int i = 0; i < 3; i++) {
            ps_rate_state now = ps_rate_limit_look(limit, 7, T0);
            assert_int_equal(now.left, 5 - taken);
            assert_int_equal(now.full_after_ms, 100 * taken);
        }
    }
    assert_int_equal(ps_rate_limit_look(limit, 7, T0 + 99 * PS_NS_PER_MS).left, 0);
    assert_int_equal(ps_rate_limit_look(limit, 7, T0 + 100 * PS_NS_PER_MS).left, 1);
    assert_int_equal(ps_rate_limit_look(limit, 7, T0 + PS_NS_PER_S).left, 5);
    assert_int_equal(ps_rate_limit_look(limit, 8, T0).left, 5);
    ps_rate_limit_free(limit);
}

static void a_dear_request_costs_more_and_never_waits_for_ever(void **state)
{
    (void)state;
    ps_rate_limit *limit = new_limit(64, 10, 5);
    uint32_t retry = 0;
    assert_true(ps_rate_limit_take(limit, 7, 4, T0, &retry));
    assert_false(ps_rate_limit_take(limit, 7, 2, T0, &retry));
    assert_int_equal(retry, 100);
    assert_true(ps_rate_limit_take(limit, 7, 1, T0, &retry)); /* the refusal took nothing */
    assert_false(ps_rate_limit_take(limit, 7, 1000, T0, &retry));
    assert_int_equal(retry, 500);
    assert_true(ps_rate_limit_take(limit, 7, 1000, T0 + 500 * PS_NS_PER_MS, &retry));
    ps_rate_limit_free(limit);
}

static void a_flood_of_other_keys_does_not_free_the_one_that_is_held_back(void **state)
{
    (void)state;
    ps_rate_limit *limit = new_limit(1024, 1, 10);
    uint32_t retry = 0;
    const uint64_t offender = 0x1234567890abcdefu;
    for (int i = 0; i < 10; i++) {
        assert_true(ps_rate_limit_take(limit, offender, 1, T0, &retry));
    }
    uint64_t key = 88172645463325252u;
    for (int i = 0; i < 1000000; i++) {
        key ^= key << 13;
        key ^= key >> 7;
        key ^= key << 17;
        (void)!ps_rate_limit_take(limit, key, 1, T0, &retry);
    }
    assert_false(ps_rate_limit_take(limit, offender, 1, T0, &retry));
    ps_rate_limit_free(limit);
}

static void thirty_bad_keys_a_minute_and_no_more(void **state)
{
    (void)state;
    ps_attempt_limit *limit = NULL;
    ps_error err;
    ps_attempt_limit_options options = {
        .key_count_max = 100, .attempts_max = 30, .window_ns = 60 * PS_NS_PER_S};
    assert_int_equal(ps_attempt_limit_new(&options, &limit, &err), PS_OK);
    uint32_t retry = 0;
    assert_false(ps_attempt_limit_is_reached(limit, 5, T0, &retry));
    for (int i = 0; i < 30; i++) {
        assert_true(ps_attempt_limit_add(limit, 5, T0 + i * PS_NS_PER_S, &retry));
    }
    assert_false(ps_attempt_limit_add(limit, 5, T0 + 30 * PS_NS_PER_S, &retry));
    assert_int_equal(retry, 30000);
    assert_true(ps_attempt_limit_is_reached(limit, 5, T0 + 59 * PS_NS_PER_S, &retry));
    assert_int_equal(retry, 1000);
    assert_true(ps_attempt_limit_add(limit, 6, T0, &retry));
    assert_false(ps_attempt_limit_is_reached(limit, 5, T0 + 60 * PS_NS_PER_S, &retry));
    assert_true(ps_attempt_limit_add(limit, 5, T0 + 60 * PS_NS_PER_S, &retry));
    for (uint64_t key = 100; key < 100000; key++) { /* 128 slots for them all */
        (void)!ps_attempt_limit_add(limit, key, T0 + 61 * PS_NS_PER_S, &retry);
    }
    ps_attempt_limit_free(limit);
}

static void impossible_limits_are_refused(void **state)
{
    (void)state;
    ps_error err;
    ps_rate_limit *limit = NULL;
    const ps_rate_limit_options bad[] = {{8, 0, 1}, {8, 1, 0}, {8, 1000001, 1}, {SIZE_MAX, 1, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ps_rate_limit_new(&bad[i], &limit, &err), PS_E_INVALID);
    }
    ps_attempt_limit *attempts = NULL;
    ps_attempt_limit_options none = {.key_count_max = 8, .attempts_max = 0, .window_ns = 1};
    assert_int_equal(ps_attempt_limit_new(&none, &attempts, &err), PS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(what_is_given_back_can_be_taken_again),
        cmocka_unit_test(a_look_tells_what_is_left_and_takes_nothing),
        cmocka_unit_test(a_dear_request_costs_more_and_never_waits_for_ever),
        cmocka_unit_test(a_flood_of_other_keys_does_not_free_the_one_that_is_held_back),
        cmocka_unit_test(thirty_bad_keys_a_minute_and_no_more),
        cmocka_unit_test(impossible_limits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
