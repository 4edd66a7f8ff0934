/* io_sim: the simulated operating system of FAULTS §4: a virtual disk, clocks and a seeded
 * generator, single-threaded.
 *
 * Per file: a durable image, a page-cache image and the ordered list of pending writes split at
 * sectors; per directory: pending entry operations. datasync moves a file's pending data and size
 * to durable, sync_dir moves entries, ps_sim_crash chooses what survives. The root directory ("/",
 * also the start of relative paths) is there; all else is made by calls. close drops nothing and
 * syncs nothing. All choices are drawn from the seed through the choice tape. Every operation
 * advances virtual time a little and is hashed into the trace hash, and counts as one step: faults
 * are aimed by step number.
 */
#ifndef PS_BASE_IO_SIM_H
#define PS_BASE_IO_SIM_H

#include "base/hash.h"
#include "base/io.h"

typedef struct ps_sim ps_sim;

/* What survives a power cut, per §2.2; RANDOM draws one of the others. */
typedef enum {
    PS_SURVIVE_NONE,      /* only what was synced */
    PS_SURVIVE_ALL,       /* everything, as after kill -9 */
    PS_SURVIVE_PREFIX,    /* a random prefix of the pending operations */
    PS_SURVIVE_DROP_ONE,  /* all but one */
    PS_SURVIVE_SUBSET,    /* each one or not, a fair coin */
    PS_SURVIVE_REORDERED, /* a random subset applied in random order */
    PS_SURVIVE_TORN_512,  /* prefix, the last write cut at a 512-byte sector */
    PS_SURVIVE_TORN_4096,
    PS_SURVIVE_TORN_BYTE,
    PS_SURVIVE_TORN_NOISE,   /* torn, and the rest of that write filled with noise */
    PS_SURVIVE_SIZE_NO_DATA, /* file sizes grown, the data absent (zeros) */
    PS_SURVIVE_NAME_NO_DATA, /* renames and creations durable, their files' unsynced data not */
    PS_SURVIVE_DATA_NO_NAME, /* file data durable, unsynced directory entries not */
    PS_SURVIVE_UNLINK_FIRST, /* unlinks durable before the renames that came before them */
    PS_SURVIVE_RANDOM,
    PS_SURVIVE_COUNT
} ps_survive;

typedef enum {
    PS_SIM_READ,
    PS_SIM_WRITE,
    PS_SIM_DATASYNC,
    PS_SIM_SYNC_DIR,
    PS_SIM_OPEN,
    PS_SIM_PREALLOC,
    PS_SIM_TRUNCATE,
    PS_SIM_RENAME,
    PS_SIM_UNLINK,
    PS_SIM_MAKE_DIR,
    PS_SIM_LIST,
    PS_SIM_SIZE,
    PS_SIM_LOCK,
    PS_SIM_OP_COUNT
} ps_sim_op;

/* Sync failures behave as real kernels do (FAULTS E1). */
typedef enum { PS_SYNC_FAIL_CLEAN_KEPT, PS_SYNC_FAIL_DROPPED, PS_SYNC_LIES } ps_sync_failure;

ps_sim *ps_sim_new(uint64_t seed); /* NULL only when memory is out */
void ps_sim_free(ps_sim *sim);
ps_io *ps_sim_io(ps_sim *sim);

/* Generator, on the tape. Uniform in [0, bound). */
uint64_t ps_sim_draw(ps_sim *sim, uint64_t bound);
/* The choice tape, for shrinking: draws are appended as u64 to `tape` (borrowed; NULL: stop); or
 * come from `tape` (borrowed), reduced to their bounds, and are 0 after its end. */
void ps_sim_tape_record(ps_sim *sim, ps_buf *tape);
void ps_sim_tape_replay(ps_sim *sim, ps_slice tape);

/* Steps done so far; a step is one file operation, the first has number 1. close, clocks and random
 * are no steps. */
uint64_t ps_sim_steps(const ps_sim *sim);
ps_u128 ps_sim_trace_hash(const ps_sim *sim);
void ps_sim_advance(ps_sim *sim, int64_t ns);         /* both clocks */
void ps_sim_step_wall_clock(ps_sim *sim, int64_t ns); /* the wall clock alone */

/* Fails the operation with number `step` (and, when sticky, every later one of the same kind) with
 * os_errno. Step 0: off. One such rule at a time. A failing write leaves a drawn part of its bytes
 * in the file; other failing operations but datasync change nothing.
 * For datasync, `how` says what becomes of the data. */
void ps_sim_fail_at(ps_sim *sim, uint64_t step, int os_errno, bool sticky, ps_sync_failure how);
/* From now on fails operations of a kind with probability per_million; swarm knob. */
void ps_sim_fail_rate(ps_sim *sim, ps_sim_op op, uint32_t per_million, int os_errno);
/* The disk holds at most this many bytes in all (ENOSPC beyond); UINT64_MAX: no limit. */
void ps_sim_set_capacity(ps_sim *sim, uint64_t bytes);
/* Stops the "process" before step `step` (0: off): that operation and every later one return
 * PS_E_CLOSED until ps_sim_crash. Closing works. */
void ps_sim_stop_at(ps_sim *sim, uint64_t step);
bool ps_sim_is_stopped(const ps_sim *sim);
/* Power cut: pending operations survive as `how` says; handles and locks are gone (operations on
 * old handles return PS_E_CLOSED, they may still be closed); the next "process" sees the result.
 * PS_SURVIVE_ALL is kill -9: all is seen, and what was pending is pending still, so that a later
 * power cut may take it. Leaves stop and fail settings cleared, capacity as it was. */
void ps_sim_crash(ps_sim *sim, ps_survive how);
/* An independent copy of the disk (durable and pending state), clocks, generator and settings, with
 * no handles: enumerate crash variants from one point. File contents are shared until written. */
ps_sim *ps_sim_clone(const ps_sim *sim);

/* Damage at rest, for D1–D3. False: no such file or out of range. */
/* borrowed until the next operation */
bool ps_sim_file_get(ps_sim *sim, const char *path, ps_slice *out_bytes);
/* durable at once; makes the file */
bool ps_sim_file_set(ps_sim *sim, const char *path, ps_slice bytes);
bool ps_sim_file_flip(ps_sim *sim, const char *path, uint64_t bit);
bool ps_sim_file_remove(ps_sim *sim, const char *path);

#endif
