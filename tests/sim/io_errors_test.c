/* E1–E4: every operation of the reference workload fails, once and from then on. A sample by
 * default; all with PS_FULL=1. PS_SEED moves the sample. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io_errors.h"

static bool is_full_run(void)
{
    return getenv("PS_FULL") != NULL;
}

static uint64_t seed(void)
{
    const char *text = getenv("PS_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : 1;
}

static io_errors_result failures_of(int os_errno, ps_sync_failure how)
{
    io_errors_result result = {0};
    io_errors_options options = {.sessions = 2, .groups = 27, .os_errno = os_errno, .how = how};
    options.every = is_full_run() ? 1 : 7;
    options.seed = seed();
    for (int sticky = 0; sticky < 2 && result.failure[0] == '\0'; sticky++) {
        options.is_sticky = sticky == 1;
        options.offset = (uint32_t)(seed() + 3 * (unsigned)sticky);
        io_errors_run(&options, &result);
    }
    print_message(
        "           errno %d: runs %llu, stopped %llu, survived %llu, starts refused %llu, "
        "commands refused %llu\n",
        os_errno, (unsigned long long)result.runs, (unsigned long long)result.stops,
        (unsigned long long)result.survived, (unsigned long long)result.refused_starts,
        (unsigned long long)result.full_refusals);
    if (result.failure[0] != '\0') {
        fail_msg("%s", result.failure);
    }
    return result;
}

static void a_failed_call_stops_the_process_and_loses_nothing(void **state)
{
    (void)state;
    for (int how = PS_SYNC_FAIL_CLEAN_KEPT; how <= PS_SYNC_FAIL_DROPPED; how++) {
        io_errors_result result = failures_of(EIO, (ps_sync_failure)how);
        assert_true(result.stops > 0);
        assert_true(result.refused_starts > 0);
    }
}

static void a_full_disk_or_quota_refuses_commands_and_loses_nothing(void **state)
{
    (void)state;
    static const int numbers[] = {ENOSPC, EDQUOT, EFBIG};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        io_errors_result result = failures_of(numbers[i], PS_SYNC_FAIL_DROPPED);
        assert_true(result.survived > 0);
    }
}

static void a_disk_that_gets_room_again_is_written_without_a_restart(void **state)
{
    (void)state;
    uint64_t step = is_full_run() ? 4096 : 65536;
    for (uint64_t bytes = 0; bytes < 2 * 1024 * 1024; bytes += step) {
        const char *why = io_errors_full_disk(seed(), bytes);
        if (why != NULL) {
            fail_msg("%s", why);
        }
    }
}

static void a_damaged_bit_is_refused_or_changes_nothing(void **state)
{
    (void)state;
    const char *why = io_errors_damage(seed(), is_full_run() ? 61 : 4999);
    if (why != NULL) {
        fail_msg("%s", why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_call_stops_the_process_and_loses_nothing),
        cmocka_unit_test(a_full_disk_or_quota_refuses_commands_and_loses_nothing),
        cmocka_unit_test(a_disk_that_gets_room_again_is_written_without_a_restart),
        cmocka_unit_test(a_damaged_bit_is_refused_or_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
