/* What journal.c (write side), recovery.c (open), cursor.c (readers, scrub) and watermark.c share.
 *
 * Locks: `table_mutex` guards the segment table (segments, their first_seq, end and index). The
 * commit side alone writes position fields (current, offset, last_hash, …) and reads them without
 * a lock. Everything that another thread reads besides is atomic.
 */
#ifndef PS_JOURNAL_JOURNAL_INTERNAL_H
#define PS_JOURNAL_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "journal/format.h"
#include "journal/journal.h"
#include "journal/planted.h"

enum {
    PS_SEGMENT_NAME_SIZE = 32,
    PS_INDEX_EVERY = 65536 /* bytes between two entries of a segment's batch index */
};

#define PS_NEXT_TMP "next.tmp"
#define PS_TORN_TMP "torn.tmp"
#define PS_WATERMARK_NAME "watermark"

/* Where a batch begins. */
typedef struct {
    uint64_t first_seq;
    uint32_t offset;
} ps_index_entry;

/* A segment of the table. first_seq 0: it holds no batch yet. end: offset after its last batch, 0
 * while unknown (recovery checked its headers only). The index is sparse, ascending, and complete
 * up to `indexed_to`. */
typedef struct {
    ps_segment_header header;
    uint64_t first_seq;
    uint32_t end;
    uint32_t index_count;
    uint32_t index_capacity;
    ps_index_entry *index; /* owned; NULL until needed for cold segments */
} ps_segment;

typedef enum { PS_BATCH_FILLING, PS_BATCH_CLOSED } ps_batch_state;

struct ps_record_batch {
    ps_journal *journal;
    char *bytes; /* owned, `capacity` bytes, page-aligned */
    uint32_t capacity;
    uint32_t used;     /* header and whole records */
    uint32_t reserved; /* payload bytes promised by the last reserve */
    uint32_t count;
    uint64_t first_seq;
    atomic_int state; /* hands the batch between append and commit side */
};

/* Of the scrub, on the maintenance thread. */
typedef struct {
    uint64_t segment_id; /* 0: start over */
    uint32_t offset;
    uint64_t next_seq;
    ps_u128 last_hash;
    bool hash_known;
    ps_file *file;
    char *buffer; /* owned, made at first use */
    uint32_t buffer_size;
} ps_scrub;

struct ps_journal {
    ps_io *io;
    char dir[PS_PATH_MAX];
    ps_journal_options options;
    ps_u128 instance;

    /* append side */
    ps_record_batch batches[2];
    uint32_t fill_index;
    uint64_t next_seq;

    /* commit side */
    uint32_t commit_index;
    ps_file *current_file;
    ps_segment_header current; /* copy of the table's entry */
    uint32_t offset;           /* where the next batch goes */
    ps_u128 last_hash;
    bool newest_is_seal;
    char *seal_bytes; /* one page */
    ps_file *watermark_file;
    uint64_t watermark_generation;

    /* any thread */
    atomic_uint_fast64_t durable_seq;
    atomic_uint_fast32_t room_bytes; /* rest of the current segment */
    atomic_bool next_is_ready;
    atomic_bool is_dead; /* death is written before */
    ps_error death;
    atomic_uint_fast64_t bytes, batch_count, seal_count, scrubbed_bytes, scrub_errors;

    /* maintenance → commit, handed over by next_is_ready */
    ps_file *next_file;
    ps_segment_header next;

    pthread_mutex_t table_mutex;
    ps_segment *segments; /* owned; the last one is the prepared next when next_is_ready */
    size_t segment_count;
    size_t segment_capacity;

    ps_scrub scrub;
};

void ps_segment_name(uint64_t segment_id, char out[PS_SEGMENT_NAME_SIZE]);
void ps_journal_path(const char *dir, const char *name, char out[PS_PATH_MAX]);
/* Fails with PS_E_INVALID: sizes or directory name out of range. */
PS_CHECKED ps_code ps_journal_options_check(const char *dir, const ps_journal_options *options,
                                            ps_error *err);
/* Makes the named, zero-filled, synced, empty segment of `header` (J4). PS_E_SPACE leaves nothing
 * behind, so that the same call can be made again. */
PS_CHECKED ps_code ps_segment_prepare(ps_io *io, const char *dir, const ps_segment_header *header,
                                      ps_file **out_file, ps_error *err);
/* Writes zeros to [from, end), unsynced. */
PS_CHECKED ps_code ps_segment_zero(ps_io *io, ps_file *file, uint32_t from, uint32_t end,
                                   ps_error *err);
/* Room for one more entry in the table; then the entry, under the lock. */
PS_CHECKED ps_code ps_journal_table_reserve(ps_journal *journal, ps_error *err);
void ps_journal_table_add(ps_journal *journal, const ps_segment *segment);
/* PS_OK, or the error that the journal died of. */
PS_CHECKED ps_code ps_journal_check_alive(ps_journal *journal, ps_error *err);
/* Remembers the error and returns its code. */
ps_code ps_journal_die(ps_journal *journal, const ps_error *err);
/* The index entry for a batch at `offset`, when it is far enough from the last one. */
void ps_segment_index_add(ps_segment *segment, uint64_t first_seq, uint32_t offset);
uint32_t ps_segment_index_capacity(uint32_t segment_size);
/* "FILE: damaged at offset N (seq A-B): why". */
ps_code ps_journal_damaged(const char *path, uint64_t offset, uint64_t first_seq, uint64_t last_seq,
                           const char *why, ps_error *err);

/* ── watermark.c ── */

PS_CHECKED ps_code ps_watermark_create(ps_io *io, const char *dir, ps_u128 instance, ps_error *err);
typedef struct {
    ps_u128 instance;
    uint64_t generation;
    uint64_t durable_seq;
    ps_u128 batch_hash;
} ps_watermark;
/* The newer valid slot of an open file. PS_E_DAMAGED when there is none. */
PS_CHECKED ps_code ps_watermark_read(ps_io *io, const char *dir, ps_file *file,
                                     ps_watermark *out_watermark, ps_error *err);
/* Writes and syncs the slot of `watermark->generation`. */
PS_CHECKED ps_code ps_watermark_write(ps_io *io, ps_file *file, const ps_watermark *watermark,
                                      ps_error *err);

#endif
