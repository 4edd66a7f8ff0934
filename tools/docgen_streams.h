/* Parts of docs/streams.md and docs/sql.md. */
#ifndef PS_TOOLS_DOCGEN_STREAMS_H
#define PS_TOOLS_DOCGEN_STREAMS_H

#include "base/bytes.h"

void docgen_connectors_put(ps_buf *out);
void docgen_formats_put(ps_buf *out);
void docgen_journal_tables_put(ps_buf *out);

/* ◇ marks what is not deterministic. */
void docgen_functions_put(ps_buf *out);
void docgen_aggregates_put(ps_buf *out);
void docgen_sql_settings_put(ps_buf *out);
void docgen_reserved_words_put(ps_buf *out);

#endif
