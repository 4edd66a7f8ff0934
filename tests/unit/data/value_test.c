/* Values: their order and their text in three forms. */
#include "../base/testing.h"

#include <math.h>

#include "data/row.h"

static ps_arena arena;
static ps_buf out;

static int setup(void **state)
{
    (void)state;
    ps_arena_init(&arena, 1 << 24);
    ps_buf_init(&out, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_arena_release(&arena);
    ps_buf_release(&out);
    return 0;
}

static const char *printed(const ps_type *type, ps_value value, ps_form form)
{
    ps_buf_clear(&out);
    ps_value_print(type, &value, form, &out);
    ps_buf_append_char(&out, '\0');
    assert_false(out.failed);
    return out.data;
}

static void prints(const ps_type *type, ps_value value, const char *json, const char *plain,
                   const char *flink)
{
    assert_string_equal(printed(type, value, PS_FORM_JSON), json);
    assert_string_equal(printed(type, value, PS_FORM_PLAIN), plain);
    assert_string_equal(printed(type, value, PS_FORM_FLINK), flink);
}

static const ps_type timestamp_6 = {.kind = PS_TYPE_TIMESTAMP, .precision = 6};
static const ps_type timestamp_9 = {.kind = PS_TYPE_TIMESTAMP, .precision = 9};
static const ps_type timestamp_0 = {.kind = PS_TYPE_TIMESTAMP, .precision = 0};
static const ps_type time_0 = {.kind = PS_TYPE_TIME, .precision = 0};
static const ps_type time_3 = {.kind = PS_TYPE_TIME, .precision = 3};
static const ps_type money = {.kind = PS_TYPE_DECIMAL, .precision = 10, .scale = 2};
static const ps_type large = {.kind = PS_TYPE_DECIMAL, .precision = 38, .scale = 3};
static const ps_type real = {.kind = PS_TYPE_FLOAT};
static const ps_type months = {.kind = PS_TYPE_INTERVAL_MONTHS};
static const ps_type duration = {.kind = PS_TYPE_INTERVAL_MS};

static void simple_values_print_in_each_form(void **state)
{
    (void)state;
    prints(&ps_type_int, (ps_value){.is_null = true}, "null", "NULL", "null");
    prints(&ps_type_null, (ps_value){.is_null = true}, "null", "NULL", "null");
    prints(&ps_type_boolean, (ps_value){.i64 = 1}, "true", "TRUE", "true");
    prints(&ps_type_boolean, (ps_value){.i64 = 0}, "false", "FALSE", "false");
    prints(&ps_type_bigint, (ps_value){.i64 = INT64_MIN}, "-9223372036854775808",
           "-9223372036854775808", "-9223372036854775808");
    prints(&money, (ps_value){.i64 = -5}, "-0.05", "-0.05", "-0.05");
    prints(&large, (ps_value){.i128 = (ps_i128)INT64_MAX * 1000}, "9223372036854775807.000",
           "9223372036854775807.000", "9223372036854775807.000");
    prints(&ps_type_double, (ps_value){.f64 = 5}, "5.0", "5.0", "5.0");
    prints(&ps_type_double, (ps_value){.f64 = 1e10}, "1.0E10", "1.0E10", "1.0E10");
    prints(&ps_type_double, (ps_value){.f64 = NAN}, "\"NaN\"", "NaN", "NaN");
    prints(&ps_type_double, (ps_value){.f64 = -INFINITY}, "\"-Infinity\"", "-Infinity",
           "-Infinity");
    prints(&real, (ps_value){.f64 = (double)0.1F}, "0.1", "0.1", "0.1");
    prints(&ps_type_string, (ps_value){.text = PS_SLICE("a\"\n\xc3\xa9")}, "\"a\\\"\\n\xc3\xa9\"",
           "a\"\n\xc3\xa9", "a\"\n\xc3\xa9");
    prints(&ps_type_string, (ps_value){.text = {NULL, 0}}, "\"\"", "", "");
}

static void times_print_in_each_form(void **state)
{
    (void)state;
    prints(&ps_type_date, (ps_value){.i64 = 20484}, "\"2026-01-31\"", "2026-01-31", "2026-01-31");
    prints(&time_0, (ps_value){.i64 = 36000000}, "\"10:00:00\"", "10:00:00", "10:00");
    prints(&time_3, (ps_value){.i64 = 36001002}, "\"10:00:01.002\"", "10:00:01.002",
           "10:00:01.002");
    int64_t midnight = 20484 * INT64_C(86400);
    prints(&ps_type_timestamp3, (ps_value){.i64 = midnight * 1000 + 86399123},
           "\"2026-01-31 23:59:59.123\"", "2026-01-31 23:59:59.123", "2026-01-31T23:59:59.123");
    prints(&ps_type_timestamp3, (ps_value){.i64 = midnight * 1000}, "\"2026-01-31 00:00:00.000\"",
           "2026-01-31 00:00:00.000", "2026-01-31T00:00");
    prints(&ps_type_timestamp_ltz3, (ps_value){.i64 = midnight * 1000},
           "\"2026-01-31 00:00:00.000Z\"", "2026-01-31 00:00:00.000", "2026-01-31T00:00:00Z");
    prints(&timestamp_0, (ps_value){.i64 = midnight * 1000 + 5000}, "\"2026-01-31 00:00:05\"",
           "2026-01-31 00:00:05", "2026-01-31T00:00:05");
    prints(&timestamp_6, (ps_value){.i64 = midnight * 1000000 + 1},
           "\"2026-01-31 00:00:00.000001\"", "2026-01-31 00:00:00.000001",
           "2026-01-31T00:00:00.000001");
    prints(&timestamp_9, (ps_value){.i64 = midnight * 1000000000 + 1},
           "\"2026-01-31 00:00:00.000000001\"", "2026-01-31 00:00:00.000000001",
           "2026-01-31T00:00:00.000000001");
    prints(&months, (ps_value){.i64 = 14}, "14", "+1-02", "14");
    prints(&months, (ps_value){.i64 = -14}, "-14", "-1-02", "-14");
    prints(&duration, (ps_value){.i64 = 90061001}, "90061001", "+1 01:01:01.001", "90061001");
    prints(&duration, (ps_value){.i64 = -1}, "-1", "-0 00:00:00.001", "-1");
}

static void bytes_print_in_each_form(void **state)
{
    (void)state;
    static const struct {
        ps_slice bytes;
        const char *base64, *plain, *flink;
    } table[] = {
        {{"", 0}, "\"\"", "", "[]"},
        {{"f", 1}, "\"Zg==\"", "f", "[102]"},
        {{"fo", 2}, "\"Zm8=\"", "fo", "[102, 111]"},
        {{"foo", 3}, "\"Zm9v\"", "foo", "[102, 111, 111]"},
        {{"foob", 4}, "\"Zm9vYg==\"", "foob", "[102, 111, 111, 98]"},
        {{"\xff\xfe", 2}, "\"//4=\"", "\xef\xbf\xbd\xef\xbf\xbd", "[-1, -2]"},
        {{"a\xc3", 2}, "\"YcM=\"", "a\xef\xbf\xbd", "[97, -61]"},
        {{"\xc3\xa9\x80z", 4}, "\"w6mAeg==\"", "\xc3\xa9\xef\xbf\xbdz", "[-61, -87, -128, 122]"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        prints(&ps_type_bytes, (ps_value){.text = table[i].bytes}, table[i].base64, table[i].plain,
               table[i].flink);
    }
}

static void nested_values_print_in_each_form(void **state)
{
    (void)state;
    const ps_type *array = ps_type_array(&arena, &ps_type_int, true);
    const ps_type *map = ps_type_map(&arena, &ps_type_string, array, true);
    const ps_type *by_number = ps_type_map(&arena, &ps_type_date, &ps_type_string, true);
    static const ps_slice names[] = {{"id", 2}, {"by \"key\"", 8}};
    const ps_type *types[] = {&ps_type_int, map};
    const ps_type *row = ps_type_row(&arena, 2, names, types, true);
    ps_value numbers[] = {{.i64 = 1}, {.is_null = true}, {.i64 = 3}};
    ps_value list = {.text = ps_nested_make(array, 3, numbers, &arena)};
    ps_value none = {.text = ps_nested_make(array, 0, NULL, &arena)};
    ps_value entries[] = {{.text = PS_SLICE("k")}, list, {.text = PS_SLICE("e")}, none};
    ps_value table = {.text = ps_nested_make(map, 4, entries, &arena)};
    ps_value fields[] = {{.i64 = 7}, table};
    ps_value whole = {.text = ps_nested_make(row, 2, fields, &arena)};
    prints(array, list, "[1,null,3]", "[1, NULL, 3]", "[1, null, 3]");
    prints(array, none, "[]", "[]", "[]");
    prints(map, table, "{\"k\":[1,null,3],\"e\":[]}", "{k=[1, NULL, 3], e=[]}",
           "{k=[1, null, 3], e=[]}");
    prints(row, whole, "{\"id\":7,\"by \\\"key\\\"\":{\"k\":[1,null,3],\"e\":[]}}",
           "(7, {k=[1, NULL, 3], e=[]})", "+I[7, {k=[1, null, 3], e=[]}]");
    ps_value dated[] = {{.i64 = 0}, {.text = PS_SLICE("x")}};
    ps_value by_date = {.text = ps_nested_make(by_number, 2, dated, &arena)};
    prints(by_number, by_date, "{\"1970-01-01\":\"x\"}", "{1970-01-01=x}", "{1970-01-01=x}");
}

static void orders(const ps_type *type, const ps_value *ascending, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            int expected = (i > k) - (i < k);
            assert_int_equal(ps_value_compare(type, &ascending[i], &ascending[k]), expected);
        }
    }
}

static void values_are_ordered_with_null_lowest(void **state)
{
    (void)state;
    ps_value integers[] = {
        {.is_null = true}, {.i64 = INT64_MIN}, {.i64 = -1}, {.i64 = 0}, {.i64 = INT64_MAX}};
    orders(&ps_type_bigint, integers, 5);
    ps_value doubles[] = {{.is_null = true}, {.f64 = -INFINITY}, {.f64 = -1.5}, {.f64 = 0},
                          {.f64 = 1e-300},   {.f64 = INFINITY},  {.f64 = NAN}};
    orders(&ps_type_double, doubles, 7);
    ps_value minus_zero = {.f64 = -0.0};
    ps_value other_nan = {.f64 = -NAN};
    assert_int_equal(ps_value_compare(&ps_type_double, &minus_zero, &doubles[3]), 0);
    assert_int_equal(ps_value_compare(&ps_type_double, &other_nan, &doubles[6]), 0);
    ps_value decimals[] = {{.is_null = true},
                           {.i128 = -((ps_i128)1 << 100)},
                           {.i128 = 0},
                           {.i128 = (ps_i128)1 << 100}};
    orders(&large, decimals, 4);
    ps_value texts[] = {{.is_null = true},
                        {.text = {NULL, 0}},
                        {.text = PS_SLICE("a")},
                        {.text = PS_SLICE("aa")},
                        {.text = PS_SLICE("b")},
                        {.text = PS_SLICE("\x7f")},
                        {.text = PS_SLICE("\xc3\xa9")}};
    orders(&ps_type_string, texts, 7);
}

static void arrays_are_ordered_by_their_elements_and_then_their_length(void **state)
{
    (void)state;
    const ps_type *array = ps_type_array(&arena, &ps_type_int, true);
    ps_value items[] = {{.i64 = 1}, {.i64 = 2}, {.is_null = true}, {.i64 = 3}};
    ps_value ascending[] = {{.is_null = true},
                            {.text = ps_nested_make(array, 0, items, &arena)},
                            {.text = ps_nested_make(array, 2, items + 2, &arena)},
                            {.text = ps_nested_make(array, 1, items, &arena)},
                            {.text = ps_nested_make(array, 2, items, &arena)},
                            {.text = ps_nested_make(array, 3, items, &arena)},
                            {.text = ps_nested_make(array, 1, items + 3, &arena)}};
    orders(array, ascending, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_values_print_in_each_form),
        cmocka_unit_test(times_print_in_each_form),
        cmocka_unit_test(bytes_print_in_each_form),
        cmocka_unit_test(nested_values_print_in_each_form),
        cmocka_unit_test(values_are_ordered_with_null_lowest),
        cmocka_unit_test(arrays_are_ordered_by_their_elements_and_then_their_length),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
