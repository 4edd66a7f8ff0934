/* Journal records: durable records one after the other, from the running engine's journal or from a
 * data directory opened read-only. Stands between conn_journal and journal/journal.h, whose batches
 * are others than those of data/batch.h. Inside connect only; one thread.
 */
#ifndef PS_CONNECT_JOURNAL_RECORDS_H
#define PS_CONNECT_JOURNAL_RECORDS_H

#include "base/io.h"
#include "pay/record.h"

typedef struct ps_journal_records ps_journal_records;

/* `journal`: a running engine's, borrowed; NULL: data_dir's, opened read-only, from the record
 * `from` on (earlier ones are checked when they are read). PS_E_MISSING, PS_E_DAMAGED. */
PS_CHECKED ps_code ps_journal_records_open(ps_io *io, const char *data_dir, void *journal,
                                           ps_journal_records **out, ps_error *err);
void ps_journal_records_close(ps_journal_records *records);

ps_u128 ps_journal_records_instance(const ps_journal_records *records);
/* The newest durable record; 0: none. Grows when the journal is a running one. */
uint64_t ps_journal_records_last(const ps_journal_records *records);

/* A payload of the form of pay/record.h. */
typedef struct {
    uint64_t seq;
    ps_slice payload; /* borrowed until the next call of the same function */
} ps_journal_entry;

/* Record `seq`, 1 … last; cheapest in ascending order. PS_E_DAMAGED. */
PS_CHECKED ps_code ps_journal_records_read(ps_journal_records *records, uint64_t seq,
                                           ps_journal_entry *out, ps_error *err);
/* Another one beside it: the record that an object comes from. */
PS_CHECKED ps_code ps_journal_records_look_up(ps_journal_records *records, uint64_t seq,
                                              ps_journal_entry *out, ps_error *err);

#endif
