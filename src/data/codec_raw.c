/* raw: one STRING or BYTES column that is a whole line, without its line end. */
#include <string.h>

#include "data/row_format_internal.h"
#include "data/value.h"

static const char *const option_names[] = {NULL};

typedef struct {
    ps_row_decoder base;
    ps_leaf_columns leaves;
} raw_decoder;

static ps_code check_types(const ps_format_table *table, ps_error *err)
{
    bool is_good =
        table->physical.field_count == 1 && (ps_type_is_text(table->physical.fields[0].type) ||
                                             ps_type_is_bytes(table->physical.fields[0].type));
    return is_good
               ? PS_OK
               : ps_error_set(err, PS_E_INVALID,
                              "the format raw needs exactly one column of type STRING or BYTES");
}

static ps_code decode(ps_row_decoder *decoder, const char *data, size_t size, bool is_whole,
                      uint32_t rows_max, ps_decoded *out, ps_error *err)
{
    (void)err;
    raw_decoder *self = (raw_decoder *)decoder;
    ps_leaf_columns_reset(&self->leaves);
    size_t at = 0;
    uint32_t row = 0;
    while (row < rows_max && at < size) {
        const char *end = memchr(data + at, '\n', size - at);
        if (end == NULL && !is_whole) {
            break;
        }
        size_t next = end != NULL ? (size_t)(end - data) : size;
        if (self->leaves.leaf_count > 0) {
            self->leaves.columns[0].text[row] = ps_slice_of(data + at, next - at);
        }
        at = end != NULL ? next + 1 : size;
        row++;
        out->lines++;
    }
    out->consumed = at;
    ps_leaf_columns_finish(&self->leaves, row, &out->batch);
    return PS_OK;
}

static void release_decoder(ps_row_decoder *decoder)
{
    raw_decoder *self = (raw_decoder *)decoder;
    ps_leaf_columns_release(&self->leaves);
}

static ps_code new_decoder(const ps_format_table *table, ps_row_decoder **out, ps_error *err)
{
    ps_code code = check_types(table, err);
    if (code != PS_OK) {
        return code;
    }
    raw_decoder *self = ps_row_decoder_take(sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a raw decoder");
    }
    self->base.decode = decode;
    self->base.release = release_decoder;
    code = ps_leaf_columns_init(&self->leaves, table, PS_TIMESTAMP_SQL, err);
    if (code != PS_OK) {
        ps_row_decoder_free(&self->base);
        return code;
    }
    *out = &self->base;
    return PS_OK;
}

static ps_code encode(ps_row_encoder *encoder, const ps_batch *batch, ps_buf *out, ps_error *err)
{
    (void)encoder;
    (void)err;
    const ps_column *column = &batch->columns[0];
    size_t size = batch->row_count;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        size += ps_column_is_null(column, row) ? 0 : column->text[row].size;
    }
    char *at = size > 0 ? ps_buf_extend(out, size) : NULL;
    for (uint32_t row = 0; at != NULL && row < batch->row_count; row++) {
        if (!ps_column_is_null(column, row) && column->text[row].size > 0) {
            memcpy(at, column->text[row].data, column->text[row].size);
            at += column->text[row].size;
        }
        *at++ = '\n';
    }
    return PS_OK; /* a buffer that is full has failed, and says so */
}

static ps_code new_encoder(const ps_format_table *table, ps_row_encoder **out, ps_error *err)
{
    ps_code code = check_types(table, err);
    if (code != PS_OK) {
        return code;
    }
    ps_row_encoder *encoder = ps_row_encoder_take(sizeof *encoder);
    if (encoder == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a raw encoder");
    }
    encoder->encode = encode;
    *out = encoder;
    return PS_OK;
}

const ps_format ps_format_raw = {
    .name = "raw",
    .summary = "one column: the line as it stands",
    .option_names = option_names,
    .new_decoder = new_decoder,
    .new_encoder = new_encoder,
};
