/* One field of a row code: the parts that row.c and nested.c share. Inside of data only.
 * `code` is the start of the code, `at` the field's fixed part, *end where the next text goes. */
#ifndef PS_DATA_ROW_FIELD_H
#define PS_DATA_ROW_FIELD_H

#include "data/row.h"

static inline uint32_t row_bitmap_size(uint32_t field_count)
{
    return 8 * ps_valid_words(field_count);
}

static inline bool row_field_is_null(const char *code, uint32_t field)
{
    return (ps_get_u64(code + field / 64 * 8) >> (field % 64) & 1) != 0;
}

static inline void row_put_null(char *code, uint32_t field, char *at, ps_phys phys)
{
    char *word = code + field / 64 * 8;
    ps_put_u64(word, ps_get_u64(word) | 1ULL << (field % 64));
    memset(at, 0, ps_phys_size(phys));
}

static inline void row_put_f64(char *at, double value, bool is_key)
{
    static const uint64_t quiet_nan = 0x7ff8000000000000;
    if (is_key && value != value) {
        ps_put_u64(at, quiet_nan);
        return;
    }
    if (is_key && value == 0) {
        value = 0; /* −0.0 too */
    }
    memcpy(at, &value, 8);
}

static inline void row_put_text(char *code, char *at, ps_slice text, size_t *end)
{
    PS_ASSERT(*end + text.size <= UINT32_MAX);
    ps_put_u32(at, (uint32_t)*end);
    ps_put_u32(at + 4, (uint32_t)text.size);
    ps_put_u64(at + 8, 0);
    if (text.size > 0) {
        memcpy(code + *end, text.data, text.size);
        *end += text.size;
    }
}

/* A value that is not NULL. */
static inline void row_put_value(char *code, char *at, ps_phys phys, const ps_value *value,
                                 bool is_key, size_t *end)
{
    switch (phys) {
    case PS_PHYS_I64:
        memcpy(at, &value->i64, 8);
        break;
    case PS_PHYS_F64:
        row_put_f64(at, value->f64, is_key);
        break;
    case PS_PHYS_I128:
        memcpy(at, &value->i128, 16);
        break;
    case PS_PHYS_TEXT:
        row_put_text(code, at, value->text, end);
        break;
    }
}

static inline ps_slice row_text(const char *code, const char *at)
{
    return (ps_slice){code + ps_get_u32(at), ps_get_u32(at + 4)};
}

static inline ps_value row_field(const char *code, uint32_t field, uint32_t offset, ps_phys phys)
{
    ps_value value = {.is_null = row_field_is_null(code, field)};
    if (value.is_null) {
        return value;
    }
    const char *at = code + offset;
    switch (phys) {
    case PS_PHYS_I64:
        memcpy(&value.i64, at, 8);
        break;
    case PS_PHYS_F64:
        memcpy(&value.f64, at, 8);
        break;
    case PS_PHYS_I128:
        memcpy(&value.i128, at, 16);
        break;
    case PS_PHYS_TEXT:
        value.text = row_text(code, at);
        break;
    }
    return value;
}

/* No bits behind the last field. */
static inline bool row_bitmap_is_clean(const char *code, uint32_t field_count)
{
    uint32_t used = field_count % 64;
    return used == 0 || ps_get_u64(code + field_count / 64 * 8) >> used == 0;
}

/* In nested.c. The fixed part is inside of the code already; raises *end behind the text. */
bool row_field_is_well_formed(const ps_type *type, const char *code, size_t size, uint32_t field,
                              uint32_t offset, size_t *end);

#endif
