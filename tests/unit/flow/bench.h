/* The operator contract bench: runs one operator over a text of rows and watermarks in every way
 * that must make no difference, and compares its output with a text (DESIGN decision 3):
 * row by row; all at once; with an outlet of one row; with the state saved and loaded into a fresh
 * operator between any two steps; the last two together; and with the state frozen at each step, as
 * a checkpoint does it: what is handed out afterwards must be the bytes of before.
 *
 * Input, one line each; two inputs: "0: " or "1: " before the row:
 *     +I(1, abc, NULL)      a row; DECIMAL as written, times and intervals as whole ticks
 *     wm 5000               the operator's watermark from here on
 *     end                   PS_WATERMARK_END; without it the stream just stops
 * Output: the same form. Lines are compared in order, blanks at their ends left out. */
#ifndef PS_TEST_FLOW_BENCH_H
#define PS_TEST_FLOW_BENCH_H

#include "base/testing.h"

#include "data/decimal.h"
#include "data/row.h"
#include "flow/operators.h"

enum { BENCH_COLUMNS_MAX = 32, BENCH_SIZE_MAX = 64 << 20 };

typedef struct {
    ps_operator_new *make;
    const ps_node *node; /* inputs[i]->schema are the inputs' columns, schema the output's */
    const char *input;
    const char *expected;
    int64_t ttl_ms;
    int64_t now_ms;
} bench_case;

/* ── rows from text ── */

static inline const char *bench_line_end(const char *at)
{
    const char *end = strchr(at, '\n');
    return end != NULL ? end : at + strlen(at);
}

static inline ps_slice bench_trim(ps_slice text)
{
    while (text.size > 0 && text.data[0] == ' ') {
        text = ps_slice_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

static inline ps_value bench_value(const ps_type *type, ps_slice text)
{
    char copy[400];
    ps_value value = {0};
    assert_true(text.size < sizeof copy);
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    if (strcmp(copy, "NULL") == 0) {
        value.is_null = true;
    } else if (type->kind == PS_TYPE_DECIMAL) {
        ps_i128 unscaled;
        assert_true(ps_decimal_from_text(text, type->precision, type->scale, &unscaled));
        if (ps_type_phys(type) == PS_PHYS_I64) {
            value.i64 = (int64_t)unscaled;
        } else {
            value.i128 = unscaled;
        }
    } else if (ps_type_phys(type) == PS_PHYS_I64) {
        value.i64 = strcmp(copy, "TRUE") == 0 ? 1 : strtoll(copy, NULL, 10);
    } else if (ps_type_phys(type) == PS_PHYS_F64) {
        value.f64 = strtod(copy, NULL);
    } else {
        value.text = text;
    }
    return value;
}

static inline uint8_t bench_kind(const char *at)
{
    for (uint8_t kind = 0; kind < 4; kind++) {
        if (memcmp(at, ps_kind_text((ps_kind)kind), 2) == 0) {
            return kind;
        }
    }
    fail_msg("no kind: %.20s", at);
    return 0;
}

/* A row "+I(…)" at `at` into the builder. */
static inline void bench_read_row(ps_batch_builder *builder, const ps_schema *schema,
                                  const char *at, int64_t watermark, uint64_t sequence)
{
    ps_error err;
    ps_batch_builder_begin_row(builder, bench_kind(at), watermark, sequence);
    at += 3;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        size_t size = strcspn(at, ",)\n");
        ps_slice text = bench_trim(ps_slice_of(at, size));
        ps_value value = bench_value(schema->fields[i].type, text);
        assert_int_equal(ps_batch_builder_set(builder, i, value, &err), PS_OK);
        at += size + 1;
    }
    ps_batch_builder_end_row(builder);
}

/* ── output as text ── */

typedef struct {
    const ps_schema *schema;
    ps_buf text;
    int64_t watermark; /* must never fall */
} bench_output;

static inline void bench_print_value(const ps_type *type, const ps_value *value, ps_buf *out)
{
    bool is_plain = type->kind == PS_TYPE_DECIMAL || ps_type_phys(type) != PS_PHYS_I64 ||
                    type->kind == PS_TYPE_BOOLEAN || value->is_null;
    if (is_plain) {
        ps_value_print(type, value, PS_FORM_PLAIN, out);
    } else {
        ps_buf_append_i64(out, value->i64);
    }
}

static inline ps_code bench_push(void *with, const ps_batch *batch, ps_error *err)
{
    (void)err;
    bench_output *output = with;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        assert_true(batch->watermarks[row] >= output->watermark);
        output->watermark = batch->watermarks[row];
        ps_buf_append_text(&output->text, ps_kind_text((ps_kind)ps_batch_kind(batch, row)));
        for (uint32_t i = 0; i < output->schema->field_count; i++) {
            const ps_type *type = output->schema->fields[i].type;
            ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(type), row);
            ps_buf_append_text(&output->text, i > 0 ? ", " : "(");
            bench_print_value(type, &value, &output->text);
        }
        ps_buf_append_text(&output->text, ")\n");
    }
    assert_true(batch->watermark_after >= output->watermark);
    output->watermark = batch->watermark_after;
    return PS_OK;
}

/* ── one run ── */

typedef struct {
    const bench_case *of;
    uint32_t batch_rows, outlet_rows;
    bool restores; /* between any two steps */
    bool freezes;  /* before each step */
    ps_arena arena;
    ps_budget budget;
    ps_program_clock clock;
    ps_expr_context expressions;
    ps_outlet outlet;
    ps_store *store;
    ps_operator *op;
    ps_batch_builder builders[2];
    bench_output output;
} bench_run;

static inline const ps_type **bench_types(ps_arena *arena, const ps_schema *schema)
{
    const ps_type **types = ps_arena_take(arena, schema->field_count * sizeof *types);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        types[i] = schema->fields[i].type;
    }
    return types;
}

static inline void bench_make(bench_run *run)
{
    ps_error err = {0};
    assert_int_equal(ps_store_new("Bench(0)", &run->budget, &run->store, &err), PS_OK);
    ps_operator_context context = {
        .expressions = &run->expressions,
        .clock = &run->clock,
        .arena = &run->arena,
        .store = run->store,
        .outlet = &run->outlet,
        .ttl_ms = run->of->ttl_ms,
    };
    ps_code code = run->of->make(run->of->node, &context, &run->op, &err);
    if (code != PS_OK) {
        fail_msg("the operator was not made: %s", err.text);
    }
    run->op->watermark = PS_WATERMARK_NONE;
    run->op->due = INT64_MAX;
}

/* A fresh operator with the state of the old one. */
static inline void bench_restore(bench_run *run)
{
    ps_error err = {0};
    ps_operator old = *run->op;
    ps_store *old_store = run->store;
    ps_operator *old_op = run->op;
    bench_make(run);
    assert_int_equal(ps_store_region_count(run->store), ps_store_region_count(old_store));
    for (uint32_t i = 0; i < ps_store_region_count(old_store); i++) {
        const ps_region *from = ps_store_region_at(old_store, i);
        ps_region *to = ps_store_region_at(run->store, i);
        void *added;
        if (from->size > to->size) {
            assert_int_equal(ps_store_extend(run->store, to, from->size - to->size, &added, &err),
                             PS_OK);
        }
        assert_int_equal(from->size, to->size);
        memcpy(to->data, from->data, from->size);
    }
    run->op->watermark = old.watermark;
    run->op->due = old.due;
    run->op->last_sequence = old.last_sequence;
    run->op->late_row_count = old.late_row_count;
    if (run->op->class->restored != NULL) {
        assert_int_equal(run->op->class->restored(run->op, &err), PS_OK);
    }
    ps_operator_free(old_op);
    ps_store_free(old_store);
}

/* The state before a step. */
typedef struct {
    char *bytes[PS_STORE_REGIONS_MAX];
    uint64_t sizes[PS_STORE_REGIONS_MAX];
} bench_frozen;

static inline void bench_freeze(bench_run *run, bench_frozen *out)
{
    for (uint32_t i = 0; i < ps_store_region_count(run->store); i++) {
        ps_region *region = ps_store_region_at(run->store, i);
        out->sizes[i] = region->size;
        out->bytes[i] = malloc(region->size + 1);
        memcpy(out->bytes[i], region->data, region->size);
        ps_region_freeze(region);
    }
}

static inline void bench_thaw(bench_run *run, bench_frozen *frozen)
{
    char chunk[PS_REGION_CHUNK];
    for (uint32_t i = 0; i < ps_store_region_count(run->store); i++) {
        ps_region *region = ps_store_region_at(run->store, i);
        uint64_t offset, seen = 0;
        uint32_t size;
        while (ps_region_next_chunk(region, chunk, &offset, &size)) {
            assert_true(offset + size <= frozen->sizes[i]);
            if (memcmp(chunk, frozen->bytes[i] + offset, size) != 0) {
                fail_msg("region %u (%s) was written without a touch", i, region->name);
            }
            seen += size;
        }
        assert_int_equal(seen, frozen->sizes[i]);
        ps_region_thaw(region);
        free(frozen->bytes[i]);
    }
}

/* Feeds what was gathered for the input, with the watermark behind it. */
static inline void bench_feed(bench_run *run, uint32_t input, int64_t watermark, uint64_t sequence)
{
    ps_error err = {0};
    ps_batch_builder *builder = &run->builders[input];
    builder->batch.watermark_after = watermark;
    builder->batch.sequence_after = sequence;
    bench_frozen frozen;
    if (run->freezes) {
        bench_freeze(run, &frozen);
    }
    ps_code code = ps_operator_feed(run->op, input, &builder->batch, &err);
    if (code != PS_OK) {
        fail_msg("the operator failed: %s", err.text);
    }
    if (run->freezes) {
        bench_thaw(run, &frozen);
    }
    ps_batch_builder_reset(builder);
    if (run->restores) {
        bench_restore(run);
    }
}

static inline void bench_drive(bench_run *run)
{
    int64_t watermark = PS_WATERMARK_NONE;
    uint64_t sequence = 0;
    uint32_t input = 0; /* of the rows gathered */
    for (const char *at = run->of->input; *at != 0;) {
        const char *end = bench_line_end(at);
        at += strspn(at, " ");
        uint32_t next = at[0] == '1' && at[1] == ':' ? 1 : 0;
        at += at[0] != '+' && at[1] == ':' ? 3 : 0;
        ps_batch_builder *builder = &run->builders[input];
        bool is_row = *at == '+' || *at == '-';
        bool is_full = builder->batch.row_count == run->batch_rows;
        if (builder->batch.row_count > 0 && is_row && (next != input || is_full)) {
            bench_feed(run, input, watermark, sequence);
        }
        if (is_row) {
            input = next;
            bench_read_row(&run->builders[input], &run->of->node->inputs[input]->schema, at,
                           watermark, sequence);
            sequence++;
        } else if (strncmp(at, "wm ", 3) == 0) {
            watermark = strtoll(at + 3, NULL, 10);
            if (run->batch_rows == 1) {
                bench_feed(run, input, watermark, sequence);
            }
        } else if (strncmp(at, "end", 3) == 0) {
            watermark = PS_WATERMARK_END;
        }
        at = *end != 0 ? end + 1 : end;
    }
    bench_feed(run, input, watermark, sequence);
}

static inline void bench_compare(const char *expected, const bench_output *output, const char *mode)
{
    ps_buf wanted;
    ps_buf_init(&wanted, BENCH_SIZE_MAX);
    for (const char *at = expected; *at != 0;) {
        const char *end = bench_line_end(at);
        ps_slice line = bench_trim(ps_slice_of(at, (size_t)(end - at)));
        if (line.size > 0) {
            ps_buf_append_slice(&wanted, line);
            ps_buf_append_char(&wanted, '\n');
        }
        at = *end != 0 ? end + 1 : end;
    }
    if (!ps_slice_equal(ps_buf_slice(&wanted), ps_buf_slice(&output->text))) {
        fail_msg("%s\nexpected:\n%.*s\ngot:\n%.*s", mode, (int)wanted.size, wanted.data,
                 (int)output->text.size, output->text.data);
    }
    ps_buf_release(&wanted);
}

typedef enum { BENCH_PLAIN, BENCH_RESTORES, BENCH_FREEZES } bench_state_mode;

static inline void bench_run_once(const bench_case *of, uint32_t batch_rows, uint32_t outlet_rows,
                                  bench_state_mode state_mode, const char *mode)
{
    ps_error err = {0};
    bench_run run = {
        .of = of,
        .batch_rows = batch_rows,
        .outlet_rows = outlet_rows,
        .restores = state_mode == BENCH_RESTORES,
        .freezes = state_mode == BENCH_FREEZES,
        .budget = {.size_max = 1ULL << 32},
        .clock = {.now_ms = of->now_ms, .query_start_ms = of->now_ms},
        .output = {.schema = &of->node->schema, .watermark = PS_WATERMARK_NONE},
    };
    ps_arena_init(&run.arena, SIZE_MAX / 2);
    run.expressions.arena = &run.arena;
    ps_buf_init(&run.output.text, BENCH_SIZE_MAX);
    assert_int_equal(ps_outlet_init(&run.outlet, of->node->schema.field_count,
                                    bench_types(&run.arena, &of->node->schema), outlet_rows, &err),
                     PS_OK);
    run.outlet.push = bench_push;
    run.outlet.to = &run.output;
    for (uint32_t i = 0; i < of->node->input_count; i++) {
        const ps_schema *schema = &of->node->inputs[i]->schema;
        assert_int_equal(ps_batch_builder_init(&run.builders[i], schema->field_count,
                                               bench_types(&run.arena, schema), PS_BATCH_ROWS,
                                               &err),
                         PS_OK);
    }
    bench_make(&run);
    bench_drive(&run);
    bench_compare(of->expected, &run.output, mode);
    ps_operator_free(run.op);
    ps_store_free(run.store);
    for (uint32_t i = 0; i < of->node->input_count; i++) {
        ps_batch_builder_release(&run.builders[i]);
    }
    ps_outlet_release(&run.outlet);
    ps_buf_release(&run.output.text);
    ps_arena_release(&run.arena);
}

/* All ways. */
static inline void bench_check(const bench_case *of)
{
    bench_run_once(of, PS_BATCH_ROWS, PS_BATCH_ROWS, BENCH_PLAIN, "all at once");
    bench_run_once(of, 1, PS_BATCH_ROWS, BENCH_PLAIN, "row by row");
    bench_run_once(of, 3, PS_BATCH_ROWS, BENCH_PLAIN, "three rows at a time");
    bench_run_once(of, PS_BATCH_ROWS, 1, BENCH_PLAIN, "an outlet of one row");
    bench_run_once(of, 1, PS_BATCH_ROWS, BENCH_RESTORES, "saved and loaded between steps");
    bench_run_once(of, 2, 1, BENCH_RESTORES, "saved and loaded, an outlet of one row");
    bench_run_once(of, 1, PS_BATCH_ROWS, BENCH_FREEZES, "frozen at each step");
}

/* Schemas and nodes of a test, on its stack. */
#define BENCH_FIELDS(...) ((const ps_field[]){__VA_ARGS__})
#define BENCH_SCHEMA(count, fields) ((ps_schema){(count), (fields)})

#endif
