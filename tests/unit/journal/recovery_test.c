/* Power cuts, nested recovery, failing calls, first start. By default a sample; PS_FULL=1 all. */
#include "harness.h"

static void every_power_cut_leaves_a_prefix_with_all_that_was_acknowledged(void **state)
{
    (void)state;
    fx_verdict verdict = {0};
    uint64_t seeds = fx_full() ? 12 : 2;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        fx_power_cuts(seed, 1, &verdict);
    }
    assert_true(verdict.bad || verdict.cases >= (fx_full() ? 24000 : 3000));
    fx_must_be_good(&verdict);
}

static void a_cut_first_start_can_be_resumed_or_done_again(void **state)
{
    (void)state;
    uint64_t cases = 0;
    bool stopped = true;
    for (uint64_t step = 1; stopped; step++) {
        ps_sim *sim = ps_sim_new(step);
        ps_error err = {0};
        fx_make_dir(ps_sim_io(sim), FX_DIR);
        ps_sim_stop_at(sim, ps_sim_steps(sim) + step);
        (void)!ps_journal_create(ps_sim_io(sim), FX_DIR, &fx_small, &err);
        stopped = ps_sim_is_stopped(sim);
        for (int how = 0; stopped && how < PS_SURVIVE_COUNT; how++) {
            ps_sim *image = ps_sim_clone(sim);
            ps_sim_crash(image, (ps_survive)how);
            ps_journal *journal = NULL;
            ps_journal_recovery recovery;
            ps_io *io = ps_sim_io(image);
            ps_code code = ps_journal_open(io, FX_DIR, &fx_small, 1, &journal, &recovery, &err);
            if (code == PS_E_MISSING) {
                fx_must(ps_journal_create(io, FX_DIR, &fx_small, &err), &err);
                journal = fx_open(io, &fx_small);
            } else {
                fx_must(code, &err);
            }
            fx_oracle oracle = {0};
            fx_must(fx_commit(journal, 3, &oracle, &err), &err);
            ps_journal_close(journal);
            ps_sim_free(image);
            cases++;
        }
        ps_sim_free(sim);
    }
    print_message("           %llu cases\n", (unsigned long long)cases);
}

/* Opens until step `step` of it, then cuts. */
static void recover_and_cut(ps_sim *sim, uint64_t step, ps_survive how)
{
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_sim_stop_at(sim, ps_sim_steps(sim) + step);
    (void)!ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_small, 1, &journal, &recovery, &err);
    ps_journal_close(journal);
    ps_sim_crash(sim, how);
}

static uint64_t recovered_seq(ps_sim *sim, uint64_t *out_steps)
{
    uint64_t before = ps_sim_steps(sim);
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    uint64_t seq = ps_journal_durable_seq(journal);
    ps_error err = {0};
    *out_steps = ps_sim_steps(sim) - before;
    assert_true(fx_read_all(journal, &err));
    ps_journal_close(journal);
    return seq;
}

/* P2 */
static void recovery_cut_three_times_over_ends_in_the_same_state(void **state)
{
    (void)state;
    uint64_t cases = 0;
    bool stopped = true;
    uint64_t stride = fx_full() ? 1 : 7;
    for (uint64_t step = 1; stopped; step += stride) {
        ps_sim *sim = fx_sim_with_journal(step);
        ps_error err = {0};
        fx_oracle oracle = {0};
        ps_sim_stop_at(sim, ps_sim_steps(sim) + step);
        (void)!fx_workload(ps_sim_io(sim), 2, NULL, &oracle, &err);
        stopped = ps_sim_is_stopped(sim);
        ps_sim_crash(sim, PS_SURVIVE_TORN_NOISE);
        ps_sim *plain = ps_sim_clone(sim);
        uint64_t steps = 0;
        uint64_t seq = recovered_seq(plain, &steps);
        ps_sim_free(plain);
        for (uint64_t first = 1; stopped && first <= steps; first += fx_full() ? 1 : 3) {
            ps_sim *image = ps_sim_clone(sim);
            recover_and_cut(image, first, PS_SURVIVE_RANDOM);
            recover_and_cut(image, 1 + ps_sim_draw(image, steps), PS_SURVIVE_RANDOM);
            recover_and_cut(image, 1 + ps_sim_draw(image, steps), PS_SURVIVE_RANDOM);
            uint64_t unused;
            assert_int_equal(recovered_seq(image, &unused), seq);
            ps_sim_free(image);
            cases++;
        }
        ps_sim_free(sim);
    }
    print_message("           %llu cases\n", (unsigned long long)cases);
}

static void any_failed_call_loses_nothing_that_was_acknowledged(void **state)
{
    (void)state;
    fx_verdict verdict = {0};
    uint64_t stride = fx_full() ? 1 : 2;
    static const int errnos[] = {5 /* EIO */, 28 /* ENOSPC */};
    for (size_t i = 0; i < 2; i++) {
        fx_failed_calls(errnos[i], false, PS_SYNC_FAIL_CLEAN_KEPT, stride, &verdict);
        fx_failed_calls(errnos[i], false, PS_SYNC_FAIL_DROPPED, stride, &verdict);
        fx_failed_calls(errnos[i], true, PS_SYNC_FAIL_DROPPED, stride, &verdict);
    }
    fx_must_be_good(&verdict);
}

/* E1: io_sim itself stops the program at a second sync of the file. */
static void after_a_failed_sync_everything_fails_and_nothing_is_acknowledged(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 1);
    ps_error again = {0};
    fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
    fx_must(fx_commit(c.journal, 3, &c.oracle, &c.err), &c.err);
    fx_fill(c.journal, 3, &c.oracle);
    ps_record_batch *first = ps_journal_batch_close(c.journal);
    fx_fill(c.journal, 3, &c.oracle);
    ps_record_batch *second = ps_journal_batch_close(c.journal);
    ps_sim_fail_at(c.sim, ps_sim_steps(c.sim) + 2, 5, false, PS_SYNC_FAIL_CLEAN_KEPT);
    assert_int_equal(ps_journal_commit(c.journal, first, &c.err), PS_E_IO);
    assert_int_equal(ps_journal_durable_seq(c.journal), c.oracle.acked);
    uint64_t steps = ps_sim_steps(c.sim);
    assert_int_equal(ps_journal_commit(c.journal, second, &again), PS_E_IO);
    assert_string_equal(again.text, c.err.text);
    assert_int_equal(ps_journal_seal(c.journal, true, &again), PS_E_IO);
    assert_int_equal(ps_journal_prepare(c.journal, &again), PS_E_IO);
    assert_false(ps_journal_has_room(c.journal));
    assert_null(ps_journal_batch(c.journal));
    assert_int_equal(ps_sim_steps(c.sim), steps);
    fx_case_release(&c);
}

/* E4 */
static void a_full_disk_stops_writing_until_there_is_space_again(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 1);
    ps_sim_set_capacity(c.sim, 3 * 16384 + 8192 + 4096);
    uint32_t commits = 0;
    while (commits < 100) {
        ps_code code = ps_journal_prepare(c.journal, &c.err);
        assert_true(code == PS_OK || code == PS_E_SPACE);
        if (!ps_journal_has_room(c.journal)) {
            break;
        }
        fx_must(fx_commit(c.journal, 4, &c.oracle, &c.err), &c.err);
        commits++;
    }
    assert_in_range(commits, 5, 9);
    assert_true(fx_read_all(c.journal, &c.err));
    fx_must(ps_journal_seal(c.journal, true, &c.err), &c.err);
    ps_sim_set_capacity(c.sim, UINT64_MAX);
    fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
    assert_true(ps_journal_has_room(c.journal));
    fx_must(fx_commit(c.journal, 4, &c.oracle, &c.err), &c.err);
    fx_case_close(&c);
    ps_sim_crash(c.sim, PS_SURVIVE_NONE);
    fx_verdict verdict = {0};
    fx_check_image(c.sim, &c.oracle, "after a full disk", &verdict);
    fx_must_be_good(&verdict);
    fx_case_release(&c);
}

/* E3 */
static void a_read_error_refuses_to_open_and_is_never_an_end(void **state)
{
    (void)state;
    fx_state s;
    fx_state_init(&s);
    ps_sim *sim = fx_sim_with_journal(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_must(fx_workload(ps_sim_io(sim), 2, &s, &oracle, &err), &err);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    uint64_t steps = 0;
    ps_sim *plain = ps_sim_clone(sim);
    assert_int_equal(recovered_seq(plain, &steps), oracle.acked);
    ps_sim_free(plain);
    for (uint64_t step = 1; step <= steps; step++) {
        ps_sim *image = ps_sim_clone(sim);
        ps_journal *journal = NULL;
        ps_journal_recovery recovery;
        ps_sim_fail_at(image, ps_sim_steps(image) + step, 5, false, PS_SYNC_FAIL_CLEAN_KEPT);
        assert_int_equal(
            ps_journal_open(ps_sim_io(image), FX_DIR, &fx_small, 1, &journal, &recovery, &err),
            PS_E_IO);
        ps_sim_free(image);
    }
    ps_sim_free(sim);
    fx_state_release(&s);
}

/* W2 */
static void a_lying_disk_is_found_out_by_the_watermark(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 1);
    fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
    fx_must(fx_commit(c.journal, 3, &c.oracle, &c.err), &c.err);
    ps_sim_fail_at(c.sim, ps_sim_steps(c.sim) + 2, 5, true, PS_SYNC_LIES);
    fx_must(fx_commit(c.journal, 3, &c.oracle, &c.err), &c.err);
    fx_must(ps_journal_seal(c.journal, false, &c.err), &c.err);
    ps_sim_fail_at(c.sim, 0, 0, false, PS_SYNC_FAIL_DROPPED);
    fx_must(ps_journal_seal(c.journal, true, &c.err), &c.err);
    fx_case_close(&c);
    ps_sim_crash(c.sim, PS_SURVIVE_NONE);
    ps_journal_recovery recovery;
    assert_int_equal(ps_journal_open(c.io, FX_DIR, &fx_small, 1, &c.journal, &recovery, &c.err),
                     PS_E_DAMAGED);
    assert_non_null(strstr(c.err.text, "seg-0000000000000001: damaged at offset 8192 (seq 4-6)"));
    fx_case_release(&c);
}

static void read_only_skips_a_torn_tail_and_writes_nothing(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 1);
    fx_must(fx_commit(c.journal, 3, &c.oracle, &c.err), &c.err);
    fx_case_close(&c);
    ps_slice bytes;
    assert_true(ps_sim_file_get(c.sim, FX_SEG_1, &bytes));
    char *torn = malloc(bytes.size);
    size_t size = bytes.size;
    memcpy(torn, bytes.data, size);
    memset(torn + 8192, 'x', 1000);
    assert_true(ps_sim_file_set(c.sim, FX_SEG_1, ps_slice_of(torn, size)));
    ps_journal_options options = fx_small;
    options.read_only = true;
    ps_journal_recovery recovery;
    fx_must(ps_journal_open(c.io, FX_DIR, &options, 1, &c.journal, &recovery, &c.err), &c.err);
    assert_int_equal(recovery.torn_bytes, 1000);
    assert_int_equal(recovery.last_seq, 3);
    assert_non_null(strstr(recovery.note, "skipped"));
    assert_true(fx_read_all(c.journal, &c.err));
    fx_case_close(&c);
    assert_true(ps_sim_file_get(c.sim, FX_SEG_1, &bytes));
    assert_memory_equal(bytes.data, torn, size);
    /* and with writing allowed: cut, a copy kept */
    fx_must(ps_journal_open(c.io, FX_DIR, &fx_small, 1, &c.journal, &recovery, &c.err), &c.err);
    fx_case_close(&c);
    assert_true(ps_sim_file_get(c.sim, FX_DIR "/torn-0000000000000001-00002000", &bytes));
    assert_int_equal(bytes.size, 1000);
    assert_memory_equal(bytes.data, torn + 8192, 1000);
    free(torn);
    fx_case_release(&c);
}

static void segments_that_a_snapshot_covers_are_not_scanned(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 1);
    for (uint32_t i = 0; i < 12; i++) {
        fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
        fx_must(fx_commit(c.journal, 3, &c.oracle, &c.err), &c.err);
    }
    fx_case_close(&c);
    for (uint64_t from = 1; from <= c.oracle.acked + 1; from++) {
        ps_journal_recovery recovery;
        fx_must(ps_journal_open(c.io, FX_DIR, &fx_small, from, &c.journal, &recovery, &c.err),
                &c.err);
        assert_int_equal(recovery.last_seq, c.oracle.acked);
        assert_true(fx_read_all(c.journal, &c.err));
        fx_case_close(&c);
    }
    /* damage in the second half of a covered segment goes unseen, as said */
    assert_true(ps_sim_file_flip(c.sim, FX_SEG_1, 8 * 9000));
    ps_journal_recovery recovery;
    fx_must(
        ps_journal_open(c.io, FX_DIR, &fx_small, c.oracle.acked + 1, &c.journal, &recovery, &c.err),
        &c.err);
    fx_case_close(&c);
    assert_int_equal(ps_journal_open(c.io, FX_DIR, &fx_small, 1, &c.journal, &recovery, &c.err),
                     PS_E_DAMAGED);
    fx_case_release(&c);
}

/* The header page of the torn batch survived, and a snapshot covers all before it. */
static void a_torn_first_batch_of_a_segment_behind_a_snapshot_is_followed_rightly(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 1);
    fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
    for (uint32_t i = 0; i < 4; i++) {
        fx_must(fx_commit(c.journal, 5, &c.oracle, &c.err), &c.err);
    }
    fx_case_close(&c);
    ps_slice bytes;
    assert_true(ps_sim_file_get(c.sim, FX_SEG_2, &bytes));
    char torn[16384];
    memcpy(torn, bytes.data, sizeof torn);
    memset(torn + 4096 + 512, 0, 4096 - 512);
    assert_true(ps_sim_file_set(c.sim, FX_SEG_2, ps_slice_of(torn, sizeof torn)));
    ps_journal_recovery recovery;
    fx_must(ps_journal_open(c.io, FX_DIR, &fx_small, 16, &c.journal, &recovery, &c.err), &c.err);
    assert_int_equal(recovery.last_seq, 15);
    assert_true(recovery.torn_bytes > 0);
    c.oracle = (fx_oracle){15, 15};
    fx_must(fx_commit(c.journal, 5, &c.oracle, &c.err), &c.err);
    fx_case_close(&c);
    c.journal = fx_open(c.io, &fx_small);
    assert_int_equal(ps_journal_durable_seq(c.journal), 20);
    assert_true(fx_read_all(c.journal, &c.err));
    fx_case_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_first_batch_of_a_segment_behind_a_snapshot_is_followed_rightly),
        cmocka_unit_test(every_power_cut_leaves_a_prefix_with_all_that_was_acknowledged),
        cmocka_unit_test(a_cut_first_start_can_be_resumed_or_done_again),
        cmocka_unit_test(recovery_cut_three_times_over_ends_in_the_same_state),
        cmocka_unit_test(any_failed_call_loses_nothing_that_was_acknowledged),
        cmocka_unit_test(after_a_failed_sync_everything_fails_and_nothing_is_acknowledged),
        cmocka_unit_test(a_full_disk_stops_writing_until_there_is_space_again),
        cmocka_unit_test(a_read_error_refuses_to_open_and_is_never_an_end),
        cmocka_unit_test(a_lying_disk_is_found_out_by_the_watermark),
        cmocka_unit_test(read_only_skips_a_torn_tail_and_writes_nothing),
        cmocka_unit_test(segments_that_a_snapshot_covers_are_not_scanned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
