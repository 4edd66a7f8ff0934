#include "flow/bench.h"

static const ps_type decimal_type = {
    .kind = PS_TYPE_DECIMAL, .nullable = true, .precision = 10, .scale = 2};
static const ps_field columns[] = {
    {{"acct", 4}, &ps_type_string}, {{"id", 2}, &ps_type_int}, {{"amount", 6}, &decimal_type}};
static const ps_field ranked[] = {{{"acct", 4}, &ps_type_string},
                                  {{"id", 2}, &ps_type_int},
                                  {{"amount", 6}, &decimal_type},
                                  {{"rn", 2}, &ps_type_bigint}};
static const uint32_t key_columns[] = {0};
static const ps_sort_key by_amount[] = {{.column = 2, .is_descending = true, .nulls_last = true}};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {3, columns}};
static const ps_node *const inputs[] = {&input_node};

static void check(const ps_rank_spec *spec, const char *input, const char *expected)
{
    ps_node node = {
        .kind = PS_NODE_RANK,
        .input_count = 1,
        .inputs = inputs,
        .schema = {spec->emit_rank ? 4 : 3, ranked},
        .rank = spec,
    };
    bench_check(&(bench_case){ps_op_rank_new, &node, input, expected, 0, 0});
}

static const ps_rank_spec top_two = {
    .keys = {1, key_columns},
    .sort_count = 1,
    .sort = by_amount,
    .first = 1,
    .last = 2,
    .emit_update_before = true,
};

static void only_who_enters_and_who_leaves_is_told_without_numbers(void **state)
{
    (void)state;
    check(&top_two,
          "+I(A, 1, 10.00)\n+I(A, 2, 5.00)\n+I(A, 3, 7.00)\n+I(A, 4, 1.00)\n+I(B, 5, 1.00)\n"
          "+I(A, 6, 7.00)\n+I(A, 7, 20.00)\n",
          "+I(A, 1, 10.00)\n+I(A, 2, 5.00)\n-D(A, 2, 5.00)\n+I(A, 3, 7.00)\n+I(B, 5, 1.00)\n"
          "-D(A, 3, 7.00)\n+I(A, 7, 20.00)\n");
}

static void every_shift_is_told_with_numbers(void **state)
{
    (void)state;
    ps_rank_spec spec = top_two;
    spec.emit_rank = true;
    check(&spec, "+I(A, 1, 10.00)\n+I(A, 2, 5.00)\n+I(A, 3, 20.00)\n+I(A, 4, NULL)\n",
          "+I(A, 1, 10.00, 1)\n+I(A, 2, 5.00, 2)\n"
          "-U(A, 1, 10.00, 1)\n+U(A, 3, 20.00, 1)\n-U(A, 2, 5.00, 2)\n+U(A, 1, 10.00, 2)\n");
}

static void updating_input_brings_back_who_was_pushed_out(void **state)
{
    (void)state;
    ps_rank_spec spec = top_two;
    spec.input_updates = true;
    check(&spec,
          "+I(A, 1, 10.00)\n+I(A, 2, 5.00)\n+I(A, 3, 20.00)\n-D(A, 3, 20.00)\n-U(A, 1, 10.00)\n"
          "+U(A, 1, 1.00)\n-D(A, 2, 5.00)\n-D(A, 1, 1.00)\n",
          "+I(A, 1, 10.00)\n+I(A, 2, 5.00)\n-D(A, 2, 5.00)\n+I(A, 3, 20.00)\n-D(A, 3, 20.00)\n"
          "+I(A, 2, 5.00)\n-D(A, 1, 10.00)\n+I(A, 1, 1.00)\n-D(A, 2, 5.00)\n-D(A, 1, 1.00)\n");
}

static void a_range_that_does_not_begin_at_one_shifts_too(void **state)
{
    (void)state;
    ps_rank_spec spec = top_two;
    spec.first = 2;
    spec.last = 3;
    check(&spec, "+I(A, 1, 1.00)\n+I(A, 2, 2.00)\n+I(A, 3, 3.00)\n+I(A, 4, 4.00)\n",
          "+I(A, 1, 1.00)\n+I(A, 2, 2.00)\n-D(A, 1, 1.00)\n+I(A, 3, 3.00)\n");
}

static void upserts_replace_the_row_of_their_key(void **state)
{
    (void)state;
    static const uint32_t ids[] = {1};
    ps_rank_spec spec = top_two;
    spec.input_updates = true;
    spec.input_upsert_key = (ps_columns){1, ids};
    check(&spec, "+I(A, 1, 10.00)\n+I(A, 2, 5.00)\n+U(A, 2, 50.00)\n-D(A, 1, 10.00)\n",
          "+I(A, 1, 10.00)\n+I(A, 2, 5.00)\n-D(A, 2, 5.00)\n+I(A, 2, 50.00)\n-D(A, 1, 10.00)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_who_enters_and_who_leaves_is_told_without_numbers),
        cmocka_unit_test(every_shift_is_told_with_numbers),
        cmocka_unit_test(updating_input_brings_back_who_was_pushed_out),
        cmocka_unit_test(a_range_that_does_not_begin_at_one_shifts_too),
        cmocka_unit_test(upserts_replace_the_row_of_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
