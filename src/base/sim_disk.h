/* sim_disk: the simulated disk: a tree of inodes, each with a live and a durable side, and the
 * ordered list of pending operations that separates the two.
 *
 * Internal to io_sim. Live is what the process sees (the page cache), durable is what a power cut
 * leaves. A sync makes pending operations durable, a crash chooses among them (sim_crash.c).
 */
#ifndef PS_BASE_SIM_DISK_H
#define PS_BASE_SIM_DISK_H

#include "base/io_sim.h"
#include "base/sim_image.h"

enum { PS_SIM_ROOT = 0, PS_SIM_SECTOR = 512 };
#define PS_SIM_NO_INODE UINT32_MAX

typedef struct {
    char name[sizeof((ps_dir_entry *)NULL)->name];
    uint32_t inode;
} ps_sim_entry;

/* Sorted by name. */
typedef struct {
    ps_sim_entry *items;
    uint32_t count;
    uint32_t capacity;
} ps_sim_entries;

typedef struct {
    bool used;
    bool is_directory;
    bool locked;
    bool poisoned;        /* a datasync of it failed; cleared by a crash */
    bool diverged;        /* a failed sync left the cache unlike durable + pending */
    bool marked;          /* scratch of the sweep */
    bool on_disk;         /* scratch of the sweep: takes space (named or open) */
    uint32_t open_count;  /* handles */
    ps_sim_image *cache;  /* files */
    ps_sim_image *stable; /* files: the durable image */
    ps_sim_entries live;  /* directories */
    ps_sim_entries durable;
} ps_sim_inode;

/* Shared bytes: the data of a write, or "name\0to_name\0". */
typedef struct {
    uint32_t refs;
    char bytes[];
} ps_sim_payload;

typedef enum {
    PS_PENDING_WRITE,
    PS_PENDING_TRUNCATE,
    PS_PENDING_CREATE, /* a file or a directory */
    PS_PENDING_UNLINK,
    PS_PENDING_RENAME
} ps_pending_kind;

typedef struct {
    ps_pending_kind kind;
    uint32_t inode;  /* whose data, or whose name */
    uint32_t dir;    /* names: the directory, or the source of a rename */
    uint32_t to_dir; /* rename */
    uint64_t offset;
    uint64_t size;
    ps_sim_payload *payload; /* a write without is of zeros */
} ps_pending;

typedef struct {
    ps_sim_inode *inodes; /* by number; numbers are never used twice, so that traces are stable */
    uint32_t inode_count;
    ps_pending *pending; /* in order of issue */
    uint32_t pending_count;
    uint32_t pending_capacity;
} ps_sim_disk;

void ps_sim_disk_init(ps_sim_disk *disk);
void ps_sim_disk_release(ps_sim_disk *disk);
/* Without handles and locks: the copy has no process. */
void ps_sim_disk_copy(ps_sim_disk *out_disk, const ps_sim_disk *disk);

/* A resolved path: the directory and the last name in it. */
typedef struct {
    uint32_t dir;
    char name[sizeof((ps_dir_entry *)NULL)->name];
    uint32_t inode; /* PS_SIM_NO_INODE: no such name; the root has dir = inode = PS_SIM_ROOT */
} ps_sim_place;

/* 0, or the errno of a path whose directory is not there. Empty and "." parts are skipped. */
int ps_sim_disk_resolve(const ps_sim_disk *disk, const char *path, ps_sim_place *out_place);

/* Live changes, which become pending. The caller has checked that they are possible. */
uint32_t ps_sim_disk_create(ps_sim_disk *disk, const ps_sim_place *place, bool is_directory);
void ps_sim_disk_unlink(ps_sim_disk *disk, const ps_sim_place *place);
void ps_sim_disk_rename(ps_sim_disk *disk, const ps_sim_place *from, const ps_sim_place *to);
void ps_sim_disk_write(ps_sim_disk *disk, uint32_t inode, uint64_t offset, const void *data,
                       uint64_t size);
void ps_sim_disk_truncate(ps_sim_disk *disk, uint32_t inode, uint64_t size);

/* Makes pending operations durable: those on a file's data; those on a directory's names. */
void ps_sim_disk_sync_file(ps_sim_disk *disk, uint32_t inode);
void ps_sim_disk_sync_dir(ps_sim_disk *disk, uint32_t dir);
/* Forgets what is pending on a file's data (a failed sync). */
void ps_sim_disk_forget_data(ps_sim_disk *disk, uint32_t inode);

/* For the crash: applies one pending operation to the durable side; of a write, only the bytes
 * [offset, offset + size). */
void ps_sim_disk_apply(ps_sim_disk *disk, const ps_pending *op, uint64_t offset, uint64_t size);
/* For the crash: nothing is pending any more, live becomes what is durable. */
void ps_sim_disk_settle(ps_sim_disk *disk);
/* What survives of the pending operations (sim_crash.c); `sim` is asked for draws. */
void ps_sim_disk_crash(ps_sim_disk *disk, ps_survive how, ps_sim *sim);

/* Damage at rest: both sides at once, whatever is pending on the file is dropped. */
void ps_sim_disk_put(ps_sim_disk *disk, const ps_sim_place *place, ps_slice bytes);
void ps_sim_disk_erase(ps_sim_disk *disk, const ps_sim_place *place);

/* Frees inodes that no name, pending operation or handle leads to. */
void ps_sim_disk_sweep(ps_sim_disk *disk);
/* Bytes taken by files that are named or open. */
uint64_t ps_sim_disk_used(ps_sim_disk *disk);

static inline bool ps_pending_is_data(const ps_pending *op)
{
    return op->kind == PS_PENDING_WRITE || op->kind == PS_PENDING_TRUNCATE;
}

#endif
