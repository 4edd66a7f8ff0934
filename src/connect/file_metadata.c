#include "connect/file_metadata.h"

#include <stdlib.h>
#include <string.h>

typedef enum { FILE_PATH, FILE_NAME, FILE_SIZE, NO_KEY } file_key;

struct ps_file_metadata {
    uint32_t leaf_count, other_count;
    ps_leaf *others;
    file_key *keys;     /* per leaf; NO_KEY: not metadata */
    ps_column *columns; /* per leaf */
    ps_slice paths[PS_BATCH_ROWS], names[PS_BATCH_ROWS];
    int64_t sizes[PS_BATCH_ROWS];
};

static file_key key_of(ps_slice name)
{
    static const char *const names[] = {"file.path", "file.name", "file.size"};
    uint32_t key = FILE_PATH;
    while (key < NO_KEY && !ps_slice_equal(name, ps_slice_text(names[key]))) {
        key++;
    }
    return (file_key)key;
}

ps_code ps_file_metadata_check(const ps_table_info *table, ps_error *err)
{
    for (uint32_t i = 0; i < table->metadata_count; i++) {
        ps_slice name = table->metadata[i].key;
        const ps_type *type = table->metadata[i].type;
        file_key key = key_of(name);
        if (ps_slice_equal(name, PS_SLICE("file.modification-time"))) {
            return ps_error_set(err, PS_E_UNSUPPORTED,
                                "metadata key 'file.modification-time' is not supported yet");
        }
        if (key == NO_KEY) {
            return ps_error_set(err, PS_E_INVALID,
                                "table %.*s: there is no metadata key '%.*s'; filesystem has "
                                "file.path, file.name and file.size",
                                (int)table->name.size, table->name.data, (int)name.size, name.data);
        }
        bool fits = key == FILE_SIZE ? type->kind == PS_TYPE_BIGINT : ps_type_is_text(type);
        if (!fits) {
            return ps_error_set(err, PS_E_INVALID, "table %.*s: metadata key '%.*s' is of type %s",
                                (int)table->name.size, table->name.data, (int)name.size, name.data,
                                key == FILE_SIZE ? "BIGINT" : "STRING");
        }
    }
    return PS_OK;
}

static bool has_metadata(const ps_source_spec *spec)
{
    bool found = false;
    for (uint32_t i = 0; i < spec->leaf_count; i++) {
        found = found || spec->leaves[i].is_metadata;
    }
    return found;
}

ps_code ps_file_metadata_new(const ps_source_spec *spec, ps_file_metadata **out, ps_error *err)
{
    *out = NULL;
    if (!has_metadata(spec)) {
        return PS_OK;
    }
    ps_file_metadata *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->others = calloc(spec->leaf_count, sizeof *made->others);
        made->keys = calloc(spec->leaf_count, sizeof *made->keys);
        made->columns = calloc(spec->leaf_count, sizeof *made->columns);
    }
    if (made == NULL || made->others == NULL || made->keys == NULL || made->columns == NULL) {
        ps_file_metadata_free(made);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    made->leaf_count = spec->leaf_count;
    for (uint32_t i = 0; i < spec->leaf_count; i++) {
        const ps_leaf *leaf = &spec->leaves[i];
        made->keys[i] =
            leaf->is_metadata ? key_of(spec->table->metadata[leaf->column].key) : NO_KEY;
        if (!leaf->is_metadata) {
            made->others[made->other_count++] = *leaf;
        }
    }
    *out = made;
    return PS_OK;
}

void ps_file_metadata_free(ps_file_metadata *metadata)
{
    if (metadata != NULL) {
        free(metadata->others);
        free(metadata->keys);
        free(metadata->columns);
        free(metadata);
    }
}

const ps_leaf *ps_file_metadata_others(const ps_file_metadata *metadata, uint32_t *out_count)
{
    *out_count = metadata->other_count;
    return metadata->others;
}

void ps_file_metadata_put(ps_file_metadata *metadata, const char *path, uint64_t size,
                          ps_batch *batch)
{
    const char *slash = strrchr(path, '/');
    ps_slice whole = ps_slice_text(path);
    ps_slice name = slash != NULL ? ps_slice_text(slash + 1) : whole;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        metadata->paths[row] = whole;
        metadata->names[row] = name;
        metadata->sizes[row] = (int64_t)size;
    }
    uint32_t other = 0;
    for (uint32_t i = 0; i < metadata->leaf_count; i++) {
        ps_column *column = &metadata->columns[i];
        switch (metadata->keys[i]) {
        case FILE_PATH:
            *column = (ps_column){.text = metadata->paths};
            break;
        case FILE_NAME:
            *column = (ps_column){.text = metadata->names};
            break;
        case FILE_SIZE:
            *column = (ps_column){.i64 = metadata->sizes};
            break;
        case NO_KEY:
            *column = batch->columns[other++];
            break;
        }
    }
    batch->columns = metadata->columns;
    batch->column_count = metadata->leaf_count;
}
