/* Damage at rest (FAULTS §2.4) and the misses of other logs, by name. */
#include "harness.h"

/* D1, every bit of every file with PS_FULL=1. With the watermark and with the seal alone. */
static void any_flipped_bit_of_a_64_kib_journal_is_harmless_or_refused(void **state)
{
    (void)state;
    fx_verdict verdict = {0};
    uint64_t stride = fx_full() ? 1 : 53;
    fx_flip_bits(FX_SEG_1, false, stride, &verdict);
    fx_flip_bits(FX_SEG_1, true, stride, &verdict);
    fx_flip_bits(FX_WATERMARK, true, stride, &verdict);
    fx_flip_bits(FX_SEG_2, true, 11 * stride, &verdict);
    fx_must_be_good(&verdict);
}

static void two_flipped_bits_are_harmless_or_refused(void **state)
{
    (void)state;
    fx_verdict verdict = {0};
    uint64_t acked = 0;
    ps_sim *sim = fx_sealed_64k(true, &acked);
    for (uint32_t i = 0; i < (fx_full() ? 1000000u : 5000u) && !verdict.bad; i++) {
        ps_sim *image = ps_sim_clone(sim);
        char what[80];
        uint64_t a = ps_sim_draw(sim, 65536 * 8);
        uint64_t b = ps_sim_draw(sim, 65536 * 8);
        snprintf(what, sizeof what, "bits %llu %llu", (unsigned long long)a, (unsigned long long)b);
        (void)ps_sim_file_flip(image, FX_SEG_1, a);
        (void)ps_sim_file_flip(image, FX_SEG_1, b);
        fx_check_damaged(image, &fx_64k, acked, what, &verdict);
        ps_sim_free(image);
    }
    fx_must_be_good(&verdict);
    ps_sim_free(sim);
}

/* D2 */
static void a_file_cut_at_any_byte_is_harmless_or_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {FX_SEG_1, FX_SEG_2, FX_WATERMARK};
    fx_verdict verdict = {0};
    uint64_t acked = 0;
    uint64_t stride = fx_full() ? 1 : 37;
    ps_sim *sim = fx_sealed_64k(true, &acked);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        size_t size = 0;
        char *bytes = fx_file_copy(sim, paths[i], &size);
        for (size_t cut = 0; cut < size && !verdict.bad; cut += stride) {
            ps_sim *image = ps_sim_clone(sim);
            char what[80];
            snprintf(what, sizeof what, "%s cut at %zu", paths[i], cut);
            assert_true(ps_sim_file_set(image, paths[i], ps_slice_of(bytes, cut)));
            fx_check_damaged(image, &fx_64k, acked, what, &verdict);
            ps_sim_free(image);
        }
        free(bytes);
    }
    fx_must_be_good(&verdict);
    ps_sim_free(sim);
}

/* D1: sectors of zeros, of ones, of noise; D3: sectors swapped. */
static void damaged_or_swapped_sectors_are_harmless_or_refused(void **state)
{
    (void)state;
    fx_verdict verdict = {0};
    uint64_t acked = 0;
    ps_sim *sim = fx_sealed_64k(true, &acked);
    size_t size = 0;
    char *bytes = fx_file_copy(sim, FX_SEG_1, &size);
    static const uint32_t sectors[] = {512, 4096};
    for (size_t u = 0; u < 2; u++) {
        uint32_t unit = sectors[u];
        for (size_t at = 0; at < size && !verdict.bad; at += unit) {
            for (int kind = 0; kind < 4; kind++) {
                char *damaged = malloc(size);
                memcpy(damaged, bytes, size);
                size_t other = ps_sim_draw(sim, size / unit) * unit;
                if (kind < 3) {
                    memset(damaged + at, kind == 0 ? 0 : kind == 1 ? 0xFF : (int)at, unit);
                } else {
                    memcpy(damaged + at, bytes + other, unit);
                    memcpy(damaged + other, bytes + at, unit);
                }
                char what[80];
                snprintf(what, sizeof what, "sector %zu of %u, kind %d", at, unit, kind);
                ps_sim *image = ps_sim_clone(sim);
                assert_true(ps_sim_file_set(image, FX_SEG_1, ps_slice_of(damaged, size)));
                fx_check_damaged(image, &fx_64k, acked, what, &verdict);
                ps_sim_free(image);
                free(damaged);
            }
        }
    }
    free(bytes);
    fx_must_be_good(&verdict);
    ps_sim_free(sim);
}

/* A journal of several small segments, sealed. */
static ps_sim *several_segments(uint64_t seed, uint64_t *out_acked)
{
    ps_sim *sim = fx_sim_with_journal(seed);
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    for (uint32_t i = 0; i < 8; i++) {
        fx_must(ps_journal_prepare(journal, &err), &err);
        fx_must(fx_commit(journal, 5, &oracle, &err), &err);
    }
    fx_must(ps_journal_seal(journal, true, &err), &err);
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    *out_acked = oracle.acked;
    return sim;
}

static void must_refuse(ps_sim *sim, const char *text)
{
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_code code = ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_small, 1, &journal, &recovery, &err);
    assert_int_equal(code, PS_E_DAMAGED);
    if (strstr(err.text, text) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", text, err.text);
    }
}

/* D3, D4: one row each. `from` of image "b" (another journal) or "a" (itself) goes over `to`; NULL
 * removes. */
static void misplaced_missing_and_foreign_files_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *text;
        bool foreign;
    } rows[] = {
        {FX_SEG_1, FX_SEG_2, "seg-0000000000000002: damaged at offset 0", false},
        {FX_SEG_2, FX_SEG_1, "seg-0000000000000001: damaged at offset 0", false},
        {FX_SEG_1, FX_SEG_1, "segment of another journal", true},
        {FX_SEG_2, FX_SEG_2, "segment of another journal", true},
        {FX_WATERMARK, FX_WATERMARK, "segment of another journal", true},
        {NULL, FX_SEG_1, "seg-0000000000000001 should come first", false},
        {NULL, FX_SEG_2, "seg-0000000000000002 should come first", false},
        {NULL, FX_WATERMARK, "watermark is missing", false},
        {FX_SEG_1, FX_DIR "/seg-00000000000000ff", "should come first", false},
        {FX_SEG_1, FX_DIR "/seg-1", "should come first", false},
        {FX_SEG_1, FX_DIR "/notes.txt", "notes.txt does not belong to a journal", false},
    };
    uint64_t acked = 0;
    ps_sim *other = several_segments(77, &acked);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ps_sim *sim = several_segments(5, &acked);
        if (rows[i].from == NULL) {
            assert_true(ps_sim_file_remove(sim, rows[i].to));
        } else {
            size_t size = 0;
            char *bytes = fx_file_copy(rows[i].foreign ? other : sim, rows[i].from, &size);
            assert_true(ps_sim_file_set(sim, rows[i].to, ps_slice_of(bytes, size)));
            free(bytes);
        }
        must_refuse(sim, rows[i].text);
        ps_sim_free(sim);
    }
    ps_sim_free(other);
}

static void a_missing_last_segment_is_refused(void **state)
{
    (void)state;
    uint64_t acked = 0;
    ps_sim *sim = several_segments(5, &acked);
    /* 8 batches, 3 a segment: 3 holds data, 4 may be prepared */
    (void)ps_sim_file_remove(sim, FX_DIR "/seg-0000000000000004");
    assert_true(ps_sim_file_remove(sim, FX_SEG_3));
    must_refuse(sim, "the watermark proves that it was synced");
    assert_true(ps_sim_file_remove(sim, FX_SEG_1));
    assert_true(ps_sim_file_remove(sim, FX_SEG_2));
    must_refuse(sim, "all segments are missing");
    ps_sim_free(sim);
}

static void a_newer_format_is_named_as_such(void **state)
{
    (void)state;
    uint64_t acked = 0;
    ps_sim *sim = several_segments(5, &acked);
    size_t size = 0;
    char *bytes = fx_file_copy(sim, FX_SEG_1, &size);
    ps_segment_header header;
    assert_null(ps_page_decode(bytes, PS_SEGMENT_MAGIC, &header, sizeof header));
    header.version = PS_JOURNAL_VERSION + 1;
    ps_page_encode(&header, sizeof header, bytes);
    assert_true(ps_sim_file_set(sim, FX_SEG_1, ps_slice_of(bytes, size)));
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    assert_int_equal(
        ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_small, 1, &journal, &recovery, &err),
        PS_E_VERSION);
    free(bytes);
    ps_sim_free(sim);
}

/* ── by name ── */

/* Without seal and watermark, the last batch's bytes from `keep` on replaced by zeros. */
static ps_sim *torn_last_batch(uint32_t keep, uint64_t *out_acked)
{
    ps_sim *sim = fx_sim_with_journal(9);
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
    fx_must(fx_commit(journal, 5, &oracle, &err), &err);
    fx_must(fx_commit(journal, 5, &oracle, &err), &err);
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    size_t size = 0;
    char *bytes = fx_file_copy(sim, FX_SEG_1, &size);
    memset(bytes + 8192 + keep, 0, 4096 - keep);
    assert_true(ps_sim_file_set(sim, FX_SEG_1, ps_slice_of(bytes, size)));
    free(bytes);
    *out_acked = 5;
    return sim;
}

/* etcd#5230: zeros of the preallocated file behind a tear look like records; redis#5177: real
 * power-cut damage must open; redis#587: nothing of the short write stays in place. */
static void miss_a_tear_in_preallocated_zeros_opens_and_is_cleaned(void **state)
{
    (void)state;
    fx_verdict verdict = {0};
    for (uint32_t keep = 0; keep < 1000 && !verdict.bad; keep += fx_full() ? 1 : 13) {
        uint64_t acked = 0;
        ps_sim *sim = torn_last_batch(keep, &acked);
        fx_oracle oracle = {acked, acked};
        char what[80];
        snprintf(what, sizeof what, "%u bytes of the last batch", keep);
        ps_sim *image = ps_sim_clone(sim);
        fx_check_image(image, &oracle, what, &verdict);
        ps_sim_free(image);
        ps_journal_close(fx_open(ps_sim_io(sim), &fx_small));
        ps_slice bytes;
        assert_true(ps_sim_file_get(sim, FX_SEG_1, &bytes));
        assert_true(ps_is_zero(bytes.data + 8192, bytes.size - 8192));
        ps_sim_free(sim);
    }
    fx_must_be_good(&verdict);
}

/* etcd#4903, #4930: after a restart the writer began at offset 0 again. */
static void miss_the_end_offset_survives_a_restart(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 9);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(ps_journal_next_seq(c.journal), c.oracle.acked + 1);
        fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
        fx_must(fx_commit(c.journal, 2, &c.oracle, &c.err), &c.err);
        assert_true(fx_read_all(c.journal, &c.err));
        fx_case_close(&c);
        ps_sim_crash(c.sim, PS_SURVIVE_NONE);
        c.journal = fx_open(c.io, &fx_small);
    }
    fx_case_release(&c);
}

/* etcd#2736, #3186: the repair found the same end of file again and again. */
static void miss_a_repaired_journal_needs_no_second_repair(void **state)
{
    (void)state;
    for (uint32_t keep = 1; keep < 300; keep += 50) {
        uint64_t acked = 0;
        ps_sim *sim = torn_last_batch(keep, &acked);
        for (uint32_t turn = 0; turn < 2; turn++) {
            ps_error err = {0};
            ps_journal *journal = NULL;
            ps_journal_recovery recovery;
            fx_must(
                ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_small, 1, &journal, &recovery, &err),
                &err);
            assert_int_equal(recovery.torn_bytes != 0, turn == 0);
            assert_int_equal(recovery.last_seq, acked);
            ps_journal_close(journal);
        }
        ps_sim_free(sim);
    }
}

/* rocksdb#7701: a log cut at an exact boundary, followed by another log, was a silent hole. */
static void miss_a_whole_batch_gone_before_a_later_segment_is_refused(void **state)
{
    (void)state;
    uint64_t acked = 0;
    ps_sim *sim = several_segments(5, &acked);
    size_t size = 0;
    char *bytes = fx_file_copy(sim, FX_SEG_1, &size);
    memset(bytes + size - 4096, 0, 4096);
    assert_true(ps_sim_file_set(sim, FX_SEG_1, ps_slice_of(bytes, size)));
    must_refuse(sim, "seg-0000000000000001: damaged at offset 12288");
    assert_true(ps_sim_file_set(sim, FX_SEG_1, ps_slice_of(bytes, size - 4096)));
    must_refuse(sim, "seg-0000000000000001: damaged at offset 12288");
    free(bytes);
    ps_sim_free(sim);
}

/* etcd#6515, #11488: sectors of zeros in the middle of a record. */
static void miss_zeros_inside_a_record_are_refused(void **state)
{
    (void)state;
    uint64_t acked = 0;
    ps_sim *sim = fx_sealed_64k(false, &acked);
    size_t size = 0;
    char *bytes = fx_file_copy(sim, FX_SEG_1, &size);
    memset(bytes + 8192 + 512, 0, 512);
    assert_true(ps_sim_file_set(sim, FX_SEG_1, ps_slice_of(bytes, size)));
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    assert_int_equal(ps_journal_open(ps_sim_io(sim), FX_DIR, &fx_64k, 1, &journal, &recovery, &err),
                     PS_E_DAMAGED);
    free(bytes);
    ps_sim_free(sim);
}

/* D5 */
static void scrub_finds_a_flipped_bit_in_a_cold_segment_and_goes_on(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 9);
    for (uint32_t i = 0; i < 12; i++) {
        fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
        fx_must(fx_commit(c.journal, 5, &c.oracle, &c.err), &c.err);
    }
    bool wrapped = false;
    for (uint32_t i = 0; i < 100 && !wrapped; i++) {
        fx_must(ps_journal_scrub_step(c.journal, 4096, &wrapped, &c.err), &c.err);
    }
    assert_true(wrapped);
    assert_true(ps_sim_file_flip(c.sim, FX_SEG_2, 8 * 5000));
    uint32_t errors = 0;
    wrapped = false;
    for (uint32_t i = 0; i < 100 && !wrapped; i++) {
        ps_code code = ps_journal_scrub_step(c.journal, 4096, &wrapped, &c.err);
        assert_true(code == PS_OK || code == PS_E_DAMAGED);
        errors += code == PS_E_DAMAGED;
    }
    assert_true(wrapped);
    assert_int_equal(errors, 1);
    ps_journal_stats stats;
    ps_journal_get_stats(c.journal, &stats);
    assert_int_equal(stats.scrub_errors, 1);
    assert_true(stats.scrubbed_bytes >= 3 * 3 * 4096);
    assert_false(fx_read_all(c.journal, &c.err));
    fx_case_release(&c);
}

/* A bit flips while the journal is open: a reader gets the record or an error, and scrub finds it
 * wherever the cold segment holds data. */
static void a_bit_that_flips_while_open_gives_no_reader_a_wrong_record(void **state)
{
    (void)state;
    ps_sim *base = fx_sim_with_journal(9);
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal *journal = fx_open(ps_sim_io(base), &fx_small);
    for (uint32_t i = 0; i < 5; i++) {
        fx_must(ps_journal_prepare(journal, &err), &err);
        fx_must(fx_commit(journal, 5, &oracle, &err), &err);
    }
    fx_must(ps_journal_seal(journal, true, &err), &err);
    ps_journal_close(journal);
    char payload[4096];
    for (uint64_t bit = 0; bit < 16384 * 8; bit += fx_full() ? 1 : 61) {
        ps_sim *sim = ps_sim_clone(base);
        journal = fx_open(ps_sim_io(sim), &fx_small);
        assert_true(ps_sim_file_flip(sim, FX_SEG_1, bit));
        ps_journal_cursor *cursor = NULL;
        fx_must(ps_journal_cursor_new(journal, &cursor, &err), &err);
        for (uint64_t seq = 1; seq <= oracle.acked; seq++) {
            ps_record record;
            ps_code code = ps_journal_cursor_read(cursor, seq, &record, &err);
            assert_true(
                code == PS_E_DAMAGED ||
                (code == PS_OK && record.seq == seq && record.type == fx_type(seq) &&
                 ps_slice_equal(record.payload, ps_slice_of(payload, fx_payload(seq, payload)))));
        }
        bool wrapped = false;
        assert_int_equal(ps_journal_scrub_step(journal, 1 << 20, &wrapped, &err), PS_E_DAMAGED);
        ps_journal_cursor_free(cursor);
        ps_journal_close(journal);
        ps_sim_free(sim);
    }
    ps_sim_free(base);
}

/* Whole batches where they do not belong, data behind the end, files too long. */
static void whole_but_wrong_is_refused_even_without_a_witness(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        ps_sim *sim = fx_sim_with_journal(9);
        ps_error err = {0};
        fx_oracle oracle = {0};
        ps_journal *journal = fx_open(ps_sim_io(sim), &fx_small);
        fx_must(ps_journal_prepare(journal, &err), &err);
        for (uint32_t i = 0; i < 2; i++) {
            fx_must(fx_commit(journal, 5, &oracle, &err), &err);
        }
        ps_journal_close(journal);
        size_t size = 0;
        char *bytes = fx_file_copy(sim, FX_SEG_1, &size);
        size_t size_2 = 0;
        char *bytes_2 = fx_file_copy(sim, FX_SEG_2, &size_2);
        if (kind == 0) { /* the second batch, rightly stamped, in place of the first */
            memcpy(bytes + 4096, bytes + 8192, 4096);
            memset(bytes + 8192, 0, 4096);
            ps_put_u32(bytes + 4096 + 84, 4096);
            ps_u128 hash = ps_xxh3_128(bytes + 4096 + 24, 4096 - 24);
            memcpy(bytes + 4096 + 8, &hash, sizeof hash);
            ps_put_u32(bytes + 4096 + 4, ps_crc32c(0, bytes + 4096 + 8, 88));
        } else if (kind == 1) { /* a tear here and data in the next segment */
            bytes[8192 + 200] ^= 1;
            bytes_2[9000] = 1;
        } else {
            size++; /* fx_file_copy has a byte to spare */
            bytes[size - 1] = 0;
        }
        assert_true(ps_sim_file_set(sim, FX_SEG_1, ps_slice_of(bytes, size)));
        assert_true(ps_sim_file_set(sim, FX_SEG_2, ps_slice_of(bytes_2, size_2)));
        static const char *const texts[] = {"batch out of sequence", "a later segment has data",
                                            "longer than its header says"};
        must_refuse(sim, texts[kind]);
        free(bytes);
        free(bytes_2);
        ps_sim_free(sim);
    }
}

/* A seal carries no record, so what its successor says was durable before it ends one seq short: the
 * successor itself is the proof, for it was written after the seal's sync. */
static void a_rotten_seal_before_an_acknowledged_batch_is_refused(void **state)
{
    (void)state;
    fx_case c;
    fx_case_init(&c, 9);
    fx_must(ps_journal_prepare(c.journal, &c.err), &c.err);
    fx_must(fx_commit(c.journal, 5, &c.oracle, &c.err), &c.err);
    fx_must(ps_journal_seal(c.journal, false, &c.err), &c.err);
    fx_must(fx_commit(c.journal, 5, &c.oracle, &c.err), &c.err);
    fx_case_close(&c);
    ps_sim_crash(c.sim, PS_SURVIVE_NONE);
    assert_true(ps_sim_file_flip(c.sim, FX_SEG_1, 8 * 8192));
    must_refuse(c.sim, "a later batch proves that it was synced");
    fx_case_release(&c);
}

static void left_overs_and_directories_do_not_disturb(void **state)
{
    (void)state;
    uint64_t acked = 0;
    ps_sim *sim = several_segments(5, &acked);
    ps_error err = {0};
    assert_true(ps_sim_file_set(sim, FX_DIR "/next.tmp", PS_SLICE("half")));
    assert_true(ps_sim_file_set(sim, FX_DIR "/torn.tmp", PS_SLICE("half")));
    fx_must(ps_io_make_dir(ps_sim_io(sim), FX_DIR "/lost+found", &err), &err);
    ps_journal_options options = fx_small;
    options.read_only = true;
    ps_slice bytes;
    ps_journal_close(fx_open(ps_sim_io(sim), &options));
    assert_true(ps_sim_file_get(sim, FX_DIR "/next.tmp", &bytes));
    ps_journal_close(fx_open(ps_sim_io(sim), &fx_small));
    assert_false(ps_sim_file_get(sim, FX_DIR "/next.tmp", &bytes));
    assert_false(ps_sim_file_get(sim, FX_DIR "/torn.tmp", &bytes));
    ps_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_flipped_bit_of_a_64_kib_journal_is_harmless_or_refused),
        cmocka_unit_test(two_flipped_bits_are_harmless_or_refused),
        cmocka_unit_test(a_file_cut_at_any_byte_is_harmless_or_refused),
        cmocka_unit_test(damaged_or_swapped_sectors_are_harmless_or_refused),
        cmocka_unit_test(misplaced_missing_and_foreign_files_are_refused_by_name),
        cmocka_unit_test(a_missing_last_segment_is_refused),
        cmocka_unit_test(a_newer_format_is_named_as_such),
        cmocka_unit_test(miss_a_tear_in_preallocated_zeros_opens_and_is_cleaned),
        cmocka_unit_test(miss_the_end_offset_survives_a_restart),
        cmocka_unit_test(miss_a_repaired_journal_needs_no_second_repair),
        cmocka_unit_test(miss_a_whole_batch_gone_before_a_later_segment_is_refused),
        cmocka_unit_test(miss_zeros_inside_a_record_are_refused),
        cmocka_unit_test(a_bit_that_flips_while_open_gives_no_reader_a_wrong_record),
        cmocka_unit_test(whole_but_wrong_is_refused_even_without_a_witness),
        cmocka_unit_test(a_rotten_seal_before_an_acknowledged_batch_is_refused),
        cmocka_unit_test(left_overs_and_directories_do_not_disturb),
        cmocka_unit_test(scrub_finds_a_flipped_bit_in_a_cold_segment_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
