/* Numbers read and printed. */
#include "../base/testing.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "data/decimal.h"

static ps_buf out;

static int setup(void **state)
{
    (void)state;
    ps_buf_init(&out, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_buf_release(&out);
    return 0;
}

static const char *printed(void)
{
    ps_buf_append_char(&out, '\0');
    assert_false(out.failed);
    return out.data;
}

static const char *decimal_text(ps_i128 value, int scale)
{
    ps_buf_clear(&out);
    ps_decimal_print(value, scale, &out);
    return printed();
}

static const char *double_text(double value)
{
    ps_buf_clear(&out);
    ps_double_print(value, &out);
    return printed();
}

static const char *float_text(float value)
{
    ps_buf_clear(&out);
    ps_float_print(value, &out);
    return printed();
}

static void texts_are_read_as_java_reads_them_and_rounded_to_the_scale(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int precision, scale;
        const char *expected; /* NULL: refused */
    } table[] = {
        {"42", 6, 2, "42.00"},
        {"7.256", 6, 2, "7.26"},
        {"7.255", 6, 2, "7.26"},
        {"-7.255", 6, 2, "-7.26"},
        {"7.2549999", 6, 2, "7.25"},
        {"1e3", 6, 2, "1000.00"},
        {"1E+3", 6, 2, "1000.00"},
        {"125e-3", 6, 2, "0.13"},
        {"-0", 6, 2, "0.00"},
        {"+5", 6, 2, "5.00"},
        {"  5\t", 6, 2, "5.00"},
        {"5.", 6, 2, "5.00"},
        {".5", 6, 2, "0.50"},
        {"0005", 2, 1, "5.0"},
        {"12345.6", 6, 2, NULL},
        {"9999.994", 6, 2, "9999.99"},
        {"9999.995", 6, 2, NULL},
        {"0.005", 3, 2, "0.01"},
        {"0.004", 3, 2, "0.00"},
        {"0.0049999999999999999999999999999999999999999999", 3, 2, "0.00"},
        {"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"},
        {"100000000000000000000000000000000000000", 38, 0, NULL},
        {"1e999999999999999999999", 38, 0, NULL},
        {"1e-999999999999999999999", 38, 0, "0"},
        {"0e999999999999999999999", 38, 0, "0"},
        {"0.00000000000000000000000000000000000001", 38, 38,
         "0.00000000000000000000000000000000000001"},
        {"", 6, 2, NULL},
        {" ", 6, 2, NULL},
        {".", 6, 2, NULL},
        {"-", 6, 2, NULL},
        {"1e", 6, 2, NULL},
        {"1e+", 6, 2, NULL},
        {"1.2.3", 6, 2, NULL},
        {"0x1F", 6, 2, NULL},
        {"1_000", 6, 2, NULL},
        {"1 0", 6, 2, NULL},
        {"abc", 6, 2, NULL},
        {"--1", 6, 2, NULL},
        {"NaN", 6, 2, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_i128 value = 123;
        bool taken = ps_decimal_from_text(ps_slice_text(table[i].text), table[i].precision,
                                          table[i].scale, &value);
        if (taken != (table[i].expected != NULL)) {
            fail_msg("'%s' was %s", table[i].text, taken ? "taken" : "refused");
        }
        if (taken) {
            assert_string_equal(decimal_text(value, table[i].scale), table[i].expected);
        } else {
            assert_true(value == 123);
        }
    }
}

static void a_decimal_s_text_reads_back_as_itself(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (uint64_t i = 0; i < test_count(20000, 1000000); i++) {
        ps_i128 value = (ps_i128)test_next(&seed) << 62 ^ (ps_i128)test_next(&seed);
        value %= ps_decimal_power((int)test_draw(&seed, 39));
        value = test_draw(&seed, 2) == 0 ? value : -value;
        int scale = (int)test_draw(&seed, 39);
        decimal_text(value, scale);
        ps_i128 back;
        assert_true(ps_decimal_from_text((ps_slice){out.data, out.size - 1}, 38, scale, &back));
        assert_true(back == value);
    }
}

static void doubles_print_as_java_prints_them(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } table[] = {
        {5, "5.0"},
        {0, "0.0"},
        {-0.0, "-0.0"},
        {-1.5, "-1.5"},
        {1.0E7, "1.0E7"},
        {9999999, "9999999.0"},
        {1.0E-5, "1.0E-5"},
        {0.001, "0.001"},
        {0.00099, "9.9E-4"},
        {0.01, "0.01"},
        {123456789.125, "1.23456789125E8"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {100, "100.0"},
        {1234567.8, "1234567.8"},
        {1e15, "1.0E15"},
        {1e22, "1.0E22"},
        {1e23, "1.0E23"},
        {9007199254740993.0, "9.007199254740992E15"},
        {1.7976931348623157e308, "1.7976931348623157E308"},
        {2.2250738585072014e-308, "2.2250738585072014E-308"},
        {4.9e-324, "4.9E-324"},
        {3.141592653589793, "3.141592653589793"},
        {99999.995, "99999.995"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_string_equal(double_text(table[i].value), table[i].text);
    }
    assert_string_equal(float_text(0.1F), "0.1");
    assert_string_equal(float_text(1.5F), "1.5");
    assert_string_equal(float_text(16777216.0F), "1.6777216E7");
    assert_string_equal(float_text(3.4028235e38F), "3.4028235E38");
    assert_string_equal(float_text(1.4e-45F), "1.4E-45");
    assert_string_equal(float_text(0.3F), "0.3");
}

static double random_double(uint64_t *seed)
{
    switch (test_draw(seed, 3)) {
    case 0:
        return (double)test_draw(seed, 1000000000) / 100;
    case 1:
        return (double)test_next(seed) / (double)(test_next(seed) | 1);
    default: {
        uint64_t bits = test_next(seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        return isfinite(value) ? value : 1;
    }
    }
}

static int significant_digits(const char *text)
{
    int count = 0;
    int zeros = 0;
    for (; *text != '\0' && *text != 'E'; text++) {
        if (*text == '0') {
            zeros += count > 0;
        } else if (*text > '0' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

static void doubles_read_back_and_no_shorter_text_does(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (uint64_t i = 0; i < test_count(20000, 1000000); i++) {
        double value = random_double(&seed);
        const char *text = double_text(value);
        assert_true(strtod(text, NULL) == value);
        int digits = significant_digits(text);
        if (digits > 2) {
            char shorter[64];
            snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
            assert_false(strtod(shorter, NULL) == value);
        }
        float small = (float)value;
        if (isfinite(small)) {
            assert_true(strtof(float_text(small), NULL) == small);
        }
    }
}

static void decimals_become_the_nearest_double(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (uint64_t i = 0; i < test_count(20000, 1000000); i++) {
        ps_i128 value = (ps_i128)test_next(&seed) << 40 ^ (ps_i128)test_next(&seed);
        value %= ps_decimal_power((int)test_draw(&seed, 39));
        int scale = (int)test_draw(&seed, 39);
        assert_true(ps_decimal_to_double(value, scale) == strtod(decimal_text(value, scale), NULL));
    }
}

static void doubles_become_decimals_by_their_shortest_text(void **state)
{
    (void)state;
    static const struct {
        double value;
        int precision, scale;
        const char *expected; /* NULL: refused */
    } table[] = {
        {1.005, 10, 2, "1.01"}, /* the double is below 1.005, its text is not */
        {0.1, 20, 18, "0.100000000000000000"},
        {-2.5, 5, 0, "-3"},
        {1e10, 10, 0, NULL},
        {1e37, 38, 0, "10000000000000000000000000000000000000"},
        {1e300, 38, 0, NULL},
        {1e-300, 38, 10, "0.0000000000"},
        {-0.0, 5, 1, "0.0"},
        {NAN, 5, 1, NULL},
        {INFINITY, 5, 1, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_i128 value;
        bool taken =
            ps_decimal_from_double(table[i].value, table[i].precision, table[i].scale, &value);
        assert_int_equal(taken, table[i].expected != NULL);
        if (taken) {
            assert_string_equal(decimal_text(value, table[i].scale), table[i].expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_as_java_reads_them_and_rounded_to_the_scale),
        cmocka_unit_test(a_decimal_s_text_reads_back_as_itself),
        cmocka_unit_test(doubles_print_as_java_prints_them),
        cmocka_unit_test(doubles_read_back_and_no_shorter_text_does),
        cmocka_unit_test(decimals_become_the_nearest_double),
        cmocka_unit_test(doubles_become_decimals_by_their_shortest_text),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
