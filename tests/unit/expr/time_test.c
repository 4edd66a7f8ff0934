/* Numbers, times, casts: values and types as Flink 2.2 has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/datetime.h"
#include "expr_fixture.h"

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))
#define TS "(CAST '2026-05-31 10:11:12.345' [TIMESTAMP(3)])"
#define OLD "(CAST '1969-05-31 10:11:12.345' [TIMESTAMP(3)])"

static void numbers_are_rounded(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(ROUND 2.5)", "DECIMAL(2, 0) NOT NULL", "3"},
        {"(ROUND -2.5 `0)", "DECIMAL(2, 0) NOT NULL", "-3"},
        {"(ROUND 12345.678 `-2)", "DECIMAL(6, 0) NOT NULL", "12300"},
        {"(ROUND (CAST 123.456 [DECIMAL(10,3)]) `1)", "DECIMAL(9, 1) NOT NULL", "123.5"},
        {"(ROUND 2.5e0)", "DOUBLE NOT NULL", "3.0"},
        {"(ROUND 2.567e0 2)", "DOUBLE NOT NULL", "2.57"},
        {"(ROUND 125 -1)", "INT NOT NULL", "130"},
        {"(ROUND 5L 2)", "BIGINT NOT NULL", "5"},
        {"(TRUNCATE 42.345 `2)", "DECIMAL(5, 2) NOT NULL", "42.34"},
        {"(TRUNCATE (CAST -42.345 [DECIMAL(10,3)]) `-1)", "DECIMAL(8, 0) NOT NULL", "-40"},
        {"(FLOOR (CAST -2.5 [DECIMAL(5,2)]))", "DECIMAL(5, 0) NOT NULL", "-3"},
        {"(CEIL 2.1e0)", "DOUBLE NOT NULL", "3.0"},
        {"(CEIL -2.1)", "DECIMAL(2, 0) NOT NULL", "-2"},
        {"(FLOOR 5)", "INT NOT NULL", "5"},
        {"(SIGN (CAST -1.50 [DECIMAL(5,2)]))", "DECIMAL(5, 2) NOT NULL", "-1.00"},
        {"(SIGN 2.5e0)", "DOUBLE NOT NULL", "1.0"},
        {"(ABS (CAST -1.50 [DECIMAL(5,2)]))", "DECIMAL(5, 2) NOT NULL", "1.50"},
        {"(ABS (CAST -2147483648 [INT]))", "INT NOT NULL", "-2147483648"},
        {"(POWER 2 10)", "DOUBLE NOT NULL", "1024.0"},
        {"(LOG 2 8)", "DOUBLE NOT NULL", "3.0"},
        {"(LN -1)", "DOUBLE NOT NULL", "NaN"},
        {"(HEX 255)", "STRING NOT NULL", "FF"},
        {"(HEX -1)", "STRING NOT NULL", "FFFFFFFFFFFFFFFF"},
        {"(HEX 'AbC')", "STRING NOT NULL", "416243"},
        {"(BIN 5)", "STRING NOT NULL", "101"},
        {"(SHA2 'abc' 5)", NULL, "error"},
        {"(MD5 'abc')", "CHAR(32) NOT NULL", "900150983cd24fb0d6963f7d28e17f72"},
        {"(SHA256 'abc')", "CHAR(64) NOT NULL",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"(TO_BASE64 'abcd')", "STRING NOT NULL", "YWJjZA=="},
        {"(FROM_BASE64 'YWJjZA==')", "STRING NOT NULL", "abcd"},
        {"(FROM_BASE64 '!!')", NULL, "error"},
        {"(PARSE_URL 'http://u:p@a.com:80/b/c?x=1&y=2#frag' 'HOST')", "STRING", "a.com"},
        {"(PARSE_URL 'http://u:p@a.com:80/b/c?x=1&y=2#frag' 'QUERY' 'y')", "STRING", "2"},
        {"(PARSE_URL 'http://u:p@a.com:80/b/c?x=1&y=2#frag' 'FILE')", "STRING", "/b/c?x=1&y=2"},
        {"(PARSE_URL 'http://a.com/b' 'QUERY')", "STRING", "NULL"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void values_are_cast(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(CAST 1e20 [INT])", "INT NOT NULL", "2147483647"},
        {"(CAST -1.9e0 [INT])", "INT NOT NULL", "-1"},
        {"(CAST 3000000000L [INT])", "INT NOT NULL", "-1294967296"},
        {"(CAST 300 [TINYINT])", "TINYINT NOT NULL", "44"},
        {"(CAST '  5 ' [INT])", "INT NOT NULL", "5"},
        {"(CAST '.5' [INT])", "INT NOT NULL", "0"},
        {"(CAST '1.5.5' [INT])", NULL, "error"},
        {"(CAST '' [INT])", NULL, "error"},
        {"(TRY_CAST '99999999999' [INT])", "INT", "NULL"},
        {"(TRY_CAST '7.256' [DECIMAL(6,2)])", "DECIMAL(6, 2)", "7.26"},
        {"(TRY_CAST '12345.6' [DECIMAL(6,2)])", "DECIMAL(6, 2)", "NULL"},
        {"(TRY_CAST '0x1F' [DOUBLE])", "DOUBLE", "NULL"},
        {"(CAST '1d' [DOUBLE])", "DOUBLE NOT NULL", "1.0"},
        {"(CAST '1e400' [DOUBLE])", "DOUBLE NOT NULL", "Infinity"},
        {"(CAST TRUE [INT])", "INT NOT NULL", "1"},
        {"(CAST 'yes' [BOOLEAN])", "BOOLEAN NOT NULL", "TRUE"},
        {"(TRY_CAST '42' [BOOLEAN])", "BOOLEAN", "NULL"},
        {"(CAST 'ab' [CHAR(5)])", "CHAR(5) NOT NULL", "ab   "},
        {"(CAST 'abcdef' [VARCHAR(3)])", "VARCHAR(3) NOT NULL", "abc"},
        {"(CAST 12345 [VARCHAR(3)])", "VARCHAR(3) NOT NULL", "123"},
        {"(CAST 16777217 [FLOAT])", "FLOAT NOT NULL", "1.6777216E7"},
        {"(CAST (CAST 1.005 [DOUBLE]) [DECIMAL(10,2)])", "DECIMAL(10, 2) NOT NULL", "1.01"},
        {"(CAST 99999 [DECIMAL(3,0)])", NULL, "error"},
        {"(CAST '2026-02-30' [DATE])", NULL, "error"},
        {"(TRY_CAST '42' [DATE])", "DATE", "0042-01-01"},
        {"(TRY_CAST '2026-01-05 10:11:12.345678' [TIMESTAMP(3)])", "TIMESTAMP(3)",
         "2026-01-05 10:11:12.345"},
        {"(TRY_CAST '2026-01-02 03:04' [TIMESTAMP(3)])", "TIMESTAMP(3)", "NULL"},
        {"(TRY_CAST '2026-01-31T10:11:12.5' [TIMESTAMP(3)])", "TIMESTAMP(3)", "NULL"},
        {"(CAST (CAST '2026-01-31' [DATE]) [TIMESTAMP(3)])", NULL, "2026-01-31 00:00:00.000"},
        {"(CAST " TS " [DATE])", NULL, "2026-05-31"},
        {"(CAST " TS " [TIME(0)])", NULL, "10:11:12"},
        {"(CAST " OLD " [DATE])", NULL, "1969-06-01"},
        {"(CAST (ARRAY 1 2) [ARRAY<STRING>])", "ARRAY<STRING> NOT NULL", "[1, 2]"},
        {"(CAST (ROW 1 '2') [ROW<a STRING, b INT>])", NULL, "(1, 2)"},
        {"(CAST 1 [DATE])", NULL, "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void times_are_taken_apart(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(EXTRACT `'YEAR' " TS ")", "BIGINT NOT NULL", "2026"},
        {"(EXTRACT `'QUARTER' " TS ")", "BIGINT NOT NULL", "2"},
        {"(EXTRACT `'WEEK' (CAST '2027-01-01' [DATE]))", "BIGINT NOT NULL", "53"},
        {"(EXTRACT `'ISOYEAR' (CAST '2027-01-01' [DATE]))", "BIGINT NOT NULL", "2026"},
        {"(EXTRACT `'DOW' (CAST '2026-01-31' [DATE]))", "BIGINT NOT NULL", "7"},
        {"(EXTRACT `'ISODOW' (CAST '2026-01-31' [DATE]))", "BIGINT NOT NULL", "6"},
        {"(EXTRACT `'DOY' (CAST '2026-02-01' [DATE]))", "BIGINT NOT NULL", "32"},
        {"(EXTRACT `'CENTURY' " TS ")", "BIGINT NOT NULL", "21"},
        {"(EXTRACT `'DECADE' " TS ")", "BIGINT NOT NULL", "202"},
        {"(EXTRACT `'MILLISECOND' " TS ")", "BIGINT NOT NULL", "345"},
        {"(EXTRACT `'NANOSECOND' " TS ")", "BIGINT NOT NULL", "345000000"},
        {"(EXTRACT `'HOUR' " OLD ")", "BIGINT NOT NULL", "10"},
        {"(EXTRACT `'YEAR' (CAST '10:11:12' [TIME(0)]))", NULL, "error"},
        {"(HOUR " TS ")", "BIGINT NOT NULL", "10"},
        {"(DAYOFWEEK (CAST '2026-01-31' [DATE]))", "BIGINT NOT NULL", "7"},
        {"(FLOOR " TS " `'MONTH')", "TIMESTAMP(3) NOT NULL", "2026-05-01 00:00:00.000"},
        {"(FLOOR " TS " `'WEEK')", "TIMESTAMP(3) NOT NULL", "2026-05-31 00:00:00.000"},
        {"(FLOOR " TS " `'QUARTER')", "TIMESTAMP(3) NOT NULL", "2026-04-01 00:00:00.000"},
        {"(FLOOR " TS " `'CENTURY')", "TIMESTAMP(3) NOT NULL", "2001-01-01 00:00:00.000"},
        {"(FLOOR " OLD " `'HOUR')", "TIMESTAMP(3) NOT NULL", "1969-05-31 10:00:00.000"},
        {"(FLOOR " OLD " `'MONTH')", "TIMESTAMP(3) NOT NULL", "1969-06-01 00:00:00.000"},
        {"(CEIL " TS " `'DAY')", "TIMESTAMP(3) NOT NULL", "2026-06-01 00:00:00.000"},
        {"(CEIL " TS " `'YEAR')", "TIMESTAMP(3) NOT NULL", "2027-01-01 00:00:00.000"},
        {"(CEIL (CAST '2026-05-31' [DATE]) `'MONTH')", "DATE NOT NULL", "2026-06-01"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void times_move_by_the_calendar(void **state)
{
    (void)state;
#define A "(CAST '2026-01-31 10:11:12.345' [TIMESTAMP(3)])"
#define B "(CAST '2026-02-28 09:00:00.000' [TIMESTAMP(3)])"
    static const expr_case cases[] = {
        {"(TIMESTAMPDIFF `'MONTH' " A " " B ")", "INT NOT NULL", "0"},
        {"(TIMESTAMPDIFF `'MONTH' " B " " A ")", "INT NOT NULL", "-1"},
        {"(TIMESTAMPDIFF `'DAY' " A " " B ")", "INT NOT NULL", "27"},
        {"(TIMESTAMPDIFF `'SECOND' " B " " A ")", "INT NOT NULL", "-2414927"},
        {"(TIMESTAMPADD `'MONTH' 1 " A ")", "TIMESTAMP(3) NOT NULL", "2026-02-28 10:11:12.345"},
        {"(TIMESTAMPADD `'HOUR' 1 (CAST '2026-01-31' [DATE]))", "TIMESTAMP(6) NOT NULL",
         "2026-01-31 01:00:00.000000"},
        {"(TIMESTAMPADD `'DAY' 1 (CAST '2026-01-31' [DATE]))", "DATE NOT NULL", "2026-02-01"},
        {"(TO_TIMESTAMP '2026-02-30 00:00:00')", "TIMESTAMP(3)", "2026-02-28 00:00:00.000"},
        {"(TO_TIMESTAMP '2026-03-01T10:11:12')", "TIMESTAMP(3)", "NULL"},
        {"(TO_TIMESTAMP '01/03/2026 10:11' 'dd/MM/yyyy HH:mm')", "TIMESTAMP(3)",
         "2026-03-01 10:11:00.000"},
        {"(TO_DATE '20260301' 'yyyyMMdd')", "DATE", "2026-03-01"},
        {"(TO_DATE 'x')", "DATE", "NULL"},
        {"(FROM_UNIXTIME 1767225600 'yyyyMMddHH')", "STRING", "2026010100"},
        {"(FROM_UNIXTIME -1)", "STRING", "1969-12-31 23:59:59"},
        {"(UNIX_TIMESTAMP '1969-12-31 23:59:59.500')", "BIGINT NOT NULL", "-1"},
        {"(UNIX_TIMESTAMP '2026-02-30 00:00:00')", "BIGINT NOT NULL", "1772409600"},
        {"(UNIX_TIMESTAMP 'garbage')", "BIGINT NOT NULL", "-9223372036854775808"},
        {"(TO_TIMESTAMP_LTZ 1767225600123L 3)", "TIMESTAMP_LTZ(3)", "2026-01-01 00:00:00.123"},
        {"(TO_TIMESTAMP_LTZ 1767225600L 0)", "TIMESTAMP_LTZ(3)", "2026-01-01 00:00:00.000"},
        {"(TO_TIMESTAMP_LTZ 5 6)", NULL, "error"},
        {"(CONVERT_TZ '2026-01-01 00:00:00' 'UTC' 'Asia/Tokyo')", "STRING", "2026-01-01 09:00:00"},
        {"(DATE_FORMAT " A " 'yyyy/MM/dd HH:mm:ss.SSS')", "STRING", "2026/01/31 10:11:12.345"},
        {"(DATE_FORMAT '2026-03-01' 'yyyy MM')", "STRING", "NULL"},
        {"(DATE_FORMAT " A " 'bogus')", NULL, "error"},
        {"(DATE_FORMAT (CAST '2026-03-01' [DATE]) 'yyyy')", NULL, "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void the_clock_is_what_is_passed_in(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(CURRENT_TIMESTAMP)", "TIMESTAMP_LTZ(3) NOT NULL", "1970-01-01 00:00:01.000"},
        {"(CURRENT_DATE)", "DATE NOT NULL", "1970-01-01"},
        {"(UNIX_TIMESTAMP)", "BIGINT NOT NULL", "1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        expr_fixture fixture;
        const char *type = NULL;
        expr_fixture_init(&fixture);
        assert_string_equal(expr_fixture_evaluate(&fixture, cases[i].expr, false, &type),
                            cases[i].value);
        assert_string_equal(type, cases[i].type);
        expr_fixture_release(&fixture);
    }
}

static void instants_are_shown_on_the_wall_clock_of_the_zone(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(CAST (TO_TIMESTAMP_LTZ 0 3) [STRING])", NULL, "1970-01-01 09:00:00.000"},
        {"(CAST (TO_TIMESTAMP_LTZ 0 3) [TIMESTAMP(3)])", NULL, "1970-01-01 09:00:00.000"},
        {"(CAST (CAST '1970-01-01 09:00:00' [TIMESTAMP_LTZ(3)]) [STRING])", NULL,
         "1970-01-01 09:00:00.000"},
        {"(HOUR (TO_TIMESTAMP_LTZ 0 3))", NULL, "9"},
        {"(CAST (FLOOR (TO_TIMESTAMP_LTZ 0 3) `'DAY') [STRING])", NULL, "1970-01-01 00:00:00.000"},
        {"(DATE_FORMAT (TO_TIMESTAMP_LTZ 0 3) 'HH:mm')", NULL, "09:00"},
        {"(FROM_UNIXTIME 0)", NULL, "1970-01-01 09:00:00"},
        {"(UNIX_TIMESTAMP '1970-01-01 09:00:00')", NULL, "0"},
        {"(= (TO_TIMESTAMP_LTZ 0 3) (CAST '1970-01-01 09:00:00' [TIMESTAMP(3)]))", NULL, "TRUE"},
        {"(TO_TIMESTAMP_LTZ '1970-01-01 00:00:00')", NULL, "1970-01-01 00:00:00.000"},
    };
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        expr_fixture fixture;
        const char *type = NULL;
        expr_fixture_init(&fixture);
        assert_int_equal(ps_zone_find(&fixture.arena, PS_SLICE("Asia/Tokyo"), &fixture.context.zone,
                                      &fixture.err),
                         PS_OK);
        const expr_case *c = &cases[i / 2];
        assert_string_equal(expr_fixture_evaluate(&fixture, c->expr, i % 2 == 0, &type), c->value);
        expr_fixture_release(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded),
        cmocka_unit_test(values_are_cast),
        cmocka_unit_test(times_are_taken_apart),
        cmocka_unit_test(times_move_by_the_calendar),
        cmocka_unit_test(the_clock_is_what_is_passed_in),
        cmocka_unit_test(instants_are_shown_on_the_wall_clock_of_the_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
