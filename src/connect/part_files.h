/* Part files: what a sink of files writes until it commits. Rows of each partition go into a part
 * of their own, DIR/.part-<run>-<number>.inprogress; a commit renames it to
 * DIR/<partition>/part-<run>-<number>.<format>. Inside connect only.
 *
 * Parts are numbered in the order in which they began. Any number of them may be under way, with a
 * bounded number of open files and of bytes in memory.
 */
#ifndef PS_CONNECT_PART_FILES_H
#define PS_CONNECT_PART_FILES_H

#include "base/index.h"
#include "base/io.h"

enum { PS_PARTS_MAX = 65536 }; /* between two commits */

typedef struct ps_part ps_part;
struct ps_part {
    char *partition; /* "dt=2024-01-01/hour=05", owned; empty: the table has no partition columns */
    ps_buf buffer;   /* not yet written */
    uint64_t offset; /* bytes written */
    ps_file *file;   /* NULL: not open */
    bool is_closed;  /* durable; no more rows */
};

typedef struct {
    ps_io *io;
    const char *directory, *suffix; /* borrowed: "csv" */
    uint64_t run;
    uint64_t first; /* number of parts[0]; those before are visible or of earlier checkpoints */
    uint32_t count, capacity;
    ps_part *parts;
    ps_index index; /* numbers of the parts that are not closed, by partition */
    uint32_t open_count, open_hand;
    size_t buffered; /* bytes in all buffers */
} ps_part_files;

/* Borrows directory and suffix. PS_E_MEMORY. */
PS_CHECKED ps_code ps_part_files_init(ps_part_files *files, ps_io *io, const char *directory,
                                      const char *suffix, ps_error *err);
/* What is not closed stays behind in progress. */
void ps_part_files_release(ps_part_files *files);

/* The part of the partition that takes rows; begun when there is none. Valid until the next call.
 * PS_E_LIMIT: more than PS_PARTS_MAX. */
PS_CHECKED ps_code ps_part_files_get(ps_part_files *files, ps_slice partition, ps_part **out,
                                     ps_error *err);
/* Rows were appended to the part's buffer, which had `size_before` bytes: writes what need not wait
 * in memory. */
PS_CHECKED ps_code ps_part_files_grown(ps_part_files *files, ps_part *part, size_t size_before,
                                       ps_error *err);
/* All parts become durable and take no more rows. */
PS_CHECKED ps_code ps_part_files_close(ps_part_files *files, ps_error *err);
/* Number of the next part. */
uint64_t ps_part_files_end(const ps_part_files *files);

/* A closed part, of this process or an earlier one with the same run, becomes visible; so it may be
 * already. Durable with ps_part_files_sync of its partition. */
PS_CHECKED ps_code ps_part_files_show(ps_part_files *files, uint64_t number, const char *partition,
                                      ps_error *err);
/* The partition's folders are durable, up to those that hold `next` too, which is synced later;
 * NULL: there is none. */
PS_CHECKED ps_code ps_part_files_sync(ps_part_files *files, const char *partition, const char *next,
                                      ps_error *err);
/* Forgets the parts before `end`: they are visible. */
void ps_part_files_committed(ps_part_files *files, uint64_t end);
/* Removes the run's parts in progress, which must not be under way. */
PS_CHECKED ps_code ps_part_files_remove(ps_part_files *files, ps_error *err);

#endif
