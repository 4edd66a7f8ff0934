/* CSV rows: whole and in pieces the same; what is written is read again. See row_split.h. */
#include "row_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMN_COUNT = 9, OPTION_COUNT_MAX = 8 };

static ps_arena arena;
static ps_field fields[COLUMN_COUNT];
static ps_leaf leaves[COLUMN_COUNT];

static void make_columns(void)
{
    ps_arena_init(&arena, 1 << 20);
    const ps_type *types[COLUMN_COUNT] = {
        &ps_type_string,
        ps_type_simple(&arena, PS_TYPE_BIGINT, true),
        ps_type_decimal(&arena, 10, 2, true),
        ps_type_simple(&arena, PS_TYPE_BOOLEAN, true),
        ps_type_time(&arena, PS_TYPE_TIMESTAMP, 3, true),
        ps_type_simple(&arena, PS_TYPE_DOUBLE, true),
        ps_type_simple(&arena, PS_TYPE_DATE, true),
        ps_type_time(&arena, PS_TYPE_TIMESTAMP_LTZ, 3, true),
        ps_type_simple(&arena, PS_TYPE_INT, true),
    };
    for (uint32_t i = 0; i < COLUMN_COUNT; i++) {
        static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
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
    if (size < 2 || size > 1 << 14) {
        return 0;
    }
    if (fields[0].type == NULL) {
        make_columns();
    }
    uint8_t choice = data[0], cut = data[1];
    ps_with_option options[OPTION_COUNT_MAX];
    uint32_t option_count = 0;
    if ((choice & 1) != 0) {
        option_add(options, &option_count, "csv.ignore-parse-errors", "true");
    }
    if ((choice & 2) != 0) {
        option_add(options, &option_count, "csv.null-literal", (choice & 4) != 0 ? "" : "NULL");
    }
    if ((choice & 8) != 0) {
        option_add(options, &option_count, "csv.allow-comments", "true");
    }
    if ((choice & 16) != 0) {
        option_add(options, &option_count, "csv.field-delimiter", ";");
    }
    if ((choice & 32) != 0) {
        option_add(options, &option_count, "csv.disable-quote-character", "true");
    }
    /* a part of the columns, the first among them */
    uint32_t column_count = (choice & 64) != 0 ? 2 : COLUMN_COUNT;
    row_table table = {
        .format = ps_format_find(ps_slice_text("csv")),
        .table = {.physical = {column_count, fields},
                  .leaf_count = column_count,
                  .leaves = leaves,
                  .option_count = option_count,
                  .options = options},
    };
    /* without a text for NULL, or without quotes, not every row can be written */
    bool writes_again = (choice & 128) != 0 && (choice & (2 | 32 | 8 | 1)) == 2;
    row_check(&table, ps_slice_of(data + 2, size - 2), 1 + cut % 64, 1 + cut / 16, writes_again);
    return 0;
}
