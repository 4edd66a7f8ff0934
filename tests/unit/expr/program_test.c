/* Programs over batches: truth tables, masks, filters, and every kernel against the same expression
 * evaluated for one row at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expr_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ROWS = 300, COLUMNS = 12 };

static const char *const column_types[COLUMNS] = {
    "BOOLEAN", "BOOLEAN", "INT",          "BIGINT",        "TINYINT",      "DOUBLE",
    "STRING",  "STRING",  "DECIMAL(9,2)", "DECIMAL(25,3)", "TIMESTAMP(3)", "DATE"};

typedef struct {
    expr_fixture fixture;
    const ps_type *types[COLUMNS];
    ps_batch_builder builder;
    uint64_t seed;
} bench;

static uint64_t next_random(bench *b)
{
    b->seed ^= b->seed << 13;
    b->seed ^= b->seed >> 7;
    b->seed ^= b->seed << 17;
    return b->seed;
}

static ps_value random_value(bench *b, const ps_type *type)
{
    static const char *const texts[] = {"",    "a",   "abc",  "ab%",  "Zürich", "12",
                                        "7.5", "a|b", "日本", "  x ", "ABC",    "2026-02-03"};
    static const int64_t integers[] = {0, 1, -1, 2, 7, 100, -100, 127, -128, 2147483647};
    ps_value value = {.is_null = next_random(b) % 5 == 0};
    if (value.is_null) {
        return value;
    }
    int64_t integer = integers[next_random(b) % COUNT(integers)];
    switch (type->kind) {
    case PS_TYPE_BOOLEAN:
        value.i64 = (int64_t)(next_random(b) % 2);
        break;
    case PS_TYPE_TINYINT:
        value.i64 = (int8_t)integer;
        break;
    case PS_TYPE_DOUBLE:
        value.f64 = (double)integer / 4;
        break;
    case PS_TYPE_VARCHAR:
        value.text = ps_slice_text(texts[next_random(b) % COUNT(texts)]);
        break;
    case PS_TYPE_DECIMAL:
        if (type->precision > 18) {
            value.i128 = (ps_i128)integer * 1000000000000;
        } else {
            value.i64 = integer % 1000000000;
        }
        break;
    case PS_TYPE_TIMESTAMP:
        value.i64 = integer * 86400000 / 7;
        break;
    default:
        value.i64 = integer;
    }
    return value;
}

static void bench_open(bench *b, uint64_t seed)
{
    ps_error err;
    expr_fixture_init(&b->fixture);
    b->seed = seed * 2654435761u + 88172645463325252ull;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        b->types[i] = expr_fixture_type(&b->fixture, column_types[i]);
    }
    b->fixture.column_types = b->types;
    assert_int_equal(ps_batch_builder_init(&b->builder, COLUMNS, b->types, ROWS, &err), PS_OK);
    for (uint64_t row = 0; row < ROWS; row++) {
        ps_batch_builder_begin_row(&b->builder, PS_KIND_INSERT, PS_WATERMARK_NONE, row);
        for (uint32_t i = 0; i < COLUMNS; i++) {
            ps_value value = random_value(b, b->types[i]);
            if (!value.is_null) {
                assert_int_equal(ps_batch_builder_set(&b->builder, i, value, &err), PS_OK);
            }
        }
        ps_batch_builder_end_row(&b->builder);
    }
}

static void bench_close(bench *b)
{
    ps_batch_builder_release(&b->builder);
    expr_fixture_release(&b->fixture);
}

/* The expression for one row: columns are constants. */
static ps_code evaluate_row(bench *b, const ps_expr *expr, uint32_t row, ps_value *out)
{
    const ps_expr *columns[COLUMNS];
    for (uint32_t i = 0; i < COLUMNS; i++) {
        const ps_column *column = &b->builder.batch.columns[i];
        columns[i] = ps_expr_constant(&b->fixture.context, b->types[i],
                                      ps_column_value(column, ps_type_phys(b->types[i]), row));
    }
    const ps_expr *constant = ps_expr_substitute(&b->fixture.context, expr, columns);
    return ps_expr_evaluate(&b->fixture.context, constant, out, &b->fixture.err);
}

static const char *const expressions[] = {
    "(AND c0 c1)",
    "(OR c0 c1)",
    "(NOT c0)",
    "(\"IS TRUE\" c0)",
    "(\"IS NOT FALSE\" (AND c0 c1))",
    "(\"IS NULL\" c6)",
    "(= c0 c1)",
    "(< c0 c1)",
    "(= c2 c3)",
    "(<> c2 7)",
    "(< 7 c2)",
    "(>= c3 c4)",
    "(< c5 c2)",
    "(<= c5 0.25e0)",
    "(= c6 c7)",
    "(< c6 c7)",
    "(<> 'abc' c6)",
    "(>= c6 'abc')",
    "(= c8 c2)",
    "(< c8 0.07)",
    "(< c8 0.075)",
    "(> c9 c8)",
    "(= c9 0.001)",
    "(< c10 (CAST '1970-01-02 00:00:00' [TIMESTAMP(3)]))",
    "(\"IS DISTINCT FROM\" c6 c7)",
    "(\"IS NOT DISTINCT FROM\" c2 1)",
    "(+ c2 c3)",
    "(- 1 c2)",
    "(* c2 c2)",
    "(+ c4 c4)",
    "(* c4 100)",
    "(- c4)",
    "(- c9)",
    "(/ c2 c3)",
    "(% c2 7)",
    "(CASE (<> c3 0L) (/ c2 c3) -1)",
    "(AND (<> c3 0L) (> (/ c2 c3) 1))",
    "(OR (= c3 0L) (\"IS NULL\" c3) (> (% c2 c3) 1))",
    "(COALESCE c8 (/ c8 c3) 1.5)",
    "(AND c0 (= (CAST c6 [INT]) 12))",
    "(AND (IN c6 '12' '7.5') (> (CAST c6 [INT]) 5))",
    "(|| (CASE c0 (UPPER c6) c1 (CAST c2 [STRING]) c7) c7)",
    "(+ c5 1.5e0)",
    "(/ c5 c5)",
    "(* 2e0 c5)",
    "(+ c8 c8)",
    "(- c8 1)",
    "(- 1.5 c8)",
    "(* c8 c8)",
    "(* c8 2.5)",
    "(/ c8 3)",
    "(+ c9 c8)",
    "(* c9 c9)",
    "(+ c8 c3)",
    "(CAST c3 [INT])",
    "(CAST c2 [DOUBLE])",
    "(CAST c8 [STRING])",
    "(TRY_CAST c6 [DECIMAL(9,2)])",
    "(TRY_CAST c6 [DATE])",
    "(LIKE c6 'ab%')",
    "(LIKE c6 '%b%')",
    "(LIKE c6 '%c')",
    "(LIKE c6 'a_c')",
    "(LIKE c6 c7)",
    "(IN c2 1 2 100)",
    "(IN c2 1 NULL)",
    "(IN c6 'a' 'abc' 'x' c7)",
    "(IN c2 0 1 2 3 4 5 6 7 8 9 10 127)",
    "(IF c0 c2 c3)",
    "(NULLIF c2 c3)",
    "(GREATEST c2 c3)",
    "(CASE c0 c1 (\"IS NULL\" c1) TRUE c0)",
    "(SUBSTRING c6 c2 3)",
    "(SPLIT_INDEX c6 '|' 1)",
    "(REGEXP_EXTRACT c6 '[a-z]+')",
    "(TIMESTAMPADD `'MONTH' c4 c10)",
    "(EXTRACT `'DOW' c10)",
    "(FLOOR c10 `'HOUR')",
    "(+ c10 (CAST NULL [INTERVAL_MS]))",
    "(DATE_FORMAT c10 'yyyy-MM-dd')",
    "(JSON_OBJECT `'NULL' 'k' c6 'n' c2)",
    "([] (ARRAY c2 c4) c4)",
    "c6",
    "c0",
    "5",
    "TRUE",
    "(CAST NULL [STRING])",
};

static void check_rows(bench *b, const ps_expr *expr, const ps_column *column, uint32_t from,
                       uint32_t to)
{
    ps_phys phys = ps_type_phys(expr->type);
    for (uint32_t row = from; row < to; row++) {
        ps_value one, many = ps_column_value(column, phys, row - from);
        assert_int_equal(evaluate_row(b, expr, row, &one), PS_OK);
        assert_int_equal(one.is_null, many.is_null);
        if (!one.is_null) {
            assert_int_equal(ps_value_compare(expr->type, &one, &many), 0);
            assert_true(expr->type->kind != PS_TYPE_BOOLEAN || (uint64_t)many.i64 <= 1);
        } else if (phys == PS_PHYS_TEXT) {
            assert_int_equal(column->text[row - from].size, 0);
        } else if (phys == PS_PHYS_I64) {
            assert_int_equal(column->i64[row - from], 0);
        }
    }
}

static void check_expression(bench *b, const char *text)
{
    const ps_expr *expr = expr_fixture_read(&b->fixture, text);
    assert_non_null(expr);
    ps_program *program = NULL;
    ps_program_clock clock = {1, 1};
    assert_int_equal(ps_program_new(&b->fixture.context, 1, &expr, &program, &b->fixture.err),
                     PS_OK);
    for (int round = 0; round < 6; round++) {
        uint32_t from = (uint32_t)(next_random(b) % ROWS), to = from;
        to += (uint32_t)(next_random(b) % (ROWS - from + 1));
        from = round == 0 ? 0 : from;
        to = round == 0 ? ROWS : to;
        ps_column column;
        uint32_t row = 0;
        ps_code code =
            ps_program_run(program, &(ps_program_rows){&b->builder.batch, from, to, &clock},
                           &column, &row, &b->fixture.err);
        if (code == PS_OK) {
            check_rows(b, expr, &column, from, to);
        } else { /* the row that is blamed fails alone too */
            ps_value ignored;
            assert_true(row >= from && row < to);
            assert_int_equal(evaluate_row(b, expr, row, &ignored), code);
        }
    }
    ps_program_free(program);
}

static void a_batch_gives_what_its_rows_give(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        for (size_t i = 0; i < COUNT(expressions); i++) {
            bench b;
            bench_open(&b, seed);
            print_message("SEED=%llu %s\n", (unsigned long long)seed, expressions[i]);
            check_expression(&b, expressions[i]);
            bench_close(&b);
        }
    }
}

/* An argument of any type: a column, a constant, a text that some function understands, a nested
 * value. */
static const ps_expr *random_argument(bench *b, int depth)
{
    static const char *const words[] = {
        "YEAR",   "MONTH",      "DAY",     "HOUR",  "BOTH",   "$.a[*]",
        "lax $",  "yyyy-MM-dd", "[a-z]",   "UTC",   "%a_",    "NULL",
        "ABSENT", "256",        "(a|b)+?", "QUERY", "[1,{}]", "{\"a\":[1,null]}"};
    ps_expr_context *context = &b->fixture.context;
    uint32_t column = (uint32_t)(next_random(b) % COLUMNS);
    const ps_expr *out = NULL, *parts[3];
    switch (next_random(b) % (depth > 0 ? 6 : 4)) {
    case 0:
        return ps_expr_constant(context, b->types[column], random_value(b, b->types[column]));
    case 1:
        return ps_expr_constant(
            context, &ps_type_string,
            (ps_value){.text = ps_slice_text(words[next_random(b) % COUNT(words)])});
    case 4:
        for (int i = 0; i < 3; i++) {
            parts[i] = random_argument(b, 0);
        }
        if (ps_expr_call(context, next_random(b) % 2 == 0 ? "ARRAY" : "ROW", 3, parts, &out,
                         &b->fixture.err) == PS_OK) {
            return out;
        }
        return parts[0];
    default:
        return ps_expr_column(context, column, b->types[column]);
    }
}

static void run_any(bench *b, const ps_expr *expr)
{
    ps_program *program = NULL;
    ps_program_clock clock = {1, 1};
    if (ps_program_new(&b->fixture.context, 1, &expr, &program, &b->fixture.err) != PS_OK) {
        return; /* a pattern that is not supported */
    }
    for (uint32_t from = 0; from < ROWS; from += 50) {
        ps_column column;
        uint32_t row = from;
        ps_code code =
            ps_program_run(program, &(ps_program_rows){&b->builder.batch, from, from + 50, &clock},
                           &column, &row, &b->fixture.err);
        if (code != PS_OK) {
            assert_in_range(row, from, from + 49);
        } else if (ps_expr_is_deterministic(expr)) {
            check_rows(b, expr, &column, from, from + 50);
        }
    }
    ps_program_free(program);
}

static void every_function_answers_or_refuses_any_arguments(void **state)
{
    (void)state;
    enum { TRIES = 40, RUNS = 4 };
    for (uint32_t i = 0; i < ps_function_count(); i++) {
        bench b;
        bench_open(&b, i + 1);
        uint32_t run_count = 0;
        print_message("SEED=%u %s\n", i + 1, ps_function_entry_at(i)->name);
        for (uint32_t k = 0; k < TRIES && run_count < RUNS; k++) {
            const ps_expr *arguments[6], *expr = NULL;
            uint32_t count = (uint32_t)(next_random(&b) % 6);
            for (uint32_t a = 0; a < count; a++) {
                arguments[a] = random_argument(&b, 1);
            }
            ps_code code = ps_expr_call(&b.fixture.context, ps_function_entry_at(i)->name, count,
                                        arguments, &expr, &b.fixture.err);
            if (code == PS_OK) {
                run_any(&b, expr);
                run_count++;
            } else {
                assert_true(b.fixture.err.text[0] != '\0');
            }
        }
        bench_close(&b);
    }
}

/* Many expressions in one program share parts and memory: the results are the same. */
static void expressions_share_a_program(void **state)
{
    (void)state;
    enum { MANY = 30 };
    bench b;
    bench_open(&b, 7);
    const ps_expr *exprs[MANY];
    uint32_t count = 0;
    for (size_t i = 0; i < COUNT(expressions) && count < MANY; i++) {
        const ps_expr *expr = expr_fixture_read(&b.fixture, expressions[i]);
        if (expr != NULL && strchr(expressions[i], '/') == NULL) {
            exprs[count++] = expr;
        }
    }
    ps_program *program = NULL;
    ps_program_clock clock = {1, 1};
    ps_column columns[MANY];
    uint32_t row = 0;
    assert_int_equal(ps_program_new(&b.fixture.context, count, exprs, &program, &b.fixture.err),
                     PS_OK);
    for (uint32_t from = 0; from < ROWS; from += 97) {
        assert_int_equal(ps_program_run(program,
                                        &(ps_program_rows){&b.builder.batch, from, ROWS, &clock},
                                        columns, &row, &b.fixture.err),
                         PS_OK);
        for (uint32_t i = 0; i < count; i++) {
            check_rows(&b, exprs[i], &columns[i], from, ROWS);
        }
    }
    ps_program_free(program);
    bench_close(&b);
}

static void a_filter_selects_the_rows_that_are_true(void **state)
{
    (void)state;
    static const char *const conditions[] = {"(AND c0 (> c2 0))", "(LIKE c6 'a%')", "c1", "TRUE",
                                             "(AND (<> c3 0L) (> (/ c2 c3) 1))"};
    for (size_t i = 0; i < COUNT(conditions); i++) {
        bench b;
        bench_open(&b, 11);
        const ps_expr *expr = expr_fixture_read(&b.fixture, conditions[i]);
        ps_program *program = NULL;
        ps_program_clock clock = {1, 1};
        uint32_t selection[ROWS], count = 0, row = 0, at = 0;
        assert_int_equal(ps_program_new(&b.fixture.context, 1, &expr, &program, &b.fixture.err),
                         PS_OK);
        assert_int_equal(ps_program_filter(program,
                                           &(ps_program_rows){&b.builder.batch, 5, 277, &clock},
                                           selection, &count, &row, &b.fixture.err),
                         PS_OK);
        for (row = 5; row < 277; row++) {
            ps_value value;
            assert_int_equal(evaluate_row(&b, expr, row, &value), PS_OK);
            if (!value.is_null && value.i64 != 0) {
                assert_true(at < count);
                assert_int_equal(selection[at++], row);
            }
        }
        assert_int_equal(at, count);
        ps_program_free(program);
        bench_close(&b);
    }
}

static void logic_has_three_values(void **state)
{
    (void)state;
#define T "TRUE"
#define F "FALSE"
#define N "(CAST NULL [BOOLEAN])"
    static const expr_case cases[] = {
        {"(AND " T " " T ")", NULL, "TRUE"},
        {"(AND " T " " F ")", NULL, "FALSE"},
        {"(AND " T " " N ")", NULL, "NULL"},
        {"(AND " F " " N ")", NULL, "FALSE"},
        {"(AND " N " " F ")", NULL, "FALSE"},
        {"(AND " N " " N ")", NULL, "NULL"},
        {"(AND " N " " T ")", NULL, "NULL"},
        {"(OR " T " " N ")", NULL, "TRUE"},
        {"(OR " N " " T ")", NULL, "TRUE"},
        {"(OR " F " " N ")", NULL, "NULL"},
        {"(OR " N " " N ")", NULL, "NULL"},
        {"(OR " F " " F ")", NULL, "FALSE"},
        {"(NOT " N ")", NULL, "NULL"},
        {"(NOT " F ")", NULL, "TRUE"},
        {"(\"IS TRUE\" " N ")", NULL, "FALSE"},
        {"(\"IS NOT TRUE\" " N ")", NULL, "TRUE"},
        {"(\"IS FALSE\" " N ")", NULL, "FALSE"},
        {"(\"IS NOT FALSE\" " N ")", NULL, "TRUE"},
        {"(\"IS UNKNOWN\" " N ")", NULL, "TRUE"},
        {"(\"IS NOT UNKNOWN\" " N ")", NULL, "FALSE"},
        {"(= " N " " N ")", NULL, "NULL"},
        {"(> " T " " N ")", NULL, "NULL"},
        {"(IN 1 2 NULL)", NULL, "NULL"},
        {"(NOT (IN 1 2 NULL))", NULL, "NULL"},
        {"(IN 1 1 NULL)", NULL, "TRUE"},
        {"(CASE " N " 1 2)", NULL, "2"},
    };
    expr_check_cases(cases, COUNT(cases));
}

static void every_entry_says_what_it_is(void **state)
{
    (void)state;
    assert_true(ps_function_count() > 130);
    for (uint32_t i = 0; i < ps_function_count(); i++) {
        const ps_function_entry *entry = ps_function_entry_at(i);
        size_t size = strlen(entry->summary);
        assert_true(size > 5 && (entry->summary[size - 1] == '.' ||
                                 strcmp(entry->summary + size - 3, "…") == 0));
        assert_non_null(strstr(entry->signature, "→"));
        assert_true(strlen(entry->family) > 0);
        /* one entry of a name */
        assert_ptr_equal(ps_function_entry_of(ps_function_find(entry->name)), entry);
    }
    assert_null(ps_function_entry_at(ps_function_count()));
}

static void overflow_is_null_only_where_it_is_asked_for(void **state)
{
    (void)state;
    static const char *const text =
        "(* (CAST '99999999999999999999999999999999999999' [DECIMAL(38,0)]) 10)";
    for (int is_null = 0; is_null < 2; is_null++) {
        expr_fixture fixture;
        const char *type = NULL;
        expr_fixture_init(&fixture);
        fixture.context.overflow_is_null = is_null != 0;
        const char *value = expr_fixture_evaluate(&fixture, text, false, &type);
        if (is_null != 0) {
            assert_string_equal(value, "NULL");
        } else {
            assert_memory_equal(value, "error: ", 7);
        }
        expr_fixture_release(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logic_has_three_values),
        cmocka_unit_test(a_batch_gives_what_its_rows_give),
        cmocka_unit_test(every_function_answers_or_refuses_any_arguments),
        cmocka_unit_test(expressions_share_a_program),
        cmocka_unit_test(a_filter_selects_the_rows_that_are_true),
        cmocka_unit_test(every_entry_says_what_it_is),
        cmocka_unit_test(overflow_is_null_only_where_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
