/* Files of format version 1 stay in tests/golden/journal and must load for ever; the same seed must
 * write the same bytes again. PS_GOLDEN_WRITE=1 writes them anew (only for a new version). */
#include "snapshot_fixture.h"

#define GOLDEN "tests/golden/journal/v1/"

static const struct {
    const char *sim_path, *file;
} golden[] = {
    {FX_DIR "/seg-0000000000000001", "seg-0000000000000001"},
    {FX_DIR "/seg-0000000000000002", "seg-0000000000000002"},
    {FX_DIR "/seg-0000000000000003", "seg-0000000000000003"},
    {FX_DIR "/watermark", "watermark"},
    {FX_SNAPSHOTS "/snap-0000000000000014", "snap-0000000000000014"},
};
enum { GOLDEN_COUNT = sizeof golden / sizeof golden[0], GOLDEN_RECORDS = 25 };
static const uint64_t golden_sizes[FX_REGIONS] = {300, 0, 2001};

static char *golden_read(const char *file, size_t *out_size)
{
    char path[200];
    snprintf(path, sizeof path, GOLDEN "%s", file);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        fail_msg("cannot open %s", path);
    }
    char *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    *out_size = fread(bytes, 1, 1 << 20, stream);
    fclose(stream);
    return bytes;
}

/* 5 batches of 5 records, a snapshot after 20, seal and watermark. */
static ps_sim *golden_make(void)
{
    ps_sim *sim = fx_sim_with_journal(2026);
    ps_io *io = ps_sim_io(sim);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_state s;
    fx_state_init(&s);
    fx_state_fill(&s, golden_sizes, 20);
    ps_journal *journal = fx_open(io, &fx_small);
    s.shape.instance = ps_journal_instance(journal);
    for (uint32_t i = 0; i < 5; i++) {
        fx_must(ps_journal_prepare(journal, &err), &err);
        fx_must(fx_commit(journal, 5, &oracle, &err), &err);
        if (i == 3) {
            fx_must(fx_snapshot(io, &s, oracle.acked, &err), &err);
        }
    }
    fx_must(ps_journal_prepare(journal, &err), &err);
    fx_must(ps_journal_seal(journal, true, &err), &err);
    ps_journal_close(journal);
    fx_state_release(&s);
    assert_int_equal(oracle.acked, GOLDEN_RECORDS);
    return sim;
}

static void the_same_seed_writes_the_same_bytes(void **state)
{
    (void)state;
    ps_sim *sim = golden_make();
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        ps_slice bytes;
        assert_true(ps_sim_file_get(sim, golden[i].sim_path, &bytes));
        if (getenv("PS_GOLDEN_WRITE") != NULL) {
            char path[200];
            snprintf(path, sizeof path, GOLDEN "%s", golden[i].file);
            FILE *stream = fopen(path, "wb");
            assert_non_null(stream);
            assert_int_equal(fwrite(bytes.data, 1, bytes.size, stream), bytes.size);
            assert_int_equal(fclose(stream), 0);
        }
        size_t size = 0;
        char *stored = golden_read(golden[i].file, &size);
        assert_int_equal(size, bytes.size);
        assert_memory_equal(stored, bytes.data, size);
        free(stored);
    }
    ps_sim_free(sim);
}

static void files_of_version_1_load(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    fx_make_dir(io, FX_DIR);
    fx_make_dir(io, FX_SNAPSHOTS);
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        size_t size = 0;
        char *bytes = golden_read(golden[i].file, &size);
        assert_true(ps_sim_file_set(sim, golden[i].sim_path, ps_slice_of(bytes, size)));
        free(bytes);
    }
    ps_error err = {0};
    ps_journal *journal = fx_open(io, &fx_small);
    assert_int_equal(ps_journal_durable_seq(journal), GOLDEN_RECORDS);
    assert_true(fx_read_all(journal, &err));
    fx_state s;
    fx_state_init(&s);
    s.shape.instance = ps_journal_instance(journal);
    fx_state_fill(&s, golden_sizes, 20);
    ps_u128 hash = fx_state_hash(&s);
    for (uint32_t i = 0; i < FX_REGIONS; i++) {
        ps_region_clear(&s.region[i]);
    }
    uint64_t seq = 0;
    fx_must(ps_snapshot_load(io, FX_SNAPSHOTS, "snap-0000000000000014", &s.shape, &seq, &err),
            &err);
    assert_int_equal(seq, 20);
    assert_true(ps_u128_equal(fx_state_hash(&s), hash));
    fx_state_release(&s);
    ps_journal_close(journal);
    ps_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_writes_the_same_bytes),
        cmocka_unit_test(files_of_version_1_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
