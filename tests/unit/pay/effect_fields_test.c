/* The description of effects covers every byte of them: fields follow one another without a gap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pay/effect_fields.h"

static void the_fields_of_each_effect_cover_it_without_a_gap(void **state)
{
    (void)state;
    for (int type = 1; type < PS_EFFECT_COUNT; type++) {
        const ps_effect_description *description = ps_effect_describe((ps_effect_type)type);
        assert_non_null(description);
        assert_non_null(description->name);
        if (description->fields == NULL) {
            continue; /* texts: described by their own format */
        }
        size_t at = sizeof(ps_effect_head);
        for (const ps_effect_field *field = description->fields; field->name != NULL; field++) {
            if (field->offset != at) {
                fail_msg("%s.%s lies at %u, %zu is next", description->name, field->name,
                         field->offset, at);
            }
            at += field->size;
        }
        assert_int_equal(at, description->size);
    }
}

static void every_command_event_and_text_has_a_name(void **state)
{
    (void)state;
    for (int command = 1; command < PS_CMD_COUNT; command++) {
        assert_non_null(ps_command_name((ps_command_kind)command));
    }
    for (int field = 1; field < PS_TEXT_FIELD_COUNT; field++) {
        assert_non_null(ps_text_field_name((ps_text_field)field));
    }
    for (int event = 1; event < PS_EVENT_COUNT; event++) {
        assert_non_null(ps_event_name((ps_event_type)event));
    }
    assert_null(ps_effect_describe(PS_EFFECT_COUNT));
    assert_null(ps_command_name(PS_CMD_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_of_each_effect_cover_it_without_a_gap),
        cmocka_unit_test(every_command_event_and_text_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
