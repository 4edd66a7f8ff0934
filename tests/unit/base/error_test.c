#include "testing.h"

#include <errno.h>

#include "base/error.h"

static void an_error_has_its_code_and_its_sentence(void **state)
{
    (void)state;
    ps_error err;
    assert_int_equal(ps_error_set(&err, PS_E_LIMIT, "more than %d rows", 7), PS_E_LIMIT);
    assert_int_equal(err.code, PS_E_LIMIT);
    assert_int_equal(err.os_errno, 0);
    assert_string_equal(err.text, "more than 7 rows");
}

static void the_errno_decides_the_code(void **state)
{
    (void)state;
    static const struct {
        int os_errno;
        ps_code code;
    } table[] = {
        {EIO, PS_E_IO},       {ENOENT, PS_E_IO},   {ENOSPC, PS_E_SPACE},
        {EDQUOT, PS_E_SPACE}, {EFBIG, PS_E_SPACE}, {ENOMEM, PS_E_MEMORY},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_error err;
        assert_int_equal(ps_error_set_os(&err, table[i].os_errno, "cannot open %s", "/d/x"),
                         table[i].code);
        assert_int_equal(err.code, table[i].code);
        assert_int_equal(err.os_errno, table[i].os_errno);
    }
}

static void the_text_of_the_operating_system_is_appended(void **state)
{
    (void)state;
    ps_error err;
    (void)ps_error_set_os(&err, ENOENT, "cannot open %s", "/d/x");
    assert_string_equal(err.text, "cannot open /d/x: No such file or directory");
}

static void a_long_text_is_cut_and_terminated(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ps_error err;
    (void)ps_error_set_os(&err, EIO, "%s", text);
    assert_int_equal(strlen(err.text), PS_ERROR_TEXT_MAX - 1);
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = PS_OK; a <= PS_E_CLOSED; a++) {
        assert_string_not_equal(ps_code_name((ps_code)a), "unknown");
        for (int b = PS_OK; b < a; b++) {
            assert_string_not_equal(ps_code_name((ps_code)a), ps_code_name((ps_code)b));
        }
    }
    assert_string_equal(ps_code_name(PS_E_DAMAGED), "damaged");
    assert_string_equal(ps_code_name((ps_code)99), "unknown");
}

static void fail_an_assert(void *value)
{
    PS_ASSERT(value != NULL);
}

static void a_failed_assert_stops_the_process(void **state)
{
    (void)state;
    fail_an_assert("a true condition does nothing");
    test_expect_abort(fail_an_assert, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_its_code_and_its_sentence),
        cmocka_unit_test(the_errno_decides_the_code),
        cmocka_unit_test(the_text_of_the_operating_system_is_appended),
        cmocka_unit_test(a_long_text_is_cut_and_terminated),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(a_failed_assert_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
