/* A session over connectors that plan and never run.
 *
 * Each takes `'changelog-mode'` ("I,UA,UB,D": retract, "I,UA,D": upsert) as a source. As a sink
 * `files` and `filesystem` take appends only, `upserts` takes upserts by its primary key, `values` takes all.
 */
#ifndef PS_TESTS_SQL_SESSION_FIXTURE_H
#define PS_TESTS_SQL_SESSION_FIXTURE_H

#include "sql/session.h"

/* The tables that the tests of queries use: txn, rf, rates, a, b and sinks; DDL text. */
extern const char *const fixture_tables;

ps_session *fixture_session_new(const char *prelude);
/* The plan of the script's last query or INSERT, one node a line with two blanks a level and
 * without ids: "Calc select=[…]  {append}". On an error: "LINE:COL: sentence". In memory that the
 * next call reuses. */
const char *fixture_plan(const char *script);
/* "id INT, n BIGINT NOT NULL" of the script's last query, or the error. */
const char *fixture_columns(const char *script);
/* All rows of SHOW, DESCRIBE, EXPLAIN and SET, a line each, columns by " | "; or the error. */
const char *fixture_rows(const char *script);

#endif
