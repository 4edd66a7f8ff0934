/* JSON rows (json, changelog-json, debezium-json): whole and in pieces the same; what is written is
 * read again. See row_split.h. */
#include "row_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMN_COUNT = 11, OPTION_COUNT_MAX = 4 };

static ps_arena arena;
static ps_field fields[COLUMN_COUNT];
static ps_leaf leaves[COLUMN_COUNT];

static void make_columns(void)
{
    static ps_slice row_names[2];
    static const ps_type *row_types[2];
    ps_arena_init(&arena, 1 << 20);
    row_names[0] = ps_slice_text("x");
    row_names[1] = ps_slice_text("y");
    row_types[0] = ps_type_simple(&arena, PS_TYPE_INT, true);
    row_types[1] = &ps_type_string;
    const ps_type *row = ps_type_row(&arena, 2, row_names, row_types, true);
    const ps_type *types[COLUMN_COUNT] = {
        &ps_type_string,
        ps_type_simple(&arena, PS_TYPE_BIGINT, true),
        ps_type_decimal(&arena, 20, 4, true),
        ps_type_simple(&arena, PS_TYPE_BOOLEAN, true),
        ps_type_time(&arena, PS_TYPE_TIMESTAMP, 3, true),
        ps_type_simple(&arena, PS_TYPE_DOUBLE, true),
        ps_type_simple(&arena, PS_TYPE_DATE, true),
        ps_type_time(&arena, PS_TYPE_TIMESTAMP_LTZ, 3, true),
        row,
        ps_type_array(&arena, row, true),
        ps_type_map(&arena, ps_type_with_nullable(&arena, &ps_type_string, false), row_types[0],
                    true),
    };
    for (uint32_t i = 0; i < COLUMN_COUNT; i++) {
        static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "r", "l", "m"};
        fields[i] = (ps_field){ps_slice_text(names[i]), types[i]};
        leaves[i] = (ps_leaf){.column = i, .type = types[i]};
    }
}

static void option_add(ps_with_option *options, uint32_t *count, const char *key, const char *value)
{
    options[(*count)++] = (ps_with_option){ps_slice_text(key), ps_slice_text(value)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"json", "json", "changelog-json", "debezium-json"};
    static const char *const ignores[] = {"json.ignore-parse-errors", "json.ignore-parse-errors",
                                          "changelog-json.ignore-parse-errors",
                                          "debezium-json.ignore-parse-errors"};
    if (size < 2 || size > 1 << 14) {
        return 0;
    }
    if (fields[0].type == NULL) {
        make_columns();
    }
    uint8_t choice = data[0], cut = data[1];
    ps_with_option options[OPTION_COUNT_MAX];
    uint32_t option_count = 0;
    if ((choice & 4) != 0) {
        option_add(options, &option_count, ignores[choice % 4], "true");
    }
    if ((choice & 8) != 0 && choice % 4 < 2 && (choice & 4) == 0) {
        option_add(options, &option_count, "json.fail-on-missing-field", "true");
    }
    if ((choice & 16) != 0 && choice % 4 < 2) {
        option_add(options, &option_count, "json.timestamp-format.standard", "ISO-8601");
    }
    uint32_t column_count = (choice & 32) != 0 ? 3 : COLUMN_COUNT;
    row_table table = {
        .format = ps_format_find(ps_slice_text(formats[choice % 4])),
        .table = {.physical = {column_count, fields},
                  .leaf_count = column_count,
                  .leaves = leaves,
                  .option_count = option_count,
                  .options = options},
    };
    /* debezium-json writes an update as a delete and a create, as the reference does */
    bool writes_again = (choice & 64) != 0 && choice % 4 != 3;
    row_check(&table, ps_slice_of(data + 2, size - 2), 1 + cut % 64, 2 + cut / 16, writes_again);
    return 0;
}
