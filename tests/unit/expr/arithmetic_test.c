/* Comparison, logic, arithmetic, conditions: values and types as Flink has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expr_fixture.h"

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

static void numbers_add_and_wrap_in_their_type(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(+ 1 2)", "INT NOT NULL", "3"},
        {"(+ 2147483647 1)", "INT NOT NULL", "-2147483648"},
        {"(+ 9223372036854775807L 1)", "BIGINT NOT NULL", "-9223372036854775808"},
        {"(* (CAST 100 [TINYINT]) (CAST 2 [TINYINT]))", "TINYINT NOT NULL", "-56"},
        {"(* (CAST 5 [TINYINT]) 2)", "INT NOT NULL", "10"},
        {"(- (CAST -128 [TINYINT]))", "TINYINT NOT NULL", "-128"},
        {"(/ 7 -2)", "INT NOT NULL", "-3"},
        {"(/ (CAST -2147483648 [INT]) -1)", "INT NOT NULL", "-2147483648"},
        {"(/ -9223372036854775808L -1L)", "BIGINT NOT NULL", "-9223372036854775808"},
        {"(% -7 3)", "INT NOT NULL", "-1"},
        {"(MOD 7L 3)", "INT NOT NULL", "1"},
        {"(MOD 7 3L)", "BIGINT NOT NULL", "1"},
        {"(MOD -9223372036854775808L -1L)", "BIGINT NOT NULL", "0"},
        {"(/ 1 0)", "INT NOT NULL", "error"},
        {"(MOD 5 0)", "INT NOT NULL", "error"},
        {"(/ 1.0 0)", NULL, "error"},
        {"(/ 1 0e0)", "DOUBLE NOT NULL", "Infinity"},
        {"(+ (CAST 1.5 [FLOAT]) 1)", "FLOAT NOT NULL", "2.5"},
        {"(+ (CAST 1.5 [FLOAT]) 1.5)", "DOUBLE NOT NULL", "3.0"},
        {"(+ 1 (CAST NULL [INT]))", "INT", "NULL"},
        {"(+ 1 NULL)", NULL, "error"},
        {"(+ 5)", "INT NOT NULL", "5"},
        {"(% 7.5e0 2)", NULL, "error"},
        {"(+ '5' 1)", NULL, "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void decimals_have_the_result_types_of_flink(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(+ (CAST 1.23 [DECIMAL(10,2)]) (CAST 4.5 [DECIMAL(5,1)]))", "DECIMAL(11, 2) NOT NULL",
         "5.73"},
        {"(- (CAST 1.23 [DECIMAL(10,2)]) (CAST 4.5 [DECIMAL(5,1)]))", "DECIMAL(11, 2) NOT NULL",
         "-3.27"},
        {"(* (CAST 1.23 [DECIMAL(10,2)]) (CAST 4.5 [DECIMAL(5,1)]))", "DECIMAL(16, 3) NOT NULL",
         "5.535"},
        {"(/ (CAST 1.23 [DECIMAL(10,2)]) (CAST 4.5 [DECIMAL(5,1)]))", "DECIMAL(17, 8) NOT NULL",
         "0.27333333"},
        {"(MOD (CAST 10.23 [DECIMAL(10,2)]) (CAST 4.5 [DECIMAL(5,1)]))", "DECIMAL(6, 2) NOT NULL",
         "1.23"},
        {"(% (CAST 10.23 [DECIMAL(10,2)]) (CAST 3 [DECIMAL(5,0)]))", "DECIMAL(7, 2) NOT NULL",
         "1.23"},
        {"(* (CAST 1 [DECIMAL(38,10)]) (CAST 3 [DECIMAL(38,10)]))", "DECIMAL(38, 6) NOT NULL",
         "3.000000"},
        {"(/ (CAST 1 [DECIMAL(38,10)]) (CAST 3 [DECIMAL(38,10)]))", "DECIMAL(38, 6) NOT NULL",
         "0.333333"},
        {"(+ (CAST 1 [DECIMAL(38,10)]) (CAST 3 [DECIMAL(38,20)]))", "DECIMAL(38, 9) NOT NULL",
         "4.000000000"},
        {"(/ (CAST 2 [DECIMAL(10,2)]) 3)", "DECIMAL(21, 13) NOT NULL", "0.6666666666667"},
        {"(* (CAST 2 [DECIMAL(10,2)]) 3)", "DECIMAL(21, 2) NOT NULL", "6.00"},
        {"(+ (CAST 2 [DECIMAL(10,2)]) (CAST 3 [BIGINT]))", "DECIMAL(22, 2) NOT NULL", "5.00"},
        {"(+ (CAST 2 [DECIMAL(10,2)]) 1.5e0)", "DOUBLE NOT NULL", "3.5"},
        {"(+ 1.10 2.205)", "DECIMAL(5, 3) NOT NULL", "3.305"},
        {"(* 1.1 1.1)", "DECIMAL(5, 2) NOT NULL", "1.21"},
        {"(/ 10.0 3.0)", "DECIMAL(9, 6) NOT NULL", "3.333333"},
        {"(/ 10 3.0)", "DECIMAL(17, 6) NOT NULL", "3.333333"},
        {"(- (CAST 1.50 [DECIMAL(5,2)]))", "DECIMAL(5, 2) NOT NULL", "-1.50"},
        {"(* (CAST 0.908 [DECIMAL(3,3)]) 1000L)", "DECIMAL(23, 3) NOT NULL", "908.000"},
        {"(+ (CAST '99999999999999999999999999999999999999' [DECIMAL(38,0)]) 1)", NULL, "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void values_compare_across_number_types(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(= 1.0 1)", "BOOLEAN NOT NULL", "TRUE"},
        {"(= 1L 1.0e0)", "BOOLEAN NOT NULL", "TRUE"},
        {"(< 1.05 1.1)", "BOOLEAN NOT NULL", "TRUE"},
        {"(>= 1.05 1.1)", "BOOLEAN NOT NULL", "FALSE"},
        {"(< (CAST 5 [DECIMAL(38,2)]) 5L)", "BOOLEAN NOT NULL", "FALSE"},
        {"(= NULL NULL)", "BOOLEAN", "NULL"},
        {"(= 1 NULL)", "BOOLEAN", "NULL"},
        {"(\"IS DISTINCT FROM\" 1 NULL)", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"IS NOT DISTINCT FROM\" NULL NULL)", "BOOLEAN NOT NULL", "TRUE"},
        {"(= 'a' 'a ')", "BOOLEAN NOT NULL", "FALSE"},
        {"(< 'a' 'b')", "BOOLEAN NOT NULL", "TRUE"},
        {"(> 'ab' 'a')", "BOOLEAN NOT NULL", "TRUE"},
        {"(= X'41' X'41')", "BOOLEAN NOT NULL", "TRUE"},
        {"(< (CAST '2026-01-01' [DATE]) '2026-01-02')", "BOOLEAN NOT NULL", "TRUE"},
        {"(= (CAST '2026-01-01' [DATE]) (CAST '2026-01-01 00:00:00' [TIMESTAMP(3)]))", NULL,
         "error"},
        {"(= '5' 5)", NULL, "error"},
        {"(= 1 TRUE)", NULL, "error"},
        {"(> TRUE FALSE)", "BOOLEAN NOT NULL", "TRUE"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void conditions_choose(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(CASE TRUE 1 2)", "INT NOT NULL", "1"},
        {"(CASE FALSE 1 NULL)", "INT", "NULL"},
        {"(CASE (= 1 1) 1.5 2)", "DECIMAL(11, 1) NOT NULL", "1.5"},
        {"(CASE (= 1 2) 'one' (= 1 1) 'y' NULL)", "VARCHAR(3)", "y"},
        {"(CASE (= 1 0) (/ 1 0) 7)", "INT NOT NULL", "7"},
        {"(IF TRUE 'a' 'bcd')", "VARCHAR(3) NOT NULL", "a"},
        {"(IF TRUE 1 2.5)", "DECIMAL(11, 1) NOT NULL", "1.0"},
        {"(COALESCE NULL 1)", "INT NOT NULL", "1"},
        {"(COALESCE 'abc' 'd')", "VARCHAR(3) NOT NULL", "abc"},
        {"(COALESCE 1 (/ 1 0))", "INT NOT NULL", "1"},
        {"(COALESCE 1 'a')", NULL, "error"},
        {"(IFNULL (CAST NULL [INT]) 1)", "INT NOT NULL", "1"},
        {"(NULLIF 1 2.5)", "INT", "1"},
        {"(NULLIF 'a' 'b')", "CHAR(1)", "a"},
        {"(CASE TRUE NULL NULL)", NULL, "error"},
        {"(COALESCE NULL NULL)", NULL, "error"},
        {"(NULLIF 'a' 'a')", "CHAR(1)", "NULL"},
        {"(GREATEST 1 2.5)", "DECIMAL(11, 1) NOT NULL", "2.5"},
        {"(GREATEST 1 2 (CAST NULL [INT]))", "INT", "NULL"},
        {"(LEAST 'a' 'b')", "CHAR(1) NOT NULL", "a"},
        {"(AND (<> 0 0) (= (/ 1 0) 1))", "BOOLEAN NOT NULL", "FALSE"},
        {"(OR (= 0 0) (= (/ 1 0) 1))", "BOOLEAN NOT NULL", "TRUE"},
        {"(AND (= 0 0) (= (/ 1 0) 1))", "BOOLEAN NOT NULL", "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void unknown_functions_are_refused_with_the_nearest_name(void **state)
{
    (void)state;
    expr_fixture fixture;
    expr_fixture_init(&fixture);
    assert_null(expr_fixture_read(&fixture, "(COALESC 1 2)"));
    assert_int_equal(fixture.err.code, PS_E_MISSING);
    assert_string_equal(fixture.err.text, "there is no function COALESC; did you mean COALESCE?");
    assert_null(expr_fixture_read(&fixture, "(NOT 1)"));
    assert_int_equal(fixture.err.code, PS_E_INVALID);
    assert_string_equal(fixture.err.text,
                        "NOT cannot take (INT NOT NULL); it is NOT BOOLEAN → BOOLEAN");
    expr_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_add_and_wrap_in_their_type),
        cmocka_unit_test(decimals_have_the_result_types_of_flink),
        cmocka_unit_test(values_compare_across_number_types),
        cmocka_unit_test(conditions_choose),
        cmocka_unit_test(unknown_functions_are_refused_with_the_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
