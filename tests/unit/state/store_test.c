#include "state/state_fixture.h"

static void a_region_that_grows_large_keeps_its_bytes(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = UINT64_C(4) << 30};
    ps_store *store = fixture_store(&budget);
    ps_region *region;
    assert_int_equal(ps_store_region(store, "r", &region, &err), PS_OK);
    enum { STEP = 1 << 20, STEPS = 20 };
    for (int round = 0; round < 2; round++) { /* small again after a clear */
        for (uint64_t i = 0; i < STEPS; i++) {
            void *at;
            assert_int_equal(ps_store_extend(store, region, STEP, &at, &err), PS_OK);
            assert_int_equal(*(uint64_t *)at, 0);
            *(uint64_t *)at = i + 1;
        }
        for (uint64_t i = 0; i < STEPS; i++) {
            assert_int_equal(*(uint64_t *)(void *)(region->data + i * STEP), i + 1);
        }
        assert_int_equal(ps_store_size(store), STEP * STEPS);
        ps_region_clear(region);
    }
    ps_store_free(store);
    assert_int_equal(budget.size, 0);
}

static void the_root_stays_and_is_saved(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 24};
    ps_store *store = fixture_store(&budget);
    ps_store *copy = fixture_store(&budget);
    void *root;
    void *copied;
    assert_int_equal(ps_store_root(store, 16, &root, &err), PS_OK);
    assert_int_equal(ps_store_root(copy, 16, &copied, &err), PS_OK);
    ps_store_touch_root(store);
    *(uint64_t *)root = 77;
    fixture_copy(store, copy);
    assert_int_equal(*(uint64_t *)copied, 77);
    assert_string_equal(ps_store_name(store), "Test(1)");
    ps_store_free(store);
    ps_store_free(copy);
}

static void stores_of_a_job_share_its_budget(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 20};
    ps_store *a = fixture_store(&budget);
    ps_store *b = fixture_store(&budget);
    ps_region *of_a;
    ps_region *of_b;
    void *at;
    assert_int_equal(ps_store_region(a, "r", &of_a, &err), PS_OK);
    assert_int_equal(ps_store_region(b, "r", &of_b, &err), PS_OK);
    assert_int_equal(ps_store_extend(a, of_a, 600 << 10, &at, &err), PS_OK);
    assert_int_equal(ps_store_extend(b, of_b, 600 << 10, &at, &err), PS_E_LIMIT);
    assert_int_equal(of_b->size, 0);
    ps_store_free(a);
    assert_int_equal(ps_store_extend(b, of_b, 600 << 10, &at, &err), PS_OK);
    ps_store_free(b);
    assert_int_equal(budget.size, 0);
}

static void release_number(void *thing)
{
    ++*(int *)thing;
}

static void attachments_end_with_the_store(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 20};
    ps_store *store = fixture_store(&budget);
    int released = 0;
    assert_int_equal(ps_store_attach(store, &released, release_number, &err), PS_OK);
    assert_int_equal(released, 0);
    ps_store_free(store);
    assert_int_equal(released, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_that_grows_large_keeps_its_bytes),
        cmocka_unit_test(the_root_stays_and_is_saved),
        cmocka_unit_test(stores_of_a_job_share_its_budget),
        cmocka_unit_test(attachments_end_with_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
