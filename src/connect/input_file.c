#include "connect/input_file.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { BUFFER_SIZE = 512 << 10, RAW_SIZE = 128 << 10 };

typedef enum { PLAIN, GZIP, ZSTD } compression;

struct ps_input_file {
    ps_io *io;
    ps_file *file;
    char path[PS_PATH_MAX];
    compression kind;
    uint64_t raw_offset; /* of the file, read */
    uint64_t offset;     /* of the content, consumed */
    bool has_ended;
    /* content: data[from … to) */
    char *data;
    size_t from, to, capacity;
    /* compressed bytes that wait: raw[raw_from … raw_to) */
    char *raw;
    size_t raw_from, raw_to;
    z_stream gzip;
    ZSTD_DStream *zstd;
};

static compression kind_of(const char *path)
{
    size_t size = strlen(path);
    if (size > 3 && strcmp(path + size - 3, ".gz") == 0) {
        return GZIP;
    }
    return size > 4 && strcmp(path + size - 4, ".zst") == 0 ? ZSTD : PLAIN;
}

static ps_code no_memory(const char *path, ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory to read %s", path);
}

static ps_code start_decompression(ps_input_file *file, ps_error *err)
{
    if (file->kind == PLAIN) {
        return PS_OK;
    }
    file->raw = malloc(RAW_SIZE);
    if (file->raw == NULL) {
        return no_memory(file->path, err);
    }
    if (file->kind == ZSTD) {
        file->zstd = ZSTD_createDStream();
        return file->zstd != NULL ? PS_OK : no_memory(file->path, err);
    }
    enum { WINDOW_BITS_WITH_GZIP_HEADER = 15 + 16 };
    return inflateInit2(&file->gzip, WINDOW_BITS_WITH_GZIP_HEADER) == Z_OK
               ? PS_OK
               : no_memory(file->path, err);
}

static ps_code read_raw(ps_input_file *file, char *out, size_t room, size_t *out_size,
                        ps_error *err)
{
    ps_code code = ps_io_read(file->io, file->file, file->raw_offset, out, room, out_size, err);
    if (code == PS_OK) {
        file->raw_offset += *out_size;
    }
    return code;
}

static ps_code broken(const ps_input_file *file, const char *what, ps_error *err)
{
    return ps_error_set(err, PS_E_DAMAGED, "%s: the compressed data is broken near byte %llu: %s",
                        file->path, (unsigned long long)file->raw_offset, what);
}

/* Content for the room at data + to; one step. */
static ps_code inflate_step(ps_input_file *file, ps_error *err)
{
    file->gzip.next_in = (Bytef *)file->raw + file->raw_from;
    file->gzip.avail_in = (uInt)(file->raw_to - file->raw_from);
    file->gzip.next_out = (Bytef *)file->data + file->to;
    file->gzip.avail_out = (uInt)(file->capacity - file->to);
    int result = inflate(&file->gzip, Z_NO_FLUSH);
    file->raw_from = file->raw_to - file->gzip.avail_in;
    file->to = file->capacity - file->gzip.avail_out;
    if (result == Z_STREAM_END) {
        return inflateReset(&file->gzip) == Z_OK ? PS_OK : broken(file, "no new member", err);
    }
    return result == Z_OK || result == Z_BUF_ERROR
               ? PS_OK
               : broken(file, file->gzip.msg != NULL ? file->gzip.msg : "not gzip", err);
}

static ps_code zstd_step(ps_input_file *file, ps_error *err)
{
    ZSTD_inBuffer in = {file->raw, file->raw_to, file->raw_from};
    ZSTD_outBuffer out = {file->data, file->capacity, file->to};
    size_t result = ZSTD_decompressStream(file->zstd, &out, &in);
    file->raw_from = in.pos;
    file->to = out.pos;
    return ZSTD_isError(result) ? broken(file, ZSTD_getErrorName(result), err) : PS_OK;
}

static ps_code fill(ps_input_file *file, ps_error *err)
{
    if (file->kind == PLAIN) {
        size_t size = 0;
        ps_code code = read_raw(file, file->data + file->to, file->capacity - file->to, &size, err);
        file->to += size;
        file->has_ended = code == PS_OK && size == 0;
        return code;
    }
    ps_code code = PS_OK;
    while (code == PS_OK && file->to < file->capacity && !file->has_ended) {
        if (file->raw_from == file->raw_to) {
            size_t size = 0;
            code = read_raw(file, file->raw, RAW_SIZE, &size, err);
            file->raw_from = 0;
            file->raw_to = size;
            file->has_ended = code == PS_OK && size == 0;
        }
        if (code == PS_OK && file->raw_from < file->raw_to) {
            code = file->kind == GZIP ? inflate_step(file, err) : zstd_step(file, err);
        }
    }
    return code;
}

static ps_code skip_to(ps_input_file *file, uint64_t offset, ps_error *err)
{
    if (file->kind == PLAIN) {
        file->raw_offset = offset;
        file->offset = offset;
        return PS_OK;
    }
    while (file->offset < offset) {
        ps_slice content;
        bool is_whole;
        ps_code code = ps_input_file_peek(file, false, &content, &is_whole, err);
        if (code != PS_OK) {
            return code;
        }
        if (content.size == 0) {
            return ps_error_set(err, PS_E_DAMAGED, "%s is shorter than when it was read before",
                                file->path);
        }
        uint64_t left = offset - file->offset;
        ps_input_file_consume(file, left < content.size ? (size_t)left : content.size);
    }
    return PS_OK;
}

ps_code ps_input_file_open(ps_io *io, const char *path, uint64_t offset, ps_input_file **out,
                           ps_error *err)
{
    ps_input_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return no_memory(path, err);
    }
    file->io = io;
    file->kind = kind_of(path);
    strncpy(file->path, path, sizeof file->path - 1);
    file->capacity = BUFFER_SIZE;
    file->data = malloc(file->capacity);
    ps_code code = file->data != NULL ? PS_OK : no_memory(path, err);
    if (code == PS_OK) {
        code = ps_io_open(io, path, PS_OPEN_READ, &file->file, err);
    }
    if (code == PS_OK) {
        code = start_decompression(file, err);
    }
    if (code == PS_OK) {
        code = skip_to(file, offset, err);
    }
    if (code != PS_OK) {
        ps_input_file_close(file);
        return code;
    }
    *out = file;
    return PS_OK;
}

void ps_input_file_close(ps_input_file *file)
{
    if (file == NULL) {
        return;
    }
    if (file->kind == GZIP && file->raw != NULL) {
        inflateEnd(&file->gzip);
    }
    ZSTD_freeDStream(file->zstd);
    ps_io_close(file->io, file->file);
    free(file->raw);
    free(file->data);
    free(file);
}

static ps_code make_room(ps_input_file *file, bool wants_more, ps_error *err)
{
    if (file->from > 0) {
        memmove(file->data, file->data + file->from, file->to - file->from);
        file->to -= file->from;
        file->from = 0;
    }
    if (!wants_more || file->to < file->capacity) {
        return PS_OK;
    }
    if (file->capacity >= PS_RECORD_SIZE_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "%s: the record at byte %llu is longer than %d bytes",
                            file->path, (unsigned long long)file->offset, PS_RECORD_SIZE_MAX);
    }
    char *larger = realloc(file->data, file->capacity * 2);
    if (larger == NULL) {
        return no_memory(file->path, err);
    }
    file->data = larger;
    file->capacity *= 2;
    return PS_OK;
}

/* What is left is moved to the front before the file is read on: it must be little. */
static bool is_nearly_empty(const ps_input_file *file)
{
    enum { LEFT_SHARE = 8 };
    return file->to - file->from < file->capacity / LEFT_SHARE;
}

ps_code ps_input_file_peek(ps_input_file *file, bool wants_more, ps_slice *out, bool *out_is_whole,
                           ps_error *err)
{
    if (!file->has_ended && (wants_more || is_nearly_empty(file))) {
        ps_code code = make_room(file, wants_more, err);
        if (code == PS_OK) {
            code = fill(file, err);
        }
        if (code != PS_OK) {
            return code;
        }
    }
    *out = ps_slice_of(file->data + file->from, file->to - file->from);
    *out_is_whole = file->has_ended;
    return PS_OK;
}

void ps_input_file_consume(ps_input_file *file, size_t size)
{
    PS_ASSERT(size <= file->to - file->from);
    file->from += size;
    file->offset += size;
}

uint64_t ps_input_file_offset(const ps_input_file *file)
{
    return file->offset;
}

uint64_t ps_input_file_raw_offset(const ps_input_file *file)
{
    return file->kind == PLAIN ? file->offset : file->raw_offset;
}

void ps_input_file_look_again(ps_input_file *file)
{
    file->has_ended = false;
}

bool ps_input_file_is_compressed(const ps_input_file *file)
{
    return file->kind != PLAIN;
}
