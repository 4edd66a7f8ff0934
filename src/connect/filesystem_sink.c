/* filesystem as a sink: a directory of part files that appear whole.
 *
 * Rows go to DIR/.part-<run>-<number>.inprogress; prepare syncs and closes that file; commit
 * renames it to part-<run>-<number>.<format>. <run> is random and kept in the checkpoints, so that
 * jobs that write into one directory do not meet, and a restarted job knows its own files.
 *
 * Prepared: u64 run, u64 first number and u64 end number of the parts that commit makes visible. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "connect/conn_filesystem.h"

enum {
    BUFFER_SIZE = 1 << 20,
    BUFFER_SIZE_MAX = 256 << 20,
    ENTRIES_MAX = 65536,
    PREPARED_SIZE = 24
};

typedef struct {
    ps_sink sink;
    ps_io *io;
    ps_row_encoder *encoder;
    const char *format_name;
    char dir[PS_PATH_MAX];
    uint64_t run;
    uint64_t number;    /* of the part under way, or of the next one */
    uint64_t committed; /* parts below are visible or of earlier checkpoints */
    ps_file *file;      /* NULL: no part under way */
    uint64_t offset;
    ps_buf buffer;
} filesystem_sink;

static ps_code part_path(const filesystem_sink *self, uint64_t number, bool is_visible,
                         char out[PS_PATH_MAX], ps_error *err)
{
    int size = snprintf(out, PS_PATH_MAX, "%s/%spart-%016" PRIx64 "-%06" PRIu64 "%s%s", self->dir,
                        is_visible ? "" : ".", self->run, number, is_visible ? "." : "",
                        is_visible ? self->format_name : ".inprogress");
    return size < PS_PATH_MAX
               ? PS_OK
               : ps_error_set(err, PS_E_INVALID, "%s: the path is too long", self->dir);
}

static ps_code write_buffer(filesystem_sink *self, ps_error *err)
{
    if (self->buffer.size == 0) {
        return PS_OK;
    }
    ps_code code = PS_OK;
    if (self->file == NULL) {
        char path[PS_PATH_MAX];
        code = part_path(self, self->number, false, path, err);
        code =
            code == PS_OK ? ps_io_open(self->io, path, PS_OPEN_CREATE_NEW, &self->file, err) : code;
        self->offset = 0;
    }
    if (code == PS_OK) {
        code = ps_io_write(self->io, self->file, self->offset, self->buffer.data, self->buffer.size,
                           err);
    }
    if (code == PS_OK) {
        self->offset += self->buffer.size;
        ps_buf_clear(&self->buffer);
    }
    return code;
}

static ps_code write_rows(ps_sink *sink, const ps_batch *batch, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    ps_code code = ps_row_encoder_encode(self->encoder, batch, &self->buffer, err);
    sink->row_count += batch->row_count;
    if (code == PS_OK && self->buffer.size >= BUFFER_SIZE) {
        code = write_buffer(self, err);
    }
    return code;
}

/* The part under way becomes durable. */
static ps_code close_part(filesystem_sink *self, ps_error *err)
{
    ps_code code = write_buffer(self, err);
    if (code != PS_OK || self->file == NULL) {
        return code;
    }
    code = ps_io_datasync(self->io, self->file, err);
    ps_io_close(self->io, self->file);
    self->file = NULL;
    if (code == PS_OK) {
        code = ps_io_sync_dir(self->io, self->dir, err);
    }
    self->number++;
    return code;
}

static ps_code prepare(ps_sink *sink, ps_buf *out, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    ps_code code = close_part(self, err);
    ps_buf_append(out, &self->run, sizeof self->run);
    ps_buf_append(out, &self->committed, sizeof self->committed);
    ps_buf_append(out, &self->number, sizeof self->number);
    return code;
}

static ps_code show_part(filesystem_sink *self, uint64_t number, ps_error *err)
{
    char from[PS_PATH_MAX], to[PS_PATH_MAX];
    ps_code code = part_path(self, number, false, from, err);
    code = code == PS_OK ? part_path(self, number, true, to, err) : code;
    ps_file *file;
    if (code == PS_OK && ps_io_open(self->io, to, PS_OPEN_READ, &file, err) == PS_OK) {
        ps_io_close(self->io, file); /* an earlier commit has done it */
        return PS_OK;
    }
    return code == PS_OK ? ps_io_rename(self->io, from, to, err) : code;
}

static ps_code read_prepared(filesystem_sink *self, ps_slice prepared, uint64_t *out_from,
                             uint64_t *out_to, ps_error *err)
{
    if (prepared.size != PREPARED_SIZE) {
        return ps_error_set(err, PS_E_DAMAGED, "%s: the saved state of the sink is damaged",
                            self->dir);
    }
    memcpy(&self->run, prepared.data, 8);
    memcpy(out_from, prepared.data + 8, 8);
    memcpy(out_to, prepared.data + 16, 8);
    return PS_OK;
}

static ps_code commit(ps_sink *sink, ps_slice prepared, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    uint64_t from = 0, to = 0;
    ps_code code = read_prepared(self, prepared, &from, &to, err);
    for (uint64_t number = from; code == PS_OK && number < to; number++) {
        code = show_part(self, number, err);
    }
    if (code == PS_OK && from < to) {
        code = ps_io_sync_dir(self->io, self->dir, err);
    }
    if (code == PS_OK) {
        self->committed = to;
        self->number = to > self->number ? to : self->number;
    }
    return code;
}

/* Parts of this run that no checkpoint knows. */
static ps_code abort_after(ps_sink *sink, ps_slice prepared, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    if (prepared.size == 0) {
        return PS_OK; /* a run that never saved anything has a name that nobody knows */
    }
    ps_dir_entry *entries = malloc(ENTRIES_MAX * sizeof *entries);
    if (entries == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to list %s", self->dir);
    }
    char mine[64], path[PS_PATH_MAX];
    int mine_size = snprintf(mine, sizeof mine, ".part-%016" PRIx64 "-", self->run);
    size_t count = 0;
    ps_code code = ps_io_list(self->io, self->dir, entries, ENTRIES_MAX, &count, err);
    for (size_t i = 0; code == PS_OK && i < count; i++) {
        const char *name = entries[i].name;
        if (strncmp(name, mine, (size_t)mine_size) == 0) {
            uint64_t number = strtoull(name + mine_size, NULL, 10);
            code = part_path(self, number, false, path, err);
            code = code == PS_OK ? ps_io_unlink(self->io, path, err) : code;
        }
    }
    free(entries);
    return code;
}

static ps_code finish(ps_sink *sink, ps_error *err)
{
    ps_buf prepared;
    ps_buf_init(&prepared, PREPARED_SIZE);
    ps_code code = prepare(sink, &prepared, err);
    if (code == PS_OK) {
        code = commit(sink, ps_buf_slice(&prepared), err);
    }
    ps_buf_release(&prepared);
    return code;
}

static void close_sink(ps_sink *sink)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    ps_io_close(self->io, self->file);
    ps_row_encoder_free(self->encoder);
    ps_buf_release(&self->buffer);
    free(self);
}

static const ps_sink_class filesystem_sink_class = {
    .write = write_rows,
    .prepare = prepare,
    .commit = commit,
    .abort_after = abort_after,
    .finish = finish,
    .close = close_sink,
};

/* The directory and those above it. */
static ps_code make_dirs(filesystem_sink *self, ps_error *err)
{
    char path[PS_PATH_MAX];
    strcpy(path, self->dir);
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != 0) {
            continue;
        }
        char kept = *at;
        *at = 0;
        ps_code code = ps_io_make_dir(self->io, path, err);
        if (code != PS_OK && code != PS_E_EXISTS) {
            return code;
        }
        if (kept == 0) {
            return PS_OK;
        }
        *at = kept;
    }
}

ps_code ps_filesystem_sink_open(const ps_sink_spec *spec, const ps_connector_context *context,
                                ps_sink **out, ps_error *err)
{
    if (spec->is_overwrite) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "INSERT OVERWRITE into a filesystem table is not supported in "
                            "streaming; empty the directory and use INSERT INTO");
    }
    if (spec->table->partition_count > 0) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "PARTITIONED BY of a filesystem sink is not supported yet");
    }
    filesystem_sink *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
    }
    self->sink.class = &filesystem_sink_class;
    self->io = context->io;
    ps_buf_init(&self->buffer, BUFFER_SIZE_MAX);
    ps_io_random(self->io, &self->run, sizeof self->run);
    ps_format_table table = {
        .physical = spec->table->physical,
        .option_count = spec->table->option_count,
        .options = spec->table->options,
    };
    const ps_format *format = NULL;
    ps_code code = ps_filesystem_format(spec->table, &format, err);
    if (code == PS_OK) {
        self->format_name = format->name;
        code = ps_filesystem_path(spec->table, self->dir, err);
    }
    if (code == PS_OK) {
        code = format->new_encoder(&table, &self->encoder, err);
    }
    if (code == PS_OK) {
        code = make_dirs(self, err);
    }
    if (code != PS_OK) {
        close_sink(&self->sink);
        return code;
    }
    *out = &self->sink;
    return PS_OK;
}
