#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void blocks_are_zeroed_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    ps_arena arena;
    ps_arena_init(&arena, 64 << 20);
    char *blocks[2000];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2000; i++) {
            size_t size = (size_t)i * 7 % 900 + 1;
            blocks[i] = ps_arena_take(&arena, size);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            for (size_t byte = 0; byte < size; byte++) {
                assert_int_equal(blocks[i][byte], 0);
            }
            memset(blocks[i], i % 255 + 1, size);
        }
        for (int i = 0; i < 2000; i++) {
            assert_int_equal((unsigned char)blocks[i][(size_t)i * 7 % 900], i % 255 + 1);
        }
        size_t total = arena.total;
        ps_arena_reset(&arena);
        assert_int_equal(arena.total, total);
    }
    ps_arena_release(&arena);
}

static void the_declared_limit_is_kept(void **state)
{
    (void)state;
    ps_arena arena;
    ps_arena_init(&arena, 100000);
    assert_null(ps_arena_take(&arena, 100001));
    assert_null(ps_arena_take(&arena, SIZE_MAX - 3));
    size_t taken = 0;
    while (ps_arena_take(&arena, 1000) != NULL) {
        taken += 1000;
    }
    assert_in_range(taken, 90000, 100000);
    assert_true(arena.total <= 100000);
    ps_arena_release(&arena);
}

static void text_is_copied_and_printed_with_its_end(void **state)
{
    (void)state;
    ps_arena arena;
    ps_arena_init(&arena, 1 << 20);
    assert_string_equal(ps_arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(ps_arena_copy(&arena, NULL, 0), "");
    assert_string_equal(ps_arena_print(&arena, "%s-%d", "x", 42), "x-42");
    ps_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_aligned_and_do_not_overlap),
        cmocka_unit_test(the_declared_limit_is_kept),
        cmocka_unit_test(text_is_copied_and_printed_with_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
