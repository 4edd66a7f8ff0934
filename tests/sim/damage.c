#include "damage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/format.h"
#include "journal/journal.h"
#include "journal/snapshot.h"

#define DIR "j"
#define SEG_1 "j/seg-0000000000000001"
#define SEG_2 "j/seg-0000000000000002"
#define SEG_3 "j/seg-0000000000000003"
#define WATERMARK "j/watermark"

static char failure[700];

PS_PRINTF(1, 2) static const char *fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure, sizeof failure, format, arguments);
    va_end(arguments);
    return failure;
}

static void must(ps_code code)
{
    PS_ASSERT(code == PS_OK);
}

/* ── a journal with known records ── */

typedef struct {
    ps_journal_options options;
    uint32_t batches;
    uint32_t records; /* of each batch */
    uint32_t payload_size;
    bool watermark; /* a witness of how far it is durable */
    bool prepared;  /* a segment is ready behind the last batch */
    bool seals;     /* one after each batch */
} plan;

/* 16 KiB: three batches of a page fill a segment; the fourth and fifth are in the second one. The
 * records of a batch are 80 bytes each, the last one at RECORD. */
static const plan small = {{16384, 4096, false}, 5, 5, 40, true, true, false};
/* Nothing says how far it was synced but the journal itself. */
static const plan silent = {{16384, 4096, false}, 5, 5, 40, false, false, false};
static const plan silent_prepared = {{16384, 4096, false}, 5, 5, 40, false, true, false};
/* Two pages a batch: a segment ends in zeros. */
static const plan ragged = {{24576, 8192, false}, 3, 5, 900, true, true, false};
/* A batch of 60 KiB with three marks. */
static const plan large = {{139264, 65536, false}, 3, 60, 960, true, true, false};

/* A seal after each batch: the first one at BATCH_2. */
static const plan sealed = {{16384, 4096, false}, 4, 5, 40, true, true, true};

enum {
    BATCH_1 = 4096,
    BATCH_2 = 8192,
    BATCH_3 = 12288,
    BATCH_4 = 4096, /* of the second segment */
    BATCH_5 = 8192,
    RECORD = 96 + 4 * 80,
    MARK = 96 + 60 * 1000 /* of the large plan: the first mark in its batch */
};

static void payload_fill(char *to, uint64_t seq, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        to[i] = (char)(seq * 131 + i * 7 + 1);
    }
}

static ps_sim *journal_make(const plan *p)
{
    ps_error err;
    ps_sim *sim = ps_sim_new(11);
    PS_ASSERT(sim != NULL);
    ps_io *io = ps_sim_io(sim);
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    must(ps_io_make_dir(io, DIR, &err));
    must(ps_io_sync_dir(io, ".", &err));
    must(ps_journal_create(io, DIR, &p->options, &err));
    must(ps_journal_open(io, DIR, &p->options, 1, &journal, &recovery, &err));
    for (uint32_t i = 0; i < p->batches; i++) {
        if (!ps_journal_has_room(journal) || p->prepared) {
            must(ps_journal_prepare(journal, &err));
        }
        ps_record_batch *batch = ps_journal_batch(journal);
        for (uint32_t k = 0; k < p->records; k++) {
            char *at = ps_record_batch_reserve(batch, p->payload_size);
            PS_ASSERT(at != NULL);
            payload_fill(at, ps_journal_next_seq(journal), p->payload_size);
            (void)ps_record_batch_append(batch, 1, p->payload_size);
        }
        must(ps_journal_commit(journal, ps_journal_batch_close(journal), &err));
        if (p->seals) {
            must(ps_journal_seal(journal, false, &err));
        }
    }
    if (p->watermark) {
        must(ps_journal_seal(journal, true, &err));
    }
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    return sim;
}

/* ── one piece of damage ── */

typedef enum {
    STAMP_NONE,
    STAMP_PAGE,  /* of the page that holds the bytes */
    STAMP_BATCH, /* hash and header of the batch at `batch` */
    STAMP_RECORD /* the header of its last record, then the batch */
} stamp;

typedef struct {
    const char *path; /* NULL: nothing */
    uint32_t at;
    uint32_t size; /* of the value, 1 … 8 bytes; 0: the file is cut or grown to `at` */
    uint64_t value;
    stamp stamp;
    uint32_t batch;
} patch;

/* Of the batch at `bytes`, with `room` bytes to the end of the file; its size may be a lie. */
static void batch_stamp(char *bytes, size_t room)
{
    ps_batch_header header;
    memcpy(&header, bytes, sizeof header);
    uint32_t padded_size = header.size < room ? ps_format_pad(header.size, PS_PAGE) : PS_PAGE;
    header.hash = ps_xxh3_128(bytes + 24, padded_size - 24);
    memcpy(bytes, &header, sizeof header);
    ps_put_u32(bytes + 4, ps_crc32c(0, bytes + 8, sizeof header - 8));
}

static void patch_apply(ps_sim *sim, const patch *p)
{
    ps_slice old;
    bool found = ps_sim_file_get(sim, p->path, &old);
    PS_ASSERT(found);
    size_t size = p->size == 0 ? p->at : old.size;
    char *bytes = calloc(1, size > old.size ? size : old.size);
    PS_ASSERT(bytes != NULL);
    memcpy(bytes, old.data, old.size);
    memcpy(bytes + (p->size == 0 ? 0 : p->at), &p->value, p->size);
    char *page = bytes + p->at / PS_PAGE * PS_PAGE;
    switch (p->stamp) {
    case STAMP_NONE:
        break;
    case STAMP_PAGE:
        ps_put_u32(page + 8, ps_crc32c(0, page + 12, PS_PAGE - 12));
        break;
    case STAMP_RECORD:
        ps_put_u32(bytes + p->batch + RECORD, ps_crc32c(0, bytes + p->batch + RECORD + 4, 36));
        batch_stamp(bytes + p->batch, size - p->batch);
        break;
    case STAMP_BATCH:
        batch_stamp(bytes + p->batch, size - p->batch);
        break;
    }
    bool set = ps_sim_file_set(sim, p->path, ps_slice_of(bytes, size));
    PS_ASSERT(set);
    free(bytes);
}

/* ── under a journal that is to be opened ── */

/* True: the durable records are what was written. */
static bool records_hold(ps_journal *journal, const plan *p)
{
    ps_error err;
    ps_journal_cursor *cursor = NULL;
    must(ps_journal_cursor_new(journal, &cursor, &err));
    bool good = true;
    char expected[1024];
    for (uint64_t seq = 1; good && seq <= ps_journal_durable_seq(journal); seq++) {
        ps_record record;
        payload_fill(expected, seq, p->payload_size);
        good = ps_journal_cursor_next(cursor, &record, &err) == PS_OK &&
               ps_slice_equal(record.payload, ps_slice_of(expected, p->payload_size));
    }
    ps_journal_cursor_free(cursor);
    return good;
}

typedef struct {
    const char *name;
    const plan *plan;
    patch patch;
    ps_code code;
    const char *text; /* of the refusal; NULL: any */
    uint64_t durable; /* when it opens */
} open_row;

static const open_row open_rows[] = {
    {"magic of a segment", &small, {SEG_2, 0, 4, 1, 0, 0}, PS_E_DAMAGED, "not this kind of", 0},
    {"bits of a header", &small, {SEG_2, 16, 4, 1, 0, 0}, PS_E_DAMAGED, "header checksum", 0},
    {"reserved bytes", &small, {SEG_2, 4000, 1, 1, STAMP_PAGE, 0}, PS_E_DAMAGED, "reserved", 0},
    {"newer version", &small, {SEG_2, 12, 4, 2, STAMP_PAGE, 0}, PS_E_VERSION, "newer", 0},
    {"newer flags", &small, {SEG_2, 48, 4, 1, STAMP_PAGE, 0}, PS_E_VERSION, "newer", 0},
    {"instance", &small, {SEG_2, 16, 8, 1, STAMP_PAGE, 0}, PS_E_DAMAGED, "another journal", 0},
    {"id", &small, {SEG_2, 32, 8, 1, STAMP_PAGE, 0}, PS_E_DAMAGED, "under this name", 0},
    {"salt", &small, {SEG_2, 44, 4, 1, STAMP_PAGE, 0}, PS_E_DAMAGED, "fields of the segment", 0},
    {"reserved field", &small, {SEG_2, 52, 4, 1, STAMP_PAGE, 0}, PS_E_DAMAGED, "fields of", 0},
    {"size 0", &small, {SEG_2, 40, 4, 0, STAMP_PAGE, 0}, PS_E_DAMAGED, "fields of", 0},
    {"an odd size", &small, {SEG_2, 40, 4, 16385, STAMP_PAGE, 0}, PS_E_DAMAGED, "fields of", 0},
    {"2 GiB", &small, {SEG_2, 40, 4, 1u << 31, STAMP_PAGE, 0}, PS_E_DAMAGED, "fields of", 0},
    {"too long", &small, {SEG_2, 16385, 0, 0, 0, 0}, PS_E_DAMAGED, "longer than its", 0},
    {"zeros cut off", &small, {SEG_2, 16383, 0, 0, 0, 0}, PS_OK, NULL, 25},
    {"the newer slot", &small, {WATERMARK, 4096 + 40, 1, 9, 0, 0}, PS_OK, NULL, 25},
    {"slots swapped", &small, {WATERMARK, 4096 + 32, 8, 2, STAMP_PAGE, 0}, PS_OK, NULL, 25},
    {"newer slot", &small, {WATERMARK, 4096 + 12, 4, 2, STAMP_PAGE, 0}, PS_E_VERSION, "newer", 0},
    {"no slot", &small, {WATERMARK, 0, 0, 0, 0, 0}, PS_E_DAMAGED, "no valid slot", 0},
    {"witnessed", &small, {SEG_2, BATCH_5 + 30, 1, 9, 0, 0}, PS_E_DAMAGED, "the watermark", 0},
    {"segments", &silent_prepared, {SEG_1, BATCH_1, 1, 9, 0, 0}, PS_E_DAMAGED, "later segments", 0},
    {"data", &silent, {SEG_1, BATCH_3, 1, 9, 0, 0}, PS_E_DAMAGED, "a later segment has data", 0},
    {"batch", &silent, {SEG_2, BATCH_4, 1, 9, 0, 0}, PS_E_DAMAGED, "a later batch proves", 0},
    {"stranger",
     &silent,
     {SEG_2, BATCH_5 + 40, 4, 9, STAMP_BATCH, BATCH_5},
     PS_E_DAMAGED,
     "out of sequence",
     0},
    /* the blind spot: the last batch without a successor */
    {"last", &silent, {SEG_2, BATCH_5 + 200, 1, 9, 0, 0}, PS_OK, NULL, 20},
    {"last, zeros", &silent, {SEG_2, BATCH_5, 0, 0, 0, 0}, PS_OK, NULL, 20},
};

static const char *open_check(const open_row *row)
{
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    const char *why = NULL;
    ps_sim *sim = journal_make(row->plan);
    patch_apply(sim, &row->patch);
    ps_code code =
        ps_journal_open(ps_sim_io(sim), DIR, &row->plan->options, 1, &journal, &recovery, &err);
    if (code != row->code) {
        why = fail("%s: opens with %s: %s", row->name, ps_code_name(code), err.text);
    } else if (code != PS_OK && row->text != NULL && strstr(err.text, row->text) == NULL) {
        why = fail("%s: refused with: %s", row->name, err.text);
    } else if (code == PS_OK && (ps_journal_durable_seq(journal) != row->durable ||
                                 !records_hold(journal, row->plan))) {
        why = fail("%s: opens with other records", row->name);
    }
    ps_journal_close(journal);
    ps_sim_free(sim);
    return why;
}

/* ── under a journal that is open ── */

/* In a cold segment; readers and scrub meet it. Right checksums but for the first ones. */
static const struct {
    const char *name;
    const plan *plan;
    patch patch;
    bool scrub_alone; /* a reader does not look there */
} live_rows[] = {
    {"no batch", &small, {SEG_1, BATCH_1, 4, 7, STAMP_BATCH, BATCH_1}, false},
    {"batch header checksum", &small, {SEG_1, BATCH_1 + 24, 1, 7, 0, 0}, false},
    {"batch of another segment", &small, {SEG_1, BATCH_1 + 56, 8, 7, STAMP_BATCH, BATCH_1}, false},
    {"salt of another segment", &small, {SEG_1, BATCH_1 + 64, 4, 7, STAMP_BATCH, BATCH_1}, false},
    {"batch of another place", &small, {SEG_1, BATCH_1 + 84, 4, 8192, STAMP_BATCH, BATCH_1}, false},
    {"flags", &small, {SEG_1, BATCH_1 + 80, 4, 2, STAMP_BATCH, BATCH_1}, false},
    {"a seal with records", &small, {SEG_1, BATCH_1 + 80, 4, 1, STAMP_BATCH, BATCH_1}, false},
    {"no records", &small, {SEG_1, BATCH_1 + 68, 4, 0, STAMP_BATCH, BATCH_1}, false},
    {"reserved", &small, {SEG_1, BATCH_1 + 88, 8, 1, STAMP_BATCH, BATCH_1}, false},
    {"seq 0", &small, {SEG_1, BATCH_1 + 24, 8, 0, STAMP_BATCH, BATCH_1}, false},
    {"durable before it is written",
     &small,
     {SEG_1, BATCH_2 + 32, 8, 6, STAMP_BATCH, BATCH_2},
     false},
    {"batch size", &small, {SEG_1, BATCH_1 + 72, 4, 1u << 20, STAMP_BATCH, BATCH_1}, false},
    {"too small for its records",
     &small,
     {SEG_1, BATCH_1 + 72, 4, 200, STAMP_BATCH, BATCH_1},
     false},
    {"no room for the closing zeros",
     &small,
     {SEG_1, BATCH_3 + 72, 4, 4097, STAMP_BATCH, BATCH_3},
     false},
    {"a batch is missing", &small, {SEG_1, BATCH_1 + 24, 8, 2, STAMP_BATCH, BATCH_1}, false},
    {"one record too many", &small, {SEG_1, BATCH_1 + 68, 4, 6, STAMP_BATCH, BATCH_1}, false},
    {"one record too few", &small, {SEG_1, BATCH_3 + 68, 4, 4, STAMP_BATCH, BATCH_3}, false},
    {"previous batch", &small, {SEG_1, BATCH_2 + 40, 8, 7, STAMP_BATCH, BATCH_2}, true},
    {"batch hash", &small, {SEG_1, BATCH_1 + 600, 1, 7, 0, 0}, true},
    {"record header checksum",
     &small,
     {SEG_1, BATCH_1 + RECORD + 24, 1, 7, STAMP_BATCH, BATCH_1},
     false},
    {"record's salt", &small, {SEG_1, BATCH_1 + RECORD + 16, 4, 7, STAMP_RECORD, BATCH_1}, false},
    {"record's segment",
     &small,
     {SEG_1, BATCH_1 + RECORD + 20, 4, 7, STAMP_RECORD, BATCH_1},
     false},
    {"record's flags", &small, {SEG_1, BATCH_1 + RECORD + 25, 1, 1, STAMP_RECORD, BATCH_1}, false},
    {"record's 16 bits",
     &small,
     {SEG_1, BATCH_1 + RECORD + 26, 2, 1, STAMP_RECORD, BATCH_1},
     false},
    {"record's 32 bits",
     &small,
     {SEG_1, BATCH_1 + RECORD + 36, 4, 1, STAMP_RECORD, BATCH_1},
     false},
    {"record's seq", &small, {SEG_1, BATCH_1 + RECORD + 8, 8, 9, STAMP_RECORD, BATCH_1}, false},
    {"record's size", &small, {SEG_1, BATCH_1 + RECORD + 4, 4, 48, STAMP_RECORD, BATCH_1}, false},
    {"record's huge size",
     &small,
     {SEG_1, BATCH_1 + RECORD + 4, 4, 1u << 30, STAMP_RECORD, BATCH_1},
     false},
    {"record chain", &small, {SEG_1, BATCH_1 + RECORD + 32, 4, 9, STAMP_RECORD, BATCH_1}, false},
    {"payload checksum",
     &small,
     {SEG_1, BATCH_1 + RECORD + 40, 1, 99, STAMP_BATCH, BATCH_1},
     false},
    {"the file is too short", &small, {SEG_1, 6000, 0, 0, 0, 0}, false},
    {"segment header", &small, {SEG_1, 44, 4, 9, STAMP_PAGE, 0}, true},
    {"segment header's checksum", &small, {SEG_1, 44, 4, 9, 0, 0}, true},
    {"a mark to another record",
     &large,
     {SEG_1, BATCH_1 + MARK + 4, 4, 96, STAMP_BATCH, BATCH_1},
     false},
    {"a mark with another number",
     &large,
     {SEG_1, BATCH_1 + MARK, 4, 3, STAMP_BATCH, BATCH_1},
     false},
    {"a mark to the end",
     &large,
     {SEG_1, BATCH_1 + MARK + 4, 4, MARK - 8, STAMP_BATCH, BATCH_1},
     false},
    {"a mark beyond the end",
     &large,
     {SEG_1, BATCH_1 + MARK + 4, 4, MARK, STAMP_BATCH, BATCH_1},
     true},
    {"a mark between records",
     &large,
     {SEG_1, BATCH_1 + MARK + 4, 4, 97, STAMP_BATCH, BATCH_1},
     true},
    {"a seal of a later seq", &sealed, {SEG_1, BATCH_2 + 24, 8, 99, STAMP_BATCH, BATCH_2}, false},
    /* size and count of marks: one of zeros behind the others */
    {"a mark more",
     &large,
     {SEG_1, BATCH_1 + 72, 8, (MARK + 32) | 4ull << 32, STAMP_BATCH, BATCH_1},
     false},
    /* size without the marks, and none of them */
    {"no marks", &large, {SEG_1, BATCH_1 + 72, 8, MARK, STAMP_BATCH, BATCH_1}, true},
    {"a mark less", &large, {SEG_1, BATCH_1 + 76, 4, 2, STAMP_BATCH, BATCH_1}, true},
};

/* Every record by itself, from the last one on: right or an error. Returns the count of errors, or
 * UINT32_MAX for a wrong record. */
static uint32_t reads_fail(ps_journal *journal, const plan *p)
{
    ps_error err;
    ps_journal_cursor *cursor = NULL;
    uint32_t errors = 0;
    char expected[1024];
    must(ps_journal_cursor_new(journal, &cursor, &err));
    for (uint64_t seq = ps_journal_durable_seq(journal); seq > 0; seq--) {
        ps_record record;
        payload_fill(expected, seq, p->payload_size);
        ps_code code = ps_journal_cursor_read(cursor, seq, &record, &err);
        errors += code != PS_OK;
        if (code == PS_OK &&
            !ps_slice_equal(record.payload, ps_slice_of(expected, p->payload_size))) {
            ps_journal_cursor_free(cursor);
            return UINT32_MAX;
        }
    }
    /* and in order, over what is left */
    (void)!ps_journal_cursor_seek(cursor, 1, &err);
    ps_record record;
    while (ps_journal_cursor_next(cursor, &record, &err) == PS_OK) {
    }
    ps_journal_cursor_free(cursor);
    return errors;
}

static uint32_t scrub_errors(ps_journal *journal)
{
    ps_error err;
    bool wrapped = false;
    uint32_t errors = 0;
    for (uint32_t i = 0; i < 1000 && !wrapped; i++) {
        errors += ps_journal_scrub_step(journal, 4096, &wrapped, &err) != PS_OK;
    }
    PS_ASSERT(wrapped);
    return errors;
}

static const char *live_check(size_t i)
{
    ps_error err;
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    const char *why = NULL;
    const plan *p = live_rows[i].plan;
    const char *name = live_rows[i].name;
    ps_sim *sim = journal_make(p);
    must(ps_journal_open(ps_sim_io(sim), DIR, &p->options, 1, &journal, &recovery, &err));
    patch_apply(sim, &live_rows[i].patch);
    uint32_t errors = reads_fail(journal, p);
    if (errors == UINT32_MAX) {
        why = fail("%s: a reader gets a wrong record", name);
    } else if ((errors == 0) != live_rows[i].scrub_alone) {
        why = fail("%s: readers see %u errors", name, errors);
    } else if (scrub_errors(journal) != 1) {
        why = fail("%s: scrub does not report it once", name);
    }
    ps_journal_close(journal);
    journal = NULL;
    /* the witness outside of the journal refuses all of it at the next start */
    ps_code code = ps_journal_open(ps_sim_io(sim), DIR, &p->options, 1, &journal, &recovery, &err);
    if (why == NULL && code != PS_E_DAMAGED) {
        why = fail("%s: opens with %s", name, ps_code_name(code));
    }
    ps_journal_close(journal);
    ps_sim_free(sim);
    return why;
}

/* Scrub finds damage in a segment that recovery checked by its header alone. */
static const char *skipped_damage_check(void)
{
    ps_error err;
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    const patch p = {SEG_1, BATCH_1 + 8192, 1, 9, STAMP_NONE, 0};
    ps_sim *sim = journal_make(&ragged);
    patch_apply(sim, &p);
    must(ps_journal_open(ps_sim_io(sim), DIR, &ragged.options, 15, &journal, &recovery, &err));
    uint32_t errors = scrub_errors(journal);
    ps_journal_close(journal);
    ps_sim_free(sim);
    return errors == 1 ? NULL : fail("damage in a skipped segment is not found");
}

/* A segment that recovery checked by its header alone is scrubbed up to where the next one begins. */
static const char *skipped_check(void)
{
    ps_error err;
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_sim *sim = journal_make(&ragged);
    must(ps_journal_open(ps_sim_io(sim), DIR, &ragged.options, 15, &journal, &recovery, &err));
    uint32_t errors = scrub_errors(journal);
    bool holds = records_hold(journal, &ragged);
    ps_record record;
    ps_journal_cursor *cursor = NULL;
    must(ps_journal_cursor_new(journal, &cursor, &err));
    bool ends = ps_journal_cursor_read(cursor, 16, &record, &err) == PS_E_MISSING &&
                ps_journal_cursor_read(cursor, 15, &record, &err) == PS_OK &&
                ps_journal_cursor_next(cursor, &record, &err) == PS_E_MISSING;
    ps_journal_cursor_free(cursor);
    ps_journal_close(journal);
    ps_sim_free(sim);
    return errors == 0 && holds && ends ? NULL : fail("a skipped segment is not as it was");
}

/* ── names ── */

static const struct {
    const char *path; /* of the file that goes, or of the one that comes */
    bool comes;
    bool read_only;
    ps_code code;
    const char *text;
} name_rows[] = {
    {SEG_1, false, false, PS_E_DAMAGED, "seg-0000000000000001 should come first"},
    {WATERMARK, false, false, PS_E_DAMAGED, "watermark is missing"},
    {"j/seg-00000000000000ff", true, false, PS_E_DAMAGED, "should come first"},
    {"j/notes.txt", true, false, PS_E_DAMAGED, "does not belong to a journal"},
    {"j/next.tmp", true, false, PS_OK, NULL},
    {"j/torn.tmp", true, false, PS_OK, NULL},
    {"j/next.tmp", true, true, PS_OK, NULL},
    {"j/torn-0000000000000001-00001000", true, false, PS_OK, NULL},
};

static const char *name_check(size_t i)
{
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    const char *why = NULL;
    const char *path = name_rows[i].path;
    ps_sim *sim = journal_make(&small);
    bool done = name_rows[i].comes ? ps_sim_file_set(sim, path, PS_SLICE("bytes"))
                                   : ps_sim_file_remove(sim, path);
    PS_ASSERT(done);
    ps_journal_options options = small.options;
    options.read_only = name_rows[i].read_only;
    ps_code code = ps_journal_open(ps_sim_io(sim), DIR, &options, 1, &journal, &recovery, &err);
    if (code != name_rows[i].code ||
        (code != PS_OK && strstr(err.text, name_rows[i].text) == NULL)) {
        why = fail("%s %s: %s: %s", path, name_rows[i].comes ? "comes" : "goes", ps_code_name(code),
                   err.text);
    }
    ps_journal_close(journal);
    ps_sim_free(sim);
    return why;
}

static const char *no_segments_check(void)
{
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_sim *sim = journal_make(&small);
    bool done = ps_sim_file_remove(sim, SEG_1) && ps_sim_file_remove(sim, SEG_2);
    PS_ASSERT(done);
    (void)ps_sim_file_remove(sim, SEG_3);
    ps_code code =
        ps_journal_open(ps_sim_io(sim), DIR, &small.options, 1, &journal, &recovery, &err);
    ps_sim_free(sim);
    return code == PS_E_DAMAGED && strstr(err.text, "all segments are missing") != NULL
               ? NULL
               : fail("without segments: %s", err.text);
}

const char *damage_journal(void)
{
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < sizeof open_rows / sizeof open_rows[0]; i++) {
        why = open_check(&open_rows[i]);
    }
    for (size_t i = 0; why == NULL && i < sizeof live_rows / sizeof live_rows[0]; i++) {
        why = live_check(i);
    }
    for (size_t i = 0; why == NULL && i < sizeof name_rows / sizeof name_rows[0]; i++) {
        why = name_check(i);
    }
    why = why == NULL ? no_segments_check() : why;
    why = why == NULL ? skipped_check() : why;
    return why == NULL ? skipped_damage_check() : why;
}

/* ── a snapshot ── */

#define SNAPSHOT "s/snap-0000000000000009"

/* One region of 1,000 bytes and one of two blocks. */
enum {
    BLOCK_1 = 4096,
    BLOCK_2 = BLOCK_1 + 48 + 1000,
    BLOCK_3 = BLOCK_2 + 48 + 65536,
    TRAILER = BLOCK_3 + 48 + 504
};

typedef struct {
    ps_region region[2];
    ps_region *list[2];
    ps_snapshot_shape shape;
} state;

static void state_init(state *s)
{
    ps_error err;
    static const uint64_t sizes[2] = {1000, 65536 + 500};
    for (uint32_t i = 0; i < 2; i++) {
        must(ps_region_init(&s->region[i], i == 0 ? "one" : "two", 1 << 20, &err));
        s->list[i] = &s->region[i];
        char *at = ps_region_extend(&s->region[i], sizes[i]);
        PS_ASSERT(at != NULL);
        payload_fill(at, i, (uint32_t)sizes[i]);
    }
    s->shape = (ps_snapshot_shape){s->list, 2, 7, {1, 2}};
}

static void state_release(state *s)
{
    ps_region_release(&s->region[0]);
    ps_region_release(&s->region[1]);
}

static ps_code state_load(ps_sim *sim, const char *name, state *s, ps_error *err)
{
    uint64_t seq = 0;
    ps_region_clear(&s->region[0]);
    ps_region_clear(&s->region[1]);
    return ps_snapshot_load(ps_sim_io(sim), "s", name, &s->shape, &seq, err);
}

static void state_save(ps_sim *sim, state *s)
{
    ps_error err;
    ps_snapshot_writer *writer = NULL;
    bool done = false;
    must(ps_snapshot_begin(ps_sim_io(sim), "s", &s->shape, 9, &writer, &err));
    while (!done) {
        (void)!ps_snapshot_take_chunks(writer, 5);
        must(ps_snapshot_write_chunks(writer, &done, &err));
    }
    ps_snapshot_end(writer);
}

static const struct {
    const char *name;
    uint32_t at, size;
    uint64_t value;
    ps_code code;
    const char *text;
    bool unstamped;
} snapshot_rows[] = {
    {"a flipped bit", 600, 1, 1, PS_E_DAMAGED, "header checksum", true},
    {"reserved bytes", 600, 1, 1, PS_E_DAMAGED, "reserved bytes", false},
    {"magic", 0, 1, 1, PS_E_DAMAGED, "not this kind", false},
    {"version", 12, 4, 2, PS_E_VERSION, "newer format", false},
    {"seq", 32, 8, 8, PS_E_DAMAGED, "another snapshot under this name", false},
    {"instance", 16, 8, 9, PS_E_UNSUPPORTED, "another journal", false},
    {"layout", 40, 4, 8, PS_E_UNSUPPORTED, "layout 8", false},
    {"region count", 44, 4, 3, PS_E_UNSUPPORTED, "layout 7", false},
    {"cut in a block", 9000, 0, 0, PS_E_DAMAGED, "the file is too short", true},
    {"block header", BLOCK_2 + 8, 1, 8, PS_E_DAMAGED, "block header checksum", true},
    {"block's region", BLOCK_1 + 4, 4, 1, PS_E_DAMAGED, "block out of order", false},
    {"block's offset", BLOCK_1 + 8, 8, 8, PS_E_DAMAGED, "block out of order", false},
    {"block's size", BLOCK_1 + 16, 4, 999, PS_E_DAMAGED, "block out of order", false},
    {"block's seq", BLOCK_1 + 20, 4, 8, PS_E_DAMAGED, "block out of order", false},
    {"block's ordinal", BLOCK_1 + 40, 8, 1, PS_E_DAMAGED, "block out of order", false},
    {"block's bytes", BLOCK_1 + 100, 1, 1, PS_E_DAMAGED, "block hash", true},
    {"trailer's version", TRAILER + 12, 4, 2, PS_E_DAMAGED, "trailer version", false},
    {"trailer's count", TRAILER + 16, 8, 9, PS_E_DAMAGED, "trailer counts", false},
    {"trailer's sizes", TRAILER + 48, 8, 9, PS_E_DAMAGED, "trailer counts", false},
    {"trailer's hash", TRAILER + 32, 8, 9, PS_E_DAMAGED, "whole-file hash", false},
    {"trailer's file size", TRAILER + 24, 8, 9, PS_E_DAMAGED, "file size", false},
    {"a byte too many", TRAILER + 4097, 0, 0, PS_E_DAMAGED, "file size", true},
};

/* Page and block checksums made right again; the chain is not. */
static void snapshot_stamp(ps_sim *sim)
{
    ps_slice old;
    bool found = ps_sim_file_get(sim, SNAPSHOT, &old);
    PS_ASSERT(found && old.size == TRAILER + 4096);
    char *bytes = malloc(old.size);
    PS_ASSERT(bytes != NULL);
    memcpy(bytes, old.data, old.size);
    ps_put_u32(bytes + 8, ps_crc32c(0, bytes + 12, PS_PAGE - 12));
    ps_put_u32(bytes + BLOCK_1, ps_crc32c(0, bytes + BLOCK_1 + 4, 44));
    ps_put_u32(bytes + TRAILER + 8, ps_crc32c(0, bytes + TRAILER + 12, PS_PAGE - 12));
    (void)ps_sim_file_set(sim, SNAPSHOT, ps_slice_of(bytes, TRAILER + 4096));
    free(bytes);
}

static const char *snapshot_check(ps_sim *sim, size_t i, state *s)
{
    ps_error err = {0};
    const char *why = NULL;
    ps_sim *image = ps_sim_clone(sim);
    const patch p = {
        SNAPSHOT, snapshot_rows[i].at, snapshot_rows[i].size, snapshot_rows[i].value, STAMP_NONE,
        0};
    patch_apply(image, &p);
    if (!snapshot_rows[i].unstamped) {
        snapshot_stamp(image);
    }
    ps_code code = state_load(image, "snap-0000000000000009", s, &err);
    if (code != snapshot_rows[i].code || strstr(err.text, snapshot_rows[i].text) == NULL) {
        why = fail("snapshot, %s: %s: %s", snapshot_rows[i].name, ps_code_name(code), err.text);
    } else if (s->region[0].size + s->region[1].size != 0) {
        why = fail("snapshot, %s: something was filled", snapshot_rows[i].name);
    }
    ps_sim_free(image);
    return why;
}

static const char *small_region_check(ps_sim *sim, state *s)
{
    ps_error err = {0};
    ps_region tiny;
    must(ps_region_init(&tiny, "tiny", 65536, &err));
    s->list[1] = &tiny;
    ps_code code = state_load(sim, "snap-0000000000000009", s, &err);
    s->list[1] = &s->region[1];
    ps_region_release(&tiny);
    return code == PS_E_LIMIT ? NULL : fail("a region that is too small: %s", err.text);
}

const char *damage_snapshot(void)
{
    ps_error err = {0};
    const char *why = NULL;
    state s;
    state_init(&s);
    ps_sim *sim = ps_sim_new(12);
    PS_ASSERT(sim != NULL);
    must(ps_io_make_dir(ps_sim_io(sim), "s", &err));
    (void)ps_sim_file_set(sim, "s/snap-0000000000000009.tmp", PS_SLICE("left over"));
    state_save(sim, &s);
    for (size_t i = 0; why == NULL && i < sizeof snapshot_rows / sizeof snapshot_rows[0]; i++) {
        why = snapshot_check(sim, i, &s);
    }
    why = why == NULL ? small_region_check(sim, &s) : why;
    if (why == NULL && state_load(sim, "snap-0000000000000009", &s, &err) != PS_OK) {
        why = fail("the snapshot itself: %s", err.text);
    }
    ps_sim_free(sim);
    state_release(&s);
    return why;
}
