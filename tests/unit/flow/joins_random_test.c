/* Random rows through each join in every way of the bench, against nested loops over all rows. */
#include <stdio.h>

#include "flow/join_fixture.h"

enum { ROWS_MAX = 160, ROW_TEXT_MAX = 96, LINE_MAX = 256, LINES_MAX = 20000 };

typedef struct {
    uint64_t state;
} randoms;

static uint32_t below(randoms *random, uint32_t limit)
{
    random->state = random->state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(random->state >> 33) % limit;
}

typedef struct {
    char key; /* 0: NULL */
    int64_t time;
    int32_t value;
    uint8_t kind;
} table_row;

typedef struct {
    table_row rows[2][ROWS_MAX];
    uint32_t counts[2];
} tables;

static void print_row(char *out, const table_row *row)
{
    char key[2] = {row != NULL ? row->key : 0, 0};
    if (row == NULL) {
        snprintf(out, ROW_TEXT_MAX, "NULL, NULL, NULL");
        return;
    }
    snprintf(out, ROW_TEXT_MAX, "%s, %lld, %d", row->key != 0 ? key : "NULL", (long long)row->time,
             row->value);
}

/* ── bags of lines ── */

typedef struct {
    char lines[LINES_MAX][LINE_MAX];
    uint32_t count;
} bag;

static void bag_add(bag *into, const char *line)
{
    assert_true(into->count < LINES_MAX);
    snprintf(into->lines[into->count++], sizeof into->lines[0], "%s", line);
}

static bool bag_remove(bag *from, const char *line)
{
    for (uint32_t i = 0; i < from->count; i++) {
        if (strcmp(from->lines[i], line) == 0) {
            memmove(from->lines[i], from->lines[--from->count], sizeof from->lines[0]);
            return true;
        }
    }
    return false;
}

static void bag_pair(bag *into, const table_row *left, const table_row *right, bool left_only)
{
    char a[ROW_TEXT_MAX], b[ROW_TEXT_MAX], line[LINE_MAX];
    print_row(a, left);
    print_row(b, right);
    snprintf(line, sizeof line, left_only ? "(%s)" : "(%s, %s)", a, b);
    bag_add(into, line);
}

/* What a changelog leaves. */
static void apply(bag *into, const char *changes)
{
    for (const char *at = changes; *at != 0;) {
        const char *end = bench_line_end(at);
        char line[LINE_MAX];
        snprintf(line, sizeof line, "%.*s", (int)(end - at - 2), at + 2);
        if (at[0] == '+') {
            bag_add(into, line);
        } else if (!bag_remove(into, line)) {
            fail_msg("taken back, but was never there: %.*s", (int)(end - at), at);
        }
        at = *end != 0 ? end + 1 : end;
    }
}

static void bag_compare(bag *wanted, bag *got, uint64_t seed)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (!bag_remove(got, wanted->lines[i])) {
            fail_msg("SEED=%llu missing: %s", (unsigned long long)seed, wanted->lines[i]);
        }
    }
    if (got->count > 0) {
        fail_msg("SEED=%llu too much: %s", (unsigned long long)seed, got->lines[0]);
    }
}

/* ── running ── */

/* Compares the output with nested loops, and its text over all ways to run. */
static void check(ps_operator_new *make, const ps_node *node, const char *input, bag *wanted,
                  uint64_t seed)
{
    static bag got;
    ps_buf output;
    bench_case of = {make, node, input, "", 0, 0};
    ps_buf_init(&output, BENCH_SIZE_MAX);
    join_collect(&of, &output);
    ps_buf_append_char(&output, 0);
    if (wanted != NULL) {
        got.count = 0;
        apply(&got, output.data);
        bag_compare(wanted, &got, seed);
    }
    of.expected = output.data;
    bench_check(&of);
    ps_buf_release(&output);
}

static void append_row(ps_buf *input, uint32_t side, const table_row *row)
{
    char text[ROW_TEXT_MAX];
    print_row(text, row);
    ps_buf_append_format(input, "%u: %s(%s)\n", side, ps_kind_text((ps_kind)row->kind), text);
}

static table_row random_row(randoms *random, int64_t first_time, uint32_t span)
{
    static const char keys[] = {'a', 'b', 'c', 'd', 0};
    return (table_row){
        .key = keys[below(random, 5)],
        .time = first_time + below(random, span),
        .value = (int32_t)below(random, 6),
    };
}

static bool matches(const table_row *left, const table_row *right, bool has_condition)
{
    return left->key != 0 && left->key == right->key &&
           (!has_condition || left->value < right->value);
}

/* ── nested loops ── */

typedef bool pair_test(const table_row *left, const table_row *right, const void *with);

static bool shows_alone(ps_join_kind kind, uint32_t side, bool has_met)
{
    switch (kind) {
    case PS_JOIN_INNER:
        return false;
    case PS_JOIN_LEFT:
        return side == 0 && !has_met;
    case PS_JOIN_RIGHT:
        return side == 1 && !has_met;
    case PS_JOIN_FULL:
        return !has_met;
    case PS_JOIN_SEMI:
        return side == 0 && has_met;
    case PS_JOIN_ANTI:
        return side == 0 && !has_met;
    }
    return false;
}

static void nested_loops(const tables *of, ps_join_kind kind, pair_test *test, const void *with,
                         bag *out)
{
    bool left_only = kind == PS_JOIN_SEMI || kind == PS_JOIN_ANTI;
    bool has_met[2][ROWS_MAX] = {0};
    out->count = 0;
    for (uint32_t i = 0; i < of->counts[0]; i++) {
        for (uint32_t j = 0; j < of->counts[1]; j++) {
            if (!test(&of->rows[0][i], &of->rows[1][j], with)) {
                continue;
            }
            has_met[0][i] = has_met[1][j] = true;
            if (!left_only) {
                bag_pair(out, &of->rows[0][i], &of->rows[1][j], false);
            }
        }
    }
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < of->counts[side]; i++) {
            const table_row *row = &of->rows[side][i];
            if (shows_alone(kind, side, has_met[side][i])) {
                bag_pair(out, side == 0 ? row : NULL, side == 0 ? NULL : row, left_only);
            }
        }
    }
}

static const ps_join_kind kinds[] = {PS_JOIN_INNER, PS_JOIN_LEFT, PS_JOIN_RIGHT,
                                     PS_JOIN_FULL,  PS_JOIN_SEMI, PS_JOIN_ANTI};
enum { KIND_COUNT = 6 };

/* ── regular ── */

static bool regular_pair(const table_row *left, const table_row *right, const void *with)
{
    return matches(left, right, *(const bool *)with);
}

static bool not_in_pair(const table_row *left, const table_row *right, const void *with)
{
    (void)with;
    return left->key == 0 || right->key == 0 || left->key == right->key;
}

/* Rows come and, where the side is a changelog, go. */
static void make_changes(randoms *random, tables *live, const bool updates[2], ps_buf *input)
{
    live->counts[0] = live->counts[1] = 0;
    for (uint32_t i = 0; i < 120; i++) {
        uint32_t side = below(random, 2);
        uint32_t *count = &live->counts[side];
        if (updates[side] && *count > 0 && below(random, 3) == 0) {
            uint32_t gone = below(random, *count);
            table_row row = live->rows[side][gone];
            row.kind = below(random, 2) == 0 ? PS_KIND_DELETE : PS_KIND_UPDATE_BEFORE;
            live->rows[side][gone] = live->rows[side][--*count];
            append_row(input, side, &row);
            continue;
        }
        table_row row = random_row(random, 0, 3);
        row.kind = updates[side] && below(random, 2) == 0 ? PS_KIND_UPDATE_AFTER : PS_KIND_INSERT;
        append_row(input, side, &row);
        live->rows[side][(*count)++] = row;
    }
}

static void regular_joins_are_nested_loops(void **state)
{
    (void)state;
    static bag wanted;
    join_condition condition;
    join_condition_init(&condition);
    for (uint64_t seed = 1; seed <= 48; seed++) {
        randoms random = {seed};
        static tables live;
        const bool updates[2] = {seed & 1, seed & 2};
        bool has_condition = seed & 4;
        ps_join_kind kind = kinds[seed % KIND_COUNT];
        ps_join_spec spec = {.on = on_key(kind),
                             .left_updates = updates[0],
                             .right_updates = updates[1],
                             .emit_update_before = (seed & 8) != 0};
        spec.on.condition = has_condition ? condition.expr : NULL;
        spec.on.is_null_aware_anti = kind == PS_JOIN_ANTI && !has_condition && (seed & 16);
        ps_node node = join_node(PS_NODE_JOIN, kind);
        node.join = &spec;
        ps_buf input;
        ps_buf_init(&input, BENCH_SIZE_MAX);
        make_changes(&random, &live, updates, &input);
        ps_buf_append_char(&input, 0);
        nested_loops(&live, kind, spec.on.is_null_aware_anti ? not_in_pair : regular_pair,
                     &has_condition, &wanted);
        check(ps_op_join_new, &node, input.data, &wanted, seed);
        ps_buf_release(&input);
    }
    join_condition_release(&condition);
}

/* ── interval ── */

typedef struct {
    int64_t lower, upper;
    bool has_condition;
} interval;

static bool interval_pair(const table_row *left, const table_row *right, const void *with)
{
    const interval *bounds = with;
    return matches(left, right, bounds->has_condition) &&
           right->time >= left->time + bounds->lower && right->time <= left->time + bounds->upper;
}

/* Rows from `ahead` above a rising watermark on; some late by up to `late_span`. */
static void make_stream(randoms *random, tables *out, int64_t ahead, uint32_t late_span,
                        ps_buf *input)
{
    int64_t watermark = 0;
    out->counts[0] = out->counts[1] = 0;
    for (uint32_t i = 0; i < 120; i++) {
        uint32_t side = below(random, 2);
        table_row row = random_row(random, watermark + ahead, 15);
        row.time -= below(random, late_span + 1);
        append_row(input, side, &row);
        out->rows[side][out->counts[side]++] = row;
        for (uint32_t steps = below(random, 4) == 0 ? below(random, 3) : 0; steps > 0; steps--) {
            watermark += 1 + below(random, 12);
            ps_buf_append_format(input, "wm %lld\n", (long long)watermark);
        }
    }
    ps_buf_append_text(input, "end\n");
    ps_buf_append_char(input, 0);
}

static void interval_joins_are_nested_loops(void **state)
{
    (void)state;
    static bag wanted;
    static tables rows;
    join_condition condition;
    join_condition_init(&condition);
    for (uint64_t seed = 1; seed <= 48; seed++) {
        randoms random = {seed};
        interval bounds = {.lower = (int64_t)below(&random, 40) - 20,
                           .has_condition = (seed & 4) != 0};
        bounds.upper = bounds.lower + below(&random, 30);
        ps_join_kind kind = kinds[seed % 4];
        ps_interval_join_spec spec = {.on = on_key(kind),
                                      .left_time = 1,
                                      .right_time = 1,
                                      .lower_ms = bounds.lower,
                                      .upper_ms = bounds.upper};
        spec.on.condition = bounds.has_condition ? condition.expr : NULL;
        ps_node node = join_node(PS_NODE_INTERVAL_JOIN, kind);
        node.interval_join = &spec;
        bool has_late_rows = seed % 3 == 0;
        ps_buf input;
        ps_buf_init(&input, BENCH_SIZE_MAX);
        make_stream(&random, &rows, 1, has_late_rows ? 60 : 0, &input);
        nested_loops(&rows, kind, interval_pair, &bounds, &wanted);
        check(ps_op_interval_join_new, &node, input.data, has_late_rows ? NULL : &wanted, seed);
        ps_buf_release(&input);
    }
    join_condition_release(&condition);
}

/* ── windows: the time is the window's start and end both ── */

static bool window_pair(const table_row *left, const table_row *right, const void *with)
{
    return matches(left, right, *(const bool *)with) && left->time == right->time;
}

static void window_joins_are_nested_loops(void **state)
{
    (void)state;
    static bag wanted;
    static tables rows;
    join_condition condition;
    join_condition_init(&condition);
    for (uint64_t seed = 1; seed <= 48; seed++) {
        randoms random = {seed};
        bool has_condition = seed & 4;
        ps_join_kind kind = kinds[seed % KIND_COUNT];
        ps_window_join_spec spec = {
            .on = on_key(kind), .left_start = 1, .left_end = 1, .right_start = 1, .right_end = 1};
        spec.on.condition = has_condition ? condition.expr : NULL;
        ps_node node = join_node(PS_NODE_WINDOW_JOIN, kind);
        node.window_join = &spec;
        ps_buf input;
        ps_buf_init(&input, BENCH_SIZE_MAX);
        make_stream(&random, &rows, 2, 0, &input);
        nested_loops(&rows, kind, window_pair, &has_condition, &wanted);
        check(ps_op_window_join_new, &node, input.data, &wanted, seed);
        ps_buf_release(&input);
    }
    join_condition_release(&condition);
}

/* ── lookup ── */

static void lookup_joins_are_nested_loops(void **state)
{
    (void)state;
    static bag wanted;
    static tables rows;
    join_condition condition;
    join_condition_init(&condition);
    for (uint64_t seed = 1; seed <= 24; seed++) {
        randoms random = {seed};
        bool has_condition = seed & 4;
        ps_join_kind kind = seed & 1 ? PS_JOIN_LEFT : PS_JOIN_INNER;
        ps_lookup_join_spec spec = {.on = on_key(kind)};
        spec.on.condition = has_condition ? condition.expr : NULL;
        ps_node node = join_node(PS_NODE_LOOKUP_JOIN, kind);
        node.lookup_join = &spec;
        ps_buf input;
        ps_buf_init(&input, BENCH_SIZE_MAX);
        rows.counts[0] = rows.counts[1] = 60;
        for (uint32_t i = 0; i < 120; i++) {
            table_row row = random_row(&random, 0, 3);
            append_row(&input, i < 60 ? 1 : 0, &row);
            rows.rows[i < 60 ? 1 : 0][i % 60] = row;
        }
        ps_buf_append_char(&input, 0);
        nested_loops(&rows, kind, regular_pair, &has_condition, &wanted);
        static bag got;
        ps_buf output;
        ps_buf_init(&output, BENCH_SIZE_MAX);
        bench_case of = {ps_op_lookup_join_new, &node, input.data, "", 0, 0};
        join_collect(&of, &output);
        ps_buf_append_char(&output, 0);
        got.count = 0;
        apply(&got, output.data);
        bag_compare(&wanted, &got, seed);
        of.expected = output.data; /* the table is no state: nothing is saved and loaded */
        bench_run_once(&of, 1, PS_BATCH_ROWS, BENCH_PLAIN, "row by row");
        bench_run_once(&of, 7, 1, BENCH_FREEZES, "an outlet of one row");
        ps_buf_release(&output);
        ps_buf_release(&input);
    }
    join_condition_release(&condition);
}

/* ── temporal ── */

static void temporal_joins_take_the_latest_version(void **state)
{
    (void)state;
    static bag wanted;
    static tables rows;
    join_condition condition;
    join_condition_init(&condition);
    for (uint64_t seed = 1; seed <= 48; seed++) {
        randoms random = {seed};
        bool has_condition = seed & 4;
        ps_join_kind kind = seed & 1 ? PS_JOIN_LEFT : PS_JOIN_INNER;
        ps_temporal_join_spec spec = {.on = on_key(kind), .left_time = 1, .right_time = 1};
        spec.on.condition = has_condition ? condition.expr : NULL;
        ps_node node = join_node(PS_NODE_TEMPORAL_JOIN, kind);
        node.temporal_join = &spec;
        ps_buf input;
        ps_buf_init(&input, BENCH_SIZE_MAX);
        make_stream(&random, &rows, 1, 0, &input);
        wanted.count = 0;
        for (uint32_t i = 0; i < rows.counts[0]; i++) {
            const table_row *left = &rows.rows[0][i], *version = NULL;
            for (uint32_t j = 0; j < rows.counts[1]; j++) {
                const table_row *right = &rows.rows[1][j];
                bool is_valid =
                    left->key != 0 && left->key == right->key && right->time <= left->time;
                if (is_valid && (version == NULL || right->time >= version->time)) {
                    version = right;
                }
            }
            bool is_match = version != NULL && (!has_condition || left->value < version->value);
            if (is_match || kind == PS_JOIN_LEFT) {
                bag_pair(&wanted, left, is_match ? version : NULL, false);
            }
        }
        static bag got;
        ps_buf output;
        ps_buf_init(&output, BENCH_SIZE_MAX);
        bench_case of = {ps_op_temporal_join_new, &node, input.data, "", 0, 0};
        join_collect(&of, &output);
        ps_buf_append_char(&output, 0);
        got.count = 0;
        apply(&got, output.data);
        bag_compare(&wanted, &got, seed);
        ps_buf_release(&output);
        ps_buf_release(&input);
    }
    join_condition_release(&condition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regular_joins_are_nested_loops),
        cmocka_unit_test(interval_joins_are_nested_loops),
        cmocka_unit_test(window_joins_are_nested_loops),
        cmocka_unit_test(lookup_joins_are_nested_loops),
        cmocka_unit_test(temporal_joins_take_the_latest_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
