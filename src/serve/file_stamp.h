/* What tells that a file is another one than before: when it was changed, its size, its inode. Take
 * it before you read the file: a change in between shows as one the next time. */
#ifndef PS_SERVE_FILE_STAMP_H
#define PS_SERVE_FILE_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>

typedef struct {
    struct timespec changed;
    off_t size;
    ino_t inode;
} ps_file_stamp;

/* True: it differs from *stamp, which is the new one now. A file that is gone is another file. */
static inline bool ps_file_stamp_take(const char *path, ps_file_stamp *stamp)
{
    struct stat status;
    ps_file_stamp now = {.size = -1};
    if (stat(path, &status) == 0) {
        now = (ps_file_stamp){status.st_mtim, status.st_size, status.st_ino};
    }
    bool has_changed = now.changed.tv_sec != stamp->changed.tv_sec ||
                       now.changed.tv_nsec != stamp->changed.tv_nsec || now.size != stamp->size ||
                       now.inode != stamp->inode;
    *stamp = now;
    return has_changed;
}

#endif
