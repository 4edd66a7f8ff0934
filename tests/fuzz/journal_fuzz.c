/* Fuzzes recovery, cursors and scrub. The input is a list of patches to a valid, sealed journal on
 * the simulated disk:
 *   byte 0       1: checksums are put right after patching, so that the checks behind them are met
 *   then, repeated: file (1), offset (2), size (1), bytes
 * Without put-right checksums the outcome is the same records or a refusal; anything else aborts. */
#include <stdlib.h>

#include "base/io_sim.h"
#include "journal/format.h"
#include "journal/journal.h"

#define DIR_NAME "j"

static const ps_journal_options options = {.segment_size = 16384, .batch_size_max = 4096};
static const char *const paths[] = {DIR_NAME "/seg-0000000000000001",
                                    DIR_NAME "/seg-0000000000000002",
                                    DIR_NAME "/seg-0000000000000003", DIR_NAME "/watermark"};
enum { PATH_COUNT = 4, COMMITS = 6, RECORDS = 5 * COMMITS, FILE_SIZE_MAX = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ps_sim *make_journal(void)
{
    ps_error err;
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    PS_ASSERT(ps_io_make_dir(io, DIR_NAME, &err) == PS_OK);
    PS_ASSERT(ps_io_sync_dir(io, ".", &err) == PS_OK);
    PS_ASSERT(ps_journal_create(io, DIR_NAME, &options, &err) == PS_OK);
    PS_ASSERT(ps_journal_open(io, DIR_NAME, &options, 1, &journal, &recovery, &err) == PS_OK);
    for (uint32_t i = 0; i < COMMITS; i++) {
        PS_ASSERT(ps_journal_prepare(journal, &err) == PS_OK);
        ps_record_batch *batch = ps_journal_batch(journal);
        for (uint32_t k = 0; k < 5; k++) {
            char *at = ps_record_batch_reserve(batch, 100);
            PS_ASSERT(at != NULL);
            memset(at, (int)ps_journal_next_seq(journal), 100);
            (void)ps_record_batch_append(batch, 1, 60 + k);
        }
        PS_ASSERT(ps_journal_commit(journal, ps_journal_batch_close(journal), &err) == PS_OK);
    }
    PS_ASSERT(ps_journal_seal(journal, true, &err) == PS_OK);
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    return sim;
}

/* Header pages and batches of a segment, as far as their fields stay within the file. */
static void put_right(char *bytes, size_t size)
{
    for (size_t at = 0; at + PS_PAGE <= size; at += PS_PAGE) {
        char *page = bytes + at;
        if (memcmp(page, PS_SEGMENT_MAGIC, 8) == 0 && ps_get_u32(page + 40) > 4 * FILE_SIZE_MAX) {
            continue; /* a segment of 1 GiB would be given its lost zeros back, in memory */
        }
        if (memcmp(page, PS_SEGMENT_MAGIC, 8) == 0 || memcmp(page, PS_WATERMARK_MAGIC, 8) == 0) {
            ps_put_u32(page + 8, ps_crc32c(0, page + 12, PS_PAGE - 12));
            continue;
        }
        ps_batch_header header;
        memcpy(&header, page, sizeof header);
        if (header.magic != PS_BATCH_MAGIC || header.size < sizeof header ||
            header.size > size - at || ps_format_pad(header.size, PS_PAGE) > size - at) {
            continue;
        }
        for (size_t r = sizeof header; r + sizeof(ps_record_header) <= PS_PAGE;) {
            uint32_t payload_size = ps_get_u32(page + r + 4);
            if (ps_get_u64(page + r + 8) == 0 || payload_size > PS_PAGE - r - 40) {
                break;
            }
            ps_put_u32(page + r + 28, ps_crc32c(0, page + r + 40, ps_format_pad(payload_size, 8)));
            ps_put_u32(page + r, ps_crc32c(0, page + r + 4, 36));
            r += 40 + ps_format_pad(payload_size, 8);
        }
        header.hash = ps_xxh3_128(page + 24, ps_format_pad(header.size, PS_PAGE) - 24);
        memcpy(page, &header, sizeof header);
        ps_put_u32(page + 4, ps_crc32c(0, page + 8, sizeof header - 8));
    }
}

static void patch(ps_sim *sim, const uint8_t *data, size_t size, bool fix)
{
    static char bytes[PATH_COUNT][FILE_SIZE_MAX];
    size_t sizes[PATH_COUNT];
    for (size_t i = 0; i < PATH_COUNT; i++) {
        ps_slice file = {0};
        (void)!ps_sim_file_get(sim, paths[i], &file);
        sizes[i] = file.size;
        memcpy(bytes[i], file.data, file.size);
    }
    while (size >= 4) {
        size_t i = data[0] % PATH_COUNT;
        size_t offset = ps_get_u16(data + 1) % sizes[i];
        size_t count = data[3];
        data += 4;
        size -= 4;
        count = count < size ? count : size;
        count = count < sizes[i] - offset ? count : sizes[i] - offset;
        memcpy(bytes[i] + offset, data, count);
        data += count;
        size -= count;
    }
    for (size_t i = 0; i < PATH_COUNT; i++) {
        if (fix) {
            put_right(bytes[i], sizes[i]);
        }
        (void)!ps_sim_file_set(sim, paths[i], ps_slice_of(bytes[i], sizes[i]));
    }
}

static void read_all(ps_journal *journal, bool must_be_right)
{
    ps_error err;
    ps_journal_cursor *cursor = NULL;
    PS_ASSERT(ps_journal_cursor_new(journal, &cursor, &err) == PS_OK);
    ps_record record;
    uint64_t seq = 1;
    while (ps_journal_cursor_next(cursor, &record, &err) == PS_OK) {
        if (must_be_right) {
            PS_ASSERT(record.seq == seq && record.payload.size == 60 + (seq - 1) % 5);
            PS_ASSERT(record.payload.data[0] == (char)seq);
        }
        seq++;
    }
    (void)!ps_journal_cursor_read(cursor, 17, &record, &err);
    ps_journal_cursor_free(cursor);
    bool wrapped = false;
    (void)!ps_journal_scrub_step(journal, 1 << 20, &wrapped, &err);
    if (must_be_right) {
        PS_ASSERT(seq == RECORDS + 1 && ps_journal_durable_seq(journal) == RECORDS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ps_sim *base;
    if (size < 1) {
        return 0;
    }
    if (base == NULL) {
        base = make_journal();
    }
    bool fix = data[0] % 2 == 1;
    ps_sim *sim = ps_sim_clone(base);
    patch(sim, data + 1, size - 1, fix);
    ps_error err;
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    uint64_t scan_from = data[0] / 2 % 40;
    if (ps_journal_open(ps_sim_io(sim), DIR_NAME, &options, scan_from, &journal, &recovery, &err) ==
        PS_OK) {
        read_all(journal, !fix && scan_from <= 1);
    }
    ps_journal_close(journal);
    ps_sim_free(sim);
    return 0;
}
