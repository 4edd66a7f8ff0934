#include "connect/conn_filesystem.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "connect/connectors.h"
#include "connect/file_columns.h"

enum { FORMATS_MAX = 16 };

static const char *const option_names[] = {"path", "format", "source.monitor-interval",
                                           "partition.default-name", NULL};

ps_code ps_filesystem_format(const ps_table_info *table, const ps_format **out, ps_error *err)
{
    ps_slice name;
    ps_code code = ps_table_option_text(table, "format", &name, err);
    if (code != PS_OK) {
        return code;
    }
    *out = ps_format_find(name);
    if (*out != NULL) {
        return PS_OK;
    }
    const char *names[FORMATS_MAX + 1] = {0};
    for (uint32_t i = 0; i < ps_format_count() && i < FORMATS_MAX; i++) {
        names[i] = ps_format_at(i)->name;
    }
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)name.size, name.data);
    const char *nearest = ps_nearest_word(text, names);
    return ps_error_set(err, PS_E_INVALID, "table %.*s: there is no format '%s'%s%s%s",
                        (int)table->name.size, table->name.data, text,
                        nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'?" : "");
}

ps_code ps_filesystem_path(const ps_table_info *table, char out[PS_PATH_MAX], ps_error *err)
{
    ps_slice path;
    ps_code code = ps_table_option_text(table, "path", &path, err);
    if (code != PS_OK) {
        return code;
    }
    if (ps_slice_has_prefix(path, PS_SLICE("file://"))) {
        path = ps_slice_of(path.data + 7, path.size - 7);
    }
    if (path.size >= PS_PATH_MAX) {
        return ps_error_set(err, PS_E_INVALID, "table %.*s: the path is longer than %d bytes",
                            (int)table->name.size, table->name.data, PS_PATH_MAX - 1);
    }
    memcpy(out, path.data, path.size);
    out[path.size] = 0;
    return PS_OK;
}

static ps_code filesystem_traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    const ps_format *format;
    ps_code code = ps_filesystem_format(table, &format, err);
    if (code == PS_OK) {
        code = ps_table_options_check(table, option_names, format->option_names, err);
    }
    if (code == PS_OK) {
        code = ps_file_metadata_check(table, err);
    }
    if (code == PS_OK) {
        code = ps_partitioning_check(table, err);
    }
    if (code != PS_OK) {
        return code;
    }
    bool is_upsert = false;
    code = ps_table_option_bool(table, "changelog-json.upsert", false, &is_upsert, err);
    ps_changes changes = is_upsert ? PS_CHANGES_UPSERT : PS_CHANGES_RETRACT;
    *out = (ps_table_traits){
        .can_read = format->new_decoder != NULL,
        .can_write = format->new_encoder != NULL,
        .is_bounded = ps_table_option(table, "source.monitor-interval") == NULL,
        .source_changes = format->is_changelog ? changes : PS_CHANGES_APPEND,
        .source_may_repeat = is_upsert,
        .sink_changes = !format->is_changelog          ? PS_CHANGES_APPEND
                        : table->primary_key.count > 0 ? PS_CHANGES_UPSERT
                                                       : PS_CHANGES_RETRACT,
    };
    return code;
}

const ps_connector ps_connector_filesystem = {
    .name = "filesystem",
    .summary = "files and directories, plain or compressed (.gz, .zst), in the formats below",
    .traits = filesystem_traits,
    .open_source = ps_filesystem_source_open,
    .open_sink = ps_filesystem_sink_open,
};
