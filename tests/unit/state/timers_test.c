#include "state/state_fixture.h"

static void timers_come_by_time_then_by_arrival(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 28};
    ps_store *store = fixture_store(&budget);
    ps_timers *timers;
    assert_int_equal(ps_timers_new(store, "t", &timers, &err), PS_OK);
    assert_int_equal(ps_timers_earliest(timers), INT64_MAX);
    uint64_t random = 9;
    uint64_t added = 0;
    int64_t reached = -100;
    for (int round = 0; round < 300; round++) {
        for (uint64_t n = test_draw(&random, 40); n > 0; n--) {
            int64_t time = reached + 1 + (int64_t)test_draw(&random, 30);
            assert_int_equal(ps_timers_add(timers, time, added++, &err), PS_OK);
        }
        int64_t until = reached + (int64_t)test_draw(&random, 12);
        int64_t time;
        int64_t before = INT64_MIN;
        uint64_t payload;
        uint64_t payload_before = 0;
        while (ps_timers_take(timers, until, &time, &payload)) {
            assert_true(time > reached && time <= until && time >= before);
            assert_true(time > before || payload > payload_before);
            before = time;
            payload_before = payload;
        }
        assert_true(ps_timers_earliest(timers) > until);
        reached = until > reached ? until : reached;
    }
    uint64_t left = ps_timers_count(timers);
    int64_t time;
    uint64_t payload;
    while (ps_timers_take(timers, INT64_MAX, &time, &payload)) {
        left--;
    }
    assert_int_equal(left, 0);
    ps_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(timers_come_by_time_then_by_arrival)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
