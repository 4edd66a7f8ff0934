/* Checkpoint files: the state of a job at one point of its streams.
 *
 *   offset  size  what
 *   0       8     "PSCKPT\0\2": magic, version: it grows when the layout of some state changes
 *   8       8     u64 fingerprint of the plan
 *   16      8     u64 number of the checkpoint, from 1
 *   24      8     XXH3-64 of the bytes before
 *   32      …     blocks: u32 size of the payload (≤ 1 MiB), u32 number of the block from 0,
 *                 u64 XXH3-64 of these 8 bytes and the payload, the payload
 *                 the last block has size 0; nothing follows
 *
 * All little-endian. The payloads, joined, are what stream_job.c, crew.c and lane_state.c
 * write.
 * DIR/checkpoint-%012u is written under another name, synced, renamed, the directory synced: what
 * bears the final name is whole. The newest whole one counts; the one before it is kept, older
 * ones are removed. Inside run only.
 */
#ifndef PS_RUN_CHECKPOINT_H
#define PS_RUN_CHECKPOINT_H

#include "base/hash.h"
#include "base/io.h"

typedef struct ps_checkpoint_writer ps_checkpoint_writer;

PS_CHECKED ps_code ps_checkpoint_writer_open(ps_io *io, const char *dir, uint64_t fingerprint,
                                             uint64_t number, ps_checkpoint_writer **out,
                                             ps_error *err);
/* Errors stick and are told by commit. */
void ps_checkpoint_put(ps_checkpoint_writer *writer, const void *data, size_t size);
void ps_checkpoint_put_u64(ps_checkpoint_writer *writer, uint64_t value);
/* u64 size, then the bytes. */
void ps_checkpoint_put_slice(ps_checkpoint_writer *writer, ps_slice slice);
/* Makes it durable under its name and frees the writer; on failure the file is removed. */
PS_CHECKED ps_code ps_checkpoint_writer_commit(ps_checkpoint_writer *writer, ps_error *err);
void ps_checkpoint_writer_abort(ps_checkpoint_writer *writer);
/* Removes all but the newest two. */
PS_CHECKED ps_code ps_checkpoint_prune(ps_io *io, const char *dir, ps_error *err);

typedef struct {
    char *data; /* owned: the payload */
    size_t size, at;
    uint64_t number; /* 0: there is none */
    bool failed;     /* sticky: a read went beyond the end */
} ps_checkpoint_reader;

/* The newest whole checkpoint; number 0 when there is none. PS_E_VERSION: of another plan or a
 * newer format; PS_E_DAMAGED: files are there, but none is whole. */
PS_CHECKED ps_code ps_checkpoint_reader_open(ps_io *io, const char *dir, uint64_t fingerprint,
                                             ps_checkpoint_reader *out, ps_error *err);
void ps_checkpoint_reader_close(ps_checkpoint_reader *reader);
uint64_t ps_checkpoint_get_u64(ps_checkpoint_reader *reader);
/* Borrows until close. */
ps_slice ps_checkpoint_get_slice(ps_checkpoint_reader *reader);
void ps_checkpoint_get(ps_checkpoint_reader *reader, void *out, size_t size);

#endif
