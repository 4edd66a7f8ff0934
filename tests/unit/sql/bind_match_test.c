/* MATCH_RECOGNIZE in, result columns or place and sentence out. A case is one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session_fixture.h"

/* What stands in the parentheses of `SELECT * FROM txn MATCH_RECOGNIZE (…)`, which begin at column
 * 34. */
typedef struct {
    const char *match, *answer;
} match_case;

static const char *query_of(const char *match)
{
    static char query[4096];
    (void)snprintf(query, sizeof query, "SELECT * FROM txn MATCH_RECOGNIZE (%s)", match);
    return query;
}

static void check_columns(const match_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *answer = fixture_columns(query_of(cases[i].match));
        if (strcmp(answer, cases[i].answer) != 0) {
            print_error("%s\n", cases[i].match);
        }
        assert_string_equal(answer, cases[i].answer);
    }
}
#define CHECK_COLUMNS(cases) check_columns(cases, sizeof(cases) / sizeof(cases)[0])

static void columns_are_partition_columns_then_measures(void **state)
{
    (void)state;
    static const match_case cases[] = {
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a, FIRST(A.ts) AS t, COUNT(*) AS n, "
         "COUNT(B.qty) AS c, SUM(A.amount) AS s, AVG(A.qty) AS v, MATCH_ROWTIME() AS mr, "
         "MATCH_PROCTIME() AS mp PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "acct STRING, a INT, t TIMESTAMP(3), n BIGINT NOT NULL, c BIGINT NOT NULL, s "
         "DECIMAL(38, 2), v INT, mr TIMESTAMP(3) NOT NULL, mp TIMESTAMP_LTZ(3) NOT NULL"},
        {"ORDER BY ts MEASURES LAST(A.qty + 1, 2) AS x, id AS i, txn.id AS j, A.amount * 2 - "
         "LAST(B.amount) AS d, UPPER(A.card) || '!' AS u PATTERN (A B) DEFINE A AS A.qty > 1, "
         "B AS B.qty > 2",
         "x INT, i INT, j INT, d DECIMAL(22, 2), u STRING"},
        {"PARTITION BY acct ORDER BY ts MEASURES FINAL LAST(A.id) AS a, MATCH_ROWTIME(ts) AS t "
         "PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "acct STRING, a INT, t TIMESTAMP(3) NOT NULL"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A (B C)) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "acct STRING, a INT"},
    };
    CHECK_COLUMNS(cases);
}

static void names_and_clauses_are_checked(void **state)
{
    (void)state;
    static const match_case cases[] = {
        {"PARTITION BY acct ORDER BY ts MEASURES Z.id AS a PATTERN (A B) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:75: table or pattern variable 'Z' not found"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.nope AS a PATTERN (A B) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:77: column 'nope' not found in any table"},
        {"PARTITION BY acct ORDER BY ts MEASURES A AS a PATTERN (A B) DEFINE A AS A.qty > 1, B "
         "AS B.qty > 2",
         "1:75: 'A' is a pattern variable: it stands for rows, not for a value"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS a.qty > 1",
         "1:111: table or pattern variable 'a' not found"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a, B.id AS a PATTERN (A B) DEFINE A "
         "AS A.qty > 1, B AS B.qty > 2",
         "1:94: the output has two columns 'a': partition columns and measures need names of "
         "their own"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS acct PATTERN (A B) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:83: the output has two columns 'acct': partition columns and measures need names "
         "of their own"},
        {"PARTITION BY acct ORDER BY ts  PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:19: MATCH_RECOGNIZE needs MEASURES"},
        {"PARTITION BY acct ORDER BY ts MEASURES NULL AS a PATTERN (A B) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:75: a measure cannot be a bare NULL"},
        {"PARTITION BY nope ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:49: column 'nope' not found in any table"},
        {"PARTITION BY acct || 'x' ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:49: PARTITION BY of MATCH_RECOGNIZE takes columns only"},
        {"PARTITION BY acct, acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:55: PARTITION BY has the column twice"},
        {"PARTITION BY acct MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty "
         "> 2",
         "1:19: MATCH_RECOGNIZE needs ORDER BY a rowtime or proctime attribute"},
        {"ORDER BY qty MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:45: MATCH_RECOGNIZE must be ordered by a rowtime or proctime attribute first"},
        {"ORDER BY qty, ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty "
         "> 2",
         "1:45: MATCH_RECOGNIZE must be ordered by a rowtime or proctime attribute first"},
        {"ORDER BY ts DESC MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty "
         "> 2",
         "1:45: MATCH_RECOGNIZE on a stream must be ordered ascending by time"},
        {"ORDER BY ts, qty NULLS LAST MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty > 1, "
         "B AS B.qty > 2",
         "1:49: NULLS FIRST and NULLS LAST are not supported in MATCH_RECOGNIZE, as in Flink"},
        {"ORDER BY ts + INTERVAL '1' SECOND MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:45: ORDER BY of MATCH_RECOGNIZE takes columns only"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS TRUE, A "
         "AS FALSE",
         "1:117: pattern variable 'A' is defined twice"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty",
         "1:111: DEFINE must be a condition"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS NULL",
         "1:111: DEFINE with a bare NULL"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS A.qty IN "
         "(SELECT id FROM a)",
         "1:111: IN (query) other than as a condition of its own in WHERE is not supported yet"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a AFTER MATCH SKIP TO LAST C PATTERN "
         "(A B) DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:110: AFTER MATCH SKIP: the pattern has no variable 'C'"},
    };
    CHECK_COLUMNS(cases);
}

static void looking_back_is_at_one_variable(void **state)
{
    (void)state;
    static const match_case cases[] = {
        {"PARTITION BY acct ORDER BY ts MEASURES SUM(A.qty * B.qty) AS s PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:87: the argument of SUM has columns of more than one pattern variable"},
        {"PARTITION BY acct ORDER BY ts MEASURES SUM(A.qty * qty) AS s PATTERN (A B) DEFINE A "
         "AS A.qty > 1, B AS B.qty > 2",
         "1:87: the argument of SUM has columns of more than one pattern variable"},
        {"PARTITION BY acct ORDER BY ts MEASURES LAST(A.qty + B.qty) AS s PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:88: the argument of LAST has columns of more than one pattern variable"},
        {"PARTITION BY acct ORDER BY ts MEASURES FIRST(LAST(A.qty)) AS s PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:81: LAST within FIRST: FIRST, LAST and aggregates cannot be nested"},
        {"PARTITION BY acct ORDER BY ts MEASURES SUM(LAST(A.qty)) AS s PATTERN (A B) DEFINE A "
         "AS A.qty > 1, B AS B.qty > 2",
         "1:79: LAST within SUM: FIRST, LAST and aggregates cannot be nested"},
        {"PARTITION BY acct ORDER BY ts MEASURES LAST(SUM(A.qty)) AS s PATTERN (A B) DEFINE A "
         "AS A.qty > 1, B AS B.qty > 2",
         "1:80: SUM within LAST: FIRST, LAST and aggregates cannot be nested"},
        {"PARTITION BY acct ORDER BY ts MEASURES SUM(COUNT(A.qty)) AS s PATTERN (A B) DEFINE A "
         "AS A.qty > 1, B AS B.qty > 2",
         "1:79: COUNT within SUM: FIRST, LAST and aggregates cannot be nested"},
        {"PARTITION BY acct ORDER BY ts MEASURES LAST(1) AS s PATTERN (A B) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:75: the argument of LAST has no column"},
        {"PARTITION BY acct ORDER BY ts MEASURES COUNT(1) AS s PATTERN (A B) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:75: the argument of COUNT has no column"},
        {"PARTITION BY acct ORDER BY ts MEASURES LAST(A.qty, -1) AS s PATTERN (A B) DEFINE A "
         "AS A.qty > 1, B AS B.qty > 2",
         "1:87: the offset of LAST must be a whole number, written out"},
        {"PARTITION BY acct ORDER BY ts MEASURES LAST(A.qty, 1 + 1) AS s PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:87: the offset of LAST must be a whole number, written out"},
        {"PARTITION BY acct ORDER BY ts MEASURES LAST(A.qty, B.qty) AS s PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:87: the offset of LAST must be a whole number, written out"},
        {"PARTITION BY acct ORDER BY ts MEASURES COUNT(DISTINCT A.qty) AS s PATTERN (A B) "
         "DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:75: DISTINCT aggregates are not possible in MATCH_RECOGNIZE"},
        {"PARTITION BY acct ORDER BY ts MEASURES COUNT(A.*) AS s PATTERN (A B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:81: COUNT(variable.*) is not possible"},
        {"PARTITION BY acct ORDER BY ts MEASURES SUM(A.qty) FILTER (WHERE A.qty > 1) AS s "
         "PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:100: FILTER is not supported in MATCH_RECOGNIZE, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES SUM(A.qty) OVER () AS s PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:75: an OVER function is illegal in MATCH_RECOGNIZE"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS "
         "PREV(A.qty) > 1",
         "1:111: PREV is not supported in MATCH_RECOGNIZE"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS "
         "NEXT(A.qty) > 1",
         "1:111: NEXT is not supported in MATCH_RECOGNIZE"},
        {"PARTITION BY acct ORDER BY ts MEASURES CLASSIFIER() AS c PATTERN (A B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:75: CLASSIFIER is not supported in MATCH_RECOGNIZE"},
        {"PARTITION BY acct ORDER BY ts MEASURES MATCH_NUMBER() AS c PATTERN (A B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:75: MATCH_NUMBER is not supported in MATCH_RECOGNIZE"},
        {"PARTITION BY acct ORDER BY ts MEASURES RUNNING LAST(A.id) AS c PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:75: RUNNING is not supported in MATCH_RECOGNIZE, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS FINAL "
         "LAST(A.id) > 1",
         "1:111: FINAL is possible in MEASURES only"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) DEFINE A AS "
         "MATCH_ROWTIME() IS NULL",
         "1:111: MATCH_ROWTIME() is possible in MEASURES only"},
        {"PARTITION BY acct ORDER BY ts MEASURES MATCH_ROWTIME(qty) AS t PATTERN (A B) DEFINE "
         "A AS A.qty > 1, B AS B.qty > 2",
         "1:89: MATCH_ROWTIME takes a rowtime attribute"},
        {"ORDER BY proc MEASURES MATCH_ROWTIME() AS t PATTERN (A B) DEFINE A AS A.qty > 1, B "
         "AS B.qty > 2",
         "1:59: MATCH_ROWTIME() needs an ORDER BY a rowtime attribute"},
        {"ORDER BY proc MEASURES MATCH_PROCTIME() AS t PATTERN (A B) DEFINE A AS A.qty > 1, B "
         "AS B.qty > 2",
         "t TIMESTAMP_LTZ(3) NOT NULL"},
    };
    CHECK_COLUMNS(cases);
}

static void patterns_are_those_of_flink(void **state)
{
    (void)state;
    static const match_case cases[] = {
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B A) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:98: pattern variables must be unique: 'A' is there twice"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A | B) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:94: alternation `|` is not supported in PATTERN, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (PERMUTE(A, B)) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:94: PERMUTE is not supported, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- C -} B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:96: exclusion `{- -}` is not supported in PATTERN, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ((A B)+ C) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:94: a group with a quantifier is not supported in PATTERN, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A [^B]) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:96: absence `[^…]` is not supported in PATTERN, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (^ A B) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:96: anchors (`^`, `$`) are not supported in PATTERN"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B $) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:94: anchors (`^`, `$`) are not supported in PATTERN"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a ALL ROWS PER MATCH PATTERN (A B) "
         "DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:85: ALL ROWS PER MATCH is not supported, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a ONE ROW PER MATCH SHOW TIMEOUT "
         "MATCHES PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:85: SHOW TIMEOUT MATCHES belongs to the extended dialect"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A?? B) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:94: a reluctant optional variable (`??`, `{0,1}?`) is not supported, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A{0,1}? B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:94: a reluctant optional variable (`??`, `{0,1}?`) is not supported, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A{0} B) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:94: a pattern variable cannot be repeated zero times"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A{3,2} B) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:94: the quantifier {3,2} ends before it begins"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A{,2} B) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:94: the quantifier {,m} is not supported, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A+ B? C) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "1:97: an optional variable cannot follow a greedy one: 'A' takes all rows that it can"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A+ B*? C) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:97: an optional variable cannot follow a greedy one: 'A' takes all rows that it can"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A{1,3} B* C) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:101: an optional variable cannot follow a greedy one: 'A' takes all rows that it "
         "can"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A+ B{0,2} C) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A+? B? C) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A? B*) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:94: a pattern that can match without a row is not supported"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A+ B+) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "1:94: a greedy quantifier cannot be the last one of a pattern"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B{2,3}) DEFINE A AS "
         "A.qty > 1, B AS B.qty > 2",
         "1:94: a greedy quantifier cannot be the last one of a pattern"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B{2}) DEFINE A AS A.qty "
         "> 1, B AS B.qty > 2",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B+?) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B?) DEFINE A AS A.qty > "
         "1, B AS B.qty > 2",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) WITHIN INTERVAL '1' "
         "MONTH DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:106: WITHIN takes SECOND, MINUTE, HOUR and DAY; months and years have no fixed "
         "length"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) WITHIN INTERVAL '0' "
         "SECOND DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:106: WITHIN must be at least a millisecond"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A B) WITHIN INTERVAL -'1' "
         "SECOND DEFINE A AS A.qty > 1, B AS B.qty > 2",
         "1:106: WITHIN must be at least a millisecond"},
    };
    CHECK_COLUMNS(cases);
}

static void a_pattern_reads_only_what_it_needs_behind_filters(void **state)
{
    (void)state;
    static const match_case cases[] = {
        {"PARTITION BY acct ORDER BY ts, qty DESC MEASURES A.id AS a, COUNT(B.qty) AS n, "
         "SUM(B.qty * 2) AS s AFTER MATCH SKIP PAST LAST ROW PATTERN (A B{2,}? C?) WITHIN "
         "INTERVAL '1' MINUTE DEFINE A AS A.qty > 1, B AS B.qty > LAST(B.qty, 1) AND "
         "SUM(B.qty) < A.qty, C AS card = 'x') WHERE acct <> 'y' AND n > 2",
         "Sink  {append}\n"
         "   Calc select=[acct, LAST(A.id) AS a, COUNT(B.qty) AS n, SUM(B.$m0) AS s] "
         "where=[(COUNT(B.qty) > 2)]  {append}\n"
         "      Match keys=[acct] order=[ts, qty DESC] pattern=[A B{2,}? C?] within=[60000 ms] "
         "skip=[past last row] values=[LAST(A.id), COUNT(B.qty), SUM(B.$m0)]  {append, state: "
         "rows until the watermark, and partial matches}\n"
         "         pattern: skip past last row, within 60000 ms\n"
         "           begin A: (qty > 1)\n"
         "           next B{2,}, consecutive: ((qty > LAST(B.qty, 1)) AND (SUM(B.qty) < "
         "LAST(A.qty)))\n"
         "           next C?: (card = 'x')\n"
         "         states: 6\n"
         "           A 5, start\n"
         "             take if A -> B 4\n"
         "           B 4\n"
         "             take if B -> B 3\n"
         "           B 3\n"
         "             take if B -> B 2\n"
         "           B 2\n"
         "             proceed -> C 1\n"
         "             take if B -> B 2\n"
         "           C 1\n"
         "             take if C -> end\n"
         "             proceed -> end\n"
         "           end\n"
         "         Calc select=[id, ts, acct, card, qty, (qty * 2) AS $m0] where=[(acct <> "
         "'y')]  {append, time ts}\n"
         "            Watermark watermark=[(ts - +0 00:00:05.000)]  {append, time ts}\n"
         "               Source table=[txn] reads=[id, ts, acct, card, qty]  {append}\n"},
        {"ORDER BY proc MEASURES A.id AS a, MATCH_PROCTIME() AS p PATTERN (A) DEFINE A AS "
         "A.qty > 1) WHERE a > 1",
         "Sink  {append}\n"
         "   Calc select=[LAST(A.id) AS a, PROCTIME() AS p] where=[(LAST(A.id) > 1)]  {append}\n"
         "      Match order=[PROCTIME()] pattern=[A] skip=[to next row] values=[LAST(A.id)]  "
         "{append, state: rows until the watermark, and partial matches}\n"
         "         pattern: skip to next row\n"
         "           begin A: (qty > 1)\n"
         "         states: 2\n"
         "           A 1, start\n"
         "             take if A -> end\n"
         "           end\n"
         "         Calc select=[id, qty]  {append}\n"
         "            Watermark watermark=[(ts - +0 00:00:05.000)]  {append, time ts}\n"
         "               Source table=[txn] reads=[id, ts, qty]  {append}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char query[4096];
        (void)snprintf(query, sizeof query, "SELECT * FROM txn MATCH_RECOGNIZE (%s",
                       cases[i].match);
        const char *plan = fixture_plan(query);
        if (strcmp(plan, cases[i].answer) != 0) {
            print_error("%s\n--- got\n%s", query, plan);
        }
        assert_string_equal(plan, cases[i].answer);
    }
}

static void the_extended_dialect_has_gaps_absence_groups_and_alternation(void **state)
{
    (void)state;
    static const match_case cases[] = {
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- X*? -} B {- Y* -} C) "
         "DEFINE A AS A.qty > 1",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A [^B] C) DEFINE B AS "
         "B.qty > 1",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- X*? -} [^B]) WITHIN "
         "INTERVAL '1' HOUR DEFINE B AS B.qty > 1",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ((A B){2,3}? C) DEFINE A AS "
         "A.qty > 1",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A (B C | E)? F) DEFINE A "
         "AS A.qty > 1",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a ONE ROW PER MATCH SHOW TIMEOUT "
         "MATCHES PATTERN (A B) WITHIN INTERVAL '1' HOUR DEFINE A AS A.qty > 1",
         "acct STRING, a INT"},
        {"PARTITION BY acct ORDER BY ts MEASURES MATCH_ROWTIME() AS t ONE ROW PER MATCH SHOW "
         "TIMEOUT MATCHES PATTERN (A B) WITHIN INTERVAL '1' HOUR DEFINE A AS A.qty > 1",
         "acct STRING, t TIMESTAMP(3) NOT NULL"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- B -} C) DEFINE A AS "
         "A.qty > 1",
         "1:134: only rows of any kind can be left out"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- A1*? -} B) DEFINE A1 "
         "AS A1.qty > 1",
         "1:137: a DEFINE for rows that are left out is not supported yet"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ({- X*? -} A) DEFINE A AS "
         "A.qty > 1",
         "1:132: a pattern must begin with a variable that takes a row"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- X*? -}) DEFINE A AS "
         "A.qty > 1",
         "1:132: `{- -}` must stand between variables"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ([^B] A) DEFINE B AS B.qty "
         "> 1",
         "1:132: a pattern must begin with a variable that takes a row"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A [^B]) DEFINE A AS A.qty "
         "> 1",
         "1:136: 'B' has no DEFINE: every row would be one that must not come"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A [^B]?) DEFINE B AS B.qty "
         "> 1",
         "1:134: `[^…]` cannot be repeated"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- X* -} [^B]) DEFINE B "
         "AS B.qty > 1",
         "1:143: `[^…]` cannot follow `{- X* -}`"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- X*? -} [^B]) DEFINE B "
         "AS B.qty > 1",
         "1:132: pattern: B: a pattern that ends with what must not follow needs a time limit "
         "(within)"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ((A B)+ C) DEFINE A AS "
         "A.qty > 1",
         "1:132: a group cannot be greedy"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ((A? B)+? C) DEFINE A AS "
         "A.qty > 1",
         "1:132: a group or an alternative must begin with a variable that takes a row"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A (B [^C])+? E) DEFINE C "
         "AS C.qty > 1",
         "1:134: a group or an alternative cannot end with `[^…]`"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A (B C+ | E) F) DEFINE A "
         "AS A.qty > 1",
         "1:135: a group or an alternative cannot end with a greedy variable"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A {- X*? -} (B | C)) "
         "DEFINE A AS A.qty > 1",
         "1:144: `{- -}` before an alternation is not supported yet"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (A | A) DEFINE A AS A.qty > "
         "1",
         "1:136: pattern variables must be unique: 'A' is there twice"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN (PERMUTE(A, B)) DEFINE A AS "
         "A.qty > 1",
         "1:132: PERMUTE is not supported, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a ONE ROW PER MATCH SHOW TIMEOUT "
         "MATCHES PATTERN (A B) DEFINE A AS A.qty > 1",
         "1:123: SHOW TIMEOUT MATCHES needs a WITHIN: without it nothing times out"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ((A | B)?\?) DEFINE A AS "
         "A.qty > 1",
         "1:132: a reluctant optional variable (`??`, `{0,1}?`) is not supported, as in Flink"},
        {"PARTITION BY acct ORDER BY ts MEASURES A.id AS a PATTERN ((A | B)*?) DEFINE A AS "
         "A.qty > 1",
         "1:132: a pattern that can match without a row is not supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char script[5000];
        (void)snprintf(script, sizeof script, "SET 'paystream.dialect' = 'extended'; %s",
                       query_of(cases[i].match));
        assert_string_equal(fixture_columns(script), cases[i].answer);
    }
}

static void input_must_be_append_only_and_keep_its_time(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"CREATE TABLE c (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = "
         "'values', 'changelog-mode' = 'I,UA,UB,D'); SELECT * FROM c MATCH_RECOGNIZE (ORDER BY ts "
         "MEASURES A.id AS a PATTERN (A) DEFINE A AS TRUE)",
         "1:145: Match Recognize doesn't support consuming update and delete changes which is "
         "produced by node Source"},
        {"SELECT * FROM (SELECT t.* FROM txn t JOIN a ON t.id = a.id) MATCH_RECOGNIZE (ORDER BY ts "
         "MEASURES A.id AS a PATTERN (A) DEFINE A AS TRUE)",
         "1:61: MATCH_RECOGNIZE must be ordered by a rowtime or proctime attribute first"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(fixture_columns(cases[i][0]), cases[i][1]);
    }
}

/* Match operators of a statement set of two INSERTs over `first` and `second`. */
static uint32_t operators_of(const char *first, const char *second)
{
    static const char *const insert =
        "INSERT INTO file_sink SELECT acct, n FROM %s MATCH_RECOGNIZE (%s MEASURES COUNT(*) AS n "
        "PATTERN (A B) DEFINE A AS A.qty > 1, B AS B.card = A.card);\n";
    static const char *const both[] = {"txn", "(SELECT * FROM txn WHERE qty > 5)"};
    char script[4096];
    size_t used = (size_t)snprintf(script, sizeof script, "EXECUTE STATEMENT SET BEGIN\n");
    const char *clauses[] = {first, second};
    for (uint32_t i = 0; i < 2; i++) {
        bool is_filtered = clauses[i][0] == '*';
        used += (size_t)snprintf(script + used, sizeof script - used, insert, both[is_filtered],
                                 clauses[i] + is_filtered);
    }
    (void)snprintf(script + used, sizeof script - used, "END;");
    uint32_t count = 0;
    const char *plan = fixture_plan(script);
    for (const char *at = strstr(plan, " Match "); at != NULL; at = strstr(at + 1, " Match ")) {
        count += strncmp(at, " Match (above)", 14) != 0;
    }
    return count;
}

static void a_view_of_a_pattern_that_is_used_twice_matches_once(void **state)
{
    (void)state;
    const char *plan = fixture_plan(
        "CREATE VIEW v AS SELECT * FROM txn MATCH_RECOGNIZE (PARTITION BY acct ORDER BY ts "
        "MEASURES "
        "A.id AS a, SUM(B.qty) AS s PATTERN (A B+ C) DEFINE B AS B.qty > LAST(B.qty, 1), C AS "
        "C.qty > 2); SELECT p.a FROM v p JOIN v q ON p.a = q.a AND p.s = q.s");
    const char *first = strstr(plan, " Match keys");
    assert_non_null(first);
    assert_null(strstr(first + 1, " Match keys"));
    assert_null(strstr(plan, "$query"));
}

static void patterns_that_are_partitioned_and_ordered_alike_share_an_operator(void **state)
{
    (void)state;
    const char *by_account = "PARTITION BY acct ORDER BY ts";
    assert_int_equal(operators_of(by_account, by_account), 1);
    assert_int_equal(
        operators_of("*PARTITION BY acct ORDER BY ts", "*PARTITION BY acct ORDER BY ts"), 1);
    assert_int_equal(operators_of(by_account, "*PARTITION BY acct ORDER BY ts"), 2);
    assert_int_equal(operators_of(by_account, "PARTITION BY acct, card ORDER BY ts"), 2);
    assert_int_equal(operators_of(by_account, "PARTITION BY acct ORDER BY ts, qty"), 2);
    assert_int_equal(operators_of(by_account, "PARTITION BY acct ORDER BY proc"), 2);
    assert_int_equal(operators_of("PARTITION BY acct ORDER BY ts, qty DESC",
                                  "PARTITION BY acct ORDER BY ts, qty"),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_partition_columns_then_measures),
        cmocka_unit_test(names_and_clauses_are_checked),
        cmocka_unit_test(looking_back_is_at_one_variable),
        cmocka_unit_test(patterns_are_those_of_flink),
        cmocka_unit_test(the_extended_dialect_has_gaps_absence_groups_and_alternation),
        cmocka_unit_test(input_must_be_append_only_and_keep_its_time),
        cmocka_unit_test(a_view_of_a_pattern_that_is_used_twice_matches_once),
        cmocka_unit_test(patterns_that_are_partitioned_and_ordered_alike_share_an_operator),
        cmocka_unit_test(a_pattern_reads_only_what_it_needs_behind_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
