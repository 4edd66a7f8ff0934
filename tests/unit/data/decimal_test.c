/* Decimal arithmetic against the table of tests/golden/decimal, and its edges. */
#include "../base/testing.h"

#include <stdio.h>

#include "data/decimal.h"
#include "data/wide.h"

#define TABLE "tests/golden/decimal/arithmetic.txt"

static ps_i128 number(const char *text)
{
    bool is_negative = text[0] == '-';
    ps_i128 value = 0;
    for (text += is_negative; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (*text - '0');
    }
    return is_negative ? -value : value;
}

typedef struct {
    char op[16], a[48], b[48], expected[48];
    int a_scale, b_scale, scale;
} table_line;

static bool run(const table_line *line, ps_i128 *out)
{
    ps_i128 a = number(line->a);
    ps_i128 b = number(line->b);
    if (strcmp(line->op, "add") == 0) {
        return ps_decimal_add(a, line->a_scale, b, line->b_scale, line->scale, out);
    }
    if (strcmp(line->op, "subtract") == 0) {
        return ps_decimal_subtract(a, line->a_scale, b, line->b_scale, line->scale, out);
    }
    if (strcmp(line->op, "multiply") == 0) {
        return ps_decimal_multiply(a, line->a_scale, b, line->b_scale, line->scale, out);
    }
    if (strcmp(line->op, "divide") == 0) {
        return ps_decimal_divide(a, line->a_scale, b, line->b_scale, line->scale, out);
    }
    if (strcmp(line->op, "remainder") == 0) {
        return ps_decimal_remainder(a, line->a_scale, b, line->b_scale, line->scale, out);
    }
    if (strcmp(line->op, "rescale") == 0) {
        return ps_decimal_rescale(a, line->a_scale, line->scale, out);
    }
    assert_string_equal(line->op, "compare");
    *out = ps_decimal_compare(a, line->a_scale, b, line->b_scale);
    return true;
}

static void operations_are_exact_and_rounded_once_as_unbounded_integers_say(void **state)
{
    (void)state;
    FILE *file = fopen(TABLE, "r");
    assert_non_null(file);
    table_line line;
    int count = 0;
    while (fscanf(file, "%15s %47s %d %47s %d %d %47s", line.op, line.a, &line.a_scale, line.b,
                  &line.b_scale, &line.scale, line.expected) == 7) {
        ps_i128 result = 77;
        bool fits = run(&line, &result);
        bool expected_fits = strcmp(line.expected, "-") != 0;
        ps_i128 expected = expected_fits ? number(line.expected) : 77;
        if (fits != expected_fits || result != expected) {
            fail_msg("%s %s %d %s %d to %d: not %s", line.op, line.a, line.a_scale, line.b,
                     line.b_scale, line.scale, line.expected);
        }
        count++;
    }
    fclose(file);
    assert_int_equal(count, 2801);
}

static void results_beyond_38_digits_are_refused_at_the_first_one(void **state)
{
    (void)state;
    ps_i128 most = ps_decimal_power(38) - 1;
    ps_i128 out = 5;
    assert_false(ps_decimal_add(most, 0, 1, 0, 0, &out));
    assert_false(ps_decimal_subtract(-most, 0, 1, 0, 0, &out));
    assert_false(ps_decimal_multiply(most, 0, 10, 0, 0, &out));
    assert_false(ps_decimal_rescale(most, 0, 1, &out));
    assert_true(out == 5);
    assert_true(ps_decimal_add(most, 0, -1, 0, 0, &out));
    assert_true(out == most - 1);
    assert_true(ps_decimal_fits(most, 38));
    assert_false(ps_decimal_fits(most + 1, 38));
    assert_false(ps_decimal_fits(-100, 2));
    assert_true(ps_decimal_fits(-99, 2));
}

static void quotients_of_small_numbers_equal_those_of_the_long_way(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (uint64_t i = 0; i < test_count(20000, 1000000); i++) {
        int64_t a = (int64_t)test_draw(&seed, 1000000000000);
        int64_t b = (int64_t)test_draw(&seed, 100000) + 1;
        int scale = (int)test_draw(&seed, 10);
        a = test_draw(&seed, 2) == 0 ? -a : a;
        /* a·10^scale / b by 128 bits */
        ps_i128 scaled = (a < 0 ? -(ps_i128)a : a) * ps_decimal_power(scale);
        ps_i128 expected = scaled / b + (2 * (scaled % b) >= b);
        ps_i128 out;
        assert_true(ps_decimal_divide(a, 0, b, 0, scale, &out));
        assert_true(out == (a < 0 ? -expected : expected));
        /* with factors that push both numbers out of 64 bits the quotient stays */
        ps_i128 factor = ps_decimal_power(20);
        assert_true(ps_decimal_divide(a * factor, 20, b * factor, 20, scale, &out));
        assert_true(out == (a < 0 ? -expected : expected));
    }
}

static ps_wide random_wide(uint64_t *seed)
{
    ps_wide value = {{0}};
    uint64_t limbs = test_draw(seed, 5);
    for (uint64_t i = 0; i < limbs; i++) {
        uint64_t kind = test_draw(seed, 4);
        value.limbs[i] = kind == 0 ? UINT64_MAX : kind == 1 ? 0 : test_next(seed);
        value.limbs[i] = kind == 2 ? value.limbs[i] >> test_draw(seed, 64) : value.limbs[i];
    }
    return value;
}

/* Bit by bit. */
static void divide_slowly(ps_wide a, ps_wide b, ps_wide *quotient, ps_wide *remainder)
{
    *quotient = (ps_wide){{0}};
    *remainder = (ps_wide){{0}};
    for (int bit = 255; bit >= 0; bit--) {
        bool carry = remainder->limbs[3] >> 63 != 0;
        for (int i = 3; i > 0; i--) {
            remainder->limbs[i] = remainder->limbs[i] << 1 | remainder->limbs[i - 1] >> 63;
        }
        remainder->limbs[0] = remainder->limbs[0] << 1 | (a.limbs[bit / 64] >> (bit % 64) & 1);
        if (carry || ps_wide_compare(*remainder, b) >= 0) {
            uint64_t borrow = 0;
            for (int i = 0; i < 4; i++) {
                ps_wide_half part = (ps_wide_half)remainder->limbs[i] - b.limbs[i] - borrow;
                remainder->limbs[i] = (uint64_t)part;
                borrow = part >> 64 != 0;
            }
            quotient->limbs[bit / 64] |= 1ULL << (bit % 64);
        }
    }
}

static void long_division_equals_division_bit_by_bit(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (uint64_t i = 0; i < test_count(20000, 1000000); i++) {
        ps_wide a = random_wide(&seed);
        ps_wide b = random_wide(&seed);
        if (ps_wide_compare(b, ps_wide_of(0)) == 0) {
            continue;
        }
        ps_wide quotient, remainder, expected_remainder;
        divide_slowly(a, b, &quotient, &remainder);
        assert_int_equal(ps_wide_compare(ps_wide_divide(a, b, &expected_remainder), quotient), 0);
        assert_int_equal(ps_wide_compare(remainder, expected_remainder), 0);
    }
}

static void divide_by_zero(void *argument)
{
    bool fits = ps_decimal_divide(1, 0, 0, 0, 0, argument);
    (void)fits;
}

static void a_division_by_zero_is_the_caller_s_bug(void **state)
{
    (void)state;
    ps_i128 out;
    test_expect_abort(divide_by_zero, &out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_exact_and_rounded_once_as_unbounded_integers_say),
        cmocka_unit_test(results_beyond_38_digits_are_refused_at_the_first_one),
        cmocka_unit_test(quotients_of_small_numbers_equal_those_of_the_long_way),
        cmocka_unit_test(long_division_equals_division_bit_by_bit),
        cmocka_unit_test(a_division_by_zero_is_the_caller_s_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
