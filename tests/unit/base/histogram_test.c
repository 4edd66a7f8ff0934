#include "testing.h"

#include "base/histogram.h"

static void small_values_are_exact(void **state)
{
    (void)state;
    static ps_histogram h;
    ps_histogram_clear(&h);
    assert_int_equal(ps_histogram_quantile(&h, 0.5), 0);
    for (uint64_t i = 1; i <= 100; i++) {
        ps_histogram_add(&h, i);
    }
    assert_int_equal(h.count, 100);
    assert_int_equal(h.sum_ns, 5050);
    assert_int_equal(h.max_ns, 100);
    assert_int_equal(ps_histogram_quantile(&h, 0), 1);
    assert_int_equal(ps_histogram_quantile(&h, 0.01), 1);
    assert_int_equal(ps_histogram_quantile(&h, 0.5), 50);
    assert_int_equal(ps_histogram_quantile(&h, 0.99), 99);
    assert_int_equal(ps_histogram_quantile(&h, 1), 100);
}

static void quantiles_are_within_one_part_in_64(void **state)
{
    (void)state;
    static ps_histogram h;
    uint64_t seed = 2;
    for (int i = 0; i < 100000; i++) {
        uint64_t value = test_next(&seed) >> (24 + test_draw(&seed, 40));
        if (value >= UINT64_C(127) << 33) {
            continue; /* the last bucket has no upper end */
        }
        ps_histogram_clear(&h);
        ps_histogram_add(&h, value);
        ps_histogram_add(&h, UINT64_C(1) << 41); /* so that max does not hide the bucket */
        uint64_t got = ps_histogram_quantile(&h, 0.5);
        assert_true(got >= value && got - value <= value / 64);
    }
}

static void values_beyond_the_range_are_counted_and_answered_as_the_maximum(void **state)
{
    (void)state;
    static ps_histogram h;
    ps_histogram_clear(&h);
    ps_histogram_add(&h, UINT64_C(1) << 40);
    ps_histogram_add(&h, UINT64_C(1) << 50);
    assert_int_equal(h.count, 2);
    assert_true(ps_histogram_quantile(&h, 1) == UINT64_C(1) << 50);
    assert_int_equal(h.buckets[PS_HISTOGRAM_BUCKETS - 1], 2);
}

static void merging_equals_adding_to_one(void **state)
{
    (void)state;
    static ps_histogram parts[2];
    static ps_histogram whole;
    ps_histogram_clear(&parts[0]);
    ps_histogram_clear(&parts[1]);
    ps_histogram_clear(&whole);
    uint64_t seed = 9;
    for (int i = 0; i < 10000; i++) {
        uint64_t value = test_draw(&seed, 1000000);
        uint64_t count = test_draw(&seed, 4);
        ps_histogram_add_many(&parts[i % 2], value, count);
        for (uint64_t n = 0; n < count; n++) {
            ps_histogram_add(&whole, value);
        }
    }
    ps_histogram_merge(&parts[0], &parts[1]);
    assert_memory_equal(&parts[0], &whole, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(quantiles_are_within_one_part_in_64),
        cmocka_unit_test(values_beyond_the_range_are_counted_and_answered_as_the_maximum),
        cmocka_unit_test(merging_equals_adding_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
