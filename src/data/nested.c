/* Values of ROW, ARRAY and MAP (data/row.h, "nested values"). */
#include <stdlib.h>

#include "data/row.h"
#include "data/row_field.h"

/* ARRAY and MAP: u32 count and 4 zero bytes before the row code. */
enum { COUNT_SIZE = 8 };

uint32_t ps_nested_count(ps_slice value)
{
    PS_ASSERT(value.size >= COUNT_SIZE);
    return ps_get_u32(value.data);
}

/* Where the row code begins. */
static size_t header_size(const ps_type *type)
{
    return type->kind == PS_TYPE_ROW ? 0 : COUNT_SIZE;
}

static uint32_t child_size(const ps_type *type, uint32_t index)
{
    return ps_phys_size(ps_type_phys(ps_nested_child_type(type, index)));
}

/* Of child `index` in a row code of `count` children; for index == count the fixed part's size. */
static uint64_t child_offset(const ps_type *type, uint32_t count, uint32_t index)
{
    uint64_t offset = row_bitmap_size(count);
    if (type->kind == PS_TYPE_ARRAY) {
        return offset + (uint64_t)index * child_size(type, 0);
    }
    if (type->kind == PS_TYPE_MAP) {
        uint64_t entry_size = child_size(type, 0) + child_size(type, 1);
        return offset + index / 2 * entry_size + (index % 2 == 1 ? child_size(type, 0) : 0);
    }
    for (uint32_t i = 0; i < index; i++) {
        offset += child_size(type, i);
    }
    return offset;
}

ps_value ps_nested_get(const ps_type *type, ps_slice value, uint32_t index)
{
    PS_ASSERT(ps_type_is_nested(type));
    uint32_t count = ps_nested_child_count(type, value);
    PS_ASSERT(index < count);
    return row_field(value.data + header_size(type), index,
                     (uint32_t)child_offset(type, count, index),
                     ps_type_phys(ps_nested_child_type(type, index)));
}

/* ── making ── */

/* A map's entries for qsort_r. */
typedef struct {
    const ps_type *key;
    const ps_value *children;
} map_order;

static int compare_entries(const void *a, const void *b, void *context)
{
    const map_order *order = context;
    uint32_t i = *(const uint32_t *)a;
    uint32_t k = *(const uint32_t *)b;
    int by_key = ps_value_compare(order->key, &order->children[2 * i], &order->children[2 * k]);
    return by_key != 0 ? by_key : (i > k) - (i < k);
}

/* Children without the entries of keys that come again: a key stays where it came first and has the
 * value that came last. NULL: no memory. */
static const ps_value *unique_entries(const ps_type *type, uint32_t *count,
                                      const ps_value *children, ps_arena *arena)
{
    uint32_t entry_count = *count / 2;
    uint32_t *sorted = ps_arena_take(arena, entry_count * sizeof *sorted);
    uint32_t *last = ps_arena_take(arena, entry_count * sizeof *last);
    ps_value *unique = ps_arena_take(arena, *count * sizeof *unique);
    if (sorted == NULL || last == NULL || unique == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < entry_count; i++) {
        sorted[i] = i;
        last[i] = UINT32_MAX;
    }
    map_order order = {.key = type->children[0], .children = children};
    qsort_r(sorted, entry_count, sizeof *sorted, compare_entries, &order);
    uint32_t first = 0;
    for (uint32_t i = 0; i < entry_count; i++) {
        if (i == 0 || ps_value_compare(order.key, &children[2 * sorted[i - 1]],
                                       &children[2 * sorted[i]]) != 0) {
            first = sorted[i];
        }
        last[first] = sorted[i];
    }
    uint32_t unique_count = 0;
    for (uint32_t i = 0; i < entry_count; i++) {
        if (last[i] != UINT32_MAX) {
            unique[unique_count++] = children[2 * i];
            unique[unique_count++] = children[2 * last[i] + 1];
        }
    }
    *count = unique_count;
    return unique;
}

ps_slice ps_nested_make(const ps_type *type, uint32_t count, const ps_value *children,
                        ps_arena *arena)
{
    PS_ASSERT(ps_type_is_nested(type));
    PS_ASSERT(type->kind != PS_TYPE_ROW || count == type->child_count);
    PS_ASSERT(type->kind != PS_TYPE_MAP || count % 2 == 0);
    if (type->kind == PS_TYPE_MAP && count > 2) {
        children = unique_entries(type, &count, children, arena);
        if (children == NULL) {
            return (ps_slice){NULL, 0};
        }
    }
    size_t end = child_offset(type, count, count);
    size_t size = header_size(type) + end;
    for (uint32_t i = 0; i < count; i++) {
        if (child_size(type, i) == 16 && !children[i].is_null &&
            ps_type_phys(ps_nested_child_type(type, i)) == PS_PHYS_TEXT) {
            size += children[i].text.size;
        }
    }
    char *data = size <= UINT32_MAX ? ps_arena_take(arena, size) : NULL;
    if (data == NULL) {
        return (ps_slice){NULL, 0};
    }
    char *code = data + header_size(type);
    if (type->kind != PS_TYPE_ROW) {
        ps_put_u32(data, type->kind == PS_TYPE_MAP ? count / 2 : count);
    }
    char *at = code + row_bitmap_size(count);
    for (uint32_t i = 0; i < count; i++) {
        ps_phys phys = ps_type_phys(ps_nested_child_type(type, i));
        if (children[i].is_null) {
            row_put_null(code, i, at, phys);
        } else {
            row_put_value(code, at, phys, &children[i], false, &end);
        }
        at += ps_phys_size(phys);
    }
    return (ps_slice){data, size};
}

/* ── bytes from a file ── */

static bool is_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

bool row_field_is_well_formed(const ps_type *type, const char *code, size_t size, uint32_t field,
                              uint32_t offset, size_t *end)
{
    const char *at = code + offset;
    ps_phys phys = ps_type_phys(type);
    if (row_field_is_null(code, field)) {
        return is_zero(at, ps_phys_size(phys));
    }
    if (phys != PS_PHYS_TEXT) {
        return true;
    }
    uint32_t text_size = ps_get_u32(at + 4);
    if (ps_get_u32(at) != *end || text_size > size - *end || ps_get_u64(at + 8) != 0) {
        return false;
    }
    *end += text_size;
    return !ps_type_is_nested(type) || ps_nested_is_well_formed(type, row_text(code, at));
}

bool ps_nested_is_well_formed(const ps_type *type, ps_slice value)
{
    size_t header = header_size(type);
    if (value.size < header || value.size > UINT32_MAX ||
        (header > 0 && !is_zero(value.data + 4, 4))) {
        return false;
    }
    uint64_t entries = header > 0 ? ps_get_u32(value.data) : 0;
    if (entries > value.size / 8) {
        return false; /* each has 8 bytes at least: the counts below do not overflow */
    }
    uint32_t count = ps_nested_child_count(type, value);
    const char *code = value.data + header;
    size_t size = value.size - header;
    size_t end = child_offset(type, count, count);
    if (size < end || !row_bitmap_is_clean(code, count)) {
        return false;
    }
    uint32_t offset = row_bitmap_size(count);
    for (uint32_t i = 0; i < count; i++) {
        if (!row_field_is_well_formed(ps_nested_child_type(type, i), code, size, i, offset, &end)) {
            return false;
        }
        offset += child_size(type, i);
    }
    return end == size;
}
