/* METADATA columns of filesystem tables: file.path, file.name (STRING) and file.size (BIGINT, bytes
 * as they lie there) of the file that a row is from. Inside connect only. */
#ifndef PS_CONNECT_FILE_METADATA_H
#define PS_CONNECT_FILE_METADATA_H

#include "flow/graph.h"

typedef struct ps_file_metadata ps_file_metadata;

/* The table's metadata columns are ones that there are. PS_E_INVALID, PS_E_UNSUPPORTED. */
PS_CHECKED ps_code ps_file_metadata_check(const ps_table_info *table, ps_error *err);

/* For the leaves of a source (borrowed); *out NULL: none of them is metadata. */
PS_CHECKED ps_code ps_file_metadata_new(const ps_source_spec *spec, ps_file_metadata **out,
                                        ps_error *err);
void ps_file_metadata_free(ps_file_metadata *metadata);

/* The leaves that a format reads: those that are no metadata. Borrows from metadata. */
const ps_leaf *ps_file_metadata_others(const ps_file_metadata *metadata, uint32_t *out_count);

/* The rows of `batch`, which has the other leaves, are of this file (path borrowed): puts the
 * metadata columns in their places. Valid until the next call. */
void ps_file_metadata_put(ps_file_metadata *metadata, const char *path, uint64_t size,
                          ps_batch *batch);

#endif
