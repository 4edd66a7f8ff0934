#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sql/sql_setting.h"

static void durations_are_numbers_with_flinks_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* −1: refused */
    } cases[] = {{"500 ms", 500},
                 {"5 s", 5000},
                 {"5s", 5000},
                 {"10 min", 600000},
                 {"1 h", 3600000},
                 {"2 d", 172800000},
                 {"7", 7},
                 {"0 ms", 0},
                 {"1 HOURS", 3600000},
                 {"", -1},
                 {"s", -1},
                 {"-5 s", -1},
                 {"5 weeks", -1},
                 {"9223372036854775807 d", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;
        bool ok = ps_setting_duration_parse(ps_slice_text(cases[i].text), &ms);
        assert_int_equal(ok, cases[i].ms >= 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void sizes_count_in_powers_of_1024(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_true(ps_setting_size_parse(PS_SLICE("64 mb"), &bytes));
    assert_int_equal(bytes, 64 << 20);
    assert_true(ps_setting_size_parse(PS_SLICE("3"), &bytes));
    assert_int_equal(bytes, 3);
    assert_false(ps_setting_size_parse(PS_SLICE("1 pb"), &bytes));
}

static void every_default_is_a_value_that_its_key_takes(void **state)
{
    (void)state;
    ps_arena arena;
    ps_settings settings;
    ps_error err;
    ps_arena_init(&arena, 1 << 20);
    ps_settings_init(&settings, &arena);
    for (uint32_t i = 0; i < ps_setting_count(); i++) {
        const ps_setting_entry *entry = ps_setting_entry_at(i);
        if (entry->default_value[0] != '\0') {
            assert_int_equal(ps_settings_set(&settings, ps_slice_text(entry->key),
                                             ps_slice_text(entry->default_value), &err),
                             PS_OK);
        }
    }
    ps_arena_release(&arena);
}

static void a_setting_is_its_newest_value_until_it_is_reset(void **state)
{
    (void)state;
    ps_arena arena;
    ps_settings settings;
    ps_error err;
    ps_arena_init(&arena, 1 << 20);
    ps_settings_init(&settings, &arena);
    assert_null(ps_settings_get(&settings, "parallelism.default"));
    assert_string_equal(ps_settings_value(&settings, "parallelism.default"), "1");
    assert_int_equal(
        ps_settings_set(&settings, PS_SLICE("parallelism.default"), PS_SLICE("4"), &err), PS_OK);
    assert_int_equal(
        ps_settings_set(&settings, PS_SLICE("parallelism.default"), PS_SLICE("2"), &err), PS_OK);
    assert_string_equal(ps_settings_value(&settings, "parallelism.default"), "2");
    assert_int_equal(
        ps_settings_set(&settings, PS_SLICE("parallelism.default"), PS_SLICE("x"), &err),
        PS_E_INVALID);
    assert_string_equal(ps_settings_value(&settings, "parallelism.default"), "2");
    ps_settings_reset(&settings, PS_SLICE("parallelism.default"));
    assert_null(ps_settings_get(&settings, "parallelism.default"));
    ps_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_numbers_with_flinks_units),
        cmocka_unit_test(sizes_count_in_powers_of_1024),
        cmocka_unit_test(every_default_is_a_value_that_its_key_takes),
        cmocka_unit_test(a_setting_is_its_newest_value_until_it_is_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
