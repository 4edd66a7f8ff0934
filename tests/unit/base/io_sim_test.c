#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/io_sim.h"

/* ── a small process on the simulated disk ── */

static ps_error err;

static ps_file *open_file(ps_sim *sim, const char *path, ps_open_mode mode)
{
    ps_file *file = NULL;
    assert_int_equal(ps_io_open(ps_sim_io(sim), path, mode, &file, &err), PS_OK);
    return file;
}

static void write_text(ps_sim *sim, ps_file *file, uint64_t offset, const char *text)
{
    assert_int_equal(ps_io_write(ps_sim_io(sim), file, offset, text, strlen(text), &err), PS_OK);
}

static void sync_file(ps_sim *sim, ps_file *file)
{
    assert_int_equal(ps_io_datasync(ps_sim_io(sim), file, &err), PS_OK);
}

static void sync_dir(ps_sim *sim, const char *path)
{
    assert_int_equal(ps_io_sync_dir(ps_sim_io(sim), path, &err), PS_OK);
}

static void assert_content(ps_sim *sim, const char *path, const char *expected)
{
    ps_slice bytes;
    bool there = ps_sim_file_get(sim, path, &bytes);
    assert_int_equal(there, expected != NULL);
    if (there) {
        assert_true(ps_slice_equal(bytes, ps_slice_text(expected)));
    }
}

/* "/f" with durable content `text`, open. */
static ps_sim *sim_with_file(uint64_t seed, const char *text, ps_file **out_file)
{
    ps_sim *sim = ps_sim_new(seed);
    *out_file = open_file(sim, "/f", PS_OPEN_CREATE_NEW);
    write_text(sim, *out_file, 0, text);
    sync_file(sim, *out_file);
    sync_dir(sim, "/");
    return sim;
}

/* ── what survives ── */

static void only_what_was_synced_survives_a_power_cut(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old", &file);
    write_text(sim, file, 0, "new and longer");
    assert_content(sim, "/f", "new and longer");
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    assert_content(sim, "/f", "old");
    ps_io_close(ps_sim_io(sim), file);
    ps_sim_free(sim);
}

static void closing_syncs_nothing(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old", &file);
    write_text(sim, file, 0, "new");
    ps_io_close(ps_sim_io(sim), file);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    assert_content(sim, "/f", "old");
    ps_sim_free(sim);
}

static void a_name_is_lost_without_the_sync_of_its_directory(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    assert_int_equal(ps_io_make_dir(io, "/d", &err), PS_OK);
    ps_file *file = open_file(sim, "/d/f", PS_OPEN_CREATE_NEW);
    write_text(sim, file, 0, "x");
    sync_file(sim, file);
    sync_dir(sim, "/d"); /* the name of /d itself is not durable */
    ps_sim *copy = ps_sim_clone(sim);
    ps_sim_crash(copy, PS_SURVIVE_NONE);
    assert_content(copy, "/d/f", NULL);
    ps_sim_free(copy);
    sync_dir(sim, "/");
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    assert_content(sim, "/d/f", "x");
    ps_sim_free(sim);
}

static void kill_keeps_all_but_a_later_power_cut_may_take_it(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old", &file);
    write_text(sim, file, 0, "new");
    ps_sim_crash(sim, PS_SURVIVE_ALL);
    assert_content(sim, "/f", "new");
    ps_sim *copy = ps_sim_clone(sim);
    ps_sim_crash(copy, PS_SURVIVE_NONE);
    assert_content(copy, "/f", "old");
    ps_sim_free(copy);
    sync_file(sim, open_file(sim, "/f", PS_OPEN_WRITE));
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    assert_content(sim, "/f", "new");
    ps_sim_free(sim);
}

/* Unsynced: "new" over "old" in /f, /g made with "g", /h renamed to /i, /j removed. */
static ps_sim *sim_with_pending(uint64_t seed)
{
    ps_sim *sim = ps_sim_new(seed);
    ps_io *io = ps_sim_io(sim);
    assert_true(ps_sim_file_set(sim, "/f", PS_SLICE("old")));
    assert_true(ps_sim_file_set(sim, "/h", PS_SLICE("h")));
    assert_true(ps_sim_file_set(sim, "/j", PS_SLICE("j")));
    write_text(sim, open_file(sim, "/f", PS_OPEN_WRITE), 0, "new!");
    write_text(sim, open_file(sim, "/g", PS_OPEN_CREATE_NEW), 0, "g");
    assert_int_equal(ps_io_rename(io, "/h", "/i", &err), PS_OK);
    assert_int_equal(ps_io_unlink(io, "/j", &err), PS_OK);
    return sim;
}

static void each_policy_leaves_what_its_name_says(void **state)
{
    (void)state;
    static const struct {
        ps_survive how;
        const char *f, *g, *h, *i, *j;
    } table[] = {
        {PS_SURVIVE_NONE, "old", NULL, "h", NULL, "j"},
        {PS_SURVIVE_ALL, "new!", "g", NULL, "h", NULL},
        {PS_SURVIVE_NAME_NO_DATA, "old", "", NULL, "h", NULL},
        {PS_SURVIVE_DATA_NO_NAME, "new!", NULL, "h", NULL, "j"},
        {PS_SURVIVE_UNLINK_FIRST, "new!", "g", "h", NULL, NULL},
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        ps_sim *sim = sim_with_pending(1);
        ps_sim_crash(sim, table[row].how);
        assert_content(sim, "/f", table[row].f);
        assert_content(sim, "/g", table[row].g);
        assert_content(sim, "/h", table[row].h);
        assert_content(sim, "/i", table[row].i);
        assert_content(sim, "/j", table[row].j);
        ps_sim_free(sim);
    }
}

static void grown_sizes_without_data_read_as_zeros(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old", &file);
    write_text(sim, file, 0, "longer");
    ps_sim_crash(sim, PS_SURVIVE_SIZE_NO_DATA);
    ps_slice bytes;
    assert_true(ps_sim_file_get(sim, "/f", &bytes));
    assert_true(ps_slice_equal(bytes, ps_slice_of("old\0\0\0", 6)));
    ps_sim_free(sim);
}

/* Ten pages of 'o', durable; over them three pending writes of 'n' of odd sizes. */
enum { AREA = 40960 };
static const struct {
    uint64_t offset;
    uint64_t size;
} area_writes[] = {{100, 5000}, {12288, 8192}, {30000, 700}};

static ps_sim *sim_with_area(uint64_t seed)
{
    static char old[AREA];
    static char new[AREA];
    memset(old, 'o', sizeof old);
    memset(new, 'n', sizeof new);
    ps_sim *sim = ps_sim_new(seed);
    assert_true(ps_sim_file_set(sim, "/f", ps_slice_of(old, sizeof old)));
    ps_file *file = open_file(sim, "/f", PS_OPEN_WRITE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ps_io_write(ps_sim_io(sim), file, area_writes[i].offset, new,
                                     area_writes[i].size, &err),
                         PS_OK);
    }
    return sim;
}

/* How many bytes of write i survived. */
static uint64_t survived_of(ps_slice bytes, int i)
{
    uint64_t survived = 0;
    for (uint64_t at = 0; at < area_writes[i].size; at++) {
        survived += bytes.data[area_writes[i].offset + at] == 'n';
    }
    return survived;
}

static bool is_whole_or_nothing(ps_slice bytes, int i)
{
    uint64_t survived = survived_of(bytes, i);
    return survived == 0 || survived == area_writes[i].size;
}

static void a_prefix_is_a_prefix(void **state)
{
    (void)state;
    uint32_t seen = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        ps_sim *sim = sim_with_area(seed);
        ps_sim_crash(sim, PS_SURVIVE_PREFIX);
        ps_slice bytes;
        assert_true(ps_sim_file_get(sim, "/f", &bytes));
        uint32_t count = 0;
        for (int i = 0; i < 3; i++) {
            assert_true(is_whole_or_nothing(bytes, i));
            bool there = survived_of(bytes, i) > 0;
            assert_true(!there || count == (uint32_t)i);
            count += there;
        }
        seen |= 1u << count;
        ps_sim_free(sim);
    }
    assert_int_equal(seen, 15); /* 0, 1, 2 and 3 of them */
}

/* The first byte of write i that did not survive must lie at a multiple of `grain`; all after it
 * must be old. */
static void assert_torn_at(ps_slice bytes, int i, uint64_t grain)
{
    uint64_t kept = survived_of(bytes, i);
    const char *at = bytes.data + area_writes[i].offset;
    for (uint64_t n = 0; n < area_writes[i].size; n++) {
        assert_int_equal(at[n], n < kept ? 'n' : 'o');
    }
    assert_true(kept == 0 || kept == area_writes[i].size ||
                (area_writes[i].offset + kept) % grain == 0);
}

static void torn_writes_end_at_their_grain(void **state)
{
    (void)state;
    static const struct {
        ps_survive how;
        uint64_t grain;
    } table[] = {
        {PS_SURVIVE_TORN_512, 512}, {PS_SURVIVE_TORN_4096, 4096}, {PS_SURVIVE_TORN_BYTE, 1}};
    for (size_t row = 0; row < 3; row++) {
        uint64_t torn = 0;
        for (uint64_t seed = 1; seed <= 60; seed++) {
            ps_sim *sim = sim_with_area(seed);
            ps_sim_crash(sim, table[row].how);
            ps_slice bytes;
            assert_true(ps_sim_file_get(sim, "/f", &bytes));
            for (int i = 0; i < 3; i++) {
                assert_torn_at(bytes, i, table[row].grain);
                torn += !is_whole_or_nothing(bytes, i);
            }
            ps_sim_free(sim);
        }
        assert_true(torn > 10);
    }
}

static void torn_noise_stays_within_the_torn_write(void **state)
{
    (void)state;
    uint64_t noisy = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        ps_sim *sim = sim_with_area(seed);
        ps_sim_crash(sim, PS_SURVIVE_TORN_NOISE);
        ps_slice bytes;
        assert_true(ps_sim_file_get(sim, "/f", &bytes));
        assert_int_equal(bytes.size, AREA);
        for (uint64_t at = 0; at < AREA; at++) {
            bool inside = false;
            for (int i = 0; i < 3; i++) {
                inside = inside || at - area_writes[i].offset < area_writes[i].size;
            }
            assert_true(inside || bytes.data[at] == 'o');
            noisy += bytes.data[at] != 'o' && bytes.data[at] != 'n';
        }
        ps_sim_free(sim);
    }
    assert_true(noisy > 1000);
}

static void subsets_are_made_of_sectors(void **state)
{
    (void)state;
    static const ps_survive policies[] = {PS_SURVIVE_DROP_ONE, PS_SURVIVE_SUBSET,
                                          PS_SURVIVE_REORDERED};
    for (size_t p = 0; p < 3; p++) {
        uint64_t parts = 0;
        for (uint64_t seed = 1; seed <= 40; seed++) {
            ps_sim *sim = sim_with_area(seed);
            ps_sim_crash(sim, policies[p]);
            ps_slice bytes;
            assert_true(ps_sim_file_get(sim, "/f", &bytes));
            for (uint64_t at = 1; at < AREA; at++) {
                bool may_change = at % 512 == 0;
                for (int i = 0; i < 3; i++) {
                    may_change = may_change || at == area_writes[i].offset ||
                                 at == area_writes[i].offset + area_writes[i].size;
                }
                assert_true(may_change || bytes.data[at] == bytes.data[at - 1]);
            }
            for (int i = 0; i < 3; i++) {
                parts += !is_whole_or_nothing(bytes, i);
            }
            ps_sim_free(sim);
        }
        assert_true(parts > 0);
    }
}

static void a_rename_is_never_seen_in_halves(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        ps_file *file;
        ps_sim *sim = sim_with_file(seed, "old", &file);
        ps_file *temp = open_file(sim, "/t", PS_OPEN_CREATE_NEW);
        write_text(sim, temp, 0, "new");
        sync_file(sim, temp);
        assert_int_equal(ps_io_rename(ps_sim_io(sim), "/t", "/f", &err), PS_OK);
        ps_sim_crash(sim, PS_SURVIVE_RANDOM);
        ps_slice bytes;
        assert_true(ps_sim_file_get(sim, "/f", &bytes));
        assert_true(ps_slice_equal(bytes, PS_SLICE("old")) ||
                    ps_slice_equal(bytes, PS_SLICE("new")));
        ps_sim_free(sim);
    }
}

/* ── faults ── */

static void a_step_fails_once_or_from_then_on(void **state)
{
    (void)state;
    for (int sticky = 0; sticky <= 1; sticky++) {
        ps_file *file;
        ps_sim *sim = sim_with_file(1, "old", &file);
        ps_io *io = ps_sim_io(sim);
        char byte;
        size_t size;
        ps_sim_fail_at(sim, ps_sim_steps(sim) + 2, EIO, sticky, PS_SYNC_FAIL_DROPPED);
        assert_int_equal(ps_io_read(io, file, 0, &byte, 1, &size, &err), PS_OK);
        assert_int_equal(ps_io_read(io, file, 0, &byte, 1, &size, &err), PS_E_IO);
        assert_int_equal(err.os_errno, EIO);
        assert_int_equal(ps_io_read(io, file, 0, &byte, 1, &size, &err), sticky ? PS_E_IO : PS_OK);
        uint64_t file_size;
        assert_int_equal(ps_io_size(io, file, &file_size, &err), PS_OK);
        ps_sim_free(sim);
    }
}

static void a_failed_sync_is_kept_in_the_cache_or_dropped_and_never_durable(void **state)
{
    (void)state;
    static const struct {
        ps_sync_failure how;
        ps_code code;
        const char *seen;
    } table[] = {
        {PS_SYNC_FAIL_CLEAN_KEPT, PS_E_IO, "new"},
        {PS_SYNC_FAIL_DROPPED, PS_E_IO, "old"},
        {PS_SYNC_LIES, PS_OK, "new"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_file *file;
        ps_sim *sim = sim_with_file(1, "old", &file);
        write_text(sim, file, 0, "new");
        ps_sim_fail_at(sim, ps_sim_steps(sim) + 1, EIO, false, table[i].how);
        assert_int_equal(ps_io_datasync(ps_sim_io(sim), file, &err), table[i].code);
        assert_content(sim, "/f", table[i].seen);
        ps_sim_crash(sim, PS_SURVIVE_ALL);
        assert_content(sim, "/f", table[i].seen);
        ps_sim_crash(sim, PS_SURVIVE_NONE);
        assert_content(sim, "/f", "old");
        ps_sim_free(sim);
    }
}

/* After a failed sync the pages are clean: a later sync, in a new process, must not save them. */
static void a_sync_after_a_failed_one_saves_only_later_writes(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old.", &file);
    write_text(sim, file, 0, "new");
    ps_sim_fail_at(sim, ps_sim_steps(sim) + 1, EIO, false, PS_SYNC_FAIL_CLEAN_KEPT);
    assert_int_equal(ps_io_datasync(ps_sim_io(sim), file, &err), PS_E_IO);
    ps_sim_crash(sim, PS_SURVIVE_ALL);
    file = open_file(sim, "/f", PS_OPEN_WRITE);
    write_text(sim, file, 3, "!");
    sync_file(sim, file);
    assert_content(sim, "/f", "new!");
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    assert_content(sim, "/f", "old!");
    ps_sim_free(sim);
}

typedef struct {
    ps_sim *sim;
    ps_file *file;
} misuse;

static void sync_again(void *argument)
{
    misuse *m = argument;
    (void)!ps_io_datasync(ps_sim_io(m->sim), m->file, &err);
}

static void write_beyond(void *argument)
{
    misuse *m = argument;
    (void)!ps_io_write(ps_sim_io(m->sim), m->file, 1, "x", 1, &err);
}

static void going_on_after_a_failure_stops_the_process(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old", &file);
    ps_sim_fail_at(sim, ps_sim_steps(sim) + 1, EIO, false, PS_SYNC_FAIL_DROPPED);
    assert_int_equal(ps_io_datasync(ps_sim_io(sim), file, &err), PS_E_IO);
    test_expect_abort(sync_again, &(misuse){sim, file});
    /* Another handle is no way around it. */
    test_expect_abort(sync_again, &(misuse){sim, open_file(sim, "/f", PS_OPEN_WRITE)});
    ps_sim_fail_at(sim, ps_sim_steps(sim) + 1, EIO, false, PS_SYNC_FAIL_DROPPED);
    assert_int_equal(ps_io_write(ps_sim_io(sim), file, 0, "new", 3, &err), PS_E_IO);
    test_expect_abort(write_beyond, &(misuse){sim, file});
    write_text(sim, file, 0, "new"); /* repeating it is the way on */
    write_text(sim, file, 1, "x");
    ps_sim_free(sim);
}

static void a_full_disk_takes_what_fits_and_goes_on_when_there_is_room(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old", &file);
    ps_io *io = ps_sim_io(sim);
    ps_sim_set_capacity(sim, 10);
    assert_int_equal(ps_io_write(io, file, 0, "0123456789A", 11, &err), PS_E_SPACE);
    assert_int_equal(err.os_errno, ENOSPC);
    assert_int_equal(ps_io_prealloc(io, file, 11, &err), PS_E_SPACE);
    ps_file *other = open_file(sim, "/g", PS_OPEN_CREATE_NEW);
    assert_int_equal(ps_io_write(io, other, 0, "x", 1, &err), PS_E_SPACE);
    ps_sim_set_capacity(sim, 12);
    assert_int_equal(ps_io_write(io, file, 0, "0123456789A", 11, &err), PS_OK);
    assert_int_equal(ps_io_write(io, other, 0, "x", 1, &err), PS_OK);
    /* Freed by the removal and the close of the removed file. */
    assert_int_equal(ps_io_write(io, other, 0, "xyz", 3, &err), PS_E_SPACE);
    assert_int_equal(ps_io_unlink(io, "/f", &err), PS_OK);
    assert_int_equal(ps_io_write(io, other, 0, "xyz", 3, &err), PS_E_SPACE);
    ps_io_close(io, file);
    assert_int_equal(ps_io_write(io, other, 0, "xyz", 3, &err), PS_OK);
    ps_sim_free(sim);
}

static void a_rate_fails_about_its_share(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(3, "old", &file);
    ps_sim_fail_rate(sim, PS_SIM_READ, 250000, EIO);
    int failed = 0;
    for (int i = 0; i < 1000; i++) {
        char byte;
        size_t size;
        failed += ps_io_read(ps_sim_io(sim), file, 0, &byte, 1, &size, &err) != PS_OK;
    }
    assert_in_range(failed, 180, 320);
    sync_file(sim, file);
    ps_sim_free(sim);
}

static void a_stopped_process_does_nothing_until_the_crash(void **state)
{
    (void)state;
    ps_file *file;
    ps_sim *sim = sim_with_file(1, "old", &file);
    ps_io *io = ps_sim_io(sim);
    ps_file *lock = NULL;
    assert_int_equal(ps_io_lock(io, "/lock", &lock, &err), PS_OK);
    ps_sim_stop_at(sim, ps_sim_steps(sim) + 2);
    write_text(sim, file, 0, "new");
    assert_false(ps_sim_is_stopped(sim));
    uint64_t steps = ps_sim_steps(sim);
    assert_int_equal(ps_io_datasync(io, file, &err), PS_E_CLOSED);
    assert_int_equal(ps_io_unlink(io, "/f", &err), PS_E_CLOSED);
    assert_true(ps_sim_is_stopped(sim));
    assert_int_equal(ps_sim_steps(sim), steps);
    ps_sim_crash(sim, PS_SURVIVE_ALL);
    assert_false(ps_sim_is_stopped(sim));
    assert_int_equal(ps_io_datasync(io, file, &err), PS_E_CLOSED); /* a handle of the dead */
    ps_io_close(io, file);
    ps_file *again = NULL;
    assert_int_equal(ps_io_lock(io, "/lock", &again, &err), PS_OK); /* its lock is gone too */
    ps_io_close(io, lock);
    assert_int_equal(ps_io_lock(io, "/lock", &lock, &err), PS_E_LOCKED);
    assert_content(sim, "/f", "new");
    ps_sim_free(sim);
}

/* ── determinism, clones, tape, clocks ── */

static void run_a_while(ps_sim *sim, uint64_t seed)
{
    ps_io *io = ps_sim_io(sim);
    for (int i = 0; i < 200; i++) {
        char path[16];
        char data[3000];
        snprintf(path, sizeof path, "/%d", (int)test_draw(&seed, 5));
        ps_io_random(io, data, sizeof data);
        ps_file *file = NULL;
        bool made = ps_io_open(io, path, PS_OPEN_CREATE_NEW, &file, &err) == PS_OK;
        if (made || ps_io_open(io, path, PS_OPEN_WRITE, &file, &err) == PS_OK) {
            (void)!ps_io_write(io, file, test_draw(&seed, 9000), data, sizeof data, &err);
            (void)!ps_io_datasync(io, file, &err);
        }
        ps_io_close(io, file);
        if (test_draw(&seed, 20) == 0) {
            ps_sim_crash(sim, PS_SURVIVE_RANDOM);
        } else if (test_draw(&seed, 5) == 0) {
            sync_dir(sim, "/");
        }
    }
}

static void equal_seeds_give_equal_traces_and_other_seeds_others(void **state)
{
    (void)state;
    ps_u128 traces[3];
    for (uint64_t i = 0; i < 3; i++) {
        ps_sim *sim = ps_sim_new(i < 2 ? 7 : 8);
        run_a_while(sim, 1);
        traces[i] = ps_sim_trace_hash(sim);
        ps_sim_free(sim);
    }
    assert_true(ps_u128_equal(traces[0], traces[1]));
    assert_false(ps_u128_equal(traces[0], traces[2]));
}

static void clones_go_on_alike_and_apart(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(5);
    run_a_while(sim, 1);
    ps_sim *copy = ps_sim_clone(sim);
    ps_sim *other = ps_sim_clone(sim);
    run_a_while(other, 9); /* changes nothing of the two */
    ps_sim_free(other);
    run_a_while(sim, 2);
    run_a_while(copy, 2);
    assert_true(ps_u128_equal(ps_sim_trace_hash(sim), ps_sim_trace_hash(copy)));
    assert_int_equal(ps_sim_steps(sim), ps_sim_steps(copy));
    ps_sim_free(sim);
    run_a_while(copy, 3);
    ps_sim_free(copy);
}

static void a_recorded_tape_replays_the_same_choices(void **state)
{
    (void)state;
    ps_buf tape;
    ps_buf_init(&tape, SIZE_MAX);
    ps_u128 traces[2];
    for (int i = 0; i < 2; i++) {
        ps_sim *sim = ps_sim_new(5);
        if (i == 0) {
            ps_sim_tape_record(sim, &tape);
        } else {
            (void)ps_sim_draw(sim, 1000); /* shifts the generator, which must not matter */
            ps_sim_tape_replay(sim, ps_buf_slice(&tape));
        }
        run_a_while(sim, 1);
        traces[i] = ps_sim_trace_hash(sim);
        ps_sim_free(sim);
    }
    assert_true(tape.size > 0);
    assert_true(ps_u128_equal(traces[0], traces[1]));
    ps_sim *sim = ps_sim_new(5);
    uint64_t first = 107;
    ps_sim_tape_replay(sim, ps_slice_of(&first, sizeof first));
    assert_int_equal(ps_sim_draw(sim, 10), 7);
    assert_int_equal(ps_sim_draw(sim, 10), 0);
    ps_sim_free(sim);
    ps_buf_release(&tape);
}

static void time_moves_only_by_steps_and_on_request(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    int64_t mono_ns = ps_io_now_mono_ns(io);
    int64_t wall_ns = ps_io_now_wall_ns(io);
    assert_true(ps_io_now_mono_ns(io) == mono_ns);
    ps_sim_advance(sim, 5);
    ps_sim_step_wall_clock(sim, -100);
    assert_true(ps_io_now_mono_ns(io) == mono_ns + 5);
    assert_true(ps_io_now_wall_ns(io) == wall_ns - 95);
    sync_dir(sim, "/");
    assert_true(ps_io_now_mono_ns(io) > mono_ns + 5);
    ps_sim_free(sim);
}

static void damage_at_rest_outlives_a_power_cut(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    assert_true(ps_sim_file_set(sim, "/f", PS_SLICE("abc")));
    assert_true(ps_sim_file_flip(sim, "/f", 9)); /* b → ` */
    assert_false(ps_sim_file_flip(sim, "/f", 24));
    assert_false(ps_sim_file_flip(sim, "/g", 0));
    assert_false(ps_sim_file_set(sim, "/no/f", PS_SLICE("")));
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    assert_content(sim, "/f", "a`c");
    assert_true(ps_sim_file_remove(sim, "/f"));
    assert_false(ps_sim_file_remove(sim, "/f"));
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    assert_content(sim, "/f", NULL);
    ps_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_synced_survives_a_power_cut),
        cmocka_unit_test(closing_syncs_nothing),
        cmocka_unit_test(a_name_is_lost_without_the_sync_of_its_directory),
        cmocka_unit_test(kill_keeps_all_but_a_later_power_cut_may_take_it),
        cmocka_unit_test(each_policy_leaves_what_its_name_says),
        cmocka_unit_test(grown_sizes_without_data_read_as_zeros),
        cmocka_unit_test(a_prefix_is_a_prefix),
        cmocka_unit_test(torn_writes_end_at_their_grain),
        cmocka_unit_test(torn_noise_stays_within_the_torn_write),
        cmocka_unit_test(subsets_are_made_of_sectors),
        cmocka_unit_test(a_rename_is_never_seen_in_halves),
        cmocka_unit_test(a_step_fails_once_or_from_then_on),
        cmocka_unit_test(a_failed_sync_is_kept_in_the_cache_or_dropped_and_never_durable),
        cmocka_unit_test(a_sync_after_a_failed_one_saves_only_later_writes),
        cmocka_unit_test(going_on_after_a_failure_stops_the_process),
        cmocka_unit_test(a_full_disk_takes_what_fits_and_goes_on_when_there_is_room),
        cmocka_unit_test(a_rate_fails_about_its_share),
        cmocka_unit_test(a_stopped_process_does_nothing_until_the_crash),
        cmocka_unit_test(equal_seeds_give_equal_traces_and_other_seeds_others),
        cmocka_unit_test(clones_go_on_alike_and_apart),
        cmocka_unit_test(a_recorded_tape_replays_the_same_choices),
        cmocka_unit_test(time_moves_only_by_steps_and_on_request),
        cmocka_unit_test(damage_at_rest_outlives_a_power_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
