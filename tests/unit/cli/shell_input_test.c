#include "base/testing.h"

#include <string.h>

#include "cli/shell_input.h"

static void test_a_statement_ends_at_its_own_semicolon(void **state)
{
    (void)state;
    /* | stands where the first statement ends; none: it goes on */
    static const char *const cases[] = {
        "SELECT 1;|",
        "SELECT 1;| SELECT 2;",
        "SELECT ';' || '''; ';|",
        "SELECT `a;b` FROM t;|",
        "SELECT 1 -- ;\n;|",
        "SELECT 1 -- ;",
        "SELECT /* ; */ 1;|",
        "SELECT /* ; ",
        "SELECT 'open; ",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;|",
        "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; end ;|",
        "BEGIN STATEMENT SET; INSERT INTO a SELECT 1;",
        "SELECT CASE WHEN a THEN 1 END;|",
        "SELECT statement FROM set;|",
        ";|",
        "",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        const char *bar = strchr(cases[i], '|');
        /* the bars of || are text */
        while (bar != NULL && (bar[1] == '|' || (bar > cases[i] && bar[-1] == '|'))) {
            bar = strchr(bar + 1, '|');
        }
        size_t wanted = bar != NULL ? (size_t)(bar - cases[i]) : 0;
        strcpy(text, cases[i]);
        if (bar != NULL) {
            strcpy(text + wanted, bar + 1);
        }
        size_t end = ps_statement_end(ps_slice_text(text));
        if (end != wanted) {
            fail_msg("'%s' ends at %zu", cases[i], end);
        }
    }
}

static void test_blanks_and_comments_are_no_statement(void **state)
{
    (void)state;
    assert_true(ps_statement_is_blank(PS_SLICE(" \n -- a\n /* b */ ")));
    assert_true(ps_statement_is_blank(PS_SLICE("")));
    assert_false(ps_statement_is_blank(PS_SLICE(" /* b */ x")));
    assert_false(ps_statement_is_blank(PS_SLICE("/* open")));
}

static void test_the_word_under_the_cursor_is_completed_from_the_lists(void **state)
{
    (void)state;
    ps_arena arena;
    ps_arena_init(&arena, 1 << 20);
    ps_word_list keywords = {.arena = &arena}, names = {.arena = &arena}, out = {.arena = &arena};
    ps_word_list_add(&keywords, PS_SLICE("SELECT"));
    ps_word_list_add(&keywords, PS_SLICE("SET"));
    ps_word_list_add(&names, PS_SLICE("Seq"));
    ps_word_list_add(&names, PS_SLICE("Seq"));
    assert_int_equal(names.count, 1);
    ps_slice word = ps_completion_word(PS_SLICE("SELECT a, (se"));
    assert_true(ps_slice_equal(word, PS_SLICE("se")));
    ps_word_list_match(&names, word, false, &out);
    ps_word_list_match(&keywords, word, true, &out);
    assert_int_equal(out.count, 3);
    assert_true(ps_slice_equal(out.words[0], PS_SLICE("Seq")));
    assert_true(ps_slice_equal(out.words[1], PS_SLICE("select")));
    assert_int_equal(ps_word_list_common(&out), 0); /* Seq, select */
    out = (ps_word_list){.arena = &arena};
    ps_word_list_match(&keywords, PS_SLICE("SE"), true, &out);
    assert_true(ps_slice_equal(out.words[1], PS_SLICE("SET")));
    assert_int_equal(ps_word_list_common(&out), 2);
    out = (ps_word_list){.arena = &arena};
    ps_word_list_match(&keywords, PS_SLICE("SEL"), true, &out);
    assert_int_equal(ps_word_list_common(&out), 6);
    ps_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_statement_ends_at_its_own_semicolon),
        cmocka_unit_test(test_blanks_and_comments_are_no_statement),
        cmocka_unit_test(test_the_word_under_the_cursor_is_completed_from_the_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
