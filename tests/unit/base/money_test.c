#include "testing.h"

#include "base/money.h"

static void currencies_have_the_exponents_of_iso_4217(void **state)
{
    (void)state;
    static const struct {
        const char *codes;
        int exponent;
    } table[] = {
        {"BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0},
        {"BHD IQD JOD KWD LYD OMR TND", 3},
        {"CLF UYW", 4},
        {"EUR USD GBP CHF AED ZWG SEK INR CNY BRL XCD", 2},
    };
    size_t special = 0;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (const char *at = table[i].codes; *at != '\0'; at += at[3] == ' ' ? 4 : 3) {
            ps_currency currency;
            assert_true(ps_currency_parse(ps_slice_of(at, 3), &currency));
            assert_memory_equal(ps_currency_code(currency), at, 3);
            assert_int_equal(ps_currency_exponent(currency), table[i].exponent);
            special += table[i].exponent != 2;
        }
    }
    for (size_t i = 0; i < ps_currency_count(); i++) {
        special -= ps_currency_exponent((ps_currency)i) != 2;
    }
    assert_int_equal(special, 0); /* no other currency is special */
}

static void every_currency_is_found_by_its_code_and_no_other_code_is(void **state)
{
    (void)state;
    size_t found = 0;
    for (int i = 0; i < 26 * 26 * 26; i++) {
        char code[3] = {(char)('A' + i / 676), (char)('A' + i / 26 % 26), (char)('A' + i % 26)};
        ps_currency currency;
        if (ps_currency_parse(ps_slice_of(code, 3), &currency)) {
            assert_memory_equal(ps_currency_code(currency), code, 3);
            found++;
        }
    }
    assert_int_equal(found, ps_currency_count());
    static const char *const refused[] = {"", "EU", "EURO", "eur", "Eur", "E1R", "XXX", "XAU"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ps_currency currency = 9;
        assert_false(ps_currency_parse(ps_slice_text(refused[i]), &currency));
        assert_int_equal(currency, 9);
    }
}

/* Stored in journals: these numbers may never change. */
static void the_numbers_of_currencies_are_stable(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int number;
    } table[] = {{"AED", 0}, {"EUR", 46}, {"USD", 145}, {"ZWG", 164}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_currency currency;
        assert_true(ps_currency_parse(ps_slice_text(table[i].code), &currency));
        assert_int_equal(currency, table[i].number);
    }
}

static void sums_that_overflow_are_refused(void **state)
{
    (void)state;
    int64_t sum = 42;
    assert_true(ps_amount_add(INT64_MAX - 1, 1, &sum));
    assert_true(sum == INT64_MAX);
    assert_false(ps_amount_add(INT64_MAX, 1, &sum));
    assert_false(ps_amount_add(INT64_MIN, -1, &sum));
    assert_true(sum == INT64_MAX);
    ps_i128 wide_max = (ps_i128)(((unsigned __int128)1 << 127) - 1);
    ps_i128 wide = 0;
    assert_true(ps_i128_add(wide_max, -1, &wide));
    assert_false(ps_i128_add(wide_max, 1, &wide));
    assert_true(wide == wide_max - 1);
}

static void splits_follow_the_largest_remainder(void **state)
{
    (void)state;
    static const struct {
        int64_t total;
        int64_t weights[4];
        int64_t parts[4];
    } table[] = {
        {100, {1, 1, 1, 0}, {34, 33, 33, 0}},
        {101, {1, 1, 1, 0}, {34, 34, 33, 0}},
        {10, {1, 1, 1, 1}, {3, 3, 2, 2}},
        {1, {0, 1, 1, 0}, {0, 1, 0, 0}},
        {1, {1, 2, 0, 0}, {0, 1, 0, 0}},
        {0, {1, 2, 3, 4}, {0, 0, 0, 0}},
        {7, {5, 3, 1, 0}, {4, 2, 1, 0}}, /* 3.89 2.33 0.78 */
        {INT64_MAX, {1, 0, 0, 0}, {INT64_MAX, 0, 0, 0}},
        {INT64_MAX, {INT64_MAX - 3, 1, 1, 1}, {INT64_MAX - 3, 1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t parts[4];
        assert_true(ps_amount_split(table[i].total, table[i].weights, 4, parts));
        assert_memory_equal(parts, table[i].parts, sizeof parts);
    }
}

static void impossible_splits_are_refused(void **state)
{
    (void)state;
    int64_t parts[2] = {42, 42};
    assert_false(ps_amount_split(10, (int64_t[]){0, 0}, 2, parts));
    assert_false(ps_amount_split(10, (int64_t[]){1, -1}, 2, parts));
    assert_false(ps_amount_split(10, (int64_t[]){2, -1}, 2, parts));
    assert_false(ps_amount_split(-1, (int64_t[]){1, 1}, 2, parts));
    assert_false(ps_amount_split(10, (int64_t[]){INT64_MAX, 1}, 2, parts));
    assert_false(ps_amount_split(10, NULL, 0, parts));
    assert_true(parts[0] == 42 && parts[1] == 42);
}

/* The definition of Hamilton's method: sums are exact, each part is the floor or one more, and no
 * part without the extra unit has a larger remainder (or an equal one at a lower index) than one
 * with it. */
static void random_splits_are_exact_and_fair(void **state)
{
    (void)state;
    enum { COUNT_MAX = 12 };
    uint64_t seed = 11;
    for (int round = 0; round < 20000; round++) {
        size_t count = 1 + test_draw(&seed, COUNT_MAX);
        uint64_t bits = 1 + test_draw(&seed, 59);
        int64_t weights[COUNT_MAX];
        ps_i128 sum = 0;
        for (size_t i = 0; i < count; i++) {
            weights[i] = (int64_t)test_draw(&seed, UINT64_C(1) << bits);
            sum += weights[i];
        }
        int64_t total = (int64_t)test_draw(&seed, UINT64_C(1) << (1 + test_draw(&seed, 62)));
        int64_t parts[COUNT_MAX];
        if (sum == 0) {
            assert_false(ps_amount_split(total, weights, count, parts));
            continue;
        }
        assert_true(ps_amount_split(total, weights, count, parts));
        int64_t left = total;
        ps_i128 least_with = sum;     /* smallest remainder that got a unit */
        ps_i128 most_without = -1;    /* largest that got none */
        size_t last_with = 0;         /* last index with least_with */
        size_t first_without = count; /* first index with most_without */
        for (size_t i = 0; i < count; i++) {
            left -= parts[i];
            ps_i128 product = (ps_i128)total * weights[i];
            ps_i128 remainder = product % sum;
            ps_i128 extra = parts[i] - product / sum;
            assert_true(extra == 0 || (extra == 1 && remainder > 0));
            if (extra == 1 && remainder <= least_with) {
                least_with = remainder;
                last_with = i;
            } else if (extra == 0 && remainder > most_without) {
                most_without = remainder;
                first_without = i;
            }
        }
        assert_true(left == 0);
        assert_true(least_with > most_without ||
                    (least_with == most_without && last_with < first_without));
    }
}

static void wide_integers_keep_all_their_digits(void **state)
{
    (void)state;
    ps_i128 wide_max = (ps_i128)(((unsigned __int128)1 << 127) - 1);
    const struct {
        ps_i128 value;
        const char *text;
    } table[] = {
        {0, "0"},
        {-1, "-1"},
        {(ps_i128)INT64_MAX * 10, "92233720368547758070"},
        {wide_max, "170141183460469231731687303715884105727"},
        {-wide_max - 1, "-170141183460469231731687303715884105728"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_buf buf;
        ps_buf_init(&buf, 100);
        ps_buf_append_i128(&buf, table[i].value);
        assert_true(ps_slice_equal(ps_buf_slice(&buf), ps_slice_text(table[i].text)));
        ps_buf_release(&buf);
    }
}

static void decimals_go_there_and_back(void **state)
{
    (void)state;
    static const struct {
        int64_t minor_units;
        int exponent;
        const char *text;
    } table[] = {
        {1234, 2, "12.34"},
        {-5, 2, "-0.05"},
        {0, 2, "0.00"},
        {7, 0, "7"},
        {-7, 0, "-7"},
        {1, 3, "0.001"},
        {12345, 4, "1.2345"},
        {INT64_MAX, 2, "92233720368547758.07"},
        {INT64_MIN, 2, "-92233720368547758.08"},
        {INT64_MIN, 0, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_buf buf;
        ps_buf_init(&buf, 100);
        ps_buf_append_decimal(&buf, table[i].minor_units, table[i].exponent);
        assert_true(ps_slice_equal(ps_buf_slice(&buf), ps_slice_text(table[i].text)));
        int64_t back;
        assert_true(ps_decimal_parse(ps_buf_slice(&buf), table[i].exponent, &back));
        assert_true(back == table[i].minor_units);
        ps_buf_release(&buf);
    }
}

static void decimals_parse_exactly_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int exponent;
        bool ok;
        int64_t minor_units;
    } table[] = {
        {"12", 2, true, 1200},
        {"12.3", 2, true, 1230},
        {"12.345", 2, false, 0},
        {"12.340", 2, false, 0},
        {"12.0", 0, false, 0},
        {"-0.00", 2, true, 0},
        {"12.", 2, false, 0},
        {".5", 2, false, 0},
        {"-.5", 2, false, 0},
        {"", 2, false, 0},
        {"-", 2, false, 0},
        {"1e2", 2, false, 0},
        {"1.2e", 2, false, 0},
        {" 1", 2, false, 0},
        {"1 ", 2, false, 0},
        {"+1", 2, false, 0},
        {"01", 2, false, 0},
        {"1,5", 2, false, 0},
        {"1.-5", 2, false, 0},
        {"1.2.3", 4, false, 0},
        {"92233720368547758.08", 2, false, 0},
        {"-92233720368547758.09", 2, false, 0},
        {"184467440737095517.00", 2, false, 0},
        {"18446744073709551615.99", 2, false, 0},
        {"184467440737095516.15", 2, false, 0}, /* 2^64 − 1 */
        {"184467440737095516.16", 2, false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t minor_units = 42;
        bool ok = ps_decimal_parse(ps_slice_text(table[i].text), table[i].exponent, &minor_units);
        if (ok != table[i].ok || minor_units != (ok ? table[i].minor_units : 42)) {
            fail_msg("%s with exponent %d", table[i].text, table[i].exponent);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currencies_have_the_exponents_of_iso_4217),
        cmocka_unit_test(every_currency_is_found_by_its_code_and_no_other_code_is),
        cmocka_unit_test(the_numbers_of_currencies_are_stable),
        cmocka_unit_test(sums_that_overflow_are_refused),
        cmocka_unit_test(splits_follow_the_largest_remainder),
        cmocka_unit_test(impossible_splits_are_refused),
        cmocka_unit_test(random_splits_are_exact_and_fair),
        cmocka_unit_test(wide_integers_keep_all_their_digits),
        cmocka_unit_test(decimals_go_there_and_back),
        cmocka_unit_test(decimals_parse_exactly_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
