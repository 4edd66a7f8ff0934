/* Random batches for the tests of batches and rows: eight columns, two of each class, NULLs among
 * them, kinds, watermarks and sequences that rise. */
#ifndef PS_TEST_DATA_RANDOM_ROWS_H
#define PS_TEST_DATA_RANDOM_ROWS_H

#include "../base/testing.h"

#include "data/row.h"

enum { TEST_COLUMNS = 8 };

static const ps_type test_wide_decimal = {
    .kind = PS_TYPE_DECIMAL, .nullable = true, .precision = 38, .scale = 2};

static const ps_type *const test_types[TEST_COLUMNS] = {
    &ps_type_bigint, &ps_type_double, &test_wide_decimal, &ps_type_string,
    &ps_type_string, &ps_type_date,   &ps_type_double,    &test_wide_decimal};

static inline ps_value test_value(ps_phys phys, uint64_t *seed)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    ps_value value = {.is_null = test_draw(seed, 4) == 0};
    if (value.is_null) {
        return value;
    }
    switch (phys) {
    case PS_PHYS_I64:
        value.i64 = (int64_t)test_next(seed) >> test_draw(seed, 64);
        break;
    case PS_PHYS_F64:
        value.f64 = (double)(int64_t)test_next(seed) / 1024;
        break;
    case PS_PHYS_I128:
        value.i128 = (ps_i128)(int64_t)test_next(seed) * (int64_t)test_draw(seed, 1U << 30);
        break;
    case PS_PHYS_TEXT:
        value.text = (ps_slice){letters + test_draw(seed, 26), test_draw(seed, 26)};
        break;
    }
    return value;
}

static inline void test_add_row(ps_batch_builder *builder, uint64_t *seed)
{
    uint32_t row = builder->batch.row_count;
    ps_error err;
    ps_batch_builder_begin_row(builder, (uint8_t)test_draw(seed, 4), 1000 + row, 7 + row);
    for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
        ps_value value = test_value(ps_type_phys(test_types[i]), seed);
        assert_int_equal(ps_batch_builder_set(builder, i, value, &err), PS_OK);
    }
    ps_batch_builder_end_row(builder);
}

static inline void test_fill(ps_batch_builder *builder, uint32_t row_count, uint64_t *seed)
{
    ps_error err;
    assert_int_equal(ps_batch_builder_init(builder, TEST_COLUMNS, test_types, PS_BATCH_ROWS, &err),
                     PS_OK);
    while (builder->batch.row_count < row_count) {
        test_add_row(builder, seed);
    }
}

static inline void test_same_value(const ps_type *type, const ps_column *a, uint32_t a_row,
                                   const ps_column *b, uint32_t b_row)
{
    ps_phys phys = ps_type_phys(type);
    ps_value left = ps_column_value(a, phys, a_row);
    ps_value right = ps_column_value(b, phys, b_row);
    assert_int_equal(left.is_null, right.is_null);
    assert_int_equal(ps_value_compare(type, &left, &right), 0);
    if (left.is_null) { /* defined memory: zeros */
        static const char zeros[16];
        assert_memory_equal((const char *)b->values + b_row * ps_phys_size(phys), zeros,
                            ps_phys_size(phys));
    }
}

#endif
