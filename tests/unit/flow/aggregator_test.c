#include <stdio.h>

#include "flow/aggregate_fixture.h"

static const ps_type decimal_type = {
    .kind = PS_TYPE_DECIMAL, .nullable = true, .precision = 10, .scale = 2};
static const ps_type wide_type = {
    .kind = PS_TYPE_DECIMAL, .nullable = true, .precision = 38, .scale = 0};
static const ps_field columns[] = {{{"b", 1}, &ps_type_bigint},  {{"d", 1}, &decimal_type},
                                   {{"s", 1}, &ps_type_string},  {{"x", 1}, &ps_type_double},
                                   {{"f", 1}, &ps_type_boolean}, {{"w", 1}, &wide_type}};
static const ps_schema schema = {6, columns};

typedef struct {
    aggregate_fixture fixture;
    ps_budget budget;
    ps_store *store;
    ps_aggregator *aggregator;
    ps_batch_builder rows;
} aggregator_case;

static void begin(aggregator_case *of)
{
    ps_error err;
    *of = (aggregator_case){.budget = {.size_max = 1 << 30}};
    fixture_init(&of->fixture);
    of->fixture.arena.total_max = 1 << 26;
    assert_int_equal(ps_store_new("Test(1)", &of->budget, &of->store, &err), PS_OK);
    assert_int_equal(ps_batch_builder_init(&of->rows, schema.field_count,
                                           bench_types(&of->fixture.arena, &schema), PS_BATCH_ROWS,
                                           &err),
                     PS_OK);
}

static void open_calls(aggregator_case *of, uint32_t needs, bool overflow_is_null)
{
    ps_error err;
    ps_aggregator_options options = {.call_count = of->fixture.call_count,
                                     .calls = of->fixture.calls,
                                     .needs = needs,
                                     .overflow_is_null = overflow_is_null};
    assert_int_equal(
        ps_aggregator_new(of->store, &of->fixture.arena, &options, &of->aggregator, &err), PS_OK);
    assert_int_equal(ps_aggregator_size(of->aggregator) % 8, 0);
}

static void end(aggregator_case *of)
{
    ps_batch_builder_release(&of->rows);
    ps_store_free(of->store);
    fixture_release(&of->fixture);
}

static ps_aggregate_call *call(aggregator_case *of, const char *name, uint32_t column)
{
    return fixture_call(&of->fixture, &schema, name, column, PS_NO_COLUMN);
}

static char *new_state(const aggregator_case *of)
{
    char *state = calloc(1, ps_aggregator_size(of->aggregator) + 8);
    assert_non_null(state);
    return state;
}

static void drop_state(aggregator_case *of, char *state)
{
    ps_aggregator_clear(of->aggregator, state);
    for (uint32_t i = 0; i < ps_aggregator_size(of->aggregator); i++) {
        assert_int_equal(state[i], 0);
    }
    free(state);
}

static void print_results(const aggregator_case *of, const char *state, ps_buf *out)
{
    ps_error err;
    ps_value values[FIXTURE_CALLS_MAX];
    assert_int_equal(ps_aggregator_results(of->aggregator, state, values, &err), PS_OK);
    ps_buf_clear(out);
    for (uint32_t i = 0; i < of->fixture.call_count; i++) {
        ps_value_print(of->fixture.calls[i].result, &values[i], PS_FORM_FLINK, out);
        ps_buf_append_char(out, i + 1 < of->fixture.call_count ? ' ' : 0);
    }
}

static void check_results(const aggregator_case *of, const char *state, const char *expected)
{
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    print_results(of, state, &text);
    assert_string_equal(text.data, expected);
    ps_buf_release(&text);
}

/* ── taking away, merging and subtracting against adding what is left ── */

enum { STATES = 3, ROWS = 120 };

static void add_random_row(aggregator_case *of, uint64_t *random, uint64_t sequence)
{
    char line[200];
    static const char *const texts[] = {"NULL", "a", "bb", "ccc", "a longer text than the others"};
    char number[24] = "NULL";
    if (test_draw(random, 6) != 0) {
        snprintf(number, sizeof number, "%d", (int)test_draw(random, 9) - 4);
    }
    snprintf(line, sizeof line, "+I(%s, %s, %s, %s, %s, %s)", number, number,
             texts[test_draw(random, 5)], number, test_draw(random, 2) == 0 ? "TRUE" : "FALSE",
             number);
    bench_read_row(&of->rows, &schema, line, PS_WATERMARK_NONE, sequence);
}

/* owner[row]: the state that holds the row; −1: none. */
static void check_against_fresh(aggregator_case *of, char *const *states, const int *owner)
{
    ps_error err;
    ps_buf got;
    ps_buf fresh;
    ps_buf_init(&got, 1 << 20);
    ps_buf_init(&fresh, 1 << 20);
    for (int s = 0; s < STATES; s++) {
        char *made = new_state(of);
        for (uint32_t row = 0; row < of->rows.batch.row_count; row++) {
            if (owner[row] == s) {
                assert_int_equal(
                    ps_aggregator_add(of->aggregator, &of->rows.batch, row, made, &err), PS_OK);
            }
        }
        print_results(of, states[s], &got);
        print_results(of, made, &fresh);
        assert_string_equal(got.data, fresh.data);
        drop_state(of, made);
    }
    ps_buf_release(&got);
    ps_buf_release(&fresh);
}

static void move_rows(int *owner, uint32_t count, int from, int to)
{
    for (uint32_t row = 0; row < count; row++) {
        owner[row] = owner[row] == from ? to : owner[row];
    }
}

/* State 0 takes over what state 1 holds; then state 1's rows leave it again, or state 1 is cleared. */
static void merge_step(aggregator_case *of, char **states, int *owner, bool subtracts)
{
    ps_error err;
    assert_int_equal(ps_aggregator_merge(of->aggregator, states[0], states[1], &err), PS_OK);
    if (subtracts) {
        assert_int_equal(ps_aggregator_subtract(of->aggregator, states[0], states[1], &err), PS_OK);
    } else {
        move_rows(owner, of->rows.batch.row_count, 1, 0);
        ps_aggregator_clear(of->aggregator, states[1]);
    }
}

static void random_changes_agree_with_adding_what_is_left(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= test_count(30, 2000); seed++) {
        uint64_t random = seed;
        bool subtracts = seed % 2 == 0;
        ps_error err;
        static aggregator_case of;
        begin(&of);
        call(&of, "COUNT", 2);
        call(&of, "SUM", 1);
        call(&of, "AVG", 0);
        call(&of, "MIN", 2);
        call(&of, "MAX", subtracts ? 5 : 3);
        call(&of, "COUNT", 2)->is_distinct = true;
        ps_aggregate_call *filtered = call(&of, "SUM", 0);
        filtered->is_distinct = true;
        filtered->filter = 4;
        call(&of, "COUNT", 0)->is_distinct = true;
        open_calls(&of, PS_AGGREGATOR_RETRACT | PS_AGGREGATOR_MERGE, false);
        assert_true(ps_aggregator_can_subtract(of.aggregator));
        char *states[STATES];
        int owner[ROWS * 2];
        for (int s = 0; s < STATES; s++) {
            states[s] = new_state(&of);
        }
        for (uint32_t i = 0; i < ROWS; i++) {
            uint32_t row = of.rows.batch.row_count;
            uint32_t old = row > 0 ? (uint32_t)test_draw(&random, row) : 0;
            if (row > 0 && owner[old] >= 0 && test_draw(&random, 3) == 0) {
                assert_int_equal(ps_aggregator_retract(of.aggregator, &of.rows.batch, old,
                                                       states[owner[old]], &err),
                                 PS_OK);
                owner[old] = -1;
            }
            add_random_row(&of, &random, i);
            owner[row] = (int)test_draw(&random, STATES);
            assert_int_equal(ps_aggregator_update(of.aggregator, &of.rows.batch, row, row + 1,
                                                  &states[owner[row]], &err),
                             PS_OK);
            if (test_draw(&random, 15) == 0) {
                merge_step(&of, states, owner, subtracts);
            }
        }
        check_against_fresh(&of, states, owner);
        for (int s = 0; s < STATES; s++) {
            drop_state(&of, states[s]);
        }
        end(&of);
    }
}

/* Many rows at once, to several states, agree with one by one; without retraction the sets of
 * DISTINCT are of bits instead of counts. */
static void many_rows_at_once_agree_with_one_by_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t random = seed;
        ps_error err;
        static aggregator_case of;
        begin(&of);
        call(&of, "SUM", 0);
        call(&of, "MIN", 3);
        call(&of, "MAX", 2);
        call(&of, "COUNT", 2)->is_distinct = true;
        ps_aggregate_call *filtered = call(&of, "COUNT", 2);
        filtered->is_distinct = true;
        filtered->filter = 4;
        call(&of, "LISTAGG", 2)->is_distinct = true;
        call(&of, "ARRAY_AGG", 0);
        call(&of, "FIRST_VALUE", 2);
        open_calls(&of, 0, false);
        char *states[STATES];
        char *to[ROWS];
        int owner[ROWS];
        for (int s = 0; s < STATES; s++) {
            states[s] = new_state(&of);
        }
        for (uint32_t i = 0; i < ROWS; i++) {
            add_random_row(&of, &random, i);
            owner[i] = (int)test_draw(&random, STATES + 1) - 1;
            to[i] = owner[i] >= 0 ? states[owner[i]] : NULL;
        }
        assert_int_equal(ps_aggregator_update(of.aggregator, &of.rows.batch, 0, ROWS, to, &err),
                         PS_OK);
        check_against_fresh(&of, states, owner);
        for (int s = 0; s < STATES; s++) {
            drop_state(&of, states[s]);
        }
        end(&of);
    }
}

/* ── overflow ── */

static const char nines[] =
    "+I(NULL, NULL, NULL, NULL, NULL, 99999999999999999999999999999999999999)";
static const char five[] = "+I(NULL, NULL, NULL, NULL, NULL, 5)";

static ps_code add_line(aggregator_case *of, const char *line, char *to, ps_error *err)
{
    uint32_t row = of->rows.batch.row_count;
    bench_read_row(&of->rows, &schema, line, PS_WATERMARK_NONE, row);
    return ps_aggregator_add(of->aggregator, &of->rows.batch, row, to, err);
}

static void a_sum_of_too_many_digits_is_an_error(void **state)
{
    (void)state;
    ps_error err;
    static aggregator_case of;
    begin(&of);
    call(&of, "SUM", 5);
    open_calls(&of, 0, false);
    char *to = new_state(&of);
    assert_int_equal(add_line(&of, nines, to, &err), PS_OK);
    assert_int_equal(add_line(&of, five, to, &err), PS_E_INVALID);
    assert_non_null(strstr(err.text, "paystream.compat.overflow"));
    check_results(&of, to, "99999999999999999999999999999999999999");
    drop_state(&of, to);
    end(&of);
}

/* SEMANTICS §3.3: NULL, and the next value begins anew; an average stays NULL. */
static void under_flinks_rule_the_sum_begins_anew(void **state)
{
    (void)state;
    ps_error err;
    static aggregator_case of;
    begin(&of);
    call(&of, "SUM", 5);
    call(&of, "AVG", 5);
    open_calls(&of, PS_AGGREGATOR_RETRACT, true);
    assert_false(ps_aggregator_can_subtract(of.aggregator));
    char *to = new_state(&of);
    assert_int_equal(add_line(&of, nines, to, &err), PS_OK);
    assert_int_equal(add_line(&of, five, to, &err), PS_OK);
    check_results(&of, to, "null null");
    assert_int_equal(add_line(&of, five, to, &err), PS_OK);
    check_results(&of, to, "5 null");
    drop_state(&of, to);
    end(&of);
}

/* ── merging in order ── */

static void merged_values_are_first_and_last_by_arrival(void **state)
{
    (void)state;
    ps_error err;
    static aggregator_case of;
    begin(&of);
    call(&of, "FIRST_VALUE", 2);
    call(&of, "LAST_VALUE", 2);
    call(&of, "FIRST_VALUE", 0);
    call(&of, "LISTAGG", 2);
    open_calls(&of, PS_AGGREGATOR_MERGE, false);
    assert_false(ps_aggregator_can_subtract(of.aggregator));
    char *a = new_state(&of);
    char *b = new_state(&of);
    assert_int_equal(add_line(&of, "+I(1, NULL, one, NULL, NULL, NULL)", b, &err), PS_OK);
    assert_int_equal(add_line(&of, "+I(2, NULL, two, NULL, NULL, NULL)", a, &err), PS_OK);
    assert_int_equal(add_line(&of, "+I(3, NULL, three, NULL, NULL, NULL)", b, &err), PS_OK);
    assert_int_equal(ps_aggregator_merge(of.aggregator, a, b, &err), PS_OK);
    check_results(&of, a, "one three 1 two,one,three");
    check_results(&of, b, "one three 1 one,three");
    drop_state(&of, a);
    drop_state(&of, b);
    end(&of);
}

/* ── resolution ── */

static void calls_are_resolved_or_refused_by_name(void **state)
{
    (void)state;
    ps_arena arena;
    ps_arena_init(&arena, 1 << 20);
    static const struct {
        const char *name;
        uint32_t argument_count;
        const ps_type *type;
        const char *expected; /* type, or part of the error */
        ps_code code;
    } cases[] = {
        {"count", 0, NULL, "BIGINT NOT NULL", PS_OK},
        {"SUM", 1, &ps_type_int, "INT", PS_OK},
        {"SUM", 1, &decimal_type, "DECIMAL(38, 2)", PS_OK},
        {"AVG", 1, &decimal_type, "DECIMAL(38, 6)", PS_OK},
        {"AVG", 1, &ps_type_bigint, "BIGINT", PS_OK},
        {"MAX", 1, &ps_type_string, "STRING", PS_OK},
        {"ARRAY_AGG", 1, &ps_type_int, "ARRAY<INT>", PS_OK},
        {"ROW_NUMBER", 0, NULL, "BIGINT NOT NULL", PS_OK},
        {"LAG", 1, &ps_type_int, "INT", PS_OK},
        {"SUM", 1, &ps_type_string, "SUM cannot take STRING", PS_E_INVALID},
        {"LISTAGG", 1, &ps_type_int, "LISTAGG cannot take INT", PS_E_INVALID},
        {"SUM", 0, NULL, "SUM with 0 arguments", PS_E_INVALID},
        {"LEAD", 1, &ps_type_int, "LEAD Function is not supported in stream mode",
         PS_E_UNSUPPORTED},
        {"COLLECT", 1, &ps_type_int, "COLLECT is not supported yet", PS_E_UNSUPPORTED},
        {"STDDEV_POP", 1, &decimal_type, "CAST the argument AS DOUBLE", PS_E_UNSUPPORTED},
        {"NO_SUCH", 1, &ps_type_int, "NO_SUCH", PS_E_MISSING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ps_error err = {0};
        ps_aggregate_signature signature;
        ps_code code = ps_aggregate_resolve(&arena, cases[i].name, cases[i].argument_count,
                                            &cases[i].type, &signature, &err);
        assert_int_equal(code, cases[i].code);
        ps_buf text;
        ps_buf_init(&text, 1000);
        if (code == PS_OK) {
            ps_type_print(signature.result, &text);
        } else {
            ps_buf_append_text(&text, err.text);
        }
        ps_buf_append_char(&text, 0);
        if (strstr(text.data, cases[i].expected) == NULL) {
            fail_msg("%s: %s, expected %s", cases[i].name, text.data, cases[i].expected);
        }
        ps_buf_release(&text);
    }
    ps_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_agree_with_adding_what_is_left),
        cmocka_unit_test(many_rows_at_once_agree_with_one_by_one),
        cmocka_unit_test(a_sum_of_too_many_digits_is_an_error),
        cmocka_unit_test(under_flinks_rule_the_sum_begins_anew),
        cmocka_unit_test(merged_values_are_first_and_last_by_arrival),
        cmocka_unit_test(calls_are_resolved_or_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
