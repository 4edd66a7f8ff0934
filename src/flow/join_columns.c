#include "flow/join_columns.h"

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for the columns of a join");
}

ps_code ps_join_columns_init(ps_join_columns *side, const ps_schema *schema, ps_column *columns,
                             ps_arena *arena, ps_error *err)
{
    uint32_t count = schema->field_count;
    uint32_t words = ps_valid_words(PS_BATCH_ROWS);
    *side = (ps_join_columns){.columns = columns};
    const ps_type **types = ps_arena_take(arena, count * sizeof *types);
    side->codes = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *side->codes);
    side->numbers = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *side->numbers);
    side->valid_words = ps_arena_take(arena, (size_t)count * words * sizeof *side->valid_words);
    if (types == NULL || side->codes == NULL || side->numbers == NULL ||
        side->valid_words == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = schema->fields[i].type;
        columns[i].values =
            ps_arena_take(arena, PS_BATCH_ROWS * (size_t)ps_phys_size(ps_type_phys(types[i])));
        if (columns[i].values == NULL) {
            return no_memory(err);
        }
    }
    return ps_row_layout_init(&side->layout, arena, count, types, false, err);
}

void ps_join_columns_select(ps_join_columns *side, const uint32_t *selection, uint32_t count)
{
    ps_join_columns_reset(side);
    for (uint32_t i = 0; i < count; i++) {
        side->codes[i] = side->codes[selection[i]];
        side->numbers[i] = side->numbers[selection[i]];
        side->kept_count += side->codes[i] != NULL;
        side->batch_count += side->numbers[i] != UINT32_MAX;
    }
}

/* ── one column ── */

static void copy_value(ps_phys phys, const ps_column *from, uint32_t from_row, ps_column *to,
                       uint32_t row)
{
    switch (phys) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        to->i64[row] = from->i64[from_row];
        break;
    case PS_PHYS_I128:
        to->i128[row] = from->i128[from_row];
        break;
    case PS_PHYS_TEXT:
        to->text[row] = from->text[from_row];
        break;
    }
}

static void clear_value(ps_phys phys, ps_column *to, uint32_t row)
{
    ps_valid_clear(to->valid, row);
    switch (phys) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        to->i64[row] = 0;
        break;
    case PS_PHYS_I128:
        to->i128[row] = 0;
        break;
    case PS_PHYS_TEXT:
        to->text[row] = (ps_slice){"", 0};
        break;
    }
}

/* Rows that are kept, all of them. Values of NULL fields are zeros in a code. */
static void decode_column(const ps_join_columns *side, uint32_t field, uint32_t count,
                          ps_column *to)
{
    uint32_t offset = side->layout.offsets[field];
    const char *const *codes = side->codes;
    switch (side->layout.classes[field]) {
    case PS_PHYS_I64:
    case PS_PHYS_F64:
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&to->i64[i], codes[i] + offset, sizeof to->i64[i]);
        }
        break;
    case PS_PHYS_I128:
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&to->i128[i], codes[i] + offset, sizeof to->i128[i]);
        }
        break;
    case PS_PHYS_TEXT:
        for (uint32_t i = 0; i < count; i++) {
            const char *at = codes[i] + offset;
            to->text[i] = ps_slice_of(codes[i] + ps_get_u32(at), ps_get_u32(at + 4));
        }
        break;
    }
    uint32_t word = field / 64 * 8, bit = field % 64;
    for (uint32_t first = 0; first < count; first += 64) {
        uint32_t end = count - first < 64 ? count - first : 64;
        uint64_t nulls = 0;
        for (uint32_t i = 0; i < end; i++) {
            nulls |= (ps_get_u64(codes[first + i] + word) >> bit & 1) << i;
        }
        to->valid[first / 64] = ~nulls;
    }
}

/* Rows from here and there. */
static void mix_column(const ps_join_columns *side, uint32_t field, uint32_t count, ps_column *to)
{
    ps_phys phys = side->layout.classes[field];
    memset(to->valid, 0xff, ps_valid_words(count) * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        if (side->codes[i] != NULL) {
            ps_value value = ps_row_get(&side->layout, side->codes[i], field);
            ps_column one = {.i64 = &value.i64}; /* the value's union is the column's element */
            if (value.is_null) {
                clear_value(phys, to, i);
            } else {
                copy_value(phys, &one, 0, to, i);
            }
            continue;
        }
        uint32_t number = side->numbers[i];
        if (number == UINT32_MAX || ps_column_is_null(&side->batch->columns[field], number)) {
            clear_value(phys, to, i);
        } else {
            copy_value(phys, &side->batch->columns[field], number, to, i);
        }
    }
}

void ps_join_columns_fill(ps_join_columns *side, uint32_t count, const bool *wanted)
{
    uint32_t words = ps_valid_words(PS_BATCH_ROWS);
    for (uint32_t field = 0; field < side->layout.field_count; field++) {
        ps_column *to = &side->columns[field];
        if (wanted != NULL && !wanted[field]) {
            continue;
        }
        to->valid = side->valid_words + (size_t)field * words;
        if (side->kept_count == count) {
            decode_column(side, field, count, to);
        } else if (side->batch_count == count) {
            ps_column_gather(side->layout.classes[field], &side->batch->columns[field],
                             side->numbers, count, to);
        } else {
            mix_column(side, field, count, to);
        }
    }
}
