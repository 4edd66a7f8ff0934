#include "testing.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/index.h"

/* The naive map: hash by element number, 0 is "not there" (hashes are made odd). */
enum { ELEMENTS_MAX = 40000, ELEMENTS_FEW = 3000 };

typedef struct {
    ps_index index;
    uint64_t hashes[ELEMENTS_MAX];
    uint64_t count;
    uint32_t element_count; /* numbers in use: 0 … element_count − 1 */
    uint64_t seed;
    uint64_t hash_bits; /* few bits: many equal hashes and long chains */
} scene;

static void scene_init_sized(scene *s, uint64_t seed, uint64_t hash_bits, uint32_t element_count)
{
    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->hash_bits = hash_bits;
    s->element_count = element_count;
    ps_error err;
    assert_int_equal(ps_index_init(&s->index, "test", element_count, &err), PS_OK);
    ps_index_clear(&s->index);
}

static void scene_init(scene *s, uint64_t seed, uint64_t hash_bits)
{
    scene_init_sized(s, seed, hash_bits, ELEMENTS_FEW);
}

static bool index_has(const ps_index *index, uint64_t hash, uint32_t element)
{
    ps_index_cursor cursor;
    uint32_t found = ps_index_first(index, hash, &cursor);
    while (found != PS_INDEX_NONE && found != element) {
        found = ps_index_next(index, &cursor);
    }
    return found == element;
}

/* How often the walk over `hash` meets each element, and that it meets nothing of another tag. */
static void assert_walk_equals_map(const scene *s, uint64_t hash)
{
    uint64_t expected = 0;
    uint64_t expected_sum = 0;
    for (uint32_t i = 0; i < s->element_count; i++) {
        if (s->hashes[i] != 0 && (uint32_t)s->hashes[i] == (uint32_t)hash) {
            expected++;
            expected_sum += (uint64_t)i * i;
        }
    }
    uint64_t met = 0;
    uint64_t met_sum = 0;
    ps_index_cursor cursor;
    for (uint32_t i = ps_index_first(&s->index, hash, &cursor); i != PS_INDEX_NONE;
         i = ps_index_next(&s->index, &cursor)) {
        met++;
        met_sum += (uint64_t)i * i;
        assert_true(met <= expected);
    }
    assert_int_equal(met, expected);
    assert_int_equal(met_sum, expected_sum);
}

static void change_something(scene *s, uint64_t add_per_10)
{
    uint32_t element = (uint32_t)test_draw(&s->seed, s->element_count);
    bool adds = test_draw(&s->seed, 10) < add_per_10;
    if (adds && s->hashes[element] == 0) {
        uint64_t bits = test_next(&s->seed) & (UINT64_MAX >> (64 - s->hash_bits));
        uint64_t hash = bits << 1 | 1;
        assert_true(ps_index_add(&s->index, hash, element));
        s->hashes[element] = hash;
        s->count++;
    } else if (!adds && s->hashes[element] != 0) {
        ps_index_remove(&s->index, s->hashes[element], element);
        s->hashes[element] = 0;
        s->count--;
    }
}

static void assert_equals_map(const scene *s)
{
    assert_int_equal(ps_index_count(&s->index), s->count);
    for (uint32_t i = 0; i < s->element_count; i++) {
        if (s->hashes[i] != 0) {
            assert_true(index_has(&s->index, s->hashes[i], i));
        }
    }
}

static void the_index_equals_a_naive_map_under_random_changes(void **state)
{
    (void)state;
    static scene s;
    static const uint64_t bits_table[] = {63, 12, 5, 1};
    for (size_t kind = 0; kind < sizeof bits_table / sizeof bits_table[0]; kind++) {
        for (uint64_t seed = 1; seed <= test_count(2, 50); seed++) {
            scene_init(&s, seed, bits_table[kind]);
            for (uint64_t phase = 0; phase < 6; phase++) {
                for (int i = 0; i < 3000; i++) {
                    change_something(&s, phase % 2 == 0 ? 8 : 3);
                }
                assert_equals_map(&s);
                for (int i = 0; i < 20; i++) {
                    uint64_t any = s.hashes[test_draw(&s.seed, s.element_count)];
                    assert_walk_equals_map(&s, any != 0 ? any : test_next(&s.seed) | 1);
                }
            }
            ps_index_release(&s.index);
        }
    }
}

static void a_full_index_refuses_and_takes_again_after_a_removal(void **state)
{
    (void)state;
    static scene s;
    /* One chain for all is the most overflow that can be needed; the reservation must hold. */
    for (uint64_t spread = 0; spread <= 1; spread++) {
        scene_init(&s, 1, 63);
        for (uint32_t i = 0; i < ELEMENTS_FEW; i++) {
            assert_true(ps_index_add(&s.index, spread * ps_xxh3_64(&i, sizeof i), i));
        }
        assert_false(ps_index_add(&s.index, 5, 5));
        assert_int_equal(ps_index_count(&s.index), ELEMENTS_FEW);
        uint32_t first = 0;
        ps_index_remove(&s.index, spread * ps_xxh3_64(&first, sizeof first), first);
        assert_true(ps_index_add(&s.index, 5, 5));
        ps_index_release(&s.index);
    }
}

static void emptied_and_cleared_indexes_work_again(void **state)
{
    (void)state;
    static scene s;
    scene_init(&s, 4, 63);
    for (int i = 0; i < 5000; i++) {
        change_something(&s, 9);
    }
    ps_index_clear(&s.index);
    assert_int_equal(ps_index_count(&s.index), 0);
    memset(s.hashes, 0, sizeof s.hashes);
    s.count = 0;
    for (int i = 0; i < 5000; i++) {
        change_something(&s, 7);
    }
    assert_equals_map(&s);
    for (uint32_t i = 0; i < s.element_count; i++) {
        if (s.hashes[i] != 0) {
            ps_index_remove(&s.index, s.hashes[i], i);
        }
    }
    assert_int_equal(ps_index_count(&s.index), 0);
    ps_index_cursor cursor;
    assert_int_equal(ps_index_first(&s.index, 7, &cursor), PS_INDEX_NONE);
    assert_int_equal(ps_index_next(&s.index, &cursor), PS_INDEX_NONE);
    ps_index_release(&s.index);
}

static void equal_operations_give_equal_bytes(void **state)
{
    (void)state;
    static scene a;
    static scene b;
    scene_init(&a, 6, 10);
    scene_init(&b, 6, 10);
    for (int i = 0; i < 20000; i++) {
        change_something(&a, 6);
        change_something(&b, 6);
    }
    ps_region *a_regions[2];
    ps_region *b_regions[2];
    assert_int_equal(ps_index_regions(&a.index, a_regions), 2);
    assert_int_equal(ps_index_regions(&b.index, b_regions), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a_regions[i]->size, b_regions[i]->size);
        assert_memory_equal(a_regions[i]->data, b_regions[i]->data, a_regions[i]->size);
    }
    assert_string_equal(a_regions[0]->name, "test");
    assert_string_equal(a_regions[1]->name, "test_overflow");
    ps_index_release(&a.index);
    ps_index_release(&b.index);
}

static void take_chunk_into(ps_region *from, ps_region *to)
{
    static char chunk[PS_REGION_CHUNK];
    uint64_t offset;
    uint32_t size;
    if (ps_region_next_chunk(from, chunk, &offset, &size)) {
        assert_int_equal(to->size, offset);
        void *at = ps_region_extend(to, size);
        assert_non_null(at);
        memcpy(at, chunk, size);
    }
}

/* Every write is preceded by a touch, or the snapshot would show it. Large enough for several chunks
 * in each region, so that the touch of one bucket does not cover for another's. */
static void a_snapshot_taken_under_changes_loads_as_the_frozen_index(void **state)
{
    (void)state;
    static scene s;
    static scene loaded;
    for (uint64_t seed = 1; seed <= test_count(20, 300); seed++) {
        scene_init_sized(&s, seed, seed % 3 == 0 ? 12 : 63, ELEMENTS_MAX);
        scene_init_sized(&loaded, seed, 63, ELEMENTS_MAX);
        for (int i = 0; i < ELEMENTS_MAX; i++) {
            change_something(&s, 7);
        }
        ps_region *from[2];
        ps_region *to[2];
        ps_index_regions(&s.index, from);
        ps_index_regions(&loaded.index, to);
        memcpy(loaded.hashes, s.hashes, sizeof s.hashes);
        loaded.count = s.count;
        char *frozen[2];
        for (int r = 0; r < 2; r++) {
            frozen[r] = malloc(from[r]->size);
            memcpy(frozen[r], from[r]->data, from[r]->size);
            ps_region_clear(to[r]);
            ps_region_freeze(from[r]);
        }
        for (int i = 0; i < 1500; i++) {
            change_something(&s, i / 300 % 2 == 0 ? 9 : 1);
            if (test_draw(&s.seed, 100) == 0) {
                take_chunk_into(from[i / 2 % 2], to[i / 2 % 2]);
            }
        }
        for (int r = 0; r < 2; r++) {
            for (int i = 0; i < 20; i++) {
                take_chunk_into(from[r], to[r]);
            }
            assert_int_equal(to[r]->size, from[r]->frozen_size);
            assert_memory_equal(to[r]->data, frozen[r], to[r]->size);
            free(frozen[r]);
            ps_region_thaw(from[r]);
        }
        assert_equals_map(&loaded);
        assert_equals_map(&s);
        for (int i = 0; i < 1000; i++) {
            change_something(&loaded, 5);
        }
        assert_equals_map(&loaded);
        ps_index_release(&s.index);
        ps_index_release(&loaded.index);
    }
}

static void the_index_costs_about_14_bytes_a_key(void **state)
{
    (void)state;
    enum { KEYS = 1 << 18 };
    ps_error err;
    ps_index index;
    assert_int_equal(ps_index_init(&index, "test", KEYS, &err), PS_OK);
    ps_index_clear(&index);
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_true(ps_index_add(&index, ps_xxh3_64(&i, sizeof i), i));
        if (i % 10000 == 9999) {
            uint64_t size = index.buckets.size + index.overflow.size;
            assert_true(size < (uint64_t)i * 17);
            assert_true(index.overflow.size < index.buckets.size / 3);
        }
    }
    ps_index_release(&index);
}

static void remove_what_is_not_there(void *index)
{
    ps_index_remove(index, 1, 2);
}

static void removing_what_is_not_there_stops_the_process(void **state)
{
    (void)state;
    static scene s;
    scene_init(&s, 1, 63);
    assert_true(ps_index_add(&s.index, 1, 1));
    test_expect_abort(remove_what_is_not_there, &s.index);
    ps_index_release(&s.index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_equals_a_naive_map_under_random_changes),
        cmocka_unit_test(a_full_index_refuses_and_takes_again_after_a_removal),
        cmocka_unit_test(emptied_and_cleared_indexes_work_again),
        cmocka_unit_test(equal_operations_give_equal_bytes),
        cmocka_unit_test(a_snapshot_taken_under_changes_loads_as_the_frozen_index),
        cmocka_unit_test(the_index_costs_about_14_bytes_a_key),
        cmocka_unit_test(removing_what_is_not_there_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
