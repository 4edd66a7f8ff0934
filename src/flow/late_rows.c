#include "flow/late_rows.h"

#include <stdlib.h>

enum { ROW_TEXT_MAX = 64 << 20 };

const ps_field ps_late_fields[PS_LATE_COLUMN_COUNT] = {
    {{"late_operator", 13}, &ps_type_string},
    {{"late_watermark", 14}, &ps_type_timestamp_ltz3},
    {{"late_row", 8}, &ps_type_string},
};

struct ps_late_rows {
    const ps_node *node;
    ps_outlet outlet;
    ps_buf text;  /* of the row at hand */
    ps_code code; /* of the first failure */
    ps_error err;
};

ps_code ps_late_rows_new(const ps_node *node, uint32_t capacity, ps_late_rows **out, ps_error *err)
{
    static const ps_type *const types[] = {&ps_type_string, &ps_type_timestamp_ltz3,
                                           &ps_type_string};
    ps_late_rows *late = calloc(1, sizeof(*late));
    if (late == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for late rows");
    }
    late->node = node;
    ps_buf_init(&late->text, ROW_TEXT_MAX);
    ps_code code = ps_outlet_init(&late->outlet, PS_LATE_COLUMN_COUNT, types, capacity, err);
    if (code != PS_OK) {
        ps_late_rows_free(late);
        return code;
    }
    *out = late;
    return PS_OK;
}

void ps_late_rows_free(ps_late_rows *late)
{
    if (late != NULL) {
        ps_outlet_release(&late->outlet);
        ps_buf_release(&late->text);
        free(late);
    }
}

ps_outlet *ps_late_rows_outlet(ps_late_rows *late)
{
    return &late->outlet;
}

void ps_row_print_json(const ps_schema *schema, const ps_batch *batch, uint32_t row, ps_buf *out)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const ps_type *type = schema->fields[i].type;
        const ps_value name = {.text = schema->fields[i].name};
        const ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(type), row);
        ps_buf_append_char(out, i > 0 ? ',' : '{');
        ps_value_print(&ps_type_string, &name, PS_FORM_JSON, out);
        ps_buf_append_char(out, ':');
        ps_value_print(type, &value, PS_FORM_JSON, out);
    }
    ps_buf_append_text(out, schema->field_count > 0 ? "}" : "{}");
}

static ps_code add(ps_late_rows *late, uint32_t input, const ps_batch *batch, uint32_t row,
                   ps_error *err)
{
    ps_outlet *outlet = &late->outlet;
    int64_t watermark = batch->watermarks[row];
    late->text.size = 0;
    ps_row_print_json(&late->node->inputs[input]->schema, batch, row, &late->text);
    if (late->text.failed) {
        return ps_error_set(err, PS_E_LIMIT, "a late row is too big to be kept as text");
    }
    ps_outlet_stamp_row(outlet, batch, row);
    ps_code code = ps_outlet_begin_row(outlet, PS_KIND_INSERT, err);
    const ps_value values[PS_LATE_COLUMN_COUNT] = {
        {.text = ps_slice_text(ps_node_kind_name(late->node->kind))},
        {.is_null = watermark == PS_WATERMARK_NONE, .i64 = watermark},
        {.text = ps_slice_of(late->text.data, late->text.size)},
    };
    for (uint32_t i = 0; code == PS_OK && i < PS_LATE_COLUMN_COUNT; i++) {
        code = ps_batch_builder_set(&outlet->builder, i, values[i], err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

void ps_late_rows_add(ps_late_rows *late, uint32_t input, const ps_batch *batch, uint32_t row)
{
    if (late->code == PS_OK) {
        late->code = add(late, input, batch, row, &late->err);
    }
}

ps_code ps_late_rows_flush(ps_late_rows *late, int64_t watermark_after, uint64_t sequence_after,
                           ps_error *err)
{
    if (late->code != PS_OK) {
        *err = late->err;
        return late->code;
    }
    return ps_outlet_flush(&late->outlet, watermark_after, sequence_after, err);
}
