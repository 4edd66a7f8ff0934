/* Formats as text: a table's columns, options, the bytes, and the rows that come out. Every case is
 * decoded whole, byte by byte more, and a row at a time: the rows must be the same. */
#ifndef PS_TEST_CODEC_FIXTURE_H
#define PS_TEST_CODEC_FIXTURE_H

#include "base/testing.h"

#include "data/row_format.h"
#include "data/value.h"

enum { CODEC_SIZE_MAX = 1 << 20 };

typedef struct {
    const char *format;
    ps_schema schema;
    const char *options[8]; /* key, value, key, value …; NULL ends */
} codec_table;

static inline ps_format_table codec_format_table(const codec_table *of, ps_leaf *leaves,
                                                 ps_with_option *options)
{
    uint32_t option_count = 0;
    for (; of->options[option_count * 2] != NULL; option_count++) {
        options[option_count].key = ps_slice_text(of->options[option_count * 2]);
        options[option_count].value = ps_slice_text(of->options[option_count * 2 + 1]);
    }
    for (uint32_t i = 0; i < of->schema.field_count; i++) {
        leaves[i] = (ps_leaf){.column = i, .type = of->schema.fields[i].type};
    }
    return (ps_format_table){
        .physical = of->schema,
        .leaf_count = of->schema.field_count,
        .leaves = leaves,
        .option_count = option_count,
        .options = options,
    };
}

static inline void codec_print(const codec_table *of, const ps_batch *batch, ps_buf *out)
{
    for (uint32_t row = 0; row < batch->row_count; row++) {
        if (batch->kinds != NULL) {
            ps_buf_append_text(out, ps_kind_text((ps_kind)batch->kinds[row]));
            ps_buf_append_char(out, ' ');
        }
        for (uint32_t i = 0; i < of->schema.field_count; i++) {
            const ps_type *type = of->schema.fields[i].type;
            ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(type), row);
            ps_buf_append_text(out, i > 0 ? "|" : "");
            ps_value_print(type, &value, PS_FORM_PLAIN, out);
        }
        ps_buf_append_char(out, '\n');
    }
}

/* Decodes all of it, `step` more bytes of the buffer shown at a time, rows_max rows a call. Bad
 * records are printed as "! reason". */
static inline void codec_decode(const codec_table *of, const char *bytes, size_t step,
                                uint32_t rows_max, ps_buf *out)
{
    ps_leaf leaves[16];
    ps_with_option options[4];
    ps_error err = {0};
    ps_format_table table = codec_format_table(of, leaves, options);
    const ps_format *format = ps_format_find(ps_slice_text(of->format));
    assert_non_null(format);
    ps_row_decoder *decoder;
    if (format->new_decoder(&table, &decoder, &err) != PS_OK) {
        ps_buf_append_format(out, "refused: %s\n", err.text);
        return;
    }
    size_t size = strlen(bytes), at = 0, shown = 0;
    while (at < size) {
        shown = shown + step < size - at ? shown + step : size - at;
        bool is_whole = at + shown == size;
        char *copy = malloc(shown + 1); /* reading beyond it is seen by the sanitizer */
        memcpy(copy, bytes + at, shown);
        ps_decoded decoded;
        assert_int_equal(
            ps_row_decoder_decode(decoder, copy, shown, is_whole, rows_max, &decoded, &err), PS_OK);
        codec_print(of, &decoded.batch, out);
        if (decoded.has_bad) {
            ps_buf_append_format(out, "! %s\n", decoded.bad.reason);
        }
        free(copy);
        assert_true(!is_whole || decoded.consumed > 0);
        at += decoded.consumed;
        shown -= decoded.consumed;
    }
    ps_row_decoder_free(decoder);
}

static inline void codec_check(const codec_table *of, const char *bytes, const char *expected)
{
    static const struct {
        size_t step;
        uint32_t rows_max;
    } ways[] = {{CODEC_SIZE_MAX, PS_BATCH_ROWS}, {1, PS_BATCH_ROWS}, {CODEC_SIZE_MAX, 2}, {7, 3}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        ps_buf out;
        ps_buf_init(&out, CODEC_SIZE_MAX);
        codec_decode(of, bytes, ways[i].step, ways[i].rows_max, &out);
        ps_buf_append_char(&out, 0);
        assert_string_equal(out.data, expected);
        ps_buf_release(&out);
    }
}

#endif
