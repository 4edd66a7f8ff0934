/* Snapshot files; layout in format.h.
 *
 * Writing has two sides, joined by a ring of slots with one producer and one consumer: the owner
 * copies chunks out of the regions, the writer hashes and writes them. A slot is a block as it
 * stands in the file. Nothing trusts a snapshot by its presence: load checks every byte, and what
 * does not hold is passed over by the engine.
 */
#include "journal/snapshot.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sometimes.h"
#include "journal/format.h"
#include "journal/planted.h"

static_assert((int)PS_SNAPSHOT_REGIONS_MAX == (int)PS_FORMAT_REGIONS, "format and contract");
static_assert(PS_REGION_CHUNK % 8 == 0, "whole chunks need no padding");

enum {
    SLOT_COUNT = 64,
    SLOT_SIZE = sizeof(ps_snapshot_block) + PS_REGION_CHUNK,
    SNAPSHOT_NAME_SIZE = sizeof "snap-0123456789abcdef" - 1,
    LIST_MAX = 1024
};
#define SNAPSHOT_PREFIX "snap-"
#define SNAPSHOT_TMP_SUFFIX ".tmp"

struct ps_snapshot_writer {
    ps_io *io;
    char dir[PS_PATH_MAX];
    char path[PS_PATH_MAX];
    char tmp_path[PS_PATH_MAX];
    ps_snapshot_shape shape; /* regions borrowed */
    ps_snapshot_header header;
    /* owner */
    uint32_t region_index;
    /* writer */
    ps_file *file;
    uint64_t file_size;
    uint64_t out_size; /* written out so far */
    uint64_t block_count;
    ps_u128 chain;
    bool is_done;
    bool has_failed; /* failure says why */
    ps_error failure;
    /* both: slots [written, taken) are full */
    atomic_uint_fast64_t taken;
    atomic_uint_fast64_t written;
    atomic_bool all_taken;
    char *slots; /* owned, SLOT_COUNT × SLOT_SIZE */
};

static void snapshot_path(const char *dir, const char *name, const char *suffix,
                          char out[PS_PATH_MAX])
{
    int size = snprintf(out, PS_PATH_MAX, "%s/%s%s", dir, name, suffix);
    PS_ASSERT(size > 0 && size < PS_PATH_MAX);
}

static void snapshot_name(uint64_t seq, char out[64])
{
    snprintf(out, 64, SNAPSHOT_PREFIX "%016llx", (unsigned long long)seq);
}

/* Exactly the form that snapshot_name gives. */
static bool snapshot_name_parse(const char *name, uint64_t *out_seq)
{
    uint64_t seq = 0;
    if (strlen(name) != SNAPSHOT_NAME_SIZE || strncmp(name, SNAPSHOT_PREFIX, 5) != 0) {
        return false;
    }
    for (const char *at = name + 5; *at != 0; at++) {
        bool is_digit = *at >= '0' && *at <= '9';
        if (!is_digit && (*at < 'a' || *at > 'f')) {
            return false;
        }
        seq = seq << 4 | (uint64_t)(is_digit ? *at - '0' : *at - 'a' + 10);
    }
    *out_seq = seq;
    return true;
}

static ps_code snapshot_damaged(const char *path, uint64_t offset, const char *why, ps_error *err)
{
    return ps_error_set(err, PS_E_DAMAGED, "%s: damaged at offset %llu: %s", path,
                        (unsigned long long)offset, why);
}

static uint32_t block_crc(const ps_snapshot_block *block)
{
    return ps_crc32c(0, (const char *)block + sizeof block->crc, sizeof *block - sizeof block->crc);
}

static ps_u128 chain_next(ps_u128 chain, const ps_snapshot_block *block)
{
    char joined[sizeof chain + sizeof *block];
    memcpy(joined, &chain, sizeof chain);
    memcpy(joined + sizeof chain, block, sizeof *block);
    return ps_xxh3_128(joined, sizeof joined);
}

/* ── begin and take: the owner's side ── */

static ps_code writer_create_file(ps_snapshot_writer *writer, ps_error *err)
{
    ps_error open_err;
    ps_file *left_over = NULL;
    if (ps_io_open(writer->io, writer->tmp_path, PS_OPEN_READ, &left_over, &open_err) == PS_OK) {
        PS_SOMETIMES("snapshot: a left-over of the same seq");
        ps_io_close(writer->io, left_over);
        ps_code code = ps_io_unlink(writer->io, writer->tmp_path, err);
        if (code != PS_OK) {
            return code;
        }
    }
    return ps_io_open(writer->io, writer->tmp_path, PS_OPEN_CREATE_NEW, &writer->file, err);
}

static ps_code writer_write_header(ps_snapshot_writer *writer, uint64_t seq, ps_error *err)
{
    ps_snapshot_header *header = &writer->header;
    *header = (ps_snapshot_header){
        .version = PS_SNAPSHOT_VERSION,
        .instance = writer->shape.instance,
        .seq = seq,
        .layout_version = writer->shape.layout_version,
        .region_count = writer->shape.region_count,
    };
    memcpy(header->magic, PS_SNAPSHOT_MAGIC, sizeof header->magic);
    for (uint32_t i = 0; i < writer->shape.region_count; i++) {
        header->region_sizes[i] = writer->shape.regions[i]->size;
    }
    char page[PS_PAGE];
    ps_page_encode(header, sizeof *header, page);
    writer->chain = ps_xxh3_128(page, sizeof page);
    writer->file_size = PS_PAGE;
    return ps_io_write(writer->io, writer->file, 0, page, sizeof page, err);
}

ps_code ps_snapshot_begin(ps_io *io, const char *dir, const ps_snapshot_shape *shape, uint64_t seq,
                          ps_snapshot_writer **out_writer, ps_error *err)
{
    PS_ASSERT(shape->region_count <= PS_SNAPSHOT_REGIONS_MAX);
    if (strlen(dir) > PS_PATH_MAX - 64) {
        return ps_error_set(err, PS_E_INVALID, "the name of the snapshot directory is too long");
    }
    ps_snapshot_writer *writer = calloc(1, sizeof *writer);
    char *slots = malloc((size_t)SLOT_COUNT * SLOT_SIZE);
    if (writer == NULL || slots == NULL) {
        free(writer);
        free(slots);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a snapshot");
    }
    writer->io = io;
    writer->slots = slots;
    writer->shape = *shape;
    char name[64];
    snapshot_name(seq, name);
    snprintf(writer->dir, sizeof writer->dir, "%s", dir);
    snapshot_path(dir, name, "", writer->path);
    snapshot_path(dir, name, SNAPSHOT_TMP_SUFFIX, writer->tmp_path);
    ps_code code = writer_create_file(writer, err);
    if (code == PS_OK) {
        code = writer_write_header(writer, seq, err);
        if (code != PS_OK) {
            PS_SOMETIMES("snapshot: the header cannot be written");
            ps_error unlink_err;
            ps_io_close(io, writer->file);
            (void)!ps_io_unlink(io, writer->tmp_path, &unlink_err);
        }
    }
    if (code != PS_OK) {
        free(slots);
        free(writer);
        return code;
    }
    for (uint32_t i = 0; i < shape->region_count; i++) {
        ps_region_freeze(shape->regions[i]);
    }
    *out_writer = writer;
    return PS_OK;
}

/* The next owed chunk of any region into the slot; false: none is left. */
static bool take_chunk(ps_snapshot_writer *writer, char *slot)
{
    while (writer->region_index < writer->shape.region_count) {
        ps_region *region = writer->shape.regions[writer->region_index];
        ps_snapshot_block block = {
            .region = writer->region_index,
            .seq_low = (uint32_t)writer->header.seq,
            .ordinal = atomic_load_explicit(&writer->taken, memory_order_relaxed),
        };
        char *data = slot + sizeof block;
        if (ps_region_next_chunk(region, data, &block.offset, &block.size)) {
            uint32_t padded_size = ps_format_pad(block.size, 8);
            memset(data + block.size, 0, padded_size - block.size);
            memcpy(slot, &block, sizeof block);
            return true;
        }
        writer->region_index++;
    }
    return false;
}

bool ps_snapshot_take_chunks(ps_snapshot_writer *writer, uint32_t chunk_count)
{
    if (atomic_load_explicit(&writer->all_taken, memory_order_relaxed)) {
        return true;
    }
    for (uint32_t i = 0; i < chunk_count; i++) {
        uint64_t taken = atomic_load_explicit(&writer->taken, memory_order_relaxed);
        uint64_t written = atomic_load_explicit(&writer->written, memory_order_acquire);
        if (taken - written == SLOT_COUNT) {
            PS_SOMETIMES("snapshot: taking waits for the disk");
            return false;
        }
        if (!take_chunk(writer, writer->slots + taken % SLOT_COUNT * SLOT_SIZE)) {
            atomic_store_explicit(&writer->all_taken, true, memory_order_release);
            return true;
        }
        atomic_store_explicit(&writer->taken, taken + 1, memory_order_release);
    }
    return false;
}

/* ── reading: load, and the check of what was written ── */

typedef struct {
    ps_io *io;
    ps_file *file;
    const char *path;
    const ps_snapshot_shape *shape;
    bool fills; /* false: check only */
    ps_snapshot_header header;
    uint64_t offset;
    uint64_t block_count;
    ps_u128 chain;
    char *buffer; /* owned, SLOT_SIZE */
} reader;

static ps_code reader_read(reader *r, uint32_t size, ps_error *err)
{
    size_t got = 0;
    ps_code code = ps_io_read(r->io, r->file, r->offset, r->buffer, size, &got, err);
    if (code == PS_OK && got < size) {
        return snapshot_damaged(r->path, r->offset + got, PS_WHY("the file is too short"), err);
    }
    return code;
}

static ps_code reader_header(reader *r, uint64_t seq, ps_error *err)
{
    ps_code code = reader_read(r, PS_PAGE, err);
    if (code != PS_OK) {
        return code;
    }
    ps_snapshot_header *header = &r->header;
    const char *why = ps_page_decode(r->buffer, PS_SNAPSHOT_MAGIC, header, sizeof *header);
    if (why != NULL) {
        return snapshot_damaged(r->path, 0, why, err);
    }
    if (header->version > PS_SNAPSHOT_VERSION) {
        PS_SOMETIMES("snapshot: newer format");
        return ps_error_set(err, PS_E_VERSION, "%s: written by a newer format", r->path);
    }
    if (header->seq != seq) {
        return snapshot_damaged(r->path, 0, PS_WHY("another snapshot under this name"), err);
    }
    if (!ps_u128_equal(header->instance, r->shape->instance)) {
        PS_SOMETIMES("snapshot: of another journal");
        return ps_error_set(err, PS_E_UNSUPPORTED, "%s: snapshot of another journal", r->path);
    }
    if (header->layout_version != r->shape->layout_version ||
        header->region_count != r->shape->region_count) {
        PS_SOMETIMES("snapshot: another layout");
        return ps_error_set(err, PS_E_UNSUPPORTED, "%s: layout %u, this program has %u", r->path,
                            header->layout_version, r->shape->layout_version);
    }
    r->chain = ps_xxh3_128(r->buffer, PS_PAGE);
    r->offset = PS_PAGE;
    return PS_OK;
}

/* The block of region `region` at `offset`: its place and size are known before it is read. */
static ps_code reader_block(reader *r, uint32_t region, uint64_t offset, ps_error *err)
{
    uint64_t rest = r->header.region_sizes[region] - offset;
    uint32_t size = rest < PS_REGION_CHUNK ? (uint32_t)rest : PS_REGION_CHUNK;
    uint32_t padded_size = ps_format_pad(size, 8);
    ps_snapshot_block block;
    ps_code code = reader_read(r, (uint32_t)sizeof block + padded_size, err);
    if (code != PS_OK) {
        return code;
    }
    memcpy(&block, r->buffer, sizeof block);
    const char *data = r->buffer + sizeof block;
    if (block.crc != block_crc(&block)) {
        return snapshot_damaged(r->path, r->offset, PS_WHY("block header checksum"), err);
    }
    if (block.region != region || block.offset != offset || block.size != size ||
        block.ordinal != r->block_count || block.seq_low != (uint32_t)r->header.seq) {
        return snapshot_damaged(r->path, r->offset, PS_WHY("block out of order"), err);
    }
    if (!ps_u128_equal(block.hash, ps_xxh3_128(data, padded_size))) {
        return snapshot_damaged(r->path, r->offset, PS_WHY("block hash"), err);
    }
    if (r->fills) {
        void *to = ps_region_extend(r->shape->regions[region], size);
        if (to == NULL) {
            PS_SOMETIMES("snapshot: a region is too small");
            return ps_region_too_small(r->shape->regions[region], err);
        }
        memcpy(to, data, size);
    }
    r->chain = chain_next(r->chain, &block);
    r->offset += sizeof block + padded_size;
    r->block_count++;
    return PS_OK;
}

static ps_code reader_trailer(reader *r, ps_error *err)
{
    ps_code code = reader_read(r, PS_PAGE, err);
    uint64_t file_size = 0;
    if (code == PS_OK) {
        code = ps_io_size(r->io, r->file, &file_size, err);
    }
    if (code != PS_OK) {
        return code;
    }
    ps_snapshot_trailer trailer;
    const char *why = ps_page_decode(r->buffer, PS_SNAPSHOT_END_MAGIC, &trailer, sizeof trailer);
    if (why == NULL && trailer.version != r->header.version) {
        why = PS_WHY("trailer version");
    } else if (why == NULL && (trailer.block_count != r->block_count ||
                               memcmp(trailer.region_sizes, r->header.region_sizes,
                                      sizeof trailer.region_sizes) != 0)) {
        why = PS_WHY("trailer counts");
    } else if (why == NULL && !ps_u128_equal(trailer.hash, r->chain)) {
        why = PS_WHY("whole-file hash");
    } else if (why == NULL &&
               (trailer.file_size != file_size || file_size != r->offset + PS_PAGE)) {
        why = PS_WHY("file size");
    }
    return why == NULL ? PS_OK : snapshot_damaged(r->path, r->offset, why, err);
}

static ps_code reader_all(reader *r, uint64_t seq, ps_error *err)
{
    ps_code code = reader_header(r, seq, err);
    for (uint32_t i = 0; code == PS_OK && i < r->header.region_count; i++) {
        uint64_t size = r->header.region_sizes[i];
        for (uint64_t at = 0; code == PS_OK && at < size; at += PS_REGION_CHUNK) {
            code = reader_block(r, i, at, err);
        }
    }
    return code == PS_OK ? reader_trailer(r, err) : code;
}

static ps_code snapshot_read(ps_io *io, const char *path, const ps_snapshot_shape *shape,
                             uint64_t seq, bool fills, ps_error *err)
{
    reader r = {.io = io, .path = path, .shape = shape, .fills = fills};
    r.buffer = malloc(SLOT_SIZE);
    if (r.buffer == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to read %s", path);
    }
    ps_code code = ps_io_open(io, path, PS_OPEN_READ, &r.file, err);
    if (code == PS_OK) {
        code = reader_all(&r, seq, err);
    }
    ps_io_close(io, r.file);
    free(r.buffer);
    return code;
}

ps_code ps_snapshot_load(ps_io *io, const char *dir, const char *name,
                         const ps_snapshot_shape *shape, uint64_t *out_seq, ps_error *err)
{
    uint64_t seq = 0;
    bool fills = shape->regions != NULL;
    if (!snapshot_name_parse(name, &seq) || strlen(dir) > PS_PATH_MAX - 64) {
        return ps_error_set(err, PS_E_INVALID, "%s is not the name of a snapshot", name);
    }
    for (uint32_t i = 0; fills && i < shape->region_count; i++) {
        PS_ASSERT(shape->regions[i]->size == 0);
    }
    char path[PS_PATH_MAX];
    snapshot_path(dir, name, "", path);
    ps_code code = snapshot_read(io, path, shape, seq, fills, err);
    if (code == PS_OK) {
        *out_seq = seq;
        return PS_OK;
    }
    for (uint32_t i = 0; fills && i < shape->region_count; i++) {
        ps_region_clear(shape->regions[i]);
    }
    return code;
}

/* ── writing: the writer's side ── */

static ps_code write_slot(ps_snapshot_writer *writer, char *slot, ps_error *err)
{
    ps_snapshot_block block;
    memcpy(&block, slot, sizeof block);
    uint32_t padded_size = ps_format_pad(block.size, 8);
    block.hash = ps_xxh3_128(slot + sizeof block, padded_size);
    block.crc = block_crc(&block);
    memcpy(slot, &block, sizeof block);
    uint32_t size = (uint32_t)sizeof block + padded_size;
    ps_code code = ps_io_write(writer->io, writer->file, writer->file_size, slot, size, err);
    if (code == PS_OK) {
        writer->chain = chain_next(writer->chain, &block);
        writer->file_size += size;
        writer->block_count++;
    }
    return code;
}

static ps_code write_trailer(ps_snapshot_writer *writer, ps_error *err)
{
    ps_snapshot_trailer trailer = {
        .version = PS_SNAPSHOT_VERSION,
        .block_count = writer->block_count,
        .file_size = writer->file_size + PS_PAGE,
        .hash = writer->chain,
    };
    memcpy(trailer.magic, PS_SNAPSHOT_END_MAGIC, sizeof trailer.magic);
    memcpy(trailer.region_sizes, writer->header.region_sizes, sizeof trailer.region_sizes);
    char page[PS_PAGE];
    ps_page_encode(&trailer, sizeof trailer, page);
    return ps_io_write(writer->io, writer->file, writer->file_size, page, sizeof page, err);
}

/* LCOV_EXCL_START
 * The planted bug: the older ones go while the new one is only in the page cache. */
static ps_code planted_delete_early(ps_snapshot_writer *writer, ps_error *err)
{
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 0;
    ps_code code = ps_snapshot_list(writer->io, writer->dir, entries, &count, err);
    for (size_t i = 0; code == PS_OK && i < count; i++) {
        char path[PS_PATH_MAX];
        snapshot_path(writer->dir, entries[i].name, "", path);
        code = ps_io_unlink(writer->io, path, err);
    }
    return code == PS_OK ? ps_io_sync_dir(writer->io, writer->dir, err) : code;
} /* LCOV_EXCL_STOP */

static ps_code writer_finish(ps_snapshot_writer *writer, ps_error *err)
{
    ps_code code = write_trailer(writer, err);
    if (code == PS_OK && PS_PLANTED(PS_BUG_DELETE_SNAPSHOT_EARLY)) {
        code = planted_delete_early(writer, err);
    }
    if (code == PS_OK) {
        code = ps_io_datasync(writer->io, writer->file, err);
    }
    if (code == PS_OK) {
        code = snapshot_read(writer->io, writer->tmp_path, &writer->shape, writer->header.seq,
                             false, err);
    }
    if (code == PS_OK) {
        code = ps_io_rename(writer->io, writer->tmp_path, writer->path, err);
        writer->is_done = code == PS_OK; /* from here on there is nothing temporary to remove */
    }
    return code == PS_OK ? ps_io_sync_dir(writer->io, writer->dir, err) : code;
}

/* 256 KiB: what a snapshot leaves to the page cache goes to the disk in one piece later, and holds
 * up the journal's syncs for as long as that takes. */
enum { CHUNKS_PER_WRITE_OUT = 4 };

static ps_code write_out(ps_snapshot_writer *writer, ps_error *err)
{
    uint64_t from = writer->out_size;
    writer->out_size = writer->file_size;
    return ps_io_write_out(writer->io, writer->file, from, writer->file_size - from, err);
}

ps_code ps_snapshot_write_chunks(ps_snapshot_writer *writer, bool *out_done, ps_error *err)
{
    if (writer->has_failed) {
        PS_SOMETIMES("snapshot: a failed writer is asked again");
        *err = writer->failure;
        return err->code;
    }
    /* all_taken first: the chunks that it covers are then visible */
    bool all_taken = atomic_load_explicit(&writer->all_taken, memory_order_acquire);
    uint64_t taken = atomic_load_explicit(&writer->taken, memory_order_acquire);
    uint64_t written = atomic_load_explicit(&writer->written, memory_order_relaxed);
    ps_code code = PS_OK;
    while (code == PS_OK && written < taken) {
        code = write_slot(writer, writer->slots + written % SLOT_COUNT * SLOT_SIZE, err);
        written += code == PS_OK;
        if (code == PS_OK && written % CHUNKS_PER_WRITE_OUT == 0) {
            code = write_out(writer, err);
        }
        atomic_store_explicit(&writer->written, written, memory_order_release);
    }
    if (code == PS_OK && all_taken && !writer->is_done) {
        code = writer_finish(writer, err);
    }
    if (code != PS_OK) {
        PS_SOMETIMES("snapshot: writing fails");
        writer->has_failed = true;
        writer->failure = *err;
        return code;
    }
    *out_done = writer->is_done;
    return PS_OK;
}

void ps_snapshot_end(ps_snapshot_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    for (uint32_t i = 0; i < writer->shape.region_count; i++) {
        ps_region_thaw(writer->shape.regions[i]);
    }
    ps_io_close(writer->io, writer->file);
    if (!writer->is_done) {
        PS_SOMETIMES("snapshot: an unfinished file is removed");
        ps_error err; /* a left-over is harmless, prune removes it */
        (void)!ps_io_unlink(writer->io, writer->tmp_path, &err);
    }
    free(writer->slots);
    free(writer);
}

/* ── the directory ── */

static ps_code list_directory(ps_io *io, const char *dir, ps_dir_entry **out_entries,
                              size_t *out_count, ps_error *err)
{
    ps_dir_entry *entries = calloc(LIST_MAX, sizeof *entries);
    if (entries == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to list %s", dir);
    }
    ps_code code = ps_io_list(io, dir, entries, LIST_MAX, out_count, err);
    if (code != PS_OK) {
        free(entries);
        return code;
    }
    *out_entries = entries;
    return PS_OK;
}

ps_code ps_snapshot_list(ps_io *io, const char *dir,
                         ps_snapshot_entry out_entries[PS_SNAPSHOT_ENTRIES_MAX], size_t *out_count,
                         ps_error *err)
{
    ps_dir_entry *entries = NULL;
    size_t entry_count = 0;
    ps_code code = list_directory(io, dir, &entries, &entry_count, err);
    if (code != PS_OK) {
        return code;
    }
    size_t count = 0;
    for (size_t i = entry_count; i > 0 && count < PS_SNAPSHOT_ENTRIES_MAX; i--) {
        uint64_t seq = 0;
        if (!entries[i - 1].is_directory && snapshot_name_parse(entries[i - 1].name, &seq)) {
            out_entries[count].seq = seq;
            snapshot_name(seq, out_entries[count].name);
            count++;
        }
    }
    free(entries);
    *out_count = count;
    return PS_OK;
}

static bool is_left_over(const char *name)
{
    size_t size = strlen(name);
    size_t suffix_size = sizeof SNAPSHOT_TMP_SUFFIX - 1;
    return size == SNAPSHOT_NAME_SIZE + suffix_size &&
           strncmp(name, SNAPSHOT_PREFIX, sizeof SNAPSHOT_PREFIX - 1) == 0 &&
           strcmp(name + SNAPSHOT_NAME_SIZE, SNAPSHOT_TMP_SUFFIX) == 0;
}

ps_code ps_snapshot_prune(ps_io *io, const char *dir, ps_error *err)
{
    ps_dir_entry *entries = NULL;
    size_t count = 0;
    ps_code code = list_directory(io, dir, &entries, &count, err);
    if (code != PS_OK) {
        return code;
    }
    uint32_t kept = 0;
    uint32_t removed = 0;
    for (size_t i = count; code == PS_OK && i > 0; i--) {
        uint64_t seq = 0;
        const ps_dir_entry *entry = &entries[i - 1];
        bool is_snapshot = !entry->is_directory && snapshot_name_parse(entry->name, &seq);
        kept += is_snapshot;
        if ((is_snapshot && kept > 2) || (!entry->is_directory && is_left_over(entry->name))) {
            PS_SOMETIMES_WHEN(is_snapshot, "snapshot: an old one is removed");
            PS_SOMETIMES_WHEN(!is_snapshot, "snapshot: a left-over is removed");
            char path[PS_PATH_MAX];
            snapshot_path(dir, entry->name, "", path);
            code = ps_io_unlink(io, path, err);
            removed++;
        }
    }
    free(entries);
    return code == PS_OK && removed > 0 ? ps_io_sync_dir(io, dir, err) : code;
}
