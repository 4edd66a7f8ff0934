/* Snapshots: round trip, copy-on-write, damage, power cuts, failing calls. */
#include "snapshot_fixture.h"

static const uint64_t fx_sizes[FX_REGIONS] = {100, 3 * 65536 + 13, 0};
/* header + blocks + trailer are 64 KiB in all */
static const uint64_t fx_sizes_64k[FX_REGIONS] = {1000, 0, 65536 - 2 * 4096 - 2 * 48 - 1000};

static ps_code load(ps_io *io, fx_state *s, uint64_t seq, ps_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "snap-%016llx", (unsigned long long)seq);
    uint64_t out_seq = 0;
    for (uint32_t i = 0; i < FX_REGIONS; i++) {
        ps_region_clear(&s->region[i]);
    }
    return ps_snapshot_load(io, FX_SNAPSHOTS, name, &s->shape, &out_seq, err);
}

static void a_loaded_snapshot_is_what_was_frozen(void **state)
{
    (void)state;
    static const uint64_t shapes[][FX_REGIONS] = {
        {0, 0, 0},
        {1, 0, 0},
        {100, 3 * 65536 + 13, 0},
        {65536, 65536, 65536},
        {7, 1234567, 3000001},
    };
    ps_error err = {0};
    fx_state s;
    fx_state_init(&s);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        ps_sim *sim = ps_sim_new(i);
        fx_make_dir(ps_sim_io(sim), FX_SNAPSHOTS);
        fx_state_fill(&s, shapes[i], i);
        ps_u128 hash = fx_state_hash(&s);
        fx_must(fx_snapshot(ps_sim_io(sim), &s, 10 + i, &err), &err);
        fx_must(load(ps_sim_io(sim), &s, 10 + i, &err), &err);
        assert_true(ps_u128_equal(fx_state_hash(&s), hash));
        ps_sim_free(sim);
    }
    fx_state_release(&s);
}

static void changes_after_the_freeze_do_not_reach_the_snapshot(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 3);
    uint64_t sizes[FX_REGIONS] = {65536, 30 * 65536 + 5, 40 * 65536};
    fx_state_fill(&c.s, sizes, 1);
    ps_u128 hash = fx_state_hash(&c.s);
    ps_snapshot_writer *writer = NULL;
    fx_must(ps_snapshot_begin(c.io, FX_SNAPSHOTS, &c.s.shape, 5, &writer, &c.err), &c.err);
    bool done = false;
    for (uint64_t turn = 0; !done; turn++) {
        ps_region *region = c.s.list[turn % FX_REGIONS];
        char *at = region->data + turn * 9973 % region->size;
        ps_region_touch(region, at, 1);
        *at = (char)~*at;
        assert_non_null(ps_region_extend(region, 100));
        (void)!ps_snapshot_take_chunks(writer, 1);
        fx_must(ps_snapshot_write_chunks(writer, &done, &c.err), &c.err);
    }
    ps_snapshot_end(writer);
    fx_must(load(c.io, &c.s, 5, &c.err), &c.err);
    assert_true(ps_u128_equal(fx_state_hash(&c.s), hash));
    fx_shelf_release(&c);
}

static void taking_waits_for_a_full_buffer_to_be_written(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 3);
    uint64_t sizes[FX_REGIONS] = {40 * 65536, 40 * 65536, 0};
    fx_state_fill(&c.s, sizes, 1);
    ps_snapshot_writer *writer = NULL;
    fx_must(ps_snapshot_begin(c.io, FX_SNAPSHOTS, &c.s.shape, 5, &writer, &c.err), &c.err);
    assert_false(ps_snapshot_take_chunks(writer, 1000));
    bool done = false;
    fx_must(ps_snapshot_write_chunks(writer, &done, &c.err), &c.err);
    assert_false(done);
    assert_true(ps_snapshot_take_chunks(writer, 1000));
    fx_must(ps_snapshot_write_chunks(writer, &done, &c.err), &c.err);
    assert_true(done);
    ps_snapshot_end(writer);
    fx_shelf_release(&c);
}

static void the_two_newest_stay_and_left_overs_go(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 4);
    for (uint64_t seq = 100; seq < 500; seq += 100) {
        fx_state_fill(&c.s, fx_sizes, seq);
        fx_must(fx_snapshot(c.io, &c.s, seq, &c.err), &c.err);
    }
    assert_true(ps_sim_file_set(c.sim, FX_SNAPSHOTS "/snap-00000000000001ff.tmp", PS_SLICE("x")));
    assert_true(ps_sim_file_set(c.sim, FX_SNAPSHOTS "/notes", PS_SLICE("x")));
    fx_must(ps_snapshot_prune(c.io, FX_SNAPSHOTS, &c.err), &c.err);
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 0;
    fx_must(ps_snapshot_list(c.io, FX_SNAPSHOTS, entries, &count, &c.err), &c.err);
    assert_int_equal(count, 2);
    assert_int_equal(entries[0].seq, 400);
    assert_int_equal(entries[1].seq, 300);
    ps_slice bytes;
    assert_false(ps_sim_file_get(c.sim, FX_SNAPSHOTS "/snap-00000000000001ff.tmp", &bytes));
    assert_true(ps_sim_file_get(c.sim, FX_SNAPSHOTS "/notes", &bytes));
    fx_shelf_release(&c);
}

static void another_journal_layout_or_name_is_not_loaded(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 4);
    fx_state_fill(&c.s, fx_sizes, 1);
    fx_must(fx_snapshot(c.io, &c.s, 7, &c.err), &c.err);
    c.s.shape.layout_version++;
    assert_int_equal(load(c.io, &c.s, 7, &c.err), PS_E_UNSUPPORTED);
    c.s.shape.layout_version--;
    c.s.shape.instance.low++;
    assert_int_equal(load(c.io, &c.s, 7, &c.err), PS_E_UNSUPPORTED);
    c.s.shape.instance.low--;
    fx_must(ps_io_rename(c.io, FX_SNAPSHOTS "/snap-0000000000000007",
                         FX_SNAPSHOTS "/snap-0000000000000008", &c.err),
            &c.err);
    assert_int_equal(load(c.io, &c.s, 8, &c.err), PS_E_DAMAGED);
    assert_int_not_equal(load(c.io, &c.s, 7, &c.err), PS_OK);
    assert_int_equal(c.s.region[0].size + c.s.region[1].size, 0);
    fx_shelf_release(&c);
}

/* D1: every bit with PS_FULL=1, a sample otherwise. */
static void any_flipped_bit_of_a_64_kib_snapshot_is_refused(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 4);
    fx_state_fill(&c.s, fx_sizes_64k, 1);
    fx_must(fx_snapshot(c.io, &c.s, 9, &c.err), &c.err);
    const char *path = FX_SNAPSHOTS "/snap-0000000000000009";
    ps_slice bytes;
    assert_true(ps_sim_file_get(c.sim, path, &bytes));
    assert_int_equal(bytes.size, 65536);
    uint64_t stride = fx_full() ? 1 : 97;
    for (uint64_t bit = 0; bit < bytes.size * 8; bit += stride) {
        assert_true(ps_sim_file_flip(c.sim, path, bit));
        assert_int_equal(load(c.io, &c.s, 9, &c.err), PS_E_DAMAGED);
        assert_non_null(strstr(c.err.text, "snap-0000000000000009: damaged at offset"));
        assert_true(ps_sim_file_flip(c.sim, path, bit));
    }
    fx_must(load(c.io, &c.s, 9, &c.err), &c.err);
    fx_shelf_release(&c);
}

/* D2, and bytes too many. */
static void a_snapshot_of_another_length_is_refused(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 4);
    fx_state_fill(&c.s, fx_sizes_64k, 1);
    fx_must(fx_snapshot(c.io, &c.s, 9, &c.err), &c.err);
    const char *path = FX_SNAPSHOTS "/snap-0000000000000009";
    ps_slice bytes;
    assert_true(ps_sim_file_get(c.sim, path, &bytes));
    char *copy = calloc(1, 65536 + 1);
    memcpy(copy, bytes.data, 65536);
    uint64_t stride = fx_full() ? 1 : 101;
    for (uint64_t size = 0; size < 65536; size += stride) {
        assert_true(ps_sim_file_set(c.sim, path, ps_slice_of(copy, size)));
        assert_int_equal(load(c.io, &c.s, 9, &c.err), PS_E_DAMAGED);
    }
    assert_true(ps_sim_file_set(c.sim, path, ps_slice_of(copy, 65537)));
    assert_int_equal(load(c.io, &c.s, 9, &c.err), PS_E_DAMAGED);
    free(copy);
    fx_shelf_release(&c);
}

/* Right checksums over wrong fields. */
static void fields_are_checked_behind_the_checksums(void **state)
{
    (void)state;
    enum { BLOCK_1 = 4096, TRAILER = 65536 - 4096 };
    static const struct {
        uint32_t at, value;
        ps_code code;
        const char *why;
    } rows[] = {
        {12, 2, PS_E_VERSION, "newer format"},
        {BLOCK_1 + 4, 1, PS_E_DAMAGED, "block out of order"},
        {BLOCK_1 + 8, 8, PS_E_DAMAGED, "block out of order"},
        {BLOCK_1 + 16, 999, PS_E_DAMAGED, "block out of order"},
        {BLOCK_1 + 20, 8, PS_E_DAMAGED, "block out of order"},
        {BLOCK_1 + 40, 1, PS_E_DAMAGED, "block out of order"},
        {TRAILER + 12, 2, PS_E_DAMAGED, "trailer version"},
        {TRAILER + 16, 3, PS_E_DAMAGED, "trailer counts"},
        {TRAILER + 48, 3, PS_E_DAMAGED, "trailer counts"},
        {TRAILER + 32, 3, PS_E_DAMAGED, "whole-file hash"},
        {TRAILER + 24, 3, PS_E_DAMAGED, "file size"},
    };
    fx_shelf c;
    fx_shelf_init(&c, 4);
    fx_state_fill(&c.s, fx_sizes_64k, 1);
    fx_must(fx_snapshot(c.io, &c.s, 9, &c.err), &c.err);
    const char *path = FX_SNAPSHOTS "/snap-0000000000000009";
    ps_slice bytes;
    assert_true(ps_sim_file_get(c.sim, path, &bytes));
    char *good = malloc(65536);
    char *bad = malloc(65536);
    memcpy(good, bytes.data, 65536);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(bad, good, 65536);
        ps_put_u32(bad + rows[i].at, rows[i].value);
        ps_put_u32(bad + 8, ps_crc32c(0, bad + 12, 4096 - 12));
        ps_put_u32(bad + BLOCK_1, ps_crc32c(0, bad + BLOCK_1 + 4, 44));
        ps_put_u32(bad + TRAILER + 8, ps_crc32c(0, bad + TRAILER + 12, 4096 - 12));
        assert_true(ps_sim_file_set(c.sim, path, ps_slice_of(bad, 65536)));
        assert_int_equal(load(c.io, &c.s, 9, &c.err), rows[i].code);
        assert_non_null(strstr(c.err.text, rows[i].why));
    }
    free(good);
    free(bad);
    fx_shelf_release(&c);
}

static void a_region_declared_too_small_and_a_bad_name_are_said(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 4);
    fx_state_fill(&c.s, fx_sizes, 1);
    fx_must(fx_snapshot(c.io, &c.s, 9, &c.err), &c.err);
    ps_region small;
    fx_must(ps_region_init(&small, "small", 65536, &c.err), &c.err);
    c.s.list[1] = &small;
    uint64_t seq = 0;
    ps_region_clear(&c.s.region[0]);
    assert_int_equal(
        ps_snapshot_load(c.io, FX_SNAPSHOTS, "snap-0000000000000009", &c.s.shape, &seq, &c.err),
        PS_E_LIMIT);
    assert_non_null(strstr(c.err.text, "small"));
    assert_int_equal(c.s.region[0].size, 0);
    assert_int_equal(ps_snapshot_load(c.io, FX_SNAPSHOTS, "snap-9", &c.s.shape, &seq, &c.err),
                     PS_E_INVALID);
    c.s.shape.regions = NULL; /* check only */
    fx_must(ps_snapshot_load(c.io, FX_SNAPSHOTS, "snap-0000000000000009", &c.s.shape, &seq, &c.err),
            &c.err);
    assert_int_equal(seq, 9);
    ps_region_release(&small);
    fx_shelf_release(&c);
}

static void a_left_over_of_the_same_seq_is_replaced(void **state)
{
    (void)state;
    fx_shelf c;
    fx_shelf_init(&c, 4);
    assert_true(ps_sim_file_set(c.sim, FX_SNAPSHOTS "/snap-0000000000000009.tmp", PS_SLICE("x")));
    fx_state_fill(&c.s, fx_sizes, 1);
    fx_must(fx_snapshot(c.io, &c.s, 9, &c.err), &c.err);
    fx_must(fx_snapshot(c.io, &c.s, 9, &c.err), &c.err);
    fx_must(load(c.io, &c.s, 9, &c.err), &c.err);
    fx_shelf_release(&c);
}

/* Snapshots of two states, then prune; `cut` stops the process at that step. */
static void write_two_and_prune(ps_io *io, fx_state *s)
{
    ps_error err = {0};
    for (uint64_t seq = 2; seq <= 4; seq++) {
        fx_state_fill(s, fx_sizes, seq);
        if (fx_snapshot(io, s, seq, &err) != PS_OK) {
            return;
        }
    }
    (void)!ps_snapshot_prune(io, FX_SNAPSHOTS, &err);
}

/* W4: whatever the list shows loads and is right, and there is never none once one was done. */
static bool snapshots_hold(ps_sim *sim, fx_state *s, uint64_t done_seq)
{
    ps_error err = {0};
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 0;
    if (ps_snapshot_list(ps_sim_io(sim), FX_SNAPSHOTS, entries, &count, &err) != PS_OK) {
        return false;
    }
    bool good = count > 0 && entries[0].seq >= done_seq;
    for (size_t i = 0; good && i < count; i++) {
        fx_state_fill(s, fx_sizes, entries[i].seq);
        ps_u128 hash = fx_state_hash(s);
        good = load(ps_sim_io(sim), s, entries[i].seq, &err) == PS_OK &&
               ps_u128_equal(fx_state_hash(s), hash);
    }
    return good;
}

static uint64_t snapshot_cuts(fx_state *s, bool *out_good)
{
    ps_error err = {0};
    uint64_t images = 0;
    *out_good = true;
    for (uint64_t step = 1; *out_good; step++) {
        ps_sim *sim = ps_sim_new(step);
        fx_make_dir(ps_sim_io(sim), FX_SNAPSHOTS);
        fx_state_fill(s, fx_sizes, 1);
        fx_must(fx_snapshot(ps_sim_io(sim), s, 1, &err), &err);
        ps_sim_stop_at(sim, ps_sim_steps(sim) + step);
        write_two_and_prune(ps_sim_io(sim), s);
        bool stopped = ps_sim_is_stopped(sim);
        for (int how = 0; stopped && *out_good && how < PS_SURVIVE_COUNT; how++) {
            ps_sim *image = ps_sim_clone(sim);
            ps_sim_crash(image, (ps_survive)how);
            *out_good = snapshots_hold(image, s, 1);
            images++;
            ps_sim_free(image);
        }
        ps_sim_free(sim);
        if (!stopped) {
            break;
        }
    }
    return images;
}

static void after_a_power_cut_every_named_snapshot_is_whole(void **state)
{
    (void)state;
    fx_state s;
    fx_state_init(&s);
    bool good = false;
    uint64_t images = snapshot_cuts(&s, &good);
    assert_true(good);
    assert_true(images > 500);
    print_message("           %llu power-cut images\n", (unsigned long long)images);
    fx_state_release(&s);
}

/* E1, E2, E4: each call fails once; the state is untouched, the next attempt works. */
static void a_failed_call_costs_one_snapshot_and_nothing_else(void **state)
{
    (void)state;
    ps_error err = {0};
    fx_state s;
    fx_state_init(&s);
    fx_state_fill(&s, fx_sizes, 1);
    ps_u128 hash = fx_state_hash(&s);
    static const int errnos[] = {5 /* EIO */, 28 /* ENOSPC */};
    for (size_t e = 0; e < 2; e++) {
        for (uint64_t step = 1;; step++) {
            ps_sim *sim = ps_sim_new(step);
            ps_io *io = ps_sim_io(sim);
            fx_make_dir(io, FX_SNAPSHOTS);
            uint64_t base = ps_sim_steps(sim);
            ps_sim_fail_at(sim, base + step, errnos[e], false, PS_SYNC_FAIL_DROPPED);
            ps_code code = fx_snapshot(io, &s, 1, &err);
            bool reached = ps_sim_steps(sim) >= base + step;
            assert_true(ps_u128_equal(fx_state_hash(&s), hash));
            ps_sim_fail_at(sim, 0, 0, false, PS_SYNC_FAIL_DROPPED);
            if (code != PS_OK) {
                fx_must(fx_snapshot(io, &s, 2, &err), &err);
                fx_must(load(io, &s, 2, &err), &err);
                assert_true(ps_u128_equal(fx_state_hash(&s), hash));
            }
            ps_sim_free(sim);
            if (!reached) {
                assert_true(step > 10);
                break;
            }
        }
    }
    fx_state_release(&s);
}

static void the_planted_early_deletion_is_caught(void **state)
{
    (void)state;
#ifdef PS_BUGGIFY
    fx_state s;
    fx_state_init(&s);
    bool good = true;
    ps_planted = PS_BUG_DELETE_SNAPSHOT_EARLY;
    (void)snapshot_cuts(&s, &good);
    ps_planted = PS_BUG_NONE;
    assert_false(good);
    fx_state_release(&s);
#else
    print_message("           needs -DPS_BUGGIFY=ON\n");
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_snapshot_is_what_was_frozen),
        cmocka_unit_test(changes_after_the_freeze_do_not_reach_the_snapshot),
        cmocka_unit_test(taking_waits_for_a_full_buffer_to_be_written),
        cmocka_unit_test(the_two_newest_stay_and_left_overs_go),
        cmocka_unit_test(another_journal_layout_or_name_is_not_loaded),
        cmocka_unit_test(any_flipped_bit_of_a_64_kib_snapshot_is_refused),
        cmocka_unit_test(a_snapshot_of_another_length_is_refused),
        cmocka_unit_test(fields_are_checked_behind_the_checksums),
        cmocka_unit_test(a_region_declared_too_small_and_a_bad_name_are_said),
        cmocka_unit_test(a_left_over_of_the_same_seq_is_replaced),
        cmocka_unit_test(after_a_power_cut_every_named_snapshot_is_whole),
        cmocka_unit_test(a_failed_call_costs_one_snapshot_and_nothing_else),
        cmocka_unit_test(the_planted_early_deletion_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
