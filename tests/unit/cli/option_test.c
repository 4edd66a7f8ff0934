/* Options, settings and nearest words, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/option.h"
#include "cli/settings.h"

typedef struct {
    const char *text;
    int64_t number;
    bool flag;
} values;

static ps_parsed parse(values *v, int argc, const char **argv, const char **out_arguments, int max)
{
    static const ps_command_help help = {"try", "Tries", "try", NULL};
    const ps_option options[] = {
        {"--text", "TEXT", PS_OPTION_TEXT, false, "A text.", &v->text, NULL},
        {"--number", "N", PS_OPTION_NUMBER, false, "A number.", &v->number, NULL},
        {"--flag", NULL, PS_OPTION_FLAG, false, "A flag.", &v->flag, NULL},
        {0}};
    return ps_options_parse(&help, options, argc, (char **)argv, out_arguments, max);
}

static void options_take_values_in_both_forms(void **state)
{
    (void)state;
    values v = {0};
    const char *arguments[2] = {NULL, NULL};
    const char *argv[] = {"try", "--text", "a", "--number=7", "--flag", "one", "--", "--two"};
    assert_int_equal(parse(&v, 8, argv, arguments, 2), PS_PARSED);
    assert_string_equal(v.text, "a");
    assert_int_equal(v.number, 7);
    assert_true(v.flag);
    assert_string_equal(arguments[0], "one");
    assert_string_equal(arguments[1], "--two");
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {"--tex",    "--number=x", "--number=-1",
                                 "--flag=1", "--text",     "more"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        values v = {0};
        const char *argv[] = {"try", wrong[i]};
        if (parse(&v, 2, argv, NULL, 0) != PS_PARSED_WRONG) {
            fail_msg("%s was taken", wrong[i]);
        }
    }
}

static void the_nearest_word_is_near(void **state)
{
    (void)state;
    static const char *const words[] = {"serve", "verify", "version", NULL};
    assert_string_equal(ps_nearest_word("sevre", words), "serve");
    assert_string_equal(ps_nearest_word("verfy", words), "verify");
    assert_null(ps_nearest_word("something", words));
}

static void settings_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_taken;
    } rows[] = {
        {"limits.payments=5000", true},
        {"limits.payments=1", false},
        {"limits.payments=x", false},
        {"limits.payment=5000", false},
        {"limits.payments", false},
        {"rail.deadline=10s", true},
        {"rail.deadline=10", false},
        {"snapshot.every=0", true},
        {"snapshot.every=64MiB", true},
        {"snapshot.every=64MB", false},
        {"http.tls.cert=", false},
        {"http.tls.cert=/a", true},
        {"http.require_signature=true", true},
        {"http.require_signature=yes", false},
        {"http.require_signature=1", false},
        {"limits.concurrent_per_key=0", true},
        {"limits.nonces=999", false},
        {"rate.key=1000000", true},
        {"rate.key=1000001", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ps_serve_settings settings;
        ps_error err = {0};
        ps_serve_settings_default(&settings);
        if (ps_serve_settings_set(&settings, rows[i].text, &err) != rows[i].is_taken) {
            fail_msg("%s: %s", rows[i].text, rows[i].is_taken ? err.text : "was taken");
        }
        assert_true(rows[i].is_taken || err.text[0] != '\0');
    }
    ps_serve_settings settings;
    ps_error err;
    ps_serve_settings_default(&settings);
    assert_true(ps_serve_settings_set(&settings, "snapshot.every=64MiB", &err));
    assert_true(settings.engine.snapshot_every_bytes == UINT64_C(64) << 20);
    assert_true(ps_serve_settings_set(&settings, "rail.deadline=500ms", &err));
    assert_true(settings.engine.core.rail_deadline_ns == INT64_C(500000000));
    assert_false(settings.requires_signature);
    assert_true(ps_serve_settings_set(&settings, "http.require_signature=true", &err));
    assert_true(settings.requires_signature);
    assert_true(ps_serve_settings_set(&settings, "http.require_signature=false", &err));
    assert_false(settings.requires_signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_take_values_in_both_forms),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(the_nearest_word_is_near),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
