/* filesystem: files and directories as tables. Inside connect only: the two halves. */
#ifndef PS_CONNECT_CONN_FILESYSTEM_H
#define PS_CONNECT_CONN_FILESYSTEM_H

#include "connect/table_option.h"

PS_CHECKED ps_code ps_filesystem_source_open(const ps_source_spec *spec,
                                             const ps_connector_context *context, ps_source **out,
                                             ps_error *err);
PS_CHECKED ps_code ps_filesystem_sink_open(const ps_sink_spec *spec,
                                           const ps_connector_context *context, ps_sink **out,
                                           ps_error *err);

/* The table's format; PS_E_INVALID when it is missing or unknown. */
PS_CHECKED ps_code ps_filesystem_format(const ps_table_info *table, const ps_format **out,
                                        ps_error *err);
/* 'path' without "file://", zero-terminated. */
PS_CHECKED ps_code ps_filesystem_path(const ps_table_info *table, char out[PS_PATH_MAX],
                                      ps_error *err);

#endif
