#include "run/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD_SIZE = 32, BLOCK_HEAD_SIZE = 16, BLOCK_PAYLOAD_MAX = 1 << 20, FILES_MAX = 256 };

static const char magic[8] = {'P', 'S', 'C', 'K', 'P', 'T', 0, 2};
static const char name_prefix[] = "checkpoint-";

/* Paths that are too long are cut; opening them then fails. */
static void path_of(const char *dir, uint64_t number, const char *suffix, char out[PS_PATH_MAX])
{
    enum { NAME_MAX_SIZE = 64 };
    int size = snprintf(out, PS_PATH_MAX, "%.*s/%s%012" PRIu64 "%s", PS_PATH_MAX - NAME_MAX_SIZE,
                        dir, name_prefix, number, suffix);
    PS_ASSERT(size < PS_PATH_MAX);
}

/* Over the block's first 8 bytes and its payload; block points at BLOCK_HEAD_SIZE bytes before it.
 * */
static uint64_t block_hash(const char *block, size_t size)
{
    uint64_t parts[2];
    memcpy(&parts[0], block, 8);
    parts[1] = ps_xxh3_64(block + BLOCK_HEAD_SIZE, size);
    return ps_xxh3_64(parts, sizeof(parts));
}

/* ── writing ── */

struct ps_checkpoint_writer {
    ps_io *io;
    ps_file *file;
    uint64_t offset, number;
    uint32_t block_count;
    size_t filled; /* of the block's payload */
    ps_code code;  /* the first failure */
    ps_error failure;
    char dir[PS_PATH_MAX];
    char block[BLOCK_HEAD_SIZE + BLOCK_PAYLOAD_MAX];
};

static void write_out(ps_checkpoint_writer *writer, const char *data, size_t size)
{
    if (writer->code == PS_OK) {
        writer->code =
            ps_io_write(writer->io, writer->file, writer->offset, data, size, &writer->failure);
        writer->offset += size;
    }
}

static void write_block(ps_checkpoint_writer *writer)
{
    uint32_t size = (uint32_t)writer->filled;
    memcpy(writer->block, &size, 4);
    memcpy(writer->block + 4, &writer->block_count, 4);
    uint64_t hash = block_hash(writer->block, size);
    memcpy(writer->block + 8, &hash, 8);
    write_out(writer, writer->block, BLOCK_HEAD_SIZE + size);
    writer->block_count++;
    writer->filled = 0;
}

ps_code ps_checkpoint_writer_open(ps_io *io, const char *dir, uint64_t fingerprint, uint64_t number,
                                  ps_checkpoint_writer **out, ps_error *err)
{
    ps_checkpoint_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a checkpoint");
    }
    writer->io = io;
    writer->number = number;
    snprintf(writer->dir, sizeof(writer->dir), "%s", dir);
    char path[PS_PATH_MAX];
    path_of(dir, number, ".tmp", path);
    ps_error ignored;
    (void)!ps_io_unlink(io, path, &ignored); /* of a process that was killed */
    ps_code code = ps_io_open(io, path, PS_OPEN_CREATE_NEW, &writer->file, err);
    if (code != PS_OK) {
        free(writer);
        return code;
    }
    char head[HEAD_SIZE];
    memcpy(head, magic, 8);
    memcpy(head + 8, &fingerprint, 8);
    memcpy(head + 16, &number, 8);
    uint64_t hash = ps_xxh3_64(head, 24);
    memcpy(head + 24, &hash, 8);
    write_out(writer, head, HEAD_SIZE);
    *out = writer;
    return PS_OK;
}

void ps_checkpoint_put(ps_checkpoint_writer *writer, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        size_t room = BLOCK_PAYLOAD_MAX - writer->filled;
        size_t part = size < room ? size : room;
        memcpy(writer->block + BLOCK_HEAD_SIZE + writer->filled, from, part);
        writer->filled += part;
        from += part;
        size -= part;
        if (writer->filled == BLOCK_PAYLOAD_MAX) {
            write_block(writer);
        }
    }
}

void ps_checkpoint_put_u64(ps_checkpoint_writer *writer, uint64_t value)
{
    ps_checkpoint_put(writer, &value, sizeof(value));
}

void ps_checkpoint_put_slice(ps_checkpoint_writer *writer, ps_slice slice)
{
    ps_checkpoint_put_u64(writer, slice.size);
    ps_checkpoint_put(writer, slice.data, slice.size);
}

void ps_checkpoint_writer_abort(ps_checkpoint_writer *writer)
{
    char path[PS_PATH_MAX];
    ps_error ignored;
    ps_io_close(writer->io, writer->file);
    path_of(writer->dir, writer->number, ".tmp", path);
    (void)!ps_io_unlink(writer->io, path, &ignored);
    free(writer);
}

ps_code ps_checkpoint_writer_commit(ps_checkpoint_writer *writer, ps_error *err)
{
    if (writer->filled > 0) {
        write_block(writer);
    }
    write_block(writer); /* the end */
    char path[PS_PATH_MAX], final_path[PS_PATH_MAX];
    path_of(writer->dir, writer->number, ".tmp", path);
    path_of(writer->dir, writer->number, "", final_path);
    ps_code code = writer->code;
    if (code != PS_OK) {
        *err = writer->failure;
    }
    if (code == PS_OK) {
        code = ps_io_datasync(writer->io, writer->file, err);
    }
    if (code == PS_OK) {
        code = ps_io_rename(writer->io, path, final_path, err);
    }
    if (code == PS_OK) {
        code = ps_io_sync_dir(writer->io, writer->dir, err);
    }
    if (code != PS_OK) {
        ps_checkpoint_writer_abort(writer);
        return code;
    }
    ps_io_close(writer->io, writer->file);
    free(writer);
    return PS_OK;
}

/* ── the files of a directory ── */

/* Numbers of the checkpoints, ascending. */
static ps_code list_numbers(ps_io *io, const char *dir, uint64_t out[FILES_MAX], size_t *out_count,
                            ps_error *err)
{
    ps_dir_entry *entries = calloc(FILES_MAX, sizeof(*entries));
    if (entries == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to list %s", dir);
    }
    size_t entry_count = 0;
    ps_code code = ps_io_list(io, dir, entries, FILES_MAX, &entry_count, err);
    size_t count = 0;
    for (size_t i = 0; code == PS_OK && i < entry_count; i++) {
        const char *name = entries[i].name;
        char *end;
        if (strncmp(name, name_prefix, sizeof(name_prefix) - 1) == 0) {
            uint64_t number = strtoull(name + sizeof(name_prefix) - 1, &end, 10);
            if (*end == 0 && number > 0) {
                out[count++] = number; /* the list is by name: by number, as it has 12 digits */
            }
        }
    }
    free(entries);
    *out_count = count;
    return code;
}

ps_code ps_checkpoint_prune(ps_io *io, const char *dir, ps_error *err)
{
    uint64_t numbers[FILES_MAX];
    size_t count = 0;
    ps_code code = list_numbers(io, dir, numbers, &count, err);
    for (size_t i = 0; code == PS_OK && i + 2 < count; i++) {
        char path[PS_PATH_MAX];
        path_of(dir, numbers[i], "", path);
        code = ps_io_unlink(io, path, err);
    }
    return code;
}

/* ── reading ── */

/* Moves the payloads of the blocks together, to data; false: damaged. */
static bool join_blocks(char *data, size_t size, size_t *out_size)
{
    size_t at = HEAD_SIZE, joined = 0;
    for (uint32_t number = 0; at + BLOCK_HEAD_SIZE <= size; number++) {
        uint32_t payload_size, block_number;
        uint64_t hash;
        memcpy(&payload_size, data + at, 4);
        memcpy(&block_number, data + at + 4, 4);
        memcpy(&hash, data + at + 8, 8);
        if (payload_size > BLOCK_PAYLOAD_MAX || size - at - BLOCK_HEAD_SIZE < payload_size ||
            block_number != number || hash != block_hash(data + at, payload_size)) {
            return false;
        }
        memmove(data + joined, data + at + BLOCK_HEAD_SIZE, payload_size);
        joined += payload_size;
        at += BLOCK_HEAD_SIZE + payload_size;
        if (payload_size == 0) {
            *out_size = joined;
            return at == size;
        }
    }
    return false;
}

static ps_code read_whole(ps_io *io, const char *path, char **out, size_t *out_size, ps_error *err)
{
    ps_file *file;
    ps_code code = ps_io_open(io, path, PS_OPEN_READ, &file, err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t size = 0;
    char *data = NULL;
    code = ps_io_size(io, file, &size, err);
    if (code == PS_OK) {
        data = malloc(size + 1);
        code = data != NULL
                   ? PS_OK
                   : ps_error_set(err, PS_E_MEMORY, "no memory for the checkpoint %s", path);
    }
    if (code == PS_OK) {
        code = ps_io_read(io, file, 0, data, size, out_size, err);
    }
    ps_io_close(io, file);
    if (code != PS_OK) {
        free(data);
        return code;
    }
    *out = data;
    return PS_OK;
}

/* PS_E_DAMAGED: try an older one. */
static ps_code read_checkpoint(ps_io *io, const char *path, uint64_t fingerprint,
                               ps_checkpoint_reader *out, ps_error *err)
{
    char *data;
    size_t size = 0;
    ps_code code = read_whole(io, path, &data, &size, err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t hash = 0, found = 0;
    bool has_head = size >= HEAD_SIZE;
    if (has_head) {
        memcpy(&found, data + 8, 8);
        memcpy(&hash, data + 24, 8);
    }
    if (has_head && memcmp(data, magic, 7) == 0 && data[7] != magic[7]) {
        code =
            ps_error_set(err, PS_E_VERSION, "%s was written by another version of Paystream", path);
    } else if (!has_head || memcmp(data, magic, 8) != 0 || hash != ps_xxh3_64(data, 24)) {
        code = ps_error_set(err, PS_E_DAMAGED, "%s is damaged", path);
    } else if (found != fingerprint) {
        code = ps_error_set(err, PS_E_VERSION,
                            "%s is the state of a different plan; give the changed script a state "
                            "directory of its own, or remove this one to start anew",
                            path);
    } else if (!join_blocks(data, size, &size)) {
        code = ps_error_set(err, PS_E_DAMAGED, "%s is damaged", path);
    }
    if (code != PS_OK) {
        free(data);
        return code;
    }
    *out = (ps_checkpoint_reader){.data = data, .size = size};
    return PS_OK;
}

ps_code ps_checkpoint_reader_open(ps_io *io, const char *dir, uint64_t fingerprint,
                                  ps_checkpoint_reader *out, ps_error *err)
{
    uint64_t numbers[FILES_MAX];
    size_t count = 0;
    ps_code code = list_numbers(io, dir, numbers, &count, err);
    if (code != PS_OK) {
        return code;
    }
    *out = (ps_checkpoint_reader){0};
    for (size_t i = count; i-- > 0;) {
        char path[PS_PATH_MAX];
        path_of(dir, numbers[i], "", path);
        code = read_checkpoint(io, path, fingerprint, out, err);
        out->number = code == PS_OK ? numbers[i] : 0;
        if (code != PS_E_DAMAGED) {
            return code;
        }
    }
    return code;
}

void ps_checkpoint_reader_close(ps_checkpoint_reader *reader)
{
    free(reader->data);
    reader->data = NULL;
}

void ps_checkpoint_get(ps_checkpoint_reader *reader, void *out, size_t size)
{
    if (reader->failed || reader->size - reader->at < size) {
        reader->failed = true;
        memset(out, 0, size);
        return;
    }
    memcpy(out, reader->data + reader->at, size);
    reader->at += size;
}

uint64_t ps_checkpoint_get_u64(ps_checkpoint_reader *reader)
{
    uint64_t value;
    ps_checkpoint_get(reader, &value, sizeof(value));
    return value;
}

ps_slice ps_checkpoint_get_slice(ps_checkpoint_reader *reader)
{
    uint64_t size = ps_checkpoint_get_u64(reader);
    if (reader->failed || reader->size - reader->at < size) {
        reader->failed = true;
        return ps_slice_of("", 0);
    }
    ps_slice slice = ps_slice_of(reader->data + reader->at, size);
    reader->at += size;
    return slice;
}
