"""How a job cuts its rows is nobody's business: every conformance case and every shape answers the same, row for row, with batches of 1, 7 and 1024;
and the same rows with several lanes, in the same order where one row after the other goes from the source to the sink."""
import concurrent.futures
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tests" / "conformance"))
sys.path.insert(0, str(ROOT / "tests" / "streams"))
import cases
import payments
import program
import scripts
import shapes

CASES = ROOT.parent / "shared" / "conformance"
# rows of a batch, lanes; small batches make small ranges, too
CUTS = ((1, 1), (7, 1), (1024, 1), (1, 3), (7, 2))
SEED = int(os.environ.get("PS_SEED", "1"))


def settings(cut):
    return {"paystream.batch.rows": cut[0], "parallelism.default": cut[1]}


class SizedRunner(scripts.Runner):
    """Runs a case's scripts with one cut and keeps what they answer."""

    def __init__(self, directory, cut):
        super().__init__(PROGRAM, directory)
        self.settings, self.answers = [option for key, value in settings(cut).items() for option in ("-D", f"{key}={value}")], []

    def run(self, script, *options, **more):
        answer = super().run(script, *options, *self.settings, **more)
        self.answers.append(answer)
        return answer


def outcome(header, case, directory, cut):
    """(what the runner says, the answers) of a case."""
    run = SizedRunner(directory / f"{cut[0]}-{cut[1]}", cut)
    run.directory.mkdir(parents=True)
    schema = header["schema"].removeprefix("conformance-")
    try:
        said = "passed" if cases.RUNNERS[schema](run, header, case) is None else "failed"
    except (scripts.Refused, scripts.Failed) as error:
        said = type(error).__name__
    return said, run.answers


def comparable(answers, in_order):
    """Rows of the queries; the order counts where one input decides it."""
    rows = [[program.row_text([op, *row]) for op, row in result["rows"]] for answer in answers if answer for result in answer[0]]
    rows += [list(answer[1]) for answer in answers if answer]
    return rows if in_order else [sorted(result) for result in rows]


def has_one_source(case):
    text = json.dumps(case).upper()
    return len(case.get("tables", ())) <= 1 and text.count("CREATE TABLE") <= 1


def difference(path, header, case, directory):
    outcomes = [outcome(header, case, directory / path.stem / case["id"], cut) for cut in CUTS]
    said = [outcome[0] for outcome in outcomes]
    if len(set(said)) > 1:
        return f"{path.stem} {case['id']}: {dict(zip(CUTS, said))}"
    for cut, (_, answers) in zip(CUTS[1:], outcomes[1:]):
        in_order = has_one_source(case) and cut[1] == 1
        rows, other = comparable(outcomes[0][1], in_order), comparable(answers, in_order)
        if other != rows:
            pairs = [(a, b) for one, two in zip(rows, other) for a, b in zip(one, two) if a != b]
            return f"{path.stem} {case['id']}: {CUTS[0]} and {cut} answer differently, first: {pairs[:2]}"
    return None


@pytest.mark.parametrize("folder", ["windows", "sql", "flink_sql", "match_recognize"])
def test_conformance_cases_answer_the_same_for_every_cut(folder, tmp_path):
    if not (CASES / folder).is_dir():
        pytest.skip(f"there are no conformance cases at {CASES / folder}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = []
        for path in sorted((CASES / folder).glob("*.json")):
            header = json.loads(path.read_text())
            schema = header["schema"].removeprefix("conformance-")
            chosen = [case for case in header.pop("cases") if cases.skip_reason(schema, case) is None]
            found += pool.map(lambda case: difference(path, header, case, tmp_path), chosen)
    different = [text for text in found if text is not None]
    assert found and not different, "\n".join(different)


@pytest.mark.parametrize("shape", shapes.SHAPES, ids=lambda shape: shape.name)
def test_shapes_answer_the_same_for_every_cut(shape, tmp_path):
    numbers = random.Random(SEED)
    (tmp_path / "p.csv").write_text(payments.csv_text(payments.events(numbers, 5000, step_ms=40, late_ms=8000, keys=12)))
    (tmp_path / "q.json").write_text(payments.json_text(payments.events(numbers, 5000, step_ms=40, late_ms=8000, keys=12)))
    sources = payments.table_ddl("p", tmp_path / "p.csv") + payments.table_ddl("q", tmp_path / "q.json", file_format="json")
    answers = {}
    for cut in (*CUTS, (300, 1), (300, 2), (1024, 4)):
        script, sink = tmp_path / f"{cut[0]}-{cut[1]}.sql", tmp_path / f"sink-{cut[0]}-{cut[1]}"
        script.write_text(shape.script(sources, sink))
        done = subprocess.run(program.command(script, **settings(cut)), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        lines = [(str(path.parent.relative_to(sink)), line) for path in sorted(sink.rglob("part-*")) for line in path.read_text().splitlines()]
        assert lines
        answers[cut] = lines
    in_order = not ("q" in shape.query and "JOIN" in shape.query)
    for cut, lines in answers.items():
        if in_order and cut[1] == 1:
            assert lines == answers[CUTS[0]], f"SEED={SEED}: {CUTS[0]} and {cut} answer differently"
        else:
            assert sorted(lines) == sorted(answers[CUTS[0]]), f"SEED={SEED}: {CUTS[0]} and {cut} answer differently"
