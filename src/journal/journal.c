/* The write side: create, batches, commit, seal, prepare. */
#include "base/sometimes.h"
#include "journal/journal_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ── names, options, errors ── */

void ps_segment_name(uint64_t segment_id, char out[PS_SEGMENT_NAME_SIZE])
{
    snprintf(out, PS_SEGMENT_NAME_SIZE, "seg-%016llx", (unsigned long long)segment_id);
}

void ps_journal_path(const char *dir, const char *name, char out[PS_PATH_MAX])
{
    int size = snprintf(out, PS_PATH_MAX, "%s/%s", dir, name);
    PS_ASSERT(size > 0 && size < PS_PATH_MAX);
}

ps_code ps_journal_options_check(const char *dir, const ps_journal_options *options, ps_error *err)
{
    if (strlen(dir) > PS_PATH_MAX - 64) {
        return ps_error_set(err, PS_E_INVALID, "the name of the journal's directory is too long");
    }
    if (options->segment_size % PS_PAGE != 0 || options->segment_size < 4 * PS_PAGE ||
        options->segment_size > 1u << 30) {
        return ps_error_set(err, PS_E_INVALID,
                            "segment size %u is not a multiple of 4096 from 16 KiB to 1 GiB",
                            options->segment_size);
    }
    if (options->batch_size_max < PS_PAGE ||
        options->batch_size_max > (options->segment_size - PS_PAGE) / 2) {
        return ps_error_set(err, PS_E_INVALID,
                            "batch size %u is not between 4096 and half a segment",
                            options->batch_size_max);
    }
    return PS_OK;
}

ps_code ps_journal_damaged(const char *path, uint64_t offset, uint64_t first_seq, uint64_t last_seq,
                           const char *why, ps_error *err)
{
    return ps_error_set(err, PS_E_DAMAGED, "%s: damaged at offset %llu (seq %llu-%llu): %s", path,
                        (unsigned long long)offset, (unsigned long long)first_seq,
                        (unsigned long long)last_seq, why);
}

ps_code ps_journal_check_alive(ps_journal *journal, ps_error *err)
{
    if (atomic_load_explicit(&journal->is_dead, memory_order_acquire)) {
        PS_SOMETIMES("journal: asked after its death");
        *err = journal->death;
        return err->code;
    }
    return PS_OK;
}

ps_code ps_journal_die(ps_journal *journal, const ps_error *err)
{
    pthread_mutex_lock(&journal->table_mutex);
    if (!atomic_load_explicit(&journal->is_dead, memory_order_relaxed)) {
        journal->death = *err;
        atomic_store_explicit(&journal->is_dead, true, memory_order_release);
    }
    pthread_mutex_unlock(&journal->table_mutex);
    return err->code;
}

/* ── segments ── */

ps_code ps_segment_zero(ps_io *io, ps_file *file, uint32_t from, uint32_t end, ps_error *err)
{
    static const char zeros[16 * PS_PAGE];
    ps_code code = PS_OK;
    while (code == PS_OK && from < end) {
        uint32_t size = end - from < sizeof zeros ? end - from : (uint32_t)sizeof zeros;
        code = ps_io_write(io, file, from, zeros, size, err);
        from += size;
    }
    return code;
}

/* In synced steps: commits wait for the disk behind what is dirty, so little may be at a time. */
static ps_code segment_fill(ps_io *io, ps_file *file, uint32_t segment_size, ps_error *err)
{
    enum { STEP = 8 * 1024 * 1024 };
    ps_code code = PS_OK;
    for (uint32_t from = 0; code == PS_OK && from < segment_size; from += STEP) {
        uint32_t left = segment_size - from;
        code = ps_segment_zero(io, file, from, from + (left < STEP ? left : STEP), err);
        if (code == PS_OK && left > STEP) {
            code = ps_io_datasync(io, file, err);
        }
    }
    return code;
}

static ps_code segment_write(ps_io *io, ps_file *file, const ps_segment_header *header,
                             ps_error *err)
{
    char page[PS_PAGE];
    ps_page_encode(header, sizeof *header, page);
    ps_code code = segment_fill(io, file, header->segment_size, err);
    if (code == PS_OK) {
        code = ps_io_write(io, file, 0, page, sizeof page, err);
    }
    if (code == PS_OK && !PS_PLANTED(PS_BUG_RENAME_BEFORE_SYNC)) {
        code = ps_io_datasync(io, file, err);
    }
    return code;
}

/* Takes a half-made segment away after PS_E_SPACE. Removal and the next attempt are new entries of
 * the directory, so the next sync of it stands for itself. Code of the first failure, or of the
 * cleaning when that fails. */
static ps_code segment_undo(ps_io *io, const char *path, ps_error *err)
{
    ps_error undo_err = {0};
    ps_code code = ps_io_unlink(io, path, &undo_err);
    if (code != PS_OK) {
        PS_SOMETIMES("journal: a half-made segment cannot be removed");
        *err = undo_err;
    }
    return err->code;
}

ps_code ps_segment_prepare(ps_io *io, const char *dir, const ps_segment_header *header,
                           ps_file **out_file, ps_error *err)
{
    char name[PS_SEGMENT_NAME_SIZE];
    char path[PS_PATH_MAX];
    char tmp_path[PS_PATH_MAX];
    ps_segment_name(header->segment_id, name);
    ps_journal_path(dir, name, path);
    ps_journal_path(dir, PS_NEXT_TMP, tmp_path);
    ps_file *file = NULL;
    ps_code code = ps_io_open(io, tmp_path, PS_OPEN_CREATE_NEW, &file, err);
    if (code != PS_OK) {
        bool no_handles = err->os_errno == EMFILE || err->os_errno == ENFILE;
        PS_SOMETIMES_WHEN(no_handles, "journal: no file handle is left");
        err->code = no_handles ? PS_E_SPACE : code; /* nothing was changed: later is fine */
        return err->code;
    }
    const char *undo_path = tmp_path;
    code = segment_write(io, file, header, err);
    if (code == PS_OK) {
        code = ps_io_rename(io, tmp_path, path, err);
    }
    if (code == PS_OK) {
        undo_path = path;
        if (!PS_PLANTED(PS_BUG_SKIP_DIR_SYNC)) {
            code = ps_io_sync_dir(io, dir, err);
        }
    }
    if (code == PS_OK && PS_PLANTED(PS_BUG_RENAME_BEFORE_SYNC)) {
        code = ps_io_datasync(io, file, err);
    }
    if (code != PS_OK) {
        PS_SOMETIMES_WHEN(code == PS_E_SPACE, "journal: no space for the next segment");
        PS_SOMETIMES_WHEN(code != PS_E_SPACE, "journal: the next segment cannot be made");
        ps_io_close(io, file);
        return code == PS_E_SPACE ? segment_undo(io, undo_path, err) : code;
    }
    *out_file = file;
    return PS_OK;
}

uint32_t ps_segment_index_capacity(uint32_t segment_size)
{
    return segment_size / PS_INDEX_EVERY + 1;
}

void ps_segment_index_add(ps_segment *segment, uint64_t first_seq, uint32_t offset)
{
    uint32_t count = segment->index_count;
    if (count > 0 && offset - segment->index[count - 1].offset < PS_INDEX_EVERY) {
        return;
    }
    PS_ASSERT(count < segment->index_capacity);
    segment->index[count] = (ps_index_entry){first_seq, offset};
    segment->index_count = count + 1;
}

ps_code ps_journal_table_reserve(ps_journal *journal, ps_error *err)
{
    ps_code code = PS_OK;
    pthread_mutex_lock(&journal->table_mutex);
    if (journal->segment_count == journal->segment_capacity) {
        size_t capacity = journal->segment_capacity == 0 ? 64 : 2 * journal->segment_capacity;
        ps_segment *segments = realloc(journal->segments, capacity * sizeof *segments);
        if (segments != NULL) {
            journal->segments = segments;
            journal->segment_capacity = capacity;
        } else {
            code = ps_error_set(err, PS_E_MEMORY, "no memory for the journal's segment table");
        }
    }
    pthread_mutex_unlock(&journal->table_mutex);
    return code;
}

void ps_journal_table_add(ps_journal *journal, const ps_segment *segment)
{
    pthread_mutex_lock(&journal->table_mutex);
    PS_ASSERT(journal->segment_count < journal->segment_capacity);
    journal->segments[journal->segment_count++] = *segment;
    pthread_mutex_unlock(&journal->table_mutex);
}

/* ── create ── */

/* What an earlier, interrupted create left: everything but a named segment may go. */
static ps_code create_clear(ps_io *io, const char *dir, ps_error *err)
{
    ps_dir_entry entries[8];
    size_t count = 0;
    ps_code code = ps_io_list(io, dir, entries, 8, &count, err);
    for (size_t i = 0; code == PS_OK && i < count; i++) {
        if (strcmp(entries[i].name, PS_NEXT_TMP) != 0 &&
            strcmp(entries[i].name, PS_WATERMARK_NAME) != 0) {
            PS_SOMETIMES("journal: the new journal's directory is in use");
            return ps_error_set(err, PS_E_EXISTS, "cannot make a journal in %s: it is not empty",
                                dir);
        }
    }
    for (size_t i = 0; code == PS_OK && i < count; i++) {
        PS_SOMETIMES("journal: what an interrupted creation left goes");
        char path[PS_PATH_MAX];
        ps_journal_path(dir, entries[i].name, path);
        code = ps_io_unlink(io, path, err);
    }
    return code;
}

/* The first segment appears last: a directory without one is not a journal yet, and create may be
 * called again. */
ps_code ps_journal_create(ps_io *io, const char *dir, const ps_journal_options *options,
                          ps_error *err)
{
    ps_code code = ps_journal_options_check(dir, options, err);
    if (code == PS_OK) {
        code = create_clear(io, dir, err);
    }
    ps_u128 instance = {0};
    ps_io_random(io, &instance, sizeof instance);
    if (code == PS_OK) {
        code = ps_watermark_create(io, dir, instance, err);
    }
    if (code == PS_OK) {
        code = ps_io_sync_dir(io, dir, err);
    }
    ps_file *file = NULL;
    if (code == PS_OK) {
        ps_segment_header header = ps_segment_header_make(instance, 1, options->segment_size);
        code = ps_segment_prepare(io, dir, &header, &file, err);
    }
    ps_io_close(io, file);
    return code;
}

/* ── append side ── */

ps_record_batch *ps_journal_batch(ps_journal *journal)
{
    ps_record_batch *batch = &journal->batches[journal->fill_index];
    bool fills = atomic_load_explicit(&batch->state, memory_order_acquire) == PS_BATCH_FILLING;
    return fills ? batch : NULL;
}

char *ps_record_batch_reserve(ps_record_batch *batch, uint32_t size)
{
    PS_ASSERT(size <= PS_RECORD_PAYLOAD_MAX);
    uint32_t end = batch->used + (uint32_t)sizeof(ps_record_header) + ps_format_pad(size, 8);
    if (end + ps_batch_marks_size_max(end) > batch->capacity) {
        return NULL;
    }
    batch->reserved = size;
    return batch->bytes + batch->used + sizeof(ps_record_header);
}

uint64_t ps_record_batch_append(ps_record_batch *batch, uint8_t type, uint32_t size)
{
    ps_journal *journal = batch->journal;
    PS_ASSERT(size <= batch->reserved);
    PS_ASSERT(atomic_load_explicit(&batch->state, memory_order_relaxed) == PS_BATCH_FILLING);
    uint64_t seq = journal->next_seq++;
    ps_record_header header = {.payload_size = size, .seq = seq, .type = type};
    char *at = batch->bytes + batch->used;
    memcpy(at, &header, sizeof header);
    at += sizeof header;
    uint32_t padded_size = ps_format_pad(size, 8);
    memset(at + size, 0, padded_size - size);
    if (batch->count == 0) {
        batch->first_seq = seq;
    }
    batch->count++;
    batch->used += (uint32_t)sizeof header + padded_size;
    batch->reserved = 0;
    return seq;
}

uint32_t ps_record_batch_count(const ps_record_batch *batch)
{
    return batch->count;
}

uint64_t ps_record_batch_last_seq(const ps_record_batch *batch)
{
    PS_ASSERT(batch->count > 0);
    return batch->first_seq + batch->count - 1;
}

uint64_t ps_journal_next_seq(const ps_journal *journal)
{
    return journal->next_seq;
}

ps_record_batch *ps_journal_batch_close(ps_journal *journal)
{
    ps_record_batch *batch = &journal->batches[journal->fill_index];
    PS_ASSERT(atomic_load_explicit(&batch->state, memory_order_acquire) == PS_BATCH_FILLING);
    PS_ASSERT(batch->count > 0);
    atomic_store_explicit(&batch->state, PS_BATCH_CLOSED, memory_order_release);
    journal->fill_index ^= 1;
    return batch;
}

/* A ready next segment holds two full batches by the check of options, whatever the current one
 * has left; a seal never takes that away (see seal_fits). */
bool ps_journal_has_room(const ps_journal *journal)
{
    if (atomic_load_explicit(&journal->is_dead, memory_order_acquire)) {
        return false;
    }
    return atomic_load_explicit(&journal->next_is_ready, memory_order_acquire) ||
           atomic_load_explicit(&journal->room_bytes, memory_order_acquire) >=
               2 * journal->batches[0].capacity;
}

/* ── commit side ── */

static ps_code segment_switch(ps_journal *journal, ps_error *err)
{
    if (!atomic_load_explicit(&journal->next_is_ready, memory_order_acquire)) {
        PS_SOMETIMES("journal: no segment is prepared");
        return ps_error_set(err, PS_E_SPACE, "%s: no segment is prepared for the next batch",
                            journal->dir);
    }
    pthread_mutex_lock(&journal->table_mutex);
    journal->segments[journal->segment_count - 2].end = journal->offset;
    pthread_mutex_unlock(&journal->table_mutex);
    ps_io_close(journal->io, journal->current_file);
    journal->current_file = journal->next_file;
    journal->current = journal->next;
    journal->next_file = NULL;
    journal->offset = PS_PAGE;
    atomic_store_explicit(&journal->room_bytes, journal->current.segment_size - PS_PAGE,
                          memory_order_release);
    atomic_store_explicit(&journal->next_is_ready, false, memory_order_release);
    return PS_OK;
}

static ps_code batch_sync(ps_journal *journal, ps_error *err)
{
    if (PS_PLANTED(PS_BUG_SKIP_DATASYNC)) {
        return PS_OK;
    }
    if (PS_PLANTED(PS_BUG_SYNC_WRONG_FILE)) {
        return ps_io_datasync(journal->io, journal->watermark_file, err);
    }
    ps_code code = ps_io_datasync(journal->io, journal->current_file, err);
    if (code != PS_OK && PS_PLANTED(PS_BUG_RETRY_FAILED_SYNC)) {
        code = ps_io_datasync(journal->io, journal->current_file, err);
    }
    return code;
}

/* The batch is on disk: the table first, then the durable seq that lets readers look for it. */
static void batch_publish(ps_journal *journal, const ps_batch_header *header, uint32_t size)
{
    pthread_mutex_lock(&journal->table_mutex);
    size_t i = journal->segment_count - 1;
    if (journal->segments[i].header.segment_id != journal->current.segment_id) {
        i--;
    }
    ps_segment *segment = &journal->segments[i];
    PS_ASSERT(segment->header.segment_id == journal->current.segment_id);
    if (segment->first_seq == 0) {
        segment->first_seq = header->first_seq;
    }
    ps_segment_index_add(segment, header->first_seq, journal->offset);
    pthread_mutex_unlock(&journal->table_mutex);
    journal->offset += size;
    journal->last_hash = header->hash;
    journal->newest_is_seal = header->count == 0;
    atomic_store_explicit(&journal->room_bytes, journal->current.segment_size - journal->offset,
                          memory_order_release);
    atomic_fetch_add_explicit(&journal->bytes, size, memory_order_relaxed);
    atomic_fetch_add_explicit(&journal->batch_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&journal->seal_count, header->count == 0, memory_order_relaxed);
    atomic_store_explicit(&journal->durable_seq, header->first_seq + header->count - 1,
                          memory_order_release);
}

/* Stamps, writes, syncs, publishes. Any failure is the end of the journal (J2). */
static ps_code batch_write(ps_journal *journal, char *bytes, uint32_t used, ps_batch_header *header,
                           ps_error *err)
{
    uint32_t size_max = ps_format_pad(used + ps_batch_marks_size_max(used), PS_PAGE);
    uint32_t room = journal->current.segment_size - journal->offset;
    if (PS_PLANTED(PS_BUG_SEGMENT_END_OFF_BY_ONE)) {
        room += PS_PAGE;
    }
    ps_code code = size_max <= room ? PS_OK : segment_switch(journal, err);
    if (code != PS_OK) {
        return ps_journal_die(journal, err);
    }
    header->offset = journal->offset;
    header->previous_hash = journal->last_hash;
    header->durable_upto = atomic_load_explicit(&journal->durable_seq, memory_order_relaxed);
    PS_ASSERT(header->first_seq == header->durable_upto + 1 || PS_PLANTED(PS_BUG_REUSE_SEQ));
    uint32_t size = ps_batch_stamp(bytes, used, &journal->current, header);
    if (PS_PLANTED(PS_BUG_ACK_BEFORE_SYNC)) {
        atomic_store(&journal->durable_seq, header->first_seq + header->count - 1);
    }
    code = ps_io_write(journal->io, journal->current_file, journal->offset, bytes, size, err);
    if (code != PS_OK && PS_PLANTED(PS_BUG_APPEND_AFTER_PARTIAL_WRITE) && size <= room - PS_PAGE) {
        journal->offset += PS_PAGE;
        header->offset = journal->offset;
        size = ps_batch_stamp(bytes, used, &journal->current, header);
        code = ps_io_write(journal->io, journal->current_file, journal->offset, bytes, size, err);
    }
    PS_SOMETIMES_WHEN(code != PS_OK, "journal: a batch cannot be written");
    if (code == PS_OK) {
        code = batch_sync(journal, err);
        PS_SOMETIMES_WHEN(code != PS_OK, "journal: a batch cannot be synced");
    }
    if (code != PS_OK) {
        return ps_journal_die(journal, err);
    }
    batch_publish(journal, header, size);
    return PS_OK;
}

static void batch_reset(ps_record_batch *batch)
{
    batch->used = sizeof(ps_batch_header);
    batch->reserved = 0;
    batch->count = 0;
    batch->first_seq = 0;
}

ps_code ps_journal_commit(ps_journal *journal, ps_record_batch *batch, ps_error *err)
{
    ps_code code = ps_journal_check_alive(journal, err);
    if (code != PS_OK) {
        return code;
    }
    PS_ASSERT(batch == &journal->batches[journal->commit_index]);
    PS_ASSERT(atomic_load_explicit(&batch->state, memory_order_acquire) == PS_BATCH_CLOSED);
    ps_batch_header header = {.first_seq = batch->first_seq, .count = batch->count};
    code = batch_write(journal, batch->bytes, batch->used, &header, err);
    if (code != PS_OK) {
        return code;
    }
    batch_reset(batch);
    journal->commit_index ^= 1;
    atomic_store_explicit(&batch->state, PS_BATCH_FILLING, memory_order_release);
    return PS_OK;
}

/* A seal must not eat the room that has_room promised to two batches. */
static bool seal_fits(const ps_journal *journal)
{
    uint32_t promised = 2 * journal->batches[0].capacity;
    uint32_t room = journal->current.segment_size - journal->offset;
    bool next = atomic_load_explicit(&journal->next_is_ready, memory_order_acquire);
    if (room >= PS_PAGE) {
        return next || room >= promised + PS_PAGE;
    }
    return next && journal->next.segment_size - 2 * PS_PAGE >= promised;
}

static ps_code watermark_advance(ps_journal *journal, ps_error *err)
{
    ps_watermark watermark = {
        .instance = journal->instance,
        .generation = journal->watermark_generation + 1,
        .durable_seq = atomic_load_explicit(&journal->durable_seq, memory_order_relaxed),
        .batch_hash = journal->last_hash,
    };
    if (PS_PLANTED(PS_BUG_WATERMARK_EARLY)) {
        watermark.durable_seq++;
    }
    ps_code code = ps_watermark_write(journal->io, journal->watermark_file, &watermark, err);
    if (code != PS_OK) {
        PS_SOMETIMES("journal: the watermark cannot be written");
        return ps_journal_die(journal, err);
    }
    journal->watermark_generation++;
    return PS_OK;
}

ps_code ps_journal_seal(ps_journal *journal, bool watermark, ps_error *err)
{
    ps_code code = ps_journal_check_alive(journal, err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t durable = atomic_load_explicit(&journal->durable_seq, memory_order_relaxed);
    bool is_empty = durable == 0;
    PS_SOMETIMES_WHEN(is_empty, "journal: nothing to seal");
    PS_SOMETIMES_WHEN(journal->newest_is_seal, "journal: sealed already");
    PS_SOMETIMES_WHEN(!seal_fits(journal), "journal: no room for a seal");
    if (!is_empty && !journal->newest_is_seal && seal_fits(journal)) {
        ps_batch_header header = {.first_seq = durable + 1, .flags = PS_BATCH_SEAL};
        code = batch_write(journal, journal->seal_bytes, sizeof header, &header, err);
    }
    if (code == PS_OK && watermark) {
        code = watermark_advance(journal, err);
    }
    return code;
}

uint64_t ps_journal_durable_seq(const ps_journal *journal)
{
    return atomic_load_explicit(&journal->durable_seq, memory_order_acquire);
}

ps_u128 ps_journal_instance(const ps_journal *journal)
{
    return journal->instance;
}

/* ── maintenance ── */

ps_code ps_journal_prepare(ps_journal *journal, ps_error *err)
{
    ps_code code = ps_journal_check_alive(journal, err);
    if (code != PS_OK || atomic_load_explicit(&journal->next_is_ready, memory_order_acquire)) {
        return code;
    }
    pthread_mutex_lock(&journal->table_mutex);
    uint64_t id = journal->segments[journal->segment_count - 1].header.segment_id + 1;
    bool is_early = id > 2 && journal->segments[journal->segment_count - 1].first_seq == 0;
    pthread_mutex_unlock(&journal->table_mutex);
    if (is_early && !PS_PLANTED(PS_BUG_PREPARE_EARLY)) {
        PS_SOMETIMES("journal: too early for another segment");
        return PS_OK;
    }
    code = ps_journal_table_reserve(journal, err);
    if (code != PS_OK) {
        return code;
    }
    ps_segment segment = {
        .header = ps_segment_header_make(journal->instance, id, journal->options.segment_size)};
    segment.index_capacity = ps_segment_index_capacity(journal->options.segment_size);
    segment.index = calloc(segment.index_capacity, sizeof *segment.index);
    if (segment.index == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the index of a segment");
    }
    ps_file *file = NULL;
    code = ps_segment_prepare(journal->io, journal->dir, &segment.header, &file, err);
    if (code != PS_OK) {
        free(segment.index);
        return code == PS_E_SPACE ? code : ps_journal_die(journal, err);
    }
    ps_journal_table_add(journal, &segment);
    journal->next_file = file;
    journal->next = segment.header;
    atomic_store_explicit(&journal->next_is_ready, true, memory_order_release);
    return PS_OK;
}

void ps_journal_get_stats(const ps_journal *journal, ps_journal_stats *out_stats)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)&journal->table_mutex;
    pthread_mutex_lock(mutex);
    out_stats->segments = journal->segment_count;
    pthread_mutex_unlock(mutex);
    out_stats->bytes = atomic_load_explicit(&journal->bytes, memory_order_relaxed);
    out_stats->batches = atomic_load_explicit(&journal->batch_count, memory_order_relaxed);
    out_stats->seals = atomic_load_explicit(&journal->seal_count, memory_order_relaxed);
    out_stats->scrubbed_bytes =
        atomic_load_explicit(&journal->scrubbed_bytes, memory_order_relaxed);
    out_stats->scrub_errors = atomic_load_explicit(&journal->scrub_errors, memory_order_relaxed);
}

void ps_journal_close(ps_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    ps_io_close(journal->io, journal->current_file);
    ps_io_close(journal->io, journal->next_file);
    ps_io_close(journal->io, journal->watermark_file);
    ps_io_close(journal->io, journal->scrub.file);
    free(journal->scrub.buffer);
    free(journal->batches[0].bytes);
    free(journal->batches[1].bytes);
    free(journal->seal_bytes);
    for (size_t i = 0; i < journal->segment_count; i++) {
        free(journal->segments[i].index);
    }
    free(journal->segments);
    pthread_mutex_destroy(&journal->table_mutex);
    free(journal);
}
