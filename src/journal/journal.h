/* The journal: an append-only, checksummed log of records in segments, with group commit (FAULTS
 * §6).
 *
 * The byte layout is specified in journal/format.h. A record is (seq, type, payload); seq is dense
 * from 1. Records are appended to a batch in memory; a batch is made durable by one write and one
 * datasync, and only then may anything that it holds be answered. Two batches exist: one fills
 * while the other is written.
 *
 * Invariants
 *   J1 a record is durable ⇔ its seq ≤ ps_journal_durable_seq; durable records form a prefix, never
 *      a hole
 *   J2 after a failed write or sync the journal is dead: every later call fails with the same error
 *      (fail-stop, exit 4)
 *   J3 recovery never drops a record that was acknowledged: damage before the durable mark refuses
 *      to open
 *   J4 a segment is prepared (zero-filled, header written, synced, renamed, directory synced)
 *      before a record goes into it
 *
 * Threads: append side (one thread): ps_journal_batch_*, ps_journal_has_room. Commit side (one
 * thread): ps_journal_commit, ps_journal_seal. Any thread: ps_journal_durable_seq, ps_journal_read.
 * Maintenance (one thread): ps_journal_prepare, ps_journal_scrub_step. In simulation all of them
 * are the same thread.
 */
#ifndef PS_JOURNAL_JOURNAL_H
#define PS_JOURNAL_JOURNAL_H

#include "base/hash.h"
#include "base/io.h"

typedef struct ps_journal ps_journal;
typedef struct ps_record_batch ps_record_batch;

enum {
    PS_RECORD_PAYLOAD_MAX = 256 * 1024, /* bytes */
    PS_BATCH_SIZE_MAX_DEFAULT = 1024 * 1024,
    PS_SEGMENT_SIZE_DEFAULT = 64 * 1024 * 1024
};

typedef struct {
    uint32_t segment_size;   /* bytes, multiple of 4096; tests use 16 KiB */
    uint32_t batch_size_max; /* bytes of one batch, ≤ (segment_size − 4096) / 2 */
    /* verify, dump: nothing is written, a torn tail is noted and skipped, no lock taken */
    bool read_only;
} ps_journal_options;

/* What recovery found; for the start-up log line and `verify`. */
typedef struct {
    uint64_t first_seq;
    uint64_t last_seq; /* 0: empty */
    uint64_t bytes;    /* of valid batches */
    uint32_t segments;
    uint32_t torn_bytes; /* cut off (or, read-only, skipped) at the end */
    char note[200];      /* a sentence about a torn tail, or empty */
} ps_journal_recovery;

typedef struct {
    uint64_t seq;
    uint8_t type;
    ps_slice payload; /* borrows the reader's buffer */
} ps_record;

/* Makes an empty journal in `dir`, which exists and is empty (the caller syncs dir's parent and
 * renames it into place). */
PS_CHECKED ps_code ps_journal_create(ps_io *io, const char *dir, const ps_journal_options *options,
                                     ps_error *err);

/* Opens and recovers: fsyncs files and directory first, scans, decides (torn tail, clean end,
 * refuse), zeroes a torn tail after copying it aside to DIR/torn-SEGMENT-OFFSET; after an unclean
 * end copies the last segment, so that what was read is durable. Takes no lock: the engine's does.
 * PS_E_DAMAGED names "FILE: damaged at offset N (seq A-B)". PS_E_VERSION: newer format.
 * `scan_from`: segments that end before this seq are checked by their headers only (a snapshot
 * covers them); 1 scans all. */
PS_CHECKED ps_code ps_journal_open(ps_io *io, const char *dir, const ps_journal_options *options,
                                   uint64_t scan_from, ps_journal **out_journal,
                                   ps_journal_recovery *out_recovery, ps_error *err);
/* Releases without syncing. To close cleanly: commit, ps_journal_seal(…, true), close. */
void ps_journal_close(ps_journal *journal);

/* ── append side ── */

/* The batch that fills, or NULL while both are in flight. */
ps_record_batch *ps_journal_batch(ps_journal *journal);
/* Room for a payload of up to `size` bytes in this batch, to be written in place; NULL: the batch
 * is full, commit it. */
PS_CHECKED char *ps_record_batch_reserve(ps_record_batch *batch, uint32_t size);
/* Ends the record whose payload was written at the reserved place: `size` ≤ reserved. Returns its
 * seq. */
uint64_t ps_record_batch_append(ps_record_batch *batch, uint8_t type, uint32_t size);
uint32_t ps_record_batch_count(const ps_record_batch *batch);
uint64_t ps_record_batch_last_seq(const ps_record_batch *batch);
/* The seq that the next appended record will get. */
uint64_t ps_journal_next_seq(const ps_journal *journal);
/* Closes the filling batch (count > 0) and hands it over: it is now to be committed. The other one
 * fills next. */
ps_record_batch *ps_journal_batch_close(ps_journal *journal);
/* True when segments are ready for two full batches: ask before executing anything that writes;
 * false means read-only (507). */
bool ps_journal_has_room(const ps_journal *journal);

/* ── commit side ── */

/* Stamps headers (seq, salt, segment, chain, CRCs, XXH3, durable_upto), writes, syncs, then
 * advances the durable seq and frees the batch for filling. In the order of closing. On failure:
 * J2. */
PS_CHECKED ps_code ps_journal_commit(ps_journal *journal, ps_record_batch *batch, ps_error *err);
/* After 50 ms of idle time: an empty batch that carries durable_upto, so that the last batch has a
 * successor. `watermark`: also writes the next watermark slot (snapshot, shutdown). Does nothing
 * when the newest batch is a seal already and !watermark. */
PS_CHECKED ps_code ps_journal_seal(ps_journal *journal, bool watermark, ps_error *err);

/* ── any thread ── */

uint64_t ps_journal_durable_seq(const ps_journal *journal);
/* 128 random bits drawn at create. */
ps_u128 ps_journal_instance(const ps_journal *journal);

/* A cursor reads durable records in seq order, checking CRCs as it goes; one thread each, any
 * number of them. */
typedef struct ps_journal_cursor ps_journal_cursor;
PS_CHECKED ps_code ps_journal_cursor_new(ps_journal *journal, ps_journal_cursor **out_cursor,
                                         ps_error *err);
void ps_journal_cursor_free(ps_journal_cursor *cursor);
/* Positions so that the next read returns record `seq` (1 … durable). PS_E_MISSING: not durable
 * (yet) or before the first. */
PS_CHECKED ps_code ps_journal_cursor_seek(ps_journal_cursor *cursor, uint64_t seq, ps_error *err);
/* The next durable record; borrowed until the next call on the cursor. PS_E_MISSING: none yet. */
PS_CHECKED ps_code ps_journal_cursor_next(ps_journal_cursor *cursor, ps_record *out_record,
                                          ps_error *err);
/* seek + next in one; reads about 4–16 KiB, not the whole batch, when the batch is large. */
PS_CHECKED ps_code ps_journal_cursor_read(ps_journal_cursor *cursor, uint64_t seq,
                                          ps_record *out_record, ps_error *err);

/* ── maintenance ── */

/* Prepares the next segment if it is missing, but not before a batch is durable in the current one:
 * recovery takes a segment after the next one as proof of that. PS_E_SPACE (also: no file handle
 * left) and PS_E_MEMORY leave the journal alive: call again later. */
PS_CHECKED ps_code ps_journal_prepare(ps_journal *journal, ps_error *err);
/* Verifies up to `byte_count` more bytes of cold segments; *out_wrapped when a whole period is
 * done. PS_E_DAMAGED names the place. */
PS_CHECKED ps_code ps_journal_scrub_step(ps_journal *journal, uint64_t byte_count,
                                         bool *out_wrapped, ps_error *err);

typedef struct {
    uint64_t segments, bytes, batches, seals, scrubbed_bytes, scrub_errors;
} ps_journal_stats;
void ps_journal_get_stats(const ps_journal *journal, ps_journal_stats *out_stats);

#endif
