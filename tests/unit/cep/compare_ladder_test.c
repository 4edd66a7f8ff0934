#include "cep/compare_ladder.h"

#include "base/testing.h"

typedef struct {
    ps_arena arena;
    ps_compare_ladder ladder;
    uint64_t masks[16];
} fixture;

/* One bit for each comparison; the values' masks, the last of NULL. */
static void run(fixture *f, uint32_t count, const ps_comparison *comparisons, uint32_t value_count,
                const int64_t *values)
{
    ps_error err = {0};
    ps_arena_init(&f->arena, 1 << 20);
    assert_int_equal(ps_compare_ladder_init(&f->ladder, &f->arena, count, comparisons, 1, &err),
                     PS_OK);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t needing = UINT64_C(1) << i;
        ps_compare_ladder_rule_out(&f->ladder, &comparisons[i], &needing);
    }
    uint64_t valid = (UINT64_C(1) << value_count) - 1;
    int64_t copies[16] = {0};
    memcpy(copies, values, value_count * sizeof *values);
    ps_column column = {.values = copies, .valid = &valid};
    const ps_batch batch = {.row_count = value_count + 1, .column_count = 1, .columns = &column};
    for (uint32_t i = 0; i <= value_count; i++) {
        f->masks[i] = (UINT64_C(1) << count) - 1;
    }
    ps_compare_ladder_run(&f->ladder, &batch, 0, value_count + 1, f->masks);
    ps_arena_release(&f->arena);
}

static void each_operator_holds_where_it_should_and_never_for_null(void **state)
{
    (void)state;
    static const ps_comparison comparisons[] = {{0, PS_COMPARE_EQ, 5}, {0, PS_COMPARE_NE, 5},
                                                {0, PS_COMPARE_LT, 5}, {0, PS_COMPARE_LE, 5},
                                                {0, PS_COMPARE_GT, 5}, {0, PS_COMPARE_GE, 5}};
    static const int64_t values[] = {4, 5, 6, INT64_MIN, INT64_MAX};
    fixture f;
    run(&f, 6, comparisons, 5, values);
    assert_int_equal(f.masks[0], 0x0e);
    assert_int_equal(f.masks[1], 0x29);
    assert_int_equal(f.masks[2], 0x32);
    assert_int_equal(f.masks[3], 0x0e);
    assert_int_equal(f.masks[4], 0x32);
    assert_int_equal(f.masks[5], 0);
}

static void constants_may_repeat_and_come_in_any_order(void **state)
{
    (void)state;
    static const ps_comparison comparisons[] = {{0, PS_COMPARE_GT, 30}, {0, PS_COMPARE_GT, 10},
                                                {0, PS_COMPARE_LE, 30}, {0, PS_COMPARE_EQ, -1},
                                                {0, PS_COMPARE_NE, 20}, {0, PS_COMPARE_GE, 10}};
    static const int64_t values[] = {-1, 10, 20, 30, 31};
    fixture f;
    run(&f, 6, comparisons, 5, values);
    for (uint32_t i = 0; i < 5; i++) {
        int64_t v = values[i];
        uint64_t expected = (uint64_t)(v > 30) | (uint64_t)(v > 10) << 1 |
                            (uint64_t)(v <= 30) << 2 | (uint64_t)(v == -1) << 3 |
                            (uint64_t)(v != 20) << 4 | (uint64_t)(v >= 10) << 5;
        assert_int_equal(f.masks[i], expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_holds_where_it_should_and_never_for_null),
        cmocka_unit_test(constants_may_repeat_and_come_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
