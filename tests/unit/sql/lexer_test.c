/* Tokens and their places; keywords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <strings.h>

#include "sql/lexer.h"

static void keywords_are_found_in_any_case(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PS_KEYWORD_TOTAL; i++) {
        const char *text = ps_keyword_text((ps_keyword)i);
        char lower[64] = {0};
        for (size_t j = 0; text[j] != 0; j++) {
            lower[j] = (char)(text[j] >= 'A' && text[j] <= 'Z' ? text[j] + 32 : text[j]);
        }
        assert_int_equal(ps_keyword_find(ps_slice_text(text)), i);
        assert_int_equal(ps_keyword_find(ps_slice_text(lower)), i);
    }
    assert_int_equal(ps_keyword_find(PS_SLICE("amount")), PS_KEYWORD_NONE);
    assert_int_equal(ps_keyword_find(PS_SLICE("")), PS_KEYWORD_NONE);
    assert_int_equal(ps_keyword_find(PS_SLICE("SELECTED")), PS_KEYWORD_NONE);
}

static void keywords_are_reserved_as_in_flink(void **state)
{
    (void)state;
    assert_true(ps_keyword_is_reserved(PS_KW_VALUE));
    assert_true(ps_keyword_is_reserved(PS_KW_COUNT));
    assert_true(ps_keyword_is_reserved(PS_KW_USER));
    assert_false(ps_keyword_is_reserved(PS_KW_NAME));
    assert_false(ps_keyword_is_reserved(PS_KW_TYPE));
    assert_false(ps_keyword_is_reserved(PS_KEYWORD_NONE));
}

static void tokens_carry_their_place(void **state)
{
    (void)state;
    ps_lexer lexer;
    ps_lexer_init(&lexer, PS_SLICE("a -- x\n 'é' /* \n */ >= /*+ x */ X'00' b$1 // y"));
    static const struct {
        ps_token_kind kind;
        uint32_t line, column;
    } expected[] = {
        {PS_TOKEN_WORD, 1, 1},    {PS_TOKEN_STRING, 2, 2}, {PS_TOKEN_GE, 3, 5},
        {PS_TOKEN_HINT, 3, 8},    {PS_TOKEN_WORD, 3, 12},  {PS_TOKEN_HINT_END, 3, 14},
        {PS_TOKEN_BINARY, 3, 17}, {PS_TOKEN_WORD, 3, 23},  {PS_TOKEN_END, 3, 31},
        {PS_TOKEN_END, 3, 31},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ps_token token = ps_lexer_next(&lexer);
        assert_int_equal(token.kind, expected[i].kind);
        assert_int_equal(token.at.line, expected[i].line);
        assert_int_equal(token.at.column, expected[i].column);
    }
}

static void quotes_come_off(void **state)
{
    (void)state;
    ps_arena arena;
    ps_lexer lexer;
    ps_arena_init(&arena, 1 << 20);
    ps_lexer_init(&lexer, PS_SLICE("'a''b' `c``d` X'00fF' '' "));
    static const ps_slice expected[] = {{"a'b", 3}, {"c`d", 3}, {"\0\xff", 2}, {"", 0}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ps_token token = ps_lexer_next(&lexer);
        assert_true(ps_slice_equal(ps_token_unquote(&token, &arena), expected[i]));
    }
    ps_arena_release(&arena);
}

static void numbers_have_three_kinds(void **state)
{
    (void)state;
    ps_lexer lexer;
    ps_lexer_init(&lexer, PS_SLICE("12 1.5 1. .5 1e3 1.5E-3 3.e2 1e"));
    static const ps_token_kind kinds[] = {
        PS_TOKEN_INTEGER, PS_TOKEN_DECIMAL, PS_TOKEN_DECIMAL, PS_TOKEN_DECIMAL,
        PS_TOKEN_DOUBLE,  PS_TOKEN_DOUBLE,  PS_TOKEN_DOUBLE,  PS_TOKEN_ERROR,
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal(ps_lexer_next(&lexer).kind, kinds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_are_found_in_any_case),
        cmocka_unit_test(keywords_are_reserved_as_in_flink),
        cmocka_unit_test(tokens_carry_their_place),
        cmocka_unit_test(quotes_come_off),
        cmocka_unit_test(numbers_have_three_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
