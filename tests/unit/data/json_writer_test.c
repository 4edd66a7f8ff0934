/* What the writer puts out, and that jansson reads it back. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "data/json_writer.h"

static ps_buf out;
static ps_json_writer writer;

static int setup(void **state)
{
    (void)state;
    ps_buf_init(&out, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_buf_release(&out);
    return 0;
}

static void begin(void)
{
    ps_buf_clear(&out);
    ps_json_writer_init(&writer, &out);
}

static void expect(const char *text)
{
    assert_false(out.failed);
    if (!ps_slice_equal(ps_buf_slice(&out), ps_slice_text(text))) {
        fail_msg("wrote %.*s", (int)out.size, out.data);
    }
}

static void commas_stand_between_members_and_items_only(void **state)
{
    (void)state;
    begin();
    ps_json_object_begin(&writer);
    ps_json_key(&writer, "a");
    ps_json_array_begin(&writer);
    ps_json_array_end(&writer);
    ps_json_key(&writer, "b");
    ps_json_array_begin(&writer);
    ps_json_i64(&writer, 1);
    ps_json_object_begin(&writer);
    ps_json_object_end(&writer);
    ps_json_raw(&writer, PS_SLICE("[2]"));
    ps_json_array_end(&writer);
    ps_json_member_bool(&writer, "c", false);
    ps_json_object_end(&writer);
    expect("{\"a\":[],\"b\":[1,{},[2]],\"c\":false}");
}

static void members_of_each_kind(void **state)
{
    (void)state;
    begin();
    ps_json_object_begin(&writer);
    ps_json_member_string(&writer, "text", PS_SLICE("x"));
    ps_json_member_string(&writer, "none", (ps_slice){NULL, 0});
    ps_json_member_text(&writer, "word", NULL);
    ps_json_member_i64(&writer, "least", INT64_MIN);
    ps_json_member_u64(&writer, "most", UINT64_MAX);
    ps_json_member_time(&writer, "time", INT64_C(1769903999123456789));
    ps_json_member_time(&writer, "never", 0);
    ps_json_member_null(&writer, "null");
    ps_json_key(&writer, "sum");
    ps_json_i128(&writer, (ps_i128)INT64_MAX * 4);
    ps_json_object_end(&writer);
    expect("{\"text\":\"x\",\"none\":null,\"word\":null,\"least\":-9223372036854775808,"
           "\"most\":18446744073709551615,\"time\":\"2026-01-31T23:59:59.123Z\",\"never\":null,"
           "\"null\":null,\"sum\":36893488147419103228}");
}

static void every_ascii_character_comes_back_from_jansson(void **state)
{
    (void)state;
    char text[128];
    for (int i = 0; i < 128; i++) {
        text[i] = (char)i;
    }
    begin();
    ps_json_array_begin(&writer);
    ps_json_string(&writer, ps_slice_of(text, sizeof text));
    ps_json_string(&writer, PS_SLICE("é€😀"));
    ps_json_string(&writer, (ps_slice){NULL, 0});
    ps_json_array_end(&writer);
    json_error_t error;
    json_t *root = json_loadb(out.data, out.size, JSON_ALLOW_NUL, &error);
    assert_non_null(root);
    json_t *item = json_array_get(root, 0);
    assert_int_equal(json_string_length(item), sizeof text);
    assert_memory_equal(json_string_value(item), text, sizeof text);
    assert_string_equal(json_string_value(json_array_get(root, 1)), "é€😀");
    assert_int_equal(json_string_length(json_array_get(root, 2)), 0);
    json_decref(root);
}

static void escapes_are_those_of_rfc_8785(void **state)
{
    (void)state;
    begin();
    ps_json_string(&writer, PS_SLICE("\"\\\b\f\n\r\t\x01\x0b\x1f/\x7f"));
    expect("\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u000b\\u001f/\x7f\"");
}

static void a_full_buffer_fails_and_stays_failed(void **state)
{
    (void)state;
    ps_buf small;
    ps_buf_init(&small, 8);
    ps_json_writer_init(&writer, &small);
    ps_json_string(&writer, PS_SLICE("0123456789"));
    ps_json_i64(&writer, 1);
    assert_true(small.failed);
    ps_buf_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_members_and_items_only),
        cmocka_unit_test(members_of_each_kind),
        cmocka_unit_test(every_ascii_character_comes_back_from_jansson),
        cmocka_unit_test(escapes_are_those_of_rfc_8785),
        cmocka_unit_test(a_full_buffer_fails_and_stays_failed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
