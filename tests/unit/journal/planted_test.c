/* Shows that the harness can fail: every planted bug of the journal is caught (FAULTS §4). Each
 * runs in a process of its own, since a stop by an assertion counts as caught. Those of format and
 * snapshot are beside their tests. */
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#ifdef PS_BUGGIFY

static void cuts(fx_verdict *verdict)
{
    fx_power_cuts(1, 1, verdict);
}

static void failures(fx_verdict *verdict)
{
    fx_failed_calls(5, false, PS_SYNC_FAIL_CLEAN_KEPT, 1, verdict);
    fx_failed_calls(5, false, PS_SYNC_FAIL_DROPPED, 1, verdict);
}

static void bit_flips(fx_verdict *verdict)
{
    fx_flip_bits(FX_SEG_1, false, 997, verdict);
}

static void read_errors(fx_verdict *verdict)
{
    ps_sim *sim = fx_sim_with_journal(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_must(fx_workload(ps_sim_io(sim), 1, NULL, &oracle, &err), &err);
    for (uint64_t step = 1; step < 60; step++) {
        ps_sim *image = ps_sim_clone(sim);
        ps_sim_crash(image, PS_SURVIVE_NONE);
        ps_sim_fail_at(image, ps_sim_steps(image) + step, 5, false, PS_SYNC_FAIL_DROPPED);
        ps_journal *journal = NULL;
        ps_journal_recovery recovery;
        if (ps_journal_open(ps_sim_io(image), FX_DIR, &fx_small, 1, &journal, &recovery, &err) ==
                PS_OK &&
            ps_journal_durable_seq(journal) < oracle.acked) {
            fx_bad(verdict, "a read error was taken for the end");
        }
        ps_journal_close(journal);
        ps_sim_free(image);
    }
    ps_sim_free(sim);
}

static const struct {
    ps_planted_bug bug;
    const char *name;
    void (*harness)(fx_verdict *verdict);
} rows[] = {
    {PS_BUG_ACK_BEFORE_SYNC, "ack before sync", cuts},
    {PS_BUG_SKIP_DATASYNC, "skip datasync", cuts},
    {PS_BUG_SKIP_DIR_SYNC, "skip dir-sync", cuts},
    {PS_BUG_SYNC_WRONG_FILE, "sync wrong fd", cuts},
    {PS_BUG_RETRY_FAILED_SYNC, "retry failed sync", failures},
    {PS_BUG_RENAME_BEFORE_SYNC, "rename before file sync", cuts},
    {PS_BUG_READ_ERROR_IS_END, "EIO treated as EOF", read_errors},
    {PS_BUG_TRUNCATE_ALWAYS, "truncate at first bad record", bit_flips},
    {PS_BUG_REUSE_SEQ, "reuse seq after crash", cuts},
    {PS_BUG_WATERMARK_EARLY, "watermark written early", cuts},
    {PS_BUG_SEGMENT_END_OFF_BY_ONE, "off by one at segment end", cuts},
    {PS_BUG_APPEND_AFTER_PARTIAL_WRITE, "append after a partial write", failures},
};

static bool is_caught(size_t row, bool plant)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fx_verdict verdict = {0};
        (void)!freopen("/dev/null", "w", stderr);
        ps_planted = plant ? (int)rows[row].bug : PS_BUG_NONE;
        rows[row].harness(&verdict);
        _exit(verdict.bad ? 1 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void every_planted_bug_is_caught_and_none_is_seen_without(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!is_caught(i, true)) {
            fail_msg("planted bug survived: %s", rows[i].name);
        }
        assert_false(is_caught(i, false));
    }
}

#else

static void every_planted_bug_is_caught_and_none_is_seen_without(void **state)
{
    (void)state;
    print_message("           needs -DPS_BUGGIFY=ON\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_planted_bug_is_caught_and_none_is_seen_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
