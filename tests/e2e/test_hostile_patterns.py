"""Patterns whose partial matches multiply, over equal rows of one partition, a million of them: the declared limits end them, with bounded memory."""
import subprocess
import sys

import pytest
from conftest import PROGRAM

ROWS = """SET 'paystream.dialect' = 'extended';
CREATE TABLE equal_rows (id BIGINT, x INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND) WITH (
  'connector' = 'datagen', 'seed' = '1', 'number-of-rows' = '{rows}', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{last}',
  'fields.x.min' = '1', 'fields.x.max' = '1');
"""
MEMORY_MAX = 256 << 20


# A process of its own, small, whose child is the program: what getrusage tells of a child begins with the memory that its parent had at the fork.
MEASURE = """import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
sys.exit(code)"""


def run_pattern(tmp_path, pattern, define, settings="", rows=1_000_000):
    """(exit code, rows that came out, message); fails when the process has had more memory than it may."""
    query = (f"SELECT * FROM equal_rows MATCH_RECOGNIZE (ORDER BY ts MEASURES FIRST(id) AS first_id, COUNT(*) AS n AFTER MATCH SKIP PAST LAST ROW "
             f"PATTERN ({pattern}) DEFINE {define}) AS m;\n")
    script = tmp_path / "hostile.sql"
    script.write_text(settings + ROWS.format(rows=rows, last=rows - 1) + query)
    with open(tmp_path / "out", "w") as out, open(tmp_path / "err", "w") as err:
        process = subprocess.run([sys.executable, "-c", MEASURE, tmp_path / "peak", PROGRAM, "run", script, "--quiet", "--format", "json"], stdout=out, stderr=err)
    most = int((tmp_path / "peak").read_text())
    assert 0 < most < MEMORY_MAX, f"{pattern}: {most} bytes"
    return process.returncode, (tmp_path / "out").read_text().count('"op"'), (tmp_path / "err").read_text()


# never complete: no row is a D
MULTIPLYING = ["A*? B*? C*? D", "A+? B+? C+? D", "A{1,100}? B{1,100}? D", "(A B?)+? D", "((A+? B?)+? C*?)+? D", "(((A+?)+?)+?)+? D", "(A | B)+? D",
               "A {- X* -} B {- X* -} C {- X* -} D"]


@pytest.mark.parametrize("pattern", MULTIPLYING)
def test_a_pattern_whose_partial_matches_multiply_ends_with_the_limit(pattern, tmp_path):
    code, rows, message = run_pattern(tmp_path, pattern, "D AS x = 2")
    assert code == 1 and rows == 0
    assert "more than 10000 partial matches for one key" in message and "paystream.match.runs-per-key" in message


def test_a_greedy_chain_over_equal_rows_is_refused(tmp_path):
    code, _, message = run_pattern(tmp_path, "A* B* C*", "A AS x = 1, B AS x = 1, C AS x = 1")
    assert code == 1 and "an optional variable cannot follow a greedy one" in message


def test_one_partial_match_for_every_row_ends_with_the_limit(tmp_path):
    code, _, message = run_pattern(tmp_path, "A+? D", "D AS x = 2", "SET 'paystream.match.runs-per-key' = '1000';\n")
    assert code == 1 and "more than 1000 partial matches for one key" in message


def test_partial_matches_that_are_not_too_many_but_too_long_end_with_the_limit(tmp_path):
    """900 runs that go on side by side share no row of theirs with each other."""
    code, _, message = run_pattern(tmp_path, "A B*? D", "A AS id < 900, D AS x = 2", "SET 'paystream.match.rows-per-key' = '1000000';\n")
    assert code == 1 and "hold more than 1000000 rows" in message and "paystream.match.rows-per-key" in message


def test_a_match_that_grows_without_an_end_ends_with_the_limit(tmp_path):
    code, _, message = run_pattern(tmp_path, "A B*? D", "A AS id = 0, D AS x = 2")
    assert code == 1 and "100000 rows" in message and "paystream.match.rows-per-run" in message


@pytest.mark.parametrize("limit", ["runs-per-key", "rows-per-key"])
def test_the_oldest_partial_matches_go_where_the_job_shall_not_fail(limit, tmp_path):
    settings = f"SET 'paystream.match.on-limit' = 'evict';\nSET 'paystream.match.{limit}' = '10';\n"
    code, rows, message = run_pattern(tmp_path, "A*? B*? C*? D", "D AS id = 49999", settings, rows=50_000)
    assert code == 0 and rows == 1, message
