/* Columns that a file's place and state give its rows, not its content: METADATA columns
 * (file.path, file.name: STRING; file.size: BIGINT, bytes as they lie there;
 * file.modification-time: TIMESTAMP_LTZ(3)) and partition columns. Inside connect only. */
#ifndef PS_CONNECT_FILE_COLUMNS_H
#define PS_CONNECT_FILE_COLUMNS_H

#include "connect/partition.h"

typedef struct ps_file_columns ps_file_columns;

/* The table's metadata columns are ones that there are. PS_E_INVALID. */
PS_CHECKED ps_code ps_file_metadata_check(const ps_table_info *table, ps_error *err);

/* For the leaves of a source; borrows both; *out NULL: the file's content has them all. */
PS_CHECKED ps_code ps_file_columns_new(const ps_source_spec *spec,
                                       const ps_partitioning *partitioning, ps_file_columns **out,
                                       ps_error *err);
void ps_file_columns_free(ps_file_columns *columns);

/* The leaves that a format reads, numbered as the columns in the file. Borrows from columns. */
const ps_leaf *ps_file_columns_others(const ps_file_columns *columns, uint32_t *out_count);

/* A file, borrowed while its rows are read. */
typedef struct {
    const char *path;
    const char *name; /* within the table's directory; what its folders say is of the partitions */
    uint64_t size;
    int64_t modified_ms;
} ps_file_state;

/* The rows that come are of this file. PS_E_INVALID: its folders do not fit the columns. */
PS_CHECKED ps_code ps_file_columns_enter(ps_file_columns *columns, const ps_file_state *file,
                                         ps_error *err);
/* Puts the columns in their places into a batch that has the other leaves. Valid until the next
 * call. */
void ps_file_columns_put(ps_file_columns *columns, ps_batch *batch);

#endif
