/* Functions of text and regular expressions: values and types as Flink 2.2 has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expr_fixture.h"

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

static void texts_are_cut_and_trimmed(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(SUBSTRING 'payment' 1 3)", "VARCHAR(7)", "pay"},
        {"(SUBSTRING 'payment' 4)", "VARCHAR(7)", "ment"},
        {"(SUBSTRING 'payment' 0 3)", "VARCHAR(7)", "pay"},
        {"(SUBSTRING 'payment' -3)", "VARCHAR(7)", "ent"},
        {"(SUBSTRING 'payment' -3 2)", "VARCHAR(7)", "en"},
        {"(SUBSTRING 'payment' 20)", "VARCHAR(7)", ""},
        {"(SUBSTRING 'payment' -10 5)", "VARCHAR(7)", ""},
        {"(SUBSTRING 'payment' 1 -1)", "VARCHAR(7)", "NULL"},
        {"(SUBSTRING 'abc' 3 2147483647)", "VARCHAR(3)", "c"},
        {"(SUBSTR 'payment' 2 100)", "VARCHAR(7)", "ayment"},
        {"(SUBSTRING '日本語テキスト' -2 3)", NULL, "スト"},
        {"(LEFT 'payment' 3)", "VARCHAR(7)", "pay"},
        {"(LEFT 'payment' -1)", "VARCHAR(7)", ""},
        {"(RIGHT 'payment' 4)", "VARCHAR(7)", "ment"},
        {"(RIGHT 'payment' 0)", "VARCHAR(7)", ""},
        {"(TRIM `'BOTH' ' ' '  a b  ')", "VARCHAR(7) NOT NULL", "a b"},
        {"(TRIM `'LEADING' 'x' 'xxaxx')", "VARCHAR(5) NOT NULL", "axx"},
        {"(TRIM `'TRAILING' 'x' 'xxaxx')", "VARCHAR(5) NOT NULL", "xxa"},
        {"(TRIM `'BOTH' 'xy' 'xyaxyx')", "VARCHAR(6) NOT NULL", "a"},
        {"(LTRIM '  a ')", "VARCHAR(4) NOT NULL", "a "},
        {"(RTRIM '  a ')", "VARCHAR(4) NOT NULL", "  a"},
        {"(BTRIM 'xax' 'x')", "STRING NOT NULL", "a"},
        {"(LPAD '7' 3 '0')", "STRING NOT NULL", "007"},
        {"(LPAD '12345' 3 '0')", "STRING NOT NULL", "123"},
        {"(LPAD 'abc' -1 'x')", "STRING NOT NULL", "NULL"},
        {"(LPAD 'abc' 0 'x')", "STRING NOT NULL", ""},
        {"(LPAD '😀ab' 5 '*')", NULL, "*😀ab"},
        {"(RPAD '7' 4 'ab')", "STRING NOT NULL", "7aba"},
        {"(RPAD '😀ab' 5 'ab')", NULL, "😀aba"},
        {"(CHAR_LENGTH '😀ab')", "INT NOT NULL", "3"},
        {"(CHARACTER_LENGTH '')", "INT NOT NULL", "0"},
        {"(CHAR_LENGTH 12.5)", NULL, "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void texts_change(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(UPPER 'straße')", NULL, "STRASSE"},
        {"(UPPER 'aBc')", "CHAR(3) NOT NULL", "ABC"},
        {"(UPPER 'Zürich')", NULL, "ZÜRICH"},
        {"(LOWER 'ÄB')", NULL, "äb"},
        {"(INITCAP 'hELLO-wORLD foo_bar 1abc')", "CHAR(24) NOT NULL", "Hello-World Foo_Bar 1abc"},
        {"(INITCAP 'straße')", NULL, "StraßE"},
        {"(REVERSE 'straße')", "STRING", "eßarts"},
        {"(REPEAT 'ab' 3)", "STRING NOT NULL", "ababab"},
        {"(REPEAT 'ab' -2)", "STRING NOT NULL", ""},
        {"(REPEAT 'ab' 2147483647)", NULL, "error"},
        {"(REPLACE 'a-b-c' '-' '+')", "STRING NOT NULL", "a+b+c"},
        {"(REPLACE 'aaa' 'aa' 'b')", "STRING NOT NULL", "ba"},
        {"(REPLACE 'abc' '' 'x')", "STRING NOT NULL", "xaxbxcx"},
        {"(OVERLAY 'abcdef' 'XY' 2 3)", "VARCHAR(8) NOT NULL", "aXYef"},
        {"(OVERLAY 'abcdef' 'XY' 2)", "VARCHAR(8) NOT NULL", "aXYdef"},
        {"(OVERLAY 'abcdef' 'XY' 0)", "VARCHAR(8) NOT NULL", "abcdef"},
        {"(OVERLAY 'abcdef' 'XY' 6 10)", "VARCHAR(8) NOT NULL", "abcdeXY"},
        {"(OVERLAY 'abcdef' 'XY' 2 -1)", "VARCHAR(8) NOT NULL", "aXY"},
        {"(OVERLAY '😀ab' 'XY' 2 1)", NULL, "?XYab"},
        {"(CONCAT 'a' 'b' 'c')", "STRING NOT NULL", "abc"},
        {"(CONCAT 'a' (CAST NULL [STRING]))", "STRING", "NULL"},
        {"(CONCAT_WS '-' 'a' (CAST NULL [STRING]) 'c')", "STRING", "a-c"},
        {"(CONCAT_WS (CAST NULL [STRING]) 'a' 'b')", "STRING", "NULL"},
        {"(|| 'a' 'b')", "CHAR(2) NOT NULL", "ab"},
        {"(|| (TRIM 'a  ') 'b')", "VARCHAR(4) NOT NULL", "ab"},
        {"(|| 1 'a')", NULL, "error"},
        {"(SPLIT_INDEX 'a|b|c' '|' 1)", "STRING", "b"},
        {"(SPLIT_INDEX 'a|b|c' '|' 5)", "STRING", "NULL"},
        {"(SPLIT_INDEX 'a|b|c' '|' -1)", "STRING", "NULL"},
        {"(SPLIT_INDEX 'a||c' '||' 1)", "STRING", "c"},
        {"(SPLIT_INDEX '|' '|' 1)", "STRING", ""},
        {"(SPLIT_INDEX '' '|' 0)", "STRING", "NULL"},
        {"(SPLIT_INDEX 'a|b' 124 1)", "STRING", "b"},
        {"(SPLIT_INDEX 'abc' '' 0)", "STRING", "abc"},
        {"(ASCII '日')", "INT NOT NULL", "-26"},
        {"(ASCII '')", "INT NOT NULL", "0"},
        {"(CHR 321)", "STRING", "A"},
        {"(CHR -1)", "STRING", ""},
        {"(TRANSLATE 'abc' 'ab' 'xy')", "STRING NOT NULL", "xyc"},
        {"(UPPER 5)", NULL, "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void texts_are_searched(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(POSITION 'me' 'payment')", "INT NOT NULL", "4"},
        {"(POSITION 'zz' 'payment')", "INT NOT NULL", "0"},
        {"(POSITION '' 'abc')", "INT NOT NULL", "1"},
        {"(POSITION 'a' 'banana' 3)", "INT NOT NULL", "4"},
        {"(LOCATE 'a' 'banana' 3)", "INT NOT NULL", "4"},
        {"(LOCATE 'a' 'banana' 0)", "INT NOT NULL", "2"},
        {"(LOCATE '' 'banana')", "INT NOT NULL", "1"},
        {"(INSTR 'banana' 'an')", "INT NOT NULL", "2"},
        {"(INSTR 'banana' 'a' 3)", "INT NOT NULL", "4"},
        {"(INSTR 'banana' 'a' -1 2)", "INT NOT NULL", "4"},
        {"(STARTSWITH 'abc' 'ab')", "BOOLEAN NOT NULL", "TRUE"},
        {"(ENDSWITH 'abc' 'bc')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'abc' 'abc')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'abc' `'a%')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'abc' `'%c')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'abc' `'%b%')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'abc' `'%x%')", "BOOLEAN NOT NULL", "FALSE"},
        {"(LIKE 'aXbXc' '%b_c%')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'a日c' 'a_c')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'mississippi' '%iss%ip%_')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'mississippi' '%iss%ip_')", "BOOLEAN NOT NULL", "FALSE"},
        {"(LIKE 'a_b' `'a\\_b')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'axb' `'a\\_b')", "BOOLEAN NOT NULL", "FALSE"},
        {"(LIKE 'a%b' 'a!%b' '!')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'a%b' 'a!xb' '!')", "BOOLEAN NOT NULL", "error"},
        {"(LIKE 'a\\b' 'a\\b')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'a\\b' `'a\\\\b')", "BOOLEAN NOT NULL", "FALSE"},
        {"(\"SIMILAR TO\" 'abc' 'a.c')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE '' '%')", "BOOLEAN NOT NULL", "TRUE"},
        {"(LIKE 'a' '')", "BOOLEAN NOT NULL", "FALSE"},
        {"(\"SIMILAR TO\" 'abc' 'a(b|x)c')", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"SIMILAR TO\" 'abc' '%b_')", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"SIMILAR TO\" 'abc' '[a-c]+')", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"SIMILAR TO\" 'abc' 'ab')", "BOOLEAN NOT NULL", "FALSE"},
        {"(\"SIMILAR TO\" 'a$c' 'a$c')", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"SIMILAR TO\" 'a\\c' 'a\\c')", "BOOLEAN NOT NULL", "TRUE"},
        {"(\"IS NULL\" NULL)", "BOOLEAN NOT NULL", "TRUE"},
        {"(TYPEOF NULL)", "STRING", "NULL"},
        {"(IN 1 1 2)", "BOOLEAN NOT NULL", "TRUE"},
        {"(IN 1 1 2.5)", "BOOLEAN NOT NULL", "TRUE"},
        {"(IN 3 `1 `2 NULL)", "BOOLEAN", "NULL"},
        {"(IN 1 `1 `2 NULL)", "BOOLEAN", "TRUE"},
        {"(IN 'a' `'a ' `'b')", "BOOLEAN NOT NULL", "FALSE"},
        {"(IN 'k' `'a' `'b' `'c' `'d' `'e' `'f' `'g' `'h' `'i' `'k')", "BOOLEAN NOT NULL", "TRUE"},
        {"(IN 7 `1 `2 `3 `4 `5 `6 `8 `9 `10 `11)", "BOOLEAN NOT NULL", "FALSE"},
        {"(IN 11 `1 `2 `3 `4 `5 `6 `8 `9 `10 `11)", "BOOLEAN NOT NULL", "TRUE"},
        {"(IN 1.50 `1.5 `2)", "BOOLEAN NOT NULL", "TRUE"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void regular_expressions_match_as_in_flink(void **state)
{
    (void)state;
    static const expr_case cases[] = {
        {"(REGEXP 'abc' 'b')", "BOOLEAN NOT NULL", "TRUE"},
        {"(REGEXP 'abc' '')", "BOOLEAN NOT NULL", "FALSE"},
        {"(REGEXP_EXTRACT 'foothebar' 'foo(.*?)(bar)' 2)", "STRING", "bar"},
        {"(REGEXP_EXTRACT 'foothebar' 'foo(.*?)(bar)')", "STRING", "foothebar"},
        {"(REGEXP_EXTRACT 'foothebar' 'foo(.*?)(bar)' 5)", "STRING", "NULL"},
        {"(REGEXP_EXTRACT 'abc' 'x')", "STRING", "NULL"},
        {"(REGEXP_EXTRACT 'abc' '(')", "STRING", "NULL"},
        {"(REGEXP_EXTRACT 'channel_id=apple&x' '(&|^)channel_id=([^&]*)' 2)", "STRING", "apple"},
        {"(REGEXP_REPLACE 'foobar' 'oo|ar' '')", "STRING NOT NULL", "fb"},
        {"(REGEXP_REPLACE 'foobar' '(o+)' '<$1>')", "STRING NOT NULL", "f<$1>bar"},
        {"(REGEXP_REPLACE 'a.b' '\\.' '-')", "STRING NOT NULL", "a-b"},
        {"(REGEXP_REPLACE 'abc' 'x*' '-')", "STRING NOT NULL", "-a-b-c-"},
        {"(REGEXP_REPLACE 'foobar' '(' 'x')", "STRING NOT NULL", "NULL"},
        {"(REGEXP_COUNT 'banana' 'an')", "INT", "2"},
        {"(REGEXP_SUBSTR 'banana' 'an.')", "STRING", "ana"},
        {"(REGEXP_INSTR 'banana' 'na')", "INT", "3"},
        {"(REGEXP_EXTRACT 'aB1' '\\p{Upper}[\\p{Digit}]')", "STRING", "B1"},
        {"(REGEXP 'aa' '(a)\\1')", NULL, "error"},
        {"(REGEXP 'aa' 'a(?=a)')", NULL, "error"},
        {"(REGEXP 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' '(a+)+$')", "BOOLEAN NOT NULL", "error"},
    };
    expr_check_cases(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_cut_and_trimmed),
        cmocka_unit_test(texts_change),
        cmocka_unit_test(texts_are_searched),
        cmocka_unit_test(regular_expressions_match_as_in_flink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
