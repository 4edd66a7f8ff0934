#include <stdarg.h>
#include <stdio.h>

#include "api/row_handle.h"

enum { TEXT_PIECE = 32768, PRINT_SIZE_MAX = 64 << 20 };

/* ── reading ── */

static inline const ps_column *column_at(const ps_row *row, uint32_t column, ps_phys phys)
{
    PS_ASSERT(column < row->shape->column_count && row->shape->classes[column] == phys);
    return &row->batch->columns[column];
}

uint32_t ps_row_column_count(const ps_row *row)
{
    return row->shape->column_count;
}

const char *ps_row_column_name(const ps_row *row, uint32_t column)
{
    PS_ASSERT(column < row->shape->column_count);
    return row->shape->fields[column].name.data;
}

ps_column_kind ps_row_column_kind(const ps_row *row, uint32_t column)
{
    PS_ASSERT(column < row->shape->column_count);
    return ps_column_kind_of(row->shape->fields[column].type);
}

uint32_t ps_row_find(const ps_row *row, const char *name)
{
    return ps_shape_find(row->shape, ps_slice_text(name));
}

bool ps_row_is_null(const ps_row *row, uint32_t column)
{
    PS_ASSERT(column < row->shape->column_count);
    return ps_column_is_null(&row->batch->columns[column], row->at);
}

int64_t ps_row_i64(const ps_row *row, uint32_t column)
{
    int64_t value = column_at(row, column, PS_PHYS_I64)->i64[row->at];
    const ps_type *type = row->shape->fields[column].type;
    if (ps_type_is_timestamp(type) && type->precision > 3) {
        int64_t ticks_per_ms = ps_type_ticks_per_second(type) / 1000;
        return value / ticks_per_ms - (value % ticks_per_ms < 0 ? 1 : 0);
    }
    return value;
}

double ps_row_f64(const ps_row *row, uint32_t column)
{
    return column_at(row, column, PS_PHYS_F64)->f64[row->at];
}

ps_text ps_row_text(const ps_row *row, uint32_t column)
{
    ps_slice text = column_at(row, column, PS_PHYS_TEXT)->text[row->at];
    return (ps_text){text.data, text.size};
}

size_t ps_text_hand_out(ps_buf *text, char *out, size_t size)
{
    size_t length = text->failed ? 0 : text->size;
    if (size > 0) {
        size_t copied = length < size ? length : size - 1;
        if (copied > 0) {
            memcpy(out, text->data, copied);
        }
        out[copied] = 0;
    }
    ps_buf_release(text);
    return length;
}

size_t ps_row_print(const ps_row *row, uint32_t column, char *out, size_t size)
{
    PS_ASSERT(column < row->shape->column_count);
    ps_value value =
        ps_column_value(&row->batch->columns[column], row->shape->classes[column], row->at);
    ps_buf text;
    ps_buf_init(&text, PRINT_SIZE_MAX);
    ps_value_print(row->shape->fields[column].type, &value, PS_FORM_PLAIN, &text);
    return ps_text_hand_out(&text, out, size);
}

static int64_t hidden_at(const ps_row *row, uint32_t column, int64_t otherwise)
{
    return column != PS_NO_COLUMN ? row->batch->columns[column].i64[row->at] : otherwise;
}

int64_t ps_row_time_ms(const ps_row *row)
{
    return hidden_at(row, row->shape->time, INT64_MIN);
}

int64_t ps_row_window_start_ms(const ps_row *row)
{
    return hidden_at(row, row->shape->start, INT64_MIN);
}

int64_t ps_row_window_end_ms(const ps_row *row)
{
    return hidden_at(row, row->shape->end, INT64_MAX);
}

ps_pane_kind ps_row_pane(const ps_row *row)
{
    return (ps_pane_kind)(hidden_at(row, row->shape->pane, PS_PANE_NONE) & 3);
}

uint32_t ps_row_pane_index(const ps_row *row)
{
    return (uint32_t)(hidden_at(row, row->shape->pane, 0) >> 2);
}

ps_change ps_row_change(const ps_row *row)
{
    return (ps_change)ps_batch_kind(row->batch, row->at);
}

/* ── writing ── */

bool ps_out_begin(ps_out *out)
{
    if (out->code != PS_OK) {
        return false;
    }
    if (out->has_begun) {
        return true;
    }
    if (out->outlet != NULL) {
        out->code = ps_outlet_begin_row(out->outlet, PS_KIND_INSERT, out->err);
    } else {
        ps_batch_builder_begin_row(out->builder, PS_KIND_INSERT, PS_WATERMARK_NONE, 0);
    }
    out->has_begun = out->code == PS_OK;
    return out->has_begun;
}

void ps_out_end(ps_out *out)
{
    if (!ps_out_begin(out)) {
        return;
    }
    if (out->complete != NULL) {
        out->code = out->complete(out, out->err);
    }
    if (out->code == PS_OK) {
        ps_batch_builder_end_row(out->builder);
    }
    out->has_begun = false;
}

/* The builder's column, opened for a value of that class; NULL: the row cannot be. */
static inline ps_column *open_column(ps_out *out, uint32_t column, ps_phys phys)
{
    PS_ASSERT(column < out->shape->column_count - out->first);
    return ps_out_begin(out) ? ps_batch_builder_open(out->builder, out->first + column, phys)
                             : NULL;
}

void ps_out_null(ps_out *out, uint32_t column)
{
    PS_ASSERT(column < out->shape->column_count - out->first);
    if (ps_out_begin(out)) {
        ps_column *to = &out->builder->batch.columns[out->first + column];
        uint32_t row = out->builder->batch.row_count;
        size_t size = ps_phys_size(out->builder->classes[out->first + column]);
        memset((char *)to->values + row * size, 0, size);
        ps_valid_clear(to->valid, row);
    }
}

void ps_out_i64(ps_out *out, uint32_t column, int64_t value)
{
    ps_column *to = open_column(out, column, PS_PHYS_I64);
    if (to != NULL) {
        to->i64[out->builder->batch.row_count] = value;
    }
}

void ps_out_f64(ps_out *out, uint32_t column, double value)
{
    ps_column *to = open_column(out, column, PS_PHYS_F64);
    if (to != NULL) {
        to->f64[out->builder->batch.row_count] = value;
    }
}

void ps_out_text(ps_out *out, uint32_t column, ps_text value)
{
    if (open_column(out, column, PS_PHYS_TEXT) != NULL) {
        out->code = ps_batch_builder_set_text(out->builder, out->first + column,
                                              ps_slice_of(value.data, value.size), out->err);
    }
}

char *ps_out_text_begin(ps_out *out, uint32_t column, size_t size_max)
{
    if (open_column(out, column, PS_PHYS_TEXT) == NULL) {
        return NULL;
    }
    ps_batch_builder *builder = out->builder;
    if (builder->text_left < size_max || builder->text_at == NULL) {
        size_t piece = size_max > TEXT_PIECE ? size_max : TEXT_PIECE;
        char *at = ps_arena_take_undefined(&builder->text, piece);
        if (at == NULL) {
            out->code =
                ps_error_set(out->err, PS_E_MEMORY, "no memory for a text of %zu bytes", size_max);
            return NULL;
        }
        builder->text_at = at;
        builder->text_left = piece;
    }
    return builder->text_at;
}

void ps_out_text_end(ps_out *out, uint32_t column, size_t size)
{
    ps_column *to = open_column(out, column, PS_PHYS_TEXT);
    if (to != NULL) {
        ps_batch_builder *builder = out->builder;
        PS_ASSERT(size <= builder->text_left);
        to->text[builder->batch.row_count] = ps_slice_of(builder->text_at, size);
        builder->text_at += size;
        builder->text_left -= size;
    }
}

void ps_out_print(ps_out *out, uint32_t column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    PS_ASSERT(size >= 0); /* a format that the C library refuses */
    char *at = ps_out_text_begin(out, column, (size_t)size + 1);
    if (at != NULL) {
        va_start(arguments, format);
        vsnprintf(at, (size_t)size + 1, format, arguments);
        va_end(arguments);
        ps_out_text_end(out, column, (size_t)size);
    }
}

void ps_out_copy(ps_out *out, uint32_t column, const ps_row *row, uint32_t from)
{
    PS_ASSERT(from < row->shape->column_count && column < out->shape->column_count - out->first);
    const ps_type *to = out->shape->fields[out->first + column].type;
    PS_ASSERT(ps_row_column_kind(row, from) == ps_column_kind_of(to));
    if (ps_row_is_null(row, from)) {
        ps_out_null(out, column);
    } else if (ps_type_is_timestamp(to)) {
        ps_out_i64(out, column, ps_row_i64(row, from));
    } else if (ps_out_begin(out)) {
        out->code = ps_batch_builder_copy(out->builder, out->first + column,
                                          &row->batch->columns[from], row->at, out->err);
    }
}

void ps_out_row(ps_out *out)
{
    PS_ASSERT(out->is_many);
    ps_out_end(out);
}

void ps_out_fail(ps_out *out, const char *format, ...)
{
    if (out->code != PS_OK) {
        return; /* the first failure tells */
    }
    char text[PS_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    out->code = ps_error_set(out->err, PS_E_INVALID, "%s", text);
}

static uint32_t digit_count(uint64_t value)
{
    static const uint64_t powers[] = {
        0,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000u,
    };
    /* 1233 / 4096 is log10(2) from below: right, or one too few */
    uint32_t guess = (uint32_t)(64 - __builtin_clzll(value | 1)) * 1233 >> 12;
    return guess + (value >= powers[guess] ? 1 : 0);
}

/* Four digits at once, from the end: most of the time is spent in dividing. */
size_t ps_i64_format(char *at, int64_t value)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t size = digit_count(rest) + (value < 0 ? 1 : 0);
    char *end = at + size;
    at[0] = '-';
    while (rest >= 10000) {
        uint32_t four = (uint32_t)(rest % 10000);
        rest /= 10000;
        end -= 4;
        memcpy(end, pairs + four / 100 * 2, 2);
        memcpy(end + 2, pairs + four % 100 * 2, 2);
    }
    uint32_t last = (uint32_t)rest;
    do {
        *--end = (char)('0' + last % 10);
        last /= 10;
    } while (last > 0);
    return size;
}
