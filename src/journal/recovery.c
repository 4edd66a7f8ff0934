/* Open: sync, scan, decide, repair (FAULTS §6.6, §6.8).
 *
 * The commit side has one batch on its way to the disk at a time, so of a crash at most the last
 * batch can be torn, and it was never acknowledged. The decision at the first place that does not
 * hold the next batch, seq b:
 *   (a) later evidence that b was synced ⇒ acknowledged data is damaged ⇒ refuse. Evidence: the
 *       watermark ≥ b; a later batch header (its durable_upto says less when b is a seal); a whole
 *       batch that does not follow the one before; data in a later segment; a segment prepared
 *       after the next one
 *   (b) other bytes follow ⇒ a torn tail ⇒ copy aside, zero, sync, continue at b
 *   (c) only zeros follow ⇒ clean end
 *   (d) a read error is an error, never an end
 *
 * After a failed sync the kernel may keep pages that it will never write, and a new process reads
 * them as if they were on disk. So the last batch that nothing later proves is not believed to be
 * durable because it can be read: its segment is copied to a new file without the torn tail,
 * synced, and renamed into place. After a clean end the watermark names the last batch and nothing
 * is copied. Recovery that is itself interrupted comes to the same decision again.
 */
#include "base/sometimes.h"
#include "journal/journal_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    WINDOW_SIZE = 1024 * 1024,
    COPY_SIZE = 256 * 1024,
    ENTRIES_START = 1024,
    ENTRIES_MAX = 1 << 20
};

typedef struct {
    ps_segment_header header;
    uint64_t first_seq;    /* of its first batch; 0: no valid first batch header */
    ps_u128 previous_hash; /* as its first batch header says */
    uint64_t file_size;
    uint32_t end;
    ps_index_entry *index; /* owned until it moves to the table */
    uint32_t index_count;
    ps_file *file;
} scan_segment;

/* The part of the open file that is in memory; beyond the end of the file all is zero. */
typedef struct {
    char *bytes;
    uint32_t capacity;
    uint32_t offset;
    uint32_t size;
    size_t segment; /* SIZE_MAX: nothing read */
} scan_window;

typedef struct {
    ps_io *io;
    const char *dir;
    const ps_journal_options *options;
    scan_segment *segments;
    size_t count;
    scan_window window;
    ps_file *watermark_file;
    ps_watermark watermark;
    /* position: the next batch is expected here */
    size_t at;
    uint32_t offset;
    uint64_t next_seq;
    ps_u128 last_hash;
    bool newest_is_seal;
    ps_journal_recovery found;
} scan;

static void scan_path(const scan *s, size_t i, char out[PS_PATH_MAX])
{
    char name[PS_SEGMENT_NAME_SIZE];
    ps_segment_name(i + 1, name);
    ps_journal_path(s->dir, name, out);
}

static ps_code scan_damaged(const scan *s, size_t i, uint32_t offset, uint64_t last_seq,
                            const char *why, ps_error *err)
{
    char path[PS_PATH_MAX];
    scan_path(s, i, path);
    uint64_t last = last_seq > s->next_seq ? last_seq : s->next_seq;
    return ps_journal_damaged(path, offset, s->next_seq, last, why, err);
}

/* ── the directory ── */

static ps_code list_entries(ps_io *io, const char *dir, ps_dir_entry **out_entries,
                            size_t *out_count, ps_error *err)
{
    for (size_t capacity = ENTRIES_START; capacity <= ENTRIES_MAX; capacity *= 4) {
        ps_dir_entry *entries = calloc(capacity, sizeof *entries);
        if (entries == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory to list %s", dir);
        }
        ps_code code = ps_io_list(io, dir, entries, capacity, out_count, err);
        if (code == PS_OK) {
            *out_entries = entries;
            return PS_OK;
        }
        free(entries);
        if (code != PS_E_LIMIT) {
            return code;
        }
        PS_SOMETIMES("recovery: more files than there was room for");
    }
    PS_SOMETIMES("recovery: too many files");
    return ps_error_set(err, PS_E_LIMIT, "%s holds too many files", dir);
}

/* Names are sorted and of fixed width, so that segment i of the list must have the id i + 1. */
static ps_code entry_take(scan *s, const ps_dir_entry *entry, bool *has_watermark, ps_error *err)
{
    const char *name = entry->name;
    if (entry->is_directory) {
        return PS_OK;
    }
    if (strcmp(name, PS_WATERMARK_NAME) == 0) {
        *has_watermark = true;
        return PS_OK;
    }
    if (strcmp(name, PS_NEXT_TMP) == 0 || strcmp(name, PS_TORN_TMP) == 0) {
        if (s->options->read_only) {
            PS_SOMETIMES("recovery: a temporary file is left alone");
            return PS_OK;
        }
        PS_SOMETIMES("recovery: a temporary file is removed");
        char path[PS_PATH_MAX];
        ps_journal_path(s->dir, name, path);
        return ps_io_unlink(s->io, path, err);
    }
    if (strncmp(name, "torn-", 5) == 0) {
        return PS_OK;
    }
    char expected[PS_SEGMENT_NAME_SIZE];
    ps_segment_name(s->count + 1, expected);
    if (strcmp(name, expected) == 0) {
        s->count++;
        return PS_OK;
    }
    if (strncmp(name, "seg-", 4) == 0) {
        PS_SOMETIMES("recovery: a segment is missing");
        return ps_error_set(err, PS_E_DAMAGED, "%s/%s: damaged at offset 0: %s should come first",
                            s->dir, name, expected);
    }
    PS_SOMETIMES("recovery: a foreign file");
    return ps_error_set(err, PS_E_DAMAGED, "%s/%s does not belong to a journal", s->dir, name);
}

static ps_code scan_list(scan *s, ps_error *err)
{
    ps_dir_entry *entries = NULL;
    size_t count = 0;
    bool has_watermark = false;
    ps_code code = list_entries(s->io, s->dir, &entries, &count, err);
    for (size_t i = 0; code == PS_OK && i < count; i++) {
        code = entry_take(s, &entries[i], &has_watermark, err);
    }
    free(entries);
    if (code != PS_OK) {
        return code;
    }
    if (s->count > 0 && !has_watermark) {
        PS_SOMETIMES("recovery: the watermark is missing");
        return ps_error_set(err, PS_E_DAMAGED, "%s/%s is missing", s->dir, PS_WATERMARK_NAME);
    }
    if (!has_watermark) {
        PS_SOMETIMES("recovery: an empty directory");
        return ps_error_set(err, PS_E_MISSING, "there is no journal in %s", s->dir);
    }
    s->segments = calloc(s->count + 1, sizeof *s->segments);
    if (s->segments == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to open %s", s->dir);
    }
    return PS_OK;
}

static ps_code scan_open_file(scan *s, const char *path, ps_file **out_file, ps_error *err)
{
    ps_open_mode mode = s->options->read_only ? PS_OPEN_READ : PS_OPEN_WRITE;
    return ps_io_open(s->io, path, mode, out_file, err);
}

/* Nothing is decided on what only a dead process's page cache holds. */
static ps_code scan_sync_all(scan *s, ps_error *err)
{
    char path[PS_PATH_MAX];
    ps_code code = PS_OK;
    for (size_t i = 0; code == PS_OK && i < s->count; i++) {
        ps_file *file = NULL;
        scan_path(s, i, path);
        code = ps_io_open(s->io, path, PS_OPEN_WRITE, &file, err);
        if (code == PS_OK) {
            code = ps_io_datasync(s->io, file, err);
        }
        ps_io_close(s->io, file);
    }
    if (code == PS_OK) {
        code = ps_io_datasync(s->io, s->watermark_file, err);
    }
    return code == PS_OK ? ps_io_sync_dir(s->io, s->dir, err) : code;
}

/* Without a segment: a creation that was cut off before its end, or all that was there is lost. */
static ps_code scan_without_segments(scan *s, ps_error *err)
{
    ps_watermark watermark = {0};
    ps_code code = ps_watermark_read(s->io, s->dir, s->watermark_file, &watermark, err);
    if (code != PS_OK && code != PS_E_DAMAGED) {
        return code;
    }
    if (watermark.durable_seq > 0) {
        PS_SOMETIMES("recovery: all segments are missing");
        return ps_error_set(err, PS_E_DAMAGED, "%s: all segments are missing", s->dir);
    }
    PS_SOMETIMES("recovery: a watermark without a journal");
    return ps_error_set(err, PS_E_MISSING, "there is no journal in %s", s->dir);
}

static ps_code scan_watermark(scan *s, ps_error *err)
{
    char path[PS_PATH_MAX];
    ps_journal_path(s->dir, PS_WATERMARK_NAME, path);
    ps_code code = scan_open_file(s, path, &s->watermark_file, err);
    if (code == PS_OK && !s->options->read_only) {
        code = scan_sync_all(s, err);
    }
    if (code != PS_OK) {
        return code;
    }
    return s->count == 0 ? scan_without_segments(s, err)
                         : ps_watermark_read(s->io, s->dir, s->watermark_file, &s->watermark, err);
}

/* ── reading ── */

static void window_drop(scan *s)
{
    if (s->window.segment != SIZE_MAX) {
        ps_io_close(s->io, s->segments[s->window.segment].file);
        s->segments[s->window.segment].file = NULL;
        s->window.segment = SIZE_MAX;
    }
}

/* Files stay closed but for the one under the window: old journals have thousands. */
static ps_code window_segment(scan *s, size_t i, ps_error *err)
{
    if (s->window.segment == i) {
        return PS_OK;
    }
    window_drop(s);
    char path[PS_PATH_MAX];
    scan_path(s, i, path);
    ps_code code = scan_open_file(s, path, &s->segments[i].file, err);
    if (code == PS_OK) {
        s->window.segment = i;
        s->window.size = 0;
    }
    return code;
}

/* The `size` bytes at `offset` of segment i; borrowed until the next call. */
static ps_code window_get(scan *s, size_t i, uint32_t offset, uint32_t size, const char **out_bytes,
                          ps_error *err)
{
    ps_code code = window_segment(s, i, err);
    if (code != PS_OK) {
        return code;
    }
    scan_window *w = &s->window;
    if (offset >= w->offset && offset + size <= w->offset + w->size) {
        *out_bytes = w->bytes + (offset - w->offset);
        return PS_OK;
    }
    uint32_t want = s->options->segment_size < WINDOW_SIZE ? s->options->segment_size : WINDOW_SIZE;
    want = want > size ? want : size;
    if (want > w->capacity) {
        char *bytes = realloc(w->bytes, want);
        if (bytes == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory to read the journal in %s", s->dir);
        }
        w->bytes = bytes;
        w->capacity = want;
    }
    size_t got = 0;
    w->size = 0;
    code = ps_io_read(s->io, s->segments[i].file, offset, w->bytes, want, &got, err);
    if (code != PS_OK) {
        if (!PS_PLANTED(PS_BUG_READ_ERROR_IS_END)) {
            PS_SOMETIMES("recovery: (d) a read error is no end");
            return code;
        }
        got = 0;
    }
    memset(w->bytes + got, 0, want - got);
    w->offset = offset;
    w->size = want;
    *out_bytes = w->bytes;
    return PS_OK;
}

/* ── segment headers ── */

static ps_code segment_header_check(scan *s, size_t i, ps_error *err)
{
    scan_segment *segment = &s->segments[i];
    const char *page = NULL;
    ps_code code = window_get(s, i, 0, PS_PAGE, &page, err);
    if (code == PS_OK) {
        code = ps_io_size(s->io, segment->file, &segment->file_size, err);
    }
    if (code != PS_OK) {
        return code;
    }
    ps_segment_header *header = &segment->header;
    const char *why = ps_page_decode(page, PS_SEGMENT_MAGIC, header, sizeof *header);
    if (why != NULL) {
        return scan_damaged(s, i, 0, 0, why, err);
    }
    char path[PS_PATH_MAX];
    scan_path(s, i, path);
    if (header->version > PS_JOURNAL_VERSION || header->flags != 0) {
        PS_SOMETIMES("recovery: a segment of a newer format");
        return ps_error_set(err, PS_E_VERSION, "%s: written by a newer format", path);
    }
    if (!ps_u128_equal(header->instance, s->watermark.instance)) {
        why = PS_WHY("segment of another journal");
    } else if (header->segment_id != i + 1) {
        why = PS_WHY("another segment under this name");
    } else if (header->reserved != 0 || header->segment_size % PS_PAGE != 0 ||
               header->segment_size < 4 * PS_PAGE || header->segment_size > 1u << 30 ||
               header->salt !=
                   ps_segment_header_make(header->instance, i + 1, header->segment_size).salt) {
        why = PS_WHY("fields of the segment header");
    } else if (segment->file_size > header->segment_size) {
        why = PS_WHY("longer than its header says");
    }
    return why == NULL ? PS_OK : scan_damaged(s, i, 0, 0, why, err);
}

/* Header and first batch header of every segment; the latter may be absent. */
static ps_code scan_headers(scan *s, ps_error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        ps_code code = segment_header_check(s, i, err);
        const char *bytes = NULL;
        if (code == PS_OK) {
            code = window_get(s, i, PS_PAGE, PS_PAGE, &bytes, err);
        }
        if (code != PS_OK) {
            return code;
        }
        ps_batch_header batch;
        if (ps_batch_header_decode(bytes, &s->segments[i].header, PS_PAGE, &batch) == NULL) {
            s->segments[i].first_seq = batch.first_seq;
            s->segments[i].previous_hash = batch.previous_hash;
        }
        PS_SOMETIMES_WHEN(s->segments[i].first_seq == 0, "recovery: a segment without a batch");
    }
    return PS_OK;
}

/* ── scan ── */

/* Segments whose successor begins at or before scan_from are covered by a snapshot. What the first
 * batch header says of the batch before it then stands for that one. */
static void scan_start(scan *s, uint64_t scan_from)
{
    size_t i = 0;
    while (i + 1 < s->count && s->segments[i].first_seq != 0 &&
           s->segments[i + 1].first_seq >= s->segments[i].first_seq &&
           s->segments[i + 1].first_seq <= scan_from) {
        i++;
    }
    PS_SOMETIMES_WHEN(i > 0, "recovery: segments that a snapshot covers");
    s->at = i;
    s->offset = PS_PAGE;
    s->next_seq = i == 0 ? 1 : s->segments[i].first_seq;
    s->last_hash = i == 0 ? (ps_u128){0} : s->segments[i].previous_hash;
}

/* Whether the batch of a valid header is the one that has to come now. */
static bool batch_follows(const scan *s, const ps_batch_header *batch)
{
    return batch->first_seq == s->next_seq && ps_u128_equal(batch->previous_hash, s->last_hash);
}

static ps_code segment_index_batch(scan *s, const ps_batch_header *batch, ps_error *err)
{
    scan_segment *segment = &s->segments[s->at];
    uint32_t capacity = ps_segment_index_capacity(segment->header.segment_size);
    if (segment->index == NULL) {
        segment->index = calloc(capacity, sizeof *segment->index);
        if (segment->index == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory for the index of a segment");
        }
    }
    ps_segment table = {
        .index = segment->index, .index_count = segment->index_count, .index_capacity = capacity};
    ps_segment_index_add(&table, batch->first_seq, s->offset);
    segment->index_count = table.index_count;
    return PS_OK;
}

/* Takes the batch at the position when it is whole and follows. */
static ps_code scan_batch(scan *s, bool *out_taken, ps_error *err)
{
    const ps_segment_header *segment = &s->segments[s->at].header;
    *out_taken = false;
    if (s->offset == segment->segment_size) {
        return PS_OK;
    }
    const char *bytes = NULL;
    ps_code code = window_get(s, s->at, s->offset, PS_PAGE, &bytes, err);
    ps_batch_header batch;
    if (code != PS_OK || ps_batch_header_decode(bytes, segment, s->offset, &batch) != NULL ||
        !batch_follows(s, &batch)) {
        return code;
    }
    uint32_t padded_size = ps_format_pad(batch.size, PS_PAGE);
    code = window_get(s, s->at, s->offset, padded_size, &bytes, err);
    if (code != PS_OK || ps_batch_check(bytes, &batch) != NULL) {
        return code;
    }
    code = segment_index_batch(s, &batch, err);
    if (code != PS_OK) {
        return code;
    }
    *out_taken = true;
    s->segments[s->at].first_seq =
        s->offset == PS_PAGE ? batch.first_seq : s->segments[s->at].first_seq;
    s->offset += padded_size;
    s->next_seq += batch.count;
    s->last_hash = batch.hash;
    s->newest_is_seal = batch.count == 0;
    s->found.bytes += padded_size;
    return PS_OK;
}

/* The first batch of the next segment proves where this one ended. It does not end before its own
 * first batch: any batch fits into an empty segment. */
static ps_code scan_next_segment(scan *s, bool *out_moved, ps_error *err)
{
    *out_moved = false;
    if (s->at + 1 == s->count || s->offset == PS_PAGE) {
        return PS_OK;
    }
    const char *bytes = NULL;
    ps_code code = window_get(s, s->at + 1, PS_PAGE, PS_PAGE, &bytes, err);
    ps_batch_header batch;
    if (code != PS_OK ||
        ps_batch_header_decode(bytes, &s->segments[s->at + 1].header, PS_PAGE, &batch) != NULL ||
        !batch_follows(s, &batch)) {
        return code;
    }
    *out_moved = true;
    s->segments[s->at].end = s->offset;
    s->at++;
    s->offset = PS_PAGE;
    return PS_OK;
}

static ps_code scan_batches(scan *s, ps_error *err)
{
    for (;;) {
        bool more = false;
        ps_code code = scan_batch(s, &more, err);
        if (code == PS_OK && !more) {
            code = scan_next_segment(s, &more, err);
        }
        if (code != PS_OK || !more) {
            return code;
        }
    }
}

/* ── decision ── */

typedef struct {
    uint32_t data_end;     /* offset behind the last byte that is not zero; 0: all zero */
    uint32_t batch_count;  /* valid headers behind `from` */
    uint64_t durable_upto; /* the highest they say */
} scan_rest;

static ps_code rest_read(scan *s, size_t i, uint32_t from, scan_rest *out_rest, ps_error *err)
{
    scan_rest rest = {0};
    const ps_segment_header *segment = &s->segments[i].header;
    for (uint32_t offset = from; offset < segment->segment_size; offset += PS_PAGE) {
        const char *bytes = NULL;
        ps_code code = window_get(s, i, offset, PS_PAGE, &bytes, err);
        if (code != PS_OK) {
            return code;
        }
        if (ps_is_zero(bytes, PS_PAGE)) {
            continue;
        }
        uint32_t data_size = PS_PAGE;
        while (bytes[data_size - 1] == 0) {
            data_size--;
        }
        rest.data_end = offset + data_size;
        ps_batch_header batch;
        if (ps_batch_header_decode(bytes, segment, offset, &batch) == NULL) {
            rest.batch_count += offset > from;
            rest.durable_upto =
                batch.durable_upto > rest.durable_upto ? batch.durable_upto : rest.durable_upto;
        }
    }
    *out_rest = rest;
    return PS_OK;
}

/* A whole batch that does not follow is nothing that a crash can make. */
static ps_code check_stranger(scan *s, ps_error *err)
{
    const ps_segment_header *segment = &s->segments[s->at].header;
    if (s->offset == segment->segment_size) {
        return PS_OK;
    }
    const char *bytes = NULL;
    ps_batch_header batch;
    ps_code code = window_get(s, s->at, s->offset, PS_PAGE, &bytes, err);
    if (code == PS_OK && ps_batch_header_decode(bytes, segment, s->offset, &batch) == NULL &&
        !batch_follows(s, &batch)) {
        return scan_damaged(s, s->at, s->offset, batch.first_seq, PS_WHY("batch out of sequence"),
                            err);
    }
    return code;
}

/* Decides at the position where the scan stopped; *out_torn_end: 0, or the end of a torn tail. */
static ps_code decide_here(scan *s, uint32_t *out_torn_end, bool *out_goes_on, ps_error *err)
{
    scan_rest here;
    scan_rest later = {0};
    *out_torn_end = 0;
    *out_goes_on = false;
    ps_code code = check_stranger(s, err);
    if (code == PS_OK) {
        code = rest_read(s, s->at, s->offset, &here, err);
    }
    if (code == PS_OK && s->at + 1 < s->count) {
        code = rest_read(s, s->at + 1, PS_PAGE, &later, err);
    }
    if (code != PS_OK) {
        return code;
    }
    if (s->at + 2 < s->count) {
        return scan_damaged(s, s->at, s->offset, 0, PS_WHY("later segments exist"), err);
    }
    if (later.data_end != 0) {
        if (here.data_end != 0 || s->offset == PS_PAGE) {
            return scan_damaged(s, s->at, s->offset, later.durable_upto,
                                PS_WHY("a later segment has data"), err);
        }
        PS_SOMETIMES("recovery: the first batch of the next segment is torn");
        *out_goes_on = true;
        return PS_OK;
    }
    if (here.batch_count > 0) {
        return scan_damaged(s, s->at, s->offset, here.durable_upto,
                            PS_WHY("a later batch proves that it was synced"), err);
    }
    PS_SOMETIMES_WHEN(here.data_end != 0, "recovery: (b) a torn tail");
    PS_SOMETIMES_WHEN(here.data_end == 0, "recovery: (c) a clean end");
    *out_torn_end = here.data_end;
    return PS_OK;
}

static ps_code scan_decide(scan *s, uint32_t *out_torn_end, ps_error *err)
{
    if (PS_PLANTED(PS_BUG_TRUNCATE_ALWAYS)) {
        scan_rest here;
        ps_code code = rest_read(s, s->at, s->offset, &here, err);
        *out_torn_end = here.data_end;
        return code;
    }
    if (s->watermark.durable_seq >= s->next_seq) {
        return scan_damaged(s, s->at, s->offset, s->watermark.durable_seq,
                            PS_WHY("the watermark proves that it was synced"), err);
    }
    bool goes_on = false;
    ps_code code = decide_here(s, out_torn_end, &goes_on, err);
    if (code == PS_OK && goes_on) {
        /* this segment ended clean: the torn batch is the first of the next one */
        s->segments[s->at].end = s->offset;
        s->at++;
        s->offset = PS_PAGE;
        code = decide_here(s, out_torn_end, &goes_on, err);
    }
    return code;
}

/* ── repair ── */

static ps_code copy_range(scan *s, ps_file *to, uint32_t from, uint32_t end, ps_error *err)
{
    for (uint32_t offset = from; offset < end; offset += COPY_SIZE) {
        const char *bytes = NULL;
        uint32_t size = end - offset < COPY_SIZE ? end - offset : COPY_SIZE;
        ps_code code = window_get(s, s->at, offset, size, &bytes, err);
        if (code == PS_OK) {
            code = ps_io_write(s->io, to, offset - from, bytes, size, err);
        }
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

/* A copy of the same place that is at least as long comes from a recovery that was interrupted
 * before its zeros were durable: it is the better one and stays. */
static ps_code torn_copy_exists(scan *s, const char *path, uint32_t size, bool *out_exists,
                                ps_error *err)
{
    ps_error open_err;
    ps_file *file = NULL;
    uint64_t file_size = 0;
    *out_exists = false;
    if (ps_io_open(s->io, path, PS_OPEN_READ, &file, &open_err) != PS_OK) {
        return PS_OK;
    }
    ps_code code = ps_io_size(s->io, file, &file_size, err);
    ps_io_close(s->io, file);
    *out_exists = code == PS_OK && file_size >= size;
    PS_SOMETIMES_WHEN(*out_exists, "recovery: the torn tail was copied before");
    PS_SOMETIMES_WHEN(code == PS_OK && !*out_exists, "recovery: a shorter copy of a torn tail");
    return code;
}

static ps_code torn_copy(scan *s, uint32_t end, ps_error *err)
{
    char name[64];
    char path[PS_PATH_MAX];
    char tmp_path[PS_PATH_MAX];
    snprintf(name, sizeof name, "torn-%016llx-%08x",
             (unsigned long long)s->segments[s->at].header.segment_id, s->offset);
    ps_journal_path(s->dir, name, path);
    ps_journal_path(s->dir, PS_TORN_TMP, tmp_path);
    bool exists = false;
    ps_code code = torn_copy_exists(s, path, end - s->offset, &exists, err);
    if (code != PS_OK || exists) {
        return code;
    }
    ps_file *file = NULL;
    code = ps_io_open(s->io, tmp_path, PS_OPEN_CREATE_NEW, &file, err);
    if (code == PS_OK) {
        code = copy_range(s, file, s->offset, end, err);
    }
    if (code == PS_OK) {
        code = ps_io_datasync(s->io, file, err);
    }
    ps_io_close(s->io, file);
    if (code == PS_OK) {
        code = ps_io_rename(s->io, tmp_path, path, err);
    }
    return code == PS_OK ? ps_io_sync_dir(s->io, s->dir, err) : code;
}

/* The last segment anew, up to the position; readable is not yet durable (see the top). */
static ps_code segment_copy(scan *s, ps_error *err)
{
    char path[PS_PATH_MAX];
    char tmp_path[PS_PATH_MAX];
    scan_path(s, s->at, path);
    ps_journal_path(s->dir, PS_NEXT_TMP, tmp_path);
    uint32_t segment_size = s->segments[s->at].header.segment_size;
    ps_file *file = NULL;
    ps_code code = ps_io_open(s->io, tmp_path, PS_OPEN_CREATE_NEW, &file, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_io_prealloc(s->io, file, segment_size, err);
    if (code == PS_OK) {
        code = copy_range(s, file, 0, s->offset, err);
    }
    if (code == PS_OK) {
        code = ps_io_datasync(s->io, file, err);
    }
    ps_io_close(s->io, file);
    if (code != PS_OK) {
        PS_SOMETIMES("recovery: the copy of the last segment fails");
        ps_error unlink_err; /* a left-over goes at the next open */
        (void)!ps_io_unlink(s->io, tmp_path, &unlink_err);
        return code;
    }
    code = ps_io_rename(s->io, tmp_path, path, err);
    if (code == PS_OK) {
        window_drop(s);
        s->segments[s->at].file_size = segment_size;
        code = ps_io_sync_dir(s->io, s->dir, err);
    }
    return code;
}

static ps_code zero_range(scan *s, size_t i, uint32_t from, uint32_t end, ps_error *err)
{
    ps_code code = window_segment(s, i, err);
    if (code == PS_OK) {
        code = ps_segment_zero(s->io, s->segments[i].file, from, end, err);
    }
    s->window.size = 0;
    return code == PS_OK ? ps_io_datasync(s->io, s->segments[i].file, err) : code;
}

static bool is_proven(const scan *s)
{
    return s->offset == PS_PAGE || ps_u128_equal(s->watermark.batch_hash, s->last_hash);
}

static void tail_note(scan *s, uint32_t torn_end, const char *done)
{
    char name[PS_SEGMENT_NAME_SIZE];
    ps_segment_name(s->at + 1, name);
    s->found.torn_bytes = torn_end - s->offset;
    snprintf(s->found.note, sizeof s->found.note,
             "%s: a torn tail of %u bytes at offset %u (from seq %llu, never acknowledged): %s",
             name, s->found.torn_bytes, s->offset, (unsigned long long)s->next_seq, done);
}

/* On a full disk the copies are given up, not the start: the tail was never acknowledged, and an
 * unproven batch is lost only if the last process died of a failed sync. */
static ps_code repair_tail(scan *s, uint32_t torn_end, ps_error *err)
{
    bool is_torn = torn_end != 0;
    if (s->options->read_only) {
        if (is_torn) {
            PS_SOMETIMES("recovery: a torn tail is skipped, read-only");
            tail_note(s, torn_end, "skipped");
        }
        return PS_OK;
    }
    ps_code code = is_torn ? torn_copy(s, torn_end, err) : PS_OK;
    if (is_torn && (code == PS_OK || code == PS_E_SPACE)) {
        tail_note(s, torn_end, code == PS_OK ? "cut, a copy kept" : "cut, no space for a copy");
    }
    bool is_copied = false;
    if (code == PS_OK && !is_proven(s)) {
        code = segment_copy(s, err);
        is_copied = code == PS_OK;
    }
    PS_SOMETIMES_WHEN(is_proven(s), "recovery: the last batch is proven");
    PS_SOMETIMES_WHEN(is_copied, "recovery: the last segment is copied");
    if (code == PS_E_SPACE) {
        PS_SOMETIMES("recovery: no space for a copy");
        code = PS_OK;
    }
    if (code == PS_OK && is_torn && !is_copied) {
        PS_SOMETIMES("recovery: a torn tail is zeroed in place");
        code = zero_range(s, s->at, s->offset, torn_end, err);
    }
    return code;
}

/* A file that lost only zeros gets them back before anything is written to it. */
static ps_code repair_sizes(scan *s, ps_error *err)
{
    ps_code code = PS_OK;
    for (size_t i = s->at; code == PS_OK && !s->options->read_only && i < s->count; i++) {
        const scan_segment *segment = &s->segments[i];
        if (segment->file_size < segment->header.segment_size) {
            PS_SOMETIMES("recovery: a file gets its zeros back");
            code =
                zero_range(s, i, (uint32_t)segment->file_size, segment->header.segment_size, err);
        }
    }
    return code;
}

/* ── the journal object ── */

static ps_code journal_buffers(ps_journal *journal, ps_error *err)
{
    uint32_t capacity = journal->options.batch_size_max;
    uint32_t half = (journal->current.segment_size - PS_PAGE) / 2;
    capacity = capacity < half ? capacity : half;
    if (journal->next_file != NULL) {
        half = (journal->next.segment_size - PS_PAGE) / 2;
        capacity = capacity < half ? capacity : half;
    }
    capacity -= capacity % PS_PAGE;
    journal->seal_bytes = aligned_alloc(PS_PAGE, PS_PAGE);
    bool failed = journal->seal_bytes == NULL;
    for (size_t i = 0; i < 2; i++) {
        ps_record_batch *batch = &journal->batches[i];
        batch->journal = journal;
        batch->capacity = capacity;
        batch->used = sizeof(ps_batch_header);
        batch->bytes = aligned_alloc(PS_PAGE, capacity);
        failed |= batch->bytes == NULL;
        atomic_init(&batch->state, PS_BATCH_FILLING);
    }
    if (failed) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the journal's batches");
    }
    memset(journal->batches[0].bytes, 0, capacity); /* no page faults on the append path */
    memset(journal->batches[1].bytes, 0, capacity);
    memset(journal->seal_bytes, 0, PS_PAGE);
    return PS_OK;
}

static ps_code journal_table(ps_journal *journal, scan *s, ps_error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        scan_segment *from = &s->segments[i];
        ps_code code = ps_journal_table_reserve(journal, err);
        if (code != PS_OK) {
            return code;
        }
        ps_segment segment = {
            .header = from->header,
            .first_seq = i <= s->at ? from->first_seq : 0,
            .end = from->end,
            .index = from->index,
            .index_count = from->index_count,
            .index_capacity = ps_segment_index_capacity(from->header.segment_size),
        };
        if (i >= s->at && segment.index == NULL) {
            segment.index = calloc(segment.index_capacity, sizeof *segment.index);
            if (segment.index == NULL) {
                return ps_error_set(err, PS_E_MEMORY, "no memory for the index of a segment");
            }
        }
        if (i == s->at && s->offset == PS_PAGE) {
            segment.first_seq = 0; /* a torn first batch was cut */
        }
        from->index = NULL;
        ps_journal_table_add(journal, &segment);
    }
    return PS_OK;
}

static ps_code journal_files(ps_journal *journal, scan *s, ps_error *err)
{
    char path[PS_PATH_MAX];
    scan_path(s, s->at, path);
    journal->current = s->segments[s->at].header;
    ps_code code = scan_open_file(s, path, &journal->current_file, err);
    if (code == PS_OK && s->at + 1 < s->count) {
        scan_path(s, s->at + 1, path);
        journal->next = s->segments[s->at + 1].header;
        code = scan_open_file(s, path, &journal->next_file, err);
    }
    return code;
}

static ps_code journal_make(scan *s, ps_journal **out_journal, ps_error *err)
{
    ps_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the journal");
    }
    pthread_mutex_init(&journal->table_mutex, NULL);
    journal->io = s->io;
    snprintf(journal->dir, sizeof journal->dir, "%s", s->dir);
    journal->options = *s->options;
    journal->instance = s->watermark.instance;
    journal->next_seq = s->next_seq - (PS_PLANTED(PS_BUG_REUSE_SEQ) && s->next_seq > 1);
    journal->offset = s->offset;
    journal->last_hash = s->last_hash;
    journal->newest_is_seal = s->newest_is_seal;
    journal->watermark_generation = s->watermark.generation;
    journal->watermark_file = s->watermark_file;
    s->watermark_file = NULL;
    ps_code code = journal_files(journal, s, err);
    if (code == PS_OK) {
        code = journal_buffers(journal, err);
    }
    if (code == PS_OK) {
        code = journal_table(journal, s, err);
    }
    if (code != PS_OK) {
        ps_journal_close(journal);
        return code;
    }
    atomic_init(&journal->durable_seq, s->next_seq - 1);
    atomic_init(&journal->room_bytes, journal->current.segment_size - journal->offset);
    atomic_init(&journal->next_is_ready, journal->next_file != NULL);
    atomic_init(&journal->bytes, s->found.bytes);
    *out_journal = journal;
    return PS_OK;
}

static void scan_release(scan *s)
{
    for (size_t i = 0; s->segments != NULL && i < s->count; i++) {
        free(s->segments[i].index);
        ps_io_close(s->io, s->segments[i].file);
    }
    free(s->segments);
    free(s->window.bytes);
    ps_io_close(s->io, s->watermark_file);
}

ps_code ps_journal_open(ps_io *io, const char *dir, const ps_journal_options *options,
                        uint64_t scan_from, ps_journal **out_journal,
                        ps_journal_recovery *out_recovery, ps_error *err)
{
    scan s = {.io = io, .dir = dir, .options = options, .window.segment = SIZE_MAX, .next_seq = 1};
    uint32_t torn_end = 0;
    ps_code code = ps_journal_options_check(dir, options, err);
    if (code == PS_OK) {
        code = scan_list(&s, err);
    }
    if (code == PS_OK) {
        code = scan_watermark(&s, err);
    }
    if (code == PS_OK) {
        code = scan_headers(&s, err);
    }
    if (code == PS_OK) {
        scan_start(&s, scan_from);
        code = scan_batches(&s, err);
    }
    if (code == PS_OK) {
        code = scan_decide(&s, &torn_end, err);
    }
    if (code == PS_OK) {
        code = repair_tail(&s, torn_end, err);
    }
    if (code == PS_OK) {
        code = repair_sizes(&s, err);
    }
    if (code == PS_OK) {
        code = journal_make(&s, out_journal, err);
    }
    if (code == PS_OK) {
        s.found.last_seq = s.next_seq - 1;
        s.found.first_seq = s.found.last_seq > 0;
        s.found.segments = (uint32_t)s.count;
        *out_recovery = s.found;
    }
    scan_release(&s);
    return code;
}
