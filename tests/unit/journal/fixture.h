/* A reference workload over a journal, with its oracle: what was submitted and what was
 * acknowledged. The payload of a record follows from its seq, so that any prefix can be checked. */
#ifndef PS_TESTS_JOURNAL_FIXTURE_H
#define PS_TESTS_JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/io_sim.h"
#include "journal/format.h"
#include "journal/journal.h"
#include "journal/planted.h"

#define FX_DIR "j"

static const ps_journal_options fx_small = {.segment_size = 16 * 1024, .batch_size_max = 4096};

static inline bool fx_full(void)
{
    const char *full = getenv("PS_FULL");
    return full != NULL && full[0] == '1';
}

static inline uint32_t fx_payload(uint64_t seq, char out[4096])
{
    uint32_t size = (uint32_t)(seq * 67 % 311);
    if (seq % 11 == 0) {
        size = (uint32_t)(1500 + seq % 1000);
    }
    if (seq % 13 == 0) {
        size = 0;
    }
    for (uint32_t i = 0; i < size; i++) {
        out[i] = (char)(seq * 131 + i * 7 + (seq >> 3));
    }
    return size;
}

static inline uint8_t fx_type(uint64_t seq)
{
    return (uint8_t)(1 + seq % 250);
}

typedef struct {
    uint64_t submitted; /* seqs handed to a batch */
    uint64_t acked;     /* durable seq that was seen */
} fx_oracle;

/* Fills the batch with up to `count` records. */
static inline void fx_fill(ps_journal *journal, uint32_t count, fx_oracle *oracle)
{
    ps_record_batch *batch = ps_journal_batch(journal);
    assert_non_null(batch);
    char payload[4096];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t seq = ps_journal_next_seq(journal);
        uint32_t size = fx_payload(seq, payload);
        char *at = ps_record_batch_reserve(batch, size);
        if (at == NULL) {
            return;
        }
        memcpy(at, payload, size);
        assert_int_equal(ps_record_batch_append(batch, fx_type(seq), size), seq);
        oracle->submitted = seq;
    }
}

static inline ps_code fx_commit(ps_journal *journal, uint32_t count, fx_oracle *oracle,
                                ps_error *err)
{
    fx_fill(journal, count, oracle);
    ps_code code = ps_journal_commit(journal, ps_journal_batch_close(journal), err);
    uint64_t durable = ps_journal_durable_seq(journal);
    oracle->acked = durable > oracle->acked ? durable : oracle->acked;
    return code;
}

/* True when every durable record is the one of its seq. */
static inline bool fx_read_all(ps_journal *journal, ps_error *err)
{
    ps_journal_cursor *cursor = NULL;
    if (ps_journal_cursor_new(journal, &cursor, err) != PS_OK) {
        return false;
    }
    bool good = true;
    uint64_t durable = ps_journal_durable_seq(journal);
    char payload[4096];
    for (uint64_t seq = 1; good && seq <= durable; seq++) {
        ps_record record;
        uint32_t size = fx_payload(seq, payload);
        good = ps_journal_cursor_next(cursor, &record, err) == PS_OK && record.seq == seq &&
               record.type == fx_type(seq) &&
               ps_slice_equal(record.payload, ps_slice_of(payload, size));
    }
    ps_journal_cursor_free(cursor);
    return good;
}

static inline void fx_must(ps_code code, const ps_error *err)
{
    if (code != PS_OK) {
        fail_msg("%s: %s", ps_code_name(code), err->text);
    }
}

static inline ps_journal *fx_open(ps_io *io, const ps_journal_options *options)
{
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    fx_must(ps_journal_open(io, FX_DIR, options, 1, &journal, &recovery, &err), &err);
    return journal;
}

static inline void fx_make_dir(ps_io *io, const char *dir)
{
    ps_error err = {0};
    fx_must(ps_io_make_dir(io, dir, &err), &err);
    fx_must(ps_io_sync_dir(io, ".", &err), &err);
}

static inline void fx_create(ps_io *io, const ps_journal_options *options)
{
    ps_error err = {0};
    fx_make_dir(io, FX_DIR);
    fx_must(ps_journal_create(io, FX_DIR, options, &err), &err);
}

/* A writable copy of a file of the simulated disk, with a byte to spare; to be freed. */
static inline char *fx_file_copy(ps_sim *sim, const char *path, size_t *out_size)
{
    ps_slice bytes;
    assert_true(ps_sim_file_get(sim, path, &bytes));
    char *copy = malloc(bytes.size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    *out_size = bytes.size;
    return copy;
}

#endif
