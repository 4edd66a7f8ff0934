/* Row codes: some columns of one row as bytes: what state keeps, what keys are compared by, and how
 * ROW, ARRAY and MAP values are held.
 *
 *   offset  size  what
 *   0       8·⌈n/64⌉  bit i set: field i is NULL
 *   …       per field, in order: 8 bytes (I64, F64) or 16 (I128: the value; TEXT: u32 offset from
 *           the start of the code, u32 size, 8 zero bytes); zeros when NULL
 *   …       the bytes of the texts, in order of the fields, no gaps
 *
 * Everything is little-endian; a code starts at an address of any alignment and its size is a
 * multiple of 1. Canonical: equal rows have equal bytes (F64: −0.0 is stored as 0.0 and every NaN
 * as the one quiet NaN when the layout is a key layout), so that keys are compared by memcmp and
 * hashed as bytes.
 *
 * ARRAY<T> is a row code of n fields of type T behind a u32 n and 4 zero bytes; MAP<K,V> likewise
 * with 2n fields: key, value, key, value … in order of insertion, keys unique (the last wins).
 * ROW is the row code of its fields.
 */
#ifndef PS_DATA_ROW_H
#define PS_DATA_ROW_H

#include "data/value.h"

typedef struct {
    uint32_t field_count;
    bool is_key;         /* floats are normalised */
    bool has_text;       /* false: every code has fixed_size bytes */
    uint32_t fixed_size; /* bytes before the texts */
    const ps_phys *classes;
    const uint32_t *offsets; /* of each field */
    uint32_t text_count;
    const uint32_t *text_fields; /* those of class TEXT, ascending */
    const ps_type *const *types; /* the types themselves are borrowed */
} ps_row_layout;

/* In the arena; PS_E_MEMORY. */
PS_CHECKED ps_code ps_row_layout_init(ps_row_layout *layout, ps_arena *arena, uint32_t field_count,
                                      const ps_type *const *types, bool is_key, ps_error *err);

/* The code's size for the given columns at `row`. columns[i] is field i. */
size_t ps_row_size(const ps_row_layout *layout, const ps_column *const *columns, uint32_t row);
/* Writes exactly ps_row_size bytes. */
void ps_row_encode(const ps_row_layout *layout, const ps_column *const *columns, uint32_t row,
                   char *out);
/* The same from values. */
size_t ps_row_size_of_values(const ps_row_layout *layout, const ps_value *values);
void ps_row_encode_values(const ps_row_layout *layout, const ps_value *values, char *out);

/* Borrows from the code. */
ps_value ps_row_get(const ps_row_layout *layout, const char *code, uint32_t field);
size_t ps_row_code_size(const ps_row_layout *layout, const char *code);
/* Copies fields 0 … field_count−1 into columns first_column … of the row that was begun. */
PS_CHECKED ps_code ps_row_decode(const ps_row_layout *layout, const char *code,
                                 ps_batch_builder *builder, uint32_t first_column, ps_error *err);

/* True: the bytes are a whole, well-formed code of the layout, nested values too (for bytes read
 * from a file). */
bool ps_row_is_well_formed(const ps_row_layout *layout, const char *code, size_t size);

/* ── nested values ── */

/* Number of elements (ARRAY) or of entries (MAP) of a non-NULL value. */
uint32_t ps_nested_count(ps_slice value);
/* Number of values inside: fields, elements, or keys and values. */
static inline uint32_t ps_nested_child_count(const ps_type *type, ps_slice value)
{
    if (type->kind == PS_TYPE_ROW) {
        return type->child_count;
    }
    return type->kind == PS_TYPE_ARRAY ? ps_nested_count(value) : 2 * ps_nested_count(value);
}
/* The type of child `index`. */
static inline const ps_type *ps_nested_child_type(const ps_type *type, uint32_t index)
{
    if (type->kind == PS_TYPE_ROW) {
        return type->children[index];
    }
    return type->children[type->kind == PS_TYPE_ARRAY ? 0 : index % 2];
}
/* Element `index` of an ARRAY; entry index/2's key or value of a MAP; field of a ROW. */
ps_value ps_nested_get(const ps_type *type, ps_slice value, uint32_t index);
/* A nested value of `count` children (fields, elements, or keys and values by turns), in the arena;
 * data NULL: no memory. */
ps_slice ps_nested_make(const ps_type *type, uint32_t count, const ps_value *children,
                        ps_arena *arena);
/* True: the bytes are a well-formed value of the type. */
bool ps_nested_is_well_formed(const ps_type *type, ps_slice value);

#endif
