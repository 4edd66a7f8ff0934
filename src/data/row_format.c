#include "data/row_format_internal.h"

#include <string.h>

static const ps_format *const formats[] = {
    &ps_format_csv, &ps_format_json, &ps_format_debezium_json, &ps_format_changelog_json,
    &ps_format_raw,
};

uint32_t ps_format_count(void)
{
    return sizeof formats / sizeof *formats;
}

const ps_format *ps_format_at(uint32_t index)
{
    PS_ASSERT(index < ps_format_count());
    return formats[index];
}

const ps_format *ps_format_find(ps_slice name)
{
    for (uint32_t i = 0; i < ps_format_count(); i++) {
        if (ps_slice_equal(ps_slice_text(formats[i]->name), name)) {
            return formats[i];
        }
    }
    return NULL;
}

ps_code ps_row_decoder_decode(ps_row_decoder *decoder, const char *data, size_t size, bool is_whole,
                              uint32_t rows_max, ps_decoded *out, ps_error *err)
{
    PS_ASSERT(rows_max > 0 && rows_max <= PS_BATCH_ROWS);
    *out = (ps_decoded){0};
    return decoder->decode(decoder, data, size, is_whole, rows_max, out, err);
}

bool ps_row_decoder_ignores_errors(const ps_row_decoder *decoder)
{
    return decoder->ignores_errors;
}

void *ps_row_decoder_take(size_t size)
{
    ps_arena memory;
    ps_arena_init(&memory, SIZE_MAX / 2);
    ps_row_decoder *decoder = ps_arena_take(&memory, size);
    if (decoder != NULL) {
        decoder->memory = memory;
    }
    return decoder;
}

void ps_row_decoder_free(ps_row_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    if (decoder->release != NULL) {
        decoder->release(decoder);
    }
    ps_arena memory = decoder->memory; /* the decoder lies in it */
    ps_arena_release(&memory);
}

ps_code ps_row_encoder_encode(ps_row_encoder *encoder, const ps_batch *batch, ps_buf *out,
                              ps_error *err)
{
    ps_code code = encoder->encode(encoder, batch, out, err);
    if (code == PS_OK && out->failed) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory to write rows");
    }
    return code;
}

void *ps_row_encoder_take(size_t size)
{
    ps_arena memory;
    ps_arena_init(&memory, SIZE_MAX / 2);
    ps_row_encoder *encoder = ps_arena_take(&memory, size);
    if (encoder != NULL) {
        encoder->memory = memory;
    }
    return encoder;
}

void ps_row_encoder_free(ps_row_encoder *encoder)
{
    if (encoder == NULL) {
        return;
    }
    if (encoder->release != NULL) {
        encoder->release(encoder);
    }
    ps_arena memory = encoder->memory;
    ps_arena_release(&memory);
}

/* ── columns of the leaves ── */

enum { TEXT_SIZE_MAX = 1 << 30 };

ps_code ps_leaf_columns_init(ps_leaf_columns *leaves, const ps_format_table *table,
                             ps_timestamp_standard standard, ps_error *err)
{
    uint32_t count = table->leaf_count;
    *leaves = (ps_leaf_columns){.leaf_count = count};
    ps_arena_init(&leaves->memory, SIZE_MAX / 2);
    ps_arena_init(&leaves->text, TEXT_SIZE_MAX);
    leaves->columns = ps_arena_take(&leaves->memory, count * sizeof *leaves->columns);
    leaves->parsers = ps_arena_take(&leaves->memory, count * sizeof *leaves->parsers);
    leaves->valid = ps_arena_take(&leaves->memory, count * sizeof *leaves->valid);
    leaves->kinds = ps_arena_take(&leaves->memory, PS_BATCH_ROWS);
    bool is_good = leaves->columns != NULL && leaves->parsers != NULL && leaves->valid != NULL &&
                   leaves->kinds != NULL;
    for (uint32_t i = 0; is_good && i < count; i++) {
        ps_field_parser_init(&leaves->parsers[i], table->leaves[i].type, standard);
        size_t size = (size_t)PS_BATCH_ROWS * ps_phys_size(leaves->parsers[i].phys);
        leaves->columns[i].values = ps_arena_take(&leaves->memory, size);
        leaves->valid[i] =
            ps_arena_take(&leaves->memory, ps_valid_words(PS_BATCH_ROWS) * sizeof(uint64_t));
        is_good = leaves->columns[i].values != NULL && leaves->valid[i] != NULL;
    }
    if (!is_good) {
        ps_leaf_columns_release(leaves);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a decoder");
    }
    return PS_OK;
}

void ps_leaf_columns_release(ps_leaf_columns *leaves)
{
    ps_arena_release(&leaves->memory);
    ps_arena_release(&leaves->text);
}

void ps_leaf_columns_reset(ps_leaf_columns *leaves)
{
    for (uint32_t i = 0; i < leaves->leaf_count; i++) {
        leaves->columns[i].valid = NULL;
    }
    ps_arena_reset(&leaves->text);
}

void ps_leaf_columns_set_null(ps_leaf_columns *leaves, uint32_t leaf, uint32_t row)
{
    ps_column *column = &leaves->columns[leaf];
    if (column->valid == NULL) {
        column->valid = leaves->valid[leaf];
        memset(column->valid, 0xff, ps_valid_words(PS_BATCH_ROWS) * sizeof(uint64_t));
    }
    ps_valid_clear(column->valid, row);
    uint32_t size = ps_phys_size(leaves->parsers[leaf].phys);
    memset((char *)column->values + (size_t)row * size, 0, size);
}

void ps_leaf_columns_finish(ps_leaf_columns *leaves, uint32_t row_count, ps_batch *out)
{
    *out = (ps_batch){
        .row_count = row_count,
        .column_count = leaves->leaf_count,
        .columns = leaves->columns,
    };
}

/* ── options ── */

const ps_slice *ps_format_option(const ps_format_table *table, const char *key)
{
    for (uint32_t i = 0; i < table->option_count; i++) {
        if (ps_slice_equal(table->options[i].key, ps_slice_text(key))) {
            return &table->options[i].value;
        }
    }
    return NULL;
}

static ps_code wrong(const char *key, ps_slice value, const char *wanted, ps_error *err)
{
    return ps_error_set(err, PS_E_INVALID, "option '%s' is '%.*s', it must be %s", key,
                        (int)value.size, value.data, wanted);
}

ps_code ps_format_option_bool(const ps_format_table *table, const char *key, bool *out,
                              ps_error *err)
{
    const ps_slice *value = ps_format_option(table, key);
    *out = false;
    if (value == NULL) {
        return PS_OK;
    }
    *out = value->size == 4 && strncasecmp(value->data, "true", 4) == 0;
    bool is_false = value->size == 5 && strncasecmp(value->data, "false", 5) == 0;
    return *out || is_false ? PS_OK : wrong(key, *value, "true or false", err);
}

ps_code ps_format_option_char(const ps_format_table *table, const char *key, char fallback,
                              char *out, ps_error *err)
{
    const ps_slice *value = ps_format_option(table, key);
    *out = fallback;
    if (value == NULL) {
        return PS_OK;
    }
    if (ps_slice_equal(*value, PS_SLICE("\\t"))) {
        *out = '\t';
        return PS_OK;
    }
    if (value->size != 1 || (unsigned char)value->data[0] >= 0x80) {
        return wrong(key, *value, "one ASCII character", err);
    }
    *out = value->data[0];
    return PS_OK;
}

ps_code ps_format_option_standard(const ps_format_table *table, const char *key,
                                  ps_timestamp_standard *out, ps_error *err)
{
    const ps_slice *value = ps_format_option(table, key);
    *out = PS_TIMESTAMP_SQL;
    if (value == NULL || ps_slice_equal(*value, PS_SLICE("SQL"))) {
        return PS_OK;
    }
    *out = PS_TIMESTAMP_ISO_8601;
    return ps_slice_equal(*value, PS_SLICE("ISO-8601"))
               ? PS_OK
               : wrong(key, *value, "SQL or ISO-8601", err);
}
