/* The parts of docgen.c about streams; apart, because the headers of batches of rows and those of
 * the journal's batches do not go together. */
#include "docgen_streams.h"
#include "connect/connectors.h"
#include "connect/journal_tables.h"

void docgen_connectors_put(ps_buf *out)
{
    ps_buf_append_text(out, "| connector | reads | writes | what |\n|---|---|---|---|\n");
    for (uint32_t i = 0; ps_connectors.connectors[i] != NULL; i++) {
        const ps_connector *connector = ps_connectors.connectors[i];
        ps_buf_append_format(out, "| `%s` | %s | %s | %s |\n", connector->name,
                             connector->open_source != NULL ? "yes" : "",
                             connector->open_sink != NULL ? "yes" : "", connector->summary);
    }
}

void docgen_formats_put(ps_buf *out)
{
    ps_buf_append_text(out, "| format | what | options |\n|---|---|---|\n");
    for (uint32_t i = 0; i < ps_format_count(); i++) {
        const ps_format *format = ps_format_at(i);
        ps_buf_append_format(out, "| `%s` | %s |", format->name, format->summary);
        for (uint32_t k = 0; format->option_names != NULL && format->option_names[k] != NULL; k++) {
            ps_buf_append_format(out, "%s `%s`", k > 0 ? "," : "", format->option_names[k]);
        }
        ps_buf_append_text(out, " |\n");
    }
}

void docgen_journal_tables_put(ps_buf *out)
{
    for (uint32_t i = 0; ps_journal_table_at(i) != NULL; i++) {
        const ps_journal_table *table = ps_journal_table_at(i);
        ps_buf_append_format(out, "%s**`%s`**: %s.\n\n| column | type | what |\n|---|---|---|\n",
                             i > 0 ? "\n" : "", table->name, table->help);
        for (const ps_journal_column *column = table->columns; column->name != NULL; column++) {
            ps_buf_append_format(out, "| `%s` | ", column->name);
            ps_type_print(column->type, out);
            ps_buf_append_format(out, " | %s |\n", column->help);
        }
    }
}
