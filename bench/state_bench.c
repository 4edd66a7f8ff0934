/* State: updates per second of CPU time and bytes per key, of tables by themselves and of the
 * aggregates over them. One JSON line per figure.
 *     state_bench [millions of keys] */
#include <sys/resource.h>

#include "bench.h"
#include "flow/operators.h"
#include "state/table.h"

typedef struct {
    ps_arena arena;
    ps_budget budget;
    ps_expr_context expressions;
    ps_program_clock clock;
    ps_outlet outlet;
    ps_store *store;
    ps_operator *op;
    ps_batch batch;
    ps_column columns[3];
    uint64_t out_rows;
} state_bench;

static const ps_field number_fields[] = {
    {{"k", 1}, &ps_type_bigint}, {{"t", 1}, &ps_type_timestamp3}, {{"v", 1}, &ps_type_bigint}};
static const ps_node number_input = {.kind = PS_NODE_SOURCE, .schema = {3, number_fields}};
static const ps_node *const number_inputs[] = {&number_input};
static const uint32_t key_columns[] = {0};

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static ps_code count_rows(void *to, const ps_batch *batch, ps_error *err)
{
    (void)err;
    ((state_bench *)to)->out_rows += batch->row_count;
    return PS_OK;
}

static void open_bench(state_bench *bench)
{
    static int64_t numbers[3][PS_BATCH_ROWS];
    static int64_t watermarks[PS_BATCH_ROWS];
    static uint64_t sequences[PS_BATCH_ROWS];
    *bench = (state_bench){.budget = {.size_max = UINT64_C(16) << 30}};
    ps_arena_init(&bench->arena, SIZE_MAX / 2);
    bench->expressions.arena = &bench->arena;
    for (int i = 0; i < 3; i++) {
        bench->columns[i].i64 = numbers[i];
    }
    bench->batch = (ps_batch){.row_count = PS_BATCH_ROWS,
                              .column_count = 3,
                              .columns = bench->columns,
                              .watermarks = watermarks,
                              .sequences = sequences};
    for (int i = 0; i < PS_BATCH_ROWS; i++) {
        watermarks[i] = PS_WATERMARK_NONE;
    }
}

static void close_bench(state_bench *bench)
{
    if (bench->op != NULL) {
        ps_operator_free(bench->op);
        ps_outlet_release(&bench->outlet);
    }
    ps_store_free(bench->store);
    ps_arena_release(&bench->arena);
}

static void make_calls(state_bench *bench, ps_aggregate_call calls[2])
{
    ps_error err;
    const ps_type *type = &ps_type_bigint;
    static const char *const names[] = {"COUNT", "SUM"};
    for (uint32_t i = 0; i < 2; i++) {
        calls[i] = (ps_aggregate_call){
            .argument_count = i, .filter = PS_NO_COLUMN, .time_column = PS_NO_COLUMN};
        calls[i].arguments[0] = 2;
        ps_aggregate_signature signature;
        bench_check(ps_aggregate_resolve(&bench->arena, names[i], i, &type, &signature, &err),
                    &err);
        calls[i].class = signature.class;
        calls[i].argument_types[0] = signature.arguments[0];
        calls[i].result = signature.result;
    }
}

/* ── tables ── */

static void fill_keys(ps_slice *keys, uint64_t (*bytes)[5], bool is_text, uint64_t number)
{
    for (uint32_t i = 0; i < PS_BATCH_ROWS; i++) {
        uint64_t key = (number + i) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
        if (is_text) { /* as a row code: bits, offset and size, zeros, 16 characters */
            bytes[i][0] = 0;
            bytes[i][1] = 24 | UINT64_C(16) << 32;
            bytes[i][2] = 0;
            bytes[i][3] = key;
            bytes[i][4] = ~key;
        } else {
            bytes[i][0] = 0;
            bytes[i][1] = key;
        }
        keys[i] = ps_slice_of(bytes[i], is_text ? 40 : 16);
    }
}

static void bench_table(uint64_t key_count, bool is_text)
{
    ps_error err;
    state_bench bench;
    open_bench(&bench);
    bench_check(ps_store_new("Bench(1)", &bench.budget, &bench.store, &err), &err);
    ps_aggregate_call calls[2];
    make_calls(&bench, calls);
    ps_aggregator *aggregator;
    ps_aggregator_options options = {.call_count = 2, .calls = calls};
    ps_table *table;
    bench_check(ps_aggregator_new(bench.store, &bench.arena, &options, &aggregator, &err), &err);
    bench_check(ps_table_new(bench.store, "t", is_text ? 0 : 16, ps_aggregator_size(aggregator),
                             &table, &err),
                &err);
    static ps_slice keys[PS_BATCH_ROWS];
    static uint64_t bytes[PS_BATCH_ROWS][5];
    static uint32_t entries[PS_BATCH_ROWS];
    static char *states[PS_BATCH_ROWS];
    uint64_t random = 1;
    double start = 0;
    uint64_t rounds = key_count / PS_BATCH_ROWS;
    for (uint64_t round = 0; round < 2 * rounds; round++) {
        if (round == rounds) {
            printf("{\"bench\": \"state_table_fill\", \"key\": \"%s\", \"keys\": %llu, "
                   "\"updates_per_cpu_second\": %.0f, \"bytes_per_key\": %.1f}\n",
                   is_text ? "16 characters" : "BIGINT", (unsigned long long)key_count,
                   (double)key_count / (cpu_seconds() - start),
                   (double)ps_store_size(bench.store) / (double)ps_table_count(table));
            start = 0;
        }
        start = start == 0 ? cpu_seconds() : start;
        uint64_t number = round < rounds ? round : bench_draw(&random, rounds);
        fill_keys(keys, bytes, is_text, number * PS_BATCH_ROWS);
        if (round >= rounds) { /* rows of one batch come from everywhere */
            for (uint32_t i = 0; i < PS_BATCH_ROWS; i++) {
                uint64_t key =
                    bench_draw(&random, rounds * PS_BATCH_ROWS) * UINT64_C(0x9e3779b97f4a7c15) >>
                    20;
                bytes[i][is_text ? 3 : 1] = key;
                bytes[i][4] = ~key;
            }
        }
        bench_check(ps_table_put_all(table, PS_BATCH_ROWS, keys, entries, NULL, &err), &err);
        for (uint32_t i = 0; i < PS_BATCH_ROWS; i++) {
            states[i] = ps_table_touch(table, entries[i]);
        }
        bench_check(ps_aggregator_update(aggregator, &bench.batch, 0, PS_BATCH_ROWS, states, &err),
                    &err);
    }
    printf("{\"bench\": \"state_table_update\", \"key\": \"%s\", \"keys\": %u, "
           "\"updates_per_cpu_second\": %.0f}\n",
           is_text ? "16 characters" : "BIGINT", ps_table_count(table),
           (double)(rounds * PS_BATCH_ROWS) / (cpu_seconds() - start));
    close_bench(&bench);
}

/* ── operators ── */

static void start_operator(state_bench *bench, ps_operator_new *make, const ps_node *node)
{
    ps_error err;
    const ps_type *types[16];
    for (uint32_t i = 0; i < node->schema.field_count; i++) {
        types[i] = node->schema.fields[i].type;
    }
    bench_check(ps_store_new("Bench(1)", &bench->budget, &bench->store, &err), &err);
    bench_check(
        ps_outlet_init(&bench->outlet, node->schema.field_count, types, PS_BATCH_ROWS, &err), &err);
    bench->outlet.push = count_rows;
    bench->outlet.to = bench;
    ps_operator_context context = {.expressions = &bench->expressions,
                                   .clock = &bench->clock,
                                   .arena = &bench->arena,
                                   .store = bench->store,
                                   .outlet = &bench->outlet};
    bench_check(make(node, &context, &bench->op, &err), &err);
    bench->op->watermark = PS_WATERMARK_NONE;
}

/* Rows 10 µs apart, keys at random, watermark 4 s behind. */
static void feed_rows(state_bench *bench, uint64_t rows, uint64_t key_count)
{
    ps_error err;
    uint64_t random = 1;
    double start = cpu_seconds();
    for (uint64_t row = 0; row < rows; row += PS_BATCH_ROWS) {
        for (uint32_t i = 0; i < PS_BATCH_ROWS; i++) {
            int64_t now = (int64_t)(row + i) / 100;
            bench->columns[0].i64[i] =
                (int64_t)(bench_draw(&random, key_count) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
            bench->columns[1].i64[i] = now - (int64_t)bench_draw(&random, 4000);
            bench->columns[2].i64[i] = (int64_t)i;
            bench->batch.watermarks[i] = now - 4000;
            bench->batch.sequences[i] = row + i;
        }
        bench->batch.watermark_after = bench->batch.watermarks[PS_BATCH_ROWS - 1];
        bench_check(ps_operator_feed(bench->op, 0, &bench->batch, &err), &err);
    }
    double seconds = cpu_seconds() - start;
    printf("\"keys\": %llu, \"rows_per_cpu_second\": %.0f, \"rows_out\": %llu, "
           "\"ns_per_row_in_and_out\": %.1f, \"state_bytes\": %llu}\n",
           (unsigned long long)key_count, (double)rows / seconds,
           (unsigned long long)bench->out_rows, seconds * 1e9 / (double)(rows + bench->out_rows),
           (unsigned long long)ps_store_size(bench->store));
}

static void bench_group(uint64_t rows, uint64_t key_count)
{
    state_bench bench;
    open_bench(&bench);
    ps_aggregate_call calls[2];
    make_calls(&bench, calls);
    ps_group_aggregate_spec spec = {
        .keys = {1, key_columns}, .call_count = 2, .calls = calls, .emit_update_before = true};
    ps_field fields[] = {
        number_fields[0], {{"n", 1}, calls[0].result}, {{"s", 1}, calls[1].result}};
    ps_node node = {.kind = PS_NODE_GROUP_AGGREGATE,
                    .input_count = 1,
                    .inputs = number_inputs,
                    .schema = {3, fields},
                    .group_aggregate = &spec};
    start_operator(&bench, ps_op_group_aggregate_new, &node);
    printf("{\"bench\": \"group_aggregate\", ");
    feed_rows(&bench, rows, key_count);
    close_bench(&bench);
}

static void bench_window(ps_window_kind kind, int64_t size, int64_t step, uint64_t rows,
                         uint64_t key_count)
{
    static const ps_window_property properties[] = {PS_WINDOW_START, PS_WINDOW_END};
    state_bench bench;
    open_bench(&bench);
    ps_aggregate_call calls[2];
    make_calls(&bench, calls);
    ps_window_aggregate_spec spec = {
        .window = {.kind = kind, .size_ms = size, .step_ms = step, .time_column = 1},
        .keys = {1, key_columns},
        .call_count = 2,
        .calls = calls,
        .property_count = 2,
        .properties = properties};
    ps_field fields[] = {number_fields[0],
                         {{"n", 1}, calls[0].result},
                         {{"s", 1}, calls[1].result},
                         number_fields[1],
                         number_fields[1]};
    ps_node node = {.kind = PS_NODE_WINDOW_AGGREGATE,
                    .input_count = 1,
                    .inputs = number_inputs,
                    .schema = {5, fields},
                    .window_aggregate = &spec};
    start_operator(&bench,
                   kind == PS_WINDOW_SESSION ? ps_op_session_aggregate_new
                                             : ps_op_window_aggregate_new,
                   &node);
    printf("{\"bench\": \"window_aggregate\", \"kind\": %d, \"size_ms\": %lld, \"step_ms\": %lld, ",
           (int)kind, (long long)size, (long long)step);
    feed_rows(&bench, rows, key_count);
    close_bench(&bench);
}

int main(int argc, char **argv)
{
    uint64_t millions = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
    bench_table(millions * 1000000, false);
    bench_table(millions * 1000000, true);
    uint64_t rows = millions * 1000000;
    bench_group(rows, 100000);
    bench_group(rows, rows);
    bench_window(PS_WINDOW_TUMBLE, 10000, 0, rows, 10000);
    bench_window(PS_WINDOW_TUMBLE, 10000, 0, rows, 1000000);
    bench_window(PS_WINDOW_HOP, 10000, 5000, rows, 10000);
    bench_window(PS_WINDOW_HOP, 60000, 5000, rows, 10000);
    bench_window(PS_WINDOW_HOP, 60000, 1000, rows, 10000);
    bench_window(PS_WINDOW_SESSION, 500, 0, rows, 10000);
    return 0;
}
