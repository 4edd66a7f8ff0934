/* E6: every allocation of the journal and of snapshots fails, once and from then on. The sources
 * are compiled into this program with their allocator replaced. */
#include <stdlib.h>

static unsigned long alloc_count;
static unsigned long alloc_fails_at; /* 0: never */
static int alloc_fails_on;           /* and every later one */

static int alloc_fails(void)
{
    alloc_count++;
    return alloc_fails_at != 0 &&
           (alloc_fails_on ? alloc_count >= alloc_fails_at : alloc_count == alloc_fails_at);
}
static void *alloc_calloc(size_t count, size_t size)
{
    return alloc_fails() ? NULL : calloc(count, size);
}
static void *alloc_malloc(size_t size)
{
    return alloc_fails() ? NULL : malloc(size);
}
static void *alloc_realloc(void *old, size_t size)
{
    return alloc_fails() ? NULL : realloc(old, size);
}
static void *alloc_aligned(size_t alignment, size_t size)
{
    return alloc_fails() ? NULL : aligned_alloc(alignment, size);
}

#define calloc alloc_calloc
#define malloc alloc_malloc
#define realloc alloc_realloc
#define aligned_alloc alloc_aligned
#include "journal/cursor.c"
#include "journal/format.c"
#include "journal/journal.c"
#include "journal/recovery.c"
#include "journal/snapshot.c"
#include "journal/watermark.c"
#undef calloc
#undef malloc
#undef realloc
#undef aligned_alloc

#include "snapshot_fixture.h"

static ps_code use_journal(ps_io *io, ps_error *err)
{
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_code code = ps_journal_open(io, FX_DIR, &fx_small, 1, &journal, &recovery, err);
    if (code != PS_OK) {
        return code;
    }
    ps_journal_cursor *cursor = NULL;
    fx_oracle oracle = {0};
    bool wrapped = false;
    code = ps_journal_prepare(journal, err);
    if (code == PS_OK) {
        code = fx_commit(journal, 3, &oracle, err);
    }
    if (code == PS_OK) {
        code = ps_journal_cursor_new(journal, &cursor, err);
    }
    ps_record record;
    if (code == PS_OK) {
        code = ps_journal_cursor_read(cursor, 2, &record, err);
    }
    if (code == PS_OK) {
        code = ps_journal_scrub_step(journal, 1 << 20, &wrapped, err);
    }
    ps_journal_cursor_free(cursor);
    ps_journal_close(journal);
    return code;
}

static ps_code use_snapshots(ps_io *io, fx_state *s, ps_error *err)
{
    static const uint64_t sizes[FX_REGIONS] = {100, 70000, 0};
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 0;
    uint64_t seq = 0;
    fx_state_fill(s, sizes, 1);
    ps_code code = fx_snapshot(io, s, 1, err);
    if (code == PS_OK) {
        code = ps_snapshot_list(io, FX_SNAPSHOTS, entries, &count, err);
    }
    for (uint32_t i = 0; i < FX_REGIONS; i++) {
        ps_region_clear(&s->region[i]);
    }
    if (code == PS_OK) {
        code = ps_snapshot_load(io, FX_SNAPSHOTS, entries[0].name, &s->shape, &seq, err);
    }
    return code == PS_OK ? ps_snapshot_prune(io, FX_SNAPSHOTS, err) : code;
}

static void any_failed_allocation_is_an_error_and_the_next_try_works(void **state)
{
    (void)state;
    fx_state s;
    fx_state_init(&s);
    for (int on = 0; on < 2; on++) {
        ps_code code = PS_E_MEMORY;
        for (unsigned long k = 1; code != PS_OK; k++) {
            ps_error err = {0};
            ps_sim *sim = fx_sim_with_journal(k);
            ps_io *io = ps_sim_io(sim);
            fx_oracle oracle = {0};
            ps_journal *journal = fx_open(io, &fx_small);
            for (uint32_t i = 0; i < 7; i++) {
                fx_must(ps_journal_prepare(journal, &err), &err);
                fx_must(fx_commit(journal, 3, &oracle, &err), &err);
            }
            ps_journal_close(journal);
            alloc_count = 0;
            alloc_fails_at = k;
            alloc_fails_on = on;
            code = use_journal(io, &err);
            if (code == PS_OK) {
                code = use_snapshots(io, &s, &err);
            }
            bool reached = alloc_count >= k;
            alloc_fails_at = 0;
            assert_true(code == PS_OK || code == PS_E_MEMORY);
            assert_int_equal(reached, code != PS_OK);
            ps_sim_crash(sim, PS_SURVIVE_ALL);
            fx_must(use_journal(io, &err), &err);
            fx_must(use_snapshots(io, &s, &err), &err);
            ps_sim_free(sim);
            assert_true(k < 200);
        }
    }
    fx_state_release(&s);
}

/* A life on a copy of `base`, with every allocation failing once and from then on. */
static void every_allocation_fails(const ps_sim *base, ps_code (*life)(ps_io *io, ps_error *err))
{
    for (int on = 0; on < 2; on++) {
        ps_code code = PS_E_MEMORY;
        for (unsigned long k = 1; code != PS_OK; k++) {
            ps_error err = {0};
            ps_sim *sim = ps_sim_clone(base);
            alloc_count = 0;
            alloc_fails_at = k;
            alloc_fails_on = on;
            code = life(ps_sim_io(sim), &err);
            bool reached = alloc_count >= k;
            alloc_fails_at = 0;
            assert_true(code == PS_OK || code == PS_E_MEMORY);
            /* what a walk over a cold segment learns may be forgotten, and nothing more */
            assert_true(reached || code == PS_OK);
            ps_sim_crash(sim, PS_SURVIVE_ALL);
            fx_must(life(ps_sim_io(sim), &err), &err);
            ps_sim_free(sim);
            assert_true(k < 400);
        }
    }
}

/* A journal whose table is full, and whose first segments a snapshot covers. */
static ps_code use_long_journal(ps_io *io, ps_error *err)
{
    ps_journal *journal = NULL;
    ps_journal_cursor *cursor = NULL;
    ps_journal_recovery recovery;
    ps_record record;
    fx_oracle oracle = {0};
    ps_code code = ps_journal_open(io, FX_DIR, &fx_small, 100, &journal, &recovery, err);
    if (code != PS_OK) {
        return code;
    }
    for (uint32_t i = 0; code == PS_OK && i < 5; i++) {
        code = ps_journal_prepare(journal, err);
        code = code == PS_OK ? fx_commit(journal, 1, &oracle, err) : code;
    }
    if (code == PS_OK) {
        code = ps_journal_prepare(journal, err);
    }
    if (code == PS_OK) {
        code = ps_journal_cursor_new(journal, &cursor, err);
    }
    if (code == PS_OK) {
        code = ps_journal_cursor_read(cursor, 2, &record, err);
        assert_true(code != PS_OK || record.seq == 2);
    }
    ps_journal_cursor_free(cursor);
    ps_journal_close(journal);
    return code;
}

static void a_long_journal_survives_any_failed_allocation(void **state)
{
    (void)state;
    ps_error err = {0};
    fx_oracle oracle = {0};
    ps_journal_stats stats = {0};
    ps_sim *base = fx_sim_with_journal(1);
    ps_journal *journal = fx_open(ps_sim_io(base), &fx_small);
    while (stats.segments < 64) {
        fx_must(fx_commit(journal, 1, &oracle, &err), &err);
        fx_must(ps_journal_prepare(journal, &err), &err);
        ps_journal_get_stats(journal, &stats);
    }
    ps_journal_close(journal);
    every_allocation_fails(base, use_long_journal);
    ps_sim_free(base);
}

static const ps_journal_options large = {.segment_size = 512 * 1024, .batch_size_max = 204800};

/* A record that is larger than what a reader's buffer holds at first. */
static ps_code use_large_record(ps_io *io, ps_error *err)
{
    ps_journal *journal = NULL;
    ps_journal_cursor *cursor = NULL;
    ps_journal_recovery recovery;
    ps_record record;
    ps_code code = ps_journal_open(io, FX_DIR, &large, 1, &journal, &recovery, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_journal_cursor_new(journal, &cursor, err);
    if (code == PS_OK) {
        code = ps_journal_cursor_read(cursor, 1, &record, err);
        assert_true(code != PS_OK || record.payload.size == 100000);
    }
    ps_journal_cursor_free(cursor);
    ps_journal_close(journal);
    return code;
}

static void a_large_record_survives_any_failed_allocation(void **state)
{
    (void)state;
    ps_error err = {0};
    ps_sim *base = ps_sim_new(1);
    fx_create(ps_sim_io(base), &large);
    ps_journal *journal = fx_open(ps_sim_io(base), &large);
    ps_record_batch *batch = ps_journal_batch(journal);
    char *at = ps_record_batch_reserve(batch, 100000);
    assert_non_null(at);
    memset(at, 'r', 100000);
    (void)ps_record_batch_append(batch, 1, 100000);
    fx_must(ps_journal_commit(journal, ps_journal_batch_close(journal), &err), &err);
    ps_journal_close(journal);
    every_allocation_fails(base, use_large_record);
    ps_sim_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_failed_allocation_is_an_error_and_the_next_try_works),
        cmocka_unit_test(a_long_journal_survives_any_failed_allocation),
        cmocka_unit_test(a_large_record_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
