/* Row codes: round trips, canonical form, and bytes that are not codes. */
#include "random_rows.h"

#include <math.h>

static ps_arena arena;

static int setup(void **state)
{
    (void)state;
    ps_arena_init(&arena, 1 << 26);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_arena_release(&arena);
    return 0;
}

static void layout_of(ps_row_layout *layout, uint32_t count, const ps_type *const *types,
                      bool is_key)
{
    ps_error err;
    assert_int_equal(ps_row_layout_init(layout, &arena, count, types, is_key, &err), PS_OK);
}

static void rows_come_back_from_their_codes(void **state)
{
    (void)state;
    uint64_t seed = 1;
    ps_batch_builder source, target;
    ps_row_layout layout;
    ps_error err;
    layout_of(&layout, TEST_COLUMNS, test_types, false);
    assert_int_equal(layout.fixed_size, 8 + 4 * 8 + 4 * 16);
    test_fill(&source, 1000, &seed);
    assert_int_equal(ps_batch_builder_init(&target, TEST_COLUMNS, test_types, PS_BATCH_ROWS, &err),
                     PS_OK);
    const ps_column *columns[TEST_COLUMNS];
    for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
        columns[i] = &source.batch.columns[i];
    }
    for (uint32_t row = 0; row < 1000; row++) {
        size_t size = ps_row_size(&layout, columns, row);
        char *code = malloc(size); /* of exactly that size, for the sanitizer */
        ps_row_encode(&layout, columns, row, code);
        assert_int_equal(ps_row_code_size(&layout, code), size);
        assert_true(ps_row_is_well_formed(&layout, code, size));

        ps_value values[TEST_COLUMNS];
        for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
            values[i] = ps_row_get(&layout, code, i);
        }
        assert_int_equal(ps_row_size_of_values(&layout, values), size);
        char *again = malloc(size);
        ps_row_encode_values(&layout, values, again);
        assert_memory_equal(code, again, size);

        ps_batch_builder_begin_row(&target, PS_KIND_INSERT, 0, 0);
        assert_int_equal(ps_row_decode(&layout, code, &target, 0, &err), PS_OK);
        ps_batch_builder_end_row(&target);
        free(code);
        free(again);
    }
    for (uint32_t row = 0; row < 1000; row++) {
        for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
            test_same_value(test_types[i], columns[i], row, &target.batch.columns[i], row);
        }
    }
    ps_batch_builder_release(&source);
    ps_batch_builder_release(&target);
}

static void the_bytes_are_as_the_header_says(void **state)
{
    (void)state;
    const ps_type *types[] = {&ps_type_bigint, &ps_type_string, &ps_type_string,
                              &test_wide_decimal};
    ps_row_layout layout;
    layout_of(&layout, 4, types, true);
    ps_value values[] = {{.i64 = 258}, {.is_null = true}, {.text = PS_SLICE("hi")}, {.i128 = -1}};
    static const unsigned char expected[] = {
        2,    0,    0,    0,    0,    0,    0,    0,    /* field 1 is NULL */
        2,    1,    0,    0,    0,    0,    0,    0,    /* 258 */
        0,    0,    0,    0,    0,    0,    0,    0,    /* NULL */
        0,    0,    0,    0,    0,    0,    0,    0,    /**/
        64,   0,    0,    0,    2,    0,    0,    0,    /* text: offset, size */
        0,    0,    0,    0,    0,    0,    0,    0,    /**/
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* −1 */
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /**/
        'h',  'i'};
    char code[sizeof expected];
    assert_int_equal(ps_row_size_of_values(&layout, values), sizeof expected);
    ps_row_encode_values(&layout, values, code);
    assert_memory_equal(code, expected, sizeof expected);
}

static void equal_keys_have_equal_bytes(void **state)
{
    (void)state;
    const ps_type *types[] = {&ps_type_double};
    ps_row_layout key, plain;
    layout_of(&key, 1, types, true);
    layout_of(&plain, 1, types, false);
    char a[16], b[16];
    ps_value zero = {.f64 = 0.0};
    ps_value minus_zero = {.f64 = -0.0};
    ps_row_encode_values(&key, &zero, a);
    ps_row_encode_values(&key, &minus_zero, b);
    assert_memory_equal(a, b, 16);
    ps_row_encode_values(&plain, &minus_zero, b);
    assert_memory_not_equal(a, b, 16);
    ps_value nan_1 = {.f64 = NAN};
    ps_value nan_2 = {.i64 = (int64_t)0xfff0000000000001};
    ps_row_encode_values(&key, &nan_1, a);
    ps_row_encode_values(&key, &nan_2, b);
    assert_memory_equal(a, b, 16);
    ps_value null_1 = {.is_null = true, .i64 = 0};
    ps_value null_2 = {.is_null = true, .i64 = 99};
    ps_row_encode_values(&key, &null_1, a);
    ps_row_encode_values(&key, &null_2, b);
    assert_memory_equal(a, b, 16);
}

static void wide_rows_have_a_bitmap_of_more_words(void **state)
{
    (void)state;
    enum { WIDTH = 130 };
    const ps_type *types[WIDTH];
    ps_value values[WIDTH];
    for (uint32_t i = 0; i < WIDTH; i++) {
        types[i] = i % 2 == 0 ? &ps_type_bigint : &ps_type_string;
        values[i] = (ps_value){.is_null = i % 3 == 0};
        if (i % 2 == 0) {
            values[i].i64 = i;
        } else {
            values[i].text = PS_SLICE("x");
        }
    }
    ps_row_layout layout;
    layout_of(&layout, WIDTH, types, true);
    size_t size = ps_row_size_of_values(&layout, values);
    char *code = malloc(size);
    ps_row_encode_values(&layout, values, code);
    assert_true(ps_row_is_well_formed(&layout, code, size));
    for (uint32_t i = 0; i < WIDTH; i++) {
        ps_value value = ps_row_get(&layout, code, i);
        assert_int_equal(ps_value_compare(types[i], &value, &values[i]), 0);
    }
    code[23] = (char)0x80; /* a bit behind the last field */
    assert_false(ps_row_is_well_formed(&layout, code, size));
    free(code);
}

/* ── nested values ── */

static const ps_type *person_type(void)
{
    static const ps_slice names[] = {{"name", 4}, {"tags", 4}, {"by_day", 6}};
    const ps_type **types = ps_arena_take(&arena, 3 * sizeof *types);
    types[0] = &ps_type_string;
    types[1] = ps_type_array(&arena, &ps_type_string, true);
    types[2] = ps_type_map(&arena, &ps_type_date, &test_wide_decimal, true);
    return ps_type_row(&arena, 3, names, types, true);
}

static ps_slice person(const ps_type *type, uint64_t *seed)
{
    ps_value tags[70];
    ps_value entries[40];
    uint32_t tag_count = (uint32_t)test_draw(seed, 70);
    uint32_t entry_count = (uint32_t)test_draw(seed, 20);
    for (uint32_t i = 0; i < tag_count; i++) {
        tags[i] = test_value(PS_PHYS_TEXT, seed);
    }
    for (uint32_t i = 0; i < entry_count; i++) {
        entries[2 * i] = (ps_value){.i64 = i};
        entries[2 * i + 1] = test_value(PS_PHYS_I128, seed);
    }
    ps_value fields[3] = {
        {.text = PS_SLICE("Ada")},
        {.text = ps_nested_make(type->children[1], tag_count, tags, &arena)},
        {.text = ps_nested_make(type->children[2], 2 * entry_count, entries, &arena)}};
    assert_int_equal(ps_nested_count(fields[1].text), tag_count);
    assert_int_equal(ps_nested_count(fields[2].text), entry_count);
    for (uint32_t i = 0; i < tag_count; i++) {
        ps_value tag = ps_nested_get(type->children[1], fields[1].text, i);
        assert_int_equal(ps_value_compare(&ps_type_string, &tag, &tags[i]), 0);
    }
    for (uint32_t i = 0; i < 2 * entry_count; i++) {
        ps_value part = ps_nested_get(type->children[2], fields[2].text, i);
        const ps_type *part_type = ps_nested_child_type(type->children[2], i);
        assert_int_equal(ps_value_compare(part_type, &part, &entries[i]), 0);
    }
    return ps_nested_make(type, 3, fields, &arena);
}

static void nested_values_give_back_their_parts(void **state)
{
    (void)state;
    uint64_t seed = 8;
    const ps_type *type = person_type();
    for (int i = 0; i < 300; i++) {
        ps_slice value = person(type, &seed);
        assert_true(ps_nested_is_well_formed(type, value));
        assert_false(ps_nested_is_well_formed(type, (ps_slice){value.data, value.size - 1}));
        ps_value name = ps_nested_get(type, value, 0);
        assert_true(ps_slice_equal(name.text, PS_SLICE("Ada")));
    }
}

static void a_map_keeps_the_first_place_and_the_last_value_of_a_key(void **state)
{
    (void)state;
    const ps_type *type = ps_type_map(&arena, &ps_type_string, &ps_type_bigint, true);
    ps_value entries[] = {{.text = PS_SLICE("b")}, {.i64 = 1}, {.text = PS_SLICE("a")}, {.i64 = 2},
                          {.text = PS_SLICE("b")}, {.i64 = 3}, {.is_null = true},       {.i64 = 4},
                          {.text = PS_SLICE("b")}, {.i64 = 5}, {.is_null = true},       {.i64 = 6}};
    ps_slice map = ps_nested_make(type, 12, entries, &arena);
    assert_int_equal(ps_nested_count(map), 3);
    assert_true(ps_slice_equal(ps_nested_get(type, map, 0).text, PS_SLICE("b")));
    assert_int_equal(ps_nested_get(type, map, 1).i64, 5);
    assert_true(ps_slice_equal(ps_nested_get(type, map, 2).text, PS_SLICE("a")));
    assert_int_equal(ps_nested_get(type, map, 3).i64, 2);
    assert_true(ps_nested_get(type, map, 4).is_null);
    assert_int_equal(ps_nested_get(type, map, 5).i64, 6);
}

/* Whatever passes the check can be read to the last byte (the sanitizer watches). */
static void read_all(const ps_type *type, ps_slice value)
{
    uint32_t count = ps_nested_child_count(type, value);
    for (uint32_t i = 0; i < count; i++) {
        const ps_type *child_type = ps_nested_child_type(type, i);
        ps_value child = ps_nested_get(type, value, i);
        assert_int_equal(ps_value_compare(child_type, &child, &child), 0);
        if (!child.is_null && ps_type_is_nested(child_type)) {
            read_all(child_type, child.text);
        } else if (!child.is_null && ps_type_phys(child_type) == PS_PHYS_TEXT) {
            assert_true(child.text.size == 0 ||
                        memchr(child.text.data, 0x7f, child.text.size) != child.text.data - 1);
        }
    }
}

static void bytes_that_are_no_code_are_refused(void **state)
{
    (void)state;
    uint64_t seed = 9;
    const ps_type *types[] = {&ps_type_bigint, &ps_type_string, person_type()};
    ps_row_layout layout;
    layout_of(&layout, 3, types, false);
    int refused = 0;
    for (int round = 0; round < 200; round++) {
        ps_value values[] = {
            {.i64 = 5}, {.text = PS_SLICE("abc")}, {.text = person(types[2], &seed)}};
        size_t size = ps_row_size_of_values(&layout, values);
        char *code = malloc(size);
        ps_row_encode_values(&layout, values, code);
        assert_true(ps_row_is_well_formed(&layout, code, size));
        assert_false(ps_row_is_well_formed(&layout, code, size - 1));
        for (int i = 0; i < 50; i++) {
            size_t at = test_draw(&seed, size);
            char bit = (char)(1 << test_draw(&seed, 8));
            code[at] = (char)(code[at] ^ bit);
            if (ps_row_is_well_formed(&layout, code, size)) {
                ps_value value = ps_row_get(&layout, code, 2);
                if (!value.is_null) {
                    read_all(types[2], value.text);
                }
            } else {
                refused++;
            }
            code[at] = (char)(code[at] ^ bit);
        }
        free(code);
        ps_arena_reset(&arena);
        types[2] = person_type();
        layout_of(&layout, 3, types, false);
    }
    assert_in_range(refused, 1000, 9999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_from_their_codes),
        cmocka_unit_test(the_bytes_are_as_the_header_says),
        cmocka_unit_test(equal_keys_have_equal_bytes),
        cmocka_unit_test(wide_rows_have_a_bitmap_of_more_words),
        cmocka_unit_test(nested_values_give_back_their_parts),
        cmocka_unit_test(a_map_keeps_the_first_place_and_the_last_value_of_a_key),
        cmocka_unit_test(bytes_that_are_no_code_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
