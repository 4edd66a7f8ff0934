#include "connect/file_columns.h"

#include <stdlib.h>
#include <string.h>

#include "connect/file_tree.h"

typedef enum { FILE_PATH, FILE_NAME, FILE_SIZE, FILE_MODIFIED, KEY_COUNT } file_key;

typedef struct {
    const char *name;
    const ps_type *type;
    const char *type_name;
} key_row;

static const key_row keys[KEY_COUNT] = {
    [FILE_PATH] = {"file.path", &ps_type_string, "STRING"},
    [FILE_NAME] = {"file.name", &ps_type_string, "STRING"},
    [FILE_SIZE] = {"file.size", &ps_type_bigint, "BIGINT"},
    [FILE_MODIFIED] = {"file.modification-time", &ps_type_timestamp_ltz3, "TIMESTAMP_LTZ(3)"},
};

typedef enum { OF_CONTENT, OF_METADATA, OF_PARTITION } origin;

/* Where a leaf's values come from. */
typedef struct {
    origin origin;
    file_key key;       /* OF_METADATA */
    uint32_t partition; /* OF_PARTITION: index in the partition columns */
    ps_phys phys;
    char text[PS_PARTITION_TEXT_MAX]; /* of the partition's value */
    void *values;                     /* PS_BATCH_ROWS times the value of the file under way */
    bool is_null;
} file_column;

struct ps_file_columns {
    const ps_partitioning *partitioning;
    uint32_t leaf_count, other_count;
    ps_leaf *others;
    file_column *leaves;
    ps_column *columns; /* per leaf: of the batch that goes out */
    uint64_t none_valid[PS_BATCH_ROWS / 64];
};

static file_key key_of(ps_slice name)
{
    uint32_t key = FILE_PATH;
    while (key < KEY_COUNT && !ps_slice_equal(name, ps_slice_text(keys[key].name))) {
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
        if (key == KEY_COUNT) {
            return ps_error_set(err, PS_E_INVALID,
                                "table %.*s: there is no metadata key '%.*s'; filesystem has "
                                "file.path, file.name, file.size and file.modification-time",
                                (int)table->name.size, table->name.data, (int)name.size, name.data);
        }
        bool fits = ps_type_is_text(keys[key].type) ? ps_type_is_text(type)
                                                    : ps_type_equal(type, keys[key].type);
        if (!fits) {
            return ps_error_set(err, PS_E_INVALID, "table %.*s: metadata key '%.*s' is of type %s",
                                (int)table->name.size, table->name.data, (int)name.size, name.data,
                                keys[key].type_name);
        }
    }
    return PS_OK;
}

static uint32_t partition_of(const ps_partitioning *partitioning, uint32_t column)
{
    uint32_t index = 0;
    while (partitioning->partitions[index] != column) {
        index++;
    }
    return index;
}

/* What the leaf is; one of the content is added to the others. */
static void leaf_init(ps_file_columns *self, const ps_source_spec *spec, uint32_t i)
{
    const ps_leaf *leaf = &spec->leaves[i];
    file_column *made = &self->leaves[i];
    made->phys = ps_type_phys(leaf->type);
    if (leaf->is_metadata) {
        made->origin = OF_METADATA;
        made->key = key_of(spec->table->metadata[leaf->column].key);
    } else if (self->partitioning->place[leaf->column] == PS_NO_COLUMN) {
        made->origin = OF_PARTITION;
        made->partition = partition_of(self->partitioning, leaf->column);
    } else {
        ps_leaf *other = &self->others[self->other_count++];
        *other = *leaf;
        other->column = self->partitioning->place[leaf->column];
    }
}

ps_code ps_file_columns_new(const ps_source_spec *spec, const ps_partitioning *partitioning,
                            ps_file_columns **out, ps_error *err)
{
    *out = NULL;
    ps_file_columns *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->others = calloc(spec->leaf_count + 1, sizeof *made->others);
        made->leaves = calloc(spec->leaf_count + 1, sizeof *made->leaves);
        made->columns = calloc(spec->leaf_count + 1, sizeof *made->columns);
    }
    bool has_memory =
        made != NULL && made->others != NULL && made->leaves != NULL && made->columns != NULL;
    if (has_memory) {
        made->partitioning = partitioning;
        made->leaf_count = spec->leaf_count;
    }
    for (uint32_t i = 0; has_memory && i < spec->leaf_count; i++) {
        leaf_init(made, spec, i);
        if (made->leaves[i].origin != OF_CONTENT) {
            made->leaves[i].values = calloc(PS_BATCH_ROWS, ps_phys_size(made->leaves[i].phys));
            has_memory = made->leaves[i].values != NULL;
        }
    }
    if (!has_memory) {
        ps_file_columns_free(made);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a source");
    }
    if (made->other_count == spec->leaf_count && partitioning->count == 0) {
        ps_file_columns_free(made);
        return PS_OK;
    }
    *out = made;
    return PS_OK;
}

void ps_file_columns_free(ps_file_columns *columns)
{
    if (columns == NULL) {
        return;
    }
    for (uint32_t i = 0; i < columns->leaf_count; i++) {
        free(columns->leaves[i].values);
    }
    free(columns->others);
    free(columns->leaves);
    free(columns->columns);
    free(columns);
}

const ps_leaf *ps_file_columns_others(const ps_file_columns *columns, uint32_t *out_count)
{
    *out_count = columns->other_count;
    return columns->others;
}

static ps_value metadata_value(file_key key, const ps_file_state *file)
{
    const char *slash = strrchr(file->path, '/');
    switch (key) {
    case FILE_PATH:
        return (ps_value){.text = ps_slice_text(file->path)};
    case FILE_NAME:
        return (ps_value){.text = ps_slice_text(slash != NULL ? slash + 1 : file->path)};
    case FILE_SIZE:
        return (ps_value){.i64 = (int64_t)file->size};
    case FILE_MODIFIED:
        return (ps_value){.i64 = file->modified_ms};
    case KEY_COUNT:
        break;
    }
    PS_ASSERT(false);
}

static void fill(file_column *column, const ps_value *value)
{
    column->is_null = value->is_null;
    size_t size = ps_phys_size(column->phys);
    const void *bytes = column->phys == PS_PHYS_I64    ? (const void *)&value->i64
                        : column->phys == PS_PHYS_F64  ? (const void *)&value->f64
                        : column->phys == PS_PHYS_I128 ? (const void *)&value->i128
                                                       : (const void *)&value->text;
    static const char zeros[16] = {0};
    for (uint32_t row = 0; row < PS_BATCH_ROWS; row++) {
        memcpy((char *)column->values + row * size, value->is_null ? zeros : bytes, size);
    }
}

ps_code ps_file_columns_enter(ps_file_columns *columns, const ps_file_state *file, ps_error *err)
{
    for (uint32_t i = 0; i < columns->leaf_count; i++) {
        file_column *leaf = &columns->leaves[i];
        ps_value value;
        ps_code code = PS_OK;
        switch (leaf->origin) {
        case OF_CONTENT:
            continue;
        case OF_METADATA:
            value = metadata_value(leaf->key, file);
            break;
        case OF_PARTITION:
            code = ps_partition_parse(columns->partitioning, leaf->partition,
                                      ps_file_tree_folder(file->name, leaf->partition), leaf->text,
                                      &value, err);
            break;
        }
        if (code != PS_OK) {
            return code;
        }
        fill(leaf, &value);
    }
    return PS_OK;
}

void ps_file_columns_put(ps_file_columns *columns, ps_batch *batch)
{
    uint32_t other = 0;
    for (uint32_t i = 0; i < columns->leaf_count; i++) {
        file_column *leaf = &columns->leaves[i];
        columns->columns[i] =
            leaf->origin == OF_CONTENT
                ? batch->columns[other++]
                : (ps_column){.values = leaf->values,
                              .valid = leaf->is_null ? columns->none_valid : NULL};
    }
    batch->columns = columns->columns;
    batch->column_count = columns->leaf_count;
}
