#include "connect/journal_records.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal/journal.h"

struct ps_journal_records {
    ps_journal *journal;
    bool is_owned;
    ps_journal_cursor *ahead, *back;
    uint64_t next_seq; /* where `ahead` stands; 0: nowhere */
};

/* Segments as the engine makes them; a read-only journal takes their sizes from their headers. */
static ps_code open_journal(ps_io *io, const char *data_dir, ps_journal **out, ps_error *err)
{
    const ps_journal_options options = {
        .segment_size = PS_SEGMENT_SIZE_DEFAULT,
        .batch_size_max = PS_BATCH_SIZE_MAX_DEFAULT,
        .read_only = true,
    };
    char path[PS_PATH_MAX];
    ps_journal_recovery recovery;
    if (data_dir == NULL) {
        return ps_error_set(err, PS_E_MISSING, "journal tables need a data directory: --data DIR");
    }
    if ((size_t)snprintf(path, sizeof path, "%s/journal", data_dir) >= sizeof path) {
        return ps_error_set(err, PS_E_INVALID, "the path of the data directory is too long");
    }
    /* whatever is read is checked then: only the end is looked for now */
    return ps_journal_open(io, path, &options, UINT64_MAX, out, &recovery, err);
}

ps_code ps_journal_records_open(ps_io *io, const char *data_dir, void *journal,
                                ps_journal_records **out, ps_error *err)
{
    ps_journal_records *records = calloc(1, sizeof *records);
    if (records == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to read the journal");
    }
    records->journal = journal;
    records->is_owned = journal == NULL;
    ps_code code = journal != NULL ? PS_OK : open_journal(io, data_dir, &records->journal, err);
    if (code == PS_OK) {
        code = ps_journal_cursor_new(records->journal, &records->ahead, err);
    }
    if (code == PS_OK) {
        code = ps_journal_cursor_new(records->journal, &records->back, err);
    }
    if (code != PS_OK) {
        ps_journal_records_close(records);
        return code;
    }
    *out = records;
    return PS_OK;
}

void ps_journal_records_close(ps_journal_records *records)
{
    if (records == NULL) {
        return;
    }
    ps_journal_cursor_free(records->ahead);
    ps_journal_cursor_free(records->back);
    if (records->is_owned && records->journal != NULL) {
        ps_journal_close(records->journal);
    }
    free(records);
}

ps_u128 ps_journal_records_instance(const ps_journal_records *records)
{
    return ps_journal_instance(records->journal);
}

uint64_t ps_journal_records_last(const ps_journal_records *records)
{
    return ps_journal_durable_seq(records->journal);
}

static ps_code check(const ps_record *record, ps_journal_entry *out, ps_error *err)
{
    if (!ps_record_check(record->payload)) {
        return ps_error_set(err, PS_E_DAMAGED, "journal record %llu has a form that is not known",
                            (unsigned long long)record->seq);
    }
    *out = (ps_journal_entry){record->seq, record->payload};
    return PS_OK;
}

ps_code ps_journal_records_read(ps_journal_records *records, uint64_t seq, ps_journal_entry *out,
                                ps_error *err)
{
    ps_record record;
    ps_code code = PS_OK;
    if (records->next_seq != seq) {
        records->next_seq = 0;
        code = ps_journal_cursor_seek(records->ahead, seq, err);
    }
    if (code == PS_OK) {
        code = ps_journal_cursor_next(records->ahead, &record, err);
    }
    records->next_seq = code == PS_OK ? seq + 1 : 0;
    return code == PS_OK ? check(&record, out, err) : code;
}

ps_code ps_journal_records_look_up(ps_journal_records *records, uint64_t seq, ps_journal_entry *out,
                                   ps_error *err)
{
    ps_record record;
    ps_code code = ps_journal_cursor_read(records->back, seq, &record, err);
    return code == PS_OK ? check(&record, out, err) : code;
}
