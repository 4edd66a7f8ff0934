/* csv, as the reference implementation reads and writes it (Jackson's CSV with its defaults).
 *
 * Reading: a record per line; a field that begins with the quote character runs to its closing
 * quote (doubled inside), line ends included; a quote elsewhere is an ordinary character; blanks
 * are kept. A field equal to 'csv.null-literal' is NULL, quoted or not. Too few or too many fields
 * are an error, unless 'csv.ignore-parse-errors': then missing and unreadable fields are NULL.
 * Empty lines are skipped.
 *
 * Writing: a field is quoted when it is longer than 24 characters or has one below max(delimiter,
 * quote) + 1. DECIMAL without trailing zeros, times without trailing zeros of the fraction.
 *
 * Fields are found 64 bytes at a time: one bit per delimiter, quote or line end.
 */
#include <stdio.h>
#include <string.h>

#include "data/datetime.h"
#include "data/decimal.h"
#include "data/row_format_internal.h"
#include "data/value.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { UNQUOTED_SIZE_MAX = 24, NO_LEAF = -1 };

static const char *const option_names[] = {
    "csv.field-delimiter",
    "csv.quote-character",
    "csv.disable-quote-character",
    "csv.null-literal",
    "csv.ignore-parse-errors",
    "csv.allow-comments",
    NULL,
};

typedef struct {
    char delimiter, quote;
    bool has_quote, allows_comments;
    bool has_null_literal;
    ps_slice null_literal;
} csv_options;

static ps_code read_options(const ps_format_table *table, csv_options *out, ps_error *err)
{
    const ps_slice *null_literal = ps_format_option(table, "csv.null-literal");
    *out = (csv_options){.has_null_literal = null_literal != NULL};
    if (null_literal != NULL) {
        out->null_literal = *null_literal;
    }
    bool no_quote = false;
    ps_code code = ps_format_option_char(table, "csv.field-delimiter", ',', &out->delimiter, err);
    if (code == PS_OK) {
        code = ps_format_option_char(table, "csv.quote-character", '"', &out->quote, err);
    }
    if (code == PS_OK) {
        code = ps_format_option_bool(table, "csv.disable-quote-character", &no_quote, err);
    }
    if (code == PS_OK) {
        code = ps_format_option_bool(table, "csv.allow-comments", &out->allows_comments, err);
    }
    out->has_quote = !no_quote;
    return code;
}

static ps_code check_types(const ps_format_table *table, ps_error *err)
{
    for (uint32_t i = 0; i < table->physical.field_count; i++) {
        if (ps_type_is_nested(table->physical.fields[i].type)) {
            return ps_error_set(err, PS_E_UNSUPPORTED,
                                "column %.*s: ROW, ARRAY and MAP are not supported yet in csv",
                                (int)table->physical.fields[i].name.size,
                                table->physical.fields[i].name.data);
        }
    }
    return PS_OK;
}

/* ── finding fields ── */

/* Walks the bytes that can end a field: delimiters and line ends. */
typedef struct {
    const char *data;
    size_t size;
    size_t base;   /* of the block that mask is of */
    uint64_t mask; /* bits not yet visited */
    char delimiter;
} walker;

static uint64_t plain_mask(const char *at, size_t count, char delimiter)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        mask |= (uint64_t)(at[i] == delimiter || at[i] == '\n') << i;
    }
    return mask;
}

static uint64_t block_mask(const walker *w)
{
    size_t left = w->size - w->base;
    const char *at = w->data + w->base;
#if defined(__SSE2__)
    if (left >= 64) {
        const __m128i delimiters = _mm_set1_epi8(w->delimiter);
        const __m128i line_ends = _mm_set1_epi8('\n');
        uint64_t mask = 0;
        for (int i = 0; i < 4; i++) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
            __m128i hits =
                _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, line_ends));
            mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(hits) << (16 * i);
        }
        return mask;
    }
#endif
    return plain_mask(at, left < 64 ? left : 64, w->delimiter);
}

static void walk_from(walker *w, size_t at)
{
    w->base = at;
    w->mask = at < w->size ? block_mask(w) : 0;
}

/* The next such byte; size when there is none. */
static inline size_t walk(walker *w)
{
    while (w->mask == 0) {
        if (w->size - w->base <= 64) {
            w->base = w->size;
            return w->size;
        }
        w->base += 64;
        w->mask = block_mask(w);
    }
    size_t at = w->base + (size_t)__builtin_ctzll(w->mask);
    w->mask &= w->mask - 1;
    return at;
}

/* ── decoding ── */

typedef struct {
    ps_row_decoder base;
    csv_options options;
    ps_schema physical;
    ps_leaf_columns leaves;
    int32_t *leaf_of; /* per physical column; NO_LEAF */
} csv_decoder;

/* A record under way. */
typedef struct {
    csv_decoder *self;
    walker walker;
    bool is_whole;
    uint32_t row;
    uint64_t inner_lines; /* line ends inside quotes */
    ps_bad_record *bad;
    bool is_bad;
} record;

typedef enum { FIELD_NEXT, FIELD_LAST, FIELD_CUT } field_end;

static void tell_bad(record *r, const char *reason)
{
    if (!r->is_bad) {
        r->is_bad = true;
        snprintf(r->bad->reason, sizeof r->bad->reason, "%s", reason);
    }
}

static int32_t leaf_of(const csv_decoder *self, uint32_t column)
{
    return column < self->physical.field_count ? self->leaf_of[column] : NO_LEAF;
}

static void set_null(record *r, uint32_t column)
{
    int32_t leaf = leaf_of(r->self, column);
    if (leaf != NO_LEAF) {
        ps_leaf_columns_set_null(&r->self->leaves, (uint32_t)leaf, r->row);
    }
}

static void take_field(record *r, uint32_t column, ps_slice text)
{
    csv_decoder *self = r->self;
    int32_t leaf = leaf_of(self, column);
    if (leaf == NO_LEAF) {
        return;
    }
    if (self->options.has_null_literal && ps_slice_equal(text, self->options.null_literal)) {
        set_null(r, column);
        return;
    }
    ps_field_parser *parser = &self->leaves.parsers[leaf];
    if (ps_field_parse(parser, text, &self->leaves.columns[leaf], r->row)) {
        return;
    }
    char reason[sizeof r->bad->reason];
    ps_field_parse_reason(parser, self->physical.fields[column].name, text, reason, sizeof reason);
    tell_bad(r, reason);
    set_null(r, column);
}

/* A quoted field from its opening quote at `at`; *out_text is its content, *out_end the byte behind
 * the closing quote. False: the closing quote is not there. */
static bool read_quoted(record *r, size_t at, ps_slice *out_text, size_t *out_end)
{
    const walker *w = &r->walker;
    char quote = r->self->options.quote;
    size_t begin = at + 1, i = begin;
    bool has_doubled = false;
    for (;;) {
        const char *found = i < w->size ? memchr(w->data + i, quote, w->size - i) : NULL;
        if (found == NULL) {
            return false;
        }
        i = (size_t)(found - w->data);
        if (i + 1 >= w->size && !r->is_whole) {
            return false; /* a second quote may follow */
        }
        if (i + 1 >= w->size || w->data[i + 1] != quote) {
            break;
        }
        has_doubled = true;
        i += 2;
    }
    *out_end = i + 1;
    *out_text = ps_slice_of(w->data + begin, i - begin);
    for (const char *c = out_text->data; c < out_text->data + out_text->size; c++) {
        r->inner_lines += *c == '\n';
    }
    if (!has_doubled) {
        return true;
    }
    char *copy = ps_arena_take(&r->self->leaves.text, out_text->size);
    if (copy == NULL) {
        tell_bad(r, "a quoted field is too long");
        return true;
    }
    size_t size = 0;
    for (size_t k = 0; k < out_text->size; k++) {
        copy[size++] = out_text->data[k];
        k += out_text->data[k] == quote ? 1 : 0;
    }
    *out_text = ps_slice_of(copy, size);
    return true;
}

/* One field from *at; *at is then behind its delimiter or line end. */
static field_end read_field(record *r, uint32_t column, size_t *at)
{
    walker *w = &r->walker;
    size_t begin = *at, end;
    ps_slice text;
    if (r->self->options.has_quote && begin < w->size && w->data[begin] == r->self->options.quote) {
        if (!read_quoted(r, begin, &text, &end)) {
            if (!r->is_whole) {
                return FIELD_CUT;
            }
            tell_bad(r, "a quoted field is not closed");
            set_null(r, column);
            *at = w->size;
            return FIELD_LAST;
        }
        walk_from(w, end);
        end = walk(w);
    } else {
        end = walk(w);
        text = ps_slice_of(w->data + begin, end - begin);
        if (end < w->size && w->data[end] == '\n' && text.size > 0 &&
            text.data[text.size - 1] == '\r') {
            text.size--;
        }
    }
    if (end == w->size && !r->is_whole) {
        return FIELD_CUT;
    }
    take_field(r, column, text);
    bool is_last = end == w->size || w->data[end] == '\n';
    *at = end == w->size ? end : end + 1;
    return is_last ? FIELD_LAST : FIELD_NEXT;
}

/* FIELD_LAST: the record is whole, *at behind it. */
static field_end read_record(record *r, size_t *at)
{
    uint32_t column = 0;
    field_end end;
    do {
        end = read_field(r, column, at);
        column++;
    } while (end == FIELD_NEXT);
    uint32_t wanted = r->self->physical.field_count;
    if (end == FIELD_LAST && column != wanted) {
        char reason[sizeof r->bad->reason];
        snprintf(reason, sizeof reason, "the row has %u fields, the table has %u columns", column,
                 wanted);
        tell_bad(r, reason);
        for (uint32_t i = column; i < wanted; i++) {
            set_null(r, i);
        }
    }
    return end;
}

typedef enum { LINE_OF_DATA, LINE_SKIPPED, LINE_CUT } line_kind;

/* An empty line or a comment at *at is skipped; CUT: its end is not there yet. */
static line_kind skip_line(const csv_decoder *self, const char *data, size_t size, bool is_whole,
                           size_t *at)
{
    bool is_comment = self->options.allows_comments && data[*at] == '#';
    bool is_return = data[*at] == '\r';
    bool is_empty = data[*at] == '\n' || (is_return && *at + 1 < size && data[*at + 1] == '\n');
    if (is_return && *at + 1 == size) {
        return is_whole ? LINE_OF_DATA : LINE_CUT;
    }
    if (!is_comment && !is_empty) {
        return LINE_OF_DATA;
    }
    const char *end = memchr(data + *at, '\n', size - *at);
    if (end == NULL && !is_whole) {
        return LINE_CUT;
    }
    *at = end != NULL ? (size_t)(end - data) + 1 : size;
    return LINE_SKIPPED;
}

static ps_code decode(ps_row_decoder *decoder, const char *data, size_t size, bool is_whole,
                      uint32_t rows_max, ps_decoded *out, ps_error *err)
{
    (void)err;
    csv_decoder *self = (csv_decoder *)decoder;
    ps_leaf_columns_reset(&self->leaves);
    record r = {
        .self = self,
        .walker = {.data = data, .size = size, .delimiter = self->options.delimiter},
        .is_whole = is_whole,
        .bad = &out->bad,
    };
    size_t at = 0;
    walk_from(&r.walker, 0);
    while (r.row < rows_max && at < size && !r.is_bad) {
        line_kind kind = skip_line(self, data, size, is_whole, &at);
        if (kind == LINE_CUT) {
            break;
        }
        if (kind == LINE_SKIPPED) {
            out->lines++;
            out->consumed = at;
            walk_from(&r.walker, at);
            continue;
        }
        size_t begin = at;
        if (read_record(&r, &at) == FIELD_CUT) {
            break;
        }
        out->consumed = at;
        out->lines += 1 + r.inner_lines;
        r.inner_lines = 0;
        if (r.is_bad) {
            out->has_bad = true;
            out->bad.offset = begin;
            out->bad.size = at - begin;
        }
        r.row += !r.is_bad || self->base.ignores_errors;
    }
    ps_leaf_columns_finish(&self->leaves, r.row, &out->batch);
    return PS_OK;
}

static void release_decoder(ps_row_decoder *decoder)
{
    csv_decoder *self = (csv_decoder *)decoder;
    ps_leaf_columns_release(&self->leaves);
}

static ps_code new_decoder(const ps_format_table *table, ps_row_decoder **out, ps_error *err)
{
    ps_code code = check_types(table, err);
    if (code != PS_OK) {
        return code;
    }
    csv_decoder *self = ps_row_decoder_take(sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a csv decoder");
    }
    self->base.decode = decode;
    self->base.release = release_decoder;
    self->physical = table->physical;
    code = read_options(table, &self->options, err);
    if (code == PS_OK) {
        code = ps_format_option_bool(table, "csv.ignore-parse-errors", &self->base.ignores_errors,
                                     err);
    }
    if (code == PS_OK) {
        code = ps_leaf_columns_init(&self->leaves, table, PS_TIMESTAMP_SQL, err);
    }
    if (code == PS_OK) {
        self->leaf_of = ps_arena_take(&self->base.memory,
                                      (table->physical.field_count + 1) * sizeof *self->leaf_of);
        code = self->leaf_of != NULL
                   ? PS_OK
                   : ps_error_set(err, PS_E_MEMORY, "no memory for a csv decoder");
    }
    if (code != PS_OK) {
        ps_row_decoder_free(&self->base);
        return code;
    }
    for (uint32_t i = 0; i < table->physical.field_count; i++) {
        self->leaf_of[i] = NO_LEAF;
    }
    for (uint32_t i = 0; i < table->leaf_count; i++) {
        self->leaf_of[table->leaves[i].column] = (int32_t)i;
    }
    *out = &self->base;
    return PS_OK;
}

/* ── encoding ── */

typedef struct {
    ps_row_encoder base;
    csv_options options;
    ps_schema physical;
    ps_buf field;
} csv_encoder;

static void strip_zeros(ps_buf *field)
{
    if (memchr(field->data, '.', field->size) == NULL) {
        return;
    }
    while (field->data[field->size - 1] == '0') {
        field->size--;
    }
    if (field->data[field->size - 1] == '.') {
        field->size--;
    }
}

static void append_quoted(const csv_options *options, ps_slice field, ps_buf *out)
{
    ps_buf_append_char(out, options->quote);
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] == options->quote) {
            ps_buf_append_char(out, options->quote);
        }
        ps_buf_append_char(out, field.data[i]);
    }
    ps_buf_append_char(out, options->quote);
}

static bool needs_quotes(const csv_options *options, ps_slice field)
{
    if (!options->has_quote || field.size == 0) {
        return false;
    }
    char highest = options->delimiter > options->quote ? options->delimiter : options->quote;
    bool is_long = field.size > UNQUOTED_SIZE_MAX;
    for (size_t i = 0; !is_long && i < field.size; i++) {
        is_long = (unsigned char)field.data[i] <= (unsigned char)highest;
    }
    return is_long;
}

static void print_value(const ps_type *type, const ps_value *value, ps_buf *field)
{
    switch (type->kind) {
    case PS_TYPE_BOOLEAN:
        ps_buf_append_text(field, value->i64 != 0 ? "true" : "false");
        return;
    case PS_TYPE_DECIMAL:
        ps_value_print(type, value, PS_FORM_PLAIN, field);
        strip_zeros(field);
        return;
    case PS_TYPE_TIME:
    case PS_TYPE_TIMESTAMP:
        ps_value_print(type, value, PS_FORM_PLAIN, field);
        strip_zeros(field);
        return;
    case PS_TYPE_TIMESTAMP_LTZ: {
        int64_t ticks = ps_type_ticks_per_second(type);
        ps_timestamp_print(value->i64, ticks, type->precision, ' ', field);
        strip_zeros(field);
        ps_buf_append_char(field, 'Z');
        return;
    }
    case PS_TYPE_NULL:
    case PS_TYPE_TINYINT:
    case PS_TYPE_SMALLINT:
    case PS_TYPE_INT:
    case PS_TYPE_BIGINT:
    case PS_TYPE_FLOAT:
    case PS_TYPE_DOUBLE:
    case PS_TYPE_CHAR:
    case PS_TYPE_VARCHAR:
    case PS_TYPE_BINARY:
    case PS_TYPE_VARBINARY:
    case PS_TYPE_DATE:
    case PS_TYPE_INTERVAL_MONTHS:
    case PS_TYPE_INTERVAL_MS:
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        break;
    }
    ps_value_print(type, value, PS_FORM_PLAIN, field);
}

static void encode_field(csv_encoder *self, const ps_batch *batch, uint32_t column, uint32_t row,
                         ps_buf *out)
{
    const ps_type *type = self->physical.fields[column].type;
    ps_value value = ps_column_value(&batch->columns[column], ps_type_phys(type), row);
    if (value.is_null) {
        ps_buf_append_slice(out, self->options.null_literal);
        return;
    }
    ps_buf_clear(&self->field);
    print_value(type, &value, &self->field);
    ps_slice field = ps_buf_slice(&self->field);
    if (needs_quotes(&self->options, field)) {
        append_quoted(&self->options, field, out);
    } else {
        ps_buf_append_slice(out, field);
    }
}

static ps_code encode(ps_row_encoder *encoder, const ps_batch *batch, ps_buf *out, ps_error *err)
{
    csv_encoder *self = (csv_encoder *)encoder;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        for (uint32_t column = 0; column < self->physical.field_count; column++) {
            if (column > 0) {
                ps_buf_append_char(out, self->options.delimiter);
            }
            encode_field(self, batch, column, row, out);
        }
        ps_buf_append_char(out, '\n');
    }
    return self->field.failed ? ps_error_set(err, PS_E_MEMORY, "no memory to write rows") : PS_OK;
}

static void release_encoder(ps_row_encoder *encoder)
{
    csv_encoder *self = (csv_encoder *)encoder;
    ps_buf_release(&self->field);
}

static ps_code new_encoder(const ps_format_table *table, ps_row_encoder **out, ps_error *err)
{
    ps_code code = check_types(table, err);
    if (code != PS_OK) {
        return code;
    }
    csv_encoder *self = ps_row_encoder_take(sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a csv encoder");
    }
    enum { FIELD_SIZE_MAX = 64 << 20 };
    self->base.encode = encode;
    self->base.release = release_encoder;
    self->physical = table->physical;
    ps_buf_init(&self->field, FIELD_SIZE_MAX);
    code = read_options(table, &self->options, err);
    if (code != PS_OK) {
        ps_row_encoder_free(&self->base);
        return code;
    }
    *out = &self->base;
    return PS_OK;
}

const ps_format ps_format_csv = {
    .name = "csv",
    .summary = "a record per line, fields by a delimiter, quoted where needed",
    .option_names = option_names,
    .new_decoder = new_decoder,
    .new_encoder = new_encoder,
};
