/* Canonical text: equal for equal values, different for different ones, and its own fixed point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "data/json_canonical.h"

static ps_json_reader reader;
static ps_json_canonical canonical;
static ps_buf out;

static int setup(void **state)
{
    (void)state;
    ps_json_reader_init(&reader, 7);
    ps_json_canonical_init(&canonical, 1 << 20);
    ps_buf_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_json_canonical_release(&canonical);
    ps_buf_release(&out);
    return 0;
}

static bool canonical_of(ps_slice text)
{
    static char copy[1 << 20];
    memcpy(copy, text.data, text.size);
    ps_buf_clear(&out);
    ps_json_reader_begin(&reader, copy, text.size);
    return ps_json_canonical_all(&canonical, &reader, &out);
}

static uint64_t draw_state = 99;
static uint32_t draw(uint32_t bound)
{
    draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((draw_state >> 33) % bound);
}

static const char *const members[] = {
    "\"amount\":1000",
    "\"currency\":\"EUR\"",
    "\"merchant\":\"m1\"",
    "\"payer\":\"p\\u0031\"",
    "\"metadata\":{\"b\":\"2\",\"a\":\"1\"}",
    "\"list\":[3,1,2]",
    "\"\":null",
    "\"amount2\":true",
    "\"amoun\":-1.50",
    "\"z\":{}",
};
enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static size_t blanks(char *text)
{
    static const char kinds[] = " \t\r\n";
    size_t size = draw(3);
    for (size_t i = 0; i < size; i++) {
        text[i] = kinds[draw(4)];
    }
    return size;
}

static size_t permuted(char *text)
{
    int order[MEMBER_COUNT];
    for (int i = 0; i < MEMBER_COUNT; i++) {
        order[i] = i;
    }
    for (int i = MEMBER_COUNT - 1; i > 0; i--) {
        int j = (int)draw((uint32_t)i + 1);
        int kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    size_t size = blanks(text);
    text[size++] = '{';
    for (int i = 0; i < MEMBER_COUNT; i++) {
        size += blanks(text + size);
        size += (size_t)sprintf(text + size, "%s", members[order[i]]);
        size += blanks(text + size);
        text[size++] = i + 1 < MEMBER_COUNT ? ',' : '}';
    }
    return size + blanks(text + size);
}

static void order_of_keys_and_blanks_do_not_matter(void **state)
{
    (void)state;
    char text[2000];
    char first[2000];
    size_t first_size = 0;
    for (int round = 0; round < 500; round++) {
        assert_true(canonical_of(ps_slice_of(text, permuted(text))));
        if (round == 0) {
            first_size = out.size;
            memcpy(first, out.data, out.size);
        }
        assert_true(ps_slice_equal(ps_buf_slice(&out), ps_slice_of(first, first_size)));
    }
    assert_true(ps_slice_equal(
        ps_buf_slice(&out),
        PS_SLICE("{\"\":null,\"amoun\":-1.50,\"amount\":1000,\"amount2\":true,\"currency\":\"EUR\","
                 "\"list\":[3,1,2],\"merchant\":\"m1\",\"metadata\":{\"a\":\"1\",\"b\":\"2\"},"
                 "\"payer\":\"p1\",\"z\":{}}")));
}

static void canonical_text_is_its_own_canonical_form(void **state)
{
    (void)state;
    char text[2000];
    char first[2000];
    assert_true(canonical_of(ps_slice_of(text, permuted(text))));
    size_t size = out.size;
    memcpy(first, out.data, size);
    assert_true(canonical_of(ps_slice_of(first, size)));
    assert_true(ps_slice_equal(ps_buf_slice(&out), ps_slice_of(first, size)));
}

static void any_other_value_has_another_form(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":1}",     "{\"a\":2}",       "{\"a\":1.0}",  "{\"a\":\"1\"}", "{\"a\":null}", "{}",
        "{\"b\":1}",     "{\"a\":[1]}",     "{\"a\":{}}",   "{\"a\":1e0}",   "{\"a\":true}", "[]",
        "{\"a\":[1,2]}", "{\"a\":[2,1]}",   "{\"A\":1}",    "{\"a\":-1}",    "{\"a\":\"\"}", "\"\"",
        "{\"a\":\"é\"}", "{\"a\":\"e\"}",   "{\"a\":10}",   "{\"a\":[[1]]}", "{\"a\":0}",    "null",
        "{\"a\":-0}",    "{\"a\":\"\\n\"}", "{\"a\":\"n\"}"};
    enum { COUNT = sizeof texts / sizeof texts[0] };
    char forms[COUNT][40];
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(canonical_of(ps_slice_text(texts[i])));
        memcpy(forms[i], out.data, out.size);
        forms[i][out.size] = 0;
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(forms[i], forms[j]);
        }
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void any_number_of_keys_is_sorted_by_bytes(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static char keys[COUNT][24];
    static const char *sorted[COUNT];
    static char text[1 << 17];
    size_t size = 0;
    text[size++] = '{';
    for (int i = 0; i < COUNT; i++) {
        /* a long common prefix, so that more than the first bytes decide */
        (void)snprintf(keys[i], sizeof keys[i], "%s%u.%d", i % 2 ? "sameprefix" : "", draw(1000),
                       i);
        sorted[i] = keys[i];
        size += (size_t)sprintf(text + size, "%s\"%s\":%d", i > 0 ? "," : "", keys[i], i);
    }
    text[size++] = '}';
    assert_true(canonical_of(ps_slice_of(text, size)));
    qsort(sorted, COUNT, sizeof sorted[0], compare_texts);
    const char *at = out.data;
    for (int i = 0; i < COUNT; i++) {
        char key[40];
        (void)snprintf(key, sizeof key, "%c\"%s\":", i > 0 ? ',' : '{', sorted[i]);
        at = memmem(at, (size_t)(out.data + out.size - at), key, strlen(key));
        assert_non_null(at);
    }
}

static void dropped_members_leave_no_trace(void **state)
{
    (void)state;
    static const struct {
        const char *text, *after;
    } cases[] = {
        {"{\"op\":1,\"b\":2,\"a\":{\"op\":3}}", "{\"a\":{\"op\":3},\"b\":2}"},
        {"{\"a\":1,\"op\":2}", "{\"a\":1}"},
        {"{\"op\":[1,{\"x\":2}]}", "{}"},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}"},
        {"{}", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "%s", cases[i].text);
        ps_buf_clear(&out);
        ps_json_reader_begin(&reader, text, strlen(text));
        ps_json_canonical_begin(&canonical, &out);
        for (;;) {
            ps_json_token token = ps_json_reader_next(&reader);
            if (token == PS_JSON_END) {
                break;
            }
            if (token == PS_JSON_OBJECT_END && reader.depth == 0) {
                bool has_op = strstr(cases[i].text, "{\"op\"") || strstr(cases[i].text, ",\"op\"");
                assert_int_equal(ps_json_canonical_drop(&canonical, PS_SLICE("op")), has_op);
            }
            ps_json_canonical_add(&canonical, token, reader.value);
        }
        assert_true(ps_slice_equal(ps_buf_slice(&out), ps_slice_text(cases[i].after)));
    }
}

static void what_does_not_fit_fails(void **state)
{
    (void)state;
    char text[] = "{\"b\":\"0123456789\",\"a\":1}";
    ps_buf small;
    ps_buf_init(&small, 10);
    ps_json_reader_begin(&reader, text, strlen(text));
    assert_false(ps_json_canonical_all(&canonical, &reader, &small));
    assert_true(small.failed);
    ps_buf_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_keys_and_blanks_do_not_matter),
        cmocka_unit_test(canonical_text_is_its_own_canonical_form),
        cmocka_unit_test(any_other_value_has_another_form),
        cmocka_unit_test(any_number_of_keys_is_sorted_by_bytes),
        cmocka_unit_test(dropped_members_leave_no_trace),
        cmocka_unit_test(what_does_not_fit_fails),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
