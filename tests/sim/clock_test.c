/* T1, T3: wall clocks that jump, stand still, race and go back; a machine that sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "clock.h"

static const int64_t minute_ns = 60 * PS_NS_PER_S;
static const int64_t hour_ns = 3600 * PS_NS_PER_S;
static const int64_t year_ns = 365 * 24 * 3600 * PS_NS_PER_S;

static void must(const char *why)
{
    if (why != NULL) {
        fail_msg("%s", why);
    }
}

static void nothing_expires_because_the_wall_clock_jumps(void **state)
{
    (void)state;
    const int64_t jumps_ns[] = {PS_NS_PER_S,  4 * minute_ns, 6 * minute_ns, hour_ns,
                                25 * hour_ns, year_ns,       10 * year_ns};
    for (size_t i = 0; i < sizeof jumps_ns / sizeof jumps_ns[0]; i++) {
        must(clock_jump(jumps_ns[i]));
        must(clock_jump(-jumps_ns[i]));
    }
}

static void timers_fire_in_time_though_the_wall_clock_stands_still_or_races(void **state)
{
    (void)state;
    const int64_t percents[] = {0, 1, 50, 99, 100, 101, 150, 200, 1000, -100};
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        must(clock_rate(percents[i]));
    }
}

static void a_start_after_the_wall_clock_went_back_goes_on_from_the_last_record(void **state)
{
    (void)state;
    const int64_t backs_ns[] = {0,       PS_NS_PER_S, 4 * minute_ns, 6 * minute_ns,
                                hour_ns, 10 * year_ns};
    for (size_t i = 0; i < sizeof backs_ns / sizeof backs_ns[0]; i++) {
        must(clock_back_at_start(backs_ns[i]));
    }
}

static void what_became_due_in_a_pause_comes_before_the_next_command(void **state)
{
    (void)state;
    const int64_t pauses_ns[] = {PS_NS_PER_S, 5 * minute_ns, 19 * minute_ns, 21 * minute_ns,
                                 hour_ns};
    for (size_t i = 0; i < sizeof pauses_ns / sizeof pauses_ns[0]; i++) {
        must(clock_pause(pauses_ns[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_expires_because_the_wall_clock_jumps),
        cmocka_unit_test(timers_fire_in_time_though_the_wall_clock_stands_still_or_races),
        cmocka_unit_test(a_start_after_the_wall_clock_went_back_goes_on_from_the_last_record),
        cmocka_unit_test(what_became_due_in_a_pause_comes_before_the_next_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
