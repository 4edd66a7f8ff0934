/* P1, P2, W1, W3, W4: the process is killed, or the power cut, before every operation of the
 * reference workload. A sample by default; all with PS_FULL=1. PS_SEED moves the sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crash_points.h"

static bool is_full(void)
{
    return getenv("PS_FULL") != NULL;
}

static uint64_t seed(void)
{
    const char *text = getenv("PS_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : 1;
}

static void report(const crash_points_result *r)
{
    print_message(
        "           operations %llu, images %llu (%llu with crashes in recovery), records "
        "%llu, torn tails %llu, from a snapshot %llu, longer than acknowledged %llu\n",
        (unsigned long long)r->operations, (unsigned long long)r->images,
        (unsigned long long)r->nested, (unsigned long long)r->records,
        (unsigned long long)r->torn_tails, (unsigned long long)r->from_snapshot,
        (unsigned long long)r->longer_than_acknowledged);
    if (r->failure[0] != '\0') {
        fail_msg("%s", r->failure);
    }
}

static void whatever_a_crash_leaves_is_a_prefix_with_all_that_was_acknowledged(void **state)
{
    (void)state;
    crash_points_options options = {.sessions = 4, .groups = 180, .every = 61, .live_on_every = 5};
    options.nested_every = 7;
    options.seed = seed();
    options.offset = (uint32_t)(seed() % options.every);
    if (is_full()) {
        options.every = 1;
        options.offset = 0;
    }
    crash_points_result result;
    crash_points_run(&options, &result);
    report(&result);
    assert_true(result.operations >= 2000);
    assert_true(result.images >= (is_full() ? 24000 : 300));
    assert_true(result.torn_tails > 0 && result.from_snapshot > 0);
    assert_true(result.longer_than_acknowledged > 0);
}

/* The first start and the first records: every operation, every way. */
static void the_first_start_may_be_cut_at_each_operation(void **state)
{
    (void)state;
    crash_points_options options = {.sessions = 1, .groups = 3, .every = is_full() ? 1 : 7};
    options.nested_every = 3;
    options.live_on_every = 2;
    options.seed = seed();
    crash_points_result result;
    crash_points_run(&options, &result);
    report(&result);
}

/* W4: segments and snapshots change hands; and again right after the recovery from that. */
static void files_that_change_hands_are_never_both_trusted(void **state)
{
    (void)state;
    crash_points_options options = {.sessions = 1, .groups = 300, .hot_spots = true};
    options.nested_every = 1;
    options.live_on_every = 4;
    for (uint64_t i = 0; i < (is_full() ? 20 : 1); i++) {
        options.seed = seed() + i;
        crash_points_result result;
        crash_points_run(&options, &result);
        report(&result);
        assert_true(result.images > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_a_crash_leaves_is_a_prefix_with_all_that_was_acknowledged),
        cmocka_unit_test(the_first_start_may_be_cut_at_each_operation),
        cmocka_unit_test(files_that_change_hands_are_never_both_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
