/* Error paths of readers, scrub, snapshots and maintenance: each call fails once, each limit is met.
 * What opens and what a workload does under failing calls is in recovery_test.c and tests/sim. */
#include <errno.h>

#include "harness.h"

#include "journal/journal_internal.h"

/* ── readers ── */

/* Two cold segments; a batch with marks in each. */
static const ps_journal_options wide = {.segment_size = 81920, .batch_size_max = 36864};

static ps_sim *wide_journal(uint64_t *out_acked)
{
    ps_sim *sim = ps_sim_new(3);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_create(ps_sim_io(sim), &wide);
    ps_journal *journal = fx_open(ps_sim_io(sim), &wide);
    for (uint32_t i = 0; i < 5; i++) {
        fx_must(ps_journal_prepare(journal, &err), &err);
        fx_must(fx_commit(journal, 140, &oracle, &err), &err);
    }
    fx_must(ps_journal_seal(journal, true, &err), &err);
    ps_journal_close(journal);
    *out_acked = oracle.acked;
    return sim;
}

static bool record_is_right(const ps_record *record, uint64_t seq)
{
    char payload[4096];
    uint32_t size = fx_payload(seq, payload);
    return record->seq == seq && ps_slice_equal(record->payload, ps_slice_of(payload, size));
}

/* Reads in all ways; counts errors, which must be PS_E_IO. A failed call leaves the cursor usable. */
static uint32_t read_all_ways(ps_journal *journal, uint64_t acked)
{
    ps_error err = {0};
    ps_journal_cursor *cursor = NULL;
    ps_record record;
    uint32_t errors = 0;
    fx_must(ps_journal_cursor_new(journal, &cursor, &err), &err);
    for (uint64_t seq = acked; seq > 0; seq -= seq < 37 ? seq : 37) {
        ps_code code = ps_journal_cursor_read(cursor, seq, &record, &err);
        assert_true(code == PS_E_IO || (code == PS_OK && record_is_right(&record, seq)));
        errors += code != PS_OK;
    }
    assert_true(ps_journal_cursor_seek(cursor, 1, &err) == PS_OK || err.code == PS_E_IO);
    for (uint64_t seq = 1; seq <= acked;) {
        ps_code code = ps_journal_cursor_next(cursor, &record, &err);
        assert_true(code == PS_OK || code == PS_E_IO);
        errors += code != PS_OK;
        if (code == PS_OK) {
            assert_true(record_is_right(&record, record.seq));
            seq = record.seq + 1;
        }
    }
    ps_journal_cursor_free(cursor);
    return errors;
}

static void a_failing_call_costs_a_reader_one_answer(void **state)
{
    (void)state;
    uint64_t acked = 0;
    bool reached = true;
    ps_sim *base = wide_journal(&acked);
    for (uint64_t step = 1; reached; step++) {
        ps_sim *sim = ps_sim_clone(base);
        ps_journal *journal = fx_open(ps_sim_io(sim), &wide);
        uint64_t at = ps_sim_steps(sim) + step;
        ps_sim_fail_at(sim, at, EIO, false, PS_SYNC_FAIL_DROPPED);
        uint32_t errors = read_all_ways(journal, acked);
        reached = ps_sim_steps(sim) >= at;
        assert_true(errors <= 1);
        ps_journal_close(journal);
        ps_sim_free(sim);
    }
    ps_sim_free(base);
    ps_journal_cursor_free(NULL);
}

static void a_failing_call_costs_the_scrub_one_step(void **state)
{
    (void)state;
    uint64_t acked = 0;
    bool reached = true;
    ps_sim *base = wide_journal(&acked);
    for (uint64_t step = 1; reached; step++) {
        ps_error err = {0};
        ps_sim *sim = ps_sim_clone(base);
        ps_journal *journal = fx_open(ps_sim_io(sim), &wide);
        uint64_t at = ps_sim_steps(sim) + step;
        ps_sim_fail_at(sim, at, EIO, false, PS_SYNC_FAIL_DROPPED);
        uint32_t errors = 0;
        for (bool wrapped = false; !wrapped;) {
            ps_code code = ps_journal_scrub_step(journal, 4096, &wrapped, &err);
            assert_true(code == PS_OK || code == PS_E_IO);
            errors += code != PS_OK;
        }
        reached = ps_sim_steps(sim) >= at;
        assert_int_equal(errors, reached);
        ps_journal_stats stats;
        ps_journal_get_stats(journal, &stats);
        assert_int_equal(stats.scrub_errors, 0);
        ps_journal_close(journal);
        ps_sim_free(sim);
    }
    ps_sim_free(base);
}

/* The first batch once more, with the seqs of the first and the place of the second. */
static void scrub_sees_a_whole_batch_that_was_there_before(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 9);
    for (uint32_t i = 0; i < 5; i++) {
        fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
        fx_must(fx_commit(c.journal, 5, &c.oracle, &c.err), &c.err);
    }
    size_t size = 0;
    char *bytes = fx_file_copy(c.sim, FX_SEG_1, &size);
    memcpy(bytes + 8192, bytes + 4096, 4096);
    ps_put_u32(bytes + 8192 + 84, 8192);
    ps_u128 hash = ps_xxh3_128(bytes + 8192 + 24, 4096 - 24);
    memcpy(bytes + 8192 + 8, &hash, sizeof hash);
    ps_put_u32(bytes + 8192 + 4, ps_crc32c(0, bytes + 8192 + 8, 88));
    assert_true(ps_sim_file_set(c.sim, FX_SEG_1, ps_slice_of(bytes, size)));
    bool wrapped = false;
    assert_int_equal(ps_journal_scrub_step(c.journal, 1 << 20, &wrapped, &c.err), PS_E_DAMAGED);
    assert_non_null(strstr(c.err.text, "batch out of sequence"));
    free(bytes);
    fx_case_release(&c);
}

/* ── the write side ── */

static void a_long_directory_name_is_refused(void **state)
{
    (void)state;
    char dir[PS_PATH_MAX];
    memset(dir, 'd', sizeof dir - 1);
    dir[sizeof dir - 1] = '\0';
    ps_error err = {0};
    fx_state s;
    fx_state_init(&s);
    ps_snapshot_writer *writer = NULL;
    uint64_t seq = 0;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    assert_int_equal(ps_journal_create(io, dir, &fx_small, &err), PS_E_INVALID);
    assert_int_equal(ps_journal_open(io, dir, &fx_small, 1, &journal, &recovery, &err),
                     PS_E_INVALID);
    assert_int_equal(ps_snapshot_begin(io, dir, &s.shape, 1, &writer, &err), PS_E_INVALID);
    assert_int_equal(ps_snapshot_load(io, dir, "snap-0000000000000001", &s.shape, &seq, &err),
                     PS_E_INVALID);
    ps_sim_free(sim);
    fx_state_release(&s);
}

static void the_first_error_is_the_one_that_a_journal_died_of(void **state)
{
    (void)state;
    ps_error first = {0};
    ps_error second = {0};
    ps_error told = {0};
    ps_sim *sim = fx_sim_with_journal(1);
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    (void)ps_error_set(&first, PS_E_IO, "first");
    (void)ps_error_set(&second, PS_E_SPACE, "second");
    assert_int_equal(ps_journal_die(journal, &first), PS_E_IO);
    assert_int_equal(ps_journal_die(journal, &second), PS_E_SPACE);
    assert_int_equal(ps_journal_check_alive(journal, &told), PS_E_IO);
    assert_string_equal(told.text, "first");
    ps_journal_close(journal);
    ps_sim_free(sim);
}

static void a_large_segment_is_filled_in_synced_steps(void **state)
{
    (void)state;
    static const ps_journal_options huge = {.segment_size = 20u << 20, .batch_size_max = 4096};
    ps_error err = {0};
    ps_sim *sim = ps_sim_new(1);
    fx_create(ps_sim_io(sim), &huge);
    ps_journal *journal = fx_open(ps_sim_io(sim), &huge);
    /* open, 20 MiB in writes of 64 KiB, two syncs between them, header, sync, rename, directory */
    uint64_t steps = ps_sim_steps(sim);
    fx_must(ps_journal_prepare(journal, &err), &err);
    assert_int_equal(ps_sim_steps(sim) - steps, 1 + 320 + 2 + 4);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

static void without_file_handles_a_segment_waits(void **state)
{
    (void)state;
    static const int numbers[] = {EMFILE, ENFILE};
    ps_error err = {0};
    for (size_t i = 0; i < 2; i++) {
        ps_sim *sim = fx_sim_with_journal(1);
        ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
        ps_sim_fail_at(sim, ps_sim_steps(sim) + 1, numbers[i], false, PS_SYNC_FAIL_DROPPED);
        assert_int_equal(ps_journal_prepare(journal, &err), PS_E_SPACE);
        fx_must(ps_journal_prepare(journal, &err), &err);
        ps_journal_close(journal);
        ps_sim_free(sim);
    }
}

static void more_segments_than_the_table_held_at_first(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 1);
    ps_journal_stats stats = {0};
    while (stats.segments < 70) {
        fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
        fx_must(fx_commit(c.journal, 1, &c.oracle, &c.err), &c.err);
        ps_journal_get_stats(c.journal, &stats);
    }
    assert_true(fx_read_all(c.journal, &c.err));
    fx_case_release(&c);
}

static void what_a_cut_creation_left_is_cleared(void **state)
{
    (void)state;
    ps_error err = {0};
    ps_sim *sim = ps_sim_new(1);
    fx_make_dir(ps_sim_io(sim), FX_DIR);
    assert_true(ps_sim_file_set(sim, FX_DIR "/next.tmp", PS_SLICE("half")));
    assert_true(ps_sim_file_set(sim, FX_WATERMARK, PS_SLICE("half")));
    fx_must(ps_journal_create(ps_sim_io(sim), FX_DIR, &fx_small, &err), &err);
    ps_journal_close(fx_open(ps_sim_io(sim), &fx_small));
    ps_sim_free(sim);
}

/* Two full batches take a whole segment: a seal in the next one would leave no room for the second.
 */
static void a_seal_does_not_take_the_room_of_promised_batches(void **state)
{
    (void)state;
    static const ps_journal_options tight = {.segment_size = 20480, .batch_size_max = 8192};
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal_stats stats;
    ps_sim *sim = ps_sim_new(1);
    fx_create(ps_sim_io(sim), &tight);
    ps_journal *journal = fx_open(ps_sim_io(sim), &tight);
    fx_must(ps_journal_prepare(journal, &err), &err);
    for (uint32_t i = 0; i < 2; i++) {
        fx_must(fx_commit(journal, 1000, &oracle, &err), &err);
    }
    fx_must(ps_journal_seal(journal, false, &err), &err);
    ps_journal_get_stats(journal, &stats);
    assert_int_equal(stats.seals, 0);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

/* ── opening ── */

static void an_unreadable_watermark_without_segments_is_no_missing_journal(void **state)
{
    (void)state;
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_sim *base = fx_sim_with_journal(1);
    assert_true(ps_sim_file_remove(base, FX_SEG_1));
    bool reached = true;
    for (uint64_t step = 1; reached; step++) {
        ps_sim *sim = ps_sim_clone(base);
        uint64_t at = ps_sim_steps(sim) + step;
        ps_sim_fail_at(sim, at, EIO, false, PS_SYNC_FAIL_DROPPED);
        ps_code code =
            ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_small, 1, &journal, &recovery, &err);
        reached = ps_sim_steps(sim) >= at;
        assert_int_equal(code, reached ? PS_E_IO : PS_E_MISSING);
        ps_sim_free(sim);
    }
    ps_sim_free(base);
}

/* The window over a file is smaller than the batch that crosses its end. */
static void a_read_error_inside_of_a_large_batch_is_no_end(void **state)
{
    (void)state;
    static const ps_journal_options large = {.segment_size = 4u << 20, .batch_size_max = 1500000};
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_sim *base = ps_sim_new(1);
    fx_create(ps_sim_io(base), &large);
    journal = fx_open(ps_sim_io(base), &large);
    for (uint32_t i = 0; i < 2; i++) {
        ps_record_batch *batch = ps_journal_batch(journal);
        for (uint32_t k = 0; k < 7; k++) {
            char *at = ps_record_batch_reserve(batch, 200000);
            assert_non_null(at);
            memset(at, (int)k, 200000);
            (void)ps_record_batch_append(batch, 1, 200000);
        }
        fx_must(ps_journal_commit(journal, ps_journal_batch_close(journal), &err), &err);
    }
    ps_journal_close(journal);
    bool reached = true;
    for (uint64_t step = 1; reached; step++) {
        ps_sim *sim = ps_sim_clone(base);
        journal = NULL;
        uint64_t at = ps_sim_steps(sim) + step;
        ps_sim_fail_at(sim, at, EIO, false, PS_SYNC_FAIL_DROPPED);
        ps_code code =
            ps_journal_open(ps_sim_io(sim), FX_DIR, &large, 1, &journal, &recovery, &err);
        reached = ps_sim_steps(sim) >= at;
        assert_int_equal(code, reached ? PS_E_IO : PS_OK);
        ps_journal_close(journal);
        ps_sim_free(sim);
    }
    ps_sim_free(base);
}

/* The zeros of a file that lost them, under failing calls and for a reader. */
static void a_short_file_gets_its_zeros_or_does_not_open(void **state)
{
    (void)state;
    ps_error err = {0};
    ps_journal_recovery recovery;
    ps_slice bytes;
    ps_sim *base = fx_sim_with_journal(1);
    ps_journal *first = fx_open(ps_sim_io(base), &fx_small);
    fx_must(ps_journal_prepare(first, &err), &err);
    ps_journal_close(first);
    assert_true(ps_sim_file_get(base, FX_SEG_1, &bytes));
    assert_true(ps_sim_file_set(base, FX_SEG_1, ps_slice_of(bytes.data, 5000)));
    assert_true(ps_sim_file_get(base, FX_SEG_2, &bytes));
    assert_true(ps_sim_file_set(base, FX_SEG_2, ps_slice_of(bytes.data, 5000)));
    bool reached = true;
    for (uint64_t step = 1; reached; step++) {
        ps_sim *sim = ps_sim_clone(base);
        ps_journal *journal = NULL;
        uint64_t at = ps_sim_steps(sim) + step;
        ps_sim_fail_at(sim, at, EIO, false, PS_SYNC_FAIL_DROPPED);
        ps_code code =
            ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_small, 1, &journal, &recovery, &err);
        reached = ps_sim_steps(sim) >= at;
        assert_int_equal(code, reached ? PS_E_IO : PS_OK);
        ps_journal_close(journal);
        ps_sim_free(sim);
    }
    ps_journal_options reads = fx_small;
    reads.read_only = true;
    ps_journal_close(fx_open(ps_sim_io(base), &reads));
    assert_true(ps_sim_file_get(base, FX_SEG_1, &bytes));
    assert_int_equal(bytes.size, 5000);
    ps_sim_free(base);
}

/* Any batch fits into an empty segment: one without batches before one with bytes lost its own. */
static void an_empty_segment_before_one_with_bytes_is_refused(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        ps_error err = {0};
        fx_oracle oracle = {0};
        ps_journal *journal = NULL;
        ps_journal_recovery recovery;
        ps_sim *sim = fx_sim_with_journal(1);
        journal = fx_open(ps_sim_io(sim), &fx_small);
        fx_must(ps_journal_prepare(journal, &err), &err);
        for (uint32_t i = 0; i < 4; i++) {
            fx_must(fx_commit(journal, 5, &oracle, &err), &err);
        }
        ps_journal_close(journal);
        size_t size = 0;
        char *bytes = fx_file_copy(sim, FX_SEG_1, &size);
        memset(bytes + 4096, 0, size - 4096);
        assert_true(ps_sim_file_set(sim, FX_SEG_1, ps_slice_of(bytes, size)));
        free(bytes);
        assert_true(whole == 1 || ps_sim_file_flip(sim, FX_SEG_2, 8 * 4100));
        assert_int_equal(
            ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_small, 1, &journal, &recovery, &err),
            PS_E_DAMAGED);
        assert_non_null(strstr(err.text, "a later segment has data"));
        ps_sim_free(sim);
    }
}

/* ── snapshots ── */

static ps_sim *sim_with_snapshots(void)
{
    ps_sim *sim = ps_sim_new(4);
    fx_make_dir(ps_sim_io(sim), FX_SNAPSHOTS);
    return sim;
}

static void names_that_are_nearly_those_of_snapshots_are_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {
        "snip-0123456789abcdef",     "snap-000000000000000G",     "snap-000000000000000g",
        "snap-000000000000000/",     "snap-000000000000000:",     "snap-00000000000000001",
        "snap-0000000000000001.bak", "snip-0000000000000001.tmp", "snap-0000000000000001.tmpx",
    };
    fx_shelf c;
    fx_shelf_init(&c, 4);
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint64_t seq = 0;
        char path[PS_PATH_MAX];
        snprintf(path, sizeof path, FX_SNAPSHOTS "/%s", names[i]);
        assert_true(strchr(names[i], '/') != NULL ||
                    ps_sim_file_set(c.sim, path, PS_SLICE("bytes")));
        assert_int_equal(ps_snapshot_load(c.io, FX_SNAPSHOTS, names[i], &c.s.shape, &seq, &c.err),
                         PS_E_INVALID);
    }
    /* directories with right names */
    fx_must(ps_io_make_dir(c.io, FX_SNAPSHOTS "/snap-0000000000000003", &c.err), &c.err);
    fx_must(ps_io_make_dir(c.io, FX_SNAPSHOTS "/snap-0000000000000003.tmp", &c.err), &c.err);
    fx_must(ps_snapshot_list(c.io, FX_SNAPSHOTS, entries, &count, &c.err), &c.err);
    assert_int_equal(count, 0);
    ps_dir_entry before[32];
    size_t before_count = 0;
    fx_must(ps_io_list(c.io, FX_SNAPSHOTS, before, 32, &before_count, &c.err), &c.err);
    fx_must(ps_snapshot_prune(c.io, FX_SNAPSHOTS, &c.err), &c.err);
    size_t after_count = 0;
    fx_must(ps_io_list(c.io, FX_SNAPSHOTS, before, 32, &after_count, &c.err), &c.err);
    assert_int_equal(before_count, after_count);
    fx_shelf_release(&c);
}

static void only_so_many_snapshots_are_listed(void **state)
{
    (void)state;
    ps_error err = {0};
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 0;
    ps_sim *sim = sim_with_snapshots();
    for (uint32_t i = 1; i <= PS_SNAPSHOT_ENTRIES_MAX + 3; i++) {
        char path[PS_PATH_MAX];
        snprintf(path, sizeof path, FX_SNAPSHOTS "/snap-%016x", i);
        assert_true(ps_sim_file_set(sim, path, PS_SLICE("bytes")));
    }
    fx_must(ps_snapshot_list(ps_sim_io(sim), FX_SNAPSHOTS, entries, &count, &err), &err);
    assert_int_equal(count, PS_SNAPSHOT_ENTRIES_MAX);
    assert_int_equal(entries[0].seq, PS_SNAPSHOT_ENTRIES_MAX + 3);
    ps_sim_free(sim);
}

static void a_large_snapshot_is_synced_on_the_way_and_done_once(void **state)
{
    (void)state;
    ps_error err = {0};
    ps_region region;
    ps_region *list[] = {&region};
    const ps_snapshot_shape shape = {.regions = list, .region_count = 1, .layout_version = 1};
    const uint64_t size = UINT64_C(200) * PS_REGION_CHUNK;
    fx_must(ps_region_init(&region, "state", 2 * size, &err), &err);
    memset(ps_region_extend(&region, size), 7, size);
    ps_sim *sim = sim_with_snapshots();
    ps_snapshot_writer *writer = NULL;
    fx_must(ps_snapshot_begin(ps_sim_io(sim), FX_SNAPSHOTS, &shape, 5, &writer, &err), &err);
    bool done = false;
    while (!done) {
        (void)!ps_snapshot_take_chunks(writer, 16);
        fx_must(ps_snapshot_write_chunks(writer, &done, &err), &err);
    }
    /* asked again, both sides say that it is done */
    uint64_t steps = ps_sim_steps(sim);
    assert_true(ps_snapshot_take_chunks(writer, 16));
    done = false;
    fx_must(ps_snapshot_write_chunks(writer, &done, &err), &err);
    assert_true(done);
    assert_int_equal(ps_sim_steps(sim), steps);
    ps_snapshot_end(writer);
    ps_snapshot_end(NULL);
    ps_sim_free(sim);
    ps_region_release(&region);
}

/* A left-over that cannot be removed, a file that says its own wrong size, a check that fills
 * nothing. */
static void what_stands_in_the_way_of_a_snapshot_is_said(void **state)
{
    (void)state;
    static const uint64_t sizes[FX_REGIONS] = {100, 0, 0};
    const char *path = FX_SNAPSHOTS "/snap-0000000000000009";
    fx_shelf c;
    fx_shelf_init(&c, 4);
    fx_state_fill(&c.s, sizes, 1);
    ps_snapshot_writer *writer = NULL;
    assert_true(ps_sim_file_set(c.sim, FX_SNAPSHOTS "/snap-0000000000000009.tmp", PS_SLICE("x")));
    ps_sim_fail_at(c.sim, ps_sim_steps(c.sim) + 2, EIO, false, PS_SYNC_FAIL_DROPPED);
    assert_int_equal(ps_snapshot_begin(c.io, FX_SNAPSHOTS, &c.s.shape, 9, &writer, &c.err),
                     PS_E_IO);
    fx_must(fx_snapshot(c.io, &c.s, 9, &c.err), &c.err);
    size_t size = 0;
    char *bytes = fx_file_copy(c.sim, path, &size);
    char *trailer = bytes + size - 4096;
    ps_put_u64(trailer + 24, size + 1);
    ps_put_u32(trailer + 8, ps_crc32c(0, trailer + 12, 4096 - 12));
    bytes[size] = 0; /* fx_file_copy has a byte to spare */
    assert_true(ps_sim_file_set(c.sim, path, ps_slice_of(bytes, size + 1)));
    uint64_t seq = 0;
    c.s.shape.regions = NULL;
    assert_int_equal(
        ps_snapshot_load(c.io, FX_SNAPSHOTS, "snap-0000000000000009", &c.s.shape, &seq, &c.err),
        PS_E_DAMAGED);
    assert_non_null(strstr(c.err.text, "file size"));
    free(bytes);
    fx_shelf_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_call_costs_a_reader_one_answer),
        cmocka_unit_test(a_failing_call_costs_the_scrub_one_step),
        cmocka_unit_test(scrub_sees_a_whole_batch_that_was_there_before),
        cmocka_unit_test(a_long_directory_name_is_refused),
        cmocka_unit_test(the_first_error_is_the_one_that_a_journal_died_of),
        cmocka_unit_test(a_large_segment_is_filled_in_synced_steps),
        cmocka_unit_test(without_file_handles_a_segment_waits),
        cmocka_unit_test(more_segments_than_the_table_held_at_first),
        cmocka_unit_test(what_a_cut_creation_left_is_cleared),
        cmocka_unit_test(a_seal_does_not_take_the_room_of_promised_batches),
        cmocka_unit_test(an_unreadable_watermark_without_segments_is_no_missing_journal),
        cmocka_unit_test(a_read_error_inside_of_a_large_batch_is_no_end),
        cmocka_unit_test(a_short_file_gets_its_zeros_or_does_not_open),
        cmocka_unit_test(an_empty_segment_before_one_with_bytes_is_refused),
        cmocka_unit_test(names_that_are_nearly_those_of_snapshots_are_left_alone),
        cmocka_unit_test(only_so_many_snapshots_are_listed),
        cmocka_unit_test(a_large_snapshot_is_synced_on_the_way_and_done_once),
        cmocka_unit_test(what_stands_in_the_way_of_a_snapshot_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
