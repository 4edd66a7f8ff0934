/* Partition columns of filesystem tables (PARTITIONED BY): a row lies in
 * DIR/dt=2024-01-01/hour=05/, and its file has the other columns only. Inside connect only.
 *
 * Names and values are written as Hive does: control characters and "#%'*:/=?\{}[]^ as %XX. Values
 * are in Java's text form (true, 1.50, 2024-01-01T10:00); NULL and the empty text are the folder
 * that 'partition.default-name' names, which is read back as NULL.
 */
#ifndef PS_CONNECT_PARTITION_H
#define PS_CONNECT_PARTITION_H

#include "data/value.h"
#include "flow/graph.h"

typedef struct {
    uint32_t column_count;   /* of the table; 0 partition columns: the file has them all */
    const ps_field *columns; /* borrowed from the table */
    ps_slice table_name;
    uint32_t count; /* partition columns */
    const uint32_t *partitions;
    ps_slice default_name;
    ps_schema in_file; /* the other columns, in order */
    uint32_t *place;   /* per column of the table: which of them it is; PS_NO_COLUMN: none */
} ps_partitioning;

/* Borrows from the table, which must have passed ps_partitioning_check. PS_E_MEMORY. */
PS_CHECKED ps_code ps_partitioning_init(ps_partitioning *partitioning, const ps_table_info *table,
                                        ps_error *err);
void ps_partitioning_release(ps_partitioning *partitioning);

/* The partition columns are of types that a folder's name can hold, and leave a column for the
 * files. PS_E_INVALID, PS_E_UNSUPPORTED. */
PS_CHECKED ps_code ps_partitioning_check(const ps_table_info *table, ps_error *err);

/* Appends "dt=2024-01-01/hour=05" of a row of the table's columns. PS_E_LIMIT: a name that is
 * longer than the names of files may be. */
PS_CHECKED ps_code ps_partition_print(const ps_partitioning *partitioning, const ps_batch *batch,
                                      uint32_t row, ps_buf *out, ps_error *err);

/* The rows lie in the same partition. */
bool ps_partition_is_same(const ps_partitioning *partitioning, const ps_batch *batch, uint32_t row,
                          uint32_t other);

/* The value of column partitions[index] that the folder `name` ("dt=2024-01-01") says; a text
 * borrows from `memory`. PS_E_INVALID: another column's folder, or no value of the type. */
enum { PS_PARTITION_TEXT_MAX = 132 };
PS_CHECKED ps_code ps_partition_parse(const ps_partitioning *partitioning, uint32_t index,
                                      ps_slice name, char memory[PS_PARTITION_TEXT_MAX],
                                      ps_value *out, ps_error *err);

#endif
