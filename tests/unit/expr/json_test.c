/* JSON functions and collections: values and types as Flink 2.2 has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expr_fixture.h"

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))
#define DE " `'DEFAULT' 'd' `'DEFAULT' 'e'"
#define EE " `'ERROR' NULL `'ERROR' NULL"

static void json_value_gives_scalars(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(JSON_VALUE '{\"a\":1}' `'$.a')", "STRING", "1"},
        {"(JSON_VALUE '{\"a\":\"x\"}' `'lax $.a')", "STRING", "x"},
        {"(JSON_VALUE '{\"a\":{\"b\":[1,2]}}' `'$.a.b[1]')", "STRING", "2"},
        {"(JSON_VALUE '{\"a\":{\"b\":[1,2]}}' `'$.a')", "STRING", "NULL"},
        {"(JSON_VALUE '{\"a\":1}' `'$.b'" DE ")", "STRING", "e"},
        {"(JSON_VALUE '{\"a\":1}' `'lax $.b'" DE ")", "STRING", "d"},
        {"(JSON_VALUE '{\"a\":1}' `'lax $.b'" EE ")", "STRING", "error"},
        {"(JSON_VALUE '{\"a\":null}' `'lax $.a'" DE ")", "STRING", "d"},
        {"(JSON_VALUE '{\"a\":null}' `'strict $.a'" DE ")", "STRING", "e"},
        {"(JSON_VALUE '{\"a\":[1]}' `'lax $.a'" DE ")", "STRING", "d"},
        {"(JSON_VALUE '{\"a\":[1]}' `'strict $.a'" DE ")", "STRING", "e"},
        {"(JSON_VALUE '{\"a\":[1]}' `'lax $.a[*]'" DE ")", "STRING", "d"},
        {"(JSON_VALUE '{\"a\":1}' `'lax $[0]'" DE ")", "STRING", "d"},
        {"(JSON_VALUE 'bad' `'$.a')", "STRING", "NULL"},
        {"(JSON_VALUE 'bad' `'$.a'" EE ")", "STRING", "error"},
        {"(JSON_VALUE 'bad' `'lax $.a'" DE ")", "STRING", "d"},
        {"(JSON_VALUE '' `'$')", "STRING", "NULL"},
        {"(JSON_VALUE '{\"a\":true}' `'$.a')", "STRING", "true"},
        {"(JSON_VALUE '{\"a\":1.50}' `'$.a')", "STRING", "1.50"},
        {"(JSON_VALUE '{\"a\":1e3}' `'$.a')", "STRING", "1E+3"},
        {"(JSON_VALUE '{\"a\":1E-7}' `'$.a')", "STRING", "1E-7"},
        {"(JSON_VALUE '{\"a\":0.00125}' `'$.a')", "STRING", "0.00125"},
        {"(JSON_VALUE '{\"a\":12.5e-9}' `'$.a')", "STRING", "1.25E-8"},
        {"(JSON_VALUE '{\"a\":-0.0}' `'$.a')", "STRING", "0.0"},
        {"(JSON_VALUE '{\"a\":12345678901234567890123}' `'$.a')", "STRING",
         "12345678901234567890123"},
        {"(JSON_VALUE '{\"a\":1,\"a\":2}' `'$.a')", "STRING", "2"},
        {"(JSON_VALUE '{\"a\":1} x' `'$.a')", "STRING", "1"},
        {"(JSON_VALUE '{\"a b\":1}' `'$.[\"a b\"]')", "STRING", "1"},
        {"(JSON_VALUE '{\"a b\":1}' `'$[''a b'']')", "STRING", "1"},
        {"(JSON_VALUE '[1,2]' `'$[-1]')", "STRING", "2"},
        {"(JSON_VALUE '\"x\\u00e9\\n\"' `'$')", "STRING", "xé\n"},
        {"(JSON_VALUE '{\"a\":1}' `'$.a'" EE " (CAST NULL [INT]))", "INT", "1"},
        {"(JSON_VALUE '{\"a\":true}' `'$.a'" EE " (CAST NULL [BOOLEAN]))", "BOOLEAN", "TRUE"},
        {"(JSON_VALUE '{\"a\":1.5}' `'$.a'" EE " (CAST NULL [DOUBLE]))", "DOUBLE", "1.5"},
        {"(JSON_VALUE '{\"a\":\"1\"}' `'$.a'" EE " (CAST NULL [INT]))", "INT", "error"},
        {"(JSON_VALUE '{\"a\":1}' `'$.a'" EE " (CAST NULL [BIGINT]))", NULL, "error"},
        {"(JSON_VALUE '{\"a\":1}' `'$..a')", NULL, "error"},
        {"(JSON_VALUE '{\"a\":1}' `'a')", NULL, "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void json_query_gives_json(void **state)
{
    (void)state;
#define WITHOUT " `'WITHOUT' `'EMPTY ARRAY' `'EMPTY OBJECT'"
#define WITH " `'UNCONDITIONAL' `'NULL' `'NULL'"
#define MAYBE " `'CONDITIONAL' `'NULL' `'NULL'"
    static const expr_case cases[] = {
        {"(JSON_QUERY '{\"a\":{\"b\":1}}' `'$.a')", "STRING", "{\"b\":1}"},
        {"(JSON_QUERY '{\"a\":1}' `'$.a')", "STRING", "NULL"},
        {"(JSON_QUERY '{\"a\":[1, 2]}' `'$.a')", "STRING", "[1,2]"},
        {"(JSON_QUERY '{\"a\":1}' `'$.a'" WITH ")", "STRING", "[1]"},
        {"(JSON_QUERY '{\"a\":[1]}' `'$.a'" WITH ")", "STRING", "[[1]]"},
        {"(JSON_QUERY '{\"a\":[1]}' `'$.a'" MAYBE ")", "STRING", "[1]"},
        {"(JSON_QUERY '{\"a\":{\"b\":[]}}' `'lax $.a'" MAYBE ")", "STRING", "[{\"b\":[]}]"},
        {"(JSON_QUERY '{\"a\":1}' `'lax $.b'" WITHOUT ")", "STRING", "[]"},
        {"(JSON_QUERY '{\"a\":1}' `'strict $.a'" WITHOUT ")", "STRING", "{}"},
        {"(JSON_QUERY '{\"a\":null}' `'lax $.a'" WITHOUT ")", "STRING", "[]"},
        {"(JSON_QUERY '{\"a\":[{\"b\":1},{\"c\":2}]}' `'$.a[*].b')", "STRING", "[1]"},
        {"(JSON_QUERY '{\"a\":[{\"b\":1},{\"b\":2}]}' `'$.a[*].b'" WITH ")", "STRING", "[[1,2]]"},
        {"(JSON_QUERY '{\"b\":{\"y\":1,\"x\":2},\"a\":0}' `'$.*')", "STRING",
         "[{\"x\":2,\"y\":1},0]"},
        {"(JSON_QUERY '{\"z\":1,\"a\":[ 1.0, \"é/\" ],\"z\":3}' `'$')", "STRING",
         "{\"a\":[1.0,\"é/\"],\"z\":3}"},
        {"(JSON_EXISTS '{\"a\":1}' `'$.a')", "BOOLEAN", "TRUE"},
        {"(JSON_EXISTS '{\"a\":null}' `'$.a')", "BOOLEAN", "FALSE"},
        {"(JSON_EXISTS '{\"a\":[]}' `'lax $.a[*]')", "BOOLEAN", "TRUE"},
        {"(JSON_EXISTS '{\"a\":1}' `'strict $.b' `'ERROR')", "BOOLEAN", "error"},
        {"(JSON_EXISTS '{\"a\":1}' `'strict $.b' `'UNKNOWN')", "BOOLEAN", "NULL"},
        {"(JSON_EXISTS 'bad' `'lax $.b' `'TRUE')", "BOOLEAN", "FALSE"},
        {"(\"IS JSON\" '{\"a\":1}')", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"IS JSON\" '{\"a\":1')", "BOOLEAN NOT NULL", "FALSE"},
        {"(\"IS JSON SCALAR\" '1')", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"IS JSON ARRAY\" '{}')", "BOOLEAN NOT NULL", "FALSE"},
        {"(\"IS NOT JSON\" (CAST NULL [STRING]))", "BOOLEAN NOT NULL", "TRUE"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void json_is_made_of_values(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(JSON_OBJECT `'NULL' 'b' 1 'a' 'x')", "STRING NOT NULL", "{\"a\":\"x\",\"b\":1}"},
        {"(JSON_OBJECT `'NULL' 'b' 1 'b' 2)", "STRING NOT NULL", "{\"b\":2}"},
        {"(JSON_OBJECT `'NULL' 'a' (CAST NULL [STRING]))", "STRING NOT NULL", "{\"a\":null}"},
        {"(JSON_OBJECT `'ABSENT' 'a' (CAST NULL [STRING]))", "STRING NOT NULL", "{}"},
        {"(JSON_OBJECT `'NULL' 'a' (JSON_OBJECT `'NULL' 'b' 1) 'c' (JSON_ARRAY `'ABSENT' 1 'x'))",
         "STRING NOT NULL", "{\"a\":{\"b\":1},\"c\":[1,\"x\"]}"},
        {"(JSON_OBJECT `'NULL' 'a' 1.50 'b' TRUE 'c' 1e10)", "STRING NOT NULL",
         "{\"a\":1.50,\"b\":true,\"c\":1.0E+10}"},
        {"(JSON_OBJECT `'NULL' 'a' (CAST '2026-01-01 00:00:00.120' [TIMESTAMP(3)]))", NULL,
         "{\"a\":\"2026-01-01T00:00:00.12\"}"},
        {"(JSON_OBJECT `'NULL' 'a' (CAST '2026-01-01' [DATE]))", NULL, "error"},
        {"(JSON_OBJECT `'NULL' 'a' (ARRAY 1 2) 'b' (MAP 'k' 1) 'c' (ROW 1 'x'))", NULL,
         "{\"a\":[1,2],\"b\":{\"k\":1},\"c\":{\"EXPR$0\":1,\"EXPR$1\":\"x\"}}"},
        {"(JSON_ARRAY `'ABSENT' 1 (CAST NULL [INT]) 'a')", "STRING NOT NULL", "[1,\"a\"]"},
        {"(JSON_ARRAY `'NULL' 1 (CAST NULL [INT]))", "STRING NOT NULL", "[1,null]"},
        {"(JSON_STRING 'a\"b')", "STRING NOT NULL", "\"a\\\"b\""},
        {"(JSON_QUOTE 'aé/\"')", "STRING NOT NULL", "\"a\\u00e9\\/\\\"\""},
        {"(JSON_UNQUOTE '\"a\\u00e9\"')", "STRING NOT NULL", "aé"},
        {"(JSON_UNQUOTE 'abc')", "STRING NOT NULL", "abc"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void collections_hold_values(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(ARRAY 1 2.5)", "ARRAY<DECIMAL(11, 1) NOT NULL> NOT NULL", "[1.0, 2.5]"},
        {"(ARRAY 1 (CAST NULL [INT]))", "ARRAY<INT> NOT NULL", "[1, NULL]"},
        {"(MAP 'a' 1 'a' 2)", "MAP<CHAR(1) NOT NULL, INT NOT NULL> NOT NULL", "{a=2}"},
        {"(ROW 1 'a')", "ROW<`EXPR$0` INT NOT NULL, `EXPR$1` CHAR(1) NOT NULL> NOT NULL", "(1, a)"},
        {"(FIELD (ROW 1 'a') 1)", "CHAR(1) NOT NULL", "a"},
        {"([] (ARRAY 1 2) 1)", "INT", "1"},
        {"([] (ARRAY 1 2) 5)", "INT", "NULL"},
        {"([] (ARRAY 1 2) `0)", NULL, "error"},
        {"([] (MAP 'a' 1) 'a')", "INT", "1"},
        {"([] (MAP 'a' 1) 'b')", "INT", "NULL"},
        {"(CARDINALITY (ARRAY 1 2))", "INT NOT NULL", "2"},
        {"(CARDINALITY (MAP 'a' 1))", "INT NOT NULL", "1"},
        {"(ELEMENT (ARRAY 1))", "INT NOT NULL", "1"},
        {"(ELEMENT (ARRAY 1 2))", "INT NOT NULL", "error"},
        {"(ARRAY_CONTAINS (ARRAY 1 2) 2)", "BOOLEAN NOT NULL", "TRUE"},
        {"(= (ARRAY 1) (ARRAY 1))", "BOOLEAN NOT NULL", "TRUE"},
        {"(= (ROW 1 2) (ROW 1 3))", "BOOLEAN NOT NULL", "FALSE"},
        {"(SPLIT 'a,b,c' ',')", "ARRAY<STRING> NOT NULL", "[a, b, c]"},
        {"(TYPEOF 'abc')", "STRING", "CHAR(3) NOT NULL"},
    };
    expr_check_cases(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_value_gives_scalars),
        cmocka_unit_test(json_query_gives_json),
        cmocka_unit_test(json_is_made_of_values),
        cmocka_unit_test(collections_hold_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
