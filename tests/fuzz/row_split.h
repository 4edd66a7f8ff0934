/* What the fuzzers of the row formats share: a buffer decoded as a whole and in pieces must give the
 * same rows, and rows that are written must be read again. Each fuzzer includes it once.
 *
 * The input: byte 0 chooses the table's options, byte 1 how the buffer is cut, the rest is the
 * file. */
#ifndef PS_FUZZ_ROW_SPLIT_H
#define PS_FUZZ_ROW_SPLIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/row_format.h"
#include "data/value.h"

typedef struct {
    const ps_format *format;
    ps_format_table table;
} row_table;

/* What came out of a file, as text. */
typedef struct {
    ps_buf rows;
    uint64_t lines;
    uint32_t bad_count;
} row_result;

static void row_print(const row_table *table, const ps_decoded *decoded, ps_buf *out)
{
    const ps_batch *batch = &decoded->batch;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        ps_buf_append_text(out, ps_kind_text((ps_kind)ps_batch_kind(batch, row)));
        for (uint32_t i = 0; i < table->table.leaf_count; i++) {
            const ps_type *type = table->table.leaves[i].type;
            ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(type), row);
            PS_ASSERT(type->nullable || !value.is_null);
            ps_buf_append_text(out, " ");
            ps_value_print(type, &value, PS_FORM_JSON, out);
        }
        ps_buf_append_text(out, "\n");
    }
}

static void row_print_bad(const ps_decoded *decoded, size_t at, size_t size, ps_buf *out)
{
    const ps_bad_record *bad = &decoded->bad;
    PS_ASSERT(bad->offset <= size && bad->size <= size - bad->offset);
    PS_ASSERT(bad->offset + bad->size <= decoded->consumed && bad->reason[0] != 0);
    ps_buf_append_format(out, "bad %zu %zu ", at + (size_t)bad->offset, (size_t)bad->size);
    /* it may quote the record, line ends and all */
    for (const char *c = bad->reason; *c != 0; c++) {
        ps_buf_append_char(out, *c == '\n' ? ' ' : *c);
    }
    ps_buf_append_char(out, '\n');
}

/* One call over an exactly sized copy, so that the sanitizer sees a step outside; the bytes that
 * were consumed. */
static size_t row_decode_piece(const row_table *table, ps_row_decoder *decoder, ps_slice file,
                               size_t at, size_t size, uint32_t rows_max, row_result *result)
{
    ps_decoded decoded;
    ps_error err;
    bool is_whole = at + size == file.size;
    char *copy = malloc(size > 0 ? size : 1);
    PS_ASSERT(copy != NULL);
    memcpy(copy, file.data + at, size);
    memset(&decoded, 0, sizeof decoded);
    ps_code code = ps_row_decoder_decode(decoder, copy, size, is_whole, rows_max, &decoded, &err);
    if (code == PS_E_LIMIT) {
        PS_ASSERT(!is_whole);
        decoded = (ps_decoded){0};
    } else {
        PS_ASSERT(code == PS_OK);
        PS_ASSERT(decoded.consumed <= size && decoded.batch.row_count <= rows_max);
        row_print(table, &decoded, &result->rows);
        result->lines += decoded.lines;
        if (decoded.has_bad) {
            result->bad_count++;
            row_print_bad(&decoded, at, size, &result->rows);
        }
    }
    free(copy);
    return decoded.consumed;
}

/* cut 0: the whole file at each call. */
static void row_decode_all(const row_table *table, ps_slice file, uint32_t cut, uint32_t rows_max,
                           row_result *result)
{
    ps_error err;
    ps_row_decoder *decoder = NULL;
    PS_ASSERT(table->format->new_decoder(&table->table, &decoder, &err) == PS_OK);
    ps_buf_clear(&result->rows);
    result->lines = 0;
    result->bad_count = 0;
    size_t at = 0, size = cut == 0 ? file.size : cut;
    while (at < file.size) {
        size = size > file.size - at ? file.size - at : size;
        size_t consumed = row_decode_piece(table, decoder, file, at, size, rows_max, result);
        if (consumed == 0 && at + size == file.size) {
            break; /* nothing more comes of it */
        }
        at += consumed;
        size = consumed > 0 ? (cut == 0 ? file.size : cut) : size + cut;
    }
    ps_row_decoder_free(decoder);
}

/* The rows of the file, written and read again; false: the format cannot write. */
static bool row_write_again(const row_table *table, ps_slice file, ps_buf *out)
{
    ps_error err;
    ps_row_decoder *decoder = NULL;
    ps_row_encoder *encoder = NULL;
    if (table->format->new_encoder == NULL) {
        return false;
    }
    PS_ASSERT(table->format->new_decoder(&table->table, &decoder, &err) == PS_OK);
    bool is_good = table->format->new_encoder(&table->table, &encoder, &err) == PS_OK;
    ps_buf_clear(out);
    size_t at = 0, consumed = 1;
    while (is_good && at < file.size && consumed > 0) {
        ps_decoded decoded;
        memset(&decoded, 0, sizeof decoded);
        PS_ASSERT(ps_row_decoder_decode(decoder, file.data + at, file.size - at, true,
                                        PS_BATCH_ROWS, &decoded, &err) == PS_OK);
        is_good = ps_row_encoder_encode(encoder, &decoded.batch, out, &err) == PS_OK;
        consumed = decoded.consumed;
        at += consumed;
    }
    ps_row_decoder_free(decoder);
    ps_row_encoder_free(encoder);
    return is_good;
}

/* Without the records that were bad. */
static void row_drop_bad(ps_buf *rows)
{
    char *from = rows->data, *to = rows->data, *end = rows->data + rows->size;
    while (from < end) {
        char *line_end = (char *)memchr(from, '\n', (size_t)(end - from)) + 1;
        if (memcmp(from, "bad ", 4) != 0) {
            memmove(to, from, (size_t)(line_end - from));
            to += line_end - from;
        }
        from = line_end;
    }
    rows->size = (size_t)(to - rows->data);
}

static void row_must_equal(const ps_buf *a, const ps_buf *b)
{
    if (!ps_slice_equal(ps_buf_slice(a), ps_buf_slice(b))) {
        fprintf(stderr, "%.*s\nis not\n%.*s\n", (int)a->size, a->data, (int)b->size, b->data);
        abort();
    }
}

static void row_check(const row_table *table, ps_slice file, uint32_t cut, uint32_t rows_max,
                      bool writes_again)
{
    static row_result whole, pieces, again;
    static ps_buf written;
    if (whole.rows.size_max == 0) {
        ps_buf_init(&whole.rows, 64 << 20);
        ps_buf_init(&pieces.rows, 64 << 20);
        ps_buf_init(&again.rows, 64 << 20);
        ps_buf_init(&written, 64 << 20);
    }
    row_decode_all(table, file, 0, PS_BATCH_ROWS, &whole);
    row_decode_all(table, file, cut, rows_max, &pieces);
    PS_ASSERT(!whole.rows.failed && !pieces.rows.failed);
    row_must_equal(&whole.rows, &pieces.rows);
    PS_ASSERT(whole.lines == pieces.lines);
    if (writes_again && row_write_again(table, file, &written)) {
        row_decode_all(table, ps_buf_slice(&written), 0, PS_BATCH_ROWS, &again);
        row_drop_bad(&whole.rows);
        row_must_equal(&whole.rows, &again.rows);
    }
}

#endif
