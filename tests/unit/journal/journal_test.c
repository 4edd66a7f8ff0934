/* The write side, cursors and scrub, without faults. */
#include <malloc.h>
#include <unistd.h>

#include "fixture.h"

static void what_was_committed_is_read_back_after_reopening(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_create(io, &fx_small);
    for (uint32_t round = 0; round < 5; round++) {
        ps_journal *journal = fx_open(io, &fx_small);
        assert_int_equal(ps_journal_durable_seq(journal), oracle.acked);
        for (uint32_t i = 0; i < 20; i++) {
            fx_must(ps_journal_prepare(journal, &err), &err);
            assert_true(ps_journal_has_room(journal));
            fx_must(fx_commit(journal, 1 + i, &oracle, &err), &err);
            assert_int_equal(oracle.acked, oracle.submitted);
            if (i % 5 == 0) {
                fx_must(ps_journal_seal(journal, round % 2 == 0, &err), &err);
            }
            assert_true(fx_read_all(journal, &err));
        }
        ps_journal_close(journal);
    }
    ps_sim_free(sim);
}

static void two_batches_are_in_flight_and_a_third_waits(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_create(ps_sim_io(sim), &fx_small);
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    fx_fill(journal, 2, &oracle);
    ps_record_batch *first = ps_journal_batch_close(journal);
    fx_fill(journal, 3, &oracle);
    assert_int_equal(ps_record_batch_count(ps_journal_batch(journal)), 3);
    assert_int_equal(ps_record_batch_last_seq(ps_journal_batch(journal)), 5);
    ps_record_batch *second = ps_journal_batch_close(journal);
    assert_null(ps_journal_batch(journal));
    assert_int_equal(ps_journal_durable_seq(journal), 0);
    fx_must(ps_journal_commit(journal, first, &err), &err);
    assert_int_equal(ps_journal_durable_seq(journal), 2);
    assert_ptr_equal(ps_journal_batch(journal), first);
    fx_must(ps_journal_commit(journal, second, &err), &err);
    assert_int_equal(ps_journal_durable_seq(journal), 5);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

static void a_full_batch_says_so_and_fits_its_segment(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_create(ps_sim_io(sim), &fx_small);
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    ps_record_batch *batch = ps_journal_batch(journal);
    assert_null(ps_record_batch_reserve(batch, 4096 - 96 - 40 + 1));
    char *at = ps_record_batch_reserve(batch, 4096 - 96 - 40);
    assert_non_null(at);
    memset(at, 7, 4096 - 96 - 40);
    (void)ps_record_batch_append(batch, 9, 4096 - 96 - 40);
    assert_null(ps_record_batch_reserve(batch, 0));
    fx_must(ps_journal_commit(journal, ps_journal_batch_close(journal), &err), &err);
    ps_journal_cursor *cursor = NULL;
    fx_must(ps_journal_cursor_new(journal, &cursor, &err), &err);
    ps_record record;
    fx_must(ps_journal_cursor_next(cursor, &record, &err), &err);
    assert_int_equal(record.payload.size, 4096 - 96 - 40);
    assert_int_equal(record.type, 9);
    assert_int_equal(ps_journal_cursor_next(cursor, &record, &err), PS_E_MISSING);
    ps_journal_cursor_free(cursor);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

/* A true answer covers two full batches: the one on its way and the one that fills. */
static void has_room_is_false_before_a_batch_could_fail(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal_options options = {.segment_size = 40960, .batch_size_max = 8192};
    fx_create(ps_sim_io(sim), &options);
    ps_journal *journal = fx_open(ps_sim_io(sim), &options);
    uint32_t sealed = 0;
    while (ps_journal_has_room(journal)) {
        fx_must(fx_commit(journal, 1, &oracle, &err), &err);
        fx_must(ps_journal_seal(journal, false, &err), &err);
        sealed++;
    }
    assert_true(sealed >= 2);
    fx_must(fx_commit(journal, 100, &oracle, &err), &err); /* one was committed since */
    fx_must(ps_journal_seal(journal, true, &err), &err);
    assert_false(ps_journal_has_room(journal));
    fx_must(ps_journal_prepare(journal, &err), &err);
    assert_true(ps_journal_has_room(journal));
    fx_must(fx_commit(journal, 100, &oracle, &err), &err);
    assert_true(fx_read_all(journal, &err));
    ps_journal_close(journal);
    ps_sim_free(sim);
}

static void a_seal_is_written_once_and_never_first(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal_stats stats;
    fx_create(ps_sim_io(sim), &fx_small);
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    fx_must(ps_journal_prepare(journal, &err), &err);
    fx_must(ps_journal_seal(journal, false, &err), &err);
    ps_journal_get_stats(journal, &stats);
    assert_int_equal(stats.seals, 0);
    fx_must(fx_commit(journal, 1, &oracle, &err), &err);
    fx_must(ps_journal_seal(journal, false, &err), &err);
    uint64_t steps = ps_sim_steps(sim);
    fx_must(ps_journal_seal(journal, false, &err), &err);
    assert_int_equal(ps_sim_steps(sim), steps);
    fx_must(ps_journal_seal(journal, true, &err), &err);
    assert_int_equal(ps_sim_steps(sim), steps + 2);
    ps_journal_get_stats(journal, &stats);
    assert_int_equal(stats.seals, 1);
    assert_int_equal(stats.batches, 2);
    assert_int_equal(stats.segments, 2);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

/* Many records in large batches, so that marks and the index are used. */
static void a_cursor_finds_any_record_of_large_batches(void **state)
{
    (void)state;
    ps_journal_options options = {.segment_size = 1 << 20, .batch_size_max = 256 * 1024};
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_create(ps_sim_io(sim), &options);
    ps_journal *journal = fx_open(ps_sim_io(sim), &options);
    for (uint32_t i = 0; i < 12; i++) {
        fx_must(ps_journal_prepare(journal, &err), &err);
        fx_must(fx_commit(journal, i % 3 == 0 ? 10 : 100000, &oracle, &err), &err);
    }
    for (uint32_t turn = 0; turn < 2; turn++) {
        ps_journal_cursor *cursor = NULL;
        fx_must(ps_journal_cursor_new(journal, &cursor, &err), &err);
        char payload[4096];
        for (uint32_t i = 0; i < 2000; i++) {
            uint64_t seq = 1 + ps_sim_draw(sim, oracle.acked);
            ps_record record;
            fx_must(ps_journal_cursor_read(cursor, seq, &record, &err), &err);
            assert_int_equal(record.seq, seq);
            assert_true(
                ps_slice_equal(record.payload, ps_slice_of(payload, fx_payload(seq, payload))));
        }
        ps_record record;
        assert_int_equal(ps_journal_cursor_read(cursor, 0, &record, &err), PS_E_MISSING);
        assert_int_equal(ps_journal_cursor_seek(cursor, oracle.acked + 1, &err), PS_E_MISSING);
        ps_journal_cursor_free(cursor);
        /* again with cold segments whose headers alone were read */
        ps_journal_close(journal);
        journal = NULL;
        ps_journal_recovery recovery;
        fx_must(ps_journal_open(ps_sim_io(sim), FX_DIR, &options, oracle.acked + 1, &journal,
                                &recovery, &err),
                &err);
    }
    bool wrapped = false;
    while (!wrapped) {
        fx_must(ps_journal_scrub_step(journal, 100000, &wrapped, &err), &err);
    }
    ps_journal_close(journal);
    ps_sim_free(sim);
}

/* What a cursor read ahead was zeros then. */
static void a_cursor_at_the_end_sees_what_is_committed_later(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_create(ps_sim_io(sim), &fx_small);
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    ps_journal_cursor *cursor = NULL;
    fx_must(ps_journal_cursor_new(journal, &cursor, &err), &err);
    ps_record record;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < 30; i++) {
        fx_must(ps_journal_prepare(journal, &err), &err);
        fx_must(fx_commit(journal, 1 + i % 4, &oracle, &err), &err);
        if (i % 4 == 3) {
            fx_must(ps_journal_seal(journal, false, &err), &err);
        }
        ps_code code;
        while ((code = ps_journal_cursor_next(cursor, &record, &err)) == PS_OK) {
            assert_int_equal(record.seq, ++seen);
        }
        assert_int_equal(code, PS_E_MISSING);
        assert_int_equal(seen, oracle.acked);
    }
    ps_journal_cursor_free(cursor);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

static void payloads_of_any_allowed_size_are_read_back(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0,     1,     7,      8,      65536 - 40, 65536,
                                     65537, 70000, 131072, 262143, 262144};
    ps_journal_options options = {.segment_size = 4 << 20, .batch_size_max = 1 << 20};
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_create(ps_sim_io(sim), &options);
    ps_journal *journal = fx_open(ps_sim_io(sim), &options);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *at = ps_record_batch_reserve(ps_journal_batch(journal), sizes[i]);
        assert_non_null(at);
        memset(at, (int)i + 1, sizes[i]);
        (void)ps_record_batch_append(ps_journal_batch(journal), 1, sizes[i]);
    }
    fx_must(ps_journal_commit(journal, ps_journal_batch_close(journal), &err), &err);
    ps_journal_close(journal);
    journal = fx_open(ps_sim_io(sim), &options);
    ps_journal_cursor *cursor = NULL;
    fx_must(ps_journal_cursor_new(journal, &cursor, &err), &err);
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            ps_record record;
            fx_must(turn == 0 ? ps_journal_cursor_next(cursor, &record, &err)
                              : ps_journal_cursor_read(cursor, i + 1, &record, &err),
                    &err);
            assert_int_equal(record.payload.size, sizes[i]);
            assert_true(sizes[i] == 0 || (record.payload.data[0] == (char)(i + 1) &&
                                          record.payload.data[sizes[i] - 1] == (char)(i + 1)));
        }
    }
    ps_journal_cursor_free(cursor);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

static void bad_sizes_are_refused_and_a_used_directory_is_not_taken(void **state)
{
    (void)state;
    static const ps_journal_options bad[] = {
        {.segment_size = 4096, .batch_size_max = 4096},
        {.segment_size = 16385, .batch_size_max = 4096},
        {.segment_size = 16384, .batch_size_max = 8192},
        {.segment_size = 16384, .batch_size_max = 100},
        {.segment_size = 1u << 31, .batch_size_max = 8192},
    };
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_make_dir(ps_sim_io(sim), FX_DIR);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ps_journal_create(ps_sim_io(sim), FX_DIR, &bad[i], &err), PS_E_INVALID);
    }
    fx_must(ps_journal_create(ps_sim_io(sim), FX_DIR, &fx_small, &err), &err);
    assert_int_equal(ps_journal_create(ps_sim_io(sim), FX_DIR, &fx_small, &err), PS_E_EXISTS);
    fx_make_dir(ps_sim_io(sim), "empty");
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    assert_int_equal(
        ps_journal_open(ps_sim_io(sim), "empty", &fx_small, 1, &journal, &recovery, &err),
        PS_E_MISSING);
    ps_sim_free(sim);
}

/* A journal of small segments opened with larger options goes on, with batches that still fit. */
static void segment_sizes_may_change_between_starts(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_error err = {0};
    fx_oracle oracle = {0};
    static const ps_journal_options options[] = {
        {.segment_size = 16384, .batch_size_max = 4096},
        {.segment_size = 131072, .batch_size_max = 32768},
        {.segment_size = 32768, .batch_size_max = 8192},
    };
    fx_create(ps_sim_io(sim), &options[0]);
    for (uint32_t i = 0; i < 9; i++) {
        ps_journal *journal = fx_open(ps_sim_io(sim), &options[i % 3]);
        for (uint32_t k = 0; k < 4; k++) {
            fx_must(ps_journal_prepare(journal, &err), &err);
            fx_must(fx_commit(journal, 1000, &oracle, &err), &err);
        }
        assert_true(fx_read_all(journal, &err));
        ps_journal_close(journal);
    }
    ps_sim_free(sim);
}

/* E6. Sanitizers have their own allocator: there this only shows that it runs. */
static void append_and_commit_allocate_nothing(void **state)
{
    (void)state;
    char dir[] = "/tmp/ps-journal-XXXXXX";
    assert_non_null(mkdtemp(dir));
    ps_io *io = ps_io_posix();
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal_options options = {.segment_size = 1 << 20, .batch_size_max = 65536};
    fx_must(ps_journal_create(io, dir, &options, &err), &err);
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    fx_must(ps_journal_open(io, dir, &options, 1, &journal, &recovery, &err), &err);
    size_t before = mallinfo2().uordblks;
    for (uint32_t i = 0; i < 40; i++) {
        fx_must(fx_commit(journal, 20, &oracle, &err), &err);
        fx_must(ps_journal_seal(journal, i % 8 == 0, &err), &err);
    }
    assert_int_equal(mallinfo2().uordblks, before);
    ps_journal_close(journal);
    static const char *const names[] = {"seg-0000000000000001", "watermark"};
    for (size_t i = 0; i < 2; i++) {
        char path[PS_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        fx_must(ps_io_unlink(io, path, &err), &err);
    }
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_read_back_after_reopening),
        cmocka_unit_test(two_batches_are_in_flight_and_a_third_waits),
        cmocka_unit_test(a_full_batch_says_so_and_fits_its_segment),
        cmocka_unit_test(has_room_is_false_before_a_batch_could_fail),
        cmocka_unit_test(a_seal_is_written_once_and_never_first),
        cmocka_unit_test(a_cursor_finds_any_record_of_large_batches),
        cmocka_unit_test(a_cursor_at_the_end_sees_what_is_committed_later),
        cmocka_unit_test(payloads_of_any_allowed_size_are_read_back),
        cmocka_unit_test(bad_sizes_are_refused_and_a_used_directory_is_not_taken),
        cmocka_unit_test(segment_sizes_may_change_between_starts),
        cmocka_unit_test(append_and_commit_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
