#include "rare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io_sim.h"
#include "journal/journal.h"
#include "journal/snapshot.h"

#define DIR "j"
#define SEG_1 "j/seg-0000000000000001"
#define SEG_2 "j/seg-0000000000000002"
#define TORN_COPY "j/torn-0000000000000002-00002000" /* of torn_disk(5) */

/* Three batches of a page in a segment. */
static const ps_journal_options options = {16384, 4096, false};
enum { RECORDS = 5 /* of a batch */ };

static void must(ps_code code)
{
    PS_ASSERT(code == PS_OK);
}

/* ── a journal ── */

static ps_journal *journal_open(ps_sim *sim, ps_journal_recovery *out_recovery)
{
    ps_error err;
    ps_journal *journal = NULL;
    ps_code code = ps_journal_open(ps_sim_io(sim), DIR, &options, 1, &journal, out_recovery, &err);
    return code == PS_OK ? journal : NULL;
}

static ps_journal *journal_new(ps_sim **out_sim)
{
    ps_error err;
    ps_journal_recovery recovery;
    ps_sim *sim = ps_sim_new(21);
    PS_ASSERT(sim != NULL);
    must(ps_io_make_dir(ps_sim_io(sim), DIR, &err));
    must(ps_io_sync_dir(ps_sim_io(sim), ".", &err));
    must(ps_journal_create(ps_sim_io(sim), DIR, &options, &err));
    ps_journal *journal = journal_open(sim, &recovery);
    PS_ASSERT(journal != NULL);
    *out_sim = sim;
    return journal;
}

static PS_CHECKED ps_code batch_commit(ps_journal *journal, ps_error *err)
{
    ps_record_batch *batch = ps_journal_batch(journal);
    for (uint32_t i = 0; i < RECORDS; i++) {
        char *at = ps_record_batch_reserve(batch, 40);
        PS_ASSERT(at != NULL);
        memset(at, (int)ps_journal_next_seq(journal), 40);
        (void)ps_record_batch_append(batch, 1, 40);
    }
    return ps_journal_commit(journal, ps_journal_batch_close(journal), err);
}

static ps_code batches_commit(ps_journal *journal, uint32_t count, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = ps_journal_prepare(journal, err);
        code = code == PS_OK ? batch_commit(journal, err) : code;
    }
    return code;
}

/* A disk with `batches` of them, cut off without a watermark; the last one does not hold. */
static ps_sim *torn_disk(uint32_t batches)
{
    ps_error err;
    ps_sim *sim = NULL;
    ps_journal *journal = journal_new(&sim);
    must(batches_commit(journal, batches, &err));
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    uint32_t in_segment = (batches - 1) % 3;
    bool flipped =
        ps_sim_file_flip(sim, batches > 3 ? SEG_2 : SEG_1, 8ull * (4096 * (1 + in_segment) + 200));
    PS_ASSERT(flipped);
    return sim;
}

/* The disk opens with these batches, and goes on. */
static bool opens_with(ps_sim *sim, uint32_t batches)
{
    ps_error err;
    ps_journal_recovery recovery;
    ps_journal *journal = journal_open(sim, &recovery);
    bool good = journal != NULL && ps_journal_durable_seq(journal) == batches * RECORDS &&
                batches_commit(journal, 2, &err) == PS_OK;
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    journal = good ? journal_open(sim, &recovery) : NULL;
    good = journal != NULL && ps_journal_durable_seq(journal) == (batches + 2) * RECORDS;
    ps_journal_close(journal);
    return good;
}

/* ── making and opening ── */

static const char *creation_cut_at_any_step_can_be_done_again(void)
{
    bool stopped = true;
    for (uint64_t step = 1; stopped; step++) {
        ps_error err;
        ps_sim *sim = ps_sim_new(step);
        ps_io *io = ps_sim_io(sim);
        ps_journal_recovery recovery;
        must(ps_io_make_dir(io, DIR, &err));
        must(ps_io_sync_dir(io, ".", &err));
        ps_sim_stop_at(sim, ps_sim_steps(sim) + step);
        (void)!ps_journal_create(io, DIR, &options, &err);
        stopped = ps_sim_is_stopped(sim);
        ps_sim_crash(sim, step % 2 == 0 ? PS_SURVIVE_ALL : PS_SURVIVE_RANDOM);
        ps_journal *journal = NULL;
        ps_code code = ps_journal_open(io, DIR, &options, 1, &journal, &recovery, &err);
        ps_code again = ps_journal_create(io, DIR, &options, &err);
        ps_journal_close(journal);
        bool good = code == PS_E_MISSING ? again == PS_OK && opens_with(sim, 0)
                                         : code == PS_OK && again == PS_E_EXISTS;
        ps_sim_free(sim);
        if (!good) {
            return "a creation that was cut off";
        }
    }
    return NULL;
}

/* An io whose directories hold more than fits, `refusals` times. */
typedef struct {
    struct ps_io_ops ops;
    const struct ps_io_ops *real;
    uint32_t refusals;
} crowded;

static ps_code crowded_list(ps_io *io, const char *path, ps_dir_entry *out_entries,
                            size_t entries_max, size_t *out_count, ps_error *err)
{
    crowded *c = (crowded *)(uintptr_t)io->ops;
    if (c->refusals > 0) {
        c->refusals--;
        return ps_error_set(err, PS_E_LIMIT, "%s has more than %zu entries", path, entries_max);
    }
    return c->real->list(io, path, out_entries, entries_max, out_count, err);
}

static const char *a_crowded_directory_is_listed_or_refused(void)
{
    ps_error err;
    ps_sim *sim = NULL;
    ps_journal_recovery recovery;
    ps_journal_close(journal_new(&sim));
    ps_io *io = ps_sim_io(sim);
    crowded c = {.ops = *io->ops, .real = io->ops, .refusals = 2};
    c.ops.list = crowded_list;
    io->ops = &c.ops;
    ps_journal *journal = journal_open(sim, &recovery);
    bool opens = journal != NULL;
    ps_journal_close(journal);
    c.refusals = UINT32_MAX;
    bool refuses = ps_journal_open(io, DIR, &options, 1, &journal, &recovery, &err) == PS_E_LIMIT;
    io->ops = c.real;
    ps_sim_free(sim);
    return opens && refuses ? NULL : "a crowded directory";
}

/* ── torn tails ── */

static const char *a_torn_tail_is_cut_with_any_room_on_the_disk(void)
{
    for (uint64_t bytes = 0; bytes < 256 * 1024; bytes += 1000) {
        ps_sim *sim = torn_disk(5);
        ps_journal_recovery recovery;
        ps_sim_set_capacity(sim, bytes);
        ps_journal *journal = journal_open(sim, &recovery);
        bool good = journal != NULL && recovery.torn_bytes > 0;
        ps_journal_close(journal);
        ps_sim_set_capacity(sim, UINT64_MAX);
        good = good && opens_with(sim, 4);
        ps_sim_free(sim);
        if (!good) {
            return "a torn tail on a full disk";
        }
    }
    return NULL;
}

static const char *a_repair_that_is_cut_ends_in_the_same_state(void)
{
    bool stopped = true;
    for (uint64_t step = 1; stopped; step++) {
        ps_sim *sim = torn_disk(5);
        ps_journal_recovery recovery;
        ps_sim_stop_at(sim, ps_sim_steps(sim) + step);
        ps_journal_close(journal_open(sim, &recovery));
        stopped = ps_sim_is_stopped(sim);
        ps_sim_crash(sim, step % 2 == 0 ? PS_SURVIVE_ALL : PS_SURVIVE_NONE);
        bool good = opens_with(sim, 4);
        ps_sim_free(sim);
        if (!good) {
            return "a repair that was cut off";
        }
    }
    return NULL;
}

/* Each call of a repair fails once: refused or done, and the next start finds the same state. */
static const char *a_repair_with_a_failing_call_ends_in_the_same_state(void)
{
    bool reached = true;
    for (uint64_t step = 1; reached; step++) {
        ps_sim *sim = torn_disk(5);
        (void)ps_sim_file_set(sim, TORN_COPY, PS_SLICE("abc"));
        ps_journal_recovery recovery;
        uint64_t at = ps_sim_steps(sim) + step;
        ps_sim_fail_at(sim, at, EIO, false,
                       step % 2 == 0 ? PS_SYNC_FAIL_CLEAN_KEPT : PS_SYNC_FAIL_DROPPED);
        ps_journal_close(journal_open(sim, &recovery));
        reached = ps_sim_steps(sim) >= at;
        ps_sim_crash(sim, PS_SURVIVE_RANDOM);
        bool good = opens_with(sim, 4);
        ps_sim_free(sim);
        if (!good) {
            return "a repair with a failing call";
        }
    }
    return NULL;
}

/* An older tear at the same place was shorter: the longer one takes its name. */
static const char *a_longer_tear_replaces_the_copy_of_a_shorter_one(void)
{
    ps_slice bytes;
    ps_sim *sim = torn_disk(5);
    (void)ps_sim_file_set(sim, TORN_COPY, PS_SLICE("abc"));
    bool good = opens_with(sim, 4) && ps_sim_file_get(sim, TORN_COPY, &bytes) && bytes.size > 3;
    ps_sim_free(sim);
    return good ? NULL : "a longer tear at the same place";
}

static const char *a_reader_skips_a_torn_tail(void)
{
    ps_error err;
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_journal_options reads = options;
    reads.read_only = true;
    ps_sim *sim = torn_disk(5);
    bool good =
        ps_journal_open(ps_sim_io(sim), DIR, &reads, 1, &journal, &recovery, &err) == PS_OK &&
        ps_journal_durable_seq(journal) == 4 * RECORDS && recovery.torn_bytes > 0;
    ps_journal_close(journal);
    ps_sim_free(sim);
    return good ? NULL : "a torn tail under a reader";
}

/* Recovery cut the first batch of a segment: that segment proves nothing, so no third one is made
 * before a batch is durable in it. */
static const char *a_segment_is_not_prepared_too_early(void)
{
    ps_error err;
    ps_slice bytes;
    ps_journal_recovery recovery;
    ps_sim *sim = torn_disk(4);
    ps_journal *journal = journal_open(sim, &recovery);
    bool good = journal != NULL && ps_journal_prepare(journal, &err) == PS_OK &&
                !ps_sim_file_get(sim, "j/seg-0000000000000003", &bytes) &&
                batch_commit(journal, &err) == PS_OK &&
                ps_journal_prepare(journal, &err) == PS_OK &&
                ps_sim_file_get(sim, "j/seg-0000000000000003", &bytes);
    ps_journal_close(journal);
    ps_sim_free(sim);
    return good ? NULL : "a segment after a cut one";
}

static const char *a_disk_that_lies_is_found_out(void)
{
    ps_error err;
    ps_journal_recovery recovery;
    ps_sim *sim = NULL;
    ps_journal *journal = journal_new(&sim);
    must(batches_commit(journal, 1, &err));
    ps_sim_fail_at(sim, ps_sim_steps(sim) + 2, EIO, true, PS_SYNC_LIES);
    must(batch_commit(journal, &err));
    must(ps_journal_seal(journal, false, &err));
    ps_sim_fail_at(sim, 0, 0, false, PS_SYNC_FAIL_DROPPED);
    must(ps_journal_seal(journal, true, &err)); /* the watermark alone */
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    journal = journal_open(sim, &recovery);
    bool refused = journal == NULL;
    ps_journal_close(journal);
    ps_sim_free(sim);
    return refused ? NULL : "a disk that lies";
}

/* ── the write side ── */

static const char *without_a_file_handle_writing_waits(void)
{
    ps_error err;
    ps_sim *sim = NULL;
    ps_journal *journal = journal_new(&sim);
    ps_sim_fail_at(sim, ps_sim_steps(sim) + 1, EMFILE, false, PS_SYNC_FAIL_DROPPED);
    bool good = ps_journal_prepare(journal, &err) == PS_E_SPACE &&
                batches_commit(journal, 4, &err) == PS_OK;
    ps_journal_close(journal);
    ps_sim_free(sim);
    return good ? NULL : "no file handle is left";
}

/* Nothing tells a half-made segment from a whole one by its name, so the journal ends. */
static const char *a_half_made_segment_that_stays_is_the_end(void)
{
    ps_error err;
    ps_sim *sim = NULL;
    ps_journal *journal = journal_new(&sim);
    ps_sim_set_capacity(sim, 2 * 16384);
    ps_sim_fail_rate(sim, PS_SIM_UNLINK, 1000000, EIO);
    ps_code code = ps_journal_prepare(journal, &err);
    bool good = code == PS_E_IO && !ps_journal_has_room(journal) &&
                ps_journal_seal(journal, true, &err) == PS_E_IO;
    ps_journal_close(journal);
    ps_sim_set_capacity(sim, UINT64_MAX);
    ps_sim_crash(sim, PS_SURVIVE_ALL);
    good = good && opens_with(sim, 0);
    ps_sim_free(sim);
    return good ? NULL : "a half-made segment that cannot be removed";
}

static const char *a_commit_that_did_not_ask_for_room_is_the_end(void)
{
    ps_error err;
    ps_sim *sim = NULL;
    ps_code code = PS_OK;
    uint32_t commits = 0;
    ps_journal *journal = journal_new(&sim);
    while (code == PS_OK) {
        code = batch_commit(journal, &err);
        commits += code == PS_OK;
    }
    bool good = code == PS_E_SPACE && commits == 3 && !ps_journal_has_room(journal);
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    good = good && opens_with(sim, 3);
    ps_sim_free(sim);
    return good ? NULL : "a commit without a segment";
}

static const char *a_watermark_that_fails_is_the_end(void)
{
    ps_error err;
    ps_sim *sim = NULL;
    ps_journal *journal = journal_new(&sim);
    must(ps_journal_seal(journal, true, &err)); /* nothing to seal yet */
    must(batches_commit(journal, 1, &err));
    must(ps_journal_seal(journal, true, &err));
    ps_sim_fail_at(sim, ps_sim_steps(sim) + 1, EIO, false, PS_SYNC_FAIL_DROPPED);
    bool good = ps_journal_seal(journal, true, &err) == PS_E_IO &&
                ps_journal_prepare(journal, &err) == PS_E_IO;
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    good = good && opens_with(sim, 1);
    ps_sim_free(sim);
    return good ? NULL : "a watermark that cannot be written";
}

/* ── a snapshot ── */

static const char *a_snapshot_waits_for_the_disk_and_fails_alone(void)
{
    ps_error err;
    ps_region region;
    ps_region *list[] = {&region};
    ps_snapshot_writer *writer = NULL;
    bool done = false;
    must(ps_region_init(&region, "state", 16 << 20, &err));
    char *at = ps_region_extend(&region, 5 << 20);
    PS_ASSERT(at != NULL);
    memset(at, 1, 5 << 20);
    const ps_snapshot_shape shape = {list, 1, 1, {1, 2}};
    ps_sim *sim = ps_sim_new(22);
    must(ps_io_make_dir(ps_sim_io(sim), "s", &err));
    must(ps_snapshot_begin(ps_sim_io(sim), "s", &shape, 1, &writer, &err));
    bool good = !ps_snapshot_take_chunks(writer, 1000); /* more than the ring holds */
    ps_sim_fail_at(sim, ps_sim_steps(sim) + 3, EIO, false, PS_SYNC_FAIL_DROPPED);
    good = good && ps_snapshot_write_chunks(writer, &done, &err) == PS_E_IO &&
           ps_snapshot_write_chunks(writer, &done, &err) == PS_E_IO && !done;
    ps_snapshot_end(writer);
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 1;
    must(ps_snapshot_list(ps_sim_io(sim), "s", entries, &count, &err));
    good = good && count == 0;
    ps_sim_free(sim);
    ps_region_release(&region);
    return good ? NULL : "a snapshot on a slow disk that fails";
}

const char *rare_situations(void)
{
    static const char *(*const situations[])(void) = {
        creation_cut_at_any_step_can_be_done_again,
        a_crowded_directory_is_listed_or_refused,
        a_torn_tail_is_cut_with_any_room_on_the_disk,
        a_repair_that_is_cut_ends_in_the_same_state,
        a_repair_with_a_failing_call_ends_in_the_same_state,
        a_longer_tear_replaces_the_copy_of_a_shorter_one,
        a_reader_skips_a_torn_tail,
        a_segment_is_not_prepared_too_early,
        a_disk_that_lies_is_found_out,
        without_a_file_handle_writing_waits,
        a_half_made_segment_that_stays_is_the_end,
        a_commit_that_did_not_ask_for_room_is_the_end,
        a_watermark_that_fails_is_the_end,
        a_snapshot_waits_for_the_disk_and_fails_alone,
    };
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < sizeof situations / sizeof situations[0]; i++) {
        why = situations[i]();
    }
    return why;
}
