"""The conformance cases beside the project, through the real program; and that the runner can fail."""
import json
import re
import subprocess
import sys

import pytest
from conftest import PROGRAM, ROOT

RUNNER = ROOT / "tests" / "conformance" / "run"
CASES = ROOT.parent / "shared" / "conformance"
REFUSED_MAX = 0.02  # of flink_sql

QUERY_CASE = {
    "schema": "flink-sql/1",
    "cases": [{
        "id": "own-sum", "title": "a sum over a file", "tags": [],
        "files": {"numbers.csv": "1\n2\n3\n"},
        "script": "CREATE TABLE numbers (a INT) WITH ('connector' = 'filesystem', 'path' = '${DIR}/numbers.csv', 'format' = 'csv');\n"
                  "SELECT a, a * 2 AS b FROM numbers WHERE a > 1;\n",
        "outputs": [], "compare": "bag",
        "result": {"kind": "append", "columns": [{"name": "a", "type": "INT"}, {"name": "b", "type": "INT"}], "rows": [[2, 4], [3, 6]]},
    }],
}


def run_cases(*paths):
    """(exit code, lines)."""
    done = subprocess.run([sys.executable, RUNNER, "--program", PROGRAM, "--verbose", *map(str, paths)], capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout.splitlines(), done.stderr


def totals(lines):
    counts = re.findall(r"(\d+) (passed|failed|refused|skipped)", lines[-1])
    return {name: int(count) for count, name in counts}


@pytest.mark.parametrize("folder", ["windows", "sql", "flink_sql", "match_recognize", "cep"])
def test_every_case_of_a_folder_passes(folder):
    if not (CASES / folder).is_dir():
        pytest.skip(f"there are no conformance cases at {CASES / folder}")
    code, lines, err = run_cases(CASES / folder)
    assert lines, err
    failed = [line for line in lines if line.startswith("failed")]
    assert code == 0 and not failed, "\n".join(failed)
    counts = totals(lines)
    assert counts["passed"] > 0
    if folder == "flink_sql":
        cases = counts["passed"] + counts["refused"]
        assert counts["refused"] <= REFUSED_MAX * cases, "\n".join(line for line in lines if line.startswith("refused"))
    else:
        assert counts["refused"] == 0, "\n".join(line for line in lines if line.startswith("refused"))


def own_case(directory, **changes):
    document = json.loads(json.dumps(QUERY_CASE))
    document["cases"][0].update(changes)
    path = directory / "own.json"
    path.write_text(json.dumps(document))
    return path


def test_a_file_in_the_schema_can_be_run_from_anywhere(tmp_path):
    code, lines, err = run_cases(own_case(tmp_path))
    assert code == 0 and totals(lines)["passed"] == 1, (lines, err)


@pytest.mark.parametrize("rows", [
    [[2, 4], [3, 7]],
    [[2, 4]],
    [[2, 4], [3, 6], [3, 6]],
    [[2, 4], [3, None]],
], ids=["another value", "a row less", "a row more", "a NULL"])
def test_a_deliberately_wrong_expectation_fails(tmp_path, rows):
    result = {**QUERY_CASE["cases"][0]["result"], "rows": rows}
    code, lines, _ = run_cases(own_case(tmp_path, result=result))
    assert code == 1 and totals(lines) == {"passed": 0, "failed": 1, "refused": 0, "skipped": 0}


def test_what_is_not_refused_fails_where_an_error_is_expected(tmp_path):
    code, lines, _ = run_cases(own_case(tmp_path, compare="error", result={"kind": "error", "phase": "planning", "error": ""}))
    assert code == 1 and totals(lines)["failed"] == 1


def test_a_script_that_fails_where_rows_are_expected_fails(tmp_path):
    script = QUERY_CASE["cases"][0]["script"].replace("a > 1", "no_such_column > 1")
    code, lines, _ = run_cases(own_case(tmp_path, script=script))
    assert code == 1 and totals(lines)["failed"] == 1


def test_a_deliberately_wrong_expectation_of_a_two_phase_program_fails(tmp_path):
    def document(last):
        return {"schema": "sql/1", "cases": [{
            "id": "own-program", "tables": [{"name": "source_t", "schema": ["a INT", "b STRING"], "options": {},
                                             "phase1_rows": [{"v": [1, "x"]}], "phase2_rows": [{"v": [2, "y"]}]}],
            "sql": ["INSERT INTO sink_t SELECT a + 1, b FROM source_t"], "config": {},
            "sinks": [{"name": "sink_t", "schema": ["a INT", "b STRING"], "phase1_text": ["+I[2, x]"], "phase2_text": [last]}]}]}
    path = tmp_path / "program.json"
    path.write_text(json.dumps(document("+I[3, y]")))
    code, lines, err = run_cases(path)
    assert code == 0, (lines, err)
    path.write_text(json.dumps(document("+I[4, y]")))
    code, lines, _ = run_cases(path)
    assert code == 1 and totals(lines)["failed"] == 1


def pattern_case(**changes):
    """a, then b within 5 ms, followed by d: found; c times out."""
    events = [{"seq": i, "ts": ts, "name": name, "price": 1.0} for i, (ts, name) in enumerate([(1, "a"), (2, "b"), (3, "a"), (9, "d")])]
    return {"id": "own-pattern", "events": events, "skip": {"strategy": "no_skip"}, "emit_timeouts": True,
            "pattern": [{"contiguity": "begin", "var": "x", "where": {"name_eq": "a"}, "within_ms": 5},
                        {"contiguity": "followedBy", "var": "y", "where": {"name_eq": "b"}}],
            "expected": [{"at": 1, "match": {"x": [0], "y": [1]}}],
            "expected_timeouts": [{"at": 3, "timeout_ts": 8, "match": {"x": [2]}}], **changes}


@pytest.mark.parametrize("changes, outcome", [
    ({}, "passed"),
    ({"expected": []}, "failed"),
    ({"expected": [{"at": 2, "match": {"x": [0], "y": [1]}}]}, "failed"),
    ({"expected": [{"at": 1, "match": {"x": [0], "y": [2]}}]}, "failed"),
    ({"expected": [{"at": 1, "on": "advance", "match": {"x": [0], "y": [1]}}]}, "failed"),
    ({"expected_timeouts": []}, "failed"),
    ({"expected_timeouts": [{"at": 3, "timeout_ts": 9, "match": {"x": [2]}}]}, "failed"),
    ({"expected_error": "FlinkRuntimeException"}, "failed"),
], ids=["right", "none", "another event", "other rows", "by time", "no timeout", "another time", "an error"])
def test_a_deliberately_wrong_expectation_of_a_pattern_fails(tmp_path, changes, outcome):
    path = tmp_path / "pattern.json"
    path.write_text(json.dumps({"schema": "cep/1", "cases": [pattern_case(**changes)]}))
    code, lines, err = run_cases(path)
    assert totals(lines)[outcome] == 1 and code == (0 if outcome == "passed" else 1), (lines, err)


def test_a_path_that_is_not_there_is_an_error(tmp_path):
    code, _, err = run_cases(tmp_path / "none.json")
    assert code != 0 and "none.json" in err
