/* Text in, canonical text out; wrong text in, place and sentence out. A new case is one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sql/ast_print.h"
#include "sql/parser.h"

static ps_arena arena;
static ps_buf out;

static int setup(void **state)
{
    (void)state;
    ps_arena_init(&arena, 64 << 20);
    ps_buf_init(&out, 4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_arena_release(&arena);
    ps_buf_release(&out);
    return 0;
}

/* Statements printed, each with `;`. */
static ps_code print_all(ps_slice script, ps_buf *into, ps_sql_error *err)
{
    ps_parser *parser;
    ps_ast_statement *statement = NULL;
    ps_code code = ps_parser_new(script, &arena, &parser, err);
    while (code == PS_OK) {
        code = ps_parser_next(parser, &statement, err);
        if (code != PS_OK || statement == NULL) {
            break;
        }
        ps_ast_statement_print(statement, into);
        ps_buf_append_text(into, ";");
    }
    return code;
}

static void assert_prints(const char *text, const char *expected)
{
    ps_sql_error err = {0};
    ps_buf_clear(&out);
    if (print_all(ps_slice_text(text), &out, &err) != PS_OK) {
        fail_msg("%s\n%u:%u: %s", text, err.at.line, err.at.column, err.text);
    }
    ps_buf_append_char(&out, 0);
    assert_string_equal(out.data, expected);
}

typedef struct {
    const char *text, *printed; /* printed NULL: as the text */
} pair;

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ── expressions ── */

static void operators_bind_as_in_flink(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"a OR (b AND c)", "a OR b AND c"},
        {"(a OR b) AND c", NULL},
        {"NOT (a = b)", "NOT a = b"},
        {"(NOT a) = b", NULL},
        {"a = NOT b", "a = (NOT b)"},
        {"(a = b) IS NULL", "a = b IS NULL"},
        {"a = (b IS NULL)", NULL},
        {"a = (b IN (1, 2))", "a = b IN (1, 2)"},
        {"(a = b) IN (1)", NULL},
        {"a = (b BETWEEN 1 AND 2)", "a = b BETWEEN 1 AND 2"},
        {"a BETWEEN (b + 1) AND c AND d", "a BETWEEN b + 1 AND c AND d"},
        {"(a IS DISTINCT FROM b) = c", "a IS DISTINCT FROM b = c"},
        {"a IS DISTINCT FROM (b = c)", NULL},
        {"(a || b) + c", "a || b + c"},
        {"a || (b + c)", NULL},
        {"(a || b) * c", "a || b * c"},
        {"a - (b - c)", NULL},
        {"(a - b) - c", "a - b - c"},
        {"a - -b", NULL},
        {"- -a", "-(-a)"},
        {"-a.b[1].c * 2", NULL},
        {"-(a * b)", NULL},
        {"(a).b", NULL},
        {"((a + b)).c", "(a + b).c"},
        {"a LIKE b || '%' ESCAPE '!'", NULL},
        {"a NOT SIMILAR TO 'x'", NULL},
        {"a <> b AND NOT EXISTS (SELECT 1)", NULL},
        {"x NOT BETWEEN SYMMETRIC 1 AND 2", NULL},
        {"x BETWEEN ASYMMETRIC 1 AND 2", "x BETWEEN 1 AND 2"},
        {"a IS NOT UNKNOWN IS TRUE", NULL},
        {"a IS JSON VALUE", "a IS JSON"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        ps_ast_expr *expr;
        ps_sql_error err = {0};
        const char *expected = pairs[i].printed != NULL ? pairs[i].printed : pairs[i].text;
        if (ps_parse_expr(ps_slice_text(pairs[i].text), &arena, &expr, &err) != PS_OK) {
            fail_msg("%s: %s", pairs[i].text, err.text);
        }
        ps_buf_clear(&out);
        ps_ast_expr_print(expr, &out);
        ps_buf_append_char(&out, 0);
        assert_string_equal(out.data, expected);
    }
}

static void operands_keep_what_was_written(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"1", NULL},
        {"1.50", NULL},
        {".5", NULL},
        {"1e3", NULL},
        {"'it''s'", NULL},
        {"'a' 'b'", "'ab'"},
        {"x'0A'", "X'0a'"},
        {"`we``ird`", NULL},
        {"date '2026-02-30'", "DATE '2026-02-30'"},
        {"INTERVAL -'1' DAY", NULL},
        {"INTERVAL '1 2:3:4.5' DAY(3) TO SECOND(3)", NULL},
        {"INTERVAL '10' SECONDS", "INTERVAL '10' SECOND"},
        {"CASE a WHEN 1, 2 THEN 'x' ELSE 'y' END",
         "CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'x' ELSE 'y' END"},
        {"TRY_CAST(a AS DECIMAL(10, 2))", NULL},
        {"EXTRACT(MONTH FROM d)", NULL},
        {"TRIM(LEADING 'x' FROM s)", NULL},
        {"TRIM('x' FROM s)", "TRIM(BOTH 'x' FROM s)"},
        {"TRIM(s)", NULL},
        {"SUBSTRING(s FROM 2 FOR 3)", NULL},
        {"SUBSTRING(s, 2, 3)", NULL},
        {"OVERLAY(s PLACING 'x' FROM 1 FOR 2)", NULL},
        {"FLOOR(t TO HOUR)", NULL},
        {"TIMESTAMPDIFF(SECOND, a, b)", NULL},
        {"CURRENT_TIMESTAMP", NULL},
        {"user", "`user`"},
        {"COUNT(DISTINCT x) FILTER (WHERE y > 1)", NULL},
        {"COUNT(*)", NULL},
        {"LAG(x, 1) IGNORE NULLS OVER (PARTITION BY a ORDER BY b DESC NULLS LAST)", NULL},
        {"SUM(x) OVER w", NULL},
        {"SUM(x) OVER (ORDER BY t ROWS 2 PRECEDING)",
         "SUM(x) OVER (ORDER BY t ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)"},
        {"SUM(x) OVER (ORDER BY t RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW)",
         NULL},
        {"LISTAGG(a, ',') WITHIN GROUP (ORDER BY b)", NULL},
        {"ARRAY_AGG(a ORDER BY b)", NULL},
        {"ARRAY[1, 2][1]", NULL},
        {"MAP['a', 1]['a']", NULL},
        {"ROW(1, 'a')", NULL},
        {"(1, 'a')", NULL},
        {"(a, b) IN ((1, 2), (3, 4))", NULL},
        {"((SELECT 1) UNION ALL (SELECT 2))", "(SELECT 1 UNION ALL SELECT 2)"},
        {"((SELECT 1) + 2)", "(SELECT 1) + 2"},
        {"x IN ((SELECT 1) EXCEPT SELECT 2)", "x IN (SELECT 1 EXCEPT SELECT 2)"},
        {"JSON_VALUE(j, '$.a' RETURNING INT DEFAULT 3 ON EMPTY ERROR ON ERROR)", NULL},
        {"JSON_QUERY(j, '$.a' WITH CONDITIONAL ARRAY WRAPPER EMPTY ARRAY ON EMPTY)", NULL},
        {"JSON_EXISTS(j, '$.a' TRUE ON ERROR)", NULL},
        {"JSON_OBJECT('a' VALUE 1, KEY 'b' VALUE 2 ABSENT ON NULL)",
         "JSON_OBJECT(KEY 'a' VALUE 1, KEY 'b' VALUE 2 ABSENT ON NULL)"},
        {"JSON_ARRAY(1, 2 NULL ON NULL)", NULL},
        {"RUNNING LAST(A.x) + 1", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        char text[512], expected[512];
        const char *printed = pairs[i].printed != NULL ? pairs[i].printed : pairs[i].text;
        snprintf(text, sizeof text, "SELECT %s", pairs[i].text);
        snprintf(expected, sizeof expected, "SELECT %s;", printed);
        assert_prints(text, expected);
    }
}

static void types_keep_what_was_written(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"integer", "INT"},
        {"STRING", NULL},
        {"VARCHAR(2147483647)", "STRING"},
        {"CHARACTER VARYING(20)", "VARCHAR(20)"},
        {"BYTES NOT NULL", NULL},
        {"NUMERIC(10)", "DECIMAL(10)"},
        {"DOUBLE PRECISION", "DOUBLE"},
        {"TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"},
        {"TIME(0) WITHOUT TIME ZONE", "TIME(0)"},
        {"ROW<a INT NOT NULL, `b c` ARRAY<MAP<STRING, DECIMAL(10, 2)>>>", NULL},
        {"ROW(a INT 'comment')", "ROW<a INT 'comment'>"},
        {"ROW<>", NULL},
        {"INT NOT NULL ARRAY NOT NULL", "ARRAY<INT NOT NULL> NOT NULL"},
        {"INTERVAL DAY(2) TO SECOND(3)", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        ps_ast_type *type;
        ps_sql_error err = {0};
        if (ps_parse_type(ps_slice_text(pairs[i].text), &arena, &type, &err) != PS_OK) {
            fail_msg("%s: %s", pairs[i].text, err.text);
        }
        ps_buf_clear(&out);
        ps_ast_type_print(type, &out);
        ps_buf_append_char(&out, 0);
        assert_string_equal(out.data, pairs[i].printed != NULL ? pairs[i].printed : pairs[i].text);
    }
}

/* ── queries and statements ── */

static void queries_keep_their_shape(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"SELECT DISTINCT a, t.*, b AS c FROM s.t AS t", NULL},
        {"SELECT a b FROM t c (d, e)", "SELECT a AS b FROM t AS c (d, e)"},
        {"SELECT 1 UNION SELECT 2 INTERSECT SELECT 3", NULL},
        {"(SELECT 1 UNION SELECT 2) INTERSECT SELECT 3", NULL},
        {"SELECT 1 EXCEPT (SELECT 2 EXCEPT ALL SELECT 3)", NULL},
        {"(SELECT 1 LIMIT 2) UNION ALL (SELECT 2) ORDER BY 1",
         "(SELECT 1 LIMIT 2) UNION ALL SELECT 2 ORDER BY 1"},
        {"((SELECT 1))", "SELECT 1"},
        {"(SELECT 1 ORDER BY 1) LIMIT 3", NULL},
        {"WITH a AS (SELECT 1), b (x) AS (VALUES (1), (2)) SELECT * FROM a, b",
         "WITH a AS (SELECT 1), b (x) AS (VALUES (1), (2)) SELECT * FROM a, b"},
        {"VALUES (1, 'a'), ROW(2, 'b')", NULL},
        {"SELECT * FROM (VALUES (1, 2)) AS t (a, b)", NULL},
        {"SELECT * FROM ((SELECT 1) UNION ALL SELECT 2) AS t",
         "SELECT * FROM (SELECT 1 UNION ALL SELECT 2) AS t"},
        {"SELECT * FROM a, b INNER JOIN c ON a.x = c.x", "SELECT * FROM a, b JOIN c ON a.x = c.x"},
        {"SELECT * FROM a LEFT OUTER JOIN (b CROSS JOIN c) USING (x, y)",
         "SELECT * FROM a LEFT JOIN (b CROSS JOIN c) USING (x, y)"},
        {"SELECT * FROM a NATURAL FULL JOIN b", NULL},
        {"SELECT * FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts AS r ON o.c = r.c",
         "SELECT * FROM o JOIN r FOR SYSTEM_TIME AS OF (o.ts) AS r ON o.c = r.c"},
        {"SELECT * FROM t /*+ OPTIONS('k'='v') */ AS x",
         "SELECT * FROM t /*+ OPTIONS('k' = 'v') */ AS x"},
        {"SELECT /*+ STATE_TTL('t' = '1d'), BROADCAST(t) */ a FROM t",
         "SELECT /*+ STATE_TTL('t' = '1d'), BROADCAST('t') */ a FROM t"},
        {"SELECT * FROM a CROSS JOIN UNNEST(a.x) WITH ORDINALITY AS u (e, o)", NULL},
        {"SELECT * FROM a, LATERAL TABLE(f(a.x)) AS u (y)", NULL},
        {"SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)",
         "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"},
        {"SELECT * FROM TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL "
         "'1' MINUTE, SIZE => INTERVAL '5' MINUTE))",
         "SELECT * FROM TABLE(HOP(`DATA` => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL "
         "'1' MINUTE, `SIZE` => INTERVAL '5' MINUTE))"},
        {"SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, l, DESCRIPTOR(ts), INTERVAL '1' "
         "MINUTE))",
         "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY (k, l), DESCRIPTOR(ts), INTERVAL '1' "
         "MINUTE))"},
        {"SELECT a FROM t WHERE b GROUP BY a, (b, c), CUBE (d, (e, f)), GROUPING SETS ((a), b, ()) "
         "HAVING c",
         "SELECT a FROM t WHERE b GROUP BY a, (b, c), CUBE (d, (e, f)), GROUPING SETS (a, b, ()) "
         "HAVING c"},
        {"SELECT a FROM t WINDOW w AS (PARTITION BY b ORDER BY c), v AS (w) QUALIFY d > 1", NULL},
        {"SELECT a FROM t ORDER BY a ASC NULLS FIRST, b DESC LIMIT 3 OFFSET 4 ROWS",
         "SELECT a FROM t ORDER BY a NULLS FIRST, b DESC LIMIT 3 OFFSET 4"},
        {"SELECT a FROM t FETCH FIRST 5 ROWS ONLY", "SELECT a FROM t LIMIT 5"},
        {"TABLE t", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        char expected[1024];
        snprintf(expected, sizeof expected, "%s;",
                 pairs[i].printed != NULL ? pairs[i].printed : pairs[i].text);
        assert_prints(pairs[i].text, expected);
    }
}

static void patterns_keep_their_shape(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"A B+ C*? D{2,} E{,3}? F{4} G?", "A B+ C*? D{2,} E{0,3}? F{4} G?"},
        {"^ A (B | C D)+ $", NULL},
        {"A | (B C)", "A | B C"},
        {"(A)", "A"},
        {"(A+)*", "(A+)*"},
        {"PERMUTE(A, B) {- C -} [^D]", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        char text[512], expected[512];
        const char *rest = "WITHIN INTERVAL '1' MINUTE SUBSET S = (A, B) DEFINE A AS A.x > 1";
        snprintf(
            text, sizeof text,
            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.x AS y ONE "
            "ROW PER MATCH AFTER MATCH SKIP TO FIRST B PATTERN (%s) %s) AS m",
            pairs[i].text, rest);
        snprintf(
            expected, sizeof expected,
            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.x AS y ONE "
            "ROW PER MATCH AFTER MATCH SKIP TO FIRST B PATTERN (%s) %s) AS m;",
            pairs[i].printed != NULL ? pairs[i].printed : pairs[i].text, rest);
        assert_prints(text, expected);
    }
}

static void statements_keep_their_shape(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"CREATE TABLE t (a INT NOT NULL COMMENT 'x', b AS a + 1, c STRING METADATA FROM 'k' "
         "VIRTUAL, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (a) NOT ENFORCED) "
         "COMMENT 'y' PARTITIONED BY (a) WITH ('k' = 'v', 'l' = 'it''s')",
         NULL},
        {"CREATE TEMPORARY TABLE IF NOT EXISTS a.t (a INT PRIMARY KEY NOT ENFORCED)", NULL},
        {"CREATE TABLE t (x INT) WITH ('a' = 'b') LIKE s (EXCLUDING ALL INCLUDING WATERMARKS)",
         NULL},
        {"CREATE TABLE t (a, b) WITH ('k' = 'v') AS SELECT 1, 2", NULL},
        {"CREATE TEMPORARY VIEW v (a, b) COMMENT 'x' AS SELECT 1, 2", NULL},
        {"CREATE TEMPORARY FUNCTION f AS 'fn' LANGUAGE C USING LIBRARY 'x.so'", NULL},
        {"DROP TEMPORARY VIEW IF EXISTS v", NULL},
        {"DROP TABLE t", NULL},
        {"INSERT INTO t PARTITION (a = '1') (b, c) SELECT 1, 2", NULL},
        {"INSERT OVERWRITE t /*+ OPTIONS('k' = 'v') */ VALUES (1)", NULL},
        {"INSERT INTO t (SELECT 1)", "INSERT INTO t SELECT 1"},
        {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END", NULL},
        {"BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END",
         "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END"},
        {"EXECUTE INSERT INTO a SELECT 1", "INSERT INTO a SELECT 1"},
        {"SET 'a' = 'b'", NULL},
        {"SET", NULL},
        {"RESET 'a'", NULL},
        {"RESET", NULL},
        {"EXPLAIN PLAN FOR SELECT 1", "EXPLAIN SELECT 1"},
        {"EXPLAIN CHANGELOG_MODE, PLAN_ADVICE INSERT INTO t SELECT 1", NULL},
        {"EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END",
         "EXPLAIN EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END"},
        {"SHOW TABLES", NULL},
        {"SHOW CREATE VIEW v", NULL},
        {"SHOW COLUMNS IN t", "SHOW COLUMNS FROM t"},
        {"DESC t", "DESCRIBE t"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        char expected[1024];
        snprintf(expected, sizeof expected, "%s;",
                 pairs[i].printed != NULL ? pairs[i].printed : pairs[i].text);
        assert_prints(pairs[i].text, expected);
    }
}

/* ── errors ── */

typedef struct {
    const char *text;
    uint32_t line, column;
    ps_code code;
    const char *sentence, *hint; /* parts of them; hint NULL: none may be there */
} wrong;

static void wrong_text_is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    static const wrong wrongs[] = {
        {"SELECT 1 != 2", 1, 10, PS_E_INVALID, "`!=`", "<>"},
        {"SELECT 1 == 2", 1, 10, PS_E_INVALID, "`==`", "="},
        {"SELECT a::int", 1, 9, PS_E_INVALID, "`::`", "CAST"},
        {"SELECT a && b", 1, 10, PS_E_INVALID, "`&&`", "AND"},
        {"SELECT ?", 1, 8, PS_E_INVALID, "`?`", "parameters"},
        {"SELECT a FROM t LIMIT 1, 2", 1, 24, PS_E_INVALID, "LIMIT takes one", "OFFSET"},
        {"SELECT a FROM t OFFSET 1 LIMIT 2", 1, 26, PS_E_INVALID, "in front of", "LIMIT count"},
        {"SELECT 1 MINUS SELECT 2", 1, 10, PS_E_INVALID, "MINUS", "EXCEPT"},
        {"SELECT value FROM t", 1, 8, PS_E_INVALID, "found `value`", "backticks: `value`"},
        {"SELECT a AS count FROM t", 1, 13, PS_E_INVALID, "found `count`", "COUNT is a reserved"},
        {"SELECT t.user FROM t", 1, 10, PS_E_INVALID, "found `user`", "backticks"},
        {"CREATE TABLE t (time INT)", 1, 17, PS_E_INVALID, "a column name", "`time`"},
        {"SELECT a, FROM t", 1, 11, PS_E_INVALID, "an expression, found `FROM`", NULL},
        {"SELECT id FROM;", 1, 15, PS_E_INVALID, "a table", NULL},
        {"SELECT a FROM t WHERE", 1, 22, PS_E_INVALID, "the end of the text", NULL},
        {"SELECT a\nFROM t\n  WHERE b = = 1", 3, 13, PS_E_INVALID, "an expression", NULL},
        {"SELECT 'é', \"b\"", 1, 13, PS_E_INVALID, "no meaning", "names in `"},
        {"SELECT 'abc", 1, 8, PS_E_INVALID, "does not end", "doubled"},
        {"SELECT /* abc", 1, 14, PS_E_INVALID, "comment does not end", NULL},
        {"SELECT 1abc", 1, 8, PS_E_INVALID, "runs into", "blank"},
        {"SELECT X'abc'", 1, 8, PS_E_INVALID, "two hexadecimal digits", NULL},
        {"SELECT “a”", 1, 8, PS_E_INVALID, "no meaning", "straight quotes"},
        {"SELEC 1", 1, 1, PS_E_INVALID, "a statement, found `SELEC`", "SELECT"},
        {"ALTER TABLE t RENAME TO s", 1, 1, PS_E_UNSUPPORTED, "ALTER is not supported", NULL},
        {"USE db", 1, 1, PS_E_UNSUPPORTED, "USE is not supported", NULL},
        {"CREATE DATABASE d", 1, 8, PS_E_UNSUPPORTED, "CREATE DATABASE", NULL},
        {"CREATE TABLE t (a MULTISET<INT>)", 1, 19, PS_E_UNSUPPORTED, "MULTISET", NULL},
        {"CREATE TABLE t (a TEXT)", 1, 19, PS_E_INVALID, "a data type", "STRING"},
        {"CREATE TABLE t (a INT PRIMARY KEY)", 1, 23, PS_E_INVALID, "enforced", "NOT ENFORCED"},
        {"CREATE TABLE t (a, b)", 1, 17, PS_E_INVALID, "no type", "CREATE TABLE … AS"},
        {"CREATE TABLE t (a INT) WITH ('k' = 5)", 1, 36, PS_E_INVALID, "in quotes", "'5'"},
        {"SET a = b", 1, 5, PS_E_INVALID, "a key in quotes", "SET 'key'"},
        {"SELECT INTERVAL 5 DAY", 1, 17, PS_E_INVALID, "in quotes", "INTERVAL '10'"},
        {"SELECT a > ALL (SELECT 1)", 1, 12, PS_E_UNSUPPORTED, "ANY, SOME or ALL", "IN or EXISTS"},
        {"SELECT * FROM a JOIN b", 1, 23, PS_E_INVALID, "ON or USING", "CROSS JOIN"},
        {"SELECT * FROM a LEFT SEMI JOIN b ON 1 = 1", 1, 22, PS_E_INVALID, "JOIN", "EXISTS"},
        {"SELECT * FROM (a)", 1, 16, PS_E_INVALID, "a query or a join", "parentheses"},
        {"SELECT * FROM a TABLESAMPLE BERNOULLI(1)", 1, 17, PS_E_UNSUPPORTED, "TABLESAMPLE", NULL},
        {"SELECT * FROM a x MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS TRUE)", 1, 19, PS_E_INVALID,
         "the end of the table", "in front of the alias"},
        {"WITH RECURSIVE a AS (SELECT 1) SELECT 1", 1, 6, PS_E_UNSUPPORTED, "RECURSIVE", NULL},
        {"SELECT CAST(a AS INT NOT NULL)", 1, 18, PS_E_INVALID, "NOT NULL", NULL},
        {"SELECT LISTAGG(a ORDER BY b)", 1, 18, PS_E_INVALID, "takes no ORDER BY", NULL},
        {"SELECT f(a => 1, 2)", 1, 18, PS_E_INVALID, "have names, or none", NULL},
        {"SELECT 1 ORDER BY 1 UNION SELECT 2", 1, 21, PS_E_INVALID, "the end of the query",
         "parentheses"},
        {"SELECT 1 SELECT 2", 1, 10, PS_E_INVALID, "the end of the statement", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        ps_sql_error err = {0};
        ps_buf_clear(&out);
        ps_code code = print_all(ps_slice_text(wrongs[i].text), &out, &err);
        bool is_right = code == wrongs[i].code && err.code == code &&
                        err.at.line == wrongs[i].line && err.at.column == wrongs[i].column &&
                        strstr(err.text, wrongs[i].sentence) != NULL;
        bool is_hint_right =
            wrongs[i].hint == NULL ? err.hint[0] == 0 : strstr(err.hint, wrongs[i].hint) != NULL;
        if (!is_right || !is_hint_right) {
            fail_msg("%s\n%s at %u:%u: %s\nhint: %s", wrongs[i].text, ps_code_name(code),
                     err.at.line, err.at.column, err.text, err.hint);
        }
    }
}

static void after_an_error_the_next_statement_is_read(void **state)
{
    (void)state;
    ps_parser *parser;
    ps_sql_error err;
    ps_ast_statement *statement;
    ps_slice script =
        PS_SLICE("SELECT ; SELECT 2; EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT "
                 "FROM; INSERT INTO t SELECT 1; END; SELECT 3");
    assert_int_equal(ps_parser_new(script, &arena, &parser, &err), PS_OK);
    assert_int_equal(ps_parser_next(parser, &statement, &err), PS_E_INVALID);
    assert_int_equal(ps_parser_next(parser, &statement, &err), PS_OK);
    assert_int_equal(statement->at.offset, 9);
    assert_int_equal(ps_parser_next(parser, &statement, &err), PS_E_INVALID);
    assert_int_equal(ps_parser_next(parser, &statement, &err), PS_OK);
    assert_int_equal(statement->kind, PS_AST_STATEMENT_QUERY);
    assert_int_equal(ps_parser_next(parser, &statement, &err), PS_OK);
    assert_null(statement);
}

/* ── limits ── */

static ps_code parse_repeated(const char *before, const char *part, const char *after, int count)
{
    ps_buf text;
    ps_sql_error err = {0};
    ps_buf_init(&text, 8 << 20);
    ps_buf_append_text(&text, "SELECT ");
    for (int i = 0; i < count; i++) {
        ps_buf_append_text(&text, before);
    }
    ps_buf_append_text(&text, part);
    for (int i = 0; i < count; i++) {
        ps_buf_append_text(&text, after);
    }
    ps_buf_clear(&out);
    ps_code code = print_all(ps_buf_slice(&text), &out, &err);
    ps_buf_release(&text);
    return code;
}

static void deep_text_is_refused_before_the_stack_ends(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("(", "1", ")", 100), PS_OK);
    assert_int_equal(parse_repeated("(", "1", ")", 100000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("(SELECT ", "1", ")", 50), PS_OK);
    assert_int_equal(parse_repeated("(SELECT ", "1", ")", 5000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("NOT ", "TRUE", "", 5000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("- ", "1", "", 5000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("f(", "1", ")", 5000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("ARRAY[", "1", "]", 5000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("CASE WHEN ", "a", " THEN 1 END", 5000), PS_E_LIMIT);
}

static void long_chains_are_bounded_since_they_make_deep_trees(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("", "a", " OR b", 700), PS_OK);
    assert_int_equal(parse_repeated("", "a", " OR b", 10000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("", "a", " + b", 10000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("", "a", "[1]", 10000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("", "a", " IS NULL", 10000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("", "1", " UNION SELECT 1", 10000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("", "1 FROM a", " CROSS JOIN a", 10000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("", "1 FROM a", ", a", 10000), PS_E_LIMIT);
    assert_int_equal(parse_repeated("", "a", ", b", 100000), PS_OK);
}

static void memory_is_bounded_by_the_arena(void **state)
{
    (void)state;
    ps_arena small;
    ps_arena_init(&small, 256 << 10);
    ps_buf text;
    ps_buf_init(&text, 8 << 20);
    ps_buf_append_text(&text, "SELECT a");
    for (int i = 0; i < 100000; i++) {
        ps_buf_append_text(&text, ", a");
    }
    ps_parser *parser;
    ps_sql_error err;
    ps_ast_statement *statement;
    assert_int_equal(ps_parser_new(ps_buf_slice(&text), &small, &parser, &err), PS_OK);
    assert_int_equal(ps_parser_next(parser, &statement, &err), PS_E_LIMIT);
    ps_buf_release(&text);
    ps_arena_release(&small);
}

static void text_that_is_no_utf8_is_refused(void **state)
{
    (void)state;
    ps_parser *parser;
    ps_sql_error err;
    assert_int_equal(ps_parser_new(PS_SLICE("SELECT '\xff'"), &arena, &parser, &err), PS_E_INVALID);
}

/* ── the rest of the face ── */

static void words_that_users_should_quote_are_noted(void **state)
{
    (void)state;
    ps_parser *parser;
    ps_sql_error err;
    ps_ast_statement *statement;
    ps_slice script = PS_SLICE("SELECT name, `type`, TUMBLE(x), t.state FROM t");
    assert_int_equal(ps_parser_new(script, &arena, &parser, &err), PS_OK);
    assert_int_equal(ps_parser_next(parser, &statement, &err), PS_OK);
    assert_int_equal(ps_parser_reserved_count(parser), 2);
    assert_int_equal(ps_parser_reserved_at(parser, 0).column, 8);
    assert_int_equal(ps_parser_reserved_at(parser, 1).column, 35);
}

static void the_shell_knows_when_a_statement_is_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_complete;
    } cases[] = {
        {"", true},
        {" -- nothing\n", true},
        {"SELECT 1", false},
        {"SELECT 1;", true},
        {"SELECT 1; SELECT", false},
        {"SELECT ';", false},
        {"SELECT 1; /* ", false},
        {"EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1;", false},
        {"EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1; END;", true},
        {"BEGIN STATEMENT SET;", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (ps_script_is_complete(ps_slice_text(cases[i].text)) != cases[i].is_complete) {
            fail_msg("%s", cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_as_in_flink),
        cmocka_unit_test(operands_keep_what_was_written),
        cmocka_unit_test(types_keep_what_was_written),
        cmocka_unit_test(queries_keep_their_shape),
        cmocka_unit_test(patterns_keep_their_shape),
        cmocka_unit_test(statements_keep_their_shape),
        cmocka_unit_test(wrong_text_is_refused_where_it_is_wrong),
        cmocka_unit_test(after_an_error_the_next_statement_is_read),
        cmocka_unit_test(deep_text_is_refused_before_the_stack_ends),
        cmocka_unit_test(long_chains_are_bounded_since_they_make_deep_trees),
        cmocka_unit_test(memory_is_bounded_by_the_arena),
        cmocka_unit_test(text_that_is_no_utf8_is_refused),
        cmocka_unit_test(words_that_users_should_quote_are_noted),
        cmocka_unit_test(the_shell_knows_when_a_statement_is_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
