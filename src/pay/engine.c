#include "pay/engine.h"

#include "base/time.h"
#include "journal/planted.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CLOCK_JUMP_MAX_S = 300,
    WALL_LOOK_MS = 1,
    DIR_ENTRIES_MAX = 4096,
    SNAPSHOT_CHUNKS_PER_STEP = 4
};

/* The life of one snapshot, handed between the core side and the maintenance side. */
typedef enum {
    SNAPSHOT_IDLE,    /* core side: may begin one */
    SNAPSHOT_TAKING,  /* core side copies chunks, maintenance side writes them */
    SNAPSHOT_WRITTEN, /* core side: journal the record, end the writer */
    SNAPSHOT_FAILED,  /* core side: end the writer, report */
    SNAPSHOT_PRUNABLE /* maintenance side: remove older ones once the record is durable */
} snapshot_state;

struct ps_engine {
    ps_io *io;
    ps_engine_options options;
    char dir[PS_PATH_MAX];
    ps_file *lock;
    ps_journal *journal;
    ps_core *core;
    uint8_t pepper[PS_PEPPER_SIZE];

    int64_t start_offset_ns; /* journal time minus monotonic clock, when the engine opened */
    int64_t offset_ns;       /* now: at most CLOCK_JUMP_MAX_S away from that */
    int64_t looked_mono_ns;  /* when the wall clock was looked at */
    int64_t last_now_ns;
    bool clock_suspect;
    bool time_is_held;

    _Atomic int snapshot; /* snapshot_state */
    ps_snapshot_writer *writer;
    /* of the core, fixed once it is open: snapshot writer and populate borrow the list */
    ps_region *regions[PS_SNAPSHOT_REGIONS_MAX];
    uint32_t region_count;
    ps_error snapshot_error;
    int64_t snapshot_next_ns;     /* monotonic: chunks are copied again */
    uint64_t snapshot_seq;        /* of the one in progress */
    uint64_t snapshot_record_seq; /* the record that says it is valid */
    uint64_t snapshot_bytes;      /* journal bytes when the newest one began */
    bool snapshot_taken;          /* every chunk was copied */
};

void ps_engine_options_default(ps_engine_options *out_options)
{
    memset(out_options, 0, sizeof *out_options);
    ps_core_options_default(&out_options->core);
    out_options->journal.segment_size = PS_SEGMENT_SIZE_DEFAULT;
    out_options->journal.batch_size_max = PS_BATCH_SIZE_MAX_DEFAULT;
    out_options->snapshot_every_bytes = UINT64_C(1) << 30;
}

/* ── paths ── */

static PS_CHECKED ps_code path_join(const char *dir, const char *name, char out[PS_PATH_MAX],
                                    ps_error *err)
{
    int size = snprintf(out, PS_PATH_MAX, "%s/%s", dir, name);
    if (size < 0 || size >= PS_PATH_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "path %s/%s is longer than %d bytes", dir, name,
                            PS_PATH_MAX - 1);
    }
    return PS_OK;
}

static void path_parent(const char *path, char out[PS_PATH_MAX])
{
    snprintf(out, PS_PATH_MAX, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash == NULL) {
        snprintf(out, PS_PATH_MAX, ".");
    } else if (slash == out) {
        out[1] = '\0';
    } else {
        *slash = '\0';
    }
}

/* ── create ── */

static PS_CHECKED ps_code dir_make(ps_io *io, const char *path, ps_error *err)
{
    ps_code code = ps_io_make_dir(io, path, err);
    return code == PS_E_EXISTS ? PS_OK : code;
}

/* Removes what an interrupted init left in one of its directories. */
static PS_CHECKED ps_code dir_clear(ps_io *io, const char *dir, ps_error *err)
{
    ps_dir_entry *entries = calloc(DIR_ENTRIES_MAX, sizeof *entries);
    if (entries == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to list %s", dir);
    }
    size_t count = 0;
    ps_code code = ps_io_list(io, dir, entries, DIR_ENTRIES_MAX, &count, err);
    for (size_t i = 0; i < count && code == PS_OK; i++) {
        char path[PS_PATH_MAX];
        code = path_join(dir, entries[i].name, path, err);
        if (code == PS_OK && !entries[i].is_directory) {
            code = ps_io_unlink(io, path, err);
        }
    }
    free(entries);
    return code;
}

/* The directory may be missing, or there and empty. */
static PS_CHECKED ps_code target_check(ps_io *io, const char *dir, ps_error *err)
{
    ps_dir_entry entry;
    size_t count = 0;
    ps_error ignored;
    ps_code code = ps_io_list(io, dir, &entry, 1, &count, &ignored);
    if (code == PS_E_LIMIT || (code == PS_OK && count > 0)) {
        return ps_error_set(err, PS_E_EXISTS,
                            "%s is not empty: choose a new directory, or serve the data in it",
                            dir);
    }
    return PS_OK;
}

static PS_CHECKED ps_code file_create(ps_io *io, const char *path, const void *data, size_t size,
                                      ps_error *err)
{
    ps_file *file = NULL;
    ps_code code = ps_io_open(io, path, PS_OPEN_CREATE_NEW, &file, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_io_write(io, file, 0, data, size, err);
    if (code == PS_OK && !PS_PLANTED(PS_BUG_PEPPER_NOT_SYNCED)) {
        code = ps_io_datasync(io, file, err);
    }
    ps_io_close(io, file);
    return code;
}

static PS_CHECKED ps_code genesis_write(ps_engine *engine, const ps_engine_founding *founding,
                                        const ps_api_key *key, ps_error *err)
{
    ps_hash_secret secret;
    ps_io_random(engine->io, &secret, sizeof secret);
    uint8_t data[PS_API_KEY_HMAC_SIZE + sizeof secret];
    memcpy(data, key->hmac, PS_API_KEY_HMAC_SIZE);
    memcpy(data + PS_API_KEY_HMAC_SIZE, &secret, sizeof secret);

    ps_command command = {.kind = PS_CMD_GENESIS, .scopes = PS_SCOPE_ADMIN};
    command.reason = PS_SLICE("first admin key");
    command.data = ps_slice_of(data, sizeof data);
    command.u.key_new.scopes = PS_SCOPE_ADMIN;
    command.u.key_new.live = founding->live;
    command.u.key_new.tenant = founding->tenant;
    command.u.key_new.public_id = key->public_id;

    ps_reply reply;
    ps_code code = ps_engine_execute_durably(engine, &command, &reply, err);
    if (code != PS_OK) {
        return code;
    }
    PS_ASSERT(reply.result.kind == PS_RESULT_RECORD);
    return PS_OK;
}

/* Everything inside the temporary directory, synced; the rename that follows makes it real. */
static PS_CHECKED ps_code create_inside(ps_io *io, const char *dir,
                                        const ps_engine_founding *founding, ps_api_key *out_key,
                                        ps_error *err)
{
    ps_code code;
    static const char *const folders[] = {"journal", "snapshots", "keys"};
    char path[PS_PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        code = path_join(dir, folders[i], path, err);
        if (code != PS_OK) {
            return code;
        }
        code = dir_make(io, path, err);
        if (code != PS_OK) {
            return code;
        }
        code = dir_clear(io, path, err);
        if (code != PS_OK) {
            return code;
        }
    }
    uint8_t pepper[PS_PEPPER_SIZE];
    ps_io_random(io, pepper, sizeof pepper);
    code = path_join(dir, "keys/pepper", path, err);
    if (code != PS_OK) {
        return code;
    }
    code = file_create(io, path, pepper, sizeof pepper, err);
    if (code != PS_OK) {
        return code;
    }
    code = path_join(dir, "keys", path, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_io_sync_dir(io, path, err);
    if (code != PS_OK) {
        return code;
    }

    code = path_join(dir, "journal", path, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_journal_create(io, path, &founding->options->journal, err);
    if (code != PS_OK) {
        return code;
    }
    code = path_join(dir, "snapshots", path, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_io_sync_dir(io, path, err);
    if (code != PS_OK) {
        return code;
    }

    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    code = ps_engine_open(io, dir, founding->options, &engine, &recovery, err);
    if (code != PS_OK) {
        return code;
    }
    ps_api_key_make(io, pepper, founding->live, out_key);
    code = genesis_write(engine, founding, out_key, err);
    if (code == PS_OK) {
        code = ps_engine_shutdown(engine, false, err);
    }
    ps_engine_close(engine);
    if (code == PS_OK) {
        code = ps_io_sync_dir(io, dir, err);
    }
    return code;
}

ps_code ps_engine_found(ps_io *io, const char *dir, const ps_engine_founding *founding,
                        char out_key[PS_API_KEY_TEXT_MAX], ps_error *err)
{
    ps_code code;
    char temporary[PS_PATH_MAX];
    char parent[PS_PATH_MAX];
    code = target_check(io, dir, err);
    if (code != PS_OK) {
        return code;
    }
    int size = snprintf(temporary, sizeof temporary, "%s.init", dir);
    if (size < 0 || size >= PS_PATH_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "path %s is longer than %d bytes", dir,
                            PS_PATH_MAX - 6);
    }
    code = dir_make(io, temporary, err);
    if (code != PS_OK) {
        return code;
    }

    ps_api_key key;
    code = create_inside(io, temporary, founding, &key, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_io_rename(io, temporary, dir, err);
    if (code != PS_OK) {
        return code;
    }
    path_parent(dir, parent);
    code = PS_PLANTED(PS_BUG_CREATE_NOT_SYNCED) ? PS_OK : ps_io_sync_dir(io, parent, err);
    if (code != PS_OK) {
        return code;
    }
    memcpy(out_key, key.text, PS_API_KEY_TEXT_MAX);
    return PS_OK;
}

ps_code ps_engine_create(ps_io *io, const char *dir, ps_slice tenant, bool live,
                         char out_key[PS_API_KEY_TEXT_MAX], ps_error *err)
{
    ps_engine_options options;
    ps_engine_options_default(&options);
    const ps_engine_founding founding = {tenant, live, &options};
    return ps_engine_found(io, dir, &founding, out_key, err);
}

/* ── open ── */

static PS_CHECKED ps_code pepper_read(ps_engine *engine, ps_error *err)
{
    ps_code code;
    char path[PS_PATH_MAX];
    code = path_join(engine->dir, "keys/pepper", path, err);
    if (code != PS_OK) {
        return code;
    }
    ps_file *file = NULL;
    code = ps_io_open(engine->io, path, PS_OPEN_READ, &file, err);
    if (code != PS_OK) {
        return code;
    }
    size_t size = 0;
    code = ps_io_read(engine->io, file, 0, engine->pepper, sizeof engine->pepper, &size, err);
    ps_io_close(engine->io, file);
    if (code == PS_OK && size != sizeof engine->pepper) {
        code =
            ps_error_set(err, PS_E_DAMAGED, "%s: %zu bytes instead of %d: restore it from a backup",
                         path, size, PS_PEPPER_SIZE);
    }
    return code;
}

static PS_CHECKED ps_code core_make(ps_engine *engine, ps_error *err)
{
    ps_core_free(engine->core);
    engine->core = NULL;
    engine->region_count = 0;
    ps_code code = ps_core_new(&engine->options.core, engine->options.policy,
                               ps_journal_instance(engine->journal), &engine->core, err);
    if (code == PS_OK) {
        engine->region_count = ps_core_regions(engine->core, engine->regions);
    }
    return code;
}

static void shape_get(ps_engine *engine, ps_snapshot_shape *out_shape)
{
    out_shape->region_count = engine->region_count;
    out_shape->regions = engine->regions;
    out_shape->layout_version = PS_CORE_LAYOUT_VERSION;
    out_shape->instance = ps_journal_instance(engine->journal);
}

/* The planted bug: the table of idempotency keys is no part of snapshots. */
static void planted_forget_keys(const ps_snapshot_shape *shape)
{
    for (uint32_t i = 0; i < shape->region_count; i++) {
        ps_region *region = shape->regions[i];
        if (strcmp(region->name, "idempotency_keys") == 0) {
            memset(region->data, 0, region->size);
        }
    }
}

/* The newest snapshot that loads; those that do not are passed over with a note, because the
 * journal holds everything. */
static PS_CHECKED ps_code snapshot_restore(ps_engine *engine, const ps_snapshot_entry *entries,
                                           size_t count, ps_engine_recovery *recovery,
                                           ps_error *err)
{
    ps_code code;
    char dir[PS_PATH_MAX];
    code = path_join(engine->dir, "snapshots", dir, err);
    if (code != PS_OK) {
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i].seq > recovery->journal.last_seq) {
            return ps_error_set(
                err, PS_E_DAMAGED,
                "%s/%s covers records up to %llu, the journal ends at %llu: records "
                "that were acknowledged are missing; restore the journal from a backup",
                dir, entries[i].name, (unsigned long long)entries[i].seq,
                (unsigned long long)recovery->journal.last_seq);
        }
        ps_snapshot_shape shape;
        uint64_t seq = 0;
        shape_get(engine, &shape);
        for (uint32_t r = 0; r < shape.region_count; r++) {
            ps_region_clear(shape.regions[r]);
        }
        code = ps_snapshot_load(engine->io, dir, entries[i].name, &shape, &seq, err);
        if (code == PS_OK && seq == entries[i].seq) {
            recovery->snapshot_seq = seq;
            if (PS_PLANTED(PS_BUG_SNAPSHOT_WITHOUT_KEYS)) {
                planted_forget_keys(&shape);
            }
            return PS_OK;
        }
        if (code != PS_OK && code != PS_E_DAMAGED && code != PS_E_UNSUPPORTED) {
            return code;
        }
        snprintf(recovery->note, sizeof recovery->note, "snapshot passed over: %.160s",
                 code == PS_OK ? "its name and content disagree" : err->text);
        code = core_make(engine, err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

static PS_CHECKED ps_code journal_replay(ps_engine *engine, uint64_t from_seq, uint64_t last_seq,
                                         uint64_t *out_count, ps_error *err)
{
    ps_code code;
    if (from_seq > last_seq) {
        return PS_OK;
    }
    ps_journal_cursor *cursor = NULL;
    code = ps_journal_cursor_new(engine->journal, &cursor, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_journal_cursor_seek(cursor, from_seq, err);
    for (uint64_t seq = from_seq; seq <= last_seq && code == PS_OK; seq++) {
        ps_record record;
        code = ps_journal_cursor_next(cursor, &record, err);
        if (code == PS_OK) {
            PS_ASSERT(record.seq == seq);
            code = ps_core_replay(engine->core, record.seq, record.payload, err);
        }
        /* a snapshot's own record follows it and changes nothing */
        if (code == PS_OK && ps_record_head(record.payload)->command != PS_CMD_SNAPSHOT) {
            *out_count += 1;
        }
    }
    ps_journal_cursor_free(cursor);
    return code;
}

static void clock_start(ps_engine *engine)
{
    int64_t last_ns = ps_core_last_time_ns(engine->core);
    int64_t start_ns = ps_io_now_wall_ns(engine->io);
    engine->looked_mono_ns = ps_io_now_mono_ns(engine->io);
    engine->last_now_ns = last_ns;
    if (start_ns < last_ns - CLOCK_JUMP_MAX_S * PS_NS_PER_S) {
        start_ns = last_ns;
        engine->clock_suspect = true;
    }
    engine->start_offset_ns = start_ns - engine->looked_mono_ns;
    engine->offset_ns = engine->start_offset_ns;
}

static PS_CHECKED ps_code engine_recover(ps_engine *engine, ps_engine_recovery *recovery,
                                         ps_error *err)
{
    ps_code code;
    char dir[PS_PATH_MAX];
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 0;
    if (!engine->options.ignore_snapshots) {
        code = path_join(engine->dir, "snapshots", dir, err);
        if (code != PS_OK) {
            return code;
        }
        code = ps_snapshot_list(engine->io, dir, entries, &count, err);
        if (code != PS_OK) {
            return code;
        }
    }
    engine->options.journal.read_only = engine->options.read_only;
    code = path_join(engine->dir, "journal", dir, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_journal_open(engine->io, dir, &engine->options.journal,
                           count > 0 ? entries[0].seq + 1 : 1, &engine->journal, &recovery->journal,
                           err);
    if (code != PS_OK) {
        return code;
    }
    code = core_make(engine, err);
    if (code != PS_OK) {
        return code;
    }
    code = snapshot_restore(engine, entries, count, recovery, err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t from_seq = recovery->snapshot_seq + 1;
    from_seq += PS_PLANTED(PS_BUG_REPLAY_SKIPS_FIRST) && from_seq > 1;
    code = journal_replay(engine, from_seq, recovery->journal.last_seq, &recovery->replayed_count,
                          err);
    if (code != PS_OK) {
        return code;
    }
    if (!engine->options.read_only) {
        code = ps_journal_prepare(engine->journal, err);
        if (code != PS_OK && code != PS_E_SPACE) {
            return code;
        }
    }
    return PS_OK; /* on a full disk too: reads are answered, and writes once there is room */
}

ps_code ps_engine_open(ps_io *io, const char *dir, const ps_engine_options *options,
                       ps_engine **out_engine, ps_engine_recovery *out_recovery, ps_error *err)
{
    ps_engine_recovery recovery;
    memset(&recovery, 0, sizeof recovery);
    int64_t start_ns = ps_io_now_mono_ns(io);
    PS_ASSERT(options->read_only ||
              options->journal.batch_size_max >= PS_RECORD_SIZE_MAX + 2 * PS_REGION_CHUNK / 8);

    ps_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to open %s", dir);
    }
    engine->io = io;
    engine->options = *options;
    snprintf(engine->dir, sizeof engine->dir, "%s", dir);
    char path[PS_PATH_MAX];
    ps_code code = path_join(dir, "lock", path, err);
    if (code == PS_OK && !options->read_only && !PS_PLANTED(PS_BUG_LOCK_SKIPPED)) {
        code = ps_io_lock(io, path, &engine->lock, err);
    }
    if (code == PS_OK) {
        code = pepper_read(engine, err);
    }
    if (code == PS_OK) {
        code = engine_recover(engine, &recovery, err);
    }
    if (code != PS_OK) {
        ps_engine_close(engine);
        return code;
    }
    clock_start(engine);
    recovery.duration_ns = ps_io_now_mono_ns(io) - start_ns;
    *out_engine = engine;
    *out_recovery = recovery;
    return PS_OK;
}

void ps_engine_close(ps_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    if (engine->writer != NULL) {
        ps_snapshot_end(engine->writer);
    }
    ps_core_free(engine->core);
    if (engine->journal != NULL) {
        ps_journal_close(engine->journal);
    }
    ps_io_close(engine->io, engine->lock);
    free(engine);
}

ps_core *ps_engine_core(ps_engine *engine)
{
    return engine->core;
}

ps_journal *ps_engine_journal(ps_engine *engine)
{
    return engine->journal;
}

const uint8_t *ps_engine_pepper(const ps_engine *engine)
{
    return engine->pepper;
}

/* ── time ── */

bool ps_engine_clock_is_suspect(const ps_engine *engine)
{
    return engine->clock_suspect;
}

/* The wall clock is looked at once in WALL_LOOK_MS; between looks the monotonic clock carries it.
 * All steps together count, so that a clock that stands still or races is seen too: it cannot stop
 * the timers, nor let anything expire. */
static void wall_look(ps_engine *engine, int64_t mono_ns)
{
    int64_t offset_ns = ps_io_now_wall_ns(engine->io) - mono_ns;
    int64_t jump_ns = offset_ns - engine->start_offset_ns;
    int64_t limit_ns = CLOCK_JUMP_MAX_S * PS_NS_PER_S;
    engine->clock_suspect = jump_ns > limit_ns || jump_ns < -limit_ns;
    engine->clock_suspect &= !PS_PLANTED(PS_BUG_TIMER_BY_WALL);
    if (!engine->clock_suspect) {
        engine->offset_ns = offset_ns;
    }
    engine->looked_mono_ns = mono_ns;
}

int64_t ps_engine_now_ns(ps_engine *engine)
{
    if (engine->time_is_held) {
        return ++engine->last_now_ns;
    }
    int64_t mono_ns = ps_io_now_mono_ns(engine->io);
    if (mono_ns - engine->looked_mono_ns >= WALL_LOOK_MS * PS_NS_PER_MS) {
        wall_look(engine, mono_ns);
    }
    int64_t now_ns = mono_ns + engine->offset_ns;
    if (now_ns <= engine->last_now_ns && !PS_PLANTED(PS_BUG_TIME_NOT_INCREASING)) {
        now_ns = engine->last_now_ns + 1;
    }
    engine->last_now_ns = now_ns;
    return now_ns;
}

void ps_engine_time_hold(ps_engine *engine)
{
    PS_ASSERT(!engine->time_is_held);
    (void)ps_engine_now_ns(engine);
    engine->time_is_held = true;
}

void ps_engine_time_release(ps_engine *engine)
{
    PS_ASSERT(engine->time_is_held);
    engine->time_is_held = false;
}

/* ── execute ── */

int64_t ps_engine_next_timer_ns(const ps_engine *engine)
{
    return ps_core_next_timer_ns(engine->core);
}

/* False: a timer is due and the batch has no room for its record. */
static PS_CHECKED bool timers_run(ps_engine *engine, ps_record_batch *batch, int64_t now_ns,
                                  uint32_t *out_count)
{
    uint32_t count = 0;
    while (ps_core_next_timer_ns(engine->core) <= now_ns) {
        char *payload = ps_record_batch_reserve(batch, PS_RECORD_SIZE_MAX);
        if (payload == NULL) {
            *out_count = count;
            return false;
        }
        int64_t time_ns = count == 0 ? now_ns : ps_engine_now_ns(engine);
        uint32_t size =
            ps_core_timer(engine->core, time_ns, ps_journal_next_seq(engine->journal), payload);
        if (size > 0) {
            ps_record_batch_append(batch, PS_RECORD_TYPE_COMMAND, size);
            count++;
        }
    }
    *out_count = count;
    return true;
}

uint32_t ps_engine_tick(ps_engine *engine)
{
    ps_record_batch *batch = ps_journal_batch(engine->journal);
    uint32_t count = 0;
    if (batch == NULL || !ps_journal_has_room(engine->journal)) {
        return 0;
    }
    if (!timers_run(engine, batch, ps_engine_now_ns(engine), &count)) {
        return count; /* the rest follows in the next batch */
    }
    return count;
}

bool ps_engine_execute(ps_engine *engine, const ps_command *command, ps_reply *out_reply)
{
    ps_record_batch *batch = ps_journal_batch(engine->journal);
    if (batch == NULL) {
        return false;
    }
    memset(out_reply, 0, sizeof *out_reply);
    if (!ps_journal_has_room(engine->journal) && !PS_PLANTED(PS_BUG_ROOM_UNCHECKED)) {
        out_reply->result.kind = PS_RESULT_REFUSED;
        out_reply->result.refusal = PS_REFUSED_STORAGE_FULL;
        out_reply->seq = ps_core_last_seq(engine->core);
        return true;
    }
    uint32_t timer_count = 0;
    int64_t now_ns = ps_engine_now_ns(engine);
    if (!PS_PLANTED(PS_BUG_TIMER_AFTER_COMMAND) &&
        !timers_run(engine, batch, now_ns, &timer_count)) {
        return false;
    }
    char *payload = ps_record_batch_reserve(batch, PS_RECORD_SIZE_MAX);
    if (payload == NULL) {
        return false;
    }
    now_ns = timer_count == 0 ? now_ns : ps_engine_now_ns(engine);
    uint64_t seq = ps_journal_next_seq(engine->journal);
    ps_core_execute(engine->core, command, now_ns, seq, payload, &out_reply->result);
    if (out_reply->result.kind == PS_RESULT_RECORD) {
        uint32_t size = out_reply->result.payload_size;
        uint64_t appended = ps_record_batch_append(batch, PS_RECORD_TYPE_COMMAND, size);
        PS_ASSERT(appended == seq);
        out_reply->payload = ps_slice_of(payload, size);
    }
    out_reply->seq = ps_core_last_seq(engine->core);
    return true;
}

ps_record_batch *ps_engine_batch_close(ps_engine *engine)
{
    ps_record_batch *batch = ps_journal_batch(engine->journal);
    if (batch == NULL || ps_record_batch_count(batch) == 0) {
        return NULL;
    }
    return ps_journal_batch_close(engine->journal);
}

static PS_CHECKED ps_code batch_commit(ps_engine *engine, ps_error *err)
{
    ps_record_batch *batch = ps_engine_batch_close(engine);
    if (batch == NULL) {
        return PS_OK;
    }
    return ps_journal_commit(engine->journal, batch, err);
}

ps_code ps_engine_execute_durably(ps_engine *engine, const ps_command *command, ps_reply *out_reply,
                                  ps_error *err)
{
    ps_code code;
    /* At most two rounds: the first may only have made room. */
    while (!ps_engine_execute(engine, command, out_reply)) {
        code = batch_commit(engine, err);
        if (code != PS_OK) {
            return code;
        }
        code = ps_journal_prepare(engine->journal, err);
        if (code != PS_OK && code != PS_E_SPACE) {
            return code;
        }
    }
    code = batch_commit(engine, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_journal_prepare(engine->journal, err);
    return code == PS_E_SPACE ? PS_OK : code;
}

/* ── snapshots ── */

static PS_CHECKED ps_code snapshot_begin(ps_engine *engine, ps_error *err)
{
    ps_code code;
    char dir[PS_PATH_MAX];
    ps_snapshot_shape shape;
    ps_journal_stats stats;
    code = path_join(engine->dir, "snapshots", dir, err);
    if (code != PS_OK) {
        return code;
    }
    shape_get(engine, &shape);
    ps_journal_get_stats(engine->journal, &stats);
    engine->snapshot_bytes = stats.bytes;
    engine->snapshot_seq = ps_core_last_seq(engine->core);
    engine->snapshot_seq -= PS_PLANTED(PS_BUG_SNAPSHOT_MID_RECORD) != 0;
    engine->snapshot_taken = false;
    code = ps_snapshot_begin(engine->io, dir, &shape, engine->snapshot_seq, &engine->writer, err);
    if (code != PS_OK) {
        return code;
    }
    atomic_store(&engine->snapshot, SNAPSHOT_TAKING);
    return PS_OK;
}

/* The record that says so is what makes older snapshots removable. */
static void snapshot_record(ps_engine *engine)
{
    ps_command command = {.kind = PS_CMD_SNAPSHOT, .amount = (int64_t)engine->snapshot_seq};
    ps_reply reply;
    if (!ps_engine_execute(engine, &command, &reply) || reply.result.kind != PS_RESULT_RECORD) {
        return; /* no room now: the state stays WRITTEN and the next step tries again */
    }
    ps_snapshot_end(engine->writer);
    engine->writer = NULL;
    engine->snapshot_record_seq = reply.seq;
    atomic_store(&engine->snapshot, SNAPSHOT_PRUNABLE);
}

/* A snapshot writes the whole state: it is due when the journal has grown by as much, so that the
 * disk writes no more for snapshots than for records, however large the state is. */
static bool snapshot_is_due(const ps_engine *engine)
{
    ps_journal_stats stats;
    if (engine->options.snapshot_every_bytes == 0) {
        return false;
    }
    ps_journal_get_stats(engine->journal, &stats);
    uint64_t grown = stats.bytes - engine->snapshot_bytes;
    if (grown < engine->options.snapshot_every_bytes) {
        return false;
    }
    uint64_t state = 0;
    for (uint32_t i = 0; i < engine->region_count; i++) {
        state += engine->regions[i]->size;
    }
    return grown >= state;
}

/* Copies some chunks when their time has come. */
static void snapshot_take(ps_engine *engine)
{
    uint64_t rate = engine->options.snapshot_rate;
    int64_t now_ns = ps_io_now_mono_ns(engine->io);
    if (engine->snapshot_taken || (rate != 0 && now_ns < engine->snapshot_next_ns)) {
        return;
    }
    engine->snapshot_taken = ps_snapshot_take_chunks(engine->writer, SNAPSHOT_CHUNKS_PER_STEP);
    if (rate != 0) {
        uint64_t step_ns =
            (uint64_t)PS_REGION_CHUNK * SNAPSHOT_CHUNKS_PER_STEP * PS_NS_PER_S / rate;
        engine->snapshot_next_ns = now_ns + (int64_t)step_ns;
    }
}

ps_code ps_engine_snapshot_step(ps_engine *engine, bool force, bool *out_busy, ps_error *err)
{
    snapshot_state state = (snapshot_state)atomic_load(&engine->snapshot);
    ps_code code = PS_OK;
    switch (state) {
    case SNAPSHOT_IDLE:
        if (force || snapshot_is_due(engine)) {
            code = snapshot_begin(engine, err);
        }
        break;
    case SNAPSHOT_TAKING:
        snapshot_take(engine);
        break;
    case SNAPSHOT_WRITTEN:
        snapshot_record(engine);
        break;
    case SNAPSHOT_FAILED:
        *err = engine->snapshot_error;
        code = err->code;
        ps_snapshot_end(engine->writer);
        engine->writer = NULL;
        atomic_store(&engine->snapshot, SNAPSHOT_IDLE);
        break;
    case SNAPSHOT_PRUNABLE:
        break;
    }
    *out_busy = atomic_load(&engine->snapshot) != SNAPSHOT_IDLE;
    return code;
}

ps_code ps_engine_snapshot_write(ps_engine *engine, ps_error *err)
{
    ps_code code;
    snapshot_state state = (snapshot_state)atomic_load(&engine->snapshot);
    uint64_t durable_seq = ps_journal_durable_seq(engine->journal);
    bool is_durable = durable_seq >= engine->snapshot_seq;
    if (state == SNAPSHOT_TAKING && (is_durable || PS_PLANTED(PS_BUG_SNAPSHOT_BEFORE_DURABLE))) {
        /* Only now: a snapshot must never hold what the journal may lose. */
        bool done = false;
        code = ps_snapshot_write_chunks(engine->writer, &done, err);
        if (code != PS_OK) {
            engine->snapshot_error = *err;
            atomic_store(&engine->snapshot, SNAPSHOT_FAILED);
        } else if (done) {
            atomic_store(&engine->snapshot, SNAPSHOT_WRITTEN);
        }
        return PS_OK;
    }
    if (state == SNAPSHOT_PRUNABLE && durable_seq >= engine->snapshot_record_seq) {
        char dir[PS_PATH_MAX];
        code = path_join(engine->dir, "snapshots", dir, err);
        if (code != PS_OK) {
            return code;
        }
        code = ps_snapshot_prune(engine->io, dir, err);
        atomic_store(&engine->snapshot, SNAPSHOT_IDLE);
        return code;
    }
    return PS_OK;
}

bool ps_engine_populate(ps_engine *engine)
{
    bool found = false;
    for (uint32_t i = 0; i < engine->region_count; i++) {
        found = ps_region_populate(engine->regions[i]) || found;
    }
    return found;
}

/* No further step can bring the snapshot on: a full disk has no room for its record, a dead journal
 * never makes durable what it holds. */
static bool snapshot_is_stuck(const ps_engine *engine)
{
    bool waits = atomic_load(&engine->snapshot) == SNAPSHOT_WRITTEN ||
                 ps_journal_durable_seq(engine->journal) < engine->snapshot_seq;
    return waits && !ps_journal_has_room(engine->journal);
}

/* Both sides on one thread, until the snapshot in progress (or a new one) is valid and older ones
 * are gone. */
static PS_CHECKED ps_code snapshot_finish(ps_engine *engine, ps_error *err)
{
    bool busy = true;
    engine->options.snapshot_rate = 0;
    ps_code code = ps_engine_snapshot_step(engine, true, &busy, err);
    while (busy && code == PS_OK) {
        code = batch_commit(engine, err);
        if (code != PS_OK) {
            return code;
        }
        if (snapshot_is_stuck(engine)) {
            return ps_error_set(err, PS_E_SPACE, "%s: no room to journal a snapshot", engine->dir);
        }
        code = ps_engine_snapshot_write(engine, err);
        if (code == PS_OK) {
            code = ps_engine_snapshot_step(engine, false, &busy, err);
        }
    }
    return code == PS_OK ? batch_commit(engine, err) : code;
}

/* A snapshot that fails does not keep the journal from being sealed: all is in there. */
ps_code ps_engine_shutdown(ps_engine *engine, bool snapshot, ps_error *err)
{
    ps_code code = batch_commit(engine, err);
    if (code != PS_OK) {
        return code;
    }
    ps_error seal_err;
    ps_code snapshot_code = snapshot ? snapshot_finish(engine, err) : PS_OK;
    code = ps_journal_seal(engine->journal, true, &seal_err);
    if (code != PS_OK) {
        *err = seal_err;
        return code;
    }
    return snapshot_code;
}
