"""Random queries over random data against the oracles of tests/streams: a naive evaluator, SQLite and, where it is there, a real Flink.
PS_FULL=1: 3,000, 3,000 and 300 queries; otherwise a sample from fixed seeds; PS_SEED moves it."""
import json
import os
import random
import re
import sys

import pytest
from conftest import ROOT, run

sys.path.insert(0, str(ROOT / "tests" / "streams"))
import naive
import oracles
import patterns
import payments
import program
from expressions import Expression

FULL = os.environ.get("PS_FULL") == "1"
SEED = int(os.environ.get("PS_SEED", "0"))
SEEDS = [SEED + number for number in ((1, 2, 3, 4, 5, 6) if FULL else (1, 2))]


def check(seed, comparisons, refused_max=0.0):
    outcomes = list(comparisons)
    wrong = [comparison.text() for comparison in outcomes if comparison.outcome in ("differs", "crashed")]
    assert outcomes and not wrong, f"SEED={seed}: {len(wrong)} of {len(outcomes)} queries\n" + "\n".join(wrong[:5])
    refused = [comparison.text() for comparison in outcomes if comparison.outcome == "refused"]
    assert len(refused) <= refused_max * len(outcomes), f"SEED={seed}: refused\n" + "\n".join(refused[:5])
    return outcomes


@pytest.mark.parametrize("seed", SEEDS)
def test_random_queries_agree_with_the_naive_evaluator(seed, tmp_path):
    outcomes = check(seed, oracles.by_naive_evaluator(seed, 500 if FULL else 150, tmp_path))
    kinds = {comparison.kind for comparison in outcomes}
    assert {"window", "session", "over", "interval join", "group", "dedup", "top", "window top", "calc"} <= kinds


@pytest.mark.parametrize("seed", SEEDS)
def test_random_patterns_agree_with_the_naive_matcher(seed, tmp_path):
    check(seed, oracles.by_naive_matcher(seed, 600 if FULL else 150, tmp_path))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_nested_queries_agree_with_sqlite(seed, tmp_path):
    check(seed, oracles.by_sqlite(seed, 500 if FULL else 150, tmp_path))


def test_random_queries_agree_with_flink(tmp_path):
    missing = oracles.flink_is_missing()
    if missing is not None:
        pytest.skip(f"no Flink to compare with: {missing}")
    seed = SEED + 1
    outcomes = check(seed, oracles.by_flink(seed, 300 if FULL else 30, tmp_path))
    alone = [comparison.text() for comparison in outcomes if comparison.outcome == "refused by Flink alone"]
    assert not alone, f"SEED={seed}: portable mode takes what Flink refuses\n" + "\n".join(alone)


def test_random_patterns_agree_with_flink(tmp_path):
    missing = oracles.flink_is_missing()
    if missing is not None:
        pytest.skip(f"no Flink to compare with: {missing}")
    seed = SEED + 1
    outcomes = check(seed, oracles.patterns_by_flink(seed, 300 if FULL else 30, tmp_path))
    alone = [comparison.text() for comparison in outcomes if comparison.outcome == "refused by Flink alone"]
    assert not alone, f"SEED={seed}: portable mode takes what Flink refuses\n" + "\n".join(alone)


@pytest.mark.parametrize("seed", SEEDS)
def test_patterns_of_a_statement_set_share_an_operator_and_answer_as_alone(seed, tmp_path):
    data = oracles.Data(random.Random(seed + 2), tmp_path)
    for round_number in range(10 if FULL else 3):
        numbers = random.Random(f"{seed}-set-{round_number}")
        names = numbers.choice([[], ["acct"], ["merchant", "status"]])
        queries = [patterns.PatternGenerator(numbers).query(names) for _ in range(numbers.choice([2, 3, 6]))]
        ddl, inserts = data.ddl, ""
        for number, query in enumerate(queries):
            ddl += (f"CREATE TABLE s{number} (first_id BIGINT, last_id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', "
                    f"'path' = '{tmp_path}/{round_number}/s{number}', 'format' = 'json');\n")
            inserts += f"INSERT INTO s{number} SELECT m0, m1, m2 FROM ({query.sql});\n"
        script = f"{ddl}EXECUTE STATEMENT SET BEGIN\n{inserts}END;\n"
        path = tmp_path / "plan.sql"
        path.write_text(script)
        assert len(set(re.findall(r"Match#(\d+)", run("explain", path).stdout))) == 1
        program.run_script(script, tmp_path)
        for number, query in enumerate(queries):
            files = sorted((tmp_path / str(round_number) / f"s{number}").glob("part-*"))
            rows = [list(json.loads(line).values()) for file in files for line in file.read_text().splitlines()]
            wanted = [row[len(names):len(names) + 3] for row in query.answer(data.rows)]
            assert sorted(rows) == sorted(wanted), f"SEED={seed}: {query.sql}"


def test_random_patterns_do_match():
    names = [name for name, _ in payments.COLUMNS]
    tables = {"p": [dict(zip(names, row)) for row in payments.events(random.Random(SEED), 200)]}
    found = [len(patterns.PatternGenerator(random.Random(f"{SEED}-{number}")).query().answer(tables)) for number in range(100)]
    assert sum(count > 0 for count in found) > 25


def test_a_wrong_matcher_is_found_out(tmp_path, monkeypatch):
    """Greedy variables that give rows back, as a regular expression's would."""
    monkeypatch.setattr(patterns, "guarded", lambda edge, taken, row: all(v.holds(taken, row) for v, wanted in edge.guards if wanted))
    assert any(comparison.outcome == "differs" for comparison in oracles.by_naive_matcher(1, 100, tmp_path))


# ── the evaluator itself, by the vectors of the public tests ──

MINUTE = 60_000


def rows_at(*pairs):
    """(minute, value) → rows whose watermark never makes them late."""
    return [{"ts": minute * MINUTE, "x": value} for minute, value in pairs]


def sums(window, rows):
    contents = naive.window_contents(rows, 100 * MINUTE, window)
    return {(start // MINUTE, end // MINUTE): sum(row["x"] for row in content) for (start, end), content in contents.items()}


def test_the_naive_windows_are_those_of_the_reference():
    rows = rows_at((5, 4), (7, 2), (9, 5), (11, 3), (13, 1), (17, 6))
    assert sums(("TUMBLE", 10 * MINUTE, 0, 0), rows) == {(0, 10): 11, (10, 20): 10}
    assert sums(("HOP", 10 * MINUTE, 5 * MINUTE, 0), rows) == {(0, 10): 11, (5, 15): 15, (10, 20): 10, (15, 25): 6}
    cumulated = sums(("CUMULATE", 10 * MINUTE, 2 * MINUTE, 0), rows)
    assert {end: total for (_, end), total in cumulated.items()} == {6: 4, 8: 6, 10: 11, 12: 3, 14: 4, 16: 4, 18: 10, 20: 10}


@pytest.mark.parametrize("offset, start", [(-16, -6), (-6, -6), (4, -6), (-4, -4), (0, 0), (6, -4), (16, -4)])
def test_the_naive_windows_move_with_their_offset(offset, start):
    assert naive.aligned(4000, 10 * MINUTE, offset * MINUTE) == start * MINUTE


def test_naive_sessions_that_touch_are_one():
    rows = [{"ts": ts} for ts in (0, 1000, 2001)]
    found = naive.session_contents(rows, 10_000, 1000, [])
    assert sorted((start, end, len(content)) for _, start, end, content in found) == [(0, 2000, 2), (2001, 3001, 1)]


def test_a_wrong_evaluator_is_found_out(tmp_path, monkeypatch):
    """The comparison can fail: windows that lose no late row, peers that do not see each other."""
    kept = naive.window_contents
    monkeypatch.setattr(naive, "window_contents", lambda rows, delay, window, condition=None, drops_late=True: kept(rows, delay, window, condition, False))
    monkeypatch.setattr(naive.KeyRows, "turn", lambda self, now, frame, calls: [])
    outcomes = {comparison.kind for comparison in oracles.by_naive_evaluator(1, 100, tmp_path) if comparison.outcome == "differs"}
    assert {"window", "over"} <= outcomes


def test_random_rows_hold_what_makes_queries_hard():
    rows = payments.events(random.Random(SEED), 500, late_ms=40_000)
    times = [row[1] for row in rows]
    befores = naive.watermarks_before([{"ts": ts} for ts in times], 4000)
    assert sum(ts <= watermark for ts, watermark in zip(times, befores)) > 5, "late rows"
    assert len(set(times)) < len(times), "equal times"
    assert times != sorted(times) and any(value is None for row in rows for value in row)
    assert isinstance(Expression("1", "INT", lambda row: 1).value({}), int)
