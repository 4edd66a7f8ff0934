#include "data/row.h"

ps_code ps_batch_builder_set(ps_batch_builder *builder, uint32_t column, ps_value value,
                             ps_error *err)
{
    PS_ASSERT(column < builder->batch.column_count);
    uint64_t valid = value.is_null ? 0 : 1;
    ps_column one = {.values = &value.i128, .valid = &valid};
    return ps_batch_builder_copy(builder, column, &one, 0, err);
}

/* ── order ── */

static int compare_doubles(double a, double b)
{
    bool a_is_nan = a != a;
    bool b_is_nan = b != b;
    if (a_is_nan || b_is_nan) {
        return a_is_nan - b_is_nan;
    }
    return (a > b) - (a < b);
}

static int compare_texts(ps_slice a, ps_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return (a.size > b.size) - (a.size < b.size);
}

/* Element by element; the one that ends first is lower. MAPs: in order of insertion. */
static int compare_nested(const ps_type *type, ps_slice a, ps_slice b)
{
    uint32_t a_count = ps_nested_child_count(type, a);
    uint32_t b_count = ps_nested_child_count(type, b);
    for (uint32_t i = 0; i < a_count && i < b_count; i++) {
        ps_value a_child = ps_nested_get(type, a, i);
        ps_value b_child = ps_nested_get(type, b, i);
        int order = ps_value_compare(ps_nested_child_type(type, i), &a_child, &b_child);
        if (order != 0) {
            return order;
        }
    }
    return (a_count > b_count) - (a_count < b_count);
}

int ps_value_compare(const ps_type *type, const ps_value *a, const ps_value *b)
{
    if (a->is_null || b->is_null) {
        return b->is_null - a->is_null;
    }
    switch (ps_type_phys(type)) {
    case PS_PHYS_I64:
        return (a->i64 > b->i64) - (a->i64 < b->i64);
    case PS_PHYS_F64:
        return compare_doubles(a->f64, b->f64);
    case PS_PHYS_I128:
        return (a->i128 > b->i128) - (a->i128 < b->i128);
    case PS_PHYS_TEXT:
        return ps_type_is_nested(type) ? compare_nested(type, a->text, b->text)
                                       : compare_texts(a->text, b->text);
    }
    PS_ASSERT(false);
}
