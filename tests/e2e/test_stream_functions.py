"""CREATE FUNCTION … LANGUAGE C: the library of examples/, and what is wrong with others is told."""
import os
import shutil
import subprocess

import pytest

from conftest import ROOT, run

CC = os.environ.get("CC", "cc")
EXTENDED = "SET 'paystream.dialect' = 'extended';\n"
CREATE = "CREATE FUNCTION {0} AS '{1}' LANGUAGE C USING LIBRARY '{2}/{3}.so';\n"
# functions that have less than they might, and functions that are wrong
SMALL = """#include <paystream/function.h>
static void add(void *state, const ps_sql_value *arguments) { *(int64_t *)state += arguments[0].i64; }
static void finish(const void *state, ps_sql_result *result) { result->value = (ps_sql_value){.i64 = *(const int64_t *)state}; }
static void twice(const ps_sql_value *arguments, ps_sql_result *result) { result->value = (ps_sql_value){.is_null = false, .i64 = arguments[0].is_null ? -1 : 2 * arguments[0].i64}; }
static void broken(const ps_sql_value *arguments, ps_sql_result *result) { (void)arguments; result->value = (ps_sql_value){.text = {"\\xff", 1}}; }
PS_SQL_EXPORT const ps_sql_function only_add = {.abi = PS_SQL_FUNCTION_ABI, .result = PS_SQL_BIGINT, .parameters = {PS_SQL_BIGINT}, .state_size = 8, .add = add, .finish = finish};
PS_SQL_EXPORT const ps_sql_function lenient = {.abi = PS_SQL_FUNCTION_ABI, .result = PS_SQL_BIGINT, .parameters = {PS_SQL_BIGINT}, .takes_nulls = true, .scalar = twice};
PS_SQL_EXPORT const ps_sql_function no_text = {.abi = PS_SQL_FUNCTION_ABI, .result = PS_SQL_STRING, .scalar = broken};
PS_SQL_EXPORT const ps_sql_function other_abi = {.abi = 99};
PS_SQL_EXPORT const ps_sql_function nothing = {.abi = PS_SQL_FUNCTION_ABI, .result = PS_SQL_BIGINT, .parameters = {PS_SQL_BIGINT}};
PS_SQL_EXPORT const ps_sql_function stateless = {.abi = PS_SQL_FUNCTION_ABI, .result = PS_SQL_BIGINT, .parameters = {PS_SQL_BIGINT}, .add = add, .finish = finish};
PS_SQL_EXPORT const ps_sql_function no_result = {.abi = PS_SQL_FUNCTION_ABI, .scalar = twice};
"""
ROWS = """CREATE TABLE t (id INT, k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{}/t.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
"""
HOP = "SELECT window_start, {}(v) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;"


def compiled(source, library):
    subprocess.run([CC, "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{ROOT}/include", "-o", library, source], check=True)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    if shutil.which(CC) is None:
        pytest.skip("no C compiler")
    directory = tmp_path_factory.mktemp("functions")
    compiled(ROOT / "examples" / "functions" / "functions.c", directory / "functions.so")
    (directory / "small.c").write_text(SMALL)
    compiled(directory / "small.c", directory / "small.so")
    (directory / "t.csv").write_text("1,a,10,2026-01-01 00:00:01\n2,a,20,2026-01-01 00:00:07\n3,b,NULL,2026-01-01 00:00:08\n")
    return directory


def script(libraries, text, prefix=EXTENDED):
    (libraries / "job.sql").write_text(prefix + text)
    return run("run", libraries / "job.sql", "--format", "csv")


def created(libraries, name, library="small"):
    return CREATE.format(name, name, libraries, library)


def lines_of(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_example_does_what_it_says(libraries):
    text = (ROOT / "examples" / "functions" / "functions.sql").read_text().replace("'functions.so'", f"'{libraries}/functions.so'")
    assert lines_of(script(libraries, text)) == [
        "card,fee", "....11,66", "....00,2927", "op,currency,average", "+I,EUR,10.0", "-U,EUR,10.0", "+U,EUR,12.5", "+I,USD,"]


def test_aggregates_merge_and_take_rows_back(libraries):
    text = created(libraries, "weighted_average", "functions") + ROWS.format(libraries)
    windows = text + HOP.replace("{}(v)", "weighted_average(v, id)")
    done = script(libraries, windows)
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[-1] for line in done.stdout.splitlines()[1:]] == ["10.0", "16.666666666666668", "20.0"]
    frames = text + "SELECT id, weighted_average(v, 1) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a FROM t;"
    assert lines_of(script(libraries, frames)) == ["id,a", "1,10.0", "2,15.0", "3,20.0"]


def test_nulls_reach_a_function_only_where_it_wants_them(libraries):
    text = created(libraries, "lenient") + CREATE.format("fee", "payment_fee", libraries, "functions") + ROWS.format(libraries)
    assert lines_of(script(libraries, text + "SELECT lenient(v) AS l, fee(v) AS f FROM t;")) == ["l,f", "20,30", "40,30", "-1,"]


def test_functions_are_shown_and_dropped(libraries):
    text = created(libraries, "lenient")
    assert "lenient" in lines_of(script(libraries, text + "SHOW FUNCTIONS;"))
    assert lines_of(script(libraries, text + "CREATE FUNCTION IF NOT EXISTS lenient AS 'lenient' LANGUAGE C USING LIBRARY 'none.so';\nSELECT LENIENT(3) AS l;")) == ["l", "6"]
    assert "there is no function LENIENT" in script(libraries, text + "DROP FUNCTION lenient;\nSELECT lenient(3);").stderr
    assert "there is no function 'gone' of yours" in script(libraries, "DROP FUNCTION IF EXISTS gone;\nDROP FUNCTION gone;").stderr


@pytest.mark.parametrize("statement, message", [
    ("CREATE FUNCTION f AS 'f' LANGUAGE C USING LIBRARY '{0}/none.so';", "the library cannot be loaded: {0}/none.so"),
    (CREATE.format("f", "absent", "{0}", "small"), "the library exports no 'absent'"),
    (CREATE.format("f", "other_abi", "{0}", "small"), "function f is of interface 99, this program has 1"),
    (CREATE.format("f", "nothing", "{0}", "small"), "function f has neither `scalar` nor `add` and `finish`"),
    (CREATE.format("f", "stateless", "{0}", "small"), "function f has a state_size that is not within 1 and 4096"),
    (CREATE.format("f", "no_result", "{0}", "small"), "the result of function f has no type"),
    (CREATE.format("md5", "lenient", "{0}", "small"), "there is a function md5 of SQL's already"),
    (CREATE.format("f", "lenient", "{0}", "small") * 2, "function 'f' exists already"),
    (CREATE.format("f", "no_text", "{0}", "small") + "SELECT f();", "f gave a STRING that is not UTF-8"),
    (CREATE.format("f", "lenient", "{0}", "small") + "SELECT f('a', 1);", "f cannot take (CHAR(1) NOT NULL, INT NOT NULL); it is f(BIGINT) → BIGINT"),
    (CREATE.format("f", "only_add", "{0}", "small") + "SELECT f(1, 2);", "f with 2 arguments; it is f(BIGINT) → BIGINT"),
    (CREATE.format("f", "only_add", "{0}", "small") + "SELECT f(DISTINCT 1);", "DISTINCT in a function of the user's is not supported yet"),
    (CREATE.format("f", "only_add", "{0}", "small") + ROWS + HOP.replace("{}", "f"), "f has no `merge`"),
    (CREATE.format("f", "only_add", "{0}", "small") + ROWS + "SELECT f(n) FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k);", "f has no `retract`"),
    (CREATE.format("f", "payment_fee", "{0}", "functions") + "SELECT f(-1);", "f: an amount is never negative"),
    ("CREATE FUNCTION f AS 'x.Y' USING JAR 'x.jar';", "functions can be written in C only")])
def test_what_is_wrong_with_a_function_is_told(libraries, statement, message):
    done = script(libraries, statement.replace("{}/", "{0}/").format(libraries))
    assert done.returncode == 1
    assert message.format(libraries) in done.stderr


def test_the_portable_dialect_has_no_functions_in_c(libraries):
    done = script(libraries, created(libraries, "lenient"), prefix="")
    assert done.returncode == 1 and "CREATE FUNCTION is not portable" in done.stderr and "hint: SET 'paystream.dialect'" in done.stderr
