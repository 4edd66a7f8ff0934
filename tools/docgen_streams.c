/* The parts of docgen.c about streams; apart, because the headers of batches of rows and those of
 * the journal's batches do not go together. */
#include "docgen_streams.h"

#include <string.h>

#include "connect/connectors.h"
#include "connect/journal_tables.h"
#include "expr/function.h"
#include "flow/aggregate.h"
#include "sql/keyword.h"
#include "sql/sql_setting.h"

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

/* ── docs/sql.md ── */

/* A | would end the cell of a table, also between backticks. */
static void cell_put(ps_buf *out, const char *text)
{
    for (const char *at = text; *at != 0; at++) {
        ps_buf_append_format(out, "%s%c", *at == '|' ? "\\" : "", *at);
    }
}

static bool is_first_of_family(uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(ps_function_entry_at(i)->family, ps_function_entry_at(index)->family) == 0) {
            return false;
        }
    }
    return true;
}

static void family_put(ps_buf *out, const char *family)
{
    ps_buf_append_format(out, "\n### %s\n\n| function | what |\n|---|---|\n", family);
    for (uint32_t i = 0; i < ps_function_count(); i++) {
        const ps_function_entry *entry = ps_function_entry_at(i);
        bool is_internal = strcmp(entry->name, "COERCE") == 0; /* nobody can write it */
        if (strcmp(entry->family, family) != 0 || is_internal) {
            continue;
        }
        ps_buf_append_text(out, "| `");
        cell_put(out, entry->signature);
        ps_buf_append_format(out, "`%s | ", entry->is_deterministic ? "" : " ◇");
        cell_put(out, entry->summary);
        ps_buf_append_text(out, " |\n");
    }
}

void docgen_functions_put(ps_buf *out)
{
    for (uint32_t i = 0; i < ps_function_count(); i++) {
        if (is_first_of_family(i)) {
            family_put(out, ps_function_entry_at(i)->family);
        }
    }
}

void docgen_aggregates_put(ps_buf *out)
{
    ps_buf_append_text(out, "| aggregate | what |\n|---|---|\n");
    for (uint32_t i = 0; i < ps_aggregate_count(); i++) {
        const ps_aggregate_entry *entry = ps_aggregate_entry_at(i);
        ps_buf_append_text(out, "| `");
        cell_put(out, entry->signature);
        ps_buf_append_text(out, "` | ");
        cell_put(out, entry->summary);
        ps_buf_append_text(out, " |\n");
    }
}

static const char *setting_kind(ps_setting_kind kind)
{
    switch (kind) {
    case PS_SETTING_TEXT:
        return "text";
    case PS_SETTING_BOOLEAN:
        return "`true`, `false`";
    case PS_SETTING_INTEGER:
        return "whole number";
    case PS_SETTING_DURATION:
        return "duration";
    case PS_SETTING_SIZE:
        return "size";
    case PS_SETTING_ZONE:
        return "zone";
    case PS_SETTING_CHOICE:
        return "";
    }
    return "";
}

void docgen_sql_settings_put(ps_buf *out)
{
    ps_buf_append_text(out, "| key | value | default | what |\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < ps_setting_count(); i++) {
        const ps_setting_entry *entry = ps_setting_entry_at(i);
        ps_buf_append_format(out, "| `%s` | %s", entry->key, setting_kind(entry->kind));
        for (const char *at = entry->choices, *end = NULL; at != NULL; at = end + 1) {
            end = strchrnul(at, '|');
            ps_buf_append_format(out, "%s`%.*s`", at != entry->choices ? ", " : "", (int)(end - at),
                                 at);
            if (*end == 0) {
                break;
            }
        }
        bool has_default = entry->default_value[0] != 0;
        ps_buf_append_format(out, " | %s%s%s | %s |\n", has_default ? "`" : "",
                             entry->default_value, has_default ? "`" : "", entry->summary);
    }
}

void docgen_reserved_words_put(ps_buf *out)
{
    const char *separator = "";
    for (int word = 0; word < PS_KEYWORD_TOTAL; word++) {
        if (ps_keyword_is_reserved((ps_keyword)word)) {
            ps_buf_append_format(out, "%s%s", separator, ps_keyword_text((ps_keyword)word));
            separator = " ";
        }
    }
    ps_buf_append_text(out, "\n");
}
