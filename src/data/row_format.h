/* Formats: text to columns and back. One codec per value of 'format': codec_csv.c, codec_json.c
 * (json, debezium-json, changelog-json), codec_raw.c.
 *
 * A decoder reads records from a buffer straight into columns, and only the leaves that the plan
 * reads. Texts point into the buffer where nothing had to be unescaped, else into the decoder's
 * memory: both must live until the batch is done. Options carry Flink's names (CONTRACT §3).
 */
#ifndef PS_DATA_ROW_FORMAT_H
#define PS_DATA_ROW_FORMAT_H

#include "data/batch.h"

typedef struct {
    ps_slice key, value;
} ps_with_option;

/* What the plan reads of a table: a column, or fields inside its ROW columns ("bid.price"), or a
 * metadata column. */
typedef struct {
    uint32_t column; /* of the physical columns; of the metadata columns when is_metadata */
    bool is_metadata;
    uint32_t depth; /* fields below the column */
    const uint32_t *fields;
    const ps_type *type; /* nullable when a ROW on the path is */
} ps_leaf;

/* A bad record: what was wrong, and where. */
typedef struct {
    uint64_t offset, size; /* in the buffer */
    char reason[256];      /* "column amount: 'x' is no DECIMAL(10, 2)" */
} ps_bad_record;

typedef struct {
    ps_batch batch;  /* columns as the leaves; kinds for changelog formats */
    size_t consumed; /* bytes of whole records that were read (bad ones included) */
    uint64_t lines;  /* line ends among them */
    bool has_bad;    /* the record behind the batch's rows is bad; it is consumed */
    ps_bad_record bad;
} ps_decoded;

typedef struct ps_row_decoder ps_row_decoder;
typedef struct ps_row_encoder ps_row_encoder;

typedef struct {
    ps_schema physical;
    uint32_t leaf_count;
    const ps_leaf *leaves; /* none of them metadata */
    uint32_t option_count;
    const ps_with_option *options; /* the table's; only "<format>.…" are looked at */
} ps_format_table;

typedef struct {
    const char *name;    /* "csv" */
    const char *summary; /* for the reference */
    bool is_changelog;   /* delivers kinds */
    bool is_upsert; /* … without −U (changelog-json with 'changelog-json.upsert' = 'true') */
    /* NULL-terminated names of its options: "csv.field-delimiter" … */
    const char *const *option_names;
    /* Checks options and types. NULL where it cannot read or write. PS_E_INVALID, PS_E_MEMORY. */
    ps_code (*new_decoder)(const ps_format_table *table, ps_row_decoder **out, ps_error *err);
    ps_code (*new_encoder)(const ps_format_table *table, ps_row_encoder **out, ps_error *err);
} ps_format;

/* NULL: none of that name. */
const ps_format *ps_format_find(ps_slice name);
uint32_t ps_format_count(void);
const ps_format *ps_format_at(uint32_t index);

/* Rows from the start of data: at most rows_max (≤ PS_BATCH_ROWS), whole records only. is_whole:
 * the data ends with the file (a last record without a line end counts). Stops behind a bad record,
 * which is told in out->has_bad, unless the format's ignore option takes it as NULLs or skips it as
 * the reference implementation does. Valid until the next call. PS_E_LIMIT: a record is larger than
 * the buffer (nothing consumed, not whole). */
PS_CHECKED ps_code ps_row_decoder_decode(ps_row_decoder *decoder, const char *data, size_t size,
                                         bool is_whole, uint32_t rows_max, ps_decoded *out,
                                         ps_error *err);
/* True: bad records are skipped (counted, dead letters), not fatal. */
bool ps_row_decoder_ignores_errors(const ps_row_decoder *decoder);
void ps_row_decoder_free(ps_row_decoder *decoder);

/* Appends the rows of the batch (all physical columns, in order). */
PS_CHECKED ps_code ps_row_encoder_encode(ps_row_encoder *encoder, const ps_batch *batch,
                                         ps_buf *out, ps_error *err);
void ps_row_encoder_free(ps_row_encoder *encoder);

#endif
