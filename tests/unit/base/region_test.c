#include "testing.h"

#include "base/region.h"

enum { SIZE_MAX_BYTES = 20 * PS_REGION_CHUNK + 1000 };

static void a_region_grows_to_its_declared_limit_and_no_further(void **state)
{
    (void)state;
    ps_error err;
    ps_region region;
    assert_int_equal(ps_region_init(&region, "test", 100000, &err), PS_OK);
    char *first = ps_region_extend(&region, 60000);
    assert_ptr_equal(first, region.data);
    char *second = ps_region_extend(&region, 40000);
    assert_ptr_equal(second, first + 60000);
    assert_null(ps_region_extend(&region, 1));
    assert_int_equal(region.size, 100000);
    assert_non_null(ps_region_extend(&region, 0));
    assert_int_equal((uintptr_t)first % 4096, 0);
    ps_region_release(&region);
}

static void cleared_memory_reads_as_zeros_when_it_is_used_again(void **state)
{
    (void)state;
    ps_error err;
    ps_region region;
    assert_int_equal(ps_region_init(&region, "test", SIZE_MAX_BYTES, &err), PS_OK);
    for (int round = 0; round < 3; round++) {
        char *at = ps_region_extend(&region, SIZE_MAX_BYTES);
        assert_non_null(at);
        for (size_t i = 0; i < SIZE_MAX_BYTES; i++) {
            assert_int_equal(at[i], 0);
        }
        memset(at, 0xAB, SIZE_MAX_BYTES);
        ps_region_clear(&region);
        assert_int_equal(region.size, 0);
    }
    ps_region_release(&region);
}

static void a_region_far_larger_than_memory_can_be_reserved(void **state)
{
    (void)state;
    ps_error err;
    ps_region region;
    assert_int_equal(ps_region_init(&region, "test", UINT64_C(1) << 40, &err), PS_OK);
    ps_region_release(&region);
}

static void address_space_that_is_not_to_be_had_is_a_memory_error(void **state)
{
    (void)state;
    ps_error err;
    ps_region region = {.name = "before"};
    assert_int_equal(ps_region_init(&region, "huge", UINT64_C(1) << 46, &err), PS_E_MEMORY);
    assert_string_equal(region.name, "before");
    assert_non_null(strstr(err.text, "huge"));
}

static void clear_while_frozen(void *region)
{
    ps_region_clear(region);
}

static void freeze_again(void *region)
{
    ps_region_freeze(region);
}

static void misuse_stops_the_process(void **state)
{
    (void)state;
    ps_error err;
    ps_region region;
    assert_int_equal(ps_region_init(&region, "test", 1000, &err), PS_OK);
    ps_region_freeze(&region);
    test_expect_abort(clear_while_frozen, &region);
    test_expect_abort(freeze_again, &region);
    ps_region_thaw(&region);
    ps_region_release(&region);
}

/* A region under random writes and a snapshot of it in progress, with the copy made at freeze. */
typedef struct {
    ps_region region;
    char *frozen;   /* the bytes at freeze */
    char *snapshot; /* what next_chunk gave */
    uint64_t frozen_size;
    uint64_t taken;
    uint64_t seed;
} scene;

static void write_somewhere(scene *s)
{
    if (s->region.size == 0) {
        return;
    }
    uint64_t offset = test_draw(&s->seed, s->region.size);
    uint64_t size_max = s->region.size - offset;
    uint64_t wanted = test_draw(&s->seed, 10) == 0 ? 3 * PS_REGION_CHUNK : 64;
    uint64_t size = 1 + test_draw(&s->seed, wanted < size_max ? wanted : size_max);
    ps_region_touch(&s->region, s->region.data + offset, size);
    memset(s->region.data + offset, (int)test_next(&s->seed), size);
}

static void append_something(scene *s)
{
    uint64_t size = test_draw(&s->seed, PS_REGION_CHUNK);
    char *at = ps_region_extend(&s->region, size);
    if (at != NULL) {
        memset(at, (int)test_next(&s->seed), size); /* no touch needed */
    }
}

static bool take_chunk(scene *s)
{
    static char chunk[PS_REGION_CHUNK];
    uint64_t offset;
    uint32_t size;
    if (!ps_region_next_chunk(&s->region, chunk, &offset, &size)) {
        return false;
    }
    assert_int_equal(offset, s->taken);
    assert_true(offset + size <= s->frozen_size);
    memcpy(s->snapshot + offset, chunk, size);
    s->taken += size;
    return true;
}

static void run_snapshot(scene *s)
{
    s->frozen_size = s->region.size;
    s->taken = 0;
    memcpy(s->frozen, s->region.data, s->region.size);
    ps_region_freeze(&s->region);
    for (uint64_t steps = test_draw(&s->seed, 100); steps > 0; steps--) {
        switch (test_draw(&s->seed, 4)) {
        case 0:
            append_something(s);
            break;
        case 1:
            (void)take_chunk(s);
            break;
        default:
            write_somewhere(s);
            break;
        }
    }
    if (test_draw(&s->seed, 4) > 0) {
        while (take_chunk(s)) {
            write_somewhere(s);
        }
        assert_int_equal(s->taken, s->frozen_size);
    } /* else: given up half-way */
    assert_memory_equal(s->snapshot, s->frozen, s->taken);
    ps_region_thaw(&s->region);
    for (int i = 0; i < 20; i++) {
        write_somewhere(s);
    }
}

static void a_snapshot_equals_the_frozen_state_under_random_writes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= test_count(40, 1000); seed++) {
        ps_error err;
        scene s = {.seed = seed};
        assert_int_equal(ps_region_init(&s.region, "test", SIZE_MAX_BYTES, &err), PS_OK);
        s.frozen = malloc(SIZE_MAX_BYTES);
        s.snapshot = malloc(SIZE_MAX_BYTES);
        for (int round = 0; round < 5; round++) {
            run_snapshot(&s);
            append_something(&s);
        }
        free(s.frozen);
        free(s.snapshot);
        ps_region_release(&s.region);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_grows_to_its_declared_limit_and_no_further),
        cmocka_unit_test(cleared_memory_reads_as_zeros_when_it_is_used_again),
        cmocka_unit_test(a_region_far_larger_than_memory_can_be_reserved),
        cmocka_unit_test(address_space_that_is_not_to_be_had_is_a_memory_error),
        cmocka_unit_test(misuse_stops_the_process),
        cmocka_unit_test(a_snapshot_equals_the_frozen_state_under_random_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
