#include "connect/partition.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "connect/table_option.h"
#include "data/field_parse.h"

enum { NAME_SIZE_MAX = sizeof((ps_dir_entry *)NULL)->name - 1, VALUE_SIZE_MAX = 64 << 20 };

static_assert(PS_PARTITION_TEXT_MAX >= NAME_SIZE_MAX + 3, "the text of a name fits");

/* ── the columns ── */

static bool is_partition(const ps_table_info *table, uint32_t column)
{
    bool found = false;
    for (uint32_t i = 0; i < table->partition_count; i++) {
        found = found || table->partitions[i] == column;
    }
    return found;
}

ps_code ps_partitioning_init(ps_partitioning *partitioning, const ps_table_info *table,
                             ps_error *err)
{
    uint32_t count = table->physical.field_count, in_file = 0;
    const ps_slice *default_name = ps_table_option(table, "partition.default-name");
    ps_field *fields = calloc(count + 1, sizeof *fields);
    uint32_t *place = calloc(count + 1, sizeof *place);
    *partitioning = (ps_partitioning){
        .column_count = count,
        .columns = table->physical.fields,
        .table_name = table->name,
        .count = table->partition_count,
        .partitions = table->partitions,
        .default_name = default_name != NULL ? *default_name : PS_SLICE("__DEFAULT_PARTITION__"),
        .in_file = {0, fields},
        .place = place,
    };
    if (fields == NULL || place == NULL) {
        ps_partitioning_release(partitioning);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a table of files");
    }
    for (uint32_t i = 0; i < count; i++) {
        place[i] = is_partition(table, i) ? PS_NO_COLUMN : in_file;
        if (place[i] != PS_NO_COLUMN) {
            fields[in_file++] = table->physical.fields[i];
        }
    }
    partitioning->in_file.field_count = in_file;
    return PS_OK;
}

void ps_partitioning_release(ps_partitioning *partitioning)
{
    free((void *)(uintptr_t)partitioning->in_file.fields);
    free(partitioning->place);
    *partitioning = (ps_partitioning){0};
}

static bool fits_a_name(const ps_type *type)
{
    return ps_type_is_text(type) || ps_type_is_numeric(type) || type->kind == PS_TYPE_BOOLEAN ||
           type->kind == PS_TYPE_DATE || type->kind == PS_TYPE_TIMESTAMP;
}

ps_code ps_partitioning_check(const ps_table_info *table, ps_error *err)
{
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const ps_field *field = &table->physical.fields[table->partitions[i]];
        if (!fits_a_name(field->type)) {
            return ps_error_set(err, PS_E_UNSUPPORTED,
                                "table %.*s: PARTITIONED BY the column %.*s is not supported: "
                                "partition columns are texts, numbers, BOOLEAN, DATE or TIMESTAMP",
                                (int)table->name.size, table->name.data, (int)field->name.size,
                                field->name.data);
        }
    }
    if (table->partition_count > 0 && table->partition_count >= table->physical.field_count) {
        return ps_error_set(err, PS_E_INVALID,
                            "table %.*s: all columns are partition columns: none is left for the "
                            "files",
                            (int)table->name.size, table->name.data);
    }
    const ps_slice *default_name = ps_table_option(table, "partition.default-name");
    if (default_name != NULL && default_name->size == 0) {
        return ps_error_set(err, PS_E_INVALID,
                            "table %.*s: option 'partition.default-name' is empty",
                            (int)table->name.size, table->name.data);
    }
    return PS_OK;
}

/* ── a row's folders ── */

static bool needs_escape(char c)
{
    return (unsigned char)c < ' ' || strchr("\"#%'*/:=?\\{}[]^\x7f", c) != NULL;
}

static void append_escaped(ps_slice text, ps_buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (needs_escape(text.data[i])) {
            ps_buf_append_format(out, "%%%02X", (unsigned)(unsigned char)text.data[i]);
        } else {
            ps_buf_append_char(out, text.data[i]);
        }
    }
}

static void append_value(const ps_partitioning *self, const ps_type *type, const ps_value *value,
                         ps_buf *out)
{
    ps_buf text;
    ps_buf_init(&text, VALUE_SIZE_MAX);
    if (!value->is_null) {
        ps_value_print(type, value, PS_FORM_FLINK, &text);
    }
    append_escaped(text.size > 0 ? ps_buf_slice(&text) : self->default_name, out);
    out->failed = out->failed || text.failed;
    ps_buf_release(&text);
}

ps_code ps_partition_print(const ps_partitioning *partitioning, const ps_batch *batch, uint32_t row,
                           ps_buf *out, ps_error *err)
{
    for (uint32_t i = 0; i < partitioning->count; i++) {
        uint32_t column = partitioning->partitions[i];
        const ps_field *field = &partitioning->columns[column];
        ps_value value = ps_column_value(&batch->columns[column], ps_type_phys(field->type), row);
        ps_buf_append_text(out, i > 0 ? "/" : "");
        size_t begin = out->size;
        append_escaped(field->name, out);
        ps_buf_append_char(out, '=');
        append_value(partitioning, field->type, &value, out);
        if (out->size - begin > NAME_SIZE_MAX || out->failed) {
            return ps_error_set(err, PS_E_LIMIT,
                                "table %.*s: a value of the partition column %.*s is too long for "
                                "the name of a folder, which has at most %d bytes",
                                (int)partitioning->table_name.size, partitioning->table_name.data,
                                (int)field->name.size, field->name.data, (int)NAME_SIZE_MAX);
        }
    }
    return PS_OK;
}

bool ps_partition_is_same(const ps_partitioning *partitioning, const ps_batch *batch, uint32_t row,
                          uint32_t other)
{
    bool is_same = true;
    for (uint32_t i = 0; is_same && i < partitioning->count; i++) {
        uint32_t column = partitioning->partitions[i];
        const ps_type *type = partitioning->columns[column].type;
        ps_phys phys = ps_type_phys(type);
        ps_value a = ps_column_value(&batch->columns[column], phys, row);
        ps_value b = ps_column_value(&batch->columns[column], phys, other);
        is_same = ps_value_compare(type, &a, &b) == 0 &&
                  (phys != PS_PHYS_F64 || a.is_null || signbit(a.f64) == signbit(b.f64));
    }
    return is_same;
}

/* ── back ── */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* What stands in the name, without its escapes, into `out`, which has room for the name; a % that
 * begins none is itself. */
static ps_slice unescape(ps_slice name, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < name.size; i++) {
        bool has_two = name.data[i] == '%' && i + 2 < name.size;
        int high = has_two ? hex_digit(name.data[i + 1]) : -1;
        int low = has_two ? hex_digit(name.data[i + 2]) : -1;
        bool is_escape = high >= 0 && low >= 0;
        out[size++] = is_escape ? (char)(high * 16 + low) : name.data[i];
        i += is_escape ? 2 : 0;
    }
    return ps_slice_of(out, size);
}

/* `text` has room for PS_PARTITION_TEXT_MAX bytes. */
static ps_code parse_value(const ps_partitioning *self, const ps_field *field, char *text,
                           size_t size, ps_value *out, ps_error *err)
{
    enum { MINUTES_SIZE = 16 }; /* of 2024-01-01T10:00: Java leaves out seconds that are zero */
    if (field->type->kind == PS_TYPE_TIMESTAMP && size == MINUTES_SIZE) {
        memcpy(text + size, ":00", 3);
        size += 3;
    }
    ps_field_parser parser;
    ps_field_parser_init(&parser, field->type, PS_TIMESTAMP_ISO_8601);
    union {
        int64_t i64;
        double f64;
        ps_i128 i128;
        ps_slice text;
    } room;
    ps_column column = {.values = &room};
    if (!ps_field_parse(&parser, ps_slice_of(text, size), &column, 0)) {
        char reason[256];
        ps_field_parse_reason(&parser, field->name, ps_slice_of(text, size), reason, sizeof reason);
        return ps_error_set(err, PS_E_INVALID, "table %.*s: folder of a partition: %s",
                            (int)self->table_name.size, self->table_name.data, reason);
    }
    *out = ps_column_value(&column, ps_type_phys(field->type), 0);
    return PS_OK;
}

ps_code ps_partition_parse(const ps_partitioning *partitioning, uint32_t index, ps_slice name,
                           char memory[PS_PARTITION_TEXT_MAX], ps_value *out, ps_error *err)
{
    const ps_field *field = &partitioning->columns[partitioning->partitions[index]];
    const char *equals = memchr(name.data, '=', name.size);
    size_t key_size =
        equals != NULL && name.size <= NAME_SIZE_MAX ? (size_t)(equals - name.data) : 0;
    ps_slice key = unescape(ps_slice_of(name.data, key_size), memory);
    if (!ps_slice_equal(key, field->name)) {
        return ps_error_set(err, PS_E_INVALID,
                            "table %.*s: '%.*s' is no folder of the partition column %.*s "
                            "(%.*s=…)",
                            (int)partitioning->table_name.size, partitioning->table_name.data,
                            (int)name.size, name.data, (int)field->name.size, field->name.data,
                            (int)field->name.size, field->name.data);
    }
    ps_slice text =
        unescape(ps_slice_of(name.data + key_size + 1, name.size - key_size - 1), memory);
    *out = (ps_value){.is_null = ps_slice_equal(text, partitioning->default_name)};
    if (!out->is_null) {
        return parse_value(partitioning, field, memory, text.size, out, err);
    }
    if (!field->type->nullable) {
        return ps_error_set(err, PS_E_INVALID, "table %.*s: folder '%.*s': column %.*s is NOT NULL",
                            (int)partitioning->table_name.size, partitioning->table_name.data,
                            (int)name.size, name.data, (int)field->name.size, field->name.data);
    }
    return PS_OK;
}
