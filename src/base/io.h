/* io: the only door to the operating system for what decides, stores or orders: files, time,
 * randomness.
 *
 * Two back ends run the same callers: io_posix (the real one) and io_sim (a virtual disk that
 * loses, tears and reorders what was not synced, lies and fails on command, with virtual clocks and
 * a seeded generator; FAULTS §4). Sockets are not here: they belong to serve and connect, which
 * stay outside of the simulation.
 *
 * Contract, asserted in both back ends:
 *   - a write never overlaps a write in flight on the same file; nothing is appended past a failed
 *     range;
 *   - datasync covers all writes completed before it was called, none after; after one failure the
 *     file is poisoned: a second
 *     datasync is a bug (PS_ASSERT), because the page cache may have dropped the data;
 *   - a file is there after a crash only if its directory was synced after its creation; the same
 *     holds for rename and unlink;
 *     rename is atomic for readers;
 *   - prealloc writes zeros, so that a later datasync of data inside needs no metadata; space never
 *     written reads as zeros;
 *   - list is sorted by name.
 * Short writes and EINTR are resumed inside; a short read at the end of file is not an error
 * (out_size says how much).
 *
 * Threads: io_posix may be called from any thread; one ps_file is written by one thread at a time,
 * and may be read by others. io_sim is single-threaded.
 */
#ifndef PS_BASE_IO_H
#define PS_BASE_IO_H

#include "base/bytes.h"

typedef struct ps_io ps_io;
typedef struct ps_file ps_file; /* opened by a back end; closed by ps_io_close */

typedef enum {
    PS_OPEN_READ,      /* must exist */
    PS_OPEN_WRITE,     /* read and write, must exist */
    PS_OPEN_CREATE_NEW /* read and write, must not exist (O_EXCL), mode 0600 */
} ps_open_mode;

typedef struct {
    char name[128]; /* file name within its directory */
    bool is_directory;
} ps_dir_entry;

struct ps_io_ops {
    int64_t (*now_mono_ns)(ps_io *io);
    int64_t (*now_wall_ns)(ps_io *io);
    /* cryptographic in io_posix; a failure to get it stops the process */
    void (*random)(ps_io *io, void *out, size_t size);
    ps_code (*open)(ps_io *io, const char *path, ps_open_mode mode, ps_file **out_file,
                    ps_error *err);
    void (*close)(ps_io *io, ps_file *file);
    ps_code (*read)(ps_io *io, ps_file *file, uint64_t offset, void *out, size_t size,
                    size_t *out_size, ps_error *err);
    ps_code (*write)(ps_io *io, ps_file *file, uint64_t offset, const void *data, size_t size,
                     ps_error *err);
    ps_code (*datasync)(ps_io *io, ps_file *file, ps_error *err);
    /* NULL: no such thing */
    ps_code (*write_out)(ps_io *io, ps_file *file, uint64_t offset, uint64_t size, ps_error *err);
    /* zero-filled, whole file, unsynced */
    ps_code (*prealloc)(ps_io *io, ps_file *file, uint64_t size, ps_error *err);
    ps_code (*truncate)(ps_io *io, ps_file *file, uint64_t size, ps_error *err);
    ps_code (*size)(ps_io *io, ps_file *file, uint64_t *out_size, ps_error *err);
    /* when its content was last written, wall clock; NULL: not known */
    ps_code (*modified_ns)(ps_io *io, ps_file *file, int64_t *out_ns, ps_error *err);
    ps_code (*sync_dir)(ps_io *io, const char *path, ps_error *err);
    ps_code (*rename)(ps_io *io, const char *from, const char *to, ps_error *err);
    ps_code (*unlink)(ps_io *io, const char *path, ps_error *err);
    ps_code (*make_dir)(ps_io *io, const char *path, ps_error *err); /* mode 0700; PS_E_EXISTS */
    /* Up to entries_max entries, without . and ..; PS_E_LIMIT when there are more. */
    ps_code (*list)(ps_io *io, const char *path, ps_dir_entry *out_entries, size_t entries_max,
                    size_t *out_count, ps_error *err);
    /* Exclusive lock of the process on a file (made when missing, mode 0600), held until close:
     * PS_E_LOCKED when another has it. */
    ps_code (*lock)(ps_io *io, const char *path, ps_file **out_file, ps_error *err);
};

/* A back end embeds this as its first member. */
struct ps_io {
    const struct ps_io_ops *ops;
};

/* Wrappers: the names that callers use. Paths are zero-terminated, at most PS_PATH_MAX − 1 bytes.
 * */
enum { PS_PATH_MAX = 1024 };

static inline int64_t ps_io_now_mono_ns(ps_io *io)
{
    return io->ops->now_mono_ns(io);
}
static inline int64_t ps_io_now_wall_ns(ps_io *io)
{
    return io->ops->now_wall_ns(io);
}
static inline void ps_io_random(ps_io *io, void *out, size_t size)
{
    io->ops->random(io, out, size);
}

PS_CHECKED static inline ps_code ps_io_open(ps_io *io, const char *path, ps_open_mode mode,
                                            ps_file **out_file, ps_error *err)
{
    return io->ops->open(io, path, mode, out_file, err);
}
/* NULL is fine. */
static inline void ps_io_close(ps_io *io, ps_file *file)
{
    if (file != NULL) {
        io->ops->close(io, file);
    }
}
PS_CHECKED static inline ps_code ps_io_read(ps_io *io, ps_file *file, uint64_t offset, void *out,
                                            size_t size, size_t *out_size, ps_error *err)
{
    return io->ops->read(io, file, offset, out, size, out_size, err);
}
PS_CHECKED static inline ps_code ps_io_write(ps_io *io, ps_file *file, uint64_t offset,
                                             const void *data, size_t size, ps_error *err)
{
    return io->ops->write(io, file, offset, data, size, err);
}
PS_CHECKED static inline ps_code ps_io_datasync(ps_io *io, ps_file *file, ps_error *err)
{
    return io->ops->datasync(io, file, err);
}
/* Bytes that were written go to the disk now, before this returns, so that a later datasync finds
 * little to do. Promises nothing: only datasync makes them durable. A failure is as one of that. */
PS_CHECKED static inline ps_code ps_io_write_out(ps_io *io, ps_file *file, uint64_t offset,
                                                 uint64_t size, ps_error *err)
{
    return io->ops->write_out == NULL ? PS_OK : io->ops->write_out(io, file, offset, size, err);
}
PS_CHECKED static inline ps_code ps_io_prealloc(ps_io *io, ps_file *file, uint64_t size,
                                                ps_error *err)
{
    return io->ops->prealloc(io, file, size, err);
}
PS_CHECKED static inline ps_code ps_io_truncate(ps_io *io, ps_file *file, uint64_t size,
                                                ps_error *err)
{
    return io->ops->truncate(io, file, size, err);
}
PS_CHECKED static inline ps_code ps_io_size(ps_io *io, ps_file *file, uint64_t *out_size,
                                            ps_error *err)
{
    return io->ops->size(io, file, out_size, err);
}
PS_CHECKED static inline ps_code ps_io_modified_ns(ps_io *io, ps_file *file, int64_t *out_ns,
                                                   ps_error *err)
{
    *out_ns = 0;
    return io->ops->modified_ns == NULL ? PS_OK : io->ops->modified_ns(io, file, out_ns, err);
}
PS_CHECKED static inline ps_code ps_io_sync_dir(ps_io *io, const char *path, ps_error *err)
{
    return io->ops->sync_dir(io, path, err);
}
PS_CHECKED static inline ps_code ps_io_rename(ps_io *io, const char *from, const char *to,
                                              ps_error *err)
{
    return io->ops->rename(io, from, to, err);
}
PS_CHECKED static inline ps_code ps_io_unlink(ps_io *io, const char *path, ps_error *err)
{
    return io->ops->unlink(io, path, err);
}
PS_CHECKED static inline ps_code ps_io_make_dir(ps_io *io, const char *path, ps_error *err)
{
    return io->ops->make_dir(io, path, err);
}
PS_CHECKED static inline ps_code ps_io_list(ps_io *io, const char *path, ps_dir_entry *out_entries,
                                            size_t entries_max, size_t *out_count, ps_error *err)
{
    return io->ops->list(io, path, out_entries, entries_max, out_count, err);
}
PS_CHECKED static inline ps_code ps_io_lock(ps_io *io, const char *path, ps_file **out_file,
                                            ps_error *err)
{
    return io->ops->lock(io, path, out_file, err);
}

/* The real operating system. The object lives as long as the process; no release. */
ps_io *ps_io_posix(void);

#endif
