/* Many simulated lives: no acknowledged command is lost, doubled or changed; equal seeds give equal
 * traces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "simulator.h"

/* More with PS_FULL=1; PS_SEED moves the window. */
static uint64_t seeds_count(void)
{
    return getenv("PS_FULL") != NULL ? 2000 : 60;
}

static uint64_t first_seed(void)
{
    const char *seed = getenv("PS_SEED");
    return seed != NULL ? strtoull(seed, NULL, 0) : 1;
}

static void every_life_keeps_what_was_acknowledged(void **state)
{
    (void)state;
    uint64_t acknowledged = 0;
    uint64_t nested = 0;
    uint64_t failed_syncs = 0;
    uint64_t from_snapshot = 0;
    for (uint64_t i = 0; i < seeds_count(); i++) {
        const sim_options options = {.seed = first_seed() + i, .generations = 8, .commands = 200};
        sim_result result;
        sim_run(&options, &result);
        if (result.failure[0] != '\0') {
            fail_msg("SEED=%llu: %s", (unsigned long long)options.seed, result.failure);
        }
        acknowledged += result.acknowledged;
        nested += result.nested_crashes;
        failed_syncs += result.sync_failures;
        from_snapshot += result.recoveries_from_snapshot;
    }
    /* The faults really happened. */
    assert_true(acknowledged > 1000);
    assert_true(nested > 0);
    assert_true(failed_syncs > 0);
    assert_true(from_snapshot > 0);
}

static void equal_seeds_give_equal_traces(void **state)
{
    (void)state;
    uint64_t count = getenv("PS_FULL") != NULL ? 50 : 8;
    for (uint64_t i = 0; i < count; i++) {
        const sim_options options = {.seed = first_seed() + i, .generations = 5, .commands = 100};
        sim_result first;
        sim_result second;
        sim_run(&options, &first);
        sim_run(&options, &second);
        assert_true(ps_u128_equal(first.trace, second.trace));
        assert_int_equal(first.steps, second.steps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_life_keeps_what_was_acknowledged),
        cmocka_unit_test(equal_seeds_give_equal_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
