#include "cep/match_rows.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(ps_cep_row) == 40, "the mask follows, aligned");

ps_code ps_match_rows_init(ps_match_rows *rows, ps_store *store, ps_arena *arena,
                           const ps_schema *schema, const bool *keeps, ps_error *err)
{
    uint32_t count = schema->field_count;
    uint32_t *columns = ps_arena_take(arena, count * sizeof *columns);
    uint32_t *places = ps_arena_take(arena, count * sizeof *places);
    const ps_type **types = ps_arena_take(arena, count * sizeof *types);
    const ps_column **pointers = ps_arena_take(arena, count * sizeof *pointers);
    if (columns == NULL || places == NULL || types == NULL || pointers == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the rows of a pattern");
    }
    *rows = (ps_match_rows){.columns = columns, .places = places, .pointers = pointers};
    for (uint32_t i = 0; i < count; i++) {
        places[i] = PS_NO_COLUMN;
        if (keeps[i]) {
            places[i] = rows->column_count;
            columns[rows->column_count] = i;
            types[rows->column_count++] = schema->fields[i].type;
        }
    }
    ps_code code = ps_row_layout_init(&rows->layout, arena, rows->column_count, types, false, err);
    return code == PS_OK ? ps_heap_init(&rows->heap, store, "rows", err) : code;
}

/* Bytes of the row code; the pointers are set for it. */
static size_t code_size(ps_match_rows *rows, const ps_match_row_source *source)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        rows->pointers[i] = &source->batch->columns[rows->columns[i]];
    }
    return rows->layout.has_text ? ps_row_size(&rows->layout, rows->pointers, source->row)
                                 : rows->layout.fixed_size;
}

ps_code ps_match_rows_add(ps_match_rows *rows, const ps_match_row_source *source, uint32_t *out_ref,
                          ps_error *err)
{
    bool keeps = source->keeps_columns && rows->column_count > 0;
    size_t mask_size = (size_t)rows->mask_words * sizeof(uint64_t);
    size_t key_room = (source->key.size + 7) / 8 * 8;
    size_t head = sizeof(ps_cep_row) + mask_size + key_room;
    size_t size = head + (keeps ? code_size(rows, source) : 0);
    if (size > UINT32_MAX / 2) {
        return ps_error_set(err, PS_E_LIMIT, "a row of %zu bytes is too large for a pattern", size);
    }
    uint32_t ref;
    ps_code code = ps_heap_take(&rows->heap, (uint32_t)size, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    ps_cep_row *row = ps_cep_row_at(rows, ref);
    *row = (ps_cep_row){
        .time = source->time,
        .refs = 1,
        .size = (uint32_t)size,
        .key_size = (uint32_t)source->key.size,
        .code = keeps ? (uint32_t)head : 0,
    };
    char *at = (char *)(row + 1);
    for (uint32_t i = 0; i < rows->mask_words; i++) {
        ((uint64_t *)(void *)at)[i] = source->mask[i];
    }
    at += mask_size;
    if (key_room > 0) {
        memset(at + key_room - 8, 0, 8);
        memcpy(at, source->key.data, source->key.size);
    }
    if (keeps) {
        ps_row_encode(&rows->layout, rows->pointers, source->row, at + key_room);
    }
    *out_ref = ref;
    return PS_OK;
}

void ps_match_row_drop(ps_match_rows *rows, uint32_t ref)
{
    ps_cep_row *row = ps_cep_row_touch(rows, ref);
    if (--row->refs == 0) {
        ps_heap_give(&rows->heap, ref, row->size);
    }
}

ps_value ps_match_row_get(const ps_match_rows *rows, uint32_t ref, uint32_t column)
{
    const ps_cep_row *row = ps_cep_row_at(rows, ref);
    PS_ASSERT(row->code != 0 && rows->places[column] != PS_NO_COLUMN);
    return ps_row_get(&rows->layout, (const char *)row + row->code, rows->places[column]);
}
