/* filesystem as a source: one file, or the files of a directory in order of name (names that begin
 * with . or _ are not data); of a table with partition columns, those in its folders, folder by
 * folder. With 'source.monitor-interval' it watches for more: files whose names come after those
 * read, and bytes behind the end of a plain file.
 *
 * Position: u64 bytes of content consumed, u64 lines, then the name of the file under way, with its
 * folders within the directory. */
#include <stdlib.h>

#include "connect/conn_filesystem.h"
#include "connect/file_columns.h"
#include "connect/file_tree.h"
#include "connect/input_file.h"

typedef struct {
    ps_source source;
    ps_io *io;
    const ps_table_info *table;
    ps_row_decoder *decoder;
    ps_partitioning partitioning;
    ps_file_columns *columns;       /* NULL: the content has all that is read */
    char columns_path[PS_PATH_MAX]; /* of the file that they are of */
    ps_dead_letter *dead_letter;
    char path[PS_PATH_MAX]; /* as given */
    bool is_directory;
    int64_t monitor_ms; /* 0: read once */
    int64_t looked_at_ns;
    char name[PS_PATH_MAX]; /* of the file under way within a directory; empty: before the first */
    char file_path[PS_PATH_MAX];
    ps_input_file *file;
    uint64_t line;       /* lines consumed of the file */
    uint64_t done_bytes; /* of files that are through */
    uint64_t total_bytes;
    uint64_t closed_offset; /* where the content of the last closed file ended */
    /* an instance that reads ranges */
    uint64_t range_end; /* records from here on are another's; 0: it reads everything */
    uint64_t range_from;
    uint64_t range_line; /* lines before it; 0: not known */
} filesystem_source;

/* ── the files ── */

/* Opens the first file of the directory whose name is behind self->name; none: file stays NULL. */
static ps_code open_next(filesystem_source *self, ps_error *err)
{
    if (!self->is_directory) {
        if (self->name[0] != 0) {
            return PS_OK; /* it was read */
        }
        strcpy(self->name, "1");
        strcpy(self->file_path, self->path);
        return ps_input_file_open(self->io, self->path, 0, &self->file, err);
    }
    bool found;
    ps_code code =
        ps_file_tree_next(self->io, self->path, self->partitioning.count, self->name, &found, err);
    if (code != PS_OK || !found) {
        return code;
    }
    code = ps_file_tree_path(self->path, self->name, self->file_path, err);
    if (code == PS_OK) {
        self->line = 0;
        code = ps_input_file_open(self->io, self->file_path, 0, &self->file, err);
    }
    return code;
}

static ps_code sum_sizes(filesystem_source *self, ps_error *err)
{
    if (!self->is_directory) {
        return ps_file_tree_size(self->io, self->path, &self->total_bytes, err);
    }
    return ps_file_tree_total(self->io, self->path, self->partitioning.count, &self->total_bytes,
                              err);
}

/* ── reading ── */

static ps_code take_bad(filesystem_source *self, const ps_decoded *decoded, ps_slice content,
                        ps_error *err)
{
    uint64_t line = self->line + decoded->lines;
    if (!ps_row_decoder_ignores_errors(self->decoder)) {
        return ps_error_set(err, PS_E_INVALID, "%s:%llu: %s", self->file_path,
                            (unsigned long long)line, decoded->bad.reason);
    }
    self->source.bad_row_count++;
    if (self->dead_letter == NULL) {
        return PS_OK;
    }
    ps_slice raw = ps_slice_of(content.data + decoded->bad.offset, decoded->bad.size);
    return self->dead_letter->take(self->dead_letter, self->table->name, self->file_path, line,
                                   decoded->bad.reason, raw, err);
}

/* Cuts the content behind the line that holds the range's last byte, and lines_more further ones,
 * which its record goes on in. False: there is nothing to cut yet. */
static bool cut_at_range_end(const filesystem_source *self, uint32_t lines_more, ps_slice *content)
{
    uint64_t offset = ps_input_file_offset(self->file);
    if (self->range_end == 0 || offset + content->size < self->range_end) {
        return false;
    }
    const char *end = content->data + (self->range_end - 1 - offset);
    const char *content_end = content->data + content->size;
    end = memchr(end, '\n', (size_t)(content_end - end));
    for (; end != NULL && lines_more > 0; lines_more--) {
        end = memchr(end + 1, '\n', (size_t)(content_end - end - 1));
    }
    if (end != NULL) {
        content->size = (size_t)(end + 1 - content->data);
    }
    return end != NULL;
}

static bool is_behind_range(const filesystem_source *self)
{
    return self->range_end != 0 && ps_input_file_offset(self->file) >= self->range_end;
}

static ps_code enter_file(filesystem_source *self, ps_error *err)
{
    ps_file *file;
    ps_file_state state = {.path = self->columns_path};
    strcpy(self->columns_path, self->file_path);
    /* of a range only the path is known */
    state.name = self->columns_path + strlen(self->path) + (self->is_directory ? 1 : 0);
    int64_t modified_ns = 0;
    ps_code code = ps_io_open(self->io, self->columns_path, PS_OPEN_READ, &file, err);
    if (code == PS_OK) {
        code = ps_io_size(self->io, file, &state.size, err);
        code = code == PS_OK ? ps_io_modified_ns(self->io, file, &modified_ns, err) : code;
        ps_io_close(self->io, file);
    }
    enum { NS_PER_MS = 1000000 };
    state.modified_ms = modified_ns / NS_PER_MS;
    return code == PS_OK ? ps_file_columns_enter(self->columns, &state, err) : code;
}

/* Into rows of the open file what its name, place and state say. */
static ps_code put_columns(filesystem_source *self, ps_batch *batch, ps_error *err)
{
    if (self->columns == NULL) {
        return PS_OK;
    }
    ps_code code = PS_OK;
    if (strcmp(self->columns_path, self->file_path) != 0) {
        code = enter_file(self, err);
    }
    if (code == PS_OK) {
        ps_file_columns_put(self->columns, batch);
    }
    return code;
}

/* Rows of the open file, or of its range; a file that is through is closed. */
static ps_code read_file(filesystem_source *self, ps_batch *out_batch, ps_error *err)
{
    bool wants_more = false;
    uint32_t lines_more = 0;
    while (!is_behind_range(self)) {
        ps_slice content;
        bool is_whole;
        ps_code code = ps_input_file_peek(self->file, wants_more, &content, &is_whole, err);
        if (code != PS_OK) {
            return code;
        }
        bool is_cut = cut_at_range_end(self, lines_more, &content);
        bool ends_here = is_whole && !is_cut && (self->monitor_ms == 0 || self->is_directory);
        ps_decoded decoded = {0};
        if (content.size > 0) {
            code = ps_row_decoder_decode(self->decoder, content.data, content.size, ends_here,
                                         PS_BATCH_ROWS, &decoded, err);
        }
        if (code != PS_OK) {
            return code;
        }
        if (decoded.has_bad) {
            code = take_bad(self, &decoded, content, err);
            if (code != PS_OK) {
                return code;
            }
        }
        ps_input_file_consume(self->file, decoded.consumed);
        self->line += decoded.lines;
        if (decoded.batch.row_count > 0) {
            *out_batch = decoded.batch;
            return put_columns(self, out_batch, err);
        }
        if (decoded.consumed == 0 && is_whole && !is_cut) {
            return PS_OK;
        }
        wants_more = decoded.consumed == 0 && !is_cut;
        lines_more = decoded.consumed == 0 && is_cut ? lines_more + 1 : 0;
    }
    return PS_OK;
}

static bool has_waited(filesystem_source *self)
{
    int64_t now_ns = ps_io_now_mono_ns(self->io);
    if (now_ns - self->looked_at_ns < self->monitor_ms * 1000000) {
        return false;
    }
    self->looked_at_ns = now_ns;
    return true;
}

static void close_file(filesystem_source *self)
{
    self->done_bytes += ps_input_file_raw_offset(self->file);
    self->closed_offset = ps_input_file_offset(self->file);
    ps_input_file_close(self->file);
    self->file = NULL;
}

static ps_code read_rows(ps_source *source, ps_batch *out_batch, int *out_state, ps_error *err)
{
    filesystem_source *self = (filesystem_source *)source;
    out_batch->row_count = 0;
    *out_state = PS_SOURCE_MORE;
    for (;;) {
        if (self->file == NULL) {
            ps_code code = open_next(self, err);
            if (code != PS_OK) {
                return code;
            }
        }
        if (self->file == NULL) {
            *out_state = self->monitor_ms > 0 ? PS_SOURCE_IDLE : PS_SOURCE_END;
            return PS_OK;
        }
        ps_code code = read_file(self, out_batch, err);
        if (code != PS_OK || out_batch->row_count > 0) {
            return code;
        }
        if (self->range_end != 0) {
            *out_state = PS_SOURCE_END;
            return PS_OK;
        }
        if (self->monitor_ms > 0 && !self->is_directory) {
            *out_state = PS_SOURCE_IDLE;
            if (has_waited(self)) {
                ps_input_file_look_again(self->file);
            }
            return PS_OK;
        }
        if (self->monitor_ms > 0 && !has_waited(self)) {
            *out_state = PS_SOURCE_IDLE;
            return PS_OK;
        }
        close_file(self);
    }
}

/* ── position ── */

static ps_code position(ps_source *source, ps_buf *out, ps_error *err)
{
    (void)err;
    filesystem_source *self = (filesystem_source *)source;
    uint64_t closed = self->is_directory ? UINT64_MAX /* on with the next */ : self->closed_offset;
    uint64_t offset = self->file != NULL ? ps_input_file_offset(self->file) : closed;
    ps_buf_append(out, &offset, sizeof offset);
    ps_buf_append(out, &self->line, sizeof self->line);
    ps_buf_append_text(out, self->name);
    return PS_OK;
}

static ps_code seek(ps_source *source, ps_slice at, ps_error *err)
{
    filesystem_source *self = (filesystem_source *)source;
    uint64_t offset;
    if (at.size < 16 || at.size - 16 >= sizeof self->name) {
        return ps_error_set(err, PS_E_DAMAGED, "%s: the saved position is damaged", self->path);
    }
    memcpy(&offset, at.data, 8);
    memcpy(&self->line, at.data + 8, 8);
    memcpy(self->name, at.data + 16, at.size - 16);
    self->name[at.size - 16] = 0;
    uint32_t depth = 0;
    for (const char *slash = strchr(self->name, '/'); slash != NULL; depth++) {
        slash = strchr(slash + 1, '/');
    }
    if (self->name[0] != 0 && depth != self->partitioning.count) {
        return ps_error_set(err, PS_E_DAMAGED, "%s: the saved position is damaged", self->path);
    }
    if (self->name[0] == 0) {
        return PS_OK; /* nothing was read yet */
    }
    if (offset == UINT64_MAX) {
        return PS_OK; /* on with the next file */
    }
    ps_code code = PS_OK;
    if (self->is_directory) {
        code = ps_file_tree_path(self->path, self->name, self->file_path, err);
    } else {
        strcpy(self->file_path, self->path);
    }
    return code == PS_OK ? ps_input_file_open(self->io, self->file_path, offset, &self->file, err)
                         : code;
}

static void progress(const ps_source *source, uint64_t *out_done, uint64_t *out_total)
{
    const filesystem_source *self = (const filesystem_source *)source;
    *out_done = self->done_bytes + (self->file != NULL ? ps_input_file_raw_offset(self->file) : 0);
    *out_total = self->monitor_ms > 0 ? 0 : self->total_bytes;
}

static void close_source(ps_source *source)
{
    filesystem_source *self = (filesystem_source *)source;
    ps_input_file_close(self->file);
    ps_row_decoder_free(self->decoder);
    ps_file_columns_free(self->columns);
    ps_partitioning_release(&self->partitioning);
    free(self);
}

/* ── ranges ── */

static ps_code ahead(ps_source *source, ps_source_range *out, ps_error *err)
{
    filesystem_source *self = (filesystem_source *)source;
    *out = (ps_source_range){.path = self->file_path, .is_exact = true, .lines_before = self->line};
    ps_code code = PS_OK;
    if (self->file == NULL && self->monitor_ms == 0) {
        code = open_next(self, err);
        out->lines_before = self->line;
    }
    if (code != PS_OK || self->file == NULL || self->monitor_ms > 0 ||
        ps_input_file_is_compressed(self->file)) {
        return code;
    }
    out->from = ps_input_file_offset(self->file);
    code = ps_file_tree_size(self->io, self->file_path, &out->to, err);
    out->to = out->to > out->from ? out->to : out->from;
    return code;
}

static ps_code behind(ps_source *source, const ps_source_range_read *read, ps_error *err)
{
    filesystem_source *self = (filesystem_source *)source;
    ps_input_file *file;
    ps_code code = ps_input_file_open(self->io, self->file_path, read->to, &file, err);
    if (code == PS_OK) {
        ps_input_file_close(self->file);
        self->file = file;
        self->line += read->lines;
    }
    return code;
}

/* To behind the next line end; to the end of the file, where there is none. */
static ps_code skip_line(filesystem_source *self, ps_error *err)
{
    for (;;) {
        ps_slice content;
        bool is_whole;
        ps_code code = ps_input_file_peek(self->file, false, &content, &is_whole, err);
        if (code != PS_OK) {
            return code;
        }
        const char *end = memchr(content.data, '\n', content.size);
        size_t size = end != NULL ? (size_t)(end + 1 - content.data) : content.size;
        ps_input_file_consume(self->file, size);
        if (end != NULL || is_whole) {
            return PS_OK;
        }
    }
}

static ps_code read_range(ps_source *source, const ps_source_range *range, ps_error *err)
{
    filesystem_source *self = (filesystem_source *)source;
    ps_input_file_close(self->file);
    self->file = NULL;
    strcpy(self->file_path, range->path);
    uint64_t from = range->is_exact ? range->from : range->from - 1;
    ps_code code = ps_input_file_open(self->io, range->path, from, &self->file, err);
    if (code == PS_OK && !range->is_exact) {
        code = skip_line(self, err);
    }
    if (code == PS_OK) {
        self->line = range->is_exact ? range->lines_before : 0;
        self->range_line = self->line;
        self->range_end = range->to;
        self->range_from = ps_input_file_offset(self->file);
    }
    return code;
}

static ps_source_range_read range_read(const ps_source *source)
{
    const filesystem_source *self = (const filesystem_source *)source;
    return (ps_source_range_read){
        .from = self->range_from,
        .to = ps_input_file_offset(self->file),
        .lines = self->line - self->range_line,
    };
}

static const ps_source_class filesystem_source_class = {
    .read = read_rows,
    .position = position,
    .seek = seek,
    .progress = progress,
    .close = close_source,
    .ahead = ahead,
    .behind = behind,
    .read_range = read_range,
    .range_read = range_read,
};

static ps_code open_decoder(filesystem_source *self, const ps_source_spec *spec, ps_error *err)
{
    const ps_format *format;
    ps_code code = ps_filesystem_format(spec->table, &format, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_file_columns_new(spec, &self->partitioning, &self->columns, err);
    if (code != PS_OK) {
        return code;
    }
    ps_format_table table = {
        .physical = self->partitioning.in_file,
        .leaf_count = spec->leaf_count,
        .leaves = spec->leaves,
        .option_count = spec->table->option_count,
        .options = spec->table->options,
    };
    if (self->columns != NULL) {
        table.leaves = ps_file_columns_others(self->columns, &table.leaf_count);
    }
    return format->new_decoder(&table, &self->decoder, err);
}

static ps_code look_at_path(filesystem_source *self, ps_error *err)
{
    ps_code code = ps_file_tree_is_directory(self->io, self->path, &self->is_directory, err);
    if (code == PS_OK && !self->is_directory && self->partitioning.count > 0) {
        return ps_error_set(err, PS_E_INVALID,
                            "%s: the table is PARTITIONED BY columns, so its path must be a "
                            "directory",
                            self->path);
    }
    return code == PS_OK ? sum_sizes(self, err) : code;
}

ps_code ps_filesystem_source_open(const ps_source_spec *spec, const ps_connector_context *context,
                                  ps_source **out, ps_error *err)
{
    filesystem_source *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    self->source.class = &filesystem_source_class;
    self->io = context->io;
    self->table = spec->table;
    self->dead_letter = context->dead_letter;
    ps_code code = ps_partitioning_init(&self->partitioning, spec->table, err);
    if (code == PS_OK) {
        code = ps_filesystem_path(spec->table, self->path, err);
    }
    if (code == PS_OK) {
        code = ps_table_option_duration_ms(spec->table, "source.monitor-interval", 0,
                                           &self->monitor_ms, err);
    }
    if (code == PS_OK) {
        code = look_at_path(self, err);
    }
    if (code == PS_OK) {
        code = open_decoder(self, spec, err);
    }
    if (code != PS_OK) {
        close_source(&self->source);
        return code;
    }
    *out = &self->source;
    return PS_OK;
}
