#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

struct ps_file {
    int fd;
    atomic_bool writing;    /* asserts that writes do not overlap */
    atomic_bool poisoned;   /* a datasync failed: what is on disk is unknown */
    bool write_failed;      /* the range from failed_offset is torn … */
    uint64_t failed_offset; /* … until a write covers its start, nothing goes beyond */
    char path[PS_PATH_MAX]; /* for errors */
};

/* ── clocks, randomness ── */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    PS_ASSERT(clock_gettime(clock, &now) == 0);
    return now.tv_sec * PS_NS_PER_S + now.tv_nsec;
}

static int64_t posix_now_mono_ns(ps_io *io)
{
    (void)io;
    return clock_ns(CLOCK_MONOTONIC);
}

static int64_t posix_now_wall_ns(ps_io *io)
{
    (void)io;
    return clock_ns(CLOCK_REALTIME);
}

static void posix_random(ps_io *io, void *out, size_t size)
{
    (void)io;
    char *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0) {
            PS_ASSERT(errno == EINTR);
            continue;
        }
        at += got;
        size -= (size_t)got;
    }
}

/* ── open, close, lock ── */

/* Sets *err from errno, with the codes that callers tell apart. */
static ps_code fail_path(ps_error *err, const char *what, const char *path)
{
    int os_errno = errno;
    ps_error_set_os(err, os_errno, "cannot %s %s", what, path);
    if (os_errno == ENOENT) {
        err->code = PS_E_MISSING;
    } else if (os_errno == EEXIST) {
        err->code = PS_E_EXISTS;
    }
    return err->code;
}

static ps_file *file_new(int fd, const char *path)
{
    ps_file *file = calloc(1, sizeof *file);
    if (file != NULL) {
        file->fd = fd;
        memcpy(file->path, path, strlen(path) + 1);
    }
    return file;
}

/* Opens or makes a file; refuses a directory, as reading one would fail later and less clearly. */
static ps_code open_file(const char *path, int flags, ps_file **out_file, ps_error *err)
{
    PS_ASSERT(strlen(path) < PS_PATH_MAX);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_path(err, "open", path);
    }
    struct stat status;
    if (fstat(fd, &status) != 0) {
        fail_path(err, "stat", path);
        goto fail;
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        fail_path(err, "open", path);
        goto fail;
    }
    ps_file *file = file_new(fd, path);
    if (file == NULL) {
        ps_error_set(err, PS_E_MEMORY, "cannot open %s: out of memory", path);
        goto fail;
    }
    *out_file = file;
    return PS_OK;

fail:
    close(fd);
    return err->code;
}

static ps_code posix_open(ps_io *io, const char *path, ps_open_mode mode, ps_file **out_file,
                          ps_error *err)
{
    (void)io;
    int flags = 0;
    switch (mode) {
    case PS_OPEN_READ:
        flags = O_RDONLY;
        break;
    case PS_OPEN_WRITE:
        flags = O_RDWR;
        break;
    case PS_OPEN_CREATE_NEW:
        flags = O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    return open_file(path, flags, out_file, err);
}

static void posix_close(ps_io *io, ps_file *file)
{
    (void)io;
    /* What was to be kept has been synced; an error of close says nothing about that. */
    close(file->fd);
    free(file);
}

static ps_code posix_lock(ps_io *io, const char *path, ps_file **out_file, ps_error *err)
{
    ps_file *file = NULL;
    ps_code code = open_file(path, O_RDWR | O_CREAT, &file, err);
    if (code != PS_OK) {
        return code;
    }
    while (flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) {
            continue;
        }
        if (errno == EWOULDBLOCK) {
            ps_error_set(err, PS_E_LOCKED, "%s is locked by another process", path);
        } else {
            fail_path(err, "lock", path);
        }
        posix_close(io, file);
        return err->code;
    }
    *out_file = file;
    return PS_OK;
}

/* ── read, write, sync ── */

static ps_code posix_read(ps_io *io, ps_file *file, uint64_t offset, void *out, size_t size,
                          size_t *out_size, ps_error *err)
{
    (void)io;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file->fd, (char *)out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return ps_error_set_os(err, errno, "cannot read %s at offset %llu", file->path,
                                   (unsigned long long)(offset + done));
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *out_size = done;
    return PS_OK;
}

static ps_code write_all(ps_file *file, uint64_t offset, const char *data, size_t size,
                         ps_error *err)
{
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(file->fd, data + done, size - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return ps_error_set_os(err, put < 0 ? errno : EIO, "cannot write %s at offset %llu",
                                   file->path, (unsigned long long)(offset + done));
        }
        done += (size_t)put;
    }
    return PS_OK;
}

static ps_code posix_write(ps_io *io, ps_file *file, uint64_t offset, const void *data, size_t size,
                           ps_error *err)
{
    (void)io;
    PS_ASSERT(!atomic_exchange(&file->writing, true));
    PS_ASSERT(!file->write_failed || offset <= file->failed_offset);
    ps_code code = write_all(file, offset, data, size, err);
    if (code != PS_OK) {
        file->write_failed = true;
        file->failed_offset = offset;
    } else if (file->write_failed && offset + size > file->failed_offset) {
        file->write_failed = false;
    }
    atomic_store(&file->writing, false);
    return code;
}

static ps_code posix_datasync(ps_io *io, ps_file *file, ps_error *err)
{
    (void)io;
    PS_ASSERT(!atomic_load(&file->poisoned));
    if (fdatasync(file->fd) != 0) {
        int os_errno = errno;
        atomic_store(&file->poisoned, true);
        return ps_error_set_os(err, os_errno, "cannot sync %s", file->path);
    }
    return PS_OK;
}

/* It reports a failed write once, and fdatasync then no more: so it has to count. */
static ps_code posix_write_out(ps_io *io, ps_file *file, uint64_t offset, uint64_t size,
                               ps_error *err)
{
    (void)io;
    PS_ASSERT(!atomic_load(&file->poisoned));
    unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (sync_file_range(file->fd, (off_t)offset, (off_t)size, how) == 0 || errno == ENOSYS ||
        errno == ESPIPE) {
        return PS_OK; /* what cannot do it leaves all to datasync */
    }
    int os_errno = errno;
    atomic_store(&file->poisoned, true);
    return ps_error_set_os(err, os_errno, "cannot write out %s", file->path);
}

static ps_code posix_size(ps_io *io, ps_file *file, uint64_t *out_size, ps_error *err)
{
    (void)io;
    struct stat status;
    if (fstat(file->fd, &status) != 0) {
        return ps_error_set_os(err, errno, "cannot stat %s", file->path);
    }
    *out_size = (uint64_t)status.st_size;
    return PS_OK;
}

static ps_code posix_modified_ns(ps_io *io, ps_file *file, int64_t *out_ns, ps_error *err)
{
    (void)io;
    struct stat status;
    if (fstat(file->fd, &status) != 0) {
        return ps_error_set_os(err, errno, "cannot stat %s", file->path);
    }
    *out_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    return PS_OK;
}

static ps_code posix_truncate(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    (void)io;
    int rc;
    do {
        rc = ftruncate(file->fd, (off_t)size);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        return ps_error_set_os(err, errno, "cannot set the size of %s to %llu", file->path,
                               (unsigned long long)size);
    }
    if (file->write_failed && size <= file->failed_offset) {
        file->write_failed = false;
    }
    return PS_OK;
}

enum { DIRECT_ALIGNMENT = 4096 };

/* False: the file system does not take the flag. */
static bool direct_set(ps_file *file, bool direct)
{
    int flags = fcntl(file->fd, F_GETFL);
    if (flags < 0) {
        return false;
    }
    flags = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
    return fcntl(file->fd, F_SETFL, flags) == 0;
}

static ps_code posix_prealloc(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    enum { STEP = 1 << 20 };
    uint64_t size_before;
    ps_code code = posix_size(io, file, &size_before, err);
    if (code != PS_OK) {
        return code;
    }
    char *zeros = aligned_alloc(DIRECT_ALIGNMENT, STEP);
    if (zeros == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot preallocate %s: out of memory", file->path);
    }
    memset(zeros, 0, STEP);
    PS_ASSERT(!atomic_exchange(&file->writing, true));
    /* Past the page cache where the file system can: zeros that nobody reads need no memory. */
    bool direct = size % DIRECT_ALIGNMENT == 0 && direct_set(file, true);
    for (uint64_t offset = 0; offset < size && code == PS_OK; offset += STEP) {
        uint64_t left = size - offset;
        code = write_all(file, offset, zeros, left < STEP ? left : STEP, err);
        if (code != PS_OK && err->os_errno == EINVAL && direct) {
            direct = !direct_set(file, false);
            code = write_all(file, offset, zeros, left < STEP ? left : STEP, err);
        }
    }
    if (direct) {
        direct_set(file, false);
    }
    free(zeros);
    if (code != PS_OK && ftruncate(file->fd, (off_t)size_before) != 0) {
        /* Space stays in use until the caller removes the file; the first error is the one to tell.
         */
    }
    atomic_store(&file->writing, false);
    return code;
}

/* ── directories ── */

static ps_code posix_sync_dir(ps_io *io, const char *path, ps_error *err)
{
    (void)io;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_path(err, "open directory", path);
    }
    ps_code code = PS_OK;
    if (fsync(fd) != 0) {
        code = ps_error_set_os(err, errno, "cannot sync directory %s", path);
    }
    close(fd);
    return code;
}

static ps_code posix_rename(ps_io *io, const char *from, const char *to, ps_error *err)
{
    (void)io;
    if (rename(from, to) != 0) {
        int os_errno = errno;
        ps_error_set_os(err, os_errno, "cannot rename %s to %s", from, to);
        if (os_errno == ENOENT) {
            err->code = PS_E_MISSING;
        }
        return err->code;
    }
    return PS_OK;
}

static ps_code posix_unlink(ps_io *io, const char *path, ps_error *err)
{
    (void)io;
    return unlink(path) == 0 ? PS_OK : fail_path(err, "remove", path);
}

static ps_code posix_make_dir(ps_io *io, const char *path, ps_error *err)
{
    (void)io;
    return mkdir(path, 0700) == 0 ? PS_OK : fail_path(err, "make directory", path);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const ps_dir_entry *)a)->name, ((const ps_dir_entry *)b)->name);
}

static ps_code entry_fill(ps_dir_entry *entry, const struct dirent *found, int dir_fd,
                          const char *path, ps_error *err)
{
    size_t length = strlen(found->d_name);
    if (length >= sizeof entry->name) {
        return ps_error_set(err, PS_E_LIMIT, "a file name in %s is longer than %zu bytes", path,
                            sizeof entry->name - 1);
    }
    bool is_directory = found->d_type == DT_DIR;
    if (found->d_type == DT_UNKNOWN) {
        struct stat status;
        if (fstatat(dir_fd, found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            return fail_path(err, "stat an entry of", path);
        }
        is_directory = S_ISDIR(status.st_mode);
    }
    *entry = (ps_dir_entry){.is_directory = is_directory};
    memcpy(entry->name, found->d_name, length);
    return PS_OK;
}

static bool is_self_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static ps_code posix_list(ps_io *io, const char *path, ps_dir_entry *out_entries,
                          size_t entries_max, size_t *out_count, ps_error *err)
{
    (void)io;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return fail_path(err, "list", path);
    }
    size_t count = 0;
    ps_code code = PS_OK;
    while (code == PS_OK) {
        errno = 0;
        const struct dirent *found = readdir(dir);
        if (found == NULL) {
            code = errno != 0 ? fail_path(err, "list", path) : PS_OK;
            break;
        }
        if (is_self_or_parent(found->d_name)) {
            continue;
        }
        if (count == entries_max) {
            code = ps_error_set(err, PS_E_LIMIT, "%s has more than %zu entries", path, entries_max);
            break;
        }
        code = entry_fill(&out_entries[count++], found, dirfd(dir), path, err);
    }
    closedir(dir);
    if (code == PS_OK) {
        qsort(out_entries, count, sizeof *out_entries, compare_entries);
        *out_count = count;
    }
    return code;
}

static const struct ps_io_ops posix_ops = {
    .now_mono_ns = posix_now_mono_ns,
    .now_wall_ns = posix_now_wall_ns,
    .random = posix_random,
    .open = posix_open,
    .close = posix_close,
    .read = posix_read,
    .write = posix_write,
    .datasync = posix_datasync,
    .write_out = posix_write_out,
    .prealloc = posix_prealloc,
    .truncate = posix_truncate,
    .size = posix_size,
    .modified_ns = posix_modified_ns,
    .sync_dir = posix_sync_dir,
    .rename = posix_rename,
    .unlink = posix_unlink,
    .make_dir = posix_make_dir,
    .list = posix_list,
    .lock = posix_lock,
};

ps_io *ps_io_posix(void)
{
    /* Stateless and never written: one constant serves all threads. */
    static const ps_io posix = {.ops = &posix_ops};
    return (ps_io *)&posix;
}
