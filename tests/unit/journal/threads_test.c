/* The journal on the real file system with a thread for each side: append, commit, maintenance,
 * readers. Meant for ThreadSanitizer (-DPS_SANITIZE=thread); right results everywhere. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fixture.h"

enum { BATCHES = 200, QUEUE = 4 };

typedef struct {
    ps_journal *journal;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    ps_record_batch *queue[QUEUE]; /* closed batches on their way to the commit side */
    uint32_t put, taken;
    bool appended_all;
    bool committed_all;
    uint64_t commits; /* so far: what maintenance may have missed */
    atomic_uint failures;
} shared;

static void change(shared *s)
{
    pthread_mutex_lock(&s->mutex);
    s->commits++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

static void *append_side(void *arg)
{
    shared *s = arg;
    char payload[4096];
    for (uint32_t i = 0; i < BATCHES; i++) {
        pthread_mutex_lock(&s->mutex);
        while (!ps_journal_has_room(s->journal) || ps_journal_batch(s->journal) == NULL) {
            pthread_cond_wait(&s->changed, &s->mutex);
        }
        pthread_mutex_unlock(&s->mutex);
        ps_record_batch *batch = ps_journal_batch(s->journal);
        for (uint32_t k = 0; k < 1 + i % 9; k++) {
            uint32_t size = fx_payload(ps_journal_next_seq(s->journal), payload);
            char *at = ps_record_batch_reserve(batch, size);
            if (at == NULL) {
                break;
            }
            memcpy(at, payload, size);
            (void)ps_record_batch_append(batch, fx_type(ps_journal_next_seq(s->journal)), size);
        }
        batch = ps_journal_batch_close(s->journal);
        pthread_mutex_lock(&s->mutex);
        s->queue[s->put++ % QUEUE] = batch;
        s->appended_all = i + 1 == BATCHES;
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->mutex);
    }
    return NULL;
}

static void *commit_side(void *arg)
{
    shared *s = arg;
    ps_error err = {0};
    for (;;) {
        pthread_mutex_lock(&s->mutex);
        while (s->put == s->taken && !s->appended_all) {
            pthread_cond_wait(&s->changed, &s->mutex);
        }
        bool done = s->put == s->taken;
        ps_record_batch *batch = done ? NULL : s->queue[s->taken++ % QUEUE];
        uint32_t turn = s->taken;
        pthread_mutex_unlock(&s->mutex);
        if (done) {
            break;
        }
        s->failures += ps_journal_commit(s->journal, batch, &err) != PS_OK;
        if (turn % 16 == 0) {
            s->failures += ps_journal_seal(s->journal, turn % 32 == 0, &err) != PS_OK;
        }
        change(s);
    }
    s->failures += ps_journal_seal(s->journal, true, &err) != PS_OK;
    pthread_mutex_lock(&s->mutex);
    s->committed_all = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

static void *maintenance(void *arg)
{
    shared *s = arg;
    ps_error err = {0};
    bool done = false;
    while (!done) {
        bool wrapped = false;
        pthread_mutex_lock(&s->mutex);
        uint64_t seen = s->commits;
        pthread_mutex_unlock(&s->mutex);
        s->failures += ps_journal_prepare(s->journal, &err) != PS_OK;
        s->failures += ps_journal_scrub_step(s->journal, 8192, &wrapped, &err) != PS_OK;
        ps_journal_stats stats;
        ps_journal_get_stats(s->journal, &stats);
        pthread_mutex_lock(&s->mutex);
        pthread_cond_broadcast(&s->changed);
        while (!s->committed_all && s->commits == seen) {
            pthread_cond_wait(&s->changed, &s->mutex);
        }
        done = s->committed_all;
        pthread_mutex_unlock(&s->mutex);
    }
    return NULL;
}

/* Follows the end; every second reader also jumps back at times. */
static void *reader(void *arg)
{
    shared *s = arg;
    ps_error err = {0};
    ps_journal_cursor *cursor = NULL;
    if (ps_journal_cursor_new(s->journal, &cursor, &err) != PS_OK) {
        s->failures++;
        return NULL;
    }
    char payload[4096];
    for (uint64_t seq = 1;;) {
        pthread_mutex_lock(&s->mutex);
        while (seq > ps_journal_durable_seq(s->journal) && !s->committed_all) {
            pthread_cond_wait(&s->changed, &s->mutex);
        }
        pthread_mutex_unlock(&s->mutex);
        ps_record record = {0};
        ps_code code = ps_journal_cursor_next(cursor, &record, &err);
        if (code == PS_E_MISSING) {
            break;
        }
        uint32_t size = fx_payload(seq, payload);
        bool good = code == PS_OK && record.seq == seq &&
                    ps_slice_equal(record.payload, ps_slice_of(payload, size));
        if (good && seq % 37 == 0) {
            good = ps_journal_cursor_read(cursor, 1 + seq / 3, &record, &err) == PS_OK &&
                   record.seq == 1 + seq / 3 &&
                   ps_journal_cursor_seek(cursor, seq, &err) == PS_OK &&
                   ps_journal_cursor_next(cursor, &record, &err) == PS_OK && record.seq == seq;
        }
        if (!good) {
            s->failures++;
            break;
        }
        seq++;
    }
    ps_journal_cursor_free(cursor);
    return NULL;
}

static void remove_all(ps_io *io, const char *dir)
{
    ps_error err = {0};
    ps_dir_entry *entries = calloc(1024, sizeof *entries);
    size_t count = 0;
    fx_must(ps_io_list(io, dir, entries, 1024, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        char path[PS_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", dir, entries[i].name);
        fx_must(ps_io_unlink(io, path, &err), &err);
    }
    free(entries);
    rmdir(dir);
}

static void all_sides_work_at_the_same_time_on_real_files(void **state)
{
    (void)state;
    char dir[] = "/tmp/ps-journal-XXXXXX";
    assert_non_null(mkdtemp(dir));
    ps_io *io = ps_io_posix();
    ps_error err = {0};
    ps_journal_options options = {.segment_size = 65536, .batch_size_max = 8192};
    fx_must(ps_journal_create(io, dir, &options, &err), &err);
    shared s = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    ps_journal_recovery recovery;
    fx_must(ps_journal_open(io, dir, &options, 1, &s.journal, &recovery, &err), &err);
    void *(*const sides[])(void *) = {append_side, commit_side, maintenance, reader, reader};
    pthread_t threads[5];
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sides[i], &s), 0);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(s.failures, 0);
    uint64_t last = ps_journal_durable_seq(s.journal);
    assert_true(fx_read_all(s.journal, &err));
    ps_journal_close(s.journal);
    fx_must(ps_journal_open(io, dir, &options, 1, &s.journal, &recovery, &err), &err);
    assert_int_equal(ps_journal_durable_seq(s.journal), last);
    assert_int_equal(recovery.torn_bytes, 0);
    assert_true(fx_read_all(s.journal, &err));
    ps_journal_close(s.journal);
    remove_all(io, dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sides_work_at_the_same_time_on_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
