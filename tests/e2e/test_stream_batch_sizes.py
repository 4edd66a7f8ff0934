"""The size of batches inside a job is nobody's business: every conformance case and every shape answers the same, row for row, with 1, 7 and 1024."""
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
SIZES = (1, 7, 1024)
SEED = int(os.environ.get("PS_SEED", "1"))


class SizedRunner(scripts.Runner):
    """Runs a case's scripts with one batch size and keeps what they answer."""

    def __init__(self, directory, size):
        super().__init__(PROGRAM, directory)
        self.size, self.answers = size, []

    def run(self, script, *options, **more):
        answer = super().run(script, *options, "-D", f"paystream.batch.rows={self.size}", **more)
        self.answers.append(answer)
        return answer


def outcome(header, case, directory, size):
    """(what the runner says, the answers) of a case."""
    run = SizedRunner(directory / str(size), size)
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
    outcomes = [outcome(header, case, directory / path.stem / case["id"], size) for size in SIZES]
    said = [outcome[0] for outcome in outcomes]
    if len(set(said)) > 1:
        return f"{path.stem} {case['id']}: {dict(zip(SIZES, said))}"
    rows = [comparable(outcome[1], has_one_source(case)) for outcome in outcomes]
    for size, other in zip(SIZES[1:], rows[1:]):
        if other != rows[0]:
            pairs = [(a, b) for one, two in zip(rows[0], other) for a, b in zip(one, two) if a != b]
            return f"{path.stem} {case['id']}: batches of {SIZES[0]} and {size} answer differently, first: {pairs[:2]}"
    return None


@pytest.mark.parametrize("folder", ["windows", "sql", "flink_sql"])
def test_conformance_cases_answer_the_same_for_every_batch_size(folder, tmp_path):
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
def test_shapes_answer_the_same_for_every_batch_size(shape, tmp_path):
    numbers = random.Random(SEED)
    (tmp_path / "p.csv").write_text(payments.csv_text(payments.events(numbers, 5000, step_ms=40, late_ms=8000, keys=12)))
    (tmp_path / "q.json").write_text(payments.json_text(payments.events(numbers, 5000, step_ms=40, late_ms=8000, keys=12)))
    sources = payments.table_ddl("p", tmp_path / "p.csv") + payments.table_ddl("q", tmp_path / "q.json", file_format="json")
    answers = []
    for size in (1, 7, 300, 1024):
        script = tmp_path / f"{size}.sql"
        script.write_text(shape.script(sources, tmp_path / f"sink-{size}"))
        done = subprocess.run(program.command(script, **{"paystream.batch.rows": size}), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        lines = [line for path in sorted(Path(tmp_path / f"sink-{size}").iterdir()) for line in path.read_text().splitlines()]
        assert lines
        answers.append(sorted(lines) if "q" in shape.query and "JOIN" in shape.query else lines)
    for size, lines in zip((7, 300, 1024), answers[1:]):
        assert lines == answers[0], f"SEED={SEED}: batches of 1 and {size} answer differently"
