/* filesystem as a sink: a directory of part files that appear whole.
 *
 * Rows go to DIR/.part-<run>-<number>.inprogress; prepare syncs and closes these files; commit
 * renames them to part-<run>-<number>.<format>, of a table with partition columns in the folders
 * that their values name. <run> is random and kept in the checkpoints, so that jobs that write into
 * one directory do not meet, and a restarted job knows its own files.
 *
 * Prepared: u64 run, u64 first number and u64 end number of the parts that commit makes visible; of
 * a table with partition columns then for each of them u32 size and the name of its partition. */
#include <stdlib.h>

#include "connect/conn_filesystem.h"
#include "connect/part_files.h"
#include "connect/partition.h"

enum { PREPARED_SIZE = 24, PREPARED_SIZE_MAX = 64 << 20, PARTITION_SIZE_MAX = 64 << 20 };

typedef struct {
    ps_sink sink;
    ps_io *io;
    ps_row_encoder *encoder;
    char dir[PS_PATH_MAX];
    ps_part_files parts;
    ps_partitioning partitioning;
    ps_buf partition;    /* of the row looked at */
    ps_column *columns;  /* of the file: those of a batch that are in it */
    ps_column *gathered; /* room for rows of one partition, per column of the file */
} filesystem_sink;

/* ── rows ── */

/* Appends rows, whose columns are those of the file. */
static ps_code write_to(filesystem_sink *self, ps_part *part, const ps_batch *rows, ps_error *err)
{
    size_t size_before = part->buffer.size;
    ps_code code = ps_row_encoder_encode(self->encoder, rows, &part->buffer, err);
    return code == PS_OK ? ps_part_files_grown(&self->parts, part, size_before, err) : code;
}

/* The number of rows from `from` on that lie in its partition, and these rows. */
static uint32_t select_partition(filesystem_sink *self, const ps_batch *batch, uint32_t from,
                                 uint64_t *taken, uint32_t *out_selection)
{
    uint32_t count = 0;
    for (uint32_t row = from; row < batch->row_count; row++) {
        bool is_taken = (taken[row / 64] >> (row % 64) & 1) != 0;
        if (!is_taken && ps_partition_is_same(&self->partitioning, batch, from, row)) {
            out_selection[count++] = row;
            ps_valid_set(taken, row);
        }
    }
    return count;
}

static ps_code write_selected(filesystem_sink *self, ps_part *part, const ps_batch *batch,
                              const uint32_t *selection, uint32_t count, ps_error *err)
{
    uint32_t column_count = self->partitioning.in_file.field_count;
    uint8_t kinds[PS_BATCH_ROWS];
    ps_batch rows = {.row_count = count,
                     .column_count = column_count,
                     .columns = self->columns,
                     .kinds = batch->kinds != NULL ? kinds : NULL};
    for (uint32_t i = 0; i < self->partitioning.column_count; i++) {
        uint32_t place = self->partitioning.place[i];
        if (place == PS_NO_COLUMN) {
            continue;
        }
        if (count == batch->row_count) {
            self->columns[place] = batch->columns[i];
        } else {
            self->columns[place] = self->gathered[place];
            ps_column_gather(ps_type_phys(self->partitioning.columns[i].type), &batch->columns[i],
                             selection, count, &self->columns[place]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        kinds[i] = ps_batch_kind(batch, selection[i]);
    }
    return write_to(self, part, &rows, err);
}

static ps_code write_partitioned(filesystem_sink *self, const ps_batch *batch, ps_error *err)
{
    uint64_t taken[PS_BATCH_ROWS / 64] = {0};
    uint32_t selection[PS_BATCH_ROWS];
    ps_code code = PS_OK;
    for (uint32_t row = 0; code == PS_OK && row < batch->row_count; row++) {
        if ((taken[row / 64] >> (row % 64) & 1) != 0) {
            continue;
        }
        ps_part *part = NULL;
        uint32_t count = select_partition(self, batch, row, taken, selection);
        ps_buf_clear(&self->partition);
        code = ps_partition_print(&self->partitioning, batch, row, &self->partition, err);
        if (code == PS_OK) {
            code = ps_part_files_get(&self->parts, ps_buf_slice(&self->partition), &part, err);
        }
        code = code == PS_OK ? write_selected(self, part, batch, selection, count, err) : code;
    }
    return code;
}

static ps_code write_rows(ps_sink *sink, const ps_batch *batch, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    sink->row_count += batch->row_count;
    if (batch->row_count == 0) {
        return PS_OK;
    }
    if (self->partitioning.count > 0) {
        return write_partitioned(self, batch, err);
    }
    ps_part *part = NULL;
    ps_code code = ps_part_files_get(&self->parts, PS_SLICE(""), &part, err);
    return code == PS_OK ? write_to(self, part, batch, err) : code;
}

/* ── commits ── */

static ps_code prepare(ps_sink *sink, ps_buf *out, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    ps_code code = ps_part_files_close(&self->parts, err);
    uint64_t end = ps_part_files_end(&self->parts);
    ps_buf_append(out, &self->parts.run, sizeof self->parts.run);
    ps_buf_append(out, &self->parts.first, sizeof self->parts.first);
    ps_buf_append(out, &end, sizeof end);
    for (uint32_t i = 0; i < self->parts.count && self->partitioning.count > 0; i++) {
        const char *partition = self->parts.parts[i].partition;
        uint32_t size = (uint32_t)strlen(partition);
        ps_buf_append(out, &size, sizeof size);
        ps_buf_append(out, partition, size);
    }
    return code;
}

/* What prepare wrote, read piece by piece. */
typedef struct {
    uint64_t run, from, to;
    ps_slice partitions; /* what is left of them */
} prepared_parts;

static ps_code read_prepared(const filesystem_sink *self, ps_slice prepared, prepared_parts *out,
                             ps_error *err)
{
    bool is_partitioned = self->partitioning.count > 0;
    if (prepared.size < PREPARED_SIZE || (!is_partitioned && prepared.size != PREPARED_SIZE)) {
        return ps_error_set(err, PS_E_DAMAGED, "%s: the saved state of the sink is damaged",
                            self->dir);
    }
    *out = (prepared_parts){
        .run = ps_get_u64(prepared.data),
        .from = ps_get_u64(prepared.data + 8),
        .to = ps_get_u64(prepared.data + 16),
        .partitions = ps_slice_of(prepared.data + PREPARED_SIZE, prepared.size - PREPARED_SIZE),
    };
    return PS_OK;
}

/* The partition of the next part. */
static ps_code read_partition(const filesystem_sink *self, prepared_parts *prepared,
                              char out[PS_PATH_MAX], ps_error *err)
{
    ps_slice left = prepared->partitions;
    uint32_t size = left.size >= 4 ? ps_get_u32(left.data) : 0;
    out[0] = 0;
    if (self->partitioning.count == 0) {
        return PS_OK;
    }
    if (size == 0 || size >= PS_PATH_MAX || size > left.size - 4) {
        return ps_error_set(err, PS_E_DAMAGED, "%s: the saved state of the sink is damaged",
                            self->dir);
    }
    memcpy(out, left.data + 4, size);
    out[size] = 0;
    prepared->partitions = ps_slice_of(left.data + 4 + size, left.size - 4 - size);
    return PS_OK;
}

static ps_code show_parts(filesystem_sink *self, prepared_parts prepared, ps_error *err)
{
    char partition[PS_PATH_MAX];
    ps_code code = PS_OK;
    for (uint64_t number = prepared.from; code == PS_OK && number < prepared.to; number++) {
        code = read_partition(self, &prepared, partition, err);
        code = code == PS_OK ? ps_part_files_show(&self->parts, number, partition, err) : code;
    }
    return code;
}

static ps_code sync_parts(filesystem_sink *self, prepared_parts prepared, ps_error *err)
{
    char partitions[2][PS_PATH_MAX];
    char *partition = partitions[0], *next = partitions[1];
    ps_code code = PS_OK;
    for (uint64_t number = prepared.from; code == PS_OK && number < prepared.to; number++) {
        bool is_first = number == prepared.from, is_last = number + 1 == prepared.to;
        code = is_first ? read_partition(self, &prepared, partition, err) : PS_OK;
        code = code == PS_OK && !is_last ? read_partition(self, &prepared, next, err) : code;
        if (code == PS_OK) {
            code = ps_part_files_sync(&self->parts, partition, is_last ? NULL : next, err);
        }
        char *other = partition;
        partition = next;
        next = other;
    }
    return code;
}

static ps_code commit(ps_sink *sink, ps_slice bytes, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    prepared_parts prepared;
    ps_code code = read_prepared(self, bytes, &prepared, err);
    if (code == PS_OK) {
        self->parts.run = prepared.run;
        code = show_parts(self, prepared, err);
    }
    code = code == PS_OK ? sync_parts(self, prepared, err) : code;
    if (code == PS_OK) {
        ps_part_files_committed(&self->parts, prepared.to);
    }
    return code;
}

/* Parts of this run that no checkpoint knows. */
static ps_code abort_after(ps_sink *sink, ps_slice prepared, ps_error *err)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    /* a run that never saved anything has a name that nobody knows */
    return prepared.size == 0 ? PS_OK : ps_part_files_remove(&self->parts, err);
}

static ps_code finish(ps_sink *sink, ps_error *err)
{
    ps_buf prepared;
    ps_buf_init(&prepared, PREPARED_SIZE_MAX);
    ps_code code = prepare(sink, &prepared, err);
    if (code == PS_OK && prepared.failed) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory to end a sink");
    }
    if (code == PS_OK) {
        code = commit(sink, ps_buf_slice(&prepared), err);
    }
    ps_buf_release(&prepared);
    return code;
}

static void close_sink(ps_sink *sink)
{
    filesystem_sink *self = (filesystem_sink *)sink;
    ps_part_files_release(&self->parts);
    ps_row_encoder_free(self->encoder);
    for (uint32_t i = 0; self->gathered != NULL && i < self->partitioning.in_file.field_count;
         i++) {
        free(self->gathered[i].values);
        free(self->gathered[i].valid);
    }
    free(self->gathered);
    free(self->columns);
    ps_buf_release(&self->partition);
    ps_partitioning_release(&self->partitioning);
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

/* Room for the columns of the file, of one partition's rows. */
static ps_code take_columns(filesystem_sink *self, ps_error *err)
{
    uint32_t count = self->partitioning.in_file.field_count;
    self->columns = calloc(count + 1, sizeof *self->columns);
    self->gathered = calloc(count + 1, sizeof *self->gathered);
    bool has_memory = self->columns != NULL && self->gathered != NULL;
    for (uint32_t i = 0; has_memory && i < count; i++) {
        ps_phys phys = ps_type_phys(self->partitioning.in_file.fields[i].type);
        self->gathered[i].values = calloc(PS_BATCH_ROWS, ps_phys_size(phys));
        self->gathered[i].valid = calloc(PS_BATCH_ROWS / 64, sizeof(uint64_t));
        has_memory = self->gathered[i].values != NULL && self->gathered[i].valid != NULL;
    }
    return has_memory ? PS_OK : ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
}

static ps_code open_encoder(filesystem_sink *self, const ps_format *format,
                            const ps_table_info *info, ps_error *err)
{
    ps_format_table table = {
        .physical = self->partitioning.in_file,
        .option_count = info->option_count,
        .options = info->options,
    };
    return format->new_encoder(&table, &self->encoder, err);
}

ps_code ps_filesystem_sink_open(const ps_sink_spec *spec, const ps_connector_context *context,
                                ps_sink **out, ps_error *err)
{
    if (spec->is_overwrite) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "INSERT OVERWRITE into a filesystem table is not supported in "
                            "streaming; empty the directory and use INSERT INTO");
    }
    filesystem_sink *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a sink");
    }
    self->sink.class = &filesystem_sink_class;
    self->io = context->io;
    ps_buf_init(&self->partition, PARTITION_SIZE_MAX);
    const ps_format *format = NULL;
    ps_code code = ps_filesystem_format(spec->table, &format, err);
    code = code == PS_OK ? ps_filesystem_path(spec->table, self->dir, err) : code;
    code = code == PS_OK ? ps_partitioning_init(&self->partitioning, spec->table, err) : code;
    code = code == PS_OK ? take_columns(self, err) : code;
    code = code == PS_OK ? open_encoder(self, format, spec->table, err) : code;
    if (code == PS_OK) {
        code = ps_part_files_init(&self->parts, self->io, self->dir, format->name, err);
    }
    code = code == PS_OK ? make_dirs(self, err) : code;
    if (code != PS_OK) {
        close_sink(&self->sink);
        return code;
    }
    *out = &self->sink;
    return PS_OK;
}
