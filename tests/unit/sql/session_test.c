/* DDL, SET, SHOW and DESCRIBE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session_fixture.h"

typedef struct {
    const char *script, *answer;
} text_case;

static void check_rows(const text_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *answer = fixture_rows(cases[i].script);
        if (strcmp(answer, cases[i].answer) != 0) {
            print_error("%s\n", cases[i].script);
        }
        assert_string_equal(answer, cases[i].answer);
    }
}
#define CHECK_ROWS(cases) check_rows(cases, sizeof(cases) / sizeof(cases)[0])

static void tables_come_go_and_stand_in_each_others_way(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"CREATE TABLE a (x INT);", "1:14: table or view 'a' already exists"},
        {"CREATE TABLE IF NOT EXISTS a (x INT); DESCRIBE b;",
         "id | INT | TRUE |  |  | \nk | STRING | TRUE |  |  | \ny | BIGINT | FALSE |  |  | \n"},
        {"DROP TABLE a; SELECT * FROM a;", "1:29: table 'a' not found"},
        {"DROP VIEW a;", "1:11: there is no view 'a'"},
        {"DROP TABLE IF EXISTS nope; DROP TABLE nope;", "1:39: there is no table 'nope'"},
        {"CREATE TEMPORARY VIEW v AS SELECT id FROM a; DROP VIEW v;",
         "1:56: 'v' is temporary: DROP TEMPORARY VIEW"},
        {"CREATE VIEW v AS SELECT nope FROM a;", "1:25: column 'nope' not found in any table"},
        {"CREATE VIEW v (p, q) AS SELECT id FROM a;",
         "1:13: 2 column names are given for 1 columns"},
        {"CREATE VIEW v (p) AS SELECT id FROM a; CREATE VIEW w AS SELECT p + 1 AS z FROM v; "
         "DESCRIBE w;",
         "z | INT | TRUE |  |  | \n"},
        {"CREATE TEMPORARY TABLE a (q INT); DESCRIBE a; DROP TEMPORARY TABLE a; SHOW VIEWS;",
         "q | INT | TRUE |  |  | \n"},
        {"CREATE FUNCTION f AS 'x';", "1:17: CREATE FUNCTION is not portable: Flink's functions "
                                      "are classes of the JVM, which do "
                                      "not run here"},
    };
    CHECK_ROWS(cases);
}

static void describe_says_what_the_columns_are(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"CREATE TABLE t (id INT NOT NULL, ms BIGINT METADATA FROM 'm' VIRTUAL, d AS id * 2,"
         " ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED, WATERMARK FOR ts AS ts)"
         " WITH ('connector' = 'values'); DESCRIBE t;",
         "id | INT | FALSE | PRI(id) |  | \n"
         "ms | BIGINT | TRUE |  | METADATA FROM 'm' VIRTUAL | \n"
         "d | INT | FALSE |  | AS id * 2 | \n"
         "ts | TIMESTAMP(3) *ROWTIME* | TRUE |  |  | ts\n"},
    };
    CHECK_ROWS(cases);
}

static void wrong_definitions_are_refused(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"CREATE TABLE t (x INT, x INT);", "1:24: a column named 'x' already exists"},
        {"CREATE TABLE t (x TIMESTAMP(6), WATERMARK FOR x AS x);",
         "1:47: invalid data type of the time field of a watermark: it must be TIMESTAMP(p) or "
         "TIMESTAMP_LTZ(p) with p from 0 to 3, but is TIMESTAMP(6)"},
        {"CREATE TABLE t (x INT, WATERMARK FOR y AS y);",
         "1:38: the column 'y' of the watermark is not defined"},
        {"CREATE TABLE t (x INT, PRIMARY KEY (y) NOT ENFORCED);",
         "1:37: column 'y' of PRIMARY KEY is not defined"},
        {"CREATE TABLE t (x INT, c AS x + 1, d AS c + 1);",
         "1:41: column 'c' not found in any table"},
        {"CREATE TABLE t (x DECIMAL(39, 0));",
         "1:19: the precision must be between 1 and 38, not 39"},
        {"CREATE TABLE t (x INT) WITH ('connector' = 'nosuch'); SELECT * FROM t;",
         "1:69: there is no connector 'nosuch'"},
        {"CREATE TABLE t (x INT); SELECT * FROM t;", "1:39: table 't' has no connector"},
    };
    CHECK_ROWS(cases);
}

static void like_takes_over_what_it_is_told_to(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"CREATE TABLE base (x INT, ts TIMESTAMP(3), d AS x + 1, WATERMARK FOR ts AS ts,"
         " PRIMARY KEY (x) NOT ENFORCED) WITH ('connector' = 'values', 'p' = '1');"
         "CREATE TABLE t (y INT) WITH ('p' = '2') LIKE base (EXCLUDING GENERATED EXCLUDING"
         " CONSTRAINTS); SHOW CREATE TABLE t;",
         "CREATE TABLE `t` (\n  `x` INT,\n  `ts` TIMESTAMP(3),\n  `y` INT,\n"
         "  WATERMARK FOR `ts` AS ts\n) WITH (\n  'connector' = 'values',\n  'p' = '2'\n)\n"},
        {"CREATE TABLE base (x INT) WITH ('connector' = 'values');"
         "CREATE TABLE t (x INT) LIKE base;",
         "1:70: a column named 'x' already exists in the base table"},
    };
    CHECK_ROWS(cases);
}

static void inserts_fit_the_columns_of_their_table(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"INSERT INTO file_sink SELECT 1;",
         "1:13: column types of query result and sink for 'file_sink' do not match: different "
         "number of columns"},
        {"INSERT INTO file_sink SELECT 'a', 'b';",
         "1:13: column types of query result and sink for 'file_sink' do not match: incompatible "
         "types for column 'n'"},
        {"INSERT INTO key_sink (n) VALUES (1);", "1:13: column 'k' is NOT NULL and needs a value"},
        {"INSERT INTO file_sink (n, n) VALUES (1, 2);", "1:27: column 'n' is named twice"},
        {"INSERT INTO file_sink (z) VALUES (1);",
         "1:24: table 'file_sink' has no column 'z' to insert into"},
        {"EXPLAIN INSERT INTO file_sink (n) VALUES (1);",
         "Sink#2 table=[file_sink]  {append}\n"
         "+- Calc#1 select=[NULL AS k, CAST(EXPR$0 AS BIGINT NOT NULL) AS n]  {append}\n"
         "   +- Values#0 rows=1  {append}\n"},
    };
    CHECK_ROWS(cases);
}

static void settings_are_checked_and_listed(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"SET 'table.exec.state.ttl' = '1 h'; SET 'a.b' = 'c'; SET;",
         "a.b | c\ntable.exec.state.ttl | 1 h\n"},
        {"SET 'x' = '1'; RESET 'x'; SET 'y' = '2'; RESET; SET;", ""},
        {"SET 'table.exec.state.ttl' = 'soon';",
         "1:5: 'soon' is no value for 'table.exec.state.ttl': it takes a duration, e.g. '500 ms', "
         "'5 s', '10 min', '1 h'"},
        {"SET 'paystream.nope' = '1';", "1:5: there is no setting 'paystream.nope'"},
        {"SET 'execution.runtime-mode' = 'batch';",
         "1:5: execution.runtime-mode = batch is not supported yet"},
    };
    CHECK_ROWS(cases);
}

static void the_extended_dialect_sorts_bounded_inputs(void **state)
{
    (void)state;
    assert_non_null(
        strstr(fixture_plan("SET 'paystream.dialect' = 'extended'; SELECT id FROM a ORDER BY x;"),
               "Sort order=[x ASC]"));
}

static void a_failed_statement_leaves_the_session_usable(void **state)
{
    (void)state;
    ps_session *session = fixture_session_new(fixture_tables);
    ps_statement statement;
    ps_sql_error err;
    ps_session_open(session, "t.sql", PS_SLICE("SELECT nope FROM a; SELECT id FROM a;"));
    assert_int_equal(ps_session_next(session, &statement, &err), PS_E_INVALID);
    assert_int_equal(err.at.column, 8);
    assert_int_equal(ps_session_next(session, &statement, &err), PS_OK);
    assert_int_equal(statement.kind, PS_STATEMENT_QUERY);
    assert_int_equal(ps_session_next(session, &statement, &err), PS_OK);
    assert_int_equal(statement.kind, PS_STATEMENT_END);
    ps_session_free(session);
}

static void tables_are_listed_in_order_of_name(void **state)
{
    (void)state;
    ps_session *session = fixture_session_new(
        "CREATE TABLE z (x INT); CREATE TABLE b (x INT); CREATE TABLE m (x INT);");
    assert_int_equal(ps_session_table_count(session), 3);
    assert_memory_equal(ps_session_table_name(session, 0).data, "b", 1);
    assert_memory_equal(ps_session_table_name(session, 2).data, "z", 1);
    ps_session_free(session);
}

static void what_is_not_portable_is_noted(void **state)
{
    (void)state;
    static const struct {
        const char *script, *rule;
        uint32_t line, column;
    } cases[] = {
        {"CREATE TABLE t (x INT) WITH ('connector' = 'values');", "connector", 1, 14},
        {"SELECT COUNT(*) FROM txn\nGROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);", "legacy-window", 2,
         10},
        {"SET 'paystream.compat.overflow' = 'flink';", "compat-overflow", 1, 5},
        {"SET 'paystream.dialect' = 'extended';", "extended-dialect", 1, 5},
        {"SELECT /*+ NOPE('a' = 'b') */ id FROM a;", "unknown-hint", 1, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ps_session *session = fixture_session_new(fixture_tables);
        ps_statement statement;
        ps_sql_error err;
        ps_session_open(session, "t.sql", ps_slice_text(cases[i].script));
        assert_int_equal(ps_session_next(session, &statement, &err), PS_OK);
        assert_int_equal(ps_session_finding_count(session), 1);
        const ps_lint_finding *finding = ps_session_finding_at(session, 0);
        assert_string_equal(finding->rule, cases[i].rule);
        assert_int_equal(finding->line, cases[i].line);
        assert_int_equal(finding->column, cases[i].column);
        ps_session_free(session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_come_go_and_stand_in_each_others_way),
        cmocka_unit_test(describe_says_what_the_columns_are),
        cmocka_unit_test(wrong_definitions_are_refused),
        cmocka_unit_test(like_takes_over_what_it_is_told_to),
        cmocka_unit_test(inserts_fit_the_columns_of_their_table),
        cmocka_unit_test(settings_are_checked_and_listed),
        cmocka_unit_test(the_extended_dialect_sorts_bounded_inputs),
        cmocka_unit_test(a_failed_statement_leaves_the_session_usable),
        cmocka_unit_test(tables_are_listed_in_order_of_name),
        cmocka_unit_test(what_is_not_portable_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
