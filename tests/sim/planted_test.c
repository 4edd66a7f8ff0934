/* Shows that the simulation can fail: each planted bug (journal/planted.h, FAULTS §4) is caught by it
 * within a minute, and nothing is seen without one. Each runs in a process of its own, since a stop
 * by an assertion counts as caught.
 *
 * Needs -DPS_BUGGIFY=ON. By default the canary and five that PS_SEED chooses; all with PS_FULL=1.
 * The bugs of the formats (checksums, old snapshots deleted early) are caught beside their tests in
 * tests/unit/journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef PS_BUGGIFY

#include <errno.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "clock.h"
#include "crash_points.h"
#include "io_errors.h"
#include "journal/planted.h"
#include "simulator.h"

enum { SAMPLE = 5, CAUGHT_WITHIN_S = 60 };

/* ── the harnesses: a sentence when something is wrong ── */

static const char *cuts(void)
{
    static crash_points_result result;
    crash_points_options options = {.sessions = 4, .groups = 130, .every = 31, .seed = 1};
    options.live_on_every = 3;
    options.nested_every = 9;
    crash_points_run(&options, &result);
    return result.failure[0] != '\0' ? result.failure : NULL;
}

static const char *first_start(void)
{
    static crash_points_result result;
    crash_points_options options = {.sessions = 1, .groups = 8, .every = 1, .seed = 1};
    options.live_on_every = 2;
    crash_points_run(&options, &result);
    return result.failure[0] != '\0' ? result.failure : NULL;
}

/* Long enough in one session that a segment is prepared, used and left. */
static const char *rotations(void)
{
    static crash_points_result result;
    crash_points_options options = {.sessions = 1, .groups = 380, .every = 31, .seed = 1};
    crash_points_run(&options, &result);
    return result.failure[0] != '\0' ? result.failure : NULL;
}

static const char *hot_spots(void)
{
    static crash_points_result result;
    crash_points_options options = {.sessions = 1, .groups = 300, .hot_spots = true};
    options.nested_every = 1;
    for (options.seed = 1; options.seed <= 12 && result.failure[0] == '\0'; options.seed++) {
        crash_points_run(&options, &result);
    }
    return result.failure[0] != '\0' ? result.failure : NULL;
}

static const char *errors(void)
{
    static io_errors_result result;
    io_errors_options options = {.sessions = 2, .groups = 27, .every = 2, .seed = 1};
    options.os_errno = EIO;
    for (int how = PS_SYNC_FAIL_CLEAN_KEPT; how <= PS_SYNC_FAIL_DROPPED; how++) {
        options.how = (ps_sync_failure)how;
        io_errors_run(&options, &result);
    }
    return result.failure[0] != '\0' ? result.failure : NULL;
}

static const char *full_disk(void)
{
    return io_errors_full_disk(1, 65536);
}

static const char *clocks(void)
{
    const char *why = clock_jump(-4 * 60 * PS_NS_PER_S);
    why = why != NULL ? why : clock_jump(3600 * PS_NS_PER_S);
    why = why != NULL ? why : clock_rate(0);
    return why != NULL ? why : clock_pause(3600 * PS_NS_PER_S);
}

static const char *lives(void)
{
    static sim_result result;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        const sim_options options = {.seed = seed, .generations = 8, .commands = 200};
        sim_run(&options, &result);
        if (result.failure[0] != '\0') {
            return result.failure;
        }
    }
    return NULL;
}

static const char *damage(void)
{
    return io_errors_damage(1, 997);
}

/* ── the bugs ── */

typedef struct {
    ps_planted_bug bug;
    const char *name;
    const char *(*harness)(void);
} planted_row;

static const planted_row rows[] = {
    {PS_BUG_ACK_BEFORE_SYNC, "ack before sync", cuts}, /* the canary */
    {PS_BUG_SKIP_DATASYNC, "skip datasync", cuts},
    {PS_BUG_SKIP_DIR_SYNC, "skip dir-sync", rotations},
    {PS_BUG_SYNC_WRONG_FILE, "sync wrong fd", cuts},
    {PS_BUG_RETRY_FAILED_SYNC, "retry failed sync", errors},
    {PS_BUG_RENAME_BEFORE_SYNC, "rename before file sync", hot_spots},
    {PS_BUG_READ_ERROR_IS_END, "EIO treated as EOF", errors},
    {PS_BUG_TRUNCATE_ALWAYS, "truncate at first bad record", damage},
    {PS_BUG_REUSE_SEQ, "reuse seq after crash", cuts},
    {PS_BUG_WATERMARK_EARLY, "watermark written early", cuts},
    {PS_BUG_SEGMENT_END_OFF_BY_ONE, "off by one at segment end", cuts},
    {PS_BUG_APPEND_AFTER_PARTIAL_WRITE, "append after a partial write", errors},
    {PS_BUG_PREPARE_EARLY, "segment prepared before the current one is proven", hot_spots},
    {PS_BUG_SNAPSHOT_BEFORE_DURABLE, "snapshot of what is not durable", hot_spots},
    {PS_BUG_SNAPSHOT_MID_RECORD, "snapshot in mid-batch", cuts},
    {PS_BUG_SNAPSHOT_WITHOUT_KEYS, "dedupe table missing from snapshot", cuts},
    {PS_BUG_REPLAY_SKIPS_FIRST, "replay skips the first record", cuts},
    {PS_BUG_TIMER_BY_WALL, "timer by wall clock", clocks},
    {PS_BUG_TIMER_AFTER_COMMAND, "due timers after the command", clocks},
    {PS_BUG_TIME_NOT_INCREASING, "time goes back", clocks},
    {PS_BUG_ROOM_UNCHECKED, "room not checked", full_disk},
    {PS_BUG_LOCK_SKIPPED, "no lock", cuts},
    {PS_BUG_CREATE_NOT_SYNCED, "create without dir-sync", first_start},
    {PS_BUG_PEPPER_NOT_SYNCED, "pepper not synced", first_start},
    {PS_BUG_TOUCH_MISSING, "write into a frozen table without touch", cuts},
    {PS_BUG_KEY_NOT_REPLAYED, "idempotency entry not replayed", cuts},
    {PS_BUG_KEY_EVICTED_EARLY, "idempotency entry evicted early", cuts},
    {PS_BUG_FINGERPRINT_UNCHECKED, "idempotency without the body", cuts},
    {PS_BUG_REFUND_UNDERFLOW, "unsigned underflow in balance", lives},
    {PS_BUG_LEG_NOT_REPLAYED, "leg not replayed", cuts},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* In a child: what its harness says, or how it ended. True: caught. */
static bool is_caught(const planted_row *row, bool plant, char out_how[120])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        ps_planted = plant ? (int)row->bug : PS_BUG_NONE;
        const char *why = row->harness();
        if (why != NULL) {
            (void)!write(ends[1], why, strnlen(why, 119));
        }
        _exit(why != NULL);
    }
    close(ends[1]);
    memset(out_how, 0, 120);
    ssize_t size = read(ends[0], out_how, 119);
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (size <= 0 && WIFSIGNALED(status)) {
        snprintf(out_how, 120, "stopped by signal %d", WTERMSIG(status));
    }
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool survives(const planted_row *row)
{
    char how[120];
    double start_s = seconds_now();
    bool caught = is_caught(row, true, how);
    double used_s = seconds_now() - start_s;
    print_message("  %-52s %6.2f s  %s\n", row->name, used_s, caught ? how : "SURVIVED");
    return !caught || used_s > CAUGHT_WITHIN_S;
}

static bool is_chosen(size_t row)
{
    const char *text = getenv("PS_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 1;
    uint64_t turn = (row + ROW_COUNT - seed * SAMPLE % ROW_COUNT) % ROW_COUNT;
    return row == 0 || turn < SAMPLE || getenv("PS_FULL") != NULL;
}

static void every_planted_bug_is_caught(void **state)
{
    (void)state;
    uint32_t survivors = 0;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        survivors += is_chosen(i) && survives(&rows[i]);
    }
    assert_int_equal(survivors, 0);
}

static void nothing_is_seen_without_a_bug(void **state)
{
    (void)state;
    char how[120];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool is_first = is_chosen(i);
        for (size_t before = 0; before < i; before++) {
            is_first = is_first && (!is_chosen(before) || rows[before].harness != rows[i].harness);
        }
        if (is_first && is_caught(&rows[i], false, how)) {
            fail_msg("without a bug, the harness of \"%s\": %s", rows[i].name, how);
        }
    }
}

#else

static void every_planted_bug_is_caught(void **state)
{
    (void)state;
    print_message("           needs -DPS_BUGGIFY=ON\n");
    skip();
}

static void nothing_is_seen_without_a_bug(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_planted_bug_is_caught),
        cmocka_unit_test(nothing_is_seen_without_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
