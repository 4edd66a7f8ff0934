/* Queries in, plans out. A new case is one entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session_fixture.h"

typedef struct {
    const char *query, *plan;
} plan_case;

static void check_plans(const plan_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *plan = fixture_plan(cases[i].query);
        if (strcmp(plan, cases[i].plan) != 0) {
            print_error("%s\n--- wanted\n%s--- got\n%s", cases[i].query, cases[i].plan, plan);
        }
        assert_string_equal(plan, cases[i].plan);
    }
}
#define CHECK_PLANS(cases) check_plans(cases, sizeof(cases) / sizeof(cases)[0])

static void filters_go_to_the_source_but_stay_above_its_watermark(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"SELECT id FROM txn WHERE qty > 2",
         "Sink  {append}\n"
         "   Calc select=[id] where=[(qty > 2)]  {append}\n"
         "      Watermark watermark=[(ts - +0 00:00:05.000)]  {append, time ts}\n"
         "         Source table=[txn] reads=[id, ts, qty]  {append}\n"},
        {"SELECT k, n FROM (SELECT k, COUNT(*) AS n FROM a GROUP BY k) WHERE k = 'x' AND n > 1",
         "Sink  {retract key=[k]}\n"
         "   Calc select=[k, $a0 AS n] where=[($a0 > 1)]  {retract key=[k]}\n"
         "      GroupAggregate keys=[k] calls=[COUNT(*)]  {retract key=[k], state: one row a "
         "key}\n"
         "         Calc select=[k] where=[(k = 'x')]  {append}\n"
         "            Source table=[a] reads=[k]  {append}\n"},
        {"SELECT a.id FROM a JOIN b ON a.k = b.k WHERE a.x > 1 AND b.y > 2 AND a.x < b.y",
         "Sink  {append}\n"
         "   Calc select=[id]  {append}\n"
         "      Join INNER left=[k] right=[k] where=[(x < y)]  {append, state: "
         "all rows of both sides}\n"
         "         Calc select=[id, k, x] where=[(x > 1)]  {append}\n"
         "            Source table=[a] reads=[id, k, x]  {append}\n"
         "         Calc select=[k, y] where=[(y > 2)]  {append}\n"
         "            Source table=[b] reads=[k, y]  {append}\n"},
    };
    CHECK_PLANS(cases);
}

static void a_table_is_read_once_with_what_all_readers_want(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"SELECT p.id, q.x FROM a p JOIN a q ON p.k = q.k",
         "Sink  {append}\n"
         "   Calc select=[id, x]  {append}\n"
         "      Join INNER left=[k] right=[k]  {append, state: all rows of both sides}\n"
         "         Calc select=[id, k]  {append}\n"
         "            Source table=[a] reads=[id, k, x]  {append}\n"
         "         Calc select=[k, x]  {append}\n"
         "            Source (above)\n"},
    };
    CHECK_PLANS(cases);
}

static void windows_are_merged_into_the_aggregates_over_them(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"SELECT window_start, acct, SUM(qty) FROM TABLE(TUMBLE(TABLE txn, DESCRIPTOR(ts), "
         "INTERVAL '10' SECOND)) GROUP BY window_start, window_end, acct",
         "Sink  {append}\n"
         "   Calc select=[window_start, acct, $a0 AS EXPR$2]  {append}\n"
         "      WindowAggregate window=[TUMBLE ts, size 10000 ms] keys=[acct] calls=[SUM(qty)]  "
         "{append, state: one row a key and open window}\n"
         "         Calc select=[acct, qty, ts]  {append, time ts}\n"
         "            Watermark watermark=[(ts - +0 00:00:05.000)]  {append, time ts}\n"
         "               Source table=[txn] reads=[ts, acct, qty]  {append}\n"},
        {"SELECT window_end, MAX(n) FROM (SELECT window_start, window_end, acct, COUNT(*) AS n "
         "FROM TABLE(HOP(TABLE txn, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) "
         "GROUP BY window_start, window_end, acct) GROUP BY window_start, window_end",
         "Sink  {append}\n"
         "   Calc select=[window_end, $a0 AS EXPR$1]  {append}\n"
         "      WindowAggregate window=[ATTACHED window_start, window_end] calls=[MAX(n)]  "
         "{append, state: one row a key and open window}\n"
         "         Calc select=[window_start, window_end, $a0 AS n]  {append}\n"
         "            WindowAggregate window=[HOP ts, size 10000 ms, step 5000 ms] keys=[acct] "
         "calls=[COUNT(*)]  {append, state: one row a key and open window}\n"
         "               Calc select=[acct, ts]  {append, time ts}\n"
         "                  Watermark watermark=[(ts - +0 00:00:05.000)]  {append, time ts}\n"
         "                     Source table=[txn] reads=[ts, acct]  {append}\n"},
    };
    CHECK_PLANS(cases);
}

static void row_number_patterns_become_ranks_and_deduplications(void **state)
{
    (void)state;
    static const struct {
        const char *where, *plan;
    } cases[] = {
        {"ORDER BY ts DESC) AS rn FROM txn) WHERE rn = 1", "Deduplicate keep=last keys=[acct]"},
        {"ORDER BY proc ASC) AS rn FROM txn) WHERE rn = 1", "Deduplicate keep=first keys=[acct]"},
        {"ORDER BY amount DESC) AS rn FROM txn) WHERE rn <= 3",
         "Rank keys=[acct] order=[amount DESC] rows=[1..3]"},
        {"ORDER BY amount DESC) AS rn FROM txn) WHERE 4 > rn",
         "Rank keys=[acct] order=[amount DESC] rows=[1..3]"},
        {"ORDER BY amount) AS rn FROM txn) WHERE rn BETWEEN 2 AND 3",
         "Rank keys=[acct] order=[amount ASC] rows=[2..3]"},
        {"ORDER BY amount) AS rn FROM txn) WHERE rn = 2",
         "Rank keys=[acct] order=[amount ASC] rows=[2..2]"},
        {"ORDER BY ts) AS rn FROM txn) WHERE rn >= 2",
         "Over keys=[acct] frame=[ROWS UNBOUNDED PRECEDING] calls=[ROW_NUMBER(*)]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char query[400];
        (void)snprintf(query, sizeof query,
                       "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY acct %s",
                       cases[i].where);
        const char *plan = fixture_plan(query);
        if (strstr(plan, cases[i].plan) == NULL) {
            print_error("%s\n%s", query, plan);
        }
        assert_non_null(strstr(plan, cases[i].plan));
    }
}

static void joins_are_told_apart_by_their_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *query, *plan;
    } cases[] = {
        {"SELECT t.id FROM txn t JOIN rf r ON t.acct = r.racct AND t.ts BETWEEN r.rts - INTERVAL "
         "'3' SECOND AND r.rts + INTERVAL '8' SECOND",
         "IntervalJoin INNER left=[acct] right=[racct] interval=[-8000 ms..3000 ms]"},
        {"SELECT t.id FROM txn t, rf r WHERE r.rts > t.ts - INTERVAL '1' SECOND AND r.rts + "
         "INTERVAL '2' SECOND < t.ts + INTERVAL '9' SECOND",
         "IntervalJoin INNER interval=[-999 ms..6999 ms]"},
        {"SELECT t.id FROM txn t JOIN rf r ON t.ts = r.rts",
         "IntervalJoin INNER interval=[0 ms..0 ms]"},
        {"SELECT t.id FROM txn t JOIN rf r ON t.acct = r.racct AND t.ts > r.rts",
         "Join INNER left=[acct] right=[racct] where=[(ts > rts)]"},
        {"SELECT t.id, r.r FROM txn t LEFT JOIN rates FOR SYSTEM_TIME AS OF t.ts AS r ON t.acct = "
         "r.cur",
         "TemporalJoin LEFT left=[acct] right=[cur]"},
        {"SELECT t.id, r.x FROM txn t JOIN a FOR SYSTEM_TIME AS OF t.proc AS r ON t.acct = r.k",
         "LookupJoin INNER left=[acct] right=[k]"},
        {"SELECT id FROM a WHERE k IN (SELECT k FROM b)", "Join SEMI left=[k] right=[k]"},
        {"SELECT id FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.k = a.k AND b.y > a.x)",
         "Join ANTI left=[k] right=[k] where=[(y > x)]"},
        {"SELECT a.id FROM a LEFT JOIN b ON a.k = b.k WHERE b.y > 1", "Join INNER left=[k]"},
        {"SELECT a.id FROM a LEFT JOIN b ON a.k = b.k WHERE b.y IS NULL", "Join LEFT left=[k]"},
        {"SELECT a.id FROM a JOIN b ON a.id + 1 = b.id", "Join INNER left=[$k0] right=[id]"},
        {"SELECT a.k FROM a JOIN b ON a.id = b.y", "Join INNER left=[$k0] right=[y]"},
        {"SELECT k FROM a WHERE id NOT IN (SELECT y FROM b)", "Join ANTI left=[$k0] right=[y]"},
        {"SELECT l.id FROM (SELECT * FROM TABLE(TUMBLE(TABLE txn, DESCRIPTOR(ts), INTERVAL '10' "
         "SECOND))) l JOIN (SELECT * FROM TABLE(TUMBLE(TABLE rf, DESCRIPTOR(rts), INTERVAL '10' "
         "SECOND))) r ON l.acct = r.racct AND l.window_start = r.window_start AND l.window_end = "
         "r.window_end",
         "WindowJoin INNER left=[acct] right=[racct]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *plan = fixture_plan(cases[i].query);
        if (strstr(plan, cases[i].plan) == NULL) {
            print_error("%s\nwanted %s\n%s", cases[i].query, cases[i].plan, plan);
        }
        assert_non_null(strstr(plan, cases[i].plan));
    }
}

static void updates_reach_sinks_in_the_form_that_they_take(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"INSERT INTO key_sink SELECT k, COUNT(*) FROM a GROUP BY k",
         "Sink table=[key_sink]  {upsert key=[k]}\n"
         "   Calc select=[k, $a0 AS n]  {upsert key=[k]}\n"
         "      GroupAggregate keys=[k] calls=[COUNT(*)]  {upsert key=[k], state: one row a "
         "key}\n"
         "         Source table=[a] reads=[k]  {append}\n"},
        {"INSERT INTO key_sink SELECT k, COUNT(*) FROM a GROUP BY k HAVING COUNT(*) > 1",
         "Sink table=[key_sink]  {upsert key=[k]}\n"
         "   DropUpdateBefore  {upsert key=[k]}\n"
         "      Calc select=[k, $a0 AS n] where=[($a0 > 1)]  {retract key=[k]}\n"
         "         GroupAggregate keys=[k] calls=[COUNT(*)]  {retract key=[k], state: one row a "
         "key}\n"
         "            Source table=[a] reads=[k]  {append}\n"},
        {"INSERT INTO key_sink SELECT MAX(k), x FROM a GROUP BY x",
         "Sink table=[key_sink]  {upsert key=[k]}\n"
         "   Rank keys=[k] rows=[1..1]  {upsert key=[k], state: all rows}\n"
         "      Calc select=[$a0 AS k, CAST(x AS BIGINT) AS n]  {retract}\n"
         "         GroupAggregate keys=[x] calls=[MAX(k)]  {retract key=[x], state: one row a "
         "key}\n"
         "            Calc select=[x, k]  {append}\n"
         "               Source table=[a] reads=[k, x]  {append}\n"},
        {"INSERT INTO file_sink SELECT k, COUNT(*) FROM a GROUP BY k",
         "1:13: table sink 'file_sink' doesn't support consuming update changes which is "
         "produced by node GroupAggregate"},
        {"INSERT INTO time_sink SELECT t.ts, r.rts FROM txn t JOIN rf r ON t.ts = r.rts",
         "1:13: the query writes more than one rowtime attribute column (t1, t2) into table "
         "'time_sink'"},
        {"INSERT INTO time_sink SELECT t.ts, CAST(r.rts AS TIMESTAMP(3)) FROM txn t JOIN rf r ON "
         "t.ts = r.rts AND FALSE",
         "Sink table=[time_sink]  {append, time t1}\n"
         "   Calc select=[ts AS t1, rts AS t2]  {append, time t1}\n"
         "      IntervalJoin INNER where=[FALSE] interval=[0 ms..0 ms]  {append, time ts, state: "
         "rows within the interval}\n"
         "         Watermark watermark=[(ts - +0 00:00:05.000)]  {append, time ts}\n"
         "            Source table=[txn] reads=[ts]  {append}\n"
         "         Watermark watermark=[(rts - +0 00:00:05.000)]  {append, time rts}\n"
         "            Source table=[rf] reads=[rts]  {append}\n"},
    };
    CHECK_PLANS(cases);
}

static void changelog_sources_are_normalized_by_their_key(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"SELECT v FROM ups", "Sink  {retract}\n"
                              "   Calc select=[v]  {retract}\n"
                              "      Normalize key=[id]  {retract key=[id], state: one row a key}\n"
                              "         Source table=[ups] reads=[id, v]  {upsert key=[id]}\n"},
        {"SELECT v FROM cdc", "Sink  {retract}\n"
                              "   Source table=[cdc] reads=[v]  {retract}\n"},
    };
    CHECK_PLANS(cases);
}

static void append_only_operators_refuse_changelogs(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"SELECT SUM(v) OVER (ORDER BY p) FROM (SELECT *, PROCTIME() AS p FROM cdc)",
         "1:20: an OVER window doesn't support consuming update and delete changes which is "
         "produced by node Source"},
    };
    CHECK_PLANS(cases);
}

static void parts_that_are_there_twice_are_counted_once(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"WITH w AS (SELECT k, COUNT(*) AS n FROM a GROUP BY k) SELECT p.k FROM w p JOIN w q ON "
         "p.n = q.n",
         "Sink  {retract}\n"
         "   Calc select=[k]  {retract}\n"
         "      Join INNER left=[n] right=[n]  {retract, state: all rows of both sides}\n"
         "         Calc select=[k, $a0 AS n]  {retract key=[k]}\n"
         "            GroupAggregate keys=[k] calls=[COUNT(*)]  {retract key=[k], state: one row "
         "a key}\n"
         "               Source table=[a] reads=[k]  {append}\n"
         "         Calc select=[$a0 AS n]  {retract}\n"
         "            GroupAggregate (above)\n"},
    };
    CHECK_PLANS(cases);
}

static void correlated_aggregates_are_counted_per_key(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"SELECT id, (SELECT COUNT(*) FROM b WHERE b.k = a.k) AS n FROM a",
         "Sink  {retract}\n"
         "   Calc select=[id, COALESCE(EXPR$0, 0) AS n]  {retract}\n"
         "      Join LEFT left=[k] right=[$k0]  {retract, state: all rows of both sides}\n"
         "         Source table=[a] reads=[id, k]  {append}\n"
         "         Calc select=[$a0 AS EXPR$0, $k0]  {retract key=[$k0]}\n"
         "            GroupAggregate keys=[k] calls=[COUNT(*)]  {retract key=[$k0], state: one "
         "row a key}\n"
         "               Source table=[b] reads=[k]  {append}\n"},
    };
    CHECK_PLANS(cases);
}

static void only_fields_that_are_read_are_read_of_rows(void **state)
{
    (void)state;
    static const plan_case cases[] = {
        {"SELECT r.s.z, id FROM nested WHERE r.x > 1",
         "Sink  {append}\n"
         "   Calc select=[r.s.z AS z, id] where=[(r.x > 1)]  {append}\n"
         "      Source table=[nested] reads=[id, r.x, r.s.z]  {append}\n"},
        {"SELECT r.s.z, r FROM nested", "Sink  {append}\n"
                                        "   Calc select=[r.s.z AS z, r]  {append}\n"
                                        "      Source table=[nested] reads=[r]  {append}\n"},
    };
    CHECK_PLANS(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_go_to_the_source_but_stay_above_its_watermark),
        cmocka_unit_test(a_table_is_read_once_with_what_all_readers_want),
        cmocka_unit_test(windows_are_merged_into_the_aggregates_over_them),
        cmocka_unit_test(row_number_patterns_become_ranks_and_deduplications),
        cmocka_unit_test(joins_are_told_apart_by_their_conditions),
        cmocka_unit_test(updates_reach_sinks_in_the_form_that_they_take),
        cmocka_unit_test(changelog_sources_are_normalized_by_their_key),
        cmocka_unit_test(append_only_operators_refuse_changelogs),
        cmocka_unit_test(parts_that_are_there_twice_are_counted_once),
        cmocka_unit_test(correlated_aggregates_are_counted_per_key),
        cmocka_unit_test(only_fields_that_are_read_are_read_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
