#include "connect/part_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

enum {
    BUFFER_SIZE = 1 << 20,    /* of one part */
    BUFFERED_SIZE = 64 << 20, /* of all */
    BUFFER_SIZE_MAX = 256 << 20,
    OPEN_MAX = 256
};

ps_code ps_part_files_init(ps_part_files *files, ps_io *io, const char *directory,
                           const char *suffix, ps_error *err)
{
    *files = (ps_part_files){.io = io, .directory = directory, .suffix = suffix};
    ps_io_random(io, &files->run, sizeof files->run);
    ps_code code = ps_index_init(&files->index, "parts of a sink", PS_PARTS_MAX, err);
    if (code == PS_OK) {
        ps_index_clear(&files->index);
    }
    return code;
}

static void part_release(ps_part_files *files, ps_part *part)
{
    ps_io_close(files->io, part->file);
    ps_buf_release(&part->buffer);
    free(part->partition);
}

void ps_part_files_release(ps_part_files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        part_release(files, &files->parts[i]);
    }
    free(files->parts);
    ps_index_release(&files->index);
}

uint64_t ps_part_files_end(const ps_part_files *files)
{
    return files->first + files->count;
}

static ps_code part_path(const ps_part_files *files, uint64_t number, const char *partition,
                         char out[PS_PATH_MAX], ps_error *err)
{
    int size;
    if (partition == NULL) {
        size = snprintf(out, PS_PATH_MAX, "%s/.part-%016" PRIx64 "-%06" PRIu64 ".inprogress",
                        files->directory, files->run, number);
    } else {
        size = snprintf(out, PS_PATH_MAX, "%s/%s%spart-%016" PRIx64 "-%06" PRIu64 ".%s",
                        files->directory, partition, partition[0] != 0 ? "/" : "", files->run,
                        number, files->suffix);
    }
    return size < PS_PATH_MAX
               ? PS_OK
               : ps_error_set(err, PS_E_INVALID, "%s: the path is too long", files->directory);
}

/* ── writing ── */

static uint64_t number_of(const ps_part_files *files, const ps_part *part)
{
    return files->first + (uint64_t)(part - files->parts);
}

/* Closes one of the open files, in turn; its part goes on later. */
static void close_another(ps_part_files *files)
{
    for (;;) {
        files->open_hand = (files->open_hand + 1) % files->count;
        ps_part *part = &files->parts[files->open_hand];
        if (part->file != NULL) {
            ps_io_close(files->io, part->file);
            part->file = NULL;
            files->open_count--;
            return;
        }
    }
}

static ps_code part_open(ps_part_files *files, ps_part *part, ps_error *err)
{
    if (part->file != NULL) {
        return PS_OK;
    }
    if (files->open_count == OPEN_MAX) {
        close_another(files);
    }
    char path[PS_PATH_MAX];
    ps_code code = part_path(files, number_of(files, part), NULL, path, err);
    if (code == PS_OK) {
        code = ps_io_open(files->io, path, part->offset == 0 ? PS_OPEN_CREATE_NEW : PS_OPEN_WRITE,
                          &part->file, err);
    }
    files->open_count += code == PS_OK ? 1 : 0;
    return code;
}

static ps_code part_write(ps_part_files *files, ps_part *part, ps_error *err)
{
    if (part->buffer.size == 0) {
        return PS_OK;
    }
    ps_code code = part_open(files, part, err);
    if (code == PS_OK) {
        code = ps_io_write(files->io, part->file, part->offset, part->buffer.data,
                           part->buffer.size, err);
    }
    if (code == PS_OK) {
        part->offset += part->buffer.size;
        files->buffered -= part->buffer.size;
        ps_buf_clear(&part->buffer);
    }
    return code;
}

static ps_code part_begin(ps_part_files *files, ps_slice partition, uint64_t hash, ps_error *err)
{
    if (files->count == PS_PARTS_MAX) {
        return ps_error_set(err, PS_E_LIMIT,
                            "%s: more than %d partitions are written between two checkpoints",
                            files->directory, PS_PARTS_MAX);
    }
    if (files->count == files->capacity) {
        uint32_t capacity = files->capacity == 0 ? 8 : files->capacity * 2;
        ps_part *parts = realloc(files->parts, capacity * sizeof *parts);
        if (parts == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
        }
        files->parts = parts;
        files->capacity = capacity;
    }
    ps_part *part = &files->parts[files->count];
    *part =
        (ps_part){.partition = strndup(partition.size > 0 ? partition.data : "", partition.size)};
    ps_buf_init(&part->buffer, BUFFER_SIZE_MAX);
    uint64_t number = ps_part_files_end(files);
    PS_ASSERT(number < PS_INDEX_NONE);
    if (part->partition == NULL || !ps_index_add(&files->index, hash, (uint32_t)number)) {
        free(part->partition);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
    }
    files->count++;
    return PS_OK;
}

ps_code ps_part_files_get(ps_part_files *files, ps_slice partition, ps_part **out, ps_error *err)
{
    uint64_t hash = ps_xxh3_64(partition.data, partition.size);
    ps_index_cursor cursor;
    for (uint32_t i = ps_index_first(&files->index, hash, &cursor); i != PS_INDEX_NONE;
         i = ps_index_next(&files->index, &cursor)) {
        ps_part *part = &files->parts[i - files->first];
        if (ps_slice_equal(ps_slice_text(part->partition), partition)) {
            *out = part;
            return PS_OK;
        }
    }
    ps_code code = part_begin(files, partition, hash, err);
    if (code == PS_OK) {
        *out = &files->parts[files->count - 1];
    }
    return code;
}

ps_code ps_part_files_grown(ps_part_files *files, ps_part *part, size_t size_before, ps_error *err)
{
    files->buffered += part->buffer.size - size_before;
    if (part->buffer.size >= BUFFER_SIZE) {
        return part_write(files, part, err);
    }
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && files->buffered >= BUFFERED_SIZE && i < files->count;
         i++) {
        code = part_write(files, &files->parts[i], err);
        ps_buf_release(&files->parts[i].buffer);
        ps_buf_init(&files->parts[i].buffer, BUFFER_SIZE_MAX);
    }
    return code;
}

static ps_code part_close(ps_part_files *files, ps_part *part, ps_error *err)
{
    ps_code code = part_write(files, part, err);
    code = code == PS_OK ? part_open(files, part, err) : code;
    code = code == PS_OK ? ps_io_datasync(files->io, part->file, err) : code;
    if (part->file != NULL) {
        ps_io_close(files->io, part->file);
        part->file = NULL;
        files->open_count--;
    }
    ps_buf_release(&part->buffer);
    part->is_closed = code == PS_OK;
    return code;
}

ps_code ps_part_files_close(ps_part_files *files, ps_error *err)
{
    bool any = false;
    for (uint32_t i = 0; i < files->count; i++) {
        ps_part *part = &files->parts[i];
        if (!part->is_closed) {
            ps_code code = part_close(files, part, err);
            if (code != PS_OK) {
                return code;
            }
            any = true;
        }
    }
    ps_index_clear(&files->index);
    return any ? ps_io_sync_dir(files->io, files->directory, err) : PS_OK;
}

/* ── becoming visible ── */

/* The folders of the partition within the directory. */
static ps_code make_folders(ps_part_files *files, const char *partition, ps_error *err)
{
    char path[PS_PATH_MAX];
    for (const char *end = partition; *end != 0;) {
        end += strcspn(end, "/");
        int size = snprintf(path, sizeof path, "%s/%.*s", files->directory, (int)(end - partition),
                            partition);
        if (size >= PS_PATH_MAX) {
            return ps_error_set(err, PS_E_INVALID, "%s: the path is too long", files->directory);
        }
        ps_code code = ps_io_make_dir(files->io, path, err);
        if (code != PS_OK && code != PS_E_EXISTS) {
            return code;
        }
        end += *end == '/' ? 1 : 0;
    }
    return PS_OK;
}

ps_code ps_part_files_show(ps_part_files *files, uint64_t number, const char *partition,
                           ps_error *err)
{
    char from[PS_PATH_MAX], to[PS_PATH_MAX];
    ps_code code = part_path(files, number, NULL, from, err);
    code = code == PS_OK ? part_path(files, number, partition, to, err) : code;
    ps_file *file;
    if (code == PS_OK && ps_io_open(files->io, to, PS_OPEN_READ, &file, err) == PS_OK) {
        ps_io_close(files->io, file); /* an earlier commit has done it */
        return PS_OK;
    }
    code = code == PS_OK ? make_folders(files, partition, err) : code;
    return code == PS_OK ? ps_io_rename(files->io, from, to, err) : code;
}

/* `path` is `folder` or lies in it. */
static bool is_within(const char *path, const char *folder, size_t folder_size)
{
    return strncmp(path, folder, folder_size) == 0 &&
           (folder_size == 0 || path[folder_size] == '/' || path[folder_size] == 0);
}

ps_code ps_part_files_sync(ps_part_files *files, const char *partition, const char *next,
                           ps_error *err)
{
    char path[PS_PATH_MAX];
    size_t size = strlen(partition);
    while (next == NULL || !is_within(next, partition, size)) {
        snprintf(path, sizeof path, "%s%s%.*s", files->directory, size > 0 ? "/" : "", (int)size,
                 partition);
        ps_code code = ps_io_sync_dir(files->io, path, err);
        if (code != PS_OK || size == 0) {
            return code;
        }
        while (size > 0 && partition[size - 1] != '/') {
            size--;
        }
        size -= size > 0 ? 1 : 0;
    }
    return PS_OK;
}

void ps_part_files_committed(ps_part_files *files, uint64_t end)
{
    uint32_t gone = 0;
    while (gone < files->count && files->first + gone < end) {
        PS_ASSERT(files->parts[gone].is_closed);
        part_release(files, &files->parts[gone++]);
    }
    if (gone > 0) {
        memmove(files->parts, files->parts + gone, (files->count - gone) * sizeof *files->parts);
        files->count -= gone;
        files->open_hand = 0;
    }
    files->first = files->first + gone < end ? end : files->first + gone;
}

ps_code ps_part_files_remove(ps_part_files *files, ps_error *err)
{
    enum { ENTRIES_MAX = 65536 };
    ps_dir_entry *entries = malloc(ENTRIES_MAX * sizeof *entries);
    if (entries == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to list %s", files->directory);
    }
    char mine[64], path[PS_PATH_MAX];
    int mine_size = snprintf(mine, sizeof mine, ".part-%016" PRIx64 "-", files->run);
    size_t count = 0;
    ps_code code = ps_io_list(files->io, files->directory, entries, ENTRIES_MAX, &count, err);
    for (size_t i = 0; code == PS_OK && i < count; i++) {
        const char *name = entries[i].name;
        if (strncmp(name, mine, (size_t)mine_size) == 0) {
            code = part_path(files, strtoull(name + mine_size, NULL, 10), NULL, path, err);
            code = code == PS_OK ? ps_io_unlink(files->io, path, err) : code;
        }
    }
    free(entries);
    return code;
}
