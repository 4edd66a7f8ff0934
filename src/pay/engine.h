/* The engine: the core bound to its journal and snapshots in one data directory. What `serve`,
 * `verify`, the simulator and the benches run.
 *
 * DIR/journal, DIR/snapshots, DIR/keys (pepper of API keys, mode 0600), DIR/lock. The state is
 * rebuilt from the newest loadable snapshot and the journal after it;
 * a damaged or foreign snapshot is passed over with a note, a damaged journal refuses to open.
 *
 * Time: journal time follows the wall clock but is carried by the monotonic clock: strictly
 * increasing, and never more than 5 minutes away from where the monotonic clock alone would have
 * brought it since the start. A wall clock beyond that (it jumped, stands still, runs too fast) is
 * not followed (`clock_suspect`, T1) until it comes back.
 *
 * Threads: core side (one thread): execute, tick, query, batch_close, snapshot_step. The journal's
 * own rules hold for the rest: serve commits on its journal thread,
 * the simulator on the same one. Nothing that a record holds may be answered before
 * ps_journal_durable_seq reaches it.
 */
#ifndef PS_PAY_ENGINE_H
#define PS_PAY_ENGINE_H

#include "journal/journal.h"
#include "journal/snapshot.h"
#include "pay/api_key.h"
#include "pay/core.h"

typedef struct ps_engine ps_engine;

typedef struct {
    ps_core_options core;
    ps_journal_options journal;
    const ps_policy *policy; /* NULL: approve all; borrowed */
    /* of journal since the newest snapshot; default 1 GiB; 0: never by itself */
    uint64_t snapshot_every_bytes;
    /* bytes of it that are copied and written in a second, so that the disk stays the journal's;
     * default 0: as fast as it goes; shutdown does not wait */
    uint64_t snapshot_rate;
    bool read_only;        /* verify, dump: no lock, nothing is written */
    bool ignore_snapshots; /* replay everything: `verify` compares both ways */
} ps_engine_options;
void ps_engine_options_default(ps_engine_options *out_options);

/* Makes a data directory: everything under DIR.tmp-…, synced, renamed to DIR, the parent synced.
 * DIR may exist when it is empty. Journals the genesis record:
 * tenant, both its books, the first admin key; writes the whole key (ps_test_… or, live, ps_live_…)
 * to out_key. PS_E_EXISTS: DIR is not empty. */
PS_CHECKED ps_code ps_engine_create(ps_io *io, const char *dir, ps_slice tenant, bool live,
                                    char out_key[PS_API_KEY_TEXT_MAX], ps_error *err);
typedef struct {
    ps_slice tenant;
    bool live;
    const ps_engine_options *options; /* borrowed: sizes of the first segments, limits */
} ps_engine_founding;
/* As ps_engine_create, with options of the caller's. */
PS_CHECKED ps_code ps_engine_found(ps_io *io, const char *dir, const ps_engine_founding *founding,
                                   char out_key[PS_API_KEY_TEXT_MAX], ps_error *err);

typedef struct {
    ps_journal_recovery journal;
    uint64_t snapshot_seq;   /* 0: none was used */
    uint64_t replayed_count; /* records applied after it, snapshots' own ones left out */
    int64_t duration_ns;     /* monotonic */
    char note[200];          /* snapshots passed over */
} ps_engine_recovery;

/* Locks, recovers. PS_E_LOCKED, PS_E_DAMAGED, PS_E_VERSION, PS_E_MISSING (no data directory there),
 * PS_E_MEMORY. */
PS_CHECKED ps_code ps_engine_open(ps_io *io, const char *dir, const ps_engine_options *options,
                                  ps_engine **out_engine, ps_engine_recovery *out_recovery,
                                  ps_error *err);
void ps_engine_close(ps_engine *engine); /* releases; does not sync */

ps_core *ps_engine_core(ps_engine *engine);
ps_journal *ps_engine_journal(ps_engine *engine);
/* Journal time of now: strictly greater at each call. */
int64_t ps_engine_now_ns(ps_engine *engine);
/* Between these two the clock is not read: time is that of the hold, and 1 ns more at each call.
 * For commands that are executed in one go; short, because timers wait for it. */
void ps_engine_time_hold(ps_engine *engine);
void ps_engine_time_release(ps_engine *engine);
bool ps_engine_clock_is_suspect(const ps_engine *engine);
const uint8_t *ps_engine_pepper(const ps_engine *engine); /* PS_PEPPER_SIZE bytes */

typedef struct {
    ps_result result;
    /* of the record (RECORD), or the newest applied record (what the answer may show) */
    uint64_t seq;
    ps_slice payload; /* RECORD: borrowed from the batch until it is committed: copy it */
} ps_reply;

/* Runs due timers, then the command, into the filling batch. False: no batch fills, or this one has
 * not enough room: close and commit, then call again.
 * Without room in the journal (disk full) commands that write are refused with
 * PS_REFUSED_STORAGE_FULL. */
PS_CHECKED bool ps_engine_execute(ps_engine *engine, const ps_command *command,
                                  ps_reply *out_reply);
/* Runs due timers only, as far as the batch has room. Returns the number of records made. */
uint32_t ps_engine_tick(ps_engine *engine);
int64_t ps_engine_next_timer_ns(const ps_engine *engine); /* journal time; INT64_MAX: none */

/* The filling batch, closed, when it holds records; NULL otherwise. Then ps_journal_commit it. */
ps_record_batch *ps_engine_batch_close(ps_engine *engine);

/* ── snapshots ── */

/* Core side, between commands: begins a snapshot when one is due (or `force`), copies some chunks
 * (≤ ~1 ms), and, when it is done, journals the snapshot record
 * and ends it. *out_busy: a snapshot is in progress (call often). A failure is reported once and
 * tried again at the next due time. */
PS_CHECKED ps_code ps_engine_snapshot_step(ps_engine *engine, bool force, bool *out_busy,
                                           ps_error *err);
/* Maintenance side, another thread or the same: writes what was copied; prunes old snapshots once
 * the record is durable. */
PS_CHECKED ps_code ps_engine_snapshot_write(ps_engine *engine, ps_error *err);

/* Maintenance side: makes the memory that the state will grow into present. True: it did something,
 * come back soon. */
bool ps_engine_populate(ps_engine *engine);

/* ── simple form, for tools and the simulator ── */

/* execute + close + commit: the reply is durable on return. */
PS_CHECKED ps_code ps_engine_execute_durably(ps_engine *engine, const ps_command *command,
                                             ps_reply *out_reply, ps_error *err);
/* Commits what fills, seals with the watermark: a clean end; the next start replays nothing after a
 * final snapshot (when `snapshot`). */
PS_CHECKED ps_code ps_engine_shutdown(ps_engine *engine, bool snapshot, ps_error *err);

#endif
