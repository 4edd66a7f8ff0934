#include "data/row.h"

#include "data/row_field.h"

ps_code ps_row_layout_init(ps_row_layout *layout, ps_arena *arena, uint32_t field_count,
                           const ps_type *const *types, bool is_key, ps_error *err)
{
    ps_phys *classes = ps_arena_take(arena, field_count * sizeof *classes);
    uint32_t *offsets = ps_arena_take(arena, field_count * sizeof *offsets);
    uint32_t *text_fields = ps_arena_take(arena, field_count * sizeof *text_fields);
    const ps_type **kept_types = ps_arena_take(arena, field_count * sizeof *kept_types);
    if (classes == NULL || offsets == NULL || text_fields == NULL || kept_types == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a row of %u fields", field_count);
    }
    uint32_t at = row_bitmap_size(field_count);
    uint32_t text_count = 0;
    for (uint32_t i = 0; i < field_count; i++) {
        kept_types[i] = types[i];
        classes[i] = ps_type_phys(types[i]);
        offsets[i] = at;
        at += ps_phys_size(classes[i]);
        if (classes[i] == PS_PHYS_TEXT) {
            text_fields[text_count++] = i;
        }
    }
    *layout = (ps_row_layout){.field_count = field_count,
                              .is_key = is_key,
                              .has_text = text_count > 0,
                              .fixed_size = at,
                              .classes = classes,
                              .offsets = offsets,
                              .text_count = text_count,
                              .text_fields = text_fields,
                              .types = kept_types};
    return PS_OK;
}

/* ── encode ── */

size_t ps_row_size(const ps_row_layout *layout, const ps_column *const *columns, uint32_t row)
{
    size_t size = layout->fixed_size;
    for (uint32_t i = 0; i < layout->text_count; i++) {
        const ps_column *column = columns[layout->text_fields[i]];
        size += ps_column_is_null(column, row) ? 0 : column->text[row].size;
    }
    return size;
}

size_t ps_row_size_of_values(const ps_row_layout *layout, const ps_value *values)
{
    size_t size = layout->fixed_size;
    for (uint32_t i = 0; i < layout->text_count; i++) {
        const ps_value *value = &values[layout->text_fields[i]];
        size += value->is_null ? 0 : value->text.size;
    }
    return size;
}

void ps_row_encode(const ps_row_layout *layout, const ps_column *const *columns, uint32_t row,
                   char *out)
{
    size_t end = layout->fixed_size;
    memset(out, 0, row_bitmap_size(layout->field_count));
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const ps_column *column = columns[i];
        char *at = out + layout->offsets[i];
        if (ps_column_is_null(column, row)) {
            row_put_null(out, i, at, layout->classes[i]);
            continue;
        }
        switch (layout->classes[i]) {
        case PS_PHYS_I64:
            memcpy(at, &column->i64[row], 8);
            break;
        case PS_PHYS_F64:
            row_put_f64(at, column->f64[row], layout->is_key);
            break;
        case PS_PHYS_I128:
            memcpy(at, &column->i128[row], 16);
            break;
        case PS_PHYS_TEXT:
            row_put_text(out, at, column->text[row], &end);
            break;
        }
    }
}

void ps_row_encode_values(const ps_row_layout *layout, const ps_value *values, char *out)
{
    size_t end = layout->fixed_size;
    memset(out, 0, row_bitmap_size(layout->field_count));
    for (uint32_t i = 0; i < layout->field_count; i++) {
        char *at = out + layout->offsets[i];
        if (values[i].is_null) {
            row_put_null(out, i, at, layout->classes[i]);
        } else {
            row_put_value(out, at, layout->classes[i], &values[i], layout->is_key, &end);
        }
    }
}

/* ── decode ── */

ps_value ps_row_get(const ps_row_layout *layout, const char *code, uint32_t field)
{
    PS_ASSERT(field < layout->field_count);
    return row_field(code, field, layout->offsets[field], layout->classes[field]);
}

/* The texts have no gaps: the code ends with the last one that is not NULL. */
size_t ps_row_code_size(const ps_row_layout *layout, const char *code)
{
    for (uint32_t i = layout->text_count; i > 0; i--) {
        uint32_t field = layout->text_fields[i - 1];
        if (!row_field_is_null(code, field)) {
            const char *at = code + layout->offsets[field];
            return (size_t)ps_get_u32(at) + ps_get_u32(at + 4);
        }
    }
    return layout->fixed_size;
}

ps_code ps_row_decode(const ps_row_layout *layout, const char *code, ps_batch_builder *builder,
                      uint32_t first_column, ps_error *err)
{
    PS_ASSERT(first_column + layout->field_count <= builder->batch.column_count);
    uint32_t row = builder->batch.row_count;
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (row_field_is_null(code, i)) {
            continue; /* as the row was begun */
        }
        PS_ASSERT(builder->classes[first_column + i] == layout->classes[i]);
        const char *at = code + layout->offsets[i];
        ps_column *column = &builder->batch.columns[first_column + i];
        if (layout->classes[i] == PS_PHYS_TEXT) {
            ps_code set =
                ps_batch_builder_set_text(builder, first_column + i, row_text(code, at), err);
            if (set != PS_OK) {
                return set;
            }
        } else if (layout->classes[i] == PS_PHYS_I128) {
            memcpy(&column->i128[row], at, 16);
            ps_valid_set(column->valid, row);
        } else {
            memcpy(&column->i64[row], at, 8);
            ps_valid_set(column->valid, row);
        }
    }
    return PS_OK;
}

bool ps_row_is_well_formed(const ps_row_layout *layout, const char *code, size_t size)
{
    size_t end = layout->fixed_size;
    if (size < end || size > UINT32_MAX || !row_bitmap_is_clean(code, layout->field_count)) {
        return false;
    }
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (!row_field_is_well_formed(layout->types[i], code, size, i, layout->offsets[i], &end)) {
            return false;
        }
    }
    return end == size;
}
