/* SQL scripts run from C: what rows come back, and how a script fails. */
#include "paystream/paystream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    char text[4096];
    size_t size;
    uint32_t rows_max; /* then it says enough; 0: all */
    uint32_t row_count;
} printed;

static bool print_row(void *user, const ps_row *row)
{
    static const char *const changes[] = {"+I", "-U", "+U", "-D"};
    printed *self = user;
    char value[64];
    self->size += (size_t)snprintf(self->text + self->size, sizeof self->text - self->size, "%s",
                                   changes[ps_row_change(row)]);
    for (uint32_t i = 0; i < ps_row_column_count(row); i++) {
        ps_row_print(row, i, value, sizeof value);
        self->size += (size_t)snprintf(self->text + self->size, sizeof self->text - self->size,
                                       " %s=%s", ps_row_column_name(row, i), value);
    }
    self->size += (size_t)snprintf(self->text + self->size, sizeof self->text - self->size, "; ");
    return ++self->row_count != self->rows_max;
}

static void expect(const char *script, const char *expected)
{
    printed got = {.size = 0};
    ps_failure failure = {0};
    if (!ps_sql_run(script, NULL, print_row, &got, &failure)) {
        fail_msg("%s", failure.text);
    }
    assert_string_equal(got.text, expected);
}

static void rows_of_queries_come_with_names_kinds_and_changes(void **state)
{
    (void)state;
    expect("SELECT 1 AS n, CAST('2.50' AS DECIMAL(5, 2)) AS price, CAST(NULL AS STRING) AS t",
           "+I n=1 price=2.50 t=NULL; ");
    expect("CREATE VIEW v AS SELECT * FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) AS t (k, n);"
           "SELECT k, SUM(n) AS s FROM v GROUP BY k",
           "+I k=a s=1; +I k=b s=2; -U k=a s=1; +U k=a s=4; ");
    expect("CREATE VIEW w AS SELECT 1 AS x; SHOW VIEWS;", "+I view name=w; ");
    expect("", "");
}

static void the_caller_may_have_enough(void **state)
{
    (void)state;
    printed got = {.rows_max = 2};
    assert_true(ps_sql_run("CREATE TABLE g (n BIGINT) WITH ('connector' = 'datagen', "
                           "'fields.n.kind' = 'sequence', 'fields.n.start' = '1', "
                           "'fields.n.end' = '1000000'); SELECT n FROM g; SELECT 9 AS nine;",
                           NULL, print_row, &got, NULL));
    assert_string_equal(got.text, "+I n=1; +I n=2; ");
}

static bool check_values(void *user, const ps_row *row)
{
    ++*(uint32_t *)user;
    assert_int_equal(ps_row_column_kind(row, 0), PS_COLUMN_TIME);
    assert_int_equal(ps_row_i64(row, 0), -1500); /* precision 6, given as ms */
    assert_int_equal(ps_row_i64(row, 1), 7);
    assert_true(ps_row_f64(row, 2) == 2.5);
    assert_memory_equal(ps_row_text(row, 3).data, "abc", 3);
    assert_true(ps_row_is_null(row, 4));
    assert_int_equal(ps_row_column_kind(row, 5), PS_COLUMN_OTHER);
    assert_int_equal(ps_row_find(row, "d"), 5);
    assert_int_equal(ps_row_find(row, "z"), UINT32_MAX);
    return true;
}

static void typed_values_are_read_without_text(void **state)
{
    (void)state;
    uint32_t row_count = 0;
    const ps_setting settings[] = {{"paystream.batch.rows", "1"}, {NULL, NULL}};
    const ps_sql_options options = {.settings = settings};
    assert_true(ps_sql_run("SELECT TIMESTAMP '1969-12-31 23:59:58.500000' AS t, 7 AS n, 2.5e0 AS f,"
                           "'abc' AS s, CAST(NULL AS INT) AS e, DATE '2024-01-01' AS d",
                           &options, check_values, &row_count, NULL));
    assert_int_equal(row_count, 1);
}

static void settings_of_jobs_are_heeded(void **state)
{
    (void)state;
#define HOUR_OF_TEN_ROWS                                                                           \
    "CREATE TABLE g (n BIGINT, ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts) WITH ("       \
    "'connector' = 'datagen', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', "              \
    "'fields.n.end' = '10'); SELECT COUNT(*) AS c FROM TABLE(TUMBLE(TABLE g, DESCRIPTOR(ts), "     \
    "INTERVAL '1' HOUR)) GROUP BY window_start, window_end"
    expect(HOUR_OF_TEN_ROWS, "+I c=10; ");
    /* without the final watermark the window stays open */
    expect("SET 'paystream.end-of-input' = 'savepoint'; " HOUR_OF_TEN_ROWS, "");
}

static void a_script_that_is_wrong_says_where(void **state)
{
    (void)state;
    ps_failure failure;
    assert_false(ps_sql_run("SELECT 1 AS a;\nSELECT b FROM nothing;", NULL, NULL, NULL, &failure));
    assert_int_equal(failure.line, 2);
    assert_non_null(strstr(failure.text, "script:2:15: error: "));
    assert_false(
        ps_sql_run("SELEC 1", &(ps_sql_options){.file_name = "job.sql"}, NULL, NULL, &failure));
    assert_int_equal(failure.kind, PS_FAILURE_INVALID);
    assert_non_null(strstr(failure.text, "job.sql:1:1"));
    const ps_setting wrong[] = {{"paystream.batch.rowz", "1"}, {NULL, NULL}};
    assert_false(
        ps_sql_run("SELECT 1", &(ps_sql_options){.settings = wrong}, NULL, NULL, &failure));
    assert_false(
        ps_sql_run("SELECT 1 / (n - 1) AS x FROM (VALUES 1) AS t (n)", NULL, NULL, NULL, &failure));
    assert_int_equal(failure.line, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_queries_come_with_names_kinds_and_changes),
        cmocka_unit_test(the_caller_may_have_enough),
        cmocka_unit_test(typed_values_are_read_without_text),
        cmocka_unit_test(settings_of_jobs_are_heeded),
        cmocka_unit_test(a_script_that_is_wrong_says_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
