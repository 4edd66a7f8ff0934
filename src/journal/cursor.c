/* Readers: cursors on any thread, and the scrub on the maintenance thread. Both open their own
 * handles and read only what is durable. */
#include "base/sometimes.h"
#include "journal/journal_internal.h"

#include <stdlib.h>

enum { READ_SIZE_MAX = 65536, READ_SIZE_MIN = PS_PAGE };

struct ps_journal_cursor {
    ps_journal *journal;
    ps_segment_header segment; /* segment_id 0: no position */
    ps_file *file;             /* of `segment` */
    /* the batch that holds next_seq, or the one before it */
    ps_batch_header batch;
    uint32_t batch_offset;
    uint32_t record_offset; /* within the batch, of record next_seq */
    uint64_t next_seq;
    bool in_batch;
    uint32_t chain; /* of the record before; valid when chain_known */
    bool chain_known;
    uint32_t read_size; /* grows while reading on, so that one record costs one small read */
    char *buffer;       /* owned; file bytes [buffer_offset, +buffer_size) */
    uint32_t buffer_capacity;
    uint32_t buffer_offset;
    uint32_t buffer_size;
    uint64_t buffer_durable; /* batches up to this seq were on disk when the buffer was read */
};

ps_code ps_journal_cursor_new(ps_journal *journal, ps_journal_cursor **out_cursor, ps_error *err)
{
    ps_journal_cursor *cursor = calloc(1, sizeof *cursor);
    char *buffer = malloc(READ_SIZE_MAX);
    if (cursor == NULL || buffer == NULL) {
        free(cursor);
        free(buffer);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a journal cursor");
    }
    cursor->journal = journal;
    cursor->buffer = buffer;
    cursor->buffer_capacity = READ_SIZE_MAX;
    cursor->next_seq = 1;
    *out_cursor = cursor;
    return PS_OK;
}

void ps_journal_cursor_free(ps_journal_cursor *cursor)
{
    if (cursor != NULL) {
        ps_io_close(cursor->journal->io, cursor->file);
        free(cursor->buffer);
        free(cursor);
    }
}

static ps_code cursor_damaged(const ps_journal_cursor *c, uint32_t offset, const char *why,
                              ps_error *err)
{
    char name[PS_SEGMENT_NAME_SIZE];
    char path[PS_PATH_MAX];
    ps_segment_name(c->segment.segment_id, name);
    ps_journal_path(c->journal->dir, name, path);
    uint64_t last = c->next_seq;
    if (c->in_batch && c->batch.count > 0) {
        last = c->batch.first_seq + c->batch.count - 1;
    }
    return ps_journal_damaged(path, offset, c->next_seq, last, why, err);
}

/* `size` bytes of the segment at `offset`, borrowed until the next call. */
static ps_code cursor_get(ps_journal_cursor *c, uint32_t offset, uint32_t size,
                          const char **out_bytes, ps_error *err)
{
    if (offset >= c->buffer_offset && offset + size <= c->buffer_offset + c->buffer_size) {
        *out_bytes = c->buffer + (offset - c->buffer_offset);
        return PS_OK;
    }
    PS_ASSERT(offset <= c->segment.segment_size); /* batches and records end within it */
    uint32_t want = size > c->read_size ? size : c->read_size;
    uint32_t room = c->segment.segment_size - offset;
    if (size > room) {
        return cursor_damaged(c, offset, PS_WHY("beyond the end of the segment"), err);
    }
    want = want < room ? want : room;
    if (want > c->buffer_capacity) {
        char *buffer = realloc(c->buffer, want);
        if (buffer == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory to read a record");
        }
        c->buffer = buffer;
        c->buffer_capacity = want;
    }
    size_t got = 0;
    c->buffer_size = 0;
    c->buffer_durable = ps_journal_durable_seq(c->journal);
    ps_code code = ps_io_read(c->journal->io, c->file, offset, c->buffer, want, &got, err);
    if (code != PS_OK) {
        return code;
    }
    if (got < size) {
        return cursor_damaged(c, offset, PS_WHY("the file is too short"), err);
    }
    c->buffer_offset = offset;
    c->buffer_size = (uint32_t)got;
    c->read_size = 2 * c->read_size < READ_SIZE_MAX ? 2 * c->read_size : READ_SIZE_MAX;
    *out_bytes = c->buffer;
    return PS_OK;
}

/* ── finding a batch ── */

/* The segment that holds `seq`, which is durable: the last one that begins at or before it; and the
 * nearest indexed batch in it. Headers that say that none does are damaged: then it is the first
 * one, where a batch will be found missing. */
static void table_find(ps_journal *journal, uint64_t seq, ps_segment_header *out_segment,
                       uint32_t *out_offset)
{
    pthread_mutex_lock(&journal->table_mutex);
    size_t low = 1;
    size_t high = journal->segment_count;
    while (journal->segments[high - 1].first_seq == 0) {
        high--; /* the first segment holds a record when any is durable */
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journal->segments[middle].first_seq <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const ps_segment *segment = &journal->segments[low - 1];
    *out_segment = segment->header;
    *out_offset = PS_PAGE;
    for (uint32_t i = segment->index_count; i > 0; i--) {
        if (segment->index[i - 1].first_seq <= seq) {
            *out_offset = segment->index[i - 1].offset;
            break;
        }
    }
    pthread_mutex_unlock(&journal->table_mutex);
}

/* What a walk over the headers of a cold segment learned, for the next one. Dropped when another
 * cursor was first: entries only ever grow at the end. */
static void table_learn(ps_journal *journal, uint64_t segment_id, uint64_t first_seq,
                        uint32_t offset)
{
    pthread_mutex_lock(&journal->table_mutex);
    ps_segment *segment = &journal->segments[segment_id - 1];
    PS_ASSERT(segment->header.segment_id == segment_id);
    bool is_cold = segment_id < journal->segment_count - 1;
    if (is_cold && segment->index == NULL) {
        segment->index = calloc(segment->index_capacity, sizeof *segment->index);
    }
    uint32_t count = segment->index_count;
    bool is_next = count == 0 || segment->index[count - 1].offset < offset;
    if (is_cold && segment->index != NULL && is_next) {
        ps_segment_index_add(segment, first_seq, offset);
    }
    pthread_mutex_unlock(&journal->table_mutex);
}

static ps_code cursor_enter_segment(ps_journal_cursor *c, const ps_segment_header *segment,
                                    ps_error *err)
{
    if (c->file != NULL && c->segment.segment_id == segment->segment_id) {
        return PS_OK;
    }
    char name[PS_SEGMENT_NAME_SIZE];
    char path[PS_PATH_MAX];
    ps_segment_name(segment->segment_id, name);
    ps_journal_path(c->journal->dir, name, path);
    ps_file *file = NULL;
    ps_code code = ps_io_open(c->journal->io, path, PS_OPEN_READ, &file, err);
    if (code != PS_OK) {
        return code;
    }
    ps_io_close(c->journal->io, c->file);
    c->file = file;
    c->segment = *segment;
    c->buffer_size = 0;
    return PS_OK;
}

static ps_code cursor_batch_header(ps_journal_cursor *c, uint32_t offset, ps_error *err)
{
    const char *bytes = NULL;
    c->in_batch = false;
    ps_code code = cursor_get(c, offset, sizeof(ps_batch_header), &bytes, err);
    if (code != PS_OK) {
        return code;
    }
    ps_batch_header batch;
    const char *why = ps_batch_header_decode(bytes, &c->segment, offset, &batch);
    if (why != NULL) {
        return cursor_damaged(c, offset, why, err);
    }
    c->batch = batch;
    c->batch_offset = offset;
    c->in_batch = true;
    return PS_OK;
}

/* Hops from the batch at `offset` to the one that holds `seq`, which is durable. */
static ps_code cursor_find_batch(ps_journal_cursor *c, uint32_t offset, uint64_t seq, ps_error *err)
{
    if (seq > c->buffer_durable) {
        c->buffer_size = 0; /* what was read ahead then may have been written since */
    }
    for (;;) {
        ps_code code = cursor_batch_header(c, offset, err);
        if (code != PS_OK) {
            return code;
        }
        if (c->batch.first_seq > seq) {
            return cursor_damaged(c, offset, PS_WHY("a batch is missing before it"), err);
        }
        table_learn(c->journal, c->segment.segment_id, c->batch.first_seq, offset);
        if (seq - c->batch.first_seq < c->batch.count) {
            return PS_OK;
        }
        offset += ps_format_pad(c->batch.size, PS_PAGE);
        c->read_size = READ_SIZE_MIN;
    }
}

/* ── within a batch ── */

static uint32_t batch_records_end(const ps_batch_header *batch)
{
    return batch->size - batch->mark_count * (uint32_t)sizeof(ps_batch_mark);
}

/* The last mark at or before `ordinal`; the batch's beginning when there is none. Marks are hints:
 * the record at the place is checked to be the one that the mark names. */
static ps_code cursor_use_mark(ps_journal_cursor *c, uint32_t ordinal, uint32_t *out_ordinal,
                               ps_error *err)
{
    uint32_t marks_size = c->batch.mark_count * (uint32_t)sizeof(ps_batch_mark);
    *out_ordinal = 0;
    c->record_offset = sizeof(ps_batch_header);
    c->chain = (uint32_t)c->batch.previous_hash.low;
    c->chain_known = true;
    if (marks_size == 0 || ordinal == 0) {
        return PS_OK;
    }
    const char *marks = NULL;
    uint32_t end = batch_records_end(&c->batch);
    ps_code code = cursor_get(c, c->batch_offset + end, marks_size, &marks, err);
    if (code != PS_OK) {
        return code;
    }
    for (uint32_t i = c->batch.mark_count; i > 0; i--) {
        ps_batch_mark mark;
        memcpy(&mark, marks + (i - 1) * sizeof mark, sizeof mark);
        if (mark.ordinal <= ordinal && mark.offset < end && mark.offset % 8 == 0) {
            *out_ordinal = mark.ordinal;
            c->record_offset = mark.offset;
            c->chain_known = false;
            break;
        }
    }
    c->read_size = READ_SIZE_MIN;
    return PS_OK;
}

/* Header of the record at the position. */
static ps_code cursor_record(ps_journal_cursor *c, uint64_t seq, ps_record_header *out_header,
                             ps_error *err)
{
    uint32_t offset = c->batch_offset + c->record_offset;
    uint32_t available = batch_records_end(&c->batch) - c->record_offset;
    const char *bytes = NULL;
    if (available < sizeof *out_header) {
        return cursor_damaged(c, offset, PS_WHY("record beyond its batch"), err);
    }
    ps_code code = cursor_get(c, offset, sizeof *out_header, &bytes, err);
    if (code != PS_OK) {
        return code;
    }
    const char *why = ps_record_header_decode(bytes, available, &c->batch, seq, out_header);
    if (why == NULL && c->chain_known && out_header->chain != c->chain) {
        why = PS_WHY("record chain");
    }
    return why == NULL ? PS_OK : cursor_damaged(c, offset, why, err);
}

static void cursor_pass(ps_journal_cursor *c, const ps_record_header *header)
{
    c->record_offset += (uint32_t)sizeof *header + ps_format_pad(header->payload_size, 8);
    c->chain = header->crc;
    c->chain_known = true;
}

ps_code ps_journal_cursor_seek(ps_journal_cursor *cursor, uint64_t seq, ps_error *err)
{
    uint64_t durable = ps_journal_durable_seq(cursor->journal);
    ps_segment_header segment;
    uint32_t offset = 0;
    if (seq == 0 || seq > durable) {
        PS_SOMETIMES("cursor: no such record");
        return ps_error_set(err, PS_E_MISSING, "record %llu is not in the journal (durable: %llu)",
                            (unsigned long long)seq, (unsigned long long)durable);
    }
    table_find(cursor->journal, seq, &segment, &offset);
    /* a failure on the way leaves no position to read on from */
    cursor->next_seq = seq;
    cursor->read_size = READ_SIZE_MIN;
    cursor->buffer_size = 0;
    cursor->in_batch = false;
    ps_code code = cursor_enter_segment(cursor, &segment, err);
    if (code == PS_OK) {
        code = cursor_find_batch(cursor, offset, seq, err);
    }
    uint32_t at = 0;
    if (code == PS_OK) {
        code = cursor_use_mark(cursor, (uint32_t)(seq - cursor->batch.first_seq), &at, err);
    }
    while (code == PS_OK && cursor->batch.first_seq + at < seq) {
        ps_record_header header;
        code = cursor_record(cursor, cursor->batch.first_seq + at, &header, err);
        if (code == PS_OK) {
            cursor_pass(cursor, &header);
            at++;
        }
    }
    if (code != PS_OK) {
        cursor->in_batch = false;
    }
    return code;
}

/* To the batch of next_seq, which is durable: the following one of this segment or the first of a
 * later segment; seals are passed. */
static ps_code cursor_advance(ps_journal_cursor *c, ps_error *err)
{
    ps_segment_header segment;
    uint32_t indexed_offset = 0;
    uint32_t offset = c->batch_offset + ps_format_pad(c->batch.size, PS_PAGE);
    table_find(c->journal, c->next_seq, &segment, &indexed_offset);
    if (segment.segment_id != c->segment.segment_id) {
        ps_code code = cursor_enter_segment(c, &segment, err);
        if (code != PS_OK) {
            return code;
        }
        offset = PS_PAGE;
    }
    ps_code code = cursor_find_batch(c, offset, c->next_seq, err);
    c->record_offset = sizeof(ps_batch_header);
    c->chain = (uint32_t)c->batch.previous_hash.low;
    c->chain_known = true;
    return code;
}

ps_code ps_journal_cursor_next(ps_journal_cursor *cursor, ps_record *out_record, ps_error *err)
{
    uint64_t seq = cursor->next_seq;
    if (seq > ps_journal_durable_seq(cursor->journal)) {
        PS_SOMETIMES("cursor: not durable yet");
        return ps_error_set(err, PS_E_MISSING, "record %llu is not durable yet",
                            (unsigned long long)seq);
    }
    ps_code code = PS_OK;
    if (!cursor->in_batch) {
        code = ps_journal_cursor_seek(cursor, seq, err);
    } else if (seq - cursor->batch.first_seq >= cursor->batch.count) {
        code = cursor_advance(cursor, err);
    }
    ps_record_header header;
    if (code == PS_OK) {
        code = cursor_record(cursor, seq, &header, err);
    }
    const char *payload = NULL;
    uint32_t offset = cursor->batch_offset + cursor->record_offset;
    if (code == PS_OK) {
        code = cursor_get(cursor, offset + (uint32_t)sizeof header,
                          ps_format_pad(header.payload_size, 8), &payload, err);
    }
    if (code == PS_OK) {
        const char *why = ps_record_payload_check(payload, &header);
        code = why == NULL ? PS_OK : cursor_damaged(cursor, offset, why, err);
    }
    if (code != PS_OK) {
        cursor->in_batch = false;
        return code;
    }
    cursor_pass(cursor, &header);
    cursor->next_seq = seq + 1;
    *out_record = (ps_record){seq, header.type, ps_slice_of(payload, header.payload_size)};
    return PS_OK;
}

ps_code ps_journal_cursor_read(ps_journal_cursor *cursor, uint64_t seq, ps_record *out_record,
                               ps_error *err)
{
    ps_code code = ps_journal_cursor_seek(cursor, seq, err);
    return code == PS_OK ? ps_journal_cursor_next(cursor, out_record, err) : code;
}

/* ── scrub ── */

static ps_code scrub_damaged(ps_journal *journal, const ps_segment *segment, const char *why,
                             ps_error *err)
{
    ps_scrub *scrub = &journal->scrub;
    char name[PS_SEGMENT_NAME_SIZE];
    char path[PS_PATH_MAX];
    ps_segment_name(segment->header.segment_id, name);
    ps_journal_path(journal->dir, name, path);
    uint32_t offset = scrub->offset;
    scrub->offset = segment->header.segment_size; /* this segment is done with, for this period */
    atomic_fetch_add_explicit(&journal->scrub_errors, 1, memory_order_relaxed);
    return ps_journal_damaged(path, offset, scrub->next_seq, scrub->next_seq, why, err);
}

static ps_code scrub_read(ps_journal *journal, uint32_t offset, uint32_t size, ps_error *err)
{
    ps_scrub *scrub = &journal->scrub;
    if (size > scrub->buffer_size) {
        char *buffer = realloc(scrub->buffer, size);
        if (buffer == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory to scrub the journal");
        }
        scrub->buffer = buffer;
        scrub->buffer_size = size;
    }
    size_t got = 0;
    ps_code code = ps_io_read(journal->io, scrub->file, offset, scrub->buffer, size, &got, err);
    if (code == PS_OK && got < size) {
        PS_SOMETIMES("scrub: the file is too short");
        memset(scrub->buffer + got, 0, size - got);
    }
    return code;
}

static ps_code scrub_enter(ps_journal *journal, const ps_segment *segment, ps_error *err)
{
    ps_scrub *scrub = &journal->scrub;
    char name[PS_SEGMENT_NAME_SIZE];
    char path[PS_PATH_MAX];
    ps_segment_name(segment->header.segment_id, name);
    ps_journal_path(journal->dir, name, path);
    ps_code code = ps_io_open(journal->io, path, PS_OPEN_READ, &scrub->file, err);
    if (code != PS_OK) {
        return code;
    }
    scrub->offset = 0;
    scrub->next_seq = segment->first_seq;
    scrub->hash_known = false;
    code = scrub_read(journal, 0, PS_PAGE, err);
    if (code != PS_OK) {
        ps_io_close(journal->io, scrub->file);
        scrub->file = NULL;
        return code;
    }
    ps_segment_header header;
    const char *why = ps_page_decode(scrub->buffer, PS_SEGMENT_MAGIC, &header, sizeof header);
    header.crc = segment->header.crc; /* checked; a header of this process has none */
    if (why == NULL && memcmp(&header, &segment->header, sizeof header) != 0) {
        why = PS_WHY("segment header");
    }
    if (why != NULL) {
        return scrub_damaged(journal, segment, why, err);
    }
    scrub->offset = PS_PAGE;
    return PS_OK;
}

/* One batch. Ends the segment at its known end, or, when recovery skipped it, where the records of
 * the following segment begin. */
static ps_code scrub_batch(ps_journal *journal, const ps_segment *segment, uint64_t end_seq,
                           ps_error *err)
{
    ps_scrub *scrub = &journal->scrub;
    ps_code code = scrub_read(journal, scrub->offset, PS_PAGE, err);
    if (code != PS_OK) {
        return code;
    }
    ps_batch_header batch;
    const char *why =
        ps_batch_header_decode(scrub->buffer, &segment->header, scrub->offset, &batch);
    if (why != NULL && segment->end == 0 && scrub->next_seq == end_seq) {
        PS_SOMETIMES("scrub: the end of a segment that recovery skipped");
        scrub->offset = segment->header.segment_size;
        return PS_OK;
    }
    uint32_t padded_size = why == NULL ? ps_format_pad(batch.size, PS_PAGE) : 0;
    if (why == NULL) {
        code = scrub_read(journal, scrub->offset, padded_size, err);
        if (code != PS_OK) {
            return code;
        }
        why = ps_batch_check(scrub->buffer, &batch);
    }
    if (why == NULL &&
        (batch.first_seq != scrub->next_seq ||
         (scrub->hash_known && !ps_u128_equal(batch.previous_hash, scrub->last_hash)))) {
        why = PS_WHY("batch out of sequence");
    }
    if (why != NULL) {
        return scrub_damaged(journal, segment, why, err);
    }
    scrub->offset += padded_size;
    scrub->next_seq += batch.count;
    scrub->last_hash = batch.hash;
    scrub->hash_known = true;
    atomic_fetch_add_explicit(&journal->scrubbed_bytes, padded_size, memory_order_relaxed);
    return PS_OK;
}

/* The cold segment with the id, and the first seq of the one after it. */
static bool scrub_segment(ps_journal *journal, uint64_t id, ps_segment *out_segment,
                          uint64_t *out_end_seq)
{
    bool found = false;
    pthread_mutex_lock(&journal->table_mutex);
    if (id < journal->segment_count && journal->segments[id].first_seq != 0) {
        *out_segment = journal->segments[id - 1];
        *out_end_seq = journal->segments[id].first_seq;
        found = true;
    }
    pthread_mutex_unlock(&journal->table_mutex);
    return found;
}

ps_code ps_journal_scrub_step(ps_journal *journal, uint64_t byte_count, bool *out_wrapped,
                              ps_error *err)
{
    ps_scrub *scrub = &journal->scrub;
    ps_code code = ps_journal_check_alive(journal, err);
    uint64_t done = 0;
    bool wrapped = false;
    while (code == PS_OK && done < byte_count) {
        ps_segment segment;
        uint64_t end_seq = 0;
        uint64_t id = scrub->segment_id == 0 ? 1 : scrub->segment_id;
        if (!scrub_segment(journal, id, &segment, &end_seq)) {
            wrapped = true;
            scrub->segment_id = 0;
            break;
        }
        scrub->segment_id = id;
        uint32_t before = scrub->offset;
        if (scrub->file == NULL) {
            before = 0;
            code = scrub_enter(journal, &segment, err);
        } else {
            code = scrub_batch(journal, &segment, end_seq, err);
        }
        done += scrub->offset - before;
        uint32_t end = segment.end != 0 ? segment.end : segment.header.segment_size;
        if (scrub->offset >= end) {
            ps_io_close(journal->io, scrub->file);
            scrub->file = NULL;
            scrub->segment_id = id + 1;
        }
    }
    if (code == PS_OK) {
        *out_wrapped = wrapped;
    }
    return code;
}
