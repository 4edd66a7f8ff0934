#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* after the headers it needs */
#include <cmocka.h>

#include "pay/id.h"

static const ps_u128 instance = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};

static void an_id_leads_back_to_number_and_time(void **state)
{
    (void)state;
    const uint64_t numbers[] = {0, 1, 2, 255, UINT32_MAX, UINT64_C(1) << 40, UINT64_MAX};
    for (int kind = PS_ID_PAYMENT; kind <= PS_ID_SIMULATOR; kind++) {
        if (kind == PS_ID_REQUEST) {
            continue;
        }
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            char text[PS_ID_TEXT_MAX];
            size_t size =
                ps_id_format(instance, kind, numbers[i], INT64_C(1767225600123456789), text);
            uint64_t number;
            int64_t created_ns;
            assert_true(ps_id_parse(instance, kind, ps_slice_of(text, size), &number, &created_ns));
            assert_true(number == numbers[i]);
            assert_int_equal(created_ns, INT64_C(1767225600123456789));
        }
    }
}

static void numbers_are_distinct_and_do_not_show_in_ids(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    char texts[COUNT][PS_ID_TEXT_MAX];
    for (uint64_t i = 0; i < COUNT; i++) {
        memset(texts[i], 0, sizeof texts[i]);
        (void)ps_id_format(instance, PS_ID_PAYMENT, i, 1, texts[i]);
        char other[PS_ID_TEXT_MAX] = {0};
        (void)ps_id_format(instance, PS_ID_REFUND, i, 1, other);
        assert_string_not_equal(texts[i] + 4, other + 3);
    }
    qsort(texts, COUNT, sizeof texts[0], (int (*)(const void *, const void *))strcmp);
    for (size_t i = 1; i < COUNT; i++) {
        assert_string_not_equal(texts[i - 1], texts[i]);
    }
}

static void ids_sort_by_creation_time(void **state)
{
    (void)state;
    char early[PS_ID_TEXT_MAX] = {0};
    char late[PS_ID_TEXT_MAX] = {0};
    (void)ps_id_format(instance, PS_ID_PAYMENT, 77, 1000, early);
    (void)ps_id_format(instance, PS_ID_PAYMENT, 3, 1001, late);
    assert_true(strcmp(early, late) < 0);
}

static void what_is_no_id_is_refused(void **state)
{
    (void)state;
    char text[PS_ID_TEXT_MAX];
    size_t size = ps_id_format(instance, PS_ID_PAYMENT, 5, 9, text);
    uint64_t number = 42;
    int64_t created_ns = 42;
    assert_false(
        ps_id_parse(instance, PS_ID_REFUND, ps_slice_of(text, size), &number, &created_ns));
    assert_false(
        ps_id_parse(instance, PS_ID_PAYMENT, ps_slice_of(text, size - 1), &number, &created_ns));
    assert_false(ps_id_parse(instance, PS_ID_PAYMENT, PS_SLICE(""), &number, &created_ns));
    text[10] = 'u'; /* not a letter of Crockford's alphabet */
    assert_false(
        ps_id_parse(instance, PS_ID_PAYMENT, ps_slice_of(text, size), &number, &created_ns));
    assert_int_equal(number, 42);
    assert_int_equal(created_ns, 42);
}

static void another_instance_reads_another_number(void **state)
{
    (void)state;
    char text[PS_ID_TEXT_MAX];
    size_t size = ps_id_format(instance, PS_ID_PAYMENT, 5, 9, text);
    const ps_u128 other = {1, 2};
    uint64_t number;
    int64_t created_ns;
    assert_true(ps_id_parse(other, PS_ID_PAYMENT, ps_slice_of(text, size), &number, &created_ns));
    assert_int_not_equal(number, 5);
}

static void request_ids_are_their_bits(void **state)
{
    (void)state;
    char text[31] = {0};
    ps_request_id_format((ps_u128){0, 1}, text);
    assert_string_equal(text, "req_00000000000000000000000001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_leads_back_to_number_and_time),
        cmocka_unit_test(numbers_are_distinct_and_do_not_show_in_ids),
        cmocka_unit_test(ids_sort_by_creation_time),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(another_instance_reads_another_number),
        cmocka_unit_test(request_ids_are_their_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
