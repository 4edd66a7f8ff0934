#include "flow/kept_rows.h"

ps_code ps_kept_rows_init(ps_kept_rows *rows, ps_store *store, ps_arena *arena, const char *name,
                          uint32_t header_size, const ps_schema *schema, ps_error *err)
{
    PS_ASSERT(header_size % 8 == 0);
    *rows = (ps_kept_rows){.header_size = header_size, .column_count = schema->field_count};
    const ps_type **types = ps_arena_take(arena, schema->field_count * sizeof *types);
    rows->pointers = ps_arena_take(arena, schema->field_count * sizeof *rows->pointers);
    if (types == NULL || rows->pointers == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for kept rows");
    }
    for (uint32_t i = 0; i < schema->field_count; i++) {
        types[i] = schema->fields[i].type;
    }
    rows->types = types;
    ps_code code = ps_row_layout_init(&rows->layout, arena, schema->field_count, types, false, err);
    return code == PS_OK ? ps_heap_init(&rows->heap, store, name, err) : code;
}

static void point_at(ps_kept_rows *rows, const ps_batch *batch)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        rows->pointers[i] = &batch->columns[i];
    }
}

ps_code ps_kept_rows_add(ps_kept_rows *rows, const ps_batch *batch, uint32_t row, uint32_t *out_ref,
                         ps_error *err)
{
    point_at(rows, batch);
    size_t size = ps_row_size(&rows->layout, rows->pointers, row);
    if (size > UINT32_MAX / 2) {
        return ps_error_set(err, PS_E_LIMIT, "a row of %zu bytes is too large to be kept", size);
    }
    uint32_t ref;
    ps_code code = ps_heap_take(&rows->heap, rows->header_size + 8 + (uint32_t)size, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    char *block = ps_heap_at(&rows->heap, ref);
    memset(block, 0, rows->header_size + 8);
    uint32_t code_size = (uint32_t)size;
    memcpy(block + rows->header_size, &code_size, sizeof code_size);
    ps_row_encode(&rows->layout, rows->pointers, row, block + rows->header_size + 8);
    *out_ref = ref;
    return PS_OK;
}

ps_code ps_kept_rows_add_header(ps_kept_rows *rows, uint32_t *out_ref, ps_error *err)
{
    ps_code code = ps_heap_take(&rows->heap, rows->header_size + 8, out_ref, err);
    if (code == PS_OK) {
        memset(ps_heap_at(&rows->heap, *out_ref), 0, rows->header_size + 8);
    }
    return code;
}

void ps_kept_rows_drop(ps_kept_rows *rows, uint32_t ref)
{
    ps_heap_give(&rows->heap, ref, rows->header_size + 8 + ps_kept_row_size(rows, ref));
}

ps_value ps_kept_row_get(const ps_kept_rows *rows, uint32_t ref, uint32_t column)
{
    return ps_row_get(&rows->layout, ps_kept_row_code(rows, ref), column);
}

bool ps_kept_row_equals(ps_kept_rows *rows, uint32_t ref, const ps_batch *batch, uint32_t row)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        ps_value kept = ps_kept_row_get(rows, ref, i);
        ps_value value = ps_column_value(&batch->columns[i], rows->layout.classes[i], row);
        if (ps_value_compare(rows->types[i], &kept, &value) != 0) {
            return false;
        }
    }
    return true;
}

ps_code ps_kept_row_emit(const ps_kept_rows *rows, uint32_t ref, ps_outlet *outlet,
                         uint32_t first_column, ps_error *err)
{
    return ps_row_decode(&rows->layout, ps_kept_row_code(rows, ref), &outlet->builder, first_column,
                         err);
}

ps_code ps_kept_row_send(const ps_kept_rows *rows, uint32_t ref, ps_outlet *outlet, uint8_t kind,
                         ps_error *err)
{
    ps_code code = ps_outlet_begin_row(outlet, kind, err);
    if (code == PS_OK) {
        code = ps_kept_row_emit(rows, ref, outlet, 0, err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

ps_code ps_batch_row_emit(const ps_batch *batch, uint32_t row, ps_outlet *outlet,
                          uint32_t first_column, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < batch->column_count; i++) {
        code =
            ps_batch_builder_copy(&outlet->builder, first_column + i, &batch->columns[i], row, err);
    }
    return code;
}
