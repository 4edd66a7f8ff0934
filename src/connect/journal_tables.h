/* Journal tables: what the records of payments look like as tables, column by column. One list
 * names every column; the predeclared DDL (conn_journal.c) and docs/streams.md follow it.
 *
 * A row is one effect of a record (pay/effect.h). Its texts stand in the record that made the
 * object (its origin), so rows of later changes look that record up, through a cache; columns that
 * nobody reads cost nothing. Inside connect only; one thread.
 */
#ifndef PS_CONNECT_JOURNAL_TABLES_H
#define PS_CONNECT_JOURNAL_TABLES_H

#include "connect/journal_records.h"
#include "data/value.h"

typedef struct ps_journal_row ps_journal_row;

typedef struct {
    const char *name;
    const ps_type *type;
    ps_value (*get)(ps_journal_row *row, int field);
    int field; /* ps_text_field, where get takes one */
    const char *help;
} ps_journal_column;

typedef struct {
    const char *name;
    const char *help;
    const ps_journal_column *columns; /* ended by a NULL name */
    /* Whether the effect is a row. */
    bool (*takes)(const ps_effect_head *effect);
} ps_journal_table;

/* NULL: none of that name. */
const ps_journal_table *ps_journal_table_find(ps_slice name);
const ps_journal_table *ps_journal_table_at(uint32_t index); /* NULL: no more */
const ps_journal_column *ps_journal_column_find(const ps_journal_table *table, ps_slice name);

/* Where rows are looked at: owns the cache of texts. Borrows records. */
PS_CHECKED ps_code ps_journal_row_new(ps_journal_records *records, ps_journal_row **out,
                                      ps_error *err);
void ps_journal_row_free(ps_journal_row *row);
/* The row of this effect of the entry; both are borrowed until the next call. */
void ps_journal_row_set(ps_journal_row *row, const ps_journal_entry *entry,
                        const ps_effect_head *effect);
/* The value of one column; a text is borrowed until the next get. PS_E_DAMAGED, PS_E_IO: a record
 * that it needs cannot be read. */
PS_CHECKED ps_code ps_journal_row_get(ps_journal_row *row, const ps_journal_column *column,
                                      ps_value *out, ps_error *err);

#endif
