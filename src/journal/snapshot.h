/* Snapshots: the regions of the state at a journal position, in one checksummed file (FAULTS
 * §6.11).
 *
 * A file snapshots/snap-SEQ is: header, then blocks (region number, offset, size, XXH3-128 each),
 * then a trailer with the count, the per-region sizes, the whole-file hash; layout in
 * journal/format.h. Written under a temporary name, synced, read back and verified, renamed, the
 * directory synced; the caller then journals a "snapshot valid" record. The two newest are kept;
 * older ones are removed only after that record is durable. Validity never rests on the absence of
 * a file.
 *
 * Threads: freeze, take_chunks and finish on the owner's thread; write_chunks on any one thread at
 * a time.
 */
#ifndef PS_JOURNAL_SNAPSHOT_H
#define PS_JOURNAL_SNAPSHOT_H

#include "base/hash.h"
#include "base/io.h"
#include "base/region.h"

typedef struct ps_snapshot_writer ps_snapshot_writer;

enum { PS_SNAPSHOT_REGIONS_MAX = 64 };

typedef struct {
    /* borrowed; the same order at write and load. NULL at load: check only, fill nothing */
    ps_region *const *regions;
    uint32_t region_count;
    uint32_t layout_version; /* of the structs inside; another one is not loaded */
    ps_u128 instance;        /* of the journal */
} ps_snapshot_shape;

/* Freezes every region at the state after record `seq`, and creates the temporary file. */
PS_CHECKED ps_code ps_snapshot_begin(ps_io *io, const char *dir, const ps_snapshot_shape *shape,
                                     uint64_t seq, ps_snapshot_writer **out_writer, ps_error *err);
/* Owner's thread: copies up to chunk_count owed chunks into the writer's buffer (bounded: returns
 * fewer when the buffer waits to be written).
 * True when every chunk has been taken. About 10 µs a chunk. */
PS_CHECKED bool ps_snapshot_take_chunks(ps_snapshot_writer *writer, uint32_t chunk_count);
/* Any thread: writes what is buffered. *out_done when all was taken and written, the file is
 * synced, re-read, verified, renamed and the directory synced. A failure leaves the state alone:
 * abort and try again later. */
PS_CHECKED ps_code ps_snapshot_write_chunks(ps_snapshot_writer *writer, bool *out_done,
                                            ps_error *err);
/* Owner's thread: thaws and frees; removes the temporary file when it was not done. */
void ps_snapshot_end(ps_snapshot_writer *writer);

typedef struct {
    uint64_t seq;
    char name[64]; /* file name within the directory */
} ps_snapshot_entry;
enum { PS_SNAPSHOT_ENTRIES_MAX = 16 };
/* By seq, newest first; by names only. */
PS_CHECKED ps_code ps_snapshot_list(ps_io *io, const char *dir,
                                    ps_snapshot_entry out_entries[PS_SNAPSHOT_ENTRIES_MAX],
                                    size_t *out_count, ps_error *err);

/* Loads into empty, initialised regions. PS_E_DAMAGED names file and offset; PS_E_UNSUPPORTED:
 * other layout version or instance (an older format: skip it and replay). On failure the regions
 * are cleared. Also the check of `verify` and scrub. */
PS_CHECKED ps_code ps_snapshot_load(ps_io *io, const char *dir, const char *name,
                                    const ps_snapshot_shape *shape, uint64_t *out_seq,
                                    ps_error *err);

/* Removes all but the two newest, and left-over temporary files: not while one is being written. */
PS_CHECKED ps_code ps_snapshot_prune(ps_io *io, const char *dir, ps_error *err);

#endif
