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

enum { MODEL_MAX = 4000 };

/* What is in the timers, in order of arrival. */
typedef struct {
    int64_t times[MODEL_MAX];
    uint64_t payloads[MODEL_MAX];
    uint32_t count;
} model;

/* The earliest, of those the first that came; count: there is none. */
static uint32_t model_first(const model *of)
{
    uint32_t first = of->count;
    for (uint32_t i = 0; i < of->count; i++) {
        first = first == of->count || of->times[i] < of->times[first] ? i : first;
    }
    return first;
}

static void model_remove(model *of, uint32_t at)
{
    of->count--;
    memmove(of->times + at, of->times + at + 1, (of->count - at) * sizeof *of->times);
    memmove(of->payloads + at, of->payloads + at + 1, (of->count - at) * sizeof *of->payloads);
}

/* Near and far, before and after `now`, and the ends of what there is. */
static int64_t draw_time(uint64_t *random, int64_t now)
{
    int64_t distance = (int64_t)test_draw(random, UINT64_C(1) << (1 + test_draw(random, 44)));
    switch (test_draw(random, 16)) {
    case 0:
        return INT64_MIN + distance;
    case 1:
        return INT64_MAX - distance;
    case 2:
    case 3:
        return now - distance;
    default:
        return now + distance;
    }
}

static void timers_are_a_queue_for_any_times(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 28};
    ps_store *store = fixture_store(&budget);
    ps_timers *timers;
    assert_int_equal(ps_timers_new(store, "t", &timers, &err), PS_OK);
    static model wanted;
    uint64_t random = 4;
    uint64_t added = 0;
    int64_t now = 0;
    for (int step = 0; step < 60000; step++) {
        bool is_filling = step / 3000 % 2 == 0;
        if (wanted.count < MODEL_MAX && test_draw(&random, 10) < (is_filling ? 6 : 4)) {
            int64_t time = draw_time(&random, now);
            assert_int_equal(ps_timers_add(timers, time, added, &err), PS_OK);
            wanted.times[wanted.count] = time;
            wanted.payloads[wanted.count++] = added++;
        } else {
            uint32_t first = model_first(&wanted);
            int64_t until = now + (int64_t)test_draw(&random, UINT64_C(1) << 43);
            bool is_due = first < wanted.count && wanted.times[first] <= until;
            int64_t time;
            uint64_t payload;
            assert_int_equal(ps_timers_take(timers, until, &time, &payload), is_due);
            if (is_due) {
                assert_int_equal(time, wanted.times[first]);
                assert_int_equal(payload, wanted.payloads[first]);
                model_remove(&wanted, first);
                now = time > now && time < INT64_MAX / 2 ? time : now;
            }
        }
        uint32_t first = model_first(&wanted);
        assert_int_equal(ps_timers_count(timers), wanted.count);
        assert_int_equal(ps_timers_earliest(timers),
                         first < wanted.count ? wanted.times[first] : INT64_MAX);
    }
    ps_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_by_time_then_by_arrival),
        cmocka_unit_test(timers_are_a_queue_for_any_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
