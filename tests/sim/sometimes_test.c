/* The batch of all fault machines in one process, and after it every sometimes-counter of the
 * program: none may be zero (FAULTS §4). Needs -DPS_BUGGIFY=ON. PS_FULL=1: the nightly batch. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sometimes.h"
#include "counters.h"
#include "crash_points.h"
#include "damage.h"
#include "io_errors.h"
#include "rare.h"
#include "simulator.h"

#ifdef PS_BUGGIFY

static bool is_full_run(void)
{
    return getenv("PS_FULL") != NULL;
}

static uint64_t seed(void)
{
    const char *text = getenv("PS_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : 1;
}

static void must_hold(const char *why)
{
    if (why != NULL) {
        fail_msg("%s", why);
    }
}

static void lives(void)
{
    uint64_t count = is_full_run() ? 500 : 20;
    for (uint64_t i = 0; i < count; i++) {
        const sim_options options = {.seed = seed() + i, .generations = 8, .commands = 200};
        sim_result result;
        sim_run(&options, &result);
        must_hold(result.failure[0] != '\0' ? result.failure : NULL);
    }
}

static void failing_calls(void)
{
    static const int errnos[] = {EIO, ENOSPC};
    for (size_t i = 0; i < 4; i++) {
        io_errors_result result = {0};
        io_errors_options options = {.sessions = 2, .groups = 27, .seed = seed()};
        options.os_errno = errnos[i % 2];
        options.how = i < 2 ? PS_SYNC_FAIL_CLEAN_KEPT : PS_SYNC_FAIL_DROPPED;
        options.every = is_full_run() ? 1 : 13;
        options.offset = (uint32_t)(seed() + i);
        io_errors_run(&options, &result);
        must_hold(result.failure[0] != '\0' ? result.failure : NULL);
    }
    /* the founding alone, every call of it */
    io_errors_result result = {0};
    io_errors_options options = {.seed = seed(), .every = 1, .os_errno = EIO};
    io_errors_run(&options, &result);
    must_hold(result.failure[0] != '\0' ? result.failure : NULL);
    must_hold(io_errors_full_disk(seed(), 1024 * 1024));
    must_hold(io_errors_damage(seed(), is_full_run() ? 499 : 9973));
}

static void power_cuts(void)
{
    crash_points_result result = {0};
    crash_points_options options = {.sessions = 2, .groups = 27, .seed = seed()};
    options.every = is_full_run() ? 1 : 11;
    options.live_on_every = 17;
    options.nested_every = 7;
    crash_points_run(&options, &result);
    must_hold(result.failure[0] != '\0' ? result.failure : NULL);
}

static void the_batch_reaches_every_branch_and_every_fault(void **state)
{
    (void)state;
    lives();
    failing_calls();
    power_cuts();
    must_hold(damage_journal());
    must_hold(damage_snapshot());
    must_hold(rare_situations());
    counters_print(stdout, !is_full_run());
    print_message("           %zu counters\n", ps_sometimes_count());
    if (counters_zero_count(false) != 0) {
        fail_msg("%zu counters are zero", counters_zero_count(false));
    }
}

/* Stands for a branch that nobody thought of: it is in the program, so it is in the list. */
static void forgotten_branch(int turn)
{
    PS_SOMETIMES_WHEN(turn == 1, "test: reached");
    PS_SOMETIMES_WHEN(turn == 2, "test: forgotten");
}

static void a_branch_that_is_never_reached_is_found(void **state)
{
    (void)state;
    assert_int_equal(counters_zero_count(true), 2);
    forgotten_branch(1);
    assert_int_equal(counters_zero_count(true), 1);
}

#else

static void the_batch_reaches_every_branch_and_every_fault(void **state)
{
    (void)state;
    print_message("           needs -DPS_BUGGIFY=ON\n");
    skip();
}

static void a_branch_that_is_never_reached_is_found(void **state)
{
    the_batch_reaches_every_branch_and_every_fault(state);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_branch_that_is_never_reached_is_found),
        cmocka_unit_test(the_batch_reaches_every_branch_and_every_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
