#include <stdio.h>

#include "base/testing.h"

#include "flow/row_ring.h"

static const ps_field columns[] = {
    {{"k", 1}, &ps_type_string}, {{"v", 1}, &ps_type_bigint}, {{"t", 1}, &ps_type_string}};
static const ps_schema schema = {3, columns};

/* Row `number` as the ring is to have it; its text has some ten sizes, and each seventh is NULL. */
static void values_of(uint64_t number, char text[16], ps_value out[2])
{
    int size = snprintf(text, 16, "%llu", (unsigned long long)(number * number));
    out[0] = (ps_value){.i64 = (int64_t)number};
    out[1] = (ps_value){.is_null = number % 7 == 0, .text = ps_slice_of(text, (size_t)size)};
}

static void check_row(const ps_row_rings *rings, const ps_row_ring *ring, uint32_t index,
                      uint64_t number, bool has_text)
{
    char text[16];
    ps_value wanted[2];
    values_of(number, text, wanted);
    assert_int_equal(ps_row_ring_time(rings, ring, index), 1000 + (int64_t)number);
    assert_int_equal(ps_row_ring_value(rings, ring, index, 0).i64, wanted[0].i64);
    if (has_text) {
        ps_value got = ps_row_ring_value(rings, ring, index, 1);
        assert_int_equal(got.is_null, wanted[1].is_null);
        assert_true(got.is_null || ps_slice_equal(got.text, wanted[1].text));
    }
}

static void run(ps_columns kept, bool has_text)
{
    ps_error err;
    ps_arena arena;
    ps_arena_init(&arena, SIZE_MAX / 2);
    ps_budget budget = {.size_max = 1 << 28};
    ps_store *store;
    assert_int_equal(ps_store_new("Test(0)", &budget, &store, &err), PS_OK);
    ps_row_rings rings;
    assert_int_equal(ps_row_rings_init(&rings, store, &arena, "kept", &schema, kept, &err), PS_OK);
    ps_row_ring ring = {0};
    uint64_t random = 3, next = 0;
    for (int step = 0; step < 4000; step++) {
        bool is_filling = step / 1000 % 2 == 0;
        for (uint64_t n = test_draw(&random, is_filling ? 6 : 2); n > 0; n--) {
            char text[16];
            ps_value values[2];
            values_of(next, text, values);
            int64_t time = 1000 + (int64_t)next++;
            assert_int_equal(ps_row_ring_add(&rings, &ring, time, values, &err), PS_OK);
        }
        uint32_t before = ring.count, drop = (uint32_t)test_draw(&random, is_filling ? 3 : 9);
        uint32_t left = before > drop ? before - drop : 0;
        assert_int_equal(ps_row_ring_keep(&rings, &ring, left, &err), PS_OK);
        assert_int_equal(ring.count, left);
        for (uint32_t i = 0; i < left; i += 1 + i / 4) {
            check_row(&rings, &ring, i, next - left + i, has_text);
        }
    }
    ps_row_ring_clear(&rings, &ring);
    assert_int_equal(ring.block, 0);
    ps_store_free(store);
    ps_arena_release(&arena);
}

static void a_ring_has_the_newest_rows_in_order(void **state)
{
    (void)state;
    run((ps_columns){1, (const uint32_t[]){1}}, false);
    run((ps_columns){2, (const uint32_t[]){1, 2}}, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_ring_has_the_newest_rows_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
