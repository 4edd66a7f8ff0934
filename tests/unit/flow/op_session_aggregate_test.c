#include "flow/aggregate_fixture.h"

static const ps_field columns[] = {
    {{"k", 1}, &ps_type_string}, {{"t", 1}, &ps_type_timestamp3}, {{"b", 1}, &ps_type_bigint}};
static const ps_schema schema = {3, columns};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {3, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key_columns[] = {0};
static const ps_window_property start_end[] = {PS_WINDOW_START, PS_WINDOW_END};

enum { GAP = 5, RANDOM_GAP = 150 };

typedef struct {
    aggregate_fixture fixture;
    ps_window_aggregate_spec spec;
} session_case;

static session_case begin(void)
{
    session_case made = {
        .spec = {.window = {.kind = PS_WINDOW_SESSION, .size_ms = GAP, .time_column = 1},
                 .keys = {1, key_columns},
                 .property_count = 2,
                 .properties = start_end},
    };
    fixture_init(&made.fixture);
    return made;
}

static ps_aggregate_call *call(session_case *of, const char *name, uint32_t column)
{
    return fixture_call(&of->fixture, &schema, name, column, PS_NO_COLUMN);
}

static void check(session_case *of, const char *input, const char *expected)
{
    of->spec.call_count = of->fixture.call_count;
    of->spec.calls = of->fixture.calls;
    ps_node node = {
        .kind = PS_NODE_WINDOW_AGGREGATE,
        .input_count = 1,
        .inputs = inputs,
        .schema = fixture_schema(&of->fixture, &schema, of->spec.keys, 2),
        .window_aggregate = &of->spec,
    };
    bench_check(&(bench_case){ps_op_session_aggregate_new, &node, input, expected, 0, 0});
    fixture_release(&of->fixture);
}

static void rows_exactly_the_gap_apart_are_one_session(void **state)
{
    (void)state;
    session_case of = begin();
    call(&of, "COUNT", PS_NO_COLUMN);
    call(&of, "SUM", 2);
    check(&of, "+I(A, 1, 1)\n+I(B, 3, 1)\n+I(A, 6, 2)\n+I(A, 12, 4)\n+I(NULL, 7, 8)\nend\n",
          "+I(B, 1, 1, 3, 8)\n+I(A, 2, 3, 1, 11)\n+I(NULL, 1, 8, 7, 12)\n+I(A, 1, 4, 12, 17)\n");
}

static void a_row_between_merges_its_neighbours(void **state)
{
    (void)state;
    session_case of = begin();
    call(&of, "COUNT", PS_NO_COLUMN);
    call(&of, "FIRST_VALUE", 2);
    call(&of, "LAST_VALUE", 2);
    call(&of, "COUNT", 2)->is_distinct = true;
    call(&of, "ARRAY_AGG", 2);
    check(&of, "+I(A, 20, 1)\n+I(A, 10, 2)\n+I(A, 30, 2)\n+I(A, 15, 3)\n+I(A, 25, 1)\nend\n",
          "+I(A, 5, 1, 1, 3, [2, 1, 3, 2, 1], 10, 35)\n");
}

static void a_late_row_that_joins_a_live_session_counts(void **state)
{
    (void)state;
    session_case of = begin();
    call(&of, "SUM", 2);
    check(&of,
          /* 2 is late by itself, but [2,7) touches the session of 7 */
          "+I(A, 7, 1)\nwm 10\n+I(A, 2, 2)\n+I(B, 2, 4)\n+I(A, 13, 8)\nwm 11\n+I(A, 5, 16)\nwm 18\n"
          "+I(A, 13, 32)\n+I(A, 15, 64)\nend\n",
          "+I(A, 3, 2, 12)\n+I(A, 8, 13, 18)\n+I(A, 64, 15, 20)\n");
}

static void sessions_that_grow_close_at_their_new_end(void **state)
{
    (void)state;
    session_case of = begin();
    call(&of, "COUNT", PS_NO_COLUMN);
    check(&of,
          "+I(A, 1, 1)\nwm 4\n+I(A, 5, 1)\nwm 5\n+I(A, 9, 1)\nwm 9\n+I(B, 8, 1)\nwm 12\nwm 13\n"
          "+I(A, 13, 1)\n+I(A, 20, 1)\nend\n",
          "+I(B, 1, 8, 13)\n+I(A, 3, 1, 14)\n+I(A, 1, 13, 18)\n+I(A, 1, 20, 25)\n");
}

static void a_session_whose_rows_were_taken_back_is_not_told(void **state)
{
    (void)state;
    session_case of = begin();
    of.spec.input_retracts = true;
    call(&of, "COUNT", PS_NO_COLUMN);
    call(&of, "MAX", 2);
    check(&of, "+I(A, 1, 1)\n+I(B, 1, 1)\n-D(A, 1, 1)\n+I(B, 2, 5)\n-D(B, 2, 5)\nend\n",
          "+I(B, 1, 1, 1, 7)\n");
}

/* ── against a naive recomputation: times are all different, so ends are ── */

enum { SESSIONS_MAX = 120, KEYS = 4 };

typedef struct {
    int key;
    int64_t start, end, sum, count;
    bool is_closed;
} naive_session;

typedef struct {
    naive_session sessions[SESSIONS_MAX];
    int count;
    ps_buf input, expected;
} naive;

static bool touches(const naive_session *at, int key, int64_t start, int64_t end)
{
    return !at->is_closed && at->key == key && at->start <= end && start <= at->end;
}

static void naive_row(naive *of, int key, int64_t time, int64_t value, int64_t watermark)
{
    ps_buf_append_format(&of->input, "+I(k%d, %ld, %ld)\n", key, (long)time, (long)value);
    naive_session own = {key, time, time + RANDOM_GAP, value, 1, false};
    for (int i = 0; i < of->count; i++) {
        naive_session *at = &of->sessions[i];
        if (touches(at, key, time, time + RANDOM_GAP)) {
            own.start = at->start < own.start ? at->start : own.start;
            own.end = at->end > own.end ? at->end : own.end;
            own.sum += at->sum;
            own.count += at->count;
            at->is_closed = true;
        }
    }
    if (own.end - 1 > watermark) {
        of->sessions[of->count++] = own;
    }
}

static void naive_close(naive *of, int64_t watermark)
{
    for (;;) {
        naive_session *first = NULL;
        for (int i = 0; i < of->count; i++) {
            naive_session *at = &of->sessions[i];
            if (!at->is_closed && at->end - 1 <= watermark &&
                (first == NULL || at->end < first->end)) {
                first = at;
            }
        }
        if (first == NULL) {
            return;
        }
        first->is_closed = true;
        ps_buf_append_format(&of->expected, "+I(k%d, %ld, %ld, %ld, %ld)\n", first->key,
                             (long)first->count, (long)first->sum, (long)first->start,
                             (long)first->end);
    }
}

static void random_sessions_agree_with_a_naive_recomputation(void **state)
{
    (void)state;
    uint64_t rounds = test_count(25, 2000);
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        static naive of;
        uint64_t random = seed;
        of.count = 0;
        ps_buf_init(&of.input, 1 << 20);
        ps_buf_init(&of.expected, 1 << 20);
        int64_t now = (int64_t)test_draw(&random, 4000) - 2000;
        int64_t watermark = -1000000;
        for (int i = 0; i < SESSIONS_MAX; i++) {
            int64_t time = (now - (int64_t)test_draw(&random, 12)) * SESSIONS_MAX + i;
            naive_row(&of, (int)test_draw(&random, KEYS), time, (int64_t)i, watermark);
            now += (int64_t)test_draw(&random, 3) + (test_draw(&random, 20) == 0 ? 9 : 0);
            int64_t met = (now - 6) * SESSIONS_MAX;
            if (met > watermark && test_draw(&random, 4) == 0) {
                watermark = met;
                ps_buf_append_format(&of.input, "wm %ld\n", (long)watermark);
                naive_close(&of, watermark);
            }
        }
        ps_buf_append_text(&of.input, "end\n");
        naive_close(&of, INT64_MAX);
        ps_buf_append_char(&of.input, 0);
        ps_buf_append_char(&of.expected, 0);
        assert_false(of.input.failed || of.expected.failed);
        session_case made = begin();
        made.spec.window.size_ms = RANDOM_GAP;
        call(&made, "COUNT", PS_NO_COLUMN);
        call(&made, "SUM", 2);
        check(&made, of.input.data, of.expected.data);
        ps_buf_release(&of.input);
        ps_buf_release(&of.expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_exactly_the_gap_apart_are_one_session),
        cmocka_unit_test(a_row_between_merges_its_neighbours),
        cmocka_unit_test(a_late_row_that_joins_a_live_session_counts),
        cmocka_unit_test(sessions_that_grow_close_at_their_new_end),
        cmocka_unit_test(a_session_whose_rows_were_taken_back_is_not_told),
        cmocka_unit_test(random_sessions_agree_with_a_naive_recomputation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
