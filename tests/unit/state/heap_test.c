#include "state/state_fixture.h"

enum { BLOCKS = 300 };

static void rooms_waste_at_most_a_quarter(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (uint32_t size = 1; size < 200000; size++) {
        uint32_t room = ps_heap_room(size);
        assert_true(room >= size && room >= before && room % 16 == 0);
        assert_true(room <= size + size / 4 || room - size < 16);
        before = room;
    }
    assert_true(ps_heap_room(INT32_MAX) >= INT32_MAX);
    assert_int_equal(ps_heap_room(0), 16);
}

static void blocks_keep_their_bytes_and_are_used_again(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 28};
    ps_store *store = fixture_store(&budget);
    ps_heap heap;
    assert_int_equal(ps_heap_init(&heap, store, "h", &err), PS_OK);
    uint32_t refs[BLOCKS] = {0};
    uint32_t sizes[BLOCKS];
    uint64_t random = 3;
    uint64_t settled = 0;
    for (int i = 0; i < 40000; i++) {
        uint32_t b = (uint32_t)test_draw(&random, BLOCKS);
        if (refs[b] != 0) {
            const char *at = ps_heap_at(&heap, refs[b]);
            for (uint32_t k = 0; k < sizes[b]; k++) {
                assert_int_equal((uint8_t)at[k], (uint8_t)(b + k));
            }
            ps_heap_give(&heap, refs[b], sizes[b]);
            refs[b] = 0;
            continue;
        }
        sizes[b] = (uint32_t)test_draw(&random, 300);
        assert_int_equal(ps_heap_take(&heap, sizes[b], &refs[b], &err), PS_OK);
        assert_int_not_equal(refs[b], 0);
        char *at = ps_heap_at(&heap, refs[b]);
        assert_int_equal((uintptr_t)at % 16, 0);
        for (uint32_t k = 0; k < sizes[b]; k++) {
            at[k] = (char)(b + k);
        }
        settled = i == 20000 ? ps_store_size(store) : settled;
    }
    assert_true(ps_store_size(store) < settled * 3 / 2);
    ps_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_waste_at_most_a_quarter),
        cmocka_unit_test(blocks_keep_their_bytes_and_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
