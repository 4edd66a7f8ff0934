#include "data/batch.h"

/* Texts are copied into pieces of at least this size; text beyond the limit is a row too large. */
enum { TEXT_PIECE = 16 * 1024 };
static const size_t text_size_max = (size_t)1 << 32;

const char *ps_kind_text(ps_kind kind)
{
    switch (kind) {
    case PS_KIND_INSERT:
        return "+I";
    case PS_KIND_UPDATE_BEFORE:
        return "-U";
    case PS_KIND_UPDATE_AFTER:
        return "+U";
    case PS_KIND_DELETE:
        return "-D";
    }
    PS_ASSERT(false);
}

/* ── builder ── */

static bool take_memory(ps_batch_builder *builder, uint32_t column_count,
                        const ps_type *const *types, uint32_t capacity)
{
    ps_arena *arena = &builder->memory;
    ps_phys *classes = ps_arena_take(arena, column_count * sizeof *classes);
    ps_batch *batch = &builder->batch;
    batch->columns = ps_arena_take(arena, column_count * sizeof *batch->columns);
    batch->watermarks = ps_arena_take(arena, capacity * sizeof *batch->watermarks);
    batch->sequences = ps_arena_take(arena, capacity * sizeof *batch->sequences);
    builder->kinds = ps_arena_take(arena, capacity);
    if (classes == NULL || batch->columns == NULL || batch->watermarks == NULL ||
        batch->sequences == NULL || builder->kinds == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < column_count; i++) {
        classes[i] = ps_type_phys(types[i]);
        ps_column *column = &batch->columns[i];
        column->values = ps_arena_take(arena, (size_t)capacity * ps_phys_size(classes[i]));
        column->valid = ps_arena_take(arena, ps_valid_words(capacity) * sizeof *column->valid);
        if (column->values == NULL || column->valid == NULL) {
            return false;
        }
    }
    builder->classes = classes;
    return true;
}

ps_code ps_batch_builder_init(ps_batch_builder *builder, uint32_t column_count,
                              const ps_type *const *types, uint32_t capacity, ps_error *err)
{
    PS_ASSERT(capacity > 0 && capacity <= PS_BATCH_ROWS);
    *builder = (ps_batch_builder){.capacity = capacity};
    builder->batch.column_count = column_count;
    builder->batch.watermark_after = PS_WATERMARK_NONE;
    ps_arena_init(&builder->memory, SIZE_MAX / 2);
    ps_arena_init(&builder->text, text_size_max);
    if (!take_memory(builder, column_count, types, capacity)) {
        ps_batch_builder_release(builder);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a batch of %u columns", column_count);
    }
    return PS_OK;
}

void ps_batch_builder_release(ps_batch_builder *builder)
{
    ps_arena_release(&builder->memory);
    ps_arena_release(&builder->text);
    *builder = (ps_batch_builder){0};
}

/* Makes rows from … to−1 NULL in every column; their memory is then as new. */
static void zero_rows(ps_batch_builder *builder, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < builder->batch.column_count; i++) {
        ps_column *column = &builder->batch.columns[i];
        size_t size = ps_phys_size(builder->classes[i]);
        memset((char *)column->values + from * size, 0, (to - from) * size);
        uint32_t row = from;
        for (; row < to && row % 64 != 0; row++) {
            ps_valid_clear(column->valid, row);
        }
        if (row < to) {
            memset(column->valid + row / 64, 0,
                   (ps_valid_words(to) - row / 64) * sizeof *column->valid);
        }
    }
    memset(builder->kinds + from, 0, to - from);
    builder->used_rows = from;
}

void ps_batch_builder_reset(ps_batch_builder *builder)
{
    zero_rows(builder, 0, builder->used_rows);
    builder->batch.row_count = 0;
    builder->batch.kinds = NULL;
    ps_arena_reset(&builder->text);
    builder->text_at = NULL;
    builder->text_left = 0;
}

/* What a row that was begun and not ended left behind. */
static inline void forget_open_row(ps_batch_builder *builder)
{
    if (builder->used_rows > builder->batch.row_count) {
        zero_rows(builder, builder->batch.row_count, builder->used_rows);
    }
}

static void raise_after(ps_batch *batch, int64_t watermark, uint64_t sequence)
{
    if (watermark > batch->watermark_after) {
        batch->watermark_after = watermark;
    }
    if (sequence > batch->sequence_after) {
        batch->sequence_after = sequence;
    }
}

void ps_batch_builder_begin_row(ps_batch_builder *builder, uint8_t kind, int64_t watermark,
                                uint64_t sequence)
{
    ps_batch *batch = &builder->batch;
    uint32_t row = batch->row_count;
    PS_ASSERT(row < builder->capacity);
    forget_open_row(builder);
    builder->used_rows = row + 1;
    builder->kinds[row] = kind;
    if (kind != PS_KIND_INSERT) {
        batch->kinds = builder->kinds;
    }
    batch->watermarks[row] = watermark;
    batch->sequences[row] = sequence;
    raise_after(batch, watermark, sequence);
}

static PS_CHECKED ps_code new_text_piece(ps_batch_builder *builder, size_t size, ps_error *err)
{
    size_t piece = size > TEXT_PIECE ? size : TEXT_PIECE;
    char *at = ps_arena_take_undefined(&builder->text, piece);
    if (at == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a text of %zu bytes", size);
    }
    builder->text_at = at;
    builder->text_left = piece;
    return PS_OK;
}

static inline PS_CHECKED ps_code copy_text(ps_batch_builder *builder, ps_slice text,
                                           ps_slice *out_copy, ps_error *err)
{
    if (text.size == 0) {
        *out_copy = (ps_slice){NULL, 0};
        return PS_OK;
    }
    if (text.size > builder->text_left) {
        ps_code code = new_text_piece(builder, text.size, err);
        if (code != PS_OK) {
            return code;
        }
    }
    memcpy(builder->text_at, text.data, text.size);
    *out_copy = (ps_slice){builder->text_at, text.size};
    builder->text_at += text.size;
    builder->text_left -= text.size;
    return PS_OK;
}

ps_code ps_batch_builder_set_text(ps_batch_builder *builder, uint32_t column, ps_slice value,
                                  ps_error *err)
{
    ps_slice copy;
    ps_code code = copy_text(builder, value, &copy, err);
    if (code == PS_OK) {
        ps_batch_builder_open(builder, column, PS_PHYS_TEXT)->text[builder->batch.row_count] = copy;
    }
    return code;
}

ps_code ps_batch_builder_copy(ps_batch_builder *builder, uint32_t column, const ps_column *from,
                              uint32_t from_row, ps_error *err)
{
    PS_ASSERT(column < builder->batch.column_count);
    uint32_t row = builder->batch.row_count;
    ps_column *to = &builder->batch.columns[column];
    bool is_null = ps_column_is_null(from, from_row);
    ps_slice copy = {NULL, 0};
    switch (builder->classes[column]) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        to->i64[row] = is_null ? 0 : from->i64[from_row];
        break;
    case PS_PHYS_I128:
        to->i128[row] = is_null ? 0 : from->i128[from_row];
        break;
    case PS_PHYS_TEXT:
        if (!is_null && copy_text(builder, from->text[from_row], &copy, err) != PS_OK) {
            return err->code;
        }
        to->text[row] = copy;
        break;
    }
    if (is_null) {
        ps_valid_clear(to->valid, row);
    } else {
        ps_valid_set(to->valid, row);
    }
    return PS_OK;
}

/* ── whole columns ── */

/* Up to 64 validity bits of rows from … on, the first in bit 0. */
static inline uint64_t valid_bits(const uint64_t *valid, uint32_t from, uint32_t count)
{
    uint32_t shift = from % 64;
    uint64_t bits = valid[from / 64] >> shift;
    if (shift != 0 && shift + count > 64) {
        bits |= valid[from / 64 + 1] << (64 - shift);
    }
    return count < 64 ? bits & ((1ULL << count) - 1) : bits;
}

/* ORs `count` bits into zeroed ones. */
static inline void put_valid_bits(uint64_t *valid, uint32_t at, uint32_t count, uint64_t bits)
{
    uint32_t shift = at % 64;
    valid[at / 64] |= bits << shift;
    if (shift != 0 && shift + count > 64) {
        valid[at / 64 + 1] |= bits >> (64 - shift);
    }
}

static void append_valid(ps_column *to, uint32_t at, const ps_column *from, uint32_t from_row,
                         uint32_t count)
{
    for (uint32_t done = 0; done < count; done += 64) {
        uint32_t step = count - done < 64 ? count - done : 64;
        uint64_t all = step < 64 ? (1ULL << step) - 1 : ~0ULL;
        uint64_t bits = from->valid != NULL ? valid_bits(from->valid, from_row + done, step) : all;
        put_valid_bits(to->valid, at + done, step, bits);
    }
}

static PS_CHECKED ps_code append_texts(ps_batch_builder *builder, ps_slice *to,
                                       const ps_column *from, uint32_t from_row, uint32_t count,
                                       ps_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ps_column_is_null(from, from_row + i)) {
            continue; /* zeroed already */
        }
        ps_code code = copy_text(builder, from->text[from_row + i], &to[i], err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

static void append_stamps(ps_batch_builder *builder, const ps_batch *batch, uint32_t from,
                          uint32_t count)
{
    ps_batch *to = &builder->batch;
    uint32_t at = to->row_count;
    if (batch->kinds != NULL) {
        memcpy(builder->kinds + at, batch->kinds + from, count);
        to->kinds = builder->kinds;
    }
    memcpy(to->watermarks + at, batch->watermarks + from, count * sizeof *to->watermarks);
    memcpy(to->sequences + at, batch->sequences + from, count * sizeof *to->sequences);
    raise_after(to, to->watermarks[at + count - 1], to->sequences[at + count - 1]);
}

ps_code ps_batch_builder_append(ps_batch_builder *builder, const ps_batch *batch, uint32_t from,
                                uint32_t to, uint32_t *out_taken, ps_error *err)
{
    PS_ASSERT(from <= to && to <= batch->row_count);
    PS_ASSERT(batch->column_count == builder->batch.column_count);
    uint32_t at = builder->batch.row_count;
    uint32_t room = builder->capacity - at;
    uint32_t count = to - from < room ? to - from : room;
    if (count == 0) {
        *out_taken = 0;
        return PS_OK;
    }
    forget_open_row(builder);
    builder->used_rows = at + count; /* a failure below leaves rows to be forgotten */
    for (uint32_t i = 0; i < batch->column_count; i++) {
        ps_column *column = &builder->batch.columns[i];
        const ps_column *source = &batch->columns[i];
        size_t size = ps_phys_size(builder->classes[i]);
        if (builder->classes[i] != PS_PHYS_TEXT) {
            memcpy((char *)column->values + at * size, (const char *)source->values + from * size,
                   count * size);
        } else if (append_texts(builder, column->text + at, source, from, count, err) != PS_OK) {
            return err->code;
        }
        append_valid(column, at, source, from, count);
    }
    append_stamps(builder, batch, from, count);
    builder->batch.row_count += count;
    *out_taken = count;
    return PS_OK;
}

static void gather_valid(const ps_column *from, const uint32_t *selection, uint32_t count,
                         uint64_t *out)
{
    for (uint32_t done = 0; done < count; done += 64) {
        uint32_t step = count - done < 64 ? count - done : 64;
        uint64_t bits = 0;
        for (uint32_t i = 0; i < step; i++) {
            uint32_t row = selection[done + i];
            bits |= ((from->valid[row / 64] >> (row % 64)) & 1) << i;
        }
        out[done / 64] = bits;
    }
}

/* Values and validity of the selected rows behind those that are there. */
static PS_CHECKED ps_code append_gathered(ps_batch_builder *builder, uint32_t number,
                                          const ps_column *from, const uint32_t *selection,
                                          uint32_t count, ps_error *err)
{
    uint32_t at = builder->batch.row_count;
    ps_column *to = &builder->batch.columns[number];
    ps_phys phys = builder->classes[number];
    uint64_t bits[PS_BATCH_ROWS / 64];
    if (phys == PS_PHYS_TEXT) {
        for (uint32_t i = 0; i < count; i++) {
            if (!ps_column_is_null(from, selection[i]) &&
                copy_text(builder, from->text[selection[i]], &to->text[at + i], err) != PS_OK) {
                return err->code;
            }
        }
        if (from->valid != NULL) {
            gather_valid(from, selection, count, bits);
        }
    } else {
        ps_column gathered = {.values = (char *)to->values + at * ps_phys_size(phys),
                              .valid = bits};
        ps_column_gather(phys, from, selection, count, &gathered);
    }
    const ps_column flags = {.valid = from->valid != NULL ? bits : NULL};
    append_valid(to, at, &flags, 0, count);
    return PS_OK;
}

ps_code ps_batch_builder_append_selected(ps_batch_builder *builder, const ps_batch *batch,
                                         const uint32_t *selection, uint32_t count,
                                         uint32_t *out_taken, ps_error *err)
{
    PS_ASSERT(batch->column_count == builder->batch.column_count);
    ps_batch *to = &builder->batch;
    uint32_t at = to->row_count;
    uint32_t room = builder->capacity - at;
    count = count < room ? count : room;
    *out_taken = count;
    if (count == 0) {
        return PS_OK;
    }
    forget_open_row(builder);
    builder->used_rows = at + count; /* a failure below leaves rows to be forgotten */
    for (uint32_t i = 0; i < batch->column_count; i++) {
        if (append_gathered(builder, i, &batch->columns[i], selection, count, err) != PS_OK) {
            return err->code;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        builder->kinds[at + i] = ps_batch_kind(batch, selection[i]);
        to->watermarks[at + i] = batch->watermarks[selection[i]];
        to->sequences[at + i] = batch->sequences[selection[i]];
    }
    to->kinds = batch->kinds != NULL ? builder->kinds : to->kinds;
    raise_after(to, to->watermarks[at + count - 1], to->sequences[at + count - 1]);
    to->row_count += count;
    return PS_OK;
}

void ps_column_gather(ps_phys phys, const ps_column *from, const uint32_t *selection,
                      uint32_t count, ps_column *out)
{
    switch (phys) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        for (uint32_t i = 0; i < count; i++) {
            out->i64[i] = from->i64[selection[i]];
        }
        break;
    case PS_PHYS_I128:
        for (uint32_t i = 0; i < count; i++) {
            out->i128[i] = from->i128[selection[i]];
        }
        break;
    case PS_PHYS_TEXT:
        for (uint32_t i = 0; i < count; i++) {
            out->text[i] = from->text[selection[i]];
        }
        break;
    }
    if (from->valid == NULL) {
        out->valid = NULL;
    } else {
        gather_valid(from, selection, count, out->valid);
    }
}
