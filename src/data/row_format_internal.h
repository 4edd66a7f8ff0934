/* What the codecs share. Inside data only. */
#ifndef PS_DATA_ROW_FORMAT_INTERNAL_H
#define PS_DATA_ROW_FORMAT_INTERNAL_H

#include "data/field_parse.h"
#include "data/row_format.h"

/* The codecs' classes; a codec embeds the base first. Its own memory lies in base.memory. */
struct ps_row_decoder {
    ps_code (*decode)(ps_row_decoder *decoder, const char *data, size_t size, bool is_whole,
                      uint32_t rows_max, ps_decoded *out, ps_error *err);
    void (*release)(ps_row_decoder *decoder); /* all but base.memory; NULL: nothing else */
    bool ignores_errors;
    ps_arena memory;
};

struct ps_row_encoder {
    ps_code (*encode)(ps_row_encoder *encoder, const ps_batch *batch, ps_buf *out, ps_error *err);
    void (*release)(ps_row_encoder *encoder);
    ps_arena memory;
};

/* `size` zeroed bytes that begin with the base; ps_row_decoder_free and ps_row_encoder_free give
 * them back. NULL: no memory. */
void *ps_row_decoder_take(size_t size);
void *ps_row_encoder_take(size_t size);

extern const ps_format ps_format_csv, ps_format_json, ps_format_debezium_json,
    ps_format_changelog_json, ps_format_raw;

/* The columns that a decoder fills: room for PS_BATCH_ROWS rows of the leaves' classes, in one
 * block. */
typedef struct {
    uint32_t leaf_count;
    ps_column *columns;
    ps_field_parser *parsers;
    uint64_t **valid; /* per leaf: room for the bits; columns[i].valid is it or NULL */
    uint8_t *kinds;
    ps_arena memory;
    ps_arena text; /* unescaped texts of the present batch */
} ps_leaf_columns;

PS_CHECKED ps_code ps_leaf_columns_init(ps_leaf_columns *leaves, const ps_format_table *table,
                                        ps_timestamp_standard standard, ps_error *err);
void ps_leaf_columns_release(ps_leaf_columns *leaves);
/* No rows: bits are all set, texts forgotten. */
void ps_leaf_columns_reset(ps_leaf_columns *leaves);
void ps_leaf_columns_set_null(ps_leaf_columns *leaves, uint32_t leaf, uint32_t row);
/* The batch of the first row_count rows. */
void ps_leaf_columns_finish(ps_leaf_columns *leaves, uint32_t row_count, ps_batch *out);

/* Options: NULL when not given. */
const ps_slice *ps_format_option(const ps_format_table *table, const char *key);
PS_CHECKED ps_code ps_format_option_bool(const ps_format_table *table, const char *key, bool *out,
                                         ps_error *err); /* absent: false */
/* One character; absent: fallback; "\t" may be written so. */
PS_CHECKED ps_code ps_format_option_char(const ps_format_table *table, const char *key,
                                         char fallback, char *out, ps_error *err);
PS_CHECKED ps_code ps_format_option_standard(const ps_format_table *table, const char *key,
                                             ps_timestamp_standard *out, ps_error *err);

#endif
