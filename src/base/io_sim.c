#include "base/io_sim.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sim_disk.h"
#include "base/sometimes.h"
#include "base/time.h"

typedef struct {
    uint64_t step; /* 0: off */
    int os_errno;
    bool sticky;
    bool kind_known; /* sticky and hit: every later operation of `op` fails */
    ps_sim_op op;
    ps_sync_failure how;
} fail_rule;

typedef struct {
    uint32_t per_million;
    int os_errno;
} fail_rate;

struct ps_sim {
    ps_io io; /* first: the callers' view */
    ps_sim_disk disk;
    ps_file
        *files; /* all handles, those of dead processes too: their owners may still close them */
    uint64_t generation; /* of the process: a handle of an older one is gone */
    int64_t mono_ns;
    int64_t wall_ns;
    uint64_t draw_state;
    uint64_t random_state; /* apart from the draws, so that a cut tape keeps the ids */
    ps_buf *record;        /* borrowed; NULL: not recording */
    bool replays;
    ps_slice replay; /* borrowed: what is left of the tape */
    uint64_t steps;
    ps_u128 trace;
    uint64_t stop_at; /* 0: off */
    bool stopped;
    uint64_t capacity;
    fail_rule rule;
    fail_rate rates[PS_SIM_OP_COUNT];
    ps_buf view; /* what file_get lent out */
};

struct ps_file {
    ps_file *next;
    uint32_t inode;
    uint64_t generation;
    bool writable;
    bool holds_lock;
    bool write_failed; /* nothing is written beyond failed_offset until its range is rewritten */
    uint64_t failed_offset;
};

static ps_sim *sim_of(ps_io *io)
{
    return (ps_sim *)(void *)io;
}

/* ── generator: splitmix64 (Steele, Lea, Flood, OOPSLA 2014) ── */

static uint64_t generator_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t ps_sim_draw(ps_sim *sim, uint64_t bound)
{
    PS_ASSERT(bound > 0);
    uint64_t value = 0;
    if (!sim->replays) {
        /* Multiply and shift: the bias is below 2^-32 for the bounds in use. */
        value = (uint64_t)((unsigned __int128)generator_next(&sim->draw_state) * bound >> 64);
    } else if (sim->replay.size >= sizeof value) {
        value = ps_get_u64(sim->replay.data) % bound;
        sim->replay = ps_slice_of(sim->replay.data + sizeof value, sim->replay.size - sizeof value);
    }
    if (sim->record != NULL) {
        ps_buf_append(sim->record, &value, sizeof value);
    }
    return value;
}

void ps_sim_tape_record(ps_sim *sim, ps_buf *tape)
{
    sim->record = tape;
}

void ps_sim_tape_replay(ps_sim *sim, ps_slice tape)
{
    sim->replays = true;
    sim->replay = tape;
}

/* ── steps: every file operation goes through begin and end ── */

typedef struct {
    ps_sim_op op;
    uint32_t inode;
    uint64_t offset;
    uint64_t size;
    uint64_t content; /* hash of the data or of the path */
    int fault;        /* errno to fail with; 0: none */
    ps_sync_failure how;
} sim_step;

static int64_t step_cost_ns(ps_sim_op op, uint64_t size)
{
    switch (op) {
    case PS_SIM_DATASYNC:
    case PS_SIM_SYNC_DIR:
        return 100 * PS_NS_PER_US;
    case PS_SIM_READ:
    case PS_SIM_WRITE:
    case PS_SIM_PREALLOC:
        return 2 * PS_NS_PER_US + (int64_t)(size / 4);
    case PS_SIM_OPEN:
    case PS_SIM_TRUNCATE:
    case PS_SIM_RENAME:
    case PS_SIM_UNLINK:
    case PS_SIM_MAKE_DIR:
    case PS_SIM_LIST:
    case PS_SIM_SIZE:
    case PS_SIM_LOCK:
        return 5 * PS_NS_PER_US;
    case PS_SIM_OP_COUNT:
        break;
    }
    PS_ASSERT(false);
}

static void count_fault(ps_sim_op op)
{
    switch (op) {
    case PS_SIM_READ:
        PS_SOMETIMES("fault: read fails");
        break;
    case PS_SIM_WRITE:
        PS_SOMETIMES("fault: write fails");
        break;
    case PS_SIM_DATASYNC: /* counted by what becomes of the data */
        break;
    case PS_SIM_SYNC_DIR:
        PS_SOMETIMES("fault: sync of a directory fails");
        break;
    case PS_SIM_OPEN:
        PS_SOMETIMES("fault: open fails");
        break;
    case PS_SIM_PREALLOC:
        PS_SOMETIMES("fault: prealloc fails");
        break;
    case PS_SIM_TRUNCATE: /* nothing that is simulated truncates */
        break;
    case PS_SIM_RENAME:
        PS_SOMETIMES("fault: rename fails");
        break;
    case PS_SIM_UNLINK:
        PS_SOMETIMES("fault: unlink fails");
        break;
    case PS_SIM_MAKE_DIR:
        PS_SOMETIMES("fault: make directory fails");
        break;
    case PS_SIM_LIST:
        PS_SOMETIMES("fault: list fails");
        break;
    case PS_SIM_SIZE:
        PS_SOMETIMES("fault: size fails");
        break;
    case PS_SIM_LOCK:
        PS_SOMETIMES("fault: lock fails");
        break;
    case PS_SIM_OP_COUNT:
        break;
    }
}

static void choose_fault(ps_sim *sim, sim_step *step)
{
    fail_rule *rule = &sim->rule;
    if (rule->step != 0 && rule->step == sim->steps) {
        rule->op = step->op;
        rule->kind_known = rule->sticky;
        step->fault = rule->os_errno;
        step->how = rule->how;
    } else if (rule->kind_known && rule->op == step->op) {
        step->fault = rule->os_errno;
        step->how = rule->how;
    }
    const fail_rate *rate = &sim->rates[step->op];
    if (step->fault == 0 && rate->per_million > 0 &&
        ps_sim_draw(sim, 1000000) < rate->per_million) {
        step->fault = rate->os_errno;
        step->how = ps_sim_draw(sim, 2) == 0 ? PS_SYNC_FAIL_CLEAN_KEPT : PS_SYNC_FAIL_DROPPED;
    }
    if (step->fault != 0) {
        count_fault(step->op);
    }
}

/* False: the process has been stopped, *err is set, nothing may happen. */
static bool step_begin(ps_sim *sim, sim_step *step, ps_error *err)
{
    if (sim->stop_at != 0 && sim->steps + 1 >= sim->stop_at) {
        PS_SOMETIMES_WHEN(!sim->stopped, "fault: the process stops");
        sim->stopped = true;
    }
    if (sim->stopped) {
        ps_error_set(err, PS_E_CLOSED, "the simulated process is stopped");
        return false;
    }
    sim->steps++;
    int64_t cost_ns = step_cost_ns(step->op, step->size);
    sim->mono_ns += cost_ns;
    sim->wall_ns += cost_ns;
    choose_fault(sim, step);
    return true;
}

static ps_code step_end(ps_sim *sim, const sim_step *step, ps_code code)
{
    uint64_t record[] = {sim->trace.high, sim->trace.low, (uint64_t)sim->mono_ns,
                         step->op,        step->inode,    step->offset,
                         step->size,      code,           step->content};
    sim->trace = ps_xxh3_128(record, sizeof record);
    return code;
}

static ps_code fail_path(ps_error *err, int os_errno, const char *what, const char *path)
{
    ps_error_set_os(err, os_errno, "cannot %s %s", what, path);
    if (os_errno == ENOENT) {
        err->code = PS_E_MISSING;
    } else if (os_errno == EEXIST) {
        err->code = PS_E_EXISTS;
    }
    return err->code;
}

/* An operation on a path, and what has to be there. */
typedef enum { PATH_ANY, PATH_FREE, PATH_FILE, PATH_FILE_OR_FREE, PATH_DIRECTORY } path_want;

typedef struct {
    ps_sim *sim;
    const char *path;
    sim_step step;
    ps_sim_place place;
} path_call;

/* The errno of a path that is not what is wanted; 0: it is. */
static int path_check(const ps_sim *sim, const ps_sim_place *place, path_want want)
{
    bool exists = place->inode != PS_SIM_NO_INODE;
    bool is_directory = exists && sim->disk.inodes[place->inode].is_directory;
    switch (want) {
    case PATH_ANY:
        return 0;
    case PATH_FREE:
        return exists ? EEXIST : 0;
    case PATH_FILE:
        return !exists ? ENOENT : is_directory ? EISDIR : 0;
    case PATH_FILE_OR_FREE:
        return is_directory ? EISDIR : 0;
    case PATH_DIRECTORY:
        return !exists ? ENOENT : is_directory ? 0 : ENOTDIR;
    }
    PS_ASSERT(false);
}

static ps_code path_fail(const path_call *call, int os_errno, ps_error *err)
{
    static const char *const verbs[PS_SIM_OP_COUNT] = {
        [PS_SIM_SYNC_DIR] = "sync directory",
        [PS_SIM_OPEN] = "open",
        [PS_SIM_RENAME] = "rename",
        [PS_SIM_UNLINK] = "remove",
        [PS_SIM_MAKE_DIR] = "make directory",
        [PS_SIM_LIST] = "list",
        [PS_SIM_LOCK] = "open",
    };
    const char *verb = verbs[call->step.op];
    return step_end(call->sim, &call->step, fail_path(err, os_errno, verb, call->path));
}

static ps_code path_end(const path_call *call)
{
    return step_end(call->sim, &call->step, PS_OK);
}

/* Begins the step, looks the path up and checks what is there. On failure the step has ended. */
static ps_code path_begin(path_call *call, path_want want, ps_error *err)
{
    ps_sim *sim = call->sim;
    PS_ASSERT(strlen(call->path) < PS_PATH_MAX);
    call->step.inode = PS_SIM_NO_INODE;
    call->step.content = ps_xxh3_64(call->path, strlen(call->path));
    if (!step_begin(sim, &call->step, err)) {
        return PS_E_CLOSED;
    }
    int os_errno = call->step.fault;
    if (os_errno == 0) {
        os_errno = ps_sim_disk_resolve(&sim->disk, call->path, &call->place);
    }
    if (os_errno != 0) {
        return step_end(sim, &call->step, fail_path(err, os_errno, "reach", call->path));
    }
    call->step.inode = call->place.inode;
    os_errno = path_check(sim, &call->place, want);
    return os_errno == 0 ? PS_OK : path_fail(call, os_errno, err);
}

/* An operation on a handle. A handle of a process that is gone answers PS_E_CLOSED. */
static bool file_begin(ps_sim *sim, const ps_file *file, sim_step *step, ps_error *err)
{
    step->inode = file->inode;
    if (file->generation != sim->generation) {
        ps_error_set(err, PS_E_CLOSED, "the handle belongs to a simulated process that is gone");
        return false;
    }
    return step_begin(sim, step, err);
}

static ps_code file_fail(ps_sim *sim, const sim_step *step, int os_errno, ps_error *err)
{
    static const char *const verbs[PS_SIM_OP_COUNT] = {
        [PS_SIM_READ] = "read",
        [PS_SIM_WRITE] = "write",
        [PS_SIM_DATASYNC] = "sync",
        [PS_SIM_PREALLOC] = "preallocate",
        [PS_SIM_TRUNCATE] = "set the size of",
        [PS_SIM_SIZE] = "stat",
    };
    ps_error_set_os(err, os_errno, "cannot %s simulated file %u at offset %llu", verbs[step->op],
                    step->inode, (unsigned long long)step->offset);
    return step_end(sim, step, err->code);
}

/* ── open, close, lock ── */

static ps_file *file_new(ps_sim *sim, uint32_t inode, bool writable)
{
    ps_file *file = ps_sim_alloc(sizeof *file);
    *file = (ps_file){
        .next = sim->files, .inode = inode, .generation = sim->generation, .writable = writable};
    sim->files = file;
    sim->disk.inodes[inode].open_count++;
    return file;
}

static void sim_close(ps_io *io, ps_file *file)
{
    ps_sim *sim = sim_of(io);
    ps_file **link = &sim->files;
    while (*link != file) {
        PS_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = file->next;
    if (file->generation == sim->generation) {
        ps_sim_inode *inode = &sim->disk.inodes[file->inode];
        inode->open_count--;
        inode->locked = inode->locked && !file->holds_lock;
    }
    free(file);
}

static ps_code sim_open(ps_io *io, const char *path, ps_open_mode mode, ps_file **out_file,
                        ps_error *err)
{
    ps_sim *sim = sim_of(io);
    bool creates = mode == PS_OPEN_CREATE_NEW;
    path_call call = {sim, path, .step = {.op = PS_SIM_OPEN, .offset = mode}};
    ps_code code = path_begin(&call, creates ? PATH_FREE : PATH_FILE, err);
    if (code != PS_OK) {
        return code;
    }
    if (creates) {
        call.step.inode = ps_sim_disk_create(&sim->disk, &call.place, false);
    }
    *out_file = file_new(sim, call.step.inode, mode != PS_OPEN_READ);
    return path_end(&call);
}

static ps_code sim_lock(ps_io *io, const char *path, ps_file **out_file, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    path_call call = {sim, path, .step = {.op = PS_SIM_LOCK}};
    ps_code code = path_begin(&call, PATH_FILE_OR_FREE, err);
    if (code != PS_OK) {
        return code;
    }
    if (call.place.inode == PS_SIM_NO_INODE) {
        call.step.inode = ps_sim_disk_create(&sim->disk, &call.place, false);
    }
    ps_sim_inode *inode = &sim->disk.inodes[call.step.inode];
    if (inode->locked) {
        ps_error_set(err, PS_E_LOCKED, "%s is locked by another process", path);
        return step_end(sim, &call.step, PS_E_LOCKED);
    }
    inode->locked = true;
    *out_file = file_new(sim, call.step.inode, true);
    (*out_file)->holds_lock = true;
    return path_end(&call);
}

/* ── read, write, sync ── */

static ps_code sim_read(ps_io *io, ps_file *file, uint64_t offset, void *out, size_t size,
                        size_t *out_size, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    sim_step step = {.op = PS_SIM_READ, .offset = offset, .size = size};
    if (!file_begin(sim, file, &step, err)) {
        return PS_E_CLOSED;
    }
    if (step.fault != 0) {
        return file_fail(sim, &step, step.fault, err);
    }
    *out_size = ps_sim_image_read(sim->disk.inodes[file->inode].cache, offset, out, size);
    step.content = ps_xxh3_64(out, *out_size);
    return step_end(sim, &step, PS_OK);
}

/* How many of the bytes up to `end` of a file of `size` bytes the disk has room for, from `offset`.
 */
static uint64_t room_for(ps_sim *sim, uint64_t file_size, uint64_t offset, uint64_t size)
{
    uint64_t end = offset + size;
    if (sim->capacity == UINT64_MAX || end <= file_size) {
        return size;
    }
    uint64_t used = ps_sim_disk_used(&sim->disk);
    uint64_t free_bytes = sim->capacity > used ? sim->capacity - used : 0;
    uint64_t end_max = file_size + free_bytes;
    if (end <= end_max) {
        return size;
    }
    return end_max > offset ? end_max - offset : 0;
}

/* A failing write leaves some of its bytes in the file, as a real one may. */
static ps_code sim_write(ps_io *io, ps_file *file, uint64_t offset, const void *data, size_t size,
                         ps_error *err)
{
    ps_sim *sim = sim_of(io);
    sim_step step = {.op = PS_SIM_WRITE, .offset = offset, .size = size};
    PS_ASSERT(!file->write_failed || offset <= file->failed_offset);
    step.content = ps_xxh3_64(data, size);
    if (!file_begin(sim, file, &step, err)) {
        return PS_E_CLOSED;
    }
    if (!file->writable) {
        return file_fail(sim, &step, EBADF, err);
    }
    uint64_t file_size = ps_sim_image_size(sim->disk.inodes[file->inode].cache);
    uint64_t room = room_for(sim, file_size, offset, size);
    int fault = step.fault != 0 ? step.fault : room < size ? ENOSPC : 0;
    uint64_t done = step.fault != 0 ? ps_sim_draw(sim, room + 1) : room;
    PS_SOMETIMES_WHEN(room < size, "fault: the disk is full (write)");
    PS_SOMETIMES_WHEN(fault != 0 && done > 0 && done < size, "fault: a part of a write is left");
    ps_sim_disk_write(&sim->disk, file->inode, offset, data, done);
    if (fault != 0) {
        file->write_failed = true;
        file->failed_offset = offset;
        return file_fail(sim, &step, fault, err);
    }
    if (file->write_failed && offset + size > file->failed_offset) {
        file->write_failed = false;
    }
    return step_end(sim, &step, PS_OK);
}

static ps_code sim_datasync(ps_io *io, ps_file *file, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    sim_step step = {.op = PS_SIM_DATASYNC};
    if (!file_begin(sim, file, &step, err)) {
        return PS_E_CLOSED;
    }
    ps_sim_inode *inode = &sim->disk.inodes[file->inode];
    PS_ASSERT(!inode->poisoned);
    if (step.fault == 0) {
        ps_sim_disk_sync_file(&sim->disk, file->inode);
        return step_end(sim, &step, PS_OK);
    }
    switch (step.how) {
    case PS_SYNC_LIES:
        PS_SOMETIMES("fault: sync lies");
        return step_end(sim, &step, PS_OK); /* all stays pending */
    case PS_SYNC_FAIL_CLEAN_KEPT:
        /* Readable from the cache, on no list to be written any more. */
        PS_SOMETIMES("fault: sync fails, pages stay readable");
        inode->diverged = true;
        break;
    case PS_SYNC_FAIL_DROPPED:
        PS_SOMETIMES("fault: sync fails, pages are dropped");
        ps_sim_image_drop(inode->cache);
        inode->cache = ps_sim_image_share(inode->stable);
        break;
    }
    ps_sim_disk_forget_data(&sim->disk, file->inode);
    inode->poisoned = true;
    return file_fail(sim, &step, step.fault, err);
}

/* The errno with which a change of the size fails; 0: possible. */
static int resize_fault(ps_sim *sim, const ps_file *file, const sim_step *step, int not_writable)
{
    if (step->fault != 0) {
        return step->fault;
    }
    if (!file->writable) {
        return not_writable;
    }
    uint64_t file_size = ps_sim_image_size(sim->disk.inodes[file->inode].cache);
    bool has_room = room_for(sim, file_size, 0, step->size) == step->size;
    PS_SOMETIMES_WHEN(!has_room, "fault: the disk is full (size)");
    return has_room ? 0 : ENOSPC;
}

static ps_code sim_prealloc(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    sim_step step = {.op = PS_SIM_PREALLOC, .size = size};
    if (!file_begin(sim, file, &step, err)) {
        return PS_E_CLOSED;
    }
    int fault = resize_fault(sim, file, &step, EBADF);
    if (fault != 0) {
        return file_fail(sim, &step, fault, err);
    }
    ps_sim_disk_write(&sim->disk, file->inode, 0, NULL, size);
    return step_end(sim, &step, PS_OK);
}

static ps_code sim_truncate(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    sim_step step = {.op = PS_SIM_TRUNCATE, .size = size};
    if (!file_begin(sim, file, &step, err)) {
        return PS_E_CLOSED;
    }
    int fault = resize_fault(sim, file, &step, EINVAL);
    if (fault != 0) {
        return file_fail(sim, &step, fault, err);
    }
    ps_sim_disk_truncate(&sim->disk, file->inode, size);
    if (file->write_failed && size <= file->failed_offset) {
        file->write_failed = false;
    }
    return step_end(sim, &step, PS_OK);
}

static ps_code sim_size(ps_io *io, ps_file *file, uint64_t *out_size, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    sim_step step = {.op = PS_SIM_SIZE};
    if (!file_begin(sim, file, &step, err)) {
        return PS_E_CLOSED;
    }
    if (step.fault != 0) {
        return file_fail(sim, &step, step.fault, err);
    }
    *out_size = ps_sim_image_size(sim->disk.inodes[file->inode].cache);
    step.content = *out_size;
    return step_end(sim, &step, PS_OK);
}

/* ── directories ── */

static ps_code sim_sync_dir(ps_io *io, const char *path, ps_error *err)
{
    path_call call = {sim_of(io), path, .step = {.op = PS_SIM_SYNC_DIR}};
    ps_code code = path_begin(&call, PATH_DIRECTORY, err);
    if (code != PS_OK) {
        return code;
    }
    ps_sim_disk_sync_dir(&call.sim->disk, call.place.inode);
    return path_end(&call);
}

/* The errno with which rename(2) refuses; 0: possible. */
static int check_rename(const ps_sim *sim, const ps_sim_place *from, const ps_sim_place *to)
{
    if (from->inode == PS_SIM_NO_INODE) {
        return ENOENT;
    }
    if (from->inode == PS_SIM_ROOT || to->inode == PS_SIM_ROOT) {
        return EBUSY;
    }
    const ps_sim_inode *moved = &sim->disk.inodes[from->inode];
    if (to->dir == from->inode) {
        return EINVAL; /* into itself; deeper nesting is not in use */
    }
    if (to->inode == from->dir) {
        return ENOTEMPTY; /* over the directory that holds it */
    }
    if (to->inode == PS_SIM_NO_INODE || to->inode == from->inode) {
        return 0;
    }
    const ps_sim_inode *replaced = &sim->disk.inodes[to->inode];
    if (moved->is_directory && !replaced->is_directory) {
        return ENOTDIR;
    }
    if (!moved->is_directory && replaced->is_directory) {
        return EISDIR;
    }
    return replaced->is_directory && replaced->live.count > 0 ? ENOTEMPTY : 0;
}

static ps_code sim_rename(ps_io *io, const char *from, const char *to, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    path_call call = {sim, from, .step = {.op = PS_SIM_RENAME}};
    ps_code code = path_begin(&call, PATH_ANY, err);
    if (code != PS_OK) {
        return code;
    }
    call.step.offset = ps_xxh3_64(to, strlen(to));
    ps_sim_place to_place;
    int os_errno = ps_sim_disk_resolve(&sim->disk, to, &to_place);
    if (os_errno == 0) {
        os_errno = check_rename(sim, &call.place, &to_place);
    }
    if (os_errno != 0) {
        return path_fail(&call, os_errno, err);
    }
    if (call.place.inode != to_place.inode) {
        ps_sim_disk_rename(&sim->disk, &call.place, &to_place);
    }
    return path_end(&call);
}

static ps_code sim_unlink(ps_io *io, const char *path, ps_error *err)
{
    path_call call = {sim_of(io), path, .step = {.op = PS_SIM_UNLINK}};
    ps_code code = path_begin(&call, PATH_FILE, err);
    if (code != PS_OK) {
        return code;
    }
    ps_sim_disk_unlink(&call.sim->disk, &call.place);
    return path_end(&call);
}

static ps_code sim_make_dir(ps_io *io, const char *path, ps_error *err)
{
    path_call call = {sim_of(io), path, .step = {.op = PS_SIM_MAKE_DIR}};
    ps_code code = path_begin(&call, PATH_FREE, err);
    if (code != PS_OK) {
        return code;
    }
    call.step.inode = ps_sim_disk_create(&call.sim->disk, &call.place, true);
    return path_end(&call);
}

static ps_code sim_list(ps_io *io, const char *path, ps_dir_entry *out_entries, size_t entries_max,
                        size_t *out_count, ps_error *err)
{
    ps_sim *sim = sim_of(io);
    path_call call = {sim, path, .step = {.op = PS_SIM_LIST}};
    ps_code code = path_begin(&call, PATH_DIRECTORY, err);
    if (code != PS_OK) {
        return code;
    }
    const ps_sim_entries *live = &sim->disk.inodes[call.place.inode].live;
    if (live->count > entries_max) {
        ps_error_set(err, PS_E_LIMIT, "%s has more than %zu entries", path, entries_max);
        return step_end(sim, &call.step, PS_E_LIMIT);
    }
    for (uint32_t i = 0; i < live->count; i++) {
        const ps_sim_entry *entry = &live->items[i];
        out_entries[i] =
            (ps_dir_entry){.is_directory = sim->disk.inodes[entry->inode].is_directory};
        memcpy(out_entries[i].name, entry->name, sizeof entry->name);
    }
    *out_count = live->count;
    call.step.size = live->count;
    return path_end(&call);
}

/* ── clocks, randomness ── */

static int64_t sim_now_mono_ns(ps_io *io)
{
    return sim_of(io)->mono_ns;
}

static int64_t sim_now_wall_ns(ps_io *io)
{
    return sim_of(io)->wall_ns;
}

static void sim_random(ps_io *io, void *out, size_t size)
{
    ps_sim *sim = sim_of(io);
    for (size_t i = 0; i < size; i++) {
        ((char *)out)[i] = (char)generator_next(&sim->random_state);
    }
}

static const struct ps_io_ops sim_ops = {
    .now_mono_ns = sim_now_mono_ns,
    .now_wall_ns = sim_now_wall_ns,
    .random = sim_random,
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .datasync = sim_datasync,
    .prealloc = sim_prealloc,
    .truncate = sim_truncate,
    .size = sim_size,
    .sync_dir = sim_sync_dir,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .make_dir = sim_make_dir,
    .list = sim_list,
    .lock = sim_lock,
};

/* ── the simulation ── */

ps_sim *ps_sim_new(uint64_t seed)
{
    ps_sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL) {
        return NULL;
    }
    sim->io.ops = &sim_ops;
    ps_sim_disk_init(&sim->disk);
    sim->draw_state = seed;
    sim->random_state = ~seed;
    sim->mono_ns = PS_NS_PER_S;
    sim->wall_ns = INT64_C(1767225600) * PS_NS_PER_S; /* 2026-01-01T00:00:00Z */
    sim->capacity = UINT64_MAX;
    ps_buf_init(&sim->view, SIZE_MAX);
    return sim;
}

void ps_sim_free(ps_sim *sim)
{
    if (sim == NULL) {
        return;
    }
    while (sim->files != NULL) {
        sim_close(&sim->io, sim->files);
    }
    ps_sim_disk_release(&sim->disk);
    ps_buf_release(&sim->view);
    free(sim);
}

ps_io *ps_sim_io(ps_sim *sim)
{
    return &sim->io;
}

uint64_t ps_sim_steps(const ps_sim *sim)
{
    return sim->steps;
}

ps_u128 ps_sim_trace_hash(const ps_sim *sim)
{
    return sim->trace;
}

void ps_sim_advance(ps_sim *sim, int64_t ns)
{
    PS_ASSERT(ns >= 0);
    sim->mono_ns += ns;
    sim->wall_ns += ns;
}

void ps_sim_step_wall_clock(ps_sim *sim, int64_t ns)
{
    sim->wall_ns += ns;
    PS_SOMETIMES_WHEN(ns < 0, "fault: the wall clock goes back");
    PS_SOMETIMES_WHEN(ns > 0, "fault: the wall clock leaps");
}

void ps_sim_fail_at(ps_sim *sim, uint64_t step, int os_errno, bool sticky, ps_sync_failure how)
{
    sim->rule = (fail_rule){.step = step, .os_errno = os_errno, .sticky = sticky, .how = how};
}

void ps_sim_fail_rate(ps_sim *sim, ps_sim_op op, uint32_t per_million, int os_errno)
{
    PS_ASSERT(op < PS_SIM_OP_COUNT);
    sim->rates[op] = (fail_rate){per_million, os_errno};
}

void ps_sim_set_capacity(ps_sim *sim, uint64_t bytes)
{
    sim->capacity = bytes;
}

void ps_sim_stop_at(ps_sim *sim, uint64_t step)
{
    sim->stop_at = step;
}

bool ps_sim_is_stopped(const ps_sim *sim)
{
    return sim->stopped;
}

void ps_sim_crash(ps_sim *sim, ps_survive how)
{
    if (how == PS_SURVIVE_RANDOM) {
        how = (ps_survive)ps_sim_draw(sim, PS_SURVIVE_RANDOM);
    }
    ps_sim_disk_crash(&sim->disk, how, sim);
    for (uint32_t i = 0; i < sim->disk.inode_count; i++) {
        ps_sim_inode *inode = &sim->disk.inodes[i];
        inode->open_count = 0;
        inode->locked = false;
        inode->poisoned = false;
    }
    ps_sim_disk_sweep(&sim->disk);
    sim->generation++;
    sim->stop_at = 0;
    sim->stopped = false;
    sim->rule = (fail_rule){0};
    memset(sim->rates, 0, sizeof sim->rates);
}

ps_sim *ps_sim_clone(const ps_sim *sim)
{
    ps_sim *copy = ps_sim_alloc(sizeof *copy);
    *copy = *sim;
    copy->files = NULL;
    copy->record = NULL;
    copy->generation++;
    ps_buf_init(&copy->view, SIZE_MAX);
    ps_sim_disk_copy(&copy->disk, &sim->disk);
    return copy;
}

/* ── damage at rest ── */

/* False: not the path of an existing file. */
static bool find_file(const ps_sim *sim, const char *path, ps_sim_place *out_place)
{
    ps_sim_place place;
    if (ps_sim_disk_resolve(&sim->disk, path, &place) != 0 || place.inode == PS_SIM_NO_INODE ||
        sim->disk.inodes[place.inode].is_directory) {
        return false;
    }
    *out_place = place;
    return true;
}

bool ps_sim_file_get(ps_sim *sim, const char *path, ps_slice *out_bytes)
{
    ps_sim_place place;
    if (!find_file(sim, path, &place)) {
        return false;
    }
    const ps_sim_image *image = sim->disk.inodes[place.inode].cache;
    size_t size = ps_sim_image_size(image);
    ps_buf_clear(&sim->view);
    if (size > 0) {
        void *at = ps_buf_extend(&sim->view, size);
        PS_ASSERT(at != NULL);
        ps_sim_image_read(image, 0, at, size);
    }
    *out_bytes = ps_buf_slice(&sim->view);
    return true;
}

bool ps_sim_file_set(ps_sim *sim, const char *path, ps_slice bytes)
{
    ps_sim_place place;
    if (ps_sim_disk_resolve(&sim->disk, path, &place) != 0 ||
        (place.inode != PS_SIM_NO_INODE && sim->disk.inodes[place.inode].is_directory)) {
        return false;
    }
    PS_SOMETIMES("damage: a file is replaced");
    ps_sim_disk_put(&sim->disk, &place, bytes);
    return true;
}

static void flip_image(ps_sim_image **image, uint64_t bit)
{
    char byte;
    if (ps_sim_image_read(*image, bit / 8, &byte, 1) == 1) {
        byte = (char)(byte ^ 1 << bit % 8);
        ps_sim_image_write(image, bit / 8, &byte, 1);
    }
}

bool ps_sim_file_flip(ps_sim *sim, const char *path, uint64_t bit)
{
    ps_sim_place place;
    if (!find_file(sim, path, &place)) {
        return false;
    }
    ps_sim_inode *inode = &sim->disk.inodes[place.inode];
    if (bit / 8 >= ps_sim_image_size(inode->cache)) {
        return false;
    }
    PS_SOMETIMES("damage: a bit is flipped");
    flip_image(&inode->cache, bit);
    flip_image(&inode->stable, bit);
    return true;
}

bool ps_sim_file_remove(ps_sim *sim, const char *path)
{
    ps_sim_place place;
    if (!find_file(sim, path, &place)) {
        return false;
    }
    PS_SOMETIMES("damage: a file is removed");
    ps_sim_disk_erase(&sim->disk, &place);
    return true;
}
