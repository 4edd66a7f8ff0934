#include "flow/key_encoder.h"

enum { BYTES_MAX = 1 << 30 };

ps_code ps_key_encoder_init(ps_key_encoder *encoder, ps_arena *arena, ps_columns keys,
                            const ps_schema *schema, ps_error *err)
{
    *encoder = (ps_key_encoder){.keys = keys, .arena = arena};
    ps_buf_init(&encoder->bytes, BYTES_MAX);
    encoder->pointers = ps_arena_take(arena, keys.count * sizeof *encoder->pointers);
    const ps_type **types = ps_arena_take(arena, keys.count * sizeof *types);
    if (encoder->pointers == NULL || types == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for keys");
    }
    for (uint32_t i = 0; i < keys.count; i++) {
        types[i] = schema->fields[keys.columns[i]].type;
    }
    return ps_row_layout_init(&encoder->layout, arena, keys.count, types, true, err);
}

void ps_key_encoder_release(ps_key_encoder *encoder)
{
    ps_buf_release(&encoder->bytes);
}

uint32_t ps_key_encoder_size(const ps_key_encoder *encoder)
{
    return encoder->layout.has_text ? 0 : encoder->layout.fixed_size;
}

static void point_at(ps_key_encoder *encoder, const ps_batch *batch)
{
    for (uint32_t i = 0; i < encoder->keys.count; i++) {
        encoder->pointers[i] = &batch->columns[encoder->keys.columns[i]];
    }
}

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for keys");
}

ps_code ps_key_encode(ps_key_encoder *encoder, const ps_batch *batch, uint32_t row, ps_slice *out,
                      ps_error *err)
{
    point_at(encoder, batch);
    size_t size = ps_row_size(&encoder->layout, encoder->pointers, row);
    ps_buf_clear(&encoder->bytes);
    char *bytes = ps_buf_extend(&encoder->bytes, size > 0 ? size : 1);
    if (bytes == NULL) {
        return no_memory(err);
    }
    ps_row_encode(&encoder->layout, encoder->pointers, row, bytes);
    *out = ps_slice_of(bytes, size);
    return PS_OK;
}

ps_code ps_key_put(ps_key_encoder *encoder, ps_table *table, const ps_batch *batch, uint32_t row,
                   uint32_t *out_entry, bool *out_is_new, ps_error *err)
{
    ps_slice key;
    ps_code code = ps_key_encode(encoder, batch, row, &key, err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t hash = ps_table_hash(key.data, key.size);
    return ps_table_put(table, hash, key, out_entry, out_is_new, err);
}

ps_code ps_key_encode_run(ps_key_encoder *encoder, const ps_batch *batch, uint32_t from,
                          uint32_t to, ps_slice **out, ps_error *err)
{
    if (encoder->slices == NULL) {
        encoder->slices = ps_arena_take(encoder->arena, PS_BATCH_ROWS * sizeof(ps_slice));
        if (encoder->slices == NULL) {
            return no_memory(err);
        }
    }
    point_at(encoder, batch);
    size_t total = 0;
    for (uint32_t row = from; row < to; row++) {
        size_t size = encoder->layout.has_text
                          ? ps_row_size(&encoder->layout, encoder->pointers, row)
                          : encoder->layout.fixed_size;
        encoder->slices[row - from].size = size;
        total += size;
    }
    ps_buf_clear(&encoder->bytes);
    char *bytes = ps_buf_extend(&encoder->bytes, total > 0 ? total : 1);
    if (bytes == NULL) {
        return no_memory(err);
    }
    for (uint32_t row = from; row < to; row++) {
        ps_row_encode(&encoder->layout, encoder->pointers, row, bytes);
        encoder->slices[row - from].data = bytes;
        bytes += encoder->slices[row - from].size;
    }
    *out = encoder->slices;
    return PS_OK;
}

bool ps_key_has_null(const ps_key_encoder *encoder, const ps_batch *batch, uint32_t row)
{
    for (uint32_t i = 0; i < encoder->keys.count; i++) {
        if (ps_column_is_null(&batch->columns[encoder->keys.columns[i]], row)) {
            return true;
        }
    }
    return false;
}
